#include "export/prometheus.h"

#include "../unit.h"
#include "base/mem.h"
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char configuration[] =
    "listeners: [ { address: '127.0.0.1:0' } ]\n"
    "targetGroups:\n"
    "  old: { platform: ec2, targets: [ '127.0.0.1:1', '127.0.0.1:2' ] }\n"
    "  new: { platform: fargate, targets: [ '127.0.0.1:3' ], concurrency: { target: 9 } }\n"
    "routes:\n"
    "  - { name: web, match: { pathPrefix: / }, stable: old, canary: new }\n"
    "  - { name: api, match: { pathPrefix: /api }, stable: old }\n";

static struct text page;

static void set_up(void)
{
    scene_init(configuration);
    text_init(&page, PROMETHEUS_BYTES_MAX);
}

static void tear_down(void)
{
    text_fini(&page);
    scene_fini();
}

static void serve(size_t worker, size_t side, enum outcome outcome, size_t class, size_t bucket, uint64_t n)
{
    struct shard_side *cells = &shard_route(shards[worker], 0)->side[side];

    cell_add(&cells->ended[outcome][class], n);
    cell_add(&cells->buckets[bucket], n);
    cell_add(&cells->duration_ns, n * 20 * NS_PER_MS);
}

static const char *write_page(bool open_metrics)
{
    page.len = 0;
    prometheus_write(&page, &view, open_metrics);
    ck_assert(!page.full);
    return page.p;
}

/* The page has this line. */
static void has(const char *line)
{
    char *whole = mem_printf("\n%s\n", line);

    ck_assert_msg(strstr(page.p, whole) != NULL, "missing: %s\n%s", line, page.p);
    free(whole);
}

#define CANARY "route=\"web\",group=\"new\",platform=\"fargate\",side=\"canary\""
#define SHADOW "route=\"web\",group=\"new\",platform=\"fargate\""
#define STABLE "route=\"web\",group=\"old\",platform=\"ec2\",side=\"stable\""

START_TEST(requests_are_summed_over_the_workers_by_outcome_and_class)
{
    serve(0, ROUTE_CANARY, OUTCOME_SERVED, 2, 2, 10);
    serve(1, ROUTE_CANARY, OUTCOME_SERVED, 2, 2, 5);
    serve(1, ROUTE_CANARY, OUTCOME_CONNECT_REFUSED, 5, 0, 3);
    serve(1, ROUTE_STABLE, OUTCOME_SERVED, 5, SHARD_EDGES, 1);
    write_page(false);
    has("penstock_requests_total{" CANARY ",outcome=\"served\",code=\"2xx\"} 15");
    has("penstock_requests_total{" CANARY ",outcome=\"served\",code=\"5xx\"} 0");
    has("penstock_requests_total{" CANARY ",outcome=\"connect_refused\",code=\"5xx\"} 3");
    has("penstock_requests_total{" STABLE ",outcome=\"served\",code=\"5xx\"} 1");
    ck_assert_ptr_null(strstr(page.p, "outcome=\"no_target\""));
}
END_TEST

START_TEST(copies_are_counted_apart)
{
    struct shard_mirror *cells = &shard_route(shards[0], 0)->mirror;

    write_page(false);
    ck_assert_ptr_null(strstr(page.p, "penstock_mirror_answers_total{"));
    cell_add(&cells->answers[2], 3);
    cell_add(&shard_route(shards[1], 0)->mirror.answers[2], 1);
    cell_add(&cells->agreed[MIRROR_AGREEMENT_DIFFERENT], 2);
    cell_add(&cells->skipped[MIRROR_SKIP_BUSY], 7);
    write_page(false);
    has("penstock_mirror_answers_total{" SHADOW ",code=\"2xx\"} 4");
    has("penstock_mirror_agreements_total{" SHADOW ",agreement=\"different\"} 2");
    has("penstock_mirror_skipped_total{" SHADOW ",reason=\"busy\"} 7");
}
END_TEST

START_TEST(a_histogram_is_cumulative_and_ends_with_its_count)
{
    serve(0, ROUTE_CANARY, OUTCOME_SERVED, 2, 0, 4);
    serve(0, ROUTE_CANARY, OUTCOME_SERVED, 2, 2, 3);
    serve(1, ROUTE_CANARY, OUTCOME_SERVED, 2, SHARD_EDGES, 2);
    write_page(false);
    has("penstock_request_duration_seconds_bucket{" CANARY ",le=\"0.005\"} 4");
    has("penstock_request_duration_seconds_bucket{" CANARY ",le=\"0.025\"} 7");
    has("penstock_request_duration_seconds_bucket{" CANARY ",le=\"10\"} 7");
    has("penstock_request_duration_seconds_bucket{" CANARY ",le=\"+Inf\"} 9");
    has("penstock_request_duration_seconds_count{" CANARY "} 9");
    has("penstock_request_duration_seconds_sum{" CANARY "} 0.17999999999999999");
}
END_TEST

START_TEST(thresholds_are_edges_of_the_histogram)
{
    struct shard_side *side = &shard_route(shards[0], 0)->side[ROUTE_CANARY];

    routes->bounds = (struct route_bounds){{300 * NS_PER_MS, 100 * NS_PER_MS, 20 * NS_PER_S}, 3};
    serve(0, ROUTE_CANARY, OUTCOME_SERVED, 2, 6, 4); /* to 0.25 s */
    serve(1, ROUTE_CANARY, OUTCOME_SERVED, 2, 7, 2); /* to 0.5 s */
    serve(1, ROUTE_CANARY, OUTCOME_SERVED, 2, SHARD_EDGES, 1);
    cell_add(&side->buckets[SHARD_EDGES + 1], 5);
    cell_add(&side->buckets[SHARD_EDGES + 3], 3);
    write_page(false);
    has("penstock_request_duration_seconds_bucket{" CANARY ",le=\"0.1\"} 0\n"
        "penstock_request_duration_seconds_bucket{" CANARY ",le=\"0.25\"} 4\n"
        "penstock_request_duration_seconds_bucket{" CANARY ",le=\"0.3\"} 9\n"
        "penstock_request_duration_seconds_bucket{" CANARY ",le=\"0.5\"} 11");
    has("penstock_request_duration_seconds_bucket{" CANARY ",le=\"10\"} 11\n"
        "penstock_request_duration_seconds_bucket{" CANARY ",le=\"20\"} 14\n"
        "penstock_request_duration_seconds_bucket{" CANARY ",le=\"+Inf\"} 15");
}
END_TEST

/* Of several workers the last one, and in OpenMetrics only. */
START_TEST(a_recorded_request_is_an_example_of_its_bucket)
{
    struct shard_exemplars *exemplars[2];

    for (size_t w = 0; w < 2; w++) {
        exemplars[w] = mem_zalloc(sizeof *exemplars[w]);
        atomic_store(&shard_route(shards[w], 0)->exemplars, exemplars[w]);
        serve(w, ROUTE_CANARY, OUTCOME_SERVED, 2, 5, 3);
    }
    exemplar_put(&exemplars[0]->side[ROUTE_CANARY][5],
                 &(struct exemplar){0x4bf92f3577b34da6, 0xa3ce929d0e0e4736, 87500000, 1795241000123000000});
    exemplar_put(&exemplars[1]->side[ROUTE_CANARY][5],
                 &(struct exemplar){1, 2, 88000000, 1795240000000000000});
    write_page(true);
    has("penstock_request_duration_seconds_bucket{" CANARY ",le=\"0.1\"} 6 # "
        "{trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 0.0875 1795241000.123");
    has("penstock_request_duration_seconds_bucket{" CANARY ",le=\"0.25\"} 6");
    write_page(false);
    has("penstock_request_duration_seconds_bucket{" CANARY ",le=\"0.1\"} 6");
}
END_TEST

#define GROUP "group=\"new\",platform=\"fargate\""

START_TEST(the_line_of_each_group_is_shown)
{
    cell_set(&shard_group(shards[0], 1)->waiting, 2);
    cell_set(&shard_group(shards[1], 1)->waiting, 1);
    cell_set(&shard_group(shards[0], 1)->queued, 7);
    cell_set(&shard_group(shards[0], 1)->queue_ns, NS_PER_S / 2);
    cell_set(&shard_group(shards[0], 1)->late, 4);
    cell_set(&shard_target(shards[1], 2)->busy, 9);
    write_page(false);
    has("penstock_group_requests_in_flight{" GROUP "} 9");
    has("penstock_group_requests_waiting{" GROUP "} 3");
    has("penstock_group_queued_total{" GROUP "} 7");
    has("penstock_group_queue_seconds_total{" GROUP "} 0.5");
    has("penstock_group_rejected_total{" GROUP ",reason=\"full\"} 0");
    has("penstock_group_rejected_total{" GROUP ",reason=\"late\"} 4");
    has("penstock_group_requests_waiting{group=\"old\",platform=\"ec2\"} 0");
}
END_TEST

START_TEST(routes_rollouts_and_targets_are_shown)
{
    struct meter_rollout rollout = {.plan = "move \"fast\"\\\n",
                                    .state = ROLLOUT_RUNNING,
                                    .step = 2,
                                    .steps = 5,
                                    .e = 3.5,
                                    .threshold = 100,
                                    .metrics_len = 1,
                                    .metric_names = {"errors"},
                                    .metric_e = {7}};

    live[0] = (struct meter_route){.locked = true, .share = 0.125, .rollout = &rollout};
    view.decisions[ACTION_ROLLBACK] = 2;
    draining[1] = true;
    cell_add(&shard_target(shards[1], 2)->failures, 4);
    write_page(false);
    has("penstock_route_weight_ratio{route=\"web\"} 0.125");
    has("penstock_route_share_ratio{route=\"web\"} 0.125");
    has("penstock_route_share_ratio{route=\"api\"} NaN");
    has("penstock_route_in_force{route=\"web\"} 0");
    has("penstock_route_locked{route=\"web\"} 1");
    has("penstock_rollout_state{route=\"web\",plan=\"move \\\"fast\\\"\\\\\\n\",state=\"running\"} 1");
    has("penstock_rollout_state{route=\"web\",plan=\"move \\\"fast\\\"\\\\\\n\",state=\"paused\"} 0");
    has("penstock_rollout_step{route=\"web\",plan=\"move \\\"fast\\\"\\\\\\n\"} 2");
    has("penstock_rollout_evidence_threshold{route=\"web\",plan=\"move \\\"fast\\\"\\\\\\n\"} 100");
    has("penstock_rollout_metric_evidence{route=\"web\",plan=\"move \\\"fast\\\"\\\\\\n\",metric=\"errors\"} "
        "7");
    has("penstock_decisions_total{action=\"rollback\"} 2");
    has("penstock_target_failures_total{group=\"new\",platform=\"fargate\",target=\"127.0.0.1:3\"} 4");
    has("penstock_target_open{group=\"old\",platform=\"ec2\",target=\"127.0.0.1:2\"} 0");
    has("process_start_time_seconds 1.5");
}
END_TEST

START_TEST(openmetrics_names_counters_without_total_and_has_an_end)
{
    struct logsink_place logs[2] = {{.name = "stdout", .lines = 5, .lost = 4},
                                    {.name = "file:/a", .crowded = 2, .alarm = 1}};

    view.logs = logs;
    view.logs_len = 2;
    view.store = view.store_failing = true;
    write_page(true);
    has("# TYPE penstock_requests counter");
    has("penstock_log_dropped_total{where=\"sink\"} 6");
    has("penstock_log_written_lines_total{sink=\"stdout\"} 5");
    has("penstock_log_alarm{sink=\"file:/a\"} 1");
    has("penstock_store_failing 1");
    ck_assert(str_ends_with((struct str){page.p, page.len}, STR("\n# EOF\n")));
    write_page(false);
    has("# TYPE penstock_requests_total counter");
    ck_assert_ptr_null(strstr(page.p, "# EOF"));
}
END_TEST

START_TEST(promtool_finds_nothing_to_say)
{
    FILE *promtool;

    if (access("/usr/bin/promtool", X_OK))
        return;
    serve(0, ROUTE_CANARY, OUTCOME_SERVED, 2, 0, 4);
    write_page(false);
    promtool = popen("/usr/bin/promtool check metrics", "w");
    ck_assert_ptr_nonnull(promtool);
    ck_assert_uint_eq(fwrite(page.p, 1, page.len, promtool), page.len);
    ck_assert_int_eq(pclose(promtool), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("prometheus");
    TCase *tcase = tcase_create("prometheus");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, requests_are_summed_over_the_workers_by_outcome_and_class);
    tcase_add_test(tcase, copies_are_counted_apart);
    tcase_add_test(tcase, a_histogram_is_cumulative_and_ends_with_its_count);
    tcase_add_test(tcase, thresholds_are_edges_of_the_histogram);
    tcase_add_test(tcase, a_recorded_request_is_an_example_of_its_bucket);
    tcase_add_test(tcase, the_line_of_each_group_is_shown);
    tcase_add_test(tcase, routes_rollouts_and_targets_are_shown);
    tcase_add_test(tcase, openmetrics_names_counters_without_total_and_has_an_end);
    tcase_add_test(tcase, promtool_finds_nothing_to_say);
    suite_add_tcase(suite, tcase);
    return suite;
}
