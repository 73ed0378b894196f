/*
 * What can go wrong in the demo, as a script: how the two groups behave at each moment of the rollout, and
 * how a rollout with this fault should end. Pure.
 */
#ifndef CLI_DEMO_FAULT_H
#define CLI_DEMO_FAULT_H

#include "cli/demo_target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMO_SLO_NS (300 * INT64_C(1000000)) /* of the demo's plan: 99 % of the answers within it */

enum demo_fault {
    DEMO_FAULT_NONE,
    DEMO_FAULT_ERRORS,
    DEMO_FAULT_SLOW,
    DEMO_FAULT_CAPACITY,
    DEMO_FAULT_OUTAGE,
    DEMO_FAULTS,
};

struct demo_fault_row {
    const char *name;
    const char *text; /* what happens, one clause */
    const char *ends; /* how it should end, for people */
};
extern const struct demo_fault_row demo_faults[DEMO_FAULTS];

MUST_CHECK bool demo_fault_parse(const char *name, enum demo_fault *fault_r);

/* Where the rollout is, as the script sees it. */
struct demo_moment {
    double weight;    /* percent, in force */
    int64_t since_ns; /* since the canary got its first request; negative: not yet */
    double rate;      /* of the clients, requests a second */
    double speed;     /* of the plan: the times of the script are divided by it */
};

/* How the groups behave at a moment. */
void demo_fault_behave(enum demo_fault fault, const struct demo_moment *moment,
                       struct demo_behaviour *stable_r, struct demo_behaviour *canary_r);

/* Whether a rollout that reached this state will not leave it by itself. */
bool demo_is_end(const char *state);
/* Whether that is how it should end. */
bool demo_fault_ends_well(enum demo_fault fault, const char *state);

#endif
