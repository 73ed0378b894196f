/*
 * What others ask of the step PLACE (proxy/step) while a request waits for a place in its group. Thread: the
 * worker's.
 */
#ifndef PROXY_PLACE_H
#define PROXY_PLACE_H

#include "base/bug.h"
#include "proxy/step.h"

#include <stdbool.h>

/* Whether the present snapshot gives nothing more to the side for which it waits. */
MUST_CHECK bool place_is_elsewhere(const struct txn *txn);
/* Leaves the line, if it waits in one. */
void place_leave_line(struct txn *txn);
/* Its time is over. Ends it. */
MUST_CHECK enum next place_is_late(struct txn *txn);

#endif
