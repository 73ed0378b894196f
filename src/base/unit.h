/*
 * The units that people write in files: durations `250ms 10s 5m 2h 7d` and sizes `64KiB 2GiB`. One parser and
 * one printer for each, so that what is printed can be read back.
 */
#ifndef BASE_UNIT_H
#define BASE_UNIT_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A whole or decimal number with one unit (ns us ms s m h d), or several falling ones (`1h30m`), or a bare 0.
 * `*ns_r` is in nanoseconds. False when the text is anything else or beyond 10 years; *ns_r is then
 * untouched. */
MUST_CHECK bool unit_duration_parse(struct str s, int64_t *ns_r);
/* A whole number of bytes, bare or with B, or a whole or decimal number with KiB MiB GiB TiB (powers of 1024)
 * or KB MB GB TB (powers of 1000). False when the text is anything else or beyond 8192TiB; *bytes_r is then
 * untouched. */
MUST_CHECK bool unit_size_parse(struct str s, uint64_t *bytes_r);

enum { UNIT_TEXT_LEN = 32 };
/* Writes the shortest exact form (`90s` becomes `1m30s`) with a NUL and gives `out` back. */
const char *unit_duration_text(int64_t ns, char out[static UNIT_TEXT_LEN]);
const char *unit_size_text(uint64_t bytes, char out[static UNIT_TEXT_LEN]);

#endif
