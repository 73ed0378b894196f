"""penstock report: what a real penstock logs is read back from every preset, packed or not, and says the same."""
import glob
import gzip
import json
import os
import re
import shutil
import signal

from harness import case, main, need
from peers import Nginx, Node
from penstock import Penstock, cli
from plans import quick
from records import AccessLog
from rollouts import state
from wire import Wire

need("nginx", "node")

PRESETS = ["json", "ecs", "otel", "ltsv", "alb", "combined"]
REQUESTS = 60


def report(t, *words, status=0):
    done = cli("report", "--json", *words)
    t.equal(done.status, status, done.stderr)
    return json.loads(done.stdout)


def by_group(found):
    """(requests, errors, late) of each group, over all routes."""
    got = {}
    for route in found["routes"]:
        for series in route["series"]:
            n = got.get(series["group"], (0, 0))
            got[series["group"]] = (n[0] + series["requests"], n[1] + series["errors"])
    return got


def paged(path):
    """The data of a page."""
    with open(path, encoding="utf-8") as file:
        return json.loads(file.read().split('<script type="application/json" id="data">')[1].split("</script>")[0])


def ask(p, n, path="/"):
    with Wire(p.address) as wire:
        for _ in range(n):
            wire.ask("GET", path)


@case("a log of every preset says the same, packed, in folders and on standard input too")
def _(t):
    canary = Node(t, "fargate", errorRate=0.5)
    files = {preset: t.path(f"access.{preset}") for preset in PRESETS}
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [canary]}, weight=40,
                 accessLog=[{"file": {"path": path}, "format": preset} for preset, path in files.items()])
    ask(p, REQUESTS)
    for path in files.values():
        AccessLog(t, path).complete(REQUESTS)
    first = report(t, "--slo", "1ns", files["json"])
    route = first["routes"][0]
    stable, canary = route["series"]
    t.equal((route["name"], route["slo"]["threshold"]), ("web", 0), "the route")
    t.equal([(s["platform"], s["group"], s["side"]) for s in route["series"]],
            [("ec2", "ec2", "stable"), ("fargate", "fargate", "canary")], "the series")
    t.equal(stable["requests"] + canary["requests"], REQUESTS, "all requests")
    t.equal(stable["slow"], stable["requests"], "all are later than nothing")
    t.equal(stable["errors"], 0, "errors of stable")
    t.check(canary["errors"] > 0 and canary["p50"] > 0, f"the canary: {canary}")
    t.equal((set(route["weight"]["weight"]), set(route["weight"]["mean"])), ({40}, {40}), "the weight")
    t.equal(first["lacks"], {}, "our own lines say everything")
    want = by_group(first)
    for preset in PRESETS[1:]:
        got = report(t, files[preset])
        t.equal(by_group(got), want, preset)
        t.equal(got["lines"]["presets"], {preset: REQUESTS}, "the preset is found")
        if preset in ("alb", "combined"):
            t.check("the weight in force" in got["lacks"][preset], f"{preset}: {got['lacks']}")
            t.equal(got["routes"][0]["name"], "", "no route is made up")
    parts = t.path("parts/platform=ec2/dt=2026-11-20/hour=07")  # the layout for Athena
    os.makedirs(parts)
    with open(files["json"], "rb") as file, gzip.open(parts + "/h-1.jsonl.gz", "wb") as packed:
        shutil.copyfileobj(file, packed)
    t.equal(by_group(report(t, t.path("parts"))), want, "packed, in a folder")
    both = report(t, files["ltsv"], parts + "/h-1.jsonl.gz")
    t.equal(sum(n for n, _ in by_group(both).values()), 2 * REQUESTS, "two machines")
    t.equal(both["lines"]["files"], 2, "files")
    with open(files["ecs"], encoding="utf-8") as file:
        done = cli("report", "-", stdin=file.read())
    t.equal(done.status, 0, done.stderr)
    t.contains(done.stdout, f"{REQUESTS} read from 1 file", "standard input")


@case("who still reaches the old platform when all weight is with the new one is named")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, weight=100,
                 route={"overrides": [{"header": "X-Side", "value": "old", "to": "stable", "networks": ["127.0.0.0/8"]}]})
    ask(p, 5)
    with Wire(p.address) as wire:
        for _ in range(3):
            wire.ask("GET", "/", fields=[("X-Side", "old")])
    p.log.wait(8)
    found = report(t, p.log.path)["routes"][0]["series"]
    t.equal([s["side"] for s in found], ["stable", "canary"], "both sides")
    residual = found[0]["residual"]
    t.equal((residual["requests"], residual["assignments"]), (3, {"override": 3}), "residual traffic")
    t.equal([(c["client"], c["requests"]) for c in residual["clients"]], [("127.0.0.1", 3)], "from whom")
    t.equal(found[1]["residual"], None, "of the new platform")


@case("a rollout that is over leaves a page with its time and its decisions")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]})
    pages = t.path("state/reports/web-*.html")
    ask(p, 7)
    p.admin.start(quick((50, "1h"), (100, "1h")))
    t.wait(lambda: p.admin.status()["routes"][0]["weight"] == 50, "the first step is in force")
    ask(p, 30)
    t.equal(glob.glob(pages), [], "pages while it runs")
    p.log.complete(37)  # which is after they were counted
    p.admin.must("POST", "/v1/routes/web/rollout/abort")
    t.wait(lambda: glob.glob(pages), "the page is there")
    data = paged(glob.glob(pages)[0])
    t.equal((data["title"], data["percentilesOf"], data["step"]), ("web: quick is rolledBack", "intervals", 10), "what it is about")
    t.equal([(s["platform"], s["side"]) for s in data["routes"][0]["series"]], [("ec2", "stable"), ("fargate", "canary")], "series")
    t.equal(sum(s["requests"] for s in data["routes"][0]["series"]), 37, "requests")
    t.equal([d["to"] for d in data["decisions"] if d["from"] != d["to"]], [50, 0], "moves")
    t.equal({d["route"] for d in data["decisions"]}, {"web"}, "the route of the decisions")


@case("a rollout leaves its page too when the next one takes its place at once, or the process ends at once")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]})
    pages = t.path("state/reports/web-*.html")
    for n in range(2):
        p.admin.start(quick((50, "1h"), (100, "1h")))
        t.equal(len(glob.glob(pages)), n, "the page of the one before is there at once")
        p.admin.must("PUT", "/v1/routes/web/weight", {"lock": True})
        p.admin.must("POST", "/v1/routes/web/rollout/abort")
        p.admin.must("PUT", "/v1/routes/web/weight", {"lock": False})  # each order looks at it as a tick does
        t.equal(state(p), "rolledBack", "it is over, perhaps before a tick")
    p.signal(signal.SIGINT)
    p.signal(signal.SIGTERM)
    t.equal(p.wait(20.0), 0, "the end")
    t.equal(len(glob.glob(pages)), 2, "one of each")


@case("the page measures by the objective of the plan that has judged")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, route={"slo": {"threshold": "50ms", "objective": 0.9}})
    ask(p, 3)
    p.log.complete(3)
    p.admin.start(quick((50, "1h"), (100, "1h")))
    t.equal(p.admin.must("GET", "/v1/history?route=web")["slo"], {"threshold": 100.0, "objective": 0.99}, "of the plan")
    p.admin.must("POST", "/v1/routes/web/rollout/abort")
    t.wait(lambda: glob.glob(t.path("state/reports/web-*.html")), "the page is there")
    slo = paged(glob.glob(t.path("state/reports/web-*.html"))[0])["routes"][0]["slo"]
    t.equal((slo["threshold"], slo["objective"]), (100, 0.99), "of the plan")


@case("the pages that rollouts have left are listed and served as they were written, and nothing else is")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]})
    t.equal(p.admin.must("GET", "/v1/reports"), {"reports": [], "needsToken": False}, "before any")
    p.admin.start(quick((50, "1h"), (100, "1h")))
    p.admin.must("POST", "/v1/routes/web/rollout/abort")
    t.wait(lambda: p.admin.must("GET", "/v1/reports")["reports"], "the page is there")
    folder = t.path("state/reports")
    name, = os.listdir(folder)
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        written = file.read()
    t.equal(name, p.admin.rollout()["id"] + ".html", "its name")
    foreign = "web-20260101T000000000Z.html"
    for other in ("notes.html", "web-20260101T000000000Z.json", foreign):
        t.write("state/reports/" + other, "<script>1</script>")
    os.symlink(os.path.join(folder, name), os.path.join(folder, "web-20260102T000000000Z.html"))
    os.mkfifo(os.path.join(folder, "web-20260103T000000000Z.html"))
    os.mkdir(os.path.join(folder, "web-20260104T000000000Z.html"))
    listed = p.admin.must("GET", "/v1/reports")["reports"]
    t.equal(sorted(report["page"] for report in listed), sorted([foreign, name]), "the list")
    t.equal([report["bytes"] for report in listed if report["page"] == name], [len(written.encode())], "its size")
    answer = p.admin.get("/v1/reports/" + name, token=None)
    t.equal((answer.status, answer.headers["Content-Type"], answer.text == written), (200, "text/html; charset=utf-8", True), "the page")
    nonce = re.search("'nonce-([0-9a-f]{32})'", written)[1]
    t.equal(answer.headers["Content-Security-Policy"],
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'; sandbox allow-scripts", "its policy")
    for path in (foreign, "notes.html", "web-20260102T000000000Z.html", "web-20260103T000000000Z.html", "web-20260104T000000000Z.html",
                 "web-20260105T000000000Z.html", "../reports/" + name, "..%2freports%2f" + name, "%2e%2e", name + "/", name + "%00", "." + name):
        t.equal(p.admin.get("/v1/reports/" + path).status, 404, path)
    for headers in ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, {"Host": "evil.example.com"}):
        t.equal([p.admin.get(path, headers=headers).status for path in ("/v1/reports", "/v1/reports/" + name)], [403, 403], str(headers))
    t.equal(p.admin.ask("DELETE", "/v1/reports/" + name).status, 405, "read-only")


main()
