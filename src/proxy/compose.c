#include "proxy/compose.h"

#include "net/tls_server.h"
#include "proto/h1_write.h"
#include "proto/proxyline.h"
#include "proto/status.h"
#include "proto/tracecontext.h"
#include "proxy/front.h"
#include "proxy/rules.h"
#include "proxy/step.h"
#include "proxy/tracing.h"
#include "proxy/worker.h"

#include <string.h>

enum {
    REQUEST_ID_MAX = 128, /* a longer X-Request-Id is replaced */
    CHAIN_MAX = 2048, /* of what trusted proxies say about the way of a request; a longer one begins anew */
    HOST_SAID_MAX = 300,   /* of the host that a trusted proxy says */
    OWN_FIELDS_MAX = 2048, /* what we add to a request; the authority alone may have 255 bytes three times */
    REPLY_FIELDS_MAX = 1024, /* what we add to an answer */
    PROTOCOLS_MAX = 256,     /* that an answer names in Upgrade; with more it goes without */
    OWN_ANSWER_MAX = 1024,
    LINE_MAX_COPIED = 1024, /* a longer request line stays where it is: its slices are queued */
    REASON_MAX = 256,       /* a longer reason phrase is left out; it says nothing that the status does not */
};

/* ---- pieces ---- */

/* A builder over what is free in the arena, at most `cap`; compose_end takes what was written. */
static bool compose_start(struct txn *txn, struct buf *buf, size_t cap)
{
    char *block = arena_alloc(&txn->arena, cap);

    buf_init(buf, block, block ? cap : 0);
    return block != NULL;
}

static bool compose_end(struct relay_queue *queue, const struct buf *buf)
{
    relay_add(queue, buf_str(buf));
    return !buf->full;
}

/* Queues the lines of all fields that pass, as runs of the buffer that they were parsed from. `end` is where
 * the empty line behind the last one begins. `route` knows of what is FIELD_PART only a part passes; an
 * answer has no such fields. */
static void queue_lines(struct relay_queue *queue, const struct head *head, const char *end,
                        const struct config_route *route)
{
    for (size_t i = 0; i < head->len; i++) {
        const char *next = i + 1 < head->len ? head->fields[i + 1].name.p : end;
        const char *line = head->fields[i].name.p;

        if (head->fields[i].flags & FIELD_HOP)
            continue;
        if (head->fields[i].flags & FIELD_PART)
            override_queue_cookies(route, &head->fields[i], queue);
        else
            relay_add(queue, (struct str){line, (size_t)(next - line)});
    }
}

/*
 * Takes a Content-Length out whose line is written otherwise than we would write it (blanks, tabs): nobody
 * shall read another length from it than we did. True when ours has to be added.
 */
static bool drop_odd_length(struct head *head)
{
    const struct field *field = head_find(head, FIELD_CONTENT_LENGTH);

    if (!head->has_length || !field)
        return false;
    if (field->value.p == field->name.p + field->name.len + 2 && field->value.p[-1] == ' ' &&
        field->value.p[field->value.len] == '\r')
        return false;
    head_drop(head, FIELD_CONTENT_LENGTH);
    return true;
}

static void write_length(struct buf *buf, const struct head *head)
{
    h1_write_number(buf, STR("Content-Length"), head->content_length);
}

/* ---- ids ---- */

static bool request_id_is_valid(struct str s)
{
    if (s.len == 0 || s.len > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
            return false;
    return true;
}

/* The only field of this id when there is exactly one, else nothing. */
static struct str single(const struct head *head, enum field_id id)
{
    const struct field *field = head_find(head, id);

    return field && !head_next(head, field) ? field->value : STR_NULL;
}

static struct str hex_id(struct txn *txn, unsigned words)
{
    struct buf buf;

    if (!compose_start(txn, &buf, words * 16))
        return STR_NULL;
    for (unsigned i = 0; i < words; i++)
        buf_hex(&buf, rnd_u64(&txn->worker->ids) | (i == 0), 16); /* never all zero */
    return buf_str(&buf);
}

/* Without tracing a traceparent goes on as it is. */
static bool find_trace(struct txn *txn)
{
    struct str traceparent = single(&txn->head, FIELD_TRACEPARENT);

    if (tracecontext_parent_is_valid(traceparent)) {
        txn->trace_id = (struct str){traceparent.p + 3, 32};
        txn->span_id = (struct str){traceparent.p + 36, 16};
    } else {
        head_drop(&txn->head, FIELD_TRACEPARENT);
        head_drop(&txn->head, FIELD_TRACESTATE); /* it belongs to the parent that was not there */
        txn->trace_id = hex_id(txn, 2);
        txn->span_id = hex_id(txn, 1);
    }
    return txn->trace_id.len && txn->span_id.len;
}

bool compose_ids(struct txn *txn, bool known)
{
    txn->request_id = single(&txn->head, FIELD_X_REQUEST_ID);
    if (!request_id_is_valid(txn->request_id)) {
        head_drop(&txn->head, FIELD_X_REQUEST_ID);
        txn->request_id = hex_id(txn, 2);
    }
    return txn->request_id.len &&
           (txn->worker->config->tracing.on ? tracing_begin(txn, known) : find_trace(txn));
}

/* ---- the request ---- */

/*
 * Names with '_' or '.', which some servers read as other names (http.md A11, C30): dropped, unless the
 * configuration keeps them; and then still those that read as a name of field.def, which frames, routes or
 * is ours.
 */
static void drop_aliases(struct txn *txn)
{
    struct head *head = &txn->head;
    bool keep = txn->worker->config->ambiguous_fields == CONFIG_AMBIGUOUS_KEEP;

    for (size_t i = 0; !keep && i < head->len; i++) {
        if (head->fields[i].flags & FIELD_ALIAS)
            head->fields[i].flags |= FIELD_HOP;
    }
    for (size_t i = 0; keep && i < head->len; i++) {
        struct field *field = &head->fields[i];

        for (size_t k = FIELD_OTHER + 1; field->flags & FIELD_ALIAS && k < FIELD_ID_LEN; k++)
            if (field_name_alike(field->name, field_name((enum field_id)k)))
                field->flags |= FIELD_HOP;
    }
}

/* Removes the fields that only we may send. */
static void drop_ours(struct txn *txn)
{
    static const enum field_id ours[] = {FIELD_HOST,
                                         FIELD_X_FORWARDED_FOR,
                                         FIELD_X_FORWARDED_PROTO,
                                         FIELD_X_FORWARDED_HOST,
                                         FIELD_X_FORWARDED_PORT,
                                         FIELD_X_REAL_IP,
                                         FIELD_FORWARDED,
                                         FIELD_X_PENSTOCK_MIRROR};
    struct head *head = &txn->head;

    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        head_drop(head, ours[i]);
    if (head->may_alias)
        drop_aliases(txn);
    if (!txn->body.trailers)
        head_drop(head, FIELD_TRAILER);
    head_drop_alike(head, str_from(txn->worker->config->label_header));
    if (txn->worker->config->asks_clients)
        head_drop_alike(head, str_from(txn->worker->config->subject_header));
    if (head->method == METHOD_OPTIONS)
        head_drop(head, FIELD_MAX_FORWARDS);
}

static void write_traceparent(struct buf *buf, const struct txn *txn)
{
    buf_lit(buf, "traceparent: 00-");
    buf_str_add(buf, txn->trace_id);
    buf_char(buf, '-');
    buf_str_add(buf, txn->span_id);
    buf_lit(buf, "-01\r\n");
}

/* Max-Forwards counts down on its way, for OPTIONS (RFC 9110 section 7.6.2); 0 never gets here. */
static void write_max_forwards(struct buf *buf, const struct txn *txn)
{
    uint64_t hops;

    if (txn->head.method == METHOD_OPTIONS && str_to_u64(head_value(&txn->head, FIELD_MAX_FORWARDS), &hops))
        h1_write_number(buf, STR("Max-Forwards"), hops - 1);
}

static struct str client_host(const struct txn *txn)
{
    struct str whole = txn->head.authority.whole;

    return whole.len ? whole : str_from(txn->target->conf->address.text);
}

static struct str host_of(const struct txn *txn)
{
    if (txn->route->conf->rewrite_host)
        return str_from(txn->route->conf->rewrite_host);
    return client_host(txn);
}

/* What concerns the connection to the target alone; Connection names it (RFC 9110 section 7.6.1). */
static void write_hop_fields(struct buf *buf, const struct txn *txn)
{
    if (txn->upgrade.len)
        buf_printf(buf, "Connection: Upgrade\r\nUpgrade: %.*s\r\n", STR_ARG(txn->upgrade));
    else if (txn->head.te_trailers)
        buf_lit(buf, "Connection: TE\r\nTE: trailers\r\n");
}

/* ---- who the client is, for the target ---- */

/* What a trusted proxy has written in this field so far, each line with a comma behind it. */
static void continue_list(struct buf *buf, const struct txn *txn, enum field_id id)
{
    size_t len = 0;

    for (const struct field *f = head_find(&txn->head, id); f; f = head_next(&txn->head, f))
        len += f->value.len + 2;
    if (!txn->front->trusted || len > CHAIN_MAX)
        return;
    for (const struct field *f = head_find(&txn->head, id); f; f = head_next(&txn->head, f)) {
        if (f->value.len == 0)
            continue;
        buf_str_add(buf, f->value);
        buf_lit(buf, ", ");
    }
}

/* The scheme that the client used: ours, or what a trusted proxy says. */
static struct str scheme_of(const struct txn *txn)
{
    struct str said = txn->front->trusted ? single(&txn->head, FIELD_X_FORWARDED_PROTO) : STR_NULL;

    if (!said.len)
        return txn->front->secure ? STR("https") : STR("http");
    return str_eq_nocase(said, STR("https")) ? STR("https") : STR("http");
}

static void write_x_forwarded(struct buf *buf, const struct txn *txn)
{
    struct str said = txn->front->trusted ? single(&txn->head, FIELD_X_FORWARDED_HOST) : STR_NULL;
    struct str host = said.len && said.len <= HOST_SAID_MAX ? said : txn->head.authority.whole;

    buf_lit(buf, "X-Forwarded-For: ");
    continue_list(buf, txn, FIELD_X_FORWARDED_FOR);
    buf_str_add(buf, front_ip(txn->front));
    buf_lit(buf, "\r\nX-Forwarded-Proto: ");
    buf_str_add(buf, scheme_of(txn));
    buf_lit(buf, "\r\n");
    if (host.len)
        h1_write_field(buf, STR("X-Forwarded-Host"), host);
}

/* An IPv6 address stands in brackets and quotes (RFC 7239 section 6). */
static void write_rfc_7239(struct buf *buf, const struct txn *txn)
{
    struct str ip = front_ip(txn->front);
    bool v6 = memchr(ip.p, ':', ip.len) != NULL;

    buf_lit(buf, "Forwarded: ");
    continue_list(buf, txn, FIELD_FORWARDED);
    buf_lit(buf, "for=");
    buf_str_add(buf, v6 ? STR("\"[") : STR_NULL);
    buf_str_add(buf, ip);
    buf_str_add(buf, v6 ? STR("]\"") : STR_NULL);
    if (txn->head.authority.whole.len) {
        buf_lit(buf, ";host=\"");
        buf_str_add(buf, txn->head.authority.whole);
        buf_char(buf, '"');
    }
    buf_str_add(buf, txn->front->secure ? STR(";proto=https\r\n") : STR(";proto=http\r\n"));
}

static void write_forwarded(struct buf *buf, const struct txn *txn)
{
    enum config_hops send = txn->worker->config->forwarded.send;

    if (send != CONFIG_HOPS_FORWARDED)
        write_x_forwarded(buf, txn);
    if (send != CONFIG_HOPS_X_FORWARDED_FOR)
        write_rfc_7239(buf, txn);
}

/* Of the client's certificate, which was verified; empty when there is none. */
static struct str subject_of(const struct txn *txn)
{
    return txn->worker->config->asks_clients && txn->front->secure ? tls_server_subject(&txn->front->conn)
                                                                   : STR_NULL;
}

static void write_own_fields(struct buf *buf, const struct txn *txn)
{
    const struct config *config = txn->worker->config;
    const struct head *head = &txn->head;

    if (head->framing == FRAMING_CHUNKED)
        buf_lit(buf, "Transfer-Encoding: chunked\r\n");
    write_hop_fields(buf, txn);
    h1_write_field(buf, str_from(config->label_header), str_from(txn->group->conf->platform));
    write_forwarded(buf, txn);
    if (subject_of(txn).len)
        h1_write_field(buf, str_from(config->subject_header), subject_of(txn));
    buf_str_add(buf, txn->in->framed ? STR("Via: 2 ") : head->minor ? STR("Via: 1.1 ") : STR("Via: 1.0 "));
    buf_str_add(buf, str_from(config->via_name));
    buf_lit(buf, "\r\n");
    if (!(head_find(head, FIELD_X_REQUEST_ID) && !(head_find(head, FIELD_X_REQUEST_ID)->flags & FIELD_HOP)))
        h1_write_field(buf, STR("X-Request-Id"), txn->request_id);
    if (txn->tracing)
        tracing_write(txn, buf);
    else if (!(head_find(head, FIELD_TRACEPARENT) &&
               !(head_find(head, FIELD_TRACEPARENT)->flags & FIELD_HOP)))
        write_traceparent(buf, txn);
    write_max_forwards(buf, txn);
    h1_write_end(buf);
}

/* The PROXY header before the request: this connection is about this client alone. */
static bool announce(struct txn *txn, struct relay_queue *up)
{
    const struct front *front = txn->front;
    struct proxyline line = {0};
    struct buf buf;

    line.known = ip_parse(txn->client, &line.source) &&
                 conn_local(&front->conn, &line.destination, &line.destination_port);
    line.source_port = str_eq(txn->client, front_ip(front)) ? front->port : 0;
    if (!compose_start(txn, &buf, PROXYLINE_V1_MAX))
        return false;
    proxyline_write(&buf, txn->group->conf->proxy_protocol, &line);
    return compose_end(up, &buf);
}

bool compose_request(struct txn *txn, struct relay_queue *up)
{
    const char *end = txn->in->buf.p + txn->in->scan.end - 2;
    const struct rules rules = rules_of_request(txn);
    struct buf line, own;
    size_t line_len;
    bool odd_length;

    if (txn->group->conf->proxy_protocol && !announce(txn, up))
        return false;
    drop_ours(txn);
    rules_drop(rules, &txn->head);
    odd_length = drop_odd_length(&txn->head);
    line_len = txn->head.method_name.len + txn->up_path.len + txn->head.query.len + host_of(txn).len + 32;
    if (line_len > LINE_MAX_COPIED) {
        relay_add(up, txn->head.method_name);
        relay_add(up, STR(" "));
        relay_add(up, txn->up_path);
        relay_add(up, txn->head.query);
        relay_add(up, STR(" HTTP/1.1\r\n"));
        line_len = host_of(txn).len + 32;
        if (!compose_start(txn, &line, line_len))
            return false;
    } else {
        if (!compose_start(txn, &line, line_len))
            return false;
        h1_write_request_line(&line, txn->head.method_name, txn->up_path, txn->head.query);
    }
    h1_write_field(&line, STR("Host"), host_of(txn));
    if (!compose_end(up, &line))
        return false;
    queue_lines(up, &txn->head, end, txn->route->conf);
    if (!rules_write(txn, rules, up) ||
        !compose_start(txn, &own,
                       OWN_FIELDS_MAX + subject_of(txn).len + (txn->front->trusted ? 2 * CHAIN_MAX : 0) +
                           (txn->tracing ? TRACECONTEXT_FIELDS_MAX : 0)))
        return false;
    if (odd_length)
        write_length(&own, &txn->head);
    write_own_fields(&own, txn);
    return compose_end(up, &own);
}

/* ---- the answer ---- */

static void write_cookie(struct buf *buf, const struct txn *txn)
{
    static const char *const same_site[] = {[CONFIG_SAME_SITE_LAX] = "Lax",
                                            [CONFIG_SAME_SITE_STRICT] = "Strict",
                                            [CONFIG_SAME_SITE_NONE] = "None"};
    const struct route_affinity *affinity = &txn->route->affinity;

    buf_printf(buf, "Set-Cookie: %s=%.*s; Path=%s; Max-Age=%lld; HttpOnly; SameSite=%s%s\r\n", affinity->name,
               STR_ARG(txn->affinity_unit), affinity->path, (long long)(affinity->max_age_ns / NS_PER_S),
               same_site[affinity->same_site], affinity->secure ? "; Secure" : "");
}

static struct str reason_of(const struct head *head)
{
    return head->reason.len <= REASON_MAX ? head->reason : STR_NULL;
}

/* Whether there are lines of this field, and no more than we take. */
static bool is_short_list(const struct head *head, enum field_id id)
{
    size_t len = 0;

    for (const struct field *f = head_find(head, id); f; f = head_next(head, f))
        len += f->value.len + 2;
    return len > 0 && len <= PROTOCOLS_MAX;
}

/* A 426 has to say which protocols the target asks for (RFC 9110 section 15.5.22), which are the client's
 * business with it, as Upgrade is passed on for it too. */
static void write_upgrade(struct buf *buf, const struct head *head)
{
    const char *sep = "Upgrade: ";

    for (const struct field *f = head_find(head, FIELD_UPGRADE); f; f = head_next(head, f)) {
        buf_str_add(buf, str_from(sep));
        buf_str_add(buf, f->value);
        sep = ", ";
    }
    buf_lit(buf, "\r\n");
}

/* What concerns the connection to the client alone, of which a codec of frames tells by other means. */
static void write_reply_hop(struct buf *buf, const struct txn *txn, const struct head *head, bool close)
{
    bool asks = head->status == 426 && txn->head.minor > 0 && is_short_list(head, FIELD_UPGRADE);

    if (txn->in->framed)
        return;
    if (asks) {
        write_upgrade(buf, head);
        buf_str_add(buf, close ? STR("Connection: upgrade, close\r\n") : STR("Connection: upgrade\r\n"));
    } else if (close) {
        buf_lit(buf, "Connection: close\r\n");
    }
}

bool compose_reply(struct txn *txn, struct head *head, bool close)
{
    const char *end = txn->back_in.p + txn->back_head_end - 2;
    const struct rules rules = rules_of_reply(txn);
    struct str reason = reason_of(head);
    bool odd_length = drop_odd_length(head);
    struct buf line, own;

    rules_drop(rules, head);
    if (!compose_start(txn, &line, reason.len + 32) || !compose_start(txn, &own, REPLY_FIELDS_MAX))
        return false;
    h1_write_status_line(&line, head->status, reason);
    if (!compose_end(&txn->down, &line))
        return false;
    queue_lines(&txn->down, head, end, NULL);
    if (!rules_write(txn, rules, &txn->down))
        return false;
    if (odd_length)
        write_length(&own, head);
    if (txn->chunked)
        buf_lit(&own, "Transfer-Encoding: chunked\r\n");
    if (!head_find(head, FIELD_DATE))
        h1_write_field(&own, STR("Date"), worker_date(txn->worker));
    if (txn->unit_is_new)
        write_cookie(&own, txn);
    if (front_hsts(txn->front).len && !head_find_name(head, STR("Strict-Transport-Security"), 0))
        buf_str_add(&own, front_hsts(txn->front));
    write_reply_hop(&own, txn, head, close);
    h1_write_end(&own);
    return compose_end(&txn->down, &own);
}

bool compose_interim(struct txn *txn, const struct head *head)
{
    const char *end = txn->back_in.p + txn->back_head_end - 2;
    struct str reason = reason_of(head);
    struct buf line;

    if (!compose_start(txn, &line, reason.len + 32))
        return false;
    h1_write_status_line(&line, head->status, reason);
    if (!compose_end(&txn->down, &line))
        return false;
    queue_lines(&txn->down, head, end, NULL);
    relay_add(&txn->down, STR("\r\n"));
    return true;
}

bool compose_switch(struct txn *txn, const struct head *head)
{
    const char *end = txn->back_in.p + txn->back_head_end - 2;
    struct buf line, own;

    if (!compose_start(txn, &line, 64) || !compose_start(txn, &own, REPLY_FIELDS_MAX))
        return false;
    h1_write_status_line(&line, 101, status_reason(101));
    if (!compose_end(&txn->down, &line))
        return false;
    queue_lines(&txn->down, head, end, NULL);
    buf_printf(&own, "Connection: Upgrade\r\nUpgrade: %.*s\r\n", STR_ARG(txn->upgrade));
    if (txn->unit_is_new)
        write_cookie(&own, txn);
    h1_write_end(&own);
    return compose_end(&txn->down, &own);
}

/* ---- our own answers ---- */

static bool wants_json(const struct head *head)
{
    for (const struct field *f = head_find(head, FIELD_ACCEPT); f; f = head_next(head, f)) {
        struct str rest = f->value, piece;

        while (str_split(&rest, ',', &piece)) {
            struct str type;

            if (str_split(&piece, ';', &type) &&
                (str_eq_nocase(str_trim(type), STR("application/json")) ||
                 str_eq_nocase(str_trim(type), STR("application/problem+json"))))
                return true;
        }
    }
    return false;
}

static void write_body(struct buf *buf, const struct txn *txn, unsigned status, bool json)
{
    struct str title = status_reason(status);
    struct str text = str_from(txn->error ? txn->error : outcome_row(txn->outcome)->text);

    if (json) {
        buf_printf(buf, "{\"status\":%u,\"title\":\"%.*s\",\"detail\":\"", status, STR_ARG(title));
        buf_json(buf, text);
        buf_lit(buf, "\",\"requestId\":\"");
        buf_json(buf, txn->request_id);
        buf_lit(buf, "\"}\n");
        return;
    }
    buf_printf(buf, "%u %.*s\n%.*s\n", status, STR_ARG(title), STR_ARG(text));
    if (txn->request_id.len)
        buf_printf(buf, "request id: %.*s\n", STR_ARG(txn->request_id));
}

static void write_own_head(struct buf *buf, const struct txn *txn, unsigned status, bool json, size_t len,
                           bool close)
{
    h1_write_status_line(buf, status, status_reason(status));
    h1_write_field(buf, STR("Date"), worker_date(txn->worker));
    h1_write_field(buf, STR("Content-Type"),
                   json ? STR("application/problem+json") : STR("text/plain; charset=utf-8"));
    h1_write_number(buf, STR("Content-Length"), len);
    buf_lit(buf, "Cache-Control: no-store\r\n");
    if (status == 503 || status == 429)
        buf_lit(buf, "Retry-After: 1\r\n");
    if (status == 405)
        buf_lit(buf, "Allow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r\n");
    if (txn->request_id.len)
        h1_write_field(buf, STR("X-Request-Id"), txn->request_id);
    buf_str_add(buf, front_hsts(txn->front));
    if (close)
        buf_lit(buf, "Connection: close\r\n");
    h1_write_end(buf);
}

/* To a client of gRPC everything is a status behind no content ("Trailers-Only"), and the status of HTTP is
 * 200. */
static bool compose_grpc(struct txn *txn, unsigned status)
{
    bool is_deadline = txn->outcome == OUTCOME_TARGET_OVERTIME || txn->outcome == OUTCOME_CLIENT_OVERTIME ||
                       step_time_left(txn) == 1;
    struct buf answer;

    if (!compose_start(txn, &answer, OWN_ANSWER_MAX))
        return false;
    txn->grpc_answered = true;
    txn->grpc_status = is_deadline ? GRPC_DEADLINE_EXCEEDED : grpc_status_of_http(status);
    h1_write_status_line(&answer, 200, status_reason(200));
    h1_write_field(&answer, STR("Date"), worker_date(txn->worker));
    buf_lit(&answer, "Content-Type: application/grpc\r\n");
    h1_write_number(&answer, STR("grpc-status"), txn->grpc_status);
    buf_lit(&answer, "grpc-message: ");
    grpc_write_message(&answer, str_from(txn->error ? txn->error : outcome_row(txn->outcome)->text));
    buf_lit(&answer, "\r\n");
    if (txn->request_id.len)
        h1_write_field(&answer, STR("X-Request-Id"), txn->request_id);
    h1_write_end(&answer);
    return compose_end(&txn->down, &answer);
}

bool compose_own(struct txn *txn, unsigned status, bool close)
{
    bool json = wants_json(&txn->head);
    char block[OWN_ANSWER_MAX];
    struct buf answer, body;

    if (txn->grpc)
        return compose_grpc(txn, status);
    if (!compose_start(txn, &answer, 2 * OWN_ANSWER_MAX))
        return false;
    buf_init(&body, block, sizeof block);
    write_body(&body, txn, status, json);
    write_own_head(&answer, txn, status, json, body.len, close);
    if (txn->head.method != METHOD_HEAD)
        buf_str_add(&answer, buf_str(&body));
    return !body.full && compose_end(&txn->down, &answer);
}
