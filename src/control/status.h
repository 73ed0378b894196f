/*
 * GET /v1/status: the whole board for people and programs. Percentages where people speak of weights and
 * shares, seconds and milliseconds for times, null for what is not known. The members are described in
 * penstock(1).
 *
 * Thread: control.
 */
#ifndef CONTROL_STATUS_H
#define CONTROL_STATUS_H

#include "control/board.h"

#include <jansson.h>

/* Everything; with `route`, of the routes only that one, and of the groups only its own. A new reference. */
json_t *status_json(struct board *board, const char *admin, const char *route);
/* One short entry a route, for lists: {"time", "routes"}. A new reference. */
json_t *status_overview(const struct board *board);
/* The weight alone: {"route", "canary", "inForce", "lock", ...}. A new reference. */
json_t *status_weight(const struct board *board, const struct live *live);
/* The targets of a group with their counters. A new reference. */
json_t *status_targets(const struct board *board, const struct config_group *group);
/* The canary's part of the requests of the last minute, 0 to 1; NAN without requests. */
double status_share(const struct board *board, const struct live *live);

#endif
