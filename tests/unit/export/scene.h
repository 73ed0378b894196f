/*
 * What those who tell of metrics look at: a configuration, the counters of two workers, and a view of them.
 * Included by one test program each.
 */
#ifndef TESTS_EXPORT_SCENE_H
#define TESTS_EXPORT_SCENE_H

#include "../unit.h"
#include "base/clk.h"
#include "conf/load.h"
#include "export/meter.h"

#include <math.h>
#include <string.h>

enum { SCENE_WORKERS = 2, SCENE_ROUTES_MAX = 2 };

static struct routes *routes;
static struct shard *shards[SCENE_WORKERS];
static bool draining[CONFIG_TARGETS_MAX], unhealthy[CONFIG_TARGETS_MAX];
static struct meter_route live[SCENE_ROUTES_MAX];
static struct meter_view view;

/* The first route has a weight of 12.5 %, the others of 0. */
static void scene_init(const char *yaml)
{
    struct route_live lives[SCENE_ROUTES_MAX] = {{.weight = 1250, .epoch = 1, .step = -1},
                                                 {.epoch = 1, .step = -1}};
    struct hash_key key = {1, 2};
    struct conf_report report;
    struct config *config;

    conf_report_init(&report);
    config = config_load_bytes("test.yaml", str_from(yaml), ".", false, &report);
    ck_assert_uint_eq(report.errors, 0);
    conf_report_fini(&report);
    ck_assert_uint_le(config->routes_len, SCENE_ROUTES_MAX);
    routes = routes_build(config, lives, NULL, &key, 1);
    for (size_t i = 0; i < SCENE_WORKERS; i++) {
        shards[i] = shard_new();
        shard_cover(shards[i], config);
    }
    config_unref(config);
    for (size_t i = 0; i < SCENE_ROUTES_MAX; i++)
        live[i] = (struct meter_route){.in_force = true, .share = NAN};
    view = (struct meter_view){.version = "1.2.3",
                               .started_wall_ns = 1500 * NS_PER_MS,
                               .ready = true,
                               .routes = routes,
                               .live = live,
                               .shards = shards,
                               .shards_len = SCENE_WORKERS,
                               .draining = draining,
                               .unhealthy = unhealthy};
}

static void scene_fini(void)
{
    for (size_t i = 0; i < SCENE_WORKERS; i++)
        shard_free(shards[i]);
    routes_free(routes);
    memset(draining, 0, sizeof(draining));
    memset(unhealthy, 0, sizeof(unhealthy));
}

#endif
