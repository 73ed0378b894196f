"""Trace context through penstock: HTTP/1.1 and HTTP/2 on either side, tries and copies, the log in its presets."""
import json
import re
import threading

from collector import Collector
from frames import Frames, get
from harness import case, free_port, main, need
from peers import H2, Raw
from penstock import Penstock
from plans import quick
from receiver import Receiver
from wire import Wire, compose
from xray_daemon import Daemon

need("node")

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
CONTEXT = ("traceparent", f"00-{TRACE}-{PARENT}-01")
ALL = ["tracecontext", "datadog", "xray", "b3", "b3multi"]


def spans(fields):
    """Trace and parent as each of the five formats says them; `fields` has names in lower case."""
    low, high = int(fields["x-datadog-trace-id"]), re.search("_dd.p.tid=([0-9a-f]{16})", fields["x-datadog-tags"])[1]
    xray = dict(part.split("=", 1) for part in fields["x-amzn-trace-id"].split(";"))
    return [tuple(fields["traceparent"].split("-")[1:3]),
            (high + f"{low:016x}", "%016x" % int(fields["x-datadog-parent-id"])),
            (xray["Root"].replace("-", "")[1:], xray["Parent"]),
            tuple(fields["b3"].split("-")[:2]), (fields["x-b3-traceid"], fields["x-b3-spanid"])]


def lower(request):
    return {name.lower(): value for name, value in request.fields}


@case("over HTTP/1.1 and HTTP/2, all formats tell of one trace and one parent")
def _(t):
    raw, h2 = Raw(t), H2(t)
    p = Penstock(t, {"ec2": [raw], "two": [h2]}, workers=1, listeners=[{"address": "127.0.0.1:0", "h2c": True}],
                 tracing={"trust": "everybody", "send": ALL}, targetGroups={"two": {"protocol": "h2c"}})
    got = []
    for weight in (0, 100):
        p.admin.weight(weight)
        with Wire(p.address) as wire:
            one = wire.ask(target="/echo", fields=[CONTEXT, ("tracestate", "a=1"), ("baggage", "k=v")])
            t.equal(one.status, 200, "HTTP/1.1")
        with Frames(p.address) as conn:
            conn.headers(1, get("/echo", CONTEXT, ("tracestate", "a=1"), ("baggage", "k=v")))
            status, body = conn.answer(1)
            t.equal(status, 200, "HTTP/2")
        got += [json.loads(one.body)["headers"], json.loads(body)["headers"]] if weight else map(lower, raw.requests)
    for n, fields in enumerate(got):
        said = spans(fields)
        t.equal(len(set(said)), 1, f"request {n}: one of each: {said}")
        t.equal(said[0][0], TRACE, f"request {n}: the trace")
        t.check(said[0][1] not in (PARENT, "0" * 16), f"request {n}: the parent is ours")
        t.equal([fields.get("tracestate"), fields.get("baggage")], ["a=1", "k=v"], f"request {n}: what passes")
    records = p.log.wait(4)
    t.equal({r["trace_id"] for r in records}, {TRACE}, "the log")
    ours = {r["dd"]["span_id"] for r in records} | {spans(f)[0][1] for f in got}
    t.equal(len(ours), 8, "spans of requests and of tries are all different")


@case("a try, the next one and a copy have spans of their own in one trace")
def _(t):
    def serve(wire):
        first.keep(wire)
        wire.close()
    first, own, shadow = Raw(t, serve), Raw(t), Raw(t)
    p = Penstock(t, {"ec2": [first, own], "fargate": [shadow]}, workers=1, tracing={"trust": "everybody"},
                 route={"mirror": 100})
    with Wire(p.address) as wire:
        for _ in range(64):
            if first.requests:
                break
            t.equal(wire.ask(fields=[CONTEXT]).status, 200, "the answer of the second try")
    t.check(first.requests, "the first target was asked")
    t.wait(lambda: shadow.requests, "a copy")
    heads = first.requests[:1] + own.requests + shadow.requests
    said = [r.get("traceparent").split("-")[1:3] for r in heads]
    t.equal({trace for trace, _ in said}, {TRACE}, "one trace")
    t.equal(len({span for _, span in said}), len(said), "different spans")
    lines = t.wait(lambda: [r for r in p.log.records() if r["penstock"].get("attempts", 0) > 1], "the line of two tries")
    t.equal([len(r["penstock"]["spans"]["tries"]) for r in lines], [2], "the tries")


@case("presets name the ids as their readers expect")
def _(t):
    raw = Raw(t)
    p = Penstock(t, {"ec2": [raw]}, workers=1, tracing={"trust": "everybody"},
                 accessLog=[{"file": {"path": t.path("access.jsonl")}},
                            {"file": {"path": t.path("ecs.jsonl")}, "format": "ecs"},
                            {"file": {"path": t.path("otel.jsonl")}, "format": "otel"}])
    with Wire(p.address) as wire:
        wire.ask(fields=[CONTEXT])
    plain = p.log.wait(1)[0]

    def other(name):
        def line():
            with open(t.path(name), encoding="utf-8") as f:
                return f.read()
        return json.loads(t.wait(line, name))
    ecs, otel = other("ecs.jsonl"), other("otel.jsonl")
    span = plain["dd"]["span_id"]
    t.equal(plain["trace_id"], TRACE, "json")
    t.equal([ecs["trace"]["id"], ecs["span"]["id"]], [TRACE, span], "ecs")
    t.equal([otel["trace_id"], otel["span_id"]], [TRACE, span], "otel")


def exporting(t, collector, groups, more=(), **settings):
    """A penstock whose spans go to the collector, and its plain log beside them."""
    otlp = {"endpoint": collector.url, "interval": "100ms", "headers": ["X-Key: secret value"]}
    return Penstock(t, groups, **{"workers": 1, "tracing": {"trust": "everybody", "sample": 0},
                                  "accessLog": [{"file": {"path": t.path("access.jsonl")}}, {"otlp": otlp}, *more], **settings})


def of(spans, kind):
    return [s for s in spans if s.kind == kind]


@case("requests become spans: of recorded traces and of failures, with what served them")
def _(t):
    def serve(wire):
        while True:
            broken = raw.keep(wire).target == "/broken"
            wire.send("HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % ("500 Oh" if broken else "200 OK"))
    collector, raw = Collector(t), Raw(t, serve)
    p = exporting(t, collector, {"ec2": [raw]},
                  targetGroups={"ec2": {"service": "shop", "env": "prd", "version": "7"}})
    with Wire(p.address) as wire:
        wire.ask(target="/a?b=c", fields=[CONTEXT, ("User-Agent", "t/1")])
        wire.ask(target="/unrecorded")
        wire.ask(target="/broken")
    spans = collector.wait(t, 4)
    records = {r["http"]["url"].split("/", 3)[3]: r for r in p.log.wait(3)}
    t.equal(len(spans), 4, "two spans of the recorded one, two of the failure, none of the other")
    t.equal({path: "spans" in r["penstock"] for path, r in records.items()},
            {"a?b=c": True, "unrecorded": False, "broken": True}, "what the log tells of them")
    server, client = (next(s for s in of(spans, kind) if s.trace == TRACE) for kind in ("server", "client"))
    t.equal([server.parent, server.id], [PARENT, records["a?b=c"]["dd"]["span_id"]], "whose child it is")
    t.equal([client.parent, client.id], [server.id, raw.requests[0].get("traceparent").split("-")[2]], "the try's")
    t.check(server.start <= client.start <= client.end <= server.end, "one within the other")
    expected = {"http.request.method": "GET", "url.path": "/a", "url.query": "b=c", "url.scheme": "http",
                "http.response.status_code": 200, "user_agent.original": "t/1", "client.address": "127.0.0.1",
                "platform": "ec2", "penstock.route": "web", "penstock.group": "ec2", "penstock.side": "stable",
                "penstock.weight": 0, "penstock.outcome": "served", "network.protocol.version": "1.1"}
    t.equal({k: server.attributes.get(k) for k in expected}, expected, "attributes of the server span")
    t.equal([server.name, client.name], ["GET web"] * 2, "names")
    t.equal([client.attributes["server.address"], client.attributes["server.port"]],
            ["127.0.0.1", raw.address[1]], "the target")
    t.equal({k: server.resource[k] for k in ("service.name", "service.version", "deployment.environment.name")},
            {"service.name": "shop", "service.version": "7", "deployment.environment.name": "prd"}, "the resource")
    failed = [s for s in spans if s.trace != TRACE]
    t.equal(sorted((s.kind, s.failed, s.attributes["error.type"]) for s in failed),
            [("client", True, "500"), ("server", True, "500")], "the failure")
    t.equal({s.trace for s in failed}, {records["broken"]["trace_id"]}, "its trace")
    t.equal(collector.headers[0]["X-Key"], "secret value", "the header")
    place = f'otlp:{collector.url}'
    t.wait(lambda: p.metrics().sum("penstock_log_written_lines_total", sink=place) == 2, "lines that were sent")
    t.equal(p.metrics().sum("penstock_log_sampled_lines_total", sink=place), 1, "lines that were not")


@case("the canary's part of a shielded request is a client span of the one that stable answered")
def _(t):
    def serve(wire):
        while True:
            canary.keep(wire)
            wire.send("HTTP/1.1 503 Oh\r\nContent-Length: 0\r\n\r\n")
    collector, canary, stable = Collector(t), None, Raw(t)
    canary = Raw(t, serve)
    p = exporting(t, collector, {"ec2": [stable], "fargate": [canary]}, weight=99,
                  route={"retries": {"shield": True}})
    with Wire(p.address) as wire:
        for _ in range(10):
            if not canary.requests:
                t.equal(wire.ask(fields=[CONTEXT]).status, 200, "stable's answer")
    shielded = t.wait(lambda: [r for r in p.log.records() if r["penstock"].get("shield")], "the canary's part")
    ours = shielded[0]["dd"]["span_id"]

    def parts():
        mine = [s for s in collector.spans if ours in (s.id, s.parent)]
        return of(mine, "server"), of(mine, "client")
    t.wait(lambda: collector.errors or (parts()[0] and len(parts()[1]) == 2), "the spans")
    t.equal(collector.errors, [], "what the collector cannot read")
    (server,), tries = parts()
    t.equal(sorted((s.attributes["penstock.group"], s.failed) for s in tries), [("ec2", False), ("fargate", True)],
            "the tries")
    t.equal({s.parent for s in tries}, {server.id}, "their parent")
    t.check(not server.failed, "the client has seen no failure")


@case("when the weight of a canary falls, its requests before that are exported, recorded or not")
def _(t):
    collector = Collector(t)
    p = exporting(t, collector, {"ec2": [Raw(t)], "fargate": [Raw(t)]}, weight=80)
    with Wire(p.address) as wire:
        for _ in range(20):
            wire.ask()
        sides = [r["side"] for r in p.log.wait(20)]
        t.equal(collector.spans, [], "what is exported before")
        p.admin.weight(0)
        wire.ask()
    n = sides.count("canary")
    t.check(n > 0, "requests of the canary")
    spans = collector.wait(t, 2 * n)
    t.equal({(s.attributes["penstock.side"], s.attributes["penstock.weight"]) for s in spans}, {("canary", 80)}, "whose")
    t.equal(len(of(spans, "server")), n, "server spans")


@case("a decision that takes the weight back names traces that the canary has failed, also of a request under way")
def _(t):
    def serve(wire):
        while True:
            if canary.keep(wire).target == "/hang":
                release.wait(60)
            wire.send("HTTP/1.1 503 Oh\r\nContent-Length: 0\r\n\r\n")
    release, receiver, canary, stable = threading.Event(), Receiver(t), None, Raw(t)
    canary = Raw(t, serve)
    p = Penstock(t, {"ec2": [stable], "fargate": [canary]}, workers=1, tracing={"trust": "everybody", "sample": 0},
                 notify=[{"name": "all", "url": receiver.url("/all"), "on": ["rollback"]},
                         {"name": "chat", "kind": "slack", "url": receiver.url("/chat"), "on": ["rollback"]}])
    p.admin.start(quick((90, "1h")))
    t.wait(lambda: p.admin.must("GET", "/v1/routes/web/weight")["canary"] == 90, "the first step")

    def until(target, context):
        """Asks until the canary has it; the trace."""
        for n in range(1, 200):
            trace = f"{n:032x}" if context else None
            wire = Wire(p.address)
            wires.append(wire)
            wire.send(compose("GET", target, "a", [("traceparent", f"00-{trace}-{PARENT}-01")] if context else ()))
            t.wait(lambda: len(stable.requests) + len(canary.requests) == len(wires), "a target has it")
            if any(r.target == target for r in canary.requests):
                return trace
        return None
    wires = []
    failed, slow = until("/fails", True), until("/hang", False)
    t.equal([failed is None, slow], [False, None], "both have come to the canary")

    def judged():
        counts = p.admin.rollout()["metrics"][1]["counts"]["canary"]
        return counts["requests"] == len(canary.requests) and counts["bad"] == len(canary.requests)
    t.wait(judged, "the judge has seen the slow one")
    p.admin.order("abort")
    record = t.wait(lambda: [d for d in p.admin.decisions()["decisions"] if d["action"] == "rollback"], "the rollback")[0]
    recorded, open_one = record["examples"]
    where = "127.0.0.1:%d" % canary.address[1]
    t.equal([recorded[k] for k in ("traceId", "status", "reason", "sampled", "target")], [failed, 503, "status", True, where], "what failed")
    t.equal([open_one[k] for k in ("status", "reason", "sampled", "target")], [None, "slow", False, where], "what is open")
    parent = next(r for r in canary.requests if r.target == "/hang").get("traceparent")
    t.equal(open_one["traceId"], parent.split("-")[1], "its trace")
    t.wait(lambda: receiver.posts("/all") and receiver.posts("/chat"), "the notices")
    t.equal(receiver.posts("/all")[0].json()["examples"], record["examples"], "the notice")
    t.contains(receiver.posts("/chat")[0].data.decode(), failed, "in the chat")
    said = p.cli("decisions").stdout
    t.contains(said, f"trace {failed}  status 503  {where}\n", "on the terminal")
    t.contains(said, f"trace {open_one['traceId']}  slow  {where}  (not sampled)\n", "on the terminal")
    release.set()
    for wire in wires:
        wire.close()


@case("the daemon of X-Ray gets a segment of each request with its tries, and parts of those that stable has shielded")
def _(t):
    def serve(wire):
        while True:
            status = {"/limit": "429 Oh", "/broken": "503 Oh"}.get(canary.keep(wire).target, "200 OK")
            wire.send(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
    daemon, other, canary, stable = Daemon(t), Daemon(t), None, Raw(t)
    canary = Raw(t, serve)
    p = Penstock(t, {"ec2": [stable], "fargate": [canary]}, weight=100, workers=1, tracing={"trust": "everybody", "sample": 0},
                 service="shop (front)", env={"AWS_XRAY_DAEMON_ADDRESS": f"tcp:127.0.0.1:1 udp:{daemon.address}"},
                 accessLog=[{"file": {"path": t.path("access.jsonl")}}, {"xray": {}}, {"xray": {"address": other.address}}])
    with Wire(p.address) as wire:
        wire.ask(target="/a?b=c", fields=[CONTEXT, ("User-Agent", 't/1 "x\\y"'), ("X-Datadog-Origin", "synthetics")])
        wire.ask(target="/unrecorded")
        wire.ask(target="/limit", fields=[CONTEXT])
        wire.ask(target="/broken")
    records = {r["http"]["url"].split("/", 3)[3][:4]: r for r in p.log.wait(4)}
    first, limit, broken = (next(d for d in daemon.wait(t, 3) if d["id"] == records[k]["dd"]["span_id"]) for k in ("a?b=", "limi", "brok"))
    t.equal(len(daemon.documents), 3, "two recorded ones and the failure")
    t.equal([first["name"], first["trace_id"], first["parent_id"]], ["shop _front_", f"1-{TRACE[:8]}-{TRACE[8:]}", PARENT], "whose child")
    t.equal(first["http"]["response"]["status"], 200, "the status")
    t.equal([first["http"]["request"][k] for k in ("method", "user_agent", "client_ip")], ["GET", 't/1 "x\\y"', "127.0.0.1"], "the request")
    t.check({"error", "fault", "throttle"}.isdisjoint(first), "nothing was wrong")
    wanted = {"platform": "fargate", "route": "web", "group": "fargate", "side": "canary", "weight": 100, "outcome": "served", "synthetic": "test"}
    t.equal(first["annotations"], wanted, "annotations")
    part, = first["subsegments"]
    t.equal([part["name"], part["id"]], ["fargate", canary.requests[0].get("traceparent").split("-")[2]], "the try")
    t.check(first["start_time"] <= part["start_time"] <= part["end_time"] <= first["end_time"], "one within the other")
    for document, marks in ((limit, {"error", "throttle"}), (broken, {"fault"})):
        for said in (document, document["subsegments"][0]):
            t.equal({"error", "fault", "throttle"} & set(said), marks, f"marks of {document['id']}")
    t.equal(len(other.wait(t, 3)), 3, "the other one")
    t.equal(p.metrics().sum("penstock_log_lost_lines_total", sink=f"xray:{daemon.address}"), 0, "lost ones")


@case("a shielded part goes to X-Ray as a subsegment alone, and a daemon that is gone holds up nobody")
def _(t):
    def serve(wire):
        while True:
            canary.keep(wire)
            wire.send("HTTP/1.1 503 Oh\r\nContent-Length: 0\r\n\r\n")
    daemon, canary, stable, gone = Daemon(t), None, Raw(t), f"127.0.0.1:{free_port()}"
    canary = Raw(t, serve)
    p = Penstock(t, {"ec2": [stable], "fargate": [canary]}, weight=99, workers=1, tracing={"trust": "everybody"},
                 route={"retries": {"shield": True}},
                 accessLog=[{"file": {"path": t.path("access.jsonl")}}, {"xray": {"address": daemon.address}}, {"xray": {"address": gone}}])
    with Wire(p.address) as wire:
        for _ in range(10):
            if not canary.requests:
                t.equal(wire.ask(fields=[CONTEXT]).status, 200, "stable's answer")
    t.wait(lambda: daemon.errors or any("type" in d for d in daemon.documents), "the canary's part")
    part = next(d for d in daemon.wait(t, 2) if "type" in d)
    t.wait(lambda: any(d["id"] == part["parent_id"] for d in daemon.documents), "the whole of it")
    parts = {"subsegment": part, "segment": next(d for d in daemon.documents if d["id"] == part["parent_id"])}
    t.equal(part["type"], "subsegment", "its type")
    t.equal(parts["subsegment"]["parent_id"], parts["segment"]["id"], "its parent")
    t.equal([parts["subsegment"].get("fault"), parts["segment"].get("fault")], [True, None], "what the client has not seen")
    t.equal([parts[k]["annotations"]["group"] for k in ("subsegment", "segment")], ["fargate", "ec2"], "who")


@case("a collector that is gone, or refuses, holds up nobody, and gets what waits when it is back")
def _(t):
    collector, raw, gone = Collector(t), Raw(t), f"http://127.0.0.1:{free_port()}/v1/traces"
    p = exporting(t, collector, {"ec2": [raw]}, more=[{"otlp": {"endpoint": gone}}], tracing={"sample": 100})

    def counted(name, url=collector.url):
        return p.metrics().sum(f"penstock_log_{name}_total", sink=f"otlp:{url}")
    collector.status, collector.retry_after = 503, 1
    with Wire(p.address) as wire:
        for _ in range(20):
            t.equal(wire.ask().status, 200, "an answer")
        t.wait(lambda: collector.asked, "the first attempt")
        t.equal(collector.spans, [], "nothing is taken")
        collector.status, collector.retry_after = 200, None
        collector.wait(t, 40)
        t.equal(len({s.id for s in collector.spans}), 40, "each once")
        t.wait(lambda: counted("written_lines") == 20, "lines that were sent")
        collector.status = 400
        t.equal(wire.ask().status, 200, "an answer")
        t.wait(lambda: counted("lost_lines") == 1, "what it will never take")
    t.wait(lambda: counted("errors", gone) >= 1, "attempts at the one that is gone")
    t.equal(counted("written_lines", gone), 0, "lines that it took")


main()
