/* Cells of workers become what each target has done since the last look. */
#include "control/roster.h"

#include "../unit.h"
#include "base/mem.h"

#include <stdlib.h>

static struct config_target targets[TALLY_TARGETS_MAX + 1];
static struct config_group group;
static struct config config;
static struct shard *shards[2];
static struct roster roster;
static struct tally_target rows[TALLY_TARGETS_MAX];

static void set_up(void)
{
    roster = (struct roster){0};
    for (uint32_t i = 0; i < ARRAY_LEN(targets); i++) {
        targets[i] = (struct config_target){.slot = i};
        targets[i].address.text = mem_printf("10.0.0.%u:80", i);
    }
    group = (struct config_group){.targets = targets, .targets_len = 3};
    config = (struct config){.groups = &group, .groups_len = 1};
    for (size_t w = 0; w < ARRAY_LEN(shards); w++) {
        shards[w] = shard_new();
        shard_cover(shards[w], &config);
    }
}

static void tear_down(void)
{
    for (size_t w = 0; w < ARRAY_LEN(shards); w++)
        shard_free(shards[w]);
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        free(targets[i].address.text);
}

static void count(size_t worker, uint32_t slot, uint64_t requests, uint64_t bad)
{
    cell_add(&shard_target(shards[worker], slot)->judged, requests);
    cell_add(&shard_target(shards[worker], slot)->bad[1], bad);
}

static size_t look(void)
{
    return roster_look(&roster, &group, shards, ARRAY_LEN(shards), rows);
}

START_TEST(the_first_look_forgets_what_was_before)
{
    count(0, 0, 7, 1);
    ck_assert_uint_eq(look(), 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(rows[i].requests, 0);
        ck_assert_uint_eq(rows[i].bad[1], 0);
        ck_assert_str_eq(rows[i].name, targets[i].address.text);
        ck_assert_uint_eq(rows[i].id, roster_id(&targets[i]));
    }
}
END_TEST

START_TEST(a_look_sums_over_the_workers_what_is_new)
{
    ck_assert_uint_eq(look(), 3);
    count(0, 1, 7, 1);
    count(1, 1, 5, 2);
    count(1, 2, 4, 0);
    ck_assert_uint_eq(look(), 3);
    ck_assert_uint_eq(rows[0].requests, 0);
    ck_assert_uint_eq(rows[1].requests, 12);
    ck_assert_uint_eq(rows[1].bad[1], 3);
    ck_assert_uint_eq(rows[2].requests, 4);
    ck_assert_uint_eq(look(), 3);
    ck_assert_uint_eq(rows[1].requests, 0);
}
END_TEST

START_TEST(after_a_reload_targets_keep_their_counts_and_new_ones_begin)
{
    ck_assert_uint_eq(look(), 3);
    count(0, 2, 9, 0);
    group.targets = &targets[1];
    shard_cover(shards[0], &config);
    count(0, 3, 100, 100); /* as canary of another route */
    ck_assert_uint_eq(look(), 3);
    ck_assert_uint_eq(rows[1].requests, 9);
    ck_assert_uint_eq(rows[2].requests, 0);
    count(0, 3, 2, 0);
    ck_assert_uint_eq(look(), 3);
    ck_assert_uint_eq(rows[2].requests, 2);
}
END_TEST

START_TEST(the_targets_of_a_large_group_are_not_told_apart)
{
    group.targets_len = TALLY_TARGETS_MAX + 1;
    ck_assert_uint_eq(look(), 0);
    group.targets_len = TALLY_TARGETS_MAX;
    for (size_t w = 0; w < ARRAY_LEN(shards); w++)
        shard_cover(shards[w], &config);
    ck_assert_uint_eq(look(), TALLY_TARGETS_MAX);
}
END_TEST

START_TEST(a_target_has_one_name_in_every_process)
{
    ck_assert_uint_eq(roster_id(&targets[0]), roster_id(&targets[0]));
    ck_assert_uint_ne(roster_id(&targets[0]), roster_id(&targets[1]));
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        ck_assert(roster_id(&targets[i]) >= 1 && roster_id(&targets[i]) <= INT64_MAX);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("roster");
    TCase *tc = tcase_create("roster");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_first_look_forgets_what_was_before);
    tcase_add_test(tc, a_look_sums_over_the_workers_what_is_new);
    tcase_add_test(tc, after_a_reload_targets_keep_their_counts_and_new_ones_begin);
    tcase_add_test(tc, the_targets_of_a_large_group_are_not_told_apart);
    tcase_add_test(tc, a_target_has_one_name_in_every_process);
    suite_add_tcase(suite, tc);
    return suite;
}
