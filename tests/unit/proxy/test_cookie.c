#include "proxy/cookie.h"

#include "head.h"

#include <stdio.h>

static const struct {
    const char *lines, *value; /* of the cookie "who"; NULL: there is none */
} cases[] = {
    {"", NULL},
    {"Cookie: who=me\r\n", "me"},
    {"Cookie: a=b; who=me; c=d\r\n", "me"},
    {"Cookie: a=b;who=me\r\n", "me"},
    {"Cookie: a=b;  who=me \r\n", "me"},
    {"cookie: who=\"me too\"\r\n", "me too"},
    {"Cookie: who=\"\r\n", "\""},
    {"Cookie: who=a=b=c\r\n", "a=b=c"},
    {"Cookie: who=\r\n", ""},
    {"Cookie: who\r\n", NULL},
    {"Cookie: Who=me\r\n", NULL},
    {"Cookie: whoever=me; xwho=me\r\n", NULL},
    {"Cookie: who=1; who=2\r\n", "1"},
    {"Cookie: a=b\r\nCookie: who=me\r\n", "me"},
    {"Cookie: who\r\nCookie: who=me\r\n", "me"},
    {"Cookie:\r\n", NULL},
    {"Cookie: ;;; =x; who=me\r\n", "me"},
    {"X-Cookie: who=me\r\n", NULL},
};

START_TEST(the_value_of_a_cookie_is_found_over_all_lines)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct field fields[16];
        struct head head;
        char text[256];
        struct str value;

        snprintf(text, sizeof text, HEAD_GET "%s\r\n", cases[i].lines);
        head_of(&head, fields, ARRAY_LEN(fields), text);
        value = cookie_value(&head, STR("who"));
        if (!cases[i].value) {
            ck_assert_msg(!value.p, "%zu: %.*s", i, STR_ARG(value));
            continue;
        }
        ck_assert_msg(value.p && str_eq(value, str_from(cases[i].value)), "%zu: %.*s", i, STR_ARG(value));
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("cookie");
    TCase *tc = tcase_create("cookie");

    tcase_add_test(tc, the_value_of_a_cookie_is_found_over_all_lines);
    suite_add_tcase(suite, tc);
    return suite;
}
