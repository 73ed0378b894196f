#include "control/status.h"

#include "base/clk.h"
#include "config.h"
#include "control/history.h"
#include "decide/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DECISIONS_SHOWN = 10 };

/* ---- values
 * -------------------------------------------------------------------------------------------------- */

static json_t *time_json(int64_t wall_ns)
{
    char text[CLK_TEXT_LEN];

    if (wall_ns == 0)
        return json_null();
    clk_text(wall_ns, text);
    return json_stringn(text, sizeof text);
}

static json_t *percent_json(double share)
{
    return isnan(share) ? json_null() : json_real(round(share * 1000000) / 10000);
}

static json_t *weight_json(uint32_t weight)
{
    return json_real((double)weight / 100);
}

static json_t *ms_json(int64_t ns)
{
    return json_real(round((double)ns / 1e4) / 100);
}

static json_t *count_json(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *text_json(const char *text)
{
    return text && text[0] ? json_string(text) : json_null();
}

/* ---- routes
 * -------------------------------------------------------------------------------------------------- */

static json_t *view_json(const struct board *board, const struct live *live, enum route_side side,
                         enum recent_window window)
{
    const struct recent *recent = live->recent[side];
    struct recent_view view = {0};

    if (recent)
        recent_view(recent, board->now_ns, window, &view);
    return json_pack("{s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "seconds",
                     (double)(view.span_ns / NS_PER_MS) / 1000, "requests", count_json(view.requests),
                     "errors", count_json(view.errors), "clientErrors", count_json(view.client_errors),
                     "overridden", count_json(view.overridden), "slow",
                     history_slo_ns(live) ? count_json(view.slow) : json_null(), "p50", ms_json(view.p50_ns),
                     "p95", ms_json(view.p95_ns), "p99", ms_json(view.p99_ns));
}

static uint64_t in_flight(const struct board *board, const struct live *live, enum route_side side)
{
    struct shard_route *workers[CONFIG_WORKERS_MAX];
    struct harvest_cells cells = board_cells(board, live, workers);
    uint64_t sum = 0;

    for (size_t w = 0; w < cells.len; w++)
        sum += cell_get(&cells.workers[w]->side[side].open);
    return sum;
}

/* The cell at `offset` of the group's in every worker. */
static uint64_t group_sum(const struct board *board, const struct config_group *group, size_t offset)
{
    uint64_t sum = 0;

    for (size_t w = 0; w < crew_size(board->crew); w++)
        sum += cell_get_at(shard_group(crew_shard(board->crew, w), group->slot), offset);
    return sum;
}

static json_t *side_json(const struct board *board, const struct live *live, enum route_side side)
{
    const struct config_group *group = board_side(board, live, side);

    if (!group)
        return json_null();
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "group", group->name, "platform", group->platform,
        "targets", count_json(group->targets_len), "open", count_json(board_open_targets(board, group)),
        "inFlight", count_json(in_flight(board, live, side)), "waiting",
        count_json(group_sum(board, group, offsetof(struct shard_group, waiting))), "recent",
        view_json(board, live, side, RECENT_10S), "minute", view_json(board, live, side, RECENT_60S));
}

double status_share(const struct board *board, const struct live *live)
{
    uint64_t requests[ROUTE_SIDES] = {0}, all;

    for (size_t side = 0; side < ROUTE_SIDES; side++) {
        struct recent_view view = {0};

        if (live->recent[side])
            recent_view(live->recent[side], board->now_ns, RECENT_60S, &view);
        /* Read at different times, so it may be a request ahead. */
        requests[side] = view.requests > view.overridden ? view.requests - view.overridden : 0;
    }
    all = requests[ROUTE_STABLE] + requests[ROUTE_CANARY];
    return all ? (double)requests[ROUTE_CANARY] / (double)all : NAN;
}

json_t *status_weight(const struct board *board, const struct live *live)
{
    return json_pack("{s:s, s:o, s:b, s:b, s:b, s:s, s:o, s:o}", "route", live->conf->name, "canary",
                     weight_json(live->weight), "inForce", (int)board_in_force(board, live), "lock",
                     (int)live->locked, "noRollback", (int)live->locked_back, "source",
                     weight_source_names[live->source], "since", time_json(live->weight_ns), "share",
                     percent_json(status_share(board, live)));
}

static uint64_t mirror_sum(const struct board *board, const struct live *live, size_t offset, size_t len)
{
    struct shard_route *workers[CONFIG_WORKERS_MAX];
    struct harvest_cells cells = board_cells(board, live, workers);
    uint64_t sum = 0;

    for (size_t w = 0; w < cells.len; w++)
        for (size_t i = 0; i < len; i++)
            sum += cell_get_at(&cells.workers[w]->mirror, offset + i * sizeof(struct cell));
    return sum;
}

/* Null when no requests are copied. */
static json_t *mirror_json(const struct board *board, const struct live *live)
{
    const struct route *route = routes_find(crew_routes(board->crew), str_from(live->conf->name));

    if (!route || !route->mirror.group || route->mirror.share == 0)
        return json_null();
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o}", "group", route->mirror.group->conf->name, "share",
        weight_json(route->mirror.share), "inFlight",
        count_json(mirror_sum(board, live, offsetof(struct shard_mirror, open), 1)), "copies",
        count_json(mirror_sum(board, live, offsetof(struct shard_mirror, answers), SHARD_CLASSES)),
        "different",
        count_json(
            mirror_sum(board, live, offsetof(struct shard_mirror, agreed[MIRROR_AGREEMENT_DIFFERENT]), 1)),
        "skipped", count_json(mirror_sum(board, live, offsetof(struct shard_mirror, skipped), MIRROR_SKIPS)));
}

static json_t *route_json(const struct board *board, const struct live *live)
{
    json_t *json = json_object();

    json_object_set_new(json, "name", json_string(live->conf->name));
    json_object_set_new(
        json, "match",
        json_pack("{s:o, s:s}", "host", text_json(live->conf->host), "pathPrefix", live->conf->path_prefix));
    json_object_set_new(json, "weight", weight_json(live->weight));
    json_object_set_new(json, "inForce", json_boolean(board_in_force(board, live)));
    json_object_set_new(json, "since", time_json(live->weight_ns));
    json_object_set_new(json, "source", json_string(weight_source_names[live->source]));
    json_object_set_new(json, "share", percent_json(status_share(board, live)));
    json_object_set_new(json, "lock", json_boolean(live->locked));
    json_object_set_new(json, "noRollback", json_boolean(live->locked_back));
    json_object_set_new(json, "problem", text_json(live->problem));
    json_object_set_new(json, "slo", history_slo_json(live));
    json_object_set_new(json, "stable", side_json(board, live, ROUTE_STABLE));
    json_object_set_new(json, "canary", side_json(board, live, ROUTE_CANARY));
    json_object_set_new(json, "mirror", mirror_json(board, live));
    json_object_set_new(json, "rollout",
                        live->run ? run_to_json(live->run, live->conf->name, board->wall_ns) : json_null());
    return json;
}

/* ---- groups
 * -------------------------------------------------------------------------------------------------- */

static json_t *target_json(const struct board *board, const struct config_target *target)
{
    const struct health *health = &board->health[target->slot];
    uint64_t requests = 0, failures = 0, open = 0, busy = 0, out = 0;

    for (size_t w = 0; w < crew_size(board->crew); w++) {
        struct shard_target *cells = shard_target(crew_shard(board->crew, w), target->slot);

        if (!cells)
            continue;
        requests += cell_get(&cells->requests);
        failures += cell_get(&cells->failures);
        open += cell_get(&cells->open);
        busy += cell_get(&cells->busy);
        out += cell_get(&cells->out);
    }
    return json_pack("{s:s, s:b, s:b, s:s, s:s*, s:o, s:o, s:o, s:o, s:o}", "address", target->address.text,
                     "draining", (int)board->draining[target->slot], "badTarget",
                     (int)board->ejected[target->slot], "health", health_state_names[health->state],
                     "healthReason", health->why[0] ? health->why : NULL, "ejectedBy", count_json(out),
                     "requests", count_json(requests), "failures", count_json(failures), "connections",
                     count_json(open), "inFlight", count_json(busy));
}

json_t *status_targets(const struct board *board, const struct config_group *group)
{
    json_t *targets = json_array();

    for (size_t i = 0; i < group->targets_len; i++)
        json_array_append_new(targets, target_json(board, &group->targets[i]));
    return targets;
}

static json_t *cap_json(uint32_t cap)
{
    return cap ? count_json(cap) : json_null();
}

/* The caps, null where there is none, and what has become of those that found no place. */
static json_t *concurrency_json(const struct board *board, const struct config_group *group)
{
    const struct config_concurrency *conf = &group->concurrency;

    return json_pack("{s:o, s:o, s:o, s:f, s:o, s:o, s:o, s:o}", "target", cap_json(conf->target), "group",
                     cap_json(conf->group), "queue", count_json(conf->queue), "wait",
                     (double)(conf->wait_ns / NS_PER_MS) / 1000, "waiting",
                     count_json(group_sum(board, group, offsetof(struct shard_group, waiting))), "queued",
                     count_json(group_sum(board, group, offsetof(struct shard_group, queued))), "full",
                     count_json(group_sum(board, group, offsetof(struct shard_group, full))), "late",
                     count_json(group_sum(board, group, offsetof(struct shard_group, late))));
}

/* Of all routes (NULL), or whether this one has the group. */
static bool has_group(const struct board *board, const struct live *only, const struct config_group *group)
{
    return !only || board_side(board, only, ROUTE_STABLE) == group ||
           board_side(board, only, ROUTE_CANARY) == group;
}

static json_t *groups_json(const struct board *board, const struct live *only)
{
    json_t *groups = json_array();

    for (size_t i = 0; i < board->config->groups_len; i++) {
        const struct config_group *group = &board->config->groups[i];

        if (!has_group(board, only, group))
            continue;
        json_array_append_new(groups,
                              json_pack("{s:s, s:s, s:o, s:o}", "name", group->name, "platform",
                                        group->platform, "concurrency", concurrency_json(board, group),
                                        "targets", status_targets(board, group)));
    }
    return groups;
}

/* ---- the proxy itself
 * ---------------------------------------------------------------------------------------- */

static json_t *workers_json(const struct board *board)
{
    uint64_t accepted = 0, connections = 0, refused = 0, requests = 0, slowest_ns = 0;

    for (size_t w = 0; w < crew_size(board->crew); w++) {
        const struct shard *shard = crew_shard(board->crew, w);

        accepted += cell_get(&shard->accepted);
        connections += cell_get(&shard->connections);
        refused += cell_get(&shard->refused);
        requests += cell_get(&shard->requests);
        slowest_ns = cell_get(&shard->slowest_ns) > slowest_ns ? cell_get(&shard->slowest_ns) : slowest_ns;
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "count", count_json(crew_size(board->crew)),
                     "connections", count_json(connections), "accepted", count_json(accepted), "refused",
                     count_json(refused), "requests", count_json(requests), "memory",
                     count_json(budget_used(crew_memory(board->crew))), "memoryLimit",
                     count_json(board->config->limits.memory), "slowestTurn", ms_json((int64_t)slowest_ns));
}

static json_t *store_json(const struct board *board)
{
    const struct store_health *health;

    if (!board->store)
        return json_pack("{s:n, s:b, s:s}", "directory", "failing", 0, "problem",
                         "nothing is kept over a restart: state.directory is not set");
    health = store_health(board->store);
    return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}", "directory", text_json(board->config->state_directory),
                     "failing", (int)health->failing, "problem", text_json(health->why), "since",
                     time_json(health->since_ns), "errors", count_json(health->errors), "notice",
                     text_json(health->notice));
}

static json_t *sinks_json(const struct logsink *logsink)
{
    json_t *sinks = json_array();

    for (size_t i = 0; i < logsink_places(logsink); i++) {
        struct logsink_place place = logsink_place(logsink, i);

        json_array_append_new(sinks, json_pack("{s:s, s:o, s:o, s:o, s:o, s:b}", "name", place.name, "lines",
                                               count_json(place.lines), "lost",
                                               count_json(place.lost + place.crowded), "removed",
                                               count_json(place.removed_lines), "held",
                                               count_json(place.held_bytes), "alarm", (int)place.alarm));
    }
    return sinks;
}

static json_t *log_json(const struct board *board)
{
    struct logsink_stats stats;
    uint64_t dropped = 0;

    if (!board->logsink)
        return json_null();
    stats = logsink_stats(board->logsink);
    for (size_t w = 0; w < crew_size(board->crew); w++)
        dropped += cell_get(&crew_shard(board->crew, w)->log_dropped);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "lines", count_json(stats.lines), "bytes",
                     count_json(stats.bytes), "dropped", count_json(dropped), "lost", count_json(stats.lost),
                     "errors", count_json(stats.errors), "sinks", sinks_json(board->logsink));
}

static json_t *notices_json(const struct board *board)
{
    json_t *notices = json_array();

    for (size_t i = 0; board->notifier && i < notifier_len(board->notifier); i++) {
        struct notifier_stats stats = notifier_stats(board->notifier, i);

        json_array_append_new(notices, json_pack("{s:s, s:o, s:o, s:o, s:o, s:s}", "name", stats.name, "sent",
                                                 count_json(stats.sent), "retried", count_json(stats.retried),
                                                 "dropped", count_json(stats.dropped), "waiting",
                                                 count_json(stats.waiting), "problem", stats.problem));
    }
    return notices;
}

static json_t *sources_json(const struct board *board)
{
    json_t *sources = json_array();

    for (size_t i = 0; board->surveyor && i < surveyor_len(board->surveyor); i++) {
        struct surveyor_stats stats = surveyor_stats(board->surveyor, i);

        json_array_append_new(sources,
                              json_pack("{s:s, s:o, s:o, s:o, s:s}", "name", stats.name, "values",
                                        count_json(stats.values), "empty", count_json(stats.empty), "failed",
                                        count_json(stats.failed), "problem", stats.problem));
    }
    return sources;
}

static json_t *listeners_json(const struct board *board)
{
    json_t *listeners = json_array();

    for (size_t i = 0; i < board->config->listeners_len; i++)
        json_array_append_new(listeners, json_string(crew_listener_text(board->crew, i)));
    return listeners;
}

static json_t *routes_json(const struct board *board, const struct live *only)
{
    json_t *routes = json_array();

    for (size_t i = 0; i < board->lives_len; i++)
        if (!only || only == &board->lives[i])
            json_array_append_new(routes, route_json(board, &board->lives[i]));
    return routes;
}

json_t *status_json(struct board *board, const char *admin, const char *route)
{
    const struct live *only = route ? board_find(board, str_from(route)) : NULL;
    char why[256] = "";
    bool ready = board_ready(board, why, sizeof why);
    json_t *json = json_object();

    json_object_set_new(json, "version", json_string(PACKAGE_VERSION));
    json_object_set_new(json, "time", time_json(board->wall_ns));
    json_object_set_new(json, "started", time_json(board->started_wall_ns));
    json_object_set_new(json, "uptime", json_integer((board->now_ns - board->started_ns) / NS_PER_S));
    json_object_set_new(json, "ready", json_boolean(ready));
    json_object_set_new(json, "notReady", text_json(why));
    json_object_set_new(json, "config",
                        json_pack("{s:o, s:o}", "path", text_json(board->config->path), "loaded",
                                  time_json(board->loaded_wall_ns)));
    json_object_set_new(json, "listeners", listeners_json(board));
    json_object_set_new(json, "admin", text_json(admin));
    json_object_set_new(json, "workers", workers_json(board));
    json_object_set_new(json, "state", store_json(board));
    json_object_set_new(json, "accessLog", log_json(board));
    json_object_set_new(json, "notify", notices_json(board));
    json_object_set_new(json, "metricSources", sources_json(board));
    json_object_set_new(json, "routes", route && !only ? json_array() : routes_json(board, only));
    json_object_set_new(json, "groups", groups_json(board, only));
    json_object_set_new(json, "decisions", journal_list(&board->journal, NULL, route, 0, DECISIONS_SHOWN));
    return json;
}

/* ---- the overview
 * -------------------------------------------------------------------------------------------- */

static json_t *short_side_json(const struct board *board, const struct live *live, enum route_side side)
{
    const struct config_group *group = board_side(board, live, side);
    struct recent_view view = {0};
    double seconds;

    if (!group)
        return json_null();
    if (live->recent[side])
        recent_view(live->recent[side], board->now_ns, RECENT_10S, &view);
    seconds = (double)view.span_ns / (double)NS_PER_S;
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "group", group->name, "platform", group->platform, "targets",
        count_json(group->targets_len), "open", count_json(board_open_targets(board, group)), "rate",
        json_real(seconds > 0 ? round((double)view.requests / seconds * 100) / 100 : 0), "errors",
        percent_json(view.requests ? (double)view.errors / (double)view.requests : NAN), "p99",
        ms_json(view.p99_ns));
}

static json_t *short_rollout_json(const struct run *run)
{
    const struct rollout *rollout;

    if (!run)
        return json_null();
    rollout = run->rollout;
    return json_pack("{s:s, s:s, s:i, s:o, s:b, s:o}", "plan", run->plan->name, "state",
                     word_name(&rollout_state_words, rollout->state), "step", (int)rollout->step, "steps",
                     count_json(run->plan->steps_len), "governs", (int)run_governs(run), "hold",
                     run_governs(run) && rollout->hold != REASON_NONE
                         ? json_string(word_name(&reason_words, rollout->hold))
                         : json_null());
}

json_t *status_overview(const struct board *board)
{
    json_t *routes = json_array();
    json_t *json = json_object();

    for (size_t i = 0; i < board->lives_len; i++) {
        const struct live *live = &board->lives[i];

        json_array_append_new(
            routes,
            json_pack("{s:s, s:o, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "name", live->conf->name, "host",
                      text_json(live->conf->host), "pathPrefix", live->conf->path_prefix, "weight",
                      weight_json(live->weight), "share", percent_json(status_share(board, live)), "lock",
                      (int)live->locked, "problem", text_json(live->problem), "stable",
                      short_side_json(board, live, ROUTE_STABLE), "canary",
                      short_side_json(board, live, ROUTE_CANARY), "rollout", short_rollout_json(live->run)));
    }
    json_object_set_new(json, "time", time_json(board->wall_ns));
    json_object_set_new(json, "routes", routes);
    return json;
}
