/*
 * /metrics: the counters of all workers and what control knows beside them, as Prometheus text 0.0.4 or as
 * OpenMetrics 1.0. Numbers are read from the workers' cells at this moment, so they are those of the access
 * log.
 *
 * Labels carry names of the configuration only, never anything that a client sent: their number is bounded.
 * Thread: control.
 */
#ifndef EXPORT_PROMETHEUS_H
#define EXPORT_PROMETHEUS_H

#include "base/str.h"
#include "decide/plan.h"
#include "decide/words.h"
#include "export/logsink.h"
#include "proxy/shard.h"
#include "route/routes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROMETHEUS_BYTES_MAX = 64 << 20 };

/* The rollout of a route. Text borrowed. */
struct prometheus_rollout {
    const char *plan;
    enum rollout_state state;
    int32_t step; /* from 1; 0: before the first */
    size_t steps;
    double e, threshold;
    size_t metrics_len;
    const char *metric_names[PLAN_METRICS_MAX];
    double metric_e[PLAN_METRICS_MAX];
};

/* What control knows of a route. */
struct prometheus_route {
    bool in_force; /* every worker has the weight */
    bool locked;
    double share; /* canary's part of the requests of the last minute; NAN: there was none */
    const struct prometheus_rollout *rollout; /* NULL: none */
};

/* Everything that is shown. All borrowed. */
struct prometheus_view {
    const char *version;
    int64_t started_wall_ns;
    bool ready;
    const struct routes *routes;
    const struct prometheus_route *live; /* one a route of `routes`, in its order */
    struct shard *const *shards;
    size_t shards_len;
    size_t memory, memory_limit;            /* bytes of connections, requests and buffers */
    const bool *draining, *unhealthy;       /* targets by slot */
    uint64_t decisions[ACTION_PROMOTE + 1]; /* by enum action */
    bool store;                             /* there is one */
    bool store_failing;
    uint64_t store_errors;
    const struct logsink_place *logs; /* the sinks of the access log */
    size_t logs_len;
};

/* Appends the whole exposition. `out` should have PROMETHEUS_BYTES_MAX as its maximum. */
void prometheus_write(struct text *out, const struct prometheus_view *view, bool open_metrics);

#define PROMETHEUS_TYPE  "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

#endif
