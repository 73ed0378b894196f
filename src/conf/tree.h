/*
 * The tree of a YAML (or JSON) file: maps, lists and scalars, each with its line and column, so that whatever
 * is wrong with a value can be said at its place. libyaml makes the events; nothing above this file sees it,
 * and its prefix yaml_ is not ours: it exports such names as yaml_free.
 *
 * What a configuration does not need is refused with a reason: anchors and aliases (a few lines could grow to
 * gigabytes), tags (nothing is executed or converted), several documents, keys that are not plain text. A key
 * that is written twice in one map is an error.
 *
 * Thread: any; nothing is shared.
 */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include "base/bug.h"
#include "base/str.h"
#include "conf/report.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TREE_BYTES_MAX = 4 << 20, /* bytes of a file */
    TREE_DEPTH_MAX = 32,      /* maps and lists in one another */
    TREE_NODES_MAX = 200000,  /* keys and values of a file */
    TREE_TEXT_MAX = 64 << 10, /* bytes of a scalar, variables expanded */
};

enum tree_kind {
    TREE_TEXT,
    TREE_MAP,
    TREE_LIST,
};

struct tree {
    enum tree_kind kind;
    int line, col;       /* from 1; columns count characters */
    bool plain;          /* TREE_TEXT without quotes */
    bool broken;         /* a problem was reported here; do not report more */
    bool blamed;         /* tree_blame: an error was reported here or within */
    char *text;          /* TREE_TEXT: the value, ends in NUL and has none inside; "" for an empty one */
    struct tree *keys;   /* TREE_MAP: `len` scalars */
    struct tree *values; /* TREE_MAP and TREE_LIST: `len` */
    size_t len;
};

/*
 * Reads a whole document. With `env`, ${NAME} in values becomes the variable of the environment; without, it
 * is refused (a file that came from elsewhere must not learn what stands in ours); `$$` is `$` either way.
 * Ownership: `bytes` is borrowed for the call; the tree is the caller's, freed with tree_free.
 * Errors: NULL when it is no YAML at all or beyond a limit. With other problems the tree is there, so that
 * the rest can be checked too. All problems go to `report` under the name `file`.
 */
MUST_CHECK struct tree *tree_read(const char *file, struct str bytes, bool env, struct conf_report *report);
/* NULL is allowed. */
void tree_free(struct tree *root);

/* The value of a key, or NULL; NULL also when `map` is NULL or no map. */
struct tree *tree_find(const struct tree *map, const char *key);
/* The same, or the node itself: a place for what is wrong with a key that may not be there. */
const struct tree *tree_within(const struct tree *node, const char *key);
/* The place of element i of a list of the root, from which it was read. */
const struct tree *tree_item(const struct tree *root, const char *key, size_t i);
/* The key itself, for its place; as above. */
struct tree *tree_find_key(const struct tree *map, const char *key);
/* The node of a path such as `steps[2].window`, or of the longest beginning of it that is there; `root` for
 * an empty path. */
const struct tree *tree_at(const struct tree *root, const char *path);
/* Marks the nodes at which the report has errors in `file`, and those around them. Sorts the report. */
void tree_blame(struct tree *root, const char *file, struct conf_report *report);
/*
 * To make one piece of a tree from another: what is added stands at the place of `at`, so that whatever is
 * wrong with it is said where a person wrote what it was made from. Adding and dropping moves the other
 * values of the same map or list: pointers to them are stale then. `at` may be one of them. Texts are copied.
 */
struct tree *tree_put(struct tree *map, const char *key, enum tree_kind kind, const struct tree *at);
void tree_put_text(struct tree *map, const char *key, const char *text, const struct tree *at);
struct tree *tree_push(struct tree *list, enum tree_kind kind, const struct tree *at);
/* Takes a key and its value out; nothing when it is not there. */
void tree_drop(struct tree *map, const char *key);
/* Empties a node and makes it a `kind` at the same place. */
void tree_reset(struct tree *node, enum tree_kind kind);
/* Appends a map as YAML: a key a line, items of lists in lines of their own. */
void tree_print(const struct tree *map, struct text *out);

/* Nothing was written: `key:` without a value, `~` or `null`. */
bool tree_is_null(const struct tree *node);

#endif
