/*
 * The operational log: one line an event on standard error, for the person with the pager. (The access log is
 * another thing: proxy/accesslog.) A line is `2026-11-21T06:00:00.123Z level message`. Lines are written
 * whole with one write(2).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bug.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
};

/* The least level that is written; read it, set it with log_set_level. */
extern enum log_level log_least_level;
/* Sets the least level that is written (default info). Call before other threads start. */
void log_set_level(enum log_level level);

/* Writes one line of at most 1,024 bytes, cut beyond. Control characters in the message become spaces: what
 * a client sent can neither forge a line nor drive a terminal. Thread: any. */
void log_at(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Costs a comparison while nobody wants to see it, so that it may stand on the request path. */
#define log_debug(...)                                                                                       \
    do {                                                                                                     \
        if (log_least_level <= LOG_LEVEL_DEBUG)                                                              \
            log_at(LOG_LEVEL_DEBUG, __VA_ARGS__);                                                            \
    } while (0)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)

/* A limit for lines that a client or a target can provoke: at most one a second; the rest is counted. One per
 * place and thread. */
struct log_limit {
    int64_t next_ns;     /* monotonic */
    uint64_t suppressed; /* since the last line that passed */
};

/* True when the caller may log now; `*suppressed_r` is then how many lines were left out before. */
bool log_limit_pass(struct log_limit *limit, int64_t now_ns, uint64_t *suppressed_r);

#endif
