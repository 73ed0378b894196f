/*
 * The sequential test on bad events. The proxy draws each request's group itself and knows the weight w, so a
 * bad event is the canary's with odds of at most r w / (1 - w) as long as the canary is at most r times as
 * bad as stable, whatever the base rate is. Each alternative ratio is a likelihood ratio against that bound,
 * their mixture E a supermartingale: P(E ever reaches 1/alpha) <= alpha (Ville 1939). An absolute floor is
 * tested beside it with Bernoulli ratios; the evidence of a metric is the lesser of both.
 *
 * Everything is kept as natural logarithms. All structs are plain data. Thread: any; pure.
 */
#ifndef DECIDE_EVIDENCE_H
#define DECIDE_EVIDENCE_H

#include "base/bug.h"
#include "decide/plan.h"
#include "decide/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EVIDENCE_RATIOS = 5,
    EVIDENCE_FLOORS = 6,
    EVIDENCE_FULL_BINS = 2, /* on end that came up to their caps: what goes on is no burst */
};

/* ln of nothing: sums are floored here, so that a process can come back from it. */
#define EVIDENCE_LN_MIN (-575.0)

/* The alternatives: ratios above the tolerance with their priors, and multiples of the floor (equal priors).
 */
extern const double evidence_ratios[EVIDENCE_RATIOS];
extern const double evidence_priors[EVIDENCE_RATIOS];
extern const double evidence_floors[EVIDENCE_FLOORS];

/* From so many bad requests of the canary in a bin, and this share of its requests, the cap of the bin is
 * higher (`raised`), or there is none (`open`). */
struct evidence_tier {
    uint64_t bad;
    double share;
};
extern const struct evidence_tier evidence_tier_raised, evidence_tier_open;

/*
 * The logarithm l_k of one bad event's factor, for the alternative `rho` against tolerance `r` at weight `w`
 * (a share), when the event was the canary's or stable's. 0 when w <= 0 or w >= 1.
 */
double evidence_ln_factor(double rho, double r, double w, bool canary);

/*
 * What a test is run with; from a metric of a finished plan, or made by hand.
 *
 * A burst that strikes one group by chance is one piece of evidence. So the canary's first bad request opens
 * a bin, and all that comes within bin_ns is worth at most the cap of the bin: a burst shorter than a bin
 * falls into one, where a fixed raster would often count it twice. A bin's start is known when it begins, so
 * what it is worth is still a supermartingale, whatever its cap depends on.
 *
 * Two bad requests are no burst yet: a bin is worth as much as its first two, up to the higher cap, which
 * matters at small weights, where one of them says much. Nor is a burst what does not end: where a bin begins
 * at once behind two on end that came up to their caps, it has none (`lasting`).
 */
struct evidence_rule {
    double tolerance; /* r */
    double floor;     /* a; 0: none */
    double cap[2];    /* nats a bin: usual, and from 2 bad and 30 % of the bin's canary requests on */
    int64_t bin_ns;   /* length of a bin */
    double ratio_max; /* no alternative is above it; 0: any may be */
    bool lasting;     /* what goes on is no burst */
};

/* Events of one weight. Shares are of counted units. */
struct evidence_events {
    double w;                 /* share in force at assignment */
    uint64_t canary_bad;      /* counted */
    uint64_t stable_bad;      /* counted */
    uint64_t canary_good;     /* scored and not bad: the floor test needs them */
    uint64_t canary_requests; /* for the tier of the cap */
};

/* One process. `s` is all that is closed, `b` the open bin. */
struct evidence {
    double s[EVIDENCE_RATIOS]; /* ln S_k; EVIDENCE_LN_MIN: nothing */
    double b[EVIDENCE_RATIOS]; /* ln of the open bin's product */
    double floor_s[EVIDENCE_FLOORS], floor_b[EVIDENCE_FLOORS];
    int64_t left_ns;                /* until the open bin closes; 0: none is open */
    double pending;                 /* mass that enters when the open bin closes */
    uint64_t bin_bad, bin_requests; /* the canary's in the open bin */
    double first[EVIDENCE_RATIOS];  /* ln of what the first bad requests of the open bin are worth */
    uint64_t full;                  /* bins on end behind us that came up to their caps */
    int64_t idle_ns;                /* since the last of them closed */
};

/* Nothing at all: E = 0 until mass is added. */
void evidence_init(struct evidence *evidence);
/* Starts a part `g` of the ledger: at once when the open bin is empty, else when it closes, so that nothing
 * of the bin is known before the mass is. The caller keeps the sum of all g of a process at 1 or less. */
void evidence_add_mass(struct evidence *evidence, double g);
/* Lets time pass; closes the open bin with its cap when its time is over. */
void evidence_pass(struct evidence *evidence, const struct evidence_rule *rule, int64_t dt_ns);
void evidence_feed(struct evidence *evidence, const struct evidence_rule *rule,
                   const struct evidence_events *events);
/* ln of the metric's evidence now, the open bin included: min of the ratio's and, with a floor, the floor's.
 */
double evidence_ln(const struct evidence *evidence, const struct evidence_rule *rule);

/* Counts of one weight, or of weights close to each other. */
struct evidence_counts {
    uint64_t canary_requests, canary_bad;
    uint64_t stable_requests, stable_bad;
    uint64_t canary_units, stable_units; /* requests less the bad ones of units that had counted already */
};
struct evidence_ratio {
    double value;  /* shares of the groups divided; NAN when stable had no bad event */
    double lo, hi; /* the ratios that the test at level alpha does not exclude; hi INFINITY when unbounded */
};
/* Inverts the test on a grid of ratios from 0.01 to 1000, for people to read. `w` is a share. */
struct evidence_ratio evidence_interval(const struct evidence_counts *counts, double w, double alpha);

/* What the gate has seen before the counts that it looks at: the canary's requests, and how many of as many
 * requests to stable at the same time would have been bad. So a base rate that moves does not matter. */
struct evidence_past {
    double requests, bad, expected;
};
void evidence_past_add(struct evidence_past *past, const struct evidence_counts *counts);

/* u(x, n): about the 95 % upper limit of a rate with x bad of n; 1 when n is 0. */
double evidence_upper(double bad, double requests);

/* The forward gate of one metric. */
struct evidence_gate {
    double upper;  /* u of the canary */
    double stable; /* share of stable */
    double
        excess; /* max(0, upper - stable) at the next weight: the share of all requests that may be added */
    double budget; /* B that it has to keep */
    bool pass;
    uint64_t need; /* canary requests that would do at the rates seen; UINT64_MAX: never at these rates */
    double e;      /* of the exact form; 0: it is not asked */
    double wanted; /* that e has to reach */
};
/* Of `counts` and what was before (NULL: nothing). `w_next` is a share. `stable_least` raises stable's share
 * to at least that (latency at w >= 0.5). */
struct evidence_gate evidence_gate(const struct evidence_counts *counts, const struct evidence_past *past,
                                   double w_next, double budget, double stable_least);

/*
 * The exact form of the gate (section 2.8 of the method): the e-value against "the canary is more than twice
 * as bad as stable, and more than half a percent of its requests are bad", of counts at one weight w, a share
 * below 1. It may be looked at at any time: the chance that it ever reaches 1/p for a canary that is so bad
 * is at most p.
 */
double evidence_forward(double canary_bad, double canary_requests, double stable_bad, double w);
/* Lets the exact form decide instead: sets pass, need, e and wanted. */
void evidence_gate_exact(struct evidence_gate *gate, const struct evidence_counts *counts, double w,
                         double wanted);

/* ln(exp(a) + exp(b)) without overflow, floored at EVIDENCE_LN_MIN. */
double evidence_ln_add(double a, double b);

#endif
