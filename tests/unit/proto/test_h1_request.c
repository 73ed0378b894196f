#include "proto/h1.h"

#include "../unit.h"

#include <stdlib.h>

enum { FIELDS = 100 };

/* Feeds `text` in pieces of `step` bytes and parses what the scan finds. */
static enum h1_error parse(struct str text, size_t step, struct head *head, struct field *fields)
{
    enum h1_scan_result result = H1_SCAN_MORE;
    struct h1_scan scan;

    h1_scan_init(&scan);
    head_init(head, fields, FIELDS);
    for (size_t len = 0; len < text.len && result == H1_SCAN_MORE;) {
        len = len + step < text.len ? len + step : text.len;
        result = h1_scan(&scan, &h1_request_limits, text.p, len);
    }
    if (result == H1_SCAN_BAD)
        return scan.error;
    ck_assert_int_eq(result, H1_SCAN_DONE);
    return h1_request_parse(&scan, &h1_request_limits, text.p, head);
}

START_TEST(a_usual_request_is_taken_apart)
{
    struct str text = STR("POST /a/b?c=d HTTP/1.1\r\nHost: Example.com:8080\r\nContent-Length: 5\r\n"
                          "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nX-Theirs:  2\t\r\n\r\nhello");

    for (size_t step = 1; step <= text.len; step++) {
        struct field fields[FIELDS];
        struct head head;

        ck_assert_int_eq(parse(text, step, &head, fields), H1_OK);
        ck_assert_int_eq(head.method, METHOD_POST);
        ck_assert(str_eq(head.path, STR("/a/b")));
        ck_assert(str_eq(head.query, STR("?c=d")));
        ck_assert(str_eq(head.authority.whole, STR("Example.com:8080")));
        ck_assert(authority_is(&head.authority, STR("example.com")));
        ck_assert_uint_eq(head.authority.port, 8080);
        ck_assert_int_eq(head.framing, FRAMING_LENGTH);
        ck_assert_uint_eq(head.content_length, 5);
        ck_assert(head.keep_alive);
        ck_assert_uint_eq(head.len, 5);
        ck_assert(head.fields[2].flags & FIELD_HOP);
        ck_assert(head.fields[3].flags & FIELD_HOP);
        ck_assert(!(head.fields[4].flags & FIELD_HOP));
        ck_assert(str_eq(head.fields[4].value, STR("2")));
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("h1_request");
    TCase *tc = tcase_create("h1_request");

    tcase_add_test(tc, a_usual_request_is_taken_apart);
    suite_add_tcase(suite, tc);
    return suite;
}
