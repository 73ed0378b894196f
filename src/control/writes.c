#include "control/writes.h"

#include "base/log.h"
#include "control/api.h"
#include "control/board.h"
#include "control/orders.h"
#include "control/reload.h"
#include "control/status.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The "reason" of a body, for the record. */
static struct order_by by_of(const struct call *call, const json_t *body)
{
    return (struct order_by){call->actor, json_string_value(json_object_get(body, "reason"))};
}

/* Answers an order that was not done because of errors in a file: all of them, and the first in the detail.
 */
static void refuse_file(struct call *call, enum order_result result, const char *why,
                        struct conf_report *report)
{
    json_t *problems = conf_report_json(report);
    char detail[2 * ORDER_WHY_MAX];

    snprintf(detail, sizeof detail, "%s", why);
    if (result == ORDER_INVALID && report->len > 0) {
        const struct conf_problem *first = &report->problems[0];

        for (size_t i = report->len; i-- > 0;) /* a warning refuses nothing */
            if (report->problems[i].severity == CONF_ERROR)
                first = &report->problems[i];
        snprintf(detail, sizeof detail, "%s: %s:%d:%d: %.500s%s", why, report->files[first->file],
                 first->line, first->col, first->text, report->errors > 1 ? " (and more)" : "");
    }
    call_refuse_order(call, result, detail, result == ORDER_INVALID ? problems : NULL);
    json_decref(problems);
}

/* ---- weights
 * ------------------------------------------------------------------------------------------------- */

/* 0 to 100 in steps of 0.01. */
static bool percent_from(const json_t *json, uint32_t *weight_r)
{
    double hundredths = json_number_value(json) * 100;

    if (!json_is_number(json) || !(hundredths >= 0 && hundredths <= CONFIG_WEIGHT_ONE) ||
        fabs(hundredths - round(hundredths)) > 1e-6)
        return false;
    *weight_r = (uint32_t)round(hundredths);
    return true;
}

static bool wish_from(struct call *call, const json_t *body, struct weight_order *order_r)
{
    const json_t *canary = json_object_get(body, "canary"), *lock = json_object_get(body, "lock");
    const json_t *no_rollback = json_object_get(body, "noRollback"),
                 *reason = json_object_get(body, "reason");

    *order_r = (struct weight_order){.has_weight = canary != NULL,
                                     .has_lock = lock != NULL,
                                     .lock = json_is_true(lock),
                                     .no_rollback = json_is_true(no_rollback)};
    if (canary && !percent_from(canary, &order_r->weight))
        call_refuse(call, 400, NULL, NULL,
                    "\"canary\" is a number from 0 to 100 in steps of 0.01, for example 12.5");
    else if ((lock && !json_is_boolean(lock)) || (no_rollback && !json_is_boolean(no_rollback)))
        call_refuse(call, 400, NULL, NULL, "\"lock\" and \"noRollback\" are true or false");
    else if (reason && !json_is_string(reason))
        call_refuse(call, 400, NULL, NULL, "\"reason\" is a text");
    else if (order_r->no_rollback && !order_r->lock)
        call_refuse(call, 400, NULL, NULL,
                    "\"noRollback\" says how far a lock goes: send \"lock\": true with it");
    else if (!canary && !lock)
        call_refuse(call, 400, NULL, NULL,
                    "say what to change: {\"canary\": 12.5}, {\"lock\": true}, or both");
    else
        return true;
    return false;
}

void writes_weight(struct call *call)
{
    static const char *const keys[] = {"canary", "lock", "noRollback", "reason", NULL};
    struct live *live = call_route(call);
    json_t *body = live ? call_json(call, keys, false) : NULL;
    struct weight_order order;
    enum order_result result;
    char why[ORDER_WHY_MAX];

    if (!body)
        return;
    if (wish_from(call, body, &order)) {
        struct order_by by = by_of(call, body);

        result = orders_weight(call->board, live, &order, &by, why);
        if (result == ORDER_DONE)
            api_wait(call, live, order.has_weight, order.weight);
        else
            call_refuse_order(call, result, why, NULL);
    }
    json_decref(body);
}

/* ---- rollouts
 * ------------------------------------------------------------------------------------------------ */

static bool is_plan_type(const struct call *call)
{
    static const char *const types[] = {"application/json", "application/yaml", "application/x-yaml",
                                        "text/yaml"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (call_has_type(call, types[i]))
            return true;
    return false;
}

static void start(struct call *call, struct live *live, struct conf_report *report)
{
    struct order_by by = {call->actor, NULL};
    char why[ORDER_WHY_MAX];
    enum order_result result = orders_start(call->board, live, call->request->body, &by, report, why);
    json_t *json;

    if (result != ORDER_DONE) {
        refuse_file(call, result, why, report);
        return;
    }
    json = run_to_json(live->run, live->conf->name, call->board->wall_ns);
    json_object_set_new(json, "warnings", conf_report_json(report));
    call_answer(call, 201, json);
}

/* The flag from the query, which may be missing. False when it is neither, which was answered. */
static bool read_force(struct call *call, bool *force_r)
{
    char text[8];
    bool given = call_query(call, "force", text, sizeof text);

    *force_r = given && strcmp(text, "true") == 0;
    if (!given || *force_r || strcmp(text, "false") == 0)
        return true;
    call_refuse(call, 400, NULL, NULL, "\"force\" is true or false");
    return false;
}

static void update(struct call *call, struct live *live, struct conf_report *report)
{
    struct run_update order = {.text = call->request->body, .actor = call->actor};
    char why[ORDER_WHY_MAX];
    json_t *changes, *json;
    enum order_result result;

    if (!read_force(call, &order.force))
        return;
    result = orders_update(call->board, live, &order, report, &changes, why);
    if (result != ORDER_DONE) {
        refuse_file(call, result, why, report);
        return;
    }
    json = run_to_json(live->run, live->conf->name, call->board->wall_ns);
    json_object_set_new(json, "changes", changes);
    json_object_set_new(json, "warnings", conf_report_json(report));
    call_answer(call, 200, json);
}

static void with_plan(struct call *call,
                      void (*take)(struct call *call, struct live *live, struct conf_report *report))
{
    struct live *live = call_route(call);
    struct conf_report report;

    if (!live)
        return;
    if (!is_plan_type(call)) {
        call_refuse(call, 415, NULL, NULL,
                    "send the plan with Content-Type: application/yaml or application/json");
        return;
    }
    conf_report_init(&report);
    take(call, live, &report);
    conf_report_fini(&report);
}

void writes_start(struct call *call)
{
    with_plan(call, start);
}

void writes_update(struct call *call)
{
    with_plan(call, update);
}

static void rollout_order(struct call *call, enum command word, json_t *body)
{
    struct live *live = call_route(call);
    struct order_by by = by_of(call, body);
    char why[ORDER_WHY_MAX];
    enum order_result result;

    if (!live)
        return;
    result = orders_rollout(call->board, live, word, &by, why);
    if (result == ORDER_DONE)
        call_answer(call, 200, run_to_json(live->run, live->conf->name, call->board->wall_ns));
    else
        call_refuse_order(call, result, why, NULL);
}

static void plain_order(struct call *call, enum command word)
{
    static const char *const keys[] = {"reason", NULL};
    json_t *body = call_json(call, keys, true);

    if (body)
        rollout_order(call, word, body);
    json_decref(body);
}

void writes_pause(struct call *call)
{
    plain_order(call, COMMAND_PAUSE);
}

void writes_resume(struct call *call)
{
    plain_order(call, COMMAND_RESUME);
}

void writes_approve(struct call *call)
{
    plain_order(call, COMMAND_APPROVE);
}

void writes_skip(struct call *call)
{
    plain_order(call, COMMAND_SKIP);
}

void writes_abort(struct call *call)
{
    plain_order(call, COMMAND_ABORT);
}

void writes_retry(struct call *call)
{
    plain_order(call, COMMAND_RETRY);
}

void writes_promote(struct call *call)
{
    static const char *const keys[] = {"full", "reason", NULL};
    json_t *body = call_json(call, keys, true);
    const json_t *full = json_object_get(body, "full");

    if (body && full && !json_is_boolean(full))
        call_refuse(call, 400, NULL, NULL, "\"full\" is true or false");
    else if (body)
        rollout_order(call, json_is_true(full) ? COMMAND_PROMOTE_FULL : COMMAND_PROMOTE, body);
    json_decref(body);
}

/* ---- the configuration, targets
 * ------------------------------------------------------------------------------ */

void writes_reload(struct call *call)
{
    static const char *const keys[] = {"reason", NULL};
    json_t *body = call_json(call, keys, true);
    struct conf_report report;
    char why[ORDER_WHY_MAX];
    enum order_result result;

    if (!body)
        return;
    conf_report_init(&report);
    result = reload(call->board, &report, why);
    if (result == ORDER_DONE) {
        log_info("the configuration was reloaded by %s", call->actor);
        call_answer(call, 200, json_pack("{s:b, s:o}", "reloaded", 1, "warnings", conf_report_json(&report)));
    } else {
        log_warn("a reload by %s was refused: %s", call->actor, why);
        refuse_file(call, result, why, &report);
    }
    conf_report_fini(&report);
    json_decref(body);
}

static const struct config_target *target_of(const struct config_group *group, const char *address)
{
    for (size_t i = 0; i < group->targets_len; i++)
        if (!strcmp(group->targets[i].address.text, address))
            return &group->targets[i];
    return NULL;
}

void writes_drain(struct call *call)
{
    static const char *const keys[] = {"draining", "reason", NULL};
    const struct config_group *group = board_group(call->board, call->params[0]);
    const struct config_target *target = group ? target_of(group, call->params[1]) : NULL;
    json_t *body;
    const json_t *draining;

    if (!group)
        call_refuse(call, 404, NULL, NULL, "there is no group %s", call->params[0]);
    else if (!target)
        call_refuse(call, 404, NULL, NULL, "group %s has no target %s", call->params[0], call->params[1]);
    if (!target)
        return;
    body = call_json(call, keys, true);
    if (!body)
        return;
    draining = json_object_get(body, "draining");
    if (draining && !json_is_boolean(draining)) {
        call_refuse(call, 400, NULL, NULL, "\"draining\" is true or false");
    } else {
        board_drain_target(call->board, target, !json_is_false(draining));
        board_publish(call->board);
        call_answer(
            call, 200,
            json_pack("{s:s, s:o}", "group", group->name, "targets", status_targets(call->board, group)));
    }
    json_decref(body);
}
