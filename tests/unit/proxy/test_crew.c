#include "fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static struct proxy proxy;
static struct server *stable, *canary;

static void start(const struct proxy_setup *setup)
{
    proxy = (struct proxy){0};
    target_open(&proxy.stable);
    target_open(&proxy.canary);
    stable = server_start(&proxy.stable, "s");
    canary = server_start(&proxy.canary, "c");
    proxy_start(&proxy, setup);
}

static void stop(void)
{
    proxy_stop(&proxy);
    proxy_free(&proxy);
    server_stop(stable);
    server_stop(canary);
}

/* One request on an open connection; the label of the group that answered. */
static char ask(int client)
{
    say(client, GET);
    ck_assert(strncmp(hear_head(client), "HTTP/1.1 200 OK\r\n", 17) == 0);
    return hear_bytes(client, 1)[0];
}

/* Whether a connection to the proxy comes about on this socket. */
static bool reaches(int fd)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(proxy.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0;
}

static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    return fd;
}

/* ---- snapshots ---- */

START_TEST(a_weight_is_in_force_at_the_next_request_of_every_connection)
{
    int clients[8];

    start(&(struct proxy_setup){.workers = 2});
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        clients[i] = proxy_connect(&proxy);
    for (int round = 0; round < 20; round++) {
        proxy_publish(&proxy, round % 2 ? 10000 : 0);
        for (size_t i = 0; i < ARRAY_LEN(clients); i++)
            ck_assert_int_eq(ask(clients[i]), round % 2 ? 'c' : 's');
    }
    stop();
}
END_TEST

START_TEST(snapshots_are_freed_when_nobody_can_reach_them)
{
    start(&(struct proxy_setup){.workers = 2});
    ck_assert_uint_eq(proxy.config->refs, 2);
    for (uint32_t i = 0; i < 50; i++)
        proxy_publish(&proxy, i);
    ck_assert_uint_eq(proxy.config->refs, 52);
    crew_sweep(proxy.crew);
    ck_assert_uint_eq(proxy.config->refs, 2);
    ck_assert_uint_eq(crew_routes(proxy.crew)->routes[0].weight, 49);
    stop();
}
END_TEST

START_TEST(a_snapshot_lives_as_long_as_a_request_that_began_with_it)
{
    int client, target;

    proxy = (struct proxy){0};
    proxy_start(&proxy, NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    for (uint32_t i = 1; i < 10; i++)
        proxy_publish(&proxy, 10000);
    crew_sweep(proxy.crew);
    ck_assert_uint_eq(proxy.config->refs, 3); /* ours, the newest, and the one of the request */
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    hear_head(client);
    proxy_wait_ended(&proxy, 1);
    crew_sweep(proxy.crew);
    ck_assert_uint_eq(proxy.config->refs, 2);
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "group"), "ec2");
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "weight"), 0); /* the weight that it was drawn with */
    proxy_free(&proxy);
}
END_TEST

/* A worker that is behind must not be handed what was freed, nor lose the newest. */
START_TEST(a_worker_that_missed_some_takes_the_newest)
{
    start(NULL);
    freeze();
    for (uint32_t i = 1; i <= 30; i++) {
        proxy.weight = i;
        crew_publish(proxy.crew, proxy_snapshot(&proxy));
        crew_sweep(proxy.crew);
    }
    ck_assert_uint_gt(proxy.config->refs, 2);
    thaw();
    proxy_publish(&proxy, 31);
    crew_sweep(proxy.crew);
    ck_assert_uint_eq(proxy.config->refs, 2);
    stop();
}
END_TEST

/* ---- under load ---- */

enum { CLIENTS = 4, PUBLISHED = 200 };

struct load {
    pthread_t thread;
    unsigned long asked, failed;
    bool reconnects;
};

static _Atomic bool enough; /* set by the test, read by the clients; relaxed: one round more is no harm */

static bool answered(int fd)
{
    char bytes[512];
    size_t len = 0;

    for (;;) {
        ssize_t n = recv(fd, bytes + len, sizeof bytes - len, 0);

        if (n <= 0)
            return false;
        len += (size_t)n;
        if (len > 21 && memcmp(bytes + len - 5, "\r\n\r\n", 4) == 0)
            return memcmp(bytes, "HTTP/1.1 200 OK\r\n", 17) == 0;
    }
}

static void *ask_on(void *arg)
{
    struct load *load = arg;
    int fd = -1;

    while (!atomic_load_explicit(&enough, memory_order_relaxed)) {
        if (fd < 0)
            fd = proxy_connect(&proxy);
        load->asked++;
        load->failed += send(fd, GET, sizeof GET - 1, MSG_NOSIGNAL) < 0 || !answered(fd);
        if (load->reconnects) {
            close(fd);
            fd = -1;
        }
        poll(NULL, 0, 1); /* leave something of the machine to the others */
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

START_TEST(two_hundred_snapshots_under_load_cost_no_request)
{
    struct load loads[CLIENTS];
    unsigned long asked = 0;

    start(&(struct proxy_setup){.workers = 2});
    atomic_store_explicit(&enough, false, memory_order_relaxed);
    for (size_t i = 0; i < CLIENTS; i++) {
        loads[i] = (struct load){.reconnects = i % 2};
        ck_assert_int_eq(pthread_create(&loads[i].thread, NULL, ask_on, &loads[i]), 0);
    }
    for (uint32_t i = 0; i < PUBLISHED; i++) {
        proxy_publish(&proxy, i % 3 == 0 ? 0 : i % 3 == 1 ? 5000 : 10000);
        crew_sweep(proxy.crew);
        proxy_take_log(&proxy);
    }
    atomic_store_explicit(&enough, true, memory_order_relaxed);
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(loads[i].thread, NULL);
        ck_assert_uint_eq(loads[i].failed, 0);
        asked += loads[i].asked;
    }
    ck_assert_uint_eq(server_requests(stable) + server_requests(canary), asked);
    proxy_wait_ended(&proxy, asked);
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), asked);
    proxy_free(&proxy);
    server_stop(stable);
    server_stop(canary);
}
END_TEST

/* ---- the end ---- */

START_TEST(drain_closes_what_is_idle_and_lets_the_rest_end)
{
    int idle, busy, half, target;
    bool was_reset;

    proxy = (struct proxy){0};
    proxy_start(&proxy, NULL);
    idle = proxy_connect(&proxy);
    busy = proxy_connect(&proxy);
    half = proxy_connect(&proxy);
    say(busy, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(half, "GET / HT");
    settle(half);
    crew_drain(proxy.crew);
    ck_assert_str_eq(hear_end(idle, &was_reset), "");
    ck_assert(!was_reset);
    ck_assert(!crew_idle(proxy.crew));
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear_end(busy, NULL), "\r\nConnection: close\r\n"));
    say(half, "TP/1.1\r\nHost: a\r\n\r\n");
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear_end(half, NULL), "\r\nConnection: close\r\n"));
    close(busy);
    close(half);
    for (int i = 0; i < 20000 && !crew_idle(proxy.crew); i++)
        poll(NULL, 0, 1);
    ck_assert(crew_idle(proxy.crew));
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), 2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(drain_serves_whom_the_kernel_has_let_in)
{
    int client, idle;

    start(NULL);
    idle = proxy_connect(&proxy);
    ask(idle);
    client = proxy_connect(&proxy);
    crew_drain(proxy.crew);
    hear_end(idle, NULL); /* now the worker has heard of it */
    say(client, GET);
    ck_assert_ptr_nonnull(strstr(hear_end(client, NULL), "\r\nConnection: close\r\n"));
    close(client);
    close(idle);
    for (int i = 0; i < 20000 && crew_listening(proxy.crew); i++)
        poll(NULL, 0, 1);
    ck_assert(!crew_listening(proxy.crew));
    stop();
}
END_TEST

START_TEST(a_drained_crew_takes_no_connection)
{
    int fd;

    start(&(struct proxy_setup){.workers = 2});
    crew_drain(proxy.crew);
    for (int tries = 0; reaches(fd = new_socket()); tries++) { /* until both workers have heard of it */
        close(fd);
        ck_assert_int_lt(tries, 1000);
        poll(NULL, 0, 5);
    }
    close(fd);
    stop();
}
END_TEST

START_TEST(stop_ends_whatever_is_open)
{
    int clients[4], target;

    proxy = (struct proxy){0};
    proxy_start(&proxy, &(struct proxy_setup){.workers = 2});
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        clients[i] = proxy_connect(&proxy);
    say(clients[0], GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(clients[1], "GET / HT");
    say(clients[2], "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    hear_head(target_accept(&proxy.stable));
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), 2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_crew_that_cannot_listen_says_why_and_leaves_nothing)
{
    static const struct hash_key key = {1, 2};
    struct route_live live = {.epoch = 1, .step = -1};
    struct sockaddr_in *in;
    struct crew *crew;
    char why[256];

    start(NULL);
    in = &proxy.config->listeners[0].address.addr.in;
    in->sin_port = htons(proxy.port);
    crew = crew_start(routes_build(proxy.config, &live, NULL, &key, 1), -1, why, sizeof why);
    ck_assert_ptr_null(crew);
    ck_assert_ptr_nonnull(strstr(why, "Address already in use"));
    ck_assert_uint_eq(proxy.config->refs, 2);
    stop();
}
END_TEST

START_TEST(without_a_log_nothing_is_written_and_all_is_counted)
{
    int client;

    start(&(struct proxy_setup){.no_log = true});
    client = proxy_connect(&proxy);
    for (int i = 0; i < 10; i++)
        ask(client);
    proxy_wait_ended(&proxy, 10);
    crew_stop(proxy.crew);
    ck_assert_ptr_null(ring_pop(&crew_log_pipe(proxy.crew, 0)->full));
    ck_assert_uint_eq(cell_get(&crew_shard(proxy.crew, 0)->log_lines), 0);
    ck_assert_uint_eq(cell_get(&crew_shard(proxy.crew, 0)->log_dropped), 0);
    proxy_free(&proxy);
    server_stop(stable);
    server_stop(canary);
}
END_TEST

/* ---- limits ---- */

START_TEST(clients_beyond_the_limit_are_refused_and_the_others_served)
{
    int clients[3], more;

    start(&(struct proxy_setup){.workers = 2, .top = "limits: { connections: 3 }\n"});
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = proxy_connect(&proxy);
        ask(clients[i]);
        say(clients[i], "GET / HTTP/1.1\r\n"); /* busy, so that it is not shed */
        settle(clients[i]);
    }
    more = proxy_connect(&proxy);
    ck_assert_ptr_nonnull(strstr(hear_head(more), "503 Service Unavailable\r\n"));
    ck_assert_str_eq(hear_end(more, NULL), "");
    close(more);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        say(clients[i], "Host: a\r\n\r\n");
        hear_head(clients[i]);
        hear_bytes(clients[i], 1);
    }
    stop();
}
END_TEST

START_TEST(the_client_that_was_idle_longest_makes_room_for_a_new_one)
{
    int clients[3], more[2];

    start(&(struct proxy_setup){.top = "limits: { connections: 3 }\n"});
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = proxy_connect(&proxy);
        ask(clients[i]);
    }
    ask(clients[0]);
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        more[i] = proxy_connect(&proxy);
        ask(more[i]);
        ck_assert_str_eq(hear_end(clients[1 + i], NULL), "");
    }
    ask(clients[0]);
    ck_assert_uint_eq(cell_get(&crew_shard(proxy.crew, 0)->shed), 2);
    ck_assert_uint_eq(cell_get(&crew_shard(proxy.crew, 0)->refused), 0);
    stop();
}
END_TEST

START_TEST(idle_clients_may_stay_the_shorter_the_less_room_is_left)
{
    int early, late, others[7];

    start(&(struct proxy_setup){.top = "limits: { connections: 10 }\ntimeouts: { keepAlive: 60s }\n"});
    early = proxy_connect(&proxy);
    ask(early);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        others[i] = proxy_connect(&proxy);
        say(others[i], "GET / HTTP/1.1\r\n");
        settle(others[i]);
    }
    late = proxy_connect(&proxy);
    ask(late); /* nine are open */
    pass(9 * NS_PER_S);
    ask(late);
    pass(13 * NS_PER_S);
    ck_assert_str_eq(hear_end(late, NULL), "");
    ask(early);
    stop();
}
END_TEST

START_TEST(requests_of_one_client_have_a_limit)
{
    static const char from[] = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %s\r\n\r\n";
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    static const char *const tops[] = {
        "limits: { requestsPerAddress: 1 }\nforwarded: { trusted: [127.0.0.1] }\n",
        "limits: { requestsPerAddress: 1 }\nforwarded: { trustedHops: 1 }\n",
    };
    int first, again, other, targets[2];

    proxy = (struct proxy){0};
    proxy_start(&proxy, &(struct proxy_setup){.top = tops[_i]});
    first = proxy_connect(&proxy);
    again = proxy_connect(&proxy);
    other = proxy_connect(&proxy);
    say(first, from, "2001:db8::1");
    targets[0] = target_accept(&proxy.stable);
    hear_head(targets[0]);
    say(again, from, "2001:db8::2"); /* of the same /64 */
    ck_assert_ptr_nonnull(strstr(hear_head(again), "429 Too Many Requests\r\n"));
    say(other, from, "2001:db8:0:1::1");
    targets[1] = target_accept(&proxy.stable);
    hear_head(targets[1]);
    say(targets[1], answer);
    hear_head(other);
    say(targets[0], answer);
    hear_head(first);
    say(first, from, "2001:db8::3");
    hear_head(targets[0]);
    say(targets[0], answer);
    hear_head(first);
    proxy_wait_ended(&proxy, 4);
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "outcome"), "crowded");
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "blame"), "client");
    proxy_free(&proxy);
}
END_TEST

START_TEST(targets_have_a_limit_too_and_it_is_ours)
{
    int first, second, target;

    proxy = (struct proxy){0};
    proxy_start(&proxy, &(struct proxy_setup){.group = "maxConnections: 1, concurrency: { queue: 0 },"});
    first = proxy_connect(&proxy);
    second = proxy_connect(&proxy);
    say(first, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(second, GET);
    ck_assert_ptr_nonnull(strstr(hear_head(second), "\r\nRetry-After: 1\r\n"));
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    hear_head(first);
    say(first, GET); /* the waiting connection serves */
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    hear_head(first);
    proxy_wait_ended(&proxy, 3);
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "outcome"), "queue_full");
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "blame"), "self");
    proxy_free(&proxy);
}
END_TEST

START_TEST(without_descriptors_new_clients_are_refused_and_the_loop_rests)
{
    enum { DESCRIPTORS = 256 };
    struct rlimit limit;
    int client, late, held[DESCRIPTORS], n = 0;
    uint64_t turns;

    start(NULL);
    client = proxy_connect(&proxy);
    ask(client);
    say(client, "GET / HTTP/1.1\r\n"); /* busy, so that it is not shed */
    settle(client);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
    late = new_socket();
    while ((held[n] = dup(late)) >= 0)
        n++;
    ck_assert_int_eq(errno, EMFILE);
    ck_assert(reaches(late));
    ck_assert_str_eq(hear_end(late, NULL), "");
    say(client, "Host: a\r\n\r\n");
    hear_head(client);
    ck_assert_str_eq(hear_bytes(client, 1), "s");
    turns = cell_get(&crew_shard(proxy.crew, 0)->turns);
    poll(NULL, 0, 200);
    ck_assert_uint_lt(cell_get(&crew_shard(proxy.crew, 0)->turns) - turns, 100);
    ck_assert_uint_eq(cell_get(&crew_shard(proxy.crew, 0)->refused), 1);
    while (n > 0)
        close(held[--n]);
    stop();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("crew");
    TCase *tc = tcase_create("crew");

    tcase_add_test(tc, a_weight_is_in_force_at_the_next_request_of_every_connection);
    tcase_add_test(tc, snapshots_are_freed_when_nobody_can_reach_them);
    tcase_add_test(tc, a_snapshot_lives_as_long_as_a_request_that_began_with_it);
    tcase_add_test(tc, a_worker_that_missed_some_takes_the_newest);
    tcase_add_test(tc, two_hundred_snapshots_under_load_cost_no_request);
    tcase_add_test(tc, drain_closes_what_is_idle_and_lets_the_rest_end);
    tcase_add_test(tc, drain_serves_whom_the_kernel_has_let_in);
    tcase_add_test(tc, a_drained_crew_takes_no_connection);
    tcase_add_test(tc, stop_ends_whatever_is_open);
    tcase_add_test(tc, a_crew_that_cannot_listen_says_why_and_leaves_nothing);
    tcase_add_test(tc, without_a_log_nothing_is_written_and_all_is_counted);
    tcase_add_test(tc, clients_beyond_the_limit_are_refused_and_the_others_served);
    tcase_add_test(tc, the_client_that_was_idle_longest_makes_room_for_a_new_one);
    tcase_add_test(tc, idle_clients_may_stay_the_shorter_the_less_room_is_left);
    tcase_add_loop_test(tc, requests_of_one_client_have_a_limit, 0, 2);
    tcase_add_test(tc, targets_have_a_limit_too_and_it_is_ours);
    tcase_add_test(tc, without_descriptors_new_clients_are_refused_and_the_loop_rests);
    suite_add_tcase(suite, tc);
    return suite;
}
