/*
 * IP addresses and networks as values. IPv4 is held in its IPv6 form (::ffff:a.b.c.d, RFC 4291
 * section 2.5.5.2), so that a client that comes over a dual-stack socket is the same one. Pure; any thread.
 */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/bug.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct ip {
    uint8_t bytes[16];
};

/* Addresses whose first `prefix` bits are those of `ip`. */
struct ip_net {
    struct ip ip;
    uint8_t prefix; /* 0 to 128, of the IPv6 form */
};

enum { IP_TEXT_LEN = 46 }; /* the longest text, with its NUL */

/* "10.0.0.1" or "2001:db8::1", without port, brackets or zone. */
MUST_CHECK bool ip_parse(struct str text, struct ip *ip_r);
/* An address as proxies write them: also "10.0.0.1:80", "[2001:db8::1]" and "[2001:db8::1]:80". */
MUST_CHECK bool ip_parse_node(struct str text, struct ip *ip_r);
/* "10.0.0.0/8", "2001:db8::/32", or one address. Errors: false, also when bits behind the prefix are set. */
MUST_CHECK bool ip_net_parse(struct str text, struct ip_net *net_r);
/* From the four bytes of an IPv4 address in network order. */
void ip_set_v4(struct ip *ip, const void *four);

bool ip_is_v4(const struct ip *ip);
/* 127.0.0.0/8 and ::1. */
bool ip_is_loopback(const struct ip *ip);
bool ip_net_has(const struct ip_net *net, const struct ip *ip);
/* One of `len` networks has it; `nets` may be NULL when there are none. */
bool ip_nets_have(const struct ip_net *nets, size_t len, const struct ip *ip);
/* IPv4 in its own form; gives the length. */
size_t ip_text(const struct ip *ip, char text_r[static IP_TEXT_LEN]);

#endif
