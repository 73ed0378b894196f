/* The judges that are there to compare with: their windows, their counts, and whole rollouts under them. */
#include "decide/peer.h"
#include "decide/state.h"

#include "../unit.h"
#include "sim.h"

static struct plan *plan;
static struct peer peer;
static struct verdict verdict;
static uint32_t weight;

static void use(enum judge_kind judge)
{
    plan = sim_plan();
    plan->judge = judge;
    sim_step(plan, 10, 60);
    sim_step(plan, 100, 0);
    weight = 1000;
    peer_init(&peer);
}

static void ready(void)
{
    plan_finish(plan, 500 * NS_PER_MS);
}

/* A minute in one look: so many canary requests, so many of them failed or slow. */
static enum verdict_kind minute_of(uint64_t requests, uint64_t failed, uint64_t slow)
{
    struct tally tally = {.weight = weight, .canary.requests = requests};
    const struct peer_context context = {60 * NS_PER_S, weight, true};

    for (size_t i = 0; i < 3; i++)
        tally.canary.metrics[i].requests = requests;
    tally.canary.metrics[SIM_ERRORS].raw_bad = failed;
    tally.canary.metrics[SIM_LATENCY].raw_bad = slow;
    peer_look(&peer, plan, &context, &tally, 1, &verdict);
    return verdict.kind;
}

static enum verdict_kind minute(uint64_t failed)
{
    return minute_of(1000, failed, 0);
}

static void done(void)
{
    free(plan);
}

/* ---- measurements ---- */

START_TEST(more_failed_measurements_than_the_limit_go_back_whenever_they_came)
{
    use(JUDGE_THRESHOLD);
    plan->analysis.metrics[SIM_ERRORS].limits.failure_limit = 2;
    ready();
    ck_assert_int_eq(minute(11), VERDICT_PASS);
    ck_assert_int_eq(minute(0), VERDICT_PASS);
    ck_assert_int_eq(minute(11), VERDICT_PASS);
    ck_assert_int_eq(minute(10), VERDICT_PASS); /* 1 % is not above 1 % */
    ck_assert_int_eq(minute(11), VERDICT_FAIL);
    ck_assert_int_eq(verdict.metric, SIM_ERRORS);
    done();
}
END_TEST

START_TEST(a_window_is_read_when_it_is_full)
{
    use(JUDGE_THRESHOLD);
    plan->threshold.interval_ns = 120 * NS_PER_S;
    ready();
    ck_assert_int_eq(minute(1000), VERDICT_PASS);
    ck_assert_int_eq(minute(0), VERDICT_FAIL); /* 1000 of 2000 */
    done();
}
END_TEST

START_TEST(the_first_window_begins_after_the_initial_delay)
{
    use(JUDGE_THRESHOLD);
    plan->threshold.initial_delay_ns = 120 * NS_PER_S;
    ready();
    ck_assert_int_eq(minute(1000), VERDICT_PASS);
    ck_assert_int_eq(minute(1000), VERDICT_PASS);
    ck_assert_int_eq(minute(1000), VERDICT_FAIL);
    done();
}
END_TEST

START_TEST(silence_counts_as_the_plan_says)
{
    static const enum verdict_kind kinds[] = {[NO_DATA_FAILED] = VERDICT_FAIL,
                                              [NO_DATA_INCONCLUSIVE] = VERDICT_UNSURE,
                                              [NO_DATA_IGNORE] = VERDICT_PASS,
                                              [NO_DATA_ERROR] = VERDICT_PASS};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        use(JUDGE_THRESHOLD);
        plan->threshold.no_data = (enum no_data_rule)i;
        ready();
        ck_assert_int_eq(minute_of(0, 0, 0), kinds[i]);
        done();
    }
}
END_TEST

START_TEST(between_warn_max_and_max_it_is_inconclusive)
{
    use(JUDGE_THRESHOLD);
    plan->analysis.metrics[SIM_ERRORS].limits.warn_max = 0.005;
    plan->threshold.inconclusive_limit = 1;
    ready();
    ck_assert_int_eq(minute(6), VERDICT_PASS);
    ck_assert_int_eq(minute(5), VERDICT_PASS);
    ck_assert_int_eq(minute(6), VERDICT_UNSURE);
    ck_assert_int_eq(minute(11), VERDICT_FAIL);
    done();
}
END_TEST

START_TEST(after_count_measurements_nothing_is_judged_any_more)
{
    use(JUDGE_THRESHOLD);
    plan->threshold.count = 2;
    ready();
    ck_assert_int_eq(minute(0), VERDICT_PASS);
    ck_assert_int_eq(minute(0), VERDICT_PASS);
    ck_assert_int_eq(minute(1000), VERDICT_PASS);
    done();
}
END_TEST

START_TEST(nothing_measures_at_100)
{
    use(JUDGE_THRESHOLD);
    ready();
    weight = PLAN_WEIGHT_ALL;
    ck_assert_int_eq(minute(1000), VERDICT_PASS);
    done();
}
END_TEST

START_TEST(slow_answers_have_their_own_count)
{
    use(JUDGE_THRESHOLD);
    plan->analysis.metrics[SIM_ERRORS].limits.failure_limit = 1;
    plan->analysis.metrics[SIM_LATENCY].limits.failure_limit = 1;
    ready();
    ck_assert_int_eq(minute_of(1000, 20, 0), VERDICT_PASS);
    ck_assert_int_eq(minute_of(1000, 0, 20), VERDICT_PASS);
    ck_assert_int_eq(minute_of(1000, 0, 20), VERDICT_FAIL);
    ck_assert_int_eq(verdict.metric, SIM_LATENCY);
    done();
}
END_TEST

START_TEST(a_metric_takes_the_limits_of_the_judge_that_it_does_not_have_itself)
{
    use(JUDGE_THRESHOLD);
    plan->threshold.max = 0.02;
    plan->threshold.failure_limit = 1;
    plan->analysis.metrics[SIM_LATENCY].limits.max = 0.05;
    plan->analysis.metrics[SIM_LATENCY].limits.failure_limit = 0;
    ready();
    ck_assert_int_eq(minute_of(1000, 20, 50), VERDICT_PASS);
    ck_assert_int_eq(minute_of(1000, 21, 50), VERDICT_PASS);
    ck_assert_int_eq(minute_of(1000, 21, 50), VERDICT_FAIL);
    ck_assert_int_eq(verdict.metric, SIM_ERRORS);
    peer_init(&peer);
    ck_assert_int_eq(minute_of(1000, 0, 51), VERDICT_FAIL);
    ck_assert_int_eq(verdict.metric, SIM_LATENCY);
    done();
}
END_TEST

START_TEST(a_limit_of_minus_one_is_any_number_also_where_the_judge_has_another)
{
    use(JUDGE_THRESHOLD);
    plan->threshold.failure_limit = 2;
    plan->analysis.metrics[SIM_ERRORS].limits.failure_limit = -1;
    ready();
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(minute(1000), VERDICT_PASS);
    done();
}
END_TEST

START_TEST(too_few_bad_requests_fail_where_a_least_share_is_asked_for)
{
    use(JUDGE_THRESHOLD);
    plan->analysis.metrics[SIM_ERRORS].limits.min = 0.001;
    plan->analysis.metrics[SIM_ERRORS].limits.warn_min = 0.002;
    plan->threshold.inconclusive_limit = 1;
    ready();
    ck_assert_int_eq(minute(2), VERDICT_PASS);
    ck_assert_int_eq(minute(1), VERDICT_PASS); /* one that is inconclusive is allowed */
    ck_assert_int_eq(minute(1), VERDICT_UNSURE);
    ck_assert_int_eq(minute(0), VERDICT_FAIL);
    ck_assert_int_eq(verdict.metric, SIM_ERRORS);
    done();
}
END_TEST

START_TEST(each_metric_may_have_its_own_number_of_inconclusive_measurements)
{
    use(JUDGE_THRESHOLD);
    plan->threshold.warn_max = 0.005;
    plan->analysis.metrics[SIM_LATENCY].limits.inconclusive_limit = 1;
    ready();
    ck_assert_int_eq(minute_of(1000, 0, 6), VERDICT_PASS);
    ck_assert_int_eq(minute_of(1000, 6, 0), VERDICT_UNSURE);
    done();
}
END_TEST

/* So many seconds in one look, without a request. */
static enum verdict_kind silence(int64_t seconds)
{
    struct tally tally = {.weight = weight};
    const struct peer_context context = {seconds * NS_PER_S, weight, true};

    peer_look(&peer, plan, &context, &tally, 1, &verdict);
    return verdict.kind;
}

START_TEST(one_error_more_in_a_row_than_allowed_goes_back_and_the_next_comes_after_10_s)
{
    use(JUDGE_THRESHOLD);
    plan->threshold.no_data = NO_DATA_ERROR;
    ready();
    ck_assert_int_eq(silence(59), VERDICT_PASS);
    ck_assert_int_eq(silence(1), VERDICT_PASS);
    for (int i = 2; i <= 4; i++) { /* the default limit */
        ck_assert_int_eq(silence(9), VERDICT_PASS);
        ck_assert_int_eq(silence(1), VERDICT_PASS);
    }
    ck_assert_int_eq(silence(9), VERDICT_PASS);
    ck_assert_int_eq(silence(1), VERDICT_FAIL);
    done();
}
END_TEST

START_TEST(a_measurement_ends_the_row_of_errors_and_errors_are_none)
{
    use(JUDGE_THRESHOLD);
    plan->threshold.no_data = NO_DATA_ERROR;
    plan->threshold.consecutive_error_limit = 1;
    plan->threshold.count = 3;
    ready();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(silence(60), VERDICT_PASS);
        ck_assert_uint_eq(peer.readings, i);
        ck_assert_int_eq(minute(0), VERDICT_PASS);
    }
    ck_assert_uint_eq(peer.readings, 3);
    for (int i = 0; i < 4; i++) /* behind the last measurement */
        ck_assert_int_eq(silence(60), VERDICT_PASS);
    done();
}
END_TEST

/* ---- alarm ---- */

static void use_alarm(enum missing_data_rule missing)
{
    use(JUDGE_THRESHOLD);
    plan->threshold.mode = THRESHOLD_ALARM;
    plan->threshold.missing = missing;
    ready();
}

START_TEST(an_alarm_needs_m_of_the_last_n_periods)
{
    use_alarm(MISSING_MISSING);
    ck_assert_int_eq(minute(11), VERDICT_PASS);
    ck_assert_int_eq(minute(0), VERDICT_PASS);
    ck_assert_int_eq(minute(0), VERDICT_PASS);
    ck_assert_int_eq(minute(11), VERDICT_PASS); /* the first has left the three */
    ck_assert_int_eq(minute(0), VERDICT_PASS);
    ck_assert_int_eq(minute(11), VERDICT_FAIL);
    done();
}
END_TEST

START_TEST(an_alarm_watches_the_bake_too)
{
    use_alarm(MISSING_MISSING);
    weight = PLAN_WEIGHT_ALL;
    ck_assert_int_eq(minute(11), VERDICT_PASS);
    ck_assert_int_eq(minute(11), VERDICT_FAIL);
    done();
}
END_TEST

START_TEST(an_empty_period_is_what_the_plan_says)
{
    static const struct {
        enum missing_data_rule rule;
        enum verdict_kind
            kind; /* after beyond, empty, beyond within three periods, of which two are needed */
        enum verdict_kind empty; /* after two empty ones */
    } cases[] = {
        {MISSING_MISSING, VERDICT_FAIL, VERDICT_PASS},
        {MISSING_BREACHING, VERDICT_FAIL, VERDICT_FAIL},
        {MISSING_NOT_BREACHING, VERDICT_FAIL, VERDICT_PASS},
        {MISSING_IGNORE, VERDICT_FAIL, VERDICT_PASS},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        use_alarm(cases[i].rule);
        minute(11);
        minute_of(0, 0, 0);
        ck_assert_int_eq(minute(11), cases[i].kind);
        done();
        use_alarm(cases[i].rule);
        minute_of(0, 0, 0);
        ck_assert_int_eq(minute_of(0, 0, 0), cases[i].empty);
        done();
    }
}
END_TEST

/* ---- flagger ---- */

START_TEST(flagger_steps_at_each_check_that_passes)
{
    use(JUDGE_FLAGGER);
    ready();
    ck_assert_int_eq(minute(10), VERDICT_PASS);
    ck_assert_int_eq(minute(10), VERDICT_PASS);
    ck_assert_int_eq(minute(11), VERDICT_UNSURE);
    done();
}
END_TEST

START_TEST(flagger_goes_back_at_the_check_after_the_last_failed_one)
{
    use(JUDGE_FLAGGER);
    plan->flagger.threshold = 2;
    ready();
    ck_assert_int_eq(minute(11), VERDICT_UNSURE);
    ck_assert_int_eq(minute(0), VERDICT_PASS); /* and forgets nothing */
    ck_assert_int_eq(minute(11), VERDICT_UNSURE);
    ck_assert_int_eq(minute(0), VERDICT_FAIL);
    done();
}
END_TEST

START_TEST(flagger_counts_one_failure_a_check_and_silence_as_one)
{
    use(JUDGE_FLAGGER);
    plan->flagger.threshold = 3;
    ready();
    ck_assert_int_eq(minute_of(1000, 100, 100), VERDICT_UNSURE);
    ck_assert_uint_eq(peer.failed_checks, 1);
    ck_assert_int_eq(minute_of(0, 0, 0), VERDICT_UNSURE);
    ck_assert_uint_eq(peer.failed_checks, 2);
    done();
}
END_TEST

START_TEST(nobody_is_judged_at_0)
{
    use(JUDGE_FLAGGER);
    ready();
    weight = 0;
    ck_assert_int_eq(minute_of(0, 0, 0), VERDICT_PASS);
    ck_assert_int_eq(minute_of(0, 0, 0), VERDICT_PASS);
    ck_assert_uint_eq(peer.failed_checks, 0);
    done();
}
END_TEST

/* ---- whole rollouts ---- */

START_TEST(under_flagger_a_rollout_takes_a_step_a_minute)
{
    static struct sim sim;
    struct plan *peers = sim_plan();

    peers->judge = JUDGE_FLAGGER;
    sim_step(peers, 25, 0);
    sim_step(peers, 50, 0);
    sim_step(peers, 100, 0);
    sim_init(&sim, peers, 1);
    sim.rate = 1000;
    ck_assert(sim_order(&sim, COMMAND_START));
    int64_t all = sim_until(&sim, ACTION_PROMOTE, 600);
    ck_assert_int_ge(all, 120);
    ck_assert_int_le(all, 123);
    sim_fini(&sim);
}
END_TEST

/* Says why, with the least share where that was missed, and goes on over a restart. */
START_TEST(under_threshold_a_rollout_goes_back_for_too_few_bad_requests_and_for_errors)
{
    static struct sim sim;
    struct plan *peers = sim_plan();
    char why[128];

    peers->judge = JUDGE_THRESHOLD;
    peers->threshold.no_data = NO_DATA_ERROR;
    peers->analysis.metrics[SIM_CLIENT].limits.min = 0.01;
    sim_step(peers, 20, 600);
    sim_step(peers, 100, 0);
    sim_init(&sim, peers, 2);
    sim.rate = 0;
    ck_assert(sim_order(&sim, COMMAND_START));
    sim_run(&sim, 75);
    ck_assert(sim.r.peer.erred);
    json_t *json = rollout_to_json(&sim.r);
    ck_assert_msg(rollout_from_json(&sim.r, sim.plan, json, why, sizeof(why)), "%s", why);
    json_decref(json);
    ck_assert(sim.r.peer.erred);
    ck_assert_uint_eq(sim.r.peer.metrics[SIM_ERRORS].errors, 2);
    ck_assert_int_le(sim_until(&sim, ACTION_ROLLBACK, 100), 105);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "5 without data in a row, 4 are allowed"));
    sim_fini(&sim);

    peers = sim_plan();
    peers->judge = JUDGE_THRESHOLD;
    peers->analysis.metrics[SIM_CLIENT].limits.min = 0.9;
    sim_step(peers, 20, 600);
    sim_step(peers, 100, 0);
    sim_init(&sim, peers, 2);
    sim.rate = 100;
    ck_assert(sim_order(&sim, COMMAND_START));
    ck_assert_int_le(sim_until(&sim, ACTION_ROLLBACK, 100), 62);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "with at least 90 %"));
    sim_fini(&sim);
}
END_TEST

START_TEST(under_threshold_a_rollout_keeps_its_dwells_and_says_why_it_goes_back)
{
    static struct sim sim;
    struct plan *peers = sim_plan();

    peers->judge = JUDGE_THRESHOLD;
    peers->analysis.metrics[SIM_ERRORS].limits.failure_limit = 3;
    sim_step(peers, 20, 600);
    sim_step(peers, 100, 0);
    sim_init(&sim, peers, 2);
    sim.rate = 500;
    sim.canary.errors = 0.05;
    ck_assert(sim_order(&sim, COMMAND_START));
    int64_t back = sim_until(&sim, ACTION_ROLLBACK, 600);
    ck_assert_int_ge(back, 240);
    ck_assert_int_le(back, 243);
    ck_assert_int_eq(sim.d.reason, REASON_REGRESSION);
    ck_assert_ptr_nonnull(strstr(sim.d.text, "4 failed and 0 inconclusive of 4 measurements"));
    sim_fini(&sim);
}
END_TEST

/* A restart in the middle of a window changes nothing. */
START_TEST(what_a_peer_has_seen_outlives_a_restart)
{
    static struct sim sims[2];
    char why[128];

    for (size_t i = 0; i < ARRAY_LEN(sims); i++) {
        struct plan *peers = sim_plan();

        peers->judge = JUDGE_FLAGGER;
        peers->flagger.threshold = 3;
        sim_step(peers, 25, 0);
        sim_step(peers, 100, 0);
        sim_init(&sims[i], peers, 5);
        sims[i].rate = 200;
        sims[i].canary.errors = 0.05;
        ck_assert(sim_order(&sims[i], COMMAND_START));
        sim_run(&sims[i], 95);
    }
    json_t *json = rollout_to_json(&sims[1].r);
    int64_t last_ns = sims[1].r.last_ns;
    ck_assert_msg(rollout_from_json(&sims[1].r, sims[1].plan, json, why, sizeof(why)), "%s", why);
    json_decref(json);
    sims[1].r.clock_known = true; /* no time has passed */
    sims[1].r.last_ns = last_ns;
    ck_assert_int_eq(sim_until(&sims[0], ACTION_ROLLBACK, 300), sim_until(&sims[1], ACTION_ROLLBACK, 300));
    ck_assert_int_eq(sims[0].d.reason, REASON_REGRESSION);
    for (size_t i = 0; i < ARRAY_LEN(sims); i++)
        sim_fini(&sims[i]);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("peer");
    TCase *tcase = tcase_create("peer");

    tcase_add_test(tcase, more_failed_measurements_than_the_limit_go_back_whenever_they_came);
    tcase_add_test(tcase, a_window_is_read_when_it_is_full);
    tcase_add_test(tcase, the_first_window_begins_after_the_initial_delay);
    tcase_add_test(tcase, silence_counts_as_the_plan_says);
    tcase_add_test(tcase, between_warn_max_and_max_it_is_inconclusive);
    tcase_add_test(tcase, after_count_measurements_nothing_is_judged_any_more);
    tcase_add_test(tcase, nothing_measures_at_100);
    tcase_add_test(tcase, slow_answers_have_their_own_count);
    tcase_add_test(tcase, a_metric_takes_the_limits_of_the_judge_that_it_does_not_have_itself);
    tcase_add_test(tcase, a_limit_of_minus_one_is_any_number_also_where_the_judge_has_another);
    tcase_add_test(tcase, too_few_bad_requests_fail_where_a_least_share_is_asked_for);
    tcase_add_test(tcase, each_metric_may_have_its_own_number_of_inconclusive_measurements);
    tcase_add_test(tcase, one_error_more_in_a_row_than_allowed_goes_back_and_the_next_comes_after_10_s);
    tcase_add_test(tcase, a_measurement_ends_the_row_of_errors_and_errors_are_none);
    tcase_add_test(tcase, an_alarm_needs_m_of_the_last_n_periods);
    tcase_add_test(tcase, an_alarm_watches_the_bake_too);
    tcase_add_test(tcase, an_empty_period_is_what_the_plan_says);
    tcase_add_test(tcase, flagger_steps_at_each_check_that_passes);
    tcase_add_test(tcase, flagger_goes_back_at_the_check_after_the_last_failed_one);
    tcase_add_test(tcase, flagger_counts_one_failure_a_check_and_silence_as_one);
    tcase_add_test(tcase, nobody_is_judged_at_0);
    tcase_add_test(tcase, under_flagger_a_rollout_takes_a_step_a_minute);
    tcase_add_test(tcase, under_threshold_a_rollout_goes_back_for_too_few_bad_requests_and_for_errors);
    tcase_add_test(tcase, under_threshold_a_rollout_keeps_its_dwells_and_says_why_it_goes_back);
    tcase_add_test(tcase, what_a_peer_has_seen_outlives_a_restart);
    suite_add_tcase(suite, tcase);
    return suite;
}
