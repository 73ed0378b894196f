#include "decide/window.h"

#include "base/bug.h"

#include <stdio.h>

enum {
    DAY_S = 24 * 60 * 60,
    SEARCH_DAYS = 400, /* every window opens at least once a week; a zone may skip a day once */
};

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
static const char *const day_titles[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static bool day_parse(struct str s, unsigned *day_r)
{
    for (unsigned i = 0; i < ARRAY_LEN(day_names); i++) {
        if (str_eq_nocase(s, str_from(day_names[i]))) {
            *day_r = i;
            return true;
        }
    }
    return false;
}

/* One day or `fri-mon`. */
static bool day_range_parse(struct str s, uint8_t *days)
{
    struct str from;
    unsigned first, last;

    if (!str_split(&s, '-', &from) || !day_parse(str_trim(from), &first))
        return false;
    last = first;
    if (s.p && !day_parse(str_trim(s), &last))
        return false;
    for (unsigned day = first;; day = (day + 1) % 7) {
        *days |= (uint8_t)(1u << day);
        if (day == last)
            return true;
    }
}

bool window_days_parse(struct str s, uint8_t *days_r)
{
    uint8_t days = 0;
    struct str piece;

    if (str_eq_nocase(str_trim(s), STR("daily"))) {
        *days_r = 0x7f;
        return true;
    }
    while (str_split(&s, ',', &piece)) {
        if (!day_range_parse(str_trim(piece), &days))
            return false;
    }
    *days_r = days;
    return days != 0;
}

bool window_clock_parse(struct str s, uint16_t *minute_r)
{
    uint64_t hour, minute;

    if (s.len != 5 || s.p[2] != ':' || !str_to_u64((struct str){s.p, 2}, &hour) ||
        !str_to_u64((struct str){s.p + 3, 2}, &minute))
        return false;
    if (minute > 59 || hour * 60 + minute > WINDOW_DAY_MIN)
        return false;
    *minute_r = (uint16_t)(hour * 60 + minute);
    return true;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && a < 0);
}

static bool opens_on(const struct window *window, int64_t day)
{
    int64_t weekday = (day + 3) - floor_div(day + 3, 7) * 7; /* 1970-01-01 was a Thursday */

    return window->days >> weekday & 1;
}

static bool open_at_local(const struct window *window, int64_t local_s)
{
    int64_t day = floor_div(local_s, DAY_S);
    int64_t minute = (local_s - day * DAY_S) / 60;

    if (window->from_min < window->to_min)
        return opens_on(window, day) && minute >= window->from_min && minute < window->to_min;
    return (opens_on(window, day) && minute >= window->from_min) ||
           (opens_on(window, day - 1) && minute < window->to_min);
}

bool window_is_open(const struct window *window, const struct zone *zone, int64_t utc_s)
{
    return open_at_local(window, utc_s + zone_offset_s(zone, utc_s));
}

/* The first local second after `local_s`, which is outside, at which the window opens on a clock that just
 * runs on. */
static int64_t next_open_local(const struct window *window, int64_t local_s)
{
    int64_t day = floor_div(local_s, DAY_S);

    for (int64_t i = 0; i < 8; i++) {
        int64_t open_s = (day + i) * DAY_S + window->from_min * 60;

        if (opens_on(window, day + i) && open_s >= local_s)
            return open_s;
    }
    return INT64_MAX;
}

/* From one change of the offset to the next the wall clock just runs on; at a change it may jump into the
 * window. */
int64_t window_next_open_s(const struct window *window, const struct zone *zone, int64_t utc_s)
{
    int64_t end = utc_s + (int64_t)SEARCH_DAYS * DAY_S;

    while (utc_s < end) {
        int64_t until;
        int32_t offset = zone_offset_until_s(zone, utc_s, &until);
        int64_t open_s;

        if (open_at_local(window, utc_s + offset))
            return utc_s;
        open_s = next_open_local(window, utc_s + offset);
        if (open_s == INT64_MAX)
            return -1;
        if (open_s - offset < until)
            return open_s - offset;
        utc_s = until;
    }
    return -1;
}

bool freeze_is_on(const struct freeze *freeze, const struct zone *zone, int64_t utc_s)
{
    int64_t local_s = utc_s + zone_offset_s(zone, utc_s);

    return local_s >= freeze->from_s && local_s < freeze->to_s;
}

int64_t freeze_end_s(const struct freeze *freeze, const struct zone *zone, int64_t utc_s)
{
    for (;;) {
        int64_t until;
        int32_t offset = zone_offset_until_s(zone, utc_s, &until);

        if (utc_s + offset >= freeze->to_s)
            return utc_s;
        if (freeze->to_s - offset < until)
            return freeze->to_s - offset;
        utc_s = until;
    }
}

const char *window_text(const struct zone *zone, int64_t utc_s, char out[static WINDOW_TEXT_LEN])
{
    struct civil civil = civil_from_s(utc_s + zone_offset_s(zone, utc_s));

    snprintf(out, WINDOW_TEXT_LEN, "%s %04d-%02d-%02d %02d:%02d %s", day_titles[civil.weekday], civil.year,
             civil.month, civil.day, civil.hour, civil.minute, zone->name);
    return out;
}
