#include "base/hist.h"

#include "base/rnd.h"

#include "../unit.h"

#include <string.h>

static int64_t lower_ns(size_t bucket)
{
    return bucket ? hist_upper_ns(bucket - 1) : 0;
}

START_TEST(buckets_touch_without_gap_or_overlap)
{
    for (size_t i = 0; i + 1 < HIST_BUCKETS; i++) {
        ck_assert_uint_eq(hist_bucket(hist_upper_ns(i) - 1), i);
        ck_assert_uint_eq(hist_bucket(hist_upper_ns(i)), i + 1);
    }
    ck_assert_int_eq(hist_upper_ns(HIST_BUCKETS - 1), INT64_MAX);
}
END_TEST

START_TEST(a_bucket_is_at_most_a_sixteenth_of_its_lower_edge_wide)
{
    for (size_t i = 1; i + 1 < HIST_BUCKETS; i++)
        ck_assert_int_le((hist_upper_ns(i) - lower_ns(i)) * HIST_SUB, lower_ns(i) + HIST_SUB);
}
END_TEST

START_TEST(every_duration_lies_in_its_bucket)
{
    struct rnd rnd;

    rnd_seed(&rnd, 1);
    for (int i = 0; i < 100000; i++) {
        int64_t ns = (int64_t)(rnd_u64(&rnd) >> (1 + rnd_below(&rnd, 63)));
        size_t bucket = hist_bucket(ns);

        if (ns < lower_ns(bucket) || (ns >= hist_upper_ns(bucket) && bucket != HIST_BUCKETS - 1))
            ck_abort_msg("%lld in bucket %zu", (long long)ns, bucket);
    }
}
END_TEST

START_TEST(the_first_and_the_last_bucket_take_the_rest)
{
    ck_assert_uint_eq(hist_bucket(INT64_MIN), 0);
    ck_assert_uint_eq(hist_bucket(-1), 0);
    ck_assert_uint_eq(hist_bucket(0), 0);
    ck_assert_uint_eq(hist_bucket(999), 0);
    ck_assert_uint_eq(hist_bucket(1000), 1);
    ck_assert_uint_eq(hist_bucket(INT64_C(67108863999)), HIST_BUCKETS - 2);
    ck_assert_uint_eq(hist_bucket(INT64_C(67108864000)), HIST_BUCKETS - 1);
    ck_assert_uint_eq(hist_bucket(INT64_MAX), HIST_BUCKETS - 1);
}
END_TEST

START_TEST(an_empty_histogram_has_quantile_zero)
{
    static const struct hist hist;

    ck_assert_uint_eq(hist_total(&hist), 0);
    ck_assert_int_eq(hist_quantile(&hist, 0.99), 0);
}
END_TEST

START_TEST(quantiles_keep_the_stated_error)
{
    static const double shares[] = {0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
    static struct hist hist;

    for (int64_t us = 2; us <= 200001; us++) /* uniform over 2 us to 200 ms */
        hist.count[hist_bucket(us * 1000)]++;
    ck_assert_uint_eq(hist_total(&hist), 200000);
    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        double want = 2000 + shares[i] * 200000 * 1000;
        double got = (double)hist_quantile(&hist, shares[i]);

        ck_assert_msg(got > want * (1 - 0.0625) && got < want * (1 + 0.0625), "q %g: %g for %g", shares[i],
                      got, want);
    }
}
END_TEST

START_TEST(short_durations_keep_the_stated_error)
{
    for (int64_t ns = 1000; ns < 40000; ns += 7) {
        struct hist hist;
        int64_t got;

        memset(&hist, 0, sizeof hist);
        hist.count[hist_bucket(ns)] = 1;
        got = hist_quantile(&hist, 0.5);
        ck_assert_msg(got * 16 >= ns * 15 && got * 16 <= ns * 17, "%lld for %lld", (long long)got,
                      (long long)ns);
    }
}
END_TEST

START_TEST(a_quantile_beyond_the_last_edge_is_that_edge)
{
    static struct hist hist;

    hist.count[HIST_BUCKETS - 1] = 5;
    ck_assert_int_eq(hist_quantile(&hist, 0.5), INT64_C(67108864000));
}
END_TEST

START_TEST(what_lasted_longer_is_counted_and_a_bucket_divided)
{
    static struct hist hist;
    int64_t lower = hist_upper_ns(99), upper = hist_upper_ns(100);

    hist.count[0] = 3;
    hist.count[100] = 8;
    hist.count[HIST_BUCKETS - 1] = 2;
    ck_assert_uint_eq(hist_above(&hist, 0), 13);
    ck_assert_uint_eq(hist_above(&hist, lower), 10);
    ck_assert_uint_eq(hist_above(&hist, lower + (upper - lower) / 2), 6);
    ck_assert_uint_eq(hist_above(&hist, upper), 2);
    ck_assert_uint_eq(hist_above(&hist, INT64_MAX), 2);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("hist");
    TCase *tc = tcase_create("hist");

    tcase_add_test(tc, buckets_touch_without_gap_or_overlap);
    tcase_add_test(tc, a_bucket_is_at_most_a_sixteenth_of_its_lower_edge_wide);
    tcase_add_test(tc, every_duration_lies_in_its_bucket);
    tcase_add_test(tc, the_first_and_the_last_bucket_take_the_rest);
    tcase_add_test(tc, an_empty_histogram_has_quantile_zero);
    tcase_add_test(tc, quantiles_keep_the_stated_error);
    tcase_add_test(tc, short_durations_keep_the_stated_error);
    tcase_add_test(tc, a_quantile_beyond_the_last_edge_is_that_edge);
    tcase_add_test(tc, what_lasted_longer_is_counted_and_a_bucket_divided);
    suite_add_tcase(suite, tc);
    return suite;
}
