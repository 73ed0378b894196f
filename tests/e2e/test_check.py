"""penstock check: every error in one run, at its place, with what would be right."""
import os
import re
import socket

from harness import TOP, case, main
from penstock import cli

PLACE = re.compile(r"^(.*?):(\d+):(\d+): (?:(error|warning): )?(.+)$")


def problems(done, path):
    """(line, column, text) of each message about this file."""
    found = []
    for line in (done.stderr + done.stdout).splitlines():
        match = PLACE.match(line)
        if match and match[1] == path:
            found.append((int(match[2]), int(match[3]), match[5]))
    return found


def expect(t, done, path, rows):
    """Every row is (the words that stand in the file, what the message must say)."""
    t.equal(done.status, 1, f"the exit status: {done.stdout}{done.stderr}")
    with open(path) as f:
        lines = f.read().splitlines()
    found = problems(done, path)
    for words, says in rows:
        at = [(n + 1, line.index(words) + 1) for n, line in enumerate(lines) if words in line]
        t.equal(len(at), 1, f"the test's own words {words!r}")
        hits = [text for line, col, text in found if (line, col) == at[0]]
        t.check(any(says.lower() in text.lower() for text in hits),
                f"at {at[0][0]}:{at[0][1]} ({words}) a message with {says!r}; there: {hits}; all: {found}")
    t.check(len(found) >= len(rows), f"{len(rows)} messages: {found}")


CONFIG = """\
workers: many
listenrs:
  - address: 127.0.0.1:8080
listeners:
  - address: 127.0.0.1:99999
  - adress: 127.0.0.1:8081
admin:
  address: nowhere
  tokenFile: missing.token
timeouts: { requestHead: 10x }
targetGroups:
  ec2: { platform: ec2, targets: [ "10.0.1.10:3000", "10.0.1.11" ] }
  fargate: { platfrom: fargate, targets: [ "10.0.2.10:3000" ] }
routes:
  - name: web
    match: { pathPrefix: api }
    stable: ec22
    canary: fargate
    weight: 101
  - name: web2
    match: { pathPrefix: / }
    stable: ec2
    weigth: 5
"""

CONFIG_ROWS = [
    ("many", "workers"), ("listenrs", "listeners"), ("127.0.0.1:99999", "port"), ("adress", "address"), ("nowhere", "address"),
    ("10x", "requestHead"), ("\"10.0.1.11\"", "port"), ("platfrom", "platform"), ("api }", "pathPrefix"), ("ec22", "ec2"),
    ("101", "weight"), ("weigth", "weight"),
]

PLAN = """\
name: broken
analysis:
  falseRollback: 1.25
  metrics:
    - { name: errors, type: errorRat }
    - { name: latency, type: latencySlo, threshold: fast, objective: 1.5 }
    - { name: errors, type: errorRate }
steps:
  - { setWeigth: 1, minDwell: 30m }
  - { setWeight: 100.5 }
  - { setWeight: 20, window: ofice }
  - { setWeight: 100, bake: long }
windows: [ { name: office, days: mon-tho, from: "10:00", to: "25:00", timeZone: Asia/Tokio } ]
onRegresion: rollback
"""

PLAN_ROWS = [
    ("1.25", "falseRollback"), ("errorRat }", "errorRate"), ("fast", "threshold"), ("1.5", "objective"),
    ("setWeigth", "setWeight"), ("100.5", "setWeight"), ("long", "bake"), ("mon-tho", "days"), ("\"25:00\"", "to"),
    ("Asia/Tokio", "timeZone"), ("onRegresion", "onRegression"),
]


@case("a wrong configuration lists every error at its place, with the nearest known key")
def _(t):
    path = t.write("wrong.yaml", CONFIG)
    expect(t, cli("check", "-c", path), path, CONFIG_ROWS)


@case("serve refuses the same configuration with the same messages")
def _(t):
    path = t.write("wrong.yaml", CONFIG)
    done = cli("serve", "-c", path)
    expect(t, done, path, CONFIG_ROWS)


def good(t):
    t.write("admin.token", "x" * 20)
    return t.write("good.yaml", """\
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0", tokenFile: admin.token }
targetGroups:
  ec2: { targets: [ "127.0.0.1:1" ] }
  fargate: { targets: [ "127.0.0.1:2" ] }
routes: [ { name: web, match: { pathPrefix: / }, stable: ec2, canary: fargate } ]
""")


@case("a wrong plan lists every error at its place, with the nearest known key")
def _(t):
    path = t.write("plan.yaml", PLAN)
    expect(t, cli("check", "-c", good(t), "--plan", path), path, PLAN_ROWS)


@case("a plan's steps name windows that exist")
def _(t):
    path = t.write("plan.yaml", 'name: x\nsteps:\n  - { setWeight: 20, window: ofice }\n  - { setWeight: 100 }\n'
                   'windows: [ { name: office, days: mon-fri, from: "10:00", to: "17:00", timeZone: UTC } ]\n')
    expect(t, cli("check", "-c", good(t), "--plan", path), path, [("ofice", "no window is named")])


@case("broken YAML is an error at its place, and the rest is still looked at where it can be")
def _(t):
    for text in ("listeners: [ {\n", "a: b: c\n", "\tx: 1\n", "routes: *none\n", "\"\n", "%", "\xff\xfe"):
        path = t.write("broken.yaml", text.encode("latin-1"))
        done = cli("check", "-c", path)
        t.equal(done.status, 1, f"{text!r}: {done.stderr}")
        t.check(problems(done, path), f"{text!r}: a message with a place: {done.stderr}")


@case("keys that are there twice are errors")
def _(t):
    path = t.write("twice.yaml", "workers: 1\nlisteners: [ { address: \"127.0.0.1:0\" } ]\nworkers : 2\n")
    expect(t, cli("check", "-c", path), path, [("workers :", "workers")])


@case("JSON is read as well as YAML, standard input as well as files")
def _(t):
    with open(good(t)) as f:
        text = f.read()
    done = cli("check", "-c", "-", stdin=text, cwd=t.dir)
    t.equal(done.status, 0, done.stderr)
    done = cli("check", "-c", "-", stdin='{"listeners": [{"address": "127.0.0.1:0"}], "targetGroups": {"a": {"targets": '
               '["127.0.0.1:1"]}}, "routes": [{"name": "web", "stable": "a", "match": {"pathPrefix": "/"}}]}')
    t.equal(done.status, 0, done.stderr)


@case("a good configuration and a good plan pass, quietly enough")
def _(t):
    plan = t.write("plan.yaml", "name: x\nsteps: [ { setWeight: 5, minDwell: 10m }, { setWeight: 100, bake: 1h } ]\n"
                   "analysis: { metrics: [ { name: latency, type: latencySlo, threshold: 300ms, objective: 0.99 } ] }\n")
    done = cli("check", "-c", good(t), "--plan", plan)
    t.equal(done.status, 0, done.stderr + done.stdout)


@case("exit statuses: 0 ok, 1 the thing failed, 2 usage")
def _(t):
    for words, status in [(["--help"], 0), (["check", "--help"], 0), (["serve", "--help"], 0), (["--version"], 0),
                          ([], 2), (["frobnicate"], 2), (["check"], 2), (["check", "--no-such-flag"], 2),
                          (["check", "-c", t.path("missing.yaml")], 1), (["serve", "-c", t.path("missing.yaml")], 1),
                          (["weight", "web", "1", "2"], 2), (["rollout", "pause"], 2), (["rollout", "dance", "web"], 2)]:
        done = cli(*words)
        t.equal(done.status, status, f"penstock {' '.join(words)}: {done.stdout}{done.stderr}")
        if status:
            t.check(done.stderr, f"penstock {' '.join(words)}: says something on stderr")
        elif "help" in words[-1]:
            t.check("penstock" in done.stdout, f"penstock {' '.join(words)}: the help is on stdout")
    done = cli("frobnicate")
    t.contains(done.stderr, "help", "what to do")
    done = cli("chekc")
    t.contains(done.stderr, "check", "the nearest command")


@case("the examples in conf/ pass")
def _(t):
    folder = os.path.join(TOP, "conf")
    config = os.path.join(folder, "penstock.yaml")
    t.check(os.path.exists(config), "conf/penstock.yaml is there")
    done = cli("check", "-c", config, env={"PENSTOCK_TOKEN": "x"}, cwd=folder)
    t.equal(done.status, 0, done.stderr)
    plans = sorted(os.listdir(os.path.join(folder, "plans"))) if os.path.isdir(os.path.join(folder, "plans")) else []
    t.check(plans, "conf/plans has plans")
    for plan in plans:
        done = cli("check", "-c", config, "--plan", os.path.join(folder, "plans", plan), cwd=folder)
        t.equal(done.status, 0, f"{plan}: {done.stdout}{done.stderr}")


@case("a port that is taken is an error that names it")
def _(t):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with open(good(t)) as f:
            path = t.write("taken.yaml", f.read().replace('[ { address: "127.0.0.1:0" } ]',
                                                          f'[ {{ address: "127.0.0.1:{port}" }} ]'))
        done = cli("serve", "-c", path)
    t.equal(done.status, 1, done.stderr)
    t.contains(done.stderr, str(port), "the message")


main()
