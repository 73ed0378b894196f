#include "conf/config_check.h"

#include "base/clk.h"
#include "base/mem.h"
#include "conf/address.h"
#include "conf/config.h"
#include "conf/config_log.h"
#include "conf/config_notice.h"
#include "conf/config_override.h"
#include "conf/config_rule.h"
#include "conf/config_source.h"
#include "conf/config_synthetic.h"
#include "conf/types.h"
#include "proto/grpc.h"

#include <string.h>

enum {
    TOKEN_SHORT = 16, /* below it a token can be guessed */
};

/* ---- the sections ---- */

void config_check_admin(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_admin *admin = at;

    admin->enabled = true;
    if (!tree_find(map, "token") && !tree_find(map, "tokenFile")) {
        schema_problem(reader, CONF_WARNING, map,
                       "admin: has no tokenFile and no token: weights and rollouts cannot be changed");
        if (!address_is_local(&admin->address))
            schema_problem(
                reader, CONF_WARNING, map,
                "admin: %s can be reached from other machines and has no token: whoever reaches it can read "
                "it; use 127.0.0.1 or a unix socket",
                admin->address.text);
    }
    if (admin->token && strlen(admin->token) < TOKEN_SHORT && !reader->offline)
        schema_problem(reader, CONF_WARNING, map,
                       "admin: the token has fewer than %d characters and can be guessed", TOKEN_SHORT);
}

void config_check_dogstatsd(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct config *config = at;

    if (config->dogstatsd.address.text && address_port(&config->dogstatsd.address) == 0)
        schema_problem(reader, CONF_ERROR, tree_find(map, "address"),
                       "dogstatsd: nothing can be sent to port 0; agents listen on 8125");
    for (size_t i = 0; i < config->dogstatsd.tags_len; i++)
        if (strpbrk(config->dogstatsd.tags[i], ",|#"))
            schema_problem(reader, CONF_ERROR, tree_find(map, "tags"),
                           "dogstatsd: tag %s: the format has no way to write a comma, | or #",
                           config->dogstatsd.tags[i]);
}

/* A format that is written twice; true when there is one. */
static bool is_doubled(const enum traceformat *formats, size_t len)
{
    unsigned seen = 0;

    for (size_t i = 0; i < len; i++) {
        if (seen & TRACEFORMAT_BIT(formats[i]))
            return true;
        seen |= TRACEFORMAT_BIT(formats[i]);
    }
    return false;
}

static void check_formats(struct schema_reader *reader, const struct tree *map, const char *key,
                          const enum traceformat *formats, size_t len)
{
    if (is_doubled(formats, len))
        schema_problem(reader, CONF_ERROR, tree_find(map, key), "%s: has a format twice", key);
}

void config_check_tracing(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_tracing *tracing = &((struct config *)at)->tracing;

    tracing->on = true;
    check_formats(reader, map, "read", tracing->read, tracing->read_len);
    check_formats(reader, map, "send", tracing->send, tracing->send_len);
    if (tracing->trusted_len && tracing->trust != CONFIG_TRACING_LISTED)
        schema_problem(reader, CONF_ERROR, tree_find(map, "trusted"),
                       "trusted: is for trust: listed; remove one of the two");
    if (tracing->trust == CONFIG_TRACING_LISTED && !tracing->trusted_len && tree_find(map, "read"))
        schema_problem(reader, CONF_WARNING, tree_find(map, "read"),
                       "read: nobody is believed; write trusted, or trust: everybody");
    while (tracing->read_len == 0 || (!tree_find(map, "read") && tracing->read_len < TRACEFORMAT_LEN)) {
        tracing->read[tracing->read_len] = (enum traceformat)tracing->read_len;
        tracing->read_len++;
    }
    if (tracing->send_len == 0)
        tracing->send[tracing->send_len++] = TRACEFORMAT_W3C;
    for (size_t i = 0; i < tracing->send_len; i++)
        tracing->send_bits |= (uint8_t)TRACEFORMAT_BIT(tracing->send[i]);
}

/* Trailers and chunks are written alike on both sides. */
static void share_framing(const struct h1_limits *request, struct h1_limits *response)
{
    response->trailer = request->trailer;
    response->trailer_fields = request->trailer_fields;
    response->chunk_extension = request->chunk_extension;
    response->chunk_extensions = request->chunk_extensions;
}

void config_init_limits(struct schema_reader *reader, void *at)
{
    struct config *config = at;

    (void)reader;
    config->limits.request = h1_request_limits;
    config->limits.response = h1_response_limits;
}

void config_check_limits(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config *config = at;
    struct config_limits *limits = &config->limits;

    share_framing(&limits->request, &limits->response);
    if (limits->request.start_line > limits->request.head)
        schema_problem(reader, CONF_ERROR, map, "requestLine: is more than requestHead, which contains it");
}

void config_check_route_limits(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_route *route = at;

    (void)reader, (void)map;
    share_framing(&route->request, &route->response);
}

void config_init_group(struct schema_reader *reader, void *at)
{
    const struct config *config = reader->object;
    struct config_group *group = at;

    group->pool_idle_ns = config->timeouts.pool_idle_ns;
}

/* What the group does not write: its tag of this name, else what holds for all. */
static void inherit_tag(const struct config_group *group, const char *key, const char *general, char **text)
{
    const char *from = general;

    if (*text)
        return;
    for (size_t i = 0; i < group->tags_len; i++)
        if (group->tags[i].key && group->tags[i].value && strcmp(group->tags[i].key, key) == 0)
            from = group->tags[i].value;
    if (from)
        *text = mem_strdup(from);
}

/* Which protocol is agreed on in the handshake of TLS; without, it has to be known. */
static void check_speaks(struct schema_reader *reader, const struct tree *map,
                         const struct config_group *group)
{
    const struct tree *where = tree_find(map, "protocol");
    bool needs_tls = group->speaks == CONFIG_SPEAKS_H2 || group->speaks == CONFIG_SPEAKS_AUTO;

    if (needs_tls && !group->tls.wanted)
        schema_problem(reader, CONF_ERROR, where,
                       "protocol: h2 and auto are agreed on within TLS; add tls, or write h2c or h1");
    if (group->speaks == CONFIG_SPEAKS_H2C && group->tls.wanted)
        schema_problem(reader, CONF_ERROR, where,
                       "protocol: h2c is HTTP/2 in clear text; write h2, or leave tls out");
    if (group->speaks != CONFIG_SPEAKS_H1 && group->proxy_protocol)
        schema_problem(
            reader, CONF_ERROR, where,
            "protocol: with proxyProtocol a connection is about one client, and HTTP/2 carries many");
}

void config_check_group(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct config *config = reader->object;
    const struct tree *list = tree_find(map, "targets");
    struct config_group *group = at;

    if ((group->balance == CONFIG_BALANCE_CONSISTENT_HASH) != (group->hash != CONFIG_HASH_NONE))
        schema_problem(reader, CONF_ERROR, map,
                       "balance: consistentHash and hash belong together; write both or neither");
    check_speaks(reader, map, group);
    if (!group->platform && group->name && !tree_find(map, "platform"))
        group->platform = mem_strdup(group->name);
    if (!group->service && config->service)
        group->service = mem_strdup(config->service);
    inherit_tag(group, "env", config->env, &group->env);
    inherit_tag(group, "version", config->version, &group->version);
    for (size_t i = 1; i < group->targets_len; i++)
        for (size_t j = 0; j < i; j++)
            if (address_eq(&group->targets[i].address, &group->targets[j].address)) {
                schema_problem(reader, CONF_ERROR, &list->values[i],
                               "targets: %s is there already, at line %d", group->targets[i].address.text,
                               list->values[j].line);
                break;
            }
}

void config_check_hash(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_group *group = at;

    (void)reader;
    group->hash = tree_find(map, "header")   ? CONFIG_HASH_HEADER
                  : tree_find(map, "cookie") ? CONFIG_HASH_COOKIE
                                             : CONFIG_HASH_CLIENT;
}

void config_check_hsts(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_listener_tls *tls = &((struct config_listener *)at)->tls;

    if (tls->hsts_preload && !tls->hsts_subdomains)
        schema_problem(reader, CONF_ERROR, tree_find(map, "preload"),
                       "preload: the lists take a host with includeSubdomains: true only");
    tls->hsts = mem_printf(
        "Strict-Transport-Security: max-age=%lld%s%s\r\n", (long long)(tls->hsts_max_age_ns / NS_PER_S),
        tls->hsts_subdomains ? "; includeSubDomains" : "", tls->hsts_preload ? "; preload" : "");
}

void config_check_listener_tls(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct tree *list = tree_find(map, "certificates");
    struct config *config = reader->object;
    struct config_listener *listener = at;
    const struct config_certificate *certs = listener->tls.certificates;

    listener->tls.wanted = true;
    if (listener->tls.client_ca_file)
        config->asks_clients = true;
    for (size_t i = 1; i < listener->tls.certificates_len; i++)
        for (size_t k = 0; k < i; k++)
            if (certs[i].cert_file && certs[k].cert_file && !strcmp(certs[i].cert_file, certs[k].cert_file)) {
                schema_problem(reader, CONF_ERROR, &list->values[i],
                               "certificates: %s is there already, at line %d", certs[i].cert_file,
                               list->values[k].line);
                break;
            }
    if (listener->tls.protocols_len == 0) {
        listener->tls.protocols[0] = CONFIG_PROTOCOL_HTTP_2;
        listener->tls.protocols[1] = CONFIG_PROTOCOL_HTTP_1_1;
        listener->tls.protocols_len = 2;
    }
}

void config_check_tls(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_group *group = at;
    struct config_tls *tls = &group->tls;

    tls->wanted = true;
    if (!tree_find(map, "certFile") != !tree_find(map, "keyFile"))
        schema_problem(reader, CONF_ERROR, map, "tls: certFile and keyFile belong together; write both");
    if (!tls->verify)
        schema_problem(
            reader, CONF_WARNING, tree_find(map, "verify"),
            "verify: whoever can get between penstock and a target can read and change everything");
    if (!tls->verify && tree_find(map, "caFile"))
        schema_problem(reader, CONF_ERROR, tree_find(map, "caFile"), "caFile: is for verify: true");
}

/* The path goes into a request line as it is. */
static bool is_target(const char *path)
{
    for (const char *p = path; *p; p++)
        if (*p <= ' ' || *p >= 0x7f || *p == '#')
            return false;
    return path[0] == '/';
}

void config_check_health(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_group *group = at;
    struct config_health *health = &group->health;

    health->wanted = true;
    if (health->path && !is_target(health->path))
        schema_problem(
            reader, CONF_ERROR, tree_find(map, "path"),
            "path: begins with '/' and has only visible ASCII characters without '#'; write others as %%XX");
    if (health->timeout_ns > health->interval_ns)
        schema_problem(
            reader, CONF_ERROR, map,
            "healthCheck: timeout is more than interval: a check would not have ended when the next begins");
    if (!health->path && (tree_find(map, "host") || tree_find(map, "status")))
        schema_problem(reader, CONF_ERROR, map, "healthCheck: host and status are for checks with a path");
}

/* What the cookie says of itself. */
static void check_cookie(struct schema_reader *reader, const struct tree *map,
                         const struct config_route *route)
{
    static const char *const keys[] = {"path", "secure", "sameSite"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (tree_find(map, keys[i]) && route->affinity != CONFIG_AFFINITY_COOKIE)
            schema_problem(reader, CONF_ERROR, tree_find(map, keys[i]), "%s: is for affinity by a cookie",
                           keys[i]);
    if (route->affinity_path && strpbrk(route->affinity_path, ";,"))
        schema_problem(reader, CONF_ERROR, tree_find(map, "path"),
                       "path: has ';' or ',', which no cookie's path has");
    if (route->affinity_same_site == CONFIG_SAME_SITE_NONE && !route->affinity_secure)
        schema_problem(reader, CONF_ERROR, tree_find(map, "sameSite"),
                       "sameSite: browsers drop a cookie with none unless secure is true");
}

void config_check_affinity(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config_route *route = at;

    if (tree_find(map, "cookie"))
        route->affinity = CONFIG_AFFINITY_COOKIE;
    else if (tree_find(map, "header"))
        route->affinity = CONFIG_AFFINITY_HEADER;
    else if (tree_find(map, "clientAddress"))
        route->affinity = CONFIG_AFFINITY_CLIENT;
    check_cookie(reader, map, route);
}

void config_init_route(struct schema_reader *reader, void *at)
{
    const struct config *config = reader->object;
    struct config_route *route = at;

    route->stable = CONFIG_NO_GROUP;
    route->canary = -1;
    route->timeouts = config->route_timeouts;
    route->request = config->limits.request;
    route->response = config->limits.response;
    route->max_body = config->limits.max_body;
    route->mirror.group = -1;
    memcpy(route->mirror.methods[0], "GET", sizeof "GET");
    memcpy(route->mirror.methods[1], "HEAD", sizeof "HEAD");
    route->mirror.methods_len = 2;
    memcpy(route->upgrades[0], "websocket", sizeof "websocket");
    route->upgrades_len = 1;
    route->synthetic.trust = config->synthetic.trust;
}

/* Names become bits; without the key it is the statuses that tell of the server and not of the call. */
static void check_grpc_errors(struct schema_reader *reader, const struct tree *list,
                              struct config_route *route)
{
    if (!list)
        route->grpc_errors = 1U << GRPC_UNKNOWN | 1U << GRPC_DEADLINE_EXCEEDED | 1U << GRPC_INTERNAL |
                             1U << GRPC_UNAVAILABLE | 1U << GRPC_DATA_LOSS;
    for (size_t i = 0; i < route->grpc_error_names_len; i++) {
        unsigned status = 0;

        while (status < GRPC_STATUS_LEN &&
               strcmp(route->grpc_error_names[i], grpc_status_name((enum grpc_status)status)) != 0)
            status++;
        if (status == GRPC_STATUS_LEN)
            schema_problem(
                reader, CONF_ERROR, &list->values[i],
                "grpcErrors: %s is no status of gRPC; write one as its specification does, such as "
                "UNAVAILABLE",
                route->grpc_error_names[i]);
        else
            route->grpc_errors |= 1U << status;
    }
}

/* HTTP in another version could carry requests past every rule of this proxy (http.md A15). */
static void check_upgrades(struct schema_reader *reader, const struct tree *list,
                           const struct config_route *route)
{
    static const char *const refused[] = {"h2c", "h2", "h3", "http"};

    for (size_t i = 0; i < route->upgrades_len; i++)
        for (size_t k = 0; k < ARRAY_LEN(refused); k++)
            if (str_eq_nocase(str_from(route->upgrades[i]), str_from(refused[k])))
                schema_problem(reader, CONF_ERROR, &list->values[i],
                               "upgrades: %s would carry requests past this proxy; remove it",
                               route->upgrades[i]);
}

void config_check_mirror(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct config_route *route = at;
    const struct tree *list = tree_find(map, "methods");

    for (size_t i = 0; list && i < route->mirror.methods_len && i < list->len; i++) {
        if (!method_may_be_copied(route->mirror.methods[i]))
            schema_problem(reader, CONF_ERROR, &list->values[i], "methods: %s " METHOD_NOT_COPIED,
                           route->mirror.methods[i]);
    }
}

/* Copies are sent in HTTP/1.1. */
static void check_mirror_protocol(struct schema_reader *reader, const struct tree *map,
                                  const struct config_route *route)
{
    const struct config *config = reader->object;
    int32_t group = route->mirror.group >= 0 ? route->mirror.group : route->canary;

    if (group >= 0 && config_group_is_h2(&config->groups[group]))
        schema_problem(
            reader, CONF_ERROR, map,
            "mirror: copies are sent in HTTP/1.1, which %s does not take; write protocol: auto or h1 there",
            config->groups[group].name);
}

/* Whether copies have somewhere to go. */
static void check_mirror_group(struct schema_reader *reader, const struct tree *map,
                               const struct config_route *route)
{
    const struct tree *group = tree_find(map, "group");

    if (route->canary < 0 && route->mirror.group < 0 && !group)
        schema_problem(reader, CONF_ERROR, map,
                       "mirror: copies go to the canary, but the route has none; name a group");
    else if (route->canary < 0 && route->mirror.group >= 0 && route->stable == (uint32_t)route->mirror.group)
        schema_problem(reader, CONF_ERROR, group,
                       "group: %s serves all requests of this route itself; name another group", group->text);
}

void config_check_route(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct tree *canary = tree_find(map, "canary"), *weight = tree_find(map, "weight");
    struct config_route *route = at;

    if (tree_find(map, "upgrades"))
        check_upgrades(reader, tree_find(map, "upgrades"), route);
    check_grpc_errors(reader, tree_find(map, "grpcErrors"), route);
    config_check_rules(reader, map, route);
    if (tree_find(map, "mirror") && !config_route_answers(route)) {
        check_mirror_group(reader, tree_find(map, "mirror"), route);
        check_mirror_protocol(reader, tree_find(map, "mirror"), route);
    }
    if (route->stable != CONFIG_NO_GROUP)
        config_check_overrides(reader, map, route);
    if (canary && route->canary >= 0 && route->stable == (uint32_t)route->canary)
        schema_problem(reader, CONF_ERROR, canary,
                       "canary: %s is the stable group too; name another group, or remove it", canary->text);
    if (!canary && weight && route->weight > 0)
        schema_problem(reader, CONF_ERROR, weight,
                       "weight: %s goes to a canary, but the route has none; name one, or "
                       "remove the weight",
                       weight->text);
}

/* ---- the whole
 * ------------------------------------------------------------------------------------------
 */

static void check_listeners(struct schema_reader *reader, const struct tree *root,
                            const struct config *config)
{
    const struct config_address *admin = &config->admin.address;

    for (size_t i = 0; i < config->listeners_len; i++) {
        const struct config_address *address = &config->listeners[i].address;
        const struct tree *node = tree_within(tree_item(root, "listeners", i), "address");

        if (address_port(address) <= 0)
            continue;
        if (config->admin.enabled && address_eq(address, admin))
            schema_problem(reader, CONF_ERROR, tree_within(tree_find(root, "admin"), "address"),
                           "address: %s is a listener too, at line %d; give the admin another port",
                           admin->text, node->line);
        for (size_t j = 0; j < i; j++)
            if (address_eq(address, &config->listeners[j].address)) {
                schema_problem(reader, CONF_ERROR, node, "address: %s is there already, at line %d",
                               address->text, tree_item(root, "listeners", j)->line);
                break;
            }
    }
}

/* Slots are places in the counters: the order of the file. */
static void number_groups(struct schema_reader *reader, const struct tree *root, struct config *config)
{
    uint32_t slot = 0;

    for (size_t i = 0; i < config->groups_len; i++) {
        config->groups[i].slot = (uint32_t)i;
        for (size_t j = 0; j < config->groups[i].targets_len; j++)
            config->groups[i].targets[j].slot = slot++;
    }
    if (slot > CONFIG_TARGETS_MAX)
        schema_problem(reader, CONF_ERROR, tree_find(root, "targetGroups"),
                       "targetGroups: have %u targets in all; at most %d are taken", slot,
                       CONFIG_TARGETS_MAX);
}

static void check_groups_used(struct schema_reader *reader, const struct tree *root,
                              const struct config *config)
{
    const struct tree *groups = tree_find(root, "targetGroups"), *routes = tree_find(root, "routes");
    bool used[CONFIG_GROUPS_MAX] = {false};

    if (!routes || routes->blamed) /* one of them may have meant it */
        return;

    for (size_t i = 0; i < config->routes_len; i++) {
        const struct config_route *route = &config->routes[i];

        if (route->stable < config->groups_len)
            used[route->stable] = true;
        if (route->canary >= 0)
            used[route->canary] = true;
        if (route->mirror.group >= 0)
            used[route->mirror.group] = true;
    }
    for (size_t i = 0; i < config->groups_len; i++)
        if (!used[i])
            schema_problem(reader, CONF_WARNING, &groups->keys[i], "%s: no route uses this group",
                           groups->keys[i].text);
}

/* Host or prefix were refused, so nothing can be compared. */
static bool is_match_blamed(const struct tree *route)
{
    const struct tree *match = tree_find(route, "match");

    return match && match->blamed;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_routes(struct schema_reader *reader, const struct tree *root, struct config *config)
{
    for (size_t i = 0; i < config->routes_len; i++) {
        struct config_route *a = &config->routes[i];
        const struct tree *node = tree_item(root, "routes", i);

        a->slot = (uint32_t)i;
        for (size_t j = 0; j < i; j++) {
            const struct config_route *b = &config->routes[j];
            int line = tree_item(root, "routes", j)->line;

            if (a->name && same_text(a->name, b->name))
                schema_problem(reader, CONF_ERROR, tree_within(node, "name"),
                               "name: %s is the name of the route at line %d too", a->name, line);
            if (same_text(a->path_prefix, b->path_prefix) && same_text(a->host, b->host) &&
                !is_match_blamed(node) && !is_match_blamed(tree_item(root, "routes", j))) {
                schema_problem(reader, CONF_ERROR, tree_within(node, "match"),
                               "match: the route at line %d has the same host and path prefix; no request "
                               "would come here",
                               line);
                break;
            }
        }
    }
}

/* Fields that frame a message, or that say where it goes: a label in them would break every request. */
static const char *const forbidden_labels[] = {
    "Host",
    "Connection",
    "Content-Length",
    "Transfer-Encoding",
    "TE",
    "Trailer",
    "Upgrade",
    "Keep-Alive",
    "Proxy-Connection",
    "Expect",
    "Via",
    "Cookie",
    "Date",
    "Content-Type",
    "Authorization",
    "Range",
    "Accept",
    "X-Request-Id",
    "Traceparent",
    "X-Penstock-Mirror",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
};
/* Families of names that have a meaning of their own to clients, proxies or targets. */
static const char *const reserved_prefixes[] = {
    "X-Forwarded-", "Forwarded", "Sec-",    "Proxy-",  "Access-Control-",
    "Content-",     "If-",       "Accept-", "X-Amzn-", "X-Amz-",
};

static void check_subject(struct schema_reader *reader, const struct tree *root, const struct config *config)
{
    const struct tree *tls = tree_find(root, "tls");

    if (config->asks_clients && config->label_header && config->subject_header &&
        str_eq_nocase(str_from(config->subject_header), str_from(config->label_header)))
        schema_problem(reader, CONF_ERROR, tls ? tree_find(tls, "clientSubjectHeader") : NULL,
                       "clientSubjectHeader: %s is labelHeader %s; take another", config->subject_header,
                       config->label_header);
}

static void check_label(struct schema_reader *reader, const struct tree *root, const struct config *config)
{
    const struct tree *node = tree_find(root, "labelHeader");
    struct str label = str_from(config->label_header);

    if (!node || !label.len)
        return;
    for (size_t i = 0; i < ARRAY_LEN(forbidden_labels); i++)
        if (str_eq_nocase(label, str_from(forbidden_labels[i]))) {
            schema_problem(reader, CONF_ERROR, node,
                           "labelHeader: %s has a meaning of its own in every request; take "
                           "another, such as X-Platform",
                           config->label_header);
            return;
        }
    for (size_t i = 0; i < ARRAY_LEN(reserved_prefixes); i++) {
        struct str prefix = str_from(reserved_prefixes[i]);

        if (label.len >= prefix.len && str_eq_nocase((struct str){label.p, prefix.len}, prefix))
            schema_problem(reader, CONF_WARNING, node,
                           "labelHeader: names that begin with %s have a meaning of their own; "
                           "X-Platform would be safe",
                           reserved_prefixes[i]);
    }
}

void config_check(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct config *config = at;

    if (!tree_find(map, "admin"))
        schema_problem(reader, CONF_WARNING, map,
                       "admin: is not written: there is no API, and so no rollout and no metrics");
    if (!tree_find(map, "state"))
        schema_problem(reader, CONF_WARNING, map,
                       "state: is not written: a restart forgets every rollout and weight");
    check_label(reader, map, config);
    check_subject(reader, map, config);
    check_listeners(reader, map, config);
    config_check_logs(reader, map, config);
    number_groups(reader, map, config);
    check_routes(reader, map, config);
    config_check_synthetic(reader, map, config);
    config_check_notices(reader, map, config);
    config_check_sources(reader, map, config);
    check_groups_used(reader, map, config);
}
