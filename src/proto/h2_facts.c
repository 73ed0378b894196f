#include "proto/h2_facts.h"

#include "proto/h1_facts.h"
#include "proto/octet.h"

enum { METHOD_NAME_MAX = 32, REQUEST_LINE_REST = 11 /* "  HTTP/1.1" and what is left for a port */ };

static enum h1_error check_method(struct head *head, const struct h2_pseudo *pseudo,
                                  const struct h1_limits *limits)
{
    if (!octet_all(pseudo->method, OCTET_TOKEN))
        return H1_METHOD;
    head->method_name = pseudo->method;
    head->method = method_from(pseudo->method);
    if (pseudo->method.len > METHOD_NAME_MAX)
        return H1_METHOD_TOO_LONG;
    if (pseudo->method.len + pseudo->path.len + REQUEST_LINE_REST > limits->start_line)
        return H1_START_LINE_TOO_LONG;
    if (head->method == METHOD_TRACE && !limits->allow_trace)
        return H1_METHOD_REFUSED;
    return H1_OK;
}

/* RFC 8441 section 4: what HTTP/1.1 asks for by GET and Upgrade. It goes on, is routed and logged as that
 * GET. A length would go on with it, and make content of what is said in the tunnel (RFC 9110 section 9.3.6:
 * CONNECT has none). */
static enum h1_error check_extended_connect(struct head *head, const struct h2_pseudo *pseudo, bool ended)
{
    if (!str_eq(pseudo->protocol, STR("websocket")))
        return H1_METHOD_REFUSED;
    head->method = METHOD_GET;
    head->method_name = STR("GET");
    head->extended_connect = true;
    if (ended || head_find(head, FIELD_CONTENT_LENGTH) ||
        !str_eq(head_value(head, FIELD_SEC_WEBSOCKET_VERSION), STR("13")))
        return H1_WEBSOCKET;
    head->upgrade = UPGRADE_WEBSOCKET;
    return H1_OK;
}

static enum h1_error check_scheme(struct head *head, struct str scheme)
{
    if (str_eq(scheme, STR("http")))
        head->scheme = SCHEME_HTTP;
    else if (str_eq(scheme, STR("https")))
        head->scheme = SCHEME_HTTPS;
    else
        return H1_TARGET;
    return H1_OK;
}

/* Only the origin and asterisk forms: what else a path could say, the other pseudo-fields say. */
static enum h1_error check_path(struct head *head, struct str path)
{
    struct target target;

    head->target = path;
    if (path.len == 0 || !target_parse(path, head->method, &target) ||
        (target.form != TARGET_ORIGIN && target.form != TARGET_ASTERISK))
        return H1_TARGET;
    head->form = target.form;
    head->path = target.path;
    head->query = target.query;
    return H1_OK;
}

/* A CONNECT without protocol has an authority and nothing else (RFC 9113 section 8.5). */
static enum h1_error check_connect(struct head *head, const struct h2_pseudo *pseudo,
                                   const struct h1_limits *limits)
{
    struct target target;

    head->target = pseudo->authority;
    if (!limits->allow_connect)
        return H1_METHOD_REFUSED;
    if (!target_parse(pseudo->authority, METHOD_CONNECT, &target))
        return H1_TARGET;
    head->form = target.form;
    head->authority = target.authority;
    head->path = target.path;
    head->query = target.query;
    return H1_OK;
}

static enum h1_error check_target(struct head *head, const struct h2_pseudo *pseudo,
                                  const struct h1_limits *limits, bool ended)
{
    enum h1_error error = H1_OK;

    if (head->method == METHOD_CONNECT && !pseudo->protocol.p)
        return check_connect(head, pseudo, limits);
    if (pseudo->protocol.p && head->method != METHOD_CONNECT)
        return H1_METHOD;
    if (pseudo->protocol.p)
        error = check_extended_connect(head, pseudo, ended);
    if (!error)
        error = check_scheme(head, pseudo->scheme);
    return error ? error : check_path(head, pseudo->path);
}

/* :authority and Host may both be there, and must then say the same (RFC 9113 section 8.3.1). */
static enum h1_error find_authority(struct head *head, struct str text)
{
    const struct field *host = head_find(head, FIELD_HOST);
    struct authority authority, other;

    if (!host && !text.p)
        return H1_HOST_MISSING;
    if (host && host->next)
        return H1_HOST_REPEATED;
    if (!authority_parse(text.p ? text : host->value, &authority))
        return H1_HOST;
    if (text.p && host &&
        (!authority_parse(host->value, &other) || !str_eq_nocase(other.whole, authority.whole)))
        return H1_HOST_DIFFERS;
    head->authority = authority;
    return H1_OK;
}

static enum h1_error frame_request(struct head *head, bool ended)
{
    enum h1_error error = h1_facts_length(head, false);

    if (ended || head->extended_connect)
        head->framing = FRAMING_NONE;
    else if (head->has_length)
        head->framing = head->content_length ? FRAMING_LENGTH : FRAMING_NONE;
    else
        head->framing = FRAMING_CHUNKED;
    return error;
}

/* The library refuses these; what stands on it are lines of HTTP/1.1, so we look ourselves (RFC 9113
 * section 8.2.2). */
static bool is_of_connection(const struct head *head)
{
    static const enum field_id ids[] = {
        FIELD_CONNECTION, FIELD_PROXY_CONNECTION, FIELD_KEEP_ALIVE, FIELD_TRANSFER_ENCODING, FIELD_UPGRADE,
    };

    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (head_find(head, ids[i]))
            return true;
    return false;
}

enum h1_error h2_request_facts(struct h2_block *block, const struct h1_limits *limits, bool ended)
{
    const struct h2_pseudo *pseudo = &block->pseudo;
    struct head *head = &block->head;
    enum h1_error error;

    head->minor = 1;
    head->keep_alive = true;
    error = check_method(head, pseudo, limits);
    if (!error)
        error = check_target(head, pseudo, limits, ended);
    if (!error)
        error = find_authority(head, pseudo->authority);
    if (!error && is_of_connection(head))
        error = H1_CONNECTION_FIELD;
    if (!error)
        error = frame_request(head, ended);
    if (!error)
        error = h1_facts_expect(head);
    head->te_trailers = head_lists(head, FIELD_TE, STR("trailers"));
    return error;
}

enum h1_error h2_response_facts(struct h2_block *block, enum method method, bool ended)
{
    struct head *head = &block->head;
    uint64_t status;
    enum h1_error error;
    bool no_content;

    head->minor = 1;
    head->keep_alive = true;
    head->reason = STR("");
    if (block->pseudo.status.len != 3 || !str_to_u64(block->pseudo.status, &status) || status < 100 ||
        status > 599)
        return H1_STATUS_LINE;
    head->status = (unsigned)status;
    if (is_of_connection(head))
        return H1_CONNECTION_FIELD;
    error = h1_facts_length(head, true);
    if (error)
        return error;
    no_content = ended || method == METHOD_HEAD || status < 200 || status == 204 || status == 304;
    if (no_content)
        head->framing = FRAMING_NONE;
    else
        head->framing = head->has_length ? FRAMING_LENGTH : FRAMING_CHUNKED;
    if (head->has_length && (status < 200 || status == 204)) {
        head_drop(head, FIELD_CONTENT_LENGTH); /* RFC 9110 section 8.6: it says nothing there */
        head->has_length = false;
        head->content_length = 0;
    }
    return H1_OK;
}

void h2_trailer_facts(struct head *trailers, bool of_request)
{
    uint8_t never = FIELD_NO_TRAILER | FIELD_HOP | (of_request ? FIELD_ALIAS : 0);
    size_t kept = 0;

    for (size_t i = 0; i < trailers->len; i++)
        if (!(trailers->fields[i].flags & never))
            trailers->fields[kept++] = trailers->fields[i];
    trailers->len = kept;
}
