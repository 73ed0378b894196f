#include "proxy/stream.h"

#include "base/log.h"
#include "net/websocket.h"
#include "proto/h1_write.h"
#include "proxy/front.h"
#include "proxy/mux.h"
#include "proxy/txn.h"
#include "proxy/worker.h"

#define UPGRADE_LINES "upgrade: websocket\r\nsec-websocket-key: "

enum {
    LINE_COST = 4,                             /* ": " and CR LF */
    CONTENT_ROOM = 4096,                       /* free behind a head, so that content comes through */
    FIELDS_MAX = TXN_RESPONSE_FIELDS_MAX + 32, /* of an answer, with ours */
};

static struct stream *stream_of(struct inbound *in)
{
    return CONTAINER_OF(in, struct stream, in);
}

static struct worker *worker_of(const struct stream *stream)
{
    return stream->mux->front->worker;
}

/* ---- life ---- */

/* It goes on when the session has returned. */
static void later(struct stream *stream)
{
    struct mux *mux = stream->mux;

    mux_later(mux);
    if (stream->listed)
        return;
    stream->listed = true;
    stream->next_todo = NULL;
    *mux->todo_end = stream;
    mux->todo_end = &stream->next_todo;
}

static void unlist(struct stream *stream)
{
    struct stream **at = &stream->mux->todo;

    if (!stream->listed)
        return;
    stream->listed = false;
    while (*at != stream)
        at = &(*at)->next_todo;
    *at = stream->next_todo;
    if (!*at)
        stream->mux->todo_end = at;
}

/* It has no transaction any more. */
static void destroy(struct stream *stream)
{
    struct mux *mux = stream->mux;
    struct relay_memory *memory = &worker_of(stream)->relay_memory;

    h2_release(stream->h2);
    stream->h2 = NULL;
    unlist(stream);
    inbound_deadline(worker_of(stream), &stream->in, 0);
    relay_release(&stream->in.buf, memory);
    spill_release(&stream->spill, worker_of(stream));
    relay_release(&stream->tail, memory);
    if (stream->prev)
        stream->prev->next = stream->next;
    else
        mux->streams = stream->next;
    if (stream->next)
        stream->next->prev = stream->prev;
    stream->next = mux->dead;
    mux->dead = stream;
    mux_later(mux);
}

void stream_drop(struct stream *stream)
{
    if (stream->in.txn)
        txn_abandon(stream->in.txn, OUTCOME_CLIENT_GONE);
    destroy(stream);
}

/* ---- the head of a request ---- */

static struct str put(struct relay_buf *buf, struct str s)
{
    char *at = buf->p + buf->len;

    if (s.len)
        memcpy(at, s.p, s.len);
    buf->len += (uint32_t)s.len;
    return (struct str){at, s.len};
}

/* Whether a field is written down: of a WebSocket the key is ours. */
static bool is_kept(const struct head *head, const struct field *field)
{
    return !(head->extended_connect && field->id == FIELD_SEC_WEBSOCKET_KEY);
}

static size_t head_len(const struct head *head)
{
    size_t len = head->method_name.len + head->target.len + head->authority.whole.len + 6;

    for (size_t i = 0; i < head->len; i++)
        len += head->fields[i].name.len + head->fields[i].value.len + LINE_COST;
    if (head->extended_connect)
        len += strlen(UPGRADE_LINES) + WEBSOCKET_KEY_LEN + 2;
    return len;
}

/* Writes the lines of a head down. False when there is no memory for them. */
static bool keep_head(struct stream *stream, const struct head *head)
{
    struct relay_buf *buf = &stream->in.buf;
    size_t len = head_len(head);

    if (!worker_hold_buf(worker_of(stream), buf) ||
        (len + CONTENT_ROOM > buf->cap && !relay_grow(buf, &worker_of(stream)->relay_memory)) ||
        len + CONTENT_ROOM > buf->cap)
        return false;
    put(buf, head->method_name);
    put(buf, STR(" "));
    put(buf, head->target);
    put(buf, STR(" "));
    put(buf, head->authority.whole);
    put(buf, STR("\r\n"));
    for (size_t i = 0; i < head->len; i++) {
        if (!is_kept(head, &head->fields[i]))
            continue;
        put(buf, head->fields[i].name);
        put(buf, STR(": "));
        put(buf, head->fields[i].value);
        put(buf, STR("\r\n"));
    }
    if (head->extended_connect) {
        put(buf, STR(UPGRADE_LINES));
        websocket_key(rnd_u64(&worker_of(stream)->ids), rnd_u64(&worker_of(stream)->ids), buf->p + buf->len);
        buf->len += WEBSOCKET_KEY_LEN;
        put(buf, STR("\r\n"));
    }
    put(buf, STR("\r\n"));
    stream->in.scan.end = buf->len;
    return true;
}

/* A slice of `from` as a slice of its copy `to`; others are constants. */
static struct str moved(struct str s, struct str from, struct str to)
{
    if (s.p < from.p || s.p > from.p + from.len)
        return s;
    return (struct str){to.p + (s.p - from.p), s.len};
}

static struct str next_piece(const char **at, size_t len, size_t gap)
{
    struct str s = {*at, len};

    *at += len + gap;
    return s;
}

/* The start of the head: its slices move into the lines. */
static const char *read_start(struct head *head, const struct head *from, const char *at)
{
    head->method_name = next_piece(&at, from->method_name.len, 1);
    head->target = next_piece(&at, from->target.len, 1);
    head->path = moved(from->path, from->target, head->target);
    head->query = moved(from->query, from->target, head->target);
    head->authority.whole = next_piece(&at, from->authority.whole.len, 2);
    head->authority.host = moved(from->authority.host, from->authority.whole, head->authority.whole);
    return at;
}

/* The fields, in the order in which keep_head has written them. */
static bool read_fields(struct head *head, const struct head *from, const char *at)
{
    bool ok = true;

    for (size_t i = 0; i < from->len && ok; i++) {
        struct field field = from->fields[i];

        if (!is_kept(from, &field))
            continue;
        field.name = next_piece(&at, field.name.len, 2);
        field.value = next_piece(&at, field.value.len, 2);
        ok = head_put(head, &field);
    }
    if (from->extended_connect && ok) {
        struct str upgrade = next_piece(&at, strlen("upgrade"), 2);
        struct str websocket = next_piece(&at, strlen("websocket"), 2);
        struct str key_name = next_piece(&at, strlen("sec-websocket-key"), 2);

        ok = head_add(head, upgrade, websocket, false) &&
             head_add(head, key_name, next_piece(&at, WEBSOCKET_KEY_LEN, 2), false);
    }
    return ok;
}

static enum h1_error read_head(struct inbound *in, struct head *head_r)
{
    struct stream *stream = stream_of(in);
    const struct head *from = stream->h2->head;
    struct head head = *from;
    const char *at;
    bool fits;

    head.fields = head_r->fields;
    head.cap = head_r->cap;
    head.len = 0;
    memset(head.first, 0, sizeof head.first);
    at = read_start(&head, from, in->buf.p);
    fits = read_fields(&head, from, at);
    *head_r = head;
    h2_head_drop(stream->h2);
    return stream->error || fits ? stream->error : H1_TOO_MANY_FIELDS;
}

/* ---- its content ---- */

/* What has been sent upward makes room for what waits, and the client may send as much again. */
static void read_on(struct inbound *in, bool more)
{
    struct stream *stream = stream_of(in);

    (void)more; /* a codec of frames tells of what has gone on in any case */
    h2_consume(stream->h2, in->buf.off - in->buf.keep);
    relay_rewind(&in->buf);
    if (!spill_move(&stream->spill, worker_of(stream), &in->buf))
        return;
    stream->news = true;
    later(stream);
}

static void on_data(void *owner, struct h2_stream *h2, struct str data)
{
    struct stream *stream = h2->user;

    (void)owner;
    if (stream->gone || stream->starved)
        return;
    if (spill_is_empty(&stream->spill) && relay_room(&stream->in.buf) >= data.len)
        put(&stream->in.buf, data);
    else if (!spill_add(&stream->spill, worker_of(stream), data))
        stream->starved = true;
    stream->news = true;
    later(stream);
}

static void on_end(void *owner, struct h2_stream *h2)
{
    struct stream *stream = h2->user;

    (void)owner;
    if (stream->gone || stream->starved)
        return;
    stream->news = true;
    later(stream);
}

/* All of the request is in in.buf, or was. */
static bool is_whole(const struct stream *stream)
{
    return stream->h2->ended && spill_is_empty(&stream->spill);
}

/* Trailers become lines, for a target that wants them in that form. */
static void read_trailers(struct inbound *in)
{
    struct stream *stream = stream_of(in);
    struct h1_body *body = &in->txn->body;
    const struct h2_stream *h2 = stream->h2;
    size_t len = 0;

    for (size_t i = 0; i < h2->trailers_len; i++)
        len += h2->trailers[i].name.len + h2->trailers[i].value.len + LINE_COST;
    if (!body->trailers || len == 0 || h2->trailers_len > body->trailers_cap ||
        !worker_hold_buf(worker_of(stream), &stream->tail) || len > stream->tail.cap)
        return; /* any recipient may drop them (RFC 9110 section 6.5.1) */
    stream->tail.len = 0;
    for (size_t i = 0; i < h2->trailers_len; i++) {
        struct str name = put(&stream->tail, h2->trailers[i].name), value;

        put(&stream->tail, STR(": "));
        value = put(&stream->tail, h2->trailers[i].value);
        put(&stream->tail, STR("\r\n"));
        field_set(&body->trailers[i], name, value, false);
    }
    body->trailers_len = h2->trailers_len;
}

/* ---- the answer ---- */

/* The lines of a head, taken apart: slices of what is queued. */
struct answer_head {
    unsigned status;
    struct field fields[FIELDS_MAX];
    size_t len;
};

/* One line of it from the front of the queue, which composes whole lines only. */
static struct str take_line(struct relay_queue *queue)
{
    const struct iovec *iov = &queue->iov[queue->at];
    struct str line = {iov->iov_base, 0};
    const char *end;

    BUG_ON(queue->at == queue->len);
    end = memchr(line.p, '\n', iov->iov_len);
    BUG_ON(!end || end == line.p);
    line.len = (size_t)(end - line.p) - 1;
    relay_drop(queue, line.len + 2);
    return line;
}

static unsigned status_of(struct str line)
{
    const char *digits = line.p + strlen("HTTP/1.1 ");

    BUG_ON(line.len < strlen("HTTP/1.1 200"));
    return (unsigned)(digits[0] - '0') * 100 + (unsigned)(digits[1] - '0') * 10 + (unsigned)(digits[2] - '0');
}

/* What our composing has made of a head becomes fields again. */
static void take_head(struct relay_queue *queue, struct answer_head *head)
{
    struct str line = take_line(queue);

    head->status = status_of(line);
    head->len = 0;
    while ((line = take_line(queue)).len) {
        const char *colon = memchr(line.p, ':', line.len);
        struct str name, value;

        BUG_ON(!colon || head->len == FIELDS_MAX);
        name = (struct str){line.p, (size_t)(colon - line.p)};
        value = str_trim((struct str){colon + 1, line.len - name.len - 1});
        field_set(&head->fields[head->len], name, value, false);
        head->len++;
    }
}

/* Hands over the head that is queued. False when the client cannot be told. */
static bool send_head(struct stream *stream)
{
    struct txn *txn = stream->in.txn;
    struct answer_head head;
    bool switches, content;

    take_head(&txn->down, &head);
    switches = head.status == 101;
    if (head.status < 200 && !switches)
        return h2_interim(stream->h2, head.status, head.fields, head.len);
    for (size_t i = 0; switches && i < head.len; i++)
        if (head.fields[i].id ==
            FIELD_SEC_WEBSOCKET_ACCEPT) /* it answers a key that the client has not sent */
            head.fields[i].flags |= FIELD_HOP;
    stream->answered = true;
    content = switches || !txn->reply_queued || !relay_drained(&txn->down) || txn->reply_body.trailers_len;
    return h2_respond(stream->h2, switches ? 200 : head.status, head.fields, head.len, content);
}

static enum relay_result flush(struct inbound *in)
{
    struct stream *stream = stream_of(in);
    struct txn *txn = in->txn;
    struct relay_queue *queue = &txn->down;
    bool ends = txn->reply_queued || stream->shut;

    stream->waits = stream->taken = false;
    if (stream->gone)
        return RELAY_BROKEN;
    while (!stream->answered && !relay_drained(queue))
        if (!send_head(stream))
            return RELAY_BROKEN;
    if (stream->answered && !stream->h2->finished && (ends || !relay_drained(queue)))
        h2_wake(stream->h2);
    mux_pull(stream->mux);
    if (stream->gone)
        return RELAY_BROKEN;
    if (relay_drained(queue) && (!ends || stream->h2->finished)) {
        relay_forget(queue);
        return RELAY_DRAINED;
    }
    stream->waits = true;
    return RELAY_BLOCKED;
}

static size_t on_content(void *owner, struct h2_stream *h2, char *out, size_t max, bool *end_r)
{
    struct stream *stream = h2->user;
    struct txn *txn = stream->in.txn;
    size_t len = relay_take(&txn->down, out, max);

    (void)owner;
    if (!relay_drained(&txn->down))
        return len;
    *end_r = txn->reply_queued || stream->shut;
    if (txn->reply_queued && txn->reply_body.trailers_len &&
        !h2_trailers(h2, txn->reply_body.trailers, txn->reply_body.trailers_len))
        log_debug("trailers of an answer are dropped");
    if (stream->waits) {
        stream->taken = true;
        later(stream);
    }
    return len;
}

/* The session counts what the client has to take by the windows, and what has left by the socket. */
static uint64_t held(const struct inbound *in)
{
    (void)in;
    return 0;
}

static void shut(struct inbound *in)
{
    struct stream *stream = stream_of(in);

    stream->shut = true;
    if (stream->gone)
        return;
    h2_wake(stream->h2);
    mux_pull(stream->mux);
}

static void done(struct inbound *in)
{
    destroy(stream_of(in));
}

/* RFC 9113 section 8.1.1: a stream that is reset is no whole answer. */
static void cut(struct inbound *in)
{
    struct stream *stream = stream_of(in);

    if (stream->late && stream->waits)
        h2_stall(stream->h2);
    else
        h2_reset(stream->h2, H2_CODE_INTERNAL_ERROR);
    destroy(stream);
}

static const struct inbound_ops h2_ops = {
    .head = read_head,
    .read_on = read_on,
    .trailers = read_trailers,
    .flush = flush,
    .held = held,
    .shutdown = shut,
    .done = done,
    .cut = cut,
    .close = done,
};

/* ---- what happens to it ---- */

static void on_timer(struct wheel_timer *timer, int64_t now_ns)
{
    struct stream *stream = CONTAINER_OF(timer, struct stream, in.timer);

    worker_of(stream)->now_ns = now_ns;
    stream->late = true;
    txn_on_client_timeout(stream->in.txn);
    stream->late = false; /* also of one that is dead, which is there until the turn ends */
}

/* There is no memory for it: the client may ask again. */
static void turn_away(struct mux *mux, struct h2_stream *h2)
{
    cell_add(&mux->front->worker->shard->starved, 1);
    h2_reset(h2, H2_CODE_REFUSED_STREAM);
    h2_release(h2);
}

static void on_head(void *owner, struct h2_stream *h2, enum h1_error error)
{
    struct mux *mux = owner;
    struct worker *worker = mux->front->worker;
    struct stream *stream = mem_pool_get(&worker->stream_memory);

    mux->front->served = true;
    if (!stream) {
        turn_away(mux, h2);
        return;
    }
    *stream = (struct stream){.mux = mux, .h2 = h2, .next = mux->streams, .error = error};
    stream->in =
        (struct inbound){.ops = &h2_ops, .framed = true, .closing = true, .first_byte_ns = worker->now_ns};
    wheel_timer_init(&stream->in.timer, on_timer);
    h2->user = stream;
    if (stream->next)
        stream->next->prev = stream;
    mux->streams = stream;
    later(stream);
    if (keep_head(stream, h2->head))
        return;
    cell_add(&worker->shard->starved, 1);
    h2_reset(h2, H2_CODE_REFUSED_STREAM);
    stream->gone = true;
}

static void on_reset(void *owner, struct h2_stream *h2, uint32_t code, bool by_peer)
{
    struct stream *stream = h2->user;

    (void)owner, (void)code, (void)by_peer;
    stream->gone = true;
    later(stream);
}

static void on_goaway(void *owner, uint32_t code)
{
    (void)code;
    mux_on_goaway(owner);
}

const struct h2_events stream_events = {
    .head = on_head,
    .data = on_data,
    .end = on_end,
    .reset = on_reset,
    .content = on_content,
    .goaway = on_goaway,
};

static void begin(struct stream *stream)
{
    struct mux *mux = stream->mux;

    stream->begun = true;
    stream->in.whole = is_whole(stream);
    if (txn_begin(mux->front, &stream->in))
        return;
    cell_add(&worker_of(stream)->shard->starved, 1);
    h2_reset(stream->h2, H2_CODE_REFUSED_STREAM);
    destroy(stream);
}

static void tell_content(struct stream *stream)
{
    struct txn *txn = stream->in.txn;
    bool ends = is_whole(stream) && !stream->in.whole;

    stream->news = false;
    if (ends) {
        stream->in.whole = true;
        h1_body_end(&txn->body);
    }
    if (!ends || txn->step != TXN_TUNNEL)
        txn_on_body(txn);
    else if (!txn_on_client_end(txn, false))
        BUG("a tunnel does not outlive its end");
}

void stream_go(struct stream *stream)
{
    if (stream->gone) {
        stream_drop(stream);
        return;
    }
    if (!stream->begun) {
        stream->news = false;
        begin(stream);
        return;
    }
    if (stream->news && stream->starved) {
        stream->news = false;
        txn_on_starved(stream->in.txn, "the memory for requests is used up");
    } else if (stream->news) {
        tell_content(stream);
    }
    if (stream->h2 && stream->waits && stream->taken)
        txn_on_client_writable(stream->in.txn);
}
