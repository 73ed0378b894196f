#include "control/stream.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct stream_listener {
    struct stream_hub *hub;
    struct stream_listener *next;
    struct admin_stream *stream;
};

static void gone(void *arg)
{
    struct stream_listener *listener = arg;
    struct stream_listener **at = &listener->hub->listeners;

    while (*at && *at != listener)
        at = &(*at)->next;
    BUG_ON(!*at);
    *at = listener->next;
    free(listener);
}

void stream_join(struct stream_hub *hub, struct admin_request *request)
{
    struct stream_listener *listener = mem_zalloc(sizeof *listener);

    listener->hub = hub;
    listener->stream = admin_stream_open(request, "text/event-stream", gone, listener);
    if (!listener->stream) {
        free(listener);
        return;
    }
    listener->next = hub->listeners;
    hub->listeners = listener;
    admin_stream_send(listener->stream, STR(": penstock\n\n"), false);
}

void stream_send(struct stream_hub *hub, const char *name, const json_t *data, bool skip)
{
    char *json, *event;

    if (!hub->listeners)
        return;
    json = json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(12));
    event = mem_printf("event: %s\ndata: %s\n\n", name, json);
    for (struct stream_listener *listener = hub->listeners; listener; listener = listener->next)
        admin_stream_send(listener->stream, str_from(event), skip);
    free(event);
    free(json);
}
