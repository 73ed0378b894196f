#include "../unit.h"
#include "decide/rollout.h"
#include "sim.h"

static struct sim sim;

static void start(uint64_t seed)
{
    sim_init(&sim, sim_reference_plan(), seed);
    ck_assert(sim_order(&sim, COMMAND_START));
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 7200), 0);
    sim_run(&sim, 300);
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
}

START_TEST(a_fault_after_100_is_found_by_a_probe)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        start(seed);
        sim.canary.errors = 0.01;
        int64_t s = sim_until(&sim, ACTION_RETREAT, 600);
        ck_assert_int_gt(s, 0);
        ck_assert_int_eq(sim.d.reason, REASON_PROBE);
        ck_assert_int_eq(sim.r.state, ROLLOUT_PROBING);
        ck_assert_uint_eq(sim.r.weight, 2000);
        ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 600), 0);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(trouble_of_both_clears_the_canary_and_the_bake_goes_on)
{
    start(1);
    int64_t baked_ns;

    sim.canary.errors = sim.stable.errors = 0.01;
    ck_assert_int_gt(sim_until(&sim, ACTION_RETREAT, 600), 0);
    baked_ns = sim.r.watch.baked_ns;
    ck_assert_int_gt(baked_ns, 0);
    int lasts = 0;
    for (; lasts < 2000 && sim.r.state == ROLLOUT_PROBING; lasts++) {
        sim_tick(&sim);
        if (sim.r.state == ROLLOUT_PROBING)
            sim_kill(&sim);
    }
    ck_assert_int_ge(lasts, 300); /* at a fifth of the traffic, as many requests as in 120 s at a half */
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    ck_assert_int_eq(sim.d.reason, REASON_PROBE_OVER);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    ck_assert_int_eq(sim.r.dwell_ns, baked_ns);
    sim_run(&sim, 1800); /* stable's share of today is known now */
    ck_assert_uint_eq(sim.r.watch.probes, 1);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_healthy_canary_is_seldom_probed_and_promoted)
{
    uint32_t probes = 0;

    for (uint64_t seed = 0; seed < 30; seed++) {
        start(seed);
        ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 7200), 0);
        ck_assert_int_eq(sim.r.state, ROLLOUT_PROMOTED);
        probes += sim.r.watch.probes;
        sim_fini(&sim);
    }
    ck_assert_uint_le(probes, 2);
}
END_TEST

START_TEST(without_stable_targets_nothing_is_probed)
{
    start(1);
    sim.canary.errors = 0.05;
    sim.in.stable.healthy = 0;
    sim_run(&sim, 300);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    sim.in.stable.healthy = 2;
    sim_run(&sim, 2);
    ck_assert_int_eq(sim.r.state, ROLLOUT_PROBING);
    sim.in.stable.healthy = 0;
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    ck_assert_int_eq(sim.d.reason, REASON_PROBE_OVER);
    sim_fini(&sim);
}
END_TEST

START_TEST(probes_never_spend_more_than_their_part_of_the_ledger)
{
    struct plan *plan = sim_reference_plan();
    struct judge judge;
    double sum = 0;

    plan_finish(plan, 500 * NS_PER_MS);
    judge_init(&judge, plan);
    for (int i = 0; i < 50; i++)
        sum += judge_probe(&judge, 0.05, plan);
    ck_assert_double_le(sum, 0.15 + 1e-9);
    free(plan);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("watch");
    TCase *tcase = tcase_create("watch");

    tcase_add_test(tcase, a_fault_after_100_is_found_by_a_probe);
    tcase_add_test(tcase, trouble_of_both_clears_the_canary_and_the_bake_goes_on);
    tcase_add_test(tcase, a_healthy_canary_is_seldom_probed_and_promoted);
    tcase_add_test(tcase, without_stable_targets_nothing_is_probed);
    tcase_add_test(tcase, probes_never_spend_more_than_their_part_of_the_ledger);
    suite_add_tcase(suite, tcase);
    return suite;
}
