#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

bool ip_parse(struct str text, struct ip *ip_r)
{
    char copy[IP_TEXT_LEN];

    if (text.len == 0 || text.len >= sizeof copy || memchr(text.p, '\0', text.len))
        return false;
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, ip_r->bytes + sizeof v4_prefix) == 1) {
        memcpy(ip_r->bytes, v4_prefix, sizeof v4_prefix);
        return true;
    }
    return inet_pton(AF_INET6, copy, ip_r->bytes) == 1;
}

static bool is_port(struct str text)
{
    uint64_t port;

    return text.len > 1 && text.p[0] == ':' && str_to_u64((struct str){text.p + 1, text.len - 1}, &port) &&
           port <= UINT16_MAX;
}

bool ip_parse_node(struct str text, struct ip *ip_r)
{
    const char *at;
    size_t len;

    if (ip_parse(text, ip_r))
        return true;
    if (text.len && text.p[0] == '[') {
        at = memchr(text.p, ']', text.len);
        if (!at)
            return false;
        len = (size_t)(at - text.p);
        return (len + 1 == text.len || is_port((struct str){at + 1, text.len - len - 1})) &&
               memchr(text.p, ':', len) && ip_parse((struct str){text.p + 1, len - 1}, ip_r);
    }
    at = text.len ? memchr(text.p, ':', text.len) : NULL;
    if (!at)
        return false;
    len = (size_t)(at - text.p);
    return is_port((struct str){at, text.len - len}) && ip_parse((struct str){text.p, len}, ip_r);
}

bool ip_net_has(const struct ip_net *net, const struct ip *ip)
{
    size_t whole = net->prefix / 8, rest = net->prefix % 8;

    if (memcmp(net->ip.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || (net->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

bool ip_nets_have(const struct ip_net *nets, size_t len, const struct ip *ip)
{
    for (size_t i = 0; i < len; i++)
        if (ip_net_has(&nets[i], ip))
            return true;
    return false;
}

/* Whether all bits behind the prefix are 0. */
static bool is_net(const struct ip_net *net)
{
    for (size_t bit = net->prefix; bit < 128; bit++)
        if (net->ip.bytes[bit / 8] >> (7 - bit % 8) & 1)
            return false;
    return true;
}

bool ip_net_parse(struct str text, struct ip_net *net_r)
{
    const char *slash = text.len ? memchr(text.p, '/', text.len) : NULL;
    size_t len = slash ? (size_t)(slash - text.p) : text.len;
    uint64_t prefix, most;

    if (!ip_parse((struct str){text.p, len}, &net_r->ip))
        return false;
    most = memchr(text.p, ':', len) ? 128 : 32;
    prefix = most;
    if (slash && (!str_to_u64((struct str){slash + 1, text.len - len - 1}, &prefix) || prefix > most))
        return false;
    net_r->prefix = (uint8_t)(128 - most + prefix);
    return is_net(net_r);
}

void ip_set_v4(struct ip *ip, const void *four)
{
    memcpy(ip->bytes, v4_prefix, sizeof v4_prefix);
    memcpy(ip->bytes + sizeof v4_prefix, four, 4);
}

size_t ip_text(const struct ip *ip, char text_r[static IP_TEXT_LEN])
{
    const void *bytes = ip_is_v4(ip) ? ip->bytes + sizeof v4_prefix : ip->bytes;

    inet_ntop(ip_is_v4(ip) ? AF_INET : AF_INET6, bytes, text_r, IP_TEXT_LEN);
    return strlen(text_r);
}

bool ip_is_loopback(const struct ip *ip)
{
    static const uint8_t one[16] = {[15] = 1};

    return ip_is_v4(ip) ? ip->bytes[12] == 127 : memcmp(ip->bytes, one, sizeof one) == 0;
}
