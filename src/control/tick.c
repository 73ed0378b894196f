#include "control/tick.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/aftermath.h"
#include "control/board.h"
#include "control/history.h"

#include <stdlib.h>

/* ---- counts in
 * ----------------------------------------------------------------------------------------------- */

static void harvest_live(struct board *board, struct live *live)
{
    struct shard_route *workers[CONFIG_WORKERS_MAX];
    struct harvest_cells cells = board_cells(board, live, workers);

    harvest_collect(&live->harvest, &cells, crew_seen(board->crew));
}

void tick_harvest(struct board *board)
{
    for (size_t i = 0; i < board->lives_len; i++)
        harvest_live(board, &board->lives[i]);
}

static bool has_traffic(const struct harvest_cells *cells, size_t side)
{
    for (size_t w = 0; w < cells->len; w++)
        for (size_t outcome = 0; outcome < OUTCOMES; outcome++)
            for (size_t class = 0; class < SHARD_CLASSES; class ++)
                if (cell_get(&cells->workers[w]->side[side].ended[outcome][class]))
                    return true;
    return false;
}

static void recent_side(struct board *board, struct live *live, const struct harvest_cells *cells,
                        size_t side)
{
    static const struct recent_sum nothing;
    struct recent_sum sum = {0};

    if (!live->recent[side]) {
        if (!has_traffic(cells, side))
            return;
        live->recent[side] = recent_new(board->now_ns - NS_PER_S, &nothing);
    }
    recent_aim(live->recent[side], history_slo_ns(live));
    for (size_t w = 0; w < cells->len; w++)
        recent_sum_add(&sum, &cells->workers[w]->side[side]);
    recent_add(live->recent[side], board->now_ns, &sum);
}

static void recent_live(struct board *board, struct live *live)
{
    struct shard_route *workers[CONFIG_WORKERS_MAX];
    struct harvest_cells cells = board_cells(board, live, workers);

    for (size_t side = 0; side < ROUTE_SIDES; side++)
        recent_side(board, live, &cells, side);
}

/* ---- the store
 * ----------------------------------------------------------------------------------------------- */

/* Tries a failing store again, and says once that it fails, and once that it works again. */
static void watch_store(struct board *board)
{
    const struct store_health *health = store_health(board->store);

    if (store_retry(board->store, board->wall_ns))
        board_save_all(board);
    if (!health->failing)
        journal_save(&board->journal, board->store);
    if (board->store_told == health->failing)
        return;
    board->store_told = health->failing;
    if (health->failing)
        log_error("the state cannot be saved, so no rollout moves forward: %s", health->why);
    else
        log_info("the state can be saved again");
}

/* The states that are due, in one transaction. */
static void save_states(struct board *board)
{
    struct live **due = mem_alloc((board->lives_len + 1) * sizeof(struct live *));
    size_t len = 0;

    for (size_t i = 0; i < board->lives_len; i++)
        if (board->lives[i].run && run_is_due(board, board->lives[i].run))
            due[len++] = &board->lives[i];
    if (!run_save_all(board, due, len, true))
        log_debug("the states of %zu rollouts could not be saved", len);
    free(due);
}

/* ---- the tick
 * ------------------------------------------------------------------------------------------------ */

void tick(struct board *board)
{
    if (board->store)
        watch_store(board);
    crew_sweep(board->crew);
    tick_harvest(board);
    for (size_t i = 0; i < board->lives_len; i++) {
        struct live *live = &board->lives[i];

        recent_live(board, live);
        if (run_governs(live->run))
            run_look(board, live);
        else
            board_sync(board, live);
    }
    board_publish(board);
    for (size_t i = 0; i < board->lives_len; i++)
        if (board->lives[i].run)
            run_settle(board, &board->lives[i]);
    save_states(board);
    history_tick(board);
    aftermath_tick(board);
}

void tick_route(struct board *board, struct live *live)
{
    harvest_live(board, live);
    if (run_governs(live->run))
        run_look(board, live);
    else
        board_sync(board, live);
    board_publish(board);
    if (!live->run)
        return;
    run_settle(board, live);
    if (run_is_due(board, live->run) && !run_save_all(board, &live, 1, true))
        log_debug("the state of a rollout could not be saved");
}
