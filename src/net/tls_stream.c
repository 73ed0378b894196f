#include "net/tls_stream.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECORD_MAX = 16384,     /* bytes of data in a record (RFC 8446 section 5.1) */
    RECORD_SMALL = 1300,    /* that a segment holds, so that the peer can read each as it comes */
    RECORD_ROOM = 17408,    /* for one on the wire, and for what else may have to be said with it */
    FLIGHT = 14000,         /* what leaves at once on any connection: ten segments (RFC 6928) */
    RAMP = 64 * 1024,       /* after so much the window is wider than a large record */
    CORK = 4 * RECORD_ROOM, /* what is sent with one call */
};
#define QUIET_NS NS_PER_S /* after it the kernel may have narrowed the window again */

/* Records of one call, collected. */
struct tls_cork {
    size_t len;
    char bytes[CORK];
};

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

/* The count, 0 when the socket is full, -1 with stream->error when it is broken. */
static ssize_t send_some(struct tls_stream *stream, const char *bytes, size_t len)
{
    ssize_t n = send(stream->conn->fd, bytes, len, MSG_NOSIGNAL);

    if (n >= 0)
        return n;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    stream->error = errno;
    return -1;
}

/* OpenSSL has something to say beside data, and does not know that the kernel has gone on in its place: that
 * is the end. */
static void part(struct tls_stream *stream)
{
    stream->broken = true;
    stream->conn->error = EPROTO;
}

/* What is collected goes later; nothing may pass what waits. */
static int bio_send(BIO *bio, const char *bytes, int len)
{
    struct tls_stream *stream = BIO_get_data(bio);
    struct tls_cork *cork = stream->cork;
    ssize_t n;

    BIO_clear_retry_flags(bio);
    if (stream->kernel.state == TLS_KERNEL_ON) {
        part(stream);
        return len;
    }
    if (cork) {
        if ((size_t)len > sizeof cork->bytes - cork->len)
            return -1;
        if (stream->kernel.state != TLS_KERNEL_NEVER)
            tls_kernel_sees(&stream->kernel, stream->ssl, bytes, (size_t)len);
        memcpy(cork->bytes + cork->len, bytes, (size_t)len);
        cork->len += (size_t)len;
        return len;
    }
    n = stream->unsent.len ? 0 : send_some(stream, bytes, (size_t)len);
    if (n == 0)
        BIO_set_retry_write(bio);
    if (n > 0 && stream->kernel.state != TLS_KERNEL_NEVER)
        tls_kernel_sees(&stream->kernel, stream->ssl, bytes, (size_t)n);
    return n > 0 ? (int)n : -1;
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

/* The peer has asked for it (RFC 8446 section 4.6.3), and OpenSSL would answer with the next data; the kernel
 * has no other keys. */
static bool wants_our_keys_changed(const struct tls_stream *stream)
{
    return stream->kernel.state == TLS_KERNEL_ON &&
           SSL_get_key_update_type(stream->ssl) != SSL_KEY_UPDATE_NONE;
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
    if (wants_our_keys_changed(stream))
        part(stream);
    if (got == 0)
        return stream->broken ? CONN_FAILED : none;
    if (holds(conn) || none == 0 || stream->broken) /* an end is told by the next read */
        wake(conn);
    return (ssize_t)got;
}

/* ---- writing ---- */

/* Sends what waits. False when some is left, or the socket is broken. */
static bool send_unsent(struct tls_stream *stream)
{
    struct str *unsent = &stream->unsent;
    ssize_t n = unsent->len ? send_some(stream, unsent->p, unsent->len) : 0;

    if (n < 0)
        return false;
    *unsent = (struct str){unsent->p + n, unsent->len - (size_t)n};
    if (unsent->len)
        return false;
    free(stream->unsent_block);
    stream->unsent_block = NULL;
    return true;
}

/* Sends what was collected, and keeps what the socket does not take. False when it is broken. */
static bool send_cork(struct tls_stream *stream, struct tls_cork *cork)
{
    ssize_t n = cork->len ? send_some(stream, cork->bytes, cork->len) : 0;

    if (n < 0)
        return false;
    if ((size_t)n < cork->len) {
        size_t len = cork->len - (size_t)n;

        stream->unsent_block = mem_strndup(cork->bytes + n, len);
        stream->unsent = (struct str){stream->unsent_block, len};
    }
    cork->len = 0;
    return true;
}

static size_t length_of(const struct iovec *iov, int iov_len)
{
    size_t len = 0;

    for (int i = 0; i < iov_len; i++)
        len += iov[i].iov_len;
    return len;
}

/* The next bytes from `skip` on, at most `max`: where they are when they stand together, else in `room`. */
static struct str next_bytes(const struct iovec *iov, int iov_len, size_t skip, size_t max,
                             char room[static RECORD_MAX])
{
    size_t len = 0;

    for (int i = 0; i < iov_len && len < max; i++) {
        const char *p = iov[i].iov_base;
        size_t n = iov[i].iov_len;

        if (skip >= n) {
            skip -= n;
            continue;
        }
        p += skip;
        n -= skip;
        skip = 0;
        n = n < max - len ? n : max - len;
        if (len == 0 && (n == max || i == iov_len - 1))
            return (struct str){p, n};
        memcpy(room + len, p, n);
        len += n;
    }
    return (struct str){room, len};
}

/*
 * Of data in the next record, of which `left` bytes are there. What leaves at once anyway is one record; the
 * beginning of more is small ones, each of which the peer can read when its segment has come, until the
 * window is wide (http.md P12).
 */
static size_t record_size(const struct tls_stream *stream, size_t left)
{
    return left > FLIGHT && stream->burst < RAMP ? RECORD_SMALL : RECORD_MAX;
}

static void note_pause(struct tls_stream *stream, size_t left)
{
    int64_t now_ns;

    if (left <= FLIGHT) /* it does not matter for this one */
        return;
    now_ns = clk_mono_ns();
    if (now_ns - stream->burst_ns > QUIET_NS)
        stream->burst = 0;
    stream->burst_ns = now_ns;
}

/* Encrypts until nothing is left, or the cork is full: how far it came, or CONN_FAILED. */
static ssize_t encrypt(struct tls_stream *stream, struct tls_cork *cork, const struct iovec *iov, int iov_len,
                       size_t from)
{
    size_t total = length_of(iov, iov_len), n;
    char room[RECORD_MAX];

    while (from < total && sizeof cork->bytes - cork->len >= RECORD_ROOM) {
        struct str data = next_bytes(iov, iov_len, from, record_size(stream, total - from), room);

        ERR_clear_error();
        stream->cork = cork;
        if (SSL_write_ex(stream->ssl, data.p, data.len, &n) <= 0)
            n = 0;
        stream->cork = NULL;
        if (n == 0) {
            stream->broken = true;
            return CONN_FAILED;
        }
        from += n;
        stream->burst += n;
    }
    return (ssize_t)from;
}

static ssize_t fail(struct conn *conn)
{
    struct tls_stream *stream = stream_of(conn);

    stream->broken = true;
    conn->error = stream->error ? stream->error : EPIPE;
    return CONN_FAILED;
}

/* ---- writing, when the kernel encrypts ---- */

static ssize_t kernel_writev(struct conn *conn, const struct iovec *iov, int iov_len)
{
    return stream_of(conn)->broken ? CONN_FAILED : conn_clear_ops.writev(conn, iov, iov_len);
}

static ssize_t kernel_from_pipe(struct conn *conn, int pipe, size_t len)
{
    return stream_of(conn)->broken ? CONN_FAILED : conn_clear_ops.from_pipe(conn, pipe, len);
}

/* From here on the kernel encrypts, as for a conn in clear text. Where it does not, everything stays. */
static void turn_over(struct tls_stream *stream)
{
    tls_kernel_begin(&stream->kernel, stream->conn->fd);
    if (stream->kernel.state != TLS_KERNEL_ON)
        return;
    stream->ops.writev = kernel_writev;
    stream->ops.from_pipe = kernel_from_pipe;
}

/* Somebody has a long body for it. Its beginning goes in small records, as far as these are worth it. */
static void want_pipe(struct conn *conn)
{
    struct tls_stream *stream = stream_of(conn);

    if (stream->kernel.state == TLS_KERNEL_IDLE && stream->burst >= RAMP)
        stream->kernel.state = TLS_KERNEL_ASKED;
}

/*
 * Several records leave with one call. What the socket does not take waits here, encrypted; the last byte of
 * it is not told of, so that the owner, who has not got rid of everything, waits for the socket and asks
 * again. It goes on with that byte (a queue that goes on where it stood), which is skipped then.
 */
static ssize_t stream_writev(struct conn *conn, const struct iovec *iov, int iov_len)
{
    struct tls_stream *stream = stream_of(conn);
    size_t total = length_of(iov, iov_len), done = stream->unsent.len ? 1 : 0;
    struct tls_cork cork;

    if (stream->broken)
        return CONN_FAILED;
    if (stream->unsent.len && !send_unsent(stream))
        return stream->error ? fail(conn) : CONN_AGAIN;
    note_pause(stream, total - done);
    cork.len = 0;
    while (done < total && !stream->unsent.len) {
        ssize_t n = encrypt(stream, &cork, iov, iov_len, done);

        if (n < 0 || !send_cork(stream, &cork))
            return fail(conn);
        done = (size_t)n;
    }
    if (stream->unsent.len)
        done--;
    else if (stream->kernel.state == TLS_KERNEL_PROVEN)
        turn_over(stream);
    return done ? (ssize_t)done : CONN_AGAIN;
}

/* One try. False when the alert has not gone. */
static bool alert(struct tls_stream *stream)
{
    int said = SSL_get_shutdown(stream->ssl);

    if (stream->kernel.state != TLS_KERNEL_ON) {
        ERR_clear_error();
        return SSL_shutdown(stream->ssl) >= 0;
    }
    SSL_set_shutdown(stream->ssl, said | SSL_SENT_SHUTDOWN);
    return said & SSL_SENT_SHUTDOWN || tls_kernel_goodbye(stream->conn->fd);
}

static bool may_alert(const struct conn *conn)
{
    const struct tls_stream *stream = stream_of(conn);

    return !conn->shaking && !stream->broken && !conn->error && !stream->unsent.len;
}

static void say_goodbye(struct conn *conn)
{
    if (!may_alert(conn) || !alert(stream_of(conn)))
        shutdown(conn->fd, SHUT_WR); /* the peer sees an end without goodbye, as it must */
}

static void stream_close(struct conn *conn, bool clean)
{
    struct tls_stream *stream = stream_of(conn);

    if (clean && may_alert(conn) && !alert(stream))
        log_debug("a peer is not told of the end"); /* the socket is full, and it does not matter */
    tls_kernel_fini(&stream->kernel);
    event_del(&stream->more);
    SSL_free(stream->ssl);
    free(stream->unsent_block);
    stream->fini(stream);
}

/* ---- the handshake ---- */

static void shaken(struct conn *conn)
{
    conn->shaking = false;
    conn->cb(conn, CONN_WRITABLE);
}

static void shake_failed(struct conn *conn)
{
    struct tls_stream *stream = stream_of(conn);

    stream->broken = stream->failed = true;
    conn->error = stream->error ? stream->error : EPROTO;
    shaken(conn);
}

/* What is said in one step leaves with one call. */
static void go_on_shaking(struct conn *conn)
{
    struct tls_stream *stream = stream_of(conn);
    struct tls_cork cork;
    int result = 1, error = SSL_ERROR_NONE;

    cork.len = 0;
    if (!stream->done) {
        ERR_clear_error();
        stream->cork = &cork;
        result = SSL_do_handshake(stream->ssl);
        stream->cork = NULL;
        stream->done = result == 1;
        error = SSL_get_error(stream->ssl, result);
        stream->reason = result == 1 ? 0 : ERR_peek_error();
    }
    if (!send_cork(stream, &cork) ||
        (result != 1 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE))
        shake_failed(conn);
    else if (stream->unsent.len)
        conn_write_wait(conn);
    else if (stream->done)
        shaken(conn);
    else
        conn_write_done(conn);
}

void tls_stream_shake(struct conn *conn)
{
    struct tls_stream *stream = stream_of(conn);
    socklen_t len = sizeof conn->error;

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
    if (stream->unsent.len && !send_unsent(stream)) {
        if (stream->error)
            shake_failed(conn);
        return;
    }
    go_on_shaking(conn);
}

static const struct conn_ops tls_ops = {
    .recv = stream_recv,
    .writev = stream_writev,
    .want_pipe = want_pipe,
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
    /* Our order decides, but a client that puts ChaCha20 first has no AES in its processor. */
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_read_ahead(context, 1);
    return SSL_CTX_set_min_proto_version(context, oldest) && SSL_CTX_set_cipher_list(context, ciphers) &&
           SSL_CTX_set1_groups_list(context, "X25519:prime256v1:secp384r1");
}

static void on_key_log(const SSL *ssl, const char *line)
{
    struct tls_stream *stream = tls_stream_from(ssl);

    if (stream->kernel.state == TLS_KERNEL_IDLE)
        tls_kernel_secret(&stream->kernel, line);
}

void tls_stream_use_kernel(SSL_CTX *context)
{
    SSL_CTX_set_keylog_callback(context, on_key_log);
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
