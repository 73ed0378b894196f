#include "proto/field.h"

#include "../unit.h"

#include <stdlib.h>

START_TEST(every_known_name_is_found_in_any_case)
{
    for (enum field_id id = FIELD_OTHER + 1; id < FIELD_ID_LEN; id++) {
        struct str name = field_name(id);
        char upper[64];

        ck_assert_uint_lt(name.len, sizeof upper);
        for (size_t i = 0; i < name.len; i++)
            upper[i] = name.p[i] >= 'a' && name.p[i] <= 'z' ? (char)(name.p[i] - 32) : name.p[i];
        ck_assert_msg(field_id(name) == id, "%.*s", STR_ARG(name));
        ck_assert_msg(field_id((struct str){upper, name.len}) == id, "%.*s", STR_ARG(name));
    }
}
END_TEST

START_TEST(a_known_name_with_one_byte_changed_is_another)
{
    for (enum field_id id = FIELD_OTHER + 1; id < FIELD_ID_LEN; id++) {
        struct str name = field_name(id);
        char copy[64];

        for (size_t i = 0; i < name.len; i++) {
            memcpy(copy, name.p, name.len);
            copy[i] = '!';
            ck_assert_int_eq(field_id((struct str){copy, name.len}), FIELD_OTHER);
        }
        ck_assert_int_ne(field_id((struct str){name.p, name.len - 1}), id);
    }
}
END_TEST

START_TEST(names_that_a_server_may_fold_are_alike)
{
    ck_assert(field_name_alike(STR("X-Platform"), STR("x_platform")));
    ck_assert(field_name_alike(STR("X.PLATFORM"), STR("x-platform")));
    ck_assert(!field_name_alike(STR("X-Platform"), STR("X-Platforms")));
    ck_assert(!field_name_alike(STR("X+Platform"), STR("X-Platform")));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("field");
    TCase *tc = tcase_create("field");

    tcase_add_test(tc, every_known_name_is_found_in_any_case);
    tcase_add_test(tc, a_known_name_with_one_byte_changed_is_another);
    tcase_add_test(tc, names_that_a_server_may_fold_are_alike);
    suite_add_tcase(suite, tc);
    return suite;
}
