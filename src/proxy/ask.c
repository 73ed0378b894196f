/* LEASE, CONNECT and SEND: a connection to a target, and the request on its way there. */
#include "proxy/compose.h"
#include "proxy/front.h"
#include "proxy/mirror.h"
#include "proxy/outbound.h"
#include "proxy/step.h"
#include "proxy/tracing.h"
#include "proxy/worker.h"

/* ---- LEASE, CONNECT ---- */

static enum next connect_failed(struct txn *txn, int error)
{
    enum outcome outcome = outcome_of_connect(error);

    if (outcome == OUTCOME_OVERLOAD)
        return step_fail(txn, outcome, "no descriptor, memory or port is left for a connection");
    return step_try_failed(txn, outcome, NULL);
}

/* A try begins: from here on the target counts as busy, until txn_release. */
static void begin_try(struct txn *txn)
{
    struct worker *worker = txn->worker;
    struct shard_target *cells = shard_target(worker->shard, txn->target->conf->slot);

    txn->attempts++;
    if (txn->tracing)
        tracing_try(txn);
    txn->trying = true;
    txn->back_end = BACK_OPEN;
    txn->up_broken = false;
    txn->connect_ns = 0;
    worker->balance.busy[txn->target->conf->slot]++;
    cell_add(&cells->requests, 1);
    cell_add(&cells->busy, 1);
    score_target(&txn->score, cells);
}

/* HTTP/2: a seat on a connection that others use too. */
static enum next board(struct txn *txn)
{
    int error;

    if (!trunk_board(txn, &error))
        return error ? connect_failed(txn, error)
                     : step_fail(txn, OUTCOME_OVERLOAD, "the connections to this target are used up");
    txn->out = &outbound_h2;
    if (txn->seat.in_line) {
        step_to(txn, TXN_CONNECT);
        step_deadlines(txn);
        return WAIT;
    }
    txn->connect_ns = txn->worker->now_ns;
    step_to(txn, TXN_SEND);
    return NEXT;
}

/* Whether the target is to be spoken to in HTTP/2. One that may speak either and has chosen HTTP/1.1 before
 * is asked again with each new connection. */
static bool boards(const struct txn *txn)
{
    const struct worker_target *target = txn->worker->targets[txn->target->conf->slot];

    switch (txn->group->conf->speaks) {
    case CONFIG_SPEAKS_H1:
        return false;
    case CONFIG_SPEAKS_H2:
    case CONFIG_SPEAKS_H2C:
        return true;
    case CONFIG_SPEAKS_AUTO:
        return !txn->upgrade.len && (txn->fresh || target->pool.waiting == 0 || !target->speaks_http1);
    }
    BUG("protocol %d", (int)txn->group->conf->speaks);
}

enum next step_lease(struct txn *txn)
{
    struct worker *worker = txn->worker;
    const struct route_target *target = txn->target;
    struct pool *pool = &worker->targets[target->conf->slot]->pool;
    int error;

    if (!txn->trying) /* else it had a seat in a line for nothing */
        begin_try(txn);
    if (boards(txn))
        return board(txn);
    if (txn->group->conf->proxy_protocol)
        txn->fresh = true; /* a connection is about one client */
    if (!txn->fresh && (txn->back = pool_take(pool, txn->group->conf->tls.context, outbound_on_conn, txn))) {
        txn->out = &outbound_h1;
        txn->connect_ns = worker->now_ns;
        step_to(txn, TXN_SEND);
        return NEXT;
    }
    if (pool->open >= txn->group->conf->max_connections && !pool_shed(pool))
        return step_fail(txn, OUTCOME_OVERLOAD, "the connections to this target are used up");
    cell_add(&shard_target(worker->shard, target->conf->slot)->connects, 1);
    txn->back = pool_connect(pool, &target->conf->address, txn->group->conf->tls.context, outbound_on_conn,
                             txn, &error);
    if (!txn->back)
        return connect_failed(txn, error);
    txn->out = &outbound_h1;
    step_to(txn, TXN_CONNECT);
    step_deadlines(txn);
    return WAIT;
}

/* What has become of the connection whose line it was in. */
static enum next alight(struct txn *txn)
{
    const struct trunk *trunk = txn->seat.trunk;

    if (trunk->state == TRUNK_OPEN && h2_room(trunk->h2) > 0) {
        txn->connect_ns = txn->worker->now_ns;
        step_to(txn, TXN_SEND);
        return NEXT;
    }
    if (trunk->state == TRUNK_OVER && trunk->outcome == OUTCOME_OVERLOAD)
        return step_fail(txn, trunk->outcome, trunk->why);
    if (trunk->state == TRUNK_OVER && trunk->outcome != OUTCOME_SERVED)
        return step_try_failed(txn, trunk->outcome, trunk->why);
    trunk_leave(txn);
    txn->out = NULL;
    step_to(txn, TXN_LEASE);
    return NEXT;
}

enum next step_connect(struct txn *txn)
{
    bool connected;
    const char *why;

    if (txn->seat.trunk)
        return alight(txn);
    connected = conn_connected(&txn->back->conn);
    why = tls_why(&txn->back->conn);
    if (why)
        return step_try_failed(txn, OUTCOME_TLS_TO_TARGET, why);
    if (!connected)
        return connect_failed(txn, txn->back->conn.error);
    txn->connect_ns = txn->worker->now_ns;
    step_to(txn, TXN_SEND);
    return NEXT;
}

/* ---- SEND: the request on its way up ---- */

enum filled {
    FILLED_ALL,     /* with all that has come */
    FILLED_UP,      /* no more fits into the queue, or the body is whole */
    FILLED_REFUSED, /* the body is broken or too large */
};

/* Trailers go only where the group takes them. What Connection names is of this hop, and the label is ours to
 * give (RFC 9110 sections 6.5.1, 7.6.1). */
static void want_trailers(struct txn *txn)
{
    struct field *fields;

    if (txn->head.framing != FRAMING_CHUNKED || !txn->group->conf->trailers)
        return;
    fields = arena_alloc(&txn->arena, txn->body.limits->trailer_fields * sizeof *fields);
    if (fields) /* else they are dropped, as any recipient may */
        h1_body_want_trailers(&txn->body, fields, txn->body.limits->trailer_fields);
}

static bool queue_end(struct txn *txn)
{
    const struct config *config = txn->worker->config;
    struct str label = str_from(config->label_header);
    struct str subject = config->asks_clients ? str_from(config->subject_header) : label;

    if (txn->head.framing != FRAMING_CHUNKED)
        return true;
    if (txn->in->framed)
        txn->in->ops->trailers(txn->in);
    for (size_t i = 0; i < txn->body.trailers_len; i++) {
        struct field *field = &txn->body.trailers[i];

        if (head_connection_names(&txn->head, field->name) || field_name_alike(field->name, label) ||
            field_name_alike(field->name, subject))
            field->flags |= FIELD_HOP;
    }
    return txn->out->framed || relay_add_trailers(&txn->up, txn->body.trailers, txn->body.trailers_len);
}

static bool sends_chunks(const struct txn *txn)
{
    return txn->head.framing == FRAMING_CHUNKED && !txn->out->framed;
}

/* Queues what is there of the body. */
static enum filled fill_up(struct txn *txn)
{
    struct relay_buf *in = &txn->in->buf;

    while (!txn->body_sent && relay_has_room(&txn->up)) {
        struct str rest = relay_rest(in), data;
        size_t consumed;
        enum h1_body_event event = h1_body_feed(&txn->body, rest.p, rest.len, &data, &consumed);

        in->off += (uint32_t)consumed;
        switch (event) {
        case H1_BODY_MORE:
            return FILLED_ALL;
        case H1_BODY_DATA:
            if (txn->body.received > txn->route->conf->max_body)
                return FILLED_REFUSED;
            if (txn->mirror)
                mirror_copy_body(txn->mirror, data);
            relay_add_body(&txn->up, data, sends_chunks(txn));
            break;
        case H1_BODY_DONE:
            if (!queue_end(txn))
                return FILLED_UP;
            txn->body_sent = true;
            break;
        case H1_BODY_BAD:
            return FILLED_REFUSED;
        }
    }
    return FILLED_UP;
}

static enum next refuse_body(struct txn *txn)
{
    txn->in->closing = true; /* where the next request begins is not known, or far away */
    if (txn->body.error)
        return step_refuse(txn, OUTCOME_BAD_REQUEST, txn->body.error);
    return step_fail(txn, OUTCOME_BODY_TOO_LARGE, NULL);
}

/* What was sent makes room for more. A target that may refuse the request unread has not taken a body that is
 * still whole in the buffer. */
static void make_room(struct txn *txn)
{
    if (txn->body_sent && txn->out->framed && !txn->body_gone)
        return;
    txn->body_gone |= txn->body.received > 0;
    txn->in->ops->read_on(txn->in, !txn->body_sent);
}

enum next step_pump(struct txn *txn)
{
    enum relay_result flushed;
    enum filled filled;

    if (txn->up_broken)
        return WAIT;
    do {
        filled = fill_up(txn);
        if (filled == FILLED_REFUSED)
            return refuse_body(txn);
        if (filled == FILLED_ALL && txn->in->ended) {
            step_close(txn); /* the rest of the body will never come */
            return OVER;
        }
        flushed = txn->out->flush(txn);
    } while (flushed == RELAY_DRAINED && filled == FILLED_UP && !txn->body_sent);
    if (flushed == RELAY_DRAINED && txn->body_sent && txn->mirror)
        mirror_go(txn->mirror);
    if (flushed == RELAY_DRAINED)
        make_room(txn);
    else if (flushed == RELAY_BROKEN) /* it may have answered before it closed: reading will tell */
        txn->up_broken = true;
    step_deadlines(txn);
    return WAIT;
}

enum next step_send(struct txn *txn)
{
    relay_queue_init(&txn->up);
    txn->out->begin(txn);
    want_trailers(txn);
    if (!compose_request(txn, &txn->up))
        return step_fail(txn, OUTCOME_HEAD_TOO_LARGE, NULL);
    if (txn->mirror)
        mirror_copy_head(txn);
    step_to(txn, TXN_REPLY);
    return step_pump(txn);
}
