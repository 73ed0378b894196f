#include "cli/state.h"

#include <math.h>
#include <string.h>

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static uint64_t count(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));

    return value > 0 ? (uint64_t)value : 0;
}

static bool truth(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* ---- a side ---- */

static void side_read(struct state_side *side, const json_t *json)
{
    const json_t *recent = json_object_get(json, "recent");

    *side = (struct state_side){.exists = json_is_object(json),
                                .group = text(json, "group"),
                                .platform = text(json, "platform"),
                                .targets = (uint32_t)count(json, "targets"),
                                .open = (uint32_t)count(json, "open"),
                                .waiting = count(json, "waiting"),
                                .span_s = number(recent, "seconds"),
                                .requests = count(recent, "requests"),
                                .errors = count(recent, "errors"),
                                .overridden = count(recent, "overridden"),
                                .p50_ms = number(recent, "p50"),
                                .p99_ms = number(recent, "p99")};
}

double state_side_rate(const struct state_side *side)
{
    return side->span_s > 0 ? (double)side->requests / side->span_s : 0;
}

double state_side_errors(const struct state_side *side)
{
    return side->requests ? (double)side->errors / (double)side->requests * 100 : 0;
}

/* They are counted at different times, so there may be one more of those that were overridden. */
static uint64_t by_weight(const struct state_side *side)
{
    return side->requests > side->overridden ? side->requests - side->overridden : 0;
}

double state_canary_share(const struct state_route *route)
{
    uint64_t canary = by_weight(&route->canary), all = canary + by_weight(&route->stable);

    return all ? (double)canary / (double)all * 100 : -1;
}

/* ---- a rollout ---- */

static struct state_count count_read(const json_t *json)
{
    return (struct state_count){count(json, "requests"), count(json, "bad")};
}

static double number_or_nan(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void external_read(struct state_metric *metric, const json_t *json)
{
    metric->external = text(json, "state");
    metric->problem = text(json, "problem");
    metric->value = number_or_nan(json, "value");
    metric->min = number_or_nan(json, "min");
    metric->max = number_or_nan(json, "max");
    metric->age_s = (int64_t)count(json, "age");
    metric->failures = count(json, "failures");
    metric->failure_limit = number_or_nan(json, "failureLimit");
}

static void metric_read(struct state_metric *metric, const json_t *json, double threshold)
{
    const json_t *counts = json_object_get(json, "counts");

    metric->name = text(json, "name");
    metric->judged = json_is_object(counts) && !truth(json, "dryRun");
    metric->guard = metric->judged && !json_object_get(json, "share");
    metric->e = number(json, "e") * (metric->guard ? 1 : number(json, "share"));
    metric->threshold = metric->guard ? number(json, "threshold") : threshold;
    metric->canary = count_read(json_object_get(counts, "canary"));
    metric->stable = count_read(json_object_get(counts, "stable"));
    if (strcmp(text(json, "type"), "external") == 0 && json_object_get(json, "state"))
        external_read(metric, json);
}

static void step_read(struct state_step *step, const json_t *json)
{
    const json_t *weight = json_object_get(json, "setWeight"), *mirror = json_object_get(json, "setMirror");

    step->weight = json_is_number(weight) ? json_number_value(weight) : -1;
    step->mirror = json_is_number(mirror) ? json_number_value(mirror) : -1;
    step->by = text(json, "setHeaderRoute");
    step->pause = strcmp(text(json, "pause"), "approval") == 0;
    step->bake_s = (int64_t)count(json, "bake");
}

static void decision_read(struct state_rollout *rollout, const json_t *decision)
{
    const json_t *eta = json_object_get(decision, "eta");

    rollout->action = text(decision, "action");
    rollout->reason = text(decision, "reason");
    rollout->text = text(decision, "text");
    rollout->eta_s = json_is_number(eta) ? json_number_value(eta) : json_is_string(eta) ? INFINITY : -1;
}

void state_rollout_read(struct state_rollout *rollout, const json_t *json)
{
    const json_t *item;
    size_t i;

    *rollout = (struct state_rollout){.exists = json_is_object(json),
                                      .plan = text(json, "plan"),
                                      .state = text(json, "state"),
                                      .step = (int)json_integer_value(json_object_get(json, "step")),
                                      .age_s = (int64_t)count(json, "age"),
                                      .dwell_s = (int64_t)count(json, "dwell"),
                                      .e = number(json, "e"),
                                      .threshold = number(json, "threshold")};
    decision_read(rollout, json_object_get(json, "decision"));
    json_array_foreach(json_object_get(json, "track"), i, item)
    {
        if (rollout->steps_len < STATE_STEPS_MAX)
            step_read(&rollout->steps[rollout->steps_len++], item);
    }
    json_array_foreach(json_object_get(json, "metrics"), i, item)
    {
        if (rollout->metrics_len < STATE_METRICS_MAX)
            metric_read(&rollout->metrics[rollout->metrics_len++], item, rollout->threshold);
    }
}

/* ---- a route ---- */

static void mirror_read(struct state_mirror *mirror, const json_t *json)
{
    *mirror = (struct state_mirror){.exists = json_is_object(json),
                                    .group = text(json, "group"),
                                    .share = number(json, "share"),
                                    .copies = count(json, "copies"),
                                    .different = count(json, "different"),
                                    .skipped = count(json, "skipped")};
}

void state_route_read(struct state_route *route, const json_t *json)
{
    route->name = text(json, "name");
    route->weight = number(json, "weight");
    route->in_force = truth(json, "inForce");
    route->locked = truth(json, "lock");
    route->problem = text(json, "problem");
    side_read(&route->stable, json_object_get(json, "stable"));
    side_read(&route->canary, json_object_get(json, "canary"));
    mirror_read(&route->mirror, json_object_get(json, "mirror"));
    state_rollout_read(&route->rollout, json_object_get(json, "rollout"));
}

const json_t *state_find_route(const json_t *status, const char *name)
{
    const json_t *route;
    size_t i;

    json_array_foreach(json_object_get(status, "routes"), i, route)
    {
        if (!name || strcmp(text(route, "name"), name) == 0)
            return route;
    }
    return NULL;
}
