/*
 * Addresses as people write them: 10.0.1.10:3000, [2001:db8::1]:80, api.internal:3000, unix:/run/x.sock.
 * The one place in conf/ that asks the resolver.
 */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"
#include "conf/schema.h"

#include <stdbool.h>

/*
 * Parses one address. A host name is resolved now, once, to its first IPv4 address, or else its first IPv6
 * address; with `offline` it becomes 0.0.0.0 instead. Blocks on the resolver. Ownership: address_r->text is
 * the caller's heap memory. Errors: false with a reason in `why_r`, which the caller frees; *address_r is
 * then untouched.
 */
MUST_CHECK bool address_parse(struct str text, bool offline, struct config_address *address_r, char **why_r);
/* The same place: family, address and port, or path. */
bool address_eq(const struct config_address *a, const struct config_address *b);
/* Reached from this machine only: a unix socket, 127.0.0.0/8 or ::1. */
bool address_is_local(const struct config_address *address);
/* The port, or -1 for a unix socket and an address that was never set. */
int address_port(const struct config_address *address);

/* What goes into a struct config_address: where we listen (port 0 takes a free one), where the admin listens
 * (also unix:/path), a target (no port 0). */
extern const struct schema_type type_listen_address, type_admin_address, type_target_address;

#endif
