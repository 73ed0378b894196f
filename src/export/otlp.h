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

/* Whether the spans of a line are exported: its trace is recorded, or the request failed. */
bool otlp_wants(const struct logread *read);

/* Writes what is said once for all spans of a service: an object with its attributes. */
void otlp_resource(const struct logread *read, struct buf *out);

/* Writes the spans, separated by commas; nothing when the line has none. The parts of `read` are filled in.
 */
void otlp_spans(const struct logread *read, struct buf *out);

#endif
