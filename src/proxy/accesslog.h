/*
 * The access-log record and its way out. A worker formats each record once, as one JSON line, into a chunk of
 * 64 KiB; a full chunk, or one that is a second old, goes to the exporter through a bounded ring and comes
 * back empty through another. When the exporter is behind and no empty chunk is left, lines are dropped and
 * counted: a slow disk never slows a request.
 *
 * The fields are the rows of logfield.def. Whatever bytes a client sends, a line is valid JSON.
 */
#ifndef PROXY_ACCESSLOG_H
#define PROXY_ACCESSLOG_H

#include "base/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ACCESSLOG_CHUNK_BYTES = 64 * 1024,
    ACCESSLOG_CHUNKS = 32,          /* a worker: 2 MiB of lines may wait for a slow exporter */
    ACCESSLOG_LINE_MAX = 16 * 1024, /* a longer line has its client-given fields cut */
};

/* Whole lines, each ended by LF. */
struct accesslog_chunk {
    size_t len;
    uint32_t lines;
    char bytes[ACCESSLOG_CHUNK_BYTES];
};

/* The two rings between one worker and the exporter. */
struct accesslog_pipe {
    struct ring full;  /* worker pushes, exporter pops */
    struct ring empty; /* exporter pushes, worker pops */
    int wake_fd;       /* an eventfd of the exporter: the worker writes to it after a push; -1 for none */
};

void accesslog_pipe_init(struct accesslog_pipe *pipe, int wake_fd);
/* Frees the chunks that lie in the rings. Call when both threads have ended. */
void accesslog_pipe_fini(struct accesslog_pipe *pipe);

#endif
