"""The page of a report in a real browser (`make check-browser`): what logs say becomes charts and text, never markup, and the page
asks nobody for anything. Screenshots for people go to $PENSTOCK_SHOTS."""
import datetime
import json
import random

from browser import HOSTILE, Browser, clean, shots
from harness import case, main, need
from penstock import cli

need("chromium", "chromedriver")


def line(rng, i, **more):
    """A request of a move from ec2 to fargate in an hour, whose canary fails for a while."""
    second = i / 7
    weight = [0, 1, 10, 50, 100, 100][min(5, int(second / 600))]
    canary = rng.random() * 100 < weight and not (weight == 100 and rng.random() < 0.004)
    bad = canary and 1300 < second < 1400 and rng.random() < 0.3
    at = datetime.datetime(2026, 11, 20, 10) + datetime.timedelta(seconds=second)
    record = {
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z", "platform": "fargate" if canary else "ec2",
        "route": "web", "group": "new" if canary else "old", "side": "canary" if canary else "stable", "weight": weight,
        "assignment": "sticky" if weight == 100 else "random", "outcome": "target_cut" if bad else "served",
        "blame": "group" if bad else "nobody", "duration": int(rng.lognormvariate(17.5 + canary * 0.2, 0.5)),
        "http": {"status_code": 502 if bad else 200}, "network": {"client": {"ip": f"192.0.2.{rng.randrange(200)}"}}}
    return json.dumps(dict(record, **more), separators=(",", ":")) + "\n"


@case("a report draws its charts, and no name in it becomes markup")
def _(t):
    rng = random.Random(1)
    text = "".join(line(rng, i) for i in range(25200))
    text += line(rng, 5, route=HOSTILE, platform=HOSTILE, group="</script><script>window.hit=1</script>", network={"client": {"ip": HOSTILE}})
    text += line(rng, 50, route="x\u2028\u0000<!--<script>", platform="\u202e", side="stable", weight=100) + HOSTILE + "\n"
    log, page = t.write("access.jsonl", text), t.path("report.html")
    done = cli("report", "--slo", "100ms", "--title", HOSTILE, "-o", page, log, timeout=60)
    t.equal(done.status, 0, done.stderr)
    browser = Browser(t)
    browser.open("file://" + page)
    t.wait(lambda: browser.run("return document.querySelectorAll('.canvas canvas').length") >= 14, "seven charts are drawn")
    t.equal(browser.run("return document.querySelector('#title').textContent"), HOSTILE[:119], "the title is text")
    t.contains(browser.run("return document.body.innerText"), "Residual traffic", "residual traffic")
    browser.run("document.querySelector('.chart').focus()")
    browser.press("left")
    t.contains(browser.run("return document.querySelector('.chart').getAttribute('aria-label')"), "weight 100 %, share ", "the cursor")
    shots(t, browser, "report")
    t.equal(browser.run("return document.querySelectorAll('[data-route]').length"), 3, "routes to choose from")
    for i in range(3):
        browser.run("document.querySelectorAll('[data-route]')[arguments[0]].click()", i)
        t.check(browser.run("return document.querySelectorAll('.canvas canvas').length") > 0, f"route {i} is drawn")
    t.equal(browser.run("return performance.getEntriesByType('resource').length"), 0, "what the page has asked for")
    clean(t, browser)


main()
