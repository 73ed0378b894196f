#include "control/reads.h"

#include "base/clk.h"
#include "control/api.h"
#include "control/board.h"
#include "control/history.h"
#include "control/metrics.h"
#include "control/status.h"
#include "export/prometheus.h"
#include "proto/head.h"

#include <stdio.h>
#include <string.h>

enum {
    DECISIONS_USUAL = 50,
    HISTORY_USUAL_S = 3600,
};

void reads_status(struct call *call)
{
    call_answer(call, 200, status_json(call->board, admin_text(call->api->admin), NULL));
}

void reads_weight(struct call *call)
{
    struct live *live = call_route(call);

    if (live)
        call_answer(call, 200, status_weight(call->board, live));
}

void reads_rollout(struct call *call)
{
    struct live *live = call_route(call);

    if (!live)
        return;
    if (!live->run) {
        call_refuse(call, 404, NULL, NULL, "route %s has no rollout%s%s", live->conf->name,
                    live->problem[0] ? ": " : "", live->problem);
        return;
    }
    call_answer(call, 200, run_to_json(live->run, live->conf->name, call->board->wall_ns));
}

void reads_decisions(struct call *call)
{
    char route[CALL_PARAM_LEN];
    bool one = call_query(call, "route", route, sizeof route);
    int64_t after, limit;

    if (!call_query_number(call, "after", 0, INT64_MAX, 0, &after) ||
        !call_query_number(call, "limit", 1, JOURNAL_LIST_MAX, DECISIONS_USUAL, &limit))
        return;
    call_answer(call, 200,
                json_pack("{s:o}", "decisions",
                          journal_list(&call->board->journal, call->board->store, one ? route : NULL, after,
                                       (size_t)limit)));
}

/* ---- history
 * ------------------------------------------------------------------------------------------------- */

void reads_history(struct call *call)
{
    int64_t now_s = call->board->wall_ns / NS_PER_S;
    struct history_query query;
    char route[CALL_PARAM_LEN];
    struct live *live;
    json_t *json;

    if (!call_query(call, "route", route, sizeof route)) {
        call_refuse(call, 400, NULL, NULL,
                    "route is missing: say whose history, as in /v1/history?route=web");
        return;
    }
    live = board_find(call->board, str_from(route));
    if (!live) {
        call_refuse(call, 404, NULL, NULL, "there is no route %s", route);
        return;
    }
    if (!call_query_number(call, "to", 0, now_s + 1, now_s + 1, &query.to_s) ||
        !call_query_number(call, "from", 0, INT64_MAX / NS_PER_S, query.to_s - HISTORY_USUAL_S,
                           &query.from_s) ||
        !call_query_number(call, "step", 0, 3600, 0, &query.step_s))
        return;
    if (!history_step_is_known(query.step_s)) {
        call_refuse(call, 400, NULL, NULL,
                    "step is 10, 60, 600 or 3600 (seconds); without it the finest that fits is taken");
        return;
    }
    json = history_json(call->board, live, &query);
    if (json)
        call_answer(call, 200, json);
    else
        call_refuse(call, 503, NULL, NULL, "the history cannot be read: %s",
                    store_health(call->board->store)->why);
}

/* ---- the rest
 * ------------------------------------------------------------------------------------------------ */

void reads_targets(struct call *call)
{
    const struct config_group *group = board_group(call->board, call->params[0]);

    if (group)
        call_answer(call, 200,
                    json_pack("{s:s, s:s, s:o}", "group", group->name, "platform", group->platform, "targets",
                              status_targets(call->board, group)));
    else
        call_refuse(call, 404, NULL, NULL, "there is no group %s", call->params[0]);
}

/* The route of the query, if it names one. False when there is none of that name; answered then. */
static bool wished_route(struct call *call, struct stream_wish *wish)
{
    char route[CALL_PARAM_LEN];

    if (!call_query(call, "route", route, sizeof route))
        return true;
    if (!board_find(call->board, str_from(route))) {
        call_refuse(call, 404, NULL, NULL, "there is no route %s", route);
        return false;
    }
    snprintf(wish->route, sizeof wish->route, "%.*s", CONFIG_NAME_MAX, route);
    return true;
}

/* A browser that was cut off says where it was in a field, everybody else in the query. */
static bool wished_after(struct call *call, struct stream_wish *wish)
{
    const struct field *last = head_find_name(call->request->head, STR("Last-Event-ID"), 0);
    uint64_t id;

    if (!call_query_number(call, "after", 0, INT64_MAX, -1, &wish->after))
        return false;
    if (last && str_to_u64(last->value, &id) && id <= INT64_MAX)
        wish->after = (int64_t)id;
    return true;
}

void reads_stream(struct call *call)
{
    struct stream_wish wish = {.events = {[STREAM_DECISION] = true, [STREAM_STATUS] = true}};
    char events[CALL_PARAM_LEN];

    if (call_query(call, "events", events, sizeof events)) {
        memset(wish.events, 0, sizeof wish.events);
        if (!stream_events_parse(str_from(events), &wish)) {
            call_refuse(call, 400, NULL, NULL,
                        "events are decision, status and overview, with commas between them");
            return;
        }
    }
    if (wished_route(call, &wish) && wished_after(call, &wish))
        stream_join(&call->api->hub, call->request, &wish, call->board);
}

void reads_metrics(struct call *call)
{
    static const struct str wanted = {"application/openmetrics-text", 28};
    struct str accept = head_value(call->request->head, FIELD_ACCEPT);
    bool open_metrics = accept.len >= wanted.len && memmem(accept.p, accept.len, wanted.p, wanted.len);
    struct text text;

    text_init(&text, PROMETHEUS_BYTES_MAX);
    metrics_write(&text, call->board, open_metrics);
    call_answer_text(call, 200, open_metrics ? OPENMETRICS_TYPE : PROMETHEUS_TYPE, &text);
    text_fini(&text);
}

void reads_alive(struct call *call)
{
    call_answer(call, 200, json_pack("{s:s}", "status", "alive"));
}

void reads_ready(struct call *call)
{
    char why[256];

    if (board_ready(call->board, why, sizeof why))
        call_answer(call, 200, json_pack("{s:s}", "status", "ready"));
    else
        call_refuse(call, 503, NULL, NULL, "%s", why);
}
