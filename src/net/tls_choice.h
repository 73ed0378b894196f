/*
 * Which certificates a listener shows for which name: read from files as a whole, and never changed. For each
 * name there is an OpenSSL context with a certificate of each kind that is for it; names with the same
 * certificates share one.
 *
 * Counted: control makes it, the streams that began with it hold it, and the last one frees it.
 */
#ifndef NET_TLS_CHOICE_H
#define NET_TLS_CHOICE_H

#include "base/bug.h"
#include "conf/config.h"
#include "conf/report.h"
#include "net/tls_cert.h"

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    TLS_ALPN_MAX = 64,
    TLS_SCOPE_LEN = 32,
};

struct tls_entry {
    const char *name;                   /* of a certificate; "" for all others */
    SSL_CTX *context;                   /* one of the choice's */
    unsigned char scope[TLS_SCOPE_LEN]; /* of sessions: the name, and what is asked of clients */
};

struct tls_choice {
    _Atomic unsigned refs; /* relaxed to take one, from somebody who has one; acquire and release to drop */
    struct tls_cert *certs;
    size_t certs_len;
    struct tls_entry *entries; /* by name, exact ones and wildcards */
    size_t entries_len;
    struct tls_entry fallback;
    SSL_CTX **contexts;
    size_t contexts_len;
    X509_STORE *client_authorities; /* NULL: no certificate is asked for */
    STACK_OF(X509_NAME) * client_names;
    unsigned char client_scope[TLS_SCOPE_LEN]; /* of the file of authorities and the mode */
    unsigned char alpn[TLS_ALPN_MAX];          /* what we speak, as on the wire */
    unsigned alpn_len;
};

/* Reads what a listener is to show; `equip` is called for each context, with the choice. NULL when something
 * does not do; `report` says what of `path`, with the listener's address. Blocks on files. */
MUST_CHECK struct tls_choice *tls_choice_load(const struct config_listener *listener, const char *path,
                                              void (*equip)(SSL_CTX *context, struct tls_choice *choice),
                                              struct conf_report *report);
/* One more owner. Thread: any that has one, or keeps it from being dropped. */
struct tls_choice *tls_choice_hold(struct tls_choice *choice);
void tls_choice_drop(struct tls_choice *choice);

/* The entry for a normalised name, or for none (NULL). Never NULL. */
const struct tls_entry *tls_choice_find(const struct tls_choice *choice, const char *name);

/* The certificate of ours that OpenSSL shows; NULL when it is none of the choice. */
const struct tls_cert *tls_choice_cert(const struct tls_choice *choice, const X509 *x509);

#endif
