/*
 * Composes the two heads that a proxy sends: the request to the target and the answer to the client, and the
 * answers that are our own. Field lines that pass unchanged are queued as slices of the receive buffer, run
 * by run; what we add is written into the transaction's arena and comes last, so that nothing a client sends
 * can name or shadow it (http.md M33).
 */
#ifndef PROXY_COMPOSE_H
#define PROXY_COMPOSE_H

#include "proxy/txn.h"

/* Fixes the ids of the request: X-Request-Id and traceparent as received when they are well formed, else new
 * ones; those of the trace by proxy/tracing, where it is on. `known`: the head is whole, and txn->client is
 * who the client is. False when the arena is full. Source: W3C Trace Context 1, section 3.2. */
MUST_CHECK bool compose_ids(struct txn *txn, bool known);

/* Queues the request head for txn->target of txn->group in `up`. False when it does not fit into the arena.
 */
MUST_CHECK bool compose_request(struct txn *txn, struct relay_queue *up);

/* Queues the head of the target's answer (parsed into `head`, whose lines lie in txn->back_in) in txn->down.
 * `close`: this connection ends after it. False when it does not fit. */
MUST_CHECK bool compose_reply(struct txn *txn, struct head *head, bool close);
/* The same for an interim answer (1xx). */
MUST_CHECK bool compose_interim(struct txn *txn, const struct head *head);

/* The same for the 101 (Switching Protocols) to txn->upgrade. */
MUST_CHECK bool compose_switch(struct txn *txn, const struct head *head);

/* Queues a whole answer of our own for txn->outcome with this status: JSON where the client asks for it, else
 * text. */
MUST_CHECK bool compose_own(struct txn *txn, unsigned status, bool close);

#endif
