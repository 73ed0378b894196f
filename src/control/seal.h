/*
 * The signature of what is posted to others, by which they know that it is ours and not a copy of old: header
 * lines in two styles at once, both HMAC-SHA256 (RFC 2104). Sources: the Standard Webhooks specification
 * (webhook-id, webhook-timestamp, webhook-signature: v1, and the base64 of the HMAC of id.timestamp.body),
 * and GitHub's X-Hub-Signature-256 (the HMAC of the body in hex). Pure but for OpenSSL's memory. Thread: any.
 */
#ifndef CONTROL_SEAL_H
#define CONTROL_SEAL_H

#include "base/bug.h"
#include "base/str.h"

#include <stdint.h>

enum { SEAL_LINES = 4, SEAL_LINE_MAX = 256, SEAL_KEY_MAX = 4096 };

struct seal {
    char lines[SEAL_LINES][SEAL_LINE_MAX]; /* with NUL, without line end */
};

/* `secret`: whsec_ and the base64 of the key, or the key itself. `now_s` is of this attempt. False when
 * OpenSSL has no memory, or the id or the secret is too long or none. */
MUST_CHECK bool seal_make(struct seal *seal_r, const char *secret, const char *id, int64_t now_s,
                          struct str body);

#endif
