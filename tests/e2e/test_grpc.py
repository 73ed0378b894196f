"""gRPC through penstock: all kinds of calls, statuses as outcomes, deadlines, and our own errors as statuses."""
import json
import os
import subprocess
import threading

from harness import HERE, Failure, Process, case, free_port, main, need, tool
from npm import npm
from penstock import Penstock
from plans import quick

need("node")

GRPC_JS = "@grpc/grpc-js@1.14.0"


class Peer(Process):
    """grpc_peer.js, a target or a client; or another script that takes orders like it."""

    def __init__(self, t, *words, script="grpc_peer.js", env=None):
        self._lock = threading.Lock()
        super().__init__(t, "grpc-" + words[0], [tool("node"), os.path.join(HERE, script), *map(str, words)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        if words[0] == "serve":
            self.text = f"127.0.0.1:{self.ask()['port']}"

    def ask(self, **order):
        with self._lock:
            self.popen.stdin.write(json.dumps(order).encode() + b"\n")
            self.popen.stdin.flush()
            line = self.popen.stdout.readline()
        if not line:
            raise Failure(f"{self.name} has ended: {self.stderr()}")
        return json.loads(line)

    def tell(self, **order):
        """An order whose answer nobody waits for."""
        with self._lock:
            self.popen.stdin.write(json.dumps(order).encode() + b"\n")
            self.popen.stdin.flush()

    def close(self):
        self.popen.stdin.close()
        super().close()
        self.popen.stdout.close()


def serve(t, target, group=None, **more):
    """penstock before the target, and a client of it."""
    p = Penstock(t, {"ec2": [target]}, workers=1, listeners=[{"address": "127.0.0.1:0", "h2c": True}],
                 targetGroups={"ec2": {"protocol": "h2c", "trailers": True, **(group or {})}}, **more)
    return p, Peer(t, "call", p.address[1])


@case("calls of all four kinds pass, with their trailers")
def _(t):
    p, client = serve(t, Peer(t, "serve"))
    for path, messages, wait, expected in (("/echo/", ["one"], False, ["one"]), ("/list/", ["a"], False, ["a"] * 3),
                                           ("/count/", ["a"] * 50, False, ["50"]),
                                           ("/echo/", ["1", "2", "3"], True, ["1", "2", "3"]),
                                           ("/echo/", ["x" * 200000, "y"], True, ["x" * 200000, "y"])):
        got = client.ask(path=path, messages=messages, wait=wait)
        t.equal((got["http"], got["status"], got["messages"] == expected), (200, "0", True), path)
        t.check("google.detail-bin" in got["trailers"], f"the trailers: {got['trailers']}")
    records = p.log.wait(5)
    t.equal({(r["outcome"], r["penstock"]["grpc_status"]) for r in records}, {("served", "OK")}, "the log")


@case("a status is an outcome: of the group, where it is one of grpcErrors")
def _(t):
    target = Peer(t, "serve")
    p, client = serve(t, target)
    expected = [("/status/14", "grpc_error", "UNAVAILABLE"), ("/status/5", "served", "NOT_FOUND"),
                ("/echo/13", "grpc_error", "INTERNAL"), ("/echo/12", "served", "UNIMPLEMENTED"),
                ("/echo/99", "grpc_error", "UNKNOWN")]
    for path, _, _ in expected:
        t.equal(client.ask(path=path, messages=["a"])["status"], path.split("/")[2], path)
    records = p.log.wait(len(expected))
    t.equal([(r["outcome"], r["penstock"]["grpc_status"], r["http"]["status_code"]) for r in records],
            [(outcome, name, 200) for _, outcome, name in expected], "the log")
    t.equal([r["blame"] for r in records][:2], ["group", "nobody"], "whose fault")
    expected = [("/http/404/14", "grpc_error", "UNAVAILABLE"), ("/http/503/5", "served", "NOT_FOUND"),
                ("/http/429", "grpc_error", None), ("/http/400", "grpc_error", None), ("/http/404", "served", None),
                ("/http/503", "grpc_error", None), ("/http/200", "grpc_error", None)]
    for path, _, _ in expected:
        t.equal(client.ask(path=path, messages=["a"])["http"], int(path.split("/")[2]), path)
    records = p.log.wait(len(records) + len(expected))[len(records):]
    t.equal([(r["outcome"], r["penstock"].get("grpc_status"), r["http"]["status_code"]) for r in records],
            [(outcome, name, int(path.split("/")[2])) for path, outcome, name in expected], "the log, whatever HTTP says")
    for _ in range(8):
        client.ask(path="/status/14")
    t.equal(client.ask(path="/echo/", messages=["a"])["status"], "0", "a target that answers is not left alone")


@case("a canary that answers 200 with statuses of grpcErrors is rolled back, and with others it is not")
def _(t):
    servers = {"fine": Peer(t, "serve"), "broken": Peer(t, "serve", "14,13,2,15,4"), "lost": Peer(t, "serve", 5)}
    groups = {name: {"protocol": "h2c", "trailers": True, "platform": name, "targets": [peer.text]}
              for name, peer in servers.items()}
    routes = {"usual": ("broken", None), "counted": ("broken", None), "spared": ("lost", None), "named": ("lost", ["NOT_FOUND"])}
    p = Penstock(t, {"fine": []}, workers=1, listeners=[{"address": "127.0.0.1:0", "h2c": True}], targetGroups=groups,
                 routes=[{"name": name, "match": {"pathPrefix": "/own/" + name}, "stable": "fine", "canary": canary,
                          **({"grpcErrors": errors} if errors else {})} for name, (canary, errors) in routes.items()])
    client = Peer(t, "call", p.address[1])
    errors = {"name": "errors", "type": "errorRate", "floor": 0.001}
    for name in routes:
        only = {"metrics": [{**errors, "onRegression": "hold" if name == "counted" else "rollback"}]}
        p.admin.start(quick((50, "1h"), analysis=only), name)

    def states():
        client.ask(paths=["/own/" + name for name in routes], times=20)
        return {name: p.admin.rollout(name)["state"] == "rolledBack" for name in routes}
    back = {name: name in ("usual", "named") for name in routes}
    t.wait(lambda: states() == back, "the canaries whose statuses are errors are rolled back", 20)
    for record in p.admin.decisions()["decisions"]:
        if record["action"] == "rollback":
            t.equal((record["reason"], record["metric"], record["counts"]["stable"]["bad"]), ("regression", "errors", 0),
                    record["route"])

    def judged(name):
        return p.admin.rollout(name)["metrics"][0]["counts"]["canary"]

    def of_canary(name):
        return [r for r in p.log.records() if r["route"] == name and r["platform"] == routes[name][0]]
    for name, share in (("counted", 1), ("spared", 0)):
        t.wait(lambda: judged(name)["requests"] == len(of_canary(name)) and judged(name)["bad"] == share * len(of_canary(name)),
               f"{name}: the errors that the judge has counted")
        t.check(len(of_canary(name)) > 10, f"{name}: canary requests")
    t.equal({(r["outcome"], r["penstock"]["grpc_status"], r["http"]["status_code"]) for r in of_canary("counted")},
            {("grpc_error", name, 200) for name in ("UNAVAILABLE", "INTERNAL", "UNKNOWN", "DATA_LOSS", "DEADLINE_EXCEEDED")},
            "what was counted")


@case("calls of all four kinds pass between a client and a server of @grpc/grpc-js")
def _(t):
    env = npm(t, GRPC_JS)
    p, _ = serve(t, Peer(t, "serve", script="grpc_js.js", env=env))
    client = Peer(t, "call", p.address[1], script="grpc_js.js", env=env)
    messages = ["one", "x" * 200000, "three"]
    got = client.ask(messages=messages)
    for kind, expected in (("unary", messages[0]), ("list", messages[:1] * 3), ("collect", ",".join(messages)),
                           ("chat", messages)):
        t.check(got[kind]["got"] == expected, f"{kind}: the messages")
        t.equal((got[kind]["code"], got[kind]["trailer"]), (0, ["42"]), kind)
    t.equal((got["error"]["code"], got["error"]["details"]), (5, "there is none: 100 %"), "NOT_FOUND")
    t.equal((got["late"]["code"], got["cancelled"]["code"]), (4, 1), "DEADLINE_EXCEEDED, CANCELLED")
    t.equal(got["cancelled"]["got"], ["a"], "before it was cancelled")
    statuses = [r["penstock"]["grpc_status"] for r in p.log.wait(5)[:5]]
    t.equal(statuses, ["OK"] * 4 + ["NOT_FOUND"], "the log")


@case("our own errors are statuses of gRPC")
def _(t):
    p, client = serve(t, f"127.0.0.1:{free_port()}", route={"match": {"pathPrefix": "/echo"}})
    got = client.ask(path="/echo/", messages=["a"])
    t.equal((got["http"], got["type"], got["status"]), (200, "application/grpc", "14"), "a target that is down")
    t.contains(got["message"], "the target refused the connection", "the message")
    t.equal(client.ask(path="/other/")["status"], "12", "no route")
    records = p.log.wait(2)
    t.equal([(r["outcome"], r["penstock"]["grpc_status"]) for r in records],
            [("connect_refused", "UNAVAILABLE"), ("no_route", "UNIMPLEMENTED")], "the log")


@case("a deadline is passed on and kept, and who leaves at it has been kept waiting")
def _(t):
    target = Peer(t, "serve")
    p, client = serve(t, target)
    client.ask(path="/echo/", messages=["a"])  # the connection is there, so that the time is the call's alone
    got = client.ask(path="/silent/", messages=["a"], timeout="200m")
    t.equal((got["http"], got["status"]), (200, "4"), "DEADLINE_EXCEEDED")
    client.ask(path="/hold/", messages=["a"], timeout="10S", cancel=True)
    t.equal([r["outcome"] for r in p.log.wait(3)][1:], ["target_overtime", "client_gone"], "outcomes")
    t.wait(lambda: target.ask(get="counts")["cancelled"] == 2, "both calls to be cancelled at the target")
    t.equal(target.ask(get="counts")["timeouts"][-2:], ["200m", "10S"], "what the target was told")


@case("a deadline bounds the wait for a place too")
def _(t):
    target = Peer(t, "serve")
    p, client = serve(t, target, group={"concurrency": {"target": 1, "wait": "60s"}})
    other = Peer(t, "call", p.address[1])
    other.tell(path="/silent/", messages=["a"])
    t.wait(lambda: target.ask(get="counts")["calls"] == 1, "the call that has the place")
    got = client.ask(path="/echo/", messages=["a"], timeout="200m")
    t.equal((got["http"], got["status"]), (200, "4"), "DEADLINE_EXCEEDED")
    record = p.log.wait(1)[0]
    t.equal((record["outcome"], record["blame"]), ("queue_timeout", "self"), "the log")


main(limit=180.0)  # npm may take its time
