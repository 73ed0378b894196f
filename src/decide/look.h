/*
 * One look at a rollout, inside decide/: what rollout_step has at hand, and the checks that it asks in order.
 * A check that returns true has made the decision; one that returns false has nothing to say.
 */
#ifndef DECIDE_LOOK_H
#define DECIDE_LOOK_H

#include "base/bug.h"
#include "decide/rollout.h"

#include <stdbool.h>
#include <stdint.h>

struct look {
    struct rollout *r;
    const struct plan *plan;
    const struct rollout_input *in;
    struct decision *d;
    int64_t dt_ns; /* since the last look */
    struct verdict verdict;
    uint32_t failed; /* a bit for each external metric that has had a failure since */
};

/* ---- rollout.c ---- */

/* The one door to another state. */
void rollout_set_state(struct rollout *rollout, enum rollout_state state, int64_t wall_ns);
/* A decision to stay; the text is added by the caller. Always true. */
bool look_hold(struct look *look, enum reason reason);
/* A decision to go on to `step` with `weight`; nothing changes until the commit. Always true. */
bool look_forward_to(struct look *look, enum action action, enum reason reason, int32_t step,
                     uint32_t weight);
/* Puts the numbers of a metric into the decision. */
void look_metric(struct look *look, int metric);
/* Time since the raise after which a forward is thought of. */
int64_t look_settled_ns(const struct rollout *rollout, const struct plan *plan);
/* And the ratio of the groups with its interval, which takes a while: only for what is recorded. */
void look_ratio(struct look *look);
/* "41 of 5,120 requests to fargate failed, 19 of 15,300 to ec2, in 12m at 25 %". */
void look_say_counts(struct look *look);
/* What a probe has shown about stable is taken over. */
void rollout_end_probe(struct rollout *rollout, const struct plan *plan);
/* The pause of the present step that is still to be kept: PAUSE_NONE when the step was left forward before
 * (a retreat leads back to it). */
enum pause_kind rollout_pause(const struct rollout *rollout, const struct plan *plan);
/* The weight of the next raise towards the step `next`, a STEP_WEIGHT: the step's own, or a small raise after
 * a retreat, which may end before or somewhat above it. */
uint32_t rollout_raise(const struct rollout *rollout, const struct plan *plan, size_t next);
/* The weight is set to a lower one, or by hand, at once: new counts, no grace. */
void rollout_take_weight(struct rollout *rollout, uint32_t weight);

/* ---- back.c ---- */

bool look_orders(struct look *look);       /* S1: abort, a weight by hand, promote in full */
bool look_rolling_back(struct look *look); /* the way down and what follows it */
bool look_targets(struct look *look);      /* S2 */
bool look_back(struct look *look);         /* S4 */
bool look_give_up(struct look *look);      /* onInconclusive: rollback */

/* ---- guard.c ---- */

bool look_shape(struct look *look); /* S5 */

/* ---- outlier.c ---- */

/* After `metric` (-1: none) has said back: takes out the one target that is to blame, when there is one. */
bool look_outlier(struct look *look, enum reason reason, int metric);
bool look_outlier_hold(struct look *look);

/* ---- external.c ---- */

/* The metric that has failed too often, which the decision then tells; -1: none. */
int look_external_over(struct look *look);
/* Holds while an external metric is not known to be within its bounds. */
bool look_external(struct look *look);

/* ---- retreat.c ---- */

/* After `metric` (-1: none) has said back: to the last proven weight, when load may be why. */
bool look_retreat(struct look *look, enum reason reason, int metric);
bool look_retreating(struct look *look);
bool look_held(struct look *look);

/* ---- bake.c ---- */

bool look_watching(struct look *look);  /* at 100 */
bool look_probing(struct look *look);   /* compared with stable again */
bool look_end_probe(struct look *look); /* to 100 again; always true */

/* ---- forward.c ---- */

bool look_start(struct look *look);   /* pending */
bool look_resting(struct look *look); /* S6: paused, held, weight by hand */
bool look_forward(struct look *look); /* S7 to S14 */
/* The step that comes next (steps_len: none), and the weight that the gate is asked about (0: none). */
size_t look_next_step(const struct rollout *rollout, const struct plan *plan);
uint32_t look_next_weight(const struct rollout *rollout, const struct plan *plan);

#endif
