/* Plans played on traffic that is made here: what comes true depends on the weights, and only that is
 * counted. */
#include "cli/playback.h"

#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "conf/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct trace_head head;
static struct plan *plan;
static struct playback *playback;
static char told[8192];

static void tell(void *arg, const struct playback *p, int64_t t, uint32_t weight,
                 const struct decision *decision)
{
    size_t len = strlen(told);

    (void)arg;
    (void)p;
    if (decision->action == ACTION_HOLD)
        return;
    snprintf(told + len, sizeof told - len, "%lld:%u:%s ", (long long)t, weight,
             word_name(&action_words, decision->action));
}

static void begin(const char *text)
{
    struct playback_route *route = mem_alloc(sizeof *route);
    struct conf_report report;

    plan = mem_alloc(sizeof *plan);
    playback = mem_alloc(sizeof *playback);
    playback_route(&head, route);
    conf_report_init(&report);
    if (!plan_load_bytes("plan", str_from(text), false, &route->target, plan, &report)) {
        conf_report_print(&report, stderr);
        ck_abort_msg("the plan does not load");
    }
    conf_report_fini(&report);
    free(route);
    told[0] = '\0';
    playback_init(playback, &head, plan, 0, tell, NULL);
}

static void end(void)
{
    playback_fini(playback);
    free(playback);
    free(plan);
}

static void setup(void)
{
    head = (struct trace_head){
        .id = "test", .stable = "ec2", .canary = "fargate", .slo_ms = 500, .horizon_s = 600};
}

#define STEPS "name: p\nsteps: [ { setWeight: 50, minDwell: 1m }, { setWeight: 100 } ]\n"

/* `rate` requests in each second until t; every canary answer has this status. */
static unsigned feed(double from, double to, unsigned rate, uint32_t status, double ms, uint64_t keys)
{
    unsigned canary = 0, n = 0;

    for (double t = from; t < to; t += 1.0 / rate, n++) {
        struct trace_request request = {.t = t,
                                        .key = n % keys * UINT64_C(0x9e3779b97f4a7c15),
                                        .stable = {1, 200},
                                        .canary = {ms, status}};

        canary += playback_feed(playback, &request) != PLAYBACK_STABLE;
    }
    return canary;
}

START_TEST(a_canary_that_fails_is_sent_back_and_gets_no_more)
{
    begin(STEPS);
    unsigned bad = feed(0, 60, 20, 500, 1, 1000000);
    ck_assert_uint_gt(bad, 0);
    ck_assert_uint_lt(bad, 40);
    ck_assert_int_eq(playback->rollout.state, ROLLOUT_ROLLED_BACK);
    ck_assert_ptr_nonnull(strstr(told, "0:5000:forward "));
    ck_assert_ptr_nonnull(strstr(told, ":0:rollback "));
    end();
}
END_TEST

START_TEST(one_client_that_fails_is_one_piece_of_evidence)
{
    begin(STEPS);
    feed(0, 50, 20, 500, 1, 1);
    ck_assert_int_eq(playback->rollout.state, ROLLOUT_RUNNING);
    ck_assert_uint_eq(playback->rollout.judge.metrics[0].total.canary_bad, 1);
    end();
}
END_TEST

START_TEST(slow_answers_are_those_above_the_slo_of_the_trace)
{
    begin(STEPS);
    feed(0, 20, 20, 200, 500, 1000000);
    ck_assert_uint_eq(playback->rollout.judge.metrics[1].total.canary_bad, 0);
    feed(20, 40, 20, 200, 501, 1000000);
    ck_assert_uint_gt(playback->rollout.judge.metrics[1].total.canary_bad, 0);
    end();
}
END_TEST

/* As the workers do it: what is still open at stable's quantile is slow, whatever it becomes. */
START_TEST(a_failure_is_slower_than_stables_quantile_too_and_never_suspiciously_fast)
{
    begin("name: p\nsteps: [ { setWeight: 50, minDwell: 1h } ]\nanalysis: { metrics: [ { name: e, type: "
          "clientErrorRate, statuses: [ 418 ] }, { name: s, type: latencyShift }, { name: f, type: "
          "suspiciouslyFast } ] }\n");
    feed(0, 60, 20, 200, 1, 1000000); /* the guards learn */
    ck_assert_int_gt(playback->rollout.guards.threshold_ns[1], 0);
    ck_assert_uint_eq(playback->rollout.judge.metrics[1].total.canary_bad, 0);
    unsigned slow = feed(60, 65, 20, 404, 900, 1000000);
    feed(65, 70, 20, 503, 0.01, 1000000);
    playback_run(playback, 72);
    ck_assert_uint_eq(playback->rollout.judge.metrics[1].total.canary_bad, slow);
    ck_assert_uint_eq(playback->rollout.judge.metrics[2].total.canary_bad, 0);
    end();
}
END_TEST

START_TEST(the_looks_go_on_without_requests)
{
    begin("name: p\nsteps: [ { setWeight: 50, minDwell: 1m, advanceOn: time }, { setWeight: 100 } ]\n");
    playback_run(playback, 600);
    ck_assert_str_eq(told, "0:5000:forward 61:10000:promote ");
    ck_assert_int_eq(playback->now, 600);
    end();
}
END_TEST

START_TEST(a_way_back_by_ramp_is_told_part_by_part)
{
    begin(STEPS "rollback: { mode: ramp, rampTime: 5s }\n");
    feed(0, 60, 20, 500, 1, 1000000);
    const char *first = strstr(told, ":rollback ");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(told, ":4000:rollback "));
    ck_assert_ptr_nonnull(strstr(told, ":1000:rollback "));
    ck_assert_ptr_nonnull(strstr(told, ":0:rollback "));
    end();
}
END_TEST

START_TEST(an_approval_comes_when_it_is_asked_for)
{
    begin("name: p\nsteps: [ { setWeight: 0 }, { pause: {} }, { setWeight: 100 } ]\n");
    playback_run(playback, 30);
    ck_assert_int_eq(playback->rollout.state, ROLLOUT_PROMOTED);
    end();
}
END_TEST

START_TEST(a_sticky_trace_counts_a_client_once_as_long_as_it_sticks)
{
    head.sticky = true;
    begin(STEPS);
    ck_assert_int_eq(plan->analysis.unit_window_ns, 3600 * NS_PER_S);
    end();
    head.sticky = false;
    begin(STEPS);
    ck_assert_int_eq(plan->analysis.unit_window_ns, 60 * NS_PER_S);
    end();
}
END_TEST

START_TEST(the_same_traffic_gives_the_same_decisions)
{
    char first[sizeof told];

    begin(STEPS);
    feed(0, 300, 30, 200, 1, 100);
    memcpy(first, told, sizeof first);
    end();
    begin(STEPS);
    feed(0, 300, 30, 200, 1, 100);
    ck_assert_str_eq(told, first);
    end();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("playback");
    TCase *tcase = tcase_create("playback");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_canary_that_fails_is_sent_back_and_gets_no_more);
    tcase_add_test(tcase, one_client_that_fails_is_one_piece_of_evidence);
    tcase_add_test(tcase, slow_answers_are_those_above_the_slo_of_the_trace);
    tcase_add_test(tcase, a_failure_is_slower_than_stables_quantile_too_and_never_suspiciously_fast);
    tcase_add_test(tcase, the_looks_go_on_without_requests);
    tcase_add_test(tcase, a_way_back_by_ramp_is_told_part_by_part);
    tcase_add_test(tcase, an_approval_comes_when_it_is_asked_for);
    tcase_add_test(tcase, a_sticky_trace_counts_a_client_once_as_long_as_it_sticks);
    tcase_add_test(tcase, the_same_traffic_gives_the_same_decisions);
    suite_add_tcase(suite, tcase);
    return suite;
}
