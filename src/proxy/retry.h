/*
 * Further tries of a request: which ending allows one, and the budget that keeps them from adding to an
 * overload (http.md U8, U9). Only what cannot be done twice by it is tried again: a request of which the
 * target has seen nothing, or one whose method may be repeated and that has no body (RFC 9110 section 9.2.2).
 * Thread: the worker's.
 */
#ifndef PROXY_RETRY_H
#define PROXY_RETRY_H

#include "base/bug.h"
#include "proxy/outcome.h"

#include <stdbool.h>

struct txn;

/* Whether a try that ended like this may be followed by another one in the same group. */
MUST_CHECK bool retry_allowed(const struct txn *txn, enum outcome outcome);
/* The target closed a waiting connection just as it was taken, or said GOAWAY: no fault of the target, and no
 * budget is asked. */
MUST_CHECK bool retry_is_race(const struct txn *txn, enum outcome outcome);
/* Whether stable is asked instead of a canary that has failed: without an answer, or with this status of its
 * own (0: without). */
MUST_CHECK bool retry_shields(const struct txn *txn, enum outcome outcome, unsigned status);

/* The next try counts in the budget, until retry_over. */
void retry_begin(struct txn *txn);
/* A try is over; does nothing when it did not count. */
void retry_over(struct txn *txn);

#endif
