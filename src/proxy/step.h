/*
 * The steps of a transaction (proxy/txn), for the files that implement them. A step is a short function that
 * moves the transaction as far as it goes and says what is next:
 *
 *   HEAD, ROUTE            proxy/admit   may this request pass, and where to
 *   PLACE                  proxy/place   a target, and a place there
 *   LEASE, CONNECT, SEND   proxy/ask     a connection to it, and the request on its way there
 *   REPLY, STREAM          proxy/reply   the answer on its way back
 *   TUNNEL                 proxy/tunnel  what follows when both sides switch protocols
 *   END                    proxy/txn     which also drives the steps, hears the events, and has all endings
 *
 * Thread: the worker's.
 */
#ifndef PROXY_STEP_H
#define PROXY_STEP_H

#include "proto/h1_error.h"
#include "proxy/txn.h"

enum next {
    NEXT, /* go on with txn->step */
    WAIT, /* for an event */
    OVER, /* the transaction has ended: only its caller's locals may still be touched */
};

MUST_CHECK enum next step_head(struct txn *txn);
MUST_CHECK enum next step_route(struct txn *txn);
MUST_CHECK enum next step_place(struct txn *txn);
MUST_CHECK enum next step_lease(struct txn *txn);
MUST_CHECK enum next step_connect(struct txn *txn);
MUST_CHECK enum next step_send(struct txn *txn);
MUST_CHECK enum next step_reply(struct txn *txn);
MUST_CHECK enum next step_stream(struct txn *txn);
MUST_CHECK enum next step_tunnel(struct txn *txn);

/* The one setter of txn->step. */
void step_to(struct txn *txn, enum txn_step step);

/* What the request is told apart by, where the group goes by that; else empty. */
struct str step_hash_value(const struct txn *txn, const struct config_group *conf);
/* Moves the request upward as far as it goes. For SEND, and when the client has sent more or the target takes
 * more. */
MUST_CHECK enum next step_pump(struct txn *txn);
/* The target has answered 101 with this head: begins the tunnel, or refuses the answer. */
MUST_CHECK enum next step_switch(struct txn *txn, const struct head *head);
/* In STREAM: whether what the target says next is best passed on unread (proxy/bulk). */
MUST_CHECK bool step_takes_bulk(struct txn *txn);
/* Writes what is queued for the client. NEXT: all was taken, and the answer goes on. */
MUST_CHECK enum next step_flush(struct txn *txn);
/* The interim answer that the client was slow to take is through; REPLY goes on behind it. */
void step_interim_done(struct txn *txn);
/* What is left of the time for the whole request, at least 1 ns; INT64_MAX where there is no such limit. */
int64_t step_time_left(const struct txn *txn);
/* Sets both deadlines anew by whose move it is. Call after progress only, for each call gives them their full
 * time. */
void step_deadlines(struct txn *txn);

/* ---- endings ---- */

/* The try has failed before the head of an answer was there: tries again where the outcome's row and what was
 * sent so far allow it, else fails. */
MUST_CHECK enum next step_try_failed(struct txn *txn, enum outcome outcome, const char *error);
/* Ends with an answer of our own, of the outcome's status; cuts where some of another answer was sent
 * already. `error` is constant text, NULL for the outcome's own. */
MUST_CHECK enum next step_fail(struct txn *txn, enum outcome outcome, const char *error);
/* Ends with the answer that stands in the route. */
MUST_CHECK enum next step_answer(struct txn *txn);
/* The same with the status and the text of a row of h1_error.def. */
MUST_CHECK enum next step_refuse(struct txn *txn, enum outcome outcome, enum h1_error error);
/* The client will never send the rest of its request, nor read an answer. */
void step_close(struct txn *txn);
/* The answer cannot be completed: ends the client's connection so that nobody takes it for whole. */
enum next step_cut(struct txn *txn, enum outcome outcome);
/* The target's final answer has this status, which is noted. True when stable is asked instead of a canary
 * that has failed: the step is PLACE again. */
MUST_CHECK bool step_shields(struct txn *txn, unsigned status);
/* The whole answer was sent. */
MUST_CHECK enum next step_served(struct txn *txn);
/* The tunnel has ended: both connections are closed, the client's with RST when a side was broken. `why` is
 * constant text, NULL when both sides were done. */
MUST_CHECK enum next step_tunnel_over(struct txn *txn, const char *why, bool broken);

#endif
