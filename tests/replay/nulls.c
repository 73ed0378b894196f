/*
 * The guarantee by force: rollouts of canaries that are healthy as the method means it (at most so much worse
 * than is tolerated, decisions.md 2.10), at many rates, base shares, drifts and plans, with restarts. The
 * share that the evidence ever sends back or makes retreat has to stay at or below falseRollback, within
 * binomial error. `make bench-nulls ROLLOUTS=20000`; each second is drawn as counts, so any rate costs the
 * same.
 */
#include "base/clk.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "cli/args.h"
#include "decide/rollout.h"
#include "decide/state.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METRICS = 3 };

/* How the weight moves. */
enum schedule {
    SCHEDULE_REFERENCE, /* 1, 5, 12, 25, 50, 100 on evidence */
    SCHEDULE_LINEAR,    /* 10, 20, ... 100 by time, two minutes each */
    SCHEDULE_HALF,      /* 50 all the time */
};

struct setting {
    const char *name;
    double rate, errors, slow; /* requests a second, base shares */
    double drift;              /* the base shares swing by this factor, up and down, within an hour */
    double swing;              /* the same for the rate */
    bool edge;                 /* the canary is exactly as much worse as is tolerated; otherwise equal */
    enum schedule schedule;
    int64_t seconds;
    int64_t restart_s; /* every so often the rollout is saved and taken up again; 0: never */
};

static const struct setting settings[] = {
    {"0.5/s, base 5 %, equal", 0.5, 0.05, 0.05, 1, 1, false, SCHEDULE_REFERENCE, 14400, 0},
    {"0.5/s, base 1 %, edge, half", 0.5, 0.01, 0.01, 1, 1, true, SCHEDULE_HALF, 14400, 0},
    {"20/s, base 0.1 %, equal", 20, 0.001, 0.005, 1, 1, false, SCHEDULE_REFERENCE, 3600, 0},
    {"20/s, base 1 %, edge, drift", 20, 0.01, 0.01, 5, 3, true, SCHEDULE_REFERENCE, 3600, 0},
    {"40/s, base 0.5 %, edge, linear", 40, 0.005, 0.005, 3, 2, true, SCHEDULE_LINEAR, 1500, 0},
    {"100/s, base 0.01 %, edge, half", 100, 0.0001, 0.005, 1, 1, true, SCHEDULE_HALF, 3600, 0},
    {"100/s, base 1 %, edge, restarts", 100, 0.01, 0.01, 5, 3, true, SCHEDULE_LINEAR, 1500, 97},
    {"500/s, base 1 %, equal, drift", 500, 0.01, 0.01, 5, 3, false, SCHEDULE_REFERENCE, 3600, 0},
    {"5000/s, base 0.1 %, edge, half", 5000, 0.001, 0.001, 5, 3, true, SCHEDULE_HALF, 3600, 0},
    {"5000/s, base 5 %, edge, linear", 5000, 0.05, 0.05, 2, 2, true, SCHEDULE_LINEAR, 1500, 0},
};

/* ---- traffic ---- */

static uint64_t poisson(struct rnd *rnd, double mean)
{
    double limit = exp(-fmin(mean, 30)), product;
    uint64_t n = 0;

    for (; mean > 30; mean -= 30)
        n += poisson(rnd, 30);
    if (mean <= 0)
        return n;
    if (mean < 30)
        limit = exp(-mean);
    for (product = rnd_double(rnd); product > limit; product *= rnd_double(rnd))
        n++;
    return n;
}

/* Bad ones exactly, the rest as expected: only the floor's test looks at them. */
static void draw(struct rnd *rnd, struct tally_side *side, double requests,
                 const double shares[static METRICS])
{
    *side = (struct tally_side){.requests = (uint64_t)(requests + rnd_double(rnd))};
    for (size_t i = 0; i < METRICS; i++) {
        struct tally_metric *metric = &side->metrics[i];

        metric->bad = metric->raw_bad = poisson(rnd, requests * shares[i]);
        if (side->requests < metric->bad)
            side->requests = metric->bad;
    }
    for (size_t i = 0; i < METRICS; i++)
        side->metrics[i].requests = side->requests;
}

static void second_of(const struct setting *setting, const struct plan *plan, struct rnd *rnd, int64_t second,
                      struct tally *tally)
{
    double turn = 2 * M_PI * (double)second / 3600, w = (double)tally->weight / PLAN_WEIGHT_ALL;
    double drift = exp(log(setting->drift) * sin(turn)),
           rate = setting->rate * exp(log(setting->swing) * cos(turn));
    const double stable[METRICS] = {setting->errors * drift, setting->slow * drift, 0.02};
    double canary[METRICS];

    for (size_t i = 0; i < METRICS; i++)
        canary[i] = fmin(stable[i] * (setting->edge ? plan->analysis.metrics[i].tolerance : 1), 0.9);
    draw(rnd, &tally->canary, rate * w, canary);
    draw(rnd, &tally->stable, rate * (1 - w), stable);
}

/* ---- a rollout ---- */

static void add_step(struct plan *plan, double percent, int64_t dwell_s, enum advance_rule rule)
{
    struct plan_step *step = &plan->steps[plan->steps_len++];

    plan_step_init(step, STEP_WEIGHT);
    step->weight = (uint32_t)lround(percent * 100);
    step->min_dwell_ns = dwell_s * NS_PER_S;
    step->advance_on = rule;
}

static void add_metric(struct plan *plan, const char *name, enum metric_type type, double share)
{
    struct plan_metric *metric = &plan->analysis.metrics[plan->analysis.metrics_len++];

    plan_metric_init(metric, type);
    snprintf(metric->name, sizeof(metric->name), "%s", name);
    metric->share = share;
    metric->floor = 0; /* it would only make it safer */
}

static struct plan *plan_of(enum schedule schedule)
{
    static const double reference[] = {5, 12, 25, 50};
    struct plan *plan = mem_alloc(sizeof(*plan));

    plan_init(plan);
    snprintf(plan->name, sizeof(plan->name), "null");
    add_metric(plan, "errors", METRIC_ERROR_RATE, 0.45);
    add_metric(plan, "latency", METRIC_LATENCY_SLO, 0.45);
    add_metric(plan, "client", METRIC_CLIENT_ERROR_RATE, 0.1);
    switch (schedule) {
    case SCHEDULE_REFERENCE:
        add_step(plan, 1, 30, ADVANCE_TRAFFIC);
        plan->steps[0].max_dwell_ns = 120 * NS_PER_S;
        for (size_t i = 0; i < ARRAY_LEN(reference); i++)
            add_step(plan, reference[i], 180, ADVANCE_EVIDENCE);
        break;
    case SCHEDULE_LINEAR:
        for (int percent = 10; percent < 100; percent += 10)
            add_step(plan, percent, 120, ADVANCE_TIME);
        break;
    case SCHEDULE_HALF:
        add_step(plan, 50, 86400, ADVANCE_EVIDENCE);
        break;
    }
    add_step(plan, 100, 0, ADVANCE_EVIDENCE);
    plan_finish(plan, 500 * NS_PER_MS);
    return plan;
}

static void restart(struct rollout *rollout, const struct plan *plan)
{
    json_t *json = rollout_to_json(rollout);
    char why[128];

    if (!rollout_from_json(rollout, plan, json, why, sizeof(why)))
        BUG("it cannot be taken up again: %s", why);
    json_decref(json);
}

/* Whether the evidence ever turned it back. */
static bool is_turned_back(const struct setting *setting, const struct plan *plan, uint64_t seed)
{
    const struct rollout_order start = {.command = COMMAND_START, .actor = "test"};
    struct rollout rollout;
    struct tally tally = {0};
    struct decision decision;
    char why[ROLLOUT_WHY_MAX];
    struct rnd rnd;

    rnd_seed(&rnd, seed);
    rollout_init(&rollout, plan, "stable", "canary");
    BUG_ON(!rollout_command(&rollout, plan, &start, 0, why));
    for (int64_t second = 0; second < setting->seconds; second++) {
        struct rollout_input in = {.now_ns = second * NS_PER_S,
                                   .wall_ns = second * NS_PER_S,
                                   .tallies = &tally,
                                   .tallies_len = 1,
                                   .weight_in_force = true,
                                   .stable = {1, 1, 0},
                                   .canary = {1, 1, 0}};

        tally.weight = rollout.weight;
        second_of(setting, plan, &rnd, second, &tally);
        rollout_step(&rollout, plan, &in, &decision);
        if (decision.action == ACTION_ROLLBACK ||
            (decision.action == ACTION_RETREAT && decision.reason != REASON_PROBE))
            return true;
        if (decision.commit)
            rollout_commit(&rollout, plan, &decision);
        if (rollout.weight == PLAN_WEIGHT_ALL)
            return false;
        if (setting->restart_s && second % setting->restart_s == setting->restart_s - 1)
            restart(&rollout, plan);
    }
    return false;
}

/* ---- all of them ---- */

struct nulls {
    const struct setting *setting;
    struct plan *plan;
    uint64_t from;
    size_t rollouts;
    _Atomic size_t next, back; /* relaxed: counts */
};

static void *work(void *arg)
{
    struct nulls *nulls = arg;
    size_t i;

    while ((i = atomic_fetch_add_explicit(&nulls->next, 1, memory_order_relaxed)) < nulls->rollouts) {
        if (is_turned_back(nulls->setting, nulls->plan, nulls->from + i))
            atomic_fetch_add_explicit(&nulls->back, 1, memory_order_relaxed);
    }
    return NULL;
}

/* Whether so many are too many for falseRollback, at three standard deviations. */
static bool is_kept(double alpha, size_t back, size_t rollouts)
{
    double expected = alpha * (double)rollouts;

    return (double)back <= expected + 3 * sqrt(expected * (1 - alpha));
}

static bool run_setting(const struct setting *setting, uint64_t from, size_t rollouts, size_t jobs)
{
    struct nulls nulls = {
        .setting = setting, .plan = plan_of(setting->schedule), .from = from, .rollouts = rollouts};
    double alpha = nulls.plan->analysis.false_rollback;
    pthread_t threads[64];
    size_t started = 0, back;
    bool kept;

    while (started + 1 < jobs && started < ARRAY_LEN(threads) &&
           pthread_create(&threads[started], NULL, work, &nulls) == 0)
        started++;
    work(&nulls);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    back = atomic_load_explicit(&nulls.back, memory_order_relaxed);
    kept = is_kept(alpha, back, rollouts);
    printf("%-4s  %-34s %6zu of %zu turned back, %.3f %% of at most %g %%\n", kept ? "pass" : "FAIL",
           setting->name, back, rollouts, 100 * (double)back / (double)rollouts, 100 * alpha);
    fflush(stdout);
    free(nulls.plan);
    return kept;
}

static const struct args_option options[] = {
    {.name = "rollouts", .value = "N", .text = "rollouts a setting"},
    {.name = "from", .value = "N", .text = "the first seed"},
    {.name = "setting", .value = "N", .text = "only the Nth setting, from 1 on (default: all)"},
    {.name = "jobs", .value = "N", .text = "threads"},
};

static size_t number(const struct args *args, const char *name, size_t usual)
{
    const char *text = args_value(args, name);
    uint64_t value = usual;

    if (text && !str_to_u64(str_from(text), &value)) {
        fprintf(stderr, "--%s: %s is not a number\n", name, text);
        exit(2);
    }
    return (size_t)value;
}

int main(int argc, char **argv)
{
    char why[ARGS_WHY_MAX];
    struct args args;
    bool kept = true;
    size_t only;

    if (!args_parse(&args, options, ARRAY_LEN(options), argc - 1, (const char *const *)argv + 1, why)) {
        fprintf(stderr, "%s\n", why);
        return 2;
    }
    only = number(&args, "setting", 0);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (only == 0 || only == i + 1)
            kept &= run_setting(&settings[i], number(&args, "from", 1000), number(&args, "rollouts", 1000),
                                number(&args, "jobs", 1));
    return kept ? 0 : 1;
}
