/* What a group bears is learned from what it refuses, and forgotten again. */
#include "control/capacity.h"

#include "../unit.h"
#include "base/clk.h"

static struct capacity capacity;
static struct capacity_sums sums;
static int64_t now_ns;

/* Seconds of so many requests that are served and refused each. */
static double pass(int seconds, uint64_t served, uint64_t refused)
{
    double each = 0;

    for (int s = 0; s < seconds; s++) {
        now_ns += NS_PER_S;
        sums.served += served;
        sums.refused += refused;
        each = capacity_look(&capacity, &sums, now_ns);
    }
    return each;
}

static void set_up(void)
{
    capacity = (struct capacity){0};
    sums = (struct capacity_sums){.served = 100000, .refused = 5000, .healthy = 4};
    now_ns = 1000 * NS_PER_S;
    pass(1, 0, 0);
}

START_TEST(nothing_is_known_before_something_is_refused)
{
    ck_assert(!(pass(100, 400, 0) > 0));
}
END_TEST

START_TEST(what_is_served_while_others_are_refused_is_the_capacity_of_a_target)
{
    double each = pass(100, 400, 100);

    ck_assert_double_eq_tol(each, 100, 0.1);
    sums.healthy = 8; /* the figure stays one of a target */
    ck_assert_double_eq_tol(pass(5, 400, 0), 100, 0.1);
}
END_TEST

START_TEST(a_few_refused_ones_are_a_burst)
{
    ck_assert(!(pass(100, 400, 2) > 0));
}
END_TEST

START_TEST(who_serves_more_bears_more)
{
    pass(100, 400, 100);
    ck_assert_double_eq_tol(pass(100, 600, 0), 150, 0.1);
    ck_assert_double_eq_tol(pass(100, 200, 0), 150, 0.1);
}
END_TEST

START_TEST(it_is_forgotten_ten_minutes_after_the_last_refusal)
{
    pass(100, 400, 100);
    ck_assert(pass(590, 200, 0) > 0);
    ck_assert(!(pass(20, 200, 0) > 0));
    ck_assert(!(pass(1000, 200, 0) > 0));
    ck_assert(pass(60, 400, 100) > 0);
}
END_TEST

/* Between two rollouts nobody looks; the mean of the hours is no rate of now. */
START_TEST(the_first_look_after_a_pause_only_begins)
{
    double each = pass(100, 400, 100);

    sums.served += 40000; /* in an hour, of which little was busy */
    sums.refused += 9000;
    now_ns += 3600 * NS_PER_S;
    capacity_look(&capacity, &sums, now_ns);
    ck_assert_double_eq_tol(capacity.each, each, 1e-9);
    ck_assert_double_eq_tol(pass(100, 400, 100), 100, 0.1);
}
END_TEST

START_TEST(a_second_look_at_the_same_time_changes_nothing)
{
    double each = pass(100, 400, 100);

    ck_assert(!(capacity_look(&capacity, &sums, now_ns) < each) && !(capacity.each > each));
}
END_TEST

START_TEST(another_list_of_targets_begins_a_new_sum)
{
    double each = pass(100, 400, 100);

    sums.targets = 7;
    sums.served = 10;
    ck_assert_double_eq_tol(pass(1, 0, 0), each, 0.1);
    ck_assert_double_eq_tol(pass(100, 400, 0), each, 0.1);
}
END_TEST

START_TEST(without_healthy_targets_nothing_is_learned)
{
    sums.healthy = 0;
    ck_assert(!(pass(100, 0, 100) > 0));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("capacity");
    TCase *tc = tcase_create("capacity");

    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, nothing_is_known_before_something_is_refused);
    tcase_add_test(tc, what_is_served_while_others_are_refused_is_the_capacity_of_a_target);
    tcase_add_test(tc, a_few_refused_ones_are_a_burst);
    tcase_add_test(tc, who_serves_more_bears_more);
    tcase_add_test(tc, it_is_forgotten_ten_minutes_after_the_last_refusal);
    tcase_add_test(tc, the_first_look_after_a_pause_only_begins);
    tcase_add_test(tc, a_second_look_at_the_same_time_changes_nothing);
    tcase_add_test(tc, another_list_of_targets_begins_a_new_sum);
    tcase_add_test(tc, without_healthy_targets_nothing_is_learned);
    suite_add_tcase(suite, tc);
    return suite;
}
