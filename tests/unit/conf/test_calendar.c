/*
 * Windows and freezes in real zones, over both changes of the clock. What is right is asked of the C library,
 * which reads the same database with code of its own; where the system has no database, both get the rule.
 */
#include "base/mem.h"
#include "conf/zone.h"
#include "decide/window.h"

#include "../decide/tzif.h"
#include "../unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 86400, QUARTER_S = 900 };

/* Their changes in 2026, as UTC; Tokyo has none, so any day does. */
static const struct {
    const char *name, *rule;
    int32_t offset_s;
    const char *changes[2];
} zones[] = {
    {"Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3", 3600, {"2026-03-29T01:00", "2026-10-25T01:00"}},
    {"America/New_York", "EST5EDT,M3.2.0,M11.1.0", -18000, {"2026-03-08T07:00", "2026-11-01T06:00"}},
    {"Asia/Tokyo", "JST-9", 32400, {"2026-04-01T00:00", "2026-10-01T00:00"}},
    {"Australia/Lord_Howe",
     "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
     37800,
     {"2026-04-04T15:00", "2026-10-03T15:30"}},
};

static int64_t seconds(const char *text)
{
    bool date_only;
    int64_t s;

    ck_assert_msg(civil_parse(str_from(text), &s, &date_only), "%s", text);
    return s;
}

/* The zone for us, and for localtime_r. */
static struct zone zone_of(size_t i)
{
    struct plan *plan = mem_alloc(sizeof *plan);
    char *path = mem_printf("/usr/share/zoneinfo/%s", zones[i].name), *reason = NULL, block[TZIF_MAX];
    bool there = access(path, R_OK) == 0;
    const char *why;
    struct zone zone;

    ck_assert_int_eq(setenv("TZ", there ? zones[i].name : zones[i].rule, 1), 0);
    tzset();
    plan_init(plan);
    if (there) {
        ck_assert_msg(zone_load(plan, str_from(zones[i].name), &reason), "%s", reason);
        zone = *plan_zone(plan, zones[i].name);
    } else {
        ck_assert(zone_parse(&zone, str_from(zones[i].name),
                             tzif_rule(block, zones[i].offset_s, zones[i].rule), &why));
    }
    free(plan);
    free(path);
    return zone;
}

static struct tm local(int64_t utc_s)
{
    time_t t = utc_s;
    struct tm tm;

    ck_assert_ptr_nonnull(localtime_r(&t, &tm));
    return tm;
}

START_TEST(the_clock_is_that_of_the_c_library)
{
    struct zone zone = zone_of((size_t)_i);

    for (int64_t t = seconds("2026-01-01"); t < seconds("2028-01-01"); t += UNIT_TIMES(1, 13) * QUARTER_S)
        ck_assert_msg(zone_offset_s(&zone, t) == local(t).tm_gmtoff, "%s %lld", zone.name, (long long)t);
    for (size_t c = 0; c < 2; c++)
        for (int64_t t = seconds(zones[_i].changes[c]) - 2; t < seconds(zones[_i].changes[c]) + 2; t++)
            ck_assert_msg(zone_offset_s(&zone, t) == local(t).tm_gmtoff, "%s %lld", zone.name, (long long)t);
}
END_TEST

static const struct {
    const char *days, *from, *to;
} windows[] = {
    {"mon-fri", "10:00", "17:00"}, {"daily", "01:30", "02:30"}, {"sun", "02:00", "03:00"},
    {"sun", "02:10", "02:20"},     {"sat", "22:00", "06:00"},   {"sat,sun", "01:45", "24:00"},
};

static struct window window_of(size_t i)
{
    struct window window;

    ck_assert(window_days_parse(str_from(windows[i].days), &window.days));
    ck_assert(window_clock_parse(str_from(windows[i].from), &window.from_min));
    ck_assert(window_clock_parse(str_from(windows[i].to), &window.to_min));
    return window;
}

/* What the words of a window say about a wall clock. */
static bool wall_is_inside(const struct window *window, struct tm tm)
{
    int minute = tm.tm_hour * 60 + tm.tm_min, today = (tm.tm_wday + 6) % 7, yesterday = (today + 6) % 7;
    bool opens_today = window->days >> today & 1, opened_yesterday = window->days >> yesterday & 1;

    if (window->from_min < window->to_min)
        return opens_today && minute >= window->from_min && minute < window->to_min;
    return (opens_today && minute >= window->from_min) || (opened_yesterday && minute < window->to_min);
}

/* From three days before a change to three days behind it, each quarter of an hour; the next opening is where
 * a walk finds it (every clock here changes at a whole minute that the walk meets). */
static void walk(const struct zone *zone, const struct window *window, int64_t change_s)
{
    const int64_t from = change_s - 3 * DAY_S, until = change_s + 3 * DAY_S, step = 300;
    int64_t next = -1;

    for (int64_t t = until; t >= from; t -= step) {
        bool open = wall_is_inside(window, local(t));

        ck_assert_msg(window_is_open(window, zone, t) == open, "%s %lld", zone->name, (long long)t);
        if (open)
            next = t;
        if (next >= 0)
            ck_assert_msg(window_next_open_s(window, zone, t) == next, "%s %lld: %lld, not %lld", zone->name,
                          (long long)t, (long long)window_next_open_s(window, zone, t), (long long)next);
    }
}

START_TEST(windows_follow_the_wall_clock_over_both_changes)
{
    struct zone zone = zone_of((size_t)_i);

    for (size_t w = 0; w < ARRAY_LEN(windows); w++) {
        struct window window = window_of(w);

        for (size_t c = 0; c < 2; c++)
            walk(&zone, &window, seconds(zones[_i].changes[c]));
    }
}
END_TEST

/* Whole days, so many hours long. */
static const struct {
    size_t zone;
    const char *from, *to; /* local, the end exclusive */
    double hours;
} freezes[] = {
    {0, "2026-03-29", "2026-03-30", 23},
    {0, "2026-10-24", "2026-10-26", 49},
    {0, "2026-03-01", "2026-11-30", 274 * 24},
    {1, "2026-03-08", "2026-03-09", 23},
    {1, "2026-11-01", "2026-11-02", 25},
    {2, "2026-03-29", "2026-03-30", 24},
    {3, "2026-04-05", "2026-04-06", 24.5},
    {3, "2026-10-04", "2026-10-05", 23.5},
    {0, "2026-03-29T02:30", "2026-03-29T03:30", 0.5}, /* from inside the skipped hour */
    {0, "2026-03-29T01:00", "2026-03-29T02:30", 1},   /* until inside it */
};

START_TEST(a_freeze_lasts_by_the_wall_clock)
{
    struct zone zone = zone_of(freezes[_i].zone);
    struct freeze freeze = {seconds(freezes[_i].from), seconds(freezes[_i].to)};
    int64_t t = freeze.from_s - 2 * DAY_S, begin;

    while (!freeze_is_on(&freeze, &zone, t))
        t += 60;
    begin = t;
    ck_assert_int_eq(freeze_end_s(&freeze, &zone, begin) - begin, (int64_t)(freezes[_i].hours * 3600));
    while (freeze_is_on(&freeze, &zone, t))
        t += 60;
    ck_assert_int_eq(freeze_end_s(&freeze, &zone, begin), t);
}
END_TEST

/* 02:30 comes twice: the wall clock decides, so the freeze comes back with the hour. */
START_TEST(a_freeze_that_ends_in_the_doubled_hour_comes_back)
{
    struct zone zone = zone_of(0);
    struct freeze freeze = {seconds("2026-10-25T00:00"), seconds("2026-10-25T02:30")};
    int64_t first = seconds("2026-10-25T00:30"); /* 02:30 in summer time, as UTC */

    ck_assert(freeze_is_on(&freeze, &zone, first - 1));
    ck_assert(!freeze_is_on(&freeze, &zone, first));
    ck_assert(freeze_is_on(&freeze, &zone, first + 1800));
    ck_assert(!freeze_is_on(&freeze, &zone, first + 3600));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/calendar");
    TCase *tcase = tcase_create("calendar");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, the_clock_is_that_of_the_c_library, 0, ARRAY_LEN(zones));
    tcase_add_loop_test(tcase, windows_follow_the_wall_clock_over_both_changes, 0, ARRAY_LEN(zones));
    tcase_add_loop_test(tcase, a_freeze_lasts_by_the_wall_clock, 0, ARRAY_LEN(freezes));
    tcase_add_test(tcase, a_freeze_that_ends_in_the_doubled_hour_comes_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
