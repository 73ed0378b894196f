/* The JSON Schema of conf/doc.h. */
#include "conf/doc.h"

#include "base/mem.h"
#include "conf/shortform.h"
#include "conf/tree.h"
#include "conf/types.h"

#include <stdlib.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    BUG_ON(!value || json_object_set_new(object, key, value) < 0);
}

static json_t *parsed(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

    if (!json)
        BUG("no JSON: %s", text);
    return json;
}

/* A value as JSON would have it: what looks like a number, a flag, a list or a map is one. */
static json_t *json_of(const struct tree *node)
{
    json_t *json;

    if (node->kind == TREE_LIST) {
        json = json_array();
        for (size_t i = 0; i < node->len; i++)
            BUG_ON(json_array_append_new(json, json_of(&node->values[i])) < 0);
        return json;
    }
    if (node->kind == TREE_MAP) {
        json = json_object();
        for (size_t i = 0; i < node->len; i++)
            BUG_ON(json_object_set_new(json, node->keys[i].text, json_of(&node->values[i])) < 0);
        return json;
    }
    json = node->plain ? json_loads(node->text, JSON_DECODE_ANY, NULL) : NULL;
    return json ? json : json_string(node->text);
}

static json_t *json_of_fallback(const char *fallback)
{
    struct conf_report report;
    struct tree *tree;
    json_t *json;

    conf_report_init(&report);
    tree = tree_read("default", str_from(fallback), false, &report);
    BUG_ON(!tree);
    json = json_of(tree);
    tree_free(tree);
    conf_report_fini(&report);
    return json;
}

/* Ranges that JSON can say are those of numbers; the manual has the others. */
static void set_range(json_t *schema, const struct setting *setting)
{
    static const struct {
        const struct schema_type *type;
        double unit;
    } units[] = {{&type_count, 1}, {&type_percent, 100}, {&type_share, 1e6}, {&type_number, 1e3}};

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (setting->type == units[i].type && (setting->min || setting->max)) {
            set(schema, "minimum", json_real((double)setting->min / units[i].unit));
            set(schema, "maximum", json_real((double)setting->max / units[i].unit));
        }
}

static json_t *schema_of_words(const struct word_table words)
{
    json_t *names = json_array();

    for (size_t i = 0; i < words.len; i++)
        BUG_ON(json_array_append_new(names, json_string(words.words[i].name)) < 0);
    return json_pack("{s:o}", "enum", names);
}

/* One value: as its type says, the word that may stand for it, or a variable. */
static json_t *schema_of_value(const struct setting *setting)
{
    json_t *any = json_array(), *value;

    if (setting->type == &type_word)
        value = schema_of_words(schema_words(setting));
    else
        value = parsed(setting->type->json);
    set_range(value, setting);
    BUG_ON(json_array_append_new(any, value) < 0);
    if (setting->word)
        BUG_ON(json_array_append_new(any, json_pack("{s:s}", "const", setting->word)) < 0);
    BUG_ON(json_array_append_new(any, json_pack("{s:s}", "$ref", "#/$defs/variable")) < 0);
    return json_pack("{s:o}", "anyOf", any);
}

static json_t *schema_of_section(const struct section *section);
static json_t *schema_of_setting(const struct setting *setting);

/* The map, or what may stand for it. */
static json_t *schema_of_map(const struct setting *setting)
{
    const struct section *section = setting->section;
    json_t *map = schema_of_section(section);

    for (size_t i = 0; section->shorthand && i < section->len; i++)
        if (strcmp(section->settings[i].key, section->shorthand) == 0)
            return json_pack("{s:[o, o]}", "anyOf", map, schema_of_setting(&section->settings[i]));
    return map;
}

/* The list, or the word that may stand for it. */
static json_t *schema_of_list(const struct setting *setting)
{
    json_t *list =
        json_pack("{s:s, s:o, s:I, s:I}", "type", "array", "items", schema_of_setting(setting->item),
                  "minItems", (json_int_t)setting->min, "maxItems", (json_int_t)setting->max);

    return setting->word ? json_pack("{s:[o, {s:s}]}", "anyOf", list, "const", setting->word) : list;
}

static json_t *schema_of_setting(const struct setting *setting)
{
    if (setting->type == &schema_map)
        return schema_of_map(setting);
    if (setting->type == &schema_list)
        return schema_of_list(setting);
    if (setting->type == &schema_named)
        return json_pack("{s:s, s:o, s:o, s:I, s:I}", "type", "object", "additionalProperties",
                         schema_of_section(setting->section), "propertyNames", parsed(type_name.json),
                         "minProperties", (json_int_t)setting->min, "maxProperties",
                         (json_int_t)setting->max);
    return schema_of_value(setting);
}

/* Each key that is there excludes the others, and one of them may be needed. */
static void set_alternatives(json_t *schema, const struct section *section)
{
    struct str rest = str_from(section->one_of), word;
    json_t *keys = json_object(), *any = json_array();
    const char *key;
    json_t *none;

    while (str_split(&rest, ' ', &word)) {
        char *name = mem_strndup(word.p, word.len);

        set(keys, name, json_false());
        BUG_ON(json_array_append_new(any, json_pack("{s:[s]}", "required", name)) < 0);
        free(name);
    }
    set(schema, "dependentSchemas", json_object());
    json_object_foreach(keys, key, none)
    {
        json_t *others = json_copy(keys);

        BUG_ON(json_object_del(others, key) < 0);
        set(json_object_get(schema, "dependentSchemas"), key, json_pack("{s:o}", "properties", others));
    }
    if (section->one_of_required)
        set(schema, "anyOf", json_incref(any));
    json_decref(any);
    json_decref(keys);
}

static json_t *schema_of_section(const struct section *section)
{
    json_t *properties = json_object(), *required = json_array(), *schema;

    for (size_t i = 0; i < section->len; i++) {
        const struct setting *setting = &section->settings[i];
        json_t *property = schema_of_setting(setting);

        set(property, "description", json_string(setting->text));
        if (setting->fallback)
            set(property, "default", json_of_fallback(setting->fallback));
        set(properties, setting->key, property);
        if (setting->required)
            BUG_ON(json_array_append_new(required, json_string(setting->key)) < 0);
    }
    /* `key:` without anything is a map without keys. */
    if (json_array_size(required) == 0 && !section->one_of_required)
        schema = json_pack("{s:[s, s]}", "type", "object", "null");
    else
        schema = json_pack("{s:s}", "type", "object");
    set(schema, "additionalProperties", json_false());
    set(schema, "properties", properties);
    set(schema, "required", required);
    if (section->one_of)
        set_alternatives(schema, section);
    return schema;
}

/* ---- plans in the words of others ---- */

static json_t *properties_of(const json_t *schema, const char *key)
{
    return json_object_get(json_object_get(json_object_get(schema, "properties"), key), "properties");
}

/* Keys that must not be there: {key: false}. */
static json_t *none_of(const json_t *keys)
{
    json_t *none = json_object();
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)keys, key, value)
    {
        set(none, key, json_false());
    }
    return none;
}

/* A plan in our own words: it has a name and steps, and nothing of the others. */
static json_t *own_form(const json_t *more)
{
    json_t *properties = none_of(json_object_get(more, "plan"));

    set(properties, "analysis", json_pack("{s:o}", "properties", none_of(json_object_get(more, "analysis"))));
    return json_pack("{s:[s, s], s:o}", "required", "name", "steps", "properties", properties);
}

/* One whose steps the key of the plan makes. */
static json_t *made_form(const json_t *more, const char *maker)
{
    return json_pack("{s:[s], s:{s:b, s:{s:o}}}", "required", maker, "properties", "steps", 0, "analysis",
                     "properties", none_of(json_object_get(more, "analysis")));
}

/* Flagger's, whose steps a key of the analysis makes. */
static json_t *strided_form(const json_t *more, const char *stride)
{
    json_t *properties = none_of(json_object_get(more, "plan"));

    set(properties, "steps", json_false());
    set(properties, "analysis", json_pack("{s:[s]}", "required", stride));
    return json_pack("{s:[s], s:o}", "required", "analysis", "properties", properties);
}

static void add_shortforms(json_t *schema)
{
    json_t *more = parsed(shortform_schema), *analysis = properties_of(schema, "analysis");
    json_t *metrics = json_object_get(analysis, "metrics"), *forms = json_array(), *name;
    size_t i;

    json_object_update(json_object_get(schema, "$defs"), json_object_get(more, "definitions"));
    json_object_update(json_object_get(schema, "properties"), json_object_get(more, "plan"));
    json_object_update(analysis, json_object_get(more, "analysis"));
    set(metrics, "items",
        json_pack("{s:[O, O]}", "anyOf", json_object_get(metrics, "items"), json_object_get(more, "metric")));
    BUG_ON(json_array_append_new(forms, own_form(more)) < 0);
    json_array_foreach(json_object_get(more, "makers"), i, name)
    {
        BUG_ON(json_array_append_new(forms, made_form(more, json_string_value(name))) < 0);
    }
    json_array_foreach(json_object_get(more, "strides"), i, name)
    {
        BUG_ON(json_array_append_new(forms, strided_form(more, json_string_value(name))) < 0);
    }
    json_object_del(schema, "required");
    set(schema, "anyOf", forms);
    json_decref(more);
}

json_t *doc_schema(const struct doc *doc)
{
    json_t *schema = schema_of_section(doc->section);

    set(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    set(schema, "title", json_string(doc->title));
    set(schema, "description", json_string(doc->text));
    set(schema, "$defs",
        json_pack("{s:{s:s, s:s, s:s}}", "variable", "description",
                  "A variable of the environment, as ${NAME}.", "type", "string", "pattern",
                  "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}"));
    if (doc->shortforms)
        add_shortforms(schema);
    return schema;
}
