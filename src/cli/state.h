/*
 * What the admin API says about routes and rollouts, as plain values for the views: the only place in cli/
 * that knows the shape of GET /v1/status. What is missing in an answer is zero or empty. Pure.
 */
#ifndef CLI_STATE_H
#define CLI_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATE_METRICS_MAX = 8,
    STATE_STEPS_MAX = 64,
    STATE_DECISIONS_MAX = 64,
};

/* All texts are borrowed from the JSON. */
struct state_side {
    bool exists;
    const char *group, *platform;
    uint32_t targets, open; /* all, and those that take work */
    uint64_t waiting;       /* requests, for a place in the group */
    double span_s;          /* of the figures below */
    uint64_t requests, errors;
    uint64_t overridden; /* of the requests, those that an override has sent here */
    double p50_ms, p99_ms;
};

struct state_count {
    uint64_t requests, bad;
};

struct state_metric {
    const char *name;
    bool judged;      /* the numbers below mean something */
    bool guard;       /* of shape: adds nothing to the sum, and holds */
    double e;         /* times the metric's share: what it adds to the sum; of a guard, its own */
    double threshold; /* for e: the rollout's, or the guard's own */
    struct state_count canary, stable;
    /* An external metric has these instead. */
    const char *external; /* its state; NULL: it is none */
    const char *problem;
    double value, min, max; /* NAN: none */
    int64_t age_s;          /* of the last answer */
    uint64_t failures;
    double failure_limit; /* NAN: none */
};

struct state_step {
    double weight;  /* percent; negative: not a setWeight */
    double mirror;  /* percent that is copied from here on; negative: as before */
    const char *by; /* the header that chooses from here on; empty: as before */
    bool pause;     /* waits for a person */
    int64_t bake_s; /* 0: none */
};

struct state_rollout {
    bool exists;
    const char *plan, *state;
    int step; /* index in steps; -1: before the first */
    struct state_step steps[STATE_STEPS_MAX];
    size_t steps_len;
    int64_t age_s, dwell_s;
    double e, threshold;
    struct state_metric metrics[STATE_METRICS_MAX];
    size_t metrics_len;
    /* The last decision: what it waits for. */
    const char *action, *reason, *text;
    double eta_s; /* negative: unknown; INFINITY: never at this rate */
};

/* Copies of requests, since the start. */
struct state_mirror {
    bool exists;
    const char *group;
    double share; /* percent */
    uint64_t copies, different, skipped;
};

struct state_route {
    const char *name;
    double weight; /* percent to the canary, in force or about to be */
    bool in_force, locked;
    const char *problem; /* why it stands still though it had a rollout; empty: it does not */
    struct state_side stable, canary;
    struct state_mirror mirror;
    struct state_rollout rollout;
};

/* One route of the answer to GET /v1/status. */
void state_route_read(struct state_route *route, const json_t *json);
/* A rollout alone, as GET /v1/routes/{route}/rollout answers. */
void state_rollout_read(struct state_rollout *rollout, const json_t *json);
/* The route of that name in the whole answer, or the first with NULL; NULL when there is none. */
const json_t *state_find_route(const json_t *status, const char *name);

/* Requests a second, and errors in percent. */
double state_side_rate(const struct state_side *side);
double state_side_errors(const struct state_side *side);
/* The canary's share in percent of the requests of both sides that went by the weight; negative without any.
 */
double state_canary_share(const struct state_route *route);

#endif
