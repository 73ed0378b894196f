"""What a route does to messages: header rules, rewrites, redirects, fixed answers."""
from harness import case, main, need
from peers import Nginx, Raw
from penstock import Penstock, cli
from wire import Wire, compose

need("nginx")


def serve(t, route, targets=None, more=()):
    """A proxy with the route `web` to a target that keeps what it gets, and further routes without groups."""
    raw = Raw(t)
    p = Penstock(t, {"ec2": [targets or raw]}, route=route)
    if more:
        config = dict(p.config, routes=p.config["routes"] + list(more))
        p.close()
        p = Penstock(t, {}, config=config)
    return raw, p


def ask(t, p, target="/", fields=(), method="GET", host="www.example.com", data=b""):
    with Wire(p.address) as wire:
        wire.send(compose(method, target, host, fields) + data)
        return wire.answer(method)


@case("rules set, add and remove request fields, and Connection cannot take ours away")
def _(t):
    raw, p = serve(t, {"requestHeaders": [
        {"set": "X-Where", "value": "{platform}/{group}/{side}/{route}"}, {"add": "X-Seen", "value": "{method} {path}{query}"},
        {"set": "X-Ip", "value": "{clientAddress}"}, {"remove": "X-Debug"}, {"set": "X-Id", "value": "{requestId}"},
        {"set": "X-Empty", "value": "{query}"}, {"set": "X-Braces", "value": "{{x}}"}]})
    ask(t, p, "/a", [("X-Where", "evil"), ("x_where", "evil"), ("X-Seen", "mine"), ("X-DEBUG", "1"), ("X-Empty", "evil"),
                     ("X-Ip", "evil"), ("Connection", "X-Where, X-Seen, X-Ip"), ("X-Request-Id", "r-1")])
    got = raw.requests[0]
    t.equal(got.all("x-where"), ["ec2/ec2/stable/web"], "set")
    t.equal(got.all("x-seen"), ["GET /a"], "added; the client's own was for one connection only")
    t.equal(got.all("x-ip"), ["127.0.0.1"], "set, though Connection names it")
    t.equal(got.all("x-debug") + got.all("x_where") + got.all("x-empty"), [], "removed")
    t.equal(got.get("x-id"), "r-1", "the request id")
    t.equal(got.get("x-braces"), "{x}", "doubled braces")
    t.equal(got.get("x-platform"), "ec2", "the label")


@case("rules change the answer's fields, of a real nginx too")
def _(t):
    nginx = Nginx(t, "ec2")
    raw, p = serve(t, {"responseHeaders": [{"remove": "Server"}, {"set": "X-Served-By", "value": "{platform}"},
                                         {"set": "Cache-Control", "value": "no-store"}]}, nginx)
    for _ in range(2):
        answer = ask(t, p)
        t.equal(answer.status, 200, "the status")
        t.equal(answer.all("server"), [], "Server")
        t.equal(answer.all("x-served-by"), ["ec2"], "X-Served-By")
        t.equal(answer.all("cache-control"), ["no-store"], "Cache-Control")


@case("a path prefix is replaced, and what is no normal form is brought to it first")
def _(t):
    sent = []
    for to, pairs in {"/v2": [("/api", "/v2"), ("/api/x?q=/api", "/v2/x?q=/api"), ("/api/", "/v2/"),
                              ("/a/../api/%78/..//y", "/v2/y"), ("/%61pi/a%2Fb", "/v2/a%2Fb")],
                      "/": [("/api", "/"), ("/api/x", "/x"), ("/api//evil.example", "/evil.example")]}.items():
        raw, p = serve(t, {"match": {"pathPrefix": "/api"}, "rewrite": {"pathPrefix": to, "host": "inner.example"}})
        for asked, _ in pairs:
            t.equal(ask(t, p, asked).status, 200, asked)
        t.equal([r.target for r in raw.requests], [got for _, got in pairs], f"what the target was asked for, with {to}")
        t.equal({(r.get("host"), r.get("x-forwarded-host")) for r in raw.requests},
                {("inner.example", "www.example.com")}, "Host and X-Forwarded-Host")
        sent += ["http://www.example.com" + asked for asked, _ in pairs]
        t.equal(sorted(line["http"]["url"] for line in p.log.wait(len(sent))), sorted(sent), "the log has what the client asked for")
        p.close()


@case("a redirect to https and a fixed answer need no groups")
def _(t):
    raw, p = serve(t, {}, more=[
        {"name": "old", "match": {"host": "old.example.com"}, "redirect": "https://{host}{path}{query}"},
        {"name": "moved", "match": {"pathPrefix": "/moved"}, "redirect": {"to": "/new{path}", "status": 302}},
        {"name": "down", "match": {"pathPrefix": "/down"}, "answer": {"status": 503, "type": "text/html", "body": "<p>later\n"},
         "responseHeaders": [{"set": "Retry-After", "value": "60"}]},
        {"name": "empty", "match": {"pathPrefix": "/empty"}, "answer": {"status": 204}}])
    answer = ask(t, p, "/a%0d%0aSet-Cookie:x/b?c=d", host="old.example.com:8080")
    t.equal((answer.status, answer.get("location")), (308, "https://old.example.com/a%0d%0aSet-Cookie:x/b?c=d"), "to https")
    answer = ask(t, p, "/moved/1")
    t.equal((answer.status, answer.get("location"), answer.body), (302, "/new/moved/1", b""), "elsewhere")
    with Wire(p.address) as wire:  # on one connection, with a body and without
        for method, body in (("GET", b"<p>later\n"), ("HEAD", b""), ("POST", b"<p>later\n")):
            data = compose(method, "/down", "x", [("Content-Length", "3")] if method == "POST" else [])
            wire.send(data + (b"abc" if method == "POST" else b""))
            answer = wire.answer(method)
            t.equal((answer.status, answer.body, answer.get("content-type"), answer.get("content-length"),
                     answer.get("retry-after")), (503, body, "text/html", "9", "60"), method)
        wire.send(compose("GET", "/empty", "x", []))
        answer = wire.answer("GET")
        t.equal((answer.status, answer.all("content-length")), (204, []), "204")
    lines = p.log.wait(6)
    t.equal({(line["outcome"], line["blame"]) for line in lines}, {("answered", "nobody")}, "outcomes")
    t.equal(sorted(line["route"] for line in lines), ["down", "down", "down", "empty", "moved", "old"], "routes")
    t.check(all("target" not in line and "group" not in line for line in lines), "no group is named")
    routes = {route["name"]: route for route in p.admin.status()["routes"]}
    t.equal((routes["down"]["stable"], routes["down"]["canary"]), (None, None), "the status names no groups")
    t.equal(p.cli("status").status, 0, "penstock status")
    p.metrics()
    t.equal(raw.requests, [], "requests at the target")


@case("the cookie that keeps a client in its group says what the configuration says")
def _(t):
    for more, end in (({}, "Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"),
                      ({"path": "/app", "secure": True, "sameSite": "strict", "maxAge": "1m"},
                       "Path=/app; Max-Age=60; HttpOnly; SameSite=Strict; Secure")):
        raw, p = serve(t, {"affinity": dict(cookie="stick", **more)})
        name, _, rest = ask(t, p).get("set-cookie").partition("; ")
        t.check(name.startswith("stick="), name)
        t.equal(rest, end, "the attributes")
        t.equal(ask(t, p, fields=[("Cookie", name)]).all("set-cookie"), [], "a client that has one keeps it")
        p.close()


@case("explain says what a route's rules are")
def _(t):
    raw, p = serve(t, {"requestHeaders": [{"set": "X-A", "value": "{platform}"}], "rewrite": {"pathPrefix": "/v2"}},
                   more=[{"name": "s", "match": {"pathPrefix": "/s"}, "redirect": "https://{host}{path}"}])
    text = cli("explain", "-c", p.config_path, "GET", "/").stdout
    t.check("set X-A: {platform}" in text and "/v2 in place of /" in text, text)
    text = cli("explain", "-c", p.config_path, "GET", "/s").stdout
    t.check("308, to https://{host}{path}" in text and "stable" not in text, text)
    json = cli("explain", "--json", "-c", p.config_path, "GET", "/s").json()
    t.equal((json["redirect"], json["stable"]), ({"to": "https://{host}{path}", "status": 308}, None), "as JSON")


main()
