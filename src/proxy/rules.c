#include "proxy/rules.h"

#include "conf/template.h"
#include "proto/h1_write.h"
#include "proto/status.h"
#include "proxy/front.h"
#include "proxy/txn.h"
#include "proxy/worker.h"

#include <string.h>

enum {
    FIELDS_MAX = 2048, /* what the rules of a message may add */
    VALUE_MAX = 2048,  /* a value with its variables */
    HEAD_MAX = 768,    /* a head of ours, without what rules add and without Location */
    PORT_LEN = 8,
};

/* ---- values ---- */

static struct str group_value(const struct txn *txn, enum template_value value)
{
    const struct config_group *group = txn->group ? txn->group->conf : NULL;

    if (!group)
        return STR_NULL;
    if (value == TEMPLATE_SIDE)
        return txn->pick.side == ROUTE_CANARY ? STR("canary") : STR("stable");
    return str_from(value == TEMPLATE_PLATFORM ? group->platform : group->name);
}

/* `port` has room for the one value that has to be written. */
static struct str value_of(const struct txn *txn, enum template_value value, struct buf *port)
{
    const struct head *head = &txn->head;

    switch (value) {
    case TEMPLATE_PLATFORM:
    case TEMPLATE_GROUP:
    case TEMPLATE_SIDE:
        return group_value(txn, value);
    case TEMPLATE_TARGET:
        return txn->target ? str_from(txn->target->conf->address.text) : STR_NULL;
    case TEMPLATE_ROUTE:
        return str_from(txn->route->conf->name);
    case TEMPLATE_REQUEST_ID:
        return txn->request_id;
    case TEMPLATE_TRACE_ID:
        return txn->trace_id;
    case TEMPLATE_CLIENT_ADDRESS:
        return txn->client;
    case TEMPLATE_CLIENT_PORT:
        buf_u64(port, txn->front->port);
        return buf_str(port);
    case TEMPLATE_METHOD:
        return head->method_name;
    case TEMPLATE_HOST:
        return head->authority.host;
    case TEMPLATE_AUTHORITY:
        return head->authority.whole;
    case TEMPLATE_PATH:
        return head->path.len && head->path.p[0] == '/' ? head->path : STR("/"); /* OPTIONS * */
    case TEMPLATE_QUERY:
        return head->query;
    case TEMPLATE_VALUES:
        break;
    }
    BUG("value %d", (int)value);
}

static void expand(const struct txn *txn, const char *template, struct buf *out)
{
    struct str rest = str_from(template);
    struct template_piece piece;

    while (template_next(&rest, &piece) == TEMPLATE_PIECE) {
        char block[PORT_LEN];
        struct buf port;

        buf_init(&port, block, sizeof block);
        buf_str_add(out, piece.value == TEMPLATE_VALUES ? piece.text : value_of(txn, piece.value, &port));
    }
}

/* ---- header rules ---- */

struct rules rules_of_request(const struct txn *txn)
{
    return (struct rules){txn->route->conf->request_rules, txn->route->conf->request_rules_len};
}

struct rules rules_of_reply(const struct txn *txn)
{
    return (struct rules){txn->route->conf->response_rules, txn->route->conf->response_rules_len};
}

void rules_drop(struct rules rules, struct head *head)
{
    for (size_t i = 0; i < rules.len; i++)
        if (rules.rules[i].kind != CONFIG_RULE_ADD)
            head_drop_alike(head, str_from(rules.rules[i].name));
}

static bool same_name(const struct config_rule *a, const struct config_rule *b)
{
    return str_eq_nocase(str_from(a->name), str_from(b->name));
}

/* Whether a later rule takes away what this one gives. */
static bool is_undone(struct rules rules, size_t at)
{
    for (size_t i = at + 1; i < rules.len; i++)
        if (rules.rules[i].kind != CONFIG_RULE_ADD && same_name(&rules.rules[i], &rules.rules[at]))
            return true;
    return false;
}

static void write_rules(const struct txn *txn, struct rules rules, struct buf *out)
{
    for (size_t i = 0; i < rules.len; i++) {
        const struct config_rule *rule = &rules.rules[i];
        char block[VALUE_MAX];
        struct buf value;

        if (rule->kind == CONFIG_RULE_REMOVE || is_undone(rules, i))
            continue;
        buf_init(&value, block, sizeof block);
        expand(txn, rule->value, &value);
        out->full |= value.full;
        if (value.len > 0)
            h1_write_field(out, str_from(rule->name), buf_str(&value));
    }
}

bool rules_write(struct txn *txn, struct rules rules, struct relay_queue *queue)
{
    struct buf out;
    char *block;

    if (rules.len == 0)
        return true;
    block = arena_alloc(&txn->arena, FIELDS_MAX);
    if (!block)
        return false;
    buf_init(&out, block, FIELDS_MAX);
    write_rules(txn, rules, &out);
    relay_add(queue, buf_str(&out));
    return !out.full;
}

/* ---- the path ---- */

/* The prefix of the normal form is known to match; so of another form that is what is sent (as a rewrite has
 * to change the path anyway, RFC 9110 section 7.7 leaves it to us). */
bool rules_path(struct txn *txn)
{
    const struct config_route *conf = txn->route->conf;
    struct str prefix, rest;
    struct buf out;
    char *block;

    txn->up_path = txn->head.path;
    if (!conf->rewrite_prefix || str_eq(txn->head.path, STR("*")))
        return true;
    prefix = str_from(conf->path_prefix);
    prefix.len = prefix.len == 1 ? 0 : prefix.len; /* "/" */
    rest = (struct str){txn->path.p + prefix.len, txn->path.len - prefix.len};
    prefix = str_from(conf->rewrite_prefix);
    prefix.len = prefix.len == 1 && rest.len ? 0 : prefix.len;
    block = arena_alloc(&txn->arena, prefix.len + rest.len + 1);
    if (!block)
        return false;
    buf_init(&out, block, prefix.len + rest.len + 1);
    buf_str_add(&out, prefix);
    buf_str_add(&out, rest);
    txn->up_path = buf_str(&out);
    return !out.full;
}

/* ---- answers that stand in the route ---- */

unsigned rules_status(const struct config_route *route)
{
    return route->redirect.to ? route->redirect.status : route->answer.status;
}

/* Where the client is sent to; a blank or a control character in it would break the line, and then nothing is
 * written. */
static void write_location(struct buf *out, const struct txn *txn, char *block, size_t cap)
{
    struct buf value;

    if (!txn->route->conf->redirect.to)
        return;
    buf_init(&value, block, cap);
    expand(txn, txn->route->conf->redirect.to, &value);
    out->full |= value.full;
    h1_write_field(out, STR("Location"), buf_str(&value));
}

static void write_content(struct buf *out, const struct config_route *conf, unsigned status, size_t len)
{
    if (status == 204 || status == 304)
        return;
    if (len > 0)
        h1_write_field(out, STR("Content-Type"),
                       conf->answer.type ? str_from(conf->answer.type) : STR("text/plain; charset=utf-8"));
    h1_write_number(out, STR("Content-Length"), len);
}

bool rules_answer(struct txn *txn, bool close)
{
    const struct config_route *conf = txn->route->conf;
    struct str body = !conf->redirect.to && conf->answer.body ? str_from(conf->answer.body) : STR_NULL;
    size_t place = conf->redirect.to ? strlen(conf->redirect.to) + txn->head.path.len + txn->head.query.len +
                                           txn->head.authority.whole.len + VALUE_MAX
                                     : 0;
    size_t cap = HEAD_MAX + place + (conf->response_rules_len ? FIELDS_MAX : 0);
    char *room = place ? arena_alloc(&txn->arena, place) : NULL, *block = arena_alloc(&txn->arena, cap);
    unsigned status = rules_status(conf);
    struct buf out;

    if (!block || (place && !room))
        return false;
    buf_init(&out, block, cap);
    h1_write_status_line(&out, status, status_reason(status));
    h1_write_field(&out, STR("Date"), worker_date(txn->worker));
    write_location(&out, txn, room, place);
    write_content(&out, conf, status, body.len);
    if (txn->request_id.len)
        h1_write_field(&out, STR("X-Request-Id"), txn->request_id);
    buf_str_add(&out, front_hsts(txn->front));
    write_rules(txn, rules_of_reply(txn), &out);
    if (close)
        buf_lit(&out, "Connection: close\r\n");
    h1_write_end(&out);
    relay_add(&txn->down, buf_str(&out));
    if (txn->head.method != METHOD_HEAD)
        relay_add(&txn->down, body);
    return !out.full;
}
