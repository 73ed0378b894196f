#include "control/stream.h"

#include "base/clk.h"
#include "base/mem.h"
#include "control/board.h"
#include "control/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SILENCE_NS (10 * NS_PER_S)

static const char *const event_names[STREAM_EVENTS] = {
    [STREAM_DECISION] = "decision",
    [STREAM_STATUS] = "status",
    [STREAM_OVERVIEW] = "overview",
};

struct stream_listener {
    struct stream_hub *hub;
    struct stream_listener *next;
    struct admin_stream *stream;
    struct stream_wish wish;
    int64_t told_ns; /* when it was sent something last */
};

bool stream_events_parse(struct str list, struct stream_wish *wish)
{
    struct str name;

    while (str_split(&list, ',', &name)) {
        size_t event = 0;

        while (event < STREAM_EVENTS && !str_eq(name, str_from(event_names[event])))
            event++;
        if (event == STREAM_EVENTS)
            return false;
        wish->events[event] = true;
    }
    return true;
}

/* ---- events as bytes
 * ----------------------------------------------------------------------------------------- */

static char *dump(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12));

    BUG_ON(!text);
    return text;
}

/* The event with these data; takes the reference. */
static char *event_text(enum stream_event event, json_t *data)
{
    char *json = dump(data);
    char *text = mem_printf("event: %s\ndata: %s\n\n", event_names[event], json);

    free(json);
    json_decref(data);
    return text;
}

/* A decision has an id, which a client gives back as Last-Event-ID. */
static char *decision_text(const json_t *record)
{
    char *json = dump(record);
    char *text =
        mem_printf("event: %s\nid: %" JSON_INTEGER_FORMAT "\ndata: %s\n\n", event_names[STREAM_DECISION],
                   json_integer_value(json_object_get(record, "id")), json);

    free(json);
    return text;
}

static void tell(struct stream_listener *listener, const char *bytes, int64_t now_ns)
{
    admin_stream_send(listener->stream, str_from(bytes));
    listener->told_ns = now_ns;
}

/* ---- listeners
 * ----------------------------------------------------------------------------------------------- */

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

/* What it missed while it was away. */
static void resume(struct stream_listener *listener, const struct board *board)
{
    const char *route = listener->wish.route[0] ? listener->wish.route : NULL;
    json_t *list =
        journal_list(&board->journal, board->store, route, listener->wish.after, STREAM_RESUMED_MAX);
    const json_t *record;
    size_t i;

    json_array_foreach(list, i, record)
    {
        char *text = decision_text(record);

        tell(listener, text, board->now_ns);
        free(text);
    }
    json_decref(list);
}

void stream_join(struct stream_hub *hub, struct admin_request *request, const struct stream_wish *wish,
                 struct board *board)
{
    struct stream_listener *listener = mem_zalloc(sizeof *listener);

    listener->hub = hub;
    listener->wish = *wish;
    listener->stream = admin_stream_open(request, "text/event-stream", gone, listener);
    if (!listener->stream) {
        free(listener);
        return;
    }
    listener->next = hub->listeners;
    hub->listeners = listener;
    tell(listener, ": penstock\n\n", board->now_ns);
    if (wish->events[STREAM_DECISION] && wish->after >= 0)
        resume(listener, board);
}

/* ---- telling
 * ------------------------------------------------------------------------------------------------- */

static bool is_of_route(const struct stream_listener *listener, const char *route)
{
    return !listener->wish.route[0] || (route && !strcmp(listener->wish.route, route));
}

void stream_decision(struct stream_hub *hub, const json_t *record)
{
    const char *route = json_string_value(json_object_get(record, "route"));
    char *text;

    if (!hub->listeners)
        return;
    text = decision_text(record);
    for (struct stream_listener *listener = hub->listeners; listener; listener = listener->next)
        if (listener->wish.events[STREAM_DECISION] && is_of_route(listener, route))
            tell(listener, text, clk_mono_ns());
    free(text);
}

/* Statuses that were made in this tick, one a route that is listened to. */
struct statuses {
    struct {
        const char *route; /* empty: of all */
        char *text;
    } made[ADMIN_STREAMS_MAX];
    size_t len;
};

static const char *status_text(struct statuses *statuses, const char *route, struct board *board,
                               const char *admin)
{
    for (size_t i = 0; i < statuses->len; i++)
        if (!strcmp(statuses->made[i].route, route))
            return statuses->made[i].text;
    statuses->made[statuses->len].route = route;
    statuses->made[statuses->len].text =
        event_text(STREAM_STATUS, status_json(board, admin, route[0] ? route : NULL));
    return statuses->made[statuses->len++].text;
}

void stream_tick(struct stream_hub *hub, struct board *board, const char *admin)
{
    struct statuses statuses = {.len = 0};
    char *overview = NULL;

    for (struct stream_listener *listener = hub->listeners; listener; listener = listener->next) {
        const bool *events = listener->wish.events;

        if (admin_stream_waits(listener->stream))
            continue;
        if (events[STREAM_OVERVIEW]) {
            if (!overview)
                overview = event_text(STREAM_OVERVIEW, status_overview(board));
            tell(listener, overview, board->now_ns);
        }
        if (events[STREAM_STATUS])
            tell(listener, status_text(&statuses, listener->wish.route, board, admin), board->now_ns);
        if (board->now_ns - listener->told_ns > SILENCE_NS)
            tell(listener, ":\n\n", board->now_ns);
    }
    for (size_t i = 0; i < statuses.len; i++)
        free(statuses.made[i].text);
    free(overview);
}
