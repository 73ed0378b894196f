#include "cli/override.h"

#include "base/clk.h"
#include "base/unit.h"
#include "cli/term.h"
#include "conf/address.h"
#include "conf/load.h"
#include "conf/report.h"
#include "proxy/override.h"
#include "proxy/ticket.h"

#include <string.h>

enum { LIFE_MAX_DAYS = 366 };

static const struct args_option options[] = {
    SUBCOMMAND_OPTION_CONFIG,
    {.name = "route", .value = "ROUTE", .text = "the route (default: the only one with signed overrides)"},
    {.name = "group", .value = "GROUP", .text = "sign: canary (the default), stable, or the group's name"},
    {.name = "expires", .value = "TIME", .text = "sign: how long it is good, at most 366d (default: 8h)"},
    {.name = "any-route", .text = "sign: for every route that has the secret"},
    SUBCOMMAND_OPTION_JSON,
    SUBCOMMAND_OPTION_HELP,
};

static const struct subcommand_verb verbs[] = {
    {"sign", "", "make a value that sends who has it to one group", 0},
    {"verify", "VALUE", "say whether a value is good, and for what", 1},
};

/* ---- the route ---- */

/* The first override with a secret, or NULL. */
static const struct config_override *signed_override(const struct config_route *route)
{
    for (size_t i = 0; i < route->overrides_len; i++)
        if (route->overrides[i].secrets_len)
            return &route->overrides[i];
    return NULL;
}

static const struct config_route *named_route(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->routes_len; i++) {
        if (strcmp(config->routes[i].name, name) != 0)
            continue;
        if (signed_override(&config->routes[i]))
            return &config->routes[i];
        term_error("override: route %s has no override with secrets; write one under its overrides", name);
        return NULL;
    }
    term_error("override: no route is named %s in %s", name, config->path);
    return NULL;
}

static const struct config_route *find_route(const struct config *config, const struct args *args)
{
    const struct config_route *found = NULL;

    if (args_has(args, "route"))
        return named_route(config, args_value(args, "route"));
    for (size_t i = 0; i < config->routes_len; i++) {
        if (!signed_override(&config->routes[i]))
            continue;
        if (found) {
            term_error("override: routes %s and %s have signed overrides; --route says which is meant",
                       found->name, config->routes[i].name);
            return NULL;
        }
        found = &config->routes[i];
    }
    if (!found)
        term_error("override: no route of %s has an override with secrets", config->path);
    return found;
}

static const char *group_name(const struct config *config, const struct config_route *route,
                              enum config_side side)
{
    return config->groups[side == CONFIG_SIDE_CANARY ? (uint32_t)route->canary : route->stable].name;
}

static const char *side_name(enum config_side side)
{
    return side == CONFIG_SIDE_CANARY ? "canary" : "stable";
}

static bool parse_side(const struct config *config, const struct config_route *route, const char *word,
                       enum config_side *side_r)
{
    static const enum config_side sides[] = {CONFIG_SIDE_STABLE, CONFIG_SIDE_CANARY};

    *side_r = CONFIG_SIDE_CANARY;
    if (!word)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(sides); i++)
        if (strcmp(word, side_name(sides[i])) == 0) {
            *side_r = sides[i];
            return true;
        }
    for (size_t i = 0; i < ARRAY_LEN(sides); i++)
        if (strcmp(word, group_name(config, route, sides[i])) == 0) {
            *side_r = sides[i];
            return true;
        }
    term_error("override: --group %s is neither stable nor canary, nor one of the groups %s and %s", word,
               group_name(config, route, CONFIG_SIDE_STABLE), group_name(config, route, CONFIG_SIDE_CANARY));
    return false;
}

/* ---- sign ---- */

/* Whether an override takes what this secret signs. */
static bool takes(const struct config_override *override, const char *secret)
{
    for (size_t i = 0; i < override->secrets_len; i++)
        if (strcmp(override->secrets[i], secret) == 0)
            return true;
    return false;
}

static void print_curl(const struct config *config, const struct config_route *route,
                       const struct config_override *override, struct str value)
{
    const struct config_listener *listener = &config->listeners[0];
    bool secure = listener->tls.wanted;
    const char *host = route->host && route->host[0] != '*' ? route->host : "localhost";
    int port = address_port(&listener->address);

    if (override->header)
        printf("curl -H '%s: %.*s'", override->header, STR_ARG(value));
    else
        printf("curl -b '%s=%.*s'", override->cookie, STR_ARG(value));
    printf(" %s://%s", secure ? "https" : "http", host);
    if (port > 0 && port != (secure ? 443 : 80))
        printf(":%d", port);
    printf("%s\n", route->path_prefix);
}

/* The value alone on the first line, then how to use it. */
static void print_value(const struct config *config, const struct config_route *route, const char *secret,
                        struct str value, enum config_side side, const char *until, bool any_route)
{
    printf("%.*s\n\n", STR_ARG(value));
    printf("%-8sto %s (%s) of %s%s until %.*s\n", "goes", side_name(side), group_name(config, route, side),
           any_route ? "every route with the secret, such as " : "route ", route->name, CLK_TEXT_LEN, until);
    for (size_t i = 0; i < route->overrides_len; i++) {
        const struct config_override *override = &route->overrides[i];

        if (!takes(override, secret))
            continue;
        printf("%-8s", "try");
        print_curl(config, route, override, value);
        if (override->networks_len)
            printf("%-8sfrom the networks of the configuration only\n", "");
    }
}

static enum subcommand_exit sign(const struct config *config, const struct args *args)
{
    const struct config_route *route = find_route(config, args);
    const char *life = args_value(args, "expires"), *secret;
    const struct config_override *signer;
    bool any_route = args_has(args, "any-route");
    char block[TICKET_LEN], until[CLK_TEXT_LEN];
    int64_t life_ns = 8 * 3600 * NS_PER_S, expires_s;
    enum config_side side;
    struct buf buf;

    if (!route || !parse_side(config, route, args_value(args, "group"), &side))
        return SUBCOMMAND_FAILED;
    if (life && (!unit_duration_parse(str_from(life), &life_ns) || life_ns < NS_PER_S ||
                 life_ns > LIFE_MAX_DAYS * 24 * 3600 * NS_PER_S))
        return subcommand_misused(&subcommand_override, "--expires %s is no time from 1s to %dd, such as 8h",
                                  life, LIFE_MAX_DAYS);
    signer = signed_override(route);
    BUG_ON(!signer); /* find_route has seen one */
    secret = signer->secrets[0];
    expires_s = (clk_wall_ns() + life_ns) / NS_PER_S;
    clk_text(expires_s * NS_PER_S, until);
    buf_init(&buf, block, sizeof block);
    ticket_write(&buf, side, expires_s, any_route ? STR("*") : str_from(route->name), secret);
    BUG_ON(buf.full);
    if (args_has(args, "json")) {
        json_t *json = json_pack("{s:s%, s:s, s:s, s:s, s:s%}", "value", buf.p, buf.len, "side",
                                 side_name(side), "group", group_name(config, route, side), "route",
                                 any_route ? "*" : route->name, "expires", until, sizeof until);

        subcommand_print_json(json);
        json_decref(json);
    } else {
        print_value(config, route, secret, buf_str(&buf), side, until, any_route);
    }
    return SUBCOMMAND_OK;
}

/* ---- verify ---- */

static bool is_signed(const struct config_route *route, const struct ticket *ticket)
{
    for (size_t i = 0; i < route->overrides_len; i++)
        for (size_t k = 0; k < route->overrides[i].secrets_len; k++)
            if (ticket_is_signed(ticket, route->overrides[i].secrets[k]))
                return true;
    return false;
}

static enum override_result judge(const struct config_route *route, struct str value, struct ticket *ticket_r)
{
    if (!ticket_parse(value, ticket_r))
        return OVERRIDE_MALFORMED;
    if (!is_signed(route, ticket_r))
        return OVERRIDE_FORGED;
    if (!ticket_is_for(ticket_r, route->name))
        return OVERRIDE_OTHER_ROUTE;
    return ticket_r->expires_s <= clk_wall_ns() / NS_PER_S ? OVERRIDE_EXPIRED : OVERRIDE_SIGNED;
}

static enum subcommand_exit verify(const struct config *config, const struct args *args)
{
    const struct config_route *route = find_route(config, args);
    char until[CLK_TEXT_LEN] = "";
    enum override_result result;
    struct ticket ticket;
    bool good, legible;

    if (!route)
        return SUBCOMMAND_FAILED;
    result = judge(route, str_from(args->operands[0]), &ticket);
    good = result == OVERRIDE_SIGNED;
    legible = result != OVERRIDE_MALFORMED && result != OVERRIDE_FORGED; /* what it says is true */
    if (legible)
        clk_text(ticket.expires_s * NS_PER_S, until);
    if (args_has(args, "json")) {
        json_t *json =
            json_pack("{s:b, s:s, s:s, s:s*, s:o*}", "good", (int)good, "result", override_row(result)->name,
                      "route", route->name, "side", legible ? side_name(ticket.side) : NULL, "expires",
                      legible ? json_stringn(until, sizeof until) : NULL);

        subcommand_print_json(json);
        json_decref(json);
    } else if (good) {
        printf("good: to %s (%s) of route %s until %.*s\n", side_name(ticket.side),
               group_name(config, route, ticket.side), route->name, CLK_TEXT_LEN, until);
    } else {
        printf("no good for route %s: %s", route->name, override_row(result)->text);
        printf(legible ? " (%.*s, until %.*s)\n" : "\n", STR_ARG(ticket.route), CLK_TEXT_LEN, until);
    }
    return good ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    const char *path = subcommand_config(args);
    enum subcommand_exit status = SUBCOMMAND_FAILED;
    struct conf_report report;
    struct config *config;

    if (!path)
        return subcommand_misused(&subcommand_override,
                                  "which configuration? -c FILE or $PENSTOCK_CONFIG says so");
    conf_report_init(&report);
    config = config_load(path, &report);
    if (config)
        status = strcmp(verb->name, "sign") == 0 ? sign(config, args) : verify(config, args);
    else
        conf_report_print(&report, stderr);
    config_unref(config);
    conf_report_fini(&report);
    return status;
}

const struct subcommand subcommand_override = {
    .name = "override",
    .summary = "make and check the values with which testers choose a group",
    .text = "The value goes into the header or cookie of the route's overrides. It is signed with the\n"
            "first secret of the first override that has some, and cannot be taken back but by\n"
            "removing that secret.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .verbs = verbs,
    .verbs_len = ARRAY_LEN(verbs),
    .run = run,
};
