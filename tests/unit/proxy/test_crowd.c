#include "proxy/crowd.h"

#include "base/mem.h"

#include "../unit.h"

#include <stdlib.h>

static struct crowd *crowd;

static void begin(void)
{
    crowd = mem_zalloc(sizeof *crowd);
    crowd_init(crowd);
}

static void end(void)
{
    free(crowd);
}

static struct crowd_place place(const char *text)
{
    struct ip ip;

    ck_assert(ip_parse(str_from(text), &ip));
    return crowd_find(crowd, &ip);
}

START_TEST(nobody_gets_beyond_the_cap_and_who_leaves_makes_room)
{
    struct crowd_place here = place("192.0.2.1");

    for (int i = 0; i < 3; i++)
        ck_assert(crowd_enter(&crowd->connections, here, 3));
    for (int i = 0; i < 3; i++)
        ck_assert(!crowd_enter(&crowd->connections, here, 3));
    ck_assert(crowd_enter(&crowd->requests, here, 1));
    crowd_leave(&crowd->connections, here);
    ck_assert(crowd_enter(&crowd->connections, here, 3));
    ck_assert(!crowd_enter(&crowd->connections, here, 3));
}
END_TEST

START_TEST(an_ipv6_subscriber_is_one_client)
{
    struct crowd_place a = place("2001:db8:1:2::1"), b = place("2001:db8:1:2:ffff::"),
                       c = place("2001:db8:1:3::1");

    ck_assert_mem_eq(&a, &b, sizeof a);
    ck_assert_mem_ne(&a, &c, sizeof a);
}
END_TEST

/* The chance that two of a thousand addresses share both counters is 1 in 2,000. */
START_TEST(others_are_not_in_the_way)
{
    for (int i = 0; i < 1000; i++) {
        char text[IP_TEXT_LEN];
        struct buf buf;

        buf_init(&buf, text, sizeof text);
        buf_printf(&buf, "10.1.%d.%d", i / 250, i % 250);
        text[buf.len] = '\0';
        for (int k = 0; k < 50; k++)
            ck_assert(crowd_enter(&crowd->connections, place(text), 150));
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("crowd");
    TCase *tc = tcase_create("crowd");

    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, nobody_gets_beyond_the_cap_and_who_leaves_makes_room);
    tcase_add_test(tc, an_ipv6_subscriber_is_one_client);
    tcase_add_test(tc, others_are_not_in_the_way);
    suite_add_tcase(suite, tc);
    return suite;
}
