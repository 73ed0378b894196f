#include "conf/shortform.h"

#include "base/mem.h"
#include "conf/planfile.h"

#include "problems.h"

/* A short form, and the plan that it stands for; a plan in our own words stays as it is. */
static const struct {
    const char *input, *expanded;
} forms[] = {
    /* ECS */
    {"name: a\nstrategy: CANARY\ncanaryConfiguration: { canaryPercent: 5, canaryBakeTimeInMinutes: 10 }\n"
     "bakeTimeInMinutes: 30\n",
     "name: a\nsteps:\n  - { setWeight: 5, minDwell: 10m }\n  - { setWeight: 100, bake: 30m }\n"},
    {"{\"name\": \"a\", \"strategy\": \"CANARY\", \"canaryPercent\": 0.1, \"canaryBakeTimeInMinutes\": 0}",
     "name: a\nsteps:\n  - { setWeight: 0.1 }\n  - { setWeight: 100 }\n"},
    {"strategy: CANARY\n",
     "name: ecs\nsteps:\n  - { setWeight: 5, minDwell: 10m }\n  - { setWeight: 100 }\n"},
    {"name: a\nstrategy: LINEAR\nlinearConfiguration: { stepPercent: 30, stepBakeTimeInMinutes: 6 }\n",
     "name: a\nsteps:\n  - { setWeight: 30, minDwell: 6m }\n  - { setWeight: 60, minDwell: 6m }\n"
     "  - { setWeight: 90, minDwell: 6m }\n  - { setWeight: 100 }\n"},
    {"name: a\nstrategy: BLUE_GREEN\nbakeTimeInMinutes: 60\n",
     "name: a\nsteps:\n  - { setWeight: 100, bake: 60m }\n"},
    /* CodeDeploy */
    {"name: a\ndeploymentConfigName: CodeDeployDefault.ECSCanary10Percent15Minutes\n"
     "terminationWaitTimeInMinutes: 20\n",
     "name: a\nsteps:\n  - { setWeight: 10, minDwell: 15m }\n  - { setWeight: 100, bake: 20m }\n"},
    {"name: a\ndeploymentConfigName: ECSAllAtOnce\n", "name: a\nsteps:\n  - { setWeight: 100 }\n"},
    {"name: a\nTimeBasedCanary: { canaryPercentage: 15, canaryInterval: 7 }\n",
     "name: a\nsteps:\n  - { setWeight: 15, minDwell: 7m }\n  - { setWeight: 100 }\n"},
    {"name: a\nTimeBasedLinear: { linearPercentage: 50, linearInterval: 2 }\n",
     "name: a\nsteps:\n  - { setWeight: 50, minDwell: 2m }\n  - { setWeight: 100 }\n"},
    /* Argo */
    {"name: a\nstrategy:\n  canary:\n    steps:\n    - setWeight: 20\n    - pause: { duration: 10m }\n"
     "    - pause: {}\n    - setWeight: 60\n    - pause: { duration: 30 }\n    - pause: { duration: 5 }\n",
     "name: a\nsteps:\n  - { setWeight: 20, minDwell: 10m }\n  - { pause: {} }\n"
     "  - { setWeight: 60, minDwell: 30s }\n  - { pause: { duration: 5s } }\n  - { setWeight: 100 }\n"},
    {"name: a\nstrategy:\n  canary:\n    steps:\n"
     "    - setMirrorRoute: { name: m, percentage: 35, match: [ { method: { exact: GET }, path: { prefix: / "
     "} }, "
     "{ method: { exact: POST } } ] }\n"
     "    - pause: { duration: 10 }\n    - setMirrorRoute: { name: m }\n"
     "    - setHeaderRoute: { name: h, match: [ { headerName: X-Canary, headerValue: { prefix: a } } ] }\n"
     "    - setMirrorRoute: { name: m, match: [ path: { prefix: / } ] }\n    - setWeight: 100\n",
     "name: a\nsteps:\n  - { setMirror: { percentage: 35, methods: [GET, POST] } }\n  - { pause: { duration: "
     "10s } }\n"
     "  - { setMirror: { percentage: 0 } }\n"
     "  - { setHeaderRoute: { header: X-Canary, prefix: a, to: canary } }\n"
     "  - { setMirror: { percentage: 100 } }\n  - { setWeight: 100 "
     "}\n"},
    {"name: a\nstrategy: { canary: { steps: [ { setWeight: 20 }, { pause: { duration: 10m } }, { setWeight: "
     "40 }, { pause: {} } ], analysis: { startingStep: 2, interval: 60, "
     "initialDelay: 5m, count: 9, failureLimit: 3, inconclusiveLimit: 1, consecutiveErrorLimit: 0 } } }\n",
     "name: a\nanalysis:\n  startingStep: 1\nsteps:\n  - { setWeight: 20, minDwell: 10m }\n  - { setWeight: "
     "40 }\n  - { pause: {} }\n  - { setWeight: 100 }\n"
     "threshold:\n  interval: 60s\n  initialDelay: 5m\n  count: 9\n  failureLimit: 3\n  inconclusiveLimit: "
     "1\n  consecutiveErrorLimit: 0\njudge: threshold\n"},
    {"name: a\nanalysis: { interval: 30s, failureLimit: 2, initialDelay: 1m, metrics: [ { name: e, type: "
     "errorRate, max: 0.05 } ] }\n"
     "strategy: { canary: { steps: [ { setWeight: 20 }, { pause: { duration: 10m } } ] } }\n",
     "name: a\nanalysis:\n  initialDelay: 1m\n  metrics:\n    - { name: e, type: errorRate, max: 0.05 "
     "}\nsteps:\n  - { setWeight: 20, minDwell: 10m }\n  - { setWeight: 100 }\n"
     "threshold:\n  interval: 30s\n  failureLimit: 2\njudge: threshold\n"},
    {"name: a\nstrategy: { canary: { steps: [ { setWeight: 20 }, { pause: { duration: 10m } }, { setWeight: "
     "40 }, { analysis: { interval: 1m, count: 5, failureLimit: 1 } }, "
     "{ setWeight: 60 }, { pause: { duration: 1m } }, { analysis: { interval: 60, count: 3 } } ] } }\n",
     "name: a\nanalysis:\n  startingStep: 1\nsteps:\n  - { setWeight: 20, minDwell: 10m }\n  - { setWeight: "
     "40, minDwell: 5m }\n  - { setWeight: 60, minDwell: 1m }\n"
     "  - { pause: { duration: 3m } }\n  - { setWeight: 100 }\nthreshold:\n  interval: 1m\n  failureLimit: "
     "1\njudge: threshold\n"},
    {"name: a\njudge: penstock\nanalysis: { interval: 30s, startingStep: 1 }\nstrategy: { canary: { steps: [ "
     "{ setWeight: 20 } ], analysis: { failureLimit: 1 } } }\n",
     "name: a\njudge: penstock\nanalysis:\n  startingStep: 1\nsteps:\n  - { setWeight: 20 }\n  - { "
     "setWeight: 100 }\n"},
    /* Flagger */
    {"name: a\nanalysis: { interval: 1m, threshold: 5, stepWeight: 20, maxWeight: 50, metrics: [ { name: "
     "request-success-rate, thresholdRange: { min: 99 }, interval: 1m }, { name: request-duration, "
     "thresholdRange: { max: 500 } } ] }\n",
     "name: a\nanalysis:\n  metrics:\n    - { name: request-success-rate, type: errorRate }\n"
     "    - { name: request-duration, type: latencySlo, threshold: 500ms }\n"
     "steps:\n  - { setWeight: 20, minDwell: 1m }\n  - { setWeight: 40, minDwell: 1m }\n"
     "  - { setWeight: 100 }\n"},
    {"name: a\njudge: flagger\nanalysis: { interval: 30s, threshold: 5, stepWeights: [1, 50], metrics: [ { "
     "name: request-success-rate, thresholdRange: { min: 99 } } ] }\n",
     "name: a\njudge: flagger\nanalysis:\n  metrics:\n"
     "    - { name: request-success-rate, type: errorRate, max: 0.01 }\n"
     "steps:\n  - { setWeight: 1, minDwell: 30s }\n  - { setWeight: 50, minDwell: 30s }\n"
     "  - { setWeight: 100 }\nflagger:\n  interval: 30s\n  threshold: 5\n"},
    /* ours */
    {"name: a\nsteps: auto\nramp: { grace: 1m }\n",
     "name: a\nramp:\n  grace: 1m\nsteps:\n"
     "  - { setWeight: 1, advanceOn: traffic, minDwell: 30s, maxDwell: 2m }\n"
     "  - { setWeight: 5, minDwell: 3m }\n  - { setWeight: 12, minDwell: 3m }\n"
     "  - { setWeight: 25, minDwell: 3m }\n  - { setWeight: 50, minDwell: 3m }\n"
     "  - { setWeight: 100, bake: 60m }\n"},
    {"name: a\nsteps: [ { setWeight: 100, window: w } ]\nwindows: [ { name: w, from: \"10:00\", to: "
     "\"17:00\" } "
     "]\n",
     "name: a\nsteps:\n  - { setWeight: 100, window: w }\nwindows:\n"
     "  - { name: w, from: \"10:00\", to: \"17:00\" }\n"},
};

static char *expand(const char *input, struct conf_report *report)
{
    struct schema_reader reader = {.report = report, .file = "t", .folder = "."};
    struct tree *root = tree_read("t", str_from(input), false, report);
    struct text out;

    ck_assert_ptr_nonnull(root);
    shortform_expand(&reader, root);
    text_init(&out, TREE_BYTES_MAX);
    tree_print(root, &out);
    tree_free(root);
    return text_take(&out);
}

static void check_loads(const char *input)
{
    struct plan *plan = mem_zalloc(sizeof *plan);
    struct conf_report report;
    char *problems;
    bool ok;

    conf_report_init(&report);
    ok = plan_load_bytes("t", str_from(input), false, NULL, plan, &report);
    problems = problems_text(&report);
    ck_assert_msg(ok, "%s: %s", input, problems);
    free(problems);
    free(plan);
}

START_TEST(a_short_form_becomes_plain_steps_that_load)
{
    struct conf_report report;
    char *expanded, *again, *problems;

    conf_report_init(&report);
    expanded = expand(forms[_i].input, &report);
    ck_assert_str_eq(expanded, forms[_i].expanded);
    again = expand(expanded, &report);
    ck_assert_str_eq(again, expanded);
    problems = problems_text(&report);
    ck_assert_str_eq(problems, "");
    check_loads(forms[_i].input);
    check_loads(expanded);
    free(problems);
    free(again);
    free(expanded);
}
END_TEST

START_TEST(a_sample_of_the_manual_loads)
{
    check_loads(shortform_samples[_i].text);
}
END_TEST

static const char *const standing[] = {"warning: "};

#define TEMPLATE                                                                                             \
    "a map is needed, such as { interval: 1m, failureLimit: 3 }; a template cannot be read from here: "      \
    "write interval, count and limits in its place, and its metrics in analysis.metrics of the plan\n"

static const struct problems_case cases[] = {
    {"name: a\nstrategy: CANRY\n",
     "t:2:11: strategy: is none of CANARY, LINEAR, BLUE_GREEN (ECS) or a map with "
     "canary (Argo)\n"},
    {"name: a\nstrategy: CANARY\ncanaryConfiguration: { canaryPercent: 101, canaryBakeTime: 5 }\n",
     "t:3:39: canaryPercent: a percentage is needed, 0.01 to 100\n"
     "t:3:44: canaryBakeTime: unknown key in canaryConfiguration; known here: canaryPercent "
     "canaryBakeTimeInMinutes \n"},
    {"name: a\nstrategy: LINEAR\nlinearConfiguration: { stepPercent: 0.5 }\n",
     "t:2:11: the steps would be more than 64; make them larger\n"},
    {"name: a\nstrategy: CANARY\nbakeTimeInMinutes: soon\n",
     "t:3:20: bakeTimeInMinutes: a whole number is needed, such as 10\n"},
    {"name: a\nstrategy: CANARY\nsteps: [ { setWeight: 100 } ]\n",
     "t:3:1: steps: the short form (ecs) makes them; remove one of the two\n"},
    {"name: a\nTimeBasedCanary: { canaryInterval: 7 }\n", "t:2:18: canaryPercentage: is missing; write it\n"},
    {"name: a\nstrategy: { canary: { steps: [ { setCanaryScale: { weight: 5 } }, { setWeight: 5 } ] } }\n",
     "t:2:34: setCanaryScale: has no counterpart here; setWeight, pause, analysis, setMirrorRoute and "
     "setHeaderRoute are taken, and metrics with their limits go to "
     "analysis.metrics\n"},
    {"name: a\nstrategy: { canary: { steps: [ { setWeight: 20 }, { analysis: { count: 0 } }, { analysis: 5 "
     "}, { analysis: { interval: soon, count: 4 } }, "
     "{ analysis: { interval: 10d, count: 527000 } } ], analysis: { interval: 60, templates: [ x ] } } }\n",
     "t:2:72: count: so many measurements as the step waits for are needed\n"
     "t:2:91: analysis: " TEMPLATE "t:2:120: interval: a duration is needed, such as 1m\n"
     "t:2:176: count: so many measurements as the step waits for are needed\n"
     "t:2:200: analysis: " TEMPLATE},
    {"name: a\nthreshold: { interval: 1m }\nstrategy: { canary: { steps: [ { setWeight: 20 } ], analysis: { "
     "interval: 60, startingStep: 1, limit: 3, count: [] } } }\n",
     "t:2:1: threshold: the analysis of the short form makes it; remove one of the two\n"
     "t:3:93: startingStep: there is no such step; they count from 0\n"
     "t:3:96: limit: unknown key in analysis; known here: interval initialDelay count failureLimit "
     "inconclusiveLimit consecutiveErrorLimit startingStep \n"
     "t:3:113: count: one value is needed, such as 5\n"},
    {"name: a\nstrategy: { canary: { steps: [ { setWeight: 20 }, { analysis: { count: 5, failureLimit: 2 } } "
     "], analysis: { failureLimit: 3 } } }\n",
     "t:2:124: failureLimit: one analysis judges the whole rollout, and another one has it; write the same "
     "in both\n"},
    {"name: a\nstrategy: { canary: { steps: [ { setMirrorRoute: { share: 5, match: [ { path: { exact: /a }, "
     "method: { regex: G } } ] } } ] } }\n",
     "t:2:52: share: unknown key in setMirrorRoute; known here: name percentage match \n"
     "t:2:71: method: only exact is taken, for one method of each match\n"
     "t:2:79: path: copies are made of all paths of the route; write prefix: / or leave it out\n"},
    {"name: a\nstrategy: { canary: { steps: [ { setHeaderRoute: { name: h } }, { setHeaderRoute: { match: [ "
     "{ "
     "headerName: a, headerValue: b } ] } }, { setHeaderRoute: { match: [ { headerName: a, headerValue: { "
     "is: b } "
     "} ] } }, { setWeight: 50 } ] } }\n",
     "t:2:50: setHeaderRoute: one match is needed: it stays until another one or the rollout's end\n"
     "t:2:94: match: needs a headerName, and a headerValue with exact, prefix or regex\n"
     "t:2:196: is: unknown key in headerValue; known here: exact prefix regex \n"},
    {"name: a\nstrategy: { canary: { steps: [ { setWeight: 50 }, { setWeight: 20 } ] } }\n",
     "t:2:64: setWeight: 20 is not above the step before (50): weights have to rise\n"},
    {"name: a\nstrategy: { canary: { steps: [ { setWeight: 50 }, { pause: { duration: soon } } ] } }\n",
     "t:2:72: minDwell: soon is not a duration, such as 250ms, 10s, 5m, 2h, 7d or 1h30m\n"},
    {"name: a\nstrategy: { blueGreen: {} }\n",
     "t:2:11: strategy: needs canary with a list of steps, as Argo Rollouts writes it\n"
     "t:2:13: blueGreen: unknown key in strategy; known here: canary \n"},
    {"name: a\nanalysis: { stepWeight: x }\n", "t:2:25: stepWeight: a percentage is needed, 0.01 to 100\n"},
    {"name: a\nanalysis: { stepWeight: 10, interval: soon }\n",
     "t:2:39: interval: a duration is needed, such as 1m\n"},
    {"name: a\ndeploymentConfigName: [x]\nTimeBasedLinear: 5\n",
     "t:2:23: steps: only one of deploymentConfigName, TimeBasedCanary and TimeBasedLinear can make them\n"},
};

START_TEST(what_is_wrong_is_said_at_its_place_in_the_short_form)
{
    struct plan *plan = mem_zalloc(sizeof *plan);
    struct conf_report report;
    char *problems;
    bool ok;

    conf_report_init(&report);
    ok = plan_load_bytes("t", str_from(cases[_i].input), false, NULL, plan, &report);
    problems = problems_text(&report);
    problems_drop(problems, standing, ARRAY_LEN(standing));
    ck_assert_str_eq(problems, cases[_i].problems);
    ck_assert(!ok);
    free(problems);
    free(plan);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("shortform");
    TCase *tcase = tcase_create("shortform");

    tcase_add_loop_test(tcase, a_short_form_becomes_plain_steps_that_load, 0, ARRAY_LEN(forms));
    tcase_add_loop_test(tcase, what_is_wrong_is_said_at_its_place_in_the_short_form, 0, ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, a_sample_of_the_manual_loads, 0, (int)shortform_samples_len);
    suite_add_tcase(suite, tcase);
    return suite;
}
