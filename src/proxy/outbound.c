#include "proxy/outbound.h"

#include "proxy/front.h"
#include "proxy/step.h"
#include "proxy/worker.h"

static void begin(struct txn *txn)
{
    h1_scan_init(&txn->back_scan);
}

static enum relay_result flush(struct txn *txn)
{
    return relay_flush(&txn->up, &txn->back->conn);
}

static void read_on(struct txn *txn)
{
    conn_read_resume(&txn->back->conn);
}

static enum outbound_head read_head(struct txn *txn, struct head *head_r, const char **why_r)
{
    const struct h1_limits *limits = &txn->route->conf->response;
    enum h1_error error;

    switch (h1_scan(&txn->back_scan, limits, txn->back_in.p, txn->back_in.len)) {
    case H1_SCAN_MORE:
        if (relay_room(&txn->back_in) == 0 && !relay_grow(&txn->back_in, &txn->worker->relay_memory))
            return OUTBOUND_HEAD_FULL;
        return OUTBOUND_HEAD_MORE;
    case H1_SCAN_BAD:
        *why_r = h1_error_text(txn->back_scan.error);
        return OUTBOUND_HEAD_BAD;
    case H1_SCAN_DONE:
        break;
    }
    error = h1_response_parse(&txn->back_scan, txn->back_in.p, txn->head.method, head_r);
    if (error) {
        *why_r = h1_error_text(error);
        return OUTBOUND_HEAD_BAD;
    }
    txn->back_head_end = txn->back_scan.end;
    return OUTBOUND_HEAD_DONE;
}

static void shut(struct txn *txn)
{
    conn_shutdown(&txn->back->conn);
}

/* A read that filled the buffer to its end may have left bytes of the target's in the socket, which would be
 * taken for the next answer (http.md M26). */
static bool is_clean(const struct txn *txn)
{
    return txn->back_end == BACK_OPEN && relay_room(&txn->back_in) > 0 && !conn_holds(&txn->back->conn);
}

static void release(struct txn *txn, bool keep)
{
    if (keep)
        pool_give(txn->back, txn->worker->now_ns);
    else
        pool_drop(txn->back);
    txn->back = NULL;
}

const struct outbound_ops outbound_h1 = {
    .begin = begin,
    .flush = flush,
    .read_on = read_on,
    .head = read_head,
    .shutdown = shut,
    .is_clean = is_clean,
    .release = release,
};

/* ---- events ---- */

static ssize_t read_bulk(struct txn *txn)
{
    ssize_t n = bulk_fill(&txn->down, &txn->reply_body, &txn->back->conn);

    if (n > 0)
        cell_add(&txn->worker->shard->bulk_bytes, (uint64_t)n);
    return n;
}

/* One read of the answer, or CONN_AGAIN when the client is slower than the target: going on resumes it. */
static ssize_t receive(struct txn *txn)
{
    struct conn *conn = &txn->back->conn;

    if (txn->step == TXN_STREAM && step_takes_bulk(txn))
        return read_bulk(txn);
    if (relay_room(&txn->back_in) > 0 && !relay_piped(&txn->down))
        return relay_recv(&txn->back_in, conn);
    conn_read_pause(conn);
    return CONN_AGAIN;
}

static void on_readable(struct txn *txn)
{
    ssize_t n;

    if (!worker_hold_buf(txn->worker, &txn->back_in)) {
        txn_on_starved(txn, "the memory for answers is used up");
        return;
    }
    n = receive(txn);
    if (n == CONN_AGAIN)
        return;
    if (n > 0) {
        txn_go_on(txn);
        return;
    }
    conn_read_pause(&txn->back->conn);
    txn_on_target_end(txn, n == CONN_FAILED);
}

void outbound_on_conn(struct conn *conn, unsigned ready)
{
    struct pool_conn *pc = CONTAINER_OF(conn, struct pool_conn, conn);
    struct txn *txn = pc->user;

    worker_wake(txn->worker);
    if (txn->step == TXN_CONNECT)
        txn_go_on(txn);
    else if (ready & CONN_READABLE)
        on_readable(txn);
    else
        txn_on_target_writable(txn);
}
