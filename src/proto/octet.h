/*
 * Classes of octets: which byte may stand where in a message, and fast runs over them. Pure; any thread.
 */
#ifndef PROTO_OCTET_H
#define PROTO_OCTET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum octet_class {
    OCTET_TOKEN = 1,  /* tchar, RFC 9110 section 5.6.2 */
    OCTET_TARGET = 2, /* visible ASCII without '#'; wider than RFC 3986, since browsers send | [ ] { } bare */
    OCTET_HOST = 4,   /* unreserved, RFC 3986 section 2.3 */
    OCTET_CONTROL = 8,  /* every control character but HTAB, and DEL: never in a field line */
    OCTET_ALIAS = 16,   /* '_' and '.', which CGI-like servers fold with '-' */
    OCTET_ENCODED = 32, /* base64, RFC 4648 section 4, without the padding */
};

extern const uint8_t octet_classes[256];

static inline bool octet_is(char c, enum octet_class class)
{
    return octet_classes[(unsigned char)c] & class;
}

/* The first byte in [p, end) that is not in `class`, or end. `*seen_r` gets the union of the classes of those
 * before it. */
const char *octet_span(const char *p, const char *end, enum octet_class class, uint8_t *seen_r);
/* The first OCTET_CONTROL in [p, end), or end. Looks at 16 bytes at a time where the machine can. */
const char *octet_find_control(const char *p, const char *end);
/* 0 to 15, or -1. */
int octet_hex(char c);

#endif
