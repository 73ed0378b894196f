/* The rules M16 to M18, M30, M33 and the cases C20 to C24, C38 and A9 that content decides. */
#include "proto/h1_body.h"

#include "../unit.h"

#include <stdlib.h>

enum { TRAILERS = 32, OUT_MAX = 1 << 20 };

/* What a body came to: payload, then how it ended, its trailers, and how many bytes were taken. */
struct outcome {
    struct text text;
    size_t taken;
};

static void end_outcome(struct outcome *outcome, const struct h1_body *body, enum h1_body_event event)
{
    switch (event) {
    case H1_BODY_DATA:
        ck_abort_msg("data is no end");
    case H1_BODY_MORE:
        text_printf(&outcome->text, h1_body_eof(body) ? "|complete" : "|truncated");
        return;
    case H1_BODY_BAD:
        text_printf(&outcome->text, "|%s", h1_error_name(body->error));
        outcome->taken = 0; /* depends on the cut, and means nothing */
        return;
    case H1_BODY_DONE:
        break;
    }
    ck_assert(h1_body_eof(body) && h1_body_complete(body));
    text_printf(&outcome->text, "|done");
    for (size_t i = 0; i < body->trailers_len; i++)
        text_printf(&outcome->text, " %.*s=%.*s", STR_ARG(body->trailers[i].name),
                    STR_ARG(body->trailers[i].value));
}

/* Feeds what has arrived until it is used up; leaves the position in `*at`. */
static enum h1_body_event drain(struct h1_body *body, struct str in, size_t *at, struct text *payload)
{
    for (;;) {
        size_t consumed = SIZE_MAX;
        struct str data;
        enum h1_body_event event = h1_body_feed(body, in.p + *at, in.len - *at, &data, &consumed);

        ck_assert_uint_le(consumed, in.len - *at);
        if (event == H1_BODY_DATA) {
            ck_assert_uint_gt(data.len, 0);
            ck_assert(data.p >= in.p + *at && data.p + data.len == in.p + *at + consumed);
            text_add(payload, data.p, data.len);
        }
        *at += consumed;
        if (event != H1_BODY_DATA)
            return event;
    }
}

static struct outcome run(const struct h1_limits *limits, enum framing framing, uint64_t length,
                          struct str text, size_t cut, size_t step)
{
    struct field trailers[TRAILERS];
    struct outcome outcome = {.taken = 0};
    enum h1_body_event event;
    struct h1_body body;
    size_t len = cut;

    text_init(&outcome.text, OUT_MAX);
    h1_body_init(&body, framing, length, limits);
    h1_body_want_trailers(&body, trailers, TRAILERS);
    for (;;) {
        event = drain(&body, (struct str){text.p, len}, &outcome.taken, &outcome.text);
        if (event != H1_BODY_MORE || len == text.len)
            break;
        len = len + step < text.len ? len + step : text.len;
    }
    ck_assert_uint_eq(body.received, event == H1_BODY_BAD ? body.received : outcome.text.len);
    end_outcome(&outcome, &body, event);
    return outcome;
}

static void check(const char *what, const struct h1_limits *limits, enum framing framing, uint64_t length,
                  struct str text, const char *wanted)
{
    for (size_t cut = 0; cut <= text.len; cut++) {
        const size_t steps[] = {1, text.len + 1};

        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
            struct outcome outcome = run(limits, framing, length, text, cut, steps[i]);

            ck_assert_msg(strcmp(outcome.text.p, wanted) == 0, "%s, cut at %zu, step %zu: %s", what, cut,
                          steps[i], outcome.text.p);
            text_fini(&outcome.text);
        }
    }
}

struct row {
    const char *what;
    struct str text;
    const char *wanted; /* payload|end trailers */
};

#define ROW(what, bytes, wanted)                                                                             \
    {                                                                                                        \
        what, {bytes, sizeof(bytes) - 1}, wanted                                                             \
    }

static const struct row chunked[] = {
    ROW("two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde|done"),
    ROW("no chunk but the last", "0\r\n\r\n", "|done"),
    ROW("a last chunk of many zeros", "0000000000000\r\n\r\n", "|done"),
    ROW("hex digits of both cases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
        "01234567890123456789a|done"),
    ROW("leading zeros", "0003\r\nabc\r\n0\r\n\r\n", "abc|done"),
    ROW("line ends inside the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n|done"),
    ROW("what follows is left alone", "1\r\na\r\n0\r\n\r\nGET /", "a|done"),
    ROW("M18 nothing", "", "|truncated"),
    ROW("M18 cut in the size", "1", "|truncated"),
    ROW("M18 cut in the data", "3\r\nab", "ab|truncated"),
    ROW("M18 cut behind the data", "3\r\nabc", "abc|truncated"),
    ROW("M18 cut before the last chunk", "3\r\nabc\r\n", "abc|truncated"),
    ROW("M18 cut before the final line", "3\r\nabc\r\n0\r\n", "abc|truncated"),
    ROW("M18 cut in the trailers", "0\r\nA: b\r\n", "|truncated"),
    ROW("C20 LF behind the size", "3\nabc\r\n0\r\n\r\n", "|CHUNK_LINE"),
    ROW("C20 LF behind the data", "3\r\nabc\n0\r\n\r\n", "abc|CHUNK_DATA"),
    ROW("C20 LF behind a semicolon", "3;\nabc\r\n0\r\n\r\n", "|CHUNK_EXTENSION"),
    ROW("LF behind an extension", "3;a\nabc\r\n0\r\n\r\n", "|CHUNK_EXTENSION"),
    ROW("A9 LF behind a size and semicolon", "5;\nhello\r\n0\r\n\r\n", "|CHUNK_EXTENSION"),
    ROW("CR without LF behind the size", "3\rabc\r\n0\r\n\r\n", "|CHUNK_LINE"),
    ROW("two CR behind the size", "3\r\r\nabc\r\n0\r\n\r\n", "|CHUNK_LINE"),
    ROW("CR without LF behind the data", "3\r\nabc\rx", "abc|CHUNK_DATA"),
    ROW("C21 an extension", "3;a=b\r\nabc\r\n0;c\r\n\r\n", "abc|done"),
    ROW("two extensions with blanks", "3; a = b ;c\r\nabc\r\n0\r\n\r\n", "abc|done"),
    ROW("a quoted extension", "3;a=\"b;\\\"c\"\r\nabc\r\n0\r\n\r\n", "abc|done"),
    ROW("A9 a line end in a quoted extension", "3;a=\"b\r\nabc\r\n0\r\n\r\n", "|CHUNK_EXTENSION"),
    ROW("a line end behind a backslash", "3;a=\"b\\\r\nabc\r\n0\r\n\r\n", "|CHUNK_EXTENSION"),
    ROW("a semicolon without extension", "3;\r\nabc\r\n0\r\n\r\n", "|CHUNK_EXTENSION"),
    ROW("a control character in an extension", "3;a\x01\r\nabc\r\n0\r\n\r\n", "|CHUNK_EXTENSION"),
    ROW("NUL in a quoted extension", "3;a=\"\0\"\r\nabc\r\n0\r\n\r\n", "|CHUNK_EXTENSION"),
    ROW("C22 0x in front of the size", "0x3\r\nabc\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("C23 a space behind the size", "3 \r\nabc\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("a space before the size", " 3\r\nabc\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("A9 a sign", "+3\r\nabc\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("A9 a minus sign", "-3\r\nabc\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("A9 an underscore", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("an empty size", "\r\nabc\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("a letter", "g\r\n", "|CHUNK_SIZE"),
    ROW("NUL behind the size", "3\0\r\nabc\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("C24 a size of 14 digits", "00000000000003\r\nabc\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("M16 C24 a size of 17 digits", "10000000000000003\r\nabc\r\n0\r\n\r\n", "|CHUNK_SIZE"),
    ROW("the greatest size", "fffffffffffff\r\nabc", "abc|truncated"),
    ROW("C24 five bytes in a chunk of three", "3\r\nabcde\r\n0\r\n\r\n", "abc|CHUNK_DATA"),
    ROW("A9 seven bytes in a chunk of five", "5\r\nabcdefg\r\n0\r\n\r\n", "abcde|CHUNK_DATA"),
    ROW("C38 trailers", "1\r\na\r\n0\r\nX-Sum: 1\r\nGrpc-Status:\t0 \r\n\r\n",
        "a|done X-Sum=1 Grpc-Status=0"),
    ROW("forbidden trailers are dropped",
        "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: b\r\nAuthorization: x\r\nCookie: a\r\n"
        "Connection: x\r\nX-Forwarded-For: 1\r\nTE: a\r\nA: b\r\n\r\n",
        "|done A=b"),
    ROW("A11 and so are names that could be taken for such",
        "0\r\nContent_Length: 5\r\nX.Platform: a\r\n\r\n", "|done"),
    ROW("a trailer without colon", "0\r\nX\r\n\r\n", "|NO_COLON"),
    ROW("a folded trailer", "0\r\nX: a\r\n b\r\n\r\n", "|FOLDED"),
    ROW("a blank before the colon of a trailer", "0\r\nX : a\r\n\r\n", "|SPACE_BEFORE_COLON"),
    ROW("a forbidden trailer is checked too", "0\r\nHost: a\x01\r\n\r\n", "|CONTROL"),
    ROW("LF ends a trailer", "0\r\nX: a\n\r\n", "|BARE_LF"),
    ROW("LF ends the trailers", "0\r\n\n", "|BARE_LF"),
    ROW("a bare CR in the trailers", "0\r\n\rX", "|BARE_CR"),
};

START_TEST(chunked_content)
{
    const struct row *row = &chunked[_i];

    check(row->what, &h1_request_limits, FRAMING_CHUNKED, 0, row->text, row->wanted);
}
END_TEST

START_TEST(content_of_a_length)
{
    check("exact", &h1_request_limits, FRAMING_LENGTH, 3, STR("abc"), "abc|done");
    check("more behind", &h1_request_limits, FRAMING_LENGTH, 3, STR("abcGET"), "abc|done");
    check("M18 cut short", &h1_request_limits, FRAMING_LENGTH, 4, STR("abc"), "abc|truncated");
    check("nothing", &h1_request_limits, FRAMING_LENGTH, 0, STR("abc"), "|done");
    check("the greatest", &h1_request_limits, FRAMING_LENGTH, UINT64_MAX, STR("abc"), "abc|truncated");
}
END_TEST

START_TEST(no_content)
{
    check("none", &h1_request_limits, FRAMING_NONE, 0, STR("GET"), "|done");
}
END_TEST

START_TEST(content_until_close)
{
    check("some", &h1_response_limits, FRAMING_UNTIL_CLOSE, 0, STR("abc\r\n0\r\n\r\n"),
          "abc\r\n0\r\n\r\n|complete");
    check("none", &h1_response_limits, FRAMING_UNTIL_CLOSE, 0, STR(""), "|complete");
}
END_TEST

START_TEST(what_a_message_takes_is_exact)
{
    struct str text = STR("3;a\r\nabc\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n");

    for (size_t step = 1; step <= text.len; step++) {
        struct outcome outcome = run(&h1_request_limits, FRAMING_CHUNKED, 0, text, 0, step);

        ck_assert_str_eq(outcome.text.p, "abc|done A=b");
        ck_assert_uint_eq(outcome.taken, text.len - (sizeof("GET / HTTP/1.1\r\n") - 1));
        text_fini(&outcome.text);
    }
}
END_TEST

/* `count` times `piece` between `before` and `after`. */
static char *repeated(const char *before, const char *piece, size_t count, const char *after)
{
    struct text text;

    text_init(&text, OUT_MAX);
    text_printf(&text, "%s", before);
    for (size_t i = 0; i < count; i++)
        text_printf(&text, "%s", piece);
    text_printf(&text, "%s", after);
    return text_take(&text);
}

/* Takes the message over, and compares only how it ends, up to the length of `wanted`. */
static void check_end(const struct h1_limits *limits, char *message, const char *wanted)
{
    for (size_t step = 1; step < OUT_MAX; step = step * 31 + 1) {
        struct outcome outcome = run(limits, FRAMING_CHUNKED, 0, str_from(message), 0, step);

        ck_assert_msg(str_starts_with(str_from(strrchr(outcome.text.p, '|')), str_from(wanted)), "%s",
                      wanted);
        text_fini(&outcome.text);
    }
    free(message);
}

START_TEST(extensions_have_256_bytes_a_chunk_and_4_KiB_a_message)
{
    const struct h1_limits *limits = &h1_request_limits;
    char *chunk = repeated("10;", "x", 255, "\r\n0123456789abcdef\r\n");

    check_end(limits, repeated("1;", "x", 255, "\r\na\r\n0\r\n\r\n"), "|done");
    check_end(limits, repeated("1;", "x", 256, "\r\na\r\n0\r\n\r\n"), "|done");
    check_end(limits, repeated("1;", "x", 257, "\r\na\r\n0\r\n\r\n"), "|CHUNK_EXTENSION_TOO_LONG");
    check_end(limits, repeated("1;", "x", 10000, ""), "|CHUNK_EXTENSION_TOO_LONG");
    check_end(limits, repeated("1;a=\"", "x", 10000, ""), "|CHUNK_EXTENSION_TOO_LONG");
    check_end(limits, repeated("", chunk, 16, "0\r\n\r\n"), "|done");
    check_end(limits, repeated("", chunk, 17, "0\r\n\r\n"), "|CHUNK_EXTENSION_TOO_LONG");
    free(chunk);
}
END_TEST

START_TEST(tiny_chunks_are_a_flood_in_requests_only)
{
    check_end(&h1_request_limits, repeated("", "1\r\na\r\n", 20000, "0\r\n\r\n"), "|done");
    check_end(&h1_request_limits, repeated("", "1\r\na\r\n", 21000, "0\r\n\r\n"), "|CHUNK_OVERHEAD");
    check_end(&h1_request_limits, repeated("", "2\r\nab\r\n", 21000, "0\r\n\r\n"), "|done");
    check_end(&h1_response_limits, repeated("", "1\r\na\r\n", 21000, "0\r\n\r\n"), "|done");
}
END_TEST

START_TEST(trailers_have_8_KiB_and_32_fields_at_most)
{
    const struct h1_limits *limits = &h1_request_limits;

    check_end(limits, repeated("0\r\nA:", "x", 8192 - 6, "\r\n\r\n"), "|done A=");
    check_end(limits, repeated("0\r\nA:", "x", 8192 - 5, "\r\n\r\n"), "|TRAILERS_TOO_LARGE");
    check_end(limits, repeated("0\r\nA:", "x", 10000, ""), "|TRAILERS_TOO_LARGE");
    check_end(limits, repeated("0\r\n", "Host:\r\n", 32, "\r\n"), "|done");
    check_end(limits, repeated("0\r\n", "Host:\r\n", 33, "\r\n"), "|TRAILERS_TOO_LARGE");
    check_end(limits, repeated("0\r\n", "A:\r\n", 33, "\r\n"), "|TRAILERS_TOO_LARGE");
}
END_TEST

START_TEST(trailers_that_nobody_wants_are_still_checked)
{
    struct str good = STR("0\r\nA: b\r\n\r\n"), bad = STR("0\r\nA b\r\n\r\n");
    struct h1_body body;
    size_t consumed;
    struct str data;

    h1_body_init(&body, FRAMING_CHUNKED, 0, &h1_request_limits);
    ck_assert_int_eq(h1_body_feed(&body, good.p, good.len, &data, &consumed), H1_BODY_DONE);
    ck_assert_uint_eq(consumed, good.len);
    ck_assert_uint_eq(body.trailers_len, 0);
    h1_body_init(&body, FRAMING_CHUNKED, 0, &h1_request_limits);
    ck_assert_int_eq(h1_body_feed(&body, bad.p, bad.len, &data, &consumed), H1_BODY_BAD);
    ck_assert_int_eq(h1_body_feed(&body, good.p, good.len, &data, &consumed), H1_BODY_BAD);
    ck_assert_uint_eq(consumed, 0);
}
END_TEST

START_TEST(plain_payload_may_pass_elsewhere)
{
    struct h1_body body;
    struct str data;
    size_t consumed;

    h1_body_init(&body, FRAMING_LENGTH, 10, &h1_request_limits);
    ck_assert_uint_eq(h1_body_plain(&body), 10);
    ck_assert_int_eq(h1_body_feed(&body, "ab", 2, &data, &consumed), H1_BODY_DATA);
    ck_assert_uint_eq(h1_body_plain(&body), 8);
    h1_body_pass(&body, 5);
    ck_assert_uint_eq(h1_body_plain(&body), 3);
    ck_assert_uint_eq(body.received, 7);
    ck_assert(!h1_body_complete(&body) && !h1_body_eof(&body));
    h1_body_pass(&body, 3);
    ck_assert(h1_body_complete(&body));
    ck_assert_uint_eq(h1_body_plain(&body), 0);
    ck_assert_int_eq(h1_body_feed(&body, "next", 4, &data, &consumed), H1_BODY_DONE);
    ck_assert_uint_eq(consumed, 0);
}
END_TEST

START_TEST(what_needs_a_look_is_not_plain)
{
    static const enum framing framings[] = {FRAMING_NONE, FRAMING_CHUNKED, FRAMING_UNTIL_CLOSE};
    struct h1_body body;
    struct str data;
    size_t consumed;

    for (size_t i = 0; i < ARRAY_LEN(framings); i++) {
        h1_body_init(&body, framings[i], 0, &h1_request_limits);
        ck_assert_uint_eq(h1_body_plain(&body), 0);
    }
    h1_body_init(&body, FRAMING_CHUNKED, 0, &h1_request_limits);
    ck_assert_int_eq(h1_body_feed(&body, "9\r\nab", 5, &data, &consumed), H1_BODY_DATA);
    ck_assert_uint_eq(h1_body_plain(&body), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("h1_body");
    TCase *tc = tcase_create("h1_body");

    tcase_add_loop_test(tc, chunked_content, 0, ARRAY_LEN(chunked));
    tcase_add_test(tc, content_of_a_length);
    tcase_add_test(tc, no_content);
    tcase_add_test(tc, content_until_close);
    tcase_add_test(tc, what_a_message_takes_is_exact);
    tcase_add_test(tc, extensions_have_256_bytes_a_chunk_and_4_KiB_a_message);
    tcase_add_test(tc, tiny_chunks_are_a_flood_in_requests_only);
    tcase_add_test(tc, trailers_have_8_KiB_and_32_fields_at_most);
    tcase_add_test(tc, trailers_that_nobody_wants_are_still_checked);
    tcase_add_test(tc, plain_payload_may_pass_elsewhere);
    tcase_add_test(tc, what_needs_a_look_is_not_plain);
    suite_add_tcase(suite, tc);
    return suite;
}
