#include "decide/peer.h"

#include <math.h>
#include <string.h>

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
    return plan_metric_is_judged(metric) && !metric->dry_run && !isnan(metric->limits.max);
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
    if (share > metric->limits.max)
        return READING_FAILS;
    return share > metric->limits.warn_max ? READING_WARNS : READING_GOOD;
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

static void measure(struct peer_metric *state, const struct plan_metric *metric, enum no_data_rule no_data)
{
    switch (read_metric(state, metric)) {
    case READING_GOOD:
        return;
    case READING_WARNS:
        state->inconclusive++;
        return;
    case READING_FAILS:
        state->failed++;
        return;
    case READING_NONE:
        state->failed += no_data == NO_DATA_FAILED;
        state->inconclusive += no_data == NO_DATA_INCONCLUSIVE;
        return;
    }
}

static bool is_above(uint32_t count, int32_t limit)
{
    return limit >= 0 && count > (uint32_t)limit;
}

static void look_measurements(struct peer *peer, const struct plan *plan, const struct peer_context *context,
                              struct verdict *verdict)
{
    const struct plan_threshold *threshold = &plan->threshold;

    if (!context->judged || context->weight == PLAN_WEIGHT_ALL || peer->age_ns <= threshold->initial_delay_ns)
        forget_window(peer);
    bool due = peer->window_ns >= threshold->interval_ns &&
               (threshold->count == 0 || peer->readings < threshold->count);
    pass(verdict);
    for (size_t i = plan->analysis.metrics_len; i-- > 0;) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];
        struct peer_metric *state = &peer->metrics[i];

        if (!is_read(metric))
            continue;
        if (due)
            measure(state, metric, threshold->no_data);
        if (is_above(state->failed, metric->limits.failure_limit)) {
            fail(peer, i, verdict);
        } else if (is_above(state->inconclusive, threshold->inconclusive_limit) &&
                   verdict->kind != VERDICT_FAIL) {
            verdict->kind = VERDICT_UNSURE;
            peer->culprit = (int32_t)i;
        }
    }
    if (!due)
        return;
    peer->readings++;
    forget_window(peer);
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
        max[DECISION_NUMBER_LEN];

    if (state->last_requests == 0) {
        decision_say(decision, "%s: no request in the last window", metric->name);
        return;
    }
    decision_say(decision, "%s: %s of %s canary requests were bad in the last window, %s with at most %s",
                 metric->name, decision_count(state->last_bad, bad),
                 decision_count(state->last_requests, requests),
                 decision_share((double)state->last_bad / (double)state->last_requests, share),
                 decision_share(metric->limits.max, max));
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
        decision_say(decision, "%u failed and %u inconclusive of %u measurements, %d and %d are allowed",
                     state->failed, state->inconclusive, peer->readings, metric->limits.failure_limit,
                     plan->threshold.inconclusive_limit);
    else
        decision_say(decision, "%u measurements so far", peer->readings);
}
