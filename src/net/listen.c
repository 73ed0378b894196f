#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 4096 }; /* the kernel cuts it to net.core.somaxconn */

static int open_one(const struct config_address *address, const struct sockaddr *addr)
{
    int one = 1, error;
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (addr->sa_family == AF_UNIX)
        unlink(address->addr.un.sun_path); /* what an earlier run left */
    else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
             setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0)
        goto fail;
    if (addr->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
        goto fail;
    if (bind(fd, addr, address->addr_len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
fail:
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

bool listen_open(const struct config_address *address, size_t n, int *fds_r, char *why, size_t why_len)
{
    struct sockaddr_storage bound = address->addr.storage;
    socklen_t len = sizeof bound;

    for (size_t i = 0; i < n; i++) {
        fds_r[i] = open_one(address, (const struct sockaddr *)&bound);
        if (fds_r[i] < 0 || (i == 0 && getsockname(fds_r[0], (struct sockaddr *)&bound, &len) < 0)) {
            snprintf(why, why_len, "cannot listen on %s: %s", address->text, strerror(errno));
            for (size_t k = 0; k <= i; k++)
                if (fds_r[k] >= 0)
                    close(fds_r[k]);
            return false;
        }
    }
    return true;
}

void listen_addr_text(const struct sockaddr *addr, bool with_port, char text_r[static LISTEN_TEXT_LEN])
{
    const struct sockaddr_in *in = (const void *)addr;
    const struct sockaddr_in6 *in6 = (const void *)addr;
    char ip[INET6_ADDRSTRLEN] = "";

    switch (addr->sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
        if (with_port)
            snprintf(text_r, LISTEN_TEXT_LEN, "%s:%u", ip, (unsigned)ntohs(in->sin_port));
        else
            snprintf(text_r, LISTEN_TEXT_LEN, "%s", ip);
        return;
    case AF_INET6:
        inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof ip);
        if (with_port)
            snprintf(text_r, LISTEN_TEXT_LEN, "[%s]:%u", ip, (unsigned)ntohs(in6->sin6_port));
        else
            snprintf(text_r, LISTEN_TEXT_LEN, "%s", ip);
        return;
    case AF_UNIX:
        snprintf(text_r, LISTEN_TEXT_LEN, "unix:%s",
                 ((const struct sockaddr_un *)(const void *)addr)->sun_path);
        return;
    default:
        snprintf(text_r, LISTEN_TEXT_LEN, "?");
    }
}

void listen_text(int fd, char text_r[static LISTEN_TEXT_LEN])
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;

    getsockname(fd, (struct sockaddr *)&bound, &len);
    listen_addr_text((const struct sockaddr *)&bound, true, text_r);
}
