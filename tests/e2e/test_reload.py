"""Reload and shutdown under load: nobody notices."""
import copy
import os
import signal
import socket
import threading
import time

from harness import PATIENCE, case, main, need, scaled
from load import Wrk
from peers import Nginx, Node
from penstock import Penstock
from wire import Closed, Wire, compose, get

need("nginx", "node", "wrk")


def reload(t, p, how):
    if how == "signal":
        before = p.stderr().count("\n")
        p.signal(signal.SIGHUP)
        t.wait(lambda: p.stderr().count("\n") > before, "the reload is reported")
    else:
        answer = p.admin.ask("POST", "/v1/config/reload", {})
        t.equal(answer.status // 100, 2, f"reload: {answer.text}")


def change(p, edit):
    config = copy.deepcopy(p.config)
    edit(config)
    p.write_config(config)


def reloads(how):
    def run(t):
        old, new = Nginx(t, "old"), Nginx(t, "new")
        p = Penstock(t, {"ec2": [old]})
        load = Wrk(t, p.url(), scaled(6, 4), connections=32)
        t.wait(lambda: old.requests() > 100, "load arrives")
        for n in range(scaled(20, 5)):
            target = new if n % 2 == 0 else old
            change(p, lambda c: c["targetGroups"]["ec2"].update(targets=[target.text]))
            reload(t, p, how)
            before = target.requests()
            t.wait(lambda: target.requests() > before + 50, f"traffic at {target.label}")
        load.flawless()
        t.equal(p.log.by("outcome").keys() - {"served", "client_gone"}, set(), "outcomes in the log")
    return run


case("SIGHUP reloads under load without a failed request")(reloads("signal"))
case("POST /v1/config/reload reloads under load without a failed request")(reloads("post"))


@case("a reload adds and removes routes, groups and listeners' routes at once")
def _(t):
    a, b = Nginx(t, "a"), Nginx(t, "b")
    p = Penstock(t, {"a": [a]})
    t.equal(get(p.address, "/b").body, b"a\n", "before")

    def add(config):
        config["targetGroups"]["b"] = {"targets": [b.text]}
        config["routes"].append({"name": "b", "match": {"pathPrefix": "/b"}, "stable": "b"})
    change(p, add)
    reload(t, p, "post")
    t.equal((get(p.address, "/b").body, get(p.address, "/a").body), (b"b\n", b"a\n"), "with the new route")
    change(p, lambda c: (c["routes"].pop(), c["targetGroups"].pop("b")))
    reload(t, p, "post")
    t.equal(get(p.address, "/b").body, b"a\n", "without it")


@case("a bad file is kept out: the errors are told, the old configuration serves")
def _(t):
    target = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    good = copy.deepcopy(p.config)
    change(p, lambda c: c["routes"][0].update(stable="ec3", weigth=5))
    answer = p.admin.ask("POST", "/v1/config/reload", {})
    t.check(answer.status in (400, 409, 422), f"{answer.status} {answer.text}")
    for part in ("ec3", "weigth"):
        t.contains(answer.text, part, "the answer")
    t.equal({os.path.basename(e["file"]) for e in answer.json()["errors"]}, {"penstock.yaml"}, "the file of the errors")
    t.check(all(e["line"] > 0 and e["column"] > 0 for e in answer.json()["errors"]), "their places")
    before = len(p.stderr())
    p.signal(signal.SIGHUP)
    t.wait(lambda: "weigth" in p.stderr()[before:], "the errors are on stderr")
    t.equal(get(p.address).status, 200, "it serves")
    p.write_config(good)
    reload(t, p, "post")
    t.equal(get(p.address).status, 200, "it serves")


@case("a reload keeps the weight that was set, and the counters")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, weight=10)
    p.admin.weight(77)
    with Wire(p.address) as wire:
        for n in range(200):
            wire.ask()
        t.wait(lambda: sum(p.metrics().requests().values()) == 200, "200 requests counted")
        reload(t, p, "post")
        t.equal(p.admin.must("GET", "/v1/routes/web/weight")["canary"], 77, "the weight")
        for n in range(100):
            wire.ask()
    t.wait(lambda: sum(p.metrics().requests().values()) == 300, "300 requests counted")


@case("requests under way at a reload end where they began")
def _(t):
    old, new = Node(t, "old", delayMs=1500), Nginx(t, "new")
    p = Penstock(t, {"ec2": [old]})
    wires = [Wire(p.address) for n in range(5)]
    for wire in wires:
        wire.send(compose())
    t.wait(lambda: old.counts()["open"] == 5, "requests are under way")
    change(p, lambda c: c["targetGroups"]["ec2"].update(targets=[new.text]))
    reload(t, p, "post")
    t.equal(get(p.address).body, b"new\n", "a new request")
    for wire in wires:
        t.equal(wire.answer().body, b"old\n", "a request that was under way")
        t.equal(wire.ask().body, b"new\n", "the next one on its connection")


class Client(threading.Thread):
    """A client that keeps asking on one connection until it is refused. A connection that ends between two requests
    is nobody's fault; a request that got no whole answer on it is, unless not one byte of an answer came on a
    connection that had been idle, which a client repeats."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.good, self.bad, self.raced = address, 0, [], 0
        self.start()

    def run(self):
        while True:
            try:
                wire = Wire(self.address, 10)
            except OSError:
                return
            with wire:
                if not self._ask(wire):
                    return

    def _ask(self, wire):
        n = 0
        while True:
            try:
                answer = wire.ask()
            except (Closed, OSError) as closed:
                if n == 0:
                    self.bad.append(f"the first request on a connection: {closed!r}")
                self.raced += 1
                return True
            n += 1
            if answer.status != 200 or not answer.complete:
                self.bad.append(f"{answer.status}")
            self.good += 1
            if answer.get("connection", "").lower() == "close":
                return True


@case("SIGTERM under load: whatever was begun ends well")
def _(t):
    target = Node(t, "ec2", delayMs=5)
    p = Penstock(t, {"ec2": [target]})
    clients = [Client(p.address) for n in range(20)]
    t.wait(lambda: sum(c.good for c in clients) > 200, "load arrives")
    began = time.monotonic()
    t.equal(p.terminate(30), 0, "the exit status")
    t.note(f"it took {time.monotonic() - began:.1f} s; {sum(c.good for c in clients)} answers, "
           f"{sum(c.raced for c in clients)} connections ended between two requests")
    for client in clients:
        client.join(20 * PATIENCE)
        t.check(not client.is_alive(), "the clients end")
        t.equal(client.bad, [], "requests that failed")
    refused = False
    try:
        Wire(p.address, 1).close()
    except OSError:
        refused = True
    t.check(refused, "nobody listens any more")


@case("SIGTERM waits for a long request, and a second signal does not")
def _(t):
    target = Node(t, "ec2", delayMs=2000)
    p = Penstock(t, {"ec2": [target]})
    wire = Wire(p.address, 20)
    wire.send(compose())
    t.wait(lambda: target.counts()["open"] == 1, "a request is under way")
    p.signal(signal.SIGTERM)
    t.equal(wire.answer().status, 200, "the request")
    t.equal(p.wait(20), 0, "the exit status")
    t.equal(p.log.lines()[-1]["http"]["status_code"], 200, "its log line is written")
    target.set(hang=True)
    q = Penstock(t, {"ec2": [target]}, name="other.yaml")
    with Wire(q.address) as hung:
        hung.send(compose())
        t.wait(lambda: target.counts()["open"] == 1, "a request hangs")
        q.signal(signal.SIGTERM)
        t.wait(lambda: q.admin.get("/readyz").status == 503, "it drains")
        began = time.monotonic()
        q.signal(signal.SIGINT)
        q.wait(20)
        t.check(time.monotonic() - began < 5 * PATIENCE, "the second signal ends it")


@case("the drain has an end: after its time, what hangs is cut")
def _(t):
    target = Node(t, "ec2", hang=True)
    p = Penstock(t, {"ec2": [target]}, timeouts={"drain": "1s"})
    with Wire(p.address) as wire:
        wire.send(compose())
        t.wait(lambda: target.counts()["open"] == 1, "a request hangs")
        t.equal(p.terminate(20), 0, "the exit status")


@case("systemd is told of readiness, reloads and the end")
def _(t):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(t.path("notify"))
        systemd.settimeout(10 * PATIENCE)
        p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, env={"NOTIFY_SOCKET": t.path("notify")})
        t.contains(systemd.recv(4096), b"READY=1", "at the start")
        p.signal(signal.SIGHUP)
        t.contains(systemd.recv(4096), b"RELOADING=1", "at a reload")
        t.contains(systemd.recv(4096), b"READY=1", "after it")
        p.signal(signal.SIGTERM)
        t.contains(systemd.recv(4096), b"STOPPING=1", "at the end")
    t.equal(p.wait(), 0, "the exit status")


@case("SIGUSR1 reopens the access log after it was moved away")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]})
    get(p.address, "/1")
    p.log.wait(1)
    os.rename(p.log.path, p.log.path + ".1")
    p.signal(signal.SIGUSR1)
    t.wait(lambda: os.path.exists(p.log.path), "a new file")
    get(p.address, "/2")
    t.equal(p.log.wait(1)[0]["http"]["url"].split("/")[-1], "2", "the new file's first line")


main()
