#include "control/store.c" /* its statics: the connection, to make the disk full */

#include "../unit.h"

#include <ftw.h>
#include <signal.h>
#include <sys/wait.h>

static char folder[] = "/tmp/penstock-store-XXXXXX";
static struct store *store;
static int64_t last_id;

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    (void)stat, (void)kind, (void)place;
    return remove(path);
}

static void reopen(int64_t wall_ns)
{
    char why[STORE_WHY_MAX];

    store_close(store);
    store = store_open(folder, wall_ns, why);
    ck_assert_ptr_nonnull(store);
}

static void set_up(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    store = NULL;
    last_id = 0;
    reopen(NS_PER_S);
}

static void tear_down(void)
{
    store_close(store);
    store = NULL;
    ck_assert_int_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* One weight, rollout and decision of the route "web". */
static bool save_web(uint32_t weight, int64_t wall_ns, bool in_force)
{
    char json[64];
    struct store_rollout rollout = {.id = "r1",
                                    .route = "web",
                                    .plan_name = "move",
                                    .plan = STR("name: move\n"),
                                    .plan_hash = "00ff",
                                    .state = "running",
                                    .json = json,
                                    .weight = weight,
                                    .started_ns = 7};
    struct store_weight row = {
        .route = "web", .weight = weight, .locked = true, .source = "rollout", .wall_ns = wall_ns};
    struct store_decision decision = {.id = ++last_id,
                                      .wall_ns = wall_ns,
                                      .route = "web",
                                      .rollout = "r1",
                                      .action = "forward",
                                      .reason = "evidence",
                                      .json = "{\"step\":1}"};
    struct store_change change = {&rollout, &row, in_force, &decision};

    snprintf(json, sizeof json, "{\"weight\":%u}", weight);
    return store_save(store, &change);
}

struct seen {
    size_t len;
    uint32_t weight;
    bool locked;
    int64_t last_id;
    char text[64];
};

static void see_weight(void *arg, const struct store_weight *weight)
{
    struct seen *seen = arg;

    seen->len++;
    seen->weight = weight->weight;
    seen->locked = weight->locked;
    snprintf(seen->text, sizeof seen->text, "%s %s", weight->route, weight->source);
}

static void see_rollout(void *arg, const struct store_rollout *rollout)
{
    struct seen *seen = arg;

    seen->len++;
    seen->weight = rollout->weight;
    snprintf(seen->text, sizeof seen->text, "%s %s %.*s", rollout->id, rollout->json, STR_ARG(rollout->plan));
}

static void see_decision(void *arg, const struct store_decision *decision)
{
    struct seen *seen = arg;

    seen->len++;
    seen->last_id = decision->id;
    snprintf(seen->text, sizeof seen->text, "%s %s %s", decision->route, decision->rollout, decision->json);
}

static void see_point(void *arg, const struct store_point *point)
{
    struct seen *seen = arg;

    seen->len++;
    seen->last_id = (int64_t)point->requests;
    snprintf(seen->text, sizeof seen->text, "%s %s %lld %lld", point->side, point->platform,
             (long long)point->begin_s, (long long)point->length_ms);
}

/* A point of web's stable side. */
static struct store_point point_at(size_t span, int64_t begin_s, uint64_t requests)
{
    return (struct store_point){.span = span,
                                .begin_s = begin_s,
                                .route = "web",
                                .side = "stable",
                                .group = "a",
                                .platform = "ec2",
                                .length_ms = 5000,
                                .requests = requests,
                                .p99_ns = (int64_t)requests * NS_PER_MS};
}

static struct seen points_of(const char *route, size_t span, int64_t from_s, int64_t to_s)
{
    struct seen seen = {0};

    ck_assert(store_each_point(store, &(struct store_window){route, span, from_s, to_s}, see_point, &seen));
    return seen;
}

/* Writes over bytes in the middle of the database file. */
static void damage(long from, const char *bytes)
{
    FILE *file = fopen(store->db_path, "r+");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, from, SEEK_SET), 0);
    ck_assert_int_ge(fputs(bytes, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(what_was_saved_is_there_after_a_reopening)
{
    struct seen seen = {0};

    ck_assert(save_web(100, 10, false));
    ck_assert(save_web(1250, 20, false));
    reopen(NS_PER_S);
    ck_assert(store_each_weight(store, see_weight, &seen));
    ck_assert_uint_eq(seen.len, 1);
    ck_assert_uint_eq(seen.weight, 1250);
    ck_assert(seen.locked);
    ck_assert_str_eq(seen.text, "web rollout");
    seen = (struct seen){0};
    ck_assert(store_each_rollout(store, see_rollout, &seen));
    ck_assert_uint_eq(seen.len, 1);
    ck_assert_str_eq(seen.text, "r1 {\"weight\":1250} name: move\n");
}
END_TEST

START_TEST(a_process_that_was_killed_loses_nothing_that_was_saved)
{
    struct seen seen = {0};
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char why[STORE_WHY_MAX];

        /* The parent's connection must not be touched: this one is another database. */
        char *other = mem_printf("%s/killed", folder);

        store = store_open(other, NS_PER_S, why);
        if (!store || !save_web(300, 10, false))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    store_close(store);
    {
        char *other = mem_printf("%s/killed", folder);
        char why[STORE_WHY_MAX];

        store = store_open(other, NS_PER_S, why);
        free(other);
    }
    ck_assert_ptr_nonnull(store);
    ck_assert(store_each_rollout(store, see_rollout, &seen));
    ck_assert_uint_eq(seen.weight, 300);
}
END_TEST

START_TEST(only_the_last_rollout_of_a_route_is_handed_out)
{
    struct store_rollout second = {.id = "r2",
                                   .route = "web",
                                   .plan_name = "again",
                                   .plan = STR("x"),
                                   .plan_hash = "1",
                                   .state = "running",
                                   .json = "{}",
                                   .started_ns = 3};
    struct seen seen = {0};

    ck_assert(save_web(100, 10, false));
    ck_assert(store_save(store, &(struct store_change){.rollout = &second}));
    ck_assert(store_each_rollout(store, see_rollout, &seen));
    ck_assert_uint_eq(seen.len, 1);
    ck_assert_str_eq(seen.text, "r2 {} x");
}
END_TEST

START_TEST(a_full_disk_is_an_error_that_passes)
{
    struct seen seen = {0};
    char *large = mem_alloc(1 << 20);
    struct store_decision decision = {
        .id = 2, .wall_ns = 1, .route = "web", .action = "hold", .reason = "dwell", .json = large};

    ck_assert(save_web(100, 10, false));
    memset(large, 'x', (1 << 20) - 1);
    large[(1 << 20) - 1] = '\0';
    ck_assert_int_eq(sqlite3_exec(store->db.handle, "PRAGMA max_page_count = 40", NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert(!store_save(store, &(struct store_change){.decision = &decision}));
    ck_assert(store_health(store)->failing);
    ck_assert_ptr_nonnull(strstr(store_health(store)->why, "penstock.db: "));
    ck_assert_ptr_nonnull(strstr(store_health(store)->why, "full"));
    ck_assert_int_eq(store_health(store)->since_ns, NS_PER_S);
    /* Nothing of the refused transaction is left, and room again is enough. */
    ck_assert_int_eq(sqlite3_exec(store->db.handle, "PRAGMA max_page_count = 4000", NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert(save_web(200, 20, false));
    ck_assert(!store_health(store)->failing);
    ck_assert_uint_eq(store_health(store)->errors, 1);
    ck_assert(store_each_decision(store, "web", 0, 100, see_decision, &seen));
    ck_assert_uint_eq(seen.len, 2);
    free(large);
}
END_TEST

START_TEST(a_way_back_is_remembered_though_the_database_fails)
{
    struct seen seen = {0};

    ck_assert(save_web(5000, 10, false));
    ck_assert_int_eq(sqlite3_exec(store->db.handle, "PRAGMA query_only = 1", NULL, NULL, NULL), SQLITE_OK);
    ck_assert(!save_web(7500, 20, false));
    ck_assert(!save_web(0, 30, true));
    reopen(NS_PER_S);
    ck_assert(store_each_weight(store, see_weight, &seen));
    ck_assert_uint_eq(seen.weight, 0);
}
END_TEST

START_TEST(a_file_that_is_no_database_is_moved_aside_and_the_weights_are_kept)
{
    struct seen seen = {0};

    ck_assert(save_web(4200, 10, false));
    ck_assert_int_eq(sqlite3_exec(store->db.handle, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
                     SQLITE_OK);
    damage(0, "this is no database");
    reopen(NS_PER_S);
    ck_assert(!store_health(store)->failing);
    ck_assert_ptr_nonnull(strstr(store_health(store)->notice, "was damaged and is now"));
    ck_assert_int_eq(access(store->db_path, F_OK), 0);
    ck_assert(store_each_weight(store, see_weight, &seen));
    ck_assert_uint_eq(seen.weight, 4200);
    /* The rollouts are gone, and the answer says so. */
    seen = (struct seen){0};
    ck_assert(!store_each_rollout(store, see_rollout, &seen));
    ck_assert_uint_eq(seen.len, 0);
    ck_assert(save_web(1, 20, false));
}
END_TEST

START_TEST(damage_that_shows_later_is_moved_aside_at_a_retry)
{
    ck_assert(save_web(4200, 10, false));
    ck_assert_int_eq(sqlite3_exec(store->db.handle, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
                     SQLITE_OK);
    for (long page = 1; page < 12; page++) /* all but the schema */
        damage(page * 4096, "\xff\xff\xff\xff\xff\xff\xff\xff");
    reopen(NS_PER_S);
    (void)!save_web(1, 20, false);
    if (store_health(store)->failing) {
        ck_assert(!store_retry(store, 2 * NS_PER_S));
        ck_assert(store_retry(store, 12 * NS_PER_S));
    }
    ck_assert(store_health(store)->notice[0]);
    ck_assert(save_web(1, 20, false));
}
END_TEST

START_TEST(a_database_of_a_later_version_is_left_alone)
{
    ck_assert(save_web(4200, 10, false));
    ck_assert_int_eq(sqlite3_exec(store->db.handle, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    reopen(NS_PER_S);
    ck_assert(store_health(store)->failing);
    ck_assert_ptr_nonnull(strstr(store_health(store)->why, "later penstock"));
    ck_assert(!save_web(1, 20, false));
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_a_failing_store)
{
    struct store *other;
    char why[STORE_WHY_MAX];
    char *path = mem_printf("%s/weights.json/state", folder);

    ck_assert(save_web(4200, 10, false));
    other = store_open(path, NS_PER_S, why);
    ck_assert_ptr_nonnull(other);
    ck_assert(store_health(other)->failing);
    ck_assert(!store_save(other, &(struct store_change){0}));
    ck_assert(!store_retry(other, 2 * NS_PER_S));
    ck_assert(!store_retry(other, 60 * NS_PER_S));
    store_close(other);
    free(path);
}
END_TEST

START_TEST(two_processes_do_not_share_a_directory)
{
    char why[STORE_WHY_MAX];

    ck_assert_ptr_null(store_open(folder, NS_PER_S, why));
    ck_assert_ptr_nonnull(strstr(why, "in use by another penstock"));
}
END_TEST

START_TEST(decisions_come_oldest_first_after_an_id)
{
    struct seen seen = {0};

    for (int i = 0; i < 5; i++)
        ck_assert(save_web(100, i, false));
    ck_assert(store_each_decision(store, NULL, 0, 2, see_decision, &seen));
    ck_assert_uint_eq(seen.len, 2);
    ck_assert_int_eq(seen.last_id, 5);
    ck_assert_str_eq(seen.text, "web r1 {\"step\":1}");
    seen = (struct seen){0};
    ck_assert(store_each_decision(store, "web", 4, 100, see_decision, &seen));
    ck_assert_uint_eq(seen.len, 1);
    ck_assert_int_eq(store_last_decision(store), 5);
    seen = (struct seen){0};
    ck_assert(store_each_decision(store, "other", 0, 100, see_decision, &seen));
    ck_assert_uint_eq(seen.len, 0);
}
END_TEST

START_TEST(history_is_read_back_by_time_and_route)
{
    struct store_point points[4] = {point_at(1, 60, 1), point_at(1, 60, 2), point_at(1, 120, 3),
                                    point_at(0, 70, 4)};
    struct seen seen;

    points[1].side = "canary";
    points[1].platform = "fargate";
    points[2].route = "api";
    ck_assert(store_history(store, points, 4, 130));
    ck_assert_uint_eq(points_of("web", 1, 0, 1000).len, 2);
    ck_assert_uint_eq(points_of("web", 1, 61, 1000).len, 0);
    ck_assert_uint_eq(points_of("web", 1, 0, 60).len, 0);
    ck_assert_uint_eq(points_of("none", 1, 0, 1000).len, 0);
    seen = points_of("web", 0, 0, 1000);
    ck_assert_uint_eq(seen.len, 1);
    ck_assert_str_eq(seen.text, "stable ec2 70 5000");
    ck_assert_int_eq(store_oldest(store, 0), 70);
    ck_assert_int_eq(store_oldest(store, 1), 60);
    ck_assert_int_eq(store_oldest(store, 2), INT64_MAX);
}
END_TEST

START_TEST(the_halves_of_an_interval_that_a_restart_cut_are_one_point)
{
    struct store_point half = point_at(1, 60, 10);
    struct seen seen;

    ck_assert(store_history(store, &half, 1, 70));
    reopen(80 * NS_PER_S);
    half.requests = 3;
    ck_assert(store_history(store, &half, 1, 120));
    seen = points_of("web", 1, 0, 1000);
    ck_assert_uint_eq(seen.len, 1);
    ck_assert_int_eq(seen.last_id, 13);
    ck_assert_str_eq(seen.text, "stable ec2 60 10000");
}
END_TEST

START_TEST(history_keeps_no_more_than_its_age)
{
    int64_t step_s = store_spans[0].seconds, keep_s = store_spans[0].keep_s;
    struct store_point points[100], one = point_at(0, 100 * step_s, 1);

    for (size_t i = 0; i < ARRAY_LEN(points); i++)
        points[i] = point_at(0, (int64_t)i * step_s, 1);
    ck_assert(store_history(store, points, ARRAY_LEN(points), 100 * step_s));
    ck_assert_int_eq(store_oldest(store, 0), 0);
    ck_assert(store_history(store, &one, 1, keep_s + 10 * step_s));
    ck_assert_int_eq(store_oldest(store, 0), 10 * step_s);
    ck_assert_uint_eq(points_of("web", 0, 0, 2 * keep_s).len, 91);
    /* after a long silence what is old goes bit by bit, never all in one tick */
    one = point_at(0, 10 * keep_s, 1);
    ck_assert(store_history(store, &one, 1, 10 * keep_s));
    ck_assert_int_eq(store_oldest(store, 0), 42 * step_s);
}
END_TEST

START_TEST(history_keeps_no_more_than_its_rows)
{
    struct store_point points[3];

    for (int64_t i = 0; i < 20; i++) {
        for (size_t p = 0; p < ARRAY_LEN(points); p++) {
            points[p] = point_at(3, i * 3600, 1);
            points[p].route = (const char *[]){"a", "b", "c"}[p];
        }
        store->history.rows[3] = i == 10 ? store_spans[3].rows : -1; /* as if there were so many */
        ck_assert(store_history(store, points, 3, i * 3600));
    }
    /* 3 rows too many: one interval is gone */
    ck_assert_int_eq(store_oldest(store, 3), 3600);
}
END_TEST

/* More groups than one answer has series: those that are in the window are what is told. */
START_TEST(a_route_that_has_had_many_groups_keeps_its_own_series)
{
    char names[100][8];

    for (int64_t i = 0; i < 100; i++) {
        struct store_point points[2] = {point_at(1, i * 3600, 1), point_at(1, i * 3600, 2)};

        snprintf(names[i], sizeof names[i], "b%d", (int)i);
        points[1].side = "canary";
        points[1].group = names[i];
        ck_assert(store_history(store, points, ARRAY_LEN(points), i * 3600));
    }
    ck_assert_uint_eq(points_of("web", 1, 99 * 3600, 100 * 3600).len, 2);
    ck_assert_uint_eq(points_of("web", 1, 90 * 3600, 91 * 3600).len, 2);
    ck_assert_uint_eq(points_of("web", 1, 80 * 3600, 99 * 3600 + 1).len, 40);
    ck_assert_str_eq(points_of("web", 1, 99 * 3600, 100 * 3600).text, "stable ec2 356400 5000");
}
END_TEST

START_TEST(a_series_is_found_in_every_interval_of_its_life)
{
    enum { POINTS = 150 };
    size_t len = 0;

    for (int64_t i = 0; i < POINTS; i++) {
        struct store_point point = point_at(0, 5000 + i * 10, 1);

        ck_assert(store_history(store, &point, 1, 5000 + i * 10));
        for (int64_t from_s = 5000; from_s <= 5000 + i * 10; from_s += 10 * (POINTS / 5))
            ck_assert_uint_eq(points_of("web", 0, from_s, 5000 + i * 10 + 1).len,
                              (size_t)(5000 + i * 10 - from_s) / 10 + 1);
    }
    /* the clock was set back; and an hour begins before the ten seconds in which its series was made */
    for (size_t span = 0; span < STORE_SPANS; span++) {
        struct store_point point = point_at(span, 3600, 1);

        ck_assert(store_history(store, &point, 1, 8000));
        len += points_of("web", span, 3600, 3601).len;
    }
    ck_assert_uint_eq(len, STORE_SPANS);
    ck_assert_uint_eq(points_of("web", 0, 0, 10000).len, POINTS + 1);
}
END_TEST

static int64_t series_kept(void)
{
    sqlite3_stmt *statement;
    int64_t len;

    ck_assert_int_eq(
        sqlite3_prepare_v2(store->db.handle, "SELECT count(*) FROM series", -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    len = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return len;
}

START_TEST(a_series_without_rows_is_forgotten)
{
    int64_t keep_s = store_spans[3].keep_s, step_s = keep_s / 28;
    struct store_point points[2] = {point_at(3, 0, 1), point_at(3, 0, 2)};

    points[1].group = "b";
    ck_assert(store_history(store, points, 2, 3600));
    for (int64_t at_s = step_s; at_s <= keep_s + 2 * step_s; at_s += step_s) {
        points[0].begin_s = at_s;
        ck_assert(store_history(store, points, 1, at_s));
        if (at_s <= keep_s)
            ck_assert_int_eq(series_kept(), 2);
    }
    ck_assert_int_eq(series_kept(), 1);
    points[1].begin_s = points[0].begin_s;
    ck_assert(store_history(store, points + 1, 1, points[0].begin_s));
    ck_assert_uint_eq(points_of("web", 3, points[0].begin_s, points[0].begin_s + 1).len, 2);
}
END_TEST

START_TEST(the_minutes_of_before_become_history)
{
    char *path = mem_strdup(store->db_path);
    struct seen seen;

    ck_assert_int_eq(
        sqlite3_exec(store->db.handle,
                     "DROP TABLE history; DROP TABLE series; CREATE TABLE minute(id INTEGER PRIMARY KEY,"
                     " wall_ns, route, side, group_name, platform, weight, requests, errors,"
                     " client_errors, sent, p50_ns, p95_ns, p99_ns);"
                     "INSERT INTO minute VALUES(1, 120000000000, 'web', 'canary', 'b', 'fargate', 500,"
                     " 77, 1, 2, 3, 4000, 5000, 6000); PRAGMA user_version = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    reopen(NS_PER_S);
    ck_assert(!store_health(store)->failing);
    seen = points_of("web", 1, 0, 1000);
    ck_assert_int_eq(seen.last_id, 77);
    ck_assert_str_eq(seen.text, "canary fargate 120 60000");
    free(path);
}
END_TEST

START_TEST(the_sticky_key_stays_even_without_the_database)
{
    struct hash_key first, again;
    char *path = mem_strdup(store->db_path);

    store_sticky_key(store, &first);
    reopen(NS_PER_S);
    store_sticky_key(store, &again);
    ck_assert_mem_eq(&first, &again, sizeof first);
    store_close(store);
    store = NULL;
    ck_assert_int_eq(unlink(path), 0);
    reopen(NS_PER_S);
    store_sticky_key(store, &again);
    ck_assert_mem_eq(&first, &again, sizeof first);
    free(path);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("store");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_was_saved_is_there_after_a_reopening);
    tcase_add_test(tcase, a_process_that_was_killed_loses_nothing_that_was_saved);
    tcase_add_test(tcase, only_the_last_rollout_of_a_route_is_handed_out);
    tcase_add_test(tcase, a_full_disk_is_an_error_that_passes);
    tcase_add_test(tcase, a_way_back_is_remembered_though_the_database_fails);
    tcase_add_test(tcase, a_file_that_is_no_database_is_moved_aside_and_the_weights_are_kept);
    tcase_add_test(tcase, damage_that_shows_later_is_moved_aside_at_a_retry);
    tcase_add_test(tcase, a_database_of_a_later_version_is_left_alone);
    tcase_add_test(tcase, a_directory_that_cannot_be_made_is_a_failing_store);
    tcase_add_test(tcase, two_processes_do_not_share_a_directory);
    tcase_add_test(tcase, decisions_come_oldest_first_after_an_id);
    tcase_add_test(tcase, history_is_read_back_by_time_and_route);
    tcase_add_test(tcase, the_halves_of_an_interval_that_a_restart_cut_are_one_point);
    tcase_add_test(tcase, history_keeps_no_more_than_its_age);
    tcase_add_test(tcase, history_keeps_no_more_than_its_rows);
    tcase_add_test(tcase, a_route_that_has_had_many_groups_keeps_its_own_series);
    tcase_add_test(tcase, a_series_is_found_in_every_interval_of_its_life);
    tcase_add_test(tcase, a_series_without_rows_is_forgotten);
    tcase_add_test(tcase, the_minutes_of_before_become_history);
    tcase_add_test(tcase, the_sticky_key_stays_even_without_the_database);
    suite_add_tcase(suite, tcase);
    return suite;
}
