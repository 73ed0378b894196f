#include "proto/hops.h"

#include "../unit.h"
#include "proto/h1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 10.0.0.0/8 and 2001:db8::/32 are ours, and so many hops. */
static unsigned hops;

static bool trusts(const void *arg, const struct ip *ip, unsigned number)
{
    struct ip_net ours[2];

    (void)arg;
    if (number <= hops)
        return true;
    ck_assert(ip_net_parse(STR("10.0.0.0/8"), &ours[0]) && ip_net_parse(STR("2001:db8::/32"), &ours[1]));
    return ip_net_has(&ours[0], ip) || ip_net_has(&ours[1], ip);
}

/* The client of a request with these lines, or "". */
static const char *client(enum field_id field, const char *lines)
{
    static char text[IP_TEXT_LEN];
    size_t len = strlen(lines) + 64;
    char *request = malloc(len);
    struct h1_scan scan;
    struct field fields[100];
    struct head head;
    struct ip ip;

    snprintf(request, len, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    h1_scan_init(&scan);
    ck_assert_int_eq(h1_scan(&scan, &h1_request_limits, request, strlen(request)), H1_SCAN_DONE);
    head_init(&head, fields, 100);
    ck_assert_int_eq(h1_request_parse(&scan, &h1_request_limits, request, &head), 0);
    text[0] = '\0';
    if (hops_client(&head, field, trusts, NULL, &ip))
        ip_text(&ip, text);
    free(request);
    return text;
}

START_TEST(x_forwarded_for_is_read_from_right_to_left)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"X-Forwarded-For: 1.1.1.1\r\n", "1.1.1.1"},
        {"X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", "2.2.2.2"},
        {"X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.0.0.9\r\n", "2.2.2.2"},
        {"X-Forwarded-For: 1.1.1.1,2.2.2.2 ,\t10.0.0.9\r\n", "2.2.2.2"},
        {"X-Forwarded-For: 10.0.0.7, 10.0.0.8\r\n", "10.0.0.7"},
        {"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 10.0.0.9\r\n", "1.1.1.1"},
        {"X-Forwarded-For: 1.1.1.1\r\nA: b\r\nx-forwarded-for: 2.2.2.2\r\n", "2.2.2.2"},
        {"X-Forwarded-For: 1.1.1.1:5555\r\n", "1.1.1.1"},
        {"X-Forwarded-For: 2001:db9::1, [2001:db8::1]:80\r\n", "2001:db9::1"},
        /* what is no address ends it: nothing beyond can be known */
        {"X-Forwarded-For: 1.1.1.1, unknown, 10.0.0.9\r\n", "10.0.0.9"},
        {"X-Forwarded-For: 1.1.1.1, , 10.0.0.9\r\n", "10.0.0.9"},
        {"X-Forwarded-For: 1.1.1.1, unknown\r\n", ""},
        {"X-Forwarded-For: <script>\r\n", ""},
        {"X-Forwarded-For: \r\n", ""},
        {"X-Forwarded-For: ,\r\n", ""},
        {"Forwarded: for=1.1.1.1\r\n", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(!strcmp(client(FIELD_X_FORWARDED_FOR, cases[i][0]), cases[i][1]), "%s: %s", cases[i][0],
                      client(FIELD_X_FORWARDED_FOR, cases[i][0]));
}
END_TEST

START_TEST(forwarded_is_read_from_right_to_left)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"Forwarded: for=1.1.1.1\r\n", "1.1.1.1"},
        {"Forwarded: For=\"1.1.1.1:5555\"\r\n", "1.1.1.1"},
        {"Forwarded: for=1.1.1.1;proto=http;by=10.0.0.1, for=10.0.0.9\r\n", "1.1.1.1"},
        {"Forwarded: proto=http;FOR=1.1.1.1 ; host=a\r\n", "1.1.1.1"},
        {"Forwarded: for=1.1.1.1, for=\"[2001:db8::9]:443\"\r\n", "1.1.1.1"},
        {"Forwarded: for=\"[2001:db9::1]\"\r\n", "2001:db9::1"},
        {"Forwarded: for=1.1.1.1\r\nForwarded: for=10.0.0.9\r\n", "1.1.1.1"},
        {"Forwarded: for=1.1.1.1, for=_hidden, for=10.0.0.9\r\n", "10.0.0.9"},
        {"Forwarded: for=1.1.1.1, proto=http, for=10.0.0.9\r\n", "10.0.0.9"},
        {"Forwarded: for=unknown\r\n", ""},
        /* a quoted comma or semicolon divides nothing */
        {"Forwarded: host=\"a,for=6.6.6.6\";for=1.1.1.1\r\n", "1.1.1.1"},
        {"Forwarded: host=\"a;for=6.6.6.6\";for=1.1.1.1\r\n", "1.1.1.1"},
        {"Forwarded: host=\"a\\\",for=6.6.6.6\";for=1.1.1.1\r\n", "1.1.1.1"},
        {"Forwarded: host=\"open, for=6.6.6.6\r\n", ""},
        {"X-Forwarded-For: 1.1.1.1\r\n", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(!strcmp(client(FIELD_FORWARDED, cases[i][0]), cases[i][1]), "%s: %s", cases[i][0],
                      client(FIELD_FORWARDED, cases[i][0]));
}
END_TEST

START_TEST(hops_may_be_trusted_by_their_number_from_the_right)
{
    static const struct {
        unsigned hops;
        const char *lines, *client;
    } cases[] = {
        {1, "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", "2.2.2.2"},
        {2, "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", "1.1.1.1"},
        {2, "X-Forwarded-For: 6.6.6.6, 1.1.1.1, 2.2.2.2\r\n", "1.1.1.1"},
        {3, "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3\r\n", "1.1.1.1"},
        {9, "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", "1.1.1.1"}, /* fewer than there should be */
        {2, "X-Forwarded-For: 6.6.6.6, 1.1.1.1, 10.0.0.9, 2.2.2.2\r\n", "1.1.1.1"}, /* and by address */
        {2, "X-Forwarded-For: 1.1.1.1, unknown\r\n", ""},
        {2, "", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        hops = cases[i].hops;
        ck_assert_msg(!strcmp(client(FIELD_X_FORWARDED_FOR, cases[i].lines), cases[i].client), "%u %s: %s",
                      hops, cases[i].lines, client(FIELD_X_FORWARDED_FOR, cases[i].lines));
    }
    hops = 2;
    ck_assert_str_eq(client(FIELD_FORWARDED, "Forwarded: for=6.6.6.6, for=1.1.1.1, for=2.2.2.2\r\n"),
                     "1.1.1.1");
    hops = 0;
}
END_TEST

START_TEST(a_line_with_too_many_elements_says_nothing)
{
    for (int elements = 64; elements <= 65; elements++) {
        char lines[65 * 16];
        struct buf buf;

        buf_init(&buf, lines, sizeof lines - 1);
        buf_lit(&buf, "Forwarded: for=1.1.1.1");
        for (int i = 1; i < elements; i++)
            buf_lit(&buf, ",for=1.1.1.1");
        buf_lit(&buf, "\r\n");
        lines[buf.len] = '\0';
        ck_assert_str_eq(client(FIELD_FORWARDED, lines), elements == 64 ? "1.1.1.1" : "");
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("hops");
    TCase *tc = tcase_create("hops");

    tcase_add_test(tc, x_forwarded_for_is_read_from_right_to_left);
    tcase_add_test(tc, forwarded_is_read_from_right_to_left);
    tcase_add_test(tc, hops_may_be_trusted_by_their_number_from_the_right);
    tcase_add_test(tc, a_line_with_too_many_elements_says_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}
