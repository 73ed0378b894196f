/* Every command in every state. */
#include "decide/rollout.h"

#include "../unit.h"
#include "sim.h"

static struct sim sim;

static struct plan *plan_with_pause(void)
{
    struct plan *plan = sim_plan();

    plan->ramp.grace_ns = 0;
    sim_step(plan, 50, 0);
    sim_pause(plan);
    sim_step(plan, 100, 0)->bake_ns = 3600 * NS_PER_S;
    return plan;
}

static void start(struct plan *plan)
{
    sim_init(&sim, plan, 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    sim_run(&sim, 3);
}

/* Brings the simulation to a state by the ways that lead there. */
static void bring_to(enum rollout_state state)
{
    struct plan *plan = plan_with_pause();

    if (state == ROLLOUT_QUARANTINED)
        plan->rollback.retry_max = 1;
    if (state == ROLLOUT_ROLLING_BACK)
        plan->rollback.mode = ROLLBACK_RAMP;
    if (state == ROLLOUT_PENDING) {
        sim_init(&sim, plan, 1);
        return;
    }
    start(plan);
    switch (state) {
    case ROLLOUT_PENDING:
    case ROLLOUT_RUNNING:
        break;
    case ROLLOUT_PAUSED:
        ck_assert(sim_order(&sim, COMMAND_PAUSE));
        break;
    case ROLLOUT_RETREATING:
    case ROLLOUT_HELD:
    case ROLLOUT_PROBING:
        sim.r.state = state; /* what leads there has its own tests */
        break;
    case ROLLOUT_WATCHING:
    case ROLLOUT_PROMOTED:
        ck_assert(sim_order(&sim, COMMAND_PROMOTE_FULL));
        sim_run(&sim, state == ROLLOUT_PROMOTED ? 3700 : 3);
        break;
    case ROLLOUT_ROLLING_BACK:
    case ROLLOUT_ROLLED_BACK:
    case ROLLOUT_QUARANTINED:
        sim.in.rollback_ordered = true;
        sim_run(&sim, state == ROLLOUT_ROLLING_BACK ? 1 : 5);
        sim.in.rollback_ordered = false;
        break;
    }
    ck_assert_int_eq(sim.r.state, state);
}

#define ALLOW(command) (1u << COMMAND_##command)

/* Without an order the rollout did not wait for (approve, resume and retry while it just runs). */
static const unsigned allowed[] = {
    [ROLLOUT_PENDING] = ALLOW(START) | ALLOW(LOCK),
    [ROLLOUT_RUNNING] = ALLOW(PAUSE) | ALLOW(SKIP) | ALLOW(PROMOTE) | ALLOW(PROMOTE_FULL) | ALLOW(ABORT) |
                        ALLOW(LOCK) | ALLOW(WEIGHT),
    [ROLLOUT_PAUSED] =
        ALLOW(RESUME) | ALLOW(APPROVE) | ALLOW(PROMOTE_FULL) | ALLOW(ABORT) | ALLOW(LOCK) | ALLOW(WEIGHT),
    [ROLLOUT_RETREATING] = ALLOW(PROMOTE_FULL) | ALLOW(ABORT) | ALLOW(LOCK) | ALLOW(WEIGHT),
    [ROLLOUT_HELD] = ALLOW(PAUSE) | ALLOW(RESUME) | ALLOW(SKIP) | ALLOW(PROMOTE) | ALLOW(PROMOTE_FULL) |
                     ALLOW(ABORT) | ALLOW(RETRY) | ALLOW(LOCK) | ALLOW(WEIGHT),
    [ROLLOUT_WATCHING] =
        ALLOW(PAUSE) | ALLOW(SKIP) | ALLOW(PROMOTE) | ALLOW(ABORT) | ALLOW(LOCK) | ALLOW(WEIGHT),
    [ROLLOUT_PROBING] = ALLOW(PROMOTE_FULL) | ALLOW(ABORT) | ALLOW(LOCK) | ALLOW(WEIGHT),
    [ROLLOUT_ROLLING_BACK] = ALLOW(ABORT),
    [ROLLOUT_ROLLED_BACK] = ALLOW(RETRY),
    [ROLLOUT_QUARANTINED] = ALLOW(ABORT) | ALLOW(RETRY),
    [ROLLOUT_PROMOTED] = ALLOW(ABORT),
};

START_TEST(each_command_is_allowed_where_it_makes_sense)
{
    for (size_t state = 0; state < rollout_state_words.len; state++) {
        for (size_t command = 0; command < command_words.len; command++) {
            struct rollout_order order = {.command = (enum command)command, .actor = "alice", .weight = 1000};
            char why[ROLLOUT_WHY_MAX];
            bool done, takes;

            bring_to((enum rollout_state)state);
            takes = rollout_takes(&sim.r, sim.plan, order.command, sim.in.wall_ns);
            done = rollout_command(&sim.r, sim.plan, &order, sim.in.wall_ns, why);
            ck_assert_msg(done == (allowed[state] >> command & 1), "%s in %s: %s",
                          word_name(&command_words, command), word_name(&rollout_state_words, state), why);
            ck_assert_msg(done == takes, "and said before: %s in %s", word_name(&command_words, command),
                          word_name(&rollout_state_words, state));
            ck_assert_msg(done == (why[0] == '\0'), "a refusal says why, and only a refusal: %s in %s",
                          word_name(&command_words, command), word_name(&rollout_state_words, state));
            sim_fini(&sim);
        }
    }
}
END_TEST

/* Whatever was ordered, the weight stays in range and nothing aborts. */
START_TEST(any_row_of_orders_leaves_a_sane_rollout)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct plan *plan = plan_with_pause();

        plan->rollback.retry_max = 2;
        plan->rollback.retry_backoff_ns = 5 * NS_PER_S;
        sim_init(&sim, plan, seed);
        sim.canary.errors = seed % 3 ? 0.001 : 0.2;
        for (int i = 0; i < 200; i++) {
            struct rollout_order order = {.command = (enum command)rnd_below(&sim.rnd, 12),
                                          .actor = "alice",
                                          .weight = rnd_below(&sim.rnd, 10001)};
            char why[ROLLOUT_WHY_MAX];
            bool takes = rollout_takes(&sim.r, plan, order.command, sim.in.wall_ns);
            bool done = rollout_command(&sim.r, plan, &order, sim.in.wall_ns, why);

            ck_assert(done == takes);
            ck_assert(done == (why[0] == '\0'));
            sim.save_fails = rnd_below(&sim.rnd, 4) == 0;
            sim.in.canary.healthy = rnd_below(&sim.rnd, 20) ? 2 : 0;
            sim_run(&sim, rnd_below(&sim.rnd, 10));
            ck_assert_uint_le(sim.r.weight, PLAN_WEIGHT_ALL);
            ck_assert_int_lt(sim.r.step, (int32_t)plan->steps_len);
            if (sim.r.state == ROLLOUT_ROLLED_BACK || sim.r.state == ROLLOUT_QUARANTINED)
                ck_assert_uint_eq(sim.r.weight, 0);
            if (sim.r.state == ROLLOUT_PROMOTED)
                ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
        }
        sim_fini(&sim);
    }
}
END_TEST

START_TEST(pause_stops_forward_and_resume_goes_on)
{
    start(plan_with_pause());
    ck_assert(sim_order(&sim, COMMAND_PAUSE));
    sim_run(&sim, 1200);
    ck_assert_int_eq(sim.d.reason, REASON_PAUSED);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "alice"));
    ck_assert_int_eq(sim.r.step, 0);
    ck_assert(sim_order(&sim, COMMAND_RESUME));
    sim_run(&sim, 5);
    ck_assert_int_eq(sim.r.step, 1);
    sim_fini(&sim);
}
END_TEST

START_TEST(skip_goes_to_the_next_step_at_once)
{
    start(plan_with_pause());
    ck_assert(sim_order(&sim, COMMAND_SKIP));
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.reason, REASON_MANUAL);
    ck_assert_int_eq(sim.r.step, 1);
    ck_assert(sim_order(&sim, COMMAND_SKIP));
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    sim_fini(&sim);
}
END_TEST

START_TEST(promote_waits_for_evidence_only)
{
    start(plan_with_pause());
    ck_assert(sim_order(&sim, COMMAND_PROMOTE));
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 5000);
    ck_assert_int_gt(sim_until(&sim, ACTION_PROMOTE, 1200), 0); /* no approval was needed */
    sim_run(&sim, 5);
    ck_assert_int_eq(sim.r.state, ROLLOUT_PROMOTED);
    sim_fini(&sim);
}
END_TEST

START_TEST(abort_goes_to_0_and_ends_it)
{
    start(plan_with_pause());
    ck_assert(sim_order(&sim, COMMAND_ABORT));
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.action, ACTION_ROLLBACK);
    ck_assert_int_eq(sim.d.reason, REASON_ABORT);
    ck_assert_str_eq(sim.d.actor, "alice");
    ck_assert_uint_eq(sim.r.weight, 0);
    sim_run(&sim, 5);
    ck_assert_int_eq(sim.r.state, ROLLOUT_ROLLED_BACK);
    ck_assert(sim_order(&sim, COMMAND_RETRY));
    sim_run(&sim, 2);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim_fini(&sim);
}
END_TEST

START_TEST(abort_after_the_promotion_works_within_the_rollback_window)
{
    bring_to(ROLLOUT_PROMOTED);
    ck_assert(sim_order(&sim, COMMAND_ABORT));
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 0);
    sim_fini(&sim);
    bring_to(ROLLOUT_PROMOTED);
    sim.in.wall_ns += 25 * 3600 * NS_PER_S;
    ck_assert(!sim_order(&sim, COMMAND_ABORT));
    sim_fini(&sim);
}
END_TEST

START_TEST(a_weight_by_hand_ends_the_ramp_until_resume)
{
    struct rollout_order order = {.command = COMMAND_WEIGHT, .actor = "bob", .weight = 2500};
    char why[ROLLOUT_WHY_MAX];

    start(plan_with_pause());
    ck_assert(rollout_command(&sim.r, sim.plan, &order, sim.in.wall_ns, why));
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.action, ACTION_RETREAT);
    ck_assert_uint_eq(sim.r.weight, 2500);
    sim_run(&sim, 1200);
    ck_assert_uint_eq(sim.r.weight, 2500);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "bob"));
    order.weight = 7500;
    ck_assert(rollout_command(&sim.r, sim.plan, &order, sim.in.wall_ns, why));
    sim_tick(&sim);
    ck_assert_int_eq(sim.d.action, ACTION_FORWARD);
    ck_assert(sim.d.commit);
    ck_assert_uint_eq(sim.r.weight, 7500);
    ck_assert(sim_order(&sim, COMMAND_RESUME));
    sim_tick(&sim);
    ck_assert_int_eq(sim.r.step, 0);
    ck_assert_uint_eq(sim.r.weight, 7500);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_weight_by_hand_is_judged_too)
{
    struct rollout_order order = {.command = COMMAND_WEIGHT, .actor = "bob", .weight = 2500};
    char why[ROLLOUT_WHY_MAX];

    start(plan_with_pause());
    ck_assert(rollout_command(&sim.r, sim.plan, &order, sim.in.wall_ns, why));
    sim.canary.errors = 0.3;
    ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 60), 0);
    ck_assert_uint_eq(sim.r.weight, 0);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_lock_stops_forward_until_unlock)
{
    start(plan_with_pause());
    ck_assert(sim_order(&sim, COMMAND_LOCK));
    ck_assert(!sim_order(&sim, COMMAND_SKIP));
    ck_assert(!sim_order(&sim, COMMAND_PROMOTE_FULL));
    sim_run(&sim, 1200);
    ck_assert_int_eq(sim.d.reason, REASON_LOCKED);
    ck_assert(sim_order(&sim, COMMAND_UNLOCK));
    sim_run(&sim, 5);
    ck_assert_int_eq(sim.r.step, 1);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_lock_also_stops_a_new_attempt_that_nobody_asked_for)
{
    struct plan *plan = plan_with_pause();

    plan->rollback.retry_max = 1;
    start(plan);
    ck_assert(sim_order(&sim, COMMAND_LOCK));
    sim.in.rollback_ordered = true;
    sim_run(&sim, 5);
    sim.in.rollback_ordered = false;
    ck_assert_int_eq(sim.r.state, ROLLOUT_QUARANTINED);
    sim_run(&sim, 3600);
    ck_assert_uint_eq(sim.r.weight, 0);
    ck_assert_int_eq(sim.d.reason, REASON_LOCKED);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "alice"));
    ck_assert(sim_order(&sim, COMMAND_UNLOCK));
    sim_tick(&sim);
    ck_assert_uint_eq(sim.r.weight, 5000);
    sim_fini(&sim);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("order");
    TCase *tcase = tcase_create("order");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, each_command_is_allowed_where_it_makes_sense);
    tcase_add_test(tcase, any_row_of_orders_leaves_a_sane_rollout);
    tcase_add_test(tcase, pause_stops_forward_and_resume_goes_on);
    tcase_add_test(tcase, skip_goes_to_the_next_step_at_once);
    tcase_add_test(tcase, promote_waits_for_evidence_only);
    tcase_add_test(tcase, abort_goes_to_0_and_ends_it);
    tcase_add_test(tcase, abort_after_the_promotion_works_within_the_rollback_window);
    tcase_add_test(tcase, a_weight_by_hand_ends_the_ramp_until_resume);
    tcase_add_test(tcase, a_weight_by_hand_is_judged_too);
    tcase_add_test(tcase, a_lock_stops_forward_until_unlock);
    tcase_add_test(tcase, a_lock_also_stops_a_new_attempt_that_nobody_asked_for);
    suite_add_tcase(suite, tcase);
    return suite;
}
