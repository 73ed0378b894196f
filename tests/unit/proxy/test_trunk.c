/*
 * HTTP/2 to targets: what becomes of requests on a connection that others use too. The target is the test,
 * which writes and reads single frames.
 */
#include "fixture.h"

#include "../proto/h2peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET    "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define LENGTH ":status=200|content-length=4"

/* More than between two looks of a worker at its connections. */
#define SWEEP_NS (2 * NS_PER_S)

static struct proxy proxy;
static int client, target;
static struct text out; /* what the target is about to say */

static void say_out(int fd)
{
    say_bytes(fd, out.p, out.len);
    out.len = 0;
}

/* The payload of the next frame of this type; those before it are passed over. NUL-ended. */
static const char *hear_frame(int fd, unsigned type, uint32_t *stream_r)
{
    for (;;) {
        const char *head = hear_bytes(fd, 9);
        size_t len = number_at(head) >> 8;
        unsigned is = (unsigned char)head[3];
        const char *payload;

        *stream_r = number_at(head + 5);
        payload = len ? hear_bytes(fd, len) : "";
        ck_assert_msg(is != F_GOAWAY || type == F_GOAWAY, "GOAWAY %u", number_at(payload + 4));
        if (is == type)
            return payload;
        ck_assert_msg(is != F_RST_STREAM, "stream %u is reset: %u", *stream_r, number_at(payload));
    }
}

static uint32_t hear_request(int fd)
{
    uint32_t stream;

    (void)hear_frame(fd, F_HEADERS, &stream);
    return stream;
}

static void put_settings(struct text *to, unsigned id, uint32_t value)
{
    char entry[6] = {0, (char)id, (char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value};

    put_frame(to, F_SETTINGS, 0, 0, entry, sizeof entry);
}

static void put_answer(uint32_t stream)
{
    put_headers(&out, stream, LENGTH, false);
    put_frame(&out, F_DATA, END_STREAM, stream, "some", 4);
}

/* A connection from the proxy, before the target has said anything. */
static int take(void)
{
    int fd = target_accept(&proxy.stable);

    hear_bytes(fd, sizeof PREFACE - 1);
    return fd;
}

static int greet(void)
{
    int fd = take();

    put_frame(&out, F_SETTINGS, 0, 0, "", 0);
    put_frame(&out, F_SETTINGS, ACK, 0, "", 0);
    say_out(fd);
    return fd;
}

static void start(const char *route)
{
    text_init(&out, 1 << 20);
    proxy = (struct proxy){0};
    proxy_start(&proxy, &(struct proxy_setup){.group = "protocol: h2c, ", .route = route});
    client = proxy_connect(&proxy);
}

static void stop(size_t records)
{
    proxy_wait_ended(&proxy, records);
    proxy_stop(&proxy);
    text_fini(&out);
    ck_assert_uint_eq(json_array_size(proxy.log), records);
}

/* Another client, which has asked. */
static int ask(void)
{
    int fd = proxy_connect(&proxy);

    say(fd, GET);
    return fd;
}

static bool is_silent_now(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    return poll(&readable, 1, 0) == 0;
}

static bool gets(int fd, const char *status)
{
    const char *head = hear_head(fd);
    bool same = strncmp(head, status, strlen(status)) == 0;

    if (same && strstr(head, "content-length: 4\r\n"))
        ck_assert_str_eq(hear_bytes(fd, 4), "some");
    return same;
}

/* One request is answered, so that the connection has been of use. */
static void begin(const char *route)
{
    start(route);
    say(client, GET);
    target = greet();
    put_answer(hear_request(target));
    say_out(target);
    ck_assert(gets(client, "HTTP/1.1 200"));
}

static const char *outcome(size_t record)
{
    return proxy_log_text(&proxy, record, "outcome");
}

/* ---- a connection that is dead ---- */

START_TEST(new_requests_do_not_keep_a_silent_connection_alive)
{
    int clients[6];
    uint32_t stream;

    begin("retries: { attempts: 0 }, ");
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = ask();
        ck_assert_uint_eq(hear_request(target), 2 * i + 3);
        pass(SWEEP_NS);
    }
    (void)hear_frame(target, F_PING, &stream);
    pass(4 * SWEEP_NS);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        ck_assert(gets(clients[i], "HTTP/1.1 502"));
    stop(1 + ARRAY_LEN(clients));
    ck_assert_str_eq(outcome(1), "target_reset");
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_connection_that_has_rested_is_not_asked_for_a_sign_of_life)
{
    int other;

    begin(NULL);
    pass(30 * NS_PER_S);
    other = ask();
    hear_request(target);
    pass(SWEEP_NS);
    ck_assert(is_silent(target));
    put_answer(3);
    say_out(target);
    ck_assert(gets(other, "HTTP/1.1 200"));
    stop(2);
    proxy_free(&proxy);
}
END_TEST

START_TEST(what_a_target_has_said_before_it_closed_is_heard)
{
    static char piece[(14 << 10)];
    int clients[3];

    begin("retries: { attempts: 0 }, ");
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = ask();
        hear_request(target);
    }
    memset(piece, 'x', sizeof piece);
    freeze();
    put_frame(&out, F_PING, 0, 0, "12345678", 8); /* to which an answer has to be written */
    for (uint32_t i = 0; i < ARRAY_LEN(clients); i++) {
        put_headers(&out, 2 * i + 3, ":status=200|content-length=14336", false);
        put_frame(&out, F_DATA, END_STREAM, 2 * i + 3, piece, sizeof piece);
    }
    say_out(target);
    ck_assert_int_eq(
        setsockopt(target, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger)), 0);
    close(target); /* with a reset, so that writing fails at once */
    thaw();
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        ck_assert(gets(clients[i], "HTTP/1.1 200"));
        hear_away(clients[i], sizeof piece);
    }
    stop(1 + ARRAY_LEN(clients));
    proxy_free(&proxy);
}
END_TEST

/* ---- what is tried again ---- */

START_TEST(a_reset_on_a_connection_that_lives_on_is_no_race)
{
    begin(NULL);
    say(client, GET);
    put_number_frame(&out, F_RST_STREAM, hear_request(target), H2_CODE_INTERNAL_ERROR);
    say_out(target);
    ck_assert(gets(client, "HTTP/1.1 502"));
    stop(2);
    ck_assert_str_eq(outcome(1), "target_reset");
    ck_assert_int_eq(proxy_log_number(&proxy, 1, "penstock.attempts"), 1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_connection_that_has_never_answered_is_no_race)
{
    int other;

    start(NULL);
    freeze();
    say(client, GET);
    other = ask();
    thaw();
    target = greet();
    hear_request(target);
    hear_request(target);
    close(target);
    ck_assert(gets(client, "HTTP/1.1 502"));
    ck_assert(gets(other, "HTTP/1.1 502"));
    stop(2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(proxy_log_number(&proxy, i, "penstock.attempts"), 1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_connection_that_is_closed_as_it_is_used_again_is_a_race)
{
    begin(NULL);
    say(client, GET);
    hear_request(target);
    close(target);
    target = greet();
    put_answer(hear_request(target));
    say_out(target);
    ck_assert(gets(client, "HTTP/1.1 200"));
    stop(2);
    ck_assert_int_eq(proxy_log_number(&proxy, 1, "penstock.attempts"), 2);
    proxy_free(&proxy);
}
END_TEST

/* ---- answers ---- */

START_TEST(an_answer_is_over_when_its_target_says_so)
{
    begin(NULL);
    say(client, GET);
    ck_assert_uint_eq(hear_request(target), 3);
    put_headers(&out, 3, LENGTH, false);
    put_frame(&out, F_DATA, 0, 3, "some", 4);
    say_out(target);
    ck_assert(gets(client, "HTTP/1.1 200"));
    put_frame(&out, F_DATA, END_STREAM, 3, "", 0);
    say_out(target);
    proxy_wait_ended(&proxy, 2);
    say(client, "HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    ck_assert_uint_eq(hear_request(target), 5); /* and nothing was reset */
    put_headers(&out, 5, ":status=200|content-length=7", false);
    say_out(target);
    ck_assert_ptr_nonnull(strstr(hear_head(client), "content-length: 7"));
    put_frame(&out, F_DATA, END_STREAM, 5, "", 0);
    say_out(target);
    proxy_wait_ended(&proxy, 3);
    say(client, GET);
    ck_assert_uint_eq(hear_request(target), 7);
    put_answer(7);
    say_out(target);
    ck_assert(gets(client, "HTTP/1.1 200"));
    stop(4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(outcome(i), "served");
    proxy_free(&proxy);
}
END_TEST

/* All that was said to come has come. */
START_TEST(an_answer_with_all_its_content_is_whole_when_its_connection_ends)
{
    begin(NULL);
    say(client, GET);
    hear_request(target);
    put_headers(&out, 3, LENGTH, false);
    put_frame(&out, F_DATA, 0, 3, "some", 4);
    say_out(target);
    close(target);
    ck_assert(gets(client, "HTTP/1.1 200"));
    stop(2);
    ck_assert_str_eq(outcome(1), "served");
    proxy_free(&proxy);
}
END_TEST

static void expect_bad(const char *why)
{
    ck_assert(gets(client, "HTTP/1.1 502"));
    stop(2);
    ck_assert_str_eq(outcome(1), "bad_response");
    ck_assert_str_eq(proxy_log_text(&proxy, 1, "penstock.error"), why);
    ck_assert_int_eq(proxy_log_number(&proxy, 1, "penstock.attempts"), 1);
    proxy_free(&proxy);
}

START_TEST(a_malformed_answer_is_a_bad_response)
{
    begin(NULL);
    say(client, GET);
    put_headers(&out, hear_request(target), ":status=200|Upper=case", true);
    say_out(target);
    expect_bad("the answer breaks the rules of HTTP/2");
}
END_TEST

START_TEST(content_that_is_not_of_its_length_is_a_bad_response)
{
    begin(NULL);
    say(client, GET);
    put_headers(&out, hear_request(target), LENGTH, true);
    say_out(target);
    expect_bad("the answer breaks the rules of HTTP/2");
}
END_TEST

START_TEST(a_broken_connection_makes_bad_responses)
{
    begin(NULL);
    say(client, GET);
    hear_request(target);
    put_frame(&out, F_DATA, 0, 0, "", 0); /* of no stream */
    say_out(target);
    expect_bad("the peer has broken the rules of HTTP/2");
}
END_TEST

START_TEST(a_target_that_does_not_speak_http_2_gives_a_bad_response)
{
    start(NULL);
    say(client, GET);
    target = take();
    say(target, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    ck_assert(gets(client, "HTTP/1.1 502"));
    stop(1);
    ck_assert_str_eq(outcome(0), "bad_response");
    proxy_free(&proxy);
}
END_TEST

/* The heads of all these are more than a session may hold. */
START_TEST(what_we_have_no_memory_for_is_not_the_fault_of_the_target)
{
    enum { MANY = 500, LONG = 30000 };
    static int clients[MANY];
    size_t asked = 1;

    text_init(&out, 1 << 20);
    proxy = (struct proxy){0};
    target_open_narrow(&proxy.stable);
    proxy_start(&proxy, &(struct proxy_setup){.group = "protocol: h2c, "});
    clients[0] = ask();
    target = greet();
    hear_request(target);
    for (; asked < MANY && is_silent_now(clients[0]); asked++) {
        clients[asked] = proxy_connect(&proxy);
        say(clients[asked], "GET / HTTP/1.1\r\nHost: a.example\r\nX: ");
        say_x(clients[asked], LONG);
        say(clients[asked], "\r\n\r\n");
        settle(clients[asked]);
    }
    ck_assert(gets(clients[0], "HTTP/1.1 503"));
    for (size_t i = 0; i < asked; i++)
        close(clients[i]);
    stop(asked);
    ck_assert_str_eq(outcome(0), "overload");
    for (size_t i = 0; i < asked; i++)
        ck_assert_str_ne(proxy_log_text(&proxy, i, "blame"), "group");
    proxy_free(&proxy);
}
END_TEST

/* ---- a target that takes none for now ---- */

START_TEST(requests_wait_for_a_target_that_takes_none_on_one_connection)
{
    int others[3];

    start(NULL);
    say(client, GET);
    target = take();
    put_settings(&out, 3, 0);
    put_frame(&out, F_SETTINGS, ACK, 0, "", 0);
    say_out(target);
    settle(target);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        others[i] = ask();
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        settle(others[i]);
    ck_assert(target_is_left_alone(&proxy.stable));
    put_settings(&out, 3, 100);
    say_out(target);
    for (size_t i = 0; i <= ARRAY_LEN(others); i++)
        put_answer(hear_request(target));
    say_out(target);
    ck_assert(gets(client, "HTTP/1.1 200"));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        ck_assert(gets(others[i], "HTTP/1.1 200"));
    stop(1 + ARRAY_LEN(others));
    proxy_free(&proxy);
}
END_TEST

START_TEST(the_wait_for_a_target_that_takes_none_has_an_end)
{
    start("timeouts: { connect: 5s }, retries: { attempts: 0 }, ");
    say(client, GET);
    target = take();
    put_settings(&out, 3, 0);
    say_out(target);
    settle(target);
    pass(6 * NS_PER_S);
    ck_assert(gets(client, "HTTP/1.1 504"));
    ck_assert(target_is_left_alone(&proxy.stable));
    stop(1);
    ck_assert_str_eq(outcome(0), "connect_timeout");
    ck_assert_ptr_nonnull(strstr(proxy_log_text(&proxy, 0, "penstock.error"), "MAX_CONCURRENT_STREAMS 0"));
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_target_that_accepts_and_says_nothing_is_told_from_one_that_does_not_accept)
{
    start("timeouts: { connect: 5s }, retries: { attempts: 0 }, ");
    say(client, GET);
    target = take();
    pass(6 * NS_PER_S);
    ck_assert(gets(client, "HTTP/1.1 504"));
    stop(1);
    ck_assert_str_eq(outcome(0), "connect_timeout");
    ck_assert_ptr_nonnull(strstr(proxy_log_text(&proxy, 0, "penstock.error"), "SETTINGS"));
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_target_that_takes_none_and_goes_away_is_asked_anew)
{
    start(NULL);
    say(client, GET);
    target = take();
    put_settings(&out, 3, 0);
    put_frame(&out, F_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
    say_out(target);
    target = greet();
    put_answer(hear_request(target));
    say_out(target);
    ck_assert(gets(client, "HTTP/1.1 200"));
    stop(1);
    proxy_free(&proxy);
}
END_TEST

/* ---- the end of a connection ---- */

START_TEST(a_connection_that_rests_too_long_ends_with_goaway)
{
    uint32_t stream;

    begin(NULL);
    pass(3600 * NS_PER_S);
    ck_assert_uint_eq(number_at(hear_frame(target, F_GOAWAY, &stream) + 4), H2_CODE_NO_ERROR);
    ck_assert_str_eq(hear_end(target, NULL), "");
    stop(1);
    proxy_free(&proxy);
}
END_TEST

START_TEST(a_target_that_breaks_the_rules_is_told_so)
{
    uint32_t stream;

    begin(NULL);
    put_frame(&out, F_DATA, 0, 0, "", 0);
    say_out(target);
    ck_assert_uint_eq(number_at(hear_frame(target, F_GOAWAY, &stream) + 4), H2_CODE_PROTOCOL_ERROR);
    stop(1);
    proxy_free(&proxy);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("trunk");
    TCase *tc = tcase_create("trunk");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, new_requests_do_not_keep_a_silent_connection_alive);
    tcase_add_test(tc, a_connection_that_has_rested_is_not_asked_for_a_sign_of_life);
    tcase_add_test(tc, what_a_target_has_said_before_it_closed_is_heard);
    tcase_add_test(tc, a_reset_on_a_connection_that_lives_on_is_no_race);
    tcase_add_test(tc, a_connection_that_has_never_answered_is_no_race);
    tcase_add_test(tc, a_connection_that_is_closed_as_it_is_used_again_is_a_race);
    tcase_add_test(tc, an_answer_is_over_when_its_target_says_so);
    tcase_add_test(tc, an_answer_with_all_its_content_is_whole_when_its_connection_ends);
    tcase_add_test(tc, a_malformed_answer_is_a_bad_response);
    tcase_add_test(tc, content_that_is_not_of_its_length_is_a_bad_response);
    tcase_add_test(tc, a_broken_connection_makes_bad_responses);
    tcase_add_test(tc, a_target_that_does_not_speak_http_2_gives_a_bad_response);
    tcase_add_test(tc, what_we_have_no_memory_for_is_not_the_fault_of_the_target);
    tcase_add_test(tc, requests_wait_for_a_target_that_takes_none_on_one_connection);
    tcase_add_test(tc, the_wait_for_a_target_that_takes_none_has_an_end);
    tcase_add_test(tc, a_target_that_accepts_and_says_nothing_is_told_from_one_that_does_not_accept);
    tcase_add_test(tc, a_target_that_takes_none_and_goes_away_is_asked_anew);
    tcase_add_test(tc, a_connection_that_rests_too_long_ends_with_goaway);
    tcase_add_test(tc, a_target_that_breaks_the_rules_is_told_so);
    suite_add_tcase(suite, tc);
    return suite;
}
