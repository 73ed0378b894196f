#include "decide/incident.h"

#include "base/clk.h"

#include <math.h>

static const double short_s = 20, long_s = 2000;              /* memories of the sums */
static const double bad_least = 4;                            /* requests */
static const double share_least = 0.02;                       /* bad ones among stable's */
static const double times_least = 4;                          /* as often as in the long memory */
static const double prior_bad = 1, prior_requests = 100;      /* so that an empty memory says something */
static const int64_t lasts_ns = 45 * NS_PER_S;                /* behind the last alarm */
enum { WEIGHT_MAX = PLAN_WEIGHT_ALL - PLAN_WEIGHT_ALL / 20 }; /* from it on stable says too little */

static bool is_watched(const struct plan_metric *metric)
{
    return !metric->dry_run && (metric->type == METRIC_ERROR_RATE || metric->type == METRIC_LATENCY_SLO);
}

static void take_metric(struct incident *incident, size_t i, double dt_s, const struct tally *tallies,
                        size_t len)
{
    double keep = exp(-dt_s / short_s), keep_long = exp(-dt_s / long_s);
    double requests = 0, bad = 0;

    incident->canary_requests[i] *= keep;
    incident->canary_bad[i] *= keep;
    for (size_t t = 0; t < len; t++) {
        incident->canary_requests[i] += (double)tallies[t].canary.metrics[i].requests;
        incident->canary_bad[i] += (double)tallies[t].canary.metrics[i].raw_bad;
        requests += (double)tallies[t].stable.metrics[i].requests;
        bad += (double)tallies[t].stable.metrics[i].raw_bad;
    }
    incident->stable_requests[i] = incident->stable_requests[i] * keep + requests;
    incident->stable_bad[i] = incident->stable_bad[i] * keep + bad;
    if (incident->on)
        return;
    incident->long_requests[i] = incident->long_requests[i] * keep_long + requests;
    incident->long_bad[i] = incident->long_bad[i] * keep_long + bad;
}

static bool is_alarm(const struct incident *incident, size_t i)
{
    double n = incident->stable_requests[i], bad = incident->stable_bad[i];
    double usual = (incident->long_bad[i] + prior_bad) / (incident->long_requests[i] + prior_requests);

    return bad >= bad_least && bad > share_least * n && bad > times_least * usual * n;
}

static bool take(struct incident *incident, const struct plan *plan, uint32_t weight, double dt_s,
                 const struct tally *tallies, size_t len)
{
    bool alarm = false;

    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        if (!is_watched(&plan->analysis.metrics[i]))
            continue;
        take_metric(incident, i, dt_s, tallies, len);
        if (alarm || weight >= WEIGHT_MAX || !is_alarm(incident, i))
            continue;
        alarm = true;
        incident->metric = (int32_t)i;
    }
    return alarm;
}

void incident_look(struct incident *incident, const struct plan *plan, uint32_t weight, int64_t dt_ns,
                   const struct tally *tallies, size_t len)
{
    incident->age_ns += dt_ns;
    incident->quiet_ns += dt_ns;
    if (take(incident, plan, weight, (double)dt_ns / NS_PER_S, tallies, len)) {
        incident->age_ns = incident->on ? incident->age_ns : 0;
        incident->on = true;
        incident->quiet_ns = 0;
    }
    if (incident->quiet_ns >= lasts_ns)
        incident->on = false;
}
