/*
 * Classes of octets: which byte may stand where in a message, and fast runs over them. Pure; any thread.
 */
#ifndef PROTO_OCTET_H
#define PROTO_OCTET_H

#include "base/str.h"

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

/* These look at 16 bytes at a time where the machine can. */

/* The first byte in [p, end) that is not in `class`, or end. `*alias_r` says whether an OCTET_ALIAS was
 * passed. */
const char *octet_span(const char *p, const char *end, enum octet_class class, bool *alias_r);
/* The first OCTET_CONTROL in [p, end), or end. */
const char *octet_find_control(const char *p, const char *end);
/* Whether every byte of the text is in `class`, and there is one. */
bool octet_all(struct str text, enum octet_class class);

/* 0 to 15, or -1. */
int octet_hex(char c);

#endif
