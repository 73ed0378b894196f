#include "control/admin_conn.h"

#include "base/clk.h"
#include "base/mem.h"
#include "control/problem.h"
#include "net/listen.h"
#include "proto/h1.h"
#include "proto/h1_body.h"
#include "proto/h1_write.h"
#include "proto/status.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    IN_MAX = ADMIN_HEAD_MAX + (16 << 10), /* a head, and a piece of body behind it */
    ANSWER_HEAD_MAX = 2048,
    FIELDS_MAX = 64,
    LINGER_BYTES_MAX = 16 << 20,
    HEAD_S = 10, /* from the first byte */
    IDLE_S = 60,
    BODY_S = 30,
    WRITE_S = 30, /* without any progress */
    LINGER_S = 2,
};

static const struct h1_limits limits = {
    .start_line = 8 << 10,
    .head = ADMIN_HEAD_MAX,
    .fields = FIELDS_MAX,
    .trailer = 4 << 10,
    .trailer_fields = 16,
    .chunk_extension = 256,
    .chunk_extensions = 4 << 10,
    .chunk_overhead = 100 << 10,
    .blank_line = true,
};

enum state {
    HEAD,      /* waits for a whole head; idle without a byte of it */
    BODY,      /* the content comes in */
    HANDLING,  /* the handler has it; nothing is read */
    WRITING,   /* the answer goes out; nothing is read */
    STREAMING, /* an answer without end goes out; what comes in is only the end */
    LINGERING, /* everything is sent; what still comes in is thrown away, so that the client can read the
                  answer */
    DOOMED,    /* closed at the next turn of the loop */
};

struct admin_conn {
    struct admin_shared *shared;
    int fd;
    enum state state;
    struct event *read, *write, *timer;
    char remote[ADMIN_REMOTE_LEN];
    char server_host[ADMIN_REMOTE_LEN];
    bool local;
    bool close;   /* after the answer */
    bool streams; /* counts among the streams */
    int64_t idle_ns;

    char in[IN_MAX]; /* the head stays at the front until the answer */
    size_t in_len;
    struct h1_scan scan;
    struct head head;
    struct field fields[FIELDS_MAX];
    struct h1_body codec;
    struct text body;
    size_t lingered; /* bytes thrown away */

    struct text out;
    size_t sent;

    struct admin_request request;
    void (*gone)(void *arg); /* of a held request or a stream; NULL: nobody asked */
    void *gone_arg;
};

static void work(struct admin_conn *conn);

/* ---- states
 * -------------------------------------------------------------------------------------------------- */

static void set_timer(struct admin_conn *conn, int seconds)
{
    event_add(conn->timer, &(struct timeval){.tv_sec = seconds});
}

static void want(struct event *event, bool on)
{
    if (on)
        event_add(event, NULL);
    else
        event_del(event);
}

static void enter(struct admin_conn *conn, enum state state)
{
    conn->state = state;
    switch (state) {
    case HEAD:
        want(conn->read, true);
        set_timer(conn, conn->in_len ? HEAD_S : IDLE_S);
        break;
    case BODY:
        want(conn->read, true);
        set_timer(conn, BODY_S);
        break;
    case HANDLING:
        want(conn->read, false);
        event_del(conn->timer);
        break;
    case WRITING:
        want(conn->read, false);
        set_timer(conn, WRITE_S);
        break;
    case STREAMING:
        want(conn->read, true);
        event_del(conn->timer);
        break;
    case LINGERING:
        want(conn->write, false);
        want(conn->read, true);
        shutdown(conn->fd, SHUT_WR);
        set_timer(conn, LINGER_S);
        break;
    case DOOMED:
        want(conn->read, false);
        want(conn->write, false);
        event_active(conn->timer, EV_TIMEOUT, 0);
        break;
    }
}

int64_t admin_conn_idle_since(const struct admin_conn *conn)
{
    return conn->state == HEAD && conn->in_len == 0 ? conn->idle_ns : INT64_MAX;
}

/* ---- answers
 * ------------------------------------------------------------------------------------------------- */

/* Each answer: nothing of it is sniffed or used by others. */
static const char common_fields[] = "X-Content-Type-Options: nosniff\r\n"
                                    "Cross-Origin-Resource-Policy: same-origin\r\n"
                                    "Referrer-Policy: no-referrer\r\n";
/* And nothing of it is cached, framed or run, unless the answer says otherwise. */
static const char strict_policy[] = "Cache-Control: no-store\r\n"
                                    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";

static void answer_head(struct admin_conn *conn, const struct admin_answer *answer, size_t body_len,
                        bool endless)
{
    char block[ANSWER_HEAD_MAX], date[CLK_HTTP_LEN];
    struct buf head;

    buf_init(&head, block, sizeof block);
    clk_http_date(clk_wall_ns(), date);
    h1_write_status_line(&head, answer->status, status_reason(answer->status));
    h1_write_field(&head, STR("Date"), (struct str){date, sizeof date});
    if (answer->type)
        h1_write_field(&head, STR("Content-Type"), str_from(answer->type));
    if (!endless && answer->status != 304)
        h1_write_number(&head, STR("Content-Length"), body_len);
    if (conn->close)
        h1_write_field(&head, STR("Connection"), STR("close"));
    buf_lit(&head, common_fields);
    buf_str_add(&head, str_from(answer->policy ? answer->policy : strict_policy));
    buf_str_add(&head, str_from(answer->fields));
    h1_write_end(&head);
    BUG_ON(head.full);
    text_add(&conn->out, head.p, head.len);
}

static struct admin_conn *conn_of(struct admin_request *request)
{
    return CONTAINER_OF(request, struct admin_conn, request);
}

void admin_answer(struct admin_request *request, const struct admin_answer *answer)
{
    struct admin_conn *conn = conn_of(request);
    size_t len = answer->body ? answer->body->len : 0;
    bool head_only = conn->head.method == METHOD_HEAD;

    BUG_ON(conn->state != HANDLING);
    conn->gone = NULL;
    answer_head(conn, answer, len, false);
    if (len && !head_only)
        text_add(&conn->out, answer->body->p, len);
    if (answer->body)
        answer->body->len = 0;
    enter(conn, WRITING);
    want(conn->write, true);
}

/* Refuses what the codec or a limit does not take; the connection cannot go on. */
static void refuse(struct admin_conn *conn, unsigned status, const char *detail)
{
    struct text body;

    conn->close = true;
    enter(conn, HANDLING);
    text_init(&body, ANSWER_HEAD_MAX);
    problem_write(&body, status, detail, NULL);
    admin_answer(&conn->request,
                 &(struct admin_answer){.status = status, .type = PROBLEM_TYPE, .body = &body});
    text_fini(&body);
}

void admin_hold(struct admin_request *request, void (*gone)(void *arg), void *arg)
{
    struct admin_conn *conn = conn_of(request);

    BUG_ON(conn->state != HANDLING);
    conn->gone = gone;
    conn->gone_arg = arg;
}

/* ---- streams
 * ------------------------------------------------------------------------------------------------- */

/* A stream is its connection. */
static struct admin_conn *conn_of_stream(struct admin_stream *stream)
{
    return (struct admin_conn *)(void *)stream;
}

struct admin_stream *admin_stream_open(struct admin_request *request, const char *type,
                                       void (*gone)(void *arg), void *arg)
{
    struct admin_conn *conn = conn_of(request);

    if (conn->shared->streams >= ADMIN_STREAMS_MAX) {
        refuse(conn, 503, "too many streams are open: close another one");
        return NULL;
    }
    conn->shared->streams++;
    conn->streams = true;
    conn->close = true;
    conn->gone = gone;
    conn->gone_arg = arg;
    answer_head(conn, &(struct admin_answer){.status = 200, .type = type}, 0, true);
    enter(conn, STREAMING);
    want(conn->write, true);
    return (struct admin_stream *)(void *)conn;
}

bool admin_stream_waits(const struct admin_stream *stream)
{
    const struct admin_conn *conn = (const struct admin_conn *)(const void *)stream;

    return conn->out.len > conn->sent;
}

void admin_stream_send(struct admin_stream *stream, struct str bytes)
{
    struct admin_conn *conn = conn_of_stream(stream);
    size_t waiting = conn->out.len - conn->sent;

    if (conn->state != STREAMING)
        return;
    if (waiting > 0 && waiting + bytes.len > ADMIN_STREAM_MAX) {
        enter(conn, DOOMED);
        return;
    }
    text_add(&conn->out, bytes.p, bytes.len);
    want(conn->write, true);
    if (!event_pending(conn->timer, EV_TIMEOUT, NULL))
        set_timer(conn, WRITE_S);
}

/* ---- requests
 * ------------------------------------------------------------------------------------------------ */

static void handle(struct admin_conn *conn)
{
    conn->request = (struct admin_request){.head = &conn->head,
                                           .body = {conn->body.p, conn->body.len},
                                           .remote = conn->remote,
                                           .server_host = conn->server_host,
                                           .local = conn->local};
    enter(conn, HANDLING);
    conn->shared->handler(conn->shared->arg, &conn->request);
}

/* True when the head is complete and fine; false when more is needed, or it was refused. */
static bool take_head(struct admin_conn *conn)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    enum h1_error error;

    switch (h1_scan(&conn->scan, &limits, conn->in, conn->in_len)) {
    case H1_SCAN_MORE:
        return false;
    case H1_SCAN_BAD:
        refuse(conn, h1_error_status(conn->scan.error), h1_error_text(conn->scan.error));
        return false;
    case H1_SCAN_DONE:
        break;
    }
    head_init(&conn->head, conn->fields, FIELDS_MAX);
    error = h1_request_parse(&conn->scan, &limits, conn->in, &conn->head);
    if (error != H1_OK) {
        conn->head.method = METHOD_GET; /* of the answer: it has a body */
        refuse(conn, h1_error_status(error), h1_error_text(error));
        return false;
    }
    conn->close = !conn->head.keep_alive;
    if (conn->head.has_length && conn->head.content_length > ADMIN_BODY_MAX) {
        refuse(conn, 413, "a body may have 1 MiB at most");
        return false;
    }
    h1_body_init(&conn->codec, conn->head.framing, conn->head.content_length, &limits);
    if (conn->head.expect_continue && !h1_body_complete(&conn->codec)) {
        text_add(&conn->out, interim, sizeof interim - 1);
        want(conn->write, true);
    }
    return true;
}

/* Takes what has come of the content out of `in`; the head stays in front. True when it is complete. */
static bool take_body(struct admin_conn *conn)
{
    char *at = conn->in + conn->scan.end;
    size_t len = conn->in_len - conn->scan.end, used = 0, consumed = 0;
    enum h1_body_event event;
    struct str data;

    do {
        event = h1_body_feed(&conn->codec, at + used, len - used, &data, &consumed);
        if (event == H1_BODY_DATA)
            text_add(&conn->body, data.p, data.len);
        used += consumed;
    } while (event == H1_BODY_DATA && !conn->body.full);
    memmove(at, at + used, len - used);
    conn->in_len -= used;
    if (conn->body.full)
        refuse(conn, 413, "a body may have 1 MiB at most");
    else if (event == H1_BODY_BAD)
        refuse(conn, h1_error_status(conn->codec.error), h1_error_text(conn->codec.error));
    return event == H1_BODY_DONE && !conn->body.full;
}

/* As far as what has come in allows. */
static void work(struct admin_conn *conn)
{
    if (conn->state == HEAD && take_head(conn))
        enter(conn, BODY);
    if (conn->state == BODY && take_body(conn))
        handle(conn);
}

/* The answer is out: the next request may lie behind the head of this one. */
static void next_request(struct admin_conn *conn)
{
    size_t end = conn->scan.end;

    memmove(conn->in, conn->in + end, conn->in_len - end);
    conn->in_len -= end;
    h1_scan_init(&conn->scan);
    text_fini(&conn->body);
    text_fini(&conn->out);
    conn->sent = 0;
    conn->idle_ns = clk_mono_ns();
    enter(conn, HEAD);
    if (conn->in_len)
        work(conn);
}

/* ---- events
 * -------------------------------------------------------------------------------------------------- */

/* True when bytes came, false when there are none now. The end of the connection dooms it. */
static bool receive(struct admin_conn *conn)
{
    ssize_t n = read(conn->fd, conn->in + conn->in_len, IN_MAX - conn->in_len);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        enter(conn, DOOMED);
        return false;
    }
    if (conn->state == HEAD && conn->in_len == 0)
        set_timer(conn, HEAD_S);
    conn->in_len += (size_t)n;
    return true;
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    struct admin_conn *conn = arg;

    (void)fd, (void)what;
    if (conn->state == LINGERING || conn->state == STREAMING)
        conn->in_len = 0;
    if (!receive(conn))
        return;
    switch (conn->state) {
    case HEAD:
    case BODY:
        work(conn);
        break;
    case LINGERING:
        conn->lingered += conn->in_len;
        if (conn->lingered > LINGER_BYTES_MAX)
            enter(conn, DOOMED);
        break;
    case HANDLING:
    case WRITING:
    case STREAMING:
    case DOOMED:
        break;
    }
}

static void written(struct admin_conn *conn)
{
    want(conn->write, false);
    conn->out.len = conn->sent = 0;
    if (conn->state == STREAMING)
        event_del(conn->timer);
    else if (conn->state == WRITING && conn->close)
        enter(conn, LINGERING);
    else if (conn->state == WRITING)
        next_request(conn);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    struct admin_conn *conn = arg;
    ssize_t n = send(conn->fd, conn->out.p + conn->sent, conn->out.len - conn->sent, MSG_NOSIGNAL);

    (void)fd, (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        enter(conn, DOOMED);
        return;
    }
    conn->sent += (size_t)n;
    if (conn->sent == conn->out.len) {
        written(conn);
        return;
    }
    if (conn->state == STREAMING) {
        /* Only what waits is kept. */
        memmove(conn->out.p, conn->out.p + conn->sent, conn->out.len - conn->sent);
        conn->out.len -= conn->sent;
        conn->sent = 0;
    }
    set_timer(conn, WRITE_S);
}

/* Whatever it was waiting for did not come. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct admin_conn *conn = arg;

    (void)fd, (void)what;
    if (conn->state == BODY || (conn->state == HEAD && conn->in_len > 0)) {
        conn->head.method = METHOD_GET;
        refuse(conn, 408, "the request did not arrive in time");
        return;
    }
    conn->shared->closed(conn->shared, conn);
    admin_conn_free(conn);
}

/* ---- beginning and end
 * --------------------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *addr)
{
    switch (addr->sa_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(((const struct sockaddr_in *)(const void *)addr)->sin_addr.s_addr) >> 24 == 127;
    case AF_INET6: {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;

        return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
    }
    default:
        return false;
    }
}

static void addr_text(const struct sockaddr *addr, char out[static ADMIN_REMOTE_LEN])
{
    char text[LISTEN_TEXT_LEN];

    listen_addr_text(addr, false, text);
    snprintf(out, ADMIN_REMOTE_LEN, "%.63s", text);
}

struct admin_conn *admin_conn_new(struct admin_shared *shared, int fd, const struct sockaddr *peer,
                                  int64_t now_ns)
{
    struct admin_conn *conn = mem_zalloc(sizeof *conn);
    struct sockaddr_storage own;
    socklen_t own_len = sizeof own;

    conn->shared = shared;
    conn->fd = fd;
    conn->idle_ns = now_ns;
    conn->local = is_loopback(peer);
    if (peer->sa_family == AF_UNIX) {
        snprintf(conn->remote, sizeof conn->remote, "unix");
    } else {
        addr_text(peer, conn->remote);
        if (getsockname(fd, (struct sockaddr *)&own, &own_len) == 0)
            addr_text((const struct sockaddr *)&own, conn->server_host);
    }
    text_init(&conn->body, ADMIN_BODY_MAX + 1);
    text_init(&conn->out, ADMIN_ANSWER_MAX + ANSWER_HEAD_MAX);
    h1_scan_init(&conn->scan);
    conn->read = event_new(shared->base, fd, EV_READ | EV_PERSIST, on_read, conn);
    conn->write = event_new(shared->base, fd, EV_WRITE | EV_PERSIST, on_write, conn);
    conn->timer = event_new(shared->base, -1, 0, on_timer, conn);
    BUG_ON(!conn->read || !conn->write || !conn->timer);
    enter(conn, HEAD);
    return conn;
}

void admin_conn_free(struct admin_conn *conn)
{
    if (conn->gone)
        conn->gone(conn->gone_arg);
    conn->shared->streams -= conn->streams;
    event_free(conn->read);
    event_free(conn->write);
    event_free(conn->timer);
    close(conn->fd);
    text_fini(&conn->body);
    text_fini(&conn->out);
    free(conn);
}
