"""The layer check: who may include whom, and which library is seen in which room.

Prints TAP. The tables below are the rule; src/README.md is the tour. First the check is tried on small samples, each with
one mistake, and then on the tree itself.
"""

import os
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

# From the bottom. A folder sees itself and what stands in a line above its own; folders of one line do not see each other.
ORDER = [
    ["base"],
    ["decide", "proto"],
    ["conf"],
    ["route"],
    ["net"],
    ["proxy"],
    ["export"],
    ["report"],
    ["control"],
    ["cli"],
    ["main.c"],
]

# What is seen in few rooms only: name, headers, the files of src/ that may include them.
ROOMS = [
    ("libevent", ["event2/*", "event.h", "ev*.h"], ["net/*", "proxy/worker*", "control/*"]),
    ("OpenSSL", ["openssl/*"], ["net/*", "proxy/ticket*", "export/forwardwire*", "control/seal*"]),
    ("nghttp2", ["nghttp2/*"], ["proto/h2*"]),
    ("SQLite", ["sqlite3*.h"], ["control/store*"]),
    ("libcurl", ["curl/*"], ["control/*", "export/*"]),
    ("libyaml", ["yaml.h"], ["conf/*"]),
    ("zlib", ["zlib.h"], ["export/*", "control/*"]),
    ("ISA-L", ["isa-l.h", "isa-l/*"], ["cli/lines*"]),
    ("jansson", ["jansson.h"], ["decide/*", "conf/*", "export/*", "report/*", "control/*", "cli/*", "main.c"]),
]

# What a folder never includes and, in the pure ones, never calls. (<arpa/inet.h> passes: inet_pton only parses.)
SOCKETS = ["sys/socket.h", "sys/un.h", "netinet/*", "netdb.h", "sys/epoll.h", "poll.h", "sys/eventfd.h"]
THREADS = ["pthread.h", "threads.h", "stdatomic.h", "semaphore.h"]
FILES = ["fcntl.h", "unistd.h", "sys/stat.h", "sys/mman.h", "dirent.h"]
NEVER = {
    "base": SOCKETS,
    "decide": SOCKETS + THREADS + FILES,
    "proto": SOCKETS + THREADS + FILES,
}
PURE = ["decide", "proto"]
IMPURE_CALLS = """clk_mono_ns clk_wall_ns clock_gettime gettimeofday time localtime localtime_r getenv getrandom rnd_init
    hash_key_init socket connect fopen open printf fprintf log_at log_debug log_info log_warn log_error""".split()

# What no file of src/ calls or says: unbounded writes, hidden state, silent conversion errors, stack of any size.
BANNED_CALLS = """sprintf vsprintf strcpy stpcpy strcat strncpy strncat strtok gets atoi atol atoll atof sscanf vsscanf alloca
    rand srand""".split()
BANNED_WORDS = ["volatile"]

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def blank(text, keep_strings):
    """The text with its comments, and unless kept its strings, made blank: places stay the same."""

    def one(match):
        token = match.group()
        if keep_strings and token[0] in "\"'":
            return token
        return re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(one, text)


def folder_of(path):
    return path.split("/")[0]


def level_of(path):
    for level, folders in enumerate(ORDER):
        if folder_of(path) in folders:
            return level
    return None


def matches(name, patterns):
    return any(fnmatch(name, pattern) for pattern in patterns)


def check_own_include(path, name, files):
    if name == "config.h":
        return None
    if name not in files:
        return f'"{name}" is no file of src/: write "folder/file.h"'
    mine, theirs = level_of(path), level_of(name)
    if theirs is not None and theirs > mine:
        return f'"{name}" stands higher than {folder_of(path)}'
    if theirs == mine and folder_of(path) != folder_of(name):
        return f'"{name}": {folder_of(path)} and {folder_of(name)} do not see each other'
    return None


def check_system_include(path, name):
    for library, headers, rooms in ROOMS:
        if matches(name, headers) and not matches(path, rooms):
            return f"<{name}>: {library} is seen in {' '.join(rooms)} only"
    if matches(name, NEVER.get(folder_of(path), [])):
        return f"<{name}> is never seen in {folder_of(path)}"
    return None


def check_includes(path, text, files):
    for match in INCLUDE.finditer(blank(text, True)):
        name = match.group(2)
        if match.group(1) == '"':
            reason = check_own_include(path, name, files)
        else:
            reason = check_system_include(path, name)
        if reason:
            yield match.start(2), reason


def check_words(path, text):
    code = blank(text, False)
    calls = BANNED_CALLS + (IMPURE_CALLS if folder_of(path) in PURE else [])
    for match in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(calls), code):
        yield match.start(1), f"{match.group(1)}() is not called here"
    for match in re.finditer(r"\b(%s)\b" % "|".join(BANNED_WORDS), code):
        yield match.start(1), f"`{match.group(1)}` is not used: write _Atomic with an explicit order"


def check(files):
    """Every complaint about `files` (path below src/ -> text), as `src/path:line: reason`."""
    complaints = []
    for path, text in sorted(files.items()):
        if level_of(path) is None:
            complaints.append(f"src/{path}:1: {folder_of(path)} has no place in the order of {Path(__file__).name}")
            continue
        for at, reason in sorted([*check_includes(path, text, files), *check_words(path, text)]):
            line = text.count("\n", 0, at) + 1
            complaints.append(f"src/{path}:{line}: {reason}")
    return complaints


# Each sample is a small tree with one mistake in the given file and line; None: without a mistake.
TREE = {"base/str.h": "", "decide/plan.h": "", "proto/h1.h": "", "conf/load.h": "", "net/tls.h": "", "control/store.h": ""}
SAMPLES = [
    ("a clean tree passes", {"conf/load.c": '#include "config.h"\n#include "base/str.h"\n#include <yaml.h>\n'}, None),
    ("an upward include is found", {"base/str.c": '#include "base/str.h"\n#include "conf/load.h"\n'}, "base/str.c:2"),
    ("main.c is above all", {"cli/serve.c": '#include "main.c"\n', "main.c": ""}, "cli/serve.c:1"),
    ("decide does not see proto", {"decide/judge.c": '#include "proto/h1.h"\n'}, "decide/judge.c:1"),
    ("proto does not see decide", {"proto/h1.c": '\n# include "decide/plan.h"\n'}, "proto/h1.c:2"),
    ("an include without its folder is found", {"base/str.c": '#include "str.h"\n'}, "base/str.c:1"),
    ("a folder outside the order is found", {"util/x.c": ""}, "util/x.c:1"),
    ("libevent outside its rooms is found", {"proxy/txn.c": "#include <event2/event.h>\n"}, "proxy/txn.c:1"),
    ("libevent in the worker passes", {"proxy/worker.c": "#include <event2/event.h>\n"}, None),
    ("OpenSSL outside net is found", {"control/admin.c": "#include <openssl/ssl.h>\n"}, "control/admin.c:1"),
    ("nghttp2 outside proto/h2 is found", {"proto/h1.c": "#include <nghttp2/nghttp2.h>\n"}, "proto/h1.c:1"),
    ("SQLite outside the store is found", {"control/tick.c": "#include <sqlite3.h>\n"}, "control/tick.c:1"),
    ("SQLite in the store passes", {"control/store.c": "#include <sqlite3.h>\n"}, None),
    ("libcurl on the request path is found", {"proxy/txn.c": "#include <curl/curl.h>\n"}, "proxy/txn.c:1"),
    ("libyaml outside conf is found", {"cli/check.c": "#include <yaml.h>\n"}, "cli/check.c:1"),
    ("jansson on the request path is found", {"proxy/txn.c": "#include <jansson.h>\n"}, "proxy/txn.c:1"),
    ("sockets in decide are found", {"decide/plan.h": "#include <sys/socket.h>\n"}, "decide/plan.h:1"),
    ("sockets in proto are found", {"proto/h1.h": "#include <netinet/in.h>\n"}, "proto/h1.h:1"),
    ("sockets in base are found", {"base/str.h": "#include <sys/un.h>\n"}, "base/str.h:1"),
    ("threads in decide are found", {"decide/judge.c": "#include <pthread.h>\n"}, "decide/judge.c:1"),
    ("threads in proto are found", {"proto/h1.c": "#include <pthread.h>\n"}, "proto/h1.c:1"),
    ("threads elsewhere pass", {"proxy/crew.c": "#include <pthread.h>\n"}, None),
    ("a clock in decide is found", {"decide/judge.c": "int64_t f(void)\n{\n    return clk_wall_ns();\n}\n"}, "decide/judge.c:3"),
    ("a field called time passes", {"decide/judge.c": "int f(struct x *x)\n{\n    return x->time (1);\n}\n"}, None),
    ("a banned function is found", {"cli/status.c": "int f(char *s)\n{\n    return atoi(s);\n}\n"}, "cli/status.c:3"),
    ("a banned word is found", {"net/conn.c": "static volatile int stop;\n"}, "net/conn.c:1"),
    ("comments and strings pass", {"base/str.c": '/* atoi(s);\n#include "conf/load.h" */\n// volatile\nchar *s = "atoi(";\n'}, None),
]


def print_tables():
    print("# The order, from the bottom:")
    for folders in ORDER:
        print("#   " + "  ".join(folders))
    print("# The rooms:")
    for library, _, rooms in ROOMS:
        print(f"#   {library:<9} {' '.join(rooms)}")


def try_sample(files, place):
    complaints = check({**TREE, **files})
    found = [complaint.split(": ")[0] for complaint in complaints]
    return found == ([] if place is None else ["src/" + place]), complaints


def read_tree(src):
    files = {}
    for path in src.rglob("*"):
        if path.suffix in (".c", ".h", ".def") and path != src / "config.h":
            files[path.relative_to(src).as_posix()] = path.read_text()
    return files


def main():
    top = Path(os.environ.get("top_srcdir", Path(__file__).parent.parent))
    files = read_tree(top / "src")
    folders = sorted({folder_of(path) for path in files}, key=lambda folder: (level_of(folder) or 0, folder))
    complaints = check(files)
    results = [(f"sample: {name}", *try_sample(sample, place)) for name, sample, place in SAMPLES]
    for folder in folders:
        mine = [complaint for complaint in complaints if folder_of(complaint[len("src/"):].split(":")[0]) == folder]
        results.append((f"src/{folder} keeps to its place", not mine, mine))
    print_tables()
    print(f"1..{len(results)}")
    for number, (name, good, notes) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        if not good:
            print("\n".join(f"# {note}" for note in notes) or "# nothing was found")
    sys.exit(not all(good for _, good, _ in results))


main()
