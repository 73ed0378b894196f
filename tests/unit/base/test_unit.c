#include "base/unit.h"

#include "base/clk.h"
#include "base/rnd.h"

#include "../unit.h"

START_TEST(durations_have_a_unit)
{
    static const struct {
        const char *text;
        int64_t ns;
    } rows[] = {
        {"0", 0},
        {"1ns", 1},
        {"3us", 3000},
        {"250ms", 250 * NS_PER_MS},
        {"10s", 10 * NS_PER_S},
        {"5m", 300 * NS_PER_S},
        {"2h", 7200 * NS_PER_S},
        {"7d", 7 * 86400 * NS_PER_S},
        {"1h30m", 5400 * NS_PER_S},
        {"1d2h3m4s5ms6us7ns", 93784 * NS_PER_S + 5006007},
        {"1.5s", 1500 * NS_PER_MS},
        {"0.25h", 900 * NS_PER_S},
        {"1.000000001s", NS_PER_S + 1},
        {"0s", 0},
        {"90s", 90 * NS_PER_S},
        {"3660d", 3660 * 86400 * NS_PER_S},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = -1;

        ck_assert_msg(unit_duration_parse(str_from(rows[i].text), &ns), "%s", rows[i].text);
        ck_assert_msg(ns == rows[i].ns, "%s gave %lld", rows[i].text, (long long)ns);
    }
}
END_TEST

START_TEST(anything_else_is_no_duration)
{
    static const char *const bad[] = {
        "",
        "1",
        "s",
        "00",
        "-1s",
        "+1s",
        " 1s",
        "1s ",
        "1 s",
        "1S",
        "1sec",
        "1.s",
        ".5s",
        "1.2.3s",
        "1e3s",
        "1s1s",
        "1m1h",
        "1h30",
        "3661d",
        "3660d1ns",
        "99999999999999999999s",
        "18446744073709551615d",
        "0.0000000001s",
        "1.5h.5m",
        "1min",
        "infinity",
    };
    int64_t ns = 7;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!unit_duration_parse(str_from(bad[i]), &ns), "%s", bad[i]);
    ck_assert(!unit_duration_parse(STR_NULL, &ns));
    ck_assert(!unit_duration_parse(STR("1s\0"), &ns));
    ck_assert_int_eq(ns, 7);
}
END_TEST

START_TEST(sizes_have_binary_or_decimal_units)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        {"0", 0},
        {"1500", 1500},
        {"1500B", 1500},
        {"64KiB", 65536},
        {"64KB", 64000},
        {"2MiB", 2097152},
        {"2MB", 2000000},
        {"2GiB", UINT64_C(2147483648)},
        {"1GB", UINT64_C(1000000000)},
        {"1TiB", UINT64_C(1099511627776)},
        {"1TB", UINT64_C(1000000000000)},
        {"1.5KiB", 1536},
        {"0.5MB", 500000},
        {"8192TiB", UINT64_C(1) << 53},
        {"9007199254740992", UINT64_C(1) << 53},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t bytes = 99;

        ck_assert_msg(unit_size_parse(str_from(rows[i].text), &bytes), "%s", rows[i].text);
        ck_assert_msg(bytes == rows[i].bytes, "%s gave %llu", rows[i].text, (unsigned long long)bytes);
    }
}
END_TEST

START_TEST(anything_else_is_no_size)
{
    static const char *const bad[] = {
        "",
        "B",
        "-1",
        "1 KiB",
        "1kb",
        "1K",
        "1KiB1B",
        "1.5",
        "1.5B",
        "1.KiB",
        ".5KiB",
        "8193TiB",
        "8192.5TiB",
        "9007199254740993",
        "9007199254740993B",
        "18446744073709551615",
        "18446744073709551616B",
        "KiB",
        "1KiBs",
    };
    uint64_t bytes = 7;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!unit_size_parse(str_from(bad[i]), &bytes), "%s", bad[i]);
    ck_assert(!unit_size_parse(STR_NULL, &bytes));
    ck_assert_uint_eq(bytes, 7);
}
END_TEST

START_TEST(durations_are_written_in_their_shortest_exact_form)
{
    char out[UNIT_TEXT_LEN];

    ck_assert_str_eq(unit_duration_text(0, out), "0");
    ck_assert_str_eq(unit_duration_text(-5, out), "0");
    ck_assert_str_eq(unit_duration_text(90 * NS_PER_S, out), "1m30s");
    ck_assert_str_eq(unit_duration_text(1500 * NS_PER_MS, out), "1s500ms");
    ck_assert_str_eq(unit_duration_text(7 * 86400 * NS_PER_S, out), "7d");
    ck_assert_str_eq(unit_duration_text(INT64_MAX, out), "106751d23h47m16s854ms775us807ns");
}
END_TEST

START_TEST(sizes_are_written_in_whole_binary_units)
{
    char out[UNIT_TEXT_LEN];

    ck_assert_str_eq(unit_size_text(0, out), "0B");
    ck_assert_str_eq(unit_size_text(1000, out), "1000B");
    ck_assert_str_eq(unit_size_text(65536, out), "64KiB");
    ck_assert_str_eq(unit_size_text(UINT64_C(3) << 30, out), "3GiB");
    ck_assert_str_eq(unit_size_text(UINT64_C(5) << 40, out), "5TiB");
    ck_assert_str_eq(unit_size_text(UINT64_MAX, out), "18446744073709551615B");
}
END_TEST

START_TEST(what_is_printed_can_be_read_back)
{
    struct rnd rnd;
    char out[UNIT_TEXT_LEN];

    rnd_seed(&rnd, 2);
    for (int i = 0; i < 10000; i++) {
        int64_t ns = (int64_t)(rnd_u64(&rnd) >> (6 + rnd_below(&rnd, 58))), ns_back;
        uint64_t bytes = rnd_u64(&rnd) >> (11 + rnd_below(&rnd, 53)) << rnd_below(&rnd, 2), bytes_back;

        ck_assert(unit_duration_parse(str_from(unit_duration_text(ns, out)), &ns_back));
        ck_assert_int_eq(ns, ns_back);
        bytes &= (UINT64_C(1) << 53) - 1;
        ck_assert(unit_size_parse(str_from(unit_size_text(bytes, out)), &bytes_back));
        ck_assert_uint_eq(bytes, bytes_back);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("unit");
    TCase *tc = tcase_create("unit");

    tcase_add_test(tc, durations_have_a_unit);
    tcase_add_test(tc, anything_else_is_no_duration);
    tcase_add_test(tc, sizes_have_binary_or_decimal_units);
    tcase_add_test(tc, anything_else_is_no_size);
    tcase_add_test(tc, durations_are_written_in_their_shortest_exact_form);
    tcase_add_test(tc, sizes_are_written_in_whole_binary_units);
    tcase_add_test(tc, what_is_printed_can_be_read_back);
    suite_add_tcase(suite, tc);
    return suite;
}
