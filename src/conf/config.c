#include "conf/config.h"

#include "base/bug.h"
#include "conf/config_table.h"

#include <stdlib.h>
#include <string.h>

struct config *config_ref(struct config *config)
{
    config->refs++;
    return config;
}

void config_unref(struct config *config)
{
    if (!config)
        return;
    BUG_ON(config->refs == 0);
    if (--config->refs > 0)
        return;
    for (size_t i = 0; i < config->listeners_len; i++) {
        if (config->listeners[i].tls.server)
            config->listeners[i].tls.server_free(config->listeners[i].tls.server);
        free(config->listeners[i].tls.hsts);
    }
    for (size_t i = 0; i < config->groups_len; i++)
        if (config->groups[i].tls.context)
            config->groups[i].tls.context_free(config->groups[i].tls.context);
    schema_free(&config_section, config);
    free(config->path);
    free(config);
}

const struct config_source *config_source(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->sources_len; i++)
        if (config->sources[i].name && !strcmp(config->sources[i].name, name))
            return &config->sources[i];
    return NULL;
}

bool config_trusts(const void *forwarded, const struct ip *ip, unsigned number)
{
    const struct config_forwarded *conf = forwarded;

    return number <= conf->trusted_hops || ip_nets_have(conf->trusted, conf->trusted_len, ip);
}
