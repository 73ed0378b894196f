/*
 * What bytes pass through on their way: a receive buffer per socket and an output queue per socket.
 *
 * Nothing is copied between them. A receive buffer keeps its bytes where they are until everything that
 * points into them has been sent; an output queue holds slices of receive buffers, of the transaction's arena
 * and of constants.
 *
 *   receive buffer   0 ........ keep ........ off ........ len ........ cap
 *                    |  head    | taken       | not taken  | free       |
 *
 *   keep <= off <= len <= cap. The head of a request stays at the front for retries, for scoring and for the
 * log; what lies between keep and off may still be in an output queue. relay_rewind gives that room back once
 * the queue is drained.
 *
 * Thread: the worker's.
 */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include "base/mem.h"
#include "base/str.h"
#include "net/conn.h"
#include "proto/field.h"

#include <stdint.h>

enum {
    RELAY_SMALL = 16 * 1024,  /* the usual buffer */
    RELAY_LARGE = 128 * 1024, /* for long heads and long bodies */
    RELAY_IOV_MAX =
        112, /* slices in a queue: every second of 200 fields, and a few; the kernel takes 1,024 */
    RELAY_FRAMES_MAX = 16, /* chunk headers in a queue */
    RELAY_FRAME_LEN = 24,  /* CR LF, 13 hex digits, CR LF */
};

/* The two sizes of buffers of a worker. */
struct relay_memory {
    struct mem_pool small, large;
};

/* For so many clients at a time: a small buffer for each side of each, and a large one for an eighth of them;
 * drawn from a budget, NULL for none. */
void relay_memory_init(struct relay_memory *memory, size_t connections, struct budget *budget);
void relay_memory_fini(struct relay_memory *memory);
/* Gives back what is kept for reuse. */
void relay_memory_trim(struct relay_memory *memory);

struct relay_buf {
    char *p; /* NULL: no buffer is held */
    uint32_t cap, keep, off, len;
};

/* Makes sure that a buffer of at least the small size is there; false when there is no memory for it. */
MUST_CHECK bool relay_hold(struct relay_buf *buf, struct relay_memory *memory);
/* Changes to the large size, keeping bytes and positions (but not addresses: nothing may point into it).
 * False when it is large already, or when there is no memory for it. */
MUST_CHECK bool relay_grow(struct relay_buf *buf, struct relay_memory *memory);
/* The same where a small buffer would do: takes no more than half of the large ones, and none while memory is
 * short, so that clients who read slowly do not take them from long heads. */
bool relay_stretch(struct relay_buf *buf, struct relay_memory *memory);
/* Gives the buffer back with whatever is in it. */
void relay_release(struct relay_buf *buf, struct relay_memory *memory);

static inline struct str relay_rest(const struct relay_buf *buf)
{
    return (struct str){buf->p + buf->off, buf->len - buf->off};
}
static inline uint32_t relay_room(const struct relay_buf *buf)
{
    return buf->cap - buf->len;
}
/* Moves what was not taken to the front of the free part. Nothing may point between keep and len. */
void relay_rewind(struct relay_buf *buf);
/* Forgets the head too: what was not taken becomes the front. */
void relay_restart(struct relay_buf *buf);

/* One read into the free room: the count, 0 at the end of the stream, CONN_AGAIN or CONN_FAILED. There must
 * be room. */
MUST_CHECK ssize_t relay_recv(struct relay_buf *buf, struct conn *conn);

struct bulk_pipe;

struct relay_queue {
    struct iovec iov[RELAY_IOV_MAX];
    int at, len;            /* slices not fully sent: at <= len */
    int frames_len;         /* in use */
    uint64_t sent;          /* bytes since relay_queue_init */
    struct bulk_pipe *pipe; /* what is in it follows the slices; NULL: none */
    char frames[RELAY_FRAMES_MAX][RELAY_FRAME_LEN];
};

void relay_queue_init(struct relay_queue *queue);
/* Drops what is queued and not sent. */
void relay_forget(struct relay_queue *queue);
/* Bytes in the pipe, which is there. */
size_t relay_pipe_len(const struct relay_queue *queue);
static inline bool relay_piped(const struct relay_queue *queue)
{
    return queue->pipe && relay_pipe_len(queue) > 0;
}
static inline bool relay_drained(const struct relay_queue *queue)
{
    return queue->at == queue->len && !relay_piped(queue);
}
/* Whether a piece of a body (header, payload, end) still fits. */
static inline bool relay_has_room(const struct relay_queue *queue)
{
    return queue->len + 3 <= RELAY_IOV_MAX && queue->frames_len < RELAY_FRAMES_MAX && !relay_piped(queue);
}
/* Adds a slice, which must stay where it is until it is sent. Slices that touch become one. A full queue is a
 * BUG: ask relay_has_room, or know the count. */
void relay_add(struct relay_queue *queue, struct str s);
/* Adds a piece of payload as it is, or as one chunk (RFC 9112 section 7.1). */
void relay_add_body(struct relay_queue *queue, struct str payload, bool chunked);
/* Adds the end of a chunked body, with the lines of these trailers but those with FIELD_HOP, as slices of the
 * buffer that they were parsed from. False when the queue has no room for so many now: an empty one always
 * has. */
MUST_CHECK bool relay_add_trailers(struct relay_queue *queue, const struct field *trailers, size_t len);

/* Copies up to `max` bytes from `at` bytes behind the front into `out`, and says how many. Without a pipe. */
size_t relay_peek(const struct relay_queue *queue, size_t at, char *out, size_t max);
/* Takes `n` bytes off the front, which were sent by other means. */
void relay_drop(struct relay_queue *queue, size_t n);
/* Copies up to `max` bytes off the front of the slices and takes them off; says how many. */
MUST_CHECK size_t relay_take(struct relay_queue *queue, char *out, size_t max);

enum relay_result {
    RELAY_DRAINED, /* all was taken */
    RELAY_BLOCKED, /* the socket is full; conn_write_wait was called */
    RELAY_BROKEN,  /* the connection is broken */
};
/* One write of what is queued, and one of what is in the pipe. */
MUST_CHECK enum relay_result relay_flush(struct relay_queue *queue, struct conn *conn);

#endif
