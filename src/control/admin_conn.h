/*
 * One connection of the admin server. See control/admin.h for what it serves.
 *
 *   HEAD ──> BODY ──> HANDLING ──> WRITING ──> HEAD (keep-alive)
 *                        │            └──────> LINGERING ──> closed
 *                        └──> STREAMING ──> closed
 *
 * Thread: control.
 */
#ifndef CONTROL_ADMIN_CONN_H
#define CONTROL_ADMIN_CONN_H

#include "control/admin.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct admin_conn;

/* What the server lends its connections. */
struct admin_shared {
    struct event_base *base;
    admin_handler *handler;
    void *arg;
    size_t streams;
    /* Called when a connection frees itself. */
    void (*closed)(struct admin_shared *shared, struct admin_conn *conn);
};

/* Serves an accepted, non-blocking socket, which is taken over. */
struct admin_conn *admin_conn_new(struct admin_shared *shared, int fd, const struct sockaddr *peer,
                                  int64_t now_ns);
/* Closes and frees it; `gone` of a request on hold is called. */
void admin_conn_free(struct admin_conn *conn);
/* When it became idle (monotonic ns); INT64_MAX while it is not. */
int64_t admin_conn_idle_since(const struct admin_conn *conn);

#endif
