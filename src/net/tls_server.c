#include "net/tls_server.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/stamp.h"
#include "net/tls_choice.h"
#include "net/tls_stream.h"
#include "net/tls_ticket.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S        INT64_C(86400)
#define EXPIRES_SOON (14 * DAY_S) /* the log says so, once a day */

enum { SUBJECT_MAX = 1024 }; /* bytes of a client's subject */

struct tls_server {
    pthread_mutex_t mutex; /* for `choice` alone: workers take it, control replaces it */
    struct tls_choice *choice;
    bool kernel; /* may take over long answers; never changed */
    /* control's own */
    const struct config_listener *listener; /* in the configuration, with which the server ends */
    const char *path;                       /* of the configuration */
    struct stamp_watch watch;
    bool refused; /* the files do not do: older ones are in use */
    int64_t warned_day;
};

/* A stream with a client. */
struct served {
    struct tls_stream stream;
    struct tls_choice *choice; /* held */
    const struct tls_entry *entry;
    char *name;    /* SNI, normalised; NULL: none */
    char *early;   /* the block of stream.early; NULL: none */
    char *subject; /* of the client's certificate; NULL: none */
    bool bad_name;
};

static struct served *served_of(struct tls_stream *stream)
{
    return CONTAINER_OF(stream, struct served, stream);
}

static void served_fini(struct tls_stream *stream)
{
    struct served *served = served_of(stream);

    tls_choice_drop(served->choice);
    free(served->name);
    free(served->early);
    free(served->subject);
    free(served);
}

const char *tls_end_name(enum tls_end end)
{
    static const char *const names[] = {
#define TLS_END(id, name, text) [TLS_END_##id] = name,
#include "net/tls_end.def"
#undef TLS_END
    };

    return names[end];
}

/* ---- what OpenSSL asks ---- */

/* The name in the extension (RFC 6066 section 3): a list of one, of type host_name. False when it is broken.
 */
static bool read_name(const unsigned char *ext, size_t len, char name_r[static TLS_NAME_MAX + 1])
{
    size_t list, name;

    if (len < 5)
        return false;
    list = (size_t)ext[0] << 8 | ext[1];
    name = (size_t)ext[3] << 8 | ext[4];
    return list == len - 2 && ext[2] == TLSEXT_NAMETYPE_host_name && name == len - 5 &&
           tls_name_normalise((const char *)ext + 5, name, name_r);
}

/* Before anything else is decided, the session included: which name, and so which certificates. It is asked
 * again for the second hello that follows a retry. */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
    struct served *served = served_of(tls_stream_from(ssl));
    char name[TLS_NAME_MAX + 1];
    const unsigned char *ext;
    bool named;
    size_t len;

    (void)arg;
    free(served->name);
    served->name = NULL;
    named = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &len) == 1;
    if (named && !read_name(ext, len, name)) {
        served->bad_name = true;
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (named)
        served->name = mem_strdup(name);
    served->entry = tls_choice_find(served->choice, served->name);
    if (!SSL_set_SSL_CTX(ssl, served->entry->context) ||
        !SSL_set_session_id_context(ssl, served->entry->scope, TLS_SCOPE_LEN)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* Our preference decides; a client that speaks nothing of ours is told so (RFC 7301 section 3.2). */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                   unsigned in_len, void *arg)
{
    const struct tls_choice *choice = arg;

    (void)ssl;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, choice->alpn, choice->alpn_len,
                                 in, in_len) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* The response of the certificate that is shown, while it is valid. */
static int on_status(SSL *ssl, void *arg)
{
    const struct tls_cert *cert = tls_choice_cert(arg, SSL_get_certificate(ssl));
    unsigned char *copy;

    if (!cert || !cert->ocsp || clk_wall_ns() / NS_PER_S >= cert->ocsp_until_s)
        return SSL_TLSEXT_ERR_NOACK;
    copy = OPENSSL_memdup(cert->ocsp, cert->ocsp_len);
    if (!copy || !SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)cert->ocsp_len)) {
        OPENSSL_free(copy);
        return SSL_TLSEXT_ERR_NOACK;
    }
    return SSL_TLSEXT_ERR_OK;
}

static void equip(SSL_CTX *context, struct tls_choice *choice)
{
    SSL_CTX_set_client_hello_cb(context, on_hello, NULL);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, choice);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_tlsext_status_cb(context, on_status);
    SSL_CTX_set_tlsext_status_arg(context, choice);
    tls_ticket_equip(context);
}

/* ---- the server ---- */

static void server_free(struct tls_server *server)
{
    tls_choice_drop(server->choice);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

static uint64_t stamp_files(const struct config_listener *listener)
{
    uint64_t stamp = STAMP_NONE;

    for (size_t i = 0; i < listener->tls.certificates_len; i++) {
        stamp = stamp_of(listener->tls.certificates[i].cert_file, stamp);
        stamp = stamp_of(listener->tls.certificates[i].key_file, stamp);
        if (listener->tls.certificates[i].ocsp_file)
            stamp = stamp_of(listener->tls.certificates[i].ocsp_file, stamp);
    }
    return listener->tls.client_ca_file ? stamp_of(listener->tls.client_ca_file, stamp) : stamp;
}

/* Whether the kernel encrypts long answers of this listener. */
static bool use_kernel(const struct config_listener *listener)
{
    int error;

    if (listener->tls.ktls != CONFIG_KTLS_AUTO)
        return false;
    if (tls_kernel_is_there(&error))
        return true;
    log_debug("%s: the kernel does not encrypt (kTLS): %s", listener->address.text, strerror(error));
    return false;
}

static struct tls_choice *load_choice(const struct config_listener *listener, const char *path, bool kernel,
                                      struct conf_report *report)
{
    struct tls_choice *choice = tls_choice_load(listener, path, equip, report);

    for (size_t i = 0; choice && kernel && i < choice->contexts_len; i++)
        tls_stream_use_kernel(choice->contexts[i]);
    return choice;
}

bool tls_server_load(struct config_listener *listener, const char *path, struct conf_report *report)
{
    uint64_t stamp = stamp_files(listener); /* before they are read: what changes now is seen later */
    bool kernel = use_kernel(listener);
    struct tls_choice *choice = load_choice(listener, path, kernel, report);
    struct tls_server *server;

    if (!choice)
        return false;
    server = mem_zalloc(sizeof *server);
    pthread_mutex_init(&server->mutex, NULL);
    server->choice = choice;
    server->kernel = kernel;
    server->listener = listener;
    server->path = path;
    stamp_watch_tried(&server->watch, stamp);
    listener->tls.server = server;
    listener->tls.server_free = server_free;
    return true;
}

static struct tls_choice *take_choice(struct tls_server *server)
{
    struct tls_choice *choice;

    pthread_mutex_lock(&server->mutex);
    choice = tls_choice_hold(server->choice);
    pthread_mutex_unlock(&server->mutex);
    return choice;
}

/* ---- files that change ---- */

/* A certificate that has expired must not replace one that has not. */
static bool is_step_back(const struct tls_choice *old, const struct tls_choice *new, size_t *which_r)
{
    int64_t now_s = clk_wall_ns() / NS_PER_S;

    for (size_t i = 0; i < new->certs_len; i++)
        if (new->certs[i].not_after_s <= now_s && old->certs[i].not_after_s > now_s) {
            *which_r = i;
            return true;
        }
    return false;
}

/* Reads the files; NULL when they do not do, which the report then says. */
static struct tls_choice *load_again(const struct tls_server *server, struct conf_report *report)
{
    struct tls_choice *fresh = load_choice(server->listener, server->path, server->kernel, report);
    size_t which;

    if (!fresh || !is_step_back(server->choice, fresh, &which))
        return fresh;
    conf_report_add(report, CONF_ERROR, server->path, 0, 0,
                    "listeners: %s: tls: certFile %s has expired, and the one before it has not",
                    server->listener->address.text, server->listener->tls.certificates[which].cert_file);
    tls_choice_drop(fresh);
    return NULL;
}

static void replace(struct tls_server *server, struct tls_choice *fresh)
{
    struct tls_choice *old = server->choice;

    pthread_mutex_lock(&server->mutex);
    server->choice = fresh;
    pthread_mutex_unlock(&server->mutex);
    tls_choice_drop(old);
}

/* Files are replaced one after the other, so those that do not go together may be seen on the way: they are
 * refused when they still do not at the next look. */
static void look_at_files(struct tls_server *server)
{
    uint64_t stamp = stamp_files(server->listener);
    enum stamp_sight sight = stamp_watch_look(&server->watch, stamp);
    bool settled = sight == STAMP_SETTLED;
    struct conf_report report;
    struct tls_choice *fresh;

    if (sight == STAMP_SAME)
        return;
    conf_report_init(&report);
    fresh = load_again(server, &report);
    if (fresh || settled) {
        stamp_watch_tried(&server->watch, stamp);
        server->refused = !fresh;
        conf_report_log(&report);
    }
    conf_report_fini(&report);
    if (fresh) {
        replace(server, fresh);
        server->warned_day = 0;
        log_info("listeners: %s: tls: the certificates have changed and are in use",
                 server->listener->address.text);
    } else if (settled) {
        log_error(
            "listeners: %s: tls: the certificates in the files are refused; those before them stay in use",
            server->listener->address.text);
    }
}

static void look_at_expiry(struct tls_server *server)
{
    int64_t now_s = clk_wall_ns() / NS_PER_S;

    if (server->warned_day == now_s / DAY_S)
        return;
    server->warned_day = now_s / DAY_S;
    for (size_t i = 0; i < server->choice->certs_len; i++) {
        int64_t left_s = server->choice->certs[i].not_after_s - now_s;
        const char *file = server->listener->tls.certificates[i].cert_file;

        if (left_s <= 0)
            log_warn("tls: certFile %s has expired: clients refuse it", file);
        else if (left_s < EXPIRES_SOON)
            log_warn("tls: certFile %s expires in %lld days: renew it; the files are read again when they "
                     "change",
                     file, (long long)(left_s / DAY_S));
    }
}

void tls_server_look(struct tls_server *server)
{
    look_at_files(server);
    look_at_expiry(server);
}

bool tls_server_refused(const struct tls_server *server)
{
    return server->refused;
}

int64_t tls_server_expiry_s(const struct tls_server *server, size_t i)
{
    return server->choice->certs[i].not_after_s;
}

/* ---- a connection ---- */

bool tls_server_begin(struct tls_server *server, struct conn *conn, struct str early)
{
    struct served *served = mem_zalloc(sizeof *served);
    SSL *ssl;

    served->stream.fini = served_fini;
    served->stream.begun = true;
    served->stream.kernel.state = server->kernel ? TLS_KERNEL_IDLE : TLS_KERNEL_NEVER;
    served->choice = take_choice(server);
    served->entry = &served->choice->fallback;
    if (early.len) {
        served->early = mem_strndup(early.p, early.len);
        served->stream.early = (struct str){served->early, early.len};
    }
    ssl = SSL_new(served->entry->context);
    if (!ssl || !tls_stream_begin(&served->stream, conn, ssl)) {
        served_fini(&served->stream);
        return false;
    }
    SSL_set_accept_state(ssl);
    if (early.len)
        tls_stream_shake(conn);
    return true;
}

/* Reasons from 1000 on are alerts that the peer has sent (ssl(7)). */
static enum tls_end end_of_reason(unsigned long error)
{
    int reason = ERR_GET_REASON(error);

    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return TLS_END_CLEAR;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return TLS_END_VERSION;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        return TLS_END_PARAMETERS;
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return TLS_END_ALPN;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return TLS_END_CERTIFICATE;
    }
    return reason >= SSL_AD_REASON_OFFSET && reason < ERR_R_FATAL ? TLS_END_REFUSED : TLS_END_BROKEN;
}

/* Bytes beyond ASCII, control characters and what separates are escaped, so that the text stands in a header.
 * A subject that is too long for one is refused: what is left of it could name somebody else. */
static bool read_subject(struct served *served)
{
    const X509 *x509 = SSL_get0_peer_certificate(served->stream.ssl);
    BIO *text = x509 ? BIO_new(BIO_s_mem()) : NULL;
    char *bytes;
    long len;

    if (!text)
        return true;
    X509_NAME_print_ex(text, X509_get_subject_name(x509), 0, XN_FLAG_RFC2253);
    len = BIO_get_mem_data(text, &bytes);
    if (len > 0 && len <= SUBJECT_MAX)
        served->subject = mem_strndup(bytes, (size_t)len);
    BIO_free(text);
    return len <= SUBJECT_MAX;
}

enum tls_end tls_server_end(const struct conn *conn)
{
    struct tls_stream *stream = tls_stream_of(conn);

    if (!stream->failed && !served_of(stream)->subject && !read_subject(served_of(stream)))
        return TLS_END_CERTIFICATE;
    if (!stream->failed)
        return SSL_session_reused(stream->ssl) ? TLS_END_RESUMED : TLS_END_FULL;
    if (served_of(stream)->bad_name)
        return TLS_END_NAME;
    if (stream->error || stream->ended)
        return TLS_END_CLOSED;
    return end_of_reason(stream->reason);
}

enum config_protocol tls_server_protocol(const struct conn *conn)
{
    const unsigned char *name = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(tls_stream_of(conn)->ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0 ? CONFIG_PROTOCOL_HTTP_2 : CONFIG_PROTOCOL_HTTP_1_1;
}

void tls_server_facts(const struct conn *conn, struct tls_facts *facts_r)
{
    struct tls_stream *stream = tls_stream_of(conn);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(stream->ssl);

    *facts_r = (struct tls_facts){
        .version = SSL_version(stream->ssl) == TLS1_3_VERSION ? STR("1.3") : STR("1.2"),
        .cipher = str_from(SSL_CIPHER_standard_name(cipher)),
        .name = str_from(served_of(stream)->name),
        .resumed = SSL_session_reused(stream->ssl),
        .protocol = tls_server_protocol(conn),
    };
}

uint64_t tls_server_kernel_count(void)
{
    return tls_kernel_count();
}

struct str tls_server_subject(const struct conn *conn)
{
    return str_from(served_of(tls_stream_of(conn))->subject);
}

bool tls_server_serves(const struct conn *conn, struct str host)
{
    struct tls_stream *stream = tls_stream_of(conn);
    const struct served *served = stream ? served_of(stream) : NULL;
    char name[TLS_NAME_MAX + 1];

    if (!served || !served->name || str_eq(host, str_from(served->name)))
        return true;
    return tls_choice_find(served->choice, tls_name_normalise(host.p, host.len, name) ? name : NULL)
               ->context == served->entry->context;
}
