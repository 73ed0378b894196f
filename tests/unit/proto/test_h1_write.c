#include "proto/h1_write.h"

#include "../unit.h"
#include "proto/h1_body.h"
#include "proto/status.h"

#include <stdlib.h>

enum { BLOCK = 512 };

#define CHECK(buf, literal)                                                                                  \
    ck_assert_msg(str_eq(buf_str(&(buf)), STR(literal)), "%.*s", STR_ARG(buf_str(&(buf))))

START_TEST(a_message_is_composed)
{
    struct field field;
    char block[BLOCK];
    struct buf buf;

    field_set(&field, STR("X-Field"), STR("1"), false);
    buf_init(&buf, block, sizeof block);
    h1_write_request_line(&buf, STR("GET"), STR("/a"), STR("?b"));
    h1_write_field(&buf, STR("Host"), STR("a:80"));
    h1_write_parsed(&buf, &field);
    h1_write_number(&buf, STR("Content-Length"), 18446744073709551615U);
    h1_write_field(&buf, STR("Empty"), STR_NULL);
    h1_write_end(&buf);
    ck_assert(!buf.full);
    CHECK(buf, "GET /a?b HTTP/1.1\r\nHost: a:80\r\nX-Field: 1\r\nContent-Length: "
               "18446744073709551615\r\nEmpty: \r\n\r\n");
}
END_TEST

START_TEST(the_space_before_an_empty_reason_stays)
{
    char block[BLOCK];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    h1_write_status_line(&buf, 200, STR("OK"));
    h1_write_status_line(&buf, 599, STR_NULL);
    CHECK(buf, "HTTP/1.1 200 OK\r\nHTTP/1.1 599 \r\n"); /* M28 */
}
END_TEST

START_TEST(chunks_are_framed)
{
    char block[BLOCK];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    h1_write_chunk(&buf, 1);
    h1_write_chunk(&buf, 16);
    h1_write_chunk(&buf, 0xabcdef);
    h1_write_chunk(&buf, UINT64_MAX);
    h1_write_last_chunk(&buf);
    h1_write_end(&buf);
    CHECK(buf, "1\r\n10\r\nabcdef\r\nffffffffffffffff\r\n0\r\n\r\n");
}
END_TEST

START_TEST(what_breaks_out_of_its_line_is_refused)
{
    static const char bad[] = {'\r', '\n', '\0', '\x01', '\x7f'};

    for (size_t i = 0; i < sizeof bad; i++) {
        const char text[] = {'/', 'a', bad[i], 'b'};
        struct str s = {text, sizeof text};
        char block[BLOCK];
        struct buf buf;

        buf_init(&buf, block, sizeof block);
        h1_write_field(&buf, STR("X"), s);
        ck_assert(buf.full && buf.len == 0);
        buf_init(&buf, block, sizeof block);
        h1_write_field(&buf, s, STR("x"));
        ck_assert(buf.full && buf.len == 0);
        buf_init(&buf, block, sizeof block);
        h1_write_request_line(&buf, STR("GET"), s, STR_NULL);
        ck_assert(buf.full && buf.len == 0);
        buf_init(&buf, block, sizeof block);
        h1_write_request_line(&buf, STR("GET"), STR("/"), s);
        ck_assert(buf.full && buf.len == 0);
        buf_init(&buf, block, sizeof block);
        h1_write_status_line(&buf, 200, s);
        ck_assert(buf.full && buf.len == 0);
    }
}
END_TEST

START_TEST(a_name_or_method_that_is_no_token_is_refused)
{
    char block[BLOCK];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    h1_write_field(&buf, STR("X Y"), STR("x"));
    ck_assert(buf.full && buf.len == 0);
    buf_init(&buf, block, sizeof block);
    h1_write_field(&buf, STR(""), STR("x"));
    ck_assert(buf.full && buf.len == 0);
    buf_init(&buf, block, sizeof block);
    h1_write_request_line(&buf, STR("G T"), STR("/"), STR_NULL); /* D14 */
    ck_assert(buf.full && buf.len == 0);
    buf_init(&buf, block, sizeof block);
    h1_write_request_line(&buf, STR("GET"), STR("/a b"), STR_NULL); /* D12 */
    ck_assert(buf.full && buf.len == 0);
    buf_init(&buf, block, sizeof block);
    h1_write_request_line(&buf, STR("GET"), STR(""), STR_NULL); /* D13 */
    ck_assert(buf.full && buf.len == 0);
    buf_init(&buf, block, sizeof block);
    h1_write_status_line(&buf, 99, STR_NULL);
    ck_assert(buf.full && buf.len == 0);
}
END_TEST

START_TEST(a_line_fits_whole_or_not_at_all)
{
    char block[BLOCK];
    struct buf buf;

    for (size_t cap = 0; cap < 8; cap++) {
        buf_init(&buf, block, cap);
        h1_write_field(&buf, STR("X"), STR("abc"));
        ck_assert(buf.full && buf.len == 0);
    }
    buf_init(&buf, block, 8);
    h1_write_field(&buf, STR("X"), STR("abc"));
    ck_assert(!buf.full && buf.len == 8);
    h1_write_field(&buf, STR("Y"), STR_NULL);
    ck_assert(buf.full && buf.len == 8);
}
END_TEST

START_TEST(registered_codes_have_a_phrase)
{
    ck_assert(str_eq(status_reason(200), STR("OK")));
    ck_assert(str_eq(status_reason(503), STR("Service Unavailable")));
    ck_assert_uint_eq(status_reason(299).len, 0);
}
END_TEST

START_TEST(every_error_has_a_status_and_a_text)
{
    for (enum h1_error error = H1_OK + 1; error < H1_ERROR_LEN; error++) {
        ck_assert_uint_ge(h1_error_status(error), 400);
        ck_assert_uint_gt(status_reason(h1_error_status(error)).len, 0);
        ck_assert_uint_gt(strlen(h1_error_text(error)), 0);
        ck_assert_uint_gt(strlen(h1_error_name(error)), 0);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("h1_write");
    TCase *tc = tcase_create("h1_write");

    tcase_add_test(tc, a_message_is_composed);
    tcase_add_test(tc, the_space_before_an_empty_reason_stays);
    tcase_add_test(tc, chunks_are_framed);
    tcase_add_test(tc, what_breaks_out_of_its_line_is_refused);
    tcase_add_test(tc, a_name_or_method_that_is_no_token_is_refused);
    tcase_add_test(tc, a_line_fits_whole_or_not_at_all);
    tcase_add_test(tc, registered_codes_have_a_phrase);
    tcase_add_test(tc, every_error_has_a_status_and_a_text);
    suite_add_tcase(suite, tc);
    return suite;
}
