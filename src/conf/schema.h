/*
 * The machinery behind the two tables of settings (config_table, plan_table): a row is a setting, and from
 * the rows come the reader, the checks, the errors, the manual, the JSON Schema and the example. Nothing
 * about a setting is written anywhere else.
 *
 *   section ── setting ──┬── type: how a value is read and shown
 *                        ├── place: offset and width in the struct that the section fills
 *                        └── section or item: what a map or list holds
 *
 * Settings are read in the order of the table, whatever the order in the file, so a row may refer to what the
 * rows above it have read (a route to a target group).
 * Thread: the caller's; the tables are constant.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/report.h"
#include "conf/tree.h"
#include "decide/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct setting;
struct section;

/* One reading of one file. */
struct schema_reader {
    struct conf_report *report;
    const char *file;   /* as shown in messages */
    const char *folder; /* relative paths begin here; "." for the working folder */
    bool offline;       /* no file is read and no name resolved: for fuzzing */
    void *object;       /* what the whole file fills: struct config or struct plan */
};

/* How the values of one kind of setting are read, shown and freed. */
struct schema_type {
    const char *name; /* as in the manual: "duration" */
    const char *form; /* how to write one, for the manual and for errors: "such as 250ms, 10s or 2h" */
    const char *json; /* its JSON Schema, an object */
    /* Reads `value` into `at`, or reports why not and leaves *at as it is. */
    void (*read)(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                 void *at);
    /* Shows a minimum or maximum as one would write it; NULL for types without a range. */
    void (*show)(int64_t value, struct buf *out);
    /* Frees what `at` owns and forgets it; NULL when it owns nothing. */
    void (*fini)(const struct setting *setting, void *at);
};

/* Where a value goes: struct and member. */
#define FIELD(type_, member)                                                                                 \
    .offset = offsetof(struct type_, member), .width = sizeof(((struct type_ *)NULL)->member)
/* A list: the elements (a pointer to heap memory, or an array inside the struct) and their count. */
#define LIST(type_, member)        FIELD(type_, member), .len_offset = offsetof(struct type_, member##_len)
#define LIST_INSIDE(type_, member) LIST(type_, member), .inside = true

struct setting {
    const char *key;
    const struct schema_type *type;
    const char *text;     /* one sentence, for the manual */
    size_t offset, width; /* from the start of the section's struct */
    size_t len_offset;    /* lists: a size_t */
    int64_t min, max;     /* in units of the stored value; text: bytes; lists: elements. 0, 0: any */
    const char *fallback; /* the default as one would write it; NULL: none, the struct keeps what it has */
    const char *inherits; /* for the manual, where the default comes from another setting */
    const char *example;  /* for the example, where the default does not do; of maps by name: names */
    const char *zero;     /* what 0 means, where nobody should write it: told as a warning */
    const char *word;     /* a word that may stand for a value, such as "auto" */
    int64_t word_value;   /* and what it means */
    bool required;
    bool shown;                     /* the example writes it although it may be left out */
    bool inside;                    /* text or list elements lie in the struct itself, `width` bytes in all */
    const struct word_table *words; /* of an enum, in the order of its constants */
    size_t words_len;               /* the first so many of them are taken; 0: all */
    const struct section *section;  /* maps, and maps by name */
    const struct setting *item;     /* lists */
};

/* The keys of a map. */
struct section {
    const struct setting *settings;
    size_t len;
    size_t size;           /* of the struct that it fills; needed for the elements of lists */
    const char *text;      /* a paragraph for the manual; NULL: none */
    const char *shorthand; /* a bare value stands for a map with this key alone; NULL: it does not */
    size_t name_offset;    /* maps by name: where the name goes (char *) */
    const char *one_of;    /* keys, with a blank between, that exclude one another; NULL: none */
    bool one_of_required;  /* one of them has to be there */
    /* Before the settings are read: defaults that are no constants. NULL: nothing. */
    void (*before)(struct schema_reader *reader, void *at);
    /* After them, when the map was written: what concerns more than one of them. NULL: nothing. */
    void (*check)(struct schema_reader *reader, const struct tree *map, void *at);
};
#define SECTION(rows) .settings = (rows), .len = ARRAY_LEN(rows)

/* Reads a whole file's tree into `object` (zeroed, or with its own defaults). Problems go to the report. */
void schema_read(struct schema_reader *reader, const struct section *section, const struct tree *root);
/* Frees all that the settings of a section own in `object`, and not `object` itself. */
void schema_free(const struct section *section, void *object);

/* Reports an error at a node as `key: VALUE text`, or as `key: text` when the node is no scalar. */
void schema_refuse(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                   const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Reports a problem at a node (NULL: the whole file), with the whole text. */
void schema_problem(struct schema_reader *reader, enum conf_severity severity, const struct tree *node,
                    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* True when value lies within the setting's range; reports otherwise. */
MUST_CHECK bool schema_in_range(struct schema_reader *reader, const struct setting *setting,
                                const struct tree *node, int64_t value);
/* The text of a scalar; reports what is no scalar or not written. False then, and for what is broken. */
MUST_CHECK bool schema_text(struct schema_reader *reader, const struct setting *setting,
                            const struct tree *value, struct str *text_r);
/* The words that a setting takes. */
struct word_table schema_words(const struct setting *setting);
/* Writes an integer into a place of 1, 2, 4 or 8 bytes, when it lies within the setting's range; reports
 * otherwise. Warns of a 0 that means no limit. */
void schema_take(struct schema_reader *reader, const struct setting *setting, const struct tree *node,
                 int64_t value, void *at);
/* The same without a look at it. */
void schema_store(const struct setting *setting, void *at, int64_t value);

/* The nearest of `words` to `word`, or NULL when none is near enough to be meant. */
const char *schema_nearest(const char *word, const char *const *words, size_t len);

extern const struct schema_type schema_map, schema_list, schema_named;

#endif
