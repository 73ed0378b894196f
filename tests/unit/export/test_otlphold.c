#include "export/otlphold.h"

#include "../unit.h"

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

static struct accesslog_mark mark(const char *route, bool canary, uint32_t weight)
{
    return (struct accesslog_mark){
        .route = accesslog_route(str_from(route)), .weight = weight, .facts = canary ? ACCESSLOG_CANARY : 0};
}

static unsigned keep_long(const char *route, bool canary, size_t len, int64_t now_ns)
{
    static const char bytes[LINE_MAX_LEN];
    struct accesslog_mark at = mark(route, canary, 1000);

    return otlphold_keep(hold, &at, (struct str){bytes, len}, now_ns);
}

static unsigned keep(const char *route, bool canary, int64_t now_ns)
{
    return keep_long(route, canary, 100, now_ns);
}

static bool note(const char *route, uint32_t weight, int64_t now_ns)
{
    struct accesslog_mark at = mark(route, false, weight);

    return otlphold_note(hold, &at, now_ns);
}

static bool is_wanted(const char *route, bool canary, int64_t now_ns)
{
    struct accesslog_mark at = mark(route, canary, 1000);

    return otlphold_is_wanted(hold, &at, now_ns);
}

/* So many lines of the route are taken. */
static unsigned take_all(const char *route, int64_t now_ns)
{
    struct accesslog_mark at = mark(route, false, 0);
    unsigned n = 0;

    while (otlphold_take(hold, &at, now_ns, taken, sizeof taken) > 0)
        n++;
    return n;
}

START_TEST(a_weight_that_falls_is_noticed_for_its_route)
{
    ck_assert(!note("a", 1000, 1));
    ck_assert(!note("b", 5000, 1));
    ck_assert(!note("a", 2500, 2));
    ck_assert(!note("a", 2500, 3));
    ck_assert(note("a", 2499, 4));
    ck_assert(!note("a", 2499, 5));
    ck_assert(is_wanted("a", true, 5));
    ck_assert(!is_wanted("a", false, 5));
    ck_assert(!is_wanted("a", true, 4 + OTLPHOLD_NS));
    ck_assert(!is_wanted("b", true, 5));
}
END_TEST

START_TEST(lines_of_the_canary_are_kept_and_given_once)
{
    ck_assert_uint_eq(keep("a", true, 1), 0);
    ck_assert_uint_eq(keep("a", false, 1), 1);
    ck_assert_uint_eq(keep("b", true, 1), 0);
    ck_assert_uint_eq(keep("a", true, 2), 0);
    ck_assert_uint_eq(take_all("a", 3), 2);
    ck_assert_uint_eq(take_all("a", 3), 0);
    ck_assert_uint_eq(take_all("b", 3), 1);
}
END_TEST

START_TEST(what_is_old_is_given_up)
{
    ck_assert_uint_eq(keep("a", true, 1), 0);
    ck_assert_uint_eq(take_all("a", 1 + OTLPHOLD_NS), 0);
    ck_assert_uint_eq(keep("a", true, 1 + OTLPHOLD_NS), 1);
    ck_assert_uint_eq(take_all("a", 2 + OTLPHOLD_NS), 1);
    ck_assert_uint_eq(keep("a", true, 2 * OTLPHOLD_NS), 0); /* those that were taken are not lost */
}
END_TEST

START_TEST(it_is_bounded_in_lines_and_bytes)
{
    unsigned lost = 0;

    for (unsigned i = 0; i < OTLPHOLD_LINES + 5; i++)
        lost += keep("a", true, 1);
    ck_assert_uint_eq(lost, 5);
    ck_assert_uint_eq(take_all("a", 2), OTLPHOLD_LINES);
    for (unsigned i = 0; i < OTLPHOLD_LINES; i++)
        ck_assert_uint_le(keep_long("a", true, 3500, 3), 1);
    ck_assert_uint_eq(take_all("a", 4), OTLPHOLD_BYTES / 3500);
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
