#include "pair.h"

static unsigned reads, writes;
static char got[64];
static ssize_t got_len;

static void count(struct conn *conn, unsigned ready)
{
    reads += (ready & CONN_READABLE) != 0;
    writes += (ready & CONN_WRITABLE) != 0;
    if (ready & CONN_READABLE)
        got_len = conn_recv(conn, got, sizeof got);
}

static struct conn conn;
static int peer;

/* A conn on one side, a plain socket on the other. */
static void start(void)
{
    int fds[2];

    pair_open(-1);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    conn_init(&conn, base, fds[0], count);
    peer = fds[1];
    reads = writes = 0;
}

static void stop(void)
{
    conn_close(&conn);
    close(peer);
    pair_close();
}

static void say(const char *text)
{
    ck_assert_int_eq(write(peer, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(bytes_wake_the_owner_until_it_has_read_them)
{
    start();
    turn_now();
    ck_assert_uint_eq(reads, 0);
    say("hello");
    turn();
    ck_assert_uint_eq(reads, 1);
    ck_assert_int_eq(got_len, 5);
    ck_assert(memcmp(got, "hello", 5) == 0);
    turn_now();
    ck_assert_uint_eq(reads, 1);
    ck_assert_int_eq(conn_recv(&conn, got, sizeof got), CONN_AGAIN);
    stop();
}
END_TEST

START_TEST(the_end_of_the_stream_reads_as_0)
{
    start();
    shutdown(peer, SHUT_WR);
    turn();
    ck_assert_int_eq(got_len, 0);
    stop();
}
END_TEST

START_TEST(a_paused_conn_is_not_read_until_it_is_resumed)
{
    start();
    conn_read_pause(&conn);
    conn_read_pause(&conn);
    say("x");
    turn_now();
    ck_assert_uint_eq(reads, 0);
    conn_read_resume(&conn);
    conn_read_resume(&conn);
    turn();
    ck_assert_uint_eq(reads, 1);
    stop();
}
END_TEST

START_TEST(a_write_that_is_not_taken_whole_waits_and_is_woken)
{
    static char much[1 << 20];
    struct iovec iov = {much, sizeof much};
    ssize_t n;

    start();
    n = conn_writev(&conn, &iov, 1);
    ck_assert(n > 0 && n < (ssize_t)sizeof much);
    ck_assert_int_eq(conn_writev(&conn, &iov, 1), CONN_AGAIN);
    conn_write_wait(&conn);
    conn_write_wait(&conn);
    turn_now();
    ck_assert_uint_eq(writes, 0);
    while (read(peer, much, sizeof much) > 0)
        ;
    turn();
    ck_assert_uint_eq(writes, 1);
    conn_write_done(&conn);
    conn_write_done(&conn);
    turn_now();
    ck_assert_uint_eq(writes, 1);
    stop();
}
END_TEST

START_TEST(a_broken_connection_says_why_and_raises_no_signal)
{
    char byte = 'x';
    struct iovec iov = {&byte, 1};

    start();
    close(peer);
    ck_assert_int_eq(conn_writev(&conn, &iov, 1), CONN_FAILED);
    ck_assert_int_eq(conn.error, EPIPE);
    stop();
}
END_TEST

START_TEST(closing_takes_both_events_out_and_may_be_done_twice)
{
    start();
    conn_write_wait(&conn);
    say("x");
    conn_close(&conn);
    conn_close(&conn);
    conn_abort(&conn);
    conn_shutdown(&conn);
    conn_read_resume(&conn);
    conn_write_wait(&conn);
    turn_now();
    ck_assert_uint_eq(reads + writes, 0);
    ck_assert_int_eq(conn.fd, -1);
    ck_assert_int_le(read(peer, got, 1), 0);
    stop();
}
END_TEST

START_TEST(shutdown_ends_our_side_only)
{
    start();
    conn_shutdown(&conn);
    ck_assert_int_eq(read(peer, got, 1), 0);
    say("y");
    turn();
    ck_assert_int_eq(got_len, 1);
    stop();
}
END_TEST

/* ---- connecting ---- */

static int connected; /* -1: not known yet */

static void on_connect(struct conn *c, unsigned ready)
{
    if (connected < 0 && ready & CONN_WRITABLE)
        connected = conn_connected(c);
    else
        count(c, ready);
}

START_TEST(a_connect_ends_in_a_connection_that_is_read)
{
    struct conn out;
    int in;

    pair_open(8);
    connected = -1;
    ck_assert(conn_connect(&out, base, &origin, on_connect));
    turn();
    ck_assert_int_eq(connected, 1);
    in = accept(listener, NULL, NULL);
    ck_assert_int_eq(write(in, "abc", 3), 3);
    reads = 0;
    turn();
    ck_assert_uint_eq(reads, 1);
    ck_assert_int_eq(got_len, 3);
    conn_close(&out);
    close(in);
    pair_close();
}
END_TEST

START_TEST(a_refused_connect_says_so)
{
    struct conn out;

    pair_open(-1);
    connected = -1;
    if (conn_connect(&out, base, &origin, on_connect)) {
        turn();
        ck_assert_int_eq(connected, 0);
    }
    ck_assert_int_eq(out.error, ECONNREFUSED);
    conn_close(&out);
    pair_close();
}
END_TEST

START_TEST(a_connect_that_fails_at_once_leaves_a_closed_conn)
{
    struct conn out;
    struct config_address nowhere = {.addr.any.sa_family = AF_UNIX, .addr_len = sizeof(struct sockaddr_un)};

    pair_open(-1);
    strcpy(nowhere.addr.un.sun_path, "/nonexistent/socket");
    ck_assert(!conn_connect(&out, base, &nowhere, on_connect));
    ck_assert_int_eq(out.error, ENOENT);
    ck_assert_int_eq(out.fd, -1);
    nowhere.addr.any.sa_family = AF_MAX;
    ck_assert(!conn_connect(&out, base, &nowhere, on_connect));
    ck_assert_int_eq(out.error, EAFNOSUPPORT);
    conn_close(&out);
    pair_close();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conn");
    TCase *tc = tcase_create("conn");

    tcase_add_test(tc, bytes_wake_the_owner_until_it_has_read_them);
    tcase_add_test(tc, the_end_of_the_stream_reads_as_0);
    tcase_add_test(tc, a_paused_conn_is_not_read_until_it_is_resumed);
    tcase_add_test(tc, a_write_that_is_not_taken_whole_waits_and_is_woken);
    tcase_add_test(tc, a_broken_connection_says_why_and_raises_no_signal);
    tcase_add_test(tc, closing_takes_both_events_out_and_may_be_done_twice);
    tcase_add_test(tc, shutdown_ends_our_side_only);
    tcase_add_test(tc, a_connect_ends_in_a_connection_that_is_read);
    tcase_add_test(tc, a_refused_connect_says_so);
    tcase_add_test(tc, a_connect_that_fails_at_once_leaves_a_closed_conn);
    suite_add_tcase(suite, tc);
    return suite;
}
