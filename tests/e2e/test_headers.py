"""What we add to a request, what we take away, what we leave alone."""
import re

from harness import case, main, need
from peers import Nginx, Raw
from penstock import Penstock
from wire import Wire, compose

need("nginx")


def passed(t, fields=(), method="GET", target="/", host="www.example.com", version=None, **more):
    """Sends one request and gives what the target received, and the proxy."""
    raw = Raw(t)
    p = Penstock(t, {"ec2": [raw]}, **more)
    with Wire(p.address) as wire:
        data = compose(method, target, host, fields)
        wire.send(data.replace(b"HTTP/1.1", version) if version else data)
        t.equal(wire.answer(method).status, 200, "the answer's status")
    p.close()
    return raw.requests[0]


@case("the target gets the label of its own group")
def _(t):
    raw = {name: Raw(t) for name in ("ec2", "fargate")}
    p = Penstock(t, {name: [target] for name, target in raw.items()}, weight=0)
    with Wire(p.address) as wire:
        wire.ask()
        p.admin.weight(100)
        wire.ask()
    t.equal([r.get("x-platform") for r in raw["ec2"].requests], ["ec2"], "the stable group's label")
    t.equal([r.get("x-platform") for r in raw["fargate"].requests], ["fargate"], "the canary's label")


@case("the client's own label is removed in every spelling")
def _(t):
    spellings = ["X-Platform", "x-platform", "X-PLATFORM", "X_Platform", "x_platform", "X.Platform", "x.platform",
                 "X-PlatForm", "x_Platform", "X..Platform".replace("..", ".")]
    request = passed(t, [(name, "evil") for name in spellings] + [("X-Platforms", "kept")])
    alike = [(n, v) for n, v in request.fields if re.sub(r"[-_.]", "-", n.lower()) == "x-platform"]
    t.equal([v for _, v in alike], ["ec2"], "fields that read as the label")
    t.equal(request.get("x-platforms"), "kept", "another field")
    t.check(b"evil" not in request.head, "nothing of the client's value is left")


@case("the label header has the name that the configuration gives it")
def _(t):
    request = passed(t, [("X-Side", "evil"), ("X-Platform", "mine")], labelHeader="X-Side")
    t.equal(request.all("x-side"), ["ec2"], "the label")
    t.equal(request.all("x-platform"), ["mine"], "another header")


@case("X-Forwarded-For, -Proto and -Host say who asked, and how")
def _(t):
    request = passed(t, host="www.example.com:8443")
    t.equal(request.get("x-forwarded-for"), "127.0.0.1", "X-Forwarded-For")
    t.equal(request.get("x-forwarded-proto"), "http", "X-Forwarded-Proto")
    t.equal(request.get("x-forwarded-host"), "www.example.com:8443", "X-Forwarded-Host")
    t.equal(request.get("host"), "www.example.com:8443", "Host")


@case("what a client says of X-Forwarded- is not believed")
def _(t):
    request = passed(t, [("X-Forwarded-For", "10.9.9.9"), ("x-forwarded-for", "10.9.9.8"),
                            ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil"),
                            ("X_Forwarded_For", "10.9.9.7"), ("X.Forwarded.Host", "evil")])
    t.equal(request.get("x-forwarded-for"), "127.0.0.1", "X-Forwarded-For")
    t.equal(request.get("x-forwarded-proto"), "http", "X-Forwarded-Proto")
    t.equal(request.get("x-forwarded-host"), "www.example.com", "X-Forwarded-Host")
    t.check(b"10.9.9" not in request.head and b"evil" not in request.head, f"nothing is left: {request.head}")


@case("what a trusted proxy says of the client is believed, and continued")
def _(t):
    raw = Raw(t)
    p = Penstock(t, {"ec2": [raw]}, forwarded={"trusted": ["127.0.0.0/8", "10.0.0.0/8"], "send": "both"})
    with Wire(p.address) as wire:
        wire.ask(fields=[("X-Forwarded-For", "6.6.6.6, 203.0.113.7"), ("X-Forwarded-For", "10.0.0.9"),
                         ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "shop.example"),
                         ("Forwarded", 'for="[2001:db8::1]"')])
        wire.ask()
    first, second = raw.requests
    t.equal(first.all("x-forwarded-for"), ["6.6.6.6, 203.0.113.7, 10.0.0.9, 127.0.0.1"], "X-Forwarded-For")
    t.equal(first.all("x-forwarded-proto"), ["https"], "X-Forwarded-Proto")
    t.equal(first.all("x-forwarded-host"), ["shop.example"], "X-Forwarded-Host")
    t.equal(first.all("forwarded"), ['for="[2001:db8::1]", for=127.0.0.1;host="a";proto=http'], "Forwarded")
    t.equal(second.all("x-forwarded-for"), ["127.0.0.1"], "X-Forwarded-For of the proxy's own request")
    t.equal([r["network"]["client"]["ip"] for r in p.log.wait(2)], ["203.0.113.7", "127.0.0.1"], "the log")


@case("clients stick by the address that a trusted proxy says")
def _(t):
    stable, canary = Raw(t), Raw(t)
    p = Penstock(t, {"ec2": [stable], "fargate": [canary]}, weight=50, forwarded={"trusted": ["127.0.0.1"]},
                 route={"affinity": {"clientAddress": True}})
    with Wire(p.address) as wire:
        for n in range(120):
            wire.ask(fields=[("X-Forwarded-For", f"203.0.113.{n % 40}")])
    sides = [{r.get("x-forwarded-for") for r in raw.requests} for raw in (stable, canary)]
    t.check(sides[0] and sides[1], "both sides serve")
    t.equal(sides[0] & sides[1], set(), "clients that were on both sides")


@case("Connection cannot name the fields that we add")
def _(t):
    names = "close, X-Forwarded-For, X-Platform, X-Request-Id, traceparent, Via, X-Forwarded-Proto"
    request = passed(t, [("Connection", names), ("X-Forwarded-For", "10.9.9.9")])
    for name, value in [("x-forwarded-for", "127.0.0.1"), ("x-platform", "ec2"), ("x-forwarded-proto", "http"),
                        ("host", "www.example.com")]:
        t.equal(request.get(name), value, name)
    for name in ("x-request-id", "traceparent", "via"):
        t.check(request.get(name), f"{name} is there")


@case("Via is added on the way up, behind the client's")
def _(t):
    request = passed(t, [("Via", "1.1 before")])
    via = ", ".join(request.all("via"))
    t.check(re.fullmatch(r"1\.1 before, 1\.1 \S+", via), f"Via: {via}")
    request = passed(t)
    t.check(re.fullmatch(r"1\.1 \S+", request.get("via", "")), f"Via: {request.get('via')}")


@case("a request that goes round in a circle is refused")
def _(t):
    raw = Raw(t)
    p = Penstock(t, {"ec2": [raw]})
    with Wire(p.address) as wire:
        wire.ask()
        ours = raw.requests[0].get("via")
        answer = wire.ask(fields=[("Via", ours)] * 10)
        t.equal(answer.status, 508, "the answer to a loop")
    t.equal(len(raw.requests), 1, "requests at the target")


@case("X-Request-Id is made when absent, unlike any other, and kept when there")
def _(t):
    raw = Raw(t)
    p = Penstock(t, {"ec2": [raw]})
    with Wire(p.address) as wire:
        for n in range(50):
            wire.ask()
        wire.ask(fields=[("X-Request-Id", "from-the-client-1")])
    ids = [r.get("x-request-id") for r in raw.requests]
    t.equal(len(set(ids[:50])), 50, "different ids")
    t.check(all(re.fullmatch(r"[0-9A-Za-z_-]{16,64}", i) for i in ids[:50]), f"their form: {ids[0]}")
    t.equal(ids[50], "from-the-client-1", "the client's id")
    t.equal([r["http"]["request_id"] for r in p.log.wait(51)], ids, "the ids in the log")


@case("traceparent is made when absent or broken, and its trace kept when good")
def _(t):
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    broken = ["", "xx", good[:-3], good + "-", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", good.upper(),
              "ff" + good[2:], "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01"]
    raw = Raw(t)
    p = Penstock(t, {"ec2": [raw]})
    with Wire(p.address) as wire:
        wire.ask()
        wire.ask(fields=[("traceparent", good), ("tracestate", "a=1")])
        for value in broken:
            wire.ask(fields=[("traceparent", value)])
        wire.ask(fields=[("traceparent", good), ("traceparent", good)])
    form = r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]"
    for n, request in enumerate(raw.requests):
        t.check(re.fullmatch(form, request.get("traceparent", "")), f"request {n}: {request.all('traceparent')}")
    traces = [r.get("traceparent")[3:35] for r in raw.requests]
    t.equal(traces[1], good[3:35], "the client's trace id")
    t.equal(raw.requests[1].get("tracestate"), "a=1", "tracestate")
    t.equal(len(set(traces)), len(traces), "all the others are new traces")
    t.equal([r["trace_id"] for r in p.log.wait(len(traces))], traces, "trace ids in the log")


@case("hop-by-hop fields go no further, in either direction")
def _(t):
    def serve(wire):
        requests.append(wire.request())
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\n"
                  "Proxy-Connection: keep-alive\r\nUpgrade: h2c\r\nX-Plain: 2\r\n\r\nok")
        wire.closed()
    requests = []
    p = Penstock(t, {"ec2": [Raw(t, serve)]})
    with Wire(p.address) as wire:
        answer = wire.ask(fields=[("Connection", "keep-alive, X-Hop, Upgrade, HTTP2-Settings"), ("X-Hop", "1"),
                                  ("Keep-Alive", "5"), ("Proxy-Connection", "keep-alive"), ("TE", "gzip"),
                                  ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__"), ("X-Plain", "1")])
    for name in ("x-hop", "keep-alive", "proxy-connection", "te", "upgrade", "http2-settings", "transfer-encoding"):
        t.equal(requests[0].all(name), [], f"{name} at the target")
    for name in ("x-secret", "keep-alive", "proxy-connection", "upgrade"):
        t.equal(answer.all(name), [], f"{name} at the client")
    t.equal((requests[0].get("x-plain"), answer.get("x-plain")), ("1", "2"), "plain fields pass")


@case("other fields keep their order, their spelling and their bytes")
def _(t):
    fields = [("X-First", "1"), ("x-dup", "a"), ("X-Dup", "b"), ("Cookie", "a=1; b=\"2\""), ("X-Empty", ""),
              ("Authorization", "Basic dTpw"), ("X-High", "caf\xe9"), ("x-DUP", "c"), ("Accept", "*/*")]
    request = passed(t, fields)
    names = {n.lower() for n, _ in fields}
    t.equal([(n, v) for n, v in request.fields if n.lower() in names], fields, "fields at the target")


@case("path and query are not touched")
def _(t):
    for target in ["/a//b/../c/./d", "/%7Euser/%2e%2e/x%2fy", "/?a=b&c=%00&d=/../", "/a;b=c,d?e?f", "/*!'()~$&+,=:@"]:
        request = passed(t, target=target)
        t.equal(request.target, target, "the request target")


@case("TE: trailers goes with Connection: TE or not at all")
def _(t):
    request = passed(t, [("TE", "trailers, gzip"), ("Connection", "TE")])
    te, connection = request.get("te"), request.get("connection")
    t.check((te, connection) == (None, None) or (te == "trailers" and "te" in connection.lower()),
            f"TE: {te}, Connection: {connection}")


@case("absolute-form names the host, OPTIONS without a path becomes *")
def _(t):
    request = passed(t, target="http://other.example.com/p?q", host="a")
    t.equal((request.target, request.get("host")), ("/p?q", "other.example.com"), "absolute-form")
    request = passed(t, method="OPTIONS", target="http://other.example.com", host="a")
    t.equal((request.target, request.get("host")), ("*", "other.example.com"), "OPTIONS in absolute-form")
    request = passed(t, method="OPTIONS", target="*", host="a")
    t.equal(request.target, "*", "OPTIONS *")


@case("Max-Forwards is lowered for OPTIONS, answered here at 0, and not touched elsewhere")
def _(t):
    request = passed(t, [("Max-Forwards", "3")], method="OPTIONS")
    t.equal(request.get("max-forwards"), "2", "lowered")
    request = passed(t, [("Max-Forwards", "3")])
    t.equal(request.get("max-forwards"), "3", "GET")
    raw = Raw(t)
    p = Penstock(t, {"ec2": [raw]}, name="other.yaml")
    with Wire(p.address) as wire:
        t.equal(wire.ask("OPTIONS", "/", fields=[("Max-Forwards", "0")]).status, 200, "answered here")
    t.equal(raw.requests, [], "requests at the target")


@case("an answer without Date gets one, and one with it keeps it")
def _(t):
    def serve(wire):
        wire.request()
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        wire.request()
        wire.send("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n")
        wire.request()
    p = Penstock(t, {"ec2": [Raw(t, serve)]}, workers=1)
    form = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT"
    with Wire(p.address) as wire:
        t.check(re.fullmatch(form, wire.ask().get("date", "")), "the date that we add")
        t.equal(wire.ask().get("date"), "Sun, 06 Nov 1994 08:49:37 GMT", "the target's date")


@case("answers keep their fields, Set-Cookie lines and reason")
def _(t):
    def serve(wire):
        wire.request()
        wire.send("HTTP/1.1 299 Quite Well\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nETag: \"x\"\r\n"
                  "X-High: caf\xe9\r\nContent-Length: 2\r\n\r\nok")
    p = Penstock(t, {"ec2": [Raw(t, serve)]})
    with Wire(p.address) as wire:
        answer = wire.ask()
    t.equal(answer.start, "HTTP/1.1 299 Quite Well", "the status line")
    t.equal(answer.all("set-cookie"), ["a=1", "b=2"], "Set-Cookie")
    t.equal((answer.get("etag"), answer.get("x-high")), ('"x"', "caf\xe9"), "fields")


@case("the label reaches nginx as its $http_x_platform")
def _(t):
    groups = {"ec2": Nginx(t, "ec2"), "fargate": Nginx(t, "fargate")}
    p = Penstock(t, {name: [target] for name, target in groups.items()}, weight=50)
    with Wire(p.address) as wire:
        for n in range(200):
            wire.ask()
    for name, target in groups.items():
        t.equal(set(target.platforms()), {name}, f"labels at {name}")


main()
