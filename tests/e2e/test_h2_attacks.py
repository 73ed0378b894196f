"""HTTP/2 as no client should speak it: malformed requests, broken frames, floods. What is no request never reaches the
target, what breaks the protocol ends its own connection and no other, and memory stays bounded."""
import struct
import time

from frames import (ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,
                    FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, NO_ERROR, PADDED, PING, PREFACE, PRIORITY,
                    PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, Frames, block, frame,
                    get, integer, settings)
from harness import Skip, case, main, tool
from peers import H2, Raw
from penstock import Penstock
from wire import Wire

RESET = ("reset", PROTOCOL_ERROR)
WHOLE = END_HEADERS | END_STREAM


def without(name, fields=None):
    return [f for f in (fields or get()) if f[0] != name]


def post(*more, **how):
    return get("/p", *more, method="POST", **how)


def uint(n):
    return struct.pack(">I", n)


# ---- requests: what is sent on stream 1, and what becomes of it

def fields(*more, **how):
    return [frame(HEADERS, WHOLE, 1, block(get("/", *more, **how)))]


def replaced(name, value):
    return [frame(HEADERS, WHOLE, 1, block([(n, value if n == name else v) for n, v in get()]))]


def listed(*pairs):
    return [frame(HEADERS, WHOLE, 1, block(pairs))]


def sent(head, *bodies, trailers=None):
    """A request with content; the last piece ends it, unless trailers do."""
    out = [frame(HEADERS, END_HEADERS, 1, block(head))]
    for i, body in enumerate(bodies):
        last = i + 1 == len(bodies) and trailers is None
        out.append(frame(DATA, END_STREAM if last else 0, 1, body))
    return out + ([frame(HEADERS, WHOLE, 1, block(trailers))] if trailers is not None else [])


def websocket(*more, protocol="websocket"):
    return [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":path", "/"),
            (":authority", "a.example"), *more]


VERSION = ("sec-websocket-version", "13")


def tunnel(*more):
    return [frame(HEADERS, END_HEADERS, 1, block(websocket(VERSION, *more)))]


REQUESTS = [
    ("a CR in a value", fields(("x", "a\rb")), RESET),
    ("an LF in a value", fields(("x", "a\nGET / HTTP/1.1")), RESET),
    ("a NUL in a value", fields(("x", "a\0b")), RESET),
    ("CR LF in :path", replaced(":path", "/ HTTP/1.1\r\nX: y"), RESET),
    ("CR LF in a name", fields(("x\r\ny", "1")), RESET),
    ("a colon in a name", fields(("x:y", "1")), RESET),
    ("a space in a name", fields(("x y", "1")), RESET),
    ("a name in upper case", fields(("X-A", "1")), RESET),
    ("an empty name", fields(("", "1")), RESET),
    ("a value that begins with a space", fields(("x", " 1")), RESET),
    ("a value that ends with a tab", fields(("x", "1\t")), RESET),
    ("transfer-encoding", fields(("transfer-encoding", "chunked")), RESET),
    ("connection", fields(("connection", "close")), RESET),
    ("upgrade", fields(("upgrade", "h2c")), RESET),
    ("keep-alive", fields(("keep-alive", "1")), RESET),
    ("proxy-connection", fields(("proxy-connection", "close")), RESET),
    ("te: gzip", fields(("te", "gzip")), RESET),
    ("host that is not :authority", fields(("host", "b.example")), 400),
    ("neither :authority nor host", listed(*without(":authority")), RESET),
    ("host alone", listed(*without(":authority"), ("host", "a.example")), 200),
    ("a user in :authority", fields(authority="u@a.example"), 400),
    ("a path in :authority", fields(authority="a.example/x"), RESET),
    ("two hosts in :authority", fields(authority="a.example,b"), 400),
    ("no port behind the colon but letters", fields(authority="a.example:x"), 400),
    ("a space in :path", replaced(":path", "/a b"), RESET),
    (":path without a slash", replaced(":path", "a"), RESET),
    ("an empty :path", replaced(":path", ""), RESET),
    ("a whole URL in :path", replaced(":path", "http://b/"), RESET),
    ("a fragment in :path", replaced(":path", "/a#b"), 400),
    ("an asterisk for GET", replaced(":path", "*"), RESET),
    ("a space in :method", replaced(":method", "G T"), RESET),
    ("CR LF in :method", replaced(":method", "GET\r\n"), RESET),
    ("a :scheme that is none", replaced(":scheme", "http://x/?"), RESET),
    (":path twice", fields((":path", "/b")), RESET),
    ("a pseudo-field that is none", fields((":x", "1")), RESET),
    (":status in a request", fields((":status", "200")), RESET),
    ("a pseudo-field behind a field", listed(*without(":path"), ("x", "1"), (":path", "/")), RESET),
    ("no :method", listed(*without(":method")), RESET),
    ("no :scheme", listed(*without(":scheme")), RESET),
    ("no :path", listed(*without(":path")), RESET),
    ("less content than its length", sent(post(("content-length", "5")), b"abc"), RESET),
    ("more content than its length", sent(post(("content-length", "1")), b"abc"), RESET),
    ("a length and no content", fields(("content-length", "5"), method="POST"), RESET),
    ("a length twice", sent(post(("content-length", "3"), ("content-length", "3")), b"abc"), RESET),
    ("two lengths", sent(post(("content-length", "3"), ("content-length", "4")), b"abc"), RESET),
    ("a length with a sign", sent(post(("content-length", "+3")), b"abc"), RESET),
    ("CONNECT", listed((":method", "CONNECT"), (":authority", "a:80")), 405),
    ("an extended CONNECT for another protocol", [frame(HEADERS, END_HEADERS, 1, block(websocket(protocol="ftp")))], 405),
    ("a WebSocket without a version", [frame(HEADERS, END_HEADERS, 1, block(websocket()))], 400),
    ("a WebSocket that ends with its head", listed(*websocket(VERSION)), 400),
    ("a WebSocket with a length", tunnel(("content-length", "5")), 400),
    ("a WebSocket with a length and its content", [*tunnel(("content-length", "5")), frame(DATA, 0, 1, b"GET /")], 400),
    ("a WebSocket with a length of 0", tunnel(("content-length", "0")), 400),
    ("a WebSocket with a length that ends with its head", listed(*websocket(VERSION, ("content-length", "5"))), RESET),
    ("a WebSocket with two lengths", tunnel(("content-length", "0"), ("content-length", "5")), RESET),
    ("a WebSocket with transfer-encoding", tunnel(("transfer-encoding", "chunked")), RESET),
    ("a WebSocket with upgrade", tunnel(("upgrade", "websocket")), RESET),
    ("a WebSocket with connection", tunnel(("connection", "upgrade")), RESET),
    ("a WebSocket with te: chunked", tunnel(("te", "chunked")), RESET),
    ("a WebSocket for another host", tunnel(("host", "b.example")), 400),
    ("a WebSocket without :path", [frame(HEADERS, END_HEADERS, 1, block(without(":path", websocket(VERSION))))], RESET),
    ("a WebSocket without :scheme", [frame(HEADERS, END_HEADERS, 1, block(without(":scheme", websocket(VERSION))))], RESET),
    ("a WebSocket twice", [frame(HEADERS, END_HEADERS, 1, block([(":protocol", "websocket"), *websocket(VERSION)]))], RESET),
    (":protocol without CONNECT", [frame(HEADERS, END_HEADERS, 1, block([(":protocol", "websocket"), *get()]))], RESET),
    ("TRACE", replaced(":method", "TRACE"), 405),
    ("101 fields", fields(*[(f"x{i}", "1") for i in range(101)]), 431),
    ("a field of 40 KiB", [frame(HEADERS, END_STREAM, 1, block(get("/", ("x", "a" * 40960)))[:16384]),
                           frame(CONTINUATION, 0, 1, block(get("/", ("x", "a" * 40960)))[16384:32768]),
                           frame(CONTINUATION, END_HEADERS, 1, block(get("/", ("x", "a" * 40960)))[32768:])], 431),
    ("a pseudo-field in trailers", sent(post(), b"a", trailers=[(":path", "/")]), RESET),
    ("trailers that do not end the stream", [*sent(post(), b"a", b"b")[:2], frame(HEADERS, END_HEADERS, 1, block([("x", "1")]))],
     RESET),
]

# ---- frames: what ends the connection, and with which code; None: only the stream

BREAKS = [
    ("a preface that is none", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", PROTOCOL_ERROR),
    ("no SETTINGS first", PREFACE + frame(PING, 0, 0, b"12345678"), PROTOCOL_ERROR),
    ("PRIORITY on stream 0", frame(PRIORITY, 0, 0, uint(1) + b"\1"), PROTOCOL_ERROR),
    ("DATA on stream 0", frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
    ("HEADERS on stream 0", frame(HEADERS, WHOLE, 0, block(get())), PROTOCOL_ERROR),
    ("a stream with an even number", frame(HEADERS, WHOLE, 2, block(get())), PROTOCOL_ERROR),
    ("SETTINGS on a stream", frame(SETTINGS, 0, 1), PROTOCOL_ERROR),
    ("SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, b"12345"), FRAME_SIZE_ERROR),
    ("SETTINGS that acknowledge and say something", frame(SETTINGS, ACK, 0, b"123456"), FRAME_SIZE_ERROR),
    ("ENABLE_PUSH of 2", settings(push=2), PROTOCOL_ERROR),
    ("an INITIAL_WINDOW_SIZE of 2^31", settings(window=1 << 31), FLOW_CONTROL_ERROR),
    ("a MAX_FRAME_SIZE of 100", settings(frame=100), PROTOCOL_ERROR),
    ("PING of 7 bytes", frame(PING, 0, 0, b"1234567"), FRAME_SIZE_ERROR),
    ("PING on a stream", frame(PING, 0, 1, b"12345678"), PROTOCOL_ERROR),
    ("WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, b"123"), FRAME_SIZE_ERROR),
    ("WINDOW_UPDATE by 0", frame(WINDOW_UPDATE, 0, 0, uint(0)), PROTOCOL_ERROR),
    ("a window beyond 2^31", frame(WINDOW_UPDATE, 0, 0, uint(0x7fffffff)) * 2, FLOW_CONTROL_ERROR),
    ("RST_STREAM of a stream that never was", frame(RST_STREAM, 0, 1, uint(CANCEL)), PROTOCOL_ERROR),
    ("RST_STREAM of 3 bytes", frame(HEADERS, END_HEADERS, 1, block(post())) + frame(RST_STREAM, 0, 1, b"123"),
     FRAME_SIZE_ERROR),
    ("DATA on a stream that never was", frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR),
    ("PUSH_PROMISE", frame(HEADERS, END_HEADERS, 1, block(post())) + frame(PUSH_PROMISE, END_HEADERS, 1, uint(2) + block(get())),
     PROTOCOL_ERROR),
    ("CONTINUATION behind nothing", frame(CONTINUATION, END_HEADERS, 1, block(get())), PROTOCOL_ERROR),
    ("a PING between HEADERS and CONTINUATION", frame(HEADERS, 0, 1, block(get())) + frame(PING, 0, 0, b"12345678"),
     PROTOCOL_ERROR),
    ("DATA behind its own RST_STREAM", frame(HEADERS, END_HEADERS, 1, block(post())) + frame(RST_STREAM, 0, 1, uint(CANCEL)) +
     frame(DATA, 0, 1, b"x"), STREAM_CLOSED),
    ("HEADERS behind its own RST_STREAM", frame(HEADERS, END_HEADERS, 1, block(post())) +
     frame(RST_STREAM, 0, 1, uint(CANCEL)) + frame(HEADERS, WHOLE, 1, block([("x", "1")])), STREAM_CLOSED),
    ("a stream below the last one", frame(HEADERS, WHOLE, 5, block(get())) + frame(HEADERS, WHOLE, 3, block(get())),
     PROTOCOL_ERROR),
    ("a frame of 16,385 bytes", frame(DATA, 0, 1, b"x" * 16385), FRAME_SIZE_ERROR),
    ("more padding than frame", frame(HEADERS, WHOLE | PADDED, 1, bytes([255]) + block(get())), PROTOCOL_ERROR),
    ("an index that HPACK does not have", frame(HEADERS, WHOLE, 1, integer(70, 7, 0x80)), COMPRESSION_ERROR),
    ("index 0", frame(HEADERS, WHOLE, 1, b"\x80"), COMPRESSION_ERROR),
    ("an integer without end", frame(HEADERS, WHOLE, 1, b"\x7f" + b"\xff" * 16), COMPRESSION_ERROR),
    ("a field that is cut", frame(HEADERS, WHOLE, 1, block(get())[:-2]), COMPRESSION_ERROR),
    ("a larger table than we have", frame(HEADERS, WHOLE, 1, integer(65536, 5, 0x20) + block(get())), COMPRESSION_ERROR),
]


# ---- what comes for a stream that is over, and what is said to it: None: nothing

LATE = [
    ("DATA", lambda: frame(DATA, 0, 1, b"x"), STREAM_CLOSED),
    ("DATA that ends", lambda: frame(DATA, END_STREAM, 1), STREAM_CLOSED),
    ("HEADERS", lambda: frame(HEADERS, WHOLE, 1, block(get())), STREAM_CLOSED),
    ("WINDOW_UPDATE", lambda: frame(WINDOW_UPDATE, 0, 1, uint(1)), None),
    ("RST_STREAM", lambda: frame(RST_STREAM, 0, 1, uint(CANCEL)), None),
    ("PRIORITY", lambda: frame(PRIORITY, 0, 1, uint(0) + b"\1"), None),
]

# ---- floods: what begins the connection, what is sent again and again, and why that is ended: the reason of the metric,
# all of which are ENHANCE_YOUR_CALM, or another code

def rapid_reset(i):
    return frame(HEADERS, WHOLE, 2 * i + 1, block(get("/held"))) + frame(RST_STREAM, 0, 2 * i + 1, uint(CANCEL))


def made_you_reset(kind, payload):
    def more(i):
        return frame(HEADERS, END_HEADERS, 2 * i + 1, block(post())) + frame(kind, 0, 2 * i + 1, payload)
    return more


def malformed(i):
    return frame(HEADERS, WHOLE, 2 * i + 1, block(get("/", ("X", "1"))))


def half_closed(i):
    stream = 2 * i + 1
    return frame(HEADERS, WHOLE, stream, block(get("/held"))) + frame(DATA, 0, stream, b"x")


def open_post(path="/held"):
    return frame(HEADERS, END_HEADERS, 1, block(get(path, method="POST")))


FLOOD_LINE = " warn an HTTP/2 connection of 127.0.0.1 is ended: too many streams were reset ("
BOMB = block([("x" * 8, "a" * 4000)], index=True)
FLOODS = [
    ("rapid reset", b"", rapid_reset, "resets"),
    ("made you reset by WINDOW_UPDATE of 0", b"", made_you_reset(WINDOW_UPDATE, uint(0)), PROTOCOL_ERROR),
    ("made you reset by a window beyond 2^31", b"", made_you_reset(WINDOW_UPDATE, uint(0x7fffffff)), "resets"),
    ("made you reset by malformed requests", b"", malformed, "resets"),
    ("made you reset by DATA behind the end", b"", half_closed, STREAM_CLOSED),
    ("SETTINGS", b"", lambda i: settings(window=65535 + i % 2), "settings"),
    ("PING", b"", lambda i: frame(PING, 0, 0, b"12345678"), "pings"),
    ("PRIORITY", b"", lambda i: frame(PRIORITY, 0, 2 * i + 1, uint(0) + b"\1"), "priorities"),
    ("PRIORITY_UPDATE", b"", lambda i: frame(0x10, 0, 0, uint(1) + b"u=1"), "priorities"),
    ("ALTSVC", b"", lambda i: frame(0xa, 0, 0, b"\0\1ah3"), "unknown"),
    ("ORIGIN", b"", lambda i: frame(0xc, 0, 0, b"\0\1a"), "unknown"),
    ("frames that nobody knows", b"", lambda i: frame(0x20 + i % 0xd0, i % 256, i, b"?"), "unknown"),
    ("WINDOW_UPDATE of 1", b"", lambda i: frame(WINDOW_UPDATE, 0, 0, uint(1)), "window_updates"),
    ("empty DATA", open_post(), lambda i: frame(DATA, 0, 1), "empty_frames"),
    ("DATA of padding alone", open_post(), lambda i: frame(DATA, PADDED, 1, bytes([100]) + bytes(100)), "empty_frames"),
    ("CONTINUATION without end", frame(HEADERS, 0, 1, block(get())), lambda i: frame(CONTINUATION, 0, 1, block([("x", "1")])),
     "continuations"),
    ("empty CONTINUATION", frame(HEADERS, 0, 1, block(get())), lambda i: frame(CONTINUATION, 0, 1), "continuations"),
    ("an HPACK bomb", frame(HEADERS, WHOLE, 1, BOMB + block(get())),
     lambda i: frame(HEADERS, WHOLE, 2 * i + 3, block(get()) + b"\xbe" * 10000), "field_bomb"),
    ("long field sections without end", frame(HEADERS, 0, 1, block(get())),
     lambda i: frame(CONTINUATION, 0, 1, block([("x", "a" * 16000)])), "continuations"),
]


def start(t, **more):
    """A penstock before a target that answers at once, but /held and /big."""
    def serve(wire):
        while True:
            request = wire.request()
            raw.requests.append(request)
            if request.target == "/held":
                wire.closed()
                return
            body = b"x" * (1 << 20 if request.target == "/big" else 3)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            wire.send(body)
    raw = Raw(t, serve)
    p = Penstock(t, {"ec2": [raw]}, listeners=[{"address": "127.0.0.1:0", "h2c": True}], workers=1, **more)
    p.raw = raw
    return p


def is_served(t, p, what):
    with Frames(p.address) as conn:
        conn.headers(1, get("/"))
        t.equal(conn.answer(1), (200, b"xxx"), f"another client, after {what}")


def check_requests(t, p, whole, body):
    """Sends them; `whole` is the number of whole requests that the target has had so far, `body` what it answers."""
    for what, frames, want in REQUESTS:
        before = whole()
        with Frames(p.address) as conn:
            conn.send(*frames)
            t.equal(conn.outcome(1), want, what)
            conn.headers(3, get("/"))
            t.equal(conn.answer(3), (200, body), f"the next stream, after {what}")
        t.equal(whole() - before, 2 if want == 200 else 1, f"requests that the target has had, after {what}")


@case(f"{len(REQUESTS)} requests that are none are told so, alone, and never reach the target")
def _(t):
    p = start(t)
    check_requests(t, p, lambda: sum(r.complete for r in p.raw.requests), b"xxx")


@case(f"{len(REQUESTS)} requests that are none never reach a target that speaks HTTP/2")
def _(t):
    if not tool("node"):
        raise Skip("not installed: node")
    target = H2(t)
    p = Penstock(t, {"ec2": [target]}, targetGroups={"ec2": {"protocol": "h2c"}}, workers=1,
                 listeners=[{"address": "127.0.0.1:0", "h2c": True}])
    check_requests(t, p, lambda: target.counts()["whole"], b"ec2\n")


@case(f"{len(BREAKS)} ways to break the protocol end the connection with the right code, and no other")
def _(t):
    p = start(t)
    for what, data, want in BREAKS:
        first = data if data.startswith(b"PRI") else PREFACE + settings() + data
        with Frames(p.address, first=first) as conn:
            t.equal(conn.goaway(), want, what)
    is_served(t, p, "all of them")


@case("where h2c is spoken, what is no HTTP at all is left without an answer in HTTP/1.1")
def _(t):
    p = start(t)
    for first, want in ((b"INVALID CONNECTION PREFACE\r\n\r\n", b""), (b"PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", b""),
                        (b"GET /a b HTTP/1.1\r\n\r\n", b"HTTP/1.1 400"), (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400"),
                        (b"GET / HTTP/1.0\r\nX Y: z\r\n\r\n", b"HTTP/1.1 400")):
        with Wire(p.address) as wire:
            wire.send(first)
            t.equal(wire.rest()[:12], want, repr(first))
    is_served(t, p, "all of them")


@case("what comes for a stream that both sides have ended breaks the protocol, where it cannot have been on its way")
def _(t):
    p = start(t)
    for what, late, want in LATE:
        with Frames(p.address) as conn:
            conn.headers(1, get("/"))
            t.equal(conn.answer(1), (200, b"xxx"), "the answer")
            conn.send(late())
            if want is None:
                conn.headers(3, get("/"))
                t.equal(conn.answer(3), (200, b"xxx"), f"the next stream, after {what}")
            else:
                t.equal(conn.goaway(), want, what)


@case("what was on its way when we reset a stream is passed over")
def _(t):
    p = start(t, limits={"maxBody": "1KiB"})
    with Frames(p.address) as conn:
        conn.headers(1, post(("content-length", "40000")), END_HEADERS)
        t.equal(conn.answer(1)[0], 413, "too large")
        reset = conn.until(lambda k, f, s, b: k == RST_STREAM and s == 1)
        t.equal(reset[3], uint(NO_ERROR), "the rest is not wanted")
        conn.send(frame(DATA, 0, 1, b"x" * 16000), frame(DATA, 0, 1, b"x" * 16000), frame(WINDOW_UPDATE, 0, 1, uint(1)),
                  frame(DATA, 0, 1, b"x" * 8000), frame(HEADERS, WHOLE, 1, block([("x", "1")])))
        conn.headers(3, get("/"))
        t.equal(conn.answer(3), (200, b"xxx"), "the next stream")


class Neighbour:
    """A client that goes on while others flood."""

    def __init__(self, t, p):
        self.conn, self.stream, self._t = Frames(p.address), -1, t

    def asks(self, during):
        self.stream += 2
        self.conn.headers(self.stream, get("/"))
        self._t.equal(self.conn.answer(self.stream), (200, b"xxx"), f"another client, during {during}")


@case(f"{len(FLOODS)} floods end their connection with ENHANCE_YOUR_CALM, counted and told, in bounded memory, while others are "
      "served")
def _(t):
    p = start(t)
    neighbour = Neighbour(t, p)
    neighbour.asks("nothing")
    before = p.memory_kib()
    for what, first, more, reason in FLOODS:
        with Frames(p.address) as conn:
            conn.send(first)
            i = 0
            while conn.send(*[more(i + k) for k in range(50)]) and i < 40000 and conn.said_goaway() is None:
                if i % 500 == 0:
                    neighbour.asks(what)
                i += 50
            said = conn.said_goaway()
            code = conn.goaway() if said is None else said
            t.equal(code, reason if isinstance(reason, int) else ENHANCE_YOUR_CALM, f"{what}, {i} times")
        if isinstance(reason, str):
            t.wait(lambda r=reason: p.metrics().sum("penstock_http2_ended_total", reason=r) >= 1, f"{what} is counted")
    total = p.metrics().sum("penstock_http2_ended_total")
    t.equal(total, len(FLOODS), "connections that were ended")
    neighbour.asks("none any more")
    is_served(t, p, "all of them")
    t.within(p.memory_kib() - before, -100000, 24 << 10, "growth of the memory in KiB")
    t.wait(lambda: FLOOD_LINE in p.stderr(), "the first flood is told in the log")


@case("clients that make no room for answers: each answer has its time, and too many end the connection")
def _(t):
    p = start(t, timeouts={"clientWrite": "300ms"})
    neighbour = Neighbour(t, p)
    with Frames(p.address, first=PREFACE + settings(window=0)) as conn:
        for stream in (1, 3, 5):
            conn.headers(stream, get("/"))
        reset = [conn.until(lambda kind, *_: kind == RST_STREAM) for _ in range(3)]
        t.equal(sorted(f[2:] for f in reset), [(stream, uint(ENHANCE_YOUR_CALM)) for stream in (1, 3, 5)], "reset in time")
        conn.send(settings(window=65535))
        conn.headers(7, get("/"))
        t.equal(conn.answer(7), (200, b"xxx"), "a few are no flood")
    before = p.memory_kib()
    for what, values, path in (("windows of 0", {"window": 0}, "/"), ("a full window of the connection", {"window": 1 << 30}, "/big")):
        with Frames(p.address, first=PREFACE + settings(**values)) as conn:
            for stream in range(1, 81, 2):
                conn.headers(stream, get(path))
            neighbour.asks(what)
            t.equal(conn.goaway(), ENHANCE_YOUR_CALM, what)
    t.wait(lambda: p.metrics().sum("penstock_http2_ended_total", reason="stalls") == 2, "both are counted")
    t.wait(lambda: "is ended: too many answers were given no room" in p.stderr(), "it is told in the log")
    t.within(p.memory_kib() - before, -100000, 24 << 10, "growth of the memory in KiB")
    neighbour.asks("nothing")


main()
