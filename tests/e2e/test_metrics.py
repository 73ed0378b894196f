"""Metrics that are sent: an agent hears of every request, and a dead one harms none; lines for CloudWatch stand among
those of the access log."""
import json
import re
import socket
import time

from harness import case, main, need
from penstock import Penstock, configuration
from peers import Nginx
from plans import quick
from wire import Wire

need("nginx")


class Agent:
    """A DogStatsD agent on UDP: what it has heard, as {name: [(value, kind, rate, tags)]}. It has to be read now and
    then: what the kernel keeps for it is bounded."""

    def __init__(self, t):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.text = "127.0.0.1:%d" % self._socket.getsockname()[1]
        self.heard = {}
        t.own(self)

    def read(self):
        while True:
            try:
                datagram = self._socket.recv(65536)
            except BlockingIOError:
                return self.heard
            for line in datagram.decode().split("\n"):
                self._hear(line)

    def _hear(self, line):
        what, kind, *rest = line.split("|")
        name, value = what.split(":")
        rate = next((float(part[1:]) for part in rest if part[0] == "@"), 1.0)
        tags = dict(tag.split(":", 1) for tag in next(part[1:] for part in rest if part[0] == "#").split(","))
        self.heard.setdefault(name, []).append((float(value), kind, rate, tags))

    def requests(self):
        """Per env, by the counters."""
        sums = {}
        for value, kind, _, tags in self.read().get("penstock.requests", []):
            assert kind == "c"
            sums[tags["env"]] = sums.get(tags["env"], 0) + value
        return sums

    def durations(self):
        return sum(1 / rate for _, kind, rate, _ in self.read().get("penstock.request_duration_seconds", []) if kind == "d")

    def close(self):
        self._socket.close()


def statsd(t, address):
    groups = {name: [Nginx(t, name)] for name in ("ec2", "fargate")}
    config = configuration(t, groups, weight=50, service="shop", targetGroups={"fargate": {"env": "prd-fargate"}},
                           timeouts={"lameDuck": "0s"}, metrics={"dogstatsd": {"address": address, "interval": "1s"}})
    return Penstock(t, None, config=dict(config, env="prd"))


@case("the agent hears of each request once, per group with its env, and of the last ones at the end")
def _(t):
    agent = Agent(t)
    p = statsd(t, agent.text)
    with Wire(p.address) as wire:
        for n in range(200):
            wire.ask()
            agent.read()
        t.wait(lambda: sum(agent.requests().values()) == 200, "200 requests at the agent")
        for n in range(50):
            wire.ask()
    t.equal(p.terminate(), 0, "the exit status")
    got = agent.requests()
    t.equal(got, {{"ec2": "prd", "fargate": "prd-fargate"}[name]: n for name, n in p.log.by("platform").items()},
            "the agent against the access log")
    t.within(agent.durations(), 249.9, 250.1, "durations")
    weights = [(value, kind) for value, kind, _, _ in agent.heard["penstock.route_weight_ratio"]]
    t.equal(set(weights), {(0.5, "g")}, "the weight")


def check_emf(t, line):
    """That a line is what the specification of the Embedded Metric Format asks for."""
    t.check(len(json.dumps(line)) < 256 << 10, "the line is short")
    t.check(isinstance(line["_aws"]["Timestamp"], int), "it has a time")
    for directive in line["_aws"]["CloudWatchMetrics"]:
        t.equal(set(directive), {"Namespace", "Dimensions", "Metrics"}, "members of a directive")
        t.check(1 <= len(directive["Namespace"]) <= 1024 and len(directive["Metrics"]) <= 100, "its name and its metrics")
        for name in sum(directive["Dimensions"], []):
            t.check(len(directive["Dimensions"][0]) <= 30 and 1 <= len(line[name]) <= 1024, f"dimension {name}")
        for metric in directive["Metrics"]:
            values = line[metric["Name"]] if isinstance(line[metric["Name"]], list) else [line[metric["Name"]]]
            t.check(1 <= len(values) <= 100 and all(isinstance(value, (int, float)) for value in values), f"values of {metric}")


@case("lines for CloudWatch tell of every request once, whole among the lines of requests or alone")
def _(t):
    groups = {name: [Nginx(t, name)] for name in ("ec2", "fargate")}
    paths = {content: t.path(content + ".jsonl") for content in ("both", "emf")}
    p = Penstock(t, groups, weight=50, metrics={"emf": {"interval": "1s"}}, timeouts={"lameDuck": "0s"},
                 accessLog=[{"file": {"path": path}, "content": content, "format": "ecs"} for content, path in paths.items()])
    with Wire(p.address) as wire:
        for n in range(250):
            wire.ask()
    t.equal(p.terminate(), 0, "the exit status")
    lines = {}
    for content, path in paths.items():
        with open(path) as f:
            lines[content] = [json.loads(line) for line in f]
    requests = [line for line in lines["both"] if "_aws" not in line]
    t.equal(len(requests), 250, "lines of requests")
    t.equal([line for line in lines["both"] if "_aws" in line], lines["emf"], "the same metrics in both files")
    sums = {}
    for line in lines["emf"]:
        check_emf(t, line)
        sums[line["Platform"]] = sums.get(line["Platform"], 0) + line["Requests"]
        t.equal(line["Errors"], 0, "errors")
        t.equal(len(line["Latency"]), min(line["Requests"], 100), "times")
    t.equal(sums, {name: sum(line["platform"] == name for line in requests) for name in groups}, "the metrics against the log")


@case("what latency is judged by is an edge of the histogram, exact to the answer")
def _(t):
    p = Penstock(t, {name: [Nginx(t, name)] for name in ("ec2", "fargate")}, route={"slo": {"threshold": "3ms"}})
    with Wire(p.address) as wire:
        for n in range(20):
            wire.send(b"GET / HTTP/1.1\r\n")
            time.sleep(0.004 * (n % 2))
            wire.send(b"Host: a\r\n\r\n")
            t.equal(wire.answer().status, 200, "a status")
        times = [record["duration"] for record in p.log.wait(20)]
        p.admin.start(quick((1, "60s"), analysis={"metrics": [{"name": "slow", "type": "latencySlo", "threshold": "1230us",
                                                               "objective": 0.99}]}))
        name = "penstock_request_duration_seconds_bucket"
        t.wait(lambda: "0.00123" in p.metrics().labels(name, "le"), "the plan's threshold is an edge")
        t.equal(p.metrics().sum(name, le="0.003"), sum(ns <= 3e6 for ns in times), "answers within the SLO")
        t.equal(p.metrics().sum(name, le="0.00123"), 0, "answers within the plan's, which was not there yet")
        t.equal(p.metrics().sum(name, le="0.005"), sum(ns <= 5e6 for ns in times), "within a fixed edge")


@case("in OpenMetrics a recorded request is the exemplar of its bucket, and no other is")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, tracing={"trust": "everybody"})
    recorded, other = "4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737"
    with Wire(p.address) as wire:
        for trace, flags in (recorded, "01"), (other, "00"):
            wire.ask(fields=[("traceparent", f"00-{trace}-00f067aa0ba902b7-{flags}")])
    ns = next(record["duration"] for record in p.log.wait(2) if record["trace_id"] == recorded)
    page = p.admin.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}).text
    found = re.findall(r'_bucket{.*le="([^"]+)"} [1-9]\d* # {trace_id="([0-9a-f]+)"} (\S+) \d+\.\d{3}\n', page)
    t.equal([(trace, round(float(s) * 1e9)) for _, trace, s in found], [(recorded, ns)], "exemplars")
    t.check(ns <= float(found[0][0]) * 1e9, "it lies in its bucket")
    t.check(recorded not in p.metrics().text, "the text format has none")


@case("without an agent every request is served, and what is lost is counted")
def _(t):
    p = statsd(t, "unix:" + t.path("nobody.sock"))
    with Wire(p.address) as wire:
        t.equal({wire.ask().status for n in range(50)}, {200}, "statuses")
        t.wait(lambda: p.metrics().sum("penstock_dogstatsd_lost_total") > 0, "losses are counted")
        t.equal(wire.ask().status, 200, "the status after it")


main()
