"""Rollouts driven by people: orders by API and command line, locks, weights by hand."""
import json
import time

from harness import case, main, need
from load import H2load
from peers import Node
from plans import climbing, quick
from rollouts import at_weight, decisions, held, reaches, state
from sides import two

need("nginx", "node", "h2load")


@case("people drive a rollout by the API: pause, resume, approve, skip, promote, abort, retry")
def _(t):
    _, _, p = two(t)
    load = H2load(t, p.url(), 120, 2000, connections=20)
    drive(t, p, p.admin.start, lambda verb: p.admin.order(verb))
    load.stop()


@case("people drive a rollout by the command line")
def _(t):
    _, _, p = two(t)
    load = H2load(t, p.url(), 120, 2000, connections=20)

    def start(plan):
        done = p.cli("rollout", "start", "web", t.write("plan.yaml", json.dumps(plan)))
        t.equal(done.status, 0, f"rollout start: {done.stderr}")

    def order(verb):
        done = p.cli("rollout", verb, "web")
        t.equal(done.status, 0, f"rollout {verb}: {done.stderr}")
    drive(t, p, start, order)
    text = p.cli("status")
    t.equal(text.status, 0, text.stderr)
    for word in ("web", "ec2", "fargate"):
        t.contains(text.stdout, word, "penstock status")
    t.equal([r["name"] for r in p.cli("status", "--json").json()["routes"]], ["web"], "penstock status --json")
    load.stop()


def drive(t, p, start, order):
    """Through every order; each does what it says and nothing else."""
    start(quick((20, "1s"), {"pause": {}}, (30, "1h"), (40, "1h"), {"setWeight": 100, "bake": "1s"}))
    held(t, p, "approval")
    t.equal(p.admin.rollout()["weight"], 20, "the weight before the approval")
    order("pause")
    t.wait(lambda: state(p) == "paused", "paused")
    order("resume")
    t.wait(lambda: state(p) == "running", "running")
    order("approve")
    at_weight(t, p, 30)
    order("skip")
    at_weight(t, p, 40)
    order("abort")
    t.wait(lambda: state(p) == "rolledBack", "rolled back")
    at_weight(t, p, 0)
    order("retry")
    at_weight(t, p, 20)
    order("promote")
    reaches(t, p, "promoted", 40)
    at_weight(t, p, 100)


@case("promote --full goes to 100 at once")
def _(t):
    _, _, p = two(t)
    p.admin.start(quick((1, "1h"), {"setWeight": 100, "bake": "1s"}))
    at_weight(t, p, 1)
    done = p.cli("rollout", "promote", "web", "--full")
    t.equal(done.status, 0, done.stderr)
    at_weight(t, p, 100)


@case("a running plan is changed: later steps, and by force the present one")
def _(t):
    _, _, p = two(t)
    load = H2load(t, p.url(), 120, 2000, connections=20)

    def update(plan, *words):
        return p.cli("rollout", "update", "web", t.write("plan.yaml", json.dumps(plan)), *words)
    p.admin.start(quick((5, "1h"), (100, "1s")))
    at_weight(t, p, 5)
    done = update(quick((5, "1h"), (20, "1h"), (100, "1s")))
    t.equal(done.status, 0, done.stderr)
    t.contains(done.stdout, "steps[1].setWeight: 100 -> 20", "what the update says")
    done = update(quick((5, "1s"), (20, "1h"), (100, "1s")))
    t.equal(done.status, 1, "the present step without --force")
    t.contains(done.stderr, "steps[0] has begun", "why not")
    done = update(quick((5, "1s"), (20, "1h"), (100, "1s")), "--force")
    t.equal(done.status, 0, done.stderr)
    at_weight(t, p, 20)
    done = update(quick((5, "1s"), (20, "1h"), (100, "1s"), analysis={"falseRollback": 0.1}), "--force")
    t.contains(done.stderr, "what is judged cannot change", "the guarantee is kept")
    said = [d["text"] for d in decisions(p) if d["reason"] == "updated"]
    t.equal(len(said), 2, f"decisions: {said}")
    p.admin.order("abort")
    at_weight(t, p, 0)
    load.stop()


@case("orders that make no sense are refused with what would")
def _(t):
    _, _, p = two(t)
    for verb in ("pause", "resume", "approve", "skip", "promote", "abort", "retry"):
        answer = p.admin.ask("POST", f"/v1/routes/web/rollout/{verb}", {})
        t.check(answer.status in (404, 409), f"{verb} without a rollout: {answer.status} {answer.text}")
    p.admin.start(quick((5, "1h"), (100, "1s")))
    at_weight(t, p, 5)
    t.equal(p.admin.rollout()["orders"], ["pause", "skip", "promote", "promoteFull", "abort", "lock", "weight"], "what makes sense")
    for verb in ("resume", "approve", "retry"):
        answer = p.admin.ask("POST", f"/v1/routes/web/rollout/{verb}", {})
        t.equal(answer.status, 409, f"{verb} while it runs: {answer.text}")
        t.check(answer.json()["detail"], f"{verb}: the detail")
    t.equal(p.admin.ask("POST", "/v1/routes/web/rollout", climbing()).status, 409, "a second rollout on the route")
    t.equal(p.admin.ask("POST", "/v1/routes/none/rollout", climbing()).status, 404, "a route that is not there")
    t.equal(p.admin.ask("POST", "/v1/routes/web/rollout/dance", {}).status, 404, "an order that is not there")


@case("a plan that does not fit is refused with every error")
def _(t):
    _, _, p = two(t)
    answer = p.admin.ask("POST", "/v1/routes/web/rollout", {"name": "x", "steps": [{"setWeigth": 5}, {"setWeight": 101}],
                                                            "onRegresion": "hold"})
    t.check(answer.status in (400, 422), f"{answer.status} {answer.text}")
    for part in ("setWeigth", "setWeight", "101", "onRegression"):
        t.contains(answer.text, part, "the errors")
    t.equal(p.admin.ask("GET", "/v1/routes/web/rollout").status, 404, "no rollout has begun")
    answer = p.admin.ask("POST", "/v1/routes/web/rollout", {"name": "x", "judge": "threshold", "steps": [{"setWeight": 101}]})
    t.contains(answer.json()["detail"], "101 is more than 100", "what refuses it, not what it is warned of before")


@case("a lock stops the way forward, not the way back")
def _(t):
    canary = Node(t, "fargate")
    _, _, p = two(t, stable=Node(t, "ec2"), canary=canary)
    load = H2load(t, p.url(), 120, 400, connections=20)
    p.admin.start(quick((20, "3s"), (100, "1s")))
    at_weight(t, p, 20)
    p.admin.weight(20, lock=True)
    held(t, p, "locked")
    t.equal(p.admin.must("GET", "/v1/routes/web/weight")["lock"], True, "the lock in the API")
    canary.set(errorRate=0.3)
    reaches(t, p, "rolledBack")
    load.stop()


@case("a weight by hand ends the ramp until resume")
def _(t):
    _, _, p = two(t)
    load = H2load(t, p.url(), 120, 2000, connections=20)
    p.admin.start(quick((5, "1s"), (10, "1s"), {"setWeight": 100, "bake": "1s"}))
    at_weight(t, p, 5)
    p.admin.weight(33)
    at_weight(t, p, 33)
    t.equal(p.admin.rollout()["orders"], ["pause", "resume", "promote", "promoteFull", "abort", "lock", "weight"], "what makes sense")
    quiet = time.time() + 3
    while time.time() < quiet:
        t.equal(p.admin.rollout()["weight"], 33, "the weight by hand stays")
        time.sleep(0.2)
    p.admin.order("resume")
    reaches(t, p, "promoted", 40)
    load.stop()


main()
