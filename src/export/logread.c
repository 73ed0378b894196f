#include "export/logread.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/bug.h"
#include "base/clk.h"
#include "decide/zone.h"

#include <string.h>

enum { DEPTH_MAX = 4 };

/* A place in a line. */
struct cursor {
    const char *p, *end;
};

static bool take(struct cursor *cursor, char c)
{
    if (cursor->p == cursor->end || *cursor->p != c)
        return false;
    cursor->p++;
    return true;
}

/* The first quote or backslash in [p, end), or end. */
static const char *find_special(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');

    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash));
        unsigned mask = (unsigned)_mm_movemask_epi8(hits);

        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* A text with its quotes. A quote inside it has a backslash before it. */
static bool take_text(struct cursor *cursor, struct str *text_r)
{
    const char *from = cursor->p, *p;

    if (cursor->p == cursor->end || *from != '"')
        return false;
    p = find_special(from + 1, cursor->end);
    while (p < cursor->end && *p == '\\') {
        if (cursor->end - p < 2)
            return false;
        p = find_special(p + 2, cursor->end);
    }
    if (p == cursor->end)
        return false;
    cursor->p = p + 1;
    *text_r = (struct str){from, (size_t)(p + 1 - from)};
    return true;
}

/* An object or a list, by its brackets. */
static bool take_nested(struct cursor *cursor, struct str *value_r)
{
    const char *from = cursor->p;
    unsigned depth = 0;
    struct str text;

    while (cursor->p < cursor->end) {
        char c = *cursor->p;

        if (c == '"') {
            if (!take_text(cursor, &text))
                return false;
            continue;
        }
        cursor->p++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            break;
    }
    *value_r = (struct str){from, (size_t)(cursor->p - from)};
    return depth == 0 && value_r->len > 0;
}

static bool take_value(struct cursor *cursor, struct str *value_r)
{
    const char *from = cursor->p;

    if (from == cursor->end)
        return false;
    if (*from == '"')
        return take_text(cursor, value_r);
    if (*from == '{' || *from == '[')
        return take_nested(cursor, value_r);
    while (cursor->p < cursor->end && *cursor->p != ',' && *cursor->p != '}')
        cursor->p++;
    *value_r = (struct str){from, (size_t)(cursor->p - from)};
    return value_r->len > 0;
}

/* The row behind a group. */
static size_t behind(const struct logshape_row *rows, size_t row)
{
    unsigned depth = 0;

    do {
        if (rows[row].kind == LOGSHAPE_OPEN)
            depth++;
        else if (rows[row].kind == LOGSHAPE_CLOSE)
            depth--;
        row++;
    } while (depth > 0);
    return row;
}

/* The row of this name among those of a group, looked for from `from` on; where the group ends when there is
 * none. */
static size_t find_from(const struct logshape_row *rows, size_t from, struct str name)
{
    while (rows[from].kind != LOGSHAPE_CLOSE && !str_eq(rows[from].name, name))
        from = rows[from].kind == LOGSHAPE_OPEN ? behind(rows, from) : from + 1;
    return from;
}

/* What a line is read into, and by which names. */
struct reading {
    const struct logshape_row *rows;
    struct logread *read;
};

static bool read_object(const struct reading *reading, struct cursor *cursor, size_t first, unsigned depth);

/* What stands behind a key, which has this row, or none. */
static bool read_value(const struct reading *reading, struct cursor *cursor, size_t at, unsigned depth)
{
    const struct logshape_row *row = &reading->rows[at];
    bool wanted = row->kind == LOGSHAPE_VALUE || row->kind == LOGSHAPE_TEXT;
    struct str other;

    if (row->kind == LOGSHAPE_OPEN && cursor->p < cursor->end && *cursor->p == '{' && depth < DEPTH_MAX)
        return read_object(reading, cursor, at + 1, depth + 1);
    return take_value(cursor, wanted ? &reading->read->at[row->field] : &other);
}

/* Takes a key and its colon when it has this name. */
static bool take_key(struct cursor *cursor, const struct str *name)
{
    const char *p = cursor->p;
    size_t len = name->len;

    if ((size_t)(cursor->end - p) < len + 3 || p[len + 1] != '"' || p[len + 2] != ':' || p[0] != '"' ||
        memcmp(p + 1, name->p, len) != 0)
        return false;
    cursor->p = p + len + 3;
    return true;
}

/* Takes the key of one of the rows from `from` on, of the same object. The row; where the object ends when
 * none of them has it, and then nothing was taken. */
static size_t take_known_key(const struct logshape_row *rows, struct cursor *cursor, size_t from)
{
    while (rows[from].kind != LOGSHAPE_CLOSE && !take_key(cursor, &rows[from].name))
        from = rows[from].kind == LOGSHAPE_OPEN ? behind(rows, from) : from + 1;
    return from;
}

/* The rows of the object begin at `first`. Its members mostly come in the order of the rows. */
static bool read_object(const struct reading *reading, struct cursor *cursor, size_t first, unsigned depth)
{
    const struct logshape_row *rows = reading->rows;
    size_t next = first;
    struct str key;

    if (!take(cursor, '{'))
        return false;
    if (take(cursor, '}'))
        return true;
    do {
        size_t row = take_known_key(rows, cursor, next);

        if (rows[row].kind == LOGSHAPE_CLOSE && next != first)
            row = take_known_key(rows, cursor, first);
        if (rows[row].kind == LOGSHAPE_CLOSE && (!take_text(cursor, &key) || !take(cursor, ':')))
            return false;
        if (!read_value(reading, cursor, row, depth))
            return false;
        if (rows[row].kind != LOGSHAPE_CLOSE)
            next = rows[row].kind == LOGSHAPE_OPEN ? behind(rows, row) : row + 1;
    } while (take(cursor, ','));
    return take(cursor, '}');
}

bool logread_shaped(const struct logshape_row *rows, struct str line, struct logread *read_r)
{
    struct cursor cursor = {line.p, line.p + line.len};
    struct reading reading = {rows, read_r};

    *read_r = (struct logread){0};
    if (line.len && line.p[line.len - 1] == '\n')
        cursor.end--;
    return read_object(&reading, &cursor, 0, 0) && cursor.p == cursor.end;
}

bool logread_line(struct str line, struct logread *read_r)
{
    return logread_shaped(logshape_native, line, read_r);
}

bool logread_ltsv(const struct logshape_row *rows, struct str line, struct logread *read_r)
{
    struct str piece, label;
    size_t next = 0, labels = 0;

    *read_r = (struct logread){0};
    while (str_split(&line, '\t', &piece)) {
        size_t row;

        if (piece.len == 0 || !memchr(piece.p, ':', piece.len) || !str_split(&piece, ':', &label))
            continue;
        labels++;
        row = find_from(rows, next, label);
        if (rows[row].kind == LOGSHAPE_CLOSE)
            row = find_from(rows, 0, label);
        if (rows[row].kind == LOGSHAPE_CLOSE)
            continue;
        read_r->at[rows[row].field] = piece;
        next = row + 1;
    }
    return labels > 0;
}

/* ---- values ---- */

struct str logread_text(struct str value)
{
    if (value.len < 2 || value.p[0] != '"')
        return value;
    return (struct str){value.p + 1, value.len - 2};
}

bool logread_member(struct str *rest, struct str *name_r, struct str *value_r)
{
    struct cursor cursor = {rest->p, rest->p + rest->len};

    if (rest->len < 2)
        return false;
    cursor.p++; /* the bracket, or the comma behind the one before */
    if (!take_text(&cursor, name_r) || !take(&cursor, ':') || !take_value(&cursor, value_r))
        return false;
    *name_r = logread_text(*name_r);
    *rest = (struct str){cursor.p, (size_t)(cursor.end - cursor.p)};
    return true;
}

static unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return (unsigned)(ascii_lower(c) - 'a' + 10) & 15;
}

void logread_decode(struct str text, struct buf *out)
{
    const char *p = text.p, *end = text.p + text.len;

    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        const char *run = slash ? slash : end;

        buf_add(out, p, (size_t)(run - p));
        p = run;
        if (p == end)
            break;
        if (end - p >= 6 && p[1] == 'u') {
            buf_char(out, (char)(hex_value(p[4]) << 4 | hex_value(p[5])));
            p += 6;
        } else {
            buf_add(out, p + 1, end - p > 1);
            p += 2;
        }
    }
}

int64_t logread_wall_ns(const struct logread *read)
{
    struct str text = logread_text(read->at[LOGFIELD_TIMESTAMP]);
    int64_t wall_ns;
    uint64_t ms;

    if (text.len != CLK_TEXT_LEN || !civil_wall_ns((struct str){text.p, 19}, &wall_ns) ||
        !str_to_u64((struct str){text.p + 20, 3}, &ms))
        return 0;
    return wall_ns + (int64_t)ms * NS_PER_MS;
}

/* ---- parts ---- */

/* Cuts `text` in two at the first `sep` characters; false, and all of it in front, when there is none. */
static bool cut(struct str text, struct str sep, struct str *front_r, struct str *back_r)
{
    const char *at = text.len ? memmem(text.p, text.len, sep.p, sep.len) : NULL;

    *front_r = at ? (struct str){text.p, (size_t)(at - text.p)} : text;
    *back_r = at ? (struct str){at + sep.len, text.len - front_r->len - sep.len} : STR_NULL;
    return at != NULL;
}

static void url_parts(struct logread *read)
{
    struct str url = logread_text(read->at[LOGFIELD_URL]), rest, path;
    const char *slash;

    if (!cut(url, STR("://"), &read->at[LOGFIELD_URL_SCHEME], &rest)) {
        read->at[LOGFIELD_URL_SCHEME] = STR_NULL;
        return;
    }
    cut(rest, STR("?"), &path, &read->at[LOGFIELD_URL_QUERY]);
    slash = path.len ? memchr(path.p, '/', path.len) : NULL;
    if (!slash)
        slash = path.p + path.len;
    read->at[LOGFIELD_URL_AUTHORITY] = (struct str){path.p, (size_t)(slash - path.p)};
    read->at[LOGFIELD_URL_PATH] = (struct str){slash, path.len - (size_t)(slash - path.p)};
}

void logread_parts(struct logread *read)
{
    struct str severity = logread_text(read->at[LOGFIELD_SEVERITY]);
    bool error = str_eq(severity, STR("error"));

    url_parts(read);
    read->at[LOGFIELD_RESULT] = error ? STR("failure") : STR("success");
    read->at[LOGFIELD_SEVERITY_NUMBER] = error                           ? STR("17")
                                         : str_eq(severity, STR("warn")) ? STR("13")
                                                                         : STR("9");
}
