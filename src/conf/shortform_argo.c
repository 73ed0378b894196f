#include "conf/shortform_argo.h"

#include "base/mem.h"
#include "base/unit.h"
#include "decide/plan.h"

#include <stdlib.h>
#include <string.h>

/* A duration of Argo: a bare number is seconds. */
static char *argo_duration(const struct tree *node)
{
    const char *text = node->kind == TREE_TEXT ? node->text : "";

    return mem_printf("%s%s", text, *text && strspn(text, "0123456789") == strlen(text) ? "s" : "");
}

/* The weight before it stays for so long, or longer than it does. */
static void add_wait(struct maker *maker, const char *duration, const struct tree *at)
{
    struct tree *last = maker->steps->len ? &maker->steps->values[maker->steps->len - 1] : NULL;

    if (last && tree_find(last, "setWeight") && !tree_find(last, "minDwell"))
        tree_put_text(last, "minDwell", duration, at);
    else
        tree_put_text(tree_put(tree_push(maker->steps, TREE_MAP, at), "pause", TREE_MAP, at), "duration",
                      duration, at);
}

static void expand_argo_pause(struct maker *maker, const struct tree *pause)
{
    const struct tree *duration = tree_find(pause, "duration");
    char *text;

    maker_check_keys(maker, pause, "pause", " duration ");
    if (!duration) {
        tree_put(tree_push(maker->steps, TREE_MAP, pause), "pause", TREE_MAP, pause);
        return;
    }
    text = argo_duration(duration);
    add_wait(maker, text, duration);
    free(text);
}

/* ---- its analysis ---- */

/* What an analysis says of its measurements, in the words of the plan's `threshold`; first the durations. */
enum { SCHEDULE_TIMES = 2 };
#define SCHEDULE " interval initialDelay count failureLimit inconclusiveLimit consecutiveErrorLimit "
static const char *const schedule[] = {"interval",     "initialDelay",      "count",
                                       "failureLimit", "inconclusiveLimit", "consecutiveErrorLimit"};

static bool is_same(const char *a, const char *b)
{
    int64_t ns_a, ns_b;

    return strcmp(a, b) == 0 || (unit_duration_parse(str_from(a), &ns_a) &&
                                 unit_duration_parse(str_from(b), &ns_b) && ns_a == ns_b);
}

static void put_limit(struct maker *maker, struct tree *threshold, const char *key, const char *text,
                      const struct tree *at)
{
    const struct tree *there = tree_find(threshold, key);

    if (at->kind != TREE_TEXT)
        maker_refuse(maker, at, key, "one value is needed, such as 5");
    else if (!there)
        tree_put_text(threshold, key, text, at);
    else if (!is_same(there->text, text))
        maker_refuse(maker, at, key,
                     "one analysis judges the whole rollout, and another one has it; write the same in both");
}

/* Not for a step's own count, and not for what means another thing in the plan's own analysis. */
static void put_schedule(struct maker *maker, const struct tree *analysis, const char *but)
{
    struct tree *threshold = tree_find(&maker->made, "threshold");

    if (!threshold)
        threshold = tree_put(&maker->made, "threshold", TREE_MAP, analysis);
    maker->steps = tree_find(&maker->made, "steps"); /* it may have moved */
    for (size_t i = 0; i < ARRAY_LEN(schedule); i++) {
        const struct tree *value = tree_find(analysis, schedule[i]);
        char *text;

        if (!value || strcmp(schedule[i], but) == 0)
            continue;
        text = i < SCHEDULE_TIMES ? argo_duration(value) : mem_strdup(value->text ? value->text : "");
        put_limit(maker, threshold, schedule[i], text, value);
        free(text);
    }
}

static bool check_analysis(struct maker *maker, const struct tree *analysis, const char *known)
{
    if (analysis->kind != TREE_MAP || tree_find(analysis, "templates")) {
        maker_refuse(
            maker, analysis, "analysis",
            "a map is needed, such as { interval: 1m, failureLimit: 3 }; a template cannot be read from "
            "here: "
            "write interval, count and limits in its place, and its metrics in analysis.metrics of the plan");
        return false;
    }
    maker_check_keys(maker, analysis, "analysis", known);
    return true;
}

/* A step of its own, which takes as long as its measurements. Nothing is judged before it. */
static void expand_argo_analysis(struct maker *maker, const struct tree *analysis)
{
    const struct tree *interval = tree_find(analysis, "interval"), *count = tree_find(analysis, "count");
    uint64_t times = maker_number(maker, count, "count", 0);
    char *every = interval ? argo_duration(interval) : mem_strdup("1m");
    char text[UNIT_TEXT_LEN];
    int64_t interval_ns;

    if (!check_analysis(maker, analysis, SCHEDULE)) {
        free(every);
        return;
    }
    if (!unit_duration_parse(str_from(every), &interval_ns) || interval_ns < 1)
        maker_refuse(maker, interval, "interval", "a duration is needed, such as 1m");
    else if (times == 0 || times > (uint64_t)(INT64_MAX / interval_ns))
        maker_refuse(maker, count ? count : analysis, "count",
                     "so many measurements as the step waits for are needed");
    else {
        if (!maker->judged)
            maker->judged = maker->steps->len;
        put_schedule(maker, analysis, "count");
        add_wait(maker, unit_duration_text((int64_t)times * interval_ns, text), analysis);
    }
    free(every);
}

static void add_method(struct tree *mirror, const struct tree *method)
{
    struct tree *list = tree_find(mirror, "methods"), *item;

    if (!list)
        list = tree_put(mirror, "methods", TREE_LIST, method);
    item = tree_push(list, TREE_TEXT, method);
    item->text = mem_strdup(method->text);
}

/* One of the matches of a mirror: its method goes to the step, and a path can only be any. */
static void expand_argo_match(struct maker *maker, const struct tree *match, struct tree *mirror)
{
    const struct tree *method = tree_find(tree_find(match, "method"), "exact"),
                      *path = tree_find(match, "path");
    const struct tree *prefix = tree_find(path, "prefix");

    maker_check_keys(maker, match, "match", " method path ");
    if (tree_find(match, "method") && (!method || method->kind != TREE_TEXT))
        maker_refuse(maker, match, "method", "only exact is taken, for one method of each match");
    else if (method)
        add_method(mirror, method);
    if (path && !(prefix && prefix->kind == TREE_TEXT && strcmp(prefix->text, "/") == 0))
        maker_refuse(maker, path, "path",
                     "copies are made of all paths of the route; write prefix: / or leave it out");
}

/* Without a match the mirror is taken away, as Argo does it. */
static void expand_argo_mirror(struct maker *maker, const struct tree *from)
{
    const struct tree *matches = tree_find(from, "match"), *share = tree_find(from, "percentage");
    struct tree *mirror = tree_put(tree_push(maker->steps, TREE_MAP, from), "setMirror", TREE_MAP, from);
    char text[PLAN_PERCENT_LEN];

    maker_check_keys(maker, from, "setMirrorRoute", " name percentage match ");
    if (!matches) {
        tree_put_text(mirror, "percentage", "0", from);
        return;
    }
    tree_put_text(mirror, "percentage",
                  plan_percent(share ? maker_percent(maker, share, "percentage") : PLAN_WEIGHT_ALL, text),
                  share ? share : from);
    if (matches->kind != TREE_LIST)
        maker_refuse(maker, matches, "match", "must be a list");
    for (size_t i = 0; matches->kind == TREE_LIST && i < matches->len; i++)
        expand_argo_match(maker, &matches->values[i], mirror);
}

/* One header chooses the canary; that it ends before the rollout does has no counterpart. */
static void expand_argo_header(struct maker *maker, const struct tree *from)
{
    const struct tree *matches = tree_find(from, "match"), *match, *name, *value;
    struct tree *route;

    maker_check_keys(maker, from, "setHeaderRoute", " name match ");
    if (!matches || matches->kind != TREE_LIST || matches->len != 1) {
        maker_refuse(maker, from, "setHeaderRoute",
                     "one match is needed: it stays until another one or the rollout's end");
        return;
    }
    match = &matches->values[0];
    name = tree_find(match, "headerName");
    value = tree_find(match, "headerValue");
    maker_check_keys(maker, match, "match", " headerName headerValue ");
    if (!name || name->kind != TREE_TEXT || !value || value->kind != TREE_MAP || value->len != 1 ||
        value->values[0].kind != TREE_TEXT) {
        maker_refuse(maker, match, "match",
                     "needs a headerName, and a headerValue with exact, prefix or regex");
        return;
    }
    maker_check_keys(maker, value, "headerValue", " exact prefix regex ");
    if (!tree_find(value, "exact") && !tree_find(value, "prefix") && !tree_find(value, "regex"))
        return;
    route = tree_put(tree_push(maker->steps, TREE_MAP, from), "setHeaderRoute", TREE_MAP, from);
    tree_put_text(route, "header", name->text, name);
    tree_put_text(route, value->keys[0].text, value->values[0].text, &value->values[0]);
    tree_put_text(route, "to", "canary", from);
}

/* The weight of the step, or 0. */
static uint32_t expand_argo_step(struct maker *maker, const struct tree *step)
{
    const struct tree *weight = tree_find(step, "setWeight"), *pause = tree_find(step, "pause");
    const struct tree *mirror = tree_find(step, "setMirrorRoute"),
                      *header = tree_find(step, "setHeaderRoute"), *analysis = tree_find(step, "analysis");
    uint32_t share = 0;

    if (step->kind != TREE_MAP || step->len != 1)
        schema_problem(maker->reader, CONF_ERROR, step, "steps: a step of Argo has one key");
    else if (pause)
        expand_argo_pause(maker, pause);
    else if (analysis)
        expand_argo_analysis(maker, analysis);
    else if (mirror)
        expand_argo_mirror(maker, mirror);
    else if (header)
        expand_argo_header(maker, header);
    else if (weight && strcmp(weight->text ? weight->text : "", "0") == 0)
        maker_add_weight(maker, 0, weight);
    else if (weight && (share = maker_percent(maker, weight, "setWeight")) != 0)
        maker_add_weight(maker, share, weight);
    else if (!weight)
        maker_refuse(
            maker, &step->keys[0], step->keys[0].text,
            "has no counterpart here; setWeight, pause, analysis, setMirrorRoute and setHeaderRoute are "
            "taken, and metrics with their limits go to analysis.metrics");
    return share;
}

/* The analysis beside the steps, and what the plan's own says of it. */
static void put_analyses(struct maker *maker, struct tree *root, const struct tree *background)
{
    const struct tree *judge = tree_find(root, "judge"), *at;
    struct tree *own = tree_find(root, "analysis");
    bool penstock = judge && judge->text && strcmp(judge->text, "threshold") != 0;

    if (background && check_analysis(maker, background, SCHEDULE "startingStep "))
        put_schedule(maker, background, "");
    for (size_t i = 0; own && own->kind == TREE_MAP && i < ARRAY_LEN(schedule); i++)
        if (strcmp(schedule[i], "initialDelay") != 0 && tree_find(own, schedule[i])) {
            put_schedule(maker, own, "initialDelay");
            break;
        }
    for (size_t i = 0; own && i < ARRAY_LEN(schedule); i++)
        if (strcmp(schedule[i], "initialDelay") != 0)
            tree_drop(own, schedule[i]);
    at = tree_find(&maker->made, "threshold");
    if (!at)
        return;
    if (penstock)
        tree_drop(&maker->made, "threshold");
    else if (tree_find(root, "threshold"))
        maker_refuse(maker, tree_find_key(root, "threshold"), "threshold",
                     "the analysis of the short form makes it; remove one of the two");
    else if (!judge)
        tree_put_text(&maker->made, "judge", "threshold", at);
}

/* Nothing is judged before that step, unless the plan's own analysis says it. */
static void put_starting_step(struct maker *maker, struct tree *root, const struct tree *at)
{
    struct tree *own = tree_find(root, "analysis");
    char *text;

    if (maker->judged < 2 || (own && tree_find(own, "startingStep")))
        return;
    text = mem_printf("%zu", maker->judged - 1);
    if (!own)
        own = tree_put(root, "analysis", TREE_MAP, at);
    if (own->kind == TREE_MAP)
        tree_put_text(own, "startingStep", text, at);
    free(text);
}

static void expand_argo_steps(struct maker *maker, const struct tree *steps, const struct tree *background)
{
    const struct tree *first = tree_find(background, "startingStep");
    uint64_t start = maker_number(maker, first, "startingStep", 0);
    uint32_t last = 0;

    if (first && start >= steps->len)
        maker_refuse(maker, first, "startingStep", "there is no such step; they count from 0");
    for (size_t i = 0; i < steps->len; i++) {
        size_t before = maker->steps->len;
        uint32_t weight = expand_argo_step(maker, &steps->values[i]);

        last = weight ? weight : last;
        if (background && i == start &&
            !maker->judged) /* a pause may have become part of the weight before it */
            maker->judged = maker->steps->len > before ? before + 1 : before;
    }
    if (last < PLAN_WEIGHT_ALL) /* Argo promotes after its last step */
        maker_add_weight(maker, PLAN_WEIGHT_ALL, steps);
}

void shortform_argo(struct maker *maker, struct tree *root, const struct tree *strategy)
{
    const struct tree *canary = tree_find(strategy, "canary"), *steps = tree_find(canary, "steps"),
                      *background = tree_find(canary, "analysis");

    maker_begin(maker, steps ? steps : strategy);
    maker_check_keys(maker, strategy, "strategy", " canary ");
    if (canary)
        maker_check_keys(maker, canary, "strategy.canary", " steps analysis ");
    if (!steps || steps->kind != TREE_LIST) {
        maker_refuse(maker, strategy, "strategy",
                     "needs canary with a list of steps, as Argo Rollouts writes it");
        maker_add_weight(maker, PLAN_WEIGHT_ALL, strategy); /* one problem is enough */
        return;
    }
    expand_argo_steps(maker, steps, background);
    put_analyses(maker, root, background);
    put_starting_step(maker, root, background ? background : steps);
}
