#include "proxy/redact.h"

#include "../unit.h"

static char sig[] = "sig", token[] = "access_token", a_name[] = "x-a", b_name[] = "x-b", missing[] = "x-c";
static char *const secrets[] = {sig, token};
static char *const names[] = {missing, a_name, b_name};

START_TEST(values_of_secret_parameters_are_taken_out)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"?", "?"},
        {"?a=1&b=2", "?a=1&b=2"},
        {"?sig=abc", "?sig=REDACTED"},
        {"?SIG=abc&a=1", "?SIG=REDACTED&a=1"},
        {"?a=1&sig=a=b&sig=&access_token=x#sig=y",
         "?a=1&sig=REDACTED&sig=REDACTED&access_token=REDACTED#sig=REDACTED"},
        {"?a=1;sig=2", "?a=1;sig=REDACTED"},
        {"?sig", "?sig"},
        {"?xsig=1&sigx=2&a=sig=3", "?xsig=1&sigx=2&a=sig=3"},
        {"http://h/sig=1?sig=2", "http://h/sig=1?sig=REDACTED"},
        {"sig=1", "sig=REDACTED"},
        {"?&&?&sig=1", "?&&?&sig=REDACTED"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char block[256];
        struct buf out;
        struct str got;

        buf_init(&out, block, sizeof block);
        got = redact_query(str_from(cases[i].text), secrets, ARRAY_LEN(secrets), &out);
        ck_assert_msg(str_eq(got, str_from(cases[i].expected)), "%s: %.*s", cases[i].text, STR_ARG(got));
    }
}
END_TEST

START_TEST(no_secret_is_shown_where_the_room_ends)
{
    for (size_t cap = 0; cap < 40; cap++) {
        char block[64];
        struct buf out;
        struct str got;

        buf_init(&out, block, cap);
        got = redact_query(STR("?a=1&sig=SECRET&b=2"), secrets, ARRAY_LEN(secrets), &out);
        ck_assert_uint_le(got.len, cap);
        ck_assert(got.len == 0 || !memmem(got.p, got.len, "SECRET", 6));
    }
}
END_TEST

START_TEST(chosen_headers_become_an_object)
{
    struct field fields[4];
    struct head head;

    head_init(&head, fields, 4);
    ck_assert(head_add(&head, STR("X-A"), STR("1\""), false));
    ck_assert(head_add(&head, STR("Other"), STR("2"), false));
    ck_assert(head_add(&head, STR("x-b"), STR("3"), false));
    ck_assert(head_add(&head, STR("X-a"), STR("4"), false));
    for (size_t cap = 0; cap < 64; cap++) {
        char block[64];
        struct buf out;
        struct str got;

        buf_init(&out, block, cap);
        got = redact_headers(&head, names, ARRAY_LEN(names), &out);
        if (cap >= 26)
            ck_assert_msg(str_eq(got, STR("{\"x-a\":\"1\\\", 4\",\"x-b\":\"3\"}")), "%.*s", STR_ARG(got));
        else if (cap >= 16)
            ck_assert_msg(str_eq(got, STR("{\"x-a\":\"1\\\", 4\"}")), "%zu: %.*s", cap, STR_ARG(got));
        else if (cap >= 11)
            ck_assert_msg(str_eq(got, STR("{\"x-b\":\"3\"}")), "%zu: %.*s", cap, STR_ARG(got));
        else
            ck_assert_uint_eq(got.len, 0);
    }
    ck_assert_uint_eq(redact_headers(&head, names, 1, &(struct buf){.p = (char[64]){0}, .cap = 64}).len, 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("redact");
    TCase *tcase = tcase_create("redact");

    tcase_add_test(tcase, values_of_secret_parameters_are_taken_out);
    tcase_add_test(tcase, no_secret_is_shown_where_the_room_ends);
    tcase_add_test(tcase, chosen_headers_become_an_object);
    suite_add_tcase(suite, tcase);
    return suite;
}
