#include "conf/env.h"

#include "base/mem.h"

#include <stdlib.h>

static bool is_name_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_name_char(s.p[i], i == 0))
            return false;
    return s.len > 0;
}

/* Takes `{NAME}` from the front of *rest and adds its value; gives what is wrong, or NULL. */
static char *take_variable(struct str *rest, env_lookup *lookup, struct text *out)
{
    const char *end = memchr(rest->p, '}', rest->len);
    struct str written;
    const char *value;
    char *name;

    if (!end)
        return mem_strdup("${ has no closing }; write $$ for a $ that begins no variable");
    written = (struct str){rest->p + 1, (size_t)(end - rest->p) - 1};
    if (!is_name(written))
        return mem_printf(
            "${%.*s} is not a variable: a name has letters, digits and _ only; write $$ for a plain $",
            STR_ARG(written));
    if (!lookup)
        return mem_printf("${%.*s}: variables are not expanded here; write the value, or $$ for a plain $",
                          STR_ARG(written));
    name = mem_strndup(written.p, written.len);
    value = lookup(name);
    free(name);
    if (!value)
        return mem_printf("the environment has no variable %.*s; set it, or write $$ for a plain $",
                          STR_ARG(written));
    text_add(out, value, strlen(value));
    *rest = (struct str){end + 1, rest->len - (size_t)(end + 1 - rest->p)};
    return NULL;
}

char *env_expand(struct str text, size_t max, env_lookup *lookup, char **why_r)
{
    struct text out;
    char *why = NULL;

    text_init(&out, max);
    while (text.len && !why) {
        const char *dollar = memchr(text.p, '$', text.len);
        size_t plain = dollar ? (size_t)(dollar - text.p) : text.len;

        text_add(&out, text.p, plain);
        text = (struct str){text.p + plain, text.len - plain};
        if (!text.len)
            break;
        text = (struct str){text.p + 1, text.len - 1};
        if (text.len && text.p[0] == '{') {
            why = take_variable(&text, lookup, &out);
            continue;
        }
        text_add(&out, "$", 1);
        if (text.len && text.p[0] == '$')
            text = (struct str){text.p + 1, text.len - 1};
    }
    if (!why && out.full)
        why = mem_printf("is longer than %zu bytes", max);
    if (why) {
        text_fini(&out);
        *why_r = why;
        return NULL;
    }
    return text_take(&out);
}
