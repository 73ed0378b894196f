#include "decide/watch.h"

#include <math.h>

static const double ratios[WATCH_RATIOS] = {1.8, 4};
static const double bin_max = 3; /* nats that one bin may add */
static const double null_ratio = 2, null_max = 0.15, share_max = 0.8;
static const double prior_errors = 500, prior_slow = 200, slow_least = 0.003;

static bool is_watched(const struct plan_metric *metric)
{
    return plan_metric_may_roll_back(metric) &&
           (metric->type == METRIC_ERROR_RATE || metric->type == METRIC_LATENCY_SLO);
}

double watch_reference(const struct watch *watch, const struct plan *plan, size_t metric)
{
    const struct watch_metric *m = &watch->metrics[metric];
    bool slow = plan->analysis.metrics[metric].type == METRIC_LATENCY_SLO;
    double share = (m->stable_bad + 1) / (m->stable_requests + (slow ? prior_slow : prior_errors));

    return fmax(share, fmax(slow ? slow_least : 0, m->least));
}

void watch_learn(struct watch *watch, const struct plan *plan, const struct tally *tallies, size_t len)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        if (!is_watched(&plan->analysis.metrics[i]))
            continue;
        for (size_t t = 0; t < len; t++) {
            watch->metrics[i].stable_bad += (double)tallies[t].stable.metrics[i].bad;
            watch->metrics[i].stable_requests += (double)tallies[t].stable.metrics[i].requests;
        }
    }
}

static void close_bin(struct watch *watch)
{
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        struct watch_metric *m = &watch->metrics[i];

        for (size_t k = 0; k < WATCH_RATIOS; k++) {
            m->sum[k] = fmax(m->sum[k] + fmin(m->open[k], bin_max), 0);
            m->open[k] = 0;
        }
    }
}

static void feed_metric(struct watch_metric *m, double reference, const struct tally_metric *tally)
{
    double null = fmin(null_ratio * reference, null_max);
    double good = (double)(tally->requests - tally->bad);

    for (size_t k = 0; k < WATCH_RATIOS; k++) {
        double share = fmin(ratios[k] * null, share_max);

        m->open[k] += (double)tally->bad * log(share / null) + good * log1p((null - share) / (1 - null));
    }
}

void watch_feed(struct watch *watch, const struct plan *plan, const struct tally *tallies, size_t len,
                int64_t bin)
{
    if (bin != watch->bin)
        close_bin(watch);
    watch->bin = bin;
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        if (!is_watched(&plan->analysis.metrics[i]))
            continue;
        for (size_t t = 0; t < len; t++) {
            if (tallies[t].weight == PLAN_WEIGHT_ALL)
                feed_metric(&watch->metrics[i], watch_reference(watch, plan, i),
                            &tallies[t].canary.metrics[i]);
        }
    }
}

int watch_alarm(const struct watch *watch, const struct plan *plan)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct watch_metric *m = &watch->metrics[i];

        for (size_t k = 0; k < WATCH_RATIOS; k++) {
            if (m->sum[k] + fmin(m->open[k], bin_max) >= plan->watch.threshold)
                return (int)i;
        }
    }
    return -1;
}

void watch_clear(struct watch *watch)
{
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        for (size_t k = 0; k < WATCH_RATIOS; k++)
            watch->metrics[i].sum[k] = watch->metrics[i].open[k] = 0;
    }
}
