"""WebSockets of a real browser (`make check-browser`): Chromium echoes over HTTP/1.1 and, by extended CONNECT, over HTTP/2."""
import base64
import hashlib
import struct

from browser import Browser
from certs import Certificate
from harness import case, main, need
from peers import Raw
from penstock import Penstock

need("chromium", "chromedriver", "openssl")

TEXT, BINARY, CLOSE = 1, 2, 8
ECHO = """
  const done = arguments[arguments.length - 1], socket = new WebSocket(`wss://${location.host}/echo`), got = [];
  const sent = ["hello", "x".repeat(70000), "\\u00e9\\u4e2d"];
  socket.binaryType = "arraybuffer";
  socket.onopen = () => sent.forEach((text) => socket.send(text));
  socket.onerror = () => done({error: "the socket failed"});
  socket.onmessage = (event) => {
    got.push(event.data);
    if (got.length === sent.length) socket.send(new Uint8Array([1, 2, 3]));
    if (got.length > sent.length) socket.close(1000, "enough");
  };
  socket.onclose = (event) => done({same: sent.every((text, i) => text === got[i]), bytes: [...new Uint8Array(got[3])],
                                    code: event.code, reason: event.reason, clean: event.wasClean});
"""


def read_frame(wire):
    """Opcode and payload of a client's frame (RFC 6455 section 5.2); messages of browsers come in one each."""
    first, length = wire.exactly(2)
    length &= 127
    if length >= 126:
        length = int.from_bytes(wire.exactly(2 if length == 126 else 8), "big")
    mask = wire.exactly(4)
    return first & 15, bytes(byte ^ mask[i & 3] for i, byte in enumerate(wire.exactly(length)))


def frame(opcode, payload):
    head = bytes([0x80 | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    return head + (struct.pack(">BH", 126, len(payload)) if len(payload) < 1 << 16
                   else struct.pack(">BQ", 127, len(payload))) + payload


def serve(wire):
    """A page, and an echo that closes when its client does."""
    while True:
        request = wire.request()
        key = request.get("Sec-WebSocket-Key")
        if key:
            break
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\npage")
    accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              f"Sec-WebSocket-Accept: {base64.b64encode(accept).decode()}\r\n\r\n")
    opcode = None
    while opcode != CLOSE:
        opcode, payload = read_frame(wire)
        wire.send(frame(opcode, payload))


for version, protocols in (("1.1", ["http/1.1"]), ("2", ["h2", "http/1.1"])):
    @case(f"a page's WebSocket echoes over HTTP/{version}")
    def _(t, version=version, protocols=protocols):
        tls = {"certificates": [Certificate(t, "site", "IP:127.0.0.1").setting], "protocols": protocols}
        p = Penstock(t, {"ec2": [Raw(t, serve)]}, workers=1,
                     listeners=[{"address": "127.0.0.1:0", "tls": tls}])
        browser = Browser(t, trusting=True)
        browser.open("https://%s:%d/" % p.address)
        t.equal(browser.run_async(ECHO), {"same": True, "bytes": [1, 2, 3], "code": 1000, "reason": "enough", "clean": True},
                "what the page saw")
        t.wait(lambda: any(r["outcome"] == "upgraded" for r in p.log.records()), "the line in the log")
        lines = [r for r in p.log.records() if r["outcome"] == "upgraded"]
        t.equal([(r["http"]["version"], r["http"]["status_code"]) for r in lines], [(version, 200 if version == "2" else 101)],
                "the tunnel")


main()
