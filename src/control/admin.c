#include "control/admin.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/admin_conn.h"
#include "net/listen.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 64, PAUSE_S = 1 };

struct admin {
    struct admin_shared shared;
    int fd;
    struct event *accept;
    struct event *pause; /* out of descriptors: accepting goes on after it */
    char text[LISTEN_TEXT_LEN];
    char *unlink_path; /* of a unix socket; NULL for others */
    struct admin_conn *conns[ADMIN_CONNECTIONS_MAX];
    size_t len;
    struct log_limit limit;
};

/* ---- listening
 * ----------------------------------------------------------------------------------------------- */

/* A unix socket that nobody listens on any more is left over from a crash. */
static bool is_stale(const struct config_address *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool stale = fd >= 0 && connect(fd, &address->addr.any, address->addr_len) < 0 && errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return stale;
}

static bool bind_it(int fd, const struct config_address *address)
{
    int one = 1;

    if (address->addr.any.sa_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, &address->addr.any, address->addr_len) == 0)
        return true;
    if (errno != EADDRINUSE || address->addr.any.sa_family != AF_UNIX || !is_stale(address)) {
        errno = errno == ECONNREFUSED ? EADDRINUSE : errno;
        return false;
    }
    return unlink(address->addr.un.sun_path) == 0 && bind(fd, &address->addr.any, address->addr_len) == 0;
}

static int listen_on(const struct config_address *address)
{
    int fd = socket(address->addr.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return -1;
    if (bind_it(fd, address) && listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* ---- connections
 * --------------------------------------------------------------------------------------------- */

static void closed(struct admin_shared *shared, struct admin_conn *conn)
{
    struct admin *admin = CONTAINER_OF(shared, struct admin, shared);

    for (size_t i = 0; i < admin->len; i++) {
        if (admin->conns[i] == conn) {
            admin->conns[i] = admin->conns[--admin->len];
            return;
        }
    }
    BUG("a connection that the admin server does not know");
}

/* Closes the connection that has been idle for longest. False when all are busy. */
static bool make_room(struct admin *admin)
{
    int64_t oldest_ns = INT64_MAX;
    size_t oldest = 0;

    for (size_t i = 0; i < admin->len; i++) {
        int64_t since_ns = admin_conn_idle_since(admin->conns[i]);

        if (since_ns < oldest_ns) {
            oldest_ns = since_ns;
            oldest = i;
        }
    }
    if (oldest_ns == INT64_MAX)
        return false;
    admin_conn_free(admin->conns[oldest]);
    admin->conns[oldest] = admin->conns[--admin->len];
    return true;
}

static void complain(struct admin *admin, int error)
{
    uint64_t suppressed;

    if (log_limit_pass(&admin->limit, clk_mono_ns(), &suppressed))
        log_warn("admin: cannot accept a connection: %s", strerror(error));
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct admin *admin = arg;
    struct sockaddr_storage peer = {0};
    socklen_t peer_len = sizeof peer;
    int conn = accept4(fd, (struct sockaddr *)&peer, &peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)what;
    if (conn < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return;
        complain(admin, errno);
        event_del(admin->accept);
        event_add(admin->pause, &(struct timeval){.tv_sec = PAUSE_S});
        return;
    }
    if (admin->len == ADMIN_CONNECTIONS_MAX && !make_room(admin)) {
        complain(admin, EBUSY);
        close(conn);
        return;
    }
    admin->conns[admin->len++] =
        admin_conn_new(&admin->shared, conn, (const struct sockaddr *)&peer, clk_mono_ns());
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
    struct admin *admin = arg;

    (void)fd, (void)what;
    event_add(admin->accept, NULL);
}

/* ---- the server
 * ---------------------------------------------------------------------------------------------- */

struct admin *admin_open(struct event_base *base, const struct config_address *address,
                         admin_handler *handler, void *arg, char *why, size_t why_len)
{
    int fd = listen_on(address);
    struct admin *admin;

    if (fd < 0) {
        snprintf(why, why_len, "admin.address: cannot listen on %s: %s", address->text, strerror(errno));
        return NULL;
    }
    admin = mem_zalloc(sizeof *admin);
    admin->shared = (struct admin_shared){.base = base, .handler = handler, .arg = arg, .closed = closed};
    admin->fd = fd;
    listen_text(fd, admin->text);
    if (address->addr.any.sa_family == AF_UNIX)
        admin->unlink_path = mem_strdup(address->addr.un.sun_path);
    admin->accept = event_new(base, fd, EV_READ | EV_PERSIST, on_accept, admin);
    admin->pause = event_new(base, -1, 0, on_pause_over, admin);
    BUG_ON(!admin->accept || !admin->pause);
    event_add(admin->accept, NULL);
    return admin;
}

const char *admin_text(const struct admin *admin)
{
    return admin->text;
}

void admin_close(struct admin *admin)
{
    if (!admin)
        return;
    while (admin->len > 0)
        admin_conn_free(admin->conns[--admin->len]);
    event_free(admin->accept);
    event_free(admin->pause);
    close(admin->fd);
    if (admin->unlink_path)
        unlink(admin->unlink_path);
    free(admin->unlink_path);
    free(admin);
}
