/*
 * HTTP/1.1 heads (RFC 9112): find the end of a head while it arrives, then parse it at once.
 *
 *     h1_scan_init(&scan);                                       once per message, at its first byte
 *     switch (h1_scan(&scan, &h1_request_limits, in, len))       after each read, always from the same first
 * byte H1_SCAN_DONE: head_init(&head, fields, cap); error = h1_request_parse(&scan, &limits, in, &head); the
 * content begins at in + scan.end
 *
 * The scan checks every byte (line ends, control characters, sizes); the parse relies on it and looks at each
 * field once. Both are far stricter than the RFC demands: nothing is repaired, so no two readers can
 * disagree. Pure; no allocation; any thread.
 */
#ifndef PROTO_H1_H
#define PROTO_H1_H

#include "proto/h1_error.h"
#include "proto/h1_limits.h"
#include "proto/head.h"

enum h1_scan_result {
    H1_SCAN_MORE, /* the head goes on behind the input */
    H1_SCAN_DONE, /* scan.end is set */
    H1_SCAN_BAD,  /* scan.error is set; it stays so */
};

/* Positions in the input: start <= line <= seen <= end. */
struct h1_scan {
    uint32_t start; /* of the start line; behind the empty line that may precede it */
    uint32_t line;  /* of the line in progress */
    uint32_t seen;  /* what was looked at; a CR at the end of the input counts as not seen */
    uint32_t end;   /* behind the empty line; 0 until DONE */
    uint16_t lines; /* finished lines that are not empty */
    enum h1_error error : 16;
};

void h1_scan_init(struct h1_scan *scan);

/*
 * Looks for the end of a head in `in`, which must begin where it began at the first call and may only have
 * grown. Each byte is looked at once over all calls. A wrong line end or control character is BAD as soon as
 * it is seen, and a head beyond its limits as soon as it exceeds them, however the input is cut.
 */
MUST_CHECK enum h1_scan_result h1_scan(struct h1_scan *scan, const struct h1_limits *limits, const char *in,
                                       size_t len);
/* Whether something of a message has arrived in `len` bytes: an empty line in front is nothing yet. */
static inline bool h1_scan_begun(const struct h1_scan *scan, size_t len)
{
    return len > scan->start;
}

/*
 * Parses the request head that `scan` has found DONE in `in` into an empty head with room for limits->fields.
 * Returns H1_OK or why the request is refused; the head is then incomplete, but all that it holds is valid
 * (for the log). Source: RFC 9112 sections 3, 5, 6; RFC 9110 sections 7.2, 7.6.1, 7.8, 10.1.
 */
MUST_CHECK enum h1_error h1_request_parse(const struct h1_scan *scan, const struct h1_limits *limits,
                                          const char *in, struct head *head);
/*
 * The same for a response to a request with this method, on which the framing depends (RFC 9112 section 6.3).
 * 1xx are responses like others (FRAMING_NONE), with the final one to follow.
 */
MUST_CHECK enum h1_error h1_response_parse(const struct h1_scan *scan, const char *in, enum method method,
                                           struct head *head);

#endif
