#include "export/logformat.h"

#include "base/mem.h"
#include "export/logplain.h"

#include <stdlib.h>

enum step_kind {
    STEP_OPEN,  /* a nested object begins */
    STEP_CLOSE, /* it ends; without members it is taken back */
    STEP_VALUE, /* a field, as it stands in the line */
    STEP_TEXT,  /* a part, which has no quotes yet */
    STEP_EACH,  /* the members of a field that is an object, each under a name that begins alike */
    STEP_FIXED, /* a value that is always the same, with its name */
};

struct step {
    enum step_kind kind;
    enum logfield field;
    struct str name; /* of CLOSE: empty */
};

enum { STEPS_MAX = 192, NESTED_MAX = 8 };

struct logformat {
    enum config_log_format preset;
    /* Of the presets that are JSON. */
    struct step steps[STEPS_MAX];
    size_t len;
};

/* ---- the steps of a preset that is JSON ---- */

/* A column: where a field goes. */
struct place {
    enum logfield field;
    enum step_kind kind;
    struct str path;
};

struct column {
    struct place places[STEPS_MAX];
    size_t len;
};

static enum step_kind kind_of(enum logfield field)
{
    if (field < LOGFIELD_PARTS)
        return STEP_VALUE;
    return field == LOGFIELD_SEVERITY_NUMBER ? STEP_VALUE : STEP_TEXT;
}

static void column_add(struct column *column, enum logfield field, const char *path)
{
    struct str name = str_from(path);

    if (!path)
        return;
    BUG_ON(column->len == STEPS_MAX);
    column->places[column->len++] =
        (struct place){field, str_ends_with(name, STR("*")) ? STEP_EACH : kind_of(field), name};
}

static void column_fix(struct column *column, const char *path)
{
    column->places[column->len++] = (struct place){LOGFIELDS, STEP_FIXED, str_from(path)};
}

#define LOG_GROUP(name)
#define LOG_END
#define LOG_LABELS
#define LOG_LABELS_END

static void ecs_column(struct column *column)
{
    column_fix(column, "ecs/\"version\":\"8.11.0\"");
    column_fix(column, "event/\"kind\":\"event\"");
    column_fix(column, "event/\"category\":[\"web\"]");
    column_fix(column, "event/\"type\":[\"access\"]");
    column_fix(column, "event/\"dataset\":\"penstock.access\"");
#define LOG_FIELD(id, name, kind, member, ecs, otel, ltsv, text) column_add(column, LOGFIELD_##id, ecs);
#define LOG_PART(id, ecs, otel, ltsv, text)                      column_add(column, LOGFIELD_##id, ecs);
#include "proxy/logfield.def"
#undef LOG_FIELD
#undef LOG_PART
}

static void otel_column(struct column *column)
{
#define LOG_FIELD(id, name, kind, member, ecs, otel, ltsv, text) column_add(column, LOGFIELD_##id, otel);
#define LOG_PART(id, ecs, otel, ltsv, text)                      column_add(column, LOGFIELD_##id, otel);
#include "proxy/logfield.def"
#undef LOG_FIELD
#undef LOG_PART
}

static void ltsv_column(struct column *column)
{
#define LOG_FIELD(id, name, kind, member, ecs, otel, ltsv, text) column_add(column, LOGFIELD_##id, ltsv);
#define LOG_PART(id, ecs, otel, ltsv, text)                      column_add(column, LOGFIELD_##id, ltsv);
#include "proxy/logfield.def"
#undef LOG_FIELD
#undef LOG_PART
}

static void step_add(struct logformat *format, enum step_kind kind, enum logfield field, struct str name)
{
    BUG_ON(format->len == STEPS_MAX);
    format->steps[format->len++] = (struct step){kind, field, name};
}

/* The first segment of a path, without its '/'. False: it is the last one, a name of a value. */
static bool segment(struct str path, struct str *first_r, struct str *rest_r)
{
    *rest_r = path;
    return memchr(path.p, '/', path.len) != NULL && str_split(rest_r, '/', first_r);
}

/* Whether a place has been written: those that have are without a path. */
static bool is_done(const struct place *place)
{
    return place->path.p == NULL;
}

/* The places from `from` on that lie in the object `object` go behind one another, and are shortened by it.
 */
static void lay_out(struct logformat *format, struct column *column, size_t from);
static void lay_out_object(struct logformat *format, const struct column *column, size_t from,
                           struct str object)
{
    struct column *inside = mem_zalloc(sizeof *inside);
    struct str first, rest;

    for (size_t i = from; i < column->len; i++) {
        const struct place *place = &column->places[i];

        if (is_done(place) || !segment(place->path, &first, &rest) || !str_eq(first, object))
            continue;
        inside->places[inside->len++] = (struct place){place->field, place->kind, rest};
    }
    step_add(format, STEP_OPEN, LOGFIELDS, object);
    lay_out(format, inside, 0);
    step_add(format, STEP_CLOSE, LOGFIELDS, STR_NULL);
    free(inside);
}

static void forget(struct column *column, size_t from, struct str object)
{
    struct str first, rest;

    for (size_t i = from; i < column->len; i++) {
        struct place *place = &column->places[i];

        if (!is_done(place) && segment(place->path, &first, &rest) && str_eq(first, object))
            place->path = STR_NULL;
    }
}

static void lay_out(struct logformat *format, struct column *column, size_t from)
{
    struct str first, rest;

    for (size_t i = from; i < column->len; i++) {
        const struct place *place = &column->places[i];

        if (is_done(place))
            continue;
        if (!segment(place->path, &first, &rest)) {
            step_add(format, place->kind, place->field, place->path);
            continue;
        }
        lay_out_object(format, column, i, first);
        forget(column, i, first);
    }
}

struct logformat *logformat_new(enum config_log_format preset)
{
    struct logformat *format = mem_zalloc(sizeof *format);
    struct column *column = mem_zalloc(sizeof *column);

    format->preset = preset;
    switch (preset) {
    case CONFIG_LOG_ECS:
        ecs_column(column);
        break;
    case CONFIG_LOG_OTEL:
        otel_column(column);
        break;
    case CONFIG_LOG_LTSV:
        ltsv_column(column);
        break;
    case CONFIG_LOG_JSON:
    case CONFIG_LOG_ALB:
    case CONFIG_LOG_COMBINED:
        break;
    }
    lay_out(format, column, 0);
    free(column);
    return format;
}

void logformat_free(struct logformat *format)
{
    free(format);
}

/* ---- writing ---- */

static void name_add(struct buf *out, struct str name)
{
    buf_char(out, '"');
    buf_str_add(out, name);
    buf_lit(out, "\":");
}

/* A value with its comma, or nothing when it is absent. */
static void value_add(struct buf *out, struct str name, struct str value, bool quote)
{
    if (value.len == 0)
        return;
    name_add(out, name);
    if (quote)
        buf_char(out, '"');
    buf_str_add(out, value);
    if (quote)
        buf_char(out, '"');
    buf_char(out, ',');
}

/* "x*" and {"a":"1"}: "xa":["1"], since one field may come several times. */
static void each_add(struct buf *out, struct str name, struct str object)
{
    struct str member, value;

    while (logread_member(&object, &member, &value)) {
        buf_char(out, '"');
        buf_add(out, name.p, name.len - 1);
        buf_str_add(out, member);
        buf_lit(out, "\":[");
        buf_str_add(out, value);
        buf_lit(out, "],");
    }
}

static void drop_comma(struct buf *out)
{
    if (out->len && out->p[out->len - 1] == ',')
        out->len--;
}

static void write_json(const struct logformat *format, const struct logread *read, struct buf *out)
{
    size_t opened[NESTED_MAX], inside[NESTED_MAX], depth = 0;

    buf_char(out, '{');
    for (const struct step *step = format->steps; step < format->steps + format->len; step++) {
        switch (step->kind) {
        case STEP_OPEN:
            opened[depth] = out->len;
            name_add(out, step->name);
            buf_char(out, '{');
            inside[depth++] = out->len;
            break;
        case STEP_CLOSE:
            depth--;
            if (out->len == inside[depth]) {
                out->len = opened[depth];
                break;
            }
            drop_comma(out);
            buf_lit(out, "},");
            break;
        case STEP_VALUE:
            value_add(out, step->name, read->at[step->field], false);
            break;
        case STEP_TEXT:
            value_add(out, step->name, read->at[step->field], true);
            break;
        case STEP_EACH:
            each_add(out, step->name, read->at[step->field]);
            break;
        case STEP_FIXED:
            buf_str_add(out, step->name);
            buf_char(out, ',');
            break;
        }
    }
    drop_comma(out);
    buf_lit(out, "}\n");
}

/* "label:value" with tabs between them; see http://ltsv.org. */
static void write_ltsv(const struct logformat *format, const struct logread *read, struct buf *out)
{
    for (const struct step *step = format->steps; step < format->steps + format->len; step++) {
        struct str value = read->at[step->field], object = value, member;

        while (step->kind == STEP_EACH && logread_member(&object, &member, &value)) {
            buf_add(out, step->name.p, step->name.len - 1);
            buf_str_add(out, member);
            buf_char(out, ':');
            logplain_text(logread_text(value), out);
            buf_char(out, '\t');
        }
        if (step->kind == STEP_EACH || value.len == 0)
            continue;
        buf_str_add(out, step->name);
        buf_char(out, ':');
        logplain_text(logread_text(value), out);
        buf_char(out, '\t');
    }
    if (out->len && out->p[out->len - 1] == '\t')
        out->len--;
    buf_char(out, '\n');
}

/* The line as it is, with the sample rate as its last field. */
static void write_native(struct str line, const struct logread *read, struct buf *out)
{
    struct str rate = read->at[LOGFIELD_SAMPLE_RATE];

    if (rate.len == 0 || line.len < 2) {
        buf_str_add(out, line);
        return;
    }
    buf_add(out, line.p, line.len - 2);
    buf_lit(out, ",\"sample_rate\":");
    buf_str_add(out, rate);
    buf_lit(out, "}\n");
}

void logformat_write(const struct logformat *format, struct str line, const struct logread *read,
                     struct buf *out)
{
    switch (format->preset) {
    case CONFIG_LOG_JSON:
        write_native(line, read, out);
        break;
    case CONFIG_LOG_ECS:
    case CONFIG_LOG_OTEL:
        write_json(format, read, out);
        break;
    case CONFIG_LOG_LTSV:
        write_ltsv(format, read, out);
        break;
    case CONFIG_LOG_ALB:
        logplain_alb(read, out);
        break;
    case CONFIG_LOG_COMBINED:
        logplain_combined(read, out);
        break;
    }
}
