#include "net/pool.h"

#include <errno.h>

void pool_init(struct pool *pool, struct event_base *base, struct mem_pool *memory)
{
    *pool = (struct pool){.base = base, .memory = memory};
}

static void link_newest(struct pool_conn *pc)
{
    struct pool *pool = pc->pool;

    pc->prev = NULL;
    pc->next = pool->newest;
    if (pool->newest)
        pool->newest->prev = pc;
    else
        pool->oldest = pc;
    pool->newest = pc;
    pool->waiting++;
}

static void unlink_waiting(struct pool_conn *pc)
{
    struct pool *pool = pc->pool;

    if (pc->prev)
        pc->prev->next = pc->next;
    else
        pool->newest = pc->next;
    if (pc->next)
        pc->next->prev = pc->prev;
    else
        pool->oldest = pc->prev;
    pool->waiting--;
}

void pool_drop(struct pool_conn *pc)
{
    conn_close(&pc->conn);
    pc->pool->open--;
    mem_pool_put(pc->pool->memory, pc);
}

static void close_waiting(struct pool_conn *pc)
{
    unlink_waiting(pc);
    pool_drop(pc);
}

/* A waiting connection became readable: closed by the target, broken, or talking out of turn. All three end
 * it. What is not for us (a session ticket of TLS) does not. */
static void on_waiting(struct conn *conn, unsigned ready)
{
    char byte;

    (void)ready;
    if (conn_recv(conn, &byte, 1) != CONN_AGAIN)
        close_waiting(CONTAINER_OF(conn, struct pool_conn, conn));
}

void pool_fini(struct pool *pool)
{
    while (pool->newest)
        close_waiting(pool->newest);
    tls_session_drop(&pool->session);
    BUG_ON(pool->open != 0);
}

struct pool_conn *pool_take(struct pool *pool, const struct tls_context *tls, conn_cb *cb, void *user)
{
    struct pool_conn *pc;

    while (pool->newest && !tls_is(&pool->newest->conn, tls))
        close_waiting(pool->newest);
    pc = pool->newest;
    if (!pc)
        return NULL;
    unlink_waiting(pc);
    pc->conn.cb = cb;
    pc->user = user;
    return pc;
}

struct pool_conn *pool_connect(struct pool *pool, const struct config_address *to, struct tls_context *tls,
                               conn_cb *cb, void *user, int *error_r)
{
    struct pool_conn *pc = mem_pool_get(pool->memory);

    if (!pc) {
        *error_r = ENOMEM;
        return NULL;
    }
    *pc = (struct pool_conn){.pool = pool, .user = user};
    if (!conn_connect(&pc->conn, pool->base, to, cb)) {
        *error_r = pc->conn.error;
        mem_pool_put(pool->memory, pc);
        return NULL;
    }
    if (tls && !tls_start(&pc->conn, tls, to, &pool->session)) {
        *error_r = ENOMEM;
        conn_close(&pc->conn);
        mem_pool_put(pool->memory, pc);
        return NULL;
    }
    pool->open++;
    return pc;
}

void pool_give(struct pool_conn *pc, int64_t now_ns)
{
    pc->user = NULL;
    pc->uses++;
    pc->since_ns = now_ns;
    pc->conn.cb = on_waiting;
    conn_read_resume(&pc->conn);
    conn_write_done(&pc->conn);
    link_newest(pc);
}

bool pool_shed(struct pool *pool)
{
    if (!pool->oldest)
        return false;
    close_waiting(pool->oldest);
    return true;
}

void pool_expire(struct pool *pool, int64_t now_ns, int64_t idle_ns)
{
    while (pool->oldest && now_ns - pool->oldest->since_ns >= idle_ns && pool_shed(pool))
        ;
}
