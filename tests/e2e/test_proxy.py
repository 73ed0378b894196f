"""The way of a request: connections, routes, targets, bodies."""
import hashlib
import json

from harness import SANITIZER, case, main, need, scaled
from load import Wrk, h2load
from peers import Nginx, Node, Raw
from penstock import Penstock
from wire import Wire, chunked, compose, get

need("nginx", "node", "wrk", "h2load")

MIB = 1024 * 1024


@case("a request reaches the target and its answer comes back")
def _(t):
    target = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    answer = get(p.address, "/hello?x=1", host="www.example.com")
    t.equal((answer.status, answer.body), (200, b"ec2\n"), "the answer")
    target.arrived(1)
    t.equal(target.seen()[0]["uri"], "/hello?x=1", "what the target saw")


@case("keep-alive is used on both sides")
def _(t):
    target = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [target]}, workers=1)
    with Wire(p.address) as wire:
        for n in range(20):
            t.equal(wire.ask(target=f"/{n}").status, 200, f"request {n}")
    t.equal(target.arrived(20), 20, "requests at the target")
    t.equal(len({r["connection"] for r in target.seen()}), 1, "connections to the target")


@case("a thousand connections share few connections to the target")
def _(t):
    target = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [target]}, workers=2)
    counts = h2load(t, p.url(), scaled(5000, 1000), connections=scaled(1000, 200))
    t.equal(counts["succeeded"], counts["total"], "requests that ended well")


@case("every listener serves")
def _(t):
    target = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [target]}, listeners=[{"address": "127.0.0.1:0"}] * 3)
    t.equal(len(set(p.listeners)), 3, "addresses in the ready line")
    for listener in p.listeners:
        t.equal(get(listener).body, b"ec2\n", f"the answer at {listener}")


@case("the longest path prefix wins, in whole segments, and the host counts before it")
def _(t):
    names = ["root", "api", "apiv2", "shop", "wild"]
    targets = {name: Nginx(t, name) for name in names}
    routes = [
        {"name": "root", "match": {"pathPrefix": "/"}, "stable": "root"},
        {"name": "api", "match": {"pathPrefix": "/api"}, "stable": "api"},
        {"name": "apiv2", "match": {"pathPrefix": "/api/v2"}, "stable": "apiv2"},
        {"name": "shop", "match": {"host": "shop.example.com", "pathPrefix": "/"}, "stable": "shop"},
        {"name": "wild", "match": {"host": "*.wild.example.com"}, "stable": "wild"},
    ]
    p = Penstock(t, {name: [target] for name, target in targets.items()}, routes=routes)
    for host, path, expected in [
        ("a", "/", "root"), ("a", "/apis", "root"), ("a", "/api", "api"), ("a", "/api/", "api"),
        ("a", "/api?x", "api"), ("a", "/api/v1", "api"), ("a", "/api/v2", "apiv2"), ("a", "/api/v20", "api"),
        ("a", "/api/v2/users", "apiv2"), ("a", "/API/v2", "root"), ("a", "/x/api", "root"),
        ("shop.example.com", "/", "shop"), ("SHOP.example.com", "/", "shop"),
        ("shop.example.com:8080", "/api/v2", "shop"), ("xshop.example.com", "/api", "api"),
        ("b.wild.example.com", "/", "wild"), ("a.b.wild.example.com", "/", "wild"),
        ("wild.example.com", "/", "root"),
    ]:
        answer = get(p.address, path, host=host)
        t.equal((host, path, answer.body.decode().strip()), (host, path, expected), "the group that answered")


@case("without a route that matches the answer is 404 and no target is asked")
def _(t):
    target = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [target]}, route={"match": {"host": "only.example.com", "pathPrefix": "/in"}})
    for host, path in [("other.example.com", "/in"), ("only.example.com", "/"), ("only.example.com", "/inner")]:
        t.equal(get(p.address, path, host=host).status, 404, f"{host}{path}")
    t.equal(get(p.address, "/in", host="only.example.com").status, 200, "the one that matches")
    t.equal({r["outcome"] for r in p.log.wait(4)}, {"no_route", "served"}, "outcomes in the log")
    t.equal(target.arrived(1), 1, "requests at the target")


@case("all targets of a group take part")
def _(t):
    targets = [Nginx(t, f"t{n}") for n in range(3)]
    p = Penstock(t, {"ec2": targets})
    total = scaled(3000, 600)
    t.equal(h2load(t, p.url(), total)["succeeded"], total, "requests that ended well")
    t.wait(lambda: sum(target.requests() for target in targets) >= total, "all requests at the targets")
    shares = [target.requests() for target in targets]
    t.equal(sum(shares), total, "requests at the targets")
    # a target that the machine lets wait is busier, and rightly gets less: equal parts are tests/unit/route's to check
    t.check(min(shares) > total / 30, f"each target gets a part: {shares}")
    t.equal({r["target"] for r in p.log.wait(total)}, {target.text for target in targets}, "targets in the log")


@case("bodies of 12 MiB go up whole, by length and chunked")
def _(t):
    target = Node(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    data = t.random.randbytes(12 * MIB)
    with Wire(p.address, 30) as wire:
        by_length = json.loads(wire.ask("POST", "/hash", body=data).body)
        wire.send(compose("POST", "/hash", fields=[("Transfer-Encoding", "chunked")]))
        wire.send(chunked(*[data[n:n + 77777] for n in range(0, len(data), 77777)]))
        by_chunks = json.loads(wire.answer().body)
    for name, got in [("by length", by_length), ("chunked", by_chunks)]:
        t.equal((got["length"], got["sha256"]), (len(data), hashlib.sha256(data).hexdigest()), name)
    t.equal((by_length["framing"], by_chunks["framing"]), ("length", "chunked"), "framing at the target")


@case("bodies of 12 MiB come down whole, by length, chunked and by close")
def _(t):
    nginx, node = Nginx(t, "ec2", "location /file { }"), Node(t, "node")
    data = t.random.randbytes(12 * MIB)
    nginx.file("file", data)

    def until_close(wire):
        wire.request()
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n" + data)
        wire.close()
    raw = Raw(t, until_close)
    p = Penstock(t, {"ec2": [nginx], "node": [node], "raw": [raw]}, routes=[
        {"name": "root", "match": {"pathPrefix": "/"}, "stable": "ec2"},
        {"name": "node", "match": {"pathPrefix": "/bytes"}, "stable": "node"},
        {"name": "raw", "match": {"pathPrefix": "/raw"}, "stable": "raw"}])
    with Wire(p.address, 30) as wire:
        t.equal(hashlib.sha256(wire.ask(target="/file").body).digest(), hashlib.sha256(data).digest(), "by length")
        answer = wire.ask(target="/bytes?n=12345678&chunked")
        t.equal((answer.framing, len(answer.body)), ("chunked", 12345678), "chunked")
        t.equal(answer.body, (b"0123456789abcdef" * (12345678 // 16 + 1))[:12345678], "the bytes of it")
        answer = wire.ask(target="/raw")
        t.equal(hashlib.sha256(answer.body).digest(), hashlib.sha256(data).digest(), "by close")


@case("bodies stream: the first bytes arrive before the last are sent")
def _(t):
    def echo(wire):
        wire.head()
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (line := wire.until(b"\r\n")) != b"0\r\n":
            piece = wire.exactly(int(line, 16) + 2)
            wire.send(line + piece)
        wire.until(b"\r\n")
        wire.send("0\r\n\r\n")
    p = Penstock(t, {"ec2": [Raw(t, echo)]})
    with Wire(p.address) as wire:
        wire.send(compose("POST", "/", fields=[("Transfer-Encoding", "chunked")]))
        t.equal(wire.head().status, 200, "the head comes while the body is open")
        for n in range(5):
            wire.send(b"5\r\nping%d\r\n" % n)
            size = int(wire.until(b"\r\n"), 16)
            t.equal(wire.exactly(size + 2), b"ping%d\r\n" % n, "echo of a piece")
        wire.send("0\r\n\r\n")
        t.equal(wire.until(b"\r\n\r\n"), b"0\r\n\r\n", "the end")


@case("HEAD, 204 and 304 have no body and leave the connection in step")
def _(t):
    def serve(wire):
        while True:
            path = wire.request().target
            wire.send({"/head": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
                       "/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                       "/204": "HTTP/1.1 204 No Content\r\n\r\n",
                       "/304": "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n",
                       "/end": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"}[path])
    target = Raw(t, serve)
    p = Penstock(t, {"ec2": [target]}, workers=1)
    with Wire(p.address) as wire:
        t.equal(wire.ask("HEAD", "/head").get("content-length"), "1000", "the length that HEAD tells")
        t.equal(wire.ask("HEAD", "/chunked").status, 200, "HEAD of a chunked answer")
        t.equal(wire.ask("GET", "/204").status, 204, "204")
        t.equal(wire.ask("GET", "/304").status, 304, "304")
        t.equal(wire.ask("GET", "/end").body, b"end", "the answer after them")
    t.equal(target.connections, 1, "connections to the target")


@case("pipelined requests are answered in order")
def _(t):
    target = Node(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    with Wire(p.address) as wire:
        wire.send(b"".join(compose(target=f"/bytes?n={n}") for n in range(1, 51)))
        t.equal([len(wire.answer().body) for n in range(50)], list(range(1, 51)), "lengths of the answers")


@case("pipelined requests with bodies stay apart, cut anywhere")
def _(t):
    target = Raw(t)
    p = Penstock(t, {"ec2": [target]}, workers=1)
    data = (compose("POST", "/a", body=b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            + compose("POST", "/b", fields=[("Transfer-Encoding", "chunked")]) + chunked(b"one", b"two" * 100)
            + compose("GET", "/c"))
    for cut in range(0, len(data), 7):
        with Wire(p.address) as wire:
            wire.send(data[:cut])
            wire.send(data[cut:])
            for n in range(3):
                t.equal(wire.answer().status, 200, f"answer {n}, cut at {cut}")
    got = [(r.target, r.body) for r in target.requests]
    t.equal(set(got), {("/a", b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"), ("/b", b"one" + b"two" * 100), ("/c", b"")},
            "what the target received")
    t.equal(len(got), 3 * len(range(0, len(data), 7)), "requests at the target")


@case("a request head that comes byte by byte is served")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]})
    with Wire(p.address) as wire:
        for byte in compose(target="/slow", fields=[("X-A", "b")]):
            wire.send(bytes([byte]))
        t.equal(wire.answer().body, b"ec2\n", "the answer")


@case("an HTTP/1.0 client gets a plain answer and the connection closes")
def _(t):
    target = Node(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    for head in [b"GET /bytes?n=100000&chunked HTTP/1.0\r\n\r\n",
                 b"GET /bytes?n=100000&chunked HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"]:
        with Wire(p.address) as wire:
            wire.send(head)
            answer = wire.head()
            t.equal(answer.get("transfer-encoding"), None, "no chunked coding for HTTP/1.0")
            t.equal(len(wire.rest()), 100000, "the bytes until the close")


@case("Connection: close is obeyed, and nothing after it is served")
def _(t):
    target = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    with Wire(p.address) as wire:
        wire.send(compose(target="/1", fields=[("Connection", "close")]) + compose(target="/2"))
        answer = wire.answer()
        t.equal((answer.status, answer.get("connection")), (200, "close"), "the answer")
        wire.closed()
    t.equal(target.settled_uris(t), ["/1"], "requests at the target")


@case("Expect: 100-continue gets its 100 before the body is sent")
def _(t):
    target = Node(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    with Wire(p.address) as wire:
        wire.send(compose("POST", "/hash", fields=[("Expect", "100-continue"), ("Content-Length", "5")]))
        t.equal(wire.answer(final=False).status, 100, "the first answer")
        wire.send("hello")
        t.equal(json.loads(wire.answer().body)["length"], 5, "the body at the target")
        t.equal(wire.ask(target="/").status, 200, "the connection goes on")


@case("a final answer in place of 100 does not confuse the next request")
def _(t):
    def refuse(wire):
        wire.head()
        wire.send("HTTP/1.1 417 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
    p = Penstock(t, {"ec2": [Raw(t, refuse)]})
    with Wire(p.address) as wire:
        wire.send(compose("POST", "/", fields=[("Expect", "100-continue"), ("Content-Length", "5")]))
        t.equal(wire.answer().status, 417, "the answer")
    with Wire(p.address) as wire:
        t.equal(wire.ask("POST", "/", body=b"hello").status, 417, "a new connection")


@case("interim answers are passed on, but not to HTTP/1.0")
def _(t):
    def hints(wire):
        while True:
            wire.request()
            wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" * 2)
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    p = Penstock(t, {"ec2": [Raw(t, hints)]})
    with Wire(p.address) as wire:
        wire.send(compose())
        got = [wire.answer(final=False).status for n in range(3)]
        t.equal(got, [103, 103, 200], "answers in order")
    with Wire(p.address) as wire:
        wire.send("GET / HTTP/1.0\r\n\r\n")
        t.check(wire.rest().split(b"\r\n")[0].endswith(b" 200 OK"), "HTTP/1.0 gets the final answer only")


@case("a slow client with a big answer does not fill our memory")
def _(t):
    target = Node(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    get(p.address)
    before = p.memory_kib()
    size, clients = 64 * MIB, 8
    wires = [Wire(p.address, 60) for n in range(clients)]
    for wire in wires:
        wire.send(compose(target=f"/bytes?n={size}"))
        t.equal(wire.head().status, 200, "the head")
    t.settled(lambda: target.counts()["open"], "requests at the target")
    if not SANITIZER:
        grown = t.settled(p.memory_kib, "memory", quiet=1.0) - before
        t.note(f"{clients} clients that read nothing: memory grew by {grown} KiB")
        t.check(grown < clients * 1024, f"memory grew by {grown} KiB for {clients} clients")
    for wire in wires[:-1]:
        wire.close()
    left, last = size, wires[-1]
    while left:
        left -= len(last.exactly(min(left, MIB)))
    t.equal(last.ask().status, 200, "the connection goes on")
    last.close()
    t.wait(lambda: target.counts()["open"] == 0, "the target is rid of the clients that left")


@case("a client that stops sending a body holds no memory, and the target's pace is kept")
def _(t):
    def lazy(wire):
        wire.head()
        t.wait(lambda: done, "the test lets go", 30)
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    done = []
    p = Penstock(t, {"ec2": [Raw(t, lazy)]})
    before = p.memory_kib()
    wire = Wire(p.address, 30)
    wire.send(compose("POST", "/", fields=[("Content-Length", str(256 * MIB))]))
    wire.sock.setblocking(False)
    sent = 0

    def push():
        nonlocal sent
        try:
            sent += wire.sock.send(b"x" * MIB)
        except BlockingIOError:
            pass
        return sent
    t.settled(push, "the bytes that are taken", quiet=0.5)
    t.check(sent < 64 * MIB, f"back pressure reaches the client ({sent} bytes were taken)")
    grown = p.memory_kib() - before
    t.check(SANITIZER or grown < 4096, f"memory grew by {grown} KiB")
    done.append(True)
    wire.close()


@case("load without a pause: no request fails")
def _(t):
    target = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    result = Wrk(t, p.url(), scaled(3, 1), connections=64).flawless()
    t.note(f"{result['requests']} requests")
    t.check(result["requests"] > 100, "some load")


@case("consistentHash: a user stays with one target; roundRobin: targets take turns")
def _(t):
    targets = [Nginx(t, "ec2") for _ in range(3)]
    p = Penstock(t, {"ec2": targets}, workers=1,
                 targetGroups={"ec2": {"balance": "consistentHash", "hash": {"header": "X-User"}}})
    with Wire(p.address) as wire:
        for n in range(90):
            wire.ask(fields=[("X-User", f"user-{n % 30}"), ("X-Request-Id", f"user-{n % 30}")])
    homes = {}
    for r in p.log.wait(90):
        homes.setdefault(r["http"]["request_id"], set()).add(r["target"])
    t.equal({len(h) for h in homes.values()}, {1}, "targets of a user")
    t.equal(len(set.union(*homes.values())), 3, "targets of all")
    p.terminate()
    p = Penstock(t, {"ec2": targets}, workers=1, targetGroups={"ec2": {"balance": "roundRobin"}},
                 name="turns.yaml", accessLog=[{"file": {"path": t.path("turns.jsonl")}}])
    with Wire(p.address) as wire:
        for n in range(30):
            wire.ask()
    turns = [r["target"] for r in p.log.wait(30)]
    t.equal(turns[:27], turns[3:], "turns of three")
    t.equal(len(set(turns)), 3, "targets")


main()
