#include "export/meter.h"

#include "base/bug.h"
#include "export/meter_rows.h"

#include <stdio.h>
#include <string.h>

const struct meter *meter_row(size_t i)
{
    if (i < meter_traffic_rows_len)
        return &meter_traffic_rows[i];
    i -= meter_traffic_rows_len;
    return i < meter_self_rows_len ? &meter_self_rows[i] : NULL;
}

/* ---- cells
 * ----------------------------------------------------------------------------------------------- */

/* The struct of cells of a worker that belongs to a place; NULL where it has none. */
static const void *cells_of(const struct meter_place *place, enum meter_scope scope, size_t worker)
{
    struct shard *shard = place->view->shards[worker];
    const struct shard_route *route;

    switch (scope) {
    case METER_PROCESS:
    case METER_WORKER:
        return shard;
    case METER_ROUTE:
    case METER_OVERRIDES:
    case METER_MIRROR:
        return shard_route(shard, place->route->conf->slot);
    case METER_SIDE:
        route = shard_route(shard, place->route->conf->slot);
        return route ? &route->side[place->side] : NULL;
    case METER_GROUP:
        return shard_group(shard, place->group->slot);
    case METER_TARGET:
        return shard_target(shard, place->target->slot);
    case METER_LISTENER:
    case METER_CERTIFICATE:
    case METER_LOG:
    case METER_NOTICE:
    case METER_SOURCE:
    case METER_ROLLOUT:
        break;
    }
    BUG("metrics of scope %d have no cells", (int)scope);
}

uint64_t meter_sum(const struct meter_place *place, enum meter_scope scope, size_t cell)
{
    uint64_t sum = 0;

    if (scope == METER_WORKER)
        return cell_get_at(cells_of(place, scope, place->worker), cell);
    for (size_t w = 0; w < place->view->shards_len; w++)
        sum += cell_get_at(cells_of(place, scope, w), cell);
    return sum;
}

/* ---- labels
 * ---------------------------------------------------------------------------------------------- */

void meter_label(struct meter_labels *labels, const char *name, const char *value)
{
    BUG_ON(labels->len == METER_LABELS_MAX);
    labels->labels[labels->len++] = (struct meter_label){name, value};
}

static void label_group(const struct config_group *group, struct meter_labels *labels)
{
    meter_label(labels, "group", group->name);
    meter_label(labels, "platform", group->platform);
}

/* A path is as long as the system likes, and its end says most. */
static const char *end_of(const char *path)
{
    enum { SHOWN = LOGSINK_NAME_SHOWN };
    size_t len = strlen(path);

    return len > SHOWN ? path + len - SHOWN : path;
}

static void label_place(const struct meter_place *place, enum meter_scope scope, struct meter_labels *labels)
{
    if (place->route)
        meter_label(labels, "route", place->route->conf->name);
    if (place->group)
        label_group(place->group, labels);
    if (place->target)
        meter_label(labels, "target", place->target->address.text);
    if (place->listener)
        meter_label(labels, "listener", place->listener->address.text);
    if (scope == METER_CERTIFICATE)
        meter_label(labels, "certificate",
                    end_of(place->listener->tls.certificates[place->certificate].cert_file));
    if (place->log)
        meter_label(labels, "sink", end_of(place->log->name));
    if (place->notice)
        meter_label(labels, "receiver", place->notice->name);
    if (place->source)
        meter_label(labels, "source", place->source->name);
    if (scope == METER_SIDE)
        meter_label(labels, "side", place->side == ROUTE_CANARY ? "canary" : "stable");
    if (scope == METER_ROLLOUT)
        meter_label(labels, "plan", place->live->rollout->plan);
    if (scope == METER_WORKER) {
        snprintf(labels->number, sizeof labels->number, "%zu", place->worker);
        meter_label(labels, "worker", labels->number);
    }
}

/* ---- the walk
 * -------------------------------------------------------------------------------------------- */

struct walk {
    const struct meter *meter;
    meter_visit *visit;
    void *arg;
};

/* A count in what is told of a sink, of a receiver or of a source. */
static double count_in(const void *counts, size_t offset)
{
    uint64_t count;

    memcpy(&count, (const char *)counts + offset, sizeof count);
    return (double)count;
}

static bool value_of(const struct meter *meter, const struct meter_place *place, double *value_r)
{
    if (meter->kind == METER_HISTOGRAM)
        *value_r = 0;
    else if (meter->read)
        return meter->read(place, value_r);
    else if (meter->scope == METER_LOG)
        *value_r = count_in(place->log, meter->cell);
    else if (meter->scope == METER_NOTICE)
        *value_r = count_in(place->notice, meter->cell);
    else if (meter->scope == METER_SOURCE)
        *value_r = count_in(place->source, meter->cell);
    else
        *value_r =
            (double)meter_sum(place, meter->scope, meter->cell + place->variant * sizeof(struct cell)) *
            (meter->unit > 0 ? meter->unit : 1);
    return true;
}

/* Copies are told of while a share is copied, and after, once there were any. */
static bool is_told(const struct meter *meter, const struct meter_place *place, double value)
{
    if (value > 0)
        return true;
    if (meter->scope == METER_MIRROR && place->route->mirror.share == 0)
        return false;
    return !meter->always || meter->always(place->variant);
}

/* The samples of a place: one, or as many as there are variants. */
static void walk_place(const struct walk *walk, struct meter_place place)
{
    const struct meter *meter = walk->meter;
    double value;

    for (place.variant = 0; place.variant < (meter->variants ? meter->variants : 1); place.variant++) {
        struct meter_labels labels = {.len = 0};

        if (!value_of(meter, &place, &value) || !is_told(meter, &place, value))
            continue;
        label_place(&place, meter->scope, &labels);
        if (meter->label)
            meter->label(place.variant, &place, &labels);
        walk->visit(&(struct meter_sample){meter, &place, &labels, value}, walk->arg);
    }
}

static void walk_sides(const struct walk *walk, struct meter_place place)
{
    for (place.side = 0; place.side < ROUTE_SIDES; place.side++) {
        if (!place.route->side[place.side])
            continue;
        place.group = place.route->side[place.side]->conf;
        walk_place(walk, place);
    }
}

static void walk_mirror(const struct walk *walk, struct meter_place place)
{
    const struct route_group *group = place.route->mirror.group;

    if (!group)
        return;
    place.group = group->conf;
    walk_place(walk, place);
}

static void walk_routes(const struct walk *walk, struct meter_place place)
{
    enum meter_scope scope = walk->meter->scope;

    for (size_t i = 0; i < place.view->routes->routes_len; i++) {
        place.route = &place.view->routes->routes[i];
        place.live = &place.view->live[i];
        if (scope == METER_SIDE)
            walk_sides(walk, place);
        else if (scope == METER_MIRROR)
            walk_mirror(walk, place);
        else if (scope == METER_ROUTE || (scope == METER_ROLLOUT && place.live->rollout) ||
                 (scope == METER_OVERRIDES && place.route->conf->overrides_len > 0))
            walk_place(walk, place);
    }
}

static void walk_groups(const struct walk *walk, struct meter_place place)
{
    const struct config *config = place.view->routes->config;

    for (size_t i = 0; i < config->groups_len; i++) {
        place.group = &config->groups[i];
        place.target = NULL;
        if (walk->meter->scope == METER_GROUP)
            walk_place(walk, place);
        for (size_t k = 0; walk->meter->scope == METER_TARGET && k < place.group->targets_len; k++) {
            place.target = &place.group->targets[k];
            walk_place(walk, place);
        }
    }
}

static void walk_listeners(const struct walk *walk, struct meter_place place)
{
    const struct config *config = place.view->routes->config;

    for (size_t i = 0; i < config->listeners_len; i++) {
        place.listener = &config->listeners[i];
        if (!place.listener->tls.server)
            continue;
        place.certificate = 0;
        if (walk->meter->scope == METER_LISTENER)
            walk_place(walk, place);
        else
            for (; place.certificate < place.listener->tls.certificates_len; place.certificate++)
                walk_place(walk, place);
    }
}

void meter_each(const struct meter_view *view, const struct meter *meter, meter_visit *visit, void *arg)
{
    struct walk walk = {meter, visit, arg};
    struct meter_place place = {.view = view};

    switch (meter->scope) {
    case METER_PROCESS:
        walk_place(&walk, place);
        return;
    case METER_WORKER:
        for (; place.worker < view->shards_len; place.worker++)
            walk_place(&walk, place);
        return;
    case METER_LISTENER:
    case METER_CERTIFICATE:
        walk_listeners(&walk, place);
        return;
    case METER_LOG:
        for (size_t i = 0; i < view->logs_len; i++) {
            place.log = &view->logs[i];
            walk_place(&walk, place);
        }
        return;
    case METER_NOTICE:
        for (size_t i = 0; i < view->notices_len; i++) {
            place.notice = &view->notices[i];
            walk_place(&walk, place);
        }
        return;
    case METER_SOURCE:
        for (size_t i = 0; i < view->sources_len; i++) {
            place.source = &view->sources[i];
            walk_place(&walk, place);
        }
        return;
    case METER_ROUTE:
    case METER_OVERRIDES:
    case METER_MIRROR:
    case METER_ROLLOUT:
    case METER_SIDE:
        walk_routes(&walk, place);
        return;
    case METER_GROUP:
    case METER_TARGET:
        walk_groups(&walk, place);
        return;
    }
}
