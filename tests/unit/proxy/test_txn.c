#include "fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET   "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define OK    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static struct proxy proxy;

static void start(const struct proxy_setup *setup)
{
    proxy = (struct proxy){0};
    proxy_start(&proxy, setup);
}

/* Ends a case in which so many requests were made. */
static void stop(uint64_t requests)
{
    proxy_wait_ended(&proxy, requests);
    proxy_stop(&proxy);
    ck_assert_uint_eq(json_array_size(proxy.log), requests);
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static bool begins(const char *text, const char *part)
{
    return strncmp(text, part, strlen(part)) == 0;
}

static const char *outcome(size_t i)
{
    return proxy_log_text(&proxy, i, "outcome");
}

static void reset(int fd)
{
    struct linger abort_it = {.l_onoff = 1};

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it), 0);
    close(fd);
}

/* ---- one request ---- */

START_TEST(a_request_reaches_the_target_with_its_label_and_the_answer_comes_back)
{
    int client, target;
    const char *head;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client,
        "GET /a?b=c HTTP/1.1\r\nHost: a.example:80\r\nX-Platform: mine\r\nX_Platform: mine\r\nAccept: x\r\n"
        "X-Request-Id: r-1\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n");
    target = target_accept(&proxy.stable);
    head = hear_head(target);
    ck_assert_msg(
        begins(head, "GET /a?b=c HTTP/1.1\r\nHost: a.example:80\r\nAccept: x\r\nX-Request-Id: r-1\r\n"), "%s",
        head);
    ck_assert(has(head, "\r\nX-Platform: ec2\r\n"));
    ck_assert(has(head, "\r\nX-Forwarded-For: 127.0.0.1\r\n"));
    ck_assert(has(head, "\r\nX-Forwarded-Proto: http\r\n"));
    ck_assert(has(head, "\r\nX-Forwarded-Host: a.example:80\r\n"));
    ck_assert(has(head, "\r\nVia: 1.1 "));
    ck_assert(has(head, "\r\ntraceparent: 00-"));
    ck_assert(!has(head, "mine") && !has(head, "Connection") && !has(head, "X-Hop"));
    say(target, "HTTP/1.1 200 Fine\r\nX-A: b\r\nContent-Length: 5\r\nConnection: x-b\r\nX-B: c\r\n\r\nhello");
    head = hear_head(client);
    ck_assert_msg(begins(head, "HTTP/1.1 200 Fine\r\nX-A: b\r\nContent-Length: 5\r\nDate: "), "%s", head);
    ck_assert(!has(head, "Connection") && !has(head, "X-B"));
    ck_assert_str_eq(hear_bytes(client, 5), "hello");
    stop(1);
    ck_assert_str_eq(outcome(0), "served");
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "platform"), "ec2");
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "http.url"), "http://a.example:80/a?b=c");
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "http.request_id"), "r-1");
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "penstock.attempts"), 1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(both_connections_live_on)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    for (int i = 0; i < 3; i++) {
        hear_head(target);
        say(target, OK);
        hear_head(client);
        hear_bytes(client, 2);
        say(client, GET);
    }
    hear_head(target);
    say(target, EMPTY);
    hear_head(client);
    ck_assert(target_is_left_alone(&proxy.stable));
    stop(4);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_426_says_which_protocol_the_target_asks_for)
{
    static const char *const answers[][2] = {
        {"Upgrade: TLS/1.0, HTTP/2.0\r\nConnection: Upgrade\r\n",
         "\r\nUpgrade: TLS/1.0, HTTP/2.0\r\nConnection: upgrade\r\n"},
        {"Upgrade: a/1\r\nX-A: b\r\nupgrade: b/2\r\nConnection: Upgrade, close, X-A\r\n",
         "\r\nUpgrade: a/1, b/2\r\nConnection: upgrade\r\n"},
    };
    int client, target;
    const char *head;

    start(NULL);
    client = proxy_connect(&proxy);
    for (size_t i = 0; i < 2; i++) {
        say(client, GET);
        if (i == 0)
            target = target_accept(&proxy.stable);
        hear_head(target);
        say(target, "HTTP/1.1 426 Upgrade Required\r\n%sContent-Length: 0\r\n\r\n", answers[i][0]);
        head = hear_head(client);
        ck_assert_msg(has(head, answers[i][1]) && !has(head, "X-A"), "%s", head);
    }
    say(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target,
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: a\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n");
    ck_assert(has(hear_head(client), "\r\nUpgrade: a\r\nConnection: upgrade, close\r\n"));
    client = proxy_connect(&proxy);
    say(client, "GET / HTTP/1.0\r\n\r\n");
    hear_head(target);
    say(target,
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: a\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n");
    ck_assert(!has(hear_head(client), "Upgrade: "));
    client = proxy_connect(&proxy);
    say(client, GET);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n");
    ck_assert(!has(hear_head(client), "Upgrade: "));
    stop(5);
    proxy_free(&proxy);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order_one_at_a_time)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client,
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    target = target_accept(&proxy.stable);
    ck_assert(has(hear_head(target), "GET /1 "));
    ck_assert(is_silent(target));
    say(target, "HTTP/1.1 200 one\r\nContent-Length: 1\r\n\r\n1");
    ck_assert(has(hear_head(target), "POST /2 "));
    ck_assert_str_eq(hear_bytes(target, 3), "abc");
    ck_assert(is_silent(target));
    say(target, "HTTP/1.1 200 two\r\nContent-Length: 1\r\n\r\n2");
    ck_assert(has(hear_head(target), "GET /3 "));
    say(target, "HTTP/1.1 200 three\r\nContent-Length: 1\r\n\r\n3");
    ck_assert(has(hear_head(client), "200 one"));
    ck_assert_str_eq(hear_bytes(client, 1), "1");
    ck_assert(has(hear_head(client), "200 two"));
    ck_assert_str_eq(hear_bytes(client, 1), "2");
    ck_assert(has(hear_head(client), "200 three"));
    ck_assert_str_eq(hear_bytes(client, 1), "3");
    stop(3);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
    static const char request[] =
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n0\r\nT: 1\r\n\r\n";
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    for (size_t i = 0; i < sizeof request - 1; i++) {
        say_bytes(client, request + i, 1);
        settle(client);
    }
    target = target_accept(&proxy.stable);
    ck_assert(has(hear_head(target), "\r\nTransfer-Encoding: chunked\r\n"));
    ck_assert_str_eq(hear(target, "\r\n0\r\n\r\n"), "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n");
    say(target, OK);
    hear_head(client);
    hear_bytes(client, 2);
    say(client, GET); /* the framing is still in step */
    ck_assert(has(hear_head(target), "GET / "));
    say(target, OK);
    hear_head(client);
    hear_bytes(client, 2);
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(an_answer_may_come_byte_by_byte)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=\"y\"\r\nc\r\n0\r\nT: 1\r\n\r\n";
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    for (size_t i = 0; i < sizeof answer - 1; i++) {
        say_bytes(target, answer + i, 1);
        settle(target);
    }
    ck_assert(has(hear_head(client), "\r\nTransfer-Encoding: chunked\r\n"));
    ck_assert_str_eq(hear(client, "\r\n0\r\n\r\n"), "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n");
    say(client, GET);
    hear_head(target);
    say(target, OK);
    hear_head(client);
    stop(2);
    proxy_free(&proxy);
}
END_TEST

/* ---- framing of answers ---- */

START_TEST(answers_without_content_have_none_whatever_they_say)
{
    static const struct {
        const char *method, *answer, *keeps, *drops;
    } cases[] = {
        {"HEAD", "200 OK\r\nContent-Length: 10", "Content-Length: 10", "Transfer-Encoding"},
        {"HEAD", "200 OK\r\nTransfer-Encoding: chunked", "200 OK", "Transfer-Encoding"},
        {"GET", "204 No Content\r\nContent-Length: 10", "204", "Content-Length"},
        {"GET", "304 Not Modified\r\nContent-Length: 10", "Content-Length: 10", "Transfer-Encoding"},
        {"GET", "304 Not Modified\r\nTransfer-Encoding: chunked", "304", "Transfer-Encoding"},
        {"HEAD", "404 Not Found", "404", "Content-Length"},
    };
    int client, target = -1;

    start(NULL);
    client = proxy_connect(&proxy);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *head;

        say(client, "%s / HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].method);
        if (target < 0)
            target = target_accept(&proxy.stable);
        hear_head(target);
        say(target, "HTTP/1.1 %s\r\n\r\n", cases[i].answer);
        head = hear_head(client);
        ck_assert_msg(has(head, cases[i].keeps) && !has(head, cases[i].drops), "%zu: %s", i, head);
    }
    stop(ARRAY_LEN(cases));
    proxy_free(&proxy);
}
END_TEST

START_TEST(an_answer_that_ends_with_its_connection_becomes_chunks)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\n\r\nhello");
    close(target);
    ck_assert(has(hear_head(client), "\r\nTransfer-Encoding: chunked\r\n"));
    ck_assert_str_eq(hear(client, "0\r\n\r\n"), "5\r\nhello\r\n0\r\n\r\n");
    say(client, GET); /* the client's connection lives on */
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, OK);
    hear_head(client);
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(an_old_client_gets_the_bare_content_and_the_end)
{
    bool was_reset;
    int client, target;
    const char *all;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    target = target_accept(&proxy.stable);
    ck_assert(has(hear_head(target), "\r\nHost: 127.0.0.1:"));
    say(target, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    all = hear_end(client, &was_reset);
    ck_assert(!was_reset);
    ck_assert(has(all, "\r\nConnection: close\r\n") && has(all, "\r\n\r\nabcde") && !has(all, "chunked"));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_cut_answer_never_looks_whole)
{
    static const struct {
        const char *version, *answer;
    } cases[] = {
        {"1.0", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
        {"1.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
        {"1.0", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"},
        {"1.1", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"},
        {"1.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"},
    };

    start(NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int client = proxy_connect(&proxy), target;
        bool was_reset;
        const char *all;

        say(client, "GET / HTTP/%s\r\nHost: a\r\n\r\n", cases[i].version);
        target = target_accept(&proxy.stable);
        hear_head(target);
        say(target, "%s", cases[i].answer);
        close(target);
        all = hear_end(client, &was_reset);
        ck_assert_msg(was_reset, "%zu: the end looks like one: %s", i, all);
        ck_assert(!has(all, "\r\n0\r\n"));
        close(client);
    }
    stop(ARRAY_LEN(cases));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_str_eq(outcome(i), "target_cut");
        ck_assert_str_eq(proxy_log_text(&proxy, i, "blame"), "group");
        ck_assert(proxy_log_text(&proxy, i, "target")[0] != '\0');
    }
    ck_assert_uint_eq(cell_get(&proxy_target_cells(&proxy, 0, 0)->failures), ARRAY_LEN(cases));
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_reset_of_the_target_never_ends_an_answer_well)
{
    int client, target;
    bool was_reset;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\n\r\nhello");
    ck_assert(has(hear_head(client), "chunked"));
    hear(client, "hello\r\n");
    reset(target);
    ck_assert_str_eq(hear_end(client, &was_reset), "");
    ck_assert(was_reset);
    stop(1);
    ck_assert_str_eq(outcome(0), "target_cut");
    proxy_free(&proxy);
}
END_TEST

START_TEST(bytes_behind_an_answer_end_the_connection_to_the_target)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, OK "HTTP/1.1 200 Smuggled\r\nContent-Length: 0\r\n\r\n");
    hear_head(client);
    hear_bytes(client, 2);
    say(client, GET);
    hear_end(target, NULL);
    close(target);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, OK);
    ck_assert(has(hear_head(client), "200 OK"));
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(bytes_on_a_waiting_connection_end_it)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, OK);
    hear_head(client);
    hear_bytes(client, 2);
    say(target, "HTTP/1.1 200 Smuggled\r\nContent-Length: 0\r\n\r\n");
    hear_end(target, NULL);
    close(target);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, OK);
    ck_assert(has(hear_head(client), "200 OK"));
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(answers_that_break_the_rules_become_502)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\n\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 600 What\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "garbage\r\n\r\n",
    };

    start(NULL);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        int client = proxy_connect(&proxy), target;

        say(client, GET);
        target = target_accept(&proxy.stable);
        hear_head(target);
        say(target, "%s", answers[i]);
        ck_assert_msg(has(hear_head(client), "HTTP/1.1 502 Bad Gateway\r\n"), "%zu", i);
        hear_end(target, NULL);
        close(target);
        close(client);
    }
    stop(ARRAY_LEN(answers));
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        char port[16];

        ck_assert_str_eq(outcome(i), "bad_response");
        ck_assert_str_ne(proxy_log_text(&proxy, i, "penstock.error"), "");
        snprintf(port, sizeof port, ":%u", proxy.stable.port);
        ck_assert_msg(has(proxy_log_text(&proxy, i, "target"), port), "the log names no target");
    }
    ck_assert_uint_eq(cell_get(&proxy_target_cells(&proxy, 0, 0)->failures), ARRAY_LEN(answers));
    proxy_free(&proxy);
}
END_TEST

/* ---- our own answers ---- */

START_TEST(requests_that_break_the_rules_are_refused_and_closed)
{
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/1.1\nHost: a\n\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
        {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "405"},
        {"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "405"},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", "417"},
    };

    start(NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int client = proxy_connect(&proxy);
        const char *all;

        say(client, "%s", cases[i].request);
        all = hear_end(client, NULL);
        ck_assert_msg(strncmp(all + 9, cases[i].status, 3) == 0 && has(all, "\r\nConnection: close\r\n"),
                      "%zu: %s", i, all);
        close(client);
    }
    stop(ARRAY_LEN(cases));
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_path_without_route_is_404_and_the_connection_lives_on)
{
    int client, target;

    start(&(struct proxy_setup){.route = "match: { pathPrefix: /x }, "});
    client = proxy_connect(&proxy);
    for (int i = 0; i < 3; i++) {
        const char *head;
        json_t *body;
        long len;

        say(client, "GET /y HTTP/1.1\r\nHost: a\r\nAccept: text/html, application/json\r\n\r\n");
        head = hear_head(client);
        ck_assert(has(head, "404 Not Found") && has(head, "application/problem+json"));
        len = strtol(strstr(head, "Content-Length: ") + 16, NULL, 10);
        head = hear_bytes(client, (size_t)len);
        body = json_loads(head, 0, NULL);
        ck_assert_ptr_nonnull(body);
        json_decref(body);
    }
    say(client, "HEAD /y HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert(has(hear_head(client), "404 Not Found"));
    say(client, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, EMPTY);
    ck_assert(has(hear_head(client), "200 OK"));
    stop(5);
    ck_assert_str_eq(outcome(0), "no_route");
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "route"), "");
    proxy_free(&proxy);
}
END_TEST

/* The way to the client is nearly full, by a little more each time: in one of these cases half of our answer
 * fits. */
START_TEST(an_answer_of_our_own_may_have_to_wait_for_the_client)
{
    enum { CASES = 60 };

    start(NULL);
    for (int i = 0; i < CASES; i++) {
        int client = proxy_connect_narrow(&proxy), target, len = 3000 + 50 * i;

        say(client, GET "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nbroken\r\n");
        target = target_accept(&proxy.stable);
        hear_head(target);
        say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len);
        say_x(target, (size_t)len);
        poll(NULL, 0, 5); /* the proxy comes to its own answer */
        widen(client);
        hear_head(client);
        hear_away(client, (size_t)len);
        ck_assert(begins(hear_head(client), "HTTP/1.1 400 "));
        hear_end(client, NULL);
        close(client);
        close(target);
    }
    stop(2 * CASES);
    proxy_free(&proxy);
}
END_TEST

/* More requests than transactions may be alive, all of them in one turn of the loop. */
START_TEST(a_burst_of_pipelined_requests_is_served_whole)
{
    enum { BURST = 400 };
    int client;

    start(
        &(struct proxy_setup){.route = "match: { pathPrefix: /x }, ", .top = "limits: { connections: 2 }\n"});
    client = proxy_connect(&proxy);
    for (int i = 0; i < BURST; i++)
        say(client, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < BURST; i++)
        ck_assert(has(hear_head(client), "404 Not Found"));
    stop(BURST);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_body_that_comes_with_a_refused_request_does_not_end_the_connection)
{
    int client, target;

    start(&(struct proxy_setup){.route = "match: { pathPrefix: /x }, "});
    client = proxy_connect(&proxy);
    say(client, "POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" GET);
    ck_assert(!has(hear_head(client), "Connection: close"));
    hear(client, "request id: ");
    hear(client, "\n");
    ck_assert(has(hear_head(client), "404 Not Found"));
    hear(client, "request id: ");
    hear(client, "\n");
    say(client, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    target = target_accept(&proxy.stable);
    hear_head(target);
    hear_bytes(target, 5);
    say(target, OK);
    ck_assert(has(hear_head(client), "200 OK"));
    stop(3);
    proxy_free(&proxy);
}
END_TEST

/* ---- the request's body ---- */

START_TEST(a_long_body_passes_in_both_directions)
{
    enum { LEN = 10 << 20 };
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", LEN);
    target = target_accept(&proxy.stable);
    hear_head(target);
    for (int i = 0; i < 160; i++) {
        say_x(client, LEN / 160);
        hear_away(target, LEN / 160);
    }
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LEN);
    hear_head(client);
    for (int i = 0; i < 160; i++) {
        say_x(target, LEN / 160);
        hear_away(client, LEN / 160);
    }
    say(client, GET);
    hear_head(target);
    say(target, OK);
    hear_head(client);
    stop(2);
    ck_assert_int_gt(proxy_log_number(&proxy, 0, "network.bytes_read"), LEN);
    ck_assert_int_gt(proxy_log_number(&proxy, 0, "network.bytes_written"), LEN);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_client_that_reads_nothing_holds_up_its_target_and_no_memory)
{
    enum { LEN = 64 << 20 };
    int client, target;
    size_t said;

    start(NULL);
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LEN);
    said = say_until_blocked(target, LEN);
    ck_assert_uint_lt(said, LEN / 2); /* the rest is the kernel's */
    hear_head(client);
    hear_away(client, said);
    say_x(target, 1000);
    hear_away(client, 1000);
    close(client);
    stop(1);
    ck_assert_str_eq(outcome(0), "client_gone");
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "blame"), "client");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_target_that_reads_nothing_holds_up_its_client)
{
    enum { LEN = 64 << 20 };
    int client, target;
    size_t said;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", LEN);
    target = target_accept(&proxy.stable);
    narrow(target);
    said = say_until_blocked(client, LEN);
    ck_assert_uint_lt(said, LEN / 2);
    hear_head(target);
    hear_away(target, said);
    say_x(client, 1000);
    hear_away(target, 1000);
    close(client);
    hear_end(target, NULL);
    stop(1);
    ck_assert_str_eq(outcome(0), "client_gone");
    proxy_free(&proxy);
}
END_TEST

/* A target that sends back what it gets, as fast as it gets it, to a client that sends first and reads later.
 */
START_TEST(an_answer_may_run_while_the_request_is_still_coming)
{
    int client, target;

    start(NULL);
    client = proxy_connect_narrow(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n");
    for (int i = 0; i < 50; i++) {
        say_x(client, 10000);
        hear_away(target, 10000);
        if (i < 2)
            say_x(target,
                  13000); /* more than the way to the client holds: the answer stands, the request goes on */
    }
    say_x(target, 4000);
    widen(client);
    hear_head(client);
    hear_away(client, 30000);
    hear_end(client, NULL); /* when the answer began nobody knew how the request would end */
    stop(1);
    ck_assert_str_eq(outcome(0), "served");
    proxy_free(&proxy);
}
END_TEST

/* http.md A18: the error is sent before the body is there. */
START_TEST(an_early_refusal_reaches_a_client_that_is_still_sending)
{
    int client, target;
    bool was_reset;
    const char *all;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    say_x(client, 1000);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    close(target);
    say_x(client, 4000000);
    all = hear_end(client, &was_reset);
    ck_assert(!was_reset);
    ck_assert(has(all, "HTTP/1.1 413 Content Too Large\r\n") && has(all, "\r\nConnection: close\r\n") &&
              has(all, "\r\n\r\nbig"));
    close(client);
    stop(1);
    ck_assert_str_eq(outcome(0), "served");
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "http.status_code"), 413);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_body_beyond_the_limit_is_refused_before_or_while_it_comes)
{
    int client, target;
    const char *all;

    start(&(struct proxy_setup){.route = "maxBody: 10B, "});
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    all = hear_end(client, NULL);
    ck_assert(has(all, "HTTP/1.1 413 "));
    close(client);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(client, "3\r\nabc\r\n");
    all = hear_end(client, NULL);
    ck_assert(has(all, "HTTP/1.1 413 "));
    hear_end(target, NULL);
    stop(2);
    ck_assert_str_eq(outcome(0), "body_too_large");
    ck_assert_str_eq(outcome(1), "body_too_large");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_broken_body_is_refused_and_its_target_dropped)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n");
    ck_assert(has(hear_end(client, NULL), "HTTP/1.1 400 "));
    target = target_accept(&proxy.stable);
    ck_assert(!has(hear_end(target, NULL), "\r\n0\r\n"));
    stop(1);
    ck_assert_str_eq(outcome(0), "bad_request");
    proxy_free(&proxy);
}
END_TEST

/* ---- interim answers ---- */

START_TEST(a_client_that_waits_for_100_gets_it_from_the_target)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    target = target_accept(&proxy.stable);
    ck_assert(has(hear_head(target), "\r\nExpect: 100-continue\r\n"));
    say(target, "HTTP/1.1 100 Continue\r\n\r\n");
    ck_assert_str_eq(hear_head(client), "HTTP/1.1 100 Continue\r\n\r\n");
    say(client, "hello");
    ck_assert_str_eq(hear_bytes(target, 5), "hello");
    say(target, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" OK);
    ck_assert_str_eq(hear_head(client), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    ck_assert_str_eq(hear_head(client), "HTTP/1.1 102 Processing\r\n\r\n");
    ck_assert(has(hear_head(client), "HTTP/1.1 200 OK\r\n"));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(any_number_of_interim_answers_passes_with_as_many_fields_as_may_be)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    for (int i = 0; i < 1000; i++) {
        say(target, "HTTP/1.1 102 Processing\r\nX-Step: %d\r\n\r\n", i);
        ck_assert(has(hear_head(client), "HTTP/1.1 102 Processing\r\nX-Step: "));
    }
    say(target, "HTTP/1.1 103 Early Hints\r\n");
    for (int i = 0; i < 100; i++) /* so that every second line is a slice of its own */
        say(target, "Keep-Alive: 1\r\nLink: </%d>\r\n", i);
    say(target, "\r\n" OK);
    ck_assert(has(hear_head(client), "\r\nLink: </99>\r\n\r\n"));
    ck_assert(has(hear_head(client), "HTTP/1.1 200 OK\r\n"));
    hear_bytes(client, 2);
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(an_old_client_gets_no_interim_answer)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "GET / HTTP/1.0\r\n\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 103 Early Hints\r\n\r\n" OK);
    ck_assert(has(hear_head(client), "HTTP/1.1 200 OK\r\n"));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

enum { HINT_LEN = 12000 }; /* more than the way to a narrow client holds */

static void say_interim(int target)
{
    say(target, "HTTP/1.1 103 Early Hints\r\nLink: ");
    say_x(target, HINT_LEN);
    say(target, "\r\n\r\n");
}

static void hear_interim(int client)
{
    const char *head = hear_head(client);

    ck_assert(begins(head, "HTTP/1.1 103 Early Hints\r\nLink: xxx"));
    ck_assert_uint_eq(strlen(head), sizeof "HTTP/1.1 103 Early Hints\r\nLink: \r\n\r\n" - 1 + HINT_LEN);
}

START_TEST(interim_answers_wait_for_a_slow_client_and_the_final_one_behind_them)
{
    int client, target;

    start(NULL);
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    for (int i = 0; i < 5; i++)
        say_interim(target);
    say(target, OK);
    for (int i = 0; i < 5; i++)
        hear_interim(client);
    ck_assert(has(hear_head(client), "HTTP/1.1 200 OK\r\n"));
    hear_bytes(client, 2);
    stop(1);
    ck_assert_str_eq(outcome(0), "served");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_target_that_dies_while_its_interim_answer_waits_is_told_behind_it)
{
    int client, target;

    start(NULL);
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say_interim(target);
    settle(target);
    close(target);
    pass(NS_PER_S);
    hear_interim(client);
    ck_assert(has(hear_head(client), "HTTP/1.1 502 Bad Gateway\r\n"));
    stop(1);
    ck_assert_str_eq(outcome(0), "target_closed");
    proxy_free(&proxy);
}
END_TEST

START_TEST(while_an_interim_answer_waits_for_the_client_the_target_is_not_to_blame)
{
    int client, target;

    start(&(struct proxy_setup){.top = "timeouts: { firstByte: 10s, clientWrite: 30s }\n"});
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say_interim(target);
    settle(target);
    pass(20 * NS_PER_S);
    pass(31 * NS_PER_S);
    stop(1);
    /* the kernel may have passed on some of it meanwhile */
    ck_assert(!strcmp(outcome(0), "client_stalled") || !strcmp(outcome(0), "client_slow"));
    proxy_free(&proxy);
}
END_TEST

START_TEST(behind_a_slow_interim_answer_both_sides_have_their_deadlines_again)
{
    int client, target;

    start(NULL);
    for (int body = 0; body < 2; body++) {
        client = proxy_connect_narrow(&proxy);
        say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n%s", body ? "hello" : "");
        target = target_accept(&proxy.stable);
        hear_head(target);
        say_interim(target);
        settle(target);
        hear_interim(client);
        settle(client);
        pass(31 * NS_PER_S);
        ck_assert(has(hear_head(client), body ? "504" : "408"));
    }
    stop(2);
    ck_assert_str_eq(outcome(0), "body_timeout");
    ck_assert_str_eq(outcome(1), "first_byte_timeout");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_target_that_has_spoken_is_not_asked_again)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, EMPTY);
    hear_head(client);
    say(client, GET);
    hear_head(target);
    say(target, "HTTP/1.1 103 Early Hints\r\n\r\n");
    hear_head(client);
    close(target);
    ck_assert(has(hear_head(client), "502 Bad Gateway"));
    ck_assert(target_is_left_alone(&proxy.stable));
    stop(2);
    proxy_free(&proxy);
}
END_TEST

/* ---- retries ---- */

START_TEST(a_connection_that_the_target_closed_meanwhile_costs_nobody_a_request)
{
    int client, target, second;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, OK);
    hear_head(client);
    hear_bytes(client, 2);
    say(client, GET);
    hear_head(target);
    close(target); /* the request was on its way when the target gave the connection up */
    second = target_accept(&proxy.stable);
    ck_assert(has(hear_head(second), "GET / "));
    say(second, OK);
    ck_assert(has(hear_head(client), "200 OK"));
    stop(2);
    ck_assert_int_eq(proxy_log_number(&proxy, 1, "penstock.attempts"), 2);
    ck_assert_uint_eq(proxy_side_sum(&proxy, ROUTE_STABLE, offsetof(struct shard_side, retries)), 1);
    ck_assert_uint_eq(cell_get(&proxy_target_cells(&proxy, 0, 0)->requests), 3);
    ck_assert_uint_eq(cell_get(&proxy_target_cells(&proxy, 0, 0)->failures), 1);
    proxy_free(&proxy);
}
END_TEST

/* The write fails before the end of the connection has been read. */
START_TEST(a_request_that_a_broken_connection_did_not_take_is_sent_again)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, EMPTY);
    hear_head(client);
    freeze();
    say(client, GET); /* is ready first */
    reset(target);
    thaw();
    target = target_accept(&proxy.stable);
    ck_assert(begins(hear_head(target), "GET / "));
    say(target, EMPTY);
    ck_assert(begins(hear_head(client), "HTTP/1.1 200 OK"));
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(what_may_not_be_repeated_is_not)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, OK);
    hear_head(client);
    hear_bytes(client, 2);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    hear_head(target);
    close(target);
    ck_assert(has(hear_head(client), "502 Bad Gateway"));
    ck_assert(target_is_left_alone(&proxy.stable));
    stop(2);
    ck_assert_str_eq(outcome(1), "target_closed");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_fresh_connection_that_closes_is_not_tried_again)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    close(target);
    ck_assert(has(hear_head(client), "502 Bad Gateway"));
    ck_assert(target_is_left_alone(&proxy.stable));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

/* A POST with its body whole in the buffer: nothing of it was sent when the connection was refused. */
START_TEST(a_refused_connection_is_tried_at_another_target_with_the_whole_request)
{
    struct origin other = {0};
    char more[64];

    proxy = (struct proxy){0};
    target_refuse(&proxy.stable);
    target_open(&other);
    snprintf(more, sizeof more, ", \"127.0.0.1:%u\"", other.port);
    proxy_start(&proxy, &(struct proxy_setup){.more_targets = more});
    for (int i = 0; i < 20; i++) { /* both are less busy at random */
        int client = proxy_connect(&proxy), target;

        say(client, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", i);
        target = target_accept(&other);
        hear_head(target);
        ck_assert_str_eq(hear_bytes(target, 5), "hello");
        say(target, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        close(target);
        ck_assert(has(hear_end(client, NULL), "200 OK"));
        close(client);
    }
    stop(20);
    target_close(&other);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_long_request_can_be_tried_again_and_refused_properly)
{
    static char path[7001];
    int client;

    memset(path, 'p', sizeof path - 1);
    proxy = (struct proxy){0};
    target_refuse(&proxy.stable);
    proxy_start(&proxy, &(struct proxy_setup){.more_targets = ", \"127.0.0.1:1\""});
    client = proxy_connect(&proxy);
    say(client, "GET /%%61");
    say_bytes(client, path, sizeof path - 1);
    say(client, " HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert(has(hear_head(client), "502 Bad Gateway"));
    stop(1);
    ck_assert_str_eq(outcome(0), "connect_refused");
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "blame"), "group");
    ck_assert_int_eq(proxy_log_number(&proxy, 0, "penstock.attempts"), 2);
    proxy_free(&proxy);
}
END_TEST

/* The longest target that the limits allow goes through, and may be tried again when the waiting connection
 * was closed. */
START_TEST(the_longest_request_line_passes_even_when_it_is_tried_again)
{
    static char query[8100];
    int client, target;

    memset(query, 'q', sizeof query - 1);
    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, OK);
    hear_head(client);
    hear_bytes(client, 2);
    say(client, "GET /%%61?");
    say_bytes(client, query, sizeof query - 1);
    say(client, " HTTP/1.1\r\nHost: a\r\n\r\n");
    hear_head(target);
    close(target);
    target = target_accept(&proxy.stable);
    ck_assert(has(hear_head(target), "GET /%61?qqq"));
    say(target, OK);
    ck_assert(has(hear_head(client), "200 OK"));
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_head_as_long_as_the_limits_allow_passes_with_body_and_trailers)
{
    int client, target;

    start(&(struct proxy_setup){
        .top = "limits: { requestHead: 96KiB, requestLine: 64KiB, responseHead: 96KiB }\n"});
    client = proxy_connect(&proxy);
    say(client, "POST /?");
    say_x(client, 60000);
    say(client, " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-Long: ");
    say_x(client, 37000);
    say(client, "\r\n\r\n1\r\ny\r\n0\r\nX-Trailer: ");
    settle(client);
    say_x(client, 8000);
    say(client, "\r\n\r\n");
    target = target_accept(&proxy.stable);
    ck_assert_uint_gt(strlen(hear_head(target)), 97000);
    ck_assert_str_eq(hear(target, "0\r\n\r\n"), "1\r\ny\r\n0\r\n\r\n");
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: ");
    say_x(target, 97000);
    say(target, "\r\n\r\n");
    ck_assert_uint_gt(strlen(hear_head(client)), 97000);
    stop(1);
    ck_assert_str_eq(outcome(0), "served");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_path_that_is_too_long_to_be_compared_is_414)
{
    int client;

    start(&(struct proxy_setup){.top = "limits: { requestHead: 96KiB, requestLine: 64KiB }\n"});
    client = proxy_connect(&proxy);
    say(client, "GET /%%61");
    say_x(client, 20000);
    say(client, " HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert(has(hear_head(client), "HTTP/1.1 414 "));
    stop(1);
    ck_assert_str_eq(outcome(0), "bad_request");
    proxy_free(&proxy);
}
END_TEST

/* ---- deadlines ---- */

static void wait_for(const char *name, size_t i)
{
    proxy_wait_ended(&proxy, i + 1);
    proxy_stop(&proxy);
    ck_assert_str_eq(outcome(i), name);
}

START_TEST(a_head_that_does_not_come_is_408)
{
    int client;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "GET / HT");
    settle(client);
    pass(11 * NS_PER_S);
    ck_assert(has(hear_end(client, NULL), "408 Request Timeout"));
    wait_for("head_timeout", 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(idle_connections_are_closed_without_a_word)
{
    int silent, served, target;
    bool was_reset;

    start(NULL);
    silent = proxy_connect(&proxy);
    served = proxy_connect(&proxy);
    say(served, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, EMPTY);
    hear_head(served);
    pass(11 * NS_PER_S);
    ck_assert_str_eq(hear_end(silent, &was_reset), "");
    ck_assert(!was_reset);
    ck_assert_str_eq(hear_end(target, &was_reset), ""); /* the pool's idle time is shorter */
    ck_assert(is_silent(served));
    pass(50 * NS_PER_S);
    ck_assert_str_eq(hear_end(served, &was_reset), "");
    ck_assert(!was_reset);
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_body_that_does_not_come_is_the_clients_fault)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    target = target_accept(&proxy.stable);
    hear_head(target);
    hear_bytes(target, 2);
    pass(31 * NS_PER_S);
    ck_assert(has(hear_end(client, NULL), "408 Request Timeout"));
    wait_for("body_timeout", 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(an_answer_that_does_not_come_is_the_targets_fault)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    pass(31 * NS_PER_S);
    ck_assert(has(hear_head(client), "504 Gateway Timeout"));
    wait_for("first_byte_timeout", 0);
    proxy_free(&proxy);
}
END_TEST

/* The client has sent all it has; the target takes none of it. */
START_TEST(a_target_that_stops_reading_is_to_blame_and_not_the_client)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 64000000\r\n\r\n");
    target = target_accept(&proxy.stable);
    ck_assert_uint_lt(say_until_blocked(client, 64000000), 64000000);
    pass(31 * NS_PER_S);
    wait_for("target_stalled", 0);
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "blame"), "group");
    close(target);
    proxy_free(&proxy);
}
END_TEST

START_TEST(the_same_with_a_body_that_was_read_whole)
{
    int client, target;

    proxy = (struct proxy){0};
    target_open_narrow(&proxy.stable);
    proxy_start(&proxy, NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 13000\r\n\r\n");
    target = target_accept(&proxy.stable);
    narrow(target);
    hear_head(target);
    say_x(client, 13000);
    settle(client);
    pass(31 * NS_PER_S);
    pass(31 * NS_PER_S); /* the kernel may have taken a little more in the first: that was no stall yet */
    wait_for("target_stalled", 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_target_that_does_not_say_100_is_to_blame_and_not_the_client_that_waits)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    pass(31 * NS_PER_S);
    hear_end(client, NULL);
    wait_for("first_byte_timeout", 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_target_that_stops_in_its_answer_is_cut)
{
    int client, target;
    bool was_reset;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    hear_head(client);
    hear_bytes(client, 2);
    pass(31 * NS_PER_S);
    hear_end(client, &was_reset);
    ck_assert(was_reset);
    wait_for("target_stalled", 0);
    ck_assert_uint_eq(cell_get(&proxy_target_cells(&proxy, 0, 0)->failures), 1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_client_that_stops_taking_is_cut_and_to_blame)
{
    int client, target;

    start(NULL);
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    say_x(target, 13000);
    settle(target);
    pass(31 * NS_PER_S);
    wait_for("client_stalled", 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_route_has_its_own_time_for_clients_that_take_nothing)
{
    int client, target;

    start(&(struct proxy_setup){.top = "timeouts: { clientWrite: 30s }\n",
                                .route = "timeouts: { clientWrite: 5s },"});
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    say_x(target, 13000);
    settle(target);
    pass(6 * NS_PER_S);
    wait_for("client_stalled", 0);
    proxy_free(&proxy);
}
END_TEST

/* ---- the time for the whole request ---- */

static const struct proxy_setup total = {.top = "timeouts: { total: 20s, firstByte: 15s, body: 15s }\n"};

START_TEST(the_time_for_all_ends_an_answer_that_comes_in_good_time_piece_by_piece)
{
    int client, target;
    bool was_reset;

    start(&total);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    pass(10 * NS_PER_S);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    hear_head(client);
    hear_bytes(client, 2);
    pass(9 * NS_PER_S);
    say(target, "c");
    hear_bytes(client, 1);
    pass(2 * NS_PER_S);
    hear_end(client, &was_reset);
    ck_assert(was_reset);
    wait_for("target_overtime", 0);
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "blame"), "group");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_client_that_still_sends_when_the_time_for_all_is_over_is_to_blame)
{
    int client, target;

    start(&total);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    for (int i = 0; i < 2; i++) {
        say_x(client, 4000);
        hear_away(target, 4000);
        pass(9 * NS_PER_S);
    }
    pass(3 * NS_PER_S);
    ck_assert(has(hear_end(client, NULL), "408 Request Timeout"));
    wait_for("client_overtime", 0);
    ck_assert_str_eq(proxy_log_text(&proxy, 0, "blame"), "client");
    proxy_free(&proxy);
}
END_TEST

START_TEST(another_try_does_not_get_the_time_for_all_anew)
{
    int client, target;

    start(&total);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, EMPTY);
    hear_head(client);
    say(client, GET);
    hear_head(target);
    pass(12 * NS_PER_S);
    close(target); /* an idle connection that was closed as we took it: tried again */
    target = target_accept(&proxy.stable);
    hear_head(target);
    pass(9 * NS_PER_S);
    ck_assert(has(hear_head(client), "504 Gateway Timeout"));
    proxy_wait_ended(&proxy, 2);
    proxy_stop(&proxy);
    ck_assert_str_eq(outcome(1), "target_overtime");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_tunnel_outlives_the_time_for_all)
{
    int client, target;

    start(&total);
    client = proxy_connect(&proxy);
    say(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    hear_head(client);
    pass(30 * NS_PER_S);
    say(target, "x");
    hear_away(client, 1);
    close(client);
    close(target);
    stop(1);
    ck_assert_str_eq(outcome(0), "upgraded");
    proxy_free(&proxy);
}
END_TEST

/* ---- limits of a route or a group ---- */

START_TEST(a_route_has_its_own_limit_for_the_head_of_an_answer)
{
    int client, target;

    start(&(struct proxy_setup){.route = "limits: { responseHead: 1KiB },"});
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nX-Long: %01100d\r\nContent-Length: 0\r\n\r\n", 1);
    ck_assert(has(hear_head(client), "502 Bad Gateway"));
    stop(1);
    ck_assert_str_eq(outcome(0), "bad_response");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_route_has_its_own_limits_for_chunks_and_trailers)
{
    static const char *const bodies[] = {"1;a=12345678901234567890\r\nx\r\n0\r\n\r\n",
                                         "1\r\nx\r\n0\r\na: b\r\nc: d\r\n\r\n"};
    static const char *const answers[] = {"400 Bad Request", "431 "};
    int client, target;

    start(&(struct proxy_setup){.route = "limits: { chunkExtension: 16B, trailerFields: 1 },"});
    for (size_t i = 0; i < 2; i++) {
        client = proxy_connect(&proxy);
        say(client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        target = target_accept(&proxy.stable);
        hear_head(target);
        say(client, "%s", bodies[i]);
        ck_assert(has(hear_head(client), answers[i]));
    }
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(the_limit_of_bodies_may_stand_once_for_all_routes)
{
    int client;

    start(&(struct proxy_setup){.top = "limits: { maxBody: 10B }\n"});
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    ck_assert(has(hear_head(client), "413 "));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_group_says_how_long_its_connections_wait)
{
    int client, target;

    start(&(struct proxy_setup){.top = "timeouts: { poolIdle: 50s }\n", .group = "poolIdle: 2s,"});
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, EMPTY);
    hear_head(client);
    pass(3 * NS_PER_S);
    ck_assert_str_eq(hear_end(target, NULL), "");
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_body_that_comes_byte_by_byte_is_the_clients_fault)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    for (int i = 0; i < 3; i++) {
        pass(4 * NS_PER_S);
        say(client, "x");
        hear_bytes(target, 1);
    }
    ck_assert(has(hear_end(client, NULL), "408 Request Timeout"));
    wait_for("body_slow", 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_route_may_let_a_body_come_byte_by_byte)
{
    int client, target;

    start(&(struct proxy_setup){.route = "timeouts: { minBodyRate: 0 },"});
    client = proxy_connect(&proxy);
    say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    target = target_accept(&proxy.stable);
    hear_head(target);
    for (int i = 0; i < 4; i++) {
        pass(20 * NS_PER_S);
        say(client, "x");
        hear_bytes(target, 1);
    }
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ck_assert(has(hear_head(client), "200 OK"));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_client_that_takes_a_little_now_and_then_is_cut_and_to_blame)
{
    int client, target;

    start(&(struct proxy_setup){.top = "timeouts: { minWriteRate: 64KiB }\n"});
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    say_x(target, 13000);
    settle(target);
    pass(11 * NS_PER_S);
    hear_head(client);
    hear_away(client, 4000);
    pass(20 * NS_PER_S);
    wait_for("client_slow", 0);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_timeout_of_0_is_no_limit)
{
    int client, target;

    start(&(struct proxy_setup){
        .top = "timeouts: { requestHead: 0, clientWrite: 0, connect: 0, firstByte: 0, body: 0 }\n"});
    client = proxy_connect_narrow(&proxy);
    pass(3600 * NS_PER_S);
    say(client, "POST / HTTP/1.1\r\n");
    settle(client);
    pass(3600 * NS_PER_S);
    say(client, "Host: a\r\nContent-Length: 2\r\n\r\na");
    target = target_accept(&proxy.stable);
    hear_head(target);
    hear_bytes(target, 1);
    pass(3600 * NS_PER_S);
    say(client, "b");
    hear_bytes(target, 1);
    pass(3600 * NS_PER_S);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 13001\r\n\r\n");
    say_x(target, 13000);
    settle(target);
    pass(3600 * NS_PER_S);
    hear_head(client);
    hear_away(client, 13000);
    pass(3600 * NS_PER_S);
    say_x(target, 1);
    hear_away(client, 1);
    stop(1);
    ck_assert_str_eq(outcome(0), "served");
    proxy_free(&proxy);
}
END_TEST

/* ---- the end of the target's side while the client is blocked ---- */

/* A chunk header takes room in the queue, so what the target sends in small pieces soon lies in the buffer
 * unqueued. */
static void send_pieces(int target, const char *piece, int pieces)
{
    for (int i = 0; i < pieces; i++) {
        say(target, "%s", piece);
        settle(target);
    }
}

START_TEST(what_came_before_the_end_reaches_a_slow_client_whole)
{
    int client, target;

    start(NULL);
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\n\r\n");
    say_x(target, 13000);
    settle(target);
    send_pieces(target, "y", 30);
    say(target, "the end");
    settle(target);
    close(target);
    pass(NS_PER_S);
    ck_assert(has(hear_head(client), "chunked"));
    ck_assert(has(hear(client, "\r\n0\r\n\r\n"), "the end\r\n0\r\n\r\n"));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(chunks_that_came_whole_before_the_end_are_no_cut)
{
    int client, target;

    start(NULL);
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n32c8\r\n");
    say_x(target, 13000);
    say(target, "\r\n");
    send_pieces(target, "1\r\ny\r\n", 30);
    say(target, "0\r\n\r\n");
    settle(target);
    close(target);
    pass(NS_PER_S);
    ck_assert(has(hear_head(client), "chunked"));
    ck_assert(has(hear(client, "\r\n0\r\n\r\n"), "y\r\n1\r\ny\r\n0\r\n\r\n"));
    stop(1);
    ck_assert_str_eq(outcome(0), "served");
    proxy_free(&proxy);
}
END_TEST

START_TEST(an_answer_that_waits_behind_an_interim_one_survives_the_end_of_its_target)
{
    int client, target;

    start(NULL);
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say_interim(target);
    say(target, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    settle(target);
    close(target);
    pass(NS_PER_S);
    hear_interim(client);
    ck_assert(has(hear_head(client), "200 OK"));
    ck_assert_str_eq(hear_bytes(client, 2), "ok");
    stop(1);
    ck_assert_str_eq(outcome(0), "served");
    proxy_free(&proxy);
}
END_TEST

/* Trailers are taken in one piece, so they need room beside the head of the answer. */
START_TEST(long_trailers_behind_a_long_head_arrive)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say(target, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Long: ");
    say_x(target, 12000);
    say(target, "\r\n\r\n1\r\ny\r\n0\r\nX-Trailer: ");
    settle(target);
    say_x(target, 7000);
    say(target, "\r\n\r\n");
    hear_head(client);
    ck_assert_str_eq(hear(client, "\r\n0\r\n\r\n"), "1\r\ny\r\n0\r\n\r\n");
    stop(1);
    ck_assert_str_eq(outcome(0), "served");
    proxy_free(&proxy);
}
END_TEST

/* ---- whose fault ---- */

/* The target is at fault before the client loses patience; that the client leaves before it has read so
 * changes nothing. */
START_TEST(an_ending_that_was_decided_stays_when_the_client_leaves_too)
{
    int client, target;

    start(NULL);
    client = proxy_connect_narrow(&proxy);
    say(client, GET);
    target = target_accept(&proxy.stable);
    hear_head(target);
    say_interim(target);
    settle(target);
    close(target);
    pass(NS_PER_S);
    close(client);
    stop(1);
    ck_assert_str_eq(outcome(0), "client_gone"); /* the interim answer was not through: nothing was decided */
    proxy_free(&proxy);
}
END_TEST

/* What is said, and who then closes its side, under which setting; whether the answer comes. */
static const struct {
    const char *top, *request;
    bool served;
} half_closed[] = {
    {NULL, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true},
    {NULL, "GET / HTTP/1.0\r\n\r\n", true},
    {NULL, "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab", true},
    {NULL, "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\na", false},
    {NULL, GET, false},
    {"halfClosed: serve\n", GET, true},
    {"halfClosed: serve\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na", false},
    {"halfClosed: abort\n", "GET / HTTP/1.0\r\n\r\n", false},
};

START_TEST(a_client_that_closes_its_side_may_wait_for_the_answer)
{
    const struct proxy_setup setup = {.top = half_closed[_i].top};
    int client, target;

    start(&setup);
    client = proxy_connect(&proxy);
    say(client, "%s", half_closed[_i].request);
    target = target_accept(&proxy.stable);
    hear_head(target);
    shutdown(client, SHUT_WR);
    if (half_closed[_i].served) {
        settle(client);
        say(target, OK);
        hear_head(client);
        ck_assert_str_eq(hear_end(client, NULL), "ok");
    } else {
        ck_assert_str_eq(hear_end(client, NULL), "");
        hear_end(target, NULL);
    }
    stop(1);
    ck_assert_str_eq(outcome(0), half_closed[_i].served ? "served" : "client_gone");
    proxy_free(&proxy);
}
END_TEST

/* All at once: the end of what the client says is seen before the target has been reached. */
static const struct {
    const char *request;
    bool whole;
} ended[] = {
    {"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", true},
    {"POST / HTTP/1.0\r\nContent-Length: 6\r\n\r\nhello", false},
    {"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: "
     "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     true},
    {"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: "
     "chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n",
     false},
};

START_TEST(a_client_may_have_said_all_before_the_target_is_reached)
{
    int client, target;

    start(NULL);
    client = proxy_connect(&proxy);
    freeze();
    say(client, "%s", ended[_i].request);
    shutdown(client, SHUT_WR);
    thaw();
    target = target_accept(&proxy.stable);
    if (ended[_i].whole) {
        hear_head(target);
        ck_assert(has(hear(target, "hello"), "hello"));
        say(target, OK);
        hear_head(client);
        ck_assert_str_eq(hear_end(client, NULL), "ok");
    } else {
        ck_assert_str_eq(hear_end(client, NULL), "");
        ck_assert(!has(hear_end(target, NULL), "\r\n0\r\n\r\n"));
    }
    stop(1);
    ck_assert_str_eq(outcome(0), ended[_i].whole ? "served" : "client_gone");
    proxy_free(&proxy);
}
END_TEST

START_TEST(all_that_was_pipelined_is_served_to_a_client_that_closed_its_side)
{
    const struct proxy_setup setup = {.top = "halfClosed: serve\n"};
    enum { MANY = 100 };
    int client, target;

    start(&setup);
    client = proxy_connect(&proxy);
    freeze();
    for (int i = 0; i < MANY; i++)
        say(client, GET);
    say(client, "GET / HT");
    shutdown(client, SHUT_WR);
    thaw();
    target = target_accept(&proxy.stable);
    for (int i = 0; i < MANY; i++) {
        hear_head(target);
        say(target, OK);
        hear_head(client);
        ck_assert_str_eq(hear_bytes(client, 2), "ok");
    }
    ck_assert_str_eq(hear_end(client, NULL), "");
    stop(MANY);
    proxy_free(&proxy);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("txn");
    TCase *tc = tcase_create("txn");

    tcase_add_test(tc, a_request_reaches_the_target_with_its_label_and_the_answer_comes_back);
    tcase_add_test(tc, a_426_says_which_protocol_the_target_asks_for);
    tcase_add_test(tc, both_connections_live_on);
    tcase_add_test(tc, pipelined_requests_are_answered_in_order_one_at_a_time);
    tcase_add_test(tc, a_request_may_come_byte_by_byte);
    tcase_add_test(tc, an_answer_may_come_byte_by_byte);
    tcase_add_test(tc, answers_without_content_have_none_whatever_they_say);
    tcase_add_test(tc, an_answer_that_ends_with_its_connection_becomes_chunks);
    tcase_add_test(tc, an_old_client_gets_the_bare_content_and_the_end);
    tcase_add_test(tc, a_cut_answer_never_looks_whole);
    tcase_add_test(tc, a_reset_of_the_target_never_ends_an_answer_well);
    tcase_add_test(tc, bytes_behind_an_answer_end_the_connection_to_the_target);
    tcase_add_test(tc, bytes_on_a_waiting_connection_end_it);
    tcase_add_test(tc, answers_that_break_the_rules_become_502);
    tcase_add_test(tc, requests_that_break_the_rules_are_refused_and_closed);
    tcase_add_test(tc, a_path_without_route_is_404_and_the_connection_lives_on);
    tcase_add_test(tc, an_answer_of_our_own_may_have_to_wait_for_the_client);
    tcase_add_test(tc, a_burst_of_pipelined_requests_is_served_whole);
    tcase_add_test(tc, a_body_that_comes_with_a_refused_request_does_not_end_the_connection);
    tcase_add_test(tc, a_long_body_passes_in_both_directions);
    tcase_add_test(tc, a_client_that_reads_nothing_holds_up_its_target_and_no_memory);
    tcase_add_test(tc, a_target_that_reads_nothing_holds_up_its_client);
    tcase_add_test(tc, an_answer_may_run_while_the_request_is_still_coming);
    tcase_add_test(tc, an_early_refusal_reaches_a_client_that_is_still_sending);
    tcase_add_test(tc, a_body_beyond_the_limit_is_refused_before_or_while_it_comes);
    tcase_add_test(tc, a_broken_body_is_refused_and_its_target_dropped);
    tcase_add_test(tc, a_client_that_waits_for_100_gets_it_from_the_target);
    tcase_add_test(tc, any_number_of_interim_answers_passes_with_as_many_fields_as_may_be);
    tcase_add_test(tc, an_old_client_gets_no_interim_answer);
    tcase_add_test(tc, interim_answers_wait_for_a_slow_client_and_the_final_one_behind_them);
    tcase_add_test(tc, a_target_that_dies_while_its_interim_answer_waits_is_told_behind_it);
    tcase_add_test(tc, while_an_interim_answer_waits_for_the_client_the_target_is_not_to_blame);
    tcase_add_test(tc, behind_a_slow_interim_answer_both_sides_have_their_deadlines_again);
    tcase_add_test(tc, a_target_that_has_spoken_is_not_asked_again);
    tcase_add_test(tc, a_connection_that_the_target_closed_meanwhile_costs_nobody_a_request);
    tcase_add_test(tc, a_request_that_a_broken_connection_did_not_take_is_sent_again);
    tcase_add_test(tc, what_may_not_be_repeated_is_not);
    tcase_add_test(tc, a_fresh_connection_that_closes_is_not_tried_again);
    tcase_add_test(tc, a_refused_connection_is_tried_at_another_target_with_the_whole_request);
    tcase_add_test(tc, a_long_request_can_be_tried_again_and_refused_properly);
    tcase_add_test(tc, the_longest_request_line_passes_even_when_it_is_tried_again);
    tcase_add_test(tc, a_head_as_long_as_the_limits_allow_passes_with_body_and_trailers);
    tcase_add_test(tc, a_path_that_is_too_long_to_be_compared_is_414);
    tcase_add_test(tc, a_head_that_does_not_come_is_408);
    tcase_add_test(tc, idle_connections_are_closed_without_a_word);
    tcase_add_test(tc, a_body_that_does_not_come_is_the_clients_fault);
    tcase_add_test(tc, an_answer_that_does_not_come_is_the_targets_fault);
    tcase_add_test(tc, a_target_that_stops_reading_is_to_blame_and_not_the_client);
    tcase_add_test(tc, the_same_with_a_body_that_was_read_whole);
    tcase_add_test(tc, a_target_that_does_not_say_100_is_to_blame_and_not_the_client_that_waits);
    tcase_add_test(tc, a_target_that_stops_in_its_answer_is_cut);
    tcase_add_test(tc, a_client_that_stops_taking_is_cut_and_to_blame);
    tcase_add_test(tc, a_route_has_its_own_time_for_clients_that_take_nothing);
    tcase_add_test(tc, the_time_for_all_ends_an_answer_that_comes_in_good_time_piece_by_piece);
    tcase_add_test(tc, a_client_that_still_sends_when_the_time_for_all_is_over_is_to_blame);
    tcase_add_test(tc, another_try_does_not_get_the_time_for_all_anew);
    tcase_add_test(tc, a_tunnel_outlives_the_time_for_all);
    tcase_add_test(tc, a_route_has_its_own_limit_for_the_head_of_an_answer);
    tcase_add_test(tc, a_route_has_its_own_limits_for_chunks_and_trailers);
    tcase_add_test(tc, the_limit_of_bodies_may_stand_once_for_all_routes);
    tcase_add_test(tc, a_group_says_how_long_its_connections_wait);
    tcase_add_test(tc, a_body_that_comes_byte_by_byte_is_the_clients_fault);
    tcase_add_test(tc, a_route_may_let_a_body_come_byte_by_byte);
    tcase_add_test(tc, a_client_that_takes_a_little_now_and_then_is_cut_and_to_blame);
    tcase_add_test(tc, a_timeout_of_0_is_no_limit);
    tcase_add_test(tc, what_came_before_the_end_reaches_a_slow_client_whole);
    tcase_add_test(tc, chunks_that_came_whole_before_the_end_are_no_cut);
    tcase_add_test(tc, an_answer_that_waits_behind_an_interim_one_survives_the_end_of_its_target);
    tcase_add_test(tc, long_trailers_behind_a_long_head_arrive);
    tcase_add_test(tc, an_ending_that_was_decided_stays_when_the_client_leaves_too);
    tcase_add_loop_test(tc, a_client_that_closes_its_side_may_wait_for_the_answer, 0, ARRAY_LEN(half_closed));
    tcase_add_loop_test(tc, a_client_may_have_said_all_before_the_target_is_reached, 0, ARRAY_LEN(ended));
    tcase_add_test(tc, all_that_was_pipelined_is_served_to_a_client_that_closed_its_side);
    suite_add_tcase(suite, tc);
    return suite;
}
