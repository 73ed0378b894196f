#include "report/html.h"

#include "../unit.h"
#include "base/clk.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTILE "</script><script>alert(1)</script><!--"

static char *page_of(const struct logentry *entry)
{
    struct report *report = report_new(&(struct report_options){.title = HOSTILE});
    char *page;
    size_t len;
    FILE *out = open_memstream(&page, &len);

    report_feed(report, CONFIG_LOG_JSON, entry);
    report_decide(report, &(struct report_decision){
                              .route = HOSTILE, .action = HOSTILE, .reason = HOSTILE, .text = HOSTILE});
    report_finish(report);
    ck_assert(report_html(report, 0, out));
    fclose(out);
    report_free(report);
    return page;
}

static size_t times(const char *page, const char *text)
{
    size_t n = 0;

    for (; (page = strstr(page, text)) != NULL; page += strlen(text))
        n++;
    return n;
}

static const struct logentry hostile = {.wall_ns = 1763704800 * NS_PER_S,
                                        .status = 200,
                                        .weight = CONFIG_WEIGHT_ONE,
                                        .kept = 1,
                                        .side = {"stable", 6},
                                        .route = {HOSTILE, sizeof HOSTILE - 1},
                                        .platform = {HOSTILE, sizeof HOSTILE - 1},
                                        .group = {"\xe2\x80\xa8\xff", 4},
                                        .client = {HOSTILE, sizeof HOSTILE - 1}};

START_TEST(nothing_of_a_log_ends_the_element_that_it_stands_in)
{
    char *page = page_of(&hostile);

    ck_assert_uint_eq(times(page, "alert(1)"),
                      times(page, "\\u003cscript>alert(1)\\u003c/script>\\u003c!--"));
    ck_assert_uint_ge(times(page, "alert(1)"), 7);
    ck_assert_uint_eq(times(page, "<script"), 3);
    ck_assert_uint_eq(times(page, "</script>"), 3);
    free(page);
}
END_TEST

START_TEST(the_page_needs_nothing_from_elsewhere_and_its_policy_says_so)
{
    char *page = page_of(&hostile), *other = page_of(&hostile);
    const char *nonce = strstr(page, "'nonce-");

    ck_assert_ptr_nonnull(strstr(page, "default-src 'none'"));
    ck_assert_ptr_nonnull(nonce);
    ck_assert_msg(strncmp(nonce, strstr(other, "'nonce-"), 40) != 0, "a nonce is used once");
    ck_assert_uint_eq(times(page, " src="), 0);
    ck_assert_uint_eq(times(page, "<link"), 0);
    ck_assert_uint_eq(times(page, "import "), 0);
    free(page);
    free(other);
}
END_TEST

START_TEST(the_nonce_of_a_page_is_found_and_of_nothing_else)
{
    char *page = page_of(&hostile), nonce[REPORT_NONCE_LEN] = "";
    const char *written = strstr(page, "'nonce-") + 7;

    ck_assert(report_html_nonce(str_from(page), nonce));
    ck_assert_uint_eq(strlen(nonce), 32);
    ck_assert(memcmp(written, nonce, 32) == 0);
    for (size_t len = 0; len < (size_t)(written - page) + 32; len++)
        ck_assert(!report_html_nonce((struct str){page, len}, nonce));
    page[written - page + 31] = '\'';
    ck_assert(!report_html_nonce(str_from(page), nonce));
    page[written - page + 31] = '0';
    page[0] = ' ';
    ck_assert(!report_html_nonce(str_from(page), nonce));
    free(page);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("html");
    TCase *tcase = tcase_create("html");

    tcase_add_test(tcase, the_nonce_of_a_page_is_found_and_of_nothing_else);
    tcase_add_test(tcase, nothing_of_a_log_ends_the_element_that_it_stands_in);
    tcase_add_test(tcase, the_page_needs_nothing_from_elsewhere_and_its_policy_says_so);
    suite_add_tcase(suite, tcase);
    return suite;
}
