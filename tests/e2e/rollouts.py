"""Watching a rollout through the admin API."""
import json


def state(p):
    return p.admin.rollout()["state"]


def reaches(t, p, wanted, timeout=30.0):
    """Waits until the rollout is in this state; fails at once when it ends in another one."""
    def now():
        got = state(p)
        t.check(got == wanted or got not in ("rolledBack", "promoted"), f"the rollout is {got}, not {wanted}: {last(p)}")
        return got == wanted
    t.wait(now, f"the rollout is {wanted}", timeout)


def at_weight(t, p, weight, timeout=30.0):
    t.wait(lambda: p.admin.must("GET", "/v1/routes/web/weight")["canary"] == weight, f"weight {weight}", timeout)


def held(t, p, reason, timeout=15.0):
    """Waits for a hold with this reason, and gives its record."""
    def found():
        records = [d for d in decisions(p) if d["action"] == "hold"]
        return records[-1] if records and records[-1]["reason"] == reason else None
    return t.wait(found, f"a hold with reason {reason}", timeout)


def decisions(p):
    return p.admin.decisions()["decisions"]


def last(p):
    return json.dumps(decisions(p)[-1]) if decisions(p) else "no decision yet"
