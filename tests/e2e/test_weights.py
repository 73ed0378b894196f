"""Weights: in force at once on every worker, exact in share, the same number for everybody who counts."""
import time

from harness import PATIENCE, case, main, need, scaled
from load import H2load, h2load
from penstock import Penstock
from sides import in_share, two
from wire import Wire

need("nginx", "h2load")

FORCE_S = 0.1  # a weight has to be in force on every worker by then


@case("weight 0 gives the canary nothing, weight 100 gives stable nothing, weight 0.01 is possible")
def _(t):
    stable, canary, p = two(t, weight=0)
    total = scaled(20_000, 2_000)
    h2load(t, p.url(), total)
    t.equal((stable.arrived(total), canary.requests()), (total, 0), "requests at 0 %")
    p.admin.weight(100)
    h2load(t, p.url(), total)
    t.equal((canary.arrived(total), stable.requests()), (total, total), "requests after 100 %")
    p.admin.weight(0.01)
    h2load(t, p.url(), total)
    t.wait(lambda: stable.requests() + canary.requests() >= 3 * total, "all requests at nginx")
    in_share(t, canary.requests() - total, total, 0.01, "the canary's share at 0.01 %")
    p.admin.weight(99.99)
    before = stable.requests()
    h2load(t, p.url(), total)
    t.wait(lambda: stable.requests() + canary.requests() >= 4 * total, "all requests at nginx")
    in_share(t, stable.requests() - before, total, 0.01, "the stable group's share at 99.99 %")


@case("when a PUT of a weight has returned, no open connection of any worker goes elsewhere")
def _(t):
    stable, canary, p = two(t, workers=4, weight=0)
    wires = [Wire(p.address) for n in range(64)]
    for wire in wires:
        wire.ask()
    took = []
    for n in range(scaled(50, 10)):
        weight, expected = (100, b"fargate\n") if n % 2 == 0 else (0, b"ec2\n")
        began = time.monotonic()
        p.admin.weight(weight)
        took.append(time.monotonic() - began)
        for wire in wires:
            t.equal(wire.ask().body, expected, f"the group at {weight} %")
    took.sort()
    usual = took[len(took) // 2]  # a single one may wait for the disk or the scheduler
    t.note(f"a PUT takes {usual * 1000:.1f} ms, the slowest {took[-1] * 1000:.1f} ms")
    t.check(usual < FORCE_S * PATIENCE, f"a PUT takes {usual:.3f} s")


def under_load(t, p, stable, canary, change):
    """Changes the weight under load; nothing may reach the wrong group later than 100 ms after the change."""
    load = H2load(t, p.url(), seconds=60, rate=2000, connections=50)
    t.wait(lambda: stable.requests() > 200, "load arrives")
    wrong = []  # (group, from, until)
    for weight in (100, 0, 100, 0):
        change(weight)
        began = time.time()
        before = (canary if weight else stable).requests()
        t.wait(lambda: (canary if weight else stable).requests() > before + scaled(800, 200), f"traffic at {weight} %")
        wrong.append((stable if weight else canary, began + FORCE_S * PATIENCE, time.time()))
    load.stop()
    for target, since, until in wrong:
        late = [r["at"] for r in target.seen() if since < r["at"] < until]
        t.equal(late, [], f"requests at {target.label} after the change was in force")
    failed = {k: n for k, n in p.log.by("outcome").items() if k not in ("served", "client_gone")}
    t.equal(failed, {}, "requests that failed")


@case("a weight set by the API is in force within 100 ms under load")
def _(t):
    stable, canary, p = two(t)
    under_load(t, p, stable, canary, p.admin.weight)


@case("a weight set by the command line is in force within 100 ms under load")
def _(t):
    stable, canary, p = two(t)

    def change(weight):
        done = p.cli("weight", "web", weight)
        t.equal(done.status, 0, f"penstock weight web {weight}: {done.stderr}")
    under_load(t, p, stable, canary, change)
    done = p.cli("weight", "web", "12.5", "--json")
    t.equal(done.status, 0, done.stderr)
    t.equal(done.json()["canary"], 12.5, "what --json prints")
    t.equal(p.admin.must("GET", "/v1/routes/web/weight")["canary"], 12.5, "the weight in force")


@case("weights that make no sense are refused and change nothing")
def _(t):
    _, _, p = two(t, weight=7)
    for weight in (-1, 100.01, 0.005, "ten", None, True, 1e300):
        answer = p.admin.ask("PUT", "/v1/routes/web/weight", {"canary": weight})
        t.check(answer.status in (400, 422), f"weight {weight!r}: {answer.status} {answer.text}")
    t.equal(p.admin.ask("PUT", "/v1/routes/none/weight", {"canary": 1}).status, 404, "a route that is not there")
    for words in (["weight", "web", "101"], ["weight", "none", "1"]):
        done = p.cli(*words)
        t.equal((done.status, bool(done.stderr)), (1, True), f"penstock {' '.join(words)}")
    t.equal(p.admin.must("GET", "/v1/routes/web/weight")["canary"], 7, "the weight in force")


RISING = (0, 1, 5, 20, 50, 80, 100)


def rising(t, p, clients, ask):
    """Raises the weight; each client moves at most once and never back; the share fits the weight."""
    where = dict.fromkeys(clients, "ec2")
    for weight in RISING:
        p.admin.weight(weight)
        for client in clients:
            got = ask(client)
            t.check((where[client], got) != ("fargate", "ec2"), f"{client} went back at {weight} %")
            t.equal(ask(client), got, f"{client} stays at {weight} %")
            where[client] = got
        in_share(t, list(where.values()).count("fargate"), len(clients), weight, "clients on the canary")
    return where


@case("sticky by header: a user moves at most once as the weight rises, and the share fits")
def _(t):
    _, _, p = two(t, route={"affinity": {"header": "X-User"}})
    with Wire(p.address) as wire:
        def ask(user):
            return wire.ask(fields=[("X-User", user)]).body.decode().strip()
        users = [f"user-{n}" for n in range(scaled(1500, 300))]
        rising(t, p, users, ask)
        t.equal(set(p.log.by("assignment")), {"sticky"}, "assignments in the log")
        p.admin.weight(0)
        t.equal({ask(user) for user in users}, {"ec2"}, "everybody at 0 %")
        p.admin.weight(50)
        got = [wire.ask().body for n in range(400)]
        in_share(t, got.count(b"fargate\n"), 400, 50, "requests without the header")


@case("sticky by client address: an address moves at most once as the weight rises")
def _(t):
    _, _, p = two(t, route={"affinity": {"clientAddress": True}})
    wires = {}
    for n in range(scaled(600, 150)):
        source = f"127.0.{1 + n // 250}.{1 + n % 250}"
        wires[source] = Wire.bound(source, p.address)
    rising(t, p, list(wires), lambda source: wires[source].ask().body.decode().strip())


@case("sticky by cookie: we set it once, a client moves at most once as the weight rises")
def _(t):
    _, _, p = two(t, route={"affinity": {"cookie": "penstock", "maxAge": "1h"}})
    jars = {}

    def ask(client):
        fields = [("Cookie", f"theirs=1; {jars[client]}")] if client in jars else [("Cookie", "theirs=1")]
        answer = wire.ask(fields=fields)
        for line in answer.all("set-cookie"):
            t.check(client not in jars, f"the cookie is set once: {line}")
            pair, *attributes = [part.strip() for part in line.split(";")]
            t.equal(pair.split("=")[0], "penstock", "the cookie's name")
            t.equal({a.lower() for a in attributes} >= {"path=/", "max-age=3600", "httponly"}, True, f"attributes of {line}")
            jars[client] = pair
        return answer.body.decode().strip()
    with Wire(p.address) as wire:
        clients = [f"client-{n}" for n in range(scaled(1000, 200))]
        rising(t, p, clients, ask)
        t.equal(len(set(jars.values())), len(clients), "different cookies")
        p.admin.weight(0)
        t.equal({ask(client) for client in clients}, {"ec2"}, "everybody at 0 %")


@case("stickiness outlives a restart")
def _(t):
    stable, canary, p = two(t, route={"affinity": {"header": "X-User"}}, weight=30)
    users = [f"user-{n}" for n in range(200)]

    def groups(q):
        with Wire(q.address) as wire:
            return [wire.ask(fields=[("X-User", user)]).body for user in users]
    before = groups(p)
    p.close()
    t.equal(groups(Penstock(t, None, config=p.config)), before, "who is where")


main()
