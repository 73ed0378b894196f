/*
 * The judges `threshold` and `flagger`: what Argo Rollouts, CloudWatch alarms and Flagger make of the
 * canary's windows. They are here to be compared with on the same traffic (decisions.md 4.4, 6.1, 6.2, 6.6);
 * nobody can say how often they send a healthy canary back.
 *
 * A metric is read as the share of bad requests among the canary's in a window, every one counted, and fails
 * above its `max` or below its `min`. So a success rate below 99 % is a share of errors above 0.01, and a P99
 * above the threshold is a share of slow answers above 0.01.
 *
 *   measurements  a reading each interval; more failed ones than failureLimit over the whole run, consecutive
 *                 or not: back. At 100 nothing is read any more. With noData: error a window without a
 * request is an error: more than consecutiveErrorLimit of them in a row go back as well. One in which no
 * metric had a request is no measurement, and the next comes after 10 s, as in Argo. alarm         a reading
 * each period; M of the last N beyond the limit: back, also in the bake. flagger       a check each interval:
 * the first metric that fails adds 1 and there is no step; else the next step. Back at the check after the
 * sum of all failed ones has reached the threshold. Silence fails.
 *
 * Plain data. Thread: any; pure.
 */
#ifndef DECIDE_PEER_H
#define DECIDE_PEER_H

#include "decide/decision.h"
#include "decide/judge.h"
#include "decide/plan.h"
#include "decide/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_PERIODS_MAX = 32 }; /* of an alarm */

struct peer_metric {
    uint64_t requests, bad;           /* the canary's in the open window */
    uint64_t last_requests, last_bad; /* in the one before: the last reading */
    uint32_t failed, inconclusive;    /* readings so far */
    uint32_t errors;                  /* the last so many were, in a row */
    uint32_t points, points_len; /* alarm: the last periods, the newest in bit 0, set when beyond the limit */
    bool alarm;
};

struct peer {
    int64_t age_ns;    /* of the rollout */
    int64_t window_ns; /* since the open window began */
    uint32_t readings;
    bool erred;             /* the last one had nothing but errors */
    uint32_t failed_checks; /* flagger */
    int32_t culprit;        /* the metric that failed last; -1: none */
    struct peer_metric metrics[PLAN_METRICS_MAX];
};

struct peer_context {
    int64_t dt_ns;   /* since the last look */
    uint32_t weight; /* in force */
    bool judged;     /* false: before startingStep, or within initialDelay */
};

void peer_init(struct peer *peer);
/* One look of a plan whose judge is not `penstock`: takes the tallies and gives the verdict of it. PASS: the
 * step may be left, as far as this judge is concerned. */
void peer_look(struct peer *peer, const struct plan *plan, const struct peer_context *context,
               const struct tally *tallies, size_t len, struct verdict *verdict_r);
/* Adds to the decision's text what the judge has seen and what it waits for. */
void peer_say(const struct peer *peer, const struct plan *plan, struct decision *decision);

#endif
