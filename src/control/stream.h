/*
 * GET /v1/stream: server-sent events to every listener: `decision` with each record, `status` with each tick.
 * A listener that does not keep up misses statuses, and is dropped when it does not even take the decisions.
 *
 * Thread: control. Source: WHATWG HTML, server-sent events.
 */
#ifndef CONTROL_STREAM_H
#define CONTROL_STREAM_H

#include "control/admin.h"

#include <jansson.h>
#include <stdbool.h>

struct stream_listener;

struct stream_hub {
    struct stream_listener *listeners;
};

/* Adds the client of a request as a listener. */
void stream_join(struct stream_hub *hub, struct admin_request *request);
static inline bool stream_has_listeners(const struct stream_hub *hub)
{
    return hub->listeners != NULL;
}
/* Sends one event to all. `skip`: those that still have something waiting do without it. */
void stream_send(struct stream_hub *hub, const char *name, const json_t *data, bool skip);

#endif
