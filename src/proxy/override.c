#include "proxy/override.h"

#include "base/clk.h"
#include "proto/head.h"
#include "proxy/cookie.h"
#include "proxy/relay.h"
#include "proxy/ticket.h"
#include "route/steer.h"

/* Signed cookies in a line; one that has more is left out whole. */
enum { CUTS_MAX = 4 };

const struct override_row *override_row(enum override_result result)
{
    static const struct override_row rows[] = {
#define OVERRIDE(id, name, taken, text) [OVERRIDE_##id] = {name, taken, text},
#include "proxy/override.def"
#undef OVERRIDE
    };

    BUG_ON(result == OVERRIDE_NONE || result >= OVERRIDE_RESULTS);
    return &rows[result];
}

/* ---- which side ---- */

static bool is_near(const struct config_override *override, const struct ip *client)
{
    return client && ip_nets_have(override->networks, override->networks_len, client);
}

static bool is_signed(const struct config_override *override, const struct ticket *ticket)
{
    for (size_t i = 0; i < override->secrets_len; i++)
        if (override->secrets[i] && ticket_is_signed(ticket, override->secrets[i]))
            return true;
    return false;
}

static enum override_result check_ticket(const struct config_route *route,
                                         const struct config_override *override, struct str value,
                                         const struct ip *client, int64_t wall_ns, enum route_side *side_r)
{
    struct ticket ticket;

    if (!ticket_parse(value, &ticket))
        return OVERRIDE_MALFORMED;
    if (!is_signed(override, &ticket))
        return OVERRIDE_FORGED;
    if (!ticket_is_for(&ticket, route->name))
        return OVERRIDE_OTHER_ROUTE;
    if (ticket.expires_s <= wall_ns / NS_PER_S)
        return OVERRIDE_EXPIRED;
    if (override->networks_len && !is_near(override, client))
        return OVERRIDE_OTHER_NETWORK;
    *side_r = ticket.side == CONFIG_SIDE_CANARY ? ROUTE_CANARY : ROUTE_STABLE;
    return OVERRIDE_SIGNED;
}

/* Whether the request has the header; one that comes twice says nothing, p is then NULL. */
static bool has_header(const struct head *head, struct str name, struct str *value_r)
{
    const struct field *field = head_find_name(head, name, 0);

    if (!field)
        return false;
    *value_r = head_find_name(head, name, (size_t)(field - head->fields) + 1) ? STR_NULL : field->value;
    return true;
}

/* The same of the header or cookie of an override. */
static bool has_value(const struct config_override *override, const struct head *head, struct str *value_r)
{
    if (override->header)
        return has_header(head, str_from(override->header), value_r);
    *value_r = cookie_value(head, str_from(override->cookie));
    return value_r->p != NULL;
}

static enum override_result try_one(const struct config_route *route, const struct config_override *override,
                                    const struct head *head, const struct ip *client, int64_t wall_ns,
                                    enum route_side *side_r)
{
    bool named = override->header || override->cookie;
    struct str value = STR_NULL;

    if (named && !has_value(override, head, &value))
        return OVERRIDE_NONE;
    if (named && !value.p)
        return OVERRIDE_MALFORMED;
    if (override->secrets_len)
        return check_ticket(route, override, value, client, wall_ns, side_r);
    if (named && !str_eq(value, str_from(override->value)))
        return OVERRIDE_NONE;
    if (!is_near(override, client))
        return named ? OVERRIDE_OTHER_NETWORK : OVERRIDE_NONE;
    *side_r = override->to == CONFIG_SIDE_CANARY ? ROUTE_CANARY : ROUTE_STABLE;
    return named ? OVERRIDE_VALUE : OVERRIDE_NETWORK;
}

static enum override_result try_plan(const struct steer *steer, const struct head *head,
                                     const struct ip *client, enum route_side *side_r)
{
    struct str value;

    if (!has_header(head, steer_header(steer), &value) || !value.p || !steer_matches(steer, value))
        return OVERRIDE_NONE;
    if (!steer_admits(steer, client))
        return OVERRIDE_OTHER_NETWORK;
    *side_r = steer_to(steer) == GROUP_CANARY ? ROUTE_CANARY : ROUTE_STABLE;
    return OVERRIDE_PLAN;
}

enum override_result override_find(const struct route *route, const struct head *head,
                                   const struct ip *client, int64_t wall_ns, enum route_side *side_r)
{
    enum override_result first = OVERRIDE_NONE, result;
    const struct config_route *conf = route->conf;

    for (size_t i = 0; i < conf->overrides_len; i++) {
        result = try_one(conf, &conf->overrides[i], head, client, wall_ns, side_r);
        if (result != OVERRIDE_NONE && override_row(result)->taken)
            return result;
        if (first == OVERRIDE_NONE)
            first = result;
    }
    result = route->steer ? try_plan(route->steer, head, client, side_r) : OVERRIDE_NONE;
    return result != OVERRIDE_NONE && (first == OVERRIDE_NONE || override_row(result)->taken) ? result
                                                                                              : first;
}

/* ---- what is not sent on ---- */

static bool is_signed_cookie(const struct config_route *route, struct str pair)
{
    struct str name;

    if (!str_split(&pair, '=', &name) || !pair.p)
        return false;
    for (size_t i = 0; i < route->overrides_len; i++) {
        const struct config_override *override = &route->overrides[i];

        if (override->secrets_len && override->cookie && str_eq(str_trim(name), str_from(override->cookie)))
            return true;
    }
    return false;
}

static size_t count_signed(const struct config_route *route, struct str value)
{
    struct str pair;
    size_t n = 0;

    while (str_split(&value, ';', &pair))
        n += is_signed_cookie(route, pair);
    return n;
}

static void strip_cookies(const struct config_route *route, struct head *head)
{
    bool parted = false;

    for (size_t i = 0; i < head->len; i++) {
        struct field *field = &head->fields[i];
        size_t cuts = field->id == FIELD_COOKIE ? count_signed(route, field->value) : 0;

        if (cuts == 0)
            continue;
        field->flags |= parted || cuts > CUTS_MAX ? FIELD_HOP : FIELD_PART;
        parted = true;
    }
}

void override_strip(const struct config_route *route, struct head *head)
{
    bool cookies = false;

    for (size_t i = 0; i < route->overrides_len; i++) {
        const struct config_override *override = &route->overrides[i];

        if (override->secrets_len && override->header)
            head_drop_alike(head, str_from(override->header));
        cookies |= override->secrets_len && override->cookie;
    }
    if (cookies)
        strip_cookies(route, head);
}

/* The next run of pairs of which none is signed, without the white space around it. */
static bool next_run(const struct config_route *route, struct str *rest, struct str *run_r)
{
    struct str pair;

    *run_r = STR_NULL;
    while (str_split(rest, ';', &pair)) {
        bool cut = is_signed_cookie(route, pair);

        if (cut && run_r->len)
            return true;
        if (cut || str_trim(pair).len == 0)
            continue;
        pair = str_trim(pair);
        if (!run_r->len)
            run_r->p = pair.p;
        run_r->len = (size_t)(pair.p + pair.len - run_r->p);
    }
    return run_r->len > 0;
}

void override_queue_cookies(const struct config_route *route, const struct field *field,
                            struct relay_queue *queue)
{
    struct str rest = field->value, run;
    bool any = false;

    while (next_run(route, &rest, &run)) {
        relay_add(queue, any ? STR("; ") : STR("Cookie: "));
        relay_add(queue, run);
        any = true;
    }
    if (any)
        relay_add(queue, STR("\r\n"));
}
