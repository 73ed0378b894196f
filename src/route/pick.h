/*
 * The choice for one request: route and side (the target is route/balance). Pure: the random numbers, the
 * loads and the snapshot are arguments.
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

/* How the side was found; only what was drawn is evidence. */
enum assignment {
    ASSIGNMENT_RANDOM,   /* drawn for this request */
    ASSIGNMENT_STICKY,   /* drawn once for its unit */
    ASSIGNMENT_ONLY,     /* there was nothing to draw: no canary, or a canary without an open target */
    ASSIGNMENT_SHIELD,   /* the canary it was drawn for has failed, and stable is asked instead */
    ASSIGNMENT_OVERRIDE, /* the request was allowed to say it (proxy/override) */
};

const char *assignment_name(enum assignment assignment);
static inline bool assignment_is_drawn(enum assignment assignment)
{
    return assignment <= ASSIGNMENT_STICKY;
}

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
/* The side that an override says; without an open target in the canary, that of everybody. */
struct pick_side pick_override(const struct route *route, enum route_side side);

#endif
