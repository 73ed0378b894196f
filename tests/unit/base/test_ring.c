#include "base/ring.h"

#include "base/mem.h"

#include "../unit.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

START_TEST(items_come_out_in_the_order_they_went_in)
{
    static int items[8];
    struct ring ring;

    ring_init(&ring, 8);
    ck_assert_ptr_null(ring_pop(&ring));
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 5; i++)
            ck_assert(ring_push(&ring, &items[i]));
        for (size_t i = 0; i < 5; i++)
            ck_assert_ptr_eq(ring_pop(&ring), &items[i]);
    }
    ck_assert_ptr_null(ring_pop(&ring));
    ring_fini(&ring);
}
END_TEST

START_TEST(a_full_ring_refuses_and_loses_nothing)
{
    static int items[5];
    struct ring ring;

    ring_init(&ring, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert(ring_push(&ring, &items[i]));
    ck_assert(!ring_push(&ring, &items[4]));
    ck_assert_ptr_eq(ring_pop(&ring), &items[0]);
    ck_assert(ring_push(&ring, &items[4]));
    for (size_t i = 1; i < 5; i++)
        ck_assert_ptr_eq(ring_pop(&ring), &items[i]);
    ring_fini(&ring);
}
END_TEST

START_TEST(the_indices_may_wrap)
{
    static int items[2];
    struct ring ring;

    ring_init(&ring, 2);
    atomic_store(&ring.head, UINT32_MAX);
    atomic_store(&ring.tail, UINT32_MAX);
    ck_assert(ring_push(&ring, &items[0]));
    ck_assert(ring_push(&ring, &items[1]));
    ck_assert(!ring_push(&ring, &items[0]));
    ck_assert_ptr_eq(ring_pop(&ring), &items[0]);
    ck_assert_ptr_eq(ring_pop(&ring), &items[1]);
    ck_assert_ptr_null(ring_pop(&ring));
    ring_fini(&ring);
}
END_TEST

START_TEST(a_ring_may_live_in_any_heap_memory)
{
    struct ring *ring = mem_zalloc(sizeof *ring);

    ck_assert_uint_le(alignof(struct ring), alignof(max_align_t)); /* what the heap promises */
    ck_assert_uint_ge(offsetof(struct ring, tail) - offsetof(struct ring, head), 64);
    ck_assert_uint_ge(offsetof(struct ring, head) - offsetof(struct ring, mask), 64);
    ring_init(ring, 1);
    ring_fini(ring);
    free(ring);
}
END_TEST

START_TEST(a_capacity_that_is_no_power_of_two_is_a_bug)
{
    struct ring ring;

    ring_init(&ring, 6);
}
END_TEST

enum { PASSED = 200000 };
static uint32_t numbers[PASSED];

static void *push_all(void *arg)
{
    struct ring *ring = arg;

    for (uint32_t i = 0; i < PASSED; i++) {
        numbers[i] = i; /* seen by the popper only if push and pop order it */
        while (!ring_push(ring, &numbers[i]))
            sched_yield();
    }
    return NULL;
}

START_TEST(two_threads_pass_every_item_once_and_in_order)
{
    struct ring ring;
    pthread_t pusher;

    ring_init(&ring, 64);
    ck_assert_int_eq(pthread_create(&pusher, NULL, push_all, &ring), 0);
    for (uint32_t i = 0; i < PASSED; i++) {
        uint32_t *item;

        while (!(item = ring_pop(&ring)))
            sched_yield();
        if (*item != i)
            ck_abort_msg("item %u came in place of %u", *item, i);
    }
    pthread_join(pusher, NULL);
    ck_assert_ptr_null(ring_pop(&ring));
    ring_fini(&ring);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("ring");
    TCase *tc = tcase_create("ring");

    tcase_add_test(tc, items_come_out_in_the_order_they_went_in);
    tcase_add_test(tc, a_full_ring_refuses_and_loses_nothing);
    tcase_add_test(tc, the_indices_may_wrap);
    tcase_add_test(tc, a_ring_may_live_in_any_heap_memory);
    tcase_add_test_raise_signal(tc, a_capacity_that_is_no_power_of_two_is_a_bug, SIGABRT);
    tcase_add_test(tc, two_threads_pass_every_item_once_and_in_order);
    suite_add_tcase(suite, tc);
    return suite;
}
