#include "base/mem.h"

#include "../unit.h"

#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

START_TEST(heap_calls_never_give_null)
{
    char *a = mem_alloc(0), *b = mem_zalloc(0), *c = mem_resize(NULL, 0, 8), *d = mem_zalloc(64);

    ck_assert(a && b && c && d);
    for (size_t i = 0; i < 64; i++)
        ck_assert_int_eq(d[i], 0);
    free(a);
    free(b);
    free(c);
    free(d);
}
END_TEST

START_TEST(resize_keeps_the_contents)
{
    uint32_t *numbers = mem_resize(NULL, 2, sizeof *numbers);

    numbers[0] = 1;
    numbers[1] = 2;
    numbers = mem_resize(numbers, 1000, sizeof *numbers);
    ck_assert_uint_eq(numbers[0] + numbers[1], 3);
    free(numbers);
}
END_TEST

START_TEST(resize_dies_on_a_product_that_overflows)
{
    void *p = mem_resize(NULL, SIZE_MAX / 4, 8);

    ck_assert_ptr_null(p); /* not reached */
    free(p);
}
END_TEST

START_TEST(a_copy_of_no_text_is_none)
{
    char *copy = mem_strdup_if("weight");

    ck_assert_str_eq(copy, "weight");
    ck_assert_ptr_null(mem_strdup_if(NULL));
    free(copy);
}
END_TEST

START_TEST(copies_of_text_end_in_nul)
{
    char *whole = mem_strdup("weight"), *part = mem_strndup("weight", 3),
         *printed = mem_printf("%s=%d", "w", 5);

    ck_assert_str_eq(whole, "weight");
    ck_assert_str_eq(part, "wei");
    ck_assert_str_eq(printed, "w=5");
    free(whole);
    free(part);
    free(printed);
}
END_TEST

START_TEST(an_empty_slice_can_be_copied)
{
    char block[64];
    struct arena arena;
    struct {
        const char *p;
    } nothing = {NULL}; /* what an empty struct str holds */
    char *copy = mem_strndup(nothing.p, 0), *lent;

    ck_assert_str_eq(copy, "");
    free(copy);
    arena_init(&arena, block, sizeof block);
    lent = arena_copy(&arena, nothing.p, 0);
    ck_assert_ptr_nonnull(lent);
    ck_assert_str_eq(lent, "");
}
END_TEST

START_TEST(an_arena_hands_out_memory_aligned_for_any_type)
{
    alignas(max_align_t) char block[1024];

    for (size_t off = 0; off < alignof(max_align_t); off++) { /* whatever block the owner has */
        struct arena arena;

        arena_init(&arena, block + off, sizeof block - off);
        for (size_t size = 1; size < 20; size++) {
            char *p = arena_alloc(&arena, size);

            ck_assert_ptr_nonnull(p);
            ck_assert_uint_eq((uintptr_t)p % alignof(max_align_t), 0);
            ck_assert(p >= block + off && p + size <= block + sizeof block);
        }
    }
}
END_TEST

START_TEST(pieces_of_an_arena_do_not_overlap)
{
    char block[256];
    struct arena arena;
    char *a, *b;

    arena_init(&arena, block, sizeof block);
    a = arena_alloc(&arena, 17);
    b = arena_alloc(&arena, 17);
    ck_assert(a && b && b >= a + 17);
}
END_TEST

START_TEST(a_full_arena_refuses_and_a_reset_gives_all_back)
{
    alignas(max_align_t) char block[64];
    struct arena arena;
    void *first;

    arena_init(&arena, block, sizeof block);
    first = arena_alloc(&arena, 64);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(arena_alloc(&arena, 1));
    ck_assert_ptr_null(arena_copy(&arena, "x", 1));
    arena_reset(&arena);
    ck_assert_ptr_null(arena_alloc(&arena, 65));
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(arena_copy(&arena, "x", SIZE_MAX));
    ck_assert_ptr_eq(arena_alloc(&arena, 64), first);
}
END_TEST

START_TEST(an_arena_of_no_size_refuses)
{
    struct arena arena;
    char byte;

    arena_init(&arena, &byte, 0);
    ck_assert_ptr_null(arena_alloc(&arena, 1));
    arena_init(&arena, NULL, 0);
    ck_assert_ptr_null(arena_alloc(&arena, 1));
}
END_TEST

START_TEST(a_copy_in_an_arena_ends_in_nul)
{
    char block[64];
    struct arena arena;
    char *copy;

    arena_init(&arena, block, sizeof block);
    copy = arena_copy(&arena, "weight", 3);
    ck_assert_ptr_nonnull(copy);
    ck_assert_str_eq(copy, "wei");
}
END_TEST

START_TEST(a_pool_lends_no_more_than_its_maximum)
{
    struct mem_pool pool;
    void *a, *b;

    mem_pool_init(&pool, 32, 1, 2);
    a = mem_pool_get(&pool);
    b = mem_pool_get(&pool);
    ck_assert(a && b && a != b);
    ck_assert_ptr_null(mem_pool_get(&pool));
    mem_pool_put(&pool, a);
    a = mem_pool_get(&pool);
    ck_assert_ptr_nonnull(a);
    mem_pool_put(&pool, a);
    mem_pool_put(&pool, b);
    mem_pool_put(&pool, NULL);
    ck_assert_uint_eq(pool.live_len, 0);
    mem_pool_fini(&pool);
}
END_TEST

START_TEST(a_pool_keeps_what_it_may_and_lends_it_again)
{
    struct mem_pool pool;
    void *blocks[4], *last;

    mem_pool_init(&pool, 32, 2, 4);
    for (size_t i = 0; i < 4; i++)
        blocks[i] = mem_pool_get(&pool);
    last = blocks[1];
    for (size_t i = 0; i < 4; i++)
        mem_pool_put(&pool, blocks[i]);
    ck_assert_uint_eq(pool.free_len, 2);
    blocks[0] = mem_pool_get(&pool);
    ck_assert_ptr_eq(blocks[0], last); /* the one that came back last is the warmest */
    mem_pool_put(&pool, blocks[0]);
    mem_pool_fini(&pool);
    ck_assert_uint_eq(pool.free_len, 0);
}
END_TEST

START_TEST(a_pool_that_ends_with_a_block_lent_is_a_bug)
{
    struct mem_pool pool;

    mem_pool_init(&pool, 32, 2, 4);
    ck_assert_ptr_nonnull(mem_pool_get(&pool));
    mem_pool_fini(&pool);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("mem");
    TCase *tc = tcase_create("mem");

    tcase_add_test(tc, heap_calls_never_give_null);
    tcase_add_test(tc, resize_keeps_the_contents);
    tcase_add_test_raise_signal(tc, resize_dies_on_a_product_that_overflows, SIGABRT);
    tcase_add_test(tc, copies_of_text_end_in_nul);
    tcase_add_test(tc, a_copy_of_no_text_is_none);
    tcase_add_test(tc, an_empty_slice_can_be_copied);
    tcase_add_test(tc, an_arena_hands_out_memory_aligned_for_any_type);
    tcase_add_test(tc, pieces_of_an_arena_do_not_overlap);
    tcase_add_test(tc, a_full_arena_refuses_and_a_reset_gives_all_back);
    tcase_add_test(tc, an_arena_of_no_size_refuses);
    tcase_add_test(tc, a_copy_in_an_arena_ends_in_nul);
    tcase_add_test(tc, a_pool_lends_no_more_than_its_maximum);
    tcase_add_test(tc, a_pool_keeps_what_it_may_and_lends_it_again);
    tcase_add_test_raise_signal(tc, a_pool_that_ends_with_a_block_lent_is_a_bug, SIGABRT);
    suite_add_tcase(suite, tc);
    return suite;
}
