#include "net/tls_cert.h"

#include "../unit.h"

#include <string.h>

START_TEST(host_names_have_one_form)
{
    static const struct {
        const char *bytes, *name;
    } cases[] = {{"a.example", "a.example"},
                 {"A.Example.", "a.example"},
                 {"xn--bcher-kva.example", "xn--bcher-kva.example"},
                 {"under_score", "under_score"},
                 {"127.0.0.1", "127.0.0.1"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[TLS_NAME_MAX + 1];

        ck_assert_msg(tls_name_normalise(cases[i].bytes, strlen(cases[i].bytes), name), "%s", cases[i].bytes);
        ck_assert_str_eq(name, cases[i].name);
    }
}
END_TEST

START_TEST(what_no_host_name_has_is_refused)
{
    static const char *const wrong[] = {"",    ".",     ".a",       "a b",       "a/b",
                                        "a:b", "[::1]", "*.a.test", "b\xc3\xbc", "a\n"};
    char name[TLS_NAME_MAX + 1], longest[TLS_NAME_MAX + 2];

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!tls_name_normalise(wrong[i], strlen(wrong[i]), name), "%s", wrong[i]);
    ck_assert(!tls_name_normalise("a\0b", 3, name));
    memset(longest, 'a', sizeof longest);
    ck_assert(tls_name_normalise(longest, TLS_NAME_MAX, name));
    ck_assert_uint_eq(strlen(name), TLS_NAME_MAX);
    ck_assert(!tls_name_normalise(longest, TLS_NAME_MAX + 1, name));
}
END_TEST

START_TEST(a_wildcard_covers_one_label_below_two)
{
    char wildcard[TLS_NAME_MAX + 1];

    ck_assert(tls_name_wildcard("www.a.example", wildcard));
    ck_assert_str_eq(wildcard, "*.a.example");
    ck_assert(!tls_name_wildcard("a.example", wildcard)); /* *.example is nobody's */
    ck_assert(!tls_name_wildcard("localhost", wildcard));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("tls_cert");
    TCase *tc = tcase_create("tls_cert");

    tcase_add_test(tc, host_names_have_one_form);
    tcase_add_test(tc, what_no_host_name_has_is_refused);
    tcase_add_test(tc, a_wildcard_covers_one_label_below_two);
    suite_add_tcase(suite, tc);
    return suite;
}
