/*
 * What the demo shows: a frame of the live view, a line a second elsewhere, and its last words. Pure.
 */
#ifndef CLI_DEMO_VIEW_H
#define CLI_DEMO_VIEW_H

#include "base/str.h"
#include "cli/demo_fault.h"
#include "cli/demo_traffic.h"
#include "cli/state.h"
#include "cli/term.h"

#include <jansson.h>

struct demo_show {
    enum demo_fault fault;
    double rate; /* of the clients, requests a second */
    uint32_t users;
    const char *address, *admin; /* "127.0.0.1:41235" */
    const char *access_log;      /* path, or NULL */
    int64_t elapsed_s;
    struct demo_traffic_counts counts;
    const struct state_route *route;
    const json_t *decisions; /* array of records, oldest first */
    const char *notice;      /* to the person: what a key did, or what went wrong; empty: nothing */
};

/* Where everything is: the first lines, once, when there is no live view. */
void demo_view_start(struct text *out, const struct term *term, const struct demo_show *show);
/* A whole screen, at most term->rows lines. */
void demo_view_frame(struct text *out, const struct term *term, const struct demo_show *show);
/* A line for this second. */
void demo_view_line(struct text *out, const struct demo_show *show);
/* The last words: how it ended, in numbers, and what to do next. */
void demo_view_end(struct text *out, const struct term *term, const struct demo_show *show);

#endif
