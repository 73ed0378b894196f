/*
 * What one side of a route did lately: rates, errors and latencies of the last 10 s, the last 60 s and the
 * running intervals of the history, from the same cells that /metrics shows. A window is a ring of slots; the
 * newest is filling, so a window is between its length and one slot more, and says how long it is. Arithmetic
 * only.
 *
 * Thread: control.
 */
#ifndef CONTROL_RECENT_H
#define CONTROL_RECENT_H

#include "base/hist.h"
#include "proxy/shard.h"

#include <stddef.h>
#include <stdint.h>

/* Cumulative sums over the workers' cells of one side. */
struct recent_sum {
    uint64_t requests;
    uint64_t errors;        /* status 5xx, or ended by the fault of the group */
    uint64_t client_errors; /* status 4xx */
    uint64_t overridden;    /* of the requests, those that no weight has drawn */
    uint64_t sent;          /* bytes */
    struct hist latency;
};

/* What happened in a span of time. */
struct recent_view {
    int64_t span_ns;
    uint64_t requests;
    uint64_t errors;
    uint64_t client_errors;
    uint64_t overridden;
    uint64_t slow; /* beyond the time that recent_aim gave; 0 without */
    uint64_t sent;
    int64_t p50_ns, p95_ns, p99_ns; /* 0 without requests */
};

enum { RECENT_SPANS = 4 }; /* lengths of intervals that the history has (control/store_history) */
enum recent_window {
    RECENT_10S,
    RECENT_60S,
    RECENT_SPAN, /* the first of RECENT_SPANS: since the last recent_take of it */
    RECENT_WINDOWS = RECENT_SPAN + RECENT_SPANS,
};

struct recent;

/* `first` is where counting begins. Never NULL. */
struct recent *recent_new(int64_t now_ns, const struct recent_sum *first);
void recent_free(struct recent *recent);

/* The time within which an answer counts as in time. */
void recent_aim(struct recent *recent, int64_t slo_ns);

/* Adds one side's cells of a worker to a sum. */
void recent_sum_add(struct recent_sum *sum, const struct shard_side *side);
/* Takes the sums of now; they only grow. */
void recent_add(struct recent *recent, int64_t now_ns, const struct recent_sum *sum);
void recent_view(const struct recent *recent, int64_t now_ns, enum recent_window window,
                 struct recent_view *view_r);
/* As recent_view of the running interval `span`, which begins anew. */
void recent_take(struct recent *recent, int64_t now_ns, size_t span, struct recent_view *view_r);

#endif
