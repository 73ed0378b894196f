#include "control/board.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const weight_source_names[WEIGHT_SOURCES] = {
    [WEIGHT_CONFIG] = "config",
    [WEIGHT_MANUAL] = "manual",
    [WEIGHT_ROLLOUT] = "rollout",
};

const char *const health_state_names[HEALTH_STATES] = {
    [HEALTH_UNKNOWN] = "unknown",
    [HEALTH_GOOD] = "healthy",
    [HEALTH_BAD] = "unhealthy",
};

/* ---- the board
 * ----------------------------------------------------------------------------------------------- */

void board_now(struct board *board)
{
    board->now_ns = clk_mono_ns();
    board->wall_ns = clk_wall_ns();
}

bool board_init(struct board *board, struct config *config, struct store *store, char *why, size_t why_len)
{
    *board = (struct board){.store = store, .slots = slots_new()};
    board_now(board);
    board->started_ns = board->now_ns;
    board->started_wall_ns = board->loaded_wall_ns = board->wall_ns;
    history_begin(board);
    board->config = config_ref(config);
    board->lives_len = config->routes_len;
    board->lives = mem_zalloc(config->routes_len * sizeof *board->lives);
    for (size_t i = 0; i < config->routes_len; i++)
        board->lives[i] = (struct live){.conf = &config->routes[i],
                                        .wanted = config->routes[i].weight,
                                        .weight_ns = board->wall_ns,
                                        .step = -1};
    journal_init(&board->journal, store ? store_last_decision(store) : 0);
    return slots_assign(board->slots, config, why, why_len);
}

void board_fini(struct board *board)
{
    for (size_t i = 0; i < board->lives_len; i++) {
        run_free(board->lives[i].run);
        for (size_t side = 0; side < ROUTE_SIDES; side++)
            recent_free(board->lives[i].recent[side]);
    }
    free(board->lives);
    journal_fini(&board->journal);
    slots_free(board->slots);
    config_unref(board->config);
    store_close(board->store);
}

struct live *board_find(struct board *board, struct str route)
{
    for (size_t i = 0; i < board->lives_len; i++)
        if (str_eq(str_from(board->lives[i].conf->name), route))
            return &board->lives[i];
    return NULL;
}

const struct config_group *board_group(const struct board *board, const char *name)
{
    for (size_t i = 0; i < board->config->groups_len; i++)
        if (!strcmp(board->config->groups[i].name, name))
            return &board->config->groups[i];
    return NULL;
}

const struct config_group *board_side(const struct board *board, const struct live *live,
                                      enum route_side side)
{
    if (side == ROUTE_STABLE)
        return live->conf->stable == CONFIG_NO_GROUP ? NULL : &board->config->groups[live->conf->stable];
    return live->conf->canary < 0 ? NULL : &board->config->groups[live->conf->canary];
}

struct harvest_cells board_cells(const struct board *board, const struct live *live,
                                 struct shard_route *workers[static CONFIG_WORKERS_MAX])
{
    size_t len = board->crew ? crew_size(board->crew) : 0;

    for (size_t i = 0; i < len; i++) {
        workers[i] = shard_route(crew_shard(board->crew, i), live->conf->slot);
        if (!workers[i])
            return (struct harvest_cells){workers, 0}; /* made when its first snapshot is published */
    }
    return (struct harvest_cells){workers, len};
}

/* ---- publishing
 * ---------------------------------------------------------------------------------------------- */

static void begin_epoch(struct board *board, struct live *live)
{
    struct shard_route *workers[CONFIG_WORKERS_MAX];
    struct harvest_cells cells = board_cells(board, live, workers);

    live->epoch++;
    live->version = board->version + 1;
    harvest_begin(&live->harvest, &cells, live->epoch, live->weight, live->judged, live->version,
                  board->crew ? crew_seen(board->crew) : 0);
}

void board_sync(struct board *board, struct live *live)
{
    uint32_t weight = run_governs(live->run) ? live->run->rollout->weight : live->wanted;
    uint32_t judged = run_judges(live->run) ? live->run->number : 0;
    int32_t step = judged ? live->run->rollout->step : -1;

    if (run_governs(live->run)) {
        live->wanted = weight;
        live->source = WEIGHT_ROLLOUT;
        live->locked = live->run->rollout->locked;
        live->locked_back = live->run->rollout->locked_back;
    }
    if (live->weight != weight)
        live->weight_ns = board->wall_ns;
    if (live->epoch == 0 || live->weight != weight || live->judged != judged) {
        live->weight = weight;
        live->judged = judged;
        begin_epoch(board, live);
        board->changed = true;
    }
    if (judged && memcmp(live->guard_ns, live->run->rollout->guards.threshold_ns, sizeof live->guard_ns)) {
        memcpy(live->guard_ns, live->run->rollout->guards.threshold_ns, sizeof live->guard_ns);
        board->changed = true;
    }
    if (live->step != step) {
        live->step = step;
        board->changed = true;
    }
}

/* Notes when a target begins to take work; those that are there at the start are warm already. */
static struct route_target_state target_state(struct board *board, size_t slot)
{
    struct route_target_state state = {.draining = board->draining[slot],
                                       .unhealthy = board->health[slot].state == HEALTH_BAD};
    bool open = !state.draining && !state.unhealthy;

    if (open && !board->opened[slot].open && board->version > 0)
        board->opened[slot].since_ns = board->now_ns;
    board->opened[slot].open = open;
    state.opened_ns = board->opened[slot].since_ns;
    return state;
}

/* By slot; what the configuration does not have is not open. */
static void target_states(struct board *board, struct route_target_state states_r[static CONFIG_TARGETS_MAX])
{
    bool there[CONFIG_TARGETS_MAX] = {false};

    for (size_t i = 0; i < board->config->groups_len; i++)
        for (size_t k = 0; k < board->config->groups[i].targets_len; k++) {
            size_t slot = board->config->groups[i].targets[k].slot;

            there[slot] = true;
            states_r[slot] = target_state(board, slot);
        }
    for (size_t slot = 0; slot < CONFIG_TARGETS_MAX; slot++)
        board->opened[slot].open &= there[slot];
}

static void add_bounds(struct board *board)
{
    bool room = true;

    for (size_t i = 0; i < board->lives_len; i++) {
        const struct live *live = &board->lives[i];

        room &= route_bounds_add(&board->bounds, live->conf, live->judged ? live->run->plan : NULL);
    }
    if (!room && !board->bounds_told)
        log_warn("/metrics: there are more than %d thresholds of latency; the histogram of durations has no "
                 "bucket that "
                 "ends at those that came last",
                 ROUTE_BOUNDS);
    board->bounds_told |= !room;
}

struct routes *board_snapshot(struct board *board)
{
    struct route_live *lives = mem_zalloc(board->lives_len * sizeof *lives);
    struct route_target_state states[CONFIG_TARGETS_MAX];
    struct routes *routes;

    for (size_t i = 0; i < board->lives_len; i++) {
        const struct live *live = &board->lives[i];

        lives[i] = (struct route_live){
            .weight = live->weight,
            .epoch = live->epoch,
            .plan = live->judged ? live->run->plan : NULL,
            .guards = live->judged ? &live->run->rollout->guards : NULL,
            .step = live->step,
            .header_route = live->judged ? rollout_header_route(live->run->rollout, live->run->plan) : NULL,
            .mirror = live->judged ? rollout_mirror(live->run->rollout, live->run->plan) : NULL};
    }
    target_states(board, states);
    routes = routes_build(board->config, lives, states, &board->sticky_key, ++board->version);
    add_bounds(board);
    routes->bounds = board->bounds;
    board->changed = false;
    free(lives);
    return routes;
}

void board_publish(struct board *board)
{
    if (board->changed)
        crew_publish(board->crew, board_snapshot(board));
}

bool board_in_force(const struct board *board, const struct live *live)
{
    return board->crew && crew_seen(board->crew) >= live->version;
}

/* ---- the store
 * ----------------------------------------------------------------------------------------------- */

struct store_weight live_weight_row(const struct live *live)
{
    return (struct store_weight){
        .route = live->conf->name,
        .weight = live->weight,
        .locked = live->locked,
        .locked_back = live->locked_back,
        .source = weight_source_names[run_governs(live->run) ? WEIGHT_ROLLOUT : live->source],
        .wall_ns = live->weight_ns};
}

void board_save_all(struct board *board)
{
    for (size_t i = 0; i < board->lives_len; i++) {
        struct live *live = &board->lives[i];
        struct store_weight weight = live_weight_row(live);
        bool ok = live->run
                      ? run_save_all(board, &live, 1, true)
                      : store_save(board->store, &(struct store_change){.weight = &weight, .in_force = true});

        if (!ok)
            return; /* the store says why, and is asked again */
    }
}

/* ---- targets
 * ------------------------------------------------------------------------------------------------- */

static void disown(struct board *board, uint32_t slot, bool disowned)
{
    board->ejected[slot] = disowned;
    for (size_t w = 0; board->crew && w < crew_size(board->crew); w++) {
        struct shard_target *cells = shard_target(crew_shard(board->crew, w), slot);

        if (cells)
            atomic_store_explicit(&cells->disowned, disowned, memory_order_relaxed);
    }
}

/* Back in service by a person's word, which no rollout overrules after a restart. */
static void forgive(struct board *board, const struct config_target *target)
{
    disown(board, target->slot, false);
    for (size_t i = 0; i < board->lives_len; i++) {
        struct run *run = board->lives[i].run;

        if (run && outliers_forgive(&run->rollout->outliers, roster_id(target)))
            run->unsaved = true;
    }
}

void board_drain_target(struct board *board, const struct config_target *target, bool drain)
{
    if (!drain && board->ejected[target->slot])
        forgive(board, target);
    if (board->draining[target->slot] == drain)
        return;
    board->draining[target->slot] = drain;
    board->changed = true;
}

void board_eject_target(struct board *board, const struct config_target *target)
{
    board_drain_target(board, target, true);
    disown(board, target->slot, true);
}

size_t board_open_targets(const struct board *board, const struct config_group *group)
{
    size_t open = 0;

    for (size_t i = 0; i < group->targets_len; i++)
        open += !board->draining[group->targets[i].slot] &&
                board->health[group->targets[i].slot].state != HEALTH_BAD;
    return open;
}

/* Unhealthy targets serve when there is no other. */
static bool may_serve(const struct board *board, const struct config_group *group)
{
    for (size_t i = 0; i < group->targets_len; i++)
        if (!board->draining[group->targets[i].slot])
            return true;
    return false;
}

bool board_ready(const struct board *board, char *why, size_t why_len)
{
    if (board->leaving) {
        snprintf(why, why_len, "penstock is shutting down");
        return false;
    }
    for (size_t i = 0; i < board->lives_len; i++) {
        const struct live *live = &board->lives[i];

        for (size_t side = 0; side < ROUTE_SIDES; side++) {
            const struct config_group *group = board_side(board, live, (enum route_side)side);
            bool used = side == ROUTE_CANARY ? live->weight > 0 : live->weight < CONFIG_WEIGHT_ONE;

            if (!group || !used || may_serve(board, group))
                continue;
            snprintf(why, why_len, "route %s: group %s has no target that takes requests", live->conf->name,
                     group->name);
            return false;
        }
    }
    return true;
}
