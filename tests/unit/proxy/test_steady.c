/* In steady state a worker asks the heap for nothing: its pools and arenas have what requests need. */
#include "fixture.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { COUNTS = 0 }; /* a sanitizer has a heap of its own */
#else
enum { COUNTS = 1 };

/* The C library's own, behind ours. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static _Thread_local bool is_test;  /* this thread is the test's, or a target's */
static _Atomic unsigned long asked; /* by workers; relaxed: a count */

static void note(void)
{
    if (!is_test)
        atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
    note();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    note();
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    note();
    return __libc_realloc(old, size);
}
#endif

static struct proxy proxy;
static int target;

static void answer(const char *how)
{
    hear_head(target);
    say(target, "%s", how);
}

/* Waits until the shadow has answered, so that there is one copy at a time. */
static void await_copy(void)
{
    const struct shard_mirror *cells = &shard_route(crew_shard(proxy.crew, 0), 0)->mirror;

    for (int i = 0; i < 20000 && cell_get(&cells->open) > 0; i++)
        poll(NULL, 0, 1);
    ck_assert_uint_eq(cell_get(&cells->open), 0);
}

/* One of each kind of request that a day brings, and the log taken as the exporter would. */
static void some_requests(int client)
{
    static const char length[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    static const char chunked[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

    say(client, "GET /a/../b%%41 HTTP/1.1\r\nHost: a\r\nCookie: who=me\r\n\r\n");
    if (target < 0)
        target = target_accept(&proxy.stable);
    answer(length);
    hear(client, "hello");
    await_copy();
    say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); /* gets a cookie */
    answer(chunked);
    hear(client, "0\r\n\r\n");
    await_copy();
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    hear_head(target);
    hear_bytes(target, 3);
    say(target, "%s", length);
    hear(client, "hello");
    await_copy();
    say(client, "HEAD /none HTTP/1.1\r\nHost: other\r\n\r\n");
    hear_head(client);
    say(client, "GET /failing HTTP/1.1\r\nHost: a\r\n\r\n");
    answer("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    hear_head(client);
    await_copy();
    pass(NS_PER_S + NS_PER_MS);
    proxy_take_log(&proxy);
}

START_TEST(requests_in_steady_state_ask_the_heap_for_nothing)
{
    struct server *shadow;
    int client;

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    is_test = true;
#endif
    target = -1;
    proxy_start(&proxy, &(struct proxy_setup){
                            .route = "match: { host: a }, affinity: { cookie: who }, mirror: 100, "});
    shadow = server_start(&proxy.canary, "fargate");
    client = proxy_connect(&proxy);
    for (int i = 0; i < 5; i++)
        some_requests(client);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    ck_assert_uint_gt(atomic_load(&asked), 0); /* it does count */
    atomic_store(&asked, 0);
#endif
    for (int i = 0; i < 40; i++)
        some_requests(client);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    ck_assert_uint_eq(atomic_load(&asked), 0);
#endif
    proxy_wait_ended(&proxy, 45 * 5);
    proxy_stop(&proxy);
    ck_assert_uint_ge(server_requests(shadow), 45 * 3);
    server_stop(shadow);
    proxy_free(&proxy);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("steady");
    TCase *tc = tcase_create("steady");

    tcase_add_test(tc, requests_in_steady_state_ask_the_heap_for_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}
