/*
 * /metrics: the table of metrics (export/meter) as Prometheus text 0.0.4 or as OpenMetrics 1.0.
 * Thread: control.
 */
#ifndef EXPORT_PROMETHEUS_H
#define EXPORT_PROMETHEUS_H

#include "base/str.h"
#include "export/meter.h"

#include <stdbool.h>

enum { PROMETHEUS_BYTES_MAX = 64 << 20 };

/* Appends the whole exposition. `out` should have PROMETHEUS_BYTES_MAX as its maximum. */
void prometheus_write(struct text *out, const struct meter_view *view, bool open_metrics);

#define PROMETHEUS_TYPE  "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

#endif
