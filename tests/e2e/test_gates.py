"""Webhooks of a plan: a step waits for a yes, and a rollback may be ordered."""
import base64
import hashlib
import hmac

from harness import case, main, need
from load import H2load
from peers import Nginx
from penstock import Penstock
from plans import quick
from receiver import Receiver
from rollouts import at_weight, decisions, held, state

need("nginx", "h2load")


KEY = "a-key-for-penstock-alone"


def signed(t, post):
    """Both signatures are of these bytes."""
    head, key = post.headers, KEY.encode()
    said = f'{head["webhook-id"]}.{head["webhook-timestamp"]}.'.encode() + post.data
    t.equal(head["webhook-signature"], "v1," + base64.b64encode(hmac.digest(key, said, "sha256")).decode(), "the signature")
    t.equal(head["X-Hub-Signature-256"], "sha256=" + hmac.new(key, post.data, hashlib.sha256).hexdigest(), "GitHub's")


def text(p):
    return (p.admin.rollout()["decision"] or {}).get("text", "")


@case("a step is left only when its webhook says yes, silence is no yes, and another webhook orders it back")
def _(t):
    receiver = Receiver(t)
    receiver.answers = {"/gate": [None], "/back": [404]}
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, service="shop", webhooks={"secret": KEY})
    load = H2load(t, p.url(), 120, 400, connections=10)
    started = p.admin.start(quick(
        {"setWeight": 20, "minDwell": "1s", "advanceOn": "time", "gate": "load-test"}, (50, "1h"), (100, "1s"),
        webhooks=[{"name": "load-test", "type": "confirm", "url": receiver.url("/gate"), "interval": "1s"},
                  {"name": "alarm", "type": "rollback", "url": receiver.url("/back"), "interval": "1s"}]))
    held(t, p, "gate")
    t.wait(lambda: "the webhook load-test has not answered yet: " in text(p), "no answer")
    receiver.answers["/gate"] = [(403, "3 tests\nfailed")]
    t.wait(lambda: "the webhook load-test said no: status 403, 3 tests failed" in text(p), "no")
    t.equal(p.admin.rollout()["weight"], 20, "the weight meanwhile")
    receiver.answers["/gate"] = [204]
    at_weight(t, p, 50)
    asked = receiver.posts("/gate")[-1].json()
    posts = receiver.posts("/gate") + receiver.posts("/back")
    for post in posts:
        signed(t, post)
    t.check(len({post.headers["webhook-id"] for post in posts}) > 2, "each question has an id of its own")
    t.equal(asked, {"name": "web", "namespace": "shop", "phase": "running", "checksum": started["planHash"],
                    "metadata": {"webhook": "load-test", "type": "confirm", "rollout": started["id"], "plan": "quick", "step": "0",
                                 "weight": "20", "stable": "ec2", "canary": "fargate"}}, "what it was asked")
    t.check(receiver.posts("/back"), "the other one is asked too")
    t.equal(state(p), "running", "404 orders nothing")
    receiver.answers.update({"/back": [200], "/gate": [503]})
    t.wait(lambda: state(p) == "rolledBack", "it goes back")
    last = [d for d in decisions(p) if d["action"] == "rollback"][-1]
    t.equal([last["reason"], last["weight"]], ["webhook", {"from": 50, "to": 0}], "why")
    t.contains(p.stderr(), "the webhook alarm orders a rollback", "which one")
    receiver.answers["/back"] = [404]
    p.admin.order("retry")
    at_weight(t, p, 20)
    held(t, p, "gate")
    t.wait(lambda: "said no: status 503" in text(p), "the yes of before counts no more")
    load.stop()


@case("an approval stands for a webhook that does not answer")
def _(t):
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]})
    load = H2load(t, p.url(), 120, 400, connections=10)
    p.admin.start(quick(
        {"setWeight": 20, "minDwell": "1s", "advanceOn": "time", "gate": "nobody"}, (50, "1h"), (100, "1s"),
        webhooks=[{"name": "nobody", "type": "confirm", "url": "http://127.0.0.1:1/", "interval": "1s", "timeout": "1s"}]))
    held(t, p, "gate")
    t.wait(lambda: "has not answered yet: Failed to connect" in text(p), "why it is no yes")
    p.admin.order("approve")
    at_weight(t, p, 50)
    load.stop()


@case("a webhook that fails is asked again at once, as often as its retries say, and not only after its interval")
def _(t):
    receiver = Receiver(t)
    receiver.answers = {"/gate": [503, 503, 403]}
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]})
    load = H2load(t, p.url(), 120, 400, connections=10)
    p.admin.start(quick(
        {"setWeight": 20, "minDwell": "1s", "advanceOn": "time", "gate": "test"}, (50, "1h"), (100, "1s"),
        webhooks=[{"name": "test", "type": "confirm", "url": receiver.url("/gate"), "interval": "1h", "retries": 2}]))
    t.wait(lambda: "the webhook test said no: status 403" in text(p), "the third answer")
    t.equal(len(receiver.posts("/gate")), 3, "a no is asked again after the interval only")
    load.stop()


main(limit=60)
