#include "export/prometheus.h"

#include "base/clk.h"
#include "export/exposition.h"
#include "proxy/mirror.h"
#include "proxy/override.h"

#include <stdio.h>
#include <string.h>

/* The exposition being written, and what it is written from. */
struct page {
    struct exposition to;
    const struct prometheus_view *view;
};

/* ---- sums over the workers
 * ----------------------------------------------------------------------------------- */

/* The cell at `offset` of every worker's struct for the same route, target or group. */
static uint64_t route_sum(const struct page *page, uint32_t slot, size_t offset)
{
    uint64_t sum = 0;

    for (size_t w = 0; w < page->view->shards_len; w++)
        sum += cell_get_at(shard_route(page->view->shards[w], slot), offset);
    return sum;
}

static uint64_t side_sum(const struct page *page, uint32_t slot, size_t side, size_t offset)
{
    return route_sum(page, slot,
                     offsetof(struct shard_route, side) + side * sizeof(struct shard_side) + offset);
}

static uint64_t target_sum(const struct page *page, uint32_t slot, size_t offset)
{
    uint64_t sum = 0;

    for (size_t w = 0; w < page->view->shards_len; w++)
        sum += cell_get_at(shard_target(page->view->shards[w], slot), offset);
    return sum;
}

static uint64_t group_sum(const struct page *page, uint32_t slot, size_t offset)
{
    uint64_t sum = 0;

    for (size_t w = 0; w < page->view->shards_len; w++)
        sum += cell_get_at(shard_group(page->view->shards[w], slot), offset);
    return sum;
}

static uint64_t shard_sum(const struct page *page, size_t offset)
{
    uint64_t sum = 0;

    for (size_t w = 0; w < page->view->shards_len; w++)
        sum += cell_get_at(page->view->shards[w], offset);
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

    exposition_label(labels, "route", at->route->conf->name);
    exposition_label(labels, "group", group->name);
    exposition_label(labels, "platform", group->platform);
    exposition_label(labels, "side", at->side == ROUTE_CANARY ? "canary" : "stable");
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

static const char *const class_names[SHARD_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

/* What was answered is always there, so that the first error is an increase; other ends when they came up. */
static void side_requests(struct page *page, const struct side *at, const void *arg)
{
    (void)arg;
    for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
        for (size_t class = 0; class < SHARD_CLASSES; class ++) {
            uint64_t n =
                side_sum(page, at->slot, at->side, offsetof(struct shard_side, ended[outcome][class]));
            EXPOSITION_LABELS(labels);

            if (n == 0 && (outcome != OUTCOME_SERVED || class < 2))
                continue;
            side_labels(at, &labels);
            exposition_label(&labels, "outcome", outcome_row((enum outcome)outcome)->name);
            exposition_label(&labels, "code", class_names[class]);
            exposition_number(&page->to, "penstock_requests", "_total", &labels, n);
        }
    }
}

static void side_durations(struct page *page, const struct side *at, const void *arg)
{
    const char *name = "penstock_request_duration_seconds";
    uint64_t below = 0;
    EXPOSITION_LABELS(labels);

    (void)arg;
    side_labels(at, &labels);
    for (size_t i = 0; i <= SHARD_EDGES; i++) {
        char edge[32];
        EXPOSITION_LABELS(edged);

        below += side_sum(page, at->slot, at->side, offsetof(struct shard_side, buckets[i]));
        buf_str_add(&edged, buf_str(&labels));
        snprintf(edge, sizeof edge, "%g", i < SHARD_EDGES ? shard_edges_s[i] : 0);
        exposition_label(&edged, "le", i < SHARD_EDGES ? edge : "+Inf");
        exposition_number(&page->to, name, "_bucket", &edged, below);
    }
    exposition_real(&page->to, name, "_sum", &labels,
                    (double)side_sum(page, at->slot, at->side, offsetof(struct shard_side, duration_ns)) /
                        NS_PER_S);
    exposition_number(&page->to, name, "_count", &labels, below);
}

/* A family of one cell a side. */
struct side_cell {
    const char *name;
    const char *help;
    enum exposition_kind kind;
    size_t offset;
};

static const struct side_cell side_cells[] = {
    {"penstock_received_bytes", "Bytes of requests as clients sent them, heads included.", EXPOSITION_COUNTER,
     offsetof(struct shard_side, received)},
    {"penstock_sent_bytes", "Bytes of answers as sent to clients.", EXPOSITION_COUNTER,
     offsetof(struct shard_side, sent)},
    {"penstock_retries", "Further tries of requests whose first try failed.", EXPOSITION_COUNTER,
     offsetof(struct shard_side, retries)},
    {"penstock_overridden_requests",
     "Of penstock_requests, those that an override sent here, whatever the weight.", EXPOSITION_COUNTER,
     offsetof(struct shard_side, overridden)},
    {"penstock_requests_in_flight", "Requests that are being served.", EXPOSITION_GAUGE,
     offsetof(struct shard_side, open)},
    {"penstock_tunnels", "Open tunnels (WebSocket).", EXPOSITION_GAUGE, offsetof(struct shard_side, tunnels)},
};

static void side_tunnel_time(struct page *page, const struct side *at, const void *arg)
{
    EXPOSITION_LABELS(labels);

    (void)arg;
    side_labels(at, &labels);
    exposition_real(&page->to, "penstock_tunnel_seconds", "_total", &labels,
                    (double)side_sum(page, at->slot, at->side, offsetof(struct shard_side, tunnel_ns)) /
                        NS_PER_S);
}

static void side_one_cell(struct page *page, const struct side *at, const void *arg)
{
    const struct side_cell *cell = arg;
    EXPOSITION_LABELS(labels);

    side_labels(at, &labels);
    exposition_number(&page->to, cell->name, cell->kind == EXPOSITION_COUNTER ? "_total" : "", &labels,
                      side_sum(page, at->slot, at->side, cell->offset));
}

static void write_sides(struct page *page)
{
    exposition_family(&page->to, "penstock_requests", EXPOSITION_COUNTER,
                      "Requests that have ended, by how and by status class.");
    each_side(page, side_requests, NULL);
    exposition_family(&page->to, "penstock_request_duration_seconds", EXPOSITION_HISTOGRAM,
                      "From the first byte of a request to the last byte of its answer.");
    each_side(page, side_durations, NULL);
    for (size_t i = 0; i < ARRAY_LEN(side_cells); i++) {
        exposition_family(&page->to, side_cells[i].name, side_cells[i].kind, side_cells[i].help);
        each_side(page, side_one_cell, &side_cells[i]);
    }
    exposition_family(&page->to, "penstock_tunnel_seconds", EXPOSITION_COUNTER,
                      "Time that ended tunnels were open.");
    each_side(page, side_tunnel_time, NULL);
}

/* ---- overrides
 * --------------------------------------------------------------------------------------------- */

static void write_overrides(struct page *page)
{
    const struct routes *routes = page->view->routes;

    exposition_family(&page->to, "penstock_overrides", EXPOSITION_COUNTER,
                      "Requests that tried to choose their side, by what became of it.");
    for (size_t i = 0; i < routes->routes_len; i++)
        for (size_t result = OVERRIDE_NONE + 1; result < OVERRIDE_RESULTS; result++) {
            EXPOSITION_LABELS(labels);

            if (routes->routes[i].conf->overrides_len == 0)
                break;
            exposition_label(&labels, "route", routes->routes[i].conf->name);
            exposition_label(&labels, "result", override_row((enum override_result)result)->name);
            exposition_number(&page->to, "penstock_overrides", "_total", &labels,
                              route_sum(page, routes->routes[i].conf->slot,
                                        offsetof(struct shard_route, overrides[result])));
        }
}

/* ---- mirrors
 * ----------------------------------------------------------------------------------------------- */

/* One cell of a mirror, told apart from its like by a label. It is there while there are copies, and after.
 */
static void mirror_cell(struct page *page, const char *name, const char *suffix, const char *label,
                        const char *value, size_t offset)
{
    const struct routes *routes = page->view->routes;

    for (size_t i = 0; i < routes->routes_len; i++) {
        const struct route_mirror *mirror = &routes->routes[i].mirror;
        uint64_t n =
            route_sum(page, routes->routes[i].conf->slot, offsetof(struct shard_route, mirror) + offset);
        EXPOSITION_LABELS(labels);

        if (!mirror->group || (mirror->share == 0 && n == 0))
            continue;
        exposition_label(&labels, "route", routes->routes[i].conf->name);
        exposition_label(&labels, "group", mirror->group->conf->name);
        exposition_label(&labels, "platform", mirror->group->conf->platform);
        if (label)
            exposition_label(&labels, label, value);
        exposition_number(&page->to, name, suffix, &labels, n);
    }
}

static void write_mirrors(struct page *page)
{
    exposition_family(&page->to, "penstock_mirror_answers", EXPOSITION_COUNTER,
                      "Copies of requests that have ended, by the status class of the answer.");
    for (size_t class = 0; class < SHARD_CLASSES; class ++)
        mirror_cell(page, "penstock_mirror_answers", "_total", "code", class_names[class],
                    offsetof(struct shard_mirror, answers[class]));
    exposition_family(&page->to, "penstock_mirror_agreements", EXPOSITION_COUNTER,
                      "The same by how the status compares with that of the request's own target.");
    for (size_t i = 0; i < MIRROR_AGREEMENTS; i++)
        mirror_cell(page, "penstock_mirror_agreements", "_total", "agreement",
                    mirror_agreement_name((enum mirror_agreement)i),
                    offsetof(struct shard_mirror, agreed[i]));
    exposition_family(&page->to, "penstock_mirror_skipped", EXPOSITION_COUNTER,
                      "Requests that were drawn for a copy and not copied, by the reason.");
    for (size_t i = 0; i < MIRROR_SKIPS; i++)
        mirror_cell(page, "penstock_mirror_skipped", "_total", "reason",
                    mirror_skip_name((enum mirror_skip)i), offsetof(struct shard_mirror, skipped[i]));
    exposition_family(&page->to, "penstock_mirrors_in_flight", EXPOSITION_GAUGE, "Copies under way.");
    mirror_cell(page, "penstock_mirrors_in_flight", "", NULL, NULL, offsetof(struct shard_mirror, open));
}

/* ---- routes and rollouts
 * ------------------------------------------------------------------------------------- */

static void write_unrouted(struct page *page)
{
    exposition_family(&page->to, "penstock_unrouted_requests", EXPOSITION_COUNTER,
                      "Requests that ended before their route was known.");
    for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
        uint64_t n = shard_sum(page, offsetof(struct shard, unrouted[outcome]));
        EXPOSITION_LABELS(labels);

        if (n == 0)
            continue;
        exposition_label(&labels, "outcome", outcome_row((enum outcome)outcome)->name);
        exposition_number(&page->to, "penstock_unrouted_requests", "_total", &labels, n);
    }
}

/* One gauge a route. */
static void route_gauge(struct page *page, const char *name, const char *help,
                        double (*value)(const struct route *route, const struct prometheus_route *live))
{
    const struct routes *routes = page->view->routes;

    exposition_family(&page->to, name, EXPOSITION_GAUGE, help);
    for (size_t i = 0; i < routes->routes_len; i++) {
        EXPOSITION_LABELS(labels);

        exposition_label(&labels, "route", routes->routes[i].conf->name);
        exposition_real(&page->to, name, "", &labels, value(&routes->routes[i], &page->view->live[i]));
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
                "Percent of the last minute's requests that went to the canary, without overrides.",
                route_share);
    route_gauge(page, "penstock_route_locked", "1 when a person has locked the weight.", route_locked);
}

/* One line a rollout; `value` is NAN where it does not apply. */
static void rollout_gauge(struct page *page, const char *name, const char *help,
                          double (*value)(const struct prometheus_rollout *rollout))
{
    const struct routes *routes = page->view->routes;

    exposition_family(&page->to, name, EXPOSITION_GAUGE, help);
    for (size_t i = 0; i < routes->routes_len; i++) {
        const struct prometheus_rollout *rollout = page->view->live[i].rollout;
        EXPOSITION_LABELS(labels);

        if (!rollout)
            continue;
        exposition_label(&labels, "route", routes->routes[i].conf->name);
        exposition_label(&labels, "plan", rollout->plan);
        exposition_real(&page->to, name, "", &labels, value(rollout));
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

    exposition_family(&page->to, "penstock_rollout_state", EXPOSITION_GAUGE,
                      "1 for the state that the rollout is in.");
    for (size_t i = 0; i < routes->routes_len; i++) {
        const struct prometheus_rollout *rollout = page->view->live[i].rollout;

        for (size_t state = 0; rollout && state < rollout_state_words.len; state++) {
            EXPOSITION_LABELS(labels);

            exposition_label(&labels, "route", routes->routes[i].conf->name);
            exposition_label(&labels, "plan", rollout->plan);
            exposition_label(&labels, "state", word_name(&rollout_state_words, state));
            exposition_number(&page->to, "penstock_rollout_state", "", &labels, rollout->state == state);
        }
    }
}

static void write_evidence(struct page *page)
{
    const struct routes *routes = page->view->routes;

    exposition_family(&page->to, "penstock_rollout_metric_evidence", EXPOSITION_GAUGE,
                      "Evidence of one metric against the canary (an e-value).");
    for (size_t i = 0; i < routes->routes_len; i++) {
        const struct prometheus_rollout *rollout = page->view->live[i].rollout;

        for (size_t m = 0; rollout && m < rollout->metrics_len; m++) {
            EXPOSITION_LABELS(labels);

            exposition_label(&labels, "route", routes->routes[i].conf->name);
            exposition_label(&labels, "plan", rollout->plan);
            exposition_label(&labels, "metric", rollout->metric_names[m]);
            exposition_real(&page->to, "penstock_rollout_metric_evidence", "", &labels, rollout->metric_e[m]);
        }
    }
}

static void write_decisions(struct page *page)
{
    exposition_family(&page->to, "penstock_decisions", EXPOSITION_COUNTER, "Recorded decisions by action.");
    for (size_t action = ACTION_FORWARD; action <= ACTION_PROMOTE; action++) {
        EXPOSITION_LABELS(labels);

        exposition_label(&labels, "action", word_name(&action_words, action));
        exposition_number(&page->to, "penstock_decisions", "_total", &labels, page->view->decisions[action]);
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
    {"penstock_target_requests", "Tries, retries included.", EXPOSITION_COUNTER,
     offsetof(struct shard_target, requests)},
    {"penstock_target_failures",
     "Tries that the target failed: no whole answer, or a status of 500 and more.", EXPOSITION_COUNTER,
     offsetof(struct shard_target, failures)},
    {"penstock_target_connects", "Connections opened to the target.", EXPOSITION_COUNTER,
     offsetof(struct shard_target, connects)},
    {"penstock_target_ejections", "Times that a worker has left the target alone because it did not answer.",
     EXPOSITION_COUNTER, offsetof(struct shard_target, ejections)},
    {"penstock_target_ejected_workers", "Workers that leave the target alone now.", EXPOSITION_GAUGE,
     offsetof(struct shard_target, out)},
    {"penstock_target_connections", "Open connections to the target.", EXPOSITION_GAUGE,
     offsetof(struct shard_target, open)},
    {"penstock_target_requests_in_flight", "Requests that the target is serving.", EXPOSITION_GAUGE,
     offsetof(struct shard_target, busy)},
};

static void target_labels(const struct config_group *group, const struct config_target *target,
                          struct buf *labels)
{
    exposition_label(labels, "group", group->name);
    exposition_label(labels, "platform", group->platform);
    exposition_label(labels, "target", target->address.text);
}

static void write_target_cell(struct page *page, const struct side_cell *cell)
{
    const struct config *config = page->view->routes->config;

    exposition_family(&page->to, cell->name, cell->kind, cell->help);
    for (size_t i = 0; i < config->groups_len; i++) {
        for (size_t k = 0; k < config->groups[i].targets_len; k++) {
            const struct config_target *target = &config->groups[i].targets[k];
            EXPOSITION_LABELS(labels);

            target_labels(&config->groups[i], target, &labels);
            exposition_number(&page->to, cell->name, cell->kind == EXPOSITION_COUNTER ? "_total" : "",
                              &labels, target_sum(page, target->slot, cell->offset));
        }
    }
}

static void group_labels(const struct config_group *group, struct buf *labels)
{
    exposition_label(labels, "group", group->name);
    exposition_label(labels, "platform", group->platform);
}

/* One line for each group. */
static void each_group(struct page *page,
                       void (*write)(struct page *page, const struct config_group *group, struct buf *labels))
{
    const struct config *config = page->view->routes->config;

    for (size_t i = 0; i < config->groups_len; i++) {
        EXPOSITION_LABELS(labels);

        group_labels(&config->groups[i], &labels);
        write(page, &config->groups[i], &labels);
    }
}

static void group_inside(struct page *page, const struct config_group *group, struct buf *labels)
{
    uint64_t sum = 0;

    for (size_t k = 0; k < group->targets_len; k++)
        sum += target_sum(page, group->targets[k].slot, offsetof(struct shard_target, busy));
    exposition_number(&page->to, "penstock_group_requests_in_flight", "", labels, sum);
}

static void group_waiting(struct page *page, const struct config_group *group, struct buf *labels)
{
    exposition_number(&page->to, "penstock_group_requests_waiting", "", labels,
                      group_sum(page, group->slot, offsetof(struct shard_group, waiting)));
}

static void group_queued(struct page *page, const struct config_group *group, struct buf *labels)
{
    exposition_number(&page->to, "penstock_group_queued", "_total", labels,
                      group_sum(page, group->slot, offsetof(struct shard_group, queued)));
}

static void group_queue_time(struct page *page, const struct config_group *group, struct buf *labels)
{
    exposition_real(&page->to, "penstock_group_queue_seconds", "_total", labels,
                    (double)group_sum(page, group->slot, offsetof(struct shard_group, queue_ns)) / NS_PER_S);
}

static void group_rejected(struct page *page, const struct config_group *group, struct buf *labels)
{
    static const struct {
        const char *reason;
        size_t offset;
    } rows[] = {
        {"full", offsetof(struct shard_group, full)},
        {"late", offsetof(struct shard_group, late)},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        EXPOSITION_LABELS(labelled);

        buf_str_add(&labelled, buf_str(labels));
        exposition_label(&labelled, "reason", rows[i].reason);
        exposition_number(&page->to, "penstock_group_rejected", "_total", &labelled,
                          group_sum(page, group->slot, rows[i].offset));
    }
}

static void write_groups(struct page *page)
{
    exposition_family(&page->to, "penstock_group_requests_in_flight", EXPOSITION_GAUGE,
                      "Requests that the group is serving.");
    each_group(page, group_inside);
    exposition_family(&page->to, "penstock_group_requests_waiting", EXPOSITION_GAUGE,
                      "Requests that wait for a place in the group.");
    each_group(page, group_waiting);
    exposition_family(&page->to, "penstock_group_queued", EXPOSITION_COUNTER,
                      "Requests that had to wait for a place.");
    each_group(page, group_queued);
    exposition_family(&page->to, "penstock_group_queue_seconds", EXPOSITION_COUNTER,
                      "Time that they waited.");
    each_group(page, group_queue_time);
    exposition_family(
        &page->to, "penstock_group_rejected", EXPOSITION_COUNTER,
        "Requests answered with 503: too many waited already (full), or it waited too long (late).");
    each_group(page, group_rejected);
}

/* 1 for each target that is not among `closed`. */
static void write_open(struct page *page, const char *name, const char *help, const bool *closed)
{
    const struct config *config = page->view->routes->config;

    exposition_family(&page->to, name, EXPOSITION_GAUGE, help);
    for (size_t i = 0; i < config->groups_len; i++) {
        for (size_t k = 0; k < config->groups[i].targets_len; k++) {
            EXPOSITION_LABELS(labels);

            target_labels(&config->groups[i], &config->groups[i].targets[k], &labels);
            exposition_number(&page->to, name, "", &labels, !closed[config->groups[i].targets[k].slot]);
        }
    }
}

static void write_targets(struct page *page)
{
    for (size_t i = 0; i < ARRAY_LEN(target_cells); i++)
        write_target_cell(page, &target_cells[i]);
    write_open(page, "penstock_target_open", "1 when the target takes new requests, 0 while it drains.",
               page->view->draining);
    write_open(page, "penstock_target_healthy", "0 while the target fails its health checks, else 1.",
               page->view->unhealthy);
    write_groups(page);
}

/* ---- the proxy itself
 * ---------------------------------------------------------------------------------------- */

static const struct side_cell shard_cells[] = {
    {"penstock_connections", "Open client connections.", EXPOSITION_GAUGE,
     offsetof(struct shard, connections)},
    {"penstock_connections_accepted", "Client connections accepted.", EXPOSITION_COUNTER,
     offsetof(struct shard, accepted)},
    {"penstock_connections_refused", "Client connections closed at once, over a limit or out of descriptors.",
     EXPOSITION_COUNTER, offsetof(struct shard, refused)},
    {"penstock_connections_crowding", "Client connections closed at once, over the cap for each address.",
     EXPOSITION_COUNTER, offsetof(struct shard, crowding)},
    {"penstock_connections_shed", "Idle client connections closed to make room for new ones.",
     EXPOSITION_COUNTER, offsetof(struct shard, shed)},
    {"penstock_connections_starved",
     "Client connections answered 503 and closed before their request was read, since memory was used up.",
     EXPOSITION_COUNTER, offsetof(struct shard, starved)},
    {"penstock_connections_unannounced",
     "Client connections closed because their PROXY header was wrong or missing.", EXPOSITION_COUNTER,
     offsetof(struct shard, unannounced)},
    {"penstock_bulk_bytes", "Bytes of long bodies that passed within the kernel (splice).",
     EXPOSITION_COUNTER, offsetof(struct shard, bulk_bytes)},
    {"penstock_log_lines", "Access-log lines made.", EXPOSITION_COUNTER, offsetof(struct shard, log_lines)},
};

/* Those that succeed are always there. */
static void write_handshakes(struct page *page)
{
    exposition_family(&page->to, "penstock_tls_handshakes", EXPOSITION_COUNTER,
                      "TLS handshakes with clients that have ended, by how.");
    for (size_t end = 0; end < TLS_ENDS; end++) {
        uint64_t n = shard_sum(page, offsetof(struct shard, handshakes[end]));
        EXPOSITION_LABELS(labels);

        if (n == 0 && end != TLS_END_FULL && end != TLS_END_RESUMED)
            continue;
        exposition_label(&labels, "result", tls_end_name((enum tls_end)end));
        exposition_number(&page->to, "penstock_tls_handshakes", "_total", &labels, n);
    }
}

/* A path is as long as the system likes, and its end says most. */
static const char *end_of(const char *path)
{
    enum { SHOWN = 200 };
    size_t len = strlen(path);

    return len > SHOWN ? path + len - SHOWN : path;
}

/* Of each certificate that is in use, and whether newer files were refused. */
static void write_certificates(struct page *page)
{
    static const char expiry[] = "penstock_tls_certificate_expiry_timestamp_seconds";
    static const char refused[] = "penstock_tls_certificates_refused";
    const struct config *config = page->view->routes->config;

    exposition_family(&page->to, expiry, EXPOSITION_GAUGE, "When a certificate that is in use expires.");
    for (size_t i = 0; i < config->listeners_len; i++) {
        const struct config_listener *listener = &config->listeners[i];

        for (size_t k = 0; listener->tls.server && k < listener->tls.certificates_len; k++) {
            EXPOSITION_LABELS(labels);

            exposition_label(&labels, "listener", listener->address.text);
            exposition_label(&labels, "certificate", end_of(listener->tls.certificates[k].cert_file));
            exposition_number(&page->to, expiry, "", &labels,
                              (uint64_t)tls_server_expiry_s(listener->tls.server, k));
        }
    }
    exposition_family(&page->to, refused, EXPOSITION_GAUGE,
                      "1 while the files hold certificates that were refused, and older ones are in use.");
    for (size_t i = 0; i < config->listeners_len; i++) {
        const struct config_listener *listener = &config->listeners[i];
        EXPOSITION_LABELS(labels);

        if (!listener->tls.server)
            continue;
        exposition_label(&labels, "listener", listener->address.text);
        exposition_number(&page->to, refused, "", &labels, tls_server_refused(listener->tls.server));
    }
}

/* One line a worker, in seconds. */
static void worker_seconds(struct page *page, const char *name, enum exposition_kind kind, const char *help,
                           size_t offset)
{
    exposition_family(&page->to, name, kind, help);
    for (size_t w = 0; w < page->view->shards_len; w++) {
        char worker[24];
        EXPOSITION_LABELS(labels);

        snprintf(worker, sizeof worker, "%zu", w);
        exposition_label(&labels, "worker", worker);
        exposition_real(&page->to, name, kind == EXPOSITION_COUNTER ? "_total" : "", &labels,
                        (double)cell_get_at(page->view->shards[w], offset) / NS_PER_S);
    }
}

/* Each sink with a counter of logcounter.def. */
static void write_log_counter(struct page *page, const char *name, enum exposition_kind kind,
                              const char *help, size_t offset)
{
    exposition_family(&page->to, name, kind, help);
    for (size_t i = 0; i < page->view->logs_len; i++) {
        const struct logsink_place *place = &page->view->logs[i];
        uint64_t value;
        EXPOSITION_LABELS(labels);

        memcpy(&value, (const char *)place + offset, sizeof value);
        exposition_label(&labels, "sink", place->name);
        exposition_number(&page->to, name, kind == EXPOSITION_COUNTER ? "_total" : "", &labels, value);
    }
}

static void write_log_sinks(struct page *page)
{
    static const struct {
        const char *name;
        enum exposition_kind kind;
        const char *help;
        size_t offset;
    } rows[] = {
#define LOG_COUNTER(id, name, kind, text) {name, EXPOSITION_##kind, text, offsetof(struct logsink_place, id)},
#include "export/logcounter.def"
#undef LOG_COUNTER
        {"penstock_log_queued_bytes", EXPOSITION_GAUGE, "Bytes of lines that wait for a sink.",
         offsetof(struct logsink_place, queued_bytes)},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        write_log_counter(page, rows[i].name, rows[i].kind, rows[i].help, rows[i].offset);
}

/* Lines that are in no file: the exporter was behind, or a sink could not take them. */
static void write_log_losses(struct page *page)
{
    const char *name = "penstock_log_dropped";
    uint64_t lost = 0;
    EXPOSITION_LABELS(worker);
    EXPOSITION_LABELS(sink);

    exposition_label(&worker, "where", "worker");
    exposition_label(&sink, "where", "sink");
    exposition_family(
        &page->to, name, EXPOSITION_COUNTER,
        "Access-log lines lost: at a worker when the exporter is behind, or at a sink that fails.");
    exposition_number(&page->to, name, "_total", &worker,
                      shard_sum(page, offsetof(struct shard, log_dropped)));
    for (size_t i = 0; i < page->view->logs_len; i++)
        lost += page->view->logs[i].lost + page->view->logs[i].crowded;
    if (page->view->logs_len)
        exposition_number(&page->to, name, "_total", &sink, lost);
}

static void write_late(struct page *page)
{
    const struct routes *routes = page->view->routes;

    exposition_family(&page->to, "penstock_unjudged_requests", EXPOSITION_COUNTER,
                      "Requests that ended too late to be judged at their weight.");
    for (size_t i = 0; i < routes->routes_len; i++) {
        uint64_t n = 0;
        EXPOSITION_LABELS(labels);

        for (size_t w = 0; w < page->view->shards_len; w++) {
            struct shard_route *route = shard_route(page->view->shards[w], routes->routes[i].conf->slot);

            n += route ? cell_get(&route->late) : 0;
        }
        exposition_label(&labels, "route", routes->routes[i].conf->name);
        exposition_number(&page->to, "penstock_unjudged_requests", "_total", &labels, n);
    }
}

static void write_self(struct page *page)
{
    const struct prometheus_view *view = page->view;
    EXPOSITION_LABELS(build);

    exposition_label(&build, "version", view->version);
    exposition_family(&page->to, "penstock_build_info", EXPOSITION_GAUGE,
                      "Always 1; the version is the label.");
    exposition_number(&page->to, "penstock_build_info", "", &build, 1);
    exposition_family(&page->to, "penstock_start_time_seconds", EXPOSITION_GAUGE,
                      "When this process started, since 1970.");
    exposition_real(&page->to, "penstock_start_time_seconds", "", NULL,
                    (double)(view->started_wall_ns / NS_PER_MS) / 1000);
    exposition_family(&page->to, "penstock_ready", EXPOSITION_GAUGE, "1 when /readyz answers 200.");
    exposition_number(&page->to, "penstock_ready", "", NULL, view->ready);
    for (size_t i = 0; i < ARRAY_LEN(shard_cells); i++) {
        const struct side_cell *cell = &shard_cells[i];

        exposition_family(&page->to, cell->name, cell->kind, cell->help);
        exposition_number(&page->to, cell->name, cell->kind == EXPOSITION_COUNTER ? "_total" : "", NULL,
                          shard_sum(page, cell->offset));
    }
    exposition_family(&page->to, "penstock_memory_bytes", EXPOSITION_GAUGE,
                      "Memory that connections, requests and their buffers take.");
    exposition_number(&page->to, "penstock_memory_bytes", "", NULL, view->memory);
    exposition_family(&page->to, "penstock_memory_limit_bytes", EXPOSITION_GAUGE,
                      "What they may take (limits.memory).");
    exposition_number(&page->to, "penstock_memory_limit_bytes", "", NULL, view->memory_limit);
    worker_seconds(page, "penstock_worker_busy_seconds", EXPOSITION_COUNTER,
                   "Time that the worker spent on work.", offsetof(struct shard, busy_ns));
    worker_seconds(page, "penstock_worker_slowest_turn_seconds", EXPOSITION_GAUGE,
                   "The longest turn of the worker's event loop.", offsetof(struct shard, slowest_ns));
    write_late(page);
    write_handshakes(page);
    write_certificates(page);
    write_log_losses(page);
    if (view->logs_len)
        write_log_sinks(page);
    if (view->store) {
        exposition_family(&page->to, "penstock_store_failing", EXPOSITION_GAUGE,
                          "1 when nothing can be saved: no rollout moves forward.");
        exposition_number(&page->to, "penstock_store_failing", "", NULL, view->store_failing);
        exposition_family(&page->to, "penstock_store_errors", EXPOSITION_COUNTER,
                          "Failed writes and reads of the store.");
        exposition_number(&page->to, "penstock_store_errors", "_total", NULL, view->store_errors);
    }
}

void prometheus_write(struct text *out, const struct prometheus_view *view, bool open_metrics)
{
    struct page page = {{out, open_metrics}, view};

    write_sides(&page);
    write_overrides(&page);
    write_mirrors(&page);
    write_routes(&page);
    write_rollouts(&page);
    write_targets(&page);
    write_self(&page);
    exposition_end(&page.to);
}
