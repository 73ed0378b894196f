#include "base/str.h"

#include "base/mem.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    return true;
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq((struct str){s.p, prefix.len}, prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq((struct str){s.p + (s.len - suffix.len), suffix.len}, suffix);
}

bool str_is_http_url(struct str s)
{
    return str_starts_with(s, STR("http://")) || str_starts_with(s, STR("https://"));
}

static bool is_ows(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len && is_ows(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len && is_ows(s.p[s.len - 1]))
        s.len--;
    return s;
}

bool str_split(struct str *rest, char sep, struct str *piece_r)
{
    const char *at;

    if (!rest->p)
        return false;
    at = rest->len ? memchr(rest->p, sep, rest->len) : NULL;
    if (!at) {
        *piece_r = *rest;
        *rest = STR_NULL;
        return true;
    }
    *piece_r = (struct str){rest->p, (size_t)(at - rest->p)};
    *rest = (struct str){at + 1, rest->len - piece_r->len - 1};
    return true;
}

bool str_to_u64(struct str s, uint64_t *value_r)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *value_r = value;
    return true;
}

void buf_init(struct buf *buf, char *block, size_t cap)
{
    *buf = (struct buf){.p = block, .cap = cap};
}

enum { NUMBER_MAX = 21 }; /* 20 digits of 64 bits and a sign or point */

/* 00 to 99: two digits for one division. */
static const char digit_pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

/* Writes at least `least` digits so that they end before `end`; gives where they begin. */
static char *digits_before(char *end, uint64_t value, unsigned least)
{
    char *at = end;

    for (; value >= 100; value /= 100) {
        at -= 2;
        memcpy(at, &digit_pairs[value % 100 * 2], 2);
    }
    if (value >= 10) {
        *--at = (char)('0' + value % 10);
        value /= 10;
    }
    *--at = (char)('0' + value);
    while ((size_t)(end - at) < least)
        *--at = '0';
    return at;
}

void buf_u64(struct buf *buf, uint64_t value)
{
    char out[NUMBER_MAX], *end = out + sizeof out, *at;

    if (value < 10) {
        buf_char(buf, (char)('0' + value));
        return;
    }
    at = digits_before(end, value, 1);
    buf_add(buf, at, (size_t)(end - at));
}

void buf_i64(struct buf *buf, int64_t value)
{
    char out[NUMBER_MAX], *end = out + sizeof out;
    char *at = digits_before(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);

    if (value < 0)
        *--at = '-';
    buf_add(buf, at, (size_t)(end - at));
}

static const char hex_digits[] = "0123456789abcdef";

/* Bytes that are worked on together, in one register where the machine has such. */
typedef signed char block __attribute__((vector_size(16)));

/* Sixteen digits at once: the nibbles one beside the other, and those above 9 moved on to 'a'. */
static void hex_16(char out[static 16], uint64_t value)
{
    const block order = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
    const uint64_t nibbles = UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t bytes = htobe64(value), high = bytes >> 4 & nibbles, low = bytes & nibbles;
    block front = {0}, behind = {0}, digits;

    memcpy(&front, &high, sizeof high);
    memcpy(&behind, &low, sizeof low);
    digits = __builtin_shuffle(front, behind, order);
    digits += '0' + ((digits > 9) & ('a' - '9' - 1));
    memcpy(out, &digits, sizeof digits);
}

void buf_hex(struct buf *buf, uint64_t value, unsigned digits)
{
    char out[16];

    BUG_ON(digits > sizeof out);
    hex_16(out, value);
    if (digits == sizeof out)
        buf_add(buf, out, sizeof out); /* mostly: of a length that the compiler knows */
    else
        buf_add(buf, out + sizeof out - digits, digits);
}

void buf_fixed(struct buf *buf, uint64_t value, unsigned decimals)
{
    uint64_t unit = 1;
    char out[NUMBER_MAX], *end = out + sizeof out, *at;

    BUG_ON(decimals == 0 || decimals > 18);
    for (unsigned i = 0; i < decimals; i++)
        unit *= 10;
    at = digits_before(end, value % unit, decimals);
    *--at = '.';
    at = digits_before(at, value / unit, 1);
    buf_add(buf, at, (size_t)(end - at));
}

/* The length of the valid UTF-8 sequence at the front of s (RFC 3629), or 0. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
    size_t need = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

    if (need == 0 || need > len)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return need;
}

static bool json_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Whether all of them are plain; as signed bytes those above 0x7f are below SP. */
static bool json_plain_block(block bytes)
{
    block plain = (bytes >= ' ') & (bytes != 0x7f) & (bytes != '"') & (bytes != '\\');
    uint64_t halves[2];

    memcpy(halves, &plain, sizeof halves);
    return (halves[0] & halves[1]) == UINT64_MAX;
}

/* Two runs of eight bytes, which may overlap. */
static bool json_plain_halves(const unsigned char *a, const unsigned char *b)
{
    block bytes;

    memcpy(&bytes, a, sizeof bytes / 2);
    memcpy((char *)&bytes + sizeof bytes / 2, b, sizeof bytes / 2);
    return json_plain_block(bytes);
}

/* The end of what is plain from `at` on: block by block while all bytes are. */
static const unsigned char *json_plain_end(const unsigned char *at, const unsigned char *end)
{
    block bytes;

    for (; (size_t)(end - at) >= sizeof bytes; at += sizeof bytes) {
        memcpy(&bytes, at, sizeof bytes);
        if (!json_plain_block(bytes))
            break;
    }
    if (end - at >= 8 && (size_t)(end - at) < sizeof bytes && json_plain_halves(at, end - 8))
        return end;
    while (at < end && json_plain(*at))
        at++;
    return at;
}

static void json_escape(struct buf *buf, unsigned char c)
{
    if (c == '"' || c == '\\')
        buf_add(buf, (const char[]){'\\', (char)c}, 2);
    else
        buf_add(buf, (const char[]){'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]}, 6);
}

void buf_json(struct buf *buf, struct str s)
{
    const unsigned char *at = (const unsigned char *)s.p;
    const unsigned char *end = at + s.len;

    while (at < end) {
        const unsigned char *run = at;
        size_t n;

        at = json_plain_end(at, end);
        buf_add(buf, (const char *)run, (size_t)(at - run));
        if (at == end)
            break;
        n = *at >= 0x80 ? utf8_len(at, (size_t)(end - at)) : 0;
        if (n)
            buf_add(buf, (const char *)at, n);
        else
            json_escape(buf, *at);
        at += n ? n : 1;
    }
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    size_t room = buf->cap - buf->len;
    va_list ap;
    int len;

    if (buf->full)
        return;
    va_start(ap, fmt);
    len = vsnprintf(buf->p + buf->len, room, fmt, ap);
    va_end(ap);
    if (len < 0 || (size_t)len >= room)
        buf->full = true;
    else
        buf->len += (size_t)len;
}

void text_init(struct text *text, size_t max)
{
    *text = (struct text){.max = max};
}

void text_fini(struct text *text)
{
    free(text->p);
    *text = (struct text){.max = text->max};
}

static bool text_reserve(struct text *text, size_t more)
{
    size_t need = text->len + more + 1;

    if (text->full || more > text->max - text->len) {
        text->full = true;
        return false;
    }
    if (need > text->cap) {
        text->cap = need > 2 * text->cap ? need : 2 * text->cap;
        text->cap = text->cap > text->max ? text->max + 1 : text->cap;
        text->p = mem_resize(text->p, text->cap, 1);
    }
    return true;
}

void text_add(struct text *text, const char *bytes, size_t len)
{
    if (!text_reserve(text, len))
        return;
    if (len)
        memcpy(text->p + text->len, bytes, len);
    text->len += len;
    text->p[text->len] = '\0';
}

void text_printf(struct text *text, const char *fmt, ...)
{
    va_list ap;
    char *piece;
    int len;

    va_start(ap, fmt);
    len = vasprintf(&piece, fmt, ap);
    va_end(ap);
    BUG_ON(len < 0);
    text_add(text, piece, (size_t)len);
    free(piece);
}

static bool is_unreserved(char c)
{
    return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void text_percent(struct text *text, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (is_unreserved(s.p[i]))
            text_add(text, &s.p[i], 1);
        else
            text_printf(text, "%%%02X", (unsigned)(unsigned char)s.p[i]);
    }
}

char *text_take(struct text *text)
{
    char *p;

    text_add(text, "", 0);
    p = text->p ? text->p : mem_strdup("");
    *text = (struct text){.max = text->max};
    return p;
}

enum { DISTANCE_MAX = 64 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned str_distance(struct str a, struct str b)
{
    unsigned row[3][DISTANCE_MAX + 1]; /* the rows i-2, i-1 and i of the table, turning */

    a.len = a.len > DISTANCE_MAX ? DISTANCE_MAX : a.len;
    b.len = b.len > DISTANCE_MAX ? DISTANCE_MAX : b.len;
    for (size_t j = 0; j <= b.len; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *now = row[i % 3];
        const unsigned *up = row[(i - 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned change = up[j - 1] + (a.p[i - 1] != b.p[j - 1]);

            now[j] = least(change, least(up[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                now[j] = least(now[j], row[(i - 2) % 3][j - 2] + 1);
        }
    }
    return row[a.len % 3][b.len];
}
