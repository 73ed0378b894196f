/*
 * The place of a request in a trace, where the configuration has tracing on: what of the client's context is
 * believed, our span of the request, and one for each try, which is the parent of what the target does.
 *
 * All of it lies in the arena of the transaction. Thread: the worker's.
 */
#ifndef PROXY_TRACING_H
#define PROXY_TRACING_H

#include "proto/tracecontext.h"
#include "proxy/outcome.h"

struct txn;

enum {
    TRACING_IDS_LEN = 48,
    TRACING_TRIES_MAX = 8,   /* that are kept of a request; the last one takes the place of those beyond */
    TRACING_TEXT_MAX = 4096, /* of tracing_describe */
};

struct tracing_try {
    uint64_t span;
    int64_t begun_ns, ended_ns; /* monotonic; 0: it goes on */
    const char *target;         /* its address as configured */
    unsigned status;            /* of the answer; 0: none */
    enum outcome outcome;
};

struct tracing {
    struct tracecontext context; /* the trace; `span` is the parent of ours, 0: it begins here */
    uint64_t server;             /* our span of the request */
    uint64_t client;             /* of the present try, as its target is told; 0 before the first one */
    unsigned formats;            /* that targets get, as bits */
    char ids[TRACING_IDS_LEN];   /* trace and server span in hex */
    struct tracing_try tries[TRACING_TRIES_MAX];
    unsigned tries_len;
};

/* Reads the context of the request, or begins a trace, and fixes txn->trace_id and txn->span_id. With `known`
 * the head is whole and txn->client is who the client is; else nothing is believed. False when the arena is
 * full. */
MUST_CHECK bool tracing_begin(struct txn *txn, bool known);

/* A try at txn->target begins: it gets a span of its own. */
void tracing_try(struct txn *txn);
/* It has failed, and another one follows. */
void tracing_try_failed(struct txn *txn, enum outcome outcome);
/* What was tried so far has a line of its own in the log: tries are counted anew. */
void tracing_shielded(struct txn *txn);
/* A copy of the request is composed: gives the span that its target is told in place of the try's, until
 * tracing_copied. */
uint64_t tracing_copy(struct txn *txn, uint64_t *kept_r);
void tracing_copied(struct txn *txn, uint64_t kept);

/* Writes the fields for the target: at most TRACECONTEXT_FIELDS_MAX bytes. */
void tracing_write(const struct txn *txn, struct buf *buf);

/* ---- what the log says: the field `spans` of logfield.def ---- */

/* Of the request, when it ends or is shielded. */
void tracing_describe(const struct txn *txn, struct buf *out);
/* Of a copy whose trace is recorded, which has one try; its times are of the wall. */
void tracing_describe_copy(struct buf *out, const struct tracing_try *only);

#endif
