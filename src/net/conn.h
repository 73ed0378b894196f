/*
 * A stream connection: a non-blocking socket, its place in the event loop, and the two calls that move bytes.
 * What moves them (clear text, or TLS, see net/tls) is a small table of functions, so that
 * nobody above asks.
 *
 * Event style (http.md 6.2): the read event is registered once and stays for the life of the socket, also
 * while an upstream connection lies idle in its pool; it is taken out only under back-pressure
 * (conn_read_pause). The write event is added only after the kernel took less than it was given. So a
 * keep-alive request costs no epoll_ctl at all.
 *
 * Ownership: a conn is embedded in its owner and may be freed inside its own callback, after conn_close.
 * Thread: the one that runs the event base.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/bug.h"
#include "conf/config.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct conn;

enum conn_ready {
    CONN_READABLE = 1,
    CONN_WRITABLE = 2, /* also: a connect has ended; conn_connected says how */
};

typedef void conn_cb(struct conn *conn, unsigned ready);

/* How bytes move. Both return a count, 0 for the end of the stream (recv only), CONN_AGAIN or CONN_FAILED. */
struct conn_ops {
    ssize_t (*recv)(struct conn *conn, void *bytes, size_t len);
    ssize_t (*writev)(struct conn *conn, const struct iovec *iov, int iov_len);
    /* The same between the socket and a pipe, within the kernel; NULL where the bytes have to be seen here.
     */
    ssize_t (*to_pipe)(struct conn *conn, int pipe, size_t len);
    ssize_t (*from_pipe)(struct conn *conn, int pipe, size_t len);
    /* Without from_pipe, perhaps NULL: somebody would use it, and may find it a little later. */
    void (*want_pipe)(struct conn *conn);
    /* Of a stream that is more than its socket (net/tls); all NULL for clear text. */
    void (*shake)(struct conn *conn);             /* an event while conn->shaking */
    bool (*holds)(const struct conn *conn);       /* what has left the socket may wait to be read */
    void (*resume)(struct conn *conn);            /* reading goes on */
    void (*shutdown)(struct conn *conn);          /* for conn_shutdown */
    void (*close)(struct conn *conn, bool clean); /* frees the stream; the socket is closed after it */
};

/* Those of a socket without anything in between. */
extern const struct conn_ops conn_clear_ops;

enum {
    CONN_AGAIN = -1,  /* nothing now; the callback will say when */
    CONN_FAILED = -2, /* the connection is broken; conn->error is the errno */
};

struct conn {
    int fd; /* -1: closed */
    int error;
    const struct conn_ops *ops;
    conn_cb *cb;
    struct event read_event;
    struct event write_event;
    bool reading; /* read_event is in the loop */
    bool writing; /* write_event is in the loop */
    bool shaking; /* a handshake is under way: the owner hears nothing until it has ended */
};

/* Takes over an accepted, non-blocking socket and begins to read. Its options are those of its listener. */
void conn_init(struct conn *conn, struct event_base *base, int fd, conn_cb *cb);

/* Begins to connect; WRITABLE follows when it has ended, one way or the other. False when it failed at once
 * (conn->error), the conn is then closed. */
MUST_CHECK bool conn_connect(struct conn *conn, struct event_base *base, const struct config_address *to,
                             conn_cb *cb);
/* Call at the first WRITABLE after conn_connect: true when connected (reading begins), else conn->error says
 * why. */
MUST_CHECK bool conn_connected(struct conn *conn);

/* One read; fewer than `len` bytes mean that the socket is empty now. */
MUST_CHECK static inline ssize_t conn_recv(struct conn *conn, void *bytes, size_t len)
{
    return conn->ops->recv(conn, bytes, len);
}
/* Whether something waits to be read, the end of the stream included. A system call: not for every request.
 */
bool conn_has_bytes(const struct conn *conn);
/* Whether bytes that have left the socket wait to be read. No system call. */
static inline bool conn_holds(const struct conn *conn)
{
    return conn->ops->holds && conn->ops->holds(conn);
}
/* One write. When it takes less than all, or AGAIN, call conn_write_wait. */
MUST_CHECK static inline ssize_t conn_writev(struct conn *conn, const struct iovec *iov, int iov_len)
{
    return conn->ops->writev(conn, iov, iov_len);
}

/* Whether the conn can be written to from a pipe. When it cannot, it is told that somebody would. */
MUST_CHECK static inline bool conn_takes_pipe(struct conn *conn)
{
    if (!conn->ops->from_pipe && conn->ops->want_pipe)
        conn->ops->want_pipe(conn);
    return conn->ops->from_pipe != NULL;
}

/* Back-pressure: the socket is not read until conn_read_resume. Both may be called in any state. */
void conn_read_pause(struct conn *conn);
void conn_read_resume(struct conn *conn);
/* Wants, or no longer wants, WRITABLE. */
void conn_write_wait(struct conn *conn);
void conn_write_done(struct conn *conn);

/* Our own end of the connection; false when it has no IP address. A system call. */
MUST_CHECK bool conn_local(const struct conn *conn, struct ip *ip_r, uint16_t *port_r);

/* Sends FIN after what was written; reading goes on (lingering close). */
void conn_shutdown(struct conn *conn);
/* Leaves the loop and closes the socket. A second call does nothing. */
void conn_close(struct conn *conn);
/* Bytes that the kernel holds because the peer has not taken them; 0 where it does not say. */
uint64_t conn_held(const struct conn *conn);
/* Takes what lies between the conn and its socket (net/tls) away without a word: it is in clear text again,
 * and can tell its client why a handshake failed, or be closed without a reset that destroys the alert. */
void conn_strip(struct conn *conn);
/* As conn_close, but with RST, so that the peer cannot take what it got for a whole message. */
void conn_abort(struct conn *conn);

#endif
