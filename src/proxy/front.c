#include "proxy/front.h"

#include "base/log.h"
#include "net/tls_server.h"
#include "proto/proxyline.h"
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
    if (state == FRONT_IDLE)
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

void front_deadline(struct front *front, int64_t ns)
{
    if (ns)
        wheel_set(&front->worker->wheel, &front->timer, front->worker->now_ns + ns);
    else
        front_no_deadline(front);
}

void front_no_deadline(struct front *front)
{
    wheel_cancel(&front->worker->wheel, &front->timer);
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
    front_no_deadline(front);
    relay_release(&front->in, &worker->relay_memory);
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
    if (front->txn)
        txn_abandon(front->txn, OUTCOME_CLIENT_GONE);
    conn_close(&front->conn);
    destroy(front);
}

void front_cut(struct front *front)
{
    conn_abort(&front->conn);
    destroy(front);
}

/* Our side is closed; the client may still be sending, and a reset now could destroy the answer on its way to
 * it. */
static void linger(struct front *front)
{
    set_state(front, FRONT_LINGER);
    conn_shutdown(&front->conn);
    relay_release(&front->in, &front->worker->relay_memory);
    conn_read_resume(&front->conn);
    front_deadline(front, front->worker->config->timeouts.linger_ns);
}

/* Closes at once when nothing more can come that a reset would answer. */
static void part(struct front *front)
{
    if ((front->last || front->ended) && front->in.off == front->in.len)
        front_close(front);
    else
        linger(front);
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
        linger(front);
}

void front_drain(struct front *front)
{
    front->closing = true;
    if (front->state != FRONT_IDLE && front->state != FRONT_GREETS && front->state != FRONT_SHAKES)
        return;
    if (front->requests == 0)
        front_deadline(front, FRESH_MS * NS_PER_MS);
    else if (!conn_has_bytes(&front->conn))
        front_close(front);
}

bool front_shed(struct worker *worker)
{
    struct front *front = worker->idle.oldest;

    while (front && conn_has_bytes(&front->conn))
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

    relay_release(&front->in, &worker->relay_memory);
    set_state(front, FRONT_IDLE);
    front_deadline(front, idle_time(worker));
}

static void begin_head(struct front *front)
{
    set_state(front, FRONT_HEAD);
    front->first_byte_ns = front->worker->now_ns;
    front_deadline(front, front->worker->config->timeouts.head_ns);
}

void front_done(struct front *front)
{
    front->txn = NULL;
    front->requests++;
    if (front->closing || (front->ended && front->in.off == front->in.len)) {
        part(front);
        return;
    }
    relay_restart(&front->in);
    h1_scan_init(&front->scan);
    if (!front->ended)
        conn_read_resume(&front->conn);
    if (front->in.len == 0) {
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
    front_no_deadline(front);
    if (!txn_begin(front))
        turn_away(front);
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
        if (h1_scan(&front->scan, limits, front->in.p, front->in.len) != H1_SCAN_MORE)
            hand_over(front);
        else if (front->ended)
            front_close(front);
        else if (relay_room(&front->in) > 0 || relay_grow(&front->in, &front->worker->relay_memory))
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

    if (!waits && !(front->txn && txn_on_client_end(front->txn, broken))) {
        front_close(front);
    } else if (front->state != FRONT_CLOSED) {
        front->ended = true;
        conn_read_pause(&front->conn);
    }
}

/* One read; CONN_AGAIN also where there is no room, and the transaction asks again when it has made some. */
static ssize_t receive(struct front *front)
{
    if (front->state == FRONT_BUSY && txn_takes_bulk(front->txn))
        return txn_read_bulk(front->txn);
    if (relay_room(&front->in) > 0)
        return relay_recv(&front->in, &front->conn);
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

    if (ip_is_loopback(ip))
        return true;
    for (size_t i = 0; i < limits->exempt_len; i++)
        if (ip_net_has(&limits->exempt[i], ip))
            return true;
    return false;
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
    front_deadline(front, worker->draining ? FRESH_MS * NS_PER_MS : worker->config->timeouts.handshake_ns);
    if (must_shed(worker) && worker->shaking.oldest != front && !front_shed_handshake(worker))
        BUG("no handshake is older");
    if (!tls_server_begin(tls_of(front), &front->conn, relay_rest(&front->in))) {
        front_close(front);
        return;
    }
    if (front->state == FRONT_SHAKES)
        relay_release(&front->in, &worker->relay_memory);
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
        linger(front);
}

static void shaken(struct front *front)
{
    enum tls_end end = tls_server_end(&front->conn);

    cell_add(&front->worker->shard->handshakes[end], 1);
    relay_release(&front->in, &front->worker->relay_memory);
    if (end != TLS_END_FULL && end != TLS_END_RESUMED) {
        shaken_in_vain(front, end);
        return;
    }
    front->secure = true;
    conn_write_done(&front->conn);
    set_state(front, FRONT_IDLE);
    front_deadline(front,
                   front->worker->draining ? FRESH_MS * NS_PER_MS : front->worker->config->timeouts.head_ns);
    if (conn_holds(&front->conn)) /* the first request came with the end of the handshake */
        on_readable(front);
}

/* The PROXY header: which client the connection is from. The time for it and for the first head is one. */
static void greet(struct front *front)
{
    struct proxyline line;
    const char *why;

    switch (proxyline_parse(front->in.p, front->in.len, &line, &why)) {
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
    front->in.keep = front->in.off = (uint32_t)line.len;
    relay_restart(&front->in);
    if (tls_of(front)) {
        shake(front);
        return;
    }
    set_state(front, FRONT_IDLE);
    if (front->in.len)
        begin_request(front);
    else
        relay_release(&front->in, &front->worker->relay_memory);
}

static void on_readable(struct front *front)
{
    ssize_t n;

    if (front->state == FRONT_LINGER) {
        read_away(front);
        return;
    }
    if (!worker_hold_buf(front->worker, &front->in)) {
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
        txn_on_body(front->txn);
    else
        begin_request(front);
}

static void on_ready(struct conn *conn, unsigned ready)
{
    struct front *front = CONTAINER_OF(conn, struct front, conn);

    worker_wake(front->worker);
    if (front->state == FRONT_SHAKES)
        shaken(front);
    else if (ready & CONN_READABLE)
        on_readable(front);
    else if (front->txn)
        txn_on_client_writable(front->txn);
    else
        conn_write_done(conn);
}

void front_want_body(struct front *front)
{
    if (!front->ended)
        conn_read_resume(&front->conn);
}

static void on_timer(struct wheel_timer *timer, int64_t now_ns)
{
    struct front *front = CONTAINER_OF(timer, struct front, timer);

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
        front->closing = true;
        if (h1_scan_begun(&front->scan, front->in.len))
            hand_over(front);
        else
            front_close(front);
        return;
    case FRONT_BUSY:
        txn_on_client_timeout(front->txn);
        return;
    case FRONT_CLOSED:
        BUG("a closed front has a timer");
    }
}

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
    *front = (struct front){.worker = worker,
                            .listener = (uint8_t)listener,
                            .state = conf->proxies_len ? FRONT_GREETS : FRONT_IDLE,
                            .exempt = true,
                            .closing = worker->draining};
    note_peer(front, peer);
    if (front->state == FRONT_IDLE && !joins(front)) {
        mem_pool_put(&worker->front_memory, front);
        return NULL;
    }
    conn_init(&front->conn, worker->base, fd, on_ready);
    wheel_timer_init(&front->timer, on_timer);
    h1_scan_init(&front->scan);
    front->next = worker->fronts;
    if (front->next)
        front->next->prev = front;
    worker->fronts = front;
    if (front->state == FRONT_IDLE)
        enter(&worker->idle, front);
    /* a new connection is expected to speak */
    front_deadline(front, worker->draining ? FRESH_MS * NS_PER_MS : worker->config->timeouts.head_ns);
    if (front->state == FRONT_IDLE && conf->tls.server)
        shake(front);
    return front;
}
