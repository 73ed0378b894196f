/*
 * The configuration, offline: no file is read, no name resolved, no variable expanded. A configuration loads,
 * or the report says why not; either way all of it is freed.
 */
#include "base/bug.h"
#include "conf/load.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_report report;
    struct config *config;

    conf_report_init(&report);
    config = config_load_bytes("fuzz", (struct str){(const char *)data, size}, ".", true, &report);
    BUG_ON((config == NULL) != (report.errors > 0));
    for (size_t i = 0; config && i < config->routes_len; i++) {
        const struct config_route *route = &config->routes[i];

        BUG_ON(!route->name || !route->path_prefix || route->stable >= config->groups_len);
        BUG_ON(route->canary >= (int32_t)config->groups_len || route->weight > CONFIG_WEIGHT_ONE);
    }
    config_unref(config);
    json_decref(conf_report_json(&report));
    conf_report_fini(&report);
    return 0;
}
