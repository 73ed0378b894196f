"""HTTP/2 to targets: node's http2 and nginx. One connection for many requests, what a target refuses is asked again, windows
follow the client, trailers pass both ways."""
import hashlib
import json
import os
import socket
import struct
import threading

from certs import Certificate
from frames import (ACK, DATA, END_HEADERS, HEADERS, PREFACE, REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE,
                    Frames, frame, get, settings)
from harness import case, free_port, main, need
from peers import H2, Nginx, Raw
from penstock import Penstock
from wire import Wire, chunked, compose

need("node", "openssl", "nginx")


class TlsNginx(Nginx):
    """nginx on a second port with TLS, and HTTP/2 when `word` says so."""

    def __init__(self, t, certificate, word=""):
        port = free_port()
        self.tls = f"127.0.0.1:{port}"
        super().__init__(t, "ec2", f"""listen 127.0.0.1:{port} ssl {word};
            ssl_certificate {certificate.cert}; ssl_certificate_key {certificate.key};""")


class Framed(Raw):
    """A target of raw frames: `serve(conn)` is called for each connection, behind SETTINGS of both sides."""

    def __init__(self, t, serve, **values):
        def greet(wire):
            wire.exactly(len(PREFACE))
            conn = Frames(None, 60.0, sock=wire.sock, first=settings(**values) + frame(SETTINGS, ACK, 0))
            serve(conn)
        super().__init__(t, greet)


def request_of(conn):
    """The stream of the next request."""
    return conn.until(lambda kind, *_: kind == HEADERS)[2]


def status(code, *fields):
    return [(":status", str(code)), *fields]


def before(t, *targets, protocol="h2c", group=None, **more):
    return Penstock(t, {"ec2": list(targets)}, targetGroups={"ec2": {"protocol": protocol, **(group or {})}},
                    **{"workers": 1, **more})


def ask(p, path="/", method="GET", fields=(), body=None, timeout=20.0):
    with Wire(p.address, timeout) as wire:
        wire.send(compose(method, path, "a", fields, body))
        message = wire.answer(method)
        return message.status, message


def fetch(p, path="/", **more):
    status, message = ask(p, path, **more)
    return status, message.body


def many(p, n, path="/"):
    """n requests at a time, each on a connection of its own."""
    wires = [Wire(p.address, 20.0) for _ in range(n)]
    for wire in wires:
        wire.send(compose("GET", path, "a"))
    answers = [wire.answer("GET").status for wire in wires]
    for wire in wires:
        wire.close()
    return answers


@case("a request and its answer pass, with what belongs to HTTP/2 and without what does not")
def _(t):
    target = H2(t)
    p = before(t, target, group={"trailers": True})
    status, body = fetch(p, "/echo?a=b", fields=[("Cookie", "a=1"), ("Connection", "X-Hop"), ("X-Hop", "1"),
                                                 ("Keep-Alive", "5"), ("X-Case", "Yes")])
    got = json.loads(body)["headers"]
    t.equal(status, 200, "the status")
    t.equal((got[":method"], got[":scheme"], got[":authority"], got[":path"]), ("GET", "http", "a", "/echo?a=b"), "pseudo")
    t.equal((got["cookie"], got["x-case"], got["x-platform"]), ("a=1", "Yes", "ec2"), "fields")
    t.check(not {"x-hop", "connection", "keep-alive", "host", "transfer-encoding"} & set(got), f"hop by hop: {got}")
    status, head = ask(p, "/x", method="HEAD")
    t.equal((status, head.get("content-length"), head.body), (200, "4", b""), "HEAD")
    t.equal(fetch(p, "/empty"), (204, b""), "204")
    t.equal(fetch(p, "/fail"), (500, b"ec2\n"), "500")
    t.equal(target.counts()["sessions"], 1, "connections")
    records = p.log.wait(4)
    t.equal({r["outcome"] for r in records}, {"served"}, "outcomes")


@case("an interim answer and trailers pass, in both directions")
def _(t):
    p = before(t, H2(t), group={"trailers": True})
    with Wire(p.address) as wire:
        wire.send(compose("GET", "/hints", "a"))
        t.equal(wire.answer("GET", final=False).status, 103, "the hint")
        t.equal(wire.answer("GET").body, b"hinted", "the answer")
        wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
                  + chunked(b"some", b"more", trailers=["X-Sum: 7"]))
        got = json.loads(wire.answer("POST").body)
        t.equal((got["bytes"], got["trailers"]), (8, {"x-sum": "7"}), "sent on")
        wire.send(compose("GET", "/trailers", "a", [("TE", "trailers"), ("Connection", "TE")]))
        answer = wire.answer("GET")
        t.equal((answer.body, answer.trailers), (b"body", ["x-sum: 42", "x-other: a b"]), "come back")
        wire.send(compose("GET", "/trailers", "a"))
        t.equal(wire.answer("GET").body, b"body", "for those who do not ask")


@case("long bodies pass in both directions, each as fast as who takes it")
def _(t):
    target = H2(t)
    p = before(t, target)
    data = os.urandom(1 << 20)
    status, body = fetch(p, "/echo", method="POST", body=data)
    t.equal((status, json.loads(body)["hash"]), (200, hashlib.sha256(data).hexdigest()), "up")
    t.equal(fetch(p, "/big"), (200, b"x" * (2 << 20)), "down")
    with Wire(p.address) as wire:
        wire.send(compose("GET", "/big", "a"))
        wire.head()
        # This client takes nothing: the windows of its stream stay closed, and another one is served.
        t.equal(fetch(p, "/big")[1], b"x" * (2 << 20), "beside one who does not read")


@case("many requests share a connection, and no more than the target allows")
def _(t):
    target = H2(t, streams=4, delayMs=500)
    p = before(t, target)
    t.equal(many(p, 12), [200] * 12, "the answers")
    t.equal(many(p, 12), [200] * 12, "again")
    counts = target.counts()
    t.equal((counts["most"], counts["sessions"], counts["refused"]), (4, 3, 0), "streams at a time, connections")


@case("what the target refuses unread is asked again, also with a body")
def _(t):
    target = H2(t)
    p = before(t, target)
    for body in (None, b"some"):
        target.set(refuse=1)
        t.equal(fetch(p, "/x", method="POST" if body else "GET", body=body), (200, b"ec2\n"), f"with {body}")
    records = p.log.wait(2)
    t.equal([r["penstock"]["attempts"] for r in records], [2, 2], "tries")
    target.set(refuse=100)
    t.equal(fetch(p)[0], 502, "when it refuses everything")
    t.equal(p.log.wait(3)[2]["outcome"], "target_refused", "the outcome")


@case("a target that says GOAWAY again and again loses no request")
def _(t):
    target = H2(t, goawayEach=20)
    p = before(t, target)
    for _ in range(10):
        t.equal(many(p, 8), [200] * 8, "the answers")
    t.check(target.counts()["sessions"] >= 4, "connections were ended")


@case("resets are passed on, in both directions")
def _(t):
    target = H2(t)
    p = before(t, target)
    with Wire(p.address) as wire:
        wire.send(compose("GET", "/cut", "a"))
        t.check(not wire.answer("GET").complete, "the answer is cut")
    t.equal(fetch(p, "/reset")[0], 502, "before the answer")
    records = p.log.wait(2)
    t.equal([r["outcome"] for r in records], ["target_cut", "target_reset"], "outcomes")
    with Wire(p.address) as wire:
        wire.send(compose("GET", "/silent", "a"))
        t.wait(lambda: target.counts()["streams"] >= 3, "the request to arrive")
    t.wait(lambda: target.counts()["aborted"] >= 1, "the reset to arrive")
    t.equal(fetch(p), (200, b"ec2\n"), "others are not harmed")
    t.equal(target.counts()["sessions"], 1, "connections")


@case("an answer that its target leaves off is cut, however the connection ends")
def _(t):
    def serve(conn):
        conn.headers(request_of(conn), status(200), END_HEADERS)
        conn.data(1, b"some", end=False)
    p = before(t, Framed(t, serve))
    with Wire(p.address) as wire:
        wire.send(compose("GET", "/", "a"))
        answer = wire.answer("GET")
        t.equal((answer.status, answer.complete), (200, False), "the answer")
    t.equal(p.log.wait(1)[0]["outcome"], "target_cut", "the outcome")


@case("who has no window for the end of an answer is to blame")
def _(t):
    taken = threading.Event()

    def serve(conn):
        conn.headers(request_of(conn), status(200), END_HEADERS)
        conn.data(1, b"some", end=False)
        taken.wait(60)
        conn.data(1, b"")
        conn.next()
    p = before(t, Framed(t, serve), listeners=[{"address": "127.0.0.1:0", "h2c": True}],
               route={"timeouts": {"body": "300ms", "clientWrite": "600ms"}})
    with Frames(p.address, first=PREFACE + settings(window=4)) as conn:
        conn.headers(1, get())
        conn.until(lambda kind, *_: kind == DATA)
        taken.set()
        t.equal(p.log.wait(1)[0]["outcome"], "client_stalled", "the outcome")


@case("those who take nothing do not stop others on the same connection")
def _(t):
    target = H2(t)
    p = before(t, target)
    slow = []
    for _ in range(20):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(p.address)
        slow.append(Wire(None, sock=sock))
        slow[-1].send(compose("GET", "/big", "a"))
    for wire in slow:
        wire.head()
    t.equal(fetch(p, "/big"), (200, b"x" * (2 << 20)), "beside them")
    t.equal(target.counts()["sessions"], 1, "connections")
    for wire in slow:
        wire.close()


@case("what is asked again is copied once")
def _(t):
    def serve(conn):
        first = request_of(conn)  # whose window is closed
        conn.send(frame(RST_STREAM, 0, first, struct.pack(">I", REFUSED_STREAM)))
        second = request_of(conn)
        conn.send(frame(WINDOW_UPDATE, 0, second, struct.pack(">I", 65535)))
        conn.until(lambda kind, flags, *_: kind == DATA and flags & 1)
        conn.headers(second, status(204))
        conn.next()
    shadow = Raw(t)
    p = Penstock(t, {"ec2": [Framed(t, serve, window=0)], "shadow": [shadow]}, workers=1,
                 targetGroups={"ec2": {"protocol": "h2c"}}, route={"mirror": {"share": 100, "methods": ["POST"]}})
    with Wire(p.address) as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"some", b"more"))
        t.equal(wire.answer("POST").status, 204, "the answer")
    t.wait(lambda: shadow.requests, "the copy")
    t.equal([r.body for r in shadow.requests], [b"somemore"], "its body")


@case("a target that is gone is noticed, and found again")
def _(t):
    target = H2(t)
    p = before(t, target, route={"retries": {"attempts": 0}})
    t.equal(fetch(p)[0], 200, "before")
    with Wire(p.address) as wire:
        wire.send(compose("GET", "/silent", "a"))
        t.wait(lambda: target.counts()["streams"] >= 2, "the request to arrive")
        target.kill()
        t.equal(wire.answer("GET").status, 502, "the one under way")
    t.equal(fetch(p)[0], 502, "the next one")
    t.check({r["outcome"] for r in p.log.wait(3)[1:]} <= {"target_closed", "target_reset", "connect_refused"}, "outcomes")


@case("over TLS both sides agree on a protocol, and h2 takes nothing else")
def _(t):
    certificate = Certificate(t, "target", "IP:127.0.0.1")
    both = H2(t, "both", (certificate.key, certificate.cert))
    only = H2(t, "only", (certificate.key, certificate.cert, "only"))
    plain, nginx = TlsNginx(t, certificate).tls, TlsNginx(t, certificate, "http2").tls
    groups = {  # name: protocol, target, its answer
        "auto-both": ("auto", both.text, b"both\n"), "auto-only": ("auto", only.text, b"only\n"),
        "auto-plain": ("auto", plain, b"ec2\n"), "h2-both": ("h2", both.text, b"both\n"),
        "h1-both": ("h1", both.text, b"both in HTTP/1.1\n"), "h2-nginx": ("h2", nginx, b"ec2\n"),
        "h2-plain": ("h2", plain, None)}
    p = Penstock(t, {name: [target] for name, (_, target, _) in groups.items()}, workers=1,
                 targetGroups={name: {"protocol": protocol, "tls": {"caFile": certificate.cert}}
                               for name, (protocol, _, _) in groups.items()},
                 routes=[{"name": name, "match": {"pathPrefix": f"/{name}"}, "stable": name} for name in groups])
    for name, (_, _, answer) in groups.items():
        path = f"/{name}/"
        status, body = fetch(p, path)
        t.equal((status, answer and body), (200 if answer else 502, answer), f"one request: {name}")
        t.equal(many(p, 5, path), [200 if answer else 502] * 5, f"five at a time: {name}")
    t.contains(p.log.wait(6 * len(groups))[-1]["penstock"]["error"], "protocol", "why h2 was not possible")


@case("health is checked in HTTP/2")
def _(t):
    target = H2(t)
    health = {"healthCheck": {"path": "/x", "interval": "100ms", "timeout": "100ms", "unhealthy": 1, "healthy": 1}}
    p = before(t, target, group=health)

    def state():
        return p.admin.status()["groups"][0]["targets"][0]["health"]

    t.wait(lambda: state() == "healthy", "a good check")
    target.kill()
    t.wait(lambda: state() == "unhealthy", "a failed check")


main()
