/*
 * Segments of AWS X-Ray as JSON, made of a line of the access log: a segment of the request with a subsegment
 * of each try, as the daemon takes them by UDP. A part that a client has not seen (a shielded request, a
 * copy) is a subsegment that is sent alone. Ids are those of the trace context: the first 8 digits of a trace
 * are X-Ray's time where the trace began here.
 *
 * Texts stand in the line with their escapes and go on as they are. Pure; any thread.
 *
 * Source: AWS X-Ray developer guide, "Segment documents" and "Sending trace data to X-Ray".
 */
#ifndef EXPORT_XRAY_H
#define EXPORT_XRAY_H

#include "export/logread.h"

#include <stddef.h>

enum {
    XRAY_MAX = 63 * 1024, /* of a datagram; the daemon takes 64 KiB */
    XRAY_NAME_MAX = 200,
    XRAY_TEXT_MAX = 2000, /* of a URL and the like; longer texts are cut */
    XRAY_ADDRESS_MAX = 256,
};

/* Writes a datagram of what the line tells from *at on: a whole segment, or one part after the other. False
 * when nothing is left; out->full when it does not fit. Begin with *at = 0; the parts of `read` are filled
 * in. */
MUST_CHECK bool xray_write(const struct logread *read, size_t *at, struct buf *out);

/* Where the daemon takes segments by UDP, of a text as AWS_XRAY_DAEMON_ADDRESS has it: "host:port", or
 * "tcp:host:port udp:host:port" in either order. False when there is none. */
MUST_CHECK bool xray_address(struct str text, char address_r[static XRAY_ADDRESS_MAX]);

#endif
