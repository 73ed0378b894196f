/*
 * HTTP/2 to a target (proxy/outbound): a stream of a trunk. What is composed as lines becomes a request of
 * HTTP/2, and the head of the answer becomes lines again, with the content behind it, so that everything
 * above works on one form. What has no room in back_in waits in the seat's spill; the windows are opened as
 * the client takes what is there.
 */
#include "proto/h1_write.h"
#include "proto/status.h"
#include "proxy/front.h"
#include "proxy/outbound.h"
#include "proxy/step.h"
#include "proxy/trunk.h"
#include "proxy/worker.h"

enum { STATUS_LINE_MAX = 64 };

static const char no_room_up[] = "the memory for requests is used up";
static const char no_room_down[] = "the memory for answers is used up";

/* What we have composed is within the limits of the configuration already. */
static const struct h1_limits own_limits = {
    .start_line = RELAY_LARGE,
    .head = RELAY_LARGE,
    .fields = HEAD_FIELDS_MAX,
    .allow_connect = true,
    .allow_trace = true,
};

/* ---- the request ---- */

static void begin(struct txn *txn)
{
    txn->back_head_end = 0;
    h1_scan_init(&txn->back_scan);
}

/* The head at the front of txn->up in one piece: `scan` finds its end. False without memory. */
static bool flatten(struct txn *txn, struct relay_buf *flat, struct h1_scan *scan)
{
    size_t at = 0;

    if (!worker_hold_buf(txn->worker, flat))
        return false;
    for (;;) {
        size_t n = relay_peek(&txn->up, at, flat->p + flat->len, relay_room(flat));

        flat->len += (uint32_t)n;
        at += n;
        switch (h1_scan(scan, &own_limits, flat->p, flat->len)) {
        case H1_SCAN_DONE:
            return true;
        case H1_SCAN_BAD:
            return false;
        case H1_SCAN_MORE:
            if (n == 0 && !relay_grow(flat, &txn->worker->relay_memory))
                return false;
        }
    }
}

/* Makes the request of the head that was flattened, and takes it off the queue. */
static bool make_request(struct txn *txn, const struct relay_buf *flat, const struct h1_scan *scan)
{
    struct trunk *trunk = txn->seat.trunk;
    struct field fields[HEAD_FIELDS_MAX];
    struct h2_request request;
    struct head head;
    bool content;

    head_init(&head, fields, HEAD_FIELDS_MAX);
    if (h1_request_parse(scan, &own_limits, flat->p, &head) != H1_OK)
        return false;
    relay_drop(&txn->up, scan->end);
    request = (struct h2_request){.method = head.method_name,
                                  .scheme = trunk->tls ? STR("https") : STR("http"),
                                  .authority = head.authority.whole,
                                  .path = head.path,
                                  .query = head.query};
    content = !txn->body_sent || !relay_drained(&txn->up) || txn->body.trailers_len;
    txn->seat.stream = h2_request(trunk->h2, &request, fields, head.len, content, txn);
    return txn->seat.stream != NULL;
}

/* False without memory. */
static bool send_head(struct txn *txn)
{
    struct relay_buf flat = {0};
    struct h1_scan scan;
    bool made;

    h1_scan_init(&scan);
    made = flatten(txn, &flat, &scan) && make_request(txn, &flat, &scan);
    relay_release(&flat, &txn->worker->relay_memory);
    return made;
}

/* They lie in the client's buffer until the session has taken them. */
static bool owes_trailers(const struct txn *txn)
{
    return txn->body_sent && txn->body.trailers_len && !txn->seat.stream->finished;
}

/* False when nothing will come of it: the trunk takes no request any more, so that it can be sent elsewhere,
 * or we cannot. */
static bool begin_stream(struct txn *txn)
{
    struct trunk_seat *seat = &txn->seat;

    if (seat->trunk->state != TRUNK_OPEN || h2_room(seat->trunk->h2) == 0)
        seat->broken = seat->refused = seat->raced = true;
    else if (!send_head(txn))
        seat->why_starved = no_room_up;
    else
        return true;
    trunk_ready(txn);
    return false;
}

static enum relay_result flush(struct txn *txn)
{
    struct trunk_seat *seat = &txn->seat;

    if (!seat->stream) {
        if (!begin_stream(txn))
            return RELAY_BROKEN;
    } else if (seat->stream->closed) {
        return RELAY_BROKEN;
    } else {
        h2_wake(seat->stream);
    }
    trunk_touch(seat->trunk);
    if (!relay_drained(&txn->up) || owes_trailers(txn))
        return RELAY_BLOCKED;
    relay_forget(&txn->up);
    return RELAY_DRAINED;
}

static bool queue_trailers(struct txn *txn, struct h2_stream *stream)
{
    return h2_trailers(stream, txn->body.trailers, txn->body.trailers_len);
}

static size_t on_content(void *owner, struct h2_stream *stream, char *out, size_t max, bool *end_r)
{
    struct txn *txn = stream->user;
    size_t n = relay_take(&txn->up, out, max);

    (void)owner;
    if (!relay_drained(&txn->up))
        return n;
    relay_forget(&txn->up);
    *end_r = txn->body_sent;
    if (txn->body_sent && txn->body.trailers_len && !queue_trailers(txn, stream))
        txn->seat.why_starved = no_room_up; /* what is wrong with them was checked before */
    if (n || txn->body_sent) {
        txn->seat.drained = true;
        trunk_ready(txn);
    }
    return n;
}

/* ---- the answer ---- */

/* Keeps bytes of the answer, in back_in as long as everything before them is there. */
static void keep(struct txn *txn, struct str bytes)
{
    struct trunk_seat *seat = &txn->seat;

    if (seat->why_starved || !worker_hold_buf(txn->worker, &txn->back_in)) {
        seat->why_starved = no_room_down;
        return;
    }
    if (spill_is_empty(&seat->spill)) {
        uint32_t room = relay_room(&txn->back_in);
        size_t n = bytes.len < room ? bytes.len : room;

        memcpy(txn->back_in.p + txn->back_in.len, bytes.p, n);
        txn->back_in.len += (uint32_t)n;
        bytes = (struct str){bytes.p + n, bytes.len - n};
    }
    if (!spill_add(&seat->spill, txn->worker, bytes))
        seat->why_starved = no_room_down;
}

/* Moves what fits from the spill to back_in. True when something has. */
static bool refill(struct txn *txn)
{
    return spill_move(&txn->seat.spill, txn->worker, &txn->back_in);
}

/* The lines that HTTP/1.1 would have. */
static void keep_head(struct txn *txn, const struct head *head)
{
    char line[STATUS_LINE_MAX];
    struct buf buf;

    buf_init(&buf, line, sizeof line);
    h1_write_status_line(&buf, head->status, status_reason(head->status));
    keep(txn, buf_str(&buf));
    for (size_t i = 0; i < head->len; i++) {
        keep(txn, head->fields[i].name);
        keep(txn, STR(": "));
        keep(txn, head->fields[i].value);
        keep(txn, STR("\r\n"));
    }
    keep(txn, STR("\r\n"));
}

static void on_head(void *owner, struct h2_stream *stream, enum h1_error error)
{
    struct txn *txn = stream->user;

    (void)owner;
    if (error)
        txn->seat.why_bad = h1_error_text(error);
    else
        keep_head(txn, stream->head);
    txn->seat.trunk->is_proven = true;
    txn->seat.framing = stream->head->framing;
    h2_head_drop(stream);
    trunk_ready(txn);
}

static void on_data(void *owner, struct h2_stream *stream, struct str data)
{
    struct txn *txn = stream->user;

    (void)owner;
    keep(txn, data);
    trunk_ready(txn);
}

static void on_end(void *owner, struct h2_stream *stream)
{
    struct txn *txn = stream->user;

    (void)owner;
    txn->seat.ended = true;
    trunk_ready(txn);
}

/* Whether we had to reset the stream because of what the target has sent on it. */
static bool is_targets_fault(const struct h2_stream *stream, uint32_t code)
{
    return !h2_ended(stream->h2) && code != H2_CODE_NO_ERROR && code != H2_CODE_INTERNAL_ERROR &&
           code != H2_CODE_REFUSED_STREAM;
}

/* A target that has answered may say that it needs no more of the request (RFC 9113 section 8.1): that is no
 * fault. */
static void on_reset(void *owner, struct h2_stream *stream, uint32_t code, bool by_peer)
{
    struct txn *txn = stream->user;

    (void)owner;
    if (!stream->ended) {
        txn->seat.broken = true;
        txn->seat.refused = by_peer && code == H2_CODE_REFUSED_STREAM;
        txn->seat.raced = txn->seat.refused && h2_is_draining(stream->h2);
        if (!by_peer && is_targets_fault(stream, code))
            txn->seat.why_bad = "the answer breaks the rules of HTTP/2";
    }
    trunk_ready(txn);
}

static void on_settings(void *owner)
{
    trunk_greeted(owner);
}

const struct h2_events trunk_events = {
    .head = on_head,
    .data = on_data,
    .end = on_end,
    .reset = on_reset,
    .content = on_content,
    .settings = on_settings,
};

/* Opens the windows for what has gone on to the client. */
static void consume(struct txn *txn)
{
    struct h2_stream *stream = txn->seat.stream;
    size_t here = relay_rest(&txn->back_in).len + txn->seat.spill.len;

    if (!stream || stream->unconsumed <= here)
        return;
    h2_consume(stream, stream->unconsumed - (uint32_t)here);
    trunk_touch(txn->seat.trunk);
}

/* One trailer as a line of HTTP/1.1. */
static struct field line_of(struct buf *lines, const struct field *trailer)
{
    struct field line = *trailer;

    line.name.p = lines->p + lines->len;
    line.value.p = line.name.p + trailer->name.len + 2;
    h1_write_parsed(lines, trailer);
    return line;
}

/* The trailers of the answer as lines, for clients of HTTP/1.1 too. */
static void take_trailers(struct txn *txn)
{
    const struct h2_stream *stream = txn->seat.stream;
    struct h1_body *body = &txn->reply_body;
    struct relay_buf *room = &txn->seat.lines;
    struct buf lines;

    if (!worker_hold_buf(txn->worker, room)) {
        txn->seat.why_starved = no_room_down;
        return;
    }
    buf_init(&lines, room->p, room->cap);
    for (size_t i = 0; i < stream->trailers_len && i < body->trailers_cap; i++)
        body->trailers[body->trailers_len++] = line_of(&lines, &stream->trailers[i]);
    BUG_ON(lines.full); /* their maximum is half of a buffer */
}

/* All is in back_in: the transaction gets to know that nothing follows. */
static void tell_end(struct txn *txn)
{
    txn->seat.told_end = true;
    h1_body_end(&txn->reply_body);
    txn->reply_body.trailers_len = 0;
    if (txn->reply_body.trailers && txn->seat.stream->trailers_len)
        take_trailers(txn);
}

static void read_on(struct txn *txn)
{
    bool moved;

    if (!txn->seat.stream)
        return;
    moved = refill(txn);
    consume(txn);
    if (txn->step == TXN_STREAM && txn->seat.ended && !txn->seat.told_end &&
        spill_is_empty(&txn->seat.spill)) {
        tell_end(txn);
        moved = true;
    }
    if (moved)
        trunk_ready(txn);
}

static enum outbound_head read_head(struct txn *txn, struct head *head_r, const char **why_r)
{
    const struct h1_limits *limits = &txn->route->conf->response;
    enum h1_error error;

    while (h1_scan(&txn->back_scan, limits, txn->back_in.p, txn->back_in.len) == H1_SCAN_MORE) {
        if (relay_room(&txn->back_in) == 0 && !relay_grow(&txn->back_in, &txn->worker->relay_memory))
            return OUTBOUND_HEAD_FULL;
        if (!refill(txn))
            return OUTBOUND_HEAD_MORE;
    }
    error = txn->back_scan.error
                ? txn->back_scan.error
                : h1_response_parse(&txn->back_scan, txn->back_in.p, txn->head.method, head_r);
    if (error) {
        *why_r = h1_error_text(error);
        return OUTBOUND_HEAD_BAD;
    }
    txn->back_head_end = txn->back_scan.end;
    if (head_r->status >= 200)
        head_r->framing = txn->seat.framing;
    head_r->keep_alive = true;
    return OUTBOUND_HEAD_DONE;
}

static bool is_over(const struct txn *txn)
{
    return txn->seat.ended && spill_is_empty(&txn->seat.spill);
}

/* A request that would become a tunnel goes by HTTP/1.1. */
static void no_tunnel(struct txn *txn)
{
    BUG("txn %p: a tunnel on a stream", (void *)txn);
}

static bool is_clean(const struct txn *txn)
{
    return txn->seat.trunk != NULL;
}

static void release(struct txn *txn, bool keep_it)
{
    (void)keep_it;
    trunk_leave(txn);
}

const struct outbound_ops outbound_h2 = {
    .framed = true,
    .begin = begin,
    .flush = flush,
    .read_on = read_on,
    .head = read_head,
    .is_over = is_over,
    .shutdown = no_tunnel,
    .is_clean = is_clean,
    .release = release,
};

/* ---- what has come is told ---- */

/* The stream has ended before the answer had: whose doing that was. */
static void tell_break(struct txn *txn)
{
    struct trunk_seat *seat = &txn->seat;
    enum outcome outcome;
    const char *why;
    bool has_ended = trunk_has_ended(seat->trunk, &outcome, &why);

    if (seat->why_bad)
        txn_on_bad_answer(txn, seat->why_bad);
    else if (seat->refused && txn->back_in.len == 0)
        txn_on_target_refusal(txn);
    else if (has_ended && outcome == OUTCOME_OVERLOAD)
        txn_on_starved(txn, why);
    else if (has_ended && outcome == OUTCOME_BAD_RESPONSE)
        txn_on_bad_answer(txn, why);
    else
        txn_on_target_end(txn, !has_ended || outcome == OUTCOME_TARGET_RESET);
}

void outbound_h2_tell(struct txn *txn)
{
    struct trunk_seat *seat = &txn->seat;
    const struct trunk *trunk = seat->trunk;

    if (txn->step == TXN_CONNECT) {
        txn_go_on(txn);
        return;
    }
    if (seat->why_starved) {
        txn_on_starved(txn, seat->why_starved);
        return;
    }
    if (seat->why_bad && !seat->broken) {
        txn_on_bad_answer(txn, seat->why_bad);
        return;
    }
    if (seat->drained && !seat->broken) {
        seat->drained = false;
        txn_on_target_writable(txn);
        if (txn->step == TXN_END || seat->trunk != trunk)
            return;
    }
    read_on(txn);
    if (seat->broken && spill_is_empty(&seat->spill))
        tell_break(txn);
    else
        txn_go_on(txn);
}
