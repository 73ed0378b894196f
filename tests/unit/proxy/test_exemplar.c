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

static struct failures failures;

static struct failure failed(uint64_t trace, bool sampled)
{
    return (struct failure){.trace_high = trace,
                            .trace_low = ~trace,
                            .wall_ns = (int64_t)trace * 1000,
                            .target = sampled ? UINT32_MAX : (uint32_t)trace,
                            .status = sampled ? 0 : 503,
                            .outcome = 255,
                            .slow = trace % 2,
                            .sampled = sampled};
}

START_TEST(the_last_failures_are_kept_and_recorded_ones_are_not_pushed_out)
{
    struct failure got[FAILURES_KEPT], put = failed(1, true);

    failures = (struct failures){0};
    ck_assert_uint_eq(failures_get(&failures, true, got), 0);
    failures_put(&failures, &put);
    for (uint64_t trace = 2; trace < 100; trace++) {
        put = failed(trace, false);
        failures_put(&failures, &put);
    }
    ck_assert_uint_eq(failures_get(&failures, true, got), 1);
    ck_assert_uint_eq(got[0].trace_high, 1);
    ck_assert_uint_eq(got[0].target, UINT32_MAX);
    ck_assert_uint_eq(got[0].status, 0);
    ck_assert(got[0].slow && got[0].sampled);
    ck_assert_uint_eq(failures_get(&failures, false, got), FAILURES_KEPT);
    for (size_t i = 0; i < FAILURES_KEPT; i++) {
        put = failed(got[i].trace_high, false);
        ck_assert_uint_ge(got[i].trace_high, 100 - FAILURES_KEPT);
        ck_assert_uint_eq(got[i].trace_low, put.trace_low);
        ck_assert_int_eq(got[i].wall_ns, put.wall_ns);
        ck_assert_uint_eq(got[i].target, put.target);
        ck_assert_uint_eq(got[i].status, 503);
        ck_assert_uint_eq(got[i].outcome, 255);
        ck_assert_int_eq(got[i].slow, put.slow);
        ck_assert(!got[i].sampled);
    }
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
    tcase_add_test(tcase, the_last_failures_are_kept_and_recorded_ones_are_not_pushed_out);
    suite_add_tcase(suite, tcase);
    return suite;
}
