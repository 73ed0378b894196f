/*
 * Copies of requests to another group: what they carry, that the request itself waits for nothing and loses
 * nothing, and what is recorded.
 */
#include "fixture.h"

#include "proxy/mirror.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define GET  "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nX-Own: yes\r\n\r\n"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define OOPS "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"
#define ALL  "mirror: 100,"

enum { PATIENCE = 20000 };

static struct proxy proxy;
static int client, target, shadow;

static void start(const struct proxy_setup *setup)
{
    proxy = (struct proxy){0};
    proxy_start(&proxy, setup);
    client = proxy_connect(&proxy);
}

static void stop(size_t records)
{
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), records);
}

#define AT(member) offsetof(struct shard_mirror, member)

static uint64_t sum(size_t offset)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < crew_size(proxy.crew); i++)
        sum += cell_get_at(&shard_route(crew_shard(proxy.crew, i), 0)->mirror, offset);
    return sum;
}

static uint64_t skipped(enum mirror_skip why)
{
    return sum(AT(skipped) + why * sizeof(struct cell));
}

/* Waits until so many copies have ended and have been recorded. */
static void wait_recorded(uint64_t copies)
{
    uint64_t recorded = 0;

    for (int i = 0; i < PATIENCE && recorded < copies; i++) {
        recorded = 0;
        for (size_t class = 0; class < SHARD_CLASSES; class ++)
            recorded += sum(AT(answers) + class * sizeof(struct cell));
        if (recorded < copies)
            poll(NULL, 0, 1);
    }
    ck_assert_uint_eq(recorded, copies);
}

static void wait_skipped(enum mirror_skip why, uint64_t copies)
{
    for (int i = 0; i < PATIENCE && skipped(why) < copies; i++)
        poll(NULL, 0, 1);
    ck_assert_uint_eq(skipped(why), copies);
}

/* The request goes to stable, and its copy to the canary. */
static void ask(const char *request)
{
    say(client, "%s", request);
    target = target_accept(&proxy.stable);
    hear_head(target);
    shadow = target_accept(&proxy.canary);
    hear_head(shadow);
}

static void client_gets(const char *answer)
{
    ck_assert_msg(strstr(hear_head(client), "200 OK"), "another answer");
    ck_assert_str_eq(hear_bytes(client, strlen(answer)), answer);
}

static const char *logged(size_t record, const char *field)
{
    return proxy_log_text(&proxy, record, field);
}

/* ---- what a copy is ---- */

START_TEST(a_copy_has_what_the_request_has_and_a_mark)
{
    char own[4096];
    const char *copy;

    start(&(struct proxy_setup){.route = ALL});
    say(client, GET);
    target = target_accept(&proxy.stable);
    snprintf(own, sizeof own, "%s", hear_head(target));
    ck_assert_ptr_null(strstr(own, "Mirror"));
    shadow = target_accept(&proxy.canary);
    copy = hear_head(shadow);
    ck_assert(strncmp(copy, "GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nX-Own: yes\r\n", 53) == 0);
    ck_assert_ptr_nonnull(strstr(copy, "X-Platform: fargate\r\n"));
    ck_assert_ptr_nonnull(strstr(copy, "\r\nX-Penstock-Mirror: 1\r\n\r\n"));
    for (char *line = strstr(own, "X-Request-Id"), *end; line && *line && *line != '\r'; line = end + 2) {
        end = strstr(line, "\r\n");
        *end = '\0';
        ck_assert_msg(strstr(copy, line), "the copy lacks %s", line);
    }
    say(target, OK);
    client_gets("ok");
    say(shadow, OK);
    wait_recorded(1);
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(the_line_of_a_copy_stands_beside_that_of_the_request)
{
    start(&(struct proxy_setup){.route = ALL});
    ask(GET);
    say(target, OK);
    client_gets("ok");
    proxy_wait_ended(&proxy, 1);
    say(shadow, OOPS);
    wait_recorded(1);
    ck_assert_uint_eq(sum(AT(answers) + 5 * sizeof(struct cell)), 1);
    ck_assert_uint_eq(sum(AT(agreed[MIRROR_AGREEMENT_DIFFERENT])), 1);
    stop(2);
    ck_assert_str_eq(logged(0, "http.request_id"), logged(1, "http.request_id"));
    ck_assert_str_eq(logged(0, "assignment"), "random");
    ck_assert_str_eq(logged(0, "penstock.agreement"), "");
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "penstock.first_status_code"), -1);
    ck_assert_str_eq(logged(1, "assignment"), "mirror");
    ck_assert_str_eq(logged(1, "outcome"), "mirrored");
    ck_assert_str_eq(logged(1, "status"), "warn");
    ck_assert_str_eq(logged(1, "side"), "");
    ck_assert_str_eq(logged(1, "group"), "fargate");
    ck_assert_str_eq(logged(1, "platform"), "fargate");
    ck_assert_str_eq(logged(1, "env"), "test");
    ck_assert_str_eq(logged(1, "http.url"), "http://shop.example/a?b=c");
    ck_assert_str_eq(logged(1, "network.client.ip"), "127.0.0.1");
    ck_assert_int_eq(proxy_log_number(&proxy, 1, "http.status_code"), 0);
    ck_assert_int_eq(proxy_log_number(&proxy, 1, "http.target_status_code"), 500);
    ck_assert_str_eq(logged(1, "penstock.agreement"), "different");
    ck_assert_str_eq(logged(1, "penstock.first_group"), "ec2");
    ck_assert_str_eq(logged(1, "penstock.first_outcome"), "served");
    ck_assert_int_eq(proxy_log_number(&proxy, 1, "penstock.first_status_code"), 200);
    ck_assert_int_gt(proxy_log_number(&proxy, 1, "penstock.first_duration"), 0);
    ck_assert_int_gt(proxy_log_number(&proxy, 1, "duration"), 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_copy_that_ends_first_waits_for_the_request)
{
    start(&(struct proxy_setup){.route = ALL});
    ask(GET);
    say(shadow, "HTTP/1.1 204 No Content\r\n\r\n");
    ck_assert(is_silent(client));
    say(target, OK);
    client_gets("ok");
    wait_recorded(1);
    stop(2);
    ck_assert_str_eq(logged(0, "assignment"), "random");
    ck_assert_str_eq(logged(1, "penstock.agreement"), "class");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_request_that_goes_on_for_longer_is_not_waited_for)
{
    start(&(struct proxy_setup){.route = "mirror: { share: 100, timeout: 1s },"});
    ask(GET);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
    hear(client, "\r\n\r\nx");
    say(shadow, OK);
    settle(shadow);
    pass(2 * NS_PER_S);
    wait_recorded(1);
    say_x(target, 99);
    hear_away(client, 99);
    stop(2);
    ck_assert_str_eq(logged(0, "assignment"), "mirror");
    ck_assert_str_eq(logged(0, "penstock.agreement"), "same");
    ck_assert_str_eq(logged(0, "penstock.first_outcome"), "");
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "penstock.first_status_code"), 200);
    proxy_free(&proxy);
}
END_TEST

START_TEST(the_next_copy_takes_the_connection_of_the_last)
{
    start(&(struct proxy_setup){.route = ALL});
    ask(GET);
    say(shadow, OK);
    say(target, OK);
    client_gets("ok");
    wait_recorded(1);
    say(client, GET);
    hear_head(target);
    hear_head(shadow);
    say(shadow, OK);
    say(target, OK);
    client_gets("ok");
    wait_recorded(2);
    stop(4);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_mark_of_a_clients_own_goes_nowhere)
{
    start(NULL);
    say(client, "GET / HTTP/1.1\r\nHost: a\r\nX-Penstock-Mirror: 1\r\n\r\n");
    target = target_accept(&proxy.stable);
    ck_assert_ptr_null(strcasestr(hear_head(target), "mirror"));
    say(target, OK);
    client_gets("ok");
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_copy_announces_the_client_where_the_group_wants_it)
{
    start(&(struct proxy_setup){.route = ALL, .group = "proxyProtocol: 1,"});
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    shadow = target_accept(&proxy.canary);
    ck_assert(strncmp(hear_head(shadow), "PROXY TCP4 127.0.0.1 ", 21) == 0);
    say(shadow, OK);
    say(target, OK);
    client_gets("ok");
    ck_assert_str_eq(hear_end(shadow, NULL), "");
    wait_recorded(1);
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_request_that_is_tried_again_is_copied_once)
{
    struct origin second;
    char more[64];

    proxy = (struct proxy){0};
    target_open(&second);
    target_open(&proxy.stable);
    snprintf(more, sizeof more, ", \"127.0.0.1:%u\"", second.port);
    proxy_start(&proxy, &(struct proxy_setup){.route = ALL, .more_targets = more});
    client = proxy_connect(&proxy);
    say(client, GET);
    for (int try = 0; try < 2; try++) {
        struct pollfd fds[] = {{.fd = proxy.stable.fd, .events = POLLIN},
                               {.fd = second.fd, .events = POLLIN}};

        ck_assert_int_gt(poll(fds, 2, PATIENCE), 0);
        target = target_accept(fds[0].revents ? &proxy.stable : &second);
        hear_head(target);
        if (try == 0)
            close(target);
    }
    say(target, OK);
    client_gets("ok");
    shadow = target_accept(&proxy.canary);
    hear_head(shadow);
    say(shadow, OK);
    wait_recorded(1);
    ck_assert(target_is_left_alone(&proxy.canary));
    ck_assert(is_silent(shadow));
    stop(2);
    target_close(&second);
    proxy_free(&proxy);
}
END_TEST

/* ---- bodies ---- */

START_TEST(a_body_is_copied_as_it_was_framed)
{
    start(&(struct proxy_setup){.route = "mirror: { share: 100, methods: [POST] },"});
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    target = target_accept(&proxy.stable);
    ck_assert_ptr_nonnull(strstr(hear_head(target), "Expect: 100-continue\r\n"));
    say(target, "HTTP/1.1 100 Continue\r\n\r\n");
    hear_head(client);
    say(client, "abc");
    hear_bytes(target, 3);
    ck_assert(target_is_left_alone(&proxy.canary));
    say(client, "def");
    hear_bytes(target, 3);
    shadow = target_accept(&proxy.canary);
    ck_assert_ptr_null(strstr(hear_head(shadow), "Expect"));
    ck_assert_str_eq(hear_bytes(shadow, 6), "abcdef");
    say(shadow, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n" OK);
    say(target, OK);
    client_gets("ok");
    wait_recorded(1);

    say(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    ck_assert_ptr_nonnull(strstr(hear_head(target), "chunked"));
    hear(target, "abc\r\n");
    say(client, "3;x=y\r\ndef\r\n0\r\nTrailing: yes\r\n\r\n");
    hear(target, "0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear_head(shadow), "Transfer-Encoding: chunked\r\n"));
    ck_assert_str_eq(hear(shadow, "0\r\n\r\n"), "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
    say(shadow, OK);
    say(target, OK);
    client_gets("ok");
    wait_recorded(2);
    stop(4);
    ck_assert_str_eq(logged(3, "penstock.agreement"), "same");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_body_as_long_as_the_maximum_is_copied_whole_and_a_longer_one_is_not)
{
    enum { MOST = 1024 * 1024 };

    start(&(struct proxy_setup){.route = "mirror: { share: 100, methods: [POST], maxBody: 1MiB },"});
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", MOST);
    target = target_accept(&proxy.stable);
    hear_head(target);
    for (int i = 0; i < 16; i++) {
        say_x(client, MOST / 16);
        hear_away(target, MOST / 16);
    }
    shadow = target_accept(&proxy.canary);
    hear_head(shadow);
    hear_away(shadow, MOST);
    say(shadow, OK);
    say(target, OK);
    client_gets("ok");
    wait_recorded(1);

    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", MOST + 1);
    hear_head(target);
    for (int i = 0; i < 16; i++) {
        say_x(client, MOST / 16);
        hear_away(target, MOST / 16);
    }
    say_x(client, 1);
    hear_away(target, 1);
    say(target, OK);
    client_gets("ok");
    wait_skipped(MIRROR_SKIP_BODY, 1);
    ck_assert(is_silent(shadow));
    stop(3);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_body_that_turns_out_too_long_is_given_up)
{
    start(&(struct proxy_setup){.route = "mirror: { share: 100, methods: [POST], maxBody: 4B },"});
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    hear(target, "abc\r\n");
    say(client, "3\r\ndef\r\n0\r\n\r\n");
    hear(target, "0\r\n\r\n");
    say(target, OK);
    client_gets("ok");
    ck_assert_uint_eq(skipped(MIRROR_SKIP_BODY), 1);
    ck_assert(target_is_left_alone(&proxy.canary));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_request_that_is_never_whole_is_not_copied)
{
    start(&(struct proxy_setup){.route = "mirror: { share: 100, methods: [POST] },"});
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    target = target_accept(&proxy.stable);
    hear_head(target);
    hear_bytes(target, 3);
    close(client);
    wait_skipped(MIRROR_SKIP_UNSENT, 1);
    ck_assert(target_is_left_alone(&proxy.canary));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

/* ---- which requests ---- */

/* A request that is served by stable, or the canary at weight 100, and not copied. */
static void is_skipped(const struct proxy_setup *setup, const char *request, enum mirror_skip why)
{
    bool canary = setup->weight == CONFIG_WEIGHT_ONE;

    start(setup);
    say(client, "%s", request);
    target = target_accept(canary ? &proxy.canary : &proxy.stable);
    hear_head(target);
    say(target, OK);
    client_gets("ok");
    ck_assert(target_is_left_alone(canary ? &proxy.stable : &proxy.canary));
    ck_assert_uint_eq(skipped(why), 1);
    stop(1);
    proxy_free(&proxy);
}

START_TEST(what_may_not_be_copied_is_skipped_with_the_reason)
{
    is_skipped(&(struct proxy_setup){.route = ALL}, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
               MIRROR_SKIP_METHOD);
    is_skipped(&(struct proxy_setup){.route = ALL}, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", MIRROR_SKIP_METHOD);
    is_skipped(&(struct proxy_setup){.route = ALL, .weight = CONFIG_WEIGHT_ONE}, GET, MIRROR_SKIP_SAME_GROUP);
    is_skipped(&(struct proxy_setup){.route = ALL},
               "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
               MIRROR_SKIP_UPGRADE);
}
END_TEST

START_TEST(share_0_copies_nothing_and_counts_nothing)
{
    start(&(struct proxy_setup){.route = "mirror: { group: fargate },"});
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, OK);
    client_gets("ok");
    for (size_t i = 0; i < MIRROR_SKIPS; i++)
        ck_assert_uint_eq(skipped((enum mirror_skip)i), 0);
    ck_assert(target_is_left_alone(&proxy.canary));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

/* ---- shadows that fail ---- */

START_TEST(requests_are_served_whatever_the_shadow_does)
{
    struct server *server;

    start(&(struct proxy_setup){.route = "mirror: { share: 100, maxInFlight: 10 },"});
    server = server_start(&proxy.stable, "ec2"); /* the canary accepts, and never answers */
    for (int i = 0; i < 200; i++) {
        say(client, GET);
        client_gets("ec2");
    }
    ck_assert_uint_eq(skipped(MIRROR_SKIP_BUSY), 190);
    ck_assert_uint_eq(sum(AT(open)), 10);
    stop(210);
    ck_assert_str_eq(logged(209, "outcome"), "shutdown");
    ck_assert_str_eq(logged(209, "penstock.agreement"), "unknown");
    server_stop(server);
    proxy_free(&proxy);
}
END_TEST

/* A copy that ends like this while the request is served. */
static void fails(const char *answer, bool closes, int64_t after_ns, const char *outcome,
                  const char *agreement)
{
    start(&(struct proxy_setup){.route = "mirror: { share: 100, timeout: 10s },"});
    ask(GET);
    say(target, OK);
    client_gets("ok");
    say(shadow, "%s", answer);
    if (closes)
        close(shadow);
    settle(client);
    if (after_ns)
        pass(after_ns);
    wait_recorded(1);
    ck_assert_uint_eq(cell_get(&proxy_target_cells(&proxy, 0, 1)->failures), 0);
    ck_assert_uint_eq(cell_get(&proxy_target_cells(&proxy, 0, 1)->requests), 0);
    stop(2);
    ck_assert_str_eq(logged(1, "outcome"), outcome);
    ck_assert_str_eq(logged(1, "penstock.agreement"), agreement);
    proxy_free(&proxy);
}

START_TEST(every_failure_of_a_shadow_has_its_name)
{
    fails("", true, 0, "target_closed", "different");
    fails("nonsense\r\n\r\n", false, 0, "bad_response", "different");
    fails("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n", false, 0,
          "bad_response", "different");
    fails("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", true, 0, "target_cut", "same");
    fails("HTTP/1.1 200 OK\r\n\r\nok", true, 0, "mirrored", "same");
    fails("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, 0, "target_cut", "same");
    fails("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n", true, 0, "target_cut", "same");
    fails("", false, 11 * NS_PER_S, "first_byte_timeout", "different");
    fails("HTTP/1.1 404 Oh\r\nContent-Length: 9\r\n\r\nok", false, 11 * NS_PER_S, "target_stalled",
          "different");
}
END_TEST

START_TEST(an_answer_is_read_up_to_its_maximum)
{
    start(&(struct proxy_setup){.route = "mirror: { share: 100, maxAnswer: 64KiB },"});
    ask(GET);
    say(target, OK);
    client_gets("ok");
    say(shadow, "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\nConnection: close\r\n\r\n");
    say_x(shadow, 65536);
    wait_recorded(1);
    say(client, GET);
    hear_head(target);
    say(target, OK);
    client_gets("ok");
    shadow = target_accept(&proxy.canary);
    hear_head(shadow);
    say(shadow, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n");
    say_x(shadow, 65537);
    wait_recorded(2);
    stop(4);
    ck_assert_str_eq(logged(1, "penstock.error"), "");
    ck_assert_str_eq(logged(3, "outcome"), "mirrored");
    ck_assert_str_eq(logged(3, "penstock.error"), "the answer is longer than maxAnswer");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_shadow_that_is_down_is_no_reason_to_eject_it)
{
    proxy = (struct proxy){0};
    target_open(&proxy.stable);
    target_refuse(&proxy.canary);
    proxy_start(&proxy, &(struct proxy_setup){.route = ALL});
    client = proxy_connect(&proxy);
    for (int i = 0; i < 20; i++) {
        say(client, GET);
        if (i == 0)
            target = target_accept(&proxy.stable);
        hear_head(target);
        say(target, OK);
        client_gets("ok");
    }
    wait_recorded(20);
    ck_assert_uint_eq(cell_get(&proxy_target_cells(&proxy, 0, 1)->ejections), 0);
    ck_assert_uint_eq(sum(AT(answers)), 20);
    stop(40);
    ck_assert_str_eq(logged(39, "outcome"), "connect_refused");
    ck_assert_str_eq(logged(39, "blame"), "");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_request_that_its_own_target_fails_differs_from_a_copy_that_is_answered)
{
    start(&(struct proxy_setup){.route = ALL "retries: { attempts: 0 },"});
    ask(GET);
    close(target);
    ck_assert_ptr_nonnull(strstr(hear_head(client), " 502 "));
    say(shadow, OK);
    wait_recorded(1);
    stop(2);
    ck_assert_str_eq(logged(1, "penstock.agreement"), "different");
    ck_assert_str_eq(logged(1, "penstock.first_outcome"), "target_closed");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_client_that_leaves_says_nothing_about_the_answers)
{
    start(&(struct proxy_setup){.route = ALL});
    ask(GET);
    close(client);
    proxy_wait_ended(&proxy, 1);
    say(shadow, OK);
    wait_recorded(1);
    stop(2);
    ck_assert_str_eq(logged(1, "penstock.agreement"), "unknown");
    ck_assert_str_eq(logged(1, "penstock.first_outcome"), "client_gone");
    proxy_free(&proxy);
}
END_TEST

START_TEST(two_workers_copy_each_their_own)
{
    struct server *own, *shadows;
    int clients[8];

    start(&(struct proxy_setup){.route = ALL, .workers = 2});
    own = server_start(&proxy.stable, "ec2");
    shadows = server_start(&proxy.canary, "fargate");
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        clients[i] = proxy_connect(&proxy);
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < ARRAY_LEN(clients); i++)
            say(clients[i], GET);
        for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
            hear_head(clients[i]);
            ck_assert_str_eq(hear_bytes(clients[i], 3), "ec2");
        }
    }
    wait_recorded(80);
    ck_assert_uint_eq(server_requests(shadows), 80);
    ck_assert_uint_eq(sum(AT(agreed[MIRROR_AGREEMENT_SAME])), 80);
    stop(160);
    server_stop(own);
    server_stop(shadows);
    proxy_free(&proxy);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("mirror");
    TCase *tcase = tcase_create("mirror");

    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_copy_has_what_the_request_has_and_a_mark);
    tcase_add_test(tcase, the_line_of_a_copy_stands_beside_that_of_the_request);
    tcase_add_test(tcase, a_copy_that_ends_first_waits_for_the_request);
    tcase_add_test(tcase, a_request_that_goes_on_for_longer_is_not_waited_for);
    tcase_add_test(tcase, the_next_copy_takes_the_connection_of_the_last);
    tcase_add_test(tcase, a_mark_of_a_clients_own_goes_nowhere);
    tcase_add_test(tcase, a_copy_announces_the_client_where_the_group_wants_it);
    tcase_add_test(tcase, a_request_that_is_tried_again_is_copied_once);
    tcase_add_test(tcase, a_body_is_copied_as_it_was_framed);
    tcase_add_test(tcase, a_body_as_long_as_the_maximum_is_copied_whole_and_a_longer_one_is_not);
    tcase_add_test(tcase, a_body_that_turns_out_too_long_is_given_up);
    tcase_add_test(tcase, a_request_that_is_never_whole_is_not_copied);
    tcase_add_test(tcase, what_may_not_be_copied_is_skipped_with_the_reason);
    tcase_add_test(tcase, share_0_copies_nothing_and_counts_nothing);
    tcase_add_test(tcase, requests_are_served_whatever_the_shadow_does);
    tcase_add_test(tcase, every_failure_of_a_shadow_has_its_name);
    tcase_add_test(tcase, an_answer_is_read_up_to_its_maximum);
    tcase_add_test(tcase, a_shadow_that_is_down_is_no_reason_to_eject_it);
    tcase_add_test(tcase, a_request_that_its_own_target_fails_differs_from_a_copy_that_is_answered);
    tcase_add_test(tcase, a_client_that_leaves_says_nothing_about_the_answers);
    tcase_add_test(tcase, two_workers_copy_each_their_own);
    return suite;
}
