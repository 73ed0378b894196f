#include "route/routes.h"

#include "base/mem.h"
#include "proto/method.h"
#include "route/index.h"
#include "route/steer.h"

#include <stdio.h>
#include <stdlib.h>

/* 0: takes work, 1: unhealthy, 2: draining. */
static unsigned rank(struct route_target_state state)
{
    return state.draining ? 2 : state.unhealthy ? 1 : 0;
}

/* The targets of a group by rank, so that those that take work stand first. */
static void build_group(struct route_group *group, const struct config_group *conf,
                        const struct route_target_state *states)
{
    static const struct hash_key everywhere_the_same = {0, 0};
    uint32_t ends[3] = {0};

    group->conf = conf;
    group->targets = mem_alloc(conf->targets_len * sizeof *group->targets);
    for (unsigned r = 0; r < ARRAY_LEN(ends); r++) {
        for (size_t i = 0; i < conf->targets_len; i++) {
            struct route_target_state state =
                states ? states[conf->targets[i].slot] : (struct route_target_state){0};

            if (rank(state) == r)
                group->targets[group->targets_len++] = (struct route_target){
                    &conf->targets[i], state,
                    hash_keyed(&everywhere_the_same, str_from(conf->targets[i].address.text))};
        }
        ends[r] = group->targets_len;
    }
    group->open_len = ends[0];
    group->ill_len = ends[1] - ends[0];
}

static void build_metric(struct judging_metric *metric, const struct plan_metric *plan)
{
    metric->type = plan->type;
    metric->threshold_ns = plan->threshold_ns;
    metric->match = plan->match;
    metric->matches_all = plan_match_is_everything(&plan->match);
    for (unsigned status = 100; status < 600; status++)
        if (plan_status_is_bad(plan, status))
            metric->statuses[status / 64] |= UINT64_C(1) << (status % 64);
}

static enum judging_unit unit_of(enum unit_kind kind)
{
    switch (kind) {
    case UNIT_REQUEST:
        return JUDGING_UNIT_REQUEST;
    case UNIT_CLIENT:
        return JUDGING_UNIT_CLIENT;
    case UNIT_HEADER:
        return JUDGING_UNIT_HEADER;
    case UNIT_COOKIE:
        return JUDGING_UNIT_COOKIE;
    }
    BUG("unit %d", (int)kind);
}

struct judging *judging_new(const struct plan *plan, const struct guards *guards,
                            const struct config_route *route)
{
    const struct plan_analysis *analysis = &plan->analysis;
    struct judging *judging = mem_zalloc(sizeof *judging);

    judging->metrics_len = (uint32_t)analysis->metrics_len;
    for (size_t i = 0; i < analysis->metrics_len; i++)
        build_metric(&judging->metrics[i], &analysis->metrics[i]);
    for (size_t i = 0; i < analysis->metrics_len; i++)
        if (plan_metric_is_guard(&analysis->metrics[i])) {
            judging->metrics[i].threshold_ns = guards ? guards->threshold_ns[i] : 0;
            judging->guards |= 1u << i;
        }
    for (size_t i = 0; i < analysis->metrics_len; i++)
        if (analysis->metrics[i].dry_run && !(judging->guards >> i & 1))
            judging->dry_runs |= 1u << i;
    judging->learns = guards ? guards_learn(guards, plan) : 0;
    judging->age_ns = analysis->evaluation_age_ns;
    judging->failures_apart = plan->judge != JUDGE_PENSTOCK;
    judging->unit = unit_of(analysis->unit);
    snprintf(judging->unit_name, sizeof judging->unit_name, "%s", analysis->unit_name);
    judging->unit_window_ns = analysis->unit_window_ns;
    if (plan->affinity.kind == AFFINITY_NONE && route->affinity != CONFIG_AFFINITY_NONE &&
        judging->unit_window_ns < route->affinity_max_age_ns)
        judging->unit_window_ns = route->affinity_max_age_ns; /* the unit, not the request, was drawn */
    if (plan->affinity.kind != AFFINITY_NONE && judging->unit_window_ns < plan->affinity.max_age_ns)
        judging->unit_window_ns = plan->affinity.max_age_ns;
    return judging;
}

static enum config_affinity affinity_by(enum affinity_kind kind)
{
    switch (kind) {
    case AFFINITY_NONE:
        return CONFIG_AFFINITY_NONE;
    case AFFINITY_COOKIE:
        return CONFIG_AFFINITY_COOKIE;
    case AFFINITY_HEADER:
        return CONFIG_AFFINITY_HEADER;
    case AFFINITY_CLIENT_ADDRESS:
        return CONFIG_AFFINITY_CLIENT;
    }
    BUG("affinity %d", (int)kind);
}

/* How a cookie is set is the route's affair, also when the plan names it. */
static void build_affinity(struct route_affinity *affinity, const struct config_route *conf,
                           const struct plan *plan)
{
    bool planned = plan && plan->affinity.kind != AFFINITY_NONE;
    const char *name = planned ? plan->affinity.name : conf->affinity_name;

    affinity->by = planned ? affinity_by(plan->affinity.kind) : conf->affinity;
    snprintf(affinity->name, sizeof affinity->name, "%s", name ? name : "");
    affinity->max_age_ns = planned ? plan->affinity.max_age_ns : conf->affinity_max_age_ns;
    affinity->path = conf->affinity_path ? conf->affinity_path : "/";
    affinity->secure = conf->affinity_secure;
    affinity->same_site = conf->affinity_same_site;
}

/* Nothing for a method that is not known: it could be any. */
static uint32_t method_bit(const char *name)
{
    enum method method = method_from(str_from(name));

    return method == METHOD_OTHER ? 0 : UINT32_C(1) << method;
}

/* A rollout says how much and of what, and is about its canary; the rest stays as configured. */
static void build_mirror(struct route_mirror *mirror, const struct routes *routes,
                         const struct config_route *conf, const struct plan_mirror *plan)
{
    const struct config_mirror *own = &conf->mirror;
    int32_t group = own->group >= 0 && !plan ? own->group : conf->canary;

    if (group < 0 || config_route_answers(conf))
        return;
    mirror->group = &routes->groups[group];
    mirror->share = plan ? plan->weight : own->share;
    for (size_t i = 0; plan && i < plan->methods_len; i++)
        mirror->methods |= method_bit(plan->methods[i]);
    if (plan && plan->methods_len > 0)
        return;
    for (size_t i = 0; i < own->methods_len; i++)
        mirror->methods |= method_bit(own->methods[i]);
}

static void build_shield(struct route_shield *shield, const struct plan_shield *plan)
{
    shield->on = plan->on;
    for (size_t i = 0; i < plan->methods_len; i++)
        shield->methods |= method_bit(plan->methods[i]);
    if (plan->methods_len == 0)
        shield->methods = UINT32_C(1) << METHOD_GET | UINT32_C(1) << METHOD_HEAD;
}

static void build_route(struct routes *routes, struct route *route, const struct config_route *conf,
                        const struct route_live *live)
{
    route->conf = conf;
    route->bounds = &routes->bounds;
    route->side[ROUTE_STABLE] = conf->stable == CONFIG_NO_GROUP ? NULL : &routes->groups[conf->stable];
    route->side[ROUTE_CANARY] = conf->canary < 0 ? NULL : &routes->groups[conf->canary];
    route->weight = live->weight;
    route->epoch = live->epoch;
    route->step = live->step;
    build_mirror(&route->mirror, routes, conf, live->mirror);
    build_affinity(&route->affinity, conf, live->plan);
    route->steer = steer_new(live->header_route);
    route->may_choose = conf->overrides_len > 0 || route->steer;
    BUG_ON(route->weight > CONFIG_WEIGHT_ONE);
    if (!live->plan)
        return;
    route->judging = judging_new(live->plan, live->guards, conf);
    build_shield(&route->shield, &live->plan->shield);
    snprintf(route->plan_name, sizeof route->plan_name, "%s", live->plan->name);
}

static bool add_bound(struct route_bounds *bounds, int64_t ns)
{
    for (size_t i = 0; i < bounds->len; i++)
        if (bounds->ns[i] == ns)
            return true;
    if (bounds->len == ROUTE_BOUNDS)
        return false;
    bounds->ns[bounds->len++] = ns;
    return true;
}

bool route_bounds_add(struct route_bounds *bounds, const struct config_route *route, const struct plan *plan)
{
    bool room = route->slo_threshold_ns <= 0 || add_bound(bounds, route->slo_threshold_ns);

    for (size_t i = 0; plan && i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];

        if (metric->type == METRIC_LATENCY_SLO && metric->threshold_ns > 0)
            room &= add_bound(bounds, metric->threshold_ns);
    }
    return room;
}

struct routes *routes_build(struct config *config, const struct route_live *live,
                            const struct route_target_state *states, const struct hash_key *sticky_key,
                            uint64_t version)
{
    struct routes *routes = mem_zalloc(sizeof *routes);

    routes->version = version;
    routes->config = config_ref(config);
    routes->sticky_key = *sticky_key;
    routes->groups_len = config->groups_len;
    routes->groups = mem_zalloc(config->groups_len * sizeof *routes->groups);
    for (size_t i = 0; i < config->groups_len; i++)
        build_group(&routes->groups[i], &config->groups[i], states);
    routes->routes_len = config->routes_len;
    routes->routes = mem_zalloc(config->routes_len * sizeof *routes->routes);
    for (size_t i = 0; i < config->routes_len; i++)
        build_route(routes, &routes->routes[i], &config->routes[i], &live[i]);
    routes->index = route_index_new(config);
    return routes;
}

void routes_free(struct routes *routes)
{
    if (!routes)
        return;
    for (size_t i = 0; i < routes->groups_len; i++)
        free(routes->groups[i].targets);
    for (size_t i = 0; i < routes->routes_len; i++) {
        free((void *)(uintptr_t)routes->routes[i].judging);
        steer_free((struct steer *)(uintptr_t)routes->routes[i].steer);
    }
    free(routes->groups);
    free(routes->routes);
    route_index_free(routes->index);
    config_unref(routes->config);
    free(routes);
}

const struct route *routes_find(const struct routes *routes, struct str name)
{
    for (size_t i = 0; i < routes->routes_len; i++)
        if (str_eq(str_from(routes->routes[i].conf->name), name))
            return &routes->routes[i];
    return NULL;
}
