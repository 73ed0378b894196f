#include "proxy/units.h"

#include "../unit.h"

static struct units *units;

static void set_up(void)
{
    units = units_new();
}

static void tear_down(void)
{
    units_free(units);
}

START_TEST(a_unit_counts_once_a_window)
{
    ck_assert(units_first(units, 7, 100, 60));
    ck_assert(!units_first(units, 7, 100, 60));
    ck_assert(!units_first(units, 7, 159, 60));
    ck_assert(units_first(units, 7, 160, 60));
    ck_assert(!units_first(units, 7, 200, 60));
}
END_TEST

START_TEST(what_was_suppressed_does_not_make_the_window_longer)
{
    ck_assert(units_first(units, 7, 100, 60));
    for (uint32_t s = 101; s < 160; s++)
        ck_assert(!units_first(units, 7, s, 60));
    ck_assert(units_first(units, 7, 160, 60));
}
END_TEST

START_TEST(other_units_count_for_themselves_and_slots_are_shared)
{
    ck_assert(units_first(units, 1, 100, 60));
    ck_assert(units_first(units, 2, 100, 60));
    ck_assert(!units_first(units, 1 + UNITS_SLOTS, 100, 60)); /* power is lost, never validity */
}
END_TEST

START_TEST(a_thread_whose_clock_is_behind_counts_nothing_twice)
{
    ck_assert(units_first(units, 3, 100, 60));
    ck_assert(!units_first(units, 3, 99, 60));
    ck_assert(!units_first(units, 3, 1, 60));
}
END_TEST

START_TEST(without_a_window_everything_counts)
{
    ck_assert(units_first(units, 3, 100, 0));
    ck_assert(units_first(units, 3, 100, 0));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("units");
    TCase *tc = tcase_create("units");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_unit_counts_once_a_window);
    tcase_add_test(tc, what_was_suppressed_does_not_make_the_window_longer);
    tcase_add_test(tc, other_units_count_for_themselves_and_slots_are_shared);
    tcase_add_test(tc, a_thread_whose_clock_is_behind_counts_nothing_twice);
    tcase_add_test(tc, without_a_window_everything_counts);
    suite_add_tcase(suite, tc);
    return suite;
}
