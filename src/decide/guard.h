/*
 * The guards of shape: a canary whose answers are all within the SLO may still be much slower than stable's,
 * or suspiciously fast (empty pages with status 200). Bad is an answer beyond a quantile of stable's own
 * answer times, fixed before the requests that are compared with it, so the test of decide/evidence.h holds
 * as it is. A guard can only hold.
 *
 * All structs are plain data. Thread: any; pure.
 */
#ifndef DECIDE_GUARD_H
#define DECIDE_GUARD_H

#include "base/bug.h"
#include "base/hist.h"
#include "decide/evidence.h"
#include "decide/plan.h"
#include "decide/tally.h"

#include <stdbool.h>
#include <stdint.h>

enum { GUARD_LEARNS = 400 };     /* answers of stable that fix the quantiles */
extern const double guard_limit; /* of a guard's evidence, from which it holds */

struct guards {
    int64_t threshold_ns[PLAN_METRICS_MAX]; /* of the metric that is a guard; 0: not known yet */
    bool accepted[PLAN_METRICS_MAX];        /* a person, or shapeHoldMax, has ended its hold for good */
    int32_t holds;                          /* the metric that holds now; -1: none */
    int64_t held_ns;                        /* for so long */
    struct hist learned;                    /* stable's answers; not kept over a restart */
};

void guards_init(struct guards *guards);
/*
 * The guards, a bit each by the index of the metric, that learn from stable's answers now: only those that
 * they look at are asked for. 0: none. Guards of the same requests learn together, those of all requests
 * first; the others follow in the order of the plan.
 */
unsigned guards_learn(const struct guards *guards, const struct plan *plan);
/* Takes the answer times that guards_learn asked for; with enough of them the thresholds are fixed. */
void guards_feed(struct guards *guards, const struct plan *plan, const struct tally *tallies, size_t len);
/* What the test of a guard is run with. It can say nothing when its `ratio_max` is 1 or less: the canary's
 * share of bad answers cannot be as many times stable's as is tolerated. */
struct evidence_rule guard_rule(const struct plan *plan, const struct plan_metric *metric);
/* Whether an answer after `ns`, which was no failure, is bad for the guard. False while it learns. */
bool guard_is_bad(enum metric_type type, int64_t threshold_ns, int64_t ns);

#endif
