#include "proxy/override.h"
#include "route/steer.h"

#include "base/clk.h"
#include "proxy/relay.h"
#include "proxy/ticket.h"

#include "head.h"

#include <stdio.h>

#define OLD "an-old-secret-of-24-byte"
#define NEW "a-new-secret-of-24-bytes"

enum { NOW = 1764200000 };

static char header[] = "X-Override", cookie[] = "ov", word[] = "yes", tester[] = "X-Tester", name[] = "web";
static char secret_old[] = OLD, secret_new[] = NEW;
static char *both[] = {secret_new, secret_old};
static struct ip_net office, lab;

static void setup(void)
{
    ck_assert(ip_net_parse(STR("192.0.2.0/28"), &office));
    ck_assert(ip_net_parse(STR("2001:db8::/32"), &lab));
}

static struct config_override signed_header(void)
{
    return (struct config_override){.header = header, .secrets = both, .secrets_len = 2};
}

/* What `overrides`, and behind them the plan, say to a request of these lines from `client` ("" is unknown).
 */
static enum override_result ask_with(const struct steer *steer, struct config_override *overrides, size_t len,
                                     const char *lines, const char *client, enum route_side *side_r)
{
    const struct config_route conf = {.name = name, .overrides = overrides, .overrides_len = len};
    const struct route route = {.conf = &conf, .steer = steer};
    struct field fields[16];
    struct head head;
    char text[1024];
    struct ip ip;

    snprintf(text, sizeof text, HEAD_GET "%s\r\n", lines);
    head_of(&head, fields, ARRAY_LEN(fields), text);
    return override_find(&route, &head, ip_parse(str_from(client), &ip) ? &ip : NULL, NOW * NS_PER_S, side_r);
}

static enum override_result ask(struct config_override *overrides, size_t len, const char *lines,
                                const char *client, enum route_side *side_r)
{
    return ask_with(NULL, overrides, len, lines, client, side_r);
}

static const char *field_of(const char *before, enum config_side side, int64_t expires_s, const char *route,
                            const char *secret)
{
    static char line[256];
    char block[TICKET_LEN];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    ticket_write(&buf, side, expires_s, str_from(route), secret);
    snprintf(line, sizeof line, "%s%.*s\r\n", before, STR_ARG(buf_str(&buf)));
    return line;
}

START_TEST(a_signed_value_chooses_its_side_until_it_is_too_old)
{
    static const struct {
        enum config_side side;
        int64_t expires_s;
        const char *route, *secret;
        enum override_result result;
    } cases[] = {
        {CONFIG_SIDE_CANARY, NOW + 1, "web", NEW, OVERRIDE_SIGNED},
        {CONFIG_SIDE_STABLE, NOW + 1, "web", NEW, OVERRIDE_SIGNED},
        {CONFIG_SIDE_CANARY, NOW + 1, "*", OLD, OVERRIDE_SIGNED},
        {CONFIG_SIDE_CANARY, NOW, "web", NEW, OVERRIDE_EXPIRED},
        {CONFIG_SIDE_CANARY, NOW - 1, "web", OLD, OVERRIDE_EXPIRED},
        {CONFIG_SIDE_CANARY, NOW + 1, "api", NEW, OVERRIDE_OTHER_ROUTE},
        {CONFIG_SIDE_CANARY, NOW + 1, "web", "a-third-secret-of-24-byte", OVERRIDE_FORGED},
    };
    struct config_override override = signed_header();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum route_side side = ROUTE_SIDES;
        enum override_result result =
            ask(&override, 1,
                field_of("x-override: ", cases[i].side, cases[i].expires_s, cases[i].route, cases[i].secret),
                "203.0.113.1", &side);

        ck_assert_msg(result == cases[i].result, "%zu: %d", i, (int)result);
        if (result == OVERRIDE_SIGNED)
            ck_assert_int_eq(side, cases[i].side == CONFIG_SIDE_CANARY ? ROUTE_CANARY : ROUTE_STABLE);
    }
}
END_TEST

START_TEST(what_is_no_signed_value_is_malformed_and_its_absence_is_nothing)
{
    struct config_override override = signed_header();
    enum route_side side;
    char twice[512];

    ck_assert_int_eq(ask(&override, 1, "", "192.0.2.1", &side), OVERRIDE_NONE);
    ck_assert_int_eq(ask(&override, 1, "X-Override: canary\r\n", "192.0.2.1", &side), OVERRIDE_MALFORMED);
    ck_assert_int_eq(ask(&override, 1, "X-Override:\r\n", "192.0.2.1", &side), OVERRIDE_MALFORMED);
    ck_assert_int_eq(ask(&override, 1, "Cookie: X-Override=canary\r\n", "192.0.2.1", &side), OVERRIDE_NONE);
    snprintf(twice, sizeof twice, "X-Override: x\r\n%s",
             field_of("X-Override: ", CONFIG_SIDE_CANARY, NOW + 1, "web", NEW));
    ck_assert_int_eq(ask(&override, 1, twice, "192.0.2.1", &side), OVERRIDE_MALFORMED);
}
END_TEST

START_TEST(a_cookie_works_as_a_header_does)
{
    struct config_override override = {.cookie = cookie, .secrets = both, .secrets_len = 2};
    enum route_side side = ROUTE_STABLE;

    ck_assert_int_eq(
        ask(&override, 1, field_of("Cookie: a=b; ov=", CONFIG_SIDE_CANARY, NOW + 1, "web", NEW), "", &side),
        OVERRIDE_SIGNED);
    ck_assert_int_eq(side, ROUTE_CANARY);
    ck_assert_int_eq(ask(&override, 1, "Cookie: ov=1\r\n", "", &side), OVERRIDE_MALFORMED);
}
END_TEST

START_TEST(networks_limit_what_may_be_chosen)
{
    struct ip_net nets[] = {office, lab};
    struct config_override plain = {
        .header = tester, .value = word, .networks = nets, .networks_len = 2, .to = CONFIG_SIDE_CANARY};
    struct config_override bare = {.networks = nets, .networks_len = 1, .to = CONFIG_SIDE_CANARY};
    struct config_override narrow = signed_header();
    const char *good = field_of("X-Override: ", CONFIG_SIDE_CANARY, NOW + 1, "web", NEW);
    enum route_side side = ROUTE_STABLE;

    narrow.networks = nets;
    narrow.networks_len = 2;
    ck_assert_int_eq(ask(&plain, 1, "X-Tester: yes\r\n", "192.0.2.15", &side), OVERRIDE_VALUE);
    ck_assert_int_eq(side, ROUTE_CANARY);
    ck_assert_int_eq(ask(&plain, 1, "X-Tester: yes\r\n", "2001:db8::1", &side), OVERRIDE_VALUE);
    ck_assert_int_eq(ask(&plain, 1, "X-Tester: yes\r\n", "192.0.2.16", &side), OVERRIDE_OTHER_NETWORK);
    ck_assert_int_eq(ask(&plain, 1, "X-Tester: yes\r\n", "", &side), OVERRIDE_OTHER_NETWORK);
    ck_assert_int_eq(ask(&plain, 1, "X-Tester: no\r\n", "192.0.2.1", &side), OVERRIDE_NONE);
    ck_assert_int_eq(ask(&plain, 1, "", "192.0.2.1", &side), OVERRIDE_NONE);
    ck_assert_int_eq(ask(&bare, 1, "", "192.0.2.1", &side), OVERRIDE_NETWORK);
    ck_assert_int_eq(ask(&bare, 1, "", "203.0.113.1", &side), OVERRIDE_NONE);
    ck_assert_int_eq(ask(&bare, 1, "", "", &side), OVERRIDE_NONE);
    ck_assert_int_eq(ask(&narrow, 1, good, "192.0.2.1", &side), OVERRIDE_SIGNED);
    ck_assert_int_eq(ask(&narrow, 1, good, "203.0.113.1", &side), OVERRIDE_OTHER_NETWORK);
    ck_assert_int_eq(ask(&narrow, 1, good, "", &side), OVERRIDE_OTHER_NETWORK);
}
END_TEST

START_TEST(the_first_that_takes_it_counts_and_else_the_first_reason)
{
    struct config_override overrides[] = {
        signed_header(),
        {.header = tester, .value = word, .networks = &office, .networks_len = 1, .to = CONFIG_SIDE_STABLE},
        {.networks = &office, .networks_len = 1, .to = CONFIG_SIDE_CANARY},
    };
    enum route_side side = ROUTE_SIDES;

    ck_assert_int_eq(ask(overrides, 3, "X-Override: x\r\nX-Tester: yes\r\n", "192.0.2.1", &side),
                     OVERRIDE_VALUE);
    ck_assert_int_eq(side, ROUTE_STABLE);
    ck_assert_int_eq(ask(overrides, 3, "X-Override: x\r\n", "192.0.2.1", &side), OVERRIDE_NETWORK);
    ck_assert_int_eq(side, ROUTE_CANARY);
    ck_assert_int_eq(ask(overrides, 3, "X-Override: x\r\nX-Tester: yes\r\n", "203.0.113.1", &side),
                     OVERRIDE_MALFORMED);
    ck_assert_int_eq(ask(overrides, 3, "X-Tester: yes\r\n", "203.0.113.1", &side), OVERRIDE_OTHER_NETWORK);
}
END_TEST

/* ---- what is sent on ---- */

static void sent(const struct config_route *route, const char *lines, char *out, size_t cap)
{
    static struct relay_queue queue;
    struct field fields[16];
    struct head head;
    char text[1024];
    size_t len = 0;

    snprintf(text, sizeof text, HEAD_GET "%s\r\n", lines);
    head_of(&head, fields, ARRAY_LEN(fields), text);
    override_strip(route, &head);
    override_strip(route, &head);
    for (size_t i = 1; i < head.len; i++) {
        relay_queue_init(&queue);
        if (head.fields[i].flags & FIELD_HOP)
            continue;
        if (head.fields[i].flags & FIELD_PART) {
            override_queue_cookies(route, &head.fields[i], &queue);
            ck_assert_int_le(queue.len, 11);
            for (int k = 0; k < queue.len; k++)
                len += (size_t)snprintf(out + len, cap - len, "%.*s", (int)queue.iov[k].iov_len,
                                        (const char *)queue.iov[k].iov_base);
        } else {
            len += (size_t)snprintf(out + len, cap - len, "%.*s: %.*s\r\n", STR_ARG(head.fields[i].name),
                                    STR_ARG(head.fields[i].value));
        }
    }
    out[len] = '\0';
}

START_TEST(signed_values_are_not_sent_on)
{
    static const struct {
        const char *lines, *sent;
    } cases[] = {
        {"A: b\r\n", "A: b\r\n"},
        {"A: b\r\nX-Override: v\r\nC: d\r\n", "A: b\r\nC: d\r\n"},
        {"x_override: v\r\nX-OVERRIDE: v\r\nC: d\r\n", "C: d\r\n"},
        {"X-Tester: yes\r\n", "X-Tester: yes\r\n"},
        {"Cookie: ov=v\r\n", ""},
        {"Cookie: a=b; ov=v\r\n", "Cookie: a=b\r\n"},
        {"Cookie: ov=v; a=b\r\n", "Cookie: a=b\r\n"},
        {"Cookie: a=b; ov=v; c=d; e=f\r\n", "Cookie: a=b; c=d; e=f\r\n"},
        {"Cookie: a=b;ov=\"v\";c=d;;\r\n", "Cookie: a=b; c=d\r\n"},
        {"Cookie: a=b;  c=d; ov =v ; \r\n", "Cookie: a=b;  c=d\r\n"},
        {"Cookie: xov=v; ovx=v; ov; OV=v\r\n", "Cookie: xov=v; ovx=v; ov; OV=v\r\n"},
        {"Cookie: ov=; a=ov=v\r\n", "Cookie: a=ov=v\r\n"},
        {"Cookie: 1=1; ov=v; 2=2; ov=v; 3=3; ov=v; 4=4; ov=v; 5=5\r\n",
         "Cookie: 1=1; 2=2; 3=3; 4=4; 5=5\r\n"},
        {"Cookie: 1=1; ov=v; 2=2; ov=v; 3=3; ov=v; 4=4; ov=v; 5=5; ov=v\r\n", ""},
        {"Cookie: a=b\r\nCookie: c=d; ov=v\r\nCookie: e=f; ov=v\r\n", "Cookie: a=b\r\nCookie: c=d\r\n"},
    };
    struct config_override overrides[] = {
        signed_header(),
        {.cookie = cookie, .secrets = both, .secrets_len = 2},
        {.header = tester, .value = word, .networks = &office, .networks_len = 1, .to = CONFIG_SIDE_STABLE},
    };
    struct config_route route = {.name = name, .overrides = overrides, .overrides_len = 3};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[1024];

        sent(&route, cases[i].lines, out, sizeof out);
        ck_assert_msg(strcmp(out, cases[i].sent) == 0, "%zu: %s", i, out);
    }
}
END_TEST

START_TEST(the_plan_of_a_rollout_chooses_behind_the_overrides_of_the_route)
{
    struct config_override plain = {
        .header = tester, .value = word, .networks = &office, .networks_len = 1, .to = CONFIG_SIDE_STABLE};
    struct plan_header_route plan = {.header = "X-Canary", .value = "always", .to = GROUP_CANARY};
    struct steer *everybody = steer_new(&plan), *some;
    enum route_side side = ROUTE_STABLE;

    plan.networks[plan.networks_len++] = lab;
    some = steer_new(&plan);
    ck_assert_int_eq(ask_with(everybody, NULL, 0, "X-Canary: always\r\n", "", &side), OVERRIDE_PLAN);
    ck_assert_int_eq(side, ROUTE_CANARY);
    ck_assert_int_eq(ask_with(everybody, NULL, 0, "X-Canary: never\r\n", "", &side), OVERRIDE_NONE);
    ck_assert_int_eq(ask_with(everybody, NULL, 0, "X-Canary: always\r\nx-canary: always\r\n", "", &side),
                     OVERRIDE_NONE);
    ck_assert_int_eq(ask_with(some, NULL, 0, "X-Canary: always\r\n", "2001:db8::1", &side), OVERRIDE_PLAN);
    ck_assert_int_eq(ask_with(some, NULL, 0, "X-Canary: always\r\n", "192.0.2.1", &side),
                     OVERRIDE_OTHER_NETWORK);
    ck_assert_int_eq(ask_with(some, NULL, 0, "X-Canary: always\r\n", "", &side), OVERRIDE_OTHER_NETWORK);
    ck_assert_int_eq(
        ask_with(everybody, &plain, 1, "X-Canary: always\r\nX-Tester: yes\r\n", "192.0.2.1", &side),
        OVERRIDE_VALUE);
    ck_assert_int_eq(side, ROUTE_STABLE);
    ck_assert_int_eq(ask_with(everybody, &plain, 1, "X-Canary: always\r\nX-Tester: yes\r\n", "", &side),
                     OVERRIDE_PLAN);
    steer_free(everybody);
    steer_free(some);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("override");
    TCase *tc = tcase_create("override");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, a_signed_value_chooses_its_side_until_it_is_too_old);
    tcase_add_test(tc, what_is_no_signed_value_is_malformed_and_its_absence_is_nothing);
    tcase_add_test(tc, a_cookie_works_as_a_header_does);
    tcase_add_test(tc, networks_limit_what_may_be_chosen);
    tcase_add_test(tc, the_first_that_takes_it_counts_and_else_the_first_reason);
    tcase_add_test(tc, the_plan_of_a_rollout_chooses_behind_the_overrides_of_the_route);
    tcase_add_test(tc, signed_values_are_not_sent_on);
    suite_add_tcase(suite, tc);
    return suite;
}
