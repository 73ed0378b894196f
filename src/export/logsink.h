/*
 * The exporter: one thread that takes the chunks of access-log lines from the workers, writes each to every
 * sink, and gives the chunks back empty. It waits on an eventfd and may block on a slow disk; nobody waits
 * for it: a worker that finds no empty chunk drops lines and counts them (proxy/accesslog.h).
 *
 *   worker ── pipe.full ──> exporter ── write ──> stdout, files
 *      ^                        │
 *      └────── pipe.empty ──────┘
 *
 * A sink that fails or takes nothing loses what it could not take, counted in lines, and the lines that
 * follow are whole again; the other sinks are not held up for more than two seconds. The first failure is
 * said in the operational log, and so is its end.
 */
#ifndef EXPORT_LOGSINK_H
#define EXPORT_LOGSINK_H

#include "base/bug.h"
#include "conf/config.h"
#include "proxy/accesslog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logsink;

/* Sums over all sinks since the start. */
struct logsink_stats {
    uint64_t lines; /* written */
    uint64_t bytes;
    uint64_t lost;   /* lines that a sink could not take */
    uint64_t errors; /* failed writes and openings */
};

/*
 * Opens the sinks of a config (len > 0); the thread is not running yet. `logs` is borrowed for the call.
 * Errors: NULL with the file and the reason in `why`. Thread: control.
 */
MUST_CHECK struct logsink *logsink_open(const struct config_log *logs, size_t len, char *why, size_t why_len);
/* The eventfd for the workers' pipes; it belongs to the sink. */
int logsink_wake_fd(const struct logsink *sink);
/* Starts the thread over these pipes, which are borrowed until logsink_stop; the array is copied. Thread:
 * control. */
void logsink_start(struct logsink *sink, struct accesslog_pipe *const *pipes, size_t len);
/* Asks the thread to close and open every file again, after somebody has moved it. Thread: control. */
void logsink_reopen(struct logsink *sink);
/* A snapshot of the counters. Thread: control. */
struct logsink_stats logsink_stats(const struct logsink *sink);
/*
 * Writes what lies in the pipes, ends the thread and frees the sink. Call when the workers have ended. NULL
 * is allowed. Bounded: a sink that takes nothing is given up after two seconds.
 */
void logsink_stop(struct logsink *sink);

#endif
