/*
 * The target's side of a transaction: what it knows of the codec that the target speaks. HTTP/1.1 is
 * outbound_h1; whoever implements it moves the bytes between the connection and the transaction, and calls
 * txn_on_answer, txn_on_target_end and txn_on_target_writable when something has come of it.
 *
 * All kinds give and take the same. In txn->up stands the request as HTTP/1.1 would send it; in txn->back_in
 * the head of the answer as lines, as HTTP/1.1 has them, and behind it content, which txn->reply_body takes
 * apart. A codec that is `framed` delimits messages itself: content comes and goes as it is, without chunks,
 * h1_body_end says that all has come, and trailers stand in txn->body (sent) and txn->reply_body (received).
 *
 * Thread: the worker's.
 */
#ifndef PROXY_OUTBOUND_H
#define PROXY_OUTBOUND_H

#include "proxy/txn.h"

enum outbound_head {
    OUTBOUND_HEAD_MORE, /* it is not whole */
    OUTBOUND_HEAD_DONE, /* it is read; txn->back_head_end is where it ends */
    OUTBOUND_HEAD_BAD,  /* it is wrong */
    OUTBOUND_HEAD_FULL, /* there is no memory for it */
};

struct outbound_ops {
    bool framed;
    /* A request begins: nothing has been sent or received of it. */
    void (*begin)(struct txn *txn);
    /* Sends what is queued in txn->up. With txn->body_sent the end of the request too. */
    enum relay_result (*flush)(struct txn *txn);
    /* There is room in txn->back_in. */
    void (*read_on)(struct txn *txn);
    /* Reads the head of an answer from txn->back_in. `*why_r` is constant text for BAD. */
    enum outbound_head (*head)(struct txn *txn, struct head *head_r, const char **why_r);
    /* Whether all of the answer has come, to its last byte of content and the trailers; for a codec that is
     * framed. */
    bool (*is_over)(const struct txn *txn);
    /* A tunnel: nothing more goes to the target. */
    void (*shutdown)(struct txn *txn);
    /* Whether nothing has been seen of what would be taken for another answer. */
    bool (*is_clean)(const struct txn *txn);
    /* The try is over: gives the connection back, or ends what was asked when it may not `keep` it. */
    void (*release)(struct txn *txn, bool keep);
};

extern const struct outbound_ops outbound_h1;
/* A stream of HTTP/2 on a trunk (proxy/trunk), where txn->seat is. */
extern const struct outbound_ops outbound_h2;

/* HTTP/1.1: the callback of a lent pool_conn, whose user is the transaction. */
void outbound_on_conn(struct conn *conn, unsigned ready);

#endif
