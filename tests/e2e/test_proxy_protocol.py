"""The PROXY protocol: HAProxy speaks it to us, we speak it to nginx; and what nobody should say is refused."""
import subprocess

from harness import Process, case, free_port, main, need, tool
from peers import Nginx, Raw
from penstock import Penstock
from wire import Closed, Wire

need("nginx", "haproxy")

V2 = b"\r\n\r\n\0\r\nQUIT\n"


class Haproxy(Process):
    """Sends what it gets to one server, with a PROXY header for its client."""

    def __init__(self, t, to, option):
        self.port = free_port()
        config = t.write(f"haproxy-{option}.cfg", f"""
defaults
  mode tcp
  timeout client 10s
  timeout server 10s
  timeout connect 3s
frontend f
  bind 127.0.0.1:{self.port}
  default_backend b
backend b
  source 127.0.0.77
  server s {to[0]}:{to[1]} {option}
""")
        super().__init__(t, "haproxy", [tool("haproxy"), "-db", "-f", config])
        t.wait(lambda: self._listens(), "haproxy listens")

    def _listens(self):
        try:
            Wire(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False


def ask_from(ip, port):
    """curl from an address of its own."""
    return subprocess.run(["curl", "-sS", "--interface", ip, "--max-time", "10", f"http://127.0.0.1:{port}/"],
                          capture_output=True, text=True, check=True).stdout


for option in ("send-proxy", "send-proxy-v2"):
    @case(f"HAProxy's {option} says who the client is")
    def _(t, option=option):
        raw = Raw(t)
        p = Penstock(t, {"ec2": [raw]}, listeners=[{"address": "127.0.0.1:0", "proxyProtocol": ["127.0.0.77"]}])
        front = Haproxy(t, p.address, option)
        ask_from("127.0.0.9", front.port)
        record = p.log.wait(1)[0]
        t.equal(record["network"]["client"]["ip"], "127.0.0.9", "the client in the log")
        t.equal(raw.requests[0].get("x-forwarded-for"), "127.0.0.9", "the client for the target")


@case("a header comes in pieces, with the request behind it, and the connection lives on")
def _(t):
    p = Penstock(t, {"ec2": [Raw(t)]}, listeners=[{"address": "127.0.0.1:0", "proxyProtocol": ["127.0.0.0/8"]}])
    header = b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 80\r\n"
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    for pieces in ([header + request], [bytes([b]) for b in header] + [request], [header[:9], header[9:] + request]):
        with Wire(p.address) as wire:
            for piece in pieces:
                wire.send(piece)
            t.equal(wire.answer().status, 200, "the first answer")
            t.equal(wire.ask().status, 200, "the second one")
    t.equal({(r["network"]["client"]["ip"], r["network"]["client"]["port"]) for r in p.log.wait(6)},
            {("203.0.113.7", 4711)}, "the client")


@case("without a header, with a wrong one, or from elsewhere: closed without an answer, and counted")
def _(t):
    p = Penstock(t, {"ec2": [Raw(t)]}, listeners=[
        {"address": "127.0.0.1:0", "proxyProtocol": ["127.0.0.0/8"]},
        {"address": "127.0.0.1:0", "proxyProtocol": ["10.0.0.0/8"]}])
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    wrong = [request, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n" + request, b"PROXY TCP4 1.2.3.4\r\n" + request,
             b"PROXY UNKNOWN " + b"x" * 200, V2 + b"\x21\x12\0\x0c" + b"\0" * 12 + request]
    for bytes_ in wrong:
        with Wire(p.address) as wire:
            wire.send(bytes_)
            try:
                wire.answer()
                t.check(False, f"an answer to {bytes_[:40]}")
            except Closed:
                pass
    t.check(f"penstock_connections_unannounced_total {len(wrong)}" in p.admin.get("/metrics").text, "the metrics say so")
    with Wire(p.listeners[1]) as wire:
        try:
            wire.send(b"PROXY UNKNOWN\r\n" + request)
            wire.answer()
            t.check(False, "an answer to somebody who is not in the list")
        except (Closed, OSError):
            pass


for version in (1, 2):
    @case(f"nginx as target reads our header of version {version}, one for each client")
    def _(t, version=version):
        port = free_port()
        target = Nginx(t, "ec2", f"""listen 127.0.0.1:{port} proxy_protocol;
            location /who {{ return 200 "$proxy_protocol_addr"; }}""")
        p = Penstock(t, {"ec2": [f"127.0.0.1:{port}"]}, targetGroups={"ec2": {
            "proxyProtocol": version, "healthCheck": {"path": "/who", "interval": "100ms", "timeout": "100ms"}}})
        t.wait(lambda: p.admin.get("/v1/groups/ec2/targets").json()["targets"][0]["health"] == "healthy",
               "checks speak it too")
        for ip in ("127.0.0.3", "127.0.0.4", "127.0.0.3"):
            got = subprocess.run(["curl", "-sS", "--interface", ip, p.url("/who")], capture_output=True, text=True,
                                 check=True).stdout
            t.equal(got, ip, "the client that nginx sees")
        t.check(target.running(), "nginx goes on")


main()
