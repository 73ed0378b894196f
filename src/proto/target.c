#include "proto/target.h"

#include "proto/octet.h"

#include <arpa/inet.h>

enum { AUTHORITY_MAX = 255, PORT_DIGITS_MAX = 5 };

/* Digits only; an empty text is an absent port, since RFC 9110 section 4.2.3 calls "a:" the same as "a". */
static bool port_parse(struct str digits, uint16_t *port_r)
{
    uint64_t port;

    *port_r = 0;
    if (digits.len == 0)
        return true;
    if (digits.len > PORT_DIGITS_MAX || !str_to_u64(digits, &port) || port == 0 || port > UINT16_MAX)
        return false;
    *port_r = (uint16_t)port;
    return true;
}

static bool is_ipv6(struct str text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (text.len >= sizeof copy || memchr(text.p, '\0', text.len))
        return false;
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    return inet_pton(AF_INET6, copy, &address) == 1;
}

/* Labels separated by single dots, and perhaps a final dot, which is cut off. */
static bool name_parse(struct str text, struct str *host_r)
{
    bool in_label = false;

    for (size_t i = 0; i < text.len; i++) {
        if (!octet_is(text.p[i], OCTET_HOST) || (text.p[i] == '.' && !in_label))
            return false;
        in_label = text.p[i] != '.';
    }
    if (!in_label && text.len)
        text.len--;
    *host_r = text;
    return text.len > 0;
}

bool authority_parse(struct str text, struct authority *authority_r)
{
    const char *end = text.p + text.len;
    const char *colon;
    struct str host = text;

    if (text.len == 0 || text.len > AUTHORITY_MAX)
        return false;
    if (text.p[0] == '[') {
        const char *bracket = memchr(text.p, ']', text.len);

        if (!bracket || !is_ipv6((struct str){text.p + 1, (size_t)(bracket - text.p) - 1}))
            return false;
        host.len = (size_t)(bracket - text.p) + 1;
        authority_r->host = host;
    } else {
        colon = memchr(text.p, ':', text.len);
        if (colon)
            host.len = (size_t)(colon - text.p);
        if (!name_parse(host, &authority_r->host))
            return false;
    }
    colon = text.p + host.len;
    authority_r->whole = colon + 1 == end ? host : text;
    authority_r->port = 0;
    if (colon == end)
        return true;
    return *colon == ':' &&
           port_parse((struct str){colon + 1, (size_t)(end - colon) - 1}, &authority_r->port);
}

bool authority_is(const struct authority *authority, struct str name)
{
    return str_eq_nocase(authority->host, name);
}

static struct str cut_front(struct str s, size_t len)
{
    return (struct str){s.p + len, s.len - len};
}

/* Splits "/path?query", "?query" or "" into what to send on. */
static void path_split(struct str text, struct target *target)
{
    const char *mark = text.len ? memchr(text.p, '?', text.len) : NULL;
    size_t len = mark ? (size_t)(mark - text.p) : text.len;

    target->path = len ? (struct str){text.p, len} : STR("/");
    target->query = cut_front(text, len);
}

static bool scheme_parse(struct str *text, enum scheme *scheme_r)
{
    static const struct str http = {"http://", 7}, https = {"https://", 8};

    if (text->len >= http.len && str_eq_nocase((struct str){text->p, http.len}, http)) {
        *scheme_r = SCHEME_HTTP;
        *text = cut_front(*text, http.len);
        return true;
    }
    if (text->len >= https.len && str_eq_nocase((struct str){text->p, https.len}, https)) {
        *scheme_r = SCHEME_HTTPS;
        *text = cut_front(*text, https.len);
        return true;
    }
    return false;
}

static bool absolute_parse(struct str text, enum method method, struct target *target)
{
    size_t len = 0;

    target->form = TARGET_ABSOLUTE;
    if (!scheme_parse(&text, &target->scheme))
        return false;
    while (len < text.len && text.p[len] != '/' && text.p[len] != '?')
        len++;
    if (!authority_parse((struct str){text.p, len}, &target->authority))
        return false;
    text = cut_front(text, len);
    path_split(text, target);
    if (method == METHOD_OPTIONS && text.len == 0)
        target->path = STR("*"); /* RFC 9112 section 3.2.4, for the last proxy of the chain */
    return true;
}

/* CONNECT needs a port (RFC 9112 section 3.2.3). */
static bool connect_parse(struct str text, struct target *target)
{
    target->form = TARGET_AUTHORITY;
    target->path = target->query = (struct str){text.p, 0};
    return authority_parse(text, &target->authority) && target->authority.port;
}

bool target_parse(struct str text, enum method method, struct target *target_r)
{
    if (!octet_all(text, OCTET_TARGET))
        return false;
    target_r->scheme = SCHEME_NONE;
    target_r->authority = (struct authority){.port = 0};
    if (method == METHOD_CONNECT)
        return connect_parse(text, target_r);
    if (text.p[0] == '/') {
        target_r->form = TARGET_ORIGIN;
        path_split(text, target_r);
        return true;
    }
    if (str_eq(text, STR("*"))) {
        target_r->form = TARGET_ASTERISK;
        target_r->path = text;
        target_r->query = cut_front(text, 1);
        return method == METHOD_OPTIONS;
    }
    return absolute_parse(text, method, target_r);
}
