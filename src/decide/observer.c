#include "decide/observer.h"

#include "decide/look.h"

static const double fresh_mass = 0.4; /* of the ledger: what the evidence begins with, each time */

void observer_init(struct observer *observer, const struct plan *plan, const char *stable, const char *canary)
{
    *observer = (struct observer){.step = -1};
    rollout_init(&observer->rollout, plan, stable, canary);
}

/* The last step with a weight that is not above this one, or the first. */
static int32_t step_of(const struct plan *plan, uint32_t weight)
{
    size_t found = plan_next_weight_step(plan, 0);

    for (size_t i = found; i < plan->steps_len; i = plan_next_weight_step(plan, i + 1)) {
        if (plan->steps[i].weight <= weight)
            found = i;
    }
    return (int32_t)found;
}

void observer_weight(struct observer *observer, const struct plan *plan, uint32_t weight, int64_t wall_ns)
{
    struct rollout *r = &observer->rollout;
    const struct decision raise = {
        .action = ACTION_FORWARD,
        .reason = REASON_TIME,
        .commit = true,
        .wall_ns = wall_ns,
        .state = weight == PLAN_WEIGHT_ALL ? ROLLOUT_WATCHING : ROLLOUT_RUNNING,
        .step = step_of(plan, weight),
        .weight_to = weight,
    };

    if (weight == r->weight)
        return;
    if (weight > r->weight) {
        rollout_commit(r, plan, &raise);
        r->weight = r->target; /* a ramp was somebody else's matter */
        return;
    }
    rollout_take_weight(r, weight);
    r->step = r->weight_step = raise.step;
    rollout_set_state(r, ROLLOUT_RUNNING, wall_ns);
}

static bool goes_back(enum action action)
{
    return action == ACTION_ROLLBACK || action == ACTION_RETREAT;
}

static bool is_new(struct observer *observer, const struct decision *decision)
{
    bool same = decision->action == observer->action && decision->reason == observer->reason &&
                decision->step == observer->step;

    if (!decision->fresh || decision->action == ACTION_NONE)
        return false;
    observer->action = decision->action;
    observer->reason = decision->reason;
    observer->step = decision->step;
    return !same || goes_back(decision->action);
}

bool observer_look(struct observer *observer, const struct plan *plan, const struct rollout_input *input,
                   struct decision *decision_r)
{
    struct rollout *r = &observer->rollout, before = *r;

    if (r->weight == 0)
        return false;
    rollout_step(r, plan, input, decision_r);
    /* Where it would have moved by itself, it is where it was, with fresh evidence and counts. */
    if (r->weight != before.weight || r->state != before.state) {
        before.clock_known = r->clock_known;
        before.last_ns = r->last_ns;
        *r = before;
        judge_restart(&r->judge, fresh_mass, 1 / plan->analysis.false_rollback);
        judge_new_step(&r->judge);
        watch_clear(&r->watch);
        peer_init(&r->peer);
    }
    return is_new(observer, decision_r);
}
