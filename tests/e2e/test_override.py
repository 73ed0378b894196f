"""Who may choose a side: signed values, networks, and nobody else; and what does not follow from it."""
import hashlib
import hmac
import time

from harness import case, main
from peers import Raw
from penstock import Penstock, cli
from plans import quick
from records import field
from wire import Wire, compose

OLD, NEW = "old-secret-of-24-letters", "new-secret-of-24-letters"
HEADER = "X-Penstock-Override"


def sign(side="canary", secret=NEW, route="web", lasts=600):
    body = f"{side}.{int(time.time()) + lasts}.{route}"
    return body + "." + hmac.new(secret.encode(), b"penstock-override:" + body.encode(), hashlib.sha256).hexdigest()


def serve(t, overrides, weight=0, route=None, **more):
    stable, canary = Raw(t), Raw(t)
    p = Penstock(t, {"ec2": [stable], "fargate": [canary]}, weight=weight, workers=1,  # so that the log has their order
                 route=dict({"overrides": overrides}, **(route or {})), **more)
    return stable, canary, p


def ask(p, *fields):
    with Wire(p.address) as wire:
        wire.send(compose("GET", "/", "a", fields))
        return wire.answer("GET")


SIGNED = [{"header": HEADER, "secrets": [NEW, OLD]}, {"cookie": "ov", "secrets": [NEW]}]


@case("a signed value goes to the canary at weight 0; others do not, and nobody gets a cookie or the signature")
def _(t):
    stable, canary, p = serve(t, SIGNED, route={"affinity": {"cookie": "who"}})
    asked = [((HEADER, sign()), "canary", "override", "signed"), (("Cookie", "a=b; ov=" + sign()), "canary", "override", "signed"),
             ((HEADER, sign("stable")), "stable", "override", "signed"), (("X-Other", "1"), "stable", "sticky", None),
             ((HEADER, "canary"), "stable", "sticky", "malformed"), ((HEADER, sign(secret="x" * 24)), "stable", "sticky", "bad_signature"),
             ((HEADER, sign(lasts=-1)), "stable", "sticky", "expired"), ((HEADER, sign(route="api")), "stable", "sticky", "other_route"),
             ((HEADER, sign(route="*", secret=OLD)), "canary", "override", "signed")]
    cookies = [bool(ask(p, ("Cookie", "c=d"), pair).all("set-cookie")) for pair, *_ in asked]
    t.equal(cookies, [assignment == "sticky" for _, _, assignment, _ in asked], "who gets an affinity cookie")
    p.log.wait(len(asked))
    t.equal([(line["side"], line["assignment"], field(line, "penstock.override")) for line in p.log.records()],
            [tuple(want) for _, *want in asked], "the log")
    t.equal((len(stable.requests), len(canary.requests)), (6, 3), "what the groups got")
    t.equal({r.get(HEADER.lower()) for r in stable.requests + canary.requests}, {None}, "the header goes no further")
    t.equal(canary.requests[1].all("cookie"), ["c=d", "a=b"], "nor does the cookie, and others do")
    said = p.log.raw()
    t.check(not any(pair[1].rsplit(".", 1)[-1].encode() in (said if isinstance(said, bytes) else said.encode())
                    for pair, *_ in asked if len(pair[1]) > 64), "no signature is in the log")
    metrics = p.metrics()
    t.equal(metrics.sum("penstock_overrides_total", route="web", result="signed"), 4, "signed ones")
    t.equal(metrics.sum("penstock_overrides_total", route="web", result="expired"), 1, "expired ones")
    t.equal(metrics.sum("penstock_overridden_requests_total", side="canary"), 3, "on the canary's side")
    t.equal(metrics.sum("penstock_requests_total", side="canary"), 3, "they count with their group")
    def seen():
        route = p.admin.status()["routes"][0]
        return route if route["canary"]["minute"]["requests"] == 3 else None
    route = t.wait(seen, "the status has seen them")
    t.equal((route["share"], route["canary"]["minute"]["overridden"], route["stable"]["minute"]["overridden"]), (0, 3, 1), "the share is of what was drawn")


@case("networks: the client is the one that trusted proxies name, and a silent proxy is nobody")
def _(t):
    stable, canary, p = serve(t, [{"header": "X-Tester", "value": "yes", "networks": ["192.0.2.0/24"], "to": "canary"},
                                  {"networks": ["198.51.100.7", "127.0.0.0/8"], "to": "canary"}],
                              forwarded={"trusted": ["127.0.0.1", "192.0.2.1"]})
    yes = ("X-Tester", "yes")
    asked = [([yes, ("X-Forwarded-For", "192.0.2.9")], "canary", "value"), ([yes, ("X-Forwarded-For", "203.0.113.9")], "stable", "other_network"),
             ([yes, ("X-Forwarded-For", "192.0.2.9, 203.0.113.9")], "stable", "other_network"), ([yes], "stable", "other_network"),
             ([yes, ("X-Forwarded-For", "192.0.2.9, _hidden, 192.0.2.1")], "stable", "other_network"),  # a proxy that does not say for whom
             ([("X-Forwarded-For", "192.0.2.9")], "stable", None), ([("X-Forwarded-For", "198.51.100.7")], "canary", "network")]
    for fields, *_ in asked:
        ask(p, *fields)
    p.log.wait(len(asked))
    t.equal([(line["side"], field(line, "penstock.override")) for line in p.log.records()], [tuple(w) for _, *w in asked], "the log")
    t.equal(canary.requests[0].get("x-tester"), "yes", "a plain value is no secret")


@case("a reload brings a new secret, and takes the old one away")
def _(t):
    stable, canary, p = serve(t, [{"header": HEADER, "secrets": [OLD]}])

    def side(value):
        before = len(canary.requests)
        ask(p, (HEADER, value))
        return "canary" if len(canary.requests) > before else "stable"

    def reload(*secrets):
        route = dict(p.config["routes"][0], overrides=[{"header": HEADER, "secrets": list(secrets)}])
        p.write_config(dict(p.config, routes=[route]))
        p.admin.must("POST", "/v1/config/reload", {})
    by_command = cli("override", "sign", "-c", p.config_path, "--expires", "1m").stdout.splitlines()[0]
    t.equal(side(by_command), "canary", "what the command makes")
    t.equal(cli("override", "verify", "-c", p.config_path, by_command).status, 0, "and finds good")
    values = sign(secret=OLD), sign(secret=NEW)
    t.equal([side(v) for v in values], ["canary", "stable"], "before")
    reload(NEW, OLD)
    t.equal([side(v) for v in values], ["canary", "canary"], "both")
    reload(NEW)
    t.equal([side(v) for v in values], ["stable", "canary"], "the new one alone")


@case("a canary that takes no work sends testers to stable, and no shield hides its failures")
def _(t):
    stable, canary, p = serve(t, SIGNED, route={"retries": {"shield": True}})
    canary.close()
    t.equal(ask(p, (HEADER, sign())).status, 502, "the tester sees what the canary does")
    p.admin.weight(0, lock=True)
    for target in p.config["targetGroups"]["fargate"]["targets"]:
        t.equal(p.cli("drain", "fargate", target).status, 0, "drain")
    t.wait(lambda: ask(p, (HEADER, sign())).status == 200, "the canary drains")
    line = t.wait(lambda: next((r for r in p.log.records() if r["http"]["status_code"] == 200), None), "its line")
    t.equal((line["side"], line["assignment"], field(line, "penstock.override")), ("stable", "only", "no_target"), "the log says so")


@case("no judge sees what testers do")
def _(t):
    def fails(wire):
        while True:
            wire.request()
            wire.send("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
    p = Penstock(t, {"ec2": [Raw(t)], "fargate": [Raw(t, fails)]}, route={"overrides": SIGNED})
    p.admin.start(quick((0.01, "1h")))
    with Wire(p.address) as wire:
        fields = [(HEADER, sign())]
        for _ in range(100):
            t.equal(wire.ask(fields=fields).status, 500, "the canary's answer")
        for _ in range(5):
            wire.ask()

    def counts():
        return {side: n["requests"] for side, n in p.admin.rollout()["metrics"][0]["counts"].items()}
    t.wait(lambda: sum(counts().values()) >= 5, "the judge has what was drawn")
    t.equal(sum(counts().values()), 5, "and nothing else")
    t.equal(p.admin.rollout()["state"], "running", "the rollout goes on")


@case("the plan of a rollout sends testers with a header to the canary from its step on, unjudged, and no longer after it")
def _(t):
    stable, canary, p = serve(t, None)
    testers = ("X-Canary", "always")
    ask(p, testers)
    p.admin.start(quick({"setHeaderRoute": {"header": "x-canary", "exact": "always", "to": "canary", "networks": ["127.0.0.0/8"]}},
                        {"pause": {}}, (0.01, "1h")))
    t.wait(lambda: ask(p, testers).status == 200 and len(canary.requests) > 0, "the step is in force")
    seen = len(canary.requests)
    for fields in ([testers], [("X-Canary", "never")], [], [testers, testers]):
        ask(p, *fields)
    t.equal(len(canary.requests), seen + 1, "requests at the canary")
    p.admin.order("abort")
    t.wait(lambda: p.admin.rollout()["state"] == "rolledBack", "it has ended")
    ask(p, testers)
    t.equal(len(canary.requests), seen + 1, "requests at the canary after it")
    t.wait(lambda: p.log.count() == len(stable.requests) + len(canary.requests), "the log is complete")
    t.equal({(r["platform"], r["assignment"], field(r, "penstock.override")) for r in p.log.records()},
            {("ec2", "random", None), ("fargate", "override", "plan")}, "the log")


@case("a plan may bring affinity for its rollout: clients stay where they are, and get no cookie before and after")
def _(t):
    stable, canary, p = serve(t, None)
    t.equal(ask(p).all("set-cookie"), [], "before")
    p.admin.start(quick((50, "1h"), {"setWeight": 100}, sessionAffinity={"cookie": "sticky", "maxAge": "10m"}))
    first = t.wait(lambda: next(iter(ask(p).all("set-cookie")), None), "the rollout has begun")
    t.contains(first, "Max-Age=600", "the cookie")
    with Wire(p.address) as wire:
        for who in [first.split(";")[0]] + [f"sticky={n}" for n in range(8)]:
            before = len(canary.requests)
            answers = [wire.ask(fields=[("Cookie", who)]) for _ in range(6)]
            t.check(len(canary.requests) - before in (0, 6), f"{who} stays on its side")
            t.equal([a.all("set-cookie") for a in answers], [[]] * 6, "it has its cookie")
    p.admin.order("abort")
    t.wait(lambda: not ask(p).all("set-cookie"), "after it")


@case("clients that stuck to the canary are back on stable with the next request at weight 0")
def _(t):
    stable, canary, p = serve(t, [], weight=100, route={"affinity": {"cookie": "who"}, "overrides": None})
    with Wire(p.address) as wire:
        cookie = wire.ask().get("set-cookie").split(";")[0]
        p.admin.weight(50)
        for who in [cookie] + [f"who={n}" for n in range(20)]:
            wire.ask(fields=[("Cookie", who)])
        before = len(canary.requests)
        t.check(before > 2, "some stick to the canary")
        p.admin.weight(0)
        answers = [wire.ask(fields=[("Cookie", who)]) for who in [cookie] + [f"who={n}" for n in range(20)]]
    t.equal((len(canary.requests), {a.status for a in answers}), (before, {200}), "all are served by stable")
    t.equal([a.all("set-cookie") for a in answers], [[]] * 21, "and keep their cookies")


main()
