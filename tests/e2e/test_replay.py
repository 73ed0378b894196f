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
    plan = t.write("penstock-plan.json", json.dumps(quick((20, "30s"), (100, "1s"))))
    done = cli("replay", "--plan", plan, p.log.path)
    t.equal(done.status, 0, done.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    back = [line for line in lines if line["action"] == "rollback"]
    t.check(back, f"a would-be rollback: {done.stdout}{done.stderr}")
    t.equal((back[0]["weight"], back[0]["open"], back[0]["metric"]), (0.2, True, "errors"), "what it says")
    t.check(back[0]["counts"]["canary"]["requests"] < canary_requests, "penstock would have known before threshold did")
    t.equal(cli("replay", "--plan", plan, p.log.path).stdout, done.stdout, "the second time")


main()
