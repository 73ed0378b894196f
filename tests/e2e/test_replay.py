"""The judges that are there to compare with, live; and what replay says of the log that such a run leaves."""
import json

from harness import case, main, need
from load import H2load
from penstock import cli
from peers import Node
from plans import quick
from rollouts import at_weight, decisions, reaches
from sides import two

need("nginx", "node", "h2load")

THRESHOLD = {"judge": "threshold", "threshold": {"interval": "1s"}}


def judged(limit):
    """A plan of the judge threshold that takes `limit` failed measurements of a second."""
    metrics = [{"name": "errors", "type": "errorRate", "max": 0.01, "failureLimit": limit}]
    plan = quick((20, "30s"), (100, "1s"), **THRESHOLD)
    plan["analysis"]["metrics"] = metrics
    return plan


@case("the judge threshold counts failed measurements live, and replay of the log says what penstock would have said")
def _(t):
    stable, canary, p = two(t, stable=Node(t, "ec2"), canary=Node(t, "fargate", errorRate=0.1))
    load = H2load(t, p.url(), 60, 1000, connections=20)
    t.wait(lambda: stable.counts()["requests"] > 500, "load arrives")
    p.admin.start(judged(2))
    reaches(t, p, "rolledBack", 30)
    at_weight(t, p, 0)
    load.stop()
    record = [d for d in decisions(p) if d["action"] == "rollback"][-1]
    t.equal((record["reason"], record["metric"]), ("regression", "errors"), "reason and metric")
    t.contains(record["text"], "; 3 failed and 0 inconclusive of ", "the text")  # one without a failure may come first
    t.contains(record["text"], " measurements, 2 and 0 are allowed", "the text")

    canary_requests = len([r for r in p.log.records() if r.get("side") == "canary"])
    errors = [{"name": "errors", "type": "errorRate", "floor": 0.001}]  # a busy machine is slow, too
    plan = t.write("penstock-plan.json", json.dumps(quick((20, "30s"), (100, "1s"), analysis={"metrics": errors})))
    done = cli("replay", "--plan", plan, p.log.path)
    t.equal(done.status, 0, done.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    back = [line for line in lines if line["action"] == "rollback"]
    t.check(back, f"a would-be rollback: {done.stdout}{done.stderr}")
    t.equal((back[0]["weight"], back[0]["open"], back[0]["metric"]), (0.2, True, "errors"), "what it says")
    t.check(back[0]["counts"]["canary"]["requests"] < canary_requests, "penstock would have known before threshold did")
    t.equal(cli("replay", "--plan", plan, p.log.path).stdout, done.stdout, "the second time")


def trace(t, until):
    """Five requests a second until then, of which the canary fails each tenth; an hour in all."""
    lines = [json.dumps({"trace": 1, "id": "t", "slo_ms": 500, "horizon": 3600, "stable": "ec2", "canary": "fargate", "route": "key+n",
                         "alt": None})]
    for n in range(until * 5):
        good = {"status": 200, "ms": 20}
        lines.append(json.dumps({"t": n / 5, "key": f"c{n}", "ec2": good, "fargate": dict(good, status=500) if n % 10 == 0 else good}))
    return t.write("trace.jsonl", "\n".join(lines) + "\n")


@case("in replay the words of the judge threshold decide when it goes back: limits, and windows without a request")
def _(t):
    path = trace(t, 600)

    def back(**threshold):
        plan = quick((50, "10m"), (100, "1s"), judge="threshold", threshold=dict(threshold, noData="ignore"))
        plan["analysis"]["metrics"] = [{"name": "errors", "type": "errorRate"}]
        done = cli("replay", "--plan", t.write("plan.json", json.dumps(plan)), path)
        t.equal(done.status, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [(line["t"], line["action"]) for line in lines if line["action"] in ("rollback", "promote")]
    t.equal(back(), [(60, "rollback")], "by default one measurement above 1 % is too many")
    t.equal(back(failureLimit=2), [(180, "rollback")], "the third of them")
    t.equal(back(failureLimit=2, interval="20s", initialDelay="1m"), [(120, "rollback")], "shorter windows, and later")
    t.equal(back(min=0.5, max=0.9), [(60, "rollback")], "a tenth of at least half")
    t.equal(back(max=0.5, warnMax=0.01, inconclusiveLimit=1), [], "inconclusive: it waits for a person")
    t.equal(back(max=0.5, warnMax=0.01, inconclusiveLimit=99), [(601, "promote")], "so many may be")
    t.equal(back(failureLimit=-1), [(601, "promote")], "any number may fail")
    t.equal(back(count=2, failureLimit=2), [(601, "promote")], "after two measurements nobody looks")


@case("in replay a window without a request is what noData says, and so many errors in a row are too many")
def _(t):
    path = trace(t, 120)

    def back(**threshold):
        plan = quick((50, "30m"), (100, "1s"), judge="threshold", threshold=dict(threshold, max=0.5))
        done = cli("replay", "--plan", t.write("plan.json", json.dumps(plan)), path)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [(line["t"], line["action"]) for line in lines if line["action"] in ("rollback", "promote")]
    t.equal(back(), [(180, "rollback")], "a failure")
    t.equal(back(noData="failed", failureLimit=3), [(360, "rollback")], "the fourth")
    t.equal(back(noData="error"), [(220, "rollback")], "the fifth of them, 10 s apart")
    t.equal(back(noData="error", consecutiveErrorLimit=0), [(180, "rollback")], "the first")
    t.equal(back(noData="inconclusive"), [], "it waits for a person")


main()
