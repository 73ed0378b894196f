"""The conformance tests of W3C Trace Context, of a clone of w3c/trace-context at $TRACE_CONTEXT; not part of `make check`."""
import http.client
import http.server
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse

from harness import Skip, case, free_port, main
from penstock import Penstock

CONTEXT = ("traceparent", "tracestate")


class Service:
    """What the tests want behind the proxy: it makes the calls that it is asked for, through the proxy, with the context that it was given."""

    def __init__(self, t):
        self.proxy = None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                for call in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
                    outer.call(call, [(k, v) for k, v in self.headers.items() if k.lower() in CONTEXT])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.text = "127.0.0.1:%d" % self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        t.own(self)

    def call(self, what, context):
        body = json.dumps(what.get("arguments") or []).encode()
        conn = http.client.HTTPConnection(*self.proxy, timeout=10)
        conn.putrequest("POST", urllib.parse.urlsplit(what["url"]).path)
        for name, value in [*context, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]:
            conn.putheader(name, value)
        conn.endheaders(body)
        conn.getresponse().read()
        conn.close()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@case("every conformance test of W3C Trace Context passes")
def _(t):
    script = os.path.join(os.environ.get("TRACE_CONTEXT", ""), "test", "test.py")
    if not os.environ.get("TRACE_CONTEXT") or not os.path.exists(script):
        raise Skip("TRACE_CONTEXT=FOLDER has to name a clone of w3c/trace-context, with test/test.py")
    if not importlib.util.find_spec("aiohttp"):
        raise Skip("not installed: python3-aiohttp")
    port, service = free_port(), Service(t)
    p = Penstock(t, {}, config={
        "listeners": [{"address": "127.0.0.1:0"}], "tracing": {"trust": "everybody"},
        "targetGroups": {"service": {"targets": [service.text]}, "tests": {"targets": [f"127.0.0.1:{port}"]}},
        "routes": [{"name": "service", "stable": "service", "match": {"pathPrefix": "/service"}}, {"name": "tests", "stable": "tests"}]})
    service.proxy = p.address
    run = subprocess.run([sys.executable, script, p.url("/service")], capture_output=True, text=True, timeout=240, check=False,
                         env=dict(os.environ, HARNESS_PORT=str(port), SPEC_LEVEL="2"))
    counts = re.search(r"Ran (\d+) tests", run.stderr)
    t.check(run.returncode == 0 and counts and int(counts[1]) > 30, run.stdout[-4000:] + run.stderr[-8000:])
    t.note(counts[0] + ", " + run.stderr.strip().splitlines()[-1])


main(limit=300.0)
