/*
 * How a judge did on one trace: the harm, and where it ended.
 */
#ifndef REPLAY_SCORE_H
#define REPLAY_SCORE_H

#include "decide/trace.h"
#include "gen.h"

#include <stdbool.h>

struct score {
    double harm;    /* bad answers of the canary less those that stable would have given */
    double w;       /* last weight, a share */
    double onset_s; /* since when there is something to find; negative: not yet (capacity) */
    double zero_s;  /* first time at 0 after the start; negative: never */
    double back_s;  /* the same, after the onset */
    double all_s;   /* first time at 1; negative: never */
};

/* What it comes to. */
struct score_result {
    bool back;     /* it was at 0 once after the start */
    bool early;    /* bad family: before the onset */
    bool detected; /* bad family */
    bool stuck;    /* below 100 % at the end */
    double time_s; /* onset to 0 (bad), start to 100 % (others); NAN: it did not come */
    double harm;
};

void score_init(struct score *score, const struct gen *gen);
/* The weight is w from t on. */
void score_weight(struct score *score, double t, double w);
/* The canary answered a request. */
void score_served(struct score *score, const struct gen *gen, const struct trace_request *request, bool alt);
void score_end(const struct score *score, const struct gen *gen, struct score_result *result_r);

#endif
