/*
 * The state machine of one rollout: evidence, steps, people and clocks in; one decision a second out. Pure
 * and plain data: a rollout can be copied, saved and restored (decide/state.h), and a week of it runs in
 * milliseconds.
 *
 * How control drives it, each second and at once after a command:
 *
 *     rollout_step(r, plan, &input, &decision);
 *     if (decision.commit) {                     // forward: save, then publish
 *         next = *r;  rollout_commit(&next, plan, &decision);
 *         if (save(next, decision))  *r = next;
 *         else                       rollout_refuse(r, &decision, "state/penstock.db: disk full");
 *     }
 *     if (r->weight != published)  publish(r->weight);
 *     if (!decision.commit && decision.fresh)  save(*r, decision);   // back and holds: publish, then save
 *
 * A decision with `commit` has changed nothing yet; one that goes back is in force in `*r` when rollout_step
 * returns. After a refusal the rollout holds with the reason `storage` and proposes again at the next step.
 * r->weight may move in small parts over several seconds (ramp.maxStepPerSecond and slowStart, rollback.mode
 * ramp): always publish what it says.
 */
#ifndef DECIDE_ROLLOUT_H
#define DECIDE_ROLLOUT_H

#include "base/bug.h"
#include "decide/decision.h"
#include "decide/external.h"
#include "decide/guard.h"
#include "decide/incident.h"
#include "decide/judge.h"
#include "decide/outlier.h"
#include "decide/peer.h"
#include "decide/plan.h"
#include "decide/retreat.h"
#include "decide/tally.h"
#include "decide/watch.h"
#include "decide/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Healthy and all targets of a group, and what one healthy target bears (requests a second at the SLO; 0:
 * not measured). */
struct rollout_targets {
    uint32_t healthy, total;
    double capacity;
};

enum gate_answer {
    GATE_UNKNOWN, /* not asked, or no answer yet */
    GATE_YES,     /* 2xx, not older than its interval */
    GATE_NO,
};

struct rollout_input {
    int64_t now_ns;              /* monotonic; only differences count */
    int64_t wall_ns;             /* since 1970, UTC */
    const struct tally *tallies; /* since the last step, borrowed; at most TALLY_WEIGHTS_MAX */
    size_t tallies_len;
    bool weight_in_force; /* every worker has acknowledged r->weight */
    struct rollout_targets stable, canary;
    enum gate_answer gate;              /* of the webhook that rollout_gate names */
    const char *gate_text;              /* its answer for people, borrowed; may be NULL */
    bool rollback_ordered;              /* a webhook of type rollback answered 2xx */
    const struct tally_target *targets; /* the canary's, borrowed; at most TALLY_TARGETS_MAX */
    size_t targets_len;
    struct external_answer external[PLAN_METRICS_MAX]; /* at the index of the metric */
};

/* An order from a person or from another program. */
struct rollout_order {
    enum command command;
    const char *actor; /* who, for the record; not NULL */
    const char *text;  /* why, may be NULL */
    uint32_t weight;   /* COMMAND_WEIGHT */
    bool lock;         /* COMMAND_WEIGHT: lock as well */
    bool no_rollback;  /* COMMAND_LOCK, or COMMAND_WEIGHT with lock: automatic ways back are locked too */
};

/* What others may read says so; the rest is for decide/. */
struct rollout {
    enum rollout_state state; /* read by others */
    uint32_t weight;          /* that should be in force; read by others */
    uint32_t target;          /* that `weight` is moving to; read by others */
    int32_t step;             /* index in plan->steps; -1: before the first; read by others */
    int32_t weight_step;      /* the last STEP_WEIGHT at or before `step`; -1: none */
    int32_t passed; /* steps before it were left forward once; what they wait for is not asked again */
    char stable[PLAN_NAME_MAX], canary[PLAN_NAME_MAX]; /* platforms, for texts */

    /* Clocks: durations, so that they outlive a restart. */
    bool clock_known;                       /* last_ns is of this process */
    int64_t last_ns;                        /* monotonic, of the last step */
    int64_t age_ns;                         /* since the start */
    int64_t dwell_ns;                       /* at `step`, since every worker took the weight */
    int64_t raise_ns;                       /* since the last change of the weight was in force */
    int64_t grace_ns;                       /* length of the present grace, 0: none */
    int64_t quiet_ns;                       /* since the last canary request */
    int64_t refused_ns;                     /* until a forward that could not be saved is proposed again */
    int64_t mass_ns;                        /* until the next restart of the evidence by time */
    bool in_force;                          /* the workers have `target` */
    int64_t started_wall_ns, state_wall_ns; /* of the start, of the last change of state; 0: not yet */

    /* Requests a second: decaying sums over about a minute. */
    double rate_requests, rate_canary, rate_seconds;
    double ramp_carry; /* part of a hundredth of a percent that a ramp has still to move */
    double ramp_up;    /* hundredths of a percent a second of the present raise; 0: at once */
    double ramp_down;  /* the same of a rollback by ramp */

    struct judge judge;
    struct incident incident; /* shared failures */
    struct watch watch;       /* at 100 */
    struct guards guards;     /* of shape; `threshold_ns` is read by others */
    struct retreat retreat;
    struct outliers outliers; /* bad targets of the canary; `out` is read by others */
    struct peer peer;         /* what the judges `threshold` and `flagger` remember */
    struct externals externals;
    bool settled;      /* the grace and the time behind it are over, and the ledger knows */
    bool warm;         /* a whole grace has shown that there is no cold start: the next raises have none */
    uint32_t proven;   /* the last weight that ended forward; 0: none; read by others */
    uint32_t ceiling;  /* raises above it need an approval (after a retry by itself); 0: none */
    uint32_t attempts; /* retries by itself so far */
    enum reason cause; /* of the last way back */

    /* People. */
    bool starting; /* start or retry was ordered */
    bool approved; /* what the present step waits for */
    bool skip;     /* the next forward needs nothing */
    bool promote;  /* no dwell, window, pause or gate any more: evidence only */
    bool full;     /* go to 100 now */
    bool abort;
    bool manual;         /* the weight was set by hand: no ramp until resume; read by others */
    bool manual_pending; /* manual_weight has still to be taken */
    uint32_t manual_weight;
    bool locked, locked_back; /* read by others */
    char locked_by[ROLLOUT_ACTOR_MAX];
    char paused_by[ROLLOUT_ACTOR_MAX]; /* or who set the weight by hand */
    char actor[ROLLOUT_ACTOR_MAX];     /* of the last command */
    char said[ROLLOUT_TEXT_MAX];       /* with it */
    char refused[ROLLOUT_TEXT_MAX];    /* why the last forward could not be saved; empty: it was */

    enum reason hold; /* the last recorded one; REASON_NONE: none; read by others */
};

/* A rollout that has not started. `stable` and `canary` are the platforms' names for texts. The plan must
 * have passed plan_check, and must be the same in all later calls. */
void rollout_init(struct rollout *rollout, const struct plan *plan, const char *stable, const char *canary);

enum { ROLLOUT_WHY_MAX = 256 };
/*
 * Takes an order. True when it was accepted; what follows from it is decided by the next rollout_step. False
 * when it makes no sense in this state; `why` then says why and what would, for people (empty otherwise).
 */
MUST_CHECK bool rollout_command(struct rollout *rollout, const struct plan *plan,
                                const struct rollout_order *order, int64_t wall_ns,
                                char why[static ROLLOUT_WHY_MAX]);
/* Whether that order would be accepted now. */
bool rollout_takes(const struct rollout *rollout, const struct plan *plan, enum command command,
                   int64_t wall_ns);

/* One look. See the head of this file. */
void rollout_step(struct rollout *rollout, const struct plan *plan, const struct rollout_input *input,
                  struct decision *decision_r);
/* Takes a decision that said `commit`. */
void rollout_commit(struct rollout *rollout, const struct plan *plan, const struct decision *decision);
/* It could not be saved: `why` goes into the hold. */
void rollout_refuse(struct rollout *rollout, const struct decision *decision, const char *why);

/* The evidence and the gates as they are now, for people. */
void rollout_verdict(const struct rollout *rollout, const struct plan *plan, struct verdict *verdict_r);
/* Requests a second over about the last minute, of both groups. */
double rollout_rate(const struct rollout *rollout);
/* The confirm webhook that the present step asks before it is left; NULL when there is none. */
const char *rollout_gate(const struct rollout *rollout, const struct plan *plan);
/* The header route and the mirror that are in force; NULL when there are none. They end with the rollout. */
const struct plan_header_route *rollout_header_route(const struct rollout *rollout, const struct plan *plan);
const struct plan_mirror *rollout_mirror(const struct rollout *rollout, const struct plan *plan);
/* Nothing will change any more without a command (promoted, rolledBack), or it was never started. */
bool rollout_is_over(const struct rollout *rollout);
/* It has begun, and neither goes back nor is over. */
bool rollout_is_under_way(const struct rollout *rollout);

#endif
