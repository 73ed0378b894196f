#include "control/orders.h"

#include "control/aftermath.h"
#include "control/board.h"
#include "control/tick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static enum order_result unsaved(const struct board *board, char why[static ORDER_WHY_MAX])
{
    snprintf(why, ORDER_WHY_MAX, "it was not done, because it cannot be saved: %s",
             store_health(board->store)->why);
    return ORDER_UNSAVED;
}

static enum order_result refused(char why[static ORDER_WHY_MAX], const char *text)
{
    snprintf(why, ORDER_WHY_MAX, "%s", text);
    return ORDER_REFUSED;
}

/* ---- with a rollout
 * ------------------------------------------------------------------------------------------ */

static bool command(struct board *board, struct live *live, const struct rollout_order *order,
                    char why[static ORDER_WHY_MAX])
{
    char reason[ROLLOUT_WHY_MAX] = "";
    bool ok = rollout_command(live->run->rollout, live->run->plan, order, board->wall_ns, reason);

    if (ok)
        live->run->unsaved = true;
    else
        snprintf(why, ORDER_WHY_MAX, "%s", reason);
    return ok;
}

static enum order_result weight_to_rollout(struct board *board, struct live *live,
                                           const struct weight_order *order, const struct order_by *by,
                                           char why[static ORDER_WHY_MAX])
{
    struct rollout_order word = {.actor = by->actor, .text = by->reason, .no_rollback = order->no_rollback};
    bool ok = true;

    if (order->has_lock && !order->lock && live->run->rollout->locked) {
        word.command = COMMAND_UNLOCK;
        ok = command(board, live, &word, why);
    }
    if (ok && order->has_weight) {
        word.command = COMMAND_WEIGHT;
        word.weight = order->weight;
        word.lock = order->has_lock && order->lock;
        ok = command(board, live, &word, why);
    } else if (ok && order->has_lock && order->lock) {
        word.command = COMMAND_LOCK;
        ok = command(board, live, &word, why);
    }
    if (!ok)
        return ORDER_REFUSED;
    tick_route(board, live);
    return live->run->refused ? unsaved(board, why) : ORDER_DONE;
}

/* ---- without one
 * --------------------------------------------------------------------------------------------- */

static enum action action_of(uint32_t from, uint32_t to)
{
    if (to > from)
        return to == PLAN_WEIGHT_ALL ? ACTION_PROMOTE : ACTION_FORWARD;
    return to == 0 ? ACTION_ROLLBACK : ACTION_RETREAT;
}

/* The record of a weight that no rollout decided on. */
static json_t *record_of(struct board *board, const struct live *live, uint32_t to, const struct order_by *by)
{
    struct decision decision = {.action = action_of(live->weight, to),
                                .reason = REASON_MANUAL,
                                .wall_ns = board->wall_ns,
                                .step = -1,
                                .weight_from = live->weight,
                                .weight_to = to,
                                .metric = -1,
                                .ratio = {NAN, 0, INFINITY},
                                .e = NAN,
                                .threshold = NAN,
                                .eta_ns = ROLLOUT_ETA_UNKNOWN};
    char from_text[PLAN_PERCENT_LEN], to_text[PLAN_PERCENT_LEN];
    json_t *record;

    snprintf(decision.actor, sizeof decision.actor, "%s", by->actor);
    decision_say(&decision, "the weight was set by hand from %s %% to %s %% by %s",
                 plan_percent(live->weight, from_text), plan_percent(to, to_text), by->actor);
    if (by->reason)
        decision_say(&decision, ": %s", by->reason);
    record = journal_record(&board->journal, &decision, live->conf->name, NULL);
    json_object_del(record, "state"); /* of a rollout */
    json_object_del(record, "step");
    return record;
}

static bool save(struct board *board, struct live *live, const struct live *next, const json_t *record,
                 bool in_force)
{
    struct store_weight row = live_weight_row(next);
    struct store_change change = {.weight = &row, .in_force = in_force};
    struct store_decision decision;
    char *json = NULL;
    bool ok;

    (void)live;
    row.weight = next->wanted;
    row.wall_ns = board->wall_ns;
    row.source = weight_source_names[next->source];
    if (record) {
        decision = journal_row(record, board->wall_ns, &json);
        change.decision = &decision;
    }
    ok = !board->store || store_save(board->store, &change);
    free(json);
    return ok;
}

/* Up is saved and then published, down is published and then saved. */
static enum order_result weight_by_hand(struct board *board, struct live *live,
                                        const struct weight_order *order, const struct order_by *by,
                                        char why[static ORDER_WHY_MAX])
{
    struct live next = *live;
    bool up = order->has_weight && order->weight > live->weight, saved;
    json_t *record = NULL;

    if (order->has_weight) {
        next.wanted = order->weight;
        next.source = WEIGHT_MANUAL;
    }
    if (order->has_lock) {
        next.locked = order->lock;
        next.locked_back = order->lock && order->no_rollback;
    }
    if (order->has_weight && order->weight != live->weight)
        record = record_of(board, live, order->weight, by);
    saved = up && save(board, live, &next, record, false);
    if (up && !saved) {
        json_decref(record);
        return unsaved(board, why);
    }
    if (live->run)
        live->run->detached = true;
    live->wanted = next.wanted;
    live->source = next.source;
    live->locked = next.locked;
    live->locked_back = next.locked_back;
    live->problem[0] = '\0';
    board_sync(board, live);
    board_publish(board);
    saved = saved || save(board, live, live, record, true);
    if (record)
        journal_add(&board->journal, record, board->wall_ns, saved);
    return ORDER_DONE;
}

/* ---- orders
 * -------------------------------------------------------------------------------------------------- */

enum order_result orders_weight(struct board *board, struct live *live, const struct weight_order *order,
                                const struct order_by *by, char why[static ORDER_WHY_MAX])
{
    if (order->has_weight && order->weight > 0 && live->conf->canary < 0)
        return refused(why, "the route has no canary group, so its weight can only be 0");
    if (run_judges(live->run))
        return weight_to_rollout(board, live, order, by, why);
    return weight_by_hand(board, live, order, by, why);
}

enum order_result orders_start(struct board *board, struct live *live, struct str plan,
                               const struct order_by *by, struct conf_report *report,
                               char why[static ORDER_WHY_MAX])
{
    enum order_result result;

    aftermath_leave(board, live); /* of the run that goes */
    result = run_start(board, live, plan, by->actor, report, why);
    if (result == ORDER_DONE)
        tick_route(board, live);
    return result;
}

/* Whether there is a rollout that takes orders. */
static enum order_result takes_orders(const struct live *live, char why[static ORDER_WHY_MAX])
{
    if (!live->run) {
        snprintf(why, ORDER_WHY_MAX, "route %s has no rollout: start one with a plan", live->conf->name);
        return ORDER_MISSING;
    }
    if (live->run->detached)
        return refused(
            why,
            "the rollout is over and the weight was set by hand since: start a new one, or set the weight");
    return ORDER_DONE;
}

enum order_result orders_update(struct board *board, struct live *live, const struct run_update *update,
                                struct conf_report *report, json_t **changes_r,
                                char why[static ORDER_WHY_MAX])
{
    enum order_result result = takes_orders(live, why);

    *changes_r = NULL;
    if (result == ORDER_DONE)
        result = run_update(board, live, update, report, changes_r, why);
    if (result == ORDER_DONE)
        tick_route(board, live);
    return result;
}

enum order_result orders_rollout(struct board *board, struct live *live, enum command word,
                                 const struct order_by *by, char why[static ORDER_WHY_MAX])
{
    struct rollout_order order = {.command = word, .actor = by->actor, .text = by->reason};
    enum order_result result = takes_orders(live, why);

    if (result != ORDER_DONE)
        return result;
    if (!command(board, live, &order, why))
        return ORDER_REFUSED;
    tick_route(board, live);
    return live->run->refused ? unsaved(board, why) : ORDER_DONE;
}
