/*
 * The way that a request says it has taken: X-Forwarded-For, or Forwarded (RFC 7239). Every proxy adds at the
 * right end, so what stands there is as true as who wrote it: the list is read from right to left over all
 * lines, while the hop is one that is trusted (http.md M46). Pure; any thread.
 */
#ifndef PROTO_HOPS_H
#define PROTO_HOPS_H

#include "base/ip.h"
#include "proto/head.h"

#include <stdbool.h>

/* Whether a hop is a proxy that is trusted. `number` counts them from the right: 1 is the peer, 2 what it
 * says (the last address in the field), and so on. */
typedef bool hops_trusts(const void *arg, const struct ip *ip, unsigned number);

/*
 * The client: the first hop from the right that is not trusted, or the leftmost when all are. `field` is
 * FIELD_X_FORWARDED_FOR or FIELD_FORWARDED. A hop that is no address ends the walk at the one before it,
 * since nothing beyond it can be known. False when there is no hop at all.
 */
MUST_CHECK bool hops_client(const struct head *head, enum field_id field, hops_trusts *trusts,
                            const void *arg, struct ip *client_r);

#endif
