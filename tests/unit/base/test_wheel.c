#include "base/wheel.h"

#include "base/clk.h"
#include "base/rnd.h"

#include "../unit.h"

static const int64_t tick_ns = WHEEL_TICK_MS * NS_PER_MS;
static const int64_t start_ns = 1000 * NS_PER_S + 7;

struct alarm {
    struct wheel_timer timer;
    int fired;
    int64_t at_ns;
};

static void note(struct wheel_timer *timer, int64_t now_ns)
{
    struct alarm *alarm = CONTAINER_OF(timer, struct alarm, timer);

    alarm->fired++;
    alarm->at_ns = now_ns;
}

static struct wheel wheel;

/* Lets time pass from `*now_ns` to `until_ns`, a millisecond at a time. */
static void pass(int64_t *now_ns, int64_t until_ns)
{
    while (*now_ns < until_ns) {
        *now_ns += NS_PER_MS;
        wheel_advance(&wheel, *now_ns);
    }
}

START_TEST(a_timer_fires_once_and_never_early_and_at_most_one_tick_late)
{
    static const int64_t delays_ms[] = {0, 1, 19, 20, 21, 500, 10219, 10220, 10240, 10241, 30000, 75000};

    for (size_t i = 0; i < ARRAY_LEN(delays_ms); i++) {
        struct alarm alarm = {.fired = 0};
        int64_t now = start_ns, due = start_ns + delays_ms[i] * NS_PER_MS;

        wheel_init(&wheel, now);
        wheel_timer_init(&alarm.timer, note);
        wheel_set(&wheel, &alarm.timer, due);
        ck_assert(wheel_is_set(&alarm.timer));
        ck_assert_int_eq(alarm.fired, 0);
        pass(&now, due + 2 * tick_ns);
        ck_assert_int_eq(alarm.fired, 1);
        ck_assert_msg(alarm.at_ns >= due && alarm.at_ns <= due + tick_ns + NS_PER_MS,
                      "%lld ms: fired %lld ns after", (long long)delays_ms[i],
                      (long long)(alarm.at_ns - due));
        ck_assert(!wheel_is_set(&alarm.timer));
        ck_assert_uint_eq(wheel.len, 0);
        pass(&now, due + 11 * NS_PER_S);
        ck_assert_int_eq(alarm.fired, 1);
    }
}
END_TEST

START_TEST(a_time_that_has_passed_fires_at_the_next_tick)
{
    struct alarm alarm = {.fired = 0};
    int64_t now = start_ns;

    wheel_init(&wheel, now);
    wheel_timer_init(&alarm.timer, note);
    wheel_set(&wheel, &alarm.timer, now - 50 * NS_PER_S);
    ck_assert_int_eq(alarm.fired, 0);
    pass(&now, start_ns + tick_ns);
    ck_assert_int_eq(alarm.fired, 1);
}
END_TEST

START_TEST(a_moved_timer_fires_at_its_new_time)
{
    struct alarm later = {.fired = 0}, sooner = {.fired = 0};
    int64_t now = start_ns;

    wheel_init(&wheel, now);
    wheel_timer_init(&later.timer, note);
    wheel_timer_init(&sooner.timer, note);
    wheel_set(&wheel, &later.timer, start_ns + 100 * NS_PER_MS);
    wheel_set(&wheel, &sooner.timer, start_ns + 60 * NS_PER_S);
    wheel_set(&wheel, &later.timer, start_ns + 15 * NS_PER_S);
    wheel_set(&wheel, &sooner.timer, start_ns + 200 * NS_PER_MS);
    ck_assert_uint_eq(wheel.len, 2);
    pass(&now, start_ns + 300 * NS_PER_MS);
    ck_assert_int_eq(sooner.fired, 1);
    ck_assert_int_eq(later.fired, 0);
    pass(&now, start_ns + 15 * NS_PER_S + 2 * tick_ns);
    ck_assert_int_eq(later.fired, 1);
    ck_assert_int_ge(later.at_ns, start_ns + 15 * NS_PER_S);
}
END_TEST

START_TEST(a_cancelled_timer_does_not_fire)
{
    struct alarm alarm = {.fired = 0};
    int64_t now = start_ns;

    wheel_init(&wheel, now);
    wheel_timer_init(&alarm.timer, note);
    wheel_cancel(&wheel, &alarm.timer);
    wheel_set(&wheel, &alarm.timer, start_ns + NS_PER_S);
    wheel_cancel(&wheel, &alarm.timer);
    wheel_cancel(&wheel, &alarm.timer);
    ck_assert(!wheel_is_set(&alarm.timer));
    ck_assert_uint_eq(wheel.len, 0);
    pass(&now, start_ns + 12 * NS_PER_S);
    ck_assert_int_eq(alarm.fired, 0);
}
END_TEST

START_TEST(a_long_pause_fires_all_that_is_due_and_nothing_else)
{
    struct alarm due[40], far = {.fired = 0};

    wheel_init(&wheel, start_ns);
    for (size_t i = 0; i < ARRAY_LEN(due); i++) {
        due[i].fired = 0;
        wheel_timer_init(&due[i].timer, note);
        wheel_set(&wheel, &due[i].timer, start_ns + (int64_t)i * NS_PER_S);
    }
    wheel_timer_init(&far.timer, note);
    wheel_set(&wheel, &far.timer, start_ns + 7200 * NS_PER_S);
    wheel_advance(&wheel, start_ns + 3600 * NS_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(due); i++)
        ck_assert_int_eq(due[i].fired, 1);
    ck_assert_int_eq(far.fired, 0);
    ck_assert_uint_eq(wheel.len, 1);
    wheel_advance(&wheel, start_ns + 7201 * NS_PER_S);
    ck_assert_int_eq(far.fired, 1);
}
END_TEST

/* ---- what a timer may do while it fires ---- */

static struct alarm *other;

static void rearm(struct wheel_timer *timer, int64_t now_ns)
{
    note(timer, now_ns);
    wheel_set(&wheel, timer, now_ns + NS_PER_S);
}

static void cancel_other(struct wheel_timer *timer, int64_t now_ns)
{
    note(timer, now_ns);
    wheel_cancel(&wheel, &other->timer);
}

static void put_other_off(struct wheel_timer *timer, int64_t now_ns)
{
    note(timer, now_ns);
    wheel_set(&wheel, &other->timer, now_ns + NS_PER_S);
}

START_TEST(a_timer_may_set_itself_again)
{
    struct alarm alarm = {.fired = 0};
    int64_t now = start_ns;

    wheel_init(&wheel, now);
    wheel_timer_init(&alarm.timer, rearm);
    wheel_set(&wheel, &alarm.timer, start_ns + NS_PER_S);
    pass(&now, start_ns + 5 * NS_PER_S + 5 * tick_ns);
    ck_assert_int_eq(alarm.fired, 5);
    ck_assert_uint_eq(wheel.len, 1);
}
END_TEST

START_TEST(a_timer_may_cancel_one_that_is_due_with_it)
{
    struct alarm first = {.fired = 0}, second = {.fired = 0};

    wheel_init(&wheel, start_ns);
    wheel_timer_init(&first.timer, cancel_other);
    wheel_timer_init(&second.timer, note);
    other = &second;
    wheel_set(&wheel, &first.timer, start_ns + NS_PER_S);
    wheel_set(&wheel, &second.timer, start_ns + NS_PER_S);
    wheel_advance(&wheel, start_ns + 2 * NS_PER_S);
    ck_assert_int_eq(first.fired, 1);
    ck_assert_int_eq(second.fired, 0);
    ck_assert_uint_eq(wheel.len, 0);
}
END_TEST

START_TEST(a_timer_may_put_off_one_that_is_due_with_it)
{
    struct alarm first = {.fired = 0}, second = {.fired = 0};
    int64_t now = start_ns + 2 * NS_PER_S;

    wheel_init(&wheel, start_ns);
    wheel_timer_init(&first.timer, put_other_off);
    wheel_timer_init(&second.timer, note);
    other = &second;
    wheel_set(&wheel, &first.timer, start_ns + NS_PER_S);
    wheel_set(&wheel, &second.timer, start_ns + NS_PER_S);
    wheel_advance(&wheel, now);
    ck_assert_int_eq(first.fired, 1);
    ck_assert_int_eq(second.fired, 0);
    pass(&now, start_ns + 3 * NS_PER_S + 2 * tick_ns);
    ck_assert_int_eq(second.fired, 1);
}
END_TEST

/* ---- against a model: each alarm knows when it is due ---- */

enum { ALARMS = 50 };
static struct alarm alarms[ALARMS];
static int64_t due_ns[ALARMS];

static void check_due(struct wheel_timer *timer, int64_t now_ns)
{
    size_t i = (size_t)(CONTAINER_OF(timer, struct alarm, timer) - alarms);

    if (now_ns < due_ns[i])
        ck_abort_msg("alarm %zu fired %lld ns early", i, (long long)(due_ns[i] - now_ns));
}

static void check_none_overdue(int64_t now_ns)
{
    for (size_t i = 0; i < ALARMS; i++)
        if (wheel_is_set(&alarms[i].timer) && due_ns[i] + tick_ns <= now_ns)
            ck_abort_msg("alarm %zu is %lld ns late", i, (long long)(now_ns - due_ns[i]));
}

START_TEST(any_order_of_set_move_and_cancel_keeps_the_times)
{
    int64_t now = start_ns;
    struct rnd rnd;

    rnd_seed(&rnd, 5);
    wheel_init(&wheel, now);
    for (size_t i = 0; i < ALARMS; i++)
        wheel_timer_init(&alarms[i].timer, check_due);
    for (int round = 0; round < 100000; round++) {
        size_t i = rnd_below(&rnd, ALARMS);

        if (rnd_below(&rnd, 4) == 0) {
            wheel_cancel(&wheel, &alarms[i].timer);
        } else {
            due_ns[i] = now + (int64_t)rnd_below(&rnd, 20000) * NS_PER_MS;
            wheel_set(&wheel, &alarms[i].timer, due_ns[i]);
        }
        now += (int64_t)rnd_below(&rnd, round % 1000 ? 40 : 60000) * NS_PER_MS;
        wheel_advance(&wheel, now);
        check_none_overdue(now);
    }
    for (size_t i = 0; i < ALARMS; i++)
        wheel_cancel(&wheel, &alarms[i].timer);
    ck_assert_uint_eq(wheel.len, 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("wheel");
    TCase *tc = tcase_create("wheel");

    tcase_add_test(tc, a_timer_fires_once_and_never_early_and_at_most_one_tick_late);
    tcase_add_test(tc, a_time_that_has_passed_fires_at_the_next_tick);
    tcase_add_test(tc, a_moved_timer_fires_at_its_new_time);
    tcase_add_test(tc, a_cancelled_timer_does_not_fire);
    tcase_add_test(tc, a_long_pause_fires_all_that_is_due_and_nothing_else);
    tcase_add_test(tc, a_timer_may_set_itself_again);
    tcase_add_test(tc, a_timer_may_cancel_one_that_is_due_with_it);
    tcase_add_test(tc, a_timer_may_put_off_one_that_is_due_with_it);
    tcase_add_test(tc, any_order_of_set_move_and_cancel_keeps_the_times);
    suite_add_tcase(suite, tc);
    return suite;
}
