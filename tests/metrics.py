"""What contrib/ makes of the metrics: the alert rules with their tests, and the Grafana dashboard.

Prints TAP. Whatever a rule or a panel asks for has to be a row of the table of metrics (src/export/meter_*.c), under the
name that /metrics gives it. promtool, where it is installed, reads every expression, and lets the alerts fire.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parent.parent)
RULES = TOP / "contrib/prometheus/penstock.rules.yml"
RULES_TEST = TOP / "contrib/prometheus/penstock.test.yml"
DASHBOARD = TOP / "contrib/grafana/penstock.json"

NAME = re.compile(r"\b(?:penstock|process)_[a-z0-9_]+\b")
ROW = re.compile(r'\{\s*"((?:penstock|process)_[a-z0-9_]+)",.*?METER_(COUNTER|GAUGE|HISTOGRAM)', re.S)
LOG_ROW = re.compile(r'LOG_COUNTER\(\w+, "(\w+)", (COUNTER|GAUGE)')


def table():
    """The names of all samples that /metrics can have."""
    text = "".join(p.read_text() for p in sorted((TOP / "src/export").glob("meter_*.c")))
    rows = ROW.findall(text) + LOG_ROW.findall((TOP / "src/export/logcounter.def").read_text())
    names = set()
    for name, kind in rows:
        suffixes = {"COUNTER": ["_total"], "GAUGE": [""], "HISTOGRAM": ["_bucket", "_sum", "_count"]}[kind]
        names.update(name + suffix for suffix in suffixes)
    return names


def unknown(text):
    return sorted(set(NAME.findall(text)) - table())


def panels():
    return [p for p in json.loads(DASHBOARD.read_text())["panels"] if p["type"] != "row"]


def expressions():
    """Of the dashboard, with values for Grafana's variables."""
    dashboard = json.loads(DASHBOARD.read_text())
    found = [t["expr"] for p in panels() for t in p["targets"]] + [a["expr"] for a in dashboard["annotations"]["list"]]
    return [e.replace("$__rate_interval", "5m").replace("$instance", "a").replace("$route", "web") for e in found]


def promtool(*words):
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True)
    return [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()


def the_table_is_found():
    names = table()
    return [] if len(names) > 60 and "penstock_requests_total" in names else [f"only {sorted(names)}"]


def the_rules_ask_for_what_there_is():
    return unknown(RULES.read_text()) + unknown(RULES_TEST.read_text())


def the_dashboard_asks_for_what_there_is():
    return unknown("\n".join(expressions()))


def the_dashboard_is_whole():
    ids = [p["id"] for p in json.loads(DASHBOARD.read_text())["panels"]]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    return [f"panel id {i} twice" for i in twice] + [f"panel {p['id']} has no title or no expression"
                                                     for p in panels() if not p["title"] or not p["targets"]]


def promtool_reads_the_rules():
    return promtool("check", "rules", RULES)


def the_alerts_fire_and_end():
    return promtool("test", "rules", RULES_TEST)


def promtool_reads_the_dashboard():
    rules = [{"record": f"panel:{i}", "expr": e} for i, e in enumerate(expressions())]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.json"  # JSON is YAML
        path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
        return promtool("check", "rules", path)


ALONE = [the_table_is_found, the_rules_ask_for_what_there_is, the_dashboard_asks_for_what_there_is,
         the_dashboard_is_whole]
WITH_PROMTOOL = [promtool_reads_the_rules, the_alerts_fire_and_end, promtool_reads_the_dashboard]


def main():
    checks = ALONE + WITH_PROMTOOL
    good = True
    print(f"1..{len(checks)}")
    for number, check in enumerate(checks, 1):
        name = check.__name__.replace("_", " ")
        if check in WITH_PROMTOOL and not shutil.which("promtool"):
            print(f"ok {number} - {name} # SKIP not installed: promtool (Debian package prometheus)")
            continue
        problems = check()
        good = good and not problems
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print("# " + problem)
    sys.exit(0 if good else 1)


main()
