#!/usr/bin/env python3
"""The speed of penstock beside nginx, HAProxy and a bare relay, on this machine, in one run.

Every proxy does the same job with one worker: two target groups at 90/10, a request header with the group's label, a
request id, and a JSON access log with the same fields. The proxy has one core for itself; the origin (nginx) and the load
(wrk) share the others. Rounds are interleaved, so that a machine that drifts drifts for all, and what is printed are ratios
to penstock's peers with their spread, never a verdict.

    bench.py [--rounds N] [--seconds S] [--only NAME[,NAME]] [--json FILE]

Over TLS all have the same P-256 certificate, and the protocol versions and ciphers that they choose by themselves.

Needs nginx, haproxy, wrk, h2load, openssl and strace. `make bench` builds what it needs and calls it.
"""
import argparse
import json
import shutil
import statistics
import sys
import tempfile

import loads
from loads import LARGE, SMALL
from proxies import PROXIES, make_certificate, start_observed, start_origin, start_plain


def rounds_of(names, n, measure):
    """Interleaved: round 1 of everybody, round 2 of everybody, ..."""
    rows = {name: [] for name in names}
    for _ in range(n):
        for name in names:
            rows[name].append(measure(name))
    return rows


def spread(values):
    return f"{statistics.median(values):8.2f} ({min(values):.2f} to {max(values):.2f})"


def print_table(title, rows, key, base="penstock", unit=""):
    print(f"\n{title}")
    for name, values in rows.items():
        own = [v[key] for v in values]
        ratio = [rows[base][i][key] / own[i] for i in range(len(own)) if own[i]] if base in rows else []
        note = f"   {base}/{name} {spread(ratio)}" if ratio and name != base else ""
        print(f"  {name:9s} {spread(own)} {unit}{note}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default="", help="loads: small, syscalls, observed, large, close, tls, tls-syscalls, tls-large, "
                                                      "handshakes, resumed, h2, h2-syscalls, idle, tls-idle, busy, latency, "
                                                      "allocations; and instructions, which needs valgrind")
    parser.add_argument("--json", help="writes all figures to this file")
    args = parser.parse_args()
    wanted = set(filter(None, args.only.split(",")))
    missing = [p for p in ("nginx", "haproxy", "wrk", "h2load", "openssl", "strace") if not shutil.which(p)]
    if missing:
        raise SystemExit(f"bench: not installed: {' '.join(missing)}")
    folder = tempfile.mkdtemp(prefix="penstock-bench-")
    results, servers = {}, {}
    try:
        make_certificate(folder)
        origin = start_origin(folder)
        servers = {name: start(folder, origin.ports) for name, start in PROXIES.items()}
        http = [n for n in servers if n != "relay"]
        run(args, wanted, results, servers, http, folder, origin)
        origin.stop()
    finally:
        for server in servers.values():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(results, f, indent=1)


def observed(args, folder, origin, load):
    """What it costs to be seen: penstock with everything that it can say of a request, beside one that says nothing."""
    own = {"observed": start_observed(folder, origin.ports), "plain": start_plain(folder, origin.ports)}
    try:
        rows = rounds_of(own, args.rounds, lambda who: loads.cpu_per_request(own[who], load))
    finally:
        for server in own.values():
            server.stop()
    own["observed"].sinks.stop()
    print_table("log, metrics, 1 % of traces and statsd, beside none of them: us of CPU a request", rows, "cpu_us",
                base="observed", unit="us")
    return rows


def run(args, wanted, results, servers, http, folder, origin):
    n, s = args.rounds, args.seconds

    def measure(name, title, names, count, one, keys):
        if wanted and name not in wanted:
            return
        results[name] = rounds_of(names, count, lambda who: one(servers[who]))
        for key, unit in keys:
            print_table(f"{title}: {key}", results[name], key, unit=unit)

    def cpu(name, title, names, load, what="request"):
        measure(name, title, names, n, lambda server: loads.cpu_per_request(server, load),
                [("cpu_us", f"us of CPU a {what}"), ("rate", f"{what}s a second")])

    def syscalls(name, title, names, load):
        measure(name, title, names, 1, lambda server: loads.syscalls_per_request(server, load),
                [("syscalls", "calls a request")])

    def small(server):
        return loads.wrk(server, SMALL, 64, s)

    def small_tls(server):
        return loads.wrk(server, SMALL, 64, s, tls=True)

    def small_h2(server):
        return loads.h2load(server, SMALL, 4, s)

    cpu("small", "small keep-alive, 64 connections", list(servers), small)
    syscalls("syscalls", "the same under strace", list(servers), small)
    if not wanted or "observed" in wanted:
        results["observed"] = observed(args, folder, origin, small)
    cpu("large", "10 MiB bodies, 8 connections", list(servers), lambda server: loads.wrk(server, LARGE, 8, s))
    cpu("close", "a new connection for each request, 32 at once", http,
        lambda server: loads.wrk(server, SMALL, 32, s, close=True))
    cpu("tls", "small keep-alive over TLS, 64 connections", http, small_tls)
    syscalls("tls-syscalls", "the same under strace", http, small_tls)
    cpu("tls-large", "10 MiB bodies over TLS, 8 connections", http, lambda server: loads.wrk(server, LARGE, 8, s, tls=True))
    cpu("handshakes", "a full handshake and a request, one after the other", http,
        lambda server: loads.handshakes(server, s, resume=False), "handshake")
    cpu("resumed", "a resumed handshake and a request, one after the other", http,
        lambda server: loads.handshakes(server, s, resume=True), "handshake")
    cpu("h2", "small over HTTP/2 and TLS, 4 connections of 32 streams", http, small_h2)
    syscalls("h2-syscalls", "the same under strace", http, small_h2)
    memory = [("idle_bytes", "bytes of private memory each")]
    measure("idle", "5,000 idle connections", http, 1, lambda server: loads.idle_memory(server, 5000), memory)
    measure("tls-idle", "1,000 idle connections over TLS", http, 1,
            lambda server: loads.idle_memory(server, 1000, tls=True), memory)
    measure("busy", "200 connections with an answer of 10 MiB that is not read", list(servers), 1,
            lambda server: loads.busy_memory(server, 200), [("busy_bytes", "bytes of private memory each")])
    measure("latency", "2,000 requests a second, open loop", list(servers), n,
            lambda server: loads.added_latency(server, 2000, s), [("p50", "us"), ("p99", "us"), ("p99.9", "us")])
    if not wanted or "allocations" in wanted:
        results["allocations"] = loads.allocations(folder, origin.ports, s)
        print(f"\nheap calls a request in steady state: {results['allocations']:.4f}")
    if "instructions" in wanted:
        results["instructions"], most = loads.instructions(folder, origin.ports, s)
        print(f"\ninstructions of the program a request, under callgrind: {results['instructions']:.0f}")
        for n, what in most:
            print(f"  {n:7.0f} {what}")


if __name__ == "__main__":
    sys.exit(main())
