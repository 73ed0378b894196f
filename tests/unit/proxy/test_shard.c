#include "proxy/shard.h"

#include "../route/build.h"
#include "base/clk.h"
#include "proxy/front.h"
#include "proxy/txn.h"

START_TEST(a_config_gets_cells_for_its_routes_and_targets_and_they_stay)
{
    struct config *config =
        build_config(BUILD_HEAD "routes:\n"
                                "  - { name: r, stable: a, canary: b }\n"
                                "  - { name: s, match: { pathPrefix: /s }, stable: b }\n");
    struct shard *shard = shard_new();
    struct shard_route *route;

    ck_assert_ptr_null(shard_route(shard, 0));
    shard_cover(shard, config);
    for (uint32_t slot = 0; slot < 10; slot++) {
        ck_assert((shard_route(shard, slot) != NULL) == (slot < 2));
        ck_assert((shard_target(shard, slot) != NULL) == (slot < 5));
    }
    route = shard_route(shard, 1);
    cell_add(&route->late, 3);
    shard_cover(shard, config);
    ck_assert_ptr_eq(shard_route(shard, 1), route);
    ck_assert_uint_eq(cell_get(&route->late), 3);
    shard_free(shard);
    shard_free(NULL);
    config_unref(config);
}
END_TEST

START_TEST(a_cell_adds_subtracts_and_is_set)
{
    struct cell cell = {0};

    cell_add(&cell, 5);
    cell_add(&cell, 1);
    cell_sub(&cell, 2);
    ck_assert_uint_eq(cell_get(&cell), 4);
    cell_set(&cell, 9);
    ck_assert_uint_eq(cell_get(&cell), 9);
}
END_TEST

START_TEST(the_edges_of_the_histogram_rise)
{
    for (size_t i = 1; i < SHARD_EDGES; i++)
        ck_assert(shard_edges_s[i] > shard_edges_s[i - 1]);
}
END_TEST

/* What a connection, a request and a route cost. A case that fails here is to be agreed to, not to be
 * repaired. */
START_TEST(nothing_grows_unnoticed)
{
    ck_assert_uint_le(sizeof(struct front), 512);       /* an idle client connection is this and no more */
    ck_assert_uint_le(sizeof(struct pool_conn), 352);   /* and an idle connection to a target */
    ck_assert_uint_le(sizeof(struct txn), 26 * 1024);   /* a request, with its arena of 16 KiB */
    ck_assert_uint_le(sizeof(struct shard), 45 * 1024); /* a worker's counters */
    ck_assert_uint_le(sizeof(struct shard_route), 27 * 1024); /* and those of a route: 96 bytes an outcome */
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("shard");
    TCase *tc = tcase_create("shard");

    tcase_add_test(tc, a_config_gets_cells_for_its_routes_and_targets_and_they_stay);
    tcase_add_test(tc, a_cell_adds_subtracts_and_is_set);
    tcase_add_test(tc, the_edges_of_the_histogram_rise);
    tcase_add_test(tc, nothing_grows_unnoticed);
    suite_add_tcase(suite, tc);
    return suite;
}
