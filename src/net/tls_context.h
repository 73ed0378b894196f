/*
 * What the TLS connections to a group's targets share: the authorities that are trusted, our certificate, the
 * versions. Made of the settings of a group, with which it lives; what files hold is read again when they
 * change, so that a certificate of ours may be renewed without a reload.
 *
 * Threads: made, looked at and freed by control; workers begin connections with it.
 */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include "base/bug.h"
#include "conf/config.h"
#include "conf/report.h"

#include <openssl/ssl.h>
#include <stdbool.h>

struct tls_context;

/* Makes the context of a group that wants one: reads its files; `equip` is called for each that OpenSSL gets,
 * also later. False when a file does not do; `report` says which and why. Blocks on files. Thread: control.
 */
MUST_CHECK bool tls_context_load(struct config_group *group, const char *path,
                                 void (*equip)(SSL_CTX *ssl, const struct config_tls *conf),
                                 struct conf_report *report);
/* To be called each second: takes files that have changed, or says why not and keeps what was in them. Open
 * connections keep what they have. Blocks on files. Thread: control. */
void tls_context_look(struct tls_context *context);
/* Whether the files hold what was refused. Thread: control. */
bool tls_context_refused(const struct tls_context *context);

/* The settings that it is made of. */
const struct config_tls *tls_context_conf(const struct tls_context *context);
/* A stream of its own for a connection; NULL without memory. Thread: any. */
MUST_CHECK SSL *tls_context_stream(struct tls_context *context);
/* Whether a stream was made with what is in use now. Thread: any. */
MUST_CHECK bool tls_context_is_of(const struct tls_context *context, const SSL *ssl);

#endif
