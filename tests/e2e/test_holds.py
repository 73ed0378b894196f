"""What keeps a rollout where it is: windows, time, pauses, missing evidence; and what never stops a way back."""
import shutil
import time

from harness import PATIENCE, case, main, need
from load import H2load, Wrk
from peers import Nginx, Node
from penstock import Penstock, configuration
from plans import quick
from rollouts import at_weight, decisions, held, reaches
from sides import two

need("nginx", "node", "wrk", "h2load")

FORCE_S = 1.0  # after a decision to go back, weights are 0 by then


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


@case("when maxDwell is over without evidence, onInconclusive decides")
def _(t):
    slow = {"setWeight": 1, "minDwell": "1s", "maxDwell": "3s"}
    for rule, weight in (("rollback", 0), ("forward", 100)):
        _, _, p = two(t)
        load = H2load(t, p.url(), 30, 100, connections=5)  # a request a second: no evidence in three
        p.admin.start(quick(slow, {"setWeight": 100, "bake": "1s"}, onInconclusive=rule))
        at_weight(t, p, 1)
        at_weight(t, p, weight)
        moved = [d for d in decisions(p) if d["weight"]["from"] == 1 and d["weight"]["to"] == weight]
        t.equal([d["reason"] for d in moved], ["inconclusive"], f"onInconclusive: {rule}: {decisions(p)}")
        load.stop()
        p.close()
        shutil.rmtree(t.path("state"))


@case("a step that asks for time only, and a pause with a duration, go on by themselves")
def _(t):
    _, _, p = two(t)
    load = H2load(t, p.url(), 30, 200, connections=5)
    p.admin.start(quick({"setWeight": 5, "minDwell": "1s", "advanceOn": "time"}, {"pause": {"duration": "2s"}},
                        {"setWeight": 10, "minDwell": "1s", "advanceOn": "time"}, {"setWeight": 100, "bake": "1s"}))
    reaches(t, p, "promoted", 20)
    load.stop()


@case("without any traffic a rollout holds: no data is neither good nor bad news")
def _(t):
    _, _, p = two(t)
    p.admin.start(quick((50, "1s"), {"setWeight": 100, "bake": "1s"}))
    held(t, p, "needEvidence")
    t.equal(p.admin.rollout()["weight"], 50, "the weight")


def shape(kind, **more):
    return {"analysis": {"metrics": [{"name": "errors", "type": "errorRate", "floor": 0.001},
                                     {"name": "shape", "type": kind, **more}]}}


@case("a canary within its SLO that is far slower, or far too fast, is held until a person accepts it")
def _(t):
    sticky = {"affinity": {"cookie": "group"}}  # which the load never sends back
    for kind, slow, route, more in (("latencyShift", "fargate", {}, {}),
                                    ("suspiciouslyFast", "ec2", sticky, {"match": {"pathPrefix": "/shop"}})):
        sides = {name: Node(t, name, delayMs=300 if name == slow else 0) for name in ("ec2", "fargate")}
        _, _, p = two(t, stable=sides["ec2"], canary=sides["fargate"], route=route)
        load = H2load(t, p.url("/shop/1"), 60, 200, connections=60)
        p.admin.start(quick((30, "4s"), {"setWeight": 100, "bake": "1s"}, **shape(kind, **more)))
        record = held(t, p, kind)
        t.contains(record["text"], "resume", "what may be done")
        t.equal((record["metric"], p.admin.rollout()["weight"]), ("shape", 30), "the metric and the weight")
        p.admin.order("resume")
        held(t, p, "needEvidence")  # what any step waits for
        load.stop()
        p.close()
        shutil.rmtree(t.path("state"))


@case("one bad target of three is taken out, though its health checks pass, and the release goes on without it")
def _(t):
    ill = Node(t, "fargate", errorRate=1, spared="/health")
    check = {"healthCheck": {"path": "/health", "interval": "1s", "timeout": "1s"}}
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate"), ill, Nginx(t, "fargate")]},
                 targetGroups={"fargate": check})
    load = H2load(t, p.url(), 60, 300, connections=30)
    errors = {"name": "errors", "type": "errorRate", "floor": 0.001, "maxExcess": 0.1}
    p.admin.start(quick((20, "1s"), {"setWeight": 100, "bake": "1s"}, analysis={"metrics": [errors]}))
    out = t.wait(lambda: next((d for d in decisions(p) if d.get("target")), None), "a target is taken out")
    t.equal((out["target"], out["reason"], out["action"]), (ill.text, "badTarget", "hold"), "which, and why")
    t.contains(out["text"], ill.text, "the text")
    row = next(x for x in p.admin.get("/v1/groups/fargate/targets").json()["targets"] if x["address"] == ill.text)
    t.equal((row["draining"], row["badTarget"], row["health"]), (True, True, "healthy"), "what the API says of it")
    reaches(t, p, "promoted")
    t.equal([d for d in decisions(p) if d["action"] in ("rollback", "retreat")], [], "ways back")
    failed = ill.counts()["errors"]
    t.within(failed, 5, 100 * PATIENCE, "requests that it has failed")
    path = f"/v1/groups/fargate/targets/{ill.text.replace(':', '%3A')}/drain"
    row = next(x for x in p.admin.must("POST", path, {"draining": False})["targets"] if x["address"] == ill.text)
    t.equal((row["draining"], row["badTarget"]), (False, False), "put back by hand")
    t.wait(lambda: ill.counts()["errors"] > failed, "it gets requests again")
    load.stop()
    p.close()
    q = Penstock(t, None, config=p.config)
    row = next(x for x in q.admin.get("/v1/groups/fargate/targets").json()["targets"] if x["address"] == ill.text)
    t.equal((row["draining"], row["badTarget"]), (False, False), "and stays there over a restart")
    load.stop()


@case("a target that one route takes out is out for all that share its group, and a route that fails goes back alone")
def _(t):
    ill, well = Node(t, "fargate", errorRate=1), [Node(t, "fargate") for _ in range(2)]
    groups = {"ec2": [Nginx(t, "ec2")], "fargate": [*well, ill]}
    routes = [{"name": "sound", "match": {"pathPrefix": "/sound"}, "stable": "ec2", "canary": "fargate"},
              {"name": "broken", "match": {"pathPrefix": "/fail"}, "stable": "ec2", "canary": "fargate"},  # on any target
              {"name": "plain", "match": {"pathPrefix": "/plain"}, "stable": "fargate"}]
    p = Penstock(t, groups, config=configuration(t, groups, routes=routes))
    loads = [H2load(t, p.url(path), 60, rate, connections=10)
             for path, rate in (("/sound", 400), ("/fail", 200), ("/plain", 100))]
    errors = {"name": "errors", "type": "errorRate", "floor": 0.001, "maxExcess": 0.1}
    steps = quick((50, "1s"), {"setWeight": 100, "bake": "1h"}, analysis={"metrics": [errors]})

    def out():
        return [(d["route"], d["target"]) for d in decisions(p) if d.get("target")]
    p.admin.start(steps, "sound")
    t.wait(out, "a target is taken out")

    def had():
        return ill.counts()["requests"]

    def spared():
        before, others = had(), well[0].counts()["requests"]
        t.wait(lambda: well[0].counts()["requests"] > others + 50, "the others are asked")
        return had() == before
    t.wait(spared, "no route asks it any more")
    failed = had()
    p.admin.start(steps, "broken")
    t.wait(lambda: p.admin.rollout("broken")["state"] == "rolledBack", "the route whose requests fail everywhere goes back")
    t.wait(lambda: p.admin.rollout("sound")["weight"] == 100, "the other one goes on")
    t.equal(out(), [("sound", ill.text)], "targets that were taken out")
    t.equal([d["route"] for d in decisions(p) if d["action"] in ("rollback", "retreat")], ["broken"], "ways back")
    t.equal(had(), failed, "requests of any route that the bad target has had since")
    t.check(any(r["route"] == "plain" and r["http"]["status_code"] == 500 for r in p.log.records()),
            "the third route had met it")
    for load in loads:
        load.stop()


@case("a canary that refuses requests for want of places gets no larger share")
def _(t):
    canary = Node(t, "fargate", delayMs=200)
    cap = {"fargate": {"concurrency": {"target": 2, "queue": 0}}}  # ten a second
    _, _, p = two(t, stable=Nginx(t, "ec2"), canary=canary, targetGroups=cap)
    load = H2load(t, p.url(), 60, 200, connections=50)
    errors = {"name": "errors", "type": "errorRate", "floor": 0.001, "maxExcess": 0.1}
    p.admin.start(quick((20, "1s"), {"setWeight": 100, "bake": "1s"}, analysis={"metrics": [errors]}))
    record = held(t, p, "capacity")
    t.contains(record["text"], "more are needed", "the text")
    t.equal(p.admin.rollout()["weight"], 20, "the weight")
    load.stop()


@case("by default a client counts once: a broken one does not roll back, many do")
def _(t):
    canary = Node(t, "fargate", errorRate=1)
    stable, _, p = two(t, stable=Node(t, "ec2"), canary=canary)
    plan = quick((20, "1h"), (100, "1s"), analysis={"unit": "header:X-User"})
    one = H2load(t, p.url(), 60, 200, connections=5, headers=["X-User: one"])
    p.admin.start(plan)
    t.wait(lambda: canary.counts()["errors"] > 150, "one user meets with many errors")
    t.equal((p.admin.rollout()["state"], p.admin.rollout()["weight"]), ("running", 20), "the rollout")
    one.stop()
    many = Wrk(t, p.url(), 30, connections=2)  # its script makes a user of each request
    reaches(t, p, "rolledBack")
    many.signal(2)
    many.wait()


main()
