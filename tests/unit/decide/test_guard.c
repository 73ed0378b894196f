/* The guards of shape: what they learn, when they hold, and what ends the hold. */
#include "decide/guard.h"

#include "../unit.h"
#include "decide/record.h"
#include "sim.h"

static struct sim sim;
static struct hist answers;
static const struct {
    enum metric_type type;
    const char *name;
    enum reason reason;
} kinds[] = {{METRIC_LATENCY_SHIFT, "shift", REASON_LATENCY_SHIFT},
             {METRIC_SUSPICIOUSLY_FAST, "fast", REASON_SUSPICIOUSLY_FAST}};

/* The reference plan with one guard behind its other metrics. */
static void start(size_t kind)
{
    struct plan *plan = sim_reference_plan();
    struct plan_metric *metric = &plan->analysis.metrics[plan->analysis.metrics_len++];

    plan_metric_init(metric, kinds[kind].type);
    snprintf(metric->name, sizeof(metric->name), "%s", kinds[kind].name);
    sim_init(&sim, plan, kind + 1);
    ck_assert(sim_order(&sim, COMMAND_START));
}

/* A second in which a share of the canary's answers is beyond stable's quantile, as `tail` of stable's is. */
static void tick(double canary, double tail)
{
    double w = (double)sim.r.weight / PLAN_WEIGHT_ALL;
    const double sides[] = {sim.rate * w * canary, sim.rate * (1 - w) * tail};
    struct tally_metric bad[2];

    for (int i = 0; i < 2; i++) {
        uint64_t n = sim.r.guards.threshold_ns[3] ? sim_poisson(&sim.rnd, sides[i]) : 0;

        bad[i] = (struct tally_metric){.raw_bad = n, .bad = n};
    }
    memset(&answers, 0, sizeof(answers));
    for (int i = 1; i <= 40; i++)
        answers.count[hist_bucket(i * NS_PER_MS)]++;
    sim.guard_canary = bad[0];
    sim.guard_stable = bad[1];
    sim.latency = &answers;
    sim_tick(&sim);
}

static void until_hold(size_t kind, double canary, double tail)
{
    for (int s = 0; s < 1800; s++) {
        tick(canary, tail);
        if (sim.d.action == ACTION_HOLD && sim.d.reason == kinds[kind].reason)
            return;
    }
    ck_abort_msg("no hold: %s", sim.d.text);
}

static double tail_of(size_t kind)
{
    return kind == 0 ? 0.05 : 0.1;
}

START_TEST(the_first_answers_of_stable_fix_the_threshold)
{
    start((size_t)_i);
    ck_assert(guards_learn(&sim.r.guards, sim.plan));
    for (int s = 0; s < 12; s++)
        tick(0, 0);
    ck_assert(!guards_learn(&sim.r.guards, sim.plan));
    ck_assert_int_ge(sim.r.guards.threshold_ns[3], _i == 0 ? 36 * NS_PER_MS : 3 * NS_PER_MS);
    ck_assert_int_le(sim.r.guards.threshold_ns[3], _i == 0 ? 40 * NS_PER_MS : 5 * NS_PER_MS);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_guard_with_a_match_learns_from_its_own_requests_afterwards)
{
    struct plan_metric *rare;

    start((size_t)_i);
    rare = &sim.plan->analysis.metrics[sim.plan->analysis.metrics_len++];
    *rare = sim.plan->analysis.metrics[3];
    sim.plan->analysis.metrics[3].match = (struct plan_match){.path_prefix = "/checkout"};
    ck_assert_uint_eq(guards_learn(&sim.r.guards, sim.plan), 1u << 4);
    for (int s = 0; s < 13; s++)
        tick(0, 0);
    ck_assert_uint_eq(guards_learn(&sim.r.guards, sim.plan), 1u << 3);
    ck_assert_int_gt(sim.r.guards.threshold_ns[4], 0);
    ck_assert_int_eq(sim.r.guards.threshold_ns[3], 0);
    for (int s = 0; s < 13; s++)
        tick(0, 0);
    ck_assert_uint_eq(guards_learn(&sim.r.guards, sim.plan), 0);
    ck_assert_int_eq(sim.r.guards.threshold_ns[3], sim.r.guards.threshold_ns[4]);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_shape_that_has_moved_holds_and_says_how)
{
    start((size_t)_i);
    until_hold((size_t)_i, 0.9, tail_of((size_t)_i));
    ck_assert_str_eq(sim.d.metric_name, kinds[_i].name);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "evidence"));
    ck_assert_ptr_nonnull(strstr(sim.d.text, "resume"));
    for (int s = 0; s < 900; s++) {
        tick(0.9, tail_of((size_t)_i));
        ck_assert_int_eq(sim.d.reason, kinds[_i].reason);
    }
    ck_assert_uint_eq(sim.backs, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_same_shape_never_holds)
{
    start((size_t)_i);
    for (int s = 0; s < 3600; s++) {
        tick(1.1 * tail_of((size_t)_i), tail_of((size_t)_i));
        ck_assert_int_ne(sim.d.reason, kinds[_i].reason);
    }
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_person_accepts_the_shape_for_good)
{
    start((size_t)_i);
    until_hold((size_t)_i, 0.9, tail_of((size_t)_i));
    ck_assert(sim_order(&sim, COMMAND_RESUME));
    for (int s = 0; s < 3600 && sim.r.state == ROLLOUT_RUNNING; s++) {
        tick(0.9, tail_of((size_t)_i));
        if (s % 10 == 0)
            sim_kill(&sim);
        ck_assert_int_ne(sim.d.reason, kinds[_i].reason);
    }
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    sim_fini(&sim);
}
END_TEST

START_TEST(who_ends_a_pause_has_not_accepted_the_shape)
{
    start((size_t)_i);
    until_hold((size_t)_i, 0.9, tail_of((size_t)_i));
    ck_assert(sim_order(&sim, COMMAND_PAUSE));
    tick(0.9, tail_of((size_t)_i));
    ck_assert_int_eq(sim.d.reason, REASON_PAUSED);
    ck_assert(sim_order(&sim, COMMAND_RESUME));
    tick(0.9, tail_of((size_t)_i));
    ck_assert_int_eq(sim.d.reason, kinds[_i].reason);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_hold_ends_when_nothing_speaks_against_it_any_more)
{
    start((size_t)_i);
    until_hold((size_t)_i, 0.9, tail_of((size_t)_i));
    for (int s = 0; s < 3600 && sim.r.state != ROLLOUT_WATCHING; s++)
        tick(tail_of((size_t)_i), tail_of((size_t)_i));
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_hold_ends_after_shape_hold_max)
{
    int held = 0;

    start((size_t)_i);
    sim.plan->analysis.shape_hold_max_ns = 300 * NS_PER_S;
    until_hold((size_t)_i, 0.9, tail_of((size_t)_i));
    for (; held < 1800 && sim.d.reason == kinds[_i].reason; held++)
        tick(0.9, tail_of((size_t)_i));
    ck_assert_int_ge(held, 299);
    ck_assert_int_le(held, 301);
    ck_assert(sim.r.guards.accepted[3]);
    sim_fini(&sim);
}
END_TEST

START_TEST(an_answer_is_bad_beyond_the_threshold_on_its_side)
{
    ck_assert(guard_is_bad(METRIC_LATENCY_SHIFT, 100, 101) && !guard_is_bad(METRIC_LATENCY_SHIFT, 100, 100));
    ck_assert(guard_is_bad(METRIC_SUSPICIOUSLY_FAST, 100, 99));
    ck_assert(!guard_is_bad(METRIC_SUSPICIOUSLY_FAST, 100, 100));
    ck_assert(!guard_is_bad(METRIC_LATENCY_SHIFT, 0, 101) && !guard_is_bad(METRIC_SUSPICIOUSLY_FAST, 0, 0));
}
END_TEST

/* Before it holds, too: who looks sees how far it is, and from where it would. */
START_TEST(the_status_shows_what_a_guard_has_seen)
{
    json_t *json, *metric, *counts;

    start((size_t)_i);
    for (int s = 0; s < 300; s++)
        tick(tail_of((size_t)_i), tail_of((size_t)_i));
    json = rollout_status_to_json(&sim.r, sim.plan);
    metric = json_array_get(json_object_get(json, "metrics"), 3);
    counts = json_object_get(json_object_get(metric, "counts"), "canary");
    ck_assert(json_real_value(json_object_get(metric, "threshold")) == 200);
    ck_assert(json_real_value(json_object_get(metric, "e")) > 0);
    ck_assert_int_gt(json_integer_value(json_object_get(counts, "bad")), 0);
    ck_assert_ptr_null(json_object_get(metric, "share")); /* it is no part of the sum */
    metric = json_array_get(json_object_get(json, "metrics"), 0);
    ck_assert(json_real_value(json_object_get(metric, "threshold")) == sim.r.judge.threshold);
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("guard");
    TCase *tcase = tcase_create("guard");
    const int n = ARRAY_LEN(kinds);

    tcase_add_loop_test(tcase, the_first_answers_of_stable_fix_the_threshold, 0, n);
    tcase_add_loop_test(tcase, a_guard_with_a_match_learns_from_its_own_requests_afterwards, 0, n);
    tcase_add_loop_test(tcase, a_shape_that_has_moved_holds_and_says_how, 0, n);
    tcase_add_loop_test(tcase, the_same_shape_never_holds, 0, n);
    tcase_add_loop_test(tcase, a_person_accepts_the_shape_for_good, 0, n);
    tcase_add_loop_test(tcase, who_ends_a_pause_has_not_accepted_the_shape, 0, n);
    tcase_add_loop_test(tcase, the_hold_ends_when_nothing_speaks_against_it_any_more, 0, n);
    tcase_add_loop_test(tcase, the_hold_ends_after_shape_hold_max, 0, n);
    tcase_add_loop_test(tcase, the_status_shows_what_a_guard_has_seen, 0, n);
    tcase_add_test(tcase, an_answer_is_bad_beyond_the_threshold_on_its_side);
    suite_add_tcase(suite, tcase);
    return suite;
}
