#include "conf/config_source.h"

#include "base/mem.h"

#include <string.h>

static void default_url(struct config_source *source)
{
    switch (source->kind) {
    case CONFIG_SOURCE_PROMETHEUS:
        return;
    case CONFIG_SOURCE_CLOUDWATCH:
        if (source->region)
            source->url = mem_printf("https://monitoring.%s.amazonaws.com%s", source->region,
                                     strncmp(source->region, "cn-", 3) == 0 ? ".cn" : "");
        return;
    case CONFIG_SOURCE_DATADOG:
        source->url = mem_strdup("https://api.datadoghq.com");
        return;
    }
}

/* The path of the API is put behind it. */
static void check_url(struct schema_reader *reader, const struct tree *map, struct config_source *source)
{
    struct str url;

    if (!source->url && !tree_find(map, "url"))
        default_url(source);
    if (!source->url && !tree_find(map, "url") && source->kind == CONFIG_SOURCE_PROMETHEUS)
        schema_problem(reader, CONF_ERROR, map, "url: is missing; write where it is asked");
    if (!source->url)
        return;
    url = str_from(source->url);
    if (!str_is_http_url(url))
        schema_problem(reader, CONF_ERROR, tree_within(map, "url"),
                       "url: an http:// or https:// address is needed");
    else if (strpbrk(source->url, "?#@ "))
        schema_problem(reader, CONF_ERROR, tree_within(map, "url"),
                       "url: is taken without a user, a query or a fragment");
    while (url.len && url.p[url.len - 1] == '/')
        source->url[--url.len] = '\0';
}

/* What only one type has a use for, and what it cannot do without. */
static const struct {
    const char *key, *name;
    enum config_source_kind kind;
    bool required;
} only_for[] = {
    {"user", "prometheus", CONFIG_SOURCE_PROMETHEUS, false},
    {"password", "prometheus", CONFIG_SOURCE_PROMETHEUS, false},
    {"token", "prometheus", CONFIG_SOURCE_PROMETHEUS, false},
    {"region", "cloudwatch", CONFIG_SOURCE_CLOUDWATCH, true},
    {"accessKeyId", "cloudwatch", CONFIG_SOURCE_CLOUDWATCH, false},
    {"secretAccessKey", "cloudwatch", CONFIG_SOURCE_CLOUDWATCH, false},
    {"sessionToken", "cloudwatch", CONFIG_SOURCE_CLOUDWATCH, false},
    {"apiKey", "datadog", CONFIG_SOURCE_DATADOG, true},
    {"applicationKey", "datadog", CONFIG_SOURCE_DATADOG, true},
};

static void check_kind(struct schema_reader *reader, const struct tree *map,
                       const struct config_source *source)
{
    for (size_t i = 0; i < ARRAY_LEN(only_for); i++) {
        const struct tree *node = tree_find(map, only_for[i].key);

        if (node && source->kind != only_for[i].kind)
            schema_problem(reader, CONF_ERROR, node, "%s: is for the type %s; remove it", only_for[i].key,
                           only_for[i].name);
        else if (!node && only_for[i].required && source->kind == only_for[i].kind)
            schema_problem(reader, CONF_ERROR, map, "%s: is missing; the type %s needs it", only_for[i].key,
                           only_for[i].name);
    }
}

static void check_login(struct schema_reader *reader, const struct tree *map,
                        const struct config_source *source)
{
    if (tree_find(map, "password") && !tree_find(map, "user"))
        schema_problem(reader, CONF_ERROR, tree_within(map, "password"), "password: whose? write user too");
    if (tree_find(map, "user") && tree_find(map, "token"))
        schema_problem(reader, CONF_ERROR, tree_within(map, "token"),
                       "token: takes the place of user; remove one");
    if (!tree_find(map, "accessKeyId") != !tree_find(map, "secretAccessKey"))
        schema_problem(reader, CONF_ERROR, map,
                       "accessKeyId: and secretAccessKey belong together; write both, or none");
    if (source->kind == CONFIG_SOURCE_CLOUDWATCH && tree_find(map, "sessionToken") &&
        !tree_find(map, "accessKeyId"))
        schema_problem(reader, CONF_ERROR, tree_find(map, "sessionToken"),
                       "sessionToken: of which keys? write accessKeyId and secretAccessKey too");
}

void config_check_source(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_source *source = at;

    check_url(reader, map, source);
    check_kind(reader, map, source);
    check_login(reader, map, source);
}

void config_check_sources(struct schema_reader *reader, const struct tree *root, const struct config *config)
{
    for (size_t i = 0; i < config->sources_len; i++) {
        const struct config_source *source = &config->sources[i];

        if (source->name && config_source(config, source->name) != source)
            schema_problem(reader, CONF_ERROR, tree_within(tree_item(root, "metricSources", i), "name"),
                           "name: %s is there already; take another", source->name);
    }
}
