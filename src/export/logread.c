#include "export/logread.h"

#include "base/bug.h"
#include "base/clk.h"
#include "decide/zone.h"

#include <string.h>

enum row_kind { ROW_FIELD, ROW_GROUP, ROW_END };

/* The shape of a line: its fields in their order, groups around them. */
struct row {
    enum row_kind kind;
    enum logfield field;
    struct str name;
};
static const struct row rows[] = {
#define LOG_FIELD(id, name, kind, member, ecs, otel, ltsv, text)                                             \
    {ROW_FIELD, LOGFIELD_##id, {(name), sizeof(name) - 1}},
#define LOG_GROUP(name) {ROW_GROUP, LOGFIELDS, {(name), sizeof(name) - 1}},
#define LOG_END         {ROW_END, LOGFIELDS, {"", 0}},
#define LOG_LABELS
#define LOG_LABELS_END
#define LOG_PART(id, ecs, otel, ltsv, text)
#include "proxy/logfield.def"
    {ROW_END, LOGFIELDS, {"", 0}},
};

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

/* A text with its quotes. A quote inside it has a backslash before it. */
static bool take_text(struct cursor *cursor, struct str *text_r)
{
    const char *from = cursor->p, *p = from + 1;

    if (cursor->p == cursor->end || *from != '"')
        return false;
    for (; p < cursor->end && *p != '"'; p++)
        if (*p == '\\' && ++p == cursor->end)
            return false;
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
static size_t behind(size_t row)
{
    unsigned depth = 0;

    do {
        if (rows[row].kind == ROW_GROUP)
            depth++;
        else if (rows[row].kind == ROW_END)
            depth--;
        row++;
    } while (depth > 0);
    return row;
}

/* The row of this name among those of a group, looked for from `from` on; where the group ends when there is
 * none. */
static size_t find_from(size_t from, struct str name)
{
    while (rows[from].kind != ROW_END && !str_eq(rows[from].name, name))
        from = rows[from].kind == ROW_GROUP ? behind(from) : from + 1;
    return from;
}

static bool read_object(struct cursor *cursor, size_t first, unsigned depth, struct logread *read);

/* What stands behind a key, which has this row, or none. */
static bool read_value(struct cursor *cursor, size_t row, unsigned depth, struct logread *read)
{
    struct str value;

    if (rows[row].kind == ROW_GROUP && cursor->p < cursor->end && *cursor->p == '{' && depth < DEPTH_MAX)
        return read_object(cursor, row + 1, depth + 1, read);
    if (!take_value(cursor, &value))
        return false;
    if (rows[row].kind == ROW_FIELD)
        read->at[rows[row].field] = value;
    return true;
}

/* The rows of the object begin at `first`. Its members mostly come in the order of the rows. */
static bool read_object(struct cursor *cursor, size_t first, unsigned depth, struct logread *read)
{
    size_t next = first;
    struct str key;

    if (!take(cursor, '{'))
        return false;
    if (take(cursor, '}'))
        return true;
    do {
        size_t row;

        if (!take_text(cursor, &key) || !take(cursor, ':'))
            return false;
        key = logread_text(key);
        row = find_from(next, key);
        if (rows[row].kind == ROW_END && next != first)
            row = find_from(first, key);
        if (!read_value(cursor, row, depth, read))
            return false;
        if (rows[row].kind != ROW_END)
            next = rows[row].kind == ROW_GROUP ? behind(row) : row + 1;
    } while (take(cursor, ','));
    return take(cursor, '}');
}

bool logread_line(struct str line, struct logread *read_r)
{
    struct cursor cursor = {line.p, line.p + line.len};

    *read_r = (struct logread){0};
    if (line.len && line.p[line.len - 1] == '\n')
        cursor.end--;
    return read_object(&cursor, 0, 0, read_r) && cursor.p == cursor.end;
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
    uint64_t ms;
    int64_t s;
    bool date_only;

    if (text.len != CLK_TEXT_LEN || !civil_parse((struct str){text.p, 19}, &s, &date_only) ||
        !str_to_u64((struct str){text.p + 20, 3}, &ms))
        return 0;
    return s * NS_PER_S + (int64_t)ms * NS_PER_MS;
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
