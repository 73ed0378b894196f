/*
 * The choice for one request: route, side, target. Pure: the random numbers, the loads and the snapshot are
 * arguments.
 *
 * The draw is the foundation of the judge's guarantee (decisions.md 2.10): each request is drawn on its own
 * with exactly the weight in force, from a generator that no client can see, or, when sticky, from a keyed
 * hash of its unit.
 */
#ifndef ROUTE_PICK_H
#define ROUTE_PICK_H

#include "base/rnd.h"
#include "base/str.h"
#include "route/routes.h"

/* How the side was found; only RANDOM and STICKY are evidence. */
enum assignment {
    ASSIGNMENT_RANDOM, /* drawn for this request */
    ASSIGNMENT_STICKY, /* drawn once for its unit */
    ASSIGNMENT_ONLY,   /* there was nothing to draw: no canary, or a canary without an open target */
    ASSIGNMENT_SHIELD, /* the canary it was drawn for has failed, and stable is asked instead */
};

const char *assignment_name(enum assignment assignment);

/* The route for a host (lower case, no port) and a normalised path, or NULL. Thread: any. */
const struct route *pick_route(const struct routes *routes, struct str host, struct str path);

struct pick_side {
    enum route_side side;
    enum assignment assignment;
};

/*
 * Draws the side. `unit` is what the client sticks by (cookie value, header value, client address), or empty
 * to draw this request anew. A client moves at most once while the weight rises, because its place in 0..9999
 * never changes. Weight 0 gives no request to the canary and weight 10000 none to stable, whatever is open.
 * Thread: the generator's owner.
 */
struct pick_side pick_side(const struct routes *routes, const struct route *route, struct rnd *rnd,
                           struct str unit);

/* What a worker knows of the targets, by slot. */
struct pick_load {
    uint32_t busy[CONFIG_TARGETS_MAX];        /* requests in flight */
    int64_t out_until_ns[CONFIG_TARGETS_MAX]; /* ejected until then, on the clock of pick_target's `now_ns` */
};

/*
 * Two targets at random, the less busy of them (Mitzenmacher 2001); of the unhealthy ones when no other is
 * open. Those that are ejected, and `avoid` (may be NULL), are passed over while there is another; when there
 * is none, trying beats refusing. NULL when no target is open. Thread: the generator's owner.
 */
const struct route_target *pick_target(const struct route_group *group, struct rnd *rnd,
                                       const struct pick_load *load, int64_t now_ns,
                                       const struct route_target *avoid);

#endif
