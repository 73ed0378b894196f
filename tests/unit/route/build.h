/*
 * What the tests of route/ share: a configuration from the text that a user would write, and snapshots of it.
 */
#ifndef TESTS_UNIT_ROUTE_BUILD_H
#define TESTS_UNIT_ROUTE_BUILD_H

#include "../unit.h"
#include "conf/load.h"
#include "route/routes.h"

#include <stdio.h>

#define BUILD_HEAD                                                                                           \
    "listeners: [ { address: \"127.0.0.1:0\" } ]\n"                                                          \
    "targetGroups:\n"                                                                                        \
    "  a: { platform: ec2, targets: [ \"10.0.0.1:80\", \"10.0.0.2:80\", \"10.0.0.3:80\" ] }\n"               \
    "  b: { platform: fargate, targets: [ \"10.0.1.1:80\", \"10.0.1.2:80\" ] }\n"

/* A config of these lines; one reference, the caller's. */
static inline struct config *build_config(const char *yaml)
{
    struct conf_report report;
    struct config *config;

    conf_report_init(&report);
    config = config_load_bytes("test", str_from(yaml), ".", true, &report);
    if (!config)
        conf_report_print(&report, stderr);
    ck_assert_ptr_nonnull(config);
    conf_report_fini(&report);
    return config;
}

/* A snapshot with this weight on every route, without a rollout; all targets take work when `states` is NULL.
 */
static inline struct routes *build_routes(struct config *config, uint32_t weight,
                                          const struct route_target_state *states)
{
    static const struct hash_key key = {1, 2};
    struct route_live live[16];

    ck_assert_uint_le(config->routes_len, ARRAY_LEN(live));
    for (size_t i = 0; i < config->routes_len; i++)
        live[i] = (struct route_live){.weight = weight, .epoch = 1, .step = -1};
    return routes_build(config, live, states, &key, 1);
}

#endif
