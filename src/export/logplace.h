/*
 * One place that access-log lines go to: a thread of its own with a bounded queue, which writes each line as
 * the place wants it and leaves out what its sample does not take. What a kind of place does differently is a
 * table of functions.
 *
 * The counters have one writer each: the exporter `crowded`, the place's thread all others. Control reads
 * them.
 */
#ifndef EXPORT_LOGPLACE_H
#define EXPORT_LOGPLACE_H

#include "base/bug.h"
#include "base/log.h"
#include "conf/config.h"
#include "export/logblock.h"
#include "export/logformat.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Relaxed: they order nothing. */
struct logplace_counters {
#define LOG_COUNTER(id, name, kind, text) _Atomic uint64_t id;
#include "export/logcounter.def"
#undef LOG_COUNTER
};

struct logplace;

struct logplace_kind {
    /* Opens it, or says why not in `why`. Called by control, before the thread runs. */
    bool (*open)(struct logplace *place, char *why, size_t why_len);
    /* Whole lines. */
    void (*take)(struct logplace *place, struct str bytes, uint32_t lines);
    /* In place of that: lines of requests with their marks. NULL: it does not look at marks. */
    void (*take_marked)(struct logplace *place, const struct logblock *block);
    /* When nothing waits, and after each block: does a little of what can be put off. Gives the ms until it
     * wants to be called again, 0: at once. NULL: nothing. */
    unsigned (*work)(struct logplace *place);
    /* Somebody has moved its files. NULL: nothing. */
    void (*reopen)(struct logplace *place);
    /* The last line has been taken; what waits still may take until `deadline_ns` (monotonic). NULL: nothing.
     */
    void (*finish)(struct logplace *place, int64_t deadline_ns);
    void (*free)(struct logplace *place);
};

/* The first member of each kind's struct. */
struct logplace {
    const struct logplace_kind *kind;
    char *name; /* for the log and the metrics: "stdout", "file:/var/log/a.jsonl" */
    enum config_log_content content;
    struct config_log_sample sample;
    struct logformat *format;
    struct logqueue queue;
    struct logplace_counters counters;
    pthread_t thread;
    bool running;
    bool failing;              /* said so in the log */
    struct log_limit crowding; /* the exporter's */
    /* Lines written anew, until they are taken. */
    struct buf anew;
    uint32_t anew_lines;
};

/* Opens a place of what the configuration says. `conf` is borrowed for the call. Errors: NULL, with the
 * reason. Thread: control. */
MUST_CHECK struct logplace *logplace_open(const struct config_log *conf, char *why, size_t why_len);
void logplace_start(struct logplace *place);
/* Hands it a block if it takes such lines, or counts them as lost. Thread: the exporter's. */
void logplace_push(struct logplace *place, struct logblock *block);
void logplace_reopen(struct logplace *place);
/* Asks the thread to end when it has taken what waits. */
void logplace_stop(struct logplace *place);
/* Waits for it, if it has been started, and frees the place. */
void logplace_free(struct logplace *place);

/* ---- for the kinds ---- */

/* Adds to a counter, and sets a gauge, of the place whose thread this is. */
void logplace_count(_Atomic uint64_t *counter, uint64_t n);
void logplace_set(_Atomic uint64_t *gauge, uint64_t n);
/* A failure, which is said the first time, and its end. */
void logplace_failed(struct logplace *place, const char *why);
void logplace_works(struct logplace *place);

#endif
