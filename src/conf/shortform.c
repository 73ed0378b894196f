#include "conf/shortform.h"

#include "base/mem.h"
#include "base/unit.h"
#include "conf/shortform_argo.h"
#include "conf/shortform_maker.h"
#include "decide/plan.h"

#include <stdlib.h>
#include <string.h>

/* ---- steps ---- */

static void put_minutes(struct tree *step, const char *key, uint64_t minutes, const struct tree *at)
{
    char *text = mem_printf("%llum", (unsigned long long)minutes);

    if (minutes)
        tree_put_text(step, key, text, at);
    free(text);
}

static void add_canary(struct maker *maker, uint32_t weight, uint64_t minutes, const struct tree *at)
{
    if (weight && weight < PLAN_WEIGHT_ALL)
        put_minutes(maker_add_weight(maker, weight, at), "minDwell", minutes, at);
}

static void add_linear(struct maker *maker, uint32_t stride, uint64_t minutes, const struct tree *at)
{
    if (stride && PLAN_WEIGHT_ALL / stride >= PLAN_STEPS_MAX) {
        schema_problem(maker->reader, CONF_ERROR, at, "the steps would be more than %d; make them larger",
                       PLAN_STEPS_MAX);
        return;
    }
    for (uint32_t weight = stride; weight && weight < PLAN_WEIGHT_ALL; weight += stride)
        add_canary(maker, weight, minutes, at);
}

/* The last step: everything, watched for a while. */
static void add_all(struct maker *maker, const struct tree *root, const char *bake_key, const struct tree *at)
{
    const struct tree *bake = tree_find(root, bake_key);

    put_minutes(maker_add_weight(maker, PLAN_WEIGHT_ALL, at), "bake", maker_number(maker, bake, bake_key, 0),
                bake ? bake : at);
}

/* ---- steps: auto ---- */

/* The reference plan's, which conf/plans/reference.yaml has as well. */
static void expand_auto(struct maker *maker, const struct tree *at)
{
    static const uint32_t weights[] = {500, 1200, 2500, 5000};
    struct tree *step;

    maker_begin(maker, at);
    step = maker_add_weight(maker, 100, at);
    tree_put_text(step, "advanceOn", "traffic", at);
    tree_put_text(step, "minDwell", "30s", at);
    tree_put_text(step, "maxDwell", "2m", at);
    for (size_t i = 0; i < ARRAY_LEN(weights); i++)
        put_minutes(maker_add_weight(maker, weights[i], at), "minDwell", 3, at);
    put_minutes(maker_add_weight(maker, PLAN_WEIGHT_ALL, at), "bake", 60, at);
}

/* ---- ECS ---- */

static const struct tree *nested(const struct tree *root, const char *map, const char *key)
{
    const struct tree *found = tree_find(tree_find(root, map), key);

    return found ? found : tree_find(root, key);
}

/* Percent and minutes of a strategy of ECS, in the nested map or flat. */
struct ecs_words {
    const char *map, *known, *percent, *minutes;
    uint32_t percent_default;
    uint64_t minutes_default;
};
static const struct ecs_words ecs_canary = {"canaryConfiguration",
                                            " canaryPercent canaryBakeTimeInMinutes ",
                                            "canaryPercent",
                                            "canaryBakeTimeInMinutes",
                                            500,
                                            10};
static const struct ecs_words ecs_linear = {"linearConfiguration",
                                            " stepPercent stepBakeTimeInMinutes ",
                                            "stepPercent",
                                            "stepBakeTimeInMinutes",
                                            1000,
                                            6};

static void read_ecs(struct maker *maker, const struct tree *root, const struct tree *strategy,
                     const struct ecs_words *words, uint32_t *weight_r, uint64_t *minutes_r)
{
    const struct tree *map = tree_find(root, words->map), *percent = nested(root, words->map, words->percent);

    (void)strategy;
    if (map)
        maker_check_keys(maker, map, words->map, words->known);
    *weight_r = percent ? maker_percent(maker, percent, words->percent) : words->percent_default;
    *minutes_r =
        maker_number(maker, nested(root, words->map, words->minutes), words->minutes, words->minutes_default);
}

static void expand_ecs(struct maker *maker, const struct tree *root, const struct tree *strategy)
{
    const char *name = strategy->text;
    uint32_t weight;
    uint64_t minutes;

    maker_begin(maker, strategy);
    if (strcmp(name, "CANARY") == 0) {
        read_ecs(maker, root, strategy, &ecs_canary, &weight, &minutes);
        add_canary(maker, weight, minutes, strategy);
    } else if (strcmp(name, "LINEAR") == 0) {
        read_ecs(maker, root, strategy, &ecs_linear, &weight, &minutes);
        add_linear(maker, weight, minutes, strategy);
    } else if (strcmp(name, "BLUE_GREEN") != 0) {
        maker_refuse(maker, strategy, "strategy",
                     "is none of CANARY, LINEAR, BLUE_GREEN (ECS) or a map with canary (Argo)");
    }
    add_all(maker, root, "bakeTimeInMinutes", strategy);
}

/* ---- CodeDeploy ---- */

static const struct {
    const char *name;
    bool linear;
    uint32_t weight; /* 0: all at once */
    uint64_t minutes;
} deployments[] = {
    {"ECSCanary10Percent5Minutes", false, 1000, 5},
    {"ECSCanary10Percent15Minutes", false, 1000, 15},
    {"ECSLinear10PercentEvery1Minutes", true, 1000, 1},
    {"ECSLinear10PercentEvery3Minutes", true, 1000, 3},
    {"ECSAllAtOnce", false, 0, 0},
};

static void expand_deployment(struct maker *maker, const struct tree *node)
{
    static const char prefix[] = "CodeDeployDefault.";
    const char *name = node->kind == TREE_TEXT ? node->text : "";

    if (strncmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    for (size_t i = 0; i < ARRAY_LEN(deployments); i++) {
        if (strcmp(deployments[i].name, name) != 0)
            continue;
        if (deployments[i].linear)
            add_linear(maker, deployments[i].weight, deployments[i].minutes, node);
        else
            add_canary(maker, deployments[i].weight, deployments[i].minutes, node);
        return;
    }
    maker_refuse(
        maker, node, "deploymentConfigName",
        "is none of ECSCanary10Percent5Minutes, ECSCanary10Percent15Minutes, "
        "ECSLinear10PercentEvery1Minutes, ECSLinear10PercentEvery3Minutes, ECSAllAtOnce; write one of your "
        "own as TimeBasedCanary or TimeBasedLinear");
}

static void expand_time_based(struct maker *maker, const struct tree *map, bool linear)
{
    const char *percent_key = linear ? "linearPercentage" : "canaryPercentage";
    const char *minutes_key = linear ? "linearInterval" : "canaryInterval";
    const struct tree *percent = tree_find(map, percent_key), *minutes = tree_find(map, minutes_key);
    uint32_t weight;

    maker_check_keys(maker, map, linear ? "TimeBasedLinear" : "TimeBasedCanary",
                     linear ? " linearPercentage linearInterval " : " canaryPercentage canaryInterval ");
    if (!percent || !minutes) {
        maker_refuse(maker, map, percent ? minutes_key : percent_key, "is missing; write it");
        return;
    }
    weight = maker_percent(maker, percent, percent_key);
    if (linear)
        add_linear(maker, weight, maker_number(maker, minutes, minutes_key, 0), percent);
    else
        add_canary(maker, weight, maker_number(maker, minutes, minutes_key, 0), percent);
}

static void expand_codedeploy(struct maker *maker, const struct tree *root)
{
    const struct tree *name = tree_find(root, "deploymentConfigName");
    const struct tree *canary = tree_find(root, "TimeBasedCanary"),
                      *linear = tree_find(root, "TimeBasedLinear");
    const struct tree *at = name ? name : canary ? canary : linear;

    maker_begin(maker, at);
    if (!!name + !!canary + !!linear > 1)
        maker_refuse(maker, at, "steps",
                     "only one of deploymentConfigName, TimeBasedCanary and TimeBasedLinear can make them");
    else if (name)
        expand_deployment(maker, name);
    else
        expand_time_based(maker, at, linear != NULL);
    add_all(maker, root, "terminationWaitTimeInMinutes", at);
}

/* ---- Flagger ---- */

static void add_checked(struct maker *maker, uint32_t weight, const char *interval, const struct tree *at)
{
    if (weight && weight < PLAN_WEIGHT_ALL)
        tree_put_text(maker_add_weight(maker, weight, at), "minDwell", interval, at);
}

static void expand_flagger_list(struct maker *maker, const struct tree *weights, const char *interval)
{
    if (weights->kind != TREE_LIST)
        maker_refuse(maker, weights, "stepWeights", "must be a list, such as [1, 5, 25, 50]");
    for (size_t i = 0; weights->kind == TREE_LIST && i < weights->len; i++)
        add_checked(maker, maker_percent(maker, &weights->values[i], "stepWeights"), interval,
                    &weights->values[i]);
}

static void expand_flagger_stride(struct maker *maker, const struct tree *analysis, const struct tree *stride,
                                  const char *interval)
{
    const struct tree *most = tree_find(analysis, "maxWeight");
    uint32_t each = maker_percent(maker, stride, "stepWeight");
    uint32_t max = most ? maker_percent(maker, most, "maxWeight") : PLAN_WEIGHT_ALL;

    if (each && max / each >= PLAN_STEPS_MAX)
        maker_refuse(maker, stride, "stepWeight", "the steps would be too many; make them larger");
    else
        for (uint32_t weight = each; weight && weight <= max; weight += each)
            add_checked(maker, weight, interval, stride);
}

/* The two metrics that Flagger has of itself, in our words. Others are left to be refused. */
static void expand_flagger_metric(struct tree *metric, bool limits)
{
    const struct tree *name = tree_find(metric, "name"), *range = tree_find(metric, "thresholdRange");
    const struct tree *min = tree_find(range, "min"), *max = tree_find(range, "max"),
                      *bound = min ? min : max;
    bool errors = name && name->text && strcmp(name->text, "request-success-rate") == 0 && min;
    bool latency = name && name->text && strcmp(name->text, "request-duration") == 0 && max;
    char *text = NULL;
    struct tree at;

    if ((!errors && !latency) || bound->kind != TREE_TEXT)
        return;
    at = (struct tree){.line = bound->line, .col = bound->col};
    text =
        errors ? mem_printf("%g", (100 - strtod(bound->text, NULL)) / 100) : mem_printf("%sms", bound->text);
    tree_reset(metric, TREE_MAP);
    tree_put_text(metric, "name", errors ? "request-success-rate" : "request-duration", metric);
    tree_put_text(metric, "type", errors ? "errorRate" : "latencySlo", metric);
    if (latency)
        tree_put_text(metric, "threshold", text, &at);
    else if (limits)
        tree_put_text(metric, "max", text, &at);
    free(text);
}

static void expand_flagger(struct maker *maker, const struct tree *root, struct tree *analysis)
{
    static const char *const taken[] = {"interval", "threshold", "stepWeight", "stepWeights", "maxWeight"};
    const struct tree *stride = tree_find(analysis, "stepWeight"),
                      *weights = tree_find(analysis, "stepWeights");
    const struct tree *interval = tree_find(analysis, "interval"),
                      *threshold = tree_find(analysis, "threshold");
    const struct tree *judge = tree_find(root, "judge"), *at = stride ? stride : weights;
    struct tree *metrics = tree_find(analysis, "metrics");
    const char *every = "1m";
    bool flagger = judge && judge->text && strcmp(judge->text, "flagger") == 0;

    maker_begin(maker, at);
    if (interval && interval->text && unit_duration_parse(str_from(interval->text), &(int64_t){0}))
        every = interval->text;
    else if (interval)
        maker_refuse(maker, interval, "interval", "a duration is needed, such as 1m");
    if (weights)
        expand_flagger_list(maker, weights, every);
    else
        expand_flagger_stride(maker, analysis, stride, every);
    maker_add_weight(maker, PLAN_WEIGHT_ALL, at);
    if (flagger && (interval || threshold)) {
        struct tree *words = tree_put(&maker->made, "flagger", TREE_MAP, at);

        if (interval)
            tree_put_text(words, "interval", every, interval);
        if (threshold && threshold->kind == TREE_TEXT)
            tree_put_text(words, "threshold", threshold->text, threshold);
    }
    for (size_t i = 0; metrics && metrics->kind == TREE_LIST && i < metrics->len; i++)
        expand_flagger_metric(&metrics->values[i], flagger);
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        tree_drop(analysis, taken[i]);
}

/* ---- all of them ---- */

/* What a short form is made of, and leaves the plan. */
static const char *const spent[] = {
    "strategy",        "canaryConfiguration",     "linearConfiguration",   "canaryPercent",
    "stepPercent",     "canaryBakeTimeInMinutes", "stepBakeTimeInMinutes", "bakeTimeInMinutes",
    "TimeBasedCanary", "TimeBasedLinear",         "deploymentConfigName",  "terminationWaitTimeInMinutes",
};

static const char *expand(struct maker *maker, struct tree *root)
{
    const struct tree *strategy = tree_find(root, "strategy");
    struct tree *analysis = tree_find(root, "analysis");

    if (strategy && strategy->kind == TREE_TEXT) {
        expand_ecs(maker, root, strategy);
        return "ecs";
    }
    if (strategy) {
        shortform_argo(maker, root, strategy);
        return "argo";
    }
    if (tree_find(root, "deploymentConfigName") || tree_find(root, "TimeBasedCanary") ||
        tree_find(root, "TimeBasedLinear")) {
        expand_codedeploy(maker, root);
        return "codedeploy";
    }
    if (tree_find(analysis, "stepWeight") || tree_find(analysis, "stepWeights")) {
        expand_flagger(maker, root, analysis);
        return "flagger";
    }
    return NULL;
}

static bool is_auto(const struct tree *steps)
{
    return steps && steps->kind == TREE_TEXT && strcmp(steps->text, "auto") == 0;
}

/* Puts what was made into the plan. */
static void put_made(struct maker *maker, struct tree *root)
{
    for (size_t i = 0; i < maker->made.len; i++) {
        struct tree *value = &maker->made.values[i];

        *tree_put(root, maker->made.keys[i].text, value->kind, value) = *value;
        *value = (struct tree){.kind = TREE_MAP}; /* it has moved */
    }
    tree_reset(&maker->made, TREE_MAP);
}

void shortform_expand(struct schema_reader *reader, struct tree *root)
{
    struct maker maker = {.reader = reader, .made = {.kind = TREE_MAP}};
    const char *form = expand(&maker, root);
    const struct tree *steps = tree_find_key(root, "steps");

    if (!form && is_auto(tree_find(root, "steps"))) {
        expand_auto(&maker, tree_find(root, "steps"));
        tree_drop(root, "steps");
        put_made(&maker, root);
    }
    if (!form)
        return;
    if (steps)
        schema_problem(reader, CONF_ERROR, steps,
                       "steps: the short form (%s) makes them; remove one of the two", form);
    for (size_t i = 0; i < ARRAY_LEN(spent); i++)
        tree_drop(root, spent[i]);
    tree_drop(root, "steps");
    if (!tree_find(root, "name"))
        tree_put_text(root, "name", form, root);
    put_made(&maker, root);
}

const struct shortform_sample shortform_samples[] = {
    {"The steps of the reference plan: 1, 5, 12, 25, 50 and 100", "name: web\nsteps: auto\n"},
    {"ECS, canary: setWeight 5 with minDwell 10m, then 100 with bake 30m",
     "name: web\nstrategy: CANARY\ncanaryConfiguration: { canaryPercent: 5, canaryBakeTimeInMinutes: 10 }\n"
     "bakeTimeInMinutes: 30\n"},
    {"ECS, linear: 10, 20 and so on to 90 with minDwell 6m each, then 100",
     "name: web\nstrategy: LINEAR\nlinearConfiguration: { stepPercent: 10, stepBakeTimeInMinutes: 6 }\n"},
    {"ECS, blue/green: 100 with a bake", "name: web\nstrategy: BLUE_GREEN\nbakeTimeInMinutes: 60\n"},
    {"CodeDeploy, a configuration of its own: setWeight 10 with minDwell 5m, then 100; the wait is the bake",
     "name: web\ndeploymentConfigName: CodeDeployDefault.ECSCanary10Percent5Minutes\n"
     "terminationWaitTimeInMinutes: 60\n"},
    {"CodeDeploy, one of yours; TimeBasedCanary takes canaryPercentage and canaryInterval",
     "name: web\nTimeBasedLinear: { linearPercentage: 20, linearInterval: 10 }\n"},
    {"Argo Rollouts: a pause with a duration is the minDwell of the weight before it, one without waits for "
     "an "
     "approval; 100 comes last, as Argo promotes; setMirrorRoute copies the route's methods unless its match "
     "has some",
     "name: web\nstrategy:\n  canary:\n    steps:\n      - setWeight: 20\n      - pause: { duration: 10m }\n"
     "      - pause: {}\n      - setWeight: 60\n      - pause: { duration: 10m }\n"},
    {"Argo Rollouts with its analysis, which names the judge threshold unless the plan names another: "
     "interval, initialDelay, count, failureLimit, inconclusiveLimit "
     "and consecutiveErrorLimit, beside the steps (there with startingStep), as a step, or in the analysis "
     "of the plan; metrics and their limits stand in analysis.metrics",
     "name: web\nstrategy:\n  canary:\n    analysis: { startingStep: 2, interval: 1m, failureLimit: 3 }\n    "
     "steps:\n      - setWeight: 20\n      - pause: { duration: 10m }\n"
     "      - setWeight: 60\n      - pause: { duration: 10m }\n"},
    {"Flagger: a step each interval up to maxWeight, then 100; stepWeights may list them. With judge: "
     "flagger its "
     "threshold and the limit of the success rate decide too",
     "name: web\nanalysis:\n  interval: 1m\n  threshold: 5\n  stepWeight: 10\n  maxWeight: 50\n  metrics:\n"
     "    - { name: request-success-rate, thresholdRange: { min: 99 } }\n"
     "    - { name: request-duration, thresholdRange: { max: 500 } }\n"},
};
const size_t shortform_samples_len = ARRAY_LEN(shortform_samples);
