#include "export/exposition.h"

#include <inttypes.h>
#include <math.h>

void exposition_family(struct exposition *page, const char *name, enum exposition_kind kind, const char *help)
{
    static const char *const kinds[] = {
        [EXPOSITION_COUNTER] = "counter", [EXPOSITION_GAUGE] = "gauge", [EXPOSITION_HISTOGRAM] = "histogram"};
    const char *suffix = kind == EXPOSITION_COUNTER && !page->open_metrics ? "_total" : "";

    text_printf(page->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, kinds[kind]);
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
