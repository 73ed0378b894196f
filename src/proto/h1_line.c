#include "proto/h1_line.h"

#include "proto/octet.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Why the name does not end in a colon at `at`. */
static enum h1_error name_error(struct str line, const char *at)
{
    const char *end = line.p + line.len;

    if (line.len && is_blank(line.p[0]))
        return H1_FOLDED;
    if (at == end)
        return H1_NO_COLON;
    if (at == line.p || !is_blank(*at))
        return H1_FIELD_NAME;
    while (at < end && is_blank(*at))
        at++;
    return at < end && *at == ':' ? H1_SPACE_BEFORE_COLON : H1_FIELD_NAME;
}

enum h1_error h1_line_parse(struct str line, struct h1_line *parts_r)
{
    const char *end = line.p + line.len;
    const char *colon = octet_span(line.p, end, OCTET_TOKEN, &parts_r->alias);

    if (colon == end || *colon != ':' || colon == line.p)
        return name_error(line, colon);
    parts_r->name = (struct str){line.p, (size_t)(colon - line.p)};
    parts_r->value = str_trim((struct str){colon + 1, (size_t)(end - colon) - 1});
    return H1_OK;
}
