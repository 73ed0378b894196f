#include "control/stream.c" /* with clients of its own in the place of control/admin_conn's */

#include "../unit.h"
#include "base/log.h"

enum { CLIENTS = 3 };

struct admin_stream {
    struct text got;
    bool waits;
    void (*gone)(void *arg);
    void *arg;
};

static struct admin_stream clients[CLIENTS];
static size_t opened;
static struct stream_hub hub;
static struct board board;

struct admin_stream *admin_stream_open(struct admin_request *request, const char *type,
                                       void (*gone_f)(void *arg), void *arg)
{
    (void)request;
    ck_assert_str_eq(type, "text/event-stream");
    if (opened == CLIENTS)
        return NULL;
    clients[opened].gone = gone_f;
    clients[opened].arg = arg;
    return &clients[opened++];
}

bool admin_stream_waits(const struct admin_stream *stream)
{
    return stream->waits;
}

void admin_stream_send(struct admin_stream *stream, struct str bytes)
{
    text_add(&stream->got, bytes.p, bytes.len);
}

static void set_up(void)
{
    opened = 0;
    hub = (struct stream_hub){0};
    memset(clients, 0, sizeof clients);
    board = (struct board){.now_ns = NS_PER_S};
    journal_init(&board.journal, 0);
    for (size_t i = 0; i < CLIENTS; i++)
        text_init(&clients[i].got, 1 << 20);
}

static void tear_down(void)
{
    while (opened > 0) {
        opened--;
        if (clients[opened].gone)
            clients[opened].gone(clients[opened].arg);
    }
    ck_assert_ptr_null(hub.listeners);
    journal_fini(&board.journal);
    for (size_t i = 0; i < CLIENTS; i++)
        text_fini(&clients[i].got);
}

/* A new listener; its wish as in a query. */
static void join(const char *events, const char *route, int64_t after)
{
    struct stream_wish wish = {.after = after};

    ck_assert(stream_events_parse(str_from(events), &wish));
    snprintf(wish.route, sizeof wish.route, "%s", route);
    stream_join(&hub, NULL, &wish, &board);
}

/* What a client has got since the last call. */
static const char *got(size_t client)
{
    static char text[4096];
    struct text *from = &clients[client].got;

    snprintf(text, sizeof text, "%.*s", (int)from->len, from->len ? from->p : "");
    from->len = 0;
    return text;
}

static void decide(const char *route)
{
    json_t *record =
        json_pack("{s:s, s:I, s:s, s:s}", "route", route, "id", (json_int_t)++board.journal.last_id, "action",
                  "hold", "text", "a \"line\"\nbreak");

    stream_decision(&hub, record);
    journal_add(&board.journal, record, 1, false);
}

START_TEST(a_decision_goes_with_its_id_to_those_who_want_it)
{
    join("decision", "", -1);
    join("decision", "api", -1);
    join("overview", "", -1);
    for (size_t i = 0; i < CLIENTS; i++)
        ck_assert_str_eq(got(i), ": penstock\n\n");
    decide("web");
    ck_assert_str_eq(got(0), "event: decision\nid: 1\ndata: {\"route\":\"web\",\"id\":1,\"action\":\"hold\","
                             "\"text\":\"a \\\"line\\\"\\nbreak\"}\n\n");
    ck_assert_str_eq(got(1), "");
    ck_assert_str_eq(got(2), "");
    decide("api");
    ck_assert_ptr_nonnull(strstr(got(0), "id: 2\n"));
    ck_assert_ptr_nonnull(strstr(got(1), "id: 2\n"));
}
END_TEST

START_TEST(a_listener_that_comes_back_is_told_what_it_missed)
{
    for (int i = 0; i < 4; i++)
        decide(i % 2 ? "api" : "web");
    join("decision", "", 2);
    ck_assert_ptr_null(strstr(got(0), "id: 2\n"));
    join("decision", "web", 0);
    ck_assert_ptr_nonnull(strstr(clients[1].got.p, "id: 1\n"));
    ck_assert_ptr_nonnull(strstr(clients[1].got.p, "id: 3\n"));
    ck_assert_ptr_null(strstr(got(1), "api"));
    join("overview", "", 0);
    ck_assert_str_eq(got(2), ": penstock\n\n");
}
END_TEST

START_TEST(what_is_missed_is_told_up_to_a_most)
{
    size_t told = 0;

    for (int i = 0; i < STREAM_RESUMED_MAX + 10; i++)
        decide("web");
    join("decision", "", 0);
    text_add(&clients[0].got, "", 1);
    for (const char *at = clients[0].got.p; (at = strstr(at, "\nid: ")); at++)
        told++;
    ck_assert_uint_eq(told, STREAM_RESUMED_MAX);
    ck_assert_ptr_null(strstr(clients[0].got.p, "\nid: 10\n"));
    ck_assert_ptr_nonnull(strstr(clients[0].got.p, "\nid: 11\n"));
}
END_TEST

START_TEST(silence_is_broken_by_a_comment)
{
    join("decision", "", -1);
    join("overview", "", -1);
    got(0);
    got(1);
    for (int s = 0; s < 22; s++) {
        board.now_ns += NS_PER_S;
        stream_tick(&hub, &board, NULL);
    }
    ck_assert_str_eq(got(0), ":\n\n:\n\n");
    ck_assert_ptr_null(strstr(clients[1].got.p, ":\n\n"));
    ck_assert_ptr_nonnull(strstr(clients[1].got.p, "event: overview\ndata: {\"time\":"));
}
END_TEST

START_TEST(who_does_not_keep_up_misses_overviews_and_no_decision)
{
    join("decision,overview", "", -1);
    got(0);
    clients[0].waits = true;
    stream_tick(&hub, &board, NULL);
    ck_assert_str_eq(got(0), "");
    decide("web");
    ck_assert_ptr_nonnull(strstr(got(0), "id: 1\n"));
    clients[0].waits = false;
    stream_tick(&hub, &board, NULL);
    ck_assert_ptr_nonnull(strstr(got(0), "event: overview\n"));
}
END_TEST

START_TEST(who_is_gone_is_forgotten)
{
    join("decision", "", -1);
    join("decision", "", -1);
    clients[0].gone(clients[0].arg);
    clients[0].gone = NULL;
    got(0);
    got(1);
    decide("web");
    ck_assert_str_eq(got(0), "");
    ck_assert_ptr_nonnull(strstr(got(1), "id: 1\n"));
}
END_TEST

START_TEST(an_event_has_to_be_one_of_the_list)
{
    struct stream_wish wish = {0};

    ck_assert(stream_events_parse(STR("overview,decision"), &wish));
    ck_assert(wish.events[STREAM_OVERVIEW] && wish.events[STREAM_DECISION] && !wish.events[STREAM_STATUS]);
    ck_assert(!stream_events_parse(STR("decision,"), &wish));
    ck_assert(!stream_events_parse(STR("Status"), &wish));
    ck_assert(!stream_events_parse(STR(""), &wish));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("stream");
    TCase *tcase = tcase_create("stream");

    log_set_level(LOG_LEVEL_ERROR);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_decision_goes_with_its_id_to_those_who_want_it);
    tcase_add_test(tcase, a_listener_that_comes_back_is_told_what_it_missed);
    tcase_add_test(tcase, what_is_missed_is_told_up_to_a_most);
    tcase_add_test(tcase, silence_is_broken_by_a_comment);
    tcase_add_test(tcase, who_does_not_keep_up_misses_overviews_and_no_decision);
    tcase_add_test(tcase, who_is_gone_is_forgotten);
    tcase_add_test(tcase, an_event_has_to_be_one_of_the_list);
    suite_add_tcase(suite, tcase);
    return suite;
}
