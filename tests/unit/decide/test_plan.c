#include "decide/plan.h"

#include "base/clk.h"

#include "../unit.h"
#include "sim.h"

#include <math.h>

enum { PROBLEMS_MAX = 64 };

struct problems {
    char lines[PROBLEMS_MAX][400];
    size_t len;
    size_t warnings;
};

static void note(void *arg, const char *path, const char *text, bool warning)
{
    struct problems *problems = arg;

    ck_assert_uint_lt(problems->len, PROBLEMS_MAX);
    snprintf(problems->lines[problems->len++], sizeof(problems->lines[0]), "%s: %s", path, text);
    problems->warnings += warning;
}

static struct problems problems;

static bool check(struct plan *plan)
{
    memset(&problems, 0, sizeof(problems));
    plan_finish(plan, 500 * NS_PER_MS);
    return plan_check(plan, note, &problems);
}

/* The plan has exactly one problem, at that place. */
static void one_problem(struct plan *plan, const char *path)
{
    bool good = check(plan);

    for (size_t i = 0; i < problems.len; i++) {
        size_t len = strlen(path);

        if (strncmp(problems.lines[i], path, len) == 0 && problems.lines[i][len] == ':')
            continue;
        ck_abort_msg("%s was expected: %s", path, problems.lines[i]);
    }
    ck_assert_msg(problems.len == 1 && !good, "%s: %zu problems", path, problems.len);
    free(plan);
}

START_TEST(the_reference_plan_is_good)
{
    struct plan *plan = sim_reference_plan();

    ck_assert(check(plan));
    ck_assert_uint_eq(problems.len, 0);
    free(plan);
}
END_TEST

START_TEST(a_plan_without_metrics_gets_the_default_ones)
{
    struct plan *plan = mem_alloc(sizeof(*plan));
    const struct plan_metric *metrics = plan->analysis.metrics;

    plan_init(plan);
    plan_finish(plan, 300 * NS_PER_MS);
    ck_assert_uint_eq(plan->analysis.metrics_len, 5);
    ck_assert_str_eq(metrics[0].name, "errors");
    ck_assert(metrics[0].share == 0.45 && metrics[0].tolerance == 1.25 && metrics[0].floor == 0.0001);
    ck_assert(metrics[0].max_excess == 0.0009);
    ck_assert_int_eq(metrics[1].threshold_ns, 300 * NS_PER_MS);
    ck_assert(metrics[1].tolerance == 1.5 && fabs(metrics[1].floor - 0.001) < 1e-12);
    ck_assert(metrics[2].share == 0.1 && metrics[2].tolerance == 1.5);
    ck_assert(metrics[3].type == METRIC_LATENCY_SHIFT && metrics[3].quantiles[0] == 0.95);
    ck_assert(metrics[4].type == METRIC_SUSPICIOUSLY_FAST && metrics[4].quantiles[0] == 0.1);
    ck_assert_int_eq(plan->analysis.evaluation_age_ns, 300 * NS_PER_MS);
    ck_assert_int_eq(plan->analysis.unit_window_ns, 60 * NS_PER_S);
    free(plan);
}
END_TEST

START_TEST(without_an_slo_there_is_no_default_latency_metric)
{
    struct plan *plan = mem_alloc(sizeof(*plan));

    plan_init(plan);
    plan_finish(plan, 0);
    ck_assert_uint_eq(plan->analysis.metrics_len, 4);
    ck_assert(plan->analysis.metrics[0].share == 0.9);
    ck_assert_int_eq(plan->analysis.evaluation_age_ns, NS_PER_S);
    free(plan);
}
END_TEST

START_TEST(open_shares_are_split_equally)
{
    struct plan *plan = sim_reference_plan();

    plan->analysis.metrics[0].share = 0.5;
    plan->analysis.metrics[1].share = plan->analysis.metrics[2].share = PLAN_UNSET;
    plan_finish(plan, 0);
    ck_assert(plan->analysis.metrics[1].share == 0.25 && plan->analysis.metrics[2].share == 0.25);
    free(plan);
}
END_TEST

START_TEST(statuses_of_client_errors_leave_out_what_is_not_the_clients_fault)
{
    struct plan *plan = sim_reference_plan();
    const struct plan_metric *client = &plan->analysis.metrics[SIM_CLIENT];
    const struct plan_metric *errors = &plan->analysis.metrics[SIM_ERRORS];

    plan_finish(plan, 0);
    ck_assert(plan_status_is_bad(client, 400) && plan_status_is_bad(client, 404) &&
              plan_status_is_bad(client, 498));
    ck_assert(!plan_status_is_bad(client, 408) && !plan_status_is_bad(client, 429) &&
              !plan_status_is_bad(client, 499) && !plan_status_is_bad(client, 500));
    ck_assert(plan_status_is_bad(errors, 500) && plan_status_is_bad(errors, 599) &&
              !plan_status_is_bad(errors, 404));
    free(plan);
}
END_TEST

START_TEST(each_problem_names_its_place)
{
    struct plan *plan;

    plan = sim_reference_plan();
    plan->name[0] = '\0';
    one_problem(plan, "name");
    plan = sim_reference_plan();
    plan->analysis.metrics[0].share = 0.6;
    one_problem(plan, "analysis.metrics");
    plan = sim_reference_plan();
    plan->analysis.metrics[1].tolerance = 0.5;
    one_problem(plan, "analysis.metrics[1].tolerance");
    plan = sim_reference_plan();
    snprintf(plan->analysis.metrics[1].name, PLAN_NAME_MAX, "errors");
    one_problem(plan, "analysis.metrics[1].name");
    plan = sim_reference_plan();
    plan->analysis.false_rollback = 0.5;
    one_problem(plan, "analysis.falseRollback");
    plan = sim_reference_plan();
    plan->steps[2].weight = 500;
    one_problem(plan, "steps[2].setWeight");
    plan = sim_reference_plan();
    snprintf(plan->steps[2].window, PLAN_NAME_MAX, "office");
    one_problem(plan, "steps[2].window");
    plan = sim_reference_plan();
    snprintf(plan->steps[2].gate, PLAN_NAME_MAX, "tests");
    one_problem(plan, "steps[2].gate");
    plan = sim_reference_plan();
    plan->steps[2].max_dwell_ns = NS_PER_S;
    one_problem(plan, "steps[2].maxDwell");
    plan = sim_reference_plan();
    sim_pause(plan);
    one_problem(plan, "steps[6]");
    plan = sim_reference_plan();
    plan->windows[plan->windows_len++] =
        (struct plan_window){.name = "office", .window = {1, 600, 1020}, .zone = "Mars/Olympus"};
    one_problem(plan, "windows[0].timeZone");
    plan = sim_reference_plan();
    plan->freezes[plan->freezes_len++] = (struct plan_freeze){.freeze = {10, 5}, .zone = "UTC"};
    one_problem(plan, "freezes[0].to");
    plan = sim_reference_plan();
    plan_webhook_init(&plan->webhooks[plan->webhooks_len++], WEBHOOK_EVENT);
    snprintf(plan->webhooks[0].name, PLAN_NAME_MAX, "chat");
    one_problem(plan, "webhooks[0].url");
    plan = sim_reference_plan();
    plan->ramp.retreat_raise_factor = 1;
    one_problem(plan, "ramp.retreat.raiseFactor");
    plan = sim_reference_plan();
    plan->watch.probe_weight = 0;
    one_problem(plan, "watch.probeWeight");
    plan = sim_reference_plan();
    plan->affinity.kind = AFFINITY_COOKIE;
    one_problem(plan, "sessionAffinity.cookie");
}
END_TEST

START_TEST(a_plan_without_a_weight_is_refused)
{
    struct plan *plan = sim_plan();

    one_problem(plan, "steps");
}
END_TEST

START_TEST(all_problems_are_told_at_once)
{
    struct plan *plan = sim_reference_plan();

    plan->name[0] = '\0';
    plan->steps[2].weight = 500;
    plan->watch.probe_weight = 0;
    ck_assert(!check(plan));
    ck_assert_uint_eq(problems.len, 3);
    free(plan);
}
END_TEST

START_TEST(what_may_run_is_only_warned_about)
{
    struct plan *plan = sim_reference_plan();

    plan->on_inconclusive = ON_INCONCLUSIVE_FORWARD;
    plan->steps_len--;
    ck_assert(check(plan));
    ck_assert_uint_eq(problems.warnings, 2);
    free(plan);
}
END_TEST

START_TEST(words_are_found_by_their_name_only)
{
    size_t constant = 99;

    ck_assert(word_parse(&metric_type_words, STR("latencySlo"), &constant));
    ck_assert_uint_eq(constant, METRIC_LATENCY_SLO);
    ck_assert(!word_parse(&metric_type_words, STR("latencySLO"), &constant));
    ck_assert(!word_parse(&metric_type_words, STR(""), &constant));
    ck_assert_str_eq(word_name(&reason_words, REASON_NEED_EVIDENCE), "needEvidence");
}
END_TEST

START_TEST(weights_are_written_as_the_shortest_percentage)
{
    char text[PLAN_PERCENT_LEN];

    ck_assert_str_eq(plan_percent(0, text), "0");
    ck_assert_str_eq(plan_percent(1, text), "0.01");
    ck_assert_str_eq(plan_percent(250, text), "2.5");
    ck_assert_str_eq(plan_percent(1234, text), "12.34");
    ck_assert_str_eq(plan_percent(10000, text), "100");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("plan");
    TCase *tcase = tcase_create("plan");

    tcase_add_test(tcase, the_reference_plan_is_good);
    tcase_add_test(tcase, a_plan_without_metrics_gets_the_default_ones);
    tcase_add_test(tcase, without_an_slo_there_is_no_default_latency_metric);
    tcase_add_test(tcase, open_shares_are_split_equally);
    tcase_add_test(tcase, statuses_of_client_errors_leave_out_what_is_not_the_clients_fault);
    tcase_add_test(tcase, each_problem_names_its_place);
    tcase_add_test(tcase, a_plan_without_a_weight_is_refused);
    tcase_add_test(tcase, all_problems_are_told_at_once);
    tcase_add_test(tcase, what_may_run_is_only_warned_about);
    tcase_add_test(tcase, words_are_found_by_their_name_only);
    tcase_add_test(tcase, weights_are_written_as_the_shortest_percentage);
    suite_add_tcase(suite, tcase);
    return suite;
}
