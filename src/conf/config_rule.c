#include "conf/config_rule.h"

#include "conf/template.h"
#include "conf/tree.h"

#include <string.h>

/* Fields that frame a message, concern one connection, or are penstock's own: a rule that touched them could
 * make a target read another request than we did, or name somebody that the client is not. */
static const char *const refused[] = {
    "Connection", "Content-Length",   "Transfer-Encoding", "TE",           "Trailer", "Upgrade",
    "Keep-Alive", "Proxy-Connection", "HTTP2-Settings",    "Max-Forwards", "Expect",  "Via",
};
static const char *const refused_in_requests[] = {
    "Host",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Real-IP",
    "Forwarded",
    "X-Request-Id",
    "Traceparent",
    "Tracestate",
    "X-Penstock-Mirror",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
};
static const char *const refused_in_responses[] = {"Date", "Sec-WebSocket-Accept"};

static bool is_alike(const char *name, const char *const *names, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (str_eq_nocase(str_from(name), str_from(names[i])))
            return true;
    return false;
}

static const struct tree *node_of(const struct tree *map, const char *key)
{
    const struct tree *value = map->kind == TREE_MAP ? tree_find(map, key) : NULL;

    return value ? value : map;
}

static void check_template(struct schema_reader *reader, const struct tree *map, const char *key,
                           const char *text)
{
    struct str bad;

    if (text && !template_check(str_from(text), &bad))
        schema_problem(reader, CONF_ERROR, node_of(map, key),
                       "%s: \"%.*s\" is no value in braces; known are %s; a brace that is meant is doubled",
                       key, (int)(bad.len < 20 ? bad.len : 20), bad.p, TEMPLATE_NAMES);
}

static void check_rule(struct schema_reader *reader, const struct tree *map, struct config_rule *rule)
{
    static const char *const keys[] = {
        [CONFIG_RULE_SET] = "set", [CONFIG_RULE_ADD] = "add", [CONFIG_RULE_REMOVE] = "remove"};

    for (size_t i = ARRAY_LEN(keys); i-- > 0;)
        if (tree_find(map, keys[i]))
            rule->kind = (enum config_rule_kind)i;
    check_template(reader, map, "value", rule->value);
    if (rule->kind == CONFIG_RULE_REMOVE && rule->value)
        schema_problem(reader, CONF_ERROR, tree_find(map, "value"), "value: is of no use to remove a field");
    if (rule->kind != CONFIG_RULE_REMOVE && !rule->value && !tree_find(map, "value"))
        schema_problem(reader, CONF_ERROR, map, "value: is missing; write it, or remove the field instead");
}

static void refuse_name(struct schema_reader *reader, const struct tree *map, const char *name)
{
    schema_problem(
        reader, CONF_ERROR, map,
        "%s: frames the message, concerns the connection, or is penstock's own; no rule may touch it", name);
}

bool config_rule_refuses(const struct config *config, const char *name)
{
    return is_alike(name, refused, ARRAY_LEN(refused)) ||
           is_alike(name, refused_in_requests, ARRAY_LEN(refused_in_requests)) ||
           (config->label_header && is_alike(name, (const char *const *)&config->label_header, 1)) ||
           (config->asks_clients && config->subject_header &&
            is_alike(name, (const char *const *)&config->subject_header, 1)) ||
           (config->tracing.on && traceformat_owns(str_from(name)));
}

void config_check_request_rule(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_rule *rule = at;

    check_rule(reader, map, rule);
    if (rule->name && config_rule_refuses(reader->object, rule->name))
        refuse_name(reader, map, rule->name);
}

void config_check_response_rule(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_rule *rule = at;

    check_rule(reader, map, rule);
    if (rule->name && (is_alike(rule->name, refused, ARRAY_LEN(refused)) ||
                       is_alike(rule->name, refused_in_responses, ARRAY_LEN(refused_in_responses))))
        refuse_name(reader, map, rule->name);
}

void config_check_rewrite(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct config_route *route = at;

    if (!route->rewrite_prefix && !route->rewrite_host)
        schema_problem(reader, CONF_ERROR, map, "rewrite: is empty; write pathPrefix or host, or remove it");
}

/* The client must not choose where it is sent: the scheme and, of a path, the first segment are ours. */
static bool is_target(const char *to)
{
    struct str s = str_from(to);

    if (str_is_http_url(s))
        return true;
    return s.p[0] == '/' && s.p[1] != '/' && s.p[1] != '{' && s.p[1] != '\\';
}

/* `map` may be the place alone. */
static void check_redirect(struct schema_reader *reader, const struct tree *map,
                           const struct config_redirect *redirect)
{
    static const uint32_t statuses[] = {301, 302, 303, 307, 308};
    bool known = false;

    check_template(reader, map, "to", redirect->to);
    if (redirect->to && !is_target(redirect->to))
        schema_problem(
            reader, CONF_ERROR, node_of(map, "to"),
            "to: begins with http://, https://, or a path whose first segment is written, so that no "
            "client chooses where others are sent");
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        known |= redirect->status == statuses[i];
    if (!known)
        schema_problem(reader, CONF_ERROR, node_of(map, "status"),
                       "status: is one of 301, 302, 303, 307, 308");
}

void config_check_answer(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct config_route *route = at;
    const struct config_answer *answer = &route->answer;

    if ((answer->status == 204 || answer->status == 205 || answer->status == 304) && answer->body)
        schema_problem(reader, CONF_ERROR, node_of(map, "body"), "body: an answer of status %u has none",
                       answer->status);
    if (answer->type && !answer->body)
        schema_problem(reader, CONF_ERROR, node_of(map, "type"),
                       "type: is that of a body, and there is none");
}

static size_t literals(const struct config_rule *rules, size_t len)
{
    size_t sum = 0;

    for (size_t i = 0; i < len; i++)
        if (rules[i].kind != CONFIG_RULE_REMOVE && rules[i].name && rules[i].value)
            sum += strlen(rules[i].name) + 4 + template_literals(str_from(rules[i].value));
    return sum;
}

static void check_sum(struct schema_reader *reader, const struct tree *map, const char *key,
                      const struct config_rule *rules, size_t len)
{
    if (literals(rules, len) > CONFIG_RULES_BYTES)
        schema_problem(reader, CONF_ERROR, tree_find(map, key), "%s: add more than %d bytes in all", key,
                       CONFIG_RULES_BYTES);
}

void config_check_rules(struct schema_reader *reader, const struct tree *map,
                        const struct config_route *route)
{
    static const char *const of_groups[] = {"canary",    "weight",   "affinity", "retries",        "mirror",
                                            "overrides", "upgrades", "rewrite",  "requestHeaders", "slo"};

    check_sum(reader, map, "requestHeaders", route->request_rules, route->request_rules_len);
    check_sum(reader, map, "responseHeaders", route->response_rules, route->response_rules_len);
    if (tree_find(map, "redirect"))
        check_redirect(reader, tree_find(map, "redirect"), &route->redirect);
    if ((!tree_find(map, "redirect") && !tree_find(map, "answer")) || tree_find(map, "stable"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(of_groups); i++)
        if (tree_find(map, of_groups[i]))
            schema_problem(reader, CONF_ERROR, tree_find(map, of_groups[i]),
                           "%s: is for routes with target groups, and this one answers by itself",
                           of_groups[i]);
}
