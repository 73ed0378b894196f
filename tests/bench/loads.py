"""What is asked of a proxy, and what that takes of it. Each returns a dict of figures."""
import os
import re
import selectors
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from proxies import LARGE, OTHER_CPUS, SMALL, start_penstock


def tool(argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, OTHER_CPUS)).stdout


def wrk(server, path, connections, seconds, close=False, tls=False):
    """Keep-alive HTTP/1.1, closed loop. How many requests were answered."""
    url = f"https://127.0.0.1:{server.tls_port}" if tls else f"http://127.0.0.1:{server.port}"
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if close:
        argv += ["-H", "Connection: close"]
    out = tool(argv + [url + path])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if bad:
        raise SystemExit(f"bench: {bad[1]} bad answers from {url}")
    return int(re.search(r"(\d+) requests in", out)[1])


def h2load(server, path, connections, seconds, streams=32):
    """HTTP/2 over TLS, closed loop. How many requests were answered."""
    out = tool(["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}",
                f"https://127.0.0.1:{server.tls_port}{path}"])
    done, good = re.search(r"(\d+) done, (\d+) succeeded", out).groups()
    if good != done or "Application protocol: h2" not in out:
        raise SystemExit(f"bench: {good} of {done} requests succeeded over HTTP/2 at port {server.tls_port}")
    return int(good)


def cpu_per_request(server, load):
    """`load` asks the server for a while and returns how many requests were answered."""
    before, start = server.cpu_s(), time.monotonic()
    requests = load(server)
    return {"cpu_us": (server.cpu_s() - before) * 1e6 / requests, "rate": requests / (time.monotonic() - start)}


def syscalls_per_request(server, load):
    with tempfile.NamedTemporaryFile("r") as out:
        trace = subprocess.Popen(["strace", "-f", "-c", "-o", out.name, "-p", str(server.worker())],
                                 stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        requests = load(server)
        trace.send_signal(signal.SIGINT)
        trace.wait()
        calls = {}
        for line in out.read().splitlines():
            words = line.split()
            if len(words) >= 5 and re.fullmatch(r"\d+", words[3]) and words[-1] != "total":
                calls[words[-1]] = int(words[3])
    return {"syscalls": sum(calls.values()) / requests,
            "most": {k: round(v / requests, 3) for k, v in sorted(calls.items(), key=lambda kv: -kv[1])[:6]}}


def trusting():
    """A TLS client that looks at no certificate: these are the bench's own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def shake(context, server, session=None):
    """A connection after its handshake."""
    plain = socket.create_connection(("127.0.0.1", server.tls_port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, session=session)


def read_to_end(sock):
    got = b""
    while True:
        piece = sock.recv(65536)
        if not piece:
            return got
        got += piece


def handshakes(server, seconds, resume):
    """TLS 1.3, one after the other, each with one small request. How many were done."""
    context, session, done = trusting(), None, -1
    end = None
    while end is None or time.monotonic() < end:
        with shake(context, server, session) as sock:
            if sock.session_reused != (session is not None):
                raise SystemExit(f"bench: port {server.tls_port} resumed a session: {sock.session_reused}")
            sock.sendall(f"GET {SMALL} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            if not read_to_end(sock).startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"bench: a bad answer from port {server.tls_port}")
            if resume:
                session = sock.session
        done += 1
        end = end or time.monotonic() + seconds
    return done


def idle_memory(server, count, tls=False):
    """Of keep-alive connections that have had an answer."""
    sockets, context = [], trusting()
    wrk(server, SMALL, 64, 1, tls=tls)
    before = server.rss()
    try:
        for _ in range(count):
            s = shake(context, server) if tls else socket.create_connection(("127.0.0.1", server.port))
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
    wrk(server, LARGE, 8, 1)
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
            requests = wrk(server, SMALL, 64, seconds)
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

    wrk(server, SMALL, 32, 2)
    control(["-i", "on"])
    requests = wrk(server, SMALL, 32, seconds)
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
