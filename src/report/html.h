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
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct report;

enum { REPORT_NONCE_LEN = 33 }; /* with NUL */

/* `now_ns` is when it is made, wall clock. False when it could not be written whole; errno says why. */
MUST_CHECK bool report_html(const struct report *report, int64_t now_ns, FILE *out);
/* What a page's own scripts and sheets have, for the policy of who serves it; false when it is no page of
 * ours. */
MUST_CHECK bool report_html_nonce(struct str page, char nonce[static REPORT_NONCE_LEN]);

#endif
