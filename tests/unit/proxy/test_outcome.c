#include "proxy/outcome.h"

#include "../unit.h"
#include "base/str.h"

START_TEST(every_outcome_has_a_name_of_its_own_and_a_text)
{
    for (unsigned i = 0; i < OUTCOMES; i++) {
        const struct outcome_row *row = outcome_row((enum outcome)i);

        ck_assert_str_ne(row->name, "");
        ck_assert_str_ne(row->text, "");
        for (const char *c = row->name; *c; c++)
            ck_assert_msg((*c >= 'a' && *c <= 'z') || *c == '_', "%s", row->name);
        for (unsigned k = 0; k < i; k++)
            ck_assert_str_ne(row->name, outcome_row((enum outcome)k)->name);
    }
}
END_TEST

/* The guarantee of the judge rests on these two: our own limits and impatient clients never count against a
 * group. */
START_TEST(the_blame_fits_the_status)
{
    for (unsigned i = 0; i < OUTCOMES; i++) {
        const struct outcome_row *row = outcome_row((enum outcome)i);

        switch (row->blame) {
        case BLAME_NOBODY:
            ck_assert_uint_eq(row->status, 0);
            break;
        case BLAME_CLIENT:
            ck_assert_msg(row->status >= 400 && row->status < 500, "%s", row->name);
            break;
        case BLAME_GROUP:
            ck_assert_msg(i == OUTCOME_GRPC_ERROR ? row->status == 0
                                                  : row->status >= 502 && row->status <= 504,
                          "%s", row->name); /* an answer of the target's own has its own status */
            break;
        case BLAME_SELF:
            ck_assert_msg(row->status >= 200 && row->status < 600, "%s", row->name);
            break;
        }
        ck_assert_msg(row->retry == RETRY_NEVER || row->blame == BLAME_GROUP, "%s", row->name);
    }
    ck_assert_str_eq(blame_name(BLAME_NOBODY), "nobody");
    ck_assert_str_eq(blame_name(BLAME_CLIENT), "client");
    ck_assert_str_eq(blame_name(BLAME_GROUP), "group");
    ck_assert_str_eq(blame_name(BLAME_SELF), "self");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("outcome");
    TCase *tc = tcase_create("outcome");

    tcase_add_test(tc, every_outcome_has_a_name_of_its_own_and_a_text);
    tcase_add_test(tc, the_blame_fits_the_status);
    suite_add_tcase(suite, tc);
    return suite;
}
