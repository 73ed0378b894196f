/*
 * Answers into tallies, as the workers count them live (proxy/score), for traffic that is over: each answer
 * is scored at its request's time, and a unit's bad answers count once a window. Thread: the caller's.
 */
#ifndef CLI_COUNTING_H
#define CLI_COUNTING_H

#include "base/hist.h"
#include "decide/guard.h"
#include "decide/plan.h"
#include "decide/tally.h"

#include <stdbool.h>
#include <stdint.h>

enum { COUNTING_STATUSES = 1000 };

struct units;

struct counting {
    size_t metrics_len;
    uint8_t bad_statuses[COUNTING_STATUSES]; /* a bit for each metric */
    uint8_t bad_failures;                    /* the same, for requests that the group did not answer */
    double slow_ms[PLAN_METRICS_MAX];
    size_t slow_metrics[PLAN_METRICS_MAX], slow_len;
    uint32_t window_s;                        /* of a unit; 0: each request counts for itself */
    uint8_t guards;                           /* a bit for each; 0: no answer times are asked for */
    enum metric_type types[PLAN_METRICS_MAX]; /* of guards */
    bool takes_all[PLAN_METRICS_MAX];         /* without a match: nobody knows paths here */
    int64_t guard_ns[PLAN_METRICS_MAX];       /* their thresholds; 0: none yet, or no guard */
    struct units *units, *guard_units;        /* the latter NULL without guards */
};

struct counting_answer {
    uint64_t key; /* a hash of the unit */
    double ms;
    uint32_t status; /* of the target */
    bool failed;     /* the group did not answer, whatever the status */
};

/* `plan` is finished and checked. A metric that looks at some requests only (match) sees none: what is
 * recorded knows neither paths nor headers. */
void counting_init(struct counting *counting, const struct plan *plan);
void counting_fini(struct counting *counting);
/* `latency` takes the answer time for the guards to learn from; NULL: not asked for (the canary). `second` is
 * monotonic. */
void counting_add(struct counting *counting, struct tally_side *side, struct hist *latency,
                  const struct counting_answer *answer, uint32_t second);
/* The thresholds of the guards from now on (rollout->guards). */
void counting_guards(struct counting *counting, const struct guards *guards);
/* Completes the tally of a second, before it is looked at. */
void counting_close(const struct counting *counting, struct tally *tally);

#endif
