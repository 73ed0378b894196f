"""A receiver of webhooks: it keeps what it is sent, and answers as it is told."""
import http.server
import json
import threading


class Post:
    def __init__(self, path, headers, data):
        self.path, self.headers, self.data = path, headers, data

    def json(self):
        return json.loads(self.data)


class Receiver:
    """`answers` of a path are given one after the other, the last one from then on: a status, or (status, text), or None
    for a connection that is closed without an answer. A path without any gets 200."""

    def __init__(self, t):
        self.answers, self._posts, self._lock = {}, [], threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                data = self.rfile.read(int(self.headers["Content-Length"]))
                status, text = receiver._take(Post(self.path, self.headers, data))
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        t.own(self)

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self._server.server_address[1], path)

    def _take(self, post):
        with self._lock:
            self._posts.append(post)
            answers = self.answers.get(post.path, [200])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, tuple) else (answer, "")

    def posts(self, path):
        with self._lock:
            return [post for post in self._posts if post.path == path]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
