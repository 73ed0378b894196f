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

START_TEST(guards_have_a_table_of_their_own_from_the_first_plan_with_guards_on)
{
    struct unit_tables tables = {0};
    struct units *judged;

    unit_tables_cover(&tables, false);
    ck_assert_ptr_null(atomic_load(&tables.guards));
    judged = unit_tables_get(&tables, false);
    unit_tables_cover(&tables, true);
    ck_assert_ptr_eq(unit_tables_get(&tables, false), judged);
    ck_assert_ptr_ne(unit_tables_get(&tables, true), judged);
    unit_tables_cover(&tables, false); /* another plan: requests of the one before may still be under way */
    ck_assert_ptr_nonnull(unit_tables_get(&tables, true));
    unit_tables_fini(&tables);
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
    tcase_add_test(tc, guards_have_a_table_of_their_own_from_the_first_plan_with_guards_on);
    suite_add_tcase(suite, tc);
    return suite;
}
