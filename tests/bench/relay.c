/*
 * The floor that proxies are measured against: a relay that moves bytes between a client connection and a
 * target connection of its own and reads none of them. Same event style as penstock: read events that stay,
 * one recv and one send a direction, the write event only after the kernel took less than all.
 *
 *   relay PORT TARGET_PORT      both on 127.0.0.1
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024 };

struct pair;
struct end {
    struct pair *pair;
    struct end *other;
    int fd;
    struct event *readable, *writable;
    size_t off, len; /* of `bytes`: read here, not yet sent to the other end */
    char bytes[BUFFER];
};

struct pair {
    struct end ends[2];
};

static struct event_base *base;
static struct sockaddr_in target;

static void close_pair(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        event_free(pair->ends[i].readable);
        event_free(pair->ends[i].writable);
        close(pair->ends[i].fd);
    }
    free(pair);
}

/* Sends what `from` has read; false when the pair was closed. */
static bool push(struct end *from)
{
    ssize_t n = send(from->other->fd, from->bytes + from->off, from->len - from->off, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != ENOTCONN) {
        close_pair(from->pair);
        return false;
    }
    from->off += n > 0 ? (size_t)n : 0;
    if (from->off < from->len) {
        event_del(from->readable);
        event_add(from->other->writable, NULL);
    } else {
        from->off = from->len = 0;
    }
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct end *end = arg;
    ssize_t n = recv(fd, end->bytes, sizeof end->bytes, 0);

    (void)what;
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close_pair(end->pair);
        return;
    }
    end->len = (size_t)n;
    push(end);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct end *from = ((struct end *)arg)->other;

    (void)fd, (void)what;
    event_del(from->other->writable);
    if (push(from) && from->len == 0)
        event_add(from->readable, NULL);
}

static void add_end(struct pair *pair, int at, int fd)
{
    struct end *end = &pair->ends[at];
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    end->pair = pair;
    end->other = &pair->ends[!at];
    end->fd = fd;
    end->off = end->len = 0;
    end->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, end);
    end->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, end);
    event_add(end->readable, NULL);
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
    int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int upstream = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pair *pair;

    (void)what, (void)arg;
    if (client < 0 || upstream < 0)
        return;
    if (connect(upstream, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS) {
        close(client);
        close(upstream);
        return;
    }
    pair = malloc(sizeof *pair);
    if (!pair)
        exit(1);
    add_end(pair, 0, client);
    add_end(pair, 1, upstream);
}

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int main(int argc, char **argv)
{
    struct sockaddr_in own;
    int listener, one = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: relay PORT TARGET_PORT\n");
        return 2;
    }
    own = loopback(argv[1]);
    target = loopback(argv[2]);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) < 0 || listen(listener, 4096) < 0) {
        perror("relay");
        return 1;
    }
    base = event_base_new();
    event_add(event_new(base, listener, EV_READ | EV_PERSIST, on_accept, NULL), NULL);
    return event_base_dispatch(base) < 0;
}
