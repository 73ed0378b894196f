#include "conf/tree.h"

#include "base/mem.h"
#include "conf/env.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct builder {
    yaml_parser_t parser;
    const char *file;
    struct str bytes;
    env_lookup *lookup; /* NULL: no variables */
    struct conf_report *report;
    size_t nodes;
};

/* What libyaml says, and what a person who sees it should do. */
static const struct {
    const char *says, *remedy;
} remedies[] = {
    {"found a tab character that violates indentation", "indent with blanks, not tabs"},
    {"found a tab character where an indentation space is expected", "indent with blanks, not tabs"},
    {"found character that cannot start any token",
     "indent with blanks, not tabs, and put a value that begins with @, ` or % in quotes"},
    {"did not find expected key",
     "the keys of one map must stand in one column, and each item needs its `- `"},
    {"did not find expected '-' indicator",
     "the items of one list must stand in one column, each with its `- `"},
    {"did not find expected ',' or '}'", "a , or the closing } is missing"},
    {"did not find expected ',' or ']'", "a , or the closing ] is missing"},
    {"mapping values are not allowed in this context",
     "put a value that contains \": \" in quotes, or mend the indent"},
    {"block sequence entries are not allowed in this context",
     "a list begins on a line of its own; put a value that begins with \"- \" in quotes"},
    {"did not find expected node content", "a value is missing before a , or a closing bracket"},
    {"did not find expected <document start>", "the file begins with something that is no map"},
    {"found invalid Unicode character escape code",
     "write the character itself; \\ud800 to \\udfff are none"},
    {"found undefined alias", "put a value that begins with * in quotes"},
    {"could not find expected ':'", "a key needs `: ` and a value"},
    {"found unexpected end of stream", "a quote is not closed"},
    {"found unknown escape character", "in \"double quotes\" write \\\\ for a \\, or use 'single quotes'"},
    {"did not find expected alphabetic or numeric character",
     "put a value that begins with & or * in quotes"},
    {"control characters are not allowed", "save the file as UTF-8 text"},
};

static const char *remedy_of(const char *problem)
{
    for (size_t i = 0; i < ARRAY_LEN(remedies); i++)
        if (strcmp(remedies[i].says, problem) == 0)
            return remedies[i].remedy;
    return NULL;
}

static void problem_at(struct builder *b, int line, int col, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void problem_at(struct builder *b, int line, int col, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    conf_report_vadd(b->report, CONF_ERROR, b->file, line, col, fmt, ap);
    va_end(ap);
}

/* A bad byte has no mark, only an offset. */
static void mark_of_offset(struct str bytes, size_t offset, int *line_r, int *col_r)
{
    *line_r = *col_r = 1;
    for (size_t i = 0; i < offset && i < bytes.len; i++)
        if (bytes.p[i] == '\n') {
            ++*line_r;
            *col_r = 1;
        } else if (((unsigned char)bytes.p[i] & 0xc0) != 0x80) {
            ++*col_r;
        }
}

static void report_syntax(struct builder *b)
{
    const yaml_parser_t *parser = &b->parser;
    int line = (int)parser->problem_mark.line + 1, col = (int)parser->problem_mark.column + 1;
    const char *remedy = remedy_of(parser->problem ? parser->problem : "");
    char since[64] = "";

    if (parser->error == YAML_READER_ERROR) {
        mark_of_offset(b->bytes, parser->problem_offset, &line, &col);
        problem_at(b, line, col, "not UTF-8 text: %s", parser->problem);
        return;
    }
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        snprintf(since, sizeof since, ", in what begins at line %zu", parser->context_mark.line + 1);
    problem_at(b, line, col, "not YAML: %s%s%s%s", parser->problem ? parser->problem : "cannot be read",
               since, remedy ? "; " : "", remedy ? remedy : "");
}

static bool next_event(struct builder *b, yaml_event_t *event)
{
    if (yaml_parser_parse(&b->parser, event))
        return true;
    report_syntax(b);
    return false;
}

/* Anchors and tags, on whatever they stand. The node itself is still checked. */
static void refuse_extras(struct builder *b, const struct tree *node, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
    if (anchor)
        problem_at(b, node->line, node->col, "&%s: anchors are not taken; write the value out",
                   (const char *)anchor);
    if (tag)
        problem_at(b, node->line, node->col, "%s: tags are not taken; remove it", (const char *)tag);
}

static void set_text(struct builder *b, struct tree *node, struct str text, bool is_key)
{
    char *why = NULL;

    if (memchr(text.p, '\0', text.len))
        why = mem_strdup("has a NUL byte inside; remove it");
    else if (text.len > TREE_TEXT_MAX)
        why = mem_printf("is longer than %d bytes", TREE_TEXT_MAX);
    else if (is_key)
        node->text = mem_strndup(text.p, text.len);
    else
        node->text = env_expand(text, TREE_TEXT_MAX, b->lookup, &why);
    if (!why)
        return;
    problem_at(b, node->line, node->col, "%.*s: %s", text.len > 40 ? 40 : (int)text.len, text.p, why);
    free(why);
    node->text = mem_strdup("");
    node->broken = true;
}

/* One more node, or too many. */
static bool count_node(struct builder *b, const struct tree *node)
{
    if (++b->nodes <= TREE_NODES_MAX)
        return true;
    problem_at(b, node->line, node->col, "more than %d keys and values in one file", TREE_NODES_MAX);
    return false;
}

/* Room for one more element at the end of a block of `len`; blocks grow by doubling. */
static struct tree *one_more(struct tree **block, size_t len)
{
    if ((len & (len - 1)) == 0)
        *block = mem_resize(*block, len ? 2 * len : 1, sizeof **block);
    (*block)[len] = (struct tree){0};
    return &(*block)[len];
}

static bool build(struct builder *b, yaml_event_t *event, unsigned depth, bool is_key, struct tree *node);

static bool build_list(struct builder *b, unsigned depth, struct tree *node)
{
    for (;;) {
        yaml_event_t event;
        struct tree *item;

        if (!next_event(b, &event))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        item = one_more(&node->values, node->len);
        node->len++;
        if (!build(b, &event, depth, false, item))
            return false;
    }
}

static int compare_keys(const void *a, const void *b)
{
    const struct tree *const *x = a, *const *y = b;
    int order = strcmp((*x)->text, (*y)->text);

    return order ? order : (*x < *y ? -1 : *x > *y);
}

static void refuse_doubles(struct builder *b, const struct tree *map)
{
    const struct tree **sorted = mem_alloc(map->len * sizeof *sorted);

    for (size_t i = 0; i < map->len; i++)
        sorted[i] = &map->keys[i];
    qsort(sorted, map->len, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < map->len; i++)
        if (!sorted[i]->broken && strcmp(sorted[i]->text, sorted[i - 1]->text) == 0)
            problem_at(b, sorted[i]->line, sorted[i]->col,
                       "%.80s: is there already, at line %d; remove one of the two", sorted[i]->text,
                       sorted[i - 1]->line);
    free(sorted);
}

static bool build_map(struct builder *b, unsigned depth, struct tree *node)
{
    for (;;) {
        yaml_event_t event;
        struct tree *key, *value;

        if (!next_event(b, &event))
            return false;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            refuse_doubles(b, node);
            return true;
        }
        key = one_more(&node->keys, node->len);
        value = one_more(&node->values, node->len);
        node->len++;
        if (!build(b, &event, depth, true, key) || !next_event(b, &event) ||
            !build(b, &event, depth, false, value))
            return false;
    }
}

/* A key has to be a plain scalar: the rest of the map cannot be told apart otherwise, so the file ends here.
 */
static bool refuse_key(struct builder *b, const struct tree *node, const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return false;
    problem_at(b, node->line, node->col,
               "a key must be plain text; put it in quotes if it begins with {, [, & or *");
    return true;
}

static bool build_container(struct builder *b, unsigned depth, bool is_map, struct tree *node)
{
    node->kind = is_map ? TREE_MAP : TREE_LIST;
    if (depth == TREE_DEPTH_MAX) {
        problem_at(b, node->line, node->col, "more than %d maps and lists in one another", TREE_DEPTH_MAX);
        return false;
    }
    return is_map ? build_map(b, depth + 1, node) : build_list(b, depth + 1, node);
}

/* Makes `node` from `event` and whatever follows that belongs to it; frees `event`. False ends the file. */
static bool build(struct builder *b, yaml_event_t *event, unsigned depth, bool is_key, struct tree *node)
{
    bool go_on = false, is_map = event->type == YAML_MAPPING_START_EVENT;

    node->line = (int)event->start_mark.line + 1;
    node->col = (int)event->start_mark.column + 1;
    if (!count_node(b, node) || (is_key && refuse_key(b, node, event)))
        goto out;
    if (event->type == YAML_ALIAS_EVENT) {
        problem_at(b, node->line, node->col,
                   "*%s: aliases are not taken; write the value out, or put it in quotes",
                   (const char *)event->data.alias.anchor);
        node->text = mem_strdup("");
        node->broken = go_on = true;
    } else if (event->type == YAML_SCALAR_EVENT) {
        refuse_extras(b, node, event->data.scalar.anchor, event->data.scalar.tag);
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        set_text(b, node, (struct str){(const char *)event->data.scalar.value, event->data.scalar.length},
                 is_key);
        go_on = true;
    } else {
        if (is_map)
            refuse_extras(b, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        else
            refuse_extras(b, node, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        go_on = build_container(b, depth, is_map, node);
    }
out:
    yaml_event_delete(event);
    return go_on;
}

/* The events around the one document: true when `root` was built and nothing follows it. */
static bool build_document(struct builder *b, struct tree *root)
{
    yaml_event_t event;
    bool more;

    do {
        if (!next_event(b, &event))
            return false;
        if (event.type == YAML_STREAM_END_EVENT) {
            yaml_event_delete(&event);
            problem_at(b, 1, 1, "the file is empty");
            return false;
        }
        more = event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT;
        if (more)
            yaml_event_delete(&event);
    } while (more);
    if (!build(b, &event, 0, false, root))
        return false;
    do {
        if (!next_event(b, &event))
            return false;
        if (event.type == YAML_DOCUMENT_START_EVENT)
            problem_at(b, (int)event.start_mark.line + 1, (int)event.start_mark.column + 1,
                       "a second document begins here; a file holds one");
        more = event.type == YAML_DOCUMENT_END_EVENT;
        yaml_event_delete(&event);
    } while (more);
    return true;
}

struct tree *tree_read(const char *file, struct str bytes, bool env, struct conf_report *report)
{
    struct builder b = {.file = file, .bytes = bytes, .lookup = env ? getenv : NULL, .report = report};
    struct tree *root = mem_zalloc(sizeof *root);

    if (bytes.len > TREE_BYTES_MAX) {
        problem_at(&b, 1, 1, "the file is larger than %d bytes", TREE_BYTES_MAX);
        tree_free(root);
        return NULL;
    }
    BUG_ON(!yaml_parser_initialize(&b.parser));
    /* Said, not guessed: a file that looks like UTF-16 is an error and not another reading of it. */
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)(bytes.p ? bytes.p : ""), bytes.len);
    if (!build_document(&b, root)) {
        tree_free(root);
        root = NULL;
    }
    yaml_parser_delete(&b.parser);
    return root;
}

static void clear(struct tree *node)
{
    free(node->text);
    for (size_t i = 0; i < node->len; i++) {
        if (node->keys)
            clear(&node->keys[i]);
        clear(&node->values[i]);
    }
    free(node->keys);
    free(node->values);
}

void tree_free(struct tree *root)
{
    if (!root)
        return;
    clear(root);
    free(root);
}

static size_t position(const struct tree *map, const char *key, size_t len)
{
    size_t i = 0;

    if (!map || map->kind != TREE_MAP)
        return SIZE_MAX;
    while (i < map->len && (strncmp(map->keys[i].text, key, len) != 0 || map->keys[i].text[len] != '\0'))
        i++;
    return i < map->len ? i : SIZE_MAX;
}

struct tree *tree_find(const struct tree *map, const char *key)
{
    size_t i = position(map, key, strlen(key));

    return i == SIZE_MAX ? NULL : &map->values[i];
}

const struct tree *tree_within(const struct tree *node, const char *key)
{
    const struct tree *value = tree_find(node, key);

    return value ? value : node;
}

const struct tree *tree_item(const struct tree *root, const char *key, size_t i)
{
    const struct tree *list = tree_find(root, key);

    BUG_ON(!list || i >= list->len);
    return &list->values[i];
}

struct tree *tree_find_key(const struct tree *map, const char *key)
{
    size_t i = position(map, key, strlen(key));

    return i == SIZE_MAX ? NULL : &map->keys[i];
}

/* One piece of a path, `name` or `[index]`, taken from the front of *path; the child, or NULL. */
static const struct tree *child(const struct tree *node, const char **path)
{
    const char *p = *path;
    size_t len, i;

    if (*p == '[') {
        len = strcspn(++p, "]");
        *path = p + len + (p[len] == ']');
        if (node->kind != TREE_LIST || !str_to_u64((struct str){p, len}, &(uint64_t){0}))
            return NULL;
        i = strtoul(p, NULL, 10);
        return i < node->len ? &node->values[i] : NULL;
    }
    p += *p == '.';
    len = strcspn(p, ".[");
    *path = p + len;
    i = position(node, p, len);
    return i == SIZE_MAX ? NULL : &node->values[i];
}

const struct tree *tree_at(const struct tree *root, const char *path)
{
    const struct tree *at = root;

    while (*path) {
        const struct tree *down = child(at, &path);

        if (!down)
            return at;
        at = down;
    }
    return at;
}

static bool is_error_at(const struct conf_report *report, unsigned file, const struct tree *node)
{
    size_t low = 0, high = report->len;

    while (low < high) { /* the first problem at this place or behind it */
        size_t mid = (low + high) / 2;
        const struct conf_problem *problem = &report->problems[mid];

        if (problem->file < file ||
            (problem->file == file &&
             (problem->line < node->line || (problem->line == node->line && problem->col < node->col))))
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < report->len; low++) {
        const struct conf_problem *problem = &report->problems[low];

        if (problem->file != file || problem->line != node->line || problem->col != node->col)
            return false;
        if (problem->severity == CONF_ERROR)
            return true;
    }
    return false;
}

static bool blame(struct tree *node, unsigned file, const struct conf_report *report)
{
    node->blamed = is_error_at(report, file, node);
    for (size_t i = 0; i < node->len; i++) {
        bool key = node->keys && blame(&node->keys[i], file, report);
        bool value = blame(&node->values[i], file, report);

        node->blamed |= key || value;
    }
    return node->blamed;
}

void tree_blame(struct tree *root, const char *file, struct conf_report *report)
{
    if (report->errors == 0)
        return;
    conf_report_sort(report);
    blame(root, conf_report_file(report, file), report);
}

bool tree_is_null(const struct tree *node)
{
    return node->kind == TREE_TEXT && node->plain && !node->broken &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

/* ---- to make a piece from another ---- */

struct tree *tree_put(struct tree *map, const char *key, enum tree_kind kind, const struct tree *at)
{
    int line = at->line, col = at->col;

    map->keys = mem_resize(map->keys, map->len + 1, sizeof *map->keys);
    map->values = mem_resize(map->values, map->len + 1, sizeof *map->values);
    map->keys[map->len] = (struct tree){.line = line, .col = col, .plain = true, .text = mem_strdup(key)};
    map->values[map->len] = (struct tree){.kind = kind, .line = line, .col = col, .plain = true};
    return &map->values[map->len++];
}

void tree_put_text(struct tree *map, const char *key, const char *text, const struct tree *at)
{
    char *copy = mem_strdup(text); /* it may stand in the map that moves */

    tree_put(map, key, TREE_TEXT, at)->text = copy;
}

struct tree *tree_push(struct tree *list, enum tree_kind kind, const struct tree *at)
{
    int line = at->line, col = at->col;

    list->values = mem_resize(list->values, list->len + 1, sizeof *list->values);
    list->values[list->len] = (struct tree){.kind = kind, .line = line, .col = col, .plain = true};
    return &list->values[list->len++];
}

void tree_drop(struct tree *map, const char *key)
{
    size_t i = position(map, key, strlen(key)), behind;

    if (i == SIZE_MAX)
        return;
    clear(&map->keys[i]);
    clear(&map->values[i]);
    behind = --map->len - i;
    memmove(&map->keys[i], &map->keys[i + 1], behind * sizeof *map->keys);
    memmove(&map->values[i], &map->values[i + 1], behind * sizeof *map->values);
}

void tree_reset(struct tree *node, enum tree_kind kind)
{
    int line = node->line, col = node->col;

    clear(node);
    *node = (struct tree){.kind = kind, .line = line, .col = col, .plain = true};
}

/* Letters, digits and the like need no quotes. */
static bool is_bare(const char *text)
{
    return *text && *text != '-' && *text != '.' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") == strlen(text);
}

static void print_text(const char *text, struct text *out)
{
    if (is_bare(text)) {
        text_printf(out, "%s", text);
        return;
    }
    text_printf(out, "\"");
    for (; *text; text++)
        if ((unsigned char)*text < ' ')
            text_printf(out, "\\x%02x", (unsigned)*text);
        else if (*text == '$')
            text_printf(out, "$$");
        else
            text_printf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    text_printf(out, "\"");
}

static void print_flow(const struct tree *node, struct text *out)
{
    bool map = node->kind == TREE_MAP;

    if (node->kind == TREE_TEXT) {
        print_text(node->text, out);
        return;
    }
    text_printf(out, !node->len ? map ? "{" : "[" : map ? "{ " : "[");
    for (size_t i = 0; i < node->len; i++) {
        if (map) {
            print_text(node->keys[i].text, out);
            text_printf(out, ": ");
        }
        print_flow(&node->values[i], out);
        text_printf(out, i + 1 < node->len ? ", " : map ? " " : "");
    }
    text_printf(out, map ? "}" : "]");
}

static void print_block(const struct tree *node, int indent, struct text *out)
{
    for (size_t i = 0; i < node->len; i++) {
        const struct tree *value = &node->values[i];
        bool nested = value->kind == TREE_LIST || (value->kind == TREE_MAP && indent == 0);

        text_printf(out, "%*s", indent, "");
        if (node->kind == TREE_LIST) {
            text_printf(out, "- ");
            nested = false;
        } else {
            print_text(node->keys[i].text, out);
            text_printf(out, ":%s", nested && value->len ? "" : " ");
        }
        if (nested && value->len) {
            text_printf(out, "\n");
            print_block(value, indent + 2, out);
        } else {
            print_flow(value, out);
            text_printf(out, "\n");
        }
    }
}

void tree_print(const struct tree *map, struct text *out)
{
    print_block(map, 0, out);
}
