/*
 * Caps on requests in flight, and the line of those that wait for a place.
 */
#include "fixture.h"

#include "decide/plan.h"
#include "proxy/shard.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define WRONG   "HTTP/1.1 503 Oh\r\nContent-Length: 2\r\n\r\nno"
#define ONE     "concurrency: { target: 1 },"
#define UPGRADE "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"

enum {
    CLIENTS_MAX = 16,
    PATIENCE_MS = 20000,
    NEARLY_ALL = CONFIG_WEIGHT_ONE - 1,
};

static struct proxy proxy;
static int clients[CLIENTS_MAX];
static unsigned clients_len;
/* What the targets have accepted. */
static struct pollfd ends[2 * CLIENTS_MAX];
static nfds_t ends_len;

static void start(const struct proxy_setup *setup)
{
    proxy = (struct proxy){0};
    clients_len = 0;
    proxy_start(&proxy, setup);
    ends[0] = (struct pollfd){.fd = proxy.stable.fd, .events = POLLIN};
    ends[1] = (struct pollfd){.fd = proxy.canary.fd, .events = POLLIN};
    ends_len = 2;
}

static void stop(size_t records)
{
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), records);
    for (unsigned i = 0; i < clients_len; i++)
        close(clients[i]);
    for (nfds_t i = 2; i < ends_len; i++)
        close(ends[i].fd);
    proxy_free(&proxy);
}

/* The next client asks for /N, N from 0. */
static int ask(void)
{
    int client = proxy_connect(&proxy);

    say(client, "GET /%u HTTP/1.1\r\nHost: a\r\n\r\n", clients_len);
    settle(client);
    clients[clients_len++] = client;
    return client;
}

static void take(struct pollfd *listener)
{
    struct origin *origin = listener == &ends[0] ? &proxy.stable : &proxy.canary;

    ends[ends_len++] = (struct pollfd){.fd = target_accept(origin), .events = POLLIN};
}

static void drop(nfds_t i)
{
    close(ends[i].fd);
    ends[i] = ends[--ends_len];
}

/* Whether the proxy has said something there; drops it when the proxy has closed it. */
static bool speaks(nfds_t i)
{
    char byte;

    if (!(ends[i].revents & POLLIN))
        return false;
    if (recv(ends[i].fd, &byte, 1, MSG_PEEK) > 0)
        return true;
    drop(i);
    return false;
}

/* The end on which a target gets a request next; which one. */
static int gets_some(unsigned *n_r)
{
    for (;;) {
        ck_assert_int_gt(poll(ends, ends_len, PATIENCE_MS), 0);
        for (nfds_t i = ends_len; i-- > 2;) {
            const char *head;

            if (!speaks(i))
                continue;
            head = hear_head(ends[i].fd);
            ck_assert_msg(strncmp(head, "GET /", 5) == 0, "%s", head);
            *n_r = (unsigned)strtoul(head + 5, NULL, 10);
            return ends[i].fd;
        }
        for (nfds_t i = 0; i < 2; i++)
            if (ends[i].revents & POLLIN)
                take(&ends[i]);
    }
}

/* The same, which has to be /N. */
static int gets(unsigned n)
{
    unsigned got;
    int end = gets_some(&got);

    ck_assert_uint_eq(got, n);
    return end;
}

static bool targets_are_left_alone(void)
{
    return poll(ends, ends_len, 50) == 0;
}

static bool client_gets(int client, const char *status)
{
    bool same = strncmp(hear_head(client), status, strlen(status)) == 0;

    hear_bytes(client, 2);
    return same;
}

static uint64_t group_sum(uint32_t slot, size_t offset)
{
    uint64_t sum = 0;

    for (size_t w = 0; w < crew_size(proxy.crew); w++)
        sum += cell_get_at(shard_group(crew_shard(proxy.crew, w), slot), offset);
    return sum;
}

static void await_waiting(uint32_t slot, uint64_t n)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        if (group_sum(slot, offsetof(struct shard_group, waiting)) == n)
            return;
        poll(NULL, 0, 1);
    }
    ck_abort_msg("%u requests wait in group %u",
                 (unsigned)group_sum(slot, offsetof(struct shard_group, waiting)), slot);
}

/* The line of the request /N. */
static size_t line_of(unsigned n)
{
    char url[64];

    snprintf(url, sizeof url, "http://a/%u", n);
    for (size_t i = 0; i < json_array_size(proxy.log); i++)
        if (strcmp(proxy_log_text(&proxy, i, "http.url"), url) == 0)
            return i;
    ck_abort_msg("no line of /%u", n);
}

/* ---- the line ---- */

START_TEST(no_more_than_the_cap_are_at_a_target_and_the_others_follow_in_order)
{
    int first, second;

    start(&(struct proxy_setup){.group = "concurrency: { target: 2 },"});
    ask();
    first = gets(0);
    ask();
    second = gets(1);
    for (unsigned i = 2; i < 6; i++)
        ask();
    await_waiting(0, 4);
    ck_assert(targets_are_left_alone());
    say(second, OK);
    ck_assert_int_eq(gets(2), second);
    ck_assert(targets_are_left_alone());
    say(first, OK);
    ck_assert_int_eq(gets(3), first);
    say(first, OK);
    ck_assert_int_eq(gets(4), first);
    say(first, OK);
    ck_assert_int_eq(gets(5), first);
    say(first, OK);
    say(second, OK);
    for (unsigned i = 0; i < 6; i++)
        ck_assert(client_gets(clients[i], "HTTP/1.1 200 "));
    ck_assert_uint_eq(group_sum(0, offsetof(struct shard_group, queued)), 4);
    ck_assert_uint_eq(group_sum(0, offsetof(struct shard_group, waiting)), 0);
    stop(6);
}
END_TEST

START_TEST(the_time_in_the_line_is_logged_apart)
{
    int target;
    size_t line;

    start(&(struct proxy_setup){.group = ONE});
    ask();
    target = gets(0);
    ask();
    await_waiting(0, 1);
    pass(300 * NS_PER_MS);
    say(target, OK);
    gets(1);
    say(target, OK);
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    proxy_stop(&proxy);
    line = line_of(1);
    ck_assert_int_ge(proxy_log_number(&proxy, line, "phases.queue"), 300 * NS_PER_MS);
    ck_assert_int_lt(proxy_log_number(&proxy, line, "phases.connect"), 300 * NS_PER_MS);
    ck_assert_int_eq(proxy_log_number(&proxy, line_of(0), "phases.queue"), -1);
    ck_assert_int_ge((long long)group_sum(0, offsetof(struct shard_group, queue_ns)), 300 * NS_PER_MS);
    proxy_free(&proxy);
}
END_TEST

START_TEST(when_the_line_is_full_the_next_is_refused_at_once)
{
    const char *head;
    int client, target;

    start(&(struct proxy_setup){.group = "concurrency: { target: 1, queue: 1 },"});
    ask();
    target = gets(0);
    ask();
    await_waiting(0, 1);
    client = ask();
    head = hear_head(client);
    ck_assert_msg(strstr(head, "HTTP/1.1 503 ") == head && strstr(head, "\r\nRetry-After: 1\r\n"), "%s",
                  head);
    say(target, OK);
    gets(1);
    say(target, OK);
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    ck_assert_uint_eq(group_sum(0, offsetof(struct shard_group, full)), 1);
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(2), "outcome"), "queue_full");
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(2), "blame"), "self");
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(2), "target"), "");
    ck_assert_int_eq(proxy_log_number(&proxy, line_of(2), "penstock.attempts"), 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(without_a_line_nobody_waits)
{
    int target;

    start(&(struct proxy_setup){.group = "concurrency: { group: 1, queue: 0 },"});
    ask();
    target = gets(0);
    ck_assert(strstr(hear_head(ask()), "503 "));
    say(target, OK);
    ck_assert(client_gets(clients[0], "HTTP/1.1 200 "));
    ask();
    say(gets(2), OK);
    ck_assert(client_gets(clients[2], "HTTP/1.1 200 "));
    stop(3);
}
END_TEST

START_TEST(who_waits_too_long_is_refused_and_the_next_one_is_not)
{
    int client, target;

    start(&(struct proxy_setup){.group = "concurrency: { target: 1, wait: 2s },"});
    ask();
    target = gets(0);
    client = ask();
    await_waiting(0, 1);
    pass(1500 * NS_PER_MS);
    ask();
    await_waiting(0, 2);
    pass(600 * NS_PER_MS);
    ck_assert(strstr(hear_head(client), "HTTP/1.1 503 "));
    await_waiting(0, 1);
    say(target, OK);
    gets(2);
    say(target, OK);
    ck_assert(client_gets(clients[2], "HTTP/1.1 200 "));
    ck_assert_uint_eq(group_sum(0, offsetof(struct shard_group, late)), 1);
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(1), "outcome"), "queue_timeout");
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(1), "blame"), "self");
    ck_assert_int_ge(proxy_log_number(&proxy, line_of(1), "phases.queue"), 2 * NS_PER_S);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_client_that_leaves_gives_its_place_in_the_line_to_the_next)
{
    int target;

    start(&(struct proxy_setup){.group = ONE});
    ask();
    target = gets(0);
    ask();
    ask();
    await_waiting(0, 2);
    close(clients[1]);
    clients[1] = dup(0);
    await_waiting(0, 1);
    say(target, OK);
    gets(2);
    say(target, OK);
    ck_assert(client_gets(clients[2], "HTTP/1.1 200 "));
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(1), "outcome"), "client_gone");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_client_that_leaves_in_the_middle_gives_its_place_at_the_target_to_the_next)
{
    start(&(struct proxy_setup){.group = ONE});
    ask();
    gets(0);
    ask();
    await_waiting(0, 1);
    close(clients[0]);
    clients[0] = dup(0);
    say(gets(1), OK);
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    stop(2);
}
END_TEST

/* What comes next on the same connection is a new request, and goes behind those that wait. */
START_TEST(a_new_request_does_not_pass_one_that_waits)
{
    int target;

    start(&(struct proxy_setup){.group = ONE});
    ask();
    target = gets(0);
    ask();
    await_waiting(0, 1);
    say(clients[0], "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    settle(clients[0]);
    say(target, OK);
    gets(1);
    say(target, OK);
    gets(2);
    say(target, OK);
    ck_assert(client_gets(clients[0], "HTTP/1.1 200 "));
    ck_assert(client_gets(clients[0], "HTTP/1.1 200 "));
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    stop(3);
}
END_TEST

START_TEST(a_body_waits_with_its_request)
{
    int client, target;

    start(&(struct proxy_setup){.group = ONE});
    ask();
    target = gets(0);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    await_waiting(0, 1);
    say_until_blocked(client, 50000);
    say(target, OK);
    hear_head(target);
    say_x(client, 50000);
    hear_away(target, 100000);
    say(target, OK);
    ck_assert(client_gets(client, "HTTP/1.1 200 "));
    close(client);
    stop(2);
}
END_TEST

START_TEST(who_waits_when_all_ends_is_cut_and_counted)
{
    start(&(struct proxy_setup){.group = ONE});
    ask();
    gets(0);
    ask();
    await_waiting(0, 1);
    proxy_stop(&proxy);
    ck_assert_uint_eq(group_sum(0, offsetof(struct shard_group, waiting)), 0);
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(1), "outcome"), "client_gone");
    proxy_free(&proxy);
}
END_TEST

START_TEST(without_a_cap_a_request_waits_for_a_connection)
{
    int target;

    start(&(struct proxy_setup){.group = "maxConnections: 1,"});
    ask();
    target = gets(0);
    ask();
    ask();
    await_waiting(0, 2);
    ck_assert(targets_are_left_alone());
    say(target, OK);
    ck_assert_int_eq(gets(1), target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    target = gets(2);
    say(target, OK);
    for (unsigned i = 0; i < 3; i++)
        ck_assert(client_gets(clients[i], "HTTP/1.1 200 "));
    stop(3);
}
END_TEST

START_TEST(who_gets_no_connection_in_time_is_refused)
{
    start(&(struct proxy_setup){.group = "maxConnections: 1,"});
    ask();
    gets(0);
    ask();
    await_waiting(0, 1);
    pass(1100 * NS_PER_MS);
    ck_assert(strstr(hear_head(clients[1]), "HTTP/1.1 503 "));
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(1), "outcome"), "queue_timeout");
    proxy_free(&proxy);
}
END_TEST

/* ---- several workers ---- */

START_TEST(all_workers_share_the_cap_and_the_order)
{
    start(&(struct proxy_setup){.workers = 4, .group = ONE});
    for (unsigned i = 0; i < 12; i++) {
        ask();
        await_waiting(0, i);
    }
    for (unsigned i = 0; i < 12; i++) {
        int target = gets(i);

        ck_assert(targets_are_left_alone());
        say(target, OK);
        ck_assert(client_gets(clients[i], "HTTP/1.1 200 "));
    }
    stop(12);
}
END_TEST

/* ---- several targets ---- */

START_TEST(a_target_with_a_free_place_is_preferred)
{
    struct origin other;
    char more[64];
    int target;

    target_open(&other);
    snprintf(more, sizeof more, ", \"127.0.0.1:%u\"", other.port);
    start(&(struct proxy_setup){.group = ONE "balance: consistentHash, hash: { header: Host },",
                                .more_targets = more});
    ends[1].fd = other.fd;
    proxy.canary = other; /* for take() */
    ask();
    gets(0);
    ask();
    target = gets(1);
    ask();
    await_waiting(0, 1);
    say(target, OK);
    say(gets(2), OK);
    ck_assert(client_gets(clients[2], "HTTP/1.1 200 "));
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(1), "target"),
                     proxy_log_text(&proxy, line_of(2), "target"));
    ck_assert_str_ne(proxy_log_text(&proxy, line_of(0), "target"),
                     proxy_log_text(&proxy, line_of(1), "target"));
    proxy_free(&proxy);
}
END_TEST

START_TEST(the_cap_of_a_group_counts_all_of_its_targets)
{
    char more[64];
    struct origin other;
    int target;

    target_open(&other);
    snprintf(more, sizeof more, ", \"127.0.0.1:%u\"", other.port);
    start(&(struct proxy_setup){.group = "concurrency: { group: 1 }, balance: roundRobin,",
                                .more_targets = more});
    ends[1].fd = other.fd;
    proxy.canary = other;
    ask();
    target = gets(0);
    ask();
    await_waiting(0, 1);
    ck_assert(targets_are_left_alone());
    say(target, OK);
    say(gets(1), OK);
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    stop(2);
}
END_TEST

START_TEST(a_retry_waits_for_the_other_target_and_lets_others_pass)
{
    char more[64];
    struct origin other;
    int first, second;

    target_open(&other);
    snprintf(more, sizeof more, ", \"127.0.0.1:%u\"", other.port);
    start(&(struct proxy_setup){.group = ONE "balance: roundRobin,", .more_targets = more});
    ends[1].fd = other.fd;
    proxy.canary = other;
    ask();
    first = gets(0);
    ask();
    second = gets(1);
    for (nfds_t i = 2; i < ends_len; i++)
        if (ends[i].fd == second)
            drop(i); /* without an answer: tried again, on the first, which is full */
    await_waiting(0, 1);
    ask();
    gets(2); /* goes where the retry does not want to */
    say(first, OK);
    say(gets(1), OK);
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(1), "target"),
                     proxy_log_text(&proxy, line_of(0), "target"));
    ck_assert_int_eq(proxy_log_number(&proxy, line_of(1), "penstock.attempts"), 2);
    proxy_free(&proxy);
}
END_TEST

/* The target closed a waiting connection just as it was taken: nobody's fault. */
START_TEST(a_request_that_has_lost_its_connection_keeps_its_place)
{
    int target;

    start(&(struct proxy_setup){.group = "concurrency: { target: 1, queue: 1 },"});
    ask();
    target = gets(0);
    say(target, OK);
    ck_assert(client_gets(clients[0], "HTTP/1.1 200 "));
    ask();
    ck_assert_int_eq(gets(1), target);
    ask();
    await_waiting(0, 1);
    for (nfds_t i = 2; i < ends_len; i++)
        if (ends[i].fd == target)
            drop(i);
    target = gets(1);
    say(target, OK);
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    say(gets(2), OK);
    ck_assert(client_gets(clients[2], "HTTP/1.1 200 "));
    stop(3);
}
END_TEST

/* ---- the canary ---- */

START_TEST(the_shield_asks_nobody_who_has_no_room)
{
    int target;

    start(&(struct proxy_setup){.weight = NEARLY_ALL,
                                .route = "retries: { shield: true },",
                                .group = "concurrency: { target: 1, queue: 0 },"});
    proxy_publish(&proxy, 0);
    ask();
    gets(0); /* stable is full */
    proxy_publish(&proxy, NEARLY_ALL);
    ask();
    target = gets(1);
    say(target, WRONG);
    ck_assert(client_gets(clients[1], "HTTP/1.1 503 "));
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(1), "side"), "canary");
    ck_assert_str_eq(proxy_log_text(&proxy, line_of(1), "outcome"), "served");
    proxy_free(&proxy);
}
END_TEST

START_TEST(who_waits_for_a_canary_that_loses_its_weight_goes_to_stable)
{
    start(&(struct proxy_setup){.weight = NEARLY_ALL, .group = ONE});
    ask();
    gets(0);
    ask();
    ask();
    await_waiting(1, 2);
    proxy_publish(&proxy, 0);
    say(gets(1), OK);
    say(gets(2), OK);
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    ck_assert(client_gets(clients[2], "HTTP/1.1 200 "));
    proxy_stop(&proxy);
    for (unsigned i = 1; i <= 2; i++) {
        ck_assert_str_eq(proxy_log_text(&proxy, line_of(i), "side"), "stable");
        ck_assert_str_eq(proxy_log_text(&proxy, line_of(i), "assignment"), "only");
    }
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_copy_takes_a_place_and_waits_for_none)
{
    int stable, shadow;

    start(&(struct proxy_setup){.group = ONE, .route = "mirror: 100,"});
    ask();
    stable = target_accept(&proxy.stable);
    hear_head(stable);
    shadow = target_accept(&proxy.canary);
    hear_head(shadow); /* and does not answer */
    say(stable, OK);
    ck_assert(client_gets(clients[0], "HTTP/1.1 200 "));
    ask();
    hear_head(stable);
    ck_assert(is_silent(shadow) && target_is_left_alone(&proxy.canary));
    say(stable, OK);
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    ck_assert_uint_eq(cell_get(&shard_route(crew_shard(proxy.crew, 0), 0)->mirror.skipped[MIRROR_SKIP_BUSY]),
                      1);
    stop(3);
}
END_TEST

START_TEST(our_limit_is_no_error_of_the_group)
{
    static struct plan plan;
    const struct shard_judged *cells;

    plan_init(&plan);
    plan.analysis.metrics_len = 1;
    plan.analysis.metrics[0].type = METRIC_ERROR_RATE;
    start(&(struct proxy_setup){
        .weight = NEARLY_ALL, .plan = &plan, .group = "concurrency: { target: 1, queue: 0 },"});
    ask();
    gets(0);
    ck_assert(strstr(hear_head(ask()), "503 "));
    cells = &shard_route(crew_shard(proxy.crew, 0), 0)->epochs[proxy.epoch % SHARD_EPOCHS].side[ROUTE_CANARY];
    pass(60 * NS_PER_S);
    ck_assert_uint_eq(cell_get(&cells->metrics[0].bad), 1); /* that of the first, whose time is over */
    ck_assert(strstr(hear_head(clients[0]), "504 "));
    stop(2);
}
END_TEST

/* ---- tunnels ---- */

START_TEST(a_tunnel_keeps_its_place)
{
    int client, target;

    start(&(struct proxy_setup){.group = ONE, .route = "upgrades: [ x ],"});
    client = proxy_connect(&proxy);
    say(client, UPGRADE);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 101 Fine\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    hear_head(client);
    ask();
    await_waiting(0, 1);
    close(client);
    close(target);
    say(gets(0), OK);
    ck_assert(client_gets(clients[0], "HTTP/1.1 200 "));
    stop(2);
}
END_TEST

/* ---- reloads ---- */

START_TEST(a_cap_that_is_taken_away_lets_all_in)
{
    start(&(struct proxy_setup){.group = ONE});
    for (unsigned i = 0; i < 4; i++)
        ask();
    gets(0);
    await_waiting(0, 3);
    proxy_reload(&proxy, &(struct proxy_setup){0});
    for (unsigned i = 1, n; i < 4; i++)
        say(gets_some(&n), OK);
    for (unsigned i = 1; i < 4; i++)
        ck_assert(client_gets(clients[i], "HTTP/1.1 200 "));
    stop(4);
}
END_TEST

START_TEST(what_is_in_flight_counts_in_a_cap_that_comes_later)
{
    int first, second;

    start(NULL);
    ask();
    first = gets(0);
    ask();
    second = gets(1);
    proxy_reload(&proxy, &(struct proxy_setup){.group = ONE});
    ask();
    await_waiting(0, 1);
    say(first, OK);
    ck_assert(client_gets(clients[0], "HTTP/1.1 200 "));
    ck_assert(targets_are_left_alone()); /* one is there still */
    say(second, OK);
    say(gets(2), OK);
    ck_assert(client_gets(clients[2], "HTTP/1.1 200 "));
    stop(3);
}
END_TEST

START_TEST(who_waits_over_a_reload_goes_to_the_targets_of_now)
{
    struct origin old = {0};
    int target;

    start(&(struct proxy_setup){.group = ONE});
    ask();
    target = gets(0);
    ask();
    await_waiting(0, 1);
    old = proxy.stable;
    target_open(&proxy.stable);
    ends[0].fd = proxy.stable.fd;
    proxy_reload(&proxy, &(struct proxy_setup){.group = ONE});
    say(gets(1), OK); /* the new one has room */
    ck_assert(client_gets(clients[1], "HTTP/1.1 200 "));
    ck_assert(target_is_left_alone(&old));
    say(target, OK);
    ck_assert(client_gets(clients[0], "HTTP/1.1 200 "));
    stop(2);
    target_close(&old);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("gate");
    TCase *tc = tcase_create("gate");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, no_more_than_the_cap_are_at_a_target_and_the_others_follow_in_order);
    tcase_add_test(tc, the_time_in_the_line_is_logged_apart);
    tcase_add_test(tc, when_the_line_is_full_the_next_is_refused_at_once);
    tcase_add_test(tc, without_a_line_nobody_waits);
    tcase_add_test(tc, who_waits_too_long_is_refused_and_the_next_one_is_not);
    tcase_add_test(tc, a_client_that_leaves_gives_its_place_in_the_line_to_the_next);
    tcase_add_test(tc, a_client_that_leaves_in_the_middle_gives_its_place_at_the_target_to_the_next);
    tcase_add_test(tc, a_new_request_does_not_pass_one_that_waits);
    tcase_add_test(tc, a_body_waits_with_its_request);
    tcase_add_test(tc, who_waits_when_all_ends_is_cut_and_counted);
    tcase_add_test(tc, without_a_cap_a_request_waits_for_a_connection);
    tcase_add_test(tc, who_gets_no_connection_in_time_is_refused);
    tcase_add_test(tc, all_workers_share_the_cap_and_the_order);
    tcase_add_test(tc, a_target_with_a_free_place_is_preferred);
    tcase_add_test(tc, the_cap_of_a_group_counts_all_of_its_targets);
    tcase_add_test(tc, a_retry_waits_for_the_other_target_and_lets_others_pass);
    tcase_add_test(tc, a_request_that_has_lost_its_connection_keeps_its_place);
    tcase_add_test(tc, the_shield_asks_nobody_who_has_no_room);
    tcase_add_test(tc, who_waits_for_a_canary_that_loses_its_weight_goes_to_stable);
    tcase_add_test(tc, a_copy_takes_a_place_and_waits_for_none);
    tcase_add_test(tc, our_limit_is_no_error_of_the_group);
    tcase_add_test(tc, a_tunnel_keeps_its_place);
    tcase_add_test(tc, a_cap_that_is_taken_away_lets_all_in);
    tcase_add_test(tc, what_is_in_flight_counts_in_a_cap_that_comes_later);
    tcase_add_test(tc, who_waits_over_a_reload_goes_to_the_targets_of_now);
    suite_add_tcase(suite, tc);
    return suite;
}
