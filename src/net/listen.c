#include "net/listen.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,         /* the kernel cuts it to net.core.somaxconn */
    UNSENT_MAX = 256 << 10, /* bytes that the kernel takes for a client who does not read them */
};

/* A bound socket. With `shared` others of ours may bind the same address. */
static int open_bound(const struct sockaddr *addr, socklen_t len, bool shared)
{
    int one = 1, error;
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0))
        goto fail;
    if (addr->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
        goto fail;
    if (bind(fd, addr, len) == 0)
        return fd;
fail:
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* SO_REUSEPORT would let a second run of the program take half of the connections of the first without a
 * word. One bind without it fails while anybody listens there. */
static bool is_free(const struct config_address *address)
{
    int fd = open_bound(&address->addr.any, address->addr_len, false);

    return fd >= 0 && close(fd) == 0;
}

/*
 * What is accepted inherits these (tcp(7)): small messages do not wait for an acknowledgement (Nagle), and a
 * client that reads slowly holds little of an answer in the kernel. Else some thousand of them take all the
 * memory that TCP may have on the machine, and the kernel drops what arrives for everybody.
 */
static bool set_options(int fd)
{
    int one = 1, unsent = UNSENT_MAX;

    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent) == 0;
}

static int open_listening(const struct sockaddr *addr, socklen_t len)
{
    int fd = open_bound(addr, len, true), error;

    if (fd < 0)
        return fd;
    if ((addr->sa_family == AF_UNIX || set_options(fd)) && listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

bool listen_open(const struct config_address *address, size_t n, int *fds_r, char *why, size_t why_len)
{
    struct sockaddr_storage bound = address->addr.storage;
    socklen_t len = address->addr_len;
    size_t open = 0;

    if (!is_free(address))
        goto fail;
    for (; open < n; open++) {
        fds_r[open] = open_listening((const struct sockaddr *)&bound, len);
        if (fds_r[open] < 0)
            goto fail;
        if (open == 0 && getsockname(fds_r[0], (struct sockaddr *)&bound, &len) < 0) {
            close(fds_r[0]);
            goto fail;
        }
    }
    return true;
fail:
    snprintf(why, why_len, "cannot listen on %s: %s", address->text, strerror(errno));
    while (open > 0)
        close(fds_r[--open]);
    return false;
}

void listen_deafen(int fd)
{
    enum { TCP_FLAGS = 13, SYN = 0x02, ACK = 0x10 }; /* RFC 9293 section 3.1 */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS),  BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog program = {ARRAY_LEN(code), code};

    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
        log_debug("a listening socket stays open to new connections to its end: %s", strerror(errno));
}

bool listen_addr_ip(const struct sockaddr *addr, struct ip *ip_r)
{
    if (addr->sa_family == AF_INET)
        ip_set_v4(ip_r, &((const struct sockaddr_in *)(const void *)addr)->sin_addr);
    else if (addr->sa_family == AF_INET6)
        memcpy(ip_r->bytes, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr,
               sizeof ip_r->bytes);
    return addr->sa_family == AF_INET || addr->sa_family == AF_INET6;
}

uint16_t listen_addr_port(const struct sockaddr *addr)
{
    if (addr->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)addr)->sin_port);
    if (addr->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)addr)->sin6_port);
    return 0;
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
