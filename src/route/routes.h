/*
 * The routing snapshot: what the control thread hands down to the workers. It is built whole, published, and
 * never changed; a weight change is a new snapshot. It is built from a config and, for each route, what is
 * live about it.
 *
 *   routes ── route ──┬── side[STABLE] ── group ── targets
 *      │              └── side[CANARY] ── group ── targets
 *      └── host index (route/index): host -> routes by falling prefix length
 *
 * Freeing: every worker publishes the newest version that it has adopted and, in users[worker], how many
 * transactions still hold this snapshot. Control frees a snapshot when no worker can reach it any more
 * (proxy/crew).
 */
#ifndef ROUTE_ROUTES_H
#define ROUTE_ROUTES_H

#include "base/bug.h"
#include "base/rnd.h"
#include "base/str.h"
#include "conf/config.h"
#include "decide/guard.h"
#include "decide/plan.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum route_side {
    ROUTE_STABLE,
    ROUTE_CANARY,
    ROUTE_SIDES,
};

/* What a worker must know to count for the judge; made from the plan by judging_new(). */
struct judging_metric {
    enum metric_type type;
    int64_t threshold_ns;    /* latencySlo, and guards once it is known; else 0 */
    uint64_t statuses[10];   /* a bit for each status 0 to 639 that is bad (errorRate, clientErrorRate) */
    struct plan_match match; /* the requests that it looks at */
    bool matches_all;
};

enum judging_unit {
    JUDGING_UNIT_REQUEST,
    JUDGING_UNIT_CLIENT, /* affinity cookie or header, else client address */
    JUDGING_UNIT_HEADER,
    JUDGING_UNIT_COOKIE,
};

struct judging {
    uint32_t metrics_len;
    struct judging_metric metrics[PLAN_METRICS_MAX];
    int64_t age_ns; /* the age at which errors are scored (decisions.md 2.5) */
    enum judging_unit unit;
    char unit_name[CONFIG_NAME_MAX + 1]; /* header or cookie */
    int64_t unit_window_ns;              /* one bad event a unit and window */
    unsigned guards;                     /* the metrics that are guards of shape, a bit each */
    unsigned learns;     /* the answer times of stable that these metrics look at are asked for, a bit each */
    unsigned dry_runs;   /* errors and latency that never act also look at mirrored requests, a bit each */
    bool failures_apart; /* failures are not slow too: for judges that read quantiles of answer times */
};

/*
 * Times that the latency of answers is judged by, the same for all routes, so that histograms of several can
 * be added up. The place of one in `ns` is that of its cells (proxy/shard), and stays its own as long as the
 * process lives.
 */
enum { ROUTE_BOUNDS = 16 };
struct route_bounds {
    int64_t ns[ROUTE_BOUNDS];
    size_t len;
};

/* What is live about one target. */
struct route_target_state {
    bool draining;     /* takes no new work */
    bool unhealthy;    /* takes work only when no target of its group is well, and no other group may serve */
    int64_t opened_ns; /* monotonic: when it began to take work while we were running; 0: before */
};

struct route_target {
    const struct config_target *conf;
    struct route_target_state state;
    uint64_t hash; /* of its address: the same in every process */
};

struct route_group {
    const struct config_group *conf;
    struct route_target *targets;
    uint32_t targets_len;
    uint32_t open_len; /* targets that take work; they stand first in `targets` */
    uint32_t ill_len;  /* unhealthy ones, behind them; the draining ones come last */
};

/* Where copies of requests go whose answers nobody gets. */
struct route_mirror {
    const struct route_group *group; /* NULL: nowhere */
    uint32_t share;                  /* of the requests, in hundredths of a percent; 0: none */
    uint32_t methods;                /* a bit for each enum method */
};

/* By what clients stay on their side: the affinity of the plan while its rollout lasts, else that of the
 * route. */
struct route_affinity {
    enum config_affinity by;
    char name[CONFIG_NAME_MAX + 1]; /* of the cookie or header */
    int64_t max_age_ns;
    const char *path; /* of the cookie */
    bool secure;
    enum config_same_site same_site;
};

/* Failures of the canary for which stable is asked, when the plan says so; beside the shield of the route. */
struct route_shield {
    uint32_t on;      /* PLAN_SHIELD_x; 0: none */
    uint32_t methods; /* a bit for each enum method */
};

struct route {
    const struct config_route *conf;
    const struct route_bounds *bounds;           /* those of the snapshot */
    const struct route_group *side[ROUTE_SIDES]; /* [ROUTE_CANARY] is NULL without a canary, both
                                                   are where the route answers by itself */
    uint32_t weight;                             /* hundredths of a percent to the canary, in force */
    uint32_t epoch; /* grows by one with each change of weight or judging: names the counters' cells */
    struct route_mirror mirror;
    struct route_shield shield;
    struct route_affinity affinity;
    const struct steer *steer;           /* the header route of the rollout; NULL: none */
    bool may_choose;                     /* it has overrides or a header route */
    const struct judging *judging;       /* NULL without a rollout: nothing is scored */
    char plan_name[CONFIG_NAME_MAX + 1]; /* for the access log; empty without a rollout */
    int32_t step;                        /* for the access log; -1 without a rollout */
};

/* What is live about one route; one per route of the config, in its order. */
struct route_live {
    uint32_t weight;
    uint32_t epoch;
    const struct plan *plan;     /* the running rollout's, or NULL; borrowed for the call */
    const struct guards *guards; /* the same */
    int32_t step;
    const struct plan_header_route *header_route; /* the running rollout's, or NULL; borrowed likewise */
    const struct plan_mirror *mirror; /* the running rollout's, or NULL: as configured; borrowed likewise */
};

struct route_index;

struct routes {
    uint64_t version; /* grows with every snapshot */
    struct config *config;
    struct route *routes;
    size_t routes_len;
    struct route_group *groups;
    size_t groups_len;
    struct route_index *index;
    struct route_bounds bounds;
    struct hash_key
        sticky_key; /* keys sticky assignment; the same in every snapshot and, when stored, over restarts */
    /* Transactions that hold this snapshot, a cell per worker: written by that worker alone (release), read
     * by control (acquire) before it frees. */
    _Atomic uint32_t users[CONFIG_WORKERS_MAX];
};

/*
 * Builds a snapshot. Ownership: takes one reference of `config`; `live` (config->routes_len entries) and
 * `states` (targets by slot; NULL: all take work) are borrowed for the call. Never fails: the config was
 * checked. Thread: control.
 */
struct routes *routes_build(struct config *config, const struct route_live *live,
                            const struct route_target_state *states, const struct hash_key *sticky_key,
                            uint64_t version);
/* Adds what the latency of a route is judged by: its SLO and the thresholds of its plan (NULL: none). False
 * when there is no room for one of them. */
bool route_bounds_add(struct route_bounds *bounds, const struct config_route *route, const struct plan *plan);
/* Frees a snapshot that no worker can reach. NULL is allowed. Thread: control. */
void routes_free(struct routes *routes);

/* The counting rules of a finished plan on this route, with the guards' thresholds (NULL: none is known);
 * owned by the caller, freed with free(). Thread: control. */
struct judging *judging_new(const struct plan *plan, const struct guards *guards,
                            const struct config_route *route);

/* Whether a status is among the metric's bad ones. */
static inline bool judging_status_is_bad(const struct judging_metric *metric, unsigned status)
{
    return status < 640 && (metric->statuses[status / 64] >> (status % 64) & 1);
}

/* The route with this name, or NULL. */
const struct route *routes_find(const struct routes *routes, struct str name);

#endif
