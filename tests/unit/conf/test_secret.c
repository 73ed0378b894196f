/* What is a secret, and what a file has of one. */
#include "conf/secret.h"

#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *written, *secret, *wrong;
} cases[] = {
    {"s3cret", "s3cret", NULL},
    {"s3cret\n", "s3cret", NULL},
    {"s3cret\r\n\r\n", "s3cret", NULL},
    {"!~", "!~", NULL},
    {"", NULL, "is empty"},
    {"\n", NULL, "is empty"},
    {"a b", NULL, "has blanks or other characters beyond printable ASCII"},
    {"a\nb", NULL, "has blanks or other characters beyond printable ASCII"},
    {"\xc3\xa9", NULL, "has blanks or other characters beyond printable ASCII"},
    {"a\x7f", NULL, "has blanks or other characters beyond printable ASCII"},
};

START_TEST(line_ends_are_no_part_of_a_secret_and_nothing_else_is_taken_off)
{
    struct str secret = str_from(cases[_i].written);
    const char *wrong = secret_refine(&secret);

    if (cases[_i].wrong) {
        ck_assert_str_eq(wrong, cases[_i].wrong);
        return;
    }
    ck_assert_ptr_null(wrong);
    ck_assert(str_eq(secret, str_from(cases[_i].secret)));
}
END_TEST

START_TEST(a_file_has_a_secret_or_it_is_said_why_not)
{
    char path[] = "/tmp/penstock-secret-XXXXXX", *why = NULL, *secret;
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, cases[_i].written, strlen(cases[_i].written)),
                     (ssize_t)strlen(cases[_i].written));
    close(fd);
    secret = secret_read(path, &why);
    unlink(path);
    if (cases[_i].wrong) {
        ck_assert_ptr_null(secret);
        ck_assert(strstr(why, cases[_i].wrong));
    } else {
        ck_assert_str_eq(secret, cases[_i].secret);
        ck_assert_ptr_null(why);
    }
    free(secret);
    free(why);
    ck_assert_ptr_null(secret_read(path, &why));
    ck_assert_ptr_nonnull(why);
    free(why);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("secret");
    TCase *tc = tcase_create("secret");

    tcase_add_loop_test(tc, line_ends_are_no_part_of_a_secret_and_nothing_else_is_taken_off, 0,
                        ARRAY_LEN(cases));
    tcase_add_loop_test(tc, a_file_has_a_secret_or_it_is_said_why_not, 0, ARRAY_LEN(cases));
    suite_add_tcase(suite, tc);
    return suite;
}
