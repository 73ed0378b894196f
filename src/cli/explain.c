#include "cli/explain.h"

#include "base/clk.h"
#include "base/mem.h"
#include "base/unit.h"
#include "cli/term.h"
#include "conf/config.h"
#include "conf/load.h"
#include "conf/report.h"
#include "proto/h1.h"
#include "proto/h1_write.h"
#include "proxy/cookie.h"
#include "proxy/override.h"
#include "proxy/synthetic.h"
#include "route/path.h"
#include "route/pick.h"
#include "route/routes.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUEST_MAX = 32 * 1024,
    HOST_MAX = 256,
};

static const struct args_option options[] = {
    SUBCOMMAND_OPTION_CONFIG,
    {.name = "header",
     .letter = 'H',
     .value = "FIELD",
     .text = "a header field, as 'Name: value'; may be repeated"},
    {.name = "weight",
     .letter = 'w',
     .value = "PERCENT",
     .text = "suppose this weight instead of the configuration's"},
    {.name = "client", .value = "ADDRESS", .text = "suppose this client; for overrides by network"},
    SUBCOMMAND_OPTION_JSON,
    SUBCOMMAND_OPTION_HELP,
};

/* A request as it would arrive, and what would become of it. */
struct inquiry {
    char bytes[REQUEST_MAX];
    struct field fields[HEAD_FIELDS_MAX];
    struct head head;
    char *path;                /* in normal form */
    const struct route *route; /* NULL: none matches */
    struct str unit;           /* what the client sticks by; empty: nothing */
    const struct ip *client;   /* NULL: not known */
    enum override_result override;
    enum route_side override_side; /* when it was taken */
};

static bool is_overridden(const struct inquiry *inquiry)
{
    return inquiry->override != OVERRIDE_NONE && override_row(inquiry->override)->taken;
}

/* ---- the request ---- */

static bool write_header(struct buf *buf, const char *line)
{
    struct str rest = str_from(line), name;

    if (!memchr(line, ':', strlen(line)) || !str_split(&rest, ':', &name) || name.len == 0) {
        term_error("explain: -H '%s' is no header field; write 'Name: value'", line);
        return false;
    }
    h1_write_field(buf, str_trim(name), str_trim(rest));
    if (!buf->full)
        return true;
    term_error("explain: -H '%s' is no header field, or too much in all", line);
    return false;
}

static bool names_host(const char *line)
{
    return str_starts_with(str_from(line), STR("Host:")) || str_starts_with(str_from(line), STR("host:"));
}

/* The bytes of the request: in absolute form as it was given, so that the URL's host is the one that counts.
 */
static bool write_request(struct inquiry *inquiry, const struct args *args, struct buf *buf)
{
    const char *url = args->operands[1], *line;
    bool absolute = strstr(url, "://") != NULL, host = false;
    size_t at = 0;

    buf_init(buf, inquiry->bytes, sizeof inquiry->bytes);
    h1_write_request_line(buf, str_from(args->operands[0]), str_from(url), STR_NULL);
    while ((line = args_next(args, "header", &at)) != NULL) {
        host |= names_host(line);
        if (!write_header(buf, line))
            return false;
    }
    if (!host && absolute) {
        struct target target;

        if (target_parse(str_from(url), METHOD_GET, &target))
            h1_write_field(buf, STR("Host"), target.authority.whole);
    }
    if (!host && !absolute)
        h1_write_field(buf, STR("Host"), STR("localhost"));
    h1_write_end(buf);
    if (buf->full)
        term_error("explain: %s %s is no request line; write a method and a URL or a path", args->operands[0],
                   url);
    return !buf->full;
}

/* False when the proxy would refuse it before it looks for a route; it then says why. */
static bool parse_request(struct inquiry *inquiry, const struct buf *buf, const struct config *config)
{
    enum h1_error error;
    struct h1_scan scan;

    h1_scan_init(&scan);
    if (h1_scan(&scan, &h1_request_limits, buf->p, buf->len) != H1_SCAN_DONE) {
        error = scan.error;
    } else {
        head_init(&inquiry->head, inquiry->fields, h1_request_limits.fields);
        error = h1_request_parse(&scan, &h1_request_limits, buf->p, &inquiry->head);
    }
    if (error == H1_OK && inquiry->head.may_alias && config->ambiguous_fields == CONFIG_AMBIGUOUS_REJECT)
        error = H1_FIELD_AMBIGUOUS;
    if (error == H1_OK)
        return true;
    term_error("explain: penstock would answer this request with %u: %s", h1_error_status(error),
               h1_error_text(error));
    return false;
}

/* ---- the route ---- */

static struct str unit_of(const struct inquiry *inquiry)
{
    const struct config_route *conf = inquiry->route->conf;
    const struct field *field;

    switch (conf->affinity) {
    case CONFIG_AFFINITY_NONE:
    case CONFIG_AFFINITY_CLIENT:
        return STR_NULL;
    case CONFIG_AFFINITY_HEADER:
        field = head_find_name(&inquiry->head, str_from(conf->affinity_name), 0);
        return field ? field->value : STR_NULL;
    case CONFIG_AFFINITY_COOKIE:
        return cookie_value(&inquiry->head, str_from(conf->affinity_name));
    }
    BUG("affinity %d", (int)conf->affinity);
}

static void find_override(struct inquiry *inquiry)
{
    const struct route *route = inquiry->route;

    inquiry->override =
        override_find(route, &inquiry->head, inquiry->client, clk_wall_ns(), &inquiry->override_side);
    if (is_overridden(inquiry) &&
        pick_override(route, inquiry->override_side).assignment != ASSIGNMENT_OVERRIDE)
        inquiry->override = OVERRIDE_NO_TARGET;
}

static void find_route(struct inquiry *inquiry, const struct routes *routes)
{
    struct str host = inquiry->head.authority.host, path;
    char lower[HOST_MAX];

    BUG_ON(host.len > sizeof lower);
    for (size_t i = 0; i < host.len; i++)
        lower[i] = ascii_lower(host.p[i]);
    inquiry->path = mem_alloc(inquiry->head.path.len + 1);
    path = path_normalise(inquiry->head.path, inquiry->path);
    inquiry->path[path.len] = '\0';
    inquiry->route = pick_route(routes, (struct str){lower, host.len}, path);
    if (!inquiry->route)
        return;
    inquiry->unit = unit_of(inquiry);
    find_override(inquiry);
}

/* A client that is not known is in no network. */
static bool is_synthetic(const struct inquiry *inquiry, const struct config *config)
{
    char text[IP_TEXT_LEN];
    struct str client = STR_NULL;

    if (inquiry->client)
        client = (struct str){text, ip_text(inquiry->client, text)};
    return synthetic_is(config_synthetic(config, inquiry->route->conf), &inquiry->head, client);
}

/* The share of a side's requests, in hundredths of a percent. */
static uint32_t side_share(const struct route *route, enum route_side side)
{
    uint32_t canary = route->side[ROUTE_CANARY] ? route->weight : 0;

    return side == ROUTE_CANARY ? canary : CONFIG_WEIGHT_ONE - canary;
}

/* ---- what it says ---- */

static json_t *concurrency_json(const struct config_group *group)
{
    const struct config_concurrency *conf = &group->concurrency;
    json_t *json;

    if (!config_group_is_capped(group))
        return json_null();
    json = json_pack("{s:i, s:f}", "queue", (int)conf->queue, "wait", (double)conf->wait_ns / NS_PER_S);
    if (conf->target)
        json_object_set_new(json, "target", json_integer(conf->target));
    if (conf->group)
        json_object_set_new(json, "group", json_integer(conf->group));
    return json;
}

static json_t *side_json(const struct route *route, enum route_side side)
{
    const struct route_group *group = route->side[side];
    json_t *targets = json_array();

    if (!group) {
        json_decref(targets);
        return json_null();
    }
    for (size_t i = 0; i < group->targets_len; i++)
        json_array_append_new(targets, json_string(group->targets[i].conf->address.text));
    return json_pack("{s:s, s:s, s:f, s:o, s:o}", "group", group->conf->name, "platform",
                     group->conf->platform, "share", side_share(route, side) / 100.0, "targets", targets,
                     "concurrency", concurrency_json(group->conf));
}

static const char *assignment_text(const struct inquiry *inquiry)
{
    const struct route *route = inquiry->route;

    if (is_overridden(inquiry))
        return assignment_name(ASSIGNMENT_OVERRIDE);
    if (!route->side[ROUTE_CANARY])
        return assignment_name(ASSIGNMENT_ONLY);
    return assignment_name(route->conf->affinity == CONFIG_AFFINITY_NONE ? ASSIGNMENT_RANDOM
                                                                         : ASSIGNMENT_STICKY);
}

static const char *const rule_words[] = {
    [CONFIG_RULE_SET] = "set", [CONFIG_RULE_ADD] = "add", [CONFIG_RULE_REMOVE] = "remove"};

static json_t *rules_json(const struct config_rule *rules, size_t len)
{
    json_t *list = json_array();

    for (size_t i = 0; i < len; i++)
        json_array_append_new(list, json_pack("{s:s, s:s*}", rule_words[rules[i].kind], rules[i].name,
                                              "value", rules[i].value));
    return list;
}

/* What the route does besides choosing a group. */
static void add_rules_json(json_t *json, const struct config_route *conf)
{
    json_object_set_new(json, "requestHeaders", rules_json(conf->request_rules, conf->request_rules_len));
    json_object_set_new(json, "responseHeaders", rules_json(conf->response_rules, conf->response_rules_len));
    json_object_set_new(
        json, "rewrite",
        json_pack("{s:s*, s:s*}", "pathPrefix", conf->rewrite_prefix, "host", conf->rewrite_host));
    if (conf->redirect.to)
        json_object_set_new(
            json, "redirect",
            json_pack("{s:s, s:i}", "to", conf->redirect.to, "status", (int)conf->redirect.status));
    if (conf->answer.status)
        json_object_set_new(json, "answer", json_pack("{s:i}", "status", (int)conf->answer.status));
}

/* Null when this request is never copied. */
static json_t *mirror_json(const struct inquiry *inquiry)
{
    const struct route_mirror *mirror = &inquiry->route->mirror;

    if (mirror->share == 0 || !(mirror->methods >> inquiry->head.method & 1))
        return json_null();
    return json_pack("{s:s, s:f}", "group", mirror->group->conf->name, "share", mirror->share / 100.0);
}

static const char *side_word(enum route_side side)
{
    return side == ROUTE_CANARY ? "canary" : "stable";
}

/* Null when none was tried. */
static json_t *override_json(const struct inquiry *inquiry)
{
    if (inquiry->override == OVERRIDE_NONE)
        return json_null();
    return json_pack("{s:s, s:b, s:s*}", "result", override_row(inquiry->override)->name, "taken",
                     (int)is_overridden(inquiry), "side",
                     is_overridden(inquiry) ? side_word(inquiry->override_side) : NULL);
}

/* Null when each request is drawn anew. */
static json_t *affinity_json(const struct config_route *conf)
{
    switch (conf->affinity) {
    case CONFIG_AFFINITY_NONE:
        break;
    case CONFIG_AFFINITY_COOKIE:
        return json_pack("{s:s, s:f}", "cookie", conf->affinity_name, "maxAge",
                         (double)conf->affinity_max_age_ns / NS_PER_S);
    case CONFIG_AFFINITY_HEADER:
        return json_pack("{s:s}", "header", conf->affinity_name);
    case CONFIG_AFFINITY_CLIENT:
        return json_pack("{s:b}", "clientAddress", 1);
    }
    return json_null();
}

/* Names of fields that some servers read as others. */
static json_t *ambiguous_json(const struct inquiry *inquiry)
{
    json_t *list = json_array();

    for (size_t i = 0; i < inquiry->head.len; i++)
        if (inquiry->head.fields[i].flags & FIELD_ALIAS)
            json_array_append_new(
                list, json_stringn(inquiry->head.fields[i].name.p, inquiry->head.fields[i].name.len));
    return list;
}

/* The protocol that would be switched to, when the target agrees; NULL for none. */
static const char *upgrade_of(const struct inquiry *inquiry)
{
    const struct config_route *conf = inquiry->route->conf;
    bool websocket = inquiry->head.upgrade == UPGRADE_WEBSOCKET;

    if (inquiry->head.upgrade == UPGRADE_NONE)
        return NULL;
    for (size_t i = 0; i < conf->upgrades_len; i++) {
        struct str name = str_from(conf->upgrades[i]);

        if (str_eq_nocase(name, STR("websocket")) == websocket &&
            head_lists(&inquiry->head, FIELD_UPGRADE, name))
            return conf->upgrades[i];
    }
    return NULL;
}

static void add_choice_json(json_t *json, const struct inquiry *inquiry)
{
    const struct config_route *conf = inquiry->route->conf;
    const char *upgrade = upgrade_of(inquiry);

    json_object_set_new(json, "override", override_json(inquiry));
    json_object_set_new(json, "affinity", affinity_json(conf));
    json_object_set_new(json, "retries",
                        json_pack("{s:i, s:i, s:i, s:b}", "attempts", (int)conf->retries.attempts, "budget",
                                  (int)conf->retries.budget, "minimum", (int)conf->retries.minimum, "shield",
                                  (int)conf->retries.shield));
    json_object_set_new(json, "upgrade", upgrade ? json_string(upgrade) : json_null());
    json_object_set_new(json, "ambiguousFields", ambiguous_json(inquiry));
}

static void print_json(const struct inquiry *inquiry, const struct config *config)
{
    const struct route *route = inquiry->route;
    json_t *json = json_pack("{s:s%, s:s}", "host", inquiry->head.authority.host.p,
                             inquiry->head.authority.host.len, "path", inquiry->path);

    json_object_set_new(json, "route", route ? json_string(route->conf->name) : json_null());
    if (route) {
        json_object_set_new(json, "assignment", json_string(assignment_text(inquiry)));
        json_object_set_new(json, "stable", side_json(route, ROUTE_STABLE));
        json_object_set_new(json, "canary", side_json(route, ROUTE_CANARY));
        json_object_set_new(json, "mirror", mirror_json(inquiry));
        json_object_set_new(json, "synthetic", json_boolean(is_synthetic(inquiry, config)));
        add_choice_json(json, inquiry);
        add_rules_json(json, route->conf);
    }
    subcommand_print_json(json);
    json_decref(json);
}

static void print_side(const struct term *term, const struct route *route, enum route_side side)
{
    const struct route_group *group = route->side[side];
    enum term_style style = side == ROUTE_STABLE ? TERM_STABLE : TERM_CANARY;
    char percent[PLAN_PERCENT_LEN];

    if (!group)
        return;
    printf("%-11s%s%s%s gets %s %%", side == ROUTE_STABLE ? "stable" : "canary", term_on(term, style),
           group->conf->name, term_off(term, style), plan_percent(side_share(route, side), percent));
    printf(", labelled %s; targets", group->conf->platform);
    for (size_t i = 0; i < group->targets_len; i++)
        printf(" %s", group->targets[i].conf->address.text);
    printf("\n");
}

/* How many at once, where that is written. */
static void print_places(const struct route *route, enum route_side side)
{
    const struct route_group *group = route->side[side];
    const struct config_concurrency *conf = group ? &group->conf->concurrency : NULL;
    char wait[UNIT_TEXT_LEN];

    if (!group || !config_group_is_capped(group->conf))
        return;
    printf("%-11s%s takes ", "places", group->conf->name);
    if (conf->target)
        printf("%u requests at once at each target%s", conf->target, conf->group ? ", " : "");
    if (conf->group)
        printf("%u in all", conf->group);
    printf("; %u more may wait, for %s at most\n", conf->queue, unit_duration_text(conf->wait_ns, wait));
}

/* Whether this request may be copied, and how often. */
static void print_mirror(const struct inquiry *inquiry)
{
    const struct route_mirror *mirror = &inquiry->route->mirror;
    char percent[PLAN_PERCENT_LEN];

    if (mirror->share == 0)
        return;
    if (mirror->methods >> inquiry->head.method & 1)
        printf("%-11s%s gets a copy of %s %%, unless it serves the request itself\n", "mirror",
               mirror->group->conf->name, plan_percent(mirror->share, percent));
    else
        printf("%-11snone: this method is not among those that are copied\n", "mirror");
}

static void print_match(const struct config_route *conf)
{
    printf("%-11s%s: the longest pathPrefix that fits (%s)", "route", conf->name, conf->path_prefix);
    if (conf->host)
        printf(" of host %s\n", conf->host);
    else
        printf(", on any host\n");
}

/* Where the value of an override stands, and from where it is taken. */
static void print_override_row(const struct config_override *override)
{
    bool named = override->header || override->cookie;

    printf("%-11s", "override");
    if (override->secrets_len)
        printf("a signed value in %s %s", override->header ? "header" : "cookie",
               override->header ? override->header : override->cookie);
    else if (named)
        printf("\"%s\" in %s %s", override->value, override->header ? "header" : "cookie",
               override->header ? override->header : override->cookie);
    else
        printf("every request");
    if (override->networks_len)
        printf(named ? ", from the networks listed," : " from the networks listed");
    if (!override->secrets_len)
        printf(" goes to %s", override->to == CONFIG_SIDE_CANARY ? "canary" : "stable");
    else
        printf(" says where it goes");
    printf("\n");
}

static void print_overrides(const struct inquiry *inquiry)
{
    const struct config_route *conf = inquiry->route->conf;

    for (size_t i = 0; inquiry->override == OVERRIDE_NONE && i < conf->overrides_len; i++)
        print_override_row(&conf->overrides[i]);
    if (inquiry->override == OVERRIDE_NONE)
        return;
    if (is_overridden(inquiry))
        printf("%-11sgoes to %s, whatever the weight: %s\n", "override", side_word(inquiry->override_side),
               override_row(inquiry->override)->text);
    else
        printf("%-11signored, so that the weight decides: %s\n", "override",
               override_row(inquiry->override)->text);
}

static void print_side_choice(const struct inquiry *inquiry)
{
    const struct config_route *conf = inquiry->route->conf;

    if (is_overridden(inquiry)) {
        printf("%-11s%s, by the override; no judge sees it, and it gets no affinity cookie\n", "side",
               side_word(inquiry->override_side));
        return;
    }
    if (!inquiry->route->side[ROUTE_CANARY]) {
        printf("%-11sthe route has no canary: everything goes to stable\n", "side");
        return;
    }
    switch (conf->affinity) {
    case CONFIG_AFFINITY_NONE:
        printf("%-11sdrawn anew for each request\n", "side");
        break;
    case CONFIG_AFFINITY_CLIENT:
        printf("%-11sdrawn once for each client address; moves at most once while the weight rises\n",
               "side");
        break;
    case CONFIG_AFFINITY_HEADER:
    case CONFIG_AFFINITY_COOKIE:
        printf("%-11sdrawn once for each value of %s %s; ", "side",
               conf->affinity == CONFIG_AFFINITY_COOKIE ? "cookie" : "header", conf->affinity_name);
        if (inquiry->unit.len)
            printf("\"%.*s\" stays where it is while the weight stands\n", STR_ARG(inquiry->unit));
        else
            printf("this request has none, so it %s\n",
                   conf->affinity == CONFIG_AFFINITY_COOKIE ? "gets one" : "is drawn by itself");
        break;
    }
}

static void print_rules(const struct config_rule *rules, size_t len, const char *of)
{
    for (size_t i = 0; i < len; i++)
        printf("%-11s%s %s%s%s\n", of, rule_words[rules[i].kind], rules[i].name, rules[i].value ? ": " : "",
               rules[i].value ? rules[i].value : "");
}

static void print_upgrade(const struct inquiry *inquiry)
{
    const char *name = upgrade_of(inquiry);

    if (name)
        printf("%-11sto %s, when the target agrees; then bytes pass both ways\n", "upgrade", name);
    else if (inquiry->head.upgrade != UPGRADE_NONE)
        printf("%-11snone: the route does not list this protocol, so the request stays HTTP\n", "upgrade");
}

static void print_ambiguous(const struct inquiry *inquiry, const struct config *config)
{
    for (size_t i = 0; i < inquiry->head.len; i++) {
        const struct field *field = &inquiry->head.fields[i];

        if (field->flags & FIELD_ALIAS)
            printf("%-11s%.*s has '_' or '.', which some servers take for '-': %s\n", "ambiguous",
                   STR_ARG(field->name),
                   config->ambiguous_fields == CONFIG_AMBIGUOUS_KEEP
                       ? "it goes on unless it reads as a field of penstock's own"
                       : "it is dropped");
    }
}

static void print_retries(const struct inquiry *inquiry)
{
    const struct config_retries *conf = &inquiry->route->conf->retries;
    bool repeatable = method_is_idempotent(inquiry->head.method) && inquiry->head.framing == FRAMING_NONE &&
                      !upgrade_of(inquiry);

    if (conf->attempts)
        printf("%-11s%u at most, on another target, %s\n", "retries", conf->attempts,
               repeatable ? "when a target gave no answer"
                          : "and only when nothing of the request was sent: it may not be repeated");
    if (conf->shield && inquiry->route->side[ROUTE_CANARY])
        printf("%-11s%s\n", "shield",
               is_overridden(inquiry) ? "none: a tester sees what the canary does"
               : repeatable           ? "when the canary fails, stable is asked once"
                                      : "none: this request may not be repeated");
}

static void print_rewrite(const struct config_route *conf)
{
    if (conf->rewrite_prefix)
        printf("%-11sthe target is asked for %s in place of %s\n", "rewrite", conf->rewrite_prefix,
               conf->path_prefix);
    if (conf->rewrite_host)
        printf("%-11sthe target is asked for host %s\n", "rewrite", conf->rewrite_host);
}

/* A route without groups. */
static void print_answer(const struct config_route *conf)
{
    if (conf->redirect.to)
        printf("%-11s%u, to %s\n", "redirect", conf->redirect.status, conf->redirect.to);
    else
        printf("%-11s%u, with %zu bytes of its own\n", "answer", conf->answer.status,
               conf->answer.body ? strlen(conf->answer.body) : 0);
}

static void print_text(const struct inquiry *inquiry, const struct config *config, bool supposed)
{
    const struct route *route = inquiry->route;
    struct term term;

    term_look(&term, fileno(stdout));
    printf("%-11s%.*s %.*s%s on host %.*s\n", "request", STR_ARG(inquiry->head.method_name),
           (int)strlen(inquiry->path), inquiry->path,
           inquiry->head.query.len ? " (the query plays no part)" : "",
           STR_ARG(inquiry->head.authority.host));
    if (!route) {
        printf("%-11snone: no route has this host and path; the client would get 404\n", "route");
        return;
    }
    print_match(route->conf);
    print_rules(route->conf->request_rules, route->conf->request_rules_len, "to target");
    print_rules(route->conf->response_rules, route->conf->response_rules_len, "to client");
    print_rewrite(route->conf);
    if (config_route_answers(route->conf)) {
        print_answer(route->conf);
        return;
    }
    print_side(&term, route, ROUTE_STABLE);
    print_side(&term, route, ROUTE_CANARY);
    print_places(route, ROUTE_STABLE);
    print_places(route, ROUTE_CANARY);
    print_overrides(inquiry);
    print_side_choice(inquiry);
    if (is_synthetic(inquiry, config))
        printf("%-11syes, as it says itself: it is served by the weight, and no judge sees it\n",
               "synthetic");
    print_mirror(inquiry);
    print_retries(inquiry);
    print_upgrade(inquiry);
    print_ambiguous(inquiry, config);
    printf("%-11stwo of the group's open ones are drawn, and the less busy is taken\n", "target");
    printf("%-11s%s: the name of the platform; the client's own is removed\n", "label", config->label_header);
    if (route->side[ROUTE_CANARY] && !supposed)
        printf("%-11sthe configuration's; what is in force now is what `penstock status` says\n", "weight");
}

static bool parse_weight(const char *text, uint32_t *weight_r)
{
    char *end;
    double percent = strtod(text, &end);

    if (end == text || *end || !(percent >= 0 && percent <= 100)) {
        term_error("explain: --weight %s is no percentage from 0 to 100", text);
        return false;
    }
    *weight_r = (uint32_t)(percent * 100 + 0.5);
    return true;
}

/* A trusted proxy is nobody in any network, as in step_route. */
static bool parse_client(struct inquiry *inquiry, const char *text, const struct config *config,
                         struct ip *ip)
{
    if (!text)
        return true;
    if (ip_parse(str_from(text), ip)) {
        inquiry->client = config_trusts(&config->forwarded, ip, UINT_MAX) ? NULL : ip;
        return true;
    }
    term_error("explain: --client %s is no address, such as 192.0.2.7", text);
    return false;
}

static struct routes *routes_of(struct config *config, const uint32_t *weight)
{
    struct route_live *live = mem_zalloc((config->routes_len + 1) * sizeof *live);
    const struct hash_key key = {0}; /* no side is drawn here */
    struct routes *routes;

    for (size_t i = 0; i < config->routes_len; i++) {
        live[i].weight = weight ? *weight : config->routes[i].weight;
        live[i].step = -1;
    }
    routes = routes_build(config, live, NULL, &key, 1);
    free(live);
    return routes;
}

static enum subcommand_exit explain(struct config *config, const struct args *args)
{
    struct inquiry *inquiry = mem_zalloc(sizeof *inquiry);
    const char *supposed = args_value(args, "weight");
    enum subcommand_exit status = SUBCOMMAND_FAILED;
    struct routes *routes = NULL;
    uint32_t weight = 0;
    struct buf buf;
    struct ip ip;

    if ((supposed && !parse_weight(supposed, &weight)) ||
        !parse_client(inquiry, args_value(args, "client"), config, &ip) ||
        !write_request(inquiry, args, &buf) || !parse_request(inquiry, &buf, config))
        goto out;
    routes = routes_of(config, supposed ? &weight : NULL);
    find_route(inquiry, routes);
    if (args_has(args, "json"))
        print_json(inquiry, config);
    else
        print_text(inquiry, config, supposed != NULL);
    status = inquiry->route ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
out:
    routes_free(routes);
    free(inquiry->path);
    free(inquiry);
    return status;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    const char *path = subcommand_config(args);
    enum subcommand_exit status = SUBCOMMAND_FAILED;
    struct conf_report report;
    struct config *config;

    (void)verb;
    if (!path)
        return subcommand_misused(&subcommand_explain,
                                  "which configuration? -c FILE or $PENSTOCK_CONFIG says so");
    conf_report_init(&report);
    config = config_load(path, &report);
    if (config)
        status = explain(config, args);
    else
        conf_report_print(&report, stderr);
    config_unref(config);
    conf_report_fini(&report);
    return status;
}

const struct subcommand subcommand_explain = {
    .name = "explain",
    .summary = "say which route, group and target a request would get, and why",
    .operands = "METHOD URL",
    .operands_min = 2,
    .operands_max = 2,
    .text = "Looks at the configuration only; nothing is sent. URL may be a whole URL or a path.\n"
            "Ends with 1 when no route takes the request.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
