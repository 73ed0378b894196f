#include "control/journal.h"

#include "../unit.h"
#include "base/clk.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char folder[] = "/tmp/penstock-journal-XXXXXX";
static struct store *store;
static struct journal journal;
static size_t heard;

static void listen_to(void *arg, const json_t *record)
{
    (void)arg;
    heard += json_is_object(record);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    (void)stat, (void)kind, (void)place;
    return remove(path);
}

static void set_up(void)
{
    char why[STORE_WHY_MAX];

    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    store = store_open(folder, NS_PER_S, why);
    ck_assert_ptr_nonnull(store);
    journal_init(&journal, 0);
    journal.listener = listen_to;
    heard = 0;
}

static void tear_down(void)
{
    journal_fini(&journal);
    store_close(store);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Decides something on a route. `keep`: it goes to the store at once, as it should. */
static void decide(const char *route, bool keep)
{
    struct decision decision = {.action = ACTION_ROLLBACK,
                                .reason = REASON_REGRESSION,
                                .wall_ns = 5 * NS_PER_S,
                                .weight_from = 1000,
                                .metric = -1,
                                .ratio = {NAN, 0, INFINITY},
                                .eta_ns = ROLLOUT_ETA_UNKNOWN};
    json_t *record;

    decision_say(&decision, "it was bad");
    record = journal_record(&journal, &decision, route, "r1");
    if (keep) {
        char *json;
        struct store_decision row = journal_row(record, decision.wall_ns, &json);

        ck_assert(store_save(store, &(struct store_change){.decision = &row}));
        free(json);
    }
    journal_add(&journal, record, decision.wall_ns, keep);
}

static void listed(const struct store *with, const char *route, int64_t after, size_t limit, int64_t first,
                   size_t len)
{
    json_t *list = journal_list(&journal, with ? store : NULL, route, after, limit);

    ck_assert_uint_eq(json_array_size(list), len);
    for (size_t i = 0; i + 1 < len; i++)
        ck_assert_int_lt(json_integer_value(json_object_get(json_array_get(list, i), "id")),
                         json_integer_value(json_object_get(json_array_get(list, i + 1), "id")));
    if (len > 0)
        ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 0), "id")), first);
    json_decref(list);
}

START_TEST(each_decision_is_told_and_counted)
{
    decide("web", true);
    decide("web", false);
    ck_assert_uint_eq(heard, 2);
    ck_assert_uint_eq(journal.counts[ACTION_ROLLBACK], 2);
}
END_TEST

START_TEST(what_is_stored_and_what_is_not_are_one_list)
{
    for (int i = 0; i < 6; i++)
        decide(i % 2 ? "api" : "web", i != 2 && i != 3);
    listed(store, NULL, 0, 100, 1, 6);
    listed(store, NULL, 0, 2, 5, 2);
    listed(store, NULL, 4, 100, 5, 2);
    listed(store, "web", 0, 100, 1, 3);
    listed(store, "none", 0, 100, 0, 0);
    listed(NULL, NULL, 0, 100, 1, 6);
}
END_TEST

START_TEST(what_was_not_stored_is_stored_later)
{
    struct journal later;

    for (int i = 0; i < 4; i++)
        decide("web", i % 2);
    journal_save(&journal, store);
    ck_assert_int_eq(store_last_decision(store), 4);
    journal_init(&later, store_last_decision(store));
    {
        json_t *list = journal_list(&later, store, NULL, 0, 100);

        ck_assert_uint_eq(json_array_size(list), 4);
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "text")), "it was bad");
        json_decref(list);
    }
}
END_TEST

START_TEST(memory_is_bounded_and_the_newest_stay)
{
    for (int i = 0; i < 2 * JOURNAL_ENTRIES + 5; i++)
        decide("web", false);
    listed(NULL, NULL, 0, JOURNAL_LIST_MAX, JOURNAL_ENTRIES + 6, JOURNAL_ENTRIES);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("journal");
    TCase *tcase = tcase_create("journal");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, each_decision_is_told_and_counted);
    tcase_add_test(tcase, what_is_stored_and_what_is_not_are_one_list);
    tcase_add_test(tcase, what_was_not_stored_is_stored_later);
    tcase_add_test(tcase, memory_is_bounded_and_the_newest_stay);
    suite_add_tcase(suite, tcase);
    return suite;
}
