/*
 * Active health checks: every target of a group with `healthCheck` is asked at its interval, over HTTP or by
 * a mere connect. Some failures in a row make it unhealthy, some successes healthy again; until a target's
 * first verdict it counts as healthy, so that a start does not wait. The verdicts go to board->health, and
 * with the next snapshot to the workers, which pass an unhealthy target over (route/pick). Each check is a
 * connection of its own. Thread: control.
 */
#ifndef CONTROL_PROBER_H
#define CONTROL_PROBER_H

#include "control/board.h"

struct event_base;
struct prober;

/* Begins to check the targets of the board's configuration. Both arguments outlive the prober. */
struct prober *prober_new(struct event_base *base, struct board *board);
/* Takes the targets of another configuration, when there is one; what is known of those that stay is kept. */
void prober_look(struct prober *prober);
void prober_free(struct prober *prober);

#endif
