#!/usr/bin/env python3
"""Slow and idle clients by the thousand: slowhttptest in its four modes, then connections that only wait.

    PENSTOCK=./penstock tests/bench/slow.py [CONNECTIONS [IDLE]]        (2000 and 10000)

Meanwhile another client asks once every 20 ms; printed are how many of its requests ended well and how long they
took. Attackers, targets and penstock share the processors, so beside it stands who used them, and the longest turn of a
worker: whoever waited longer than a few of these waited for a processor and not for penstock. For the idle ones the private memory of the process is measured before and after. Needs slowhttptest and as many
descriptors as connections on both sides.
"""
import os
import resource
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import case, main, need  # noqa: E402
from peers import Nginx  # noqa: E402
from penstock import Penstock  # noqa: E402
from wire import Wire, get  # noqa: E402

need("slowhttptest", "nginx")
NUMBERS = [int(word) for word in sys.argv[1:] if word.isdigit()]
CONNECTIONS = NUMBERS[0] if NUMBERS else 2000
IDLE = NUMBERS[1] if len(NUMBERS) > 1 else 10000
SECONDS = 12
BODY = 8 * 1024 * 1024
MODES = {"-H": "slow heads", "-B": "slow bodies", "-R": "ranges", "-X": "slow reads"}

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def private_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


def target(t):
    """nginx, which is in nobody's way here, with an answer that no socket holds whole."""
    return Nginx(t, "ec2", 'location /large { alias %s; }' % t.write("large", "x" * BODY))


def children_cpu():
    """Of the processes that have ended and were waited for: slowhttptest's."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def watch(p, over, times, failures):
    while not over.is_set():
        begun = time.monotonic()
        try:
            if get(p.address).status != 200:
                failures.append("status")
        except Exception as problem:
            failures.append(repr(problem))
        times.append(time.monotonic() - begun)
        time.sleep(0.02)


for mode, name in MODES.items():
    @case(f"{name}: others are served")
    def _(t, mode=mode):
        p = Penstock(t, {"ec2": [target(t)]}, workers=2)
        over, times, failures = threading.Event(), [], []
        cpu, own, begun = children_cpu(), p.cpu_seconds(), time.monotonic()
        watcher = t.thread(watch, p, over, times, failures)
        pace = ["-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3"] if mode == "-X" else ["-i", "5"]
        subprocess.run(["slowhttptest", mode, "-c", str(CONNECTIONS), "-r", "1000", "-l", str(SECONDS), *pace,
                        "-u", p.url("/large" if mode == "-X" else "/"), "-p", "5"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        metrics = p.metrics()
        cpu, own, took = children_cpu() - cpu, p.cpu_seconds() - own, time.monotonic() - begun
        over.set()
        watcher.join()
        times.sort()
        t.note(f"{metrics.sum('penstock_connections_accepted_total'):.0f} connections came; others: {len(times)} requests, "
               f"{len(failures)} failed, p50 {1e3 * times[len(times) // 2]:.1f} ms, p99 "
               f"{1e3 * times[len(times) * 99 // 100]:.1f} ms")
        t.note(f"CPU in {took:.1f} s: attackers {cpu:.1f} s, penstock {own:.1f} s, of {os.cpu_count()} processors; longest "
               f"turn {1e3 * max(metrics.sum('penstock_worker_slowest_turn_seconds', worker=str(w)) for w in range(2)):.1f} ms")
        t.equal(failures, [], "failures of others")


@case("idle connections take little memory")
def _(t):
    p = Penstock(t, {"ec2": [target(t)]}, workers=2, limits={"connections": 3 * IDLE})
    get(p.address)
    before = private_kib(p.pid)
    held = [t.own(Wire(p.address)) for _ in range(IDLE)]
    for wire in held:
        wire.ask()
    after = private_kib(p.pid)
    t.note(f"{IDLE} idle connections: {1024 * (after - before) / IDLE:.0f} bytes each")
    t.within(1024 * (after - before) / IDLE, 0, 2048, "bytes of private memory each")


main()
