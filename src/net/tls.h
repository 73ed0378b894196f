/*
 * TLS on a conn: the same stream, encrypted (http.md 2.5). A context (net/tls_context) holds what many
 * connections share. A connection becomes TLS between conn_connect and its first
 * WRITABLE, which then comes when the handshake has ended; until then nothing that the peer sends is data,
 * and nothing is sent to it. The end of a stream counts as such only with the peer's close_notify; without,
 * it is broken, so that a cut answer is never taken for a whole one.
 *
 * Contexts are made by the control thread and live as long as the configuration; a connection keeps what it
 * needs of them. Streams and sessions belong to the thread of their conn.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/bug.h"
#include "conf/config.h"
#include "conf/report.h"
#include "net/conn.h"

#include <stdbool.h>

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

/* The newest session with one target, to be resumed by the next connection. Zeroed: none. */
struct tls_session {
    struct ssl_session_st *session;
    struct ssl_ctx_st *context; /* of the context that it was made in, owned */
};

/* Makes the contexts of all groups with `tls`: reads certificates, keys and authorities. False when one
 * cannot be made; `report` says which and why. Blocks on files. Thread: control. */
MUST_CHECK bool tls_load(struct config *config, struct conf_report *report);
/* Loads a configuration (conf/load) and then its contexts. NULL when either does not do. Thread: control. */
MUST_CHECK struct config *tls_load_config(const char *path, struct conf_report *report);

/* To be called each second: what is in files may have changed, and keys grow old. Blocks on files. Thread:
 * control. */
void tls_look(const struct config *config, int64_t now_ns);

/* Makes a conn that has begun to connect speak TLS as the client of `to`. The session is resumed, if there is
 * one that fits, and replaced by what the target offers; it outlives the conn. False without memory. */
MUST_CHECK bool tls_start(struct conn *conn, struct tls_context *context, const struct config_address *to,
                          struct tls_session *session);
/* After tls_start: offers HTTP/2 (ALPN) instead of HTTP/1.1, or before it. False without memory. */
MUST_CHECK bool tls_offer_http2(struct conn *conn, bool or_http1);
/* After the handshake: whether the target has chosen HTTP/2. */
MUST_CHECK bool tls_speaks_http2(const struct conn *conn);
/* Whether the conn speaks what a group with this context (NULL: clear text) speaks now. */
MUST_CHECK bool tls_is(const struct conn *conn, const struct tls_context *context);
/* Why the handshake failed: a constant text, or NULL when it did not. */
const char *tls_why(const struct conn *conn);
/* Forgets the session. */
void tls_session_drop(struct tls_session *session);

#endif
