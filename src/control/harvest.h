/*
 * The counts of one route on their way from the workers' cells to the judge: sums over the workers, less what
 * was seen before, apart for each weight (decisions.md 2.11). Arithmetic only; the snapshot is
 * control/board's.
 *
 * A cell is found by epoch % SHARD_EPOCHS and so is used again and again. Two things keep its weights apart:
 * what the old epoch has left in it is taken when the cell is given a new one; and a worker that has not
 * adopted the new epoch yet could still add to the old, so from a cell that was used before nothing counts
 * until a look that found all of them there. That look is best made as soon as they are (crew_seen_fd).
 *
 * Thread: control.
 */
#ifndef CONTROL_HARVEST_H
#define CONTROL_HARVEST_H

#include "decide/tally.h"
#include "proxy/shard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct harvest_side {
    uint64_t requests;
    struct tally_metric metrics[PLAN_METRICS_MAX];
};

struct harvest_epoch {
    bool used;
    uint32_t weight;
    uint32_t run;                                 /* rollout that its metrics are of; 0: none */
    uint64_t version;                             /* of the snapshot that brings it */
    bool open;                                    /* what comes in counts */
    struct harvest_side seen[SHARD_JUDGED_SIDES]; /* sums over the workers at the last look */
};

struct harvest_weight {
    uint32_t weight;
    struct harvest_side side[SHARD_JUDGED_SIDES];
};

struct harvest {
    struct harvest_epoch epochs[SHARD_EPOCHS]; /* by epoch % SHARD_EPOCHS */
    uint32_t run;                              /* the rollout that `pending` is for */
    struct harvest_weight pending[SHARD_EPOCHS];
    size_t pending_len;
    uint64_t dropped;    /* requests that no weight could be given */
    struct hist answers; /* times of stable's answers: sums at the last look */
};

/* The cells of one route, one entry a worker; borrowed for the call. */
struct harvest_cells {
    struct shard_route *const *workers;
    size_t len;
};

/* Forgets everything; what the cells hold now will not count. Cells that are not new are used ones. */
void harvest_init(struct harvest *harvest, const struct harvest_cells *cells);

/*
 * A new epoch is about to be published in the snapshot `version`. `run` names the rollout that is judged in
 * it, 0 for none; another run than before drops what is pending.
 */
void harvest_begin(struct harvest *harvest, const struct harvest_cells *cells, uint32_t epoch,
                   uint32_t weight, uint32_t run, uint64_t version, uint64_t seen);

/* Adds what the workers have counted since the last call. `seen` is the least version that every worker has
 * adopted. */
void harvest_collect(struct harvest *harvest, const struct harvest_cells *cells, uint64_t seen);

/*
 * Hands over at most `max` tallies (2 or more), one a weight and one of its mirrored requests, and forgets
 * them; the rest stays for the next call. Latencies are NULL. Returns how many.
 */
size_t harvest_take(struct harvest *harvest, struct tally *tallies_r, size_t max);
/* The times of stable's answers since the last call, for a guard that learns (decide/guard.h). */
void harvest_answers(struct harvest *harvest, const struct harvest_cells *cells, struct hist *answers_r);

#endif
