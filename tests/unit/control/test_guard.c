#include "control/guard.h"

#include "../unit.h"
#include "proto/h1.h"

#include <stdio.h>

/* What a request with these lines is told; 0 when it may go on. */
static unsigned verdict(const struct guard *guard, bool write, const char *lines)
{
    static char bytes[2048];
    static struct field fields[32];
    const struct guard_refusal *refusal;
    struct h1_limits limits = h1_request_limits;
    struct h1_scan scan;
    struct head head;
    int len =
        snprintf(bytes, sizeof bytes, "GET /v1/status HTTP/1.%c\r\n%s\r\n", lines[0] ? '1' : '0', lines);

    h1_scan_init(&scan);
    ck_assert_int_eq(h1_scan(&scan, &h1_request_limits, bytes, (size_t)len), H1_SCAN_DONE);
    head_init(&head, fields, ARRAY_LEN(fields));
    limits.fields = ARRAY_LEN(fields);
    ck_assert_int_eq(h1_request_parse(&scan, &limits, bytes, &head), H1_OK);
    refusal = guard_check(guard, &head, write);
    return refusal ? refusal->status : 0;
}

static char internal[] = "penstock.internal", other[] = "other.example.com:9901";
static char *hosts[] = {internal, other};
static struct guard guard;

static void set_up(void)
{
    guard = (struct guard){.token = "0123456789abcdef",
                           .hosts = hosts,
                           .hosts_len = 2,
                           .server_host = "10.0.0.5",
                           .local = true};
}

#define LOCAL "Host: localhost:9901\r\n"

START_TEST(only_our_own_hosts_are_served)
{
    static const struct {
        const char *host;
        unsigned status;
    } rows[] = {
        {"Host: localhost\r\n", 0},
        {"Host: LOCALHOST:1\r\n", 0},
        {"Host: 127.0.0.1:9901\r\n", 0},
        {"Host: [::1]:9901\r\n", 0},
        {"Host: 10.0.0.5\r\n", 0},
        {"Host: penstock.internal:80\r\n", 0},
        {"Host: other.example.com\r\n", 0},
        {"", 0}, /* HTTP/1.0 */
        {"Host: evil.example\r\n", 403},
        {"Host: 127.0.0.1.evil.example\r\n", 403},
        {"Host: penstock.internal.evil\r\n", 403},
        {"Host: 10.0.0.6\r\n", 403},
        {"Host: 127.0.0.2\r\n", 403},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(verdict(&guard, false, rows[i].host) == rows[i].status, "%s", rows[i].host);
}
END_TEST

START_TEST(an_address_of_version_six_is_ours_with_and_without_brackets)
{
    guard.server_host = "2001:db8::5";
    ck_assert_uint_eq(verdict(&guard, false, "Host: [2001:db8::5]:9901\r\n"), 0);
    ck_assert_uint_eq(verdict(&guard, false, "Host: [2001:db8::6]:9901\r\n"), 403);
}
END_TEST

START_TEST(a_page_of_another_site_may_not_ask)
{
    static const struct {
        const char *lines;
        unsigned status;
    } rows[] = {
        {LOCAL "Origin: http://localhost:9901\r\n", 0},
        {LOCAL "Origin: https://localhost:9901\r\n", 0},
        {LOCAL "Sec-Fetch-Site: same-origin\r\n", 0},
        {LOCAL "Sec-Fetch-Site: none\r\n", 0},
        {LOCAL "Origin: http://localhost:9902\r\n", 403},
        {LOCAL "Origin: http://localhost\r\n", 403},
        {LOCAL "Origin: null\r\n", 403},
        {LOCAL "Origin: http://evil.example\r\n", 403},
        {LOCAL "Origin: http://localhost:9901\r\nOrigin: http://evil.example\r\n", 403},
        {LOCAL "Origin: localhost:9901\r\n", 403},
        {LOCAL "Sec-Fetch-Site: cross-site\r\n", 403},
        {LOCAL "Sec-Fetch-Site: same-site\r\n", 403},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(verdict(&guard, false, rows[i].lines) == rows[i].status, "%s", rows[i].lines);
}
END_TEST

START_TEST(a_write_needs_the_token)
{
    static const struct {
        const char *lines;
        unsigned status;
    } rows[] = {
        {LOCAL, 401},
        {LOCAL "Authorization: Bearer 0123456789abcdef\r\n", 0},
        {LOCAL "Authorization: bearer   0123456789abcdef\r\n", 0},
        {LOCAL "Authorization: Bearer 0123456789abcdeg\r\n", 401},
        {LOCAL "Authorization: Bearer 0123456789abcde\r\n", 401},
        {LOCAL "Authorization: Bearer 0123456789abcdef0\r\n", 401},
        {LOCAL "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n", 401},
        {LOCAL "Authorization: Bearer\r\n", 401},
        {LOCAL "Authorization: 0123456789abcdef\r\n", 401},
        {LOCAL "Authorization: Basic 0123456789abcdef\r\n", 401},
        {LOCAL "Authorization: Bearer 0123456789abcdef\r\nAuthorization: Bearer x\r\n", 401},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(verdict(&guard, true, rows[i].lines) == rows[i].status, "%s", rows[i].lines);
}
END_TEST

START_TEST(without_a_token_nothing_can_be_written)
{
    guard.token = NULL;
    ck_assert_uint_eq(verdict(&guard, true, LOCAL "Authorization: Bearer x\r\n"), 403);
    ck_assert_uint_eq(verdict(&guard, false, LOCAL), 0);
    guard.token = "";
    ck_assert_uint_eq(verdict(&guard, true, LOCAL "Authorization: Bearer  \r\n"), 403);
}
END_TEST

START_TEST(from_another_machine_reading_needs_the_token_too)
{
    guard.local = false;
    ck_assert_uint_eq(verdict(&guard, false, "Host: 10.0.0.5\r\n"), 401);
    ck_assert_uint_eq(verdict(&guard, false, "Host: 10.0.0.5\r\nAuthorization: Bearer 0123456789abcdef\r\n"),
                      0);
    guard.token = NULL;
    ck_assert_uint_eq(verdict(&guard, false, "Host: 10.0.0.5\r\n"), 401);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("guard");
    TCase *tcase = tcase_create("guard");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, only_our_own_hosts_are_served);
    tcase_add_test(tcase, an_address_of_version_six_is_ours_with_and_without_brackets);
    tcase_add_test(tcase, a_page_of_another_site_may_not_ask);
    tcase_add_test(tcase, a_write_needs_the_token);
    tcase_add_test(tcase, without_a_token_nothing_can_be_written);
    tcase_add_test(tcase, from_another_machine_reading_needs_the_token_too);
    suite_add_tcase(suite, tcase);
    return suite;
}
