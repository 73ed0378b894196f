/*
 * A report: what each platform behind each route did over time. Requests of access logs are fed in any order
 * (report_feed); for the page that a rollout leaves, finished intervals of the history are put in
 * (report_put). One model, and the same writers for both (report/json, report/html, cli/report_text).
 *
 * Memory is fixed: routes, series, points and measured intervals have the maxima below. When the time is
 * longer than the points reach, or too many intervals are measured, points are made wider and put together;
 * what finds no place among routes and series is counted apart.
 *
 * Thread: any, one at a time; pure.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/bug.h"
#include "base/hist.h"
#include "base/str.h"
#include "conf/config.h"
#include "export/logreader.h"
#include "proxy/outcome.h"
#include "route/pick.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REPORT_ROUTES_MAX = 128,
    REPORT_SERIES_MAX = 512,
    REPORT_POINTS_MAX = 1700,
    REPORT_MEASURED_MAX = 16384, /* points of all series with latencies: 28 MiB */
    REPORT_NAME_MAX = 64,        /* bytes with NUL; longer names are cut */
    REPORT_CLIENTS_MAX = 128,    /* that are remembered of residual traffic, the busiest ones */
    REPORT_CLIENTS_TOLD = 20,
    REPORT_RETIRED_MAX = 16,
    REPORT_DECISIONS_MAX = 2000,
};

enum report_side { REPORT_NO_SIDE, REPORT_STABLE, REPORT_CANARY };
const char *report_side_name(enum report_side side);

struct report_latency {
    uint32_t count[HIST_BUCKETS];
};

/* A series at a point of time. */
struct report_cell {
    uint64_t requests;
    uint64_t errors;                /* 5xx, or ended by the group's fault */
    uint64_t client_errors;         /* 4xx, of the others */
    uint64_t timed;                 /* of the requests, those that say how long they took */
    uint64_t slow;                  /* of those, later than the route's SLO */
    uint64_t sent;                  /* bytes */
    int64_t p50_ns, p95_ns, p99_ns; /* put in; 0: ask `latency` */
    struct report_latency *latency; /* owned; NULL: nothing measured */
};

/* Of the weight of a route at a point of time. */
struct report_mix {
    uint64_t drawn, canary; /* requests whose side was drawn, and those of them that went to the canary */
    double weight_sum;      /* over the drawn: the weight in force, hundredths of a percent */
    int64_t last_ns;        /* of the request that `weight` is of */
    int32_t weight;         /* at the end */
    bool known;
};

/* How a side was found (enum assignment); behind those: the log does not say. */
enum { REPORT_UNKNOWN = ASSIGNMENT_OVERRIDE + 1, REPORT_ASSIGNMENTS };
const char *report_assignment_name(size_t assignment);

/* The busiest clients (Metwally, Agrawal, El Abbadi 2005, "Space-Saving"): a count may be too high by `over`.
 */
struct report_client {
    char name[REPORT_NAME_MAX];
    uint64_t requests, over;
    int64_t last_ns;
};

/* Requests that still reached a platform when none should any more. Of intervals that were put in it is only
 * known how many, and when. */
struct report_residual {
    uint64_t requests;
    int64_t first_ns, last_ns;
    uint64_t assignments[REPORT_ASSIGNMENTS]; /* how they came there */
    struct report_client clients[REPORT_CLIENTS_MAX];
    size_t clients_len;
};

struct report_series {
    size_t route;
    char platform[REPORT_NAME_MAX], group[REPORT_NAME_MAX]; /* empty: not known, or no group took it */
    enum report_side side;
    int64_t first_ns, last_ns;
    uint64_t outcomes[OUTCOMES];
    double owed;                      /* part of a request that lines with a sample rate still stand for */
    struct report_residual *residual; /* owned; NULL: none */
    struct report_cell **cells;       /* owned, REPORT_POINTS_MAX; see report_cell() */
};

struct report_route {
    char name[REPORT_NAME_MAX]; /* empty: the log does not say */
    int64_t slo_ns;             /* 0: none */
    double objective;           /* 0: none */
    struct report_mix *mixes;   /* owned, REPORT_POINTS_MAX; see report_mix() */
};

/* What a line may say of a request. */
enum report_fact {
    REPORT_FACT_ROUTE,
    REPORT_FACT_PLATFORM,
    REPORT_FACT_GROUP,
    REPORT_FACT_WEIGHT,
    REPORT_FACT_DURATION,
    REPORT_FACT_BLAME,
    REPORT_FACTS,
};
extern const char *const report_facts[REPORT_FACTS];

struct report_decision {
    int64_t wall_ns;
    int32_t from, to;                           /* hundredths of a percent */
    const char *route, *action, *reason, *text; /* owned by the report */
};

/* A platform or group to which no request should come from a moment on. */
struct report_retired {
    struct str name;
    int64_t from_ns;
};

/* All borrowed for the life of the report. */
struct report_options {
    const char *title;
    int64_t from_ns, to_ns;      /* requests of [from, to); 0: any */
    struct str route;            /* this one only; empty: any */
    bool by_platform;            /* all routes are one */
    int64_t slo_ns;              /* what is late on every route; 0: see `config` */
    double objective;            /* to that; 0: none */
    const struct config *config; /* whose routes say what is late on each; NULL: nothing is */
    int64_t least_s;             /* the least width of a point; 0: 1 s */
    int64_t points;              /* at most so many; 0: REPORT_POINTS_MAX */
    const struct report_retired *retired;
    size_t retired_len;
};

/* How the lines were. */
struct report_lines {
    uint64_t files, read, bytes;
    uint64_t bad;     /* could not be read */
    char bad_at[512]; /* the first of them: where and why */
    uint64_t copies, early, outside, other_routes, metrics, crowded;
    uint64_t presets[LOGREADER_PRESETS]; /* of requests */
    bool held[LOGREADER_PRESETS][REPORT_FACTS];
    bool sampled; /* some stood for others too */
};

struct report {
    struct report_options options;
    struct report_lines lines;
    struct report_route *routes; /* owned */
    size_t routes_len;
    struct report_series *series; /* owned */
    size_t series_len;
    struct report_decision *decisions; /* owned, oldest first */
    size_t decisions_len;
    size_t decisions_left_out;
    int64_t width_s;        /* of a point */
    int64_t first, last;    /* the points in use, in widths since 1970; first > last: none */
    int64_t from_ns, to_ns; /* of the requests; from > to: none */
    size_t measured;        /* cells with latencies */
    size_t width;           /* which of the widths */
    bool intervals;         /* percentiles were put in, each of an interval */
    uint16_t *index;        /* owned: a hash table of the series */
};

/* Never NULL; freed by report_free. `options` is copied, what it points to is borrowed. */
struct report *report_new(const struct report_options *options);
/* NULL is allowed. */
void report_free(struct report *report);

/* A request. */
void report_feed(struct report *report, enum config_log_format preset, const struct logentry *entry);

/* An interval of the history: of width options.least_s, and begun at a multiple of it. */
struct report_interval {
    int64_t begin_s;
    struct str route, platform, group;
    enum report_side side;
    struct report_cell cell; /* without latency */
    int32_t weight;          /* at its end */
};
void report_put(struct report *report, const struct report_interval *interval);
/* Texts are copied; oldest first. Beyond the maximum they are counted. */
void report_decide(struct report *report, const struct report_decision *decision);

/* After the last request, before anything is written. */
void report_finish(struct report *report);

/* The cell of a series at a point from first to last; NULL: nothing happened. */
const struct report_cell *report_cell(const struct report_series *series, int64_t point);
const struct report_mix *report_mix(const struct report_route *route, int64_t point);

/* The series of a route that have requests, stable first, then by name. Gives how many there are. */
size_t report_route_series(const struct report *report, size_t route,
                           const struct report_series *list[static REPORT_SERIES_MAX]);

/* Quantiles of a cell, ns; all 0 when nothing is known. */
struct report_quantiles {
    int64_t p50_ns, p95_ns, p99_ns;
};
struct report_quantiles report_quantiles(const struct report_cell *cell);

/* A series over all points, or some of them. The quantiles of put-in intervals cannot be added up: they are
 * then the medians over the intervals, each counted by its requests. */
struct report_sum {
    struct report_cell cell; /* without latency */
    struct report_quantiles quantiles;
};
void report_sum(const struct report *report, const struct report_series *series, int64_t from, int64_t to,
                struct report_sum *sum_r);
/* Drawn, canary and weights over some points; false when nothing is known. */
bool report_mix_sum(const struct report_route *route, int64_t from, int64_t to, struct report_mix *mix_r);
/* Whether lines of this preset were read, and none of them told the fact. */
bool report_lacks(const struct report *report, enum config_log_format preset, enum report_fact fact);

#endif
