/*
 * Trace context: which trace a request belongs to, whose child it is, and whether the trace is recorded, as
 * five families of header fields say it (proto/traceformat). Read from a head, taken out of it, and written
 * again for the next hop. What one family has and another lacks is carried over where there is a rule for it:
 * what Datadog calls origin and tags travels in its own fields and in the member "dd" of tracestate.
 *
 * Slices are borrowed from the head. Pure; any thread.
 *
 * Sources: W3C Trace Context 2 (version 00), W3C Baggage; openzipkin/b3-propagation; AWS X-Ray, "Tracing
 * header"; of Datadog what dd-trace sends.
 */
#ifndef PROTO_TRACECONTEXT_H
#define PROTO_TRACECONTEXT_H

#include "proto/head.h"
#include "proto/traceformat.h"

enum tracecontext_sampled {
    TRACECONTEXT_OPEN, /* nobody has decided */
    TRACECONTEXT_NO,
    TRACECONTEXT_YES,
};

enum {
    TRACECONTEXT_FIELDS_MAX = 3584, /* what tracecontext_write adds at most, with all formats */
};

struct tracecontext {
    uint64_t high, low; /* of the trace; both 0: there is none */
    uint64_t span;      /* of who sent the request; 0: the trace has no span yet */
    enum tracecontext_sampled sampled;
    bool random;      /* the low 7 bytes of the trace are (W3C level 2) */
    bool debug;       /* B3: recorded whatever it costs */
    bool keeps_state; /* tracestate goes on */
    const struct head
        *state;        /* with it: whose members are written anew; NULL: its lines are too long for that */
    bool has_priority; /* of Datadog */
    int8_t priority;   /* with it: -1 to 2 */
    struct str origin; /* of Datadog; empty: none */
    bool state_origin; /* in the form of the member dd */
    struct str tags;   /* of Datadog, all of them in the form of x-datadog-tags */
    struct str state_tags; /* the same in the form of the member dd, where there are no others */
    struct str xray;       /* X-Amzn-Trace-Id as it came, for the parts that are not ours */
    uint8_t came;          /* bits of the formats of which the request had a field, good or bad */
};

/* Whether a traceparent is well formed. */
bool tracecontext_parent_is_valid(struct str traceparent);

/*
 * Reads the context of a request: of the `len` formats in `order` the first counts that is whole and valid.
 * The others add what they know of the same trace. False when no format has one: then `sampled` may still say
 * what is wished for the trace that begins here (B3), and `came` what there was.
 */
MUST_CHECK bool tracecontext_read(const struct head *head, const enum traceformat *order, size_t len,
                                  struct tracecontext *context_r);

/* Takes all fields of all formats out of the head (FIELD_HOP), but for tracestate if `context` keeps it. With
 * `baggage` that too. */
void tracecontext_drop(struct head *head, const struct tracecontext *context, bool baggage);

/* Writes the fields of the formats in the bits of `formats`, with `span` as the sender; `sampled` is YES or
 * NO. At most TRACECONTEXT_FIELDS_MAX bytes. */
void tracecontext_write(struct buf *buf, const struct tracecontext *context, uint64_t span, unsigned formats);

#endif
