/*
 * Servers of Fluentd's forward protocol (fluentd, Fluent Bit, FireLens) as a place for the access log. Each
 * message asks for an acknowledgement, and is kept until it comes: in memory up to a bound, beyond it in a
 * spool on the disk, if there is one.
 *
 *   lines ──> message ──> waiting ── sent ──> in flight ── acknowledged ──> counted as written
 *                            ^                    │
 *                            └── connection lost ─┘      at least once: a record may come twice, with the
 * same id
 */
#ifndef EXPORT_LOGFORWARD_H
#define EXPORT_LOGFORWARD_H

struct config_log;
struct logplace;

/* See logplace_open, which is who calls this. */
struct logplace *logforward_new(const struct config_log *conf);

#endif
