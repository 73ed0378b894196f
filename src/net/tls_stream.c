#include "net/tls_stream.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <string.h>

enum { RECORD_MAX = 16384 }; /* bytes of data in a record (RFC 8446 section 5.1) */

static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/* ---- the socket below ---- */

/* What was read before the stream began comes first; the socket may have more. */
static int recv_early(struct tls_stream *stream, char *bytes, size_t len)
{
    size_t n = stream->early.len < len ? stream->early.len : len;

    memcpy(bytes, stream->early.p, n);
    stream->early = (struct str){stream->early.p + n, stream->early.len - n};
    stream->filled = true;
    return (int)n;
}

static int bio_recv(BIO *bio, char *bytes, int len)
{
    struct tls_stream *stream = BIO_get_data(bio);
    ssize_t n;

    BIO_clear_retry_flags(bio);
    if (stream->early.len)
        return recv_early(stream, bytes, (size_t)len);
    n = recv(stream->conn->fd, bytes, (size_t)len, 0);
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

struct tls_stream *tls_stream_of(const struct conn *conn)
{
    return conn->ops && conn->ops->shake ? stream_of(conn) : NULL;
}

struct tls_stream *tls_stream_from(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
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
    stream->fini(stream);
}

/* ---- the handshake ---- */

static void shaken(struct conn *conn)
{
    conn->shaking = false;
    conn->cb(conn, CONN_WRITABLE);
}

void tls_stream_shake(struct conn *conn)
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
    stream->broken = stream->failed = true;
    stream->reason = ERR_peek_error();
    conn->error = stream->error ? stream->error : EPROTO;
    shaken(conn);
}

static const struct conn_ops tls_ops = {
    .recv = stream_recv,
    .writev = stream_writev,
    .shake = tls_stream_shake,
    .holds = holds,
    .resume = resume,
    .shutdown = say_goodbye,
    .close = stream_close,
};

/* ---- the beginning ---- */

bool tls_stream_set_up(SSL_CTX *context, int oldest)
{
    make_bio_method();
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_read_ahead(context, 1);
    return SSL_CTX_set_min_proto_version(context, oldest) && SSL_CTX_set_cipher_list(context, ciphers) &&
           SSL_CTX_set1_groups_list(context, "X25519:prime256v1:secp384r1");
}

bool tls_stream_begin(struct tls_stream *stream, struct conn *conn, SSL *ssl)
{
    BIO *bio = BIO_new(bio_method);

    if (!bio) {
        SSL_free(ssl);
        return false;
    }
    stream->ops = tls_ops;
    stream->ssl = ssl;
    stream->conn = conn;
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, stream);
    event_assign(&stream->more, event_get_base(&conn->read_event), -1, 0, on_more, stream);
    conn->ops = &stream->ops;
    conn->shaking = true;
    return true;
}
