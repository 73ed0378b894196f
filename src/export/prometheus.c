#include "export/prometheus.h"

#include "base/clk.h"
#include "export/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A bucket: its upper edge, and its cell in struct shard_side. */
struct bucket {
    double edge_s; /* INFINITY: the last */
    size_t cell;
};
enum { BUCKETS_MAX = SHARD_EDGES + 1 + ROUTE_BOUNDS };

static int by_edge(const void *a, const void *b)
{
    double x = ((const struct bucket *)a)->edge_s, y = ((const struct bucket *)b)->edge_s;

    return x < y ? -1 : x > y;
}

/* All of them, by their edges. */
static size_t find_buckets(const struct route_bounds *bounds, struct bucket buckets_r[static BUCKETS_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i <= SHARD_EDGES; i++)
        buckets_r[len++] = (struct bucket){i < SHARD_EDGES ? shard_edges_s[i] : INFINITY,
                                           offsetof(struct shard_side, buckets) + i * sizeof(struct cell)};
    for (size_t i = 0; i < bounds->len; i++)
        buckets_r[len++] = (struct bucket){(double)bounds->ns[i] / NS_PER_S,
                                           offsetof(struct shard_side, bounded) + i * sizeof(struct cell)};
    qsort(buckets_r, len, sizeof *buckets_r, by_edge);
    return len;
}

static void write_bucket(struct exposition *page, const char *name, const struct buf *labels, double edge_s,
                         uint64_t below)
{
    char edge[32];
    EXPOSITION_LABELS(edged);

    buf_str_add(&edged, buf_str(labels));
    snprintf(edge, sizeof edge, "%.9g", edge_s);
    exposition_label(&edged, "le", isfinite(edge_s) ? edge : "+Inf");
    exposition_number(page, name, "_bucket", &edged, below);
}

static void write_histogram(struct exposition *page, const struct meter_sample *sample,
                            const struct buf *labels)
{
    const char *name = sample->meter->name;
    struct bucket buckets[BUCKETS_MAX];
    size_t len = find_buckets(sample->place->route->bounds, buckets);
    uint64_t below = 0;

    for (size_t i = 0; i < len; i++) {
        below += meter_sum(sample->place, METER_SIDE, buckets[i].cell);
        /* A threshold may be one of the fixed edges: they are shown as one. */
        if (i + 1 == len || buckets[i + 1].edge_s > buckets[i].edge_s)
            write_bucket(page, name, labels, buckets[i].edge_s, below);
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
