/*
 * When a plan may go forward: windows by weekday and wall clock, and freezes by date. The wall clock of the
 * zone decides, also on days with a skipped or a doubled hour. Neither ever stops a way back.
 */
#ifndef DECIDE_WINDOW_H
#define DECIDE_WINDOW_H

#include "base/bug.h"
#include "base/str.h"
#include "decide/zone.h"

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_DAY_MIN = 24 * 60 };

/* Open on each day of `days` from from_min until to_min; with to_min <= from_min it lasts past midnight and
 * belongs to the day on which it opens. */
struct window {
    uint8_t days;      /* bit 0 is Monday, bit 6 Sunday */
    uint16_t from_min; /* minute of the local day, 0 to 1439 */
    uint16_t to_min;   /* minute of the local day, exclusive, 0 to 1440 */
};

/* Parses `mon-thu`, `sat`, `mon,wed-fri`, `fri-mon`, `daily`; false on anything else. */
MUST_CHECK bool window_days_parse(struct str s, uint8_t *days_r);
/* Parses `10:00` to a minute of the day; `24:00` gives 1440. */
MUST_CHECK bool window_clock_parse(struct str s, uint16_t *minute_r);

/* Whether it is open at this instant (UTC seconds). */
bool window_is_open(const struct window *window, const struct zone *zone, int64_t utc_s);
/* The first instant at or after utc_s at which it is open; -1 when that is more than 400 days away. */
int64_t window_next_open_s(const struct window *window, const struct zone *zone, int64_t utc_s);

/* No forward from from_s until to_s, both local seconds of the zone (civil_parse); to_s is exclusive: a date
 * without a time as the end means the end of that day. */
struct freeze {
    int64_t from_s, to_s;
};

bool freeze_is_on(const struct freeze *freeze, const struct zone *zone, int64_t utc_s);
/* The first instant at or after utc_s at which the local clock has passed to_s. */
int64_t freeze_end_s(const struct freeze *freeze, const struct zone *zone, int64_t utc_s);

enum { WINDOW_TEXT_LEN = 96 };
/* Writes an instant for people, with the zone: `Thu 2026-11-26 10:00 Asia/Tokyo`. */
const char *window_text(const struct zone *zone, int64_t utc_s, char out[static WINDOW_TEXT_LEN]);

#endif
