/*
 * A rollout that somebody else steers: the weights are those of a log, and each decision is what the plan
 * would have said then. Nothing follows from it: after one that goes back the evidence starts afresh, so that
 * later ones are seen too.
 *
 * Plain data. Thread: any; pure.
 */
#ifndef DECIDE_OBSERVER_H
#define DECIDE_OBSERVER_H

#include "base/bug.h"
#include "decide/plan.h"
#include "decide/rollout.h"

#include <stdbool.h>
#include <stdint.h>

struct observer {
    struct rollout rollout; /* read by others */
    enum action action;     /* the last that was told */
    enum reason reason;
    int32_t step;
};

void observer_init(struct observer *observer, const struct plan *plan, const char *stable,
                   const char *canary);
/* The weight is this from now on; the step is the plan's last one that is not above it. A raise has its
 * grace, as if the plan had made it. */
void observer_weight(struct observer *observer, const struct plan *plan, uint32_t weight, int64_t wall_ns);
/* One look, as rollout_step. True when there is something to tell. */
bool observer_look(struct observer *observer, const struct plan *plan, const struct rollout_input *input,
                   struct decision *decision_r);

#endif
