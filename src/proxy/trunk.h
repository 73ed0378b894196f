/*
 * A connection to a target that carries many requests at a time: HTTP/2 (proto/h2), per worker. Transactions
 * have a seat on it, from the time when they wait for the connection to be there until their try is over.
 *
 *   CONNECTS ──h2──> GREETS ──SETTINGS──> OPEN ──GOAWAY, idle, error──> OVER
 *      │  └─http/1.1─> the connection goes to the first of the line, the others begin again
 *      └──failed──────────────────────────────────────────────────────> OVER
 *
 * One that is OVER is freed when its last seat is empty.
 *
 * Nothing runs a transaction from within the session's events: they note what has come, and the end of the
 * worker's turn (trunks_turn) tells the transactions, gathers what all of them have to send, and writes it
 * with one call.
 *
 * A connection that is silent although it owes an answer is asked for a sign of life (PING); servers of gRPC
 * take offence at many of them, so these are rare.
 *
 * Thread: the worker's.
 */
#ifndef PROXY_TRUNK_H
#define PROXY_TRUNK_H

#include "base/wheel.h"
#include "net/pool.h"
#include "proto/h2.h"
#include "proxy/outcome.h"
#include "proxy/relay.h"
#include "proxy/spill.h"

struct config_group;
struct route_target;
struct trunk;
struct txn;
struct worker;

/* What a transaction has on a trunk; zeroed: nothing. */
struct trunk_seat {
    struct trunk *trunk;
    struct h2_stream *stream; /* NULL until the head of the request is on its way */
    struct txn *prev, *next;  /* in the line of those that wait for the connection, or among the ready ones */
    struct relay_buf lines;   /* the trailers of the answer */
    struct spill spill;       /* of the answer, what has no room in back_in; at most a window and a head */
    enum framing framing;     /* of the answer, as HTTP/2 says it */
    bool in_line, is_ready;
    bool is_used;            /* the trunk has brought other answers before */
    bool drained;            /* what was queued for the target is on its way */
    bool ended;              /* the answer has come as a whole */
    bool told_end;           /* and the transaction knows */
    bool broken;             /* the stream was reset, or the connection is over */
    bool refused;            /* and the target has done nothing of it */
    bool raced;              /* because the connection was about to end, which is no fault of the target */
    const char *why_starved; /* there was no memory for it: constant text */
    const char *why_bad;     /* the answer is wrong: constant text */
};

enum trunk_state {
    TRUNK_CONNECTS, /* TCP and TLS */
    TRUNK_GREETS,   /* the target has not said its SETTINGS: how many requests it takes is not known */
    TRUNK_OPEN,
    TRUNK_OVER,
};

struct trunk {
    struct worker *worker;
    uint32_t slot; /* of the target */
    enum trunk_state state;
    struct pool_conn *pc; /* NULL when OVER */
    struct h2 *h2;        /* from GREETS on */
    bool tls;
    bool may_http1;            /* the target may choose HTTP/1.1 */
    struct trunk *prev, *next; /* of the target */
    struct trunk *next_dirty;
    bool dirty; /* in worker->trunks_dirty */
    struct txn *line, *line_end;
    uint32_t line_len;
    struct txn *ready, *ready_end;
    struct relay_buf out;     /* from off to len: gathered and not written */
    struct wheel_timer timer; /* for the connection to be there */
    int64_t idle_ns;          /* without a seat since */
    int64_t heard_ns;
    int64_t owes_ns;       /* it owes an answer, and nothing was heard since; 0: not so */
    int64_t ping_ns;       /* the last one */
    bool pinging;          /* and it was not answered */
    bool heard_since_ping; /* more than the answer to it */
    bool is_proven;        /* an answer has come */
    enum outcome outcome;  /* OVER: what becomes of those that it has; SERVED: they begin again */
    const char *why;       /* constant text, or NULL */
    char address[64];      /* the target's, for the log */
};

enum {
    TRUNK_LINE_MAX = 100, /* transactions that wait for one connection */
};

/* Whether there is a trunk to the target that takes one more. */
MUST_CHECK bool trunk_has_room(const struct worker *worker, uint32_t slot);
/* Gives the transaction a seat on a trunk to its target: an open one with room, one that connects, or a new
 * one. False: there is none, and `*error_r` is the errno of a connection that failed at once, or 0 when no
 * further one may be made. */
MUST_CHECK bool trunk_board(struct txn *txn, int *error_r);
/* Gives up the seat. */
void trunk_leave(struct txn *txn);
/* Something has to be written, or told. */
void trunk_touch(struct trunk *trunk);
/* The transaction is to be told that something has come. */
void trunk_ready(struct txn *txn);

/* At the end of a turn. */
void trunks_turn(struct worker *worker);
/* What those in its line wait for beyond a connection: constant text, or NULL. */
const char *trunk_waits_for(const struct trunk *trunk);
/* Whether it was ended: by what, and why (constant text or NULL). */
MUST_CHECK bool trunk_has_ended(const struct trunk *trunk, enum outcome *outcome_r, const char **why_r);

/* Each second or so: closes what is idle, looks for signs of life. */
void trunks_sweep(struct worker *worker, uint32_t slot, int64_t idle_ns);
/* All requests are over: closes all trunks. */
void trunks_close(struct worker *worker);

/* ---- proxy/outbound_h2 ---- */

/* What the session tells; the owner is the trunk. */
extern const struct h2_events trunk_events;
/* The target's SETTINGS have come. */
void trunk_greeted(struct trunk *trunk);
/* Tells the transaction what has come. May end it. */
void outbound_h2_tell(struct txn *txn);

#endif
