/*
 * The history in the database: what each side of each route did, a row an interval, at four lengths of
 * interval side by side. Each length has an age and a number of rows that it keeps; what is beyond either
 * goes, oldest intervals first and some at a time, so that neither the disk fills nor a tick stands still.
 * Percentiles of short intervals cannot be added up to those of a long one, so every length is counted by
 * itself (control/recent).
 *
 * Functions give false on an error of the database, which control/store then tells. Thread: control.
 */
#ifndef CONTROL_STORE_HISTORY_H
#define CONTROL_STORE_HISTORY_H

#include "base/bug.h"
#include "control/store_db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STORE_SPANS = 4 };

/* A length of interval. */
struct store_span {
    int64_t seconds;
    int64_t keep_s;
    int64_t rows; /* at most */
};
extern const struct store_span store_spans[STORE_SPANS]; /* from the shortest */

/* An interval of one side of a route. Text is borrowed. */
struct store_point {
    size_t span;     /* of store_spans */
    int64_t begin_s; /* wall clock, a multiple of the span */
    const char *route;
    const char *side; /* "stable" or "canary" */
    const char *group;
    const char *platform;
    int64_t length_ms; /* how much of it was looked at: less after a start */
    uint32_t weight;   /* at its end, hundredths of a percent */
    uint64_t requests;
    uint64_t errors; /* 5xx, or ended by the group's fault */
    uint64_t client_errors;
    uint64_t slow;  /* beyond slo_ns */
    int64_t slo_ns; /* 0: the route had no promise */
    uint64_t sent;  /* bytes */
    int64_t p50_ns, p95_ns, p99_ns;
};

/* Which points to read: of a route, with from_s <= begin_s < to_s. Each interval in it in which a series of
 * the route lived costs a look-up. */
struct store_window {
    const char *route;
    size_t span;
    int64_t from_s, to_s;
};

struct store_history {
    int64_t rows[STORE_SPANS]; /* that are kept; -1: to be counted */
};

/* For a database that was just opened. */
void store_history_init(struct store_history *history);
/* Writes points, within the caller's transaction. One that is there already (from before a restart) is added
 * up. */
MUST_CHECK bool store_history_put(struct store_history *history, struct store_db *db,
                                  const struct store_point *points, size_t len);
/* Deletes what is too old or too much, up to a number of intervals; within the caller's transaction. */
MUST_CHECK bool store_history_trim(struct store_history *history, struct store_db *db, size_t span,
                                   int64_t now_s);
/* The beginning of the oldest interval that is kept; INT64_MAX when there is none. */
int64_t store_history_oldest(struct store_db *db, size_t span);
/* Each point of a window, one series (side, group, platform) after the other, each oldest first. */
void store_history_each(struct store_db *db, const struct store_window *window,
                        void (*each)(void *arg, const struct store_point *point), void *arg);

#endif
