#include "export/logpeer.h"

#include "base/clk.h"
#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECT_MS = 3000 };

#define PAUSE_MIN (NS_PER_S / 4)
#define PAUSE_MAX (15 * NS_PER_S)

void logpeer_init(struct logpeer *peer, char *const *addresses, size_t len, int type)
{
    *peer = (struct logpeer){.len = len, .type = type, .fd = -1};
    peer->addresses = mem_zalloc(len * sizeof *peer->addresses);
    for (size_t i = 0; i < len; i++)
        peer->addresses[i] = mem_strdup(addresses[i]);
}

void logpeer_close(struct logpeer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
}

void logpeer_fini(struct logpeer *peer)
{
    logpeer_close(peer);
    for (size_t i = 0; i < peer->len; i++)
        free(peer->addresses[i]);
    free(peer->addresses);
}

/* errno, or 0 when the connection is there. */
static int finish_connect(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t len = sizeof error;

    if (poll(&pollfd, 1, CONNECT_MS) <= 0)
        return ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return errno;
    return error;
}

/* A descriptor, or -1 with errno. */
static int connect_to(const struct sockaddr *address, socklen_t len, int type)
{
    int fd = socket(address->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

    if (fd < 0)
        return -1;
    error = connect(fd, address, len) == 0 ? 0 : errno;
    if (error == EINPROGRESS)
        error = finish_connect(fd);
    if (!error)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

static int connect_unix(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    return connect_to((struct sockaddr *)&address, sizeof address, type);
}

/* "host:port"; an IPv6 address is in brackets. */
static int connect_inet(const char *text, int type, const char **why_r)
{
    const char *colon = strrchr(text, ':');
    struct addrinfo hints = {.ai_socktype = type}, *found = NULL;
    bool bracket = text[0] == '[' && colon > text && colon[-1] == ']';
    char *host = mem_strndup(text + bracket, (size_t)(colon - text) - 2 * (size_t)bracket);
    int fd = -1, failed = getaddrinfo(host, colon + 1, &hints, &found);

    free(host);
    if (failed) {
        *why_r = gai_strerror(failed);
        return -1;
    }
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = connect_to(at->ai_addr, at->ai_addrlen, type);
    *why_r = fd < 0 ? strerror(errno) : NULL;
    freeaddrinfo(found);
    return fd;
}

bool logpeer_connect(struct logpeer *peer, int64_t now_ns, const char **why_r)
{
    const char *text = peer->addresses[peer->at];

    *why_r = NULL;
    if (peer->fd >= 0)
        return true;
    if (now_ns < peer->next_ns)
        return false;
    if (strncmp(text, "unix:", 5) == 0) {
        peer->fd = connect_unix(text + 5, peer->type);
        if (peer->fd < 0)
            *why_r = strerror(errno);
    } else {
        peer->fd = connect_inet(text, peer->type, why_r);
    }
    return peer->fd >= 0;
}

void logpeer_fail(struct logpeer *peer, int64_t now_ns)
{
    logpeer_close(peer);
    peer->at = (peer->at + 1) % peer->len;
    peer->pause_ns = 2 * peer->pause_ns < PAUSE_MIN   ? PAUSE_MIN
                     : 2 * peer->pause_ns > PAUSE_MAX ? PAUSE_MAX
                                                      : 2 * peer->pause_ns;
    peer->next_ns = now_ns + peer->pause_ns;
}

void logpeer_works(struct logpeer *peer)
{
    peer->pause_ns = 0;
}

const char *logpeer_name(const struct logpeer *peer)
{
    return peer->addresses[peer->at];
}
