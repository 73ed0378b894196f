"""The admin API: who may, what is refused, what it shows."""
import json
import signal
import socket
import subprocess
import time

from harness import PATIENCE, SANITIZER, case, main, need, tool
from peers import Nginx, Node
from penstock import TOKEN, Penstock, address, cli
from plans import quick
from wire import Wire

need("nginx", "node")

WEIGHT = "/v1/routes/web/weight"


def one(t, **more):
    return Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, **more)


def problem(t, answer, status, what):
    """An answer in the form of RFC 9457."""
    t.equal(answer.status, status, f"{what}: {answer.text}")
    t.equal(answer.headers["Content-Type"].split(";")[0], "application/problem+json", f"{what}: content type")
    body = answer.json()
    t.equal(body["status"], status, f"{what}: status in the body")
    for key in ("type", "title", "detail"):
        t.check(isinstance(body.get(key), str) and body[key], f"{what}: {key} in {body}")
    return body


@case("writes need the token, reads do not")
def _(t):
    p = one(t, weight=5)
    for token in (None, "wrong", TOKEN[:-1], TOKEN + "x", ""):
        answer = p.admin.ask("PUT", WEIGHT, {"canary": 50}, token=token)
        problem(t, answer, 401, f"token {token!r}")
        t.contains(answer.headers["WWW-Authenticate"] or "", "Bearer", "WWW-Authenticate")
    for scheme in ("Basic " + TOKEN, TOKEN, "Bearer"):
        problem(t, p.admin.ask("PUT", WEIGHT, {"canary": 50}, token=None, headers={"Authorization": scheme}), 401, scheme)
    t.equal(p.admin.get(WEIGHT, token=None).json()["canary"], 5, "the weight, read without a token")
    p.admin.weight(6)
    p.admin.must("PUT", WEIGHT, {"canary": 7}, token=None, headers={"Authorization": "bearer " + TOKEN})
    t.equal(p.admin.get(WEIGHT, token=None).json()["canary"], 7, "the weight, set with the token")


@case("without a configured token every write is refused")
def _(t):
    p = one(t, weight=5, admin={"tokenFile": None})
    answer = p.admin.ask("PUT", WEIGHT, {"canary": 50})
    t.check(answer.status in (401, 403), f"{answer.status} {answer.text}")
    t.contains(answer.text, "tokenFile", "what to do about it")
    t.equal(p.admin.get(WEIGHT).json()["canary"], 5, "the weight")


@case("the Host has to be one of ours")
def _(t):
    p = one(t, admin={"hosts": ["penstock.internal"]})
    port = address(p.admin.place)[1]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost", "penstock.internal", f"penstock.internal:{port}",
                 f"[::1]:{port}", "PENSTOCK.internal"):
        t.equal(p.admin.get("/v1/status", headers={"Host": host}).status, 200, f"Host: {host}")
    for host in ("evil.example.com", f"evil.example.com:{port}", "127.0.0.1.evil.example.com", "penstock.internal.evil"):
        for path in ("/v1/status", "/metrics", "/"):
            answer = p.admin.get(path, headers={"Host": host})
            t.check(answer.status in (403, 421), f"Host: {host} {path}: {answer.status}")


@case("a page of another site can do nothing")
def _(t):
    p = one(t, weight=5)
    port = address(p.admin.place)[1]
    for headers in ({"Origin": "http://evil.example.com"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                    {"Origin": f"http://evil.example.com:{port}"}, {"Origin": f"https://127.0.0.1.evil:{port}"}):
        answer = p.admin.ask("PUT", WEIGHT, {"canary": 50}, headers=headers)
        problem(t, answer, 403, str(headers))
        t.equal(answer.headers["Access-Control-Allow-Origin"], None, "no CORS")
    t.equal(p.admin.ask("PUT", WEIGHT, {"canary": 6}, headers={"Origin": f"http://127.0.0.1:{port}"}).status, 200,
            "our own page")
    t.equal(p.admin.get(WEIGHT).json()["canary"], 6, "the weight")


@case("only JSON is taken, and only as much as is sane")
def _(t):
    p = one(t, weight=5)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = p.admin.ask("PUT", WEIGHT, data=b'{"canary": 50}', headers={"Content-Type": kind} if kind else {})
        problem(t, answer, 415, f"content type {kind!r}")
    t.equal(p.admin.ask("PUT", WEIGHT, data=b'{"canary": 6}',
                        headers={"Content-Type": "application/json; charset=utf-8"}).status, 200, "with a charset")
    for data in (b"", b"{", b"[]", b"5", b'{"canary": 5} x', b'{"canary": 5, "canary": 6}', b'{"canari": 5}',
                 b'{"canary": 5, "lokc": true}', b"\xff\xfe", b'{"canary": ' + b"[" * 5000 + b"]" * 5000 + b"}"):
        body = problem(t, p.admin.ask("PUT", WEIGHT, data=data, headers={"Content-Type": "application/json"}), 400,
                       f"body {data[:30]!r}")
        t.check(len(body["detail"]) > 5, "the detail says something")
    problem(t, p.admin.ask("PUT", WEIGHT, data=b'{"canary": 50, "x": "' + b"y" * 3_000_000 + b'"}',
                           headers={"Content-Type": "application/json"}), 413, "a body of 3 MB")
    t.equal(p.admin.get(WEIGHT).json()["canary"], 6, "the weight")


@case("unknown paths are 404, wrong methods 405 with Allow, and GET changes nothing")
def _(t):
    p = one(t, weight=5)
    for path in ("/v1", "/v1/", "/v1/none", "/v2/status", "/v1/routes", "/v1/routes/none/weight", "/v1/statusx",
                 "/v1/routes/web/weight/x", "/../etc/passwd", "/%2e%2e/", "//v1/status"):
        problem(t, p.admin.get(path), 404, path)
    for method, path, allowed in [("POST", WEIGHT, "PUT"), ("DELETE", "/v1/status", "GET"), ("PUT", "/v1/decisions", "GET"),
                                  ("POST", "/metrics", "GET"), ("GET", "/v1/routes/web/rollout/abort", "POST"),
                                  ("GET", "/v1/config/reload", "POST")]:
        answer = p.admin.ask(method, path, {"canary": 50})
        problem(t, answer, 405, f"{method} {path}")
        t.contains(answer.headers["Allow"] or "", allowed, "Allow")
    t.equal(p.admin.get(WEIGHT).json()["canary"], 5, "the weight")


@case("names in paths are decoded once")
def _(t):
    groups = {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}
    p = Penstock(t, groups, route={"name": "web.v-2"})
    t.equal(p.admin.get("/v1/routes/web%2Ev-2/weight").status, 200, "an escaped letter")
    problem(t, p.admin.get("/v1/routes/web%252Ev-2/weight"), 404, "escaped twice")
    for path in ("/v1/routes/web%00/weight", "/v1/routes/%zz/weight", "/v1/routes//weight"):
        t.check(p.admin.get(path).status in (400, 404), path)


@case("status tells routes, groups, weights and what is being done")
def _(t):
    p = one(t, weight=12.5)
    status = p.admin.status()
    route = {r["name"]: r for r in status["routes"]}["web"]
    t.equal((route["weight"], route["stable"]["platform"], route["canary"]["platform"]), (12.5, "ec2", "fargate"),
            f"the route: {route}")
    t.equal(route["rollout"], None, "no rollout yet")
    p.admin.start(quick((20, "1h"), (100, "1s")))
    route = t.wait(lambda: [r for r in p.admin.status()["routes"] if r["rollout"]], "the rollout is shown")[0]
    t.equal(route["rollout"]["plan"], "quick", f"the rollout: {route['rollout']}")


@case("/metrics is valid Prometheus text and counts what happened")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2"), Node(t, "ec2", errorRate=1)], "fargate": [Nginx(t, "fargate")]}, weight=30)
    with Wire(p.address) as wire:
        for n in range(300):
            wire.ask()
    answer = p.admin.get("/metrics", token=None)
    t.equal(answer.headers["Content-Type"].split(";")[0], "text/plain", "content type")
    t.contains(answer.headers["Content-Type"], "version=0.0.4", "content type")
    t.wait(lambda: sum(p.metrics().requests().values()) == 300, "300 requests counted")
    metrics = p.metrics()
    t.equal({name for name in metrics.types if name not in metrics.helps}, set(), "families without HELP")
    t.equal({name for name, kind in metrics.types.items() if kind == "counter" and not name.endswith("_total")}, set(),
            "counters whose name does not end in _total")
    t.check(all(name.startswith("penstock_") or name.startswith("process_") for name in metrics.types), "the prefix")
    t.equal(metrics.sum("penstock_request_duration_seconds_count"), 300, "durations")
    t.equal(metrics.sum("penstock_route_weight_ratio", route="web"), 0.3, "the weight")
    if tool("promtool"):
        done = subprocess.run([tool("promtool"), "check", "metrics"], input=metrics.text, capture_output=True, text=True)
        t.equal((done.returncode, done.stdout + done.stderr), (0, ""), "promtool check metrics")
    else:
        t.note("promtool is not installed: the page was parsed by the test alone")


@case("counters never fall while they are scraped under load")
def _(t):
    p = one(t, weight=50)
    with Wire(p.address) as wire:
        last = {}
        for n in range(100):
            wire.ask()
            now = p.metrics().samples.get("penstock_requests_total", {})
            t.check(all(now.get(k, 0) >= v for k, v in last.items()), f"{last} -> {now}")
            last = now


@case("/healthz and /readyz, and readiness fails first at the end")
def _(t):
    target = Node(t, "ec2", delayMs=3000 * PATIENCE)
    p = Penstock(t, {"ec2": [target]})
    for path in ("/healthz", "/readyz"):
        t.equal(p.admin.get(path, token=None).status, 200, path)
    wire = Wire(p.address)
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    t.wait(lambda: target.counts()["open"] == 1, "a request is under way")
    p.signal(signal.SIGTERM)
    t.wait(lambda: p.admin.get("/readyz").status == 503, "not ready any more")
    t.equal(p.admin.get("/healthz").status, 200, "still alive")
    t.equal(wire.answer().status, 200, "the request under way ends well")
    t.equal(p.wait(20), 0, "the exit status")


@case("decisions are listed, newest last, by route, and continue after an id")
def _(t):
    p = one(t)
    p.admin.start(quick((5, "1h"), (100, "1s")))
    p.admin.order("abort")
    found = t.wait(lambda: [d for d in p.admin.decisions()["decisions"] if d["action"] == "rollback"], "the rollback")
    t.equal((found[0]["reason"], found[0]["route"]), ("abort", "web"), "the decision")
    ids = [d["id"] for d in p.admin.decisions()["decisions"]]
    t.equal(ids, sorted(ids), "ids rise")
    later = p.admin.must("GET", f"/v1/decisions?after={ids[0]}")["decisions"]
    t.equal([d["id"] for d in later], ids[1:], "after the first")
    t.equal(p.admin.must("GET", "/v1/decisions?limit=1")["decisions"][0]["id"], ids[-1], "the newest one")
    t.equal(p.admin.must("GET", "/v1/decisions?route=none")["decisions"], [], "of another route")
    for query in ("limit=x", "after=-", "limit=0"):
        problem(t, p.admin.get(f"/v1/decisions?{query}"), 400, query)


@case("a decision goes to every listener of the stream")
def _(t):
    p = one(t)
    streams = [Stream(t, p) for n in range(3)]
    p.admin.start(quick((5, "1h"), (100, "1s")))
    p.admin.order("abort")
    for stream in streams:
        stream.until(lambda name, data: name == "decision" and data["action"] == "rollback", "the rollback")
        stream.until(lambda name, data: name == "status", "a status")
        stream.close()
    t.equal(p.admin.get("/healthz").status, 200, "it lives")


class Stream:
    """A client of /v1/stream."""

    def __init__(self, t, p, query="", fields=""):
        self.t = t
        self.wire = Wire(address(p.admin.place), 15)
        self.wire.send(f"GET /v1/stream{query} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
        head = self.wire.head()
        t.equal((head.status, head.get("content-type").split(";")[0]), (200, "text/event-stream"), "the stream's head")
        self.chunked = head.get("transfer-encoding") == "chunked"
        self.text = b""

    def event(self):
        """(name, data) of the next event; comments are skipped."""
        while True:
            while b"\n\n" not in self.text:
                self.text += self._more()
            block, self.text = self.text.split(b"\n\n", 1)
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
            if "data" in fields:
                return fields.get("event", "message"), json.loads(fields["data"])

    def _more(self):
        if not self.chunked:
            return self.wire.until(b"\n")
        size = int(self.wire.until(b"\r\n"), 16)
        return self.wire.exactly(size + 2)[:-2]

    def until(self, wanted, what):
        end = time.monotonic() + 15 * PATIENCE
        while time.monotonic() < end:
            event = self.event()
            if wanted(*event):
                return event
        self.t.check(False, f"the stream never told: {what}")

    def close(self):
        self.wire.close()


@case("a listener hears what it wants of the route that it wants, and goes on where it was cut off")
def _(t):
    p = one(t, routes=[{"name": name, "match": {"pathPrefix": prefix}, "stable": "ec2", "canary": "fargate", "weight": 5}
                       for name, prefix in (("web", "/"), ("api", "/api"))])
    pages = Stream(t, p, "?events=overview,status&route=api")
    for wanted in ("overview", "status"):
        _, data = pages.until(lambda name, data: name == wanted, wanted)
        names = [route["name"] for route in data["routes"]]
        t.equal(sorted(names), ["api", "web"] if wanted == "overview" else ["api"], f"the routes of an {wanted}")
    pages.close()
    listener = Stream(t, p, "?events=decision&route=api")
    p.admin.start(quick((5, "1h"), (100, "1s")), route="web")
    p.admin.start(quick((5, "1h"), (100, "1s")), route="api")
    _, first = listener.until(lambda name, data: True, "a decision")
    t.equal((first["route"], first["reason"]), ("api", "start"), "the first decision")
    listener.close()
    p.admin.order("abort", route="api")
    back = Stream(t, p, "?events=decision&route=api", f"Last-Event-ID: {first['id']}\r\n")
    _, data = back.until(lambda name, data: data["action"] == "rollback", "what was missed")
    t.check(data["id"] > first["id"] and data["route"] == "api", f"not the first again: {data}")
    back.close()
    problem(t, p.admin.get("/v1/stream?events=all"), 400, "an unknown event")
    problem(t, p.admin.get("/v1/stream?route=none"), 404, "an unknown route")


@case("a target that is drained gets no new request, and can come back")
def _(t):
    targets = [Nginx(t, "a"), Nginx(t, "b")]
    p = Penstock(t, {"ec2": targets})

    def hundred():
        before = [target.requests() for target in targets]
        with Wire(p.address) as wire:
            for n in range(100):
                t.equal(wire.ask().status, 200, "a request")
        t.wait(lambda: sum(target.requests() for target in targets) == sum(before) + 100, "all arrive")
        return [target.requests() - was for target, was in zip(targets, before)]
    t.check(min(hundred()) > 10, "both take part")
    path = f"/v1/groups/ec2/targets/{targets[0].text}/drain"
    problem(t, p.admin.ask("POST", path, {}, token=None), 401, "without the token")
    p.admin.must("POST", path, {})
    t.equal(hundred(), [0, 100], "requests while it drains")
    p.admin.must("POST", path, {"draining": False})
    t.check(min(hundred()) > 10, "both take part again")
    done = p.cli("drain", "ec2", targets[1].text, "--wait")
    t.equal(done.status, 0, done.stderr)
    t.equal(hundred(), [100, 0], "requests after penstock drain")
    problem(t, p.admin.ask("POST", "/v1/groups/ec2/targets/10.0.0.1:1/drain", {}), 404, "a target that is not there")


@case("history has the running interval too, outlives the process, and its parameters are checked")
def _(t):
    p = one(t, weight=50)
    t.equal(p.admin.must("GET", "/v1/history?route=web")["series"], [], "nothing without requests")
    with Wire(p.address) as wire:
        for n in range(40):
            t.equal(wire.ask().status, 200, "a request")

    def requests(p, step):
        history = p.admin.must("GET", f"/v1/history?route=web&step={step}")
        t.equal(history["step"], step, "the step that was asked for")
        for series in history["series"]:
            t.equal(series["platform"], series["group"], "the platform")
            t.equal(len({len(column) for column in series.values() if isinstance(column, list)}), 1, "columns")
            t.equal(series["time"], sorted(series["time"]), "times rise")
        t.equal({series["side"] for series in history["series"]} | {"stable", "canary"}, {"stable", "canary"}, "sides")
        return sum(sum(series["requests"]) for series in history["series"])
    steps = (10, 60, 600, 3600)
    for step in steps:
        t.wait(lambda: requests(p, step) == 40, f"all requests in steps of {step} s")
    t.equal(p.terminate(), 0, "its end")
    again = Penstock(t, None, config=p.config)
    for step in steps:
        t.equal(requests(again, step), 40, f"requests in steps of {step} s after a restart")
    for query in ("", "?route=none", "?route=web&from=yesterday", "?route=web&step=7"):
        problem(t, again.admin.get("/v1/history" + query), 404 if "none" in query else 400, query)


@case("a listener that does not read costs nobody anything")
def _(t):
    p = one(t)
    lazy = Stream(t, p)
    lazy.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = p.memory_kib()
    for n in range(300):
        p.admin.weight(n % 100)
    t.equal(p.admin.get("/healthz").status, 200, "it lives")
    t.check(SANITIZER or p.memory_kib() - before < 16 * 1024, "memory is bounded")


@case("the admin API works on a unix socket")
def _(t):
    place = t.path("admin.sock")
    p = one(t, admin={"address": f"unix:{place}"})
    t.equal(p.admin.place, f"unix:{place}", "the ready line")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(place)
        sock.sendall(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        t.check(sock.recv(100).startswith(b"HTTP/1.1 200 "), "an answer")
    done = p.cli("weight", "web", 10)
    t.equal(done.status, 0, done.stderr)


@case("strange bytes on the admin port harm nobody")
def _(t):
    p = one(t)
    pieces = [b"\0" * 1000, b"GET\r\n\r\n", b"\x16\x03\x01" + b"x" * 500, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000,
              b"POST /v1/config/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
              b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
              b"PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]
    for data in pieces + [t.random.randbytes(2000) for n in range(20)]:
        with Wire(address(p.admin.place)) as wire:
            try:
                wire.send(data)
                wire.sock.shutdown(socket.SHUT_WR)
                wire.rest()
            except OSError:
                pass
    t.equal(p.admin.get("/healthz").status, 200, "it lives")
    idle = [Wire(address(p.admin.place)) for n in range(50)]
    t.equal(p.admin.get("/healthz").status, 200, "it answers beside idle connections")
    for wire in idle:
        wire.close()


@case("the command line says what is wrong when nobody answers or the token is wrong")
def _(t):
    p = one(t)
    done = cli("weight", "web", "5", env={"PENSTOCK_ADMIN": p.admin.place, "PENSTOCK_TOKEN": "wrong"})
    t.equal(done.status, 1, "a wrong token")
    t.contains(done.stderr.lower(), "token", "the message")
    place = p.admin.place
    p.close()
    done = cli("status", env={"PENSTOCK_ADMIN": place, "PENSTOCK_TOKEN": TOKEN})
    t.equal(done.status, 1, "nobody there")
    t.contains(done.stderr, place, "the message")


main()
