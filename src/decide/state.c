#include "decide/state.h"

#include "decide/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STATE_VERSION = 2, STATE_OLDEST = 1 };

/* ---- one table a struct, for both directions ---- */

enum field_kind {
    FIELD_BOOL,
    FIELD_I32,
    FIELD_U32,
    FIELD_I64,
    FIELD_U64,
    FIELD_DOUBLE,
    FIELD_TEXT,
    FIELD_STATE,  /* enum rollout_state, by name */
    FIELD_REASON, /* enum reason, by name */
};

struct field {
    const char *name;
    size_t offset;
    size_t size;  /* of one element */
    size_t count; /* 1, or the length of the array */
    enum field_kind kind;
};

#define ONE(type, kind, member)                                                                              \
    {                                                                                                        \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member), 1, kind                  \
    }
#define MANY(type, kind, member)                                                                             \
    {                                                                                                        \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member[0]),                       \
            ARRAY_LEN(((struct type *)0)->member), kind                                                      \
    }

static const struct field rollout_fields[] = {
    ONE(rollout, FIELD_STATE, state),
    ONE(rollout, FIELD_U32, weight),
    ONE(rollout, FIELD_U32, target),
    ONE(rollout, FIELD_I32, step),
    ONE(rollout, FIELD_I32, weight_step),
    ONE(rollout, FIELD_I32, passed),
    ONE(rollout, FIELD_TEXT, stable),
    ONE(rollout, FIELD_TEXT, canary),
    ONE(rollout, FIELD_I64, age_ns),
    ONE(rollout, FIELD_I64, dwell_ns),
    ONE(rollout, FIELD_I64, raise_ns),
    ONE(rollout, FIELD_I64, grace_ns),
    ONE(rollout, FIELD_I64, quiet_ns),
    ONE(rollout, FIELD_I64, refused_ns),
    ONE(rollout, FIELD_I64, mass_ns),
    ONE(rollout, FIELD_BOOL, in_force),
    ONE(rollout, FIELD_I64, started_wall_ns),
    ONE(rollout, FIELD_I64, state_wall_ns),
    ONE(rollout, FIELD_DOUBLE, rate_requests),
    ONE(rollout, FIELD_DOUBLE, rate_canary),
    ONE(rollout, FIELD_DOUBLE, rate_seconds),
    ONE(rollout, FIELD_DOUBLE, ramp_carry),
    ONE(rollout, FIELD_DOUBLE, ramp_down),
    ONE(rollout, FIELD_BOOL, settled),
    ONE(rollout, FIELD_BOOL, warm),
    ONE(rollout, FIELD_U32, proven),
    ONE(rollout, FIELD_U32, ceiling),
    ONE(rollout, FIELD_U32, attempts),
    ONE(rollout, FIELD_REASON, cause),
    ONE(rollout, FIELD_BOOL, starting),
    ONE(rollout, FIELD_BOOL, approved),
    ONE(rollout, FIELD_BOOL, skip),
    ONE(rollout, FIELD_BOOL, promote),
    ONE(rollout, FIELD_BOOL, full),
    ONE(rollout, FIELD_BOOL, abort),
    ONE(rollout, FIELD_BOOL, manual),
    ONE(rollout, FIELD_BOOL, manual_pending),
    ONE(rollout, FIELD_U32, manual_weight),
    ONE(rollout, FIELD_BOOL, locked),
    ONE(rollout, FIELD_BOOL, locked_back),
    ONE(rollout, FIELD_TEXT, locked_by),
    ONE(rollout, FIELD_TEXT, paused_by),
    ONE(rollout, FIELD_TEXT, actor),
    ONE(rollout, FIELD_TEXT, said),
    ONE(rollout, FIELD_TEXT, refused),
    ONE(rollout, FIELD_REASON, hold),
};

static const struct field judge_fields[] = {
    MANY(judge, FIELD_DOUBLE, spent),
    ONE(judge, FIELD_DOUBLE, threshold),
};

static const struct field metric_fields[] = {
    ONE(judge_metric, FIELD_U64, gate_requests),
    ONE(judge_metric, FIELD_BOOL, gate_pass),
    ONE(judge_metric, FIELD_DOUBLE, proven),
};

static const struct field evidence_fields[] = {
    MANY(evidence, FIELD_DOUBLE, s),       MANY(evidence, FIELD_DOUBLE, b),
    MANY(evidence, FIELD_DOUBLE, floor_s), MANY(evidence, FIELD_DOUBLE, floor_b),
    ONE(evidence, FIELD_I64, left_ns),     ONE(evidence, FIELD_DOUBLE, pending),
    ONE(evidence, FIELD_U64, bin_bad),     ONE(evidence, FIELD_U64, bin_requests),
};

/* What bins that were closed say about the next one, and what the open one began with. */
static const struct field bin_fields[] = {
    MANY(evidence, FIELD_DOUBLE, first),
    ONE(evidence, FIELD_U64, full),
    ONE(evidence, FIELD_I64, idle_ns),
};

static const struct field past_fields[] = {
    ONE(evidence_past, FIELD_DOUBLE, requests),
    ONE(evidence_past, FIELD_DOUBLE, bad),
    ONE(evidence_past, FIELD_DOUBLE, expected),
};

static const struct field counts_fields[] = {
    ONE(evidence_counts, FIELD_U64, canary_requests), ONE(evidence_counts, FIELD_U64, canary_bad),
    ONE(evidence_counts, FIELD_U64, stable_requests), ONE(evidence_counts, FIELD_U64, stable_bad),
    ONE(evidence_counts, FIELD_U64, canary_units),    ONE(evidence_counts, FIELD_U64, stable_units),
};

static const struct field incident_fields[] = {
    MANY(incident, FIELD_DOUBLE, stable_requests),
    MANY(incident, FIELD_DOUBLE, stable_bad),
    MANY(incident, FIELD_DOUBLE, canary_requests),
    MANY(incident, FIELD_DOUBLE, canary_bad),
    MANY(incident, FIELD_DOUBLE, long_requests),
    MANY(incident, FIELD_DOUBLE, long_bad),
    ONE(incident, FIELD_BOOL, on),
    ONE(incident, FIELD_I32, metric),
    ONE(incident, FIELD_I64, age_ns),
    ONE(incident, FIELD_I64, quiet_ns),
};

static const struct field watch_fields[] = {
    ONE(watch, FIELD_I64, bin),
    ONE(watch, FIELD_U32, probes),
    ONE(watch, FIELD_DOUBLE, mass),
    ONE(watch, FIELD_I64, baked_ns),
};

static const struct field watch_metric_fields[] = {
    ONE(watch_metric, FIELD_DOUBLE, stable_bad), ONE(watch_metric, FIELD_DOUBLE, stable_requests),
    ONE(watch_metric, FIELD_DOUBLE, least),      MANY(watch_metric, FIELD_DOUBLE, sum),
    MANY(watch_metric, FIELD_DOUBLE, open),
};

static const struct field retreat_fields[] = {
    ONE(retreat, FIELD_U32, count),      ONE(retreat, FIELD_I32, metric),
    ONE(retreat, FIELD_DOUBLE, share),   ONE(retreat, FIELD_I64, quiet_ns),
    ONE(retreat, FIELD_BOOL, small),     ONE(retreat, FIELD_BOOL, raised),
    ONE(retreat, FIELD_BOOL, forgiving), ONE(retreat, FIELD_U32, held_health),
};

static const struct field guards_fields[] = {
    MANY(guards, FIELD_I64, threshold_ns),
    MANY(guards, FIELD_BOOL, accepted),
    ONE(guards, FIELD_I32, holds),
    ONE(guards, FIELD_I64, held_ns),
};

static const struct field outliers_fields[] = {
    MANY(outliers, FIELD_U64, out),    ONE(outliers, FIELD_U32, out_len), ONE(outliers, FIELD_BOOL, holds),
    ONE(outliers, FIELD_I64, held_ns), ONE(outliers, FIELD_I64, wait_ns),
};

static const struct field externals_fields[] = {
    MANY(externals, FIELD_U32, failed),
};

static const struct field peer_fields[] = {
    ONE(peer, FIELD_I64, age_ns),        ONE(peer, FIELD_I64, window_ns), ONE(peer, FIELD_U32, readings),
    ONE(peer, FIELD_U32, failed_checks), ONE(peer, FIELD_I32, culprit),
};

/* States of earlier versions, in which no measurement could be an error, lack them. */
static const struct field peer_new_fields[] = {
    ONE(peer, FIELD_BOOL, erred),
};

static const struct field peer_metric_new_fields[] = {
    ONE(peer_metric, FIELD_U32, errors),
};

static const struct field peer_metric_fields[] = {
    ONE(peer_metric, FIELD_U64, requests),      ONE(peer_metric, FIELD_U64, bad),
    ONE(peer_metric, FIELD_U64, last_requests), ONE(peer_metric, FIELD_U64, last_bad),
    ONE(peer_metric, FIELD_U32, failed),        ONE(peer_metric, FIELD_U32, inconclusive),
    ONE(peer_metric, FIELD_U32, points),        ONE(peer_metric, FIELD_U32, points_len),
    ONE(peer_metric, FIELD_BOOL, alarm),
};

/* A struct inside another, with its own table. */
struct part {
    const char *name;
    size_t offset;
    const struct field *fields;
    size_t fields_len;
};

#define PART(type, member, fields)                                                                           \
    {                                                                                                        \
#member, offsetof(struct type, member), fields, ARRAY_LEN(fields)                                    \
    }

static const struct part metric_parts[] = {
    PART(judge_metric, evidence, evidence_fields), PART(judge_metric, early, evidence_fields),
    PART(judge_metric, past, past_fields),         PART(judge_metric, step, counts_fields),
    PART(judge_metric, grace, counts_fields),      PART(judge_metric, total, counts_fields),
};

/* Parts of a metric that states of earlier versions lack: they begin empty then. */
static const struct part metric_new_parts[] = {
    {"bin", offsetof(struct judge_metric, evidence), bin_fields, ARRAY_LEN(bin_fields)},
    {"early_bin", offsetof(struct judge_metric, early), bin_fields, ARRAY_LEN(bin_fields)},
};

static const struct field raise_fields[] = {
    ONE(rollout, FIELD_DOUBLE, ramp_up),
};

/* Parts of a rollout that states of earlier versions lack: they begin empty then. */
static const struct part rollout_parts[] = {
    {"raise", 0, raise_fields, ARRAY_LEN(raise_fields)},
    PART(rollout, incident, incident_fields),
    PART(rollout, watch, watch_fields),
    PART(rollout, retreat, retreat_fields),
    PART(rollout, guards, guards_fields),
    PART(rollout, outliers, outliers_fields),
    PART(rollout, externals, externals_fields),
};

static json_t *element_to_json(enum field_kind kind, const void *p)
{
    switch (kind) {
    case FIELD_BOOL:
        return json_boolean(*(const bool *)p);
    case FIELD_I32:
        return json_integer(*(const int32_t *)p);
    case FIELD_U32:
        return json_integer(*(const uint32_t *)p);
    case FIELD_I64:
        return json_integer(*(const int64_t *)p);
    case FIELD_U64:
        return json_integer((json_int_t) * (const uint64_t *)p);
    case FIELD_DOUBLE:
        return json_real(*(const double *)p);
    case FIELD_TEXT:
        return record_text(p);
    case FIELD_STATE:
        return json_string(word_name(&rollout_state_words, *(const enum rollout_state *)p));
    case FIELD_REASON:
        return json_string(word_name(&reason_words, *(const enum reason *)p));
    }
    BUG("field kind %d", (int)kind);
}

static void fields_to_json(json_t *object, const struct field *fields, size_t len, const void *base)
{
    for (size_t i = 0; i < len; i++) {
        const struct field *field = &fields[i];
        const char *p = (const char *)base + field->offset;

        if (field->count == 1) {
            json_object_set_new(object, field->name, element_to_json(field->kind, p));
            continue;
        }
        json_t *array = json_array();
        for (size_t n = 0; n < field->count; n++)
            json_array_append_new(array, element_to_json(field->kind, p + n * field->size));
        json_object_set_new(object, field->name, array);
    }
}

static void parts_to_json(json_t *object, const struct part *parts, size_t len, const void *base)
{
    for (size_t i = 0; i < len; i++) {
        json_t *part = json_object();

        fields_to_json(part, parts[i].fields, parts[i].fields_len, (const char *)base + parts[i].offset);
        json_object_set_new(object, parts[i].name, part);
    }
}

static json_t *metric_to_json(const struct judge_metric *metric)
{
    json_t *object = json_object();

    fields_to_json(object, metric_fields, ARRAY_LEN(metric_fields), metric);
    parts_to_json(object, metric_parts, ARRAY_LEN(metric_parts), metric);
    parts_to_json(object, metric_new_parts, ARRAY_LEN(metric_new_parts), metric);
    return object;
}

static json_t *peer_to_json(const struct peer *peer)
{
    json_t *object = json_object(), *metrics = json_array();

    fields_to_json(object, peer_fields, ARRAY_LEN(peer_fields), peer);
    fields_to_json(object, peer_new_fields, ARRAY_LEN(peer_new_fields), peer);
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        json_t *metric = json_object();

        fields_to_json(metric, peer_metric_fields, ARRAY_LEN(peer_metric_fields), &peer->metrics[i]);
        fields_to_json(metric, peer_metric_new_fields, ARRAY_LEN(peer_metric_new_fields), &peer->metrics[i]);
        json_array_append_new(metrics, metric);
    }
    json_object_set_new(object, "metrics", metrics);
    return object;
}

static void watch_to_json(json_t *object, const struct watch *watch)
{
    json_t *metrics = json_array();

    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        json_t *metric = json_object();

        fields_to_json(metric, watch_metric_fields, ARRAY_LEN(watch_metric_fields), &watch->metrics[i]);
        json_array_append_new(metrics, metric);
    }
    json_object_set_new(object, "metrics", metrics);
}

json_t *rollout_to_json(const struct rollout *rollout)
{
    json_t *object = json_object(), *judge = json_object(), *metrics = json_array();

    json_object_set_new(object, "version", json_integer(STATE_VERSION));
    fields_to_json(object, rollout_fields, ARRAY_LEN(rollout_fields), rollout);
    fields_to_json(judge, judge_fields, ARRAY_LEN(judge_fields), &rollout->judge);
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++)
        json_array_append_new(metrics, metric_to_json(&rollout->judge.metrics[i]));
    json_object_set_new(judge, "metrics", metrics);
    json_object_set_new(object, "judge", judge);
    parts_to_json(object, rollout_parts, ARRAY_LEN(rollout_parts), rollout);
    watch_to_json(json_object_get(object, "watch"), &rollout->watch);
    if (rollout->peer.age_ns > 0) /* the judge is another than penstock */
        json_object_set_new(object, "peer", peer_to_json(&rollout->peer));
    return object;
}

/* ---- and back ---- */

static bool integer_from_json(const json_t *json, int64_t min, int64_t max, int64_t *value_r)
{
    if (!json_is_integer(json) || json_integer_value(json) < min || json_integer_value(json) > max)
        return false;
    *value_r = json_integer_value(json);
    return true;
}

static bool word_from_json(const json_t *json, const struct word_table *table, size_t *constant_r)
{
    return json_is_string(json) && word_parse(table, str_from(json_string_value(json)), constant_r);
}

static bool text_from_json(const json_t *json, char *p, size_t size)
{
    if (!json_is_string(json) || json_string_length(json) >= size)
        return false;
    memcpy(p, json_string_value(json), json_string_length(json) + 1);
    return true;
}

static bool element_from_json(const struct field *field, const json_t *json, void *p)
{
    int64_t n;
    size_t constant;

    switch (field->kind) {
    case FIELD_BOOL:
        *(bool *)p = json_is_true(json);
        return json_is_boolean(json);
    case FIELD_I32:
        if (!integer_from_json(json, INT32_MIN, INT32_MAX, &n))
            return false;
        *(int32_t *)p = (int32_t)n;
        return true;
    case FIELD_U32:
        if (!integer_from_json(json, 0, UINT32_MAX, &n))
            return false;
        *(uint32_t *)p = (uint32_t)n;
        return true;
    case FIELD_I64:
        return integer_from_json(json, INT64_MIN, INT64_MAX, p);
    case FIELD_U64:
        if (!integer_from_json(json, 0, INT64_MAX, &n))
            return false;
        *(uint64_t *)p = (uint64_t)n;
        return true;
    case FIELD_DOUBLE:
        *(double *)p = json_number_value(json);
        return json_is_number(json) && isfinite(*(double *)p);
    case FIELD_TEXT:
        return text_from_json(json, p, field->size);
    case FIELD_STATE:
        if (!word_from_json(json, &rollout_state_words, &constant))
            return false;
        *(enum rollout_state *)p = (enum rollout_state)constant;
        return true;
    case FIELD_REASON:
        if (!word_from_json(json, &reason_words, &constant))
            return false;
        *(enum reason *)p = (enum reason)constant;
        return true;
    }
    BUG("field kind %d", (int)field->kind);
}

static bool field_from_json(const struct field *field, const json_t *json, char *p)
{
    if (field->count == 1)
        return element_from_json(field, json, p);
    if (json_array_size(json) != field->count)
        return false;
    for (size_t i = 0; i < field->count; i++) {
        if (!element_from_json(field, json_array_get(json, i), p + i * field->size))
            return false;
    }
    return true;
}

struct reader {
    char *why;
    size_t why_len;
};

static bool fields_from_json(const struct reader *reader, const json_t *object, const char *place,
                             const struct field *fields, size_t len, void *base)
{
    for (size_t i = 0; i < len; i++) {
        const json_t *json = json_object_get(object, fields[i].name);

        if (field_from_json(&fields[i], json, (char *)base + fields[i].offset))
            continue;
        snprintf(reader->why, reader->why_len, "%s%s: %s", place, fields[i].name,
                 json ? "not of the expected kind" : "missing");
        return false;
    }
    return true;
}

/* `place` is where the parts are: "" or "judge.metrics[0].". Those that `may_lack` stay as they are then. */
static bool parts_from_json(const struct reader *reader, const json_t *object, const char *place,
                            const struct part *parts, size_t len, void *base, bool may_lack)
{
    char inside[64];

    for (size_t i = 0; i < len; i++) {
        const json_t *json = json_object_get(object, parts[i].name);

        snprintf(inside, sizeof(inside), "%s%s.", place, parts[i].name);
        if ((json || !may_lack) && !fields_from_json(reader, json, inside, parts[i].fields,
                                                     parts[i].fields_len, (char *)base + parts[i].offset))
            return false;
    }
    return true;
}

static bool metric_from_json(const struct reader *reader, const json_t *object, size_t index,
                             struct judge_metric *metric)
{
    char place[32];

    snprintf(place, sizeof(place), "judge.metrics[%zu].", index);
    return fields_from_json(reader, object, place, metric_fields, ARRAY_LEN(metric_fields), metric) &&
           parts_from_json(reader, object, place, metric_parts, ARRAY_LEN(metric_parts), metric, false) &&
           parts_from_json(reader, object, place, metric_new_parts, ARRAY_LEN(metric_new_parts), metric,
                           true);
}

static bool judge_from_json(const struct reader *reader, const json_t *object, struct judge *judge)
{
    const json_t *metrics = json_object_get(object, "metrics");

    if (!fields_from_json(reader, object, "judge.", judge_fields, ARRAY_LEN(judge_fields), judge))
        return false;
    if (json_array_size(metrics) != PLAN_METRICS_MAX) {
        snprintf(reader->why, reader->why_len, "judge.metrics: %d entries are expected", PLAN_METRICS_MAX);
        return false;
    }
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        if (!metric_from_json(reader, json_array_get(metrics, i), i, &judge->metrics[i]))
            return false;
    }
    return true;
}

static bool peer_metric_from_json(const struct reader *reader, const json_t *object,
                                  struct peer_metric *metric)
{
    return fields_from_json(reader, object, "peer.metrics.", peer_metric_fields,
                            ARRAY_LEN(peer_metric_fields), metric) &&
           (!json_object_get(object, peer_metric_new_fields[0].name) ||
            fields_from_json(reader, object, "peer.metrics.", peer_metric_new_fields,
                             ARRAY_LEN(peer_metric_new_fields), metric));
}

/* A rollout of the judge penstock has none. */
static bool peer_from_json(const struct reader *reader, const json_t *object, struct peer *peer)
{
    const json_t *metrics = json_object_get(object, "metrics");

    peer_init(peer);
    if (!object)
        return true;
    if (!fields_from_json(reader, object, "peer.", peer_fields, ARRAY_LEN(peer_fields), peer))
        return false;
    if (json_object_get(object, peer_new_fields[0].name) &&
        !fields_from_json(reader, object, "peer.", peer_new_fields, ARRAY_LEN(peer_new_fields), peer))
        return false;
    if (json_array_size(metrics) != PLAN_METRICS_MAX) {
        snprintf(reader->why, reader->why_len, "peer.metrics: %d entries are expected", PLAN_METRICS_MAX);
        return false;
    }
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        if (!peer_metric_from_json(reader, json_array_get(metrics, i), &peer->metrics[i]))
            return false;
    }
    return true;
}

/* A rollout of an earlier version has none. */
static bool watch_from_json(const struct reader *reader, const json_t *object, struct watch *watch)
{
    const json_t *metrics = json_object_get(object, "metrics");

    if (!object)
        return true;
    if (json_array_size(metrics) != PLAN_METRICS_MAX) {
        snprintf(reader->why, reader->why_len, "watch.metrics: %d entries are expected", PLAN_METRICS_MAX);
        return false;
    }
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        if (!fields_from_json(reader, json_array_get(metrics, i), "watch.metrics.", watch_metric_fields,
                              ARRAY_LEN(watch_metric_fields), &watch->metrics[i]))
            return false;
    }
    return true;
}

/* ---- states of version 1 ---- */

static bool is_zero(const json_t *value)
{
    size_t i;
    json_t *item;

    if (!json_is_array(value))
        return json_number_value(value) == 0;
    json_array_foreach(value, i, item)
    {
        if (json_number_value(item) != 0)
            return false;
    }
    return true;
}

/* Bins had their places in a raster: one that has something in it is taken for one that has just begun. */
static bool has_open_bin(const json_t *evidence)
{
    static const char *const members[] = {"b", "floor_b", "pending", "bin_bad", "bin_requests"};

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (!is_zero(json_object_get(evidence, members[i])))
            return true;
    }
    return false;
}

static json_t *no_past(void)
{
    const struct evidence_past none = {0};
    json_t *object = json_object();

    fields_to_json(object, past_fields, ARRAY_LEN(past_fields), &none);
    return object;
}

/*
 * A state of version 1 as one of this version: a copy to be freed. Then slow answers of a grace were no
 * evidence at all, so the early evidence is the settled one; and the gate knew one step alone, so there is no
 * past. What is missing in it is told by those who read it then.
 */
static json_t *from_version_1(const json_t *json, const struct plan *plan)
{
    json_t *copy = json_deep_copy(json), *metric;
    size_t i;

    json_array_foreach(json_object_get(json_object_get(copy, "judge"), "metrics"), i, metric)
    {
        json_t *evidence = json_object_get(metric, "evidence");
        int64_t left_ns = has_open_bin(evidence) ? plan->analysis.bin_ns : 0;

        json_object_set_new(evidence, "left_ns", json_integer(left_ns));
        json_object_set_new(metric, "early", json_deep_copy(evidence));
        json_object_set_new(metric, "past", no_past());
    }
    return copy;
}

/* ---- the whole ---- */

/* Values that the state machine uses without a further look. */
static bool is_consistent(const struct rollout *rollout, const struct plan *plan)
{
    int32_t len = (int32_t)plan->steps_len;

    return rollout->step >= -1 && rollout->step < len && rollout->passed >= 0 && rollout->passed <= len &&
           rollout->weight_step >= -1 && rollout->weight_step <= rollout->step &&
           rollout->weight <= PLAN_WEIGHT_ALL && rollout->target <= PLAN_WEIGHT_ALL &&
           rollout->manual_weight <= PLAN_WEIGHT_ALL && rollout->incident.metric >= 0 &&
           rollout->incident.metric < (int32_t)plan->analysis.metrics_len && rollout->retreat.metric >= 0 &&
           rollout->retreat.metric < PLAN_METRICS_MAX && rollout->guards.holds >= -1 &&
           rollout->guards.holds < (int32_t)plan->analysis.metrics_len &&
           rollout->outliers.out_len <= OUTLIERS_MAX && rollout->peer.culprit >= -1 &&
           rollout->peer.culprit < (int32_t)plan->analysis.metrics_len;
}

static bool all_from_json(const struct reader *reader, const json_t *json, struct rollout *rollout)
{
    return fields_from_json(reader, json, "", rollout_fields, ARRAY_LEN(rollout_fields), rollout) &&
           judge_from_json(reader, json_object_get(json, "judge"), &rollout->judge) &&
           peer_from_json(reader, json_object_get(json, "peer"), &rollout->peer) &&
           parts_from_json(reader, json, "", rollout_parts, ARRAY_LEN(rollout_parts), rollout, true) &&
           watch_from_json(reader, json_object_get(json, "watch"), &rollout->watch);
}

bool rollout_from_json(struct rollout *rollout, const struct plan *plan, const json_t *json, char *why,
                       size_t why_len)
{
    const struct reader reader = {why, why_len};
    json_int_t version = json_integer_value(json_object_get(json, "version"));
    json_t *copy = NULL;
    bool ok;

    memset(rollout, 0, sizeof(*rollout));
    guards_init(&rollout->guards);
    if (version < STATE_OLDEST || version > STATE_VERSION) {
        snprintf(why, why_len, "version: this program reads %d and %d", STATE_OLDEST, STATE_VERSION);
        return false;
    }
    if (version == 1)
        copy = from_version_1(json, plan);
    ok = all_from_json(&reader, copy ? copy : json, rollout);
    json_decref(copy);
    if (!ok)
        return false;
    if (!is_consistent(rollout, plan)) {
        snprintf(why, why_len, "step, weight: outside the plan");
        return false;
    }
    return true;
}
