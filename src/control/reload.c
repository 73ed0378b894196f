#include "control/reload.h"

#include "base/log.h"
#include "base/mem.h"
#include "conf/address.h"
#include "control/board.h"
#include "control/tick.h"
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool refuse(char why[static ORDER_WHY_MAX], const char *what)
{
    snprintf(why, ORDER_WHY_MAX, "%s cannot change while penstock runs: restart it to take the new file",
             what);
    return false;
}

static bool same_listeners(const struct config *old, const struct config *new)
{
    if (old->listeners_len != new->listeners_len)
        return false;
    for (size_t i = 0; i < old->listeners_len; i++)
        if (!address_eq(&old->listeners[i].address, &new->listeners[i].address))
            return false;
    return true;
}

static bool same_logs(const struct config *old, const struct config *new)
{
    if (old->logs_len != new->logs_len)
        return false;
    for (size_t i = 0; i < old->logs_len; i++)
        if (old->logs[i].fingerprint != new->logs[i].fingerprint)
            return false;
    return true;
}

/* What was opened or started once. */
static bool fixed_parts(const struct config *old, const struct config *new, char why[static ORDER_WHY_MAX])
{
    if (old->workers != new->workers)
        return refuse(why, "workers");
    if (!same_listeners(old, new))
        return refuse(why, "listeners");
    if (old->admin.enabled != new->admin.enabled ||
        (old->admin.enabled && !address_eq(&old->admin.address, &new->admin.address)))
        return refuse(why, "admin.address");
    if (!same_text(old->state_directory, new->state_directory))
        return refuse(why, "state.directory");
    if (!same_logs(old, new))
        return refuse(why, "accessLog");
    return true;
}

static const struct config_route *route_named(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->routes_len; i++)
        if (!strcmp(config->routes[i].name, name))
            return &config->routes[i];
    return NULL;
}

/* A route that is judged must keep its groups: the evidence is about them. Slots are equal when all labels
 * are. */
static bool rollouts_fit(const struct board *board, const struct config *new, char why[static ORDER_WHY_MAX])
{
    for (size_t i = 0; i < board->lives_len; i++) {
        const struct live *live = &board->lives[i];
        const struct config_route *route = route_named(new, live->conf->name);

        if (!run_judges(live->run) || (route && route->slot == live->conf->slot))
            continue;
        snprintf(
            why, ORDER_WHY_MAX,
            "route %s has a rollout that is %s, and the new file %s: abort it first, or wait for its end",
            live->conf->name, word_name(&rollout_state_words, live->run->rollout->state),
            route ? "gives it other groups" : "does not have the route");
        return false;
    }
    return true;
}

/* The old entry of a route that stays, emptied; NULL for one that is new or has other groups. */
static struct live *old_live(struct board *board, const struct config_route *route)
{
    for (size_t i = 0; i < board->lives_len; i++)
        if (board->lives[i].conf && board->lives[i].conf->slot == route->slot)
            return &board->lives[i];
    return NULL;
}

static void begin_live(struct board *board, struct live *live, const struct config_route *route)
{
    struct shard_route *workers[CONFIG_WORKERS_MAX];
    struct harvest_cells cells;

    *live = (struct live){.conf = route, .wanted = route->weight, .weight_ns = board->wall_ns, .step = -1};
    /* A route that was there before has counts in its cells. */
    cells = board_cells(board, live, workers);
    harvest_init(&live->harvest, &cells);
}

static void keep_live(struct live *live, struct live *old, const struct config_route *route)
{
    char kept[PLAN_PERCENT_LEN], written[PLAN_PERCENT_LEN];
    bool edited = route->weight != old->conf->weight;

    *live = *old;
    *old = (struct live){0};
    live->conf = route;
    if (edited && route->weight != live->weight)
        log_warn("route %s: the weight stays at %s %%; the file's %s %% is for a first start (penstock "
                 "weight sets it)",
                 route->name, plan_percent(live->weight, kept), plan_percent(route->weight, written));
}

static void free_rest(struct board *board)
{
    for (size_t i = 0; i < board->lives_len; i++) {
        run_free(board->lives[i].run);
        for (size_t side = 0; side < ROUTE_SIDES; side++)
            recent_free(board->lives[i].recent[side]);
    }
    free(board->lives);
}

/* The point of no return. Takes the reference of `new`. */
static void take(struct board *board, struct config *new)
{
    struct config *old = board->config;
    struct live *lives = mem_zalloc(new->routes_len * sizeof *lives);

    board->config = new;
    for (size_t i = 0; i < new->routes_len; i++) {
        struct live *kept = old_live(board, &new->routes[i]);

        if (kept)
            keep_live(&lives[i], kept, &new->routes[i]);
        else
            begin_live(board, &lives[i], &new->routes[i]);
    }
    free_rest(board);
    board->lives = lives;
    board->lives_len = new->routes_len;
    for (size_t i = 0; i < board->lives_len; i++)
        board_sync(board, &board->lives[i]);
    board->changed = true;
    board->loaded_wall_ns = board->wall_ns;
    board_publish(board);
    config_unref(old);
    if (board->store)
        board_save_all(board);
}

enum order_result reload(struct board *board, struct conf_report *report, char why[static ORDER_WHY_MAX])
{
    struct config *new;
    enum order_result result = ORDER_REFUSED;

    if (!board->config->path || !strcmp(board->config->path, "-")) {
        snprintf(why, ORDER_WHY_MAX, "the configuration did not come from a file that can be read again");
        return ORDER_REFUSED;
    }
    new = tls_load_config(board->config->path, report);
    if (!new) {
        snprintf(why, ORDER_WHY_MAX, "%s has errors; the old configuration serves on", board->config->path);
        return ORDER_INVALID;
    }
    if (fixed_parts(board->config, new, why) && slots_assign(board->slots, new, why, ORDER_WHY_MAX) &&
        rollouts_fit(board, new, why)) {
        take(board, new);
        result = ORDER_DONE;
    } else {
        config_unref(new);
    }
    return result;
}
