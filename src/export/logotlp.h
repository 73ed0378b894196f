/*
 * The place that sends spans to a collector: OTLP over HTTP, as JSON. It makes them of lines (export/otlp),
 * gathers them in batches, and asks again for what was not taken, later each time. What waits is bounded;
 * beyond it spans are lost, counted by their lines. Thread: that of its place; the only user of libcurl here.
 */
#ifndef EXPORT_LOGOTLP_H
#define EXPORT_LOGOTLP_H

#include "conf/config.h"
#include "export/logplace.h"

/* `conf` is borrowed for the call. Thread: control. */
struct logplace *logotlp_new(const struct config_log *conf);

#endif
