/*
 * What the workers have counted since the last tick. The control thread subtracts the shards' cells and hands
 * over one tally per weight in force at assignment: after a change two or three live at once, because
 * requests in flight keep the weight that they were drawn with.
 *
 * Only requests whose group was drawn count (assignment `random` or `sticky`): never an override, a route
 * with one group, a health check or marked synthetic traffic.
 */
#ifndef DECIDE_TALLY_H
#define DECIDE_TALLY_H

#include "base/hist.h"
#include "decide/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One metric of one group. `bad` <= `raw_bad` <= `requests`, summed over time. */
struct tally_metric {
    uint64_t requests; /* that the metric's `match` takes; without a match, all */
    uint64_t raw_bad;  /* bad ones, each request for itself, scored at the fixed age */
    uint64_t bad;      /* bad ones that count: the first of a unit within the unit's window */
};

struct tally_side {
    uint64_t requests;                             /* assigned */
    struct tally_metric metrics[PLAN_METRICS_MAX]; /* in the order of the plan's metrics */
};

struct tally {
    uint32_t weight; /* at assignment, hundredths of a percent */
    /* Of mirrored requests: each has an outcome on either side, as at half the weight. Only metrics that are
     * dry runs look at them, and the sides' own `requests` are 0. */
    bool pairs;
    struct tally_side canary, stable;
    /* Answer times of stable's requests that were no errors, from which guards learn; borrowed for the call;
     * NULL when none of the plan does. */
    const struct hist *latency;
};

enum {
    TALLY_WEIGHTS_MAX = 8,  /* tallies a tick */
    TALLY_TARGETS_MAX = 32, /* canary targets that are told apart */
};

/* One canary target, over all weights. */
struct tally_target {
    uint64_t id; /* the same for the target's life, also over a restart; 1 to INT64_MAX */
    char name[PLAN_NAME_MAX];
    uint64_t requests;
    uint64_t bad[PLAN_METRICS_MAX]; /* as tally_metric.bad */
};

#endif
