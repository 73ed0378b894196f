/* Floods (A1 to A7): each ends its session with ENHANCE_YOUR_CALM and its own reason, and honest use of the
 * same frames does not. */
#include "h2peer.h"
#include "proto/h2_flood.h"

#define GET  ":method=GET|:scheme=http|:authority=a|:path=/"
#define POST ":method=POST|:scheme=http|:authority=a|:path=/"

enum { S_NS = 1000000000 };

/* One round of a flood. */
typedef void put_fn(struct text *bytes, uint32_t round);

static uint32_t stream_of_round(uint32_t round)
{
    return 2 * round + 1;
}

static void put_rapid_reset(struct text *bytes, uint32_t round)
{
    put_headers(bytes, stream_of_round(round), GET, true);
    put_number_frame(bytes, F_RST_STREAM, stream_of_round(round), H2_CODE_CANCEL);
}

static void put_window_overflow(struct text *bytes, uint32_t round)
{
    put_headers(bytes, stream_of_round(round), POST, false);
    put_number_frame(bytes, F_WINDOW_UPDATE, stream_of_round(round), 0x7fffffff);
}

static void put_malformed(struct text *bytes, uint32_t round)
{
    put_headers(bytes, stream_of_round(round), GET "|Upper=x", true);
}

static void put_too_much_content(struct text *bytes, uint32_t round)
{
    put_headers(bytes, stream_of_round(round), POST "|content-length=1", false);
    put_frame(bytes, F_DATA, 0, stream_of_round(round), "ab", 2);
}

static void put_settings(struct text *bytes, uint32_t round)
{
    (void)round;
    put_frame(bytes, F_SETTINGS, 0, 0, "", 0);
}

static void put_ping(struct text *bytes, uint32_t round)
{
    (void)round;
    put_frame(bytes, F_PING, 0, 0, "12345678", 8);
}

static void put_priority(struct text *bytes, uint32_t round)
{
    (void)round;
    put_frame(bytes, F_PRIORITY, 0, 1, "\0\0\0\3\20", 5);
}

static void put_priority_update(struct text *bytes, uint32_t round)
{
    (void)round;
    put_frame(bytes, 0x10, 0, 0, "\0\0\0\1u=1", 7);
}

static void put_altsvc(struct text *bytes, uint32_t round)
{
    (void)round;
    put_frame(bytes, 0xa, 0, 0, "\0\1ah3=\":1\"", 11);
}

static void put_unknown(struct text *bytes, uint32_t round)
{
    put_frame(bytes, 0xb + round % 0xf0, 0, round % 2, "?", 1);
}

static void put_window_update(struct text *bytes, uint32_t round)
{
    (void)round;
    put_number_frame(bytes, F_WINDOW_UPDATE, 0, 1);
}

static void put_empty_data(struct text *bytes, uint32_t round)
{
    if (round == 0)
        put_headers(bytes, 1, POST, false);
    put_frame(bytes, F_DATA, 0, 1, "", 0);
}

static void put_padding(struct text *bytes, uint32_t round)
{
    if (round == 0)
        put_headers(bytes, 1, POST, false);
    put_frame(bytes, F_DATA, PADDED, 1, "\1\0", 2);
}

static void put_empty_continuation(struct text *bytes, uint32_t round)
{
    put_frame(bytes, round ? F_CONTINUATION : F_HEADERS, 0, 1, "", 0);
}

static void put_continuation(struct text *bytes, uint32_t round)
{
    struct text section;

    text_init(&section, 1 << 10);
    put_section(&section, round ? "a=b" : GET);
    put_frame(bytes, round ? F_CONTINUATION : F_HEADERS, 0, 1, section.p, section.len);
    text_fini(&section);
}

static void put_long_continuation(struct text *bytes, uint32_t round)
{
    char *block = mem_alloc(16384);

    for (size_t i = 0; i < 16384; i += 8) /* a name of one letter and a value of four, again and again */
        memcpy(block + i, "\0\1a\4bcde", 8);
    put_frame(bytes, round ? F_CONTINUATION : F_HEADERS, 0, 1, block, 16384);
    free(block);
}

/* One entry of the table, then one byte for each copy of it (A5). */
static void put_bomb(struct text *bytes, uint32_t round)
{
    char *block = mem_alloc(16000);

    if (round == 0) {
        memset(block, 'x', 16000);
        memcpy(block, "\x40\1a\x7f\x81\x1e", 6); /* indexed; the value has 127 + 1 + 30 * 128 bytes */
        put_frame(bytes, F_HEADERS, 0, 1, block, 6 + 127 + 1 + 30 * 128);
    } else {
        memset(block, 0xbe, 16000); /* the first entry of the dynamic table */
        put_frame(bytes, F_CONTINUATION, 0, 1, block, 16000);
    }
    free(block);
}

static const struct flood {
    const char *name;
    put_fn *put;
    enum h2_error error;
    uint32_t honest; /* rounds that are no flood */
} floods[] = {
    {"rapid reset", put_rapid_reset, H2_RESETS, H2_FLOOD_RESETS},
    {"window overflow", put_window_overflow, H2_RESETS, H2_FLOOD_RESETS},
    {"malformed requests", put_malformed, H2_RESETS, H2_FLOOD_RESETS},
    {"content beyond its length", put_too_much_content, H2_RESETS, H2_FLOOD_RESETS},
    {"settings", put_settings, H2_SETTINGS, H2_FLOOD_SETTINGS - 1},
    {"ping", put_ping, H2_PINGS, H2_FLOOD_PINGS},
    {"priority", put_priority, H2_PRIORITIES, H2_FLOOD_PRIORITIES},
    {"priority update", put_priority_update, H2_PRIORITIES, H2_FLOOD_PRIORITIES},
    {"alternative services", put_altsvc, H2_UNKNOWN, H2_FLOOD_UNKNOWN},
    {"unknown frames", put_unknown, H2_UNKNOWN, H2_FLOOD_UNKNOWN},
    {"window updates", put_window_update, H2_WINDOW_UPDATES, H2_FLOOD_WINDOW_UPDATES},
    {"empty data", put_empty_data, H2_EMPTY_FRAMES, H2_FLOOD_EMPTY},
    {"padding alone", put_padding, H2_EMPTY_FRAMES, H2_FLOOD_EMPTY},
    {"empty continuation", put_empty_continuation, H2_CONTINUATIONS, 4},
    {"continuation", put_continuation, H2_CONTINUATIONS, 9},
    {"long continuation", put_long_continuation, H2_CONTINUATIONS, 4},
    {"fields from one entry", put_bomb, H2_FIELD_BOMB, 1},
};

/* Feeds the round, and lets the session answer into `out`, unless that is NULL. */
static enum h2_error play_into(struct h2_peer *peer, put_fn *put, uint32_t round, int64_t now_ns,
                               struct text *out)
{
    struct text bytes;

    text_init(&bytes, 1 << 20);
    if (round == 0)
        put_preface(&bytes, true);
    put(&bytes, round);
    if (h2_feed(peer->h2, bytes.p, bytes.len, now_ns) != H2_OK)
        ck_assert_int_ne((int)h2_ended(peer->h2), H2_OK);
    if (out)
        peer_output(peer, out, 16384);
    text_fini(&bytes);
    return h2_ended(peer->h2);
}

static enum h2_error play(struct h2_peer *peer, put_fn *put, uint32_t round, int64_t now_ns, bool reads)
{
    enum h2_error error;
    struct text out;

    text_init(&out, 1 << 20);
    error = play_into(peer, put, round, now_ns, reads ? &out : NULL);
    text_fini(&out);
    return error;
}

START_TEST(a_flood_ends_its_session_in_bounded_memory)
{
    const struct flood *flood = &floods[_i];
    enum h2_error error = H2_OK;
    struct h2_peer peer;
    struct text out;
    uint32_t round = 0;
    char *frames;

    peer_init(&peer, &h2_server_config);
    text_init(&out, 1 << 20);
    while (!error && round < 100000) {
        text_fini(&out);
        text_init(&out, 1 << 20);
        error = play_into(&peer, flood->put, round++, 0, &out);
        ck_assert_uint_lt(h2_memory(peer.h2), 1 << 20);
        if (error && round <= flood->honest)
            ck_abort_msg("%s: ended with %s after %u rounds", flood->name, h2_error_name(error), round);
    }
    ck_assert_msg(error == flood->error, "%s: %s after %u rounds", flood->name, h2_error_name(error), round);
    ck_assert_int_eq((int)h2_error_code(error), (int)H2_CODE_ENHANCE_YOUR_CALM);
    ck_assert_uint_eq(h2_live(peer.h2), 0);
    frames = frames_text(&out);
    ck_assert(str_ends_with(str_from(frames), STR("ENHANCE_YOUR_CALM\n")));
    free(frames);
    text_fini(&out);
    peer_fini(&peer);
}
END_TEST

/* Nothing is read of what it sends. */
START_TEST(a_flood_whose_answers_nobody_reads_ends_too)
{
    const struct flood *flood = &floods[_i];
    enum h2_error error = H2_OK;
    struct h2_peer peer;

    peer_init(&peer, &h2_server_config);
    for (uint32_t round = 0; !error && round < 20000; round++) {
        error = play(&peer, flood->put, round, 0, false);
        ck_assert_uint_lt(h2_memory(peer.h2), 8 << 20);
    }
    ck_assert_int_eq((int)h2_error_code(error), (int)H2_CODE_ENHANCE_YOUR_CALM);
    peer_fini(&peer);
}
END_TEST

START_TEST(what_comes_slowly_is_no_flood)
{
    struct h2_peer peer;

    peer_init(&peer, &h2_server_config);
    for (uint32_t round = 0; round < 5000; round++)
        ck_assert_int_eq((int)play(&peer, put_rapid_reset, round, round * (int64_t)S_NS / 30, true), H2_OK);
    peer_fini(&peer);
    peer_init(&peer, &h2_server_config);
    for (uint32_t round = 0; round < 200; round++)
        ck_assert_int_eq((int)play(&peer, put_settings, round, round * (int64_t)S_NS, true), H2_OK);
    peer_fini(&peer);
}
END_TEST

/* A request whose answer is not taken until its time is over. */
static enum h2_error stall(struct h2_peer *peer, uint32_t round, uint32_t window)
{
    struct text bytes, out;

    text_init(&bytes, 1 << 10);
    text_init(&out, 1 << 10);
    if (round == 0) {
        put_preface(&bytes, true);
        put_frame(&bytes, F_SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
        put_number_frame(&bytes, F_WINDOW_UPDATE, 0, 1 << 20);
    }
    put_headers(&bytes, stream_of_round(round), GET, true);
    if (window)
        put_number_frame(&bytes, F_WINDOW_UPDATE, stream_of_round(round), window);
    peer->send = "content";
    ck_assert_int_eq((int)h2_feed(peer->h2, bytes.p, bytes.len, 0), H2_OK);
    h2_stall(peer->last);
    peer_release(peer, peer->last);
    peer_output(peer, &out, 16384);
    text_fini(&bytes);
    text_fini(&out);
    return h2_ended(peer->h2);
}

START_TEST(who_never_opens_windows_is_ended)
{
    struct h2_peer peer;
    uint32_t round = 0;

    peer_init(&peer, &h2_server_config);
    peer.answers = peer.holds = true;
    while (round < 100 && stall(&peer, round, 0) == H2_OK)
        round++;
    ck_assert_int_eq((int)h2_ended(peer.h2), H2_STALLS);
    ck_assert_uint_ge(round, H2_FLOOD_STALLS);
    peer_fini(&peer);
}
END_TEST

/* It was the socket, or other streams. */
START_TEST(answers_that_windows_have_room_for_are_no_stalls)
{
    struct h2_peer peer;

    peer_init(&peer, &h2_server_config);
    peer.answers = peer.holds = true;
    for (uint32_t round = 0; round < 100; round++)
        ck_assert_int_eq((int)stall(&peer, round, 100), H2_OK);
    peer_fini(&peer);
}
END_TEST

static void put_request(struct text *bytes, uint32_t round)
{
    put_headers(bytes, stream_of_round(round), POST, false);
}

/* A stream counts until its owner is done with it, also when the client has reset it. */
START_TEST(streams_that_are_under_way_are_bounded)
{
    struct h2_config config = h2_server_config;
    struct h2_peer peer;

    config.streams = 10;
    peer_init(&peer, &config);
    peer.holds = true;
    for (uint32_t round = 0; round < 10; round++)
        ck_assert_int_eq((int)play(&peer, put_rapid_reset, round, 0, true), H2_OK);
    ck_assert_uint_eq(h2_live(peer.h2), 10);
    ck_assert_uint_eq(peer.heads, 10);
    ck_assert_int_eq((int)play(&peer, put_request, 10, 0, true), H2_OK);
    ck_assert_uint_eq(peer.heads, 10);
    ck_assert_uint_eq(h2_counts(peer.h2)->refused, 1);
    peer_release(&peer, peer.last);
    ck_assert_int_eq((int)play(&peer, put_request, 11, 0, true), H2_OK);
    ck_assert_uint_eq(peer.heads, 11);
    peer_fini(&peer);
}
END_TEST

START_TEST(many_large_heads_stay_within_the_memory_of_the_session)
{
    struct h2_config config = h2_server_config;
    enum h2_error error = H2_OK;
    struct h2_peer peer;
    struct text bytes;
    char *x = mem_alloc(12001);

    memset(x, 'x', 12000);
    x[12000] = '\0';
    config.memory = 256 << 10;
    peer_init(&peer, &config);
    peer.holds = true;
    text_init(&bytes, 8 << 20);
    put_preface(&bytes, true);
    for (uint32_t i = 0; i < 100; i++) {
        char *fields = mem_printf(POST "|x=%s", x);

        put_headers(&bytes, 2 * i + 1, fields, false);
        free(fields);
    }
    for (size_t at = 0; at < bytes.len && !error; at += 1000) {
        error = h2_feed(peer.h2, bytes.p + at, bytes.len - at < 1000 ? bytes.len - at : 1000, 0);
        ck_assert_uint_le(h2_memory(peer.h2), (256 << 10) + 4096);
    }
    ck_assert_int_eq((int)error, H2_MEMORY);
    ck_assert_uint_gt(peer.heads, 10);
    peer_fini(&peer);
    text_fini(&bytes);
    free(x);
}
END_TEST

START_TEST(a_session_is_ended_after_many_streams)
{
    struct h2_config config = h2_server_config;
    struct h2_peer peer;

    config.streams_total = 20;
    peer_init(&peer, &config);
    peer.answers = true;
    for (uint32_t round = 0; round < 20; round++) {
        ck_assert(!h2_is_draining(peer.h2));
        ck_assert_int_eq((int)play(&peer, put_request, round, (int64_t)round * S_NS, true), H2_OK);
    }
    ck_assert(h2_is_draining(peer.h2));
    peer_fini(&peer);
}
END_TEST

START_TEST(the_budget_bounds_sessions_together)
{
    struct budget budget = {.used = 0};
    struct h2_config config = h2_server_config;
    struct h2_peer peer;

    budget_limit(&budget, 1 << 20);
    config.budget = &budget;
    peer_init(&peer, &config);
    ck_assert_uint_gt(budget_used(&budget), 0);
    peer_fini(&peer);
    ck_assert_uint_eq(budget_used(&budget), 0);
    budget_limit(&budget, 1);
    ck_assert_ptr_null(h2_new(&config, &peer_events, NULL, 0));
    ck_assert_uint_eq(budget_used(&budget), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("proto/h2");
    TCase *tc = tcase_create("floods");

    tcase_add_loop_test(tc, a_flood_ends_its_session_in_bounded_memory, 0, ARRAY_LEN(floods));
    tcase_add_loop_test(tc, a_flood_whose_answers_nobody_reads_ends_too, 0, ARRAY_LEN(floods));
    tcase_add_test(tc, what_comes_slowly_is_no_flood);
    tcase_add_test(tc, who_never_opens_windows_is_ended);
    tcase_add_test(tc, answers_that_windows_have_room_for_are_no_stalls);
    tcase_add_test(tc, streams_that_are_under_way_are_bounded);
    tcase_add_test(tc, many_large_heads_stay_within_the_memory_of_the_session);
    tcase_add_test(tc, a_session_is_ended_after_many_streams);
    tcase_add_test(tc, the_budget_bounds_sessions_together);
    suite_add_tcase(suite, tc);
    return suite;
}
