"""penstock demo: every fault ends as it should, and the demo leaves nothing behind, on a terminal or not."""
import json
import os
import pty
import re
import signal
import subprocess
import termios
import time
import urllib.request

from harness import PATIENCE, PROGRAM, SANITIZER, Process, case, main
from penstock import cli

SPEED = "8"
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
CURSOR = b"\x1b[?25h"


def environment(t, **more):
    os.makedirs(t.path("tmp"), exist_ok=True)
    return dict(os.environ, TMPDIR=t.path("tmp"), **more)


def demo(t, *words, wait=True, **more):
    """Runs the demo into a pipe, to its end unless it shall stay."""
    p = Process(t, "demo", [PROGRAM, "demo", *words], env=environment(t, **more))
    if wait:
        p.status = p.wait(150)
    return p


def left(t):
    return os.listdir(t.path("tmp"))


def showing(t, fault, ends, *checks):
    """The whole demo with a fault, as JSON."""
    p = demo(t, "--once", "--json", "--speed", SPEED, "--fault", fault)
    records = [json.loads(line) for line in p.stdout().splitlines()]
    decisions, end = records[:-1], records[-1]
    t.equal((p.status, end["state"], end["asExpected"]), (0, ends, True), f"the end: {json.dumps(decisions[-1:])}")
    t.check(end["clients"]["answered"] > 100, f"the clients got answers: {end}")
    t.equal(left(t), [], "files that are left behind")
    t.note(f"{end['seconds']} s, {end['clients']}")
    return decisions, end


@case("without a fault the canary takes all traffic, and no request is lost")
def _(t):
    decisions, end = showing(t, "none", "promoted")
    went = [d["weight"]["to"] for d in decisions if d["action"] in ("forward", "promote")]
    t.equal(sorted(set(went)), [5, 20, 80, 100], f"the weights: {went}")
    t.equal(end["clients"]["withoutAnswer"], 0, "requests without an answer")
    t.check(end["clients"]["failed"] < 0.01 * end["clients"]["sent"], f"few fail, as in any service: {end}")


def rolled_back(t, fault, metric):
    decisions, _ = showing(t, fault, "rolledBack")
    last = [d for d in decisions if d["action"] == "rollback"][-1]
    t.equal((last["metric"], last["weight"]["to"]), (metric, 0), f"the decision: {last}")
    return last


@case("a canary that fails 5 % of its requests is rolled back after a handful of them")
def _(t):
    last = rolled_back(t, "errors", "errors")
    t.check(last["counts"]["canary"]["bad"] < 100, f"canary errors before the decision: {last}")


@case("a canary that is far slower than its SLO is rolled back")
def _(t):
    rolled_back(t, "slow", "latency")


@case("a canary that cannot bear more goes back to what it bears, tries it in small raises, and is held there")
def _(t):
    decisions, _ = showing(t, "capacity", "held")
    t.check(all(d["action"] != "rollback" for d in decisions), "it is never sent back to 0")
    retreats = [d["weight"] for d in decisions if d["action"] == "retreat"]
    t.equal(len(retreats), 2, f"the retreats: {retreats}")
    t.equal(retreats[0]["to"], 20, "first to the last step that was proven")
    t.check(20 <= retreats[1]["to"] < 63 < retreats[1]["from"] <= 80, f"then to the last small raise: {retreats[1]}")
    t.equal((decisions[-1]["reason"], decisions[-1]["weight"]["to"]), ("loadDependent", retreats[1]["to"]), "how it ends")


@case("an outage of both is waited out, one of the canary alone is rolled back")
def _(t):
    decisions, _ = showing(t, "outage", "rolledBack")
    t.equal([d["weight"]["from"] for d in decisions if d["action"] == "rollback"], [20], "only from 20 %")


@case("into a pipe it prints plain lines: where everything is, the figures, the decisions, the end")
def _(t):
    p = demo(t, "--once", "--speed", SPEED, "--fault", "errors")
    text = p.stdout()
    t.equal(p.status, 0, "the exit status")
    t.check("\x1b" not in text, "no escape sequence")
    for part in ("curl http://127.0.0.1:", "penstock status --admin 127.0.0.1:", "5 % of its requests with 500", "web  weight",
                 "rollback", "Rolled back: every request goes to stable again.", "as it should"):
        t.contains(text, part, "the output")
    lines = [line for line in text.splitlines() if re.search(r"^ *\d+ s  web ", line)]
    t.check(2 <= len(lines) <= 120 * PATIENCE, f"about a line a second: {len(lines)}")


@case("it stays until Ctrl-C, can be asked by everybody, and ends well")
def _(t):
    p = demo(t, "--access-log", "access.jsonl", "--speed", "2", wait=False)
    text = t.wait(lambda: "weight 5 %" in p.stdout() and p.stdout(), "the rollout has begun", 30)
    address = re.search(r"curl http://(\S+)/", text)[1]
    admin = re.search(r"--admin (\S+)", text)[1]
    with urllib.request.urlopen(f"http://{address}/hello", timeout=10 * PATIENCE) as answer:
        told = json.load(answer)
    t.equal((told["platform"] in ("ec2", "fargate"), told["label"]), (True, told["platform"]), f"the answer: {told}")
    status = cli("status", "--admin", admin)
    t.equal(status.status, 0, status.stderr)
    for word in ("web", "ec2", "fargate", "evidence", "demo running"):
        t.contains(status.stdout, word, "penstock status")
    refused = cli("weight", "web", "50", "--admin", admin)
    t.equal(refused.status, 1, f"a write without the token: {refused.stdout}")
    t.contains(refused.stderr, "token", "what to do about it")
    p.signal(signal.SIGINT)
    t.equal(p.wait(30), 0, f"the exit status: {p.stderr()}")
    t.contains(p.stdout(), "still under way", "the last words")
    t.equal(left(t), [], "files that are left behind")
    with open(t.path("access.jsonl")) as log:
        platforms = {json.loads(line)["platform"] for line in log}
    t.check(platforms <= {"ec2", "fargate"} and "ec2" in platforms, f"platforms in the access log: {platforms}")


class Terminal:
    """The demo on a terminal of its own."""

    def __init__(self, t, *words, **more):
        master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.t, self.master, self.slave, self.seen = t, master, slave, b""
        termios.tcsetwinsize(slave, (40, 120))
        self.popen = subprocess.Popen([PROGRAM, "demo", *words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                      env=environment(t, TERM="xterm-256color", LC_ALL="C.UTF-8", **more),
                                      preexec_fn=lambda: fcntl_controlling(slave))
        os.set_blocking(master, False)
        t.own(self)

    def read(self):
        try:
            self.seen += os.read(self.master, 1 << 20)
        except (BlockingIOError, OSError):
            pass
        return self.seen

    def until(self, part, timeout=30):
        self.t.wait(lambda: part in self.read(), f"{part} on the terminal", timeout)

    def key(self, keys):
        os.write(self.master, keys)

    def end(self, timeout=30):
        """Reads on until it has ended, so that it never waits for the terminal."""
        limit = time.monotonic() + timeout * PATIENCE
        while self.popen.poll() is None and time.monotonic() < limit:
            self.read()
            time.sleep(0.01)
        self.read()
        return self.popen.poll()

    def close(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        os.close(self.master)
        os.close(self.slave)

    def logs(self):
        return [("terminal", self.seen[-3000:].decode(errors="replace"))]


def fcntl_controlling(slave):
    import fcntl
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def restored(t, terminal):
    """What was turned on is turned off, in the right order, and the terminal's settings are back."""
    seen = terminal.seen
    t.equal((seen.count(ENTER), seen.count(LEAVE)), (1, 1), "the other screen is entered and left")
    t.check(seen.rindex(CURSOR) > seen.rindex(ENTER), "the cursor shows again")
    t.check(seen.index(LEAVE) > seen.index(ENTER), "left after it was entered")
    t.equal(termios.tcgetattr(terminal.slave), terminal.before, "the terminal's settings")


@case("on a terminal it draws a live view, and q gives the terminal back")
def _(t):
    terminal = Terminal(t)
    terminal.until(ENTER)
    for part in (b"penstock demo", b"fargate", b"evidence", b"steps", b"decisions", "█".encode()):
        terminal.until(part)
    t.check(b"\x1b[34m" in terminal.seen, "colour")
    terminal.key(b"e")
    terminal.until(b"From now on")
    terminal.key(b"p")
    terminal.until(b"Paused")
    terminal.key(b"q")
    t.equal(terminal.end(), 0, "the exit status")
    restored(t, terminal)
    after = terminal.seen[terminal.seen.index(LEAVE):]
    t.contains(after.decode(), "The clients:", "the last words stand on the ordinary screen")
    t.equal(left(t), [], "files that are left behind")


@case("a signal gives the terminal back as well")
def _(t):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        terminal = Terminal(t)
        terminal.until(b"evidence")
        terminal.popen.send_signal(number)
        t.equal(terminal.end(), 0, f"the exit status after signal {number}")
        restored(t, terminal)


@case("even a crash gives the terminal back")
def _(t):
    if SANITIZER:
        t.note("a sanitizer has its own handlers")
        return
    terminal = Terminal(t)
    terminal.until(b"evidence")
    terminal.popen.send_signal(signal.SIGABRT)
    t.equal(terminal.end(), -signal.SIGABRT, "it still dies of the signal")
    restored(t, terminal)


@case("NO_COLOR leaves the pictures and takes the colour")
def _(t):
    terminal = Terminal(t, NO_COLOR="1")
    terminal.until("█".encode())
    terminal.key(b"q")
    terminal.end()
    t.check(not re.search(rb"\x1b\[[0-9;]*[1-9][0-9;]*m", terminal.seen), "no colour")


main()
