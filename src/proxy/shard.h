/*
 * The counters that a worker hands up. A shard belongs to one worker; each cell has that one writer, only
 * grows, and is never reset. Control reads all shards once a second, adds them up and subtracts what it saw
 * before.
 *
 * Cells of routes, groups and targets are found by the slots of conf/config.h. Control allocates them
 * (shard_cover) before it publishes a snapshot that uses them, and never frees them while the worker lives.
 */
#ifndef PROXY_SHARD_H
#define PROXY_SHARD_H

#include "base/hist.h"
#include "conf/config.h"
#include "decide/plan.h"
#include "net/tls_server.h"
#include "proto/h2_error.h"
#include "proxy/exemplar.h"
#include "proxy/outcome.h"
#include "proxy/override.h"
#include "route/routes.h"

#include <stdatomic.h>
#include <stdint.h>

/* One counter. Relaxed load and store: there is one writer, and a reader needs no order between cells. */
struct cell {
    _Atomic uint64_t n;
};

static inline void cell_add(struct cell *cell, uint64_t n)
{
    atomic_store_explicit(&cell->n, atomic_load_explicit(&cell->n, memory_order_relaxed) + n,
                          memory_order_relaxed);
}
/* For gauges: what is open now. */
static inline void cell_sub(struct cell *cell, uint64_t n)
{
    atomic_store_explicit(&cell->n, atomic_load_explicit(&cell->n, memory_order_relaxed) - n,
                          memory_order_relaxed);
}
static inline void cell_set(struct cell *cell, uint64_t n)
{
    atomic_store_explicit(&cell->n, n, memory_order_relaxed);
}
static inline uint64_t cell_get(const struct cell *cell)
{
    return atomic_load_explicit(&cell->n, memory_order_relaxed);
}
/* Of the cell that lies so many bytes behind the beginning of a struct of cells; 0 without one. */
static inline uint64_t cell_get_at(const void *cells, size_t offset)
{
    return cells ? cell_get((const struct cell *)(const void *)((const char *)cells + offset)) : 0;
}

/*
 * Upper edges of the duration histogram that /metrics shows, in seconds: the advice of the OpenTelemetry HTTP
 * conventions. The last bucket is +Inf. Between them lie the route_bounds, each with a bucket of its own: an
 * answer is counted in that of the least edge that it did not pass, of those there are at that moment. So
 * the sum over all buckets up to an edge never falls when another edge comes, and what is added to it from
 * then on is exact.
 */
enum {
    SHARD_EDGES = 14,
    SHARD_BUCKETS = SHARD_EDGES + 1 + ROUTE_BOUNDS, /* those of the bounds come last, in their order */
};
extern const double shard_edges_s[SHARD_EDGES];

/* Status classes: 2 is 2xx; 0: no answer was sent. */
enum { SHARD_CLASSES = 6 };

/* What one route did on one side, whatever the weight was. */
struct shard_side {
    struct cell ended[OUTCOMES][SHARD_CLASSES];
    struct cell received;    /* bytes of requests as the client sent them, heads included */
    struct cell sent;        /* bytes of answers as sent to the client */
    struct cell duration_ns; /* sum */
    struct cell buckets[SHARD_BUCKETS];
    struct cell latency[HIST_BUCKETS]; /* first byte from the client to last byte of the answer */
    struct cell retries;
    struct cell overridden; /* that an override sent here, of those that have ended */
    struct cell synthetic;  /* of monitors and load tests, of those that have ended */
    struct cell open;       /* gauge: requests in flight */
    struct cell tunnels;    /* gauge: of them, those that became tunnels */
    struct cell tunnel_ns;  /* sum over the tunnels that have ended, from the 101 on */
};

/*
 * What the judge needs, apart for each weight in force at assignment. The cells of an epoch are reused
 * SHARD_EPOCHS weight changes later; a request that is still open by then is not scored at all (`late`), so
 * no cell ever mixes two weights between two reads of control, which must run at least once in that many
 * changes.
 */
enum { SHARD_EPOCHS = 16 };
struct shard_metric {
    struct cell requests; /* scored, among those that the metric's `match` takes */
    struct cell raw_bad;  /* bad ones, every one */
    struct cell bad;      /* bad ones, one a unit and window */
};
struct shard_judged {
    struct cell requests; /* scored */
    struct shard_metric metrics[PLAN_METRICS_MAX];
};
/* Behind the sides of requests that were drawn those of mirrored ones, for metrics that are dry runs: of each
 * both answers are counted, or none. Their own `requests` stay 0. */
enum shard_judged_side {
    SHARD_PAIR = ROUTE_SIDES, /* plus enum route_side */
    SHARD_JUDGED_SIDES = 2 * ROUTE_SIDES,
};
struct shard_epoch {
    struct shard_judged side[SHARD_JUDGED_SIDES];
};

/* Why a request that was drawn for it was not copied. */
enum mirror_skip {
#define MIRROR_SKIP(id, name, text) MIRROR_SKIP_##id,
#include "proxy/mirror.def"
#undef MIRROR_SKIP
    MIRROR_SKIPS,
};
/* How the answer to a copy and that of the request's own target compare. */
enum mirror_agreement {
#define MIRROR_AGREEMENT(id, name, text) MIRROR_AGREEMENT_##id,
#include "proxy/mirror.def"
#undef MIRROR_AGREEMENT
    MIRROR_AGREEMENTS,
};

/* Copies of a route's requests (proxy/mirror), which count nowhere else. */
struct shard_mirror {
    struct cell skipped[MIRROR_SKIPS];
    struct cell answers[SHARD_CLASSES]; /* by the status class of the answer; 0: there was none */
    struct cell agreed[MIRROR_AGREEMENTS];
    struct cell duration_ns; /* sum */
    struct cell open;        /* gauge: under way */
};

/* The last recorded request in each bucket, and bad ones of the canary. */
struct shard_exemplars {
    struct exemplar_cell side[ROUTE_SIDES][SHARD_BUCKETS];
    struct failures failures;
};

struct shard_route {
    struct shard_side side[ROUTE_SIDES];
    /* NULL until there is tracing. Written by control (release) before the snapshot that needs it is
     * published, read by the worker (acquire). */
    _Atomic(struct shard_exemplars *) exemplars;
    struct shard_epoch epochs[SHARD_EPOCHS]; /* by route.epoch % SHARD_EPOCHS */
    struct shard_mirror mirror;
    struct cell overrides[OVERRIDE_RESULTS]; /* what became of them */
    struct cell answers[HIST_BUCKETS];       /* times of stable's scored answers, while a guard learns */
    struct cell late;                        /* scored too late for their epoch: left out */
};

struct shard_target {
    /*
     * As the judge counts (struct shard_metric), of all routes whose canary it is.
     * NEEDSWORK: while one such route fails on every target, another one does not tell a bad target from a
     * bad release, and goes back. Cells for each route and target would settle it; they have to be found by
     * the target's slot, since places in a group change when it is loaded again.
     */
    struct cell judged;
    struct cell bad[PLAN_METRICS_MAX];
    /* A rollout has taken it out of service: what still fails here says nothing about the others. Written by
     * control when it does so, read by the worker; relaxed, since nothing else depends on it. */
    _Atomic bool disowned;

    struct cell requests; /* tries, retries included */
    struct cell failures; /* tries that ended with blame GROUP or a status of 500 and more */
    struct cell connects;
    struct cell ejections;
    struct cell out;  /* gauge: 1 while the worker leaves it alone */
    struct cell open; /* gauge: connections */
    struct cell busy; /* gauge: requests in flight */
};

/* Of a group whose requests may have to wait for a place (proxy/gate). */
struct shard_group {
    struct cell waiting;  /* gauge */
    struct cell queued;   /* requests that had to wait */
    struct cell queue_ns; /* sum of the waits that are over */
    struct cell full;     /* requests refused because too many waited */
    struct cell late;     /* requests that waited too long */
};

struct shard {
    struct cell accepted;
    struct cell connections;          /* gauge: client connections */
    struct cell refused;              /* accepted and closed at once: over a limit or out of descriptors */
    struct cell unannounced;          /* closed because the PROXY header was wrong, or did not come */
    struct cell crowding;             /* closed at once because of the cap for each address */
    struct cell shed;                 /* idle ones closed to make room */
    struct cell handshakes[TLS_ENDS]; /* of TLS with clients that have ended */
    struct cell http2_ends[H2_ERROR_LEN]; /* HTTP/2 sessions with clients that we have ended, by why */
    struct cell starved; /* answered 503 without a look at the request, since memory was used up */
    struct cell requests;
    struct cell bulk_bytes;         /* of bodies, passed within the kernel */
    struct cell unrouted[OUTCOMES]; /* requests that ended before a route was known */
    struct cell log_lines;
    struct cell log_dropped; /* lines lost because the exporter was behind */
    struct cell turns;       /* of the event loop */
    struct cell busy_ns;     /* time in callbacks */
    struct cell slowest_ns;  /* longest turn so far: a maximum */
    /* Written by control (release) before the snapshot that needs it is published, read by the worker
     * (acquire). */
    _Atomic(struct shard_route *) routes[CONFIG_ROUTES_MAX];
    _Atomic(struct shard_target *) targets[CONFIG_TARGETS_MAX];
    _Atomic(struct shard_group *) groups[CONFIG_GROUPS_MAX];
};

struct shard *shard_new(void);
void shard_free(struct shard *shard);
/* Makes sure that every route, group and target of the config has cells. Thread: control. */
void shard_cover(struct shard *shard, const struct config *config);

static inline struct shard_route *shard_route(struct shard *shard, uint32_t slot)
{
    return atomic_load_explicit(&shard->routes[slot], memory_order_acquire);
}
static inline struct shard_exemplars *shard_exemplars(struct shard_route *route)
{
    return atomic_load_explicit(&route->exemplars, memory_order_acquire);
}
static inline struct shard_target *shard_target(struct shard *shard, uint32_t slot)
{
    return atomic_load_explicit(&shard->targets[slot], memory_order_acquire);
}
static inline struct shard_group *shard_group(struct shard *shard, uint32_t slot)
{
    return atomic_load_explicit(&shard->groups[slot], memory_order_acquire);
}

#endif
