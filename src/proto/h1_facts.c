#include "proto/h1_facts.h"

#include "proto/octet.h"

/* Elements that Connection may have in all: each is compared with every field. */
enum { CONNECTION_MAX = 32 };

/* Digits without a leading zero, so that no reader can take it for octal or sum it up otherwise. */
static bool parse_length(struct str text, uint64_t *length_r)
{
    if (text.len > 1 && text.p[0] == '0')
        return false;
    return str_to_u64(text, length_r);
}

/* The Content-Length lines of a message without Transfer-Encoding (RFC 9112 section 6.3). A response may
 * repeat itself in equal lines, of which one is kept; a request may not. */
enum h1_error h1_facts_length(struct head *head, bool may_repeat)
{
    const struct field *first = head_find(head, FIELD_CONTENT_LENGTH);

    if (!first)
        return H1_OK;
    if (!parse_length(first->value, &head->content_length))
        return H1_LENGTH;
    for (const struct field *f = head_next(head, first); f; f = head_next(head, f)) {
        if (!may_repeat || !str_eq(f->value, first->value))
            return H1_LENGTH_REPEATED;
        head->fields[f - head->fields].flags |= FIELD_HOP;
    }
    head->has_length = true;
    return H1_OK;
}

struct codings {
    bool chunked;
    bool unknown; /* another coding stands before */
};

/* One element of Transfer-Encoding (RFC 9112 section 7). */
static enum h1_error add_coding(struct codings *codings, struct str text)
{
    const char *end = text.p + text.len;
    bool alias;
    const char *p = octet_span(text.p, end, OCTET_TOKEN, &alias);
    struct str name = {text.p, (size_t)(p - text.p)};
    bool has_parameters = p != end;

    if (codings->chunked || name.len == 0)
        return H1_CODING;
    if (has_parameters && *p != ';' && *p != ' ' && *p != '\t')
        return H1_CODING;
    if (!str_eq_nocase(name, STR("chunked")))
        codings->unknown = true;
    else if (has_parameters)
        return H1_CODING;
    else
        codings->chunked = true;
    return H1_OK;
}

/* Whether all Transfer-Encoding lines together say "chunked" and nothing else. A coding that we do not know
 * is reported only where the list is well-formed, and before a missing chunked. */
static enum h1_error check_codings(const struct head *head)
{
    struct codings codings = {false, false};

    for (const struct field *f = head_find(head, FIELD_TRANSFER_ENCODING); f; f = head_next(head, f)) {
        struct str rest = f->value, piece;

        while (str_split(&rest, ',', &piece)) {
            enum h1_error error = add_coding(&codings, str_trim(piece));

            if (error)
                return error;
        }
    }
    return codings.unknown ? H1_CODING_UNKNOWN : H1_OK;
}

/* Marks what this element of Connection names. */
static enum h1_error drop_named(struct head *head, struct str name)
{
    enum field_id id = field_id(name);

    if (field_flags(id) & FIELD_FIXED)
        return H1_CONNECTION_NAMES;
    if (id != FIELD_OTHER && !head->first[id])
        return H1_OK;
    for (size_t i = 0; i < head->len; i++)
        if (head->fields[i].id == id && str_eq_nocase(head->fields[i].name, name))
            head->fields[i].flags |= FIELD_HOP;
    return H1_OK;
}

struct connection {
    bool close;
    bool keep_alive;
    bool upgrade;
    unsigned elements;
};

static enum h1_error add_option(struct head *head, struct connection *connection, struct str option)
{
    if (option.len == 0)
        return H1_OK;
    if (connection->elements++ == CONNECTION_MAX)
        return H1_CONNECTION_TOO_LONG;
    if (str_eq_nocase(option, STR("close")))
        connection->close = true;
    else if (str_eq_nocase(option, STR("keep-alive")))
        connection->keep_alive = true;
    else if (str_eq_nocase(option, STR("upgrade")))
        connection->upgrade = true;
    else
        return drop_named(head, option);
    return H1_OK;
}

/* All Connection lines (RFC 9110 section 7.6.1). */
static enum h1_error read_connection(struct head *head, struct connection *connection_r)
{
    *connection_r = (struct connection){.close = false};
    for (const struct field *f = head_find(head, FIELD_CONNECTION); f; f = head_next(head, f)) {
        struct str rest = f->value, piece;

        while (str_split(&rest, ',', &piece)) {
            enum h1_error error = add_option(head, connection_r, str_trim(piece));

            if (error)
                return error;
        }
    }
    return H1_OK;
}

/* RFC 9112 section 3.2. Host must be there and valid even where an absolute target overrules it. */
static enum h1_error find_authority(struct head *head)
{
    const struct field *host = head_find(head, FIELD_HOST);
    struct authority authority;

    if (!host)
        return head->minor == 0 ? H1_OK : H1_HOST_MISSING;
    if (host->next)
        return H1_HOST_REPEATED;
    if (!authority_parse(host->value, &authority))
        return H1_HOST;
    if (head->authority.whole.len == 0)
        head->authority = authority;
    return H1_OK;
}

static enum h1_error frame_request(struct head *head)
{
    bool coded = head_find(head, FIELD_TRANSFER_ENCODING) != NULL;
    enum h1_error error;

    if (coded && head_find(head, FIELD_CONTENT_LENGTH))
        return H1_LENGTH_AND_CODING;
    if (coded && head->minor == 0)
        return H1_CODING_IN_1_0;
    error = coded ? check_codings(head) : h1_facts_length(head, false);
    if (error)
        return error;
    head->framing = coded ? FRAMING_CHUNKED : head->content_length ? FRAMING_LENGTH : FRAMING_NONE;
    return H1_OK;
}

/* RFC 9110 section 10.1.1: from HTTP/1.0 it means nothing; without content there is nothing to wait for. */
enum h1_error h1_facts_expect(struct head *head)
{
    const struct field *expect = head_find(head, FIELD_EXPECT);

    if (head->minor == 0)
        head_drop(head, FIELD_EXPECT); /* it must not gain a meaning on its way in HTTP/1.1 */
    if (!expect || head->minor == 0)
        return H1_OK;
    for (const struct field *f = expect; f; f = head_next(head, f))
        if (!str_eq_nocase(f->value, STR("100-continue")))
            return H1_EXPECTATION;
    head->expect_continue = head->framing != FRAMING_NONE;
    return H1_OK;
}

/* 16 bytes in base64 (RFC 6455 section 4.1). */
static bool is_websocket_key(struct str key)
{
    return key.len == 24 && str_ends_with(key, STR("==")) &&
           octet_all((struct str){key.p, 22}, OCTET_ENCODED);
}

/* RFC 9110 section 7.8, RFC 6455 section 4.2.1. An upgrade beside content is ignored, as the RFC allows: the
 * content would reach the server before it has switched. A request that means WebSocket but gets it wrong is
 * refused, lest a server sees another protocol than we do. */
static enum h1_error check_upgrade(struct head *head, const struct connection *connection)
{
    const struct field *key = head_find(head, FIELD_SEC_WEBSOCKET_KEY);

    if (!connection->upgrade || head->minor == 0 || head->framing != FRAMING_NONE ||
        !head_find(head, FIELD_UPGRADE))
        return H1_OK;
    if (!head_lists(head, FIELD_UPGRADE, STR("websocket"))) {
        head->upgrade = UPGRADE_OTHER;
        return H1_OK;
    }
    if (head->method != METHOD_GET)
        return H1_OK;
    if (!key || key->next || !is_websocket_key(key->value))
        return H1_WEBSOCKET;
    if (!str_eq(head_value(head, FIELD_SEC_WEBSOCKET_VERSION), STR("13")))
        return H1_WEBSOCKET;
    head->upgrade = UPGRADE_WEBSOCKET;
    return H1_OK;
}

enum h1_error h1_request_facts(struct head *head)
{
    struct connection connection;
    enum h1_error error = find_authority(head);

    if (!error)
        error = frame_request(head);
    if (!error)
        error = read_connection(head, &connection);
    if (!error)
        error = h1_facts_expect(head);
    if (!error)
        error = check_upgrade(head, &connection);
    if (error)
        return error;
    /* A proxy must not keep a connection with an HTTP/1.0 client (RFC 9112 section 9.3). */
    head->keep_alive = head->minor > 0 && !connection.close;
    head->te_trailers = head->minor > 0 && head_lists(head, FIELD_TE, STR("trailers"));
    return H1_OK;
}

/* RFC 9112 section 6.3, points 1 and 2. */
static bool has_no_content(const struct head *head, enum method method)
{
    return method == METHOD_HEAD || head->status < 200 || head->status == 204 || head->status == 304 ||
           (method == METHOD_CONNECT && head->status < 300);
}

/* What a response without content may still say about its length (RFC 9110 section 8.6): nothing in 1xx and
 * 204, and nothing beside Transfer-Encoding. */
static enum h1_error frame_no_content(struct head *head, bool coded)
{
    bool tells = head->status >= 200 && head->status != 204 && !coded;
    enum h1_error error = h1_facts_length(head, true);

    head->framing = FRAMING_NONE;
    if (error || tells)
        return error;
    head_drop(head, FIELD_CONTENT_LENGTH);
    head->has_length = false;
    head->content_length = 0;
    return H1_OK;
}

static enum h1_error frame_response(struct head *head, enum method method)
{
    bool coded = head_find(head, FIELD_TRANSFER_ENCODING) != NULL;
    enum h1_error error;

    if (has_no_content(head, method))
        return frame_no_content(head, coded);
    if (coded && head_find(head, FIELD_CONTENT_LENGTH))
        return H1_LENGTH_AND_CODING;
    if (coded && head->minor == 0)
        return H1_CODING_IN_1_0;
    error = coded ? check_codings(head) : h1_facts_length(head, true);
    if (error)
        return error;
    head->framing = coded ? FRAMING_CHUNKED : head->has_length ? FRAMING_LENGTH : FRAMING_UNTIL_CLOSE;
    return H1_OK;
}

enum h1_error h1_response_facts(struct head *head, enum method method)
{
    struct connection connection;
    enum h1_error error = frame_response(head, method);

    if (!error)
        error = read_connection(head, &connection);
    if (error)
        return error;
    head->keep_alive = head->framing != FRAMING_UNTIL_CLOSE && !connection.close &&
                       (head->minor > 0 || connection.keep_alive);
    if (head->status == 101 && connection.upgrade && head_find(head, FIELD_UPGRADE))
        head->upgrade = head_lists(head, FIELD_UPGRADE, STR("websocket")) ? UPGRADE_WEBSOCKET : UPGRADE_OTHER;
    return H1_OK;
}
