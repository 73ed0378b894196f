#include "export/logsink.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STALL_MS = 2000,  /* that a reader may take nothing before its lines are given up */
    PIECE_MAX = 4096, /* PIPE_BUF: what a pipe takes without blocking once it is writable */
    IDLE_MS = 1000,   /* a look at the pipes without being woken */
    GATHER_MS = 5,    /* after a wake-up: what comes in that time is one write */
    BATCH_BYTES = 8 * ACCESSLOG_CHUNK_BYTES,
    FILE_MODE = 0640,
};

/* One place that lines go to. Thread: the exporter's, once it runs. */
struct sink {
    char *path;   /* NULL: standard output */
    int fd;       /* -1: could not be opened again */
    bool patient; /* a pipe, a terminal or a socket: writes could block for ever, so poll first */
    bool failing; /* said so */
    bool stalled; /* its reader has just taken nothing for STALL_MS: do not wait again */
    /* The end of a line of which the beginning is written. */
    char carry[ACCESSLOG_CHUNK_BYTES];
    size_t carry_len;
};

/* Chunks put together, so that a busy proxy makes few writes and the chunks are free again at once. */
struct batch {
    char bytes[BATCH_BYTES];
    size_t len;
    uint32_t lines;
};

struct logsink {
    struct sink *sinks;
    size_t sinks_len;
    struct accesslog_pipe **pipes;
    size_t pipes_len;
    struct batch *batch;
    int wake_fd;
    pthread_t thread;
    bool running;
    _Atomic bool stop;   /* control sets it (release), the exporter reads it (acquire) */
    _Atomic bool reopen; /* likewise; the exporter clears it */
    /* The exporter alone writes these (relaxed); control reads them (relaxed): they order nothing. */
    _Atomic uint64_t lines, bytes, lost, errors;
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static uint64_t counted(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static const char *sink_name(const struct sink *sink)
{
    return sink->path ? sink->path : "standard output";
}

/* ---- one sink
 * ------------------------------------------------------------------------------------------------ */

static bool sink_open(struct sink *sink)
{
    struct stat stat;
    int fd = sink->path ? open(sink->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, FILE_MODE)
                        : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

    if (fd < 0)
        return false;
    if (sink->fd >= 0)
        close(sink->fd);
    sink->fd = fd;
    sink->patient = fstat(fd, &stat) == 0 && !S_ISREG(stat.st_mode);
    return true;
}

static void sink_failed(struct logsink *log, struct sink *sink, const char *why)
{
    count(&log->errors, 1);
    if (!sink->failing)
        log_error("access log: %s: %s; lines for it are lost and counted until it works again",
                  sink_name(sink), why);
    sink->failing = true;
}

static void sink_works(struct sink *sink)
{
    if (sink->failing)
        log_info("access log: %s works again", sink_name(sink));
    sink->failing = false;
    sink->stalled = false;
}

/* Whether a write of PIECE_MAX would not block. */
static bool sink_takes(const struct sink *sink)
{
    struct pollfd pollfd = {.fd = sink->fd, .events = POLLOUT};
    int ready;

    if (!sink->patient)
        return true;
    do
        ready = poll(&pollfd, 1, sink->stalled ? 0 : STALL_MS);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Writes as much as the sink takes; returns how much that was. */
static size_t sink_write(struct logsink *log, struct sink *sink, const char *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        size_t piece = sink->patient && len - done > PIECE_MAX ? PIECE_MAX : len - done;
        ssize_t n;

        if (sink->fd < 0 || !sink_takes(sink)) {
            sink_failed(log, sink, sink->fd < 0 ? "not open" : "its reader takes nothing");
            sink->stalled = true;
            break;
        }
        n = write(sink->fd, bytes + done, piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            sink_failed(log, sink, strerror(errno));
            break;
        }
        done += (size_t)n;
        sink->stalled = false;
    }
    count(&log->bytes, done);
    return done;
}

static uint32_t lines_in(const char *bytes, size_t len)
{
    uint32_t lines = 0;
    const char *end = bytes + len;

    for (const char *lf; bytes < end && (lf = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL;
         bytes = lf + 1)
        lines++;
    return lines;
}

/* Ends the line that was begun before. False when the sink still does not take it. */
static bool sink_carry(struct logsink *log, struct sink *sink)
{
    size_t done = sink_write(log, sink, sink->carry, sink->carry_len);

    memmove(sink->carry, sink->carry + done, sink->carry_len - done);
    sink->carry_len -= done;
    return sink->carry_len == 0;
}

static void sink_take(struct logsink *log, struct sink *sink, const struct batch *batch)
{
    const char *rest;
    size_t done, left = 0;
    uint32_t lines;

    if (sink->carry_len > 0 && !sink_carry(log, sink)) {
        count(&log->lost, batch->lines);
        return;
    }
    done = sink_write(log, sink, batch->bytes, batch->len);
    if (done == batch->len) {
        sink_works(sink);
        count(&log->lines, batch->lines);
        return;
    }
    /* A line that was begun is kept, the others are lost. */
    rest = batch->bytes + done;
    if (done > 0 && rest[-1] != '\n') {
        const char *lf = memchr(rest, '\n', batch->len - done);

        left = lf ? (size_t)(lf + 1 - rest) : batch->len - done;
        memcpy(sink->carry, rest, left);
        sink->carry_len = left;
    }
    lines = lines_in(batch->bytes, done + left);
    count(&log->lines, lines);
    count(&log->lost, batch->lines - lines);
}

/* ---- the thread
 * ---------------------------------------------------------------------------------------------- */

static void flush(struct logsink *log)
{
    struct batch *batch = log->batch;

    for (size_t i = 0; i < log->sinks_len && batch->len > 0; i++)
        sink_take(log, &log->sinks[i], batch);
    batch->len = 0;
    batch->lines = 0;
}

static bool drain_pipe(struct logsink *log, struct accesslog_pipe *pipe)
{
    struct accesslog_chunk *chunk;
    bool some = false;

    while ((chunk = ring_pop(&pipe->full)) != NULL) {
        if (log->batch->len + chunk->len > BATCH_BYTES)
            flush(log);
        memcpy(log->batch->bytes + log->batch->len, chunk->bytes, chunk->len);
        log->batch->len += chunk->len;
        log->batch->lines += chunk->lines;
        chunk->len = 0;
        chunk->lines = 0;
        /* As many slots as chunks: there is always room. */
        BUG_ON(!ring_push(&pipe->empty, chunk));
        some = true;
    }
    return some;
}

static void drain_all(struct logsink *log)
{
    bool some;

    do {
        some = false;
        for (size_t i = 0; i < log->pipes_len; i++)
            some |= drain_pipe(log, log->pipes[i]);
    } while (some);
    flush(log);
}

static void reopen_all(struct logsink *log)
{
    for (size_t i = 0; i < log->sinks_len; i++) {
        struct sink *sink = &log->sinks[i];

        if (!sink->path)
            continue;
        if (sink->carry_len > 0)
            sink_carry(log, sink);
        sink->carry_len = 0;
        if (!sink_open(sink))
            sink_failed(log, sink, strerror(errno));
        else
            sink_works(sink);
    }
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
        if (atomic_exchange_explicit(&log->reopen, false, memory_order_acq_rel))
            reopen_all(log);
        drain_all(log);
    } while (!last);
    for (size_t i = 0; i < log->sinks_len; i++)
        if (log->sinks[i].carry_len > 0)
            sink_carry(log, &log->sinks[i]);
    return NULL;
}

/* ---- control's side
 * ------------------------------------------------------------------------------------------ */

static void logsink_free(struct logsink *log)
{
    for (size_t i = 0; i < log->sinks_len; i++) {
        if (log->sinks[i].fd >= 0)
            close(log->sinks[i].fd);
        free(log->sinks[i].path);
    }
    if (log->wake_fd >= 0)
        close(log->wake_fd);
    free(log->sinks);
    free(log->batch);
    free(log->pipes);
    free(log);
}

struct logsink *logsink_open(const struct config_log *logs, size_t len, char *why, size_t why_len)
{
    struct logsink *log = mem_zalloc(sizeof *log);

    log->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    log->batch = mem_zalloc(sizeof *log->batch);
    log->sinks = mem_zalloc(len * sizeof *log->sinks);
    for (; log->sinks_len < len; log->sinks_len++) {
        struct sink *sink = &log->sinks[log->sinks_len];

        sink->fd = -1;
        switch (logs[log->sinks_len].kind) {
        case CONFIG_LOG_STDOUT:
            break;
        case CONFIG_LOG_FILE:
            sink->path = mem_strdup(logs[log->sinks_len].path);
            break;
        }
        if (log->wake_fd < 0 || !sink_open(sink)) {
            snprintf(why, why_len, "access log: %s: %s", sink_name(sink), strerror(errno));
            log->sinks_len++;
            logsink_free(log);
            return NULL;
        }
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

void logsink_reopen(struct logsink *log)
{
    atomic_store_explicit(&log->reopen, true, memory_order_release);
    poke(log);
}

struct logsink_stats logsink_stats(const struct logsink *log)
{
    return (struct logsink_stats){.lines = counted(&log->lines),
                                  .bytes = counted(&log->bytes),
                                  .lost = counted(&log->lost),
                                  .errors = counted(&log->errors)};
}

void logsink_stop(struct logsink *log)
{
    if (!log)
        return;
    if (log->running) {
        atomic_store_explicit(&log->stop, true, memory_order_release);
        poke(log);
        pthread_join(log->thread, NULL);
    }
    logsink_free(log);
}
