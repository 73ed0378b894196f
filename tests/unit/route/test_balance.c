/*
 * The choice of a target within a group.
 */
#include "route/balance.h"

#include "base/clk.h"
#include "base/mem.h"
#include "build.h"
#include "route/pick.h"

#include <stdlib.h>

#define ONE_ROUTE BUILD_HEAD "routes: [ { name: r, stable: a, canary: b } ]\n"

static struct config *config;
static struct routes *routes;
static struct rnd rnd;

static void make(const char *yaml, uint32_t weight, const struct route_target_state *states)
{
    config = build_config(yaml);
    routes = build_routes(config, weight, states);
    rnd_seed(&rnd, 42);
}

static void unmake(void)
{
    routes_free(routes);
    config_unref(config);
}

START_TEST(of_two_targets_at_random_the_less_busy_is_taken)
{
    struct balance load = {.busy = {0, 1, 9, 0, 0}};
    unsigned taken[3] = {0};

    make(ONE_ROUTE, 0, NULL);
    for (unsigned i = 0; i < 30000; i++)
        taken[balance_pick(routes->routes[0].side[ROUTE_STABLE], &load, &rnd, STR_NULL, 0, NULL)
                  ->conf->slot]++;
    ck_assert_uint_eq(taken[2], 0); /* always the busier of two */
    ck_assert_msg(taken[0] > 19000 && taken[0] < 21000, "%u", taken[0]);
    ck_assert_msg(taken[1] > 9000 && taken[1] < 11000, "%u", taken[1]);
    unmake();
}
END_TEST

START_TEST(equal_targets_share_equally)
{
    struct balance load = {.busy = {3, 3, 3, 0, 0}};
    unsigned taken[3] = {0};

    make(ONE_ROUTE, 0, NULL);
    for (unsigned i = 0; i < 30000; i++)
        taken[balance_pick(routes->routes[0].side[ROUTE_STABLE], &load, &rnd, STR_NULL, 0, NULL)
                  ->conf->slot]++;
    for (size_t i = 0; i < 3; i++)
        ck_assert_msg(taken[i] > 9500 && taken[i] < 10500, "target %zu: %u", i, taken[i]);
    unmake();
}
END_TEST

START_TEST(a_draining_target_gets_nothing_and_the_last_one_all)
{
    static const struct route_target_state draining[] = {
        {.draining = true}, {0}, {.draining = true}, {0}, {0}};
    struct balance load = {.busy = {0, 1000, 0, 0, 0}};

    make(ONE_ROUTE, 0, draining);
    for (unsigned i = 0; i < 1000; i++) {
        const struct route_target *target =
            balance_pick(routes->routes[0].side[ROUTE_STABLE], &load, &rnd, STR_NULL, 0, NULL);

        ck_assert_uint_eq(target->conf->slot, 1);
        ck_assert(!target->state.draining);
    }
    unmake();
}
END_TEST

START_TEST(the_target_that_failed_is_avoided_while_there_is_another)
{
    static const struct route_target_state draining[] = {{0}, {0}, {0}, {0}, {.draining = true}};
    const struct route_group *group;
    struct balance load = {.busy = {0, 5, 5, 0, 0}};

    make(ONE_ROUTE, 0, draining);
    group = routes->routes[0].side[ROUTE_STABLE];
    for (unsigned i = 0; i < 3000; i++)
        ck_assert_ptr_ne(balance_pick(group, &load, &rnd, STR_NULL, 0, &group->targets[0]),
                         &group->targets[0]);
    group = routes->routes[0].side[ROUTE_CANARY];
    ck_assert_ptr_eq(balance_pick(group, &load, &rnd, STR_NULL, 0, &group->targets[0]), &group->targets[0]);
    unmake();
}
END_TEST

START_TEST(an_ejected_target_gets_nothing_until_its_time_is_over)
{
    struct balance load = {.busy = {0, 5, 5}, .out_until_ns = {100}};
    const struct route_group *group;
    unsigned taken = 0;

    make(ONE_ROUTE, 0, NULL);
    group = routes->routes[0].side[ROUTE_STABLE];
    for (unsigned i = 0; i < 3000; i++)
        ck_assert_uint_ne(balance_pick(group, &load, &rnd, STR_NULL, 99, NULL)->conf->slot, 0);
    for (unsigned i = 0; i < 3000; i++)
        ck_assert_uint_eq(balance_pick(group, &load, &rnd, STR_NULL, 99, &group->targets[1])->conf->slot, 2);
    for (unsigned i = 0; i < 3000; i++)
        taken += balance_pick(group, &load, &rnd, STR_NULL, 100, NULL)->conf->slot == 0;
    ck_assert_uint_gt(taken, 1500);
    unmake();
}
END_TEST

START_TEST(when_all_are_ejected_trying_beats_refusing)
{
    struct balance load = {.out_until_ns = {100, 100, 100}};
    const struct route_group *group;
    unsigned taken[3] = {0};

    make(ONE_ROUTE, 0, NULL);
    group = routes->routes[0].side[ROUTE_STABLE];
    for (unsigned i = 0; i < 3000; i++)
        taken[balance_pick(group, &load, &rnd, STR_NULL, 1, NULL)->conf->slot]++;
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_gt(taken[i], 800);
    unmake();
}
END_TEST

START_TEST(unhealthy_targets_serve_when_no_other_may)
{
    static const struct route_target_state stable[] = {
        {.draining = true}, {.unhealthy = true}, {.unhealthy = true}, {0}, {0}};
    static const struct route_target_state canary[] = {
        {0}, {0}, {0}, {.unhealthy = true}, {.unhealthy = true}};
    struct balance load = {0};
    struct pick_side pick;

    make(ONE_ROUTE, 0, stable);
    for (unsigned i = 0; i < 300; i++)
        ck_assert_uint_ne(
            balance_pick(routes->routes[0].side[ROUTE_STABLE], &load, &rnd, STR_NULL, 0, NULL)->conf->slot,
            0);
    unmake();
    make(ONE_ROUTE, 9999, canary);
    pick = pick_side(routes, &routes->routes[0], &rnd, STR_NULL);
    ck_assert_int_eq(pick.side, ROUTE_STABLE);
    ck_assert_int_eq(pick.assignment, ASSIGNMENT_ONLY);
    unmake();
    make(ONE_ROUTE, 10000, canary);
    pick = pick_side(routes, &routes->routes[0], &rnd, STR_NULL);
    ck_assert_int_eq(pick.side, ROUTE_CANARY);
    ck_assert_ptr_nonnull(balance_pick(routes->routes[0].side[ROUTE_CANARY], &load, &rnd, STR_NULL, 0, NULL));
    unmake();
}
END_TEST

START_TEST(without_an_open_target_there_is_none)
{
    static const struct route_target_state draining[] = {
        {.draining = true}, {.draining = true}, {.draining = true}, {0}, {0}};
    struct balance load = {0};

    make(ONE_ROUTE, 0, draining);
    ck_assert_ptr_null(balance_pick(routes->routes[0].side[ROUTE_STABLE], &load, &rnd, STR_NULL, 0, NULL));
    unmake();
}
END_TEST

/* ---- round robin ---- */

#define GROUP(keys)                                                                                          \
    "listeners: [ { address: \"127.0.0.1:0\" } ]\n"                                                          \
    "targetGroups: { a: { targets: [ \"10.0.0.1:80\", \"10.0.0.2:80\", \"10.0.0.3:80\" ], " keys " } }\n"    \
    "routes: [ { name: r, stable: a } ]\n"

static uint32_t pick(struct balance *load, struct str key, int64_t now_ns)
{
    return balance_pick(routes->routes[0].side[ROUTE_STABLE], load, &rnd, key, now_ns, NULL)->conf->slot;
}

START_TEST(round_robin_takes_one_after_the_other)
{
    struct balance load = {.busy = {9, 0, 5}};

    make(GROUP("balance: roundRobin"), 0, NULL);
    for (uint32_t i = 0; i < 30; i++)
        ck_assert_uint_eq(pick(&load, STR_NULL, 0), i % 3);
    load.out_until_ns[1] = 10;
    for (uint32_t i = 0; i < 30; i++)
        ck_assert_uint_ne(pick(&load, STR_NULL, 9), 1);
    unmake();
}
END_TEST

/* ---- consistent hash ---- */

static struct str key_of(unsigned i, char block[static 16])
{
    return (struct str){block, (size_t)snprintf(block, 16, "user-%u", i)};
}

START_TEST(equal_keys_go_to_one_target_and_all_share)
{
    struct balance load = {.busy = {100}};
    unsigned taken[3] = {0};
    char block[16];

    make(GROUP("balance: consistentHash, hash: { header: X-User }"), 0, NULL);
    for (unsigned i = 0; i < 9000; i++) {
        uint32_t slot = pick(&load, key_of(i, block), 0);

        taken[slot]++;
        ck_assert_uint_eq(pick(&load, key_of(i, block), 0), slot);
    }
    for (size_t i = 0; i < 3; i++)
        ck_assert_msg(taken[i] > 2800 && taken[i] < 3200, "target %zu: %u", i, taken[i]);
    unmake();
}
END_TEST

START_TEST(when_a_target_goes_only_its_keys_move)
{
    struct balance all = {0}, without = {.out_until_ns = {10}};
    char block[16];

    make(GROUP("balance: consistentHash, hash: { clientAddress: true }"), 0, NULL);
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t slot = pick(&all, key_of(i, block), 0), then = pick(&without, key_of(i, block), 0);

        ck_assert_uint_ne(then, 0);
        ck_assert(slot == 0 || slot == then);
    }
    unmake();
}
END_TEST

START_TEST(a_request_without_key_is_spread_by_load)
{
    struct balance load = {.busy = {0, 1, 9}};

    make(GROUP("balance: consistentHash, hash: { cookie: s }"), 0, NULL);
    for (unsigned i = 0; i < 3000; i++)
        ck_assert_uint_ne(pick(&load, STR_NULL, 0), 2);
    unmake();
}
END_TEST

/* ---- caps ---- */

#define CAPPED(keys) GROUP("concurrency: { target: 2 }, " keys)

START_TEST(full_targets_are_passed_over_while_another_has_room)
{
    static const char *const yamls[] = {CAPPED("balance: leastRequest"), CAPPED("balance: roundRobin"),
                                        CAPPED("balance: consistentHash, hash: { clientAddress: true }")};
    static const _Atomic uint32_t held[] = {2, 1, 3};
    struct balance load = {.held = held, .held_most = {2}};
    char block[16];

    for (size_t k = 0; k < ARRAY_LEN(yamls); k++) {
        make(yamls[k], 0, NULL);
        for (unsigned i = 0; i < 1000; i++)
            ck_assert_uint_eq(pick(&load, key_of(i, block), 0), 1);
        unmake();
    }
}
END_TEST

START_TEST(a_full_target_is_waited_for_rather_than_an_ejected_one_tried)
{
    static const _Atomic uint32_t held[] = {2, 0, 2}, all[] = {2, 2, 2};
    struct balance load = {.held = held, .held_most = {2}, .out_until_ns = {0, 10, 0}};
    struct balance out = {.held = held, .held_most = {2}, .out_until_ns = {10, 10, 10}};
    struct balance full = {.held = all, .held_most = {2}};

    make(CAPPED("balance: leastRequest"), 0, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert_uint_ne(pick(&load, STR_NULL, 9), 1);
        ck_assert_uint_eq(pick(&out, STR_NULL, 9), 1); /* all are out: one with room */
        ck_assert_uint_lt(pick(&full, STR_NULL, 9), 3);
    }
    unmake();
}
END_TEST

/* ---- slow start ---- */

/* The share of the first target, in percent, this long after it was opened. */
static double share_after(const char *yaml, int64_t age_ns)
{
    static const struct route_target_state states[] = {{.opened_ns = 1000}, {0}, {0}};
    struct balance load = {0};
    unsigned taken = 0;

    make(yaml, 0, states);
    for (unsigned i = 0; i < 30000; i++)
        taken += pick(&load, STR_NULL, 1000 + age_ns) == 0;
    unmake();
    return taken / 300.0;
}

START_TEST(a_target_that_begins_gets_its_share_by_and_by)
{
    static const char *const groups[] = {GROUP("slowStart: 10s"),
                                         GROUP("slowStart: 10s, balance: roundRobin")};

    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        double begin = share_after(groups[i], 0), half = share_after(groups[i], 5 * NS_PER_S);

        ck_assert_msg(begin > 2 && begin < 6, "%f", begin);
        ck_assert_msg(half > 12 && half < 25, "%f", half);
        ck_assert_double_eq_tol(share_after(groups[i], 10 * NS_PER_S), 33.3, 1.5);
    }
    ck_assert_double_eq_tol(share_after(GROUP("trailers: false"), 0), 33.3, 1.5);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("balance");
    TCase *tc = tcase_create("balance");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, of_two_targets_at_random_the_less_busy_is_taken);
    tcase_add_test(tc, equal_targets_share_equally);
    tcase_add_test(tc, a_draining_target_gets_nothing_and_the_last_one_all);
    tcase_add_test(tc, the_target_that_failed_is_avoided_while_there_is_another);
    tcase_add_test(tc, an_ejected_target_gets_nothing_until_its_time_is_over);
    tcase_add_test(tc, when_all_are_ejected_trying_beats_refusing);
    tcase_add_test(tc, unhealthy_targets_serve_when_no_other_may);
    tcase_add_test(tc, without_an_open_target_there_is_none);
    tcase_add_test(tc, round_robin_takes_one_after_the_other);
    tcase_add_test(tc, equal_keys_go_to_one_target_and_all_share);
    tcase_add_test(tc, when_a_target_goes_only_its_keys_move);
    tcase_add_test(tc, a_request_without_key_is_spread_by_load);
    tcase_add_test(tc, full_targets_are_passed_over_while_another_has_room);
    tcase_add_test(tc, a_full_target_is_waited_for_rather_than_an_ejected_one_tried);
    tcase_add_test(tc, a_target_that_begins_gets_its_share_by_and_by);
    suite_add_tcase(suite, tc);
    return suite;
}
