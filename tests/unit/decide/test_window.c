#include "decide/window.h"

#include "../unit.h"
#include "tzif.h"

static struct zone berlin, tokyo;

static void zones(void)
{
    char block[TZIF_MAX];
    const char *why;

    ck_assert(zone_parse(&berlin, STR("Europe/Berlin"), tzif_rule(block, 3600, TZIF_BERLIN), &why));
    ck_assert(zone_parse(&tokyo, STR("Asia/Tokyo"), tzif_rule(block, 32400, TZIF_TOKYO), &why));
}

static int64_t utc(const char *text)
{
    int64_t s;
    bool date_only;

    ck_assert_msg(civil_parse(str_from(text), &s, &date_only), "%s", text);
    return s;
}

static struct window window(const char *days, const char *from, const char *to)
{
    struct window window;

    ck_assert(window_days_parse(str_from(days), &window.days));
    ck_assert(window_clock_parse(str_from(from), &window.from_min));
    ck_assert(window_clock_parse(str_from(to), &window.to_min));
    return window;
}

START_TEST(days_are_single_ranges_and_lists)
{
    uint8_t days;

    ck_assert(window_days_parse(STR("mon-thu"), &days) && days == 0x0f);
    ck_assert(window_days_parse(STR("sat"), &days) && days == 0x20);
    ck_assert(window_days_parse(STR("Mon, wed-fri"), &days) && days == 0x1d);
    ck_assert(window_days_parse(STR("fri-mon"), &days) && days == 0x71);
    ck_assert(window_days_parse(STR("daily"), &days) && days == 0x7f);
    ck_assert(!window_days_parse(STR(""), &days));
    ck_assert(!window_days_parse(STR("mon-"), &days));
    ck_assert(!window_days_parse(STR("mon,,tue"), &days));
    ck_assert(!window_days_parse(STR("monday"), &days));
}
END_TEST

START_TEST(clocks_have_five_characters)
{
    uint16_t minute;

    ck_assert(window_clock_parse(STR("00:00"), &minute) && minute == 0);
    ck_assert(window_clock_parse(STR("23:59"), &minute) && minute == 1439);
    ck_assert(window_clock_parse(STR("24:00"), &minute) && minute == 1440);
    ck_assert(!window_clock_parse(STR("24:01"), &minute));
    ck_assert(!window_clock_parse(STR("9:00"), &minute));
    ck_assert(!window_clock_parse(STR("10:60"), &minute));
    ck_assert(!window_clock_parse(STR("10-00"), &minute));
}
END_TEST

START_TEST(office_hours_follow_the_zone)
{
    struct window office = window("mon-thu", "10:00", "17:00");

    zones();
    ck_assert(!window_is_open(&office, &tokyo, utc("2026-11-26T00:59:59")));
    ck_assert(window_is_open(&office, &tokyo, utc("2026-11-26T01:00")));
    ck_assert(window_is_open(&office, &tokyo, utc("2026-11-26T07:59:59")));
    ck_assert(!window_is_open(&office, &tokyo, utc("2026-11-26T08:00")));
    ck_assert(!window_is_open(&office, &tokyo, utc("2026-11-27T03:00")));
    ck_assert_int_eq(window_next_open_s(&office, &tokyo, utc("2026-11-26T08:00")), utc("2026-11-30T01:00"));
    ck_assert_int_eq(window_next_open_s(&office, &tokyo, utc("2026-11-26T02:00")), utc("2026-11-26T02:00"));
}
END_TEST

START_TEST(a_night_window_belongs_to_the_day_on_which_it_opens)
{
    struct window night = window("fri", "22:00", "04:00");

    zones();
    ck_assert(window_is_open(&night, &tokyo, utc("2026-11-27T13:00")));
    ck_assert(window_is_open(&night, &tokyo, utc("2026-11-27T18:59")));
    ck_assert(!window_is_open(&night, &tokyo, utc("2026-11-27T19:00")));
    ck_assert(!window_is_open(&night, &tokyo, utc("2026-11-26T16:00")));
    ck_assert_int_eq(window_next_open_s(&night, &tokyo, utc("2026-11-27T19:00")), utc("2026-12-04T13:00"));
}
END_TEST

START_TEST(a_skipped_opening_hour_opens_at_the_jump)
{
    struct window early = window("sun", "02:30", "04:00");

    zones(); /* 2026-03-29: 02:00 becomes 03:00 in Berlin */
    ck_assert(!window_is_open(&early, &berlin, utc("2026-03-29T00:59:59")));
    ck_assert(window_is_open(&early, &berlin, utc("2026-03-29T01:00")));
    ck_assert(!window_is_open(&early, &berlin, utc("2026-03-29T02:00")));
    ck_assert_int_eq(window_next_open_s(&early, &berlin, utc("2026-03-28T12:00")), utc("2026-03-29T01:00"));
}
END_TEST

START_TEST(a_window_inside_the_skipped_hour_stays_shut_that_day)
{
    struct window inside = window("sun", "02:10", "02:50");

    zones();
    ck_assert_int_eq(window_next_open_s(&inside, &berlin, utc("2026-03-28T12:00")), utc("2026-04-05T00:10"));
}
END_TEST

START_TEST(a_doubled_hour_opens_the_window_twice)
{
    struct window doubled = window("sun", "02:10", "02:50");

    zones(); /* 2026-10-25: 03:00 becomes 02:00 in Berlin */
    ck_assert(window_is_open(&doubled, &berlin, utc("2026-10-25T00:20")));
    ck_assert(!window_is_open(&doubled, &berlin, utc("2026-10-25T00:55")));
    ck_assert(window_is_open(&doubled, &berlin, utc("2026-10-25T01:20")));
    ck_assert_int_eq(window_next_open_s(&doubled, &berlin, utc("2026-10-25T00:50")), utc("2026-10-25T01:10"));
}
END_TEST

START_TEST(the_next_opening_is_where_a_walk_finds_it)
{
    static const char *const days[] = {"mon-fri", "sun", "sat,tue", "daily"};
    static const char *const clocks[][2] = {{"10:00", "17:00"}, {"22:00", "02:30"}, {"02:00", "03:00"}};

    zones();
    for (size_t d = 0; d < ARRAY_LEN(days); d++) {
        for (size_t c = 0; c < ARRAY_LEN(clocks); c++) {
            struct window w = window(days[d], clocks[c][0], clocks[c][1]);

            for (int64_t from = utc("2026-03-20"); from < utc("2026-04-08"); from += 7020) {
                int64_t walk = from;

                while (!window_is_open(&w, &berlin, walk))
                    walk += 60;
                ck_assert_int_eq(window_next_open_s(&w, &berlin, from), walk);
            }
        }
    }
}
END_TEST

START_TEST(a_freeze_is_on_between_its_local_ends)
{
    struct freeze freeze = {utc("2026-12-28"), utc("2027-01-05")};

    zones();
    ck_assert(!freeze_is_on(&freeze, &tokyo, utc("2026-12-27T14:59:59")));
    ck_assert(freeze_is_on(&freeze, &tokyo, utc("2026-12-27T15:00")));
    ck_assert(freeze_is_on(&freeze, &tokyo, utc("2027-01-04T14:59:59")));
    ck_assert(!freeze_is_on(&freeze, &tokyo, utc("2027-01-04T15:00")));
    ck_assert_int_eq(freeze_end_s(&freeze, &tokyo, utc("2026-12-30")), utc("2027-01-04T15:00"));
    ck_assert_int_eq(freeze_end_s(&freeze, &tokyo, utc("2027-02-01")), utc("2027-02-01"));
}
END_TEST

START_TEST(an_instant_is_written_with_its_zone)
{
    char text[WINDOW_TEXT_LEN];

    zones();
    ck_assert_str_eq(window_text(&tokyo, utc("2026-11-30T01:00"), text), "Mon 2026-11-30 10:00 Asia/Tokyo");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("window");
    TCase *tcase = tcase_create("window");

    tcase_add_test(tcase, days_are_single_ranges_and_lists);
    tcase_add_test(tcase, clocks_have_five_characters);
    tcase_add_test(tcase, office_hours_follow_the_zone);
    tcase_add_test(tcase, a_night_window_belongs_to_the_day_on_which_it_opens);
    tcase_add_test(tcase, a_skipped_opening_hour_opens_at_the_jump);
    tcase_add_test(tcase, a_window_inside_the_skipped_hour_stays_shut_that_day);
    tcase_add_test(tcase, a_doubled_hour_opens_the_window_twice);
    tcase_add_test(tcase, the_next_opening_is_where_a_walk_finds_it);
    tcase_add_test(tcase, a_freeze_is_on_between_its_local_ends);
    tcase_add_test(tcase, an_instant_is_written_with_its_zone);
    suite_add_tcase(suite, tcase);
    return suite;
}
