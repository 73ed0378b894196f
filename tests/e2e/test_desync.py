"""Not one desynchronisation: raw bytes from clients and targets, and what came out on the other side, byte for byte.

One penstock and one recording target take each table in turn. After each row a request on another connection marks the
end: what the target has received until then must be exactly what the row allows. Then the row's own connection must be
closed, or still be in step. Rows run in one piece, byte by byte and in two pieces.
"""
import json
import os
import random
import re
import signal
import socket
from collections import Counter

import strict
from harness import Failure, Skip, case, main, scaled, tool
from messages import BAD_ANSWERS, CUT_ANSWERS, REFUSED_BODIES, REFUSED_HEADS, REFUSED_SIZES
from peers import Node, Raw
from penstock import Penstock, configuration
from recorder import OK, Play, Recorder
from wire import Closed, Wire, chunked, compose

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
AFTER = b"GET /after HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODY = b"3\r\nabc\r\n0\r\n\r\n"
BYTEWISE_MAX = 400


def plain(data):
    """Ids and dates of ours under one name."""
    data = re.sub(rb"X-Request-Id: [0-9a-f]{32}\r\n", b"X-Request-Id: ID\r\n", data)
    data = re.sub(rb"traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01\r\n", b"traceparent: TP\r\n", data)
    return re.sub(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", b"Date: D\r\n", data)


class Stage:
    """A penstock with one worker, the recorder behind it, and what the rows share."""

    def __init__(self, t, **settings):
        self.t, self.marks, self.rows, self.failures = t, 0, 0, []
        self.kinds = Counter()  # of what a random row turned out to be
        self.target = Recorder(t)
        config = configuration(t, {"ec2": [self.target]}, workers=1, **settings)
        config["targetGroups"]["grpc"] = {"platform": "ec2", "trailers": True, "targets": [self.target.text]}
        config["routes"] += [
            {"name": "grpc", "match": {"pathPrefix": "/t"}, "stable": "grpc"},
            {"name": "tcp", "match": {"pathPrefix": "/tcp"}, "stable": "ec2", "upgrades": ["tcp"]},
            {"name": "small", "match": {"pathPrefix": "/small"}, "stable": "ec2", "maxBody": "10B"},
        ]
        self.p = Penstock(t, {}, config=config)
        self.marker = t.own(Wire(self.p.address))
        self.mark()
        self.marker.send(b"GET /own HTTP/1.1\r\nHost: a\r\n\r\n")
        self.marker.answer()
        (data, _), = self.target.take()
        start, own = plain(data).split(b"Host: a\r\n", 1)
        t.equal(start, b"GET /own HTTP/1.1\r\n", "the request line")
        for line in (b"X-Platform: ec2", b"X-Forwarded-For: 127.0.0.1", b"Via: 1.1 penstock", b"X-Request-Id: ID"):
            t.equal(own.count(line + b"\r\n"), 1, f"{line} among {own}")
        self.own = own

    def up(self, line, fields=b"", body=b"", host=b"a", via=b"1.1", hop=b""):
        """What a target gets of a request: our fields come last, `hop` right before them."""
        own = self.own.replace(b"X-Forwarded-Host: a\r\n", b"X-Forwarded-Host: " + host + b"\r\n" if host else b"")
        own = own.replace(b"Via: 1.1 ", b"Via: " + via + b" ")
        host = host or self.target.text.encode()
        return line + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + fields + hop + own + body

    def mark(self):
        """Everything that was sent to the target before has arrived there when this returns."""
        self.marks += 1
        self.marker.send(b"GET /mark/%d HTTP/1.1\r\nHost: a\r\n\r\n" % self.marks)
        self.t.equal(self.marker.answer().status, 200, "the marker's answer")
        seen, ended = [], False
        for data, over in self.target.take():
            data = plain(data)
            mark = data.rfind(b"GET /mark/%d HTTP/1.1\r\n" % self.marks)
            seen.append(data[:mark] if mark >= 0 else data)
            ended = ended or over
        return b"".join(seen), ended

    def row(self, what, run):
        self.rows += 1
        try:
            run()
        except (Failure, Closed, OSError) as error:
            self.failures.append(f"{what}: {type(error).__name__}: {error}")
            self.mark()

    def end(self):
        self.t.note(", ".join([f"{self.rows} rows"] + [f"{n} {kind}" for kind, n in sorted(self.kinds.items())]))
        self.t.check(not self.failures, f"{len(self.failures)} of {self.rows} rows:\n" + "\n".join(self.failures))
        log = self.p.log
        self.t.wait(lambda: log.count() > 0, "a log")
        for record in log.records():  # valid JSON whatever the bytes were
            self.t.check(record["outcome"], "an outcome")


def pieces(data):
    """The ways to send: in one, byte by byte, in two."""
    yield "", [data]
    if len(data) <= BYTEWISE_MAX:
        yield " (bytewise)", [data[i:i + 1] for i in range(len(data))]
    middle = data.find(b"\r\n\r\n") + 2 if b"\r\n\r\n" in data else len(data) // 2
    yield " (in two)", [data[:middle], data[middle:]]


def send_all(wire, parts):
    try:
        for part in parts:
            wire.send(part)
    except OSError:
        pass  # closed after the answer, which is read next


def decoded(stream):
    """Requests as (head, body, trailers), so that chunks cut otherwise compare equal; what is left stands last."""
    messages = []
    while stream:
        head, mark, rest = stream.partition(b"\r\n\r\n")
        if not mark:
            return messages + [stream]
        body, trailers = b"", b""
        if b"\r\n" + CHUNKED in head + b"\r\n":
            while True:
                line, mark, tail = rest.partition(b"\r\n")
                size = int(line, 16) if mark else 0
                if not mark or (size and len(tail) < size + 2):
                    return messages + [(head, body), rest]
                if size == 0:
                    trailers, mark, rest = (b"\r\n" + tail).partition(b"\r\n\r\n")
                    break
                body, rest = body + tail[:size], tail[size + 2:]
        elif length := re.search(rb"\r\nContent-Length:[ \t]*(\d+)", head, re.I):
            if len(rest) < int(length[1]):
                return messages + [(head, rest)]
            body, rest = rest[:int(length[1])], rest[int(length[1]):]
        messages.append((head, body, trailers))
        stream = rest
    return messages


# ---- refused

def refused(stage, what, data, statuses, tail=SMUGGLED):
    statuses = statuses if isinstance(statuses, tuple) else (statuses,)
    for how, parts in pieces(data + (tail if data.endswith(b"\r\n") else b"")):
        def run():
            with Wire(stage.p.address) as wire:
                send_all(wire, parts)
                answer = wire.answer()
                stage.t.check(answer.status in statuses, f"status {answer.status}")
                stage.t.equal(answer.get("connection"), "close", "Connection")
                stage.t.check(b"penstock/" not in answer.head + answer.body.lower(), "no version is told")
                stage.t.contains(answer.body, answer.get("x-request-id").encode(), "the request id in the body")
                stage.t.equal(wire.rest(), b"", "bytes behind the answer")
            stream, _ = stage.mark()
            whole = [message for message in decoded(stream) if len(message) == 3 and isinstance(message, tuple)]
            stage.t.check(not whole and b"smuggled" not in stream, f"the target got {stream}")
        stage.row(what + how, run)


@case("what is refused never reaches the target whole, however it is cut")
def _(t):
    stage = Stage(t)
    for rows in (REFUSED_HEADS, REFUSED_BODIES, REFUSED_SIZES, MORE_REFUSED):
        for what, data, statuses in rows:
            refused(stage, what, data, statuses)
    stage.end()


def post(fields, body, line=b"POST /p HTTP/1.1"):
    return line + b"\r\nHost: a\r\n" + fields + b"\r\n" + body


MORE_REFUSED = [
    ("A8 CL.TE", post(b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nG"), 400),
    ("A8 TE.CL", post(b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"5c\r\n" + SMUGGLED), 400),
    ("A8 TE.TE in two lines", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", BODY), (400, 501)),
    ("A8 TE.TE, the other way", post(b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", BODY), (400, 501)),
    ("A8 Transfer-Encoding behind a space", post(b"Transfer-Encoding : chunked\r\n", BODY), 400),
    ("A8 a folded Transfer-Encoding", post(b"Transfer-Encoding:\r\n chunked\r\n", BODY), 400),
    ("A8 a tab before chunked and a bell behind", post(b"Transfer-Encoding: \tchunked\x07\r\n", BODY), 400),
    ("A8 NUL behind chunked", post(b"Transfer-Encoding: chunked\0\r\n", BODY), 400),
    ("A8 chunked with a comma", post(b"Transfer-Encoding: chunked,\r\n", BODY), 400),
    ("A8 chunked, identity", post(b"Transfer-Encoding: chunked, identity\r\n", BODY), (400, 501)),
    ("A8 a semicolon", post(b"Transfer-Encoding: chunked;\r\n", BODY), 400),
    ("A8 GET with both", post(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", BODY, b"GET / HTTP/1.1"), 400),
    ("A8 length and an unknown coding", post(b"Content-Length: 3\r\nTransfer-Encoding: x\r\n", b"abc"), (400, 501)),
    ("A8 length 3, 4 in two lines", post(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"), 400),
    ("A8 length 3 and an empty one", post(b"Content-Length: 3\r\nContent-Length:\r\n", b"abc"), 400),
    ("A8 length 3,", post(b"Content-Length: 3,\r\n", b"abc"), 400),
    ("A8 length 1e1", post(b"Content-Length: 1e1\r\n", b"0123456789"), 400),
    ("A8 length 3.0", post(b"Content-Length: 3.0\r\n", b"abc"), 400),
    ("A8 a quoted length", post(b"Content-Length: \"3\"\r\n", b"abc"), 400),
    ("A8 a length in Arabic digits", post("Content-Length: ٣\r\n".encode(), b"abc"), 400),
    ("A8 Connection names Content-Length", post(b"Content-Length: 3\r\nConnection: Content-Length\r\n", b"abc"), 400),
    ("A14 Connection names Host", post(b"Connection: host\r\n", b""), 400),
    ("A8 0.CL in HTTP/1.0 with chunked", post(CHUNKED, BODY, b"GET / HTTP/1.0"), 400),
    ("A9 a chunk of 2^64 bytes", post(CHUNKED, b"10000000000000000\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 a chunk of -1", post(CHUNKED, b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 CR LF in a quoted extension", post(CHUNKED, b"3;a=\"\r\n\"\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 LF in a quoted extension", post(CHUNKED, b"3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 seven bytes in a chunk of five", post(CHUNKED, b"5\r\nabcdefg\r\n0\r\n\r\n"), 400),
    ("A9 a size in quotes", post(CHUNKED, b"\"3\"\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 a comment for a size", post(CHUNKED, b"; a\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 CR CR LF behind a size", post(CHUNKED, b"3\r\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 no CR LF behind the data", post(CHUNKED, b"3\r\nabc0\r\n\r\n"), 400),
    ("A9 a tab behind the size", post(CHUNKED, b"3\t\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 a trailer line without colon", post(CHUNKED, b"0\r\nX\r\n\r\n"), 400),
    ("A9 a folded trailer", post(CHUNKED, b"0\r\nX: a\r\n b\r\n\r\n"), 400),
    ("A9 a bare LF in the trailers", post(CHUNKED, b"0\r\nX: a\n\r\n"), 400),
    ("A9 NUL in a trailer", post(CHUNKED, b"0\r\nX: \0\r\n\r\n"), 400),
    ("A9 33 trailers", post(CHUNKED, b"0\r\n" + b"X: y\r\n" * 33 + b"\r\n"), 431),
    ("A9 tiny chunks without end", post(CHUNKED, b"1;" + b"a" * 200 + b"\r\nx\r\n" + b"1\r\nx\r\n" * 30000), 400),
    ("C35 DEL in the path", b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 garbage", bytes(range(128, 250)) + b"\r\n\r\n", 400),
    ("A10 a line of blanks", b"   \r\n\r\n", 400),
    ("A10 a field of 40 KiB", post(b"X: " + b"y" * 40960 + b"\r\n", b""), 431),
    ("A10 VT for a space", b"GET\x0b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 a name in quotes", post(b"\"X\": a\r\n", b""), 400),
    ("A10 a name with a space", post(b"X Y: a\r\n", b""), 400),
    ("A10 a backspace in a value", post(b"X: a\x08b\r\n", b""), 400),
    ("A10 ESC in a value", post(b"X: a\x1b[31mb\r\n", b""), 400),
    ("A10 DEL in a value", post(b"X: a\x7fb\r\n", b""), 400),
    ("A10 CR CR LF", b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400),
    ("A10 LF CR", b"GET / HTTP/1.1\r\nHost: a\n\r\n\r\n", 400),
    ("A10 two empty lines before the request", b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 a space before the method", b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 HTTP/1.1 twice", b"GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 a target with a space", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 HTTP/1.10", b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
    ("A10 HTTP/3.0", b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ("A12 an empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("A12 Host with a question mark", b"GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", 400),
    ("A12 Host with a fragment", b"GET / HTTP/1.1\r\nHost: a#b\r\n\r\n", 400),
    ("A12 Host with a backslash", b"GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", 400),
    ("A12 Host with percent", b"GET / HTTP/1.1\r\nHost: a%00b\r\n\r\n", 400),
    ("A12 Host with a port too large", b"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400),
    ("A12 Host with port 0", b"GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", 400),
    ("A12 Host with two ports", b"GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", 400),
    ("A12 Host with two dots", b"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", 400),
    ("A12 Host with a broken IPv6", b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    ("A12 a Host of 300 bytes", b"GET / HTTP/1.1\r\nHost: " + b"a" * 300 + b"\r\n\r\n", 400),
    ("A12 absolute-form with userinfo", b"GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A12 absolute-form without a host", b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A12 absolute-form and a bad Host", b"GET http://b/ HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("A12 absolute-form and two Hosts", b"GET http://b/ HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n", 400),
    ("A12 absolute-form without Host", b"GET http://b/ HTTP/1.1\r\n\r\n", 400),
    ("A23 another scheme", b"GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A23 authority-form for GET", b"GET b:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("M45 CONNECT with a bad port", b"CONNECT a:99999 HTTP/1.1\r\nHost: a\r\n\r\n", (400, 405)),
    ("M45 CONNECT to an address inside", b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    ("C36 TRACE", b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    ("M39 two expectations", post(b"Expect: 100-continue, x\r\nContent-Length: 3\r\n", b"abc"), 417),
    ("A16 WebSocket without a key",
     b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
     b"Sec-WebSocket-Version: 13\r\n\r\n", 400),
    ("A16 WebSocket of a bad version",
     b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
     + KEY.replace(b"13", b"777") + b"\r\n", 400),
    ("A16 WebSocket with two keys",
     b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + KEY + KEY + b"\r\n", 400),
    ("2.2 chunks beyond the route's limit",
     post(CHUNKED, b"6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n", b"POST /small HTTP/1.1"), 413),
]


# ---- passed on

def passed(stage, what, data, upstream, statuses=(200,), then="keep", bytewise=True, shut=False):
    """`data` makes the target receive `upstream` and the client these statuses; then the connection is in step."""
    for how, parts in pieces(data):
        if how and not bytewise:
            continue

        def run():
            with Wire(stage.p.address) as wire:
                send_all(wire, parts)
                if shut:
                    wire.sock.shutdown(socket.SHUT_WR)
                for n, status in enumerate(statuses):
                    stage.t.equal(wire.answer(final=False).status, status, f"answer {n}")
                expected = upstream
                if then == "keep":
                    wire.send(AFTER)
                    stage.t.equal(wire.answer().status, 200, "the next answer on the connection")
                    expected = upstream + stage.up(b"GET /after")
                elif then == "closed":
                    stage.t.equal(wire.rest(), b"", "bytes behind the answer")
            stream, ended = stage.mark()
            if how:
                stage.t.equal(decoded(stream), decoded(expected), "what the target got")
            else:
                stage.t.equal(stream, expected, "what the target got")
            stage.t.check(then != "cut" or ended, "the target's connection has ended")
        stage.row(what + how, run)


def get(path, fields=b"", host=b"a", method=b"GET"):
    return method + b" " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + fields + b"\r\n"


@case("what passes reaches the target as these bytes and no others")
def _(t):
    stage = Stage(t)
    up = stage.up
    ping = up(b"GET /x")
    # start lines
    passed(stage, "M4 an empty line before the request", b"\r\n" + get(b"/x"), ping)
    passed(stage, "C28 HTTP/1.2", get(b"/x").replace(b"1.1", b"1.2"), ping)
    passed(stage, "M5 a method nobody knows", get(b"/x", method=b"BREW"), up(b"BREW /x"))
    passed(stage, "a method in lower case is another method", get(b"/x", method=b"get"), up(b"get /x"))
    passed(stage, "M5 a line of 8 KiB", get(b"/x?" + b"a" * 8000), up(b"GET /x?" + b"a" * 8000), bytewise=False)
    for path in (b"/a//b/../c/./d", b"/%7Euser/%2e%2e/x%2fy", b"/?a=b&c=%00&d=/../", b"/a;b=c,d?e?f", b"/%00", b"//x",
                 b"/*!'()~$&+,=:@", b"/a|b[c]{d}", b"/?<script>", b"/%ff%fe", b"/\\..\\x"):
        passed(stage, "M40 A22 the path " + path.decode(), get(path), up(b"GET " + path))
    # authority
    passed(stage, "C26 absolute-form overrules Host", get(b"http://b/x"), up(b"GET /x", host=b"b"))
    passed(stage, "M7 absolute-form in capitals", get(b"HTTP://B:80/x?y"), up(b"GET /x?y", host=b"B:80"))
    passed(stage, "M7 absolute-form without a path", get(b"http://b?x"), up(b"GET /?x", host=b"b"))
    passed(stage, "M8 OPTIONS without a path", get(b"http://b", method=b"OPTIONS"), up(b"OPTIONS *", host=b"b"))
    passed(stage, "M8 OPTIONS with a path", get(b"http://b/", method=b"OPTIONS"), up(b"OPTIONS /", host=b"b"))
    passed(stage, "OPTIONS *", get(b"*", method=b"OPTIONS"), up(b"OPTIONS *"))
    passed(stage, "A12 an IPv6 host", get(b"/x", host=b"[::1]:80"), up(b"GET /x", host=b"[::1]:80"))
    passed(stage, "A12 an empty port is no port", get(b"/x", host=b"a:"), ping)
    passed(stage, "A12 Host in the middle of the fields", b"GET /x HTTP/1.1\r\nA: 1\r\nhOsT:a\r\nB: 2\r\n\r\n",
           up(b"GET /x", b"A: 1\r\nB: 2\r\n"))
    # fields
    passed(stage, "M32 order, spelling and bytes", get(b"/x", b"x-a:1\r\nX-A:  2 \t\r\nX-B:\r\nx-A: caf\xe9\t!\r\n"),
           up(b"GET /x", b"x-a:1\r\nX-A:  2 \t\r\nX-B:\r\nx-A: caf\xe9\t!\r\n"))
    passed(stage, "odd but lawful names", get(b"/x", b"!#$%&'*+-^`|~0: a\r\n"),
           up(b"GET /x", b"!#$%&'*+-^`|~0: a\r\n"))
    passed(stage, "M42 Authorization", get(b"/x", b"Authorization: Basic a:b\r\n"),
           up(b"GET /x", b"Authorization: Basic a:b\r\n"))
    passed(stage, "100 fields", get(b"/x", b"X: y\r\n" * 99), up(b"GET /x", b"X: y\r\n" * 99), bytewise=False)
    passed(stage, "C30 names with '_'", get(b"/x", b"X_Y: 1\r\nX-Y: 2\r\n"), up(b"GET /x", b"X-Y: 2\r\n"))
    passed(stage, "A11 our fields in other spellings",
           get(b"/x",
               b"X_Platform: e\r\nx.platform: e\r\nX-PLATFORM: e\r\nX_Forwarded_For: e\r\nX.Forwarded.Host: e\r\n"
                      b"X-Forwarded-For: e\r\nX-Forwarded-Proto: e\r\nx-forwarded-host: e\r\nX-Forwarded-Port: 1\r\n"
                      b"X-Real-IP: e\r\nForwarded: for=e\r\n"), ping)
    passed(stage, "M33 what Connection names", get(b"/x", b"X-A: 1\r\nConnection: x-a , ,X-B\r\nx-B: 2\r\nX-C: 3\r\n"),
           up(b"GET /x", b"X-C: 3\r\n"))
    passed(stage, "M33 Connection in several lines",
           get(b"/x", b"Connection: X-A\r\nX-A: 1\r\nConnection: x-b\r\nX-B: 2\r\n"),
           ping)
    passed(stage, "M34 fields of the hop",
           get(b"/x", b"Keep-Alive: 5\r\nProxy-Connection: x\r\nUpgrade: x\r\nTE: gzip\r\n"),
           ping)
    passed(stage, "C31 A14 Connection names ours",
           get(b"/x",
               b"Connection: close, X-Forwarded-For, X-Platform, Via, X-Request-Id\r\nX-Forwarded-For: e\r\n"), ping,
           then="closed")
    passed(stage, "C32 A15 h2c",
           get(b"/x", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
           ping)
    passed(stage, "A15 h2c among others", get(b"/x", b"Connection: Upgrade\r\nUpgrade: h2c, tcp\r\n"), ping)
    passed(stage, "A15 h2c on a route of another protocol", get(b"/tcp", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
           up(b"GET /tcp"))
    passed(stage, "C33 M35 TE: trailers", get(b"/x", b"TE: trailers, gzip\r\nConnection: TE\r\n"),
           up(b"GET /x", hop=b"Connection: TE\r\nTE: trailers\r\n"))
    passed(stage, "M36 Via grows at its end", get(b"/x", b"Via: 1.0 b, 1.1 c\r\n"),
           up(b"GET /x", b"Via: 1.0 b, 1.1 c\r\n"))
    passed(stage, "M38 Max-Forwards of OPTIONS", get(b"/x", b"Max-Forwards: 3\r\n", method=b"OPTIONS"),
           up(b"OPTIONS /x")[:-2] + b"Max-Forwards: 2\r\n\r\n")
    passed(stage, "M38 Max-Forwards of GET", get(b"/x", b"Max-Forwards: 0\r\n"), up(b"GET /x", b"Max-Forwards: 0\r\n"))
    passed(stage, "M38 Max-Forwards: 0", get(b"/x", b"Max-Forwards: 0\r\n", method=b"OPTIONS"), b"")
    passed(stage, "M37 A23 a loop", get(b"/x", b"Via: " + b", ".join([b"1.1 penstock"] * 5) + b"\r\n"), b"", (508,))
    passed(stage, "A26 script, quotes and high bytes",
           get(b"/x", b"User-Agent: <script>\"\\\r\nReferer: \xff\xfe\xc0\xaf\r\n"),
           up(b"GET /x", b"User-Agent: <script>\"\\\r\nReferer: \xff\xfe\xc0\xaf\r\n"))
    # bodies
    length = b"Content-Length: 3\r\n"
    passed(stage, "C39 GET with a body", get(b"/x", length) + b"abc", up(b"GET /x", length, b"abc"))
    for odd in (b"Content-Length:3\r\n", b"content-length: 3 \r\n", b"Content-Length:\t3\r\n",
                b"Content-Length:  3\r\n"):
        passed(stage, f"C19 the length as {odd} is written anew", post(odd + b"X: y\r\n", b"abc"),
               up(b"POST /p", b"X: y\r\n", b"abc", hop=length))
    passed(stage, "a body of no bytes", post(b"Content-Length: 0\r\n", b""), up(b"POST /p", b"Content-Length: 0\r\n"))
    passed(stage, "POST without framing", post(b"", b""), up(b"POST /p"))
    passed(stage, "A8 CL.0: a request as a body", post(b"Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED),
           up(b"POST /p", b"Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED))
    passed(stage, "A8 a request in a chunk", post(CHUNKED, b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
           up(b"POST /p", hop=CHUNKED, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)))
    passed(stage, "A8 OPTIONS with chunks", post(CHUNKED, BODY, b"OPTIONS /p HTTP/1.1"),
           up(b"OPTIONS /p", hop=CHUNKED, body=BODY))
    passed(stage, "M14 CHUNKED in capitals", post(b"transfer-encoding:CHUNKED\r\n", BODY),
           up(b"POST /p", hop=CHUNKED, body=BODY))
    passed(stage, "M16 size 0003", post(CHUNKED, b"0003\r\nabc\r\n000\r\n\r\n"),
           up(b"POST /p", hop=CHUNKED, body=BODY))
    passed(stage, "sizes in capitals", post(CHUNKED, b"A\r\n0123456789\r\n0\r\n\r\n"),
           up(b"POST /p", hop=CHUNKED, body=b"a\r\n0123456789\r\n0\r\n\r\n"))
    passed(stage, "C21 M17 chunk extensions", post(CHUNKED, b"3;a=b ; c=\"d\\\"\"\r\nabc\r\n0;x\r\n\r\n"),
           up(b"POST /p", hop=CHUNKED, body=BODY))
    passed(stage, "C38 trailers are dropped", post(CHUNKED + b"Trailer: X-T\r\n", b"3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"),
           up(b"POST /p", hop=CHUNKED, body=BODY))
    passed(stage, "C38 M30 M33 trailers where the group takes them",
           post(CHUNKED + b"Trailer: X-T\r\nConnection: X-H\r\n",
                b"3\r\nabc\r\n0\r\nX-T: 1\r\nX-H: 2\r\nContent-Length: 9\r\nHost: b\r\nX-Platform: e\r\nx_t: 3\r\n\r\n",
                b"POST /t HTTP/1.1"),
           up(b"POST /t", b"Trailer: X-T\r\n", b"3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n", hop=CHUNKED))
    passed(stage, "2.2 a body as large as the route's limit",
           post(b"Content-Length: 10\r\n", b"0123456789", b"POST /small HTTP/1.1"),
           up(b"POST /small", b"Content-Length: 10\r\n", b"0123456789"))
    passed(stage, "2.2 M19 a body beyond the route's limit",
           post(b"Content-Length: 11\r\n", b"01234567890", b"POST /small HTTP/1.1"),
           b"", (413,), bytewise=False)
    large = b"x" * 300000
    passed(stage, "a long body", post(b"Content-Length: 300000\r\n", large),
           up(b"POST /p", b"Content-Length: 300000\r\n", large),
           bytewise=False)
    passed(stage, "M39 C37 Expect passes", post(b"Expect: 100-continue\r\n" + length, b"abc"),
           up(b"POST /p", b"Expect: 100-continue\r\n" + length, b"abc"))
    # connections
    passed(stage, "M20 pipelined requests", get(b"/1") + post(length, b"abc") + get(b"/3"),
           up(b"GET /1") + up(b"POST /p", length, b"abc") + up(b"GET /3"), (200, 200, 200))
    passed(stage, "M20 pipelined chunks", (post(CHUNKED, BODY) + get(b"/2")) * 3,
           (up(b"POST /p", hop=CHUNKED, body=BODY) + up(b"GET /2")) * 3, (200,) * 6)
    passed(stage, "M21 nothing after Connection: close", get(b"/1", b"Connection: close\r\n") + SMUGGLED,
           up(b"GET /1"),
           then="closed")
    passed(stage, "a bad request behind a good one",
           get(b"/1") + b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" + SMUGGLED,
           up(b"GET /1"), (200, 400), then="closed")
    passed(stage, "C3 HTTP/1.0 without Host", b"GET /x HTTP/1.0\r\n\r\n" + SMUGGLED,
           up(b"GET /x", host=b"", via=b"1.0"),
           then="closed")
    passed(stage, "M20 HTTP/1.0 that asks to live on",
           b"GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" + SMUGGLED,
           up(b"GET /x", via=b"1.0"), then="closed")
    passed(stage, "HTTP/1.0 with a body", b"POST /x HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + SMUGGLED,
           up(b"POST /x", length, b"abc", via=b"1.0"), then="closed")
    passed(stage, "M39 Expect of HTTP/1.0",
           b"POST /x HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n" + length + b"\r\nabc",
           up(b"POST /x", length, b"abc", via=b"1.0"), then="closed")
    for what, data, upstream in [
            ("HTTP/1.0", b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n", up(b"GET /x", via=b"1.0")),
            ("Connection: close", get(b"/x", b"Connection: close\r\n"), ping),
            ("a body", post(b"Connection: close\r\n" + length, b"abc"), up(b"POST /p", length, b"abc"))]:
        passed(stage, "a client that closes its side behind its last request: " + what, data, upstream, then="closed",
               shut=True)
    # cut short
    for what, body, got in [
            ("by length", length + b"\r\nab", (length, b"", b"ab")),
            ("in a chunk", CHUNKED + b"\r\n5\r\nabc", (b"", CHUNKED, b"3\r\nabc\r\n")),
            ("in a size", CHUNKED + b"\r\n3\r\nabc\r\n1", (b"", CHUNKED, b"3\r\nabc\r\n")),
            ("before the last CR LF", CHUNKED + b"\r\n3\r\nabc\r\n0\r\n", (b"", CHUNKED, b"3\r\nabc\r\n")),
            ("in the trailers", CHUNKED + b"\r\n3\r\nabc\r\n0\r\nX: y\r\n", (b"", CHUNKED, b"3\r\nabc\r\n"))]:
        cut(stage, "M18 a body cut " + what, b"POST /p HTTP/1.1\r\nHost: a\r\n" + body,
            up(b"POST /p", got[0], got[2], hop=got[1]))
    # early answers
    stage.target.plays[b"/early"] = Play(b"HTTP/1.1 403 No\r\nDate: D\r\nContent-Length: 2\r\n\r\nno", at="head")
    whole = post(b"Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED, b"POST /early HTTP/1.1")
    passed(stage, "A18 an answer before the body", whole[:-len(SMUGGLED)],
           up(b"POST /early", b"Content-Length: %d\r\n" % len(SMUGGLED)), (403,), then="closed", bytewise=False)
    regardless(stage)
    stage.target.plays[b"/gone"] = Play(then="close")
    passed(stage, "M43 a POST that a target drops is not sent again", post(length, b"abc", b"POST /gone HTTP/1.1"),
           up(b"POST /gone", length, b"abc"), (502,))
    stage.end()


def regardless(stage):
    """A client that sends all of a refused body can still read the answer: nothing is reset under it."""
    def run():
        with Wire(stage.p.address) as wire:
            wire.send(b"POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n")
            wire.send(b"x" * 4000000)
            stage.t.equal(wire.answer().status, 413, "the answer")
            stage.t.equal(wire.rest(), b"", "bytes behind the answer")
        stage.t.equal(stage.mark()[0], b"", "what the target got")
    stage.row("A18 M19 a refused body that is sent all the same", run)


def cut(stage, what, data, upstream):
    def run():
        with Wire(stage.p.address) as wire:
            wire.send(data)
            seen = b""
            while len(seen) < len(upstream):  # it is all there before the client leaves
                part, _ = stage.mark()
                seen += part
        stage.t.wait(lambda: stage.mark()[1], "the end of the target's connection")
        stage.t.equal(seen, upstream, "what the target got")
    stage.row(what, run)


# ---- answers

def answered(stage, what, sends, got, request=None, then=None, client="keep", at="whole", bytewise=True):
    """The target answers /a with `sends`, then does `then`; the client receives exactly `got`. `client` is what holds
    of its connection afterwards: keep, closed or broken (RST, or closed before the answer is whole)."""
    request = request or get(b"/a")
    ways = [("", sends)]
    if bytewise and at == "whole" and sum(map(len, sends)) < BYTEWISE_MAX:
        joined = b"".join(sends)
        ways.append((" (bytewise)", [joined[i:i + 1] for i in range(len(joined))]))
    for how, pieces_ in ways:
        def run():
            stage.target.plays[b"/a"] = Play(*pieces_, at=at, then=then)
            with Wire(stage.p.address) as wire:
                wire.send(request)
                if client == "keep":
                    data = b""
                    wire.send(AFTER)
                    while b"\r\n\r\nok" not in data[-8:]:
                        data += wire.exactly(1)
                    data = data[:-len(OK)]
                else:
                    data = wire.rest()
            data = plain(data)
            if how:
                stage.t.equal(decoded(data), decoded(got), "what the client got")
            else:
                stage.t.equal(data, got, "what the client got")
            stage.mark()
        stage.row(what + how, run)


@case("answers reach the client as these bytes and no others")
def _(t):
    stage = Stage(t)
    ok, date, close = b"HTTP/1.1 200 OK\r\n", b"Date: D\r\n", b"Connection: close\r\n"
    two = b"Content-Length: 2\r\n"
    old = b"GET /a HTTP/1.0\r\nHost: a\r\n\r\n"
    head = get(b"/a", method=b"HEAD")
    te = get(b"/a", b"TE: trailers\r\nConnection: TE\r\n")
    chunks = b"2\r\nhi\r\n0\r\n\r\n"
    answered(stage, "by length", [ok + date + two + b"\r\nhi"], ok + date + two + b"\r\nhi")
    answered(stage, "M41 Date is added", [ok + two + b"\r\nhi"], ok + two + date + b"\r\nhi")
    answered(stage, "M28 an empty reason", [b"HTTP/1.1 200 \r\n" + date + two + b"\r\nhi"],
             b"HTTP/1.1 200 \r\n" + date + two + b"\r\nhi")
    answered(stage, "M28 a missing reason", [b"HTTP/1.1 200\r\n" + date + two + b"\r\nhi"],
             b"HTTP/1.1 200 \r\n" + date + two + b"\r\nhi")
    answered(stage, "a reason and a status of its own", [b"HTTP/1.1 299 Quite Well\r\n" + date + two + b"\r\nhi"],
             b"HTTP/1.1 299 Quite Well\r\n" + date + two + b"\r\nhi")
    answered(stage, "equal lengths become one", [ok + date + two + two + b"\r\nhi"], ok + date + two + b"\r\nhi")
    for odd in (b"Content-Length:2\r\n", b"content-length:  2\t\r\n"):
        answered(stage, f"C19 the length as {odd} is written anew", [ok + odd + date + b"\r\nhi"],
                 ok + date + two + b"\r\nhi")
    answered(stage, "chunks", [ok + date + CHUNKED + b"\r\n" + chunks], ok + date + CHUNKED + b"\r\n" + chunks)
    answered(stage, "M17 extensions are dropped", [ok + date + CHUNKED + b"\r\n2;a=\"b\"\r\nhi\r\n0;c\r\n\r\n"],
             ok + date + CHUNKED + b"\r\n" + chunks)
    answered(stage, "M25 chunks to HTTP/1.0", [ok + date + CHUNKED + b"\r\n2\r\nhi\r\n2\r\nho\r\n0\r\n\r\n"],
             ok + date + close + b"\r\nhiho", request=old, client="closed")
    answered(stage, "by length to HTTP/1.0", [ok + date + two + b"\r\nhi"], ok + date + two + close + b"\r\nhi",
             request=old,
             client="closed")
    answered(stage, "until the end, to HTTP/1.1", [ok + date + b"\r\nhi"], ok + date + CHUNKED + b"\r\n" + chunks,
             then="close")
    answered(stage, "until the end, to HTTP/1.0", [ok + date + b"\r\nhi"], ok + date + close + b"\r\nhi", request=old,
             then="close",
             client="closed")
    answered(stage, "an empty body until the end", [ok + date + b"\r\n"], ok + date + CHUNKED + b"\r\n0\r\n\r\n",
             then="close")
    answered(stage, "an answer in HTTP/1.0", [b"HTTP/1.0 200 OK\r\n" + date + b"\r\nhi"],
             ok + date + CHUNKED + b"\r\n" + chunks, then="close")
    answered(stage, "an HTTP/1.0 target that keeps",
             [b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + date + two + b"\r\nhi"],
             ok + date + two + b"\r\nhi")
    for status in (b"204 No Content", b"304 Not Modified"):
        line = b"HTTP/1.1 " + status + b"\r\n"
        answered(stage, "M24 " + status.decode(), [line + date + b"\r\n"], line + date + b"\r\n")
        answered(stage, "M25 chunked in " + status.decode(), [line + date + CHUNKED + b"\r\n"], line + date + b"\r\n")
    answered(stage, "M25 a length in 204", [b"HTTP/1.1 204 No Content\r\n" + date + two + b"\r\n"],
             b"HTTP/1.1 204 No Content\r\n" + date + b"\r\n")
    answered(stage, "M24 a length in 304", [b"HTTP/1.1 304 Not Modified\r\n" + date + two + b"\r\n"],
             b"HTTP/1.1 304 Not Modified\r\n" + date + two + b"\r\n")
    answered(stage, "M24 HEAD", [ok + date + two + b"\r\n"], ok + date + two + b"\r\n", request=head)
    answered(stage, "M24 HEAD with chunked", [ok + date + CHUNKED + b"\r\n"], ok + date + b"\r\n", request=head)
    # more than one answer
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
    final = ok + date + two + b"\r\nhi"
    answered(stage, "M29 1xx before the answer", [go_on, hints, hints, final], go_on + hints + hints + final)
    answered(stage, "M29 in one piece", [go_on + hints + final], go_on + hints + final)
    answered(stage, "M29 a 1xx that nobody has registered", [b"HTTP/1.1 142 Hm\r\nX: y\r\n\r\n" + final],
             b"HTTP/1.1 142 Hm\r\nX: y\r\n\r\n" + final)
    answered(stage, "M25 framing in 1xx", [b"HTTP/1.1 103 Early Hints\r\n" + two + b"\r\n" + final],
             b"HTTP/1.1 103 Early Hints\r\n\r\n" + final)
    answered(stage, "M29 1xx not to HTTP/1.0", [go_on, hints, ok + date + two + b"\r\nhi"],
             ok + date + two + close + b"\r\nhi",
             request=old, client="closed")
    answered(stage, "A13 M26 two answers to one request", [final + ok + b"Content-Length: 4\r\n\r\nevil"], final,
             bytewise=False)
    answered(stage, "M26 bytes behind a 304", [b"HTTP/1.1 304 Not Modified\r\n" + date + two + b"\r\nhi"],
             b"HTTP/1.1 304 Not Modified\r\n" + date + two + b"\r\n", bytewise=False)
    answered(stage, "M26 a body behind HEAD", [ok + date + two + b"\r\nhi"], ok + date + two + b"\r\n", request=head,
             bytewise=False)
    answered(stage, "M26 bytes behind the last chunk",
             [ok + date + CHUNKED + b"\r\n" + chunks + b"HTTP/1.1 500 No\r\n\r\n"],
             ok + date + CHUNKED + b"\r\n" + chunks, bytewise=False)
    # fields
    cookies = b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-High: caf\xe9\r\nWWW-Authenticate: Basic\r\n"
    answered(stage, "M42 fields stay", [ok + cookies + date + two + b"\r\nhi"], ok + cookies + date + two + b"\r\nhi")
    answered(stage, "M33 fields of the hop",
             [ok + b"Connection: x-a\r\nX-A: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n" + date + two
              + b"\r\nhi"],
             final)
    answered(stage, "a target that closes does not close the client", [ok + close + date + two + b"\r\nhi"], final,
             then="close")
    # trailers
    trailers = b"X-T: 1\r\nX-H: 2\r\nContent-Length: 9\r\nSet-Cookie: a\r\nx_t: 3\r\n\r\n"
    named = ok + date + CHUNKED + b"Trailer: X-T\r\nConnection: X-H\r\n\r\n2\r\nhi\r\n0\r\n" + trailers
    answered(stage, "C38 M30 trailers are dropped", [named], ok + date + CHUNKED + b"\r\n" + chunks)
    answered(stage, "C38 M30 M33 trailers to a client that takes them", [named],
             ok + date + b"Trailer: X-T\r\n" + CHUNKED + b"\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n", request=te)
    answered(stage, "M30 trailers to HTTP/1.0", [named], ok + date + close + b"\r\nhi", client="closed",
             request=b"GET /a HTTP/1.0\r\nHost: a\r\nTE: trailers\r\n\r\n")
    # bodies of every size about the edges of the buffers
    for size in (1, 4095, 16384, 65535, 65536, 131073, 1 << 20):
        body = bytes(i * 7 % 251 for i in range(size))
        whole = ok + date + b"Content-Length: %d\r\n\r\n" % size + body
        long_answer(stage, size, whole)
    stage.end()


def long_answer(stage, size, whole):
    def run():
        stage.target.plays[b"/a"] = Play(whole)
        with Wire(stage.p.address) as wire:
            wire.send(get(b"/a"))
            stage.t.check(wire.exactly(len(whole)) == whole, "the bytes differ")
            wire.send(AFTER)
            stage.t.equal(wire.answer().status, 200, "the next answer")
        stage.mark()
    stage.row(f"{size} bytes by length", run)


MORE_BAD = [
    ("M23 a space before the colon", b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n"),
    ("a line that ends in LF", b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"),
    ("all lines end in LF", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    ("A13 a bare LF in Location", b"HTTP/1.1 302 Found\r\nLocation: /\nSet-Cookie: a\r\nContent-Length: 0\r\n\r\n"),
    ("A13 a bare CR in Location", b"HTTP/1.1 302 Found\r\nLocation: /\rSet-Cookie: a\r\nContent-Length: 0\r\n\r\n"),
    ("M11 chunked is not the last", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"),
    ("C13 gzip, chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("C15 chunked twice",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("C16 xchunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("M13 chunked in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("M22 length -1", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
    ("M22 length +2", b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi"),
    ("M22 an empty length", b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"),
    ("M22 a length beyond 64 bits", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhi"),
    ("M22 lengths 2, 3", b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nhi"),
    ("M22 an invalid length in 204", b"HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n"),
    ("HTTP/2 in words", b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n"),
    ("HTTP/2.0", b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("no version", b"200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("ICY", b"ICY 200 OK\r\n\r\n"),
    ("a status of 099", b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"),
    ("a status of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
    ("two spaces before the status", b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("a control byte in the reason", b"HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n"),
    ("a line without colon", b"HTTP/1.1 200 OK\r\nX\r\nContent-Length: 0\r\n\r\n"),
    ("an empty name", b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n"),
    ("an empty line first", b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("A8 Connection names Content-Length",
     b"HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nhi"),
    ("A16 a 101 after a 103",
     b"HTTP/1.1 103 Hm\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    ("D a frame of HTTP/2", b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64\r\n\r\n"),
    ("a TLS alert", b"\x15\x03\x01\0\2\2\x46"),
    ("nothing at all", b""),
]


@case("answers that break the rules become 502, and the next request has another connection")
def _(t):
    stage = Stage(t)
    rows = [row[:2] for row in BAD_ANSWERS] + MORE_BAD
    for what, data in rows:
        for how, sends in [("", [data])] + ([(" (bytewise)", [data[i:i + 1] for i in range(len(data))])]
                                            if 0 < len(data) < BYTEWISE_MAX else []):
            def run():
                stage.target.plays[b"/a"] = Play(*(sends if data else ()), then="close")
                with Wire(stage.p.address) as wire:
                    wire.send(post(b"Accept: application/problem+json\r\n", b"", b"POST /a HTTP/1.1"))
                    interim = wire.answer(final=False)
                    answer = wire.answer() if interim.status < 200 else interim
                    t.equal(answer.status, 502, "the status")
                    t.equal(answer.get("content-type"), "application/problem+json", "the type")
                    problem = json.loads(answer.body)
                    t.equal((problem["status"], problem["requestId"]), (502, answer.get("x-request-id")),
                            "the problem")
                    wire.send(AFTER)
                    t.equal(wire.answer().status, 200, "the next answer")
                stage.mark()
            stage.row(what + how, run)
    stage.end()


MORE_CUT = [
    ("by a reset", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "reset"),
    ("by a reset between chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", "reset"),
    ("by a chunk size of 14 digits", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000005\r\n12345",
     "close"),
    ("by a bare LF behind a size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\n12345\r\n0\r\n\r\n",
     "close"),
    ("by a chunk that is too long", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123456\r\n0\r\n\r\n",
     "close"),
    ("by a bad trailer", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nX : y\r\n\r\n",
     "close"),
    ("in the trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nX: y\r\n", "close"),
]


@case("M27 an answer that is cut short never looks complete, to HTTP/1.1 and to HTTP/1.0")
def _(t):
    stage = Stage(t)
    for what, data, then in [(*row, "close") for row in CUT_ANSWERS] + MORE_CUT:
        for version in (b"1.1", b"1.0"):
            for sends in ([data], [data[i:i + 1] for i in range(len(data))]):
                def run():
                    stage.target.plays[b"/a"] = Play(*sends, then=then)
                    with Wire(stage.p.address) as wire:
                        wire.send(b"GET /a HTTP/" + version + b"\r\nHost: a\r\n\r\n")
                        try:
                            answer = wire.head()
                        except Closed:
                            answer = None
                        if answer and answer.status != 502:
                            try:
                                while True:
                                    wire.exactly(1)
                            except Closed as closed:
                                t.check(answer.get("content-length") or answer.get("transfer-encoding") or
                                        str(closed) == "reset", "an end that looks like one")
                                t.check(closed.got[-5:] != b"0\r\n\r\n", "a last chunk")
                    stage.mark()
                stage.row(f"{what}, to HTTP/{version.decode()}", run)
    stage.end()


# ---- upgrades

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + KEY


@case("A16 a connection becomes a tunnel on a true 101 only, and what was early is HTTP otherwise")
def _(t):
    stage = Stage(t)
    asked = stage.up(b"GET /ws", KEY, hop=b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
    no = b"HTTP/1.1 400 No\r\nDate: D\r\nContent-Length: 2\r\n\r\nno"

    def stays_http(what, sends, statuses, then="keep", play=None):
        stage.target.plays[b"/ws"] = Play(*sends, then=play)
        upstream = asked + (stage.up(b"GET /smuggled") if then == "keep" else b"")
        passed(stage, what, get(b"/ws", UPGRADE) + SMUGGLED, upstream, statuses, then)

    stays_http("a target that says 400", [no], (400, 200))
    stays_http("a target that says 200", [OK], (200, 200))
    stays_http("a target that says 426", [no.replace(b"400 No", b"426 Upgrade Required\r\nUpgrade: websocket")],
               (426, 200))
    for what, answer in [
            ("no answer to the key", SWITCH + b"Upgrade: websocket\r\n\r\n"),
            ("a wrong answer to the key",
             SWITCH + b"Upgrade: websocket\r\n" + ACCEPT.replace(b"s3p", b"S3p") + b"\r\n"),
            ("another protocol", SWITCH + b"Upgrade: tcp\r\n" + ACCEPT + b"\r\n"),
            ("two protocols", SWITCH + b"Upgrade: websocket, tcp\r\n" + ACCEPT + b"\r\n"),
            ("no protocol", SWITCH + ACCEPT + b"\r\n"),
            ("no Connection",
             SWITCH.replace(b"Connection: Upgrade\r\n", b"") + b"Upgrade: websocket\r\n" + ACCEPT + b"\r\n")]:
        stays_http("M44 a 101 with " + what, [answer], (502, 200))

    switched = SWITCH + b"Upgrade: websocket\r\n" + ACCEPT + b"\r\n"
    got = (b"HTTP/1.1 101 Switching Protocols\r\n" + ACCEPT + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    through(stage, "a WebSocket", get(b"/ws", UPGRADE), asked, switched, got)
    through(stage, "a WebSocket with early bytes", get(b"/ws", UPGRADE) + b"early", asked + b"early", switched,
            got + b"early")
    through(stage, "a WebSocket whose target speaks first", get(b"/ws", UPGRADE), asked, switched + b"hello",
            got + b"hello")
    through(stage, "another protocol", get(b"/tcp", b"Connection: Upgrade\r\nUpgrade: tcp\r\n"),
            stage.up(b"GET /tcp", hop=b"Connection: Upgrade\r\nUpgrade: tcp\r\n"), SWITCH + b"Upgrade: tcp\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
    stage.t.wait(lambda: sum(r["outcome"] == "upgraded" for r in stage.p.log.records()) == 4,
                 "four tunnels in the log")
    stage.end()


# ---- anything at all

PIECES = [b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b"\x0b", b"\x85", b":", b",", b";", b"=", b"\"", b"0", b"00",
          b"1", b"3", b"-", b"+", b"x", b"_", b".", b"/", b"http://b", b"#", b"?", b"%00", b"\r\n\r\n", b"\r\n ",
          CHUNKED, b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Host: b\r\n", b"Connection: close\r\n",
          b"Connection: content-length\r\n", b"Transfer-Encoding: x\r\n", b"Transfer_Encoding: chunked\r\n",
          b"Expect: 100-continue\r\n", b"TE: trailers\r\n", b"Upgrade: h2c\r\n", b"0\r\n\r\n", b"3\r\nabc\r\n",
          b"HTTP/1.0", b"HTTP/1.1", SMUGGLED, b"chunked", b"identity"]


def mutated(random, seeds):
    """One to three messages in a row, a few pieces of which are gone, doubled, swapped or strewn in."""
    data = b"".join(random.choice(seeds) for _ in range(random.choice((1, 1, 2, 3))))
    for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        at, end = sorted(random.randrange(len(data) + 1) for _ in range(2))
        kind = random.randrange(5)
        if kind == 0:
            end = min(end, at + random.choice((1, 1, 2, 20)))
            data = data[:at] + data[end:]
        elif kind == 1:
            data = data[:at] + data[at:end][:60] + data[at:]
        elif kind == 2:
            lines = data.split(b"\r\n")
            lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
            data = b"\r\n".join(lines)
        else:
            data = data[:at] + random.choice(PIECES) + data[at:]
    return data


def agree(stage, data, cut):
    """The target receives the requests that a second reader finds in the client's bytes, in one framing; and the client
    gets an answer of the target to each of them."""
    def run():
        with Wire(stage.p.address) as wire:
            send_all(wire, [data[:cut], data[cut:]])
            try:
                wire.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answers = wire.rest()
        stream, _ = stage.mark()
        found = decoded(stream)
        if found and (len(found[-1]) != 3 or not isinstance(found[-1], tuple)):
            found.pop()  # begun, and cut with the client
            if found and len(found[-1]) == 2:
                found.pop()
        got = [(*head.split(b" ", 2)[:2], body) for head, body, _ in found]
        stage.t.equal(got, strict.requests(data), "what the target got")
        stage.t.equal(answers.count(b"\r\n\r\nok"), len(got), "answers of the target")
        stage.kinds[f"with {len(got)} requests"] += 1
    stage.row(repr(data), run)


@case("of anything at all, the target gets what another strict reader finds in it")
def _(t):
    stage = Stage(t, halfClosed="serve")
    for data, at in random_requests(t):
        agree(stage, data, at)
    stage.end()


def random_requests(t):
    """(bytes, where to cut them) for as many as are wanted."""
    seeds = [data for rows in (REFUSED_HEADS, REFUSED_BODIES, MORE_REFUSED) for _, data, _ in rows
             if len(data) < 600 and b"/small" not in data]
    seeds += [get(b"/x"), get(b"/y?z", b"A: b\r\nConnection: keep-alive\r\n"), post(CHUNKED, BODY),
              post(b"Content-Length: 3\r\n", b"abc"), post(CHUNKED, b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"),
              get(b"http://b/x"), get(b"*", method=b"OPTIONS")] * 50
    for _ in range(int(os.environ.get("PENSTOCK_E2E_MUTATIONS") or scaled(1500))):
        data = mutated(t.random, seeds)
        yield data, t.random.randrange(len(data) + 1)


@case("node reads in what we pass on what the strict reader reads")
def _(t):
    if not tool("node"):
        raise Skip("node is not installed")
    p = Penstock(t, {"ec2": [Node(t, "ec2", echo=True)]}, workers=1, halfClosed="serve")
    counts, wrong = Counter(), []

    def run(wire, data, at):
        send_all(wire, [data[:at], data[at:]])
        try:
            wire.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        for method, path, body in strict.requests(data):
            answer = wire.answer(method.decode())
            if answer.status != 200:  # a method, for example, that node does not know
                counts["refused"] += 1
                t.equal(answer.status, 400, "the status of what node refuses")
            elif method != b"HEAD":
                counts["read"] += 1
                t.equal([bytes.fromhex(x) for x in json.loads(answer.body)], [method, path, body], "what node read")
    for data, at in random_requests(t):
        try:
            with Wire(p.address) as wire:
                run(wire, data, at)
        except (Failure, Closed) as error:
            wrong.append(f"{data!r}: {error}")
    t.note(", ".join(f"{n} {what}" for what, n in counts.items()))
    t.check(not wrong, "\n".join(wrong))


EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
BUFFERS = (16384, 131072)  # an answer that fills one leaves what is behind it in the socket


def misbehave(wire):
    """A target that answers /ID/HOW/SIZE with the id and so many bytes, in one of many ways."""
    while True:
        message = wire.head()
        _, ident, how, size = message.target.split("/")
        body = ident.encode() + b"." + b"x" * int(size)
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        if how == "early":
            wire.send(answer)
            wire.body(message)
            continue
        wire.body(message)
        if how == "chunks":
            middle = len(body) // 2
            answer = b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n" + chunked(body[:middle], body[middle:])
        elif how == "full":
            answer = exactly(ident, BUFFERS[int(size) > 10000])
        if how in ("twice", "full"):
            answer += EVIL
        elif how == "hint":
            answer = b"HTTP/1.1 103 Hm\r\nX: " + ident.encode() + b"\r\n\r\n" + answer
        elif how == "pieces":
            for at in range(0, len(answer), 7 + len(answer) // 20):
                wire.send(answer[at:at + 7 + len(answer) // 20])
            continue
        elif how == "cut":
            wire.send(answer[:-1])
            return
        elif how == "drop":
            return
        wire.send(answer)
        if how == "close":
            return


def exactly(ident, total):
    """An answer of so many bytes."""
    for length in range(total - 60, total - 40):
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length
        if len(answer) + length == total:
            return answer + ident.encode() + b"." + b"x" * (length - len(ident) - 1)
    raise Failure(f"no answer has {total} bytes")


WAYS = ["plain"] * 8 + ["early", "chunks", "chunks", "twice", "full", "full", "hint", "pieces", "cut", "drop", "close"]


def converse(t, p, seed, rounds):
    """A client that pipelines: each answer has to be the one to its own request. Gives the answers of targets."""
    rnd, served = random.Random(f"{t.name} {seed}"), 0
    for turn in range(rounds):
        sent, data = [], b""
        for n in range(rnd.choice((1, 1, 2, 4))):
            ident, how = f"{seed}-{turn}-{n}", rnd.choice(WAYS)
            size = rnd.choice((0, 10, 1000, 20000, 150000))
            body = b"y" * rnd.choice((0, 0, 0, 5, 30000, 100000))
            sent.append((ident, how))
            data += compose("POST" if body else "GET", f"/{ident}/{how}/{size}", body=body or None)
        with Wire(p.address) as wire:
            at = rnd.randrange(len(data))
            sender = t.thread(send_all, wire, [data[:at], data[at:]])
            for ident, how in sent:
                try:
                    answer = wire.answer()
                except Closed:
                    break  # an answer that was cut, or an early one, ends the connection
                t.check(b"evil" not in answer.body, f"{ident} got an answer that nobody had asked for")
                if answer.status == 200 and answer.complete:
                    t.equal(answer.body.split(b".")[0], ident.encode(), f"the answer to {ident} {how}")
                    served += 1
                elif answer.status != 200:
                    t.equal(answer.status, 502, f"{ident} {how}")  # dropped, or on a connection that was closing
                if answer.get("connection") == "close" or not answer.complete:
                    break
            wire.sock.close()
            sender.join()
    return served


@case("each answer belongs to its request, whatever targets do with the others")
def _(t):
    targets = [Raw(t, misbehave) for _ in range(2)]
    p = Penstock(t, {"ec2": targets}, workers=1)
    rounds = int(os.environ.get("PENSTOCK_E2E_ROUNDS") or scaled(60))
    clients = [t.thread(converse, t, p, seed, rounds) for seed in range(6)]
    t.note(f"{sum(client.join() for client in clients)} answers")


def agrees_on_answer(stage, data, cut):
    """The client gets what a second reader finds in the target's bytes; 502 for what is none; and what the target cut
    short it can see to be cut."""
    statuses, body = strict.answer(data[:cut])
    if body is not None and statuses[-1] != 502:
        cut = 0  # what came later could be the answer to the next request for all that anybody knows

    def run():
        stage.target.plays[b"/a"] = Play(*(piece for piece in (data[:cut], data[cut:]) if piece), then="close")
        statuses, body = strict.answer(data)
        stage.kinds["cut" if body is None else "refused" if statuses[-1] == 502 else "whole"] += 1
        got = []
        with Wire(stage.p.address) as wire:
            try:
                wire.send(post(b"", b"", b"POST /a HTTP/1.1"))
                while not got or got[-1] < 200:
                    answer = wire.answer(final=False)
                    got.append(answer.status)
                whole = answer.complete
                if whole:
                    wire.send(AFTER)
                    stage.t.equal(wire.answer().body, b"ok", "the next answer")
            except Closed:
                whole = False
        if body is None:
            stage.t.check(not whole, "a whole answer, where the target's was cut")
        else:
            stage.t.equal((got, whole), (statuses, True), "the statuses")
            stage.t.check(got[-1] == 502 or answer.body == body, f"the body {answer.body!r}, not {body!r}")
        stage.mark()
    stage.row(repr(data), run)


@case("of any answer at all, the client gets what another strict reader finds in it")
def _(t):
    stage = Stage(t)
    seeds = [data for rows in (BAD_ANSWERS, CUT_ANSWERS, MORE_BAD, MORE_CUT) for _, data, *_ in rows
             if 0 < len(data) < 600]
    ok = b"HTTP/1.1 200 OK\r\nX: y\r\n"
    seeds += [ok + b"Content-Length: 3\r\n\r\nabc", ok + CHUNKED + b"\r\n" + BODY, ok + b"\r\nabc",
              b"HTTP/1.1 103 Hm\r\n\r\n" + ok + CHUNKED + b"\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
              b"HTTP/1.0 200 OK\r\n\r\nabc", b"HTTP/1.1 204 No Content\r\n\r\n",
              b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n"] * 20
    for _ in range(int(os.environ.get("PENSTOCK_E2E_MUTATIONS") or scaled(1000))):
        data = mutated(t.random, seeds)
        agrees_on_answer(stage, data, t.random.randrange(len(data) + 1))
    stage.end()


@case("tunnels and long bodies are counted, and the end of penstock is the end of a tunnel")
def _(t):
    stage = Stage(t)
    stage.target.plays[b"/ws"] = Play(SWITCH + b"Upgrade: websocket\r\n" + ACCEPT + b"\r\n", then="echo")
    long_answer(stage, 1 << 20, b"HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 1048576\r\n\r\n" + b"x" * (1 << 20))
    with Wire(stage.p.address) as wire:
        wire.send(get(b"/ws", UPGRADE))
        t.equal(wire.head().status, 101, "the switch")
        wire.send(b"ping")
        t.equal(wire.exactly(4), b"ping", "the echo")
        metrics = stage.p.metrics()
        t.equal(metrics.sum("penstock_tunnels", route="web"), 1, "penstock_tunnels")
        t.within(metrics.sum("penstock_bulk_bytes_total"), 1, 1 << 20, "penstock_bulk_bytes")
        stage.p.signal(signal.SIGTERM)
        wire.send(b"still here")
        t.equal(wire.exactly(10), b"still here", "the echo while penstock ends")
        stage.p.signal(signal.SIGTERM)
        t.equal(wire.rest(), b"", "what follows")
        t.equal(stage.p.wait(), 0, "the exit status")
    record, = (r for r in stage.p.log.records() if r["outcome"] == "upgraded")
    t.equal((record["http"]["status_code"], record["blame"]), (101, "nobody"), "the log")
    t.equal(record["network"]["bytes_read"], len(get(b"/ws", UPGRADE)) + 14, "bytes from the client")


def through(stage, what, request, upstream, answer, got):
    """Bytes of any kind pass through the tunnel in both directions."""
    def run():
        stage.target.plays[b"/ws"] = stage.target.plays[b"/tcp"] = Play(answer, then="echo")
        with Wire(stage.p.address) as wire:
            wire.send(request)
            stage.t.equal(wire.exactly(len(got)), got, "what the client got")
            expected = upstream
            for size in (1, 100, 70000):
                data = bytes(i * 11 % 253 for i in range(size))
                wire.send(data)
                stage.t.check(wire.exactly(size) == data, "the echo differs")
                seen, _ = stage.mark()
                stage.t.equal(seen, expected + data, "what the target got")
                expected = b""
    stage.row(what, run)


main()
