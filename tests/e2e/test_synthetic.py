"""Requests of monitors and load tests: served like any other, marked everywhere, seen by no judge."""
from collector import Collector
from frames import Frames, get
from harness import case, main
from peers import Raw
from penstock import Penstock, cli
from plans import quick
from records import field
from wire import Wire

CHECK = ("User-Agent", "Amazon-Route53-Health-Check-Service (ref 1; report http://amzn.to/1vsZADi)")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0 Safari/537.36"
TRACED = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")


def broken(t):
    """A target that fails whatever it is asked."""
    def serve(wire):
        while True:
            raw.keep(wire)
            wire.send("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
    raw = Raw(t, serve)
    return raw


def judged(p):
    """What the judge has seen of the present step: requests of both groups."""
    counts = p.admin.rollout()["metrics"][0]["counts"]
    return counts["canary"]["requests"] + counts["stable"]["requests"]


def seen(t, p, n):
    """Waits until control has seen that so many requests have ended."""
    def both():
        route = p.admin.status()["routes"][0]
        return sum(route[side]["minute"]["requests"] for side in ("stable", "canary")) >= n
    t.wait(both, f"the status has seen {n} requests")


@case("a monitor's requests are split by the weight and no judge sees them, and people's are seen as ever")
def _(t):
    stable, canary = Raw(t), broken(t)
    p = Penstock(t, {"ec2": [stable], "fargate": [canary]}, workers=1, listeners=[{"address": "127.0.0.1:0", "h2c": True}])
    p.admin.start(quick((50, "1h")))
    t.wait(lambda: p.admin.must("GET", "/v1/routes/web/weight")["canary"] == 50, "the first step")
    with Wire(p.address) as wire:
        statuses = [wire.ask(fields=[CHECK]).status for _ in range(40)]
    with Frames(p.address) as conn:
        for stream in range(1, 41, 2):
            conn.headers(stream, get("/", ("x-datadog-origin", "synthetics-browser")))
            conn.answer(stream)
    t.equal(set(statuses), {200, 500}, "both groups serve them")
    seen(t, p, 60)
    t.equal(judged(p), 0, "requests that the judge has seen")
    with Wire(p.address) as wire:
        for _ in range(8):
            wire.ask(fields=[("User-Agent", BROWSER)])
    t.wait(lambda: judged(p) == 8, "the judge sees people")
    t.equal(p.admin.rollout()["state"], "running", "the rollout")
    metrics = p.metrics()
    t.equal(metrics.sum("penstock_synthetic_requests_total", route="web"), 60, "the counter")
    t.equal(metrics.sum("penstock_requests_total", route="web"), 68, "they count among all")
    records = p.log.wait(68)
    t.equal([sum(field(r, "penstock.synthetic") == want for r in records) for want in ("test", None)], [60, 8], "the log")
    t.equal({r["assignment"] for r in records}, {"random"}, "the weight has drawn all of them")


@case("whose word counts is set for all routes and for one; the span says it in the words of OpenTelemetry")
def _(t):
    raw, collector = Raw(t), Collector(t)
    web = {"match": {"pathPrefix": "/"}, "stable": "ec2"}
    p = Penstock(t, {"ec2": [raw]}, workers=1, tracing={"trust": "everybody", "sample": 0},
                 forwarded={"trusted": ["127.0.0.1"]},
                 synthetic={"trust": "listed", "trusted": ["192.0.2.0/24"], "headers": ["X-Load-Test"]},
                 routes=[dict(web, name="web"), dict(web, name="own", match={"pathPrefix": "/own"}, synthetic={"userAgents": ["k6"]}),
                         dict(web, name="off", match={"pathPrefix": "/off"}, synthetic={"trust": "nobody"})],
                 accessLog=[{"file": {"path": t.path("access.jsonl")}}, {"otlp": {"endpoint": collector.url, "interval": "100ms"}},
                            {"file": {"path": t.path("otel.jsonl")}, "format": "otel"}])
    load, k6, inside, outside = ("X-Load-Test", "1"), ("User-Agent", "k6/0.5"), "192.0.2.7", "203.0.113.7"
    asked = [("/", inside, CHECK, "test"), ("/", outside, CHECK, None), ("/", inside, load, "test"), ("/", inside, k6, None),
             ("/own", inside, k6, "test"), ("/own", inside, CHECK, None), ("/own", inside, load, "test"), ("/own", outside, k6, None),
             ("/off", inside, CHECK, None), ("/", inside, ("User-Agent", BROWSER + " CloudWatchSynthetics/arn:aws:s"), "test")]
    with Wire(p.address) as wire:
        for path, client, sign, _ in asked:
            wire.ask(target=path, fields=[sign, ("X-Forwarded-For", client), TRACED])
    records = p.log.wait(len(asked))
    t.equal([field(r, "penstock.synthetic") for r in records], [want for *_, want in asked], "the log")
    spans = collector.wait(t, 2 * len(asked))
    marked = sorted(s.attributes.get("user_agent.synthetic.type", "") for s in spans if s.kind == "server")
    t.equal(marked, [""] * 5 + ["test"] * 5, "server spans")

    def otel():
        with open(t.path("otel.jsonl"), encoding="utf-8") as f:
            lines = f.read().splitlines()
        return lines if len(lines) == len(asked) else None
    lines = t.wait(otel, "the other log")
    t.equal(['"user_agent.synthetic.type":"test"' in line for line in lines], [want == "test" for *_, want in asked], "preset otel")

    def said(*words):
        return cli("explain", "-c", p.config_path, "-H", ": ".join(CHECK), *words, "GET", "/")
    t.equal([said("--json", *more).json()["synthetic"] for more in (["--client", inside], ["--client", outside], [])],
            [True, False, False], "explain")
    t.contains(said("--client", inside).stdout, "no judge sees it", "explain, for people")


main()
