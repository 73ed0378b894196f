/*
 * What the control thread knows: the configuration, the crew that serves by it, and for each route what is
 * live about it. Whoever changes a weight, a rollout or a target does it here and then calls board_publish,
 * which hands the workers a new snapshot when anything that they see has changed.
 *
 *   config ── routes_build ──> snapshot ── crew_publish ──> workers
 *   live[] ─────┘                                              │
 *     └── harvest, recent  <────────── cells ──────────────────┘
 *
 * Thread: control.
 */
#ifndef CONTROL_BOARD_H
#define CONTROL_BOARD_H

#include "base/bug.h"
#include "base/rnd.h"
#include "conf/config.h"
#include "control/capacity.h"
#include "control/harvest.h"
#include "control/journal.h"
#include "control/notifier.h"
#include "control/recent.h"
#include "control/roster.h"
#include "control/run.h"
#include "control/slots.h"
#include "control/store.h"
#include "control/surveyor.h"
#include "export/dogstatsd.h"
#include "export/emf.h"
#include "export/logsink.h"
#include "proxy/crew.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who set a weight. */
enum weight_source {
    WEIGHT_CONFIG,
    WEIGHT_MANUAL,
    WEIGHT_ROLLOUT,
    WEIGHT_SOURCES,
};
extern const char *const weight_source_names[WEIGHT_SOURCES];

/* One route; the entry of the same index in the config's routes. */
struct live {
    const struct config_route *conf; /* in board->config */
    /* As published last. */
    uint32_t weight;
    uint32_t epoch;                     /* 0: never published */
    uint32_t judged;                    /* number of the run that is counted for; 0: none */
    int64_t guard_ns[PLAN_METRICS_MAX]; /* thresholds of its guards */
    int32_t step;                       /* in the access log; -1: none */
    uint64_t version;                   /* of the first snapshot with this weight */
    int64_t weight_ns;                  /* wall clock, of the last change of the weight */

    uint32_t wanted; /* the weight when no rollout governs */
    enum weight_source source;
    bool locked, locked_back;    /* when no rollout governs; a new one takes them over */
    struct run *run;             /* the running rollout or the last one; NULL: none */
    char problem[ORDER_WHY_MAX]; /* why it stands still though it had a rollout; empty: it does not */

    struct harvest harvest;
    struct roster roster;               /* the canary's targets */
    struct capacity capacity;           /* and what they bear */
    struct recent *recent[ROUTE_SIDES]; /* NULL before the first request */
};

/* What the health checks have found out about a target. */
enum health_state {
    HEALTH_UNKNOWN, /* no verdict yet, or no checks: counts as healthy */
    HEALTH_GOOD,
    HEALTH_BAD,
    HEALTH_STATES,
};
extern const char *const health_state_names[HEALTH_STATES];
enum { HEALTH_WHY_MAX = 120 };
struct health {
    enum health_state state;
    char why[HEALTH_WHY_MAX]; /* the last check failed; empty: it did not */
};

struct board {
    struct config *config; /* a reference */
    struct slots *slots;
    struct crew *crew;       /* NULL before the start */
    struct store *store;     /* NULL: nothing is kept */
    struct logsink *logsink; /* NULL: no access log; stopped by control */
    struct dogstatsd *dogstatsd;
    struct notifier *notifier; /* NULL before the loop; control's */
    struct surveyor *surveyor; /* the same */
    struct emf *emf;
    struct hash_key sticky_key;
    struct route_bounds bounds; /* all that there have been */
    bool bounds_told;           /* the log knows that there are more */
    struct live *lives;         /* config->routes_len */
    size_t lives_len;
    bool draining[CONFIG_TARGETS_MAX];        /* by slot: takes no new work */
    bool ejected[CONFIG_TARGETS_MAX];         /* by slot: of them, those that a rollout has taken out */
    struct health health[CONFIG_TARGETS_MAX]; /* by slot; the prober's */
    struct {                                  /* by slot: since when it takes work, for the slow start */
        bool open;
        int64_t since_ns; /* 0: since the start */
    } opened[CONFIG_TARGETS_MAX];
    uint64_t version; /* of the last snapshot */
    bool changed;     /* since then */
    uint32_t runs;    /* numbers given to runs */
    struct journal journal;

    /* The clocks of this turn, read once (board_now). */
    int64_t now_ns, wall_ns;
    int64_t started_ns, started_wall_ns;
    int64_t loaded_wall_ns;          /* the configuration */
    int64_t intervals[RECENT_SPANS]; /* of the history that run: wall clock divided by their length */
    bool leaving;                    /* shutting down: not ready */
    bool store_told;                 /* the log knows that the store fails */
};

/* Takes a reference of `config`; `store` is taken over and may be NULL. Gives every route
 * its config's weight. Errors: false when the config has too much in it. */
MUST_CHECK bool board_init(struct board *board, struct config *config, struct store *store, char *why,
                           size_t why_len);
/* Frees everything but the crew, which must have been freed. */
void board_fini(struct board *board);

/* Reads the clocks; once at the head of everything that the loop calls. */
void board_now(struct board *board);

struct live *board_find(struct board *board, struct str route);
/* NULL when there is none. */
const struct config_group *board_group(const struct board *board, const char *name);
const struct config_group *board_side(const struct board *board, const struct live *live,
                                      enum route_side side);

/* The cells of a route, in `workers` (crew_size entries); none before the workers have them. */
struct harvest_cells board_cells(const struct board *board, const struct live *live,
                                 struct shard_route *workers[static CONFIG_WORKERS_MAX]);

/* Notes that a route has another weight or rollout than was published. */
void board_sync(struct board *board, struct live *live);
/* The snapshot of now, with the next version. For the start of the crew. */
struct routes *board_snapshot(struct board *board);
/* Publishes when something has changed. */
void board_publish(struct board *board);
/* The weight of the route is in force on every worker. */
bool board_in_force(const struct board *board, const struct live *live);
/* The row of the route's weight for the store; text borrowed. */
struct store_weight live_weight_row(const struct live *live);
/* Saves all weights and rollouts, after the store was opened anew. */
void board_save_all(struct board *board);

/* Takes no new work of a target's, or takes it again. */
void board_drain_target(struct board *board, const struct config_target *target, bool drain);
/* Takes the target out of service for a rollout, which has found it bad, until somebody ends its draining. */
void board_eject_target(struct board *board, const struct config_target *target);
/* Targets of a group that take work: neither draining nor unhealthy. */
size_t board_open_targets(const struct board *board, const struct config_group *group);
/* Empty when every route can be served and we are not leaving; else why not. */
bool board_ready(const struct board *board, char *why, size_t why_len);

#endif
