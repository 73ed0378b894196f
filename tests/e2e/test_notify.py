"""Decisions are told to others, and nobody waits for those who do not listen."""
import base64
import hashlib
import hmac
import signal
import socket
import time

from harness import case, main, need
from load import H2load
from peers import Nginx
from penstock import Penstock
from plans import quick
from receiver import Receiver
from rollouts import at_weight, state

need("nginx", "h2load")
KEY = b"a key that only the two know"


def signed(t, post):
    """Both signatures are of these bytes."""
    head = post.headers
    said = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + post.data
    t.equal(head["webhook-signature"], "v1," + base64.b64encode(hmac.digest(KEY, said, "sha256")).decode(), "the signature")
    t.equal(head["X-Hub-Signature-256"], "sha256=" + hmac.new(KEY, post.data, hashlib.sha256).hexdigest(), "GitHub's")
    t.check(abs(int(head["webhook-timestamp"]) - time.time()) < 300, "the time of the signature")


def actions(posts):
    return [post.json()["action"] for post in posts]


@case("each receiver is told what it wants in its own shape; what fails is tried again, and a dead one harms nobody")
def _(t):
    receiver = Receiver(t)
    receiver.answers = {"/hook": [503, 200], "/picky": [400], "/pages": [202]}
    silent = socket.create_server(("127.0.0.1", 0))  # it connects, and never answers
    t.own(silent)
    notify = [
        {"name": "hook", "url": receiver.url("/hook"), "secret": "whsec_" + base64.b64encode(KEY).decode()},
        {"name": "chat", "kind": "slack", "url": "file:" + t.write("chat.url", receiver.url("/chat") + "\n"), "on": ["rollback"]},
        {"name": "pages", "kind": "pagerduty", "url": receiver.url("/pages"), "routingKey": "0" * 32},
        {"name": "topic", "kind": "sns", "url": receiver.url("/topic"), "topic": "arn:aws:sns:x:1:t", "holds": ["dwell"]},
        {"name": "picky", "url": receiver.url("/picky"), "on": ["forward"]},
        {"name": "silent", "url": "http://127.0.0.1:%d/" % silent.getsockname()[1]},
    ]
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, notify=notify)
    load = H2load(t, p.url(), 120, 400, connections=10)
    p.admin.start(quick((5, "1h"), (100, "1s")))
    at_weight(t, p, 5)
    t.wait(lambda: len(receiver.posts("/hook")) >= 2, "the first decision again")
    first, second = receiver.posts("/hook")[:2]
    t.equal([first.data, first.headers["webhook-id"]], [second.data, second.headers["webhook-id"]], "the same once more")
    record = second.json()
    t.equal([record["route"], record["action"], record["reason"]], ["web", "forward", "start"], "the record")
    signed(t, second)
    t.wait(lambda: receiver.posts("/topic")[1:], "a hold with the reason dwell")
    post = receiver.posts("/topic")[0]
    t.equal([post.headers["x-amz-sns-message-type"], post.json()["Type"]], ["Notification"] * 2, "the shape of SNS")
    p.admin.order("abort")
    t.wait(lambda: state(p) == "rolledBack", "it goes back although nobody answers at silent")
    load.stop()
    t.wait(lambda: actions(receiver.posts("/hook"))[-1:] == ["rollback"], "the rollback is told")
    t.wait(lambda: receiver.posts("/chat"), "in the chat too")
    t.contains(receiver.posts("/chat")[0].json()["text"], "web: rollback, 5 % to 0 % (abort)", "what it says there")
    t.wait(lambda: len(receiver.posts("/pages")) == 2, "two events")
    t.equal([post.json()["event_action"] for post in receiver.posts("/pages")], ["resolve"] * 2, "nobody is paged for an abort")

    def counts(name):
        metrics = p.metrics()
        return [metrics.sum(f"penstock_notices_{what}", receiver=name) for what in
                ("sent_total", "retried_total", "dropped_total", "waiting")]
    t.wait(lambda: counts("hook") == [2, 1, 0, 0], "every notice is counted")
    t.wait(lambda: counts("picky") == [0, 0, 1, 0], "what will never be taken is dropped at once")
    t.equal(counts("silent"), [0, 0, 0, 2], "nothing is lost while there is hope")
    shown = {n["name"]: n for n in p.admin.status()["notify"]}
    t.equal([shown["hook"]["sent"], shown["picky"]["dropped"], shown["picky"]["problem"]], [2, 1, "status 400: "], "the status")
    t.equal(len(receiver.posts("/picky")), 1, "attempts")


@case("a notice that grows too old is dropped, and a reload gives its receiver another address")
def _(t):
    receiver = Receiver(t)
    gone = {"name": "hook", "url": "http://127.0.0.1:1/", "retryFor": "500ms"}
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, notify=[gone])

    def shown():
        return p.admin.status()["notify"][0]
    p.admin.start(quick((5, "1h"), (100, "1s")))
    t.wait(lambda: shown()["dropped"] == 1, "the first decision is given up")
    t.contains(shown()["problem"], "Failed to connect", "why")
    p.write_config(dict(p.config, notify=[dict(gone, url=receiver.url("/hook"))]))
    p.signal(signal.SIGHUP)
    t.wait(lambda: "the configuration was reloaded" in p.stderr(), "the other address is known")
    p.admin.order("abort")
    t.wait(lambda: "rollback" in actions(receiver.posts("/hook")), "the next one arrives")
    t.wait(lambda: shown()["problem"] == "" and shown()["waiting"] == 0, "all is well")
    t.equal(shown()["dropped"], 1, "what was counted stays")


@case("a plan's webhooks are told of the decisions of its rollout that they want, tried as often as it says, and signed")
def _(t):
    receiver, kept = Receiver(t), Receiver(t)
    receiver.answers = {"/chat": [503, 503, 200], "/once": [500]}
    p = Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, notify=[{"name": "all", "url": kept.url("/all")}],
                 webhooks={"secret": "whsec_" + base64.b64encode(KEY).decode()})

    def hook(name, path, **more):
        return dict({"name": name, "type": "event", "url": receiver.url(path)}, **more)

    def shown(name):
        return {n["name"]: n for n in p.admin.status()["notify"]}.get(name)
    webhooks = [hook("chat", "/chat"), hook("once", "/once", on=["forward"], retries=0), hook("back", "/back", on=["rollback"]),
                {"name": "gone", "type": "event", "url": "http://127.0.0.1:1/", "on": ["promote"]}]
    started = p.admin.start(quick((5, "1h"), (100, "1s"), webhooks=webhooks))
    t.wait(lambda: len(receiver.posts("/chat")) >= 3, "the first decision, told three times")
    first, _, third = receiver.posts("/chat")[:3]
    t.equal([first.data, first.headers["webhook-id"]], [third.data, third.headers["webhook-id"]], "the same again")
    record = third.json()
    t.equal([record["rollout"], record["action"], record["reason"]], [started["id"], "forward", "start"], "the record")
    signed(t, third)
    t.wait(lambda: shown("web/once")["dropped"] == 1, "one attempt is all that once gets")
    t.equal([len(receiver.posts("/once")), shown("web/once")["retried"]], [1, 0], "attempts")
    p.admin.must("PUT", "/v1/routes/web/rollout?force=true", quick((5, "1h"), (100, "1s"), webhooks=[hook("chat", "/other")] + webhooks[1:]))
    t.wait(lambda: receiver.posts("/other"), "another plan has another address")
    t.equal(receiver.posts("/other")[0].json()["reason"], "updated", "what is told there")
    p.admin.order("abort")
    t.wait(lambda: receiver.posts("/back"), "the rollback is told")
    t.equal(actions(receiver.posts("/back")), ["rollback"], "and nothing else")
    t.wait(lambda: shown("web/chat")["sent"] == 3 and shown("web/back")["sent"] == 1, "all has been taken")
    t.equal(p.metrics().sum("penstock_notices_sent_total", receiver="web/back"), 1, "the metric")
    t.wait(lambda: state(p) == "rolledBack", "the rollout is over")
    other = p.admin.start(quick((5, "1h"), (100, "1s")))
    t.wait(lambda: [n["name"] for n in p.admin.status()["notify"]] == ["all"], "with another plan they are forgotten")
    t.wait(lambda: any(post.json()["rollout"] == other["id"] for post in kept.posts("/all")), "the configuration's is told of every rollout")
    told = receiver.posts("/chat") + receiver.posts("/other") + receiver.posts("/back")
    t.equal({post.json()["rollout"] for post in told}, {started["id"]}, "the plan's are told of their own")


main(limit=60)
