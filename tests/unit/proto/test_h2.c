/* Two sessions that speak to each other: what the one sends is what the other is told. */
#include "h2peer.h"

#include "../unit.h"

struct pair {
    struct h2_peer client, server;
    size_t step, cap;
};

static void pair_init(struct pair *pair)
{
    *pair = (struct pair){.step = SIZE_MAX, .cap = 64 << 10};
    peer_init(&pair->client, &h2_client_config);
    peer_init(&pair->server, &h2_server_config);
}

static void pair_fini(struct pair *pair)
{
    peer_fini(&pair->client);
    peer_fini(&pair->server);
}

static void feed(struct h2_peer *to, const struct text *bytes, size_t step)
{
    for (size_t at = 0; at < bytes->len;) {
        size_t len = bytes->len - at < step ? bytes->len - at : step;
        char *copy = mem_alloc(len);

        memcpy(copy, bytes->p + at, len);
        if (h2_feed(to->h2, copy, len, 0))
            at = bytes->len - len;
        free(copy);
        at += len;
    }
}

static bool carry(struct pair *pair, struct h2_peer *from, struct h2_peer *to)
{
    struct text bytes;
    bool any;

    text_init(&bytes, 1 << 24);
    peer_output(from, &bytes, pair->cap);
    any = bytes.len > 0;
    if (any)
        feed(to, &bytes, pair->step);
    text_fini(&bytes);
    return any;
}

/* Until neither has anything to say. */
static void talk(struct pair *pair)
{
    bool any;

    do {
        any = carry(pair, &pair->client, &pair->server);
        any |= carry(pair, &pair->server, &pair->client);
    } while (any);
}

static struct h2_stream *ask(struct pair *pair, const char *path, bool content)
{
    struct field fields[3];
    struct h2_request request = {.method = STR("GET"),
                                 .scheme = STR("http"),
                                 .authority = STR("a.example"),
                                 .path = str_from(path),
                                 .query = STR("?x=1")};

    field_set(&fields[0], STR("X-Number"), STR("7"), false);
    field_set(&fields[1], STR("TE"), STR("trailers"), false);
    field_set(&fields[2], STR("Connection"), STR("close"), false);
    pair->client.last = h2_request(pair->client.h2, &request, fields, 3, content, NULL);
    return pair->client.last;
}

static const struct {
    size_t step, cap;
} cuts[] = {{SIZE_MAX, 64 << 10}, {1, 64 << 10}, {7, H2_GATHER_MIN}, {4096, H2_GATHER_MIN + 1}};

START_TEST(a_request_and_its_answer_pass_whole_and_in_pieces)
{
    struct pair pair;

    pair_init(&pair);
    pair.step = cuts[_i].step;
    pair.cap = cuts[_i].cap;
    pair.server.answers = true;
    pair.server.send = "an answer";
    pair.server.send_trailer = "abc";
    pair.client.send = "a question";
    pair.client.send_trailer = "xyz";
    ck_assert_ptr_nonnull(ask(&pair, "/p", true));
    talk(&pair);
    ck_assert_str_eq(peer_log(&pair.server),
                     "head 1 GET /p ?x=1 a.example chunked alive te hop:te\n x-number: 7\n te: trailers\n"
                     "a question\nend 1\n checksum: xyz\n");
    ck_assert_str_eq(peer_log(&pair.client),
                     "head 1 200 [] chunked alive\nan answer\nend 1\n checksum: abc\n");
    ck_assert_uint_eq(h2_live(pair.client.h2), 0);
    pair_fini(&pair);
}
END_TEST

START_TEST(content_larger_than_the_windows_passes_as_it_is_consumed)
{
    enum { SIZE = 3 << 20 };
    char *content = mem_alloc(SIZE + 1);
    struct pair pair;

    memset(content, 'x', SIZE);
    content[SIZE] = '\0';
    pair_init(&pair);
    pair.cap = cuts[_i].cap;
    pair.server.answers = true;
    pair.server.send = content;
    ck_assert_ptr_nonnull(ask(&pair, "/p", false));
    talk(&pair);
    ck_assert_uint_gt(pair.client.log.len, SIZE);
    ck_assert_uint_eq(h2_live(pair.client.h2), 0);
    pair_fini(&pair);
    free(content);
}
END_TEST

START_TEST(content_that_nobody_consumes_stops_at_the_window)
{
    enum { SIZE = 1 << 20 };
    char *content = mem_alloc(SIZE + 1);
    struct pair pair;
    struct h2_stream *stream;

    memset(content, 'x', SIZE);
    content[SIZE] = '\0';
    pair_init(&pair);
    pair.server.answers = true;
    pair.server.send = content;
    pair.client.keeps = true;
    stream = ask(&pair, "/p", false);
    ck_assert_ptr_nonnull(stream);
    talk(&pair);
    ck_assert_uint_eq(stream->unconsumed, h2_client_config.window);
    h2_consume(stream, 40000);
    talk(&pair);
    ck_assert_uint_eq(stream->unconsumed, h2_client_config.window);
    pair_fini(&pair);
    free(content);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("proto/h2");
    TCase *tc = tcase_create("two sessions");

    tcase_add_loop_test(tc, a_request_and_its_answer_pass_whole_and_in_pieces, 0, ARRAY_LEN(cuts));
    tcase_add_loop_test(tc, content_larger_than_the_windows_passes_as_it_is_consumed, 0, ARRAY_LEN(cuts));
    tcase_add_test(tc, content_that_nobody_consumes_stops_at_the_window);
    suite_add_tcase(suite, tc);
    return suite;
}
