"""The agent of Datadog as its tracers see it: /info, and PUT /v0.4/traces in MessagePack. It keeps the spans."""
import http.server
import json
import threading

from fluent import Unpacker


class Agent:
    def __init__(self, t):
        self.spans, self.errors = [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer({"endpoints": ["/v0.4/traces"], "client_drop_p0s": False})

            def do_PUT(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v0.4/traces":
                    outer.take(int(self.headers["X-Datadog-Trace-Count"]), body)
                self.answer({"rate_by_service": {"service:,env:": 1}})

            do_POST = do_PUT

            def answer(self, said):
                body = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        t.own(self)

    def take(self, count, body):
        try:
            traces = Unpacker(body).value()
            assert len(traces) == count, f"{len(traces)} traces, said to be {count}"
            for trace in traces:
                high = trace[0]["meta"].get("_dd.p.tid", "0" * 16)  # the first span speaks for the others
                self.spans += [dict(span, trace=f"{high}{span['trace_id']:016x}") for span in trace]
        except Exception as error:  # told by wait
            self.errors.append(f"{error!r}: {body[:400]!r}")

    def named(self, name):
        return [span for span in self.spans if span["name"] == name]

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def logs(self):
        yield "Datadog agent", "\n".join(self.errors)
