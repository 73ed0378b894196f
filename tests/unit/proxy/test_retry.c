/*
 * Tries again, and what keeps them in bounds: the budget, the shield, the ejection of targets that do not
 * answer.
 */
#include "base/mem.h"
#include "fixture.h"

#include "proxy/shard.h"

#include <stdio.h>
#include <unistd.h>

#define GET   "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define WRONG "HTTP/1.1 503 Oh\r\nContent-Length: 3\r\n\r\nbad"

enum { NEARLY_ALL = CONFIG_WEIGHT_ONE - 1 };

static struct proxy proxy;
static int client;

static void start(const struct proxy_setup *setup)
{
    proxy_start(&proxy, setup);
    client = proxy_connect(&proxy);
}

static void stop(size_t records)
{
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), records);
}

static const char *logged(size_t record, const char *field)
{
    return proxy_log_text(&proxy, record, field);
}

static void answer(struct origin *origin, const char *bytes)
{
    int target = target_accept(origin);

    hear_head(target);
    say(target, "%s", bytes);
}

static bool client_gets(const char *status)
{
    const char *head = hear_head(client);
    bool same = strncmp(head, status, strlen(status)) == 0;

    hear_bytes(client, 2);
    return same;
}

/* ---- the shield ---- */

START_TEST(stable_answers_for_a_canary_that_has_failed)
{
    proxy = (struct proxy){0};
    target_open(&proxy.stable);
    target_open(&proxy.canary);
    start(&(struct proxy_setup){.weight = NEARLY_ALL, .route = "retries: { shield: true },"});
    say(client, GET);
    answer(&proxy.canary, WRONG);
    answer(&proxy.stable, OK);
    ck_assert(client_gets("HTTP/1.1 200 "));
    stop(2);
    ck_assert_str_eq(logged(0, "side"), "canary");
    ck_assert_str_eq(logged(0, "penstock.shield"), "failed");
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "http.status_code"), 503);
    ck_assert_str_eq(logged(1, "side"), "stable");
    ck_assert_str_eq(logged(1, "assignment"), "shield");
    ck_assert_int_eq(proxy_log_number(&proxy, 1, "http.status_code"), 200);
    ck_assert_int_eq(proxy_log_number(&proxy, 1, "penstock.attempts"), 2);
    ck_assert_str_eq(logged(0, "http.request_id"), logged(1, "http.request_id"));
    proxy_free(&proxy);
}
END_TEST

START_TEST(stable_answers_for_a_canary_that_cannot_be_reached)
{
    proxy = (struct proxy){0};
    target_open(&proxy.stable);
    target_refuse(&proxy.canary);
    start(&(struct proxy_setup){.weight = NEARLY_ALL, .route = "retries: { shield: true },"});
    say(client, GET);
    answer(&proxy.stable, OK);
    ck_assert(client_gets("HTTP/1.1 200 "));
    stop(2);
    ck_assert_str_eq(logged(0, "outcome"), "connect_refused");
    ck_assert_str_eq(logged(0, "blame"), "group");
    ck_assert_str_eq(logged(1, "outcome"), "served");
    proxy_free(&proxy);
}
END_TEST

START_TEST(stable_is_asked_once_and_its_failure_is_the_answer)
{
    proxy = (struct proxy){0};
    target_open(&proxy.stable);
    target_open(&proxy.canary);
    start(&(struct proxy_setup){.weight = NEARLY_ALL, .route = "retries: { shield: true },"});
    say(client, GET);
    answer(&proxy.canary, WRONG);
    answer(&proxy.stable, WRONG);
    ck_assert(client_gets("HTTP/1.1 503 "));
    stop(2);
    proxy_free(&proxy);
}
END_TEST

/* The plan's shield knows failures and methods apart. */
START_TEST(a_plan_may_shield_from_some_failures)
{
    static const struct {
        uint32_t on;
        const char *request;
        bool refuse, shielded;
    } rows[] = {
        {PLAN_SHIELD_503, GET, false, true},
        {PLAN_SHIELD_502 | PLAN_SHIELD_CONNECT | PLAN_SHIELD_RESET, GET, false, false},
        {PLAN_SHIELD_503, "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", false, false},
        {PLAN_SHIELD_CONNECT, GET, true, true},
        {PLAN_SHIELD_502 | PLAN_SHIELD_503, GET, true, false},
    };
    struct plan *plan = mem_alloc(sizeof *plan);

    plan_init(plan);
    plan_step_init(&plan->steps[plan->steps_len++], STEP_WEIGHT);
    plan_finish(plan, 0);
    plan->shield.on = rows[_i].on;
    proxy = (struct proxy){0};
    target_open(&proxy.stable);
    if (rows[_i].refuse)
        target_refuse(&proxy.canary);
    else
        target_open(&proxy.canary);
    start(&(struct proxy_setup){.weight = NEARLY_ALL, .plan = plan});
    say(client, "%s", rows[_i].request);
    if (!rows[_i].refuse)
        answer(&proxy.canary, WRONG);
    if (rows[_i].shielded)
        answer(&proxy.stable, OK);
    ck_assert(client_gets(rows[_i].shielded ? "HTTP/1.1 200 "
                          : rows[_i].refuse ? "HTTP/1.1 502 "
                                            : "HTTP/1.1 503 "));
    stop(rows[_i].shielded ? 2 : 1);
    ck_assert_str_eq(logged(0, "penstock.shield"), rows[_i].shielded ? "failed" : "");
    proxy_free(&proxy);
    free(plan);
}
END_TEST

START_TEST(what_must_not_be_repeated_has_no_shield)
{
    proxy = (struct proxy){0};
    target_open(&proxy.canary);
    start(&(struct proxy_setup){.weight = NEARLY_ALL, .route = "retries: { shield: true },"});
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    answer(&proxy.canary, WRONG);
    ck_assert(client_gets("HTTP/1.1 503 "));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(at_weight_100_stable_gets_nothing_not_even_by_the_shield)
{
    proxy = (struct proxy){0};
    target_open(&proxy.canary);
    start(&(struct proxy_setup){.weight = CONFIG_WEIGHT_ONE, .route = "retries: { shield: true },"});
    say(client, GET);
    answer(&proxy.canary, WRONG);
    ck_assert(client_gets("HTTP/1.1 503 "));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(without_the_setting_there_is_no_shield)
{
    proxy = (struct proxy){0};
    target_open(&proxy.canary);
    start(&(struct proxy_setup){.weight = NEARLY_ALL});
    say(client, GET);
    answer(&proxy.canary, WRONG);
    ck_assert(client_gets("HTTP/1.1 503 "));
    stop(1);
    ck_assert_str_eq(logged(0, "penstock.shield"), "");
    proxy_free(&proxy);
}
END_TEST

/* ---- the budget ---- */

/* One request after the other to two stable targets, of which one refuses; how many failed. */
static unsigned failures(const char *route, const char *group, unsigned requests)
{
    unsigned failed = 0;
    struct server *server;

    proxy = (struct proxy){0};
    target_open(&proxy.stable);
    server = server_start(&proxy.stable, "s");
    proxy_start(&proxy,
                &(struct proxy_setup){.more_targets = ", \"127.0.0.1:1\"", .route = route, .group = group});
    for (unsigned i = 0; i < requests; i++) {
        client = proxy_connect(&proxy);
        say(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        failed += strncmp(hear_end(client, NULL), "HTTP/1.1 200 ", 13) != 0;
        close(client);
    }
    proxy_stop(&proxy);
    server_stop(server);
    return failed;
}

START_TEST(another_target_is_tried)
{
    ck_assert_uint_eq(failures(NULL, NULL, 60), 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(without_attempts_none_is)
{
    ck_assert_uint_gt(failures("retries: { attempts: 0 },", "ejection: { failures: 0 },", 60), 10);
    proxy_free(&proxy);
}
END_TEST

START_TEST(without_budget_none_is)
{
    ck_assert_uint_gt(failures("retries: { budget: 0, minimum: 0 },", "ejection: { failures: 0 },", 60), 10);
    proxy_free(&proxy);
}
END_TEST

/* ---- ejection ---- */

START_TEST(a_target_that_does_not_answer_is_left_alone)
{
    struct shard_target *bad;

    ck_assert_uint_eq(failures("retries: { attempts: 0 },", "ejection: { failures: 3 },", 100), 3);
    bad = proxy_target_cells(&proxy, 0, 1);
    ck_assert_uint_eq(cell_get(&bad->requests), 3);
    ck_assert_uint_eq(cell_get(&bad->ejections), 1);
    proxy_free(&proxy);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("retry");
    TCase *tc = tcase_create("retry");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, stable_answers_for_a_canary_that_has_failed);
    tcase_add_test(tc, stable_answers_for_a_canary_that_cannot_be_reached);
    tcase_add_test(tc, stable_is_asked_once_and_its_failure_is_the_answer);
    tcase_add_loop_test(tc, a_plan_may_shield_from_some_failures, 0, 5);
    tcase_add_test(tc, what_must_not_be_repeated_has_no_shield);
    tcase_add_test(tc, at_weight_100_stable_gets_nothing_not_even_by_the_shield);
    tcase_add_test(tc, without_the_setting_there_is_no_shield);
    tcase_add_test(tc, another_target_is_tried);
    tcase_add_test(tc, without_attempts_none_is);
    tcase_add_test(tc, without_budget_none_is);
    tcase_add_test(tc, a_target_that_does_not_answer_is_left_alone);
    suite_add_tcase(suite, tc);
    return suite;
}
