"""What happens when a target or a client breaks off, hangs or is not there."""
import json
import os
import resource
import time

from harness import PATIENCE, case, main, need
from load import h2load
from peers import Nginx, Node, Raw
from penstock import Penstock
from wire import Closed, Wire, compose, get

need("nginx", "node", "h2load")


def dead(t):
    """An address where nobody listens."""
    raw = Raw(t)
    raw.stop()
    return raw.text


@case("a target that is down gives 502 with the request's id")
def _(t):
    p = Penstock(t, {"ec2": [dead(t)]})
    with Wire(p.address) as wire:
        answer = wire.ask(fields=[("X-Request-Id", "my-request-1")])
        t.equal(answer.status, 502, "the answer")
        t.contains(answer.body, b"my-request-1", "the body")
        t.check(b"penstock/" not in answer.head.lower() and b"0.1.0" not in answer.head + answer.body, "no version is told")
        t.equal(wire.ask().status, 502, "the connection goes on")
    record = p.log.wait(2)[0]
    t.equal((record["outcome"], record["http"]["status_code"]), ("connect_refused", 502), "the log")


@case("a target that is down is left out when another one is up")
def _(t):
    up = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [dead(t), up]})
    with Wire(p.address) as wire:
        for n in range(50):
            t.equal(wire.ask("POST", body=b"x").status, 200, f"request {n}")
    t.equal(up.arrived(50), 50, "requests at the target that is up")


@case("the shield: nobody sees a failure of the canary, and each one stands in the log")
def _(t):
    stable, canary = Nginx(t, "ec2"), Node(t, "fargate", errorRate=0.5)
    p = Penstock(t, {"ec2": [stable], "fargate": [canary]}, weight=40, route={"retries": {"shield": True}})
    with Wire(p.address) as wire:
        for n in range(300):
            t.equal(wire.ask().status, 200, f"request {n}")
    counts = canary.counts()
    records = p.log.wait(300 + counts["errors"])
    failed = [r for r in records if r["penstock"].get("shield") == "failed"]
    instead = [r for r in records if r["assignment"] == "shield"]
    t.check(counts["errors"] > 20, "the canary fails")
    t.equal(len(failed), counts["errors"], "lines of the canary's failures")
    t.equal({(r["platform"], r["http"]["status_code"]) for r in failed}, {("fargate", 500)}, "what they say")
    t.equal(sorted(r["http"]["request_id"] for r in failed), sorted(r["http"]["request_id"] for r in instead),
            "the requests that stable answered instead")
    t.equal(sum(r["platform"] == "fargate" for r in records), counts["requests"], "lines of the canary")


@case("a target that stops answering is left alone, and taken again when it is back")
def _(t):
    up, down = Nginx(t, "ec2"), Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [up, down]}, workers=1,
                 targetGroups={"ec2": {"ejection": {"failures": 3, "time": "1s"}}})
    down.kill()
    with Wire(p.address) as wire:
        for n in range(100):
            t.equal(wire.ask("POST", body=b"x").status, 200, f"request {n}")
        targets = {x["address"]: x for x in p.admin.get("/v1/groups/ec2/targets").json()["targets"]}
        t.equal(targets[down.text]["ejectedBy"], 1, "workers that leave it alone")
        t.equal(targets[down.text]["failures"], 3, "requests that it cost")
        again = Nginx(t, "ec2", port=down.port)
        t.wait(lambda: wire.ask().status == 200 and again.arrived(0) > 0, "it gets requests again")


def healths(p, group="ec2"):
    return {x["address"]: x["health"] for x in p.admin.get(f"/v1/groups/{group}/targets").json()["targets"]}


@case("health checks take a target out before it costs a request, and in again")
def _(t):
    well, ill = Node(t, "ec2"), Node(t, "ec2")
    p = Penstock(t, {"ec2": [well, ill]}, targetGroups={"ec2": {
        "healthCheck": {"path": "/health", "interval": "100ms", "timeout": "100ms"}}})
    t.wait(lambda: set(healths(p).values()) == {"healthy"}, "both are healthy")
    ill.set(errorRate=1)
    t.wait(lambda: healths(p)[ill.text] == "unhealthy", "the ill one is found out")
    with Wire(p.address) as wire:
        for n in range(50):
            t.equal(wire.ask().status, 200, f"request {n}")
    t.check(f'target="{ill.text}"}} 0' in p.admin.get("/metrics").text, "the metrics say so")
    ill.set(errorRate=0)
    t.wait(lambda: healths(p)[ill.text] == "healthy", "it is well again")
    ill.set(hang=True)
    t.wait(lambda: healths(p)[ill.text] == "unhealthy", "it hangs")
    t.contains(p.stderr(), "no answer in time", "the log")


@case("when all targets are unhealthy, they serve all the same; a canary that is leaves its requests to stable")
def _(t):
    stable, canary = Node(t, "ec2"), Node(t, "fargate")
    check = {"healthCheck": {"path": "/health", "status": 204, "interval": "100ms", "timeout": "100ms"}}
    p = Penstock(t, {"ec2": [stable], "fargate": [canary]}, weight=50, targetGroups={"ec2": check, "fargate": check})
    t.wait(lambda: set(healths(p).values()) | set(healths(p, "fargate").values()) == {"unhealthy"}, "none is healthy")
    with Wire(p.address) as wire:
        for n in range(50):
            t.equal(wire.ask().status, 200, f"request {n}")
    t.equal({r["platform"] for r in p.log.wait(50)}, {"ec2"}, "who served")
    t.equal(p.admin.get("/readyz").status, 200, "penstock is ready")


@case("a target that comes back is used again, without a restart")
def _(t):
    target = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    t.equal(get(p.address).status, 200, "before")
    target.kill()
    t.equal(get(p.address).status, 502, "while it is down")
    Nginx(t, "ec2", port=target.port)
    t.equal(get(p.address).status, 200, "after")


@case("a target that never answers gives 504 after the first-byte time-out")
def _(t):
    target = Node(t, "ec2", hang=True)
    p = Penstock(t, {"ec2": [target]}, route={"timeouts": {"firstByte": "500ms"}})
    began = time.monotonic()
    t.equal(get(p.address).status, 504, "the answer")
    t.within(time.monotonic() - began, 0.4, 5 * PATIENCE, "seconds until it")
    t.equal(p.log.wait(1)[0]["outcome"], "first_byte_timeout", "the outcome")
    t.wait(lambda: target.counts()["open"] == 0, "the target is let go")


@case("a target that stops in the middle of its answer is cut off")
def _(t):
    def stall(wire):
        wire.request()
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        wire.closed()
    p = Penstock(t, {"ec2": [Raw(t, stall)]}, route={"timeouts": {"body": "500ms"}})
    answer = get(p.address)
    t.equal((answer.status, answer.complete), (200, False), "the answer")
    t.equal(p.log.wait(1)[0]["outcome"], "target_stalled", "the outcome")


@case("a target that resets gives 502, and a request reaches a target once")
def _(t):
    bad, good = Node(t, "bad", reset=True), Node(t, "good")
    p = Penstock(t, {"ec2": [bad, good]})
    with Wire(p.address) as wire:
        got = [wire.ask("POST", body=b"x").status for n in range(40)]
    t.equal(set(got), {200, 502}, "answers")
    t.equal(got.count(502), bad.counts()["requests"], "each reset is told to the client")
    t.equal(good.counts()["requests"] + bad.counts()["requests"], 40, "each POST reached one target, once")
    outcomes = {r["outcome"] for r in p.log.wait(40)}
    t.check(outcomes in ({"served", "target_reset"}, {"served", "target_closed"}), f"outcomes {outcomes}")


@case("an idle connection that the target closes is not the client's trouble")
def _(t):
    def once(wire):
        wire.request()
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    p = Penstock(t, {"ec2": [Raw(t, once)]}, workers=1)
    with Wire(p.address) as wire:
        for n in range(200):
            t.equal(wire.ask().status, 200, f"GET {n}")


@case("a reused connection that dies under a request: GET is repeated, POST is not")
def _(t):
    def twice(wire):
        wire.request()
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        wire.head()
    p = Penstock(t, {"ec2": [Raw(t, twice)]}, workers=1)
    with Wire(p.address) as wire:
        t.equal([wire.ask().status for n in range(10)], [200] * 10, "GET")
    with Wire(p.address) as wire:
        got = [wire.ask("POST", body=b"x").status for n in range(10)]
    t.equal(set(got), {200, 502}, "POST")


@case("a target that closes idle connections early costs no request under load")
def _(t):
    target = Node(t, "ec2", closeAfterMs=20)
    p = Penstock(t, {"ec2": [target]})
    for _ in range(10):
        t.equal(h2load(t, p.url(), 200, connections=20)["2xx"], 200, "requests that ended well")


@case("a client that leaves is logged as such, and the target is let go")
def _(t):
    target = Node(t, "ec2", hang=True)
    p = Penstock(t, {"ec2": [target]})
    wires = [Wire(p.address) for n in range(3)]
    for wire in wires:
        wire.send(compose())
    t.wait(lambda: target.counts()["open"] == 3, "the requests are at the target")
    wires[0].close()
    wires[1].reset()
    wires[2].close()
    t.equal({r["outcome"] for r in p.log.wait(3)}, {"client_gone"}, "outcomes")
    t.equal({r["http"]["status_code"] for r in p.log.lines()}, {499}, "statuses")
    t.wait(lambda: target.counts()["open"] == 0, "the target is let go")


@case("a client that leaves in the middle of an answer harms nobody")
def _(t):
    target = Node(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    for n in range(20):
        wire = Wire(p.address)
        wire.send(compose(target="/bytes?n=10000000"))
        wire.exactly(1000)
        wire.reset() if n % 2 else wire.close()
    t.wait(lambda: target.counts()["open"] == 0, "the target is let go")
    t.equal(p.log.wait(20)[0]["outcome"], "client_gone", "the outcome")
    t.equal(get(p.address).status, 200, "others are served")


@case("half a request and then silence ends in 408")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, timeouts={"requestHead": "500ms"}, route={"timeouts": {"body": "500ms"}})
    with Wire(p.address) as wire:
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n")
        t.equal(wire.answer().status, 408, "half a head")
        wire.closed()
    with Wire(p.address) as wire:
        wire.send(compose("POST", fields=[("Content-Length", "10")]) + b"12345")
        t.check(wire.answer().status in (408, 200), "half a body")
    with Wire(p.address) as wire:
        t.equal(wire.ask().status, 200, "others are served")


@case("a connection that stays idle is closed without a word")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, timeouts={"keepAlive": "500ms"})
    with Wire(p.address) as wire:
        t.equal(wire.ask().status, 200, "a request")
        wire.closed()


@case("a body beyond the route's limit is refused")
def _(t):
    target = Node(t, "ec2")
    p = Penstock(t, {"ec2": [target]}, route={"maxBody": "1MiB"})
    with Wire(p.address) as wire:
        wire.send(compose("POST", "/hash", fields=[("Content-Length", str(1024 * 1024 + 1))]))
        t.equal(wire.answer().status, 413, "by its length")
    with Wire(p.address) as wire:
        wire.send(compose("POST", "/hash", fields=[("Transfer-Encoding", "chunked")]))
        try:
            for n in range(20):
                wire.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            wire.send("0\r\n\r\n")
        except OSError:
            pass
        try:
            t.equal(wire.answer().status, 413, "chunked")
        except Closed:
            pass
    with Wire(p.address) as wire:
        answer = wire.ask("POST", "/hash", body=b"x" * 1024 * 1024)
        t.equal(json.loads(answer.body)["length"], 1024 * 1024, "exactly the limit")
    p.log.wait(3)
    t.equal(p.log.by("outcome"), {"body_too_large": 2, "served": 1}, "outcomes")


@case("a thousand connections that come and go leave no descriptor behind")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, timeouts={"poolIdle": "200ms"})

    def descriptors():
        return len(os.listdir(f"/proc/{p.pid}/fd"))
    get(p.address)
    before = t.settled(descriptors, "descriptors", quiet=0.6)
    for n in range(1000):
        with Wire(p.address) as wire:
            wire.send(compose() if n % 3 else b"GET / HT")
            if n % 3 == 1:
                wire.answer()
    t.wait(lambda: descriptors() <= before, f"descriptors fall to {before}")


@case("clients that dawdle hold nobody up")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]})
    wires = [Wire(p.address) for n in range(400)]
    for n, wire in enumerate(wires):
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "[:10 + n % 30])
    began = time.monotonic()
    with Wire(p.address) as quick:
        for n in range(100):
            t.equal(quick.ask().status, 200, "a request among them")
    t.check(time.monotonic() - began < 5 * PATIENCE, "others are served at once")
    for wire in wires:
        wire.close()


@case("without descriptors it neither spins nor dies, and recovers")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, workers=1)
    get(p.address)
    spare = len(os.listdir(f"/proc/{p.pid}/fd")) + 20
    resource.prlimit(p.pid, resource.RLIMIT_NOFILE, (spare, spare))
    wires = [Wire(p.address, 30) for n in range(60)]
    for wire in wires:
        wire.send(compose())
    before = p.cpu_seconds()
    time.sleep(1)
    t.check(p.cpu_seconds() - before < 0.5, "it does not spin")
    for wire in wires:
        wire.close()
    t.wait(lambda: answers(p), "it serves again")


def answers(p):
    try:
        return get(p.address).status == 200
    except (Closed, OSError):
        return False


main()
