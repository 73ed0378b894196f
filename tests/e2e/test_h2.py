"""HTTP/2 from clients: over TLS and in clear text, to targets that speak HTTP/1.1."""
import base64
import hashlib
import os
import struct
import subprocess
import xml.etree.ElementTree

from certs import Certificate
from frames import (CANCEL, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, INTERNAL_ERROR, PING, PREFACE,
                    RST_STREAM, SETTINGS, DATA, WINDOW_UPDATE, Frames, block, frame, get, status_of)
from harness import PATIENCE, Skip, case, main, need, tool
from peers import Nginx, Raw
from penstock import Penstock
from wire import Wire, chunked

need("curl", "h2load", "nghttp", "nginx", "node", "openssl")


def proxy(t, serve=None, listener=None, **more):
    """A penstock before a raw target, with a listener for HTTP/1.1 and h2c, and one for HTTP/1.1 alone."""
    raw = Raw(t, serve)
    entry = {"address": "127.0.0.1:0", "h2c": True, **(listener or {})}
    p = Penstock(t, {"ec2": [raw]}, listeners=[entry, {"address": "127.0.0.1:0"}], **{"workers": 1, **more})
    p.raw = raw
    return p


def curl(*words, data=None):
    done = subprocess.run([tool("curl"), "-sS", "-k", "--max-time", str(20 * PATIENCE), *words], input=data,
                          capture_output=True, timeout=30 * PATIENCE, check=False)
    return done.stdout


@case("a client chooses HTTP/2 by ALPN, another HTTP/1.1 on the same port, and log and target are told")
def _(t):
    cert = Certificate(t, "a", "DNS:a.example")
    p = proxy(t, listener={"h2c": False, "tls": {"certificates": [cert.setting]}})
    url = "https://%s:%d/x?y=1" % p.address
    t.equal(curl("--http2", "-w", " %{http_version}", "-H", "Host: a.example", url), b"raw 2", "HTTP/2")
    t.equal(curl("--http1.1", "-w", " %{http_version}", "-H", "Host: a.example", url), b"raw 1.1", "HTTP/1.1")
    two, one = p.log.wait(2)
    t.equal([two["http"]["version"], one["http"]["version"]], ["2", "1.1"], "versions in the log")
    t.equal(two["http"]["url"], "https://a.example/x?y=1", "the URL")
    t.equal(two["outcome"], "served", "the outcome")
    seen = p.raw.requests[0]
    t.equal(seen.start, "GET /x?y=1 HTTP/1.1", "the request line")
    t.equal([seen.get("host"), seen.get("via"), seen.get("x-forwarded-proto"), seen.get("x-platform")],
            ["a.example", "2 penstock", "https", "ec2"], "what the target is told")


@case("in clear text HTTP/2 begins with its preface, where the listener lets it, and beside HTTP/1.1")
def _(t):
    p = proxy(t)
    t.equal(curl("--http2-prior-knowledge", "-w", " %{http_version}", p.url("/")), b"raw 2", "prior knowledge")
    t.equal(curl("-w", " %{http_version}", p.url("/")), b"raw 1.1", "HTTP/1.1")
    with Frames(p.address, first=b"") as conn:  # byte by byte
        for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frame(HEADERS, 5, 1, block(get())):
            conn.send(bytes([byte]))
        t.equal(conn.answer(1), (200, b"raw"), "the answer")
    with Frames(p.listeners[1]) as conn:
        t.equal(conn.sock.recv(12), b"HTTP/1.1 505", "without the setting")


@case("a request becomes the HTTP/1.1 message that was meant")
def _(t):
    p = proxy(t, config=None, targetGroups={"ec2": {"trailers": True}})
    with Frames(p.address) as conn:
        conn.headers(1, get("/a?b", ("cookie", "a=1"), ("x-one", "1"), ("cookie", "b=2"), ("te", "trailers")))
        t.equal(conn.answer(1), (200, b"raw"), "the answer")
        conn.headers(3, get("/p", ("content-length", "5"), method="POST"), END_HEADERS)
        conn.data(3, b"he", end=False)
        conn.data(3, b"llo")
        t.equal(conn.answer(3), (200, b"raw"), "the answer")
        conn.headers(5, get("/q", method="PUT"), END_HEADERS)
        conn.data(5, b"more", end=False)
        conn.headers(5, [("x-sum", "9")])
        t.equal(conn.answer(5), (200, b"raw"), "the answer")
        conn.headers(7, get("/d", method="DELETE"), END_HEADERS)
        conn.data(7, b"")
        t.equal(conn.answer(7), (200, b"raw"), "the answer")
    first, second, third, fourth = p.raw.requests
    t.equal((first.framing, first.all("cookie"), first.get("te"), first.get("host")),
            ("none", ["a=1; b=2"], "trailers", "a.example"), "the first")
    t.equal((second.start, second.get("content-length"), second.body), ("POST /p HTTP/1.1", "5", b"hello"), "the second")
    t.equal((third.framing, third.body, third.trailers), ("chunked", b"more", ["x-sum: 9"]), "the third")
    t.equal((fourth.framing, fourth.body), ("chunked", b""), "the fourth")


@case("interim answers, lengths, chunks and trailers come back as frames")
def _(t):
    def serve(wire):
        wire.request()
        wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n")
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n")
        wire.send(chunked(b"one", b"two", trailers=["X-Sum: 6", "X-Hop: 2"]))
        wire.request()
        wire.send("HTTP/1.1 204 No Content\r\n\r\n")
    p = proxy(t, serve=serve)
    with Frames(p.address) as conn:
        conn.headers(1, get("/", ("te", "trailers")))
        t.equal(conn.answer(1), (200, b"onetwo"), "the answer")
        heads = [f for f in conn.seen if f[0] == HEADERS]
        t.equal((len(heads), status_of(heads[0][3]), status_of(heads[2][3])), (4, 103, 200), "two interim heads")
        t.check(conn.seen[-1][0] == HEADERS and conn.seen[-1][1] & END_STREAM, f"trailers end it: {conn.seen[-1]}")
        conn.headers(3, get("/"))
        t.equal(conn.answer(3), (204, b""), "no content")
        t.check(conn.seen[-1][0] == HEADERS, "the head ends it")


@case("a hundred streams run at once, and one too many is refused")
def _(t):
    def serve(wire):
        while True:
            request = wire.request()
            if request.target == "/held":
                t.wait(lambda: p.free, "the test lets them go", 30)
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(request.target), request.target))
    p = proxy(t, serve=serve)
    p.free = False
    with Frames(p.address) as conn:
        for i in range(100):
            conn.headers(2 * i + 1, get("/held"))
        conn.headers(201, get("/"))
        t.equal(conn.outcome(201), ("reset", 7), "one too many")
        p.free, ended = True, set()
        while len(ended) < 100:
            ended.add(conn.until(lambda k, f, s, b: k == DATA and f & END_STREAM)[2])
        conn.headers(203, get("/"))
        t.equal(conn.answer(203), (200, b"/"), "and one behind them")


@case("long bodies pass in both directions, at once and whole")
def _(t):
    need_node = tool("node")
    script = """
        const http2 = require('http2'), crypto = require('crypto');
        const session = http2.connect('http://%s:%d');
        let left = 8;
        const over = () => { if (--left == 0) session.close(); };
        for (let i = 0; i < 8; i++) {
            const up = i %% 2, r = session.request(up ? {':path': '/echo', ':method': 'POST'} : {':path': '/echo?n=1500000'});
            const sum = crypto.createHash('sha1'); let n = 0, sent;
            r.on('data', d => { sum.update(d); n += d.length; });
            r.on('end', () => { console.log(up, n, sum.digest('hex') == (sent || sum2)); over(); });
            r.on('error', e => console.log('error', e.message));
            if (up) { const b = crypto.randomBytes(1500000); sent = crypto.createHash('sha1').update(b).digest('hex'); r.end(b); }
        }
        const sum2 = crypto.createHash('sha1').update(Buffer.alloc(1500000, 'x')).digest('hex');
    """

    def serve(wire):
        while True:
            request = wire.request()
            out = request.body if request.method == "POST" else b"x" * 1500000
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(out))
            wire.send(out)
    p = proxy(t, serve=serve)
    done = subprocess.run([need_node, "-e", script % p.address], capture_output=True, text=True, timeout=60 * PATIENCE,
                          check=False)
    lines = sorted(done.stdout.split("\n")[:-1])
    t.equal(lines, ["0 1500000 true"] * 4 + ["1 1500000 true"] * 4, f"what node has seen; {done.stderr}")


@case("a client that resets a stream ends the work at the target, and no other stream")
def _(t):
    gone = []

    def serve(wire):
        while True:
            request = wire.request()
            if request.target == "/slow":
                gone.append(wire.closed())
                return
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw")
    p = proxy(t, serve=serve)
    with Frames(p.address) as conn:
        conn.headers(1, get("/slow"))
        conn.headers(3, get("/"))
        t.equal(conn.answer(3), (200, b"raw"), "beside it")
        conn.send(frame(RST_STREAM, 0, 1, struct.pack(">I", CANCEL)))
        t.wait(lambda: gone, "the target loses its connection")
        conn.headers(5, get("/"))
        t.equal(conn.answer(5), (200, b"raw"), "behind it")
    t.equal(sorted(r["outcome"] for r in p.log.wait(3)), ["client_gone", "served", "served"], "outcomes")


@case("an answer that is cut is reset and never looks whole; a refusal comes while the request is still coming")
def _(t):
    def serve(wire):
        wire.request()
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    p = proxy(t, serve=serve, limits={"maxBody": "1KiB"})
    with Frames(p.address) as conn:
        conn.headers(1, get("/"))
        t.equal(conn.outcome(1), 200, "the head")
        reset = conn.until(lambda k, f, s, b: k == RST_STREAM and s == 1)
        t.equal(struct.unpack(">I", reset[3])[0], INTERNAL_ERROR, "the reset")
        conn.headers(3, get("/", ("content-length", "4096"), method="POST"), END_HEADERS)
        t.equal(conn.answer(3)[0], 413, "too large")
        reset = conn.until(lambda k, f, s, b: k == RST_STREAM and s == 3)
        t.equal(struct.unpack(">I", reset[3])[0], 0, "NO_ERROR behind a whole answer")
    t.equal([r["outcome"] for r in p.log.wait(2)], ["target_cut", "body_too_large"], "outcomes")


@case("a WebSocket by extended CONNECT talks to a target that speaks HTTP/1.1")
def _(t):
    def serve(wire):
        request = wire.request()
        if request.target != "/chat":
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
            return
        key = hashlib.sha1((request.get("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        p.raw.requests.append(request)
        wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Accept: %s\r\n\r\n" % base64.b64encode(key).decode())
        while True:
            wire.send(wire.exactly(5))
    web = {"match": {"pathPrefix": "/"}, "stable": "ec2"}
    p = proxy(t, serve=serve, routes=[{**web, "name": "never", "match": {"pathPrefix": "/never"}, "upgrades": []},
                                      {**web, "name": "web"}])

    def connect(path):
        return [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", path),
                (":authority", "a.example"), ("sec-websocket-version", "13"), ("origin", "http://a.example")]
    with Frames(p.address) as conn:
        first = conn.until(lambda k, f, s, b: k == SETTINGS and not f)
        t.check(struct.pack(">HI", 8, 1) in first[3], "SETTINGS_ENABLE_CONNECT_PROTOCOL")
        conn.headers(1, connect("/chat"), END_HEADERS)
        t.equal(conn.outcome(1), 200, "the switch")
        for word in (b"hello", b"again"):
            conn.data(1, word, end=False)
            got = conn.until(lambda k, f, s, b: k == DATA and s == 1)
            t.equal(got[3], word, "the echo")
        conn.headers(3, connect("/other"), END_HEADERS)
        t.equal(conn.outcome(3), 502, "a target that does not switch")
        conn.headers(5, connect("/never/chat"), END_HEADERS)
        conn.until(lambda k, f, s, b: k == HEADERS and s == 5)
        conn.data(1, b"")  # our side of the tunnel ends
        conn.until(lambda k, f, s, b: s == 1 and f & END_STREAM or k == RST_STREAM and s == 1)
    request = p.raw.requests[0]
    t.equal((request.start, request.get("upgrade"), request.get("origin")),
            ("GET /chat HTTP/1.1", "websocket", "http://a.example"), "what the target was asked")
    records = p.log.wait(3)
    t.equal(sorted(r["outcome"] for r in records), ["bad_response", "method_refused", "upgraded"], "outcomes")
    switched = next(r["http"] for r in records if r["outcome"] == "upgraded")
    t.equal((switched["status_code"], switched["target_status_code"]), (200, 101), "what the client and the target said")


@case("at the end streams in progress are served, and their client has been told in time")
def _(t):
    free = []

    def serve(wire):
        wire.request()
        t.wait(lambda: free, "the test lets it go", 30)
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend")
    p = proxy(t, serve=serve, timeouts={"lameDuck": "0s"})
    with Frames(p.address) as conn:
        conn.headers(1, get("/"))
        t.wait(lambda: p.raw.connections, "the request is under way")
        p.signal(15)
        conn.headers(3, get("/late"))  # it is on its way when the client is told
        first = conn.until(lambda k, f, s, b: k == GOAWAY)
        t.equal(struct.unpack(">II", first[3][:8]), (0x7fffffff, 0), "the first GOAWAY")
        second = conn.until(lambda k, f, s, b: k == GOAWAY)
        t.equal(struct.unpack(">II", second[3][:8]), (3, 0), "the second GOAWAY")
        free.append(True)
        t.equal(conn.answer(1), (200, b"end"), "the answer")
        t.equal(conn.goaway(), "closed", "and then the connection is closed")
    t.equal(p.wait(), 0, "the exit status")


@case("a connection ends with GOAWAY when it is idle, or has had its share of requests")
def _(t):
    p = proxy(t, timeouts={"http2Idle": "2s"}, http2={"maxRequests": 3})
    with Frames(p.address) as conn:
        conn.headers(1, get())
        t.equal(conn.answer(1), (200, b"raw"), "the answer")
        t.equal(conn.goaway(), 0, "idle")
    with Frames(p.address) as conn:
        for i in (1, 3, 5):
            conn.headers(i, get())
            t.equal(conn.answer(i), (200, b"raw"), "the answer")
        t.equal(conn.goaway(), 0, "its share")
    t.equal(p.metrics().sum("penstock_http2_ended_total", reason="idle"), 1, "the metric")


def holding(t, free):
    """A target that answers with what it was sent, or `raw`; requests for /held wait until something is in `free`."""
    def serve(wire):
        while True:
            request = wire.request()
            if request.target == "/held":
                t.wait(lambda: free, "the test lets them go", 30)
            body = request.body or b"raw"
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            wire.send(body)
    return serve


@case("while memory is short streams are refused, and the connection that they came by lives on")
def _(t):
    free = []
    p = proxy(t, serve=holding(t, free), limits={"memory": "3MiB"})
    with Frames(p.address) as many, Frames(p.address, first=b"") as other:
        for i in range(90):
            many.send(frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, block(get("/held"))), frame(PING, 0, 0, bytes(8)))
            if many.until(lambda k, f, s, b: k in (PING, HEADERS))[0] == HEADERS:
                break
        t.equal(status_of(many.seen[-1][3]), 503, "one too many")
        other.send(PREFACE, frame(SETTINGS, 0, 0), frame(HEADERS, END_HEADERS | END_STREAM, 1, block(get())))
        t.equal(other.outcome(1), 503, "the first stream of another connection")
        free.append(True)
        many.until(lambda k, f, s, b: k == DATA and b == b"raw")

    def is_served():
        with Frames(p.address) as conn:
            conn.headers(1, get())
            return conn.outcome(1) == 200
    t.wait(is_served, "another is served when there is memory again")


@case("a connection for whose frames there is no memory is ended, and not forgotten")
def _(t):
    free = []
    p = proxy(t, serve=holding(t, free), limits={"memory": "1MiB"}, timeouts={"requestHead": "60s"})
    with Frames(p.address) as conn:
        conn.headers(1, get("/held"))
        t.wait(lambda: p.raw.connections, "the request is under way")
        for _ in range(100):  # each holds a buffer, as long as there are any
            t.own(Wire(p.listeners[1])).send(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
        t.wait(lambda: p.metrics().sum("penstock_connections_starved_total") > 0, "there is no memory")
        conn.send(frame(PING, 0, 0, bytes(8)))
        t.equal(conn.goaway(), ENHANCE_YOUR_CALM, "the end")
        free.append(True)
    t.equal(p.metrics().sum("penstock_http2_ended_total", reason="memory"), 1, "counted")


@case("what waits of uploads takes about as much memory as it has bytes, and arrives whole")
def _(t):
    free = []
    p = proxy(t, serve=holding(t, free), targetGroups={"ec2": {"concurrency": {"target": 1, "wait": "60s"}}})
    uploads = {2 * i + 3: bytes([97 + i]) * 40000 for i in range(20)}
    with Frames(p.address) as conn:
        conn.until(lambda k, f, s, b: k == WINDOW_UPDATE)  # of the session: 1 MiB
        conn.headers(1, get("/held"))
        for stream in uploads:
            conn.headers(stream, get("/p", ("content-length", "40000"), method="POST"), END_HEADERS)
        conn.send(frame(PING, 0, 0, bytes(8)))
        conn.until(lambda k, f, s, b: k == PING)
        before = p.metrics().sum("penstock_memory_bytes")
        for stream, content in uploads.items():
            for at in range(0, 40000, 16000):
                conn.data(stream, content[at:at + 16000], end=at == 32000)
        conn.send(frame(PING, 0, 0, bytes(8)))
        conn.until(lambda k, f, s, b: k == PING)
        grown = p.metrics().sum("penstock_memory_bytes") - before
        t.check(grown < 1.5 * 20 * 40000, f"{grown} bytes for {20 * 40000} of content")
        free.append(True)
        got = {stream: b"" for stream in uploads}
        conn.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 20)))
        left = set(uploads)
        while left:
            kind, flags, stream, payload = conn.until(lambda k, f, s, b: k in (DATA, HEADERS, RST_STREAM) and s > 1)
            t.check(kind != RST_STREAM, f"stream {stream} is reset")
            got[stream] += payload if kind == DATA else b""
            left -= {stream} if flags & END_STREAM else set()
        t.check(got == uploads, "what comes back")


@case("nghttp and h2load are served whole, over TLS and in clear text")
def _(t):
    h2load, nghttp = tool("h2load"), tool("nghttp")
    cert = Certificate(t, "a", "DNS:a.example")
    nginx = Nginx(t, "ec2")
    p = Penstock(t, {"ec2": [nginx]}, listeners=[{"address": "127.0.0.1:0", "h2c": True},
                                                 {"address": "127.0.0.1:0", "tls": {"certificates": [cert.setting]}}])
    for url in (p.url("/"), p.url("/", 1).replace("http:", "https:")):
        done = subprocess.run([h2load, "-n", "600", "-c", "3", "-m", "20", url], capture_output=True, text=True,
                              timeout=60 * PATIENCE, check=False)
        t.contains(done.stdout, "600 succeeded, 0 failed, 0 errored", "h2load")
        done = subprocess.run([nghttp, "-ans", url], capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
        t.contains(done.stdout, " 200 ", f"nghttp; {done.stderr}")
    t.equal({r["http"]["version"] for r in p.log.wait(1200)}, {"2"}, "versions")


# RFC 9113 section 5.3.1 has taken back what RFC 7540 asked for.
OBSOLETE = [("http2/5.3.1", "Sends PRIORITY frame that depend on itself")]


@case("h2spec finds nothing but what RFC 9113 has made obsolete, over TLS and in clear text")
def _(t):
    h2spec = tool("h2spec")
    if not h2spec:
        raise Skip("not installed: h2spec (https://github.com/summerwind/h2spec)")
    cert = Certificate(t, "a", "DNS:a.example")
    p = Penstock(t, {"ec2": [Nginx(t, "ec2", "location = / { return 200 'long enough'; }")]},
                 listeners=[{"address": "127.0.0.1:0", "h2c": True},
                            {"address": "127.0.0.1:0", "tls": {"certificates": [cert.setting]}}])
    for listener, words in enumerate(([], ["-t", "-k"])):
        host, port = p.listeners[listener]
        report = t.path(f"h2spec-{listener}.xml")
        subprocess.run([h2spec, "--strict", "-h", host, "-p", str(port), "-o", str(int(2 * PATIENCE)), "-j", report, *words],
                       capture_output=True, timeout=200 * PATIENCE, check=False)
        cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))
        t.check(len(cases) > 140, f"cases: {len(cases)}")
        t.equal([(c.get("package"), c.get("classname")) for c in cases if len(c)], OBSOLETE, "what it has against us")


main()
