"""Load from wrk and h2load, with what they counted."""
import json
import os
import re

from harness import HERE, Failure, Process, tool


class Wrk(Process):
    """wrk in the background. `script` is a Lua file of this folder or Lua text with a request() of its own."""

    def __init__(self, t, url, seconds, connections=32, threads=1, script="wrk.lua", timeout=10):
        self.json_path = t.path(f"wrk-{t.count('wrk-json')}.json")
        path = os.path.join(HERE, script)
        env = dict(os.environ, WRK_JSON=self.json_path)
        super().__init__(t, "wrk", [tool("wrk"), "-c", str(connections), "-t", str(threads), "-d", f"{seconds:.0f}s",
                                    "--timeout", f"{timeout}s", "-s", path, url], env=env)
        self.seconds = seconds

    def result(self):
        """Waits for the end: {"requests", "bad", "connect", "read", "write", "timeout", "duration_us"}."""
        self.wait(self.seconds + 30)
        try:
            with open(self.json_path) as f:
                return json.load(f)
        except (OSError, ValueError):
            raise Failure(f"wrk said nothing: {self.stdout()} {self.stderr()}") from None

    def flawless(self):
        """The result, when no request failed."""
        result = self.result()
        failed = {k: v for k, v in result.items() if k in ("bad", "connect", "read", "write", "timeout") and v}
        if failed:
            raise Failure(f"{result['requests']} requests under wrk, of which failed: {failed}")
        return result


def h2load(t, url, requests, connections=32, threads=2, headers=()):
    """Exactly `requests` requests over HTTP/1.1; gives how many of them ended well, by status class."""
    argv = [tool("h2load"), "--h1", "-n", str(requests), "-c", str(connections), "-t", str(threads)]
    for header in headers:
        argv += ["-H", header]
    process = Process(t, "h2load", argv + [url])
    process.wait(120)
    return _h2load_counts(process.stdout())


class H2load(Process):
    """h2load in the background at a steady rate of `rate` requests a second in all."""

    def __init__(self, t, url, seconds, rate, connections=10, headers=()):
        argv = [tool("h2load"), "--h1", "-c", str(connections), "-t", "1", "-D", str(seconds),
                "--rps", str(rate / connections)]
        for header in headers:
            argv += ["-H", header]
        self.seconds = seconds
        super().__init__(t, "h2load", argv + [url])

    def result(self):
        self.wait(self.seconds + 30)
        return _h2load_counts(self.stdout())

    def stop(self):
        self.signal(15)  # a process that was started in the background may ignore SIGINT
        self.popen.wait()


def _h2load_counts(text):
    whole = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, "
                      r"(\d+) errored, (\d+) timeout", text)
    classes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
    if not whole or not classes:
        raise Failure(f"h2load said: {text}")
    names = ("total", "started", "done", "succeeded", "failed", "errored", "timeout")
    counts = dict(zip(names, map(int, whole.groups())))
    counts.update(zip(("2xx", "3xx", "4xx", "5xx"), map(int, classes.groups())))
    return counts
