#include "proxy/pace.h"

#include "base/clk.h"

#include "../unit.h"

#define S NS_PER_S

enum { RATE = 256 };

/* At most 30 s of allowance, 10 s at the beginning. */
static void note(struct pace_in *pace, uint64_t received, bool waits, int64_t now_ns)
{
    pace_in_note(pace, received, waits, RATE, 10 * S, 30 * S, now_ns);
}

START_TEST(a_client_may_be_slow_for_a_while_and_no_longer)
{
    struct pace_in pace = {0};

    note(&pace, 0, true, 100 * S);
    for (int i = 1; i <= 10; i++) {
        ck_assert(!pace_in_is_slow(&pace));
        note(&pace, (uint64_t)i, true, (100 + i) * S);
    }
    note(&pace, 11, true, 111 * S);
    ck_assert(pace_in_is_slow(&pace));
}
END_TEST

START_TEST(a_client_at_the_rate_may_go_on_for_ever)
{
    struct pace_in pace = {0};

    for (int i = 0; i <= 10000; i++) {
        note(&pace, (uint64_t)i * RATE, true, (100 + i) * S);
        ck_assert(!pace_in_is_slow(&pace));
    }
}
END_TEST

START_TEST(time_in_which_it_is_not_the_clients_move_does_not_count)
{
    struct pace_in pace = {0};

    note(&pace, 0, true, 100 * S);
    note(&pace, 1, false, 105 * S);
    note(&pace, 1, true, 900 * S);
    note(&pace, 2, true, 904 * S);
    ck_assert(!pace_in_is_slow(&pace));
    note(&pace, 3, true, 906 * S);
    ck_assert(pace_in_is_slow(&pace));
}
END_TEST

START_TEST(a_burst_pays_for_the_cap_and_not_for_more)
{
    struct pace_in pace = {0};

    note(&pace, 0, true, 100 * S);
    note(&pace, UINT64_C(1) << 40, true, 101 * S);
    note(&pace, (UINT64_C(1) << 40) + 1, true, 130 * S);
    ck_assert(!pace_in_is_slow(&pace));
    note(&pace, (UINT64_C(1) << 40) + 2, true, 132 * S);
    ck_assert(pace_in_is_slow(&pace));
}
END_TEST

START_TEST(without_a_rate_nobody_is_slow)
{
    struct pace_in pace = {0};

    pace_in_note(&pace, 0, true, 0, 10 * S, 30 * S, 100 * S);
    pace_in_note(&pace, 1, true, 0, 10 * S, 30 * S, 9000 * S);
    ck_assert(!pace_in_is_slow(&pace));
}
END_TEST

START_TEST(who_takes_nothing_in_a_window_has_stalled)
{
    struct pace_out pace = {0};

    ck_assert_int_eq(pace_out_wait(&pace, 30 * S, 100 * S), 10 * S);
    ck_assert_int_eq(pace_out_wait(&pace, 30 * S, 104 * S), 6 * S);
    ck_assert_int_eq(pace_out_look(&pace, 5000, RATE, 30 * S, 110 * S), PACE_GOES_ON);
    ck_assert_int_eq(pace_out_wait(&pace, 30 * S, 110 * S), 20 * S);
    ck_assert_int_eq(pace_out_look(&pace, 5000, RATE, 30 * S, 130 * S), PACE_STALLED);
}
END_TEST

START_TEST(who_takes_less_than_the_rate_is_slow)
{
    struct pace_out pace = {0};

    ck_assert_int_eq(pace_out_wait(&pace, 30 * S, 100 * S), 10 * S);
    ck_assert_int_eq(pace_out_look(&pace, 0, RATE, 30 * S, 110 * S), PACE_GOES_ON);
    ck_assert_int_eq(pace_out_look(&pace, 20 * RATE, RATE, 30 * S, 130 * S), PACE_GOES_ON);
    ck_assert_int_eq(pace_out_look(&pace, 50 * RATE, RATE, 30 * S, 160 * S), PACE_GOES_ON);
    ck_assert_int_eq(pace_out_look(&pace, 79 * RATE, RATE, 30 * S, 190 * S), PACE_SLOW);
}
END_TEST

START_TEST(without_a_rate_a_byte_in_a_window_is_enough)
{
    struct pace_out pace = {0};

    ck_assert_int_eq(pace_out_wait(&pace, 30 * S, 100 * S), 10 * S);
    ck_assert_int_eq(pace_out_look(&pace, 0, 0, 30 * S, 110 * S), PACE_GOES_ON);
    ck_assert_int_eq(pace_out_look(&pace, 1, 0, 30 * S, 130 * S), PACE_GOES_ON);
    ck_assert_int_eq(pace_out_look(&pace, 1, 0, 30 * S, 160 * S), PACE_STALLED);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("pace");
    TCase *tc = tcase_create("pace");

    tcase_add_test(tc, a_client_may_be_slow_for_a_while_and_no_longer);
    tcase_add_test(tc, a_client_at_the_rate_may_go_on_for_ever);
    tcase_add_test(tc, time_in_which_it_is_not_the_clients_move_does_not_count);
    tcase_add_test(tc, a_burst_pays_for_the_cap_and_not_for_more);
    tcase_add_test(tc, without_a_rate_nobody_is_slow);
    tcase_add_test(tc, who_takes_nothing_in_a_window_has_stalled);
    tcase_add_test(tc, who_takes_less_than_the_rate_is_slow);
    tcase_add_test(tc, without_a_rate_a_byte_in_a_window_is_enough);
    suite_add_tcase(suite, tc);
    return suite;
}
