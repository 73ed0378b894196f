#include "route/path.h"

#include <stdbool.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(int c)
{
    return (c >= '0' && c <= '9') || (ascii_lower((char)c) >= 'a' && ascii_lower((char)c) <= 'z') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

/* One character of the path, decoded where that changes nothing; gives the bytes read. */
static size_t take_char(struct str path, size_t at, char **out)
{
    static const char hex[] = "0123456789ABCDEF";
    int high, low;

    if (path.p[at] != '%' || path.len - at < 3 || (high = hex_value(path.p[at + 1])) < 0 ||
        (low = hex_value(path.p[at + 2])) < 0) {
        *(*out)++ = path.p[at];
        return 1;
    }
    if (is_unreserved(high * 16 + low)) {
        *(*out)++ = (char)(high * 16 + low);
    } else {
        *(*out)++ = '%';
        *(*out)++ = hex[high];
        *(*out)++ = hex[low];
    }
    return 3;
}

/* Ends the segment that begins behind the slash at `slash`: takes it back when it is empty or a dot segment.
 */
static char *end_segment(char *out, char *slash, char *end)
{
    size_t len = (size_t)(end - slash) - 1;

    if (len == 0 || (len == 1 && slash[1] == '.'))
        return slash;
    if (len == 2 && slash[1] == '.' && slash[2] == '.') {
        while (slash > out && *--slash != '/')
            ;
        return slash;
    }
    return end;
}

struct str path_normalise(struct str path, char *out)
{
    char *end = out, *slash = out;
    size_t at = path.len && path.p[0] == '/';

    *end++ = '/';
    if (str_eq(path, STR("*")))
        return (struct str){out, 1};
    while (at < path.len) {
        if (path.p[at] != '/') {
            at += take_char(path, at, &end);
            continue;
        }
        end = slash = end_segment(out, slash, end);
        *end++ = '/';
        at++;
    }
    slash = end_segment(out, slash, end);
    if (slash != end) { /* what was taken back leaves its folder */
        end = slash;
        *end++ = '/';
    }
    return (struct str){out, (size_t)(end - out)};
}

bool path_is_below(struct str path, struct str prefix)
{
    return str_starts_with(path, prefix) &&
           (prefix.len <= 1 || path.len == prefix.len || path.p[prefix.len] == '/');
}
