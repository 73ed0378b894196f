#include "base/clk.h"

#include "base/str.h"

#include "../unit.h"

#include <time.h>

START_TEST(the_monotonic_clock_never_goes_back)
{
    int64_t before = clk_mono_ns();

    for (int i = 0; i < 1000; i++) {
        int64_t now = clk_mono_ns();

        ck_assert_int_ge(now, before);
        before = now;
    }
}
END_TEST

START_TEST(the_wall_clock_counts_nanoseconds_since_1970)
{
    int64_t before = (int64_t)time(NULL) - 1, now = clk_wall_ns() / NS_PER_S, after = (int64_t)time(NULL) + 1;

    ck_assert_int_ge(now, before);
    ck_assert_int_le(now, after);
}
END_TEST

static void check_text(int64_t wall_ns, const char *want)
{
    char out[CLK_TEXT_LEN + 1];

    out[CLK_TEXT_LEN] = '~';
    clk_text(wall_ns, out);
    ck_assert_msg(str_eq((struct str){out, CLK_TEXT_LEN}, str_from(want)), "%.*s, not %s", CLK_TEXT_LEN, out,
                  want);
    ck_assert_int_eq(out[CLK_TEXT_LEN], '~');
}

START_TEST(times_are_written_in_iso_8601_with_milliseconds)
{
    check_text(0, "1970-01-01T00:00:00.000Z");
    check_text(INT64_C(1795240800123) * NS_PER_MS + 999999, "2026-11-21T06:00:00.123Z");
    check_text(INT64_C(951782399999) * NS_PER_MS, "2000-02-28T23:59:59.999Z");
    check_text(INT64_C(951782400000) * NS_PER_MS, "2000-02-29T00:00:00.000Z");
    check_text(INT64_MAX, "2262-04-11T23:47:16.854Z");
}
END_TEST

START_TEST(times_before_1970_are_written_too)
{
    check_text(-1, "1969-12-31T23:59:59.999Z");
    check_text(-NS_PER_S, "1969-12-31T23:59:59.000Z");
    check_text(INT64_MIN, "1677-09-21T00:12:43.145Z");
}
END_TEST

START_TEST(http_dates_are_imf_fixdate)
{
    static const struct {
        int64_t s;
        const char *text;
    } rows[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* the example of RFC 9110 section 5.6.7 */
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},         {1795240800, "Sat, 21 Nov 2026 06:00:00 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"}, {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[CLK_HTTP_LEN];

        clk_http_date(rows[i].s * NS_PER_S + 5, out);
        ck_assert_msg(str_eq((struct str){out, CLK_HTTP_LEN}, str_from(rows[i].text)), "%.*s, not %s",
                      CLK_HTTP_LEN, out, rows[i].text);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("clk");
    TCase *tc = tcase_create("clk");

    tcase_add_test(tc, the_monotonic_clock_never_goes_back);
    tcase_add_test(tc, the_wall_clock_counts_nanoseconds_since_1970);
    tcase_add_test(tc, times_are_written_in_iso_8601_with_milliseconds);
    tcase_add_test(tc, times_before_1970_are_written_too);
    tcase_add_test(tc, http_dates_are_imf_fixdate);
    suite_add_tcase(suite, tc);
    return suite;
}
