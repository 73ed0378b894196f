/*
 * Text without a NUL: `struct str` is a borrowed slice, `struct buf` a bounded builder over a caller's block,
 * `struct text` a growing builder with a stated maximum for the control side. Everything that we compose
 * (headers, log lines, JSON, metrics) goes through a builder, so that no length is ever computed by hand.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/bug.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A slice of somebody else's bytes; p may be NULL when len is 0. */
struct str {
    const char *p;
    size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_NULL     ((struct str){NULL, 0})
/* For printf: `"%.*s", STR_ARG(s)`. */
#define STR_ARG(s) (int)(s).len, ((s).p ? (s).p : "")

static inline struct str str_from(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* ASCII letters compare without case; no locale. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
/* Whether it begins as an address of http or https does, in small letters. */
bool str_is_http_url(struct str s);
/* Without SP and HTAB at both ends (OWS of RFC 9110 section 5.6.3). */
struct str str_trim(struct str s);
/* Cuts `*rest` at the first `sep`: gives what stands before it and leaves what stands after it. False when
 * *rest was NULL, that is after the last piece. */
bool str_split(struct str *rest, char sep, struct str *piece_r);
/* A decimal number of digits only, without sign or blanks; false on anything else or on overflow. */
MUST_CHECK bool str_to_u64(struct str s, uint64_t *value_r);

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/*
 * A builder over a block of fixed size. It never writes beyond `cap`; what does not fit is left out whole and
 * `full` is set, so that one check at the end is enough. No NUL is written.
 */
struct buf {
    char *p;
    size_t cap;
    size_t len;
    bool full; /* something was left out */
};

void buf_init(struct buf *buf, char *block, size_t cap);
static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->p, buf->len};
}
static inline void buf_add(struct buf *buf, const char *bytes, size_t len)
{
    if (buf->full || len > buf->cap - buf->len) {
        buf->full = true;
        return;
    }
    if (len)
        memcpy(buf->p + buf->len, bytes, len);
    buf->len += len;
}
static inline void buf_str_add(struct buf *buf, struct str s)
{
    buf_add(buf, s.p, s.len);
}
#define buf_lit(buf, literal) buf_add((buf), (literal), sizeof(literal) - 1)
static inline void buf_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}
void buf_u64(struct buf *buf, uint64_t value);
void buf_i64(struct buf *buf, int64_t value);
/* `value` in lower-case hex, `digits` wide, with leading zeros. */
void buf_hex(struct buf *buf, uint64_t value, unsigned digits);
/* value / 10^decimals with exactly that many decimals: buf_fixed(b, 1250, 2) writes 12.50. */
void buf_fixed(struct buf *buf, uint64_t value, unsigned decimals);
/*
 * `s` as the inside of a JSON string (RFC 8259 section 7), without the quotes. Valid UTF-8 passes; any byte
 * that is not part of a valid sequence is written as the escape \u00NN, so that the output is valid JSON
 * whatever the input is. A full buffer ends after a whole character or escape: closed with a quote it is
 * still valid.
 */
void buf_json(struct buf *buf, struct str s);
/* Off the hot path. Needs room for one byte more than it adds, for the NUL of printf. */
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A builder that grows on the heap up to `max` bytes; for control threads and tools, never the request path.
 */
struct text {
    char *p; /* always ends in NUL once something was added */
    size_t len;
    size_t cap;
    size_t max;
    bool full; /* something was left out because of max */
};

void text_init(struct text *text, size_t max);
void text_fini(struct text *text);
void text_add(struct text *text, const char *bytes, size_t len);
void text_printf(struct text *text, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* As part of a path, a query or a form: what is not unreserved in RFC 3986 section 2.3 is percent-encoded. */
void text_percent(struct text *text, struct str s);
/* The finished NUL-ended string, owned by the caller; the builder is empty afterwards. */
char *text_take(struct text *text);

/* The number of single-byte edits (insert, delete, replace, swap of neighbours) between two words of at most
 * 64 bytes; longer words are cut. For "did you mean". */
unsigned str_distance(struct str a, struct str b);

#endif
