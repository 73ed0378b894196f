#include "cli/state.h"
#include "cli/view.h"

#include "../unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct term plain = {.columns = 80, .rows = 24};

#define SIDE(group, requests, errors)                                                                        \
    "{\"group\":\"" group "\",\"platform\":\"" group                                                         \
    "\",\"targets\":3,\"open\":2,\"recent\":{\"seconds\":10,\"requests\":" #requests ",\"errors\":" #errors  \
    ",\"p50\":41.2,\"p95\":120,\"p99\":251.3}}"
#define COUNTS(n, bad) "{\"requests\":" #n ",\"bad\":" #bad ",\"units\":" #n "}"
#define METRIC(name, e, cn, cb, sn, sb)                                                                      \
    "{\"name\":\"" name "\",\"type\":\"errorRate\",\"dryRun\":false,\"share\":0.5,\"e\":" #e                 \
    ",\"counts\":{\"canary\":" COUNTS(cn, cb) ",\"stable\":" COUNTS(sn, sb) "}}"
#define DECISION                                                                                             \
    "{\"time\":\"2026-11-21T06:00:00.123Z\",\"route\":\"web\",\"action\":\"hold\",\"reason\":"               \
    "\"needEvidence\",\"eta\":6,\"weight\":{\"from\":25,\"to\":25},\"text\":\"latency: 310 of 420\"}"
#define ROLLOUT                                                                                              \
    "{\"plan\":\"demo\",\"state\":\"running\",\"step\":1,\"steps\":4,\"age\":75,\"dwell\":12,\"e\":0.45,"    \
    "\"threshold\":100,\"track\":[{\"setWeight\":5},{\"setWeight\":25},{\"pause\":\"approval\"},"            \
    "{\"setWeight\":100,\"bake\":20}],\"metrics\":[" METRIC(                                                 \
        "errors", 0.5, 310, 4, 1240,                                                                         \
        2) ","                                                                                               \
           "{\"name\":\"shift\",\"type\":\"latencyShift\",\"dryRun\":false,\"e\":9,\"threshold\":200,"       \
           "\"counts\":{\"canary\":" COUNTS(310, 31) ",\"stable\":" COUNTS(                                  \
               1240,                                                                                         \
               60) "}},"                                                                                     \
                   "{\"name\":\"queue\",\"type\":\"external\",\"dryRun\":false},{\"name\":\"budget\","       \
                   "\"type\":\"external\",\"state\":\"bad\",\"value\":0.031,\"min\":null,\"max\":0.02,"      \
                   "\"age\":12,\"failures\":1,\"failureLimit\":2,\"problem\":null}],\"decision\":" DECISION  \
                   "}"
#define ROUTE(rollout)                                                                                       \
    "{\"name\":\"web\",\"weight\":25,\"inForce\":true,\"lock\":false,\"stable\":" SIDE(                      \
        "ec2", 1500, 3) ","                                                                                  \
                        "\"canary\":" SIDE("fargate", 500, 10) ",\"rollout\":" rollout "}"

static struct state_route route;

static json_t *read_route(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(json);
    state_route_read(&route, json);
    return json;
}

/* ---- reading ---- */

START_TEST(a_route_is_read_with_its_numbers)
{
    json_t *json = read_route(ROUTE(ROLLOUT));
    const struct state_rollout *rollout = &route.rollout;

    ck_assert_str_eq(route.name, "web");
    ck_assert(route.weight == 25 && route.in_force && !route.locked);
    ck_assert_str_eq(route.canary.group, "fargate");
    ck_assert(state_side_rate(&route.stable) == 150);
    ck_assert(state_side_errors(&route.canary) == 2);
    ck_assert(state_canary_share(&route) == 25);
    ck_assert(rollout->exists && rollout->step == 1 && rollout->steps_len == 4);
    ck_assert(rollout->steps[1].weight == 25 && rollout->steps[2].weight < 0 && rollout->steps[2].pause);
    ck_assert_int_eq(rollout->steps[3].bake_s, 20);
    ck_assert(rollout->metrics[0].judged && rollout->metrics[0].e == 0.25);
    ck_assert_uint_eq(rollout->metrics[0].stable.bad, 2);
    ck_assert(!rollout->metrics[0].guard && rollout->metrics[0].threshold == 100);
    ck_assert(rollout->metrics[1].guard && rollout->metrics[1].threshold == 200 &&
              rollout->metrics[1].e == 9);
    ck_assert(!rollout->metrics[2].judged);
    ck_assert(rollout->eta_s == 6);
    json_decref(json);
}
END_TEST

START_TEST(requests_that_testers_have_sent_are_no_part_of_the_share)
{
    json_t *json = read_route("{\"stable\":{\"recent\":{\"requests\":310,\"overridden\":10}},"
                              "\"canary\":{\"recent\":{\"requests\":140,\"overridden\":40}}}");

    ck_assert(state_canary_share(&route) == 25);
    ck_assert_uint_eq(route.canary.requests, 140);
    json_decref(json);
    json = read_route(
        "{\"canary\":{\"recent\":{\"requests\":3,\"overridden\":4}}}"); /* read at different times */
    ck_assert(state_canary_share(&route) < 0);
    json_decref(json);
}
END_TEST

START_TEST(what_is_missing_is_empty)
{
    json_t *json = read_route("{}");

    ck_assert_str_eq(route.name, "");
    ck_assert(!route.canary.exists && !route.rollout.exists);
    ck_assert(state_canary_share(&route) < 0);
    ck_assert(state_side_rate(&route.stable) == 0);
    json_decref(json);
}
END_TEST

START_TEST(an_eta_of_never_is_not_a_number_of_seconds)
{
    struct state_rollout rollout;
    json_t *json = json_loads("{\"decision\":{\"eta\":\"never\"}}", 0, NULL);

    state_rollout_read(&rollout, json);
    ck_assert(isinf(rollout.eta_s));
    json_decref(json);
    json = json_loads("{\"decision\":{}}", 0, NULL);
    state_rollout_read(&rollout, json);
    ck_assert(rollout.eta_s < 0);
    json_decref(json);
}
END_TEST

/* ---- drawing ---- */

static char *draw(const struct term *term, const char *json_text)
{
    json_t *json = read_route(json_text);
    struct text out;

    text_init(&out, 1 << 20);
    view_route(&out, term, &route);
    json_decref(json);
    return text_take(&out);
}

#define CHECK_SHOWS(lines, part) ck_assert_msg(strstr(lines, part), "no '%s' in:\n%s", part, lines)
#define CHECK_HIDES(lines, part) ck_assert_msg(!strstr(lines, part), "'%s' in:\n%s", part, lines)

START_TEST(a_view_shows_weight_groups_evidence_and_steps)
{
    char *lines = draw(&plain, ROUTE(ROLLOUT));

    CHECK_SHOWS(lines, "25 % to fargate; it got 25 % of the last requests\n");
    CHECK_SHOWS(lines, "fargate        25.0 %    50.0   2.00 %    41 ms   251 ms  2 of 3   canary\n");
    CHECK_SHOWS(lines, "0.45 in all, back at 100\n");
    CHECK_SHOWS(lines, "0.25   4 of 310 bad, stable 2 of 1,240\n");
    CHECK_SHOWS(lines, "+ 5 % -- * 25 % -- - approval -- - 100 %, bake 20 s\n");
    CHECK_SHOWS(lines, "needEvidence (about 6 s)\n              latency: 310 of 420\n");
    CHECK_SHOWS(lines, "demo running for 75 s; step 2 of 4 for 12 s\n");
    CHECK_SHOWS(lines, "31 of 310 bad, stable 60 of 1,240, holds at 200\n");
    CHECK_HIDES(lines, "queue");
    CHECK_SHOWS(lines, "0.031 (max 0.02), bad, 1 beyond of 2 allowed, asked 12 s ago\n");
    free(lines);
}
END_TEST

START_TEST(a_view_says_by_which_header_testers_come)
{
    char *lines =
        draw(&plain, ROUTE("{\"plan\":\"p\",\"state\":\"running\",\"step\":0,\"steps\":2,\"track\":["
                           "{\"setHeaderRoute\":\"x-canary\"},{\"setWeight\":100}]}"));

    CHECK_SHOWS(lines, "* by x-canary -- - 100 %\n");
    free(lines);
}
END_TEST

START_TEST(a_view_says_how_many_wait_for_a_place)
{
    char *lines = draw(&plain, "{\"name\":\"web\",\"stable\":{\"group\":\"ec2\",\"targets\":3,\"open\":2,"
                               "\"waiting\":1234}}");

    CHECK_SHOWS(lines, "2 of 3   stable, 1,234 wait for a place\n");
    free(lines);
}
END_TEST

START_TEST(a_view_shows_what_is_mirrored)
{
    char *lines = draw(
        &plain, "{\"name\":\"web\",\"stable\":{\"group\":\"ec2\",\"targets\":1,\"open\":1},\"mirror\":"
                "{\"group\":\"fargate\",\"share\":12.5,\"copies\":1234,\"different\":5,\"skipped\":67}}");

    CHECK_SHOWS(lines, "12.5 % to fargate: 1,234 copies, 5 answered differently, 67 not copied\n");
    free(lines);
}
END_TEST

START_TEST(a_step_says_what_it_copies)
{
    char *lines =
        draw(&plain, ROUTE("{\"plan\":\"p\",\"state\":\"running\",\"step\":0,\"steps\":3,\"track\":["
                           "{\"setMirror\":50},{\"setMirror\":0,\"setWeight\":5},{\"setWeight\":100}]}"));

    CHECK_SHOWS(lines, "mirror, copies 50 %");
    CHECK_SHOWS(lines, "5 %, copies 0 %");
    free(lines);
}
END_TEST

START_TEST(without_colour_there_is_no_escape_and_without_unicode_only_ascii)
{
    char *lines = draw(&plain, ROUTE(ROLLOUT));

    for (const char *p = lines; *p; p++)
        ck_assert(*p == '\n' || (*p >= ' ' && *p <= '~'));
    free(lines);
}
END_TEST

START_TEST(colour_is_always_turned_off_again)
{
    struct term term = plain;
    char *lines;
    bool on = false;

    term.color = true;
    lines = draw(&term, ROUTE(ROLLOUT));
    for (const char *p = lines; (p = strstr(p, "\033[")); p += 2) {
        bool off = strncmp(p, "\033[0m", 4) == 0;

        ck_assert(on == off);
        on = !off;
    }
    ck_assert(!on);
    free(lines);
}
END_TEST

static size_t count_char(const char *text, char c)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == c;
    return count;
}

/* The cells of the bar: its line is the second after the name. */
static void check_bar(const char *weight, size_t stable, size_t canary)
{
    char text[1024], *lines, *bar;

    snprintf(text, sizeof text, "{\"name\":\"web\",\"weight\":%s,\"stable\":%s,\"canary\":%s}", weight,
             SIDE("ec2", 0, 0), SIDE("fargate", 0, 0));
    lines = draw(&plain, text);
    bar = strchr(strchr(lines, '\n') + 1, '\n') + 1;
    *strchr(bar, '\n') = '\0';
    ck_assert_uint_eq(count_char(bar, '.'), stable);
    ck_assert_uint_eq(count_char(bar, '#'), canary);
    free(lines);
}

START_TEST(a_bar_is_empty_only_at_0_and_full_only_at_100)
{
    check_bar("0", 64, 0);
    check_bar("0.01", 63, 1);
    check_bar("50", 32, 32);
    check_bar("99.99", 1, 63);
    check_bar("100", 0, 64);
}
END_TEST

START_TEST(a_route_without_canary_or_rollout_says_so)
{
    char *lines =
        draw(&plain, "{\"name\":\"web\",\"stable\":" SIDE("ec2", 0, 0) ",\"canary\":null,\"rollout\":null}");

    CHECK_SHOWS(lines, "no canary: every request goes to ec2\n");
    CHECK_SHOWS(lines, "ec2                 -     0.0        -");
    CHECK_HIDES(lines, "evidence");
    free(lines);
    lines = draw(&plain, ROUTE("null"));
    CHECK_SHOWS(lines, "`penstock rollout start ROUTE PLAN`");
    CHECK_HIDES(lines, "evidence");
    free(lines);
}
END_TEST

START_TEST(a_rollout_that_went_back_shows_where)
{
    char *lines = draw(&plain, ROUTE("{\"plan\":\"demo\",\"state\":\"rolledBack\",\"step\":1,\"track\":["
                                     "{\"setWeight\":5},{\"setWeight\":25},{\"setWeight\":100}]}"));

    CHECK_SHOWS(lines, "+ 5 % -- x 25 % -- - 100 %\n");
    free(lines);
}
END_TEST

START_TEST(a_live_view_wraps_what_is_long_and_a_pipe_does_not)
{
    struct term term = plain;
    char *lines;
    json_t *json =
        json_loads("{\"time\":\"t\",\"action\":\"hold\",\"reason\":\"r\",\"text\":\"one two three four five "
                   "six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen\"}",
                   0, NULL);
    struct text out;

    text_init(&out, 4096);
    view_decision(&out, &term, json);
    ck_assert_uint_eq(count_char(out.p, '\n'), 1);
    text_fini(&out);
    term.live = true;
    term.columns = 60;
    view_decision(&out, &term, json);
    ck_assert_uint_eq(count_char(out.p, '\n'), 4);
    ck_assert_ptr_nonnull(strstr(out.p, "\n            one two"));
    text_fini(&out);
    json_decref(json);
    lines = draw(&term, ROUTE(ROLLOUT));
    for (char *line = lines, *end; (end = strchr(line, '\n')); line = end + 1)
        ck_assert_msg(end - line <= 82, "%.*s", (int)(end - line), line);
    free(lines);
}
END_TEST

START_TEST(a_line_says_it_all_in_one)
{
    json_t *json = read_route(ROUTE(ROLLOUT));
    struct text out;

    text_init(&out, 4096);
    view_route_line(&out, &route);
    ck_assert_str_eq(out.p,
                     "web  weight 25 %  ec2 150/s errors 0.2 % p99 251 ms  fargate 50.0/s errors 2 % p99 "
                     "251 ms  running, evidence 0.45 of 100, waits for needEvidence\n");
    text_fini(&out);
    json_decref(json);
}
END_TEST

START_TEST(a_decision_shows_its_move_and_its_reason)
{
    json_t *json =
        json_loads("{\"time\":\"x\",\"action\":\"rollback\",\"reason\":\"regression\",\"weight\":{\"from\":"
                   "25,\"to\":0},\"text\":\"errors: 41 of 5,120\"}",
                   0, NULL);
    struct text out;

    text_init(&out, 4096);
    view_decision(&out, &plain, json);
    ck_assert_str_eq(out.p, "x  rollback 25 % -> 0 % (regression): errors: 41 of 5,120\n");
    text_fini(&out);
    json_decref(json);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("view");
    TCase *tc = tcase_create("view");

    tcase_add_test(tc, a_route_is_read_with_its_numbers);
    tcase_add_test(tc, requests_that_testers_have_sent_are_no_part_of_the_share);
    tcase_add_test(tc, what_is_missing_is_empty);
    tcase_add_test(tc, an_eta_of_never_is_not_a_number_of_seconds);
    tcase_add_test(tc, a_view_shows_weight_groups_evidence_and_steps);
    tcase_add_test(tc, a_view_says_by_which_header_testers_come);
    tcase_add_test(tc, a_view_says_how_many_wait_for_a_place);
    tcase_add_test(tc, a_view_shows_what_is_mirrored);
    tcase_add_test(tc, a_step_says_what_it_copies);
    tcase_add_test(tc, without_colour_there_is_no_escape_and_without_unicode_only_ascii);
    tcase_add_test(tc, colour_is_always_turned_off_again);
    tcase_add_test(tc, a_bar_is_empty_only_at_0_and_full_only_at_100);
    tcase_add_test(tc, a_route_without_canary_or_rollout_says_so);
    tcase_add_test(tc, a_rollout_that_went_back_shows_where);
    tcase_add_test(tc, a_live_view_wraps_what_is_long_and_a_pipe_does_not);
    tcase_add_test(tc, a_line_says_it_all_in_one);
    tcase_add_test(tc, a_decision_shows_its_move_and_its_reason);
    suite_add_tcase(suite, tc);
    return suite;
}
