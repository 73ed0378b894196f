#include "control/examples.h"

#include "../unit.h"

static struct failure failed(uint64_t trace, int64_t wall_ns, bool sampled)
{
    return (struct failure){.trace_high = trace, .trace_low = 1, .wall_ns = wall_ns, .sampled = sampled};
}

START_TEST(recorded_traces_come_first_and_then_the_newest_each_once)
{
    struct failure failures[] = {failed(1, 10, false), failed(2, 30, false), failed(3, 5, true),
                                 failed(1, 40, false), failed(4, 7, true),   failed(2, 20, false)};
    static const uint64_t wanted[] = {4, 3, 1, 2};
    size_t len = examples_choose(failures, sizeof failures / sizeof *failures);

    ck_assert_uint_eq(len, 4);
    for (size_t i = 0; i < len; i++)
        ck_assert_uint_eq(failures[i].trace_high, wanted[i]);
    ck_assert_int_eq(failures[2].wall_ns, 40);
    ck_assert_int_eq(failures[3].wall_ns, 30);
}
END_TEST

START_TEST(of_nothing_nothing_is_left)
{
    struct failure failures[1];

    ck_assert_uint_eq(examples_choose(failures, 0), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("examples");
    TCase *tcase = tcase_create("examples");

    tcase_add_test(tcase, recorded_traces_come_first_and_then_the_newest_each_once);
    tcase_add_test(tcase, of_nothing_nothing_is_left);
    suite_add_tcase(suite, tcase);
    return suite;
}
