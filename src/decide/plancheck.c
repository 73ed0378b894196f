/* The meaning of a plan (plan_check of decide/plan.h): one function per part, each problem with its path. */
#include "base/clk.h"
#include "base/unit.h"
#include "decide/guard.h"
#include "decide/peer.h"
#include "decide/plan.h"
#include "decide/query.h"

#include <math.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_MAX_LEN = 96, PROBLEM_MAX = 256 };

struct check {
    const struct plan *plan;
    plan_report *report;
    void *arg;
    char base[PATH_MAX_LEN]; /* of the item in hand: "steps[2]" */
    bool failed;
};

static void say(struct check *check, bool warning, const char *key, const char *text)
{
    char path[PATH_MAX_LEN * 2];

    snprintf(path, sizeof(path), "%s%s%s", check->base, check->base[0] && key[0] ? "." : "", key);
    check->failed |= !warning;
    check->report(check->arg, path, text, warning);
}

static void problem(struct check *check, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void problem(struct check *check, const char *key, const char *fmt, ...)
{
    char text[PROBLEM_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    say(check, false, key, text);
}

static void warning(struct check *check, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void warning(struct check *check, const char *key, const char *fmt, ...)
{
    char text[PROBLEM_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    say(check, true, key, text);
}

static void at(struct check *check, const char *list, size_t index)
{
    snprintf(check->base, sizeof(check->base), "%s[%zu]", list, index);
}

/* Both bounds are allowed. NAN is outside. */
static void range(struct check *check, const char *key, double value, double min, double max)
{
    if (!(value >= min && value <= max))
        problem(check, key, "%g is outside %g to %g", value, min, max);
}

static void not_negative(struct check *check, const char *key, int64_t ns)
{
    if (ns < 0)
        problem(check, key, "a duration cannot be negative");
}

static void known_zone(struct check *check, const char *name)
{
    if (!plan_zone(check->plan, name))
        problem(check, "timeZone",
                "unknown time zone \"%s\": write an IANA name such as Europe/Berlin or UTC", name);
}

/* The `i`-th of `n` names, `size` bytes apart, is there and no earlier one is the same. */
static void unique_name(struct check *check, const char *first, size_t size, size_t i)
{
    const char *name = first + i * size;

    if (name[0] == '\0') {
        problem(check, "name", "a name is needed");
        return;
    }
    for (size_t j = 0; j < i; j++) {
        if (strcmp(first + j * size, name) == 0) {
            problem(check, "name", "\"%s\" is there twice: names have to differ", name);
            return;
        }
    }
}

/* ---- analysis ---- */

static void check_statuses(struct check *check, const struct plan_metric *metric)
{
    for (size_t i = 0; i < metric->statuses_len; i++) {
        struct plan_range range = metric->statuses[i];

        if (range.from < 100 || range.to > 599 || range.from > range.to)
            problem(check, "statuses", "%u-%u is no range of statuses within 100 to 599", range.from,
                    range.to);
    }
}

static void check_query(struct check *check, const char *query)
{
    struct str rest = str_from(query);
    struct query_part part;

    while (query_next(&rest, &part))
        if (part.variable == QUERY_UNKNOWN)
            problem(check, "query", "{{%.*s}} is no variable: there are " QUERY_VARIABLE_LIST "and no others",
                    STR_ARG(part.name));
}

static void check_external(struct check *check, const struct plan_metric *metric)
{
    if (metric->limits.source[0] == '\0')
        problem(check, "source", "an external metric needs a source: the name of one of metricSources");
    if (metric->limits.query[0] == '\0')
        problem(check, "query", "an external metric needs a query");
    if (isnan(metric->limits.min) && isnan(metric->limits.max))
        problem(check, "max", "an external metric needs a limit: min, max or both");
    if (metric->limits.min > metric->limits.max)
        problem(check, "min", "min is above max: no value could pass");
    if (metric->limits.interval_ns < NS_PER_S)
        problem(check, "interval", "the interval has to be at least 1s");
    if (!plan_match_is_everything(&metric->match))
        problem(check, "match", "it is about requests, and the query does not see them: remove it");
    check_query(check, metric->limits.query);
}

/* What only external metrics have a use for, and a share that is none. */
static void check_not_external(struct check *check, const struct plan_metric *metric)
{
    static const char text[] = "it means nothing to metrics of another type than external; remove it";
    const struct plan_threshold *threshold = &check->plan->threshold;

    if (metric->limits.source[0])
        warning(check, "source", text);
    if (metric->limits.query[0])
        warning(check, "query", text);
    if (!isnan(metric->limits.min) && (check->plan->judge == JUDGE_PENSTOCK || plan_metric_is_guard(metric)))
        warning(check, "min",
                "it means nothing to metrics of another type than external under the judge penstock; "
                "remove it");
    else if (!isnan(metric->limits.min))
        range(check, "min", metric->limits.min, 0, 1);
    if (!isnan(metric->limits.max))
        range(check, "max", metric->limits.max, 0, 1);
    if (metric->limits.min > metric->limits.max && !(threshold->min > threshold->max))
        problem(check, "min", "min is above max: no value could pass");
}

static void check_judged(struct check *check, const struct plan_metric *metric)
{
    range(check, "share", metric->share, 0, 1);
    range(check, "floor", metric->floor, 0, 0.9);
    range(check, "maxExcess", metric->max_excess, 0, 1);
    range(check, "maxExcessPerHour", metric->max_excess_per_hour, 0, 1e9);
    if (metric->type != METRIC_LATENCY_SLO) {
        check_statuses(check, metric);
        return;
    }
    range(check, "objective", metric->objective, 0.5, 0.99999);
    if (metric->threshold_ns <= 0)
        problem(check, "threshold", "a threshold is needed, because the route has no SLO of its own");
    if (metric->floor > 1 - metric->objective)
        warning(check, "floor",
                "the floor %g is above what the objective leaves (%g): the SLO could be missed "
                "unseen",
                metric->floor, 1 - metric->objective);
}

/* Stable's own share of answers beyond the quantile, times the tolerance, has to leave something to see. */
static void check_guard(struct check *check, const struct plan_metric *metric)
{
    bool shift = metric->type == METRIC_LATENCY_SHIFT;
    double most = 1 / metric->tolerance;

    if (guard_rule(check->plan, metric).ratio_max > 1)
        return;
    problem(check, "quantiles",
            "%g can never hold with the tolerance %g: write a quantile %s %.3g, or a lower tolerance",
            metric->quantiles[0], metric->tolerance, shift ? "above" : "below", shift ? 1 - most : most);
}

static void check_metric(struct check *check, const struct plan_metric *metric)
{
    if (metric->type == METRIC_EXTERNAL) {
        check_external(check, metric);
        return;
    }
    check_not_external(check, metric);
    range(check, "tolerance", metric->tolerance, 1, 100);
    if (metric->match.header_value[0] && !metric->match.header[0])
        problem(check, "match.exact", "a header is needed that has this value");
    for (size_t i = 0; i < metric->quantiles_len; i++)
        range(check, "quantiles", metric->quantiles[i], 0.01, 0.999);
    if (plan_metric_is_judged(metric))
        check_judged(check, metric);
    else
        check_guard(check, metric);
}

static void check_shares(struct check *check, const struct plan_analysis *analysis)
{
    double sum = 0;
    bool any = false, latency = false, external = false;

    for (size_t i = 0; i < analysis->metrics_len; i++) {
        latency |= analysis->metrics[i].type == METRIC_LATENCY_SLO;
        external |= plan_metric_goes_back_by_bounds(&analysis->metrics[i]);
        if (!plan_metric_may_roll_back(&analysis->metrics[i]))
            continue;
        any = true;
        sum += analysis->metrics[i].share;
    }
    if (!any && external)
        warning(check, "metrics",
                "only external metrics can send the canary back: no request is judged, and nobody knows how "
                "often a healthy canary goes back");
    else if (!any)
        warning(check, "metrics",
                "no metric can send the canary back: all are dry runs, guards, or only hold");
    else if (fabs(sum - 1) > 1e-6)
        problem(check, "metrics",
                "the shares of the metrics that may roll back sum to %g: they have to sum to 1", sum);
    if (!latency)
        warning(check, "metrics", "no latencySlo metric: a canary that hangs is seen only at the time-out");
}

static void check_analysis(struct check *check, const struct plan_analysis *analysis)
{
    snprintf(check->base, sizeof(check->base), "analysis");
    range(check, "falseRollback", analysis->false_rollback, 0.0001, 0.2);
    range(check, "falsePromote", analysis->false_promote, 0.001, 0.2);
    not_negative(check, "initialDelay", analysis->initial_delay_ns);
    not_negative(check, "shapeHoldMax", analysis->shape_hold_max_ns);
    range(check, "evaluationAge", (double)analysis->evaluation_age_ns / NS_PER_S, 0.01, 60);
    range(check, "bin", (double)analysis->bin_ns / NS_PER_S, 1, 600);
    if (!(analysis->bin_cap[0] > 0 && analysis->bin_cap[1] >= analysis->bin_cap[0]))
        problem(check, "binCap", "two rising numbers above 0 are needed");
    if (analysis->starting_step >= check->plan->steps_len && check->plan->steps_len)
        problem(check, "startingStep", "the plan has only %zu steps", check->plan->steps_len);
    if ((analysis->unit == UNIT_HEADER || analysis->unit == UNIT_COOKIE) && analysis->unit_name[0] == '\0')
        problem(check, "unit", "the name is missing: write header:NAME or cookie:NAME");
    check_shares(check, analysis);
    for (size_t i = 0; i < analysis->metrics_len; i++) {
        at(check, "analysis.metrics", i);
        unique_name(check, analysis->metrics[0].name, sizeof(analysis->metrics[0]), i);
        check_metric(check, &analysis->metrics[i]);
    }
}

/* ---- steps ---- */

static void check_step_links(struct check *check, const struct plan_step *step)
{
    const struct plan_webhook *webhook = plan_webhook(check->plan, step->gate);

    if (step->window[0] && !plan_window(check->plan, step->window))
        problem(check, "window", "no window is named \"%s\"", step->window);
    if (step->gate[0] && !webhook)
        problem(check, "gate", "no webhook is named \"%s\"", step->gate);
    else if (step->gate[0] && webhook->type != WEBHOOK_CONFIRM)
        problem(check, "gate", "the webhook \"%s\" has to be of the type confirm", step->gate);
}

static void check_weight_step(struct check *check, const struct plan_step *step)
{
    if (step->weight > PLAN_WEIGHT_ALL)
        problem(check, "setWeight", "a weight is 0 to 100");
    if (step->max_dwell_ns && step->max_dwell_ns < step->min_dwell_ns)
        problem(check, "maxDwell", "it is shorter than minDwell");
    if (step->weight == PLAN_WEIGHT_ALL && step->max_dwell_ns)
        problem(check, "maxDwell", "there is no step behind 100: write bake");
}

/* A back reference may take exponential time, on a text that anybody can send. */
static bool refers_back(const char *pattern)
{
    for (const char *p = strchr(pattern, '\\'); p; p = strchr(p + 2, '\\'))
        if ((p[1] >= '1' && p[1] <= '9') || p[1] == '\0')
            return p[1] != '\0';
    return false;
}

static void check_header_route(struct check *check, const struct plan_header_route *route)
{
    regex_t regex;

    if (route->header[0] == '\0')
        problem(check, "setHeaderRoute", "the name of the header is missing");
    if (route->networks_len == 0)
        warning(check, "setHeaderRoute",
                "everybody who sends %s chooses the group: write the networks of those who may",
                route->header);
    if (route->match != HEADER_REGEX)
        return;
    if (refers_back(route->value)) {
        problem(check, "setHeaderRoute",
                "\"%s\" has a back reference, which may take very long: write it without", route->value);
        return;
    }
    if (regcomp(&regex, route->value, REG_EXTENDED | REG_NOSUB) != 0) {
        problem(check, "setHeaderRoute", "\"%s\" is no POSIX extended regular expression", route->value);
        return;
    }
    regfree(&regex);
}

static void check_step(struct check *check, const struct plan_step *step)
{
    char duration[UNIT_TEXT_LEN];

    not_negative(check, "minDwell", step->min_dwell_ns);
    not_negative(check, "maxDwell", step->max_dwell_ns);
    not_negative(check, "bake", step->bake_ns);
    check_step_links(check, step);
    if (step->pause == PAUSE_TIME && step->pause_ns <= 0)
        problem(check, "pause", "the duration %s has to be above 0; pause: {} waits for an approval",
                unit_duration_text(step->pause_ns, duration));
    switch (step->kind) {
    case STEP_WEIGHT:
        check_weight_step(check, step);
        break;
    case STEP_PAUSE:
        if (step->pause == PAUSE_NONE)
            problem(check, "pause", "it waits for nothing");
        break;
    case STEP_HEADER_ROUTE:
    case STEP_MIRROR:
        break;
    }
    if (step->steers)
        check_header_route(check, &step->header_route);
    if (step->mirrors && step->mirror.weight > PLAN_WEIGHT_ALL)
        problem(check, "setMirror", "a percentage up to 100 is needed");
    if (step->kind != STEP_WEIGHT && (step->bake_ns || step->max_dwell_ns))
        problem(check, step->bake_ns ? "bake" : "maxDwell", "only a step with setWeight can have it");
}

/* Weights rise, and nothing stands behind 100. */
static void check_ramp_order(struct check *check, const struct plan *plan)
{
    int64_t last = -1;
    char a[PLAN_PERCENT_LEN], b[PLAN_PERCENT_LEN];

    for (size_t i = 0; i < plan->steps_len; i++) {
        const struct plan_step *step = &plan->steps[i];

        at(check, "steps", i);
        if (last == PLAN_WEIGHT_ALL) {
            problem(check, "", "100 has to be the last step");
            return;
        }
        if (step->kind != STEP_WEIGHT)
            continue;
        if (last >= 0 && (int64_t)step->weight <= last)
            problem(check, "setWeight", "%s is not above the step before (%s): weights have to rise",
                    plan_percent(step->weight, a), plan_percent((uint32_t)last, b));
        last = step->weight;
    }
    check->base[0] = '\0';
    if (last < 0)
        problem(check, "steps", "a plan needs at least one step with setWeight");
    else if (last < PLAN_WEIGHT_ALL)
        warning(check, "steps", "the plan ends at %s: the rollout then waits for `promote --full` or `abort`",
                plan_percent((uint32_t)last, a));
}

static void check_steps(struct check *check, const struct plan *plan)
{
    for (size_t i = 0; i < plan->steps_len; i++) {
        at(check, "steps", i);
        check_step(check, &plan->steps[i]);
    }
    check_ramp_order(check, plan);
}

/* ---- the rest ---- */

static void check_calendar(struct check *check, const struct plan *plan)
{
    for (size_t i = 0; i < plan->windows_len; i++) {
        const struct plan_window *window = &plan->windows[i];

        at(check, "windows", i);
        unique_name(check, plan->windows[0].name, sizeof(plan->windows[0]), i);
        known_zone(check, window->zone);
        if (window->window.days == 0)
            problem(check, "days", "no day is given: write mon-fri, sat or mon,wed");
        if (window->window.from_min >= WINDOW_DAY_MIN)
            problem(check, "from", "a time of day from 00:00 to 23:59 is needed");
        if (window->window.to_min > WINDOW_DAY_MIN)
            problem(check, "to", "a time of day from 00:00 to 24:00 is needed");
    }
    for (size_t i = 0; i < plan->freezes_len; i++) {
        at(check, "freezes", i);
        known_zone(check, plan->freezes[i].zone);
        if (plan->freezes[i].freeze.from_s >= plan->freezes[i].freeze.to_s)
            problem(check, "to", "the end is not after the beginning");
    }
}

static void check_webhooks(struct check *check, const struct plan *plan)
{
    for (size_t i = 0; i < plan->webhooks_len; i++) {
        const struct plan_webhook *webhook = &plan->webhooks[i];

        at(check, "webhooks", i);
        unique_name(check, plan->webhooks[0].name, sizeof(plan->webhooks[0]), i);
        if (!str_is_http_url(str_from(webhook->url)))
            problem(check, "url", "an http:// or https:// address is needed");
        if (webhook->timeout_ns <= 0)
            problem(check, "timeout", "the time-out has to be above 0");
    }
}

/* The exact form is about counts at one weight. */
static void check_forward(struct check *check, const struct plan *plan)
{
    snprintf(check->base, sizeof(check->base), "analysis");
    if (plan->analysis.forward == FORWARD_E_VALUE &&
        (plan->ramp.max_step_per_second || plan->ramp.slow_start_ns))
        problem(
            check, "forward",
            "eValue counts at one weight: remove ramp.maxStepPerSecond and ramp.slowStart, or write gate");
}

static void check_ramp(struct check *check, const struct plan_ramp *ramp)
{
    snprintf(check->base, sizeof(check->base), "ramp");
    not_negative(check, "grace", ramp->grace_ns);
    not_negative(check, "slowStart", ramp->slow_start_ns);
    range(check, "minCanaryRate", ramp->min_canary_rate, 0, 1e6);
    if (ramp->capacity <= 0 && ramp->capacity != PLAN_UNSET)
        problem(check, "capacity", "requests a second a target above 0, or `measured`");
    if (ramp->max_step_per_second > PLAN_WEIGHT_ALL)
        problem(check, "maxStepPerSecond", "at most 100");
    if (!ramp->retreat)
        return;
    range(check, "retreat.raiseFactor", ramp->retreat_raise_factor, 1.01, 10);
    not_negative(check, "retreat.probation", ramp->retreat_probation_ns);
    not_negative(check, "retreat.grace", ramp->retreat_grace_ns);
}

static void check_way_back(struct check *check, const struct plan *plan)
{
    snprintf(check->base, sizeof(check->base), "rollback");
    not_negative(check, "rampTime", plan->rollback.ramp_ns);
    not_negative(check, "rollbackWindow", plan->rollback.window_ns);
    not_negative(check, "retry.backoff", plan->rollback.retry_backoff_ns);
    snprintf(check->base, sizeof(check->base), "watch");
    if (plan->watch.on) {
        range(check, "probeWeight", plan->watch.probe_weight / 100.0, 1, 99);
        range(check, "threshold", plan->watch.threshold, 1, 100);
    }
    snprintf(check->base, sizeof(check->base), "sessionAffinity");
    if ((plan->affinity.kind == AFFINITY_COOKIE || plan->affinity.kind == AFFINITY_HEADER) &&
        plan->affinity.name[0] == '\0')
        problem(check, word_name(&affinity_kind_words, plan->affinity.kind), "the name is missing");
    if (plan->affinity.kind != AFFINITY_NONE && plan->affinity.max_age_ns <= 0)
        problem(check, "maxAge", "the time has to be above 0");
}

static void check_alarm(struct check *check, const struct plan_threshold *threshold)
{
    range(check, "period", (double)threshold->period_ns / NS_PER_S, 10, 86400);
    range(check, "evaluationPeriods", threshold->evaluation_periods, 1, PEER_PERIODS_MAX);
    if (threshold->datapoints_to_alarm < 1 || threshold->datapoints_to_alarm > threshold->evaluation_periods)
        problem(check, "datapointsToAlarm", "1 to evaluationPeriods (%u)", threshold->evaluation_periods);
}

/* Another judge than penstock: it may be tried, and its price is said. */
static void check_judge(struct check *check, const struct plan *plan)
{
    check->base[0] = '\0';
    if (plan->judge == JUDGE_PENSTOCK)
        return;
    warning(
        check, "judge",
        "`%s` is there to compare with: nobody knows how often it sends a healthy canary back; `penstock` "
        "keeps falseRollback",
        word_name(&judge_kind_words, plan->judge));
    snprintf(check->base, sizeof(check->base), "%s", word_name(&judge_kind_words, plan->judge));
    if (plan->judge == JUDGE_FLAGGER) {
        range(check, "interval", (double)plan->flagger.interval_ns / NS_PER_S, 10, 86400);
        return;
    }
    if (plan->threshold.min > plan->threshold.max)
        problem(check, "min", "min is above max: no value could pass");
    if (plan->threshold.mode == THRESHOLD_ALARM) {
        check_alarm(check, &plan->threshold);
        return;
    }
    range(check, "interval", (double)plan->threshold.interval_ns / NS_PER_S, 1, 86400);
    not_negative(check, "initialDelay", plan->threshold.initial_delay_ns);
}

bool plan_check(const struct plan *plan, plan_report *report, void *arg)
{
    struct check check = {.plan = plan, .report = report, .arg = arg};

    if (plan->name[0] == '\0')
        problem(&check, "name", "a plan needs a name");
    check_judge(&check, plan);
    if (plan->on_inconclusive == ON_INCONCLUSIVE_FORWARD)
        warning(&check, "onInconclusive", "`forward` goes on without evidence when maxDwell is over");
    check_analysis(&check, &plan->analysis);
    check_steps(&check, plan);
    check_calendar(&check, plan);
    check_webhooks(&check, plan);
    check_forward(&check, plan);
    check_ramp(&check, &plan->ramp);
    check_way_back(&check, plan);
    return !check.failed;
}
