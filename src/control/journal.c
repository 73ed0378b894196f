#include "control/journal.h"

#include "base/log.h"
#include "base/mem.h"
#include "decide/record.h"
#include "decide/words.h"

#include <stdlib.h>
#include <string.h>

void journal_init(struct journal *journal, int64_t last_id)
{
    *journal = (struct journal){.last_id = last_id};
}

void journal_fini(struct journal *journal)
{
    for (size_t i = 0; i < JOURNAL_ENTRIES; i++)
        json_decref(journal->entries[i].record);
}

json_t *journal_record(struct journal *journal, const struct decision *decision, const char *route,
                       const char *rollout)
{
    json_t *record = decision_to_json(decision, route, rollout);

    json_object_set_new(record, "id", json_integer(++journal->last_id));
    return record;
}

static const char *member(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text ? text : "";
}

static int64_t id_of(const json_t *record)
{
    return json_integer_value(json_object_get(record, "id"));
}

/* One line for the person with the pager. */
static void log_record(const json_t *record, enum action action)
{
    const json_t *weight = json_object_get(record, "weight");
    enum log_level level =
        action == ACTION_ROLLBACK || action == ACTION_RETREAT ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;

    log_at(level, "route %s: %s, %g %% to %g %% (%s): %s", member(record, "route"), member(record, "action"),
           json_number_value(json_object_get(weight, "from")),
           json_number_value(json_object_get(weight, "to")), member(record, "reason"),
           member(record, "text"));
}

void journal_add(struct journal *journal, json_t *record, int64_t wall_ns, bool saved)
{
    struct journal_entry *entry;
    size_t action = ACTION_NONE;

    entry = &journal->entries[id_of(record) % JOURNAL_ENTRIES];
    json_decref(entry->record);
    *entry = (struct journal_entry){id_of(record), wall_ns, record, saved};
    if (word_parse(&action_words, str_from(member(record, "action")), &action))
        journal->counts[action]++;
    log_record(record, (enum action)action);
    if (journal->listener)
        journal->listener(journal->arg, record);
}

struct store_decision journal_row(const json_t *record, int64_t wall_ns, char **json_r)
{
    const json_t *rollout = json_object_get(record, "rollout");

    *json_r = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(12));
    return (struct store_decision){.id = id_of(record),
                                   .wall_ns = wall_ns,
                                   .route = member(record, "route"),
                                   .rollout = json_string_value(rollout),
                                   .action = member(record, "action"),
                                   .reason = member(record, "reason"),
                                   .json = *json_r};
}

void journal_save(struct journal *journal, struct store *store)
{
    for (size_t i = 0; i < JOURNAL_ENTRIES; i++) {
        struct journal_entry *entry = &journal->entries[i];
        struct store_decision row;
        char *json;

        if (!entry->record || entry->saved)
            continue;
        row = journal_row(entry->record, entry->wall_ns, &json);
        entry->saved = store_save(store, &(struct store_change){.decision = &row});
        free(json);
        if (!entry->saved)
            return;
    }
}

/* ---- lists
 * --------------------------------------------------------------------------------------------------- */

static void append_stored(void *arg, const struct store_decision *decision)
{
    json_t *list = arg;
    json_t *record = json_loads(decision->json, 0, NULL);

    if (record)
        json_array_append_new(list, record);
}

/* Puts a record where its id belongs; nothing when it is there. */
static void insert(json_t *list, json_t *record)
{
    size_t at = json_array_size(list);

    while (at > 0 && id_of(json_array_get(list, at - 1)) > id_of(record))
        at--;
    if (at > 0 && id_of(json_array_get(list, at - 1)) == id_of(record))
        return;
    json_array_insert(list, at, record);
}

json_t *journal_list(const struct journal *journal, struct store *store, const char *route, int64_t after,
                     size_t limit)
{
    json_t *list = json_array();

    if (store)
        (void)!store_each_decision(store, route, after, limit, append_stored, list);
    for (size_t i = 0; i < JOURNAL_ENTRIES; i++) {
        const struct journal_entry *entry = &journal->entries[i];

        if (entry->record && entry->id > after && (!route || !strcmp(member(entry->record, "route"), route)))
            insert(list, entry->record);
    }
    while (json_array_size(list) > limit)
        json_array_remove(list, 0);
    return list;
}
