#include "export/prometheus.h"

#include "base/clk.h"
#include "export/exposition.h"

#include <stdio.h>

static void write_histogram(struct exposition *page, const struct meter_sample *sample,
                            const struct buf *labels)
{
    const char *name = sample->meter->name;
    uint64_t below = 0;

    for (size_t i = 0; i <= SHARD_EDGES; i++) {
        char edge[32];
        EXPOSITION_LABELS(edged);

        below += meter_sum(sample->place, METER_SIDE,
                           offsetof(struct shard_side, buckets) + i * sizeof(struct cell));
        buf_str_add(&edged, buf_str(labels));
        snprintf(edge, sizeof edge, "%g", i < SHARD_EDGES ? shard_edges_s[i] : 0);
        exposition_label(&edged, "le", i < SHARD_EDGES ? edge : "+Inf");
        exposition_number(page, name, "_bucket", &edged, below);
    }
    exposition_real(page, name, "_sum", labels,
                    (double)meter_sum(sample->place, METER_SIDE, offsetof(struct shard_side, duration_ns)) /
                        NS_PER_S);
    exposition_number(page, name, "_count", labels, below);
}

static void write_sample(const struct meter_sample *sample, void *arg)
{
    struct exposition *page = arg;
    EXPOSITION_LABELS(labels);

    for (size_t i = 0; i < sample->labels->len; i++)
        exposition_label(&labels, sample->labels->labels[i].name, sample->labels->labels[i].value);
    switch (sample->meter->kind) {
    case METER_HISTOGRAM:
        write_histogram(page, sample, &labels);
        return;
    case METER_COUNTER:
        exposition_real(page, sample->meter->name, "_total", &labels, sample->value);
        return;
    case METER_GAUGE:
        exposition_real(page, sample->meter->name, "", &labels, sample->value);
        return;
    }
}

void prometheus_write(struct text *out, const struct meter_view *view, bool open_metrics)
{
    struct exposition page = {out, open_metrics};
    const struct meter *meter;

    for (size_t i = 0; (meter = meter_row(i)) != NULL; i++) {
        exposition_family(&page, meter->name, meter->kind, meter->help);
        meter_each(view, meter, write_sample, &page);
    }
    exposition_end(&page);
}
