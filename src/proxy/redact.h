/*
 * What the configuration wants of a log line beside the table of fields: chosen header fields in it, and
 * values of query parameters out of it. Thread: any; pure.
 */
#ifndef PROXY_REDACT_H
#define PROXY_REDACT_H

#include "base/str.h"
#include "proto/head.h"

#include <stddef.h>

/* The fields of `names` (in lower case) as a JSON object, a field that comes several times as one, its values
 * joined by
 * ", ". A value that does not fit any more is left out; absent when there is none at all. Lies in `out`. */
struct str redact_headers(const struct head *head, char *const *names, size_t len, struct buf *out);
/*
 * A query or a whole URL, with REDACTED for the value of each parameter of `names`, whatever the case of its
 * letters. Borrowed from `text` when there is none, else it lies in `out`, cut where that is full.
 */
struct str redact_query(struct str text, char *const *names, size_t len, struct buf *out);

#endif
