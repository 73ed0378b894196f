#include "proto/hops.h"

#include <string.h>

enum {
    ELEMENTS_MAX = 64, /* of one Forwarded line; a longer one is not read */
};

struct walk {
    hops_trusts *trusts;
    const void *arg;
    struct ip client;
    unsigned number; /* of the hop that was looked at last; the peer is the first */
    bool found, over;
};

/* One hop further to the left. */
static void visit(struct walk *walk, struct str node)
{
    struct ip ip;

    if (!ip_parse_node(node, &ip)) {
        walk->over = true;
        return;
    }
    walk->client = ip;
    walk->found = true;
    walk->over = !walk->trusts(walk->arg, &ip, ++walk->number);
}

static void walk_list(struct walk *walk, struct str value)
{
    while (!walk->over && value.p) {
        const char *comma = value.len ? memrchr(value.p, ',', value.len) : NULL;
        const char *begin = comma ? comma + 1 : value.p;
        struct str node = str_trim((struct str){begin, (size_t)(value.p + value.len - begin)});

        if (node.len || comma)
            visit(walk, node);
        value = comma ? (struct str){value.p, (size_t)(comma - value.p)} : STR_NULL;
    }
}

/* The end of what ends with `a` or `b` outside quotes (RFC 9110 section 5.6.4). */
static const char *find_end(const char *p, const char *end, char a, char b)
{
    bool quoted = false;

    for (; p < end; p++) {
        if (quoted && *p == '\\' && p + 1 < end)
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (!quoted && (*p == a || *p == b))
            break;
    }
    return p;
}

/* Without its quotes; an address has no character that needs a backslash. */
static struct str unquoted(struct str s)
{
    if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
        return (struct str){s.p + 1, s.len - 2};
    return s;
}

/* The value of `for` in one element, empty when there is none. */
static struct str for_of(const char *p, const char *end)
{
    while (p < end) {
        const char *stop = find_end(p, end, ';', ';');
        struct str pair = str_trim((struct str){p, (size_t)(stop - p)});

        if (pair.len > 4 && str_eq_nocase((struct str){pair.p, 4}, STR("for=")))
            return unquoted((struct str){pair.p + 4, pair.len - 4});
        p = stop < end ? stop + 1 : end;
    }
    return STR_NULL;
}

static void walk_elements(struct walk *walk, struct str value)
{
    struct str nodes[ELEMENTS_MAX];
    const char *p = value.p, *end = value.p + value.len;
    size_t len = 0;

    while (p < end && len < ELEMENTS_MAX) {
        const char *stop = find_end(p, end, ',', ',');

        nodes[len++] = for_of(p, stop);
        p = stop < end ? stop + 1 : end;
    }
    walk->over = p < end;
    while (!walk->over && len > 0)
        visit(walk, nodes[--len]);
}

bool hops_client(const struct head *head, enum field_id field, hops_trusts *trusts, const void *arg,
                 struct ip *client_r)
{
    struct walk walk = {.trusts = trusts, .arg = arg, .number = 1};
    const struct field *lines[HEAD_FIELDS_MAX];
    size_t len = 0;

    for (const struct field *f = head_find(head, field); f; f = head_next(head, f))
        lines[len++] = f;
    while (!walk.over && len > 0) {
        if (field == FIELD_FORWARDED)
            walk_elements(&walk, lines[--len]->value);
        else
            walk_list(&walk, lines[--len]->value);
    }
    if (walk.found)
        *client_r = walk.client;
    return walk.found;
}
