#include "control/history.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/board.h"
#include "control/store_history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)RECENT_SPANS == (int)STORE_SPANS, "each length is counted by itself");

/* ---- writing
 * ------------------------------------------------------------------------------------------------- */

static int64_t interval_of(const struct board *board, size_t span)
{
    return board->wall_ns / NS_PER_S / store_spans[span].seconds;
}

void history_begin(struct board *board)
{
    for (size_t span = 0; span < STORE_SPANS; span++)
        board->intervals[span] = interval_of(board, span);
}

int64_t history_slo(const struct live *live, double *objective_r)
{
    const struct plan *plan = live->run ? live->run->plan : NULL;

    for (size_t i = 0; plan && i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];

        if (metric->type == METRIC_LATENCY_SLO && metric->threshold_ns > 0) {
            *objective_r = metric->objective;
            return metric->threshold_ns;
        }
    }
    *objective_r = live->conf->slo_objective;
    return live->conf->slo_threshold_ns;
}

int64_t history_slo_ns(const struct live *live)
{
    double objective;

    return history_slo(live, &objective);
}

/* The point of a view; false when there is nothing to tell. */
static bool point_of(const struct board *board, const struct live *live, size_t side, size_t span,
                     const struct recent_view *view, struct store_point *point_r)
{
    const struct config_group *group = board_side(board, live, (enum route_side)side);

    if (!group || view->requests == 0)
        return false;
    *point_r = (struct store_point){.span = span,
                                    .begin_s = board->intervals[span] * store_spans[span].seconds,
                                    .route = live->conf->name,
                                    .side = side == ROUTE_CANARY ? "canary" : "stable",
                                    .group = group->name,
                                    .platform = group->platform,
                                    .length_ms = view->span_ns / NS_PER_MS,
                                    .weight = live->weight,
                                    .requests = view->requests,
                                    .errors = view->errors,
                                    .client_errors = view->client_errors,
                                    .slow = view->slow,
                                    .slo_ns = history_slo_ns(live),
                                    .sent = view->sent,
                                    .p50_ns = view->p50_ns,
                                    .p95_ns = view->p95_ns,
                                    .p99_ns = view->p99_ns};
    return true;
}

/* Takes the running interval of every side, which begins anew. Returns how many points there are. */
static size_t take(struct board *board, size_t span, struct store_point *points)
{
    size_t len = 0;

    for (size_t i = 0; i < board->lives_len; i++) {
        struct live *live = &board->lives[i];

        for (size_t side = 0; side < ROUTE_SIDES; side++) {
            struct recent_view view;

            if (!live->recent[side])
                continue;
            recent_take(live->recent[side], board->now_ns, span, &view);
            len += point_of(board, live, side, span, &view, &points[len]);
        }
    }
    return len;
}

/* Saves the spans of the set bits. */
static void save(struct board *board, unsigned spans)
{
    struct store_point *points =
        mem_alloc((STORE_SPANS * board->lives_len * ROUTE_SIDES + 1) * sizeof *points);
    size_t len = 0;

    for (size_t span = 0; span < STORE_SPANS; span++)
        if (spans >> span & 1)
            len += take(board, span, points + len);
    if (board->store && len > 0 && !store_history(board->store, points, len, board->wall_ns / NS_PER_S))
        log_debug("an interval of history could not be saved");
    free(points);
}

void history_tick(struct board *board)
{
    unsigned ended = 0;

    for (size_t span = 0; span < STORE_SPANS; span++)
        ended |= (unsigned)(interval_of(board, span) != board->intervals[span]) << span;
    if (!ended)
        return;
    save(board, ended);
    if (board->store && ended >> (STORE_SPANS - 1))
        store_prune(board->store);
    history_begin(board);
}

void history_end(struct board *board)
{
    save(board, (1U << STORE_SPANS) - 1);
}

/* ---- reading
 * ------------------------------------------------------------------------------------------------- */

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *ms(int64_t ns)
{
    return json_real((double)(ns / 1000) / 1000);
}

static json_t *time_of(const struct store_point *point)
{
    return json_integer(point->begin_s);
}
static json_t *seconds_of(const struct store_point *point)
{
    return json_real((double)point->length_ms / 1000);
}
static json_t *weight_of(const struct store_point *point)
{
    return json_real((double)point->weight / 100);
}
static json_t *requests_of(const struct store_point *point)
{
    return count(point->requests);
}
static json_t *errors_of(const struct store_point *point)
{
    return count(point->errors);
}
static json_t *client_errors_of(const struct store_point *point)
{
    return count(point->client_errors);
}
static json_t *slow_of(const struct store_point *point)
{
    return point->slo_ns ? count(point->slow) : json_null();
}
static json_t *sent_of(const struct store_point *point)
{
    return count(point->sent);
}
static json_t *p50_of(const struct store_point *point)
{
    return ms(point->p50_ns);
}
static json_t *p95_of(const struct store_point *point)
{
    return ms(point->p95_ns);
}
static json_t *p99_of(const struct store_point *point)
{
    return ms(point->p99_ns);
}

/* The columns of a series: charts want arrays, and names once. */
static const struct {
    const char *name;
    json_t *(*value)(const struct store_point *point);
} columns[] = {
    {"time", time_of},         {"seconds", seconds_of}, {"weight", weight_of},
    {"requests", requests_of}, {"errors", errors_of},   {"clientErrors", client_errors_of},
    {"slow", slow_of},         {"sent", sent_of},       {"p50", p50_of},
    {"p95", p95_of},           {"p99", p99_of},
};

static bool is_text(const json_t *series, const char *key, const char *text)
{
    return !strcmp(json_string_value(json_object_get(series, key)), text);
}

/* The series of a point; a new one when the list has none. Borrowed. */
static json_t *series_for(json_t *list, const struct store_point *point)
{
    json_t *series;

    for (size_t i = json_array_size(list); i-- > 0;) {
        series = json_array_get(list, i);
        if (is_text(series, "side", point->side) && is_text(series, "group", point->group) &&
            is_text(series, "platform", point->platform))
            return series;
    }
    series =
        json_pack("{s:s, s:s, s:s}", "side", point->side, "group", point->group, "platform", point->platform);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        json_object_set_new(series, columns[i].name, json_array());
    json_array_append_new(list, series);
    return series;
}

static void append(void *arg, const struct store_point *point)
{
    json_t *series = series_for(arg, point);

    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        json_array_append_new(json_object_get(series, columns[i].name), columns[i].value(point));
}

/* Whether the span has everything from a time on that coarser ones have. */
static bool covers(int64_t from_s, const int64_t oldest_s[static STORE_SPANS], size_t span)
{
    if (oldest_s[span] <= from_s)
        return true;
    for (size_t coarser = span + 1; coarser < STORE_SPANS; coarser++)
        if (oldest_s[coarser] != INT64_MAX &&
            oldest_s[coarser] + store_spans[coarser].seconds < oldest_s[span])
            return false;
    return true;
}

bool history_step_is_known(int64_t step_s)
{
    for (size_t span = 0; span < STORE_SPANS; span++)
        if (store_spans[span].seconds == step_s)
            return true;
    return step_s == 0;
}

static size_t span_for(const struct board *board, const struct history_query *query)
{
    int64_t oldest_s[STORE_SPANS];

    for (size_t span = 0; span < STORE_SPANS; span++) {
        oldest_s[span] = board->store ? store_oldest(board->store, span) : INT64_MAX;
        if (query->step_s == store_spans[span].seconds)
            return span;
    }
    for (size_t span = 0; span < STORE_SPANS - 1; span++) {
        int64_t from_s = query->from_s > oldest_s[span] ? query->from_s : oldest_s[span];

        if ((query->to_s - from_s) / store_spans[span].seconds <= HISTORY_POINTS_MAX &&
            covers(query->from_s, oldest_s, span))
            return span;
    }
    return STORE_SPANS - 1;
}

json_t *history_slo_json(const struct live *live)
{
    double objective;
    int64_t slo_ns = history_slo(live, &objective);

    if (slo_ns == 0)
        return json_null();
    return json_pack("{s:o, s:f}", "threshold", ms(slo_ns), "objective", objective);
}

int64_t history_step(const struct board *board, const struct history_query *query)
{
    return store_spans[span_for(board, query)].seconds;
}

/* What runs is the newest point, so that also a week ends now. */
static void each_running(const struct board *board, const struct live *live, size_t span,
                         void (*each)(void *arg, const struct store_point *point), void *arg)
{
    for (size_t side = 0; side < ROUTE_SIDES; side++) {
        struct recent_view view;
        struct store_point point;

        if (!live->recent[side])
            continue;
        recent_view(live->recent[side], board->now_ns, (enum recent_window)(RECENT_SPAN + span), &view);
        if (point_of(board, live, side, span, &view, &point))
            each(arg, &point);
    }
}

/* As much of the time asked for as an answer has room for. */
static struct store_window window_of(const struct live *live, const struct history_query *query, size_t span)
{
    struct store_window window = {live->conf->name, span, query->from_s, query->to_s};
    int64_t step_s = store_spans[span].seconds;

    if ((window.to_s - window.from_s) / step_s > HISTORY_POINTS_MAX)
        window.from_s = window.to_s - HISTORY_POINTS_MAX * step_s;
    return window;
}

static bool each_point(struct board *board, const struct live *live, const struct store_window *window,
                       void (*each)(void *arg, const struct store_point *point), void *arg)
{
    if (board->store && !store_each_point(board->store, window, each, arg))
        return false;
    if (board->intervals[window->span] * store_spans[window->span].seconds < window->to_s)
        each_running(board, live, window->span, each, arg);
    return true;
}

bool history_each(struct board *board, const struct live *live, const struct history_query *query,
                  void (*each)(void *arg, const struct store_point *point), void *arg)
{
    struct store_window window = window_of(live, query, span_for(board, query));

    return each_point(board, live, &window, each, arg);
}

json_t *history_json(struct board *board, const struct live *live, const struct history_query *query)
{
    struct store_window window = window_of(live, query, span_for(board, query));
    json_t *list = json_array();

    if (!each_point(board, live, &window, append, list)) {
        json_decref(list);
        return NULL;
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:o, s:o}", "route", live->conf->name, "from",
                     (json_int_t)window.from_s, "to", (json_int_t)window.to_s, "step",
                     (json_int_t)store_spans[window.span].seconds, "slo", history_slo_json(live), "series",
                     list);
}
