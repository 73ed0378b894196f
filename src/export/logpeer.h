/*
 * A connection to a server that takes log lines: connecting with a limit, to one of several addresses after
 * the other, with a pause that grows while none answers. Thread: that of its owner, which may be held up for
 * as long as the limits say.
 */
#ifndef EXPORT_LOGPEER_H
#define EXPORT_LOGPEER_H

#include "base/bug.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logpeer {
    char **addresses; /* "host:port" or "unix:/path", copies */
    size_t len;
    size_t at;        /* the one that is spoken to, or comes next */
    int type;         /* SOCK_STREAM or SOCK_DGRAM */
    int fd;           /* -1: not connected; never blocks */
    int64_t next_ns;  /* monotonic: not before */
    int64_t pause_ns; /* the last pause */
};

/* Copies the addresses. */
void logpeer_init(struct logpeer *peer, char *const *addresses, size_t len, int type);
void logpeer_fini(struct logpeer *peer);
/* Connects, when it is time for it. False: not now; *why_r says why, or is NULL when it is not time yet. */
MUST_CHECK bool logpeer_connect(struct logpeer *peer, int64_t now_ns, const char **why_r);
/* Closes the connection; the next attempt is for the next address, after a pause. */
void logpeer_fail(struct logpeer *peer, int64_t now_ns);
/* Closes the connection; the next attempt is for the same address, at once. */
void logpeer_close(struct logpeer *peer);
/* It works: the next pause is short again. */
void logpeer_works(struct logpeer *peer);
const char *logpeer_name(const struct logpeer *peer);

#endif
