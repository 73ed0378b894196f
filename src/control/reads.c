#include "control/reads.h"

#include "base/clk.h"
#include "control/api.h"
#include "control/board.h"
#include "control/metrics.h"
#include "control/status.h"
#include "export/prometheus.h"
#include "proto/head.h"

#include <string.h>

enum {
    DECISIONS_USUAL = 50,
    HISTORY_USUAL = 10000,
    HISTORY_MAX = 100000,
};

void reads_status(struct call *call)
{
    call_answer(call, 200, status_json(call->board, admin_text(call->api->admin)));
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
    call_answer(call, 200, run_to_json(live->run, live->conf->name));
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

static json_t *ms(int64_t ns)
{
    return json_real((double)(ns / 1000) / 1000);
}

static void append_minute(void *arg, const struct store_minute *minute)
{
    char time[CLK_TEXT_LEN];

    clk_text(minute->wall_ns, time);
    json_array_append_new(
        arg, json_pack("{s:s%, s:s, s:s, s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "time", time,
                       sizeof time, "route", minute->route, "side", minute->side, "group", minute->group,
                       "platform", minute->platform, "weight", (double)minute->weight / 100, "requests",
                       (json_int_t)minute->requests, "errors", (json_int_t)minute->errors, "clientErrors",
                       (json_int_t)minute->client_errors, "sent", (json_int_t)minute->sent, "p50",
                       ms(minute->p50_ns), "p95", ms(minute->p95_ns), "p99", ms(minute->p99_ns)));
}

void reads_history(struct call *call)
{
    char route[CALL_PARAM_LEN];
    bool one = call_query(call, "route", route, sizeof route);
    json_t *minutes;
    int64_t since_s, limit;

    if (!call_query_number(call, "since", 0, INT64_MAX / NS_PER_S, 0, &since_s) ||
        !call_query_number(call, "limit", 1, HISTORY_MAX, HISTORY_USUAL, &limit))
        return;
    minutes = json_array();
    if (call->board->store && !store_each_minute(call->board->store, one ? route : NULL, since_s * NS_PER_S,
                                                 (size_t)limit, append_minute, minutes)) {
        json_decref(minutes);
        call_refuse(call, 503, NULL, NULL, "the history cannot be read: %s",
                    store_health(call->board->store)->why);
        return;
    }
    call_answer(call, 200, json_pack("{s:o}", "minutes", minutes));
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

void reads_stream(struct call *call)
{
    stream_join(&call->api->hub, call->request);
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
