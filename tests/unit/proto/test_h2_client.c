/* What a client takes from a server and refuses, how many requests it makes, and which of them may be made
 * again. */
#include "h2peer.h"

static struct h2_stream *ask(struct h2_peer *peer, const char *method)
{
    struct h2_request request = {
        .method = str_from(method), .scheme = STR("https"), .authority = STR("a"), .path = STR("/p")};

    return h2_request(peer->h2, &request, NULL, 0, false, NULL);
}

static void drain(struct h2_peer *peer)
{
    struct text out;

    text_init(&out, 1 << 20);
    peer_output(peer, &out, H2_GATHER_MIN);
    text_fini(&out);
}

static void feed(struct h2_peer *peer, const struct text *bytes, size_t step)
{
    for (size_t at = 0; at < bytes->len; at += step) {
        size_t len = bytes->len - at < step ? bytes->len - at : step;

        if (h2_feed(peer->h2, bytes->p + at, len, 0))
            return;
    }
}

/* An answer to GET (or HEAD) and what is told of it. */
static const struct answer {
    const char *method, *fields, *content, *told;
} answers[] = {
    {"GET", ":status=200|content-length=3", "abc",
     "head 1 200 [] length=3 alive\n content-length: 3\nabc\nend 1\n"},
    {"GET", ":status=200", "abc", "head 1 200 [] chunked alive\nabc\nend 1\n"},
    {"GET", ":status=200|grpc-status=12", NULL, "head 1 200 [] none alive\n grpc-status: 12\n\nend 1\n"},
    {"HEAD", ":status=200|content-length=3", NULL,
     "head 1 200 [] none=3 alive\n content-length: 3\n\nend 1\n"},
    {"GET", ":status=204", NULL, "head 1 204 [] none alive\n\nend 1\n"},
    {"GET", ":status=304|content-length=9", NULL,
     "head 1 304 [] none=9 alive\n content-length: 9\n\nend 1\n"},
    {"GET", ":status=200|content-length=3", "ab",
     "head 1 200 [] length=3 alive\n content-length: 3\nab\nreset 1 PROTOCOL_ERROR\n"},
    {"GET", ":status=20", NULL, "\nreset 1 PROTOCOL_ERROR\n"},
    {"GET", ":status=999", NULL, "head 1 STATUS_LINE\n\nend 1\n"},
    {"GET", ":status=200|connection=close", NULL, "\nreset 1 PROTOCOL_ERROR\n"},
    {"GET", ":status=200|transfer-encoding=chunked", "", "\nreset 1 PROTOCOL_ERROR\n"},
    {"GET", ":status=200|x=a\r\nb", NULL, "\nreset 1 PROTOCOL_ERROR\n"}, /* A13 */
    {"GET", ":status=101", NULL, "\nreset 1 PROTOCOL_ERROR\n"},
    {"GET", ":status=103", NULL, "\nreset 1 PROTOCOL_ERROR\n"}, /* M51 */
    {"GET", "x=y", NULL, "\nreset 1 PROTOCOL_ERROR\n"},
    {"GET", ":status=200|:path=/", NULL, "\nreset 1 PROTOCOL_ERROR\n"},
    {"GET", ":status=200|content-length=3|content-length=4", "abc", "\nreset 1 PROTOCOL_ERROR\n"},
};

START_TEST(an_answer_is_taken_or_refused)
{
    static const size_t steps[] = {SIZE_MAX >> 1, 1, 5};
    const struct answer *answer = &answers[_i];

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct h2_peer peer;
        struct text bytes;

        peer_init(&peer, &h2_client_config);
        ck_assert_ptr_nonnull(ask(&peer, answer->method));
        drain(&peer);
        text_init(&bytes, 1 << 16);
        put_preface(&bytes, false);
        put_headers(&bytes, 1, answer->fields, !answer->content);
        if (answer->content)
            put_frame(&bytes, F_DATA, END_STREAM, 1, answer->content, strlen(answer->content));
        feed(&peer, &bytes, steps[i]);
        drain(&peer);
        ck_assert_str_eq(peer_log(&peer), answer->told);
        ck_assert_int_eq((int)h2_ended(peer.h2), H2_OK);
        text_fini(&bytes);
        peer_fini(&peer);
    }
}
END_TEST

START_TEST(interim_heads_come_before_the_final_one_and_trailers_behind)
{
    struct h2_peer peer;
    struct text bytes;

    peer_init(&peer, &h2_client_config);
    ck_assert_ptr_nonnull(ask(&peer, "GET"));
    drain(&peer);
    text_init(&bytes, 1 << 16);
    put_preface(&bytes, false);
    put_headers(&bytes, 1, ":status=103|link=a", false);
    put_headers(&bytes, 1, ":status=100", false);
    put_headers(&bytes, 1, ":status=200", false);
    put_frame(&bytes, F_DATA, 0, 1, "abc", 3);
    put_headers(&bytes, 1, "grpc-status=0|google.rpc.x-bin=AA|host=b", true);
    feed(&peer, &bytes, 3);
    ck_assert_str_eq(peer_log(&peer), "head 1 103 [] none alive\n link: a\nhead 1 100 [] none alive\n"
                                      "head 1 200 [] chunked alive\nabc\nend 1\n grpc-status: 0\n"
                                      " google.rpc.x-bin: AA\n");
    text_fini(&bytes);
    peer_fini(&peer);
}
END_TEST

/* Its preface is the first that a client says (RFC 9113 section 3.4). */
START_TEST(a_client_that_has_not_begun_ends_without_a_word)
{
    char out[H2_GATHER_MIN];
    struct h2_peer peer;

    peer_init(&peer, &h2_client_config);
    h2_end(peer.h2, H2_SHUTDOWN);
    ck_assert(!h2_has_output(peer.h2));
    ck_assert_uint_eq(h2_gather(peer.h2, out, sizeof out), 0);
    peer_fini(&peer);
    peer_init(&peer, &h2_client_config);
    ck_assert_uint_gt(h2_gather(peer.h2, out, sizeof out), sizeof PREFACE - 1);
    ck_assert(memcmp(out, PREFACE, sizeof PREFACE - 1) == 0);
    h2_end(peer.h2, H2_SHUTDOWN);
    ck_assert(h2_has_output(peer.h2));
    ck_assert_uint_eq(h2_gather(peer.h2, out, sizeof out), 17);
    ck_assert_int_eq(out[3], F_GOAWAY);
    peer_fini(&peer);
}
END_TEST

/* SETTINGS with one entry. */
static void put_setting(struct text *bytes, unsigned id, uint32_t value)
{
    char payload[6] = {(char)(id >> 8),     (char)id,           (char)(value >> 24),
                       (char)(value >> 16), (char)(value >> 8), (char)value};

    put_frame(bytes, F_SETTINGS, 0, 0, payload, sizeof payload);
}

START_TEST(no_more_requests_are_made_than_the_server_allows)
{
    struct h2_stream *streams[3];
    struct h2_peer peer;
    struct text bytes;

    peer_init(&peer, &h2_client_config);
    ck_assert_uint_eq(h2_room(peer.h2), 100);
    text_init(&bytes, 1 << 16);
    put_setting(&bytes, 3, 2);
    feed(&peer, &bytes, 9);
    ck_assert_uint_eq(h2_room(peer.h2), 2);
    streams[0] = ask(&peer, "GET");
    streams[1] = ask(&peer, "GET");
    ck_assert(streams[0] && streams[1]);
    ck_assert_uint_eq(h2_room(peer.h2), 0);
    ck_assert_ptr_null(ask(&peer, "GET"));
    h2_release(streams[1]);
    ck_assert_uint_eq(h2_room(peer.h2), 1);
    ck_assert_ptr_nonnull(ask(&peer, "GET"));
    text_fini(&bytes);
    peer_fini(&peer);
}
END_TEST

/* Of three requests the server has seen the first one only. */
START_TEST(what_a_goaway_leaves_out_may_be_asked_again)
{
    struct h2_peer peer;
    struct text bytes;

    peer_init(&peer, &h2_client_config);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(ask(&peer, "GET"));
    drain(&peer);
    text_init(&bytes, 1 << 16);
    put_preface(&bytes, false);
    put_frame(&bytes, F_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
    put_headers(&bytes, 1, ":status=200", true);
    feed(&peer, &bytes, 4);
    drain(&peer);
    ck_assert_ptr_nonnull(strstr(peer_log(&peer), "goaway NO_ERROR\n"));
    ck_assert_ptr_nonnull(strstr(peer_log(&peer), "reset 3 REFUSED_STREAM by peer\n"));
    ck_assert_ptr_nonnull(strstr(peer_log(&peer), "reset 5 REFUSED_STREAM by peer\n"));
    ck_assert_ptr_nonnull(strstr(peer_log(&peer), "head 1 200"));
    ck_assert_uint_eq(h2_live(peer.h2), 0);
    ck_assert(h2_is_draining(peer.h2));
    ck_assert_uint_eq(h2_room(peer.h2), 0);
    ck_assert_int_eq((int)h2_ended(peer.h2), H2_OK);
    text_fini(&bytes);
    peer_fini(&peer);
}
END_TEST

START_TEST(a_request_that_has_not_left_before_goaway_is_refused)
{
    struct h2_peer peer;
    struct text bytes;

    peer_init(&peer, &h2_client_config);
    drain(&peer);
    ck_assert_ptr_nonnull(ask(&peer, "GET"));
    text_init(&bytes, 1 << 16);
    put_preface(&bytes, false);
    put_frame(&bytes, F_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
    feed(&peer, &bytes, 100);
    drain(&peer);
    ck_assert_str_eq(peer_log(&peer), "goaway NO_ERROR\n\nreset 1 REFUSED_STREAM by peer\n");
    ck_assert_uint_eq(h2_live(peer.h2), 0);
    text_fini(&bytes);
    peer_fini(&peer);
}
END_TEST

START_TEST(a_refused_stream_is_told_as_such)
{
    struct h2_peer peer;
    struct text bytes;

    peer_init(&peer, &h2_client_config);
    ck_assert_ptr_nonnull(ask(&peer, "GET"));
    drain(&peer);
    text_init(&bytes, 1 << 16);
    put_preface(&bytes, false);
    put_number_frame(&bytes, F_RST_STREAM, 1, H2_CODE_REFUSED_STREAM);
    feed(&peer, &bytes, 1);
    ck_assert_str_eq(peer_log(&peer), "\nreset 1 REFUSED_STREAM by peer\n");
    text_fini(&bytes);
    peer_fini(&peer);
}
END_TEST

START_TEST(a_sign_of_life_is_answered)
{
    struct h2_peer peer;
    struct text bytes;

    peer_init(&peer, &h2_client_config);
    text_init(&bytes, 1 << 16);
    put_preface(&bytes, false);
    h2_ping(peer.h2);
    drain(&peer);
    put_frame(&bytes, F_PING, ACK, 0, "\0\0\0\0\0\0\0\0", 8);
    feed(&peer, &bytes, 100);
    ck_assert_str_eq(peer_log(&peer), "pong\n");
    text_fini(&bytes);
    peer_fini(&peer);
}
END_TEST

START_TEST(what_could_break_out_of_its_place_is_not_sent)
{
    static const struct h2_request bad[] = {
        {.method = {"GE T", 4}, .scheme = {"http", 4}, .authority = {"a", 1}, .path = {"/", 1}},
        {.method = {"GET", 3}, .scheme = {"http", 4}, .authority = {"a\n", 2}, .path = {"/", 1}},
        {.method = {"GET", 3}, .scheme = {"http", 4}, .authority = {"a", 1}, .path = {"/ b", 3}},
        {.method = {"GET", 3},
         .scheme = {"http", 4},
         .authority = {"a", 1},
         .path = {"/", 1},
         .query = {"?\r\n", 3}},
    };
    const struct h2_request good = {
        .method = {"GET", 3}, .scheme = {"http", 4}, .authority = {"a", 1}, .path = {"/", 1}};
    struct field field;
    struct h2_peer peer;

    peer_init(&peer, &h2_client_config);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_ptr_null(h2_request(peer.h2, &bad[i], NULL, 0, false, NULL));
    field_set(&field, STR("x"), STR("a\rb"), false);
    ck_assert_ptr_null(h2_request(peer.h2, &good, &field, 1, false, NULL));
    field_set(&field, STR("a:b"), STR("c"), false);
    ck_assert_ptr_null(h2_request(peer.h2, &good, &field, 1, false, NULL));
    ck_assert_uint_eq(h2_live(peer.h2), 0);
    ck_assert_int_eq((int)h2_ended(peer.h2), H2_OK);
    peer_fini(&peer);
}
END_TEST

/* What they have not taken is bounded by the windows of their own streams. */
START_TEST(many_slow_streams_do_not_close_the_connection_for_others)
{
    static char piece[(16 << 10) - 1];
    struct h2_peer peer;
    struct text bytes;

    peer_init(&peer, &h2_client_config);
    peer.keeps = peer.holds = true;
    text_init(&bytes, 8 << 20);
    put_preface(&bytes, false);
    for (uint32_t i = 0; i < 50; i++) {
        ck_assert_ptr_nonnull(ask(&peer, "GET"));
        put_headers(&bytes, 2 * i + 1, ":status=200", false);
        for (int k = 0; k < 4; k++)
            put_frame(&bytes, F_DATA, 0, 2 * i + 1, piece, sizeof piece);
    }
    drain(&peer);
    feed(&peer, &bytes, bytes.len);
    drain(&peer);
    ck_assert_int_eq((int)h2_ended(peer.h2), H2_OK);
    ck_assert_uint_eq(peer.heads, 50);
    text_fini(&bytes);
    peer_fini(&peer);
}
END_TEST

/* A server is no client: it may reset what it likes, as often as it likes. */
START_TEST(resets_of_a_server_are_no_flood)
{
    struct h2_peer peer;

    peer_init(&peer, &h2_client_config);
    for (uint32_t i = 0; i < 1000; i++) {
        struct text bytes;

        text_init(&bytes, 1 << 16);
        if (i == 0)
            put_preface(&bytes, false);
        ck_assert_ptr_nonnull(ask(&peer, "GET"));
        drain(&peer);
        put_number_frame(&bytes, F_RST_STREAM, 2 * i + 1, H2_CODE_REFUSED_STREAM);
        feed(&peer, &bytes, 100);
        text_fini(&bytes);
    }
    ck_assert_int_eq((int)h2_ended(peer.h2), H2_OK);
    ck_assert_uint_eq(peer.resets, 1000);
    peer_fini(&peer);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("proto/h2");
    TCase *tc = tcase_create("client");

    tcase_add_loop_test(tc, an_answer_is_taken_or_refused, 0, ARRAY_LEN(answers));
    tcase_add_test(tc, interim_heads_come_before_the_final_one_and_trailers_behind);
    tcase_add_test(tc, no_more_requests_are_made_than_the_server_allows);
    tcase_add_test(tc, what_a_goaway_leaves_out_may_be_asked_again);
    tcase_add_test(tc, a_request_that_has_not_left_before_goaway_is_refused);
    tcase_add_test(tc, a_refused_stream_is_told_as_such);
    tcase_add_test(tc, a_sign_of_life_is_answered);
    tcase_add_test(tc, a_client_that_has_not_begun_ends_without_a_word);
    tcase_add_test(tc, what_could_break_out_of_its_place_is_not_sent);
    tcase_add_test(tc, many_slow_streams_do_not_close_the_connection_for_others);
    tcase_add_test(tc, resets_of_a_server_are_no_flood);
    suite_add_tcase(suite, tc);
    return suite;
}
