/*
 * The SQLite side of control/store: one connection with its settings, schema and prepared statements, and
 * errors as words for people. No other file sees sqlite3.h, but store.c and store_history.c. Thread: control.
 */
#ifndef CONTROL_STORE_DB_H
#define CONTROL_STORE_DB_H

#include "base/bug.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with the database. */
enum store_fault {
    STORE_FAULT_NONE,
    STORE_FAULT_PASSING, /* busy, full, no memory: the same call may do later */
    STORE_FAULT_CLOSED,  /* cannot be opened, read or written: open again later */
    STORE_FAULT_DAMAGED, /* not a database, or pages contradict each other */
    STORE_FAULT_NEWER,   /* made by a later penstock */
};

/* The statements, in the order of the table in store_db.c. */
enum store_statement {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_ROLLBACK,
    STORE_ROLLOUT_PUT,
    STORE_ROLLOUT_LAST,
    STORE_WEIGHT_PUT,
    STORE_WEIGHT_ALL,
    STORE_DECISION_PUT,
    STORE_DECISION_SINCE,
    STORE_DECISION_LAST,
    STORE_AUDIT_PUT,
    STORE_AUDIT_PRUNE,
    STORE_DECISION_PRUNE,
    STORE_SERIES_GET,
    STORE_SERIES_PUT,
    STORE_SERIES_LIVES,
    STORE_SERIES_PRUNE,
    STORE_SERIES_OF_ROUTE,
    STORE_HISTORY_PUT,
    STORE_HISTORY_GET,
    STORE_HISTORY_OLDEST,
    STORE_HISTORY_COUNT,
    STORE_HISTORY_DELETE,
    STORE_META_PUT,
    STORE_META_GET,
    STORE_STATEMENTS,
};

struct store_db {
    sqlite3 *handle; /* NULL: closed */
    sqlite3_stmt *statements[STORE_STATEMENTS];
};

/* Opens or creates the file, brings its schema up to date and prepares the statements. On a fault the
 * connection is closed again and `why` has the reason, without the file's name. */
MUST_CHECK enum store_fault store_db_open(struct store_db *db, const char *path, char *why, size_t why_len);
void store_db_close(struct store_db *db);

/* A statement, reset and without parameters. */
sqlite3_stmt *store_db_statement(struct store_db *db, enum store_statement statement);
/* Runs a statement that gives no rows. False on an error; ask store_db_fault then. */
MUST_CHECK bool store_db_run(sqlite3_stmt *statement);
/* The next row; false at the end and on an error, which store_db_fault tells apart. */
bool store_db_row(sqlite3_stmt *statement);
/* The fault of the last call, and its reason in words. */
enum store_fault store_db_fault(const struct store_db *db, char *why, size_t why_len);

/* Parameters, from 1. Text is borrowed until the statement has run; NULL text binds NULL. */
void store_db_text(sqlite3_stmt *statement, int at, const char *text);
void store_db_int(sqlite3_stmt *statement, int at, int64_t value);
/* A column as text, "" for NULL; valid until the next row. */
const char *store_db_column(sqlite3_stmt *statement, int at);

#endif
