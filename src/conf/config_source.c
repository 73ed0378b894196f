#include "conf/config_source.h"

#include <string.h>

/* The path of the API is put behind it. */
static void check_url(struct schema_reader *reader, const struct tree *map, struct config_source *source)
{
    struct str url = str_from(source->url);

    if (!source->url && !tree_find(map, "url"))
        schema_problem(reader, CONF_ERROR, map, "url: is missing; write where it is asked");
    if (!source->url)
        return;
    if (!str_starts_with(url, STR("http://")) && !str_starts_with(url, STR("https://")))
        schema_problem(reader, CONF_ERROR, tree_within(map, "url"),
                       "url: an http:// or https:// address is needed");
    else if (strpbrk(source->url, "?#@ "))
        schema_problem(reader, CONF_ERROR, tree_within(map, "url"),
                       "url: is taken without a user, a query or a fragment");
    while (url.len && url.p[url.len - 1] == '/')
        source->url[--url.len] = '\0';
}

static void check_login(struct schema_reader *reader, const struct tree *map)
{
    if (tree_find(map, "password") && !tree_find(map, "user"))
        schema_problem(reader, CONF_ERROR, tree_within(map, "password"), "password: whose? write user too");
    if (tree_find(map, "user") && tree_find(map, "token"))
        schema_problem(reader, CONF_ERROR, tree_within(map, "token"),
                       "token: takes the place of user; remove one");
}

void config_check_source(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_source *source = at;

    check_url(reader, map, source);
    check_login(reader, map);
}

void config_check_sources(struct schema_reader *reader, const struct tree *root, const struct config *config)
{
    const struct tree *list = tree_find(root, "metricSources");

    for (size_t i = 0; list && list->kind == TREE_LIST && i < config->sources_len && i < list->len; i++) {
        const struct config_source *source = &config->sources[i];

        if (source->name && config_source(config, source->name) != source)
            schema_problem(reader, CONF_ERROR, tree_within(&list->values[i], "name"),
                           "name: %s is there already; take another", source->name);
    }
}
