/*
 * Scoring: what a worker counts for the judge. Every request whose side was drawn is scored at a fixed age
 * after its assignment, not when it happens to end, so that a group that fails faster does not seem to fail
 * more (decisions.md 2.5):
 *
 *   latencySlo   a request that is still open at the threshold is slow now; an error counts as slow, at the
 *                threshold
 *   latencyShift the same with stable's quantile, once control knows it; an error is no slow answer here
 *   suspiciouslyFast  an answer that came before stable's quantile, at once
 *   errorRate,   a failure before the plan's evaluation age waits until then; a later one waits for the
 *   and others   time-out of the route's answers
 *
 * The cells are those of the route's epoch at assignment, so the weight that the judge uses is exactly the
 * one that the side was drawn with. A bad event counts once a unit and window (proxy/units).
 *
 * Thread: the worker's.
 */
#ifndef PROXY_SCORE_H
#define PROXY_SCORE_H

#include "base/mem.h"
#include "base/wheel.h"
#include "proto/head.h"
#include "proxy/outcome.h"
#include "proxy/shard.h"
#include "proxy/units.h"

enum {
    SCORE_PENDING_MAX = 4096
}; /* failures that wait for their age, a worker; beyond it they count at once */

/* What all scores of a worker share. */
struct scorer {
    struct wheel *wheel;
    struct mem_pool pending;            /* failures that wait */
    struct hash_key key;                /* keys the units: the same in all workers */
    uint32_t epochs[CONFIG_ROUTES_MAX]; /* the present epoch by route slot */
};

void scorer_init(struct scorer *scorer, struct wheel *wheel, const struct hash_key *key);
/* Forgets the failures that wait. */
void scorer_fini(struct scorer *scorer);
/* Notes the epochs of a snapshot that the worker adopts. */
void scorer_adopt(struct scorer *scorer, const struct routes *routes);

/* The score of one request, embedded in its transaction. */
struct score {
    struct scorer *scorer; /* NULL: this request is not scored */
    const struct route *route;
    struct shard_route *cells;
    struct shard_target *target; /* that has the request now; NULL: none yet, or the side is not the canary */
    struct unit_tables *units;
    const struct head *head; /* for the unit and the metrics' match; borrowed until score_end */
    struct str client;       /* the client's address, the same */
    struct str path;         /* normalised */
    enum route_side side;
    int64_t start_ns;         /* assignment */
    uint8_t matched;          /* a bit for each metric that looks at this request */
    uint8_t slow;             /* a bit for each latency metric that has counted it as slow */
    bool counted;             /* in `requests` */
    bool bad;                 /* its end was bad to a metric that looks at it */
    bool told;                /* on_slow was called */
    struct wheel_timer timer; /* the next threshold */
    void (*on_slow)(
        struct score *score); /* called once, when it is counted as slow first; NULL: nobody asks */
};

/* Begins: the side was drawn now. All pointers must live until score_end. */
void score_begin(struct score *score, struct scorer *scorer, const struct route *route,
                 struct shard_route *cells, struct unit_tables *units, const struct head *head,
                 struct str client, struct str path, enum route_side side, int64_t now_ns);
/* This target has the request now. */
void score_target(struct score *score, struct shard_target *target);
/* A request that is not scored, or no longer: what was slow before stays counted. */
void score_none(struct score *score);
/* Ends: the request has this outcome and, if the target answered, this status. Called exactly once. */
void score_end(struct score *score, enum outcome outcome, unsigned target_status, int64_t now_ns);

/* One of the two answers to a mirrored request. */
struct score_answer {
    enum outcome outcome;
    unsigned status; /* of the target; 0: it did not answer */
    int64_t ns; /* from when the request had been sent whole to the head of the answer, or to its end without
                   one */
};
/* Counts both answers for the metrics of `matched` (a bit each), unless one says nothing about its group. The
 * route is that of the snapshot in which the request began. */
void score_pair(const struct scorer *scorer, const struct route *route, struct shard_route *cells,
                unsigned matched, const struct score_answer answers[static ROUTE_SIDES]);

#endif
