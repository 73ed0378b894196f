#include "conf/config_types.h"

#include "base/mem.h"
#include "conf/config.h"
#include "conf/ram.h"
#include "conf/types.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* The processors that this process may use, within what we can use. */
static unsigned allowed_processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return count > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : (unsigned)count;
}

static void workers_read(struct schema_reader *reader, const struct setting *setting,
                         const struct tree *value, void *at)
{
    if (value->kind == TREE_TEXT && strcmp(value->text, "auto") == 0)
        *(unsigned *)at = allowed_processors();
    else
        type_count.read(reader, setting, value, at);
}

static void workers_show(int64_t value, struct buf *out)
{
    buf_i64(out, value);
}

const struct schema_type type_workers = {
    .name = "whole number",
    .form = "such as 4, or auto",
    .json = "{\"anyOf\": [{\"const\": \"auto\"}, {\"type\": \"integer\", \"minimum\": 1}]}",
    .read = workers_read,
    .show = workers_show,
};

enum { OFFLINE_MEMORY = 1 << 30 };

/* Half is left to the kernel, whose buffers count for the control group too, and to all else. */
static uint64_t allowed_memory(const struct schema_reader *reader, const struct setting *setting)
{
    uint64_t half = reader->offline ? OFFLINE_MEMORY : ram_usable("") / 2;

    if (half < (uint64_t)setting->min)
        return (uint64_t)setting->min;
    return half < (uint64_t)setting->max ? half : (uint64_t)setting->max;
}

static void memory_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                        void *at)
{
    if (value->kind == TREE_TEXT && strcmp(value->text, "auto") == 0)
        *(uint64_t *)at = allowed_memory(reader, setting);
    else
        type_size.read(reader, setting, value, at);
}

static void memory_show(int64_t value, struct buf *out)
{
    type_size.show(value, out);
}

const struct schema_type type_memory = {
    .name = "size",
    .form = "such as 64KiB, 2MiB or 1GiB, or auto",
    .json = "{\"type\": \"string\"}",
    .read = memory_read,
    .show = memory_show,
};

/* A host name without port, in lower case: example.com, *.example.com or [::1]. */
static void host_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct str text, name;

    if (!schema_text(reader, setting, value, &text))
        return;
    for (char *p = value->text; *p; p++)
        *p = ascii_lower(*p);
    name = str_starts_with(text, STR("*.")) ? (struct str){text.p + 2, text.len - 2} : text;
    if (name.len == 0 || text.len > 253)
        schema_refuse(reader, setting, value, "is no host name; remove the key to match any host");
    else if (name.p[0] != '[' && memchr(name.p, ':', name.len))
        schema_refuse(reader, setting, value, "has a port; a route matches the host only, on every listener");
    else if (name.p[strspn(name.p, name.p[0] == '[' ? "[0123456789abcdef:.]"
                                                    : "abcdefghijklmnopqrstuvwxyz0123456789.-_")])
        schema_refuse(reader, setting, value,
                      "is no host name; it may have letters, digits, '.' and '-', and begin "
                      "with \"*.\" (names beyond ASCII in their xn-- form)");
    else
        type_text_store(setting, at, text);
}

static void host_fini(const struct setting *setting, void *at)
{
    (void)setting;
    free(*(char **)at);
}

const struct schema_type type_host = {
    .name = "host name",
    .form = "such as api.example.com, or *.example.com for all below",
    .json = "{\"type\": \"string\", \"pattern\": \"^(\\\\*\\\\.)?[^:/]+$|^\\\\[\"}",
    .read = host_read,
    .fini = host_fini,
};

/* The index of a target group that the rows above have read. */
static void group_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    const struct config *config = reader->object;
    const char *names[CONFIG_GROUPS_MAX], *nearest;
    struct str text;
    size_t len = 0;

    if (!schema_text(reader, setting, value, &text))
        return;
    for (size_t i = 0; i < config->groups_len; i++) {
        if (!config->groups[i].name)
            continue;
        if (strcmp(config->groups[i].name, value->text) == 0) {
            schema_store(setting, at, (int64_t)i);
            return;
        }
        names[len++] = config->groups[i].name;
    }
    nearest = schema_nearest(value->text, names, len);
    if (nearest)
        schema_refuse(reader, setting, value, "is no target group; did you mean \"%s\"?", nearest);
    else
        schema_refuse(reader, setting, value, "is no target group; write one under targetGroups");
}

const struct schema_type type_group = {
    .name = "target group",
    .form = "the name of one under targetGroups",
    .json = "{\"type\": \"string\"}",
    .read = group_read,
};

/* Free keys and values, for the log and the metrics. */
static void tags_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct config_group *group = at; /* the row stands at the struct itself */
    const struct setting key = {.key = setting->key, .type = &type_name};
    const struct setting text = {.key = setting->key, .type = &type_string, .max = 200};

    if (value->broken)
        return;
    if (value->kind != TREE_MAP) {
        schema_refuse(reader, setting, value, "must be a map, %s", setting->type->form);
        return;
    }
    if (value->len > CONFIG_TAGS_MAX)
        schema_problem(reader, CONF_ERROR, &value->keys[CONFIG_TAGS_MAX], "%s: has %zu; at most %d are taken",
                       setting->key, value->len, CONFIG_TAGS_MAX);
    for (size_t i = 0; i < value->len && i < CONFIG_TAGS_MAX; i++) {
        key.type->read(reader, &key, &value->keys[i], &group->tags[i].key);
        text.type->read(reader, &text, &value->values[i], &group->tags[i].value);
        group->tags_len = i + 1;
    }
}

static void tags_fini(const struct setting *setting, void *at)
{
    struct config_group *group = at;

    (void)setting;
    for (size_t i = 0; i < group->tags_len; i++) {
        free(group->tags[i].key);
        free(group->tags[i].value);
    }
}

const struct schema_type type_tags = {
    .name = "map of texts",
    .form = "such as { env: prd }",
    .json =
        "{\"type\": \"object\", \"additionalProperties\": {\"type\": [\"string\", \"number\", \"boolean\"]}}",
    .read = tags_read,
    .fini = tags_fini,
};

/* A key that is a choice by being there; it stores nothing. */
static void true_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct str text;

    (void)at;
    if (schema_text(reader, setting, value, &text) && !str_eq(text, STR("true")))
        schema_refuse(reader, setting, value, "can only be true; remove the key otherwise");
}

const struct schema_type type_true = {
    .name = "flag",
    .form = "true",
    .json = "{\"const\": true}",
    .read = true_read,
};

static void network_read(struct schema_reader *reader, const struct setting *setting,
                         const struct tree *value, void *at)
{
    struct str text;

    if (schema_text(reader, setting, value, &text) && !ip_net_parse(text, at))
        schema_refuse(
            reader, setting, value,
            "is no network: an address, '/' and the number of bits that count, and no bit set behind them "
            "(10.0.0.0/8, 2001:db8::/32), or one address");
}

const struct schema_type type_network = {
    .name = "network",
    .form = "such as 10.0.0.0/8, 2001:db8::/32, or one address",
    .json = "{\"type\": \"string\", \"pattern\": \"^[0-9a-fA-F.:]+(/[0-9]+)?$\"}",
    .read = network_read,
};
