#include "route/pick.h"

#include "route/index.h"

const char *assignment_name(enum assignment assignment)
{
    static const char *const names[] = {
        [ASSIGNMENT_RANDOM] = "random", [ASSIGNMENT_STICKY] = "sticky",     [ASSIGNMENT_ONLY] = "only",
        [ASSIGNMENT_SHIELD] = "shield", [ASSIGNMENT_OVERRIDE] = "override",
    };

    return names[assignment];
}

const struct route *pick_route(const struct routes *routes, struct str host, struct str path)
{
    int32_t found = route_index_find(routes->index, host, path);

    return found < 0 ? NULL : &routes->routes[found];
}

struct pick_side pick_side(const struct routes *routes, const struct route *route, struct rnd *rnd,
                           struct str unit)
{
    struct pick_side pick = {.assignment = unit.len ? ASSIGNMENT_STICKY : ASSIGNMENT_RANDOM};
    uint32_t place;

    if (!route->side[ROUTE_CANARY])
        return (struct pick_side){ROUTE_STABLE, ASSIGNMENT_ONLY};
    if (unit.len)
        place = (uint32_t)(hash_keyed(&routes->sticky_key, unit) % CONFIG_WEIGHT_ONE);
    else
        place = rnd_below(rnd, CONFIG_WEIGHT_ONE);
    pick.side = place < route->weight ? ROUTE_CANARY : ROUTE_STABLE;
    /* An empty canary spares its clients; an empty stable group never sends everything to an unproven canary.
     */
    if (pick.side == ROUTE_CANARY && route->weight < CONFIG_WEIGHT_ONE &&
        route->side[ROUTE_CANARY]->open_len == 0)
        return (struct pick_side){ROUTE_STABLE, ASSIGNMENT_ONLY};
    return pick;
}

struct pick_side pick_override(const struct route *route, enum route_side side)
{
    if (side == ROUTE_STABLE || (route->side[ROUTE_CANARY] && route->side[ROUTE_CANARY]->open_len > 0))
        return (struct pick_side){side, ASSIGNMENT_OVERRIDE};
    if (route->side[ROUTE_CANARY] && route->weight == CONFIG_WEIGHT_ONE)
        return (struct pick_side){ROUTE_CANARY, ASSIGNMENT_ONLY};
    return (struct pick_side){ROUTE_STABLE, ASSIGNMENT_ONLY};
}
