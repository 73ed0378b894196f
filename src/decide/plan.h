/*
 * A plan: the steps of a rollout and the limits that it has to keep, as one plain value without pointers, so
 * that it can be copied, compared and kept beside the rollout that follows it.
 *
 * How a plan is made: plan_init, then write what the file says (plan_metric_init, plan_step_init and the
 * others for each item of a list), then plan_finish, which fills what was left open from the rest, then
 * plan_check. The file's text, its line numbers and its hash belong to conf/.
 *
 * Units: durations in ns; weights in hundredths of a percent, 0 to PLAN_WEIGHT_ALL; shares 0 to 1.
 * Thread: any; everything here is pure.
 */
#ifndef DECIDE_PLAN_H
#define DECIDE_PLAN_H

#include "base/bug.h"
#include "base/ip.h"
#include "base/str.h"
#include "decide/window.h"
#include "decide/words.h"
#include "decide/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLAN_WEIGHT_ALL = 10000, /* 100 percent */
    PLAN_STEPS_MAX = 64,
    PLAN_METRICS_MAX = 8,
    PLAN_WINDOWS_MAX = 8,
    PLAN_FREEZES_MAX = 16,
    PLAN_ZONES_MAX = 8,
    PLAN_WEBHOOKS_MAX = 8,
    PLAN_WEBHOOK_ACTIONS = 8, /* words in a list of actions */
    PLAN_STATUSES_MAX = 16,
    PLAN_QUANTILES_MAX = 1, /* another one is a metric of its own */
    PLAN_METHODS_MAX = 8,
    PLAN_NETWORKS_MAX = 8,
    /* Bytes with NUL. */
    PLAN_NAME_MAX = 64,
    PLAN_METHOD_MAX = 16,
    PLAN_TEXT_MAX = 256,
    PLAN_URL_MAX = 512,
    PLAN_QUERY_MAX = 2048,
};

/* A number or duration that the file did not give and that plan_finish shall derive. Every such field says
 * so. */
#define PLAN_UNSET    (-1.0)
#define PLAN_UNSET_NS INT64_C(-1)
/* The same of a limit, which may be -1. */
#define PLAN_UNSET_LIMIT INT32_MIN

/* Statuses from `from` to `to`, both included. */
struct plan_range {
    uint16_t from, to;
};

/* Which requests a metric looks at. Empty strings match everything. */
struct plan_match {
    char method[PLAN_METHOD_MAX];
    char path_prefix[PLAN_TEXT_MAX];
    char header[PLAN_NAME_MAX];
    char header_value[PLAN_TEXT_MAX]; /* empty: the header has to be there */
};

/* Limits of a judge `threshold` or `flagger`, and of an `external` metric. A bound that is NAN is none. */
struct plan_limits {
    char source[PLAN_NAME_MAX]; /* external only, as the query: who is asked; its name in the configuration */
    char query[PLAN_QUERY_MAX]; /* with variables, {{route}} */
    int64_t interval_ns;
    double min, max, warn_min, warn_max;
    /* PLAN_UNSET_LIMIT: that of the judge `threshold`, when it is the plan's, or its default. */
    int32_t failure_limit;           /* so many may fail; -1: any number */
    int32_t inconclusive_limit;      /* judge threshold: so many may be inconclusive */
    int32_t consecutive_error_limit; /* judge threshold: and so many errors in a row */
};

struct plan_metric {
    char name[PLAN_NAME_MAX];
    enum metric_type type;
    double share;               /* v; PLAN_UNSET: an equal part of what the others leave */
    double tolerance;           /* r; PLAN_UNSET: that of the type */
    double floor;               /* a, 0 is off; PLAN_UNSET: that of the type */
    int64_t threshold_ns;       /* latencySlo; PLAN_UNSET_NS: the route's SLO */
    double objective;           /* latencySlo: share that has to be in time */
    double max_excess;          /* B, share of all requests; PLAN_UNSET: that of the type */
    double max_excess_per_hour; /* B at low traffic, requests */
    struct plan_range statuses[PLAN_STATUSES_MAX]; /* errorRate, clientErrorRate; none: those of the type */
    size_t statuses_len;
    double quantiles[PLAN_QUANTILES_MAX]; /* latencyShift, suspiciouslyFast; none: that of the type */
    size_t quantiles_len;
    struct plan_match match;
    enum on_regression on_regression;
    bool on_regression_given; /* false: the plan's */
    bool dry_run;             /* computed and shown, never acts */
    struct plan_limits limits;
};

/* Nothing is asked of a request. */
bool plan_match_is_everything(const struct plan_match *match);
/* External metrics and guards are not judged by the test of shares. */
bool plan_metric_is_judged(const struct plan_metric *metric);
/* Judged, not a dry run, and a regression of it goes back: its `share` is part of the sum of 1. */
bool plan_metric_may_roll_back(const struct plan_metric *metric);
/* External, and may send the canary back: which falseRollback says nothing about. */
bool plan_metric_goes_back_by_bounds(const struct plan_metric *metric);
/* latencyShift or suspiciouslyFast. */
bool plan_metric_is_guard(const struct plan_metric *metric);

struct plan_header_route {
    char header[PLAN_NAME_MAX];
    enum header_match match;
    char value[PLAN_TEXT_MAX];
    enum group_kind to;
    struct ip_net networks[PLAN_NETWORKS_MAX]; /* of clients; none: everybody who sends the header */
    size_t networks_len;
};

struct plan_mirror {
    uint32_t weight; /* share of the requests that is copied; 0: none any more */
    char methods[PLAN_METHODS_MAX][PLAN_METHOD_MAX]; /* none: the route's */
    size_t methods_len;
};

struct plan_step {
    enum step_kind kind;
    uint32_t weight;      /* STEP_WEIGHT */
    int64_t min_dwell_ns; /* 0: none */
    int64_t max_dwell_ns; /* 0: none */
    enum advance_rule advance_on;
    int64_t bake_ns;            /* 0: none */
    char window[PLAN_NAME_MAX]; /* empty: any time */
    char gate[PLAN_NAME_MAX];   /* a confirm webhook; empty: none */
    /* STEP_PAUSE, or after a STEP_WEIGHT that carries its own pause. The step is left forward only then. */
    enum pause_kind pause;
    int64_t pause_ns; /* PAUSE_TIME */
    bool steers;      /* it has a header route, which may be all that it has: STEP_HEADER_ROUTE */
    struct plan_header_route header_route;
    bool mirrors; /* it has a mirror, which may be all that it has: STEP_MIRROR */
    struct plan_mirror mirror;
};

struct plan_window {
    char name[PLAN_NAME_MAX];
    struct window window;
    char zone[ZONE_NAME_MAX];
};

struct plan_freeze {
    struct freeze freeze;
    char zone[ZONE_NAME_MAX];
    char reason[PLAN_TEXT_MAX];
};

struct plan_webhook {
    char name[PLAN_NAME_MAX];
    enum webhook_type type;
    char url[PLAN_URL_MAX];
    uint32_t on[PLAN_WEBHOOK_ACTIONS]; /* WEBHOOK_EVENT: enum action that it is told of */
    size_t on_len;                     /* 0: all of them */
    int64_t timeout_ns;
    int64_t interval_ns; /* but of WEBHOOK_EVENT: from one time that it is asked to the next */
    uint32_t retries;    /* of what failed; 0: none */
};

struct plan_analysis {
    double false_rollback; /* alpha of the whole rollout */
    enum forward_rule forward;
    double false_promote;
    enum unit_kind unit;
    char unit_name[PLAN_NAME_MAX]; /* UNIT_HEADER, UNIT_COOKIE */
    int64_t unit_window_ns;        /* PLAN_UNSET_NS: 60 s, or the affinity's maxAge when sticky */
    int64_t evaluation_age_ns;     /* PLAN_UNSET_NS (auto): least SLO threshold, within 100 ms to 1 s */
    int64_t bin_ns;
    double bin_cap[2];      /* nats: usual, and when 30 % of the bin's canary requests were bad */
    uint32_t starting_step; /* first step that is judged; brakes stay armed before it */
    int64_t initial_delay_ns;
    int64_t shape_hold_max_ns; /* 0: none */
    struct plan_metric metrics[PLAN_METRICS_MAX];
    size_t metrics_len;
};

struct plan_ramp {
    int64_t grace_ns;
    bool retreat; /* false: never, always roll back */
    uint32_t retreat_max;
    int64_t retreat_probation_ns;
    double retreat_raise_factor;
    int64_t retreat_grace_ns;
    uint32_t max_step_per_second; /* hundredths of a percent a second; 0: at once */
    int64_t slow_start_ns;
    double min_canary_rate; /* requests a second */
    double capacity;        /* requests a second a target; PLAN_UNSET: measured */
};

struct plan_watch {
    bool on;
    uint32_t probe_weight;
    double threshold; /* nats */
};

struct plan_rollback {
    enum rollback_mode mode;
    int64_t ramp_ns;
    uint32_t retry_max;
    int64_t retry_backoff_ns;
    int64_t window_ns; /* abort after the promotion still goes back within this time */
};

struct plan_affinity {
    enum affinity_kind kind;
    char name[PLAN_NAME_MAX]; /* of the cookie or the header */
    int64_t max_age_ns;
};

/* Failures of the canary that are tried once more on stable. Bits of `on`. */
enum {
    PLAN_SHIELD_CONNECT = 1 << 0,
    PLAN_SHIELD_RESET = 1 << 1,
    PLAN_SHIELD_502 = 1 << 2,
    PLAN_SHIELD_503 = 1 << 3,
    PLAN_SHIELD_504 = 1 << 4,
};
struct plan_shield {
    uint32_t on;                                     /* 0: off */
    char methods[PLAN_METHODS_MAX][PLAN_METHOD_MAX]; /* none: GET and HEAD */
    size_t methods_len;
};

/* The schedule of the judge `threshold`, and limits for the metrics that have none of their own. */
struct plan_threshold {
    enum threshold_mode mode;
    int64_t interval_ns, initial_delay_ns;
    uint32_t count;                      /* measurements; 0: for ever */
    double min, max, warn_min, warn_max; /* NAN: none */
    int32_t failure_limit, inconclusive_limit, consecutive_error_limit;
    enum no_data_rule no_data;
    int64_t period_ns; /* alarm */
    uint32_t evaluation_periods, datapoints_to_alarm;
    enum missing_data_rule missing;
};

/* The schedule of the judge `flagger`; the limits stand in the metrics, the weights in the steps. */
struct plan_flagger {
    int64_t interval_ns;
    uint32_t threshold; /* failed checks */
};

struct plan {
    char name[PLAN_NAME_MAX];
    char stable[PLAN_NAME_MAX], canary[PLAN_NAME_MAX]; /* empty: whatever the route has */
    enum judge_kind judge;
    enum on_regression on_regression;
    enum on_inconclusive on_inconclusive;
    struct plan_analysis analysis;
    struct plan_step steps[PLAN_STEPS_MAX];
    size_t steps_len;
    struct plan_ramp ramp;
    struct plan_watch watch;
    struct plan_rollback rollback;
    uint64_t exposure_canary_errors; /* 0: no budget */
    struct plan_affinity affinity;
    struct plan_shield shield;
    struct plan_threshold threshold;
    struct plan_flagger flagger;
    struct plan_window windows[PLAN_WINDOWS_MAX];
    size_t windows_len;
    struct plan_freeze freezes[PLAN_FREEZES_MAX];
    size_t freezes_len;
    struct plan_webhook webhooks[PLAN_WEBHOOKS_MAX];
    size_t webhooks_len;
    struct zone zones[PLAN_ZONES_MAX]; /* those that windows and freezes name, parsed */
    size_t zones_len;
};

/* The defaults of everything, with empty lists. A plan is large (about 100 KiB): keep it on the heap. */
void plan_init(struct plan *plan);
/* The defaults of an item; `type` and `kind` decide on some. */
void plan_metric_init(struct plan_metric *metric, enum metric_type type);
void plan_step_init(struct plan_step *step, enum step_kind kind);
void plan_webhook_init(struct plan_webhook *webhook, enum webhook_type type);

/*
 * Fills what the file left open: with no metric at all the default ones (errors, latency, client errors and
 * both guards), shares, tolerances, floors, thresholds, ages. `slo_ns` is the route's SLO; 0 when it has
 * none: then there is no default latency metric, and a latencySlo without a threshold is a problem for
 * plan_check.
 */
void plan_finish(struct plan *plan, int64_t slo_ns);

/*
 * Puts a zone into the plan's table under its name. `bytes` is the TZif file; borrowed for the call. A zone
 * that is there already is left as it is. Errors: false with a reason in *why_r (constant text) when the
 * bytes are no zone or the table is full.
 */
MUST_CHECK bool plan_zone_add(struct plan *plan, struct str name, struct str bytes, const char **why_r);
/* The zone of that name; NULL when it was not added. "UTC" is always there. */
const struct zone *plan_zone(const struct plan *plan, const char *name);
const struct plan_window *plan_window(const struct plan *plan, const char *name);
const struct plan_webhook *plan_webhook(const struct plan *plan, const char *name);

/*
 * Checks the meaning of a finished plan and reports every problem through `report`: `path` names the item as
 * `steps[2].window` or `analysis.metrics[0].share` (indices from 0; empty for the whole plan), `text` says
 * what is wrong and what would be right, `warning` is true for what may still run. Both are valid during the
 * call only. True when there was no problem but warnings.
 */
typedef void plan_report(void *arg, const char *path, const char *text, bool warning);
MUST_CHECK bool plan_check(const struct plan *plan, plan_report *report, void *arg);

/* The status belongs to the metric's bad ones (errorRate and clientErrorRate of a finished plan). */
bool plan_status_is_bad(const struct plan_metric *metric, unsigned status);
/* Hundredths of a percent a second by which a raise is made; 0: at once. At 0 the whole group is cold. */
double plan_raise_speed(const struct plan_ramp *ramp, uint32_t from, uint32_t to);
/* The first STEP_WEIGHT at or after `step`, or steps_len. */
size_t plan_next_weight_step(const struct plan *plan, size_t step);
/* 250 as "2.5": the shortest exact percentage. */
enum { PLAN_PERCENT_LEN = 8 };
const char *plan_percent(uint32_t weight, char out[static PLAN_PERCENT_LEN]);

#endif
