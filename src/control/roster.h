/*
 * What each target of a route's canary has done since the last look, for the judge that tells a bad target
 * from a bad release: the workers' cells, less what was seen before.
 *
 * Thread: control.
 */
#ifndef CONTROL_ROSTER_H
#define CONTROL_ROSTER_H

#include "conf/config.h"
#include "decide/tally.h"
#include "proxy/shard.h"

#include <stddef.h>
#include <stdint.h>

struct roster_entry {
    uint32_t slot;
    uint64_t requests, bad[PLAN_METRICS_MAX]; /* sums over the workers at the last look */
};
struct roster {
    struct roster_entry entries[TALLY_TARGETS_MAX];
    size_t len;
};

/* The judge's name for a target: the same in every process. */
uint64_t roster_id(const struct config_target *target);
/*
 * Hands over one row for each target of the group and returns how many: 0 for a group of more than
 * TALLY_TARGETS_MAX, whose targets are not told apart. A target that was not there at the last look has done
 * nothing yet. `shards` are the workers'.
 */
size_t roster_look(struct roster *roster, const struct config_group *group, struct shard *const *shards,
                   size_t shards_len, struct tally_target rows_r[static TALLY_TARGETS_MAX]);

#endif
