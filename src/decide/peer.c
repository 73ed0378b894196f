#include "decide/peer.h"

#include "base/clk.h"

#include <math.h>
#include <string.h>

#define AFTER_ERROR_NS (10 * NS_PER_S) /* until the next measurement, whatever the interval is */

enum reading {
    READING_GOOD,
    READING_WARNS, /* neither good nor failed */
    READING_FAILS,
    READING_NONE, /* no request */
};

void peer_init(struct peer *peer)
{
    memset(peer, 0, sizeof(*peer));
    peer->culprit = -1;
}

/* Metrics without a limit are shown and nothing more. */
static bool is_read(const struct plan_metric *metric)
{
    return plan_metric_is_judged(metric) && !metric->dry_run &&
           !(isnan(metric->limits.max) && isnan(metric->limits.min));
}

static void feed(struct peer *peer, const struct plan *plan, const struct tally *tallies, size_t len)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        for (size_t t = 0; t < len; t++) {
            peer->metrics[i].requests += tallies[t].canary.metrics[i].requests;
            peer->metrics[i].bad += tallies[t].canary.metrics[i].raw_bad;
        }
    }
}

static void forget_window(struct peer *peer)
{
    peer->window_ns = 0;
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++)
        peer->metrics[i].requests = peer->metrics[i].bad = 0;
}

static enum reading read_metric(struct peer_metric *state, const struct plan_metric *metric)
{
    double share = state->requests ? (double)state->bad / (double)state->requests : 0;

    state->last_requests = state->requests;
    state->last_bad = state->bad;
    if (state->requests == 0)
        return READING_NONE;
    if (share > metric->limits.max || share < metric->limits.min)
        return READING_FAILS;
    return share > metric->limits.warn_max || share < metric->limits.warn_min ? READING_WARNS : READING_GOOD;
}

static void pass(struct verdict *verdict)
{
    verdict->kind = VERDICT_PASS;
}

static void fail(struct peer *peer, size_t metric, struct verdict *verdict)
{
    peer->culprit = (int32_t)metric;
    verdict->kind = VERDICT_FAIL;
    verdict->metric = (int)metric;
}

/* ---- measurements ---- */

/* A window without a request. */
static void measure_nothing(struct peer_metric *state, enum no_data_rule no_data)
{
    switch (no_data) {
    case NO_DATA_FAILED:
        state->failed++;
        state->errors = 0;
        return;
    case NO_DATA_INCONCLUSIVE:
        state->inconclusive++;
        state->errors = 0;
        return;
    case NO_DATA_IGNORE:
        return;
    case NO_DATA_ERROR:
        state->errors++;
        return;
    }
}

static void measure(struct peer_metric *state, const struct plan_metric *metric, enum no_data_rule no_data)
{
    enum reading reading = read_metric(state, metric);

    if (reading == READING_NONE) {
        measure_nothing(state, no_data);
        return;
    }
    state->errors = 0;
    state->failed += reading == READING_FAILS;
    state->inconclusive += reading == READING_WARNS;
}

static bool is_above(uint32_t count, int32_t limit)
{
    return limit >= 0 && count > (uint32_t)limit;
}

/* No metric that is read had anything else than an error. */
static bool has_only_errors(const struct peer *peer, const struct plan *plan)
{
    bool any = false;

    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        if (!is_read(&plan->analysis.metrics[i]))
            continue;
        if (peer->metrics[i].errors == 0)
            return false;
        any = true;
    }
    return any;
}

static void end_measurement(struct peer *peer, const struct plan *plan)
{
    peer->erred = has_only_errors(peer, plan);
    if (!peer->erred)
        peer->readings++;
    forget_window(peer);
}

static bool is_too_bad(const struct peer_metric *state, const struct plan_limits *limits)
{
    return is_above(state->failed, limits->failure_limit) ||
           is_above(state->errors, limits->consecutive_error_limit);
}

static void look_measurements(struct peer *peer, const struct plan *plan, const struct peer_context *context,
                              struct verdict *verdict)
{
    const struct plan_threshold *threshold = &plan->threshold;
    bool due;

    if (!context->judged || context->weight == PLAN_WEIGHT_ALL || peer->age_ns <= threshold->initial_delay_ns)
        forget_window(peer);
    due = peer->window_ns >= (peer->erred ? AFTER_ERROR_NS : threshold->interval_ns) &&
          (threshold->count == 0 || peer->readings < threshold->count);
    pass(verdict);
    for (size_t i = plan->analysis.metrics_len; i-- > 0;) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];
        struct peer_metric *state = &peer->metrics[i];

        if (!is_read(metric))
            continue;
        if (due)
            measure(state, metric, threshold->no_data);
        if (is_too_bad(state, &metric->limits)) {
            fail(peer, i, verdict);
        } else if (is_above(state->inconclusive, metric->limits.inconclusive_limit) &&
                   verdict->kind != VERDICT_FAIL) {
            verdict->kind = VERDICT_UNSURE;
            peer->culprit = (int32_t)i;
        }
    }
    if (due)
        end_measurement(peer, plan);
}

/* ---- alarm ---- */

static void add_point(struct peer_metric *state, bool beyond)
{
    state->points = state->points << 1 | beyond;
    if (state->points_len < PEER_PERIODS_MAX)
        state->points_len++;
}

/* False when the period changes nothing. */
static bool take_point(struct peer_metric *state, const struct plan_metric *metric,
                       enum missing_data_rule missing)
{
    enum reading reading = read_metric(state, metric);

    if (reading != READING_NONE) {
        add_point(state, reading == READING_FAILS);
        return true;
    }
    switch (missing) {
    case MISSING_MISSING:
    case MISSING_IGNORE:
        return false;
    case MISSING_BREACHING:
        add_point(state, true);
        return true;
    case MISSING_NOT_BREACHING:
        add_point(state, false);
        return true;
    }
    return false;
}

static bool is_alarm(const struct peer_metric *state, const struct plan_threshold *threshold)
{
    uint32_t periods = threshold->evaluation_periods;
    uint32_t window = periods >= PEER_PERIODS_MAX ? UINT32_MAX : (1u << periods) - 1;

    return (uint32_t)__builtin_popcount(state->points & window) >= threshold->datapoints_to_alarm;
}

static void look_alarm(struct peer *peer, const struct plan *plan, const struct peer_context *context,
                       struct verdict *verdict)
{
    const struct plan_threshold *threshold = &plan->threshold;
    bool due = peer->window_ns >= threshold->period_ns;

    pass(verdict);
    for (size_t i = plan->analysis.metrics_len; i-- > 0;) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];
        struct peer_metric *state = &peer->metrics[i];

        if (!is_read(metric))
            continue;
        if (due && context->judged && take_point(state, metric, threshold->missing))
            state->alarm = is_alarm(state, threshold);
        if (state->alarm)
            fail(peer, i, verdict);
    }
    if (!due)
        return;
    peer->readings++;
    forget_window(peer);
}

/* ---- flagger ---- */

/* The first metric that fails; -1: none does. */
static int32_t check(struct peer *peer, const struct plan *plan)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];
        enum reading reading;

        if (!is_read(metric))
            continue;
        reading = read_metric(&peer->metrics[i], metric);
        if (reading == READING_FAILS || reading == READING_NONE)
            return (int32_t)i;
    }
    return -1;
}

static void look_flagger(struct peer *peer, const struct plan *plan, const struct peer_context *context,
                         struct verdict *verdict)
{
    int32_t failed;

    if (!context->judged || context->weight == PLAN_WEIGHT_ALL) {
        forget_window(peer);
        pass(verdict);
        return;
    }
    if (peer->window_ns < plan->flagger.interval_ns)
        return;
    if (peer->failed_checks >= plan->flagger.threshold) {
        fail(peer, (size_t)(peer->culprit < 0 ? 0 : peer->culprit), verdict);
        return;
    }
    failed = check(peer, plan);
    peer->readings++;
    forget_window(peer);
    if (failed < 0) {
        pass(verdict);
        return;
    }
    peer->failed_checks++;
    peer->culprit = failed;
}

/* ---- all of them ---- */

void peer_look(struct peer *peer, const struct plan *plan, const struct peer_context *context,
               const struct tally *tallies, size_t len, struct verdict *verdict_r)
{
    memset(verdict_r, 0, sizeof(*verdict_r));
    verdict_r->metric = -1;
    verdict_r->threshold = INFINITY;
    peer->age_ns += context->dt_ns;
    peer->window_ns += context->dt_ns;
    feed(peer, plan, tallies, len);
    if (context->weight == 0) { /* nothing to see yet, or no more */
        forget_window(peer);
        pass(verdict_r);
        return;
    }
    switch (plan->judge) {
    case JUDGE_PENSTOCK:
        BUG("the judge is penstock");
    case JUDGE_THRESHOLD:
        if (plan->threshold.mode == THRESHOLD_ALARM)
            look_alarm(peer, plan, context, verdict_r);
        else
            look_measurements(peer, plan, context, verdict_r);
        break;
    case JUDGE_FLAGGER:
        look_flagger(peer, plan, context, verdict_r);
        break;
    }
    if (verdict_r->kind == VERDICT_FAIL)
        verdict_r->fail_holds = plan->analysis.metrics[verdict_r->metric].on_regression == ON_REGRESSION_HOLD;
}

/* ---- words ---- */

static void say_reading(const struct peer_metric *state, const struct plan_metric *metric,
                        struct decision *decision)
{
    char bad[DECISION_NUMBER_LEN], requests[DECISION_NUMBER_LEN], share[DECISION_NUMBER_LEN],
        bound[DECISION_NUMBER_LEN];
    double read = state->last_requests ? (double)state->last_bad / (double)state->last_requests : 0;
    bool below = read < metric->limits.min || isnan(metric->limits.max);

    if (state->last_requests == 0) {
        decision_say(decision, "%s: no request in the last window", metric->name);
        return;
    }
    decision_say(decision, "%s: %s of %s canary requests were bad in the last window, %s with at %s %s",
                 metric->name, decision_count(state->last_bad, bad),
                 decision_count(state->last_requests, requests), decision_share(read, share),
                 below ? "least" : "most",
                 decision_share(below ? metric->limits.min : metric->limits.max, bound));
}

static void say_measurements(const struct peer *peer, const struct peer_metric *state,
                             const struct plan_limits *limits, struct decision *decision)
{
    decision_say(decision, "%u failed and %u inconclusive of %u measurements, %d and %d are allowed",
                 state->failed, state->inconclusive, peer->readings, limits->failure_limit,
                 limits->inconclusive_limit);
    if (state->errors)
        decision_say(decision, "; %u without data in a row, %d are allowed", state->errors,
                     limits->consecutive_error_limit);
}

void peer_say(const struct peer *peer, const struct plan *plan, struct decision *decision)
{
    const struct plan_metric *metric = peer->culprit < 0 ? NULL : &plan->analysis.metrics[peer->culprit];
    const struct peer_metric *state = peer->culprit < 0 ? NULL : &peer->metrics[peer->culprit];

    if (metric) {
        say_reading(state, metric, decision);
        decision_say(decision, "; ");
    }
    if (plan->judge == JUDGE_FLAGGER)
        decision_say(decision, "%u of %u failed checks, %u checks so far", peer->failed_checks,
                     plan->flagger.threshold, peer->readings);
    else if (plan->threshold.mode == THRESHOLD_ALARM)
        decision_say(decision, "%u of %u periods beyond the limit are an alarm, %u periods so far",
                     plan->threshold.datapoints_to_alarm, plan->threshold.evaluation_periods, peer->readings);
    else if (metric)
        say_measurements(peer, state, &metric->limits, decision);
    else
        decision_say(decision, "%u measurements so far", peer->readings);
}
