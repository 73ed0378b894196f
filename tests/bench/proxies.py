"""The proxies that are compared, one worker each, all with the same job; and the origin behind them."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
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

    def __init__(self, argv, port, cpus, env=None, stderr=subprocess.DEVNULL, tls_port=None):
        self.port, self.tls_port = port, tls_port
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=stderr,
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


def make_certificate(folder):
    """site.crt and site.key for nginx and penstock, and both in site.pem for HAProxy. P-256, as most sites have it now."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", f"{folder}/site.key", "-out", f"{folder}/site.crt"],
                   check=True, capture_output=True)
    with open(f"{folder}/site.pem", "w") as both:
        for name in ("site.crt", "site.key"):
            with open(f"{folder}/{name}") as f:
                both.write(f.read())


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


def access_log(folder, *more):
    file = f"{{ file: {{ path: {folder}/penstock.log, maxSize: 64GiB, maxTotalSize: 1TiB }} }}"
    return f"accessLog: [ {', '.join([file, *more])} ]"


def start_penstock(folder, ports, env=None, stderr=subprocess.DEVNULL, under=(), says=None):
    port, tls_port = free_port(), free_port()
    with open(f"{folder}/penstock-{port}.yaml", "w") as f:
        f.write(f"""workers: 1
listeners:
  - {{ address: "127.0.0.1:{port}" }}
  - address: "127.0.0.1:{tls_port}"
    tls: {{ certificates: [ {{ certFile: {folder}/site.crt, keyFile: {folder}/site.key }} ] }}
http2: {{ maxRequests: 1000000000 }}
limits: {{ connections: 8000 }}
{access_log(folder) if says is None else says}
targetGroups:
  a: {{ platform: ec2, targets: [ "127.0.0.1:{ports[0]}" ] }}
  b: {{ platform: fargate, targets: [ "127.0.0.1:{ports[1]}" ] }}
routes: [ {{ name: web, match: {{ pathPrefix: / }}, stable: a, canary: b, weight: 10 }} ]
""")
    argv = [*under, os.environ["PENSTOCK"], "serve", "-c", f"{folder}/penstock-{port}.yaml"]
    return Server(argv, port, {PROXY_CPU}, env, stderr, tls_port)


def start_nginx(folder, ports, env=None, stderr=subprocess.DEVNULL):
    port, tls_port = free_port(), free_port()
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
server {{ listen 127.0.0.1:{port} backlog=4096; listen 127.0.0.1:{tls_port} ssl http2 backlog=4096;
 ssl_certificate {folder}/site.crt; ssl_certificate_key {folder}/site.key; ssl_protocols TLSv1.2 TLSv1.3; location / {{ proxy_pass http://$group; proxy_http_version 1.1;
 proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Platform $group;
 proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr;
 proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host; }} }} }}
""")
    return Server(["nginx", "-e", "stderr", "-c", f"{folder}/nginx.conf"], port, {PROXY_CPU}, env, stderr, tls_port)


def start_haproxy(folder, ports, env=None, stderr=subprocess.DEVNULL):
    port, tls_port = free_port(), free_port()
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
 bind 127.0.0.1:{tls_port} backlog 4096 ssl crt {folder}/site.pem alpn h2,http/1.1 ssl-min-ver TLSv1.2
 unique-id-format %[uuid()]
 unique-id-header X-Request-Id
 capture request header User-Agent len 128
 log-format '{fields}'
 http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
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
    server = Server(["haproxy", "-db", "-f", f"{folder}/haproxy.cfg"], port, {PROXY_CPU}, env, stderr, tls_port)
    server.sink = sink  # its datagrams are dropped by the kernel, as a log daemon that keeps up would take them
    return server


def start_relay(folder, ports, env=None, stderr=subprocess.DEVNULL):
    port = free_port()
    return Server([os.environ["RELAY"], str(port), str(ports[0])], port, {PROXY_CPU}, env, stderr)


class Sinks:
    """Who takes what penstock says of itself: a collector of spans, a statsd agent, and somebody who asks for the metrics
    once a second. Threads of the bench, on the other cores; what they get is thrown away and counted."""

    def __init__(self):
        self.seen = {"spans": 0, "statsd": 0, "scrapes": 0}
        self.over = threading.Event()
        self.agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.agent.bind(("127.0.0.1", 0))
        self.collector = socket.create_server(("127.0.0.1", 0))
        self.agent_port, self.collector_port = (s.getsockname()[1] for s in (self.agent, self.collector))
        self.start(self.take_statsd)
        self.start(self.take_spans)

    @staticmethod
    def start(what, *args):
        def run():
            os.sched_setaffinity(0, OTHER_CPUS)
            what(*args)

        threading.Thread(target=run, daemon=True).start()

    def take_statsd(self):
        self.agent.settimeout(0.2)
        while not self.over.is_set():
            with contextlib.suppress(OSError):
                self.agent.recv(65536)
                self.seen["statsd"] += 1

    def take_spans(self):
        self.collector.settimeout(0.2)
        while not self.over.is_set():
            with contextlib.suppress(OSError), self.collector.accept()[0] as s, s.makefile("rb") as f:
                s.settimeout(30)
                self.answer(s, f)

    def answer(self, s, f):
        while f.readline():
            fields = [line.lower() for line in iter(lambda: f.readline().strip(), b"")]
            f.read(next(int(line.split(b":")[1]) for line in fields if line.startswith(b"content-length:")))
            self.seen["spans"] += 1
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def scrape(self, port):
        while not self.over.wait(1):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as s:
                s.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                while s.recv(65536):
                    self.seen["scrapes"] += 1

    def stop(self):
        self.over.set()
        silent = [what for what, seen in self.seen.items() if not seen]
        if silent:
            raise SystemExit(f"bench: nothing has come of {' and '.join(silent)}")


def start_plain(folder, ports):
    """Nothing is said of any request."""
    return start_penstock(folder, ports, says="")


def start_observed(folder, ports):
    """Everything is: the access log, metrics for a scraper and for statsd, and the spans of one trace in a hundred."""
    sinks, admin = Sinks(), free_port()
    server = start_penstock(folder, ports, says=f"""{access_log(folder, f'{{ otlp: {{ endpoint: "http://127.0.0.1:{sinks.collector_port}/v1/traces" }} }}')}
admin: {{ address: "127.0.0.1:{admin}" }}
tracing: {{ sample: 1 }}
metrics: {{ dogstatsd: {{ address: "127.0.0.1:{sinks.agent_port}" }} }}
""")
    sinks.start(sinks.scrape, admin)
    server.sinks = sinks
    return server


PROXIES = {"penstock": start_penstock, "nginx": start_nginx, "haproxy": start_haproxy, "relay": start_relay}
