#include "../unit.h"
#include "decide/rollout.h"
#include "sim.h"

static struct sim sim;

static void start(uint64_t seed)
{
    sim_init(&sim, sim_reference_plan(), seed);
    ck_assert(sim_order(&sim, COMMAND_START));
}

/* A second in which the canary is slow as long as its weight is above `capacity`; saved and restored in it
 * when `kill` says so. */
static void tick(uint32_t capacity, bool kill)
{
    sim.canary.slow = sim.r.weight > capacity ? 0.4 : 0.005;
    sim_tick(&sim);
    if (kill)
        sim_kill(&sim);
}

static void until_state(enum rollout_state state, uint32_t capacity, int seconds, bool kill)
{
    for (int s = 0; s < seconds && sim.r.state != state; s++)
        tick(capacity, kill);
    ck_assert_int_eq(sim.r.state, state);
}

START_TEST(too_much_load_leads_back_to_the_last_proven_weight)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        start(seed);
        until_state(ROLLOUT_RETREATING, 2000, 3600, false);
        ck_assert_int_eq(sim.d.action, ACTION_RETREAT);
        ck_assert_uint_eq(sim.r.weight, 1200);
        ck_assert_int_eq(sim.r.step, 2);
        ck_assert_ptr_nonnull(strstr(sim.d.text, "load"));
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(load_that_was_the_reason_is_raised_in_small_parts)
{
    uint32_t highest = 0, last;

    start(1);
    until_state(ROLLOUT_RETREATING, 2000, 3600, false);
    until_state(ROLLOUT_RUNNING, 2000, 600, false);
    for (int s = 0; s < 7200 && sim.r.state == ROLLOUT_RUNNING; s++) {
        last = sim.r.weight;
        tick(10000, false); /* it has been given more targets */
        if (sim.r.weight > last && last < 8200)
            ck_assert_uint_le(sim.r.weight, last * 5 / 4);
        highest = sim.r.weight > highest ? sim.r.weight : highest;
    }
    ck_assert_uint_eq(highest, PLAN_WEIGHT_ALL);
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_second_time_it_is_held_until_there_are_more_targets)
{
    start(1);
    until_state(ROLLOUT_RETREATING, 2000, 3600, false);
    until_state(ROLLOUT_HELD, 2000, 7200, false);
    ck_assert_uint_le(sim.r.weight, 2000);
    for (int s = 0; s < 600; s++) {
        tick(2000, false);
        ck_assert_int_eq(sim.d.reason, REASON_LOAD_DEPENDENT);
    }
    sim.in.canary = (struct rollout_targets){3, 3, 0};
    tick(2000, false);
    ck_assert_int_eq(sim.r.state, ROLLOUT_RUNNING);
    sim_fini(&sim);
}
END_TEST

/* Until the weight is above 20 % again; the slow answers of the canary up to there. */
static uint64_t until_raised_again(void)
{
    for (int s = 0; s < 7200 && sim.r.weight <= 2000; s++)
        tick(2000, false);
    ck_assert_uint_gt(sim.r.weight, 2000);
    return sim.canary.bad_slow;
}

START_TEST(the_same_overload_is_known_at_once)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        uint64_t slow;

        start(seed);
        until_state(ROLLOUT_RETREATING, 2000, 3600, false);
        until_state(ROLLOUT_RUNNING, 2000, 600, false);
        slow = until_raised_again();
        until_state(ROLLOUT_RETREATING, 2000, 60, false);
        ck_assert_msg(strstr(sim.d.text, "; as often as before the retreat") ||
                          sim.d.reason == REASON_CATASTROPHE,
                      "%s", sim.d.text);
        ck_assert_uint_le(sim.canary.bad_slow - slow, 45);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_milder_cold_start_of_new_targets_is_not_taken_for_it)
{
    start(1);
    until_state(ROLLOUT_RETREATING, 2000, 3600, false);
    until_state(ROLLOUT_RUNNING, 2000, 600, false);
    until_raised_again();
    sim.canary.slow = 0.08;
    for (int s = 0; s < 30; s++)
        sim_tick(&sim);
    ck_assert_int_eq(sim.r.state, ROLLOUT_RUNNING);
    ck_assert_uint_gt(sim.r.weight, 2000);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_person_ends_the_hold)
{
    start(1);
    until_state(ROLLOUT_HELD, 2000, 10800, false);
    ck_assert(sim_order(&sim, COMMAND_RESUME));
    tick(2000, false);
    ck_assert_int_eq(sim.r.state, ROLLOUT_RUNNING);
    sim_fini(&sim);
}
END_TEST

START_TEST(trouble_that_stays_after_a_retreat_goes_back)
{
    start(1);
    until_state(ROLLOUT_RETREATING, 2000, 3600, false);
    until_state(ROLLOUT_ROLLED_BACK, 0, 600, false);
    ck_assert_uint_eq(sim.r.weight, 0);
    sim_fini(&sim);
}
END_TEST

/* Requests that were drawn at the weight that was left, all of them bad. */
static struct tally left_over(uint32_t weight, uint64_t requests)
{
    struct tally tally = {.weight = weight, .canary.requests = requests};

    for (size_t i = 0; i <= SIM_LATENCY; i++)
        tally.canary.metrics[i] = (struct tally_metric){requests, requests, requests};
    return tally;
}

START_TEST(what_comes_in_late_from_the_higher_weight_does_not_count)
{
    start(1);
    until_state(ROLLOUT_RETREATING, 2000, 3600, false);
    for (int s = 0; s < 20; s++) {
        sim.late = left_over(2500, 8);
        tick(2000, false);
        ck_assert_msg(sim.r.state == ROLLOUT_RETREATING, "second %d: %s", s, sim.d.text);
        ck_assert_double_lt(sim.d.e, 1);
    }
    until_state(ROLLOUT_RUNNING, 2000, 600, false);
    sim_fini(&sim);
}
END_TEST

/* 12 % asks a person before 25 %, which the canary does not bear; 39 % has a pause as well. */
static struct plan *plan_with_approvals(void)
{
    struct plan *plan = sim_plan();

    sim_step(plan, 1, 30);
    sim_step(plan, 12, 180);
    sim_pause(plan);
    sim_step(plan, 25, 180);
    sim_step(plan, 50, 180)->pause = PAUSE_APPROVAL;
    sim_step(plan, 100, 0)->bake_ns = 3600 * NS_PER_S;
    return plan;
}

START_TEST(a_pause_that_was_passed_is_not_asked_again_after_a_retreat)
{
    uint32_t asked_at[8] = {0};
    size_t asked = 0;
    bool retreated = false;

    sim_init(&sim, plan_with_approvals(), 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    for (int s = 0; s < 6 * 3600 && sim.r.state != ROLLOUT_WATCHING; s++) {
        tick(retreated ? 10000 : 2000, false);
        retreated |= sim.r.state == ROLLOUT_RETREATING;
        if (sim.d.action != ACTION_HOLD || sim.d.reason != REASON_APPROVAL || !sim.d.fresh)
            continue;
        ck_assert_uint_lt(asked, ARRAY_LEN(asked_at));
        asked_at[asked++] = sim.r.weight;
        ck_assert(sim_order(&sim, COMMAND_APPROVE));
    }
    ck_assert(retreated);
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    ck_assert_uint_eq(asked, 2);
    ck_assert_uint_eq(asked_at[0], 1200);
    ck_assert_uint_ge(asked_at[1], 5000);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_plan_may_forbid_to_retreat)
{
    start(1);
    sim.plan->ramp.retreat = false;
    until_state(ROLLOUT_ROLLED_BACK, 2000, 3600, false);
    sim_fini(&sim);
}
END_TEST

START_TEST(killed_in_each_second_of_a_retreat_it_goes_on)
{
    start(1);
    until_state(ROLLOUT_RETREATING, 2000, 3600, true);
    until_state(ROLLOUT_HELD, 2000, 7200, true);
    ck_assert_uint_le(sim.r.weight, 2000);
    sim_fini(&sim);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("retreat");
    TCase *tcase = tcase_create("retreat");

    tcase_add_test(tcase, too_much_load_leads_back_to_the_last_proven_weight);
    tcase_add_test(tcase, load_that_was_the_reason_is_raised_in_small_parts);
    tcase_add_test(tcase, the_second_time_it_is_held_until_there_are_more_targets);
    tcase_add_test(tcase, the_same_overload_is_known_at_once);
    tcase_add_test(tcase, a_milder_cold_start_of_new_targets_is_not_taken_for_it);
    tcase_add_test(tcase, a_person_ends_the_hold);
    tcase_add_test(tcase, trouble_that_stays_after_a_retreat_goes_back);
    tcase_add_test(tcase, what_comes_in_late_from_the_higher_weight_does_not_count);
    tcase_add_test(tcase, a_pause_that_was_passed_is_not_asked_again_after_a_retreat);
    tcase_add_test(tcase, a_plan_may_forbid_to_retreat);
    tcase_add_test(tcase, killed_in_each_second_of_a_retreat_it_goes_on);
    suite_add_tcase(suite, tcase);
    return suite;
}
