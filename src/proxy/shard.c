#include "proxy/shard.h"

#include "base/mem.h"

#include <stdlib.h>

const double shard_edges_s[SHARD_EDGES] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                           0.5,   0.75, 1,     2.5,  5,     7.5, 10};

struct shard *shard_new(void)
{
    return mem_zalloc(sizeof(struct shard));
}

static void free_route(struct shard_route *route)
{
    if (route)
        free(atomic_load_explicit(&route->exemplars, memory_order_relaxed));
    free(route);
}

void shard_free(struct shard *shard)
{
    if (!shard)
        return;
    for (size_t i = 0; i < CONFIG_ROUTES_MAX; i++)
        free_route(atomic_load_explicit(&shard->routes[i], memory_order_relaxed));
    for (size_t i = 0; i < CONFIG_TARGETS_MAX; i++)
        free(atomic_load_explicit(&shard->targets[i], memory_order_relaxed));
    for (size_t i = 0; i < CONFIG_GROUPS_MAX; i++)
        free(atomic_load_explicit(&shard->groups[i], memory_order_relaxed));
    free(shard);
}

static void cover_group(struct shard *shard, const struct config_group *group)
{
    if (!shard_group(shard, group->slot))
        atomic_store_explicit(&shard->groups[group->slot], mem_zalloc(sizeof(struct shard_group)),
                              memory_order_release);
    for (size_t k = 0; k < group->targets_len; k++) {
        uint32_t slot = group->targets[k].slot;

        if (!shard_target(shard, slot))
            atomic_store_explicit(&shard->targets[slot], mem_zalloc(sizeof(struct shard_target)),
                                  memory_order_release);
    }
}

static void cover_route(struct shard *shard, uint32_t slot, bool traced)
{
    struct shard_route *route = shard_route(shard, slot);

    if (!route) {
        route = mem_zalloc(sizeof *route);
        atomic_store_explicit(&shard->routes[slot], route, memory_order_release);
    }
    if (traced && !shard_exemplars(route))
        atomic_store_explicit(&route->exemplars, mem_zalloc(sizeof(struct shard_exemplars)),
                              memory_order_release);
}

void shard_cover(struct shard *shard, const struct config *config)
{
    for (size_t i = 0; i < config->routes_len; i++)
        cover_route(shard, config->routes[i].slot, config->tracing.on);
    for (size_t i = 0; i < config->groups_len; i++)
        cover_group(shard, &config->groups[i]);
}
