/*
 * A report as JSON, for programs and for the page (report/html). Times are ISO 8601 at the top and seconds
 * since 1970 in columns, weights and shares percent, latencies milliseconds; null is what is not known.
 *
 * Thread: any; pure.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "base/bug.h"

#include <jansson.h>
#include <stdint.h>

struct report;

/* A new reference. `now_ns` is when it is made, wall clock. */
MUST_CHECK json_t *report_json(const struct report *report, int64_t now_ns);

#endif
