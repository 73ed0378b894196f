#include "proxy/front.h"

#include "base/log.h"
#include "net/tls_server.h"
#include "proto/proxyline.h"
#include "proxy/mux.h"
#include "proxy/txn.h"
#include "proxy/worker.h"

#include <string.h>

enum {
    FRESH_MS = 1000, /* who connects while we end, or just before, has this long to send the first request */
    SERVED_A_TURN = 32, /* pipelined requests that are answered at once, before others have their turn */
};

static void serve(struct front *front);
static void on_readable(struct front *front);

static void enter(struct front_list *list, struct front *front)
{
    front->idle_prev = NULL;
    front->idle_next = list->newest;
    if (front->idle_next)
        front->idle_next->idle_prev = front;
    else
        list->oldest = front;
    list->newest = front;
    list->len++;
}

static void leave(struct front_list *list, struct front *front)
{
    if (front->idle_prev)
        front->idle_prev->idle_next = front->idle_next;
    else
        list->newest = front->idle_next;
    if (front->idle_next)
        front->idle_next->idle_prev = front->idle_prev;
    else
        list->oldest = front->idle_prev;
    list->len--;
}

/* The list of those in this state; NULL for states that have none. */
static struct front_list *list_of(struct worker *worker, enum front_state state)
{
    if (state == FRONT_IDLE || state == FRONT_REST)
        return &worker->idle;
    return state == FRONT_SHAKES ? &worker->shaking : NULL;
}

static void set_state(struct front *front, enum front_state state)
{
    BUG_ON(front->state == FRONT_CLOSED);
    if (list_of(front->worker, front->state))
        leave(list_of(front->worker, front->state), front);
    front->state = state;
    if (list_of(front->worker, state))
        enter(list_of(front->worker, state), front);
}

/* ---- the end ---- */

static void unlink_front(struct front *front)
{
    if (front->prev)
        front->prev->next = front->next;
    else
        front->worker->fronts = front->next;
    if (front->next)
        front->next->prev = front->prev;
}

static void destroy(struct front *front)
{
    struct worker *worker = front->worker;

    set_state(front, FRONT_CLOSED);
    inbound_deadline(front->worker, &front->in, 0);
    relay_release(&front->in.buf, &worker->relay_memory);
    unlink_front(front);
    if (front->counted)
        crowd_leave(&worker->shared->crowd.connections, front->place);
    atomic_fetch_sub_explicit(&worker->shared->connections, 1, memory_order_relaxed);
    cell_sub(&worker->shard->connections, 1);
    front->next = worker->dead_fronts; /* callers up the stack may still look at its state */
    worker->dead_fronts = front;
}

void front_close(struct front *front)
{
    if (front->in.txn)
        txn_abandon(front->in.txn, OUTCOME_CLIENT_GONE);
    if (front->is_mux && front->state != FRONT_LINGER)
        mux_close(front->mux);
    conn_close(&front->conn);
    destroy(front);
}

static struct front *front_of(struct inbound *in)
{
    return CONTAINER_OF(in, struct front, in);
}

static void cut(struct inbound *in)
{
    conn_abort(&front_of(in)->conn);
    destroy(front_of(in));
}

static void close_of(struct inbound *in)
{
    front_close(front_of(in));
}

/* Our side is closed; the client may still be sending, and a reset now could destroy the answer on its way to
 * it. */
void front_linger(struct front *front)
{
    if (front->is_mux)
        mux_close(front->mux);
    set_state(front, FRONT_LINGER);
    conn_shutdown(&front->conn);
    relay_release(&front->in.buf, &front->worker->relay_memory);
    conn_read_resume(&front->conn);
    inbound_deadline(front->worker, &front->in, front->worker->config->timeouts.linger_ns);
}

/* Closes at once when nothing more can come that a reset would answer. */
static void part(struct front *front)
{
    if ((front->in.last || front->in.ended) && front->in.buf.off == front->in.buf.len)
        front_close(front);
    else
        front_linger(front);
}

static void read_away(struct front *front)
{
    ssize_t n = conn_recv(&front->conn, front->worker->scratch, sizeof front->worker->scratch);

    if (n == 0 || n == CONN_FAILED)
        front_close(front);
}

/* There is no memory to look at what the client has to say. */
static void turn_away(struct front *front)
{
    static char refusal[] = FRONT_REFUSAL;
    struct iovec busy = {refusal, sizeof refusal - 1};

    cell_add(&front->worker->shard->starved, 1);
    if (front->state == FRONT_GREETS || conn_writev(&front->conn, &busy, 1) != (ssize_t)busy.iov_len)
        front_close(front);
    else
        front_linger(front);
}

void front_drain(struct front *front)
{
    front->in.closing = true;
    if (front->state == FRONT_REST || front->state == FRONT_MUX) {
        mux_drain(front->mux);
        return;
    }
    if (front->state != FRONT_IDLE && front->state != FRONT_GREETS && front->state != FRONT_SHAKES)
        return;
    if (!front->served)
        inbound_deadline(front->worker, &front->in, FRESH_MS * NS_PER_MS);
    else if (!conn_has_bytes(&front->conn))
        front_close(front);
}

bool front_rests(struct front *front, bool rests)
{
    enum front_state state = rests ? FRONT_REST : FRONT_MUX;

    if (front->state == state)
        return false;
    set_state(front, state);
    return true;
}

/* Its first request may be on its way. */
static bool is_fresh(const struct front *front)
{
    return !front->served && front->worker->now_ns - front->in.first_byte_ns < FRESH_MS * NS_PER_MS;
}

bool front_shed(struct worker *worker, bool spare_fresh)
{
    struct front *front = worker->idle.oldest;

    while (front && (conn_has_bytes(&front->conn) || (spare_fresh && is_fresh(front))))
        front = front->idle_prev;
    if (!front)
        return false;
    cell_add(&worker->shard->shed, 1);
    front_close(front);
    return true;
}

bool front_shed_handshake(struct worker *worker)
{
    struct front *front = worker->shaking.oldest;

    if (!front)
        return false;
    cell_add(&worker->shard->handshakes[TLS_END_SHED], 1);
    front_close(front);
    return true;
}

/* ---- requests ---- */

/* How long a connection may be idle: less and less as the room for new ones runs out. */
static int64_t idle_time(const struct worker *worker)
{
    int64_t keep_ns = worker->config->timeouts.keep_alive_ns, most = worker->config->limits.connections;
    int64_t open = atomic_load_explicit(&worker->shared->connections, memory_order_relaxed);
    int64_t tenths = 20 * (most - open) / most; /* from 10 at half of the limit to 0 at all of it */

    if (tenths >= 10)
        return keep_ns;
    return keep_ns / 10 * (tenths < 1 ? 1 : tenths);
}

static void become_idle(struct front *front)
{
    struct worker *worker = front->worker;

    relay_release(&front->in.buf, &worker->relay_memory);
    set_state(front, FRONT_IDLE);
    inbound_deadline(front->worker, &front->in, idle_time(worker));
}

static void begin_head(struct front *front)
{
    set_state(front, FRONT_HEAD);
    front->in.first_byte_ns = front->worker->now_ns;
    inbound_deadline(front->worker, &front->in, front->worker->config->timeouts.head_ns);
}

/* The answer is out: goes on with the next request, or closes. */
static void done(struct inbound *in)
{
    struct front *front = front_of(in);

    front->served = true;
    if (front->in.closing || (front->in.ended && front->in.buf.off == front->in.buf.len)) {
        part(front);
        return;
    }
    relay_restart(&front->in.buf);
    h1_scan_init(&front->in.scan);
    if (!front->in.ended)
        conn_read_resume(&front->conn);
    if (front->in.buf.len == 0) {
        become_idle(front);
        return;
    }
    begin_head(front);
    if (!front->serving) /* else serve() goes on with what was pipelined */
        serve(front);
}

/* The head is whole, or will never be: a transaction takes over. */
static void hand_over(struct front *front)
{
    set_state(front, FRONT_BUSY);
    inbound_deadline(front->worker, &front->in, 0);
    if (!txn_begin(front, &front->in))
        turn_away(front);
}

/* Whether this is the beginning of HTTP/2, from a client that knows that it is spoken here (RFC 9113
 * section 3.3). */
static bool is_preface(const struct front *front)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\n"; /* its rest is the session's */
    const struct config_listener *conf = &front->worker->config->listeners[front->listener];

    return !front->served && conf->h2c && !front->secure && front->in.buf.len >= sizeof preface - 1 &&
           memcmp(front->in.buf.p, preface, sizeof preface - 1) == 0;
}

/* HTTP/2 from here on; what has been read is its beginning. */
static void multiplex(struct front *front)
{
    struct relay_buf first = front->in.buf;

    front->in.buf = (struct relay_buf){0};
    if (!mux_begin(front, relay_rest(&first)))
        turn_away(front);
    relay_release(&first, &front->worker->relay_memory);
}

/* Hands what has arrived to transactions, one request after the other, until something has to be waited for.
 */
static void serve(struct front *front)
{
    const struct h1_limits *limits = &front->worker->config->limits.request;

    front->serving = true;
    for (int served = 0; front->state == FRONT_HEAD; served++) {
        if (served == SERVED_A_TURN || worker_must_bury(front->worker)) {
            worker_again(front->worker, front);
            break;
        }
        if (h1_scan(&front->in.scan, limits, front->in.buf.p, front->in.buf.len) != H1_SCAN_MORE) {
            if (!front->served && is_preface(front))
                multiplex(front);
            else
                hand_over(front);
        } else if (front->in.ended)
            front_close(front);
        else if (relay_room(&front->in.buf) > 0 || relay_grow(&front->in.buf, &front->worker->relay_memory))
            break;
        else
            turn_away(front);
    }
    front->serving = false;
}

void front_again(struct front *front)
{
    if (front->state == FRONT_HEAD)
        serve(front);
}

/* The client closes its side, or the connection broke. Whether it may wait for an answer, the transaction
 * knows; requests that wait for the next turn are served where it would say so of each. */
static void on_end(struct front *front, bool broken)
{
    bool waits = front->state == FRONT_HEAD && front->again && !broken &&
                 front->worker->config->half_closed == CONFIG_HALF_CLOSED_SERVE;

    if (!waits && !(front->in.txn && txn_on_client_end(front->in.txn, broken))) {
        front_close(front);
    } else if (front->state != FRONT_CLOSED) {
        front->in.ended = true;
        conn_read_pause(&front->conn);
    }
}

/* One read; CONN_AGAIN also where there is no room, and the transaction asks again when it has made some. */
static ssize_t receive(struct front *front)
{
    if (front->state == FRONT_BUSY && txn_takes_bulk(front->in.txn))
        return txn_read_bulk(front->in.txn);
    if (relay_room(&front->in.buf) > 0)
        return relay_recv(&front->in.buf, &front->conn);
    conn_read_pause(&front->conn);
    return CONN_AGAIN;
}

static void begin_request(struct front *front)
{
    if (front->state == FRONT_IDLE)
        begin_head(front);
    serve(front);
}

bool front_exempts(const struct config *config, const struct ip *ip)
{
    const struct config_limits *limits = &config->limits;

    return ip_is_loopback(ip) || ip_nets_have(limits->exempt, limits->exempt_len, ip);
}

/* Counts the connection for its address. False when that has too many: it is to be closed. */
static bool joins(struct front *front)
{
    uint32_t most = front->worker->config->limits.address_connections;

    if (front->exempt || front->trusted || most == 0)
        return true;
    front->counted = crowd_enter(&front->worker->shared->crowd.connections, front->place, most);
    if (!front->counted)
        cell_add(&front->worker->shard->crowding, 1);
    return front->counted;
}

static void set_peer_text(struct front *front, const char *text, size_t len)
{
    front->ip_len = (uint8_t)(len < sizeof front->ip ? len : sizeof front->ip);
    memcpy(front->ip, text, front->ip_len);
}

static void set_peer(struct front *front, const struct ip *ip, uint16_t port)
{
    char text[IP_TEXT_LEN];

    set_peer_text(front, text, ip_text(ip, text));
    front->port = port;
    front->exempt = front_exempts(front->worker->config, ip);
    if (!front->exempt)
        front->place = crowd_find(&front->worker->shared->crowd, ip);
    front->trusted = config_trusts(&front->worker->config->forwarded, ip, 1);
}

/* ---- TLS ---- */

static struct tls_server *tls_of(const struct front *front)
{
    return front->worker->config->listeners[front->listener].tls.server;
}

struct str front_hsts(const struct front *front)
{
    /* RFC 6797 section 7.2: never in clear text */
    return front->secure ? str_from(front->worker->config->listeners[front->listener].tls.hsts) : STR_NULL;
}

/* Each worker has its part of the handshakes that may be under way. */
static bool must_shed(const struct worker *worker)
{
    uint32_t most = worker->config->limits.handshakes / (uint32_t)worker->shared->workers;

    return worker->shaking.len > (most ? most : 1);
}

/* Begins the handshake; what has been read is its beginning. */
static void shake(struct front *front)
{
    struct worker *worker = front->worker;

    set_state(front, FRONT_SHAKES);
    inbound_deadline(front->worker, &front->in,
                     worker->draining ? FRESH_MS * NS_PER_MS : worker->config->timeouts.handshake_ns);
    if (must_shed(worker) && worker->shaking.oldest != front && !front_shed_handshake(worker))
        BUG("no handshake is older");
    if (!tls_server_begin(tls_of(front), &front->conn, relay_rest(&front->in.buf))) {
        front_close(front);
        return;
    }
    if (front->state == FRONT_SHAKES)
        relay_release(&front->in.buf, &worker->relay_memory);
}

/* The client gets our alert, or, when it has spoken HTTP to us, an answer that it understands. */
static void shaken_in_vain(struct front *front, enum tls_end end)
{
    static const char clear[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                "Content-Length: 63\r\nConnection: close\r\n\r\n"
                                "400 Bad Request\nthis port speaks HTTPS; write https:// instead\n";
    struct iovec answer = {(void *)(uintptr_t)clear, sizeof clear - 1};

    log_debug("a TLS handshake with %.*s failed: %s", STR_ARG(front_ip(front)), tls_end_name(end));
    if (end == TLS_END_CLOSED) {
        front_close(front);
        return;
    }
    conn_strip(&front->conn);
    if (end == TLS_END_CLEAR && conn_writev(&front->conn, &answer, 1) < 0)
        front_close(front);
    else
        front_linger(front);
}

static void shaken(struct front *front)
{
    enum tls_end end = tls_server_end(&front->conn);

    cell_add(&front->worker->shard->handshakes[end], 1);
    relay_release(&front->in.buf, &front->worker->relay_memory);
    if (end != TLS_END_FULL && end != TLS_END_RESUMED) {
        shaken_in_vain(front, end);
        return;
    }
    front->secure = true;
    conn_write_done(&front->conn);
    if (tls_server_protocol(&front->conn) == CONFIG_PROTOCOL_HTTP_2) {
        if (!mux_begin(front, STR_NULL))
            front_close(front);
        else if (conn_holds(&front->conn))
            mux_on_ready(front->mux, CONN_READABLE);
        return;
    }
    set_state(front, FRONT_IDLE);
    inbound_deadline(front->worker, &front->in,
                     front->worker->draining ? FRESH_MS * NS_PER_MS
                                             : front->worker->config->timeouts.head_ns);
    if (conn_holds(&front->conn)) /* the first request came with the end of the handshake */
        on_readable(front);
}

/* The PROXY header: which client the connection is from. The time for it and for the first head is one. */
static void greet(struct front *front)
{
    struct proxyline line;
    const char *why;

    switch (proxyline_parse(front->in.buf.p, front->in.buf.len, &line, &why)) {
    case PROXYLINE_MORE:
        return;
    case PROXYLINE_BAD:
        log_debug("a connection from %.*s is closed: %s", STR_ARG(front_ip(front)), why);
        cell_add(&front->worker->shard->unannounced, 1);
        front_close(front);
        return;
    case PROXYLINE_DONE:
        break;
    }
    if (line.known)
        set_peer(front, &line.source, line.source_port);
    if (!joins(front)) {
        front_close(front);
        return;
    }
    front->in.buf.keep = front->in.buf.off = (uint32_t)line.len;
    relay_restart(&front->in.buf);
    if (tls_of(front)) {
        shake(front);
        return;
    }
    set_state(front, FRONT_IDLE);
    if (front->in.buf.len)
        begin_request(front);
    else
        relay_release(&front->in.buf, &front->worker->relay_memory);
}

static void on_readable(struct front *front)
{
    ssize_t n;

    if (front->state == FRONT_LINGER) {
        read_away(front);
        return;
    }
    if (!worker_hold_buf(front->worker, &front->in.buf)) {
        turn_away(front);
        return;
    }
    n = receive(front);
    if (n == CONN_AGAIN)
        return;
    if (n <= 0) {
        on_end(front, n == CONN_FAILED);
        return;
    }
    if (front->state == FRONT_GREETS)
        greet(front);
    else if (front->state == FRONT_BUSY)
        txn_on_body(front->in.txn);
    else
        begin_request(front);
}

static void on_ready(struct conn *conn, unsigned ready)
{
    struct front *front = CONTAINER_OF(conn, struct front, conn);

    worker_wake(front->worker);
    if (front->state == FRONT_SHAKES)
        shaken(front);
    else if (front->state == FRONT_REST || front->state == FRONT_MUX)
        mux_on_ready(front->mux, ready);
    else if (ready & CONN_READABLE)
        on_readable(front);
    else if (front->in.txn)
        txn_on_client_writable(front->in.txn);
    else
        conn_write_done(conn);
}

static void on_timer(struct wheel_timer *timer, int64_t now_ns)
{
    struct front *front = CONTAINER_OF(timer, struct front, in.timer);

    front->worker->now_ns = now_ns;
    switch (front->state) {
    case FRONT_GREETS:
        cell_add(&front->worker->shard->unannounced, 1);
        front_close(front);
        return;
    case FRONT_SHAKES:
        cell_add(&front->worker->shard->handshakes[TLS_END_TIMEOUT], 1);
        front_close(front);
        return;
    case FRONT_IDLE:
    case FRONT_LINGER:
        front_close(front);
        return;
    case FRONT_HEAD:
        front->in.closing = true;
        if (h1_scan_begun(&front->in.scan, front->in.buf.len))
            hand_over(front);
        else
            front_close(front);
        return;
    case FRONT_BUSY:
        txn_on_client_timeout(front->in.txn);
        return;
    case FRONT_REST:
    case FRONT_MUX:
        mux_on_timer(front->mux);
        return;
    case FRONT_CLOSED:
        BUG("a closed front has a timer");
    }
}

/* ---- for the transaction ---- */

static enum h1_error read_head(struct inbound *in, struct head *head_r)
{
    return h1_request_parse(&in->scan, &in->txn->worker->config->limits.request, in->buf.p, head_r);
}

static void read_on(struct inbound *in, bool more)
{
    relay_rewind(&in->buf);
    if (more && !in->ended)
        conn_read_resume(&front_of(in)->conn);
}

static enum relay_result flush(struct inbound *in)
{
    return relay_flush(&in->txn->down, &front_of(in)->conn);
}

static uint64_t held(const struct inbound *in)
{
    return conn_held(&in->txn->front->conn);
}

static void shut(struct inbound *in)
{
    conn_shutdown(&front_of(in)->conn);
}

static const struct inbound_ops h1_ops = {
    .head = read_head,
    .read_on = read_on,
    .flush = flush,
    .held = held,
    .shutdown = shut,
    .done = done,
    .cut = cut,
    .close = close_of,
};

/* ---- the beginning ---- */

static void note_peer(struct front *front, const struct sockaddr *peer)
{
    char text[LISTEN_TEXT_LEN];
    struct ip ip;

    if (listen_addr_ip(peer, &ip)) {
        set_peer(front, &ip, listen_addr_port(peer));
        return;
    }
    listen_addr_text(peer, false, text);
    set_peer_text(front, text, strlen(text));
}

struct front *front_new(struct worker *worker, size_t listener, int fd, const struct sockaddr *peer)
{
    struct front *front = mem_pool_get(&worker->front_memory);
    const struct config_listener *conf = &worker->config->listeners[listener];

    if (!front)
        return NULL;
    *front =
        (struct front){.worker = worker,
                       .listener = (uint8_t)listener,
                       .state = conf->proxies_len ? FRONT_GREETS : FRONT_IDLE,
                       .exempt = true,
                       .in = {.ops = &h1_ops, .closing = worker->draining, .first_byte_ns = worker->now_ns}};
    note_peer(front, peer);
    if (front->state == FRONT_IDLE && !joins(front)) {
        mem_pool_put(&worker->front_memory, front);
        return NULL;
    }
    conn_init(&front->conn, worker->base, fd, on_ready);
    wheel_timer_init(&front->in.timer, on_timer);
    h1_scan_init(&front->in.scan);
    front->next = worker->fronts;
    if (front->next)
        front->next->prev = front;
    worker->fronts = front;
    if (front->state == FRONT_IDLE)
        enter(&worker->idle, front);
    /* a new connection is expected to speak */
    inbound_deadline(front->worker, &front->in,
                     worker->draining ? FRESH_MS * NS_PER_MS : worker->config->timeouts.head_ns);
    if (front->state == FRONT_IDLE && conf->tls.server)
        shake(front);
    return front;
}
