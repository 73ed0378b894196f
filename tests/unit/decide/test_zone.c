#include "decide/zone.h"

#include "../unit.h"
#include "tzif.h"

static struct zone zone_of(const char *name, int32_t offset_s, const char *rule)
{
    char block[TZIF_MAX];
    struct zone zone;
    const char *why;

    ck_assert_msg(zone_parse(&zone, str_from(name), tzif_rule(block, offset_s, rule), &why), "%s", why);
    return zone;
}

static int64_t utc(const char *text)
{
    int64_t s;
    bool date_only;

    ck_assert_msg(civil_parse(str_from(text), &s, &date_only), "%s", text);
    return s;
}

START_TEST(civil_time_goes_there_and_back)
{
    ck_assert_int_eq(utc("1970-01-01"), 0);
    ck_assert_int_eq(utc("2026-11-25T15:04:05"), 1795619045);
    ck_assert_int_eq(utc("2000-02-29 23:59"), 951868740);
    ck_assert_int_eq(utc("1969-12-31T23:59:59"), -1);
    for (int64_t s = -3000000000; s < 8000000000; s += 1234567) {
        struct civil civil = civil_from_s(s);

        ck_assert_int_eq(civil_to_s(&civil), s);
    }
    ck_assert_int_eq(civil_from_s(0).weekday, 3);
    ck_assert_int_eq(civil_from_s(utc("2026-11-23")).weekday, 0);
}
END_TEST

START_TEST(dates_that_do_not_exist_are_refused)
{
    static const char *const bad[] = {"",           "2026",       "2026-13-01",       "2026-00-01",
                                      "2026-02-29", "2026-01-32", "2026-01-01T24:00", "2026-01-01T10",
                                      "26-01-01",   "2026-1-1",   "2026-01-01x",      "2026-01-01T10:00:60"};
    int64_t s;
    bool date_only;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!civil_parse(str_from(bad[i]), &s, &date_only), "%s", bad[i]);
    ck_assert(civil_parse(STR("2024-02-29"), &s, &date_only) && date_only);
    ck_assert(civil_parse(STR("2024-02-29T00:00"), &s, &date_only) && !date_only);
}
END_TEST

START_TEST(times_of_a_wall_clock_are_those_that_ns_have_room_for)
{
    static const char *const bad[] = {"",           "Z",          "1969-12-31", "0000-01-01",
                                      "2200-01-01", "2262-04-12", "9999-12-31"};
    int64_t ns;

    ck_assert(civil_wall_ns(STR("1970-01-01"), &ns) && ns == 0);
    ck_assert(civil_wall_ns(STR("2026-11-25T15:04:05Z"), &ns));
    ck_assert_int_eq(ns, INT64_C(1795619045000000000));
    ck_assert(civil_wall_ns(STR("2199-12-31T23:59:59"), &ns));
    ck_assert_int_eq(ns, INT64_C(7258118399000000000));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!civil_wall_ns(str_from(bad[i]), &ns), "%s", bad[i]);
}
END_TEST

START_TEST(a_rule_moves_the_clock_twice_a_year)
{
    struct zone berlin = zone_of("Europe/Berlin", 3600, TZIF_BERLIN);
    int64_t until;

    ck_assert_int_eq(zone_offset_s(&berlin, utc("2026-01-15")), 3600);
    ck_assert_int_eq(zone_offset_s(&berlin, utc("2026-03-29T00:59:59")), 3600);
    ck_assert_int_eq(zone_offset_s(&berlin, utc("2026-03-29T01:00")), 7200);
    ck_assert_int_eq(zone_offset_s(&berlin, utc("2026-10-25T00:59:59")), 7200);
    ck_assert_int_eq(zone_offset_s(&berlin, utc("2026-10-25T01:00")), 3600);
    ck_assert_int_eq(zone_offset_until_s(&berlin, utc("2026-07-01"), &until), 7200);
    ck_assert_int_eq(until, utc("2026-10-25T01:00"));
}
END_TEST

START_TEST(summer_in_the_south_spans_the_new_year)
{
    struct zone sydney = zone_of("Australia/Sydney", 36000, "AEST-10AEDT,M10.1.0,M4.1.0/3");

    ck_assert_int_eq(zone_offset_s(&sydney, utc("2026-01-01")), 39600);
    ck_assert_int_eq(zone_offset_s(&sydney, utc("2026-06-01")), 36000);
    ck_assert_int_eq(zone_offset_s(&sydney, utc("2026-10-03T15:59:59")), 36000);
    ck_assert_int_eq(zone_offset_s(&sydney, utc("2026-10-03T16:00")), 39600);
}
END_TEST

START_TEST(odd_rules_are_understood)
{
    struct zone lord_howe = zone_of("Australia/Lord_Howe", 37800, "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
    struct zone nuuk = zone_of("America/Nuuk", -7200, "<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
    struct zone julian = zone_of("Test/Julian", 0, "AAA0BBB,J60/0,300/0");

    ck_assert_int_eq(zone_offset_s(&lord_howe, utc("2026-12-01")), 39600);
    ck_assert_int_eq(zone_offset_s(&lord_howe, utc("2026-06-01")), 37800);
    ck_assert_int_eq(zone_offset_s(&nuuk, utc("2026-03-29T00:59:59")), -7200);
    ck_assert_int_eq(zone_offset_s(&nuuk, utc("2026-03-29T01:00")), -3600);
    ck_assert_int_eq(zone_offset_s(&julian, utc("2024-03-01")), 3600);
    ck_assert_int_eq(zone_offset_s(&julian, utc("2024-02-29T23:59")), 0);
    ck_assert_int_eq(zone_offset_s(&julian, utc("2026-10-28")), 0);
}
END_TEST

START_TEST(changes_come_before_the_rule)
{
    static const struct tzif_change changes[] = {{-1000, 1}, {1000, 2}, {2000, 1}};
    static const int32_t offsets[] = {500, 3600, 7200};
    char block[TZIF_MAX];
    struct zone zone;
    const char *why;
    int64_t until;

    ck_assert(zone_parse(&zone, STR("Test/Changes"), tzif(block, changes, 3, offsets, 3, "X-XX-1"), &why) ==
              false);
    ck_assert(zone_parse(&zone, STR("Test/Changes"), tzif(block, changes, 3, offsets, 3, "XXX-1"), &why));
    ck_assert_int_eq(zone_offset_until_s(&zone, -1001, &until), 500);
    ck_assert_int_eq(until, -1000);
    ck_assert_int_eq(zone_offset_s(&zone, -1000), 3600);
    ck_assert_int_eq(zone_offset_s(&zone, 1999), 7200);
    ck_assert_int_eq(zone_offset_until_s(&zone, 2000, &until), 3600);
    ck_assert_int_eq(until, INT64_MAX);
}
END_TEST

START_TEST(a_file_cut_at_any_place_is_refused)
{
    static const struct tzif_change changes[] = {{1000, 0}};
    static const int32_t offsets[] = {3600};
    char block[TZIF_MAX];
    struct str whole = tzif(block, changes, 1, offsets, 1, TZIF_BERLIN);
    struct zone zone;
    const char *why;

    ck_assert(zone_parse(&zone, STR("Europe/Berlin"), whole, &why));
    for (size_t len = 0; len < whole.len; len++) {
        ck_assert_msg(!zone_parse(&zone, STR("Europe/Berlin"), (struct str){whole.p, len}, &why), "%zu", len);
        ck_assert_ptr_nonnull(why);
    }
}
END_TEST

START_TEST(a_file_with_any_byte_changed_is_read_or_refused)
{
    static const struct tzif_change changes[] = {{1000, 0}};
    static const int32_t offsets[] = {3600};
    char block[TZIF_MAX];
    struct str whole = tzif(block, changes, 1, offsets, 1, TZIF_BERLIN);
    struct zone zone;
    const char *why;

    for (size_t i = 0; i < whole.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            block[i] = (char)(block[i] ^ (1 << bit));
            if (zone_parse(&zone, STR("Europe/Berlin"), whole, &why))
                (void)zone_offset_s(&zone, 1000000000);
            block[i] = (char)(block[i] ^ (1 << bit));
        }
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("zone");
    TCase *tcase = tcase_create("zone");

    tcase_add_test(tcase, civil_time_goes_there_and_back);
    tcase_add_test(tcase, times_of_a_wall_clock_are_those_that_ns_have_room_for);
    tcase_add_test(tcase, dates_that_do_not_exist_are_refused);
    tcase_add_test(tcase, a_rule_moves_the_clock_twice_a_year);
    tcase_add_test(tcase, summer_in_the_south_spans_the_new_year);
    tcase_add_test(tcase, odd_rules_are_understood);
    tcase_add_test(tcase, changes_come_before_the_rule);
    tcase_add_test(tcase, a_file_cut_at_any_place_is_refused);
    tcase_add_test(tcase, a_file_with_any_byte_changed_is_read_or_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
