/*
 * Overrides: who may choose the side of a request, whatever the weight. The rows are those of the route
 * (conf); the first that takes the request counts, and what is ignored is told and goes by the weight.
 *
 * A header with a signed value, and such a cookie, are never sent on: who has one could use it.
 * Thread: any; nothing is kept.
 */
#ifndef PROXY_OVERRIDE_H
#define PROXY_OVERRIDE_H

#include "base/bug.h"
#include "base/ip.h"
#include "conf/config.h"
#include "route/pick.h"

#include <stdbool.h>
#include <stdint.h>

struct field;
struct head;
struct relay_queue;

enum override_result {
    OVERRIDE_NONE, /* none was tried; it is neither logged nor counted */
#define OVERRIDE(id, name, taken, text) OVERRIDE_##id,
#include "proxy/override.def"
#undef OVERRIDE
    OVERRIDE_RESULTS,
};

struct override_row {
    const char *name;
    bool taken;
    const char *text;
};
/* The row of a result other than NONE. */
const struct override_row *override_row(enum override_result result);

/*
 * What the overrides of a route, and behind them the header route of its rollout, say about a request.
 * `client` is NULL while it is not known: a trusted proxy that does not say whom it speaks for is not in any
 * network. `wall_ns` is now. `*side_r` is set when one was taken; that the canary has an open target is the
 * caller's question.
 */
enum override_result override_find(const struct route *route, const struct head *head,
                                   const struct ip *client, int64_t wall_ns, enum route_side *side_r);

/*
 * Marks what is not sent on: headers with signed values, and lines with such cookies beyond the first, with
 * FIELD_HOP; the first line with such cookies with FIELD_PART. Again and again does no harm.
 */
void override_strip(const struct config_route *route, struct head *head);
/* Queues what is left of a Cookie line with FIELD_PART: slices of it and of constants, 11 at most. */
void override_queue_cookies(const struct config_route *route, const struct field *field,
                            struct relay_queue *queue);

#endif
