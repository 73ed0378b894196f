/* What a server takes and refuses: the rules M47 to M58, the cases D1 to D25. Each message is fed whole, byte
 * by byte, and cut at every place. */
#include "h2peer.h"

#define GET   ":method=GET|:scheme=http|:authority=a|:path=/"
#define POST  ":method=POST|:scheme=http|:authority=a|:path=/"
#define RESET "RST_STREAM 1 PROTOCOL_ERROR\n"

/* Everything is fed in two parts, the second in pieces of `step`. */
static void run(struct h2_peer *peer, const struct text *bytes, size_t cut, size_t step)
{
    struct str rest = {bytes->p, bytes->len};

    while (rest.len) {
        size_t len = cut && cut < rest.len ? cut : rest.len < step ? rest.len : step;
        char *copy = mem_alloc(len);
        enum h2_error error;

        cut = 0;
        memcpy(copy, rest.p, len);
        error = h2_feed(peer->h2, copy, len, 0);
        free(copy);
        if (error)
            return;
        rest = (struct str){rest.p + len, rest.len - len};
    }
}

/* Byte by byte, and what it has to say is written at once. */
static void run_turns(struct h2_peer *peer, const struct text *bytes, struct text *out)
{
    for (size_t at = 0; at < bytes->len; at++) {
        struct text byte = {.p = bytes->p + at, .len = 1};

        run(peer, &byte, 0, 1);
        peer_output(peer, out, 4096);
    }
}

static void check_cut(const struct text *bytes, size_t cut, size_t step, const char *told, const char *sent)
{
    struct h2_config config = h2_server_config;
    struct h2_peer peer;
    struct text out;
    char *frames;

    config.extended_connect = true;
    peer_init(&peer, &config);
    peer.answers = true;
    text_init(&out, 1 << 20);
    run(&peer, bytes, cut, step);
    peer_output(&peer, &out, H2_GATHER_MIN);
    ck_assert_str_eq(peer_log(&peer), told);
    frames = frames_text(&out);
    ck_assert_str_eq(frames, sent);
    free(frames);
    text_fini(&out);
    peer_fini(&peer);
}

static void check(const struct text *bytes, const char *told, const char *sent)
{
    check_cut(bytes, 0, SIZE_MAX, told, sent);
    check_cut(bytes, 0, 1, told, sent);
    for (size_t cut = 1; cut < bytes->len; cut++)
        check_cut(bytes, cut, SIZE_MAX, told, sent);
}

/* One request: its head, content (NULL: the head ends it), and what comes of it. */
static const struct request {
    const char *fields, *content;
    const char *told, *sent;
} requests[] = {
    /* what passes */
    {GET "a?b=c", NULL, "head 1 GET /a ?b=c a none alive\n\nend 1\n", "HEADERS 1 end\n"},
    {POST "|content-length=3", "abc", "head 1 POST / - a length=3 alive\n content-length: 3\nabc\nend 1\n",
     "HEADERS 1 end\n"},
    {POST, "abc", "head 1 POST / - a chunked alive\nabc\nend 1\n", "HEADERS 1 end\n"},
    {":method=OPTIONS|:scheme=http|:authority=a|:path=*", NULL, "head 1 OPTIONS * - a none alive\n\nend 1\n",
     "HEADERS 1 end\n"},
    {":method=GET|:scheme=http|:path=/|host=h:80", NULL, /* D9 */
     "head 1 GET / - h:80 none alive\n host: h:80\n\nend 1\n", "HEADERS 1 end\n"},
    {GET "|host=A", NULL, "head 1 GET / - a none alive\n host: A\n\nend 1\n", "HEADERS 1 end\n"},
    {GET "|te=trailers", NULL, "head 1 GET / - a none alive te hop:te\n te: trailers\n\nend 1\n",
     "HEADERS 1 end\n"},                              /* D6 */
    {GET "|cookie=a=b|x=y|cookie=c=d|cookie=e", NULL, /* D23 */
     "head 1 GET / - a none alive\n cookie: a=b; c=d; e\n x: y\n\nend 1\n", "HEADERS 1 end\n"},
    {POST "|expect=100-continue|content-length=2", "ab",
     "head 1 POST / - a length=2 alive expect\n expect: 100-continue\n content-length: 2\nab\nend 1\n",
     "HEADERS 1 end\n"},
    /* what the library resets */
    {GET "|x=a\rb", NULL, "", RESET}, /* D1 */
    {GET "|x=a\nb", NULL, "", RESET},
    {":method=GET|:scheme=http|:authority=a|:path=/\r\nX: y", NULL, "", RESET},
    {GET "|a:b=c", NULL, "", RESET},
    {GET "|a b=c", NULL, "", RESET},
    {GET "|a\r\nb=c", NULL, "", RESET},
    {GET "|Upper=c", NULL, "", RESET}, /* D2 */
    {GET "|=c", NULL, "", RESET},      /* D3 */
    {GET "|x= c", NULL, "", RESET},    /* D4 */
    {GET "|x=c\t", NULL, "", RESET},
    {POST "|transfer-encoding=chunked", "", "", RESET}, /* D5 */
    {GET "|connection=close", NULL, "", RESET},
    {GET "|proxy-connection=close", NULL, "", RESET},
    {GET "|keep-alive=1", NULL, "", RESET},
    {GET "|upgrade=h2c", NULL, "", RESET},
    {GET "|te=gzip", NULL, "", RESET},
    {":method=GET|:scheme=http|:path=/", NULL, "", RESET},                 /* D8 */
    {":method=GET|:scheme=http|:authority=a/x|:path=/", NULL, "", RESET},  /* D11 */
    {":method=GET|:scheme=http|:authority=a|:path=/a b", NULL, "", RESET}, /* D12 */
    {":method=GET|:scheme=http|:authority=a|:path=a", NULL, "", RESET},    /* D13 */
    {":method=GET|:scheme=http|:authority=a|:path=", NULL, "", RESET},
    {":method=GET|:scheme=http|:authority=a|:path=http://b/", NULL, "", RESET},
    {":method=G T|:scheme=http|:authority=a|:path=/", NULL, "", RESET}, /* D14 */
    {":method=GET\r\n|:scheme=http|:authority=a|:path=/", NULL, "", RESET},
    {":method=GET|:scheme=http://x/?|:authority=a|:path=/", NULL, "", RESET}, /* D15 */
    {GET "|:path=/", NULL, "", RESET},                                        /* D16, D17 */
    {":method=GET|:scheme=http|:authority=a|:path=/|:path=/", NULL, "", RESET},
    {":method=GET|:scheme=http|:authority=a|:path=/|:other=/", NULL, "", RESET},
    {":method=GET|:scheme=http|:authority=a|:path=/|:status=200", NULL, "", RESET},
    {":method=GET|:scheme=http|x=y|:authority=a|:path=/", NULL, "", RESET},
    {POST "|content-length=5", NULL, "", RESET},                   /* D20 */
    {POST "|content-length=3|content-length=3", "abc", "", RESET}, /* D21 */
    {POST "|content-length=+3", "abc", "", RESET},                 /* D22 */
    {":scheme=http|:authority=a|:path=/", NULL, "", RESET},
    {":method=GET|:authority=a|:path=/", NULL, "", RESET},
    /* what we refuse */
    {GET "|host=b", NULL, "head 1 HOST_DIFFERS\n", "HEADERS 1 end\n"}, /* D7 */
    {GET "|host=a|host=a", NULL, "", RESET},
    {":method=GET|:scheme=http|:authority=u@a|:path=/", NULL, "head 1 HOST\n", "HEADERS 1 end\n"}, /* D10 */
    {":method=GET|:scheme=http|:authority=a,b|:path=/", NULL, "head 1 HOST\n", "HEADERS 1 end\n"},
    {":method=GET|:scheme=http|:authority=a:0|:path=/", NULL, "head 1 HOST\n", "HEADERS 1 end\n"},
    {":method=GET|:scheme=http|:authority=a:b|:path=/", NULL, "head 1 HOST\n", "HEADERS 1 end\n"},
    {":method=GET|:scheme=ftp|:authority=a|:path=/", NULL, "head 1 TARGET\n", "HEADERS 1 end\n"},
    {":method=GET|:scheme=http|:authority=a|:path=/a#b", NULL, "head 1 TARGET\n", "HEADERS 1 end\n"},
    {":method=GET|:scheme=http|:authority=a|:path=/\x80", NULL, "head 1 TARGET\n", "HEADERS 1 end\n"},
    {":method=CONNECT|:authority=a:80", NULL, "head 1 METHOD_REFUSED\n", "HEADERS 1 end\n"}, /* D24 */
    {":method=TRACE|:scheme=http|:authority=a|:path=/", NULL, "head 1 METHOD_REFUSED\n", "HEADERS 1 end\n"},
    {POST "|expect=nothing", "", "head 1 EXPECTATION\n", "HEADERS 1 end\n"},
    {POST "|content-length=03", "abc", "head 1 LENGTH\n", "HEADERS 1 end\n"},
    {":method=ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ|:scheme=http|:authority=a|:path=/", NULL,
     "head 1 METHOD_TOO_LONG\n", "HEADERS 1 end\n"},
    /* extended CONNECT (D25) */
    {":method=CONNECT|:protocol=websocket|:scheme=http|:authority=a|:path=/w|sec-websocket-version=13",
     "frames", "head 1 GET /w - a none alive websocket\n sec-websocket-version: 13\nframes\nend 1\n",
     "HEADERS 1 end\n"},
    {":method=CONNECT|:protocol=websocket|:scheme=http|:authority=a|:path=/w|sec-websocket-version=13", NULL,
     "head 1 WEBSOCKET\n", "HEADERS 1 end\n"},
    {":method=CONNECT|:protocol=websocket|:scheme=http|:authority=a|:path=/w", "", "head 1 WEBSOCKET\n",
     "HEADERS 1 end\n"},
    {":method=CONNECT|:protocol=websocket|:scheme=http|:authority=a|:path=/w|sec-websocket-version=13|"
     "content-length=0",
     "", "head 1 WEBSOCKET\n", "HEADERS 1 end\n"},
    {":method=CONNECT|:protocol=websocket|:scheme=http|:authority=a|:path=/w|sec-websocket-version=13|"
     "content-length=5",
     "frame", "head 1 WEBSOCKET\n", "HEADERS 1 end\n"},
    {":method=CONNECT|:protocol=other|:scheme=http|:authority=a|:path=/w", "", "head 1 METHOD_REFUSED\n",
     "HEADERS 1 end\n"},
};

START_TEST(a_request_is_taken_or_refused)
{
    const struct request *request = &requests[_i];
    struct text bytes;

    text_init(&bytes, 1 << 20);
    put_preface(&bytes, true);
    put_headers(&bytes, 1, request->fields, !request->content);
    if (request->content)
        put_frame(&bytes, F_DATA, END_STREAM, 1, request->content, strlen(request->content));
    check(&bytes, request->told, request->sent);
    text_fini(&bytes);
}
END_TEST

static void check_frames(void (*put)(struct text *bytes), const char *told, const char *sent)
{
    struct text bytes;

    text_init(&bytes, 1 << 20);
    put_preface(&bytes, true);
    put(&bytes);
    check(&bytes, told, sent);
    text_fini(&bytes);
}

static void put_short(struct text *bytes)
{
    put_headers(bytes, 1, POST "|content-length=5", false);
    put_frame(bytes, F_DATA, END_STREAM, 1, "abc", 3);
}

static void put_long(struct text *bytes)
{
    put_headers(bytes, 1, POST "|content-length=1", false);
    put_frame(bytes, F_DATA, END_STREAM, 1, "abc", 3);
}

START_TEST(content_of_another_length_than_it_says_is_reset)
{
    const char *told = "head 1 POST / - a length=5 alive\n content-length: 5\nabc\nreset 1 PROTOCOL_ERROR\n";

    check_frames(put_short, told, RESET); /* D18 */
}
END_TEST

/* D19: whether some of it was handed on depends on how it came; the reset does not. */
START_TEST(content_beyond_its_length_is_reset)
{
    struct h2_peer peer;
    struct text bytes, out;
    char *frames;

    text_init(&bytes, 1 << 20);
    text_init(&out, 1 << 20);
    put_preface(&bytes, true);
    put_long(&bytes);
    peer_init(&peer, &h2_server_config);
    run(&peer, &bytes, 0, SIZE_MAX);
    peer_output(&peer, &out, 4096);
    ck_assert_ptr_nonnull(strstr(peer_log(&peer), "reset 1 PROTOCOL_ERROR\n"));
    frames = frames_text(&out);
    ck_assert_str_eq(frames, RESET);
    free(frames);
    peer_fini(&peer);
    text_fini(&out);
    text_fini(&bytes);
}
END_TEST

static void put_trailers(struct text *bytes)
{
    put_headers(bytes, 1, POST, false);
    put_frame(bytes, F_DATA, 0, 1, "abc", 3);
    put_headers(bytes, 1, "checksum=1|vary=b|x_forwarded_for=c|cookie=d|grpc-status=0", true);
}

START_TEST(of_trailers_what_frames_routes_or_is_ambiguous_is_dropped)
{
    check_frames(put_trailers, "head 1 POST / - a chunked alive\nabc\nend 1\n checksum: 1\n grpc-status: 0\n",
                 "HEADERS 1 end\n");
}
END_TEST

static void put_pseudo_trailers(struct text *bytes)
{
    put_headers(bytes, 1, POST, false);
    put_headers(bytes, 1, ":path=/b", true);
}

static void put_open_trailers(struct text *bytes)
{
    put_headers(bytes, 1, POST, false);
    put_headers(bytes, 1, "a=b", false);
}

START_TEST(malformed_trailers_are_reset)
{
    const char *told = "head 1 POST / - a chunked alive\n\nreset 1 PROTOCOL_ERROR\n";

    check_frames(put_pseudo_trailers, told, RESET);
    check_frames(put_open_trailers, told, RESET);
}
END_TEST

static void put_cancelled(struct text *bytes)
{
    put_headers(bytes, 1, POST, false);
    put_number_frame(bytes, F_RST_STREAM, 1, H2_CODE_CANCEL);
}

START_TEST(a_reset_is_told_with_its_code)
{
    check_frames(put_cancelled, "head 1 POST / - a chunked alive\n\nreset 1 CANCEL by peer\n", "");
}
END_TEST

static void put_padded(struct text *bytes)
{
    put_headers(bytes, 1, POST, false);
    put_frame(bytes, F_DATA, PADDED | END_STREAM, 1, "\3abc\0\0\0", 7);
}

START_TEST(padding_is_no_content)
{
    check_frames(put_padded, "head 1 POST / - a chunked alive\nabc\nend 1\n", "HEADERS 1 end\n");
}
END_TEST

static void put_ping(struct text *bytes)
{
    put_frame(bytes, F_PING, 0, 0, "12345678", 8);
}

static void put_goaway(struct text *bytes)
{
    put_frame(bytes, F_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
}

START_TEST(ping_and_goaway_are_answered_and_told)
{
    check_frames(put_ping, "", "PING 0\n");
    check_frames(put_goaway, "goaway NO_ERROR\n", "");
}
END_TEST

/* Streams that are over; the session of these cases answers at the end of each request. */
static void put_whole(struct text *bytes, uint32_t stream)
{
    put_headers(bytes, stream, POST, false);
    put_frame(bytes, F_DATA, END_STREAM, stream, "x", 1);
}

static void put_data_behind_reset(struct text *bytes)
{
    put_cancelled(bytes);
    put_frame(bytes, F_DATA, 0, 1, "abc", 3);
}

static void put_head_behind_reset(struct text *bytes)
{
    put_cancelled(bytes);
    put_headers(bytes, 1, GET, true);
}

static void put_data_behind_answer(struct text *bytes)
{
    put_whole(bytes, 1);
    put_frame(bytes, F_DATA, 0, 1, "abc", 3);
}

static void put_head_behind_answer(struct text *bytes)
{
    put_whole(bytes, 1);
    put_headers(bytes, 1, GET, true);
}

static void put_data_behind_many(struct text *bytes)
{
    for (uint32_t i = 0; i < 200; i++)
        put_whole(bytes, 2 * i + 1);
    put_frame(bytes, F_DATA, 0, 1, "abc", 3);
}

static void put_lower(struct text *bytes)
{
    put_whole(bytes, 1);
    put_whole(bytes, 5);
    put_whole(bytes, 3);
}

static void put_far_lower(struct text *bytes)
{
    put_whole(bytes, 0x7fffffff);
    put_whole(bytes, 0x7ffffffd);
}

/* Ways to break the connection, and what GOAWAY says. */
static void put_even(struct text *bytes)
{
    put_headers(bytes, 2, GET, true);
}

static void put_data_of_nobody(struct text *bytes)
{
    put_frame(bytes, F_DATA, 0, 1, "abc", 3);
}

static void put_big_frame(struct text *bytes)
{
    char *block = mem_zalloc(16385);

    put_headers(bytes, 1, POST, false);
    put_frame(bytes, F_DATA, 0, 1, block, 16385);
    free(block);
}

static void put_bad_hpack(struct text *bytes)
{
    put_frame(bytes, F_HEADERS, END_HEADERS | END_STREAM, 1, "\xff\xff\xff\xff\xff\xff", 6);
}

static void put_window_overflow(struct text *bytes)
{
    put_number_frame(bytes, F_WINDOW_UPDATE, 0, 0x7fffffff);
}

static void put_zero_window(struct text *bytes)
{
    put_headers(bytes, 1, POST, false);
    put_number_frame(bytes, F_WINDOW_UPDATE, 1, 0);
}

/* It ends with the first of them, however many come at once. */
static void put_zero_windows(struct text *bytes)
{
    for (uint32_t i = 0; i < 400; i++) {
        put_headers(bytes, 2 * i + 1, POST, false);
        put_number_frame(bytes, F_WINDOW_UPDATE, 2 * i + 1, 0);
    }
}

static void put_push(struct text *bytes)
{
    put_headers(bytes, 1, POST, false);
    put_frame(bytes, F_PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2", 4);
}

static void put_interleaved(struct text *bytes)
{
    put_frame(bytes, F_HEADERS, 0, 1, "", 0);
    put_ping(bytes);
}

static const struct breach {
    void (*put)(struct text *bytes);
    enum h2_error error;
} breaches[] = {
    {put_even, H2_PROTOCOL},
    {put_data_of_nobody, H2_PROTOCOL},
    {put_big_frame, H2_FRAME_SIZE},
    {put_bad_hpack, H2_COMPRESSION},
    {put_window_overflow, H2_FLOW_CONTROL},
    {put_push, H2_PROTOCOL},
    {put_interleaved, H2_PROTOCOL},
    {put_zero_window, H2_PROTOCOL},
    {put_zero_windows, H2_PROTOCOL},
    {put_data_behind_reset, H2_STREAM_CLOSED},
    {put_head_behind_reset, H2_STREAM_CLOSED},
    {put_data_behind_answer, H2_STREAM_CLOSED},
    {put_head_behind_answer, H2_STREAM_CLOSED},
    {put_data_behind_many, H2_STREAM_CLOSED},
    {put_lower, H2_PROTOCOL},
    {put_far_lower, H2_PROTOCOL},
};

static void check_breach(const struct breach *breach, bool slowly)
{
    struct h2_peer peer;
    struct text bytes, out;
    char *frames, *expected;

    text_init(&bytes, 1 << 20);
    text_init(&out, 1 << 20);
    put_preface(&bytes, true);
    breach->put(&bytes);
    peer_init(&peer, &h2_server_config);
    peer.answers = true;
    if (slowly)
        run_turns(&peer, &bytes, &out);
    else
        run(&peer, &bytes, 0, SIZE_MAX);
    peer_output(&peer, &out, 4096);
    ck_assert_str_eq(h2_error_name(h2_ended(peer.h2)), h2_error_name(breach->error));
    ck_assert_uint_eq(h2_live(peer.h2), 0);
    frames = frames_text(&out);
    expected = mem_printf("%s\n", h2_code_name(h2_error_code(breach->error)));
    ck_assert_ptr_nonnull(strstr(frames, "GOAWAY 0 "));
    ck_assert(str_ends_with(str_from(frames), str_from(expected)));
    ck_assert(h2_feed(peer.h2, "x", 1, 0) == breach->error);
    free(expected);
    free(frames);
    peer_fini(&peer);
    text_fini(&out);
    text_fini(&bytes);
}

START_TEST(a_breach_of_the_rules_ends_the_session_with_its_code)
{
    check_breach(&breaches[_i], true);
    check_breach(&breaches[_i], false);
}
END_TEST

/* Of a stream that we have reset the client may not know yet. */
START_TEST(what_was_on_its_way_when_we_reset_a_stream_is_passed_over)
{
    struct h2_peer peer;
    struct text bytes, out;
    char *frames, *x = mem_zalloc(16384);

    peer_init(&peer, &h2_server_config);
    peer.holds = true;
    text_init(&bytes, 1 << 24);
    text_init(&out, 1 << 20);
    put_preface(&bytes, true);
    put_headers(&bytes, 1, POST, false);
    run(&peer, &bytes, 0, SIZE_MAX);
    h2_reset(peer.last, H2_CODE_CANCEL);
    peer_release(&peer, peer.last);
    peer_output(&peer, &out, 4096);
    text_fini(&bytes);
    text_init(&bytes, 1 << 24);
    for (int i = 0; i < 100; i++) /* more than the window of the session */
        put_frame(&bytes, F_DATA, 0, 1, x, 16384);
    put_number_frame(&bytes, F_WINDOW_UPDATE, 1, 1);
    put_headers(&bytes, 1, "a=b", true);
    put_number_frame(&bytes, F_RST_STREAM, 1, H2_CODE_CANCEL);
    for (size_t at = 0; at < bytes.len; at += 16384) {
        struct text piece = {.p = bytes.p + at, .len = bytes.len - at < 16384 ? bytes.len - at : 16384};

        run(&peer, &piece, 0, SIZE_MAX);
        peer_output(&peer, &out, 4096);
    }
    ck_assert_str_eq(h2_error_name(h2_ended(peer.h2)), h2_error_name(H2_OK));
    frames = frames_text(&out);
    ck_assert_str_eq(frames, "RST_STREAM 1 CANCEL\n");
    free(frames);
    free(x);
    peer_fini(&peer);
    text_fini(&out);
    text_fini(&bytes);
}
END_TEST

/* Which it was of so many is not remembered. */
START_TEST(what_comes_for_a_stream_of_long_ago_is_passed_over)
{
    struct h2_peer peer;
    struct text bytes, out;

    peer_init(&peer, &h2_server_config);
    peer.answers = true;
    text_init(&bytes, 1 << 20);
    text_init(&out, 1 << 20);
    put_preface(&bytes, true);
    for (uint32_t i = 0; i < 300; i++)
        put_whole(&bytes, 2 * i + 1);
    put_frame(&bytes, F_DATA, 0, 1, "abc", 3);
    put_headers(&bytes, 3, GET, true);
    put_whole(&bytes, 601);
    run_turns(&peer, &bytes, &out);
    ck_assert_str_eq(h2_error_name(h2_ended(peer.h2)), h2_error_name(H2_OK));
    ck_assert_uint_eq(peer.heads, 301);
    peer_fini(&peer);
    text_fini(&out);
    text_fini(&bytes);
}
END_TEST

START_TEST(what_is_no_http2_is_told_so)
{
    struct text bytes;

    text_init(&bytes, 1 << 10);
    text_printf(&bytes, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    check(&bytes, "", "GOAWAY 0 0 PROTOCOL_ERROR\n");
    text_fini(&bytes);
}
END_TEST

/* ---- limits of a head ---- */

static void check_head(const char *fields, const char *told)
{
    struct h2_peer peer;
    struct text bytes, section;
    size_t at = 0;

    text_init(&bytes, 1 << 20);
    text_init(&section, 1 << 20);
    put_preface(&bytes, true);
    put_section(&section, fields);
    while (at < section.len || at == 0) {
        size_t len = section.len - at < 16000 ? section.len - at : 16000;
        unsigned last = at + len == section.len ? END_HEADERS : 0;

        put_frame(&bytes, at ? F_CONTINUATION : F_HEADERS, last | (at ? 0U : END_STREAM), 1, section.p + at,
                  len);
        at += len;
    }
    peer_init(&peer, &h2_server_config);
    peer.answers = true;
    run(&peer, &bytes, 0, SIZE_MAX);
    ck_assert(str_starts_with(str_from(peer_log(&peer)), str_from(told)));
    ck_assert_uint_eq(h2_ended(peer.h2), H2_OK);
    peer_fini(&peer);
    text_fini(&section);
    text_fini(&bytes);
}

static char *many(const char *start, const char *field, size_t count)
{
    struct text text;

    text_init(&text, 1 << 20);
    text_printf(&text, "%s", start);
    for (size_t i = 0; i < count; i++)
        text_printf(&text, "|%s", field);
    return text_take(&text);
}

START_TEST(a_head_beyond_its_limits_is_answered_with_431_or_414)
{
    char *x = mem_alloc(40000);
    char *fields;

    memset(x, 'x', 39999);
    x[39999] = '\0';
    fields = many(GET, "x=y", 100);
    check_head(fields, "head 1 GET");
    free(fields);
    fields = many(GET, "x=y", 101);
    check_head(fields, "head 1 TOO_MANY_FIELDS");
    free(fields);
    fields = many(GET, "cookie=y", 200);
    check_head(fields, "head 1 GET");
    free(fields);
    fields = mem_printf(GET "|x=%.*s", 32000, x);
    check_head(fields, "head 1 GET");
    free(fields);
    fields = mem_printf(GET "|x=%.*s", 33000, x);
    check_head(fields, "head 1 HEAD_TOO_LARGE");
    free(fields);
    fields = mem_printf(GET "%.*s", 8100, x);
    check_head(fields, "head 1 GET");
    free(fields);
    fields = mem_printf(GET "%.*s", 8200, x);
    check_head(fields, "head 1 START_LINE_TOO_LONG");
    free(fields);
    free(x);
}
END_TEST

/* Two requests, with these fields and what `say` puts behind them, whose answers share 40,000 bytes of
 * content. */
static void check_shared(const char *one, const char *three, void (*say)(struct text *bytes),
                         const char *want)
{
    char *content = mem_alloc(40001), *fields[] = {mem_printf(GET "%s", one), mem_printf(GET "%s", three)};
    struct text bytes, out;
    struct h2_peer peer;
    char *frames;

    memset(content, 'x', 40000);
    content[40000] = '\0';
    peer_init(&peer, &h2_server_config);
    peer.answers = true;
    peer.send = content;
    text_init(&bytes, 1 << 20);
    text_init(&out, 1 << 20);
    put_preface(&bytes, true);
    put_headers(&bytes, 1, fields[0], true);
    put_headers(&bytes, 3, fields[1], true);
    if (say)
        say(&bytes);
    run(&peer, &bytes, 0, bytes.len);
    peer_output(&peer, &out, 1 << 17);
    frames = frames_text(&out);
    ck_assert_str_eq(frames, want);
    free(frames);
    free(fields[0]);
    free(fields[1]);
    free(content);
    peer_fini(&peer);
    text_fini(&bytes);
    text_fini(&out);
}

static void say_priority_update(struct text *bytes)
{
    put_frame(bytes, 0x10, 0, 0, "\0\0\0\1u=6", 7);
    put_frame(bytes, 0x10, 0, 0, "\0\0\0\3u=0", 7);
}

/* Stream 1 hangs on stream 3. */
static void say_priority(struct text *bytes)
{
    put_frame(bytes, F_PRIORITY, 0, 1, "\0\0\0\3\20", 5);
}

/* RFC 9218 section 10: what the client's field says counts; where it says nothing, none has to wait for the
 * others. */
START_TEST(answers_share_the_connection_unless_the_client_wants_it_otherwise)
{
    static const char shared[] =
        "HEADERS 1\nHEADERS 3\nDATA 1 16384\nDATA 3 16384\nDATA 1 7232 end\nDATA 3 0 end\n";

    check_shared("", "", NULL, shared);
    check_shared("|priority=u=5", "|priority=u=3", NULL,
                 "HEADERS 1\nHEADERS 3\nDATA 3 16384\nDATA 3 16384\nDATA 3 7232 end\nDATA 1 0 end\n");
    check_shared("|priority=u=3, i=?0", "|priority=u=3, i=?0", NULL,
                 "HEADERS 1\nHEADERS 3\nDATA 1 16384\nDATA 1 16384\nDATA 1 7232 end\nDATA 3 0 end\n");
    check_shared("", "", say_priority, shared);
    check_shared("", "", say_priority_update, shared);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("proto/h2");
    TCase *tc = tcase_create("server");

    tcase_add_loop_test(tc, a_request_is_taken_or_refused, 0, ARRAY_LEN(requests));
    tcase_add_test(tc, content_of_another_length_than_it_says_is_reset);
    tcase_add_test(tc, content_beyond_its_length_is_reset);
    tcase_add_test(tc, of_trailers_what_frames_routes_or_is_ambiguous_is_dropped);
    tcase_add_test(tc, malformed_trailers_are_reset);
    tcase_add_test(tc, a_reset_is_told_with_its_code);
    tcase_add_test(tc, padding_is_no_content);
    tcase_add_test(tc, ping_and_goaway_are_answered_and_told);
    tcase_add_loop_test(tc, a_breach_of_the_rules_ends_the_session_with_its_code, 0, ARRAY_LEN(breaches));
    tcase_add_test(tc, what_was_on_its_way_when_we_reset_a_stream_is_passed_over);
    tcase_add_test(tc, what_comes_for_a_stream_of_long_ago_is_passed_over);
    tcase_add_test(tc, what_is_no_http2_is_told_so);
    tcase_add_test(tc, answers_share_the_connection_unless_the_client_wants_it_otherwise);
    tcase_add_test(tc, a_head_beyond_its_limits_is_answered_with_431_or_414);
    suite_add_tcase(suite, tc);
    return suite;
}
