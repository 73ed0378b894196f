#include "proxy/txn.h"

#include "base/log.h"
#include "proto/h1_write.h"
#include "proxy/compose.h"
#include "proxy/cookie.h"
#include "proxy/front.h"
#include "proxy/record.h"
#include "proxy/worker.h"
#include "route/path.h"

#include <errno.h>

enum next {
    NEXT, /* go on with txn->step */
    WAIT, /* for an event */
    OVER, /* the transaction has ended */
};

enum {
    HOST_MAX = 255,
    LOOP_HOPS = 5,             /* as h2o: our own name this often in Via is a loop */
    BODY_ROOM_MIN = 10 * 1024, /* free behind a head: trailers must fit in one piece */
};

static void run(struct txn *txn);

static void set_step(struct txn *txn, enum txn_step step)
{
    static const char *const names[] = {"HEAD", "ROUTE", "LEASE",  "CONNECT",
                                        "SEND", "REPLY", "STREAM", "END"};

    BUG_ON(txn->step == TXN_END);
    log_debug("txn %p: %s -> %s", (void *)txn, names[txn->step], names[step]);
    txn->step = step;
}

static void target_deadline(struct txn *txn, int64_t ns)
{
    wheel_set(&txn->worker->wheel, &txn->timer, txn->worker->now_ns + ns);
}

static void no_target_deadline(struct txn *txn)
{
    wheel_cancel(&txn->worker->wheel, &txn->timer);
}

static const struct config_timeouts *timeouts(const struct txn *txn)
{
    return &txn->route->conf->timeouts;
}

/* ---- the end ---- */

/* Gives the connection back, or closes it when it cannot carry another request. Ends the try. */
static void release_back(struct txn *txn, bool keep)
{
    uint32_t slot;

    if (!txn->target)
        return;
    slot = txn->target->conf->slot;
    no_target_deadline(txn);
    relay_release(&txn->back_in, &txn->worker->relay_memory);
    if (txn->back && keep)
        pool_give(txn->back, txn->worker->now_ns);
    else if (txn->back)
        pool_drop(txn->back);
    txn->back = NULL;
    txn->worker->busy[slot]--;
    cell_sub(&shard_target(txn->worker->shard, slot)->busy, 1);
    txn->target = NULL;
}

/* Counts, scores and logs; the slices of the request are valid for the last time. */
static void finish(struct txn *txn, enum outcome outcome)
{
    struct worker *worker = txn->worker;
    bool keep = outcome == OUTCOME_SERVED && txn->back_keep && txn->body_sent && !txn->up_broken &&
                relay_drained(&txn->up) && txn->back_in.off == txn->back_in.len;

    txn->outcome = outcome;
    set_step(txn, TXN_END);
    record_txn(txn);
    release_back(txn, keep);
    worker_drop_routes(worker, txn->routes);
    txn->front->txn = NULL;
    txn->next_dead = worker->dead_txns;
    worker->dead_txns = txn;
}

void txn_abandon(struct txn *txn, enum outcome outcome)
{
    finish(txn, outcome);
}

/* The answer cannot be completed. */
static enum next cut(struct txn *txn, enum outcome outcome)
{
    struct front *front = txn->front;

    finish(txn, outcome);
    front_cut(front);
    return OVER;
}

static enum next served(struct txn *txn)
{
    struct front *front = txn->front;

    if (!h1_body_complete(&txn->body))
        front->closing = true; /* the rest of the body would be read as a request */
    finish(txn, txn->outcome);
    front_done(front);
    return OVER;
}

static enum next flush_down(struct txn *txn);

/* Ends with an answer of our own, or cuts the connection when some of another answer was sent already. */
static enum next answer(struct txn *txn, enum outcome outcome, unsigned status, const char *error)
{
    struct front *front = txn->front;

    txn->error = error ? error : txn->error;
    if (txn->status)
        return cut(txn, outcome);
    release_back(txn, false);
    txn->outcome = outcome;
    if (!h1_body_complete(&txn->body))
        front->closing = true;
    if (!compose_own(txn, status, front->closing))
        return cut(txn, outcome);
    txn->status = status;
    txn->reply_queued = true;
    set_step(txn, TXN_STREAM);
    return flush_down(txn);
}

static enum next fail(struct txn *txn, enum outcome outcome, const char *error)
{
    return answer(txn, outcome, outcome_row(outcome)->status, error);
}

/* Whether the row of this ending, and what was sent so far, allow another try. */
static bool may_retry(const struct txn *txn, enum outcome outcome)
{
    if (txn->attempts >= TXN_ATTEMPTS_MAX || txn->status || txn->worker->draining)
        return false;
    switch (outcome_row(outcome)->retry) {
    case RETRY_NEVER:
        return false;
    case RETRY_UNSENT:
        return true;
    case RETRY_IDEMPOTENT: /* the keep-alive race: the target closed a waiting connection as we took it
                              (http.md U8) */
        return txn->back && txn->back->uses > 0 && txn->back_in.len == 0 &&
               method_is_idempotent(txn->head.method) && txn->head.framing == FRAMING_NONE;
    }
    BUG("retry rule %d", (int)outcome_row(outcome)->retry);
}

/* The try has failed before the head of an answer was there. */
static enum next try_failed(struct txn *txn, enum outcome outcome, const char *error)
{
    bool again = may_retry(txn, outcome);

    cell_add(&shard_target(txn->worker->shard, txn->target->conf->slot)->failures, 1);
    txn->error = error;
    if (!again)
        return fail(txn, outcome, error);
    txn->avoid = outcome_row(outcome)->retry == RETRY_UNSENT ? txn->target : NULL;
    txn->fresh = true;
    release_back(txn, false);
    cell_add(&txn->cells->side[txn->pick.side].retries, 1);
    set_step(txn, TXN_LEASE);
    return NEXT;
}

/* ---- HEAD ---- */

/* How often our own name stands in Via. */
static unsigned own_hops(const struct txn *txn)
{
    struct str name = str_from(txn->worker->config->via_name);
    unsigned hops = 0;

    for (const struct field *f = head_find(&txn->head, FIELD_VIA); f; f = head_next(&txn->head, f)) {
        struct str rest = f->value, entry, word;

        while (str_split(&rest, ',', &entry)) {
            entry = str_trim(entry);
            if (str_split(&entry, ' ', &word) && entry.p && str_eq_nocase(str_trim(entry), name))
                hops++;
        }
    }
    return hops;
}

static enum next refuse_head(struct txn *txn, enum h1_error error)
{
    enum outcome outcome = error == H1_METHOD_REFUSED ? OUTCOME_METHOD_REFUSED : OUTCOME_BAD_REQUEST;

    txn->front->closing = true;
    if (!compose_ids(txn))
        return cut(txn, OUTCOME_HEAD_TOO_LARGE);
    return answer(txn, outcome, h1_error_status(error), h1_error_text(error));
}

/* Max-Forwards counts hops of OPTIONS only: TRACE is refused (RFC 9110 section 7.6.2). */
static bool hops_are_over(const struct txn *txn)
{
    struct str value = head_value(&txn->head, FIELD_MAX_FORWARDS);
    uint64_t hops;

    return txn->head.method == METHOD_OPTIONS && str_to_u64(value, &hops) && hops == 0;
}

static enum next step_head(struct txn *txn)
{
    struct front *front = txn->front;
    enum h1_error error = front->scan.error;

    h1_body_init(&txn->body, FRAMING_UNTIL_CLOSE, 0, &h1_request_limits); /* until the framing is known */
    head_init(&txn->head, txn->fields, txn->worker->config->limits.request_fields);
    if (!error && front->scan.end == 0) {
        if (!compose_ids(txn))
            return cut(txn, OUTCOME_HEAD_TOO_LARGE);
        return fail(txn, OUTCOME_HEAD_TIMEOUT, NULL);
    }
    if (!error && front->in.cap - front->scan.end < BODY_ROOM_MIN &&
        !relay_grow(&front->in, &txn->worker->relay_memory))
        return cut(txn, OUTCOME_OVERLOAD);
    if (!error)
        error = h1_request_parse(&front->scan, &h1_request_limits, front->in.p, &txn->head);
    if (error)
        return refuse_head(txn, error);
    front->in.keep = front->in.off = front->scan.end;
    h1_body_init(&txn->body, txn->head.framing, txn->head.content_length, &h1_request_limits);
    if (!txn->head.keep_alive || txn->worker->draining)
        front->closing = true;
    if (!compose_ids(txn))
        return cut(txn, OUTCOME_HEAD_TOO_LARGE);
    if (own_hops(txn) >= LOOP_HOPS)
        return fail(txn, OUTCOME_LOOP, NULL);
    if (hops_are_over(txn))
        return fail(txn, OUTCOME_HOPS_OVER, NULL);
    set_step(txn, TXN_ROUTE);
    return NEXT;
}

/* ---- ROUTE ---- */

/* Whether the path is in normal form already, as nearly all are: no escape, no empty or dot segment. */
static bool is_normal(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.p[i] == '%' ||
            (path.p[i] == '/' && i + 1 < path.len && (path.p[i + 1] == '/' || path.p[i + 1] == '.')))
            return false;
    return path.len > 0 && path.p[0] == '/';
}

static bool find_route(struct txn *txn)
{
    struct str host = txn->head.authority.host;
    char lower[HOST_MAX], *room;

    BUG_ON(host.len > HOST_MAX);
    for (size_t i = 0; i < host.len; i++)
        lower[i] = ascii_lower(host.p[i]);
    txn->path = txn->head.path;
    if (!is_normal(txn->path)) {
        room = arena_alloc(&txn->arena, txn->path.len + 1);
        if (!room)
            return false;
        txn->path = path_normalise(txn->head.path, room);
    }
    txn->route = pick_route(txn->routes, (struct str){lower, host.len}, txn->path);
    return txn->route != NULL;
}

/* What the client sticks by; for a cookie that is missing, a new one. */
static struct str affinity_unit(struct txn *txn)
{
    const struct config_route *conf = txn->route->conf;
    const struct field *field;
    struct str unit = STR_NULL;
    struct buf fresh;
    char *room;

    switch (conf->affinity) {
    case CONFIG_AFFINITY_NONE:
        return STR_NULL;
    case CONFIG_AFFINITY_HEADER:
        field = head_find_name(&txn->head, str_from(conf->affinity_name), 0);
        return field ? field->value : STR_NULL;
    case CONFIG_AFFINITY_CLIENT:
        return front_ip(txn->front);
    case CONFIG_AFFINITY_COOKIE:
        unit = cookie_value(&txn->head, str_from(conf->affinity_name));
        break;
    }
    if (unit.len || !(room = arena_alloc(&txn->arena, 32)))
        return unit;
    buf_init(&fresh, room, 32);
    buf_hex(&fresh, rnd_u64(&txn->worker->rnd), 16);
    buf_hex(&fresh, rnd_u64(&txn->worker->rnd), 16);
    txn->unit_is_new = true;
    return buf_str(&fresh);
}

static enum next step_route(struct txn *txn)
{
    struct worker *worker = txn->worker;
    uint32_t slot;

    if (!find_route(txn))
        return fail(txn, OUTCOME_NO_ROUTE, NULL);
    slot = txn->route->conf->slot;
    txn->cells = shard_route(worker->shard, slot);
    txn->affinity_unit = affinity_unit(txn);
    txn->pick = pick_side(txn->routes, txn->route, &worker->rnd, txn->affinity_unit);
    txn->group = txn->route->side[txn->pick.side];
    cell_add(&txn->cells->side[txn->pick.side].open, 1);
    if (txn->route->judging && txn->pick.assignment != ASSIGNMENT_ONLY)
        score_begin(&txn->score, &worker->scorer, txn->route, txn->cells,
                    atomic_load_explicit(&worker->shared->units[slot], memory_order_acquire), &txn->head,
                    front_ip(txn->front), txn->path, txn->pick.side, worker->now_ns);
    if (txn->head.has_length && txn->head.content_length > txn->route->conf->max_body)
        return fail(txn, OUTCOME_BODY_TOO_LARGE, NULL);
    set_step(txn, TXN_LEASE);
    return NEXT;
}

/* ---- LEASE, CONNECT ---- */

static void on_back(struct conn *conn, unsigned ready);

static enum next connect_failed(struct txn *txn, int error)
{
    if (error == ECONNREFUSED)
        return try_failed(txn, OUTCOME_CONNECT_REFUSED, NULL);
    if (error == ETIMEDOUT)
        return try_failed(txn, OUTCOME_CONNECT_TIMEOUT, NULL);
    return try_failed(txn, OUTCOME_CONNECT_FAILED, NULL);
}

static enum next step_lease(struct txn *txn)
{
    struct worker *worker = txn->worker;
    struct shard_target *cells;
    struct pool *pool;
    uint32_t slot;
    int error;

    txn->target = pick_target(txn->group, &worker->rnd, worker->busy, txn->avoid);
    if (!txn->target)
        return fail(txn, OUTCOME_NO_TARGET, NULL);
    slot = txn->target->conf->slot;
    cells = shard_target(worker->shard, slot);
    pool = &worker->targets[slot]->pool;
    txn->attempts++;
    worker->busy[slot]++;
    cell_add(&cells->requests, 1);
    cell_add(&cells->busy, 1);
    if (!txn->fresh && (txn->back = pool_take(pool, on_back, txn))) {
        txn->connect_ns = worker->now_ns;
        set_step(txn, TXN_SEND);
        return NEXT;
    }
    if (pool->open >= txn->group->conf->max_connections)
        return fail(txn, OUTCOME_OVERLOAD, "the connections to this target are used up");
    cell_add(&cells->connects, 1);
    txn->back = pool_connect(pool, &txn->target->conf->address, on_back, txn, &error);
    if (!txn->back)
        return connect_failed(txn, error);
    target_deadline(txn, timeouts(txn)->connect_ns);
    set_step(txn, TXN_CONNECT);
    return WAIT;
}

static enum next step_connect(struct txn *txn)
{
    if (!conn_connected(&txn->back->conn))
        return connect_failed(txn, txn->back->conn.error);
    txn->connect_ns = txn->worker->now_ns;
    set_step(txn, TXN_SEND);
    return NEXT;
}

/* ---- SEND: the request on its way up ---- */

/* Queues what is there of the body. OVER when the request turned out to be bad and the transaction has ended.
 */
static enum next fill_up(struct txn *txn)
{
    struct relay_buf *in = &txn->front->in;

    while (!txn->body_sent && relay_has_room(&txn->up)) {
        struct str rest = relay_rest(in), data;
        size_t consumed;
        enum h1_body_event event = h1_body_feed(&txn->body, rest.p, rest.len, &data, &consumed);

        in->off += (uint32_t)consumed;
        switch (event) {
        case H1_BODY_MORE:
            return WAIT;
        case H1_BODY_DATA:
            if (txn->body.received > txn->route->conf->max_body)
                return fail(txn, OUTCOME_BODY_TOO_LARGE, NULL);
            relay_add_body(&txn->up, data, txn->head.framing == FRAMING_CHUNKED);
            break;
        case H1_BODY_DONE:
            if (txn->head.framing == FRAMING_CHUNKED)
                relay_add_last_chunk(&txn->up);
            txn->body_sent = true;
            break;
        case H1_BODY_BAD:
            txn->front->closing = true;
            return answer(txn, OUTCOME_BAD_REQUEST, h1_error_status(txn->body.error),
                          h1_error_text(txn->body.error));
        }
    }
    return NEXT;
}

/* The queue to the target is empty: waits for the client's next bytes, or for the answer. */
static void up_drained(struct txn *txn)
{
    relay_rewind(&txn->front->in);
    if (!txn->body_sent) {
        front_want_body(txn->front);
        front_deadline(txn->front, timeouts(txn)->body_ns);
        if (txn->step == TXN_REPLY)
            no_target_deadline(txn); /* the client is the one who is waited for */
        return;
    }
    if (relay_drained(&txn->down))
        front_no_deadline(txn->front);
    if (txn->step == TXN_REPLY)
        target_deadline(txn, timeouts(txn)->first_byte_ns);
}

/* Moves the request as far as it goes. OVER when the transaction has ended. */
static enum next pump_up(struct txn *txn)
{
    enum next filled;

    do {
        if (txn->up_broken)
            return WAIT;
        filled = fill_up(txn);
        if (filled == OVER)
            return OVER;
        switch (relay_flush(&txn->up, &txn->back->conn)) {
        case RELAY_DRAINED:
            up_drained(txn);
            break;
        case RELAY_BLOCKED:
            target_deadline(txn, timeouts(txn)->body_ns);
            return WAIT;
        case RELAY_BROKEN: /* it may have answered before it closed: reading will tell */
            txn->up_broken = true;
            target_deadline(txn, timeouts(txn)->first_byte_ns);
            return WAIT;
        }
    } while (filled == NEXT && !txn->body_sent);
    return WAIT;
}

static enum next step_send(struct txn *txn)
{
    relay_queue_init(&txn->up);
    h1_scan_init(&txn->back_scan);
    if (!compose_request(txn))
        return fail(txn, OUTCOME_HEAD_TOO_LARGE, NULL);
    set_step(txn, TXN_REPLY);
    return pump_up(txn);
}

/* ---- REPLY: the head of the answer ---- */

static struct h1_limits response_limits(const struct txn *txn)
{
    struct h1_limits limits = h1_response_limits;

    limits.head = txn->worker->config->limits.response_head;
    limits.fields = txn->worker->config->limits.response_fields;
    return limits;
}

/* An interim answer is passed on, but not to HTTP/1.0 (RFC 9110 section 15.2); the final one follows. */
static enum next pass_interim(struct txn *txn, const struct head *head)
{
    bool fits = txn->down.len + (int)head->len + 3 <= RELAY_IOV_MAX;

    if (head->status == 101)
        return try_failed(txn, OUTCOME_BAD_RESPONSE, "the target switched protocols without being asked");
    if (txn->head.minor >= 1 && relay_drained(&txn->down) && fits) {
        if (!compose_interim(txn, head))
            return try_failed(txn, OUTCOME_BAD_RESPONSE, "too many interim answers");
        if (relay_flush(&txn->down, &txn->front->conn) == RELAY_BROKEN)
            return cut(txn, OUTCOME_CLIENT_GONE);
        if (!relay_drained(&txn->down)) {
            front_deadline(txn->front, txn->worker->config->timeouts.write_ns);
            return WAIT; /* its lines stay in back_in until they are sent */
        }
    }
    txn->back_in.off = txn->back_scan.end;
    relay_restart(&txn->back_in);
    h1_scan_init(&txn->back_scan);
    return NEXT;
}

/* The final head is there: how the body is sent on, and whether both connections live on. */
static enum next begin_answer(struct txn *txn, const struct head *head)
{
    struct front *front = txn->front;
    bool delimited = head->framing == FRAMING_NONE || head->framing == FRAMING_LENGTH;

    txn->target_status = head->status;
    txn->back_keep = head->keep_alive && head->framing != FRAMING_UNTIL_CLOSE;
    txn->reply_ns = txn->worker->now_ns;
    h1_body_init(&txn->reply_body, head->framing, head->content_length, &h1_response_limits);
    txn->chunked = !delimited && txn->head.minor >= 1;
    if ((!delimited && !txn->chunked) || !txn->body_sent || txn->worker->draining)
        front->closing = true;
    if (!compose_reply(txn, head, front->closing))
        return try_failed(txn, OUTCOME_BAD_RESPONSE, "the head of the answer is too large");
    txn->status = head->status;
    txn->back_in.keep = txn->back_in.off = txn->back_scan.end;
    set_step(txn, TXN_STREAM);
    return NEXT;
}

static enum next step_reply(struct txn *txn)
{
    struct h1_limits limits = response_limits(txn);
    struct field fields[TXN_RESPONSE_FIELDS_MAX];
    struct head head;
    enum h1_error error;

    if (!relay_drained(&txn->down))
        return WAIT; /* an interim answer is on its way */
    if (txn->back_in.len == 0)
        return WAIT;
    switch (h1_scan(&txn->back_scan, &limits, txn->back_in.p, txn->back_in.len)) {
    case H1_SCAN_MORE:
        if (relay_room(&txn->back_in) == 0 && !relay_grow(&txn->back_in, &txn->worker->relay_memory))
            return fail(txn, OUTCOME_OVERLOAD, NULL);
        return WAIT;
    case H1_SCAN_BAD:
        return try_failed(txn, OUTCOME_BAD_RESPONSE, h1_error_text(txn->back_scan.error));
    case H1_SCAN_DONE:
        break;
    }
    head_init(&head, fields, limits.fields);
    error = h1_response_parse(&txn->back_scan, txn->back_in.p, txn->head.method, &head);
    if (error)
        return try_failed(txn, OUTCOME_BAD_RESPONSE, h1_error_text(error));
    return head.status < 200 ? pass_interim(txn, &head) : begin_answer(txn, &head);
}

/* ---- STREAM: the body of the answer ---- */

/* Queues what is there of the body. OVER when the answer turned out to be broken. */
static enum next fill_down(struct txn *txn)
{
    while (!txn->reply_queued && relay_has_room(&txn->down)) {
        struct str rest = relay_rest(&txn->back_in), data;
        size_t consumed;
        enum h1_body_event event = h1_body_feed(&txn->reply_body, rest.p, rest.len, &data, &consumed);

        txn->back_in.off += (uint32_t)consumed;
        switch (event) {
        case H1_BODY_MORE:
            return WAIT;
        case H1_BODY_DATA:
            relay_add_body(&txn->down, data, txn->chunked);
            break;
        case H1_BODY_DONE:
            if (txn->chunked)
                relay_add_last_chunk(&txn->down);
            txn->reply_queued = true;
            break;
        case H1_BODY_BAD:
            txn->error = h1_error_text(txn->reply_body.error);
            return cut(txn, OUTCOME_TARGET_CUT);
        }
    }
    return NEXT;
}

/* The client has everything that was there: reads on at the target, with a larger buffer when the last one
 * was full. */
static void down_drained(struct txn *txn)
{
    bool was_full = relay_room(&txn->back_in) == 0;

    relay_rewind(&txn->back_in);
    if (was_full && txn->back_in.off == txn->back_in.len &&
        !relay_grow(&txn->back_in, &txn->worker->relay_memory))
        log_debug("no large buffer: the small one goes on");
    conn_read_resume(&txn->back->conn);
    target_deadline(txn, timeouts(txn)->body_ns);
    if (txn->body_sent)
        front_no_deadline(txn->front);
}

static enum next flush_down(struct txn *txn)
{
    switch (relay_flush(&txn->down, &txn->front->conn)) {
    case RELAY_DRAINED:
        if (txn->reply_queued)
            return served(txn);
        down_drained(txn);
        return NEXT;
    case RELAY_BLOCKED: /* the client is the one who is waited for */
        front_deadline(txn->front, txn->worker->config->timeouts.write_ns);
        no_target_deadline(txn);
        return WAIT;
    case RELAY_BROKEN:
        return cut(txn, OUTCOME_CLIENT_GONE);
    }
    BUG("flush");
}

static enum next step_stream(struct txn *txn)
{
    enum next filled, flushed;

    do {
        filled = fill_down(txn);
        if (filled == OVER)
            return OVER;
        flushed = flush_down(txn);
        if (flushed == OVER)
            return OVER;
    } while (flushed == NEXT && filled == NEXT);
    return WAIT;
}

/* ---- the driver ---- */

static enum next step(struct txn *txn)
{
    switch (txn->step) {
    case TXN_HEAD:
        return step_head(txn);
    case TXN_ROUTE:
        return step_route(txn);
    case TXN_LEASE:
        return step_lease(txn);
    case TXN_CONNECT:
        return step_connect(txn);
    case TXN_SEND:
        return step_send(txn);
    case TXN_REPLY:
        return step_reply(txn);
    case TXN_STREAM:
        return step_stream(txn);
    case TXN_END:
        return OVER;
    }
    BUG("step %d", (int)txn->step);
}

static void run(struct txn *txn)
{
    while (step(txn) == NEXT)
        ;
}

/* ---- events ---- */

static void target_ended(struct txn *txn, bool reset)
{
    if (txn->step == TXN_STREAM) {
        if (!reset && h1_body_eof(&txn->reply_body)) {
            txn->reply_body.state = H1_BODY_COMPLETE;
            txn->back_keep = false;
            conn_read_pause(&txn->back->conn);
            run(txn);
        } else {
            cut(txn, OUTCOME_TARGET_CUT);
        }
        return;
    }
    if (try_failed(txn, reset ? OUTCOME_TARGET_RESET : OUTCOME_TARGET_CLOSED, NULL) == NEXT)
        run(txn);
}

static void on_back_readable(struct txn *txn)
{
    ssize_t n;

    if (!relay_hold(&txn->back_in, &txn->worker->relay_memory)) {
        fail(txn, OUTCOME_OVERLOAD, NULL);
        return;
    }
    if (relay_room(&txn->back_in) == 0) { /* the client is slower than the target */
        conn_read_pause(&txn->back->conn);
        return;
    }
    n = relay_recv(&txn->back_in, &txn->back->conn);
    if (n == CONN_AGAIN)
        return;
    if (n > 0)
        run(txn);
    else
        target_ended(txn, n == CONN_FAILED);
}

static void on_back(struct conn *conn, unsigned ready)
{
    struct pool_conn *pc = CONTAINER_OF(conn, struct pool_conn, conn);
    struct txn *txn = pc->user;

    worker_wake(txn->worker);
    if (txn->step == TXN_CONNECT)
        run(txn);
    else if (ready & CONN_READABLE)
        on_back_readable(txn);
    else
        pump_up(txn);
}

static void on_target_timeout(struct wheel_timer *timer, int64_t now_ns)
{
    struct txn *txn = CONTAINER_OF(timer, struct txn, timer);
    enum next next;

    txn->worker->now_ns = now_ns;
    if (txn->step == TXN_CONNECT)
        next = try_failed(txn, OUTCOME_CONNECT_TIMEOUT, NULL);
    else if (txn->step == TXN_REPLY)
        next = try_failed(txn, relay_drained(&txn->up) ? OUTCOME_FIRST_BYTE_TIMEOUT : OUTCOME_TARGET_STALLED,
                          NULL);
    else
        next = cut(txn, OUTCOME_TARGET_STALLED);
    if (next == NEXT)
        run(txn);
}

void txn_on_body(struct txn *txn)
{
    if ((txn->step == TXN_REPLY || txn->step == TXN_STREAM) && txn->back && !txn->body_sent &&
        relay_drained(&txn->up))
        pump_up(txn);
}

void txn_on_client_writable(struct txn *txn)
{
    if (txn->step == TXN_STREAM) {
        run(txn);
        return;
    }
    switch (relay_flush(&txn->down, &txn->front->conn)) { /* an interim answer */
    case RELAY_DRAINED:
        if (txn->step != TXN_REPLY)
            return;
        front_no_deadline(txn->front);
        txn->back_in.off = txn->back_scan.end;
        relay_restart(&txn->back_in);
        h1_scan_init(&txn->back_scan);
        run(txn);
        return;
    case RELAY_BLOCKED:
        return;
    case RELAY_BROKEN:
        cut(txn, OUTCOME_CLIENT_GONE);
    }
}

void txn_on_client_timeout(struct txn *txn)
{
    if (!relay_drained(&txn->down))
        cut(txn, OUTCOME_CLIENT_STALLED);
    else
        fail(txn, OUTCOME_BODY_TIMEOUT, NULL);
}

bool txn_begin(struct front *front)
{
    struct worker *worker = front->worker;
    struct txn *txn = mem_pool_get(&worker->txn_memory);

    if (!txn)
        return false;
    memset(txn, 0, offsetof(struct txn, up));
    txn->worker = worker;
    txn->front = front;
    txn->outcome = OUTCOME_SERVED;
    txn->routes = worker_hold_routes(worker);
    txn->head_ns = worker->now_ns;
    relay_queue_init(&txn->up);
    relay_queue_init(&txn->down);
    arena_init(&txn->arena, txn->arena_block, sizeof txn->arena_block);
    wheel_timer_init(&txn->timer, on_target_timeout);
    front->txn = txn;
    run(txn);
    return true;
}
