#include "decide/evidence.h"

#include "../unit.h"
#include "sim.h"

#include <math.h>

static const struct evidence_rule usual = {1.25, 0, {2, 4}, 8, 0, true};

static void near(double value, double expected, double tolerance)
{
    ck_assert_msg(fabs(value - expected) <= tolerance, "%.9g instead of %.9g", value, expected);
}

static struct evidence_events events(double w, uint64_t canary_bad, uint64_t stable_bad, uint64_t requests)
{
    return (struct evidence_events){w, canary_bad, stable_bad, requests - canary_bad, requests};
}

START_TEST(factors_have_the_published_values)
{
    near(evidence_ln_factor(2, 1.25, 0.05, true), 0.633249, 1e-6);
    near(evidence_ln_factor(2, 1.25, 0.05, false), -0.059898, 1e-6);
    near(evidence_ln_factor(10, 1.25, 0.05, true), 1.860752, 1e-6);
    near(evidence_ln_factor(10, 1.25, 0.05, false), -0.441833, 1e-6);
    near(evidence_ln_factor(200, 1.25, 0.05, true), 2.711761, 1e-6);
    near(evidence_ln_factor(200, 1.25, 0.05, false), -2.586557, 1e-6);
    near(evidence_ln_factor(10, 1.25, 0.5, true), 0.510826, 1e-6);
    near(evidence_ln_factor(10, 1.25, 0.5, false), -1.791759, 1e-6);
    near(evidence_ln_factor(40, 1.25, 0.01, true), 3.292600, 1e-6);
    near(evidence_ln_factor(40, 1.25, 0.01, false), -0.396279, 1e-6);
}
END_TEST

START_TEST(a_weight_of_0_or_100_says_nothing)
{
    ck_assert(evidence_ln_factor(10, 1.25, 0, true) == 0 && evidence_ln_factor(10, 1.25, 1, false) == 0);
}
END_TEST

/* At the bound the expectation of a factor is 1, below it less: the heart of the guarantee. */
START_TEST(a_factor_is_fair_at_the_tolerance_and_loses_below_it)
{
    static const double weights[] = {0.0001, 0.01, 0.05, 0.25, 0.5, 0.8, 0.9999};

    for (size_t i = 0; i < ARRAY_LEN(weights); i++) {
        for (size_t k = 0; k < EVIDENCE_RATIOS; k++) {
            double w = weights[i], rho = evidence_ratios[k];
            double canary = exp(evidence_ln_factor(rho, 1.25, w, true));
            double stable = exp(evidence_ln_factor(rho, 1.25, w, false));
            double q0 = 1.25 * w / (1.25 * w + 1 - w), q = w;

            near(q0 * canary + (1 - q0) * stable, 1, 1e-9);
            ck_assert(q * canary + (1 - q) * stable < 1);
        }
    }
}
END_TEST

START_TEST(the_priors_sum_to_one)
{
    double sum = 0;

    for (size_t k = 0; k < EVIDENCE_RATIOS; k++)
        sum += evidence_priors[k];
    near(sum, 1, 1e-12);
}
END_TEST

START_TEST(without_mass_there_is_no_evidence)
{
    struct evidence evidence;
    struct evidence_events bad = events(0.05, 10, 0, 1000);

    evidence_init(&evidence);
    evidence_feed(&evidence, &usual, &bad);
    ck_assert(evidence_ln(&evidence, &usual) < -500);
}
END_TEST

START_TEST(a_bin_is_worth_at_most_its_cap)
{
    struct evidence evidence;
    struct evidence_events burst = events(0.5, 100, 0, 1000);

    evidence_init(&evidence);
    evidence_add_mass(&evidence, 1);
    evidence_feed(&evidence, &usual, &burst);
    near(evidence_ln(&evidence, &usual), 2, 1e-9);
    evidence_pass(&evidence, &usual, 8);
    near(evidence_ln(&evidence, &usual), 2, 1e-9);
}
END_TEST

/* A bin begins with what it holds, so a burst is never counted by two bins. */
START_TEST(a_bin_opens_with_the_first_bad_request_of_the_canary)
{
    struct evidence evidence;
    struct evidence_events quiet = events(0.5, 0, 1, 1000), burst = events(0.5, 20, 0, 1000);
    double before;

    evidence_init(&evidence);
    evidence_add_mass(&evidence, 1);
    for (int second = 0; second < 5; second++) {
        evidence_pass(&evidence, &usual, 1);
        evidence_feed(&evidence, &usual, &quiet);
    }
    before = evidence_ln(&evidence, &usual);
    for (int second = 0; second < 8; second++) {
        evidence_pass(&evidence, &usual, 1);
        evidence_feed(&evidence, &usual, &burst);
        ck_assert(evidence_ln(&evidence, &usual) <= before + 2 + 1e-9);
    }
    evidence_pass(&evidence, &usual, 1);
    evidence_feed(&evidence, &usual, &burst);
    ck_assert(evidence_ln(&evidence, &usual) > before + 3);
}
END_TEST

/* At small weights two bad requests are worth more than the usual cap, and a hundred no more than two. */
START_TEST(the_first_two_bad_requests_of_a_bin_count)
{
    for (uint64_t bad = 1; bad <= 100; bad += bad) {
        struct evidence evidence;
        struct evidence_events some = events(0.05, bad, 0, 1000);
        double ln = EVIDENCE_LN_MIN;

        evidence_init(&evidence);
        evidence_add_mass(&evidence, 1);
        evidence_feed(&evidence, &usual, &some);
        for (size_t k = 0; k < EVIDENCE_RATIOS; k++) {
            double one = evidence_ln_factor(evidence_ratios[k], 1.25, 0.05, true);
            double most = fmax(2, fmin(fmin((double)bad, 2) * one, 4));

            ln = evidence_ln_add(ln, log(evidence_priors[k]) + fmin((double)bad * one, most));
        }
        near(evidence_ln(&evidence, &usual), ln, 1e-9);
        evidence_pass(&evidence, &usual, 8);
        near(evidence_ln(&evidence, &usual), ln, 1e-9);
    }
}
END_TEST

/* What a bin of 8 s is worth in which 20 requests of the canary fail each second, behind `bins` such bins and
 * a pause. */
static double worth_behind(const struct evidence_rule *rule, int bins, int pause)
{
    struct evidence evidence;
    struct evidence_events burst = events(0.5, 20, 0, 1000);
    double before;

    evidence_init(&evidence);
    evidence_add_mass(&evidence, 1);
    for (int second = 0; second < 8 * bins; second++) {
        evidence_pass(&evidence, rule, 1);
        evidence_feed(&evidence, rule, &burst);
    }
    for (int second = 0; second < pause; second++)
        evidence_pass(&evidence, rule, 1);
    before = evidence_ln(&evidence, rule);
    for (int second = 0; second < 8; second++) {
        evidence_pass(&evidence, rule, 1);
        evidence_feed(&evidence, rule, &burst);
    }
    return evidence_ln(&evidence, rule) - before;
}

START_TEST(what_does_not_end_is_no_burst)
{
    struct evidence_rule probing = usual;

    probing.lasting = false;
    near(worth_behind(&usual, 0, 0), 2, 1e-9);
    near(worth_behind(&usual, 1, 0), 2, 1e-9);
    ck_assert(worth_behind(&usual, 2, 0) > 10);
    ck_assert(worth_behind(&usual, 2, 3) > 10);
    near(worth_behind(&usual, 2, 5), 2, 1e-9);
    near(worth_behind(&probing, 2, 0), 2, 1e-9);
    ck_assert(worth_behind(&usual, 3, 0) > 10);
}
END_TEST

START_TEST(the_cap_is_lifted_where_much_of_the_canary_fails)
{
    static const struct {
        uint64_t bad, requests;
        double cap;
    } rows[] = {{2, 7, 2}, {2, 6, 4}, {3, 7, 4}, {3, 6, 1000}, {2, 2, 4}, {1, 1, 2}, {30, 100, 4}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct evidence evidence;
        struct evidence_events bad = events(0.01, rows[i].bad, 0, rows[i].requests);
        double ln = EVIDENCE_LN_MIN;

        evidence_init(&evidence);
        evidence_add_mass(&evidence, 1);
        evidence_feed(&evidence, &usual, &bad);
        for (size_t k = 0; k < EVIDENCE_RATIOS; k++) {
            double one = evidence_ln_factor(evidence_ratios[k], 1.25, 0.01, true);
            double most = fmax(rows[i].cap, fmin(fmin((double)rows[i].bad, 2) * one, 4));

            ln = evidence_ln_add(ln, log(evidence_priors[k]) + fmin((double)rows[i].bad * one, most));
        }
        near(evidence_ln(&evidence, &usual), ln, 1e-9);
    }
}
END_TEST

START_TEST(only_the_upside_is_capped)
{
    struct evidence evidence;
    struct evidence_events good = events(0.5, 0, 100, 1000);

    evidence_init(&evidence);
    evidence_add_mass(&evidence, 1);
    evidence_feed(&evidence, &usual, &good);
    ck_assert(evidence_ln(&evidence, &usual) < -40);
}
END_TEST

/* Mass that joins an open bin must not profit from what the bin has shown already. */
START_TEST(mass_joins_when_the_open_bin_closes)
{
    struct evidence evidence;
    struct evidence_events bad = events(0.05, 1, 0, 100);

    evidence_init(&evidence);
    evidence_feed(&evidence, &usual, &bad);
    evidence_add_mass(&evidence, 0.4);
    ck_assert(evidence_ln(&evidence, &usual) < -500);
    evidence_pass(&evidence, &usual, 8);
    near(evidence_ln(&evidence, &usual), log(0.4), 1e-9);
}
END_TEST

START_TEST(a_restart_climbs_from_its_own_mass)
{
    struct evidence evidence;
    struct evidence_events good = events(0.1, 0, 1000, 1000), bad = events(0.1, 1, 0, 100);

    evidence_init(&evidence);
    evidence_add_mass(&evidence, 0.4);
    evidence_feed(&evidence, &usual, &good);
    evidence_pass(&evidence, &usual, 8);
    ck_assert(evidence_ln(&evidence, &usual) < -50);
    evidence_add_mass(&evidence, 0.03);
    near(evidence_ln(&evidence, &usual), log(0.03), 1e-6);
    evidence_feed(&evidence, &usual, &bad);
    ck_assert(evidence_ln(&evidence, &usual) > log(0.03));
}
END_TEST

START_TEST(a_canary_below_the_floor_is_never_guilty)
{
    const struct evidence_rule floored = {1.25, 0.01, {2, 4}, 8, 0, true};
    struct evidence evidence;

    evidence_init(&evidence);
    evidence_add_mass(&evidence, 1);
    for (int64_t bin = 1; bin < 100; bin++) {
        struct evidence_events worse = events(0.5, 5, 0, 1000); /* 0.5 %, stable none */

        evidence_feed(&evidence, &floored, &worse);
        evidence_pass(&evidence, &floored, 8);
    }
    ck_assert(evidence_ln(&evidence, &floored) < 0);
    ck_assert(evidence_ln(&evidence, &usual) > 10);
}
END_TEST

START_TEST(a_canary_above_the_floor_is_found)
{
    const struct evidence_rule floored = {1.25, 0.0001, {2, 4}, 8, 0, true};
    struct evidence evidence;

    evidence_init(&evidence);
    evidence_add_mass(&evidence, 1);
    for (int64_t bin = 1; bin < 10; bin++) {
        struct evidence_events worse = events(0.5, 5, 0, 1000);

        evidence_feed(&evidence, &floored, &worse);
        evidence_pass(&evidence, &floored, 8);
    }
    ck_assert(evidence_ln(&evidence, &floored) > 5);
}
END_TEST

START_TEST(adding_logarithms_keeps_the_larger)
{
    near(evidence_ln_add(log(2), log(3)), log(5), 1e-12);
    near(evidence_ln_add(EVIDENCE_LN_MIN, 1), 1, 1e-12);
    near(evidence_ln_add(EVIDENCE_LN_MIN, EVIDENCE_LN_MIN), EVIDENCE_LN_MIN, 1);
}
END_TEST

START_TEST(upper_limits_have_the_published_values)
{
    near(evidence_upper(0, 100), 0.033124, 1e-6);
    near(evidence_upper(3, 1000), 0.007952, 1e-6);
    near(evidence_upper(0, 0), 1, 0);
}
END_TEST

/* Requests that the gate needs when both groups fail alike: the table of the method, 40 requests a second. */
START_TEST(the_gate_needs_the_published_requests)
{
    static const struct {
        double w_next, budget, p;
        uint64_t need;
    } rows[] = {
        {0.12, 0.0012, 0.001, 359},  {0.25, 0.0012, 0.001, 809}, {0.5, 0.0012, 0.001, 1853},
        {1.00, 0.0012, 0.001, 4640}, {0.12, 0.005, 0.005, 87},   {0.25, 0.005, 0.005, 200},
        {0.5, 0.005, 0.005, 468},    {1.00, 0.005, 0.005, 1204},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        /* No canary request yet, and so many of stable that its rate is exact. */
        double n = 1e9;
        struct evidence_counts counts = {0, 0, (uint64_t)n, (uint64_t)(rows[i].p * n), 0, 0};
        struct evidence_gate gate = evidence_gate(&counts, NULL, rows[i].w_next, rows[i].budget, 0);

        near((double)gate.need, (double)rows[i].need, 2);
    }
}
END_TEST

START_TEST(a_gate_that_cannot_pass_says_never)
{
    struct evidence_counts counts = {10000, 200, 100000, 100, 0, 0}; /* 2 % against 0.1 % */
    struct evidence_gate gate = evidence_gate(&counts, NULL, 0.5, 0.0012, 0);

    ck_assert(!gate.pass);
    ck_assert_uint_eq(gate.need, UINT64_MAX);
}
END_TEST

/* Stable's share is taken at the times and in the numbers of the canary's requests, so that it does not
 * matter at which weight which hour was. */
START_TEST(the_gate_counts_what_was_before_at_its_own_base_rate)
{
    struct evidence_counts bad_hour = {1000, 20, 19000, 380, 0, 0}, now = {1000, 1, 1000, 1, 0, 0};
    struct evidence_past past = {0};
    struct evidence_gate alone = evidence_gate(&now, NULL, 0.5, 0.0012, 0), both;

    evidence_past_add(&past, &bad_hour);
    both = evidence_gate(&now, &past, 0.5, 0.0012, 0);
    near(both.stable, (380.5 / 19.001 + 1.5 / 1.001) / 2000, 1e-6);
    near(both.upper, evidence_upper(21, 2000), 1e-12);
    ck_assert(alone.upper - alone.stable < both.upper - both.stable); /* 20 were by chance, who knows */

    struct evidence_counts calm = {1000, 0, 19000, 10, 0, 0};
    past = (struct evidence_past){0};
    evidence_past_add(&past, &calm);
    both = evidence_gate(&now, &past, 0.5, 0.0012, 0);
    ck_assert(!alone.pass && both.excess < alone.excess && both.need < alone.need + 1000);
}
END_TEST

START_TEST(the_interval_holds_the_ratio_and_shrinks)
{
    struct evidence_counts few = {500, 5, 9500, 19, 0, 0}, many = {50000, 500, 950000, 1900, 0, 0};
    struct evidence_ratio a = evidence_interval(&few, 0.05, 0.01);
    struct evidence_ratio b = evidence_interval(&many, 0.05, 0.01);

    near(a.value, 5, 1e-9);
    near(b.value, 5, 1e-9);
    ck_assert(a.lo < b.lo && b.lo < 5 && 5 < b.hi && b.hi < a.hi);
}
END_TEST

START_TEST(the_interval_is_open_where_nothing_was_bad)
{
    struct evidence_counts none = {500, 0, 9500, 0, 0, 0}, canary = {500, 9, 9500, 0, 0, 0};
    struct evidence_ratio a = evidence_interval(&none, 0.05, 0.01);
    struct evidence_ratio b = evidence_interval(&canary, 0.05, 0.01);

    ck_assert(isnan(a.value) && a.lo == 0 && isinf(a.hi));
    ck_assert(isnan(b.value) && b.lo > 1 && isinf(b.hi));
}
END_TEST

/* Whether the exact form ever lets a canary forward within `seconds`, looked at each second; when in *at_r.
 */
static bool goes_forward(struct rnd *rnd, double w, double rate, double canary, double stable, int seconds,
                         int *at_r)
{
    double x_c = 0, n_c = 0, x_s = 0;

    for (int s = 1; s <= seconds; s++) {
        n_c += (double)sim_poisson(rnd, rate * w * (1 - canary));
        for (double bad = (double)sim_poisson(rnd, rate * w * canary); bad > 0; bad--, x_c++, n_c++)
            ;
        x_s += (double)sim_poisson(rnd, rate * (1 - w) * stable);
        *at_r = s;
        if (evidence_forward(x_c, n_c, x_s, w) >= 20)
            return true;
    }
    return false;
}

START_TEST(the_exact_form_lets_few_bad_canaries_forward_at_any_time)
{
    enum { ROLLOUTS = 1000 };
    static const struct {
        double w, canary, stable;
    } bad[] = {{0.05, 0.01, 0.005}, {0.5, 0.01, 0.005}, {0.1, 0.0052, 0.0026}, {0.25, 0.1, 0.05}};
    struct rnd rnd;
    int at;

    rnd_seed(&rnd, 7);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int forward = 0;

        for (int n = 0; n < ROLLOUTS; n++)
            forward += goes_forward(&rnd, bad[i].w, 100, bad[i].canary, bad[i].stable, 900, &at);
        ck_assert_msg(forward <= ROLLOUTS / 20, "row %zu: %d of %d", i, forward, ROLLOUTS);
    }
}
END_TEST

START_TEST(the_exact_form_lets_a_healthy_canary_forward)
{
    struct rnd rnd;
    int at, late = 0;

    rnd_seed(&rnd, 8);
    for (int n = 0; n < 100; n++) {
        ck_assert(goes_forward(&rnd, 0.1, 100, 0.001, 0.001, 3600, &at));
        late += at > 300;
    }
    ck_assert_int_lt(late, 20);
    near(evidence_forward(0, 0, 0, 0.1), 1, 1e-12);
    ck_assert_double_gt(evidence_forward(0, 2000, 0, 0.1), 20);
    ck_assert_double_lt(evidence_forward(40, 2000, 180, 0.1), 20);
}
END_TEST

START_TEST(the_exact_gate_says_how_many_requests_are_missing)
{
    const struct evidence_counts few = {.canary_requests = 300, .stable_requests = 2700, .stable_bad = 3},
                                 bad = {.canary_requests = 300,
                                        .canary_bad = 9,
                                        .stable_requests = 2700,
                                        .stable_bad = 27};
    struct evidence_gate gate = {0};

    evidence_gate_exact(&gate, &few, 0.1, 20);
    ck_assert(!gate.pass);
    ck_assert_uint_gt(gate.need, 600);
    ck_assert_uint_lt(gate.need, 2000);
    evidence_gate_exact(&gate, &bad, 0.1, 20); /* three times as bad */
    ck_assert(!gate.pass);
    ck_assert_uint_eq(gate.need, UINT64_MAX);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("evidence");
    TCase *tcase = tcase_create("evidence");

    tcase_add_test(tcase, factors_have_the_published_values);
    tcase_add_test(tcase, a_weight_of_0_or_100_says_nothing);
    tcase_add_test(tcase, a_factor_is_fair_at_the_tolerance_and_loses_below_it);
    tcase_add_test(tcase, the_priors_sum_to_one);
    tcase_add_test(tcase, without_mass_there_is_no_evidence);
    tcase_add_test(tcase, a_bin_is_worth_at_most_its_cap);
    tcase_add_test(tcase, the_first_two_bad_requests_of_a_bin_count);
    tcase_add_test(tcase, what_does_not_end_is_no_burst);
    tcase_add_test(tcase, a_bin_opens_with_the_first_bad_request_of_the_canary);
    tcase_add_test(tcase, the_cap_is_lifted_where_much_of_the_canary_fails);
    tcase_add_test(tcase, only_the_upside_is_capped);
    tcase_add_test(tcase, mass_joins_when_the_open_bin_closes);
    tcase_add_test(tcase, a_restart_climbs_from_its_own_mass);
    tcase_add_test(tcase, a_canary_below_the_floor_is_never_guilty);
    tcase_add_test(tcase, a_canary_above_the_floor_is_found);
    tcase_add_test(tcase, adding_logarithms_keeps_the_larger);
    tcase_add_test(tcase, upper_limits_have_the_published_values);
    tcase_add_test(tcase, the_gate_needs_the_published_requests);
    tcase_add_test(tcase, a_gate_that_cannot_pass_says_never);
    tcase_add_test(tcase, the_gate_counts_what_was_before_at_its_own_base_rate);
    tcase_add_test(tcase, the_interval_holds_the_ratio_and_shrinks);
    tcase_add_test(tcase, the_interval_is_open_where_nothing_was_bad);
    tcase_add_test(tcase, the_exact_form_lets_few_bad_canaries_forward_at_any_time);
    tcase_add_test(tcase, the_exact_form_lets_a_healthy_canary_forward);
    tcase_add_test(tcase, the_exact_gate_says_how_many_requests_are_missing);
    suite_add_tcase(suite, tcase);
    return suite;
}
