/*
 * A stream of a client's HTTP/2 connection: one request and its answer, the inbound of a transaction.
 *
 * The head is written down as the lines of an HTTP/1.1 request at the front of in.buf, content behind it;
 * what finds no room there waits in `spill`, and the client's window bounds both. The transaction's answer
 * stands in txn->down as HTTP/1.1 would send it: its head becomes a field section, and what follows DATA.
 *
 * A WebSocket by extended CONNECT (RFC 8441) is to the transaction what it is in HTTP/1.1: a GET with a key,
 * which is ours, and a 101, which the client gets as 200.
 *
 * Thread: the worker's.
 */
#ifndef PROXY_STREAM_H
#define PROXY_STREAM_H

#include "proto/h2.h"
#include "proxy/inbound.h"
#include "proxy/spill.h"

struct mux;

struct stream {
    struct inbound in;
    struct mux *mux;
    struct stream *prev, *next; /* of the mux; `next` also among its dead ones */
    struct stream *next_todo;
    struct h2_stream *h2;  /* NULL when it is dead */
    struct spill spill;    /* content that in.buf had no room for */
    struct relay_buf tail; /* the lines of its trailers */
    enum h1_error error;   /* what is wrong with its head */
    bool listed;           /* in mux->todo */
    bool begun;            /* a transaction has had it */
    bool gone;             /* reset */
    bool starved;          /* there was no memory for its content */
    bool news;             /* content, or its end, has come */
    bool answered;         /* our final head is out */
    bool waits;            /* the transaction waits until what is queued has been taken */
    bool taken;            /* and it has been */
    bool late;             /* its time is over: the call for that is on the stack */
    bool shut;             /* a tunnel: nothing follows what is queued */
};

/* The events of a session whose owner is a mux. */
extern const struct h2_events stream_events;

/* What has happened to it since the last call. */
void stream_go(struct stream *stream);
/* Ends it without a word; its transaction is abandoned. */
void stream_drop(struct stream *stream);

#endif
