#include "export/otlphold.h"

#include "../unit.h"
#include "base/clk.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_LEN = 4096 };

static struct otlphold *hold;
static char taken[LINE_MAX_LEN];

static void set_up(void)
{
    hold = otlphold_new();
}

static void tear_down(void)
{
    otlphold_free(hold);
}

struct line {
    char bytes[LINE_MAX_LEN];
    struct str text;
    struct logread read;
};

/* A line of `len` bytes at least. */
static void make(struct line *line, const char *route, const char *side, const char *weight, size_t len)
{
    int n = snprintf(line->bytes, sizeof line->bytes,
                     "{\"route\":\"%s\",\"side\":\"%s\",\"weight\":%s,\"message\":\"%*s\"}", route, side,
                     weight, (int)len, "");

    line->text = (struct str){line->bytes, (size_t)n};
    ck_assert(logread_line(line->text, &line->read));
}

static unsigned keep(const char *route, const char *side, int64_t now_ns)
{
    struct line line;

    make(&line, route, side, "10.00", 1);
    return otlphold_keep(hold, &line.read, line.text, now_ns);
}

static bool note(const char *route, const char *weight, int64_t now_ns)
{
    struct line line;

    make(&line, route, "stable", weight, 1);
    return otlphold_note(hold, &line.read, now_ns);
}

/* So many lines of the route are taken. */
static unsigned take_all(const char *route, int64_t now_ns)
{
    struct line line;
    unsigned n = 0;

    make(&line, route, "stable", "0.00", 1);
    while (otlphold_take(hold, &line.read, now_ns, taken, sizeof taken) > 0)
        n++;
    return n;
}

START_TEST(a_weight_that_falls_is_noticed_for_its_route)
{
    struct line line;

    ck_assert(!note("a", "10.00", 1));
    ck_assert(!note("b", "50.00", 1));
    ck_assert(!note("a", "25.00", 2));
    ck_assert(!note("a", "25.00", 3));
    ck_assert(note("a", "24.99", 4));
    ck_assert(!note("a", "24.99", 5));
    ck_assert(!note("a", "x", 5));
    make(&line, "a", "canary", "24.99", 1);
    ck_assert(otlphold_is_wanted(hold, &line.read, 5));
    ck_assert(!otlphold_is_wanted(hold, &line.read, 4 + OTLPHOLD_NS));
    make(&line, "b", "canary", "50.00", 1);
    ck_assert(!otlphold_is_wanted(hold, &line.read, 5));
}
END_TEST

START_TEST(lines_of_the_canary_are_kept_and_given_once)
{
    ck_assert_uint_eq(keep("a", "canary", 1), 0);
    ck_assert_uint_eq(keep("a", "stable", 1), 1);
    ck_assert_uint_eq(keep("b", "canary", 1), 0);
    ck_assert_uint_eq(keep("a", "canary", 2), 0);
    ck_assert_uint_eq(take_all("a", 3), 2);
    ck_assert_uint_eq(take_all("a", 3), 0);
    ck_assert_uint_eq(take_all("b", 3), 1);
}
END_TEST

START_TEST(what_is_old_is_given_up)
{
    ck_assert_uint_eq(keep("a", "canary", 1), 0);
    ck_assert_uint_eq(take_all("a", 1 + OTLPHOLD_NS), 0);
    ck_assert_uint_eq(keep("a", "canary", 1 + OTLPHOLD_NS), 1);
    ck_assert_uint_eq(take_all("a", 2 + OTLPHOLD_NS), 1);
    ck_assert_uint_eq(keep("a", "canary", 2 * OTLPHOLD_NS), 0); /* those that were taken are not lost */
}
END_TEST

START_TEST(it_is_bounded_in_lines_and_bytes)
{
    struct line line;
    unsigned lost = 0;

    for (unsigned i = 0; i < OTLPHOLD_LINES + 5; i++)
        lost += keep("a", "canary", 1);
    ck_assert_uint_eq(lost, 5);
    ck_assert_uint_eq(take_all("a", 2), OTLPHOLD_LINES);
    make(&line, "a", "canary", "10.00", 3500);
    for (unsigned i = 0; i < OTLPHOLD_LINES; i++)
        ck_assert_uint_le(otlphold_keep(hold, &line.read, line.text, 3), 1);
    ck_assert_uint_eq(take_all("a", 4), OTLPHOLD_BYTES / line.text.len);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("export/otlphold");
    TCase *tc = tcase_create("otlphold");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_weight_that_falls_is_noticed_for_its_route);
    tcase_add_test(tc, lines_of_the_canary_are_kept_and_given_once);
    tcase_add_test(tc, what_is_old_is_given_up);
    tcase_add_test(tc, it_is_bounded_in_lines_and_bytes);
    suite_add_tcase(suite, tc);
    return suite;
}
