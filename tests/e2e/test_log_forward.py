"""The access log by Fluentd's forward protocol: every record is acknowledged, whoever of both sides goes away and comes back."""
import os

from fluent import ForwardServer
from harness import HERE, Process, case, main, need, scaled
from load import h2load
from npm import npm
from peers import Nginx
from penstock import Penstock
from records import AccessLog, wall

need("nginx", "h2load")


def start(t, servers, **forward):
    """Penstock with a forward sink beside a file."""
    return Penstock(t, {"ec2": [Nginx(t, "ec2")]}, timeouts={"lameDuck": "0"}, accessLog=[
        {"file": {"path": t.path("access.jsonl")}},
        {"forward": {"servers": [s if isinstance(s, str) else s.address for s in servers], **forward}}])


def sink(p, name, servers):
    return p.metrics().sum(name, sink=f"forward:{servers[0] if isinstance(servers[0], str) else servers[0].address}")


@case("each record arrives as it stands in the file, and is acknowledged")
def _(t):
    server = ForwardServer(t)
    p = start(t, [server], tag="web.access", compress=True)
    total = scaled(3_000, 1_000)
    h2load(t, p.url("/a?b=1"), total, connections=8)
    t.wait(lambda: sink(p, "penstock_log_written_lines_total", [server]) == total, "all are acknowledged")
    records = {r["http"]["request_id"]: r for r in AccessLog(t, t.path("access.jsonl")).wait(total)}
    t.equal(len(server.entries), total, "entries")
    for tag, time, record in server.entries:
        t.equal(tag, "web.access", "the tag")
        t.equal(record, records[record["http"]["request_id"]], "the record")
        t.check(abs(time - wall(record["timestamp"])) < 0.002, f"the time {time} of {record['timestamp']}")
    t.wait(lambda: sink(p, "penstock_log_unshipped_bytes", [server]) == 0, "no bytes wait")


@case("a server that is gone costs nothing: what waits is sent again, to another one or to itself")
def _(t):
    deaf, other = ForwardServer(t, acks=False), ForwardServer(t)
    p = start(t, [deaf], ackTimeout="1s")
    h2load(t, p.url(), 500, connections=8)
    t.wait(lambda: len(set(deaf.ids())) == 500, "it has got them")
    t.equal(sink(p, "penstock_log_written_lines_total", [deaf]), 0, "acknowledged")
    t.wait(lambda: deaf.connections >= 2, "they are sent again on another connection")
    deaf.acks = True
    t.wait(lambda: sink(p, "penstock_log_written_lines_total", [deaf]) == 500, "all are acknowledged")
    t.equal(p.metrics().sum("penstock_log_dropped_total"), 0, "lost")
    q = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, name="two.yaml", state=None, accessLog=[
        {"forward": {"servers": ["127.0.0.1:1", other.address]}}])
    h2load(t, q.url(), 200, connections=8)
    t.wait(lambda: len(set(other.ids())) == 200, "the second server has them when the first is not there")


@case("both sides know the shared key, or nothing is sent")
def _(t):
    server = ForwardServer(t, key="s3cret-key", users={"me": "pw"})
    p = start(t, [server], sharedKey="s3cret-key", user="me", password="pw")
    h2load(t, p.url(), 100, connections=4)
    t.wait(lambda: sink(p, "penstock_log_written_lines_total", [server]) == 100, "all are acknowledged")
    wrong = ForwardServer(t, key="another-key")
    q = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, name="wrong.yaml", state=None, accessLog=[
        {"forward": {"servers": [wrong.address], "sharedKey": "s3cret-key"}}])
    h2load(t, q.url(), 20, connections=4)
    t.wait(lambda: "does not take our shared key" in q.stderr(), "it is said in the log")
    t.equal(wrong.entries, [], "entries")


@case("a spool carries records over a restart of penstock while no server is there")
def _(t):
    server = ForwardServer(t)
    address = server.address
    server.close()
    spool = {"directory": t.path("spool"), "maxSize": "64MiB"}
    p = start(t, [address], spool=spool)
    total = scaled(2_000, 1_000)
    h2load(t, p.url(), total, connections=8)
    AccessLog(t, t.path("access.jsonl")).complete(total)
    t.equal(p.terminate(), 0, "the exit status")
    t.check(os.listdir(t.path("spool")), "messages on the disk")
    server = ForwardServer(t, port=int(address.rsplit(":", 1)[1]))
    p = start(t, [address], spool=spool)
    t.wait(lambda: len(set(server.ids())) == total, "all arrive")
    t.wait(lambda: not os.listdir(t.path("spool")), "the spool is empty")


@case("memory stays bounded while no server is there, and what is lost is counted")
def _(t):
    p = start(t, ["127.0.0.1:1"], buffer="1MiB")
    total = scaled(6_000, 3_000)
    t.equal(h2load(t, p.url(), total, connections=16)["2xx"], total, "requests that ended well")
    AccessLog(t, t.path("access.jsonl")).complete(total)
    t.wait(lambda: p.metrics().sum("penstock_log_lost_lines_total") > 0, "lines are lost, and counted")
    t.check(p.metrics().sum("penstock_log_unshipped_bytes") <= 1 << 20, "bytes that wait")


@case("a forward server of others takes every record, over restarts of either side")
def _(t):
    env = npm(t, "@fluent-org/logger@1.0.10")
    place = ForwardServer(t)
    place.close()
    servers = []

    def serve():
        servers.append(Process(t, "fluent", ["node", os.path.join(HERE, "fluent_server.js"), str(place.port), "key-of-both-sides"], env=env))
        t.wait(lambda: "listening" in servers[-1].stdout(), "it listens")

    def got():
        lines = [line.split() for server in servers for line in server.stdout().splitlines()]
        return {words[1] for words in lines if words[0] == "penstock.access"}

    def penstock():
        return start(t, [place.address], sharedKey="key-of-both-sides", ackTimeout="2s", spool={"directory": t.path("spool"), "maxSize": "64MiB"})
    serve()
    p = penstock()
    h2load(t, p.url(), 500, connections=8)
    t.wait(lambda: len(got()) == 500, "the first server has them", 30)
    servers[0].kill()
    h2load(t, p.url(), 500, connections=8)
    serve()
    t.wait(lambda: len(got()) == 1000, "both servers together have every record", 30)
    t.wait(lambda: sink(p, "penstock_log_written_lines_total", [place.address]) == 1000, "all are acknowledged", 30)
    servers[1].kill()
    h2load(t, p.url(), 500, connections=8)
    AccessLog(t, t.path("access.jsonl")).complete(1500)
    t.equal(p.terminate(), 0, "the exit status")
    t.check(os.listdir(t.path("spool")), "messages on the disk")
    serve()
    penstock()
    t.wait(lambda: len(got()) == 1500, "the three servers together have every record", 30)
    t.wait(lambda: not os.listdir(t.path("spool")), "the spool is empty: all are acknowledged", 30)
    t.equal(got(), {r["http"]["request_id"] for r in AccessLog(t, t.path("access.jsonl")).lines()}, "whose records")


main(limit=180.0)  # npm may take its time
