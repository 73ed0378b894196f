/*
 * The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1): one set for the whole process, so that a
 * client may resume with any worker, on any listener and after a reload. They are made here and replaced each
 * hour, or they come from a file that a fleet shares; the first encrypts, the others only open what was given
 * before.
 *
 * Threads: control changes them, workers use them; a mutex is held for the copy of one key.
 */
#ifndef NET_TLS_TICKET_H
#define NET_TLS_TICKET_H

#include "base/bug.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TLS_TICKET_KEY_LEN = 80,   /* in the file: 16 bytes of name, 32 for AES-256-CBC, 32 for HMAC-SHA-256 */
    TLS_TICKET_KEYS_MAX = 12,  /* kept */
    TLS_TICKET_LIFE_S = 39600, /* a session may be resumed for 11 h: its key is kept for that long */
};

/* Takes the keys of a file, which holds 1 to TLS_TICKET_KEYS_MAX of them as raw bytes; NULL: makes them here
 * from now on. False, with `why`, when the file does not do; the keys stay as they are. Thread: control. */
MUST_CHECK bool tls_ticket_use(const char *path, char *why, size_t why_len);
/* Replaces the key that encrypts by a new one when it is an hour old, unless keys come from a file; reads the
 * file again when it has changed. Thread: control. */
void tls_ticket_look(int64_t now_ns);
/* Makes a context use these keys. */
void tls_ticket_equip(SSL_CTX *context);

#endif
