/*
 * The encrypted stream under a conn, for either end (net/tls asks targets, net/tls_server answers clients):
 * a BIO on the socket, the conn's calls, and the handshake. For the files of TLS in net/ only.
 *
 * Thread: that of the conn.
 */
#ifndef NET_TLS_STREAM_H
#define NET_TLS_STREAM_H

#include "base/bug.h"
#include "base/str.h"
#include "net/conn.h"
#include "net/tls_kernel.h"

#include <openssl/ssl.h>
#include <stdbool.h>

/* The conn holds it by its table of functions, so that a conn in clear text is no larger for it. Whoever
 * makes one embeds it. */
struct tls_stream {
    struct conn_ops ops; /* first */
    SSL *ssl;
    struct conn *conn;
    void (*fini)(struct tls_stream *stream); /* frees what it is embedded in */
    struct event more;                       /* data that has left the socket waits to be read */
    struct str early;      /* what the peer sent was read before the stream began; owned by the embedder */
    struct str unsent;     /* encrypted, and not taken by the socket; in unsent_block */
    char *unsent_block;    /* NULL: none */
    struct tls_cork *cork; /* within one call: where records are collected */
    uint64_t burst;        /* bytes of data since the last pause, where it matters */
    int64_t burst_ns;      /* monotonic: of the last long write */
    struct tls_kernel kernel;
    unsigned long reason; /* OpenSSL's, of the failed handshake; 0: none */
    int error;            /* errno of the socket */
    bool begun;           /* the socket is connected */
    bool failed, done;    /* the handshake */
    bool filled;          /* the last read took as much as it could, so there may be more */
    bool ended, broken;   /* by the peer's FIN; by a fatal error, after which OpenSSL must not be asked */
};

/* The lists of ciphers and groups that both ends use (Mozilla's guideline, intermediate; http.md 2.5), the
 * modes of a stream, and no version before `oldest`. Call for each context; the first call is the control
 * thread's. False only without memory. */
MUST_CHECK bool tls_stream_set_up(SSL_CTX *context, int oldest);

/* Lets the streams of a context that are told to (`kernel`) hand long answers to the kernel. */
void tls_stream_use_kernel(SSL_CTX *context);

/* Puts `stream` under the conn, with an `ssl` of its own that knows its role. The conn shakes from now on.
 * The stream is zeroed but for `fini`, `early` and the state of `kernel`. False without memory: the conn is
 * as it was, and `ssl` freed. */
MUST_CHECK bool tls_stream_begin(struct tls_stream *stream, struct conn *conn, SSL *ssl);
/* NULL for a conn in clear text, or one that was never opened. */
struct tls_stream *tls_stream_of(const struct conn *conn);
/* The stream of an SSL, as callbacks of OpenSSL get it. */
struct tls_stream *tls_stream_from(const SSL *ssl);

/* Takes one step of the handshake, as an event of the socket does. */
void tls_stream_shake(struct conn *conn);

#endif
