"""Messages that break the rules, as bytes, in both directions; what the target receives is compared.

The ids are those of the cases and rules that the project is built to: C a request as it comes in, M a rule of RFC 9112 or
9110, A an attack.
"""
import socket
import time

from harness import case, main
from messages import BAD_ANSWERS, CUT_ANSWERS, REFUSED_BODIES, REFUSED_HEADS, REFUSED_SIZES, post
from peers import Raw
from penstock import Penstock
from wire import Closed, Wire, compose

def statuses(expected):
    return expected if isinstance(expected, tuple) else (expected,)


def refusals(t, rows):
    """Sends each row, followed by a second request that must not be served."""
    target = Raw(t)
    p = Penstock(t, {"ec2": [target]}, workers=1)  # one worker: the log's order is ours
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    for what, data, expected in rows:
        with Wire(p.address) as wire:
            wire.send(data + (smuggled if data.endswith(b"\r\n") else b""))
            try:
                answer = wire.answer("GET")
            except Closed as closed:
                t.check(False, f"{what}: {closed} without an answer")
            t.check(answer.status in statuses(expected), f"{what}: got {answer.status}, expected {expected}")
            t.equal(answer.get("connection"), "close", f"{what}: Connection")
            t.equal(wire.rest(), b"", f"{what}: bytes behind the answer")
    t.settled(lambda: len(target.requests), "requests at the target")
    t.equal([r.head for r in target.requests if r.complete], [], "whole requests at the target")
    t.check(b"smuggled" not in b"".join(r.head for r in target.requests), "nothing was smuggled")
    records = p.log.wait(len(rows))
    t.equal(len(records), len(rows), "lines in the log: one a request")
    for (what, _, expected), record in zip(rows, records):
        t.check(record["http"]["status_code"] in statuses(expected), f"{what}: {record['http']['status_code']} in the log")
    t.equal({r["outcome"] for r in records} - {"bad_request", "method_refused"}, set(), "outcomes in the log")


@case("heads that break the rules are refused and the connection closes")
def _(t):
    refusals(t, REFUSED_HEADS)


@case("bodies that break the rules never reach the target whole")
def _(t):
    refusals(t, REFUSED_BODIES)


@case("heads that are too large are refused")
def _(t):
    refusals(t, REFUSED_SIZES)


@case("TRACE is refused and the connection may go on")
def _(t):
    target = Raw(t)
    p = Penstock(t, {"ec2": [target]})
    with Wire(p.address) as wire:
        t.equal(wire.ask("TRACE").status, 405, "the answer")
    t.equal(target.requests, [], "requests at the target")


# (what, bytes, what the target must get: target, body)
ACCEPTED = [
    ("M4 an empty line before the request", b"\r\nGET /m4 HTTP/1.1\r\nHost: a\r\n\r\n", "/m4", b""),
    ("C28 HTTP/1.2", b"GET /c28 HTTP/1.2\r\nHost: a\r\n\r\n", "/c28", b""),
    ("C21 chunk extensions are dropped", b"POST /c21 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"3;a=b;c=\"d\"\r\nabc\r\n0;x\r\n\r\n", "/c21", b"abc"),
    ("C38 trailers do not become fields", b"POST /c38 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
     b"Trailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n", "/c38", b"abc"),
    ("C39 GET with a body", b"GET /c39 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "/c39", b"abc"),
    ("M16 size 00003", b"POST /m16 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n00003\r\nabc\r\n0\r\n\r\n",
     "/m16", b"abc"),
    ("M14 CHUNKED in capitals", b"POST /m14 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
     "/m14", b"abc"),
    ("Host as an IPv6 literal", b"GET /v6 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "/v6", b""),
    ("no spaces around the value", b"GET /ows HTTP/1.1\r\nHost:a\r\nX:  b \t\r\n\r\n", "/ows", b""),
    ("an unknown method", b"BREW /brew HTTP/1.1\r\nHost: a\r\n\r\n", "/brew", b""),
    ("100 fields", b"GET /many HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 99 + b"\r\n", "/many", b""),
    ("a line of 8 KiB", b"GET /long?" + b"a" * 8000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", "/long?" + "a" * 8000, b""),
]


@case("odd but lawful requests pass, with one framing")
def _(t):
    target = Raw(t)
    p = Penstock(t, {"ec2": [target]})
    for n, (what, data, path, body) in enumerate(ACCEPTED):
        with Wire(p.address) as wire:
            wire.send(data)
            t.equal(wire.answer().status, 200, what)
            t.equal(wire.ask(target="/next").status, 200, f"{what}: the next request on the connection")
        got, following = target.requests[2 * n:2 * n + 2]
        t.equal((got.target, got.body, following.target), (path, body, "/next"), what)
        t.equal(got.start.rsplit(" ")[-1], "HTTP/1.1", f"{what}: the version at the target")
        t.equal(got.all("x-t"), [], f"{what}: a trailer among the fields")
        t.check(got.complete and not (got.all("content-length") and got.all("transfer-encoding")), f"{what}: framing")


@case("C19 a length with leading zeros is refused or made plain")
def _(t):
    target = Raw(t)
    p = Penstock(t, {"ec2": [target]})
    with Wire(p.address) as wire:
        wire.send(post(b"Content-Length: 003\r\n", b"abc"))
        if wire.answer().status == 200:
            t.equal(target.requests[0].get("content-length"), "3", "the length at the target")
        else:
            t.equal(target.requests, [], "requests at the target")


@case("A18 an answer before the body is read does not let the body become a request")
def _(t):
    def early(wire):
        heads.append(wire.head())
        wire.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
        rest.append(wire.rest())
    heads, rest = [], []
    p = Penstock(t, {"ec2": [Raw(t, early)]})
    hidden = compose(target="/hidden")
    with Wire(p.address) as wire:
        wire.send(compose("POST", "/early", fields=[("Content-Length", str(len(hidden)))]))
        t.equal(wire.answer().status, 403, "the early answer")
        try:
            wire.send(hidden)
            wire.rest()
        except (Closed, OSError):
            pass
    t.settled(lambda: len(heads), "requests at the target")
    t.equal([h.target for h in heads], ["/early"], "requests at the target")


@case("M18 a request body that is cut short does not look complete to the target")
def _(t):
    target = Raw(t)
    p = Penstock(t, {"ec2": [target]})
    for fields, body in [([("Content-Length", "10")], b"12345"), ([("Transfer-Encoding", "chunked")], b"5\r\n12345\r\n")]:
        with Wire(p.address) as wire:
            wire.send(compose("POST", "/", fields=fields) + body)
    t.equal({r["outcome"] for r in p.log.wait(2)}, {"client_gone"}, "outcomes in the log")
    t.settled(lambda: len(target.requests), "requests at the target")
    t.equal([r.head for r in target.requests if r.complete], [], "whole requests at the target")


def answering(rows):
    """A target that answers /N with the bytes of row N and then closes."""
    def serve(wire):
        data = rows[int(wire.request().target[1:])][1]
        wire.send(data)
        wire.sock.shutdown(socket.SHUT_WR)
        wire.rest()
    return serve


@case("answers that break the rules become 502 and are not passed on")
def _(t):
    p = Penstock(t, {"ec2": [Raw(t, answering(BAD_ANSWERS))]}, workers=1)
    for n, (what, _, _) in enumerate(BAD_ANSWERS):
        with Wire(p.address) as wire:
            t.equal(wire.ask("POST", f"/{n}", body=b"").status, 502, what)
    for (what, _, outcomes), record in zip(BAD_ANSWERS, p.log.wait(len(BAD_ANSWERS))):
        t.check(record["outcome"] in outcomes, f"{what}: outcome {record['outcome']}")


@case("M27 an answer that the target cuts short never looks complete")
def _(t):
    p = Penstock(t, {"ec2": [Raw(t, answering(CUT_ANSWERS))]}, workers=1)
    for n, (what, _) in enumerate(CUT_ANSWERS):
        with Wire(p.address) as wire:
            try:
                answer = wire.ask(target=f"/{n}")
                t.check(answer.status == 502 or not answer.complete, f"{what}: {answer.status} looks complete")
            except Closed:
                pass
    for (what, _), record in zip(CUT_ANSWERS, p.log.wait(len(CUT_ANSWERS))):
        t.check(record["outcome"] in ("target_cut", "target_reset", "bad_response"), f"{what}: {record['outcome']}")


@case("M26 bytes that nobody asked for are not taken as the next answer")
def _(t):
    evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

    def chatty(wire):
        while True:
            path = wire.request().target
            good = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n%s" % path[1:4]
            wire.send(good + (evil if path == "/now" else ""))
            if path == "/bit":
                wire.send(evil)
    p = Penstock(t, {"ec2": [Raw(t, chatty)]}, workers=1)
    with Wire(p.address) as wire:
        for n in range(20):
            t.equal(wire.ask(target="/now").body, b"now", "the answer, with the other one in the same segment")
            t.equal(wire.ask(target="/one").body, b"one", "the next answer")
        for n in range(5):
            t.equal(wire.ask(target="/bit").body, b"bit", "the answer, with the other one a bit later")
            time.sleep(0.05)  # arrived by then, whatever the scheduler does
            t.equal(wire.ask(target="/one").body, b"one", "the next answer")


@case("M28 an empty reason keeps its space, M25 no framing that the rules forbid")
def _(t):
    def serve(wire):
        for data in ("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
                     "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
                     "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"):
            wire.request()
            wire.send(data)
            if "204" in data:
                break
    p = Penstock(t, {"ec2": [Raw(t, serve)]}, workers=1)
    with Wire(p.address) as wire:
        t.check(wire.ask().start.startswith("HTTP/1.1 200 "), "an empty reason")
        t.check(wire.ask().start.startswith("HTTP/1.1 200 "), "a reason that is missing")
        answer = wire.ask()
        t.equal((answer.status, answer.all("content-length"), answer.all("transfer-encoding")), (204, [], []), "204")


main()
