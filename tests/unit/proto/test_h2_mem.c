/* The allocator of sessions: with its maximum, its budget, and blocks that are kept for others. */
#include "proto/h2_mem.h"

#include "../unit.h"

#include <stdint.h>
#include <string.h>

enum { MAX = 64 << 10 };

static bool is_filled(const char *block, size_t len, char c)
{
    while (len && block[len - 1] == c)
        len--;
    return len == 0;
}

START_TEST(what_is_freed_serves_another_session)
{
    struct h2_blocks blocks;
    struct h2_mem one, other;
    void *block;

    h2_blocks_init(&blocks);
    h2_mem_init(&one, MAX, NULL, &blocks);
    h2_mem_init(&other, MAX, NULL, &blocks);
    block = h2_mem_alloc(&one, 100);
    ck_assert(block);
    h2_mem_free(&one, block);
    ck_assert_uint_eq(one.used, 0);
    ck_assert_ptr_eq(h2_mem_alloc(&other, 100), block);
    ck_assert_uint_gt(other.used, 100);
    h2_mem_free(&other, block);
    h2_mem_fini(&one);
    h2_mem_fini(&other);
    h2_blocks_fini(&blocks);
}
END_TEST

START_TEST(a_block_of_any_size_keeps_its_contents_when_it_is_resized)
{
    static const size_t sizes[] = {1, 47, 48, 49, 1008, 1009, 5000, 300, 0, 64, 9000, 8000};
    struct h2_blocks blocks;

    h2_blocks_init(&blocks);
    for (int with = 0; with < 2; with++) {
        struct h2_mem mem;
        char *block = NULL;
        size_t len = 0;

        h2_mem_init(&mem, MAX, NULL, with ? &blocks : NULL);
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            block = h2_mem_resize(&mem, block, sizes[i]);
            ck_assert(block);
            ck_assert(is_filled(block, len < sizes[i] ? len : sizes[i], (char)i));
            len = sizes[i];
            memset(block, (int)i + 1, len);
        }
        h2_mem_free(&mem, block);
        ck_assert_uint_eq(mem.used, 0);
        h2_mem_fini(&mem);
    }
    h2_blocks_fini(&blocks);
}
END_TEST

START_TEST(beyond_the_maximum_there_is_nothing)
{
    struct h2_mem mem;
    char *block;

    h2_mem_init(&mem, MAX, NULL, NULL);
    ck_assert_ptr_null(h2_mem_alloc(&mem, SIZE_MAX));
    ck_assert_ptr_null(h2_mem_alloc(&mem, MAX));
    block = h2_mem_alloc(&mem, MAX / 2);
    ck_assert(block);
    ck_assert_ptr_null(h2_mem_alloc(&mem, MAX / 2));
    memset(block, 'x', MAX / 2);
    ck_assert_ptr_null(h2_mem_resize(&mem, block, MAX));
    ck_assert(is_filled(block, MAX / 2, 'x'));
    h2_mem_free(&mem, block);
    h2_mem_free(&mem, NULL);
    h2_mem_fini(&mem);
}
END_TEST

START_TEST(a_budget_gets_back_what_was_drawn)
{
    struct h2_blocks blocks;
    struct budget budget = {0};
    struct h2_mem mem;
    void *held[16];

    h2_blocks_init(&blocks);
    budget_limit(&budget, MAX);
    h2_mem_init(&mem, MAX, &budget, &blocks);
    for (size_t i = 0; i < ARRAY_LEN(held); i++) {
        held[i] = h2_mem_alloc(&mem, 900);
        ck_assert(held[i]);
    }
    ck_assert(!budget_take(&budget, MAX));
    for (size_t i = 0; i < ARRAY_LEN(held); i++)
        h2_mem_free(&mem, held[i]);
    h2_mem_fini(&mem);
    ck_assert(budget_take(&budget, MAX));
    h2_blocks_trim(&blocks);
    h2_blocks_fini(&blocks);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("h2_mem");
    TCase *tc = tcase_create("h2_mem");

    tcase_add_test(tc, what_is_freed_serves_another_session);
    tcase_add_test(tc, a_block_of_any_size_keeps_its_contents_when_it_is_resized);
    tcase_add_test(tc, beyond_the_maximum_there_is_nothing);
    tcase_add_test(tc, a_budget_gets_back_what_was_drawn);
    suite_add_tcase(suite, tc);
    return suite;
}
