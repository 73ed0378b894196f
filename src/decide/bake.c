/* At 100 % (decide/look.h): the bake, the probe that an alarm of the watch starts, and its end. */
#include "base/clk.h"
#include "decide/look.h"

#include <math.h>
#include <stdio.h>

static const double probe_mass = 0.075; /* of the ledger; each further probe has half of it */
/* A probe is over when the evidence has grown by less than this for so long, or in any case at last: at half
 * of the traffic. At a smaller share it takes as many requests of the canary, and so longer. */
static const struct {
    double growth;
    int64_t after_ns;
} clear_at[] = {{0.08, 120 * NS_PER_S}, {1.2, 300 * NS_PER_S}, {INFINITY, 1800 * NS_PER_S}};

static int64_t time_to_clear(const struct plan *plan, size_t i)
{
    double longer = (double)PLAN_WEIGHT_ALL / 2 / plan->watch.probe_weight;

    return (int64_t)((double)clear_at[i].after_ns * fmax(longer, 1));
}

static bool may_probe(const struct look *look)
{
    const struct rollout *r = look->r;

    return look->plan->watch.on && !r->locked && look->in->stable.healthy > 0;
}

/* "errors: more than 0.1 % of the requests to fargate are bad at 100 %, as ec2 had before". */
static bool start_probe(struct look *look, int metric)
{
    struct rollout *r = look->r;
    char reference[DECISION_NUMBER_LEN], percent[PLAN_PERCENT_LEN];
    uint32_t weight = look->plan->watch.probe_weight;

    look_metric(look, metric);
    decision_say(look->d,
                 "%s: clearly more requests to %s are bad than the %s that %s had before; %s %% go on to %s, "
                 "the others to %s, to compare",
                 look->d->metric_name, r->canary,
                 decision_share(watch_reference(&r->watch, look->plan, (size_t)metric), reference), r->stable,
                 plan_percent(weight, percent), r->canary, r->stable);
    look->d->action = ACTION_RETREAT;
    look->d->reason = REASON_PROBE;
    look->d->weight_to = weight;
    r->watch.mass = judge_probe(&r->judge, ldexp(probe_mass, -(int)r->watch.probes), look->plan);
    r->watch.probes++;
    r->watch.baked_ns = r->dwell_ns;
    watch_clear(&r->watch);
    rollout_take_weight(r, weight);
    rollout_set_state(r, ROLLOUT_PROBING, look->in->wall_ns);
    return true;
}

bool look_watching(struct look *look)
{
    const struct rollout *r = look->r;
    const struct plan_step *step = r->step < 0 ? NULL : &look->plan->steps[r->step];
    int64_t bake_ns = step ? step->bake_ns : 0;
    int alarm = watch_alarm(&r->watch, look->plan);
    char time[DECISION_NUMBER_LEN];

    if (r->state != ROLLOUT_WATCHING)
        return false;
    if (r->dwell_ns < bake_ns && !r->skip && !r->promote) {
        if (alarm >= 0 && may_probe(look))
            return start_probe(look, alarm);
        look->d->eta_ns = bake_ns - r->dwell_ns;
        decision_say(look->d, "bakes at 100 %% for another %s", decision_time(look->d->eta_ns, time));
        return look_hold(look, REASON_DWELL);
    }
    if (!r->skip && !r->promote && look_external(look))
        return true;
    decision_say(look->d, "%s has taken all traffic for %s", r->canary, decision_time(r->dwell_ns, time));
    look_forward_to(look, ACTION_PROMOTE, r->skip || r->promote ? REASON_MANUAL : REASON_BAKED, r->step,
                    r->weight);
    look->d->state = ROLLOUT_PROMOTED;
    return true;
}

/* ---- the probe ---- */

bool look_end_probe(struct look *look)
{
    look_forward_to(look, ACTION_FORWARD, REASON_PROBE_OVER, look->r->step, PLAN_WEIGHT_ALL);
    look->d->state = ROLLOUT_WATCHING;
    return true;
}

bool look_probing(struct look *look)
{
    const struct rollout *r = look->r;
    double growth = r->watch.mass > 0 ? look->verdict.e / r->watch.mass : 0;
    char time[DECISION_NUMBER_LEN];

    if (r->state != ROLLOUT_PROBING)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(clear_at); i++) {
        if (r->dwell_ns < time_to_clear(look->plan, i) || growth >= clear_at[i].growth)
            continue;
        if (look_external(look))
            return true;
        decision_say(look->d, "%s is no worse than %s in the same traffic after %s", r->canary, r->stable,
                     decision_time(r->dwell_ns, time));
        return look_end_probe(look);
    }
    decision_say(look->d, "compares %s with %s for %s so far; evidence %.2g of %.0f", r->canary, r->stable,
                 decision_time(r->dwell_ns, time), look->verdict.e, look->verdict.threshold);
    return look_hold(look, REASON_PROBE);
}

void rollout_end_probe(struct rollout *rollout, const struct plan *plan)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct evidence_counts *step = &rollout->judge.metrics[i].step;
        struct watch_metric *m = &rollout->watch.metrics[i];

        if (step->stable_requests)
            m->least = fmax(m->least, ((double)step->stable_bad + 1) / ((double)step->stable_requests + 1));
    }
}
