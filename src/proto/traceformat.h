/*
 * The families of header fields that carry a trace context (traceformat.def), and the names of their fields.
 * Pure; any thread.
 */
#ifndef PROTO_TRACEFORMAT_H
#define PROTO_TRACEFORMAT_H

#include "base/str.h"

enum traceformat {
#define TRACEFORMAT(id, name, text) TRACEFORMAT_##id,
#include "proto/traceformat.def"
#undef TRACEFORMAT
    TRACEFORMAT_LEN
};

/* A set of formats is a number with these bits. */
#define TRACEFORMAT_BIT(format) (1U << (format))

/* The fields that are not in field.def, which has no room for them. */
enum traceformat_name {
    TRACEFORMAT_DD_TRACE,
    TRACEFORMAT_DD_PARENT,
    TRACEFORMAT_DD_PRIORITY,
    TRACEFORMAT_DD_ORIGIN,
    TRACEFORMAT_DD_TAGS,
    TRACEFORMAT_B3_TRACE,
    TRACEFORMAT_B3_SPAN,
    TRACEFORMAT_B3_PARENT,
    TRACEFORMAT_B3_SAMPLED,
    TRACEFORMAT_B3_FLAGS,
    TRACEFORMAT_NAMES
};

/* As they are written. */
struct str traceformat_name(enum traceformat_name name);
/* Which of them this is, in any spelling that a server may take for it; TRACEFORMAT_NAMES: none. */
enum traceformat_name traceformat_name_from(struct str name);
/* Whether a field of this name belongs to one of the formats, in any spelling. */
bool traceformat_owns(struct str name);

#endif
