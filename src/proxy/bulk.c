#include "proxy/bulk.h"

#include <fcntl.h>
#include <unistd.h>

void bulk_init(struct bulk_pipes *pipes)
{
    pipes->len = pipes->unused_len = 0;
}

static void close_pipe(struct bulk_pipe *pipe)
{
    close(pipe->read_fd);
    close(pipe->write_fd);
}

void bulk_fini(struct bulk_pipes *pipes)
{
    BUG_ON(pipes->unused_len != pipes->len);
    for (size_t i = 0; i < pipes->len; i++)
        if (pipes->all[i].cap)
            close_pipe(&pipes->all[i]);
}

/* False when no descriptors are left; the place may be tried again. */
static bool open_pipe(struct bulk_pipe *pipe)
{
    int fds[2], cap;

    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
        return false;
    cap = fcntl(fds[1], F_SETPIPE_SZ, BULK_PIPE);
    if (cap < 0) /* beyond what the system allows one user */
        cap = fcntl(fds[1], F_GETPIPE_SZ);
    *pipe = (struct bulk_pipe){.read_fd = fds[0], .write_fd = fds[1], .cap = cap > 0 ? (size_t)cap : 4096};
    return true;
}

static struct bulk_pipe *take_pipe(struct bulk_pipes *pipes)
{
    struct bulk_pipe *pipe;

    if (pipes->unused_len == 0 && pipes->len < BULK_PIPES_MAX) {
        pipe = &pipes->all[pipes->len++];
        pipe->cap = 0;
        pipes->unused[pipes->unused_len++] = pipe;
    }
    if (pipes->unused_len == 0)
        return NULL;
    pipe = pipes->unused[pipes->unused_len - 1];
    if (!pipe->cap && !open_pipe(pipe))
        return NULL;
    pipes->unused_len--;
    return pipe;
}

bool bulk_takes(struct bulk_pipes *pipes, const struct h1_body *body, const struct relay_buf *in,
                struct relay_queue *queue, const struct conn *from, struct conn *to)
{
    uint64_t least = queue->pipe ? BULK_TAIL + 1 : BULK_MIN + BULK_TAIL;

    if (h1_body_plain(body) < least || in->off != in->len || !relay_drained(queue) || !from->ops->to_pipe ||
        !conn_takes_pipe(to))
        return false;
    if (!queue->pipe)
        queue->pipe = take_pipe(pipes);
    return queue->pipe != NULL;
}

ssize_t bulk_fill(struct relay_queue *queue, struct h1_body *body, struct conn *from)
{
    struct bulk_pipe *pipe = queue->pipe;
    uint64_t left = h1_body_plain(body) - BULK_TAIL;
    size_t len = left < pipe->cap ? (size_t)left : pipe->cap;
    ssize_t n = from->ops->to_pipe(from, pipe->write_fd, len);

    if (n > 0) {
        pipe->len += (size_t)n;
        h1_body_pass(body, (size_t)n);
    }
    return n;
}

void bulk_release(struct bulk_pipes *pipes, struct relay_queue *queue)
{
    struct bulk_pipe *pipe = queue->pipe;

    if (!pipe)
        return;
    queue->pipe = NULL;
    if (pipe->len) { /* of a body that was given up */
        close_pipe(pipe);
        *pipe = (struct bulk_pipe){.cap = 0};
    }
    pipes->unused[pipes->unused_len++] = pipe;
}
