#include "proxy/retry.h"

#include "proxy/gate.h"
#include "proxy/txn.h"
#include "proxy/worker.h"

static bool within_budget(const struct txn *txn)
{
    const struct config_retries *conf = &txn->route->conf->retries;
    const struct shard_side *side = txn->cells->side;
    uint64_t open = cell_get(&side[ROUTE_STABLE].open) + cell_get(&side[ROUTE_CANARY].open);
    uint64_t most = open * conf->budget / 100;

    return txn->worker->retrying[txn->route->conf->slot] < (most > conf->minimum ? most : conf->minimum);
}

/* Where no more may even wait, a further try would only end on our own limit. */
static bool may_join(const struct txn *txn, const struct route_group *group)
{
    return gate_takes(txn->worker, txn->worker->gates.by_slot[group->conf->slot]);
}

/* The one that has failed would most likely fail again. */
static bool there_is_another(const struct txn *txn)
{
    return txn->group->open_len > 1 && may_join(txn, txn->group);
}

static bool may_be_repeated(const struct txn *txn)
{
    return method_is_idempotent(txn->head.method) && txn->head.framing == FRAMING_NONE && !txn->upgrade.len;
}

/* Whether the connection that has ended had been of use before. A stream of one that lives on has not met its
 * end by chance. */
static bool was_waiting(const struct txn *txn)
{
    if (txn->back)
        return txn->back->uses > 0;
    return txn->seat.is_used && txn->seat.trunk->state == TRUNK_OVER;
}

bool retry_is_race(const struct txn *txn, enum outcome outcome)
{
    if (outcome == OUTCOME_TARGET_REFUSED)
        return txn->seat.raced;
    return outcome_row(outcome)->retry == RETRY_IDEMPOTENT && was_waiting(txn) && txn->back_in.len == 0;
}

bool retry_allowed(const struct txn *txn, enum outcome outcome)
{
    const struct config_retries *conf = &txn->route->conf->retries;

    if (txn->attempts > conf->attempts || txn->shielded || txn->down.sent)
        return false;
    switch (outcome_row(outcome)->retry) {
    case RETRY_NEVER:
        return false;
    case RETRY_UNSENT:
        if (txn->body_gone)
            return false;
        return retry_is_race(txn, outcome) || /* or the target may have made room since */
               (within_budget(txn) && (there_is_another(txn) || outcome == OUTCOME_TARGET_REFUSED));
    case RETRY_IDEMPOTENT:
        return may_be_repeated(txn) &&
               (retry_is_race(txn, outcome) || (there_is_another(txn) && within_budget(txn)));
    }
    BUG("retry rule %d", (int)outcome_row(outcome)->retry);
}

/* What the plan calls it; 0 for a failure that it has no word for. */
static uint32_t shield_bit(enum outcome outcome, unsigned status)
{
    unsigned shown = status ? status : outcome_row(outcome)->status;

    if (status == 0 && outcome_row(outcome)->retry == RETRY_UNSENT)
        return PLAN_SHIELD_CONNECT;
    if (status == 0 && outcome_row(outcome)->retry == RETRY_IDEMPOTENT)
        return PLAN_SHIELD_RESET;
    return shown == 502   ? PLAN_SHIELD_502
           : shown == 503 ? PLAN_SHIELD_503
           : shown == 504 ? PLAN_SHIELD_504
                          : 0;
}

/* The route takes every failure, the plan those that it lists. */
static bool is_shielded(const struct txn *txn, enum outcome outcome, unsigned status)
{
    const struct route *route = txn->route;

    if (route->conf->retries.shield)
        return true;
    return route->shield.on && (route->shield.on & shield_bit(outcome, status)) &&
           (route->shield.methods >> txn->head.method & 1);
}

/* At weight 100 stable gets no request at all, not even these. */
bool retry_shields(const struct txn *txn, enum outcome outcome, unsigned status)
{
    const struct route *route = txn->route;

    return is_shielded(txn, outcome, status) && txn->pick.side == ROUTE_CANARY &&
           txn->pick.assignment != ASSIGNMENT_OVERRIDE && /* a tester shall see what the canary does */
           route->weight < CONFIG_WEIGHT_ONE && route->side[ROUTE_STABLE]->open_len > 0 &&
           may_be_repeated(txn) && !txn->down.sent && within_budget(txn) &&
           may_join(txn, route->side[ROUTE_STABLE]);
}

void retry_begin(struct txn *txn)
{
    txn->retrying = true;
    txn->worker->retrying[txn->route->conf->slot]++;
}

void retry_over(struct txn *txn)
{
    if (!txn->retrying)
        return;
    txn->retrying = false;
    txn->worker->retrying[txn->route->conf->slot]--;
}
