#include "export/prometheus.h"

#include "base/clk.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABELS_MAX = 512 }; /* names have at most 63 bytes, addresses 108 */

/* The exposition being written. */
struct page {
    struct text *out;
    const struct prometheus_view *view;
    bool open_metrics;
};

enum kind {
    COUNTER,
    GAUGE,
    HISTOGRAM,
};

/* ---- families and samples
 * ------------------------------------------------------------------------------------ */

/* `name` is without _total; OpenMetrics names the family of a counter so. */
static void family(struct page *page, const char *name, enum kind kind, const char *help)
{
    static const char *const kinds[] = {[COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    const char *suffix = kind == COUNTER && !page->open_metrics ? "_total" : "";

    text_printf(page->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, kinds[kind]);
}

static void labels_add(struct buf *labels, const char *name, const char *value)
{
    buf_printf(labels, "%s%s=\"", labels->len ? "," : "", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            buf_char(labels, '\\');
        if (*value == '\n')
            buf_lit(labels, "\\n");
        else
            buf_char(labels, *value);
    }
    buf_char(labels, '"');
}

static void number(struct page *page, const char *name, const char *suffix, const struct buf *labels,
                   uint64_t value)
{
    if (labels && labels->len)
        text_printf(page->out, "%s%s{%.*s} %" PRIu64 "\n", name, suffix, (int)labels->len, labels->p, value);
    else
        text_printf(page->out, "%s%s %" PRIu64 "\n", name, suffix, value);
}

static void real(struct page *page, const char *name, const char *suffix, const struct buf *labels,
                 double value)
{
    const char *special = isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";

    text_printf(page->out, "%s%s", name, suffix);
    if (labels && labels->len)
        text_printf(page->out, "{%.*s}", (int)labels->len, labels->p);
    if (isfinite(value))
        text_printf(page->out, " %.17g\n", value);
    else
        text_printf(page->out, " %s\n", special);
}

/* Builds label sets in a block on the stack; too long ones cannot be (LABELS_MAX). */
#define LABELS(labels)                                                                                       \
    char labels##_block[LABELS_MAX];                                                                         \
    struct buf labels;                                                                                       \
    buf_init(&labels, labels##_block, sizeof labels##_block)

/* ---- sums over the workers
 * ----------------------------------------------------------------------------------- */

/* The cell at `offset` of every worker's struct at the same place of the same route. */
static uint64_t side_sum(const struct page *page, uint32_t slot, size_t side, size_t offset)
{
    uint64_t sum = 0;

    for (size_t w = 0; w < page->view->shards_len; w++) {
        struct shard_route *route = shard_route(page->view->shards[w], slot);

        if (route)
            sum += cell_get((const struct cell *)(const void *)((const char *)&route->side[side] + offset));
    }
    return sum;
}

static uint64_t target_sum(const struct page *page, uint32_t slot, size_t offset)
{
    uint64_t sum = 0;

    for (size_t w = 0; w < page->view->shards_len; w++) {
        struct shard_target *target = shard_target(page->view->shards[w], slot);

        if (target)
            sum += cell_get((const struct cell *)(const void *)((const char *)target + offset));
    }
    return sum;
}

static uint64_t shard_sum(const struct page *page, size_t offset)
{
    uint64_t sum = 0;

    for (size_t w = 0; w < page->view->shards_len; w++)
        sum += cell_get((const struct cell *)(const void *)((const char *)page->view->shards[w] + offset));
    return sum;
}

/* ---- a side of a route
 * --------------------------------------------------------------------------------------- */

struct side {
    const struct route *route;
    size_t side;
    uint32_t slot;
};

static void side_labels(const struct side *at, struct buf *labels)
{
    const struct config_group *group = at->route->side[at->side]->conf;

    labels_add(labels, "route", at->route->conf->name);
    labels_add(labels, "group", group->name);
    labels_add(labels, "platform", group->platform);
    labels_add(labels, "side", at->side == ROUTE_CANARY ? "canary" : "stable");
}

static void each_side(struct page *page,
                      void (*write)(struct page *page, const struct side *at, const void *arg),
                      const void *arg)
{
    const struct routes *routes = page->view->routes;

    for (size_t i = 0; i < routes->routes_len; i++)
        for (size_t side = 0; side < ROUTE_SIDES; side++)
            if (routes->routes[i].side[side])
                write(page, &(struct side){&routes->routes[i], side, routes->routes[i].conf->slot}, arg);
}

/* What was answered is always there, so that the first error is an increase; other ends when they came up. */
static void side_requests(struct page *page, const struct side *at, const void *arg)
{
    static const char *const classes[SHARD_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

    (void)arg;
    for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
        for (size_t class = 0; class < SHARD_CLASSES; class ++) {
            uint64_t n =
                side_sum(page, at->slot, at->side, offsetof(struct shard_side, ended[outcome][class]));
            LABELS(labels);

            if (n == 0 && (outcome != OUTCOME_SERVED || class < 2))
                continue;
            side_labels(at, &labels);
            labels_add(&labels, "outcome", outcome_row((enum outcome)outcome)->name);
            labels_add(&labels, "code", classes[class]);
            number(page, "penstock_requests", "_total", &labels, n);
        }
    }
}

static void side_durations(struct page *page, const struct side *at, const void *arg)
{
    const char *name = "penstock_request_duration_seconds";
    uint64_t below = 0;
    LABELS(labels);

    (void)arg;
    side_labels(at, &labels);
    for (size_t i = 0; i <= SHARD_EDGES; i++) {
        char edge[32];
        LABELS(edged);

        below += side_sum(page, at->slot, at->side, offsetof(struct shard_side, buckets[i]));
        buf_str_add(&edged, buf_str(&labels));
        snprintf(edge, sizeof edge, "%g", i < SHARD_EDGES ? shard_edges_s[i] : 0);
        labels_add(&edged, "le", i < SHARD_EDGES ? edge : "+Inf");
        number(page, name, "_bucket", &edged, below);
    }
    real(page, name, "_sum", &labels,
         (double)side_sum(page, at->slot, at->side, offsetof(struct shard_side, duration_ns)) / NS_PER_S);
    number(page, name, "_count", &labels, below);
}

/* A family of one cell a side. */
struct side_cell {
    const char *name;
    const char *help;
    enum kind kind;
    size_t offset;
};

static const struct side_cell side_cells[] = {
    {"penstock_received_bytes", "Bytes of requests as clients sent them, heads included.", COUNTER,
     offsetof(struct shard_side, received)},
    {"penstock_sent_bytes", "Bytes of answers as sent to clients.", COUNTER,
     offsetof(struct shard_side, sent)},
    {"penstock_retries", "Further tries of requests whose first try failed.", COUNTER,
     offsetof(struct shard_side, retries)},
    {"penstock_requests_in_flight", "Requests that are being served.", GAUGE,
     offsetof(struct shard_side, open)},
};

static void side_one_cell(struct page *page, const struct side *at, const void *arg)
{
    const struct side_cell *cell = arg;
    LABELS(labels);

    side_labels(at, &labels);
    number(page, cell->name, cell->kind == COUNTER ? "_total" : "", &labels,
           side_sum(page, at->slot, at->side, cell->offset));
}

static void write_sides(struct page *page)
{
    family(page, "penstock_requests", COUNTER, "Requests that have ended, by how and by status class.");
    each_side(page, side_requests, NULL);
    family(page, "penstock_request_duration_seconds", HISTOGRAM,
           "From the first byte of a request to the last byte of its answer.");
    each_side(page, side_durations, NULL);
    for (size_t i = 0; i < ARRAY_LEN(side_cells); i++) {
        family(page, side_cells[i].name, side_cells[i].kind, side_cells[i].help);
        each_side(page, side_one_cell, &side_cells[i]);
    }
}

/* ---- routes and rollouts
 * ------------------------------------------------------------------------------------- */

static void write_unrouted(struct page *page)
{
    family(page, "penstock_unrouted_requests", COUNTER, "Requests that ended before their route was known.");
    for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
        uint64_t n = shard_sum(page, offsetof(struct shard, unrouted[outcome]));
        LABELS(labels);

        if (n == 0)
            continue;
        labels_add(&labels, "outcome", outcome_row((enum outcome)outcome)->name);
        number(page, "penstock_unrouted_requests", "_total", &labels, n);
    }
}

/* One gauge a route. */
static void route_gauge(struct page *page, const char *name, const char *help,
                        double (*value)(const struct route *route, const struct prometheus_route *live))
{
    const struct routes *routes = page->view->routes;

    family(page, name, GAUGE, help);
    for (size_t i = 0; i < routes->routes_len; i++) {
        LABELS(labels);

        labels_add(&labels, "route", routes->routes[i].conf->name);
        real(page, name, "", &labels, value(&routes->routes[i], &page->view->live[i]));
    }
}

static double route_weight(const struct route *route, const struct prometheus_route *live)
{
    (void)live;
    return (double)route->weight / 100;
}

static double route_in_force(const struct route *route, const struct prometheus_route *live)
{
    (void)route;
    return live->in_force;
}

static double route_share(const struct route *route, const struct prometheus_route *live)
{
    (void)route;
    return live->share * 100;
}

static double route_locked(const struct route *route, const struct prometheus_route *live)
{
    (void)route;
    return live->locked;
}

static void write_routes(struct page *page)
{
    write_unrouted(page);
    route_gauge(page, "penstock_route_weight", "Percent of the requests that are to go to the canary.",
                route_weight);
    route_gauge(page, "penstock_route_in_force", "1 when every worker draws with this weight.",
                route_in_force);
    route_gauge(page, "penstock_route_share",
                "Percent of the last minute's requests that went to the canary.", route_share);
    route_gauge(page, "penstock_route_locked", "1 when a person has locked the weight.", route_locked);
}

/* One line a rollout; `value` is NAN where it does not apply. */
static void rollout_gauge(struct page *page, const char *name, const char *help,
                          double (*value)(const struct prometheus_rollout *rollout))
{
    const struct routes *routes = page->view->routes;

    family(page, name, GAUGE, help);
    for (size_t i = 0; i < routes->routes_len; i++) {
        const struct prometheus_rollout *rollout = page->view->live[i].rollout;
        LABELS(labels);

        if (!rollout)
            continue;
        labels_add(&labels, "route", routes->routes[i].conf->name);
        labels_add(&labels, "plan", rollout->plan);
        real(page, name, "", &labels, value(rollout));
    }
}

static double rollout_step_of(const struct prometheus_rollout *rollout)
{
    return rollout->step;
}

static double rollout_steps_of(const struct prometheus_rollout *rollout)
{
    return (double)rollout->steps;
}

static double rollout_e(const struct prometheus_rollout *rollout)
{
    return rollout->e;
}

static double rollout_threshold(const struct prometheus_rollout *rollout)
{
    return rollout->threshold;
}

static void write_states(struct page *page)
{
    const struct routes *routes = page->view->routes;

    family(page, "penstock_rollout_state", GAUGE, "1 for the state that the rollout is in.");
    for (size_t i = 0; i < routes->routes_len; i++) {
        const struct prometheus_rollout *rollout = page->view->live[i].rollout;

        for (size_t state = 0; rollout && state < rollout_state_words.len; state++) {
            LABELS(labels);

            labels_add(&labels, "route", routes->routes[i].conf->name);
            labels_add(&labels, "plan", rollout->plan);
            labels_add(&labels, "state", word_name(&rollout_state_words, state));
            number(page, "penstock_rollout_state", "", &labels, rollout->state == state);
        }
    }
}

static void write_evidence(struct page *page)
{
    const struct routes *routes = page->view->routes;

    family(page, "penstock_rollout_metric_evidence", GAUGE,
           "Evidence of one metric against the canary (an e-value).");
    for (size_t i = 0; i < routes->routes_len; i++) {
        const struct prometheus_rollout *rollout = page->view->live[i].rollout;

        for (size_t m = 0; rollout && m < rollout->metrics_len; m++) {
            LABELS(labels);

            labels_add(&labels, "route", routes->routes[i].conf->name);
            labels_add(&labels, "plan", rollout->plan);
            labels_add(&labels, "metric", rollout->metric_names[m]);
            real(page, "penstock_rollout_metric_evidence", "", &labels, rollout->metric_e[m]);
        }
    }
}

static void write_decisions(struct page *page)
{
    family(page, "penstock_decisions", COUNTER, "Recorded decisions by action.");
    for (size_t action = ACTION_FORWARD; action <= ACTION_PROMOTE; action++) {
        LABELS(labels);

        labels_add(&labels, "action", word_name(&action_words, action));
        number(page, "penstock_decisions", "_total", &labels, page->view->decisions[action]);
    }
}

static void write_rollouts(struct page *page)
{
    write_states(page);
    rollout_gauge(page, "penstock_rollout_step", "The present step, from 1; 0 before the first.",
                  rollout_step_of);
    rollout_gauge(page, "penstock_rollout_steps", "Steps of the plan.", rollout_steps_of);
    rollout_gauge(page, "penstock_rollout_evidence", "Evidence that the canary is worse (an e-value).",
                  rollout_e);
    rollout_gauge(page, "penstock_rollout_evidence_threshold", "Evidence that means back.",
                  rollout_threshold);
    write_evidence(page);
    write_decisions(page);
}

/* ---- targets
 * ------------------------------------------------------------------------------------------------- */

static const struct side_cell target_cells[] = {
    {"penstock_target_requests", "Tries, retries included.", COUNTER,
     offsetof(struct shard_target, requests)},
    {"penstock_target_failures",
     "Tries that the target failed: no whole answer, or a status of 500 and more.", COUNTER,
     offsetof(struct shard_target, failures)},
    {"penstock_target_connects", "Connections opened to the target.", COUNTER,
     offsetof(struct shard_target, connects)},
    {"penstock_target_connections", "Open connections to the target.", GAUGE,
     offsetof(struct shard_target, open)},
    {"penstock_target_requests_in_flight", "Requests that the target is serving.", GAUGE,
     offsetof(struct shard_target, busy)},
};

static void target_labels(const struct config_group *group, const struct config_target *target,
                          struct buf *labels)
{
    labels_add(labels, "group", group->name);
    labels_add(labels, "platform", group->platform);
    labels_add(labels, "target", target->address.text);
}

static void write_target_cell(struct page *page, const struct side_cell *cell)
{
    const struct config *config = page->view->routes->config;

    family(page, cell->name, cell->kind, cell->help);
    for (size_t i = 0; i < config->groups_len; i++) {
        for (size_t k = 0; k < config->groups[i].targets_len; k++) {
            const struct config_target *target = &config->groups[i].targets[k];
            LABELS(labels);

            target_labels(&config->groups[i], target, &labels);
            number(page, cell->name, cell->kind == COUNTER ? "_total" : "", &labels,
                   target_sum(page, target->slot, cell->offset));
        }
    }
}

static void write_targets(struct page *page)
{
    const struct config *config = page->view->routes->config;

    for (size_t i = 0; i < ARRAY_LEN(target_cells); i++)
        write_target_cell(page, &target_cells[i]);
    family(page, "penstock_target_open", GAUGE, "1 when the target takes new requests, 0 while it drains.");
    for (size_t i = 0; i < config->groups_len; i++) {
        for (size_t k = 0; k < config->groups[i].targets_len; k++) {
            LABELS(labels);

            target_labels(&config->groups[i], &config->groups[i].targets[k], &labels);
            number(page, "penstock_target_open", "", &labels,
                   !page->view->draining[config->groups[i].targets[k].slot]);
        }
    }
}

/* ---- the proxy itself
 * ---------------------------------------------------------------------------------------- */

static const struct side_cell shard_cells[] = {
    {"penstock_connections", "Open client connections.", GAUGE, offsetof(struct shard, connections)},
    {"penstock_connections_accepted", "Client connections accepted.", COUNTER,
     offsetof(struct shard, accepted)},
    {"penstock_connections_refused", "Client connections closed at once, over a limit or out of descriptors.",
     COUNTER, offsetof(struct shard, refused)},
    {"penstock_log_lines", "Access-log lines made.", COUNTER, offsetof(struct shard, log_lines)},
};

/* One line a worker, in seconds. */
static void worker_seconds(struct page *page, const char *name, enum kind kind, const char *help,
                           size_t offset)
{
    family(page, name, kind, help);
    for (size_t w = 0; w < page->view->shards_len; w++) {
        const char *base = (const char *)page->view->shards[w];
        char worker[24];
        LABELS(labels);

        snprintf(worker, sizeof worker, "%zu", w);
        labels_add(&labels, "worker", worker);
        real(page, name, kind == COUNTER ? "_total" : "", &labels,
             (double)cell_get((const struct cell *)(const void *)(base + offset)) / NS_PER_S);
    }
}

static void write_log_sinks(struct page *page, const struct logsink_stats *logs)
{
    static const struct {
        const char *name;
        const char *help;
        size_t offset;
    } rows[] = {
        {"penstock_log_written_lines", "Access-log lines written to a sink.",
         offsetof(struct logsink_stats, lines)},
        {"penstock_log_written_bytes", "Bytes of access log written.", offsetof(struct logsink_stats, bytes)},
        {"penstock_log_errors", "Failed writes and openings of log files.",
         offsetof(struct logsink_stats, errors)},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value;

        memcpy(&value, (const char *)logs + rows[i].offset, sizeof value);
        family(page, rows[i].name, COUNTER, rows[i].help);
        number(page, rows[i].name, "_total", NULL, value);
    }
}

/* Lines that are in no file: the exporter was behind, or a sink could not take them. */
static void write_log_losses(struct page *page)
{
    const char *name = "penstock_log_dropped";
    LABELS(worker);
    LABELS(sink);

    labels_add(&worker, "where", "worker");
    labels_add(&sink, "where", "sink");
    family(page, name, COUNTER,
           "Access-log lines lost: at a worker when the exporter is behind, or at a sink that fails.");
    number(page, name, "_total", &worker, shard_sum(page, offsetof(struct shard, log_dropped)));
    if (page->view->logs)
        number(page, name, "_total", &sink, page->view->logs->lost);
}

static void write_late(struct page *page)
{
    const struct routes *routes = page->view->routes;

    family(page, "penstock_unjudged_requests", COUNTER,
           "Requests that ended too late to be judged at their weight.");
    for (size_t i = 0; i < routes->routes_len; i++) {
        uint64_t n = 0;
        LABELS(labels);

        for (size_t w = 0; w < page->view->shards_len; w++) {
            struct shard_route *route = shard_route(page->view->shards[w], routes->routes[i].conf->slot);

            n += route ? cell_get(&route->late) : 0;
        }
        labels_add(&labels, "route", routes->routes[i].conf->name);
        number(page, "penstock_unjudged_requests", "_total", &labels, n);
    }
}

static void write_self(struct page *page)
{
    const struct prometheus_view *view = page->view;
    LABELS(build);

    labels_add(&build, "version", view->version);
    family(page, "penstock_build_info", GAUGE, "Always 1; the version is the label.");
    number(page, "penstock_build_info", "", &build, 1);
    family(page, "penstock_start_time_seconds", GAUGE, "When this process started, since 1970.");
    real(page, "penstock_start_time_seconds", "", NULL, (double)(view->started_wall_ns / NS_PER_MS) / 1000);
    family(page, "penstock_ready", GAUGE, "1 when /readyz answers 200.");
    number(page, "penstock_ready", "", NULL, view->ready);
    for (size_t i = 0; i < ARRAY_LEN(shard_cells); i++) {
        const struct side_cell *cell = &shard_cells[i];

        family(page, cell->name, cell->kind, cell->help);
        number(page, cell->name, cell->kind == COUNTER ? "_total" : "", NULL, shard_sum(page, cell->offset));
    }
    worker_seconds(page, "penstock_worker_busy_seconds", COUNTER, "Time that the worker spent on work.",
                   offsetof(struct shard, busy_ns));
    worker_seconds(page, "penstock_worker_slowest_turn_seconds", GAUGE,
                   "The longest turn of the worker's event loop.", offsetof(struct shard, slowest_ns));
    write_late(page);
    write_log_losses(page);
    if (view->logs)
        write_log_sinks(page, view->logs);
    if (view->store) {
        family(page, "penstock_store_failing", GAUGE,
               "1 when nothing can be saved: no rollout moves forward.");
        number(page, "penstock_store_failing", "", NULL, view->store_failing);
        family(page, "penstock_store_errors", COUNTER, "Failed writes and reads of the store.");
        number(page, "penstock_store_errors", "_total", NULL, view->store_errors);
    }
}

void prometheus_write(struct text *out, const struct prometheus_view *view, bool open_metrics)
{
    struct page page = {out, view, open_metrics};

    write_sides(&page);
    write_routes(&page);
    write_rollouts(&page);
    write_targets(&page);
    write_self(&page);
    if (open_metrics)
        text_printf(out, "# EOF\n");
}
