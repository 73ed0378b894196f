#include "cli/demo_target.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "base/str.h"
#include "proto/h1.h"
#include "proto/h1_body.h"
#include "proto/h1_write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 1024, /* open ones a group; more are refused */
    IN_MAX = 40 * 1024,     /* a request head, and what was read of its body */
    ANSWER_MAX = 1024,
    EVENTS_MAX = 64,
    ADDRESS_MAX = 32,
    LABEL_MAX = 64, /* bytes of a request header that the answer repeats */
};

enum conn_state {
    CONN_HEAD, /* a request head arrives */
    CONN_BODY, /* its content arrives, and is dropped */
    CONN_WAIT, /* the answer is ready and waits for its time */
};

struct conn {
    int fd; /* -1: closed, freed at the end of the loop's turn */
    struct server *server;
    enum conn_state state;
    int64_t due_ns;
    bool keep_alive;
    bool head_only; /* HEAD: an answer without content */
    struct h1_scan scan;
    struct h1_body body;
    size_t in_len;
    size_t answer_len;
    char answer[ANSWER_MAX];
    char in[IN_MAX];
};

struct server {
    int listen_fd;
    in_port_t port;
    char address[ADDRESS_MAX];
};

struct demo_group {
    char platform[LABEL_MAX];
    struct server servers[DEMO_TARGETS_MAX];
    size_t servers_len;
    int epoll_fd, wake_fd;
    pthread_t thread;

    pthread_mutex_t lock; /* for `wish` and `stop` */
    struct demo_behaviour wish;
    bool stop;
    _Atomic uint64_t answered; /* written by the group's thread, relaxed: a count for people */

    /* The group's thread alone. */
    struct demo_behaviour behaviour;
    bool is_down;
    int64_t free_ns; /* end of the queue that forms above the capacity */
    struct rnd rnd;
    struct conn *conns[CONNECTIONS_MAX];
    size_t conns_len;
};

/* ---- how long and how well ---- */

int64_t demo_answer_ns(const struct demo_behaviour *behaviour, double z)
{
    return (int64_t)((double)behaviour->median_ns * exp(behaviour->sigma * z)) + behaviour->extra_ns;
}

int64_t demo_queue_wait(const struct demo_behaviour *behaviour, int64_t now_ns, int64_t *free_ns)
{
    int64_t start = *free_ns > now_ns ? *free_ns : now_ns;

    if (behaviour->capacity <= 0)
        return 0;
    if (start - now_ns > behaviour->patience_ns)
        return -1;
    *free_ns = start + (int64_t)((double)NS_PER_S / behaviour->capacity);
    return start - now_ns;
}

/* Box and Muller 1958. */
static double normal(struct rnd *rnd)
{
    double u = 1 - rnd_double(rnd), v = rnd_double(rnd);

    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

/* ---- an answer ---- */

static struct str header_value(const struct head *head, struct str name)
{
    const struct field *field = head_find_name(head, name, 0);
    struct str value = field ? field->value : STR_NULL;

    if (value.len > LABEL_MAX)
        value.len = LABEL_MAX;
    return value;
}

static void write_json_member(struct buf *buf, const char *key, struct str value)
{
    buf_printf(buf, "%s\"%s\":\"", buf->len ? "," : "{", key);
    buf_json(buf, value);
    buf_lit(buf, "\"");
}

/* The answer is made when the request is there: its head is gone when the answer is due. */
static void compose(struct demo_group *group, struct conn *conn, const struct head *head, unsigned status)
{
    struct str reason = status == 200   ? STR("OK")
                        : status == 500 ? STR("Internal Server Error")
                                        : STR("Service Unavailable");
    char block[ANSWER_MAX / 2];
    struct buf content, answer;

    buf_init(&content, block, sizeof block);
    write_json_member(&content, "platform", str_from(group->platform));
    write_json_member(&content, "target", str_from(conn->server->address));
    write_json_member(&content, "label", header_value(head, STR("x-platform")));
    write_json_member(&content, "user", header_value(head, STR("x-demo-user")));
    buf_lit(&content, "}\n");
    buf_init(&answer, conn->answer, sizeof conn->answer);
    h1_write_status_line(&answer, status, reason);
    h1_write_field(&answer, STR("Content-Type"), STR("application/json"));
    h1_write_number(&answer, STR("Content-Length"), content.len);
    if (!conn->keep_alive)
        h1_write_field(&answer, STR("Connection"), STR("close"));
    h1_write_end(&answer);
    if (!conn->head_only)
        buf_str_add(&answer, buf_str(&content));
    BUG_ON(content.full || answer.full);
    conn->answer_len = answer.len;
}

static void plan_answer(struct demo_group *group, struct conn *conn, const struct head *head, int64_t now_ns)
{
    const struct demo_behaviour *behaviour = &group->behaviour;
    int64_t wait = demo_queue_wait(behaviour, now_ns, &group->free_ns);
    unsigned status = 200;

    if (wait < 0)
        status = 503;
    else if (rnd_double(&group->rnd) < behaviour->errors)
        status = 500;
    conn->due_ns = wait < 0 ? now_ns : now_ns + wait + demo_answer_ns(behaviour, normal(&group->rnd));
    compose(group, conn, head, status);
}

/* ---- a connection ---- */

static void conn_close(struct conn *conn)
{
    close(conn->fd);
    conn->fd = -1;
}

/* An answer is far smaller than the buffer of a socket whose last answer was taken, so it goes out whole; a
 * peer that takes nothing is cut. */
static void conn_write(struct conn *conn, const char *bytes, size_t len)
{
    if (send(conn->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
        conn_close(conn);
}

static void conn_consume(struct conn *conn, size_t len)
{
    conn->in_len -= len;
    memmove(conn->in, conn->in + len, conn->in_len);
}

static void conn_next_request(struct conn *conn)
{
    conn->state = CONN_HEAD;
    h1_scan_init(&conn->scan);
}

static void read_head(struct demo_group *group, struct conn *conn, int64_t now_ns)
{
    struct field fields[HEAD_FIELDS_MAX];
    struct head head;

    switch (h1_scan(&conn->scan, &h1_request_limits, conn->in, conn->in_len)) {
    case H1_SCAN_MORE:
        return;
    case H1_SCAN_BAD:
        conn_close(conn);
        return;
    case H1_SCAN_DONE:
        break;
    }
    head_init(&head, fields, h1_request_limits.fields);
    if (h1_request_parse(&conn->scan, &h1_request_limits, conn->in, &head) != H1_OK) {
        conn_close(conn);
        return;
    }
    conn->keep_alive = head.keep_alive;
    conn->head_only = head.method == METHOD_HEAD;
    h1_body_init(&conn->body, head.framing, head.content_length, &h1_request_limits);
    plan_answer(group, conn, &head, now_ns);
    if (head.expect_continue)
        conn_write(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    conn_consume(conn, conn->scan.end);
    conn->state = CONN_BODY;
}

static void read_body(struct conn *conn)
{
    for (;;) {
        struct str data;
        size_t consumed;
        enum h1_body_event event = h1_body_feed(&conn->body, conn->in, conn->in_len, &data, &consumed);

        conn_consume(conn, consumed);
        switch (event) {
        case H1_BODY_DATA:
            continue;
        case H1_BODY_MORE:
            return;
        case H1_BODY_DONE:
            conn->state = CONN_WAIT;
            return;
        case H1_BODY_BAD:
            conn_close(conn);
            return;
        }
    }
}

/* As far as the bytes that are there go. */
static void conn_advance(struct demo_group *group, struct conn *conn, int64_t now_ns)
{
    if (conn->fd >= 0 && conn->state == CONN_HEAD)
        read_head(group, conn, now_ns);
    if (conn->fd >= 0 && conn->state == CONN_BODY)
        read_body(conn);
}

static void conn_readable(struct demo_group *group, struct conn *conn, int64_t now_ns)
{
    while (conn->fd >= 0) {
        ssize_t n = recv(conn->fd, conn->in + conn->in_len, sizeof conn->in - conn->in_len, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) { /* gone, or it sends without waiting for its answers */
            conn_close(conn);
            return;
        }
        conn->in_len += (size_t)n;
        conn_advance(group, conn, now_ns);
    }
}

static void conn_answer(struct demo_group *group, struct conn *conn, int64_t now_ns)
{
    conn_write(conn, conn->answer, conn->answer_len);
    if (conn->fd < 0)
        return;
    atomic_fetch_add_explicit(&group->answered, 1, memory_order_relaxed);
    if (!conn->keep_alive) {
        conn_close(conn);
        return;
    }
    conn_next_request(conn);
    conn_advance(group, conn, now_ns);
}

/* ---- listening ---- */

static int bound_socket(in_port_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool server_listen(struct demo_group *group, struct server *server)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = server};

    return listen(server->listen_fd, SOMAXCONN) == 0 &&
           epoll_ctl(group->epoll_fd, EPOLL_CTL_ADD, server->listen_fd, &event) == 0;
}

static bool server_open(struct demo_group *group, struct server *server)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    server->listen_fd = bound_socket(0);
    if (server->listen_fd < 0 || getsockname(server->listen_fd, (struct sockaddr *)&address, &len) != 0 ||
        !server_listen(group, server))
        return false;
    server->port = address.sin_port;
    snprintf(server->address, sizeof server->address, "127.0.0.1:%u", ntohs(address.sin_port));
    return true;
}

/* Accepts a connection; false when there is none. */
static bool accept_one(struct demo_group *group, struct server *server)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    struct conn *conn;

    if (fd < 0)
        return false;
    conn = event.data.ptr = mem_alloc(sizeof *conn);
    if (group->conns_len == CONNECTIONS_MAX || epoll_ctl(group->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        free(conn);
        close(fd);
        return true;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    conn->fd = fd;
    conn->server = server;
    conn->in_len = 0;
    conn_next_request(conn);
    group->conns[group->conns_len++] = conn;
    return true;
}

/* A group that is down keeps its ports, bound but not listening, so that they are still its own when it comes
 * back. */
static void go_down(struct demo_group *group)
{
    for (size_t i = 0; i < group->servers_len; i++) {
        close(group->servers[i].listen_fd);
        group->servers[i].listen_fd = bound_socket(group->servers[i].port);
    }
    for (size_t i = 0; i < group->conns_len; i++) {
        if (group->conns[i]->fd >= 0)
            conn_close(group->conns[i]);
    }
}

static void come_up(struct demo_group *group)
{
    group->free_ns = 0;
    for (size_t i = 0; i < group->servers_len; i++) {
        struct server *server = &group->servers[i];

        if (server->listen_fd < 0)
            server->listen_fd = bound_socket(server->port);
        if (server->listen_fd < 0 || !server_listen(group, server))
            log_error("demo: target %s cannot listen again: %s", server->address, strerror(errno));
    }
}

/* ---- the thread of a group ---- */

/* False when the group shall end. */
static bool take_wishes(struct demo_group *group)
{
    bool stop;

    pthread_mutex_lock(&group->lock);
    group->behaviour = group->wish;
    stop = group->stop;
    pthread_mutex_unlock(&group->lock);
    if (group->behaviour.down != group->is_down) {
        group->is_down = group->behaviour.down;
        if (group->is_down)
            go_down(group);
        else
            come_up(group);
    }
    return !stop;
}

static void answer_due(struct demo_group *group, int64_t now_ns)
{
    for (size_t i = 0; i < group->conns_len; i++) {
        struct conn *conn = group->conns[i];

        while (conn->fd >= 0 && conn->state == CONN_WAIT && conn->due_ns <= now_ns)
            conn_answer(group, conn, now_ns);
    }
}

/* Frees what was closed in this turn; gives the milliseconds until the next answer is due, -1 for none. */
static int sweep(struct demo_group *group, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    size_t kept = 0;

    for (size_t i = 0; i < group->conns_len; i++) {
        struct conn *conn = group->conns[i];

        if (conn->fd < 0) {
            free(conn);
            continue;
        }
        group->conns[kept++] = conn;
        if (conn->state == CONN_WAIT && conn->due_ns < next_ns)
            next_ns = conn->due_ns;
    }
    group->conns_len = kept;
    if (next_ns == INT64_MAX)
        return -1;
    return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static bool is_server(const struct demo_group *group, const void *p)
{
    return (const char *)p >= (const char *)group->servers &&
           (const char *)p < (const char *)(group->servers + DEMO_TARGETS_MAX);
}

static void *group_main(void *arg)
{
    struct demo_group *group = arg;
    struct epoll_event events[EVENTS_MAX];
    uint64_t pokes;
    int timeout_ms = -1;

    for (;;) {
        int n = epoll_wait(group->epoll_fd, events, EVENTS_MAX, timeout_ms);
        int64_t now_ns = clk_mono_ns();
        bool poked = false;

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                poked = read(group->wake_fd, &pokes, sizeof pokes) > 0;
            else if (is_server(group, events[i].data.ptr))
                while (accept_one(group, events[i].data.ptr))
                    ;
            else
                conn_readable(group, events[i].data.ptr, now_ns);
        }
        if (poked && !take_wishes(group))
            return NULL;
        answer_due(group, now_ns);
        timeout_ms = sweep(group, now_ns);
    }
}

/* ---- outside ---- */

static void group_close(struct demo_group *group)
{
    for (size_t i = 0; i < group->conns_len; i++) {
        if (group->conns[i]->fd >= 0)
            close(group->conns[i]->fd);
        free(group->conns[i]);
    }
    for (size_t i = 0; i < group->servers_len; i++) {
        if (group->servers[i].listen_fd >= 0)
            close(group->servers[i].listen_fd);
    }
    if (group->wake_fd >= 0)
        close(group->wake_fd);
    if (group->epoll_fd >= 0)
        close(group->epoll_fd);
    pthread_mutex_destroy(&group->lock);
    free(group);
}

static bool group_open(struct demo_group *group, size_t targets)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    group->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    group->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (group->epoll_fd < 0 || group->wake_fd < 0 ||
        epoll_ctl(group->epoll_fd, EPOLL_CTL_ADD, group->wake_fd, &event) != 0)
        return false;
    for (size_t i = 0; i < targets; i++) {
        group->servers_len++;
        if (!server_open(group, &group->servers[i]))
            return false;
    }
    return true;
}

static void poke(struct demo_group *group)
{
    uint64_t one = 1;

    if (write(group->wake_fd, &one, sizeof one) < 0)
        BUG_ON(errno != EAGAIN); /* its counter is full: it will wake anyway */
}

struct demo_group *demo_group_start(const char *platform, size_t targets,
                                    const struct demo_behaviour *behaviour, uint64_t seed,
                                    char why[static DEMO_WHY_MAX])
{
    struct demo_group *group = mem_zalloc(sizeof *group);
    int error;

    BUG_ON(targets > DEMO_TARGETS_MAX);
    snprintf(group->platform, sizeof group->platform, "%s", platform);
    group->behaviour = group->wish = *behaviour;
    rnd_seed(&group->rnd, seed);
    pthread_mutex_init(&group->lock, NULL);
    if (!group_open(group, targets)) {
        snprintf(why, DEMO_WHY_MAX, "cannot start the targets of %s: %s", platform, strerror(errno));
        group_close(group);
        return NULL;
    }
    error = pthread_create(&group->thread, NULL, group_main, group);
    if (error) {
        snprintf(why, DEMO_WHY_MAX, "cannot start the targets of %s: %s", platform, strerror(error));
        group_close(group);
        return NULL;
    }
    poke(group); /* it may have to begin down */
    return group;
}

void demo_group_behave(struct demo_group *group, const struct demo_behaviour *behaviour)
{
    pthread_mutex_lock(&group->lock);
    group->wish = *behaviour;
    pthread_mutex_unlock(&group->lock);
    poke(group);
}

void demo_group_free(struct demo_group *group)
{
    if (!group)
        return;
    pthread_mutex_lock(&group->lock);
    group->stop = true;
    pthread_mutex_unlock(&group->lock);
    poke(group);
    pthread_join(group->thread, NULL);
    group_close(group);
}

const char *demo_group_address(const struct demo_group *group, size_t target)
{
    BUG_ON(target >= group->servers_len);
    return group->servers[target].address;
}

uint64_t demo_group_answered(const struct demo_group *group)
{
    return atomic_load_explicit(&group->answered, memory_order_relaxed);
}
