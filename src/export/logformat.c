#include "export/logformat.h"

#include "base/mem.h"
#include "export/logplain.h"

#include <stdlib.h>

enum { NESTED_MAX = 8 };

struct logformat {
    enum config_log_format preset;
    struct logshape shape;
};

struct logformat *logformat_new(enum config_log_format preset)
{
    struct logformat *format = mem_zalloc(sizeof *format);

    format->preset = preset;
    logshape_init(&format->shape, preset);
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
    for (const struct logshape_row *row = format->shape.rows; row < format->shape.rows + format->shape.len;
         row++) {
        switch (row->kind) {
        case LOGSHAPE_OPEN:
            opened[depth] = out->len;
            name_add(out, row->name);
            buf_char(out, '{');
            inside[depth++] = out->len;
            break;
        case LOGSHAPE_CLOSE:
            depth--;
            if (out->len == inside[depth]) {
                out->len = opened[depth];
                break;
            }
            drop_comma(out);
            buf_lit(out, "},");
            break;
        case LOGSHAPE_VALUE:
            value_add(out, row->name, read->at[row->field], false);
            break;
        case LOGSHAPE_TEXT:
            value_add(out, row->name, read->at[row->field], true);
            break;
        case LOGSHAPE_EACH:
            each_add(out, row->name, read->at[row->field]);
            break;
        case LOGSHAPE_FIXED:
            buf_str_add(out, row->name);
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
    for (const struct logshape_row *row = format->shape.rows; row < format->shape.rows + format->shape.len;
         row++) {
        struct str value = read->at[row->field], object = value, member;

        while (row->kind == LOGSHAPE_EACH && logread_member(&object, &member, &value)) {
            buf_add(out, row->name.p, row->name.len - 1);
            buf_str_add(out, member);
            buf_char(out, ':');
            logplain_text(logread_text(value), out);
            buf_char(out, '\t');
        }
        if (row->kind == LOGSHAPE_EACH || value.len == 0)
            continue;
        buf_str_add(out, row->name);
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
