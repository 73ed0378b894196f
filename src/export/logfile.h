/*
 * A file as a place for the access log: turned when it is full or old, its predecessors packed, all of them
 * together under a cap that is never passed. A path that is no regular file (a pipe, /dev/full) is written to
 * as it is; a named pipe has to have a reader when it is opened.
 *
 *   access.jsonl ── full ──> access-20261126T030405.123Z.jsonl ── packed ──> ….jsonl.gz ── no room ──>
 * removed
 */
#ifndef EXPORT_LOGFILE_H
#define EXPORT_LOGFILE_H

struct config_log;
struct logplace;

/* See logplace_open, which is who calls this. */
struct logplace *logfile_new(const struct config_log *conf);

#endif
