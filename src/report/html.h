/*
 * A report as one page of HTML that needs nothing else: data, script, sheet and charting library stand in it.
 * Its policy lets nothing else run and asks nobody; what comes from logs is data whose '<' is escaped, and
 * becomes text only.
 *
 * Thread: any.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "base/bug.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct report;

/* `now_ns` is when it is made, wall clock. False when it could not be written whole; errno says why. */
MUST_CHECK bool report_html(const struct report *report, int64_t now_ns, FILE *out);

#endif
