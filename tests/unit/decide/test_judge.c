#include "decide/judge.h"

#include "../unit.h"
#include "sim.h"

static struct judge judge;
static struct verdict verdict;
static struct plan *plan;

/* Bins in each of which the canary, at 5 %, has so many bad requests; stable has none. */
static void feed_in(bool grace, int bins, uint64_t errors, uint64_t slow)
{
    struct judge_context context = {.grace = grace,
                                    .weight = 500,
                                    .weight_next = 1200,
                                    .rate = 100,
                                    .judged = true,
                                    .dt_ns = 8 * NS_PER_S};

    for (int bin = 0; bin < bins; bin++) {
        struct tally tally = {.weight = 500, .canary.requests = 75, .stable.requests = 1425};

        for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
            tally.canary.metrics[i].requests = tally.canary.requests;
            tally.stable.metrics[i].requests = tally.stable.requests;
        }
        tally.canary.metrics[SIM_ERRORS].bad = tally.canary.metrics[SIM_ERRORS].raw_bad = errors;
        tally.canary.metrics[SIM_LATENCY].bad = tally.canary.metrics[SIM_LATENCY].raw_bad = slow;
        judge_feed(&judge, plan, &context, &tally, 1);
    }
    judge_verdict(&judge, plan, &context, &verdict);
}

static void feed(int bins, uint64_t errors, uint64_t slow)
{
    feed_in(false, bins, errors, slow);
}

static void start(void)
{
    plan = sim_reference_plan();
    plan_finish(plan, 500 * NS_PER_MS);
    judge_init(&judge, plan);
    judge_add_mass(&judge, JUDGE_MASS_START, 0.4);
}

START_TEST(failures_are_named_though_they_count_as_slow_too)
{
    start();
    feed(6, 1, 2); /* some were slow as well: latency is ahead */
    ck_assert_int_eq(verdict.kind, VERDICT_FAIL);
    ck_assert(verdict.metrics[SIM_LATENCY].e > verdict.metrics[SIM_ERRORS].e);
    ck_assert_int_eq(verdict.metric, SIM_ERRORS);
    free(plan);
}
END_TEST

START_TEST(slow_answers_are_named_as_such)
{
    start();
    feed(6, 1, 3);
    ck_assert_int_eq(verdict.kind, VERDICT_FAIL);
    ck_assert_int_eq(verdict.metric, SIM_LATENCY);
    free(plan);
    start();
    feed(6, 0, 2);
    ck_assert_int_eq(verdict.kind, VERDICT_FAIL);
    ck_assert_int_eq(verdict.metric, SIM_LATENCY);
    free(plan);
}
END_TEST

START_TEST(mirrored_requests_are_evidence_for_dry_runs_alone)
{
    struct judge_context context = {.weight = 0, .rate = 100, .judged = true, .dt_ns = 8 * NS_PER_S};
    struct tally pairs = {.weight = PLAN_WEIGHT_ALL / 2, .pairs = true};

    start();
    plan->analysis.metrics[SIM_ERRORS].dry_run = true;
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        pairs.canary.metrics[i] = (struct tally_metric){200, 60, 60};
        pairs.stable.metrics[i] = (struct tally_metric){200, 1, 1};
    }
    for (int i = 0; i < 6; i++)
        judge_feed(&judge, plan, &context, &pairs, 1);
    judge_verdict(&judge, plan, &context, &verdict);
    ck_assert_int_ne(verdict.kind, VERDICT_FAIL);
    ck_assert_double_gt(verdict.metrics[SIM_ERRORS].e, 1000);
    ck_assert_double_lt(verdict.metrics[SIM_LATENCY].e, 1);
    ck_assert_uint_eq(judge.metrics[SIM_ERRORS].step.canary_bad, 360);
    ck_assert_uint_eq(judge.metrics[SIM_LATENCY].total.canary_requests, 0);
    free(plan);
}
END_TEST

START_TEST(a_cold_start_alone_is_no_evidence_however_bad)
{
    start();
    feed_in(true, 20, 0, 20);
    ck_assert_int_ne(verdict.kind, VERDICT_FAIL);
    ck_assert_double_le(verdict.metrics[SIM_LATENCY].e, 5.5 * 0.4 + 1e-9);
    free(plan);
}
END_TEST

/* And what is confirmed behind the grace counts from the first request on. */
START_TEST(a_canary_that_stays_slow_is_found_sooner_than_one_that_becomes_so)
{
    struct verdict late;

    start();
    feed(3, 0, 1);
    late = verdict;
    free(plan);
    start();
    feed_in(true, 5, 0, 2);
    feed(3, 0, 1);
    ck_assert_double_gt(verdict.metrics[SIM_LATENCY].e, 4 * late.metrics[SIM_LATENCY].e);
    ck_assert_double_le(verdict.metrics[SIM_LATENCY].e, 5.5 * late.metrics[SIM_LATENCY].e + 1e-9);
    free(plan);
}
END_TEST

/* Of a cold start in a step the gate sees nothing when the time behind it is well. */
START_TEST(the_gate_passes_by_all_that_was_seen_or_by_the_time_behind_the_grace)
{
    start();
    feed_in(true, 4, 0, 0);
    feed(1, 0, 0);
    ck_assert(verdict.metrics[SIM_LATENCY].gate.pass); /* 375 requests; 75 alone would be too few */
    free(plan);
    start();
    feed_in(true, 4, 0, 10);
    feed(1, 0, 0);
    ck_assert(!verdict.metrics[SIM_LATENCY].gate.pass);
    feed(4, 0, 0);
    ck_assert(verdict.metrics[SIM_LATENCY].gate.pass);
    free(plan);
    start();
    feed_in(true, 40, 0, 0);
    feed(1, 0, 20);
    ck_assert(!verdict.metrics[SIM_LATENCY].gate.pass); /* what it does now speaks against it */
    free(plan);
}
END_TEST

/* An earlier version gave other shares to the parts; what it had saved may have spent them. */
START_TEST(no_part_gets_more_than_the_whole_ledger_has_left)
{
    static const double spent[JUDGE_MASSES] = {0.4, 0.1, 0.3, 0.1, 0.05};
    double sum = 0;

    start();
    memcpy(judge.spent, spent, sizeof(spent));
    judge_add_mass(&judge, JUDGE_MASS_START, 0.1);
    ck_assert(judge_probe(&judge, 0.15, plan) <= 0.05 + 1e-9);
    for (size_t i = 0; i < JUDGE_MASSES; i++)
        sum += judge.spent[i];
    ck_assert_double_eq_tol(sum, 1, 1e-9);
    ck_assert_double_eq_tol(judge.spent[JUDGE_MASS_START], 0.45, 1e-9);
    ck_assert(!(judge_probe(&judge, 0.15, plan) > 1e-9));
    free(plan);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("judge");
    TCase *tcase = tcase_create("judge");

    tcase_add_test(tcase, failures_are_named_though_they_count_as_slow_too);
    tcase_add_test(tcase, mirrored_requests_are_evidence_for_dry_runs_alone);
    tcase_add_test(tcase, slow_answers_are_named_as_such);
    tcase_add_test(tcase, a_cold_start_alone_is_no_evidence_however_bad);
    tcase_add_test(tcase, a_canary_that_stays_slow_is_found_sooner_than_one_that_becomes_so);
    tcase_add_test(tcase, no_part_gets_more_than_the_whole_ledger_has_left);
    tcase_add_test(tcase, the_gate_passes_by_all_that_was_seen_or_by_the_time_behind_the_grace);
    suite_add_tcase(suite, tcase);
    return suite;
}
