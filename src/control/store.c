#include "control/store.h"

#include "base/clk.h"
#include "base/mem.h"
#include "control/store_db.h"
#include "control/store_file.h"
#include "control/store_history.h"
#include "control/store_weights.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_NS (10 * NS_PER_S)

struct store {
    char *directory;
    char *db_path;
    char *weights_path;
    int lock_fd; /* -1: the directory cannot be written to */
    struct store_db db;
    struct store_history history;
    enum store_fault fault; /* why it is failing */
    int64_t now_ns;         /* of the last open or retry */
    int64_t retry_ns;       /* not before */
    struct store_health health;
    json_t *file;        /* what weights.json says or shall say */
    bool weights_unread; /* neither the database nor the file could be read */
};

static void healthy(struct store *store)
{
    store->fault = STORE_FAULT_NONE;
    store->health.failing = false;
    store->health.since_ns = 0;
    store->health.why[0] = '\0';
}

static void trouble(struct store *store, const char *path, const char *why)
{
    char *text = store->health.why;

    store->health.errors++;
    if (snprintf(text, STORE_WHY_MAX, "%s: %s", path, why) >= STORE_WHY_MAX)
        memcpy(text + STORE_WHY_MAX - 4, "...", 4);
}

static void failing(struct store *store, enum store_fault fault, const char *why)
{
    trouble(store, store->db_path, why);
    store->fault = fault;
    if (!store->health.failing)
        store->health.since_ns = store->now_ns;
    store->health.failing = true;
}

/* Takes note of what the last call on the database gave. */
static bool took(struct store *store, bool ok)
{
    char why[STORE_WHY_MAX];

    if (ok) {
        if (store->health.failing)
            healthy(store);
        return true;
    }
    failing(store, store_db_fault(&store->db, why, sizeof why), why);
    return false;
}

/* ---- weights.json
 * -------------------------------------------------------------------------------------------- */

static void file_write(struct store *store)
{
    char why[STORE_WHY_MAX];

    if (!store_file_write(store->weights_path, store->file, why, sizeof why))
        trouble(store, store->weights_path, why);
    else if (!store->health.failing)
        store->health.why[0] = '\0';
}

static bool file_read(struct store *store)
{
    char why[STORE_WHY_MAX];

    store->file = store_file_read(store->weights_path, why, sizeof why);
    if (why[0])
        trouble(store, store->weights_path, why);
    if (!store->file)
        store->file = store_weights_new();
    return !why[0];
}

/* ---- opening
 * ------------------------------------------------------------------------------------------------- */

/* Another process may not judge the same rollouts. False when one does; `why` says which. */
static bool lock(struct store *store, char why[static STORE_WHY_MAX])
{
    char *path = mem_printf("%s/penstock.lock", store->directory);
    char pid[16] = "";
    bool free_for_us = true;

    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd >= 0 && flock(store->lock_fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        ssize_t n = read(store->lock_fd, pid, sizeof pid - 1);

        snprintf(why, STORE_WHY_MAX,
                 "%s: in use by another penstock (process %.*s): give each its own state directory",
                 store->directory, n > 0 ? (int)strcspn(pid, "\n") : 1, n > 0 ? pid : "?");
        free_for_us = false;
    } else if (store->lock_fd >= 0) {
        int len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());

        /* The number is for people; the lock holds without it. */
        if (ftruncate(store->lock_fd, 0) || write(store->lock_fd, pid, (size_t)len) != len)
            store->health.errors++;
    }
    free(path);
    return free_for_us;
}

static void move_aside(struct store *store)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char *to = mem_printf("%s.damaged-%" PRId64, store->db_path, store->now_ns / NS_PER_S);

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char *old = mem_printf("%s%s", store->db_path, suffixes[i]);
        char *new = mem_printf("%s%s", to, suffixes[i]);

        if (rename(old, new) && errno != ENOENT)
            trouble(store, old, strerror(errno));
        free(old);
        free(new);
    }
    snprintf(store->health.notice, sizeof store->health.notice,
             "%s was damaged and is now %s: what it knew of rollouts, decisions and history is lost",
             store->db_path, to);
    free(to);
}

static void weights_to_file(struct store *store)
{
    sqlite3_stmt *all = store_db_statement(&store->db, STORE_WEIGHT_ALL);

    while (store_db_row(all)) {
        struct store_weight weight = {
            .route = store_db_column(all, 0),
            .weight = (uint32_t)sqlite3_column_int64(all, 1),
            .locked = sqlite3_column_int(all, 2),
            .locked_back = sqlite3_column_int(all, 3),
            .source = store_db_column(all, 4),
            .wall_ns = sqlite3_column_int64(all, 5),
        };

        store_weights_set(store->file, &weight);
    }
}

/* Opens the database, and a new one when it is damaged. */
static void open_db(struct store *store)
{
    char why[STORE_WHY_MAX];
    enum store_fault fault = store_db_open(&store->db, store->db_path, why, sizeof why);

    store_history_init(&store->history);
    if (fault == STORE_FAULT_NONE) {
        weights_to_file(store);
        fault = store_db_fault(&store->db, why, sizeof why);
        if (fault != STORE_FAULT_NONE)
            store_db_close(&store->db);
    }
    if (fault == STORE_FAULT_DAMAGED) {
        move_aside(store);
        fault = store_db_open(&store->db, store->db_path, why, sizeof why);
    }
    if (fault == STORE_FAULT_NONE)
        healthy(store);
    else
        failing(store, fault, why);
    store->retry_ns = store->now_ns + RETRY_NS;
}

struct store *store_open(const char *directory, int64_t wall_ns, char why[static STORE_WHY_MAX])
{
    struct store *store = mem_zalloc(sizeof *store);
    bool file_ok;

    store->directory = mem_strdup(directory);
    store->db_path = mem_printf("%s/penstock.db", directory);
    store->weights_path = mem_printf("%s/weights.json", directory);
    store->now_ns = wall_ns;
    if (mkdir(directory, 0700) && errno != EEXIST)
        trouble(store, directory, strerror(errno));
    if (!lock(store, why)) {
        store_close(store);
        return NULL;
    }
    file_ok = file_read(store);
    open_db(store);
    store->weights_unread = !file_ok && store->health.failing;
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_db_close(&store->db);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    json_decref(store->file);
    free(store->directory);
    free(store->db_path);
    free(store->weights_path);
    free(store);
}

const struct store_health *store_health(const struct store *store)
{
    return &store->health;
}

bool store_retry(struct store *store, int64_t wall_ns)
{
    store->now_ns = wall_ns;
    /* What passes is tried again by whoever saves next. */
    if (!store->health.failing || store->fault == STORE_FAULT_PASSING || wall_ns < store->retry_ns)
        return false;
    store_db_close(&store->db);
    if (store->fault == STORE_FAULT_DAMAGED)
        move_aside(store);
    if (mkdir(store->directory, 0700) == 0 || store->lock_fd < 0) {
        char why[STORE_WHY_MAX];

        if (store->lock_fd >= 0)
            close(store->lock_fd);
        if (!lock(store, why)) {
            close(store->lock_fd);
            store->lock_fd = -1;
            failing(store, STORE_FAULT_CLOSED, why);
            store->retry_ns = wall_ns + RETRY_NS;
            return false;
        }
    }
    open_db(store);
    return !store->health.failing;
}

/* ---- writing
 * ------------------------------------------------------------------------------------------------- */

static bool put_rollout(struct store *store, const struct store_rollout *rollout)
{
    sqlite3_stmt *put = store_db_statement(&store->db, STORE_ROLLOUT_PUT);

    store_db_text(put, 1, rollout->id);
    store_db_text(put, 2, rollout->route);
    store_db_text(put, 3, rollout->plan_name);
    sqlite3_bind_blob64(put, 4, rollout->plan.p ? rollout->plan.p : "", rollout->plan.len, SQLITE_STATIC);
    store_db_text(put, 5, rollout->plan_hash);
    store_db_text(put, 6, rollout->state);
    store_db_text(put, 7, rollout->json);
    store_db_int(put, 8, rollout->weight);
    store_db_int(put, 9, rollout->started_ns);
    return store_db_run(put);
}

static bool put_weight(struct store *store, const struct store_weight *weight)
{
    sqlite3_stmt *put = store_db_statement(&store->db, STORE_WEIGHT_PUT);

    store_db_text(put, 1, weight->route);
    store_db_int(put, 2, weight->weight);
    store_db_int(put, 3, weight->locked);
    store_db_int(put, 4, weight->locked_back);
    store_db_text(put, 5, weight->source);
    store_db_int(put, 6, weight->wall_ns);
    return store_db_run(put);
}

static bool put_decision(struct store *store, const struct store_decision *decision)
{
    sqlite3_stmt *put = store_db_statement(&store->db, STORE_DECISION_PUT);

    store_db_int(put, 1, decision->id);
    store_db_int(put, 2, decision->wall_ns);
    store_db_text(put, 3, decision->route);
    store_db_text(put, 4, decision->rollout);
    store_db_text(put, 5, decision->action);
    store_db_text(put, 6, decision->reason);
    store_db_text(put, 7, decision->json);
    return store_db_run(put);
}

static bool begin(struct store *store)
{
    return store->db.handle && took(store, store_db_run(store_db_statement(&store->db, STORE_BEGIN)));
}

/* Commits what went well, else takes all of it back. The fault is noted before the rollback covers it. */
static bool end(struct store *store, bool ok)
{
    ok = ok && store_db_run(store_db_statement(&store->db, STORE_COMMIT));
    took(store, ok);
    if (!ok && !sqlite3_get_autocommit(store->db.handle) &&
        !store_db_run(store_db_statement(&store->db, STORE_ROLLBACK)))
        store->fault = STORE_FAULT_CLOSED;
    return ok;
}

static bool put(struct store *store, const struct store_change *change)
{
    return (!change->rollout || put_rollout(store, change->rollout)) &&
           (!change->weight || put_weight(store, change->weight)) &&
           (!change->decision || put_decision(store, change->decision));
}

bool store_save_all(struct store *store, const struct store_change *changes, size_t len)
{
    bool ok = begin(store), in_file = false;

    if (!store->db.handle)
        store->health.errors++;
    if (ok) {
        for (size_t i = 0; i < len && ok; i++)
            ok = put(store, &changes[i]);
        ok = end(store, ok);
    }
    for (size_t i = 0; i < len; i++)
        if (changes[i].weight && (ok || changes[i].in_force))
            in_file |= store_weights_set(store->file, changes[i].weight);
    if (in_file)
        file_write(store);
    return ok;
}

bool store_save(struct store *store, const struct store_change *change)
{
    return store_save_all(store, change, 1);
}

bool store_audit(struct store *store, const struct store_audit *audit)
{
    sqlite3_stmt *put;

    if (!store->db.handle)
        return false;
    put = store_db_statement(&store->db, STORE_AUDIT_PUT);
    store_db_int(put, 1, audit->wall_ns);
    store_db_text(put, 2, audit->actor);
    store_db_text(put, 3, audit->remote);
    store_db_text(put, 4, audit->method);
    store_db_text(put, 5, audit->path);
    store_db_int(put, 6, audit->status);
    return took(store, store_db_run(put));
}

bool store_history(struct store *store, const struct store_point *points, size_t len, int64_t now_s)
{
    bool ok = true;

    if (!begin(store))
        return false;
    ok = store_history_put(&store->history, &store->db, points, len);
    for (size_t i = 0; i < len && ok; i++)
        if (i == 0 || points[i].span != points[i - 1].span)
            ok = store_history_trim(&store->history, &store->db, points[i].span, now_s);
    ok = end(store, ok);
    if (!ok)
        store_history_init(&store->history);
    return ok;
}

void store_prune(struct store *store)
{
    static const struct {
        enum store_statement statement;
        int64_t keep;
    } rules[] = {{STORE_DECISION_PRUNE, STORE_DECISION_ROWS}, {STORE_AUDIT_PRUNE, STORE_AUDIT_ROWS}};

    for (size_t i = 0; i < ARRAY_LEN(rules) && store->db.handle; i++) {
        sqlite3_stmt *prune = store_db_statement(&store->db, rules[i].statement);

        store_db_int(prune, 1, rules[i].keep);
        took(store, store_db_run(prune));
    }
}

/* ---- reading
 * ------------------------------------------------------------------------------------------------- */

/* The end of a loop over rows: reading well does not mean that writing works again. */
static bool read_all(struct store *store)
{
    char why[STORE_WHY_MAX];
    enum store_fault fault = store_db_fault(&store->db, why, sizeof why);

    if (fault == STORE_FAULT_NONE)
        return true;
    failing(store, fault, why);
    return false;
}

bool store_each_rollout(struct store *store, void (*each)(void *arg, const struct store_rollout *rollout),
                        void *arg)
{
    sqlite3_stmt *last;

    if (!store->db.handle)
        return false;
    last = store_db_statement(&store->db, STORE_ROLLOUT_LAST);
    while (store_db_row(last)) {
        struct store_rollout rollout = {
            .id = store_db_column(last, 0),
            .route = store_db_column(last, 1),
            .plan_name = store_db_column(last, 2),
            .plan = {sqlite3_column_blob(last, 3), (size_t)sqlite3_column_bytes(last, 3)},
            .plan_hash = store_db_column(last, 4),
            .state = store_db_column(last, 5),
            .json = store_db_column(last, 6),
            .weight = (uint32_t)sqlite3_column_int64(last, 7),
            .started_ns = sqlite3_column_int64(last, 8),
        };

        each(arg, &rollout);
    }
    return read_all(store) && !store->health.notice[0];
}

bool store_each_weight(struct store *store, void (*each)(void *arg, const struct store_weight *weight),
                       void *arg)
{
    store_weights_each(store->file, each, arg);
    return !store->weights_unread;
}

int64_t store_last_decision(struct store *store)
{
    sqlite3_stmt *last;
    int64_t id = 0;

    if (!store->db.handle)
        return 0;
    last = store_db_statement(&store->db, STORE_DECISION_LAST);
    if (store_db_row(last))
        id = sqlite3_column_int64(last, 0);
    sqlite3_reset(last);
    return id;
}

bool store_each_decision(struct store *store, const char *route, int64_t after, size_t limit,
                         void (*each)(void *arg, const struct store_decision *decision), void *arg)
{
    sqlite3_stmt *since;

    if (!store->db.handle)
        return false;
    since = store_db_statement(&store->db, STORE_DECISION_SINCE);
    store_db_int(since, 1, after);
    store_db_text(since, 2, route);
    store_db_int(since, 3, (int64_t)limit);
    while (store_db_row(since)) {
        struct store_decision decision = {
            .id = sqlite3_column_int64(since, 0),
            .wall_ns = sqlite3_column_int64(since, 1),
            .route = store_db_column(since, 2),
            .rollout = store_db_column(since, 3),
            .action = store_db_column(since, 4),
            .reason = store_db_column(since, 5),
            .json = store_db_column(since, 6),
        };

        each(arg, &decision);
    }
    return read_all(store);
}

int64_t store_oldest(struct store *store, size_t span)
{
    return store->db.handle ? store_history_oldest(&store->db, span) : INT64_MAX;
}

bool store_each_point(struct store *store, const struct store_window *window,
                      void (*each)(void *arg, const struct store_point *point), void *arg)
{
    if (!store->db.handle)
        return false;
    store_history_each(&store->db, window, each, arg);
    return read_all(store);
}

/* ---- the sticky key
 * ------------------------------------------------------------------------------------------ */

static bool key_from_db(struct store *store, struct hash_key *key_r)
{
    sqlite3_stmt *get;
    bool found;

    if (!store->db.handle)
        return false;
    get = store_db_statement(&store->db, STORE_META_GET);
    store_db_text(get, 1, "sticky_key");
    found = store_db_row(get) && store_key_parse(store_db_column(get, 0), key_r);
    sqlite3_reset(get);
    return found;
}

void store_sticky_key(struct store *store, struct hash_key *key_r)
{
    json_t *in_file = json_object_get(store->file, "stickyKey");
    char hex[STORE_KEY_LEN];

    if (key_from_db(store, key_r))
        return;
    if (!json_is_string(in_file) || !store_key_parse(json_string_value(in_file), key_r))
        hash_key_init(key_r);
    store_key_text(key_r, hex);
    json_object_set_new(store->file, "stickyKey", json_string(hex));
    file_write(store);
    if (store->db.handle) {
        sqlite3_stmt *put = store_db_statement(&store->db, STORE_META_PUT);

        store_db_text(put, 1, "sticky_key");
        store_db_text(put, 2, hex);
        took(store, store_db_run(put));
    }
}
