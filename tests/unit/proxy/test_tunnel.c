/* Upgrades: when a connection becomes a tunnel, when it stays HTTP, and how a tunnel lives and ends. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The key and the answer are those of RFC 6455 section 1.3. */
#define WEBSOCKET                                                                                            \
    "GET /chat HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"     \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define ACCEPT   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCH   "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
#define SWITCHED SWITCH "Upgrade: websocket\r\n" ACCEPT "\r\n"
#define TCP      "GET /tcp HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
#define GET      "GET /next HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define OK       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct proxy proxy;
static int client, target;

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static bool begins(const char *text, const char *part)
{
    return strncmp(text, part, strlen(part)) == 0;
}

/* A client has asked, and the target has heard it. */
static void ask(const struct proxy_setup *setup, const char *request)
{
    proxy = (struct proxy){0};
    proxy_start(&proxy, setup);
    client = proxy_connect(&proxy);
    say(client, "%s", request);
    target = target_accept(&proxy.stable);
}

/* Both have switched. */
static void open_tunnel(const struct proxy_setup *setup)
{
    const char *head;

    ask(setup, WEBSOCKET);
    head = hear_head(target);
    ck_assert_msg(has(head, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"), "%s", head);
    ck_assert(!has(head, "keep-alive"));
    say(target, "%s", SWITCHED);
    head = hear_head(client);
    ck_assert_msg(begins(head, "HTTP/1.1 101 Switching Protocols\r\n"), "%s", head);
    ck_assert(has(head, ACCEPT) && has(head, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"));
}

static void end(uint64_t requests)
{
    proxy_wait_ended(&proxy, requests);
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), requests);
}

static const char *text_of(const char *path)
{
    return proxy_log_text(&proxy, 0, path);
}

START_TEST(a_true_101_makes_a_tunnel_and_the_log_has_its_bytes)
{
    long long read_before, written_before;

    open_tunnel(NULL);
    say(client, "to the target");
    ck_assert_str_eq(hear_bytes(target, 13), "to the target");
    say(target, "to the client!");
    ck_assert_str_eq(hear_bytes(client, 14), "to the client!");
    ck_assert_uint_eq(proxy_side_sum(&proxy, ROUTE_STABLE, offsetof(struct shard_side, tunnels)), 1);
    pass(60 * NS_PER_S);
    close(client);
    ck_assert_str_eq(hear_end(target, NULL), "");
    close(target);
    end(1);
    ck_assert_str_eq(text_of("outcome"), "upgraded");
    ck_assert_str_eq(text_of("blame"), "nobody");
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "http.status_code"), 101);
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "http.target_status_code"), 101);
    read_before = (long long)strlen(WEBSOCKET);
    written_before = proxy_log_number(&proxy, 0, "network.bytes_written") - 14;
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "network.bytes_read"), read_before + 13);
    ck_assert(written_before > 100 && written_before < 300);
    ck_assert(proxy_log_number(&proxy, 0, "duration") >= 60 * NS_PER_S);
    ck_assert(proxy_log_number(&proxy, 0, "phases.first_byte") < 60 * NS_PER_S);
    ck_assert_uint_eq(proxy_side_sum(&proxy, ROUTE_STABLE, offsetof(struct shard_side, tunnels)), 0);
    ck_assert_uint_ge(proxy_side_sum(&proxy, ROUTE_STABLE, offsetof(struct shard_side, tunnel_ns)),
                      60 * NS_PER_S);
    ck_assert_uint_lt(proxy_side_sum(&proxy, ROUTE_STABLE, offsetof(struct shard_side, duration_ns)),
                      60 * NS_PER_S);
    proxy_free(&proxy);
}
END_TEST

START_TEST(nothing_goes_up_before_the_101)
{
    ask(NULL, WEBSOCKET "early");
    hear_head(target);
    ck_assert(is_silent(target));
    say(target, "%s", SWITCHED "hello");
    ck_assert_str_eq(hear_bytes(target, 5), "early");
    hear_head(client);
    ck_assert_str_eq(hear_bytes(client, 5), "hello");
    close(client);
    close(target);
    end(1);
    proxy_free(&proxy);
}
END_TEST

/* One that waits may be about to be closed, and an upgrade is not tried again. */
START_TEST(an_upgrade_takes_a_connection_of_its_own)
{
    int other;

    ask(NULL, GET);
    hear_head(target);
    say(target, OK);
    hear_head(client);
    hear_bytes(client, 2);
    say(client, WEBSOCKET);
    other = target_accept(&proxy.stable);
    hear_head(other);
    say(other, "%s", SWITCHED);
    hear_head(client);
    ck_assert(is_silent(target));
    close(client);
    close(other);
    end(2);
    proxy_free(&proxy);
}
END_TEST

/* What was early for the tunnel is a request after all. */
START_TEST(a_failed_upgrade_stays_http)
{
    static const char *const answers[] = {
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nno",
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno",
    };
    const char *head;

    ask(NULL, WEBSOCKET GET);
    hear_head(target);
    say(target, "%s", answers[_i]);
    head = hear_head(client);
    ck_assert_msg(!has(head, "101") && !has(head, "\r\nConnection: Upgrade"), "%s", head);
    ck_assert_str_eq(hear_bytes(client, 2), "no");
    head = hear_head(target);
    ck_assert_msg(begins(head, "GET /next HTTP/1.1\r\n"), "%s", head);
    say(target, OK);
    hear_head(client);
    ck_assert_str_eq(hear_bytes(client, 2), "ok");
    end(2);
    ck_assert_str_eq(text_of("outcome"), "served");
    proxy_free(&proxy);
}
END_TEST

/* The 101 of the target, and what is said of it in the log. */
static const struct {
    const char *request, *answer, *error;
} wrong[] = {
    {WEBSOCKET, SWITCH "Upgrade: websocket\r\n\r\n",
     "the target's Sec-WebSocket-Accept does not answer the key"},
    {WEBSOCKET, SWITCH "Upgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
     "the target's Sec-WebSocket-Accept does not answer the key"},
    {WEBSOCKET, SWITCH "Upgrade: websocket\r\n" ACCEPT ACCEPT "\r\n",
     "the target's Sec-WebSocket-Accept does not answer the key"},
    {WEBSOCKET, SWITCH "Upgrade: tcp\r\n" ACCEPT "\r\n",
     "the target switched to another protocol than it was asked for"},
    {WEBSOCKET, SWITCH "Upgrade: websocket, tcp\r\n" ACCEPT "\r\n",
     "the target switched to another protocol than it was asked for"},
    {WEBSOCKET, SWITCH "Upgrade: websocket\r\nUpgrade: tcp\r\n" ACCEPT "\r\n",
     "the target switched to another protocol than it was asked for"},
    {WEBSOCKET, SWITCH ACCEPT "\r\n", "the target switched to another protocol than it was asked for"},
    {WEBSOCKET, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" ACCEPT "\r\n",
     "the target switched to another protocol than it was asked for"},
    {GET, SWITCHED, "the target switched protocols without being asked"},
    {TCP, SWITCH "Upgrade: tcp\r\n\r\n", "the target switched protocols without being asked"},
};

START_TEST(a_101_that_was_not_asked_for_or_does_not_match_is_502)
{
    const char *head;

    ask(NULL, wrong[_i].request);
    hear_head(target);
    say(target, "%s", wrong[_i].answer);
    head = hear_head(client);
    ck_assert_msg(begins(head, "HTTP/1.1 502 "), "%s", head);
    ck_assert_str_eq(hear_end(target, NULL), "");
    end(1);
    ck_assert_str_eq(text_of("outcome"), "bad_response");
    ck_assert_str_eq(text_of("blame"), "group");
    ck_assert_str_eq(text_of("penstock.error"), wrong[_i].error);
    proxy_free(&proxy);
}
END_TEST

/* The configuration, the request's Upgrade, and what the target is asked for; NULL: nothing. */
static const struct {
    const char *route, *asked, *passed;
} offers[] = {
    {NULL, "h2c", NULL},
    {NULL, "tcp", NULL},
    {NULL, "websocket", "websocket"},
    {"upgrades: [],", "websocket", NULL},
    {"upgrades: [ tcp ],", "tcp", "tcp"},
    {"upgrades: [ tcp ],", "websocket", NULL},
    {"upgrades: [ tcp, udp ],", "h2c, UDP, TCP", "tcp"},
    {"upgrades: [ tcp, websocket ],", "tcp, websocket", "websocket"},
    {"upgrades: [ tcp ],", "tcp, websocket", NULL},
};

START_TEST(only_the_protocols_of_the_route_are_asked_for)
{
    const struct proxy_setup setup = {.route = offers[_i].route};
    char request[512], passed[128];
    const char *head;

    snprintf(request, sizeof request,
             "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\n"
             "HTTP2-Settings: AAMAAABkAAQ\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n",
             offers[_i].asked);
    ask(&setup, request);
    head = hear_head(target);
    snprintf(passed, sizeof passed, "\r\nConnection: Upgrade\r\nUpgrade: %s\r\n",
             offers[_i].passed ? offers[_i].passed : "");
    ck_assert_msg(offers[_i].passed ? has(head, passed) : !has(head, "Upgrade") && !has(head, "Connection"),
                  "%s", head);
    ck_assert(!has(head, "HTTP2-Settings"));
    say(target, OK);
    hear_head(client);
    end(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(another_protocol_makes_a_tunnel_too)
{
    const struct proxy_setup setup = {.route = "upgrades: [ tcp ],"};

    ask(&setup, TCP);
    hear_head(target);
    say(target, SWITCH "Upgrade: TCP\r\n\r\nfirst");
    ck_assert(has(hear_head(client), "\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"));
    ck_assert_str_eq(hear_bytes(client, 5), "first");
    close(target);
    ck_assert_str_eq(hear_end(client, NULL), "");
    close(client);
    end(1);
    ck_assert_str_eq(text_of("outcome"), "upgraded");
    proxy_free(&proxy);
}
END_TEST

START_TEST(each_side_may_close_its_half_first)
{
    int first, second;

    open_tunnel(NULL);
    first = _i ? client : target;
    second = _i ? target : client;
    say(first, "last words");
    shutdown(first, SHUT_WR);
    ck_assert_str_eq(hear_end(second, NULL), "last words");
    say(second, "an answer");
    ck_assert_str_eq(hear_bytes(first, 9), "an answer");
    shutdown(second, SHUT_WR);
    ck_assert_str_eq(hear_end(first, NULL), "");
    end(1);
    ck_assert_str_eq(text_of("outcome"), "upgraded");
    ck_assert_str_eq(text_of("penstock.error"), "");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_client_that_closed_its_side_before_the_101_has_said_all)
{
    const struct proxy_setup setup = {.top = "halfClosed: serve\n"};

    ask(&setup, WEBSOCKET "early");
    hear_head(target);
    shutdown(client, SHUT_WR);
    say(target, "%s", SWITCHED "hello");
    ck_assert_str_eq(hear_end(target, NULL), "early");
    hear_head(client);
    close(target);
    ck_assert_str_eq(hear_end(client, NULL), "hello");
    end(1);
    ck_assert_str_eq(text_of("outcome"), "upgraded");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_half_closed_tunnel_does_not_wait_for_an_hour)
{
    open_tunnel(NULL);
    shutdown(client, SHUT_WR);
    ck_assert_str_eq(hear_end(target, NULL), "");
    pass(31 * NS_PER_S);
    ck_assert_str_eq(hear_end(client, NULL), "");
    end(1);
    ck_assert_str_eq(text_of("penstock.error"), "the tunnel was silent for too long");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_silent_tunnel_ends_and_one_in_which_somebody_speaks_does_not)
{
    const struct proxy_setup setup = {.route = "timeouts: { tunnel: 10m },"};

    open_tunnel(&setup);
    for (int i = 0; i < 3; i++) {
        pass(9 * 60 * NS_PER_S);
        say(target, "ping");
        ck_assert_str_eq(hear_bytes(client, 4), "ping");
    }
    pass(11 * 60 * NS_PER_S);
    ck_assert_str_eq(hear_end(client, NULL), "");
    ck_assert_str_eq(hear_end(target, NULL), "");
    end(1);
    ck_assert_str_eq(text_of("outcome"), "upgraded");
    ck_assert_str_eq(text_of("penstock.error"), "the tunnel was silent for too long");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_broken_side_breaks_the_other)
{
    const struct linger abort_it = {.l_onoff = 1};
    int broken = 0, other = 0;
    bool reset;

    open_tunnel(NULL);
    broken = _i ? client : target;
    other = _i ? target : client;
    ck_assert_int_eq(setsockopt(broken, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it), 0);
    close(broken);
    hear_end(other, &reset);
    ck_assert(reset || other == target); /* the target's connection is closed with nothing unread in it */
    end(1);
    ck_assert_str_eq(text_of("outcome"), "upgraded");
    ck_assert_str_eq(text_of("penstock.error"),
                     _i ? "the client broke the tunnel" : "the target broke the tunnel");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_side_that_takes_nothing_holds_the_other_up_and_nothing_is_lost)
{
    size_t len;

    open_tunnel(NULL);
    narrow(target);
    len = say_until_blocked(client, 64 << 20);
    ck_assert_uint_gt(len, 0);
    say(target, "the other way");
    ck_assert_str_eq(hear_bytes(client, 13), "the other way");
    widen(target);
    hear_away(target, len);
    say(client, "done");
    ck_assert_str_eq(hear_bytes(target, 4), "done");
    close(client);
    close(target);
    end(1);
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "network.bytes_read"),
                     (long long)(strlen(WEBSOCKET) + len + 4));
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_tunnel_outlives_the_start_of_a_drain_and_ends_with_the_worker)
{
    open_tunnel(NULL);
    crew_drain(proxy.crew);
    say(client, "still here");
    ck_assert_str_eq(hear_bytes(target, 10), "still here");
    proxy_stop(&proxy);
    ck_assert_str_eq(hear_end(client, NULL), "");
    ck_assert_uint_eq(json_array_size(proxy.log), 1);
    ck_assert_str_eq(text_of("outcome"), "upgraded");
    proxy_free(&proxy);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("tunnel");
    TCase *tc = tcase_create("tunnel");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_true_101_makes_a_tunnel_and_the_log_has_its_bytes);
    tcase_add_test(tc, nothing_goes_up_before_the_101);
    tcase_add_test(tc, an_upgrade_takes_a_connection_of_its_own);
    tcase_add_loop_test(tc, a_failed_upgrade_stays_http, 0, 3);
    tcase_add_loop_test(tc, a_101_that_was_not_asked_for_or_does_not_match_is_502, 0, ARRAY_LEN(wrong));
    tcase_add_loop_test(tc, only_the_protocols_of_the_route_are_asked_for, 0, ARRAY_LEN(offers));
    tcase_add_test(tc, another_protocol_makes_a_tunnel_too);
    tcase_add_loop_test(tc, each_side_may_close_its_half_first, 0, 2);
    tcase_add_test(tc, a_client_that_closed_its_side_before_the_101_has_said_all);
    tcase_add_test(tc, a_half_closed_tunnel_does_not_wait_for_an_hour);
    tcase_add_test(tc, a_silent_tunnel_ends_and_one_in_which_somebody_speaks_does_not);
    tcase_add_loop_test(tc, a_broken_side_breaks_the_other, 0, 2);
    tcase_add_test(tc, a_side_that_takes_nothing_holds_the_other_up_and_nothing_is_lost);
    tcase_add_test(tc, a_tunnel_outlives_the_start_of_a_drain_and_ends_with_the_worker);
    suite_add_tcase(suite, tc);
    return suite;
}
