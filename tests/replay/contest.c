#include "contest.h"

#include "base/mem.h"
#include "cli/playback.h"
#include "conf/report.h"
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>

static const char reference_plan[] = "name: reference\n"
                                     "steps:\n"
                                     "  - { setWeight: 1, advanceOn: traffic, minDwell: 30s, maxDwell: 2m }\n"
                                     "  - { setWeight: 5, minDwell: 3m }\n"
                                     "  - { setWeight: 12, minDwell: 3m }\n"
                                     "  - { setWeight: 25, minDwell: 3m }\n"
                                     "  - { setWeight: 50, minDwell: 3m }\n"
                                     "  - { setWeight: 100, bake: 2d }\n" /* to the end of the trace */
                                     "ramp: { grace: 2m, minCanaryRate: 0.3 }\n";

#define FLAGGER_STEPS                                                                                        \
    "steps:\n"                                                                                               \
    "  - { setWeight: 5 }\n"                                                                                 \
    "  - { setWeight: 10 }\n"                                                                                \
    "  - { setWeight: 15 }\n"                                                                                \
    "  - { setWeight: 20 }\n"                                                                                \
    "  - { setWeight: 25 }\n"                                                                                \
    "  - { setWeight: 30 }\n"                                                                                \
    "  - { setWeight: 35 }\n"                                                                                \
    "  - { setWeight: 40 }\n"                                                                                \
    "  - { setWeight: 45 }\n"                                                                                \
    "  - { setWeight: 50 }\n"                                                                                \
    "  - { setWeight: 100 }\n"
#define ARGO_STEPS                                                                                           \
    "steps:\n"                                                                                               \
    "  - { setWeight: 20, minDwell: 10m }\n"                                                                 \
    "  - { setWeight: 40, minDwell: 10m }\n"                                                                 \
    "  - { setWeight: 60, minDwell: 10m }\n"                                                                 \
    "  - { setWeight: 80, minDwell: 10m }\n"                                                                 \
    "  - { setWeight: 100 }\n"
#define METRICS                                                                                              \
    "analysis:\n"                                                                                            \
    "  metrics:\n"                                                                                           \
    "    - { name: errors, type: errorRate, max: 0.01, failureLimit: 3 }\n"                                  \
    "    - { name: latency, type: latencySlo, max: 0.01, failureLimit: 3 }\n"

/* The peers with a documented setting, and with one that a patient operator ends at. */
static const char flagger_plan[] = "name: flagger\njudge: flagger\n"
                                   "flagger: { interval: 1m, threshold: 5 }\n" METRICS FLAGGER_STEPS;
static const char flagger_wide_plan[] = "name: flagger-wide\njudge: flagger\n"
                                        "flagger: { interval: 1m, threshold: 10 }\n" METRICS FLAGGER_STEPS;
static const char argo_plan[] = "name: argo\njudge: threshold\n"
                                "threshold: { interval: 1m }\n" METRICS ARGO_STEPS;
static const char argo_wide_plan[] = "name: argo-wide\njudge: threshold\n"
                                     "threshold: { interval: 1m, noData: ignore }\n" METRICS ARGO_STEPS;
static const char alarm_plan[] =
    "name: alarm\njudge: threshold\n"
    "threshold: { mode: alarm, treatMissingData: notBreaching }\n" METRICS "steps:\n"
    "  - { setWeight: 10, minDwell: 5m }\n"
    "  - { setWeight: 100, bake: 1h }\n";

const struct contestant contestants[] = {
    {"penstock", reference_plan, 1},
    {"flagger", flagger_plan, 1},
    {"flagger-wide", flagger_wide_plan, 2},
    {"threshold", argo_plan, 1},
    {"threshold-wide", argo_wide_plan, 2},
    {"alarm", alarm_plan, 1},
    {"oracle", NULL, 1},
};
const size_t contestants_len = sizeof(contestants) / sizeof(contestants[0]);

/* ---- plans ---- */

static struct plan *load(const struct contestant *contestant, const char *text, bool sticky, double slo_ms,
                         struct conf_report *report)
{
    const struct trace_head head = {
        .id = "trace", .stable = "ec2", .canary = "fargate", .slo_ms = slo_ms, .sticky = sticky};
    struct plan *plan = mem_alloc(sizeof(*plan));
    struct playback_route route;

    playback_route(&head, &route);
    if (!plan_load_bytes(contestant->name, str_from(text), false, &route.target, plan, report)) {
        free(plan);
        return NULL;
    }
    for (size_t i = 0; i < plan->analysis.metrics_len; i++)
        plan->analysis.metrics[i].threshold_ns *= contestant->slo_factor;
    return plan;
}

bool contest_plans_init(struct contest_plans *plans, const char *own, double slo_ms)
{
    struct conf_report report;
    bool ok;

    *plans = (struct contest_plans){0};
    conf_report_init(&report);
    for (size_t i = 0; i < contestants_len; i++) {
        const char *text = i == 0 && own ? own : contestants[i].plan;

        for (int sticky = 0; text && sticky < 2; sticky++)
            plans->plans[i][sticky] = load(&contestants[i], text, sticky, slo_ms, &report);
    }
    ok = report.errors == 0;
    if (!ok)
        conf_report_print(&report, stderr);
    conf_report_fini(&report);
    return ok;
}

void contest_plans_fini(struct contest_plans *plans)
{
    for (size_t i = 0; i < CONTESTANTS_MAX; i++) {
        free(plans->plans[i][0]);
        free(plans->plans[i][1]);
    }
}

/* ---- one trace ---- */

struct player {
    bool plays;
    const struct plan *plan; /* NULL: the oracle */
    struct playback playback;
    struct oracle oracle;
    struct score score;
};

static void on_decision(void *arg, const struct playback *playback, int64_t t, uint32_t weight,
                        const struct decision *decision)
{
    (void)arg;
    (void)playback;
    printf("%6lld %6.2f %-9s %-14s e %8.2f  %s\n", (long long)t, weight / 100.0,
           word_name(&action_words, decision->action), word_name(&reason_words, decision->reason),
           decision->e, decision->text);
}

static void begin(struct player *player, const struct gen *gen, const struct plan *plan, bool told)
{
    player->plan = plan;
    score_init(&player->score, gen);
    if (plan)
        playback_init(&player->playback, &gen->head, plan, 0, told ? on_decision : NULL, NULL);
    else
        oracle_init(&player->oracle, gen);
}

/* Back for good: nothing more can happen to it. */
static bool is_out(const struct player *player)
{
    if (!player->plan)
        return player->oracle.back && player->oracle.w <= 0;
    return player->playback.now > 0 && player->playback.w <= 0 && rollout_is_over(&player->playback.rollout);
}

/* At 100 % for good: every request is its own, and nothing is judged any more. */
static bool is_settled(const struct player *player)
{
    return player->plan && player->playback.w >= 1 && rollout_is_over(&player->playback.rollout);
}

static void play(struct player *player, const struct gen *gen, const struct trace_request *request)
{
    enum playback_side side;
    bool alt = false, canary;

    if (is_settled(player)) {
        canary = true;
        alt = trace_world_is_alt(&player->playback.world, &gen->head, request->t, 1);
    } else if (player->plan) {
        playback_run(&player->playback, request->t);
        score_weight(&player->score, (double)(player->playback.now - 1), player->playback.w);
        side = playback_feed(&player->playback, request);
        canary = side != PLAYBACK_STABLE;
        alt = side == PLAYBACK_CANARY_ALT;
    } else {
        score_weight(&player->score, request->t, oracle_weight(&player->oracle, request->t));
        canary = oracle_feed(&player->oracle, gen, request, &alt);
    }
    if (canary)
        score_served(&player->score, gen, request, alt);
}

/* What is left of the trace has no requests. */
static void finish(struct player *player, const struct gen *gen, struct score_result *result_r)
{
    double end = gen->head.horizon_s;

    if (player->plan) {
        if (!is_out(player) && !is_settled(player))
            playback_run(&player->playback, end);
        score_weight(&player->score, (double)(player->playback.now - 1), player->playback.w);
        playback_fini(&player->playback);
    } else {
        score_weight(&player->score, end, oracle_weight(&player->oracle, end - 1));
    }
    score_end(&player->score, gen, result_r);
}

void contest(const struct contest_plans *plans, enum family_kind kind, uint64_t seed, bool wide, unsigned who,
             bool told, struct score_result results_r[static CONTESTANTS_MAX])
{
    struct player *players = mem_zalloc(CONTESTANTS_MAX * sizeof(*players));
    struct trace_request request;
    struct gen *gen = mem_alloc(sizeof(*gen));
    bool left = true;

    gen_init(gen, kind, seed, wide, plans->real);
    for (size_t i = 0; i < contestants_len; i++) {
        players[i].plays = who >> i & 1;
        if (players[i].plays)
            begin(&players[i], gen, plans->plans[i][gen->head.sticky], told && i == 0);
    }
    while (left && gen_next(gen, &request)) {
        left = false;
        for (size_t i = 0; i < contestants_len; i++) {
            if (!players[i].plays || is_out(&players[i]))
                continue;
            play(&players[i], gen, &request);
            left = true;
        }
    }
    for (size_t i = 0; i < contestants_len; i++) {
        if (players[i].plays)
            finish(&players[i], gen, &results_r[i]);
    }
    free(gen);
    free(players);
}
