#include "export/logsink.h"

#include "base/mem.h"
#include "base/ring.h"
#include "base/str.h"
#include "export/logblock.h"
#include "export/logplace.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    IDLE_MS = 1000, /* a look at the pipes without being woken */
    GATHER_MS = 20, /* after a wake-up: what comes in that time is one block */
    BATCH_BYTES = 8 * ACCESSLOG_CHUNK_BYTES,
    BATCH_CHUNKS = 64, /* few have much in them when there are many */
    TOLD_BLOCKS = 256, /* of metrics that wait for the exporter */
};

/* Chunks that become one block, so that a busy proxy makes few writes and the chunks are free again at once.
 */
struct batch {
    struct {
        struct accesslog_chunk *chunk;
        struct accesslog_pipe *pipe; /* that it goes back to */
    } of[BATCH_CHUNKS];
    size_t chunks, len;
    uint32_t lines;
};

struct logsink {
    struct logplace *places[CONFIG_LOGS_MAX];
    size_t places_len;
    struct accesslog_pipe **pipes;
    size_t pipes_len;
    struct batch batch; /* the exporter's */
    struct ring told;   /* struct logblock *: pushed by control, popped by the exporter */
    int wake_fd;
    pthread_t thread;
    bool running;
    _Atomic bool stop; /* control sets it (release), the exporter reads it (acquire) */
};

/* ---- the thread ---- */

/* The block is done with. */
static void spread(struct logsink *log, struct logblock *block)
{
    for (size_t i = 0; i < log->places_len; i++)
        logplace_push(log->places[i], block);
    logblock_unref(block);
}

static void add_chunk(struct logblock *block, const struct accesslog_chunk *chunk)
{
    memcpy(block->bytes + block->len, chunk->bytes, chunk->len);
    memcpy(block->marks + block->lines, chunk->marks, chunk->lines * sizeof *chunk->marks);
    block->len += chunk->len;
    block->lines += chunk->lines;
}

static void flush(struct logsink *log)
{
    struct batch *batch = &log->batch;
    struct logblock *block;

    if (batch->chunks == 0)
        return;
    block = logblock_new(batch->len, batch->lines);
    for (size_t i = 0; i < batch->chunks; i++) {
        struct accesslog_chunk *chunk = batch->of[i].chunk;

        add_chunk(block, chunk);
        chunk->len = 0;
        chunk->lines = 0;
        /* As many slots as chunks: there is always room. */
        BUG_ON(!ring_push(&batch->of[i].pipe->empty, chunk));
    }
    *batch = (struct batch){0};
    spread(log, block);
}

static bool drain_pipe(struct logsink *log, struct accesslog_pipe *pipe)
{
    struct batch *batch = &log->batch;
    struct accesslog_chunk *chunk;
    bool some = false;

    while ((chunk = ring_pop(&pipe->full)) != NULL) {
        if (batch->chunks == BATCH_CHUNKS || batch->len + chunk->len > BATCH_BYTES)
            flush(log);
        batch->of[batch->chunks].chunk = chunk;
        batch->of[batch->chunks++].pipe = pipe;
        batch->len += chunk->len;
        batch->lines += chunk->lines;
        some = true;
    }
    return some;
}

static void drain_all(struct logsink *log)
{
    struct logblock *told;
    bool some;

    do {
        some = false;
        for (size_t i = 0; i < log->pipes_len; i++)
            some |= drain_pipe(log, log->pipes[i]);
    } while (some);
    flush(log);
    while ((told = ring_pop(&log->told)) != NULL)
        spread(log, told);
}

static void wait_for_work(const struct logsink *log)
{
    struct pollfd pollfd = {.fd = log->wake_fd, .events = POLLIN};
    eventfd_t value;

    if (poll(&pollfd, 1, IDLE_MS) <= 0)
        return;
    poll(NULL, 0, GATHER_MS);
    (void)!eventfd_read(log->wake_fd, &value);
}

static void *exporter(void *arg)
{
    struct logsink *log = arg;
    bool last;

    do {
        /* Looked at before the pipes, so that what came before the stop is written. */
        last = atomic_load_explicit(&log->stop, memory_order_acquire);
        if (!last)
            wait_for_work(log);
        drain_all(log);
    } while (!last);
    return NULL;
}

/* ---- control's side ---- */

static void logsink_free(struct logsink *log)
{
    struct logblock *told;

    while ((told = ring_pop(&log->told)) != NULL)
        logblock_unref(told);
    ring_fini(&log->told);
    for (size_t i = 0; i < log->places_len; i++)
        logplace_free(log->places[i]);
    if (log->wake_fd >= 0)
        close(log->wake_fd);
    free(log->pipes);
    free(log);
}

static struct str shown_of(const char *name)
{
    struct str all = str_from(name);
    size_t skip = all.len > LOGSINK_NAME_SHOWN ? all.len - LOGSINK_NAME_SHOWN : 0;

    return (struct str){all.p + skip, all.len - skip};
}

static bool is_taken(const struct logsink *log, const char *name)
{
    for (size_t i = 0; i < log->places_len; i++)
        if (str_eq(shown_of(log->places[i]->name), shown_of(name)))
            return true;
    return false;
}

/* Several may speak to the same server: metrics need a name for each. */
static void name_apart(const struct logsink *log, struct logplace *place)
{
    char *first = mem_strdup(place->name);

    for (unsigned n = 2; is_taken(log, place->name); n++) {
        free(place->name);
        place->name = mem_printf("%s#%u", first, n);
    }
    free(first);
}

struct logsink *logsink_open(const struct config_log *logs, size_t len, char *why, size_t why_len)
{
    struct logsink *log = mem_zalloc(sizeof *log);
    char reason[256];

    BUG_ON(len > CONFIG_LOGS_MAX);
    ring_init(&log->told, TOLD_BLOCKS);
    log->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (log->wake_fd < 0)
        BUG("no eventfd for the access log");
    for (; log->places_len < len; log->places_len++) {
        log->places[log->places_len] = logplace_open(&logs[log->places_len], reason, sizeof reason);
        if (!log->places[log->places_len]) {
            snprintf(why, why_len, "access log: %s", reason);
            logsink_free(log);
            return NULL;
        }
        name_apart(log, log->places[log->places_len]);
    }
    return log;
}

int logsink_wake_fd(const struct logsink *log)
{
    return log->wake_fd;
}

void logsink_start(struct logsink *log, struct accesslog_pipe *const *pipes, size_t len)
{
    sigset_t all, before;
    int error;

    log->pipes = mem_zalloc(len * sizeof(struct accesslog_pipe *));
    for (size_t i = 0; i < len; i++)
        log->pipes[i] = pipes[i];
    log->pipes_len = len;
    /* Signals are control's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < log->places_len; i++)
        logplace_start(log->places[i]);
    error = pthread_create(&log->thread, NULL, exporter, log);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        BUG("no thread for the access log: %s", strerror(error));
    pthread_setname_np(log->thread, "exporter");
    log->running = true;
}

static void poke(const struct logsink *log)
{
    (void)!eventfd_write(log->wake_fd, 1);
}

bool logsink_takes_requests(const struct logsink *log)
{
    for (size_t i = 0; i < log->places_len; i++)
        if (log->places[i]->content != CONFIG_LOG_EMF)
            return true;
    return false;
}

/* As many whole lines as a batch has room for, or one that is longer; they are taken off. */
static struct str take_lines(struct str *rest, uint32_t *lines_r)
{
    size_t len = 0;

    for (*lines_r = 0; len < rest->len; ++*lines_r) {
        const char *lf = memchr(rest->p + len, '\n', rest->len - len);
        size_t end = lf ? (size_t)(lf + 1 - rest->p) : rest->len;

        if (len > 0 && end > BATCH_BYTES)
            break;
        len = end;
    }
    *rest = (struct str){rest->p + len, rest->len - len};
    return (struct str){rest->p - len, len};
}

static struct logblock *block_of(struct str metrics, uint32_t lines)
{
    struct logblock *block = logblock_new(metrics.len, 0);

    memcpy(block->bytes, metrics.p, metrics.len);
    block->len = metrics.len;
    block->lines = lines;
    block->metrics = true;
    return block;
}

bool logsink_tell(struct logsink *log, struct str lines)
{
    bool taken = true;

    while (lines.len) {
        uint32_t n;
        struct str some = take_lines(&lines, &n);
        struct logblock *block = block_of(some, n);

        if (!ring_push(&log->told, block)) {
            logblock_unref(block);
            taken = false;
        }
    }
    poke(log);
    return taken;
}

void logsink_reopen(struct logsink *log)
{
    for (size_t i = 0; i < log->places_len; i++)
        logplace_reopen(log->places[i]);
}

size_t logsink_places(const struct logsink *log)
{
    return log->places_len;
}

struct logsink_place logsink_place(const struct logsink *log, size_t i)
{
    struct logplace_counters *counters = &log->places[i]->counters;

    return (struct logsink_place){
        .name = log->places[i]->name,
        .queued_bytes = logqueue_bytes(&log->places[i]->queue),
#define LOG_COUNTER(id, name, kind, text) .id = atomic_load_explicit(&counters->id, memory_order_relaxed),
#include "export/logcounter.def"
#undef LOG_COUNTER
    };
}

struct logsink_stats logsink_stats(const struct logsink *log)
{
    struct logsink_stats stats = {0};

    for (size_t i = 0; i < log->places_len; i++) {
        struct logsink_place place = logsink_place(log, i);

        stats.lines += place.lines;
        stats.bytes += place.bytes;
        stats.lost += place.lost + place.crowded;
        stats.errors += place.errors;
    }
    return stats;
}

void logsink_stop(struct logsink *log)
{
    if (!log)
        return;
    if (log->running) {
        atomic_store_explicit(&log->stop, true, memory_order_release);
        poke(log);
        pthread_join(log->thread, NULL);
        for (size_t i = 0; i < log->places_len; i++)
            logplace_stop(log->places[i]);
    }
    logsink_free(log);
}
