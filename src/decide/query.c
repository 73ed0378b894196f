#include "decide/query.h"

static enum query_variable variable_named(struct str name)
{
    size_t row;

    return word_parse(&query_variable_words, name, &row) ? (enum query_variable)(QUERY_ROUTE + row)
                                                         : QUERY_UNKNOWN;
}

/* Where two of that brace stand; the length when they do not. */
static size_t find_pair(struct str s, char brace)
{
    for (size_t i = 0; i + 1 < s.len; i++)
        if (s.p[i] == brace && s.p[i + 1] == brace)
            return i;
    return s.len;
}

static struct str behind(struct str s, size_t n)
{
    return (struct str){s.p + n, s.len - n};
}

bool query_next(struct str *rest, struct query_part *part_r)
{
    size_t open = find_pair(*rest, '{'), close;

    if (rest->len == 0)
        return false;
    *part_r = (struct query_part){.text = {rest->p, open}, .variable = QUERY_NONE};
    *rest = behind(*rest, open);
    if (rest->len == 0)
        return true;
    *rest = behind(*rest, 2);
    close = find_pair(*rest, '}');
    part_r->name = str_trim((struct str){rest->p, close});
    part_r->variable = close < rest->len ? variable_named(part_r->name) : QUERY_UNKNOWN;
    *rest = behind(*rest, close < rest->len ? close + 2 : close);
    return true;
}
