#include "proxy/trunk.h"

#include "base/log.h"
#include "base/unit.h"
#include "net/tls.h"
#include "proxy/outbound.h"
#include "proxy/step.h"
#include "proxy/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SILENCE_S = 10, /* after which a trunk that owes an answer is asked for a sign of life */
    PONG_S = 5,     /* in which it has to give one */
    PING_S =
        300, /* between two of them without content in between: servers of gRPC count what is more as abuse */
    TURNS_MAX =
        8, /* rounds of telling and writing in one turn of the loop; what is left goes on in the next */
};

static struct worker_target *target_of(const struct trunk *trunk)
{
    return trunk->worker->targets[trunk->slot];
}

/* ---- lists ---- */

static void link_trunk(struct trunk *trunk)
{
    struct worker_target *target = target_of(trunk);

    trunk->next = target->trunks;
    if (trunk->next)
        trunk->next->prev = trunk;
    target->trunks = trunk;
}

static void unlink_trunk(struct trunk *trunk)
{
    if (trunk->prev)
        trunk->prev->next = trunk->next;
    else
        target_of(trunk)->trunks = trunk->next;
    if (trunk->next)
        trunk->next->prev = trunk->prev;
}

static void append(struct txn **first, struct txn **last, struct txn *txn)
{
    txn->seat.prev = *last;
    txn->seat.next = NULL;
    if (*last)
        (*last)->seat.next = txn;
    else
        *first = txn;
    *last = txn;
}

static void take_out(struct txn **first, struct txn **last, struct txn *txn)
{
    if (txn->seat.prev)
        txn->seat.prev->seat.next = txn->seat.next;
    else
        *first = txn->seat.next;
    if (txn->seat.next)
        txn->seat.next->seat.prev = txn->seat.prev;
    else
        *last = txn->seat.prev;
}

void trunk_touch(struct trunk *trunk)
{
    if (trunk->dirty)
        return;
    trunk->dirty = true;
    trunk->next_dirty = trunk->worker->trunks_dirty;
    trunk->worker->trunks_dirty = trunk;
}

void trunk_ready(struct txn *txn)
{
    struct trunk *trunk = txn->seat.trunk;

    if (txn->seat.is_ready || txn->seat.in_line)
        return;
    txn->seat.is_ready = true;
    append(&trunk->ready, &trunk->ready_end, txn);
    trunk_touch(trunk);
}

static void leave_ready(struct txn *txn)
{
    struct trunk *trunk = txn->seat.trunk;

    if (!txn->seat.is_ready)
        return;
    txn->seat.is_ready = false;
    take_out(&trunk->ready, &trunk->ready_end, txn);
}

static void leave_line(struct txn *txn)
{
    struct trunk *trunk = txn->seat.trunk;

    if (!txn->seat.in_line)
        return;
    txn->seat.in_line = false;
    take_out(&trunk->line, &trunk->line_end, txn);
    trunk->line_len--;
}

/* ---- seats ---- */

static bool has_seats(const struct trunk *trunk)
{
    return trunk->line || trunk->ready || (trunk->h2 && h2_live(trunk->h2) > 0);
}

void trunk_leave(struct txn *txn)
{
    struct trunk *trunk = txn->seat.trunk;

    leave_ready(txn);
    leave_line(txn);
    if (txn->seat.stream)
        h2_release(txn->seat.stream);
    spill_release(&txn->seat.spill, txn->worker);
    relay_release(&txn->seat.lines, &txn->worker->relay_memory);
    txn->seat = (struct trunk_seat){.trunk = NULL};
    trunk->idle_ns = txn->worker->now_ns;
    trunk_touch(trunk);
}

/* ---- the end ---- */

/* Says what is left to say, GOAWAY at the end, as far as the socket takes it at once. */
static void say_last(struct trunk *trunk)
{
    char last[H2_GATHER_MIN];
    size_t len = h2_gather(trunk->h2, last, sizeof last);
    struct iovec iov[] = {{trunk->out.p + trunk->out.off, trunk->out.len - trunk->out.off}, {last, len}};
    size_t skip = iov[0].iov_len ? 0 : 1;
    ssize_t n = conn_writev(&trunk->pc->conn, iov + skip, (int)(ARRAY_LEN(iov) - skip));

    log_debug("trunk %p: %zd bytes of the end were written", (void *)trunk, n);
}

/* No further request; those that it has hear of it. */
static void end(struct trunk *trunk, enum outcome outcome, const char *why)
{
    if (trunk->state == TRUNK_OVER)
        return;
    trunk->state = TRUNK_OVER;
    trunk->outcome = outcome;
    trunk->why = why;
    wheel_cancel(&trunk->worker->wheel, &trunk->timer);
    pool_drop(trunk->pc);
    trunk->pc = NULL;
    relay_release(&trunk->out, &trunk->worker->relay_memory);
    if (trunk->h2 && !h2_ended(trunk->h2))
        h2_end(trunk->h2, H2_SHUTDOWN);
    trunk_touch(trunk);
}

/* The same, and the target is told. */
static void end_politely(struct trunk *trunk, enum outcome outcome, const char *why)
{
    if (trunk->h2 && trunk->state != TRUNK_OVER) {
        if (!h2_ended(trunk->h2))
            h2_end(trunk->h2, H2_SHUTDOWN);
        say_last(trunk);
    }
    end(trunk, outcome, why);
}

/* What becomes of requests on a session that has ended for this reason. */
static enum outcome outcome_of(enum h2_error error)
{
    if (h2_error_is_peers(error))
        return OUTCOME_BAD_RESPONSE;
    return error == H2_MEMORY || error == H2_INTERNAL ? OUTCOME_OVERLOAD : OUTCOME_TARGET_RESET;
}

bool trunk_has_ended(const struct trunk *trunk, enum outcome *outcome_r, const char **why_r)
{
    enum h2_error error = trunk->h2 ? h2_ended(trunk->h2) : H2_OK;

    *outcome_r = trunk->state == TRUNK_OVER ? trunk->outcome : outcome_of(error);
    *why_r = trunk->state == TRUNK_OVER ? trunk->why : h2_error_text(error);
    return trunk->state == TRUNK_OVER || error;
}

static void warn_of(const struct trunk *trunk, enum h2_error error)
{
    static _Thread_local struct log_limit limit;
    uint64_t suppressed;

    if (log_limit_pass(&limit, trunk->worker->now_ns, &suppressed))
        log_warn("target %s: the HTTP/2 connection was ended: %s (%llu more since the last line)",
                 trunk->address, h2_error_text(error), (unsigned long long)suppressed);
}

/* The session has ended by itself. */
static void end_session(struct trunk *trunk)
{
    enum h2_error error = h2_ended(trunk->h2);

    warn_of(trunk, error);
    end_politely(trunk, outcome_of(error), h2_error_text(error));
}

static void free_trunk(struct trunk *trunk)
{
    unlink_trunk(trunk);
    h2_free(&trunk->h2);
    free(trunk);
}

/* ---- bytes ---- */

static void hear(struct trunk *trunk, size_t n)
{
    struct worker *worker = trunk->worker;

    trunk->heard_ns = worker->now_ns;
    trunk->owes_ns = 0;
    trunk->heard_since_ping |= n > 17; /* the length of an answer to PING */
    if (h2_feed(trunk->h2, worker->scratch, n, worker->now_ns))
        end_session(trunk);
}

static ssize_t receive(struct trunk *trunk)
{
    return conn_recv(&trunk->pc->conn, trunk->worker->scratch, sizeof trunk->worker->scratch);
}

/* The target has closed the connection and takes no more. What it has said before is still worth something:
 * answers, or by GOAWAY what it has not done. */
static void hear_the_rest(struct trunk *trunk)
{
    ssize_t n;

    while (trunk->state != TRUNK_OVER && (n = receive(trunk)) > 0)
        hear(trunk, (size_t)n);
    end(trunk, OUTCOME_TARGET_RESET, NULL);
}

/* One write of what is gathered. False when it has to wait, or the trunk is over. */
static bool write_out(struct trunk *trunk)
{
    struct iovec iov = {trunk->out.p + trunk->out.off, trunk->out.len - trunk->out.off};
    ssize_t n = conn_writev(&trunk->pc->conn, &iov, 1);

    if (n == CONN_FAILED) {
        hear_the_rest(trunk);
        return false;
    }
    if (n > 0)
        trunk->out.off += (uint32_t)n;
    if (trunk->out.off < trunk->out.len) {
        conn_write_wait(&trunk->pc->conn);
        return false;
    }
    if (!trunk->owes_ns && h2_live(trunk->h2) > 0)
        trunk->owes_ns = trunk->worker->now_ns;
    return true;
}

/* Gathers and writes until there is nothing, or the socket is full. */
static void send_all(struct trunk *trunk)
{
    if (trunk->out.off < trunk->out.len && !write_out(trunk))
        return;
    while (trunk->state != TRUNK_OVER && h2_has_output(trunk->h2)) {
        if (!worker_hold_buf(trunk->worker, &trunk->out)) {
            end_politely(trunk, OUTCOME_OVERLOAD, "the memory for requests is used up");
            return;
        }
        trunk->out.off = 0;
        trunk->out.len = (uint32_t)h2_gather(trunk->h2, trunk->out.p, trunk->out.cap);
        if (h2_ended(trunk->h2)) {
            end_session(trunk);
            return;
        }
        if (trunk->out.len == 0 || !write_out(trunk))
            break;
    }
    if (trunk->state != TRUNK_OVER && trunk->out.off == trunk->out.len) {
        conn_write_done(&trunk->pc->conn);
        relay_release(&trunk->out, &trunk->worker->relay_memory);
    }
}

static void on_readable(struct trunk *trunk)
{
    ssize_t n = receive(trunk);

    if (n == CONN_AGAIN)
        return;
    if (n <= 0) {
        end(trunk, n == CONN_FAILED ? OUTCOME_TARGET_RESET : OUTCOME_TARGET_CLOSED, NULL);
        return;
    }
    hear(trunk, (size_t)n);
    trunk_touch(trunk);
}

/* ---- connecting ---- */

/* Everybody in the line is on board. */
static void let_in(struct trunk *trunk)
{
    while (trunk->line) {
        struct txn *txn = trunk->line;

        leave_line(txn);
        trunk_ready(txn);
    }
}

/* The target has chosen HTTP/1.1: the first of the line gets this connection, and the others look for theirs.
 */
static void hand_over(struct trunk *trunk)
{
    struct pool_conn *pc = trunk->pc;
    struct txn *first = trunk->line;

    target_of(trunk)->speaks_http1 = true;
    trunk->pc = NULL;
    trunk->state = TRUNK_OVER;
    wheel_cancel(&trunk->worker->wheel, &trunk->timer);
    if (first) {
        trunk_leave(first);
        pc->conn.cb = outbound_on_conn;
        pc->user = first;
        first->back = pc;
        first->out = &outbound_h1;
    } else {
        pool_give(pc, trunk->worker->now_ns);
    }
    trunk_touch(trunk);
    if (first)
        txn_on_lease(first);
}

static void open_session(struct trunk *trunk)
{
    struct h2_config config = h2_client_config;

    config.budget = &trunk->worker->shared->memory;
    config.blocks = &trunk->worker->h2_blocks;
    trunk->h2 = h2_new(&config, &trunk_events, trunk, trunk->worker->now_ns);
    if (!trunk->h2) {
        end(trunk, OUTCOME_OVERLOAD, "the memory for connections is used up");
        return;
    }
    target_of(trunk)->speaks_http1 = false;
    trunk->state = TRUNK_GREETS;
    trunk->heard_ns = trunk->worker->now_ns;
    trunk->ping_ns = trunk->worker->now_ns - PING_S * NS_PER_S;
    trunk_touch(trunk);
}

void trunk_greeted(struct trunk *trunk)
{
    if (trunk->state != TRUNK_GREETS)
        return;
    trunk->state = TRUNK_OPEN;
    trunk->idle_ns = trunk->worker->now_ns;
    wheel_cancel(&trunk->worker->wheel, &trunk->timer);
    trunk_touch(trunk);
}

static void connected(struct trunk *trunk)
{
    struct conn *conn = &trunk->pc->conn;
    bool done = conn_connected(conn);
    const char *why = tls_why(conn);

    if (why)
        end(trunk, OUTCOME_TLS_TO_TARGET, why);
    else if (!done)
        end(trunk, outcome_of_connect(conn->error), NULL);
    else if (!trunk->tls || tls_speaks_http2(conn))
        open_session(trunk);
    else if (trunk->may_http1)
        hand_over(trunk);
    else
        end(trunk, OUTCOME_TLS_TO_TARGET, "the target does not speak HTTP/2 (ALPN h2)");
}

static void on_conn(struct conn *conn, unsigned ready)
{
    struct trunk *trunk = CONTAINER_OF(conn, struct pool_conn, conn)->user;

    worker_wake(trunk->worker);
    if (trunk->state == TRUNK_CONNECTS)
        connected(trunk);
    else if (ready & CONN_READABLE)
        on_readable(trunk);
    else
        trunk_touch(trunk);
}

const char *trunk_waits_for(const struct trunk *trunk)
{
    switch (trunk->state) {
    case TRUNK_CONNECTS:
        return NULL;
    case TRUNK_GREETS:
        return "the target has accepted the connection, and not said its SETTINGS (HTTP/2)";
    case TRUNK_OPEN:
        return "the target takes no requests for now (HTTP/2, SETTINGS_MAX_CONCURRENT_STREAMS 0)";
    case TRUNK_OVER: /* a moment ago, by a timer that is due with their own */
        return trunk->why;
    }
    BUG("state %d", (int)trunk->state);
}

static void on_connect_timeout(struct wheel_timer *timer, int64_t now_ns)
{
    struct trunk *trunk = CONTAINER_OF(timer, struct trunk, timer);

    trunk->worker->now_ns = now_ns;
    end(trunk, OUTCOME_CONNECT_TIMEOUT, trunk_waits_for(trunk));
}

/* A connection of its own for the transaction's target. */
static struct trunk *begin(struct txn *txn, int *error_r)
{
    const struct config_group *conf = txn->group->conf;
    struct worker *worker = txn->worker;
    struct pool *pool = &worker->targets[txn->target->conf->slot]->pool;
    struct trunk *trunk = mem_zalloc(sizeof *trunk);

    *trunk = (struct trunk){.worker = worker,
                            .address = {0},
                            .slot = txn->target->conf->slot,
                            .tls = conf->tls.context != NULL,
                            .may_http1 = conf->speaks == CONFIG_SPEAKS_AUTO};
    trunk->pc = pool_connect(pool, &txn->target->conf->address, conf->tls.context, on_conn, trunk, error_r);
    if (trunk->pc && trunk->tls && !tls_offer_http2(&trunk->pc->conn, trunk->may_http1)) {
        *error_r = ENOMEM;
        pool_drop(trunk->pc);
        trunk->pc = NULL;
    }
    if (!trunk->pc) {
        free(trunk);
        return NULL;
    }
    wheel_timer_init(&trunk->timer, on_connect_timeout);
    wheel_set(&worker->wheel, &trunk->timer, worker->now_ns + txn->route->conf->timeouts.connect_ns);
    cell_add(&shard_target(worker->shard, trunk->slot)->connects, 1);
    memcpy(trunk->address, txn->target->conf->address.text,
           strnlen(txn->target->conf->address.text, sizeof trunk->address - 1));
    link_trunk(trunk);
    return trunk;
}

/* ---- boarding ---- */

static bool has_room(const struct trunk *trunk)
{
    return trunk->state == TRUNK_OPEN && h2_room(trunk->h2) > 0;
}

/* A target that takes none for now would say the same on each further connection: all wait in the line of
 * this one, for as long as for a connection. */
static bool takes_one(const struct trunk *trunk)
{
    switch (trunk->state) {
    case TRUNK_CONNECTS:
    case TRUNK_GREETS:
        return trunk->line_len < TRUNK_LINE_MAX && !target_of(trunk)->speaks_http1;
    case TRUNK_OPEN:
        return h2_room(trunk->h2) > 0 || h2_is_shut(trunk->h2);
    case TRUNK_OVER:
        return false;
    }
    BUG("state %d", (int)trunk->state);
}

bool trunk_has_room(const struct worker *worker, uint32_t slot)
{
    for (const struct trunk *trunk = worker->targets[slot]->trunks; trunk; trunk = trunk->next)
        if (takes_one(trunk))
            return true;
    return false;
}

/* Open ones before those that connect; what was made under other settings of TLS carries nothing new. */
static struct trunk *find(const struct txn *txn)
{
    struct worker *worker = txn->worker;
    struct trunk *found = NULL;

    for (struct trunk *trunk = worker->targets[txn->target->conf->slot]->trunks; trunk; trunk = trunk->next) {
        if (!takes_one(trunk) || !tls_is(&trunk->pc->conn, txn->group->conf->tls.context))
            continue;
        if (!found || (!has_room(found) && has_room(trunk)))
            found = trunk;
    }
    return found;
}

bool trunk_board(struct txn *txn, int *error_r)
{
    struct pool *pool = &txn->worker->targets[txn->target->conf->slot]->pool;
    struct trunk *trunk = find(txn);

    *error_r = 0;
    if (!trunk) {
        if (pool->open >= txn->group->conf->max_connections && !pool_shed(pool))
            return false;
        trunk = begin(txn, error_r);
        if (!trunk)
            return false;
    }
    txn->seat = (struct trunk_seat){.trunk = trunk, .is_used = trunk->is_proven};
    if (!has_room(trunk)) {
        txn->seat.in_line = true;
        append(&trunk->line, &trunk->line_end, txn);
        trunk->line_len++;
    }
    return true;
}

/* ---- turns ---- */

/* Each of those that are ready, once. */
static void tell_ready(struct trunk *trunk)
{
    struct txn *last = trunk->ready_end;
    bool is_last = !last;

    while (!is_last && trunk->ready) {
        struct txn *txn = trunk->ready;

        is_last = txn == last;
        leave_ready(txn);
        outbound_h2_tell(txn);
    }
}

/* Whether waiting in its line has come to an end, one way or the other. */
static bool is_decided(const struct trunk *trunk)
{
    return trunk->state == TRUNK_OVER || (trunk->state == TRUNK_OPEN && !h2_is_shut(trunk->h2));
}

static void turn(struct trunk *trunk)
{
    if (is_decided(trunk))
        let_in(trunk);
    for (int i = 0; i < TURNS_MAX; i++) {
        tell_ready(trunk);
        if (trunk->h2 && trunk->state != TRUNK_OVER)
            send_all(trunk);
        if (!trunk->ready)
            return;
    }
    trunk_touch(trunk);
}

void trunks_turn(struct worker *worker)
{
    for (int i = 0; worker->trunks_dirty && i < TURNS_MAX; i++) {
        struct trunk *trunk = worker->trunks_dirty, *next;

        worker->trunks_dirty = NULL;
        for (; trunk; trunk = next) {
            next = trunk->next_dirty;
            trunk->dirty = false;
            turn(trunk);
            if (trunk->state == TRUNK_OVER && !trunk->dirty && !has_seats(trunk))
                free_trunk(trunk);
        }
    }
}

/* Whether it owes something, and has been silent for long since we said so. */
static bool is_silent(const struct trunk *trunk)
{
    return h2_live(trunk->h2) > 0 && trunk->owes_ns &&
           trunk->worker->now_ns - trunk->owes_ns >= SILENCE_S * NS_PER_S;
}

static void look_for_life(struct trunk *trunk)
{
    int64_t now_ns = trunk->worker->now_ns;

    if (trunk->pinging && trunk->heard_ns > trunk->ping_ns)
        trunk->pinging = false;
    if (trunk->pinging && now_ns - trunk->ping_ns >= PONG_S * NS_PER_S) {
        end(trunk, OUTCOME_TARGET_RESET, h2_error_text(H2_DEAD));
        return;
    }
    if (trunk->pinging || !is_silent(trunk) ||
        (!trunk->heard_since_ping && now_ns - trunk->ping_ns < PING_S * NS_PER_S))
        return;
    trunk->pinging = true;
    trunk->heard_since_ping = false;
    trunk->ping_ns = now_ns;
    h2_ping(trunk->h2);
    trunk_touch(trunk);
}

void trunks_sweep(struct worker *worker, uint32_t slot, int64_t idle_ns)
{
    struct trunk *next;

    for (struct trunk *trunk = worker->targets[slot]->trunks; trunk; trunk = next) {
        next = trunk->next;
        if (trunk->state != TRUNK_OPEN)
            continue;
        if (!has_seats(trunk) && (h2_is_draining(trunk->h2) || worker->now_ns - trunk->idle_ns >= idle_ns))
            end_politely(trunk, OUTCOME_TARGET_CLOSED, NULL);
        else
            look_for_life(trunk);
    }
}

void trunks_close(struct worker *worker)
{
    for (uint32_t slot = 0; slot < CONFIG_TARGETS_MAX; slot++)
        for (struct trunk *trunk = worker->targets[slot] ? worker->targets[slot]->trunks : NULL; trunk;
             trunk = trunk->next)
            end_politely(trunk, OUTCOME_SHUTDOWN, NULL);
    while (worker->trunks_dirty)
        trunks_turn(worker);
}
