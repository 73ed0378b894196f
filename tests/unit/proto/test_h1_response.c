/* The rules M22 to M31 that a response head decides. */
#include "proto/h1.h"

#include "../unit.h"
#include "heads.h"

enum { FIELDS = 200 };

struct row {
    const char *what;
    enum method method; /* of the request */
    struct str text;
    enum h1_error error;
    const char *facts; /* of describe_response, where there is no error */
};

#define R200    "HTTP/1.1 200 OK\r\n"
#define END     "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define LENGTH  "Content-Length: 5\r\n"
#define SWITCH  "HTTP/1.1 101 Switching Protocols\r\n"

#define OK(what, method, bytes, facts)                                                                       \
    {                                                                                                        \
        what, METHOD_##method, {bytes, sizeof(bytes) - 1}, H1_OK, facts                                      \
    }
#define BAD(what, method, bytes, error)                                                                      \
    {                                                                                                        \
        what, METHOD_##method, {bytes, sizeof(bytes) - 1}, H1_##error, NULL                                  \
    }

static const struct row lines[] = {
    OK("a plain response", GET, R200 LENGTH END, "200 [OK] length=5 alive"),
    OK("M28 an empty reason", GET, "HTTP/1.1 200 \r\n" LENGTH END, "200 [] length=5 alive"),
    OK("the space before it is missing too", GET, "HTTP/1.1 200\r\n" LENGTH END, "200 [] length=5 alive"),
    OK("a reason with spaces and other bytes", GET, "HTTP/1.1 404 Not  F\xc3\xb6und \r\n" LENGTH END,
       "404 [Not  F\xc3\xb6und ] length=5 alive"),
    OK("HTTP/1.9 counts as 1.1", GET, "HTTP/1.9 200 OK\r\n" LENGTH END, "200 [OK] length=5 alive"),
    BAD("HTTP/2.0", GET, "HTTP/2.0 200 OK\r\n" END, VERSION_UNSUPPORTED),
    BAD("another protocol", GET, "ICY 200 OK bla\r\n" END, STATUS_LINE),
    BAD("a version in lower case", GET, "http/1.1 200 OK\r\n" END, VERSION),
    BAD("HTTP/0.9 junk", GET, "hello world, this is text\r\n" END, STATUS_LINE),
    BAD("a page instead of a head", GET, "<html>\n", BARE_LF),
    BAD("two digits", GET, "HTTP/1.1 20 OK\r\n" END, STATUS_LINE),
    BAD("four digits", GET, "HTTP/1.1 2000 OK\r\n" END, STATUS_LINE),
    BAD("a sign", GET, "HTTP/1.1 +20 OK\r\n" END, STATUS_LINE),
    BAD("below 100", GET, "HTTP/1.1 099 OK\r\n" END, STATUS_LINE),
    BAD("above 599", GET, "HTTP/1.1 600 OK\r\n" END, STATUS_LINE),
    BAD("two spaces before the code", GET, "HTTP/1.1  200 OK\r\n" END, STATUS_LINE),
    BAD("a tab before the reason", GET, "HTTP/1.1 200\tOK\r\n" END, STATUS_LINE),
    BAD("no code", GET, "HTTP/1.1\r\n" END, STATUS_LINE),
    BAD("an empty line in front", GET, END R200 END, BLANK_LINES),
    BAD("M23 white space before the colon", GET, R200 "X : a\r\n" END, SPACE_BEFORE_COLON),
    BAD("M23 a folded field", GET, R200 "X: a\r\n b\r\n" END, FOLDED),
    BAD("M31 NUL in a value", GET, R200 "X: a\0\r\n" END, CONTROL),
    BAD("A13 a bare CR in Location", GET, R200 "Location: /\rSet-Cookie: a\r\n" END, BARE_CR),
    BAD("A13 a bare LF in Location", GET, R200 "Location: /\nSet-Cookie: a\r\n" END, BARE_LF),
    BAD("a control character in the reason", GET, "HTTP/1.1 200 O\x01K\r\n" END, CONTROL),
};

static const struct row framings[] = {
    OK("chunked", GET, R200 CHUNKED END, "200 [OK] chunked alive hop:Transfer-Encoding"),
    OK("until close", GET, R200 END, "200 [OK] close"),
    OK("until close, whatever Connection says", GET, R200 "Connection: keep-alive\r\n" END,
       "200 [OK] close hop:Connection"),
    OK("a length of 0", GET, R200 "Content-Length: 0\r\n" END, "200 [OK] length=0 alive"),
    BAD("M22 an invalid length", GET, R200 "Content-Length: 5x\r\n" END, LENGTH),
    BAD("an empty length", GET, R200 "Content-Length: \r\n" END, LENGTH),
    BAD("a length with leading zeros", GET, R200 "Content-Length: 05\r\n" END, LENGTH),
    BAD("two different lengths", GET, R200 LENGTH "Content-Length: 6\r\n" END, LENGTH_REPEATED),
    OK("equal lengths become one", GET, R200 LENGTH LENGTH LENGTH END,
       "200 [OK] length=5 alive hop:Content-Length,Content-Length"),
    BAD("a list of equal lengths", GET, R200 "Content-Length: 5, 5\r\n" END, LENGTH),
    BAD("length and coding", GET, R200 LENGTH CHUNKED END, LENGTH_AND_CODING),
    BAD("coding and length", GET, R200 CHUNKED LENGTH END, LENGTH_AND_CODING),
    BAD("chunked not last", GET, R200 "Transfer-Encoding: chunked, gzip\r\n" END, CODING),
    BAD("chunked twice", GET, R200 CHUNKED CHUNKED END, CODING),
    BAD("another coding", GET, R200 "Transfer-Encoding: gzip, chunked\r\n" END, CODING_UNKNOWN),
    BAD("identity", GET, R200 "Transfer-Encoding: identity\r\n" END, CODING_UNKNOWN),
    BAD("coding in HTTP/1.0", GET, "HTTP/1.0 200 OK\r\n" CHUNKED END, CODING_IN_1_0),
    OK("M24 HEAD", HEAD, R200 LENGTH END, "200 [OK] none=5 alive"),
    OK("M24 HEAD with coding", HEAD, R200 CHUNKED END, "200 [OK] none alive hop:Transfer-Encoding"),
    OK("M24 HEAD with both", HEAD, R200 LENGTH CHUNKED END,
       "200 [OK] none alive hop:Content-Length,Transfer-Encoding"),
    BAD("HEAD with an invalid length", HEAD, R200 "Content-Length: x\r\n" END, LENGTH),
    OK("HEAD without anything", HEAD, R200 END, "200 [OK] none alive"),
    OK("M24 304 tells its length", GET, "HTTP/1.1 304 Not Modified\r\n" LENGTH END,
       "304 [Not Modified] none=5 alive"),
    OK("M24 M25 204 may not", GET, "HTTP/1.1 204 No Content\r\n" LENGTH END,
       "204 [No Content] none alive hop:Content-Length"),
    OK("M24 M29 1xx", GET, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n" CHUNKED END,
       "103 [Early Hints] none alive hop:Transfer-Encoding"),
    OK("M25 100 with a length", GET, "HTTP/1.1 100 Continue\r\n" LENGTH END,
       "100 [Continue] none alive hop:Content-Length"),
    OK("2xx to CONNECT", CONNECT, R200 LENGTH END, "200 [OK] none=5 alive"),
    OK("4xx to CONNECT", CONNECT, "HTTP/1.1 403 No\r\n" LENGTH END, "403 [No] length=5 alive"),
};

static const struct row connections[] = {
    OK("close", GET, R200 LENGTH "Connection: close\r\n" END, "200 [OK] length=5 hop:Connection"),
    OK("HTTP/1.0", GET, "HTTP/1.0 200 OK\r\n" LENGTH END, "200 [OK] length=5"),
    OK("HTTP/1.0 with keep-alive", GET, "HTTP/1.0 200 OK\r\n" LENGTH "Connection: Keep-Alive\r\n" END,
       "200 [OK] length=5 alive hop:Connection"),
    OK("named fields", GET, R200 LENGTH "X-A: 1\r\nConnection: x-a\r\n" END,
       "200 [OK] length=5 alive hop:X-A,Connection"),
    BAD("Connection names the length", GET, R200 LENGTH "Connection: content-length\r\n" END,
        CONNECTION_NAMES),
    OK("M44 a WebSocket", GET, SWITCH "Upgrade: websocket\r\nConnection: Upgrade\r\n" END,
       "101 [Switching Protocols] none alive websocket hop:Upgrade,Connection"),
    OK("A16 101 without Connection", GET, SWITCH "Upgrade: websocket\r\n" END,
       "101 [Switching Protocols] none alive hop:Upgrade"),
    OK("101 to h2c", GET, SWITCH "Upgrade: h2c\r\nConnection: Upgrade\r\n" END,
       "101 [Switching Protocols] none alive upgrade hop:Upgrade,Connection"),
    OK("A16 200 with the fields of a WebSocket", GET,
       R200 LENGTH "Upgrade: websocket\r\nConnection: Upgrade\r\n" END,
       "200 [OK] length=5 alive hop:Upgrade,Connection"),
};

static char *answer(const struct row *row, size_t cut, size_t step)
{
    struct field fields[FIELDS];
    struct h1_scan scan;
    struct head head;
    enum h1_error error;

    switch (scan_cut(&scan, &h1_response_limits, row->text, cut, step)) {
    case H1_SCAN_MORE:
        return mem_strdup("MORE");
    case H1_SCAN_BAD:
        return mem_strdup(h1_error_name(scan.error));
    case H1_SCAN_DONE:
        break;
    }
    head_init(&head, fields, FIELDS);
    error = h1_response_parse(&scan, row->text.p, row->method, &head);
    return error ? mem_strdup(h1_error_name(error)) : describe_response(&head);
}

static void check_row(const struct row *row)
{
    const char *wanted = row->error ? h1_error_name(row->error) : row->facts;

    for (size_t cut = 0; cut <= row->text.len; cut++) {
        char *rest_at_once = answer(row, cut, row->text.len);
        char *rest_bytewise = answer(row, cut, 1);

        ck_assert_msg(strcmp(rest_at_once, wanted) == 0, "%s, cut at %zu: %s", row->what, cut, rest_at_once);
        ck_assert_msg(strcmp(rest_bytewise, wanted) == 0, "%s, bytewise from %zu: %s", row->what, cut,
                      rest_bytewise);
        free(rest_at_once);
        free(rest_bytewise);
    }
}

START_TEST(lines_of_a_response)
{
    check_row(&lines[_i]);
}
END_TEST

START_TEST(the_framing_of_a_response)
{
    check_row(&framings[_i]);
}
END_TEST

START_TEST(the_connection_and_upgrade_of_a_response)
{
    check_row(&connections[_i]);
}
END_TEST

START_TEST(a_response_head_has_200_fields_at_most)
{
    char block[8192];

    for (size_t count = 200; count <= 201; count++) {
        struct row row = {.method = METHOD_GET};
        struct buf buf;
        char *got;

        buf_init(&buf, block, sizeof block);
        buf_lit(&buf, R200);
        for (size_t i = 0; i < count; i++)
            buf_lit(&buf, "Set-Cookie: a\r\n");
        buf_lit(&buf, END);
        row.text = buf_str(&buf);
        got = answer(&row, 0, 1);
        ck_assert_str_eq(got, count == 200 ? "200 [OK] close" : "TOO_MANY_FIELDS");
        free(got);
    }
}
END_TEST

START_TEST(several_responses_follow_each_other)
{
    struct str text = STR(
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    unsigned wanted[] = {103, 103, 204};

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        struct field fields[FIELDS];
        struct h1_scan scan;
        struct head head;

        ck_assert_int_eq(scan_cut(&scan, &h1_response_limits, text, 0, 1), H1_SCAN_DONE);
        head_init(&head, fields, FIELDS);
        ck_assert_int_eq(h1_response_parse(&scan, text.p, METHOD_GET, &head), H1_OK);
        ck_assert_uint_eq(head.status, wanted[i]);
        text = (struct str){text.p + scan.end, text.len - scan.end};
    }
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("h1_response");
    TCase *tc = tcase_create("h1_response");

    tcase_add_loop_test(tc, lines_of_a_response, 0, ARRAY_LEN(lines));
    tcase_add_loop_test(tc, the_framing_of_a_response, 0, ARRAY_LEN(framings));
    tcase_add_loop_test(tc, the_connection_and_upgrade_of_a_response, 0, ARRAY_LEN(connections));
    tcase_add_test(tc, a_response_head_has_200_fields_at_most);
    tcase_add_test(tc, several_responses_follow_each_other);
    suite_add_tcase(suite, tc);
    return suite;
}
