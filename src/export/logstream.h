/*
 * Standard output as a place for the access log.
 */
#ifndef EXPORT_LOGSTREAM_H
#define EXPORT_LOGSTREAM_H

struct logplace;

/* See logplace_open, which is who calls this. */
struct logplace *logstream_new(void);

#endif
