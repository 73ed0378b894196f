"""Prometheus and its Alertmanager, real ones, that look at penstock every second."""
import json
import os
import signal
import urllib.parse
import urllib.request

from harness import Failure, Process, free_port, tool
from peers import TRIES


class Monitor(Process):
    """A server of the Prometheus project: `words` are its arguments but for the address that it listens on."""

    def __init__(self, t, name, ready, *words):
        for _ in range(TRIES):
            self.text = f"127.0.0.1:{free_port()}"
            super().__init__(t, name, [tool(name), *words, f"--web.listen-address={self.text}", "--log.level=warn"])
            t.wait(lambda: not self.running() or self._answers(ready), f"{name} is ready", timeout=30.0)
            if self.running():
                return
        raise Failure(f"{name} does not start: {self.stderr()}")

    def _answers(self, path):
        try:
            return self.fetch(path) is not None
        except OSError:
            return False

    def fetch(self, path, **query):
        url = f"http://{self.text}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10.0) as answer:
            return answer.read()

    def close(self):
        self.signal(signal.SIGTERM)
        self.wait()


class Alertmanager(Monitor):
    def __init__(self, t):
        config = t.write("alertmanager.json", json.dumps({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}))
        super().__init__(t, "prometheus-alertmanager", "/-/ready", f"--config.file={config}",
                         f"--storage.path={t.path('alerts')}", "--cluster.listen-address=")

    def alerts(self, name):
        """Those that fire now, each as its labels."""
        return [alert["labels"] for alert in json.loads(self.fetch("/api/v2/alerts", filter=f'alertname="{name}"'))]


class Prometheus(Monitor):
    """It scrapes the admin listener of `p` each `interval`, as the comment in the rules of contrib/ says."""

    def __init__(self, t, p, rules=(), alertmanagers=(), interval="1s"):
        def static(*targets):
            return {"static_configs": [{"targets": list(targets)}]}
        config = {"global": {"scrape_interval": interval, "evaluation_interval": "1s"}, "rule_files": [os.path.abspath(path) for path in rules],
                  "scrape_configs": [{"job_name": "penstock", **static(p.admin.place)}],
                  "alerting": {"alertmanagers": [static(*(manager.text for manager in alertmanagers))]}}
        super().__init__(t, "prometheus", "/-/ready", "--config.file=" + t.write("prometheus.json", json.dumps(config)),
                         f"--storage.tsdb.path={t.path('series')}")

    def query(self, expression):
        """{labels as sorted pairs: value} of an instant vector."""
        data = json.loads(self.fetch("/api/v1/query", query=expression))["data"]["result"]
        return {tuple(sorted(row["metric"].items())): float(row["value"][1]) for row in data}
