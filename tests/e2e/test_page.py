"""The page at GET /: what is served, by which rules, and what its own files never do. tests/e2e/check_page.py opens it in a
browser."""
import os
import re

from harness import TOP, case, main, need
from peers import Nginx
from penstock import Penstock, address

need("nginx")

FOLDER = os.path.join(TOP, "src", "control", "page")
# Ways to make markup or code out of text.
FORBIDDEN = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "setAttribute(\"style\"",
             "DOMParser", "createContextualFragment", "localStorage", "document.cookie", "http://", "https://")


def one(t, **more):
    return Penstock(t, {"ec2": [Nginx(t, "ec2")], "fargate": [Nginx(t, "fargate")]}, **more)


@case("the page and its files are served whole, by a policy that runs nothing else, and again only when they have changed")
def _(t):
    p = one(t)
    html = p.admin.get("/", token=None)
    t.equal((html.status, html.headers["Content-Type"]), (200, "text/html; charset=utf-8"), "the page")
    files = sorted(set(re.findall(r'(?:src|href)="(/page/[^"]+)"', html.text)))
    t.equal(len(files), 5, f"the files that it names: {files}")
    script = p.admin.get("/page/page.js", token=None).text
    files += ["/page/" + name for name in re.findall(r'from "\./([^"]+)"', script)]
    for path in ["/"] + files:
        answer = p.admin.get(path, token=None)
        t.equal(answer.status, 200, path)
        policy = answer.headers["Content-Security-Policy"]
        for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            t.contains(policy, part, f"the policy of {path}")
        t.check("unsafe" not in policy and policy == html.headers["Content-Security-Policy"], f"the policy of {path}")
        t.equal((answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]), ("nosniff", "no-cache"), path)
        tag = answer.headers["ETag"]
        for known, status in ((tag, 304), ("W/" + tag, 304), ('"other", ' + tag, 304), ("*", 304), ('"other"', 200)):
            again = p.admin.get(path, token=None, headers={"If-None-Match": known})
            t.equal((again.status, again.headers["ETag"]), (status, tag), f"{path} with {known}")
            t.equal(len(again.text) > 0, status == 200, f"{path} with {known}: a body")
        t.equal(p.admin.ask("HEAD", path, token=None).text, "", f"HEAD {path}")
    for path in ("/page/", "/page/none.js", "/page/../page.js", "/page/page.js/x", "/page/%2e%2e%2fpage.js"):
        t.equal(p.admin.get(path).status, 404, path)
    t.equal(p.admin.ask("POST", "/", {}).status, 405, "POST /")


@case("a link of another site may lead to the page, a strange Host may not, and neither may ask the API")
def _(t):
    p = one(t)
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    strange = {"Host": "evil.example.com"}
    t.equal(p.admin.get("/", headers=link).status, 200, "a link")
    t.equal(p.admin.get("/v1/status", headers=link).status, 403, "the API")
    for path in ("/", "/page/page.js", "/v1/stream", "/v1/history?route=web"):
        t.equal(p.admin.get(path, headers=strange).status, 403, f"a strange Host, {path}")
    t.equal(p.admin.get("/", headers={"Host": f"localhost:{address(p.admin.place)[1]}"}).status, 200, "our own name")


@case("the page's own files make no markup out of text, keep nothing, and ask no other host")
def _(t):
    names = sorted(name for name in os.listdir(FOLDER) if name.endswith((".js", ".html", ".css", ".svg")))
    t.check("page.js" in names and "index.html" in names, f"its files: {names}")
    for name in names:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
            text = f.read().replace("http://www.w3.org/2000/svg", "")
        for word in FORBIDDEN:
            t.check(word not in text, f"{name} has {word}")
        if name.endswith(".html"):
            t.equal(re.findall(r'<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\sstyle=|javascript:', text), [], f"inline code in {name}")


main()
