#include "base/budget.h"

#include "../unit.h"
#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

START_TEST(a_budget_is_never_exceeded)
{
    struct budget budget = {0};

    budget_limit(&budget, 100);
    ck_assert(budget_take(&budget, 60));
    ck_assert(!budget_take(&budget, 41));
    ck_assert(budget_take(&budget, 40));
    ck_assert(!budget_take(&budget, 1));
    ck_assert_uint_eq(budget_used(&budget), 100);
    budget_give(&budget, 60);
    ck_assert(budget_take(&budget, 60));
}
END_TEST

START_TEST(a_budget_is_short_before_it_is_used_up)
{
    struct budget budget = {0};

    budget_limit(&budget, 1600);
    ck_assert(budget_take(&budget, 1500));
    ck_assert(!budget_is_short(&budget));
    ck_assert(budget_take(&budget, 1));
    ck_assert(budget_is_short(&budget));
}
END_TEST

START_TEST(a_budget_without_a_limit_counts_only)
{
    struct budget budget = {0};

    ck_assert(budget_take(&budget, SIZE_MAX / 2));
    ck_assert(!budget_is_short(&budget));
}
END_TEST

START_TEST(a_lower_limit_holds_for_what_comes)
{
    struct budget budget = {0};

    budget_limit(&budget, 100);
    ck_assert(budget_take(&budget, 90));
    budget_limit(&budget, 50);
    ck_assert(!budget_take(&budget, 1));
    budget_give(&budget, 50);
    ck_assert(budget_take(&budget, 10));
    ck_assert(!budget_take(&budget, 1));
}
END_TEST

START_TEST(to_give_back_more_than_was_taken_is_a_bug)
{
    struct budget budget = {0};

    ck_assert(budget_take(&budget, 1));
    budget_give(&budget, 2);
}
END_TEST

START_TEST(a_pool_draws_what_it_keeps_too_and_gives_back_what_it_is_trimmed_of)
{
    struct budget budget = {0};
    struct mem_pool pool;
    void *blocks[4];

    budget_limit(&budget, 300);
    mem_pool_init(&pool, 100, 2, 8);
    mem_pool_draw(&pool, &budget);
    for (size_t i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(blocks[i] = mem_pool_get(&pool));
    ck_assert_ptr_null(mem_pool_get(&pool));
    ck_assert_uint_eq(pool.live_len, 3);
    for (size_t i = 0; i < 3; i++)
        mem_pool_put(&pool, blocks[i]);
    ck_assert_uint_eq(budget_used(&budget), 200);
    blocks[0] = mem_pool_get(&pool);
    ck_assert_uint_eq(budget_used(&budget), 200);
    mem_pool_trim(&pool);
    ck_assert_uint_eq(budget_used(&budget), 100);
    mem_pool_put(&pool, blocks[0]);
    mem_pool_fini(&pool);
    ck_assert_uint_eq(budget_used(&budget), 0);
}
END_TEST

enum { ROUNDS = 20000 };

static void *take_and_give(void *arg)
{
    struct budget *budget = arg;

    for (int i = 0; i < ROUNDS; i++)
        if (budget_take(budget, 3))
            budget_give(budget, 3);
    return NULL;
}

START_TEST(nothing_is_lost_between_threads)
{
    struct budget budget = {0};
    pthread_t threads[3];

    budget_limit(&budget, 7);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, &budget), 0);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(budget_used(&budget), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("budget");
    TCase *tc = tcase_create("budget");

    tcase_add_test(tc, a_budget_is_never_exceeded);
    tcase_add_test(tc, a_budget_is_short_before_it_is_used_up);
    tcase_add_test(tc, a_budget_without_a_limit_counts_only);
    tcase_add_test(tc, a_lower_limit_holds_for_what_comes);
    tcase_add_test_raise_signal(tc, to_give_back_more_than_was_taken_is_a_bug, SIGABRT);
    tcase_add_test(tc, a_pool_draws_what_it_keeps_too_and_gives_back_what_it_is_trimmed_of);
    tcase_add_test(tc, nothing_is_lost_between_threads);
    suite_add_tcase(suite, tc);
    return suite;
}
