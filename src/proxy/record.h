/*
 * What is kept of a transaction when it ends: the counters of its route and side, its score for the judge,
 * and its line in the access log. All three come from the same values, so that they agree to the request.
 */
#ifndef PROXY_RECORD_H
#define PROXY_RECORD_H

struct txn;

/* Called exactly once, at END, while the request's slices and the try's connection are still there. Thread:
 * the worker's. */
void record_txn(struct txn *txn);

#endif
