"""A source of external metrics: it answers as it is told, and keeps what it was asked."""
import hashlib
import hmac
import http.server
import json
import re
import threading
import urllib.parse


class Question:
    def __init__(self, method, path, headers, data):
        parts = urllib.parse.urlsplit(path)
        self.method, self.path, self.raw, self.headers, self.data = method, parts.path, path, headers, data
        self.query = {key: values[0] for key, values in urllib.parse.parse_qs(parts.query).items()}


class Source:
    """`answer` is called with each question, and gives a status with a value for JSON, or with text; None closes the
    connection without an answer."""

    def __init__(self, t, answer=None):
        self.answer, self._questions, self._lock = answer, [], threading.Lock()
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self):
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                question = Question(self.command, self.path, self.headers, data)
                with source._lock:
                    source._questions.append(question)
                answer = source.answer(question)
                if answer is None:
                    self.close_connection = True
                    return
                status, body = answer
                body = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = _any

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        t.own(self)

    def url(self, path=""):
        return "http://127.0.0.1:%d%s" % (self._server.server_address[1], path)

    def questions(self, path=None):
        with self._lock:
            return [question for question in self._questions if path in (None, question.path)]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def vector(*values):
    """Prometheus' answer to an instant query: a series for each value."""
    return 200, {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"n": str(i)}, "value": [1700000000.0, value]} for i, value in enumerate(values)]}}


def metric_data(*values):
    """CloudWatch's answer: one series, the newest value first."""
    return 200, {"Messages": [], "MetricDataResults": [
        {"Id": "q", "Label": "q", "StatusCode": "Complete", "Timestamps": [1700000000.0 - 60 * i for i in range(len(values))],
         "Values": list(values)}]}


def is_signed(question, key_id, secret, region, service):
    """Whether AWS would take the signature (Signature Version 4) of a question with this key, and everything that has to be
    signed is."""
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                         r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", question.headers.get("Authorization", ""))
    if not match or (match[1], match[3], match[4]) != (key_id, region, service):
        return False
    names = match[5].split(";")
    wanted = {name.lower() for name in question.headers.keys() if name.lower().startswith("x-amz-") or name.lower() == "host"}
    if names != sorted(names) or not wanted <= set(names):
        return False
    time = question.headers["X-Amz-Date"]
    head = "".join("%s:%s\n" % (name, " ".join(question.headers[name].split())) for name in names)
    request = "\n".join([question.method, question.path, "", head, match[5], hashlib.sha256(question.data).hexdigest()])
    scope = f"{match[2]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (match[2], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return time.startswith(match[2]) and hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), match[6])
