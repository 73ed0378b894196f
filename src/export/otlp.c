#include "export/otlp.h"

#include "base/clk.h"
#include "proto/method.h"

enum { KIND_SERVER = 2, KIND_CLIENT = 3, STATUS_ERROR = 2, TRIES_MAX = 64 };

bool otlp_read(const struct logread *read, struct otlp_line *line_r)
{
    struct str rest = read->at[LOGFIELD_SPANS], name, value;

    *line_r = (struct otlp_line){0};
    if (rest.len == 0)
        return false;
    while (logread_member(&rest, &name, &value)) {
        if (str_eq(name, STR("start")))
            line_r->start = value;
        else if (str_eq(name, STR("parent")))
            line_r->parent = logread_text(value);
        else if (str_eq(name, STR("tries")))
            line_r->tries = value;
    }
    return true;
}

bool otlp_end(const struct logread *read, const struct otlp_line *line, struct buf *out)
{
    uint64_t start, duration;

    if (!str_to_u64(line->start, &start) || !str_to_u64(read->at[LOGFIELD_DURATION], &duration))
        return false;
    buf_u64(out, start + duration);
    return true;
}

bool otlp_next_try(struct str *tries, struct otlp_try *try_r)
{
    struct str rest, name, value;

    *try_r = (struct otlp_try){0};
    if (!logread_member(tries, &try_r->span, &rest))
        return false;
    while (logread_member(&rest, &name, &value)) {
        if (str_eq(name, STR("target")))
            try_r->target = logread_text(value);
        else if (str_eq(name, STR("start")))
            try_r->start = value;
        else if (str_eq(name, STR("end")))
            try_r->end = value;
        else if (str_eq(name, STR("status")))
            try_r->status = value;
        else if (str_eq(name, STR("outcome")))
            try_r->outcome = logread_text(value);
    }
    return true;
}

static bool has_failed(const struct logread *read)
{
    return str_eq(read->at[LOGFIELD_SEVERITY], STR("\"error\""));
}

/* ---- attributes ---- */

struct str otlp_shortened(struct str text, size_t max)
{
    size_t at = 0;

    if (text.len <= max)
        return text;
    while (at < max - 6) {
        unsigned char c = (unsigned char)text.p[at];

        if (c == '\\')
            at += text.p[at + 1] == 'u' ? 6 : 2;
        else
            at += c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    }
    return (struct str){text.p, at};
}

static void begin_attribute(struct buf *out, struct str key)
{
    if (out->len && out->p[out->len - 1] == '}')
        buf_char(out, ',');
    buf_lit(out, "{\"key\":\"");
    buf_str_add(out, key);
    buf_lit(out, "\",\"value\":{\"");
}

/* A text without its quotes; an absent one leaves the attribute out. */
static void add_text(struct buf *out, struct str key, struct str text)
{
    if (text.len == 0)
        return;
    begin_attribute(out, key);
    buf_lit(out, "stringValue\":\"");
    buf_str_add(out, otlp_shortened(text, OTLP_TEXT_MAX));
    buf_lit(out, "\"}}");
}

static void add_field(struct buf *out, struct str key, const struct logread *read, enum logfield field)
{
    add_text(out, key, logread_text(read->at[field]));
}

/* Digits, which JSON of OTLP has as a text; 0 and absent ones leave the attribute out. */
static void add_int(struct buf *out, struct str key, struct str digits)
{
    if (digits.len == 0 || str_eq(digits, STR("0")))
        return;
    begin_attribute(out, key);
    buf_lit(out, "intValue\":\"");
    buf_str_add(out, digits);
    buf_lit(out, "\"}}");
}

static void add_double(struct buf *out, struct str key, struct str number)
{
    if (number.len == 0)
        return;
    begin_attribute(out, key);
    buf_lit(out, "doubleValue\":");
    buf_str_add(out, number);
    buf_lit(out, "}}");
}

/* "host:port", "[::1]:port" or a host alone. */
static void add_server(struct buf *out, struct str authority)
{
    const char *colon = authority.len ? memrchr(authority.p, ':', authority.len) : NULL;
    struct str host = authority, port = STR_NULL;
    uint64_t number;

    if (colon) {
        host.len = (size_t)(colon - authority.p);
        port = (struct str){colon + 1, authority.len - host.len - 1};
    }
    if (!str_to_u64(port, &number)) {
        host = authority;
        port = STR_NULL;
    }
    if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
        host = (struct str){host.p + 1, host.len - 2};
    add_text(out, STR("server.address"), host);
    add_int(out, STR("server.port"), port);
}

/* A method that is none of HTTP's would make a name of its own for each. */
static bool is_known(struct str method)
{
    return method_from(method) != METHOD_OTHER;
}

static void add_method(struct buf *out, struct str method)
{
    add_text(out, STR("http.request.method"), is_known(method) ? method : STR("_OTHER"));
    if (!is_known(method))
        add_text(out, STR("http.request.method_original"), method);
}

static void add_rollout(struct buf *out, const struct logread *read)
{
    add_field(out, STR("platform"), read, LOGFIELD_PLATFORM);
    add_field(out, STR("penstock.route"), read, LOGFIELD_ROUTE);
    add_field(out, STR("penstock.group"), read, LOGFIELD_GROUP);
    add_field(out, STR("penstock.side"), read, LOGFIELD_SIDE);
    add_double(out, STR("penstock.weight"), read->at[LOGFIELD_WEIGHT]);
    add_field(out, STR("penstock.assignment"), read, LOGFIELD_ASSIGNMENT);
    add_field(out, STR("penstock.plan"), read, LOGFIELD_PLAN);
    add_int(out, STR("penstock.step"), read->at[LOGFIELD_STEP]);
}

/* ---- spans ---- */

/* A name has few values: never the path. */
static void begin_span(struct buf *out, const struct logread *read, struct str span, struct str parent,
                       int kind)
{
    struct str method = logread_text(read->at[LOGFIELD_METHOD]);

    if (out->len)
        buf_char(out, ',');
    buf_lit(out, "{\"traceId\":\"");
    buf_str_add(out, logread_text(read->at[LOGFIELD_TRACE_ID]));
    buf_lit(out, "\",\"spanId\":\"");
    buf_str_add(out, span);
    if (parent.len) {
        buf_lit(out, "\",\"parentSpanId\":\"");
        buf_str_add(out, parent);
    }
    buf_lit(out, "\",\"name\":\"");
    buf_str_add(out, is_known(method) ? method : STR("HTTP"));
    if (read->at[LOGFIELD_ROUTE].len) {
        buf_char(out, ' ');
        buf_str_add(out, logread_text(read->at[LOGFIELD_ROUTE]));
    }
    buf_lit(out, "\",\"kind\":");
    buf_i64(out, kind);
}

static void add_times(struct buf *out, struct str start, struct str end)
{
    buf_lit(out, ",\"startTimeUnixNano\":\"");
    buf_str_add(out, start);
    buf_lit(out, "\",\"endTimeUnixNano\":\"");
    buf_str_add(out, end);
    buf_lit(out, "\",\"attributes\":[");
}

static void end_span(struct buf *out, bool failed)
{
    buf_lit(out, "]");
    if (failed) {
        buf_lit(out, ",\"status\":{\"code\":");
        buf_i64(out, STATUS_ERROR);
        buf_char(out, '}');
    }
    buf_char(out, '}');
}

/* Without an answer the way it ended says what was wrong. */
static struct str error_type(struct str status, struct str outcome)
{
    return status.len == 3 && status.p[0] >= '4' ? status : outcome;
}

static void add_request(struct buf *out, const struct logread *read)
{
    add_method(out, logread_text(read->at[LOGFIELD_METHOD]));
    add_text(out, STR("url.scheme"), read->at[LOGFIELD_URL_SCHEME]);
    add_text(out, STR("url.path"), read->at[LOGFIELD_URL_PATH]);
    add_text(out, STR("url.query"), read->at[LOGFIELD_URL_QUERY]);
    add_server(out, read->at[LOGFIELD_URL_AUTHORITY]);
    add_field(out, STR("client.address"), read, LOGFIELD_CLIENT_IP);
    add_field(out, STR("network.protocol.version"), read, LOGFIELD_HTTP_VERSION);
    add_field(out, STR("user_agent.original"), read, LOGFIELD_USER_AGENT);
    add_field(out, STR("user_agent.synthetic.type"), read, LOGFIELD_SYNTHETIC);
    add_int(out, STR("http.response.status_code"), read->at[LOGFIELD_STATUS]);
}

static void server_span(struct buf *out, const struct logread *read, const struct otlp_line *spans)
{
    char digits[24];
    struct buf end;

    buf_init(&end, digits, sizeof digits);
    if (!otlp_end(read, spans, &end))
        return;
    begin_span(out, read, logread_text(read->at[LOGFIELD_SPAN_ID]), spans->parent, KIND_SERVER);
    add_times(out, spans->start, buf_str(&end));
    add_request(out, read);
    add_rollout(out, read);
    add_field(out, STR("penstock.outcome"), read, LOGFIELD_OUTCOME);
    add_int(out, STR("penstock.attempts"), read->at[LOGFIELD_ATTEMPTS]);
    add_field(out, STR("http.request.id"), read, LOGFIELD_REQUEST_ID);
    if (has_failed(read))
        add_text(out, STR("error.type"),
                 error_type(read->at[LOGFIELD_STATUS], logread_text(read->at[LOGFIELD_OUTCOME])));
    end_span(out, has_failed(read));
}

static void client_span(struct buf *out, const struct logread *read, const struct otlp_try *try,
                        unsigned resends)
{
    bool failed = try->status.len != 3 || try->status.p[0] >= '4';
    char digits[24];
    struct buf count;

    buf_init(&count, digits, sizeof digits);
    buf_u64(&count, resends);
    begin_span(out, read, try->span, logread_text(read->at[LOGFIELD_SPAN_ID]), KIND_CLIENT);
    add_times(out, try->start, try->end);
    add_method(out, logread_text(read->at[LOGFIELD_METHOD]));
    add_field(out, STR("url.full"), read, LOGFIELD_URL);
    add_server(out, try->target);
    add_int(out, STR("http.response.status_code"), try->status);
    add_int(out, STR("http.request.resend_count"), buf_str(&count));
    add_rollout(out, read);
    add_text(out, STR("penstock.outcome"), try->outcome);
    if (failed)
        add_text(out, STR("error.type"), error_type(try->status, try->outcome));
    end_span(out, failed);
}

bool otlp_is_whole(const struct logread *read)
{
    return read->at[LOGFIELD_SHIELD].len == 0 && !str_eq(read->at[LOGFIELD_ASSIGNMENT], STR("\"mirror\""));
}

void otlp_spans(const struct logread *read, struct buf *out)
{
    struct otlp_line spans;
    struct otlp_try try;
    unsigned tries = 0;

    if (!otlp_read(read, &spans))
        return;
    if (otlp_is_whole(read))
        server_span(out, read, &spans);
    while (tries < TRIES_MAX && otlp_next_try(&spans.tries, &try))
        client_span(out, read, &try, tries++);
}

void otlp_resource(const struct logread *read, struct buf *out)
{
    buf_lit(out, "{\"attributes\":[");
    add_field(out, STR("service.name"), read, LOGFIELD_SERVICE);
    add_field(out, STR("service.version"), read, LOGFIELD_VERSION);
    add_field(out, STR("deployment.environment.name"), read, LOGFIELD_ENV);
    add_field(out, STR("host.name"), read, LOGFIELD_HOST);
    buf_lit(out, "]}");
}
