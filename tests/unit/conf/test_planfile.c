#include "conf/planfile.h"

#include "base/clk.h"
#include "base/mem.h"
#include "conf/load.h"

#include "problems.h"

#include <dirent.h>
#include <unistd.h>

/* What every small plan would be warned of. */
static const char *const standing[] = {"warning: metrics: no latencySlo metric"};

#define NAME  "name: p\n"
#define STEPS "steps: [ { setWeight: 1 }, { setWeight: 100 } ]\n"
#define ALL   NAME STEPS

#define WARNED(judge)                                                                                        \
    "t:3:8: warning: judge: `" judge                                                                         \
    "` is there to compare with: nobody knows how often it sends a healthy canary back; `penstock` keeps "   \
    "falseRollback\n"

static const struct problems_case cases[] = {
    {ALL, ""},
    {"", "t:1:1: the file is empty\n"},
    {"{}",
     "t:1:1: name: is missing; write it (name, such as web-1: letters, digits, '.', '_' and '-', at most 63 "
     "bytes)\n"
     "t:1:1: steps: is missing; write it (list, such as [a, b])\n"},
    {"- a", "t:1:1: the file must be a map of `key: value`\n"},
    /* keys */
    {NAME "steps: [ { setWeight: 100, minDwel: 5m } ]\n",
     "t:2:28: minDwel: unknown key; did you mean \"minDwell\"?\n"},
    {NAME "step: []\n" STEPS, "t:2:1: step: unknown key; did you mean \"steps\"?\n"},
    {ALL "analysis: { metrics: [ { name: a, type: errorRate, treshold: 1s } ] }\n",
     "t:3:52: treshold: unknown key; did you mean \"threshold\"?\n"},
    {ALL "rollback: { retry: { times: 3 } }\n", "t:3:22: times: unknown key; known here: max, backoff\n"},
    /* words */
    {ALL "onRegression: rolback\n",
     "t:3:15: onRegression: rolback is none of rollback, hold; did you mean \"rollback\"?\n"},
    {ALL "onInconclusive: maybe\n", "t:3:17: onInconclusive: maybe is none of hold, rollback, forward\n"},
    {ALL "onInconclusive: forward\n",
     "t:3:17: warning: onInconclusive: `forward` goes on without evidence when maxDwell is over\n"},
    {ALL "onNoData: forward\nonSharedFailure: rollback\n",
     "t:3:11: onNoData: forward cannot be chosen: only hold is safe here; remove the key\n"
     "t:4:18: onSharedFailure: rollback cannot be chosen: only hold is safe here; remove the key\n"},
    {ALL "judge: thershold\n",
     "t:3:8: judge: thershold is none of penstock, threshold, flagger; did you mean \"threshold\"?\n"},
    {ALL "judge: flagger\nflagger: { interval: 5s }\n",
     WARNED("flagger") "t:4:22: interval: 5s is less than 10s\n"},
    {ALL "judge: threshold\nthreshold: { mode: alarm, evaluationPeriods: 2, datapointsToAlarm: 3 }\n",
     WARNED("threshold") "t:4:68: datapointsToAlarm: 1 to evaluationPeriods (2)\n"},
    {ALL "judge: threshold\nthreshold: { interval: 30s, count: 20, failureLimit: 2, inconclusiveLimit: 1, "
         "consecutiveErrorLimit: 3, max: 0.02, min: 0, warnMax: 0.01, warnMin: 0, noData: error }\n",
     WARNED("threshold")},
    {ALL "judge: threshold\nthreshold: { failureLimit: -2, warnMax: 2, min: 0.3, max: 0.2, noData: good }\n",
     WARNED("threshold") "t:4:28: failureLimit: -2 is less than -1\n"
                         "t:4:41: warnMax: 2 is more than 1\n"
                         "t:4:49: min: min is above max: no value could pass\n"
                         "t:4:72: noData: good is none of failed, inconclusive, ignore, error\n"},
    {ALL "judge: threshold\nthreshold: { min: 0.3, max: 0.2 }\n",
     WARNED("threshold") "t:4:19: min: min is above max: no value could pass\n"},
    {ALL
     "judge: threshold\nthreshold: { min: 0.01 }\nanalysis: { metrics: [ { name: a, type: errorRate, max: "
     "0.005 } ] }\n",
     WARNED("threshold") "t:5:24: min: min is above max: no value could pass\n"},
    {ALL "analysis: { metrics: [ { name: a, type: errorRate, min: 0.001 } ] }\n",
     "t:3:57: warning: min: it means nothing to metrics of another type than external under the judge "
     "penstock; remove it\n"},
    {ALL "analysis: { metrics: [ { name: a, type: external } ] }\n",
     "t:3:22: warning: metrics: only external metrics can send the canary back: no request is judged, and "
     "nobody "
     "knows how often a healthy canary goes back\n"
     "t:3:24: source: an external metric needs a source: the name of one of metricSources\n"
     "t:3:24: query: an external metric needs a query\n"
     "t:3:24: max: an external metric needs a limit: min, max or both\n"},
    {ALL "analysis: { metrics: [ { name: e, type: errorRate }, { name: a, type: external, source: p, query: "
         "up, min: "
         "-2, max: 1e6, interval: 5s, failureLimit: 3, onRegression: hold } ] }\n",
     ""},
    {ALL "analysis: { metrics: [ { name: e, type: errorRate }, { name: a, type: external, source: p, query: "
         "\"{{a}} "
         "{{route}}\", min: 2, max: 1, match: { method: GET } } ] }\n",
     "t:3:99: query: {{a}} is no variable: there are {{route}}, {{stable}}, {{canary}}, "
     "{{stablePlatform}}, {{canaryPlatform}}, {{interval}}, {{seconds}}, and no others\n"
     "t:3:123: min: min is above max: no value could pass\n"
     "t:3:141: match: it is about requests, and the query does not see them: remove it\n"},
    {ALL "analysis: { metrics: [ { name: e, type: errorRate, source: p, query: up, min: 0, max: 2 } ] }\n",
     "t:3:60: warning: source: it means nothing to metrics of another type than external; remove it\n"
     "t:3:70: warning: query: it means nothing to metrics of another type than external; remove it\n"
     "t:3:79: warning: min: it means nothing to metrics of another type than external under the judge "
     "penstock; remove it\n"
     "t:3:87: max: 2 is outside 0 to 1\n"},
    /* numbers */
    {ALL "analysis: { falseRollback: 0.5, bin: 100ms }\n",
     "t:3:28: falseRollback: 0.5 is more than 0.2\nt:3:38: bin: 100ms is less than 1s\n"},
    {ALL "analysis: { falseRollback: 1% }\n", "t:3:28: falseRollback: 1% is not a share, such as 0.01\n"},
    {ALL "analysis: { evaluationAge: soon }\n",
     "t:3:28: evaluationAge: soon is not a duration, such as 250ms, 10s, 5m, 2h, 7d or 1h30m, or auto\n"},
    {ALL "analysis: { forward: eValue, falsePromote: 0.5 }\nramp: { slowStart: 30s }\n",
     "t:3:22: forward: eValue counts at one weight: remove ramp.maxStepPerSecond and ramp.slowStart, or "
     "write "
     "gate\n"
     "t:3:44: falsePromote: 0.5 is more than 0.2\n"},
    {ALL "analysis: { forward: eValue, falsePromote: 0.1 }\n", ""},
    {ALL "analysis: { binCap: 2 }\n", "t:3:21: binCap: 2 must be a list of two numbers, such as [2, 4]\n"},
    {ALL "analysis: { binCap: [4, 2] }\n", "t:3:21: binCap: two rising numbers above 0 are needed\n"},
    {ALL "analysis: { shapeHoldMax: 31d }\n", "t:3:27: shapeHoldMax: 31d is more than 30d\n"},
    {ALL "analysis: { metrics: [ { name: s, type: latencyShift, quantiles: [0.5, 0.9] } ] }\n",
     "t:3:72: quantiles: has 2; at most 1 are taken\n"},
    {ALL "analysis: { metrics: [ { name: s, type: latencyShift, quantiles: [1] } ] }\n",
     "t:3:67: quantiles: 1 is more than 0.999\n"},
    {ALL "analysis: { metrics: [ { name: e, type: errorRate }, { name: s, type: latencyShift, tolerance: 3, "
         "quantiles: [0.5] } ] }\n",
     "t:3:110: quantiles: 0.5 can never hold with the tolerance 3: write a quantile above 0.667, or a lower "
     "tolerance\n"},
    {ALL "analysis: { metrics: [ { name: e, type: errorRate }, { name: f, type: suspiciouslyFast, "
         "tolerance: 10, quantiles: [0.1] } ] }\n",
     "t:3:115: quantiles: 0.1 can never hold with the tolerance 10: write a quantile below 0.1, or a lower "
     "tolerance\n"},
    {ALL "analysis: { startingStep: 2 }\n", "t:3:27: startingStep: the plan has only 2 steps\n"},
    {ALL "ramp: { capacity: 0 }\n", "t:3:19: capacity: 0 is less than 0.001\n"},
    {ALL "ramp: { retreat: { raiseFactor: 1 } }\n", "t:3:33: raiseFactor: 1 is less than 1.01\n"},
    {ALL "ramp: { retreat: false }\n", ""},
    {ALL "ramp: fast\n", "t:3:7: ramp: fast must be a map, such as { key: value }\n"},
    {ALL "exposureBudget: {}\n", "t:3:17: canaryErrors: is missing; write it (whole number, such as 10)\n"},
    {ALL "exposureBudget: { canaryErrors: 0 }\n", "t:3:33: canaryErrors: 0 is less than 1\n"},
    /* units, metrics */
    {ALL "analysis: { unit: header }\n",
     "t:3:19: unit: header is not a unit, such as client, request, header:NAME or cookie:NAME\n"},
    {ALL "analysis: { unit: \"client:x\" }\n",
     "t:3:19: unit: client:x is not a unit, such as client, request, header:NAME or cookie:NAME\n"},
    {ALL "analysis: { unit: \"header:a b\" }\n",
     "t:3:19: unit: \"header:a b\" is not a unit, such as client, request, header:NAME or cookie:NAME\n"},
    {ALL "analysis: { metrics: [ { name: a, type: errorRate, statuses: [ 600, 500-400, 5xx ] } ] }\n",
     "t:3:64: statuses: 600 is not a status or range, such as 503 or 500-599, within 100 and 599\n"
     "t:3:69: statuses: 500-400 is not a status or range, such as 503 or 500-599, within 100 and 599\n"
     "t:3:78: statuses: 5xx is not a status or range, such as 503 or 500-599, within 100 and 599\n"},
    {ALL "analysis:\n  metrics:\n  - { name: a, type: errorRate, share: 0.5 }\n  - { name: a, type: "
         "latencySlo, threshold: "
         "1s, share: 0.4 }\n",
     "t:5:3: metrics: the shares of the metrics that may roll back sum to 0.9: they have to sum to 1\n"
     "t:6:13: name: \"a\" is there twice: names have to differ\n"},
    {ALL "analysis: { metrics: [ { name: a, type: latencySlo } ] }\n",
     "t:3:24: threshold: a threshold is needed, because the route has no SLO of its own\n"},
    {ALL "analysis: { metrics: [ { type: errorRate } ] }\n",
     "t:3:24: name: is missing; write it (name, such as web-1: letters, digits, '.', '_' and '-', at most 63 "
     "bytes)\n"},
    {ALL "analysis: { metrics: [ { name: a, type: errorRate, match: { path: /x, exact: gold } } ] }\n",
     "t:3:61: path: unknown key; known here: method, pathPrefix, header, exact\n"
     "t:3:78: exact: a header is needed that has this value\n"},
    {ALL
     "analysis: { metrics: [ { name: a, type: errorRate, match: { pathPrefix: x, method: \"G T\" } } ] }\n",
     "t:3:73: pathPrefix: x does not begin with '/'\n"
     "t:3:84: method: \"G T\" is not a token; it may have letters, digits and "
     "!#$%&'*+-.^_`|~ only\n"},
    /* the shield */
    {ALL "shield: { retryOnStable: [connect, reset, 502, 503, 504], methods: [GET, OPTIONS] }\n", ""},
    {ALL "shield: {}\n", "t:3:9: retryOnStable: is missing; write it (list of failures, such as [connect, "
                         "reset, 502, 503, 504])\n"},
    {ALL "shield: { retryOnStable: [500, conect], methods: [POST] }\n",
     "t:3:27: retryOnStable: 500 is none of connect, reset, 502, 503, 504\n"
     "t:3:32: retryOnStable: conect is none of connect, reset, 502, 503, 504\n"
     "t:3:51: methods: POST may not be sent twice; GET, HEAD and OPTIONS may\n"},
    {ALL "shield: { retryOnStable: connect }\n",
     "t:3:26: retryOnStable: connect must be a list of failures, such as [connect, reset, 502, 503, 504]\n"},
    /* the watch */
    {ALL "watch: false\n", ""},
    {ALL "watch: never\n", "t:3:8: enabled: never is not a flag, true or false\n"},
    {ALL "watch: { probeWeight: 100, threshold: 0 }\n",
     "t:3:23: probeWeight: 100 is more than 99\nt:3:39: threshold: 0 is less than 1\n"},
    {ALL "sessionAffinity: { cookie: c, header: d, onRollback: keep }\n",
     "t:3:31: header: excludes cookie; write one of the two\n"
     "t:3:54: onRollback: keep cannot be chosen: weight 0 is nobody, and who stayed would go on meeting what "
     "was sent back; remove the key\n"},
    {ALL "sessionAffinity: { maxAge: 1h }\n",
     "t:3:18: one of these keys is missing: cookie header clientAddress\n"},
    /* steps */
    {NAME "steps: auto\n", ""},
    {NAME "steps: manual\n", "t:2:8: steps: manual must be a list, such as [a, b]\n"},
    {NAME "steps: []\n", "t:2:8: steps: needs at least 1\n"},
    {NAME "steps: [ { setWeight: 101 }, { setWeight: 12.345 }, { setWeight: 100 } ]\n",
     "t:2:23: setWeight: 101 is more than 100\n"
     "t:2:43: setWeight: 12.345 is not a percentage, such as 12.5: in steps of 0.01, without a percent "
     "sign\n"},
    {NAME "steps: [ { setWeight: 10 }, { setWeight: 5 } ]\n",
     "t:2:8: warning: steps: the plan ends at 5: the rollout then waits for `promote --full` or `abort`\n"
     "t:2:42: setWeight: 5 is not above the step before (10): weights have to rise\n"},
    {NAME "steps: [ { setWeight: 100 }, { pause: {} } ]\n",
     "t:2:30: steps[1]: 100 has to be the last step\n"},
    {NAME "steps: [ { minDwell: 5m }, { setWeight: 100 } ]\n",
     "t:2:10: steps: a step needs setWeight, pause, setMirror or setHeaderRoute\n"},
    {NAME
     "steps: [ { setHeaderRoute: { header: a b, exact: x, prefix: y, to: nowhere } }, { setHeaderRoute: { "
     "header: x, to: canary } }, { setWeight: 100 } ]\n",
     "t:2:38: header: \"a b\" is not a token; it may have letters, digits and !#$%&'*+-.^_`|~ only\n"
     "t:2:53: prefix: excludes exact; write one of the two\n"
     "t:2:68: to: nowhere is none of stable, canary\n"
     "t:2:99: one of these keys is missing: exact prefix regex\n"},
    {NAME "steps: [ { setHeaderRoute: { header: x, regex: \"(a\", to: canary, networks: [10.0.0.0/8] } }, { "
          "setHeaderRoute: { header: x, regex: '(a)\\1', to: stable } }, { setWeight: 100 } ]\n",
     "t:2:28: setHeaderRoute: \"(a\" is no POSIX extended regular expression\n"
     "t:2:112: warning: setHeaderRoute: everybody who sends x chooses the group: write the networks of those "
     "who may\n"
     "t:2:112: setHeaderRoute: \"(a)\\1\" has a back reference, which may take very long: write it "
     "without\n"},
    {NAME "steps: [ { setMirror: { percentage: 101, methods: [GET, get] } }, { setMirror: {} }, { setWeight: "
          "100 } ]\n",
     "t:2:37: percentage: 101 is more than 100\n"
     "t:2:57: methods: get cannot be copied; those of RFC 9110 and PATCH can, in capitals\n"
     "t:2:80: percentage: is missing; write it (percentage, such as 12.5: in steps of 0.01, without a "
     "percent sign)\n"},
    {NAME "steps: [ { setWeight: 5, minDwell: 5m, maxDwell: 1m }, { setWeight: 100 } ]\n",
     "t:2:50: maxDwell: it is shorter than minDwell\n"},
    {NAME "steps: [ { pause: { duration: 0 } }, { setWeight: 100 } ]\n",
     "t:2:31: duration: 0 is less than 1ms\n"},
    {NAME "steps: [ { setWeight: 50, window: ofice }, { setWeight: 100 } ]\n",
     "t:2:35: window: no window is named \"ofice\"\n"},
    {NAME "steps: [ 10, 100 ]\n", "t:2:10: steps: 10 must be a map, such as { key: value }\n"
                                  "t:2:14: steps: 100 must be a map, such as { key: value }\n"},
    /* the calendar */
    {ALL "windows: [ { name: w, days: mon-xyz, from: \"9:00\", to: \"25:00\", timeZone: Mars/Base } ]\n",
     "t:3:29: days: mon-xyz is not a list of days, such as mon-thu, sat, \"mon,wed-fri\" or daily\n"
     "t:3:44: from: 9:00 is not a time of day, such as \"10:00\"\n"
     "t:3:56: to: 25:00 is not a time of day, such as \"10:00\"\n"
     "t:3:75: timeZone: Mars/Base is no time zone in /usr/share/zoneinfo (cannot be read: No such file or "
     "directory); "
     "write an IANA name, or install the package tzdata\n"},
    {ALL "windows: [ { name: w, from: \"24:00\", to: \"24:00\" } ]\n",
     "t:3:29: from: 24:00 is not a time of day, such as \"10:00\"\n"},
    {ALL "windows: [ { name: w, from: \"01:00\", to: \"02:00\", timeZone: ../passwd }, { name: v, from: "
         "\"01:00\", to: "
         "\"02:00\", timeZone: /etc/passwd }, { name: u, from: \"01:00\", to: \"02:00\", timeZone: "
         "Europe//Berlin } ]\n",
     "t:3:61: timeZone: ../passwd is no time zone; write an IANA name, such as Asia/Tokyo or UTC\n"
     "t:3:123: timeZone: /etc/passwd is no time zone; write an IANA name, such as Asia/Tokyo or UTC\n"
     "t:3:187: timeZone: Europe//Berlin is no time zone; write an IANA name, such as Asia/Tokyo or UTC\n"},
    {ALL "windows: [ { name: w, from: \"01:00\", to: \"02:00\", timeZone: Europe } ]\n",
     "t:3:61: timeZone: Europe is no time zone in /usr/share/zoneinfo (cannot be read: Is a directory); "
     "write an IANA "
     "name, or install the package tzdata\n"},
    {NAME "steps: [ { setWeight: 100, gate: g } ]\nwebhooks: [ { name: g, type: confirm, url: \"https://h/\" "
          "} ]\n",
     ""},
    {NAME "steps: [ { setWeight: 100, gate: g } ]\nwebhooks: [ { name: g, type: rollback, url: h } ]\n",
     "t:2:34: gate: the webhook \"g\" has to be of the type confirm\n"
     "t:3:45: url: an http:// or https:// address is needed\n"},
    {NAME "steps: [ { setWeight: 100, gate: no } ]\nwebhooks: [ { name: g, type: event } ]\n",
     "t:2:34: gate: no webhook is named \"no\"\n"
     "t:3:13: url: is missing; write it (text, such as \"some words\")\n"},
    {NAME "steps: [ { setWeight: 100, gate: g } ]\nwebhooks: [ { name: g, type: event, url: \"https://h/\", "
          "on: [forward, hold, retreat, rollback, promote], retries: 0 } ]\n",
     "t:2:34: gate: the webhook \"g\" has to be of the type confirm\n"},
    {ALL "webhooks: [ { name: g, type: event, url: \"https://h/\", on: [], retries: 11, interval: 5s }, "
         "{ name: h, type: confirm, url: \"https://h/\", on: [promoted] } ]\n",
     "t:3:60: on: needs at least 1\n"
     "t:3:73: retries: 11 is more than 10\n"
     "t:3:87: warning: interval: it means nothing to webhooks of type event, which are told when there is "
     "something to tell; remove it\n"
     "t:3:142: warning: on: it means nothing to webhooks of another type than event; remove it\n"
     "t:3:143: on: promoted is none of none, forward, hold, retreat, rollback, promote; did you mean "
     "\"promote\"?\n"},
    {ALL "freezes: [ { from: 2026-12-28, to: 2026-12-20 }, { from: tomorrow, to: 2026-13-01 } ]\n",
     "t:3:36: to: the end is not after the beginning\n"
     "t:3:58: from: tomorrow is not a date, such as 2026-12-28 or 2026-12-28T10:00\n"
     "t:3:72: to: 2026-13-01 is not a date, such as 2026-12-28 or 2026-12-28T10:00\n"},
    /* what a plan that is sent may not do */
    {"name: ${HOME}\n" STEPS,
     "t:1:7: ${HOME}: ${HOME}: variables are not expanded here; write the value, or $$ for a "
     "plain $\n"},
};

static bool load(const char *text, struct plan *plan, struct conf_report *report)
{
    conf_report_init(report);
    return plan_load_bytes("t", str_from(text), false, NULL, plan, report);
}

START_TEST(every_problem_is_told_at_its_place)
{
    struct plan *plan = mem_alloc(sizeof *plan);
    struct conf_report report;
    bool ok = load(cases[_i].input, plan, &report);
    size_t errors = report.errors;
    char *text = problems_text(&report);

    problems_drop(text, standing, ARRAY_LEN(standing));
    ck_assert_str_eq(text, cases[_i].problems);
    ck_assert_int_eq(ok, errors == 0);
    free(text);
    free(plan);
}
END_TEST

/* The table's defaults and decide's are two; they must say the same. */
START_TEST(the_defaults_of_the_table_are_those_of_decide)
{
    struct plan *got = mem_zalloc(sizeof *got), *wanted = mem_zalloc(sizeof *wanted);
    struct conf_report report;

    ck_assert(load(NAME "steps: [ { setWeight: 100 }, { pause: {} } ]\nanalysis: { metrics: [ { name: m, "
                        "type: latencySlo, "
                        "threshold: 1s } ] }\n",
                   got, &report) == false); /* 100 is not last, but everything is read */
    conf_report_fini(&report);
    plan_init(wanted);
    memcpy(wanted->name, "p", 2);
    plan_step_init(&wanted->steps[0], STEP_WEIGHT);
    wanted->steps[0].weight = PLAN_WEIGHT_ALL;
    plan_step_init(&wanted->steps[1], STEP_PAUSE);
    wanted->steps_len = 2;
    plan_metric_init(&wanted->analysis.metrics[0], METRIC_LATENCY_SLO);
    memcpy(wanted->analysis.metrics[0].name, "m", 2);
    wanted->analysis.metrics[0].threshold_ns = NS_PER_S;
    wanted->analysis.metrics_len = 1;
    plan_finish(wanted, 0);
    ck_assert_mem_eq(got, wanted, offsetof(struct plan, analysis));
    ck_assert_mem_eq(&got->analysis, &wanted->analysis, offsetof(struct plan_analysis, metrics));
    ck_assert_mem_eq(got->analysis.metrics, wanted->analysis.metrics, sizeof got->analysis.metrics);
    ck_assert_mem_eq(got->steps, wanted->steps, sizeof got->steps);
    ck_assert_mem_eq(&got->ramp, &wanted->ramp, offsetof(struct plan, zones) - offsetof(struct plan, ramp));
    free(got);
    free(wanted);
}
END_TEST

static const char full[] =
    "{\"name\": \"p\", \"stable\": \"a\", \"canary\": \"b\",\n"
    " \"onRegression\": \"hold\", \"onInconclusive\": \"rollback\", \"onNoData\": \"hold\",\n"
    " \"analysis\": {\"falseRollback\": 0.001, \"unit\": \"cookie:sid\", \"unitWindow\": \"5m\", "
    "\"evaluationAge\": \"auto\",\n"
    "   \"bin\": \"10s\", \"binCap\": [1.5, 3], \"initialDelay\": \"1m\",\n"
    "   \"metrics\": [\n"
    "     {\"name\": \"e\", \"type\": \"errorRate\", \"share\": 0.6, \"tolerance\": 1.3, \"floor\": 1e-05, "
    "\"statuses\": [503, "
    "\"520-530\"], \"onRegression\": \"rollback\"},\n"
    "     {\"name\": \"l\", \"type\": \"latencySlo\", \"share\": 0.4, \"threshold\": \"300ms\", "
    "\"objective\": 0.995, "
    "\"maxExcess\": 0.002, \"onRegression\": \"rollback\"},\n"
    "     {\"name\": \"q\", \"type\": \"clientErrorRate\", \"dryRun\": true, \"match\": "
    "{\"method\": \"POST\", \"pathPrefix\": \"/checkout/\", \"header\": \"X-Tier\", \"exact\": "
    "\"gold\"}}]},\n"
    " \"steps\": [{\"setWeight\": 0.01, \"advanceOn\": \"traffic\", \"minDwell\": \"30s\", \"maxDwell\": "
    "\"2m\"},\n"
    "   {\"setWeight\": 33.33, \"window\": \"w\", \"pause\": {\"duration\": \"10m\"}, \"setHeaderRoute\": "
    "{\"header\": \"X-Canary\", \"regex\": \"^a+$\", \"to\": \"canary\", \"networks\": [\"10.0.0.0/8\"]}},\n"
    "   {\"pause\": {}, \"setMirror\": 12.5}, {\"setMirror\": {\"percentage\": 0, \"methods\": "
    "[\"POST\"]}},\n"
    "   {\"setWeight\": 100, \"bake\": \"2d\"}],\n"
    " \"windows\": [{\"name\": \"w\", \"days\": \"fri-mon\", \"from\": \"22:00\", \"to\": \"06:00\", "
    "\"timeZone\": "
    "\"Asia/Tokyo\"}],\n"
    " \"freezes\": [{\"from\": \"2026-12-28\", \"to\": \"2027-01-04\", \"reason\": \"year end\"}],\n"
    " \"ramp\": {\"grace\": \"1m\", \"maxStepPerSecond\": 2.5, \"slowStart\": \"30s\", \"minCanaryRate\": 0, "
    "\"capacity\": 50},\n"
    " \"watch\": {\"probeWeight\": 40, \"threshold\": 12},\n"
    " \"shield\": {\"retryOnStable\": [\"connect\", 502], \"methods\": [\"HEAD\"]},\n"
    " \"sessionAffinity\": {\"cookie\": \"sticky\", \"maxAge\": \"30m\", \"onRollback\": \"release\"},\n"
    " \"rollback\": {\"mode\": \"ramp\", \"rampTime\": \"5s\", \"retry\": {\"max\": 2}},\n"
    " \"exposureBudget\": {\"canaryErrors\": 200}}\n";

static void check_analysis(const struct plan_analysis *analysis)
{
    const struct plan_metric *e = &analysis->metrics[0], *l = &analysis->metrics[1],
                             *q = &analysis->metrics[2];

    ck_assert(analysis->false_rollback == 0.001);
    ck_assert_int_eq(analysis->unit, UNIT_COOKIE);
    ck_assert_str_eq(analysis->unit_name, "sid");
    ck_assert_int_eq(analysis->unit_window_ns, 300 * NS_PER_S);
    ck_assert_int_eq(analysis->evaluation_age_ns, 300 * NS_PER_MS); /* auto: the threshold */
    ck_assert(analysis->bin_cap[0] == 1.5 && analysis->bin_cap[1] == 3);
    ck_assert_uint_eq(analysis->metrics_len, 3);
    ck_assert(e->share == 0.6 && e->tolerance == 1.3 && e->floor == 0.00001);
    ck_assert_uint_eq(e->statuses_len, 2);
    ck_assert_uint_eq(e->statuses[0].from, 503);
    ck_assert_uint_eq(e->statuses[0].to, 503);
    ck_assert_uint_eq(e->statuses[1].to, 530);
    ck_assert_int_eq(e->on_regression, ON_REGRESSION_ROLLBACK);
    ck_assert_int_eq(l->threshold_ns, 300 * NS_PER_MS);
    ck_assert(l->objective == 0.995 && l->max_excess == 0.002);
    ck_assert(q->dry_run);
    ck_assert_str_eq(q->match.method, "POST");
    ck_assert_str_eq(q->match.path_prefix, "/checkout");
    ck_assert_str_eq(q->match.header, "X-Tier");
    ck_assert_str_eq(q->match.header_value, "gold");
    ck_assert_int_eq(q->on_regression, ON_REGRESSION_HOLD); /* the plan's */
}

START_TEST(a_plan_in_json_arrives_whole)
{
    struct plan *plan = mem_zalloc(sizeof *plan);
    struct conf_report report;
    const struct plan_step *steps = plan->steps;
    bool ok = load(full, plan, &report);
    char *text = problems_text(&report);

    ck_assert_str_eq(text, "");
    ck_assert(ok);
    ck_assert_str_eq(plan->stable, "a");
    ck_assert_str_eq(plan->canary, "b");
    ck_assert_int_eq(plan->on_inconclusive, ON_INCONCLUSIVE_ROLLBACK);
    check_analysis(&plan->analysis);
    ck_assert_int_eq(plan->affinity.kind, AFFINITY_COOKIE);
    ck_assert_str_eq(plan->affinity.name, "sticky");
    ck_assert_int_eq(plan->affinity.max_age_ns, 1800 * NS_PER_S);
    ck_assert_uint_eq(plan->steps_len, 5);
    ck_assert_uint_eq(steps[0].weight, 1);
    ck_assert(!steps[0].mirrors);
    ck_assert_int_eq(steps[0].advance_on, ADVANCE_TRAFFIC);
    ck_assert_int_eq(steps[0].max_dwell_ns, 120 * NS_PER_S);
    ck_assert_uint_eq(steps[1].weight, 3333);
    ck_assert_int_eq(steps[1].kind, STEP_WEIGHT);
    ck_assert_int_eq(steps[1].pause, PAUSE_TIME);
    ck_assert_int_eq(steps[1].pause_ns, 600 * NS_PER_S);
    ck_assert(steps[1].steers && !steps[0].steers);
    ck_assert_int_eq(steps[1].header_route.match, HEADER_REGEX);
    ck_assert_int_eq(steps[1].header_route.to, GROUP_CANARY);
    ck_assert_str_eq(steps[1].header_route.value, "^a+$");
    ck_assert_uint_eq(steps[1].header_route.networks_len, 1);
    ck_assert_str_eq(steps[1].window, "w");
    ck_assert_int_eq(steps[2].kind, STEP_PAUSE);
    ck_assert_int_eq(steps[2].pause, PAUSE_APPROVAL);
    ck_assert(steps[2].mirrors);
    ck_assert_uint_eq(steps[2].mirror.weight, 1250);
    ck_assert_uint_eq(steps[2].mirror.methods_len, 0);
    ck_assert_int_eq(steps[3].kind, STEP_MIRROR);
    ck_assert(steps[3].mirrors);
    ck_assert_uint_eq(steps[3].mirror.weight, 0);
    ck_assert_str_eq(steps[3].mirror.methods[0], "POST");
    ck_assert_int_eq(steps[4].bake_ns, 2 * 86400 * NS_PER_S);
    ck_assert_uint_eq(plan->windows[0].window.days, 1 | 1 << 4 | 1 << 5 | 1 << 6);
    ck_assert_uint_eq(plan->windows[0].window.from_min, 22 * 60);
    ck_assert_ptr_nonnull(plan_zone(plan, "Asia/Tokyo"));
    ck_assert_int_eq(zone_offset_s(plan_zone(plan, "Asia/Tokyo"), 1790000000), 9 * 3600);
    ck_assert_int_eq(plan->freezes[0].freeze.to_s - plan->freezes[0].freeze.from_s, 8 * 86400);
    ck_assert_str_eq(plan->freezes[0].zone, "UTC");
    ck_assert_str_eq(plan->freezes[0].reason, "year end");
    ck_assert_uint_eq(plan->ramp.max_step_per_second, 250);
    ck_assert_int_eq(plan->ramp.slow_start_ns, 30 * NS_PER_S);
    ck_assert(plan->ramp.capacity == 50);
    ck_assert(plan->watch.on);
    ck_assert_uint_eq(plan->shield.on, PLAN_SHIELD_CONNECT | PLAN_SHIELD_502);
    ck_assert_uint_eq(plan->shield.methods_len, 1);
    ck_assert_str_eq(plan->shield.methods[0], "HEAD");
    ck_assert_uint_eq(plan->watch.probe_weight, 4000);
    ck_assert(plan->watch.threshold == 12);
    ck_assert_int_eq(plan->rollback.mode, ROLLBACK_RAMP);
    ck_assert_uint_eq(plan->rollback.retry_max, 2);
    ck_assert_uint_eq(plan->exposure_canary_errors, 200);
    free(text);
    free(plan);
}
END_TEST

static const char config_text[] =
    "listeners: [ { address: \"127.0.0.1:0\" } ]\n"
    "targetGroups: { a: { targets: [ \"10.0.0.1:80\" ] }, b: { targets: [ \"10.0.0.2:80\" ] } }\n"
    "routes:\n"
    "- { name: r, stable: a, canary: b, slo: { threshold: 250ms }, affinity: { cookie: c, "
    "maxAge: 30m } }\n"
    "- { name: s, match: { pathPrefix: /s }, stable: b }\n";

static struct config *load_config(struct conf_report *report)
{
    struct config *config;

    conf_report_init(report);
    config = config_load_bytes("c", str_from(config_text), ".", false, report);
    ck_assert_ptr_nonnull(config);
    conf_report_fini(report);
    return config;
}

/* A plan for production with a word of every kind in it, in the order in which people write them. */
static const char production[] =
    "name: cart-to-fargate\n"
    "analysis:\n"
    "  falseRollback: 0.01\n"
    "  unit: client\n"
    "  metrics:\n"
    "    - { name: failures, type: errorRate, share: 0.45, tolerance: 1.25, floor: 0.0001, maxExcess: 0.0012 "
    "}\n"
    "    - { name: slowness, type: latencySlo, share: 0.45, threshold: 300ms, objective: 0.99, tolerance: "
    "1.5, "
    "maxExcess: 0.005 }\n"
    "    - { name: refusals, type: clientErrorRate, share: 0.10 }\n"
    "    - { name: moved, type: latencyShift }\n"
    "    - { name: empty, type: suspiciouslyFast }\n"
    "    - { name: payment, type: errorRate, match: { pathPrefix: /pay }, dryRun: true }\n"
    "sessionAffinity: { cookie: side, maxAge: 1h, onRollback: release }\n"
    "steps:\n"
    "  - { setHeaderRoute: { header: x-canary, exact: always, to: canary } }\n"
    "  - { setWeight: 1, advanceOn: traffic, minDwell: 30s, maxDwell: 2m }\n"
    "  - { setWeight: 5, minDwell: 30m, maxDwell: 4h }\n"
    "  - { setWeight: 12, minDwell: 2h, gate: loaded }\n"
    "  - { pause: {} }\n"
    "  - { setWeight: 25, minDwell: 6h, maxDwell: 2d }\n"
    "  - { setWeight: 50, minDwell: 1d, window: daytime }\n"
    "  - { setWeight: 100, window: daytime, bake: 2d }\n"
    "ramp: { grace: 2m, minCanaryRate: 0.3, capacity: measured }\n"
    "rollback: { mode: auto, rampTime: 20s, retry: { max: 1, backoff: 30m }, rollbackWindow: 24h }\n"
    "onRegression: rollback\n"
    "exposureBudget: { canaryErrors: 200 }\n"
    "shield: { retryOnStable: [connect, 502, 503], methods: [GET, HEAD] }\n"
    "windows: [ { name: daytime, days: mon-thu, from: \"10:00\", to: \"17:00\", timeZone: Asia/Tokyo } ]\n"
    "freezes: [ { from: \"2026-12-28\", to: \"2027-01-04\", timeZone: Asia/Tokyo, reason: holidays } ]\n"
    "webhooks:\n"
    "  - { name: loaded, type: confirm, url: \"http://127.0.0.1:9000/gate\", retries: 1 }\n"
    "  - { name: chat, type: event, url: \"https://hooks.example.com/x\", on: [forward, hold, retreat, "
    "rollback, "
    "promote] }\n"
    "  - { name: log, type: event, url: \"https://log.example.com/x\" }\n";

START_TEST(a_plan_for_production_has_one_warning_and_its_webhooks)
{
    static const uint32_t on[] = {ACTION_FORWARD, ACTION_HOLD, ACTION_RETREAT, ACTION_ROLLBACK,
                                  ACTION_PROMOTE};
    struct plan *plan = mem_zalloc(sizeof *plan);
    const struct plan_webhook *hooks = plan->webhooks;
    struct conf_report report;
    bool ok = load(production, plan, &report);
    char *text = problems_text(&report);

    ck_assert_str_eq(text,
                     "t:14:23: warning: setHeaderRoute: everybody who sends x-canary chooses the group: "
                     "write the networks of those who may\n");
    ck_assert(ok);
    ck_assert_uint_eq(plan->steps_len, 8);
    ck_assert_uint_eq(plan->webhooks_len, 3);
    ck_assert_int_eq(hooks[0].type, WEBHOOK_CONFIRM);
    ck_assert_uint_eq(hooks[0].retries, 1);
    ck_assert_int_eq(hooks[1].type, WEBHOOK_EVENT);
    ck_assert_uint_eq(hooks[1].retries, 2);
    ck_assert_uint_eq(hooks[1].on_len, ARRAY_LEN(on));
    ck_assert_mem_eq(hooks[1].on, on, sizeof on);
    ck_assert_uint_eq(hooks[2].on_len, 0);
    free(text);
    free(plan);
}
END_TEST

START_TEST(the_route_gives_what_the_plan_leaves_open)
{
    struct conf_report report;
    struct config *config = load_config(&report);
    struct plan_target target = {.config = config, .route = &config->routes[0]};
    struct plan *plan = mem_zalloc(sizeof *plan);

    ck_assert(plan_load_bytes("t", str_from(ALL), false, &target, plan, &report));
    ck_assert_uint_eq(report.len, 0);
    ck_assert_uint_eq(plan->analysis.metrics_len, 5);
    ck_assert_int_eq(plan->analysis.metrics[1].type, METRIC_LATENCY_SLO);
    ck_assert_int_eq(plan->analysis.metrics[1].threshold_ns, 250 * NS_PER_MS);
    ck_assert_int_eq(plan->analysis.unit_window_ns, 1800 * NS_PER_S);
    config_unref(config);
    free(plan);
}
END_TEST

START_TEST(a_plan_for_other_groups_does_not_fit_the_route)
{
    struct conf_report report;
    struct config *config = load_config(&report);
    struct plan_target target = {.config = config, .route = &config->routes[0]};
    struct plan_target bare = {.config = config, .route = &config->routes[1]};
    struct plan *plan = mem_zalloc(sizeof *plan);
    char *text;

    ck_assert(!plan_load_bytes("t", str_from("stable: a\ncanary: c\n" ALL), false, &target, plan, &report));
    text = problems_text(&report);
    ck_assert_str_eq(text, "t:2:9: canary: c is not the canary group of the route, which is b\n");
    free(text);
    ck_assert(!plan_load_bytes("t", str_from("canary: b\n" ALL), false, &bare, plan, &report));
    text = problems_text(&report);
    problems_drop(text, standing, ARRAY_LEN(standing));
    ck_assert_str_eq(text, "t:1:1: the route s has no canary group; name one in the configuration\n"
                           "t:1:9: canary: b is not the canary group of the route, which has none\n");
    free(text);
    config_unref(config);
    free(plan);
}
END_TEST

/* Every sample plan, and what tells it from the others. */
static const struct {
    const char *name;
    size_t steps, approvals;
} samples[] = {
    {"ec2-to-fargate", 5, 1},
    {"migration-1-test", 3, 0},
    {"migration-2-load", 7, 1},
    {"migration-3-staging", 6, 2},
    {"migration-4-production", 8, 1},
    {"reference", 6, 0},
    {"external", 4, 0},
};

START_TEST(a_sample_plan_loads_without_a_warning)
{
    const char *top = getenv("top_srcdir");
    char *path = mem_printf("%s/conf/plans/%s.yaml", top ? top : ".", samples[_i].name), *text;
    struct plan *plan = mem_zalloc(sizeof *plan);
    struct conf_report report;
    size_t approvals = 0;
    bool ok;

    conf_report_init(&report);
    ok = plan_load(path, NULL, plan, &report);
    text = problems_text(&report);
    ck_assert_str_eq(text, "");
    ck_assert(ok);
    ck_assert_str_eq(plan->name, samples[_i].name);
    ck_assert_uint_eq(plan->steps_len, samples[_i].steps);
    for (size_t i = 0; i < plan->steps_len; i++)
        approvals += plan->steps[i].kind == STEP_PAUSE && plan->steps[i].pause == PAUSE_APPROVAL;
    ck_assert_uint_eq(approvals, samples[_i].approvals);
    free(text);
    free(plan);
    free(path);
}
END_TEST

/* `steps: auto` is the way of the reference plan, and `watch: false` turns the watch off. */
START_TEST(automatic_steps_are_those_of_the_reference_plan)
{
    const char *top = getenv("top_srcdir");
    char *path = mem_printf("%s/conf/plans/reference.yaml", top ? top : "."), *text;
    struct plan *wanted = mem_zalloc(sizeof *wanted), *got = mem_zalloc(sizeof *got);
    struct conf_report report;

    conf_report_init(&report);
    ck_assert(plan_load(path, NULL, wanted, &report));
    conf_report_fini(&report);
    ck_assert(load(NAME "steps: auto\nwatch: false\n", got, &report));
    text = problems_text(&report);
    ck_assert_uint_eq(got->steps_len, wanted->steps_len);
    ck_assert_mem_eq(got->steps, wanted->steps, sizeof got->steps);
    ck_assert(wanted->watch.on && !got->watch.on);
    free(text);
    free(got);
    free(wanted);
    free(path);
}
END_TEST

START_TEST(no_sample_plan_is_without_a_test)
{
    const char *top = getenv("top_srcdir");
    char *path = mem_printf("%s/conf/plans", top ? top : ".");
    DIR *folder = opendir(path);
    size_t files = 0;

    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        files += strstr(entry->d_name, ".yaml") != NULL;
    closedir(folder);
    ck_assert_uint_eq(files, ARRAY_LEN(samples));
    free(path);
}
END_TEST

START_TEST(a_plan_file_may_use_the_environment)
{
    struct plan *plan = mem_zalloc(sizeof *plan);
    struct conf_report report;

    ck_assert_int_eq(setenv("PENSTOCK_TEST_PLAN", "from-env", 1), 0);
    conf_report_init(&report);
    ck_assert(plan_load_bytes("t", STR("name: ${PENSTOCK_TEST_PLAN}\n" STEPS), true, NULL, plan, &report));
    ck_assert_str_eq(plan->name, "from-env");
    conf_report_fini(&report);
    free(plan);
}
END_TEST

START_TEST(a_plan_file_that_cannot_be_read_is_named)
{
    struct plan *plan = mem_zalloc(sizeof *plan);
    struct conf_report report;
    char *text;

    conf_report_init(&report);
    ck_assert(!plan_load("/no/such/plan.yaml", NULL, plan, &report));
    text = problems_text(&report);
    ck_assert_str_eq(text, "/no/such/plan.yaml: cannot be read: No such file or directory\n");
    free(text);
    free(plan);
}
END_TEST

START_TEST(a_plan_cut_anywhere_loads_or_tells_why)
{
    struct plan *plan = mem_zalloc(sizeof *plan);

    for (size_t len = 0; len < sizeof full; len += 3) {
        struct conf_report report;
        bool ok;

        conf_report_init(&report);
        ok = plan_load_bytes("t", (struct str){full, len}, false, NULL, plan, &report);
        ck_assert_int_eq(ok, report.errors == 0);
        conf_report_fini(&report);
    }
    free(plan);
}
END_TEST

/* Check values of the FNV reference. */
START_TEST(the_hash_is_fnv_1a)
{
    ck_assert_uint_eq(plan_hash(STR("")), UINT64_C(0xcbf29ce484222325));
    ck_assert_uint_eq(plan_hash(STR("a")), UINT64_C(0xaf63dc4c8601ec8c));
    ck_assert_uint_eq(plan_hash(STR("foobar")), UINT64_C(0x85944171f73967e8));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/planfile");
    TCase *tc = tcase_create("planfile");

    tcase_add_loop_test(tc, every_problem_is_told_at_its_place, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, the_defaults_of_the_table_are_those_of_decide);
    tcase_add_test(tc, a_plan_in_json_arrives_whole);
    tcase_add_test(tc, a_plan_for_production_has_one_warning_and_its_webhooks);
    tcase_add_test(tc, the_route_gives_what_the_plan_leaves_open);
    tcase_add_test(tc, a_plan_for_other_groups_does_not_fit_the_route);
    tcase_add_loop_test(tc, a_sample_plan_loads_without_a_warning, 0, ARRAY_LEN(samples));
    tcase_add_test(tc, automatic_steps_are_those_of_the_reference_plan);
    tcase_add_test(tc, no_sample_plan_is_without_a_test);
    tcase_add_test(tc, a_plan_file_may_use_the_environment);
    tcase_add_test(tc, a_plan_file_that_cannot_be_read_is_named);
    tcase_add_test(tc, a_plan_cut_anywhere_loads_or_tells_why);
    tcase_add_test(tc, the_hash_is_fnv_1a);
    suite_add_tcase(suite, tc);
    return suite;
}
