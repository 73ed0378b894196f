"""TLS to targets: verified by default, resumed, checked for health, and no byte sent before the handshake is done."""
import hashlib
import http.client
import json
import os
import subprocess

from harness import case, free_port, main, need, tool
from peers import Nginx, Raw
from penstock import Penstock, cli

need("nginx", "openssl")


def certificate(t, name, alt, ca=None):
    """A key and a certificate for `alt`, from `ca` or from itself: the paths of both."""
    key, cert = t.path(name + ".key"), t.path(name + ".pem")
    words = [tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-keyout", key, "-out", cert, "-subj", "/CN=" + name, "-addext", "subjectAltName=" + alt]
    if ca:
        words += ["-CA", ca[1], "-CAkey", ca[0], "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(words, check=True, capture_output=True)
    return key, cert


def replace(path, text):
    """At once, as a renewal does."""
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


class TlsNginx(Nginx):
    """nginx that speaks TLS on a second port, with a certificate for `alt`."""

    def __init__(self, t, alt="IP:127.0.0.1", server=""):
        self.authority = certificate(t, "authority", "DNS:authority")
        key, cert = certificate(t, "target", alt, self.authority)
        port = free_port()
        self.tls = f"127.0.0.1:{port}"
        super().__init__(t, "ec2", f"""
            listen 127.0.0.1:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {key};
            ssl_protocols TLSv1.2 TLSv1.3;
            location /seen {{ return 200 "$ssl_session_reused $ssl_protocol $ssl_server_name $ssl_client_verify"; }}
            location /file {{ }}
            {server}""")


def before(t, target, tls, group=None, **more):
    return Penstock(t, {"ec2": [target]}, targetGroups={"ec2": {"tls": tls, **(group or {})}}, **{"workers": 1, **more})


def fetch(p, path="/", body=None):
    client = http.client.HTTPConnection(*p.address, timeout=20)
    client.request("POST" if body else "GET", path, body=body)
    answer = client.getresponse()
    return answer.status, answer.read()


@case("a target with a certificate for its address is served from, on one connection")
def _(t):
    nginx = TlsNginx(t)
    p = before(t, nginx.tls, {"caFile": nginx.authority[1]})
    for _ in range(20):
        t.equal(fetch(p), (200, b"ec2\n"), "the answer")
    t.equal(fetch(p, "/seen")[1].split()[:2], [b".", b"TLSv1.3"], "a full handshake, the newest version")
    with open(os.path.join(nginx.folder, "access.log")) as f:
        t.equal(len({json.loads(line)["connection"] for line in f}), 1, "connections")


@case("what the certificate does not vouch for gets no request")
def _(t):
    nginx = TlsNginx(t, "DNS:other.example")
    for tls, why in (({"caFile": nginx.authority[1]}, "mismatch"),
                     ({"caFile": nginx.authority[1], "serverName": "api.example"}, "mismatch"),
                     ({}, "certificate"),
                     ({"caFile": nginx.authority[1], "minVersion": "1.3", "serverName": "example"}, "mismatch")):
        p = before(t, nginx.tls, tls)
        t.equal(fetch(p)[0], 502, f"the status with {tls}")
        record = p.log.wait(1)[0]
        t.equal(record["outcome"], "tls_to_target", "the outcome")
        t.check(why in record["penstock"]["error"], f"the log says why: {record['penstock']}")
        p.close()
        os.remove(t.path("access.jsonl"))
    with open(os.path.join(nginx.folder, "access.log")) as f:
        t.check("uri" not in f.read(), "nginx got no request")


@case("serverName is asked for and checked, and verify: false takes anybody")
def _(t):
    nginx = TlsNginx(t, "DNS:*.api.example")
    p = before(t, nginx.tls, {"caFile": nginx.authority[1], "serverName": "a.api.example"})
    t.equal(fetch(p, "/seen")[1].split()[2:3], [b"a.api.example"], "SNI")
    q = before(t, nginx.tls, {"verify": False}, name="any.yaml", state=None, accessLog=None)
    t.equal(fetch(q)[0], 200, "without verification")


@case("a further connection resumes the session")
def _(t):
    nginx = TlsNginx(t, server="ssl_session_tickets on; keepalive_requests 1;")
    p = before(t, nginx.tls, {"caFile": nginx.authority[1]})
    t.equal(fetch(p, "/seen")[1].split()[0], b".", "the first")
    t.equal(fetch(p, "/seen")[1].split()[0], b"r", "the second")


@case("our certificate is shown to targets that ask for one")
def _(t):
    ours = certificate(t, "ours", "DNS:penstock")
    nginx = TlsNginx(t, server=f"ssl_client_certificate {ours[1]}; ssl_verify_client on;")
    p = before(t, nginx.tls, {"caFile": nginx.authority[1], "certFile": ours[1], "keyFile": ours[0]})
    t.check(b"SUCCESS" in fetch(p, "/seen")[1], "nginx takes our certificate")


@case("our certificate is read again when its files change, and one that does not do is refused")
def _(t):
    first, second = (certificate(t, name, "DNS:penstock") for name in ("first", "second"))
    nginx = TlsNginx(t, server="ssl_verify_client optional_no_ca; location /who { return 200 $ssl_client_s_dn; }")
    key, cert = t.path("ours.key"), t.path("ours.pem")

    def become(*files):
        for path, source in zip((key, cert), files):
            with open(source) as f:
                replace(path, f.read())
    become(*first)
    p = before(t, nginx.tls, {"caFile": nginx.authority[1], "certFile": cert, "keyFile": key})

    def refused():
        return p.metrics().sum("penstock_group_tls_refused", group="ec2")
    t.equal((fetch(p, "/who")[1], refused()), (b"CN=first", 0), "the first")
    become(*second)
    t.wait(lambda: fetch(p, "/who")[1] == b"CN=second", "the second is shown, on a new connection")
    replace(cert, "no certificate\n")
    t.wait(refused, "the bad one is told")
    t.check("targetGroups: ec2: tls: certFile cannot be used" in p.stderr(), p.stderr())
    t.equal(fetch(p, "/who")[1], b"CN=second", "what is shown then")
    become(*first)
    t.wait(lambda: fetch(p, "/who")[1] == b"CN=first" and not refused(), "a good one again")


@case("long bodies pass whole both ways")
def _(t):
    nginx = TlsNginx(t, server="location /put { client_body_in_single_buffer on; return 200; }")
    body = os.urandom(5 * 1024 * 1024)
    with open(os.path.join(nginx.folder, "files", "file"), "wb") as f:
        f.write(body)
    p = before(t, nginx.tls, {"caFile": nginx.authority[1]}, workers=2)
    for _ in range(3):
        status, got = fetch(p, "/file")
        t.equal((status, hashlib.sha256(got).digest()), (200, hashlib.sha256(body).digest()), "the file")
        t.equal(fetch(p, "/put", body)[0], 200, "the upload")


@case("a target that answers in clear text, or with nothing, gets no request and its words are no answer")
def _(t):
    heard = []

    def talk(wire):
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        heard.append(wire.sock.recv(4096))

    p = before(t, Raw(t, talk).text, {"verify": False})
    status, body = fetch(p)
    t.equal(status, 502, "the status")
    t.check(b"evil" not in body, "the words do not pass")
    t.wait(lambda: heard, "the target has read what was sent")  # it may read after penstock has answered
    t.check(heard[0][:1] == b"\x16" and b"HTTP" not in heard[0], "all that is sent is a handshake")


@case("health checks speak TLS, too")
def _(t):
    nginx = TlsNginx(t)
    check = {"healthCheck": {"path": "/", "interval": "100ms", "timeout": "100ms", "unhealthy": 1}}
    p = before(t, nginx.tls, {"caFile": nginx.authority[1]}, check)

    def health(p):
        return p.admin.get("/v1/status").json()["groups"][0]["targets"][0]
    t.wait(lambda: health(p)["health"] in ("healthy", "good"), "the target is healthy")
    q = before(t, nginx.tls, {}, check, name="untrusted.yaml", state=None, accessLog=None)
    t.wait(lambda: "certificate" in health(q).get("healthReason", ""), "the check says what is wrong")


@case("a file that cannot be used is told by check, and refused")
def _(t):
    bad = t.write("bad.pem", "no certificate\n")
    p = before(t, "127.0.0.1:1", {"caFile": bad}, ready=False)
    p.expected = 1
    t.equal(p.wait(10), 1, "exit status")
    t.check("caFile cannot be used" in p.stderr(), p.stderr())
    said = cli("check", "-c", p.config_path)
    t.check("caFile cannot be used" in said.stderr + said.stdout, said)


@case("a shadow gets its copies over TLS, on one connection, or none where its certificate is not good")
def _(t):
    nginx = TlsNginx(t)
    for tls, outcome in (({"caFile": nginx.authority[1]}, "mirrored"), ({}, "tls_to_target")):
        p = Penstock(t, {"ec2": [Raw(t)], "fargate": [nginx.tls]}, workers=1, targetGroups={"fargate": {"tls": tls}},
                     route={"mirror": 100}, state={"directory": t.path(outcome)},
                     accessLog=[{"file": {"path": t.path(outcome + ".jsonl")}}])
        for n in range(1, 6):
            t.equal(fetch(p), (200, b"raw"), "the answer")
            nginx.arrived(n if outcome == "mirrored" else 5)
        t.equal({r["outcome"] for r in p.log.wait(10) if r["assignment"] == "mirror"}, {outcome}, "the copies")
    seen = nginx.seen()
    t.equal((len(seen), len({r["connection"] for r in seen})), (5, 1), "copies and connections at the shadow")


main()
