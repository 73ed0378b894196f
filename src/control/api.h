/*
 * The admin API: a table of paths, and for each request the guard, the path, the method and the handler in
 * this order. Reads are in control/reads, writes in control/writes.
 *
 * Thread: control.
 */
#ifndef CONTROL_API_H
#define CONTROL_API_H

#include "control/admin.h"
#include "control/call.h"
#include "control/stream.h"

#include <jansson.h>
#include <stdbool.h>

struct board;
struct event_base;

/* A change of weight that waits for every worker. */
struct api_waiter;

struct api {
    struct board *board;
    struct admin *admin; /* set by control when it listens */
    struct stream_hub hub;
    struct api_waiter *waiters;
    struct event *waiting; /* looks after the waiters while there are any */
};

void api_init(struct api *api, struct event_base *base, struct board *board);
/* Call after admin_close. */
void api_fini(struct api *api);

/* The admin_handler; `arg` is the api. */
void api_handle(void *arg, struct admin_request *request);
/* Answers the weights that are in force on every worker now, and those that have waited for too long. */
void api_look(struct api *api);
/* Holds a change of weight until every worker has it; answers at once when they have. */
void api_wait(struct call *call, const struct live *live, bool has_weight, uint32_t weight);

#endif
