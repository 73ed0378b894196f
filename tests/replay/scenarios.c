/*
 * The scenario suite: judges on made-up traffic of every family. Without arguments a test of few seeds that
 * speaks TAP; `make bench-replay SEEDS=300` for the table. Seeds below 1000 are for tuning, the others for
 * reports.
 */
#include "base/mem.h"
#include "cli/args.h"
#include "conf/input.h"
#include "contest.h"
#include "family.h"
#include "table.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TUNING_SEEDS = 1000, PLAN_BYTES_MAX = 1 << 20 };

static const struct args_option options[] = {
    {.name = "seeds", .value = "N", .text = "seeds a family"},
    {.name = "from",
     .value = "N",
     .text = "the first seed (default: 1000, for reports; below it is for tuning)"},
    {.name = "family", .value = "NAME", .text = "only this family; may be repeated"},
    {.name = "judge", .value = "NAME", .text = "only this judge; may be repeated"},
    {.name = "plan", .value = "FILE", .text = "a plan for the first judge"},
    {.name = "real",
     .value = "FOLDER",
     .text = "the families real_* instead, with the series in this folder (real.h)"},
    {.name = "wide", .text = "vary rates, base shares and sizes of faults more"},
    {.name = "jobs", .value = "N", .text = "threads (default: 1)"},
    {.name = "trace", .value = "NAME", .text = "print the trace of this family and the first seed, and end"},
    {.name = "decisions", .text = "print the first judge's decisions on one trace"},
    {.name = "runs", .text = "print each run"},
    {.name = "help", .letter = 'h', .text = "show this help and exit"},
};

struct suite {
    struct real *real; /* owned; NULL: none */
    struct contest_plans plans;
    struct table table;
    uint64_t from;
    bool wide, told;
    unsigned jobs;
    _Atomic size_t next; /* of all runs; relaxed: each thread takes its own */
};

/* ---- the runs ---- */

static bool run_at(const struct suite *suite, size_t index, enum family_kind *kind_r, size_t *seed_r)
{
    for (int kind = 0; kind < FAMILIES; kind++) {
        if (index < suite->table.seeds[kind]) {
            *kind_r = (enum family_kind)kind;
            *seed_r = index;
            return true;
        }
        index -= suite->table.seeds[kind];
    }
    return false;
}

static void *work(void *arg)
{
    struct suite *suite = arg;
    struct score_result results[CONTESTANTS_MAX];
    enum family_kind kind;
    size_t seed;

    while (run_at(suite, atomic_fetch_add_explicit(&suite->next, 1, memory_order_relaxed), &kind, &seed)) {
        contest(&suite->plans, kind, suite->from + seed, suite->wide, suite->table.who, suite->told, results);
        for (size_t i = 0; i < contestants_len; i++)
            *table_at(&suite->table, i, kind, seed) = results[i];
    }
    return NULL;
}

static void run_all(struct suite *suite)
{
    pthread_t threads[64];
    unsigned started = 0;

    while (started + 1 < suite->jobs && started < ARRAY_LEN(threads) &&
           pthread_create(&threads[started], NULL, work, suite) == 0)
        started++;
    work(suite);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

/* ---- the bench ---- */

static uint64_t number(const struct args *args, const char *name, uint64_t usual)
{
    const char *text = args_value(args, name);
    uint64_t value = usual;

    if (text && !str_to_u64(str_from(text), &value)) {
        fprintf(stderr, "--%s: %s is not a number\n", name, text);
        exit(2);
    }
    return value;
}

static void choose_families(struct suite *suite, const struct args *args, size_t seeds)
{
    bool all = !args_has(args, "family");
    const char *name;
    size_t at = 0;

    for (int kind = 0; all && kind < FAMILY_REAL_HEALTHY; kind++)
        suite->table.seeds[kind] = seeds;
    while ((name = args_next(args, "family", &at)) != NULL) {
        if (family_find(name) >= FAMILY_REAL_HEALTHY) {
            fprintf(stderr, "--family: none is named %s\n", name);
            exit(2);
        }
        suite->table.seeds[family_find(name)] = seeds;
    }
}

/* As many as there are series; table_init has made room for them. */
static void choose_real(struct suite *suite)
{
    suite->from = 0;
    suite->table.seeds[FAMILY_REAL_HEALTHY] = REAL_HEALTHY;
    suite->table.seeds[FAMILY_REAL_BAD] = suite->real->bad_len;
    suite->table.seeds[FAMILY_REAL_FAST] = suite->real->fast_len;
    suite->table.who &= ~(1u << (contestants_len - 1)); /* the oracle knows no such law */
}

static unsigned choose_judges(const struct args *args)
{
    unsigned who = 0;
    const char *name;
    size_t at = 0;

    if (!args_has(args, "judge"))
        return (1u << contestants_len) - 1;
    while ((name = args_next(args, "judge", &at)) != NULL) {
        for (size_t i = 0; i < contestants_len; i++) {
            if (strcmp(contestants[i].name, name) == 0)
                who |= 1u << i;
        }
    }
    return who | 1u | 1u << (contestants_len - 1); /* the goals need these two */
}

static char *own_plan(const struct args *args)
{
    const char *path = args_value(args, "plan");
    char *why, *bytes;
    size_t len;

    if (!path)
        return NULL;
    bytes = input_read(path, PLAN_BYTES_MAX, &len, &why);
    if (!bytes) {
        fprintf(stderr, "%s: %s\n", path, why);
        exit(2);
    }
    return bytes;
}

static void print_goals(const struct table *table)
{
    struct goal goals[GOALS_MAX];
    size_t len = table_goals(table, goals);

    printf("\n");
    for (size_t i = 0; i < len; i++) {
        if (goals[i].known)
            printf("%-4s  %-90s %8.2f  goal %s %g\n", goal_is_met(&goals[i]) ? "pass" : "FAIL", goals[i].text,
                   goals[i].value, goals[i].at_least ? ">=" : "<=", goals[i].limit);
    }
}

static void print_runs(const struct suite *suite)
{
    const struct table *table = &suite->table;

    for (int kind = 0; kind < FAMILIES; kind++) {
        for (size_t seed = 0; seed < table->seeds[kind]; seed++) {
            for (size_t i = 0; i < contestants_len; i++) {
                const struct score_result *r = table_at(table, i, (enum family_kind)kind, seed);

                if (table->who >> i & 1)
                    printf("%s/%llu %s back %d early %d detected %d stuck %d time %.0f harm %.0f\n",
                           families[kind].name, (unsigned long long)(suite->from + seed), contestants[i].name,
                           r->back, r->early, r->detected, r->stuck, r->time_s, r->harm);
            }
        }
    }
}

/* ---- a trace, for penstock replay ---- */

static void print_alt(const struct trace_head *head)
{
    switch (head->rule) {
    case TRACE_RULE_NONE:
        printf("null");
        return;
    case TRACE_RULE_COLD:
        printf("{\"rule\":\"cold\",\"seconds\":%g}", head->cold_s);
        return;
    case TRACE_RULE_CAPACITY:
        printf("{\"rule\":\"capacity\",\"weight\":%g,\"scaleout_s\":%g,\"scaleout_factor\":%g}",
               head->capacity, head->scaleout_s, head->scaleout_factor);
        return;
    }
}

static void print_outcome(const char *name, const struct trace_outcome *outcome)
{
    printf(",\"%s\":{\"status\":%u,\"ms\":%.1f}", name, outcome->status, outcome->ms);
}

static void print_trace(const char *name, uint64_t seed, bool wide)
{
    struct gen *gen = mem_alloc(sizeof(*gen));
    struct trace_request request;
    char key[GEN_KEY_LEN];

    gen_init(gen, family_find(name), seed, wide, NULL);
    printf("{\"trace\":1,\"id\":\"%s\",\"slo_ms\":%g,\"horizon\":%g,\"stable\":\"%s\",\"canary\":\"%s\","
           "\"route\":\"%s\",\"alt\":",
           gen->head.id, gen->head.slo_ms, gen->head.horizon_s, gen->head.stable, gen->head.canary,
           gen->head.sticky ? "key" : "key+n");
    print_alt(&gen->head);
    printf("}\n");
    while (gen_next(gen, &request)) {
        printf("{\"t\":%.6f,\"key\":\"%s\"", request.t, gen_key_name(gen, key));
        print_outcome("ec2", &request.stable);
        print_outcome("fargate", &request.canary);
        if (gen->head.rule != TRACE_RULE_NONE)
            print_outcome("fargate_alt", &request.alt);
        printf("}\n");
    }
    free(gen);
}

static void bench(struct suite *suite, const struct args *args)
{
    size_t seeds = number(args, "seeds", 100);
    char *plan = own_plan(args);

    if (args_has(args, "real") && (suite->real = real_load(args_value(args, "real"))) == NULL)
        exit(1);
    if (!contest_plans_init(&suite->plans, plan, suite->real ? real_slo_ms : 500))
        exit(1);
    free(plan);
    suite->plans.real = suite->real;
    suite->from = number(args, "from", TUNING_SEEDS);
    suite->wide = args_has(args, "wide");
    suite->told = args_has(args, "decisions");
    suite->jobs = (unsigned)number(args, "jobs", 1);
    table_init(&suite->table, suite->real ? (size_t)REAL_FAULTS_MAX : seeds, choose_judges(args));
    if (suite->real)
        choose_real(suite);
    else
        choose_families(suite, args, seeds);
    if (suite->real)
        printf("real series\n");
    else
        printf("seeds %llu to %llu (%s), %s set\n", (unsigned long long)suite->from,
               (unsigned long long)(suite->from + seeds - 1),
               suite->from >= TUNING_SEEDS ? "for reports" : "for tuning", suite->wide ? "wide" : "tuned");
    run_all(suite);
    if (args_has(args, "runs"))
        print_runs(suite);
    table_print(&suite->table);
    table_print_peers(&suite->table);
    print_goals(&suite->table);
}

/* ---- the test ---- */

static unsigned cases;

static void say(bool ok, const char *what, const char *name)
{
    printf("%s %u - %s: %s\n", ok ? "ok" : "not ok", ++cases, name, what);
}

/* Few runs cannot show shares of a percent; what fails here is broken. */
static void judge_family(const struct table *table, enum family_kind kind)
{
    const char *name = families[kind].name;
    bool back = false, missed = false, oracle = true;

    for (size_t seed = 0; seed < table->seeds[kind]; seed++) {
        const struct score_result *penstock = table_at(table, 0, kind, seed);

        back |= penstock->back;
        missed |= !penstock->detected;
        oracle &= table_at(table, contestants_len - 1, kind, seed)->detected;
    }
    if (families[kind].class != CLASS_BAD) {
        say(!back, "is not sent back", name);
        return;
    }
    say(!missed, "is found", name);
    say(oracle, "is found by who knows the law", name);
}

/* ---- the generator itself ---- */

struct sums {
    double requests, failed, refused, slow, differ;
    double seconds, counts, squares; /* of the requests a second */
    uint64_t print;                  /* a hash of it all */
};

static void sum_up(struct sums *sums, const struct trace_request *request)
{
    sums->requests++;
    sums->failed += request->stable.status >= 500;
    sums->refused += request->stable.status == 404;
    sums->slow += request->stable.ms > 500;
    sums->differ +=
        request->stable.ms != request->canary.ms || request->stable.status != request->canary.status;
    sums->print = sums->print * UINT64_C(0x100000001b3) ^ request->key ^ (uint64_t)(request->t * 1e6);
}

static struct sums sums_of(enum family_kind kind, uint64_t seed, struct gen *gen)
{
    struct trace_request request;
    struct sums sums = {0};
    double in_second = 0, second = 0;

    gen_init(gen, kind, seed, false, NULL);
    while (gen_next(gen, &request)) {
        for (; second + 1 <= request.t; second++, in_second = 0) {
            sums.counts += in_second;
            sums.squares += in_second * in_second;
        }
        in_second++;
        sum_up(&sums, &request);
    }
    sums.seconds = second;
    return sums;
}

static bool near(double value, double wanted, double share)
{
    if (fabs(value - wanted) <= share * wanted)
        return true;
    printf("# %g instead of %g\n", value, wanted);
    return false;
}

/* Base shares drift by a third and more for minutes, so they are known only roughly. */
static void test_generator(void)
{
    struct gen *gen = mem_alloc(sizeof(*gen));
    struct sums healthy = sums_of(FAMILY_HEALTHY, 1, gen), again = sums_of(FAMILY_HEALTHY, 1, gen);
    double mean = healthy.counts / healthy.seconds;
    double variance = healthy.squares / healthy.seconds - mean * mean;

    say(healthy.print == again.print && healthy.requests == again.requests, "a seed is one trace",
        "generator");
    say(near(mean, gen->rate, 0.02) && near(variance / mean, 1 + gen->rate / 8, 0.1), "arrivals as described",
        "generator");
    say(near(healthy.failed / healthy.requests, gen->failed, 0.35) &&
            near(healthy.slow / healthy.requests, gen->slow, 0.35) &&
            near(healthy.refused / healthy.requests, gen->refused, 0.05),
        "base shares as described", "generator");
    say(healthy.differ == 0, "equal groups give equal answers", "generator");
    say(sums_of(FAMILY_ERR_X10, 1, gen).differ > 0, "a fault makes answers differ", "generator");
    free(gen);
}

static void test(struct suite *suite)
{
    enum { RUNS = 2, RUNS_LONG = 1 };

    if (!contest_plans_init(&suite->plans, NULL, 500))
        exit(1);
    suite->jobs = 1;
    table_init(&suite->table, RUNS, 1u | 1u << (contestants_len - 1));
    for (int kind = 0; kind < FAMILY_REAL_HEALTHY; kind++)
        suite->table.seeds[kind] = families[kind].hours > 4 ? RUNS_LONG : RUNS;
    run_all(suite);
    test_generator();
    for (int kind = 0; kind < FAMILY_REAL_HEALTHY; kind++)
        judge_family(&suite->table, (enum family_kind)kind);
    printf("1..%u\n", cases);
}

static void print_help(void)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        printf("  --%s %s\n      %s\n", options[i].name, options[i].value ? options[i].value : "",
               options[i].text);
}

int main(int argc, char **argv)
{
    struct suite *suite = mem_zalloc(sizeof(*suite));
    char why[ARGS_WHY_MAX];
    struct args args;

    if (!args_parse(&args, options, ARRAY_LEN(options), argc - 1, (const char *const *)argv + 1, why)) {
        fprintf(stderr, "%s\n", why);
        return 2;
    }
    if (argc < 2)
        test(suite);
    else if (args_has(&args, "help"))
        print_help();
    else if (args_has(&args, "trace") && family_find(args_value(&args, "trace")) < FAMILY_REAL_HEALTHY)
        print_trace(args_value(&args, "trace"), number(&args, "from", TUNING_SEEDS), args_has(&args, "wide"));
    else
        bench(suite, &args);
    real_free(suite->real);
    contest_plans_fini(&suite->plans);
    table_fini(&suite->table);
    free(suite);
    return 0;
}
