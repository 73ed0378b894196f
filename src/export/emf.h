/*
 * Metrics for CloudWatch: lines in its Embedded Metric Format, of which CloudWatch Logs (or its agent) makes
 * metrics by itself. Of each side of a route on which something has ended since the last time there is one
 * line, with what the table of metrics (export/meter) counts there:
 *
 *   {"_aws":{"Timestamp":…,"CloudWatchMetrics":[{"Namespace":"Penstock","Dimensions":[["Route",…]],
 *    "Metrics":[{"Name":"Requests","Unit":"Count"},…]}]},"Route":"web",…,"Requests":7,"Errors":0,
 *    "Latency":[12.5,14]}
 *
 * A metric may have EMF_VALUES values a line. Of more answers, Latency has as many quantiles with the same
 * distance, the least and the greatest among them; how many there were, Requests says.
 *
 * Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format". Thread: control.
 */
#ifndef EXPORT_EMF_H
#define EXPORT_EMF_H

#include "base/str.h"
#include "conf/config.h"
#include "export/meter.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    EMF_VALUES = 100,      /* of one metric in a line; a line has fewer metrics and dimensions than may be */
    EMF_LINE_BYTES = 8192, /* no line is longer */
    EMF_BYTES_MAX = CONFIG_ROUTES_MAX * ROUTE_SIDES * EMF_LINE_BYTES,
};

struct emf;

/* Never NULL. */
struct emf *emf_new(void);
/* NULL is allowed. */
void emf_free(struct emf *emf);

/* Whether its interval is over. False when nothing is to be written at all. */
bool emf_is_due(const struct emf *emf, const struct config_emf *conf, int64_t now_ns);
/*
 * Appends the lines, each with its LF, and gives their number: what has increased since the last call, or
 * since the start. `out` should have EMF_BYTES_MAX as its maximum. `now_ns` is monotonic.
 */
uint32_t emf_write(struct emf *emf, const struct meter_view *view, int64_t now_ns, int64_t wall_ns,
                   struct text *out);

#endif
