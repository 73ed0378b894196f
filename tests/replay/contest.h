/*
 * Judges on the same traffic: each has its own rollout and its own weights, and sees what these bring it.
 */
#ifndef REPLAY_CONTEST_H
#define REPLAY_CONTEST_H

#include "decide/plan.h"
#include "family.h"
#include "score.h"

#include <stdbool.h>
#include <stdint.h>

/* A judge with its settings. `plan` is the text of a plan; NULL: the oracle. */
struct contestant {
    const char *name;
    const char *plan;
    int slo_factor; /* its limit for latencies, in SLOs */
};

enum { CONTESTANTS_MAX = 8 };
extern const struct contestant contestants[];
extern const size_t contestants_len;

/* What the contests of a thread share: the plans of each contestant for each kind of trace. */
struct contest_plans {
    const struct real *real;                /* borrowed; NULL: none */
    struct plan *plans[CONTESTANTS_MAX][2]; /* owned; [1]: sticky */
};

/* False with the errors on stderr. `own`: the text of a plan for the first contestant; NULL: the usual one.
 * `slo_ms`: what is slow in the traces. */
bool contest_plans_init(struct contest_plans *plans, const char *own, double slo_ms);
void contest_plans_fini(struct contest_plans *plans);

/* One trace. `who` has a bit for each contestant that takes part. `told`: the first one's decisions go to
 * standard output. */
void contest(const struct contest_plans *plans, enum family_kind kind, uint64_t seed, bool wide, unsigned who,
             bool told, struct score_result results_r[static CONTESTANTS_MAX]);

#endif
