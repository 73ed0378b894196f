"""Targets: nginx and node, which we did not write, and a raw one for looking at bytes."""
import json
import os
import socket
import subprocess
import threading
from collections import Counter

from harness import HERE, Failure, Process, free_port, tool
from wire import Closed, Wire

TRIES = 5  # somebody else may take a free port before a peer has bound it


class Nginx(Process):
    """One nginx process with one server; its access log tells what really arrived."""

    def __init__(self, t, label, server="", port=None):
        self.label = label
        self.folder = t.path(f"nginx-{label}-{t.count('nginx-' + label)}")
        os.makedirs(self.folder)
        for _ in range(TRIES):
            self.port = port or free_port()
            self._configure(server)
            super().__init__(t, f"nginx-{label}", [tool("nginx"), "-p", self.folder, "-e", "error.log",
                                                   "-c", os.path.join(self.folder, "nginx.conf")])
            if self._up(t):
                return
        raise Failure(f"nginx does not start: {self.stderr()}")

    def _configure(self, server):
        # One process, so that nothing is left when it is killed; a log line is written when its request is done.
        text = f"""
            daemon off; master_process off; pid nginx.pid; worker_rlimit_nofile 8192;
            events {{ worker_connections 4096; }}
            http {{
                log_format seen escape=json
                    '{{"at":$msec,"status":$status,"platform":"$http_x_platform","connection":$connection,'
                    '"id":"$http_x_request_id","uri":"$request_uri"}}';
                access_log {self.folder}/access.log seen;
                client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
                uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                keepalive_requests 100000000; keepalive_timeout 3600s;
                default_type text/plain; tcp_nodelay on; client_max_body_size 0;
                server {{
                    listen 127.0.0.1:{self.port} backlog=4096;
                    root {self.folder}/files;
                    location / {{ return 200 "{self.label}\\n"; }}
                    {server}
                }}
            }}"""
        os.makedirs(os.path.join(self.folder, "files"), exist_ok=True)
        with open(os.path.join(self.folder, "nginx.conf"), "w") as f:
            f.write(text)

    def _up(self, t):
        def answers():
            if not self.running():
                return True
            try:
                with Wire(self.address, 1.0):
                    return True
            except OSError:
                return False
        t.wait(answers, f"{self.name} listens")
        return self.running()

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def text(self):
        return f"127.0.0.1:{self.port}"

    def file(self, name, data):
        with open(os.path.join(self.folder, "files", name), "wb") as f:
            f.write(data)

    @property
    def log_path(self):
        return os.path.join(self.folder, "access.log")

    def arrived(self, n):
        """Waits until it has logged n requests (it does so after the answer), and gives how many there are."""
        self.t.wait(lambda: self.requests() >= n, f"{n} requests at {self.name}")
        return self.requests()

    def requests(self):
        """How many requests it has logged so far."""
        with open(self.log_path, "rb") as f:
            return f.read().count(b"\n")

    def seen(self):
        with open(self.log_path, "rb") as f:
            data = f.read()
        return [json.loads(line) for line in data[:data.rfind(b"\n") + 1].splitlines()]

    def settled_uris(self, t):
        """The targets of the requests that came, once no more come."""
        t.settled(self.requests, "the requests at the target")
        return [r["uri"] for r in self.seen()]

    def platforms(self):
        """How many requests carried which label."""
        return Counter(r["platform"] for r in self.seen())

    def logs(self):
        yield from super().logs()
        path = os.path.join(self.folder, "error.log")
        if os.path.exists(path):
            with open(path, errors="replace") as f:
                yield f"{self.name} error.log", f.read()


class Node(Process):
    """A node http server whose faults are set while it runs (node_target.js)."""

    def __init__(self, t, label, **faults):
        self.label = label
        self._lock = threading.Lock()
        super().__init__(t, f"node-{label}", [tool("node"), os.path.join(HERE, "node_target.js"), label],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = self._ask({})["port"]
        if faults:
            self.set(**faults)

    def _ask(self, message):
        with self._lock:
            self.popen.stdin.write(json.dumps(message).encode() + b"\n")
            self.popen.stdin.flush()
            line = self.popen.stdout.readline()
        if not line:
            raise Failure(f"{self.name} has ended: {self.stderr()}")
        return json.loads(line)

    def set(self, **faults):
        """errorRate (share of 500), delayMs, hang, closeAfterMs (idle keep-alive), reset, echo,
        capacity (requests a second; those beyond wait beyondMs)."""
        return self._ask({"set": faults})

    def counts(self):
        """{"requests", "errors", "open", "connections"}."""
        return self._ask({"get": "counts"})

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def text(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self.popen.stdin.close()
        super().close()
        self.popen.stdout.close()


class H2(Node):
    """node's http2 server (h2_target.js)."""

    def __init__(self, t, label="ec2", tls=(), streams=100, **options):
        self.label = label
        self._lock = threading.Lock()
        Process.__init__(self, t, f"h2-{label}", [tool("node"), os.path.join(HERE, "h2_target.js"), label, *tls],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, MAX_STREAMS=str(streams)))
        self.port = self._ask({})["port"]
        if options:
            self.set(**options)


class Raw:
    """A target on raw sockets: `serve(wire)` is called for each connection, on a thread of its own.

    What arrives is kept as parsed requests in .requests and as bytes only where `serve` reads bytes itself."""

    def __init__(self, t, serve=None):
        self.requests, self.errors, self.connections = [], [], 0
        self._serve = serve or self.plain
        self._wires = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = self._listener.getsockname()
        self.text = "%s:%d" % self.address
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        t.own(self)

    def plain(self, wire):
        """Keeps each request and answers it with 200 and a small body, until the other side closes."""
        while True:
            self.keep(wire)
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw")

    def keep(self, wire):
        request = wire.request()
        self.requests.append(request)
        return request

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._run, args=(Wire(None, 60.0, sock=sock),), daemon=True).start()

    def _run(self, wire):
        self._wires.append(wire)
        try:
            self._serve(wire)
        except (Closed, OSError):
            pass
        except Exception as error:
            self.errors.append(error)
        finally:
            wire.close()

    def stop(self):
        """Refuses connections from now on and drops the open ones."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for wire in self._wires:
            try:
                wire.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.stop()

    def logs(self):
        yield "raw target", "\n".join(repr(e) for e in self.errors)
