#include "control/metrics.h"

#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "control/board.h"
#include "control/status.h"
#include "export/dogstatsd.h"
#include "export/emf.h"
#include "export/prometheus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void rollout_view(const struct run *run, struct meter_rollout *view_r)
{
    const struct plan_analysis *analysis = &run->plan->analysis;
    struct verdict verdict;

    rollout_verdict(run->rollout, run->plan, &verdict);
    *view_r = (struct meter_rollout){.plan = run->plan->name,
                                     .state = run->rollout->state,
                                     .step = run->rollout->step + 1,
                                     .steps = run->plan->steps_len,
                                     .e = verdict.e,
                                     .threshold = verdict.threshold};
    for (size_t m = 0; m < analysis->metrics_len; m++) {
        if (analysis->metrics[m].type == METRIC_EXTERNAL)
            continue;
        view_r->metric_names[view_r->metrics_len] = analysis->metrics[m].name;
        view_r->metric_e[view_r->metrics_len++] = verdict.metrics[m].e;
    }
}

static void route_view(const struct board *board, const struct live *live, struct meter_rollout *rollout,
                       struct meter_route *view_r)
{
    *view_r = (struct meter_route){
        .in_force = board_in_force(board, live), .locked = live->locked, .share = status_share(board, live)};
    if (!live->run)
        return;
    rollout_view(live->run, rollout);
    view_r->rollout = rollout;
}

/* The view of the board at a moment, with what it points to. */
struct reading {
    struct meter_view view;
    struct meter_route *routes;
    struct meter_rollout *rollouts;
    struct shard *shards[CONFIG_WORKERS_MAX];
    struct logsink_place logs[CONFIG_LOGS_MAX];
    struct meter_notice *notices;
    struct meter_source sources[CONFIG_SOURCES_MAX];
    struct meter_process process;
    struct meter_sent dogstatsd;
    bool unhealthy[CONFIG_TARGETS_MAX];
};

static void read_sides(struct reading *reading, const struct board *board)
{
    for (size_t slot = 0; slot < CONFIG_TARGETS_MAX; slot++)
        reading->unhealthy[slot] = board->health[slot].state == HEALTH_BAD;
    for (size_t i = 0; i < board->lives_len; i++)
        route_view(board, &board->lives[i], &reading->rollouts[i], &reading->routes[i]);
    for (size_t w = 0; w < reading->view.shards_len; w++)
        reading->shards[w] = crew_shard(board->crew, w);
}

static void read_exporters(struct reading *reading, const struct board *board)
{
    struct meter_view *view = &reading->view;

    if (board->store) {
        view->store = true;
        view->store_failing = store_health(board->store)->failing;
        view->store_errors = store_health(board->store)->errors;
    }
    if (board->logsink)
        view->logs_len = logsink_places(board->logsink);
    for (size_t i = 0; i < view->logs_len; i++)
        reading->logs[i] = logsink_place(board->logsink, i);
    view->notices_len = board->notifier ? notifier_len(board->notifier) : 0;
    view->notices = reading->notices = mem_zalloc((view->notices_len + 1) * sizeof *reading->notices);
    for (size_t i = 0; i < view->notices_len; i++) {
        struct notifier_stats stats = notifier_stats(board->notifier, i);

        reading->notices[i] = (struct meter_notice){.name = stats.name,
                                                    .sent = stats.sent,
                                                    .retried = stats.retried,
                                                    .dropped = stats.dropped,
                                                    .waiting = stats.waiting};
    }
    view->sources = reading->sources;
    view->sources_len = board->surveyor ? surveyor_len(board->surveyor) : 0;
    for (size_t i = 0; i < view->sources_len; i++) {
        struct surveyor_stats stats = surveyor_stats(board->surveyor, i);

        reading->sources[i] = (struct meter_source){
            .name = stats.name, .values = stats.values, .empty = stats.empty, .failed = stats.failed};
    }
    if (board->config->dogstatsd.address.text)
        view->dogstatsd = &reading->dogstatsd;
    if (board->dogstatsd)
        reading->dogstatsd = dogstatsd_stats(board->dogstatsd);
}

static struct reading *reading_new(const struct board *board)
{
    struct reading *reading = mem_zalloc(sizeof *reading);
    char why[256];

    reading->routes = mem_zalloc((board->lives_len + 1) * sizeof *reading->routes);
    reading->rollouts = mem_zalloc((board->lives_len + 1) * sizeof *reading->rollouts);
    reading->view = (struct meter_view){.version = PACKAGE_VERSION,
                                        .started_wall_ns = board->started_wall_ns,
                                        .ready = board_ready(board, why, sizeof why),
                                        .routes = crew_routes(board->crew),
                                        .live = reading->routes,
                                        .shards = reading->shards,
                                        .shards_len = crew_size(board->crew),
                                        .memory = budget_used(crew_memory(board->crew)),
                                        .memory_limit = board->config->limits.memory,
                                        .draining = board->draining,
                                        .unhealthy = reading->unhealthy,
                                        .logs = reading->logs,
                                        .process = &reading->process};
    memcpy(reading->view.decisions, board->journal.counts, sizeof reading->view.decisions);
    meter_process_read(&reading->process);
    read_sides(reading, board);
    read_exporters(reading, board);
    return reading;
}

static void reading_free(struct reading *reading)
{
    free(reading->routes);
    free(reading->rollouts);
    free(reading->notices);
    free(reading);
}

void metrics_write(struct text *out, const struct board *board, bool open_metrics)
{
    struct reading *reading = reading_new(board);

    prometheus_write(out, &reading->view, open_metrics);
    reading_free(reading);
}

static void send_metrics(struct board *board)
{
    struct reading *reading = reading_new(board);

    dogstatsd_tell(board->dogstatsd, &reading->view, board->now_ns);
    reading_free(reading);
}

/* Metrics as lines, for the sinks of the access log. */
static void write_lines(struct board *board)
{
    struct reading *reading = reading_new(board);
    struct text lines;

    text_init(&lines, EMF_BYTES_MAX);
    if (emf_write(board->emf, &reading->view, board->now_ns, board->wall_ns, &lines) &&
        !logsink_tell(board->logsink, (struct str){lines.p, lines.len}))
        log_warn("metrics: lines for CloudWatch are lost, since the access log is behind");
    text_fini(&lines);
    reading_free(reading);
}

/* Those that are configured exist. */
static void begin(struct board *board)
{
    if (!board->emf && board->config->emf.enabled)
        board->emf = emf_new();
    if (!board->dogstatsd && board->config->dogstatsd.address.text)
        board->dogstatsd = dogstatsd_new();
}

void metrics_tick(struct board *board)
{
    begin(board);
    if (board->emf && board->logsink && emf_is_due(board->emf, &board->config->emf, board->now_ns))
        write_lines(board);
    if (board->dogstatsd && dogstatsd_is_due(board->dogstatsd, &board->config->dogstatsd, board->now_ns))
        send_metrics(board);
}

void metrics_end(struct board *board)
{
    begin(board); /* it may have been too short for a tick */
    if (board->config->emf.enabled && board->logsink)
        write_lines(board);
    if (board->config->dogstatsd.address.text)
        send_metrics(board);
    emf_free(board->emf);
    dogstatsd_free(board->dogstatsd);
    board->emf = NULL;
    board->dogstatsd = NULL;
}
