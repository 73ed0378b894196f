#include "proxy/redact.h"

/* All values of a field behind one another, or false without one. */
static bool values_add(const struct head *head, struct str name, struct buf *out)
{
    const struct field *field = head_find_name(head, name, 0);
    bool more = false;

    for (; field; field = head_find_name(head, name, (size_t)(field - head->fields) + 1)) {
        if (more)
            buf_lit(out, ", ");
        buf_json(out, field->value);
        more = true;
    }
    return more;
}

struct str redact_headers(const struct head *head, char *const *names, size_t len, struct buf *out)
{
    size_t from = out->len;

    buf_char(out, '{');
    for (size_t i = 0; i < len; i++) {
        struct buf before = *out;
        struct str name = str_from(names[i]);

        buf_str_add(out, out->len > from + 1 ? STR(",\"") : STR("\""));
        buf_json(out, name);
        buf_lit(out, "\":\"");
        if (!values_add(head, name, out)) {
            *out = before;
            continue;
        }
        buf_char(out, '"');
        if (out->full || out->len == out->cap)
            *out = before; /* it, or the end of the object, has no room */
    }
    if (out->len == from + 1) {
        out->len = from;
        return STR_NULL;
    }
    buf_char(out, '}');
    return (struct str){out->p + from, out->len - from};
}

static bool is_secret(struct str name, char *const *names, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (str_eq_nocase(name, str_from(names[i])))
            return true;
    return false;
}

/* Whether it begins a piece: a parameter, or what stands behind the query. */
static bool is_cut(char c)
{
    switch (c) {
    case '?':
    case '&':
    case ';':
    case '#':
        return true;
    default:
        return false;
    }
}

/* Cuts the text at the next of '?', '&', ';' and '#', which goes with what stands behind it. */
static struct str take_piece(struct str *rest)
{
    size_t n = 1;
    struct str piece;

    while (n < rest->len && !is_cut(rest->p[n]))
        n++;
    piece = (struct str){rest->p, n < rest->len ? n : rest->len};
    *rest = (struct str){rest->p + piece.len, rest->len - piece.len};
    return piece;
}

/* The piece up to and with its '=', when it is a parameter of a name that is a secret; else nothing. */
static struct str secret_name(struct str piece, char *const *names, size_t len)
{
    size_t begin = piece.len && is_cut(piece.p[0]) ? 1 : 0;
    const char *equals = piece.len > begin ? memchr(piece.p, '=', piece.len) : NULL;

    if (!equals || !is_secret((struct str){piece.p + begin, (size_t)(equals - piece.p) - begin}, names, len))
        return STR_NULL;
    return (struct str){piece.p, (size_t)(equals + 1 - piece.p)};
}

static bool has_secret(struct str text, char *const *names, size_t len)
{
    while (text.len) {
        struct str piece = take_piece(&text);

        if (secret_name(piece, names, len).len)
            return true;
    }
    return false;
}

struct str redact_query(struct str text, char *const *names, size_t len, struct buf *out)
{
    size_t from = out->len;

    if (!text.len || !memchr(text.p, '=', text.len) || !has_secret(text, names, len))
        return text;
    while (text.len && !out->full) {
        struct str piece = take_piece(&text), name = secret_name(piece, names, len);

        buf_str_add(out, name.len ? name : piece);
        if (name.len)
            buf_lit(out, "REDACTED");
    }
    return (struct str){out->p + from, out->len - from};
}
