#include "proxy/relay.h"

#include "proto/h1_write.h"
#include "proxy/bulk.h"

void relay_memory_init(struct relay_memory *memory, size_t connections, struct budget *budget)
{
    mem_pool_init(&memory->small, RELAY_SMALL, 256, 2 * connections);
    mem_pool_init(&memory->large, RELAY_LARGE, 16, 64 + connections / 8);
    mem_pool_draw(&memory->small, budget);
    mem_pool_draw(&memory->large, budget);
}

void relay_memory_trim(struct relay_memory *memory)
{
    mem_pool_trim(&memory->small);
    mem_pool_trim(&memory->large);
}

void relay_memory_fini(struct relay_memory *memory)
{
    mem_pool_fini(&memory->small);
    mem_pool_fini(&memory->large);
}

bool relay_hold(struct relay_buf *buf, struct relay_memory *memory)
{
    if (buf->p)
        return true;
    *buf = (struct relay_buf){.p = mem_pool_get(&memory->small), .cap = RELAY_SMALL};
    return buf->p != NULL;
}

bool relay_grow(struct relay_buf *buf, struct relay_memory *memory)
{
    char *large;

    if (buf->cap == RELAY_LARGE)
        return false;
    large = mem_pool_get(&memory->large);
    if (!large)
        return false;
    if (buf->p) {
        memcpy(large, buf->p, buf->len);
        mem_pool_put(&memory->small, buf->p);
    }
    buf->p = large;
    buf->cap = RELAY_LARGE;
    return true;
}

bool relay_stretch(struct relay_buf *buf, struct relay_memory *memory)
{
    const struct budget *budget = memory->large.budget;

    return memory->large.live_len < memory->large.live_max / 2 && !(budget && budget_is_short(budget)) &&
           relay_grow(buf, memory);
}

void relay_release(struct relay_buf *buf, struct relay_memory *memory)
{
    if (buf->p)
        mem_pool_put(buf->cap == RELAY_LARGE ? &memory->large : &memory->small, buf->p);
    *buf = (struct relay_buf){0};
}

void relay_rewind(struct relay_buf *buf)
{
    if (buf->off == buf->keep)
        return;
    if (buf->off < buf->len)
        memmove(buf->p + buf->keep, buf->p + buf->off, buf->len - buf->off);
    buf->len -= buf->off - buf->keep;
    buf->off = buf->keep;
}

void relay_restart(struct relay_buf *buf)
{
    buf->keep = 0;
    relay_rewind(buf);
}

ssize_t relay_recv(struct relay_buf *buf, struct conn *conn)
{
    ssize_t n = conn_recv(conn, buf->p + buf->len, relay_room(buf));

    BUG_ON(relay_room(buf) == 0);
    if (n > 0)
        buf->len += (uint32_t)n;
    return n;
}

void relay_queue_init(struct relay_queue *queue)
{
    queue->at = queue->len = queue->frames_len = 0;
    queue->sent = 0;
    queue->pipe = NULL;
}

size_t relay_pipe_len(const struct relay_queue *queue)
{
    return queue->pipe->len;
}

void relay_forget(struct relay_queue *queue)
{
    queue->at = queue->len = queue->frames_len = 0;
}

void relay_add(struct relay_queue *queue, struct str s)
{
    struct iovec *last = queue->len > queue->at ? &queue->iov[queue->len - 1] : NULL;

    if (s.len == 0)
        return;
    if (last && (char *)last->iov_base + last->iov_len == s.p) {
        last->iov_len += s.len;
        return;
    }
    BUG_ON(queue->len == RELAY_IOV_MAX);
    queue->iov[queue->len++] = (struct iovec){(void *)(uintptr_t)s.p, s.len};
}

void relay_add_body(struct relay_queue *queue, struct str payload, bool chunked)
{
    struct buf frame;

    if (payload.len == 0)
        return; /* an empty chunk would end the body */
    if (chunked) {
        BUG_ON(queue->frames_len == RELAY_FRAMES_MAX);
        buf_init(&frame, queue->frames[queue->frames_len++], RELAY_FRAME_LEN);
        h1_write_chunk(&frame, payload.len);
        relay_add(queue, buf_str(&frame));
    }
    relay_add(queue, payload);
    if (chunked)
        relay_add(queue, STR("\r\n"));
}

/* A field line as it was received, with its CR LF. */
static struct str line_of(const struct field *field)
{
    const char *end = field->value.p + field->value.len;

    while (*end != '\n') /* only white space stands before it */
        end++;
    return (struct str){field->name.p, (size_t)(end + 1 - field->name.p)};
}

bool relay_add_trailers(struct relay_queue *queue, const struct field *trailers, size_t len)
{
    if ((size_t)queue->len + len + 2 > RELAY_IOV_MAX)
        return false;
    relay_add(queue, STR("0\r\n"));
    for (size_t i = 0; i < len; i++)
        if (!(trailers[i].flags & FIELD_HOP))
            relay_add(queue, line_of(&trailers[i]));
    relay_add(queue, STR("\r\n"));
    return true;
}

void relay_drop(struct relay_queue *queue, size_t n)
{
    queue->sent += n;
    while (n > 0) {
        struct iovec *iov = &queue->iov[queue->at];

        if (n < iov->iov_len) {
            iov->iov_base = (char *)iov->iov_base + n;
            iov->iov_len -= n;
            return;
        }
        n -= iov->iov_len;
        queue->at++;
    }
}

size_t relay_peek(const struct relay_queue *queue, size_t at, char *out, size_t max)
{
    size_t done = 0;

    for (int i = queue->at; i < queue->len && done < max; i++) {
        const struct iovec *iov = &queue->iov[i];
        size_t skip = at < iov->iov_len ? at : iov->iov_len;
        size_t n = iov->iov_len - skip < max - done ? iov->iov_len - skip : max - done;

        at -= skip;
        memcpy(out + done, (const char *)iov->iov_base + skip, n);
        done += n;
    }
    return done;
}

size_t relay_take(struct relay_queue *queue, char *out, size_t max)
{
    size_t len = relay_peek(queue, 0, out, max);

    relay_drop(queue, len);
    return len;
}

/* Sends from the pipe. False when the connection is broken. */
static bool flush_pipe(struct relay_queue *queue, struct conn *conn)
{
    struct bulk_pipe *pipe = queue->pipe;
    ssize_t n = conn->ops->from_pipe(conn, pipe->read_fd, pipe->len);

    if (n > 0) {
        pipe->len -= (size_t)n;
        queue->sent += (uint64_t)n;
    }
    return n != CONN_FAILED;
}

enum relay_result relay_flush(struct relay_queue *queue, struct conn *conn)
{
    ssize_t n;

    if (queue->at < queue->len) {
        n = conn_writev(conn, queue->iov + queue->at, queue->len - queue->at);
        if (n == CONN_FAILED)
            return RELAY_BROKEN;
        if (n > 0)
            relay_drop(queue, (size_t)n);
    }
    if (queue->at == queue->len && relay_piped(queue) && !flush_pipe(queue, conn))
        return RELAY_BROKEN;
    if (!relay_drained(queue)) {
        conn_write_wait(conn);
        return RELAY_BLOCKED;
    }
    conn_write_done(conn);
    relay_forget(queue);
    return RELAY_DRAINED;
}
