"""A collector of OTLP over HTTP: keeps the spans, and holds what it is sent to the JSON mapping of the protocol."""
import http.server
import json
import re
import threading


def attributes(items):
    """A list of attributes as a dictionary; each is of a form that the protocol has."""
    found = {}
    for item in items:
        assert set(item) == {"key", "value"} and len(item["value"]) == 1, item
        (kind, value), = item["value"].items()
        assert isinstance(value, {"stringValue": str, "intValue": str, "doubleValue": (int, float)}[kind]), item
        assert item["key"] not in found, f"{item['key']} stands there twice"
        found[item["key"]] = int(value) if kind == "intValue" else value
    return found


class Span:
    def __init__(self, resource, data):
        known = {"traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano",
                 "attributes", "status"}
        assert set(data) <= known, f"unknown: {set(data) - known}"
        self.trace, self.id, self.parent = data["traceId"], data["spanId"], data.get("parentSpanId")
        assert re.fullmatch("[0-9a-f]{32}", self.trace) and re.fullmatch("[0-9a-f]{16}", self.id), data
        assert self.parent is None or re.fullmatch("[0-9a-f]{16}", self.parent), data
        self.name, self.kind = data["name"], {2: "server", 3: "client"}[data["kind"]]
        assert isinstance(data["startTimeUnixNano"], str) and isinstance(data["endTimeUnixNano"], str), data
        self.start, self.end = int(data["startTimeUnixNano"]), int(data["endTimeUnixNano"])
        assert 0 < self.start <= self.end, data
        self.failed = data.get("status", {}).get("code", 0) == 2
        self.resource, self.attributes = resource, attributes(data["attributes"])


class Collector:
    def __init__(self, t, port=0):
        self.spans, self.bodies, self.errors, self.headers, self.asked = [], [], [], [], 0
        self.status, self.retry_after = 200, None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                status = outer.status
                if status == 200:
                    outer.take(self.path, self.headers, body)
                self.send_response(status)
                if outer.retry_after is not None:
                    self.send_header("Retry-After", str(outer.retry_after))
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/v1/traces" % self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        t.own(self)

    def take(self, path, headers, body):
        try:
            assert path == "/v1/traces" and headers["Content-Type"] == "application/json", path
            data = json.loads(body)
            assert set(data) == {"resourceSpans"}, data
            spans = []
            for part in data["resourceSpans"]:
                assert set(part) == {"resource", "scopeSpans"} and set(part["resource"]) == {"attributes"}, part
                resource = attributes(part["resource"]["attributes"])
                for scope in part["scopeSpans"]:
                    assert set(scope) == {"scope", "spans"} and scope["scope"]["name"] == "penstock", scope
                    spans += [Span(resource, span) for span in scope["spans"]]
            self.headers.append(dict(headers.items()))
            self.bodies.append(body)
            self.spans += spans
        except (AssertionError, KeyError, ValueError) as error:
            self.errors.append(error)

    def wait(self, t, n):
        """So many spans, and nothing that is none; those of a trace together."""
        t.wait(lambda: self.errors or len(self.spans) >= n, f"{n} spans")
        t.equal(self.errors, [], "what the collector cannot read")
        return self.spans

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def logs(self):
        yield "collector", "\n".join(repr(e) for e in self.errors)
