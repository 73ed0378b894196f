/*
 * Passive ejection: a worker leaves a target alone for a while when requests in a row got no answer from it.
 * The time grows with each ejection; afterwards one more failure is enough. Each worker sees for itself, so
 * nothing is shared and nothing waits. Thread: the worker's.
 */
#ifndef PROXY_EJECT_H
#define PROXY_EJECT_H

#include "route/routes.h"

#include <stdint.h>

struct worker;

/* What a worker knows of one target. */
struct eject {
    uint32_t failed;    /* requests in a row without an answer */
    uint32_t ejections; /* since it last did well for as long as it had been out */
};

/* The target has answered, whatever it said. */
void eject_answered(struct worker *worker, const struct route_group *group,
                    const struct route_target *target);
/* A try ended without an answer, by the target's fault; `why` is for the log. */
void eject_failed(struct worker *worker, const struct route_group *group, const struct route_target *target,
                  const char *why);

#endif
