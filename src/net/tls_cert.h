/*
 * A certificate of ours, read from its files: with chain and private key, checked to belong together, and the
 * names that it is for.
 *
 * Thread: any, one at a time; OpenSSL counts the references of what it shares.
 */
#ifndef NET_TLS_CERT_H
#define NET_TLS_CERT_H

#include "base/bug.h"
#include "conf/config.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One certificate of each kind may be used for a name: the client says what it can verify. */
enum tls_kind {
    TLS_RSA,
    TLS_ECDSA,
    TLS_ED25519,
    TLS_KINDS,
};

enum {
    TLS_NAME_MAX = 255, /* bytes in a host name */
    TLS_WHY_MAX = 400,
};

struct tls_cert {
    X509 *x509;
    STACK_OF(X509) * chain; /* NULL: none */
    EVP_PKEY *key;
    enum tls_kind kind;
    char **names; /* in lower case, without final dot; "*.example.com" for all one label below */
    size_t names_len;
    int64_t not_before_s, not_after_s; /* wall clock */
    unsigned char *ocsp;               /* a response for it, DER; NULL: none */
    size_t ocsp_len;
    int64_t ocsp_until_s; /* it is good before, wall clock */
};

/* Reads the files. False, with the file, the reason and the remedy in `why`, when they do not do. Blocks on
 * files. */
MUST_CHECK bool tls_cert_load(struct tls_cert *cert, const struct config_certificate *conf,
                              char why[static TLS_WHY_MAX]);
void tls_cert_fini(struct tls_cert *cert);
/* Whether the certificate is for this name, or for the wildcard that covers it. */
bool tls_cert_has(const struct tls_cert *cert, const char *name);

/* Writes a host name in lower case without final dot, NUL-ended. False when it is none: empty, too long, or
 * with a byte that no host name has. Pure. */
MUST_CHECK bool tls_name_normalise(const char *bytes, size_t len, char name_r[static TLS_NAME_MAX + 1]);
/* Writes the wildcard that covers a name: "*.example.com" for "www.example.com". False where none does. Pure.
 */
MUST_CHECK bool tls_name_wildcard(const char *name, char wildcard_r[static TLS_NAME_MAX + 1]);

#endif
