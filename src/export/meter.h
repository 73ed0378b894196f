/*
 * What penstock can be asked about itself: the table of its metrics, and the walk over their samples. The
 * writers (prometheus, dogstatsd, emf) take names, labels and values from here, so that all of them say the
 * same. Values are read from the workers' cells at the moment of the walk: they are those of the access log.
 *
 * Labels carry names of the configuration only, never anything that a client sent: their number is bounded.
 * Thread: control.
 */
#ifndef EXPORT_METER_H
#define EXPORT_METER_H

#include "decide/plan.h"
#include "decide/words.h"
#include "export/logsink.h"
#include "proxy/shard.h"
#include "route/routes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what is known
 * ------------------------------------------------------------------------------------------- */

/* The rollout of a route. Text borrowed. */
struct meter_rollout {
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
struct meter_route {
    bool in_force; /* every worker has the weight */
    bool locked;
    double share; /* canary's part of the requests of the last minute; NAN: there was none */
    const struct meter_rollout *rollout; /* NULL: none */
};

/* What the system says of this process; negative: it does not say. */
struct meter_process {
    double cpu_s;
    double resident_bytes, virtual_bytes;
    double open_fds, max_fds;
    double threads;
};

/* What an exporter has sent since the start, and what nobody took. */
struct meter_sent {
    uint64_t messages, bytes, lost;
};

/* Who is told of decisions by a webhook. Text borrowed. */
struct meter_notice {
    const char *name;
    uint64_t sent, retried, dropped, waiting;
};

/* Who is asked the queries of external metrics. Text borrowed. */
struct meter_source {
    const char *name;
    uint64_t values, empty, failed;
};

/* Everything that is told. All borrowed. */
struct meter_view {
    const char *version;
    int64_t started_wall_ns;
    bool ready;
    const struct routes *routes;
    const struct meter_route *live; /* one a route of `routes`, in its order */
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
    const struct meter_notice *notices;
    size_t notices_len;
    const struct meter_source *sources;
    size_t sources_len;
    const struct meter_sent *dogstatsd;  /* NULL: not configured */
    const struct meter_process *process; /* NULL: not asked for */
};

/* Fills in what the system says of this process now. */
void meter_process_read(struct meter_process *process_r);

/* ---- the table
 * ----------------------------------------------------------------------------------------------- */

enum meter_kind {
    METER_COUNTER,
    METER_GAUGE,
    METER_HISTOGRAM, /* of durations; a writer reads it by itself, from the cells of the side */
};

/* A sample for each of these. */
enum meter_scope {
    METER_PROCESS,
    METER_WORKER,
    METER_LISTENER, /* that speaks TLS */
    METER_CERTIFICATE,
    METER_LOG,    /* a sink of the access log */
    METER_NOTICE, /* a receiver of notices */
    METER_SOURCE, /* a source of external metrics */
    METER_ROUTE,
    METER_OVERRIDES, /* a route that has overrides */
    METER_MIRROR,    /* a route with copies, and its mirror's group */
    METER_ROLLOUT,   /* a route with a rollout */
    METER_SIDE,      /* a side of a route, and its group */
    METER_GROUP,
    METER_TARGET,
};

/* Where in all of this a sample belongs; what does not apply is NULL or 0. */
struct meter_place {
    const struct meter_view *view;
    const struct route *route;
    const struct meter_route *live;
    size_t side;
    const struct config_group *group;
    const struct config_target *target;
    const struct config_listener *listener;
    const struct logsink_place *log;
    const struct meter_notice *notice;
    const struct meter_source *source;
    size_t certificate, worker;
    size_t variant;
};

struct meter_label {
    const char *name, *value;
};
enum { METER_LABELS_MAX = 8 };
struct meter_labels {
    struct meter_label labels[METER_LABELS_MAX];
    size_t len;
    char number[24]; /* of a worker */
};

struct meter {
    const char *name; /* without _total */
    const char *help; /* one sentence */
    enum meter_kind kind;
    enum meter_scope scope;
    size_t cell; /* offset in the scope's struct of cells (summed over the workers), unless there is `read` */
    double unit; /* what a cell counts in, in that of the name; 0 stands for 1 */
    bool (*read)(const struct meter_place *place, double *value_r); /* false: nothing to tell */
    size_t variants; /* that many samples at each place, from cells that follow each other; 0 stands for 1 */
    void (*label)(size_t variant, const struct meter_place *place, struct meter_labels *labels); /* of them */
    bool (*always)(size_t variant); /* told while still 0, unlike the others; NULL: all are */
};

/* The rows by number; NULL behind the last one. */
const struct meter *meter_row(size_t i);

/* A value and what it is about. */
struct meter_sample {
    const struct meter *meter;
    const struct meter_place *place;
    const struct meter_labels *labels;
    double value; /* 0 for a histogram */
};
typedef void meter_visit(const struct meter_sample *sample, void *arg);

/* Calls `visit` for each sample of a metric, in the order of the configuration. */
void meter_each(const struct meter_view *view, const struct meter *meter, meter_visit *visit, void *arg);

void meter_label(struct meter_labels *labels, const char *name, const char *value);

/* The sum over the workers of a cell of the place's struct of cells. */
uint64_t meter_sum(const struct meter_place *place, enum meter_scope scope, size_t cell);

#endif
