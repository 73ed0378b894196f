/*
 * Request target and authority (RFC 9112 section 3.2, RFC 3986 section 3.2): both codecs check what they
 * received with these. All slices point into the input, or at constants. Pure; any thread.
 */
#ifndef PROTO_TARGET_H
#define PROTO_TARGET_H

#include "base/str.h"
#include "proto/method.h"

enum target_form {
    TARGET_ORIGIN,    /* /path?query */
    TARGET_ABSOLUTE,  /* http://authority/path?query */
    TARGET_AUTHORITY, /* host:port, for CONNECT only */
    TARGET_ASTERISK,  /* *, for OPTIONS only */
};

enum scheme {
    SCHEME_NONE, /* the target does not say; the listener knows */
    SCHEME_HTTP,
    SCHEME_HTTPS,
};

struct authority {
    struct str whole; /* host[:port] as received, without the colon of an empty port */
    struct str host;  /* without port and without the final dot; with the brackets of an IPv6 address */
    uint16_t port;    /* 0 when absent */
};

struct target {
    enum target_form form;
    enum scheme scheme;
    struct authority authority; /* only of the absolute and authority forms; else empty */
    struct str path;  /* what to send on, without the query: "/" or "*" where the target leaves it out */
    struct str query; /* with its '?'; empty when there is none */
};

/*
 * Checks `text` as host[:port] and takes it apart. Stricter than RFC 3986: a name is made of labels of
 * letters, digits and
 * - _ ~, an address in brackets must be IPv6; userinfo, percent-encoding, sub-delimiters (so the comma),
 * empty labels, port 0 and ports beyond 65535 are refused. At most 255 bytes. False leaves `*authority_r`
 * undefined.
 */
MUST_CHECK bool authority_parse(struct str text, struct authority *authority_r);
/* Whether the host equals `name` (without final dot) without regard to case. */
bool authority_is(const struct authority *authority, struct str name);

/*
 * Checks a request target for a method and takes it apart. Refuses a fragment, bytes outside visible ASCII,
 * schemes other than http and https, an empty host, and a form that the method does not go with (RFC 9112
 * section 3.2.3, 3.2.4). False leaves `*target_r` undefined.
 */
MUST_CHECK bool target_parse(struct str text, enum method method, struct target *target_r);

#endif
