#include "conf/env.h"

#include "../unit.h"

#include <stdlib.h>

static char *lookup(const char *name)
{
    static char value[] = "va$lue", empty[] = "";

    if (strcmp(name, "A_1") == 0)
        return value;
    return strcmp(name, "EMPTY") == 0 ? empty : NULL;
}

static const struct {
    const char *input, *output, *why;
} cases[] = {
    {"", "", NULL},
    {"plain", "plain", NULL},
    {"${A_1}", "va$lue", NULL}, /* a value is not expanded again */
    {"x${A_1}y${EMPTY}z", "xva$lueyz", NULL},
    {"$${A_1}", "${A_1}", NULL},
    {"$$$$", "$$", NULL},
    {"a$", "a$", NULL},
    {"^/x$|$1", "^/x$|$1", NULL},
    {"${NOPE}", NULL, "the environment has no variable NOPE; set it, or write $$ for a plain $"},
    {"${A_1", NULL, "${ has no closing }; write $$ for a $ that begins no variable"},
    {"${}", NULL, "${} is not a variable: a name has letters, digits and _ only; write $$ for a plain $"},
    {"${1A}", NULL, "${1A} is not a variable: a name has letters, digits and _ only; write $$ for a plain $"},
    {"${A:-x}", NULL,
     "${A:-x} is not a variable: a name has letters, digits and _ only; write $$ for a plain $"},
};

START_TEST(variables_are_replaced_once_and_dollars_escaped)
{
    char *why = NULL, *got = env_expand(str_from(cases[_i].input), 100, lookup, &why);

    if (cases[_i].why) {
        ck_assert_ptr_null(got);
        ck_assert_str_eq(why, cases[_i].why);
    } else {
        ck_assert_ptr_null(why);
        ck_assert_str_eq(got, cases[_i].output);
    }
    free(got);
    free(why);
}
END_TEST

START_TEST(without_a_lookup_every_variable_is_refused)
{
    char *why = NULL, *got = env_expand(STR("a ${HOME} b"), 100, NULL, &why);

    ck_assert_ptr_null(got);
    ck_assert_str_eq(why, "${HOME}: variables are not expanded here; write the value, or $$ for a plain $");
    free(why);
    got = env_expand(STR("a $$ b"), 100, NULL, &why);
    ck_assert_str_eq(got, "a $ b");
    free(got);
}
END_TEST

START_TEST(a_value_that_grows_too_long_is_refused)
{
    char *why = NULL, *got = env_expand(STR("${A_1}"), 6, lookup, &why);

    ck_assert_str_eq(got, "va$lue");
    free(got);
    got = env_expand(STR("${A_1}!"), 6, lookup, &why);
    ck_assert_ptr_null(got);
    ck_assert_str_eq(why, "is longer than 6 bytes");
    free(why);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/env");
    TCase *tc = tcase_create("env");

    tcase_add_loop_test(tc, variables_are_replaced_once_and_dollars_escaped, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, without_a_lookup_every_variable_is_refused);
    tcase_add_test(tc, a_value_that_grows_too_long_is_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
