#include "export/logblock.h"

#include "base/clk.h"
#include "base/mem.h"

#include <stdlib.h>
#include <time.h>

struct logblock *logblock_new(size_t cap, uint32_t marks)
{
    struct logblock *block = mem_alloc(sizeof *block + marks * sizeof(struct accesslog_mark) + cap);

    atomic_init(&block->refs, 1);
    block->lines = 0;
    block->metrics = false;
    block->len = 0;
    block->bytes = (char *)(block->marks + marks);
    return block;
}

void logblock_unref(struct logblock *block)
{
    if (atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) == 1)
        free(block);
}

void logqueue_init(struct logqueue *queue, size_t max_bytes)
{
    pthread_condattr_t attr;

    *queue = (struct logqueue){.max_bytes = max_bytes};
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &attr);
    pthread_condattr_destroy(&attr);
}

static struct logblock *pop(struct logqueue *queue)
{
    struct logblock *block;

    if (queue->len == 0)
        return NULL;
    block = queue->blocks[queue->first];
    queue->first = (queue->first + 1) % LOGQUEUE_BLOCKS;
    queue->len--;
    queue->bytes -= block->len;
    return block;
}

void logqueue_fini(struct logqueue *queue)
{
    struct logblock *block;

    while ((block = pop(queue)) != NULL)
        logblock_unref(block);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
}

bool logqueue_push(struct logqueue *queue, struct logblock *block)
{
    bool fits, waited_for;

    pthread_mutex_lock(&queue->lock);
    waited_for = queue->len == 0;
    fits = queue->len == 0 || (queue->len < LOGQUEUE_BLOCKS && queue->bytes + block->len <= queue->max_bytes);
    if (fits) {
        atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
        queue->blocks[(queue->first + queue->len++) % LOGQUEUE_BLOCKS] = block;
        queue->bytes += block->len;
    }
    pthread_mutex_unlock(&queue->lock);
    if (waited_for) /* behind the lock, so that who wakes up need not wait for it */
        pthread_cond_signal(&queue->filled);
    return fits;
}

void logqueue_reopen(struct logqueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->reopen = true;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

void logqueue_stop(struct logqueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stop = true;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

size_t logqueue_bytes(struct logqueue *queue)
{
    size_t bytes;

    pthread_mutex_lock(&queue->lock);
    bytes = queue->bytes;
    pthread_mutex_unlock(&queue->lock);
    return bytes;
}

/* Until there is something to do, or the time is over. */
static void wait_filled(struct logqueue *queue, unsigned ms)
{
    int64_t until_ns = clk_mono_ns() + ms * NS_PER_MS;
    struct timespec until = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};

    while (queue->len == 0 && !queue->reopen && !queue->stop)
        if (pthread_cond_timedwait(&queue->filled, &queue->lock, &until) != 0)
            return;
}

struct logqueue_work logqueue_wait(struct logqueue *queue, unsigned ms)
{
    struct logqueue_work work;

    pthread_mutex_lock(&queue->lock);
    if (ms > 0)
        wait_filled(queue, ms);
    work.reopen = queue->reopen;
    queue->reopen = false;
    work.block = pop(queue);
    work.stop = queue->stop && queue->len == 0;
    pthread_mutex_unlock(&queue->lock);
    return work;
}
