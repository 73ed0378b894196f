#include "conf/plan_types.h"

#include "conf/types.h"
#include "conf/zone.h"
#include "decide/plan.h"

#include <stdlib.h>
#include <string.h>

static void refuse_form(struct schema_reader *reader, const struct setting *setting, const struct tree *value)
{
    schema_refuse(reader, setting, value, "is not a %s, %s", setting->type->name, setting->type->form);
}

static bool status_parse(struct str text, uint16_t *status_r)
{
    uint64_t number;

    if (!str_to_u64(text, &number) || number < 100 || number > 599)
        return false;
    *status_r = (uint16_t)number;
    return true;
}

static void statuses_read(struct schema_reader *reader, const struct setting *setting,
                          const struct tree *value, void *at)
{
    struct plan_range *range = at, out;
    struct str text, from;

    if (!schema_text(reader, setting, value, &text))
        return;
    (void)str_split(&text, '-', &from);
    if (!status_parse(from, &out.from) || !status_parse(text.p ? text : from, &out.to) || out.from > out.to)
        refuse_form(reader, setting, value);
    else
        *range = out;
}

static void pair_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    const struct setting number = {.key = setting->key, .type = &type_number, .min = 1, .max = 1000000};

    if (value->broken)
        return;
    if (value->kind != TREE_LIST || value->len != 2) {
        schema_refuse(reader, setting, value, "must be a list of two numbers, %s", setting->type->form);
        return;
    }
    number.type->read(reader, &number, &value->values[0], at);
    number.type->read(reader, &number, &value->values[1], (double *)at + 1);
}

static void unit_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct plan_analysis *analysis = at; /* the row stands at the struct itself */
    struct str rest, word;
    size_t kind;
    bool named;

    if (!schema_text(reader, setting, value, &rest))
        return;
    (void)str_split(&rest, ':', &word);
    if (!word_parse(&unit_kind_words, word, &kind)) {
        refuse_form(reader, setting, value);
        return;
    }
    named = kind == UNIT_HEADER || kind == UNIT_COOKIE;
    if (named != (rest.p != NULL) || (named && !is_token(rest)))
        refuse_form(reader, setting, value);
    else if (named && rest.len >= sizeof analysis->unit_name)
        schema_refuse(reader, setting, value, "has a name longer than %zu bytes",
                      sizeof analysis->unit_name - 1);
    else {
        analysis->unit = (enum unit_kind)kind;
        memcpy(analysis->unit_name, rest.p ? rest.p : "", rest.len);
        analysis->unit_name[rest.len] = '\0';
    }
}

static void days_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct str text;

    if (schema_text(reader, setting, value, &text) && !window_days_parse(text, at))
        refuse_form(reader, setting, value);
}

static void clock_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    struct str text;
    uint16_t minute;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (!window_clock_parse(text, &minute) || minute > setting->max)
        refuse_form(reader, setting, value);
    else
        *(uint16_t *)at = minute;
}

static void time_zone_read(struct schema_reader *reader, const struct setting *setting,
                           const struct tree *value, void *at)
{
    struct str text;
    char *why = NULL;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (zone_load(reader->object, text, &why))
        type_text_store(setting, at, text);
    else
        schema_refuse(reader, setting, value, "%s", why);
    free(why);
}

static void read_date(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      int64_t whole_day_s, void *at)
{
    struct str text;
    bool date_only;
    int64_t local_s;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (!civil_parse(text, &local_s, &date_only))
        refuse_form(reader, setting, value);
    else
        *(int64_t *)at = local_s + (date_only ? whole_day_s : 0);
}

static void date_from_read(struct schema_reader *reader, const struct setting *setting,
                           const struct tree *value, void *at)
{
    read_date(reader, setting, value, 0, at);
}

static void date_to_read(struct schema_reader *reader, const struct setting *setting,
                         const struct tree *value, void *at)
{
    read_date(reader, setting, value, 86400, at);
}

static bool shield_bit(const struct tree *node, uint32_t *on)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } words[] = {{"connect", PLAN_SHIELD_CONNECT},
                 {"reset", PLAN_SHIELD_RESET},
                 {"502", PLAN_SHIELD_502},
                 {"503", PLAN_SHIELD_503},
                 {"504", PLAN_SHIELD_504}};

    for (size_t i = 0; node->kind == TREE_TEXT && i < ARRAY_LEN(words); i++) {
        if (strcmp(node->text, words[i].word) == 0) {
            *on |= words[i].bit;
            return true;
        }
    }
    return false;
}

static void shield_on_read(struct schema_reader *reader, const struct setting *setting,
                           const struct tree *value, void *at)
{
    uint32_t on = 0;

    if (value->broken)
        return;
    if (value->kind != TREE_LIST || value->len == 0) {
        schema_refuse(reader, setting, value, "must be a list of failures, %s", setting->type->form);
        return;
    }
    for (size_t i = 0; i < value->len; i++)
        if (!shield_bit(&value->values[i], &on))
            schema_refuse(reader, setting, &value->values[i], "is none of connect, reset, 502, 503, 504");
    *(uint32_t *)at = on;
}

static void fixed_hold_read(struct schema_reader *reader, const struct setting *setting,
                            const struct tree *value, void *at)
{
    struct str text;

    (void)at;
    if (schema_text(reader, setting, value, &text) && !str_eq(text, STR("hold")))
        schema_refuse(reader, setting, value, "cannot be chosen: only hold is safe here; remove the key");
}

/* Whoever stays would be hurt for as long as the affinity lasts. */
static void fixed_release_read(struct schema_reader *reader, const struct setting *setting,
                               const struct tree *value, void *at)
{
    struct str text;

    (void)at;
    if (schema_text(reader, setting, value, &text) && !str_eq(text, STR("release")))
        schema_refuse(
            reader, setting, value,
            "cannot be chosen: weight 0 is nobody, and who stayed would go on meeting what was sent "
            "back; remove the key");
}

const struct schema_type type_statuses = {
    .name = "status or range",
    .form = "such as 503 or 500-599, within 100 and 599",
    .json = "{\"anyOf\": [{\"type\": \"integer\", \"minimum\": 100, \"maximum\": 599}, "
            "{\"type\": \"string\", \"pattern\": \"^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$\"}]}",
    .read = statuses_read,
};
const struct schema_type type_pair = {
    .name = "pair",
    .form = "such as [2, 4]",
    .json = "{\"type\": \"array\", \"items\": {\"type\": \"number\"}, \"minItems\": 2, \"maxItems\": 2}",
    .read = pair_read,
};
const struct schema_type type_unit = {
    .name = "unit",
    .form = "such as client, request, header:NAME or cookie:NAME",
    .json = "{\"type\": \"string\", \"pattern\": \"^(client|request|(header|cookie):.+)$\"}",
    .read = unit_read,
};
const struct schema_type type_days = {
    .name = "list of days",
    .form = "such as mon-thu, sat, \"mon,wed-fri\" or daily",
    .json = "{\"type\": \"string\"}",
    .read = days_read,
};
const struct schema_type type_clock = {
    .name = "time of day",
    .form = "such as \"10:00\"",
    .json = "{\"type\": \"string\", \"pattern\": \"^[0-9]{1,2}:[0-9]{2}$\"}",
    .read = clock_read,
};
const struct schema_type type_time_zone = {
    .name = "time zone",
    .form = "such as Asia/Tokyo or UTC",
    .json = "{\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$\"}",
    .read = time_zone_read,
};
const struct schema_type type_date_from = {
    .name = "date",
    .form = "such as 2026-12-28 or 2026-12-28T10:00",
    .json = "{\"type\": \"string\", \"pattern\": \"^[0-9]{4}-[0-9]{2}-[0-9]{2}\"}",
    .read = date_from_read,
};
const struct schema_type type_date_to = {
    .name = "date",
    .form = "such as 2026-12-28 or 2026-12-28T10:00",
    .json = "{\"type\": \"string\", \"pattern\": \"^[0-9]{4}-[0-9]{2}-[0-9]{2}\"}",
    .read = date_to_read,
};
const struct schema_type type_shield_on = {
    .name = "list of failures",
    .form = "such as [connect, reset, 502, 503, 504]",
    .json = "{\"type\": \"array\", \"minItems\": 1, \"items\": {\"enum\": [\"connect\", \"reset\", 502, 503, "
            "504, \"502\", \"503\", \"504\"]}}",
    .read = shield_on_read,
};
const struct schema_type type_fixed_hold = {
    .name = "word",
    .form = "hold",
    .json = "{\"const\": \"hold\"}",
    .read = fixed_hold_read,
};
const struct schema_type type_fixed_release = {
    .name = "word",
    .form = "release",
    .json = "{\"const\": \"release\"}",
    .read = fixed_release_read,
};
