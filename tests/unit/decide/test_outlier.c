/* One bad target is not a bad release, and a bad release is not one bad target. */
#include "decide/outlier.h"

#include "decide/record.h"

#include "../unit.h"
#include "sim.h"

static struct sim sim;

enum { HOUR_S = 3600 };

/* The reference plan on five targets, all of them well. */
static void start(uint64_t seed)
{
    sim_init(&sim, sim_reference_plan(), seed);
    sim.targets_len = SIM_TARGETS;
    for (size_t i = 0; i < SIM_TARGETS; i++)
        sim.targets[i] = sim.canary;
    ck_assert(sim_order(&sim, COMMAND_START));
}

/* Until the rollout is at 100 or at 0; counts the targets that were taken out. */
static int play(void)
{
    int out = 0;

    for (int s = 0; s < 4 * HOUR_S && sim.backs == 0 && sim.r.state != ROLLOUT_WATCHING; s++) {
        sim_tick(&sim);
        if (sim.d.target_id == 0)
            continue;
        out++;
        ck_assert_int_eq(sim.d.reason, REASON_BAD_TARGET);
        ck_assert(sim.d.fresh && !sim.d.commit);
        ck_assert(outliers_has(&sim.r.outliers, sim.d.target_id));
    }
    return out;
}

static const struct sim_side bad_targets[] = {
    {.errors = 1, .slow = 0.005, .client = 0.02},    /* answers 500 to everything */
    {.errors = 0.3, .slow = 0.005, .client = 0.02},  /* and to some */
    {.errors = 0.001, .slow = 1, .client = 0.02},    /* dead slow */
    {.errors = 0.001, .slow = 0.4, .client = 0.02},  /* at times */
    {.errors = 0.001, .slow = 0.005, .client = 0.9}, /* knows nobody */
};

/* By chance the others may look bad too within the first few dozen requests: then it is the release. */
START_TEST(one_bad_target_is_taken_out_and_the_others_go_on)
{
    int lost = 0;

    for (uint64_t seed = 1; seed <= 8; seed++) {
        int out;

        start(seed);
        sim.targets[3] = bad_targets[_i];
        out = play();
        lost += out != 1 || sim.backs > 0;
        if (out == 1 && sim.backs == 0) {
            ck_assert(outliers_has(&sim.r.outliers, 4));
            ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
        }
        ck_assert_msg(lost <= 1, "seed %d: %s", (int)seed, sim.d.text);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(a_target_that_goes_bad_late_is_found_too)
{
    start(7);
    sim_run(&sim, 600);
    sim.targets[0] = bad_targets[_i];
    ck_assert_int_eq(play(), 1);
    ck_assert(outliers_has(&sim.r.outliers, 1));
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    sim_fini(&sim);
}
END_TEST

static const struct sim_side bad_releases[] = {
    {.errors = 0.5, .slow = 0.005, .client = 0.02},   {.errors = 0.05, .slow = 0.005, .client = 0.02},
    {.errors = 0.01, .slow = 0.005, .client = 0.02},  {.errors = 1, .slow = 0.005, .client = 0.02},
    {.errors = 0.001, .slow = 0.05, .client = 0.02},  {.errors = 0.001, .slow = 1, .client = 0.02},
    {.errors = 0.001, .slow = 0.005, .client = 0.15},
};

START_TEST(a_bad_release_is_never_taken_for_a_bad_target)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        start(seed);
        for (size_t i = 0; i < SIM_TARGETS; i++)
            sim.targets[i] = bad_releases[_i];
        ck_assert_int_eq(play(), 0);
        ck_assert_uint_gt(sim.backs, 0);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(more_bad_targets_than_one_in_five_are_the_release)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        start(seed);
        sim.targets[1] = sim.targets[3] = bad_targets[_i];
        ck_assert_int_le(play(), 1);
        ck_assert_uint_gt(sim.backs, 0);
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(the_last_target_is_never_taken_out)
{
    start(1);
    sim.targets_len = 1;
    sim.targets[0] = bad_targets[0];
    ck_assert_int_eq(play(), 0);
    ck_assert_uint_gt(sim.backs, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(one_of_two_may_be_the_bad_one)
{
    start(1);
    sim.targets_len = 2;
    sim.targets[0] = bad_targets[0];
    ck_assert_int_eq(play(), 1);
    ck_assert_int_eq(sim.r.state, ROLLOUT_WATCHING);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_record_says_who_and_how_much)
{
    json_t *record;

    start(1);
    sim.targets[2] = bad_targets[0];
    while (sim.d.target_id == 0)
        sim_tick(&sim);
    record = decision_to_json(&sim.d, "web", "web-1");
    ck_assert_str_eq(json_string_value(json_object_get(record, "target")), "target 3");
    ck_assert_str_eq(json_string_value(json_object_get(record, "hold")), "badTarget");
    ck_assert_ptr_nonnull(strstr(sim.d.text, "target 3"));
    ck_assert_ptr_nonnull(strstr(sim.d.text, "4 others"));
    json_decref(record);
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.reason, REASON_BAD_TARGET);
    ck_assert(!sim.d.fresh && sim.d.target_id == 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_restart_keeps_who_is_out_and_a_person_can_forgive)
{
    start(1);
    sim.targets[2] = bad_targets[0];
    while (sim.d.target_id == 0)
        sim_tick(&sim);
    sim_kill(&sim);
    ck_assert(outliers_has(&sim.r.outliers, 3));
    ck_assert(outliers_forgive(&sim.r.outliers, 3));
    ck_assert(!outliers_forgive(&sim.r.outliers, 3) && !outliers_forgive(&sim.r.outliers, 4));
    sim_kill(&sim);
    ck_assert(!outliers_has(&sim.r.outliers, 3));
    ck_assert_uint_eq(sim.r.outliers.out_len, 1); /* and may not take out another one for it */
    sim_fini(&sim);
}
END_TEST

START_TEST(a_spent_exposure_budget_goes_back_whoever_is_to_blame)
{
    start(1);
    sim.plan->exposure_canary_errors = 2;
    sim.targets[2] = bad_targets[0];
    ck_assert_int_eq(play(), 0);
    ck_assert_int_eq(sim.d.reason, REASON_BUDGET);
    ck_assert_uint_gt(sim.backs, 0);
    sim_fini(&sim);
}
END_TEST

/* ---- the guarantee ---- */

static double mass_of(const struct judge *judge)
{
    double sum = 0;

    for (int part = 0; part < JUDGE_MASSES; part++)
        sum += judge->spent[part];
    return sum;
}

/* Only what has fired is asked, so whatever a target may look like by chance, not more than falseRollback of
 * the healthy rollouts leave their way; here at the very edge of the tolerance, with a large alpha. */
START_TEST(no_more_than_the_stated_share_leaves_its_way)
{
    enum { RUNS = 120 };
    int left = 0;

    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        start(seed);
        sim.rate = 100;
        sim.plan->analysis.false_rollback = 0.2;
        sim.stable.errors = 0.01;
        for (size_t i = 0; i < SIM_TARGETS; i++)
            sim.targets[i].errors = 0.0125;
        for (int s = 0; s < 900 && sim.backs == 0 && sim.d.target_id == 0; s++)
            sim_tick(&sim);
        left += sim.backs > 0 || sim.d.target_id > 0;
        sim_fini(&sim);
    }
    ck_assert_int_le(left, (int)(0.2 * RUNS + 3 * sqrt(0.2 * 0.8 * RUNS)));
}
END_TEST

/* Behind a target that was bad the others are judged with what is left of the ledger, never with more than
 * the whole: the mass at the restart is what the start had spent. */
START_TEST(the_ledger_is_whole_after_a_target_was_taken_out)
{
    double before;

    start(1);
    sim.targets[2] = bad_targets[0];
    while (sim.d.target_id == 0)
        sim_tick(&sim);
    before = mass_of(&sim.r.judge);
    for (int s = 0; s < 4 * HOUR_S; s++)
        sim_tick(&sim);
    ck_assert(mass_of(&sim.r.judge) - before + 0.4 <= 1 + 1e-9);
    sim_fini(&sim);
}
END_TEST

/* ---- counting ---- */

START_TEST(counts_stay_with_their_target_when_the_list_changes)
{
    static struct outliers o;
    const struct tally_target a = {.id = 10, .name = "a", .requests = 4, .bad = {1}};
    const struct tally_target b = {.id = 20, .name = "b", .requests = 6, .bad = {2}};
    const struct tally_target c = {.id = 30, .name = "c", .requests = 8};
    const struct tally_target lists[][3] = {{a, b}, {b, a}, {c, b, a}, {a, c}, {b, a}};
    const size_t lens[] = {2, 2, 3, 2, 2};

    memset(&o, 0, sizeof(o));
    for (size_t i = 0; i < ARRAY_LEN(lens); i++)
        outliers_feed(&o, lists[i], lens[i], NS_PER_S);
    ck_assert_uint_eq(o.len, 2);
    ck_assert_str_eq(o.targets[1].name, "a");
    ck_assert_uint_eq(outliers_sum(&o, 1).requests, 5 * 4);
    ck_assert_uint_eq(outliers_sum(&o, 1).bad[0], 5);
    ck_assert_uint_eq(outliers_sum(&o, 0).requests, 6); /* was away, and began anew */
    outliers_feed(&o, NULL, 0, NS_PER_S);
    ck_assert_uint_eq(outliers_sum(&o, -1).requests, 26);
}
END_TEST

START_TEST(what_is_old_is_forgotten_unless_there_is_little)
{
    static struct outliers o;
    struct tally_target a = {.id = 10, .name = "a", .requests = 1000};

    memset(&o, 0, sizeof(o));
    outliers_feed(&o, &a, 1, NS_PER_S);
    a.requests = 0;
    outliers_feed(&o, &a, 1, 300 * NS_PER_S);
    ck_assert_uint_eq(outliers_sum(&o, 0).requests, 1000);
    a.requests = 999;
    outliers_feed(&o, &a, 1, 300 * NS_PER_S);
    ck_assert_uint_eq(outliers_sum(&o, 0).requests, 1999);
    a.requests = 1;
    outliers_feed(&o, &a, 1, NS_PER_S);
    ck_assert_uint_eq(outliers_sum(&o, 0).requests, 1000);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("outlier");
    TCase *tcase = tcase_create("outlier");

    tcase_add_loop_test(tcase, one_bad_target_is_taken_out_and_the_others_go_on, 0, ARRAY_LEN(bad_targets));
    tcase_add_loop_test(tcase, a_target_that_goes_bad_late_is_found_too, 0, ARRAY_LEN(bad_targets));
    tcase_add_loop_test(tcase, a_bad_release_is_never_taken_for_a_bad_target, 0, ARRAY_LEN(bad_releases));
    tcase_add_loop_test(tcase, more_bad_targets_than_one_in_five_are_the_release, 0, 3);
    tcase_add_test(tcase, the_last_target_is_never_taken_out);
    tcase_add_test(tcase, one_of_two_may_be_the_bad_one);
    tcase_add_test(tcase, the_record_says_who_and_how_much);
    tcase_add_test(tcase, a_restart_keeps_who_is_out_and_a_person_can_forgive);
    tcase_add_test(tcase, a_spent_exposure_budget_goes_back_whoever_is_to_blame);
    tcase_add_test(tcase, no_more_than_the_stated_share_leaves_its_way);
    tcase_add_test(tcase, the_ledger_is_whole_after_a_target_was_taken_out);
    tcase_add_test(tcase, counts_stay_with_their_target_when_the_list_changes);
    tcase_add_test(tcase, what_is_old_is_forgotten_unless_there_is_little);
    suite_add_tcase(suite, tcase);
    return suite;
}
