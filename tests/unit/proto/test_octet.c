/* The runs look at 16 bytes at a time; here every byte stands at every place of such a block. */
#include "proto/octet.h"

#include "../unit.h"

#include <stdlib.h>

enum { LEN = 40 };

/* What RFC 9110 section 5.6.2 says in words. */
static bool is_tchar(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

START_TEST(classes_are_those_of_the_rfc)
{
    for (int c = 0; c < 256; c++) {
        ck_assert_int_eq(octet_is((char)c, OCTET_TOKEN), is_tchar(c));
        ck_assert_int_eq(octet_is((char)c, OCTET_TARGET), c > 0x20 && c < 0x7f && c != '#');
        ck_assert_int_eq(octet_is((char)c, OCTET_CONTROL), (c < 0x20 && c != '\t') || c == 0x7f);
        ck_assert_int_eq(octet_is((char)c, OCTET_ALIAS), c == '_' || c == '.');
    }
}
END_TEST

START_TEST(a_span_ends_at_the_first_other_byte)
{
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < LEN; at++) {
            bool token = is_tchar(c);
            char text[LEN];
            bool alias;

            memset(text, 'a', sizeof text);
            text[at] = (char)c;
            ck_assert_ptr_eq(octet_span(text, text + LEN, OCTET_TOKEN, &alias), text + (token ? LEN : at));
            ck_assert_int_eq(alias, c == '_' || c == '.');
            ck_assert_int_eq(octet_all((struct str){text, LEN}, OCTET_TOKEN), token);
            ck_assert_int_eq(octet_all((struct str){text, LEN}, OCTET_TARGET),
                             octet_is((char)c, OCTET_TARGET));
        }
    }
}
END_TEST

START_TEST(the_first_control_character_is_found)
{
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < LEN; at++) {
            bool control = (c < 0x20 && c != '\t') || c == 0x7f;
            char text[LEN];

            memset(text, 0x80, sizeof text);
            text[at] = (char)c;
            ck_assert_ptr_eq(octet_find_control(text, text + LEN), text + (control ? at : LEN));
        }
    }
}
END_TEST

START_TEST(nothing_is_never_all_of_a_class)
{
    ck_assert(!octet_all(STR_NULL, OCTET_TOKEN));
    ck_assert(!octet_all(STR(""), OCTET_TARGET));
}
END_TEST

START_TEST(hex_digits_have_values)
{
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdef";
        const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

        ck_assert_int_eq(octet_hex((char)c), at ? (int)(at - digits) : -1);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("octet");
    TCase *tc = tcase_create("octet");

    tcase_add_test(tc, classes_are_those_of_the_rfc);
    tcase_add_test(tc, a_span_ends_at_the_first_other_byte);
    tcase_add_test(tc, the_first_control_character_is_found);
    tcase_add_test(tc, nothing_is_never_all_of_a_class);
    tcase_add_test(tc, hex_digits_have_values);
    suite_add_tcase(suite, tc);
    return suite;
}
