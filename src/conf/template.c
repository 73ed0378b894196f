#include "conf/template.h"

#include <string.h>

static bool find_value(struct str name, enum template_value *value_r)
{
    struct str rest = STR(TEMPLATE_NAMES), word;

    for (unsigned i = 0; str_split(&rest, ',', &word); i++)
        if (str_eq(str_trim(word), name)) {
            *value_r = (enum template_value)i;
            return true;
        }
    return false;
}

static bool is_brace(char c)
{
    return c == '{' || c == '}';
}

static void skip(struct str *rest, size_t n)
{
    *rest = (struct str){rest->p + n, rest->len - n};
}

enum template_result template_next(struct str *rest, struct template_piece *piece_r)
{
    const char *end;
    size_t len = 0;

    if (rest->len == 0)
        return TEMPLATE_END;
    piece_r->value = TEMPLATE_VALUES;
    while (len < rest->len && !is_brace(rest->p[len]))
        len++;
    if (len > 0 || (rest->len > 1 && rest->p[1] == rest->p[0])) { /* text, or a brace that is meant */
        piece_r->text = (struct str){rest->p, len ? len : 1};
        skip(rest, len ? len : 2);
        return TEMPLATE_PIECE;
    }
    end = rest->p[0] == '{' ? memchr(rest->p, '}', rest->len) : NULL;
    if (!end || !find_value((struct str){rest->p + 1, (size_t)(end - rest->p) - 1}, &piece_r->value))
        return TEMPLATE_BROKEN;
    piece_r->text = (struct str){rest->p, (size_t)(end - rest->p) + 1};
    skip(rest, piece_r->text.len);
    return TEMPLATE_PIECE;
}

bool template_check(struct str text, struct str *bad_r)
{
    struct template_piece piece;
    enum template_result result;

    do
        result = template_next(&text, &piece);
    while (result == TEMPLATE_PIECE);
    *bad_r = text;
    return result == TEMPLATE_END;
}

size_t template_literals(struct str text)
{
    struct template_piece piece;
    size_t len = 0;

    while (template_next(&text, &piece) == TEMPLATE_PIECE)
        len += piece.value == TEMPLATE_VALUES ? piece.text.len : 0;
    return len;
}
