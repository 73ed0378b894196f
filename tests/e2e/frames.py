"""HTTP/2 on a raw socket (RFC 9113): sends exactly the frames it is given, and reads those that come.

    conn = Frames(p.address)             # preface and SETTINGS are sent
    conn.headers(1, get("/"))            # END_HEADERS | END_STREAM
    conn.answer(1)                       # {"status": 200, "body": b"...", "trailers": ...} or {"reset": 8}
    conn.goaway()                        # the code of the GOAWAY that ends the connection

Fields are sent as literals without index or Huffman code, so that any byte may stand in them; of what comes only the
status is decoded (the first field, RFC 7541 appendix A), since HPACK has peers enough.
"""
import select
import socket
import struct

from harness import PATIENCE, Failure

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, _, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, \
    CANCEL, COMPRESSION_ERROR, _, ENHANCE_YOUR_CALM = range(12)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

INDEXED = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}
DIGITS = {"00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5", "011100": "6",
          "011101": "7", "011110": "8", "011111": "9"}


def integer(n, prefix, first=0):
    """RFC 7541 section 5.1."""
    most = (1 << prefix) - 1
    if n < most:
        return bytes([first | n])
    out, n = bytes([first | most]), n - most
    while n >= 128:
        out, n = out + bytes([n % 128 + 128]), n // 128
    return out + bytes([n])


def octets(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def block(fields, index=False):
    """A field section. With `index` the fields enter the dynamic table."""
    out = b""
    for name, value in fields:
        name, value = octets(name), octets(value)
        out += bytes([0x40 if index else 0]) + integer(len(name), 7) + name + integer(len(value), 7) + value
    return out


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(**values):
    numbers = {"table": 1, "push": 2, "streams": 3, "window": 4, "frame": 5, "list": 6, "connect": 8}
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", numbers[k], v) for k, v in values.items()))


def get(path="/", *more, method="GET", authority="a.example"):
    return [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path), *more]


def status_of(payload):
    first = payload[0]
    if first & 0x80:
        return INDEXED.get(first & 0x7f, 0)
    size = payload[1] & 0x7f
    text = payload[2:2 + size]
    if not payload[1] & 0x80:
        return int(text)
    bits, digits = "".join(f"{b:08b}" for b in text), ""
    while len(digits) < 3:
        code = next(c for c in DIGITS if bits.startswith(c))
        digits, bits = digits + DIGITS[code], bits[len(code):]
    return int(digits)


class Frames:
    """One connection. Every wait is bounded. SETTINGS and PING are not answered unless asked."""

    def __init__(self, address, timeout=10.0, sock=None, first=None):
        self.sock = sock or socket.create_connection(address, timeout * PATIENCE)
        self.sock.settimeout(timeout * PATIENCE)
        if sock is None:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self.seen = []  # (kind, flags, stream, payload) of all frames
        self.send(PREFACE + settings() if first is None else first)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, *data):
        """False when the other side takes no more."""
        try:
            self.sock.sendall(b"".join(data))
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def headers(self, stream, fields, flags=END_HEADERS | END_STREAM, index=False):
        return self.send(frame(HEADERS, flags, stream, block(fields, index)))

    def data(self, stream, payload, end=True):
        return self.send(frame(DATA, END_STREAM if end else 0, stream, payload))

    def _exactly(self, n):
        while len(self._buffer) < n:
            try:
                data = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                data = b""
            except socket.timeout:
                raise Failure(f"no frame came in time; so far {[f[:3] for f in self.seen[-8:]]}") from None
            if not data:
                return None
            self._buffer += data
        out, self._buffer = self._buffer[:n], self._buffer[n:]
        return out

    def next(self):
        """The next frame; None at the end of the connection."""
        head = self._exactly(9)
        if head is None:
            return None
        size = struct.unpack(">I", b"\0" + head[:3])[0]
        payload = self._exactly(size) if size else b""
        if payload is None:
            return None
        got = (head[3], head[4], struct.unpack(">I", head[5:9])[0] & 0x7fffffff, payload)
        self.seen.append(got)
        return got

    def said_goaway(self):
        """Without waiting: the code of a GOAWAY among the frames that have come so far, or None."""
        while select.select([self.sock], [], [], 0)[0]:
            try:
                data = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                break
            if not data:
                break
            self._buffer += data
        while len(self._buffer) >= 9 and len(self._buffer) >= 9 + struct.unpack(">I", b"\0" + self._buffer[:3])[0]:
            self.next()
        codes = [struct.unpack(">I", f[3][4:8])[0] for f in self.seen if f[0] == GOAWAY]
        return codes[-1] if codes else None

    def until(self, wanted):
        """The first frame for which `wanted(kind, flags, stream, payload)` holds; None at the end."""
        while (got := self.next()) is not None:
            if wanted(*got):
                return got
        return None

    def goaway(self):
        """The code of the GOAWAY that ends the connection, "closed" when it ends without one."""
        code = "closed"
        while (got := self.next()) is not None:
            if got[0] == GOAWAY:
                code = struct.unpack(">I", got[3][4:8])[0]
        return code

    def outcome(self, stream):
        """What becomes of a stream: its status, ("reset", code), ("goaway", code) or "closed"."""
        while (got := self.next()) is not None:
            kind, _, on, payload = got
            if kind == HEADERS and on == stream and status_of(payload) >= 200:
                return status_of(payload)
            if kind == RST_STREAM and on == stream:
                return ("reset", struct.unpack(">I", payload)[0])
            if kind == GOAWAY and struct.unpack(">I", payload[4:8])[0]:
                return ("goaway", struct.unpack(">I", payload[4:8])[0])
        return "closed"

    def answer(self, stream):
        """(status, content) of an answer that is whole."""
        status, body = self.outcome(stream), b""
        if not isinstance(status, int):
            raise Failure(f"stream {stream}: {status}")
        if self.seen[-1][1] & END_STREAM:
            return status, body
        while (got := self.next()) is not None:
            kind, flags, on, payload = got
            if on != stream or kind not in (DATA, HEADERS, RST_STREAM):
                continue
            if kind == RST_STREAM:
                raise Failure(f"stream {stream} is reset: {payload}")
            body += payload if kind == DATA else b""
            if flags & END_STREAM:
                return status, body
        raise Failure(f"stream {stream} ends with the connection behind {body[:100]!r}")
