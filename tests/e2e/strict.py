"""A second reader of HTTP/1.1, written from RFC 9112 with regular expressions and as strict as penstock means to
be. It shares nothing with the program, so that what one of the two gets wrong shows."""
import ipaddress
import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
LINE = re.compile(rb"(%s{1,32}) ([!\"$-~]+) HTTP/1\.([0-9])" % TOKEN)
FIELD = re.compile(rb"(%s+):[ \t]*((?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)[ \t]*" % TOKEN)
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*\.?)(?::([0-9]{0,5}))?")
ABSOLUTE = re.compile(rb"https?://([^/?]*)([^?]*)(\?.*)?", re.I)
# What stands in an extension is dropped; only its end matters, and so its quotes.
QUOTED = rb"\"(?:[^\"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*\""
SIZE = re.compile(rb"([0-9A-Fa-f]{1,13})((?:;[ \t]*%s(?:%s|[= \t]|%s)*)*)\r\n" % (TOKEN, TOKEN, QUOTED))
KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")


class Refused(Exception):
    """The rest cannot be a request; the connection would be closed."""


class Unfinished(Exception):
    """The input ends inside a message."""


def values(fields, name):
    return [v for n, v in fields if n.lower() == name]


def elements(fields, name):
    return [e.strip(b" \t").lower() for v in values(fields, name) for e in v.split(b",")]


def check_host(text):
    match = HOST.fullmatch(text)
    if not match or len(text) > 255:
        raise Refused("host")
    if match[2] and not 0 < int(match[2]) < 65536:
        raise Refused("port")
    if text[:1] == b"[":
        try:
            ipaddress.IPv6Address(match[1][1:-1].decode())
        except ValueError:
            raise Refused("address") from None


def where(method, target):
    """The path and query that are sent on."""
    if method == b"CONNECT" or method == b"TRACE":
        raise Refused("method")
    if target[:1] == b"/":
        return target
    if target == b"*" and method == b"OPTIONS":
        return target
    match = ABSOLUTE.fullmatch(target)
    if not match:
        raise Refused("target")
    check_host(match[1])
    path = match[2] or (b"*" if method == b"OPTIONS" and not match[3] else b"/")
    return path + (match[3] or b"")


def framing(fields, minor):
    """None, a length, or "chunked"."""
    lengths, codings = values(fields, b"content-length"), values(fields, b"transfer-encoding")
    if codings:
        if lengths or minor == 0 or elements(fields, b"transfer-encoding") != [b"chunked"]:
            raise Refused("coding")
        return "chunked"
    if not lengths:
        return 0
    if len(lengths) > 1 or not re.fullmatch(rb"0|[1-9][0-9]*", lengths[0]) or int(lengths[0]) >= 1 << 64:
        raise Refused("length")
    return int(lengths[0])


def check_upgrade(method, fields, minor, frame):
    if b"upgrade" not in elements(fields, b"connection") or minor == 0 or method != b"GET" or frame:
        return
    if b"websocket" not in elements(fields, b"upgrade"):
        return
    keys = values(fields, b"sec-websocket-key")
    if len(keys) != 1 or not KEY.fullmatch(keys[0]) or values(fields, b"sec-websocket-version")[:1] != [b"13"]:
        raise Refused("websocket")


def head_of(data, at):
    """One head: (method, path, fields, minor, frame, end)."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        raise Unfinished()
    first, *lines = data[at:end].split(b"\r\n")
    line = LINE.fullmatch(first)
    if not line or len(lines) > 100 or len(first) > 8192 or end + 4 - at > 32768:
        raise Refused("line")
    fields = []
    for text in lines:
        field = FIELD.fullmatch(text)
        if not field:
            raise Refused("field")
        fields.append((field[1], field[2]))
    method, minor = line[1], int(line[3])
    path = where(method, line[2])
    hosts = values(fields, b"host")
    if len(hosts) > 1 or (minor and not hosts):
        raise Refused("hosts")
    for host in hosts:
        check_host(host)
    frame = framing(fields, minor)
    options = [o for o in elements(fields, b"connection") if o]
    if b"host" in options or b"content-length" in options or len(options) > 32:
        raise Refused("connection")
    if minor and any(e.lower() != b"100-continue" for e in values(fields, b"expect")):
        raise Refused("expect")
    check_upgrade(method, fields, minor, frame)
    return method, path, fields, minor, frame, end + 4


def chunks_of(data, at):
    body = b""
    while True:
        size = SIZE.match(data, at)
        if not size:
            if b"\n" in data[at:at + 300]:
                raise Refused("size")
            raise Unfinished()
        if len(size[2]) > 256:
            raise Refused("extension")
        at = size.end()
        n = int(size[1], 16)
        if n == 0:
            break
        if len(data) < at + n + 2:
            raise Unfinished()
        if data[at + n:at + n + 2] != b"\r\n":
            raise Refused("data")
        body += data[at:at + n]
        at += n + 2
    end = data.find(b"\r\n\r\n", at - 2)
    if end < 0:
        raise Unfinished()
    lines = data[at:end].split(b"\r\n") if end >= at else []
    if len(lines) > 32 or any(not FIELD.fullmatch(line) for line in lines):
        raise Refused("trailers")
    return body, end + 4


def requests(data):
    """The requests that stand whole in what one client sent: (method, path, body) each."""
    found, at = [], 0
    try:
        while True:
            if data[at:at + 2] == b"\r\n":
                at += 2
            method, path, fields, minor, frame, at = head_of(data, at)
            if frame == "chunked":
                body, at = chunks_of(data, at)
            else:
                if len(data) < at + frame:
                    raise Unfinished()
                body, at = data[at:at + frame], at + frame
            found.append((method, path, body))
            if minor == 0 or b"close" in elements(fields, b"connection"):
                break
    except (Refused, Unfinished):
        pass
    return found


# ---- answers

STATUS = re.compile(rb"HTTP/1\.([0-9]) ([1-5][0-9][0-9])(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")


def answer_head(data, at):
    """(status, frame, end); a frame of None lasts until the connection ends."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        raise Unfinished()
    first, *lines = data[at:end].split(b"\r\n")
    line, fields = STATUS.fullmatch(first), [FIELD.fullmatch(text) for text in lines]
    if not line or not all(fields) or len(lines) > 200 or end + 4 - at > 65536 or len(first) > 8192:
        raise Refused("head")
    fields = [(f[1], f[2]) for f in fields]
    minor, status = int(line[1]), int(line[2])
    options = [o for o in elements(fields, b"connection") if o]
    lengths, codings = values(fields, b"content-length"), values(fields, b"transfer-encoding")
    if b"host" in options or b"content-length" in options or len(options) > 32 or status == 101:
        raise Refused("connection")
    bodiless = status < 200 or status in (204, 304)
    if codings and not bodiless:
        if lengths or minor == 0 or elements(fields, b"transfer-encoding") != [b"chunked"]:
            raise Refused("coding")
        return status, "chunked", end + 4
    if any(n != lengths[0] or not re.fullmatch(rb"0|[1-9][0-9]*", n) or int(n) >= 1 << 64 for n in lengths):
        raise Refused("length")
    return status, 0 if bodiless else int(lengths[0]) if lengths else None, end + 4


def answer(data):
    """What a target says to a GET before it closes: (statuses, body). A body of None cannot be completed; a last status
    of 502 stands for what is no answer."""
    statuses, at = [], 0
    try:
        while not statuses or statuses[-1] < 200:
            status, frame, at = answer_head(data, at)
            statuses.append(status)
    except (Refused, Unfinished):
        return statuses + [502], b""
    try:
        if frame == "chunked":
            return statuses, chunks_of(data, at)[0]
    except (Refused, Unfinished):
        return statuses, None
    if frame is None:
        return statuses, data[at:]
    return statuses, data[at:at + frame] if len(data) >= at + frame else None
