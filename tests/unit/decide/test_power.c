/* The power of a plan: the method's own figures, and times as simulation has them. */
#include "decide/power.h"

#include "../unit.h"
#include "decide/evidence.h"
#include "sim.h"

static const struct power_traffic traffic = {.rate = 40, .errors = 0.001, .slow = 0.005, .client = 0.02};

static struct power *power_of(struct plan *plan, const struct power_traffic *what)
{
    struct power *power = mem_alloc(sizeof(*power));

    plan_finish(plan, 500 * NS_PER_MS);
    power_init(power, plan, what);
    return power;
}

static void near(double value, double wanted, double share)
{
    ck_assert_msg(fabs(value - wanted) <= share * wanted, "%g instead of %g", value, wanted);
}

/* The table of decisions.md 5.1 for this engine: half of the ledger and more is spent at the start, a bin is
 * 8 s, and the gate counts what the steps before have shown. */
START_TEST(the_reference_plan_has_the_figures_of_the_method)
{
    static const struct {
        double rate, need, x10_s, x10_harm, all_bad, slow_need, slow_x10_s;
    } rows[] = {
        {2, 475, 373, 6.7, 3.1, 73, 91},
        {4.8, 640, 186, 8.05, 4.3, 59, 45.5},
        {10, 1322, 123, 11.0, 6.6, 126, 30.5},
        {20, 3865, 115, 20.7, 13.5, 282, 29},
    };
    struct plan *plan = sim_reference_plan();

    for (size_t i = 0; i < plan->analysis.metrics_len; i++)
        plan->analysis.metrics[i].floor = 0;
    struct power *power = power_of(plan, &traffic);
    ck_assert_uint_eq(power->len, 1 + ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct power_step *step = &power->steps[i + 1];
        const struct power_metric *errors = &step->metrics[SIM_ERRORS], *slow = &step->metrics[SIM_LATENCY];

        near(step->rate, rows[i].rate, 1e-9);
        near(errors->need, rows[i].need, 0.005);
        near(errors->sizes[POWER_X10].seconds, rows[i].x10_s, 0.01);
        near(errors->sizes[POWER_X10].at_risk, rows[i].x10_harm, 0.01);
        near(errors->sizes[POWER_ALL_BAD].at_risk, rows[i].all_bad, 0.02);
        near(slow->need, rows[i].slow_need, 0.015);
        near(slow->sizes[POWER_X10].seconds, rows[i].slow_x10_s, 0.01);
    }
    free(power);
    free(plan);
}
END_TEST

START_TEST(the_least_time_is_the_sum_of_the_steps)
{
    struct plan *plan = sim_reference_plan();
    struct power *power = power_of(plan, &traffic);
    double sum = 0;

    near(power->steps[0].least_s, 37.5, 1e-6);         /* 15 requests */
    near(power->steps[4].least_s, 3865.0 / 20, 0.005); /* the errors' gate */
    for (size_t i = 0; i < power->len; i++)
        sum += power->steps[i].least_s;
    near(power->least_s, sum, 1e-9);
    ck_assert_double_gt(power->least_s, 12.5 * 60);
    ck_assert_double_lt(power->least_s, 15 * 60);
    free(power);
    free(plan);
}
END_TEST

/* 1 % evenly in 30 s, then at most 2 % a second: 2, 3.5, 6.5, 12.5 and 25 s. */
START_TEST(a_raise_that_takes_time_is_in_the_least_time)
{
    struct plan *slow = sim_reference_plan(), *fast = sim_reference_plan();
    struct power *with, *without;

    slow->ramp.slow_start_ns = 30 * NS_PER_S;
    slow->ramp.max_step_per_second = 200;
    with = power_of(slow, &traffic);
    without = power_of(fast, &traffic);
    near(with->steps[0].least_s - without->steps[0].least_s, 30, 1e-9);
    near(with->steps[1].least_s - without->steps[1].least_s, 2, 1e-9);
    near(with->least_s - without->least_s, 30 + 2 + 3.5 + 6.5 + 12.5 + 25, 1e-9);
    free(with);
    free(without);
    free(slow);
    free(fast);
}
END_TEST

START_TEST(the_smallest_ratio_is_found_just_within_the_dwell)
{
    struct plan *plan = sim_reference_plan();
    struct power *power = power_of(plan, &traffic);

    for (size_t i = 0; i < power->len; i++) {
        const struct power_step *step = &power->steps[i];
        double dwell_s = (double)plan->steps[step->step].min_dwell_ns / NS_PER_S, w = step->weight / 10000.0;

        for (size_t m = 0; m < step->metrics_len; m++) {
            const struct plan_metric *metric = &plan->analysis.metrics[step->metrics[m].metric];
            double ratio = step->metrics[m].smallest, base = m == SIM_ERRORS    ? 0.001
                                                             : m == SIM_LATENCY ? 0.005
                                                                                : 0.02;

            if (!isfinite(ratio))
                continue;
            ck_assert_double_le(power_detect(plan, metric, 40, base, w, ratio * 1.001).seconds, dwell_s);
            ck_assert_double_gt(power_detect(plan, metric, 40, base, w, ratio * 0.98).seconds, dwell_s);
        }
    }
    free(power);
    free(plan);
}
END_TEST

/* ---- against simulation ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of healthy rollouts that have no cold start, in seconds. */
static double healthy_time(struct plan *(*plan_of)(void), double rate)
{
    double times[21];
    struct sim sim;

    for (size_t seed = 0; seed < ARRAY_LEN(times); seed++) {
        sim_init(&sim, plan_of(), seed);
        sim.rate = rate;
        ck_assert(sim_order(&sim, COMMAND_START));
        times[seed] = (double)sim_until(&sim, ACTION_PROMOTE, 24 * 3600);
        ck_assert_double_gt(times[seed], 0);
        sim_fini(&sim);
    }
    qsort(times, ARRAY_LEN(times), sizeof times[0], by_value);
    return times[ARRAY_LEN(times) / 2];
}

/* Without least dwells the graces are what takes the time. */
static struct plan *hasty_plan(void)
{
    struct plan *plan = sim_reference_plan();

    for (size_t i = 0; i < plan->steps_len; i++)
        plan->steps[i].min_dwell_ns = 0;
    return plan;
}

START_TEST(the_likely_time_is_that_of_a_canary_without_a_cold_start)
{
    static const struct {
        struct plan *(*plan_of)(void);
        double rate;
        bool sooner; /* than with the grace of every raise */
    } rows[] = {{sim_reference_plan, 40, false}, {hasty_plan, 400, true}, {hasty_plan, 2000, true}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct power_traffic at = traffic;
        struct plan *plan = rows[i].plan_of();
        struct power *power;
        double seconds = healthy_time(rows[i].plan_of, rows[i].rate);

        at.rate = rows[i].rate;
        power = power_of(plan, &at);
        ck_assert_msg(fabs(seconds - power->warm_s) < 0.1 * seconds &&
                          rows[i].sooner == (seconds < 0.8 * power->least_s),
                      "row %zu: %g s, and %g s when warm; simulated %g s", i, power->least_s, power->warm_s,
                      seconds);
        free(power);
        free(plan);
    }
}
END_TEST

/* The median time until the errors alone send it back, at a constant weight. */
static double simulated(const struct plan *plan, double rate, double base, double w, double ratio, bool cap)
{
    enum { RUNS = 101 };
    const struct plan_metric *metric = &plan->analysis.metrics[SIM_ERRORS];
    const struct evidence_rule rule = {
        metric->tolerance,
        metric->floor,
        {cap ? plan->analysis.bin_cap[0] : INFINITY, cap ? plan->analysis.bin_cap[1] : INFINITY},
        plan->analysis.bin_ns,
        0,
        true};
    double times[RUNS], limit = -log(plan->analysis.false_rollback * metric->share);
    struct rnd rnd;

    rnd_seed(&rnd, 11);
    for (size_t run = 0; run < RUNS; run++) {
        struct evidence evidence;
        int64_t second = 0;

        evidence_init(&evidence);
        evidence_add_mass(&evidence, 0.55);
        for (; second < 20000 && evidence_ln(&evidence, &rule) < limit; second++) {
            uint64_t requests = sim_poisson(&rnd, rate * w);
            struct evidence_events events = {.w = w,
                                             .canary_bad = sim_poisson(&rnd, rate * w * base * ratio),
                                             .stable_bad = sim_poisson(&rnd, rate * (1 - w) * base),
                                             .canary_requests = requests};

            events.canary_good = requests > events.canary_bad ? requests - events.canary_bad : 0;
            evidence_pass(&evidence, &rule, NS_PER_S);
            evidence_feed(&evidence, &rule, &events);
        }
        times[run] = (double)second;
    }
    qsort(times, RUNS, sizeof(times[0]), by_value);
    return times[RUNS / 2];
}

START_TEST(times_to_detect_are_as_simulated)
{
    static const struct {
        double rate, base, w, ratio;
    } cases[] = {
        {100, 0.001, 0.1, 10}, {100, 0.001, 0.1, 30}, {40, 0.002, 0.25, 10},
        {40, 0.005, 0.5, 5},   {500, 0.01, 0.05, 4},  {10, 0.01, 0.25, 10},
    };
    struct plan *plan = sim_reference_plan();

    plan_finish(plan, 500 * NS_PER_MS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[SIM_ERRORS];
        double usual[2] = {plan->analysis.bin_cap[0], plan->analysis.bin_cap[1]};
        double capped =
            power_detect(plan, metric, cases[i].rate, cases[i].base, cases[i].w, cases[i].ratio).seconds;

        plan->analysis.bin_cap[0] = plan->analysis.bin_cap[1] = 1e9;
        double free_s =
            power_detect(plan, metric, cases[i].rate, cases[i].base, cases[i].w, cases[i].ratio).seconds;
        memcpy(plan->analysis.bin_cap, usual, sizeof(usual));
        double sim_free = simulated(plan, cases[i].rate, cases[i].base, cases[i].w, cases[i].ratio, false);
        double sim_capped = simulated(plan, cases[i].rate, cases[i].base, cases[i].w, cases[i].ratio, true);
        ck_assert_msg(fabs(sim_free - free_s) <= 0.25 * free_s + 3, "case %zu: %g without cap, simulated %g",
                      i, free_s, sim_free);
        ck_assert_msg(fabs(sim_capped - capped) <= 0.5 * capped + 3, "case %zu: %g with cap, simulated %g", i,
                      capped, sim_capped);
    }
    free(plan);
}
END_TEST

/* Wald: no test of this size needs fewer canary requests on average than ln(1/alpha) over the divergence. */
START_TEST(no_time_is_below_the_bound_for_known_laws)
{
    struct plan *plan = sim_reference_plan();

    plan_finish(plan, 500 * NS_PER_MS);
    for (double ratio = 2; ratio <= 500; ratio *= 1.5) {
        for (double w = 0.01; w < 0.6; w *= 2) {
            double p = 0.001, q = ratio * p;
            double divergence = q * log(q / p) + (1 - q) * log((1 - q) / (1 - p));
            double n =
                power_detect(plan, &plan->analysis.metrics[SIM_ERRORS], 40, p, w, ratio).seconds * 40 * w;

            ck_assert_msg(n >= log(1 / plan->analysis.false_rollback) / divergence, "ratio %g at %g: %g",
                          ratio, w, n);
        }
    }
    free(plan);
}
END_TEST

/* ---- warnings ---- */

static char said[4096];

static void note(void *arg, const char *path, const char *text, bool warning)
{
    size_t len = strlen(said);

    (void)arg;
    ck_assert(warning);
    snprintf(said + len, sizeof(said) - len, "%s: %s\n", path, text);
}

static const char *warnings(struct plan *plan, const struct power_traffic *what)
{
    struct power *power = power_of(plan, what);

    said[0] = '\0';
    power_warn(power, plan, what, note, NULL);
    free(power);
    return said;
}

START_TEST(a_plan_that_fits_its_traffic_is_not_warned_of)
{
    struct plan *plan = sim_reference_plan();

    ck_assert_str_eq(warnings(plan, &traffic), "");
    free(plan);
}
END_TEST

START_TEST(steps_that_get_too_little_are_named)
{
    const struct power_traffic little = {.rate = 4, .errors = 0.001, .slow = 0.005, .client = 0.02};
    struct plan *plan = sim_reference_plan();

    ck_assert_str_eq(
        warnings(plan, &little),
        "steps[0].setWeight: 1 % are only 0.04 requests a second to the canary\n"
        "steps[1].setWeight: 5 % are only 0.2 requests a second to the canary: the step is passed over\n");
    free(plan);
}
END_TEST

START_TEST(a_gate_that_takes_longer_than_max_dwell_is_named)
{
    struct plan *plan = sim_reference_plan();

    plan->steps[1].max_dwell_ns = 179 * NS_PER_S;
    plan->steps[1].min_dwell_ns = 0;
    ck_assert_str_eq(
        warnings(plan, &traffic),
        "steps[1].maxDwell: errors needs 3m58s at 5 % until the next step is safe, more than maxDwell\n");
    free(plan);
}
END_TEST

START_TEST(a_step_by_time_that_can_see_nothing_is_named)
{
    struct plan *plan = sim_plan();

    sim_step(plan, 5, 1)->advance_on = ADVANCE_TIME;
    sim_step(plan, 100, 0)->bake_ns = 3600 * NS_PER_S;
    ck_assert_str_eq(warnings(plan, &traffic),
                     "steps[0]: nothing can be found out at 5 % in 1s, not even that every request fails\n");
    free(plan);
}
END_TEST

START_TEST(a_bake_that_is_too_short_is_named)
{
    struct plan *plan = sim_reference_plan();

    plan->steps[5].bake_ns = 60 * NS_PER_S;
    ck_assert_ptr_nonnull(
        strstr(warnings(plan, &traffic), "steps[5].bake: errors that are ten times as many"));
    free(plan);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("power");
    TCase *tcase = tcase_create("power");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_reference_plan_has_the_figures_of_the_method);
    tcase_add_test(tcase, the_least_time_is_the_sum_of_the_steps);
    tcase_add_test(tcase, the_likely_time_is_that_of_a_canary_without_a_cold_start);
    tcase_add_test(tcase, a_raise_that_takes_time_is_in_the_least_time);
    tcase_add_test(tcase, the_smallest_ratio_is_found_just_within_the_dwell);
    tcase_add_test(tcase, times_to_detect_are_as_simulated);
    tcase_add_test(tcase, no_time_is_below_the_bound_for_known_laws);
    tcase_add_test(tcase, a_plan_that_fits_its_traffic_is_not_warned_of);
    tcase_add_test(tcase, steps_that_get_too_little_are_named);
    tcase_add_test(tcase, a_gate_that_takes_longer_than_max_dwell_is_named);
    tcase_add_test(tcase, a_step_by_time_that_can_see_nothing_is_named);
    tcase_add_test(tcase, a_bake_that_is_too_short_is_named);
    suite_add_tcase(suite, tcase);
    return suite;
}
