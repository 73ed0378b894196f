"""HTTPS: certificates by name, what is agreed, what is refused, and what a handshake may cost."""
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading

from certs import Certificate, Memory, context, dial
from harness import PATIENCE, case, main, need, tool
from peers import Nginx, Raw
from penstock import Penstock, cli
from wire import Closed, Wire

need("nginx", "openssl", "curl", "node")

GET = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


def https(t, *certs, tls=None, listener=None, server="", tls_=None, **more):
    """A penstock that speaks TLS with these certificates, before an nginx that tells what it was sent."""
    nginx = Nginx(t, "ec2", server + """location /seen {
                                            add_header X-Subject $http_x_client_subject; return 200 "$http_x_forwarded_proto $http_forwarded"; }
                                        location /file { }
                                        location /put { client_body_in_single_buffer on; return 200; }""")
    entry = {"address": "127.0.0.1:0", "tls": {"certificates": [c.setting for c in certs], **(tls or {})}}
    if tls_:
        more["tls"] = tls_
    p = Penstock(t, {"ec2": [nginx]}, listeners=[{**entry, **(listener or {})}], **{"workers": 1, **more})
    p.nginx = nginx
    return p


def ask(wire, path="/", host="a.example"):
    wire.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    return wire.answer()


def handshakes(p, result):
    return p.metrics().sum("penstock_tls_handshakes_total", result=result)


@case("requests over TLS 1.2 and 1.3 are served, kept alive, and told in the log and to the target")
def _(t):
    p = https(t, Certificate(t, "a", "DNS:a.example"), forwarded={"send": "both"})
    for version, text in ((ssl.TLSVersion.TLSv1_2, "1.2"), (ssl.TLSVersion.TLSv1_3, "1.3")):
        wire = dial(p.address, "a.example", version=version, alpn=["h3", "http/1.1"])
        t.equal(wire.sock.selected_alpn_protocol(), "http/1.1", "ALPN")
        for _ in range(3):
            answer = ask(wire, "/seen")
            t.equal(answer.status, 200, "the status")
            t.check(answer.body.startswith(b"https ") and b"proto=https" in answer.body, f"{answer.body}")
        cipher = wire.sock.cipher()[0]
        wire.close()
        records = [r for r in p.log.wait(6 if text == "1.3" else 3) if r["network"].get("tls_version") == text]
        t.equal(len(records), 3, "records")
        for record in records:
            t.equal(record["http"]["url"], "https://a.example/seen", "the URL")
            t.equal(record["network"]["tls_server_name"], "a.example", "SNI")
            t.equal(record["network"]["tls_session"], "full", "the session")
            t.check(record["network"]["tls_cipher"].startswith("TLS_"), record["network"]["tls_cipher"])
            t.check(text == "1.2" or record["network"]["tls_cipher"] == cipher, f"{cipher}")
    t.equal(handshakes(p, "full"), 2, "handshakes")


@case("each name gets its certificate, and the kind that the client can verify")
def _(t):
    ecdsa, rsa = Certificate(t, "a", "DNS:a.example"), Certificate(t, "a-rsa", "DNS:a.example", kind="rsa")
    wild, exact = Certificate(t, "wild", "DNS:*.b.example"), Certificate(t, "exact", "DNS:x.b.example")
    p = https(t, ecdsa, wild, exact, rsa)

    def shown(name, **how):
        wire = dial(p.address, name, **how)
        der = wire.sock.getpeercert(True)
        wire.close()
        return next(c.name for c in (ecdsa, rsa, wild, exact) if c.der() == der)
    for name, want in (("a.example", "a"), ("A.Example", "a"), ("y.b.example", "wild"), ("x.b.example", "exact"),
                       ("z.y.b.example", "a"), ("b.example", "a"), ("unknown.example", "a"), (None, "a")):
        t.equal(shown(name), want, f"for {name}")
    two = ssl.TLSVersion.TLSv1_2
    t.equal(shown("a.example", version=two, ciphers="ECDHE-RSA-AES128-GCM-SHA256"), "a-rsa", "an RSA client")
    t.equal(shown("unknown.example", version=two, ciphers="ECDHE-RSA-AES128-GCM-SHA256"), "a-rsa", "also by default")
    t.equal(shown("a.example", version=two, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"), "a", "an ECDSA client")


@case("of the ciphers of both ours is the order, but for a client that is fast with ChaCha20 alone")
def _(t):
    p = https(t, Certificate(t, "a", "DNS:a.example"))
    aes128, aes256, chacha = ("ECDHE-ECDSA-" + name for name in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"))
    for offered, expected in (([aes256, aes128], aes128), ([chacha, aes128], chacha), ([aes256, chacha, aes128], aes128)):
        with dial(p.address, "a.example", version=ssl.TLSVersion.TLSv1_2, ciphers=":".join(offered)) as wire:
            t.equal(wire.sock.cipher()[0], expected, f"of {offered}")


@case("a request for a host with other certificates is answered with 421, and reaches no target")
def _(t):
    p = https(t, Certificate(t, "a", "DNS:a.example,DNS:www.a.example"), Certificate(t, "b", "DNS:b.example"))
    wire = dial(p.address, "a.example")
    for host, status in (("a.example", 200), ("www.a.example:443", 200), ("b.example", 421), ("A.EXAMPLE", 200)):
        t.equal(ask(wire, host=host).status, status, f"the status for {host}")
    t.equal(ask(dial(p.address), host="b.example").status, 200, "without SNI")
    t.equal([r["outcome"] for r in p.log.wait(5) if r["http"]["status_code"] == 421], ["misdirected"], "the outcome")


@case("only what is meant is spoken: old versions, foreign protocols, renegotiation and clear text are refused")
def _(t):
    p = https(t, Certificate(t, "a", "DNS:a.example"))

    def client(*words, stdin=""):
        place = "%s:%d" % p.address
        return subprocess.run([tool("openssl"), "s_client", "-connect", place, "-servername", "a.example", *words],
                              input=stdin, capture_output=True, text=True, timeout=20 * PATIENCE)
    t.check("alert protocol version" in client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0").stderr, "TLS 1.1")
    t.check("alert handshake failure" in client("-tls1_2", "-cipher", "AES128-SHA").stderr, "no forward secrecy")
    t.check("alert no application protocol" in client("-alpn", "h3").stderr, "ALPN")
    said = client("-tls1_2", stdin="R\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    t.check("no renegotiation" in said.stderr and "200 OK" not in said.stdout, "renegotiation")
    t.check("Compression: NONE" in said.stdout, "compression")
    said = client("-ign_eof", stdin="GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
    t.check("200 OK" in said.stdout and "Max Early Data: 0" in said.stdout, "early data")
    with Wire(p.address) as wire:
        wire.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        answer = wire.answer()
        t.equal(answer.status, 400, "clear text")
        t.check(b"https://" in answer.body, f"{answer.body}")
        t.check(wire.closed(), "and closed")
    for result in ("version", "parameters", "alpn", "clear_text"):
        t.wait(lambda: handshakes(p, result) == 1, f"a handshake counts as {result}")


@case("names are taken as they are meant, and what is no name ends the handshake")
def _(t):
    a, b = Certificate(t, "a", "DNS:a.example"), Certificate(t, "b", "DNS:b.example")
    p = https(t, a, b)

    def hello(name):
        """What comes back for a hello that asks for these bytes."""
        wire, memory = Wire(p.address), Memory("b" * len(name))
        memory.step()
        wire.send(memory.outgoing.read().replace(b"b" * len(name), name))
        got = wire.exactly(5)
        wire.close()
        return got[0]
    for name in (b"b.example.", b"B.EXAMPLE", b"under_score.example", b"xn--bcher-kva.example"):
        t.equal(hello(name), 22, f"a handshake for {name}")
    for name in (b"b.example\0", b"b/example", b".b.example", b"b example", b"b.ex\xe4mple", b"."):
        t.equal(hello(name), 21, f"an alert for {name}")
    t.wait(lambda: handshakes(p, "bad_name") == 6, "they are counted")


@case("a handshake may come byte by byte, and its last flight may bring the first request")
def _(t):
    p = https(t, Certificate(t, "a", "DNS:a.example"))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        wire, memory, done = Wire(p.address), Memory(version=version), False
        while not done:
            done = memory.step()
            if done:
                memory.ssl.write(GET.encode())
            data = memory.outgoing.read()
            if done:
                wire.send(data)
            else:
                for i in range(len(data)):
                    wire.send(data[i:i + 1])
            memory.incoming.write(wire.exactly(1))
            wire.sock.setblocking(False)
            try:
                while wire._buffer or (wire._fill() or True):
                    memory.incoming.write(wire.exactly(len(wire._buffer)))
            except BlockingIOError:
                pass
            wire.sock.settimeout(10 * PATIENCE)
        heard = b""
        while b"ec2" not in heard:
            try:
                heard += memory.ssl.read(65536)
            except ssl.SSLWantReadError:
                memory.incoming.write(wire.exactly(1))
        t.check(heard.startswith(b"HTTP/1.1 200"), f"{heard}")
        wire.close()


@case("a handshake has a time, and too many of them make room for new ones")
def _(t):
    p = https(t, Certificate(t, "a", "DNS:a.example"), timeouts={"tlsHandshake": "300ms"})
    silent = Wire(p.address)
    t.check(silent.closed(), "a silent one is closed")
    begun = Wire(p.address)
    memory = Memory()
    memory.step()
    begun.send(memory.outgoing.read()[:50])
    t.check(begun.closed(), "one that stops is closed")
    t.equal(handshakes(p, "timeout"), 2, "timeouts")
    q = https(t, Certificate(t, "b", "DNS:a.example"), limits={"tlsHandshakes": 2}, name="few.yaml", state=None,
              accessLog=None)
    first, second = Wire(q.address), Wire(q.address)
    t.wait(lambda: q.metrics().sum("penstock_connections") == 2, "two are under way")
    wire = dial(q.address, "a.example")
    t.equal(ask(wire).status, 200, "the newest is served")
    t.check(first.closed(), "the oldest is closed")
    t.equal(handshakes(q, "shed"), 1, "shed")
    second.close()
    t.wait(lambda: handshakes(q, "closed") == 1, "the other has left")


@case("the PROXY header comes before the handshake, also in one piece with it")
def _(t):
    p = https(t, Certificate(t, "a", "DNS:a.example"), listener={"proxyProtocol": ["127.0.0.0/8"]})
    header = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n"
    plain = Wire(p.address)
    plain.send(header)
    t.equal(ask(dial(None, "a.example", sock=plain)).status, 200, "apart")
    wire, memory = Wire(p.address), Memory()
    memory.step()
    wire.send(header + memory.outgoing.read())
    while not memory.step():
        wire.send(memory.outgoing.read())
        memory.incoming.write(wire.exactly(1))
    memory.ssl.write(GET.encode())
    wire.send(memory.outgoing.read())
    for record in p.log.wait(2):
        t.equal(record["network"]["client"]["ip"], "192.0.2.7", "the client")
        t.equal(record["network"]["tls_version"], "1.3", "TLS")


@case("long bodies pass whole both ways")
def _(t):
    p = https(t, Certificate(t, "a", "DNS:a.example"), workers=2)
    body = os.urandom(3 * 1024 * 1024 + 17)
    with open(os.path.join(p.nginx.folder, "files", "file"), "wb") as f:
        f.write(body)
    for _ in range(2):
        wire = dial(p.address, "a.example")
        t.equal(hashlib.sha256(ask(wire, "/file").body).digest(), hashlib.sha256(body).digest(), "the file")
        wire.send(f"PUT /put HTTP/1.1\r\nHost: a.example\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        t.equal(wire.answer().status, 200, "the upload")
        wire.close()
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(p.address)
    wire = dial(None, "a.example", sock=Wire(None, sock=narrow))
    for _ in range(2):
        t.equal(hashlib.sha256(ask(wire, "/file").body).digest(), hashlib.sha256(body).digest(), "through a narrow way")


@case("a tunnel carries bytes both ways, and its end")
def _(t):
    def talk(wire):
        wire.request()
        wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        while True:
            data = wire.sock.recv(65536)
            if not data:
                return
            wire.sock.sendall(data)
    a = Certificate(t, "a", "DNS:a.example")
    p = Penstock(t, {"ec2": [Raw(t, talk)]}, workers=1, route={"upgrades": ["echo"]},
                 listeners=[{"address": "127.0.0.1:0", "tls": {"certificates": [a.setting]}}])
    wire = dial(p.address, "a.example")
    wire.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    t.check(wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101"), "switched")
    for size in (1, 100_000, 7):
        data = os.urandom(size)
        wire.send(data)
        t.equal(wire.exactly(size), data, f"{size} bytes come back")
    wire.sock.unwrap()
    t.equal(p.log.wait(1)[0]["outcome"], "upgraded", "the outcome")


@case("a client that closes well gets a closure alert, and so does one that is told to go")
def _(t):
    p = https(t, Certificate(t, "a", "DNS:a.example"))
    wire = dial(p.address, "a.example")
    wire.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
    t.equal(wire.answer().status, 200, "the status")
    t.check(wire.closed(), "a closure alert, else Python's ssl complains")
    wire = dial(p.address, "a.example")
    t.equal(ask(wire).status, 200, "the status")
    wire.sock.unwrap()
    t.wait(lambda: p.metrics().sum("penstock_connections") == 0, "nothing is open")


@case("curl speaks with it, by name")
def _(t):
    a = Certificate(t, "a", "DNS:a.example")
    p = https(t, a)
    done = subprocess.run([tool("curl"), "-sS", "--cacert", a.cert, "--connect-to", "::%s:%d" % p.address,
                           "https://a.example/", "https://a.example/"], capture_output=True, text=True)
    t.equal((done.returncode, done.stdout), (0, "ec2\nec2\n"), done.stderr)


def resumed(address, name, wire=None, version=ssl.TLSVersion.TLSv1_3, made=None):
    """Whether a connection resumes the session of `wire`, and the new connection after an answer."""
    made = made or wire.sock.context
    fresh = dial(address, name, context=made, session=wire.sock.session if wire else None)
    if ask(fresh, host=name).status != 200:
        raise AssertionError("no answer")
    return fresh.sock.session_reused, fresh


@case("node's client keeps a connection, verifies it, and resumes its session on the next one")
def _(t):
    a = Certificate(t, "a", "DNS:a.example")
    p = https(t, a)
    script = """
        const https = require("https"), fs = require("fs");
        const [host, port, ca] = process.argv.slice(1);
        const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca: fs.readFileSync(ca), servername: "a.example"});
        const get = (agent) => new Promise((done, fail) => https.get({host, port, agent, path: "/",
            headers: {Host: "a.example"}}, (answer) => {
                let text = "";
                const reused = answer.socket.isSessionReused(), socket = answer.socket;
                answer.on("data", (data) => text += data);
                answer.on("end", () => setImmediate(() => done([answer.statusCode, text, reused, socket])));
            }).on("error", fail));
        (async () => {
            const first = await get(agent), second = await get(agent);
            second[3].destroy();
            await new Promise((done) => second[3].on("close", done));
            const third = await get(agent);
            console.log(JSON.stringify([first.slice(0, 3), first[3] === second[3], third.slice(0, 3)]));
            process.exit(0);
        })().catch((error) => { console.log(String(error)); process.exit(1); });
    """
    done = subprocess.run([tool("node"), "-e", script, p.address[0], str(p.address[1]), a.cert], capture_output=True,
                          text=True, timeout=20 * PATIENCE)
    t.equal(json.loads(done.stdout), [[200, "ec2\n", False], True, [200, "ec2\n", True]], done.stderr)


@case("a session is resumed with any worker, after a reload, with fresh tickets, and under its own name only")
def _(t):
    certs = Certificate(t, "a", "DNS:a.example,DNS:c.example"), Certificate(t, "b", "DNS:b.example")
    p = https(t, *certs, workers=3)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        made = context(version=version)
        _, wire = resumed(p.address, "a.example", made=made)
        for i in range(12):
            again, wire = resumed(p.address, "a.example", wire)
            t.check(again, f"connection {i} resumes")
        p.admin.must("POST", "/v1/config/reload", {})
        again, wire = resumed(p.address, "a.example", wire)
        t.check(again, "after a reload")
        for name in ("b.example", "c.example"):
            t.check(not resumed(p.address, name, wire)[0], f"not for {name}")
    t.equal(handshakes(p, "resumed"), 26, "counted")
    t.equal({r["network"]["tls_session"] for r in p.log.wait(32)}, {"full", "resumed"}, "logged")


@case("instances with one ticket key file resume each other's sessions, and read a new one while they run")
def _(t):
    a = Certificate(t, "a", "DNS:a.example")
    keys = t.path("tickets.key")

    def write(*parts):
        with open(keys + ".new", "wb") as f:
            f.write(b"".join(parts))
        os.chmod(keys + ".new", 0o600)
        os.replace(keys + ".new", keys)
    old, new = os.urandom(80), os.urandom(80)
    write(old)
    both = [https(t, a, name=name, state=None, accessLog=None, tls_={"ticketKeyFile": keys}) for name in ("p", "q")]
    made = context()
    _, wire = resumed(both[0].address, "a.example", made=made)
    again, wire = resumed(both[1].address, "a.example", wire)
    t.check(again, "the other one resumes")
    write(new, old)
    for p in both:
        t.wait(lambda: "ticket keys of" in p.stderr(), "the new keys are in use")
    again, wire = resumed(both[0].address, "a.example", wire)
    t.check(again, "the old key still opens")
    write(new)
    for p in both:
        t.wait(lambda: p.stderr().count("ticket keys of") == 2, "the last key alone is in use")
    t.check(resumed(both[1].address, "a.example", wire)[0], "and the new one was used")
    write(new[:79])
    for p in both:
        t.wait(lambda: "does not hold 1 to 12 keys" in p.stderr(), "a bad file is refused")
    t.check(resumed(both[0].address, "a.example", wire)[0], "the keys stay")


@case("renewed certificates are taken while connections go on; bad ones are refused and told")
def _(t):
    a, renewed = Certificate(t, "a", "DNS:a.example"), Certificate(t, "renewed", "DNS:a.example")
    other, expired = Certificate(t, "other", "DNS:a.example"), Certificate(t, "expired", "DNS:a.example").expire()
    first = a.der()
    p = https(t, a, workers=2)
    old = dial(p.address, "a.example")
    t.equal(ask(old).status, 200, "the status")
    session = old
    a.become(renewed)
    t.wait(lambda: "the certificates have changed" in p.stderr(), "they are taken")
    t.check("expires in 1 days" in p.stderr(), "the end is announced")
    for _ in range(4):
        t.equal(dial(p.address, "a.example").sock.getpeercert(True), renewed.der(), "the new one is shown")
    t.equal(ask(old).status, 200, "the old connection goes on")
    t.equal(old.sock.getpeercert(True), first, "as it was")
    t.check(resumed(p.address, "a.example", session)[0], "and its session")

    def refused():
        return p.metrics().sum("penstock_tls_certificates_refused")
    with open(other.key, "rb") as f, open(a.key, "wb") as mine:
        mine.write(f.read())
    t.wait(lambda: refused() == 1, "a wrong key is refused")
    t.check("is not the key of certFile" in p.stderr() and "those before them stay in use" in p.stderr(), p.stderr())
    t.equal(dial(p.address, "a.example").sock.getpeercert(True), renewed.der(), "the old one is shown")
    a.become(expired)
    t.wait(lambda: "has expired, and the one before it has not" in p.stderr(), "one that has expired is refused")
    t.check(p.admin.ask("POST", "/v1/config/reload", {}).status < 300, "a reload that was asked for takes it")
    t.equal(refused(), 0, "nothing is refused any more")


@case("reloads of certificates under load lose no connection")
def _(t):
    a, b = Certificate(t, "a", "DNS:a.example"), Certificate(t, "b", "DNS:a.example")
    p = https(t, a, workers=2, state=None)
    done, failures, served = threading.Event(), [], [0]

    def load():
        try:
            while not done.is_set():
                wire = dial(p.address, "a.example")
                for _ in range(5):
                    if ask(wire).status != 200:
                        failures.append("a status")
                    served[0] += 1
                wire.close()
        except Exception as error:
            failures.append(repr(error))
    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(3):
        a.become(b)
        p.signal(signal.SIGHUP)
        t.wait(lambda: p.stderr().count("was reloaded") == i + 1, "a reload")
    t.wait(lambda: served[0] > 200, "enough was served")
    done.set()
    for thread in threads:
        thread.join()
    t.equal(failures, [], "failures")


@case("certificates of clients are asked for, verified, and told to the target; nobody can make one up")
def _(t):
    ca, stranger = Certificate(t, "ca", "DNS:ca"), Certificate(t, "stranger", "DNS:stranger")
    mine, a = Certificate(t, "me, myself", "DNS:me", ca=ca), Certificate(t, "a", "DNS:a.example")
    p = https(t, a, tls={"clientCertificates": {"caFile": ca.cert, "mode": "optional"}})
    made_up = [("X-Client-Subject", "CN=root"), ("x_client_subject", "CN=root"), ("Connection", "X-Client-Subject")]

    def subject(wire):
        answer = wire.ask(target="/seen", host="a.example", fields=made_up)
        t.equal(answer.status, 200, "the status")
        return answer.get("x-subject")
    t.equal(subject(dial(p.address, "a.example")), None, "no certificate, no subject")
    made = context(mine=mine)
    wire = dial(p.address, "a.example", context=made)
    want = "CN=me\\, myself,O=penstock tests"
    t.equal(subject(wire), want, "the subject")
    again = dial(p.address, "a.example", context=made, session=wire.sock.session)
    t.check(again.sock.session_reused, "resumed")
    t.equal(subject(again), want, "the subject of the session")
    t.equal([r["network"].get("tls_client_subject") for r in p.log.wait(3)], [None, want, want], "the log")

    def is_refused(p, **how):
        try:
            wire = dial(p.address, "a.example", **how)
            ask(wire)
        except (ssl.SSLError, Closed, ConnectionError):
            return True
        return False
    t.check(is_refused(p, mine=stranger), "a certificate of somebody else's")
    t.wait(lambda: handshakes(p, "client_certificate") == 1, "it is counted")
    config = p.config
    config["listeners"][0]["tls"]["clientCertificates"]["mode"] = "required"
    p.write_config(config)
    p.admin.must("POST", "/v1/config/reload", {})
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        t.check(is_refused(p, version=version), "none")
        t.check(not is_refused(p, version=version, mine=mine), "ours")
    fresh = dial(p.address, "a.example", context=made, session=wire.sock.session)
    t.check(not fresh.sock.session_reused, "a session from before the rule is none")


@case("hsts stands in all answers over TLS, and in none in clear text")
def _(t):
    a = Certificate(t, "a", "DNS:a.example")
    hsts = {"certificates": [a.setting], "hsts": {"includeSubdomains": True}}
    p = https(t, a, tls=hsts, server="location /own { add_header Strict-Transport-Security max-age=1; return 200; }",
              listener={}, routes=[{"name": "away", "match": {"pathPrefix": "/away", "host": "a.example"},
                                    "redirect": {"to": "https://b.example/", "status": 308}},
                                   {"name": "web", "match": {"pathPrefix": "/", "host": "a.example"}, "stable": "ec2"}])
    wire = dial(p.address, "a.example")
    for path, host, status, want in (("/", "a.example", 200, "max-age=63072000; includeSubDomains"),
                                     ("/own", "a.example", 200, "max-age=1"),
                                     ("/away", "a.example", 308, "max-age=63072000; includeSubDomains"),
                                     ("/", "none.example", 404, "max-age=63072000; includeSubDomains")):
        answer = ask(wire, path, host)
        t.equal((answer.status, answer.get("strict-transport-security")), (status, want), path)
    with Wire(p.address) as clear:
        t.equal(clear.ask(host="a.example").get("strict-transport-security"), None, "in clear text")


@case("an OCSP response is stapled to its certificate while it is good")
def _(t):
    ca = Certificate(t, "ca", "DNS:ca")
    a, b = Certificate(t, "a", "DNS:a.example", ca=ca), Certificate(t, "b", "DNS:b.example", ca=ca)
    a.setting["ocspFile"] = a.ocsp(t, ca)
    p = https(t, a, b)

    def stapled(name):
        said = subprocess.run([tool("openssl"), "s_client", "-connect", "%s:%d" % p.address, "-servername", name, "-status"],
                              input="", capture_output=True, text=True, timeout=20 * PATIENCE).stdout
        return "Cert Status: good" in said, "no response sent" in said
    t.equal(stapled("a.example"), (True, False), "for the certificate that has one")
    t.equal(stapled("b.example"), (False, True), "for the other")
    config = p.config
    for other, what in ((a.ocsp(t, ca, "R"), "revoked"), (b.ocsp(t, ca), "for another certificate"),
                        (a.cert, "is no OCSP response")):
        config["listeners"][0]["tls"]["certificates"][0]["ocspFile"] = other
        p.write_config(config)
        answer = p.admin.ask("POST", "/v1/config/reload", {})
        t.check(answer.status >= 400 and what in answer.text, f"{what}: {answer.text}")


@case("certificates that do not do are told by check and refused at the start")
def _(t):
    a, b = Certificate(t, "a", "DNS:a.example"), Certificate(t, "b", "DNS:b.example")
    locked = Certificate(t, "locked", "DNS:a.example", passphrase="secret")
    for setting, what in (({"certFile": t.path("none.pem"), "keyFile": a.key}, "cannot be read: No such file"),
                          ({"certFile": a.key, "keyFile": a.key}, "holds no certificate in PEM"),
                          ({"certFile": a.cert, "keyFile": b.key}, "is not the key of certFile"),
                          ({"certFile": a.cert, "keyFile": a.cert}, "holds no private key"),
                          (locked.setting, "has a passphrase")):
        p = Penstock(t, {"ec2": ["127.0.0.1:1"]}, ready=False, state=None, accessLog=None, listeners=[
            {"address": "127.0.0.1:0", "tls": {"certificates": [setting]}}])
        p.expected = 1
        t.equal(p.wait(10), 1, "exit status")
        said = cli("check", "-c", p.config_path)
        for text in (p.stderr(), said.stdout + said.stderr):
            t.check(re.search(r"listeners: 127.0.0.1:0: tls: .*" + what, text), f"{what}: {text}")
        p.close()


main()
