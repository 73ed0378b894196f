/* Long bodies, which pass within the kernel where they can. */
#include "proxy/bulk.h"

#include "fixture.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET  "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define NEXT "GET /next HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { LONG = 4 << 20 };

static struct proxy proxy;
static int client, target;

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void start(void)
{
    proxy = (struct proxy){0};
    proxy_start(&proxy, NULL);
    client = proxy_connect(&proxy);
}

static void ask(const char *request)
{
    say(client, "%s", request);
    target = target_accept(&proxy.stable);
    hear_head(target);
}

static uint64_t in_bulk(void)
{
    return cell_get(&crew_shard(proxy.crew, 0)->bulk_bytes);
}

static void end(uint64_t requests)
{
    proxy_wait_ended(&proxy, requests);
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), requests);
    proxy_free(&proxy);
}

/* Says so much on one socket while it is heard on the other. */
static void carry(int from, int to, size_t len)
{
    for (size_t at = 0; at < len; at += 64 << 10) {
        say_x(from, 64 << 10);
        hear_away(to, 64 << 10);
    }
}

START_TEST(a_long_answer_passes_in_bulk_and_both_connections_live_on)
{
    start();
    ask(GET);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LONG);
    hear_head(client);
    carry(target, client, LONG);
    ck_assert_uint_gt(in_bulk(), LONG / 2);
    say(client, NEXT);
    hear_head(target);
    say(target, OK);
    hear_head(client);
    ck_assert_str_eq(hear_bytes(client, 2), "ok");
    proxy_wait_ended(&proxy, 2);
    proxy_stop(&proxy);
    ck_assert_int_gt(proxy_log_number(&proxy, 0, "network.bytes_written"), LONG);
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "outcome"), "served");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_long_request_passes_in_bulk_and_the_next_one_is_seen)
{
    start();
    say(client, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n", LONG);
    target = target_accept(&proxy.stable);
    hear_head(target);
    carry(client, target, LONG);
    ck_assert_uint_gt(in_bulk(), LONG / 2);
    say(client, NEXT);
    say(target, OK);
    hear_head(client);
    ck_assert_str_eq(hear_bytes(client, 2), "ok");
    ck_assert(has(hear_head(target), "GET /next "));
    say(target, OK);
    hear_head(client);
    proxy_wait_ended(&proxy, 2);
    proxy_stop(&proxy);
    ck_assert_int_gt(proxy_log_number(&proxy, 0, "network.bytes_read"), LONG);
    proxy_free(&proxy);
}
END_TEST

START_TEST(both_directions_go_at_once)
{
    start();
    say(client, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n", LONG);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LONG);
    hear_head(client);
    for (size_t at = 0; at < LONG; at += 64 << 10) {
        say_x(client, 64 << 10);
        say_x(target, 64 << 10);
        hear_away(client, 64 << 10);
        hear_away(target, 64 << 10);
    }
    ck_assert_uint_gt(in_bulk(), LONG);
    end(1);
}
END_TEST

START_TEST(who_takes_nothing_holds_the_other_up_and_nothing_is_lost)
{
    int slow, quick;
    size_t said;

    start();
    say(client, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n", 64 << 20);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64 << 20);
    hear_head(client);
    slow = _i ? client : target;
    quick = _i ? target : client;
    narrow(slow);
    said = say_until_blocked(quick, 64 << 20);
    ck_assert_uint_lt(said, 64 << 20);
    widen(slow);
    hear_away(slow, said);
    carry(quick, slow, 1 << 20);
    close(client);
    ck_assert(has(hear_end(target, NULL), ""));
    end(1);
}
END_TEST

START_TEST(an_answer_that_is_cut_in_bulk_does_not_look_complete)
{
    bool reset;

    start();
    ask(GET);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LONG);
    hear_head(client);
    carry(target, client, LONG / 2);
    close(target);
    hear_end(client, &reset);
    ck_assert(reset);
    proxy_wait_ended(&proxy, 1);
    proxy_stop(&proxy);
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "outcome"), "target_cut");
    proxy_free(&proxy);
}
END_TEST

/* More than there are pipes, one after the other, each left with something in its pipe. */
START_TEST(a_pipe_with_bytes_of_a_client_that_left_is_not_used_again)
{
    start();
    for (int i = 0; i < BULK_PIPES_MAX + 2; i++) {
        ask(GET);
        say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64 << 20);
        hear_head(client);
        narrow(client);
        ck_assert_uint_gt(say_until_blocked(target, 1 << 20), 0);
        close(client);
        close(target);
        proxy_wait_ended(&proxy, (uint64_t)i + 1);
        client = proxy_connect(&proxy);
    }
    ask(GET);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LONG);
    hear_head(client);
    carry(target, client, LONG);
    end(BULK_PIPES_MAX + 3);
}
END_TEST

START_TEST(bodies_that_find_no_pipe_pass_through_buffers)
{
    enum { MANY = BULK_PIPES_MAX + 4 };
    int clients[MANY], targets[MANY];

    start();
    for (int i = 0; i < MANY; i++) {
        client = clients[i] = i ? proxy_connect(&proxy) : client;
        ask(GET);
        targets[i] = target;
        say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1 << 20);
        hear_head(client);
    }
    for (int step = 0; step < 2; step++)
        for (int i = 0; i < MANY; i++)
            carry(targets[i], clients[i], 512 << 10);
    ck_assert_uint_gt(in_bulk(), 0);
    proxy_wait_ended(&proxy, MANY);
    for (int i = 0; i < MANY; i++) {
        close(clients[i]);
        close(targets[i]);
    }
    end(MANY);
}
END_TEST

START_TEST(bytes_behind_a_long_answer_are_never_the_next_one)
{
    start();
    ask(GET);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1 << 20);
    hear_head(client);
    carry(target, client, (1 << 20) - (64 << 10));
    freeze();
    say_x(target, 64 << 10);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    thaw();
    hear_away(client, 64 << 10);
    say(client, NEXT);
    target = target_accept(&proxy.stable);
    ck_assert(has(hear_head(target), "GET /next "));
    say(target, OK);
    hear_head(client);
    ck_assert_str_eq(hear_bytes(client, 2), "ok");
    end(2);
}
END_TEST

/* The answer fills the buffer to its last byte, so what is behind it is still in the socket; the next request
 * waits already. */
START_TEST(bytes_behind_an_answer_that_fills_the_buffer_are_never_the_next_one)
{
    static const char form[] = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n";
    int len = RELAY_SMALL - (int)(sizeof form - 1 - 2 + 5);

    start();
    say(client, GET NEXT);
    target = target_accept(&proxy.stable);
    hear_head(target);
    freeze();
    say(target, form, len);
    say_x(target, (size_t)len);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    thaw();
    hear_head(client);
    hear_away(client, (size_t)len);
    target = target_accept(&proxy.stable);
    ck_assert(has(hear_head(target), "GET /next "));
    say(target, OK);
    hear_head(client);
    ck_assert_str_eq(hear_bytes(client, 2), "ok");
    end(2);
}
END_TEST

/* What has to be framed anew, or looked into for its end, is read. */
START_TEST(chunks_do_not_pass_in_bulk)
{
    start();
    ask("GET / HTTP/1.0\r\n\r\n");
    say(target, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n");
    hear_head(client);
    carry(target, client, 1 << 20);
    say(target, "\r\n0\r\n\r\n");
    ck_assert_str_eq(hear_end(client, NULL), "");
    ck_assert_uint_eq(in_bulk(), 0);
    end(1);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("bulk");
    TCase *tc = tcase_create("bulk");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_long_answer_passes_in_bulk_and_both_connections_live_on);
    tcase_add_test(tc, a_long_request_passes_in_bulk_and_the_next_one_is_seen);
    tcase_add_test(tc, both_directions_go_at_once);
    tcase_add_loop_test(tc, who_takes_nothing_holds_the_other_up_and_nothing_is_lost, 0, 2);
    tcase_add_test(tc, an_answer_that_is_cut_in_bulk_does_not_look_complete);
    tcase_add_test(tc, a_pipe_with_bytes_of_a_client_that_left_is_not_used_again);
    tcase_add_test(tc, bodies_that_find_no_pipe_pass_through_buffers);
    tcase_add_test(tc, bytes_behind_a_long_answer_are_never_the_next_one);
    tcase_add_test(tc, bytes_behind_an_answer_that_fills_the_buffer_are_never_the_next_one);
    tcase_add_test(tc, chunks_do_not_pass_in_bulk);
    suite_add_tcase(suite, tc);
    return suite;
}
