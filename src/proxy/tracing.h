/*
 * The place of a request in a trace, where the configuration has tracing on: what of the client's context is
 * believed, our span of the request, and one for each try, which is the parent of what the target does.
 *
 * All of it lies in the arena of the transaction. Thread: the worker's.
 */
#ifndef PROXY_TRACING_H
#define PROXY_TRACING_H

#include "proto/tracecontext.h"

struct txn;

enum { TRACING_IDS_LEN = 48 };

struct tracing {
    struct tracecontext context; /* the trace; `span` is the parent of ours, 0: it begins here */
    uint64_t server;             /* our span of the request */
    uint64_t client;             /* of the present try, as its target is told; 0 before the first one */
    unsigned formats;            /* that targets get, as bits */
    char ids[TRACING_IDS_LEN];   /* trace and server span in hex */
};

/* Reads the context of the request, or begins a trace, and fixes txn->trace_id and txn->span_id. With `known`
 * the head is whole and txn->client is who the client is; else nothing is believed. False when the arena is
 * full. */
MUST_CHECK bool tracing_begin(struct txn *txn, bool known);

/* A try begins: it gets a span of its own. */
void tracing_try(struct txn *txn);

/* Writes the fields for the target: at most TRACECONTEXT_FIELDS_MAX bytes. */
void tracing_write(const struct txn *txn, struct buf *buf);

#endif
