#include "export/msgpack.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

/* `bytes` of the value, big end first. */
static void big(struct buf *out, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        buf_char(out, (char)(value >> (8 * bytes)));
}

static void head(struct buf *out, unsigned first, uint64_t value, unsigned bytes)
{
    buf_char(out, (char)first);
    big(out, value, bytes);
}

void msgpack_array(struct buf *out, uint32_t len)
{
    if (len < 16)
        head(out, 0x90 | len, 0, 0);
    else
        head(out, 0xdd, len, 4);
}

void msgpack_map(struct buf *out, uint32_t len)
{
    if (len < 16)
        head(out, 0x80 | len, 0, 0);
    else
        head(out, 0xdf, len, 4);
}

static void text_head(struct buf *out, size_t len)
{
    if (len < 32)
        head(out, 0xa0 | (unsigned)len, 0, 0);
    else if (len < 256)
        head(out, 0xd9, len, 1);
    else
        head(out, 0xdb, len, 4);
}

void msgpack_text(struct buf *out, struct str text)
{
    text_head(out, text.len);
    buf_str_add(out, text);
}

void msgpack_binary(struct buf *out, uint32_t len)
{
    head(out, 0xc6, len, 4);
}

void msgpack_u64(struct buf *out, uint64_t value)
{
    if (value < 128)
        head(out, (unsigned)value, 0, 0);
    else if (value <= UINT32_MAX)
        head(out, 0xce, value, 4);
    else
        head(out, 0xcf, value, 8);
}

void msgpack_event_time(struct buf *out, int64_t wall_ns)
{
    head(out, 0xd7, 0, 1); /* eight bytes of type 0 */
    big(out, (uint64_t)(wall_ns / 1000000000), 4);
    big(out, (uint64_t)(wall_ns % 1000000000), 4);
}

static void real(struct buf *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    head(out, 0xcb, bits, 8);
}

/* ---- JSON ---- */

static bool take(struct str *in, char c)
{
    if (in->len == 0 || in->p[0] != c)
        return false;
    *in = (struct str){in->p + 1, in->len - 1};
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX; characters beyond the first plane come as they are in what we read. */
static bool code_point(struct str *in, struct buf *out)
{
    unsigned code = 0;

    if (in->len < 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_value(in->p[i]);

        if (digit < 0)
            return false;
        code = code << 4 | (unsigned)digit;
    }
    *in = (struct str){in->p + 4, in->len - 4};
    if (code < 0x80) {
        buf_char(out, (char)code);
    } else if (code < 0x800) {
        buf_char(out, (char)(0xc0 | code >> 6));
        buf_char(out, (char)(0x80 | (code & 63)));
    } else if (code >= 0xd800 && code < 0xe000) {
        buf_char(out, '?');
    } else {
        buf_char(out, (char)(0xe0 | code >> 12));
        buf_char(out, (char)(0x80 | (code >> 6 & 63)));
        buf_char(out, (char)(0x80 | (code & 63)));
    }
    return true;
}

static bool escaped(struct str *in, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at;

    if (in->len == 0)
        return false;
    if (take(in, 'u'))
        return code_point(in, out);
    at = memchr(from, in->p[0], sizeof from - 1);
    if (!at)
        return false;
    buf_char(out, to[at - from]);
    *in = (struct str){in->p + 1, in->len - 1};
    return true;
}

/* The length of a JSON text up to its quote; what stands there is at most as long without its escapes. False
 * without an end. */
static bool text_end(struct str in, size_t *len_r, bool *plain_r)
{
    *plain_r = true;
    for (size_t i = 0; i < in.len; i++) {
        if (in.p[i] == '"') {
            *len_r = i;
            return true;
        }
        if (in.p[i] == '\\') {
            *plain_r = false;
            i++;
        }
    }
    return false;
}

static bool json_text(struct str *in, struct buf *out)
{
    size_t len, at = out->len;
    struct str text;
    struct buf count;
    bool plain;

    if (!take(in, '"') || !text_end(*in, &len, &plain))
        return false;
    text = (struct str){in->p, len};
    *in = (struct str){in->p + len + 1, in->len - len - 1};
    if (plain) {
        msgpack_text(out, text);
        return true;
    }
    head(out, 0xdb, 0, 4);
    while (text.len) {
        if (take(&text, '\\')) {
            if (!escaped(&text, out))
                return false;
            continue;
        }
        buf_char(out, text.p[0]);
        text = (struct str){text.p + 1, text.len - 1};
    }
    if (out->full)
        return true;
    buf_init(&count, out->p + at + 1, 4);
    big(&count, out->len - at - 5, 4);
    return true;
}

static bool json_number(struct str *in, struct buf *out)
{
    char text[40];
    size_t len = 0;
    uint64_t whole;
    char *end;
    double value;

    while (len < in->len && len < sizeof text - 1 && strchr("+-.eE0123456789", in->p[len]) && in->p[len])
        len++;
    memcpy(text, in->p, len);
    text[len] = '\0';
    if (str_to_u64((struct str){text, len}, &whole)) {
        msgpack_u64(out, whole);
    } else {
        value = strtod(text, &end);
        if (len == 0 || *end)
            return false;
        real(out, value);
    }
    *in = (struct str){in->p + len, in->len - len};
    return true;
}

static bool json_word(struct str *in, struct buf *out)
{
    static const struct {
        struct str word;
        unsigned byte;
    } words[] = {{{"true", 4}, 0xc3}, {{"false", 5}, 0xc2}, {{"null", 4}, 0xc0}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_starts_with(*in, words[i].word))
            continue;
        head(out, words[i].byte, 0, 0);
        *in = (struct str){in->p + words[i].word.len, in->len - words[i].word.len};
        return true;
    }
    return json_number(in, out);
}

static bool json_value(struct str *in, struct buf *out, unsigned depth);

/* The members of an object or a list, whose number is filled in at the end. */
static bool json_nested(struct str *in, struct buf *out, unsigned depth, bool map)
{
    size_t at = out->len;
    char close = map ? '}' : ']';
    uint32_t len = 0;
    struct buf count;

    if (depth == 0)
        return false;
    head(out, map ? 0xdf : 0xdd, 0, 4);
    if (!take(in, close)) {
        do {
            if (map && (!json_text(in, out) || !take(in, ':')))
                return false;
            if (!json_value(in, out, depth - 1))
                return false;
            len++;
        } while (take(in, ','));
        if (!take(in, close))
            return false;
    }
    if (out->full)
        return true;
    buf_init(&count, out->p + at + 1, 4);
    big(&count, len, 4);
    return true;
}

static bool json_value(struct str *in, struct buf *out, unsigned depth)
{
    if (in->len == 0)
        return false;
    if (in->p[0] == '"')
        return json_text(in, out);
    if (take(in, '{'))
        return json_nested(in, out, depth, true);
    if (take(in, '['))
        return json_nested(in, out, depth, false);
    return json_word(in, out);
}

bool msgpack_json(struct buf *out, struct str json)
{
    return json_value(&json, out, MSGPACK_DEPTH) && json.len == 0;
}

/* ---- reading ---- */

enum shape_kind { IS_FIXED, IS_CONTENT, IS_EXTENSION, IS_ARRAY, IS_MAP, IS_NOTHING };

/* What a first byte says: what the number in the next `size` bytes is the length of; where there is none, how
 * many bytes and values follow. */
struct shape {
    enum shape_kind kind;
    unsigned size;
    uint64_t content; /* bytes */
    uint64_t inside;  /* values */
};

/* Of the first bytes from 0xc0 to 0xdf. */
static const struct shape shapes[32] = {
    {IS_FIXED, 0, 0, 0},     {IS_NOTHING, 0, 0, 0},   {IS_FIXED, 0, 0, 0},
    {IS_FIXED, 0, 0, 0},                                                       /* nil, -, false, true */
    {IS_CONTENT, 1, 0, 0},   {IS_CONTENT, 2, 0, 0},   {IS_CONTENT, 4, 0, 0},   /* bin */
    {IS_EXTENSION, 1, 0, 0}, {IS_EXTENSION, 2, 0, 0}, {IS_EXTENSION, 4, 0, 0}, /* ext */
    {IS_FIXED, 0, 4, 0},     {IS_FIXED, 0, 8, 0},                              /* float */
    {IS_FIXED, 0, 1, 0},     {IS_FIXED, 0, 2, 0},     {IS_FIXED, 0, 4, 0},
    {IS_FIXED, 0, 8, 0}, /* uint */
    {IS_FIXED, 0, 1, 0},     {IS_FIXED, 0, 2, 0},     {IS_FIXED, 0, 4, 0},
    {IS_FIXED, 0, 8, 0}, /* int */
    {IS_FIXED, 0, 2, 0},     {IS_FIXED, 0, 3, 0},     {IS_FIXED, 0, 5, 0},
    {IS_FIXED, 0, 9, 0},                                                     /* fixext */
    {IS_FIXED, 0, 17, 0},                                                    /* fixext 16 */
    {IS_CONTENT, 1, 0, 0},   {IS_CONTENT, 2, 0, 0},   {IS_CONTENT, 4, 0, 0}, /* str */
    {IS_ARRAY, 2, 0, 0},     {IS_ARRAY, 4, 0, 0},     {IS_MAP, 2, 0, 0},
    {IS_MAP, 4, 0, 0},
};

static bool shape_of(unsigned char c, struct shape *shape)
{
    *shape = (struct shape){.kind = IS_FIXED};
    if (c >= 0xc0 && c < 0xe0)
        *shape = shapes[c - 0xc0];
    else if (c >= 0xa0 && c < 0xc0)
        shape->content = c & 31;
    else if (c >= 0x90 && c < 0xa0)
        shape->inside = c & 15;
    else if (c >= 0x80 && c < 0x90)
        shape->inside = 2 * (uint64_t)(c & 15);
    return shape->kind != IS_NOTHING;
}

static uint64_t read_big(const char *p, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)p[i];
    return value;
}

/* Takes the head of a value: what follows are `content` bytes and `inside` values. False: it is not whole, or
 * wrong. */
static bool take_head(struct str *in, struct shape *shape, bool *wrong_r)
{
    uint64_t number;

    *wrong_r = in->len > 0 && !shape_of((unsigned char)in->p[0], shape);
    if (in->len == 0 || *wrong_r || in->len < 1 + (size_t)shape->size)
        return false;
    number = read_big(in->p + 1, shape->size);
    switch (shape->kind) {
    case IS_FIXED:
    case IS_NOTHING:
        break;
    case IS_CONTENT:
        shape->content = number;
        break;
    case IS_EXTENSION:
        shape->content = number + 1;
        break;
    case IS_ARRAY:
        shape->inside = number;
        break;
    case IS_MAP:
        shape->inside = 2 * number;
        break;
    }
    *in = (struct str){in->p + 1 + shape->size, in->len - 1 - shape->size};
    return true;
}

bool msgpack_whole(struct str in, size_t *len_r)
{
    uint64_t values = 1;
    size_t all = in.len;

    *len_r = 0;
    while (values > 0) {
        struct shape shape;
        bool wrong;

        if (!take_head(&in, &shape, &wrong))
            return !wrong;
        if (in.len < shape.content)
            return true;
        in = (struct str){in.p + shape.content, in.len - shape.content};
        values += shape.inside - 1;
        if (values > UINT32_MAX)
            return false;
    }
    *len_r = all - in.len;
    return true;
}

static bool take_nested(struct str *in, bool map, uint32_t *len_r)
{
    struct str rest = *in;
    struct shape shape;
    bool wrong, is_map;
    unsigned char c;

    if (!take_head(&rest, &shape, &wrong))
        return false;
    c = (unsigned char)in->p[0];
    is_map = shape.kind == IS_MAP || (c >= 0x80 && c < 0x90);
    if (is_map != map || (!is_map && shape.kind != IS_ARRAY && !(c >= 0x90 && c < 0xa0)))
        return false;
    *len_r = (uint32_t)(map ? shape.inside / 2 : shape.inside);
    *in = rest;
    return true;
}

bool msgpack_take_array(struct str *in, uint32_t *len_r)
{
    return take_nested(in, false, len_r);
}

bool msgpack_take_map(struct str *in, uint32_t *len_r)
{
    return take_nested(in, true, len_r);
}

bool msgpack_take_text(struct str *in, struct str *text_r)
{
    struct str rest = *in;
    struct shape shape;
    bool wrong;
    unsigned char c;

    if (!take_head(&rest, &shape, &wrong) || rest.len < shape.content)
        return false;
    c = (unsigned char)in->p[0];
    if (shape.kind != IS_CONTENT && !(c >= 0xa0 && c < 0xc0))
        return false;
    *text_r = (struct str){rest.p, (size_t)shape.content};
    *in = (struct str){rest.p + shape.content, rest.len - (size_t)shape.content};
    return true;
}

bool msgpack_take_flag(struct str *in, bool *flag_r)
{
    if (in->len == 0 || ((unsigned char)in->p[0] & 0xfe) != 0xc2)
        return false;
    *flag_r = (unsigned char)in->p[0] == 0xc3;
    *in = (struct str){in->p + 1, in->len - 1};
    return true;
}

bool msgpack_skip(struct str *in)
{
    size_t len;

    if (!msgpack_whole(*in, &len) || len == 0)
        return false;
    *in = (struct str){in->p + len, in->len - len};
    return true;
}
