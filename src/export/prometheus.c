#include "export/prometheus.h"

#include "base/clk.h"
#include "export/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A bucket: its upper edge, and its place in struct shard_side. */
struct bucket {
    double edge_s; /* INFINITY: the last */
    size_t at;
};

static int by_edge(const void *a, const void *b)
{
    const struct bucket *x = a, *y = b;

    if (x->edge_s != y->edge_s)
        return x->edge_s < y->edge_s ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

/* All of them, by their edges. */
static size_t find_buckets(const struct route_bounds *bounds, struct bucket buckets_r[static SHARD_BUCKETS])
{
    size_t len = SHARD_EDGES + 1 + bounds->len;

    for (size_t i = 0; i < len; i++)
        buckets_r[i] =
            (struct bucket){i < SHARD_EDGES    ? shard_edges_s[i]
                            : i == SHARD_EDGES ? INFINITY
                                               : (double)bounds->ns[i - SHARD_EDGES - 1] / NS_PER_S,
                            i};
    qsort(buckets_r, len, sizeof *buckets_r, by_edge);
    return len;
}

/* The last request in a bucket of which a trace was recorded. */
static bool last_exemplar(const struct meter_place *place, size_t bucket, struct exemplar *last_r)
{
    bool found = false;

    for (size_t w = 0; w < place->view->shards_len; w++) {
        struct shard_route *route = shard_route(place->view->shards[w], place->route->conf->slot);
        struct shard_exemplars *exemplars = route ? shard_exemplars(route) : NULL;
        struct exemplar exemplar;

        if (!exemplars || !exemplar_get(&exemplars->side[place->side][bucket], &exemplar))
            continue;
        if (!found || exemplar.wall_ns > last_r->wall_ns)
            *last_r = exemplar;
        found = true;
    }
    return found;
}

static void write_bucket(struct exposition *page, const struct meter_sample *sample, const struct buf *labels,
                         const struct bucket *bucket, uint64_t below)
{
    struct exemplar exemplar;
    char edge[32];
    EXPOSITION_LABELS(edged);

    buf_str_add(&edged, buf_str(labels));
    snprintf(edge, sizeof edge, "%.9g", bucket->edge_s);
    exposition_label(&edged, "le", isfinite(bucket->edge_s) ? edge : "+Inf");
    exposition_bucket(page, sample->meter->name, &edged, below,
                      page->open_metrics && last_exemplar(sample->place, bucket->at, &exemplar) ? &exemplar
                                                                                                : NULL);
}

static void write_histogram(struct exposition *page, const struct meter_sample *sample,
                            const struct buf *labels)
{
    const char *name = sample->meter->name;
    struct bucket buckets[SHARD_BUCKETS];
    size_t len = find_buckets(sample->place->route->bounds, buckets);
    uint64_t below = 0;

    for (size_t i = 0; i < len; i++) {
        below += meter_sum(sample->place, METER_SIDE,
                           offsetof(struct shard_side, buckets) + buckets[i].at * sizeof(struct cell));
        /* A threshold may be one of the fixed edges, whose bucket has all of it. */
        if (i == 0 || buckets[i].edge_s > buckets[i - 1].edge_s)
            write_bucket(page, sample, labels, &buckets[i], below);
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
