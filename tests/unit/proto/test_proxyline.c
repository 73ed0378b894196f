#include "proto/proxyline.h"

#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\x0a\0\0\x01\x0a\0\0\x02\x04\xd2\0\x50" /* 10.0.0.1:1234 to 10.0.0.2:80 */
#define V6                                                                                                   \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x04\xd2\0\x50"

/* In a block of its own size, so that a byte too far is seen. */
static enum proxyline_result parse(struct str in, struct proxyline *line_r)
{
    char *copy = malloc(in.len + 1);
    enum proxyline_result result;
    const char *why;

    memcpy(copy, in.p, in.len);
    result = proxyline_parse(copy, in.len, line_r, &why);
    ck_assert_msg((result == PROXYLINE_BAD) == (why != NULL), "%s", why ? why : "no reason");
    free(copy);
    return result;
}

/* "SOURCE SPORT DESTINATION DPORT", or "unknown". */
static const char *shown(const struct proxyline *line)
{
    static char text[160];
    char source[IP_TEXT_LEN], destination[IP_TEXT_LEN];

    if (!line->known)
        return "unknown";
    ip_text(&line->source, source);
    ip_text(&line->destination, destination);
    snprintf(text, sizeof text, "%s %u %s %u", source, line->source_port, destination,
             line->destination_port);
    return text;
}

static const struct {
    struct str in;
    const char *means;
} good[] = {
#define GOOD(bytes, means)                                                                                   \
    {                                                                                                        \
        {bytes, sizeof(bytes) - 1}, means                                                                    \
    }
    GOOD("PROXY TCP4 10.0.0.1 10.0.0.2 1234 80\r\n", "10.0.0.1 1234 10.0.0.2 80"),
    GOOD("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
         "255.255.255.255 65535 255.255.255.255 65535"),
    GOOD("PROXY TCP6 2001:db8::1 2001:db8::2 0 80\r\n", "2001:db8::1 0 2001:db8::2 80"),
    GOOD("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
         "65535\r\n",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535"),
    GOOD("PROXY UNKNOWN\r\n", "unknown"),
    GOOD("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "unknown"),
    GOOD(SIGNATURE "\x21\x11\0\x0c" V4, "10.0.0.1 1234 10.0.0.2 80"),
    GOOD(SIGNATURE "\x21\x21\0\x24" V6, "2001:db8::1 1234 2001:db8::2 80"),
    GOOD(SIGNATURE "\x20\0\0\0", "unknown"),
    GOOD(SIGNATURE "\x20\x11\0\x0c" V4, "unknown"),
    GOOD(SIGNATURE "\x21\0\0\0", "unknown"),
    GOOD(SIGNATURE "\x21\x11\0\x11" V4 "\x04\0\x02xy", "10.0.0.1 1234 10.0.0.2 80"),
    GOOD(SIGNATURE "\x21\x11\0\x12" V4 "\x04\0\0\x05\0\0", "10.0.0.1 1234 10.0.0.2 80"),
};

static const struct str bad[] = {
#define BAD(bytes)                                                                                           \
    {                                                                                                        \
        bytes, sizeof(bytes) - 1                                                                             \
    }
    BAD("GET / HTTP/1.1\r\n"),
    BAD("PROXX"),
    BAD("proxy TCP4 10.0.0.1 10.0.0.2 1 2\r\n"),
    BAD("\r\n\r\nx"),
    BAD(" PROXY UNKNOWN\r\n"),
    BAD("PROXY TCP4 10.0.0.1 10.0.0.2 1234 80\n"),
    BAD("PROXY \n"),
    BAD("PROXY TCP4 10.0.0.1 10.0.0.2 1234\r\n"),
    BAD("PROXY TCP4 10.0.0.1 10.0.0.2 1234 80 \r\n"),
    BAD("PROXY TCP4 10.0.0.1 10.0.0.2 1234 80 x\r\n"),
    BAD("PROXY TCP4  10.0.0.1 10.0.0.2 1234 80\r\n"),
    BAD("PROXY\tTCP4 10.0.0.1 10.0.0.2 1234 80\r\n"),
    BAD("PROXY TCP4 10.0.0.1 10.0.0.2 01 80\r\n"),
    BAD("PROXY TCP4 10.0.0.1 10.0.0.2 65536 80\r\n"),
    BAD("PROXY TCP4 10.0.0.1 10.0.0.2 -1 80\r\n"),
    BAD("PROXY TCP4 10.0.0.256 10.0.0.2 1 80\r\n"),
    BAD("PROXY TCP4 2001:db8::1 2001:db8::2 1 80\r\n"),
    BAD("PROXY TCP6 10.0.0.1 10.0.0.2 1 80\r\n"),
    BAD("PROXY UDP4 10.0.0.1 10.0.0.2 1 80\r\n"),
    BAD("PROXY \r\n"),
    BAD("PROXY UNKNOWN "
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
        "\r\n"), /* 108 bytes */
    BAD(SIGNATURE "\x22\x11\0\x0c" V4),
    BAD(SIGNATURE "\x11\x11\0\x0c" V4),
    BAD(SIGNATURE "\x31\x11\0\x0c" V4),
    BAD(SIGNATURE "\x21\x12\0\x0c" V4),
    BAD(SIGNATURE "\x21\x31\0\x0c" V4),
    BAD(SIGNATURE "\x21\x11\0\x0b" V4),
    BAD(SIGNATURE "\x21\x21\0\x0c" V4),
    BAD(SIGNATURE "\x21\x11\0\x0e" V4 "\x04\0"),
    BAD(SIGNATURE "\x21\x11\0\x0f" V4 "\x04\0\x01"),
    BAD(SIGNATURE "\x21\x11\x07\xf1"),
};

START_TEST(a_header_says_who_the_client_is)
{
    struct proxyline line;

    ck_assert_int_eq(parse(good[_i].in, &line), PROXYLINE_DONE);
    ck_assert_uint_eq(line.len, good[_i].in.len);
    ck_assert_str_eq(shown(&line), good[_i].means);
}
END_TEST

/* Whatever the cut, what is there is too little, and what follows is not read. */
START_TEST(a_header_may_come_in_pieces_and_with_more_behind_it)
{
    struct str in = good[_i].in;
    char longer[256];
    struct proxyline line;

    for (size_t len = 0; len < in.len; len++)
        ck_assert_msg(parse((struct str){in.p, len}, &line) == PROXYLINE_MORE, "%zu bytes", len);
    memcpy(longer, in.p, in.len);
    memcpy(longer + in.len, "GET / HTTP/1.1\r\n", 16);
    ck_assert_int_eq(parse((struct str){longer, in.len + 16}, &line), PROXYLINE_DONE);
    ck_assert_uint_eq(line.len, in.len);
    ck_assert_str_eq(shown(&line), good[_i].means);
}
END_TEST

START_TEST(what_a_proxy_would_not_write_is_refused)
{
    struct proxyline line;

    ck_assert_msg(parse(bad[_i], &line) == PROXYLINE_BAD, "row %d", _i);
}
END_TEST

/* Refused as soon as it can be, and never taken on the way. */
START_TEST(a_wrong_header_is_never_taken_whatever_the_cut)
{
    struct proxyline line;

    for (size_t len = 0; len < bad[_i].len; len++)
        ck_assert_int_ne(parse((struct str){bad[_i].p, len}, &line), PROXYLINE_DONE);
}
END_TEST

START_TEST(a_line_without_end_is_refused_at_its_maximum)
{
    struct proxyline line;
    char text[PROXYLINE_V1_MAX];

    memset(text, 'x', sizeof text);
    memcpy(text, "PROXY UNKNOWN ", 14);
    ck_assert_int_eq(parse((struct str){text, sizeof text - 1}, &line), PROXYLINE_MORE);
    ck_assert_int_eq(parse((struct str){text, sizeof text}, &line), PROXYLINE_BAD);
}
END_TEST

START_TEST(what_is_written_is_read_alike)
{
    for (unsigned version = 1; version <= 2; version++) {
        struct proxyline line, again;
        char block[PROXYLINE_V1_MAX], want[160];
        struct buf buf;

        ck_assert_int_eq(parse(good[_i].in, &line), PROXYLINE_DONE);
        snprintf(want, sizeof want, "%s", shown(&line));
        buf_init(&buf, block, sizeof block);
        proxyline_write(&buf, version, &line);
        ck_assert(!buf.full);
        ck_assert_int_eq(parse(buf_str(&buf), &again), PROXYLINE_DONE);
        ck_assert_uint_eq(again.len, buf.len);
        ck_assert_str_eq(shown(&again), want);
    }
}
END_TEST

/* A client that came over IPv6 to an IPv4 address: one family for both. */
START_TEST(two_families_are_written_as_one)
{
    struct proxyline line = {.known = true, .source_port = 1, .destination_port = 2}, again;

    ck_assert(ip_parse(STR("2001:db8::1"), &line.source) && ip_parse(STR("10.0.0.2"), &line.destination));
    for (unsigned version = 1; version <= 2; version++) {
        char block[PROXYLINE_V1_MAX];
        struct buf buf;

        buf_init(&buf, block, sizeof block);
        proxyline_write(&buf, version, &line);
        ck_assert_int_eq(parse(buf_str(&buf), &again), PROXYLINE_DONE);
        ck_assert_str_eq(shown(&again), "2001:db8::1 1 10.0.0.2 2");
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("proxyline");
    TCase *tc = tcase_create("proxyline");

    tcase_add_loop_test(tc, a_header_says_who_the_client_is, 0, ARRAY_LEN(good));
    tcase_add_loop_test(tc, a_header_may_come_in_pieces_and_with_more_behind_it, 0, ARRAY_LEN(good));
    tcase_add_loop_test(tc, what_a_proxy_would_not_write_is_refused, 0, ARRAY_LEN(bad));
    tcase_add_loop_test(tc, a_wrong_header_is_never_taken_whatever_the_cut, 0, ARRAY_LEN(bad));
    tcase_add_test(tc, a_line_without_end_is_refused_at_its_maximum);
    tcase_add_loop_test(tc, what_is_written_is_read_alike, 0, ARRAY_LEN(good));
    tcase_add_test(tc, two_families_are_written_as_one);
    suite_add_tcase(suite, tc);
    return suite;
}
