#include "decide/record.h"

#include "base/clk.h"

#include <math.h>

json_t *record_text(const char *text)
{
    char plain[DECISION_TEXT_MAX];
    json_t *json = json_string(text);
    size_t len = 0;

    if (json)
        return json;
    for (; text[len] && len < sizeof(plain) - 1; len++)
        plain[len] = (text[len] & 0x80) ? '?' : text[len];
    return json_stringn(plain, len);
}

/* ---- decisions ---- */

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *percent(uint32_t weight)
{
    return weight % 100 ? json_real(weight / 100.0) : json_integer(weight / 100);
}

static json_t *seconds(int64_t ns)
{
    return json_integer(ns / NS_PER_S);
}

static json_t *time_to_json(int64_t wall_ns)
{
    char text[CLK_TEXT_LEN];

    clk_text(wall_ns, text);
    return json_stringn(text, sizeof(text));
}

static json_t *side_to_json(const struct decision_side *side)
{
    return json_pack("{s:I, s:I, s:I}", "requests", (json_int_t)side->requests, "bad", (json_int_t)side->bad,
                     "units", (json_int_t)side->units);
}

/* A bound, or null. */
static void add_bounds(json_t *object, double min, double max, int32_t failure_limit)
{
    json_object_set_new(object, "min", real_or_null(min));
    json_object_set_new(object, "max", real_or_null(max));
    json_object_set_new(object, "failureLimit",
                        failure_limit < 0 ? json_null() : json_integer(failure_limit));
}

static json_t *external_to_json(const struct decision_external *external)
{
    json_t *object = json_pack("{s:o, s:I}", "value", real_or_null(external->value), "failures",
                               (json_int_t)external->failed);

    add_bounds(object, external->min, external->max, external->failure_limit);
    return object;
}

static void add_numbers(json_t *object, const struct decision *decision)
{
    bool metric = decision->metric >= 0 && !decision->external.given;

    json_object_set_new(object, "metric",
                        decision->metric >= 0 ? record_text(decision->metric_name) : json_null());
    json_object_set_new(
        object, "weight",
        json_pack("{s:o, s:o}", "from", percent(decision->weight_from), "to", percent(decision->weight_to)));
    if (metric) {
        json_object_set_new(object, "counts",
                            json_pack("{s:o, s:o}", "canary", side_to_json(&decision->canary), "stable",
                                      side_to_json(&decision->stable)));
        json_object_set_new(object, "ratio", real_or_null(decision->ratio.value));
        json_object_set_new(
            object, "ratioInterval",
            json_pack("[o, o]", real_or_null(decision->ratio.lo), real_or_null(decision->ratio.hi)));
    }
    if (decision->external.given)
        json_object_set_new(object, "external", external_to_json(&decision->external));
    json_object_set_new(object, "e", real_or_null(decision->e));
    json_object_set_new(object, "threshold", real_or_null(decision->threshold));
    json_object_set_new(object, "proven", percent(decision->proven));
}

static void add_waiting(json_t *object, const struct decision *decision)
{
    bool hold = decision->action == ACTION_HOLD;

    json_object_set_new(object, "hold",
                        hold ? json_string(word_name(&reason_words, decision->reason)) : json_null());
    if (decision->eta_ns == ROLLOUT_NEVER)
        json_object_set_new(object, "eta", json_string("never"));
    else if (decision->eta_ns >= 0)
        json_object_set_new(object, "eta", json_integer((decision->eta_ns + NS_PER_S - 1) / NS_PER_S));
    if (decision->need && decision->need != UINT64_MAX)
        json_object_set_new(object, "need", json_integer((json_int_t)decision->need));
    if (decision->next_wall_ns)
        json_object_set_new(object, "opens", time_to_json(decision->next_wall_ns));
    if (decision->target[0])
        json_object_set_new(object, "target", record_text(decision->target));
    if (decision->actor[0])
        json_object_set_new(object, "actor", record_text(decision->actor));
}

json_t *decision_to_json(const struct decision *decision, const char *route, const char *id)
{
    json_t *object = json_object();

    json_object_set_new(object, "time", time_to_json(decision->wall_ns));
    if (route)
        json_object_set_new(object, "route", json_string(route));
    if (id)
        json_object_set_new(object, "rollout", json_string(id));
    json_object_set_new(object, "state", json_string(word_name(&rollout_state_words, decision->state)));
    json_object_set_new(object, "step", json_integer(decision->step));
    json_object_set_new(object, "action", json_string(word_name(&action_words, decision->action)));
    json_object_set_new(object, "reason", json_string(word_name(&reason_words, decision->reason)));
    add_numbers(object, decision);
    add_waiting(object, decision);
    json_object_set_new(object, "text", record_text(decision->text));
    return object;
}

/* ---- status ---- */

static json_t *gate_to_json(const struct verdict_metric *verdict)
{
    const struct evidence_gate *gate = &verdict->gate;
    bool never = gate->need == UINT64_MAX;
    json_t *object =
        json_pack("{s:b, s:f, s:f, s:f, s:f, s:o}", "pass", (int)verdict->gate_pass, "upper", gate->upper,
                  "stable", gate->stable, "excess", gate->excess, "budget", gate->budget, "need",
                  never ? json_null() : json_integer((json_int_t)gate->need));

    if (gate->wanted > 0) {
        json_object_set_new(object, "e", json_real(fmin(gate->e, 1e300)));
        json_object_set_new(object, "wanted", json_real(gate->wanted));
    }
    return object;
}

static json_t *counts_to_json(const struct evidence_counts *counts)
{
    const struct decision_side canary = {counts->canary_requests, counts->canary_bad, counts->canary_units};
    const struct decision_side stable = {counts->stable_requests, counts->stable_bad, counts->stable_units};

    return json_pack("{s:o, s:o}", "canary", side_to_json(&canary), "stable", side_to_json(&stable));
}

/* The bounds, the last answer, and how old it is. */
static void add_external_status(json_t *object, const struct rollout *rollout, const struct plan *plan,
                                size_t index)
{
    const struct plan_metric *metric = &plan->analysis.metrics[index];
    const struct external *external = &rollout->externals.now[index];
    bool known = external->state == EXTERNAL_GOOD || external->state == EXTERNAL_BAD;

    json_object_set_new(object, "source", json_string(metric->limits.source));
    json_object_set_new(object, "state", json_string(word_name(&external_state_words, external->state)));
    json_object_set_new(object, "value", known ? real_or_null(external->value) : json_null());
    json_object_set_new(object, "age",
                        external->state == EXTERNAL_UNKNOWN ? json_null() : seconds(external->age_ns));
    json_object_set_new(object, "problem", external->why[0] ? record_text(external->why) : json_null());
    json_object_set_new(object, "failures", json_integer(rollout->externals.failed[index]));
    add_bounds(object, metric->limits.min, metric->limits.max, metric->limits.failure_limit);
}

static json_t *metric_status(const struct rollout *rollout, const struct plan *plan, size_t index,
                             const struct verdict *verdict)
{
    const struct plan_metric *metric = &plan->analysis.metrics[index];
    const struct judge_metric *state = &rollout->judge.metrics[index];
    bool guard = plan_metric_is_guard(metric);
    bool pairs = metric->dry_run && rollout->weight == 0; /* only mirrored requests have been counted */
    double w = pairs ? 0.5 : (double)rollout->weight / PLAN_WEIGHT_ALL;
    struct evidence_ratio ratio = evidence_interval(&state->step, w, plan->analysis.false_rollback);
    json_t *object = json_pack("{s:s, s:s, s:b}", "name", metric->name, "type",
                               word_name(&metric_type_words, metric->type), "dryRun", (int)metric->dry_run);

    if (metric->type == METRIC_EXTERNAL) {
        add_external_status(object, rollout, plan, index);
        return object;
    }
    json_object_set_new(object, "e", real_or_null(verdict->metrics[index].e));
    json_object_set_new(object, "threshold", json_real(guard ? guard_limit : verdict->threshold));
    if (!guard)
        json_object_set_new(object, "share", json_real(metric->share));
    json_object_set_new(object, "tolerance", json_real(metric->tolerance));
    json_object_set_new(object, "counts", counts_to_json(&state->step));
    json_object_set_new(object, "ratio", real_or_null(ratio.value));
    json_object_set_new(object, "ratioInterval",
                        json_pack("[o, o]", real_or_null(ratio.lo), real_or_null(ratio.hi)));
    if (verdict->metrics[index].gate_used)
        json_object_set_new(object, "gate", gate_to_json(&verdict->metrics[index]));
    return object;
}

json_t *evidence_to_json(const struct rollout *rollout, const struct plan *plan)
{
    struct verdict verdict;
    json_t *array = json_array();

    rollout_verdict(rollout, plan, &verdict);
    for (size_t i = 0; i < plan->analysis.metrics_len; i++)
        json_array_append_new(array, metric_status(rollout, plan, i, &verdict));
    return array;
}

/* A step in the words of the plan, durations in seconds, without what it leaves out. */
static json_t *step_to_json(const struct plan_step *step)
{
    json_t *object = json_object();

    if (step->kind == STEP_WEIGHT)
        json_object_set_new(object, "setWeight", percent(step->weight));
    if (step->steers)
        json_object_set_new(object, "setHeaderRoute", json_string(step->header_route.header));
    if (step->mirrors)
        json_object_set_new(object, "setMirror", percent(step->mirror.weight));
    if (step->min_dwell_ns)
        json_object_set_new(object, "minDwell", seconds(step->min_dwell_ns));
    if (step->bake_ns)
        json_object_set_new(object, "bake", seconds(step->bake_ns));
    if (step->pause == PAUSE_APPROVAL)
        json_object_set_new(object, "pause", json_string("approval"));
    else if (step->pause == PAUSE_TIME)
        json_object_set_new(object, "pause", seconds(step->pause_ns));
    if (step->window[0])
        json_object_set_new(object, "window", json_string(step->window));
    return object;
}

static json_t *track_to_json(const struct plan *plan)
{
    json_t *array = json_array();

    for (size_t i = 0; i < plan->steps_len; i++)
        json_array_append_new(array, step_to_json(&plan->steps[i]));
    return array;
}

json_t *rollout_status_to_json(const struct rollout *rollout, const struct plan *plan)
{
    struct verdict verdict;
    json_t *object = json_object();

    rollout_verdict(rollout, plan, &verdict);
    json_object_set_new(object, "plan", json_string(plan->name));
    json_object_set_new(object, "state", json_string(word_name(&rollout_state_words, rollout->state)));
    json_object_set_new(object, "step", json_integer(rollout->step));
    json_object_set_new(object, "steps", json_integer((json_int_t)plan->steps_len));
    json_object_set_new(object, "track", track_to_json(plan));
    json_object_set_new(object, "weight", percent(rollout->weight));
    json_object_set_new(object, "target", percent(rollout->target));
    json_object_set_new(object, "proven", percent(rollout->proven));
    json_object_set_new(object, "age", seconds(rollout->age_ns));
    json_object_set_new(object, "dwell", seconds(rollout->dwell_ns));
    json_object_set_new(object, "started",
                        rollout->started_wall_ns ? time_to_json(rollout->started_wall_ns) : json_null());
    json_object_set_new(object, "locked", json_boolean(rollout->locked));
    json_object_set_new(object, "manual", json_boolean(rollout->manual));
    json_object_set_new(object, "e", real_or_null(verdict.e));
    json_object_set_new(object, "threshold", json_real(verdict.threshold));
    json_object_set_new(object, "metrics", evidence_to_json(rollout, plan));
    return object;
}
