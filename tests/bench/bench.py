#!/usr/bin/env python3
"""The speed of penstock beside nginx, HAProxy and a bare relay, on this machine, in one run.

Every proxy does the same job with one worker: two target groups at 90/10, a request header with the group's label, a
request id, and a JSON access log with the same fields. The proxy has one core for itself; the origin (nginx) and the load
(wrk) share the others. Rounds are interleaved, so that a machine that drifts drifts for all, and what is printed are ratios
to penstock's peers with their spread, never a verdict.

    bench.py [--rounds N] [--seconds S] [--only NAME[,NAME]] [--json FILE]

Needs nginx, haproxy, wrk and strace. `make bench` builds what it needs and calls it.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PROXY_CPU = 0
OTHER_CPUS = set(range(1, os.cpu_count() or 1)) or {0}
SMALL = "/small"
LARGE = "/large"
LARGE_BYTES = 10 * 1024 * 1024


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"bench: {process.args[0]} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise SystemExit(f"bench: nothing listens on port {port}")


class Server:
    """A process on its own cores; `cpu` sums the time of all its threads and children."""

    def __init__(self, argv, port, cpus, env=None, stderr=subprocess.DEVNULL, cwd=None):
        self.port = port
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=stderr, cwd=cwd,
                                        env={**os.environ, **(env or {})},
                                        preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        wait_port(port, self.process)

    def pids(self):
        out = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout
        return [self.process.pid] + [int(p) for p in out.split()]

    def cpu_s(self):
        total = 0
        for pid in self.pids():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
        return total / 1e9

    def rss(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += int(re.search(r"^Private_Dirty:\s+(\d+)", f.read(), re.M)[1])
        return total * 1024

    def worker(self):
        """The process that serves: the last child, or the process itself."""
        return self.pids()[-1]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---- the origin and the proxies ----

def start_origin(folder):
    ports = [free_port(), free_port()]
    os.makedirs(f"{folder}/www", exist_ok=True)
    with open(f"{folder}/www/large", "wb") as f:
        f.write(os.urandom(65536) * (LARGE_BYTES // 65536))
    with open(f"{folder}/origin.conf", "w") as f:
        f.write(f"""worker_processes 1; daemon off; pid {folder}/origin.pid; error_log stderr crit;
events {{ worker_connections 16384; }}
http {{ access_log off; keepalive_requests 1000000000; sendfile on; client_body_temp_path {folder}; proxy_temp_path {folder};
fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
server {{ listen 127.0.0.1:{ports[0]} backlog=4096; listen 127.0.0.1:{ports[1]} backlog=4096;
  location {SMALL} {{ return 200 "{'x' * 1024}"; }} location {LARGE} {{ root {folder}/www; }} }} }}
""")
    server = Server(["nginx", "-e", "stderr", "-c", f"{folder}/origin.conf"], ports[0], OTHER_CPUS)
    server.ports = ports
    return server


def start_penstock(folder, ports, env=None, stderr=subprocess.DEVNULL, under=()):
    port = free_port()
    with open(f"{folder}/penstock.yaml", "w") as f:
        f.write(f"""workers: 1
listeners: [ {{ address: "127.0.0.1:{port}" }} ]
limits: {{ connections: 8000 }}
accessLog: [ {{ file: {{ path: {folder}/penstock.log, maxSize: 64GiB, maxTotalSize: 1TiB }} }} ]
targetGroups:
  a: {{ platform: ec2, targets: [ "127.0.0.1:{ports[0]}" ] }}
  b: {{ platform: fargate, targets: [ "127.0.0.1:{ports[1]}" ] }}
routes: [ {{ name: web, match: {{ pathPrefix: / }}, stable: a, canary: b, weight: 10 }} ]
""")
    argv = [*under, os.environ["PENSTOCK"], "serve", "-c", f"{folder}/penstock.yaml"]
    return Server(argv, port, {PROXY_CPU}, env, stderr)


def start_nginx(folder, ports, env=None, stderr=subprocess.DEVNULL):
    port = free_port()
    fields = ('{"timestamp":"$time_iso8601","message":"$request_method $uri $status","service":"web","host":"$hostname",'
              '"platform":"$group","route":"web","group":"$group","target":"$upstream_addr","weight":10.00,'
              '"request_time":$request_time,"phases":{"connect":"$upstream_connect_time",'
              '"first_byte":"$upstream_header_time"},"http":{"method":"$request_method","status_code":$status,'
              '"url":"$scheme://$http_host$request_uri","version":"$server_protocol","useragent":"$http_user_agent",'
              '"referer":"$http_referer","request_id":"$request_id","target_status_code":"$upstream_status"},'
              '"network":{"client":{"ip":"$remote_addr","port":$remote_port},"bytes_read":$request_length,'
              '"bytes_written":$bytes_sent}}')
    with open(f"{folder}/nginx.conf", "w") as f:
        f.write(f"""worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log stderr crit; worker_rlimit_nofile 20000;
events {{ worker_connections 16384; multi_accept on; }}
http {{ log_format j escape=json '{fields}'; access_log {folder}/nginx.log j buffer=64k flush=1s;
keepalive_requests 1000000000; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
uwsgi_temp_path {folder}; scgi_temp_path {folder}; proxy_max_temp_file_size 0;
upstream a {{ server 127.0.0.1:{ports[0]}; keepalive 256; keepalive_requests 1000000000; }}
upstream b {{ server 127.0.0.1:{ports[1]}; keepalive 256; keepalive_requests 1000000000; }}
split_clients "$request_id" $group {{ 10% b; * a; }}
server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://$group; proxy_http_version 1.1;
 proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Platform $group;
 proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr;
 proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host; }} }} }}
""")
    return Server(["nginx", "-e", "stderr", "-c", f"{folder}/nginx.conf"], port, {PROXY_CPU}, env, stderr)


def start_haproxy(folder, ports, env=None, stderr=subprocess.DEVNULL):
    port = free_port()
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    fields = ('{"timestamp":"%tr","message":"%HM %HPO %ST","service":"web","host":"%H","platform":"%b","route":"web",'
              '"group":"%b","target":"%si:%sp","weight":10.00,"duration":%Ta,"phases":{"connect":%Tc,"first_byte":%Tr},'
              '"http":{"method":"%HM","status_code":%ST,"url":"%HU","version":"%HV","useragent":"%[capture.req.hdr(0),'
              'json(utf8s)]","request_id":"%ID"},"network":{"client":{"ip":"%ci","port":%cp},"bytes_read":%U,'
              '"bytes_written":%B}}')
    with open(f"{folder}/haproxy.cfg", "w") as f:
        f.write(f"""global
 nbthread 1
 maxconn 8000
 log 127.0.0.1:{sink.getsockname()[1]} len 4096 format raw local0
 tune.idle-pool.shared off
defaults
 mode http
 log global
 option http-keep-alive
 http-reuse always
 timeout client 60s
 timeout server 60s
 timeout connect 3s
 timeout http-request 10s
frontend f
 bind 127.0.0.1:{port} backlog 4096
 unique-id-format %[uuid()]
 unique-id-header X-Request-Id
 capture request header User-Agent len 128
 log-format '{fields}'
 http-request set-header X-Forwarded-Proto http
 http-request set-header X-Forwarded-For %[src]
 http-request set-header X-Forwarded-Host %[req.hdr(host)]
 use_backend b if {{ rand(100) lt 10 }}
 default_backend a
backend a
 http-request set-header X-Platform ec2
 server a 127.0.0.1:{ports[0]}
backend b
 http-request set-header X-Platform fargate
 server b 127.0.0.1:{ports[1]}
""")
    server = Server(["haproxy", "-db", "-f", f"{folder}/haproxy.cfg"], port, {PROXY_CPU}, env, stderr)
    server.sink = sink  # its datagrams are dropped by the kernel, as a log daemon that keeps up would take them
    return server


def start_relay(folder, ports, env=None, stderr=subprocess.DEVNULL):
    port = free_port()
    return Server([os.environ["RELAY"], str(port), str(ports[0])], port, {PROXY_CPU}, env, stderr)


PROXIES = {"penstock": start_penstock, "nginx": start_nginx, "haproxy": start_haproxy, "relay": start_relay}


# ---- the loads ----

def wrk(port, path, connections, seconds, close=False):
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if close:
        argv += ["-H", "Connection: close"]
    out = subprocess.run(argv + [f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True,
                         preexec_fn=lambda: os.sched_setaffinity(0, OTHER_CPUS)).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if bad:
        raise SystemExit(f"bench: {bad[1]} bad answers from port {port}")
    return int(re.search(r"(\d+) requests in", out)[1])


def cpu_per_request(server, path, connections, seconds, close=False):
    before, start = server.cpu_s(), time.monotonic()
    requests = wrk(server.port, path, connections, seconds, close)
    return {"cpu_us": (server.cpu_s() - before) * 1e6 / requests, "rate": requests / (time.monotonic() - start)}


def syscalls_per_request(server, path, connections, seconds):
    with tempfile.NamedTemporaryFile("r") as out:
        trace = subprocess.Popen(["strace", "-f", "-c", "-o", out.name, "-p", str(server.worker())],
                                 stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        requests = wrk(server.port, path, connections, seconds)
        trace.send_signal(signal.SIGINT)
        trace.wait()
        calls = {}
        for line in out.read().splitlines():
            words = line.split()
            if len(words) >= 5 and re.fullmatch(r"\d+", words[3]) and words[-1] != "total":
                calls[words[-1]] = int(words[3])
    return {"syscalls": sum(calls.values()) / requests,
            "most": {k: round(v / requests, 3) for k, v in sorted(calls.items(), key=lambda kv: -kv[1])[:6]}}


def idle_memory(server, count):
    sockets = []
    wrk(server.port, SMALL, 64, 1)
    before = server.rss()
    try:
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", server.port))
            s.sendall(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n")
            got = b""
            while len(got) < 1024:
                got += s.recv(4096)
            sockets.append(s)
        time.sleep(0.3)
        return {"idle_bytes": (server.rss() - before) / count}
    finally:
        for s in sockets:
            s.close()


def busy_memory(server, count):
    """Of connections in the middle of a long answer that their clients do not read."""
    sockets = []
    wrk(server.port, LARGE, 8, 1)
    before = server.rss()
    try:
        for _ in range(count):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", server.port))
            s.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            sockets.append(s)
        for s in sockets:
            s.recv(1)
        time.sleep(1)
        return {"busy_bytes": (server.rss() - before) / count}
    finally:
        for s in sockets:
            s.close()


def allocations(folder, ports, seconds):
    """Heap calls a request in steady state: the second of two loads, counted by a preloaded library."""
    with open(f"{folder}/mallocs.txt", "w+") as err:
        server = start_penstock(folder, ports, {"LD_PRELOAD": os.environ["MALLOCS"]}, err)
        counts, requests = [], 0
        for _ in range(2):
            requests = wrk(server.port, SMALL, 64, seconds)
            os.kill(server.process.pid, signal.SIGUSR2)
            time.sleep(0.3)
            err.flush()
            with open(f"{folder}/mallocs.txt") as f:
                counts.append(int(re.findall(r"mallocs (\d+)", f.read())[-1]))
        server.stop()
    return (counts[1] - counts[0]) / requests


def instructions(folder, ports, seconds):
    """Instructions of the program itself a request, and the functions that take most: counted by callgrind, so that a quiet
    machine is not needed."""
    out = f"{folder}/callgrind.out"
    server = start_penstock(folder, ports, under=["valgrind", "--tool=callgrind", "--instr-atstart=no",
                                                  f"--callgrind-out-file={out}"])

    def control(what):
        subprocess.run(["callgrind_control", *what, str(server.process.pid)], check=True, capture_output=True)

    wrk(server.port, SMALL, 32, 2)
    control(["-i", "on"])
    requests = wrk(server.port, SMALL, 32, seconds)
    control(["-i", "off"])
    control(["-d"])
    server.process.kill()
    server.process.wait()
    dumps = sorted(name for name in os.listdir(folder) if name.startswith("callgrind.out."))
    text = subprocess.run(["callgrind_annotate", f"{folder}/{dumps[-1]}"], capture_output=True, text=True).stdout
    rows = [(int(n.replace(",", "")), what) for n, what in
            re.findall(r"^ *([\d,]+) \([^)]*\)  (.*)$", text, re.M)]
    return rows[0][0] / requests, [(n / requests, re.sub(r"\s*\[.*$|^[^\[]*/", "", what)) for n, what in rows[1:13]]


def percentile(sorted_values, q):
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))]


def added_latency(server, rate, seconds):
    """Latency at a fixed rate, open loop: requests leave on time whether or not earlier ones were answered."""
    import selectors
    sel = selectors.DefaultSelector()
    idle, busy, latencies, late = [], {}, [], 0
    for _ in range(64):
        s = socket.create_connection(("127.0.0.1", server.port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.setblocking(False)
        sel.register(s, selectors.EVENT_READ)
        idle.append(s)
    request = b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
    start = time.monotonic()
    due, end = start, start + seconds
    while due < end or busy:
        now = time.monotonic()
        while due <= now and due < end:
            if idle:
                s = idle.pop()
                s.send(request)
                busy[s] = [due, 0]
            else:
                late += 1
            due += 1 / rate
        for key, _ in sel.select(max(0, min(due - time.monotonic(), 0.05))):
            s = key.fileobj
            state = busy.get(s)
            n = len(s.recv(65536))
            if state is None or n == 0:
                raise SystemExit("bench: a connection was closed")
            state[1] += n
            if state[1] >= 1024 + 100:
                latencies.append(time.monotonic() - state[0])
                del busy[s]
                idle.append(s)
    for s in list(idle):
        s.close()
    latencies.sort()
    return {f"p{q}": percentile(latencies, q / 100) * 1e6 for q in (50, 99, 99.9)} | {"late": late}


# ---- the rounds ----

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
        note = f"   penstock/{name} {spread(ratio)}" if ratio and name != base else ""
        print(f"  {name:9s} {spread(own)} {unit}{note}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default="", help="loads: small, syscalls, large, close, idle, busy, allocations, latency; "
                                                      "and instructions, which needs valgrind")
    parser.add_argument("--json", help="writes all figures to this file")
    args = parser.parse_args()
    wanted = set(filter(None, args.only.split(",")))
    missing = [p for p in ("nginx", "haproxy", "wrk", "strace") if not shutil.which(p)]
    if missing:
        raise SystemExit(f"bench: not installed: {' '.join(missing)}")
    folder = tempfile.mkdtemp(prefix="penstock-bench-")
    results, servers = {}, {}
    try:
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


def run(args, wanted, results, servers, http, folder, origin):
    n, s = args.rounds, args.seconds

    def load(name, title, names, count, measure, keys):
        if wanted and name not in wanted:
            return
        results[name] = rounds_of(names, count, measure)
        for key, unit in keys:
            print_table(f"{title}: {key}", results[name], key, unit=unit)

    cpu = [("cpu_us", "us of CPU a request"), ("rate", "requests a second")]
    load("small", "small keep-alive, 64 connections", list(servers), n,
         lambda name: cpu_per_request(servers[name], SMALL, 64, s), cpu)
    load("syscalls", "the same under strace", list(servers), 1,
         lambda name: syscalls_per_request(servers[name], SMALL, 64, s), [("syscalls", "calls a request")])
    load("large", "10 MiB bodies, 8 connections", list(servers), n,
         lambda name: cpu_per_request(servers[name], LARGE, 8, s), cpu)
    load("close", "a new connection for each request, 32 at once", http, n,
         lambda name: cpu_per_request(servers[name], SMALL, 32, s, close=True), cpu)
    load("idle", "5,000 idle connections", http, 1, lambda name: idle_memory(servers[name], 5000),
         [("idle_bytes", "bytes of private memory each")])
    load("busy", "200 connections with an answer of 10 MiB that is not read", list(servers), 1,
         lambda name: busy_memory(servers[name], 200), [("busy_bytes", "bytes of private memory each")])
    load("latency", "2,000 requests a second, open loop", list(servers), n,
         lambda name: added_latency(servers[name], 2000, s), [("p50", "us"), ("p99", "us"), ("p99.9", "us")])
    if not wanted or "allocations" in wanted:
        results["allocations"] = allocations(folder, origin.ports, s)
        print(f"\nheap calls a request in steady state: {results['allocations']:.4f}")
    if "instructions" in wanted:
        results["instructions"], most = instructions(folder, origin.ports, s)
        print(f"\ninstructions of the program a request, under callgrind: {results['instructions']:.0f}")
        for n, what in most:
            print(f"  {n:7.0f} {what}")


if __name__ == "__main__":
    sys.exit(main())
