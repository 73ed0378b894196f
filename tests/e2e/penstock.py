"""penstock under test: the process with a configuration of its own, its admin API, its command line."""
import http.client
import json
import os
import re
import signal
import subprocess

from harness import PATIENCE, PROGRAM, Failure, Process
from records import AccessLog, Metrics

TOKEN = "0123456789abcdef-e2e"
READY = re.compile(r"penstock ready: (.*), (\d+) workers?\b")
CONFESSIONS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "BUG:")


def merge(base, more):
    """`more` laid over `base`: objects are merged, None removes a key, everything else is replaced."""
    if not isinstance(base, dict) or not isinstance(more, dict):
        return more
    merged = {key: merge(value, more[key]) if key in more else value for key, value in base.items()}
    merged.update((key, value) for key, value in more.items() if key not in base)
    return {key: value for key, value in merged.items() if value is not None}


def configuration(t, groups, weight=0, route=None, **more):
    """A configuration with one route `web`; the first group is stable, the second, if any, the canary. `groups` maps
    a platform to its targets; `route` and the further arguments are laid over what is made here."""
    names = list(groups)
    web = {"name": "web", "match": {"pathPrefix": "/"}, "stable": names[0]}
    if len(names) > 1:
        web.update(canary=names[1], weight=weight)
    base = {
        "workers": 2,
        "listeners": [{"address": "127.0.0.1:0"}],
        "admin": {"address": "127.0.0.1:0", "tokenFile": t.path("admin.token")},
        "state": {"directory": t.path("state")},
        "accessLog": [{"file": {"path": t.path("access.jsonl")}}],
        "targetGroups": {name: {"platform": name, "targets": [x if isinstance(x, str) else x.text for x in targets]}
                         for name, targets in groups.items()},
        "routes": [merge(web, route or {})],
    }
    return merge(base, more)


class Penstock(Process):
    """`penstock serve`, ready when this returns. It has to end well: a sanitizer's report or a bad exit status at the
    end fails the case, unless it was killed on purpose."""

    def __init__(self, t, groups, config=None, name="penstock.yaml", ready=True, env=None, **more):
        if not os.path.exists(t.path("admin.token")):
            t.write("admin.token", TOKEN + "\n")
        self.config = config or configuration(t, groups, **more)
        self.config_path = t.write(name, json.dumps(self.config, indent=1))
        self._killed = False
        self.expected = 0  # its exit status
        super().__init__(t, "penstock", [PROGRAM, "serve", "-c", self.config_path], env=dict(os.environ, **(env or {})))
        if ready:
            self._ready(t)

    def _ready(self, t):
        def line():
            if not self.running():
                raise Failure(f"penstock ended with {self.popen.returncode} before it was ready: {self.stderr()}")
            return READY.search(self.stderr())
        found = t.wait(line, "penstock says that it is ready", 10)
        places = dict(http=[], admin=[])
        for kind, place in re.findall(r"(http|admin)s? ([^ ,]+)", found[1]):
            places[kind].append(place)
        self.listeners = [address(p) for p in places["http"]]
        self.admin = Admin(places["admin"][0]) if places["admin"] else None
        self.workers = int(found[2])
        logs = [log["file"]["path"] for log in self.config.get("accessLog", []) if "file" in log]
        self.log = AccessLog(t, logs[0]) if logs else None

    @property
    def address(self):
        return self.listeners[0]

    def url(self, path="/", listener=0):
        return "http://%s:%d%s" % (*self.listeners[listener], path)

    def write_config(self, config):
        """Replaces the file; the process does not know of it before a reload."""
        self.config = config
        self.t.write(os.path.basename(self.config_path), json.dumps(config, indent=1))

    def metrics(self):
        return Metrics(self.admin.get("/metrics").text)

    def cli(self, *words, **options):
        """Runs a subcommand against this instance's admin address."""
        return cli(*words, env={"PENSTOCK_ADMIN": self.admin.place, "PENSTOCK_TOKEN": TOKEN}, **options)

    def memory_kib(self, what="VmRSS"):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(rf"{what}:\s+(\d+) kB", f.read())[1])

    def cpu_seconds(self):
        """CPU time so far, user and system."""
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # ---- the end

    def kill9(self):
        self._killed = True
        self.kill()

    def terminate(self, timeout=20.0):
        """SIGTERM; gives the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def close(self):
        if self.running():
            self.signal(signal.SIGINT)
            self.signal(signal.SIGTERM)
            try:
                self.popen.wait(15 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failure("penstock did not end within a while after SIGTERM") from None
        said = [word for word in CONFESSIONS if word in self.stderr()]
        if said:
            raise Failure(f"penstock's stderr speaks of {', '.join(said)}")
        if self.popen.returncode != self.expected and not self._killed:
            raise Failure(f"penstock ended with status {self.popen.returncode}")


def address(place):
    host, _, port = place.rpartition(":")
    return (host.strip("[]"), int(port))


class Result:
    """What a command printed, and how it ended."""

    def __init__(self, status, stdout, stderr):
        self.status, self.stdout, self.stderr = status, stdout, stderr

    def json(self):
        return json.loads(self.stdout)


def cli(*words, env=None, stdin="", timeout=20.0, cwd=None):
    """Runs the program to its end."""
    done = subprocess.run([PROGRAM, *map(str, words)], input=stdin, capture_output=True, text=True, cwd=cwd,
                          timeout=timeout * PATIENCE, env=dict(os.environ, **(env or {})), errors="replace")
    for word in CONFESSIONS:
        if word in done.stderr:
            raise Failure(f"penstock {' '.join(map(str, words))}: {done.stderr}")
    return Result(done.returncode, done.stdout, done.stderr)


class Answer:
    def __init__(self, status, headers, data):
        self.status, self.headers, self.data = status, headers, data

    @property
    def text(self):
        return self.data.decode("utf-8")

    def json(self):
        return json.loads(self.text)


class Admin:
    """The admin API. Writes carry the token unless told otherwise."""

    def __init__(self, place):
        self.place = place

    def ask(self, method, path, body=None, token=TOKEN, headers=None, data=None):
        connection = http.client.HTTPConnection(*address(self.place), timeout=10 * PATIENCE)
        fields = dict(headers or {})
        if body is not None:
            data = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        if token:
            fields.setdefault("Authorization", "Bearer " + token)
        try:
            connection.request(method, path, data, fields)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def must(self, method, path, body=None, **more):
        """A request that has to be answered with 2xx; gives its JSON, if any."""
        answer = self.ask(method, path, body, **more)
        if not 200 <= answer.status < 300:
            raise Failure(f"{method} {path}: {answer.status} {answer.text}")
        return answer.json() if answer.data else None

    def status(self):
        return self.must("GET", "/v1/status")

    def weight(self, percent, route="web", **more):
        return self.must("PUT", f"/v1/routes/{route}/weight", {"canary": percent, **more})

    def rollout(self, route="web"):
        return self.must("GET", f"/v1/routes/{route}/rollout")

    def start(self, plan, route="web"):
        return self.must("POST", f"/v1/routes/{route}/rollout", plan)

    def order(self, verb, route="web", body=None):
        return self.must("POST", f"/v1/routes/{route}/rollout/{verb}", body if body is not None else {})

    def decisions(self, route=None):
        return self.must("GET", "/v1/decisions" + (f"?route={route}" if route else ""))
