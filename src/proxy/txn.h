/*
 * A transaction: one request from its head to its end. It owns the choice of the target, the connection lent
 * to it, both queues, the score and the log record. It goes through these steps; each is a short function
 * that says NEXT, WAIT or END:
 *
 *   HEAD     checks what only a proxy must check (loops, methods, Max-Forwards)
 *   ROUTE    route, side and group; from here on the request is counted
 *   PLACE    a target, and a place there where the group has a cap; waits for one
 *   LEASE    a waiting connection or a new one
 *   CONNECT  until the new one is there
 *   SEND     the request head, and as much of the body as is there
 *   REPLY    until the head of the answer; the body goes on meanwhile
 *   STREAM   the body of the answer; that of the request may still go on
 *   TUNNEL   instead, after both sides have agreed to switch protocols: bytes in both directions
 *   END      outcome, score, counters, log; both connections are given back or closed
 *
 * A transaction ends with exactly one outcome (outcome.def). Thread: the worker's.
 */
#ifndef PROXY_TXN_H
#define PROXY_TXN_H

#include "base/mem.h"
#include "net/pool.h"
#include "proto/grpc.h"
#include "proto/h1.h"
#include "proto/h1_body.h"
#include "proxy/crowd.h"
#include "proxy/outcome.h"
#include "proxy/override.h"
#include "proxy/pace.h"
#include "proxy/relay.h"
#include "proxy/score.h"
#include "proxy/trunk.h"
#include "route/pick.h"

struct front;
struct inbound;
struct mirror;
struct outbound_ops;
struct tracing;
struct worker;

enum txn_step {
    TXN_HEAD,
    TXN_ROUTE,
    TXN_PLACE,
    TXN_LEASE,
    TXN_CONNECT,
    TXN_SEND,
    TXN_REPLY,
    TXN_STREAM,
    TXN_TUNNEL,
    TXN_END,
};

enum back_end {
    BACK_OPEN,    /* the target may say more */
    BACK_CLOSED,  /* it has closed its side */
    BACK_RESET,   /* the connection broke */
    BACK_REFUSED, /* it has done nothing of the request, and says so (HTTP/2) */
};

/* One direction of a tunnel. */
struct tunnel_way {
    uint64_t moved; /* bytes */
    bool ended;     /* its sender says no more */
    bool closed;    /* and its receiver has been told */
};

struct tunnel {
    struct tunnel_way up, down;
};

enum {
    TXN_FIELDS_MAX = 100,          /* of a request; the limit of the configuration is at most this */
    TXN_RESPONSE_FIELDS_MAX = 200, /* of a response, likewise */
    TXN_ARENA = 16 * 1024,         /* what we make for one request: path, ids, heads, the error body */
    TXN_PATH_MAX = TXN_ARENA / 2,  /* of a path that has to be brought to its normal form; beyond it 414 */
};

struct txn {
    struct worker *worker;
    struct front *front;   /* the client's connection */
    struct inbound *in;    /* on it, the way of this request */
    struct txn *next_dead; /* after END, until the turn of the loop is over */
    enum txn_step step;
    enum outcome outcome;        /* valid at END; until then SERVED, or why we answer ourselves */
    const char *error;           /* constant text: what was wrong, for the log and the error body */
    const struct routes *routes; /* held */

    /* the request */
    struct head head;
    struct str path;    /* normalised */
    struct str up_path; /* what the target is asked for */
    struct str request_id, trace_id, span_id;
    struct tracing *tracing;  /* its place in a trace, in the arena; NULL where tracing is off */
    struct str client;        /* the client's address: the peer's, or what a trusted proxy says */
    bool exempt;              /* its requests are not counted */
    bool counted;             /* among the requests of its address */
    struct crowd_place place; /* where; with counted */
    struct h1_body body;      /* decodes the request body in in->buf */
    bool body_sent;           /* the whole request is queued for the target */
    bool body_gone;           /* some of the body that was sent is not in in->buf any more */
    struct str affinity_unit; /* what the client sticks by; empty: drawn anew */
    bool unit_is_new;         /* an affinity cookie has to be set */
    struct str upgrade;       /* the protocol that the target is asked to switch to; empty: none */
    int64_t head_ns;          /* when the head was complete */
    bool grpc;                /* a call of gRPC: our own answers are too, and the answer's status is noted */
    bool grpc_answered;       /* grpc_status is set */
    enum grpc_status grpc_status;
    int64_t grpc_timeout_ns; /* the time that the client gives the whole call; 0: any */

    /* the choice */
    const struct route *route; /* NULL before ROUTE */
    struct shard_route *cells;
    struct pick_side pick;
    enum override_result override; /* NONE but for a request that tried one */
    bool synthetic;                /* of a monitor or a load test: no judge sees it */
    const struct route_group *group;
    const struct route_target *target; /* of the present or last try */
    struct score score;

    /* a place in the group (proxy/gate) */
    bool held;                         /* it has one */
    bool waiting;                      /* or waits for one, in the line of its worker */
    struct txn *wait_prev, *wait_next; /* there */
    int64_t wait_since_ns, waited_ns;  /* and the sum of the waits that are over */
    const struct routes
        *later; /* held: the snapshot of group and target, when it has waited over a change; or NULL */

    /* the target's side */
    bool trying;                    /* the target counts as busy with this */
    const struct outbound_ops *out; /* how to speak with it; NULL while nothing is lent */
    struct pool_conn *back;         /* lent, where it speaks HTTP/1.1 */
    struct trunk_seat seat;         /* where it speaks HTTP/2 */
    enum back_end back_end;
    struct relay_buf back_in;
    uint32_t back_head_end; /* where the head ends in it, the empty line included */
    struct h1_scan back_scan;
    struct h1_body reply_body; /* decodes the answer's body in back_in */
    unsigned attempts;
    bool fresh;                       /* the next try takes a new connection */
    bool retrying;                    /* counts in the retry budget */
    bool shielded;                    /* the canary has failed, and stable was asked instead */
    bool continued;                   /* the target has said 100 (Continue) */
    const struct route_target *avoid; /* and another target, where there is one */
    bool up_broken;                   /* the target takes no more of the request; its answer may still come */
    bool back_keep;                   /* the connection may carry another request */
    unsigned target_status;           /* 0 before the answer */
    int64_t connect_ns, reply_ns; /* when a connection and when the head of the answer was there; 0 before */
    struct wheel_timer timer;     /* the target's deadline */

    struct mirror *mirror; /* a copy of the request for another group; NULL: none */

    /* the client's side */
    unsigned status;           /* sent, 0 before */
    bool chunked;              /* the answer's body is sent in chunks */
    bool reply_queued;         /* the whole answer is in the queue */
    struct str reply_names;    /* what the answer's Connection names: no trailer may have such a name */
    struct str answer_headers; /* those that are logged, in the arena; see record_answer */
    struct pace_in body_pace;
    struct pace_out write_pace;
    struct tunnel tunnel;
    struct arena arena;
    size_t arena_keep;   /* of the arena, what outlives a try */
    size_t interim_keep; /* and what outlives an interim answer */

    /* Bulk, not cleared at the beginning. */
    struct relay_queue up;   /* to the target */
    struct relay_queue down; /* to the client */
    struct field fields[TXN_FIELDS_MAX];
    _Alignas(16) char arena_block[TXN_ARENA];
};

/* A transaction for the head that has arrived, or will never be whole. It runs at once, and may have ended
 * when this returns: look at in->txn. False when there is no memory for it. */
MUST_CHECK bool txn_begin(struct front *front, struct inbound *in);
/* The target has ended its answer with the connection, or broken it off; what came before is still worth
 * something, and may have to wait for a slow client. May end the transaction, as all that follow. */
void txn_on_target_end(struct txn *txn, bool reset);
/* The target takes more. */
void txn_on_target_writable(struct txn *txn);
/* There is a connection to it, which speaks HTTP/1.1 although another one was looked for. */
void txn_on_lease(struct txn *txn);
/* It has done nothing of the request, and says so. */
void txn_on_target_refusal(struct txn *txn);
/* The head of its answer is wrong; `why` is constant text. */
void txn_on_bad_answer(struct txn *txn, const char *why);
/* There is no memory for what the client or the target says; `why` is constant text. */
void txn_on_starved(struct txn *txn, const char *why);
/* More of the request's body is in in->buf, or room in it has become free. May end the transaction. */
void txn_on_body(struct txn *txn);
/* Whether what the client's socket has next is best passed on unread, by txn_read_bulk instead of a read into
 * in->buf. */
MUST_CHECK bool txn_takes_bulk(struct txn *txn);
/* One such read: the count, 0 at the end of the stream, CONN_AGAIN or CONN_FAILED. */
MUST_CHECK ssize_t txn_read_bulk(struct txn *txn);
/* The client's socket takes more. May end the transaction. */
void txn_on_client_writable(struct txn *txn);
/* The client has closed its side, or the connection broke. True when the transaction goes on without hearing
 * more, as the configuration's halfClosed and tunnels have it, or has ended and closed the connection itself;
 * else the connection is to be closed. */
MUST_CHECK bool txn_on_client_end(struct txn *txn, bool broken);
/* The client has missed the deadline of inbound_deadline. Ends the transaction. */
void txn_on_client_timeout(struct txn *txn);
/* More of the answer is in back_in, the connection to the target has an end, or a place may have become free
 * for one that waits. May end the transaction. */
void txn_go_on(struct txn *txn);
/* The client is gone: ends the transaction without another word to it. */
void txn_abandon(struct txn *txn, enum outcome outcome);

#endif
