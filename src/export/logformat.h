/*
 * The presets: an access-log line of ours, written anew as somebody else expects it. The names are columns of
 * proxy/logfield.def; what has no names but places (alb, combined) is in export/logplain.
 *
 * A worker writes each line once, in the preset json; that a sink wants another one costs the sink's thread.
 * Thread: any, one at a time for each.
 */
#ifndef EXPORT_LOGFORMAT_H
#define EXPORT_LOGFORMAT_H

#include "base/str.h"
#include "conf/config.h"
#include "export/logread.h"

struct logformat;

/* Owned by the caller. Never NULL. */
struct logformat *logformat_new(enum config_log_format preset);
/* NULL is allowed. */
void logformat_free(struct logformat *format);
/*
 * Adds the line with its LF. `read` is what was found in the line, with its parts, and a sample rate, which
 * is not in `line`. Errors: out->full when there was no room; up to LOGFORMAT_MAX bytes may be needed.
 */
enum { LOGFORMAT_MAX = 64 * 1024 };
void logformat_write(const struct logformat *format, struct str line, const struct logread *read,
                     struct buf *out);

#endif
