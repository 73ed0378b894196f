#include "route/pick.h"

#include "route/index.h"

const char *assignment_name(enum assignment assignment)
{
    static const char *const names[] = {
        [ASSIGNMENT_RANDOM] = "random",
        [ASSIGNMENT_STICKY] = "sticky",
        [ASSIGNMENT_ONLY] = "only",
        [ASSIGNMENT_SHIELD] = "shield",
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

/* ---- the target ---- */

struct choice {
    const struct pick_load *load;
    const struct route_target *avoid;
    int64_t now_ns;
};

static bool is_usable(const struct choice *choice, const struct route_target *target)
{
    return target != choice->avoid && choice->load->out_until_ns[target->conf->slot] <= choice->now_ns;
}

/* The first usable one from a place on, or the one at the place when there is none. */
static const struct route_target *usable_from(const struct choice *choice, const struct route_group *group,
                                              uint32_t n, uint32_t place)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct route_target *target = &group->targets[(place + i) % n];

        if (is_usable(choice, target))
            return target;
    }
    return &group->targets[place];
}

const struct route_target *pick_target(const struct route_group *group, struct rnd *rnd,
                                       const struct pick_load *load, int64_t now_ns,
                                       const struct route_target *avoid)
{
    const struct choice choice = {load, avoid, now_ns};
    uint32_t n = group->open_len ? group->open_len : group->ill_len, first, second;
    const struct route_target *a, *b;

    if (n == 0)
        return NULL;
    if (n == 1)
        return &group->targets[0];
    first = rnd_below(rnd, n);
    second = rnd_below(rnd, n - 1);
    second += second >= first;
    a = &group->targets[first];
    b = &group->targets[second];
    if (!is_usable(&choice, a) && !is_usable(&choice, b))
        return usable_from(&choice, group, n, first);
    if (!is_usable(&choice, a))
        return b;
    if (!is_usable(&choice, b))
        return a;
    return load->busy[b->conf->slot] < load->busy[a->conf->slot] ? b : a;
}
