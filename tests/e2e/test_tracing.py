"""Trace context through penstock: HTTP/1.1 and HTTP/2 on either side, tries and copies, the log in its presets."""
import json
import re

from frames import Frames, get
from harness import case, main, need
from peers import H2, Raw
from penstock import Penstock
from wire import Wire

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
        for _ in range(8):
            if first.requests:
                break
            t.equal(wire.ask(fields=[CONTEXT]).status, 200, "the answer of the second try")
    t.check(first.requests, "the first target was asked")
    t.wait(lambda: shadow.requests, "a copy")
    heads = first.requests[:1] + own.requests + shadow.requests
    said = [r.get("traceparent").split("-")[1:3] for r in heads]
    t.equal({trace for trace, _ in said}, {TRACE}, "one trace")
    t.equal(len({span for _, span in said}), len(said), "different spans")


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


main()
