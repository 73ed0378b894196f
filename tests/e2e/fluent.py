"""A server of Fluentd's forward protocol, strict, that can be made to keep its acknowledgements to itself."""
import gzip
import hashlib
import os
import socket
import struct
import threading

from harness import Failure


class Unpacker:
    """MessagePack, one value after the other; IndexError when it is not whole."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise IndexError
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, fmt):
        return struct.unpack(">" + fmt, self.take(struct.calcsize(fmt)))[0]

    def value(self):
        c = self.take(1)[0]
        if c < 0x80:
            return c
        if c < 0x90:
            return self.map(c & 15)
        if c < 0xa0:
            return self.array(c & 15)
        if c < 0xc0:
            return self.take(c & 31).decode()
        if c >= 0xe0:
            return c - 256
        if c in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[c]
        if c in (0xc4, 0xc5, 0xc6):
            return self.take(self.number("BHI"[c - 0xc4]))
        if c in (0xca, 0xcb):
            return self.number("fd"[c - 0xca])
        if 0xcc <= c <= 0xd3:
            return self.number("BHIQbhiq"[c - 0xcc])
        if c == 0xd7:
            kind, seconds, ns = self.number("b"), self.number("I"), self.number("I")
            if kind:
                raise Failure(f"an extension of type {kind}")
            return seconds + ns / 1e9
        if c in (0xd9, 0xda, 0xdb):
            return self.take(self.number("BHI"[c - 0xd9])).decode()
        if c in (0xdc, 0xdd):
            return self.array(self.number("HI"[c - 0xdc]))
        if c in (0xde, 0xdf):
            return self.map(self.number("HI"[c - 0xde]))
        raise Failure(f"no MessagePack: {c:#x}")

    def array(self, n):
        return [self.value() for _ in range(n)]

    def map(self, n):
        return {self.value(): self.value() for _ in range(n)}


def text(s):
    data = s.encode() if isinstance(s, str) else s
    return b"\xdb" + struct.pack(">I", len(data)) + data


class ForwardServer:
    """`acks`: whether it acknowledges. It keeps (tag, time, record) of every entry, and what was wrong."""

    def __init__(self, t, port=0, acks=True, key=None, users=None):
        self.acks, self.key, self.users = acks, key, users or {}
        self.entries, self.errors, self.chunks, self.connections = [], [], [], 0
        self._open, self._lock = [], threading.Lock()
        self.sock = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        t.own(self)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def ids(self):
        with self._lock:
            return [record["http"]["request_id"] for _, _, record in self.entries]

    def close(self):
        for sock in [self.sock] + self._open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
        if self.errors:
            raise Failure(f"the forward server met {self.errors[0]}")

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            self._open.append(sock)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            nonce, salt = os.urandom(16), os.urandom(16) if self.users else b""
            if self.key is not None:
                sock.sendall(b"\x92" + text("HELO") + b"\x83" + text("nonce") + text(nonce) + text("auth") + text(salt) +
                             text("keepalive") + b"\xc3")
            data, admitted = b"", self.key is None
            while True:
                more = sock.recv(1 << 16)
                if not more:
                    return
                data += more
                while data:
                    unpacker = Unpacker(data)
                    try:
                        message = unpacker.value()
                    except IndexError:
                        break
                    data = data[unpacker.at:]
                    if not admitted:
                        admitted = self._admit(sock, message, nonce, salt)
                    else:
                        self._message(sock, message)
        except OSError:
            pass
        except Exception as error:  # told when the case ends
            self.errors.append(repr(error))
            sock.close()

    def _admit(self, sock, message, nonce, salt):
        word, host, key_salt, digest, user, password = message
        if word != "PING":
            raise Failure(f"{word} instead of PING")
        good = digest == hashlib.sha512(key_salt + host.encode() + nonce + self.key.encode()).hexdigest()
        if self.users:
            good = good and password == hashlib.sha512(salt + user.encode() + self.users.get(user, "").encode()).hexdigest()
        proof = hashlib.sha512(key_salt + b"server" + nonce + self.key.encode()).hexdigest()
        sock.sendall(b"\x95" + text("PONG") + (b"\xc3" if good else b"\xc2") + text("" if good else "wrong key") +
                     text("server") + text(proof))
        return good

    def _message(self, sock, message):
        tag, entries, option = message
        if option.get("compressed") == "gzip":
            entries = gzip.decompress(entries)
        unpacker, found = Unpacker(entries), []
        while unpacker.at < len(entries):
            time, record = unpacker.value()
            found.append((tag, time, record))
        if option["size"] != len(found):
            raise Failure(f"size {option['size']} of {len(found)} entries")
        with self._lock:
            self.entries += found
            self.chunks.append(option["chunk"])
        if self.acks:
            sock.sendall(b"\x81" + text("ack") + text(option["chunk"]))
