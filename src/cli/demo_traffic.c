#include "cli/demo_traffic.h"

#include "base/clk.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "base/str.h"
#include "proto/h1.h"
#include "proto/h1_body.h"
#include "proto/h1_write.h"

#include <errno.h>
#include <math.h>
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
    CONNECTIONS_MAX = 512,
    IN_MAX = 70 * 1024, /* an answer's head within the usual limits */
    REQUEST_MAX = 512,
    EVENTS_MAX = 64,
    HOST_MAX = 64,
    BEHIND_MAX_MS = 1000, /* after a longer stall the arrivals that were missed are not made up for */
    LAST_ANSWERS_MS = 500,
};

enum conn_state {
    CONN_IDLE,   /* kept, nothing asked */
    CONN_ASKING, /* connected or connecting; the request has still to go out */
    CONN_HEAD,   /* the answer's head is awaited */
    CONN_BODY,   /* its content arrives, and is dropped */
    CONN_CLOSED, /* free for reuse */
};

struct conn {
    int fd;
    enum conn_state state;
    bool fresh; /* no answer came over it yet */
    bool retried;
    bool keep_alive;
    unsigned status;
    struct h1_scan scan;
    struct h1_body body;
    size_t request_len, in_len;
    char request[REQUEST_MAX];
    char in[IN_MAX];
};

struct demo_traffic {
    struct sockaddr_in to;
    char host[HOST_MAX];
    double rate;
    uint32_t users;
    int epoll_fd, wake_fd;
    pthread_t thread;
    /* Written by the traffic's thread alone, relaxed: counts for people. */
    _Atomic uint64_t sent, good, failed, broken, late;

    /* The traffic's thread alone. */
    struct rnd rnd;
    struct conn *conns[CONNECTIONS_MAX];
    size_t conns_len;
    int64_t next_ns; /* the next arrival */
    bool stopping;
};

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- who asks for what ---- */

/* Few users ask often, many seldom. */
static uint32_t draw_user(struct demo_traffic *traffic)
{
    double u = rnd_double(&traffic->rnd);

    return (uint32_t)((double)traffic->users * u * u);
}

static void write_request(struct demo_traffic *traffic, struct conn *conn)
{
    char path[32], user[16];
    struct buf buf;

    snprintf(path, sizeof path, "/items/%u", rnd_below(&traffic->rnd, 1000));
    snprintf(user, sizeof user, "u%05u", draw_user(traffic));
    buf_init(&buf, conn->request, sizeof conn->request);
    h1_write_request_line(&buf, STR("GET"), str_from(path), STR_NULL);
    h1_write_field(&buf, STR("Host"), str_from(traffic->host));
    h1_write_field(&buf, STR("User-Agent"), STR("penstock-demo"));
    h1_write_field(&buf, STR(DEMO_USER_HEADER), str_from(user));
    h1_write_end(&buf);
    BUG_ON(buf.full);
    conn->request_len = buf.len;
}

/* ---- a connection ---- */

static void conn_close(struct conn *conn)
{
    close(conn->fd);
    conn->fd = -1;
    conn->state = CONN_CLOSED;
}

static bool conn_connect(struct demo_traffic *traffic, struct conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = conn};
    int on = 1;

    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0)
        return false;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    conn->fresh = true;
    conn->in_len = 0;
    conn->state = CONN_ASKING;
    if ((connect(conn->fd, (const struct sockaddr *)&traffic->to, sizeof traffic->to) == 0 ||
         errno == EINPROGRESS) &&
        epoll_ctl(traffic->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) == 0)
        return true;
    conn_close(conn);
    return false;
}

/*
 * The connection is gone. As every client does: when it was a kept one, the server may have closed it while
 * the request was on its way, so the request is sent once more over a fresh one.
 */
static void conn_lost(struct demo_traffic *traffic, struct conn *conn)
{
    bool asked = conn->state != CONN_IDLE, again = conn->state != CONN_BODY && !conn->fresh && !conn->retried;

    conn_close(conn);
    if (!asked)
        return;
    if (again) {
        conn->retried = true;
        if (conn_connect(traffic, conn))
            return;
    }
    count(&traffic->broken);
}

static void conn_answered(struct demo_traffic *traffic, struct conn *conn)
{
    count(conn->status < 500 ? &traffic->good : &traffic->failed);
    conn->fresh = false;
    if (conn->keep_alive && conn->in_len == 0)
        conn->state = CONN_IDLE;
    else
        conn_close(conn);
}

static void conn_send(struct demo_traffic *traffic, struct conn *conn)
{
    ssize_t n = send(conn->fd, conn->request, conn->request_len, MSG_NOSIGNAL);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;                            /* still connecting */
    if (n != (ssize_t)conn->request_len) { /* a request fits a socket's empty buffer whole */
        conn_lost(traffic, conn);
        return;
    }
    h1_scan_init(&conn->scan);
    conn->state = CONN_HEAD;
}

static void conn_consume(struct conn *conn, size_t len)
{
    conn->in_len -= len;
    memmove(conn->in, conn->in + len, conn->in_len);
}

static void read_head(struct demo_traffic *traffic, struct conn *conn)
{
    struct field fields[HEAD_FIELDS_MAX];
    struct head head;

    switch (h1_scan(&conn->scan, &h1_response_limits, conn->in, conn->in_len)) {
    case H1_SCAN_MORE:
        return;
    case H1_SCAN_BAD:
        conn_lost(traffic, conn);
        return;
    case H1_SCAN_DONE:
        break;
    }
    head_init(&head, fields, h1_response_limits.fields);
    if (h1_response_parse(&conn->scan, conn->in, METHOD_GET, &head) != H1_OK) {
        conn_lost(traffic, conn);
        return;
    }
    conn->status = head.status;
    conn->keep_alive = head.keep_alive;
    h1_body_init(&conn->body, head.framing, head.content_length, &h1_response_limits);
    conn_consume(conn, conn->scan.end);
    if (head.status >= 200)
        conn->state = CONN_BODY;
    else
        h1_scan_init(&conn->scan); /* the final one follows */
}

static void read_body(struct demo_traffic *traffic, struct conn *conn)
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
            conn_answered(traffic, conn);
            return;
        case H1_BODY_BAD:
            conn_lost(traffic, conn);
            return;
        }
    }
}

static void conn_ended(struct demo_traffic *traffic, struct conn *conn)
{
    if (conn->state == CONN_BODY && h1_body_eof(&conn->body)) {
        conn->keep_alive = false;
        conn_answered(traffic, conn);
    } else {
        conn_lost(traffic, conn);
    }
}

static void conn_read(struct demo_traffic *traffic, struct conn *conn)
{
    while (conn->state != CONN_CLOSED && conn->state != CONN_ASKING) {
        ssize_t n = recv(conn->fd, conn->in + conn->in_len, sizeof conn->in - conn->in_len, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            conn_ended(traffic, conn);
            return;
        }
        conn->in_len += (size_t)n;
        if (conn->state == CONN_IDLE) { /* nobody asked: a last word before it closes */
            conn_close(conn);
            return;
        }
        if (conn->state == CONN_HEAD)
            read_head(traffic, conn);
        if (conn->state == CONN_BODY)
            read_body(traffic, conn);
    }
}

/* ---- arrivals ---- */

static struct conn *take_conn(struct demo_traffic *traffic)
{
    struct conn *closed = NULL;

    for (size_t i = traffic->conns_len; i-- > 0;) {
        if (traffic->conns[i]->state == CONN_IDLE)
            return traffic->conns[i];
        if (traffic->conns[i]->state == CONN_CLOSED)
            closed = traffic->conns[i];
    }
    if (closed || traffic->conns_len == CONNECTIONS_MAX)
        return closed;
    closed = mem_alloc(sizeof *closed);
    closed->fd = -1;
    closed->state = CONN_CLOSED;
    traffic->conns[traffic->conns_len++] = closed;
    return closed;
}

static void arrive(struct demo_traffic *traffic)
{
    struct conn *conn = take_conn(traffic);

    if (!conn) {
        count(&traffic->late);
        return;
    }
    count(&traffic->sent);
    write_request(traffic, conn);
    conn->retried = false;
    if (conn->state == CONN_IDLE)
        conn->state = CONN_ASKING;
    else if (!conn_connect(traffic, conn)) {
        count(&traffic->broken);
        return;
    }
    conn_send(traffic, conn);
}

/* Makes what is due; gives the milliseconds until the next. */
static int arrivals(struct demo_traffic *traffic, int64_t now_ns)
{
    if (now_ns - traffic->next_ns > BEHIND_MAX_MS * NS_PER_MS)
        traffic->next_ns = now_ns;
    while (traffic->next_ns <= now_ns) {
        arrive(traffic);
        traffic->next_ns += (int64_t)(-log(1 - rnd_double(&traffic->rnd)) / traffic->rate * (double)NS_PER_S);
    }
    return (int)((traffic->next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static bool is_busy(const struct demo_traffic *traffic)
{
    for (size_t i = 0; i < traffic->conns_len; i++) {
        if (traffic->conns[i]->state != CONN_IDLE && traffic->conns[i]->state != CONN_CLOSED)
            return true;
    }
    return false;
}

/* epoll names each socket at most once a turn, so a connection that is closed, or opened again over a new
 * socket, while its event is handled meets no event of the old one. */
static void serve_events(struct demo_traffic *traffic, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(traffic->epoll_fd, events, EVENTS_MAX, timeout_ms);

    for (int i = 0; i < n; i++) {
        struct conn *conn = events[i].data.ptr;

        if (!conn) {
            traffic->stopping = true;
            continue;
        }
        if (conn->state == CONN_ASKING)
            conn_send(traffic, conn);
        conn_read(traffic, conn);
    }
}

static void *traffic_main(void *arg)
{
    struct demo_traffic *traffic = arg;
    int64_t end_ns;

    traffic->next_ns = clk_mono_ns();
    while (!traffic->stopping)
        serve_events(traffic, arrivals(traffic, clk_mono_ns()));
    epoll_ctl(traffic->epoll_fd, EPOLL_CTL_DEL, traffic->wake_fd, NULL);
    end_ns = clk_mono_ns() + LAST_ANSWERS_MS * NS_PER_MS;
    while (is_busy(traffic) && clk_mono_ns() < end_ns)
        serve_events(traffic, LAST_ANSWERS_MS / 10);
    return NULL;
}

/* ---- outside ---- */

static void traffic_close(struct demo_traffic *traffic)
{
    for (size_t i = 0; i < traffic->conns_len; i++) {
        if (traffic->conns[i]->fd >= 0)
            close(traffic->conns[i]->fd);
        free(traffic->conns[i]);
    }
    if (traffic->wake_fd >= 0)
        close(traffic->wake_fd);
    if (traffic->epoll_fd >= 0)
        close(traffic->epoll_fd);
    free(traffic);
}

static int traffic_open(struct demo_traffic *traffic)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    traffic->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    traffic->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (traffic->epoll_fd < 0 || traffic->wake_fd < 0 ||
        epoll_ctl(traffic->epoll_fd, EPOLL_CTL_ADD, traffic->wake_fd, &event) != 0)
        return errno;
    return pthread_create(&traffic->thread, NULL, traffic_main, traffic);
}

struct demo_traffic *demo_traffic_start(const struct demo_traffic_options *options,
                                        char why[static TRAFFIC_WHY_MAX])
{
    struct demo_traffic *traffic = mem_zalloc(sizeof *traffic);
    int error;

    traffic->to = options->to;
    snprintf(traffic->host, sizeof traffic->host, "%s", options->host);
    traffic->rate = options->rate;
    traffic->users = options->users;
    rnd_seed(&traffic->rnd, options->seed);
    error = traffic_open(traffic);
    if (error) {
        snprintf(why, TRAFFIC_WHY_MAX, "cannot start the clients: %s", strerror(error));
        traffic_close(traffic);
        return NULL;
    }
    return traffic;
}

void demo_traffic_free(struct demo_traffic *traffic)
{
    uint64_t one = 1;

    if (!traffic)
        return;
    if (write(traffic->wake_fd, &one, sizeof one) < 0)
        BUG("eventfd: %s", strerror(errno));
    pthread_join(traffic->thread, NULL);
    traffic_close(traffic);
}

void demo_traffic_count(const struct demo_traffic *traffic, struct demo_traffic_counts *counts_r)
{
    counts_r->sent = atomic_load_explicit(&traffic->sent, memory_order_relaxed);
    counts_r->good = atomic_load_explicit(&traffic->good, memory_order_relaxed);
    counts_r->failed = atomic_load_explicit(&traffic->failed, memory_order_relaxed);
    counts_r->broken = atomic_load_explicit(&traffic->broken, memory_order_relaxed);
    counts_r->late = atomic_load_explicit(&traffic->late, memory_order_relaxed);
}
