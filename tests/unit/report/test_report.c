#include "report/report.h"

#include "../unit.h"
#include "base/clk.h"
#include "base/rnd.h"
#include "report/json.h"

#include <stdio.h>
#include <string.h>

#define BEGIN_S INT64_C(1763704800) /* 2025-11-21T06:00:00Z */

static struct report *report;

static void make(const struct report_options *options)
{
    report = report_new(options);
}

static void free_report(void)
{
    report_free(report);
    report = NULL;
}

static struct logentry entry_at(int64_t s, const char *side, int32_t weight)
{
    return (struct logentry){.wall_ns = (BEGIN_S + s) * NS_PER_S,
                             .duration_ns = 10 * NS_PER_MS,
                             .sent = 100,
                             .status = 200,
                             .target_status = 200,
                             .weight = weight,
                             .kept = 1,
                             .platform = side[0] == 's' ? STR("ec2") : STR("fargate"),
                             .route = STR("web"),
                             .group = side[0] == 's' ? STR("old") : STR("new"),
                             .side = str_from(side),
                             .assignment = STR("random"),
                             .outcome = STR("served"),
                             .blame = STR("nobody"),
                             .client = STR("192.0.2.1")};
}

static void feed(const struct logentry *entry)
{
    report_feed(report, CONFIG_LOG_JSON, entry);
}

static void feed_at(int64_t s, const char *side, int32_t weight)
{
    struct logentry entry = entry_at(s, side, weight);

    feed(&entry);
}

static struct report_sum sum_of(size_t series)
{
    struct report_sum sum;

    report_sum(report, &report->series[series], report->first, report->last, &sum);
    return sum;
}

START_TEST(a_series_is_a_route_with_a_platform_a_group_and_a_side)
{
    struct logentry bad = entry_at(1, "canary", 1000);
    const struct report_series *list[REPORT_SERIES_MAX];

    make(&(struct report_options){.title = "t", .slo_ns = 20 * NS_PER_MS});
    bad.status = 0;
    bad.blame = STR("group");
    bad.outcome = STR("target_cut");
    bad.duration_ns = 21 * NS_PER_MS;
    feed(&bad);
    feed_at(1, "stable", 1000);
    feed_at(2, "stable", 1000);
    ck_assert_uint_eq(report_route_series(report, 0, list), 2);
    ck_assert_str_eq(list[0]->platform, "ec2");
    ck_assert_str_eq(list[1]->group, "new");
    ck_assert_uint_eq(sum_of(0).cell.requests, 1);
    ck_assert_uint_eq(sum_of(0).cell.errors, 1);
    ck_assert_uint_eq(sum_of(0).cell.slow, 1);
    ck_assert_uint_eq(sum_of(1).cell.requests, 2);
    ck_assert_uint_eq(sum_of(1).cell.errors, 0);
    ck_assert_uint_eq(sum_of(1).cell.slow, 0);
    ck_assert_uint_eq(sum_of(1).cell.sent, 200);
    ck_assert_uint_eq(report->series[0].outcomes[OUTCOME_TARGET_CUT], 1);
}
END_TEST

START_TEST(an_answer_is_an_error_once)
{
    struct logentry cut = entry_at(1, "canary", 1000);

    make(&(struct report_options){.title = "t"});
    cut.status = 404;
    feed(&cut);
    cut.blame = STR("group");
    cut.outcome = STR("target_cut");
    feed(&cut);
    ck_assert_uint_eq(sum_of(0).cell.errors, 1);
    ck_assert_uint_eq(sum_of(0).cell.client_errors, 1);
}
END_TEST

START_TEST(share_stands_beside_the_mean_of_the_weights_in_force)
{
    struct logentry override = entry_at(3, "canary", 4000);
    struct report_mix mix;

    make(&(struct report_options){.title = "t"});
    for (int i = 0; i < 10; i++)
        feed_at(0, i ? "stable" : "canary", 1000);
    for (int i = 0; i < 10; i++)
        feed_at(1, i < 4 ? "canary" : "stable", 4000);
    override.assignment = STR("override");
    feed(&override);
    ck_assert(report_mix_sum(&report->routes[0], report->first, report->last, &mix));
    ck_assert_uint_eq(mix.drawn, 20);
    ck_assert_uint_eq(mix.canary, 5);
    ck_assert_double_eq_tol(mix.weight_sum / 20, 2500, 1e-9);
    ck_assert_int_eq(mix.weight, 4000);
}
END_TEST

START_TEST(the_order_of_lines_does_not_matter_and_no_request_is_lost_when_points_grow)
{
    struct rnd rnd;
    uint64_t total = 0;

    make(&(struct report_options){.title = "t"});
    rnd_seed(&rnd, 1);
    for (int i = 0; i < 20000; i++)
        feed_at(rnd_below(&rnd, 40 * 86400), i % 3 ? "stable" : "canary", 3300);
    ck_assert_int_le(report->last - report->first, REPORT_POINTS_MAX - 1);
    ck_assert_int_eq(report->width_s, 3600);
    for (int64_t point = report->first; point <= report->last; point++)
        for (size_t i = 0; i < report->series_len; i++) {
            const struct report_cell *cell = report_cell(&report->series[i], point);

            total += cell ? cell->requests : 0;
        }
    ck_assert_uint_eq(total, 20000);
    ck_assert_uint_eq(sum_of(0).cell.requests + sum_of(1).cell.requests, 20000);
    ck_assert_int_eq(report_mix(&report->routes[0], report->first)->weight, 3300);
}
END_TEST

START_TEST(the_longest_time_that_a_log_may_have_fits)
{
    struct logentry entry = entry_at(0, "stable", 0);

    make(&(struct report_options){.title = "t"});
    entry.wall_ns = 0;
    feed(&entry);
    entry.wall_ns = INT64_C(7258118399) * NS_PER_S; /* 2199-12-31 */
    feed(&entry);
    feed_at(0, "stable", 0);
    ck_assert_uint_eq(sum_of(0).cell.requests, 3);
}
END_TEST

/* More points are measured than may be, at every width but the last. */
START_TEST(many_groups_over_centuries_fit)
{
    char group[32];

    make(&(struct report_options){.title = "t"});
    for (int year = 0; year < 230; year++)
        for (int i = 0; i < 200; i++) {
            struct logentry entry = entry_at(0, "stable", 0);

            entry.wall_ns = year * INT64_C(31556952) * NS_PER_S;
            entry.group = (struct str){group, (size_t)snprintf(group, sizeof group, "g%d", i)};
            feed(&entry);
        }
    ck_assert_uint_le(report->measured, REPORT_MEASURED_MAX);
    ck_assert_int_eq(report->first, report->last);
    ck_assert_uint_eq(sum_of(0).cell.requests, 230);
    ck_assert_uint_eq(sum_of(199).cell.requests, 230);
    ck_assert_int_gt(report->width_s * NS_PER_S, 0);
}
END_TEST

/* Lines that stand for a million, of answers as large as may be. */
START_TEST(sums_of_hostile_lines_stay_at_their_maximum)
{
    const struct report_cell *cell;
    struct logentry entry = entry_at(0, "stable", 0);

    make(&(struct report_options){.title = "t"});
    entry.kept = 1e-6;
    entry.sent = 1000000000000000;
    for (int i = 0; i < 5000; i++)
        feed(&entry);
    entry.wall_ns += NS_PER_S;
    for (int i = 0; i < 5000; i++)
        feed(&entry);
    cell = report_cell(&report->series[0], report->first);
    ck_assert_uint_eq(cell->sent, INT64_MAX);
    ck_assert_uint_eq(cell->latency->count[hist_bucket(entry.duration_ns)], UINT32_MAX);
    ck_assert_uint_eq(sum_of(0).cell.sent, INT64_MAX);
    entry.wall_ns += 86400 * NS_PER_S;
    feed(&entry);
    ck_assert_int_gt(report->width_s, 1);
    cell = report_cell(&report->series[0], report->first);
    ck_assert_uint_eq(cell->sent, INT64_MAX);
    ck_assert_uint_eq(cell->latency->count[hist_bucket(entry.duration_ns)], UINT32_MAX);
    ck_assert_uint_ge(sum_of(0).cell.requests, UINT64_C(10000000000));
}
END_TEST

/* More routes have a promise than a report has room for: only those that are in the log take some. */
START_TEST(the_promise_of_a_route_is_that_of_the_configuration)
{
    enum { ROUTES = 300 };
    static char names[ROUTES][16];
    static struct config_route routes[ROUTES];
    struct config config = {.routes = routes, .routes_len = ROUTES};
    struct logentry entry = entry_at(0, "stable", 0);

    for (int i = 0; i < ROUTES; i++) {
        snprintf(names[i], sizeof names[i], "r%d", i);
        routes[i].name = names[i];
        routes[i].slo_threshold_ns = i % 2 ? 5 * NS_PER_MS : 0;
        routes[i].slo_objective = i % 2 ? 0.99 : 0;
    }
    make(&(struct report_options){.title = "t", .config = &config});
    entry.route = STR("r299");
    feed(&entry);
    entry.route = STR("r298");
    feed(&entry);
    entry.route = STR("elsewhere");
    feed(&entry);
    ck_assert_uint_eq(report->lines.crowded, 0);
    ck_assert_uint_eq(report->routes_len, 3);
    ck_assert_int_eq(report->routes[0].slo_ns, 5 * NS_PER_MS);
    ck_assert_double_eq(report->routes[0].objective, 0.99);
    ck_assert_uint_eq(sum_of(0).cell.slow, 1);
    ck_assert_int_eq(report->routes[1].slo_ns, 0);
    ck_assert_int_eq(report->routes[2].slo_ns, 0);
}
END_TEST

START_TEST(what_is_said_for_all_routes_goes_before_the_configuration)
{
    struct config_route route = {.name = (char[]){"web"}, .slo_threshold_ns = 5 * NS_PER_MS};
    struct config config = {.routes = &route, .routes_len = 1};

    make(&(struct report_options){.title = "t", .config = &config, .slo_ns = NS_PER_S});
    feed_at(0, "stable", 0);
    ck_assert_int_eq(report->routes[0].slo_ns, NS_PER_S);
    ck_assert_uint_eq(sum_of(0).cell.slow, 0);
}
END_TEST

START_TEST(memory_is_bounded_whatever_the_log_says)
{
    char route[32], group[32];

    make(&(struct report_options){.title = "t"});
    for (int i = 0; i < 2000; i++) {
        struct logentry entry = entry_at(i, "stable", 0);

        entry.route = (struct str){route, (size_t)snprintf(route, sizeof route, "r%d", i % 200)};
        entry.group = (struct str){group, (size_t)snprintf(group, sizeof group, "g%d", i)};
        feed(&entry);
    }
    ck_assert_uint_eq(report->series_len, REPORT_SERIES_MAX);
    ck_assert_uint_le(report->routes_len, REPORT_ROUTES_MAX);
    ck_assert_uint_gt(report->lines.crowded, 0);
    ck_assert_uint_le(report->measured, REPORT_MEASURED_MAX);
}
END_TEST

START_TEST(points_grow_when_too_many_intervals_are_measured)
{
    char group[32];

    make(&(struct report_options){.title = "t"});
    for (int s = 0; s < 60; s++)
        for (int i = 0; i < 400; i++) {
            struct logentry entry = entry_at(s, "stable", 0);

            entry.group = (struct str){group, (size_t)snprintf(group, sizeof group, "g%d", i)};
            feed(&entry);
        }
    ck_assert_int_gt(report->width_s, 1);
    ck_assert_uint_le(report->measured, REPORT_MEASURED_MAX);
    ck_assert_uint_eq(sum_of(399).cell.requests, 60);
}
END_TEST

START_TEST(quantiles_are_those_of_all_requests)
{
    struct report_sum sum;

    make(&(struct report_options){.title = "t"});
    for (int i = 1; i <= 1000; i++) {
        struct logentry entry = entry_at(i, "stable", 0);

        entry.duration_ns = i * NS_PER_MS;
        feed(&entry);
    }
    sum = sum_of(0);
    ck_assert_double_eq_tol((double)sum.quantiles.p50_ns / 1e6, 500, 35);
    ck_assert_double_eq_tol((double)sum.quantiles.p99_ns / 1e6, 990, 65);
}
END_TEST

START_TEST(lines_that_stand_for_others_count_for_them)
{
    make(&(struct report_options){.title = "t"});
    for (int i = 0; i < 300; i++) {
        struct logentry entry = entry_at(i, "stable", 0);

        entry.kept = 0.3;
        feed(&entry);
    }
    ck_assert_uint_ge(sum_of(0).cell.requests, 999);
    ck_assert_uint_le(sum_of(0).cell.requests, 1000);
    ck_assert(report->lines.sampled);
}
END_TEST

START_TEST(what_reaches_stable_when_all_weight_is_with_the_canary_is_residual)
{
    struct logentry sticky = entry_at(10, "stable", 10000);
    const struct report_residual *residual;

    make(&(struct report_options){.title = "t"});
    feed_at(0, "stable", 9000);
    feed_at(5, "canary", 10000);
    sticky.assignment = STR("sticky");
    feed(&sticky);
    sticky.wall_ns += NS_PER_S;
    feed(&sticky);
    sticky.client = STR("192.0.2.9");
    sticky.assignment = STR("override");
    feed(&sticky);
    report_finish(report);
    residual = report->series[0].residual;
    ck_assert_ptr_nonnull(residual);
    ck_assert_ptr_null(report->series[1].residual);
    ck_assert_uint_eq(residual->requests, 3);
    ck_assert_uint_eq(residual->assignments[ASSIGNMENT_STICKY], 2);
    ck_assert_uint_eq(residual->clients_len, 2);
    ck_assert_str_eq(residual->clients[0].name, "192.0.2.1");
    ck_assert_uint_eq(residual->clients[0].requests, 2);
    ck_assert_int_eq(residual->last_ns, (BEGIN_S + 11) * NS_PER_S);
}
END_TEST

START_TEST(a_platform_may_be_said_to_be_retired_and_its_busiest_clients_are_kept)
{
    const struct report_retired retired = {STR("ec2"), (BEGIN_S + 5) * NS_PER_S};
    char client[32];

    make(&(struct report_options){.title = "t", .retired = &retired, .retired_len = 1});
    for (int i = 0; i < 2000; i++) {
        struct logentry entry = entry_at(i % 10, "", -1);
        int n = i % 2 ? 7 : 100 + i;

        entry.platform = STR("ec2");
        entry.client = (struct str){client, (size_t)snprintf(client, sizeof client, "192.0.2.%d", n)};
        feed(&entry);
    }
    report_finish(report);
    ck_assert_uint_eq(report->series[0].residual->requests, 1000);
    ck_assert_uint_eq(report->series[0].residual->clients_len, REPORT_CLIENTS_MAX);
    ck_assert_str_eq(report->series[0].residual->clients[0].name, "192.0.2.7");
}
END_TEST

START_TEST(what_does_not_count_is_counted)
{
    struct logentry copy = entry_at(1, "", 0), early = entry_at(1, "", 0), other = entry_at(1, "stable", 0);

    make(&(struct report_options){
        .title = "t", .route = STR("web"), .from_ns = BEGIN_S * NS_PER_S, .to_ns = (BEGIN_S + 5) * NS_PER_S});
    copy.assignment = STR("mirror");
    early.route = STR_NULL;
    other.route = STR("api");
    feed(&copy);
    feed(&early);
    feed(&other);
    feed_at(-1, "stable", 0);
    feed_at(5, "stable", 0);
    feed_at(4, "stable", 0);
    ck_assert_uint_eq(report->lines.copies, 1);
    ck_assert_uint_eq(report->lines.early, 1);
    ck_assert_uint_eq(report->lines.other_routes, 1);
    ck_assert_uint_eq(report->lines.outside, 2);
    ck_assert_uint_eq(sum_of(0).cell.requests, 1);
}
END_TEST

START_TEST(what_a_log_does_not_hold_is_said)
{
    struct logentry entry = {.wall_ns = BEGIN_S * NS_PER_S,
                             .duration_ns = -1,
                             .sent = -1,
                             .status = 200,
                             .target_status = -1,
                             .weight = -1,
                             .kept = 1};
    json_t *json, *series;

    make(&(struct report_options){.title = "t", .slo_ns = 5});
    report_feed(report, CONFIG_LOG_COMBINED, &entry);
    ck_assert(report_lacks(report, CONFIG_LOG_COMBINED, REPORT_FACT_DURATION));
    ck_assert(!report_lacks(report, CONFIG_LOG_JSON, REPORT_FACT_DURATION));
    json = report_json(report, 0);
    ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(json, "lacks"), "combined")),
                      REPORT_FACTS);
    series = json_array_get(json_object_get(json_array_get(json_object_get(json, "routes"), 0), "series"), 0);
    ck_assert(json_is_null(json_object_get(series, "p99")));
    ck_assert(json_is_null(json_object_get(series, "slow")));
    json_decref(json);
}
END_TEST

START_TEST(names_are_plain_text_whatever_the_log_says)
{
    struct logentry entry = entry_at(0, "stable", 0);

    make(&(struct report_options){.title = "t"});
    entry.platform =
        STR("\x1b[31m\xff</script>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    feed(&entry);
    feed(&entry);
    ck_assert_uint_eq(report->series_len, 1);
    ck_assert_uint_eq(strlen(report->series[0].platform), REPORT_NAME_MAX - 1);
    ck_assert_int_eq(memcmp(report->series[0].platform, "?[31m?</script>a", 16), 0);
}
END_TEST

START_TEST(finished_intervals_keep_their_own_percentiles)
{
    struct report_interval interval = {.begin_s = BEGIN_S,
                                       .route = STR("web"),
                                       .platform = STR("ec2"),
                                       .group = STR("old"),
                                       .side = REPORT_STABLE,
                                       .weight = 500};
    struct report_sum sum;

    make(&(struct report_options){.title = "t", .least_s = 60});
    interval.cell = (struct report_cell){.requests = 10, .timed = 10, .p50_ns = 10 * NS_PER_MS, .p99_ns = 1};
    report_put(report, &interval);
    interval.begin_s += 60;
    interval.cell = (struct report_cell){.requests = 30, .timed = 30, .p50_ns = 100 * NS_PER_MS, .p99_ns = 1};
    report_put(report, &interval);
    sum = sum_of(0);
    ck_assert_uint_eq(sum.cell.requests, 40);
    ck_assert_double_eq_tol((double)sum.quantiles.p50_ns / 1e6, 100, 7);
    ck_assert_int_eq(report_quantiles(report_cell(&report->series[0], report->first)).p50_ns, 10 * NS_PER_MS);
    ck_assert_int_eq(report->width_s, 60);
}
END_TEST

static void put(int64_t minute, enum report_side side, int32_t weight, uint64_t requests)
{
    struct report_interval interval = {.begin_s = BEGIN_S + minute * 60,
                                       .route = STR("web"),
                                       .platform = side == REPORT_STABLE ? STR("ec2") : STR("fargate"),
                                       .group = STR("g"),
                                       .side = side,
                                       .weight = weight,
                                       .cell = {.requests = requests}};

    report_put(report, &interval);
}

START_TEST(what_reaches_stable_in_intervals_at_all_weight_is_residual)
{
    const struct report_residual *residual;

    make(&(struct report_options){.title = "t", .least_s = 60});
    for (int64_t minute = 0; minute < 7; minute++)
        put(minute, REPORT_CANARY, minute < 2 ? 5000 : 10000, 50);
    put(1, REPORT_STABLE, 5000, 50);
    put(2, REPORT_STABLE, 10000, 20); /* before the raise, perhaps */
    put(3, REPORT_STABLE, 10000, 3);
    put(5, REPORT_STABLE, 10000, 4);
    put(7, REPORT_STABLE, 0, 60); /* back */
    put(8, REPORT_STABLE, 10000, 70);
    report_finish(report);
    ck_assert_ptr_null(report->series[0].residual);
    residual = report->series[1].residual;
    ck_assert_uint_eq(residual->requests, 7);
    ck_assert_int_eq(residual->first_ns, (BEGIN_S + 180) * NS_PER_S);
    ck_assert_int_eq(residual->last_ns, (BEGIN_S + 360) * NS_PER_S - 1);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = tcase_create("report");

    tcase_add_checked_fixture(tcase, NULL, free_report);
    tcase_add_test(tcase, a_series_is_a_route_with_a_platform_a_group_and_a_side);
    tcase_add_test(tcase, an_answer_is_an_error_once);
    tcase_add_test(tcase, share_stands_beside_the_mean_of_the_weights_in_force);
    tcase_add_test(tcase, the_order_of_lines_does_not_matter_and_no_request_is_lost_when_points_grow);
    tcase_add_test(tcase, the_longest_time_that_a_log_may_have_fits);
    tcase_add_test(tcase, many_groups_over_centuries_fit);
    tcase_add_test(tcase, sums_of_hostile_lines_stay_at_their_maximum);
    tcase_add_test(tcase, the_promise_of_a_route_is_that_of_the_configuration);
    tcase_add_test(tcase, what_is_said_for_all_routes_goes_before_the_configuration);
    tcase_add_test(tcase, memory_is_bounded_whatever_the_log_says);
    tcase_add_test(tcase, points_grow_when_too_many_intervals_are_measured);
    tcase_add_test(tcase, quantiles_are_those_of_all_requests);
    tcase_add_test(tcase, lines_that_stand_for_others_count_for_them);
    tcase_add_test(tcase, what_reaches_stable_when_all_weight_is_with_the_canary_is_residual);
    tcase_add_test(tcase, what_reaches_stable_in_intervals_at_all_weight_is_residual);
    tcase_add_test(tcase, a_platform_may_be_said_to_be_retired_and_its_busiest_clients_are_kept);
    tcase_add_test(tcase, what_does_not_count_is_counted);
    tcase_add_test(tcase, what_a_log_does_not_hold_is_said);
    tcase_add_test(tcase, names_are_plain_text_whatever_the_log_says);
    tcase_add_test(tcase, finished_intervals_keep_their_own_percentiles);
    suite_add_tcase(suite, tcase);
    return suite;
}
