#include "proxy/txn.h"

#include "base/log.h"
#include "proxy/compose.h"
#include "proxy/eject.h"
#include "proxy/front.h"
#include "proxy/gate.h"
#include "proxy/mirror.h"
#include "proxy/outbound.h"
#include "proxy/place.h"
#include "proxy/record.h"
#include "proxy/retry.h"
#include "proxy/rules.h"
#include "proxy/step.h"
#include "proxy/tracing.h"
#include "proxy/worker.h"

void step_to(struct txn *txn, enum txn_step step)
{
    static const char *const names[] = {"HEAD", "ROUTE", "PLACE",  "LEASE",  "CONNECT",
                                        "SEND", "REPLY", "STREAM", "TUNNEL", "END"};

    BUG_ON(txn->step == TXN_END);
    log_debug("txn %p: %s -> %s", (void *)txn, names[txn->step], names[step]);
    txn->step = step;
}

/* ---- deadlines ---- */

/* Whether part of the request's body is missing and nothing else has to happen before the client sends it. */
static bool client_owes_body(const struct txn *txn)
{
    bool asks_first = txn->head.expect_continue && !txn->continued && txn->body.received == 0;

    return !txn->body_sent && !txn->up_broken && relay_drained(&txn->up) &&
           !(asks_first && txn->step == TXN_REPLY);
}

static const struct config_timeouts *timeouts_of(const struct txn *txn)
{
    return txn->route ? &txn->route->conf->timeouts : &txn->worker->config->route_timeouts;
}

/* Whether the target has not taken all that there is of the request. */
static bool target_owes_room(const struct txn *txn)
{
    return !relay_drained(&txn->up) && !txn->up_broken;
}

/* Whether the client has not taken all that there is of the answer; to a codec that is framed its end too may
 * be something that has to be taken. */
static bool client_owes_room(const struct txn *txn)
{
    return !relay_drained(&txn->down) || txn->reply_queued;
}

static bool is_targets_move(const struct txn *txn)
{
    if (txn->step == TXN_CONNECT)
        return true;
    if (client_owes_room(txn))
        return false;
    return txn->step == TXN_STREAM || target_owes_room(txn) || !client_owes_body(txn);
}

/* The target's time for its next move, 0 while it is not its move. */
static int64_t time_of_target(const struct txn *txn)
{
    const struct config_timeouts *timeouts = timeouts_of(txn);

    if (!is_targets_move(txn))
        return 0;
    if (txn->step == TXN_CONNECT)
        return timeouts->connect_ns;
    return txn->step == TXN_STREAM || target_owes_room(txn) ? timeouts->body_ns : timeouts->first_byte_ns;
}

int64_t step_time_left(const struct txn *txn)
{
    int64_t total_ns = timeouts_of(txn)->total_ns, left_ns;

    if (txn->grpc_timeout_ns && (!total_ns || txn->grpc_timeout_ns < total_ns))
        total_ns = txn->grpc_timeout_ns;
    if (!total_ns)
        return INT64_MAX;
    left_ns = txn->head_ns + total_ns - txn->worker->now_ns;
    return left_ns > 1 ? left_ns : 1;
}

/* The client's time for the next piece of its body, 0 while it is not its move. */
static int64_t time_for_body(struct txn *txn)
{
    bool waits = txn->out && txn->step != TXN_CONNECT && client_owes_body(txn);
    const struct config_timeouts *timeouts;

    if (!waits && !txn->body_pace.begun)
        return 0;
    timeouts = &txn->route->conf->timeouts;
    pace_in_note(&txn->body_pace, txn->body.received + txn->body.overhead, waits, timeouts->min_body_rate,
                 timeouts->grace_ns, timeouts->body_ns, txn->worker->now_ns);
    if (!waits)
        return 0;
    return pace_in_is_slow(&txn->body_pace) ? 1 : timeouts->body_ns;
}

static int64_t time_of_client(struct txn *txn)
{
    int64_t write_ns = timeouts_of(txn)->write_ns, body_ns = time_for_body(txn);

    if (!client_owes_room(txn)) {
        txn->write_pace.since_ns = 0;
        return body_ns;
    }
    return write_ns ? pace_out_wait(&txn->write_pace, write_ns, txn->worker->now_ns) : 0;
}

void step_deadlines(struct txn *txn)
{
    int64_t ns = txn->out ? time_of_target(txn) : 0, left_ns = txn->out ? step_time_left(txn) : INT64_MAX;

    if (left_ns < INT64_MAX && (ns == 0 || left_ns < ns))
        ns = left_ns;
    if (ns)
        wheel_set(&txn->worker->wheel, &txn->timer, txn->worker->now_ns + ns);
    else if (!txn->waiting) /* the time of which is one, however the client fares */
        wheel_cancel(&txn->worker->wheel, &txn->timer);
    inbound_deadline(txn->worker, txn->in, time_of_client(txn));
}

/* ---- endings ---- */

static void leave_place(struct txn *txn)
{
    if (!txn->held)
        return;
    txn->held = false;
    gate_leave(txn->worker, txn->worker->gates.by_slot[txn->group->conf->slot], txn->target->conf->slot);
}

/* Gives the connection back, or closes it when it cannot carry another request, and forgets what was composed
 * for this try. Ends the try, but for its place. */
static void end_try(struct txn *txn, bool keep)
{
    uint32_t slot;

    place_leave_line(txn);
    retry_over(txn);
    if (!txn->trying)
        return;
    txn->trying = false;
    slot = txn->target->conf->slot;
    wheel_cancel(&txn->worker->wheel, &txn->timer);
    relay_release(&txn->back_in, &txn->worker->relay_memory);
    bulk_release(&txn->worker->bulk_pipes, &txn->up);
    bulk_release(&txn->worker->bulk_pipes, &txn->down);
    if (txn->out)
        txn->out->release(txn, keep);
    txn->out = NULL;
    txn->arena.len = txn->arena_keep;
    txn->worker->balance.busy[slot]--;
    cell_sub(&shard_target(txn->worker->shard, slot)->busy, 1);
    if (txn->worker->gates.waiting > 0) /* perhaps for this connection */
        worker_look_later(txn->worker);
}

static void release_back(struct txn *txn, bool keep)
{
    end_try(txn, keep);
    leave_place(txn);
}

/* Whether the target has answered, for its ejection. An ending that is not its fault says nothing. */
static void note_target(const struct txn *txn, enum outcome outcome)
{
    const struct outcome_row *row = outcome_row(outcome);

    if (!txn->trying)
        return;
    if (row->blame == BLAME_GROUP && outcome != OUTCOME_GRPC_ERROR)
        eject_failed(txn->worker, txn->group, txn->target, row->name);
    else if (txn->target_status)
        eject_answered(txn->worker, txn->group, txn->target);
}

/* Whether the connection may carry another request. */
static bool may_keep_back(const struct txn *txn)
{
    return txn->outcome == OUTCOME_SERVED && txn->back_keep && txn->body_sent && !txn->up_broken &&
           relay_drained(&txn->up) && txn->back_in.off == txn->back_in.len && txn->out &&
           txn->out->is_clean(txn);
}

/* Counts, scores and logs; the slices of the request are valid for the last time. An ending that was decided
 * stays, however the answer of our own that tells of it fares. */
static void finish(struct txn *txn, enum outcome outcome)
{
    struct worker *worker = txn->worker;
    bool keep;

    if (txn->outcome == OUTCOME_SERVED)
        txn->outcome = outcome;
    keep = may_keep_back(txn);
    place_leave_line(txn);
    step_to(txn, TXN_END);
    note_target(txn, txn->outcome);
    record_txn(txn);
    if (txn->mirror)
        mirror_leave(txn);
    release_back(txn, keep);
    if (txn->counted)
        crowd_leave(&worker->shared->crowd.requests, txn->place);
    worker_drop_routes(worker, txn->routes);
    if (txn->later)
        worker_drop_routes(worker, txn->later);
    txn->in->txn = NULL;
    txn->next_dead = worker->dead_txns;
    worker->dead_txns = txn;
}

/* Whether a client of gRPC that leaves has waited for as long as it had said: its clock and ours differ a
 * little. */
static bool is_out_of_time(const struct txn *txn)
{
    int64_t waited_ns = txn->worker->now_ns - txn->head_ns;

    return txn->grpc_timeout_ns && waited_ns >= txn->grpc_timeout_ns - txn->grpc_timeout_ns / 10;
}

/* Who it has waited for. */
static enum outcome overtime_of(const struct txn *txn)
{
    if (txn->waiting)
        return OUTCOME_QUEUE_TIMEOUT;
    return txn->out && is_targets_move(txn) ? OUTCOME_TARGET_OVERTIME : OUTCOME_CLIENT_OVERTIME;
}

void txn_abandon(struct txn *txn, enum outcome outcome)
{
    if (outcome == OUTCOME_CLIENT_GONE && is_out_of_time(txn))
        outcome = overtime_of(txn);
    finish(txn, txn->step == TXN_TUNNEL ? OUTCOME_UPGRADED : outcome);
}

enum next step_cut(struct txn *txn, enum outcome outcome)
{
    struct inbound *in = txn->in;

    finish(txn, outcome);
    in->ops->cut(in);
    return OVER;
}

void step_close(struct txn *txn)
{
    struct inbound *in = txn->in;

    txn_abandon(txn, OUTCOME_CLIENT_GONE);
    in->ops->close(in);
}

/* An answer of gRPC says how the call ended, mostly behind its content. Where it does not, its status of HTTP
 * stands for that, as to the client; 200 for nothing that is known. */
static enum outcome outcome_of_answer(const struct txn *txn)
{
    enum grpc_status status;

    if (!txn->grpc || txn->outcome != OUTCOME_SERVED)
        return txn->outcome;
    status = txn->grpc_answered ? txn->grpc_status : grpc_status_of_http(txn->target_status);
    return txn->route->conf->grpc_errors >> status & 1 ? OUTCOME_GRPC_ERROR : OUTCOME_SERVED;
}

enum next step_served(struct txn *txn)
{
    struct inbound *in = txn->in;

    if (!h1_body_complete(&txn->body)) {
        in->closing = true; /* the rest of the body would be read as a request */
        in->last = false;
    }
    finish(txn, outcome_of_answer(txn));
    in->ops->done(in);
    return OVER;
}

enum next step_tunnel_over(struct txn *txn, const char *why, bool broken)
{
    struct inbound *in = txn->in;

    txn->error = why;
    finish(txn, OUTCOME_UPGRADED);
    if (broken)
        in->ops->cut(in);
    else
        in->ops->close(in);
    return OVER;
}

/* Reads away what is there of the body, so that a refused request whose body has come need not end the
 * connection. */
static void discard_body(struct txn *txn)
{
    struct relay_buf *in = &txn->in->buf;
    enum h1_body_event event;

    do {
        struct str rest = relay_rest(in), data;
        size_t consumed;

        event = h1_body_feed(&txn->body, rest.p, rest.len, &data, &consumed);
        in->off += (uint32_t)consumed;
    } while (event == H1_BODY_DATA);
    if (event != H1_BODY_DONE)
        txn->in->closing = true;
}

static enum next answer(struct txn *txn, enum outcome outcome, unsigned status, const char *error)
{
    bool composed;

    txn->error = error ? error : txn->error;
    if (txn->status || !relay_drained(&txn->down))
        return step_cut(txn, outcome);
    note_target(txn, outcome);
    release_back(txn, false);
    txn->outcome = outcome;
    if (!txn->in->closing)
        discard_body(txn);
    composed = outcome == OUTCOME_ANSWERED ? rules_answer(txn, txn->in->closing)
                                           : compose_own(txn, status, txn->in->closing);
    if (!composed) {
        relay_forget(&txn->down);
        return step_cut(txn, outcome);
    }
    txn->status = txn->grpc && outcome != OUTCOME_ANSWERED ? 200 : status;
    txn->reply_queued = true;
    step_to(txn, TXN_STREAM);
    return step_flush(txn);
}

enum next step_fail(struct txn *txn, enum outcome outcome, const char *error)
{
    return answer(txn, outcome, outcome_row(outcome)->status, error);
}

enum next step_answer(struct txn *txn)
{
    return answer(txn, OUTCOME_ANSWERED, rules_status(txn->route->conf), NULL);
}

enum next step_refuse(struct txn *txn, enum outcome outcome, enum h1_error error)
{
    return answer(txn, outcome, h1_error_status(error), h1_error_text(error));
}

/* The body begins again, where some of it was sent and all of it is still there. */
static void rewind_body(struct txn *txn)
{
    const struct h1_body *old = &txn->body;
    bool ends = old->ends;

    if (old->received == 0 && !txn->body_sent)
        return;
    if (txn->mirror)
        mirror_rewind(txn->mirror);
    h1_body_init(&txn->body, txn->in->framed ? framing_raw(txn->head.framing) : txn->head.framing,
                 txn->head.content_length, old->limits);
    txn->body.ends = ends;
    txn->body_sent = false;
    txn->in->buf.off = txn->in->scan.end;
}

/* The try is over, and another one begins. */
static enum next try_again(struct txn *txn)
{
    txn->fresh = true;
    rewind_body(txn);
    cell_add(&txn->cells->side[txn->pick.side].retries, 1);
    step_to(txn, TXN_PLACE);
    return NEXT;
}

/* The canary has failed: its part is over and recorded, and stable is asked as if the request were new. */
static enum next shield(struct txn *txn, enum outcome outcome, unsigned status, const char *error)
{
    txn->outcome = outcome;
    txn->error = error;
    txn->status = status;
    txn->shielded = true;
    note_target(txn, outcome);
    record_txn(txn);
    if (txn->tracing)
        tracing_shielded(txn);
    release_back(txn, false);
    txn->outcome = OUTCOME_SERVED;
    txn->status = txn->target_status = 0;
    txn->error = NULL;
    txn->reply_ns = 0;
    txn->avoid = NULL;
    txn->pick = (struct pick_side){ROUTE_STABLE, ASSIGNMENT_SHIELD};
    txn->group = txn->route->side[ROUTE_STABLE];
    score_none(&txn->score);
    cell_add(&txn->cells->side[ROUTE_STABLE].open, 1);
    retry_begin(txn);
    return try_again(txn);
}

enum next step_try_failed(struct txn *txn, enum outcome outcome, const char *error)
{
    if (retry_allowed(txn, outcome)) {
        txn->avoid = retry_is_race(txn, outcome) ? NULL : txn->target;
        cell_add(&shard_target(txn->worker->shard, txn->target->conf->slot)->failures, 1);
        if (txn->avoid)
            note_target(txn, outcome);
        if (txn->tracing)
            tracing_try_failed(txn, outcome);
        end_try(txn, false);
        if (txn->avoid) {
            leave_place(txn);
            retry_begin(txn);
        }
        return try_again(txn);
    }
    if (retry_shields(txn, outcome, 0))
        return shield(txn, outcome, outcome_row(outcome)->status, error);
    return step_fail(txn, outcome, error);
}

bool step_shields(struct txn *txn, unsigned status)
{
    txn->target_status = status;
    if (status < 500 || !retry_shields(txn, OUTCOME_SERVED, status))
        return false;
    shield(txn, OUTCOME_SERVED, status, NULL);
    return true;
}

/* ---- the driver ---- */

static enum next step(struct txn *txn)
{
    switch (txn->step) {
    case TXN_HEAD:
        return step_head(txn);
    case TXN_ROUTE:
        return step_route(txn);
    case TXN_PLACE:
        return step_place(txn);
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
    case TXN_TUNNEL:
        return step_tunnel(txn);
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

/* After an event that may have changed the step. */
static void ends_or_runs(struct txn *txn, enum next next)
{
    if (next == NEXT)
        run(txn);
}

/* ---- events ---- */

void txn_on_target_end(struct txn *txn, bool reset)
{
    txn->back_end = reset ? BACK_RESET : BACK_CLOSED;
    run(txn);
}

void txn_on_target_refusal(struct txn *txn)
{
    txn->back_end = BACK_REFUSED;
    run(txn);
}

void txn_on_bad_answer(struct txn *txn, const char *why)
{
    if (txn->step == TXN_REPLY) {
        ends_or_runs(txn, step_try_failed(txn, OUTCOME_BAD_RESPONSE, why));
        return;
    }
    txn->error = why;
    ends_or_runs(txn, step_cut(txn, OUTCOME_TARGET_CUT));
}

void txn_on_lease(struct txn *txn)
{
    txn->connect_ns = txn->worker->now_ns;
    step_to(txn, TXN_SEND);
    run(txn);
}

void txn_on_target_writable(struct txn *txn)
{
    if (txn->step == TXN_TUNNEL)
        run(txn);
    else
        ends_or_runs(txn, step_pump(txn));
}

void txn_on_starved(struct txn *txn, const char *why)
{
    ends_or_runs(txn, step_fail(txn, OUTCOME_OVERLOAD, why));
}

static void on_target_timeout(struct wheel_timer *timer, int64_t now_ns)
{
    struct txn *txn = CONTAINER_OF(timer, struct txn, timer);

    txn->worker->now_ns = now_ns;
    if (txn->step == TXN_PLACE)
        ends_or_runs(txn, place_is_late(txn));
    else if (txn->step == TXN_TUNNEL)
        ends_or_runs(txn, step_tunnel_over(txn, "the tunnel was silent for too long", false));
    else if (step_time_left(txn) == 1)
        ends_or_runs(txn, step_fail(txn, overtime_of(txn), NULL));
    else if (txn->step == TXN_CONNECT)
        ends_or_runs(txn, step_try_failed(txn, OUTCOME_CONNECT_TIMEOUT,
                                          txn->seat.trunk ? trunk_waits_for(txn->seat.trunk) : NULL));
    else if (txn->step == TXN_REPLY && !target_owes_room(txn))
        ends_or_runs(txn, step_try_failed(txn, OUTCOME_FIRST_BYTE_TIMEOUT, NULL));
    else
        ends_or_runs(txn, step_fail(txn, OUTCOME_TARGET_STALLED, NULL));
}

void txn_go_on(struct txn *txn)
{
    run(txn);
}

void txn_on_body(struct txn *txn)
{
    if (txn->step == TXN_TUNNEL)
        run(txn);
    else if ((txn->step == TXN_REPLY || txn->step == TXN_STREAM) && txn->out && !txn->body_sent &&
             (relay_drained(&txn->up) || relay_piped(&txn->up)))
        ends_or_runs(txn, step_pump(txn));
}

bool txn_takes_bulk(struct txn *txn)
{
    if (relay_piped(&txn->up))
        return true;
    return (txn->step == TXN_REPLY || txn->step == TXN_STREAM) && txn->out && !txn->up_broken &&
           !txn->mirror && !txn->in->framed && !txn->out->framed &&
           bulk_takes(&txn->worker->bulk_pipes, &txn->body, &txn->in->buf, &txn->up, &txn->front->conn,
                      &txn->back->conn);
}

ssize_t txn_read_bulk(struct txn *txn)
{
    ssize_t n;

    if (relay_piped(&txn->up)) {
        conn_read_pause(&txn->front->conn); /* the target is slower than the client */
        return CONN_AGAIN;
    }
    n = bulk_fill(&txn->up, &txn->body, &txn->front->conn);
    if (n > 0)
        cell_add(&txn->worker->shard->bulk_bytes, (uint64_t)n);
    return n;
}

void txn_on_client_writable(struct txn *txn)
{
    if (txn->step == TXN_STREAM || txn->step == TXN_TUNNEL) {
        run(txn);
        return;
    }
    switch (txn->in->ops->flush(txn->in)) { /* an interim answer */
    case RELAY_DRAINED:
        step_interim_done(txn);
        step_deadlines(txn);
        if (!txn->waiting)
            run(txn);
        return;
    case RELAY_BLOCKED:
        step_deadlines(txn);
        return;
    case RELAY_BROKEN:
        step_cut(txn, OUTCOME_CLIENT_GONE);
    }
}

/* The client is slow to take what is there: how slow. */
static enum pace_verdict look_at_writes(struct txn *txn)
{
    const struct config_timeouts *timeouts = timeouts_of(txn);
    /* Of what the kernel holds some may be of answers before this one; only the difference of two looks
     * counts. */
    uint64_t taken = txn->down.sent - txn->in->ops->held(txn->in);

    return pace_out_look(&txn->write_pace, taken, timeouts->min_write_rate, timeouts->write_ns,
                         txn->worker->now_ns);
}

void txn_on_client_timeout(struct txn *txn)
{
    if (!client_owes_room(txn)) {
        ends_or_runs(
            txn, step_fail(txn, pace_in_is_slow(&txn->body_pace) ? OUTCOME_BODY_SLOW : OUTCOME_BODY_TIMEOUT,
                           NULL));
        return;
    }
    switch (look_at_writes(txn)) {
    case PACE_GOES_ON:
        inbound_deadline(txn->worker, txn->in, txn->write_pace.due_ns - txn->worker->now_ns);
        return;
    case PACE_STALLED:
        ends_or_runs(txn, step_fail(txn, OUTCOME_CLIENT_STALLED, NULL));
        return;
    case PACE_SLOW:
        ends_or_runs(txn, step_fail(txn, OUTCOME_CLIENT_SLOW, NULL));
        return;
    }
}

/* Whether a client that has closed its side behind this request may wait for an answer. */
static bool may_wait(const struct txn *txn)
{
    switch (txn->worker->config->half_closed) {
    case CONFIG_HALF_CLOSED_LAST:
        return !txn->head.keep_alive;
    case CONFIG_HALF_CLOSED_SERVE:
        return true;
    case CONFIG_HALF_CLOSED_ABORT:
        return false;
    }
    BUG("half closed %d", (int)txn->worker->config->half_closed);
}

/* The same, of the connection: false also when the request can never be whole. What has come of its body may
 * not have been looked at yet. */
static bool waits(struct txn *txn)
{
    bool unread = relay_rest(&txn->in->buf).len > 0;

    if (!may_wait(txn))
        return false;
    if (h1_body_complete(&txn->body))
        return true;
    if (!unread || txn->up_broken)
        return false;
    txn->in->ended = true;
    if (txn->step == TXN_REPLY || txn->step == TXN_STREAM)
        ends_or_runs(txn, step_pump(txn));
    return true;
}

bool txn_on_client_end(struct txn *txn, bool broken)
{
    if (txn->step != TXN_TUNNEL)
        return !broken && waits(txn);
    txn->tunnel.up.ended = true;
    ends_or_runs(txn, broken ? step_tunnel_over(txn, "the client broke the tunnel", true) : NEXT);
    return true;
}

bool txn_begin(struct front *front, struct inbound *in)
{
    struct worker *worker = front->worker;
    struct txn *txn = mem_pool_get(&worker->txn_memory);

    if (!txn)
        return false;
    memset(txn, 0, offsetof(struct txn, up));
    txn->worker = worker;
    txn->front = front;
    txn->in = in;
    txn->outcome = OUTCOME_SERVED;
    txn->routes = worker_hold_routes(worker);
    txn->head_ns = worker->now_ns;
    txn->client = front_ip(front);
    relay_queue_init(&txn->up);
    relay_queue_init(&txn->down);
    arena_init(&txn->arena, txn->arena_block, sizeof txn->arena_block);
    wheel_timer_init(&txn->timer, on_target_timeout);
    in->txn = txn;
    run(txn);
    return true;
}
