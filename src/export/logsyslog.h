/*
 * A syslog server as a place for the access log: one message of RFC 5424 for each line, by UDP (RFC 5426), by
 * TCP with octet counting (RFC 6587), or over a unix datagram socket. Syslog acknowledges nothing: what a
 * server loses is lost, and not counted.
 */
#ifndef EXPORT_LOGSYSLOG_H
#define EXPORT_LOGSYSLOG_H

#include "base/str.h"

#include <stdint.h>

struct config_log;
struct logplace;

/* See logplace_open, which is who calls this. */
struct logplace *logsyslog_new(const struct config_log *conf);

/* What messages have in common. */
struct logsyslog_origin {
    uint32_t facility; /* 0 to 23 */
    const char *app, *host;
    long pid;
};
/* One message around a line (without its LF), without framing. Time, severity and platform are those of the
 * line where it is in the preset json; else now_wall_ns, informational, and none. Pure. */
void logsyslog_message(const struct logsyslog_origin *origin, struct str line, int64_t now_wall_ns,
                       struct buf *out);

#endif
