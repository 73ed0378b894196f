/*
 * TLS with the clients of a listener (http.md 2.5). A server is made of the listener's settings and lives as
 * long as the configuration; what it shows at a moment, its choice of certificates by name, is replaced as a
 * whole when files change, and a connection holds the one that it began with.
 *
 * Sessions are resumed by tickets alone (net/tls_ticket), so that nothing is kept here for them; a ticket is
 * good only for the names and the rules that it was given under (http.md 2.5, tickets).
 *
 * Threads: made, replaced and freed by control; workers begin connections. Each stream is its worker's.
 */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"
#include "conf/report.h"
#include "net/conn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_server;

enum tls_end {
#define TLS_END(id, name, text) TLS_END_##id,
#include "net/tls_end.def"
#undef TLS_END
    TLS_ENDS,
};
const char *tls_end_name(enum tls_end end);

/* Makes the server of a listener that wants one: reads its files. False when one does not do; `report` says
 * which and why, also what is only odd. Blocks on files. Thread: control. */
MUST_CHECK bool tls_server_load(struct config_listener *listener, const char *path,
                                struct conf_report *report);

/* To be called each second: takes certificates whose files have changed, or says why not and keeps the old
 * ones; warns of those that expire. Open connections keep what they have. Blocks on files. Thread: control.
 */
void tls_server_look(struct tls_server *server);
/* Whether the files hold what was refused. Thread: control. */
bool tls_server_refused(const struct tls_server *server);
/* When the certificate in use for an entry of `certificates` expires, wall clock. Thread: control. */
int64_t tls_server_expiry_s(const struct tls_server *server, size_t i);

/* Makes a conn speak TLS with its client. `early` is what was read of it already, copied. The owner hears
 * WRITABLE when the handshake has ended; see tls_server_end. False without memory. Thread: a worker. */
MUST_CHECK bool tls_server_begin(struct tls_server *server, struct conn *conn, struct str early);
/* How the handshake of a conn has ended, after that WRITABLE. */
enum tls_end tls_server_end(const struct conn *conn);
/* What ALPN has chosen; HTTP/1.1 when the client has not asked. After the handshake. */
enum config_protocol tls_server_protocol(const struct conn *conn);
/* What was agreed with a client; texts live as long as the conn. */
struct tls_facts {
    struct str version; /* "1.3" */
    struct str cipher;  /* its IANA name */
    struct str name;    /* SNI, in lower case; empty: none */
    bool resumed;
    enum config_protocol protocol;
};
/* Of a conn whose handshake has succeeded. */
void tls_server_facts(const struct conn *conn, struct tls_facts *facts_r);
/* Connections whose answers the kernel has begun to encrypt (kTLS), since the start. Thread: any. */
uint64_t tls_server_kernel_count(void);
/* The subject of the client's certificate, verified, as RFC 4514 writes it in ASCII; empty when there is
 * none. */
struct str tls_server_subject(const struct conn *conn);
/* Whether a request for this host may come on this conn: it asked for the host by SNI, or for one that the
 * same certificates are for, or for none. `host` is in lower case. False for a conn in clear text never. */
MUST_CHECK bool tls_server_serves(const struct conn *conn, struct str host);

#endif
