#include "conf/types.h"

#include "problems.h"

static const struct {
    const char *text;
    unsigned decimals;
    int64_t scaled; /* -1: refused */
} decimals[] = {
    {"0", 2, 0},
    {"0.01", 2, 1},
    {"0.1", 2, 10},
    {"0.29", 2, 29}, /* 0.29 * 100 is 28.999… in binary */
    {"1.15", 2, 115},
    {"4.35", 2, 435},
    {"99.99", 2, 9999},
    {"100", 2, 10000},
    {"100.00", 2, 10000},
    {"12.500", 2, 1250},
    {"007", 2, 700},
    {"1e2", 2, 10000},
    {"1E-2", 2, 1},
    {"1.5e+1", 2, 1500},
    {"1e-05", 6, 10},
    {"0e99", 2, 0},
    {"123456789012345678", 0, 123456789012345678},
    {"0.005", 2, -1},
    {"12.345", 2, -1},
    {"1e-3", 2, -1},
    {"", 2, -1},
    {".5", 2, -1},
    {"5.", 2, -1},
    {"1.2.3", 2, -1},
    {"1,5", 2, -1},
    {"1 ", 2, -1},
    {"+1", 2, -1},
    {"-1", 2, -1},
    {"1e", 2, -1},
    {"1e+", 2, -1},
    {"1e100", 2, -1},
    {"1e18", 2, -1},
    {"0x10", 2, -1},
    {"inf", 2, -1},
    {"nan", 2, -1},
    {"1_000", 2, -1},
    {"12345678901234567890", 0, -1},
};

START_TEST(decimals_are_exact_or_refused)
{
    uint64_t scaled = 42;
    bool ok = decimal_parse(str_from(decimals[_i].text), decimals[_i].decimals, &scaled);

    ck_assert_int_eq(ok, decimals[_i].scaled >= 0);
    ck_assert_uint_eq(scaled, ok ? (uint64_t)decimals[_i].scaled : 42);
}
END_TEST

START_TEST(every_weight_in_hundredths_is_read_exactly)
{
    char text[32];
    uint64_t scaled;

    for (unsigned weight = 0; weight <= 10000; weight++) {
        snprintf(text, sizeof text, "%u.%02u", weight / 100, weight % 100);
        ck_assert(decimal_parse(str_from(text), 2, &scaled));
        ck_assert_uint_eq(scaled, weight);
    }
}
END_TEST

START_TEST(tokens_are_those_of_rfc_9110)
{
    ck_assert(is_token(STR("X-Platform")));
    ck_assert(is_token(STR("!#$%&'*+-.^_`|~09azAZ")));
    ck_assert(!is_token(STR("")));
    ck_assert(!is_token(STR("a b")));
    ck_assert(!is_token(STR("a:")));
    ck_assert(!is_token(STR("a\"")));
    ck_assert(!is_token(STR("a=b;")));
    ck_assert(!is_token(STR("\xc3\xa9")));
    ck_assert(!is_token((struct str){"a\0b", 3}));
}
END_TEST

START_TEST(the_nearest_word_is_one_that_could_be_meant)
{
    static const char *const words[] = {"minDwell", "maxDwell", "setWeight", "bake", "window"};

    ck_assert_str_eq(schema_nearest("minDwel", words, 5), "minDwell");
    ck_assert_str_eq(schema_nearest("mindwell", words, 5), "minDwell");
    ck_assert_str_eq(schema_nearest("min_dwell", words, 5), "minDwell");
    ck_assert_str_eq(schema_nearest("max-dwell", words, 5), "maxDwell");
    ck_assert_str_eq(schema_nearest("setWieght", words, 5), "setWeight");
    ck_assert_str_eq(schema_nearest("windows", words, 5), "window");
    ck_assert_ptr_null(schema_nearest("pause", words, 5));
    ck_assert_ptr_null(schema_nearest("", words, 5));
    ck_assert_ptr_null(schema_nearest("x", words, 0));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/types");
    TCase *tc = tcase_create("types");

    tcase_add_loop_test(tc, decimals_are_exact_or_refused, 0, (int)ARRAY_LEN(decimals));
    tcase_add_test(tc, every_weight_in_hundredths_is_read_exactly);
    tcase_add_test(tc, tokens_are_those_of_rfc_9110);
    tcase_add_test(tc, the_nearest_word_is_one_that_could_be_meant);
    suite_add_tcase(suite, tc);
    return suite;
}
