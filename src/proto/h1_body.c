#include "proto/h1_body.h"

#include "proto/h1_line.h"
#include "proto/octet.h"

enum { SIZE_DIGITS_MAX = 13 };

void h1_body_init(struct h1_body *body, enum framing framing, uint64_t content_length,
                  const struct h1_limits *limits)
{
    *body = (struct h1_body){.limits = limits};
    switch (framing) {
    case FRAMING_NONE:
        body->state = H1_BODY_COMPLETE;
        break;
    case FRAMING_LENGTH:
        body->state = content_length ? H1_BODY_LENGTH : H1_BODY_COMPLETE;
        body->left = content_length;
        break;
    case FRAMING_CHUNKED:
        body->state = H1_BODY_SIZE_FIRST;
        break;
    case FRAMING_UNTIL_CLOSE:
        body->state = H1_BODY_UNTIL_CLOSE;
        break;
    }
}

void h1_body_want_trailers(struct h1_body *body, struct field *fields, size_t cap)
{
    body->trailers = fields;
    body->trailers_cap = cap;
}

static void broken(struct h1_body *body, enum h1_error error)
{
    body->state = H1_BODY_BROKEN;
    body->error = error;
}

/* The chunk line is complete. */
static void begin_chunk(struct h1_body *body)
{
    const struct h1_limits *limits = body->limits;

    body->digits = 0;
    body->extension_len = 0;
    if (limits->chunk_overhead && body->overhead > limits->chunk_overhead &&
        body->received < body->overhead / 4) {
        broken(body, H1_CHUNK_OVERHEAD);
        return;
    }
    if (body->left) {
        body->state = H1_BODY_CHUNK;
        return;
    }
    /* To the scan a trailer section is a head whose start line is over. */
    h1_scan_init(&body->scan);
    body->scan.lines = 1;
    body->state = H1_BODY_TRAILERS;
}

static void size_digit(struct h1_body *body, char c)
{
    int digit = octet_hex(c);

    if (digit < 0 || body->digits++ == SIZE_DIGITS_MAX) {
        broken(body, H1_CHUNK_SIZE);
        return;
    }
    body->left = body->left << 4 | (unsigned)digit;
    body->state = H1_BODY_SIZE;
}

/* Behind a digit: another one, an extension, or the end of the line. A blank, which RFC 9112 section 7.1.1
 * tolerates before an extension, is refused. */
static void size_next(struct h1_body *body, char c)
{
    if (c == '\r')
        body->state = H1_BODY_SIZE_LF;
    else if (c == ';')
        body->state = H1_BODY_EXT_NAME;
    else if (c == '\n')
        broken(body, H1_CHUNK_LINE);
    else
        size_digit(body, c);
}

/* In an extension, outside quotes (RFC 9112 section 7.1.1). */
static void extension_next(struct h1_body *body, char c)
{
    bool blank = c == ' ' || c == '\t';

    if (octet_is(c, OCTET_TOKEN))
        body->state = H1_BODY_EXT;
    else if (body->state == H1_BODY_EXT && c == ';')
        body->state = H1_BODY_EXT_NAME;
    else if (body->state == H1_BODY_EXT && c == '"')
        body->state = H1_BODY_EXT_QUOTED;
    else if (body->state == H1_BODY_EXT && c == '\r')
        body->state = H1_BODY_SIZE_LF;
    else if (!blank && !(body->state == H1_BODY_EXT && c == '='))
        broken(body, H1_CHUNK_EXTENSION);
}

/* In a quoted value, which no line end can be part of. */
static void quoted_next(struct h1_body *body, char c)
{
    if (octet_is(c, OCTET_CONTROL))
        broken(body, H1_CHUNK_EXTENSION);
    else if (body->state == H1_BODY_EXT_ESCAPED)
        body->state = H1_BODY_EXT_QUOTED;
    else if (c == '\\')
        body->state = H1_BODY_EXT_ESCAPED;
    else if (c == '"')
        body->state = H1_BODY_EXT;
}

static void count_extension(struct h1_body *body)
{
    body->extension_len++;
    body->extensions_len++;
    if (body->extension_len > body->limits->chunk_extension ||
        body->extensions_len > body->limits->chunk_extensions)
        broken(body, H1_CHUNK_EXTENSION_TOO_LONG);
}

static void expect(struct h1_body *body, char c, char wanted, enum h1_body_state next, enum h1_error error)
{
    if (c == wanted)
        body->state = next;
    else
        broken(body, error);
}

/* One byte of chunk framing. */
static void framing_byte(struct h1_body *body, char c)
{
    body->overhead++;
    switch (body->state) {
    case H1_BODY_SIZE_FIRST:
        body->left = 0;
        size_digit(body, c);
        break;
    case H1_BODY_SIZE:
        size_next(body, c);
        break;
    case H1_BODY_EXT_NAME:
    case H1_BODY_EXT:
        extension_next(body, c);
        if (body->state != H1_BODY_SIZE_LF && body->state != H1_BODY_BROKEN)
            count_extension(body);
        break;
    case H1_BODY_EXT_QUOTED:
    case H1_BODY_EXT_ESCAPED:
        quoted_next(body, c);
        if (body->state != H1_BODY_BROKEN)
            count_extension(body);
        break;
    case H1_BODY_SIZE_LF:
        if (c == '\n')
            begin_chunk(body);
        else
            broken(body, H1_CHUNK_LINE);
        break;
    case H1_BODY_CHUNK_CR:
        expect(body, c, '\r', H1_BODY_CHUNK_LF, H1_CHUNK_DATA);
        break;
    case H1_BODY_CHUNK_LF:
        expect(body, c, '\n', H1_BODY_SIZE_FIRST, H1_CHUNK_DATA);
        break;
    case H1_BODY_LENGTH:
    case H1_BODY_UNTIL_CLOSE:
    case H1_BODY_CHUNK:
    case H1_BODY_TRAILERS:
    case H1_BODY_COMPLETE:
    case H1_BODY_BROKEN:
        BUG("state %d has no framing", (int)body->state);
    }
}

static bool is_framing(enum h1_body_state state)
{
    return (state >= H1_BODY_SIZE_FIRST && state <= H1_BODY_SIZE_LF) || state == H1_BODY_CHUNK_CR ||
           state == H1_BODY_CHUNK_LF;
}

/* A piece of payload from the front of [in, in + len). */
static size_t take_payload(struct h1_body *body, const char *in, size_t len, struct str *data_r)
{
    if (body->state != H1_BODY_UNTIL_CLOSE) {
        len = len < body->left ? len : (size_t)body->left;
        body->left -= len;
        if (body->left == 0)
            body->state = body->state == H1_BODY_LENGTH ? H1_BODY_COMPLETE : H1_BODY_CHUNK_CR;
    }
    body->received += len;
    *data_r = (struct str){in, len};
    return len;
}

static enum h1_error keep_trailer(struct h1_body *body, const struct h1_line *line)
{
    struct field field;

    field_set(&field, line->name, line->value, line->alias);
    if (!body->trailers || field.flags & (FIELD_NO_TRAILER | FIELD_HOP | FIELD_ALIAS))
        return H1_OK;
    if (body->trailers_len == body->trailers_cap)
        return H1_TRAILERS_TOO_LARGE;
    body->trailers[body->trailers_len++] = field;
    return H1_OK;
}

/* The scan has found the end of the section. */
static enum h1_error parse_trailers(struct h1_body *body, const char *in)
{
    const char *at = in;
    const char *end = in + body->scan.end;

    while (*at != '\r') {
        const char *cr = memchr(at, '\r', (size_t)(end - at));
        struct h1_line line;
        enum h1_error error;

        BUG_ON(!cr);
        error = h1_line_parse((struct str){at, (size_t)(cr - at)}, &line);
        if (!error)
            error = keep_trailer(body, &line);
        if (error)
            return error;
        at = cr + 2;
    }
    return H1_OK;
}

static enum h1_error trailer_error(enum h1_error error)
{
    return error == H1_HEAD_TOO_LARGE || error == H1_TOO_MANY_FIELDS ? H1_TRAILERS_TOO_LARGE : error;
}

/* Takes the trailer section once it is there in full. Returns what was consumed of it. */
static size_t take_trailers(struct h1_body *body, const char *in, size_t len)
{
    struct h1_limits limits = {.head = body->limits->trailer, .fields = body->limits->trailer_fields};
    enum h1_error error;

    switch (h1_scan(&body->scan, &limits, in, len)) {
    case H1_SCAN_MORE:
        return 0;
    case H1_SCAN_BAD:
        broken(body, trailer_error(body->scan.error));
        return 0;
    case H1_SCAN_DONE:
        break;
    }
    error = parse_trailers(body, in);
    if (error) {
        broken(body, error);
        return 0;
    }
    body->state = H1_BODY_COMPLETE;
    return body->scan.end;
}

/* There is nothing to take. */
static enum h1_body_event more(struct h1_body *body)
{
    if (!body->ends || body->state != H1_BODY_UNTIL_CLOSE)
        return H1_BODY_MORE;
    body->state = H1_BODY_COMPLETE;
    return H1_BODY_DONE;
}

enum h1_body_event h1_body_feed(struct h1_body *body, const char *in, size_t len, struct str *data_r,
                                size_t *consumed_r)
{
    size_t at = 0;

    while (at < len && is_framing(body->state))
        framing_byte(body, in[at++]);
    if (body->state == H1_BODY_TRAILERS)
        at += take_trailers(body, in + at, len - at);
    *consumed_r = at;
    if (body->state == H1_BODY_BROKEN)
        return H1_BODY_BAD;
    if (body->state == H1_BODY_COMPLETE)
        return H1_BODY_DONE;
    if (at == len || body->state == H1_BODY_TRAILERS)
        return more(body);
    *consumed_r += take_payload(body, in + at, len - at, data_r);
    return H1_BODY_DATA;
}

uint64_t h1_body_plain(const struct h1_body *body)
{
    return body->state == H1_BODY_LENGTH ? body->left : 0;
}

void h1_body_pass(struct h1_body *body, uint64_t len)
{
    BUG_ON(len > h1_body_plain(body));
    body->left -= len;
    body->received += len;
    if (body->left == 0)
        body->state = H1_BODY_COMPLETE;
}

bool h1_body_eof(const struct h1_body *body)
{
    return body->state == H1_BODY_COMPLETE || body->state == H1_BODY_UNTIL_CLOSE;
}
