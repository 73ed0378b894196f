#include "base/str.h"

#include "../unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- slices ---- */

START_TEST(slices_are_equal_by_bytes_not_by_place)
{
    char copy[] = "weight";

    ck_assert(str_eq(STR("weight"), str_from(copy)));
    ck_assert(!str_eq(STR("weight"), STR("weighs")));
    ck_assert(!str_eq(STR("weight"), STR("weigh")));
    ck_assert(str_eq(STR_NULL, STR("")));
    ck_assert(str_eq(str_from(NULL), STR_NULL));
    ck_assert(!str_eq(STR("a\0b"), STR("a\0c")));
}
END_TEST

START_TEST(case_is_ignored_for_ascii_letters_only)
{
    ck_assert(str_eq_nocase(STR("Content-LENGTH"), STR("content-length")));
    ck_assert(!str_eq_nocase(STR("content-length"), STR("content-lengt")));
    ck_assert(!str_eq_nocase(STR("@["), STR("`{"))); /* neighbours of the letters differ by the same bit */
    ck_assert(!str_eq_nocase(STR("\xc3\x89"), STR("\xc3\xa9")));
    ck_assert(str_eq_nocase(STR_NULL, STR("")));
}
END_TEST

START_TEST(prefixes_and_suffixes_are_found_at_their_end_only)
{
    ck_assert(str_starts_with(STR("/api/v1"), STR("/api")));
    ck_assert(!str_starts_with(STR("/api"), STR("/api/v1")));
    ck_assert(!str_starts_with(STR("x/api"), STR("/api")));
    ck_assert(str_starts_with(STR("x"), STR_NULL));
    ck_assert(str_starts_with(STR_NULL, STR_NULL));
    ck_assert(str_ends_with(STR("www.example.com"), STR(".example.com")));
    ck_assert(!str_ends_with(STR(".com"), STR("example.com")));
    ck_assert(!str_ends_with(STR("example.com."), STR("example.com")));
    ck_assert(str_ends_with(STR("x"), STR("")));
    ck_assert(str_ends_with(STR_NULL, STR_NULL));
}
END_TEST

START_TEST(addresses_of_http_and_https_are_told_by_their_beginning)
{
    ck_assert(str_is_http_url(STR("http://a")));
    ck_assert(str_is_http_url(STR("https://a")));
    ck_assert(!str_is_http_url(STR("ftp://a")));
    ck_assert(!str_is_http_url(STR("httpss://a")));
    ck_assert(!str_is_http_url(STR("http:/")));
    ck_assert(!str_is_http_url(STR(" http://a")));
    ck_assert(!str_is_http_url(STR_NULL));
}
END_TEST

START_TEST(trim_takes_blanks_and_tabs_at_both_ends)
{
    ck_assert(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
    ck_assert(str_eq(str_trim(STR("a")), STR("a")));
    ck_assert(str_eq(str_trim(STR(" \t ")), STR("")));
    ck_assert(str_eq(str_trim(STR("\r\na\v")), STR("\r\na\v"))); /* not blanks of a field value */
    ck_assert(str_eq(str_trim(STR_NULL), STR_NULL));
}
END_TEST

static void check_split(struct str whole, const char *const *pieces, size_t len)
{
    struct str rest = whole, piece;

    for (size_t i = 0; i < len; i++) {
        ck_assert(str_split(&rest, ',', &piece));
        ck_assert(str_eq(piece, str_from(pieces[i])));
    }
    ck_assert(!str_split(&rest, ',', &piece));
}

START_TEST(split_gives_every_piece_and_the_empty_ones_too)
{
    check_split(STR("a,,b"), (const char *const[]){"a", "", "b"}, 3);
    check_split(STR(",a,"), (const char *const[]){"", "a", ""}, 3);
    check_split(STR("abc"), (const char *const[]){"abc"}, 1);
    check_split(STR(""), (const char *const[]){""}, 1);
    check_split(STR_NULL, NULL, 0);
}
END_TEST

START_TEST(numbers_are_digits_only_up_to_64_bits)
{
    static const char *const bad[] = {"",     "-1", "+1", " 1", "1 ", "0x10", "1.0", "18446744073709551616",
                                      "1\xb2"};
    uint64_t value = 7;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!str_to_u64(str_from(bad[i]), &value), "%s", bad[i]);
    ck_assert(!str_to_u64(STR_NULL, &value));
    ck_assert(!str_to_u64(STR("1\0002"), &value));
    ck_assert_uint_eq(value, 7);
    ck_assert(str_to_u64(STR("0"), &value));
    ck_assert_uint_eq(value, 0);
    ck_assert(str_to_u64(STR("0042"), &value));
    ck_assert_uint_eq(value, 42);
    ck_assert(str_to_u64(STR("18446744073709551615"), &value));
    ck_assert_uint_eq(value, UINT64_MAX);
}
END_TEST

START_TEST(distance_counts_edits)
{
    ck_assert_uint_eq(str_distance(STR("weight"), STR("wieght")), 1);
    ck_assert_uint_eq(str_distance(STR("minDwell"), STR("minDwel")), 1);
    ck_assert_uint_eq(str_distance(STR("minDwell"), STR("mixDwell")), 1);
    ck_assert_uint_eq(str_distance(STR("abcd"), STR("badc")), 2);
    ck_assert_uint_eq(str_distance(STR("kitten"), STR("sitting")), 3);
    ck_assert_uint_eq(str_distance(STR("same"), STR("same")), 0);
    ck_assert_uint_eq(str_distance(STR(""), STR("abc")), 3);
    ck_assert_uint_eq(str_distance(STR("abc"), STR_NULL), 3);
}
END_TEST

START_TEST(distance_looks_at_64_bytes_only)
{
    char a[80], b[80];

    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    ck_assert_uint_eq(str_distance((struct str){a, 80}, (struct str){b, 80}), 64);
    memcpy(b, a, 64);
    ck_assert_uint_eq(str_distance((struct str){a, 80}, (struct str){b, 80}), 0);
}
END_TEST

/* ---- the bounded builder ---- */

/*
 * Runs `add` with every capacity up to 64 and checks that the piece is there whole or not at all, that `full`
 * says which, and that no byte beyond the capacity is touched. `need` is the least capacity that holds it.
 */
static void check_whole_or_nothing(void (*add)(struct buf *), struct str want, size_t need)
{
    for (size_t cap = 0; cap <= 64; cap++) {
        char block[72];
        struct buf buf;

        memset(block, '~', sizeof block);
        buf_init(&buf, block, cap);
        add(&buf);
        ck_assert_msg(buf.full == (cap < need), "capacity %zu", cap);
        ck_assert_msg(str_eq(buf_str(&buf), buf.full ? STR_NULL : want), "capacity %zu: '%.*s'", cap,
                      STR_ARG(buf_str(&buf)));
        for (size_t i = cap; i < sizeof block; i++)
            ck_assert_int_eq(block[i], '~');
    }
}

static void add_literal(struct buf *buf)
{
    buf_lit(buf, "abc");
}

static void add_slice(struct buf *buf)
{
    buf_str_add(buf, STR("a\0b"));
}

static void add_char(struct buf *buf)
{
    buf_char(buf, 'x');
}

static void add_number(struct buf *buf)
{
    buf_u64(buf, UINT64_MAX);
}

static void add_negative_number(struct buf *buf)
{
    buf_i64(buf, INT64_MIN);
}

static void add_hex(struct buf *buf)
{
    buf_hex(buf, 0x123abc, 8);
}

static void add_decimals(struct buf *buf)
{
    buf_fixed(buf, 1250, 2);
}

static void add_printed(struct buf *buf)
{
    buf_printf(buf, "%s=%d", "weight", 12);
}

START_TEST(a_piece_that_does_not_fit_is_left_out_whole)
{
    check_whole_or_nothing(add_literal, STR("abc"), 3);
    check_whole_or_nothing(add_slice, STR("a\0b"), 3);
    check_whole_or_nothing(add_char, STR("x"), 1);
    check_whole_or_nothing(add_number, STR("18446744073709551615"), 20);
    check_whole_or_nothing(add_negative_number, STR("-9223372036854775808"), 20);
    check_whole_or_nothing(add_hex, STR("00123abc"), 8);
    check_whole_or_nothing(add_decimals, STR("12.50"), 5);
    check_whole_or_nothing(add_printed, STR("weight=12"), 10); /* one more for the NUL of printf */
}
END_TEST

START_TEST(a_full_buffer_takes_nothing_more)
{
    char block[4];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    buf_lit(&buf, "abc");
    buf_lit(&buf, "de");
    buf_lit(&buf, "f");
    buf_printf(&buf, "%s", "");
    buf_char(&buf, 'g');
    ck_assert(buf.full);
    ck_assert(str_eq(buf_str(&buf), STR("abc")));
}
END_TEST

START_TEST(an_empty_piece_fits_anywhere)
{
    struct buf buf;

    buf_init(&buf, NULL, 0);
    buf_str_add(&buf, STR_NULL);
    buf_lit(&buf, "");
    buf_json(&buf, STR_NULL);
    ck_assert(!buf.full);
}
END_TEST

#define CHECK_BUILT(want, call)                                                                              \
    do {                                                                                                     \
        char block_[128];                                                                                    \
        struct buf b;                                                                                        \
                                                                                                             \
        buf_init(&b, block_, sizeof block_);                                                                 \
        call;                                                                                                \
        ck_assert_msg(!b.full && str_eq(buf_str(&b), STR(want)), "%s gave '%.*s'", #call,                    \
                      STR_ARG(buf_str(&b)));                                                                 \
    } while (0)

START_TEST(numbers_are_written_as_printf_would)
{
    CHECK_BUILT("0", buf_u64(&b, 0));
    CHECK_BUILT("10", buf_u64(&b, 10));
    CHECK_BUILT("18446744073709551615", buf_u64(&b, UINT64_MAX));
    CHECK_BUILT("0", buf_i64(&b, 0));
    CHECK_BUILT("-1", buf_i64(&b, -1));
    CHECK_BUILT("9223372036854775807", buf_i64(&b, INT64_MAX));
    CHECK_BUILT("-9223372036854775808", buf_i64(&b, INT64_MIN));
    CHECK_BUILT("00ff", buf_hex(&b, 255, 4));
    CHECK_BUILT("ffffffffffffffff", buf_hex(&b, UINT64_MAX, 16));
    CHECK_BUILT("c", buf_hex(&b, 0xabc, 1));
}
END_TEST

START_TEST(numbers_of_every_length_have_their_digits)
{
    uint64_t value = 0;

    for (unsigned digits = 1; digits <= 20; digits++) {
        char want[64], block[64];
        struct buf buf;

        value = value * 10 + digits % 10;
        snprintf(want, sizeof want, "%" PRIu64 "%016" PRIx64, value, value);
        buf_init(&buf, block, sizeof block);
        buf_u64(&buf, value);
        buf_hex(&buf, value, 16);
        ck_assert_msg(str_eq(buf_str(&buf), str_from(want)), "%s: %.*s", want, STR_ARG(buf_str(&buf)));
    }
}
END_TEST

START_TEST(fixed_numbers_have_exactly_their_decimals)
{
    CHECK_BUILT("12.50", buf_fixed(&b, 1250, 2));
    CHECK_BUILT("0.05", buf_fixed(&b, 5, 2));
    CHECK_BUILT("0.0", buf_fixed(&b, 0, 1));
    CHECK_BUILT("18446744073.709551615", buf_fixed(&b, UINT64_MAX, 9));
    CHECK_BUILT("18.446744073709551615", buf_fixed(&b, UINT64_MAX, 18));
    CHECK_BUILT("1844674407370955161.5", buf_fixed(&b, UINT64_MAX, 1));
}
END_TEST

/* ---- JSON ---- */

START_TEST(json_escapes_quotes_and_control_characters)
{
    CHECK_BUILT("a\\\"b\\\\c/", buf_json(&b, STR("a\"b\\c/")));
    CHECK_BUILT("\\u0000\\u0001\\u0009\\u000a\\u000d\\u001f \\u007f",
                buf_json(&b, STR("\0\1\t\n\r\x1f \x7f")));
}
END_TEST

/* Plain text is looked at in pieces: every byte has to be seen at every place of texts of every length. */
START_TEST(json_sees_every_byte_at_every_place)
{
    enum { LONGEST = 19 };

    for (size_t len = 1; len <= LONGEST; len++)
        for (size_t at = 0; at < len; at++)
            for (int c = 0; c < 256; c++) {
                bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
                size_t longer = plain ? 0 : c == '"' || c == '\\' ? 1 : 5;
                char text[LONGEST], block[64];
                struct buf buf;

                memset(text, 'x', len);
                text[at] = (char)c;
                buf_init(&buf, block, sizeof block);
                buf_json(&buf, (struct str){text, len});
                ck_assert_msg(buf.len == len + longer && (buf.p[at] == '\\') == !plain &&
                                  memcmp(buf.p + at + 1 + longer, text + at + 1, len - at - 1) == 0,
                              "byte %d at %zu of %zu: %.*s", c, at, len, STR_ARG(buf_str(&buf)));
            }
}
END_TEST

START_TEST(json_passes_valid_utf8)
{
    static const char *const valid[] = {
        "\xc2\x80",         "\xdf\xbf",
        "\xe0\xa0\x80",     "\xed\x9f\xbf",
        "\xee\x80\x80",     "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        "z\xc3\xa9z",       "\xe6\xb0\xb4\xe9\x96\x80",
        "\xf0\x9f\x9a\xaa",
    };

    for (size_t i = 0; i < ARRAY_LEN(valid); i++) {
        char block[64];
        struct buf buf;

        buf_init(&buf, block, sizeof block);
        buf_json(&buf, str_from(valid[i]));
        ck_assert_msg(str_eq(buf_str(&buf), str_from(valid[i])), "sequence %zu", i);
    }
}
END_TEST

START_TEST(json_escapes_what_is_not_utf8)
{
    CHECK_BUILT("a\\\"\\\\\\u000a\xc3\xa9\\u00ff\\u007f", buf_json(&b, STR("a\"\\\n\xc3\xa9\xff\x7f")));
    CHECK_BUILT("\\u0080", buf_json(&b, STR("\x80")));
    CHECK_BUILT("\\u00c0\\u00af", buf_json(&b, STR("\xc0\xaf")));                       /* overlong */
    CHECK_BUILT("\\u00e0\\u009f\\u00bf", buf_json(&b, STR("\xe0\x9f\xbf")));            /* overlong */
    CHECK_BUILT("\\u00ed\\u00a0\\u0080", buf_json(&b, STR("\xed\xa0\x80")));            /* surrogate */
    CHECK_BUILT("\\u00f4\\u0090\\u0080\\u0080", buf_json(&b, STR("\xf4\x90\x80\x80"))); /* beyond U+10FFFF */
    CHECK_BUILT("\\u00f0\\u008f\\u00bf\\u00bf", buf_json(&b, STR("\xf0\x8f\xbf\xbf"))); /* overlong */
    CHECK_BUILT("\\u00e2\\u0082", buf_json(&b, STR("\xe2\x82")));                       /* cut */
    CHECK_BUILT("\\u00e2x", buf_json(&b, STR("\xe2x")));                                /* broken */
    CHECK_BUILT("\\u00c3\xc3\xa9", buf_json(&b, STR("\xc3\xc3\xa9")));
}
END_TEST

START_TEST(json_never_ends_in_half_an_escape)
{
    struct str in = STR("a\"\n\xc3\xa9\xff"
                        "b");
    struct str whole = STR("a\\\"\\u000a\xc3\xa9\\u00ff"
                           "b");
    static const size_t ends[] = {0, 1, 3, 9, 11, 17, 18}; /* where a character of `whole` ends */

    for (size_t cap = 0; cap <= whole.len; cap++) {
        char block[64];
        struct buf buf;
        size_t want = 0;

        for (size_t i = 0; i < ARRAY_LEN(ends) && ends[i] <= cap; i++)
            want = ends[i];
        buf_init(&buf, block, cap);
        buf_json(&buf, in);
        ck_assert_uint_eq(buf.len, want);
        ck_assert(str_eq(buf_str(&buf), (struct str){whole.p, want}));
        ck_assert(buf.full == (cap < whole.len));
    }
}
END_TEST

/* ---- the growing builder ---- */

START_TEST(a_text_grows_and_ends_in_nul)
{
    struct text text;

    text_init(&text, 100000);
    for (int i = 0; i < 10000; i++) {
        text_printf(&text, "%d,", i % 10);
        ck_assert_int_eq(text.p[text.len], '\0');
    }
    ck_assert_uint_eq(text.len, 20000);
    ck_assert(!text.full);
    ck_assert_int_eq(strncmp(text.p, "0,1,2,", 6), 0);
    text_fini(&text);
    ck_assert_ptr_null(text.p);
}
END_TEST

START_TEST(percent_leaves_what_is_unreserved_and_encodes_every_other_byte)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    struct text text;
    char *taken;

    for (unsigned byte = 0; byte < 256; byte++) {
        char c = (char)byte, want[8];

        text_init(&text, 3);
        text_percent(&text, (struct str){&c, 1});
        if (byte && strchr(unreserved, c))
            snprintf(want, sizeof want, "%c", c);
        else
            snprintf(want, sizeof want, "%%%02X", byte);
        ck_assert_str_eq(text.p, want);
        text_fini(&text);
    }
    text_init(&text, 100);
    text_percent(&text, STR("sum(a{b=\"\xc3\xa9\"}) / 1"));
    text_percent(&text, STR_NULL);
    taken = text_take(&text);
    ck_assert_str_eq(taken, "sum%28a%7Bb%3D%22%C3%A9%22%7D%29%20%2F%201");
    free(taken);
}
END_TEST

START_TEST(a_text_keeps_its_maximum_and_its_memory_with_it)
{
    struct text text;

    text_init(&text, 100);
    for (int i = 0; i < 9; i++)
        text_add(&text, "0123456789", 10);
    text_add(&text, "01234567890", 11);
    ck_assert(text.full);
    text_add(&text, "x", 1);
    ck_assert_uint_eq(text.len, 90);
    ck_assert_uint_le(text.cap, 101);
    text_fini(&text);
    text_init(&text, 3);
    text_add(&text, "abc", 3);
    ck_assert(!text.full);
    ck_assert_str_eq(text.p, "abc");
    text_add(&text, "huge", SIZE_MAX);
    ck_assert(text.full);
    text_fini(&text);
}
END_TEST

START_TEST(a_taken_text_belongs_to_the_caller)
{
    struct text text;
    char *first, *empty;

    text_init(&text, 10);
    text_add(&text, "abc", 3);
    first = text_take(&text);
    ck_assert_str_eq(first, "abc");
    ck_assert_uint_eq(text.len, 0);
    empty = text_take(&text);
    ck_assert_str_eq(empty, "");
    text_add(&text, "0123456789a", 11); /* too long: what was added before stays, here nothing */
    free(empty);
    empty = text_take(&text);
    ck_assert_str_eq(empty, "");
    ck_assert(!text.full);
    free(first);
    free(empty);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("str");
    TCase *tc = tcase_create("str");

    tcase_add_test(tc, slices_are_equal_by_bytes_not_by_place);
    tcase_add_test(tc, case_is_ignored_for_ascii_letters_only);
    tcase_add_test(tc, prefixes_and_suffixes_are_found_at_their_end_only);
    tcase_add_test(tc, addresses_of_http_and_https_are_told_by_their_beginning);
    tcase_add_test(tc, trim_takes_blanks_and_tabs_at_both_ends);
    tcase_add_test(tc, split_gives_every_piece_and_the_empty_ones_too);
    tcase_add_test(tc, numbers_are_digits_only_up_to_64_bits);
    tcase_add_test(tc, distance_counts_edits);
    tcase_add_test(tc, distance_looks_at_64_bytes_only);
    tcase_add_test(tc, a_piece_that_does_not_fit_is_left_out_whole);
    tcase_add_test(tc, a_full_buffer_takes_nothing_more);
    tcase_add_test(tc, an_empty_piece_fits_anywhere);
    tcase_add_test(tc, numbers_are_written_as_printf_would);
    tcase_add_test(tc, numbers_of_every_length_have_their_digits);
    tcase_add_test(tc, fixed_numbers_have_exactly_their_decimals);
    tcase_add_test(tc, json_escapes_quotes_and_control_characters);
    tcase_add_test(tc, json_sees_every_byte_at_every_place);
    tcase_add_test(tc, json_passes_valid_utf8);
    tcase_add_test(tc, json_escapes_what_is_not_utf8);
    tcase_add_test(tc, json_never_ends_in_half_an_escape);
    tcase_add_test(tc, a_text_grows_and_ends_in_nul);
    tcase_add_test(tc, percent_leaves_what_is_unreserved_and_encodes_every_other_byte);
    tcase_add_test(tc, a_text_keeps_its_maximum_and_its_memory_with_it);
    tcase_add_test(tc, a_taken_text_belongs_to_the_caller);
    suite_add_tcase(suite, tc);
    return suite;
}
