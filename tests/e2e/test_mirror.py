"""Copies of requests for a shadow: nobody notices them, and what became of each stands in the log."""
import copy
import signal
import socket
from collections import Counter

from harness import case, main, need, scaled
from load import h2load
from peers import Nginx, Node, Raw
from penstock import Penstock
from records import field
from wire import Wire

need("nginx", "node", "h2load")


def mirrored(t, shadow, mirror=100, **more):
    """A proxy whose requests nginx serves and `shadow` gets copies of; both."""
    own = Nginx(t, "ec2")
    return own, Penstock(t, {"ec2": [own], "fargate": [shadow]}, route={"mirror": mirror}, **more)


def split(records):
    """The lines of requests and those of copies, by the request's id."""
    sides = {}, {}
    for record in records:
        sides[record["assignment"] == "mirror"][record["http"]["request_id"]] = record
    return sides


def plain(request):
    """What a target got, without what is the platform's or a copy's own."""
    own = ("x-platform", "x-penstock-mirror")
    return request.start, [(n, v) for n, v in request.fields if n.lower() not in own]


@case("a copy is the request with a mark, and each has a line with the same id")
def _(t):
    own, shadow = Raw(t), Raw(t)
    p = Penstock(t, {"ec2": [own], "fargate": [shadow]}, route={"mirror": 100})
    fields = [("Cookie", "a=b"), ("X-Request-Id", "id-0123456789"), ("X-Penstock-Mirror", "a client's own")]
    with Wire(p.address) as wire:
        for method in ("GET", "POST", "HEAD", "DELETE"):
            t.equal(wire.ask(method, f"/{method}?a=%20b", body=b"x" if method == "POST" else None,
                             fields=fields).status, 200, method)
    t.wait(lambda: len(shadow.requests) >= 2, "two copies")
    records = p.log.wait(6)
    copies = sorted(shadow.requests, key=lambda r: r.method)  # each has a connection of its own
    t.equal([r.method for r in copies], ["GET", "HEAD"], "what is copied")
    t.equal([r.method for r in own.requests], ["GET", "POST", "HEAD", "DELETE"], "what is served")
    t.equal([plain(r) for r in copies], [plain(own.requests[0]), plain(own.requests[2])], "the copies")
    t.equal([r.get("X-Penstock-Mirror") for r in shadow.requests], ["1", "1"], "the mark")
    t.equal([r.get("X-Penstock-Mirror") for r in own.requests], [None] * 4, "marks elsewhere")
    t.equal(Counter((r["assignment"], r["http"]["method"], r["outcome"]) for r in records),
            Counter({("random", "GET", "served"): 1, ("random", "POST", "served"): 1, ("random", "HEAD", "served"): 1,
                     ("random", "DELETE", "served"): 1, ("mirror", "GET", "mirrored"): 1,
                     ("mirror", "HEAD", "mirrored"): 1}), "the lines")
    metrics = p.metrics()
    t.equal(metrics.sum("penstock_mirror_skipped_total", reason="method"), 2, "skipped")
    t.equal(metrics.sum("penstock_mirror_answers_total", code="2xx"), 2, "answers")
    t.equal(metrics.sum("penstock_requests_total"), 4, "requests")


@case("bodies are copied where their methods are listed")
def _(t):
    shadow = Raw(t)
    p = Penstock(t, {"ec2": [Raw(t)], "fargate": [shadow]},
                 route={"mirror": {"share": 100, "methods": ["POST"], "maxBody": "100KiB"}})
    bodies = [b"", b"x", bytes(range(256)) * 400, b"y" * (100 * 1024 + 1)]
    with Wire(p.address) as wire:
        for body in bodies:
            t.equal(wire.ask("POST", body=body).status, 200, f"a body of {len(body)} bytes")
    t.wait(lambda: len(shadow.requests) >= 3, "the copies")
    # in any order: each copy has a connection of its own
    t.equal(sorted(r.body for r in shadow.requests), sorted(bodies[:3]), "the bodies of the copies")
    t.equal(p.metrics().sum("penstock_mirror_skipped_total", reason="body"), 1, "skipped for the body")


@case("a share is drawn for each request; what nobody draws is not counted")
def _(t):
    shadow = Nginx(t, "fargate")
    own, p = mirrored(t, shadow, 30)
    requests = scaled(1000, 300)
    t.equal(h2load(t, p.url(), requests, connections=4)["2xx"], requests, "answers")
    t.settled(shadow.requests, "the copies")
    copies = shadow.requests()
    # Six standard deviations either way.
    t.check(abs(copies - 0.3 * requests) < 6 * (0.21 * requests) ** 0.5, f"{copies} copies of {requests} requests")
    own_lines, copy_lines = split(p.log.wait(requests + copies))
    t.equal((len(own_lines), len(copy_lines)), (requests, copies), "lines")
    t.equal(copy_lines.keys() - own_lines.keys(), set(), "copies without a request")
    t.equal({r["platform"] for r in own_lines.values()}, {"ec2"}, "who served")


@case("answers that differ are told from those that agree")
def _(t):
    shadow = Node(t, "fargate", errorRate=0.5)
    own, p = mirrored(t, shadow)
    with Wire(p.address) as wire:
        for n in range(60):
            t.equal(wire.ask().status, 200, f"request {n}")
    _, copies = split(p.log.wait(120))
    errors = shadow.counts()["errors"]
    t.check(0 < errors < 60, f"{errors} errors of the shadow")
    for record in copies.values():
        t.equal(field(record, "penstock.agreement"),
                "same" if record["http"]["target_status_code"] == 200 else "different", "agreement")
        t.equal((field(record, "penstock.first_status_code"), field(record, "penstock.first_group")), (200, "ec2"),
                "the first")
    metrics = p.metrics()
    t.equal(metrics.sum("penstock_mirror_agreements_total", agreement="different"), errors, "those that differ")
    t.equal(metrics.sum("penstock_target_failures_total", group="fargate"), 0, "failures of the target")
    mirror = p.admin.status()["routes"][0]["mirror"]
    t.equal((mirror["group"], mirror["share"], mirror["copies"], mirror["different"]), ("fargate", 100, 60, errors),
            "the status")


@case("a shadow that hangs slows nobody, and what hangs is cut at the end")
def _(t):
    shadow = Node(t, "fargate", hang=True)
    own, p = mirrored(t, shadow, {"share": 100, "maxInFlight": 20, "timeout": "1h"})
    requests = scaled(2000, 200)
    t.equal(h2load(t, p.url(), requests, connections=8)["2xx"], requests, "answers")
    metrics = p.metrics()
    open_now = metrics.sum("penstock_mirrors_in_flight")
    t.check(0 < open_now <= 20 * p.workers, f"{open_now} copies in flight")
    t.equal(metrics.sum("penstock_mirror_skipped_total", reason="busy"), requests - open_now, "skipped")
    p.signal(signal.SIGINT)
    t.equal(p.terminate(), 0, "the exit status")
    _, copies = split(p.log.lines())
    t.equal(Counter(r["outcome"] for r in copies.values()), Counter(shutdown=int(open_now)), "how the copies end")


@case("a shadow that is down harms nobody")
def _(t):
    gone = socket.socket()  # bound, so that nobody else listens there
    gone.bind(("127.0.0.1", 0))
    own, p = mirrored(t, "%s:%d" % gone.getsockname())
    with Wire(p.address) as wire:
        for n in range(50):
            t.equal(wire.ask().status, 200, f"request {n}")
    _, copies = split(p.log.wait(100))
    t.equal({(r["outcome"], field(r, "penstock.agreement")) for r in copies.values()},
            {("connect_refused", "different")}, "the copies")
    gone.close()
    targets = p.admin.get("/v1/groups/fargate/targets").json()["targets"]
    t.equal([x["ejectedBy"] for x in targets], [0], "workers that leave it alone")


@case("a reload turns the mirror on and off, to any group")
def _(t):
    own, third = Nginx(t, "ec2"), Nginx(t, "third")
    p = Penstock(t, {"ec2": [own], "fargate": [Nginx(t, "fargate")]},
                 targetGroups={"third": {"platform": "third", "targets": [third.text]}},
                 route={"mirror": {"group": "third", "share": 0}})

    def ask(share):
        config = copy.deepcopy(p.config)
        config["routes"][0]["mirror"]["share"] = share
        p.write_config(config)
        p.admin.must("POST", "/v1/config/reload", {})
        with Wire(p.address) as wire:
            for _ in range(10):
                t.equal(wire.ask().status, 200, "an answer")

    ask(100)
    t.equal(third.arrived(10), 10, "copies")
    t.equal(set(third.platforms()), {"third"}, "their label")
    ask(0)
    t.settled(third.requests, "the copies")
    t.equal(third.requests(), 10, "copies after the mirror was turned off")


@case("a rollout mirrors at weight 0 before the canary serves anybody, until its next step and its end")
def _(t):
    own, shadow = Nginx(t, "ec2"), Nginx(t, "fargate")
    p = Penstock(t, {"ec2": [own], "fargate": [shadow]})
    p.admin.start({"name": "load", "steps": [{"setMirror": 100, "pause": {}}, {"setMirror": 0, "pause": {}},
                                             {"setMirror": 100, "pause": {}}, {"setWeight": 100}]})

    def shares(percent):
        t.wait(lambda: (p.admin.status()["routes"][0]["mirror"] or {"share": 0})["share"] == percent,
               f"{percent} % is copied")

    def ask():
        with Wire(p.address) as wire:
            for _ in range(10):
                t.equal(wire.ask().status, 200, "an answer")

    shares(100)
    ask()
    t.equal(shadow.arrived(10), 10, "copies")
    p.admin.must("POST", "/v1/routes/web/rollout/approve", {})
    shares(0)
    ask()
    p.admin.must("POST", "/v1/routes/web/rollout/approve", {})
    shares(100)
    ask()
    t.equal(shadow.arrived(20), 20, "copies after two more steps")
    p.admin.must("POST", "/v1/routes/web/rollout/abort", {})
    shares(0)
    ask()
    t.settled(shadow.requests, "the copies")
    t.equal((shadow.requests(), own.requests()), (20, 40), "requests in the end")
    t.equal(set(p.log.by("penstock.plan")) - {None}, {"load"}, "the plan in the log")


@case("metrics that are dry runs judge a canary by copies alone, before it serves anybody, and nothing follows")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Node(t, "fargate", errorRate=0.5)]})
    p.admin.start({"name": "shadow", "analysis": {"unit": "request", "metrics": [
        {"name": "errors", "type": "errorRate"}, {"name": "dry", "type": "errorRate", "dryRun": True},
        {"name": "drySlow", "type": "latencySlo", "threshold": "30s", "dryRun": True}]},
        "steps": [{"setMirror": 100, "pause": {}}, {"setWeight": 100}]})
    t.wait(lambda: p.admin.status()["routes"][0]["mirror"], "the mirror")
    with Wire(p.address) as wire:
        for _ in range(200):
            t.equal(wire.ask().status, 200, "an answer")

    def dry():
        return next(m for m in p.admin.rollout()["metrics"] if m["name"] == "dry")
    t.wait(lambda: dry()["counts"]["canary"]["bad"] > 5 and dry()["e"] > 2, "evidence")
    t.wait(lambda: p.metrics().sum("penstock_mirrors_in_flight") == 0, "all copies have ended")
    copies = p.metrics().sum("penstock_mirror_answers_total")
    t.wait(lambda: dry()["counts"]["canary"]["requests"] == copies, "control has looked at all of them")
    t.wait(lambda: p.admin.rollout()["metrics"][0]["counts"]["stable"]["requests"] == 200, "and at the answers")
    found = {m["name"]: m["counts"] for m in p.admin.rollout()["metrics"]}
    t.equal({name: [side["requests"] for side in (c["canary"], c["stable"])] for name, c in found.items()},
            {"dry": [copies, copies], "drySlow": [copies, copies], "errors": [0, 200]}, "requests that were looked at")
    t.equal((found["dry"]["stable"]["bad"], found["errors"]["canary"]["bad"]), (0, 0), "bad ones elsewhere")
    t.check(dry()["ratio"] is None and dry()["ratioInterval"][0] > 1, f"the ratio: {dry()}")
    t.equal((p.admin.rollout()["state"], p.admin.rollout()["weight"]), ("running", 0), "the rollout")


main()
