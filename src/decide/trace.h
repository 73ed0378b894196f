/*
 * Recorded traffic with potential outcomes: each request says what stable would have answered and what the
 * canary would have, and the weights that a plan chooses decide which of the two comes true. So a plan can
 * be tried on the same traffic again and again (a closed loop).
 *
 * This is the meaning of a trace: who is drawn, and which of the canary's answers is real. Reading its lines
 * is cli/tracefile, playing it cli/playback. Plain data. Thread: any; pure.
 */
#ifndef DECIDE_TRACE_H
#define DECIDE_TRACE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { TRACE_NAME_MAX = 64 }; /* bytes with NUL */

/* When the canary answers with its other outcome. */
enum trace_rule {
    TRACE_RULE_NONE,     /* never */
    TRACE_RULE_COLD,     /* for some seconds after each raise of the weight */
    TRACE_RULE_CAPACITY, /* while the weight is above a capacity, which may grow some time after it was met */
};

struct trace_head {
    char id[TRACE_NAME_MAX];
    char stable[TRACE_NAME_MAX], canary[TRACE_NAME_MAX];
    double slo_ms;
    double horizon_s;
    bool sticky; /* the key alone decides who is drawn; otherwise each request is drawn anew */
    enum trace_rule rule;
    double cold_s;                      /* TRACE_RULE_COLD */
    double capacity;                    /* TRACE_RULE_CAPACITY: a share of the traffic */
    double scaleout_s, scaleout_factor; /* scaleout_s 0: it never grows */
};

struct trace_outcome {
    double ms;
    uint32_t status;
};

struct trace_request {
    double t;     /* seconds since the start, never falling */
    uint64_t key; /* trace_key of the unit */
    struct trace_outcome stable, canary;
    struct trace_outcome alt; /* the canary's, when the rule says so */
};

/* FNV-1a of 64 bits (Fowler, Noll, Vo). */
uint64_t trace_key(struct str key);
/* Whether request number `ordinal` (from 0) goes to the canary at the weight `w`, a share. A hash of the key
 * and, unless sticky, the ordinal (SplitMix64 by Steele, Lea and Flood): any program draws the same. */
bool trace_is_canary(const struct trace_head *head, uint64_t key, uint64_t ordinal, double w);

/* What the rule remembers. */
struct trace_world {
    double raised_s; /* of the last raise; negative: none */
    double capacity;
    double full_s; /* since when the weight has been near the capacity; negative: it is not */
};

void trace_world_init(struct trace_world *world, const struct trace_head *head);
/* The weight goes from one share to another at t. */
void trace_world_weight(struct trace_world *world, double t, double from, double to);
/* Whether the canary answers with its other outcome at t. To be asked once for each request, of either
 * group, in order. */
bool trace_world_is_alt(struct trace_world *world, const struct trace_head *head, double t, double w);

#endif
