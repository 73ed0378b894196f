/*
 * The detector of shared failures: stable fails far more often than it used to, so what happens now is not
 * the canary's doing, or not only. Meanwhile nothing moves forward, and the test tolerates more, since
 * incidents do not strike both groups equally. It never stops the evidence. Section 2.7 of the method.
 *
 * Plain data. Thread: any; pure.
 */
#ifndef DECIDE_INCIDENT_H
#define DECIDE_INCIDENT_H

#include "decide/plan.h"
#include "decide/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The least tolerance of every metric while an incident lasts. */
#define INCIDENT_TOLERANCE 3.0

/* Decaying sums of requests and of bad ones, each request for itself; at the index of the metric. */
struct incident {
    double stable_requests[PLAN_METRICS_MAX], stable_bad[PLAN_METRICS_MAX]; /* about the last 20 s */
    double canary_requests[PLAN_METRICS_MAX], canary_bad[PLAN_METRICS_MAX];
    double long_requests[PLAN_METRICS_MAX], long_bad[PLAN_METRICS_MAX]; /* stable's, 2,000 s, no incidents */
    bool on;
    int32_t metric;   /* that gave the last alarm */
    int64_t age_ns;   /* of the incident */
    int64_t quiet_ns; /* since the last alarm */
};

/* Takes what came in within `dt_ns`, with `weight` in force. */
void incident_look(struct incident *incident, const struct plan *plan, uint32_t weight, int64_t dt_ns,
                   const struct tally *tallies, size_t len);

#endif
