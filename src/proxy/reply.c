/* REPLY and STREAM: the answer on its way back. */
#include "proxy/compose.h"
#include "proxy/front.h"
#include "proxy/outbound.h"
#include "proxy/record.h"
#include "proxy/step.h"
#include "proxy/worker.h"

enum { CONNECTION_MAX = 512 }; /* bytes of an answer's Connection, beyond which its trailers are dropped */

/* ---- REPLY: the head of the answer ---- */

/* Its lines are not needed any more, and the next head follows. */
void step_interim_done(struct txn *txn)
{
    txn->arena.len = txn->interim_keep; /* there may be any number of them */
    txn->back_in.off = txn->back_head_end;
    relay_restart(&txn->back_in);
    h1_scan_init(&txn->back_scan);
    if (txn->back_end == BACK_OPEN)
        txn->out->read_on(txn);
}

/* An interim answer is passed on, but not to HTTP/1.0 (RFC 9110 section 15.2); the final one follows. */
static enum next pass_interim(struct txn *txn, const struct head *head)
{
    if (head->status == 101)
        return step_switch(txn, head);
    txn->interim_keep = txn->arena.len;
    if (txn->head.minor >= 1) {
        if (!compose_interim(txn, head))
            return step_try_failed(txn, OUTCOME_BAD_RESPONSE, "the head of an interim answer is too large");
        switch (txn->in->ops->flush(txn->in)) {
        case RELAY_DRAINED:
            break;
        case RELAY_BLOCKED: /* its lines stay in back_in until they are sent */
            txn->continued |= head->status == 100;
            step_deadlines(txn);
            return WAIT;
        case RELAY_BROKEN:
            return step_cut(txn, OUTCOME_CLIENT_GONE);
        }
    }
    step_interim_done(txn);
    if (head->status == 100) {
        txn->continued = true;
        step_deadlines(txn); /* now it is the client's move */
    }
    return NEXT;
}

/* Trailers are passed on to clients that say that they take them; `head` must not be needed for that, since
 * its buffer is used again before they come. */
static bool want_trailers(struct txn *txn, const struct head *head)
{
    struct field *fields;
    struct buf names;
    char *room;

    if (!(txn->chunked || txn->in->framed) || head->framing != FRAMING_CHUNKED || !txn->head.te_trailers)
        return false;
    fields = arena_alloc(&txn->arena, txn->route->conf->response.trailer_fields * sizeof *fields);
    room = arena_alloc(&txn->arena, CONNECTION_MAX);
    if (!fields || !room)
        return false;
    buf_init(&names, room, CONNECTION_MAX);
    for (const struct field *f = head_find(head, FIELD_CONNECTION); f; f = head_next(head, f)) {
        buf_str_add(&names, f->value);
        buf_char(&names, ',');
    }
    txn->reply_names = buf_str(&names);
    if (!names.full)
        h1_body_want_trailers(&txn->reply_body, fields, txn->route->conf->response.trailer_fields);
    return !names.full;
}

static void note_grpc(struct txn *txn, const struct field *fields, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!str_eq_nocase(fields[i].name, STR("grpc-status")))
            continue;
        txn->grpc_answered = true;
        txn->grpc_status = grpc_status_from(fields[i].value);
    }
}

/* The final head is there: how the body is sent on, and whether both connections live on. */
static enum next begin_answer(struct txn *txn, struct head *head)
{
    struct inbound *in = txn->in;
    bool delimited = head->framing == FRAMING_NONE || head->framing == FRAMING_LENGTH;

    txn->back_keep =
        head->keep_alive && head->framing != FRAMING_UNTIL_CLOSE && !txn->group->conf->proxy_protocol;
    txn->reply_ns = txn->worker->now_ns;
    if (txn->grpc)
        note_grpc(txn, head->fields, head->len);
    h1_body_init(&txn->reply_body, txn->out->framed ? framing_raw(head->framing) : head->framing,
                 head->content_length, &txn->route->conf->response);
    txn->chunked = !delimited && txn->head.minor >= 1 && !in->framed;
    if (!want_trailers(txn, head))
        head_drop(head, FIELD_TRAILER);
    if ((!delimited && !txn->chunked && !in->framed) || !txn->body_sent || txn->worker->draining)
        in->closing = true;
    if (!compose_reply(txn, head, in->closing)) {
        relay_forget(&txn->down);
        return step_try_failed(txn, OUTCOME_BAD_RESPONSE, "the head of the answer is too large");
    }
    if (txn->worker->config->log_record.response_headers_len)
        record_answer(txn, head);
    txn->status = head->status;
    txn->back_in.keep = txn->back_in.off = txn->back_head_end;
    step_to(txn, TXN_STREAM);
    return NEXT;
}

/* There is nothing to go on with: the target has more to say, or is gone. */
static enum next more_from_target(struct txn *txn)
{
    switch (txn->back_end) {
    case BACK_OPEN:
        return WAIT;
    case BACK_CLOSED:
        return step_try_failed(txn, OUTCOME_TARGET_CLOSED, NULL);
    case BACK_RESET:
        return step_try_failed(txn, OUTCOME_TARGET_RESET, NULL);
    case BACK_REFUSED:
        return step_try_failed(txn, OUTCOME_TARGET_REFUSED, NULL);
    }
    BUG("end %d", (int)txn->back_end);
}

enum next step_reply(struct txn *txn)
{
    struct field fields[TXN_RESPONSE_FIELDS_MAX];
    const char *why = NULL;
    struct head head;

    if (!relay_drained(&txn->down))
        return WAIT; /* an interim answer is on its way */
    if (txn->back_in.len == 0)
        return more_from_target(txn);
    head_init(&head, fields, txn->route->conf->response.fields);
    switch (txn->out->head(txn, &head, &why)) {
    case OUTBOUND_HEAD_MORE:
        return more_from_target(txn);
    case OUTBOUND_HEAD_BAD:
        return step_try_failed(txn, OUTCOME_BAD_RESPONSE, why);
    case OUTBOUND_HEAD_FULL:
        return step_fail(txn, OUTCOME_OVERLOAD, "the memory for long answers is used up");
    case OUTBOUND_HEAD_DONE:
        break;
    }
    if (txn->head.extended_connect && head.status >= 200 && head.status < 300)
        return step_try_failed(txn, OUTCOME_BAD_RESPONSE,
                               "the target has answered, and not switched protocols");
    if (head.status < 200)
        return pass_interim(txn, &head);
    return step_shields(txn, head.status) ? NEXT : begin_answer(txn, &head);
}

/* ---- STREAM: the body of the answer ---- */

/* All that came is queued, and the connection has ended: whether that is the end of the body. Never where the
 * codec says itself what the end is. */
static bool ends_with_connection(const struct txn *txn)
{
    return !txn->out->framed && txn->back_end == BACK_CLOSED && h1_body_eof(&txn->reply_body);
}

/* The content is there, by its length. Where the codec says itself what the end is, that may follow; who left
 * now would have to end the stream by a reset. */
static bool has_ended(const struct txn *txn)
{
    return !txn->out->framed || txn->back_end != BACK_OPEN || txn->out->is_over(txn);
}

/* Not yet, when the queue has no room for the trailers. */
static void queue_end(struct txn *txn)
{
    struct h1_body *body = &txn->reply_body;

    if (txn->grpc)
        note_grpc(txn, body->trailers, body->trailers_len);
    for (size_t i = 0; i < body->trailers_len; i++)
        if (list_has(txn->reply_names, body->trailers[i].name))
            body->trailers[i].flags |= FIELD_HOP;
    txn->reply_queued = !txn->chunked || relay_add_trailers(&txn->down, body->trailers, body->trailers_len);
}

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
            if (txn->back_end == BACK_OPEN)
                return WAIT;
            if (!ends_with_connection(txn))
                return step_cut(txn, OUTCOME_TARGET_CUT);
            queue_end(txn);
            break;
        case H1_BODY_DATA:
            relay_add_body(&txn->down, data, txn->chunked);
            break;
        case H1_BODY_DONE:
            if (!has_ended(txn))
                return WAIT;
            queue_end(txn);
            return NEXT;
        case H1_BODY_BAD:
            txn->error = h1_error_text(txn->reply_body.error);
            return step_cut(txn, OUTCOME_TARGET_CUT);
        }
    }
    return NEXT;
}

enum next step_flush(struct txn *txn)
{
    switch (txn->in->ops->flush(txn->in)) {
    case RELAY_DRAINED:
        if (txn->reply_queued)
            return step_served(txn);
        step_deadlines(txn);
        return NEXT;
    case RELAY_BLOCKED:
        step_deadlines(txn);
        return WAIT;
    case RELAY_BROKEN:
        return step_cut(txn, OUTCOME_CLIENT_GONE);
    }
    BUG("flush");
}

bool step_takes_bulk(struct txn *txn)
{
    return !txn->chunked && !txn->in->framed && !txn->out->framed && /* else it has to be framed anew */
           bulk_takes(&txn->worker->bulk_pipes, &txn->reply_body, &txn->back_in, &txn->down, &txn->back->conn,
                      &txn->front->conn);
}

/* The client has everything that was there: reads on at the target, into a larger buffer when this one was
 * full. */
static void read_on(struct txn *txn)
{
    bool was_full = relay_room(&txn->back_in) == 0;

    relay_restart(&txn->back_in);
    if (was_full && !step_takes_bulk(txn))
        relay_stretch(&txn->back_in, &txn->worker->relay_memory);
    if (txn->back_end == BACK_OPEN)
        txn->out->read_on(txn);
}

enum next step_stream(struct txn *txn)
{
    enum next filled, flushed;

    do {
        filled = fill_down(txn);
        if (filled == OVER)
            return OVER;
        flushed = step_flush(txn);
        if (flushed == OVER)
            return OVER;
    } while (flushed == NEXT && filled == NEXT);
    if (flushed == NEXT)
        read_on(txn);
    return WAIT;
}
