#include "oracle.h"

#include <math.h>

void oracle_init(struct oracle *oracle, const struct gen *gen)
{
    *oracle = (struct oracle){0};
    trace_world_init(&oracle->world, &gen->head);
}

static double planned(int64_t second)
{
    int64_t minute = second / 60;

    return minute >= 10 ? 1 : 0.05 * (double)(minute + 1);
}

double oracle_weight(struct oracle *oracle, double t)
{
    for (; (double)oracle->now <= t; oracle->now++) {
        double w = oracle->back ? 0 : planned(oracle->now);

        trace_world_weight(&oracle->world, (double)oracle->now, oracle->w, w);
        oracle->w = w;
    }
    return oracle->w;
}

static double ln_ratio(const struct gen *gen, const struct trace_outcome *outcome, bool alt)
{
    struct gen_odds stable, canary;
    double ratio, ok_stable, ok_canary;
    bool slow = outcome->ms > gen->head.slo_ms;

    gen_odds(gen, alt, &stable, &canary);
    ok_stable = 1 - stable.failed - stable.refused;
    ok_canary = 1 - canary.failed - canary.refused;
    if (outcome->status >= 500)
        ratio = canary.failed / stable.failed;
    else if (outcome->status >= 400)
        ratio = canary.refused / stable.refused;
    else
        ratio = ok_canary / ok_stable;
    ratio *= slow ? canary.slow / stable.slow : (1 - canary.slow) / (1 - stable.slow);
    return log(ratio);
}

bool oracle_feed(struct oracle *oracle, const struct gen *gen, const struct trace_request *request,
                 bool *alt_r)
{
    double w = oracle_weight(oracle, request->t);
    bool canary = trace_is_canary(&gen->head, request->key, oracle->ordinal++, w);

    *alt_r = trace_world_is_alt(&oracle->world, &gen->head, request->t, w);
    if (!canary || families[gen->kind].class != CLASS_BAD || oracle->back || request->t < gen->onset_s)
        return canary;
    oracle->ln_ratio += ln_ratio(gen, *alt_r ? &request->alt : &request->canary, *alt_r);
    oracle->back = oracle->ln_ratio >= log(100);
    return true;
}
