#include "control/recent.h"

#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"

#include <stdlib.h>

static struct recent_sum sum;
static struct recent *recent;

static void set_up(void)
{
    sum = (struct recent_sum){.requests = 1000, .errors = 10};
    recent = recent_new(0, &sum);
}

static void tear_down(void)
{
    recent_free(recent);
}

static void serve(uint64_t requests, uint64_t errors, int64_t latency_ns)
{
    sum.requests += requests;
    sum.overridden += requests / 10;
    sum.errors += errors;
    sum.latency.count[hist_bucket(latency_ns)] += requests;
}

START_TEST(what_was_before_does_not_count)
{
    struct recent_view view;

    recent_add(recent, NS_PER_S, &sum);
    recent_view(recent, NS_PER_S, RECENT_10S, &view);
    ck_assert_uint_eq(view.requests, 0);
    ck_assert_uint_eq(view.errors, 0);
    ck_assert_int_eq(view.p99_ns, 0);
}
END_TEST

START_TEST(what_overrides_sent_is_told_apart)
{
    struct recent_view view;

    sum.overridden = 5;
    serve(20, 0, NS_PER_MS);
    recent_add(recent, NS_PER_S, &sum);
    recent_view(recent, NS_PER_S, RECENT_60S, &view);
    ck_assert_uint_eq(view.requests, 20);
    ck_assert_uint_eq(view.overridden, 7);
}
END_TEST

START_TEST(a_window_forgets_what_is_older_than_itself)
{
    struct recent_view view;

    for (int s = 1; s <= 100; s++) {
        serve(s <= 50 ? 10 : 20, s <= 50 ? 0 : 1, 50 * NS_PER_MS);
        recent_add(recent, s * NS_PER_S, &sum);
    }
    recent_view(recent, 100 * NS_PER_S, RECENT_10S, &view);
    ck_assert_int_eq(view.span_ns, 10 * NS_PER_S);
    ck_assert_uint_eq(view.requests, 200);
    ck_assert_uint_eq(view.errors, 10);
    recent_view(recent, 100 * NS_PER_S, RECENT_60S, &view);
    ck_assert_int_ge(view.span_ns, 60 * NS_PER_S);
    ck_assert_int_le(view.span_ns, 70 * NS_PER_S);
    ck_assert_uint_eq(view.requests, 50 * 20 + (uint64_t)(view.span_ns / NS_PER_S - 50) * 10);
}
END_TEST

START_TEST(quantiles_come_from_the_window)
{
    struct recent_view view;

    serve(90, 0, 10 * NS_PER_MS);
    serve(10, 0, 900 * NS_PER_MS);
    recent_add(recent, NS_PER_S, &sum);
    recent_view(recent, NS_PER_S, RECENT_10S, &view);
    ck_assert_int_gt(view.p50_ns, 9 * NS_PER_MS);
    ck_assert_int_lt(view.p50_ns, 11 * NS_PER_MS);
    ck_assert_int_gt(view.p99_ns, 840 * NS_PER_MS);
    ck_assert_int_lt(view.p99_ns, 960 * NS_PER_MS);
}
END_TEST

START_TEST(an_interval_begins_anew_when_it_was_taken)
{
    struct recent_view view;

    serve(90, 3, 10 * NS_PER_MS);
    recent_add(recent, 30 * NS_PER_S, &sum);
    recent_take(recent, 60 * NS_PER_S, 1, &view);
    ck_assert_uint_eq(view.requests, 90);
    ck_assert_uint_eq(view.errors, 3);
    recent_take(recent, 61 * NS_PER_S, 1, &view);
    ck_assert_uint_eq(view.requests, 0);
    ck_assert_int_eq(view.span_ns, NS_PER_S);
    recent_take(recent, 61 * NS_PER_S, 3, &view);
    ck_assert_uint_eq(view.requests, 90);
}
END_TEST

START_TEST(slow_is_what_took_longer_than_the_promise)
{
    struct recent_view view;

    serve(90, 0, 10 * NS_PER_MS);
    serve(10, 0, 900 * NS_PER_MS);
    recent_add(recent, NS_PER_S, &sum);
    recent_view(recent, NS_PER_S, RECENT_10S, &view);
    ck_assert_uint_eq(view.slow, 0);
    recent_aim(recent, 300 * NS_PER_MS);
    recent_view(recent, NS_PER_S, RECENT_10S, &view);
    ck_assert_uint_eq(view.slow, 10);
    recent_aim(recent, 2 * NS_PER_S);
    recent_view(recent, NS_PER_S, RECENT_10S, &view);
    ck_assert_uint_eq(view.slow, 0);
}
END_TEST

START_TEST(errors_are_what_the_group_did)
{
    struct shard_side *side = mem_zalloc(sizeof *side);
    struct recent_sum cells = {0};

    cell_add(&side->ended[OUTCOME_SERVED][2], 100);
    cell_add(&side->ended[OUTCOME_SERVED][5], 7);
    cell_add(&side->ended[OUTCOME_SERVED][4], 5);
    cell_add(&side->ended[OUTCOME_TARGET_CUT][2], 3);  /* the head was sent already */
    cell_add(&side->ended[OUTCOME_CLIENT_GONE][4], 2); /* 499 */
    cell_add(&side->ended[OUTCOME_CONNECT_REFUSED][5], 1);
    recent_sum_add(&cells, side);
    recent_sum_add(&cells, side);
    ck_assert_uint_eq(cells.requests, 2 * 118);
    ck_assert_uint_eq(cells.errors, 2 * 11);
    ck_assert_uint_eq(cells.client_errors, 2 * 7);
    free(side);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("recent");
    TCase *tcase = tcase_create("recent");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_was_before_does_not_count);
    tcase_add_test(tcase, what_overrides_sent_is_told_apart);
    tcase_add_test(tcase, a_window_forgets_what_is_older_than_itself);
    tcase_add_test(tcase, quantiles_come_from_the_window);
    tcase_add_test(tcase, an_interval_begins_anew_when_it_was_taken);
    tcase_add_test(tcase, slow_is_what_took_longer_than_the_promise);
    tcase_add_test(tcase, errors_are_what_the_group_did);
    suite_add_tcase(suite, tcase);
    return suite;
}
