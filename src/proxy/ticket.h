/*
 * The signed value of an override, which whoever knows a secret of the route makes for a tester:
 *
 *   SIDE.EXPIRY.ROUTE.SIGNATURE        canary.1764201600.web.5f2b...
 *
 * SIDE is stable or canary, EXPIRY whole seconds since 1970, ROUTE the name of a route or * for every one
 * that has the secret (a name may have dots), and SIGNATURE the HMAC-SHA256 (RFC 2104) of
 * "penstock-override:" and all before the last dot, in lower-case hex. It fits into a header field and into a
 * cookie as it is.
 *
 * Pure but for OpenSSL's own memory; any thread.
 */
#ifndef PROXY_TICKET_H
#define PROXY_TICKET_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TICKET_MAC_LEN = 64,                                                               /* hex digits */
    TICKET_EXPIRY_LEN = 11,                                                            /* digits at most */
    TICKET_LEN = 6 + 1 + TICKET_EXPIRY_LEN + 1 + CONFIG_NAME_MAX + 1 + TICKET_MAC_LEN, /* at most */
};

struct ticket {
    enum config_side side;
    int64_t expires_s; /* wall time; not valid from then on */
    struct str route;  /* "*" for every one */
    struct str body;   /* what is signed */
    struct str mac;
};

/* Reads the parts, without a look at the signature. False when `value` has not exactly this form. Slices are
 * of `value`. */
MUST_CHECK bool ticket_parse(struct str value, struct ticket *ticket_r);
/* Whether `secret` has signed it. Takes the same time wherever a signature is wrong. False too when OpenSSL
 * has no memory. */
MUST_CHECK bool ticket_is_signed(const struct ticket *ticket, const char *secret);
/* Whether it is for this route. */
bool ticket_is_for(const struct ticket *ticket, const char *route);
/* Writes one; `buf` gets at most TICKET_LEN bytes, and is full when OpenSSL has no memory. */
void ticket_write(struct buf *buf, enum config_side side, int64_t expires_s, struct str route,
                  const char *secret);

#endif
