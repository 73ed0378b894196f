/*
 * Spans of OpenTelemetry as JSON of OTLP, made of a line of the access log: a server span of the request, and
 * a client span of each try, named and described by the semantic conventions for HTTP, with attributes of
 * ours under penstock. A part that a client has withheld (a shielded request, a copy) has client spans only.
 *
 * Texts stand in the line with their escapes and go into the spans as they are. Pure; any thread.
 *
 * Sources: opentelemetry-proto, trace/v1 and its JSON mapping; semantic conventions, HTTP spans.
 */
#ifndef EXPORT_OTLP_H
#define EXPORT_OTLP_H

#include "export/logread.h"

enum {
    OTLP_SPANS_MAX = 128 * 1024, /* what otlp_spans writes at most */
    OTLP_RESOURCE_MAX = 4096,    /* and otlp_resource */
    OTLP_TEXT_MAX = 4096,        /* of an attribute; longer texts are cut */
};

/* What a line tells of its spans, for whoever makes other ones of it (export/xray). */
struct otlp_line {
    struct str start, parent; /* ns since 1970; the span of the client, absent: the trace begins here */
    struct str tries;         /* for otlp_next_try */
};
struct otlp_try {
    struct str span, target, start, end, status, outcome;
};
/* False when the line has none. */
MUST_CHECK bool otlp_read(const struct logread *read, struct otlp_line *line_r);
/* Writes the end of the request, ns since 1970 like its start. False when the line does not say it. */
MUST_CHECK bool otlp_end(const struct logread *read, const struct otlp_line *line, struct buf *out);
/* The next try: moves *tries behind it. False at the end. */
MUST_CHECK bool otlp_next_try(struct str *tries, struct otlp_try *try_r);
/* Whether the line tells of the request as a whole: not of a part that the client has not seen. */
bool otlp_is_whole(const struct logread *read);
/* As much of a text with escapes as fits in `max` bytes, without half an escape or half a character. */
struct str otlp_shortened(struct str text, size_t max);

/* Writes what is said once for all spans of a service: an object with its attributes. */
void otlp_resource(const struct logread *read, struct buf *out);

/* Writes the spans, separated by commas; nothing when the line has none. The parts of `read` are filled in.
 */
void otlp_spans(const struct logread *read, struct buf *out);

#endif
