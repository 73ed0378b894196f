#include "control/harvest.h"

#include "../unit.h"
#include "base/mem.h"

#include <stdlib.h>

enum { WORKERS = 2 };

static struct shard_route *workers[WORKERS];
static const struct harvest_cells cells = {workers, WORKERS};
static struct harvest harvest;
static struct tally tallies[TALLY_WEIGHTS_MAX];

static void set_up(void)
{
    for (size_t i = 0; i < WORKERS; i++)
        workers[i] = mem_zalloc(sizeof(struct shard_route));
    harvest = (struct harvest){0};
}

static void tear_down(void)
{
    for (size_t i = 0; i < WORKERS; i++)
        free(workers[i]);
}

/* As a worker does for requests that were drawn in `epoch`, of which `bad` count for metric 0. */
static void count(size_t worker, uint32_t epoch, enum route_side side, uint64_t requests, uint64_t bad)
{
    struct shard_judged *judged = &workers[worker]->epochs[epoch % SHARD_EPOCHS].side[side];

    cell_add(&judged->requests, requests);
    cell_add(&judged->metrics[0].requests, requests);
    cell_add(&judged->metrics[0].raw_bad, bad);
    cell_add(&judged->metrics[0].bad, bad);
}

static size_t look(uint64_t seen)
{
    harvest_collect(&harvest, &cells, seen);
    return harvest_take(&harvest, tallies, TALLY_WEIGHTS_MAX);
}

START_TEST(workers_are_added_up_and_counted_once)
{
    harvest_begin(&harvest, &cells, 1, 500, 7, 1, 0);
    count(0, 1, ROUTE_CANARY, 10, 1);
    count(1, 1, ROUTE_CANARY, 5, 2);
    count(1, 1, ROUTE_STABLE, 95, 3);
    ck_assert_uint_eq(look(1), 1);
    ck_assert_uint_eq(tallies[0].weight, 500);
    ck_assert_uint_eq(tallies[0].canary.requests, 15);
    ck_assert_uint_eq(tallies[0].canary.metrics[0].requests, 15);
    ck_assert_uint_eq(tallies[0].canary.metrics[0].bad, 3);
    ck_assert_uint_eq(tallies[0].stable.metrics[0].raw_bad, 3);
    ck_assert_uint_eq(look(1), 0);
    count(0, 1, ROUTE_STABLE, 1, 0);
    ck_assert_uint_eq(look(1), 1);
    ck_assert_uint_eq(tallies[0].stable.requests, 1);
    ck_assert_uint_eq(tallies[0].canary.requests, 0);
}
END_TEST

START_TEST(requests_keep_the_weight_that_they_were_drawn_with)
{
    harvest_begin(&harvest, &cells, 1, 500, 7, 1, 0);
    harvest_begin(&harvest, &cells, 2, 1000, 7, 2, 1);
    count(0, 1, ROUTE_CANARY, 3, 0);
    count(0, 2, ROUTE_CANARY, 4, 0);
    ck_assert_uint_eq(look(2), 2);
    ck_assert_uint_eq(tallies[0].weight, 500);
    ck_assert_uint_eq(tallies[0].canary.requests, 3);
    ck_assert_uint_eq(tallies[1].weight, 1000);
    ck_assert_uint_eq(tallies[1].canary.requests, 4);
}
END_TEST

START_TEST(epochs_of_one_weight_are_one_tally)
{
    harvest_begin(&harvest, &cells, 1, 500, 7, 1, 0);
    harvest_begin(&harvest, &cells, 2, 1000, 7, 2, 1);
    harvest_begin(&harvest, &cells, 3, 500, 7, 3, 2);
    count(0, 1, ROUTE_CANARY, 3, 0);
    count(0, 3, ROUTE_CANARY, 4, 0);
    ck_assert_uint_eq(look(3), 1);
    ck_assert_uint_eq(tallies[0].canary.requests, 7);
}
END_TEST

START_TEST(a_cell_used_again_does_not_mix_its_weights)
{
    for (uint32_t epoch = 1; epoch <= SHARD_EPOCHS; epoch++)
        harvest_begin(&harvest, &cells, epoch, epoch * 100, 7, epoch, epoch - 1);
    count(0, 1, ROUTE_CANARY, 2, 0); /* still in flight from the first epoch */
    harvest_begin(&harvest, &cells, 1 + SHARD_EPOCHS, 5000, 7, 17, 16);
    count(0, 17, ROUTE_CANARY, 50, 0); /* worker 0 has adopted it */
    count(1, 1, ROUTE_CANARY, 3, 1);   /* worker 1 has not */
    ck_assert_uint_eq(look(16), 1);
    ck_assert_uint_eq(tallies[0].weight, 100);
    ck_assert_uint_eq(tallies[0].canary.requests, 2);
    count(1, 1, ROUTE_CANARY, 1, 0); /* just before it adopts */
    ck_assert_uint_eq(look(17), 0);
    ck_assert_uint_eq(harvest.dropped, 54);
    count(1, 17, ROUTE_CANARY, 9, 1);
    ck_assert_uint_eq(look(17), 1);
    ck_assert_uint_eq(tallies[0].weight, 5000);
    ck_assert_uint_eq(tallies[0].canary.requests, 9);
    ck_assert_uint_eq(tallies[0].canary.metrics[0].bad, 1);
}
END_TEST

START_TEST(more_weights_than_a_look_takes_come_with_the_next)
{
    for (uint32_t epoch = 1; epoch <= 12; epoch++) {
        harvest_begin(&harvest, &cells, epoch, epoch * 100, 7, epoch, epoch - 1);
        count(0, epoch, ROUTE_STABLE, epoch, 0);
    }
    ck_assert_uint_eq(look(12), TALLY_WEIGHTS_MAX);
    ck_assert_uint_eq(look(12), 12 - TALLY_WEIGHTS_MAX);
    ck_assert_uint_eq(tallies[3].weight, 1200);
    ck_assert_uint_eq(look(12), 0);
}
END_TEST

START_TEST(another_rollout_gets_nothing_of_the_one_before)
{
    harvest_begin(&harvest, &cells, 1, 500, 7, 1, 0);
    count(0, 1, ROUTE_CANARY, 10, 10);
    harvest_begin(&harvest, &cells, 2, 500, 8, 2, 1);
    count(0, 1, ROUTE_CANARY, 5, 5); /* late */
    count(0, 2, ROUTE_CANARY, 1, 0);
    ck_assert_uint_eq(look(2), 1);
    ck_assert_uint_eq(tallies[0].canary.requests, 1);
    ck_assert_uint_eq(tallies[0].canary.metrics[0].bad, 0);
}
END_TEST

START_TEST(nothing_is_handed_over_without_a_rollout)
{
    harvest_begin(&harvest, &cells, 1, 500, 0, 1, 0);
    count(0, 1, ROUTE_CANARY, 10, 10);
    ck_assert_uint_eq(look(1), 0);
    ck_assert_uint_eq(harvest.dropped, 0);
}
END_TEST

START_TEST(what_the_cells_held_before_does_not_count)
{
    count(0, 1, ROUTE_CANARY, 10, 10);
    harvest_init(&harvest, &cells);
    harvest_begin(&harvest, &cells, 1, 500, 7, 1, 0);
    count(0, 1, ROUTE_CANARY, 7, 7); /* perhaps of its life before */
    ck_assert_uint_eq(look(1), 0);
    count(0, 1, ROUTE_CANARY, 2, 1);
    ck_assert_uint_eq(look(1), 1);
    ck_assert_uint_eq(tallies[0].canary.requests, 2);
}
END_TEST

START_TEST(a_bad_request_that_shows_before_the_request_waits)
{
    harvest_begin(&harvest, &cells, 1, 500, 7, 1, 0);
    count(0, 1, ROUTE_CANARY, 0, 1);
    ck_assert_uint_eq(look(1), 0);
    count(0, 1, ROUTE_CANARY, 1, 0);
    ck_assert_uint_eq(look(1), 1);
    ck_assert_uint_eq(tallies[0].canary.requests, 1);
    ck_assert_uint_eq(tallies[0].canary.metrics[0].bad, 1);
}
END_TEST

START_TEST(mirrored_requests_are_a_tally_of_their_own_of_half_the_weight)
{
    struct shard_judged *pairs = &workers[1]->epochs[1].side[SHARD_PAIR];

    harvest_begin(&harvest, &cells, 1, 0, 7, 1, 0);
    count(0, 1, ROUTE_STABLE, 40, 2);
    for (size_t side = 0; side < ROUTE_SIDES; side++)
        cell_add(&pairs[side].metrics[3].requests, 20);
    cell_add(&pairs[ROUTE_CANARY].metrics[3].raw_bad, 5);
    cell_add(&pairs[ROUTE_CANARY].metrics[3].bad, 5);
    ck_assert_uint_eq(look(1), 2);
    ck_assert_uint_eq(tallies[0].weight, 0);
    ck_assert(!tallies[0].pairs && tallies[1].pairs);
    ck_assert_uint_eq(tallies[0].stable.requests, 40);
    ck_assert_uint_eq(tallies[1].weight, 5000);
    ck_assert_uint_eq(tallies[1].canary.requests + tallies[1].stable.requests, 0);
    ck_assert_uint_eq(tallies[1].canary.metrics[3].bad, 5);
    ck_assert_uint_eq(tallies[1].stable.metrics[3].requests, 20);
    ck_assert_uint_eq(tallies[1].stable.metrics[3].bad, 0);
    ck_assert_uint_eq(look(1), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("harvest");
    TCase *tcase = tcase_create("harvest");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, workers_are_added_up_and_counted_once);
    tcase_add_test(tcase, requests_keep_the_weight_that_they_were_drawn_with);
    tcase_add_test(tcase, epochs_of_one_weight_are_one_tally);
    tcase_add_test(tcase, a_cell_used_again_does_not_mix_its_weights);
    tcase_add_test(tcase, more_weights_than_a_look_takes_come_with_the_next);
    tcase_add_test(tcase, another_rollout_gets_nothing_of_the_one_before);
    tcase_add_test(tcase, nothing_is_handed_over_without_a_rollout);
    tcase_add_test(tcase, what_the_cells_held_before_does_not_count);
    tcase_add_test(tcase, mirrored_requests_are_a_tally_of_their_own_of_half_the_weight);
    tcase_add_test(tcase, a_bad_request_that_shows_before_the_request_waits);
    suite_add_tcase(suite, tcase);
    return suite;
}
