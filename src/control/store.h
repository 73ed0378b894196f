/*
 * What outlives the process: one SQLite database in the state directory (penstock.db, WAL, every commit
 * synced), and beside it a small plain copy of the weights (weights.json), which is still there when the
 * database is not.
 *
 * An open store always exists: when the database cannot be used (full, read-only, damaged, gone) the store is
 * *failing*, says so, refuses to save, and tries again by itself. A damaged database is moved aside under
 * another name, never deleted, and a new one begun.
 *
 * A struct handed in is borrowed for the call; what is handed out to a callback lives for the callback.
 * Thread: control; a save may block for a short sync. Times are wall clock ns.
 */
#ifndef CONTROL_STORE_H
#define CONTROL_STORE_H

#include "base/bug.h"
#include "base/rnd.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORE_WHY_MAX = 256,
    STORE_DECISION_ROWS = 200000, /* kept; the oldest go first */
    STORE_AUDIT_ROWS = 100000,
};

struct store;
struct store_point;
struct store_window;

/* How the store is; shown in status and metrics. */
struct store_health {
    bool failing;               /* nothing can be saved */
    uint64_t errors;            /* failed calls since the start */
    int64_t since_ns;           /* it is failing; 0: it is not */
    char why[STORE_WHY_MAX];    /* the present trouble: the file and the reason; empty: none */
    char notice[STORE_WHY_MAX]; /* what was lost at the start, and where it was moved; empty: nothing */
};

/* One run of a plan. All text borrowed. */
struct store_rollout {
    const char *id;
    const char *route;
    const char *plan_name;
    struct str plan;       /* the plan's text as it was given */
    const char *plan_hash; /* of that text */
    const char *state;     /* name of enum rollout_state, for queries */
    const char *json;      /* rollout_to_json */
    uint32_t weight;       /* hundredths of a percent */
    int64_t started_ns;
};

/* The weight of a route, whoever set it. */
struct store_weight {
    const char *route;
    uint32_t weight;
    bool locked;        /* no automatic forward move */
    bool locked_back;   /* no automatic backward move either */
    const char *source; /* "config", "manual" or "rollout" */
    int64_t wall_ns;
};

struct store_decision {
    int64_t id; /* rising, given by control/journal */
    int64_t wall_ns;
    const char *route;
    const char *rollout; /* id, or NULL */
    const char *action;
    const char *reason;
    const char *json; /* the whole record */
};

/* An attempt to change something through the admin API. */
struct store_audit {
    int64_t wall_ns;
    const char *actor;
    const char *remote; /* "127.0.0.1", "unix" */
    const char *method;
    const char *path;
    unsigned status;
};

/* What is written in one transaction; NULL leaves out. */
struct store_change {
    const struct store_rollout *rollout;
    const struct store_weight *weight;
    bool in_force; /* the weight is published already: weights.json gets it even when the database fails */
    const struct store_decision *decision;
};

/*
 * Opens the store in a directory, which is made when it is missing. Errors: NULL only when another process
 * has it open; `why` then says who. Anything else is a failing store.
 */
MUST_CHECK struct store *store_open(const char *directory, int64_t wall_ns, char why[static STORE_WHY_MAX]);
/* Closes with a checkpoint. NULL is allowed. */
void store_close(struct store *store);
const struct store_health *store_health(const struct store *store);
/*
 * Called each tick. Opens a store that could not be used again, at most every ten seconds. True when it did:
 * it may be a new database, so everything that matters has to be saved again.
 */
bool store_retry(struct store *store, int64_t wall_ns);

/* True when all of it is on disk. False leaves the store as it was before; store_health says why. */
MUST_CHECK bool store_save(struct store *store, const struct store_change *change);
/* The same for several changes in one transaction. */
MUST_CHECK bool store_save_all(struct store *store, const struct store_change *changes, size_t len);
MUST_CHECK bool store_audit(struct store *store, const struct store_audit *audit);
/* Points of the history (control/store_history), in one transaction, which deletes as well what is too old.
 */
MUST_CHECK bool store_history(struct store *store, const struct store_point *points, size_t len,
                              int64_t now_s);
/* Deletes what is beyond the row limits. */
void store_prune(struct store *store);

/* The last rollout of each route. False when they could not all be read. */
MUST_CHECK bool store_each_rollout(struct store *store,
                                   void (*each)(void *arg, const struct store_rollout *rollout), void *arg);
/* The last weight of each route: the newer of what the database and weights.json say. False when neither
 * could be read though one is there. */
MUST_CHECK bool store_each_weight(struct store *store,
                                  void (*each)(void *arg, const struct store_weight *weight), void *arg);
/* The highest id of a decision; 0 when there is none or it cannot be read. */
int64_t store_last_decision(struct store *store);
/* The newest `limit` decisions with an id above `after`, oldest first; of one route, or of all with NULL. */
MUST_CHECK bool store_each_decision(struct store *store, const char *route, int64_t after, size_t limit,
                                    void (*each)(void *arg, const struct store_decision *decision),
                                    void *arg);
/* The beginning of the oldest interval of a span; INT64_MAX when there is none. */
int64_t store_oldest(struct store *store, size_t span);
/* Each point of a window (store_history_each). False when they could not all be read. */
MUST_CHECK bool store_each_point(struct store *store, const struct store_window *window,
                                 void (*each)(void *arg, const struct store_point *point), void *arg);

/* The key of sticky assignment: the stored one, or a new one, which is stored when that is possible. */
void store_sticky_key(struct store *store, struct hash_key *key_r);

#endif
