"""Chromium, driven through chromedriver by the W3C WebDriver protocol: a real browser in front of the page."""
import base64
import json
import os
import re
import tempfile
import urllib.error
import urllib.request

from harness import Failure, Process, tool

ARGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
        "--force-color-profile=srgb"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"enter": "\ue007", "escape": "\ue00c", "tab": "\ue004", "left": "\ue012", "right": "\ue014"}
# Names that would run or show something if anybody took them for markup.
HOSTILE = "<img src=x onerror=\"window.hit=1\"><script>window.hit=1</script>"
STICKS_OUT = """
  if (document.documentElement.scrollWidth <= window.innerWidth) return [];
  return [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > window.innerWidth)
    .map((e) => e.tagName + "#" + e.id + "." + e.className + ": " + e.textContent.slice(0, 60));
"""


class Browser(Process):
    """One window; `trusting`: it takes any certificate. What the page says to the console is collected by `said`."""

    def __init__(self, t, size=(1360, 900), trusting=False):
        self.profile = tempfile.TemporaryDirectory(prefix="penstock-chromium-")
        super().__init__(t, "chromedriver", [tool("chromedriver"), "--port=0"])
        started = t.wait(lambda: re.search(r"successfully on port (\d+)", self.stdout()), "chromedriver says its port", 20)
        self.base = f"http://127.0.0.1:{started[1]}/session"
        options = {"binary": tool("chromium"), "args": ARGS + [f"--user-data-dir={self.profile.name}"]}
        answer = self.ask("POST", "", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "acceptInsecureCerts": trusting, "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.base += "/" + answer["sessionId"]
        self.resize(*size)

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method, headers={"Content-Type": "application/json"},
                                         data=json.dumps(body).encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failure(f"chromedriver, {method} {path}: {json.load(error)['value'].get('message', '')[:500]}") from None

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def resize(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def colours(self, scheme):
        """"light" or "dark", as the system would say."""
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def cdp(self, command, **params):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def run(self, script, *args):
        """Runs the body of a function in the page and gives what it returns."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(args)})

    def run_async(self, script, *args):
        """The same, of a function that gives its result to its last argument, in half a minute."""
        return self.ask("POST", "/execute/async", {"script": script, "args": list(args)})

    def text(self, selector):
        return self.run("const e = document.querySelector(arguments[0]); return e ? e.innerText : null", selector)

    def find(self, selector):
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.ask("POST", f"/element/{self.find(selector)}/click", {})

    def button(self, label, within="body"):
        """Clicks the visible button with these words."""
        found = self.ask("POST", "/element", {"using": "xpath", "value":
                         f"//*[@id='{within}']//button[normalize-space()='{label}']" if within != "body"
                         else f"//button[normalize-space()='{label}']"})[ELEMENT]
        self.ask("POST", f"/element/{found}/click", {})

    def type(self, selector, words):
        self.ask("POST", f"/element/{self.find(selector)}/value", {"text": words})

    def press(self, *keys):
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def said(self):
        """What the console got since the last call, without what is only about the network."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING") and "Failed to load resource" not in entry["message"]]

    def shot(self, path, whole=False):
        """A PNG of the window, or of the whole page."""
        data = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))
        return os.path.getsize(path)

    def close(self):
        try:
            self.ask("DELETE", "")
        except (Failure, OSError):
            pass  # it is going away anyhow
        super().close()
        self.profile.cleanup()


def fits(t, browser, name):
    """Charts take the new width a moment after the window has it."""
    out = []

    def nothing():
        out[:] = browser.run(STICKS_OUT)
        return not out
    try:
        t.wait(nothing, name)
    except Failure:
        raise Failure(f"{name}: these stick out: {out}") from None


def shots(t, browser, name):
    """Whole page: light, dark, narrow."""
    folder = os.environ.get("PENSTOCK_SHOTS") or t.dir
    os.makedirs(folder, exist_ok=True)
    for kind, scheme, size in (("light", "light", (1360, 900)), ("dark", "dark", (1360, 900)), ("narrow", "light", (400, 844))):
        browser.colours(scheme)
        browser.resize(*size)
        fits(t, browser, f"{name} {kind}")
        t.check(browser.shot(os.path.join(folder, f"{name}-{kind}.png"), whole=True) > 20000, f"a picture of {name}, {kind}")
    browser.colours("light")
    browser.resize(1360, 900)


def clean(t, browser):
    """Nothing was refused by the policy, nothing went wrong, nothing ran that was not the page's."""
    t.equal(sorted({line[:300] for line in browser.said()}), [], "the console")
    t.equal(browser.run("return window.hit || 0"), 0, "scripts that ran")
