#include "cli/logline.h"

#include "../unit.h"
#include "decide/trace.h"

#include <stdio.h>
#include <string.h>

static struct logline got;
static struct logreader *reader;

#define OWN(side, assignment, blame)                                                                         \
    "{\"timestamp\":\"2026-11-20T10:00:00.250Z\",\"message\":\"GET /\\\"side\\\":\\\"canary "                \
    "200\",\"status\":\"info\","                                                                             \
    "\"route\":\"web\",\"group\":\"g\",\"side\":\"" side "\",\"target\":\"10.0.0.1:80\",\"weight\":12.50,"   \
    "\"assignment\":\"" assignment "\",\"outcome\":\"ok\",\"blame\":\"" blame                                \
    "\",\"duration\":41500000,\"http\":{\"method\":\"GET\",\"status_code\":502,\"target_status_code\":0},"   \
    "\"network\":{\"client\":{\"ip\":\"192.0.2.7\",\"port\":5}}}"

static enum logline_kind own(const char *text)
{
    const struct logline_rule rule = {.reader = reader, .preset = CONFIG_LOG_JSON, .route = STR("web")};

    return logline_read(&rule, str_from(text), &got);
}

START_TEST(our_own_line_says_all_that_is_needed)
{
    ck_assert_int_eq(own(OWN("canary", "random", "group")), LOGLINE_REQUEST);
    ck_assert_int_eq(got.wall_ns, INT64_C(1795168800250000000));
    ck_assert(got.canary);
    ck_assert(got.failed);
    ck_assert_uint_eq(got.weight, 1250);
    ck_assert_double_eq(got.ms, 41.5);
    ck_assert_uint_eq(got.status, 0);
    ck_assert(got.unit == trace_key(STR("192.0.2.7")));
    ck_assert_int_eq(own(OWN("stable", "sticky", "nobody")), LOGLINE_REQUEST);
    ck_assert(!got.canary);
    ck_assert(!got.failed);
}
END_TEST

START_TEST(what_nobody_drew_and_what_the_client_did_is_left_out)
{
    ck_assert_int_eq(own(OWN("canary", "override", "nobody")), LOGLINE_LEFT);
    ck_assert_int_eq(own(OWN("stable", "only", "nobody")), LOGLINE_LEFT);
    ck_assert_int_eq(own(OWN("canary", "random", "client")), LOGLINE_LEFT);
    ck_assert_int_eq(own(OWN("canary", "random", "self")), LOGLINE_LEFT);
}
END_TEST

START_TEST(what_a_monitor_asked_is_left_out_whatever_a_client_writes)
{
    char line[1024];
    const char *whole = OWN("canary", "random", "group");
    int body = (int)strlen(whole) - 1;

    snprintf(line, sizeof line, "%.*s,\"penstock\":{\"synthetic\":\"test\",\"attempts\":1}}", body, whole);
    ck_assert_int_eq(own(line), LOGLINE_LEFT);
    snprintf(line, sizeof line, "%.*s,\"penstock\":{\"error\":\"\\\"synthetic\\\":\\\"test\\\"\"}}", body,
             whole);
    ck_assert_int_eq(own(line), LOGLINE_REQUEST);
}
END_TEST

START_TEST(a_line_that_stands_for_others_is_told)
{
    char line[1024];
    const struct logline_rule rule = {.reader = reader, .preset = CONFIG_LOG_JSON, .route = STR("web")};
    const char *whole = OWN("stable", "random", "nobody");

    snprintf(line, sizeof line, "%.*s,\"sample_rate\":0.1000}", (int)strlen(whole) - 1, whole);
    ck_assert_int_eq(logline_read(&rule, str_from(line), &got), LOGLINE_SAMPLED);
}
END_TEST

START_TEST(another_route_is_another)
{
    const struct logline_rule rule = {.reader = reader, .preset = CONFIG_LOG_JSON, .route = STR("api")};

    ck_assert_int_eq(logline_read(&rule, STR(OWN("canary", "random", "nobody")), &got), LOGLINE_OTHER);
    ck_assert(str_eq(logline_route(&rule, STR(OWN("canary", "random", "nobody"))), STR("web")));
    ck_assert_uint_eq(logline_route(&rule, STR("{}")).len, 0);
}
END_TEST

START_TEST(a_line_of_ours_that_is_cut_anywhere_never_counts)
{
    static const char line[] = OWN("canary", "random", "nobody");
    const char *ip = strstr(line, "\"port\"");

    for (size_t len = 0; len + 1 < (size_t)(ip - line); len++) {
        char copy[sizeof line];
        const struct logline_rule rule = {.reader = reader, .preset = CONFIG_LOG_JSON};

        memcpy(copy, line, len);
        ck_assert_int_ne(logline_read(&rule, (struct str){copy, len}, &got), LOGLINE_REQUEST);
    }
}
END_TEST

#define ALB(client, target, times, status, target_status, arn)                                               \
    "h2 2026-11-20T10:00:01.000000Z app/lb/1 " client ":4711 " target " " times " " status " " target_status \
    " 34 366 \"GET https://x:443/a b HTTP/2.0\" \"agent \\\"x\\\" y\" - - " arn                              \
    " \"Root=1\" \"x\" \"arn:cert\" 0 2026-11-20T10:00:00.500000Z \"forward\" \"-\" \"-\""

static enum logline_kind alb(const char *text)
{
    const struct logline_rule rule = {.reader = reader,
                                      .preset = CONFIG_LOG_ALB,
                                      .stable = STR("targetgroup/ec2/"),
                                      .canary = STR("targetgroup/fargate/")};

    return logline_read(&rule, str_from(text), &got);
}

START_TEST(a_load_balancers_line_is_read)
{
    ck_assert_int_eq(alb(ALB("192.0.2.7", "10.0.0.1:80", "0.001 0.040 0.001", "200", "200",
                             "arn:aws:x:targetgroup/fargate/1")),
                     LOGLINE_REQUEST);
    ck_assert(got.canary);
    ck_assert(!got.failed);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_double_eq_tol(got.ms, 42, 1e-9);
    ck_assert_int_eq(got.wall_ns, INT64_C(1795168800500000000));
    ck_assert_uint_eq(got.weight, LOGLINE_WEIGHT_UNKNOWN);
    ck_assert(got.unit == trace_key(STR("192.0.2.7")));
}
END_TEST

START_TEST(a_target_that_does_not_answer_has_failed)
{
    ck_assert_int_eq(
        alb(ALB("192.0.2.7", "10.0.0.1:80", "0.001 -1 -1", "502", "-", "arn:aws:x:targetgroup/ec2/1")),
        LOGLINE_REQUEST);
    ck_assert(!got.canary);
    ck_assert(got.failed);
    ck_assert_double_eq_tol(got.ms, 1, 1e-9);
}
END_TEST

START_TEST(a_client_that_left_says_nothing)
{
    ck_assert_int_eq(
        alb(ALB("192.0.2.7", "10.0.0.1:80", "0.001 -1 -1", "460", "-", "arn:aws:x:targetgroup/ec2/1")),
        LOGLINE_LEFT);
    ck_assert_int_eq(
        alb(ALB("192.0.2.7", "10.0.0.1:80", "0 0 0", "200", "200", "arn:aws:x:targetgroup/other/1")),
        LOGLINE_OTHER);
    ck_assert_int_eq(alb("h2 2026-11-20T10:00:01.000000Z too short"), LOGLINE_BAD);
}
END_TEST

static enum logline_kind combined(const char *text)
{
    const struct logline_rule rule = {
        .reader = reader, .preset = CONFIG_LOG_COMBINED, .canary = STR("fargate.")};

    return logline_read(&rule, str_from(text), &got);
}

#define CLF "192.0.2.7 - - [20/Nov/2026:19:00:00 +0900] \"GET / HTTP/1.1\" "

START_TEST(a_combined_line_is_read_with_and_without_host_and_seconds)
{
    ck_assert_int_eq(combined("fargate.example:80 " CLF "503 12 \"-\" \"curl\" 0.125"), LOGLINE_REQUEST);
    ck_assert(got.canary);
    ck_assert_uint_eq(got.status, 503);
    ck_assert_double_eq_tol(got.ms, 125, 1e-9);
    ck_assert_int_eq(got.wall_ns, INT64_C(1795168800000000000));
    ck_assert(got.unit == trace_key(STR("192.0.2.7")));
    ck_assert_int_eq(combined(CLF "200 12 \"-\" \"curl\""), LOGLINE_REQUEST);
    ck_assert(!got.canary);
    ck_assert_double_eq(got.ms, 0);
    ck_assert_int_eq(combined(CLF "200 12 \"-\" \"curl\" 0.2 fargate.internal"), LOGLINE_REQUEST);
    ck_assert(got.canary);
}
END_TEST

START_TEST(what_a_client_writes_names_no_group)
{
    ck_assert_int_eq(combined("192.0.2.7 - - [20/Nov/2026:19:00:00 +0900] \"GET /fargate. HTTP/1.1\" 200 12 "
                              "\"http://fargate./\" \"fargate.\" 0.1"),
                     LOGLINE_REQUEST);
    ck_assert(!got.canary);
}
END_TEST

START_TEST(a_format_is_known_by_its_first_line)
{
    enum config_log_format preset;

    ck_assert(logreader_guess(reader, STR(OWN("canary", "random", "nobody")), &preset));
    ck_assert_int_eq(preset, CONFIG_LOG_JSON);
    ck_assert(logreader_guess(reader, STR(ALB("192.0.2.7", "-", "0 0 0", "200", "200", "arn")), &preset));
    ck_assert_int_eq(preset, CONFIG_LOG_ALB);
    ck_assert(logreader_guess(reader, STR("host " CLF "200 12 \"-\" \"curl\""), &preset));
    ck_assert_int_eq(preset, CONFIG_LOG_COMBINED);
    ck_assert(!logreader_guess(reader, STR("hello world"), &preset));
    ck_assert(!logreader_guess(reader, STR(""), &preset));
}
END_TEST

static void make_reader(void)
{
    reader = logreader_new();
}

static void free_reader(void)
{
    logreader_free(reader);
}

Suite *unit_suite(void)
{
    Suite *suite = suite_create("logline");
    TCase *tcase = tcase_create("logline");

    tcase_add_checked_fixture(tcase, make_reader, free_reader);
    tcase_add_test(tcase, our_own_line_says_all_that_is_needed);
    tcase_add_test(tcase, what_nobody_drew_and_what_the_client_did_is_left_out);
    tcase_add_test(tcase, what_a_monitor_asked_is_left_out_whatever_a_client_writes);
    tcase_add_test(tcase, a_line_that_stands_for_others_is_told);
    tcase_add_test(tcase, another_route_is_another);
    tcase_add_test(tcase, a_line_of_ours_that_is_cut_anywhere_never_counts);
    tcase_add_test(tcase, a_load_balancers_line_is_read);
    tcase_add_test(tcase, a_target_that_does_not_answer_has_failed);
    tcase_add_test(tcase, a_client_that_left_says_nothing);
    tcase_add_test(tcase, a_combined_line_is_read_with_and_without_host_and_seconds);
    tcase_add_test(tcase, what_a_client_writes_names_no_group);
    tcase_add_test(tcase, a_format_is_known_by_its_first_line);
    suite_add_tcase(suite, tcase);
    return suite;
}
