#include "decide/power.h"

#include "base/clk.h"
#include "decide/decision.h"
#include "decide/evidence.h"
#include "decide/judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double settle_s = 60;         /* behind a grace, at most */
static const double traffic_requests = 15; /* advanceOn: traffic */
static const double ratio_max = 1e6;
enum { LOW_WEIGHT = 2500 }; /* only steps below it are passed over */

/* ---- one metric ---- */

static double base_of(const struct plan_metric *metric, const struct power_traffic *traffic)
{
    switch (metric->type) {
    case METRIC_LATENCY_SLO:
        return traffic->slow;
    case METRIC_CLIENT_ERROR_RATE:
        return traffic->client;
    case METRIC_ERROR_RATE:
    case METRIC_LATENCY_SHIFT:
    case METRIC_SUSPICIOUSLY_FAST:
    case METRIC_EXTERNAL:
        break;
    }
    return traffic->errors;
}

static const double surely_full = 2; /* caps that a bin holds on average, so that nearly each is full */

/* Time until `nats` are reached at `drift` nats a second; no bin lets in more than its cap until some were
 * full, so that `bin_nats` take some bins. */
static double time_to(const struct plan *plan, double nats, double bin_nats, double drift, double share)
{
    double bin_s = (double)plan->analysis.bin_ns / NS_PER_S,
           cap = plan->analysis.bin_cap[share >= evidence_tier_raised.share], bins;

    if (drift <= 0)
        return INFINITY;
    if (share >= evidence_tier_open.share)
        return nats / drift;
    bins = ceil(bin_nats / cap) - 1;
    if (drift * bin_s >= surely_full * cap)
        bins = fmin(bins, EVIDENCE_FULL_BINS);
    return fmax(nats / drift, bin_s * bins);
}

/* Until one of the alternatives to "at most `tolerance` times as bad" is enough. */
static double ratio_time(const struct plan *plan, const struct plan_metric *metric, double rate, double base,
                         double w, double ratio)
{
    double from_canary = ratio * w / (ratio * w + 1 - w), best = INFINITY;
    double events = rate * base * (w * ratio + 1 - w), mass = plan->analysis.false_rollback * metric->share;

    for (size_t k = 0; k < EVIDENCE_RATIOS; k++) {
        double drift =
            events *
            (from_canary * evidence_ln_factor(evidence_ratios[k], metric->tolerance, w, true) +
             (1 - from_canary) * evidence_ln_factor(evidence_ratios[k], metric->tolerance, w, false));
        double nats = -log(mass * judge_mass_max[JUDGE_MASS_START] * evidence_priors[k]);

        best = fmin(best, time_to(plan, nats, nats, drift, ratio * base));
    }
    return best;
}

/* Until one of the alternatives to "a share of at most `floor`" is enough; where the caps decide, they all
 * are at theirs. */
static double floor_time(const struct plan *plan, const struct plan_metric *metric, double canary_rate,
                         double share)
{
    double mass = plan->analysis.false_rollback * metric->share * judge_mass_max[JUDGE_MASS_START];
    double best = INFINITY, bin_nats = -log(mass);

    for (size_t h = 0; h < EVIDENCE_FLOORS; h++) {
        double a = metric->floor * evidence_floors[h];

        if (a >= 0.95)
            continue;
        double drift =
            canary_rate * (share * log(a / metric->floor) + (1 - share) * log((1 - a) / (1 - metric->floor)));
        best = fmin(best, time_to(plan, bin_nats + log(EVIDENCE_FLOORS), bin_nats, drift, share));
    }
    return best;
}

struct power_detect power_detect(const struct plan *plan, const struct plan_metric *metric, double rate,
                                 double base, double w, double ratio)
{
    double seconds = ratio_time(plan, metric, rate, base, w, ratio);

    if (metric->floor > 0)
        seconds = fmax(seconds, floor_time(plan, metric, rate * w, fmin(ratio * base, 1)));
    return (struct power_detect){.seconds = seconds, .at_risk = rate * w * (ratio - 1) * base * seconds};
}

/* The least ratio that is seen within `seconds`; more trouble is never seen later. */
static double smallest_ratio(const struct plan *plan, const struct plan_metric *metric, double rate,
                             double base, double w, double seconds)
{
    double lo = 0, hi = log(fmin(1 / base, ratio_max));

    if (power_detect(plan, metric, rate, base, w, exp(hi)).seconds > seconds)
        return INFINITY;
    for (int i = 0; i < 40; i++) {
        double mid = (lo + hi) / 2;

        if (power_detect(plan, metric, rate, base, w, exp(mid)).seconds > seconds)
            lo = mid;
        else
            hi = mid;
    }
    return exp(hi);
}

/* ---- the gate ---- */

/* With half of the traffic on the canary, the engine takes stable's share of slow answers for at least this.
 */
static double stable_share(const struct plan_metric *metric, double base, uint32_t weight)
{
    bool high = metric->type == METRIC_LATENCY_SLO && weight >= PLAN_WEIGHT_ALL / 2;

    return high ? fmax(base, 0.5 * (1 - metric->objective)) : base;
}

/* Canary requests until u(np, n) - p_s, times the next weight, is within so many budgets. */
static double gate_need(const struct plan_metric *metric, double rate, double base, uint32_t weight,
                        uint32_t weight_next, double budgets)
{
    double few = metric->max_excess_per_hour / (3600 * rate), stable = stable_share(metric, base, weight);
    double budget = budgets * fmin(fmax(metric->max_excess, few), 1) * PLAN_WEIGHT_ALL / weight_next;
    double lo = JUDGE_GATE_LEAST, hi = 1e12;

    if (evidence_upper(base * hi, hi) - stable > budget)
        return INFINITY;
    if (evidence_upper(base * lo, lo) - stable <= budget)
        return lo;
    for (int i = 0; i < 80; i++) {
        double mid = (lo + hi) / 2;

        if (evidence_upper(base * mid, mid) - stable > budget)
            lo = mid;
        else
            hi = mid;
    }
    return ceil(hi);
}

/* The same until the exact form passes, for a canary like stable. */
static double exact_need(const struct plan *plan, double base, uint32_t weight)
{
    double w = (double)weight / PLAN_WEIGHT_ALL, wanted = 1 / plan->analysis.false_promote;
    double lo = JUDGE_GATE_LEAST, hi = 1e9;

    for (int i = 0; i < 60; i++) {
        double mid = (lo + hi) / 2;

        if (evidence_forward(base * mid, mid, base * mid * (1 - w) / w, w) < wanted)
            lo = mid;
        else
            hi = mid;
    }
    return hi < 9e8 ? ceil(hi) : INFINITY;
}

/* `need` requests of this step alone: errors are counted from the raise on, slow answers from the end of the
 * grace. */
static double gate_time(const struct plan *plan, const struct plan_metric *metric, double need,
                        double canary_rate)
{
    double grace_s = (double)plan->ramp.grace_ns / NS_PER_S, after_s = fmin(grace_s / 2, settle_s);
    double counted_s = need / canary_rate;

    if (metric->type == METRIC_LATENCY_SLO)
        return grace_s + fmax(after_s, counted_s);
    return fmax(grace_s + after_s, counted_s);
}

/* Judged from the first request on, but for as long as the grace would be. */
static double warm_gate_time(const struct plan *plan, double need, double canary_rate)
{
    return fmax((double)plan->ramp.grace_ns / NS_PER_S, need / canary_rate);
}

/* The step alone is enough, or together with the `past` canary requests of the steps before. */
static void add_gate(struct power_metric *power, const struct plan *plan, const struct power_traffic *traffic,
                     const struct power_step *step, uint32_t weight_next, double past)
{
    const struct plan_metric *metric = &plan->analysis.metrics[power->metric];
    double base = base_of(metric, traffic);
    double alone = gate_need(metric, traffic->rate, base, step->weight, weight_next, 1);
    double least = gate_need(metric, traffic->rate, base, step->weight, weight_next, judge_gate_slack);
    double together_s = fmax(gate_time(plan, metric, least, step->rate), (alone - past) / step->rate);

    power->need = fmin(alone, fmax(alone - past, least));
    power->forward_s = fmin(gate_time(plan, metric, alone, step->rate), together_s);
    power->warm_s = warm_gate_time(plan, power->need, step->rate);
}

/* ---- a step ---- */

static void add_metric(struct power_step *step, const struct plan *plan, const struct power_traffic *traffic,
                       size_t index, uint32_t weight_next, double past)
{
    static const double ratios[] = {[POWER_X2] = 2, [POWER_X3] = 3, [POWER_X10] = 10};
    const struct plan_metric *metric = &plan->analysis.metrics[index];
    struct power_metric *power = &step->metrics[step->metrics_len++];
    double base = base_of(metric, traffic), w = (double)step->weight / PLAN_WEIGHT_ALL;
    double dwell_s = (double)plan->steps[step->step].min_dwell_ns / NS_PER_S;

    *power = (struct power_metric){.metric = index};
    power->smallest = smallest_ratio(plan, metric, traffic->rate, base, w, dwell_s);
    for (size_t i = 0; i < POWER_SIZES; i++) {
        double ratio = i == POWER_ALL_BAD ? 1 / base : fmin(ratios[i], 1 / base);

        power->sizes[i] = power_detect(plan, metric, traffic->rate, base, w, ratio);
    }
    if (metric->max_excess >= 1 || weight_next == 0)
        return;
    if (plan->analysis.forward == FORWARD_E_VALUE) {
        power->need = exact_need(plan, base, step->weight);
        power->forward_s = gate_time(plan, metric, power->need, step->rate);
        power->warm_s = warm_gate_time(plan, power->need, step->rate);
    } else {
        add_gate(power, plan, traffic, step, weight_next, past);
    }
}

static double least_time(const struct power_step *power, const struct plan_step *step, bool warm)
{
    double dwell_s =
        (double)(step->min_dwell_ns > step->bake_ns ? step->min_dwell_ns : step->bake_ns) / NS_PER_S;
    double forward_s = 0;

    if (step->pause == PAUSE_TIME)
        dwell_s = fmax(dwell_s, (double)step->pause_ns / NS_PER_S);
    switch (step->advance_on) {
    case ADVANCE_TIME:
        return dwell_s;
    case ADVANCE_TRAFFIC:
        forward_s = traffic_requests / power->rate;
        if (step->max_dwell_ns)
            forward_s = fmin(forward_s, (double)step->max_dwell_ns / NS_PER_S);
        return fmax(dwell_s, forward_s);
    case ADVANCE_EVIDENCE:
        break;
    }
    for (size_t i = 0; i < power->metrics_len; i++)
        forward_s = fmax(forward_s, warm ? power->metrics[i].warm_s : power->metrics[i].forward_s);
    return fmax(dwell_s, forward_s);
}

/* Until the weight is there: no dwell begins before. */
static double raise_time(const struct plan *plan, size_t index)
{
    uint32_t from = 0, to = plan->steps[index].weight;
    double speed;

    for (size_t i = 0; i < index; i++)
        if (plan->steps[i].kind == STEP_WEIGHT)
            from = plan->steps[i].weight;
    speed = plan_raise_speed(&plan->ramp, from, to);
    return speed > 0 && to > from ? (double)(to - from) / speed : 0;
}

static bool is_skipped(const struct plan *plan, size_t index, double canary_rate)
{
    const struct plan_step *step = &plan->steps[index];
    bool more = index + 1 < plan->steps_len && plan->steps[index + 1].kind == STEP_WEIGHT;

    return index > 0 && more && step->weight < LOW_WEIGHT && step->pause == PAUSE_NONE && !step->gate[0] &&
           canary_rate < plan->ramp.min_canary_rate;
}

/* Whether the grace of the step is likely to show that a canary like stable has no cold start: it is over
 * before the step is left, and brings requests enough. */
static bool shows_warm(const struct power_step *step, const struct plan *plan,
                       const struct power_traffic *traffic)
{
    double grace_s = (double)plan->ramp.grace_ns / NS_PER_S, n = step->rate * grace_s;
    bool any = false;

    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];
        double base = base_of(metric, traffic);

        if (metric->type != METRIC_LATENCY_SLO || metric->dry_run)
            continue;
        if (n <= 0 || evidence_upper(base * n, n) > base + judge_calm_excess(metric))
            return false;
        any = true;
    }
    return any && step->least_s >= grace_s;
}

static void add_step(struct power *power, const struct plan *plan, const struct power_traffic *traffic,
                     size_t index, bool *warm)
{
    size_t next = plan_next_weight_step(plan, index + 1);
    uint32_t weight_next = next < plan->steps_len ? plan->steps[next].weight : 0;
    struct power_step *step = &power->steps[power->len++];
    double past = 0;

    for (size_t i = 0; i + 1 < power->len; i++)
        past += power->steps[i].skipped ? 0 : power->steps[i].requests;
    *step = (struct power_step){.step = index, .weight = plan->steps[index].weight};
    step->rate = traffic->rate * step->weight / PLAN_WEIGHT_ALL;
    step->skipped = is_skipped(plan, index, step->rate);
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        if (plan_metric_may_roll_back(&plan->analysis.metrics[i]))
            add_metric(step, plan, traffic, i, weight_next, past);
    }
    step->least_s = least_time(step, &plan->steps[index], false);
    step->requests = step->least_s * step->rate;
    step->least_s += raise_time(plan, index);
    step->warm_s = raise_time(plan, index) + least_time(step, &plan->steps[index], *warm);
    if (step->skipped)
        return;
    power->least_s += step->least_s;
    power->warm_s += step->warm_s;
    *warm = *warm || shows_warm(step, plan, traffic);
}

/* ---- at 100 % ---- */

/* A one-sample CUSUM against the past finds the trouble, a probe beside stable proves it. */
static double watch_time(const struct plan *plan, const struct plan_metric *metric,
                         const struct power_traffic *traffic)
{
    static const double factors[] = {1.8, 4};
    double base = base_of(metric, traffic), share = fmin(10 * base, 1), best = INFINITY;
    double bin_s = (double)plan->analysis.bin_ns / NS_PER_S, bin_cap = 3;
    double q = fmin(0.15, 2 * base);

    for (size_t i = 0; i < ARRAY_LEN(factors); i++) {
        double a = fmin(0.8, factors[i] * q);
        double drift = traffic->rate * (share * log(a / q) + (1 - share) * log((1 - a) / (1 - q)));

        if (drift > 0)
            best = fmin(best, fmax(plan->watch.threshold / drift,
                                   bin_s * (ceil(plan->watch.threshold / bin_cap) - 1)));
    }
    return best + power_detect(plan, metric, traffic->rate, base,
                               (double)plan->watch.probe_weight / PLAN_WEIGHT_ALL, share / base)
                      .seconds;
}

static void add_watch(struct power *power, const struct plan *plan, const struct power_traffic *traffic)
{
    const struct plan_step *last = &plan->steps[plan->steps_len - 1];

    if (last->kind != STEP_WEIGHT || last->weight != PLAN_WEIGHT_ALL)
        return;
    power->bake_ns = last->bake_ns;
    if (!plan->watch.on)
        return;
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];

        if (plan_metric_may_roll_back(metric) && metric->type == METRIC_ERROR_RATE)
            power->watch_s = fmax(power->watch_s, watch_time(plan, metric, traffic));
    }
}

void power_init(struct power *power, const struct plan *plan, const struct power_traffic *traffic)
{
    double waits_s = 0;
    bool warm = false;

    memset(power, 0, sizeof(*power));
    for (size_t i = 0; i < plan->steps_len; i++) {
        const struct plan_step *step = &plan->steps[i];

        if (step->kind == STEP_PAUSE && step->pause == PAUSE_TIME)
            waits_s += (double)step->pause_ns / NS_PER_S;
        if (step->kind == STEP_WEIGHT && step->weight > 0 && step->weight < PLAN_WEIGHT_ALL)
            add_step(power, plan, traffic, i, &warm);
        if (step->kind == STEP_WEIGHT && step->weight == PLAN_WEIGHT_ALL)
            waits_s += raise_time(plan, i);
    }
    power->least_s += waits_s;
    power->warm_s += waits_s;
    add_watch(power, plan, traffic);
}

/* ---- warnings ---- */

struct warn {
    plan_report *report;
    void *arg;
};

static void say(const struct warn *warn, size_t step, const char *key, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
static void say(const struct warn *warn, size_t step, const char *key, const char *fmt, ...)
{
    char path[64], text[256];
    va_list args;

    snprintf(path, sizeof(path), "steps[%zu]%s%s", step, key[0] ? "." : "", key);
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    warn->report(warn->arg, path, text, true);
}

static const char *seconds_text(double seconds, char out[static DECISION_NUMBER_LEN])
{
    return decision_time(seconds < 1e9 ? (int64_t)(ceil(seconds) * (double)NS_PER_S) : ROLLOUT_NEVER, out);
}

/* The metric whose gate takes longest; NULL when there is none. */
static const struct power_metric *slowest_gate(const struct power_step *step)
{
    const struct power_metric *slowest = NULL;

    for (size_t i = 0; i < step->metrics_len; i++) {
        if (!slowest || step->metrics[i].forward_s > slowest->forward_s)
            slowest = &step->metrics[i];
    }
    return slowest;
}

/* Whether any size of trouble is seen within that time. */
static bool sees_anything(const struct power_step *step, double seconds)
{
    for (size_t i = 0; i < step->metrics_len; i++) {
        if (step->metrics[i].sizes[POWER_ALL_BAD].seconds <= seconds)
            return true;
    }
    return step->metrics_len == 0;
}

static void warn_step(const struct warn *warn, const struct power_step *step, const struct plan *plan)
{
    const struct plan_step *planned = &plan->steps[step->step];
    const struct power_metric *gate = slowest_gate(step);
    double dwell_s =
        (double)(planned->max_dwell_ns ? planned->max_dwell_ns : planned->min_dwell_ns) / NS_PER_S;
    char percent[PLAN_PERCENT_LEN], time[DECISION_NUMBER_LEN];

    plan_percent(step->weight, percent);
    if (step->rate < plan->ramp.min_canary_rate)
        say(warn, step->step, "setWeight", "%s %% are only %.2g requests a second to the canary%s", percent,
            step->rate, step->skipped ? ": the step is passed over" : "");
    if (step->skipped)
        return;
    if (planned->advance_on == ADVANCE_EVIDENCE && planned->max_dwell_ns && gate && gate->forward_s > dwell_s)
        say(warn, step->step, "maxDwell",
            "%s needs %s at %s %% until the next step is safe, more than maxDwell",
            plan->analysis.metrics[gate->metric].name, seconds_text(gate->forward_s, time), percent);
    if (planned->advance_on == ADVANCE_EVIDENCE && !planned->max_dwell_ns && gate && isinf(gate->forward_s))
        say(warn, step->step, "",
            "%s can never show at %s %% that the next step is safe: raise its maxExcess",
            plan->analysis.metrics[gate->metric].name, percent);
    if (planned->advance_on != ADVANCE_EVIDENCE && !sees_anything(step, dwell_s))
        say(warn, step->step, "",
            "nothing can be found out at %s %% in %s, not even that every request fails", percent,
            seconds_text(dwell_s, time));
}

void power_warn(const struct power *power, const struct plan *plan, const struct power_traffic *traffic,
                plan_report *report, void *arg)
{
    const struct warn warn = {report, arg};
    char bake[DECISION_NUMBER_LEN], watch[DECISION_NUMBER_LEN];

    for (size_t i = 0; i < power->len; i++)
        warn_step(&warn, &power->steps[i], plan);
    if (power->watch_s > (double)power->bake_ns / NS_PER_S)
        say(&warn, plan->steps_len - 1, "bake",
            "errors that are ten times as many are found after %s at %g requests a second, and the bake "
            "lasts %s",
            seconds_text(power->watch_s, watch), traffic->rate, decision_time(power->bake_ns, bake));
}
