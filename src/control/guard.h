/*
 * Who may speak to the admin API. Reads are open on this machine, writes need the bearer token; and because a
 * browser can be made to speak to any address, the Host must be ours (DNS rebinding) and no other site's page
 * may ask (CSRF). Source: http.md A24, A25; RFC 6750 section 2.1. Pure. Thread: any.
 */
#ifndef CONTROL_GUARD_H
#define CONTROL_GUARD_H

#include "proto/head.h"

#include <stdbool.h>
#include <stddef.h>

struct guard {
    const char *token;  /* NULL: none is configured */
    char *const *hosts; /* further names that are ours */
    size_t hosts_len;
    const char *server_host; /* the address that the request came in on; "" for a unix socket */
    bool local;              /* it came from this machine */
};

struct guard_refusal {
    unsigned status;
    const char *detail;
    const char *fields; /* further lines of the answer, or NULL */
};

/* For what tells nothing and changes nothing: the Host has to be ours. NULL when it is, else why not
 * (constant). */
const struct guard_refusal *guard_check_host(const struct guard *guard, const struct head *head);
/* NULL when the request may go on, else why not (constant). `write`: it changes something. */
const struct guard_refusal *guard_check(const struct guard *guard, const struct head *head, bool write);

#endif
