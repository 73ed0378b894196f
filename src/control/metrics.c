#include "control/metrics.h"

#include "base/mem.h"
#include "config.h"
#include "control/board.h"
#include "control/status.h"
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
        if (!plan_metric_is_judged(&analysis->metrics[m]))
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

void metrics_write(struct text *out, const struct board *board, bool open_metrics)
{
    struct meter_route *routes = mem_zalloc((board->lives_len + 1) * sizeof *routes);
    struct meter_rollout *rollouts = mem_zalloc((board->lives_len + 1) * sizeof *rollouts);
    struct shard *shards[CONFIG_WORKERS_MAX];
    struct logsink_place logs[CONFIG_LOGS_MAX];
    struct meter_process process;
    bool unhealthy[CONFIG_TARGETS_MAX];
    char why[256];
    struct meter_view view = {.version = PACKAGE_VERSION,
                              .started_wall_ns = board->started_wall_ns,
                              .ready = board_ready(board, why, sizeof why),
                              .routes = crew_routes(board->crew),
                              .live = routes,
                              .shards = shards,
                              .shards_len = crew_size(board->crew),
                              .memory = budget_used(crew_memory(board->crew)),
                              .memory_limit = board->config->limits.memory,
                              .draining = board->draining,
                              .unhealthy = unhealthy,
                              .process = &process};

    meter_process_read(&process);
    for (size_t slot = 0; slot < CONFIG_TARGETS_MAX; slot++)
        unhealthy[slot] = board->health[slot].state == HEALTH_BAD;
    for (size_t i = 0; i < board->lives_len; i++)
        route_view(board, &board->lives[i], &rollouts[i], &routes[i]);
    for (size_t w = 0; w < view.shards_len; w++)
        shards[w] = crew_shard(board->crew, w);
    memcpy(view.decisions, board->journal.counts, sizeof view.decisions);
    if (board->store) {
        view.store = true;
        view.store_failing = store_health(board->store)->failing;
        view.store_errors = store_health(board->store)->errors;
    }
    if (board->logsink) {
        view.logs = logs;
        view.logs_len = logsink_places(board->logsink);
        for (size_t i = 0; i < view.logs_len; i++)
            logs[i] = logsink_place(board->logsink, i);
    }
    prometheus_write(out, &view, open_metrics);
    free(routes);
    free(rollouts);
}
