#include "control/slots.h"

#include "base/mem.h"
#include "base/rnd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys by hash, open addressing; the place in `keys` is the number. */
struct table {
    const char *what;
    uint32_t max;
    char **keys;
    uint32_t len;
    uint32_t *index; /* number + 1, 0 for empty */
    uint32_t mask;
};

struct slots {
    struct hash_key key;
    struct table routes, groups, targets;
};

static void table_init(struct table *table, const char *what, uint32_t max)
{
    uint32_t size = 1;

    while (size < 2 * max)
        size *= 2;
    table->what = what;
    table->max = max;
    table->keys = mem_zalloc(max * sizeof(char *));
    table->index = mem_zalloc(size * sizeof *table->index);
    table->mask = size - 1;
}

static void table_fini(struct table *table)
{
    for (uint32_t i = 0; i < table->len; i++)
        free(table->keys[i]);
    free(table->keys);
    free(table->index);
}

/* The number of a key, which is taken over. */
static bool table_number(struct table *table, const struct hash_key *hash_key, char *key, uint32_t *number_r)
{
    uint32_t at = (uint32_t)hash_keyed(hash_key, str_from(key)) & table->mask;

    for (; table->index[at]; at = (at + 1) & table->mask) {
        if (!strcmp(table->keys[table->index[at] - 1], key)) {
            free(key);
            *number_r = table->index[at] - 1;
            return true;
        }
    }
    if (table->len == table->max) {
        free(key);
        return false;
    }
    table->keys[table->len] = key;
    table->index[at] = ++table->len;
    *number_r = table->len - 1;
    return true;
}

struct slots *slots_new(void)
{
    struct slots *slots = mem_zalloc(sizeof *slots);

    hash_key_init(&slots->key);
    table_init(&slots->routes, "routes", CONFIG_ROUTES_MAX);
    table_init(&slots->groups, "groups", CONFIG_GROUPS_MAX);
    table_init(&slots->targets, "targets", CONFIG_TARGETS_MAX);
    return slots;
}

void slots_free(struct slots *slots)
{
    if (!slots)
        return;
    table_fini(&slots->routes);
    table_fini(&slots->groups);
    table_fini(&slots->targets);
    free(slots);
}

/* No name has a line end in it. */
static char *route_key(const struct config *config, const struct config_route *route)
{
    const struct config_group *stable =
        route->stable == CONFIG_NO_GROUP ? NULL : &config->groups[route->stable];
    const struct config_group *canary = route->canary < 0 ? NULL : &config->groups[route->canary];

    return mem_printf("%s\n%s\n%s\n%s\n%s", route->name, stable ? stable->name : "",
                      stable ? stable->platform : "", canary ? canary->name : "",
                      canary ? canary->platform : "");
}

static bool assign_group(struct slots *slots, struct config_group *group, const struct table **full_r)
{
    *full_r = &slots->groups;
    if (!table_number(&slots->groups, &slots->key, mem_printf("%s\n%s", group->name, group->platform),
                      &group->slot))
        return false;
    *full_r = &slots->targets;
    for (size_t i = 0; i < group->targets_len; i++)
        if (!table_number(
                &slots->targets, &slots->key,
                mem_printf("%s\n%s\n%s", group->name, group->platform, group->targets[i].address.text),
                &group->targets[i].slot))
            return false;
    return true;
}

bool slots_assign(struct slots *slots, struct config *config, char *why, size_t why_len)
{
    const struct table *full = &slots->routes;
    bool ok = true;

    for (size_t i = 0; i < config->routes_len && ok; i++)
        ok = table_number(&slots->routes, &slots->key, route_key(config, &config->routes[i]),
                          &config->routes[i].slot);
    for (size_t i = 0; i < config->groups_len && ok; i++)
        ok = assign_group(slots, &config->groups[i], &full);
    if (!ok)
        snprintf(why, why_len,
                 "more than %u different %s since the start: their counters are kept, so restart penstock to "
                 "take this",
                 full->max, full->what);
    return ok;
}
