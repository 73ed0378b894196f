"""Packages of npm that the tests have for peers: where they are installed already, or else fetched, once for all files of a run.

PENSTOCK_NPM is the folder where fetched packages stay, each in one of its own; without it they go with the case. Where nothing can be
fetched, the case skips."""
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import time

from harness import Skip, tool

FETCH_S = 90  # for one package
UNREACHABLE_S = 600  # so long no other case of the run tries again
OPTIONS = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--fetch-retries=0", "--fetch-timeout=15000"]


def npm(t, *packages, optional=True):
    """An environment in which node finds the packages, each NAME@VERSION; `optional`: with what they could do without."""
    if not tool("node"):
        raise Skip("node is not installed")
    places = [place for place in os.environ.get("NODE_PATH", "").split(":") if place]
    folder = os.environ.get("PENSTOCK_NPM") or t.path("npm")
    for package in packages:
        if not any(installed(place, package) for place in places):
            places.append(fetched(folder, package, [] if optional else ["--omit=optional"]))
    return dict(os.environ, NODE_PATH=":".join(places))


def installed(place, package):
    name, version = package.rsplit("@", 1)
    try:
        with open(os.path.join(place, name, "package.json"), encoding="utf-8") as f:
            return json.load(f)["version"] == version
    except OSError:
        return False


def fetched(folder, package, options):
    """Where node finds a package, after it has been fetched if need be; files that run beside this one wait for it."""
    home = os.path.join(folder, package.replace("/", "+"))
    place = os.path.join(home, "node_modules")
    os.makedirs(folder, exist_ok=True)
    with locked(home + ".lock"):
        if not installed(place, package):
            fetch(folder, home, package, options)
    return place


def fetch(folder, home, package, options):
    failed, part = os.path.join(folder, "unreachable"), home + ".part"
    with contextlib.suppress(OSError):
        if time.time() - os.stat(failed).st_mtime < UNREACHABLE_S:
            raise Skip(f"npm could not be reached just now; {package} is not installed where node finds it (NODE_PATH)")
    if not tool("npm"):
        raise Skip(f"{package} is not installed where node finds it (NODE_PATH), and neither is npm")
    for left in (part, home):
        shutil.rmtree(left, ignore_errors=True)
    argv = [tool("npm"), "install", "--prefix", part, *OPTIONS, *options, package]
    why = None
    try:
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=FETCH_S)
        if not installed(os.path.join(part, "node_modules"), package):
            why = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[0]
    except subprocess.TimeoutExpired:
        why = f"not done within {FETCH_S} s"
    if why:
        with open(failed, "w", encoding="utf-8"):
            pass
        raise Skip(f"npm cannot fetch {package} ({why}); it can be installed where node finds it (NODE_PATH)")
    os.rename(part, home)


@contextlib.contextmanager
def locked(path):
    with open(path, "w", encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield
