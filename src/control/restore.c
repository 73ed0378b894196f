#include "control/restore.h"

#include "base/log.h"
#include "control/board.h"

#include <stdio.h>
#include <string.h>

static enum weight_source source_of(const char *name)
{
    for (size_t i = 0; i < WEIGHT_SOURCES; i++)
        if (!strcmp(weight_source_names[i], name))
            return (enum weight_source)i;
    return WEIGHT_MANUAL;
}

static void take_weight(void *arg, const struct store_weight *row)
{
    struct board *board = arg;
    struct live *live = board_find(board, str_from(row->route));
    char stored[PLAN_PERCENT_LEN], written[PLAN_PERCENT_LEN];

    if (!live)
        return;
    live->locked = row->locked;
    live->locked_back = row->locked_back;
    if (row->weight > 0 && live->conf->canary < 0) {
        log_warn("route %s: its stored weight of %s %% is not taken, because it has no canary group any more",
                 row->route, plan_percent(row->weight, stored));
        return;
    }
    if (row->weight != live->conf->weight)
        log_info(
            "route %s: the weight is %s %%, as it was last; the configuration's %s %% is for a first start",
            row->route, plan_percent(row->weight, stored), plan_percent(live->conf->weight, written));
    live->wanted = row->weight;
    live->source = source_of(row->source);
    live->weight_ns = row->wall_ns;
}

static void hold(struct live *live, const char *why)
{
    char percent[PLAN_PERCENT_LEN];

    run_free(live->run);
    live->run = NULL;
    snprintf(live->problem, sizeof live->problem,
             "%.480s; the weight stays at %s %% until somebody sets it or starts a rollout", why,
             plan_percent(live->wanted, percent));
    log_error("route %s: %s", live->conf->name, live->problem);
}

static void take_rollout(void *arg, const struct store_rollout *row)
{
    struct board *board = arg;
    struct live *live = board_find(board, str_from(row->route));
    char why[ORDER_WHY_MAX];
    struct run *run;

    if (!live)
        return;
    if (!run_restore(board, live, row, why)) {
        /* One that was over before has nothing to go on with. */
        if (live->source == WEIGHT_ROLLOUT)
            hold(live, why);
        return;
    }
    run = live->run;
    run->detached = rollout_is_over(run->rollout) && live->source != WEIGHT_ROLLOUT;
    if (!run->detached && run->rollout->weight != live->wanted) {
        snprintf(why, sizeof why, "rollout %s: its stored state is older than the weight that was in force",
                 run->id);
        hold(live, why);
    }
}

void restore(struct board *board)
{
    bool weights = store_each_weight(board->store, take_weight, board);

    if (!weights)
        log_error(
            "the stored weights cannot be read: every route starts with the weight of the configuration");
    if (store_health(board->store)->notice[0])
        log_error("%s", store_health(board->store)->notice);
    if (!store_each_rollout(board->store, take_rollout, board) && store_health(board->store)->failing)
        log_error("the stored rollouts cannot be read: %s", store_health(board->store)->why);
    for (size_t i = 0; i < board->lives_len; i++) {
        struct live *live = &board->lives[i];

        if (live->source == WEIGHT_ROLLOUT && !live->run && !live->problem[0])
            hold(live, "its rollout could not be read");
        else if (run_judges(live->run))
            log_info("route %s: rollout %s goes on, %s, step %d", live->conf->name, live->run->id,
                     word_name(&rollout_state_words, live->run->rollout->state),
                     (int)live->run->rollout->step + 1);
    }
}
