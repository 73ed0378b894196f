/*
 * One bad target is not a bad release. Inside the canary the test of decide/evidence.h is asked once more:
 * w is a target's share of the canary's requests, and a bad event is its own or another target's. When nearly
 * all bad requests come from one target and the others are no worse than stable, it is taken out instead of
 * the release.
 *
 * The guarantee of falseRollback is not touched. The question is only put when the rollout would go back, so
 * with a healthy canary with a chance of at most falseRollback; what is counted afterwards begins again with
 * a mass that keeps the sum of all later masses at 1 or less. And it can only stop a way back.
 *
 * All structs are plain data. Thread: any; pure.
 */
#ifndef DECIDE_OUTLIER_H
#define DECIDE_OUTLIER_H

#include "base/bug.h"
#include "decide/plan.h"
#include "decide/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTLIERS_MAX = TALLY_TARGETS_MAX / 5 }; /* targets that a rollout takes out at most */

struct outlier_counts {
    uint64_t requests, bad[PLAN_METRICS_MAX];
};
struct outlier_target {
    uint64_t id;
    char name[PLAN_NAME_MAX];
    struct outlier_counts now, before; /* this window and the one before it */
};

struct outliers {
    struct outlier_target targets[TALLY_TARGETS_MAX]; /* the canary's; not kept over a restart */
    uint32_t len;
    int64_t window_ns;        /* age of `now` */
    uint64_t window_requests; /* in it */
    /* Kept. */
    uint64_t out[OUTLIERS_MAX]; /* ids of those that were taken out; 0: a person has put it back */
    uint32_t out_len;
    bool holds;      /* just now, and the others have still to show that it was the one */
    int64_t held_ns; /* for so long */
    int64_t wait_ns; /* a way back has waited so long for the answer, in all */
};

/* How sure one has to be. */
enum outlier_proof {
    OUTLIER_SUSPECTED, /* it may be this one, and a few more bad requests will tell */
    OUTLIER_PROVEN,
};

/* Another attempt of the rollout: all but what was taken out is forgotten. */
void outliers_begin(struct outliers *outliers);
/* Takes what the targets have done since the last look, all of them each time; those that are not there any
 * more are forgotten. `len` 0: nobody can tell. */
void outliers_feed(struct outliers *outliers, const struct tally_target *targets, size_t len, int64_t dt_ns);
/* The target that the bad requests of the metric come from; -1: there is none that can be named. `stable` is
 * stable's share of bad requests. */
int outliers_find(const struct outliers *outliers, const struct plan_metric *metric, size_t index,
                  double stable, enum outlier_proof proof);
/* The same over both windows, of one target or of all. */
struct outlier_counts outliers_sum(const struct outliers *outliers, int target);
bool outliers_has(const struct outliers *outliers, uint64_t id);
/* A person has put the target back into service: it stays there. True when it was out, so that there is
 * something to save. */
bool outliers_forgive(struct outliers *outliers, uint64_t id);

#endif
