"""The UDP side of the X-Ray daemon: keeps the documents, and holds them to the published format of segments."""
import json
import re
import socket
import threading

MEMBERS = {"name", "id", "trace_id", "parent_id", "start_time", "end_time", "http", "error", "fault", "throttle",
           "annotations", "subsegments", "namespace", "type"}


def check(document, top):
    assert set(document) <= MEMBERS, f"unknown: {set(document) - MEMBERS}"
    assert re.fullmatch(r"[\w .:/%&#=+\-@]{1,200}", document["name"], re.ASCII), document["name"]
    assert re.fullmatch("[0-9a-f]{16}", document["id"]), document
    assert isinstance(document["start_time"], float) and document["start_time"] <= document["end_time"], document
    assert all(document.get(flag, True) is True for flag in ("error", "fault", "throttle")), document
    assert set(document["http"]) == {"request", "response"}, document
    assert set(document["http"]["request"]) <= {"method", "url", "user_agent", "client_ip"}, document
    assert all(isinstance(document["http"]["response"][key], int) for key in document["http"]["response"]), document
    for key, value in document["annotations"].items():
        assert re.fullmatch(r"\w+", key, re.ASCII) and isinstance(value, (str, int, float, bool)), document
    if top:
        assert re.fullmatch("1-[0-9a-f]{8}-[0-9a-f]{24}", document["trace_id"]), document
        assert re.fullmatch("[0-9a-f]{16}", document.get("parent_id", "0" * 16)), document
    else:
        assert "trace_id" not in document and document["namespace"] == "remote", document
    for part in document.get("subsegments", []):
        check(part, False)


class Daemon:
    """`check` is what each document has to pass."""

    def __init__(self, t, check=check):
        self.documents, self.errors, self._check = [], [], check
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()
        t.own(self)

    def _run(self):
        while True:
            data = self._socket.recv(65536)
            if not data:
                return
            try:
                header, body = data.split(b"\n", 1)
                assert header == b'{"format":"json","version":1}', header
                document = json.loads(body)
                self._check(document, True)
                self.documents.append(document)
            except Exception as error:  # told by wait
                self.errors.append(f"{error!r}: {data[:400]!r}")

    def wait(self, t, n):
        """So many documents, and nothing that is none."""
        t.wait(lambda: self.errors or len(self.documents) >= n, f"{n} documents")
        t.equal(self.errors, [], "what the daemon cannot read")
        return self.documents

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self._socket.getsockname())
