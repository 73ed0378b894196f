#include "control/roster.h"

#include "base/rnd.h"

#include <stdio.h>
#include <string.h>

uint64_t roster_id(const struct config_target *target)
{
    static const struct hash_key everywhere_the_same = {0, 0};
    uint64_t id = hash_keyed(&everywhere_the_same, str_from(target->address.text)) >> 1;

    return id ? id : 1;
}

static struct roster_entry sum_of(uint32_t slot, struct shard *const *shards, size_t len)
{
    struct roster_entry sum = {.slot = slot};

    for (size_t w = 0; w < len; w++) {
        const struct shard_target *cells = shard_target(shards[w], slot);

        if (!cells)
            continue;
        for (size_t m = 0; m < PLAN_METRICS_MAX; m++)
            sum.bad[m] += cell_get(&cells->bad[m]);
        sum.requests += cell_get(&cells->judged);
    }
    return sum;
}

static const struct roster_entry *find(const struct roster *roster, uint32_t slot)
{
    for (size_t i = 0; i < roster->len; i++)
        if (roster->entries[i].slot == slot)
            return &roster->entries[i];
    return NULL;
}

static struct tally_target row_of(const struct config_target *target, const struct roster_entry *now,
                                  const struct roster_entry *before)
{
    struct tally_target row = {.id = roster_id(target), .requests = now->requests - before->requests};

    snprintf(row.name, sizeof row.name, "%s", target->address.text);
    for (size_t m = 0; m < PLAN_METRICS_MAX; m++)
        row.bad[m] = now->bad[m] - before->bad[m];
    return row;
}

size_t roster_look(struct roster *roster, const struct config_group *group, struct shard *const *shards,
                   size_t shards_len, struct tally_target rows_r[static TALLY_TARGETS_MAX])
{
    struct roster next = {.len = group->targets_len};

    if (group->targets_len > TALLY_TARGETS_MAX) {
        roster->len = 0;
        return 0;
    }
    for (size_t i = 0; i < next.len; i++) {
        const struct config_target *target = &group->targets[i];
        const struct roster_entry *before = find(roster, target->slot);

        next.entries[i] = sum_of(target->slot, shards, shards_len);
        rows_r[i] = row_of(target, &next.entries[i], before ? before : &next.entries[i]);
    }
    *roster = next;
    return next.len;
}
