#include "conf/report.h"

#include "problems.h"

START_TEST(problems_come_sorted_by_place_and_keep_their_order_at_one_place)
{
    struct conf_report report;
    char *text;

    conf_report_init(&report);
    conf_report_add(&report, CONF_ERROR, "b", 9, 1, "first file, late");
    conf_report_add(&report, CONF_ERROR, "a", 1, 1, "second file");
    conf_report_add(&report, CONF_WARNING, "b", 2, 7, "one");
    conf_report_add(&report, CONF_ERROR, "b", 2, 7, "two");
    conf_report_add(&report, CONF_ERROR, "b", 2, 3, "zero");
    conf_report_add(&report, CONF_ERROR, "-", 0, 0, "cannot be read");
    ck_assert_uint_eq(report.errors, 5);
    ck_assert_uint_eq(report.warnings, 1);
    text = problems_text(&report);
    ck_assert_str_eq(text, "b:2:3: zero\n"
                           "b:2:7: warning: one\n"
                           "b:2:7: two\n"
                           "b:9:1: first file, late\n"
                           "a:1:1: second file\n"
                           "<stdin>: cannot be read\n");
    free(text);
}
END_TEST

START_TEST(a_terminal_gets_no_control_characters)
{
    struct conf_report report;
    char *text;

    conf_report_init(&report);
    conf_report_add(&report, CONF_ERROR, "a", 1, 1, "x\033[2Jy\nz\x7f\xc2\x9b\xc3\xa9");
    text = problems_text(&report);
    ck_assert_str_eq(text, "a:1:1: x?[2Jy?z???\xc3\xa9\n");
    free(text);
}
END_TEST

START_TEST(a_long_text_is_cut_between_characters)
{
    struct conf_report report;
    char *text, long_text[2000];

    memset(long_text, 'a', sizeof long_text);
    long_text[CONF_REPORT_TEXT_MAX - 1] = '\xc3';
    long_text[CONF_REPORT_TEXT_MAX] = '\xa9';
    long_text[sizeof long_text - 1] = '\0';
    conf_report_init(&report);
    conf_report_add(&report, CONF_ERROR, "a", 1, 1, "%s", long_text);
    text = problems_text(&report);
    ck_assert_uint_eq(strlen(text), strlen("a:1:1: \n") + CONF_REPORT_TEXT_MAX - 1);
    free(text);
}
END_TEST

START_TEST(a_hundred_problems_are_shown_and_the_rest_is_counted)
{
    struct conf_report report;
    char *text, *last;

    conf_report_init(&report);
    for (int i = 0; i < 3000; i++)
        conf_report_add(&report, i % 3 ? CONF_ERROR : CONF_WARNING, "a", i + 1, 1, "no");
    ck_assert_uint_eq(report.len, CONF_REPORT_KEPT_MAX);
    text = problems_text(&report);
    last = strstr(text, "a:100:1:");
    ck_assert_ptr_nonnull(last);
    ck_assert_str_eq(last, "a:100:1: warning: no\nand 1934 more errors and 966 more warnings\n");
    free(text);
}
END_TEST

START_TEST(json_has_the_same_problems)
{
    struct conf_report report;
    json_t *json;
    char *text;

    conf_report_init(&report);
    conf_report_add(&report, CONF_WARNING, "a", 3, 4, "says \"no\"");
    conf_report_add(&report, CONF_ERROR, "a", 1, 2, "no");
    json = conf_report_json(&report);
    text = json_dumps(json, JSON_COMPACT);
    ck_assert_str_eq(text,
                     "[{\"file\":\"a\",\"line\":1,\"column\":2,\"severity\":\"error\",\"message\":\"no\"},"
                     "{\"file\":\"a\",\"line\":3,\"column\":4,\"severity\":\"warning\",\"message\":"
                     "\"says \\\"no\\\"\"}]");
    free(text);
    json_decref(json);
    conf_report_fini(&report);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/report");
    TCase *tc = tcase_create("report");

    tcase_add_test(tc, problems_come_sorted_by_place_and_keep_their_order_at_one_place);
    tcase_add_test(tc, a_terminal_gets_no_control_characters);
    tcase_add_test(tc, a_long_text_is_cut_between_characters);
    tcase_add_test(tc, a_hundred_problems_are_shown_and_the_rest_is_counted);
    tcase_add_test(tc, json_has_the_same_problems);
    suite_add_tcase(suite, tc);
    return suite;
}
