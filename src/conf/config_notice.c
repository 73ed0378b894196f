#include "conf/config_notice.h"

#include "base/mem.h"

#include <string.h>

#define PAGERDUTY_URL "https://events.pagerduty.com/v2/enqueue"

/* An address that is a secret is not part of the message. */
static void check_url(struct schema_reader *reader, const struct tree *map, struct config_notice *notice)
{
    if (!notice->url && notice->kind == CONFIG_NOTICE_PAGERDUTY)
        notice->url = mem_strdup(PAGERDUTY_URL);
    else if (!notice->url && !tree_find(map, "url"))
        schema_problem(reader, CONF_ERROR, map, "url: is missing; only pagerduty has one of its own");
    else if (notice->url && !reader->offline && !str_is_http_url(str_from(notice->url)))
        schema_problem(reader, CONF_ERROR, tree_within(map, "url"),
                       "url: an http:// or https:// address is needed");
}

/* whsec_ says that base64 follows (Standard Webhooks). */
static void check_secret(struct schema_reader *reader, const struct tree *map, const char *secret)
{
    const char *rest = secret && strncmp(secret, "whsec_", 6) == 0 ? secret + 6 : NULL;
    size_t len = rest ? strlen(rest) : 0, digits;

    if (!rest)
        return;
    digits = strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    if (digits == 0 || len % 4 != 0 || digits + strspn(rest + digits, "=") != len || len - digits > 2)
        schema_problem(reader, CONF_ERROR, tree_within(map, "secret"),
                       "secret: what follows whsec_ is no base64, which the key has to be in then");
}

void config_check_webhooks(struct schema_reader *reader, const struct tree *map, void *at)
{
    check_secret(reader, map, ((const struct config *)at)->webhook_secret);
}

/* A key that only some kinds have a use for. */
static void only_for(struct schema_reader *reader, const struct tree *map, const char *key, bool fits,
                     const char *kinds)
{
    if (tree_find(map, key) && !fits)
        schema_problem(reader, CONF_ERROR, tree_within(map, key), "%s: is for kind %s; remove it", key,
                       kinds);
}

void config_check_notice(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_notice *notice = at;
    bool pages = notice->kind == CONFIG_NOTICE_PAGERDUTY;

    check_url(reader, map, notice);
    check_secret(reader, map, notice->secret);
    only_for(reader, map, "secret", !pages && notice->kind != CONFIG_NOTICE_SLACK, "generic or sns");
    only_for(reader, map, "topic", notice->kind == CONFIG_NOTICE_SNS, "sns");
    only_for(reader, map, "routingKey", pages, "pagerduty");
    if (pages && !tree_find(map, "routingKey"))
        schema_problem(reader, CONF_ERROR, map, "routingKey: is missing; PagerDuty asks for the service's");
    if (notice->kind == CONFIG_NOTICE_SNS && !tree_find(map, "topic"))
        schema_problem(reader, CONF_ERROR, map, "topic: is missing; a notification of SNS names one");
}

static bool has_route(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->routes_len; i++)
        if (config->routes[i].name && !strcmp(config->routes[i].name, name))
            return true;
    return false;
}

static const struct tree *list_item(const struct tree *list, size_t i)
{
    return list && list->kind == TREE_LIST && i < list->len ? &list->values[i] : list;
}

static void check_one(struct schema_reader *reader, const struct tree *map, const struct config *config,
                      size_t at)
{
    const struct config_notice *notice = &config->notices[at];

    for (size_t i = 0; i < at; i++)
        if (notice->name && config->notices[i].name && !strcmp(notice->name, config->notices[i].name))
            schema_problem(reader, CONF_ERROR, tree_within(map, "name"),
                           "name: %s is there already; take another", notice->name);
    for (size_t i = 0; i < notice->routes_len; i++)
        if (notice->routes[i] && !has_route(config, notice->routes[i]))
            schema_problem(reader, CONF_ERROR, list_item(tree_find(map, "routes"), i),
                           "routes: no route is named %s", notice->routes[i]);
}

void config_check_notices(struct schema_reader *reader, const struct tree *root, const struct config *config)
{
    const struct tree *list = tree_find(root, "notify");

    for (size_t i = 0; list && i < config->notices_len; i++)
        check_one(reader, list_item(list, i), config, i);
}
