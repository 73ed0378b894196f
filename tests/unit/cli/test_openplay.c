/* A plan beside a log: the log's weights, in the order of arrival. */
#include "cli/openplay.h"

#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "cli/playback.h"
#include "conf/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plan *plan;
static struct openplay *play;
static char told[1 << 16];
static const int64_t start_ns = INT64_C(1795168800) * NS_PER_S;

static void tell(void *arg, const struct openplay *p, int64_t t, uint32_t weight,
                 const struct decision *decision)
{
    size_t len = strlen(told);

    (void)arg;
    (void)p;
    if (decision->action != ACTION_HOLD)
        snprintf(told + len, sizeof told - len, "%lld:%u:%s ", (long long)t, weight,
                 word_name(&action_words, decision->action));
}

static void begin(const struct openplay_weight *weights, size_t len, bool estimated)
{
    static const char text[] = "name: p\n"
                               "steps: [ { setWeight: 5, minDwell: 1m }, { setWeight: 50, minDwell: 1m }, "
                               "{ setWeight: 100, bake: 1h } ]\n";
    const struct trace_head head = {.id = "x", .stable = "ec2", .canary = "fargate", .slo_ms = 500};
    struct playback_route *route = mem_alloc(sizeof *route);
    struct conf_report report;

    plan = mem_alloc(sizeof *plan);
    play = mem_alloc(sizeof *play);
    playback_route(&head, route);
    conf_report_init(&report);
    ck_assert(plan_load_bytes("plan", str_from(text), false, &route->target, plan, &report));
    conf_report_fini(&report);
    free(route);
    told[0] = '\0';
    openplay_init(play, plan, "ec2", "fargate", weights, len, estimated, tell, NULL);
}

static void end(void)
{
    openplay_end(play);
    openplay_fini(play);
    free(play);
    free(plan);
}

/* 40 requests a second; the canary's share of them fails with `bad`. */
static void feed(struct rnd *rnd, int from_s, int to_s, double w, uint16_t weight, double bad)
{
    for (int64_t i = from_s * 40; i < to_s * 40; i++) {
        struct logline line = {.wall_ns = start_ns + i * (NS_PER_S / 40),
                               .unit = rnd_u64(rnd),
                               .ms = 20,
                               .status = 200,
                               .weight = weight,
                               .canary = rnd_double(rnd) < w};

        if (rnd_double(rnd) < (line.canary ? bad : 0.001))
            line.status = 500;
        openplay_feed(play, &line);
    }
}

START_TEST(a_bad_canary_is_called_back_again_and_again)
{
    struct rnd rnd;

    rnd_seed(&rnd, 1);
    begin(NULL, 0, false);
    feed(&rnd, 0, 60, 0.05, 500, 0.001);
    feed(&rnd, 60, 600, 0.05, 500, 0.5);
    ck_assert_int_gt(play->now, 0);
    end();
    const char *first = strstr(told, ":500:rollback");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first + 1, ":500:rollback"));
}
END_TEST

START_TEST(a_healthy_canary_is_called_forward_once_a_weight)
{
    struct rnd rnd;

    rnd_seed(&rnd, 2);
    begin(NULL, 0, false);
    feed(&rnd, 0, 900, 0.05, 500, 0);
    end();
    const char *first = strstr(told, ":500:forward");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, ":rollback"));
}
END_TEST

START_TEST(a_list_says_which_weight_was_in_force)
{
    const struct openplay_weight weights[] = {{start_ns, 500}, {start_ns + 300 * NS_PER_S, 5000}};
    struct rnd rnd;

    rnd_seed(&rnd, 3);
    begin(weights, 2, false);
    feed(&rnd, 0, 300, 0.05, LOGLINE_WEIGHT_UNKNOWN, 0.001);
    ck_assert_uint_eq(play->observer.rollout.weight, 500);
    feed(&rnd, 300, 500, 0.5, LOGLINE_WEIGHT_UNKNOWN, 0.001);
    ck_assert_uint_eq(play->observer.rollout.weight, 5000);
    end();
}
END_TEST

START_TEST(an_estimate_follows_a_change_and_not_the_noise)
{
    struct rnd rnd;
    uint32_t before;

    rnd_seed(&rnd, 4);
    begin(NULL, 0, true);
    feed(&rnd, 0, 1200, 0.05, LOGLINE_WEIGHT_UNKNOWN, 0.001);
    before = play->observer.rollout.weight;
    ck_assert_uint_gt(before, 300);
    ck_assert_uint_lt(before, 700);
    ck_assert_int_gt(play->observer.rollout.raise_ns, 900 * NS_PER_S); /* one raise, at the beginning */
    feed(&rnd, 1200, 1500, 0.5, LOGLINE_WEIGHT_UNKNOWN, 0.001);
    ck_assert_uint_gt(play->observer.rollout.weight, 4500);
    ck_assert_uint_lt(play->observer.rollout.weight, 5500);
    end();
}
END_TEST

/* Lines come when their requests end; the order of arrival is what counts. */
START_TEST(lines_are_put_into_the_order_of_arrival)
{
    struct logline line = {.status = 200, .weight = 500};
    const int64_t seconds[] = {50, 0, 30, 10, 59, 20};

    begin(NULL, 0, false);
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        line.wall_ns = start_ns + seconds[i] * NS_PER_S;
        openplay_feed(play, &line);
    }
    ck_assert_uint_eq(play->requests, 0);
    line.wall_ns = start_ns + 200 * NS_PER_S;
    openplay_feed(play, &line);
    ck_assert_uint_eq(play->requests, 6);
    ck_assert_uint_eq(play->late, 0);
    ck_assert_int_eq(play->now, 60);
    line.wall_ns = start_ns; /* too late for its second */
    openplay_feed(play, &line);
    ck_assert_uint_eq(play->late, 1);
    end();
}
END_TEST

START_TEST(a_gap_of_years_takes_no_time)
{
    for (int estimated = 0; estimated < 2; estimated++) {
        struct logline line = {.status = 200, .weight = 500, .wall_ns = start_ns};

        begin(NULL, 0, estimated);
        openplay_feed(play, &line);
        line.wall_ns += INT64_C(100) * 365 * 86400 * NS_PER_S;
        openplay_feed(play, &line);
        openplay_end(play);
        ck_assert_uint_eq(play->requests, 2);
        ck_assert_int_eq(play->now, INT64_C(100) * 365 * 86400 + 1);
        end();
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("openplay");
    TCase *tcase = tcase_create("openplay");

    tcase_add_test(tcase, a_bad_canary_is_called_back_again_and_again);
    tcase_add_test(tcase, a_healthy_canary_is_called_forward_once_a_weight);
    tcase_add_test(tcase, a_list_says_which_weight_was_in_force);
    tcase_add_test(tcase, an_estimate_follows_a_change_and_not_the_noise);
    tcase_add_test(tcase, lines_are_put_into_the_order_of_arrival);
    tcase_add_test(tcase, a_gap_of_years_takes_no_time);
    suite_add_tcase(suite, tcase);
    return suite;
}
