/*
 * The generator: the requests of a family, one after the other, with what either group would answer, and the
 * laws behind them, which only the oracle may see.
 */
#ifndef REPLAY_GEN_H
#define REPLAY_GEN_H

#include "base/rnd.h"
#include "decide/trace.h"
#include "family.h"
#include "real.h"

#include <stdbool.h>
#include <stdint.h>

enum { GEN_KEYS = 20000, GEN_RECENT = 16, GEN_BOTS = 5, GEN_SPANS = 64 };

/* How a group answers now. */
struct gen_law {
    double failed;     /* share of 500 */
    double refused;    /* share of 404 */
    double extra_slow; /* share that is slow for a reason of its own */
    double ln_scale;   /* of the latency */
};

/* Shares by which a request is bad, for the oracle. */
struct gen_odds {
    double failed, refused, slow;
};

/* A time in which something is going on. */
struct gen_span {
    double from, to;
    double failed, slow;               /* added in it */
    double canary_failed, canary_slow; /* the same for the canary */
};

struct gen {
    enum family_kind kind;
    struct trace_head head;
    double onset_s;     /* of a bad family; capacity: when the weight first exceeds it, unknown here */
    bool count_refused; /* 4xx are bad too */

    struct rnd rnd;
    double rate, failed, slow, refused; /* base */
    double mu, sigma, z_slow;           /* of ln(latency in ms) */
    double fault;                       /* size of the fault, as the family means it */
    const struct real *real;            /* of the families real_*, borrowed */
    size_t series;                      /* of its rates and levels */
    const struct real_pool *pool;       /* the canary's latencies; NULL: stable's */
    double level;                       /* now */
    double peak_hour;                   /* diurnal: hours since 22:00 at the start */
    double bots_from, bots_to, bots_share, bots_failed, bots_refused;
    struct gen_span spans[GEN_SPANS * 2];
    size_t spans_len;

    double x, y;     /* common factors: of failures, of latency */
    double t;        /* of the last request */
    int64_t second;  /* whose laws are set */
    double lambda;   /* arrivals a second in it */
    bool quiet;      /* no traffic at all in it */
    double bots_now; /* share of the requests that are the bots' */
    struct gen_law stable, canary, alt, canary_bot;
    struct gen_law stable_bot;
    uint32_t recent[GEN_RECENT];
    double spare; /* a normal variate; NAN: none */
    uint32_t key; /* of the last request: a number of a client, or GEN_KEYS and above for bots */
};

/* `wide`: rates, base shares and sizes of faults vary several-fold more. `real` may be NULL but for the
 * families real_*, which ignore `wide` and have as many traces as it has series. */
void gen_init(struct gen *gen, enum family_kind kind, uint64_t seed, bool wide, const struct real *real);
/* False at the end of the trace. */
bool gen_next(struct gen *gen, struct trace_request *request_r);
/* The name of the last request's key. */
enum { GEN_KEY_LEN = 16 };
const char *gen_key_name(const struct gen *gen, char out[static GEN_KEY_LEN]);
/* The odds of the last request for each group. */
void gen_odds(const struct gen *gen, bool alt, struct gen_odds *stable_r, struct gen_odds *canary_r);
/* Whether the answer counts as harm. */
bool gen_is_bad(const struct gen *gen, const struct trace_outcome *outcome);

#endif
