/*
 * A request's way in, and the answer's way back: what a transaction knows of the codec that its client
 * speaks. An HTTP/1.1 connection has one (proxy/front), a stream of HTTP/2 is one (proxy/stream); whoever
 * embeds it moves the bytes, and nobody above asks how.
 *
 * Both kinds give and take the same: the head of a request as lines at the front of `buf`, as HTTP/1.1 has
 * them; behind it content, which an h1_body takes apart; and in txn->down the answer as HTTP/1.1 would send
 * it. A codec that is `framed` delimits messages itself: content comes and goes as it is, without chunks.
 *
 * Thread: the worker's.
 */
#ifndef PROXY_INBOUND_H
#define PROXY_INBOUND_H

#include "base/wheel.h"
#include "proto/h1.h"
#include "proxy/relay.h"

struct inbound;
struct txn;
struct worker;

struct inbound_ops {
    /* Reads the lines of a head that is whole. */
    enum h1_error (*head)(struct inbound *in, struct head *head_r);
    /* What was taken from `buf` has been sent: makes room there, and says so to the client when `more` of the
     * body is to come. */
    void (*read_on)(struct inbound *in, bool more);
    /* The content has come to its end: fills in txn->body.trailers where they are wanted. For those that are
     * framed. */
    void (*trailers)(struct inbound *in);
    /* Passes on what is queued in txn->down. With txn->reply_queued the end of the answer too. */
    enum relay_result (*flush)(struct inbound *in);
    /* Of what was flushed, what the client is known not to have taken. */
    uint64_t (*held)(const struct inbound *in);
    /* A tunnel: nothing more goes to the client. */
    void (*shutdown)(struct inbound *in);

    /* One of these is the last call of a transaction, which has ended. */

    /* The answer is sent whole. */
    void (*done)(struct inbound *in);
    /* The answer cannot be completed: the client must not take what it got for all. */
    void (*cut)(struct inbound *in);
    /* There is nothing more to say to the client. */
    void (*close)(struct inbound *in);
};

struct inbound {
    const struct inbound_ops *ops;
    struct txn *txn; /* while there is one */
    struct relay_buf buf;
    struct h1_scan scan;      /* where the head is in it, or what is wrong with it */
    bool framed : 1;          /* see above */
    bool whole : 1;           /* with it: all of the request is in buf, or was */
    bool closing;             /* no further request comes this way */
    bool last;                /* the client has said that it sends nothing behind the request in progress */
    bool ended;               /* the client says no more: what it has sent is served, then we close */
    int64_t first_byte_ns;    /* of the request in progress; before the first one, when it came */
    struct wheel_timer timer; /* the client's deadline */
};

/* The client must do something within `ns` from now: send on, or take what is queued. 0 is no limit. */
void inbound_deadline(struct worker *worker, struct inbound *in, int64_t ns);

#endif
