#include "export/msgpack.h"

#include "../unit.h"
#include "base/mem.h"
#include "base/rnd.h"

#include <stdlib.h>

static char block[4096];

static struct str packed(struct str json, bool good)
{
    struct buf out;

    buf_init(&out, block, sizeof block);
    ck_assert_int_eq(msgpack_json(&out, json), good);
    ck_assert(!out.full);
    return buf_str(&out);
}

static void is(const char *json, const char *bytes, size_t len)
{
    struct str got = packed(str_from(json), true);
    size_t whole;

    ck_assert_uint_eq(got.len, len);
    ck_assert_mem_eq(got.p, bytes, len);
    ck_assert(msgpack_whole(got, &whole));
    ck_assert_uint_eq(whole, len);
}
#define IS(json, literal) is(json, literal, sizeof(literal) - 1)

START_TEST(json_becomes_what_it_says)
{
    IS("5", "\x05");
    IS("127", "\x7f");
    IS("128", "\xce\x00\x00\x00\x80");
    IS("5000000000", "\xcf\x00\x00\x00\x01\x2a\x05\xf2\x00");
    IS("0.5", "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00");
    IS("-1", "\xcb\xbf\xf0\x00\x00\x00\x00\x00\x00");
    IS("true", "\xc3");
    IS("null", "\xc0");
    IS("\"ab\"", "\xa2"
                 "ab");
    IS("\"a\\u0041\\\"\\u00ff\\u3042\"", "\xdb\x00\x00\x00\x08"
                                         "aA\"\xc3\xbf\xe3\x81\x82");
    IS("{}", "\xdf\x00\x00\x00\x00");
    IS("{\"a\":[1,\"b\"],\"c\":{}}", "\xdf\x00\x00\x00\x02\xa1"
                                     "a\xdd\x00\x00\x00\x02\x01\xa1"
                                     "b\xa1"
                                     "c\xdf\x00\x00\x00\x00");
}
END_TEST

START_TEST(what_is_no_json_is_refused)
{
    static const char *const cases[] = {"",
                                        "{",
                                        "}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "[1,]",
                                        "\"",
                                        "\"\\",
                                        "\"\\u00\"",
                                        "\"\\x\"",
                                        "tru",
                                        "1x",
                                        "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
                                        "{}x",
                                        "--"};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        packed(str_from(cases[i]), false);
}
END_TEST

START_TEST(a_message_is_whole_only_at_its_end)
{
    struct str got =
        packed(STR("{\"ack\":\"0123456789abcdef0123456789abcdef\",\"n\":[1.5,300,{\"x\":null}]}"), true);
    size_t whole;

    for (size_t len = 0; len < got.len; len++) {
        char *piece = mem_strndup(got.p, len);

        ck_assert(msgpack_whole((struct str){piece, len}, &whole));
        ck_assert_uint_eq(whole, 0);
        free(piece);
    }
    ck_assert(msgpack_whole(got, &whole));
    ck_assert_uint_eq(whole, got.len);
}
END_TEST

START_TEST(an_answer_is_taken_apart)
{
    struct str in = STR("\x93\xa4PONG\xc3\x81\xa1k\xd9\x02vw"), text;
    uint32_t len;
    bool flag;

    ck_assert(!msgpack_take_map(&in, &len));
    ck_assert(msgpack_take_array(&in, &len));
    ck_assert_uint_eq(len, 3);
    ck_assert(!msgpack_take_flag(&in, &flag));
    ck_assert(msgpack_take_text(&in, &text));
    ck_assert(str_eq(text, STR("PONG")));
    ck_assert(msgpack_take_flag(&in, &flag) && flag);
    ck_assert(msgpack_take_map(&in, &len) && len == 1);
    ck_assert(msgpack_skip(&in));
    ck_assert(msgpack_take_text(&in, &text) && str_eq(text, STR("vw")));
    ck_assert(!msgpack_take_text(&in, &text));
}
END_TEST

START_TEST(noise_does_no_harm)
{
    struct rnd rnd;

    rnd_init(&rnd);
    for (int i = 0; i < 50000; i++) {
        size_t len = rnd_below(&rnd, 30), whole;
        char *noise = mem_alloc(len + 1);
        struct str in = {noise, len}, text;
        uint32_t n;

        for (size_t k = 0; k < len; k++)
            noise[k] =
                (char)(k == 0 || rnd_below(&rnd, 2) ? 0x80 + rnd_below(&rnd, 128) : rnd_below(&rnd, 128));
        if (msgpack_whole(in, &whole))
            ck_assert_uint_le(whole, len);
        if (!msgpack_take_map(&in, &n) && !msgpack_take_array(&in, &n) && !msgpack_take_text(&in, &text))
            ck_assert(!msgpack_skip(&in) || in.len < len);
        free(noise);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("msgpack");
    TCase *tcase = tcase_create("msgpack");

    tcase_add_test(tcase, json_becomes_what_it_says);
    tcase_add_test(tcase, what_is_no_json_is_refused);
    tcase_add_test(tcase, a_message_is_whole_only_at_its_end);
    tcase_add_test(tcase, an_answer_is_taken_apart);
    tcase_add_test(tcase, noise_does_no_harm);
    suite_add_tcase(suite, tcase);
    return suite;
}
