#include "export/exposition.h"

#include "base/bug.h"
#include "base/clk.h"

#include <inttypes.h>
#include <math.h>

void exposition_family(struct exposition *page, const char *name, enum meter_kind kind, const char *help)
{
    static const char *const kinds[] = {
        [METER_COUNTER] = "counter", [METER_GAUGE] = "gauge", [METER_HISTOGRAM] = "histogram"};
    static const char *const units[] = {"_seconds", "_bytes", "_ratio"};
    const char *suffix = kind == METER_COUNTER && !page->open_metrics ? "_total" : "";

    text_printf(page->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, kinds[kind]);
    for (size_t i = 0; page->open_metrics && i < ARRAY_LEN(units); i++)
        if (str_ends_with(str_from(name), str_from(units[i])))
            text_printf(page->out, "# UNIT %s %s\n", name, units[i] + 1);
}

void exposition_label(struct buf *labels, const char *name, const char *value)
{
    buf_printf(labels, "%s%s=\"", labels->len ? "," : "", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            buf_char(labels, '\\');
        if (*value == '\n')
            buf_lit(labels, "\\n");
        else
            buf_char(labels, *value);
    }
    buf_char(labels, '"');
}

static void name_and_labels(struct exposition *page, const char *name, const char *suffix,
                            const struct buf *labels)
{
    text_printf(page->out, "%s%s", name, suffix);
    if (labels && labels->len)
        text_printf(page->out, "{%.*s}", (int)labels->len, labels->p);
}

void exposition_number(struct exposition *page, const char *name, const char *suffix,
                       const struct buf *labels, uint64_t value)
{
    name_and_labels(page, name, suffix, labels);
    text_printf(page->out, " %" PRIu64 "\n", value);
}

void exposition_bucket(struct exposition *page, const char *name, const struct buf *labels, uint64_t value,
                       const struct exemplar *exemplar)
{
    name_and_labels(page, name, "_bucket", labels);
    text_printf(page->out, " %" PRIu64, value);
    if (page->open_metrics && exemplar)
        text_printf(page->out, " # {trace_id=\"%016" PRIx64 "%016" PRIx64 "\"} %.12g %.3f",
                    exemplar->trace_high, exemplar->trace_low, (double)exemplar->duration_ns / NS_PER_S,
                    (double)exemplar->wall_ns / NS_PER_S);
    text_printf(page->out, "\n");
}

void exposition_real(struct exposition *page, const char *name, const char *suffix, const struct buf *labels,
                     double value)
{
    name_and_labels(page, name, suffix, labels);
    if (isfinite(value))
        text_printf(page->out, " %.17g\n", value);
    else
        text_printf(page->out, " %s\n", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
}

void exposition_end(struct exposition *page)
{
    if (page->open_metrics)
        text_printf(page->out, "# EOF\n");
}
