"""The page in a real browser (`make check-browser`): Chromium goes through a rollout with a rollback, by keyboard and mouse,
and takes screenshots for people to look at, in $PENSTOCK_SHOTS (a folder, else the case's own)."""
import contextlib
import http.server
import json
import os
import threading
import urllib.parse

from browser import HOSTILE, Browser, clean, fits, shots
from harness import Failure, case, main, need
from load import H2load
from penstock import TOKEN, Penstock, configuration
from peers import Nginx, Node
from plans import quick
from rollouts import decisions

need("chromium", "chromedriver", "node", "nginx", "h2load")

RATE = 300


def confirm(t, browser, button, token=None):
    """Presses a button of the route, and the same word in the dialog; with the token when it is asked for."""
    browser.button(button, within="actions")
    t.wait(lambda: browser.run("return document.getElementById('dialog').open"), "the dialog")
    if token:
        browser.type("#token-input", token)
    browser.button(button, within="form")
    t.wait(lambda: not browser.run("return document.getElementById('dialog').open") or browser.text("#dialog-trouble"), "an answer")


def shows(t, browser, selector, words, timeout=60):
    t.wait(lambda: words in (browser.text(selector) or ""), f"{words!r} in {selector}", timeout)


def names(browser, selector):
    return browser.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)", selector)


def buttons(browser):
    return names(browser, "#actions button")


def opened(t):
    """A penstock under load, its canary, and the page open."""
    canary = Node(t, "fargate")
    p = Penstock(t, {"ec2": [Node(t, "ec2")], "fargate": [canary]})
    H2load(t, p.url(), 300, RATE, connections=20)
    browser = Browser(t)
    browser.open(f"http://{p.admin.place}/")
    shows(t, browser, "#name", "web")
    shows(t, browser, "#live", "live")
    return canary, p, browser


@case("a rollout goes forward by the page's buttons, and the token is asked once")
def _(t):
    _, p, browser = opened(t)
    shows(t, browser, "#state", "by hand")
    shows(t, browser, "#waits", "penstock rollout start web PLAN")

    steer = {"setHeaderRoute": {"header": "x-canary", "exact": "always", "to": "canary", "networks": ["127.0.0.0/8"]}}
    p.admin.must("POST", "/v1/routes/web/rollout", quick({"setWeight": 20, "minDwell": "1s", "pause": {}}, (50, "1h"), steer, (100, "1s")),
                 headers={"Penstock-Actor": HOSTILE})
    shows(t, browser, "#state", "waits for approval")
    shows(t, browser, "#plan-title", "quick")
    shows(t, browser, "#waits", "a person to approve")
    shows(t, browser, "#evidence", "errors")
    t.equal(names(browser, "#track .step-name"), ["20 %", "50 %", "by x-canary", "100 %"], "the steps")
    shows(t, browser, "#decisions", HOSTILE[:20])
    shows(t, browser, "#sentence", "20 %")
    shows(t, browser, "#decisions", "0 % → 20 %")

    confirm(t, browser, "Approve", "not the token")
    t.contains(browser.text("#dialog-trouble"), "token", "a wrong token is refused")
    browser.press("escape")
    t.wait(lambda: not browser.run("return document.getElementById('dialog').open"), "escape closes the dialog")
    confirm(t, browser, "Approve", TOKEN)
    shows(t, browser, "#sentence", "50 %")
    t.equal(browser.run("return [sessionStorage.length, localStorage.length, document.cookie]"), [1, 0, ""], "what is kept")
    shows(t, browser, "#track [aria-current=step]", "50 %")
    t.wait(lambda: browser.run("return document.querySelectorAll('#charts .chart:not(.empty)').length") == 7, "seven charts with lines")
    confirm(t, browser, "Pause")
    shows(t, browser, "#state", "paused")
    t.equal(buttons(browser), ["Resume", "Promote", "Abort", "Set weight"], "what may be ordered while it is paused")
    browser.button("Promote", within="actions")
    t.check(browser.run("return document.getElementById('field-full').required"), "in full only")
    t.contains(browser.text("#dialog-fields"), "without evidence", "what it means")
    browser.press("escape")
    confirm(t, browser, "Resume")
    shows(t, browser, "#state", "running")
    p.admin.weight(30)
    shows(t, browser, "#actions", "Resume")
    t.equal(buttons(browser), ["Pause", "Resume", "Promote", "Abort", "Set weight"], "what may be ordered after a weight by hand")
    confirm(t, browser, "Resume")
    t.wait(lambda: not p.admin.rollout()["manual"], "it goes on by the plan")
    t.wait(lambda: "Resume" not in buttons(browser), "nothing to resume any more")
    clean(t, browser)


@case("a canary that is worse and held may be judged afresh by the page's button")
def _(t):
    canary, p, browser = opened(t)
    canary.set(errorRate=1)
    p.admin.start(quick((50, "1h"), (100, "1s"), onRegression="hold"))
    shows(t, browser, "#waits", "worse than stable", 40)
    t.equal(buttons(browser), ["Pause", "Promote", "Retry", "Abort", "Set weight"], "what may be ordered")
    canary.set(errorRate=0)
    confirm(t, browser, "Retry", TOKEN)
    t.wait(lambda: "Retry" not in buttons(browser), "nothing to retry any more")
    clean(t, browser)


@case("a rollback is seen with its reason, and the weight is set by hand afterwards")
def _(t):
    canary, p, browser = opened(t)
    p.admin.start(quick((50, "1h"), (100, "1s")))
    shows(t, browser, "#sentence", "50 %")
    shots(t, browser, "running")
    canary.set(errorRate=1)
    shows(t, browser, "#state", "rolled back", 40)
    shows(t, browser, "#sentence", "0 %")
    shows(t, browser, "#decisions", "50 % → 0 %")
    t.contains(browser.text("#said"), "rollback", "what a screen reader is told")
    t.check(browser.run("return document.querySelector('#track .failed') !== null"), "the step that it went back from")
    shots(t, browser, "rolled-back")
    record = [d for d in decisions(p) if d["action"] == "rollback"][-1]
    t.contains(browser.text("#decisions"), record["text"], "the reason")

    canary.set(errorRate=0)
    browser.run("document.getElementById('moves').click()")
    t.wait(lambda: "hold" not in browser.text("#decisions"), "moves only")
    browser.button("Set weight", within="actions")
    browser.run("document.getElementById('field-canary').value = '12.5'")
    browser.type("#token-input", TOKEN)
    browser.button("Set weight", within="form")
    shows(t, browser, "#sentence", "12.5 %")
    t.equal(p.admin.must("GET", "/v1/routes/web/weight")["canary"], 12.5, "the weight that was set")
    for seconds in ("1 h", "7 d"):
        browser.button(seconds, within="ranges")
        t.wait(lambda: browser.run("return document.querySelectorAll('#charts .chart:not(.empty)').length") == 7, f"charts of {seconds}")
    browser.run("document.querySelector('.chart').focus()")
    browser.press("left", "left")
    t.wait(lambda: ":" in browser.text(".chart-value .dim"), "the cursor by keyboard")
    clean(t, browser)


@case("500 routes and 600 targets are found by typing, and the page comes back when penstock does")
def _(t):
    ec2, fargate = Nginx(t, "ec2"), Nginx(t, "fargate")
    config = configuration(t, {"ec2": [ec2], "fargate": [fargate]})
    config["targetGroups"]["big"] = {"platform": "fargate", "targets": [f"127.1.{i // 200}.{1 + i % 200}:3000" for i in range(600)]}
    config["routes"] = [{"name": f"service-{i:03d}", "match": {"pathPrefix": f"/{i}"}, "stable": "ec2",
                         "canary": "big" if i == 42 else "fargate", "weight": i % 100} for i in range(500)]
    p = Penstock(t, None, config=config)
    browser = Browser(t)
    browser.open(f"http://{p.admin.place}/#service-042")
    t.wait(lambda: browser.run("return document.querySelectorAll('#routes li').length") == 500, "500 routes")
    shows(t, browser, "#name", "service-042")
    shows(t, browser, "#targets", "600 open")
    browser.type("#find-target", "127.1.2.200")
    t.wait(lambda: browser.run("return document.querySelectorAll('#targets tbody tr').length") == 1, "one target")
    browser.run("document.activeElement.blur()")
    browser.press("/")
    browser.type("#find", "service-49")
    shows(t, browser, "#found", "10 of 500")
    browser.press("enter")
    shows(t, browser, "#name", "service-490")
    shots(t, browser, "many")
    clean(t, browser)
    config["admin"]["address"] = p.admin.place
    p.terminate()
    shows(t, browser, "#live", "reconnecting")
    Penstock(t, None, config=config)
    shows(t, browser, "#live", "live", 30)
    t.check("lost" not in (browser.text("#trouble") or ""), "the trouble is over")


def hostile(value, key=None):
    """The same JSON with markup in the place of every text that is not a time."""
    if isinstance(value, dict):
        return {name: hostile(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner, key) for inner in value]
    return HOSTILE if isinstance(value, str) and key not in ("time", "started", "since") else value


class Between(http.server.BaseHTTPRequestHandler):
    """Serves the page as it is, and the API after a change; the stream tells all once and is silent from then on."""

    def change(self, value):
        return value

    def may_read(self):
        return True

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith("/v1/") and not self.may_read():
            self.send_response(401)
            self.send_header("Content-Type", "application/problem+json")
            self.end_headers()
            self.wfile.write(b'{"detail": "this token is not the one"}')
            return
        if path == "/v1/stream":
            self.stream()
            return
        answer = self.server.real.get(self.path.replace(urllib.parse.quote(HOSTILE, safe=""), "web"))
        data = answer.text
        if path.startswith("/v1/"):
            data = json.dumps(self.change(json.loads(data)))
        self.send_response(answer.status)
        for name in ("Content-Type", "Content-Security-Policy"):
            self.send_header(name, answer.headers[name])
        self.end_headers()
        self.wfile.write(data.encode())

    def stream(self):
        real = self.server.real
        status = real.get("/v1/status").json()
        events = [("overview", {"time": status["time"], "routes": [self.short(r) for r in status["routes"]]}), ("status", status)]
        events += [("decision", d) for d in real.get("/v1/decisions").json()["decisions"]]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for name, data in events + events:
            self.wfile.write(f"event: {name}\ndata: {json.dumps(self.change(data))}\n\n".encode())
        self.server.streams += 1
        self.server.over.wait(60)

    @staticmethod
    def short(route):
        return {"name": route["name"], "host": "x", "pathPrefix": "/", "weight": 5, "share": 5, "problem": "x",
                "stable": {"platform": "x"}, "canary": {"platform": "x"}, "rollout": {"state": "x", "hold": "x"}}

    def log_message(self, *words):
        pass


class Liar(Between):
    """Markup wherever the API has text."""

    def change(self, value):
        return hostile(value)


class Far(Between):
    """As another machine sees the API: reading needs the token."""

    def may_read(self):
        return self.headers["Authorization"] == "Bearer " + TOKEN


@contextlib.contextmanager
def between(handler, p):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.real, server.over, server.streams, server.daemon_threads = p.admin, threading.Event(), 0, True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()


@case("a token that is no longer the right one is asked for again, and a stream that has gone silent is opened anew")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]})
    with between(Far, p) as far:
        url = f"http://127.0.0.1:{far.server_address[1]}/"
        browser = Browser(t)
        browser.open(url + "page/icon.svg")
        browser.run("sessionStorage.setItem('penstock.token', 'the one of last week')")
        browser.open(url)
        t.wait(lambda: browser.run("return document.getElementById('dialog').open"), "the dialog")
        t.contains(browser.text("#dialog"), "not the one", "why it asks")
        browser.type("#token-input", TOKEN)
        browser.button("Go on", within="form")
        shows(t, browser, "#name", "web")
        t.wait(lambda: far.streams == 2, "the stream of all routes, and that of the one")
        t.wait(lambda: far.streams > 2, "another stream", 40)
        shows(t, browser, "#live", "live")
        clean(t, browser)


@case("whatever texts the API gives, they are shown as texts")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]})
    p.admin.start(quick((5, "1h"), (100, "1s")))
    t.wait(lambda: decisions(p), "a decision")
    with between(Liar, p) as liar:
        browser = Browser(t)
        browser.open(f"http://127.0.0.1:{liar.server_address[1]}/")
        for place in ("#name", "#health", "#sides", "#evidence", "#decisions", "#targets", "#plan-title", "#routes"):
            shows(t, browser, place, "<img src=x")
        t.equal(browser.run("return document.querySelectorAll('main img, main script').length"), 0, "elements that texts made")
        clean(t, browser)


@case("a rollout that is over has a link to the page that it has left, which draws its charts and can ask nothing")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]})
    H2load(t, p.url(), 300, RATE, connections=20)
    browser = Browser(t)
    browser.open(f"http://{p.admin.place}/")
    shows(t, browser, "#live", "live")
    p.admin.start(quick((50, "1h"), (100, "1h")))
    shows(t, browser, "#sentence", "50 %")
    p.admin.must("POST", "/v1/routes/web/rollout/abort")
    shows(t, browser, "#decisions", "report of this rollout")
    shows(t, browser, "#reports", "1 report of finished rollouts")
    links = browser.run("return [...document.querySelectorAll('#decisions a.report, #reports a.report')].map((a) => a.href)")
    t.equal(links, [f"http://{p.admin.place}/v1/reports/{p.admin.rollout()['id']}.html"] * 2, "links")
    clean(t, browser)
    browser.open(links[0])
    t.wait(lambda: browser.run("return document.querySelectorAll('.canvas canvas').length") >= 14, "seven charts are drawn")
    t.equal(browser.text("#title"), "web: quick is rolledBack", "its title")
    t.equal(browser.run("return self.origin"), "null", "a sandbox")
    t.equal(browser.run("return performance.getEntriesByType('resource').length"), 0, "what the page has asked for")
    shots(t, browser, "left")
    clean(t, browser)


main(limit=240)
