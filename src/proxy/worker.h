/*
 * A worker: one thread with its own event loop, listening sockets, connections, pools and counters. Workers
 * share nothing but the snapshot that control hands down, the table of failed units, and what struct
 * worker_shared names.
 *
 * One turn of the loop: wait for events, run their callbacks, then the upkeep: adopt a snapshot, fire timers,
 * hand over log lines.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include "base/budget.h"
#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "base/wheel.h"
#include "net/pool.h"
#include "proto/h2_mem.h"
#include "proxy/accesslog.h"
#include "proxy/bulk.h"
#include "proxy/crowd.h"
#include "proxy/eject.h"
#include "proxy/gate.h"
#include "proxy/mirror.h"
#include "proxy/relay.h"
#include "proxy/score.h"
#include "proxy/shard.h"
#include "proxy/units.h"
#include "route/balance.h"
#include "route/pick.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What all workers and the control thread share. Made and freed by the crew. */
struct worker_shared {
    size_t workers;
    int seen_fd;              /* an eventfd: a worker writes to it after it has adopted a snapshot */
    struct hash_key unit_key; /* keys the units of all workers alike */
    char host[64];            /* the machine's name, for the log */
    /* Client connections over all workers. Relaxed: a limit that is off by a few is a limit. */
    _Atomic uint32_t connections;
    struct crowd crowd;               /* what each client address has open */
    struct gates_shared gates;        /* what each group and target with a cap has in flight */
    int poke_fds[CONFIG_WORKERS_MAX]; /* the eventfds by which the workers are woken; set before they run */
    struct budget memory;             /* of connections, requests and their buffers */
    /* Workers that may still get new ones. Relaxed: control looks at it now and then. */
    _Atomic uint32_t listening;
    struct unit_tables units[CONFIG_ROUTES_MAX]; /* by route slot */
};

/* One target as this worker sees it. */
struct worker_target {
    struct pool pool;
    struct trunk *trunks; /* connections that carry many requests */
    bool speaks_http1;    /* it was asked which protocol, and has chosen HTTP/1.1 */
    int64_t idle_ns;      /* for its waiting connections */
    struct eject eject;
};

struct worker_listener {
    size_t index; /* in the configuration's listeners */
    struct worker *worker;
    int fd;
    struct event event;
};

struct front;
struct mux;
struct txn;

/* Client connections in a state, by the time they came into it. */
struct front_list {
    struct front *newest, *oldest;
    uint32_t len;
};

struct worker {
    unsigned index;
    struct worker_shared *shared;
    pthread_t thread;

    /* Control writes the mailbox (release) and pokes; the worker empties it (acquire). */
    _Atomic(struct routes *) mailbox;
    int poke_fd;
    /* The version adopted last: written by the worker (release), read by control (acquire). */
    _Atomic uint64_t seen;
    /* Set by control, read by the worker after a poke. */
    _Atomic bool drain, stop;

    /* From here on the worker's own. */
    struct event_base *base;
    struct event poke_event, tick_event, look_event;
    const struct routes *routes;
    const struct config *config; /* of routes */
    struct shard *shard;
    struct rnd rnd; /* draws sides and targets; nobody outside ever sees a number of it */
    struct rnd ids; /* ids and cookies, which are sent */
    struct wheel wheel;
    int64_t now_ns;      /* monotonic, read once per wake-up */
    int64_t turn_ns;     /* of the first wake-up of this turn; 0 before */
    int64_t wall_off_ns; /* wall clock less monotonic, read once a tick */
    int64_t date_s;      /* second of `date` */
    char date[CLK_HTTP_LEN];
    struct worker_listener listeners[CONFIG_LISTENERS_MAX];
    size_t listeners_len;
    int spare_fd;       /* given up to accept and close when descriptors run out */
    bool accept_paused; /* no descriptor was left, not even to refuse: tried again at the next tick */
    bool draining;
    int64_t deaf_ns; /* when the listeners were deafened; they are closed a little later */
    uint32_t ticks;
    struct front *fronts;            /* all client connections, a list */
    struct front_list idle, shaking; /* of them, those in FRONT_IDLE and in FRONT_SHAKES */
    struct mux *muxes;               /* have something to send at the end of this turn */
    struct front *again;             /* go on with pipelined requests after this turn */
    /* Freed at the end of the turn, so that nobody on the stack holds a dead one. */
    struct front *dead_fronts;
    struct txn *dead_txns;
    struct trunk *trunks_dirty; /* have something to write or to tell at the end of the turn */
    struct mem_pool front_memory, txn_memory, conn_memory, mux_memory, stream_memory, spill_memory;
    struct relay_memory relay_memory;
    struct h2_blocks h2_blocks; /* of all its sessions */
    struct bulk_pipes bulk_pipes;
    char scratch[RELAY_SMALL]; /* for what is read and not kept; valid until the next read */
    struct worker_target *targets[CONFIG_TARGETS_MAX]; /* by slot; made when a snapshot names it */
    struct balance balance;                            /* of the targets, by slot */
    struct log_limit flood_limit;                      /* for what HTTP/2 clients can provoke */
    struct gates gates;                                /* of the groups, by slot */
    uint32_t retrying[CONFIG_ROUTES_MAX];              /* further tries in flight, by the route's slot */
    struct mirrors mirrors;
    struct scorer scorer;
    struct accesslog log;
    struct accesslog_pipe pipe;
};

/* Prepares a worker with its listening sockets (taken) and first snapshot, without a thread. Never fails. */
struct worker *worker_new(struct worker_shared *shared, unsigned index, const int *listen_fds,
                          size_t listeners, struct routes *routes, int log_wake_fd);
/* Starts the thread; false when the system refuses. */
MUST_CHECK bool worker_start(struct worker *worker);
/* Wakes the worker so that it looks at mailbox, drain and stop. Thread: control. */
void worker_poke(struct worker *worker);
/* Waits for the thread, which has been told to stop. Thread: control. */
void worker_join(struct worker *worker);
/* Frees a worker whose thread has ended, or never ran. */
void worker_free(struct worker *worker);

/* ---- for the files of proxy/ that run in the worker's thread ---- */

/* Reads the clock once for this wake-up. */
static inline void worker_wake(struct worker *worker)
{
    worker->now_ns = clk_mono_ns();
    if (!worker->turn_ns)
        worker->turn_ns = worker->now_ns;
}
static inline int64_t worker_wall_ns(const struct worker *worker, int64_t mono_ns)
{
    return mono_ns + worker->wall_off_ns;
}
/* The value of a Date field for now. */
struct str worker_date(struct worker *worker);
/* All transactions are lent, and some of them only wait for the end of this turn. */
static inline bool worker_must_bury(const struct worker *worker)
{
    return worker->dead_txns && worker->txn_memory.live_len >= worker->txn_memory.live_max;
}
/* The front goes on (front_again) when the others have had their turn. */
void worker_again(struct worker *worker, struct front *front);
/* Looks at the lines of its gates when what runs now is done. */
void worker_look_later(struct worker *worker);
/* Makes another worker look at its. */
void worker_poke_other(struct worker *worker, unsigned index);
/* Whether memory is short for anything new, also after what is kept for reuse was given back. */
MUST_CHECK bool worker_is_short(struct worker *worker);
/* Makes sure that a buffer is held, if need be of what is given back for it. False when there is no memory.
 */
MUST_CHECK bool worker_hold_buf(struct worker *worker, struct relay_buf *buf);
/* A block of one of its pools, likewise; or NULL. */
MUST_CHECK void *worker_draw(struct worker *worker, struct mem_pool *pool);
/* A transaction begins or ends to use the present snapshot. */
const struct routes *worker_hold_routes(struct worker *worker);
void worker_drop_routes(struct worker *worker, const struct routes *routes);

#endif
