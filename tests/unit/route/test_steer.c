#include "route/steer.h"

#include "../unit.h"

#include <stdio.h>
#include <string.h>

static bool matches(enum header_match match, const char *wanted, struct str value)
{
    struct plan_header_route plan = {.header = "X-Canary", .match = match, .to = GROUP_CANARY};
    struct steer *steer;
    bool got;

    snprintf(plan.value, sizeof plan.value, "%s", wanted);
    steer = steer_new(&plan);
    got = steer_matches(steer, value);
    steer_free(steer);
    return got;
}

START_TEST(a_value_is_compared_as_the_plan_says)
{
    char text[PLAN_TEXT_MAX];

    ck_assert(matches(HEADER_EXACT, "a.b", STR("a.b")));
    ck_assert(!matches(HEADER_EXACT, "a.b", STR("a.bc")));
    ck_assert(!matches(HEADER_EXACT, "a.b", STR("A.b")));
    ck_assert(matches(HEADER_PREFIX, "a.b", STR("a.bc")));
    ck_assert(!matches(HEADER_PREFIX, "a.b", STR("xa.b")));
    ck_assert(!matches(HEADER_PREFIX, "a.b", STR("")));
    ck_assert(matches(HEADER_REGEX, "a.b", STR("xaxbx")));
    ck_assert(matches(HEADER_REGEX, "^(alice|bob)$", STR("bob")));
    ck_assert(!matches(HEADER_REGEX, "^(alice|bob)$", STR("bobby")));
    memset(text, 'a', sizeof text);
    ck_assert(matches(HEADER_REGEX, "^a+$", (struct str){text, sizeof text - 1}));
    ck_assert(!matches(HEADER_REGEX, "^a+$", (struct str){text, sizeof text}));
}
END_TEST

START_TEST(networks_say_who_may)
{
    struct plan_header_route plan = {.header = "X-Canary", .value = "yes"};
    struct steer *steer;
    struct ip near, far;

    ck_assert(ip_parse(STR("192.0.2.9"), &near) && ip_parse(STR("192.0.3.9"), &far));
    ck_assert_ptr_null(steer_new(NULL));
    steer = steer_new(&plan);
    ck_assert(steer_admits(steer, NULL));
    steer_free(steer);
    ck_assert(ip_net_parse(STR("192.0.2.0/24"), &plan.networks[plan.networks_len++]));
    steer = steer_new(&plan);
    ck_assert(steer_admits(steer, &near));
    ck_assert(!steer_admits(steer, &far));
    ck_assert(!steer_admits(steer, NULL));
    ck_assert_int_eq(steer_to(steer), GROUP_STABLE);
    ck_assert(str_eq(steer_header(steer), STR("X-Canary")));
    steer_free(steer);
    steer_free(NULL);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("steer");
    TCase *tcase = tcase_create("steer");

    tcase_add_test(tcase, a_value_is_compared_as_the_plan_says);
    tcase_add_test(tcase, networks_say_who_may);
    suite_add_tcase(suite, tcase);
    return suite;
}
