#include "net/tls.h"

#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECORD_MAX = 16384, /* bytes of data in a record (RFC 8446 section 5.1) */
    NAME_MAX_LEN = 256, /* of a host, with NUL */
};

static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const unsigned char alpn_http1[] = "\x08http/1.1";

struct tls_context {
    SSL_CTX *ssl;
    char *server_name; /* NULL: the host of the target's address */
    bool verify;
};

/* The conn holds it by its table of functions, so that a conn in clear text is no larger for it. */
struct tls_stream {
    struct conn_ops ops; /* first */
    SSL *ssl;
    struct conn *conn;
    struct tls_session *session;
    struct event more;  /* data that has left the socket waits to be read */
    const char *why;    /* the handshake failed */
    int error;          /* errno of the socket */
    bool begun;         /* the socket is connected */
    bool filled;        /* the last read took as much as it could, so there may be more */
    bool ended, broken; /* by the peer's FIN; by a fatal error, after which OpenSSL must not be asked */
};

/* ---- the socket below ---- */

static int bio_recv(BIO *bio, char *bytes, int len)
{
    struct tls_stream *stream = BIO_get_data(bio);
    ssize_t n = recv(stream->conn->fd, bytes, (size_t)len, 0);

    BIO_clear_retry_flags(bio);
    stream->filled = n == len;
    stream->ended = n == 0;
    if (n >= 0)
        return (int)n;
    if (errno == EAGAIN || errno == EINTR)
        BIO_set_retry_read(bio);
    else
        stream->error = errno;
    return -1;
}

static int bio_send(BIO *bio, const char *bytes, int len)
{
    struct tls_stream *stream = BIO_get_data(bio);
    ssize_t n = send(stream->conn->fd, bytes, (size_t)len, MSG_NOSIGNAL);

    BIO_clear_retry_flags(bio);
    if (n >= 0)
        return (int)n;
    if (errno == EAGAIN || errno == EINTR)
        BIO_set_retry_write(bio);
    else
        stream->error = errno;
    return -1;
}

static long bio_ctrl(BIO *bio, int what, long arg, void *more)
{
    const struct tls_stream *stream = BIO_get_data(bio);

    (void)arg, (void)more;
    if (what == BIO_CTRL_EOF)
        return stream->ended;
    return what == BIO_CTRL_FLUSH;
}

/* One for all threads, made with the first context. */
static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    if (bio_method)
        return;
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "penstock socket");
    BUG_ON(!bio_method || !BIO_meth_set_read(bio_method, bio_recv) ||
           !BIO_meth_set_write(bio_method, bio_send) || !BIO_meth_set_ctrl(bio_method, bio_ctrl));
}

/* ---- the stream ---- */

static struct tls_stream *stream_of(const struct conn *conn)
{
    return (struct tls_stream *)(uintptr_t)conn->ops;
}

static bool holds(const struct conn *conn)
{
    const struct tls_stream *stream = stream_of(conn);

    return !stream->broken && (SSL_has_pending(stream->ssl) || stream->filled);
}

/* The socket's event does not tell of what has left the socket: in its next turn the loop will. */
static void wake(struct conn *conn)
{
    static const struct timeval at_once = {0};
    struct tls_stream *stream = stream_of(conn);

    BUG_ON(event_add(&stream->more, &at_once) < 0);
}

static void on_more(evutil_socket_t fd, short what, void *arg)
{
    struct tls_stream *stream = arg;

    (void)fd, (void)what;
    if (stream->conn->reading && !stream->conn->shaking)
        stream->conn->cb(stream->conn, CONN_READABLE);
}

static void resume(struct conn *conn)
{
    if (!conn->shaking && holds(conn))
        wake(conn);
}

/* What a call that brought nothing means. */
static ssize_t no_bytes(struct conn *conn, int result)
{
    struct tls_stream *stream = stream_of(conn);

    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return CONN_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    }
    stream->broken = true;
    conn->error = stream->error ? stream->error : stream->ended ? ECONNRESET : EPROTO;
    return CONN_FAILED;
}

static ssize_t stream_recv(struct conn *conn, void *bytes, size_t len)
{
    struct tls_stream *stream = stream_of(conn);
    size_t got = 0, n;
    ssize_t none = 1;

    if (stream->broken)
        return CONN_FAILED;
    do {
        int result;

        ERR_clear_error();
        result = SSL_read_ex(stream->ssl, (char *)bytes + got, len - got, &n);
        if (result <= 0) {
            none = no_bytes(conn, result);
            break;
        }
        got += n;
    } while (got < len && holds(conn));
    if (got == 0)
        return none;
    if (holds(conn) || none == 0 || none == CONN_FAILED) /* an end is told by the next read */
        wake(conn);
    return (ssize_t)got;
}

/* Copies what stands from `skip` on into a record's worth of room. */
static size_t gather(const struct iovec *iov, int iov_len, size_t skip, char *room)
{
    size_t len = 0;

    for (int i = 0; i < iov_len && len < RECORD_MAX; i++) {
        size_t n = iov[i].iov_len;

        if (skip >= n) {
            skip -= n;
            continue;
        }
        n -= skip;
        n = n < RECORD_MAX - len ? n : RECORD_MAX - len;
        memcpy(room + len, (const char *)iov[i].iov_base + skip, n);
        len += n;
        skip = 0;
    }
    return len;
}

/* A record that the socket did not take is kept by OpenSSL and wants the same bytes again: a queue that goes
 * on where it stood, and only grows at its end, gives it just that. */
static ssize_t stream_writev(struct conn *conn, const struct iovec *iov, int iov_len)
{
    struct tls_stream *stream = stream_of(conn);
    char room[RECORD_MAX];
    size_t sent = 0, len, n;

    if (stream->broken)
        return CONN_FAILED;
    while ((len = gather(iov, iov_len, sent, room)) > 0) {
        int result;

        ERR_clear_error();
        result = SSL_write_ex(stream->ssl, room, len, &n);
        if (result <= 0) {
            ssize_t none = no_bytes(conn, result);

            if (none == 0) { /* the peer takes no more */
                conn->error = EPIPE;
                none = CONN_FAILED;
            }
            return sent ? (ssize_t)sent : none;
        }
        sent += n;
    }
    return (ssize_t)sent;
}

static void say_goodbye(struct conn *conn)
{
    struct tls_stream *stream = stream_of(conn);

    ERR_clear_error();
    if (conn->shaking || stream->broken || conn->error || SSL_shutdown(stream->ssl) < 0)
        shutdown(conn->fd, SHUT_WR); /* the peer sees an end without goodbye, as it must */
}

static void stream_close(struct conn *conn, bool clean)
{
    struct tls_stream *stream = stream_of(conn);

    if (clean && !conn->shaking && !stream->broken && !conn->error) {
        ERR_clear_error();
        SSL_shutdown(stream->ssl); /* one try: the alert goes, or the socket is full and it does not matter */
    }
    event_del(&stream->more);
    SSL_free(stream->ssl);
    free(stream);
}

/* ---- the handshake ---- */

static const char *reason_of(const struct tls_stream *stream)
{
    long verdict = SSL_get_verify_result(stream->ssl);
    const char *reason;

    if (verdict != X509_V_OK)
        return X509_verify_cert_error_string(verdict);
    if (stream->error || stream->ended)
        return "the target closed the connection during the TLS handshake";
    reason = ERR_reason_error_string(ERR_peek_error());
    return reason ? reason : "the TLS handshake failed";
}

static void shaken(struct conn *conn)
{
    conn->shaking = false;
    conn->cb(conn, CONN_WRITABLE);
}

static void shake(struct conn *conn)
{
    struct tls_stream *stream = stream_of(conn);
    socklen_t len = sizeof conn->error;
    int result;

    if (!stream->begun) {
        if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &conn->error, &len) < 0)
            conn->error = errno;
        if (conn->error) {
            shaken(conn);
            return;
        }
        stream->begun = true;
        conn_read_resume(conn);
    }
    ERR_clear_error();
    result = SSL_do_handshake(stream->ssl);
    if (result == 1) {
        shaken(conn);
        return;
    }
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        conn_write_done(conn);
        return;
    case SSL_ERROR_WANT_WRITE:
        conn_write_wait(conn);
        return;
    }
    stream->broken = true;
    stream->why = reason_of(stream);
    conn->error = stream->error ? stream->error : EPROTO;
    shaken(conn);
}

static const struct conn_ops tls_ops = {
    .recv = stream_recv,
    .writev = stream_writev,
    .shake = shake,
    .holds = holds,
    .resume = resume,
    .shutdown = say_goodbye,
    .close = stream_close,
};

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
    struct tls_stream *stream = SSL_get_app_data(ssl);
    struct tls_session *session = stream->session;

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
static bool expect(SSL *ssl, const struct tls_context *context, const char *host)
{
    if (is_ip(host))
        return !context->verify || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    if (!SSL_set_tlsext_host_name(ssl, host))
        return false;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return !context->verify || SSL_set1_host(ssl, host);
}

static SSL *new_ssl(struct tls_stream *stream, const struct tls_context *context, const char *host)
{
    SSL *ssl = SSL_new(context->ssl);
    BIO *bio = ssl ? BIO_new(bio_method) : NULL;

    if (!bio || !expect(ssl, context, host)) {
        BIO_free(bio);
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, stream);
    SSL_set_connect_state(ssl);
    return ssl;
}

bool tls_start(struct conn *conn, const struct tls_context *context, const struct config_address *to,
               struct tls_session *session)
{
    struct tls_stream *stream = mem_zalloc(sizeof *stream);
    char host[NAME_MAX_LEN];

    host_of(to->text, host);
    *stream = (struct tls_stream){.ops = tls_ops, .conn = conn, .session = session};
    stream->ssl = new_ssl(stream, context, context->server_name ? context->server_name : host);
    if (!stream->ssl) {
        free(stream);
        return false;
    }
    event_assign(&stream->more, event_get_base(&conn->read_event), -1, 0, on_more, stream);
    if (session->context == context->ssl)
        SSL_set_session(stream->ssl, session->session);
    conn->ops = &stream->ops;
    conn->shaking = true;
    return true;
}

/* A conn that never was opened has no functions. */
static bool is_tls(const struct conn *conn)
{
    return conn->ops && conn->ops->shake;
}

bool tls_is(const struct conn *conn, const struct tls_context *context)
{
    if (!is_tls(conn) || !context)
        return !is_tls(conn) && !context;
    return SSL_get_SSL_CTX(stream_of(conn)->ssl) == context->ssl;
}

const char *tls_why(const struct conn *conn)
{
    return is_tls(conn) ? stream_of(conn)->why : NULL;
}

/* ---- contexts ---- */

static void context_free(struct tls_context *context)
{
    SSL_CTX_free(context->ssl);
    free(context->server_name);
    free(context);
}

static bool set_up(SSL_CTX *ssl)
{
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, on_session);
    return SSL_CTX_set_cipher_list(ssl, ciphers) &&
           SSL_CTX_set1_groups_list(ssl, "X25519:prime256v1:secp384r1") &&
           SSL_CTX_set_alpn_protos(ssl, alpn_http1, sizeof alpn_http1 - 1) == 0;
}

/* NULL, or the key of the setting that does not do. */
static const char *use_files(SSL_CTX *ssl, const struct config_tls *conf)
{
    if (conf->verify) {
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
        if (conf->ca_file ? !SSL_CTX_load_verify_file(ssl, conf->ca_file)
                          : !SSL_CTX_set_default_verify_paths(ssl))
            return "caFile";
    }
    if (conf->cert_file && SSL_CTX_use_certificate_chain_file(ssl, conf->cert_file) != 1)
        return "certFile";
    if (conf->key_file && (SSL_CTX_use_PrivateKey_file(ssl, conf->key_file, SSL_FILETYPE_PEM) != 1 ||
                           SSL_CTX_check_private_key(ssl) != 1))
        return "keyFile";
    return NULL;
}

static bool load_group(struct config_group *group, const char *path, struct conf_report *report)
{
    struct config_tls *conf = &group->tls;
    struct tls_context *context = mem_zalloc(sizeof *context);
    const char *wrong, *reason;

    ERR_clear_error();
    context->verify = conf->verify;
    context->server_name = conf->server_name ? mem_strdup(conf->server_name) : NULL;
    context->ssl = SSL_CTX_new(TLS_client_method());
    BUG_ON(!context->ssl || !set_up(context->ssl));
    BUG_ON(!SSL_CTX_set_min_proto_version(
        context->ssl, conf->min_version == CONFIG_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION));
    wrong = use_files(context->ssl, conf);
    if (wrong) {
        reason = ERR_reason_error_string(ERR_peek_error());
        conf_report_add(report, CONF_ERROR, path, 0, 0,
                        "targetGroups: %s: tls: %s cannot be used: %s; it has to be a PEM file that this "
                        "process may read%s",
                        group->name, wrong, reason ? reason : "unknown reason",
                        strcmp(wrong, "keyFile") ? "" : ", and the key of certFile");
        context_free(context);
        return false;
    }
    conf->context = context;
    conf->context_free = context_free;
    return true;
}

bool tls_load(struct config *config, struct conf_report *report)
{
    bool ok = true;

    make_bio_method();
    for (size_t i = 0; i < config->groups_len; i++)
        if (config->groups[i].tls.wanted && !config->groups[i].tls.context)
            ok &= load_group(&config->groups[i], config->path, report);
    return ok;
}
