/*
 * The judge: takes the tallies, keeps the evidence and the counts of each metric, and gives a verdict with
 * its numbers. It knows nothing of steps, people or clocks: rollout/ decides what follows from a verdict.
 *
 * All structs are plain data. Thread: any; pure.
 */
#ifndef DECIDE_JUDGE_H
#define DECIDE_JUDGE_H

#include "decide/evidence.h"
#include "decide/plan.h"
#include "decide/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The parts of the ledger, in shares of falseRollback; their sum is at most 1 however a rollout goes. */
enum judge_mass {
    JUDGE_MASS_START, /* first canary request */
    JUDGE_MASS_SMOKE, /* end of the first step */
    JUDGE_MASS_RAISE, /* each raise, and each end of a grace and the time behind it */
    JUDGE_MASS_TIME,  /* within a long dwell or bake */
    JUDGE_MASS_PROBE, /* each probe after 100 %, in an evidence of its own */
    JUDGE_MASSES,
};
/* What each part may come to. */
extern const double judge_mass_max[JUDGE_MASSES];

enum { JUDGE_GATE_LEAST = 20 };       /* canary requests before a gate is looked at */
extern const double judge_gate_slack; /* budgets that a step alone may take, when all together pass */

/*
 * The evidence of a metric is a mean of two, each begun with the whole of the ledger's masses and thus each a
 * supermartingale for a canary that is healthy throughout:
 *
 *     E = (1 - p) E_settled + p min(E_early, K E_settled)        p = 1/2, K = 10
 *
 * E_settled leaves out what a grace forgives (a cold start), E_early leaves out nothing. A canary that is bad
 * from its first request on is so found sooner, and while there is no grace both are the same and nothing is
 * lost. A cold start alone, however bad, adds nothing that the time behind the grace does not confirm: E is
 * at most (1 - p + p K) E_settled, so a canary that is healthy but for it goes back with at most 5.5 times
 * falseRollback.
 */
struct judge_metric {
    struct evidence evidence; /* settled */
    struct evidence early;
    struct evidence_past past;    /* of the steps before, for the gate */
    struct evidence_counts step;  /* that the gate may use, since the raise or the end of its grace */
    struct evidence_counts grace; /* within the grace of the present raise */
    struct evidence_counts total; /* since the start */
    uint64_t gate_requests;       /* step.canary_requests at the gate's last look; 0: none yet */
    bool gate_pass;               /* what that look said */
    double proven;                /* u of the last weight that ended forward; 1: none */
};

struct judge {
    struct judge_metric metrics[PLAN_METRICS_MAX];
    double spent[JUDGE_MASSES]; /* of the ledger */
    double threshold;           /* E that means back: 1/falseRollback, a tenth of it after a retreat */
};

enum verdict_kind {
    VERDICT_UNSURE, /* neither */
    VERDICT_PASS,   /* the next raise is safe, as far as each metric's gate can tell */
    VERDICT_FAIL,   /* the canary is worse than stable: E reached the threshold */
};

struct verdict_metric {
    double e;     /* of the metric alone, before its share */
    double share; /* v */
    struct evidence_gate gate;
    bool gate_used; /* the metric takes part in the gate */
    bool gate_pass; /* at the last look, see judge_gate */
};

struct verdict {
    enum verdict_kind kind;
    double e;         /* sum over the metrics that may roll back, each times its share */
    double threshold; /* for e */
    int metric; /* FAIL: the one with the most evidence; UNSURE: the one whose gate is farthest; -1: none */
    bool fail_holds; /* FAIL by a metric whose onRegression is hold */
    struct verdict_metric metrics[PLAN_METRICS_MAX];
};

struct judge_context {
    uint32_t weight;        /* in force */
    uint32_t weight_next;   /* that the gate is asked about; 0: none */
    double rate;            /* requests a second of the route, both groups */
    int64_t dt_ns;          /* since the last look */
    bool grace;             /* slow events are evidence as far as the time behind it confirms them */
    bool grace_errors;      /* they are none at all, and errors neither (first grace after a retreat) */
    bool judged;            /* false: the counts are kept, E is not fed (startingStep, initialDelay) */
    bool present_only;      /* only requests that were drawn at `weight` are evidence */
    double tolerance_least; /* raises every tolerance to at least this (shared failure); 0: no */
};

void judge_init(struct judge *judge, const struct plan *plan);
/* Adds a part of the ledger to every metric, as much of `g` as that part and the whole still have. */
void judge_add_mass(struct judge *judge, enum judge_mass part, double g);
/* Forgets all evidence and begins with g, against threshold `e`: after a retreat, which only evidence or a
 * brake brings about. Costs no ledger. */
void judge_restart(struct judge *judge, double g, double e);
/* The same for a probe: with as much of `g` as the ledger still has for probes, and the plan's threshold.
 * Returns the mass. */
double judge_probe(struct judge *judge, double g, const struct plan *plan);
/* The counts begin anew: a raise, a step back. */
void judge_new_step(struct judge *judge);
/* Whether the grace of the present raise has shown that there was no cold start: so few slow answers, by
 * their upper limit, that no grace was needed. False when there is too little traffic to say so. */
bool judge_grace_was_calm(const struct judge *judge, const struct plan *plan);
/* The share of slow answers beyond the usual one up to which a grace of this latency metric is calm. */
double judge_calm_excess(const struct plan_metric *metric);
/* Remembers u of every metric as proven: the present weight ended forward. */
void judge_prove(struct judge *judge);

void judge_feed(struct judge *judge, const struct plan *plan, const struct judge_context *context,
                const struct tally *tallies, size_t len);
/* The verdict now. Looks at a gate only when the canary's requests have grown enough since the last look. */
void judge_verdict(struct judge *judge, const struct plan *plan, const struct judge_context *context,
                   struct verdict *verdict_r);

#endif
