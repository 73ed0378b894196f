/* The rows of the table: traffic, routes, rollouts, groups and targets. Those of the proxy itself stand in
 * meter_self.c. */
#include "export/meter_rows.h"

#include "base/clk.h"
#include "net/tls_context.h"
#include "proxy/mirror.h"
#include "proxy/override.h"

#define SIDE(member)   offsetof(struct shard_side, member)
#define ROUTE(member)  offsetof(struct shard_route, member)
#define GROUP(member)  offsetof(struct shard_group, member)
#define TARGET(member) offsetof(struct shard_target, member)
#define SECONDS        (1.0 / NS_PER_S)

/* ---- labels of variants
 * ---------------------------------------------------------------------------------- */

static const char *const class_names[SHARD_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

static void label_end(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "outcome", outcome_row((enum outcome)(variant / SHARD_CLASSES))->name);
    meter_label(labels, "code", class_names[variant % SHARD_CLASSES]);
}

/* What was answered is always there, so that the first error is an increase; other ends when they came up. */
static bool end_is_usual(size_t variant)
{
    return variant / SHARD_CLASSES == OUTCOME_SERVED && variant % SHARD_CLASSES >= 2;
}

static void label_class(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "code", class_names[variant]);
}

static void label_agreement(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "agreement", mirror_agreement_name((enum mirror_agreement)variant));
}

static void label_skip(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "reason", mirror_skip_name((enum mirror_skip)variant));
}

static void label_override(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "result", override_row((enum override_result)(variant + 1))->name);
}

#define ONE_STATE(constant, name, text) +1
enum { STATES = 0 ROLLOUT_STATES(ONE_STATE) };
#undef ONE_STATE

static void label_state(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "state", word_name(&rollout_state_words, variant));
}

static void label_metric(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    meter_label(labels, "metric", place->live->rollout->metric_names[variant]);
}

static void label_action(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "action", word_name(&action_words, ACTION_FORWARD + variant));
}

/* The cells of a group's refusals, by their reason. */
static const struct {
    const char *reason;
    size_t cell;
} refusals[] = {{"full", GROUP(full)}, {"late", GROUP(late)}};

static void label_refusal(size_t variant, const struct meter_place *place, struct meter_labels *labels)
{
    (void)place;
    meter_label(labels, "reason", refusals[variant].reason);
}

/* ---- values that stand in no cell
 * ------------------------------------------------------------------------ */

static bool weight(const struct meter_place *place, double *value_r)
{
    *value_r = (double)place->route->weight / CONFIG_WEIGHT_ONE;
    return true;
}

static bool in_force(const struct meter_place *place, double *value_r)
{
    *value_r = place->live->in_force;
    return true;
}

static bool share(const struct meter_place *place, double *value_r)
{
    *value_r = place->live->share;
    return true;
}

static bool locked(const struct meter_place *place, double *value_r)
{
    *value_r = place->live->locked;
    return true;
}

static bool rollout_state(const struct meter_place *place, double *value_r)
{
    *value_r = place->live->rollout->state == place->variant;
    return true;
}

static bool rollout_step(const struct meter_place *place, double *value_r)
{
    *value_r = place->live->rollout->step;
    return true;
}

static bool rollout_steps(const struct meter_place *place, double *value_r)
{
    *value_r = (double)place->live->rollout->steps;
    return true;
}

static bool evidence(const struct meter_place *place, double *value_r)
{
    *value_r = place->live->rollout->e;
    return true;
}

static bool threshold(const struct meter_place *place, double *value_r)
{
    *value_r = place->live->rollout->threshold;
    return true;
}

static bool metric_evidence(const struct meter_place *place, double *value_r)
{
    if (place->variant >= place->live->rollout->metrics_len)
        return false;
    *value_r = place->live->rollout->metric_e[place->variant];
    return true;
}

static bool decisions(const struct meter_place *place, double *value_r)
{
    *value_r = (double)place->view->decisions[ACTION_FORWARD + place->variant];
    return true;
}

static bool group_busy(const struct meter_place *place, double *value_r)
{
    struct meter_place target = *place;

    *value_r = 0;
    for (size_t k = 0; k < place->group->targets_len; k++) {
        target.target = &place->group->targets[k];
        *value_r += (double)meter_sum(&target, METER_TARGET, TARGET(busy));
    }
    return true;
}

static bool group_refused(const struct meter_place *place, double *value_r)
{
    *value_r = (double)meter_sum(place, METER_GROUP, refusals[place->variant].cell);
    return true;
}

static bool group_tls_refused(const struct meter_place *place, double *value_r)
{
    if (!place->group->tls.context)
        return false;
    *value_r = tls_context_refused(place->group->tls.context);
    return true;
}

static bool target_open(const struct meter_place *place, double *value_r)
{
    *value_r = !place->view->draining[place->target->slot];
    return true;
}

static bool target_healthy(const struct meter_place *place, double *value_r)
{
    *value_r = !place->view->unhealthy[place->target->slot];
    return true;
}

/* ---- the rows
 * -------------------------------------------------------------------------------------------- */

const struct meter meter_traffic_rows[] = {
    {"penstock_requests", "Requests that have ended, by how and by status class.", METER_COUNTER, METER_SIDE,
     .cell = SIDE(ended), .variants = (size_t)OUTCOMES * SHARD_CLASSES, .label = label_end,
     .always = end_is_usual},
    {"penstock_request_duration_seconds", "From the first byte of a request to the last byte of its answer.",
     METER_HISTOGRAM, METER_SIDE, .cell = SIDE(buckets)},
    {"penstock_received_bytes", "Bytes of requests as clients sent them, heads included.", METER_COUNTER,
     METER_SIDE, .cell = SIDE(received)},
    {"penstock_sent_bytes", "Bytes of answers as sent to clients.", METER_COUNTER, METER_SIDE,
     .cell = SIDE(sent)},
    {"penstock_retries", "Further tries of requests whose first try failed.", METER_COUNTER, METER_SIDE,
     .cell = SIDE(retries)},
    {"penstock_overridden_requests",
     "Of penstock_requests, those that an override sent here, whatever the weight.", METER_COUNTER,
     METER_SIDE, .cell = SIDE(overridden)},
    {"penstock_synthetic_requests",
     "Of penstock_requests, those of monitors and load tests, which no judge sees.", METER_COUNTER,
     METER_SIDE, .cell = SIDE(synthetic)},
    {"penstock_requests_in_flight", "Requests that are being served.", METER_GAUGE, METER_SIDE,
     .cell = SIDE(open)},
    {"penstock_tunnels", "Open tunnels (WebSocket).", METER_GAUGE, METER_SIDE, .cell = SIDE(tunnels)},
    {"penstock_tunnel_seconds", "Time that ended tunnels were open.", METER_COUNTER, METER_SIDE,
     .cell = SIDE(tunnel_ns), .unit = SECONDS},
    {"penstock_overrides", "Requests that tried to choose their side, by what became of it.", METER_COUNTER,
     METER_OVERRIDES, .cell = ROUTE(overrides[OVERRIDE_NONE + 1]),
     .variants = OVERRIDE_RESULTS - OVERRIDE_NONE - 1, .label = label_override},
    {"penstock_mirror_answers", "Copies of requests that have ended, by the status class of the answer.",
     METER_COUNTER, METER_MIRROR, .cell = ROUTE(mirror.answers), .variants = SHARD_CLASSES,
     .label = label_class},
    {"penstock_mirror_agreements",
     "The same by how the status compares with that of the request's own target.", METER_COUNTER,
     METER_MIRROR, .cell = ROUTE(mirror.agreed), .variants = MIRROR_AGREEMENTS, .label = label_agreement},
    {"penstock_mirror_skipped", "Requests that were drawn for a copy and not copied, by the reason.",
     METER_COUNTER, METER_MIRROR, .cell = ROUTE(mirror.skipped), .variants = MIRROR_SKIPS,
     .label = label_skip},
    {"penstock_mirrors_in_flight", "Copies under way.", METER_GAUGE, METER_MIRROR,
     .cell = ROUTE(mirror.open)},
    {"penstock_unjudged_requests", "Requests that ended too late to be judged at their weight.",
     METER_COUNTER, METER_ROUTE, .cell = ROUTE(late)},

    {"penstock_route_weight_ratio", "The part of the requests that is to go to the canary.", METER_GAUGE,
     METER_ROUTE, .read = weight},
    {"penstock_route_in_force", "1 when every worker draws with this weight.", METER_GAUGE, METER_ROUTE,
     .read = in_force},
    {"penstock_route_share_ratio",
     "The part of the last minute's requests that went to the canary, without overrides.", METER_GAUGE,
     METER_ROUTE, .read = share},
    {"penstock_route_locked", "1 when a person has locked the weight.", METER_GAUGE, METER_ROUTE,
     .read = locked},

    {"penstock_rollout_state", "1 for the state that the rollout is in.", METER_GAUGE, METER_ROLLOUT,
     .read = rollout_state, .variants = STATES, .label = label_state},
    {"penstock_rollout_step", "The present step, from 1; 0 before the first.", METER_GAUGE, METER_ROLLOUT,
     .read = rollout_step},
    {"penstock_rollout_steps", "Steps of the plan.", METER_GAUGE, METER_ROLLOUT, .read = rollout_steps},
    {"penstock_rollout_evidence", "Evidence that the canary is worse (an e-value).", METER_GAUGE,
     METER_ROLLOUT, .read = evidence},
    {"penstock_rollout_evidence_threshold", "Evidence that means back.", METER_GAUGE, METER_ROLLOUT,
     .read = threshold},
    {"penstock_rollout_metric_evidence",
     "Evidence of one metric against the canary (an e-value); a guard of shape holds at 200.", METER_GAUGE,
     METER_ROLLOUT, .read = metric_evidence, .variants = PLAN_METRICS_MAX, .label = label_metric},
    {"penstock_decisions", "Recorded decisions by action.", METER_COUNTER, METER_PROCESS, .read = decisions,
     .variants = ACTION_PROMOTE - ACTION_FORWARD + 1, .label = label_action},

    {"penstock_target_requests", "Tries, retries included.", METER_COUNTER, METER_TARGET,
     .cell = TARGET(requests)},
    {"penstock_target_failures",
     "Tries that the target failed: no whole answer, or a status of 500 and more.", METER_COUNTER,
     METER_TARGET, .cell = TARGET(failures)},
    {"penstock_target_connects", "Connections opened to the target.", METER_COUNTER, METER_TARGET,
     .cell = TARGET(connects)},
    {"penstock_target_ejections", "Times that a worker has left the target alone because it did not answer.",
     METER_COUNTER, METER_TARGET, .cell = TARGET(ejections)},
    {"penstock_target_ejected_workers", "Workers that leave the target alone now.", METER_GAUGE, METER_TARGET,
     .cell = TARGET(out)},
    {"penstock_target_connections", "Open connections to the target.", METER_GAUGE, METER_TARGET,
     .cell = TARGET(open)},
    {"penstock_target_requests_in_flight", "Requests that the target is serving.", METER_GAUGE, METER_TARGET,
     .cell = TARGET(busy)},
    {"penstock_target_open", "1 when the target takes new requests, 0 while it drains.", METER_GAUGE,
     METER_TARGET, .read = target_open},
    {"penstock_target_healthy", "0 while the target fails its health checks, else 1.", METER_GAUGE,
     METER_TARGET, .read = target_healthy},

    {"penstock_group_requests_in_flight", "Requests that the group is serving.", METER_GAUGE, METER_GROUP,
     .read = group_busy},
    {"penstock_group_requests_waiting", "Requests that wait for a place in the group.", METER_GAUGE,
     METER_GROUP, .cell = GROUP(waiting)},
    {"penstock_group_queued", "Requests that had to wait for a place.", METER_COUNTER, METER_GROUP,
     .cell = GROUP(queued)},
    {"penstock_group_queue_seconds", "Time that they waited.", METER_COUNTER, METER_GROUP,
     .cell = GROUP(queue_ns), .unit = SECONDS},
    {"penstock_group_rejected",
     "Requests answered with 503: too many waited already (full), or it waited too long (late).",
     METER_COUNTER, METER_GROUP, .read = group_refused, .variants = ARRAY_LEN(refusals),
     .label = label_refusal},
    {"penstock_group_tls_refused",
     "1 while the files for TLS with targets were refused, and what was in them before is in use.",
     METER_GAUGE, METER_GROUP, .read = group_tls_refused},
};
const size_t meter_traffic_rows_len = ARRAY_LEN(meter_traffic_rows);
