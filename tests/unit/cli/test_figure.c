#include "cli/figure.h"

#include "../unit.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static char out[FIGURE_LEN];

START_TEST(percents_have_three_digits_that_count)
{
    ck_assert_str_eq(figure_percent(0, out), "0 %");
    ck_assert_str_eq(figure_percent(100, out), "100 %");
    ck_assert_str_eq(figure_percent(12.5, out), "12.5 %");
    ck_assert_str_eq(figure_percent(5, out), "5 %");
    ck_assert_str_eq(figure_percent(0.01, out), "0.01 %");
    ck_assert_str_eq(figure_percent(1.234, out), "1.23 %");
    ck_assert_str_eq(figure_percent(20.04, out), "20 %");
}
END_TEST

START_TEST(counts_are_grouped)
{
    ck_assert_str_eq(figure_count(0, out), "0");
    ck_assert_str_eq(figure_count(999, out), "999");
    ck_assert_str_eq(figure_count(1000, out), "1,000");
    ck_assert_str_eq(figure_count(1234567, out), "1,234,567");
    ck_assert_str_eq(figure_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(latencies_choose_their_unit)
{
    ck_assert_str_eq(figure_latency(0, out), "-");
    ck_assert_str_eq(figure_latency(0.84, out), "0.84 ms");
    ck_assert_str_eq(figure_latency(4.25, out), "4.2 ms");
    ck_assert_str_eq(figure_latency(41.4, out), "41 ms");
    ck_assert_str_eq(figure_latency(3041, out), "3.04 s");
}
END_TEST

START_TEST(spans_are_as_exact_as_a_person_needs)
{
    ck_assert_str_eq(figure_span(0, out), "0 s");
    ck_assert_str_eq(figure_span(119, out), "119 s");
    ck_assert_str_eq(figure_span(180, out), "3 min");
    ck_assert_str_eq(figure_span(2 * 3600 + 61, out), "2 h 1 min");
    ck_assert_str_eq(figure_span(52 * 3600, out), "2 d 4 h");
}
END_TEST

START_TEST(evidence_shows_its_size)
{
    ck_assert_str_eq(figure_evidence(0, out), "0");
    ck_assert_str_eq(figure_evidence(0.0004, out), "<0.001");
    ck_assert_str_eq(figure_evidence(0.41, out), "0.41");
    ck_assert_str_eq(figure_evidence(12.34, out), "12.3");
    ck_assert_str_eq(figure_evidence(131, out), "131");
    ck_assert_str_eq(figure_evidence(2.5e9, out), "2e+09");
    ck_assert_str_eq(figure_evidence(NAN, out), "-");
}
END_TEST

START_TEST(times_of_day_are_local)
{
    setenv("TZ", "JST-9", 1);
    tzset();
    ck_assert_str_eq(figure_clock("2026-11-21T06:00:00.123Z", out), "15:00:00");
    ck_assert_str_eq(figure_clock("soon", out), "soon");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("figure");
    TCase *tc = tcase_create("figure");

    tcase_add_test(tc, percents_have_three_digits_that_count);
    tcase_add_test(tc, counts_are_grouped);
    tcase_add_test(tc, latencies_choose_their_unit);
    tcase_add_test(tc, spans_are_as_exact_as_a_person_needs);
    tcase_add_test(tc, evidence_shows_its_size);
    tcase_add_test(tc, times_of_day_are_local);
    suite_add_tcase(suite, tc);
    return suite;
}
