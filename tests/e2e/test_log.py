"""The access log: valid whatever clients send, complete, and never in the way."""
import json
import os
import re

from harness import case, main, need, scaled
from load import h2load
from peers import Nginx, Node, Raw
from penstock import Penstock
from records import field
from wire import Closed, Wire, compose, get

need("nginx", "node", "h2load")


@case("a line has the fields that a dashboard needs")
def _(t):
    target = Nginx(t, "fargate")
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [target]}, weight=100,
                 version="1.2",
                 targetGroups={"fargate": {"env": "prd-fargate", "service": "shop"}})
    with Wire(p.address) as wire:
        wire.ask("POST", "/users/1?q=%20x", host="www.example.com:8080", body=b"hello",
                 fields=[("User-Agent", "test/1"), ("Referer", "http://r/"), ("X-Request-Id", "id-0123456789abcdef"),
                         ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")])
        port = wire.sock.getsockname()[1]
    r = p.log.wait(1)[0]
    for key, value in {
        "platform": "fargate", "route": "web", "group": "fargate", "target": target.text, "weight": 100,
        "assignment": "random", "outcome": "served", "status": "info", "service": "shop", "env": "prd-fargate", "version": "1.2",
        "http.method": "POST", "http.status_code": 200, "http.version": "1.1", "http.useragent": "test/1",
        "http.referer": "http://r/", "http.request_id": "id-0123456789abcdef",
        "http.url": "http://www.example.com:8080/users/1?q=%20x", "network.client.ip": "127.0.0.1",
        "network.client.port": port, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }.items():
        t.equal(field(r, key), value, key)
    t.check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z", r["timestamp"]), f"timestamp {r['timestamp']}")
    t.check(isinstance(r["duration"], int) and 0 < r["duration"] < 60e9, f"duration {r['duration']}")
    t.check(r["network"]["bytes_read"] > 5 and r["network"]["bytes_written"] > 8, f"bytes {r['network']}")
    t.equal({type(ns) for ns in r["phases"].values()}, {int}, f"the phases {r['phases']}")
    t.check(sum(r["phases"].values()) <= r["duration"] * 1.01, f"the phases {r['phases']} of {r['duration']}")


@case("chosen headers are logged, and secrets in a query are not")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, logRecord={
        "requestHeaders": ["X-Tenant", "X-None"], "responseHeaders": ["Server", "X-None"]})
    with Wire(p.address) as wire:
        wire.ask("GET", "/a?token=s3cret&b=1&Sig=s3cret", fields=[
            ("X-Tenant", "one"), ("x-tenant", "two\""), ("Referer", "http://r/?access_token=s3cret")])
    r = p.log.wait(1)[0]
    t.equal(r["http"]["request_headers"], {"x-tenant": "one, two\""}, "of the request")
    t.check(set(r["http"]["response_headers"]) == {"server"}, f"of the answer: {r['http']['response_headers']}")
    t.check(r["http"]["url"].endswith("/a?token=REDACTED&b=1&Sig=REDACTED"), r["http"]["url"])
    t.equal(r["http"]["referer"], "http://r/?access_token=REDACTED", "the referer")


@case("every line is valid JSON whatever bytes the client sends")
def _(t):
    p = Penstock(t, {"ec2": [Raw(t)]})
    values = [bytes([b]) for b in range(256) if b not in b"\r\n\0"]
    values += [b"\"", b"\\", b"\\\"", b"\\u0000", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xff" * 50,
               "日本語 \U0001f600".encode(), b"</script>", b"{\"a\":1}", b"\x7f", b"%0a%0d", b"\xe2\x80\xa8", b"\t\t",
               b"x" * 8000, b"\xf0\x9f" * 2000, b"\"" * 4000]
    sent = 0
    for value in values:
        for name in (b"User-Agent", b"Referer", b"X-Request-Id", b"traceparent", b"Host", b"Cookie"):
            head = b"GET /%s HTTP/1.1\r\n" % b"p" + (b"" if name == b"Host" else b"Host: a\r\n") + name + b": " + value
            with Wire(p.address) as wire:
                wire.send(head + b"\r\nConnection: close\r\n\r\n")
                wire.rest()
            sent += 1
        with Wire(p.address) as wire:
            wire.send(b"GET /" + value + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            wire.rest()
        sent += 1
    for n in range(scaled(200, 50)):
        with Wire(p.address) as wire:
            wire.send(t.random.randbytes(t.random.randrange(1, 400)) + b"\r\n\r\n")
            try:
                wire.sock.shutdown(1)
                wire.rest()
            except (Closed, OSError):
                pass
    t.settled(p.log.count, "lines", quiet=1.5)
    records = p.log.lines()
    t.check(len(records) >= sent, f"{sent} requests, {len(records)} lines")
    t.check(max(map(len, p.log.raw().splitlines())) <= 16 * 1024, "no line is longer than 16 KiB")
    agents = {r["http"].get("useragent") for r in records}
    t.check("日本語 \U0001f600" in agents, "good UTF-8 is kept as it is")
    t.check(any("\\" == a for a in agents) and any("\"" == a for a in agents), "quotes and backslashes come back whole")


@case("one line a request, on keep-alive, pipelined, refused and broken off")
def _(t):
    target = Node(t, "ec2")
    p = Penstock(t, {"ec2": [target]})
    total = scaled(20_000, 3_000)
    h2load(t, p.url(), total, connections=50)
    t.equal(len(p.log.wait(total)), total, "keep-alive")
    with Wire(p.address) as wire:
        wire.send(compose(target="/pipelined") * 30)
        for n in range(30):
            wire.answer()
    with Wire(p.address) as wire:
        wire.send("nonsense\r\n\r\n")
        wire.rest()
    wire = Wire(p.address)
    wire.send(compose(target="/bytes?n=50000000"))
    wire.exactly(1000)
    wire.close()
    for n in range(5):
        Wire(p.address).close()  # no request, no line
    records = p.log.wait(total + 32)
    t.settled(p.log.count, "lines", quiet=1.5)
    t.equal(p.log.count(), total + 32, "lines in all")
    t.equal({r["outcome"] for r in records[total:]}, {"served", "bad_request", "client_gone"}, "outcomes")


@case("request ids and traces are all different")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, workers=4)
    total = scaled(20_000, 3_000)
    h2load(t, p.url(), total, connections=64)
    records = p.log.wait(total)
    t.equal(len({r["http"]["request_id"] for r in records}), total, "different ids")
    t.equal(len({r["trace_id"] for r in records}), total, "different traces")


@case("a log that cannot be written harms no request, and what is lost is counted")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, accessLog=[{"file": {"path": "/dev/full"}}])
    total = scaled(30_000, 5_000)
    counts = h2load(t, p.url(), total, connections=32)
    t.equal(counts["2xx"], total, "requests that ended well")
    t.wait(lambda: p.metrics().sum("penstock_log_dropped_total") == total, "every lost line is counted")


@case("a log whose reader sleeps harms no request, and memory stays bounded")
def _(t):
    path = t.path("pipe")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, accessLog=[{"file": {"path": path}}])
    total = scaled(40_000, 5_000)
    t.equal(h2load(t, p.url(), total // 4, connections=32)["2xx"], total // 4, "requests that ended well")
    before = p.memory_kib()
    t.equal(h2load(t, p.url(), total, connections=32)["2xx"], total, "requests that ended well")
    t.check(p.memory_kib() - before < 16 * 1024, f"memory grew by {p.memory_kib() - before} KiB")
    p.kill9()
    os.close(reader)


@case("the log is complete after SIGTERM")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]})
    h2load(t, p.url(), 500, connections=10)
    t.equal(p.terminate(), 0, "the exit status")
    t.equal(len(p.log.lines()), 500, "lines")


@case("standard output takes the log as well as a file")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, accessLog=[{"stdout": {}}])
    for n in range(10):
        get(p.address, f"/{n}")
    t.wait(lambda: p.stdout().count("\n") == 10, "ten lines on standard output")
    t.equal({json.loads(line)["platform"] for line in p.stdout().splitlines()}, {"ec2"}, "platforms")


main()
