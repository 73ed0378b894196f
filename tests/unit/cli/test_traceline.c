#include "cli/traceline.h"

#include "../unit.h"

#include <stdio.h>
#include <string.h>

#define HEAD(alt)                                                                                            \
    "{\"trace\":1,\"id\":\"x/1\",\"slo_ms\":500,\"horizon\":60,\"stable\":\"ec2\",\"canary\":\"fargate\","   \
    "\"route\":\"key+n\",\"alt\":" alt "}"
#define LINE                                                                                                 \
    "{\"t\":0.013402,\"key\":\"c000042\",\"ec2\":{\"status\":200,\"ms\":41.3},"                              \
    "\"fargate\":{\"status\":500,\"ms\":812.4}}"

static struct trace_head head;
static struct trace_request request;
static char why[TRACELINE_WHY_MAX];

static void use(const char *text)
{
    ck_assert_msg(traceline_head(str_from(text), &head, why), "%s", why);
}

START_TEST(a_head_says_who_is_compared_and_how)
{
    use(HEAD("null"));
    ck_assert_str_eq(head.id, "x/1");
    ck_assert_str_eq(head.stable, "ec2");
    ck_assert_str_eq(head.canary, "fargate");
    ck_assert_double_eq(head.slo_ms, 500);
    ck_assert_double_eq(head.horizon_s, 60);
    ck_assert(!head.sticky);
    ck_assert_int_eq(head.rule, TRACE_RULE_NONE);
    use(HEAD("{\"rule\":\"cold\",\"seconds\":120}"));
    ck_assert_int_eq(head.rule, TRACE_RULE_COLD);
    ck_assert_double_eq(head.cold_s, 120);
    use(HEAD("{\"rule\":\"capacity\",\"weight\":0.2,\"scaleout_s\":180,\"scaleout_factor\":1.25}"));
    ck_assert_int_eq(head.rule, TRACE_RULE_CAPACITY);
    ck_assert_double_eq(head.capacity, 0.2);
    ck_assert_double_eq(head.scaleout_factor, 1.25);
    use(HEAD("{\"rule\":\"capacity\",\"weight\":0.2,\"scaleout_s\":0}"));
    ck_assert_double_eq(head.scaleout_s, 0);
}
END_TEST

START_TEST(a_wrong_head_is_refused_with_the_reason)
{
    static const char *const cases[][2] = {
        {"[]", "a JSON object is expected"},
        {"{\"trace\":2}", "trace: 2 is outside 1 to 1"},
        {"{\"trace\":1}", "id: is missing"},
        {HEAD("{\"rule\":\"warm\"}"), "alt: null or an object with the rule cold or capacity is expected"},
        {HEAD("{\"rule\":\"capacity\",\"weight\":2,\"scaleout_s\":0}"), "weight: 2 is outside 0 to 1"},
        {"{\"trace\":1,\"id\":\"x\",\"slo_ms\":5,\"horizon\":6,\"stable\":\"a\",\"canary\":\"a\",\"route\":"
         "\"key\"}",
         "stable, canary: two different names, and neither t nor key"},
        {"{\"trace\":1,\"id\":\"x\",\"slo_ms\":5,\"horizon\":6,\"stable\":\"a\",\"canary\":\"key\",\"route\":"
         "\"key\"}",
         "stable, canary: two different names, and neither t nor key"},
        {"{\"trace\":1,\"id\":\"x\",\"slo_ms\":5,\"horizon\":6,\"stable\":\"a\",\"canary\":\"b\",\"route\":"
         "\"rr\"}",
         "route: rr is none of key, key+n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert(!traceline_head(str_from(cases[i][0]), &head, why));
        ck_assert_str_eq(why, cases[i][1]);
    }
}
END_TEST

START_TEST(a_usual_line_is_scanned)
{
    use(HEAD("null"));
    ck_assert(traceline_scan(&head, STR(LINE), &request));
    ck_assert(request.t == 0.013402);
    ck_assert(request.key == trace_key(STR("c000042")));
    ck_assert_uint_eq(request.stable.status, 200);
    ck_assert(request.stable.ms == 41.3);
    ck_assert_uint_eq(request.canary.status, 500);
    ck_assert(request.canary.ms == 812.4);
}
END_TEST

/* Same meaning, and the scanner leaves them to jansson. */
START_TEST(an_odd_line_means_the_same)
{
    static const char *const cases[] = {
        "{\"t\":1.3402e-2,\"key\":\"c000042\",\"ec2\":{\"status\":200,\"ms\":41.3},\"fargate\":{\"status\":"
        "500,\"ms\":"
        "812.4}}",
        "{\"t\":0.013402,\"key\":\"c00004\\u0032\",\"ec2\":{\"status\":200,\"ms\":41.3},\"fargate\":{"
        "\"status\":500,"
        "\"ms\":812.4}}",
        "{\"t\":0.013402,\"key\":\"c000042\",\"ec2\":{\"status\":200,\"ms\":41.3},\"fargate\":{\"status\":"
        "500,\"ms\":"
        "812.4},\"path\":\"/a\"}",
        "{\"t\":0.013402000000000000,\"key\":\"c000042\",\"ec2\":{\"status\":200,\"ms\":41.3},\"fargate\":{"
        "\"status\":"
        "500,\"ms\":812.4}}",
    };

    use(HEAD("null"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_msg(!traceline_scan(&head, str_from(cases[i]), &request), "%s", cases[i]);
        memset(&request, 0, sizeof request);
        ck_assert_msg(traceline_request(&head, str_from(cases[i]), &request, why), "%s", why);
        ck_assert(request.t == 0.013402);
        ck_assert(request.key == trace_key(STR("c000042")));
        ck_assert(request.stable.ms == 41.3);
        ck_assert(request.canary.ms == 812.4);
    }
}
END_TEST

START_TEST(the_order_of_keys_and_blanks_do_not_matter)
{
    use(HEAD("null"));
    ck_assert(traceline_scan(&head,
                             STR("\t{ \"fargate\" : { \"ms\" : 2 , \"status\" : 404 } , "
                                 "\"ec2\":{\"ms\":1,\"status\":200}, \"key\": "
                                 "\"k\",\"t\": 7 } "),
                             &request));
    ck_assert(request.t == 7);
    ck_assert_uint_eq(request.canary.status, 404);
}
END_TEST

START_TEST(the_other_answer_is_needed_when_a_rule_says_so)
{
    use(HEAD("{\"rule\":\"cold\",\"seconds\":1}"));
    ck_assert(!traceline_request(&head, STR(LINE), &request, why));
    ck_assert_str_eq(why, "fargate_alt: is missing");
    ck_assert(traceline_scan(
        &head,
        STR("{\"t\":1,\"key\":\"k\",\"ec2\":{\"status\":200,\"ms\":1},\"fargate\":{\"status\":200,"
            "\"ms\":1},\"fargate_alt\":{\"status\":503,\"ms\":9}}"),
        &request));
    ck_assert_uint_eq(request.alt.status, 503);
}
END_TEST

START_TEST(a_line_that_is_cut_anywhere_is_refused)
{
    use(HEAD("null"));
    for (size_t len = 0; len < sizeof LINE - 1; len++) {
        ck_assert(!traceline_scan(&head, (struct str){LINE, len}, &request));
        ck_assert(!traceline_request(&head, (struct str){LINE, len}, &request, why));
    }
}
END_TEST

START_TEST(a_wrong_line_is_refused_with_the_reason)
{
    static const char *const cases[][2] = {
        {"{\"t\":-1}", "t: -1 is outside 0 to 1e+10"},
        {"{\"t\":1}", "key: is missing"},
        {"{\"t\":1,\"key\":1}", "key: a text is expected"},
        {"{\"t\":1,\"key\":\"k\",\"ec2\":200}", "ec2: an object with status and ms is expected"},
        {"{\"t\":1,\"key\":\"k\",\"ec2\":{\"status\":1000,\"ms\":1}}",
         "ec2: status: 1000 is outside 0 to 999"},
    };

    use(HEAD("null"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert(!traceline_request(&head, str_from(cases[i][0]), &request, why));
        ck_assert_str_eq(why, cases[i][1]);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("traceline");
    TCase *tcase = tcase_create("traceline");

    tcase_add_test(tcase, a_head_says_who_is_compared_and_how);
    tcase_add_test(tcase, a_wrong_head_is_refused_with_the_reason);
    tcase_add_test(tcase, a_usual_line_is_scanned);
    tcase_add_test(tcase, an_odd_line_means_the_same);
    tcase_add_test(tcase, the_order_of_keys_and_blanks_do_not_matter);
    tcase_add_test(tcase, the_other_answer_is_needed_when_a_rule_says_so);
    tcase_add_test(tcase, a_line_that_is_cut_anywhere_is_refused);
    tcase_add_test(tcase, a_wrong_line_is_refused_with_the_reason);
    suite_add_tcase(suite, tcase);
    return suite;
}
