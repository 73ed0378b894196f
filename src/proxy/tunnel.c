/* TUNNEL: bytes in both directions, after client and target have agreed to switch protocols. */
#include "net/websocket.h"
#include "proxy/compose.h"
#include "proxy/inbound.h"
#include "proxy/outbound.h"
#include "proxy/retry.h"
#include "proxy/step.h"
#include "proxy/worker.h"

/* ---- the switch ---- */

/* The value of a field that stands exactly once, else nothing. */
static struct str only_value(const struct head *head, enum field_id id)
{
    const struct field *field = head_find(head, id);

    return field && !head_next(head, field) ? field->value : STR_NULL;
}

/* What is wrong with a 101, or NULL. Source: RFC 9110 section 15.2.2, RFC 6455 section 4.1, RFC 9931. */
static const char *wrong_switch(const struct txn *txn, const struct head *head)
{
    if (!txn->upgrade.len)
        return "the target switched protocols without being asked";
    if (head->upgrade == UPGRADE_NONE || !str_eq_nocase(only_value(head, FIELD_UPGRADE), txn->upgrade))
        return "the target switched to another protocol than it was asked for";
    if (txn->head.upgrade == UPGRADE_WEBSOCKET &&
        !websocket_accepts(only_value(&txn->head, FIELD_SEC_WEBSOCKET_KEY),
                           only_value(head, FIELD_SEC_WEBSOCKET_ACCEPT)))
        return "the target's Sec-WebSocket-Accept does not answer the key";
    return NULL;
}

enum next step_switch(struct txn *txn, const struct head *head)
{
    const char *wrong = wrong_switch(txn, head);
    struct shard_side *side = &txn->cells->side[txn->pick.side];

    if (wrong)
        return step_try_failed(txn, OUTCOME_BAD_RESPONSE, wrong);
    if (!compose_switch(txn, head)) {
        relay_forget(&txn->down);
        return step_try_failed(txn, OUTCOME_BAD_RESPONSE, "the head of the answer is too large");
    }
    txn->target_status = head->status;
    txn->status = txn->in->framed ? 200 : head->status; /* RFC 8441 section 5 */
    txn->reply_ns = txn->worker->now_ns;
    txn->in->closing = true;
    txn->tunnel.up.ended = txn->in->ended || txn->in->whole;
    txn->back_in.keep = txn->back_in.off = txn->back_head_end;
    /* For the judge the request ends here: how long people talk says nothing about the group. */
    score_end(&txn->score, OUTCOME_UPGRADED, head->status, txn->worker->now_ns);
    score_none(&txn->score);
    retry_over(txn);
    cell_add(&side->tunnels, 1);
    inbound_deadline(txn->worker, txn->in, 0);
    step_to(txn, TXN_TUNNEL);
    return NEXT;
}

/* ---- the tunnel ---- */

/* Queues what has come. */
static void take(struct tunnel_way *way, struct relay_buf *buf, struct relay_queue *queue)
{
    struct str rest = relay_rest(buf);

    relay_add(queue, rest);
    way->moved += rest.len;
    buf->off = buf->len;
}

/* Moves what has come from the client; passes the end of it on when all is through. False when the target is
 * broken. */
static bool move_up(struct txn *txn)
{
    struct tunnel_way *way = &txn->tunnel.up;
    struct relay_buf *buf = &txn->in->buf;

    do {
        if (relay_drained(&txn->up))
            take(way, buf, &txn->up);
        switch (txn->out->flush(txn)) {
        case RELAY_BROKEN:
            return false;
        case RELAY_BLOCKED:
            return true;
        case RELAY_DRAINED:
            break;
        }
        txn->in->ops->read_on(txn->in, !way->ended);
    } while (buf->off < buf->len); /* what came while the queue was blocked */
    if (way->ended && !way->closed) {
        way->closed = true;
        txn->out->shutdown(txn);
    }
    return true;
}

/* The same from the target to the client. */
static bool move_down(struct txn *txn)
{
    struct tunnel_way *way = &txn->tunnel.down;
    struct relay_buf *buf = &txn->back_in;

    do {
        if (relay_drained(&txn->down))
            take(way, buf, &txn->down);
        switch (txn->in->ops->flush(txn->in)) {
        case RELAY_BROKEN:
            return false;
        case RELAY_BLOCKED:
            return true;
        case RELAY_DRAINED:
            break;
        }
        relay_rewind(buf);
    } while (buf->off < buf->len);
    if (!way->ended) {
        txn->out->read_on(txn);
    } else if (!way->closed) {
        way->closed = true;
        txn->in->ops->shutdown(txn->in);
    }
    return true;
}

/* A silent tunnel holds no buffer for what the target says; the client's has the head, which the log needs.
 */
static void settle(struct txn *txn)
{
    if (!relay_drained(&txn->down))
        return;
    relay_restart(&txn->back_in);
    if (txn->back_in.len == 0)
        relay_release(&txn->back_in, &txn->worker->relay_memory);
}

/* After one side has closed, the other has the time of a body to say what is left. */
static void watch_silence(struct txn *txn)
{
    const struct config_timeouts *timeouts = &txn->route->conf->timeouts;
    const struct tunnel *tunnel = &txn->tunnel;
    int64_t ns = timeouts->tunnel_ns;

    if ((tunnel->up.ended || tunnel->down.ended) && timeouts->body_ns && (ns == 0 || timeouts->body_ns < ns))
        ns = timeouts->body_ns;
    if (ns)
        wheel_set(&txn->worker->wheel, &txn->timer, txn->worker->now_ns + ns);
    else
        wheel_cancel(&txn->worker->wheel, &txn->timer);
}

enum next step_tunnel(struct txn *txn)
{
    struct tunnel *tunnel = &txn->tunnel;

    if (txn->back_end == BACK_RESET)
        return step_tunnel_over(txn, "the target broke the tunnel", true);
    tunnel->down.ended = txn->back_end == BACK_CLOSED;
    if (!move_up(txn))
        return step_tunnel_over(txn, "the target broke the tunnel", true);
    if (!move_down(txn))
        return step_tunnel_over(txn, "the client broke the tunnel", true);
    if (tunnel->up.closed && tunnel->down.closed)
        return step_tunnel_over(txn, NULL, false);
    settle(txn);
    watch_silence(txn);
    return WAIT;
}
