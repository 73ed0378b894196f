/*
 * The exporter: one thread that takes the chunks of access-log lines from the workers, gives them back empty,
 * and hands the lines to every sink. Each sink is a place with a thread and a bounded queue of its own
 * (logplace), which may block on a slow disk or a dead peer; nobody waits for it, neither the other sinks nor
 * the workers.
 *
 *   worker ── pipe.full ──> exporter ── queue ──> place ──> stdout, file, …
 *      ^                        │
 *      └────── pipe.empty ──────┘
 *   control ── told ──────────>┘        (metrics, as lines)
 *
 * A sink that fails or takes nothing loses what it could not take, counted in lines, and the lines that
 * follow are whole again. The first failure is said in the operational log, and so is its end.
 */
#ifndef EXPORT_LOGSINK_H
#define EXPORT_LOGSINK_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/config.h"
#include "proxy/accesslog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logsink;

/* So many bytes of a sink's name, its end, tell it apart from the others. */
enum { LOGSINK_NAME_SHOWN = 200 };

/* Sums over all sinks since the start. */
struct logsink_stats {
    uint64_t lines; /* written */
    uint64_t bytes;
    uint64_t lost;   /* lines that a sink could not take */
    uint64_t errors; /* failed writes, openings and connections */
};

/* One of them; see logcounter.def for the meaning of each number. */
struct logsink_place {
    const char *name; /* valid as long as the sink; the end of it is no other's */
    uint64_t queued_bytes;
#define LOG_COUNTER(id, name, kind, text) uint64_t id;
#include "export/logcounter.def"
#undef LOG_COUNTER
};

/*
 * Opens the sinks of a config (len > 0); the threads are not running yet. `logs` is borrowed for the call.
 * Errors: NULL with the sink and the reason in `why`. Thread: control.
 */
MUST_CHECK struct logsink *logsink_open(const struct config_log *logs, size_t len, char *why, size_t why_len);
/* The eventfd for the workers' pipes; it belongs to the sink. */
int logsink_wake_fd(const struct logsink *sink);
/* Starts the threads over these pipes, which are borrowed until logsink_stop; the array is copied. Thread:
 * control. */
void logsink_start(struct logsink *sink, struct accesslog_pipe *const *pipes, size_t len);
/* Whether one of the sinks takes lines of requests. */
bool logsink_takes_requests(const struct logsink *sink);
/*
 * Hands metrics, whole lines with their LF, to the sinks that take them. False when the exporter is so far
 * behind that some of the lines are lost. Thread: control, before logsink_stop.
 */
MUST_CHECK bool logsink_tell(struct logsink *sink, struct str lines);
/* Asks for every file to be closed and opened again, after somebody has moved it. Thread: control. */
void logsink_reopen(struct logsink *sink);
/* Snapshots of the counters. Thread: control. */
struct logsink_stats logsink_stats(const struct logsink *sink);
size_t logsink_places(const struct logsink *sink);
struct logsink_place logsink_place(const struct logsink *sink, size_t i);
/*
 * Writes what lies in the pipes, ends the threads and frees the sink. Call when the workers have ended. NULL
 * is allowed. Bounded: a sink that takes nothing is given up after two seconds, but not in the middle of
 * connecting, which may take three for each address of its server besides looking up the name.
 */
void logsink_stop(struct logsink *sink);

#endif
