"""External metrics: a plan asks other systems, goes on with good news only, and back with bad news."""
import json
import os
import signal
import threading

from harness import Skip, case, main, need, tool
from load import H2load
from monitors import Prometheus
from peers import Nginx
from penstock import Penstock
from plans import quick
from rollouts import at_weight, decisions, held, reaches, state
from sources import Source, is_signed, metric_data, vector

need("nginx", "h2load")


def groups(t):
    return {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}


def plan(metric, *steps):
    made = quick(*(steps or ({"setWeight": 20, "advanceOn": "time"}, {"setWeight": 50, "advanceOn": "time", "minDwell": "1h"},
                             (100, "1s"))))
    made["analysis"]["metrics"].append({"name": "budget", "type": "external", "interval": "1s", **metric})
    return made


def once(value):
    """A value for one question, and nothing for the others."""
    answers = [vector(value)]
    return lambda question: answers.pop() if answers else vector()


def text(p):
    return (p.admin.rollout()["decision"] or {}).get("text", "")


def budget(p):
    return p.admin.rollout()["metrics"][-1]


@case("a plan holds without data, whatever that looks like, goes on with a value within bounds, and back beyond them")
def _(t):
    source = Source(t, lambda question: vector())
    p = Penstock(t, groups(t), metricSources=[{"name": "prom", "url": source.url("/select/"), "user": "penny", "password": "s3cret",
                                               "timeout": "2s"}])
    load = H2load(t, p.url(), 120, 200, connections=10)
    query = 'sum(bad{route="{{route}}",to="{{canary}}",on="{{canaryPlatform}}"}[{{interval}}]) / {{seconds}}'
    p.admin.start(plan({"source": "prom", "query": query, "max": 0.02, "failureLimit": 1}))
    held(t, p, "external")
    for why, answer in {"the answer is empty: no series": vector(), "status 503": (503, "busy"), "Empty reply from server": None}.items():
        source.answer = lambda question, answer=answer: answer
        t.wait(lambda: why in text(p), why)
        t.contains(text(p), "budget: the query has no data: ", "whose it is")
    t.equal([budget(p)["state"], budget(p)["failures"], p.admin.rollout()["weight"]], ["noData", 0, 20], "it counts as nothing")
    asked = source.questions()[-1]
    t.equal([asked.method, asked.path, asked.query["query"], asked.headers["Authorization"]],
            ["GET", "/select/api/v1/query", 'sum(bad{route="web",to="fargate",on="fargate"}[1s]) / 1', "Basic cGVubnk6czNjcmV0"],
            "what it is asked")
    source.answer = once("0.031")
    t.wait(lambda: any(d["text"] == "budget: 0.031 is above max 0.02; failure 1, more than 1 send the canary back" for d in decisions(p)),
           "a failure holds")
    source.answer = lambda question: vector("0.01")
    at_weight(t, p, 50)
    shown = budget(p)
    t.equal([shown[key] for key in ("source", "min", "max", "failureLimit")], ["prom", None, 0.02, 1], "its bounds")
    t.equal(shown["failures"], 1, "what is well since takes none back")
    t.contains(p.cli("status").stdout, "0.01 (max 0.02), good, 1 beyond of 1 allowed, asked ", "the command line shows it")
    t.check("s3cret" not in p.stderr() and "s3cret" not in str(p.admin.status()), "nobody is told the password")
    t.contains(p.stderr(), "metric source prom: a query has no data: ", "the log")
    t.check(p.metrics().sum("penstock_metric_queries_answered_total", source="prom") >= 2, "counted")
    p.kill9()
    p = Penstock(t, None, config=p.config)
    t.equal(budget(p)["failures"], 1, "a restart forgets no failure")
    source.answer = lambda question: vector("0.5")
    reaches(t, p, "rolledBack")
    last = [d for d in decisions(p) if d["action"] == "rollback"][-1]
    t.equal([last["reason"], last["metric"], last["external"]], ["external", "budget", {
        "value": 0.5, "failures": 2, "min": None, "max": 0.02, "failureLimit": 1}], "why")
    t.equal(last["text"], "budget: 0.5 is above max 0.02; beyond its bounds 2 times, failureLimit allows 1", "in words")
    load.stop()


@case("a source that nobody has configured is an error of the plan, and one that goes away holds")
def _(t):
    source = Source(t, once("1"))
    p = Penstock(t, groups(t), metricSources=[{"name": "prom", "url": source.url()}])
    answer = p.admin.ask("POST", "/v1/routes/web/rollout", plan({"source": "other", "query": "up", "min": 1}))
    t.equal(answer.status, 422, "another name")
    t.contains(answer.text, "none of metricSources in the configuration is named other", "why")
    load = H2load(t, p.url(), 120, 200, connections=10)
    p.admin.start(plan({"source": "prom", "query": "up", "min": 2, "onRegression": "hold"}))
    t.wait(lambda: any(d["text"].startswith("budget: 1 is below min 2; beyond its bounds 1 time, failureLimit allows 0; onRegression is hold")
                       for d in decisions(p)), "it holds instead of going back")
    t.equal(state(p), "running", "and stays")
    config = dict(p.config)
    config["metricSources"] = []
    p.write_config(config)
    t.equal(p.admin.ask("POST", "/v1/config/reload").status, 200, "a reload")
    p.admin.order("retry")
    t.wait(lambda: "the configuration has no metric source prom any more" in text(p), "nobody is there to be asked")
    load.stop()


@case("a reload asks nothing twice that has its answer, and the log tells of each metric by itself")
def _(t):
    source = Source(t, lambda question: vector("1") if question.query["query"] == "good" else vector())
    p = Penstock(t, groups(t), metricSources=[{"name": "prom", "url": source.url()}])
    made = plan({"source": "prom", "query": "good", "max": 1})
    made["analysis"]["metrics"] += [
        {"name": "mute", "type": "external", "interval": "1s", "source": "prom", "query": "mute", "max": 1},
        {"name": "rare", "type": "external", "interval": "1h", "source": "prom", "query": "rare", "max": 1}]

    def asked(query):
        return sum(question.query["query"] == query for question in source.questions())
    p.admin.start(made)
    t.wait(lambda: asked("rare") and p.stderr().count("rare of route web") == 1, "each is asked, and answered")
    p.write_config({**p.config, "timeouts": {"drain": "1s"}})
    t.equal(p.admin.ask("POST", "/v1/config/reload").status, 200, "a reload")
    before = asked("good"), asked("mute")  # of which one may be from before it
    t.wait(lambda: asked("good") > before[0] + 1 and asked("mute") > before[1] + 1, "the others are asked on")
    t.equal(asked("rare"), 1, "the one of each hour")
    lines = [line.split("metric source prom: ")[1] for line in p.stderr().splitlines() if "metric source prom: " in line]
    t.equal(sorted(lines), [f"a query has no data: {name} of route web: the answer is empty: no series" for name in ("mute", "rare")],
            "the log")


@case("a token that is replaced in its file is used, and one that cannot be read leaves the one before")
def _(t):
    def replace(token):
        os.replace(t.write("fresh", token), t.path("prom.token"))

    def asked_with(token):
        t.wait(lambda: source.questions()[-1:] and source.questions()[-1].headers["Authorization"] == "Bearer " + token, token)
    source = Source(t, lambda question: vector("1"))
    replace("s3cret-one\n")
    p = Penstock(t, groups(t), metricSources=[{"name": "prom", "url": source.url(), "token": "file:prom.token"}])
    p.admin.start(plan({"source": "prom", "query": "up", "max": 1}))
    asked_with("s3cret-one")
    replace("s3cret-two\n")
    asked_with("s3cret-two")
    replace("\n")
    t.wait(lambda: "prom.token: the secret is empty; the one before stays in use" in p.stderr(), "the log")
    t.equal(source.questions()[-1].headers["Authorization"], "Bearer s3cret-two", "which it does")
    t.check("s3cret" not in p.stderr(), "nobody is told the token")


@case("what is asked when the end comes is waited for until its answer, and no longer")
def _(t):
    ended = threading.Event()
    source = Source(t, lambda question: ended.wait(10) and vector("1"))
    p = Penstock(t, groups(t), metricSources=[{"name": "prom", "url": source.url()}])
    p.admin.start(plan({"source": "prom", "query": "up", "max": 1}))
    t.wait(source.questions, "it is asked")
    p.signal(signal.SIGINT)
    p.signal(signal.SIGTERM)
    t.wait(lambda: "penstock has ended" in p.stderr(), "the end of all else")
    ended.set()
    t.equal(p.wait(20.0), 0, "the end")


AWS = {name: "" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                             "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                             "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED")}


def role(question):
    """The endpoints that give keys, of a container and of an instance."""
    keys = {"Code": "Success", "AccessKeyId": "AKROLE", "SecretAccessKey": "role/secret+", "Token": "session==",
            "Expiration": "2999-01-01T00:00:00Z"}
    told = question.headers.get
    if question.path == "/keys":
        return (200, keys) if told("Authorization") == "ticket" else (403, "")
    if question.method == "PUT" and question.path == "/latest/api/token":
        return (200, "pass") if told("X-aws-ec2-metadata-token-ttl-seconds") else (400, "")
    if told("X-aws-ec2-metadata-token") != "pass":
        return 401, ""
    return {"/latest/meta-data/iam/security-credentials/": (200, "shop-role\n"),
            "/latest/meta-data/iam/security-credentials/shop-role": (200, keys)}.get(question.path, (404, ""))


class CloudWatch:
    """A made-up one that wants to be asked with the keys `wanted`, and a penstock with the variables `env` that asks it; what
    is the penstock's own stands below `place`."""

    def __init__(self, t, env, wanted, place="state", more=(), **source):
        def answer(question):
            if not is_signed(question, *wanted, "ap-northeast-1", "monitoring"):
                return 403, {"__type": "SignatureDoesNotMatch", "message": "the signature is wrong"}
            return metric_data(0.5, 7)
        self.wanted, self.service = wanted, Source(t, answer)
        own = {"name": "cw", "type": "cloudwatch", "region": "ap-northeast-1", "url": self.service.url(), **source}
        self.p = Penstock(t, groups(t), name=place + ".yaml", state={"directory": t.path(place)}, accessLog=[], env={**AWS, **env},
                          metricSources=[own, *more])

    def start(self, *metrics):
        made = plan({"source": "cw", "query": "SELECT AVG(CPUUtilization) FROM \"AWS/ECS\"", "max": 1})
        made["analysis"]["metrics"] += metrics
        self.p.admin.start(made)

    def asked(self, t):
        """The question, once its answer has come."""
        t.wait(lambda: self.shown()["budget"]["state"] == "good", "an answer")
        t.equal(self.shown()["budget"]["value"], 0.5, "the newest value")
        t.check(all(word not in self.p.stderr() + str(self.p.admin.status()) for word in (self.wanted[1], "session==")),
                "keys are told to nobody")
        return self.service.questions()[-1]

    def shown(self):
        return {metric["name"]: metric for metric in self.p.admin.rollout()["metrics"]}


@case("CloudWatch is asked with a signature and Datadog with two keys, by the keys of the configuration")
def _(t):
    source = Source(t, lambda question: (200, {"status": "ok", "series": [{"pointlist": [[1, 7], [2, 0.5], [3, None]]}]}))
    cw = CloudWatch(t, {}, ("AKID", "se/cret"), accessKeyId="AKID", secretAccessKey="se/cret", more=[
        {"name": "dd", "type": "datadog", "url": source.url(), "apiKey": "key-a", "applicationKey": "key-b"}])
    cw.start({"name": "orders", "type": "external", "interval": "1s", "source": "dd", "max": 1,
              "query": "sum:orders.failed{platform:{{canaryPlatform}}}.as_count()"})
    asked = cw.asked(t)
    t.equal([asked.method, asked.path, asked.headers["Content-Type"], asked.headers["X-Amz-Target"]],
            ["POST", "/", "application/x-amz-json-1.0", "GraniteServiceVersion20100801.GetMetricData"], "the protocol")
    body = json.loads(asked.data)
    t.equal(body["MetricDataQueries"], [{"Id": "q", "Expression": "SELECT AVG(CPUUtilization) FROM \"AWS/ECS\"", "Period": 60}], "the query")
    t.equal(body["EndTime"] - body["StartTime"], 300, "the time")
    t.wait(lambda: cw.shown()["orders"]["state"] == "good", "an answer of Datadog")
    asked = source.questions()[-1]
    t.equal([asked.path, asked.query["query"], asked.headers["DD-API-KEY"], asked.headers["DD-APPLICATION-KEY"],
             cw.shown()["orders"]["value"]],
            ["/api/v1/query", "sum:orders.failed{platform:fargate}.as_count()", "key-a", "key-b", 0.5], "the question")


@case("the keys of a container's role and those of an instance's sign, and the session of the keys is signed too")
def _(t):
    keys, instance_keys = Source(t, role), Source(t, role)
    container = CloudWatch(t, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": keys.url("/keys"),
                               "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": t.write("ticket", "ticket\n")}, ("AKROLE", "role/secret+"))
    instance = CloudWatch(t, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": instance_keys.url()}, ("AKROLE", "role/secret+"), place="instance")
    for each in (container, instance):
        each.start()
    for each in (container, instance):
        t.equal(each.asked(t).headers["X-Amz-Security-Token"], "session==", "the session")
    t.equal([question.method for question in instance_keys.questions()[:3]], ["PUT", "GET", "GET"], "IMDSv2: a token first")


@case("Prometheus is asked about penstock itself")
def _(t):
    if not tool("prometheus"):
        raise Skip("prometheus is not installed")
    p = Penstock(t, groups(t))
    prometheus = Prometheus(t, p, interval="200ms")
    config = dict(p.config)
    config["metricSources"] = [{"name": "prom", "url": "http://" + prometheus.text}]
    p.write_config(config)
    t.equal(p.admin.ask("POST", "/v1/config/reload").status, 200, "a reload")
    load = H2load(t, p.url(), 120, 200, connections=10)
    p.admin.start(plan({"source": "prom", "query": 'sum(penstock_route_weight_ratio{route="{{route}}"})', "max": 0.3},
                       {"setWeight": 20, "advanceOn": "time"}, {"setWeight": 50, "advanceOn": "time"}, (100, "1s")))
    reaches(t, p, "rolledBack", timeout=60.0)
    last = [d for d in decisions(p) if d["action"] == "rollback"][-1]
    t.equal([last["weight"]["from"], last["external"]["value"]], [50, 0.5], "it has seen the weight of the second step")
    load.stop()


main(limit=90)
