/*
 * One run of a plan on a route: the rollout of decide/ with its plan, its text for the store, and what
 * control has to do because of it. The order of saving and publishing is that of decide/rollout.h: forward is
 * saved before it is published (run_look), everything else is published first and then saved (run_settle).
 *
 * Thread: control.
 */
#ifndef CONTROL_RUN_H
#define CONTROL_RUN_H

#include "base/bug.h"
#include "conf/report.h"
#include "control/store.h"
#include "decide/rollout.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct board;
struct live;

enum { RUN_ID_MAX = 96, RUN_HASH_LEN = 17, RUN_SAYS_MAX = 192 };

/* What the confirm webhook of a step has answered (control/asker). */
struct run_gate {
    int32_t step;     /* whose it is */
    int64_t until_ns; /* monotonic: it counts until then */
    enum gate_answer answer;
    char says[RUN_SAYS_MAX]; /* for people */
};

/* What a query has answered (control/surveyor). */
struct run_answer {
    bool given, known; /* since the last look; with a value */
    double value;
    int64_t asked_ns; /* monotonic */
    char why[EXTERNAL_WHY_MAX];
};

struct run {
    char id[RUN_ID_MAX];     /* route and start */
    uint32_t number;         /* in this process, from 1: names the counts that are its own */
    struct plan *plan;       /* owned */
    char *text;              /* of the plan, owned */
    char hash[RUN_HASH_LEN]; /* of the text */
    struct rollout *rollout; /* owned */
    int64_t created_ns;      /* wall clock */
    struct decision last;    /* of the last look */
    bool looked;             /* `last` is valid */
    bool detached;           /* it is over, and the weight was set by hand since: it no longer governs */
    json_t *record;          /* a decision that is not announced yet, owned */
    bool record_saved;       /* it is in the store */
    bool refused;            /* the last look's forward could not be saved */
    bool unsaved;            /* it changed in a way that must not wait for the next save */
    bool failed;             /* the last save did: the next is not made at once */
    bool fed;                /* something was counted since the last save */
    bool quiet;              /* the last look had nothing to count */
    bool left;               /* it is over, and its page has been left (control/aftermath), or could not be */
    int64_t saved_ns;        /* monotonic, of the last save of the state */
    struct run_gate gate;
    bool rollback_ordered;                       /* by a webhook, since the last look */
    struct run_answer answers[PLAN_METRICS_MAX]; /* of external metrics */
};

enum order_result {
    ORDER_DONE,
    ORDER_MISSING, /* no such route, rollout or group: 404 */
    ORDER_INVALID, /* the plan has errors: 422 */
    ORDER_REFUSED, /* it makes no sense now: 409 */
    ORDER_UNSAVED, /* the store cannot take it, so it was not done: 507 */
};

enum { ORDER_WHY_MAX = 640 };

/* Whether the rollout decides on the route's weight. NULL is allowed. */
bool run_governs(const struct run *run);
/* Whether its requests are counted for it. NULL is allowed. */
bool run_judges(const struct run *run);

/*
 * Begins a rollout on a route by the text of a plan. It moves with the next look. Errors: anything but
 * ORDER_DONE, with the reason in `why`; with ORDER_INVALID the places are in `report`.
 */
MUST_CHECK enum order_result run_start(struct board *board, struct live *live, struct str text,
                                       const char *actor, struct conf_report *report,
                                       char why[static ORDER_WHY_MAX]);
/* Another plan for the rollout of a route (decide/amend). */
struct run_update {
    struct str text;
    bool force;
    const char *actor;
};
/*
 * Saves the other plan with a decision that says what it changes, and follows it from then on. Errors: as
 * run_start, and nothing has changed. *changes_r is a new reference (conf/planchange), NULL with an error.
 */
MUST_CHECK enum order_result run_update(struct board *board, struct live *live,
                                        const struct run_update *update, struct conf_report *report,
                                        json_t **changes_r, char why[static ORDER_WHY_MAX]);
/* Takes up a stored rollout. False with the reason when it cannot go on; the route then has none. */
MUST_CHECK bool run_restore(struct board *board, struct live *live, const struct store_rollout *stored,
                            char why[static ORDER_WHY_MAX]);
void run_free(struct run *run);

/* One look: judges, decides, and saves and takes a step forward. The route's weight is not published here. */
void run_look(struct board *board, struct live *live);
/* Saves and announces what the look decided, when it is published. */
void run_settle(struct board *board, struct live *live);
/* Whether the state should be saved now: every ten seconds, when nothing more comes, and after a change. */
bool run_is_due(const struct board *board, const struct run *run);
/* Saves the states of these routes' rollouts in one transaction. False when the store could not. */
MUST_CHECK bool run_save_all(struct board *board, struct live *const *lives, size_t len, bool in_force);

/* For the API: decide/record's status with id, plan's hash, the orders that it takes at `wall_ns`, and the
 * last decision. A new reference. */
json_t *run_to_json(const struct run *run, const char *route, int64_t wall_ns);

#endif
