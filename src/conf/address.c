#include "conf/address.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_MAX = 253 }; /* RFC 1035 section 2.3.4, without the root's dot */

static bool parse_unix(struct str path, struct config_address *out, char **why_r)
{
    struct sockaddr_un *un = &out->addr.un;

    if (path.len == 0 || path.p[0] != '/') {
        *why_r = mem_strdup("needs an absolute path behind unix:, such as unix:/run/penstock/admin.sock");
        return false;
    }
    if (path.len >= sizeof un->sun_path) {
        *why_r = mem_printf("has a path longer than %zu bytes", sizeof un->sun_path - 1);
        return false;
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.p, path.len);
    out->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    return true;
}

/* Cuts the text at the last colon: host without brackets, port. */
static bool split_port(struct str text, struct str *host_r, bool *brackets_r, uint16_t *port_r)
{
    const char *colon = text.len ? memrchr(text.p, ':', text.len) : NULL;
    struct str host;
    uint64_t port;

    if (!colon || !str_to_u64((struct str){colon + 1, text.len - (size_t)(colon + 1 - text.p)}, &port) ||
        port > UINT16_MAX)
        return false;
    host = (struct str){text.p, (size_t)(colon - text.p)};
    *brackets_r = host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']';
    if (*brackets_r)
        host = (struct str){host.p + 1, host.len - 2};
    *host_r = host;
    *port_r = (uint16_t)port;
    return host.len > 0 && host.len <= HOST_MAX;
}

/* One address is all that is used. IPv4 comes first: what listens on one family only listens on that one,
 * even where the resolver would rather have ::1 for localhost. */
static const struct addrinfo *choose(const struct addrinfo *list)
{
    const struct addrinfo *at = list;

    while (at->ai_family != AF_INET && at->ai_next)
        at = at->ai_next;
    return at->ai_family == AF_INET ? at : list;
}

static bool resolve(const char *host, uint16_t port, struct config_address *out, char **why_r)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    const struct addrinfo *chosen;
    struct addrinfo *list;
    int failed = getaddrinfo(host, NULL, &hints, &list);

    if (failed) {
        *why_r = mem_printf("cannot be resolved: %s", gai_strerror(failed));
        return false;
    }
    chosen = choose(list);
    memcpy(&out->addr, chosen->ai_addr, chosen->ai_addrlen);
    out->addr_len = chosen->ai_addrlen;
    if (chosen->ai_family == AF_INET6)
        out->addr.in6.sin6_port = htons(port);
    else
        out->addr.in.sin_port = htons(port);
    freeaddrinfo(list);
    return true;
}

static bool is_host(const char *host)
{
    return host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_")] == '\0';
}

static bool parse_host(const char *host, bool brackets, uint16_t port, bool offline,
                       struct config_address *out, char **why_r)
{
    if (inet_pton(AF_INET6, host, &out->addr.in6.sin6_addr) == 1) {
        if (!brackets) {
            *why_r = mem_printf("is an IPv6 address without brackets; write [%s]:%u", host, port);
            return false;
        }
        out->addr.in6.sin6_family = AF_INET6;
        out->addr.in6.sin6_port = htons(port);
        out->addr_len = sizeof out->addr.in6;
        return true;
    }
    memset(&out->addr, 0, sizeof out->addr);
    if (brackets || !is_host(host)) {
        *why_r = mem_strdup("is no address; write IP:port, [IPv6]:port or host:port");
        return false;
    }
    if (inet_pton(AF_INET, host, &out->addr.in.sin_addr) != 1) {
        if (host[strspn(host, "0123456789.")] == '\0') {
            *why_r = mem_strdup("is no IPv4 address; write four numbers up to 255 with dots between");
            return false;
        }
        if (!offline)
            return resolve(host, port, out, why_r);
    }
    out->addr.in.sin_family = AF_INET;
    out->addr.in.sin_port = htons(port);
    out->addr_len = sizeof out->addr.in;
    return true;
}

bool address_parse(struct str text, bool offline, struct config_address *address_r, char **why_r)
{
    struct config_address out = {0};
    struct str host;
    char block[HOST_MAX + 1];
    uint16_t port;
    bool brackets;

    if (str_starts_with(text, STR("unix:"))) {
        if (!parse_unix((struct str){text.p + 5, text.len - 5}, &out, why_r))
            return false;
    } else if (!split_port(text, &host, &brackets, &port)) {
        *why_r =
            mem_strdup("is no address; write IP:port, [IPv6]:port or host:port, with a port up to 65535");
        return false;
    } else {
        memcpy(block, host.p, host.len);
        block[host.len] = '\0';
        if (!parse_host(block, brackets, port, offline, &out, why_r))
            return false;
    }
    out.text = mem_strndup(text.p, text.len);
    *address_r = out;
    return true;
}

bool address_eq(const struct config_address *a, const struct config_address *b)
{
    if (a->addr.any.sa_family != b->addr.any.sa_family || !a->text || !b->text)
        return false;
    switch (a->addr.any.sa_family) {
    case AF_INET:
        return a->addr.in.sin_port == b->addr.in.sin_port &&
               a->addr.in.sin_addr.s_addr == b->addr.in.sin_addr.s_addr;
    case AF_INET6:
        return a->addr.in6.sin6_port == b->addr.in6.sin6_port &&
               a->addr.in6.sin6_scope_id == b->addr.in6.sin6_scope_id &&
               memcmp(&a->addr.in6.sin6_addr, &b->addr.in6.sin6_addr, sizeof a->addr.in6.sin6_addr) == 0;
    default:
        return strcmp(a->addr.un.sun_path, b->addr.un.sun_path) == 0;
    }
}

bool address_is_local(const struct config_address *address)
{
    switch (address->addr.any.sa_family) {
    case AF_INET:
        return ntohl(address->addr.in.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address->addr.in6.sin6_addr);
    default:
        return true;
    }
}

int address_port(const struct config_address *address)
{
    switch (address->addr.any.sa_family) {
    case AF_INET:
        return ntohs(address->addr.in.sin_port);
    case AF_INET6:
        return ntohs(address->addr.in6.sin6_port);
    default:
        return -1;
    }
}

static void read_address(struct schema_reader *reader, const struct setting *setting,
                         const struct tree *value, bool unix_too, bool any_port, void *at)
{
    struct config_address address;
    struct str text;
    char *why = NULL;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (!address_parse(text, reader->offline, &address, &why)) {
        schema_refuse(reader, setting, value, "%s", why);
        free(why);
        return;
    }
    if (address.addr.any.sa_family == AF_UNIX && !unix_too)
        schema_refuse(reader, setting, value, "is a unix socket, which only admin can have; write IP:port");
    else if (address_port(&address) == 0 && !any_port)
        schema_refuse(reader, setting, value, "has port 0; write the port on which the target listens");
    else {
        free(((struct config_address *)at)->text);
        *(struct config_address *)at = address;
        return;
    }
    free(address.text);
}

static void listen_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                        void *at)
{
    read_address(reader, setting, value, false, true, at);
}

static void admin_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    read_address(reader, setting, value, true, true, at);
}

static void target_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                        void *at)
{
    read_address(reader, setting, value, false, false, at);
}

static void address_fini(const struct setting *setting, void *at)
{
    (void)setting;
    free(((struct config_address *)at)->text);
}

const struct schema_type type_listen_address = {
    .name = "address",
    .form = "such as 0.0.0.0:8080 or [::]:8080",
    .json = "{\"type\": \"string\", \"pattern\": \":[0-9]+$\"}",
    .read = listen_read,
    .fini = address_fini,
};
const struct schema_type type_admin_address = {
    .name = "address or socket",
    .form = "such as 127.0.0.1:9901 or unix:/run/penstock/admin.sock",
    .json = "{\"type\": \"string\", \"pattern\": \"^unix:/|:[0-9]+$\"}",
    .read = admin_read,
    .fini = address_fini,
};
const struct schema_type type_target_address = {
    .name = "target address",
    .form = "such as 10.0.1.10:3000, [2001:db8::1]:80 or api.internal:3000",
    .json = "{\"type\": \"string\", \"pattern\": \":[0-9]+$\"}",
    .read = target_read,
    .fini = address_fini,
};
