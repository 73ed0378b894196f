/*
 * Time zones and civil time, pure: a zone is parsed from the bytes of a TZif file (RFC 9636), which somebody
 * else reads. No tzset, no localtime, no environment.
 */
#ifndef DECIDE_ZONE_H
#define DECIDE_ZONE_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ZONE_NAME_MAX = 64, /* bytes with NUL; the longest IANA name has 32 */
    ZONE_CHANGES_MAX = 400,
};

/* One end of summer time in the rule behind the last change (POSIX TZ string). */
struct zone_rule_date {
    enum { ZONE_DATE_NONE, ZONE_DATE_MONTH, ZONE_DATE_JULIAN, ZONE_DATE_DAY } form;
    int month, week,
        day;        /* MONTH: 1-12, 1-5 (5 is last), 0-6 from Sunday; JULIAN 1-365, DAY 0-365 in `day` */
    int32_t time_s; /* local time of day of the change */
};

/* Plain data, without pointers. */
struct zone {
    char name[ZONE_NAME_MAX];
    size_t changes_len;
    int64_t at_s[ZONE_CHANGES_MAX];       /* UTC seconds at which offset_s[i] begins, rising */
    int32_t offset_s[ZONE_CHANGES_MAX];   /* seconds to add to UTC */
    int32_t first_offset_s;               /* before at_s[0] */
    int32_t rule_offset_s, rule_summer_s; /* after the last change */
    struct zone_rule_date summer, winter; /* form NONE: no summer time */
};

/*
 * Parses a TZif file of version 1 to 4. Errors: false with a reason in *why_r (constant text); `zone` is then
 * undefined. Leap seconds are refused ("right/" zones). Source: RFC 9636.
 */
MUST_CHECK bool zone_parse(struct zone *zone, struct str name, struct str bytes, const char **why_r);
/* UTC itself, which needs no file. */
void zone_utc(struct zone *zone);
/* Seconds to add to UTC at this instant. */
int32_t zone_offset_s(const struct zone *zone, int64_t utc_s);
/* The same, and in *until_r the first later instant at which it may be another (INT64_MAX: never). */
int32_t zone_offset_until_s(const struct zone *zone, int64_t utc_s, int64_t *until_r);

/* A date and a time of day as people write them, without a zone. */
struct civil {
    int32_t year;
    int month, day;           /* 1-12, 1-31 */
    int hour, minute, second; /* 0-23, 0-59, 0-59 */
    int weekday;              /* 0 is Monday */
};

/* Local seconds (counted as if the zone were UTC) to a date and back; `weekday` is not read. Source: the
 * proleptic Gregorian calendar. */
struct civil civil_from_s(int64_t local_s);
int64_t civil_to_s(const struct civil *civil);
/* Parses `2026-12-28` or `2026-12-28T10:00[:00]` (also with a blank instead of T) to local seconds. */
MUST_CHECK bool civil_parse(struct str s, int64_t *local_s_r, bool *date_only_r);
/* The same as UTC, with a Z behind it or not, in ns since 1970. False for years before 1970 and from 2200 on
 * too: ns fit into 64 bits until 2262. */
MUST_CHECK bool civil_wall_ns(struct str s, int64_t *wall_ns_r);

#endif
