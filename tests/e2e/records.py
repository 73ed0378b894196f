"""What penstock tells: the access log and /metrics, read strictly."""
import datetime
import json
import os
import re
from collections import Counter

from harness import Failure


class AccessLog:
    """The JSON lines of one access-log file."""

    def __init__(self, t, path):
        self.t, self.path = t, path

    def raw(self):
        try:
            with open(self.path, "rb") as f:
                return f.read()
        except FileNotFoundError:
            return b""

    def records(self):
        """Every record, parsed, one after the other; a line that is not valid JSON in valid UTF-8 is a failure."""
        data = self.raw()
        for n, line in enumerate(data[:data.rfind(b"\n") + 1].splitlines(), 1):
            try:
                yield json.loads(line.decode("utf-8"))
            except ValueError as error:
                raise Failure(f"{os.path.basename(self.path)}:{n}: {error}: {line[:400]!r}") from None

    def lines(self):
        return list(self.records())

    def count(self):
        return self.raw().count(b"\n")

    def complete(self, n, timeout=10.0):
        """Waits until there are n records."""
        self.t.wait(lambda: self.count() >= n, f"{n} access-log lines", timeout)

    def wait(self, n, timeout=10.0):
        """The records, once there are n of them."""
        self.complete(n, timeout)
        return self.lines()

    def by(self, *keys):
        """Counts the records by what stands under each key ("http.status_code" reaches inside): a Counter, or one per
        key, from one look at the file."""
        counters = [Counter() for _ in keys]
        for record in self.records():
            for key, counter in zip(keys, counters):
                counter[field(record, key)] += 1
        return counters[0] if len(keys) == 1 else counters


def wall(text):
    """A timestamp of ours in seconds since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def field(record, dotted):
    for key in dotted.split("."):
        record = record.get(key) if isinstance(record, dict) else None
    return record


NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
LABELS = LABEL.replace("(", "(?:").replace("(?:?:", "(?:")
SAMPLE = re.compile(rf"(?P<name>{NAME})(?:\{{(?P<labels>(?:{LABELS},?)*)\}})? (?P<value>\S+)(?: (?P<time>-?\d+))?")


class Metrics:
    """A page in the Prometheus text format 0.0.4; whatever breaks its rules is a failure."""

    def __init__(self, text):
        self.text = text
        self.types, self.helps, self.samples = {}, {}, {}
        if not text.endswith("\n"):
            raise Failure("/metrics does not end with a line feed")
        done, current = set(), None
        for n, line in enumerate(text.splitlines(), 1):
            try:
                family = self._line(line)
            except ValueError as error:
                raise Failure(f"/metrics:{n}: {error}: {line!r}") from None
            if family and family != current:
                if family in done:
                    raise Failure(f"/metrics:{n}: the lines of {family} are not together")
                done.add(family)
                current = family
        self._histograms()

    def _line(self, line):
        """The family that a line belongs to."""
        if not line:
            return None
        if line.startswith("#"):
            return self._comment(line)
        match = SAMPLE.fullmatch(line)
        if not match:
            raise ValueError("not a sample")
        name, value = match["name"], float(match["value"])
        labels = dict(re.findall(LABEL, match["labels"] or ""))
        series = self.samples.setdefault(name, {})
        key = tuple(sorted(labels.items()))
        if key in series:
            raise ValueError("the same series twice")
        series[key] = value
        return self._family(name)

    def _comment(self, line):
        match = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
        if not match:
            return None
        table = self.helps if match[1] == "HELP" else self.types
        if match[2] in table:
            raise ValueError(f"a second {match[1]}")
        if match[1] == "TYPE" and match[3] not in ("counter", "gauge", "histogram", "summary", "untyped"):
            raise ValueError("no such type")
        table[match[2]] = match[3]
        return match[2]

    def _family(self, name):
        for suffix in ("_bucket", "_sum", "_count"):
            base = name[:-len(suffix)]
            if name.endswith(suffix) and self.types.get(base) in ("histogram", "summary"):
                return base
        if name not in self.types:
            raise ValueError("no TYPE before it")
        return name

    def _histograms(self):
        for family in (f for f, kind in self.types.items() if kind == "histogram"):
            rows = {}
            for key, value in self.samples.get(family + "_bucket", {}).items():
                labels = dict(key)
                rows.setdefault(tuple(sorted((k, v) for k, v in labels.items() if k != "le")), []).append(
                    (float(labels["le"]), value))
            for key, buckets in rows.items():
                buckets.sort()
                if buckets[-1][0] != float("inf") or buckets[-1][1] != self.samples[family + "_count"][key]:
                    raise Failure(f"{family}{dict(key)}: the +Inf bucket is not the count")
                if any(a[1] > b[1] for a, b in zip(buckets, buckets[1:])):
                    raise Failure(f"{family}{dict(key)}: the buckets fall")

    def sum(self, name, **labels):
        """The sum of the series of `name` that carry these labels; a missing name is a failure."""
        if name not in self.samples:
            raise Failure(f"/metrics has no {name}; it has {', '.join(sorted(self.samples))}")
        return sum(v for key, v in self.samples[name].items() if labels.items() <= dict(key).items())

    def requests(self):
        """Requests with an end, by platform."""
        counts = Counter()
        for key, value in self.samples.get("penstock_requests_total", {}).items():
            counts[dict(key).get("platform")] += int(value)
        return {platform: n for platform, n in counts.items() if n}

    def labels(self, name, label):
        return {dict(key).get(label) for key in self.samples.get(name, {})}
