#include "cli/arrivals.h"

#include "../unit.h"
#include "base/clk.h"
#include "base/rnd.h"

static const int64_t start_s = INT64_C(1795168800);

/* What has had its turn. `unit` is the place in the log. */
static uint64_t turns, late;
static struct logline last;

static void take(void *arg, const struct logline *line)
{
    (void)arg;
    turns++;
    if (line->wall_ns < last.wall_ns || (line->wall_ns == last.wall_ns && line->unit < last.unit))
        late++;
    else
        last = *line;
}

static void begin(struct arrivals *arrivals)
{
    turns = late = 0;
    last = (struct logline){0};
    arrivals_init(arrivals, take, NULL);
}

static void add(struct arrivals *arrivals, int64_t wall_ns, uint64_t place)
{
    const struct logline line = {.wall_ns = wall_ns, .unit = place};

    arrivals_add(arrivals, &line);
}

/* Times of that resolution; each request takes up to 59 s. Also those that arrived at once stay in order. */
static void check_order(int64_t unit_ns, uint64_t len, uint64_t rate)
{
    struct arrivals arrivals;
    struct rnd rnd;

    rnd_seed(&rnd, 1);
    begin(&arrivals);
    for (uint64_t i = 0; i < len; i++) {
        uint64_t end_ns = i * (uint64_t)NS_PER_S / rate, took_ns = rnd_u64(&rnd) % (59 * (uint64_t)NS_PER_S);

        add(&arrivals, (start_s + 60) * NS_PER_S + ((int64_t)end_ns - (int64_t)took_ns) / unit_ns * unit_ns,
            i);
    }
    arrivals_end(&arrivals);
    arrivals_fini(&arrivals);
    ck_assert_uint_eq(turns, len);
    ck_assert_uint_eq(late, 0);
}

START_TEST(requests_have_their_turn_in_the_order_of_their_arrival)
{
    static const int64_t units[] = {1, 1000, NS_PER_MS, NS_PER_S};

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        check_order(units[i], 60000, 400);
        check_order(units[i], 6000, 10);
        check_order(units[i], 3, 1);
    }
}
END_TEST

START_TEST(a_request_waits_for_a_minute)
{
    struct arrivals arrivals;

    begin(&arrivals);
    add(&arrivals, start_s * NS_PER_S, 0);
    add(&arrivals, (start_s + ARRIVALS_WAIT_S) * NS_PER_S, 1);
    ck_assert_uint_eq(turns, 0);
    add(&arrivals, (start_s + ARRIVALS_WAIT_S + 1) * NS_PER_S, 2);
    ck_assert_uint_eq(turns, 1);
    add(&arrivals, start_s * NS_PER_S, 3); /* too late: at once */
    ck_assert_uint_eq(turns, 2);
    add(&arrivals, (start_s + 1000000) * NS_PER_S, 4);
    ck_assert_uint_eq(turns, 4);
    arrivals_end(&arrivals);
    ck_assert_uint_eq(turns, 5);
    arrivals_fini(&arrivals);
}
END_TEST

START_TEST(what_is_left_is_freed)
{
    struct arrivals arrivals;

    begin(&arrivals);
    for (uint64_t i = 0; i < 1000; i++)
        add(&arrivals, start_s * NS_PER_S, i);
    arrivals_fini(&arrivals);
    ck_assert_uint_eq(turns, 0);
}
END_TEST

START_TEST(no_more_wait_than_there_is_room_for)
{
    const uint64_t max = 1000;
    struct arrivals arrivals;

    begin(&arrivals);
    arrivals.max = max;
    for (uint64_t i = 0; i <= max; i++)
        add(&arrivals, (start_s + (int64_t)(i % 2)) * NS_PER_S, i);
    ck_assert_uint_eq(turns, max / 2 + 1);
    ck_assert_uint_eq(late, 0);
    add(&arrivals, start_s * NS_PER_S, max + 1); /* its second is over */
    ck_assert_uint_eq(turns, max / 2 + 2);
    arrivals_end(&arrivals);
    arrivals_fini(&arrivals);
    ck_assert_uint_eq(turns, max + 2);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("arrivals");
    TCase *tcase = tcase_create("arrivals");

    tcase_add_test(tcase, requests_have_their_turn_in_the_order_of_their_arrival);
    tcase_add_test(tcase, a_request_waits_for_a_minute);
    tcase_add_test(tcase, what_is_left_is_freed);
    tcase_add_test(tcase, no_more_wait_than_there_is_room_for);
    suite_add_tcase(suite, tcase);
    return suite;
}
