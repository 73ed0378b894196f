#include "route/routes.h"

#include "base/clk.h"
#include "base/mem.h"
#include "build.h"
#include "proto/method.h"

#include <stdlib.h>

#define TWO_ROUTES                                                                                           \
    BUILD_HEAD "routes:\n"                                                                                   \
               "  - { name: one, stable: a, canary: b, weight: 3 }\n"                                        \
               "  - { name: two, match: { pathPrefix: /two }, stable: b,\n"                                  \
               "      affinity: { cookie: c, maxAge: 2h } }\n"

START_TEST(a_snapshot_holds_the_config_and_lets_it_go)
{
    struct config *config = build_config(TWO_ROUTES);
    struct routes *routes = build_routes(config, 250, NULL);

    ck_assert_uint_eq(config->refs, 2);
    ck_assert_ptr_eq(routes->config, config);
    ck_assert_uint_eq(routes->version, 1);
    ck_assert_uint_eq(routes->routes[0].weight, 250);
    ck_assert_ptr_eq(routes->routes[0].side[ROUTE_STABLE], &routes->groups[0]);
    ck_assert_ptr_eq(routes->routes[0].side[ROUTE_CANARY], &routes->groups[1]);
    ck_assert_ptr_null(routes->routes[1].side[ROUTE_CANARY]);
    ck_assert_ptr_null(routes->routes[0].judging);
    ck_assert_int_eq(routes->routes[0].step, -1);
    ck_assert_str_eq(routes->routes[0].plan_name, "");
    routes_free(routes);
    routes_free(NULL);
    ck_assert_uint_eq(config->refs, 1);
    config_unref(config);
}
END_TEST

START_TEST(targets_that_take_work_stand_first)
{
    static const struct route_target_state draining[] = {
        {.draining = true}, {0}, {0}, {.draining = true}, {.draining = true}};
    struct config *config = build_config(TWO_ROUTES);
    struct routes *routes = build_routes(config, 0, draining);
    const struct route_group *group = &routes->groups[0];

    ck_assert_uint_eq(group->targets_len, 3);
    ck_assert_uint_eq(group->open_len, 2);
    for (uint32_t i = 0; i < group->targets_len; i++) {
        ck_assert(group->targets[i].state.draining == (i >= group->open_len));
        ck_assert(group->targets[i].state.draining == draining[group->targets[i].conf->slot].draining);
    }
    ck_assert_uint_eq(routes->groups[1].open_len, 0);
    routes_free(routes);
    config_unref(config);
}
END_TEST

START_TEST(unhealthy_targets_stand_behind_and_draining_ones_last)
{
    static const struct route_target_state states[] = {{.unhealthy = true, .draining = true},
                                                       {.unhealthy = true},
                                                       {0},
                                                       {.unhealthy = true},
                                                       {.unhealthy = true}};
    struct config *config = build_config(TWO_ROUTES);
    struct routes *routes = build_routes(config, 0, states);

    ck_assert_uint_eq(routes->groups[0].open_len, 1);
    ck_assert_uint_eq(routes->groups[0].ill_len, 1);
    ck_assert_uint_eq(routes->groups[0].targets[0].conf->slot, 2);
    ck_assert_uint_eq(routes->groups[0].targets[1].conf->slot, 1);
    ck_assert_uint_eq(routes->groups[0].targets[2].conf->slot, 0);
    ck_assert_uint_eq(routes->groups[1].open_len, 0);
    ck_assert_uint_eq(routes->groups[1].ill_len, 2);
    routes_free(routes);
    config_unref(config);
}
END_TEST

START_TEST(a_route_is_found_by_its_name)
{
    struct config *config = build_config(TWO_ROUTES);
    struct routes *routes = build_routes(config, 0, NULL);

    ck_assert_ptr_eq(routes_find(routes, STR("two")), &routes->routes[1]);
    ck_assert_ptr_null(routes_find(routes, STR("three")));
    ck_assert_ptr_null(routes_find(routes, STR_NULL));
    routes_free(routes);
    config_unref(config);
}
END_TEST

/* ---- what a plan makes of a route ---- */

/* The affinity of the route `i` of a snapshot with this plan. */
static struct route_affinity affinity_of(size_t i, const struct plan *plan)
{
    static const struct hash_key key = {1, 2};
    struct config *config = build_config(TWO_ROUTES);
    const struct route_live live[] = {{.plan = plan}, {.plan = plan}};
    struct routes *routes = routes_build(config, live, NULL, &key, 1);
    struct route_affinity affinity = routes->routes[i].affinity;

    affinity.path = NULL; /* it goes with the configuration */
    if (plan)
        ck_assert_int_eq(routes->routes[i].judging->unit_window_ns, affinity.max_age_ns);
    routes_free(routes);
    config_unref(config);
    return affinity;
}

START_TEST(the_affinity_of_a_plan_takes_the_place_of_that_of_the_route)
{
    struct plan *plan = mem_alloc(sizeof *plan);

    plan_init(plan);
    ck_assert_int_eq(affinity_of(0, NULL).by, CONFIG_AFFINITY_NONE);
    ck_assert_int_eq(affinity_of(1, NULL).by, CONFIG_AFFINITY_COOKIE);
    ck_assert_str_eq(affinity_of(1, NULL).name, "c");
    plan->affinity =
        (struct plan_affinity){.kind = AFFINITY_HEADER, .name = "X-User", .max_age_ns = 60 * NS_PER_S};
    plan_finish(plan, NS_PER_S);
    ck_assert_int_eq(affinity_of(0, plan).by, CONFIG_AFFINITY_HEADER);
    ck_assert_int_eq(affinity_of(1, plan).by, CONFIG_AFFINITY_HEADER);
    ck_assert_str_eq(affinity_of(1, plan).name, "X-User");
    plan->affinity.kind = AFFINITY_COOKIE;
    ck_assert_int_eq(affinity_of(0, plan).by, CONFIG_AFFINITY_COOKIE);
    plan->affinity.kind = AFFINITY_CLIENT_ADDRESS;
    ck_assert_int_eq(affinity_of(0, plan).by, CONFIG_AFFINITY_CLIENT);
    free(plan);
}
END_TEST

static struct plan *plan_with(enum metric_type type)
{
    struct plan *plan = malloc(sizeof *plan);

    plan_init(plan);
    snprintf(plan->name, sizeof plan->name, "a-plan");
    plan_metric_init(&plan->analysis.metrics[0], type);
    plan->analysis.metrics_len = 1;
    return plan;
}

START_TEST(a_plan_names_the_bad_statuses)
{
    struct config *config = build_config(TWO_ROUTES);
    struct plan *plan = plan_with(METRIC_ERROR_RATE);
    struct judging *judging;

    plan->analysis.metrics[0].statuses[0] = (struct plan_range){502, 504};
    plan->analysis.metrics[0].statuses[1] = (struct plan_range){429, 429};
    plan->analysis.metrics[0].statuses_len = 2;
    plan_finish(plan, 0);
    judging = judging_new(plan, NULL, &config->routes[0]);
    ck_assert_uint_eq(judging->metrics_len, 1);
    for (unsigned status = 0; status < 1000; status++) {
        bool bad = status == 429 || (status >= 502 && status <= 504);

        ck_assert_msg(judging_status_is_bad(&judging->metrics[0], status) == bad, "status %u", status);
    }
    free(judging);
    free(plan);
    config_unref(config);
}
END_TEST

START_TEST(the_window_of_a_sticky_unit_is_its_life)
{
    struct config *config = build_config(TWO_ROUTES);
    struct plan *plan = plan_with(METRIC_LATENCY_SLO);
    struct judging *judging;

    plan->analysis.metrics[0].threshold_ns = 250 * NS_PER_MS;
    plan_finish(plan, 0);
    judging = judging_new(plan, NULL, &config->routes[0]);
    ck_assert_int_eq(judging->unit_window_ns, 60 * NS_PER_S);
    ck_assert_int_eq(judging->age_ns, 250 * NS_PER_MS);
    ck_assert_int_eq(judging->metrics[0].threshold_ns, 250 * NS_PER_MS);
    ck_assert(judging->metrics[0].matches_all);
    ck_assert_int_eq(judging->unit, JUDGING_UNIT_CLIENT);
    free(judging);
    judging = judging_new(plan, NULL, &config->routes[1]);
    ck_assert_int_eq(judging->unit_window_ns, 7200 * NS_PER_S);
    free(judging);
    free(plan);
    config_unref(config);
}
END_TEST

START_TEST(a_running_rollout_is_part_of_the_snapshot)
{
    struct config *config = build_config(TWO_ROUTES);
    struct plan *plan = plan_with(METRIC_ERROR_RATE);
    struct hash_key key = {3, 4};
    struct route_live live[2] = {{.weight = 10000, .epoch = 7, .plan = plan, .step = 2}, {.step = -1}};
    struct routes *routes;

    snprintf(plan->analysis.metrics[0].match.method, sizeof plan->analysis.metrics[0].match.method, "POST");
    plan->analysis.unit = UNIT_HEADER;
    snprintf(plan->analysis.unit_name, sizeof plan->analysis.unit_name, "X-User");
    plan_finish(plan, 0);
    routes = routes_build(config, live, NULL, &key, 9);
    free(plan); /* borrowed for the call */
    ck_assert_uint_eq(routes->version, 9);
    ck_assert_uint_eq(routes->sticky_key.k1, 4);
    ck_assert_str_eq(routes->routes[0].plan_name, "a-plan");
    ck_assert_uint_eq(routes->routes[0].epoch, 7);
    ck_assert_int_eq(routes->routes[0].step, 2);
    ck_assert_ptr_nonnull(routes->routes[0].judging);
    ck_assert(!routes->routes[0].judging->metrics[0].matches_all);
    ck_assert_str_eq(routes->routes[0].judging->metrics[0].match.method, "POST");
    ck_assert_int_eq(routes->routes[0].judging->unit, JUDGING_UNIT_HEADER);
    ck_assert_str_eq(routes->routes[0].judging->unit_name, "X-User");
    ck_assert_ptr_null(routes->routes[1].judging);
    routes_free(routes);
    config_unref(config);
}
END_TEST

static uint32_t bits(enum method a, enum method b)
{
    return UINT32_C(1) << a | UINT32_C(1) << b;
}

START_TEST(a_mirror_is_as_configured_unless_a_rollout_says_otherwise)
{
    struct config *config =
        build_config(BUILD_HEAD "routes: [ { name: web, stable: a, canary: b, mirror: 5 },"
                                " { name: other, match: { host: h }, stable: a, canary: b, mirror: "
                                "{ group: a, share: 1, methods: [ POST, PUT ] } } ]\n");
    struct plan_mirror plan = {.weight = 5000, .methods = {"GET", "PATCH", "brew"}, .methods_len = 3};
    struct plan_mirror any = {.weight = 100};
    struct route_live live[2] = {{.mirror = &plan, .step = 0}, {.mirror = &any, .step = 0}};
    struct hash_key key = {1, 2};
    struct routes *routes = build_routes(config, 0, NULL);

    ck_assert_ptr_eq(routes->routes[0].mirror.group, &routes->groups[1]);
    ck_assert_uint_eq(routes->routes[0].mirror.share, 500);
    ck_assert_uint_eq(routes->routes[0].mirror.methods, bits(METHOD_GET, METHOD_HEAD));
    ck_assert_ptr_eq(routes->routes[1].mirror.group, &routes->groups[0]);
    ck_assert_uint_eq(routes->routes[1].mirror.share, 100);
    ck_assert_uint_eq(routes->routes[1].mirror.methods, bits(METHOD_POST, METHOD_PUT));
    routes_free(routes);
    routes = routes_build(config, live, NULL, &key, 2);
    ck_assert_ptr_eq(routes->routes[1].mirror.group, &routes->groups[1]); /* the canary */
    ck_assert_uint_eq(routes->routes[0].mirror.share, 5000);
    ck_assert_uint_eq(routes->routes[0].mirror.methods, bits(METHOD_GET, METHOD_PATCH));
    ck_assert_uint_eq(routes->routes[1].mirror.share, 100);
    ck_assert_uint_eq(routes->routes[1].mirror.methods, bits(METHOD_POST, METHOD_PUT));
    routes_free(routes);
    config_unref(config);
}
END_TEST

START_TEST(what_latency_is_judged_by_keeps_its_place)
{
    struct route_bounds bounds = {.len = 0};
    struct config_route route = {.slo_threshold_ns = 300 * NS_PER_MS}, without = {.slo_threshold_ns = 0};
    struct plan plan = {.analysis.metrics_len = 3};
    struct plan_metric *metrics = plan.analysis.metrics;

    metrics[0] = (struct plan_metric){.type = METRIC_ERROR_RATE, .threshold_ns = 1};
    metrics[1] = (struct plan_metric){.type = METRIC_LATENCY_SLO, .threshold_ns = NS_PER_S};
    metrics[2] = (struct plan_metric){.type = METRIC_LATENCY_SLO, .threshold_ns = 300 * NS_PER_MS};
    ck_assert(route_bounds_add(&bounds, &without, NULL));
    ck_assert_uint_eq(bounds.len, 0);
    ck_assert(route_bounds_add(&bounds, &route, &plan));
    ck_assert(route_bounds_add(&bounds, &without, &plan));
    ck_assert_uint_eq(bounds.len, 2);
    ck_assert_int_eq(bounds.ns[0], 300 * NS_PER_MS);
    ck_assert_int_eq(bounds.ns[1], NS_PER_S);
    for (int64_t ns = 1; bounds.len < ROUTE_BOUNDS; ns++) {
        route.slo_threshold_ns = ns;
        ck_assert(route_bounds_add(&bounds, &route, NULL));
    }
    route.slo_threshold_ns = NS_PER_S / 2;
    ck_assert(!route_bounds_add(&bounds, &route, &plan));
    ck_assert(route_bounds_add(&bounds, &without, &plan));
    ck_assert_int_eq(bounds.ns[0], 300 * NS_PER_MS);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("routes");
    TCase *tc = tcase_create("routes");

    tcase_add_test(tc, a_snapshot_holds_the_config_and_lets_it_go);
    tcase_add_test(tc, targets_that_take_work_stand_first);
    tcase_add_test(tc, unhealthy_targets_stand_behind_and_draining_ones_last);
    tcase_add_test(tc, a_route_is_found_by_its_name);
    tcase_add_test(tc, a_mirror_is_as_configured_unless_a_rollout_says_otherwise);
    tcase_add_test(tc, the_affinity_of_a_plan_takes_the_place_of_that_of_the_route);
    tcase_add_test(tc, a_plan_names_the_bad_statuses);
    tcase_add_test(tc, the_window_of_a_sticky_unit_is_its_life);
    tcase_add_test(tc, a_running_rollout_is_part_of_the_snapshot);
    tcase_add_test(tc, what_latency_is_judged_by_keeps_its_place);
    suite_add_tcase(suite, tc);
    return suite;
}
