#include "proxy/mux.h"

#include "base/log.h"
#include "proxy/front.h"
#include "proxy/stream.h"
#include "proxy/worker.h"

enum {
    SECOND_GOAWAY_MS = 1000, /* after the first: a long round trip */
    ROOM_MIN = 2048,         /* with less, frames would become small */
};

static struct worker *worker_of(const struct mux *mux)
{
    return mux->front->worker;
}

struct stream *mux_streams(const struct front *front)
{
    return front->is_mux && front->state == FRONT_MUX ? front->mux->streams : NULL;
}

void mux_later(struct mux *mux)
{
    struct worker *worker = worker_of(mux);

    if (mux->due || mux->closed)
        return;
    mux->due = true;
    mux->next_due = worker->muxes;
    worker->muxes = mux;
}

/* ---- output ---- */

/* Whether the front's deadline is that of the second GOAWAY. */
static bool awaits_goaway(const struct mux *mux)
{
    return mux->drains && !mux->drained;
}

/* The client has to take something before anything else happens. */
static void block(struct mux *mux)
{
    struct worker *worker = worker_of(mux);

    mux->blocked = true;
    conn_write_wait(&mux->front->conn);
    conn_read_pause(&mux->front->conn);
    if (!awaits_goaway(mux))
        inbound_deadline(worker, &mux->front->in, worker->config->route_timeouts.write_ns);
}

/* One write of what is there. False when the socket takes no more. */
static bool write_out(struct mux *mux)
{
    struct relay_buf *out = &mux->out;
    struct iovec iov = {out->p + out->off, out->len - out->off};
    ssize_t n;

    if (iov.iov_len == 0)
        return true;
    n = conn_writev(&mux->front->conn, &iov, 1);
    mux->broken = n == CONN_FAILED;
    if (n > 0)
        out->off += (uint32_t)n;
    if (out->off < out->len) {
        block(mux);
        return false;
    }
    relay_restart(out);
    return true;
}

/* There is no memory for what it has to say, but for its end. */
static void starve(struct mux *mux)
{
    char last[H2_GATHER_MIN];
    struct iovec iov = {last, 0};

    h2_end(mux->h2, H2_MEMORY);
    iov.iov_len = h2_gather(mux->h2, last, sizeof last);
    mux->broken = conn_writev(&mux->front->conn, &iov, 1) == CONN_FAILED;
}

/* Room for frames, if need be made by a larger buffer or by a write. */
static bool make_room(struct mux *mux)
{
    struct worker *worker = worker_of(mux);

    if (!worker_hold_buf(worker, &mux->out)) {
        starve(mux);
        return false;
    }
    if (relay_room(&mux->out) >= ROOM_MIN)
        return true;
    return relay_stretch(&mux->out, &worker->relay_memory) || write_out(mux);
}

void mux_pull(struct mux *mux)
{
    mux_later(mux);
    while (!mux->blocked && h2_has_output(mux->h2) && make_room(mux)) {
        size_t n = h2_gather(mux->h2, mux->out.p + mux->out.len, relay_room(&mux->out));

        if (n == 0)
            return;
        mux->out.len += (uint32_t)n;
    }
}

/* ---- what has happened ---- */

static void run_todo(struct mux *mux)
{
    while (mux->todo && !mux->closed) {
        struct stream *stream = mux->todo;

        mux->todo = stream->next_todo;
        if (!mux->todo)
            mux->todo_end = &mux->todo;
        stream->listed = false;
        stream_go(stream);
    }
}

/* The session has ended for a reason: counts and tells it, once. */
static void note_end(struct mux *mux)
{
    struct worker *worker = worker_of(mux);
    enum h2_error error = h2_ended(mux->h2);
    uint64_t suppressed;

    if (mux->told || !error)
        return;
    mux->told = true;
    cell_add(&worker->shard->http2_ends[error], 1);
    if (h2_error_code(error) == H2_CODE_ENHANCE_YOUR_CALM &&
        log_limit_pass(&worker->flood_limit, worker->now_ns, &suppressed))
        log_warn("an HTTP/2 connection of %.*s is ended: %s (%llu more such lines were left out)",
                 STR_ARG(front_ip(mux->front)), h2_error_text(error), (unsigned long long)suppressed);
    else
        log_debug("an HTTP/2 connection of %.*s is ended: %s", STR_ARG(front_ip(mux->front)),
                  h2_error_text(error));
}

/* Whether nothing more will come of it. */
static bool is_over(const struct mux *mux)
{
    return h2_ended(mux->h2) || (mux->drained && h2_live(mux->h2) == 0);
}

/* The first GOAWAY is out, by an order, or because so many streams have been begun. */
static void watch_drain(struct mux *mux)
{
    if (mux->drains || !h2_is_draining(mux->h2))
        return;
    mux->drains = true;
    inbound_deadline(worker_of(mux), &mux->front->in, SECOND_GOAWAY_MS * NS_PER_MS);
}

/* How long it may be without a stream; while there is one it has its own deadlines. */
static int64_t idle_ns(const struct mux *mux)
{
    const struct config_edge_timeouts *timeouts = &worker_of(mux)->config->timeouts;

    if (mux->front->state != FRONT_REST)
        return 0;
    return mux->front->served ? timeouts->http2_idle_ns : timeouts->head_ns;
}

/* The state of the front follows its streams: one that rests may be closed by whoever needs room. */
static void follow_streams(struct mux *mux)
{
    struct front *front = mux->front;

    if (front_rests(front, h2_live(mux->h2) == 0) && !mux->blocked && !awaits_goaway(mux))
        inbound_deadline(worker_of(mux), &front->in, idle_ns(mux));
}

/* After everything else: the state of the front, and whether it ends. */
static void settle(struct mux *mux)
{
    struct worker *worker = worker_of(mux);
    struct front *front = mux->front;

    note_end(mux);
    if (is_over(mux) && !mux->blocked) {
        front_linger(front);
        return;
    }
    watch_drain(mux);
    follow_streams(mux);
    if (mux->out.p && mux->out.len == 0)
        relay_release(&mux->out, &worker->relay_memory);
}

/* The socket has taken everything: it is the client's turn. */
static void listen_again(struct mux *mux)
{
    conn_write_done(&mux->front->conn);
    if (h2_ended(mux->h2) == H2_OK)
        conn_read_resume(&mux->front->conn);
}

/* Lets the streams go on, sends what there is, and looks at what has become of it. */
static void look(struct mux *mux)
{
    bool more;

    do {
        run_todo(mux);
        if (mux->closed)
            return;
        mux_pull(mux);
        more = mux->todo != NULL; /* what was taken */
    } while (more);
    if (!mux->blocked && write_out(mux))
        listen_again(mux);
    if (mux->broken)
        front_close(mux->front);
    else
        settle(mux);
}

/* Nobody on the stack holds one any more. */
static void bury_streams(struct mux *mux)
{
    while (mux->dead) {
        struct stream *stream = mux->dead;

        mux->dead = stream->next;
        mem_pool_put(&worker_of(mux)->stream_memory, stream);
    }
}

void muxes_flush(struct worker *worker)
{
    while (worker->muxes) {
        struct mux *mux = worker->muxes;

        worker->muxes = mux->next_due;
        if (!mux->closed)
            look(mux);
        mux->due = false;
        bury_streams(mux);
    }
}

/* ---- events ---- */

static void feed(struct mux *mux, struct str bytes)
{
    if (h2_feed(mux->h2, bytes.p, bytes.len, worker_of(mux)->now_ns) != H2_OK)
        conn_read_pause(&mux->front->conn);
    follow_streams(mux);
    run_todo(mux);
    if (!mux->closed)
        mux_later(mux);
}

static void receive(struct mux *mux)
{
    struct worker *worker = worker_of(mux);
    ssize_t n = conn_recv(&mux->front->conn, worker->scratch, sizeof worker->scratch);

    if (n == CONN_AGAIN)
        return;
    if (n <= 0)
        front_close(mux->front);
    else
        feed(mux, (struct str){worker->scratch, (size_t)n});
}

void mux_on_ready(struct mux *mux, unsigned ready)
{
    if (ready & CONN_READABLE) {
        receive(mux);
        return;
    }
    if (!mux->blocked) {
        conn_write_done(&mux->front->conn);
        return;
    }
    mux->blocked = false;
    if (!write_out(mux)) {
        if (mux->broken)
            front_close(mux->front);
        return;
    }
    if (!awaits_goaway(mux))
        inbound_deadline(worker_of(mux), &mux->front->in, idle_ns(mux));
    mux_later(mux); /* which mostly fills the socket again: the events are left as they are until then */
}

void mux_on_timer(struct mux *mux)
{
    if (awaits_goaway(mux)) {
        h2_drain_now(mux->h2);
        mux->drained = true;
        if (mux->blocked)
            block(mux);
        mux_later(mux);
    } else if (mux->blocked) {
        front_close(mux->front); /* it takes nothing */
    } else {
        h2_end(mux->h2, H2_IDLE);
        mux_later(mux);
    }
}

void mux_on_goaway(struct mux *mux)
{
    mux->drains = mux->drained = true;
    mux_later(mux);
}

void mux_drain(struct mux *mux)
{
    h2_drain(mux->h2);
    mux_later(mux);
}

/* ---- life ---- */

static struct h2_config config_of(struct worker *worker)
{
    const struct config *config = worker->config;
    struct h2_config h2 = h2_server_config;

    h2.limits = config->limits.request;
    h2.streams = config->http2.streams;
    h2.streams_total = config->http2.requests;
    h2.window = (uint32_t)config->http2.stream_window;
    h2.session_window = (uint32_t)config->http2.window;
    h2.extended_connect = true;
    h2.budget = &worker->shared->memory;
    h2.blocks = &worker->h2_blocks;
    return h2;
}

bool mux_begin(struct front *front, struct str first)
{
    struct worker *worker = front->worker;
    struct h2_config config = config_of(worker);
    struct mux *mux = mem_pool_get(&worker->mux_memory);

    if (!mux)
        return false;
    *mux = (struct mux){.front = front, .todo_end = &mux->todo};
    mux->h2 = h2_new(&config, &stream_events, mux, worker->now_ns);
    if (!mux->h2) {
        mem_pool_put(&worker->mux_memory, mux);
        return false;
    }
    front->mux = mux;
    front->is_mux = true;
    (void)front_rests(front, true);
    inbound_deadline(worker, &front->in, worker->config->timeouts.head_ns);
    if (worker->draining)
        mux_drain(mux);
    if (first.len)
        feed(mux, first);
    else
        mux_later(mux);
    return true;
}

void mux_close(struct mux *mux)
{
    mux->closed = true;
    while (mux->streams)
        stream_drop(mux->streams);
    h2_free(&mux->h2);
    relay_release(&mux->out, &worker_of(mux)->relay_memory);
}

void mux_free(struct mux *mux)
{
    bury_streams(mux);
    mem_pool_put(&worker_of(mux)->mux_memory, mux);
}
