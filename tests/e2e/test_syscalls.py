"""The cost of a request in system calls, under steady keep-alive load, with the access log on."""
import os
import re
import signal
import sys
import time

from certs import Certificate
from harness import SANITIZER, Process, Skip, case, main, need, tool
from load import h2load
from peers import Nginx
from penstock import Penstock

need("nginx", "h2load", "strace")
if SANITIZER:
    print("1..0 # SKIP a sanitizer makes system calls of its own")
    sys.exit(0)

MOST = 4.5


def traced(t, p, run):
    """The system calls that p makes while run() runs: {name: count}."""
    out = t.path(f"strace-{t.count('strace-out')}")
    strace = Process(t, "strace", [tool("strace"), "-c", "-f", "-o", out, "-p", str(p.pid)])
    threads = len(os.listdir(f"/proc/{p.pid}/task"))

    def attached():
        if not strace.running():
            raise Skip(f"strace cannot attach: {strace.stderr().strip()[-200:]}")
        return strace.stderr().count("attached") >= threads or strace.stderr().count("attached with") >= 1
    t.wait(attached, "strace is attached")
    run()
    strace.signal(signal.SIGINT)
    strace.wait()
    with open(out) as f:
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$", f.read(), re.M)
    return {name: int(count) for count, name in rows if name != "total"}


@case("at most 4.5 system calls a request, none of them epoll_ctl or write")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, weight=10)
    h2load(t, p.url(), 2000, connections=32)  # the pools are warm
    total = 20_000
    calls = traced(t, p, lambda: h2load(t, p.url(), total, connections=32))
    p.log.wait(2000 + total)
    a_request = {name: n / total for name, n in sorted(calls.items(), key=lambda item: -item[1])}
    t.note("calls a request: " + ", ".join(f"{name} {n:.3f}" for name, n in a_request.items() if n > 0.0005))
    t.check(calls.get("recvfrom", 0) + calls.get("read", 0) + calls.get("recvmsg", 0) > total, "strace saw the work")
    t.check(a_request.get("epoll_ctl", 0) < 0.02, f"epoll_ctl: {a_request.get('epoll_ctl', 0):.3f} a request")
    t.check(a_request.get("write", 0) < 0.05, f"write: {a_request.get('write', 0):.3f} a request")
    t.check(sum(a_request.values()) <= MOST, f"{sum(a_request.values()):.2f} system calls a request")


@case("over TLS at most 4.5 system calls a request, one read and one write of the client's among them")
def _(t):
    tls = {"certificates": [Certificate(t, "a", "DNS:a.example").setting]}
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, listeners=[{"address": "127.0.0.1:0", "tls": tls}])
    url = "https://%s:%d/" % p.address
    h2load(t, url, 1000, connections=32)
    total = 20_000
    calls = traced(t, p, lambda: h2load(t, url, total, connections=32))
    a_request = {name: n / total for name, n in sorted(calls.items(), key=lambda item: -item[1])}
    t.note("calls a request: " + ", ".join(f"{name} {n:.3f}" for name, n in a_request.items() if n > 0.0005))
    t.check(calls.get("recvfrom", 0) > total, "strace saw the work")
    t.check(sum(a_request.values()) <= MOST, f"{sum(a_request.values()):.2f} system calls a request")


@case("an idle proxy sleeps: a few wake-ups a second")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]})
    h2load(t, p.url(), 100)
    calls = traced(t, p, lambda: time.sleep(3))
    t.note(f"{sum(calls.values())} calls in 3 s: {calls}")
    t.check(sum(calls.values()) < 600, f"{sum(calls.values())} system calls in 3 s without a request")


main()
