#include "cli/args.h"

#include "../unit.h"

static const struct args_option options[] = {
    {.name = "config", .letter = 'c', .value = "FILE", .text = "a file"},
    {.name = "header", .letter = 'H', .value = "FIELD", .text = "a field"},
    {.name = "json", .text = "a flag"},
    {.name = "all", .letter = 'a', .text = "a flag"},
    {.name = "brief", .letter = 'b', .text = "a flag"},
};

static struct args args;
static char why[ARGS_WHY_MAX];

static bool parse(const char *const *argv)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    return args_parse(&args, options, ARRAY_LEN(options), argc, argv, why);
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

#define CHECK_REFUSED(says, ...)                                                                             \
    do {                                                                                                     \
        ck_assert(!PARSE(__VA_ARGS__));                                                                      \
        ck_assert_str_eq(why, says);                                                                         \
    } while (0)

START_TEST(a_value_may_be_written_in_four_ways)
{
    ck_assert(PARSE("--config", "x"));
    ck_assert_str_eq(args_value(&args, "config"), "x");
    ck_assert(PARSE("--config=x=y"));
    ck_assert_str_eq(args_value(&args, "config"), "x=y");
    ck_assert(PARSE("-c", "x"));
    ck_assert_str_eq(args_value(&args, "config"), "x");
    ck_assert(PARSE("-cx"));
    ck_assert_str_eq(args_value(&args, "config"), "x");
    ck_assert(PARSE("--config="));
    ck_assert_str_eq(args_value(&args, "config"), "");
}
END_TEST

START_TEST(options_and_operands_may_be_mixed)
{
    ck_assert(PARSE("web", "--json", "12.5", "-c", "x"));
    ck_assert_uint_eq(args.operands_len, 2);
    ck_assert_str_eq(args.operands[0], "web");
    ck_assert_str_eq(args.operands[1], "12.5");
    ck_assert(args_has(&args, "json"));
    ck_assert(!args_has(&args, "all"));
    ck_assert_ptr_null(args_value(&args, "header"));
}
END_TEST

START_TEST(two_dashes_end_the_options_and_one_is_standard_input)
{
    ck_assert(PARSE("-", "--", "--json", "-c"));
    ck_assert_uint_eq(args.operands_len, 3);
    ck_assert_str_eq(args.operands[0], "-");
    ck_assert_str_eq(args.operands[1], "--json");
    ck_assert_str_eq(args.operands[2], "-c");
    ck_assert_uint_eq(args.given_len, 0);
    ck_assert(PARSE("-c", "-"));
    ck_assert_str_eq(args_value(&args, "config"), "-");
    ck_assert(PARSE("-c", "--"));
    ck_assert_str_eq(args_value(&args, "config"), "--");
}
END_TEST

START_TEST(flags_of_one_letter_may_stand_together)
{
    ck_assert(PARSE("-ab"));
    ck_assert(args_has(&args, "all"));
    ck_assert(args_has(&args, "brief"));
    ck_assert(PARSE("-acx"));
    ck_assert(args_has(&args, "all"));
    ck_assert_str_eq(args_value(&args, "config"), "x");
    CHECK_REFUSED("unknown option -x", "-abx");
}
END_TEST

START_TEST(a_repeated_option_keeps_all_values_and_the_last_counts)
{
    size_t at = 0;

    ck_assert(PARSE("-H", "A: 1", "--json", "-H", "B: 2", "-c", "x"));
    ck_assert_str_eq(args_value(&args, "header"), "B: 2");
    ck_assert_str_eq(args_next(&args, "header", &at), "A: 1");
    ck_assert_str_eq(args_next(&args, "header", &at), "B: 2");
    ck_assert_ptr_null(args_next(&args, "header", &at));
    ck_assert_ptr_null(args_next(&args, "header", &at));
}
END_TEST

START_TEST(what_is_wrong_is_said_with_the_nearest_option)
{
    CHECK_REFUSED("unknown option --confg; did you mean --config?", "--confg");
    CHECK_REFUSED("unknown option --conf; did you mean --config?", "--conf=x");
    CHECK_REFUSED("unknown option --zzz", "--zzz");
    CHECK_REFUSED("--config needs a value: --config FILE", "--config");
    CHECK_REFUSED("-c needs a value: -c FILE", "-c");
    CHECK_REFUSED("--json takes no value", "--json=yes");
}
END_TEST

START_TEST(more_than_fits_is_refused)
{
    const char *argv[ARGS_OPERANDS_MAX + 2];

    for (size_t i = 0; i <= ARGS_OPERANDS_MAX; i++)
        argv[i] = "x";
    argv[ARGS_OPERANDS_MAX + 1] = NULL;
    ck_assert(!parse(argv));
    argv[ARGS_OPERANDS_MAX] = NULL;
    ck_assert(parse(argv));
    for (size_t i = 0; i <= ARGS_GIVEN_MAX; i++)
        argv[i] = "--json";
    ck_assert(!parse(argv));
}
END_TEST

START_TEST(the_nearest_word_is_near)
{
    static const char *const words[] = {"serve", "status", "check", "weight"};

    ck_assert_str_eq(args_nearest("chekc", words, 4), "check");
    ck_assert_str_eq(args_nearest("stat", words, 4), "status");
    ck_assert_str_eq(args_nearest("wieght", words, 4), "weight");
    ck_assert_ptr_null(args_nearest("frobnicate", words, 4));
    ck_assert_ptr_null(args_nearest("", words, 4));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("args");
    TCase *tc = tcase_create("args");

    tcase_add_test(tc, a_value_may_be_written_in_four_ways);
    tcase_add_test(tc, options_and_operands_may_be_mixed);
    tcase_add_test(tc, two_dashes_end_the_options_and_one_is_standard_input);
    tcase_add_test(tc, flags_of_one_letter_may_stand_together);
    tcase_add_test(tc, a_repeated_option_keeps_all_values_and_the_last_counts);
    tcase_add_test(tc, what_is_wrong_is_said_with_the_nearest_option);
    tcase_add_test(tc, more_than_fits_is_refused);
    tcase_add_test(tc, the_nearest_word_is_near);
    suite_add_tcase(suite, tc);
    return suite;
}
