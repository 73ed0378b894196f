#include "cli/playback.h"

#include "base/clk.h"

#include <string.h>

static const int64_t sticky_ns = 3600 * NS_PER_S; /* how long a client of a sticky trace keeps its group */

void playback_route(const struct trace_head *head, struct playback_route *route_r)
{
    struct playback_route *route = route_r;

    memset(route, 0, sizeof(*route));
    route->head = *head;
    route->groups[0].name = route->head.stable;
    route->groups[1].name = route->head.canary;
    route->config.groups = route->groups;
    route->config.groups_len = ARRAY_LEN(route->groups);
    route->route.name = route->head.id;
    route->route.canary = 1;
    route->route.affinity = head->sticky ? CONFIG_AFFINITY_COOKIE : CONFIG_AFFINITY_NONE;
    route->route.affinity_max_age_ns = sticky_ns;
    route->route.slo_threshold_ns = (int64_t)(head->slo_ms * (double)NS_PER_MS);
    route->route.slo_objective = 0.99;
    route->target = (struct plan_target){.config = &route->config, .route = &route->route, .recorded = true};
}

void playback_init(struct playback *playback, const struct trace_head *head, const struct plan *plan,
                   int64_t start_wall_ns, playback_report *report, void *arg)
{
    const struct rollout_order start = {.command = COMMAND_START, .actor = "replay"};
    char why[ROLLOUT_WHY_MAX];

    memset(playback, 0, sizeof(*playback));
    playback->head = head;
    playback->plan = plan;
    playback->report = report;
    playback->arg = arg;
    playback->start_wall_ns = start_wall_ns;
    counting_init(&playback->counting, plan);
    trace_world_init(&playback->world, head);
    rollout_init(&playback->rollout, plan, head->stable, head->canary);
    BUG_ON(!rollout_command(&playback->rollout, plan, &start, start_wall_ns, why));
}

void playback_fini(struct playback *playback)
{
    counting_fini(&playback->counting);
}

/* ---- one look ---- */

static void take_weight(struct playback *playback)
{
    double w = (double)playback->rollout.weight / PLAN_WEIGHT_ALL;

    if (w == playback->w)
        return;
    trace_world_weight(&playback->world, (double)playback->now, playback->w, w);
    playback->w = w;
}

/* What a person would have been asked for. */
static void approve(struct playback *playback)
{
    const struct rollout_order order = {.command = COMMAND_APPROVE, .actor = "replay"};
    char why[ROLLOUT_WHY_MAX];

    if (playback->last.action != ACTION_HOLD || playback->last.reason != REASON_APPROVAL)
        return;
    if (!rollout_command(&playback->rollout, playback->plan, &order, playback->last.wall_ns, why))
        return; /* the plan ends below 100: there is nothing to approve */
}

static void close_tally(struct playback *playback)
{
    struct tally *tally = &playback->tally;

    tally->weight = playback->rollout.weight;
    counting_close(&playback->counting, tally);
    if (playback->counting.guards)
        tally->latency = &playback->latency;
}

/* While the weight moves in small parts, each is told with the decision that moves it. */
static void tell(struct playback *playback)
{
    uint32_t weight = playback->rollout.weight;

    if (!playback->report || (!playback->last.fresh && weight == playback->told_weight))
        return;
    if (playback->last.fresh)
        playback->told = playback->last;
    playback->told_weight = weight;
    playback->report(playback->arg, playback, playback->now, weight, &playback->told);
}

static void look(struct playback *playback)
{
    struct decision *d = &playback->last;
    struct rollout_input in = {
        .now_ns = playback->now * NS_PER_S,
        .wall_ns = playback->start_wall_ns + playback->now * NS_PER_S,
        .tallies = &playback->tally,
        .tallies_len = 1,
        .weight_in_force = true,
        .stable = {1, 1, 0},
        .canary = {1, 1, 0},
        .gate = GATE_YES,
    };

    close_tally(playback);
    rollout_step(&playback->rollout, playback->plan, &in, d);
    if (d->commit)
        rollout_commit(&playback->rollout, playback->plan, d);
    take_weight(playback);
    tell(playback);
    approve(playback);
    memset(&playback->tally, 0, sizeof(playback->tally));
    if (playback->counting.guards) {
        counting_guards(&playback->counting, &playback->rollout.guards);
        memset(&playback->latency, 0, sizeof(playback->latency));
    }
    playback->now++;
}

void playback_run(struct playback *playback, double t)
{
    while ((double)playback->now < t)
        look(playback);
}

/* ---- one request ---- */

static void count(struct playback *playback, bool canary, const struct trace_outcome *outcome, uint64_t key)
{
    struct tally_side *side = canary ? &playback->tally.canary : &playback->tally.stable;
    const struct counting_answer answer = {.key = key, .ms = outcome->ms, .status = outcome->status};

    counting_add(&playback->counting, side, canary ? NULL : &playback->latency, &answer,
                 (uint32_t)playback->now);
}

enum playback_side playback_feed(struct playback *playback, const struct trace_request *request)
{
    const struct trace_head *head = playback->head;
    bool canary, alt;

    while ((double)playback->now <= request->t)
        look(playback);
    canary = trace_is_canary(head, request->key, playback->ordinal++, playback->w);
    alt = trace_world_is_alt(&playback->world, head, request->t, playback->w);
    if (!canary) {
        count(playback, false, &request->stable, request->key);
        return PLAYBACK_STABLE;
    }
    count(playback, true, alt ? &request->alt : &request->canary, request->key);
    return alt ? PLAYBACK_CANARY_ALT : PLAYBACK_CANARY;
}
