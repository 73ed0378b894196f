#include "export/logread.h"

#include "base/bug.h"
#include "base/clk.h"
#include "base/scan.h"
#include "decide/zone.h"

#include <string.h>

enum { DEPTH_MAX = 4 };

/* ---- values by their bounds: each gives what is behind it, NULL when it does not end ---- */

/* A text with its quotes. A quote inside it has a backslash before it. */
static inline const char *skip_text(const char *p, const char *end)
{
    p = scan_either(p + 1, end, '"', '\\');
    while (p < end && *p == '\\') {
        if (end - p < 2)
            return NULL;
        p = scan_either(p + 2, end, '"', '\\');
    }
    return p < end ? p + 1 : NULL;
}

/* An object or a list, by its brackets. */
static const char *skip_nested(const char *p, const char *end)
{
    unsigned depth = 0;

    while (p && p < end) {
        char c = *p;

        if (c == '"') {
            p = skip_text(p, end);
            continue;
        }
        p++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return p;
    }
    return NULL;
}

static inline const char *skip_value(const char *p, const char *end)
{
    const char *from = p;

    if (p == end)
        return NULL;
    if (*p == '"')
        return skip_text(p, end);
    if (*p == '{' || *p == '[')
        return skip_nested(p, end);
    p = scan_either(p, end, ',', '}');
    return p > from ? p : NULL;
}

/* ---- keys ---- */

/* The row behind this one, which may begin a group. */
static const struct logshape_row *behind(const struct logshape_row *row)
{
    unsigned depth = 0;

    do {
        if (row->kind == LOGSHAPE_OPEN)
            depth++;
        else if (row->kind == LOGSHAPE_CLOSE)
            depth--;
        row++;
    } while (depth > 0);
    return row;
}

/* Whether the key of the row stands at p, where `word` is. A key has no zeros, so one that matches a word
 * ends before the line does. */
static inline bool is_key(const struct logshape_row *row, const char *p, const char *end, uint64_t word)
{
    const struct logshape_key *key = &row->key;
    size_t len = key->len;

    if ((word & key->mask) != key->head)
        return false;
    if (len <= 8)
        return true;
    return (size_t)(end - p) >= len && scan_word(p + len - 8, end) == key->tail &&
           (len <= 16 || memcmp(p + 8, row->name.p + 8, len - 16) == 0);
}

/* The row whose key stands at p, among those of its object from `row` on; the CLOSE of the object when there
 * is none. */
static const struct logshape_row *find_from(const struct logshape_row *row, const char *p, const char *end)
{
    uint64_t word = scan_word(p, end);

    while (row->kind != LOGSHAPE_CLOSE && !is_key(row, p, end, word))
        row = behind(row);
    return row;
}

/* The same among all rows of an object, which begin at `first`. Members mostly come in the order of the rows,
 * so they are looked for from `next` on. */
static inline const struct logshape_row *
find_key(const struct logshape_row *first, const struct logshape_row *next, const char *p, const char *end)
{
    if (is_key(next, p, end, scan_word(p, end)))
        return next;
    next = find_from(next, p, end);
    return next->kind == LOGSHAPE_CLOSE ? find_from(first, p, end) : next;
}

/* ---- objects ---- */

struct reading {
    const char *end;
    struct logread *read;
    const struct logshape_row *behind; /* the object that has been read */
};

static const char *read_object(struct reading *reading, const char *p, const struct logshape_row *first,
                               unsigned depth);

/* A member from behind its quote on. Gives what is behind it, and moves `*next` behind its row. */
static inline const char *read_member(struct reading *reading, const char *p,
                                      const struct logshape_row *first, const struct logshape_row **next,
                                      unsigned depth)
{
    const struct logshape_row *row = find_key(first, *next, p, reading->end);
    const char *from = p + row->key.len, *end = reading->end;

    if (row->kind == LOGSHAPE_CLOSE) {
        p = skip_text(p - 1, end);
        return p && p < end && *p == ':' ? skip_value(p + 1, end) : NULL;
    }
    if (row->kind == LOGSHAPE_OPEN && from < end && *from == '{' && depth < DEPTH_MAX) {
        p = read_object(reading, from, row + 1, depth + 1);
        *next = reading->behind;
        return p;
    }
    p = skip_value(from, end);
    *next = row->kind == LOGSHAPE_OPEN ? behind(row) : row + 1;
    if (row->kind == LOGSHAPE_VALUE || row->kind == LOGSHAPE_TEXT)
        reading->read->at[row->field] = (struct str){from, p ? (size_t)(p - from) : 0};
    return p;
}

/* The rows of the object begin at `first`. What is behind it; NULL: it is none up to its end. */
static const char *read_object(struct reading *reading, const char *p, const struct logshape_row *first,
                               unsigned depth)
{
    const struct logshape_row *next = first;
    const char *end = reading->end;

    if (p == end || *p++ != '{' || p == end)
        return NULL;
    if (*p != '}') {
        do {
            if (p == end || *p != '"')
                return NULL;
            p = read_member(reading, p + 1, first, &next, depth);
            if (!p || p == end)
                return NULL;
        } while (*p++ == ',');
        p--;
    }
    while (next->kind != LOGSHAPE_CLOSE)
        next = behind(next);
    reading->behind = next + 1;
    return *p == '}' ? p + 1 : NULL;
}

bool logread_shaped(const struct logshape_row *rows, struct str line, struct logread *read_r)
{
    struct reading reading = {.end = line.p + line.len, .read = read_r};

    *read_r = (struct logread){0};
    if (line.len && line.p[line.len - 1] == '\n')
        reading.end--;
    return read_object(&reading, line.p, rows, 0) == reading.end && line.len > 0;
}

bool logread_line(struct str line, struct logread *read_r)
{
    return logread_shaped(logshape_native, line, read_r);
}

bool logread_ltsv(const struct logshape_row *rows, struct str line, struct logread *read_r)
{
    const char *p = line.p, *end = line.p + line.len, *tab;
    const struct logshape_row *next = rows;
    size_t labels = 0;

    *read_r = (struct logread){0};
    for (; p < end; p = tab + 1) {
        const struct logshape_row *row = find_key(rows, next, p, end);

        if (row->kind == LOGSHAPE_CLOSE) {
            const char *colon = scan_either(p, end, '\t', ':');

            labels += colon < end && *colon == ':';
            tab = scan_either(colon, end, '\t', '\t');
            continue;
        }
        labels++;
        p += row->key.len;
        tab = scan_either(p, end, '\t', '\t');
        read_r->at[row->field] = (struct str){p, (size_t)(tab - p)};
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
    const char *end = rest->p + rest->len, *name, *value, *p;

    if (rest->len < 2)
        return false;
    name = rest->p + 1; /* behind the bracket, or the comma behind the one before */
    p = *name == '"' ? skip_text(name, end) : NULL;
    if (!p || p == end || *p != ':')
        return false;
    *name_r = (struct str){name + 1, (size_t)(p - name) - 2};
    value = p + 1;
    p = skip_value(value, end);
    if (!p)
        return false;
    *value_r = (struct str){value, (size_t)(p - value)};
    *rest = (struct str){p, (size_t)(end - p)};
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
