/*
 * What was not exported of a canary is kept for a while: when the weight of its route falls, because the
 * rollout went back or somebody took it back, the requests before and after that moment are worth seeing.
 *
 * Lines of the last half minute, bounded; the oldest give way. Pure but for heap memory; thread: its owner's.
 */
#ifndef EXPORT_OTLPHOLD_H
#define EXPORT_OTLPHOLD_H

#include "base/bug.h"
#include "base/str.h"
#include "proxy/accesslog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OTLPHOLD_LINES = 1024,
    OTLPHOLD_BYTES = 1024 * 1024,
    OTLPHOLD_ROUTES = 256, /* by hash; a route whose slot another one has is looked at anew */
};
#define OTLPHOLD_NS (INT64_C(30) * 1000000000)

struct otlphold;

struct otlphold *otlphold_new(void);
/* NULL is allowed. */
void otlphold_free(struct otlphold *hold);

/* Takes note of the weight of a line. True when it has fallen: then call otlphold_take until it is empty. */
MUST_CHECK bool otlphold_note(struct otlphold *hold, const struct accesslog_mark *mark, int64_t now_ns);
/* Whether the line is one of a canary whose weight has fallen in the last half minute. */
bool otlphold_is_wanted(const struct otlphold *hold, const struct accesslog_mark *mark, int64_t now_ns);
/* Keeps a copy of the line, if it is one of a canary. Gives how many were given up, this one included. */
unsigned otlphold_keep(struct otlphold *hold, const struct accesslog_mark *mark, struct str line,
                       int64_t now_ns);
/* A line of the same route that was kept and is not too old, into `line` of `cap` bytes; its length, 0:
 * there is none. It is forgotten. */
size_t otlphold_take(struct otlphold *hold, const struct accesslog_mark *mark, int64_t now_ns, char *line,
                     size_t cap);

#endif
