/*
 * Lines on their way to the sinks: a block is shared by all sinks that still have to take it, and a queue
 * holds what one of them has not taken. A queue is bounded in bytes, and who fills it is not held up: the
 * block is lost for this sink.
 *
 *   exporter ── push ──> queue ── wait ──> the sink's thread
 */
#ifndef EXPORT_LOGBLOCK_H
#define EXPORT_LOGBLOCK_H

#include "base/bug.h"
#include "proxy/accesslog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whole lines, each ended by LF. Nobody changes them once the block is in a queue. */
struct logblock {
    _Atomic uint32_t refs; /* relaxed up; down with release, and acquire by who frees it */
    uint32_t lines;
    bool metrics; /* not of requests: they are written as they are, and have no marks */
    size_t len;
    char *bytes; /* behind the marks */
    struct accesslog_mark marks[];
};

/* With one owner, and room for `cap` bytes and `marks` marks. Thread: any. */
struct logblock *logblock_new(size_t cap, uint32_t marks);
/* One owner less; the last frees it. Thread: any. */
void logblock_unref(struct logblock *block);

enum { LOGQUEUE_BLOCKS = 1024 };

struct logqueue {
    pthread_mutex_t lock; /* guards all of it */
    pthread_cond_t filled;
    struct logblock *blocks[LOGQUEUE_BLOCKS]; /* a ring */
    size_t first, len;
    size_t bytes, max_bytes;
    bool reopen, stop;
};

void logqueue_init(struct logqueue *queue, size_t max_bytes);
/* Drops what is left in it. */
void logqueue_fini(struct logqueue *queue);
/* False when there is no room. A queue that is empty takes any block. One more owner of the block, unless
 * false. Thread: the exporter's. */
MUST_CHECK bool logqueue_push(struct logqueue *queue, struct logblock *block);
/* Tells the sink's thread to open its files again, or to end. Thread: any. */
void logqueue_reopen(struct logqueue *queue);
void logqueue_stop(struct logqueue *queue);
/* Bytes that wait. Thread: any. */
size_t logqueue_bytes(struct logqueue *queue);

/* What the sink's thread is to do. */
struct logqueue_work {
    struct logblock *block; /* NULL: none; else the caller owns it */
    bool reopen;
    bool stop; /* this was the last block */
};
/* Waits for `ms` at most; 0: not at all. Thread: the sink's. */
struct logqueue_work logqueue_wait(struct logqueue *queue, unsigned ms);

#endif
