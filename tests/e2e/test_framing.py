"""Messages that break the rules, as bytes, in both directions; what the target receives is compared.

The ids are those of the cases and rules that the project is built to: C a request as it comes in, M a rule of RFC 9112 or
9110, A an attack.
"""
import socket
import time

from harness import case, main
from peers import Raw
from penstock import Penstock
from wire import Closed, Wire, compose

A = b"Host: a\r\n"


def post(fields, body=b"", version=b"1.1"):
    return b"POST / HTTP/%s\r\n%s%s\r\n%s" % (version, A, fields, body)


def te(fields, body=b"3\r\nabc\r\n0\r\n\r\n"):
    return post(b"Transfer-Encoding: " + fields + b"\r\n", body)


def chunk(body):
    return te(b"chunked", body)


def of(fields):
    return b"GET / HTTP/1.1\r\n%s%s\r\n" % (A, fields)


# (id and what, bytes, status): answered with that status, and closed; nothing complete reaches the target.
REFUSED_HEADS = [
    ("C1 Host twice, equal", b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("C2 Host twice, different", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("C3 no Host", b"GET / HTTP/1.1\r\nX: a\r\n\r\n", 400),
    ("C4 Host with a slash", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("C5 Host with a comma", b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
    ("M6 Host with userinfo", b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("M6 Host with a bad port", b"GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400),
    ("M6 Host with a space", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("C6 lines that end in LF", b"GET / HTTP/1.1\nHost: a\n\n", 400),
    ("M2 one line that ends in LF", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    ("C7 a folded line", of(b"X: a\r\n b\r\n"), 400),
    ("C7 a folded line with a tab", of(b"X: a\r\n\tb\r\n"), 400),
    ("C8 a space before the colon", of(b"X : a\r\n"), 400),
    ("M9 a tab before the colon", of(b"X\t: a\r\n"), 400),
    ("C9 a space before the first field", b"GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400),
    ("C9 a bare CR in a value", of(b"X: a\rb\r\n"), 400),
    ("M1 a bare CR in the request line", b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("C10 Content-Length and Transfer-Encoding",
     post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
    ("C10 the other way round", post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"), 400),
    ("C11 Transfer-Encoding in HTTP/1.0", post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"1.0"), 400),
    ("C12 coding gzip", te(b"gzip"), 501),
    ("C13 coding gzip, chunked", te(b"gzip, chunked"), 501),
    ("C14 an empty coding", te(b",chunked"), 400),
    ("C15 chunked twice in one line", te(b"chunked, chunked"), 400),
    ("C15 chunked in two lines", post(b"Transfer-Encoding: chunked\r\n" * 2, b"0\r\n\r\n"), 400),
    ("M11 chunked is not the last", te(b"chunked, gzip"), (400, 501)),
    ("M14 a parameter on chunked", te(b"chunked;a=b"), 400),
    ("C16 a control byte before chunked", te(b"\x0bchunked"), 400),
    ("C16 coding xchunked", te(b"xchunked"), 501),
    ("A8 coding identity", te(b"identity"), (400, 501)),
    ("A8 an empty Transfer-Encoding", te(b""), 400),
    ("A8 a quoted coding", te(b"\"chunked\""), (400, 501)),
    ("C17 a list of equal lengths", post(b"Content-Length: 3, 3\r\n", b"abc"), 400),
    ("C17 the length twice", post(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"), 400),
    ("C18 length +3", post(b"Content-Length: +3\r\n", b"abc"), 400),
    ("C18 an empty length", post(b"Content-Length:\r\n", b"abc"), 400),
    ("C18 two lengths", post(b"Content-Length: 3,4\r\n", b"abc"), 400),
    ("M15 length -1", post(b"Content-Length: -1\r\n", b"abc"), 400),
    ("M15 length 0x3", post(b"Content-Length: 0x3\r\n", b"abc"), 400),
    ("M15 length 3_0", post(b"Content-Length: 3_0\r\n", b"abc"), 400),
    ("M15 a length with a space inside", post(b"Content-Length: 3 0\r\n", b"abc"), 400),
    ("M15 a length beyond 64 bits", post(b"Content-Length: 18446744073709551619\r\n", b"abc"), (400, 413)),
    ("C25 NUL in a value", of(b"X: a\0b\r\n"), 400),
    ("A10 a control byte in a value", of(b"X: a\x01b\r\n"), 400),
    ("A10 DEL in a name", of(b"X\x7f: a\r\n"), 400),
    ("A10 a byte above 0x7f in a name", of(b"X\xe9: a\r\n"), 400),
    ("A10 an empty name", of(b": a\r\n"), 400),
    ("A10 a line without a colon", of(b"X\r\n"), 400),
    ("A10 a comma in a name", of(b"X,Y: a\r\n"), 400),
    ("C27 HTTP/2.0", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("C27 HTTP/0.9 in words", b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", (400, 505)),
    ("C29 no version", b"GET /\r\n\r\n", 400),
    ("A10 http/1.1 in lower case", b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 a version with a leading zero", b"GET / HTTP/01.1\r\nHost: a\r\n\r\n", (400, 505)),
    ("A10 two spaces in the request line", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 a tab in the request line", b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 a space behind the version", b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ("A10 a method with a colon", b"GE:T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 no slash", b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 * for GET", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("C34 a fragment", b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("C35 a byte above 0x7f in the path", b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 NUL in the path", b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("C36 CONNECT", b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405),
    ("M45 CONNECT without a port", b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", (400, 405)),
    ("M39 another expectation", of(b"Expect: 200-maybe\r\n"), 417),
    ("A20 TLS on a clear port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100 + b"\r\n\r\n", 400),
    ("A17 the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
]

REFUSED_BODIES = [
    ("C20 a size line that ends in LF", chunk(b"3\nabc\r\n0\r\n\r\n"), 400),
    ("C20 LF after the data", chunk(b"3\r\nabc\n0\r\n\r\n"), 400),
    ("C20 LF after an extension", chunk(b"3;\nabc\r\n0\r\n\r\n"), 400),
    ("C22 size 0x3", chunk(b"0x3\r\nabc\r\n0\r\n\r\n"), 400),
    ("C23 a space behind the size", chunk(b"3 \r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 a space before the size", chunk(b" 3\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 size +3", chunk(b"+3\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 size -3", chunk(b"-3\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 size 1_0", chunk(b"1_0\r\nabcdefghijklmnop\r\n0\r\n\r\n"), 400),
    ("C24 a size of 17 digits", chunk(b"10000000000000003\r\nabc\r\n0\r\n\r\n"), 400),
    ("M16 a size of 14 digits", chunk(b"00000000000003\r\nabc\r\n0\r\n\r\n"), 400),
    ("C24 five bytes in a chunk of three", chunk(b"3\r\nabcde\r\n0\r\n\r\n"), 400),
    ("A9 an empty size", chunk(b"\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 an extension of 300 bytes", chunk(b"3;" + b"a" * 300 + b"\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 a bare CR in an extension", chunk(b"3;a\rb\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 a bad trailer", chunk(b"3\r\nabc\r\n0\r\nX : y\r\n\r\n"), 400),
    ("A9 trailers without an end", chunk(b"0\r\n" + b"X: y\r\n" * 100), (400, 431)),
    ("A9 one long trailer", chunk(b"0\r\nX: " + b"y" * 10000), (400, 431)),
]

REFUSED_SIZES = [
    ("M5 a request line of 9 KiB", b"GET /" + b"a" * 9216 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ("M5 a request line without an end", b"GET /" + b"a" * 20000, 414),
    ("2.2 a head of 33 KiB", of(b"".join(b"X%d: %s\r\n" % (n, b"y" * 1000) for n in range(33))), 431),
    ("2.2 101 fields", of(b"X: y\r\n" * 100), 431),
    ("M5 a method of 100 letters", b"G" * 100 + b" / HTTP/1.1\r\nHost: a\r\n\r\n", (400, 501)),
]


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


# What a target may send, and the outcomes that may follow; the client sees 502.
BAD_ANSWERS = [
    ("M22 an invalid length", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", ("bad_response",)),
    ("M22 two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", ("bad_response",)),
    ("M23 a folded line", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("M31 NUL in a value", b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("M31 a bare CR in a value", b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("no HTTP at all", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", ("bad_response",)),
    ("a status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("a status of 999", b"HTTP/1.1 999 Much\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("length and coding", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     ("bad_response",)),
    ("an unknown coding", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ("bad_response",)),
    ("2.2 a head of 70 KiB", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 71680 + b"\r\n\r\n", ("bad_response",)),
    ("2.2 201 fields", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 201 + b"\r\n", ("bad_response",)),
    ("M44 101 without being asked", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
     ("bad_response",)),
    ("closed before the head is whole", b"HTTP/1.1 200 OK\r\nX: a\r\n", ("target_cut", "target_closed", "target_reset")),
]

CUT_ANSWERS = [
    ("by length", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"),
    ("between chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"),
    ("inside a chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n12345"),
    ("before the last CRLF", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n"),
    ("by a broken chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n"),
]


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
