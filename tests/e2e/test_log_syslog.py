"""The access log by syslog, RFC 5424: to sockets that read it strictly, and to rsyslog."""
import json
import os
import re
import shutil
import socket

from harness import Process, Skip, case, main, need
from load import h2load
from peers import Nginx
from penstock import Penstock
from records import AccessLog

need("nginx", "h2load")

MESSAGE = re.compile(r'<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S+) (\S+) (\d+) access '
                     r'\[penstock@32473 platform="(\w+)"\] (\{.*\})')


def start(t, address, **more):
    return Penstock(t, {"ec2": [Nginx(t, "ec2")]}, accessLog=[
        {"file": {"path": t.path("access.jsonl")}}, {"syslog": {"address": address, **more}}])


def check(t, p, messages):
    records = {r["http"]["request_id"]: r for r in AccessLog(t, t.path("access.jsonl")).wait(len(messages))}
    for message in messages:
        found = MESSAGE.fullmatch(message.decode())
        t.check(found, f"a message: {message!r}")
        record = json.loads(found[7])
        t.equal(record, records[record["http"]["request_id"]], "the record")
        t.equal((found[1], found[2], found[5], found[6]), ("134", record["timestamp"], str(p.pid), "ec2"), "the head")


def datagrams(sock, n):
    sock.settimeout(20)
    return [sock.recv(1 << 16) for _ in range(n)]


@case("each line is one datagram, by UDP and by a unix socket")
def _(t):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    p = start(t, f"udp:127.0.0.1:{udp.getsockname()[1]}")
    h2load(t, p.url("/a"), 50, connections=2)
    check(t, p, datagrams(udp, 50))
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    unix.bind(t.path("log"))
    q = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, name="unix.yaml", state=None, accessLog=[
        {"syslog": {"address": "unix:" + t.path("log"), "facility": 3, "app": "shop"}}])
    h2load(t, q.url("/a"), 20, connections=2)
    for message in datagrams(unix, 20):
        t.equal(MESSAGE.fullmatch(message.decode()).group(1, 4), ("30", "shop"), "priority and name")


@case("rsyslog takes every line by TCP")
def _(t):
    if not shutil.which("rsyslogd", path=os.environ["PATH"] + ":/usr/sbin"):
        raise Skip("rsyslogd is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    t.write("rsyslog.conf", f'''module(load="imtcp")
template(name="parts" type="string" string="%app-name%|%msgid%|%syslogseverity-text%|%structured-data%|%msg%\\n")
ruleset(name="all") {{ action(type="omfile" file="{t.path('out')}" template="parts") }}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="all")
global(maxMessageSize="64k" workDirectory="{t.dir}")
''')
    Process(t, "rsyslogd", [shutil.which("rsyslogd", path=os.environ["PATH"] + ":/usr/sbin"), "-n", "-f", t.path("rsyslog.conf"),
                            "-i", t.path("rsyslog.pid")])

    def listens():
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0
    t.wait(listens, "rsyslogd listens")
    p = start(t, f"tcp:127.0.0.1:{port}")
    h2load(t, p.url("/a"), 500, connections=4)

    def lines():
        if not os.path.exists(t.path("out")):
            return []
        with open(t.path("out")) as f:
            return f.read().splitlines()
    t.wait(lambda: len(lines()) == 500, "500 lines")
    for line in lines():
        app, msgid, severity, data, message = line.split("|", 4)
        t.equal((app, msgid, severity, data), ("penstock", "access", "info", '[penstock@32473 platform="ec2"]'), "the parts")
        json.loads(message)


@case("a server that is not there harms no request, and what is lost is counted")
def _(t):
    p = start(t, "tcp:127.0.0.1:1")
    t.equal(h2load(t, p.url(), 200, connections=4)["2xx"], 200, "requests that ended well")
    t.wait(lambda: p.metrics().sum("penstock_log_lost_lines_total") == 200, "all are counted")
    t.equal(len(AccessLog(t, t.path("access.jsonl")).wait(200)), 200, "the file has them")


main()
