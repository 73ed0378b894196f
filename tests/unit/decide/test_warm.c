#include "../unit.h"
#include "decide/rollout.h"
#include "sim.h"

static struct sim sim;

static void start(uint64_t seed)
{
    sim_init(&sim, sim_reference_plan(), seed);
    sim.rate = 100;
    ck_assert(sim_order(&sim, COMMAND_START));
}

static void until_weight(uint32_t weight)
{
    for (int s = 0; s < 7200 && sim.r.weight < weight; s++)
        sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, weight);
}

/* A second of a canary that is slow for two minutes after each raise. */
static void cold_tick(void)
{
    sim.canary.slow = sim.r.raise_ns < 120 * NS_PER_S ? 0.1 : 0.005;
    sim_tick(&sim);
}

START_TEST(a_canary_without_a_cold_start_has_no_grace_any_more)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        start(seed);
        until_weight(500);
        ck_assert_int_eq(sim.r.grace_ns, 120 * NS_PER_S);
        until_weight(1200);
        sim_kill(&sim);
        ck_assert(sim.r.warm);
        ck_assert_int_eq(sim.r.grace_ns, 0);
        until_weight(2500);
        ck_assert_int_eq(sim.r.grace_ns, 0);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(without_a_grace_a_slow_canary_is_sent_away_soon)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        start(seed);
        until_weight(2500);
        sim.canary.slow = 0.1;
        int64_t s = sim_until(&sim, ACTION_RETREAT, 600);
        ck_assert_int_gt(s, 0);
        ck_assert_int_lt(s, 90);
        ck_assert(!sim.r.warm);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_canary_with_a_cold_start_keeps_its_grace)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        start(seed);
        for (int s = 0; s < 7200 && sim.r.weight < PLAN_WEIGHT_ALL; s++) {
            cold_tick();
            ck_assert(!sim.r.warm);
        }
        ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
        ck_assert_int_eq(sim.r.grace_ns, 120 * NS_PER_S);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_grace_with_few_requests_says_nothing)
{
    start(1);
    sim.rate = 10;
    until_weight(1200);
    ck_assert(!sim.r.warm);
    ck_assert_int_eq(sim.r.grace_ns, 120 * NS_PER_S);
    sim_fini(&sim);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("warm");
    TCase *tcase = tcase_create("warm");

    tcase_add_test(tcase, a_canary_without_a_cold_start_has_no_grace_any_more);
    tcase_add_test(tcase, without_a_grace_a_slow_canary_is_sent_away_soon);
    tcase_add_test(tcase, a_canary_with_a_cold_start_keeps_its_grace);
    tcase_add_test(tcase, a_grace_with_few_requests_says_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
