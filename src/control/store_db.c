#include "control/store_db.h"

#include <stdio.h>
#include <string.h>

enum { BUSY_MS = 250 }; /* somebody looks at the file with another program */

/* schema[n] leads from version n to n + 1 (PRAGMA user_version). Never change a row that was released: add
 * one. */
static const char *const schema[] = {
    "CREATE TABLE rollout("
    " id TEXT PRIMARY KEY, route TEXT NOT NULL, plan_name TEXT NOT NULL, plan BLOB NOT NULL,"
    " plan_hash TEXT NOT NULL, state TEXT NOT NULL, json TEXT NOT NULL, weight INTEGER NOT NULL,"
    " started_ns INTEGER NOT NULL);"
    "CREATE INDEX rollout_route ON rollout(route, started_ns);"
    "CREATE TABLE weight("
    " route TEXT PRIMARY KEY, weight INTEGER NOT NULL, locked INTEGER NOT NULL, locked_back INTEGER NOT NULL,"
    " source TEXT NOT NULL, wall_ns INTEGER NOT NULL);"
    "CREATE TABLE decision("
    " id INTEGER PRIMARY KEY, wall_ns INTEGER NOT NULL, route TEXT NOT NULL, rollout TEXT,"
    " action TEXT NOT NULL, reason TEXT NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX decision_route ON decision(route, id);"
    "CREATE TABLE audit("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, wall_ns INTEGER NOT NULL, actor TEXT NOT NULL, remote TEXT NOT "
    "NULL,"
    " method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL);"
    "CREATE TABLE minute("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, wall_ns INTEGER NOT NULL, route TEXT NOT NULL, side TEXT NOT "
    "NULL,"
    " group_name TEXT NOT NULL, platform TEXT NOT NULL, weight INTEGER NOT NULL, requests INTEGER NOT NULL,"
    " errors INTEGER NOT NULL, client_errors INTEGER NOT NULL, sent INTEGER NOT NULL, p50_ns INTEGER NOT "
    "NULL,"
    " p95_ns INTEGER NOT NULL, p99_ns INTEGER NOT NULL);"
    "CREATE INDEX minute_wall ON minute(wall_ns);"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);",
    /* The rows of an interval lie together: that is how they are written and deleted. Minutes of before
       become rows of 60 s, which go when they are as old as those may get; longer intervals begin with this
       version, because percentiles do not add up. */
    "CREATE TABLE series("
    " id INTEGER PRIMARY KEY, route TEXT NOT NULL, side TEXT NOT NULL, group_name TEXT NOT NULL,"
    " platform TEXT NOT NULL, UNIQUE(route, side, group_name, platform));"
    "CREATE TABLE history("
    " span_s INTEGER NOT NULL, begin_s INTEGER NOT NULL, series INTEGER NOT NULL, length_ms INTEGER NOT NULL,"
    " weight INTEGER NOT NULL, requests INTEGER NOT NULL, errors INTEGER NOT NULL,"
    " client_errors INTEGER NOT NULL, slow INTEGER NOT NULL, slo_us INTEGER NOT NULL, sent INTEGER NOT NULL,"
    " p50_us INTEGER NOT NULL, p95_us INTEGER NOT NULL, p99_us INTEGER NOT NULL,"
    " PRIMARY KEY(span_s, begin_s, series)) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO series(route, side, group_name, platform)"
    " SELECT DISTINCT route, side, group_name, platform FROM minute;"
    "INSERT OR IGNORE INTO history SELECT 60, minute.wall_ns / 1000000000, series.id, 60000, weight, "
    "requests,"
    " errors, client_errors, 0, 0, sent, p50_ns / 1000, p95_ns / 1000, p99_ns / 1000 FROM minute JOIN series"
    " USING(route, side, group_name, platform);"
    "DROP TABLE minute;",
    /* Where a series may have rows, so that no other interval is looked up for it: of those of before,
       anywhere. */
    "ALTER TABLE series ADD COLUMN first_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE series ADD COLUMN last_s INTEGER NOT NULL DEFAULT 0;"
    "UPDATE series SET last_s = (SELECT coalesce(max(begin_s), 0) FROM history);",
};

static const char *const statement_sql[STORE_STATEMENTS] = {
    [STORE_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_ROLLBACK] = "ROLLBACK",
    [STORE_ROLLOUT_PUT] =
        "INSERT INTO rollout(id, route, plan_name, plan, plan_hash, state, json, weight, started_ns)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        " ON CONFLICT(id) DO UPDATE SET plan_name = ?3, plan = ?4, plan_hash = ?5, state = ?6, json = ?7,"
        " weight = ?8, started_ns = ?9",
    /* SQLite gives the other columns of the row that has the maximum. */
    [STORE_ROLLOUT_LAST] =
        "SELECT id, route, plan_name, plan, plan_hash, state, json, weight, started_ns, max(rowid)"
        " FROM rollout GROUP BY route",
    [STORE_WEIGHT_PUT] = "INSERT OR REPLACE INTO weight(route, weight, locked, locked_back, source, wall_ns)"
                         " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [STORE_WEIGHT_ALL] = "SELECT route, weight, locked, locked_back, source, wall_ns FROM weight",
    [STORE_DECISION_PUT] =
        "INSERT OR REPLACE INTO decision(id, wall_ns, route, rollout, action, reason, json)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STORE_DECISION_LAST] = "SELECT max(id) FROM decision",
    [STORE_DECISION_SINCE] =
        "SELECT * FROM (SELECT id, wall_ns, route, rollout, action, reason, json FROM decision"
        " WHERE id > ?1 AND (?2 IS NULL OR route = ?2) ORDER BY id DESC LIMIT ?3) ORDER BY id",
    [STORE_AUDIT_PUT] = "INSERT INTO audit(wall_ns, actor, remote, method, path, status)"
                        " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [STORE_AUDIT_PRUNE] = "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1",
    [STORE_DECISION_PRUNE] = "DELETE FROM decision WHERE id <= (SELECT max(id) FROM decision) - ?1",
    [STORE_SERIES_GET] = "SELECT id, first_s, last_s FROM series"
                         " WHERE route = ?1 AND side = ?2 AND group_name = ?3 AND platform = ?4",
    [STORE_SERIES_PUT] = "INSERT INTO series(route, side, group_name, platform, first_s, last_s)"
                         " VALUES(?1, ?2, ?3, ?4, ?5, ?5)",
    [STORE_SERIES_LIVES] =
        "UPDATE series SET first_s = min(first_s, ?2), last_s = max(last_s, ?2) WHERE id = ?1",
    [STORE_SERIES_PRUNE] = "DELETE FROM series WHERE last_s < ?1",
    /* Those that were in use last, when there are too many. */
    [STORE_SERIES_OF_ROUTE] =
        "SELECT * FROM (SELECT id, side, group_name, platform, first_s, last_s FROM series"
        " WHERE route = ?1 AND first_s < ?3 AND last_s > ?2 ORDER BY last_s DESC, id LIMIT ?4)"
        " ORDER BY id DESC",
    [STORE_HISTORY_PUT] =
        "INSERT INTO history(span_s, begin_s, series, length_ms, weight, requests, errors, client_errors, "
        "slow,"
        " slo_us, sent, p50_us, p95_us, p99_us)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        /* Two halves of an interval: the counts add up, and of the percentiles those of the larger half stay.
         */
        " ON CONFLICT DO UPDATE SET length_ms = length_ms + ?4, weight = ?5,"
        " p50_us = iif(?6 > requests, ?12, p50_us), p95_us = iif(?6 > requests, ?13, p95_us),"
        " p99_us = iif(?6 > requests, ?14, p99_us), requests = requests + ?6, errors = errors + ?7,"
        " client_errors = client_errors + ?8, slow = slow + ?9, slo_us = ?10, sent = sent + ?11",
    [STORE_HISTORY_GET] =
        "SELECT length_ms, weight, requests, errors, client_errors, slow, slo_us, sent, p50_us,"
        " p95_us, p99_us FROM history WHERE span_s = ?1 AND begin_s = ?2 AND series = ?3",
    [STORE_HISTORY_OLDEST] = "SELECT min(begin_s) FROM history WHERE span_s = ?1",
    [STORE_HISTORY_COUNT] = "SELECT count(*) FROM history WHERE span_s = ?1",
    [STORE_HISTORY_DELETE] = "DELETE FROM history WHERE span_s = ?1 AND begin_s = ?2",
    [STORE_META_PUT] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)",
    [STORE_META_GET] = "SELECT value FROM meta WHERE name = ?1",
};

static enum store_fault fault_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STORE_FAULT_NONE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_FAULT_DAMAGED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
        return STORE_FAULT_PASSING;
    default:
        return STORE_FAULT_CLOSED;
    }
}

enum store_fault store_db_fault(const struct store_db *db, char *why, size_t why_len)
{
    int code = sqlite3_extended_errcode(db->handle);

    if ((code & 0xff) == SQLITE_BUSY)
        snprintf(why, why_len, "another program holds a lock on it");
    else
        snprintf(why, why_len, "%s", sqlite3_errmsg(db->handle));
    return fault_of(code);
}

static bool user_version(sqlite3 *handle, int *version_r)
{
    sqlite3_stmt *statement;
    bool ok = sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;

    if (ok)
        *version_r = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return ok;
}

static bool migrate(sqlite3 *handle, int from)
{
    for (int version = from; version < (int)ARRAY_LEN(schema); version++) {
        char last[64];

        snprintf(last, sizeof last, "PRAGMA user_version = %d; COMMIT", version + 1);
        if (sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(handle, schema[version], NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(handle, last, NULL, NULL, NULL) != SQLITE_OK)
            return false;
    }
    return true;
}

static bool prepare(struct store_db *db)
{
    for (size_t i = 0; i < STORE_STATEMENTS; i++)
        if (sqlite3_prepare_v3(db->handle, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &db->statements[i], NULL) != SQLITE_OK)
            return false;
    return true;
}

/* The settings, the version and the schema of an open connection. */
static enum store_fault set_up(struct store_db *db, char *why, size_t why_len)
{
    int version = 0;

    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    if (sqlite3_exec(db->handle,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF",
                     NULL, NULL, NULL) != SQLITE_OK ||
        !user_version(db->handle, &version))
        return store_db_fault(db, why, why_len);
    if (version > (int)ARRAY_LEN(schema)) {
        snprintf(why, why_len,
                 "it was made by a later penstock (schema %d, this one knows %zu): run that one, or move the "
                 "file away",
                 version, ARRAY_LEN(schema));
        return STORE_FAULT_NEWER;
    }
    if (!migrate(db->handle, version) || !prepare(db))
        return store_db_fault(db, why, why_len);
    return STORE_FAULT_NONE;
}

enum store_fault store_db_open(struct store_db *db, const char *path, char *why, size_t why_len)
{
    enum store_fault fault;

    *db = (struct store_db){0};
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        fault = db->handle ? store_db_fault(db, why, why_len) : STORE_FAULT_CLOSED;
        if (!db->handle)
            snprintf(why, why_len, "out of memory");
    } else {
        fault = set_up(db, why, why_len);
    }
    if (fault != STORE_FAULT_NONE)
        store_db_close(db);
    return fault;
}

void store_db_close(struct store_db *db)
{
    for (size_t i = 0; i < STORE_STATEMENTS; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->handle);
    *db = (struct store_db){0};
}

sqlite3_stmt *store_db_statement(struct store_db *db, enum store_statement statement)
{
    sqlite3_stmt *prepared = db->statements[statement];

    sqlite3_reset(prepared);
    sqlite3_clear_bindings(prepared);
    return prepared;
}

bool store_db_run(sqlite3_stmt *statement)
{
    bool ok = sqlite3_step(statement) == SQLITE_DONE;

    return sqlite3_reset(statement) == SQLITE_OK && ok;
}

bool store_db_row(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) == SQLITE_ROW)
        return true;
    sqlite3_reset(statement);
    return false;
}

void store_db_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

void store_db_int(sqlite3_stmt *statement, int at, int64_t value)
{
    sqlite3_bind_int64(statement, at, value);
}

const char *store_db_column(sqlite3_stmt *statement, int at)
{
    const unsigned char *text = sqlite3_column_text(statement, at);

    return text ? (const char *)text : "";
}
