/*
 * Retreat (decide/look.h): a canary that was fine at the last weight and fails at this one may only lack the
 * capacity. It goes back to the last proven weight. If it is well there, load was the reason: the raises from
 * there are made small, so that scaling can follow; a second time it is held until targets or a person come.
 */
#include "base/clk.h"
#include "decide/look.h"

#include <math.h>
#include <stdio.h>

static const double fresh_mass = 0.25, fresh_part = 0.1; /* of the ledger; of the usual threshold */
static const double start_mass = 0.4;                    /* after the probation */
static const double better = 0.5;                        /* shares at the proven weight against those now */
static const double errors_max = 0.2;                    /* more failures than that are not load */
static const uint64_t slow_least = 5, requests_least = 30;
static const double capacity_growth = 1.2; /* healthy targets that end a hold */
static const int64_t drain_max_ns = 15 * NS_PER_S;
static const int64_t drain_part = 2; /* of the probation at most: half */
enum { SMALL_MAX = 8200 };           /* beyond it the next raise goes to 100 */

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static double share_now(const struct judge_metric *metric)
{
    return share(metric->step.canary_bad, metric->step.canary_requests);
}

static double share_in_grace(const struct judge_metric *metric)
{
    return share(metric->grace.canary_bad, metric->grace.canary_requests);
}

/* The first metric of that type that may roll back; -1: none. */
static int metric_of(const struct plan *plan, enum metric_type type)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        if (plan->analysis.metrics[i].type == type && plan_metric_may_roll_back(&plan->analysis.metrics[i]))
            return (int)i;
    }
    return -1;
}

/* The upper limit that the last weight has proven; the first step proves nothing about slow answers. */
static double proven(const struct look *look, int metric)
{
    const struct plan *plan = look->plan;
    uint32_t smoke = plan->steps[plan_next_weight_step(plan, 0)].weight;

    if (plan->analysis.metrics[metric].type == METRIC_LATENCY_SLO && look->r->proven <= smoke)
        return 1;
    return look->r->judge.metrics[metric].proven;
}

/* Whether the trigger was clearly rarer at the last weight; the share now goes to *share_r. */
static bool was_better(const struct look *look, int metric, double *share_r)
{
    const struct judge_metric *state = &look->r->judge.metrics[metric];
    bool slow = look->plan->analysis.metrics[metric].type == METRIC_LATENCY_SLO;

    *share_r = slow ? fmax(share_now(state), share_in_grace(state)) : share_now(state);
    return proven(look, metric) < better * *share_r;
}

/* The metric by which the trouble is linked to the raise; -1: it is not. */
static int linked_metric(const struct look *look, int trigger, double *share_r)
{
    int slow = metric_of(look->plan, METRIC_LATENCY_SLO);

    if (was_better(look, trigger, share_r))
        return trigger;
    if (slow < 0 || look->r->judge.metrics[slow].grace.canary_bad < slow_least)
        return -1;
    *share_r = share_in_grace(&look->r->judge.metrics[slow]);
    return proven(look, slow) < better * *share_r ? slow : -1;
}

static bool may_retreat(const struct look *look, int trigger)
{
    const struct rollout *r = look->r;
    const struct plan *plan = look->plan;
    int errors = metric_of(plan, METRIC_ERROR_RATE);

    if (!plan->ramp.retreat || r->retreat.count >= plan->ramp.retreat_max || trigger < 0)
        return false;
    if ((r->state != ROLLOUT_RUNNING && r->state != ROLLOUT_WATCHING) || r->manual || r->proven == 0 ||
        r->proven >= r->target)
        return false;
    if (plan->analysis.metrics[trigger].type != METRIC_ERROR_RATE &&
        plan->analysis.metrics[trigger].type != METRIC_LATENCY_SLO)
        return false;
    return errors < 0 || share_now(&r->judge.metrics[errors]) < errors_max;
}

/* The last step whose weight is not above this one. */
static int32_t step_of(const struct plan *plan, uint32_t weight, int32_t at_most)
{
    int32_t found = -1;

    for (int32_t i = 0; i <= at_most; i++) {
        if (plan->steps[i].kind == STEP_WEIGHT && plan->steps[i].weight <= weight)
            found = i;
    }
    return found;
}

/* What has piled up at the higher weight is worked off first and slows down what comes now. */
static int64_t drain_ns(const struct plan *plan)
{
    int64_t part_ns = plan->ramp.retreat_probation_ns / drain_part;

    return part_ns < drain_max_ns ? part_ns : drain_max_ns;
}

bool look_retreat(struct look *look, enum reason reason, int trigger)
{
    struct rollout *r = look->r;
    char from[PLAN_PERCENT_LEN], to[PLAN_PERCENT_LEN];
    double bad;
    int metric;

    if (reason == REASON_TARGETS || reason == REASON_INCONCLUSIVE || reason == REASON_EXTERNAL ||
        !may_retreat(look, trigger))
        return false;
    metric = linked_metric(look, trigger, &bad);
    if (metric < 0)
        return false;
    decision_say(look->d, "; it was well at %s %%: back from %s %% to see whether load is the reason",
                 plan_percent(r->proven, to), plan_percent(r->weight, from));
    look->d->action = ACTION_RETREAT;
    look->d->reason = reason;
    look->d->weight_to = r->proven;
    r->retreat.count++;
    r->retreat.metric = metric;
    r->retreat.share = bad;
    r->retreat.quiet_ns = 0;
    r->warm = false;
    r->retreat.forgiving = true; /* while it drains */
    r->approved = r->skip = false;
    r->step = r->weight_step = step_of(look->plan, r->proven, r->weight_step);
    rollout_take_weight(r, r->proven);
    r->grace_ns = drain_ns(look->plan);
    judge_restart(&r->judge, fresh_mass, fresh_part / look->plan->analysis.false_rollback);
    rollout_set_state(r, ROLLOUT_RETREATING, look->in->wall_ns);
    look->d->step = r->step;
    return true;
}

/* ---- what follows ---- */

/* Well at the proven weight: load was the reason. */
static bool end_probation(struct look *look)
{
    struct rollout *r = look->r;
    bool again = r->retreat.small;

    judge_restart(&r->judge, start_mass, 1 / look->plan->analysis.false_rollback);
    r->retreat.small = true;
    r->retreat.raised = false;
    r->retreat.held_health = look->in->canary.healthy;
    rollout_set_state(r, again ? ROLLOUT_HELD : ROLLOUT_RUNNING, look->in->wall_ns);
    return again ? look_resting(look) : look_forward(look);
}

bool look_retreating(struct look *look)
{
    struct rollout *r = look->r;
    const struct evidence_counts *step = &r->judge.metrics[r->retreat.metric].step;
    double upper = evidence_upper((double)step->canary_bad, (double)step->canary_requests);
    char time[DECISION_NUMBER_LEN], limit[DECISION_NUMBER_LEN];

    if (r->state != ROLLOUT_RETREATING)
        return false;
    if (r->in_force && !r->incident.on)
        r->retreat.quiet_ns += look->dt_ns;
    if (r->retreat.quiet_ns >= look->plan->ramp.retreat_probation_ns &&
        step->canary_requests >= requests_least && upper < better * r->retreat.share)
        return end_probation(look);
    look_metric(look, r->retreat.metric);
    decision_say(look->d, "%s: probation for %s so far; fewer than %s of the requests to %s may be bad here",
                 look->d->metric_name, decision_time(r->retreat.quiet_ns, time),
                 decision_share(better * r->retreat.share, limit), r->canary);
    return look_hold(look, REASON_LOAD_DEPENDENT);
}

bool look_held(struct look *look)
{
    struct rollout *r = look->r;
    char percent[PLAN_PERCENT_LEN];

    if (r->state != ROLLOUT_HELD)
        return false;
    if (r->retreat.held_health &&
        (double)look->in->canary.healthy >= capacity_growth * (double)r->retreat.held_health) {
        rollout_set_state(r, ROLLOUT_RUNNING, look->in->wall_ns);
        return false;
    }
    decision_say(
        look->d,
        "%s is well at %s %% and fails above, for the second time: it waits for a fifth more healthy "
        "targets than %u, for `resume` or for `retry`",
        r->canary, plan_percent(r->weight, percent), r->retreat.held_health);
    return look_hold(look, REASON_LOAD_DEPENDENT);
}

/* Whether the raises may pass by the weight of this step: nobody waits there. */
static bool is_plain(const struct plan *plan, size_t step)
{
    const struct plan_step *s = &plan->steps[step];

    return s->pause == PAUSE_NONE && !s->gate[0] && !s->window[0] && s->weight < PLAN_WEIGHT_ALL &&
           step + 1 < plan->steps_len && plan->steps[step + 1].kind == STEP_WEIGHT;
}

uint32_t rollout_raise(const struct rollout *rollout, const struct plan *plan, size_t next)
{
    uint32_t target = plan->steps[next].weight;
    double weight = fmax(floor(rollout->weight * plan->ramp.retreat_raise_factor), rollout->weight + 1);

    if (!rollout->retreat.small || rollout->weight == 0 || rollout->weight >= SMALL_MAX ||
        target <= rollout->weight)
        return target;
    if (is_plain(plan, next))
        target = plan->steps[next + 1].weight;
    return (uint32_t)fmin(weight, target);
}
