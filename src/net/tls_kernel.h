/*
 * The kernel encrypts what a connection sends (kTLS), so that long bodies pass from socket to socket without
 * coming here. It pays for those alone, so a connection begins as any other, encrypted by OpenSSL, and goes
 * over to the kernel in the middle of its first long answer:
 *
 *   IDLE ──asked──> ASKED ──the next record is ours──> PROVEN ──all has left──> ON
 *     └────────────────┴───────────something does not fit───────┴──────────> NEVER
 *
 * OpenSSL tells nobody its keys once they are in use. They are derived anew from what it does tell, and how
 * many records there were is counted on their way. A mistake in either would destroy the connection, so
 * before anything is given to the kernel, keys and number have to open a record that OpenSSL has just made.
 *
 * The kernel can encrypt with one set of keys. Who asks for new ones after it has taken over (TLS 1.3,
 * KeyUpdate with update_requested) loses the connection; who only changes its own does not.
 *
 * AES-GCM, TLS 1.2 and 1.3. Receiving stays OpenSSL's. For the files of TLS in net/ only.
 * Thread: that of the stream.
 * Source: linux/Documentation/networking/tls.rst; RFC 8446 sections 5.2, 5.3, 7.3; RFC 5246 section 6.3, RFC
 * 5288 section 3.
 */
#ifndef NET_TLS_KERNEL_H
#define NET_TLS_KERNEL_H

#include "base/bug.h"

#include <linux/tls.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_kernel_state {
    TLS_KERNEL_NEVER,  /* OpenSSL encrypts */
    TLS_KERNEL_IDLE,   /* likewise, until somebody asks */
    TLS_KERNEL_ASKED,  /* the next record of data shows whether we know the keys */
    TLS_KERNEL_PROVEN, /* we do */
    TLS_KERNEL_ON,     /* the kernel has them */
};

enum {
    TLS_KERNEL_HEAD = 5,    /* bytes before the payload of a record */
    TLS_KERNEL_SECRET = 48, /* the most that a secret has */
};

/* Zeroed: NEVER. */
struct tls_kernel {
    enum tls_kernel_state state : 8;
    uint8_t secret_len; /* TLS 1.3; 0: not told */
    uint8_t head_len;
    unsigned char head[TLS_KERNEL_HEAD]; /* of the record in progress */
    uint32_t left;                       /* bytes of it to come */
    uint64_t records;                    /* under the keys in use */
    unsigned char secret[TLS_KERNEL_SECRET];
    union {
        struct tls_crypto_info any;
        struct tls12_crypto_info_aes_gcm_128 gcm128;
        struct tls12_crypto_info_aes_gcm_256 gcm256;
    } keys; /* PROVEN: as the kernel takes them */
};

/* Whether this kernel can: tries it on a connection of its own. `*error_r` is the errno of why not. Thread:
 * control. */
MUST_CHECK bool tls_kernel_is_there(int *error_r);

/* A line of OpenSSL's key log; we are the server. */
void tls_kernel_secret(struct tls_kernel *kernel, const char *line);
/* What goes to the socket; a record may be cut anywhere. Proves, when it was ASKED. */
void tls_kernel_sees(struct tls_kernel *kernel, const SSL *ssl, const char *bytes, size_t len);
/* PROVEN, and the socket has taken everything: the kernel takes over. The state is ON, or NEVER. */
void tls_kernel_begin(struct tls_kernel *kernel, int fd);
/* ON: says close_notify. False when the socket does not take it. */
MUST_CHECK bool tls_kernel_goodbye(int fd);
/* Forgets all secrets. */
void tls_kernel_fini(struct tls_kernel *kernel);

/* Connections that have gone over since the start. Thread: any. */
uint64_t tls_kernel_count(void);

#endif
