/*
 * The history: at the end of each interval a row of every side of every route that had requests goes to the
 * store, at the lengths of store_spans side by side, all that end together in one transaction. GET
 * /v1/history reads them, with the running interval behind them.
 *
 * Thread: control; the workers know nothing of it.
 */
#ifndef CONTROL_HISTORY_H
#define CONTROL_HISTORY_H

#include "base/bug.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct live;

enum { HISTORY_POINTS_MAX = 1600 }; /* of a series in one answer */

/* What is asked for; wall clock seconds. */
struct history_query {
    int64_t from_s, to_s;
    int64_t step_s; /* of store_spans; 0: the finest that covers the time within HISTORY_POINTS_MAX */
};

/* The intervals that run now; once, at the start. */
void history_begin(struct board *board);
/* Saves the intervals that have ended. */
void history_tick(struct board *board);
/* Saves the running ones as they are: the process ends. */
void history_end(struct board *board);

/* How long an answer of the route may take to be in time, and the share that has to be: what its plan judges
 * by, else its own promise; 0: none. */
int64_t history_slo(const struct live *live, double *objective_r);
/* The time alone. */
int64_t history_slo_ns(const struct live *live);

/* The promise: {threshold in ms, objective: the share that has to be in time}; null without one. */
json_t *history_slo_json(const struct live *live);
/* Whether a query may ask for this step. */
bool history_step_is_known(int64_t step_s);
struct store_point;
/* The length of the intervals that fit a query. */
int64_t history_step(const struct board *board, const struct history_query *query);
/* Each of them in its time, the running ones last. False when the store could not be read. */
MUST_CHECK bool history_each(struct board *board, const struct live *live, const struct history_query *query,
                             void (*each)(void *arg, const struct store_point *point), void *arg);
/* The answer of GET /v1/history; NULL when the store could not be read. A new reference. */
MUST_CHECK json_t *history_json(struct board *board, const struct live *live,
                                const struct history_query *query);

#endif
