#include "proxy/eject.h"

#include "base/log.h"
#include "proxy/worker.h"

#include <inttypes.h>

static int64_t out_until(const struct worker *worker, const struct route_target *target)
{
    return worker->balance.out_until_ns[target->conf->slot];
}

static int64_t time_out(const struct config_ejection *conf, uint32_t ejections)
{
    return ejections < conf->max_time_ns / conf->time_ns ? conf->time_ns * ejections : conf->max_time_ns;
}

/* Whether one more of the group may go: never the last one, and no more than the share. */
static bool may_spare_one(const struct worker *worker, const struct route_group *group)
{
    uint32_t out = 0, most = group->open_len * group->conf->ejection.max_share / 100;

    for (uint32_t i = 0; i < group->open_len; i++)
        out += out_until(worker, &group->targets[i]) > worker->now_ns;
    return group->open_len > 1 && out < (most > 0 ? most : 1);
}

void eject_answered(struct worker *worker, const struct route_group *group, const struct route_target *target)
{
    struct eject *eject = &worker->targets[target->conf->slot]->eject;

    eject->failed = 0;
    if (eject->ejections &&
        worker->now_ns - out_until(worker, target) > time_out(&group->conf->ejection, eject->ejections))
        eject->ejections = 0;
}

void eject_failed(struct worker *worker, const struct route_group *group, const struct route_target *target,
                  const char *why)
{
    const struct config_ejection *conf = &group->conf->ejection;
    uint32_t slot = target->conf->slot;
    struct eject *eject = &worker->targets[slot]->eject;
    int64_t ns;

    eject->failed++;
    if (conf->failures == 0 || eject->failed < conf->failures || out_until(worker, target) > worker->now_ns ||
        !may_spare_one(worker, group))
        return;
    eject->failed = conf->failures - 1; /* after its time, one more failure is enough */
    ns = time_out(conf, ++eject->ejections);
    worker->balance.out_until_ns[slot] = worker->now_ns + ns;
    cell_add(&shard_target(worker->shard, slot)->ejections, 1);
    cell_set(&shard_target(worker->shard, slot)->out, 1);
    log_warn("group %s: target %s is left alone by worker %u for %" PRId64
             " s: %u requests in a row had no answer (%s)",
             group->conf->name, target->conf->address.text, worker->index, ns / NS_PER_S, conf->failures,
             why);
}
