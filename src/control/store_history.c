#include "control/store_history.h"

#include <stdio.h>

enum { TRIM_MAX = 32 }; /* intervals that one trim deletes */
/* A series may have rows from first_s up to so long behind last_s: then it costs no write each interval. */
enum { LIFE_SLACK_S = 600 };

const struct store_span store_spans[STORE_SPANS] = {
    {.seconds = 10, .keep_s = 3 * 3600, .rows = 300000},
    {.seconds = 60, .keep_s = 26 * 3600, .rows = 400000},
    {.seconds = 600, .keep_s = 8 * 86400, .rows = 400000},
    {.seconds = 3600, .keep_s = 35 * 86400, .rows = 400000},
};

void store_history_init(struct store_history *history)
{
    for (size_t span = 0; span < STORE_SPANS; span++)
        history->rows[span] = -1;
}

/* ---- writing
 * ------------------------------------------------------------------------------------------------- */

/* Lets a series' life take in the beginning of a point. */
static bool extend_life(struct store_db *db, int64_t id, int64_t begin_s)
{
    sqlite3_stmt *statement = store_db_statement(db, STORE_SERIES_LIVES);

    store_db_int(statement, 1, id);
    store_db_int(statement, 2, begin_s);
    return store_db_run(statement);
}

/* The number of a point's series, which is made when it is new; -1 on an error. */
static int64_t series_of(struct store_db *db, const struct store_point *point)
{
    static const enum store_statement tries[] = {STORE_SERIES_GET, STORE_SERIES_PUT, STORE_SERIES_GET};

    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        sqlite3_stmt *statement = store_db_statement(db, tries[i]);
        int64_t id, first_s, last_s;

        store_db_text(statement, 1, point->route);
        store_db_text(statement, 2, point->side);
        store_db_text(statement, 3, point->group);
        store_db_text(statement, 4, point->platform);
        if (tries[i] == STORE_SERIES_PUT)
            store_db_int(statement, 5, point->begin_s);
        if (!store_db_row(statement))
            continue;
        id = sqlite3_column_int64(statement, 0);
        first_s = sqlite3_column_int64(statement, 1);
        last_s = sqlite3_column_int64(statement, 2);
        sqlite3_reset(statement);
        if (point->begin_s >= first_s && point->begin_s <= last_s + LIFE_SLACK_S)
            return id;
        return extend_life(db, id, point->begin_s) ? id : -1;
    }
    return -1;
}

static bool put(struct store_db *db, const struct store_point *point)
{
    int64_t series = series_of(db, point);
    const int64_t values[] = {store_spans[point->span].seconds,
                              point->begin_s,
                              series,
                              point->length_ms,
                              point->weight,
                              (int64_t)point->requests,
                              (int64_t)point->errors,
                              (int64_t)point->client_errors,
                              (int64_t)point->slow,
                              point->slo_ns / 1000,
                              (int64_t)point->sent,
                              point->p50_ns / 1000,
                              point->p95_ns / 1000,
                              point->p99_ns / 1000};
    sqlite3_stmt *statement;

    if (series < 0)
        return false;
    statement = store_db_statement(db, STORE_HISTORY_PUT);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        store_db_int(statement, (int)i + 1, values[i]);
    return store_db_run(statement);
}

bool store_history_put(struct store_history *history, struct store_db *db, const struct store_point *points,
                       size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!put(db, &points[i])) {
            store_history_init(history); /* all of it is taken back */
            return false;
        }
        if (history->rows[points[i].span] >= 0)
            history->rows[points[i].span]++;
    }
    return true;
}

/* ---- keeping it small
 * ---------------------------------------------------------------------------------------- */

/* The number that a statement gives for a span; `none` without a row or with NULL. */
static int64_t number(struct store_db *db, enum store_statement which, size_t span, int64_t none)
{
    sqlite3_stmt *statement = store_db_statement(db, which);
    int64_t value = none;

    store_db_int(statement, 1, store_spans[span].seconds);
    if (store_db_row(statement)) {
        if (sqlite3_column_type(statement, 0) != SQLITE_NULL)
            value = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    return value;
}

int64_t store_history_oldest(struct store_db *db, size_t span)
{
    return number(db, STORE_HISTORY_OLDEST, span, INT64_MAX);
}

static bool delete_interval(struct store_history *history, struct store_db *db, size_t span, int64_t begin_s)
{
    sqlite3_stmt *statement = store_db_statement(db, STORE_HISTORY_DELETE);

    store_db_int(statement, 1, store_spans[span].seconds);
    store_db_int(statement, 2, begin_s);
    if (!store_db_run(statement)) {
        store_history_init(history);
        return false;
    }
    history->rows[span] -= sqlite3_changes64(db->handle);
    return true;
}

/* Forgets the series that have no row any more. */
static bool prune_series(struct store_db *db)
{
    int64_t oldest_s = INT64_MAX;
    sqlite3_stmt *statement;

    for (size_t span = 0; span < STORE_SPANS; span++) {
        int64_t of_span_s = store_history_oldest(db, span);

        oldest_s = of_span_s < oldest_s ? of_span_s : oldest_s;
    }
    statement = store_db_statement(db, STORE_SERIES_PRUNE);
    store_db_int(statement, 1, oldest_s - LIFE_SLACK_S);
    return store_db_run(statement);
}

bool store_history_trim(struct store_history *history, struct store_db *db, size_t span, int64_t now_s)
{
    if (span == STORE_SPANS - 1 && !prune_series(db))
        return false;
    if (history->rows[span] < 0)
        history->rows[span] = number(db, STORE_HISTORY_COUNT, span, 0);
    for (size_t i = 0; i < TRIM_MAX; i++) {
        int64_t oldest_s = store_history_oldest(db, span);

        if (oldest_s == INT64_MAX ||
            (oldest_s >= now_s - store_spans[span].keep_s && history->rows[span] <= store_spans[span].rows))
            return true;
        if (!delete_interval(history, db, span, oldest_s))
            return false;
    }
    return true;
}

/* ---- reading
 * ------------------------------------------------------------------------------------------------- */

enum { SERIES_MAX = 64 }; /* of one route in one window: its sides, times the groups that they have been */

struct series {
    int64_t id;
    char side[16], group[64], platform[64];
    int64_t from_s, to_s; /* where in the window it may have rows */
};

static size_t series_in(struct store_db *db, const struct store_window *window,
                        struct series series_r[static SERIES_MAX])
{
    sqlite3_stmt *statement = store_db_statement(db, STORE_SERIES_OF_ROUTE);
    size_t len = 0;

    store_db_text(statement, 1, window->route);
    store_db_int(statement, 2, window->from_s - LIFE_SLACK_S - 1);
    store_db_int(statement, 3, window->to_s);
    store_db_int(statement, 4, SERIES_MAX);
    while (store_db_row(statement)) {
        struct series *series = &series_r[len++];

        series->id = sqlite3_column_int64(statement, 0);
        snprintf(series->side, sizeof series->side, "%s", store_db_column(statement, 1));
        snprintf(series->group, sizeof series->group, "%s", store_db_column(statement, 2));
        snprintf(series->platform, sizeof series->platform, "%s", store_db_column(statement, 3));
        series->from_s = sqlite3_column_int64(statement, 4);
        series->to_s = sqlite3_column_int64(statement, 5) + LIFE_SLACK_S + 1;
        if (series->from_s < window->from_s)
            series->from_s = window->from_s;
        if (series->to_s > window->to_s)
            series->to_s = window->to_s;
    }
    return len;
}

/* One look-up: the rows of an interval lie together, so that writing them is cheap with 500 routes. */
static bool read_point(struct store_db *db, const struct series *series, size_t span, int64_t begin_s,
                       struct store_point *point_r)
{
    sqlite3_stmt *get = store_db_statement(db, STORE_HISTORY_GET);

    store_db_int(get, 1, store_spans[span].seconds);
    store_db_int(get, 2, begin_s);
    store_db_int(get, 3, series->id);
    if (!store_db_row(get))
        return false;
    *point_r = (struct store_point){.span = span,
                                    .begin_s = begin_s,
                                    .side = series->side,
                                    .group = series->group,
                                    .platform = series->platform,
                                    .length_ms = sqlite3_column_int64(get, 0),
                                    .weight = (uint32_t)sqlite3_column_int64(get, 1),
                                    .requests = (uint64_t)sqlite3_column_int64(get, 2),
                                    .errors = (uint64_t)sqlite3_column_int64(get, 3),
                                    .client_errors = (uint64_t)sqlite3_column_int64(get, 4),
                                    .slow = (uint64_t)sqlite3_column_int64(get, 5),
                                    .slo_ns = sqlite3_column_int64(get, 6) * 1000,
                                    .sent = (uint64_t)sqlite3_column_int64(get, 7),
                                    .p50_ns = sqlite3_column_int64(get, 8) * 1000,
                                    .p95_ns = sqlite3_column_int64(get, 9) * 1000,
                                    .p99_ns = sqlite3_column_int64(get, 10) * 1000};
    sqlite3_reset(get);
    return true;
}

void store_history_each(struct store_db *db, const struct store_window *window,
                        void (*each)(void *arg, const struct store_point *point), void *arg)
{
    struct series series[SERIES_MAX];
    int64_t step_s = store_spans[window->span].seconds;
    int64_t oldest_s = store_history_oldest(db, window->span);
    struct store_window kept = *window;
    struct store_point point;
    size_t len;

    if (oldest_s == INT64_MAX)
        return;
    if (kept.from_s < oldest_s)
        kept.from_s = oldest_s;
    len = series_in(db, &kept, series);
    for (size_t i = 0; i < len; i++) {
        int64_t at_s = series[i].from_s + (step_s - series[i].from_s % step_s) % step_s;

        for (; at_s < series[i].to_s; at_s += step_s)
            if (read_point(db, &series[i], window->span, at_s, &point)) {
                point.route = window->route;
                each(arg, &point);
            }
    }
}
