/* Another plan for a rollout that runs. */
#include "decide/amend.h"

#include "../unit.h"
#include "sim.h"

static struct sim sim;

/* 1, 10 (from the first minute on), pause, 50, 100. */
static struct plan *plan_new(void)
{
    struct plan *plan = sim_plan();

    plan->ramp.grace_ns = 0;
    sim_step(plan, 1, 0)->advance_on = ADVANCE_TIME;
    sim_step(plan, 10, 3600);
    sim_pause(plan);
    sim_step(plan, 50, 60);
    sim_step(plan, 100, 0)->bake_ns = 3600 * NS_PER_S;
    plan_finish(plan, 0);
    return plan;
}

static void start(void)
{
    sim_init(&sim, plan_new(), 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    sim_run(&sim, 60);
    ck_assert_int_eq(sim.r.step, 1);
}

/* Whether the rollout goes on by `plan`, which is taken over. Nothing may have moved but its place. */
static bool amend(struct plan *plan, bool force, const char *why_not)
{
    struct rollout before = sim.r;
    char why[ROLLOUT_WHY_MAX];
    bool ok = rollout_amend(&sim.r, sim.plan, plan, force, why);

    ck_assert_mem_eq(&sim.r.judge, &before.judge, sizeof before.judge);
    ck_assert_uint_eq(sim.r.weight, before.weight);
    ck_assert_int_eq(sim.r.dwell_ns, before.dwell_ns);
    if (ok) {
        ck_assert_str_eq(why, "");
        free(sim.plan);
        sim.plan = plan;
    } else {
        ck_assert_mem_eq(&sim.r, &before, sizeof before);
        ck_assert_msg(why_not && strstr(why, why_not), "%s", why);
        free(plan);
    }
    return ok;
}

START_TEST(later_steps_may_be_others)
{
    struct plan *plan = plan_new();

    start();
    plan->steps[3].weight = 3000;
    plan->steps[4].bake_ns = 0;
    plan->windows_len = 1;
    ck_assert(amend(plan, false, NULL));
    ck_assert_int_eq(sim.r.step, 1);
    plan = plan_new();
    plan->steps_len = 3; /* it now ends at the pause */
    ck_assert(amend(plan, false, NULL));
    sim_fini(&sim);
}
END_TEST

START_TEST(what_has_begun_takes_force)
{
    struct plan *plan = plan_new();

    start();
    plan->steps[1].min_dwell_ns = 60 * NS_PER_S;
    ck_assert(!amend(plan, false, "steps[1] has begun"));
    plan = plan_new();
    plan->ramp.min_canary_rate = 1;
    ck_assert(!amend(plan, false, "ramp is in force already"));
    plan = plan_new();
    plan->analysis.metrics[SIM_ERRORS].max_excess = 0.01;
    ck_assert(!amend(plan, false, "analysis is in force already"));
    plan = plan_new();
    plan->steps[1].min_dwell_ns = 60 * NS_PER_S;
    plan->ramp.min_canary_rate = 1;
    plan->analysis.metrics[SIM_ERRORS].max_excess = 0.01;
    ck_assert(amend(plan, true, NULL));
    ck_assert_int_eq(sim.r.step, 1);
    sim_fini(&sim);
}
END_TEST

START_TEST(what_is_judged_never_changes)
{
    struct plan *plan = plan_new();

    start();
    plan->analysis.false_rollback = 0.05;
    ck_assert(!amend(plan, true, "what is judged"));
    plan = plan_new();
    plan->analysis.metrics[SIM_LATENCY].threshold_ns = NS_PER_S;
    ck_assert(!amend(plan, true, "what is judged"));
    plan = plan_new();
    plan->analysis.metrics_len--;
    ck_assert(!amend(plan, true, "what is judged"));
    plan = plan_new();
    plan->judge = JUDGE_FLAGGER;
    ck_assert(!amend(plan, true, "what is judged"));
    plan = plan_new();
    snprintf(plan->name, sizeof plan->name, "other");
    ck_assert(!amend(plan, true, "follows the plan sim"));
    sim_fini(&sim);
}
END_TEST

/* By its weight, when the steps up to here are others. */
START_TEST(by_force_it_finds_its_place)
{
    struct plan *plan = plan_new();

    start();
    memmove(&plan->steps[1], &plan->steps[0], 4 * sizeof plan->steps[0]); /* one step more before it */
    plan->steps[0].weight = 50;
    plan->steps[1].weight = 300;
    plan->steps[2] = plan->steps[3];
    sim_step(plan, 100, 0);
    ck_assert(!amend(plan, true, "needs one with it"));
    plan = plan_new();
    memmove(&plan->steps[1], &plan->steps[0], 5 * sizeof plan->steps[0]);
    plan->steps_len++;
    plan->steps[0].weight = 50;
    ck_assert(amend(plan, true, NULL));
    ck_assert_int_eq(sim.r.step, 2);
    ck_assert_int_eq(sim.r.weight_step, 2);
    ck_assert_uint_eq(sim.plan->steps[2].weight, sim.r.weight);
    sim_fini(&sim);
}
END_TEST

START_TEST(it_goes_on_by_the_new_plan)
{
    struct plan *plan = plan_new();

    start();
    plan->steps[1].min_dwell_ns = 120 * NS_PER_S;
    plan->steps[2] = plan->steps[3];
    plan->steps[2].weight = 2000;
    plan->steps[3] = plan->steps[4];
    plan->steps_len = 4;
    ck_assert(amend(plan, true, NULL));
    ck_assert_int_gt(sim_until(&sim, ACTION_FORWARD, 3600), 0);
    ck_assert_uint_eq(sim.r.weight, 2000);
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 3600), 0);
    sim_fini(&sim);
}
END_TEST

/* A healthy canary whose plan is changed again and again: the masses of its evidence still sum to one at
 * most. */
START_TEST(the_ledger_is_kept)
{
    double spent = 0;

    start();
    for (unsigned i = 0; i < 200; i++) {
        struct plan *plan = plan_new();

        plan->steps[1].min_dwell_ns = (1800 + i) * NS_PER_S;
        plan->steps[3].weight = 2000 + i;
        ck_assert(amend(plan, true, NULL));
        sim_run(&sim, 60);
    }
    for (size_t i = 0; i < ARRAY_LEN(sim.r.judge.spent); i++)
        spent += sim.r.judge.spent[i];
    ck_assert(spent <= 1);
    ck_assert(sim.r.judge.threshold == 100);
    sim_fini(&sim);
}
END_TEST

START_TEST(before_the_start_everything_is_to_come)
{
    struct plan *plan = plan_new();

    sim_init(&sim, plan_new(), 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    plan->steps[0].weight = 700;
    ck_assert(amend(plan, false, NULL));
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 700);
    sim_fini(&sim);
}
END_TEST

START_TEST(what_is_over_takes_no_plan)
{
    start();
    ck_assert(sim_order(&sim, COMMAND_ABORT));
    sim_run(&sim, 2);
    ck_assert_int_eq(sim.r.state, ROLLOUT_ROLLED_BACK);
    ck_assert(!amend(plan_new(), true, "start a new one"));
    sim_fini(&sim);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("decide/amend");
    TCase *tcase = tcase_create("amend");

    tcase_add_test(tcase, later_steps_may_be_others);
    tcase_add_test(tcase, what_has_begun_takes_force);
    tcase_add_test(tcase, what_is_judged_never_changes);
    tcase_add_test(tcase, by_force_it_finds_its_place);
    tcase_add_test(tcase, it_goes_on_by_the_new_plan);
    tcase_add_test(tcase, the_ledger_is_kept);
    tcase_add_test(tcase, before_the_start_everything_is_to_come);
    tcase_add_test(tcase, what_is_over_takes_no_plan);
    suite_add_tcase(suite, tcase);
    return suite;
}
