#include "decide/rollout.h"

#include "../unit.h"
#include "sim.h"
#include "tzif.h"

static struct sim sim;

static void start(struct plan *plan, uint64_t seed)
{
    sim_init(&sim, plan, seed);
    ck_assert(sim_order(&sim, COMMAND_START));
}

/* One step of `percent` and then 100, without grace. */
static struct plan *short_plan(double percent, int64_t min_s)
{
    struct plan *plan = sim_plan();

    plan->ramp.grace_ns = 0;
    sim_step(plan, percent, min_s);
    sim_step(plan, 100, 0);
    return plan;
}

static void until_hold(enum reason reason, int64_t seconds)
{
    for (int64_t s = 0; s < seconds; s++) {
        sim_tick(&sim);
        if (sim.d.action == ACTION_HOLD && sim.d.reason == reason)
            return;
    }
    ck_abort_msg("no hold %s: %s (%s)", word_name(&reason_words, reason), sim.d.text,
                 word_name(&reason_words, sim.d.reason));
}

/* ---- the way up ---- */

START_TEST(a_healthy_canary_reaches_100)
{
    start(sim_reference_plan(), 1);
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 3600), 0);
    ck_assert_int_eq(sim.d.reason, REASON_EVIDENCE);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 3700), 3590);
    ck_assert_int_eq(sim.d.reason, REASON_BAKED);
    ck_assert_int_eq(sim.r.state, ROLLOUT_PROMOTED);
    ck_assert(rollout_is_over(&sim.r));
    ck_assert_uint_eq(sim.backs, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_healthy_week_passes)
{
    static const double weights[] = {1, 5, 10, 25, 50, 75};
    struct plan *plan = sim_plan();

    for (size_t i = 0; i < ARRAY_LEN(weights); i++)
        sim_step(plan, weights[i], 86400);
    sim_step(plan, 100, 0)->bake_ns = 86400 * NS_PER_S;
    start(plan, 2);
    sim_run(&sim, 7 * 86400 + 3600);
    ck_assert_int_eq(sim.r.state, ROLLOUT_PROMOTED);
    ck_assert_uint_eq(sim.backs, 0);
    ck_assert(sim.highest < 100);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_quiet_route_skips_the_steps_that_are_too_small)
{
    start(sim_reference_plan(), 3);
    sim.rate = 1;
    until_hold(REASON_DWELL, 10);
    ck_assert_int_gt(sim_until(&sim, ACTION_FORWARD, 300), 0);
    ck_assert_uint_eq(sim.r.weight, 2500);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_raise_is_spread_over_seconds)
{
    struct plan *plan = short_plan(50, 0);

    plan->ramp.max_step_per_second = 500;
    start(plan, 1);
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 0);
    for (uint32_t s = 1; s <= 10; s++) {
        sim_tick(&sim);
        ck_assert_uint_eq(sim.r.weight, s * 500);
    }
    ck_assert_int_eq(sim.r.dwell_ns, 0);
    sim_fini(&sim);
}
END_TEST

/* Only a group that had nothing is cold: the next raise comes at once. */
START_TEST(a_cold_group_is_entered_evenly)
{
    struct plan *plan = short_plan(50, 0);

    plan->ramp.slow_start_ns = 20 * NS_PER_S;
    start(plan, 1);
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 0);
    for (uint32_t s = 1; s <= 20; s++) {
        sim_tick(&sim);
        ck_assert_uint_eq(sim.r.weight, s * 250);
    }
    ck_assert_int_eq(sim.r.dwell_ns, 0);
    while (sim.r.weight == 5000)
        sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_slower_of_two_limits_of_a_raise_counts)
{
    struct plan *plan = short_plan(50, 0);

    plan->ramp.slow_start_ns = 5 * NS_PER_S;
    plan->ramp.max_step_per_second = 500;
    start(plan, 1);
    sim_tick(&sim);
    for (uint32_t s = 1; s <= 10; s++) {
        sim_tick(&sim);
        ck_assert_uint_eq(sim.r.weight, s * 500);
    }
    sim_fini(&sim);
}
END_TEST

START_TEST(the_dwell_begins_when_every_worker_has_the_weight)
{
    start(short_plan(50, 10), 1);
    sim_tick(&sim);
    sim.in.weight_in_force = false;
    for (int i = 0; i < 30; i++) {
        sim.in.now_ns += NS_PER_S;
        sim.in.tallies_len = 0;
        rollout_step(&sim.r, sim.plan, &sim.in, &sim.d);
        ck_assert_int_eq(sim.d.reason, REASON_DWELL);
    }
    ck_assert_int_eq(sim.r.dwell_ns, 0);
    sim_run(&sim, 6);
    ck_assert_int_eq(sim.r.dwell_ns, 5 * NS_PER_S);
    sim_fini(&sim);
}
END_TEST

/* ---- the way back ---- */

START_TEST(five_percent_errors_go_back_before_a_hundred)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        start(sim_reference_plan(), seed);
        sim.canary.errors = 0.05;
        ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 3600), 0);
        ck_assert_uint_eq(sim.r.weight, 0);
        ck_assert_int_eq(sim.d.reason, REASON_REGRESSION);
        ck_assert_str_eq(sim.d.metric_name, "errors");
        ck_assert(sim.d.e >= 100 && sim.d.threshold == 100);
        ck_assert(sim.d.ratio.lo > 1 && sim.d.canary.bad > 0);
        ck_assert_uint_lt(sim.canary.bad_errors, 100);
        sim_run(&sim, 3);
        ck_assert_int_eq(sim.r.state, ROLLOUT_ROLLED_BACK);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_slow_canary_goes_back_at_once_after_a_raise)
{
    start(sim_reference_plan(), 1);
    sim.canary.slow = 1;
    ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 600), 0);
    ck_assert_int_eq(sim.d.reason, REASON_CATASTROPHE);
    ck_assert_str_eq(sim.d.metric_name, "latency");
    ck_assert_uint_lt(sim.canary.bad_slow, 50);
    sim_fini(&sim);
}
END_TEST

/* Just raised from 1 % to 50 %, with a canary that is slow often, though far from always; 480 such answers,
 * 12 s of the traffic, are what a cold start may cost. */
static void start_cold(uint64_t seed)
{
    struct plan *plan = sim_plan();

    sim_step(plan, 1, 30)->advance_on = ADVANCE_TRAFFIC;
    sim_step(plan, 50, 180);
    sim_step(plan, 100, 0)->bake_ns = 3600 * NS_PER_S;
    start(plan, seed);
    for (int s = 0; s < 7200 && sim.r.weight < 5000; s++)
        sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 5000);
    ck_assert_int_eq(sim.r.grace_ns, plan->ramp.grace_ns);
    sim.canary.bad_slow = 0;
    sim.canary.slow = 0.3;
}

START_TEST(a_cold_start_beyond_its_budget_goes_back_in_the_grace)
{
    for (uint64_t seed = 0; seed < 5; seed++) {
        start_cold(seed);
        while (!sim.backs && sim.r.raise_ns < sim.r.grace_ns)
            sim_tick(&sim);
        ck_assert_uint_eq(sim.backs, 1);
        ck_assert_uint_lt(sim.r.weight, 5000);
        ck_assert_int_eq(sim.d.reason, REASON_BUDGET);
        ck_assert_str_eq(sim.d.metric_name, "latency");
        ck_assert_ptr_nonnull(strstr(sim.d.text, "too many for the time right after a raise"));
        ck_assert_uint_gt(sim.canary.bad_slow, 440);
        ck_assert_uint_lt(sim.canary.bad_slow, 560);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_cold_start_within_its_budget_goes_on)
{
    for (uint64_t seed = 0; seed < 5; seed++) {
        start_cold(seed);
        for (int s = 0; s < 120 && sim.canary.bad_slow < 400; s++)
            sim_tick(&sim);
        sim.canary.slow = 0.005;
        sim_run(&sim, 1200);
        ck_assert_uint_eq(sim.backs, 0);
        ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_canary_that_is_slow_a_little_goes_back_after_the_grace)
{
    start(sim_reference_plan(), 1);
    sim.canary.slow = 0.05;
    ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 3600), 0);
    ck_assert_int_eq(sim.d.reason, REASON_REGRESSION);
    ck_assert_str_eq(sim.d.metric_name, "latency");
    sim_fini(&sim);
}
END_TEST

/* G7: 100 requests a second at 5 %, everything fails: weight 0 within 5 s and 15 failures. */
START_TEST(a_dead_canary_costs_few_requests)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        start(short_plan(5, 3600), seed);
        sim.rate = 100;
        sim.canary.errors = sim.canary.slow = 1;
        ck_assert_int_le(sim_until(&sim, ACTION_ROLLBACK, 60), 5);
        ck_assert_uint_lt(sim.canary.bad_errors, 15);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_fault_after_hours_is_found)
{
    start(short_plan(10, 86400), 1);
    sim.rate = 100;
    sim_run(&sim, 4 * 3600);
    ck_assert_uint_eq(sim.backs, 0);
    sim.canary.errors = 0.01;
    int64_t seconds = sim_until(&sim, ACTION_ROLLBACK, 3600);
    ck_assert_int_gt(seconds, 0);
    ck_assert_int_lt(seconds, 400);
    sim_fini(&sim);
}
END_TEST

START_TEST(common_trouble_does_not_go_back)
{
    start(sim_reference_plan(), 1);
    for (int i = 0; i < 3600; i++) {
        double bad = i % 900 < 60 ? 0.4 : 0.001;

        sim.canary.errors = sim.stable.errors = bad;
        sim.canary.slow = sim.stable.slow = bad;
        sim_tick(&sim);
        ck_assert_int_ne(sim.d.action, ACTION_ROLLBACK); /* a probe at 100 may be */
    }
    sim_fini(&sim);
}
END_TEST

static void fail_both(double errors, double slow)
{
    sim.canary.errors = sim.stable.errors = errors;
    sim.canary.slow = sim.stable.slow = slow;
}

START_TEST(while_both_groups_fail_nothing_moves)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        start(sim_reference_plan(), seed);
        sim_run(&sim, 400);
        uint32_t weight = sim.r.weight;
        fail_both(0.4, 0.4);
        until_hold(REASON_SHARED_FAILURE, 10);
        ck_assert_ptr_nonnull(strstr(sim.d.text, "fargate"));
        for (int i = 0; i < 600; i++) { /* longer than any step */
            sim_tick(&sim);
            ck_assert_int_eq(sim.d.reason, REASON_SHARED_FAILURE);
        }
        ck_assert_uint_eq(sim.r.weight, weight);
        fail_both(0.001, 0.005);
        sim_run(&sim, 150);
        ck_assert(!sim.r.incident.on);
        ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 14400), 0);
        ck_assert_uint_eq(sim.backs, 0);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(an_incident_does_not_hide_a_canary_that_is_far_worse)
{
    start(sim_reference_plan(), 1);
    sim_run(&sim, 400);
    sim.stable.errors = 0.05;
    sim.canary.errors = 0.9;
    ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 60), 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(usual_failures_of_stable_are_no_incident)
{
    start(sim_reference_plan(), 1);
    fail_both(0.03, 0.03);
    for (int i = 0; i < 2000; i++) {
        sim_tick(&sim);
        if (i > 300) /* as long as nothing else is known, 3 % are much */
            ck_assert_int_ne(sim.d.reason, REASON_SHARED_FAILURE);
    }
    sim_fini(&sim);
}
END_TEST

START_TEST(a_canary_without_healthy_targets_goes_back)
{
    start(short_plan(50, 100), 1);
    sim_run(&sim, 5);
    sim.in.canary.healthy = 0;
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.action, ACTION_ROLLBACK);
    ck_assert_int_eq(sim.d.reason, REASON_TARGETS);
    ck_assert_uint_eq(sim.r.weight, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(without_healthy_stable_targets_nothing_moves)
{
    start(short_plan(50, 0), 1);
    sim_run(&sim, 3);
    sim.in.stable.healthy = 0;
    sim.canary.errors = 1;
    sim_run(&sim, 100);
    ck_assert_int_eq(sim.d.reason, REASON_TARGETS);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim_fini(&sim);
}
END_TEST

START_TEST(nothing_stops_a_way_back)
{
    static const enum command armed[] = {COMMAND_PAUSE, COMMAND_LOCK};

    for (size_t i = 0; i < ARRAY_LEN(armed); i++) {
        start(short_plan(50, 3600), 1);
        sim_run(&sim, 5);
        ck_assert(sim_order(&sim, armed[i]));
        sim.save_fails = true;
        sim.canary.errors = 0.5;
        ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 60), 0);
        ck_assert_uint_eq(sim.r.weight, 0);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_lock_may_stop_the_way_back_when_it_says_so)
{
    const struct rollout_order lock = {.command = COMMAND_LOCK, .actor = "bob", .no_rollback = true};
    char why[ROLLOUT_WHY_MAX];

    start(short_plan(50, 3600), 1);
    sim_run(&sim, 5);
    ck_assert(rollout_command(&sim.r, sim.plan, &lock, sim.in.wall_ns, why));
    sim.canary.errors = 0.5;
    sim_run(&sim, 60);
    ck_assert_int_eq(sim.d.reason, REASON_LOCKED);
    ck_assert_uint_eq(sim.r.weight, 5000);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "bob"));
    sim_fini(&sim);
}
END_TEST

START_TEST(on_regression_hold_holds_and_a_retry_judges_afresh)
{
    struct plan *plan = short_plan(50, 3600);

    plan->on_regression = ON_REGRESSION_HOLD;
    start(plan, 1);
    sim_run(&sim, 5);
    sim.canary.errors = 0.2;
    until_hold(REASON_REGRESSION, 600);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim_run(&sim, 60); /* so much evidence that it does not fade soon */
    sim.canary.errors = 0.001;
    sim_run(&sim, 60);
    ck_assert_int_eq(sim.d.reason, REASON_REGRESSION);
    ck_assert(sim_order(&sim, COMMAND_RETRY));
    sim_run(&sim, 60);
    ck_assert_int_eq(sim.d.reason, REASON_DWELL);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_exact_form_decides_when_the_plan_says_so)
{
    for (int exact = 0; exact < 2; exact++) {
        struct plan *plan = short_plan(10, 30);
        int64_t seconds;

        plan->analysis.forward = exact ? FORWARD_E_VALUE : FORWARD_GATE;
        start(plan, 1);
        sim.rate = 400;
        seconds = sim_until(&sim, ACTION_PROMOTE, 3600);
        ck_assert_int_gt(seconds, 0);
        ck_assert((strstr(sim.d.text, "not twice as bad") != NULL) == exact);
        sim_fini(&sim);
        plan = short_plan(10, 30);
        plan->analysis.forward = exact ? FORWARD_E_VALUE : FORWARD_GATE;
        start(plan, 1);
        sim.rate = 400;
        sim_run(&sim, 40);
        sim_kill(&sim);
        sim_tick(&sim);
        ck_assert_msg(sim.d.reason != REASON_NEED_EVIDENCE ||
                          (strstr(sim.d.text, "not twice as bad") != NULL) == exact,
                      "%s", sim.d.text);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_dry_run_never_acts)
{
    struct plan *plan = short_plan(50, 3600);

    plan->analysis.metrics[SIM_ERRORS].dry_run = true;
    plan->analysis.metrics[SIM_ERRORS].share = PLAN_UNSET;
    plan->analysis.metrics[SIM_LATENCY].share = 0.9;
    start(plan, 1);
    sim.canary.errors = 0.5;
    sim_run(&sim, 600);
    ck_assert_uint_eq(sim.backs, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_exposure_budget_is_kept)
{
    struct plan *plan = short_plan(50, 86400);

    plan->exposure_canary_errors = 10;
    plan->analysis.metrics[SIM_ERRORS].tolerance = 50;
    start(plan, 1);
    sim.canary.errors = 0.01;
    ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 3600), 0);
    ck_assert_int_eq(sim.d.reason, REASON_BUDGET);
    ck_assert_uint_lt(sim.canary.bad_errors, 20);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_webhook_orders_a_rollback)
{
    start(short_plan(50, 3600), 1);
    sim_run(&sim, 5);
    sim.in.rollback_ordered = true;
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.reason, REASON_WEBHOOK);
    ck_assert_uint_eq(sim.r.weight, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_rollback_by_ramp_takes_its_time)
{
    struct plan *plan = short_plan(50, 3600);

    plan->rollback.mode = ROLLBACK_RAMP;
    start(plan, 1);
    sim_run(&sim, 5);
    sim.in.rollback_ordered = true;
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 5000);
    ck_assert_uint_eq(sim.r.target, 0);
    sim_run(&sim, 10);
    ck_assert_uint_eq(sim.r.weight, 2500);
    sim_run(&sim, 12);
    ck_assert_uint_eq(sim.r.weight, 0);
    ck_assert_int_eq(sim.r.state, ROLLOUT_ROLLED_BACK);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_ramp_does_not_wait_for_targets_that_are_gone)
{
    for (int late = 0; late < 2; late++) {
        struct plan *plan = short_plan(50, 3600);
        uint32_t total;

        plan->rollback.mode = ROLLBACK_RAMP;
        start(plan, 1);
        sim_run(&sim, 5);
        total = sim.in.canary.total;
        if (late) {
            sim.in.rollback_ordered = true;
            sim_run(&sim, 5);
            ck_assert_uint_eq(sim.r.target, 0);
            ck_assert_uint_gt(sim.r.weight, 2500);
        }
        sim.in.canary = (struct rollout_targets){.healthy = 0, .total = total ? total : 2};
        sim_tick(&sim);
        ck_assert_uint_eq(sim.r.weight, 0);
        sim_run(&sim, 2);
        ck_assert_int_eq(sim.r.state, ROLLOUT_ROLLED_BACK);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(auto_goes_down_slowly_only_when_stable_is_small)
{
    for (int small = 0; small < 2; small++) {
        start(short_plan(50, 3600), 1);
        sim_run(&sim, 60);
        sim.in.stable = (struct rollout_targets){2, 2, small ? 15 : 30};
        sim.in.rollback_ordered = true;
        sim_tick(&sim);
        ck_assert_uint_eq(sim.r.weight, small ? 5000 : 0);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_retry_begins_again_after_the_backoff_and_asks_above_the_proven_weight)
{
    struct plan *plan = sim_plan();

    plan->ramp.grace_ns = 0;
    plan->rollback.retry_max = 1;
    sim_step(plan, 10, 10);
    sim_step(plan, 50, 3600);
    sim_step(plan, 100, 0);
    start(plan, 1);
    ck_assert_int_gt(sim_until(&sim, ACTION_FORWARD, 10), 0);
    ck_assert_int_gt(sim_until(&sim, ACTION_FORWARD, 1200), 0);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim.canary.errors = 0.5;
    ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 600), 0);
    sim.canary.errors = 0.001;
    sim_run(&sim, 3);
    ck_assert_int_eq(sim.r.state, ROLLOUT_QUARANTINED);
    ck_assert_int_ge(sim_until(&sim, ACTION_FORWARD, 3600), 1790);
    ck_assert_int_eq(sim.d.reason, REASON_RETRY);
    ck_assert_uint_eq(sim.r.weight, 1000);
    until_hold(REASON_APPROVAL, 3600);
    ck_assert(sim_order(&sim, COMMAND_APPROVE));
    ck_assert_int_gt(sim_until(&sim, ACTION_FORWARD, 3600), 0);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim_fini(&sim);
}
END_TEST

/* ---- holds ---- */

START_TEST(a_hold_for_evidence_says_what_is_missing)
{
    start(short_plan(5, 0), 1);
    sim_run(&sim, 40);
    ck_assert_int_eq(sim.d.reason, REASON_NEED_EVIDENCE);
    ck_assert_uint_gt(sim.d.need, sim.d.canary.requests);
    ck_assert_int_gt(sim.d.eta_ns, 0);
    ck_assert_int_lt(sim.d.eta_ns, 7200 * NS_PER_S);
    ck_assert_int_ge(sim.d.metric, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_gate_that_cannot_pass_has_no_end_in_sight)
{
    struct plan *plan = short_plan(5, 0);

    plan->analysis.metrics[SIM_ERRORS].tolerance = 90;
    start(plan, 1);
    sim.canary.errors = 0.02;
    sim_run(&sim, 1200);
    ck_assert_int_eq(sim.d.reason, REASON_NEED_EVIDENCE);
    ck_assert_int_eq(sim.d.eta_ns, ROLLOUT_NEVER);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "never"));
    sim_fini(&sim);
}
END_TEST

START_TEST(no_traffic_is_neither_good_nor_bad)
{
    start(short_plan(50, 0), 1);
    sim.rate = 0;
    sim_run(&sim, 3600);
    ck_assert_int_eq(sim.d.reason, REASON_NO_DATA);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim.rate = 40;
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 1200), 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(suspicion_stops_a_raise)
{
    struct plan *plan = short_plan(50, 3600);

    start(plan, 1);
    sim_run(&sim, 10);
    sim.canary.errors = 0.012;
    while (sim.d.e < 10)
        sim_tick(&sim);
    ck_assert_int_eq(sim.d.reason, REASON_NEED_EVIDENCE);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "against it"));
    sim_fini(&sim);
}
END_TEST

START_TEST(capacity_holds_until_there_are_targets)
{
    struct plan *plan = short_plan(50, 0);

    plan->ramp.capacity = 15;
    start(plan, 1);
    until_hold(REASON_CAPACITY, 60);
    sim_run(&sim, 600);
    ck_assert_int_eq(sim.d.reason, REASON_CAPACITY);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "1 more are needed"));
    sim.in.canary = (struct rollout_targets){3, 3, 0};
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 600), 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_pause_waits_for_an_approval_and_looks_again_after_it)
{
    struct plan *plan = sim_plan();

    plan->ramp.grace_ns = 0;
    sim_step(plan, 50, 0);
    sim_pause(plan);
    sim_step(plan, 100, 0);
    start(plan, 1);
    until_hold(REASON_APPROVAL, 1200);
    ck_assert_int_eq(sim.r.step, 1);
    sim_run(&sim, 600);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim.canary.errors = 0.015;
    while (sim.d.e < 10)
        sim_tick(&sim);
    ck_assert(sim_order(&sim, COMMAND_APPROVE));
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.reason, REASON_NEED_EVIDENCE); /* approved, but the limit was passed meanwhile */
    sim_fini(&sim);
}
END_TEST

START_TEST(an_approval_goes_forward)
{
    struct plan *plan = sim_plan();

    plan->ramp.grace_ns = 0;
    sim_step(plan, 50, 0);
    sim_pause(plan);
    sim_step(plan, 100, 0);
    start(plan, 1);
    until_hold(REASON_APPROVAL, 1200);
    ck_assert(sim_order(&sim, COMMAND_APPROVE));
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.action, ACTION_PROMOTE);
    ck_assert_int_eq(sim.d.reason, REASON_APPROVED);
    ck_assert_str_eq(sim.d.actor, "alice");
    ck_assert_int_eq(sim.r.state, ROLLOUT_PROMOTED);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_pause_with_a_duration_ends_by_itself)
{
    struct plan *plan = sim_plan();

    plan->ramp.grace_ns = 0;
    sim_step(plan, 50, 0);
    *sim_pause(plan) =
        (struct plan_step){.kind = STEP_PAUSE, .pause = PAUSE_TIME, .pause_ns = 300 * NS_PER_S};
    sim_step(plan, 100, 0);
    start(plan, 1);
    while (sim.r.step < 1)
        sim_tick(&sim);
    int64_t seconds = sim_until(&sim, ACTION_PROMOTE, 600);
    ck_assert_int_ge(seconds, 300);
    ck_assert_int_le(seconds, 310);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_window_holds_forward_and_says_when_it_opens)
{
    struct plan *plan = short_plan(50, 0);
    char block[TZIF_MAX];
    const char *why;

    ck_assert(plan_zone_add(plan, STR("Asia/Tokyo"), tzif_rule(block, 32400, TZIF_TOKYO), &why));
    plan->windows[plan->windows_len++] =
        (struct plan_window){.name = "office", .window = {0x0f, 600, 1020}, .zone = "Asia/Tokyo"};
    snprintf(plan->steps[1].window, PLAN_NAME_MAX, "office");
    start(plan, 1);
    until_hold(REASON_WINDOW, 60); /* Thursday 00:00 in Tokyo */
    ck_assert_ptr_nonnull(strstr(sim.d.text, "Thu 2026-11-26 10:00 Asia/Tokyo"));
    int64_t seconds = sim_until(&sim, ACTION_PROMOTE, 36100);
    ck_assert_int_ge(sim.in.wall_ns / NS_PER_S, 1795618800 + 36000);
    ck_assert_int_gt(seconds, 35000);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_freeze_holds_forward)
{
    struct plan *plan = short_plan(50, 0);
    int64_t now_s = 1795618800;

    plan->freezes[plan->freezes_len++] =
        (struct plan_freeze){.freeze = {now_s - 10, now_s + 1000}, .zone = "UTC", .reason = "year end"};
    start(plan, 1);
    until_hold(REASON_FROZEN, 60);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "year end"));
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 2000), 900);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_gate_needs_its_webhook)
{
    struct plan *plan = short_plan(50, 0);

    plan_webhook_init(&plan->webhooks[plan->webhooks_len++], WEBHOOK_CONFIRM);
    snprintf(plan->webhooks[0].name, PLAN_NAME_MAX, "load-test");
    snprintf(plan->steps[0].gate, PLAN_NAME_MAX, "load-test");
    start(plan, 1);
    until_hold(REASON_GATE, 60);
    ck_assert_str_eq(rollout_gate(&sim.r, sim.plan), "load-test");
    sim.in.gate = GATE_NO;
    sim.in.gate_text = "12 tests failed";
    sim_run(&sim, 300);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "12 tests failed"));
    sim.in.gate = GATE_YES;
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 600), 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(max_dwell_without_evidence_does_what_the_plan_says)
{
    for (size_t rule = 0; rule < on_inconclusive_words.len; rule++) {
        struct plan *plan = short_plan(5, 10);

        plan->on_inconclusive = (enum on_inconclusive)rule;
        plan->steps[0].max_dwell_ns = 60 * NS_PER_S;
        start(plan, 1);
        sim_run(&sim, 70);
        switch (plan->on_inconclusive) {
        case ON_INCONCLUSIVE_HOLD:
            ck_assert_ptr_nonnull(strstr(sim.d.text, "maxDwell is over"));
            break;
        case ON_INCONCLUSIVE_ROLLBACK:
            ck_assert_int_eq(sim.r.state, ROLLOUT_ROLLED_BACK);
            break;
        case ON_INCONCLUSIVE_FORWARD:
            ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
            break;
        }
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_full_disk_stops_progress_and_is_told)
{
    start(short_plan(50, 0), 1);
    sim_run(&sim, 3);
    sim.save_fails = true;
    until_hold(REASON_STORAGE, 1200);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "disk full"));
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim_run(&sim, 100);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim.save_fails = false;
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 20), 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_plan_that_ends_below_100_waits_for_a_person)
{
    struct plan *plan = sim_plan();

    plan->ramp.grace_ns = 0;
    sim_step(plan, 50, 0);
    start(plan, 1);
    until_hold(REASON_APPROVAL, 10);
    ck_assert(sim_order(&sim, COMMAND_PROMOTE_FULL));
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.action, ACTION_PROMOTE);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    sim_fini(&sim);
}
END_TEST

START_TEST(header_route_and_mirror_are_in_force_from_their_step_on)
{
    struct plan *plan = sim_plan();
    struct plan_step *route = &plan->steps[plan->steps_len++];

    plan->ramp.grace_ns = 0;
    plan_step_init(route, STEP_HEADER_ROUTE);
    snprintf(route->header_route.header, PLAN_NAME_MAX, "x-canary");
    sim_step(plan, 50, 0);
    start(plan, 1);
    ck_assert_ptr_null(rollout_header_route(&sim.r, plan));
    sim_tick(&sim);
    ck_assert_ptr_nonnull(rollout_header_route(&sim.r, plan));
    sim_run(&sim, 5);
    ck_assert_uint_eq(sim.r.weight, 5000);
    ck_assert_ptr_nonnull(rollout_header_route(&sim.r, plan));
    ck_assert_ptr_null(rollout_mirror(&sim.r, plan));
    ck_assert(sim_order(&sim, COMMAND_ABORT));
    sim_tick(&sim);
    ck_assert_ptr_null(rollout_header_route(&sim.r, plan));
    sim_fini(&sim);
}
END_TEST

START_TEST(a_mirror_is_in_force_until_the_next_one)
{
    struct plan *plan = sim_plan();
    struct plan_step *pause = &plan->steps[plan->steps_len++], *off;

    plan->ramp.grace_ns = 0;
    plan_step_init(pause, STEP_PAUSE);
    pause->mirrors = true;
    pause->mirror.weight = 5000;
    off = &plan->steps[plan->steps_len++];
    plan_step_init(off, STEP_MIRROR);
    sim_step(plan, 50, 0);
    start(plan, 1);
    ck_assert_ptr_null(rollout_mirror(&sim.r, plan));
    sim_tick(&sim);
    ck_assert_ptr_eq(rollout_mirror(&sim.r, plan), &pause->mirror);
    ck_assert(sim_order(&sim, COMMAND_APPROVE));
    sim_run(&sim, 5);
    ck_assert_uint_eq(sim.r.weight, 5000);
    ck_assert_ptr_eq(rollout_mirror(&sim.r, plan), &off->mirror);
    ck_assert_uint_eq(off->mirror.weight, 0);
    ck_assert(sim_order(&sim, COMMAND_ABORT));
    sim_tick(&sim);
    ck_assert_ptr_null(rollout_mirror(&sim.r, plan));
    sim_fini(&sim);
}
END_TEST

START_TEST(a_hold_is_recorded_once_for_each_reason)
{
    start(short_plan(5, 100), 1);
    sim_run(&sim, 99);
    ck_assert_uint_eq(sim.holds, 1);
    sim_run(&sim, 100);
    ck_assert_uint_eq(sim.holds, 2);
    sim_fini(&sim);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("rollout");
    TCase *tcase = tcase_create("rollout");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_healthy_canary_reaches_100);
    tcase_add_test(tcase, a_healthy_week_passes);
    tcase_add_test(tcase, a_quiet_route_skips_the_steps_that_are_too_small);
    tcase_add_test(tcase, a_raise_is_spread_over_seconds);
    tcase_add_test(tcase, a_cold_group_is_entered_evenly);
    tcase_add_test(tcase, the_slower_of_two_limits_of_a_raise_counts);
    tcase_add_test(tcase, the_dwell_begins_when_every_worker_has_the_weight);
    tcase_add_test(tcase, five_percent_errors_go_back_before_a_hundred);
    tcase_add_test(tcase, a_slow_canary_goes_back_at_once_after_a_raise);
    tcase_add_test(tcase, a_cold_start_beyond_its_budget_goes_back_in_the_grace);
    tcase_add_test(tcase, a_cold_start_within_its_budget_goes_on);
    tcase_add_test(tcase, a_canary_that_is_slow_a_little_goes_back_after_the_grace);
    tcase_add_test(tcase, a_dead_canary_costs_few_requests);
    tcase_add_test(tcase, a_fault_after_hours_is_found);
    tcase_add_test(tcase, common_trouble_does_not_go_back);
    tcase_add_test(tcase, while_both_groups_fail_nothing_moves);
    tcase_add_test(tcase, an_incident_does_not_hide_a_canary_that_is_far_worse);
    tcase_add_test(tcase, usual_failures_of_stable_are_no_incident);
    tcase_add_test(tcase, a_canary_without_healthy_targets_goes_back);
    tcase_add_test(tcase, without_healthy_stable_targets_nothing_moves);
    tcase_add_test(tcase, nothing_stops_a_way_back);
    tcase_add_test(tcase, a_lock_may_stop_the_way_back_when_it_says_so);
    tcase_add_test(tcase, on_regression_hold_holds_and_a_retry_judges_afresh);
    tcase_add_test(tcase, the_exact_form_decides_when_the_plan_says_so);
    tcase_add_test(tcase, a_dry_run_never_acts);
    tcase_add_test(tcase, the_exposure_budget_is_kept);
    tcase_add_test(tcase, a_webhook_orders_a_rollback);
    tcase_add_test(tcase, a_rollback_by_ramp_takes_its_time);
    tcase_add_test(tcase, a_ramp_does_not_wait_for_targets_that_are_gone);
    tcase_add_test(tcase, auto_goes_down_slowly_only_when_stable_is_small);
    tcase_add_test(tcase, a_retry_begins_again_after_the_backoff_and_asks_above_the_proven_weight);
    tcase_add_test(tcase, a_hold_for_evidence_says_what_is_missing);
    tcase_add_test(tcase, a_gate_that_cannot_pass_has_no_end_in_sight);
    tcase_add_test(tcase, no_traffic_is_neither_good_nor_bad);
    tcase_add_test(tcase, suspicion_stops_a_raise);
    tcase_add_test(tcase, capacity_holds_until_there_are_targets);
    tcase_add_test(tcase, a_pause_waits_for_an_approval_and_looks_again_after_it);
    tcase_add_test(tcase, an_approval_goes_forward);
    tcase_add_test(tcase, a_pause_with_a_duration_ends_by_itself);
    tcase_add_test(tcase, a_window_holds_forward_and_says_when_it_opens);
    tcase_add_test(tcase, a_freeze_holds_forward);
    tcase_add_test(tcase, a_gate_needs_its_webhook);
    tcase_add_test(tcase, max_dwell_without_evidence_does_what_the_plan_says);
    tcase_add_test(tcase, a_full_disk_stops_progress_and_is_told);
    tcase_add_test(tcase, a_plan_that_ends_below_100_waits_for_a_person);
    tcase_add_test(tcase, a_mirror_is_in_force_until_the_next_one);
    tcase_add_test(tcase, header_route_and_mirror_are_in_force_from_their_step_on);
    tcase_add_test(tcase, a_hold_is_recorded_once_for_each_reason);
    suite_add_tcase(suite, tcase);
    return suite;
}
