/*
 * Long bodies that nobody here has to look at: they pass from socket to socket through a pipe, inside the
 * kernel, without being copied to us (splice). A queue that has a pipe sends what is in it after its slices.
 *
 * Only the plain middle of a body goes this way: its first bytes came with the head, and its last ones are
 * read as usual, so that what a peer sends beyond its body is seen at once (http.md M26).
 *
 * A worker has a fixed number of pipes; a body that finds none is relayed through buffers.
 * Thread: the worker's.
 */
#ifndef PROXY_BULK_H
#define PROXY_BULK_H

#include "net/conn.h"
#include "proto/h1_body.h"
#include "proxy/relay.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    BULK_MIN = 64 * 1024,   /* a shorter rest is not worth the calls */
    BULK_TAIL = 4 * 1024,   /* read as usual */
    BULK_PIPES_MAX = 64,    /* a worker */
    BULK_PIPE = 256 * 1024, /* bytes that a pipe holds, where the system allows it */
};

struct bulk_pipe {
    int read_fd, write_fd;
    size_t len; /* bytes in it */
    size_t cap;
};

struct bulk_pipes {
    struct bulk_pipe all[BULK_PIPES_MAX];
    struct bulk_pipe *unused[BULK_PIPES_MAX];
    size_t unused_len;
    size_t len; /* of `all` in use so far */
};

void bulk_init(struct bulk_pipes *pipes);
/* Closes the pipes, none of which may be lent. */
void bulk_fini(struct bulk_pipes *pipes);

/*
 * Whether the next bytes from `from` may pass through `queue` to `to` unseen: all that came was taken from
 * `in` and sent, enough of the body is left, both sockets can do it, and there is a pipe, which the queue
 * gets.
 */
MUST_CHECK bool bulk_takes(struct bulk_pipes *pipes, const struct h1_body *body, const struct relay_buf *in,
                           struct relay_queue *queue, const struct conn *from, struct conn *to);
/* Fills the pipe of a queue for which bulk_takes was true, and counts the bytes as received by the body. The
 * count, 0 at the end of the stream, CONN_AGAIN or CONN_FAILED. */
MUST_CHECK ssize_t bulk_fill(struct relay_queue *queue, struct h1_body *body, struct conn *from);
/* Takes the pipe back from a queue, if it has one, with whatever is in it. */
void bulk_release(struct bulk_pipes *pipes, struct relay_queue *queue);

#endif
