"""HTTP/1.1 on a raw socket: sends exactly the bytes it is given and reads answers strictly."""
import re
import socket

from harness import PATIENCE, Failure

LINE_MAX = 256 * 1024


class Closed(Exception):
    """The other side closed or reset the connection; `got` is what had arrived of the message."""

    def __init__(self, what, got=b""):
        super().__init__(what)
        self.got = got


class Message:
    """A request or an answer: start line, fields in order, body."""

    def __init__(self, start, fields, head):
        self.start, self.fields, self.head = start, fields, head
        self.body = b""
        self.trailers = []
        self.framing = "none"  # "length", "chunked" or "close"
        self.complete = True   # False when the connection ended inside the body

    @property
    def status(self):
        return int(self.start.split(" ", 2)[1])

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        """The value of a field that may be there once at most."""
        values = self.all(name)
        if len(values) > 1:
            raise Failure(f"{name} is there {len(values)} times: {values}")
        return values[0] if values else default


class Wire:
    """One connection, either side. Every wait is bounded."""

    def __init__(self, address, timeout=10.0, sock=None):
        self.sock = sock or socket.create_connection(address, timeout * PATIENCE)
        self.sock.settimeout(timeout * PATIENCE)
        if sock is None:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    @classmethod
    def bound(cls, source, address, timeout=10.0):
        """A connection from this address of our own (Linux takes all of 127.0.0.0/8)."""
        sock = socket.create_connection(address, timeout * PATIENCE, (source, 0))
        return cls(address, timeout, sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    # ---- bytes

    def _fill(self):
        try:
            data = self.sock.recv(256 * 1024)
        except ConnectionResetError:
            raise Closed("reset", self._buffer) from None
        except socket.timeout:
            raise Failure(f"nothing came within {self.sock.gettimeout():.0f} s; so far {self._buffer[:300]!r}") from None
        if not data:
            raise Closed("closed", self._buffer)
        self._buffer += data

    def exactly(self, n):
        parts = []
        while n > len(self._buffer):
            parts.append(self._buffer)
            n -= len(self._buffer)
            self._buffer = b""
            try:
                self._fill()
            except Closed as closed:
                raise Closed(str(closed), b"".join(parts)) from None
        parts.append(self._buffer[:n])
        self._buffer = self._buffer[n:]
        return b"".join(parts)

    def until(self, mark):
        while mark not in self._buffer:
            if len(self._buffer) > LINE_MAX:
                raise Failure(f"no {mark!r} in {LINE_MAX} bytes")
            self._fill()
        data, self._buffer = self._buffer.split(mark, 1)
        return data + mark

    def rest(self):
        """Everything until the other side closes."""
        parts = []
        try:
            while True:
                parts.append(self.exactly(max(1, len(self._buffer))))
        except Closed as closed:
            parts.append(closed.got)
        return b"".join(parts)

    def closed(self):
        """Waits for the other side's close; what came before it is a failure."""
        rest = self.rest()
        if rest:
            raise Failure(f"expected the connection to close, got {rest[:300]!r}")
        return True

    # ---- messages

    def head(self):
        head = self.until(b"\r\n\r\n")
        lines = head[:-4].decode("latin-1").split("\r\n")
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                raise Failure(f"not a header line: {line!r}")
            fields.append((name, value.strip(" \t")))
        return Message(lines[0], fields, head)

    def body(self, message, bodiless=False, to_close=False):
        length, coding = message.get("content-length"), message.get("transfer-encoding")
        if length is not None and coding is not None:
            raise Failure("both Content-Length and Transfer-Encoding")
        if bodiless:
            return message
        try:
            if coding is not None:
                if coding.lower() != "chunked":
                    raise Failure(f"Transfer-Encoding: {coding}")
                message.framing = "chunked"
                self._chunks(message)
            elif length is not None:
                message.framing = "length"
                message.body = self.exactly(int(length))
            elif to_close:
                message.framing = "close"
                message.body = self.rest()
        except Closed as closed:
            message.body += closed.got if message.framing == "length" else b""
            message.complete = False
        return message

    def _chunks(self, message):
        while True:
            line = self.until(b"\r\n")[:-2]
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,13}", line):
                raise Failure(f"chunk line {line!r}")
            size = int(line, 16)
            if size == 0:
                break
            message.body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise Failure("no CRLF after a chunk")
        while (line := self.until(b"\r\n")) != b"\r\n":
            message.trailers.append(line[:-2].decode("latin-1"))

    def answer(self, method="GET", final=True):
        """The next answer; 1xx ones are skipped unless `final` is False."""
        while True:
            message = self.head()
            if not re.fullmatch(r"HTTP/1\.1 [1-9][0-9][0-9] .*", message.start):
                raise Failure(f"status line {message.start!r}")
            if message.status < 200:
                if not final:
                    return message
                continue
            return self.body(message, bodiless=method == "HEAD" or message.status in (204, 304), to_close=True)

    def request(self):
        """The next request, for targets."""
        return self.body(self.head())

    def ask(self, method="GET", target="/", host="a", fields=(), body=None):
        """Sends a request and gives the answer."""
        self.send(compose(method, target, host, fields, body))
        return self.answer(method)


def compose(method="GET", target="/", host="a", fields=(), body=None):
    """The bytes of a request; `fields` are (name, value) pairs and go as they are."""
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def chunked(*pieces, trailers=()):
    """A chunked body."""
    data = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n"
    return data + b"".join(t.encode("latin-1") + b"\r\n" for t in trailers) + b"\r\n"


def get(address, target="/", **more):
    """One request on a connection of its own."""
    with Wire(address) as wire:
        return wire.ask(target=target, **more)
