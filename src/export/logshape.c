#include "export/logshape.h"

#include "base/bug.h"
#include "base/mem.h"

#include <stdlib.h>

/* A column: where a field goes. */
struct place {
    enum logfield field;
    enum logshape_kind kind;
    struct str path;
};

struct column {
    struct place places[LOGSHAPE_MAX];
    size_t len;
};

static enum logshape_kind kind_of(enum logfield field)
{
    if (field < LOGFIELD_PARTS)
        return LOGSHAPE_VALUE;
    return field == LOGFIELD_SEVERITY_NUMBER ? LOGSHAPE_VALUE : LOGSHAPE_TEXT;
}

static void column_add(struct column *column, enum logfield field, const char *path)
{
    struct str name = str_from(path);

    if (!path)
        return;
    BUG_ON(column->len == LOGSHAPE_MAX);
    column->places[column->len++] =
        (struct place){field, str_ends_with(name, STR("*")) ? LOGSHAPE_EACH : kind_of(field), name};
}

static void column_fix(struct column *column, const char *path)
{
    column->places[column->len++] = (struct place){LOGFIELDS, LOGSHAPE_FIXED, str_from(path)};
}

/* ---- keys ---- */

/* Of a literal, as a constant: eight bytes from `at` on of a text around which there are zeros. */
#define PADDED(name)      ("\0\0\0\0\0\0\0\0" name "\":\0\0\0\0\0\0\0\0")
#define BYTE(name, at, i) ((uint64_t)(unsigned char)PADDED(name)[(at) + (i)] << (8 * (i)))
#define FOUR(name, at, i)                                                                                    \
    (BYTE(name, at, i) | BYTE(name, at, (i) + 1) | BYTE(name, at, (i) + 2) | BYTE(name, at, (i) + 3))
#define EIGHT(name, at) (FOUR(name, at, 0) | FOUR(name, at, 4))
#define MASK(len)       ((len) >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * ((len) % 8))) - 1)
#define KEY_LEN(name)   (sizeof(name) + 1)
#define KEY(name)                                                                                            \
    {                                                                                                        \
        KEY_LEN(name), EIGHT(name, 8), MASK(KEY_LEN(name)), EIGHT(name, KEY_LEN(name))                       \
    }

/* No word is 1 where none of its bytes counts. */
#define NO_KEY                                                                                               \
    {                                                                                                        \
        0, 1, 0, 0                                                                                           \
    }

static struct logshape_key key_of(struct str name, struct str close)
{
    struct logshape_key key = {.len = name.len + close.len, .mask = MASK(name.len + close.len)};

    for (size_t i = 0; i < key.len; i++) {
        uint64_t byte = (unsigned char)(i < name.len ? name.p[i] : close.p[i - name.len]);

        if (i < 8)
            key.head |= byte << (8 * i);
        key.tail = key.tail >> 8 | byte << 56;
    }
    return key;
}

static void key_add(struct logshape_row *row, struct str close)
{
    row->key = row->kind == LOGSHAPE_CLOSE ? (struct logshape_key)NO_KEY : key_of(row->name, close);
}

#define LOG_LABELS
#define LOG_LABELS_END

const struct logshape_row logshape_native[] = {
#define LOG_FIELD(id, name, kind, member, ecs, otel, ltsv, text)                                             \
    {LOGSHAPE_VALUE, LOGFIELD_##id, {(name), sizeof(name) - 1}, KEY(name)},
#define LOG_GROUP(name) {LOGSHAPE_OPEN, LOGFIELDS, {(name), sizeof(name) - 1}, KEY(name)},
#define LOG_END         {LOGSHAPE_CLOSE, LOGFIELDS, {"", 0}, NO_KEY},
#define LOG_PART(id, ecs, otel, ltsv, text)
#include "proxy/logfield.def"
#undef LOG_FIELD
#undef LOG_GROUP
#undef LOG_END
#undef LOG_PART
    {LOGSHAPE_CLOSE, LOGFIELDS, {"", 0}, NO_KEY},
};

#define LOG_GROUP(name)
#define LOG_END

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

static void row_add(struct logshape *shape, enum logshape_kind kind, enum logfield field, struct str name)
{
    BUG_ON(shape->len == LOGSHAPE_MAX);
    shape->rows[shape->len++] = (struct logshape_row){.kind = kind, .field = field, .name = name};
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
static void lay_out(struct logshape *shape, struct column *column, size_t from);
static void lay_out_object(struct logshape *shape, const struct column *column, size_t from,
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
    row_add(shape, LOGSHAPE_OPEN, LOGFIELDS, object);
    lay_out(shape, inside, 0);
    row_add(shape, LOGSHAPE_CLOSE, LOGFIELDS, STR_NULL);
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

static void lay_out(struct logshape *shape, struct column *column, size_t from)
{
    struct str first, rest;

    for (size_t i = from; i < column->len; i++) {
        const struct place *place = &column->places[i];

        if (is_done(place))
            continue;
        if (!segment(place->path, &first, &rest)) {
            row_add(shape, place->kind, place->field, place->path);
            continue;
        }
        lay_out_object(shape, column, i, first);
        forget(column, i, first);
    }
}

void logshape_init(struct logshape *shape, enum config_log_format preset)
{
    struct column *column = mem_zalloc(sizeof *column);

    shape->len = 0;
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
    lay_out(shape, column, 0);
    shape->rows[shape->len] = (struct logshape_row){.kind = LOGSHAPE_CLOSE, .field = LOGFIELDS};
    for (size_t i = 0; i <= shape->len; i++)
        key_add(&shape->rows[i], preset == CONFIG_LOG_LTSV ? STR(":") : STR("\":"));
    free(column);
}
