/* The ways back (decide/look.h): orders, targets, evidence, brakes, and the way down. */
#include "base/clk.h"
#include "decide/look.h"

#include <math.h>
#include <stdio.h>

static const uint64_t catastrophe_requests = 20;
static const double catastrophe_canary = 0.5, catastrophe_stable = 0.2; /* shares of slow answers */
/* Excess slow answers that a raise may cost: so many seconds of the whole traffic, but at least a number,
 * beyond so many times stable's share. In small raises after a retreat one knows what to expect; at 100 a
 * cold start of every target shows, and stable does not. */
static const struct budget {
    double seconds, least;
} budget_usual = {12, 50}, budget_small = {1.5, 25}, budget_all = {20, 50};
static const double budget_ratio = 2;
/* The share of slow answers under too much load was taken at its height, and of few requests: this part of
 * it is known, and more than so many need not be. */
static const uint64_t again_least = 10;
static const double again_part = 0.8, again_most = 0.3, again_nats = 4;
static const double total_failure = 0.5; /* share of bad canary requests from which `auto` does not wait */

/* Who is to blame and with which numbers, before it is decided what follows. */
struct cause {
    enum reason reason;
    int metric; /* -1: none */
    bool holds; /* onRegression: hold */
    bool spent; /* exposureBudget: nobody may be hurt any more, whoever is to blame */
};

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* Bad shares of the canary that count as total failure: waiting would only hurt. */
static bool is_total(const struct look *look, const struct cause *cause)
{
    const struct decision_side *canary = &look->d->canary;

    return cause->metric >= 0 && share(canary->bad, canary->requests) >= total_failure;
}

/* Stable's measured capacity does not bear all of the traffic. */
static bool stable_is_small(const struct look *look)
{
    const struct rollout_targets *stable = &look->in->stable;

    return stable->capacity > 0 && stable->capacity * stable->healthy < rollout_rate(look->r);
}

/* Hundredths of a percent a second; 0: at once. */
static double speed_down(const struct look *look, const struct cause *cause)
{
    const struct plan_rollback *rollback = &look->plan->rollback;
    double speed =
        rollback->ramp_ns > 0 ? (double)look->r->weight / ((double)rollback->ramp_ns / NS_PER_S) : 0;

    if (cause->reason == REASON_ABORT || cause->reason == REASON_TARGETS)
        return 0;
    switch (rollback->mode) {
    case ROLLBACK_INSTANT:
        return 0;
    case ROLLBACK_RAMP:
        break;
    case ROLLBACK_AUTO:
        if (is_total(look, cause) || !stable_is_small(look))
            return 0;
        break;
    }
    return speed;
}

static void clear_orders(struct rollout *r)
{
    r->starting = r->approved = r->skip = r->promote = r->full = r->abort = false;
    r->manual = r->manual_pending = false;
}

static bool roll_back(struct look *look, const struct cause *cause)
{
    struct rollout *r = look->r;
    double speed = speed_down(look, cause);
    uint32_t from = r->weight;

    look->d->action = ACTION_ROLLBACK;
    look->d->reason = cause->reason;
    look->d->weight_to = 0;
    clear_orders(r);
    rollout_take_weight(r, 0);
    r->cause = cause->reason;
    r->retreat = (struct retreat){0};
    r->ramp_down = speed;
    if (speed > 0)
        r->weight = from;
    rollout_set_state(r, ROLLOUT_ROLLING_BACK, look->in->wall_ns);
    return true;
}

/* Evidence, brakes and webhooks end here: back, unless the plan or a lock says hold. */
static bool go_back(struct look *look, const struct cause *cause)
{
    if (look->r->locked_back) {
        decision_say(look->d, "; it would go back, but %s has locked the weight", look->r->locked_by);
        return look_hold(look, REASON_LOCKED);
    }
    if (!cause->spent && look_outlier(look, cause->reason, cause->metric))
        return true;
    if (cause->holds) {
        decision_say(look->d, "; onRegression is hold: `abort` goes back, `retry` judges afresh");
        return look_hold(look, cause->reason);
    }
    return look_retreat(look, cause->reason, cause->metric) || roll_back(look, cause);
}

/* ---- S1: orders ---- */

static bool take_manual_weight(struct look *look)
{
    struct rollout *r = look->r;
    struct decision *d = look->d;
    char from[PLAN_PERCENT_LEN], to[PLAN_PERCENT_LEN];
    uint32_t weight = r->manual_weight;

    snprintf(d->actor, sizeof(d->actor), "%s", r->actor);
    decision_say(d, "%s set the weight from %s %% to %s %% by hand", r->actor, plan_percent(r->weight, from),
                 plan_percent(weight, to));
    if (r->said[0])
        decision_say(d, ": %s", r->said);
    if (weight > r->weight)
        return look_forward_to(look, ACTION_FORWARD, REASON_MANUAL, r->step, weight);
    d->action = weight ? ACTION_RETREAT : ACTION_ROLLBACK;
    d->reason = REASON_MANUAL;
    d->weight_to = weight;
    r->manual = true;
    r->manual_pending = false;
    rollout_take_weight(r, weight);
    rollout_set_state(r, ROLLOUT_RUNNING, look->in->wall_ns);
    return true;
}

static bool take_abort(struct look *look)
{
    struct rollout *r = look->r;
    const struct cause cause = {.reason = REASON_ABORT, .metric = -1};

    snprintf(look->d->actor, sizeof(look->d->actor), "%s", r->actor);
    decision_say(look->d, "%s aborted", r->actor);
    if (r->said[0])
        decision_say(look->d, ": %s", r->said);
    return roll_back(look, &cause);
}

static bool take_full(struct look *look)
{
    struct rollout *r = look->r;

    if (look->in->canary.healthy == 0) {
        decision_say(look->d, "%s ordered 100 %%, but no target of %s is healthy", r->actor, r->canary);
        return look_hold(look, REASON_TARGETS);
    }
    snprintf(look->d->actor, sizeof(look->d->actor), "%s", r->actor);
    decision_say(look->d, "%s promoted in full, without evidence", r->actor);
    return look_forward_to(look, ACTION_PROMOTE, REASON_MANUAL, (int32_t)look->plan->steps_len - 1,
                           PLAN_WEIGHT_ALL);
}

bool look_orders(struct look *look)
{
    struct rollout *r = look->r;

    if (r->abort)
        return take_abort(look);
    if (r->manual_pending && r->manual_weight == r->weight) {
        r->manual = true;
        r->manual_pending = false;
    }
    if (r->manual_pending)
        return take_manual_weight(look);
    return r->full && take_full(look);
}

/* ---- the way down, and what follows ---- */

static bool may_retry(const struct look *look)
{
    const struct rollout *r = look->r;

    return r->cause != REASON_ABORT && r->attempts < look->plan->rollback.retry_max;
}

static bool retry_after_backoff(struct look *look)
{
    struct rollout *r = look->r;

    if (r->dwell_ns < look->plan->rollback.retry_backoff_ns)
        return false;
    r->attempts++;
    r->ceiling = r->proven ? r->proven : look->plan->steps[plan_next_weight_step(look->plan, 0)].weight;
    r->step = r->weight_step = -1;
    r->starting = true;
    rollout_set_state(r, ROLLOUT_PENDING, look->in->wall_ns);
    return look_start(look);
}

/* Nobody is left to take what a ramp still gives. */
static bool is_deserted(const struct look *look)
{
    return look->r->state == ROLLOUT_ROLLING_BACK && !look->in->canary.healthy && look->in->stable.healthy;
}

bool look_rolling_back(struct look *look)
{
    struct rollout *r = look->r;
    struct decision *d = look->d;
    char percent[PLAN_PERCENT_LEN];

    if (is_deserted(look))
        r->weight = 0;
    if (r->state == ROLLOUT_ROLLING_BACK && r->in_force) {
        r->dwell_ns = 0;
        r->ramp_down = 0;
        rollout_set_state(r, may_retry(look) ? ROLLOUT_QUARANTINED : ROLLOUT_ROLLED_BACK, look->in->wall_ns);
    }
    if (r->state == ROLLOUT_QUARANTINED && retry_after_backoff(look))
        return true;
    if (r->state != ROLLOUT_ROLLING_BACK && r->state != ROLLOUT_QUARANTINED)
        return false;
    d->action = ACTION_NONE;
    d->reason = r->cause;
    if (r->state == ROLLOUT_QUARANTINED) {
        d->eta_ns = look->plan->rollback.retry_backoff_ns - r->dwell_ns;
        decision_say(d, "tries again by itself");
    } else {
        decision_say(d, "going down, now at %s %%", plan_percent(r->weight, percent));
    }
    return true;
}

/* ---- S2: targets ---- */

bool look_targets(struct look *look)
{
    const struct cause cause = {.reason = REASON_TARGETS, .metric = -1};
    const struct rollout_input *in = look->in;
    const struct rollout *r = look->r;

    if (rollout_is_over(r) || r->weight == 0)
        return false;
    if (in->canary.healthy && (in->stable.healthy || r->weight == PLAN_WEIGHT_ALL))
        return false;
    if (in->stable.healthy == 0 && in->canary.healthy && r->state == ROLLOUT_PROBING) {
        decision_say(look->d, "none of the %u targets of %s is healthy: nothing to compare with",
                     in->stable.total, r->stable);
        return look_end_probe(look);
    }
    if (in->stable.healthy == 0) {
        decision_say(look->d, "none of the %u targets of %s is healthy: nothing moves", in->stable.total,
                     r->stable);
        return look_hold(look, REASON_TARGETS);
    }
    decision_say(look->d, "none of the %u targets of %s is healthy", in->canary.total, r->canary);
    return go_back(look, &cause);
}

/* ---- S4: evidence and brakes ---- */

static bool in_grace(const struct rollout *r)
{
    return r->raise_ns < r->grace_ns;
}

static bool find_evidence(struct look *look, struct cause *cause)
{
    const struct verdict *verdict = &look->verdict;
    struct decision *d = look->d;
    char number[DECISION_NUMBER_LEN];
    double tolerated;

    if (verdict->kind != VERDICT_FAIL)
        return false;
    *cause =
        (struct cause){.reason = REASON_REGRESSION, .metric = verdict->metric, .holds = verdict->fail_holds};
    look_metric(look, verdict->metric);
    look_ratio(look);
    if (verdict->fail_holds)
        d->e = verdict->metrics[verdict->metric].e * verdict->metrics[verdict->metric].share;
    look_say_counts(look);
    tolerated = fmax(look->plan->analysis.metrics[verdict->metric].tolerance,
                     look->r->incident.on ? INCIDENT_TOLERANCE : 0);
    if (isfinite(d->ratio.value))
        decision_say(d, "; %.3g times as often, %g is tolerated", d->ratio.value, tolerated);
    else
        decision_say(d, "; at least %.3g times as often, %g is tolerated", d->ratio.lo, tolerated);
    decision_say(d, "; evidence %s of %.0f",
                 d->e < 1e6 ? decision_count((uint64_t)d->e, number) : "above 1,000,000", verdict->threshold);
    return true;
}

/* What another judge than penstock says. */
static bool find_peer(struct look *look, struct cause *cause)
{
    if (look->plan->judge == JUDGE_PENSTOCK || look->verdict.kind != VERDICT_FAIL)
        return false;
    *cause = (struct cause){
        .reason = REASON_REGRESSION, .metric = look->verdict.metric, .holds = look->verdict.fail_holds};
    look_metric(look, look->verdict.metric);
    peer_say(&look->r->peer, look->plan, look->d);
    return true;
}

static bool is_catastrophe(const struct evidence_counts *grace)
{
    return grace->canary_requests >= catastrophe_requests &&
           share(grace->canary_bad, grace->canary_requests) > catastrophe_canary &&
           share(grace->stable_bad, grace->stable_requests) <= catastrophe_stable;
}

static double budget_of(const struct rollout *r)
{
    const struct budget *budget = r->retreat.small ? &budget_small : &budget_usual;

    if (r->weight == PLAN_WEIGHT_ALL)
        budget = &budget_all;
    return fmax(budget->least, budget->seconds * rollout_rate(r));
}

static bool is_over_budget(const struct look *look, const struct evidence_counts *grace)
{
    const struct rollout *r = look->r;
    double excess = (double)grace->canary_bad - budget_ratio *
                                                    share(grace->stable_bad, grace->stable_requests) *
                                                    (double)grace->canary_requests;

    if (r->weight_step <= (int32_t)plan_next_weight_step(look->plan, 0))
        return false;
    return excess > budget_of(r);
}

/* In a small raise after a retreat it is known what too much load looks like: the sequential test of that
 * share of slow answers against half of it (Wald). Milder cold starts are left to the budget. */
static bool is_overload_again(const struct rollout *r, size_t metric, const struct evidence_counts *grace)
{
    double bad = (double)grace->canary_bad, good = (double)grace->canary_requests - bad;
    double again = fmin(again_part * r->retreat.share, again_most);

    if (!r->retreat.small || (size_t)r->retreat.metric != metric || grace->canary_bad < again_least)
        return false;
    return bad * log(2) + good * log((1 - again) / (1 - again / 2)) >= again_nats;
}

/* What stops it, in words; NULL: nothing. */
static const char *brake_of(const struct look *look, size_t metric, enum reason *reason_r)
{
    const struct evidence_counts *grace = &look->r->judge.metrics[metric].grace;

    *reason_r = is_catastrophe(grace) ? REASON_CATASTROPHE : REASON_BUDGET;
    if (*reason_r == REASON_CATASTROPHE)
        return "more than half, right after the raise";
    if (is_over_budget(look, grace))
        return "too many for the time right after a raise";
    return is_overload_again(look->r, metric, grace) ? "as often as before the retreat" : NULL;
}

/* Slow answers in a grace wait for the time behind it before they weigh in full; these watch meanwhile. */
static bool find_brake(struct look *look, struct cause *cause)
{
    const struct plan_analysis *analysis = &look->plan->analysis;

    if (!in_grace(look->r) || look->r->state == ROLLOUT_RETREATING) /* there it is no raise that is new */
        return false;
    for (size_t i = 0; i < analysis->metrics_len; i++) {
        const struct plan_metric *metric = &analysis->metrics[i];
        const char *words;

        if (metric->type != METRIC_LATENCY_SLO || metric->dry_run)
            continue;
        words = brake_of(look, i, &cause->reason);
        if (!words)
            continue;
        cause->metric = (int)i;
        cause->holds = metric->on_regression == ON_REGRESSION_HOLD;
        look_metric(look, (int)i);
        look_ratio(look);
        look_say_counts(look);
        decision_say(look->d, "; %s", words);
        return true;
    }
    return false;
}

/* Excess bad units since the start. */
static bool find_exposure(struct look *look, struct cause *cause)
{
    const struct plan_analysis *analysis = &look->plan->analysis;
    uint64_t budget = look->plan->exposure_canary_errors;

    for (size_t i = 0; budget && i < analysis->metrics_len; i++) {
        const struct plan_metric *metric = &analysis->metrics[i];
        const struct evidence_counts *total = &look->r->judge.metrics[i].total;
        double excess = (double)total->canary_bad -
                        share(total->stable_bad, total->stable_requests) * (double)total->canary_requests;

        if (metric->type != METRIC_ERROR_RATE || metric->dry_run || excess <= (double)budget)
            continue;
        *cause = (struct cause){.reason = REASON_BUDGET,
                                .metric = (int)i,
                                .holds = metric->on_regression == ON_REGRESSION_HOLD,
                                .spent = true};
        look_metric(look, (int)i);
        look_ratio(look);
        decision_say(look->d,
                     "%s: %.0f canary requests failed beyond stable's share since the start; "
                     "exposureBudget allows %llu",
                     metric->name, excess, (unsigned long long)budget);
        return true;
    }
    return false;
}

static bool find_external(struct look *look, struct cause *cause)
{
    int metric = look_external_over(look);

    if (metric < 0)
        return false;
    *cause =
        (struct cause){.reason = REASON_EXTERNAL,
                       .metric = metric,
                       .holds = look->plan->analysis.metrics[metric].on_regression == ON_REGRESSION_HOLD};
    return true;
}

static bool find_webhook(struct look *look, struct cause *cause)
{
    if (!look->in->rollback_ordered)
        return false;
    *cause = (struct cause){.reason = REASON_WEBHOOK, .metric = -1};
    decision_say(look->d, "a rollback webhook answered that it has to go back");
    return true;
}

/* A webhook is asked first: it never holds, as the others may by onRegression. */
bool look_back(struct look *look)
{
    struct cause cause = {.reason = REASON_NONE, .metric = -1};

    if (rollout_is_over(look->r) || look->r->weight == 0)
        return false;
    if (find_webhook(look, &cause) || find_peer(look, &cause) || find_evidence(look, &cause) ||
        find_brake(look, &cause) || find_exposure(look, &cause) || find_external(look, &cause))
        return go_back(look, &cause);
    return false;
}

bool look_give_up(struct look *look)
{
    const struct cause cause = {.reason = REASON_INCONCLUSIVE, .metric = look->verdict.metric};

    look_metric(look, cause.metric);
    decision_say(look->d, "maxDwell is over without evidence, and onInconclusive is rollback");
    return go_back(look, &cause);
}
