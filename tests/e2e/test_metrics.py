"""Metrics that are sent: an agent hears of every request, and a dead one harms none."""
import socket

from harness import case, main, need
from penstock import Penstock, configuration
from peers import Nginx
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


@case("without an agent every request is served, and what is lost is counted")
def _(t):
    p = statsd(t, "unix:" + t.path("nobody.sock"))
    with Wire(p.address) as wire:
        t.equal({wire.ask().status for n in range(50)}, {200}, "statuses")
        t.wait(lambda: p.metrics().sum("penstock_dogstatsd_lost_total") > 0, "losses are counted")
        t.equal(wire.ask().status, 200, "the status after it")


main()
