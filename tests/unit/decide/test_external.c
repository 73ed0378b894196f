#include "decide/external.h"

#include "decide/amend.h"
#include "decide/record.h"

#include "../unit.h"
#include "sim.h"

enum { ORDERS = 3 }; /* the metric behind those of sim_plan() */

static struct sim sim;

static struct plan *plan_with(double percent, int32_t failure_limit)
{
    struct plan *plan = sim_plan();
    struct plan_metric *metric = &plan->analysis.metrics[plan->analysis.metrics_len++];

    plan->ramp.grace_ns = 0;
    plan_metric_init(metric, METRIC_EXTERNAL);
    snprintf(metric->name, sizeof(metric->name), "orders");
    metric->limits.interval_ns = 10 * NS_PER_S;
    metric->limits.min = 1;
    metric->limits.max = 5;
    metric->limits.failure_limit = failure_limit;
    sim_step(plan, percent, 0);
    return plan;
}

static void start(struct plan *plan)
{
    sim_init(&sim, plan, 1);
    ck_assert(sim_order(&sim, COMMAND_START));
}

static void answer(struct external_answer answer)
{
    sim.in.external[ORDERS] = answer;
    sim.in.external[ORDERS].given = true;
    sim_tick(&sim);
    sim.in.external[ORDERS] = (struct external_answer){0};
}

static void value(double value)
{
    answer((struct external_answer){.known = true, .value = value});
}

/* Until it waits for the metric alone. */
static void until_hold(void)
{
    for (int s = 0; s < 600; s++) {
        sim_tick(&sim);
        if (sim.d.action == ACTION_HOLD && sim.d.reason == REASON_EXTERNAL)
            return;
    }
    ck_abort_msg("no hold: %s", sim.d.text);
}

static void at_half(int32_t failure_limit)
{
    struct plan *plan = plan_with(50, failure_limit);

    sim_step(plan, 100, 0);
    start(plan);
    sim_run(&sim, 300); /* the evidence is there */
    until_hold();
    ck_assert_uint_eq(sim.r.weight, 5000);
}

static void holds(const char *text)
{
    ck_assert_int_eq(sim.d.action, ACTION_HOLD);
    ck_assert_int_eq(sim.d.reason, REASON_EXTERNAL);
    ck_assert_str_eq(sim.d.metric_name, "orders");
    ck_assert_msg(strstr(sim.d.text, text), "%s", sim.d.text);
    ck_assert_uint_eq(sim.r.weight, 5000);
}

START_TEST(without_an_answer_it_holds_and_says_so)
{
    at_half(0);
    sim_run(&sim, 1000);
    holds("orders: the query has not been answered yet; it is asked every 10s");
    sim_fini(&sim);
}
END_TEST

START_TEST(no_data_holds_for_ever_and_is_never_a_failure)
{
    at_half(0);
    for (int i = 0; i < 100; i++)
        answer((struct external_answer){.why = "the answer is empty"});
    holds("orders: the query has no data: the answer is empty");
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_value_within_its_bounds_lets_it_go_on)
{
    static const double good[] = {1, 3, 5};

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        at_half(0);
        value(good[i]);
        ck_assert_int_ne(sim.d.reason, REASON_EXTERNAL);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(no_data_after_a_good_value_holds)
{
    at_half(0);
    sim.r.locked = true; /* or it would be gone */
    value(3);
    ck_assert_int_eq(sim.d.reason, REASON_LOCKED);
    answer((struct external_answer){.why = "it timed out"});
    sim.r.locked = false;
    sim_tick(&sim);
    holds("it timed out");
    sim_fini(&sim);
}
END_TEST

START_TEST(a_value_that_grows_old_holds)
{
    at_half(0);
    sim.r.locked = true;
    value(3);
    sim_run(&sim, 20);
    sim.r.locked = false;
    sim_run(&sim, 1);
    holds("orders: the last value, 3, is 21s old, and nothing newer has come");
    sim_fini(&sim);
}
END_TEST

START_TEST(a_value_from_before_the_raise_holds)
{
    at_half(0);
    answer((struct external_answer){.known = true, .value = 3, .age_ns = sim.r.raise_ns + 5 * NS_PER_S});
    holds("was asked for before the weight was raised");
    sim_fini(&sim);
}
END_TEST

/* As Argo Rollouts: more than failureLimit. */
START_TEST(more_failures_than_the_limit_go_back)
{
    at_half(2);
    value(7);
    holds("orders: 7 is above max 5; failure 1, more than 2 send the canary back");
    ck_assert(sim.d.fresh);
    value(3); /* what is well between counts for nothing */
    sim_fini(&sim);

    at_half(2);
    value(7);
    value(0.5);
    holds("orders: 0.5 is below min 1; failure 2");
    ck_assert(sim.d.fresh);
    sim_run(&sim, 100);
    holds("failure 2");
    ck_assert(!sim.d.fresh);
    value(9);
    ck_assert_int_eq(sim.d.action, ACTION_ROLLBACK);
    ck_assert_int_eq(sim.d.reason, REASON_EXTERNAL);
    ck_assert_str_eq(sim.d.text,
                     "orders: 9 is above max 5; beyond its bounds 3 times, failureLimit allows 2");
    ck_assert_uint_eq(sim.r.weight, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(failures_without_a_limit_hold_and_are_told_once)
{
    at_half(-1);
    for (int i = 0; i < 5; i++) {
        value(7);
        holds("orders: 7 is above max 5; it moves on when it is within its bounds again");
        ck_assert(!sim.d.fresh); /* it held for this metric before */
    }
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 5);
    value(3);
    ck_assert_int_ne(sim.d.reason, REASON_EXTERNAL);
    sim_fini(&sim);
}
END_TEST

/* One that acts holds, another is a dry run. */
START_TEST(a_failure_of_another_metric_is_no_news_of_the_one_that_holds)
{
    const struct external_answer bad = {.given = true, .known = true, .value = 7};
    struct plan *plan = plan_with(50, 2);
    struct plan_metric *other = &plan->analysis.metrics[plan->analysis.metrics_len++];

    *other = plan->analysis.metrics[ORDERS];
    snprintf(other->name, sizeof(other->name), "other");
    other->dry_run = true;
    sim_step(plan, 100, 0);
    start(plan);
    sim_run(&sim, 300);
    until_hold();
    value(7);
    ck_assert(sim.d.fresh);
    for (int i = 0; i < 3; i++) {
        sim.in.external[ORDERS + 1] = bad;
        sim_tick(&sim);
        sim.in.external[ORDERS + 1] = (struct external_answer){0};
        holds("failure 1, more than 2");
        ck_assert(!sim.d.fresh);
    }
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS + 1], 3);
    sim.in.external[ORDERS + 1] = bad;
    value(7);
    holds("failure 2, more than 2");
    ck_assert(sim.d.fresh);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_first_failure_goes_back_without_a_limit)
{
    at_half(0);
    value(7);
    ck_assert_int_eq(sim.d.action, ACTION_ROLLBACK);
    ck_assert_str_eq(sim.d.text, "orders: 7 is above max 5; beyond its bounds 1 time, failureLimit allows 0");
    sim_fini(&sim);
}
END_TEST

START_TEST(failures_outlive_a_restart_and_the_value_does_not)
{
    at_half(1);
    value(7);
    sim_kill(&sim);
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 1);
    sim_tick(&sim);
    holds("has not been answered yet");
    value(7);
    ck_assert_int_eq(sim.d.action, ACTION_ROLLBACK);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_state_from_before_there_were_externals_is_read)
{
    char why[256];
    json_t *json;

    at_half(1);
    json = rollout_to_json(&sim.r);
    ck_assert_int_eq(json_object_del(json, "externals"), 0);
    ck_assert_msg(rollout_from_json(&sim.r, sim.plan, json, why, sizeof(why)), "%s", why);
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

START_TEST(on_regression_hold_stays_until_a_person_comes)
{
    struct plan *plan = plan_with(50, 0);

    sim_step(plan, 100, 0);
    plan->analysis.metrics[ORDERS].on_regression = ON_REGRESSION_HOLD;
    plan->analysis.metrics[ORDERS].on_regression_given = true;
    start(plan);
    until_hold();
    value(7);
    holds("onRegression is hold: `abort` goes back, `retry` judges afresh");
    value(7);
    ck_assert(!sim.d.fresh);
    value(3);
    holds("orders: beyond its bounds 2 times");
    ck_assert(!sim_order(&sim, COMMAND_SKIP));
    ck_assert(sim_order(&sim, COMMAND_RETRY));
    until_hold();
    holds("has not been answered yet");
    sim_run(&sim, 300);
    value(3);
    ck_assert_int_ne(sim.d.reason, REASON_EXTERNAL);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_dry_run_neither_holds_nor_goes_back)
{
    struct plan *plan = plan_with(50, 0);

    sim_step(plan, 100, 0);
    plan->analysis.metrics[ORDERS].dry_run = true;
    start(plan);
    sim_run(&sim, 3);
    value(7);
    ck_assert_int_ne(sim.d.action, ACTION_ROLLBACK);
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 1);
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 1200), 0);
    sim_fini(&sim);
}
END_TEST

/* The canary's own metrics begin with its first request. */
START_TEST(without_traffic_only_a_bad_value_holds)
{
    struct plan *plan = plan_with(0, 0);

    sim_step(plan, 50, 0);
    start(plan);
    sim_run(&sim, 3);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim_fini(&sim);

    plan = plan_with(0, 0);
    plan->steps[0].min_dwell_ns = 5 * NS_PER_S;
    sim_step(plan, 50, 0);
    start(plan);
    sim_tick(&sim);
    value(7);
    sim_run(&sim, 10);
    ck_assert_int_eq(sim.d.reason, REASON_EXTERNAL);
    ck_assert_uint_eq(sim.r.weight, 0);
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 0);
    answer((struct external_answer){.why = "empty"});
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim_fini(&sim);
}
END_TEST

START_TEST(before_the_starting_step_nothing_is_counted)
{
    struct plan *plan = plan_with(50, 0);

    sim_step(plan, 100, 0);
    plan->analysis.starting_step = 1;
    start(plan);
    sim_run(&sim, 3);
    value(7);
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 0);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim_fini(&sim);
}
END_TEST

static void at_bake(int32_t failure_limit, enum on_regression on_regression)
{
    struct plan *plan = plan_with(100, failure_limit);

    plan->steps[0].bake_ns = 100 * NS_PER_S;
    plan->analysis.metrics[ORDERS].on_regression = on_regression;
    plan->analysis.metrics[ORDERS].on_regression_given = true;
    start(plan);
    sim_run(&sim, 3);
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
}

START_TEST(the_bake_ends_with_a_good_value_only)
{
    at_bake(1, ON_REGRESSION_ROLLBACK);
    value(3);
    sim_run(&sim, 200);
    ck_assert_int_eq(sim.d.reason, REASON_EXTERNAL);
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    value(7);
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    value(3);
    ck_assert_int_eq(sim.d.action, ACTION_PROMOTE);
    ck_assert_int_eq(sim.r.state, ROLLOUT_PROMOTED);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_failure_in_the_bake_goes_back)
{
    at_bake(0, ON_REGRESSION_ROLLBACK);
    value(7);
    ck_assert_int_eq(sim.d.action, ACTION_ROLLBACK);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_hold_in_the_bake_is_taken_up_again)
{
    at_bake(0, ON_REGRESSION_HOLD);
    ck_assert(!sim_order(&sim, COMMAND_RETRY));
    value(7);
    sim_run(&sim, 200);
    ck_assert_int_eq(sim.d.reason, REASON_EXTERNAL);
    ck_assert(sim_order(&sim, COMMAND_RETRY));
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    sim_run(&sim, 50);
    value(3);
    ck_assert_int_eq(sim.d.reason, REASON_DWELL);
    sim_run(&sim, 50);
    value(3);
    ck_assert_int_eq(sim.r.state, ROLLOUT_PROMOTED);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_person_may_skip_it)
{
    at_half(0);
    ck_assert(sim_order(&sim, COMMAND_SKIP));
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_rollback_is_not_asked_again_and_a_retry_begins_at_none)
{
    at_half(0);
    value(7);
    sim_run(&sim, 5);
    ck_assert_int_eq(sim.r.state, ROLLOUT_ROLLED_BACK);
    ck_assert(sim_order(&sim, COMMAND_RETRY));
    sim_run(&sim, 3);
    ck_assert_uint_eq(sim.r.weight, 5000);
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_decision_and_the_status_carry_the_numbers)
{
    json_t *json, *metric, *external;

    at_half(2);
    value(7);
    json = decision_to_json(&sim.d, "web", "id");
    external = json_object_get(json, "external");
    ck_assert_str_eq(json_string_value(json_object_get(json, "metric")), "orders");
    ck_assert_ptr_null(json_object_get(json, "counts"));
    ck_assert(json_number_value(json_object_get(external, "value")) == 7);
    ck_assert(json_number_value(json_object_get(external, "min")) == 1);
    ck_assert(json_number_value(json_object_get(external, "max")) == 5);
    ck_assert_int_eq(json_integer_value(json_object_get(external, "failures")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(external, "failureLimit")), 2);
    json_decref(json);

    json = rollout_status_to_json(&sim.r, sim.plan);
    metric = json_array_get(json_object_get(json, "metrics"), ORDERS);
    ck_assert_str_eq(json_string_value(json_object_get(metric, "state")), "bad");
    ck_assert(json_number_value(json_object_get(metric, "value")) == 7);
    ck_assert_int_eq(json_integer_value(json_object_get(metric, "age")), 0);
    ck_assert(json_is_null(json_object_get(metric, "problem")));
    json_decref(json);

    answer((struct external_answer){.why = "it timed out"});
    json = rollout_status_to_json(&sim.r, sim.plan);
    metric = json_array_get(json_object_get(json, "metrics"), ORDERS);
    ck_assert_str_eq(json_string_value(json_object_get(metric, "state")), "noData");
    ck_assert(json_is_null(json_object_get(metric, "value")));
    ck_assert_str_eq(json_string_value(json_object_get(metric, "problem")), "it timed out");
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

START_TEST(another_query_may_be_asked_by_force)
{
    struct plan *other = mem_alloc(sizeof(*other));
    char why[ROLLOUT_WHY_MAX];

    at_half(2);
    value(7);
    *other = *sim.plan;
    other->analysis.metrics[ORDERS].limits.max = 10;
    ck_assert(!rollout_amend(&sim.r, sim.plan, other, false, why));
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 1);
    ck_assert_msg(rollout_amend(&sim.r, sim.plan, other, true, why), "%s", why);
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 0);
    ck_assert_int_eq(sim.r.externals.now[ORDERS].state, EXTERNAL_UNKNOWN);
    other->analysis.metrics[0].tolerance = 3;
    ck_assert(!rollout_amend(&sim.r, sim.plan, other, true, why));
    free(other);
    sim_fini(&sim);
}
END_TEST

/* The query and its bounds are what was counted. */
START_TEST(another_limit_forgets_no_failure)
{
    struct plan *other = mem_alloc(sizeof(*other));
    struct plan_limits *limits = &other->analysis.metrics[ORDERS].limits;
    char why[ROLLOUT_WHY_MAX];

    at_half(2);
    value(7);
    *other = *sim.plan;
    limits->failure_limit = 1;
    limits->interval_ns = 20 * NS_PER_S;
    limits->warn_min = 2;
    limits->warn_max = 4;
    ck_assert_msg(rollout_amend(&sim.r, sim.plan, other, true, why), "%s", why);
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 1);
    ck_assert_int_eq(sim.r.externals.now[ORDERS].state, EXTERNAL_BAD);
    snprintf(limits->query, sizeof(limits->query), "another");
    ck_assert_msg(rollout_amend(&sim.r, sim.plan, other, true, why), "%s", why);
    ck_assert_uint_eq(sim.r.externals.failed[ORDERS], 0);
    free(other);
    sim_fini(&sim);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("external");
    TCase *tcase = tcase_create("external");

    tcase_add_test(tcase, without_an_answer_it_holds_and_says_so);
    tcase_add_test(tcase, no_data_holds_for_ever_and_is_never_a_failure);
    tcase_add_test(tcase, a_value_within_its_bounds_lets_it_go_on);
    tcase_add_test(tcase, no_data_after_a_good_value_holds);
    tcase_add_test(tcase, a_value_that_grows_old_holds);
    tcase_add_test(tcase, a_value_from_before_the_raise_holds);
    tcase_add_test(tcase, more_failures_than_the_limit_go_back);
    tcase_add_test(tcase, failures_without_a_limit_hold_and_are_told_once);
    tcase_add_test(tcase, a_failure_of_another_metric_is_no_news_of_the_one_that_holds);
    tcase_add_test(tcase, the_first_failure_goes_back_without_a_limit);
    tcase_add_test(tcase, failures_outlive_a_restart_and_the_value_does_not);
    tcase_add_test(tcase, a_state_from_before_there_were_externals_is_read);
    tcase_add_test(tcase, on_regression_hold_stays_until_a_person_comes);
    tcase_add_test(tcase, a_dry_run_neither_holds_nor_goes_back);
    tcase_add_test(tcase, without_traffic_only_a_bad_value_holds);
    tcase_add_test(tcase, before_the_starting_step_nothing_is_counted);
    tcase_add_test(tcase, the_bake_ends_with_a_good_value_only);
    tcase_add_test(tcase, a_failure_in_the_bake_goes_back);
    tcase_add_test(tcase, a_hold_in_the_bake_is_taken_up_again);
    tcase_add_test(tcase, a_person_may_skip_it);
    tcase_add_test(tcase, a_rollback_is_not_asked_again_and_a_retry_begins_at_none);
    tcase_add_test(tcase, the_decision_and_the_status_carry_the_numbers);
    tcase_add_test(tcase, another_query_may_be_asked_by_force);
    tcase_add_test(tcase, another_limit_forgets_no_failure);
    suite_add_tcase(suite, tcase);
    return suite;
}
