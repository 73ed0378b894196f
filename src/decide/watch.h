/*
 * The watch at 100 %: without stable traffic the canary can only be compared with what stable did before.
 * One-sample CUSUMs on that reference raise an alarm; since a change against the past may be anybody's doing,
 * the alarm only starts a probe, in which part of the traffic goes to stable again and the evidence decides.
 * Page, Continuous Inspection Schemes (1954).
 *
 * All structs are plain data. Thread: any; pure.
 */
#ifndef DECIDE_WATCH_H
#define DECIDE_WATCH_H

#include "base/bug.h"
#include "decide/plan.h"
#include "decide/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WATCH_RATIOS = 2 }; /* alternatives */

struct watch_metric {
    double stable_bad, stable_requests; /* stable's counted units outside incidents: the reference */
    double least;                       /* a probe has shown that stable has this share too */
    double sum[WATCH_RATIOS];           /* nats of closed bins */
    double open[WATCH_RATIOS];          /* of the open bin */
};

struct watch {
    struct watch_metric metrics[PLAN_METRICS_MAX];
    int64_t bin;      /* number of the open bin */
    uint32_t probes;  /* so far */
    double mass;      /* of the ledger, with which the present probe began */
    int64_t baked_ns; /* time at 100 before the present probe */
};

/* Learns stable's share while both groups have traffic. */
void watch_learn(struct watch *watch, const struct plan *plan, const struct tally *tallies, size_t len);
/* Takes the canary's requests at 100 %; `bin` is the number of the open bin. */
void watch_feed(struct watch *watch, const struct plan *plan, const struct tally *tallies, size_t len,
                int64_t bin);
/* The metric whose sum has reached the plan's threshold; -1: none. */
int watch_alarm(const struct watch *watch, const struct plan *plan);
/* The share of bad requests that the metric is compared with. */
double watch_reference(const struct watch *watch, const struct plan *plan, size_t metric);
/* The sums begin anew. */
void watch_clear(struct watch *watch);

#endif
