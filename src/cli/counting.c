#include "cli/counting.h"

#include "base/clk.h"
#include "proxy/units.h"

#include <string.h>

/* Failures are slow too, so that fast ones do not look fast; the other judges see the answer times alone. */
static bool is_bad_status(const struct plan *plan, const struct plan_metric *metric, unsigned status)
{
    if (metric->type == METRIC_LATENCY_SLO)
        return status >= 500 && plan->judge == JUDGE_PENSTOCK;
    return plan_status_is_bad(metric, status);
}

static void learn_metric(struct counting *counting, const struct plan *plan, size_t index)
{
    const struct plan_metric *metric = &plan->analysis.metrics[index];
    uint8_t bit = (uint8_t)(1u << index);

    if (metric->type == METRIC_LATENCY_SLO) {
        counting->slow_metrics[counting->slow_len++] = index;
        counting->slow_ms[index] = (double)metric->threshold_ns / (double)NS_PER_MS;
    }
    if (metric->type == METRIC_ERROR_RATE ||
        (metric->type == METRIC_LATENCY_SLO && plan->judge == JUDGE_PENSTOCK))
        counting->bad_failures |= bit;
    for (unsigned status = 0; status < COUNTING_STATUSES; status++) {
        if (is_bad_status(plan, metric, status))
            counting->bad_statuses[status] |= bit;
    }
}

void counting_init(struct counting *counting, const struct plan *plan)
{
    const struct plan_analysis *analysis = &plan->analysis;

    memset(counting, 0, sizeof *counting);
    counting->metrics_len = analysis->metrics_len;
    counting->units = units_new();
    if (analysis->unit != UNIT_REQUEST)
        counting->window_s = (uint32_t)(analysis->unit_window_ns / NS_PER_S);
    for (size_t i = 0; i < analysis->metrics_len; i++) {
        if (plan_metric_is_guard(&analysis->metrics[i]))
            counting->guards |= (uint8_t)(1u << i);
        counting->types[i] = analysis->metrics[i].type;
        counting->takes_all[i] = plan_match_is_everything(&analysis->metrics[i].match);
        if (plan_metric_is_judged(&analysis->metrics[i]) &&
            plan_match_is_everything(&analysis->metrics[i].match))
            learn_metric(counting, plan, i);
    }
    if (counting->guards)
        counting->guard_units = units_new();
}

void counting_fini(struct counting *counting)
{
    units_free(counting->units);
    units_free(counting->guard_units);
    counting->units = counting->guard_units = NULL;
}

static void add_bad(struct counting *counting, struct tally_side *side, unsigned metrics, uint64_t key,
                    uint32_t second)
{
    while (metrics) {
        unsigned i = (unsigned)__builtin_ctz(metrics);

        metrics &= metrics - 1;
        struct units *units = counting->guards >> i & 1 ? counting->guard_units : counting->units;

        side->metrics[i].raw_bad++;
        if (!counting->window_s || units_first(units, key * (2 * i + 1), second + 1, counting->window_s))
            side->metrics[i].bad++;
    }
}

void counting_guards(struct counting *counting, const struct guards *guards)
{
    for (size_t i = 0; i < counting->metrics_len; i++)
        counting->guard_ns[i] = counting->takes_all[i] ? guards->threshold_ns[i] : 0;
}

/* Whatever became of it, what was still open at the threshold is slower; only an answer can be too fast. */
static unsigned ask_guards(const struct counting *counting, bool answered, int64_t ns)
{
    unsigned bad = 0;

    for (size_t i = 0; i < counting->metrics_len; i++) {
        if (counting->guard_ns[i] && (answered || counting->types[i] == METRIC_LATENCY_SHIFT) &&
            guard_is_bad(counting->types[i], counting->guard_ns[i], ns))
            bad |= 1u << i;
    }
    return bad;
}

void counting_add(struct counting *counting, struct tally_side *side, struct hist *latency,
                  const struct counting_answer *answer, uint32_t second)
{
    unsigned bad = answer->status < COUNTING_STATUSES ? counting->bad_statuses[answer->status] : 0;
    bool answered = answer->status < 400 && !answer->failed;
    int64_t ns = (int64_t)(answer->ms * (double)NS_PER_MS);

    side->requests++;
    if (answer->failed)
        bad |= counting->bad_failures;
    for (size_t i = 0; i < counting->slow_len; i++) {
        size_t metric = counting->slow_metrics[i];

        if (answer->ms > counting->slow_ms[metric])
            bad |= 1u << metric;
    }
    if (counting->guards)
        bad |= ask_guards(counting, answered, ns);
    if (latency && answered)
        latency->count[hist_bucket(ns)]++;
    if (bad)
        add_bad(counting, side, bad, answer->key, second);
}

void counting_close(const struct counting *counting, struct tally *tally)
{
    for (size_t i = 0; i < counting->metrics_len; i++) {
        tally->canary.metrics[i].requests = tally->canary.requests;
        tally->stable.metrics[i].requests = tally->stable.requests;
    }
}
