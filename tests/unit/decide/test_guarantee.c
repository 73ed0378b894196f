/*
 * The guarantee: of healthy rollouts at most a share of falseRollback is ever sent back because of evidence,
 * whatever the traffic does. Fixed seeds, so the counts are the same each time.
 */
#include "decide/judge.h"

#include "../unit.h"
#include "sim.h"

/* The evidence alone, at the edge: the canary is exactly as much worse as is tolerated, no floor, no cap. */
static unsigned edge_rollouts(unsigned rollouts, double rate, double share, double w)
{
    const struct evidence_rule rule = {1.25, 0, {INFINITY, INFINITY}, 1, 0, true};
    struct rnd rnd;
    unsigned back = 0;

    rnd_seed(&rnd, 7);
    for (unsigned i = 0; i < rollouts; i++) {
        struct evidence evidence;
        double limit = log(1 / 0.05);

        evidence_init(&evidence);
        evidence_add_mass(&evidence, 1);
        for (int64_t bin = 0; bin < 400 && evidence_ln(&evidence, &rule) < limit; bin++) {
            struct evidence_events events = {
                .w = w,
                .canary_bad = sim_poisson(&rnd, rate * w * share * 1.25),
                .stable_bad = sim_poisson(&rnd, rate * (1 - w) * share),
            };

            evidence_feed(&evidence, &rule, &events);
            evidence_pass(&evidence, &rule, 1);
        }
        back += evidence_ln(&evidence, &rule) >= limit;
    }
    return back;
}

START_TEST(at_the_edge_of_the_tolerance_alpha_is_kept)
{
    static const double weights[] = {0.01, 0.1, 0.5, 0.9};

    for (size_t i = 0; i < ARRAY_LEN(weights); i++) {
        unsigned back = edge_rollouts(1000, 300, 0.01, weights[i]);

        /* alpha 5 %: 50 expected at most, 3 standard deviations are 21 */
        ck_assert_msg(back <= 71, "%u of 1000 at w = %g", back, weights[i]);
    }
}
END_TEST

/* Whole rollouts, equal groups, base rates that drift, several rates of requests. */
START_TEST(healthy_rollouts_are_not_sent_back)
{
    static const double rates[] = {1, 20, 300};
    static struct sim sim;
    unsigned back = 0, rollouts = 0;

    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        for (uint64_t seed = 0; seed < 100; seed++, rollouts++) {
            sim_init(&sim, sim_reference_plan(), seed * 3 + i);
            sim.rate = rates[i];
            ck_assert(sim_order(&sim, COMMAND_START));
            for (int s = 0; s < 1500 && sim.backs == 0; s++) {
                double drift = 1 + 0.9 * sin(s / 100.0);

                sim.canary.errors = sim.stable.errors = 0.005 * drift;
                sim.canary.slow = sim.stable.slow = 0.01 * drift;
                sim_tick(&sim);
            }
            back += sim.backs > 0;
            sim_fini(&sim);
        }
    }
    /* alpha 1 %: 3 of 300 expected at most, 3 standard deviations are 5.2 */
    ck_assert_msg(back <= 8, "%u of %u", back, rollouts);
}
END_TEST

/* All masses that a rollout can ever add sum to one part of the ledger. */
START_TEST(the_ledger_is_never_overdrawn)
{
    struct plan *plan = sim_reference_plan();
    struct judge judge;
    double spent = 0;

    plan_finish(plan, 0);
    judge_init(&judge, plan);
    for (int part = 0; part < JUDGE_MASSES; part++) {
        for (int i = 0; i < 1000; i++)
            judge_add_mass(&judge, (enum judge_mass)part, 0.03);
        spent += judge.spent[part];
    }
    ck_assert(spent <= 1 + 1e-9);
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        double ln =
            evidence_ln(&judge.metrics[i].evidence, &(struct evidence_rule){1.25, 0, {2, 4}, 8, 0, true});

        ck_assert(ln <= 1e-6);
    }
    free(plan);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("guarantee");
    TCase *tcase = tcase_create("guarantee");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, at_the_edge_of_the_tolerance_alpha_is_kept);
    tcase_add_test(tcase, healthy_rollouts_are_not_sent_back);
    tcase_add_test(tcase, the_ledger_is_never_overdrawn);
    suite_add_tcase(suite, tcase);
    return suite;
}
