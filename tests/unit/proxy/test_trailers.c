/* Trailers in both directions, and names with '_' or '.'. */
#include "fixture.h"

#include <stdlib.h>
#include <unistd.h>

#define POST                                                                                                 \
    "POST / HTTP/1.1\r\nHost: a.example\r\nX-Request-Id: r\r\nTransfer-Encoding: chunked\r\n"                \
    "Connection: X-Hop\r\nTrailer: X-One\r\n\r\n"
#define TRAILERS                                                                                             \
    "X-One: 1\r\nX-Hop: 2\r\nContent-Length: 3\r\nTransfer-Encoding: gzip\r\nX-Platform: evil\r\n"           \
    "x_one: 4\r\nX-Two:  5 \r\nConnection: close\r\nCookie: a\r\n\r\n"
#define GET_TE "GET / HTTP/1.1\r\nHost: a.example\r\nTE: trailers\r\nConnection: TE\r\n\r\n"
#define GET    "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define CHUNKED                                                                                              \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-One\r\nConnection: x-hop\r\n"               \
    "X-Hop: 0\r\n\r\n"

static struct proxy proxy;
static int client, target;

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void ask(const struct proxy_setup *setup, const char *request)
{
    proxy = (struct proxy){0};
    proxy_start(&proxy, setup);
    client = proxy_connect(&proxy);
    say(client, "%s", request);
    target = target_accept(&proxy.stable);
}

static void end(void)
{
    proxy_wait_ended(&proxy, 1);
    proxy_stop(&proxy);
    proxy_free(&proxy);
}

START_TEST(request_trailers_go_where_the_group_takes_them)
{
    const struct proxy_setup setup = {.group = "trailers: true,"};
    const char *head;

    ask(&setup, POST "3\r\nabc\r\n0\r\n" TRAILERS);
    head = hear_head(target);
    ck_assert(has(head, "\r\nTrailer: X-One\r\n") && !has(head, "X-One: 1"));
    ck_assert_str_eq(hear(target, "\r\n\r\n"), "3\r\nabc\r\n0\r\nX-One: 1\r\nX-Two:  5 \r\n\r\n");
    say(target, "HTTP/1.1 204 No Content\r\n\r\n");
    hear_head(client);
    end();
}
END_TEST

START_TEST(request_trailers_are_dropped_elsewhere)
{
    const char *head;

    ask(NULL, POST "3\r\nabc\r\n0\r\n" TRAILERS);
    head = hear_head(target);
    ck_assert(!has(head, "Trailer") && !has(head, "X-One"));
    ck_assert_str_eq(hear(target, "\r\n0\r\n\r\n"), "3\r\nabc\r\n0\r\n\r\n");
    say(target, "HTTP/1.1 204 No Content\r\n\r\n");
    hear_head(client);
    end();
}
END_TEST

START_TEST(request_trailers_arrive_in_any_pieces)
{
    static const char request[] = POST "3\r\nabc\r\n0\r\n" TRAILERS;
    const struct proxy_setup setup = {.group = "trailers: true,"};

    proxy = (struct proxy){0};
    proxy_start(&proxy, &setup);
    client = proxy_connect(&proxy);
    for (size_t i = 0; i < sizeof request - 1; i++) {
        say_bytes(client, request + i, 1);
        settle(client);
    }
    target = target_accept(&proxy.stable);
    hear_head(target);
    ck_assert(has(hear(target, "5 \r\n\r\n"), "0\r\nX-One: 1\r\nX-Two:  5 \r\n\r\n"));
    say(target, "HTTP/1.1 204 No Content\r\n\r\n");
    hear_head(client);
    end();
}
END_TEST

START_TEST(answer_trailers_go_to_clients_that_say_they_take_them)
{
    const char *head;

    ask(NULL, GET_TE);
    head = hear_head(target);
    ck_assert(has(head, "\r\nConnection: TE\r\nTE: trailers\r\n"));
    say(target, CHUNKED "2\r\nok\r\n0\r\n" TRAILERS);
    head = hear_head(client);
    ck_assert(has(head, "\r\nTrailer: X-One\r\n") && !has(head, "X-One: 1") && !has(head, "X-Hop"));
    ck_assert_str_eq(hear(client, "\r\n\r\n"),
                     "2\r\nok\r\n0\r\nX-One: 1\r\nX-Platform: evil\r\nX-Two:  5 \r\n\r\n");
    end();
}
END_TEST

/* Also when the head of the answer has left the buffer long ago. */
START_TEST(what_connection_named_is_still_known_when_trailers_come_late)
{
    const char *end_of_it;

    ask(NULL, GET_TE);
    hear_head(target);
    say(target, CHUNKED "100000\r\n");
    hear_head(client);
    say_x(target, 0x10000);
    for (size_t i = 1; i < 16; i++)
        say_x(target, 0x10000);
    for (size_t got = 0; got < 0x100000;) {
        const char *line = hear(client, "\r\n");
        size_t len = strtoul(line, NULL, 16);

        ck_assert_uint_gt(len, 0);
        hear_away(client, len);
        ck_assert_str_eq(hear_bytes(client, 2), "\r\n");
        got += len;
    }
    say(target, "\r\n0\r\n" TRAILERS);
    end_of_it = hear(client, "\r\n\r\n");
    ck_assert_str_eq(end_of_it, "0\r\nX-One: 1\r\nX-Platform: evil\r\nX-Two:  5 \r\n\r\n");
    end();
}
END_TEST

START_TEST(answer_trailers_are_dropped_for_others)
{
    const char *head;

    ask(NULL, GET);
    head = hear_head(target);
    ck_assert(!has(head, "TE:") && !has(head, "Connection"));
    say(target, CHUNKED "2\r\nok\r\n0\r\n" TRAILERS);
    head = hear_head(client);
    ck_assert(!has(head, "Trailer:"));
    ck_assert_str_eq(hear(client, "\r\n\r\n"), "2\r\nok\r\n0\r\n\r\n");
    say(client, GET);
    hear_head(target);
    proxy_stop(&proxy);
    proxy_free(&proxy);
}
END_TEST

/* 32 lines that do not touch fill the queue more than once. */
START_TEST(many_trailers_fit_and_more_are_refused)
{
    char block[2048];
    struct buf lines;

    buf_init(&lines, block, sizeof block);
    for (int i = 0; i < 32 + _i; i++)
        buf_printf(&lines, i % 2 ? "X-T: %d\r\n" : "Age: %d\r\n", i);
    ask(NULL, GET_TE);
    hear_head(target);
    say(target, CHUNKED "2\r\nok\r\n0\r\n%.*s\r\n", STR_ARG(buf_str(&lines)));
    if (_i == 0) {
        const char *body;

        hear_head(client);
        body = hear(client, "\r\n\r\n");
        ck_assert(strncmp(body, "2\r\nok\r\n0\r\nX-T: 1\r\nX-T: 3\r\n", 26) == 0);
        ck_assert(has(body, "X-T: 31\r\n\r\n"));
    } else {
        ck_assert(!has(hear_end(client, NULL), "\r\n0\r\n"));
    }
    end();
}
END_TEST

/* What becomes of a request with this field. */
static const struct {
    const char *top, *field;
    unsigned status; /* of the answer when it is refused; 0: it passes */
    bool kept;
} fields[] = {
    {NULL, "X_Y: 1", 0, false},
    {NULL, "X.Y: 1", 0, false},
    {"ambiguousFields: drop\n", "X_Y: 1", 0, false},
    {"ambiguousFields: reject\n", "X_Y: 1", 400, false},
    {"ambiguousFields: reject\n", "X.Y: 1", 400, false},
    {"ambiguousFields: reject\n", "X-Y: 1", 0, true},
    {"ambiguousFields: keep\n", "X_Y: 1", 0, true},
    {"ambiguousFields: keep\n", "X.Y: 1", 0, true},
    {"ambiguousFields: keep\n", "X_Forwarded_For: 1", 0, false},
    {"ambiguousFields: keep\n", "X-Forwarded_Host: 1", 0, false},
    {"ambiguousFields: keep\n", "content_length: 1", 0, false},
    {"ambiguousFields: keep\n", "Transfer_Encoding: 1", 0, false},
    {"ambiguousFields: keep\n", "X.Platform: 1", 0, false},
    {"ambiguousFields: keep\n", "X_Request_Id: 1", 0, false},
};

START_TEST(names_with_underscore_or_dot)
{
    const struct proxy_setup setup = {.top = fields[_i].top};
    const char *head;

    proxy = (struct proxy){0};
    proxy_start(&proxy, &setup);
    client = proxy_connect(&proxy);
    say(client, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", fields[_i].field);
    if (fields[_i].status) {
        ck_assert(has(hear_head(client), "HTTP/1.1 400 "));
        ck_assert(target_is_left_alone(&proxy.stable));
    } else {
        target = target_accept(&proxy.stable);
        head = hear_head(target);
        ck_assert_msg(has(head, fields[_i].field) == fields[_i].kept, "%s: %s", fields[_i].field, head);
        say(target, "HTTP/1.1 204 No Content\r\n\r\n");
        hear_head(client);
    }
    end();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("trailers");
    TCase *tc = tcase_create("trailers");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, request_trailers_go_where_the_group_takes_them);
    tcase_add_test(tc, request_trailers_are_dropped_elsewhere);
    tcase_add_test(tc, request_trailers_arrive_in_any_pieces);
    tcase_add_test(tc, answer_trailers_go_to_clients_that_say_they_take_them);
    tcase_add_test(tc, what_connection_named_is_still_known_when_trailers_come_late);
    tcase_add_test(tc, answer_trailers_are_dropped_for_others);
    tcase_add_loop_test(tc, many_trailers_fit_and_more_are_refused, 0, 2);
    tcase_add_loop_test(tc, names_with_underscore_or_dot, 0, ARRAY_LEN(fields));
    suite_add_tcase(suite, tc);
    return suite;
}
