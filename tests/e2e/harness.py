"""The end-to-end harness: cases, TAP, temp folders, child processes, bounded waits.

A test file imports this, declares cases and calls main():

    from harness import case, main, need

    need("nginx", "wrk")

    @case("a request reaches the target")
    def _(t):
        target = Nginx(t, "ec2")
        ...

    main()

Each case gets a Case `t` of its own: a temp folder, what it starts is stopped when it ends (in reverse order, whatever
happened), and when it fails the tails of its processes' logs follow as TAP diagnostics. Nothing sleeps for a fixed
time: t.wait() polls until something holds, within an upper bound that is generous and grows under sanitizers.

Environment: PENSTOCK is the program, PENSTOCK_E2E_SCALE scales the amount of load (1 by default, less under
sanitizers), PENSTOCK_E2E_KEEP=1 leaves the temp folders in place. `test_x.py -k WORD` runs the cases whose name has
that word.
"""
import ctypes
import importlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TOP = os.environ.get("top_srcdir") or os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("PENSTOCK") or os.path.join(TOP, "penstock")
POLL_S = 0.01
TAIL_LINES = 25
PR_SET_PDEATHSIG = 1

_cases = []
_libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """The case cannot run here; the message says what is missing."""


class Failure(AssertionError):
    """A check did not hold."""


class Overdue(BaseException):
    """The watchdog of a case: not an Exception, so that no test swallows it."""


def _sanitizer():
    try:
        with open(PROGRAM, "rb") as f:
            program = f.read()
    except OSError:
        return None
    if b"__tsan_init" in program:
        return "tsan"
    if b"__asan_init" in program:
        return "asan"
    return None


SANITIZER = _sanitizer()
PATIENCE = {"tsan": 8.0, "asan": 4.0, None: 1.0}[SANITIZER]
SCALE = float(os.environ.get("PENSTOCK_E2E_SCALE") or {"tsan": 0.1, "asan": 0.2, None: 1.0}[SANITIZER])


def scaled(n, least=1):
    """An amount of load (requests, seconds), by PENSTOCK_E2E_SCALE."""
    return max(least, type(n)(n * SCALE))


def case(name):
    """Declares a case; the name is a sentence."""
    def add(run):
        _cases.append((name, run))
        return run
    return add


def need(*programs):
    """Skips the whole file when a peer is not installed."""
    missing = [p for p in programs if tool(p) is None]
    if missing:
        print("1..0 # SKIP not installed: " + ", ".join(missing), flush=True)
        sys.exit(0)


def need_module(name):
    """A module of Python's that others wrote; skips the whole file when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"1..0 # SKIP not installed: python3-{name}", flush=True)
        sys.exit(0)


def tool(name):
    """Where a program is, /usr/sbin included; None when it is missing."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")


def free_port():
    """A TCP port of 127.0.0.1 that nobody has at this moment. Whoever uses it must be ready to lose the race."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child whose output goes to files; stopped with its case, and dead when the test itself is killed."""

    def __init__(self, t, name, argv, stdin=subprocess.DEVNULL, stdout=None, env=None, cwd=None):
        self.t, self.name, self.argv = t, name, argv
        n = t.count(name)
        self.stdout_path = os.path.join(t.dir, f"{name}-{n}.out")
        self.stderr_path = os.path.join(t.dir, f"{name}-{n}.err")
        out = open(self.stdout_path, "wb") if stdout is None else None
        with open(self.stderr_path, "wb") as err:
            self.popen = subprocess.Popen(argv, stdin=stdin, stdout=out or stdout, stderr=err, env=env,
                                          cwd=cwd or t.dir, preexec_fn=_die_with_parent)
        if out:
            out.close()
        t.own(self)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def stdout(self):
        with open(self.stdout_path, errors="replace") as f:
            return f.read()

    def stderr(self):
        with open(self.stderr_path, errors="replace") as f:
            return f.read()

    def signal(self, number):
        if self.running():
            self.popen.send_signal(number)

    def wait(self, timeout=20.0):
        """Waits for the end and gives the exit status; a failure when it does not come."""
        try:
            return self.popen.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} (pid {self.pid}) did not end within {timeout * PATIENCE:.0f} s") from None

    def kill(self):
        """SIGKILL, and gone."""
        if self.running():
            self.popen.kill()
        self.popen.wait()

    def close(self):
        self.kill()

    def logs(self):
        """(title, text) pairs for the diagnostics of a failed case."""
        return [(f"{self.name} stderr", self.stderr()),
                (f"{self.name} stdout", self.stdout() if os.path.exists(self.stdout_path) else "")]


class Case:
    """What a running case holds, and the checks it makes."""

    def __init__(self, name):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="penstock-e2e-")
        os.chmod(self.dir, 0o755)
        self.random = random.Random(name)
        self.notes = []
        self._owned = []
        self._counts = {}

    # ---- what belongs to the case

    def own(self, thing):
        """`thing` has close() and perhaps logs()."""
        self._owned.append(thing)
        return thing

    def count(self, name):
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name]

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return path

    def thread(self, run, *args):
        """Runs beside the case; join() passes on what it raised."""
        return Beside(self, run, args)

    def note(self, text):
        """A line that is printed with the result, passed or failed: measured figures."""
        self.notes.append(text)

    def close(self):
        """Stops everything; gives the first failure that only the end could show."""
        found = None
        for thing in reversed(self._owned):
            try:
                thing.close()
            except Failure as failure:
                found = found or failure
        return found

    def remove(self):
        if os.environ.get("PENSTOCK_E2E_KEEP") == "1":
            self.note(f"kept {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def logs(self):
        for thing in self._owned:
            if hasattr(thing, "logs"):
                yield from thing.logs()

    # ---- checks

    def check(self, holds, what):
        if not holds:
            raise Failure(what)

    def equal(self, got, expected, what):
        if got != expected:
            raise Failure(f"{what}: got {got!r}, expected {expected!r}")

    def within(self, got, low, high, what):
        if not low <= got <= high:
            raise Failure(f"{what}: got {got}, expected {low} to {high}")

    def contains(self, text, part, what):
        if part not in text:
            raise Failure(f"{what}: {part!r} is not in {shorten(text)!r}")

    def wait(self, holds, what, timeout=10.0):
        """Polls until holds() is true and gives its value; a failure after `timeout` s, more under sanitizers."""
        end = time.monotonic() + timeout * PATIENCE
        while True:
            value = holds()
            if value:
                return value
            if time.monotonic() > end:
                raise Failure(f"after {timeout * PATIENCE:.0f} s still not: {what}")
            time.sleep(POLL_S)

    def settled(self, value, what, quiet=0.3, timeout=10.0):
        """Polls value() until it has not changed for `quiet` s, and gives it."""
        last, since, end = value(), time.monotonic(), time.monotonic() + timeout * PATIENCE
        while time.monotonic() - since < quiet:
            time.sleep(POLL_S)
            now = value()
            if now != last:
                last, since = now, time.monotonic()
            if time.monotonic() > end:
                raise Failure(f"{what} still changes after {timeout * PATIENCE:.0f} s")
        return last


class Beside:
    """A thread of a case."""

    def __init__(self, t, run, args):
        self.value = self.error = None
        self._thread = threading.Thread(target=self._run, args=(run, args), daemon=True)
        self._thread.start()

    def _run(self, run, args):
        try:
            self.value = run(*args)
        except BaseException as error:  # passed on by join
            self.error = error

    def join(self, timeout=60.0):
        self._thread.join(timeout * PATIENCE)
        if self._thread.is_alive():
            raise Failure(f"a thread of the test did not end within {timeout * PATIENCE:.0f} s")
        if self.error:
            raise self.error
        return self.value


def shorten(text, most=2000):
    return text if len(text) <= most else text[:most] + f"... ({len(text)} in all)"


# ---- running and reporting

def _overdue(signum, frame):
    raise Overdue()


def _diagnose(text):
    for line in str(text).splitlines():
        print("# " + line)


def _diagnose_logs(t):
    for title, text in t.logs():
        lines = text.splitlines()
        if not lines:
            continue
        print(f"# ---- {title}" + (f" (last {TAIL_LINES} of {len(lines)} lines)" if len(lines) > TAIL_LINES else ""))
        for line in lines[-TAIL_LINES:]:
            print("#   " + shorten(line, 400))


def _run(number, name, run, limit):
    t = Case(name)
    error = skip = None
    began = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, limit * PATIENCE)
    try:
        run(t)
    except Skip as reason:
        skip = str(reason)
    except Failure as failure:
        error = str(failure) + "\n" + _where(failure)
    except Overdue:
        error = f"the case was not done within {limit * PATIENCE:.0f} s\n" + traceback.format_exc()
    except Exception:
        error = traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        late = t.close()
    if late and not error:
        error = str(late)
    print(f"{'not ok' if error else 'ok'} {number} - {name}" + (f" # SKIP {skip}" if skip else ""))
    for note in t.notes:
        _diagnose(note)
    if error:
        _diagnose(error)
        _diagnose_logs(t)
    _diagnose(f"took {time.monotonic() - began:.1f} s")
    sys.stdout.flush()
    t.remove()
    return not error


def _where(failure):
    frames = [f for f in traceback.extract_tb(failure.__traceback__) if os.path.basename(f.filename) != "harness.py"]
    return "\n".join(f"at {os.path.basename(f.filename)}:{f.lineno}: {f.line}" for f in frames)


def main(limit=60.0):
    """Runs the cases of the file; `limit` is the most seconds that one of them may take in a normal build."""
    words = [w for flag, w in zip(sys.argv[1:], sys.argv[2:]) if flag == "-k"]
    chosen = [(n, r) for n, r in _cases if all(w in n for w in words)]
    if not os.access(PROGRAM, os.X_OK):
        print(f"Bail out! {PROGRAM} is not there: build first, or set PENSTOCK")
        sys.exit(1)
    signal.signal(signal.SIGALRM, _overdue)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"1..{len(chosen)}", flush=True)
    good = [_run(number, name, run, limit) for number, (name, run) in enumerate(chosen, 1)]
    sys.exit(0 if all(good) else 1)
