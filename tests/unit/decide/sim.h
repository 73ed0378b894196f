/*
 * A rollout on made-up traffic, a second a tick: counts are drawn from Poisson laws with a fixed seed,
 * decisions are saved and published as control does it.
 */
#ifndef UNIT_DECIDE_SIM_H
#define UNIT_DECIDE_SIM_H

#include "base/clk.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "decide/rollout.h"
#include "decide/state.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIM_ERRORS, SIM_LATENCY, SIM_CLIENT }; /* metrics of sim_plan() */

struct sim_side {
    double errors, slow, client;             /* shares of bad requests */
    uint64_t requests, bad_errors, bad_slow; /* so far */
};

enum { SIM_TARGETS = 5 };

struct sim {
    struct plan *plan;
    struct rollout r;
    struct rnd rnd;
    double rate;
    struct sim_side canary, stable;
    struct rollout_input in;
    struct tally tallies[2];
    struct tally late; /* comes with the next second as well, when its weight is not 0 */
    struct tally_metric guard_canary, guard_stable; /* of the fourth metric, in the next second */
    const struct hist *latency;                     /* of stable, the same; NULL: none */
    struct sim_side targets[SIM_TARGETS]; /* of the canary, instead of `canary`, when targets_len is */
    struct tally_target rows[SIM_TARGETS];
    size_t targets_len;
    struct decision d;
    bool save_fails;
    uint64_t forwards, holds, backs; /* fresh decisions */
    double highest;                  /* E so far */
};

static inline uint64_t sim_poisson(struct rnd *rnd, double mean)
{
    double limit, product;
    uint64_t n = 0;

    if (mean <= 0)
        return 0;
    if (mean > 60) { /* a sum of smaller ones */
        uint64_t half = sim_poisson(rnd, mean / 2);

        return half + sim_poisson(rnd, mean / 2);
    }
    limit = exp(-mean);
    for (product = rnd_double(rnd); product > limit; product *= rnd_double(rnd))
        n++;
    return n;
}

static inline void sim_side_draw(struct sim *sim, struct sim_side *side, struct tally_side *tally,
                                 double rate)
{
    const double shares[] = {side->errors, side->slow, side->client};

    *tally = (struct tally_side){0};
    for (int i = 0; i < 3; i++) {
        uint64_t bad = sim_poisson(&sim->rnd, rate * shares[i]);

        tally->metrics[i].bad = tally->metrics[i].raw_bad = bad;
        tally->requests = tally->requests > bad ? tally->requests : bad;
    }
    uint64_t good = sim_poisson(&sim->rnd, rate);
    tally->requests = tally->requests > good ? tally->requests : good;
    for (int i = 0; i < 3; i++)
        tally->metrics[i].requests = tally->requests;
    side->requests += tally->requests;
    side->bad_errors += tally->metrics[SIM_ERRORS].bad;
    side->bad_slow += tally->metrics[SIM_LATENCY].bad;
}

/* errors, latency (500 ms) and client errors with the default shares. */
static inline struct plan *sim_plan(void)
{
    static const struct {
        const char *name;
        enum metric_type type;
        double share;
    } metrics[] = {{"errors", METRIC_ERROR_RATE, 0.45},
                   {"latency", METRIC_LATENCY_SLO, 0.45},
                   {"client", METRIC_CLIENT_ERROR_RATE, 0.1}};
    struct plan *plan = mem_alloc(sizeof(*plan));

    plan_init(plan);
    snprintf(plan->name, sizeof(plan->name), "sim");
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        struct plan_metric *metric = &plan->analysis.metrics[plan->analysis.metrics_len++];

        plan_metric_init(metric, metrics[i].type);
        snprintf(metric->name, sizeof(metric->name), "%s", metrics[i].name);
        metric->share = metrics[i].share;
    }
    return plan;
}

static inline struct plan_step *sim_step(struct plan *plan, double percent, int64_t min_s)
{
    struct plan_step *step = &plan->steps[plan->steps_len++];

    plan_step_init(step, STEP_WEIGHT);
    step->weight = (uint32_t)lround(percent * 100);
    step->min_dwell_ns = min_s * NS_PER_S;
    return step;
}

static inline struct plan_step *sim_pause(struct plan *plan)
{
    struct plan_step *step = &plan->steps[plan->steps_len++];

    plan_step_init(step, STEP_PAUSE);
    return step;
}

/* 1 (traffic), 5, 12, 25, 50, 100: the plan that the method's figures are about. */
static inline struct plan *sim_reference_plan(void)
{
    static const double weights[] = {5, 12, 25, 50};
    struct plan *plan = sim_plan();
    struct plan_step *smoke = sim_step(plan, 1, 30);

    smoke->advance_on = ADVANCE_TRAFFIC;
    smoke->max_dwell_ns = 120 * NS_PER_S;
    for (size_t i = 0; i < ARRAY_LEN(weights); i++)
        sim_step(plan, weights[i], 180);
    sim_step(plan, 100, 0)->bake_ns = 3600 * NS_PER_S;
    return plan;
}

static inline void sim_init(struct sim *sim, struct plan *plan, uint64_t seed)
{
    memset(sim, 0, sizeof(*sim));
    plan_finish(plan, 500 * NS_PER_MS);
    sim->plan = plan;
    sim->rate = 40;
    sim->canary = sim->stable = (struct sim_side){.errors = 0.001, .slow = 0.005, .client = 0.02};
    rnd_seed(&sim->rnd, seed);
    rollout_init(&sim->r, plan, "ec2", "fargate");
    sim->in.wall_ns = INT64_C(1795618800) * NS_PER_S; /* 2026-11-25 15:00 UTC, a Wednesday */
    sim->in.canary = sim->in.stable = (struct rollout_targets){2, 2, 0};
}

static inline void sim_fini(struct sim *sim)
{
    free(sim->plan);
}

static inline bool sim_order(struct sim *sim, enum command command)
{
    const struct rollout_order order = {.command = command, .actor = "alice"};
    char why[ROLLOUT_WHY_MAX];

    return rollout_command(&sim->r, sim->plan, &order, sim->in.wall_ns, why);
}

static inline void sim_settle(struct sim *sim)
{
    if (!sim->d.commit)
        return;
    if (sim->save_fails) {
        rollout_refuse(&sim->r, &sim->d, "disk full");
        return;
    }
    struct rollout next = sim->r;
    rollout_commit(&next, sim->plan, &sim->d);
    sim->r = next;
}

/* What is saved now and read again; the clock goes on as if it had been no time. */
static inline void sim_kill(struct sim *sim)
{
    bool clock_known = sim->r.clock_known;
    int64_t last_ns = sim->r.last_ns;
    json_t *json = rollout_to_json(&sim->r);
    char why[256];

    ck_assert_msg(rollout_from_json(&sim->r, sim->plan, json, why, sizeof(why)), "%s", why);
    json_decref(json);
    sim->r.clock_known = clock_known;
    sim->r.last_ns = last_ns;
}

/* The canary's requests by target: as many for each that is in service. */
static inline void sim_targets_draw(struct sim *sim, struct tally_side *tally, double rate)
{
    double serving = 0;

    *tally = (struct tally_side){0};
    for (size_t i = 0; i < sim->targets_len; i++)
        serving += !outliers_has(&sim->r.outliers, i + 1);
    sim->in.canary.total = (uint32_t)sim->targets_len;
    sim->in.canary.healthy = (uint32_t)serving;
    for (size_t i = 0; i < sim->targets_len; i++) {
        struct tally_side one = {0};

        if (!outliers_has(&sim->r.outliers, i + 1))
            sim_side_draw(sim, &sim->targets[i], &one, rate / serving);
        sim->rows[i] = (struct tally_target){.id = i + 1, .name = "target ", .requests = one.requests};
        sim->rows[i].name[7] = (char)('1' + i);
        tally->requests += one.requests;
        for (int m = 0; m < 3; m++) {
            tally->metrics[m].requests += one.metrics[m].requests;
            tally->metrics[m].raw_bad += one.metrics[m].raw_bad;
            tally->metrics[m].bad += one.metrics[m].bad;
            sim->rows[i].bad[m] = one.metrics[m].bad;
        }
    }
    sim->in.targets = sim->rows;
    sim->in.targets_len = sim->targets_len;
}

/* One second. */
static inline void sim_tick(struct sim *sim)
{
    double w = (double)sim->r.weight / PLAN_WEIGHT_ALL;

    sim->in.now_ns += NS_PER_S;
    sim->in.wall_ns += NS_PER_S;
    sim->tallies[0].weight = sim->r.weight;
    if (sim->targets_len)
        sim_targets_draw(sim, &sim->tallies[0].canary, sim->rate * w);
    else
        sim_side_draw(sim, &sim->canary, &sim->tallies[0].canary, sim->rate * w);
    sim_side_draw(sim, &sim->stable, &sim->tallies[0].stable, sim->rate * (1 - w));
    sim->in.tallies = sim->tallies;
    sim->tallies[0].canary.metrics[SIM_CLIENT + 1] = sim->guard_canary;
    sim->tallies[0].stable.metrics[SIM_CLIENT + 1] = sim->guard_stable;
    sim->tallies[0].canary.metrics[SIM_CLIENT + 1].requests = sim->tallies[0].canary.requests;
    sim->tallies[0].stable.metrics[SIM_CLIENT + 1].requests = sim->tallies[0].stable.requests;
    sim->tallies[0].latency = sim->latency;
    sim->tallies[1] = sim->late;
    sim->in.tallies_len = sim->late.weight ? 2 : 1;
    sim->late.weight = 0;
    sim->in.weight_in_force = true;
    rollout_step(&sim->r, sim->plan, &sim->in, &sim->d);
    if (sim->d.e > sim->highest)
        sim->highest = sim->d.e;
    if (sim->d.fresh) {
        sim->forwards += sim->d.action == ACTION_FORWARD || sim->d.action == ACTION_PROMOTE;
        sim->holds += sim->d.action == ACTION_HOLD;
        sim->backs += sim->d.action == ACTION_ROLLBACK || sim->d.action == ACTION_RETREAT;
    }
    sim_settle(sim);
}

/* Until a decision of that action, or `seconds`; the seconds that it took. */
static inline int64_t sim_until(struct sim *sim, enum action action, int64_t seconds)
{
    for (int64_t s = 1; s <= seconds; s++) {
        sim_tick(sim);
        if (sim->d.action == action && (sim->d.fresh || action == ACTION_NONE))
            return s;
    }
    return -1;
}

static inline void sim_run(struct sim *sim, int64_t seconds)
{
    for (int64_t s = 0; s < seconds; s++)
        sim_tick(sim);
}

#endif
