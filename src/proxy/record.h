/*
 * What is kept of a transaction when it ends: the counters of its route and side, its score for the judge,
 * and its line in the access log. All three come from the same values, so that they agree to the request.
 */
#ifndef PROXY_RECORD_H
#define PROXY_RECORD_H

#include "base/mem.h"
#include "proxy/accesslog.h"

struct head;
struct mirror;
struct score;
struct txn;

/* Called exactly once, at END, while the request's slices and the try's connection are still there. Thread:
 * the worker's. */
void record_txn(struct txn *txn);

/* The score of a transaction of the canary has found it to be slow: it is kept as an example. */
void record_slow(struct score *score);

/* Keeps the header fields of the answer that are logged, of a configuration that names some. */
void record_answer(struct txn *txn, const struct head *head);

/* What the log says of the request, kept for the line of its copy: texts are copied into `texts`, shortened
 * where they are long. */
void record_keep(const struct txn *txn, struct accesslog_record *record_r, struct arena *texts);
/* The line of a copy that is over, in the access log. */
void record_mirror(const struct mirror *mirror);

#endif
