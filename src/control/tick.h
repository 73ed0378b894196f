/*
 * The once-a-second look at everything: counts in, decisions out, snapshots down, rows to the store. Control
 * calls it from its timer; an order from a person looks at its own route at once.
 *
 * Thread: control.
 */
#ifndef CONTROL_TICK_H
#define CONTROL_TICK_H

struct board;
struct live;

/* One look at every route. The clocks of the board have been read. */
void tick(struct board *board);
/* One look at a route with a rollout, or without: what was ordered is decided, published and saved when it
 * returns. */
void tick_route(struct board *board, struct live *live);
/* Takes what the workers have counted. For the moment when they have all adopted a snapshot; see
 * control/harvest. */
void tick_harvest(struct board *board);

#endif
