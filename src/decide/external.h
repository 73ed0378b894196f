/*
 * External metrics: numbers that queries to other systems return, held against fixed bounds. Nobody knows
 * how such a number varies, so no evidence is made of it and falseRollback says nothing about it:
 *
 *   within its bounds   good news, as long as it is younger than two intervals and than the present weight
 *   beyond them         a failure: nothing moves forward, and more of them than failureLimit send the canary
 *                       back (or hold, by onRegression). They are counted over the whole rollout, not in a
 *                       row, as Argo Rollouts counts failed measurements
 *   no data             neither: it holds, and counts as nothing
 *
 * Whoever asks the queries hands their answers to rollout_step; what is kept of them is plain data.
 * Thread: any; pure.
 */
#ifndef DECIDE_EXTERNAL_H
#define DECIDE_EXTERNAL_H

#include "decide/plan.h"
#include "decide/words.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXTERNAL_WHY_MAX = 160 }; /* bytes with NUL */

/* What a query has answered since the last look. */
struct external_answer {
    bool given; /* false: nothing has come */
    bool known; /* there is a value; it is finite */
    double value;
    int64_t age_ns;  /* since it was asked for */
    const char *why; /* not known: why, for people; borrowed */
};

/* The last answer. */
struct external {
    enum external_state state;
    double value;   /* of the last answer that had one */
    int64_t age_ns; /* of the last answer, since it was asked for */
    char why[EXTERNAL_WHY_MAX];
};

struct externals {
    uint32_t failed[PLAN_METRICS_MAX]; /* answers beyond the bounds so far; all that outlives a restart */
    struct external now[PLAN_METRICS_MAX];
};

/* Takes the answers (PLAN_METRICS_MAX, at the index of the metric) after `dt_ns`. What is beyond the bounds
 * is counted when `counts`: the canary has requests, and the plan says that it is judged already. Gives the
 * metrics of which something was counted, a bit each. */
uint32_t externals_take(struct externals *externals, const struct plan *plan,
                        const struct external_answer *answers, int64_t dt_ns, bool counts);
/* One that acts has more failures than its limit allows. */
bool externals_are_over(const struct externals *externals, const struct plan *plan);

#endif
