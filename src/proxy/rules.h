/*
 * What a route does to a message besides passing it on: header rules, the rewritten path, and the answers
 * that stand in the configuration (redirect, fixed answer).
 *
 * Rules are applied after what the proxy removes and beside what it adds, so that nothing that a client sends
 * (Connection: X-Ours) takes away what a rule gives. A route without rules costs two comparisons a request.
 * Thread: the worker's.
 */
#ifndef PROXY_RULES_H
#define PROXY_RULES_H

#include "base/bug.h"
#include "conf/config.h"
#include "proto/head.h"
#include "proxy/relay.h"

struct txn;

struct rules {
    const struct config_rule *rules;
    size_t len;
};

struct rules rules_of_request(const struct txn *txn);
struct rules rules_of_reply(const struct txn *txn);

/* Marks the fields that rules remove or replace, in all spellings, as not to be sent on. */
void rules_drop(struct rules rules, struct head *head);
/* Queues the fields that rules add, from the arena. False when they do not fit, or a value would break out of
 * its line. */
MUST_CHECK bool rules_write(struct txn *txn, struct rules rules, struct relay_queue *queue);

/* Fixes what the target is asked for. False when it does not fit. */
MUST_CHECK bool rules_path(struct txn *txn);

/* The status of the answer that stands in the route. */
unsigned rules_status(const struct config_route *route);
/* Queues that answer. `close`: the connection ends after it. False when it does not fit. */
MUST_CHECK bool rules_answer(struct txn *txn, bool close);

#endif
