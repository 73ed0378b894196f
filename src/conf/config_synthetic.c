#include "conf/config_synthetic.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

/* ---- the checks ---- */

/* Whether words of browsers begin so. */
static bool is_usual(struct str agent)
{
    static const char *const usual[] = {"Mozilla/", "AppleWebKit/", "Safari/", "Chrome/", "Gecko/"};

    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        if (str_starts_with(str_from(usual[i]), agent) || str_starts_with(agent, str_from(usual[i])))
            return true;
    return false;
}

/* What nearly every request has would leave nothing to the judge. */
static void check_agents(struct schema_reader *reader, const struct tree *list,
                         const struct config_synthetic *synthetic)
{
    for (size_t i = 0; list && i < synthetic->agents_len && i < list->len; i++) {
        const char *agent = synthetic->agents[i];

        if (!agent)
            continue;
        if (strchr(agent, ' '))
            schema_problem(reader, CONF_ERROR, &list->values[i],
                           "userAgents: \"%s\" is no beginning of a word; write one without blanks", agent);
        if (is_usual(str_from(agent)))
            schema_problem(reader, CONF_WARNING, &list->values[i],
                           "userAgents: browsers say %s: the judge would not see what people get", agent);
    }
}

static void check_map(struct schema_reader *reader, const struct tree *map,
                      const struct config_synthetic *synthetic)
{
    const struct tree *trusted = tree_find(map, "trusted");

    check_agents(reader, tree_find(map, "userAgents"), synthetic);
    if (trusted && synthetic->trust != CONFIG_SYNTHETIC_LISTED)
        schema_problem(reader, CONF_ERROR, trusted,
                       "trusted: is for trust: listed; write it, or remove trusted");
}

static void warn_of_nobody(struct schema_reader *reader, const struct tree *map)
{
    schema_problem(reader, CONF_WARNING, tree_find(map, "trust"),
                   "trust: nobody is listed; write trusted, or trust: nobody");
}

void config_check_synthetic_map(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct config_synthetic *synthetic = &((const struct config *)at)->synthetic;

    check_map(reader, map, synthetic);
    if (synthetic->trust == CONFIG_SYNTHETIC_LISTED && !tree_find(map, "trusted"))
        warn_of_nobody(reader, map);
}

void config_check_route_synthetic_map(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_route *route = at;

    route->own_synthetic = true;
    check_map(reader, map, &route->synthetic);
}

/* ---- what was not written ---- */

static void copy_trusted(struct config_synthetic *to, const struct config_synthetic *from)
{
    if (from->trusted_len == 0)
        return;
    to->trusted = mem_alloc(from->trusted_len * sizeof *to->trusted);
    memcpy(to->trusted, from->trusted, from->trusted_len * sizeof *to->trusted);
    to->trusted_len = from->trusted_len;
}

static void copy_agents(struct config_synthetic *to, const struct config_synthetic *from)
{
    to->agents = mem_zalloc((from->agents_len + 1) * sizeof *to->agents);
    for (size_t i = 0; i < from->agents_len; i++)
        to->agents[i] = mem_strdup_if(from->agents[i]);
    to->agents_len = from->agents_len;
}

static void copy_headers(struct config_synthetic *to, const struct config_synthetic *from)
{
    to->headers = mem_zalloc((from->headers_len + 1) * sizeof *to->headers);
    for (size_t i = 0; i < from->headers_len; i++) {
        to->headers[i].name = mem_strdup_if(from->headers[i].name);
        to->headers[i].prefix = mem_strdup_if(from->headers[i].prefix);
    }
    to->headers_len = from->headers_len;
}

void config_synthetic_note(struct config_synthetic *synthetic)
{
    for (size_t i = 0; i < synthetic->agents_len; i++) {
        const char *agent = synthetic->agents[i];

        if (agent)
            synthetic->firsts[(uint8_t)agent[0] / 64] |= UINT64_C(1) << ((uint8_t)agent[0] % 64);
    }
}

void config_check_synthetic(struct schema_reader *reader, const struct tree *root, struct config *config)
{
    config_synthetic_note(&config->synthetic);
    for (size_t i = 0; i < config->routes_len; i++) {
        struct config_synthetic *own = &config->routes[i].synthetic;
        const struct tree *map;

        if (!config->routes[i].own_synthetic)
            continue;
        map = tree_find(tree_item(root, "routes", i), "synthetic");
        if (!tree_find(map, "trusted"))
            copy_trusted(own, &config->synthetic);
        if (own->trust == CONFIG_SYNTHETIC_LISTED && own->trusted_len == 0 && !tree_find(map, "trusted"))
            warn_of_nobody(reader, map);
        if (!tree_find(map, "userAgents"))
            copy_agents(own, &config->synthetic);
        if (!tree_find(map, "headers"))
            copy_headers(own, &config->synthetic);
        config_synthetic_note(own);
    }
}
