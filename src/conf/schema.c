#include "conf/schema.h"

#include "base/mem.h"
#include "conf/types.h"

#include <stdlib.h>
#include <string.h>

/* ---- problems ---- */

static bool shows_bare(const char *text)
{
    return *text &&
           text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/%+-")] ==
               '\0';
}

enum { SHOWN_MAX = 60 }; /* bytes of a value in a message */

void schema_refuse(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                   const char *fmt, ...)
{
    char *text;
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vasprintf(&text, fmt, ap);
    va_end(ap);
    BUG_ON(len < 0);
    if (value->kind != TREE_TEXT)
        schema_problem(reader, CONF_ERROR, value, "%s: %s", setting->key, text);
    else if (shows_bare(value->text))
        schema_problem(reader, CONF_ERROR, value, "%s: %.*s %s", setting->key, SHOWN_MAX, value->text, text);
    else
        schema_problem(reader, CONF_ERROR, value, "%s: \"%.*s\" %s", setting->key, SHOWN_MAX, value->text,
                       text);
    free(text);
}

void schema_problem(struct schema_reader *reader, enum conf_severity severity, const struct tree *node,
                    const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    conf_report_vadd(reader->report, severity, reader->file, node ? node->line : 0, node ? node->col : 0, fmt,
                     ap);
    va_end(ap);
}

bool schema_in_range(struct schema_reader *reader, const struct setting *setting, const struct tree *node,
                     int64_t value)
{
    bool less = value < setting->min;
    char block[64];
    struct buf limit;

    if ((setting->min == 0 && setting->max == 0) || (!less && value <= setting->max))
        return true;
    buf_init(&limit, block, sizeof block);
    setting->type->show(less ? setting->min : setting->max, &limit);
    schema_refuse(reader, setting, node, "is %s than %.*s", less ? "less" : "more", STR_ARG(buf_str(&limit)));
    return false;
}

bool schema_text(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                 struct str *text_r)
{
    if (value->broken)
        return false;
    if (value->kind != TREE_TEXT) {
        schema_refuse(reader, setting, value, "is a %s; write one value (%s, %s)",
                      value->kind == TREE_MAP ? "map" : "list", setting->type->name, setting->type->form);
        return false;
    }
    if (tree_is_null(value)) {
        schema_problem(reader, CONF_ERROR, value, "%s: has no value; write one, or remove the key",
                       setting->key);
        return false;
    }
    *text_r = str_from(value->text);
    return true;
}

struct word_table schema_words(const struct setting *setting)
{
    size_t len = setting->words_len ? setting->words_len : setting->words->len;

    return (struct word_table){setting->words->words, len};
}

void schema_store(const struct setting *setting, void *at, int64_t value)
{
    switch (setting->width) {
    case 1:
        *(int8_t *)at = (int8_t)value;
        break;
    case 2:
        *(int16_t *)at = (int16_t)value;
        break;
    case 4:
        *(int32_t *)at = (int32_t)value;
        break;
    case 8:
        *(int64_t *)at = value;
        break;
    default:
        BUG("%s: no integer has %zu bytes", setting->key, setting->width);
    }
}

void schema_take(struct schema_reader *reader, const struct setting *setting, const struct tree *node,
                 int64_t value, void *at)
{
    if (!schema_in_range(reader, setting, node, value))
        return;
    if (value == 0 && setting->zero)
        schema_problem(reader, CONF_WARNING, node, "%s: 0 %s", setting->key, setting->zero);
    schema_store(setting, at, value);
}

/* ---- the nearest word ---- */

/* Case and separators are no difference: min_dwell is meant for minDwell. */
static struct str squeezed(const char *word, char out[static 64])
{
    size_t len = 0;

    for (; *word && len < 64; word++)
        if (*word != '_' && *word != '-')
            out[len++] = ascii_lower(*word);
    return (struct str){out, len};
}

const char *schema_nearest(const char *word, const char *const *words, size_t len)
{
    char block[2][64];
    struct str wanted = squeezed(word, block[0]);
    unsigned least = (unsigned)wanted.len / 3 + 1;
    const char *nearest = NULL;

    for (size_t i = 0; i < len; i++) {
        unsigned distance = str_distance(wanted, squeezed(words[i], block[1]));

        if (distance < least) {
            least = distance;
            nearest = words[i];
        }
    }
    return nearest;
}

static const struct setting *find_setting(const struct section *section, const char *key)
{
    for (size_t i = 0; i < section->len; i++)
        if (strcmp(section->settings[i].key, key) == 0)
            return &section->settings[i];
    return NULL;
}

enum { SETTINGS_MAX = 40 }; /* in a section */

static void refuse_unknown(struct schema_reader *reader, const struct section *section,
                           const struct tree *key)
{
    const char *words[SETTINGS_MAX], *nearest;
    struct text all;

    BUG_ON(section->len > SETTINGS_MAX);
    for (size_t i = 0; i < section->len; i++)
        words[i] = section->settings[i].key;
    nearest = schema_nearest(key->text, words, section->len);
    if (nearest) {
        schema_problem(reader, CONF_ERROR, key, "%.*s: unknown key; did you mean \"%s\"?", SHOWN_MAX,
                       key->text, nearest);
        return;
    }
    text_init(&all, 400);
    for (size_t i = 0; i < section->len; i++)
        text_printf(&all, "%s%s", i ? ", " : "", words[i]);
    if (section->len)
        schema_problem(reader, CONF_ERROR, key, "%.*s: unknown key; known here: %s", SHOWN_MAX, key->text,
                       all.p);
    else
        schema_problem(reader, CONF_ERROR, key, "%.*s: unknown key; there is none here: write {}", SHOWN_MAX,
                       key->text);
    text_fini(&all);
}

/* ---- sections ---- */

static void *place(const struct setting *setting, void *object)
{
    return (char *)object + setting->offset;
}

static void read_section(struct schema_reader *reader, const struct section *section, const struct tree *map,
                         void *object);

/* The default goes through the same reader as a value from a file, so that it cannot mean anything else. */
static void read_fallback(struct schema_reader *reader, const struct setting *setting, void *at)
{
    struct tree *value = tree_read("default", str_from(setting->fallback), false, reader->report);

    BUG_ON(!value);
    setting->type->read(reader, setting, value, at);
    tree_free(value);
}

static void read_setting(struct schema_reader *reader, const struct setting *setting, const struct tree *map,
                         void *object)
{
    const struct tree *value = tree_find(map, setting->key);

    if (value)
        setting->type->read(reader, setting, value, place(setting, object));
    else if (setting->required && map)
        schema_problem(reader, CONF_ERROR, map, "%s: is missing; write it (%s, %s)", setting->key,
                       setting->type->name, setting->type->form);
    else if (setting->fallback)
        read_fallback(reader, setting, place(setting, object));
    else if (setting->type == &schema_map) {
        read_section(reader, setting->section, NULL, place(setting, object));
    }
}

static bool is_listed(const char *words, const char *key)
{
    struct str rest = str_from(words), word;

    while (str_split(&rest, ' ', &word))
        if (str_eq(word, str_from(key)))
            return true;
    return false;
}

/* Of the keys that exclude one another, more than one, or none although one is needed. */
static void check_one_of(struct schema_reader *reader, const struct section *section, const struct tree *map)
{
    const char *first = NULL;

    for (size_t i = 0; i < map->len; i++) {
        const struct tree *key = &map->keys[i];

        if (key->broken || !is_listed(section->one_of, key->text))
            continue;
        if (!first)
            first = key->text;
        else if (strcmp(first, key->text) != 0)
            schema_problem(reader, CONF_ERROR, key, "%s: excludes %s; write one of the two", key->text,
                           first);
    }
    if (!first && section->one_of_required)
        schema_problem(reader, CONF_ERROR, map, "one of these keys is missing: %s", section->one_of);
}

static void read_section(struct schema_reader *reader, const struct section *section, const struct tree *map,
                         void *object)
{
    if (section->before)
        section->before(reader, object);
    for (size_t i = 0; map && i < map->len; i++)
        if (!map->keys[i].broken && !find_setting(section, map->keys[i].text))
            refuse_unknown(reader, section, &map->keys[i]);
    if (map && section->one_of)
        check_one_of(reader, section, map);
    for (size_t i = 0; i < section->len; i++)
        read_setting(reader, &section->settings[i], map, object);
    if (map && section->check)
        section->check(reader, map, object);
}

void schema_read(struct schema_reader *reader, const struct section *section, const struct tree *root)
{
    if (root->kind != TREE_MAP)
        schema_problem(reader, CONF_ERROR, root, "the file must be a map of `key: value`");
    else
        read_section(reader, section, root, reader->object);
}

void schema_free(const struct section *section, void *object)
{
    for (size_t i = 0; i < section->len; i++)
        if (section->settings[i].type->fini)
            section->settings[i].type->fini(&section->settings[i], place(&section->settings[i], object));
}

/* ---- maps, lists and maps by name ---- */

/* A bare value that stands for a map with the one key of its short form. */
static bool read_short(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    const struct setting *only;

    if (!setting->section->shorthand)
        return false;
    only = find_setting(setting->section, setting->section->shorthand);
    BUG_ON(!only);
    read_section(reader, setting->section, NULL, at);
    only->type->read(reader, only, value, place(only, at));
    return true;
}

static void map_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                     void *at)
{
    /* `key:` with all that stood below it made a comment is a map without keys. */
    const struct tree empty = {.kind = TREE_MAP, .line = value->line, .col = value->col};
    const struct tree *map = tree_is_null(value) ? &empty : value;

    if (value->broken)
        return;
    if (map->kind == TREE_MAP) {
        read_section(reader, setting->section, map, at);
    } else if (map->kind == TREE_LIST || !read_short(reader, setting, map, at)) {
        schema_refuse(reader, setting, map, "must be a map, %s", schema_map.form);
    }
}

static void map_fini(const struct setting *setting, void *at)
{
    schema_free(setting->section, at);
}

const struct schema_type schema_map = {
    .name = "map",
    .form = "such as { key: value }",
    .read = map_read,
    .fini = map_fini,
};

static size_t *length(const struct setting *setting, void *at)
{
    return (size_t *)(void *)((char *)at - setting->offset + setting->len_offset);
}

static size_t item_size(const struct setting *item)
{
    return item->type == &schema_map ? item->section->size : item->width;
}

/* How many of `written` elements are taken; reports when these are too many or too few. */
static size_t bounded(struct schema_reader *reader, const struct setting *setting, const struct tree *value)
{
    size_t max = (size_t)setting->max;

    if (value->len < (size_t)setting->min)
        schema_problem(reader, CONF_ERROR, value, "%s: needs at least %zu", setting->key,
                       (size_t)setting->min);
    if (value->len <= max)
        return value->len;
    schema_problem(reader, CONF_ERROR, &value->values[max], "%s: has %zu; at most %zu are taken",
                   setting->key, value->len, max);
    return max;
}

/* The memory for `len` elements, zeroed: inside the struct, or fresh. */
static char *elements(const struct setting *setting, void *at, size_t len, size_t size)
{
    char *first = at;

    if (setting->inside) {
        BUG_ON(len * size > setting->width);
        memset(first, 0, len * size);
        return first;
    }
    first = len ? mem_zalloc(len * size) : NULL;
    *(void **)at = first;
    return first;
}

static void list_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    size_t size = item_size(setting->item), len;
    char *first;

    if (value->broken)
        return;
    if (value->kind != TREE_LIST) {
        schema_refuse(reader, setting, value, "must be a list, %s", schema_list.form);
        return;
    }
    len = bounded(reader, setting, value);
    first = elements(setting, at, len, size);
    *length(setting, at) = len;
    for (size_t i = 0; i < len; i++)
        setting->item->type->read(reader, setting->item, &value->values[i], first + i * size);
}

static void list_fini(const struct setting *setting, void *at)
{
    char *first = setting->inside ? (char *)at : *(void **)at;
    size_t size = item_size(setting->item);

    for (size_t i = 0; setting->item->type->fini && i < *length(setting, at); i++)
        setting->item->type->fini(setting->item, first + i * size);
    if (!setting->inside)
        free(first);
}

const struct schema_type schema_list = {
    .name = "list",
    .form = "such as [a, b]",
    .read = list_read,
    .fini = list_fini,
};

static void named_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    const struct section *section = setting->section;
    size_t len;
    char *first;

    if (value->broken)
        return;
    if (value->kind != TREE_MAP) {
        schema_refuse(reader, setting, value, "must be a map, %s", schema_named.form);
        return;
    }
    len = bounded(reader, setting, value);
    first = elements(setting, at, len, section->size);
    *length(setting, at) = len;
    for (size_t i = 0; i < len; i++) {
        struct setting named = {.key = setting->key, .type = &schema_map, .section = section};
        char *object = first + i * section->size;

        type_name.read(reader, &named, &value->keys[i], object + section->name_offset);
        named.key = value->keys[i].text;
        map_read(reader, &named, &value->values[i], object);
    }
}

static void named_fini(const struct setting *setting, void *at)
{
    char *first = *(void **)at;

    for (size_t i = 0; i < *length(setting, at); i++) {
        free(*(char **)(void *)(first + i * setting->section->size + setting->section->name_offset));
        schema_free(setting->section, first + i * setting->section->size);
    }
    free(first);
}

const struct schema_type schema_named = {
    .name = "map by name",
    .form = "such as { name: { … } }",
    .read = named_read,
    .fini = named_fini,
};
