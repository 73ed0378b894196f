/*
 * The choice of a target within a group, by the group's `balance`. Pure: random numbers, loads and the
 * snapshot are arguments.
 */
#ifndef ROUTE_BALANCE_H
#define ROUTE_BALANCE_H

#include "base/rnd.h"
#include "base/str.h"
#include "route/routes.h"

#include <stdatomic.h>

/* What a worker knows of the targets, and where it is in its turns; by slot. */
struct balance {
    uint32_t busy[CONFIG_TARGETS_MAX]; /* requests in flight */
    int64_t
        out_until_ns[CONFIG_TARGETS_MAX]; /* ejected until then, on the clock of balance_pick's `now_ns` */
    uint32_t turn[CONFIG_GROUPS_MAX];     /* of round robin */
    /* Of groups with a cap: the requests of all workers to each target, by slot, written by their gates
     * (relaxed: a hint, the gate has the last word), and by the group's slot the most that a target takes; 0:
     * any number. */
    const _Atomic uint32_t *held;
    uint32_t held_most[CONFIG_GROUPS_MAX];
};

/*
 * The target for one request. Those that are ejected, and `avoid` (may be NULL), are passed over while there
 * is another; when there is none, trying beats refusing. Unhealthy ones serve when no other is open. NULL
 * when no target is open. Those that have as many requests as they may are passed over likewise; when all
 * that may serve are full, one of these is the answer, and the request has to wait.
 *
 *   leastRequest    of two at random the less busy one (Mitzenmacher 2001)
 *   roundRobin      one after the other
 *   consistentHash  the one whose hash with `key` is the greatest (Thaler and Ravishankar 1998): when a
 * target goes, only its keys move, and every instance agrees; an empty key falls back to leastRequest
 *
 * A target that has just begun to take work gets less than its share during the group's slow start, but for
 * its keys. Thread: the owner of `rnd` and `balance`.
 */
const struct route_target *balance_pick(const struct route_group *group, struct balance *balance,
                                        struct rnd *rnd, struct str key, int64_t now_ns,
                                        const struct route_target *avoid);

#endif
