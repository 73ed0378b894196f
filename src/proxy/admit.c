/* HEAD and ROUTE: may this request pass, and where to. */
#include "base/log.h"
#include "net/tls_server.h"
#include "proto/hops.h"
#include "proxy/compose.h"
#include "proxy/cookie.h"
#include "proxy/front.h"
#include "proxy/mirror.h"
#include "proxy/override.h"
#include "proxy/record.h"
#include "proxy/rules.h"
#include "proxy/step.h"
#include "proxy/synthetic.h"
#include "proxy/worker.h"
#include "route/path.h"

#include <limits.h>

enum {
    HOST_MAX = 255,
    LOOP_HOPS = 5,             /* as h2o: our own name this often in Via is a loop */
    BODY_ROOM_MIN = 10 * 1024, /* free behind a head: trailers must fit in one piece */
};

/* ---- HEAD ---- */

/* How often our own name stands in Via. */
static unsigned own_hops(const struct txn *txn)
{
    struct str name = str_from(txn->worker->config->via_name);
    unsigned hops = 0;

    for (const struct field *f = head_find(&txn->head, FIELD_VIA); f; f = head_next(&txn->head, f)) {
        struct str rest = f->value, entry, word;

        while (str_split(&rest, ',', &entry)) {
            entry = str_trim(entry);
            if (str_split(&entry, ' ', &word) && entry.p && str_eq_nocase(str_trim(entry), name))
                hops++;
        }
    }
    return hops;
}

/* Whether these are the first bytes of a client that speaks no HTTP/1, where HTTP/2 is spoken too: it would
 * take an answer for frames (RFC 9113 section 3.4). */
static bool is_no_preface(const struct txn *txn)
{
    const struct inbound *in = txn->in;
    const struct front *front = txn->front;
    struct str line = {in->buf.p + in->scan.start, in->scan.seen - in->scan.start};
    size_t len = 0;

    if (in->framed || front->served || front->secure ||
        !txn->worker->config->listeners[front->listener].h2c || in->scan.lines == 0)
        return false;
    while (line.p[len] != '\r')
        len++;
    line.len = len ? len - 1 : 0; /* without the minor version */
    return !str_ends_with(line, STR(" HTTP/1."));
}

static enum next refuse(struct txn *txn, enum h1_error error)
{
    txn->in->closing = true;
    if (!compose_ids(txn, false))
        return step_cut(txn, OUTCOME_HEAD_TOO_LARGE);
    if (is_no_preface(txn))
        return step_cut(txn, OUTCOME_BAD_REQUEST);
    return step_refuse(txn, error == H1_METHOD_REFUSED ? OUTCOME_METHOD_REFUSED : OUTCOME_BAD_REQUEST, error);
}

/* Max-Forwards counts hops of OPTIONS only: TRACE is refused (RFC 9110 section 7.6.2). */
static bool hops_are_over(const struct txn *txn)
{
    struct str value = head_value(&txn->head, FIELD_MAX_FORWARDS);
    uint64_t hops;

    return txn->head.method == METHOD_OPTIONS && str_to_u64(value, &hops) && hops == 0;
}

static enum h1_error parse(struct txn *txn)
{
    const struct config *config = txn->worker->config;
    enum h1_error error = txn->in->ops->head(txn->in, &txn->head);

    if (!error && txn->head.may_alias && config->ambiguous_fields == CONFIG_AMBIGUOUS_REJECT)
        return H1_FIELD_AMBIGUOUS;
    return error;
}

/* A call of gRPC, and the time that the client has for it. */
static void note_grpc(struct txn *txn)
{
    const struct field *timeout;

    txn->grpc = grpc_is_type(head_value(&txn->head, FIELD_CONTENT_TYPE));
    timeout = txn->grpc ? head_find_name(&txn->head, STR("grpc-timeout"), 0) : NULL;
    txn->grpc_timeout_ns = timeout ? grpc_timeout_ns(timeout->value) : 0;
}

/* What the proxy in front says who the client is; without a word of it, the client is the proxy. */
static void find_client(struct txn *txn)
{
    const struct config_forwarded *conf = &txn->worker->config->forwarded;
    enum field_id field = conf->from == CONFIG_HOPS_FORWARDED ? FIELD_FORWARDED : FIELD_X_FORWARDED_FOR;
    struct ip ip;
    char *text;

    if (!hops_client(&txn->head, field, config_trusts, conf, &ip))
        return;
    txn->exempt = front_exempts(txn->worker->config, &ip);
    txn->place = crowd_find(&txn->worker->shared->crowd, &ip);
    if ((text = arena_alloc(&txn->arena, IP_TEXT_LEN)))
        txn->client = (struct str){text, ip_text(&ip, text)};
}

/* Who the client is, and whether what it has open counts. */
static void meet_client(struct txn *txn)
{
    const struct front *front = txn->front;

    txn->exempt = front->exempt || front->trusted; /* of a proxy itself nothing can be told */
    txn->place = front->place;
    if (front->trusted)
        find_client(txn);
}

enum next step_head(struct txn *txn)
{
    struct inbound *in = txn->in;
    enum h1_error error = in->scan.error;

    h1_body_init(&txn->body, FRAMING_UNTIL_CLOSE, 0, &h1_request_limits); /* until the framing is known */
    head_init(&txn->head, txn->fields, txn->worker->config->limits.request.fields);
    if (!error && in->scan.end == 0) {
        if (!compose_ids(txn, false))
            return step_cut(txn, OUTCOME_HEAD_TOO_LARGE);
        return step_fail(txn, OUTCOME_HEAD_TIMEOUT, NULL);
    }
    if (!error && in->buf.cap - in->scan.end < BODY_ROOM_MIN &&
        !relay_grow(&in->buf, &txn->worker->relay_memory)) {
        in->closing = true;
        return step_fail(txn, OUTCOME_OVERLOAD, "the memory for long requests is used up");
    }
    if (!error)
        error = parse(txn);
    if (error)
        return refuse(txn, error);
    in->buf.keep = in->buf.off = in->scan.end;
    h1_body_init(&txn->body, in->framed ? framing_raw(txn->head.framing) : txn->head.framing,
                 txn->head.content_length, &txn->routes->config->limits.request);
    if (in->whole)
        h1_body_end(&txn->body);
    if (in->framed) /* there is none in HTTP/1.1 */
        note_grpc(txn);
    in->last = txn->head.minor > 0 && !txn->head.keep_alive;
    if (!txn->head.keep_alive || txn->worker->draining)
        in->closing = true;
    meet_client(txn);
    if (!compose_ids(txn, true))
        return step_cut(txn, OUTCOME_HEAD_TOO_LARGE);
    if (own_hops(txn) >= LOOP_HOPS)
        return step_fail(txn, OUTCOME_LOOP, NULL);
    if (hops_are_over(txn))
        return step_fail(txn, OUTCOME_HOPS_OVER, NULL);
    step_to(txn, TXN_ROUTE);
    return NEXT;
}

/* ---- ROUTE ---- */

/* Whether the path is in normal form already, as nearly all are: no escape, no empty or dot segment. */
static bool is_normal(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.p[i] == '%' ||
            (path.p[i] == '/' && i + 1 < path.len && (path.p[i + 1] == '/' || path.p[i + 1] == '.')))
            return false;
    return path.len > 0 && path.p[0] == '/';
}

/* The host in lower case. */
static struct str host_of(const struct txn *txn, char lower[static HOST_MAX])
{
    struct str host = txn->head.authority.host;

    BUG_ON(host.len > HOST_MAX);
    for (size_t i = 0; i < host.len; i++)
        lower[i] = ascii_lower(host.p[i]);
    return (struct str){lower, host.len};
}

/* Whether the connection was not made for this host (RFC 9110 section 15.5.20). */
static bool is_misdirected(const struct txn *txn)
{
    char lower[HOST_MAX];

    return txn->front->secure && !tls_server_serves(&txn->front->conn, host_of(txn, lower));
}

/* False when the path is too long to be brought to its normal form; no route is txn->route == NULL. */
static bool find_route(struct txn *txn)
{
    char lower[HOST_MAX], *room;

    txn->path = txn->head.path;
    if (!is_normal(txn->path)) {
        if (txn->path.len > TXN_PATH_MAX || !(room = arena_alloc(&txn->arena, txn->path.len + 1)))
            return false;
        txn->path = path_normalise(txn->head.path, room);
    }
    txn->route = pick_route(txn->routes, host_of(txn, lower), txn->path);
    return true;
}

/* False when too many requests of the client are under way. */
static bool joins(struct txn *txn)
{
    uint32_t most = txn->worker->config->limits.address_requests;

    if (txn->exempt || most == 0)
        return true;
    txn->counted = crowd_enter(&txn->worker->shared->crowd.requests, txn->place, most);
    return txn->counted;
}

/* What the client sticks by; for a cookie that is missing, a new one. */
static struct str affinity_unit(struct txn *txn)
{
    const struct route_affinity *affinity = &txn->route->affinity;
    const struct field *field;
    struct str unit = STR_NULL;
    struct buf fresh;
    char *room;

    switch (affinity->by) {
    case CONFIG_AFFINITY_NONE:
        return STR_NULL;
    case CONFIG_AFFINITY_HEADER:
        field = head_find_name(&txn->head, str_from(affinity->name), 0);
        return field ? field->value : STR_NULL;
    case CONFIG_AFFINITY_CLIENT:
        return txn->client;
    case CONFIG_AFFINITY_COOKIE:
        unit = cookie_value(&txn->head, str_from(affinity->name));
        break;
    }
    if (unit.len || !(room = arena_alloc(&txn->arena, 32)))
        return unit;
    buf_init(&fresh, room, 32);
    buf_hex(&fresh, rnd_u64(&txn->worker->ids), 16);
    buf_hex(&fresh, rnd_u64(&txn->worker->ids), 16);
    txn->unit_is_new = true;
    return buf_str(&fresh);
}

/* Whether the request has chosen its side itself, and may. It then sticks to nothing. */
static bool is_overridden(struct txn *txn)
{
    const struct config_route *conf = txn->route->conf;
    enum route_side side = ROUTE_STABLE;
    struct ip ip;
    /* A proxy that does not say whom it speaks for is nobody, whatever network it is in. */
    bool silent = txn->front->trusted && txn->client.p == front_ip(txn->front).p, taken;
    bool known = !silent && ip_parse(txn->client, &ip) &&
                 !config_trusts(&txn->worker->config->forwarded, &ip, UINT_MAX);

    txn->override = override_find(txn->route, &txn->head, known ? &ip : NULL,
                                  worker_wall_ns(txn->worker, txn->worker->now_ns), &side);
    override_strip(conf, &txn->head);
    if (txn->override == OVERRIDE_NONE)
        return false;
    taken = override_row(txn->override)->taken;
    if (taken) {
        txn->pick = pick_override(txn->route, side);
        if (txn->pick.assignment != ASSIGNMENT_OVERRIDE)
            txn->override = OVERRIDE_NO_TARGET;
    }
    cell_add(&txn->cells->overrides[txn->override], 1);
    return taken;
}

/* The first protocol that the client asks for and the route allows. WebSocket was checked as such; another
 * protocol must not be taken for it. */
static struct str upgrade_of(const struct txn *txn)
{
    const struct config_route *conf = txn->route->conf;
    bool websocket = txn->head.upgrade == UPGRADE_WEBSOCKET;

    if (txn->head.upgrade == UPGRADE_NONE || config_group_is_h2(txn->group->conf))
        return STR_NULL; /* there is no Upgrade in HTTP/2 */
    for (size_t i = 0; i < conf->upgrades_len; i++) {
        struct str name = str_from(conf->upgrades[i]);

        if (str_eq_nocase(name, STR("websocket")) == websocket && head_lists(&txn->head, FIELD_UPGRADE, name))
            return name;
    }
    return STR_NULL;
}

/* Memory is short: who has been idle longest goes too, so that this one may come again. */
static enum next starve(struct txn *txn)
{
    if (!front_shed(txn->worker, true))
        log_debug("no connection is idle");
    return step_fail(txn, OUTCOME_OVERLOAD, "the memory of this proxy is used up");
}

/* A judge sees it when nobody has sent it to its side, and it is no monitor's. */
static void begin_score(struct txn *txn)
{
    struct worker *worker = txn->worker;

    if (!txn->route->judging || txn->synthetic || !assignment_is_drawn(txn->pick.assignment))
        return;
    score_begin(&txn->score, &worker->scorer, txn->route, txn->cells,
                &worker->shared->units[txn->route->conf->slot], &txn->head, txn->client, txn->path,
                txn->pick.side, worker->now_ns);
    txn->score.on_slow = txn->tracing && txn->pick.side == ROUTE_CANARY ? record_slow : NULL;
}

enum next step_route(struct txn *txn)
{
    struct worker *worker = txn->worker;

    if (worker_is_short(worker))
        return starve(txn);
    if (!joins(txn))
        return step_fail(txn, OUTCOME_CROWDED, NULL);
    if (is_misdirected(txn))
        return step_fail(txn, OUTCOME_MISDIRECTED, NULL);
    if (!find_route(txn))
        return step_refuse(txn, OUTCOME_BAD_REQUEST, H1_START_LINE_TOO_LONG);
    if (!txn->route)
        return step_fail(txn, OUTCOME_NO_ROUTE, NULL);
    txn->body.limits = &txn->route->conf->request;
    txn->cells = shard_route(worker->shard, txn->route->conf->slot);
    txn->synthetic =
        synthetic_is(config_synthetic(txn->routes->config, txn->route->conf), &txn->head, txn->client);
    if (!txn->route->may_choose || !is_overridden(txn)) {
        txn->affinity_unit = affinity_unit(txn);
        txn->pick = pick_side(txn->routes, txn->route, &worker->rnd, txn->affinity_unit);
    }
    txn->group = txn->route->side[txn->pick.side];
    txn->upgrade = upgrade_of(txn);
    txn->fresh = txn->upgrade.len > 0; /* it will not come back, and must not meet one that is being closed */
    cell_add(&txn->cells->side[txn->pick.side].open, 1);
    if (txn->head.extended_connect && !txn->upgrade.len)
        return step_refuse(txn, OUTCOME_METHOD_REFUSED, H1_METHOD_REFUSED);
    if (config_route_answers(txn->route->conf))
        return step_answer(txn);
    begin_score(txn);
    if (txn->head.has_length && txn->head.content_length > txn->route->conf->max_body)
        return step_fail(txn, OUTCOME_BODY_TOO_LARGE, NULL);
    if (!rules_path(txn))
        return step_refuse(txn, OUTCOME_BAD_REQUEST, H1_START_LINE_TOO_LONG);
    txn->arena_keep = txn->arena.len;
    if (txn->route->mirror.share > 0)
        mirror_consider(txn);
    step_to(txn, TXN_PLACE);
    return NEXT;
}
