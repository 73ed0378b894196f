#include "proxy/cookie.h"

static struct str value_in(struct str line, struct str name)
{
    struct str pair, key;

    while (str_split(&line, ';', &pair)) {
        struct str value = str_trim(pair);

        if (!str_split(&value, '=', &key) || !value.p || !str_eq(key, name))
            continue;
        if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
            value = (struct str){value.p + 1, value.len - 2};
        return value;
    }
    return STR_NULL;
}

struct str cookie_value(const struct head *head, struct str name)
{
    for (const struct field *f = head_find(head, FIELD_COOKIE); f; f = head_next(head, f)) {
        struct str value = value_in(f->value, name);

        if (value.p)
            return value;
    }
    return STR_NULL;
}
