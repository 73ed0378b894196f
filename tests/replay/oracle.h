/*
 * The oracle: it knows how the canary would answer if it were healthy and how it does answer, and sees the
 * canary's answers only. From the onset on it adds up the log-likelihood ratio of the two (Wald 1945) and
 * goes back at 100 to 1. Nobody can be much faster who does not know the law. Weights: 5 %, 5 more a minute
 * to 50, then all.
 */
#ifndef REPLAY_ORACLE_H
#define REPLAY_ORACLE_H

#include "decide/trace.h"
#include "gen.h"

#include <stdbool.h>

struct oracle {
    struct trace_world world;
    uint64_t ordinal;
    double w;
    double ln_ratio;
    int64_t now; /* the next second */
    bool back;
};

void oracle_init(struct oracle *oracle, const struct gen *gen);
/* The weight from t on. */
double oracle_weight(struct oracle *oracle, double t);
/* The last request of the generator. True when the canary had it; *alt_r: with its other outcome. */
bool oracle_feed(struct oracle *oracle, const struct gen *gen, const struct trace_request *request,
                 bool *alt_r);

#endif
