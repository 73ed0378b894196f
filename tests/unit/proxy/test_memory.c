/* The budget of memory: what is refused, what is closed, and that all of it is served again afterwards. */
#include "fixture.h"

#include "base/budget.h"

#include <poll.h>
#include <unistd.h>

#define GET   "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

enum { MANY = 80, MIB = 1 << 20 };

static struct proxy proxy;
static int clients[MANY], targets[MANY];
static size_t served, refused;

static void start(void)
{
    proxy = (struct proxy){0};
    served = refused = 0;
    proxy_start(&proxy, &(struct proxy_setup){.top = "limits: { memory: 1MiB }\n"});
}

static size_t used(void)
{
    return budget_used(crew_memory(proxy.crew));
}

static uint64_t count(size_t offset)
{
    return cell_get_at(crew_shard(proxy.crew, 0), offset);
}

/* Waits until the request of `client` has come to the target, or been answered by the proxy. */
static bool comes_through(int client)
{
    struct pollfd either[] = {{.fd = client, .events = POLLIN}, {.fd = proxy.stable.fd, .events = POLLIN}};

    ck_assert_int_gt(poll(either, 2, 20000), 0);
    return either[1].revents != 0;
}

/* Requests that the target does not answer, until memory is short; and some beyond. */
static void fill(void)
{
    for (size_t i = 0; i < MANY && refused < 5; i++) {
        int client = proxy_connect(&proxy);

        say(client, GET);
        if (comes_through(client)) {
            clients[served] = client;
            targets[served] = target_accept(&proxy.stable);
            hear_head(targets[served++]);
            continue;
        }
        refused++;
        ck_assert_ptr_nonnull(strstr(hear_head(client), "HTTP/1.1 503 Service Unavailable\r\n"));
        close(client);
    }
    ck_assert_uint_ge(served, 10);
    ck_assert_uint_eq(refused, 5);
    ck_assert_uint_le(used(), MIB);
}

/* Waits until the worker has noticed who has left, and new requests are welcome again. */
static void wait_given_back(void)
{
    for (int i = 0; i < 20000 && used() > MIB - MIB / 16; i++)
        poll(NULL, 0, 1);
    pass(NS_PER_S);
}

static void answer_all(void)
{
    for (size_t i = 0; i < served; i++) {
        say(targets[i], EMPTY);
        ck_assert_ptr_nonnull(strstr(hear_head(clients[i]), "200 OK"));
        close(clients[i]);
    }
}

static void ask_once(void)
{
    int client = proxy_connect(&proxy), target = targets[0];

    say(client, GET);
    if (comes_through(client))
        target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, EMPTY);
    ck_assert_ptr_nonnull(strstr(hear_head(client), "200 OK"));
    close(client);
}

START_TEST(while_memory_is_short_new_requests_get_503_and_the_others_their_answers)
{
    start();
    fill();
    answer_all();
    proxy_wait_ended(&proxy, served + refused);
    for (size_t i = 0; i < served; i++)
        close(targets[i]);
    wait_given_back();
    targets[0] = -1;
    ask_once();
    proxy_wait_ended(&proxy, served + refused + 1);
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), served + refused + 1);
    for (size_t i = 0; i < served + refused + 1; i++)
        if (proxy_log_number(&proxy, i, "http.status_code") == 503) {
            ck_assert_str_eq(proxy_log_text(&proxy, i, "outcome"), "overload");
            ck_assert_str_eq(proxy_log_text(&proxy, i, "blame"), "self");
            refused--;
        }
    ck_assert_uint_eq(refused, 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(who_has_been_idle_longest_is_closed_while_memory_is_short)
{
    int idle;

    start();
    idle = proxy_connect(&proxy);
    say(idle, GET);
    targets[0] = target_accept(&proxy.stable);
    hear_head(targets[0]);
    say(targets[0], EMPTY);
    hear_head(idle);
    close(targets[0]);
    ck_assert(is_silent(idle));
    fill();
    ck_assert_str_eq(hear_end(idle, NULL), "");
    ck_assert_uint_ge(count(offsetof(struct shard, shed)), 1);
    answer_all();
    proxy_wait_ended(&proxy, served + refused + 1);
    proxy_stop(&proxy);
    proxy_free(&proxy);
}
END_TEST

/* Waits until the worker has drawn a buffer for the head that was begun, or refused to. */
static void wait_drawn(size_t before)
{
    for (int i = 0; i < 20000 && used() < before + 16384 && count(offsetof(struct shard, starved)) == 0; i++)
        poll(NULL, 0, 1);
}

START_TEST(heads_that_do_not_end_take_no_more_than_there_is)
{
    size_t len = 0;

    start();
    while (len < MANY && count(offsetof(struct shard, starved)) == 0) {
        size_t before = used();

        clients[len] = proxy_connect(&proxy);
        say(clients[len++], "GET / HTTP/1.1\r\nX-");
        wait_drawn(before);
        ck_assert_uint_le(used(), MIB);
    }
    ck_assert_uint_ge(len, 50);
    ck_assert_uint_lt(len, MANY);
    ck_assert_str_eq(hear_head(clients[len - 1]), "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                                  "Retry-After: 1\r\nConnection: close\r\n\r\n");
    while (len > 0)
        close(clients[--len]);
    wait_given_back();
    ask_once();
    proxy_wait_ended(&proxy, 1);
    proxy_stop(&proxy);
    proxy_free(&proxy);
}
END_TEST

START_TEST(what_is_kept_for_reuse_is_given_back_when_it_is_needed)
{
    start();
    fill();
    answer_all();
    for (size_t i = 0; i < served; i++)
        close(targets[i]);
    pass(NS_PER_S);
    ck_assert_uint_le(used(), MIB - MIB / 16);
    served = refused = 0;
    fill(); /* as many again */
    answer_all();
    pass(NS_PER_S);
    proxy_stop(&proxy);
    proxy_free(&proxy);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("memory");
    TCase *tc = tcase_create("memory");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, while_memory_is_short_new_requests_get_503_and_the_others_their_answers);
    tcase_add_test(tc, who_has_been_idle_longest_is_closed_while_memory_is_short);
    tcase_add_test(tc, heads_that_do_not_end_take_no_more_than_there_is);
    tcase_add_test(tc, what_is_kept_for_reuse_is_given_back_when_it_is_needed);
    suite_add_tcase(suite, tc);
    return suite;
}
