"""Spans and contexts of penstock beside those of others: OpenTelemetry's messages, Datadog's tracer, the SDK of AWS X-Ray."""
import json
import os
import re
import subprocess

from collector import Collector
from datadog_agent import Agent
from harness import HERE, Process, case, main, need, tool
from npm import npm
from peers import Raw
from penstock import Penstock
from wire import Wire
from xray_daemon import Daemon

need("node")

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CONTEXT = ("traceparent", f"00-{TRACE}-{PARENT}-01")
LOW = int(TRACE[16:], 16)


class App(Process):
    """A service in node that says its port and calls `url` for each request; `text` is its address."""

    def __init__(self, t, script, url, env):
        super().__init__(t, script, [tool("node"), os.path.join(HERE, script), url], env=env)
        t.wait(lambda: self.stdout().endswith("\n") or not self.running(), "the service listens", timeout=30)
        t.check(self.running(), self.stderr())
        self.text = "127.0.0.1:" + self.stdout().strip()


def serve(t, targets, *sinks, tracing=None):
    return Penstock(t, targets, workers=1, service="front", tracing={"trust": "everybody", **(tracing or {})},
                    accessLog=[{"file": {"path": t.path("access.jsonl")}}, *sinks])


def otlp(collector):
    return {"otlp": {"endpoint": collector.url, "interval": "100ms"}}


def fields(request):
    return {name.lower(): value for name, value in request.fields}


@case("the official messages of OTLP take what is exported, and lose none of it")
def _(t):
    def answer(wire):
        while True:
            status = "503 Oh" if raw.keep(wire).target == "/broken" else "200 OK"
            wire.send(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
    env, collector, raw = npm(t, "@opentelemetry/otlp-transformer@0.57.2"), Collector(t), None
    raw = Raw(t, answer)
    p = serve(t, {"ec2": [raw]}, otlp(collector))
    with Wire(p.address) as wire:
        wire.ask("POST", "/a?q=1", body=b"hello", fields=[CONTEXT, ("User-Agent", 'é "x\\y" \xff')])
        wire.ask(target="/broken")
        wire.ask(target="/c", fields=[("traceparent", CONTEXT[1][:-2] + "00")])
    collector.wait(t, 4)
    for body in collector.bodies:
        run = subprocess.run([tool("node"), os.path.join(HERE, "otlp_decode.js")], input=body, env=env, capture_output=True, timeout=60)
        t.equal(run.returncode, 0, run.stderr.decode(errors="replace"))
        t.equal(json.loads(run.stdout), json.loads(body), "what comes back")


def try_of(collector, path):
    """Our client span of the request for that path."""
    served = [s.id for s in collector.spans if s.kind == "server" and s.attributes["url.path"] == path]
    return next((s for s in collector.spans if s.kind == "client" and s.parent in served), None)


def traced(t, span, agent, parent):
    """Holds a trace of the service: whose child it is, and what came with it."""
    t.equal((span["trace"], span["parent_id"]), (parent.trace, int(parent.id, 16)), "whose child the service's span is")
    call = t.wait(lambda: [s for s in agent.named("http.request") if s["parent_id"] == span["span_id"]],
                  "the call of the service", 30)[0]
    t.equal(call["trace"], parent.trace, "the trace of its call")


@case("the tracer of Datadog joins the trace of our client span, with priority and origin, whichever headers brought them")
def _(t):
    env = npm(t, "dd-trace@5.132.0", optional=False)
    collector, agent, end = Collector(t), Agent(t), Raw(t)
    quiet = {f"DD_{name}": "false" for name in ("INSTRUMENTATION_TELEMETRY_ENABLED", "REMOTE_CONFIGURATION_ENABLED", "TRACE_STARTUP_LOGS",
                                                "RUNTIME_METRICS_ENABLED", "CRASHTRACKING_ENABLED")}
    app = App(t, "datadog_app.js", f"http://{end.text}/end", dict(env, DD_TRACE_AGENT_URL=agent.url, DD_SERVICE="shop", DD_ENV="test", **quiet))
    p = serve(t, {"ec2": [app]}, otlp(collector), tracing={"sample": 100})
    datadog = [("x-datadog-trace-id", str(LOW)), ("x-datadog-parent-id", str(int(PARENT, 16))), ("x-datadog-origin", "rum"),
               ("x-datadog-sampling-priority", "2"), ("x-datadog-tags", f"_dd.p.tid={TRACE[:16]},_dd.p.dm=-4")]
    w3c = [CONTEXT, ("tracestate", "dd=s:2;o:rum;t.dm:-4,congo=t61rcWkgMzE")]
    for n, (context, trace, origin, priority) in enumerate(((datadog, TRACE, "rum", 2), (w3c, TRACE, "rum", 2), ([], None, None, 1)), 1):
        with Wire(p.address) as wire:
            t.equal(wire.ask(target=f"/{n}", fields=context).status, 200, "the answer")
        parent = t.wait(lambda: try_of(collector, f"/{n}"), f"our client span of request {n}", 30)
        t.equal(parent.trace, trace or parent.trace, "the trace that came")
        span = t.wait(lambda: [s for s in agent.named("web.request") if s["meta"]["http.url"].endswith(f"/{n}")], "the service's span", 30)[0]
        traced(t, span, agent, parent)
        t.equal((span["meta"].get("_dd.origin"), span["metrics"]["_sampling_priority_v1"]), (origin, priority), "origin and priority")
        passed = fields(end.requests[-1])
        t.equal((passed.get("x-datadog-origin"), passed["x-datadog-sampling-priority"], passed["traceparent"].split("-")[1]),
                (origin, str(priority), parent.trace), "what it passes on")
        t.equal("congo=t61rcWkgMzE" in passed.get("tracestate", ""), context is w3c, "the tracestate of others")
    t.equal(agent.errors + collector.errors, [], "what cannot be read")


def shape(key, value):
    """Of what kind a member of a segment is, as far as X-Ray tells them apart."""
    if isinstance(value, dict):
        return {name: shape(name, one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(key, one) for one in value]
    forms = {"id": "[0-9a-f]{16}", "parent_id": "[0-9a-f]{16}", "trace_id": "1-[0-9a-f]{8}-[0-9a-f]{24}", "url": r"http://.+/[^?]*",
             "client_ip": r"[\d.]+"}
    if isinstance(value, str) and key in forms:
        return key if re.fullmatch(forms[key], value) else value
    return type(value).__name__


def agree(t, ours, theirs, without, what):
    """Our document has each member of theirs, of the same kind, but those that `without` names."""
    for name, kind in theirs.items():
        if name in without or name not in ours and name in ("error", "fault", "throttle"):
            continue
        t.check(name in ours, f"{what}: {name} is missing in {ours}")
        if isinstance(kind, dict):
            agree(t, ours[name], kind, without, f"{what}.{name}")
        elif not isinstance(kind, list):
            t.equal(ours[name], kind, f"{what}.{name}")


@case("the SDK of X-Ray makes segments of the same shape, below ours, and OpenTelemetry's propagator reads our header")
def _(t):
    env = npm(t, "aws-xray-sdk-core@3.12.0", "@opentelemetry/propagator-aws-xray@2.2.0", "@opentelemetry/api@1.9.0")
    daemon, theirs, end = Daemon(t), Daemon(t, check=lambda document, top: None), Raw(t)
    app = App(t, "xray_app.js", f"http://{end.text}/end", dict(env, AWS_XRAY_DAEMON_ADDRESS=theirs.address))
    p = serve(t, {"ec2": [app]}, {"xray": {"address": daemon.address}}, tracing={"send": ["xray"]})
    root = f"1-{TRACE[:8]}-{TRACE[8:]}"
    for status, marks in ((200, set()), (404, {"error"}), (429, {"error", "throttle"}), (503, {"fault"})):
        with Wire(p.address) as wire:
            answer = wire.ask(target="/a", fields=[("X-Amzn-Trace-Id", f"Root={root};Parent={PARENT};Sampled=1"), ("User-Agent", "t/1"),
                                                   ("X-Status", str(status))])
        t.equal(answer.status, status, "the answer")

        def said(documents):
            return next((d for d in documents if d["http"]["response"].get("status") == status), None)
        t.wait(lambda: said(daemon.documents) and said(theirs.documents), f"both segments of {status}", 30)
        ours, other = said(daemon.documents), said(theirs.documents)
        part, = ours["subsegments"]
        t.equal((ours["trace_id"], ours["parent_id"]), (root, PARENT), "whose child we are")
        t.equal((other["trace_id"], other["parent_id"]), (root, part["id"]), "whose child the service is")
        found = json.loads(answer.body)
        t.equal((found["traceId"], found["spanId"], found["traceFlags"]), (TRACE, part["id"], 1), "what the propagator finds")
        call, = other["subsegments"]
        agree(t, shape("", ours), shape("", other), {"service", "aws", "x_forwarded_for"}, f"segment of {status}")
        agree(t, shape("", part), shape("", call), {"traced", "content_length"}, f"subsegment of {status}")
        for document in (ours, part, other):
            t.equal({"error", "fault", "throttle"} & set(document), marks, f"marks of {status}")
        t.check(ours["start_time"] <= part["start_time"] <= other["start_time"] + 0.05, "times are seconds of one clock")
    t.equal(daemon.errors + theirs.errors, [], "what the daemons cannot read")


main(limit=300.0)  # npm may take its time
