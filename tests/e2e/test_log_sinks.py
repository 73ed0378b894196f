"""Where the access log goes: presets read by others, files within their cap, disks that are full."""
import glob
import gzip
import json
import os
import shutil
import subprocess

from harness import TOP, Skip, case, main, need, scaled, tool
from load import h2load
from npm import npm
from peers import Nginx
from penstock import Penstock
from records import AccessLog, field
from wire import Wire

need("nginx", "h2load")

JSON_FORMAT = ('{"timestamp":"%dT%t.%^","http":{"method":"%m","status_code":"%s","url":"%U","useragent":"%u","version":"%^"},'
               '"network":{"client":{"ip":"%h"},"bytes_written":"%b"},"platform":"%v","request_time":"%T"}')


def goaccess(t, path, *options):
    """What goaccess finds in a log: requests that it could read, those that it could not, and the shares of virtual hosts."""
    out = t.path("goaccess.json")
    subprocess.run(["goaccess", path, "--no-global-config", "-o", out, *options], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    with open(out) as f:
        report = json.load(f)
    hosts = {row["data"]: row["hits"]["count"] for row in report.get("vhosts", {}).get("data", [])}
    return report["general"]["valid_requests"], report["general"]["failed_requests"], hosts


@case("every preset has every request, and a dead place holds up none of the others")
def _(t):
    presets = {"json": ".jsonl", "ecs": ".jsonl", "otel": ".jsonl", "alb": ".log", "combined": ".log", "ltsv": ".ltsv"}
    paths = {name: t.path(f"access-{name}{ending}") for name, ending in presets.items()}
    fifo = t.path("fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, weight=50, accessLog=[
        {"format": name, "file": {"path": path}} for name, path in paths.items()] + [{"file": {"path": fifo}}])
    total = scaled(5_000, 1_000)
    t.equal(h2load(t, p.url("/some/path?q=1"), total, connections=16)["2xx"], total, "requests that ended well")
    for name, path in paths.items():
        AccessLog(t, path).complete(total)
    platforms = AccessLog(t, paths["json"]).by("platform")
    for name, key in {"ecs": "http.response.status_code", "otel": "attributes"}.items():
        records = AccessLog(t, paths[name]).lines()
        t.equal(len(records), total, name)
        t.check(all(field(r, key) for r in records), f"{name} has {key}")
        t.equal({r["platform"] for r in records}, {"ec2", "fargate"}, f"platforms of {name}")
    groups = {}
    with open(paths["alb"]) as f:
        for line in f:
            groups[line.split('" ')[2].split()[2]] = groups.get(line.split('" ')[2].split()[2], 0) + 1
    t.equal(groups, dict(platforms), "the target groups of alb")
    t.wait(lambda: p.metrics().sum("penstock_log_written_lines_total", sink=f"file:{paths['alb']}") == total, "its counter")
    os.close(reader)
    if not shutil.which("goaccess"):
        raise Skip("goaccess is not installed")
    t.equal(goaccess(t, paths["alb"], "--log-format=AWSALB")[:2], (total, 0), "alb as goaccess reads it")
    t.equal(goaccess(t, paths["combined"], "--log-format=COMBINED")[:2], (total, 0), "combined as goaccess reads it")
    t.equal(goaccess(t, paths["json"], "--date-format=%Y-%m-%d", "--time-format=%H:%M:%S", f"--log-format={JSON_FORMAT}"),
            (total, 0, dict(platforms)), "json as goaccess reads it, by platform")


@case("a sample leaves out neither errors nor slow requests nor those of the canary, and says its rate")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, weight=10, accessLog=[
        {"file": {"path": t.path("all.jsonl")}},
        {"file": {"path": t.path("some.jsonl")}, "sample": {"share": 25, "slow": "30s"}}])
    total = scaled(4_000, 2_000)
    h2load(t, p.url(), total, connections=16)
    for n in range(20):
        with Wire(p.address) as wire:
            wire.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")  # 400
            wire.rest()
    everything = AccessLog(t, t.path("all.jsonl")).wait(total + 20)
    t.wait(lambda: p.metrics().sum("penstock_log_written_lines_total", sink=f"file:{t.path('some.jsonl')}") +
           p.metrics().sum("penstock_log_sampled_lines_total", sink=f"file:{t.path('some.jsonl')}") == total + 20, "all are counted")
    some = AccessLog(t, t.path("some.jsonl")).lines()
    always = {r["http"]["request_id"] for r in everything if r.get("side") != "stable" or r["status"] != "info"}
    t.equal({r["http"]["request_id"] for r in some if "sample_rate" not in r}, always, "what is never left out")
    rest = [r for r in some if "sample_rate" in r]
    t.equal({r["sample_rate"] for r in rest}, {0.25}, "the rate")
    t.check(abs(len(rest) / (len(everything) - len(always)) - 0.25) < 0.08, f"{len(rest)} of {len(everything) - len(always)}")


class Disk:
    """A file system of its own: of that size in memory, or on a file that takes up only what is written."""

    def __init__(self, t, size, on_file=False):
        self.path = t.path("disk")
        self.others = self.path + "/others"
        os.mkdir(self.path)
        mount = ["-t", "tmpfs", "-o", f"size={size}", "none"]
        if on_file:
            image = t.write("image", "")
            os.truncate(image, size)
            if not tool("mkfs.ext4") or subprocess.run([tool("mkfs.ext4"), "-q", "-F", "-m", "0", image], capture_output=True).returncode:
                raise Skip("no file system can be made: mkfs.ext4 is missing")
            mount = ["-o", "loop", image]
        if subprocess.run(["mount", *mount, self.path], capture_output=True).returncode:
            raise Skip("nothing can be mounted here: it takes root, and for a file a loop device")
        t.own(self)

    def fill(self):
        """Others take all that is left but 16 MiB."""
        left = os.statvfs(self.path)
        with open(self.others, "wb") as f:
            os.posix_fallocate(f.fileno(), 0, left.f_bavail * left.f_frsize - (16 << 20))

    def fill_up(self):
        """They take the rest."""
        with open(self.others, "ab", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)


def lines_of(pattern):
    """The lines of all finished files; of those that are just being packed, from whichever of both stands."""
    lines = []
    for path in sorted(glob.glob(pattern)):
        if path.endswith(".part"):
            continue
        with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as f:
            lines += f.read().splitlines()
    return lines


@case("files are turned and packed, and no line is lost")
def _(t):
    path = t.path("access.jsonl")
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]},
                 accessLog=[{"file": {"path": path, "maxSize": "1MiB", "maxTotalSize": "8MiB"}}])
    part = scaled(2_000, 1_000)
    total = 3 * part
    for sent in range(part, total + 1, part):  # no more at once than waits for a writer that gets no time
        h2load(t, p.url(), part, connections=16)
        t.wait(lambda: p.metrics().sum("penstock_log_written_lines_total") == sent, f"{sent} lines are written", timeout=30)
    t.wait(lambda: all(f == path or f.endswith(".gz") for f in glob.glob(t.path("access*"))), "files are packed")
    t.check(len(glob.glob(t.path("access-*.gz"))) >= 2, "there are several")
    t.equal(len({json.loads(line)["http"]["request_id"] for line in lines_of(t.path("access*"))}), total, "different lines")


@case("files for Athena lie in their partitions, whole, and are what DuckDB reads")
def _(t):
    folder = t.path("parts")
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, weight=50, timeouts={"lameDuck": "0"}, accessLog=[
        {"file": {"path": t.path("access.jsonl")}}, {"partitions": {"directory": folder, "interval": "1s"}}])
    total = scaled(1_500, 1_000)
    h2load(t, p.url(), total, connections=8)
    with Wire(p.address) as wire:
        wire.send(b"nonsense\r\n\r\n")  # nobody's
        wire.rest()
    records = AccessLog(t, t.path("access.jsonl")).wait(total + 1)
    pattern = folder + "/platform=*/dt=*/hour=*/*.jsonl.gz"
    t.wait(lambda: len(lines_of(pattern)) == total + 1, "all lines are in their partitions")
    t.wait(lambda: not os.listdir(folder + "/.open"), "nothing is left in .open")
    got = {}
    for path in glob.glob(pattern):
        parts = dict(part.split("=") for part in path.split("/") if "=" in part)
        for line in lines_of(path):
            record = json.loads(line)
            t.equal((record.get("platform", "none"), record["timestamp"][:10], record["timestamp"][11:13]),
                    (parts["platform"], parts["dt"], parts["hour"]), "its partition")
            got[record["http"]["request_id"]] = record
    t.equal(len(got), len({r["http"]["request_id"] for r in records}), "different records")
    h2load(t, p.url(), 100, connections=4)
    AccessLog(t, t.path("access.jsonl")).complete(total + 101)
    t.equal(p.terminate(), 0, "the exit status")
    # what could not be packed in the time that the end has stays where it was written
    t.equal(len(lines_of(pattern) + lines_of(folder + "/.open/*")), total + 101, "lines after the end")
    script = "const d=require('@duckdb/node-api');(async()=>{const c=await(await d.DuckDBInstance.create()).connect();" \
             "const r=await c.runAndReadAll(process.argv[1]);console.log(JSON.stringify(r.getRowsJson()))})()"
    with open(os.path.join(TOP, "contrib/athena/duckdb.sql")) as f:
        query = f.read().replace("FOLDER/", folder + "/")
    run = subprocess.run(["node", "-e", script, "--", query], env=npm(t, "@duckdb/node-api@1.5.6-r.1"), capture_output=True, text=True,
                         timeout=60)
    t.equal(run.returncode, 0, run.stderr)
    rows = {row[0]: int(row[1]) for row in json.loads(run.stdout)}
    platforms = AccessLog(t, t.path("access.jsonl")).by("platform")
    t.equal(rows, {name or "none": n for name, n in platforms.items()}, "requests by platform")


def survives(t, disk):
    """Holds penstock to it: when others have filled the disk it serves on, says what it lost, and recovers."""
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")]}, accessLog=[{"file": {"path": disk.path + "/access.jsonl", "maxSize": "256KiB"}}])
    h2load(t, p.url(), 100, connections=8)
    p.log.complete(100)
    t.wait(lambda: p.metrics().sum("penstock_log_alarm") == 1, "the alarm stands before anything is lost")
    t.equal(p.metrics().sum("penstock_log_dropped_total"), 0, "lost so far")
    disk.fill_up()
    total = scaled(4_000, 2_000)
    t.equal(h2load(t, p.url(), total, connections=8)["2xx"], total, "requests that ended well")
    t.wait(lambda: p.metrics().sum("penstock_log_dropped_total") + p.metrics().sum("penstock_log_written_lines_total")
           == total + 100, "each line is counted as written or lost")
    t.check(p.metrics().sum("penstock_log_dropped_total") > 0, "some were lost")
    t.wait(lambda: "No space left on device" in p.stderr(), "it is said in the log")
    os.unlink(disk.others)
    lost = p.metrics().sum("penstock_log_dropped_total")
    h2load(t, p.url(), 100, connections=4)
    t.wait(lambda: p.metrics().sum("penstock_log_written_lines_total") == total + 200 - lost, "new lines are written")
    t.wait(lambda: "works again" in p.stderr(), "and so is its end")
    t.wait(lambda: not glob.glob(disk.path + "/*.part"), "nothing is being packed")
    for line in lines_of(disk.path + "/access*"):
        json.loads(line)


@case("on a small disk that others have filled penstock serves on, says what it lost, and recovers")
def _(t):
    survives(t, Disk(t, "2m"))


@case("and so it does on one of 4 GiB")
def _(t):
    disk = Disk(t, 4 << 30, on_file=True)
    disk.fill()
    survives(t, disk)


main(limit=180.0)  # npm may take its time
