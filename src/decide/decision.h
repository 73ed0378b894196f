/*
 * A decision: what a rollout does now and why, with the numbers that it rests on and a text for people that
 * is made from them. Plain data. Thread: any; pure.
 */
#ifndef DECIDE_DECISION_H
#define DECIDE_DECISION_H

#include "base/bug.h"
#include "decide/evidence.h"
#include "decide/plan.h"
#include "decide/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ROLLOUT_ACTOR_MAX = 64, /* bytes with NUL */
    ROLLOUT_TEXT_MAX = 256, /* of what a person said */
    DECISION_TEXT_MAX = 512,
};

#define ROLLOUT_NEVER       INT64_MAX /* an ETA: not at this rate */
#define ROLLOUT_ETA_UNKNOWN INT64_C(-1)

struct decision_side {
    uint64_t requests, bad;
    uint64_t units; /* requests less the bad ones of units that had counted already */
};

/* What an external metric had to say. */
struct decision_external {
    bool given;
    double value, min, max; /* NAN: none */
    uint32_t failed;
    int32_t failure_limit; /* below 0: none */
};

struct decision {
    enum action action;
    enum reason reason;
    bool fresh;  /* an action, or a hold for another reason than before: worth a record */
    bool commit; /* forward: nothing has changed until rollout_commit */
    int64_t wall_ns;
    enum rollout_state state; /* after the decision */
    int32_t step;             /* index in plan->steps after the decision; -1: before the first */
    uint32_t weight_from, weight_to;
    uint32_t proven; /* the last weight that ended forward */
    int32_t metric;  /* index in the plan's metrics; -1: none */
    char metric_name[PLAN_NAME_MAX];
    struct decision_side canary, stable; /* of the metric; the text says since when */
    struct evidence_ratio ratio;         /* value NAN: none */
    struct decision_external external;   /* instead of them, of an external metric */
    double e, threshold;                 /* the sum over the metrics, and what it is compared with */
    int64_t eta_ns;                      /* of a hold; ROLLOUT_NEVER, ROLLOUT_ETA_UNKNOWN */
    uint64_t need;                       /* needEvidence: canary requests in all that would do; 0: unknown */
    int64_t next_wall_ns;                /* window, frozen: when it opens; 0: unknown */
    uint64_t target_id;                  /* badTarget: who was taken out now; 0: nobody */
    char target[PLAN_NAME_MAX];          /* the same by name */
    char actor[ROLLOUT_ACTOR_MAX];       /* of a command; else empty */
    char text[DECISION_TEXT_MAX];        /* for people, from the numbers */
};

/* Appends to the text; what does not fit is left out. */
void decision_say(struct decision *decision, const char *fmt, ...) PRINTF_LIKE(2, 3);

enum { DECISION_NUMBER_LEN = 32 };
/* 15300 as "15,300". */
const char *decision_count(uint64_t n, char out[static DECISION_NUMBER_LEN]);
/* A share as a percentage with two digits that count: 0.0012 is "0.12 %". */
const char *decision_share(double share, char out[static DECISION_NUMBER_LEN]);
/* A duration for people, in whole seconds: "12m", "1h30m", "never". */
const char *decision_time(int64_t ns, char out[static DECISION_NUMBER_LEN]);

#endif
