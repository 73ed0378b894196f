/*
 * A mirror: a copy of a request that goes to another group (the shadow), whose answer nobody gets. What
 * became of it is recorded beside what became of the request itself, the first.
 *
 *   COLLECTS ──the first is sent whole──> CONNECTS ──> ASKS ──head──> READS ──> ENDED ──the first ends──>
 * freed └── skipped                          └───────────┴── any failure ────────┘
 *
 * The first waits for nothing and loses nothing: its bytes are copied as they pass, into memory that mirrors
 * alone use; nothing is sent to the shadow before the whole request has been sent to its own target; and
 * whatever runs out or fails ends the copy, never the first. A copy is one try on one target, and its end is
 * no reason to eject the target or to judge the group. It counts as work of the target for those that choose
 * one.
 *
 * The first may end before or after its copy. The line in the access log is written when both have, or when
 * the time of the copy is over.
 *
 * Thread: the worker's.
 */
#ifndef PROXY_MIRROR_H
#define PROXY_MIRROR_H

#include "base/mem.h"
#include "base/wheel.h"
#include "net/pool.h"
#include "proto/h1.h"
#include "proto/h1_body.h"
#include "proxy/accesslog.h"
#include "proxy/outcome.h"
#include "proxy/relay.h"
#include "proxy/shard.h"

enum {
    MIRRORS_MAX = 1024, /* a worker; a route has fewer */
    /* Pieces of a copied request: nine large buffers hold the largest head and body. When only small ones are
     * left, less is copied. */
    MIRROR_PARTS_MAX = 10,
    MIRROR_TEXT_MAX = 1024, /* of a text that goes into the log */
    MIRROR_TEXTS = 8 * 1024,
};

enum mirror_state {
    MIRROR_COLLECTS, /* the first is being sent: its bytes are copied */
    MIRROR_CONNECTS, /* a connection to the shadow is being made */
    MIRROR_ASKS,     /* the copy is on its way, or the head of the answer is */
    MIRROR_READS,    /* the body of the answer is read away */
    MIRROR_ENDED,    /* it has an outcome; the first has not */
};

/* The first, as far as it is known when the line is written. */
struct mirror_first {
    bool ended;
    enum outcome outcome; /* with ended */
    const struct route_group *group;
    unsigned target_status; /* 0: its target has not answered */
    int64_t reply_ns;       /* when the head of its answer was there; 0 before */
    uint64_t duration_ns;
};

struct mirror {
    struct worker *worker;
    struct mirror *prev, *next; /* in worker->mirrors */
    struct txn *txn;            /* the first; NULL after its end */
    enum mirror_state state;
    enum outcome outcome;        /* in ENDED */
    const char *error;           /* constant text, or NULL */
    const struct routes *routes; /* held */
    const struct route *route;
    struct shard_mirror *cells;
    const struct route_group *group;
    const struct route_target *target; /* NULL before the head was copied */
    struct mirror_first first;
    uint64_t span;   /* of the copy; 0: tracing is off */
    bool sampled;    /* the trace is recorded */
    unsigned judged; /* dry runs of the plan that look at both answers, a bit each */

    /* the copy */
    enum method method;
    bool chunked;
    uint64_t body_len;
    struct relay_buf parts[MIRROR_PARTS_MAX];
    size_t parts_len;
    size_t head_parts; /* of them those with the head, ... */
    uint32_t head_end; /* ... and where it ends in the last of these */

    /* the exchange */
    bool asking;            /* the target counts as busy with this */
    bool held;              /* it has a place in the group (proxy/gate) */
    struct pool_conn *back; /* lent */
    bool up_broken;         /* the shadow takes no more of the copy; its answer may still come */
    bool back_keep;         /* the connection may carry another request */
    struct relay_buf in;
    struct h1_scan scan;
    struct h1_body body;
    unsigned status; /* of the answer; 0 before */
    int64_t begun_ns, connect_ns, reply_ns, ended_ns;
    struct wheel_timer timer;
    struct arena texts;

    /* Not cleared at the beginning. */
    struct accesslog_record record; /* what the log says of the request; its texts are in `texts` */
    struct relay_queue up;
    char texts_block[MIRROR_TEXTS];
};

/* The copies of a worker, and their memory. */
struct mirrors {
    struct mem_pool pool;
    struct relay_memory memory;
    struct mirror *all;
    uint32_t open[CONFIG_ROUTES_MAX]; /* by the route's slot */
};

const char *mirror_skip_name(enum mirror_skip skip);
const char *mirror_agreement_name(enum mirror_agreement agreement);

void mirrors_init(struct mirrors *mirrors, struct budget *budget);
/* Ends all copies, whose firsts have ended. */
void mirrors_close(struct mirrors *mirrors);
/* Frees the memory; no copy may be there. */
void mirrors_fini(struct mirrors *mirrors);

/* ---- for the transaction of the first ---- */

/* Draws whether the request is to be copied, and begins with it: txn->mirror is then set. For routes whose
 * mirror has a share. */
void mirror_consider(struct txn *txn);
/* The first's head has been composed for its target: copies it as the shadow's target gets it. Later tries
 * change nothing. May give the copy up, as the next two may: txn->mirror is then NULL. */
void mirror_copy_head(struct txn *txn);
/* The first is tried again with its body from the front: so is the copy, unless it has been sent already. */
void mirror_rewind(struct mirror *mirror);
/* Copies a piece of the body. */
void mirror_copy_body(struct mirror *mirror, struct str data);
/* The whole request has been sent to its target: sends the copy, if that has not happened yet. */
void mirror_go(struct mirror *mirror);
/* The first ends: takes note of how, and lets go of it. Call while the transaction is whole. */
void mirror_leave(struct txn *txn);

/* ---- for the record ---- */

/* How the answers compare, as far as they are known. Pure. */
enum mirror_agreement mirror_agreement(const struct mirror *mirror);

#endif
