#include "cli/demo_view.h"

#include "../unit.h"

#include <stdlib.h>
#include <string.h>

static const struct term plain = {.columns = 100, .rows = 40};

#define SIDE(group, requests)                                                                                \
    "{\"group\":\"" group "\",\"platform\":\"" group "\",\"targets\":3,\"open\":3,\"recent\":{\"seconds\":"  \
    "10,\"requests\":" #requests ",\"errors\":0,\"p50\":41,\"p99\":250}}"
#define ROUTE(state)                                                                                         \
    "{\"name\":\"web\",\"weight\":5,\"inForce\":true,\"stable\":" SIDE("ec2", 1900) ",\"canary\":" SIDE(     \
        "fargate", 100) ",\"rollout\":{\"plan\":\"demo\",\"state\":\"" state "\",\"step\":0,\"threshold\":"  \
                        "100,\"e\":1.5,\"track\":[{\"setWeight\":5},{\"setWeight\":100}]}}"
#define RECORD(id, action, text)                                                                             \
    "{\"id\":" #id ",\"time\":\"t\",\"action\":\"" action "\",\"reason\":\"r\",\"text\":\"" text "\"}"

static struct state_route route;
static struct demo_show show;
static json_t *route_json, *decisions;
static struct text out;

static void set_up(const char *route_text, const char *decisions_text)
{
    route_json = json_loads(route_text, 0, NULL);
    decisions = json_loads(decisions_text, 0, NULL);
    ck_assert_ptr_nonnull(route_json);
    ck_assert_ptr_nonnull(decisions);
    state_route_read(&route, route_json);
    show = (struct demo_show){.fault = DEMO_FAULT_ERRORS,
                              .rate = 200,
                              .users = 5000,
                              .address = "127.0.0.1:1",
                              .admin = "127.0.0.1:2",
                              .elapsed_s = 42,
                              .counts = {.good = 8412, .failed = 9},
                              .route = &route,
                              .decisions = decisions,
                              .notice = ""};
    text_init(&out, 1 << 20);
}

static void tear_down(void)
{
    text_fini(&out);
    json_decref(route_json);
    json_decref(decisions);
}

static size_t count_lines(void)
{
    size_t count = 0;

    for (const char *p = out.p; *p; p++)
        count += *p == '\n';
    return count;
}

#define CHECK_SHOWS(part) ck_assert_msg(strstr(out.p, part), "no '%s' in:\n%s", part, out.p)
#define CHECK_HIDES(part) ck_assert_msg(!strstr(out.p, part), "'%s' in:\n%s", part, out.p)

START_TEST(a_frame_shows_places_clients_route_decisions_and_keys)
{
    set_up(ROUTE("running"), "[" RECORD(1, "promote", "one") "," RECORD(2, "hold", "two") "]");
    show.notice = "Paused.";
    demo_view_frame(&out, &plain, &show);
    CHECK_SHOWS("errors: the canary answers 5 % of its requests with 500\n");
    CHECK_SHOWS("curl http://127.0.0.1:1/\n");
    CHECK_SHOWS("penstock status --admin 127.0.0.1:2\n");
    CHECK_SHOWS("http://127.0.0.1:2/\n");
    CHECK_SHOWS("200 requests a second of 5,000 users: 8,412 answered, 9 failed\n");
    CHECK_SHOWS("5 % to fargate");
    CHECK_SHOWS("hold (r): two\n");
    CHECK_SHOWS("Paused.\n");
    CHECK_SHOWS("keys: q end");
    CHECK_HIDES("log  ");
    tear_down();
}
END_TEST

START_TEST(a_frame_fits_the_terminal_and_keeps_the_newest_decisions)
{
    struct term term = plain;

    for (term.rows = 24; term.rows < 60; term.rows++) {
        set_up(ROUTE("running"),
               "[" RECORD(1, "hold", "d1") "," RECORD(2, "hold", "d2") "," RECORD(3, "hold", "d3") "," RECORD(
                   4, "hold", "d4") "," RECORD(5, "hold", "d5") "]");
        demo_view_frame(&out, &term, &show);
        ck_assert_uint_le(count_lines(), term.rows);
        CHECK_SHOWS("d5\n");
        tear_down();
    }
}
END_TEST

START_TEST(the_end_says_what_happened_and_whether_it_should_have)
{
    set_up(ROUTE("rolledBack"), "[" RECORD(1, "rollback", "errors: 9 of 100") "," RECORD(2, "hold", "x") "]");
    demo_view_end(&out, &plain, &show);
    CHECK_SHOWS("Rolled back: every request goes to stable again. After 42 s, as it should with the fault "
                "\"errors\".\n");
    CHECK_SHOWS("rollback (r): errors: 9 of 100\n");
    tear_down();
    set_up(ROUTE("promoted"), "[]");
    demo_view_end(&out, &plain, &show);
    CHECK_SHOWS("After 42 s, which is not how the fault \"errors\" should end.\n");
    tear_down();
    set_up(ROUTE("running"), "[]");
    demo_view_end(&out, &plain, &show);
    CHECK_SHOWS("still under way. After 42 s.\n");
    tear_down();
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("demo_view");
    TCase *tc = tcase_create("demo_view");

    tcase_add_test(tc, a_frame_shows_places_clients_route_decisions_and_keys);
    tcase_add_test(tc, a_frame_fits_the_terminal_and_keeps_the_newest_decisions);
    tcase_add_test(tc, the_end_says_what_happened_and_whether_it_should_have);
    suite_add_tcase(suite, tc);
    return suite;
}
