"""What outlives the process, and what happens when nothing can be saved."""
import os
import subprocess
import time

from harness import Skip, case, main, need, tool
from load import H2load
from penstock import Penstock
from peers import Node
from plans import quick
from rollouts import at_weight, decisions, held, reaches, state
from sides import two
from wire import get

need("nginx", "node", "h2load")

FORCE_S = 1.0  # after a decision to go back, weights are 0 by then
SAVED_S = 10  # evidence is saved this often, and with each decision


def kept(rollout):
    """What has to be the same after a crash."""
    return {key: rollout[key] for key in ("id", "plan", "state", "step", "weight", "started", "threshold")}


def evidence(rollout):
    """Per metric: canary requests of the step, and E."""
    return {m["name"]: (m["counts"]["canary"]["requests"], m["e"]) for m in rollout["metrics"]}


@case("kill -9 in the middle of a rollout: the same step, weight and evidence, and it goes on to the end")
def _(t):
    _, _, p = two(t)
    load = H2load(t, p.url(), 60, 1500, connections=10)
    p.admin.start(quick((10, "1s"), (20, "15s"), (60, "1s"), {"setWeight": 100, "bake": "2s"}))
    at_weight(t, p, 20)
    seen = []  # (when, evidence): it is saved every ten seconds

    def watched():
        seen.append((time.time(), evidence(p.admin.rollout())))
        return seen[-1][0] > seen[0][0] + SAVED_S + 2
    t.wait(watched, "evidence for a while", 20)
    before, told = p.admin.rollout(), decisions(p)
    p.kill9()
    load.stop()
    killed = time.time()
    q = Penstock(t, None, config=p.config)
    t.equal(kept(q.admin.rollout()), kept(before), "the rollout after the crash")
    t.equal(q.admin.must("GET", "/v1/routes/web/weight")["canary"], 20, "the weight in force from the first request on")
    t.equal(decisions(q)[:len(told)], told, "the decisions")
    after = evidence(q.admin.rollout())
    for name, (requests, e) in after.items():
        known = [was[name] for when, was in seen if when > killed - SAVED_S - 2] + [evidence(before)[name]]
        t.within(requests, min(r for r, _ in known), max(r for r, _ in known), f"{name}: the canary requests that are evidence")
        t.within(e, min(e for _, e in known) / 1.01, max(e for _, e in known) * 1.01, f"{name}: the evidence")
    load = H2load(t, q.url(), 60, 1500, connections=10)
    reaches(t, q, "promoted", 40)
    load.stop()
    t.equal(get(q.address).body, b"fargate\n", "who answers at the end")


@case("weights that were set by hand outlive kill -9, and win over the configuration")
def _(t):
    _, _, p = two(t, weight=10)
    p.admin.weight(100)
    p.kill9()
    q = Penstock(t, None, config=p.config)
    t.equal(q.admin.must("GET", "/v1/routes/web/weight")["canary"], 100, "the weight")
    t.equal([get(q.address).body for n in range(20)], [b"fargate\n"] * 20, "who answers")


@case("a rollout that has ended stays ended over a restart")
def _(t):
    _, _, p = two(t)
    p.admin.start(quick((5, "1h"), (100, "1s")))
    at_weight(t, p, 5)
    p.admin.order("abort")
    t.wait(lambda: state(p) == "rolledBack", "rolled back")
    p.close()
    q = Penstock(t, None, config=p.config)
    t.equal((state(q), q.admin.rollout()["weight"]), ("rolledBack", 0), "state and weight")


@case("a damaged database is put aside; the weights stay, and the trouble is told")
def _(t):
    _, _, p = two(t, weight=5)
    p.admin.start(quick((40, "1h"), (100, "1s")))
    at_weight(t, p, 40)
    p.kill9()
    t.write("state/penstock.db", b"this is no database " * 1000)
    for name in ("penstock.db-wal", "penstock.db-shm"):
        if os.path.exists(t.path("state/" + name)):
            os.unlink(t.path("state/" + name))
    q = Penstock(t, None, config=p.config)
    t.equal(q.admin.must("GET", "/v1/routes/web/weight")["canary"], 40, "the last known weight")
    status = q.admin.status()
    t.check(status["state"]["notice"], f"the status tells what was lost: {status['state']}")
    t.check(status["routes"][0]["problem"], f"the status tells that the route is held: {status['routes'][0]}")
    t.contains(q.stderr(), "penstock.db", "what the log says")
    t.check([n for n in os.listdir(t.path("state")) if n.startswith("penstock.db.")], "the damaged file is kept")
    q.admin.weight(0)
    t.equal([get(q.address).body for n in range(20)], [b"ec2\n"] * 20, "people can still act")


@case("without a state directory it serves, says that nothing is kept, and a rollout works")
def _(t):
    _, _, p = two(t, state=None)
    t.contains(p.stderr(), "state", "what the log says")
    p.admin.start(quick((40, "1h"), (100, "1s")))
    at_weight(t, p, 40)
    p.admin.order("abort")
    at_weight(t, p, 0)


@case("two instances do not share a state directory")
def _(t):
    _, _, p = two(t)
    q = Penstock(t, None, config=p.config, ready=False)
    t.equal(q.wait(), 1, "the second one's exit status")
    t.contains(q.stderr(), f"process {p.pid}", "what it says")
    q.expected = 1


@case("when the state cannot be written nothing goes forward, and a rollback still happens")
def _(t):
    folder = t.path("state")
    canary = Node(t, "fargate")
    small_disk(t, folder)
    _, _, p = two(t, stable=Node(t, "ec2"), canary=canary)
    load = H2load(t, p.url(), 120, 1500, connections=20)
    p.admin.start(quick((20, "3s"), (50, "1s"), (100, "1s")))
    at_weight(t, p, 20)
    fill(folder)
    record = held(t, p, "storage", 30)
    t.contains(record["text"], "state", "the text names the place")
    t.equal(p.admin.rollout()["weight"], 20, "the weight")
    canary.set(errorRate=0.3)
    reaches(t, p, "rolledBack")
    at_weight(t, p, 0, FORCE_S)
    load.stop()
    t.equal(get(p.address).body, b"ec2\n", "who answers")


def small_disk(t, folder):
    """A file system of 4 MiB at `folder`, for this case."""
    os.makedirs(folder)
    if os.geteuid() != 0 or tool("mount") is None:
        raise Skip("needs root to mount a small file system")
    done = subprocess.run([tool("mount"), "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True)
    if done.returncode != 0:
        raise Skip(f"cannot mount: {done.stderr.decode().strip()}")

    class Mount:
        def close(self):
            subprocess.run([tool("umount"), "-l", folder], check=True)
    t.own(Mount())


def fill(folder):
    """Takes every byte that is left."""
    with open(os.path.join(folder, "filler"), "wb", buffering=0) as f:
        for size in (65536, 4096, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass


main()
