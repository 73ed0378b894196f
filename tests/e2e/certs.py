"""Certificates for tests, and a TLS client whose bytes the test moves itself."""
import os
import ssl
import subprocess

from harness import tool
from wire import Wire

KEYS = {"ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"], "ed25519": ["ed25519"]}


class Certificate:
    """A key and a certificate for `alt` ("DNS:a.example,..."), from `ca` (another one) or from itself, in files."""

    def __init__(self, t, name, alt, ca=None, kind="ecdsa", days=2, passphrase=None):
        self.name, self.key, self.cert = name, t.path(name + ".key"), t.path(name + ".pem")
        words = [tool("openssl"), "req", "-x509", "-newkey", *KEYS[kind], "-days", str(days), "-keyout", self.key,
                 "-out", self.cert, "-subj", "/O=penstock tests/CN=" + name]
        words += ["-passout", "pass:" + passphrase] if passphrase else ["-nodes"]
        words += ["-addext", "subjectAltName=" + alt] if alt else []
        if ca:
            words += ["-CA", ca.cert, "-CAkey", ca.key, "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run(words, check=True, capture_output=True)
        self.setting = {"certFile": self.cert, "keyFile": self.key}

    def expire(self):
        """Makes the certificate one that ended yesterday."""
        subprocess.run([tool("openssl"), "x509", "-in", self.cert, "-signkey", self.key, "-days", "-1", "-out", self.cert],
                       check=True, capture_output=True)
        return self

    def ocsp(self, t, ca, status="V", days=1):
        """A file with a response of `ca` for this certificate: V is good, R revoked."""
        said = subprocess.run([tool("openssl"), "x509", "-in", self.cert, "-noout", "-serial"], check=True,
                              capture_output=True, text=True).stdout
        serial = said.strip().split("=")[1]
        gone = "260101000000Z" if status == "R" else ""
        index = t.write(f"index-{t.count('index')}", f"{status}\t400101000000Z\t{gone}\t{serial}\tunknown\t/CN=x\n")
        ask, answer = t.path("ocsp.req"), t.path(f"{self.name}-{t.count('ocsp')}.ocsp")
        subprocess.run([tool("openssl"), "ocsp", "-issuer", ca.cert, "-cert", self.cert, "-reqout", ask], check=True,
                       capture_output=True)
        subprocess.run([tool("openssl"), "ocsp", "-index", index, "-CA", ca.cert, "-rsigner", ca.cert, "-rkey", ca.key,
                        "-reqin", ask, "-respout", answer, "-ndays", str(days)], check=True, capture_output=True)
        return answer

    def der(self):
        with open(self.cert) as f:
            return ssl.PEM_cert_to_DER_cert(f.read())

    def become(self, other):
        """Replaces the files by those of another one, as a renewal does: each at once."""
        for mine, theirs in ((self.key, other.key), (self.cert, other.cert)):
            with open(theirs, "rb") as f:
                data = f.read()
            with open(mine + ".new", "wb") as f:
                f.write(data)
            os.replace(mine + ".new", mine)


def context(version=None, ciphers=None, alpn=None, mine=None):
    """A client that takes any certificate: what is shown is the test's to look at."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if version:
        made.minimum_version = made.maximum_version = version
    if ciphers:
        made.set_ciphers(ciphers)
    if alpn:
        made.set_alpn_protocols(alpn)
    if mine:
        made.load_cert_chain(mine.cert, mine.key)
    return made


def dial(address, name=None, session=None, sock=None, **how):
    """A Wire over TLS, after the handshake; `wire.sock` is the ssl socket."""
    made = how.pop("context", None) or context(**how)
    plain = (sock or Wire(address)).sock
    return Wire(None, sock=made.wrap_socket(plain, server_hostname=name, session=session))


class Memory:
    """A client's end without a socket: what it would send, and what it is given."""

    def __init__(self, name="a.example", **how):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl = context(**how).wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def step(self):
        """Goes on as far as it gets; whether the handshake is done."""
        try:
            self.ssl.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False
