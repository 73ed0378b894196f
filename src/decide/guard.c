#include "decide/guard.h"

#include "base/clk.h"
#include "decide/look.h"

#include <stdio.h>
#include <string.h>

const double guard_limit = 200;
static const double over_below = 1; /* nothing speaks against it any more */

void guards_init(struct guards *guards)
{
    memset(guards, 0, sizeof(*guards));
    guards->holds = -1;
}

/* A guard that has no threshold yet. */
static bool is_new(const struct guards *guards, const struct plan *plan, size_t i)
{
    return plan->judge == JUDGE_PENSTOCK && plan_metric_is_guard(&plan->analysis.metrics[i]) &&
           guards->threshold_ns[i] == 0;
}

/* The requests whose quantile is learned next; NULL: none. */
static const struct plan_match *next_match(const struct guards *guards, const struct plan *plan)
{
    const struct plan_match *next = NULL;

    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct plan_match *match = &plan->analysis.metrics[i].match;

        if (is_new(guards, plan, i) && (!next || plan_match_is_everything(match)))
            next = match;
    }
    return next;
}

unsigned guards_learn(const struct guards *guards, const struct plan *plan)
{
    const struct plan_match *match = next_match(guards, plan);
    unsigned learning = 0;

    for (size_t i = 0; match && i < plan->analysis.metrics_len; i++) {
        if (is_new(guards, plan, i) && memcmp(match, &plan->analysis.metrics[i].match, sizeof(*match)) == 0)
            learning |= 1u << i;
    }
    return learning;
}

static void add(struct hist *sum, const struct hist *what)
{
    for (size_t i = 0; i < HIST_BUCKETS; i++)
        sum->count[i] += what->count[i];
}

void guards_feed(struct guards *guards, const struct plan *plan, const struct tally *tallies, size_t len)
{
    unsigned learning = guards_learn(guards, plan);

    if (!learning)
        return;
    for (size_t t = 0; t < len; t++) {
        if (tallies[t].latency)
            add(&guards->learned, tallies[t].latency);
    }
    if (hist_total(&guards->learned) < GUARD_LEARNS)
        return;
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];

        if (learning >> i & 1)
            guards->threshold_ns[i] = hist_quantile(&guards->learned, metric->quantiles[0]);
    }
    memset(&guards->learned, 0, sizeof(guards->learned));
}

/* Stable's share of bad answers, by the quantile. */
static double tail(const struct plan_metric *metric)
{
    return metric->type == METRIC_LATENCY_SHIFT ? 1 - metric->quantiles[0] : metric->quantiles[0];
}

struct evidence_rule guard_rule(const struct plan *plan, const struct plan_metric *metric)
{
    return (struct evidence_rule){.tolerance = metric->tolerance,
                                  .cap = {plan->analysis.bin_cap[0], plan->analysis.bin_cap[1]},
                                  .bin_ns = plan->analysis.bin_ns,
                                  .ratio_max = 1 / (tail(metric) * metric->tolerance)};
}

bool guard_is_bad(enum metric_type type, int64_t threshold_ns, int64_t ns)
{
    if (threshold_ns <= 0)
        return false;
    return type == METRIC_LATENCY_SHIFT ? ns > threshold_ns : ns < threshold_ns;
}

/* ---- S5 ---- */

static bool is_armed(const struct look *look, size_t i)
{
    const struct plan_metric *metric = &look->plan->analysis.metrics[i];

    return plan_metric_is_guard(metric) && !metric->dry_run && !look->r->guards.accepted[i];
}

/* The guard that holds, or begins to; -1: none. */
static int holding(const struct look *look)
{
    const struct guards *guards = &look->r->guards;
    int most = -1;

    if (guards->holds >= 0 && is_armed(look, (size_t)guards->holds) &&
        look->verdict.metrics[guards->holds].e >= over_below)
        return guards->holds;
    for (size_t i = 0; i < look->plan->analysis.metrics_len; i++) {
        double e = look->verdict.metrics[i].e;

        if (is_armed(look, i) && e >= guard_limit && (most < 0 || e > look->verdict.metrics[most].e))
            most = (int)i;
    }
    return most;
}

static bool is_over(const struct look *look)
{
    int64_t most_ns = look->plan->analysis.shape_hold_max_ns;

    return most_ns > 0 && look->r->guards.held_ns >= most_ns;
}

static bool hold(struct look *look, int metric)
{
    const struct plan_metric *guard = &look->plan->analysis.metrics[metric];
    bool shift = guard->type == METRIC_LATENCY_SHIFT;

    look_metric(look, metric);
    look_say_counts(look);
    decision_say(look->d, "; %s answers %g %% of its requests within %.3g ms; evidence %.3g of %.0f; ",
                 look->r->stable, guard->quantiles[0] * 100,
                 (double)look->r->guards.threshold_ns[metric] / NS_PER_MS, look->verdict.metrics[metric].e,
                 guard_limit);
    decision_say(look->d, "`resume` accepts it, `abort` goes back");
    return look_hold(look, shift ? REASON_LATENCY_SHIFT : REASON_SUSPICIOUSLY_FAST);
}

bool look_shape(struct look *look)
{
    struct rollout *r = look->r;
    int metric;

    if (r->state != ROLLOUT_RUNNING || r->manual || r->skip || r->weight == 0 || r->weight == PLAN_WEIGHT_ALL)
        return false;
    metric = holding(look);
    r->guards.held_ns = metric >= 0 && metric == r->guards.holds ? r->guards.held_ns + look->dt_ns : 0;
    r->guards.holds = metric;
    if (metric < 0)
        return false;
    if (!is_over(look))
        return hold(look, metric);
    r->guards.accepted[metric] = true;
    r->guards.holds = -1;
    return false;
}
