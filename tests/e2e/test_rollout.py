"""Rollouts on real traffic: forward on evidence, back on evidence."""
import time

from harness import PATIENCE, case, main, need
from load import H2load, Wrk
from penstock import Penstock, configuration
from peers import Nginx, Node
from plans import climbing, quick
from records import wall
from rollouts import at_weight, decisions, reaches
from sides import two

need("nginx", "node", "wrk", "h2load")

FORCE_S = 1.0  # after a decision to go back, weights are 0 by then


@case("a plan takes a route from 0 to 100 under load without a failed request, then stable gets none")
def _(t):
    stable, canary, p = two(t)
    load = Wrk(t, p.url(), 60 * PATIENCE, connections=16)
    t.wait(lambda: stable.requests() > 100, "load arrives")
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
    went = [d["weight"]["to"] for d in decisions(p) if d["action"] in ("forward", "promote")]
    t.equal(sorted(set(went)), [1, 10, 50, 100], f"weights on the way: {went}")
    outcomes, weights = p.log.by("outcome", "weight")
    t.equal(outcomes.keys() - {"served", "client_gone"}, set(), "outcomes in the log")
    t.equal(sorted(weights), [0, 1, 10, 50, 100], "weights in the log")


def goes_back(t, canary, metric, bad, rate=2000, **more):
    """The rollout is rolled back on this metric; `bad()` counts what the users suffered from."""
    stable, _, p = two(t, stable=Node(t, "ec2"), canary=canary, **more)
    load = H2load(t, p.url(), 120, rate, connections=100)
    t.wait(lambda: stable.counts()["requests"] > rate, "load arrives")
    p.admin.start(climbing())
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
    late = [r for r in p.log.records() if r["platform"] == "fargate" and wall(r["timestamp"]) > decided + FORCE_S * PATIENCE]
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
    at_least = record["ratio"] or record["ratioInterval"][0]  # no ratio when stable had no bad request at all
    t.check(at_least > 1.25, f"ratio: {record['ratio']} in {record['ratioInterval']}")
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
    goes_back(t, canary, "latency", lambda: canary.counts()["requests"], rate=500, route={"timeouts": {"firstByte": "10s"}})


@case("a canary that fails every request is rolled back within 2 seconds of the first one")
def _(t):
    canary = Node(t, "fargate", errorRate=1)
    p, record = goes_back(t, canary, "errors", lambda: canary.counts()["errors"])
    first = min(wall(r["timestamp"]) for r in p.log.records() if r["platform"] == "fargate")
    t.note(f"{wall(record['time']) - first:.3f} s after the first bad request")
    t.check(wall(record["time"]) - first < 2.2 * PATIENCE, f"{wall(record['time']) - first:.3f} s")


@case("two routes roll out side by side without touching each other")
def _(t):
    groups = {name: [Nginx(t, name)] for name in ("a1", "a2", "b1", "b2")}
    routes = [{"name": "a", "match": {"pathPrefix": "/a"}, "stable": "a1", "canary": "a2"},
              {"name": "b", "match": {"pathPrefix": "/b"}, "stable": "b1", "canary": "b2"}]
    p = Penstock(t, groups, config=configuration(t, groups, routes=routes))
    loads = [H2load(t, p.url(path), 60, rate, connections=5) for path, rate in (("/a", 1200), ("/b", 200))]
    p.admin.start(quick((50, "1s"), {"setWeight": 100, "bake": "1s"}), "a")
    p.admin.start(quick((30, "1h"), (100, "1s")), "b")
    t.wait(lambda: p.admin.rollout("a")["state"] == "promoted", "a is promoted", 40)
    t.equal((p.admin.rollout("b")["state"], p.admin.rollout("b")["weight"]), ("running", 30), "b")
    for load in loads:
        load.stop()


main()
