#include "proxy/score.h"

#include "base/clk.h"
#include "head.h"

#include <stdio.h>
#include <stdlib.h>

enum { ERRORS, LATENCY, CLIENT_ERRORS, METRICS };

static struct wheel wheel;
static struct scorer scorer;
static struct shard_route cells;
static struct unit_tables units;
static struct config_route conf;
static struct judging judging;
static struct route route;
static struct field fields[16];
static struct head head;
static int64_t start_ns, now_ns;

static void bad_statuses(struct judging_metric *metric, unsigned from, unsigned to)
{
    for (unsigned status = from; status <= to; status++)
        metric->statuses[status / 64] |= UINT64_C(1) << (status % 64);
}

static void set_up(void)
{
    static const struct hash_key key = {5, 6};

    start_ns = now_ns = 5000 * NS_PER_S;
    wheel_init(&wheel, now_ns);
    scorer_init(&scorer, &wheel, &key);
    memset(&cells, 0, sizeof cells);
    unit_tables_cover(&units, true);
    conf = (struct config_route){.slot = 3, .timeouts.first_byte_ns = 30 * NS_PER_S};
    judging = (struct judging){.metrics_len = METRICS,
                               .age_ns = 200 * NS_PER_MS,
                               .unit = JUDGING_UNIT_REQUEST,
                               .unit_window_ns = 60 * NS_PER_S};
    judging.metrics[ERRORS] = (struct judging_metric){.type = METRIC_ERROR_RATE, .matches_all = true};
    bad_statuses(&judging.metrics[ERRORS], 500, 599);
    judging.metrics[LATENCY] = (struct judging_metric){
        .type = METRIC_LATENCY_SLO, .matches_all = true, .threshold_ns = 300 * NS_PER_MS};
    judging.metrics[CLIENT_ERRORS] =
        (struct judging_metric){.type = METRIC_CLIENT_ERROR_RATE, .matches_all = true};
    bad_statuses(&judging.metrics[CLIENT_ERRORS], 400, 407);
    route = (struct route){.conf = &conf, .epoch = 20, .weight = 500, .judging = &judging};
    scorer.epochs[conf.slot] = route.epoch;
    head_of(&head, fields, ARRAY_LEN(fields), HEAD_GET "X-User: u1\r\nCookie: who=c1\r\n\r\n");
}

static void tear_down(void)
{
    scorer_fini(&scorer);
    unit_tables_fini(&units);
    memset(&units, 0, sizeof units);
    ck_assert_uint_eq(wheel.len, 0);
}

/* A millisecond at a time, as the worker's ticks do. */
static void pass_ms(int64_t ms)
{
    for (int64_t until = now_ns + ms * NS_PER_MS; now_ns < until;) {
        now_ns += NS_PER_MS;
        wheel_advance(&wheel, now_ns);
    }
}

static void begin(struct score *score)
{
    score_begin(score, &scorer, &route, &cells, &units, &head, STR("10.0.0.1"), STR("/api/x"), ROUTE_CANARY,
                now_ns);
}

static const struct shard_judged *judged(void)
{
    return &cells.epochs[route.epoch % SHARD_EPOCHS].side[ROUTE_CANARY];
}

static uint64_t bad(unsigned metric)
{
    ck_assert_uint_le(cell_get(&judged()->metrics[metric].bad), cell_get(&judged()->metrics[metric].raw_bad));
    return cell_get(&judged()->metrics[metric].raw_bad);
}

static uint64_t counted(unsigned metric)
{
    return cell_get(&judged()->metrics[metric].requests);
}

/* Ends a request of so many milliseconds with this status. */
static void request(int64_t ms, enum outcome outcome, unsigned status)
{
    struct score score;

    begin(&score);
    pass_ms(ms);
    score_end(&score, outcome, status, now_ns);
}

/* ---- good ones ---- */

START_TEST(a_good_request_counts_in_every_metric_when_it_ends)
{
    struct score score;

    begin(&score);
    pass_ms(100);
    ck_assert_uint_eq(cell_get(&judged()->requests), 0);
    score_end(&score, OUTCOME_SERVED, 200, now_ns);
    ck_assert_uint_eq(cell_get(&judged()->requests), 1);
    pass_ms(1000);
    for (unsigned i = 0; i < METRICS; i++) {
        ck_assert_uint_eq(counted(i), 1);
        ck_assert_uint_eq(bad(i), 0);
    }
    ck_assert_uint_eq(cell_get(&cells.epochs[route.epoch % SHARD_EPOCHS].side[ROUTE_STABLE].requests), 0);
}
END_TEST

START_TEST(a_request_that_is_not_scored_costs_nothing)
{
    struct score score = {0};

    score_none(&score);
    score_end(&score, OUTCOME_TARGET_RESET, 0, now_ns);
    ck_assert_uint_eq(cell_get(&judged()->requests), 0);
}
END_TEST

/* ---- slow ones ---- */

START_TEST(a_hung_request_is_slow_at_the_threshold_and_not_at_its_end)
{
    struct score score;

    begin(&score);
    pass_ms(299);
    ck_assert_uint_eq(bad(LATENCY), 0);
    pass_ms(1 + WHEEL_TICK_MS);
    ck_assert_uint_eq(bad(LATENCY), 1);
    ck_assert_uint_eq(counted(LATENCY), 1);
    pass_ms(30000);
    score_end(&score, OUTCOME_FIRST_BYTE_TIMEOUT, 0, now_ns);
    ck_assert_uint_eq(bad(LATENCY), 1);
    ck_assert_uint_eq(bad(ERRORS), 1);
    ck_assert_uint_eq(cell_get(&judged()->requests), 1);
}
END_TEST

START_TEST(a_request_at_the_threshold_is_slow_even_when_the_wheel_lags)
{
    struct score score;

    begin(&score);
    now_ns += 300 * NS_PER_MS;
    score_end(&score, OUTCOME_SERVED, 200, now_ns);
    ck_assert_uint_eq(bad(LATENCY), 1);
    begin(&score);
    now_ns += 300 * NS_PER_MS - 1;
    score_end(&score, OUTCOME_SERVED, 200, now_ns);
    ck_assert_uint_eq(bad(LATENCY), 1);
    ck_assert_uint_eq(counted(LATENCY), 2);
}
END_TEST

START_TEST(each_threshold_has_its_time)
{
    struct score score;

    judging.metrics[CLIENT_ERRORS] = (struct judging_metric){
        .type = METRIC_LATENCY_SLO, .matches_all = true, .threshold_ns = 1000 * NS_PER_MS};
    begin(&score);
    pass_ms(400);
    ck_assert_uint_eq(bad(LATENCY), 1);
    ck_assert_uint_eq(bad(CLIENT_ERRORS), 0);
    pass_ms(700);
    ck_assert_uint_eq(bad(LATENCY), 1);
    ck_assert_uint_eq(bad(CLIENT_ERRORS), 1);
    score_end(&score, OUTCOME_SERVED, 200, now_ns);
    ck_assert_uint_eq(cell_get(&judged()->requests), 1);
}
END_TEST

/* ---- failures ---- */

START_TEST(an_early_failure_waits_for_its_age)
{
    request(10, OUTCOME_SERVED, 500);
    ck_assert_uint_eq(cell_get(&judged()->requests), 1);
    pass_ms(180);
    ck_assert_uint_eq(bad(ERRORS), 0);
    pass_ms(10 + WHEEL_TICK_MS);
    ck_assert_uint_eq(bad(ERRORS), 1);
    ck_assert_uint_eq(bad(LATENCY), 0);
    pass_ms(100); /* 300 ms: fast failures must not look fast */
    ck_assert_uint_eq(bad(LATENCY), 1);
}
END_TEST

START_TEST(a_late_failure_waits_for_the_time_out_of_the_route)
{
    request(250, OUTCOME_SERVED, 503);
    pass_ms(29000);
    ck_assert_uint_eq(bad(ERRORS), 0);
    pass_ms(750 + WHEEL_TICK_MS);
    ck_assert_uint_eq(bad(ERRORS), 1);
    request(31000, OUTCOME_TARGET_STALLED, 200);
    ck_assert_uint_eq(bad(ERRORS), 2);
}
END_TEST

START_TEST(a_late_failure_counts_at_once_where_the_route_has_no_time_out)
{
    conf.timeouts.first_byte_ns = 0;
    request(250, OUTCOME_SERVED, 503);
    ck_assert_uint_eq(bad(ERRORS), 1);
}
END_TEST

START_TEST(failures_of_the_group_and_bad_statuses_are_errors_and_nothing_else_is)
{
    static const struct {
        enum outcome outcome;
        unsigned status;
        bool error, client_error;
    } cases[] = {
        {OUTCOME_SERVED, 200, false, false},      {OUTCOME_SERVED, 499, false, false},
        {OUTCOME_SERVED, 404, false, true},       {OUTCOME_SERVED, 500, true, false},
        {OUTCOME_SERVED, 599, true, false},       {OUTCOME_CONNECT_REFUSED, 0, true, false},
        {OUTCOME_TARGET_CUT, 200, true, false},   {OUTCOME_TARGET_CUT, 404, true, true},
        {OUTCOME_BAD_RESPONSE, 0, true, false},   {OUTCOME_NO_TARGET, 0, true, false},
        {OUTCOME_TARGET_STALLED, 0, true, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t errors = bad(ERRORS), client_errors = bad(CLIENT_ERRORS);

        request(10, cases[i].outcome, cases[i].status);
        pass_ms(300);
        ck_assert_msg(bad(ERRORS) - errors == cases[i].error, "%zu", i);
        ck_assert_msg(bad(CLIENT_ERRORS) - client_errors == cases[i].client_error, "%zu", i);
        ck_assert_uint_eq(counted(ERRORS), i + 1);
    }
}
END_TEST

/* As what counts says, also where a failure is bad as a slow answer alone. */
START_TEST(an_end_that_was_bad_is_noted)
{
    static const struct {
        enum outcome outcome;
        unsigned status;
        bool bad;
    } cases[] = {
        {OUTCOME_SERVED, 200, false},    {OUTCOME_SERVED, 404, false},       {OUTCOME_SERVED, 500, true},
        {OUTCOME_TARGET_CUT, 200, true}, {OUTCOME_CONNECT_REFUSED, 0, true}, {OUTCOME_CLIENT_GONE, 0, false},
    };

    judging.metrics[0] = judging.metrics[LATENCY];
    judging.metrics_len = 1;
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        struct score score;

        judging.failures_apart = i % 2;
        begin(&score);
        pass_ms(10);
        score_end(&score, cases[i / 2].outcome, cases[i / 2].status, now_ns);
        ck_assert_msg(score.bad == (cases[i / 2].bad && !judging.failures_apart), "%zu", i);
        ck_assert(!score.slow && !score.told);
    }
}
END_TEST

static void heard(struct score *score)
{
    ck_assert(score->told);
}

START_TEST(who_asks_is_told_of_a_slow_one_before_its_end_and_once)
{
    struct score score;

    begin(&score);
    score.on_slow = heard;
    pass_ms(299);
    ck_assert(!score.told);
    pass_ms(2 + WHEEL_TICK_MS);
    ck_assert(score.told && score.slow && !score.bad);
    score.on_slow = NULL;
    score_end(&score, OUTCOME_SERVED, 500, now_ns);
    ck_assert(score.bad);
    begin(&score);
    now_ns += 300 * NS_PER_MS;
    score_end(&score, OUTCOME_SERVED, 200, now_ns);
    ck_assert(score.slow && !score.told && !score.bad);
}
END_TEST

START_TEST(what_the_client_or_we_did_counts_neither_for_nor_against)
{
    static const enum outcome outcomes[] = {OUTCOME_CLIENT_GONE,    OUTCOME_BODY_TIMEOUT,
                                            OUTCOME_CLIENT_STALLED, OUTCOME_BAD_REQUEST,
                                            OUTCOME_OVERLOAD,       OUTCOME_HEAD_TOO_LARGE};

    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
        request(100, outcomes[i], i % 2 ? 500 : 0);
    pass_ms(40000);
    ck_assert_uint_eq(cell_get(&judged()->requests), 0);
    for (unsigned i = 0; i < METRICS; i++)
        ck_assert_uint_eq(bad(i), 0);
}
END_TEST

START_TEST(a_client_that_leaves_after_the_threshold_had_a_slow_answer)
{
    request(350, OUTCOME_CLIENT_GONE, 0);
    pass_ms(1000);
    ck_assert_uint_eq(bad(LATENCY), 1);
    ck_assert_uint_eq(bad(ERRORS), 0);
    ck_assert_uint_eq(cell_get(&judged()->requests), 1);
}
END_TEST

/* ---- which requests ---- */

START_TEST(a_metric_counts_the_requests_that_it_looks_at)
{
    static const struct {
        struct plan_match match;
        bool matches;
    } cases[] = {
        {{.method = "GET"}, true},
        {{.method = "POST"}, false},
        {{.path_prefix = "/api"}, true},
        {{.path_prefix = "/web"}, false},
        {{.path_prefix = "/ap"}, false},
        {{.header = "x-user"}, true},
        {{.header = "X-User", .header_value = "u1"}, true},
        {{.header = "X-User", .header_value = "u2"}, false},
        {{.header = "X-Other"}, false},
        {{.method = "GET", .path_prefix = "/api", .header = "X-User"}, true},
    };

    judging.metrics[ERRORS].matches_all = false;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t before = counted(ERRORS), failed = bad(ERRORS);

        judging.metrics[ERRORS].match = cases[i].match;
        request(10, OUTCOME_SERVED, 500);
        pass_ms(300);
        ck_assert_msg(counted(ERRORS) - before == cases[i].matches, "%zu", i);
        ck_assert_msg(bad(ERRORS) - failed == cases[i].matches, "%zu", i);
        ck_assert_uint_eq(counted(LATENCY), i + 1);
    }
}
END_TEST

/* ---- units ---- */

static uint64_t deduplicated(unsigned metric)
{
    return cell_get(&judged()->metrics[metric].bad);
}

/* Two failing requests of these field lines and addresses; how many of them count. */
static uint64_t failures_counted(const char *first, const char *first_ip, const char *second,
                                 const char *second_ip)
{
    uint64_t before = deduplicated(ERRORS);

    for (int i = 0; i < 2; i++) {
        static char text[256];
        struct score score;

        snprintf(text, sizeof text, HEAD_GET "%s\r\n", i ? second : first);
        head_of(&head, fields, ARRAY_LEN(fields), text);
        score_begin(&score, &scorer, &route, &cells, &units, &head, str_from(i ? second_ip : first_ip),
                    STR("/"), ROUTE_CANARY, now_ns);
        score_end(&score, OUTCOME_SERVED, 500, now_ns);
    }
    pass_ms(400);
    return deduplicated(ERRORS) - before;
}

/* ---- guards ---- */

static void make_guard(unsigned metric, enum metric_type type, int64_t threshold_ms)
{
    judging.metrics[metric] =
        (struct judging_metric){.type = type, .matches_all = true, .threshold_ns = threshold_ms * NS_PER_MS};
    judging.guards |= 1u << metric;
}

static uint64_t learned(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < HIST_BUCKETS; i++)
        sum += cell_get(&cells.answers[i]);
    return sum;
}

static void stable_answer(unsigned status)
{
    struct score score;

    score_begin(&score, &scorer, &route, &cells, &units, &head, STR("10.0.0.1"), STR("/api/x"), ROUTE_STABLE,
                now_ns);
    pass_ms(7);
    score_end(&score, OUTCOME_SERVED, status, now_ns);
}

START_TEST(a_guard_that_learns_takes_the_times_of_stables_answers_that_it_looks_at)
{
    make_guard(CLIENT_ERRORS, METRIC_LATENCY_SHIFT, 0);
    stable_answer(200);
    ck_assert_uint_eq(learned(), 0);
    judging.learns = 1u << CLIENT_ERRORS;
    stable_answer(200);
    stable_answer(304);
    stable_answer(404);
    stable_answer(500);
    request(7, OUTCOME_SERVED, 200); /* the canary's */
    ck_assert_uint_eq(learned(), 2);
    ck_assert_uint_eq(cell_get(&cells.answers[hist_bucket(7 * NS_PER_MS)]), 2);
    judging.metrics[CLIENT_ERRORS].matches_all = false;
    snprintf(judging.metrics[CLIENT_ERRORS].match.path_prefix, PLAN_TEXT_MAX, "/shop");
    stable_answer(200);
    ck_assert_uint_eq(learned(), 2);
    snprintf(judging.metrics[CLIENT_ERRORS].match.path_prefix, PLAN_TEXT_MAX, "/api");
    stable_answer(200);
    ck_assert_uint_eq(learned(), 3);
    ck_assert_uint_eq(bad(CLIENT_ERRORS), 0);
}
END_TEST

START_TEST(an_answer_slower_than_the_quantile_is_bad_for_the_shift_and_a_failure_is_not)
{
    make_guard(CLIENT_ERRORS, METRIC_LATENCY_SHIFT, 50);
    request(49, OUTCOME_SERVED, 200);
    request(10, OUTCOME_SERVED, 500);
    request(10, OUTCOME_TARGET_RESET, 0);
    ck_assert_uint_eq(bad(CLIENT_ERRORS), 0);
    request(80, OUTCOME_SERVED, 200);
    ck_assert_uint_eq(bad(CLIENT_ERRORS), 1);
    ck_assert_uint_eq(counted(CLIENT_ERRORS), 4);
}
END_TEST

START_TEST(an_answer_faster_than_the_quantile_is_suspicious_and_a_failure_is_not)
{
    make_guard(CLIENT_ERRORS, METRIC_SUSPICIOUSLY_FAST, 20);
    request(21, OUTCOME_SERVED, 200);
    request(3, OUTCOME_SERVED, 404);
    request(3, OUTCOME_TARGET_RESET, 0);
    ck_assert_uint_eq(bad(CLIENT_ERRORS), 0);
    request(3, OUTCOME_SERVED, 200);
    ck_assert_uint_eq(bad(CLIENT_ERRORS), 1);
}
END_TEST

/* ---- targets ---- */

static struct shard_target target;

/* A failure of the canary at `target`, or of stable. */
static void failure_at_target(enum route_side side)
{
    struct score score;

    score_begin(&score, &scorer, &route, &cells, &units, &head, STR("10.0.0.1"), STR("/api/x"), side, now_ns);
    score_target(&score, &target);
    score_end(&score, OUTCOME_SERVED, 500, now_ns);
}

START_TEST(a_target_of_the_canary_has_what_it_did_and_one_of_stable_has_not)
{
    target = (struct shard_target){0};
    judging.unit = JUDGING_UNIT_CLIENT;
    failure_at_target(ROUTE_STABLE);
    pass_ms(61000);
    ck_assert_uint_eq(cell_get(&target.judged), 0);
    ck_assert_uint_eq(cell_get(&target.bad[ERRORS]), 0);
    failure_at_target(ROUTE_CANARY);
    failure_at_target(ROUTE_CANARY);
    pass_ms(1000);
    ck_assert_uint_eq(cell_get(&target.judged), 2);
    ck_assert_uint_eq(cell_get(&target.bad[ERRORS]), 1); /* of one client */
    ck_assert_uint_eq(cell_get(&target.bad[LATENCY]), 1);
    ck_assert_uint_eq(cell_get(&target.bad[CLIENT_ERRORS]), 0);
}
END_TEST

START_TEST(what_fails_at_a_target_that_was_taken_out_is_no_evidence)
{
    struct score hangs;

    target = (struct shard_target){0};
    begin(&hangs);
    score_target(&hangs, &target);
    failure_at_target(ROUTE_CANARY);
    target.disowned = true;
    pass_ms(1000);
    score_end(&hangs, OUTCOME_TARGET_RESET, 0, now_ns);
    pass_ms(31000);
    ck_assert_uint_eq(bad(ERRORS), 0);
    ck_assert_uint_eq(bad(LATENCY), 0);
    ck_assert_uint_eq(cell_get(&target.bad[ERRORS]), 0);
    ck_assert_uint_eq(counted(ERRORS), 2);
}
END_TEST

START_TEST(one_unit_is_one_bad_event_a_window_in_each_metric)
{
    judging.unit = JUDGING_UNIT_CLIENT;
    for (int i = 0; i < 10; i++)
        request(10, OUTCOME_SERVED, 500);
    pass_ms(400);
    ck_assert_uint_eq(bad(ERRORS), 10);
    ck_assert_uint_eq(deduplicated(ERRORS), 1);
    ck_assert_uint_eq(bad(LATENCY), 10);
    ck_assert_uint_eq(deduplicated(LATENCY), 1);
    pass_ms(60000);
    request(10, OUTCOME_SERVED, 500);
    pass_ms(400);
    ck_assert_uint_eq(deduplicated(ERRORS), 2);
}
END_TEST

/* Of a healthy group's answers 5 % are beyond the quantile: at some traffic they have all slots of a table.
 */
START_TEST(what_the_guards_count_takes_no_place_of_the_others)
{
    struct units *guards = unit_tables_get(&units, true);

    judging.unit = JUDGING_UNIT_CLIENT;
    make_guard(CLIENT_ERRORS, METRIC_LATENCY_SHIFT, 50);
    for (size_t i = 0; i < UNITS_SLOTS; i++)
        ck_assert(units_first(guards, i, (uint32_t)(now_ns / NS_PER_S) + 1, 60));
    request(60, OUTCOME_SERVED, 500);
    pass_ms(400);
    ck_assert_uint_eq(bad(CLIENT_ERRORS), 1);
    ck_assert_uint_eq(deduplicated(CLIENT_ERRORS), 0);
    ck_assert_uint_eq(deduplicated(ERRORS), 1);
    ck_assert_uint_eq(deduplicated(LATENCY), 1);
}
END_TEST

/* The side is part of the draw, not of the unit: the window is over both groups. */
START_TEST(the_window_is_over_both_groups)
{
    struct score score;

    judging.unit = JUDGING_UNIT_CLIENT;
    request(10, OUTCOME_SERVED, 500);
    score_begin(&score, &scorer, &route, &cells, &units, &head, STR("10.0.0.1"), STR("/"), ROUTE_STABLE,
                now_ns);
    score_end(&score, OUTCOME_SERVED, 500, now_ns);
    pass_ms(400);
    ck_assert_uint_eq(deduplicated(ERRORS), 1);
    ck_assert_uint_eq(
        cell_get(&cells.epochs[route.epoch % SHARD_EPOCHS].side[ROUTE_STABLE].metrics[ERRORS].raw_bad), 1);
    ck_assert_uint_eq(
        cell_get(&cells.epochs[route.epoch % SHARD_EPOCHS].side[ROUTE_STABLE].metrics[ERRORS].bad), 0);
}
END_TEST

START_TEST(a_unit_is_what_the_plan_and_the_route_say)
{
    judging.unit = JUDGING_UNIT_REQUEST;
    ck_assert_uint_eq(failures_counted("", "1", "", "1"), 2);
    judging.unit = JUDGING_UNIT_CLIENT; /* by address */
    ck_assert_uint_eq(failures_counted("Cookie: who=a\r\n", "2", "Cookie: who=b\r\n", "2"), 1);
    ck_assert_uint_eq(failures_counted("", "3", "", "4"), 2);
    route.affinity = (struct route_affinity){.by = CONFIG_AFFINITY_COOKIE, .name = "who"};
    ck_assert_uint_eq(failures_counted("Cookie: who=c\r\n", "5", "Cookie: who=c\r\n", "6"), 1);
    ck_assert_uint_eq(failures_counted("Cookie: who=d\r\n", "7", "Cookie: who=e\r\n", "7"), 2);
    ck_assert_uint_eq(failures_counted("", "8", "", "8"), 1); /* keeps no cookie: by address */
    route.affinity = (struct route_affinity){.by = CONFIG_AFFINITY_HEADER, .name = "X-User"};
    ck_assert_uint_eq(failures_counted("X-User: f\r\n", "9", "x-user: f\r\n", "10"), 1);
    ck_assert_uint_eq(failures_counted("X-User: g\r\n", "11", "X-User: h\r\n", "11"), 2);
    route.affinity = (struct route_affinity){0};
    judging.unit = JUDGING_UNIT_HEADER;
    strcpy(judging.unit_name, "X-Session");
    ck_assert_uint_eq(failures_counted("X-Session: i\r\n", "12", "X-Session: i\r\n", "13"), 1);
    judging.unit = JUDGING_UNIT_COOKIE;
    strcpy(judging.unit_name, "sid");
    ck_assert_uint_eq(failures_counted("Cookie: sid=j\r\n", "14", "Cookie: sid=j\r\n", "15"), 1);
    ck_assert_uint_eq(failures_counted("Cookie: sid=k\r\n", "16", "Cookie: sid=l\r\n", "16"), 2);
}
END_TEST

/* ---- weights ---- */

START_TEST(a_request_counts_at_the_weight_that_it_was_drawn_with)
{
    struct score score;

    begin(&score);
    scorer.epochs[conf.slot] = route.epoch + 3; /* the weight changes meanwhile */
    pass_ms(400);
    score_end(&score, OUTCOME_SERVED, 500, now_ns);
    pass_ms(30000);
    ck_assert_uint_eq(cell_get(&judged()->requests), 1);
    ck_assert_uint_eq(bad(LATENCY), 1);
    ck_assert_uint_eq(bad(ERRORS), 1);
    ck_assert_uint_eq(cell_get(&cells.late), 0);
}
END_TEST

START_TEST(what_comes_many_weights_late_is_left_out_and_counted)
{
    struct score score;

    begin(&score);
    pass_ms(10);
    score_end(&score, OUTCOME_SERVED, 500, now_ns); /* counted as a request; its failure waits */
    begin(&score);
    scorer.epochs[conf.slot] = route.epoch + SHARD_EPOCHS / 2;
    pass_ms(200 + 2 * WHEEL_TICK_MS);
    ck_assert_uint_eq(bad(ERRORS), 0);
    ck_assert_uint_eq(cell_get(&cells.late), 1);
    score_end(&score, OUTCOME_SERVED, 200, now_ns);
    ck_assert_uint_eq(cell_get(&judged()->requests), 1);
    ck_assert_uint_eq(cell_get(&cells.late), 2);
}
END_TEST

START_TEST(epochs_may_wrap_around)
{
    route.epoch = UINT32_MAX;
    scorer.epochs[conf.slot] = 2;
    request(10, OUTCOME_SERVED, 500);
    pass_ms(300);
    ck_assert_uint_eq(bad(ERRORS), 1);
    ck_assert_uint_eq(cell_get(&cells.late), 0);
}
END_TEST

/* ---- limits ---- */

START_TEST(beyond_the_limit_failures_count_at_once)
{
    for (int i = 0; i < SCORE_PENDING_MAX; i++)
        request(0, OUTCOME_CONNECT_REFUSED, 0);
    /* each waits in two metrics: half of them found no room and counted */
    ck_assert_uint_eq(bad(ERRORS) + bad(LATENCY), SCORE_PENDING_MAX);
    pass_ms(400);
    ck_assert_uint_eq(bad(ERRORS), SCORE_PENDING_MAX);
    ck_assert_uint_eq(bad(LATENCY), SCORE_PENDING_MAX);
}
END_TEST

START_TEST(what_still_waits_at_the_end_is_freed)
{
    request(0, OUTCOME_CONNECT_REFUSED, 0); /* tear_down looks */
    ck_assert_uint_eq(wheel.len, 2);
}
END_TEST

/* What a pair of answers to a request leaves in the cells of one side: requests and bad ones of a metric. */
static uint64_t pair_cell(enum route_side side, unsigned metric, bool bad)
{
    const struct shard_metric *m =
        &cells.epochs[route.epoch % SHARD_EPOCHS].side[SHARD_PAIR + side].metrics[metric];

    return cell_get(bad ? &m->bad : &m->requests);
}

START_TEST(both_answers_of_a_mirrored_request_count_or_none)
{
    static const int64_t soon = 10 * NS_PER_MS, late = 500 * NS_PER_MS;
    static const unsigned matched = 1u << ERRORS | 1u << LATENCY;
    const struct score_answer good = {OUTCOME_SERVED, 200, soon}, failed = {OUTCOME_MIRRORED, 503, soon},
                              slow = {OUTCOME_MIRRORED, 200, late}, none = {OUTCOME_SHUTDOWN, 0, late},
                              hung = {OUTCOME_FIRST_BYTE_TIMEOUT, 0, late};

    score_pair(&scorer, &route, &cells, matched, (struct score_answer[]){good, failed});
    score_pair(&scorer, &route, &cells, matched, (struct score_answer[]){good, slow});
    score_pair(&scorer, &route, &cells, matched, (struct score_answer[]){good, hung});
    score_pair(&scorer, &route, &cells, matched, (struct score_answer[]){slow, good});
    score_pair(&scorer, &route, &cells, matched, (struct score_answer[]){good, none});
    score_pair(&scorer, &route, &cells, matched, (struct score_answer[]){none, failed});
    for (enum route_side side = 0; side < ROUTE_SIDES; side++) {
        ck_assert_uint_eq(pair_cell(side, ERRORS, false), 4);
        ck_assert_uint_eq(pair_cell(side, LATENCY, false), 4);
        ck_assert_uint_eq(pair_cell(side, CLIENT_ERRORS, false), 0);
    }
    ck_assert_uint_eq(pair_cell(ROUTE_CANARY, ERRORS, true), 2);  /* failed, hung */
    ck_assert_uint_eq(pair_cell(ROUTE_CANARY, LATENCY, true), 3); /* slow too */
    ck_assert_uint_eq(pair_cell(ROUTE_STABLE, ERRORS, true), 0);
    ck_assert_uint_eq(pair_cell(ROUTE_STABLE, LATENCY, true), 1);
    scorer.epochs[conf.slot] = route.epoch + SHARD_EPOCHS;
    score_pair(&scorer, &route, &cells, matched, (struct score_answer[]){good, failed});
    ck_assert_uint_eq(pair_cell(ROUTE_CANARY, ERRORS, false), 4);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("score");
    TCase *tc = tcase_create("score");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_good_request_counts_in_every_metric_when_it_ends);
    tcase_add_test(tc, a_request_that_is_not_scored_costs_nothing);
    tcase_add_test(tc, a_hung_request_is_slow_at_the_threshold_and_not_at_its_end);
    tcase_add_test(tc, a_request_at_the_threshold_is_slow_even_when_the_wheel_lags);
    tcase_add_test(tc, each_threshold_has_its_time);
    tcase_add_test(tc, an_early_failure_waits_for_its_age);
    tcase_add_test(tc, a_late_failure_waits_for_the_time_out_of_the_route);
    tcase_add_test(tc, a_late_failure_counts_at_once_where_the_route_has_no_time_out);
    tcase_add_test(tc, failures_of_the_group_and_bad_statuses_are_errors_and_nothing_else_is);
    tcase_add_test(tc, an_end_that_was_bad_is_noted);
    tcase_add_test(tc, who_asks_is_told_of_a_slow_one_before_its_end_and_once);
    tcase_add_test(tc, what_the_client_or_we_did_counts_neither_for_nor_against);
    tcase_add_test(tc, a_client_that_leaves_after_the_threshold_had_a_slow_answer);
    tcase_add_test(tc, a_metric_counts_the_requests_that_it_looks_at);
    tcase_add_test(tc, a_guard_that_learns_takes_the_times_of_stables_answers_that_it_looks_at);
    tcase_add_test(tc, an_answer_slower_than_the_quantile_is_bad_for_the_shift_and_a_failure_is_not);
    tcase_add_test(tc, an_answer_faster_than_the_quantile_is_suspicious_and_a_failure_is_not);
    tcase_add_test(tc, a_target_of_the_canary_has_what_it_did_and_one_of_stable_has_not);
    tcase_add_test(tc, what_fails_at_a_target_that_was_taken_out_is_no_evidence);
    tcase_add_test(tc, one_unit_is_one_bad_event_a_window_in_each_metric);
    tcase_add_test(tc, what_the_guards_count_takes_no_place_of_the_others);
    tcase_add_test(tc, the_window_is_over_both_groups);
    tcase_add_test(tc, a_unit_is_what_the_plan_and_the_route_say);
    tcase_add_test(tc, a_request_counts_at_the_weight_that_it_was_drawn_with);
    tcase_add_test(tc, what_comes_many_weights_late_is_left_out_and_counted);
    tcase_add_test(tc, epochs_may_wrap_around);
    tcase_add_test(tc, beyond_the_limit_failures_count_at_once);
    tcase_add_test(tc, both_answers_of_a_mirrored_request_count_or_none);
    tcase_add_test(tc, what_still_waits_at_the_end_is_freed);
    suite_add_tcase(suite, tc);
    return suite;
}
