"""Rollouts on real traffic: forward, back, held, driven by people, and over a crash."""
import json
import os
import subprocess
import time

from harness import PATIENCE, SANITIZER, Skip, case, main, need, tool
from load import H2load, Wrk
from penstock import Penstock, configuration
from peers import Nginx, Node
from plans import climbing, quick
from records import wall
from wire import get

need("nginx", "node", "wrk", "h2load")

FORCE_S = 1.0  # after a decision to go back, weights are 0 by then


def state(p):
    return p.admin.rollout()["state"]


def reaches(t, p, wanted, timeout=30.0):
    """Waits until the rollout is in this state; fails at once when it ends in another one."""
    def now():
        got = state(p)
        t.check(got == wanted or got not in ("rolledBack", "promoted"), f"the rollout is {got}, not {wanted}: {last(p)}")
        return got == wanted
    t.wait(now, f"the rollout is {wanted}", timeout)


def at_weight(t, p, weight, timeout=30.0):
    t.wait(lambda: p.admin.must("GET", "/v1/routes/web/weight")["canary"] == weight, f"weight {weight}", timeout)


def held(t, p, reason, timeout=15.0):
    """Waits for a hold with this reason, and gives its record."""
    def found():
        records = [d for d in decisions(p) if d["action"] == "hold"]
        return records[-1] if records and records[-1]["reason"] == reason else None
    return t.wait(found, f"a hold with reason {reason}", timeout)


def decisions(p):
    return p.admin.decisions()["decisions"]


def last(p):
    return json.dumps(decisions(p)[-1]) if decisions(p) else "no decision yet"


def two(t, stable=None, canary=None, **more):
    stable, canary = stable or Nginx(t, "ec2"), canary or Nginx(t, "fargate")
    return stable, canary, Penstock(t, {"ec2": [stable], "fargate": [canary]}, **more)


@case("a plan takes a route from 0 to 100 under load without a failed request, then stable gets none")
def _(t):
    stable, canary, p = two(t)
    load = Wrk(t, p.url(), 45 if not SANITIZER else 120, connections=16)
    p.admin.start(climbing())
    reaches(t, p, "promoted", 40)
    at_weight(t, p, 100)
    before = t.settled(stable.requests, "requests at the stable group", quiet=0.2)
    seen = canary.requests()
    t.wait(lambda: canary.requests() > seen + 500, "more traffic at the canary")
    t.equal(stable.requests(), before, "requests at the stable group after 100 %")
    load.signal(2)
    result = load.flawless()
    t.note(f"{result['requests']} requests")
    t.equal(p.log.by("outcome").keys() - {"served", "client_gone"}, set(), "outcomes in the log")
    went = [d["weight"]["to"] for d in decisions(p) if d["action"] in ("forward", "promote")]
    t.equal(sorted(set(went)), [1, 10, 50, 100], f"weights on the way: {went}")
    t.equal(sorted(set(p.log.by("weight"))), [0, 1, 10, 50, 100], "weights in the log")


def goes_back(t, canary, metric, bad, plan=None, rate=400):
    """The rollout is rolled back on this metric; `bad()` counts what the users suffered from."""
    stable, _, p = two(t, stable=Node(t, "ec2"), canary=canary)
    load = H2load(t, p.url(), 120, rate, connections=20)
    t.wait(lambda: stable.counts()["requests"] > rate, "load arrives")
    p.admin.start(plan or climbing())
    reaches(t, p, "rolledBack", 60)
    noticed = time.time()
    record = [d for d in decisions(p) if d["action"] == "rollback"][-1]
    at_weight(t, p, 0, FORCE_S)
    before = t.settled(lambda: canary.counts()["requests"], "requests at the canary", quiet=0.3)
    seen = stable.counts()["requests"]
    t.wait(lambda: stable.counts()["requests"] > seen + rate, "traffic goes on at the stable group")
    t.equal(canary.counts()["requests"], before, "requests at the canary after the rollback")
    load.stop()
    t.note(record["text"])
    t.note(f"bad canary requests in all: {bad()}")
    t.check(bad() < 100, f"{bad()} canary requests were bad")
    named(t, record, metric)
    decided = wall(record["time"])
    late = [r for r in p.log.lines() if r["platform"] == "fargate" and wall(r["timestamp"]) > decided + FORCE_S * PATIENCE]
    t.equal(late, [], f"canary requests that began later than {FORCE_S} s after the decision")
    t.check(noticed - decided < 5 * PATIENCE, "the decision's time")
    return p, record


def named(t, record, metric):
    """The decision says which metric, how many of how many, how much worse, and the limit."""
    t.equal((record["reason"], record["metric"]), ("regression", metric), "reason and metric")
    counts = record["counts"]
    for side in ("canary", "stable"):
        t.check(counts[side]["requests"] > 0 and counts[side]["bad"] >= 0, f"counts: {counts}")
    t.check(counts["canary"]["bad"] > 0, f"bad canary requests: {counts}")
    t.check(record["ratio"] is None or record["ratio"] > 1.25, f"ratio: {record['ratio']}")
    t.check(record["e"] >= record["threshold"] > 0, f"evidence {record['e']}, threshold {record['threshold']}")
    t.equal(record["weight"]["to"], 0, "the new weight")
    for part in (metric, str(counts["canary"]["bad"]), "fargate", "ec2"):
        t.contains(record["text"], part, "the text")


@case("a canary that fails 5 % of its requests is rolled back before 100 errors")
def _(t):
    canary = Node(t, "fargate", errorRate=0.05)
    goes_back(t, canary, "errors", lambda: canary.counts()["errors"])


@case("a canary that is ten times slower than the SLO is rolled back before 100 slow answers")
def _(t):
    canary = Node(t, "fargate", delayMs=1000)
    goes_back(t, canary, "latency", lambda: canary.counts()["requests"])


@case("a canary that accepts and never answers is rolled back")
def _(t):
    canary = Node(t, "fargate", hang=True)
    goes_back(t, canary, "latency", lambda: canary.counts()["requests"], rate=200)


@case("a canary that fails every request is rolled back after a few")
def _(t):
    canary = Node(t, "fargate", errorRate=1)
    goes_back(t, canary, "errors", lambda: canary.counts()["errors"])
    t.check(canary.counts()["errors"] < 40, f"{canary.counts()['errors']} errors")


@case("a rollback that is due while the window is closed and the rollout waits still happens")
def _(t):
    canary = Node(t, "fargate")
    _, _, p = two(t, stable=Node(t, "ec2"), canary=canary)
    load = H2load(t, p.url(), 120, 400, connections=20)
    p.admin.start(quick((20, "1s"), {"setWeight": 100, "window": "never"}, windows=[closed()]))
    held(t, p, "window")
    canary.set(errorRate=0.2)
    reaches(t, p, "rolledBack")
    at_weight(t, p, 0, FORCE_S)
    load.stop()


def closed():
    """A window on the weekday that is three days away."""
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    day = names[(time.gmtime().tm_wday + 3) % 7]
    return {"name": "never", "days": day, "from": "10:00", "to": "11:00", "timeZone": "UTC"}


@case("outside the window nothing goes forward, and the hold says when it opens")
def _(t):
    _, _, p = two(t)
    load = H2load(t, p.url(), 60, 500, connections=10)
    p.admin.start(quick((5, "1s"), {"setWeight": 50, "window": "never"}, (100, "1s"), windows=[closed()]))
    record = held(t, p, "window")
    t.contains(record["text"], "10:00", "the text of the hold")
    t.equal(p.admin.rollout()["weight"], 5, "the weight")
    load.stop()


@case("people drive a rollout by the API: pause, resume, approve, skip, promote, abort, retry")
def _(t):
    _, _, p = two(t)
    load = H2load(t, p.url(), 120, 500, connections=10)
    drive(t, p, p.admin.start, lambda verb: p.admin.order(verb))
    load.stop()


@case("people drive a rollout by the command line")
def _(t):
    _, _, p = two(t)
    load = H2load(t, p.url(), 120, 500, connections=10)

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
    start(quick((5, "1s"), {"pause": {}}, (10, "1h"), (25, "1h"), {"setWeight": 100, "bake": "1s"}))
    held(t, p, "approval")
    t.equal(p.admin.rollout()["weight"], 5, "the weight before the approval")
    order("pause")
    t.wait(lambda: state(p) == "paused", "paused")
    order("resume")
    t.wait(lambda: state(p) == "running", "running")
    order("approve")
    at_weight(t, p, 10)
    order("skip")
    at_weight(t, p, 25)
    order("abort")
    t.wait(lambda: state(p) == "rolledBack", "rolled back")
    at_weight(t, p, 0)
    order("retry")
    at_weight(t, p, 5)
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


@case("orders that make no sense are refused with what would")
def _(t):
    _, _, p = two(t)
    for verb in ("pause", "resume", "approve", "skip", "promote", "abort", "retry"):
        answer = p.admin.ask("POST", f"/v1/routes/web/rollout/{verb}", {})
        t.check(answer.status in (404, 409), f"{verb} without a rollout: {answer.status} {answer.text}")
    p.admin.start(quick((5, "1h"), (100, "1s")))
    at_weight(t, p, 5)
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
    load = H2load(t, p.url(), 120, 500, connections=10)
    p.admin.start(quick((5, "1s"), (10, "1s"), {"setWeight": 100, "bake": "1s"}))
    at_weight(t, p, 5)
    p.admin.weight(33)
    at_weight(t, p, 33)
    quiet = time.time() + 3
    while time.time() < quiet:
        t.equal(p.admin.rollout()["weight"], 33, "the weight by hand stays")
        time.sleep(0.2)
    p.admin.order("resume")
    reaches(t, p, "promoted", 40)
    load.stop()


# What has to be the same after a crash. Evidence is a sum of logarithms: it is saved, not computed again.
def kept(rollout):
    return {"id": rollout["id"], "state": rollout["state"], "step": rollout["step"], "weight": rollout["weight"],
            "plan": rollout["plan"], "started": rollout["started"]}


def evidence(rollout):
    return {m["name"]: (m["counts"]["canary"]["requests"], m["counts"]["canary"]["bad"], round(m["e"], 3)) for m in rollout["metrics"]}


@case("kill -9 in the middle of a rollout: the same step, weight and evidence, and it goes on to the end")
def _(t):
    stable, canary = Nginx(t, "ec2"), Nginx(t, "fargate")
    _, _, p = two(t, stable, canary)
    load = H2load(t, p.url(), 60, 800, connections=10)
    p.admin.start(quick((5, "1s"), (20, "6s"), (60, "2s"), {"setWeight": 100, "bake": "2s"}))
    at_weight(t, p, 20)
    t.wait(lambda: p.admin.rollout()["metrics"][0]["counts"]["canary"]["requests"] > 100, "evidence at 20 %")
    load.stop()
    t.settled(lambda: evidence(p.admin.rollout()), "evidence", quiet=2.5)
    before = p.admin.rollout()
    told = decisions(p)
    p.kill9()
    q = Penstock(t, None, config=p.config)
    after = q.admin.rollout()
    t.equal(kept(after), kept(before), "the rollout after the crash")
    t.equal(evidence(after), evidence(before), "the evidence after the crash")
    t.equal(q.admin.must("GET", "/v1/routes/web/weight")["canary"], 20, "the weight in force from the first request on")
    t.equal(decisions(q)[:len(told)], told, "the decisions")
    load = H2load(t, q.url(), 60, 800, connections=10)
    reaches(t, q, "promoted", 40)
    load.stop()
    t.equal(get(q.address).body, b"fargate\n", "who answers at the end")


@case("weights that were set by hand outlive kill -9, and win over the configuration")
def _(t):
    _, _, p = two(t, weight=10)
    p.admin.weight(100)
    p.kill9()
    q = Penstock(t, None, config=p.config)
    t.equal(q.admin.must("GET", "/v1/routes/web/weight")["canary"], 100, "the weight")
    t.equal([get(q.address).body for n in range(20)], [b"fargate\n"] * 20, "who answers")


@case("a rollout that has ended stays ended over a restart")
def _(t):
    _, _, p = two(t)
    p.admin.start(quick((5, "1h"), (100, "1s")))
    at_weight(t, p, 5)
    p.admin.order("abort")
    t.wait(lambda: state(p) == "rolledBack", "rolled back")
    p.close()
    q = Penstock(t, None, config=p.config)
    t.equal((state(q), q.admin.rollout()["weight"]), ("rolledBack", 0), "state and weight")


@case("when the state cannot be written nothing goes forward, and a rollback still happens")
def _(t):
    folder = t.path("state")
    canary = Node(t, "fargate")
    small_disk(t, folder)
    _, _, p = two(t, stable=Node(t, "ec2"), canary=canary)
    load = H2load(t, p.url(), 120, 400, connections=20)
    p.admin.start(quick((20, "4s"), (50, "1s"), (100, "1s")))
    at_weight(t, p, 20)
    fill(folder)
    record = held(t, p, "storage", 30)
    t.contains(record["text"], "state", "the text names the place")
    t.equal(p.admin.rollout()["weight"], 20, "the weight")
    canary.set(errorRate=0.3)
    reaches(t, p, "rolledBack")
    at_weight(t, p, 0, FORCE_S)
    load.stop()
    t.equal(get(p.address).body, b"ec2\n", "who answers")


def small_disk(t, folder):
    """A file system of 4 MiB at `folder`, for this case."""
    os.makedirs(folder)
    if os.geteuid() != 0 or tool("mount") is None:
        raise Skip("needs root to mount a small file system")
    done = subprocess.run([tool("mount"), "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True)
    if done.returncode != 0:
        raise Skip(f"cannot mount: {done.stderr.decode().strip()}")

    class Mount:
        def close(self):
            subprocess.run([tool("umount"), "-l", folder], check=True)
    t.own(Mount())


def fill(folder):
    """Takes every byte that is left."""
    with open(os.path.join(folder, "filler"), "wb", buffering=0) as f:
        for size in (65536, 4096, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass


@case("two routes roll out side by side without touching each other")
def _(t):
    groups = {name: [Nginx(t, name)] for name in ("a1", "a2", "b1", "b2")}
    routes = [{"name": "a", "match": {"pathPrefix": "/a"}, "stable": "a1", "canary": "a2"},
              {"name": "b", "match": {"pathPrefix": "/b"}, "stable": "b1", "canary": "b2"}]
    p = Penstock(t, groups, config=configuration(t, groups, routes=routes))
    loads = [H2load(t, p.url(path), 60, 300, connections=5) for path in ("/a", "/b")]
    p.admin.start(climbing(), "a")
    p.admin.start(quick((30, "1h"), (100, "1s")), "b")
    t.wait(lambda: p.admin.rollout("a")["state"] == "promoted", "a is promoted", 40)
    t.equal((p.admin.rollout("b")["state"], p.admin.rollout("b")["weight"]), ("running", 30), "b")
    for load in loads:
        load.stop()


main()
