"""Plans for tests: the words of a real plan with dwells of seconds instead of hours."""
from penstock import merge

BIN = "1s"  # evidence is capped per bin: with the usual 15 s a test would take a minute


def quick(*steps, **more):
    """A plan whose steps are (weight, least dwell) or whole steps. Every request counts for itself, because all load
    comes from one address."""
    plan = {
        "name": "quick",
        "analysis": {
            "falseRollback": 0.01,
            "unit": "request",
            "bin": BIN,
            "metrics": [
                {"name": "errors", "type": "errorRate", "floor": 0.001},
                {"name": "latency", "type": "latencySlo", "threshold": "100ms", "objective": 0.99},
            ],
        },
        "steps": [s if isinstance(s, dict) else {"setWeight": s[0], "minDwell": s[1]} for s in steps],
        "ramp": {"grace": "0s"},
    }
    return merge(plan, more)


def climbing(**more):
    """0 to 100 in four steps, with a short bake."""
    return quick((1, "1s"), (10, "1s"), (50, "1s"), {"setWeight": 100, "bake": "2s"}, **more)
