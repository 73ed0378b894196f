/*
 * Values as access logs write them: numbers and the two forms of time. Thread: any; pure.
 */
#ifndef EXPORT_LOGVALUE_H
#define EXPORT_LOGVALUE_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Digits, with decimals or without; up to 18 digits before the point. False on anything else, a sign too. */
MUST_CHECK bool logvalue_number(struct str s, double *value_r);
/* "2026-11-21T06:00:00.123Z", with any number of decimals or none, in UTC or with "+09:00"; or
 * "21/Nov/2026:06:00:00 +0900", in brackets or not. `*wall_ns_r` is since 1970. False on anything else, and
 * for years before 1970 and from 2200 on. */
MUST_CHECK bool logvalue_time(struct str s, int64_t *wall_ns_r);

#endif
