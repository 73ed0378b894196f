#include "net/conn.h"

#include "base/log.h"
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { GATHER_MAX = 2048 }; /* bytes of a message that is sent in one piece */

static bool would_block(int error)
{
    return error == EAGAIN || error == EINTR;
}

static ssize_t fail_or_again(struct conn *conn)
{
    if (would_block(errno))
        return CONN_AGAIN;
    conn->error = errno;
    return CONN_FAILED;
}

static ssize_t clear_recv(struct conn *conn, void *bytes, size_t len)
{
    ssize_t n = recv(conn->fd, bytes, len, 0);

    return n >= 0 ? n : fail_or_again(conn);
}

static size_t length_of(const struct iovec *iov, int iov_len)
{
    size_t len = 0;

    for (int i = 0; i < iov_len; i++)
        len += iov[i].iov_len;
    return len;
}

static ssize_t send_gathered(int fd, const struct iovec *iov, int iov_len)
{
    char block[GATHER_MAX], *end = block;

    for (int i = 0; i < iov_len; i++)
        end = mempcpy(end, iov[i].iov_base, iov[i].iov_len);
    return send(fd, block, (size_t)(end - block), MSG_NOSIGNAL);
}

/* A small message costs less when it is copied here and sent in one piece than when the kernel gathers it. */
static ssize_t clear_writev(struct conn *conn, const struct iovec *iov, int iov_len)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)iov_len};
    ssize_t n = length_of(iov, iov_len) <= GATHER_MAX ? send_gathered(conn->fd, iov, iov_len)
                                                      : sendmsg(conn->fd, &msg, MSG_NOSIGNAL);

    return n >= 0 ? n : fail_or_again(conn);
}

static ssize_t clear_to_pipe(struct conn *conn, int pipe, size_t len)
{
    ssize_t n = splice(conn->fd, NULL, pipe, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

    return n >= 0 ? n : fail_or_again(conn);
}

static ssize_t clear_from_pipe(struct conn *conn, int pipe, size_t len)
{
    ssize_t n = splice(pipe, NULL, conn->fd, NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

    return n >= 0 ? n : fail_or_again(conn);
}

const struct conn_ops conn_clear_ops = {
    .recv = clear_recv,
    .writev = clear_writev,
    .to_pipe = clear_to_pipe,
    .from_pipe = clear_from_pipe,
};

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;

    (void)fd, (void)what;
    if (conn->shaking)
        conn->ops->shake(conn);
    else
        conn->cb(conn, CONN_READABLE);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;

    (void)fd, (void)what;
    if (conn->shaking)
        conn->ops->shake(conn);
    else
        conn->cb(conn, CONN_WRITABLE);
}

static void setup(struct conn *conn, struct event_base *base, int fd, conn_cb *cb)
{
    *conn = (struct conn){.fd = fd, .ops = &conn_clear_ops, .cb = cb};
    BUG_ON(event_assign(&conn->read_event, base, fd, EV_READ | EV_PERSIST, on_read, conn) < 0);
    BUG_ON(event_assign(&conn->write_event, base, fd, EV_WRITE | EV_PERSIST, on_write, conn) < 0);
}

/* Small messages must not wait for an acknowledgement (Nagle). */
static void no_delay(int fd)
{
    int one = 1;

    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
        log_debug("small messages may wait: %s", strerror(errno));
}

void conn_init(struct conn *conn, struct event_base *base, int fd, conn_cb *cb)
{
    setup(conn, base, fd, cb);
    conn_read_resume(conn);
}

bool conn_connect(struct conn *conn, struct event_base *base, const struct config_address *to, conn_cb *cb)
{
    int fd = socket(to->addr.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        *conn = (struct conn){.fd = -1, .error = errno};
        return false;
    }
    if (to->addr.any.sa_family != AF_UNIX)
        no_delay(fd);
    setup(conn, base, fd, cb);
    if (connect(fd, &to->addr.any, to->addr_len) < 0 && errno != EINPROGRESS) {
        conn->error = errno;
        conn_close(conn);
        return false;
    }
    conn_write_wait(conn);
    return true;
}

bool conn_connected(struct conn *conn)
{
    socklen_t len = sizeof conn->error;

    if (!conn->ops->shake && getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &conn->error, &len) < 0)
        conn->error = errno;
    if (conn->error)
        return false;
    conn_read_resume(conn); /* before the write event leaves, so that the two are one epoll_ctl */
    conn_write_done(conn);
    return true;
}

bool conn_has_bytes(const struct conn *conn)
{
    char byte;

    return conn_holds(conn) || recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

uint64_t conn_held(const struct conn *conn)
{
    int held = 0;

    return ioctl(conn->fd, SIOCOUTQ, &held) == 0 && held > 0 ? (uint64_t)held : 0;
}

void conn_read_pause(struct conn *conn)
{
    if (!conn->reading)
        return;
    conn->reading = false;
    event_del_noblock(&conn->read_event);
}

void conn_read_resume(struct conn *conn)
{
    if (conn->reading || conn->fd < 0)
        return;
    conn->reading = true;
    BUG_ON(event_add(&conn->read_event, NULL) < 0);
    if (conn->ops->resume)
        conn->ops->resume(conn);
}

void conn_write_wait(struct conn *conn)
{
    if (conn->writing || conn->fd < 0)
        return;
    conn->writing = true;
    BUG_ON(event_add(&conn->write_event, NULL) < 0);
}

void conn_write_done(struct conn *conn)
{
    if (!conn->writing)
        return;
    conn->writing = false;
    event_del_noblock(&conn->write_event);
}

bool conn_local(const struct conn *conn, struct ip *ip_r, uint16_t *port_r)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof addr;

    if (getsockname(conn->fd, (struct sockaddr *)&addr, &len) < 0)
        return false;
    *port_r = listen_addr_port((struct sockaddr *)&addr);
    return listen_addr_ip((struct sockaddr *)&addr, ip_r);
}

void conn_shutdown(struct conn *conn)
{
    if (conn->fd < 0)
        return;
    if (conn->ops->shutdown)
        conn->ops->shutdown(conn);
    else if (shutdown(conn->fd, SHUT_WR) < 0)
        conn->error = errno;
}

static void strip(struct conn *conn, bool clean)
{
    if (conn->ops->close)
        conn->ops->close(conn, clean);
    conn->ops = &conn_clear_ops;
    conn->shaking = false;
    conn->error = 0;
}

void conn_strip(struct conn *conn)
{
    strip(conn, false);
}

static void leave(struct conn *conn, bool clean)
{
    int error = conn->error; /* its owner may still want to know */

    if (conn->fd < 0)
        return;
    strip(conn, clean);
    conn->error = error;
    conn_read_pause(conn);
    conn_write_done(conn);
    close(conn->fd);
    conn->fd = -1;
}

void conn_close(struct conn *conn)
{
    leave(conn, true);
}

void conn_abort(struct conn *conn)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (conn->fd >= 0 && setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0)
        conn->error = errno;
    leave(conn, false);
}
