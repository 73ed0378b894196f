#include "decide/plan.h"

#include "base/clk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What a metric of a type has when its plan does not say: section 4.1 of the plan's manual. */
struct type_defaults {
    double tolerance;
    double floor; /* PLAN_UNSET: a tenth of 1 - objective */
    double max_excess;
    struct plan_range statuses[4];
    double quantile;
};

static const struct type_defaults type_defaults[] = {
    [METRIC_ERROR_RATE] = {1.25, 0.0001, 0.0009, {{500, 599}}, 0},
    [METRIC_LATENCY_SLO] = {1.5, PLAN_UNSET, 0.005, {{0}}, 0},
    /* A share of client errors is the clients' matter: a rise goes back, but it sets no gate unless asked. */
    [METRIC_CLIENT_ERROR_RATE] = {1.5, 0.001, 1, {{400, 407}, {409, 428}, {430, 498}}, 0},
    [METRIC_LATENCY_SHIFT] = {3, 0, 1, {{0}}, 0.95},
    [METRIC_SUSPICIOUSLY_FAST] = {2.5, 0, 1, {{0}}, 0.1},
    [METRIC_EXTERNAL] = {1, 0, 1, {{0}}, 0},
};

static const double peer_errors_max = 0.01; /* of the other judges: a success rate of 99 % */
static const int32_t error_limit = 4;       /* in a row: that of Argo Rollouts */

#define SECONDS(n) ((n)*NS_PER_S)
#define MINUTES(n) SECONDS((n)*60)

static void analysis_init(struct plan_analysis *analysis)
{
    analysis->false_rollback = 0.01;
    analysis->false_promote = 0.05;
    analysis->unit_window_ns = PLAN_UNSET_NS;
    analysis->evaluation_age_ns = PLAN_UNSET_NS;
    analysis->bin_ns = SECONDS(8);
    analysis->bin_cap[0] = 2;
    analysis->bin_cap[1] = 4;
}

static void ramp_init(struct plan_ramp *ramp)
{
    ramp->grace_ns = MINUTES(2);
    ramp->retreat = true;
    ramp->retreat_max = 5;
    ramp->retreat_probation_ns = MINUTES(4);
    ramp->retreat_raise_factor = 1.25;
    ramp->retreat_grace_ns = SECONDS(200);
    ramp->min_canary_rate = 0.3;
    ramp->capacity = PLAN_UNSET;
}

static void peers_init(struct plan *plan)
{
    plan->threshold.interval_ns = MINUTES(1);
    plan->threshold.min = plan->threshold.max = NAN;
    plan->threshold.warn_min = plan->threshold.warn_max = NAN;
    plan->threshold.consecutive_error_limit = error_limit;
    plan->threshold.period_ns = MINUTES(1);
    plan->threshold.evaluation_periods = 3;
    plan->threshold.datapoints_to_alarm = 2;
    plan->flagger.interval_ns = MINUTES(1);
    plan->flagger.threshold = 1;
}

void plan_init(struct plan *plan)
{
    memset(plan, 0, sizeof(*plan));
    analysis_init(&plan->analysis);
    ramp_init(&plan->ramp);
    peers_init(plan);
    plan->watch.on = true;
    plan->watch.probe_weight = PLAN_WEIGHT_ALL / 5;
    plan->watch.threshold = 7;
    plan->rollback.ramp_ns = SECONDS(20);
    plan->rollback.retry_backoff_ns = MINUTES(30);
    plan->rollback.window_ns = MINUTES(24 * 60);
    plan->affinity.max_age_ns = MINUTES(60);
    zone_utc(&plan->zones[plan->zones_len++]);
}

void plan_metric_init(struct plan_metric *metric, enum metric_type type)
{
    memset(metric, 0, sizeof(*metric));
    metric->type = type;
    metric->share = PLAN_UNSET;
    metric->tolerance = PLAN_UNSET;
    metric->floor = PLAN_UNSET;
    metric->threshold_ns = PLAN_UNSET_NS;
    metric->objective = 0.99;
    metric->max_excess = PLAN_UNSET;
    metric->max_excess_per_hour = 5;
    metric->limits.interval_ns = MINUTES(1);
    metric->limits.min = metric->limits.max = NAN;
    metric->limits.warn_min = metric->limits.warn_max = NAN;
    metric->limits.failure_limit = PLAN_UNSET_LIMIT;
    metric->limits.inconclusive_limit = PLAN_UNSET_LIMIT;
    metric->limits.consecutive_error_limit = PLAN_UNSET_LIMIT;
}

void plan_step_init(struct plan_step *step, enum step_kind kind)
{
    memset(step, 0, sizeof(*step));
    step->kind = kind;
    step->mirrors = kind == STEP_MIRROR;
    step->steers = kind == STEP_HEADER_ROUTE;
    if (kind == STEP_PAUSE)
        step->pause = PAUSE_APPROVAL;
}

void plan_webhook_init(struct plan_webhook *webhook, enum webhook_type type)
{
    memset(webhook, 0, sizeof(*webhook));
    webhook->type = type;
    webhook->timeout_ns = SECONDS(10);
    webhook->interval_ns = SECONDS(10);
    webhook->retries = 2;
}

bool plan_match_is_everything(const struct plan_match *match)
{
    return !match->method[0] && !match->path_prefix[0] && !match->header[0];
}

bool plan_metric_is_guard(const struct plan_metric *metric)
{
    return metric->type == METRIC_LATENCY_SHIFT || metric->type == METRIC_SUSPICIOUSLY_FAST;
}

bool plan_metric_is_judged(const struct plan_metric *metric)
{
    return metric->type != METRIC_EXTERNAL && !plan_metric_is_guard(metric);
}

bool plan_metric_goes_back_by_bounds(const struct plan_metric *metric)
{
    return metric->type == METRIC_EXTERNAL && !metric->dry_run && metric->limits.failure_limit >= 0 &&
           metric->on_regression == ON_REGRESSION_ROLLBACK;
}

bool plan_metric_may_roll_back(const struct plan_metric *metric)
{
    return plan_metric_is_judged(metric) && !metric->dry_run &&
           metric->on_regression == ON_REGRESSION_ROLLBACK;
}

static void add_default_metric(struct plan *plan, const char *name, enum metric_type type, double share)
{
    struct plan_metric *metric = &plan->analysis.metrics[plan->analysis.metrics_len++];

    plan_metric_init(metric, type);
    snprintf(metric->name, sizeof(metric->name), "%s", name);
    metric->share = share;
}

static void add_default_metrics(struct plan *plan, bool latency)
{
    add_default_metric(plan, "errors", METRIC_ERROR_RATE, latency ? 0.45 : 0.9);
    if (latency)
        add_default_metric(plan, "latency", METRIC_LATENCY_SLO, 0.45);
    add_default_metric(plan, "client", METRIC_CLIENT_ERROR_RATE, 0.1);
    add_default_metric(plan, "shift", METRIC_LATENCY_SHIFT, PLAN_UNSET);
    add_default_metric(plan, "fast", METRIC_SUSPICIOUSLY_FAST, PLAN_UNSET);
}

static void finish_statuses(struct plan_metric *metric, const struct type_defaults *defaults)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults->statuses) && defaults->statuses[i].from; i++)
        metric->statuses[metric->statuses_len++] = defaults->statuses[i];
}

static double bound_or(double bound, double fallback)
{
    return isnan(bound) ? fallback : bound;
}

static int32_t limit_or(int32_t limit, int32_t fallback)
{
    return limit == PLAN_UNSET_LIMIT ? fallback : limit;
}

/* External metrics are not the judge's, and have limits of their own alone. */
static void finish_limits(const struct plan *plan, const struct plan_metric *metric,
                          struct plan_limits *limits)
{
    const struct plan_threshold *threshold = &plan->threshold;
    bool read = plan->judge == JUDGE_THRESHOLD && plan_metric_is_judged(metric);

    if (read) {
        limits->min = bound_or(limits->min, threshold->min);
        limits->max = bound_or(limits->max, threshold->max);
        limits->warn_min = bound_or(limits->warn_min, threshold->warn_min);
        limits->warn_max = bound_or(limits->warn_max, threshold->warn_max);
    }
    limits->failure_limit = limit_or(limits->failure_limit, read ? threshold->failure_limit : 0);
    limits->inconclusive_limit =
        limit_or(limits->inconclusive_limit, read ? threshold->inconclusive_limit : 0);
    limits->consecutive_error_limit =
        limit_or(limits->consecutive_error_limit, read ? threshold->consecutive_error_limit : error_limit);
}

static void finish_metric(struct plan *plan, struct plan_metric *metric, int64_t slo_ns)
{
    const struct type_defaults *defaults = &type_defaults[metric->type];

    if (!metric->on_regression_given)
        metric->on_regression = plan->on_regression;
    if (metric->tolerance < 0)
        metric->tolerance = defaults->tolerance;
    if (metric->floor < 0)
        metric->floor = defaults->floor < 0 ? 0.1 * (1 - metric->objective) : defaults->floor;
    if (metric->max_excess < 0)
        metric->max_excess = defaults->max_excess;
    if (metric->threshold_ns < 0 && metric->type == METRIC_LATENCY_SLO)
        metric->threshold_ns = slo_ns;
    if (metric->statuses_len == 0)
        finish_statuses(metric, defaults);
    if (metric->quantiles_len == 0 && defaults->quantile > 0)
        metric->quantiles[metric->quantiles_len++] = defaults->quantile;
    finish_limits(plan, metric, &metric->limits);
}

/* Metrics that may roll back share 1; one that only holds, or is only shown, stands for itself. */
static void finish_shares(struct plan_analysis *analysis)
{
    double left = 1;
    size_t open = 0;

    for (size_t i = 0; i < analysis->metrics_len; i++) {
        const struct plan_metric *metric = &analysis->metrics[i];

        if (!plan_metric_may_roll_back(metric))
            continue;
        if (metric->share >= 0)
            left -= metric->share;
        else
            open++;
    }
    for (size_t i = 0; i < analysis->metrics_len; i++) {
        struct plan_metric *metric = &analysis->metrics[i];

        if (metric->share < 0)
            metric->share = plan_metric_may_roll_back(metric) ? fmax(left, 0) / (double)open : 1;
    }
}

static int64_t auto_evaluation_age_ns(const struct plan_analysis *analysis)
{
    int64_t age = SECONDS(1);

    for (size_t i = 0; i < analysis->metrics_len; i++) {
        const struct plan_metric *metric = &analysis->metrics[i];

        if (metric->type == METRIC_LATENCY_SLO && metric->threshold_ns < age)
            age = metric->threshold_ns;
    }
    return age < 100 * NS_PER_MS ? 100 * NS_PER_MS : age;
}

/* The other judges compare with a fixed limit, and know neither cold starts nor load nor a watch. */
static void finish_peer(struct plan *plan)
{
    if (plan->judge == JUDGE_PENSTOCK)
        return;
    plan->ramp.grace_ns = 0;
    plan->ramp.retreat = false;
    plan->ramp.min_canary_rate = 0;
    plan->watch.on = false;
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        struct plan_metric *metric = &plan->analysis.metrics[i];

        if (!isnan(metric->limits.max))
            continue;
        if (metric->type == METRIC_ERROR_RATE)
            metric->limits.max = peer_errors_max;
        if (metric->type == METRIC_LATENCY_SLO)
            metric->limits.max = 1 - metric->objective;
    }
}

void plan_finish(struct plan *plan, int64_t slo_ns)
{
    struct plan_analysis *analysis = &plan->analysis;

    if (analysis->metrics_len == 0)
        add_default_metrics(plan, slo_ns > 0);
    for (size_t i = 0; i < analysis->metrics_len; i++)
        finish_metric(plan, &analysis->metrics[i], slo_ns);
    finish_shares(analysis);
    finish_peer(plan);
    if (analysis->evaluation_age_ns < 0)
        analysis->evaluation_age_ns = auto_evaluation_age_ns(analysis);
    if (analysis->unit_window_ns < 0)
        analysis->unit_window_ns =
            plan->affinity.kind == AFFINITY_NONE ? MINUTES(1) : plan->affinity.max_age_ns;
}

bool plan_zone_add(struct plan *plan, struct str name, struct str bytes, const char **why_r)
{
    char text[ZONE_NAME_MAX];

    if (name.len >= sizeof(text)) {
        *why_r = "the name of the time zone is too long";
        return false;
    }
    memcpy(text, name.p, name.len);
    text[name.len] = '\0';
    if (plan_zone(plan, text))
        return true;
    if (plan->zones_len == PLAN_ZONES_MAX) {
        *why_r = "a plan can use 7 time zones besides UTC";
        return false;
    }
    if (!zone_parse(&plan->zones[plan->zones_len], name, bytes, why_r))
        return false;
    plan->zones_len++;
    return true;
}

const struct zone *plan_zone(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->zones_len; i++) {
        if (strcmp(plan->zones[i].name, name) == 0)
            return &plan->zones[i];
    }
    return NULL;
}

const struct plan_window *plan_window(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->windows_len; i++) {
        if (strcmp(plan->windows[i].name, name) == 0)
            return &plan->windows[i];
    }
    return NULL;
}

const struct plan_webhook *plan_webhook(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->webhooks_len; i++) {
        if (strcmp(plan->webhooks[i].name, name) == 0)
            return &plan->webhooks[i];
    }
    return NULL;
}

bool plan_status_is_bad(const struct plan_metric *metric, unsigned status)
{
    for (size_t i = 0; i < metric->statuses_len; i++) {
        if (status >= metric->statuses[i].from && status <= metric->statuses[i].to)
            return true;
    }
    return false;
}

double plan_raise_speed(const struct plan_ramp *ramp, uint32_t from, uint32_t to)
{
    double most = ramp->max_step_per_second, cold;

    if (from > 0 || ramp->slow_start_ns == 0)
        return most;
    cold = (double)to * NS_PER_S / (double)ramp->slow_start_ns;
    return most > 0 ? fmin(most, cold) : cold;
}

size_t plan_next_weight_step(const struct plan *plan, size_t step)
{
    while (step < plan->steps_len && plan->steps[step].kind != STEP_WEIGHT)
        step++;
    return step;
}

const char *plan_percent(uint32_t weight, char out[static PLAN_PERCENT_LEN])
{
    uint32_t whole = weight / 100 % 1000, part = weight % 100;

    if (part == 0)
        snprintf(out, PLAN_PERCENT_LEN, "%u", whole);
    else if (part % 10 == 0)
        snprintf(out, PLAN_PERCENT_LEN, "%u.%u", whole, part / 10);
    else
        snprintf(out, PLAN_PERCENT_LEN, "%u.%02u", whole, part);
    return out;
}
