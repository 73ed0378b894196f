/*
 * The lines of a trace (decide/trace), JSON objects: the head, then one a request.
 *
 *   {"trace":1,"id":"x/1","slo_ms":500,"horizon":14400,"stable":"ec2","canary":"fargate","route":"key+n","alt":null}
 *   {"t":0.013,"key":"c000042","ec2":{"status":200,"ms":41.3},"fargate":{"status":200,"ms":43.0}}
 *
 * Requests are read by a scanner that knows nothing but this, at a million a second and more; what it does
 * not understand goes to jansson, which says what is wrong. Thread: any; pure.
 */
#ifndef CLI_TRACELINE_H
#define CLI_TRACELINE_H

#include "base/bug.h"
#include "base/str.h"
#include "decide/trace.h"

#include <stdbool.h>

enum { TRACELINE_WHY_MAX = 160 };

/* Reads the head. False with the reason in `why`; *head_r is then undefined. */
MUST_CHECK bool traceline_head(struct str line, struct trace_head *head_r,
                               char why[static TRACELINE_WHY_MAX]);
/* Reads a request. False with the reason in `why`. */
MUST_CHECK bool traceline_request(const struct trace_head *head, struct str line,
                                  struct trace_request *request_r, char why[static TRACELINE_WHY_MAX]);
/* The scanner alone: false when the line is anything but the usual. For tests. */
MUST_CHECK bool traceline_scan(const struct trace_head *head, struct str line,
                               struct trace_request *request_r);

#endif
