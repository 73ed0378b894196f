#include "conf/planchange.h"

#include "base/mem.h"
#include "conf/report.h"
#include "conf/schema.h"
#include "conf/shortform.h"
#include "conf/tree.h"

#include <stdlib.h>
#include <string.h>

static struct tree *read_plan(struct str text, struct conf_report *report)
{
    struct schema_reader reader = {.report = report, .file = "plan", .folder = "."};
    struct tree *root = tree_read("plan", text, false, report);

    if (root && root->kind == TREE_MAP)
        shortform_expand(&reader, root);
    return root;
}

/* A value that has none below it; NULL for a node that is not there. */
static bool is_leaf(const struct tree *node)
{
    return !node || node->kind == TREE_TEXT || node->len == 0;
}

static const char *leaf_text(const struct tree *node)
{
    if (!node)
        return NULL;
    return node->kind == TREE_TEXT ? node->text : node->kind == TREE_MAP ? "{}" : "[]";
}

static void compare(json_t *changes, const char *path, const struct tree *a, const struct tree *b);

static void compare_leaves(json_t *changes, const char *path, const char *a, const char *b)
{
    if ((!a && !b) || (a && b && strcmp(a, b) == 0) || json_array_size(changes) >= PLANCHANGE_MAX)
        return;
    json_array_append_new(changes, json_pack("{s:s, s:s?, s:s?}", "path", path, "from", a, "to", b));
}

static void compare_key(json_t *changes, const char *path, const char *key, const struct tree *a,
                        const struct tree *b)
{
    char *below = mem_printf("%s%s%s", path, *path ? "." : "", key);

    compare(changes, below, a, b);
    free(below);
}

static void compare_maps(json_t *changes, const char *path, const struct tree *a, const struct tree *b)
{
    for (size_t i = 0; a && i < a->len; i++)
        compare_key(changes, path, a->keys[i].text, &a->values[i], tree_find(b, a->keys[i].text));
    for (size_t i = 0; b && i < b->len; i++)
        if (!tree_find_key(a, b->keys[i].text))
            compare_key(changes, path, b->keys[i].text, NULL, &b->values[i]);
}

static void compare_lists(json_t *changes, const char *path, const struct tree *a, const struct tree *b)
{
    size_t a_len = a ? a->len : 0, b_len = b ? b->len : 0;

    for (size_t i = 0; i < a_len || i < b_len; i++) {
        char *below = mem_printf("%s[%zu]", path, i);

        compare(changes, below, i < a_len ? &a->values[i] : NULL, i < b_len ? &b->values[i] : NULL);
        free(below);
    }
}

/* One of the two may be NULL. */
static void compare(json_t *changes, const char *path, const struct tree *a, const struct tree *b)
{
    const struct tree *node = is_leaf(a) ? b : a;

    if (is_leaf(a) && is_leaf(b)) {
        compare_leaves(changes, path, leaf_text(a), leaf_text(b));
    } else if (a && b && a->kind != b->kind) {
        compare(changes, path, a, NULL);
        compare(changes, path, NULL, b);
    } else if (node->kind == TREE_MAP) {
        compare_maps(changes, path, a, b);
    } else {
        compare_lists(changes, path, a, b);
    }
}

json_t *planchange_list(struct str from, struct str to)
{
    struct conf_report report;
    json_t *changes = json_array();
    struct tree *a, *b;

    conf_report_init(&report);
    a = read_plan(from, &report);
    b = read_plan(to, &report);
    compare(changes, "", a, b);
    tree_free(a);
    tree_free(b);
    conf_report_fini(&report);
    return changes;
}

void planchange_say(const json_t *changes, struct buf *out)
{
    enum { SAID_MAX = 5 };
    size_t len = json_array_size(changes);

    for (size_t i = 0; i < len && i < SAID_MAX; i++) {
        const json_t *change = json_array_get(changes, i);
        const char *from = json_string_value(json_object_get(change, "from"));
        const char *to = json_string_value(json_object_get(change, "to"));

        buf_printf(out, "%s%s %.40s -> %.40s", i ? ", " : "",
                   json_string_value(json_object_get(change, "path")), from ? from : "none",
                   to ? to : "none");
    }
    if (len > SAID_MAX)
        buf_printf(out, ", and %zu more", len - SAID_MAX);
}
