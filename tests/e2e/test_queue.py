"""Caps on requests in flight, and the short queue of those that wait for a place."""
import copy
import threading
import time

from harness import case, main, need
from load import Wrk
from peers import Node, Raw
from penstock import Penstock
from wire import Wire, get

need("node", "wrk")


class Gatekeeper(Raw):
    """A target that answers when it is told to, and notes what is there at once."""

    def __init__(self, t):
        self.lock = threading.Condition()
        self.there, self.most, self.came, self.free = 0, 0, [], 0
        super().__init__(t, self._serve)

    def _serve(self, wire):
        while (message := wire.request()) is not None:
            with self.lock:
                self.there += 1
                self.most = max(self.most, self.there)
                self.came.append(message.target)
                self.lock.wait_for(lambda: self.free > 0)
                self.free -= 1
                self.there -= 1
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def let(self, n=1):
        with self.lock:
            self.free += n
            self.lock.notify_all()


def group(cap, **more):
    return {"ec2": {"concurrency": dict(cap, **more)}}


def waiting(p):
    return p.metrics().sum("penstock_group_requests_waiting")


def ask(t, p, path):
    wire = t.own(Wire(p.address))
    wire.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return wire


def line_up(t, p, paths, before=0):
    """Sends one after the other, so that the order in which they wait is known."""
    wires = []
    for n, path in enumerate(paths):
        wires.append(ask(t, p, path))
        t.wait(lambda: waiting(p) == before + n + 1, f"{path} waits")
    return wires


@case("ten requests at a target with two places: two at once, the others in order, over both workers")
def _(t):
    target = Gatekeeper(t)
    p = Penstock(t, {"ec2": [target]}, workers=2, targetGroups=group({"target": 2}, wait="30s"))
    first = [ask(t, p, f"/{n}") for n in range(2)]
    t.wait(lambda: target.there == 2, "the first two are there")
    rest = line_up(t, p, [f"/{n}" for n in range(2, 10)])
    t.equal(p.metrics().sum("penstock_group_requests_in_flight"), 2, "in flight")
    state = p.admin.status()["groups"][0]["concurrency"]
    t.equal((state["target"], state["group"], state["waiting"]), (2, None, 8), "the status")
    t.check("8 wait for a place" in p.cli("status").stdout, "penstock status")
    for n in range(2, 10):
        target.let()
        t.wait(lambda: len(target.came) == n + 1, f"/{n} has its turn")
    target.let(2)
    t.equal([wire.answer().status for wire in first + rest], [200] * 10, "answers")
    t.equal(target.most, 2, "most at once")
    t.equal(target.came[2:], [f"/{n}" for n in range(2, 10)], "the order")
    lines = {line["http"]["url"].rsplit("/", 1)[1]: line for line in p.log.wait(10)}
    t.equal([n for n in sorted(lines) if "queue" in lines[n]["phases"]], [str(n) for n in range(2, 10)], "waits in the log")
    for line in lines.values():
        t.equal(sum(line["phases"].values()), line["duration"], "the phases of a request are all of it")


@case("a full queue refuses at once, a long wait refuses later, both with 503 and Retry-After")
def _(t):
    target = Gatekeeper(t)
    p = Penstock(t, {"ec2": [target]}, workers=2, targetGroups=group({"group": 1}, queue=1, wait="500ms"))
    served = ask(t, p, "/served")
    t.wait(lambda: target.there == 1, "the first is there")
    late = line_up(t, p, ["/late"])[0]
    full = get(p.address, "/full")
    t.equal((full.status, full.get("Retry-After")), (503, "1"), "the queue is full")
    answer = late.answer()
    t.equal((answer.status, answer.get("Retry-After")), (503, "1"), "the wait is over")
    target.let()
    t.equal(served.answer().status, 200, "who had the place")
    p.log.complete(3)
    t.equal(p.log.by("outcome"), {"served": 1, "queue_full": 1, "queue_timeout": 1}, "outcomes")
    metrics = p.metrics()
    t.equal([metrics.sum("penstock_group_rejected_total", reason=reason) for reason in ("full", "late")], [1, 1], "counted")


@case("a client that leaves the queue is not served, and the next one is")
def _(t):
    target = Gatekeeper(t)
    p = Penstock(t, {"ec2": [target]}, workers=2, targetGroups=group({"target": 1}, wait="30s"))
    ask(t, p, "/0")
    t.wait(lambda: target.there == 1, "the first is there")
    leaves, stays = line_up(t, p, ["/leaves", "/stays"])
    leaves.close()
    t.wait(lambda: waiting(p) == 1, "it is out of the queue")
    target.let(2)
    t.equal(stays.answer().status, 200, "the next")
    t.equal(target.came, ["/0", "/stays"], "what arrived")


@case("a reload with a wider cap lets more in, and one without the target sends those that wait elsewhere")
def _(t):
    first, second = Gatekeeper(t), Gatekeeper(t)
    p = Penstock(t, {"ec2": [first]}, workers=2, targetGroups=group({"target": 1}, wait="30s"))

    def reload(**change):
        config = copy.deepcopy(p.config)
        config["targetGroups"]["ec2"].update(change)
        p.write_config(config)
        p.admin.must("POST", "/v1/config/reload", {})

    ask(t, p, "/0")
    t.wait(lambda: first.there == 1, "the first is there")
    line_up(t, p, ["/1", "/2", "/3"])
    reload(concurrency={"target": 2, "wait": "30s"})
    t.wait(lambda: first.there == 2 and waiting(p) == 2, "one more is there")
    reload(targets=[second.text])
    t.wait(lambda: second.there == 2 and waiting(p) == 0, "the others are at the new target")
    t.equal(sorted(second.came), ["/2", "/3"], "those that waited")
    first.let(2)
    second.let(2)


@case("under load the cap holds, and nobody fails who need not")
def _(t):
    target = Node(t, "slow", delayMs=2)
    p = Penstock(t, {"ec2": [target]}, workers=2, targetGroups=group({"target": 8}, wait="30s"))
    most = [0]
    load = Wrk(t, p.url(), 2, connections=64)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        most[0] = max(most[0], target.counts()["open"])
    load.flawless()
    t.check(0 < most[0] <= 8, f"{most[0]} at once")
    t.wait(lambda: waiting(p) == 0, "nobody waits when those that have left are noticed")
    t.equal(p.log.by("outcome").keys() - {"served", "client_gone"}, set(), "outcomes in the log")


main()
