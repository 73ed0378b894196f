#include "proxy/ticket.h"

#include "../unit.h"

#include <stdlib.h>

#define SECRET "0123456789abcdef"
/* Made with: printf penstock-override:canary.1764201600.web | openssl dgst -sha256 -hmac 0123456789abcdef */
#define VALUE "canary.1764201600.web.103201cf4fe337c76dd617083943d179359b3ab0afac0708afc242d6bf0762a0"

static struct str written(char block[static TICKET_LEN], enum config_side side, int64_t expires_s,
                          const char *route, const char *secret)
{
    struct buf buf;

    buf_init(&buf, block, TICKET_LEN);
    ticket_write(&buf, side, expires_s, str_from(route), secret);
    ck_assert(!buf.full);
    return buf_str(&buf);
}

/* In a block of just that size, so that a sanitizer sees a step beyond it. */
static bool takes(struct str value)
{
    char *copy = malloc(value.len ? value.len : 1);
    struct ticket ticket;
    bool ok;

    if (value.len)
        memcpy(copy, value.p, value.len);
    ok = ticket_parse((struct str){copy, value.len}, &ticket) && ticket_is_signed(&ticket, SECRET);
    free(copy);
    return ok;
}

START_TEST(what_openssl_signs_on_a_command_line_is_taken)
{
    struct ticket ticket;
    char block[TICKET_LEN];

    ck_assert(ticket_parse(STR(VALUE), &ticket));
    ck_assert_int_eq(ticket.side, CONFIG_SIDE_CANARY);
    ck_assert_int_eq(ticket.expires_s, 1764201600);
    ck_assert(str_eq(ticket.route, STR("web")));
    ck_assert(ticket_is_signed(&ticket, SECRET));
    ck_assert(!ticket_is_signed(&ticket, SECRET "0"));
    ck_assert(str_eq(written(block, CONFIG_SIDE_CANARY, 1764201600, "web", SECRET), STR(VALUE)));
}
END_TEST

START_TEST(what_is_written_is_read)
{
    static const char *const routes[] = {
        "a", "*", "a.b", ".", "..", "-_.", "123456789012345678901234567890123456789012345678901234567890abc"};
    static const int64_t times[] = {1, 1764201600, 99999999999};

    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        for (size_t k = 0; k < ARRAY_LEN(times); k++)
            for (enum config_side side = CONFIG_SIDE_STABLE; side <= CONFIG_SIDE_CANARY; side++) {
                char block[TICKET_LEN];
                struct str value = written(block, side, times[k], routes[i], SECRET);
                struct ticket ticket;

                ck_assert(takes(value));
                ck_assert(ticket_parse(value, &ticket));
                ck_assert_int_eq(ticket.side, side);
                ck_assert_int_eq(ticket.expires_s, times[k]);
                ck_assert(str_eq(ticket.route, str_from(routes[i])));
                ck_assert(ticket_is_for(&ticket, routes[i]));
                ck_assert_int_eq(ticket_is_for(&ticket, "other"), routes[i][0] == '*');
            }
}
END_TEST

START_TEST(a_value_that_is_cut_or_longer_is_none)
{
    struct str whole = STR(VALUE);
    char longer[sizeof VALUE + 1];

    for (size_t len = 0; len < whole.len; len++) {
        ck_assert_msg(!takes((struct str){whole.p, len}), "the first %zu", len);
        ck_assert_msg(!takes((struct str){whole.p + whole.len - len, len}), "the last %zu", len);
    }
    for (unsigned c = 0; c < 256; c++) {
        memcpy(longer, VALUE, whole.len);
        longer[whole.len] = (char)c;
        ck_assert_msg(!takes((struct str){longer, whole.len + 1}), "%u behind it", c);
        memcpy(longer + 1, VALUE, whole.len);
        longer[0] = (char)c;
        ck_assert_msg(!takes((struct str){longer, whole.len + 1}), "%u before it", c);
    }
}
END_TEST

START_TEST(a_value_with_one_other_byte_is_none)
{
    struct str whole = STR(VALUE);
    char other[sizeof VALUE];

    ck_assert(takes(whole));
    for (size_t i = 0; i < whole.len; i++)
        for (unsigned c = 0; c < 256; c++) {
            memcpy(other, VALUE, sizeof other);
            if (other[i] == (char)c)
                continue;
            other[i] = (char)c;
            ck_assert_msg(!takes((struct str){other, whole.len}), "byte %zu is %u", i, c);
        }
}
END_TEST

START_TEST(other_forms_are_refused_before_the_signature)
{
#define MAC "00000000000000000000000000000000000000000000000000000000000000ff"
    static const char *const bad[] = {
        "",
        ".",
        MAC,
        "." MAC,
        "canary." MAC,
        "canary.1." MAC,
        "canary.1.." MAC,
        "Canary.1.web." MAC,
        "canar.1.web." MAC,
        "canary.0.web." MAC,
        "canary.01.web." MAC,
        "canary.-1.web." MAC,
        "canary.+1.web." MAC,
        "canary.1e3.web." MAC,
        "canary.123456789012.web." MAC,
        "canary..web." MAC,
        "canary.1.we b." MAC,
        "canary.1.web*." MAC,
        "canary.1.**." MAC,
        "canary.1.w;eb." MAC,
        " canary.1.web." MAC,
        "canary.1.web." MAC " ",
        "canary.1.1234567890123456789012345678901234567890123456789012345678901234." MAC,
        "canary.1.web.00000000000000000000000000000000000000000000000000000000000000FF",
        "canary.1.web.00000000000000000000000000000000000000000000000000000000000000f",
        "canary.1.web.00000000000000000000000000000000000000000000000000000000000000fff",
    };
    struct ticket ticket;

    ck_assert(ticket_parse(STR("canary.1.web." MAC), &ticket));
    ck_assert(ticket_parse(STR("stable.1.*." MAC), &ticket));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!ticket_parse(str_from(bad[i]), &ticket), "%s", bad[i]);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("ticket");
    TCase *tc = tcase_create("ticket");

    tcase_add_test(tc, what_openssl_signs_on_a_command_line_is_taken);
    tcase_add_test(tc, what_is_written_is_read);
    tcase_add_test(tc, a_value_that_is_cut_or_longer_is_none);
    tcase_add_test(tc, a_value_with_one_other_byte_is_none);
    tcase_add_test(tc, other_forms_are_refused_before_the_signature);
    suite_add_tcase(suite, tc);
    return suite;
}
