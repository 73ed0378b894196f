/*
 * The decisions, newest last: each is one JSON record (decide/record) with an id, which goes to the store,
 * the operational log, the listener (API stream, demo) and the counters. The newest stay in memory, so that
 * they can be read, and stored later, when the store fails.
 *
 * Thread: control.
 */
#ifndef CONTROL_JOURNAL_H
#define CONTROL_JOURNAL_H

#include "base/bug.h"
#include "control/store.h"
#include "decide/decision.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JOURNAL_ENTRIES = 512, /* kept in memory */
    JOURNAL_LIST_MAX = 1000,
};

struct journal_entry {
    int64_t id; /* 0: empty */
    int64_t wall_ns;
    json_t *record;
    bool saved;
};

struct journal {
    struct journal_entry entries[JOURNAL_ENTRIES]; /* by id % JOURNAL_ENTRIES */
    int64_t last_id;                               /* that was given */
    uint64_t counts[ACTION_PROMOTE + 1];           /* since the start, by enum action */
    void (*listener)(void *arg, const json_t *record);
    void *arg;
};

/* `last_id`: of the store. */
void journal_init(struct journal *journal, int64_t last_id);
void journal_fini(struct journal *journal);

/* The record of a decision, with the next id. A new reference. */
json_t *journal_record(struct journal *journal, const struct decision *decision, const char *route,
                       const char *rollout);
/* Adds a record and tells everybody. Takes the reference. `saved`: it is in the store. */
void journal_add(struct journal *journal, json_t *record, int64_t wall_ns, bool saved);
/* Stores what could not be stored before. */
void journal_save(struct journal *journal, struct store *store);

/* A record as the store takes it. Borrows from the record and from `json_r`, which the caller frees. */
struct store_decision journal_row(const json_t *record, int64_t wall_ns, char **json_r);

/* The newest `limit` records with an id above `after`, oldest first, of one route or of all (NULL); a new
 * array. `store` may be NULL. */
json_t *journal_list(const struct journal *journal, struct store *store, const char *route, int64_t after,
                     size_t limit);

#endif
