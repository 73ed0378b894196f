/*
 * The connections of one worker to one target: those in use, and those that wait for the next request. A
 * waiting connection keeps its read event, so that it notices at once when the target closes it or sends what
 * nobody asked for; it is then closed and never lent (http.md P1, M26).
 *
 * Thread: the worker's; nothing is shared.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include "base/mem.h"
#include "net/conn.h"
#include "net/tls.h"

#include <stdint.h>

/* One connection to the target. Lent to one user at a time, who sets `conn.cb` through pool_take or
 * pool_connect. */
struct pool_conn {
    struct conn conn;
    struct pool *pool;
    struct pool_conn *prev, *next; /* among the waiting ones */
    int64_t since_ns;              /* waiting since */
    uint32_t uses;                 /* requests that it has carried before */
    void *user;                    /* the borrower's */
};

struct pool {
    struct event_base *base;
    struct mem_pool *memory;           /* of struct pool_conn; shared by the worker's pools */
    struct pool_conn *newest, *oldest; /* the waiting ones, by the time they came back */
    struct tls_session session;        /* where the target speaks TLS */
    uint32_t waiting;
    uint32_t open; /* waiting and lent */
};

void pool_init(struct pool *pool, struct event_base *base, struct mem_pool *memory);
/* Closes what waits. Nothing may be lent. */
void pool_fini(struct pool *pool);

/* The connection that waited the shortest, or NULL. The caller becomes its user. Those that were made under
 * other settings of TLS than `tls` (NULL: clear text) are closed. */
MUST_CHECK struct pool_conn *pool_take(struct pool *pool, const struct tls_context *tls, conn_cb *cb,
                                       void *user);
/* A new connection, see conn_connect; NULL with *error_r set to an errno when it failed at once. */
MUST_CHECK struct pool_conn *pool_connect(struct pool *pool, const struct config_address *to,
                                          struct tls_context *tls, conn_cb *cb, void *user, int *error_r);
/* Gives a healthy connection back to wait for the next request. */
void pool_give(struct pool_conn *pc, int64_t now_ns);
/* Closes and frees a lent connection. */
void pool_drop(struct pool_conn *pc);
/* Closes the connection that has waited longest; false when none waits. */
MUST_CHECK bool pool_shed(struct pool *pool);
/* Closes what has waited for `idle_ns` or longer. */
void pool_expire(struct pool *pool, int64_t now_ns, int64_t idle_ns);

#endif
