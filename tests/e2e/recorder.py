"""A target that keeps every byte it receives, and answers as a script says."""
import re
import selectors
import socket
import threading

from harness import PATIENCE, Failure

OK = b"HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 2\r\n\r\nok"


class Play:
    """How a request for one path is answered.

    at      "head": as soon as its head is there; "whole": when its body is there too
    sends   the pieces, each by a write of its own; with "head" only the first is sent before the body is there
    then    None: the connection goes on; "close"; "reset"; "echo": what comes from now on is sent back"""

    def __init__(self, *sends, at="whole", then=None):
        self.sends, self.at, self.then = sends, at, then


class Stream:
    """One connection: all that came since the last take()."""

    def __init__(self, sock):
        self.sock = sock
        self.order = 0           # of its first byte among those of all connections
        self.data = bytearray()  # since the last take
        self.todo = bytearray()  # not answered yet
        self.begun = False       # the request at its front has had its first answer
        self.echo = self.ended = False


def body_end(message, at):
    """Where the body that begins at `at` ends, or None while it goes on; read strictly, as a careful server does."""
    head = message[:at].lower()
    if b"\r\ntransfer-encoding: chunked\r\n" in head:
        while True:
            line = re.compile(rb"([0-9a-f]{1,13})\r\n", re.I).match(message, at)
            if not line:
                return None
            size = int(line[1], 16)
            at = line.end() + size + 2
            if size == 0:
                end = message.find(b"\r\n\r\n", line.end() - 2)
                return None if end < 0 else end + 4
            if len(message) < at:
                return None
    length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head)
    at += int(length[1]) if length else 0
    return at if at <= len(message) else None


class Recorder:
    """One thread serves all connections, so that what arrives has one order."""

    def __init__(self, t):
        self.plays = {}  # by path
        self._streams, self._flushes, self._count = [], [], 0
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.text = "%s:%d" % self._listener.getsockname()
        self._wake, wake = socket.socketpair()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(wake, selectors.EVENT_READ, lambda: wake.recv(64))
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        t.own(self)

    # ---- the test's side

    def take(self):
        """What arrived since the last take, once nothing more waits in any socket: (bytes, ended) a connection, in
        the order of their first bytes."""
        done = threading.Event()
        with self._lock:
            self._flushes.append(done)
        self._wake.send(b"x")
        if not done.wait(10 * PATIENCE):
            raise Failure("the recorder does not come to rest")
        with self._lock:
            self._streams.sort(key=lambda s: s.order)
            taken = [(bytes(s.data), s.ended) for s in self._streams if s.data or s.ended]
            for stream in self._streams:
                stream.data.clear()
            self._streams = [s for s in self._streams if not s.ended]
        return taken

    def close(self):
        self._over = True
        self._wake.send(b"x")
        self._thread.join(5)

    # ---- the thread

    def _run(self):
        while not self._over:
            ready = self._selector.select(None if not self._flushes else 0)
            with self._lock:
                for key, _ in ready:
                    key.data()
                if not ready:
                    for done in self._flushes:
                        done.set()
                    self._flushes.clear()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()

    def _accept(self):
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = Stream(sock)
        self._streams.append(stream)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._read(stream))

    def _read(self, stream):
        try:
            data = stream.sock.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            self._end(stream)
            return
        if not stream.data:
            self._count += 1
            stream.order = self._count
        stream.data += data
        stream.todo += data
        try:
            self._answer(stream)
        except OSError:
            self._end(stream)

    def _end(self, stream, reset=False):
        if stream.ended:
            return
        stream.ended = True
        self._selector.unregister(stream.sock)
        if reset:
            stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        stream.sock.close()

    def _answer(self, stream):
        while stream.todo and not stream.ended:
            if stream.echo:
                stream.sock.sendall(stream.todo)
                stream.todo.clear()
                return
            head = stream.todo.find(b"\r\n\r\n")
            if head < 0:
                return
            path = re.match(rb"[^ ]* ([^ ?]*)", stream.todo)
            play = path and self.plays.get(bytes(path[1])) or Play(OK)
            if not stream.begun and play.at == "head":
                stream.begun = True
                self._send(stream, play.sends[:1], play.then if len(play.sends) == 1 else None)
            if stream.ended:
                return
            end = body_end(bytes(stream.todo), head + 4)
            if end is None:
                return
            self._send(stream, play.sends[1:] if play.at == "head" else play.sends, play.then)
            del stream.todo[:end]
            stream.begun = False

    def _send(self, stream, pieces, then):
        for piece in pieces:
            stream.sock.sendall(piece)
        if then == "echo":
            stream.echo = True
        elif then:
            self._end(stream, then == "reset")
