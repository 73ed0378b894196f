/*
 * GET /v1/stream: server-sent events. A listener says which ones it wants, and of which route:
 *
 *   decision  each record, when it is made; its id lets a listener that was cut off go on where it was
 *   status    with each tick, what GET /v1/status says
 *   overview  with each tick, one short entry a route (control/status)
 *
 * A listener that does not keep up misses statuses and overviews, and is dropped when it does not even take
 * the decisions. Who has nothing to hear hears a comment every few seconds, so that both ends know the other
 * is there.
 *
 * Thread: control. Source: WHATWG HTML, server-sent events.
 */
#ifndef CONTROL_STREAM_H
#define CONTROL_STREAM_H

#include "base/str.h"
#include "conf/config.h"
#include "control/admin.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct stream_listener;

enum stream_event {
    STREAM_DECISION,
    STREAM_STATUS,
    STREAM_OVERVIEW,
    STREAM_EVENTS,
};

enum { STREAM_RESUMED_MAX = 256 }; /* records that a listener that comes back is told, the newest */

/* What a listener wants. */
struct stream_wish {
    bool events[STREAM_EVENTS];
    char route[CONFIG_NAME_MAX + 1]; /* of this one only; empty: of all */
    int64_t after;                   /* begin with the decisions behind this id; -1: with those to come */
};

struct stream_hub {
    struct stream_listener *listeners;
};

/* Reads a list of names, as in `decision,status`. False when one is unknown. */
MUST_CHECK bool stream_events_parse(struct str list, struct stream_wish *wish);

/* Adds the client of a request as a listener. */
void stream_join(struct stream_hub *hub, struct admin_request *request, const struct stream_wish *wish,
                 struct board *board);
/* Tells a decision to those who want it. */
void stream_decision(struct stream_hub *hub, const json_t *record);
/* Statuses, overviews and signs of life; once a tick. `admin` as for status_json. */
void stream_tick(struct stream_hub *hub, struct board *board, const char *admin);

#endif
