#include "net/pool.h"

#include "base/clk.h"
#include "pair.h"

static struct mem_pool memory;
static struct pool pool;
static struct pool_conn *ready[8];
static size_t ready_len;

static void on_conn(struct conn *conn, unsigned what)
{
    struct pool_conn *pc = CONTAINER_OF(conn, struct pool_conn, conn);

    if (what & CONN_WRITABLE && conn_connected(conn))
        ready[ready_len++] = pc;
}

static void start(void)
{
    pair_open(16);
    mem_pool_init(&memory, sizeof(struct pool_conn), 4, 4);
    pool_init(&pool, base, &memory);
    ready_len = 0;
}

static void stop(void)
{
    pool_fini(&pool);
    ck_assert_uint_eq(pool.open, 0);
    mem_pool_fini(&memory);
    pair_close();
}

/* A new connection; `*peer_r` is the target's end. */
static struct pool_conn *connect_one(int *peer_r)
{
    int error = 0;
    struct pool_conn *pc = pool_connect(&pool, &origin, NULL, on_conn, &pool, &error);

    ck_assert_msg(pc, "%s", strerror(error));
    ck_assert_ptr_eq(pc->user, &pool);
    while (ready_len == 0 || ready[ready_len - 1] != pc)
        turn();
    *peer_r = accept(listener, NULL, NULL);
    return pc;
}

START_TEST(the_connection_that_waited_the_shortest_is_lent_first)
{
    int peers[3];
    struct pool_conn *pcs[3];

    start();
    ck_assert_ptr_null(pool_take(&pool, NULL, on_conn, NULL));
    for (size_t i = 0; i < 3; i++)
        pcs[i] = connect_one(&peers[i]);
    for (size_t i = 0; i < 3; i++)
        pool_give(pcs[i], (int64_t)i);
    ck_assert_uint_eq(pool.waiting, 3);
    ck_assert_uint_eq(pool.open, 3);
    for (size_t i = 3; i-- > 0;) {
        struct pool_conn *pc = pool_take(&pool, NULL, on_conn, peers);

        ck_assert_ptr_eq(pc, pcs[i]);
        ck_assert_ptr_eq(pc->user, peers);
        ck_assert_uint_eq(pc->uses, 1);
        ck_assert_uint_eq(pool.waiting, i);
    }
    for (size_t i = 0; i < 3; i++) {
        pool_drop(pcs[i]);
        close(peers[i]);
    }
    stop();
}
END_TEST

START_TEST(a_waiting_connection_that_the_target_closes_is_never_lent)
{
    int peers[2];
    struct pool_conn *first, *second;

    start();
    first = connect_one(&peers[0]);
    second = connect_one(&peers[1]);
    pool_give(first, 0);
    pool_give(second, 0);
    close(peers[1]);
    turn();
    ck_assert_uint_eq(pool.waiting, 1);
    ck_assert_uint_eq(pool.open, 1);
    ck_assert_ptr_eq(pool_take(&pool, NULL, on_conn, NULL), first);
    ck_assert_ptr_null(pool_take(&pool, NULL, on_conn, NULL));
    pool_drop(first);
    close(peers[0]);
    stop();
}
END_TEST

START_TEST(a_waiting_connection_on_which_the_target_speaks_is_closed)
{
    int peer;
    char byte;

    start();
    pool_give(connect_one(&peer), 0);
    ck_assert_int_eq(write(peer, "HTTP/1.1 408 \r\n\r\n", 17), 17);
    turn();
    ck_assert_uint_eq(pool.waiting, 0);
    ck_assert_ptr_null(pool_take(&pool, NULL, on_conn, NULL));
    ck_assert_int_le(read(peer, &byte, 1), 0);
    close(peer);
    stop();
}
END_TEST

START_TEST(what_waited_too_long_goes_the_oldest_first)
{
    int peers[3];
    struct pool_conn *pcs[3];

    start();
    for (size_t i = 0; i < 3; i++)
        pcs[i] = connect_one(&peers[i]);
    for (size_t i = 0; i < 3; i++)
        pool_give(pcs[i], (int64_t)i * NS_PER_S);
    pool_expire(&pool, 4 * NS_PER_S - 1, 4 * NS_PER_S);
    ck_assert_uint_eq(pool.waiting, 3);
    pool_expire(&pool, 5 * NS_PER_S, 4 * NS_PER_S);
    ck_assert_uint_eq(pool.waiting, 1);
    ck_assert_ptr_eq(pool.newest, pcs[2]);
    ck_assert_ptr_eq(pool.oldest, pcs[2]);
    ck_assert(pool_shed(&pool));
    ck_assert(!pool_shed(&pool));
    for (size_t i = 0; i < 3; i++)
        close(peers[i]);
    stop();
}
END_TEST

/* A borrower may have stopped reading, or have waited to write; the next one must not inherit that. */
START_TEST(a_connection_comes_back_reading_and_not_writing)
{
    int peer;
    struct pool_conn *pc;

    start();
    pc = connect_one(&peer);
    conn_read_pause(&pc->conn);
    conn_write_wait(&pc->conn);
    pool_give(pc, 0);
    turn_now();
    ck_assert_uint_eq(pool.waiting, 1);
    ck_assert(pc->conn.reading);
    ck_assert(!pc->conn.writing);
    close(peer);
    turn();
    ck_assert_uint_eq(pool.waiting, 0);
    stop();
}
END_TEST

START_TEST(beyond_the_memory_there_is_no_connection)
{
    struct pool_conn *pcs[4];
    int error = 0;

    start();
    for (size_t i = 0; i < 4; i++)
        pcs[i] = pool_connect(&pool, &origin, NULL, on_conn, NULL, &error);
    ck_assert_ptr_null(pool_connect(&pool, &origin, NULL, on_conn, NULL, &error));
    ck_assert_int_eq(error, ENOMEM);
    ck_assert_uint_eq(pool.open, 4);
    for (size_t i = 0; i < 4; i++)
        pool_drop(pcs[i]); /* while they still connect */
    stop();
}
END_TEST

START_TEST(a_connect_that_fails_at_once_costs_nothing)
{
    struct config_address nowhere = {.addr.any.sa_family = AF_MAX, .addr_len = sizeof(struct sockaddr_in)};
    int error = 0;

    start();
    ck_assert_ptr_null(pool_connect(&pool, &nowhere, NULL, on_conn, NULL, &error));
    ck_assert_int_eq(error, EAFNOSUPPORT);
    ck_assert_uint_eq(pool.open, 0);
    ck_assert_uint_eq(memory.live_len, 0);
    stop();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("pool");
    TCase *tc = tcase_create("pool");

    tcase_add_test(tc, the_connection_that_waited_the_shortest_is_lent_first);
    tcase_add_test(tc, a_waiting_connection_that_the_target_closes_is_never_lent);
    tcase_add_test(tc, a_waiting_connection_on_which_the_target_speaks_is_closed);
    tcase_add_test(tc, what_waited_too_long_goes_the_oldest_first);
    tcase_add_test(tc, a_connection_comes_back_reading_and_not_writing);
    tcase_add_test(tc, beyond_the_memory_there_is_no_connection);
    tcase_add_test(tc, a_connect_that_fails_at_once_costs_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}
