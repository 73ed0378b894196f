#include "proto/target.h"

#include "../unit.h"

#include <stdlib.h>

struct row {
    struct str text;
    const char *host; /* NULL where it is refused */
    unsigned port;
    const char *whole; /* NULL where it is the text */
};

#define OK(text, host, port)                                                                                 \
    {                                                                                                        \
        {text, sizeof(text) - 1}, host, port, NULL                                                           \
    }
#define CUT(text, host, port, whole)                                                                         \
    {                                                                                                        \
        {text, sizeof(text) - 1}, host, port, whole                                                          \
    }
#define BAD(text)                                                                                            \
    {                                                                                                        \
        {text, sizeof(text) - 1}, NULL, 0, NULL                                                              \
    }

static const struct row authorities[] = {
    OK("a", "a", 0),
    OK("Example.COM", "Example.COM", 0),
    OK("a-b_c~1.example", "a-b_c~1.example", 0),
    OK("a:1", "a", 1),
    OK("a:65535", "a", 65535),
    OK("a:00080", "a", 80),
    OK("a.:80", "a", 80),
    OK("a.", "a", 0),
    CUT("a:", "a", 0, "a"),
    CUT("a.:", "a", 0, "a."),
    CUT("[::1]:", "[::1]", 0, "[::1]"),
    OK("127.0.0.1:8080", "127.0.0.1", 8080),
    OK("[::1]", "[::1]", 0),
    OK("[2001:db8::1]:443", "[2001:db8::1]", 443),
    OK("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]", 1),
    BAD(""),
    BAD("."),
    BAD(".a"),
    BAD("a..b"),
    BAD("a.."),
    BAD(":80"),
    BAD("a:0"),
    BAD("a:65536"),
    BAD("a:000080"),
    BAD("a:+1"),
    BAD("a:80:80"),
    BAD("a:b"),
    BAD("a/b"),
    BAD("a,b"),
    BAD("u@a"),
    BAD("u:p@a"),
    BAD("a b"),
    BAD("a%62"),
    BAD("a;b"),
    BAD("a\0b"),
    BAD("\xc3\xa9"),
    BAD("::1"),
    BAD("[::1"),
    BAD("[::1]x"),
    BAD("[::1]80"),
    BAD("[]"),
    BAD("[::g]"),
    BAD("[1.2.3.4]"),
    BAD("[fe80::1%25eth0]"),
    BAD("[v1.a]"),
    BAD("[::1\0]"),
    BAD("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]"),
};

START_TEST(an_authority_is_host_and_port)
{
    const struct row *row = &authorities[_i];
    struct authority authority;
    bool ok = authority_parse(row->text, &authority);

    ck_assert_msg(ok == (row->host != NULL), "%.*s", STR_ARG(row->text));
    if (!ok)
        return;
    ck_assert(str_eq(authority.host, str_from(row->host)));
    ck_assert_uint_eq(authority.port, row->port);
    ck_assert(str_eq(authority.whole, row->whole ? str_from(row->whole) : row->text));
}
END_TEST

START_TEST(an_authority_has_255_bytes_at_most)
{
    struct authority authority;
    char name[256];

    memset(name, 'a', sizeof name);
    ck_assert(authority_parse((struct str){name, 255}, &authority));
    ck_assert(!authority_parse((struct str){name, 256}, &authority));
}
END_TEST

START_TEST(hosts_compare_without_case_and_final_dot)
{
    struct authority authority;

    ck_assert(authority_parse(STR("API.example.com.:8080"), &authority));
    ck_assert(authority_is(&authority, STR("api.Example.com")));
    ck_assert(!authority_is(&authority, STR("api.example.co")));
}
END_TEST

START_TEST(a_target_is_refused_at_every_place_of_a_wrong_byte)
{
    for (size_t len = 2; len < 50; len++) {
        for (size_t at = 1; at < len; at++) {
            static const char wrong[] = {'#', ' ', '\t', '\0', '\x7f', '\x80', '\xff', '\r', '\n'};
            struct target target;
            char text[64];

            memset(text, '/', sizeof text);
            ck_assert(target_parse((struct str){text, len}, METHOD_GET, &target));
            for (size_t i = 0; i < sizeof wrong; i++) {
                text[at] = wrong[i];
                ck_assert(!target_parse((struct str){text, len}, METHOD_GET, &target));
            }
        }
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("target");
    TCase *tc = tcase_create("target");

    tcase_add_loop_test(tc, an_authority_is_host_and_port, 0, ARRAY_LEN(authorities));
    tcase_add_test(tc, an_authority_has_255_bytes_at_most);
    tcase_add_test(tc, hosts_compare_without_case_and_final_dot);
    tcase_add_test(tc, a_target_is_refused_at_every_place_of_a_wrong_byte);
    suite_add_tcase(suite, tc);
    return suite;
}
