"""The JSON Schema of plans, by a validator that others wrote, beside what penstock check says of the same plans."""
import glob
import json
import os

from harness import PROGRAM, TOP, case, main, need_module
from penstock import cli

jsonschema = need_module("jsonschema")
yaml = need_module("yaml")

SCHEMA = os.path.join(os.path.dirname(PROGRAM), "man", "penstock-plan.schema.json")
STEPS = [{"setWeight": 5, "minDwell": "10m"}, {"setWeight": 100}]

# Plans of every form that are taken, and such that are not.
TAKEN = [
    {"name": "a", "steps": STEPS},
    {"name": "a", "steps": "auto"},
    {"name": "a", "steps": STEPS, "watch": False, "ramp": {"retreat": False, "slowStart": "30s"}},
    {"name": "a", "steps": STEPS, "watch": {"probeWeight": 40}, "ramp": {"retreat": {"max": 2}}},
    {"name": "a", "steps": [{"setWeight": 5, "pause": {}}, {"pause": {"duration": "5m"}}, {"setWeight": 100}]},
    {"name": "a", "steps": STEPS, "analysis": {"metrics": [
        {"name": "e", "type": "errorRate", "match": {"pathPrefix": "/pay", "header": "X-Tier", "exact": "gold"}}]}},
    {"strategy": "CANARY"},
    {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10},
     "bakeTimeInMinutes": 30},
    {"strategy": "CANARY", "canaryPercent": 0.1, "canaryBakeTimeInMinutes": 0},
    {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 10, "stepBakeTimeInMinutes": 6}},
    {"strategy": "LINEAR", "stepPercent": "10"},
    {"name": "a", "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 60},
    {"deploymentConfigName": "ECSAllAtOnce"},
    {"deploymentConfigName": "CodeDeployDefault.ECSLinear10PercentEvery3Minutes", "terminationWaitTimeInMinutes": 5},
    {"TimeBasedCanary": {"canaryPercentage": 15, "canaryInterval": 7}},
    {"TimeBasedLinear": {"linearPercentage": 20, "linearInterval": 10}, "rollback": {"mode": "ramp"}},
    {"strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {"duration": "10m"}}, {"pause": {}},
                                       {"setWeight": 60}, {"pause": {"duration": 30}}]}}},
    {"analysis": {"interval": "1m", "threshold": 5, "stepWeight": 5, "maxWeight": 50, "metrics": [
        {"name": "request-success-rate", "thresholdRange": {"min": 99}, "interval": "1m"},
        {"name": "request-duration", "thresholdRange": {"max": 500}}]}},
    {"judge": "flagger", "analysis": {"interval": "1m", "stepWeights": [1, 5, 25, 50]}},
]
REFUSED = [
    {},
    {"name": "a"},
    {"steps": STEPS},
    {"name": "a", "steps": []},
    {"name": "a", "steps": "manual"},
    {"name": "a", "steps": [{"setWeight": 101}]},
    {"name": "a", "steps": [{"setWeigth": 5}, {"setWeight": 100}]},
    {"name": "a", "steps": STEPS, "watch": "never"},
    {"name": "a", "steps": STEPS, "judge": "nobody"},
    {"name": "a", "steps": STEPS, "onNoData": "forward"},
    {"name": "a", "steps": STEPS, "analysis": {"falseRollback": 0.5}},
    {"name": "a", "steps": STEPS, "analysis": {"stepWeight": 5}},
    {"name": "a", "steps": STEPS, "analysis": {"interval": "1m"}},
    {"name": "a", "steps": STEPS, "canaryPercent": 5},
    {"name": "a", "steps": STEPS, "strategy": "CANARY"},
    {"strategy": "CANRY"},
    {"strategy": "CANARY", "canaryPercent": 0},
    {"strategy": "CANARY", "canaryConfiguration": {"canaryPercents": 5}},
    {"strategy": "CANARY", "analysis": {"stepWeight": 5}},
    {"deploymentConfigName": "ECSCanary20Percent5Minutes"},
    {"TimeBasedCanary": {"canaryPercentage": 15}},
    {"strategy": {"canary": {"steps": [{"setCanaryScale": {"weight": 5}}]}}},
    {"strategy": {"canary": {}}},
    {"strategy": {"blueGreen": {}}},
    {"analysis": {"stepWeight": 500}},
]


def validator():
    with open(SCHEMA) as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@case("the schema takes what the program takes")
def _(t):
    check = validator()
    for plan in TAKEN:
        done = cli("check", "--plan", t.write("plan.json", json.dumps(plan)))
        t.equal(done.status, 0, f"{plan}: {done.stderr}")
        t.equal([e.message for e in check.iter_errors(plan)], [], f"{plan}")


@case("the schema refuses what the program refuses")
def _(t):
    check = validator()
    for plan in REFUSED:
        done = cli("check", "--plan", t.write("plan.json", json.dumps(plan)))
        t.equal(done.status, 1, f"{plan}: {done.stdout}")
        t.check(not check.is_valid(plan), f"{plan}: the schema takes it")


@case("every sample plan fits the schema")
def _(t):
    check = validator()
    files = sorted(glob.glob(os.path.join(TOP, "conf", "plans", "*.yaml")))
    t.check(len(files) >= 6, f"{len(files)} plans")
    for path in files:
        with open(path) as f:
            plan = json.loads(json.dumps(yaml.safe_load(f), default=str))
        t.equal([e.message for e in check.iter_errors(plan)], [], os.path.basename(path))


main()
