/*
 * The PROXY protocol (haproxy's proxy-protocol.txt, 2020-03-05), versions 1 and 2: a proxy in front writes
 * before anything else which client it speaks for. Who may be believed is the caller's to know. As strict as
 * the codec of HTTP: what a sender would not write is refused, never repaired. Pure; any thread.
 */
#ifndef PROTO_PROXYLINE_H
#define PROTO_PROXYLINE_H

#include "base/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROXYLINE_V1_MAX = 107,  /* bytes, with CR LF */
    PROXYLINE_V2_MAX = 2048, /* with all extensions; beyond it is refused */
};

enum proxyline_result {
    PROXYLINE_MORE, /* the header goes on behind the input */
    PROXYLINE_DONE,
    PROXYLINE_BAD,
};

struct proxyline {
    size_t len; /* of the header: behind it the client's bytes begin */
    bool known; /* false: the proxy speaks for itself (a health check), or does not know its client */
    struct ip source, destination;
    uint16_t source_port, destination_port;
};

/* Reads the header at the front of `in`, in one call with all that has arrived. `why_r` is set when it is
 * BAD. */
MUST_CHECK enum proxyline_result proxyline_parse(const char *in, size_t len, struct proxyline *line_r,
                                                 const char **why_r);

/* A header of version 1 or 2 for `line`; at most PROXYLINE_V1_MAX bytes. When only one of the addresses is
 * IPv4, both are written as IPv6. */
void proxyline_write(struct buf *buf, unsigned version, const struct proxyline *line);

#endif
