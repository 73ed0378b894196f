#include "conf/config_override.h"

#include "conf/config_rule.h"
#include "conf/tree.h"

#include <string.h>

/* Beside what no header rule may touch: what targets cannot do without, since a signed header is removed. */
static bool is_taken(const struct config *config, const char *name)
{
    return config_rule_refuses(config, name) || str_eq_nocase(str_from(name), STR("Cookie")) ||
           str_eq_nocase(str_from(name), STR("Authorization"));
}

static bool is_everybody(const struct ip_net *net)
{
    return net->prefix == 0 || (net->prefix == 96 && ip_is_v4(&net->ip));
}

static void check_networks(struct schema_reader *reader, const struct tree *list,
                           const struct config_override *override)
{
    for (size_t i = 0; i < override->networks_len && i < list->len; i++)
        if (is_everybody(&override->networks[i]) && !list->values[i].blamed)
            schema_problem(reader, CONF_ERROR, &list->values[i],
                           "networks: %s is everybody; name the networks of the testers",
                           list->values[i].text);
}

static void check_signed(struct schema_reader *reader, const struct tree *map, const struct tree *secrets,
                         const struct config_override *override)
{
    if (!override->header && !override->cookie)
        schema_problem(reader, CONF_ERROR, secrets,
                       "secrets: are for a signed value; write the header or the cookie that it stands in");
    if (tree_find(map, "value"))
        schema_problem(
            reader, CONF_ERROR, tree_find(map, "value"),
            "value: a signed value is made with `penstock override sign`; remove this, or secrets");
    if (tree_find(map, "to"))
        schema_problem(reader, CONF_ERROR, tree_find(map, "to"),
                       "to: a signed value says itself which side it is for; remove this, or secrets");
    for (size_t i = 0; i < override->secrets_len && i < secrets->len; i++)
        if (override->secrets[i] && strlen(override->secrets[i]) < CONFIG_SECRET_MIN)
            schema_problem(reader, CONF_ERROR, &secrets->values[i],
                           "secrets: this one has fewer than %d characters and can be found by trying; make "
                           "one with openssl rand -hex 32",
                           CONFIG_SECRET_MIN);
}

static void check_plain(struct schema_reader *reader, const struct tree *map,
                        const struct config_override *override)
{
    bool named = override->header || override->cookie;

    if (!tree_find(map, "networks"))
        schema_problem(reader, CONF_ERROR, map,
                       "overrides: anybody could choose this; write secrets, or the networks of the testers");
    if (!tree_find(map, "to"))
        schema_problem(reader, CONF_ERROR, map, "to: is missing; write stable or canary");
    if (named && !tree_find(map, "value"))
        schema_problem(reader, CONF_ERROR, map,
                       "value: is missing; write what the header or cookie has to say, or secrets");
    if (!named && tree_find(map, "value"))
        schema_problem(reader, CONF_ERROR, tree_find(map, "value"),
                       "value: of what? write a header or a cookie");
}

void config_check_override(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct tree *secrets = tree_find(map, "secrets"), *networks = tree_find(map, "networks");
    const struct config_override *override = at;

    if (override->header && is_taken(reader->object, override->header))
        schema_problem(reader, CONF_ERROR, tree_find(map, "header"),
                       "header: %s has a meaning of its own; take another, such as X-Penstock-Override",
                       override->header);
    if (networks)
        check_networks(reader, networks, override);
    if (secrets)
        check_signed(reader, map, secrets, override);
    else
        check_plain(reader, map, override);
}

void config_check_overrides(struct schema_reader *reader, const struct tree *map,
                            const struct config_route *route)
{
    const struct tree *list = tree_find(map, "overrides");

    if (!list)
        return;
    if (!tree_find(map, "canary"))
        schema_problem(reader, CONF_ERROR, list,
                       "overrides: the route has no canary, so there is nothing to choose");
    if (route->affinity != CONFIG_AFFINITY_COOKIE || !route->affinity_name)
        return;
    for (size_t i = 0; i < route->overrides_len && i < list->len; i++)
        if (route->overrides[i].cookie && strcmp(route->overrides[i].cookie, route->affinity_name) == 0)
            schema_problem(reader, CONF_ERROR, &list->values[i],
                           "cookie: %s is the cookie of affinity; give the override another",
                           route->affinity_name);
}
