/* What a word of a plan does to a rollout, for those words that no other test turns: with another value
 * something else happens. */
#include "decide/rollout.h"

#include "../unit.h"
#include "sim.h"

static struct sim sim;

static void start(struct plan *plan, uint64_t seed)
{
    sim_init(&sim, plan, seed);
    ck_assert(sim_order(&sim, COMMAND_START));
}

/* 10 %, 50 % and then 100, without grace. */
static struct plan *two_steps(int64_t min_s)
{
    struct plan *plan = sim_plan();

    plan->ramp.grace_ns = 0;
    sim_step(plan, 10, min_s);
    sim_step(plan, 50, min_s);
    sim_step(plan, 100, 0);
    return plan;
}

/* Until the state is this, with a canary that is slow above `capacity`. */
static void until_state(enum rollout_state state, uint32_t capacity, int seconds)
{
    for (int s = 0; s < seconds && sim.r.state != state; s++) {
        sim.canary.slow = sim.r.weight > capacity ? 0.4 : 0.005;
        sim_tick(&sim);
    }
    ck_assert_msg(sim.r.state == state, "%s: %s", word_name(&rollout_state_words, sim.r.state), sim.d.text);
}

/* ---- analysis ---- */

START_TEST(before_the_starting_step_and_the_initial_delay_nothing_is_judged)
{
    for (int delays = 0; delays < 2; delays++) {
        struct plan *plan = two_steps(300);

        if (delays)
            plan->analysis.initial_delay_ns = 200 * NS_PER_S;
        else
            plan->analysis.starting_step = 1;
        start(plan, 1);
        sim.canary.errors = 0.2;
        sim_run(&sim, 190);
        ck_assert_uint_eq(sim.r.weight, 1000);
        ck_assert_uint_eq(sim.backs, 0);
        sim_fini(&sim);
    }
    start(two_steps(300), 1);
    sim.canary.errors = 0.2;
    ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 190), 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(judging_begins_with_the_starting_step_and_after_the_initial_delay)
{
    for (int delays = 0; delays < 2; delays++) {
        struct plan *plan = two_steps(120);

        plan->ramp.retreat = false;
        if (delays)
            plan->analysis.initial_delay_ns = 60 * NS_PER_S;
        else
            plan->analysis.starting_step = 1;
        start(plan, 1);
        sim.rate = 200;
        for (int s = 0; s < 3600 && sim.r.weight < 5000; s++)
            sim_tick(&sim);
        ck_assert_msg(sim.r.weight == 5000, "%s", sim.d.text);
        sim.canary.errors = 0.2;
        ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 120), 0);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_smaller_false_promote_needs_more_requests)
{
    int64_t seconds[2];

    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        struct plan *plan = two_steps(10);

        plan->analysis.forward = FORWARD_E_VALUE;
        plan->analysis.false_promote = i ? 0.001 : 0.2;
        start(plan, 3);
        sim.rate = 400;
        ck_assert_int_gt(sim_until(&sim, ACTION_FORWARD, 5), 0);
        seconds[i] = sim_until(&sim, ACTION_FORWARD, 7200);
        ck_assert_int_gt(seconds[i], 0);
        sim_fini(&sim);
    }
    ck_assert_int_gt(seconds[1], seconds[0] * 5 / 4);
}
END_TEST

START_TEST(on_a_quiet_route_so_many_bad_requests_an_hour_are_allowed)
{
    int64_t seconds[2];

    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        struct plan *plan = two_steps(10);

        for (size_t m = 0; m < plan->analysis.metrics_len; m++)
            plan->analysis.metrics[m].max_excess_per_hour = i ? 0 : 500;
        start(plan, 3);
        sim.rate = 4;
        ck_assert_int_gt(sim_until(&sim, ACTION_FORWARD, 5), 0);
        seconds[i] = sim_until(&sim, ACTION_FORWARD, 36000);
        ck_assert_int_gt(seconds[i], 0);
        sim_fini(&sim);
    }
    ck_assert_int_gt(seconds[1], 2 * seconds[0]);
}
END_TEST

/* ---- retreat ---- */

START_TEST(after_so_many_retreats_it_goes_back)
{
    struct plan *plan = sim_reference_plan();

    plan->ramp.retreat_max = 0;
    start(plan, 1);
    until_state(ROLLOUT_ROLLED_BACK, 2000, 3600);
    ck_assert_uint_eq(sim.r.weight, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_probation_after_a_retreat_lasts_as_the_plan_says)
{
    int64_t lasted_s[2];

    for (size_t i = 0; i < ARRAY_LEN(lasted_s); i++) {
        struct plan *plan = sim_reference_plan();

        plan->ramp.retreat_probation_ns = (i ? 1200 : 60) * NS_PER_S;
        start(plan, 1);
        until_state(ROLLOUT_RETREATING, 2000, 3600);
        lasted_s[i] = sim.in.now_ns / NS_PER_S;
        until_state(ROLLOUT_RUNNING, 2000, 3600);
        lasted_s[i] = sim.in.now_ns / NS_PER_S - lasted_s[i];
        sim_fini(&sim);
    }
    ck_assert_int_lt(lasted_s[0], 600);
    ck_assert_int_ge(lasted_s[1], 1200);
}
END_TEST

START_TEST(the_raises_after_a_retreat_have_the_factor_and_the_grace_of_the_plan)
{
    struct plan *plan = sim_reference_plan();

    plan->ramp.retreat_raise_factor = 1.5;
    plan->ramp.retreat_grace_ns = 77 * NS_PER_S;
    start(plan, 1);
    until_state(ROLLOUT_RETREATING, 2000, 3600);
    ck_assert_uint_eq(sim.r.weight, 1200);
    until_state(ROLLOUT_RUNNING, 2000, 600);
    for (int s = 0; s < 7200 && sim.r.weight == 1200; s++)
        sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 1800);
    ck_assert_int_eq(sim.r.grace_ns, 77 * NS_PER_S);
    sim_fini(&sim);
}
END_TEST

/* ---- the watch at 100 ---- */

static void bring_to_100(struct plan *plan)
{
    start(plan, 2);
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 7200), 0);
    sim_run(&sim, 300);
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    sim.canary.errors = 0.01;
}

START_TEST(without_a_watch_nothing_is_compared_at_100)
{
    struct plan *plan = sim_reference_plan();

    plan->watch.on = false;
    bring_to_100(plan);
    sim_run(&sim, 1800);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    ck_assert_uint_eq(sim.r.watch.probes, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_probe_has_the_weight_and_begins_at_the_threshold_of_the_plan)
{
    int64_t seconds[2];

    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        struct plan *plan = sim_reference_plan();

        plan->watch.probe_weight = 4000;
        plan->watch.threshold = i ? 40 : 5;
        bring_to_100(plan);
        seconds[i] = sim_until(&sim, ACTION_RETREAT, 3000);
        ck_assert_int_gt(seconds[i], 0);
        ck_assert_uint_eq(sim.r.weight, 4000);
        sim_fini(&sim);
    }
    ck_assert_int_gt(seconds[1], 2 * seconds[0]);
}
END_TEST

/* ---- the way back ---- */

START_TEST(instant_does_not_ask_whether_stable_bears_it)
{
    for (int instant = 0; instant < 2; instant++) {
        struct plan *plan = two_steps(10);

        plan->rollback.mode = instant ? ROLLBACK_INSTANT : ROLLBACK_AUTO;
        plan->steps[1].min_dwell_ns = 3600 * NS_PER_S;
        start(plan, 1);
        for (int s = 0; s < 3600 && sim.r.weight < 5000; s++)
            sim_tick(&sim);
        sim_run(&sim, 60);
        sim.in.stable = (struct rollout_targets){2, 2, 15}; /* each bears 15 a second, and there are 40 */
        sim.in.rollback_ordered = true;
        sim_tick(&sim);
        ck_assert_uint_eq(sim.r.weight, instant ? 0 : 5000);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(the_backoff_is_the_time_before_a_new_attempt)
{
    struct plan *plan = two_steps(10);

    plan->rollback.retry_max = 1;
    plan->rollback.retry_backoff_ns = 90 * NS_PER_S;
    start(plan, 1);
    sim_run(&sim, 3);
    sim.in.rollback_ordered = true;
    sim_tick(&sim);
    sim.in.rollback_ordered = false;
    int64_t seconds = sim_until(&sim, ACTION_FORWARD, 300);
    ck_assert_int_ge(seconds, 88);
    ck_assert_int_le(seconds, 95);
    ck_assert_int_eq(sim.d.reason, REASON_RETRY);
    sim_fini(&sim);
}
END_TEST

START_TEST(an_abort_after_the_promotion_is_possible_within_the_window_of_the_plan)
{
    for (int late = 0; late < 2; late++) {
        struct plan *plan = two_steps(10);

        plan->rollback.window_ns = 600 * NS_PER_S;
        start(plan, 1);
        sim.rate = 400;
        for (int s = 0; s < 3600 && sim.r.state != ROLLOUT_PROMOTED; s++)
            sim_tick(&sim);
        ck_assert_int_eq(sim.r.state, ROLLOUT_PROMOTED);
        sim_run(&sim, late ? 620 : 580);
        ck_assert(sim_order(&sim, COMMAND_ABORT) == !late);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_step_below_100_may_have_a_bake_which_is_a_dwell)
{
    struct plan *plan = two_steps(10);

    plan->steps[0].bake_ns = 500 * NS_PER_S;
    start(plan, 1);
    sim.rate = 400;
    ck_assert_int_gt(sim_until(&sim, ACTION_FORWARD, 5), 0);
    ck_assert_int_ge(sim_until(&sim, ACTION_FORWARD, 3600), 499);
    sim_fini(&sim);
}
END_TEST

/* ---- steps ---- */

/* The seconds at the first step, and why it was left. */
static int64_t seconds_at(enum advance_rule rule, double rate, int64_t max_s, enum reason *reason_r)
{
    struct plan *plan = two_steps(30);
    int64_t seconds;

    plan->steps[0].advance_on = rule;
    plan->steps[0].max_dwell_ns = max_s * NS_PER_S;
    plan->ramp.min_canary_rate = 0;
    start(plan, 1);
    sim.rate = rate;
    ck_assert_int_gt(sim_until(&sim, ACTION_FORWARD, 5), 0);
    seconds = sim_until(&sim, ACTION_FORWARD, 3600);
    *reason_r = sim.d.reason;
    sim_fini(&sim);
    return seconds;
}

START_TEST(a_step_may_ask_for_traffic_or_time_only)
{
    enum reason reason;

    ck_assert_int_le(seconds_at(ADVANCE_TRAFFIC, 40, 0, &reason), 31);
    ck_assert_int_eq(reason, REASON_TRAFFIC);
    ck_assert_int_gt(seconds_at(ADVANCE_TRAFFIC, 1, 0, &reason), 90); /* 15 requests take 150 s */
    ck_assert_int_eq(reason, REASON_TRAFFIC);
    ck_assert_int_le(seconds_at(ADVANCE_TRAFFIC, 1, 50, &reason), 51);
    ck_assert_int_le(seconds_at(ADVANCE_TIME, 1, 0, &reason), 31);
    ck_assert_int_eq(reason, REASON_TIME);
    ck_assert_int_gt(seconds_at(ADVANCE_EVIDENCE, 40, 0, &reason), 31);
    ck_assert_int_eq(reason, REASON_EVIDENCE);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("settings");
    TCase *tcase = tcase_create("settings");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, before_the_starting_step_and_the_initial_delay_nothing_is_judged);
    tcase_add_test(tcase, judging_begins_with_the_starting_step_and_after_the_initial_delay);
    tcase_add_test(tcase, a_smaller_false_promote_needs_more_requests);
    tcase_add_test(tcase, on_a_quiet_route_so_many_bad_requests_an_hour_are_allowed);
    tcase_add_test(tcase, after_so_many_retreats_it_goes_back);
    tcase_add_test(tcase, the_probation_after_a_retreat_lasts_as_the_plan_says);
    tcase_add_test(tcase, the_raises_after_a_retreat_have_the_factor_and_the_grace_of_the_plan);
    tcase_add_test(tcase, without_a_watch_nothing_is_compared_at_100);
    tcase_add_test(tcase, a_probe_has_the_weight_and_begins_at_the_threshold_of_the_plan);
    tcase_add_test(tcase, instant_does_not_ask_whether_stable_bears_it);
    tcase_add_test(tcase, the_backoff_is_the_time_before_a_new_attempt);
    tcase_add_test(tcase, an_abort_after_the_promotion_is_possible_within_the_window_of_the_plan);
    tcase_add_test(tcase, a_step_below_100_may_have_a_bake_which_is_a_dwell);
    tcase_add_test(tcase, a_step_may_ask_for_traffic_or_time_only);
    suite_add_tcase(suite, tcase);
    return suite;
}
