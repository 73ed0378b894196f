/*
 * The text format of Prometheus 0.0.4, or OpenMetrics 1.0, as families and samples; what they say is
 * export/meter's business. A family is begun once and its samples follow it. Pure. Thread: any.
 */
#ifndef EXPORT_EXPOSITION_H
#define EXPORT_EXPOSITION_H

#include "base/str.h"
#include "export/meter.h"
#include "proxy/exemplar.h"

#include <stdbool.h>
#include <stdint.h>

struct exposition {
    struct text *out; /* borrowed */
    bool open_metrics;
};

/* `name` is without _total, which a counter's samples have and, in 0.0.4, its family too. `help` is one
 * sentence. */
void exposition_family(struct exposition *page, const char *name, enum meter_kind kind, const char *help);

/* A label set under construction: names have at most 63 bytes, addresses 108. */
enum { EXPOSITION_LABELS_MAX = 512 };
#define EXPOSITION_LABELS(labels)                                                                            \
    char labels##_block[EXPOSITION_LABELS_MAX];                                                              \
    struct buf labels;                                                                                       \
    buf_init(&labels, labels##_block, sizeof labels##_block)
/* Adds a label; the value is escaped. */
void exposition_label(struct buf *labels, const char *name, const char *value);

/* One sample of `name` and `suffix` (_total, _bucket, or none). `labels` may be NULL or empty. */
void exposition_number(struct exposition *page, const char *name, const char *suffix,
                       const struct buf *labels, uint64_t value);
void exposition_real(struct exposition *page, const char *name, const char *suffix, const struct buf *labels,
                     double value);
/* The same of a bucket; `exemplar` is one of the requests that it counts (NULL: none), and shown in
 * OpenMetrics. */
void exposition_bucket(struct exposition *page, const char *name, const struct buf *labels, uint64_t value,
                       const struct exemplar *exemplar);
/* What must stand behind the last sample. */
void exposition_end(struct exposition *page);

#endif
