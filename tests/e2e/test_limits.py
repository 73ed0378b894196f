"""What one client can take: connections and requests of an address, and time."""
from harness import case, main
from peers import Raw
from penstock import Penstock
from wire import Closed, Wire, get

SLOW = 40  # clients of each kind


def greeting(client):
    return f"PROXY TCP4 {client} 192.0.2.200 40000 80\r\n".encode()


def asks(wire):
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    return wire.answer().status


@case("connections of one address have a cap, and other addresses their own")
def _(t):
    p = Penstock(t, {"ec2": [Raw(t)]}, workers=2, limits={"connectionsPerAddress": 2},
                 listeners=[{"address": "127.0.0.1:0", "proxyProtocol": ["127.0.0.0/8"]}])

    def comes(client):
        wire = t.own(Wire(p.address))
        wire.send(greeting(client))
        try:
            return wire, asks(wire)
        except (Closed, ConnectionError):
            return wire, None

    first, status = comes("192.0.2.1")
    t.equal(status, 200, "the first")
    t.equal(comes("192.0.2.1")[1], 200, "the second")
    t.equal(comes("192.0.2.1")[1], None, "the third")
    t.equal(comes("192.0.2.2")[1], 200, "another client")
    t.equal(p.metrics().sum("penstock_connections_crowding_total"), 1, "counted")
    first.close()
    t.wait(lambda: comes("192.0.2.1")[1] == 200, "the place of one that left")


@case("slow clients of every kind are cut, and others are served meanwhile")
def _(t):
    p = Penstock(t, {"ec2": [Raw(t)]}, workers=1,
                 timeouts={"requestHead": "2s", "body": "2s", "bodyGrace": "1s", "clientWrite": "3s"})
    beginnings = {
        "no byte": b"",
        "half a head": b"GET / HTTP/1.1\r\nHost: a\r\nX-",
        "half a body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx",
    }
    slow = []
    for beginning in beginnings.values():
        for _ in range(SLOW):
            wire = t.own(Wire(p.address))
            wire.send(beginning)
            slow.append(wire)
    t.equal([get(p.address).status for _ in range(10)], [200] * 10, "others")

    def drips():
        for wire in slow:
            try:
                wire.send(b"x")
            except (OSError, Closed):
                pass
        t.equal(get(p.address).status, 200, "another meanwhile")
        return p.metrics().sum("penstock_connections") <= 2

    t.wait(drips, "all of the slow ones are gone", timeout=20)


@case("memory stays within its budget while clients leave large answers unread, and others are told to come again")
def _(t):
    body = b"x" * (8 << 20)

    def serve(wire):
        wire.request()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    p = Penstock(t, {"ec2": [Raw(t, serve)]}, workers=2, limits={"memory": "4MiB"})
    before = p.memory_kib()
    readers, refused = [], 0
    while refused < 20 and len(readers) < 400:
        wire = t.own(Wire(p.address))
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        head = wire.until(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 200 "):
            readers.append(wire)
            continue
        t.equal((head[:13], b"\r\nRetry-After: 1\r\n" in head), (b"HTTP/1.1 503 ", True), "the answer of the proxy")
        refused += 1
    t.equal(refused, 20, "refused")
    memory = p.metrics()
    t.equal(memory.sum("penstock_memory_limit_bytes"), 4 << 20, "the budget")
    t.equal(memory.sum("penstock_memory_bytes") <= 4 << 20, True, "within it")
    t.equal(p.memory_kib() - before < 16 << 10, True, f"{before} KiB have become {p.memory_kib()}: little more")
    for wire in readers:
        wire.close()
    t.wait(lambda: get(p.address).status == 200, "served again")


main()
