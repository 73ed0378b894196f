/*
 * Requests of a canary that failed, for the record of a decision that takes weight from it: which traces
 * somebody should look at. They are what the workers have kept last (proxy/exemplar), where there is tracing.
 * Nothing that a client sent is in them but the id of a trace.
 *
 * Thread: control.
 */
#ifndef CONTROL_EXAMPLES_H
#define CONTROL_EXAMPLES_H

#include "proxy/exemplar.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct board;
struct live;

enum { EXAMPLES_MAX = 10 };

/* One of each trace, its newest: those of recorded traces first, then the newest first. `failures` is put in
 * that order; gives how many are left of them. Pure. */
size_t examples_choose(struct failure *failures, size_t len);

/* What the canary of a route has failed since then (wall clock), EXAMPLES_MAX at most; NULL when there is
 * none. A new reference. */
json_t *examples_of(const struct board *board, const struct live *live, int64_t since_ns);

#endif
