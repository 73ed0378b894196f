#include "route/pick.h"

#include "base/mem.h"
#include "build.h"

#include <stdlib.h>

#define ONE_ROUTE BUILD_HEAD "routes: [ { name: r, stable: a, canary: b } ]\n"
#define TWO_ROUTES                                                                                           \
    BUILD_HEAD                                                                                               \
    "routes: [ { name: web, stable: a, canary: b, affinity: { cookie: c } }, { name: api, match: { "         \
    "pathPrefix: /api }, stable: a, canary: b, affinity: { cookie: c } } ]\n"
#define NO_CANARY BUILD_HEAD "routes: [ { name: r, stable: a } ]\n"

static struct config *config;
static struct routes *routes;
static struct rnd rnd;

static void make(const char *yaml, uint32_t weight, const struct route_target_state *draining)
{
    config = build_config(yaml);
    routes = build_routes(config, weight, draining);
    rnd_seed(&rnd, 42);
}

static void unmake(void)
{
    routes_free(routes);
    config_unref(config);
}

static uint64_t canaries(unsigned draws)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < draws; i++) {
        struct pick_side pick = pick_side(routes, &routes->routes[0], &rnd, STR_NULL);

        ck_assert_int_eq(pick.assignment, ASSIGNMENT_RANDOM);
        n += pick.side == ROUTE_CANARY;
    }
    return n;
}

/* ---- the draw ---- */

START_TEST(the_share_is_the_weight)
{
    static const uint32_t weights[] = {1, 50, 1000, 2500, 5000, 9000, 9999};
    enum { DRAWS = UNIT_TIMES(2000000, 200000) }; /* the same question with less patience */

    for (size_t i = 0; i < ARRAY_LEN(weights); i++) {
        double p = weights[i] / 10000.0, expected = p * DRAWS, got, chi;

        make(ONE_ROUTE, weights[i], NULL);
        got = (double)canaries(DRAWS);
        chi = (got - expected) * (got - expected) / (expected * (1 - p));
        ck_assert_msg(chi < 10.83, "weight %u: %.0f canaries, expected %.0f", weights[i], got,
                      expected); /* p < 0.001 */
        unmake();
    }
}
END_TEST

START_TEST(one_draw_says_nothing_about_the_next)
{
    enum { DRAWS = 400000 };
    uint64_t pairs[4] = {0};
    unsigned last = 0;
    double chi = 0;

    make(ONE_ROUTE, 5000, NULL);
    for (unsigned i = 0; i < DRAWS; i++) {
        unsigned now = pick_side(routes, &routes->routes[0], &rnd, STR_NULL).side == ROUTE_CANARY;

        pairs[2 * last + now]++;
        last = now;
    }
    for (size_t i = 0; i < 4; i++)
        chi += ((double)pairs[i] - DRAWS / 4.0) * ((double)pairs[i] - DRAWS / 4.0) / (DRAWS / 4.0);
    ck_assert_msg(chi < 16.27, "chi-square %.2f", chi); /* 3 degrees, p < 0.001 */
    unmake();
}
END_TEST

START_TEST(weight_0_is_none_and_100_is_all)
{
    make(ONE_ROUTE, 0, NULL);
    ck_assert_uint_eq(canaries(1000000), 0);
    unmake();
    make(ONE_ROUTE, 10000, NULL);
    ck_assert_uint_eq(canaries(1000000), 1000000);
    unmake();
}
END_TEST

START_TEST(without_a_canary_there_is_nothing_to_draw)
{
    struct pick_side pick;

    make(NO_CANARY, 0, NULL);
    pick = pick_side(routes, &routes->routes[0], &rnd, STR("somebody"));
    ck_assert_int_eq(pick.side, ROUTE_STABLE);
    ck_assert_int_eq(pick.assignment, ASSIGNMENT_ONLY);
    unmake();
}
END_TEST

/* ---- stickiness ---- */

static enum route_side side_of(unsigned unit, uint32_t weight)
{
    char name[32];
    struct pick_side pick;

    snprintf(name, sizeof name, "unit-%u", unit);
    routes->routes[0].weight = weight;
    pick = pick_side(routes, &routes->routes[0], &rnd, str_from(name));
    ck_assert_int_eq(pick.assignment, ASSIGNMENT_STICKY);
    return pick.side;
}

START_TEST(a_unit_moves_at_most_once_as_the_weight_rises)
{
    make(ONE_ROUTE, 0, NULL);
    for (unsigned unit = 0; unit < 500; unit++) {
        enum route_side last = side_of(unit, 0);

        ck_assert_int_eq(last, ROUTE_STABLE);
        for (uint32_t weight = 0; weight <= 10000; weight += 20) {
            enum route_side side = side_of(unit, weight);

            ck_assert(side == last || (last == ROUTE_STABLE && side == ROUTE_CANARY));
            ck_assert_int_eq(side_of(unit, weight), side);
            last = side;
        }
        ck_assert_int_eq(last, ROUTE_CANARY);
    }
    unmake();
}
END_TEST

START_TEST(units_are_spread_as_the_weight_says)
{
    enum { UNITS = 200000 };
    double got = 0, expected = UNITS * 0.1;

    make(ONE_ROUTE, 0, NULL);
    for (unsigned unit = 0; unit < UNITS; unit++)
        got += side_of(unit, 1000) == ROUTE_CANARY;
    ck_assert_msg((got - expected) * (got - expected) / (expected * 0.9) < 10.83, "%.0f of %d", got, UNITS);
    unmake();
}
END_TEST

START_TEST(another_key_is_another_spread)
{
    unsigned moved = 0;

    make(ONE_ROUTE, 0, NULL);
    for (unsigned unit = 0; unit < 1000; unit++) {
        enum route_side before = side_of(unit, 5000);

        routes->sticky_key.k0 ^= 1;
        moved += side_of(unit, 5000) != before;
        routes->sticky_key.k0 ^= 1;
    }
    ck_assert_msg(moved > 400 && moved < 600, "%u of 1000 moved", moved);
    unmake();
}
END_TEST

/* ---- groups without an open target ---- */

START_TEST(an_empty_canary_spares_its_clients)
{
    static const struct route_target_state draining[] = {
        {0}, {0}, {0}, {.draining = true}, {.draining = true}};

    make(ONE_ROUTE, 9999, draining);
    for (unsigned i = 0; i < 20000; i++) {
        struct pick_side pick = pick_side(routes, &routes->routes[0], &rnd, STR_NULL);

        ck_assert_int_eq(pick.side, ROUTE_STABLE);
    }
    unmake();
}
END_TEST

/* What would have been stable's anyway is a drawn request of stable's; the judge must not lose it. */
START_TEST(only_what_was_drawn_for_an_empty_canary_is_no_evidence)
{
    static const struct route_target_state draining[] = {
        {0}, {0}, {0}, {.draining = true}, {.draining = true}};
    unsigned only = 0;

    make(ONE_ROUTE, 5000, draining);
    for (unsigned i = 0; i < 10000; i++)
        only += pick_side(routes, &routes->routes[0], &rnd, STR_NULL).assignment == ASSIGNMENT_ONLY;
    ck_assert_msg(only > 4500 && only < 5500, "%u of 10000", only);
    unmake();
}
END_TEST

START_TEST(weight_100_stays_with_an_empty_canary)
{
    static const struct route_target_state draining[] = {
        {0}, {0}, {0}, {.draining = true}, {.draining = true}};

    make(ONE_ROUTE, 10000, draining);
    ck_assert_uint_eq(canaries(1000), 1000);
    unmake();
}
END_TEST

START_TEST(an_empty_stable_group_does_not_give_its_requests_to_the_canary)
{
    static const struct route_target_state draining[] = {
        {.draining = true}, {.draining = true}, {.draining = true}, {0}, {0}};

    make(ONE_ROUTE, 0, draining);
    ck_assert_uint_eq(canaries(1000), 0);
    ck_assert_uint_eq(routes->routes[0].side[ROUTE_STABLE]->open_len, 0);
    unmake();
}
END_TEST

/* Rather an unhealthy target than none, and rather stable than an unhealthy canary. */
START_TEST(a_route_is_found_by_host_and_path)
{
    make(BUILD_HEAD "routes:\n"
                    "  - { name: r, match: { host: a.example }, stable: a }\n"
                    "  - { name: s, match: { pathPrefix: /x }, stable: b }\n",
         0, NULL);
    ck_assert_str_eq(pick_route(routes, STR("a.example"), STR("/"))->conf->name, "r");
    ck_assert_str_eq(pick_route(routes, STR("b.example"), STR("/x/y"))->conf->name, "s");
    ck_assert_ptr_null(pick_route(routes, STR("b.example"), STR("/")));
    ck_assert_str_eq(assignment_name(ASSIGNMENT_RANDOM), "random");
    ck_assert_str_eq(assignment_name(ASSIGNMENT_STICKY), "sticky");
    ck_assert_str_eq(assignment_name(ASSIGNMENT_ONLY), "only");
    unmake();
}
END_TEST

/* ---- overrides ---- */

START_TEST(an_override_says_the_side_at_every_weight)
{
    static const uint32_t weights[] = {0, 1, 5000, CONFIG_WEIGHT_ONE};

    for (size_t i = 0; i < ARRAY_LEN(weights); i++)
        for (enum route_side side = ROUTE_STABLE; side < ROUTE_SIDES; side++) {
            struct pick_side pick;

            make(ONE_ROUTE, weights[i], NULL);
            pick = pick_override(&routes->routes[0], side);
            ck_assert_int_eq(pick.side, side);
            ck_assert_int_eq(pick.assignment, ASSIGNMENT_OVERRIDE);
            ck_assert(!assignment_is_drawn(pick.assignment));
            unmake();
        }
}
END_TEST

START_TEST(without_an_open_canary_testers_go_where_everybody_goes)
{
    static const struct route_target_state states[5] = {[3] = {.draining = true}, [4] = {.draining = true}};
    struct pick_side pick;

    make(ONE_ROUTE, 5000, states);
    pick = pick_override(&routes->routes[0], ROUTE_CANARY);
    ck_assert_int_eq(pick.side, ROUTE_STABLE);
    ck_assert_int_eq(pick.assignment, ASSIGNMENT_ONLY);
    ck_assert_int_eq(pick_override(&routes->routes[0], ROUTE_STABLE).assignment, ASSIGNMENT_OVERRIDE);
    unmake();
    make(ONE_ROUTE, CONFIG_WEIGHT_ONE, states);
    pick = pick_override(&routes->routes[0], ROUTE_CANARY);
    ck_assert_int_eq(pick.side, ROUTE_CANARY);
    ck_assert_int_eq(pick.assignment, ASSIGNMENT_ONLY);
    unmake();
}
END_TEST

/* Front end and API of one product (TP-05): with the same key a client is on the same side of both at the
 * same weight; at different ones whoever is on the canary of the lower is on that of the higher too. */
START_TEST(routes_that_share_a_key_keep_a_client_on_one_side)
{
    static const uint32_t weights[][2] = {{3000, 3000}, {500, 3000}, {9000, 1}};

    for (size_t w = 0; w < ARRAY_LEN(weights); w++) {
        make(TWO_ROUTES, 0, NULL);
        for (size_t i = 0; i < 2; i++)
            routes->routes[i].weight = weights[w][i];
        for (unsigned i = 0; i < 5000; i++) {
            enum route_side sides[2];
            char unit[16];

            snprintf(unit, sizeof unit, "user-%u", i);
            for (size_t r = 0; r < 2; r++)
                sides[r] = pick_side(routes, &routes->routes[r], &rnd, str_from(unit)).side;
            if (weights[w][0] == weights[w][1])
                ck_assert_int_eq(sides[0], sides[1]);
            else if (weights[w][0] < weights[w][1])
                ck_assert(sides[0] == ROUTE_STABLE || sides[1] == ROUTE_CANARY);
            else
                ck_assert(sides[1] == ROUTE_STABLE || sides[0] == ROUTE_CANARY);
        }
        unmake();
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("pick");
    TCase *tc = tcase_create("pick");

    tcase_add_test(tc, the_share_is_the_weight);
    tcase_add_test(tc, one_draw_says_nothing_about_the_next);
    tcase_add_test(tc, weight_0_is_none_and_100_is_all);
    tcase_add_test(tc, without_a_canary_there_is_nothing_to_draw);
    tcase_add_test(tc, a_unit_moves_at_most_once_as_the_weight_rises);
    tcase_add_test(tc, units_are_spread_as_the_weight_says);
    tcase_add_test(tc, another_key_is_another_spread);
    tcase_add_test(tc, an_empty_canary_spares_its_clients);
    tcase_add_test(tc, only_what_was_drawn_for_an_empty_canary_is_no_evidence);
    tcase_add_test(tc, weight_100_stays_with_an_empty_canary);
    tcase_add_test(tc, an_empty_stable_group_does_not_give_its_requests_to_the_canary);
    tcase_add_test(tc, an_override_says_the_side_at_every_weight);
    tcase_add_test(tc, without_an_open_canary_testers_go_where_everybody_goes);
    tcase_add_test(tc, a_route_is_found_by_host_and_path);
    tcase_add_test(tc, routes_that_share_a_key_keep_a_client_on_one_side);
    suite_add_tcase(suite, tc);
    return suite;
}
