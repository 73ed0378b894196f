#include "net/tls.h"

#include "base/mem.h"
#include "base/str.h"
#include "conf/load.h"
#include "net/tls_context.h"
#include "net/tls_server.h"
#include "net/tls_stream.h"
#include "net/tls_ticket.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_LEN = 256, /* of a host, with NUL */
    TICKET_WHY_LEN = 400,
};

static const unsigned char alpn_http1[] = "\x08http/1.1";

/* A stream to a target. */
struct asked {
    struct tls_stream stream;
    struct tls_session *session;
};

static struct asked *asked_of(struct tls_stream *stream)
{
    return CONTAINER_OF(stream, struct asked, stream);
}

static void asked_fini(struct tls_stream *stream)
{
    free(asked_of(stream));
}

/* ---- sessions ---- */

void tls_session_drop(struct tls_session *session)
{
    SSL_SESSION_free(session->session);
    SSL_CTX_free(session->context);
    *session = (struct tls_session){0};
}

/* OpenSSL gives its reference to whoever says 1. */
static int on_session(SSL *ssl, SSL_SESSION *fresh)
{
    struct tls_session *session = asked_of(tls_stream_from(ssl))->session;

    if (!SSL_SESSION_is_resumable(fresh))
        return 0;
    tls_session_drop(session);
    session->session = fresh;
    session->context = SSL_get_SSL_CTX(ssl);
    SSL_CTX_up_ref(session->context);
    return 1;
}

/* ---- a connection ---- */

/* "host:port", "[::1]:port": the host. */
static void host_of(const char *text, char host[static NAME_MAX_LEN])
{
    const char *end = strrchr(text, ':');
    size_t len = end ? (size_t)(end - text) : strlen(text);

    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    len = len < NAME_MAX_LEN - 1 ? len : NAME_MAX_LEN - 1;
    memcpy(host, text, len);
    host[len] = '\0';
}

static bool is_ip(const char *host)
{
    unsigned char addr[16];

    return inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1;
}

/* SNI has names only (RFC 6066 section 3); a certificate may be for an address (RFC 9110 section 4.3.5). */
static bool expect(SSL *ssl, bool verify, const char *host)
{
    if (is_ip(host))
        return !verify || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    if (!SSL_set_tlsext_host_name(ssl, (char *)(uintptr_t)host)) /* a macro that is not const */
        return false;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return !verify || SSL_set1_host(ssl, host);
}

static SSL *new_ssl(struct tls_context *context, const char *host)
{
    const struct config_tls *conf = tls_context_conf(context);
    SSL *ssl = tls_context_stream(context);

    if (ssl && !expect(ssl, conf->verify, conf->server_name ? conf->server_name : host)) {
        SSL_free(ssl);
        return NULL;
    }
    if (ssl)
        SSL_set_connect_state(ssl);
    return ssl;
}

bool tls_start(struct conn *conn, struct tls_context *context, const struct config_address *to,
               struct tls_session *session)
{
    struct asked *asked = mem_zalloc(sizeof *asked);
    char host[NAME_MAX_LEN];
    SSL *ssl;

    host_of(to->text, host);
    *asked = (struct asked){.stream.fini = asked_fini, .session = session};
    ssl = new_ssl(context, host);
    if (!ssl || !tls_stream_begin(&asked->stream, conn, ssl)) {
        free(asked);
        return false;
    }
    if (session->context == SSL_get_SSL_CTX(ssl))
        SSL_set_session(ssl, session->session);
    return true;
}

bool tls_offer_http2(struct conn *conn, bool or_http1)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";

    return SSL_set_alpn_protos(tls_stream_of(conn)->ssl, both, or_http1 ? sizeof both - 1 : 3) == 0;
}

bool tls_speaks_http2(const struct conn *conn)
{
    const unsigned char *name;
    unsigned len;

    SSL_get0_alpn_selected(tls_stream_of(conn)->ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}

bool tls_is(const struct conn *conn, const struct tls_context *context)
{
    const struct tls_stream *stream = tls_stream_of(conn);

    if (!stream || !context)
        return !stream && !context;
    return tls_context_is_of(context, stream->ssl);
}

const char *tls_why(const struct conn *conn)
{
    const struct tls_stream *stream = tls_stream_of(conn);
    const char *reason;
    long verdict;

    if (!stream || !stream->failed)
        return NULL;
    verdict = SSL_get_verify_result(stream->ssl);
    if (verdict != X509_V_OK)
        return X509_verify_cert_error_string(verdict);
    if (stream->error || stream->ended)
        return "the target closed the connection during the TLS handshake";
    reason = ERR_reason_error_string(stream->reason);
    return reason ? reason : "the TLS handshake failed";
}

/* ---- contexts ---- */

static void equip(SSL_CTX *ssl, const struct config_tls *conf)
{
    int oldest = conf->min_version == CONFIG_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;

    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, on_session);
    BUG_ON(!tls_stream_set_up(ssl, oldest) ||
           SSL_CTX_set_alpn_protos(ssl, alpn_http1, sizeof alpn_http1 - 1) != 0);
}

static bool has_tls(const struct config *config)
{
    for (size_t i = 0; i < config->listeners_len; i++)
        if (config->listeners[i].tls.wanted)
            return true;
    return false;
}

static bool load_tickets(const struct config *config, struct conf_report *report)
{
    char why[TICKET_WHY_LEN];

    if (!has_tls(config) || tls_ticket_use(config->ticket_key_file, why, sizeof why))
        return true;
    conf_report_add(report, CONF_ERROR, config->path, 0, 0, "tls: ticketKeyFile %s", why);
    return false;
}

void tls_look(const struct config *config, int64_t now_ns)
{
    tls_ticket_look(now_ns);
    for (size_t i = 0; i < config->listeners_len; i++)
        if (config->listeners[i].tls.server)
            tls_server_look(config->listeners[i].tls.server);
    for (size_t i = 0; i < config->groups_len; i++)
        if (config->groups[i].tls.context)
            tls_context_look(config->groups[i].tls.context);
}

bool tls_load(struct config *config, struct conf_report *report)
{
    bool ok = load_tickets(config, report);

    for (size_t i = 0; i < config->listeners_len; i++)
        if (config->listeners[i].tls.wanted && !config->listeners[i].tls.server)
            ok &= tls_server_load(&config->listeners[i], config->path, report);
    for (size_t i = 0; i < config->groups_len; i++)
        if (config->groups[i].tls.wanted && !config->groups[i].tls.context)
            ok &= tls_context_load(&config->groups[i], config->path, equip, report);
    return ok;
}

struct config *tls_load_config(const char *path, struct conf_report *report)
{
    struct config *config = config_load(path, report);

    if (!config || tls_load(config, report))
        return config;
    config_unref(config);
    return NULL;
}
