/* PLACE: a target of the group that takes one request more, for which it may have to wait. */
#include "proxy/place.h"

#include "proxy/cookie.h"
#include "proxy/gate.h"
#include "proxy/mirror.h"
#include "proxy/step.h"
#include "proxy/worker.h"

enum { PICKS_MAX = 3 }; /* another worker may take the place that was seen */

enum found {
    FOUND_PLACE,
    FOUND_FULL, /* every target that may serve has as many requests, or connections, as it may */
    FOUND_NONE, /* no target is open */
};

static struct gate *gate_of(const struct txn *txn)
{
    return txn->worker->gates.by_slot[txn->group->conf->slot];
}

struct str step_hash_value(const struct txn *txn, const struct config_group *conf)
{
    const struct field *field;

    switch (conf->hash) {
    case CONFIG_HASH_NONE:
        break;
    case CONFIG_HASH_HEADER:
        field = head_find_name(&txn->head, str_from(conf->hash_name), 0);
        return field ? field->value : STR_NULL;
    case CONFIG_HASH_COOKIE:
        return cookie_value(&txn->head, str_from(conf->hash_name));
    case CONFIG_HASH_CLIENT:
        return txn->client;
    }
    return STR_NULL;
}

/* Whether all connections that this worker may have to the target are lent. */
static bool is_spent(const struct txn *txn, const struct route_target *target)
{
    const struct pool *pool = &txn->worker->targets[target->conf->slot]->pool;

    return pool->open >= txn->group->conf->max_connections && pool->waiting == 0 &&
           !(txn->group->conf->speaks != CONFIG_SPEAKS_H1 && trunk_has_room(txn->worker, target->conf->slot));
}

static enum found find_place(struct txn *txn, struct gate *gate)
{
    struct worker *worker = txn->worker;
    struct str hash = step_hash_value(txn, txn->group->conf);

    for (unsigned picks = 0; picks < PICKS_MAX; picks++) {
        const struct route_target *target =
            balance_pick(txn->group, &worker->balance, &worker->rnd, hash, worker->now_ns, txn->avoid);

        if (!target)
            return FOUND_NONE;
        if (is_spent(txn, target))
            continue;
        if (gate->capped)
            txn->held = gate_enter(worker, gate, target->conf->slot);
        if (gate->capped && !txn->held)
            continue;
        txn->target = target;
        return FOUND_PLACE;
    }
    return FOUND_FULL;
}

static enum next begin_waiting(struct txn *txn, struct gate *gate)
{
    struct worker *worker = txn->worker;
    int64_t wait_ns = gate->wait_ns - txn->waited_ns; /* over all tries */
    int64_t left_ns = step_time_left(txn);

    if (wait_ns <= 0 || left_ns == 1)
        return place_is_late(txn);
    if (!gate_join(gate, txn))
        return step_fail(txn, OUTCOME_QUEUE_FULL, NULL);
    wheel_set(&worker->wheel, &txn->timer, worker->now_ns + (wait_ns < left_ns ? wait_ns : left_ns));
    return WAIT;
}

void place_leave_line(struct txn *txn)
{
    if (!txn->waiting)
        return;
    wheel_cancel(&txn->worker->wheel, &txn->timer);
    gate_quit(gate_of(txn), txn);
}

enum next place_is_late(struct txn *txn)
{
    cell_add(&shard_group(txn->worker->shard, txn->group->conf->slot)->late, 1);
    return step_fail(txn, OUTCOME_QUEUE_TIMEOUT, NULL);
}

/* ---- a reload while it waits ---- */

static const struct route *route_now(const struct txn *txn)
{
    const struct routes *routes = txn->worker->routes;

    for (size_t i = 0; i < routes->routes_len; i++)
        if (routes->routes[i].conf->slot == txn->route->conf->slot)
            return &routes->routes[i];
    return NULL;
}

/* Nothing of it has been sent, and the snapshot is not the one by which it came here. */
static bool is_behind(const struct txn *txn)
{
    return txn->attempts == 0 && txn->worker->routes != (txn->later ? txn->later : txn->routes);
}

/* Weight 0 means that nothing more is sent there. A request that somebody has sent to this side stays. */
static bool side_is_closed(const struct txn *txn, const struct route *route)
{
    return assignment_is_drawn(txn->pick.assignment) &&
           route->weight == (txn->pick.side == ROUTE_CANARY ? 0 : CONFIG_WEIGHT_ONE);
}

bool place_is_elsewhere(const struct txn *txn)
{
    const struct route *route = is_behind(txn) ? route_now(txn) : NULL;

    return route && side_is_closed(txn, route);
}

/* To the other side, as if it had come now; what was slow before has counted already. */
static void change_side(struct txn *txn)
{
    enum route_side side = txn->pick.side == ROUTE_CANARY ? ROUTE_STABLE : ROUTE_CANARY;

    score_none(&txn->score);
    cell_sub(&txn->cells->side[txn->pick.side].open, 1);
    cell_add(&txn->cells->side[side].open, 1);
    txn->pick = (struct pick_side){side, ASSIGNMENT_ONLY};
}

/* What has changed since it began to wait: the targets of its group, and whether its side is still served. A
 * route that is gone serves those that it has. */
static void catch_up(struct txn *txn)
{
    struct worker *worker = txn->worker;
    const struct route *route = is_behind(txn) ? route_now(txn) : NULL;
    struct gate *gate = gate_of(txn);

    if (!route)
        return;
    if (txn->later)
        worker_drop_routes(worker, txn->later);
    txn->later = worker_hold_routes(worker);
    if (side_is_closed(txn, route)) {
        place_leave_line(txn);
        change_side(txn);
    }
    if (!txn->score.scorer)
        txn->route = route; /* else it stays with the one that it is judged by */
    txn->group = route->side[txn->pick.side];
    if (txn->mirror && txn->mirror->group->conf->slot == txn->group->conf->slot)
        mirror_leave(txn); /* it goes there itself */
    BUG_ON(txn->waiting && gate_of(txn) != gate);
}

/* ---- the step ---- */

enum next step_place(struct txn *txn)
{
    struct gate *gate;

    if (txn->held) { /* still: its connection was closed as it was taken */
        step_to(txn, TXN_LEASE);
        return NEXT;
    }
    if (txn->waiting)
        catch_up(txn);
    gate = gate_of(txn);
    if (!txn->waiting && gate_has_line(txn->worker, gate))
        return begin_waiting(txn, gate);
    switch (find_place(txn, gate)) {
    case FOUND_FULL:
        return txn->waiting ? WAIT : begin_waiting(txn, gate);
    case FOUND_NONE:
        return step_fail(txn, OUTCOME_NO_TARGET, NULL);
    case FOUND_PLACE:
        break;
    }
    place_leave_line(txn);
    step_to(txn, TXN_LEASE);
    return NEXT;
}
