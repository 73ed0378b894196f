#include "proxy/exemplar.h"

#include "../unit.h"

#include <pthread.h>

static struct exemplar_cell cell;

static void set_up(void)
{
    cell = (struct exemplar_cell){0};
}

START_TEST(the_last_one_is_read)
{
    struct exemplar got;

    ck_assert(!exemplar_get(&cell, &got));
    exemplar_put(&cell, &(struct exemplar){1, 2, 3, 4});
    exemplar_put(&cell, &(struct exemplar){5, 6, 7, 8});
    for (int i = 0; i < 2; i++) {
        ck_assert(exemplar_get(&cell, &got));
        ck_assert_uint_eq(got.trace_high, 5);
        ck_assert_uint_eq(got.trace_low, 6);
        ck_assert_int_eq(got.duration_ns, 7);
        ck_assert_int_eq(got.wall_ns, 8);
    }
}
END_TEST

START_TEST(one_that_is_being_put_is_not_read)
{
    struct exemplar got;

    exemplar_put(&cell, &(struct exemplar){1, 2, 3, 4});
    atomic_fetch_add(&cell.turn, 1);
    ck_assert(!exemplar_get(&cell, &got));
}
END_TEST

enum { PUTS = 200000 };

static void *put_many(void *arg)
{
    (void)arg;
    for (int64_t i = 1; i <= PUTS; i++)
        exemplar_put(&cell, &(struct exemplar){(uint64_t)i, (uint64_t)i, i, i});
    return NULL;
}

START_TEST(another_thread_reads_only_what_was_put_as_a_whole)
{
    struct exemplar got = {0};
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, put_many, NULL), 0);
    while (got.wall_ns < PUTS) {
        struct exemplar next;

        if (!exemplar_get(&cell, &next))
            continue;
        ck_assert_uint_eq(next.trace_high, next.trace_low);
        ck_assert_uint_eq(next.trace_high, (uint64_t)next.duration_ns);
        ck_assert_int_eq(next.duration_ns, next.wall_ns);
        ck_assert_int_ge(next.wall_ns, got.wall_ns);
        got = next;
    }
    pthread_join(thread, NULL);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("exemplar");
    TCase *tcase = tcase_create("exemplar");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_last_one_is_read);
    tcase_add_test(tcase, one_that_is_being_put_is_not_read);
    tcase_add_test(tcase, another_thread_reads_only_what_was_put_as_a_whole);
    suite_add_tcase(suite, tcase);
    return suite;
}
