#include "conf/doc.h"

#include "conf/config_table.h"
#include "conf/load.h"
#include "conf/plan_table.h"
#include "conf/planfile.h"
#include "conf/types.h"

#include "problems.h"

/* ---- the tables are sound ---- */

static bool holds_integer(const struct schema_type *type)
{
    return type == &type_duration || type == &type_count || type == &type_percent || type == &type_size;
}

static void check_value(const struct setting *setting)
{
    bool real = setting->type == &type_share || setting->type == &type_number;

    ck_assert_ptr_nonnull(setting->type->json);
    if (holds_integer(setting->type))
        ck_assert_msg(setting->width == 4 || setting->width == 8 || setting->width == 2, "%s", setting->key);
    if (setting->type == &type_duration || real)
        ck_assert_msg(setting->width == 8, "%s", setting->key);
    if (holds_integer(setting->type) || real)
        ck_assert_msg(setting->min < setting->max, "%s has no range", setting->key);
    if (setting->type == &type_flag)
        ck_assert_msg(setting->width == sizeof(bool), "%s", setting->key);
    if (setting->type == &type_word)
        ck_assert_msg(setting->width == 4 && setting->words, "%s", setting->key);
    if ((setting->type == &type_string || setting->type == &type_name) && !setting->inside)
        ck_assert_msg(setting->width == sizeof(char *), "%s", setting->key);
}

static void check_section(const struct section *section);

static void check_setting(const struct setting *setting)
{
    size_t len = strlen(setting->text);

    ck_assert_msg(len > 0 && setting->text[len - 1] == '.', "%s: no sentence", setting->key);
    ck_assert_msg(!setting->required || !setting->fallback, "%s: required, and yet a default", setting->key);
    if (setting->section)
        check_section(setting->section);
    if (setting->type == &schema_list) {
        ck_assert_msg(setting->item && setting->max > 0, "%s", setting->key);
        check_setting(setting->item);
    } else if (setting->type == &schema_named) {
        ck_assert_msg(setting->max > 0 && setting->section->size > 0 && setting->example, "%s", setting->key);
    } else if (setting->type != &schema_map) {
        check_value(setting);
    }
}

static void check_section(const struct section *section)
{
    for (size_t i = 0; i < section->len; i++) {
        const char *key = section->settings[i].key;

        ck_assert_msg(key[0] >= 'a' && key[0] <= 'z' && !strpbrk(key, "_-. "), "%s is not camelCase", key);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(strcmp(key, section->settings[j].key) != 0, "%s is there twice", key);
        check_setting(&section->settings[i]);
    }
}

/* The sentence of a section follows that of its row in the manual. */
static void check_sentences(const struct section *section)
{
    for (size_t i = 0; i < section->len; i++) {
        const struct setting *setting = &section->settings[i];
        const struct section *below = setting->item ? setting->item->section : setting->section;

        if (!below)
            continue;
        if (below->text)
            ck_assert_msg(strncmp(below->text, setting->text, 12) != 0, "%s says twice: %s", setting->key,
                          below->text);
        check_sentences(below);
    }
}

START_TEST(a_section_does_not_say_what_its_row_has_said)
{
    check_sentences(&config_section);
    check_sentences(&plan_section);
}
END_TEST

/* A limit of the configuration that may be 0 says what that means, unless it is so by default. */
static void check_zeros(const struct section *section)
{
    for (size_t i = 0; i < section->len; i++) {
        const struct setting *setting = &section->settings[i];
        bool limits = setting->type == &type_duration || setting->type == &type_size;

        if (limits && setting->min == 0)
            ck_assert_msg(setting->zero || (setting->fallback && strcmp(setting->fallback, "0") == 0), "%s",
                          setting->key);
        if (setting->fallback && strcmp(setting->fallback, "0") == 0)
            ck_assert_msg(!setting->zero, "%s warns of its default", setting->key);
        if (setting->item && setting->item->section)
            check_zeros(setting->item->section);
        else if (setting->section)
            check_zeros(setting->section);
    }
}

START_TEST(who_sets_no_limit_is_warned)
{
    check_zeros(&config_section);
}
END_TEST

START_TEST(every_row_of_the_tables_is_whole)
{
    check_section(&config_section);
    check_section(&plan_section);
}
END_TEST

/* ---- what comes from them ---- */

START_TEST(the_example_of_the_configuration_loads)
{
    struct conf_report report;
    struct config *config;
    struct text example;
    char *text;

    text_init(&example, DOC_MAX);
    doc_example(&doc_config, &example);
    conf_report_init(&report);
    config = config_load_bytes("example", (struct str){example.p, example.len}, ".", false, &report);
    ck_assert_uint_eq(report.errors, 0);
    text = problems_text(&report);
    /* one line, wherever `admin` stands */
    ck_assert_ptr_nonnull(strstr(
        text, ": warning: admin: has no tokenFile and no token: weights and rollouts cannot be changed\n"));
    ck_assert_ptr_eq(strchr(text, '\n'), strrchr(text, '\n'));
    ck_assert_ptr_nonnull(config);
    ck_assert_uint_eq(config->groups_len, 2);
    config_unref(config);
    free(text);
    text_fini(&example);
}
END_TEST

/* Without its marks of comments, what the example shows about every other key is right as well. */
static char *uncommented(const char *example)
{
    struct text out;

    text_init(&out, DOC_MAX);
    for (const char *line = example; *line;) {
        size_t len = strcspn(line, "\n") + 1, blanks = strspn(line, " ");

        if (line[blanks] == '#' && line[blanks + 1] != ' ') {
            text_add(&out, line, blanks);
            text_add(&out, line + blanks + 1, len - blanks - 1);
        } else {
            text_add(&out, line, len);
        }
        line += len;
    }
    return text_take(&out);
}

START_TEST(every_key_of_the_plan_example_can_be_uncommented)
{
    struct conf_report report;
    struct plan *plan = malloc(sizeof *plan);
    struct text example;
    char *whole, *text;

    text_init(&example, DOC_MAX);
    doc_example(&doc_plan, &example);
    whole = uncommented(example.p);
    conf_report_init(&report);
    ck_assert(plan_load_bytes("example", str_from(whole), false, NULL, plan, &report));
    ck_assert_uint_eq(report.errors, 0);
    ck_assert_str_eq(plan->name, "ec2-to-fargate");
    ck_assert_uint_eq(plan->exposure_canary_errors, 200);
    conf_report_fini(&report);
    ck_assert(plan_load_bytes("example", (struct str){example.p, example.len}, false, NULL, plan, &report));
    text = problems_text(&report);
    ck_assert_ptr_null(strstr(text, "unknown"));
    free(text);
    free(whole);
    free(plan);
    text_fini(&example);
}
END_TEST

START_TEST(only_keys_that_exclude_one_another_stop_the_whole_configuration_example)
{
    static const char *const expected[] = {"tokenFile: admin.token: cannot be read",
                                           "token: excludes tokenFile",
                                           "environment has no variable",
                                           "stdout: excludes file",
                                           "partitions: excludes file",
                                           "forward: excludes file",
                                           "forward.key: cannot be read",
                                           "forward.password: cannot be read",
                                           "syslog: excludes file",
                                           "otlp: excludes file",
                                           "xray: excludes file",
                                           "hook.secret: cannot be read",
                                           "pagerduty.key: cannot be read",
                                           "routingKey: is for kind pagerduty",
                                           "topic: is for kind sns",
                                           "prometheus.password: cannot be read",
                                           "prometheus.token: cannot be read",
                                           "token: takes the place of user",
                                           "aws.id: cannot be read",
                                           "aws.secret: cannot be read",
                                           "aws.session: cannot be read",
                                           "datadog.key: cannot be read",
                                           "datadog.application: cannot be read",
                                           "region: is for the type",
                                           "accessKeyId: is for the type",
                                           "secretAccessKey: is for the type",
                                           "sessionToken: is for the type",
                                           "apiKey: is for the type",
                                           "applicationKey: is for the type",
                                           "balance: consistentHash and hash belong together",
                                           "cookie: excludes header",
                                           "clientAddress: excludes header",
                                           "connect: excludes path",
                                           "tls: excludes proxyProtocol",
                                           "header: excludes cookie",
                                           "clientAddress: excludes cookie",
                                           "override.key: cannot be read",
                                           "value: a signed value is made with",
                                           "to: a signed value says itself",
                                           "add: excludes set",
                                           "remove: excludes set",
                                           "redirect: excludes stable",
                                           "answer: excludes stable"};
    struct conf_report report;
    struct text example;
    char *whole, *text;

    ck_assert_int_eq(unsetenv("PENSTOCK_TOKEN"), 0);
    text_init(&example, DOC_MAX);
    doc_example(&doc_config, &example);
    whole = uncommented(example.p);
    conf_report_init(&report);
    ck_assert_ptr_null(config_load_bytes("example", str_from(whole), ".", false, &report));
    text = problems_text(&report);
    problems_drop(text, expected, ARRAY_LEN(expected));
    ck_assert_str_eq(text, "");
    free(text);
    free(whole);
    text_fini(&example);
}
END_TEST

START_TEST(the_manual_names_every_key_and_no_line_is_a_stray_request)
{
    static const struct doc *const docs[] = {&doc_config, &doc_plan};
    static const char *const keys[] = {".B \"routes[].affinity.cookie\"",
                                       ".B \"analysis.metrics[].tolerance\""};
    static const char *const requests[] = {".TH ",  ".SH ",  ".TP\n", ".B \"", ".br\n", ".PP\n",
                                           ".RS\n", ".RE\n", ".IP ",  ".EX\n", ".EE\n"};

    for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
        struct text manual;

        text_init(&manual, DOC_MAX);
        doc_manual(docs[i], "1.2.3", &manual);
        ck_assert(!manual.full);
        ck_assert_ptr_nonnull(strstr(manual.p, keys[i]));
        for (const char *line = manual.p; *line; line += strcspn(line, "\n") + 1) {
            bool known = *line != '.' && *line != '\'';

            for (size_t j = 0; j < ARRAY_LEN(requests); j++)
                known |= strncmp(line, requests[j], strlen(requests[j])) == 0;
            ck_assert_msg(known, "%.60s", line);
        }
        text_fini(&manual);
    }
}
END_TEST

START_TEST(the_schema_knows_which_keys_exclude_one_another)
{
    json_t *schema = doc_schema(&doc_config), *admin, *token;

    admin = json_object_get(json_object_get(schema, "properties"), "admin");
    token = json_object_get(json_object_get(admin, "dependentSchemas"), "token");
    ck_assert(json_is_false(json_object_get(json_object_get(token, "properties"), "tokenFile")));
    ck_assert_uint_eq(json_object_size(json_object_get(token, "properties")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(admin, "type")), 2); /* object or null */
    json_decref(schema);
}
END_TEST

START_TEST(the_schema_knows_ranges_words_and_defaults)
{
    json_t *schema = doc_schema(&doc_plan), *own, *steps, *weight, *judge;

    ck_assert(json_is_false(json_object_get(schema, "additionalProperties")));
    own = json_array_get(json_object_get(schema, "anyOf"), 0); /* the others are those of short forms */
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(own, "required"), 0)), "name");
    steps = json_object_get(json_object_get(schema, "properties"), "steps");
    steps = json_array_get(json_object_get(steps, "anyOf"), 0); /* or the word auto */
    ck_assert_int_eq(json_integer_value(json_object_get(steps, "maxItems")), PLAN_STEPS_MAX);
    weight = json_object_get(json_object_get(json_object_get(steps, "items"), "properties"), "setWeight");
    ck_assert(json_real_value(
                  json_object_get(json_array_get(json_object_get(weight, "anyOf"), 0), "maximum")) == 100);
    judge = json_object_get(json_object_get(schema, "properties"), "judge");
    ck_assert_str_eq(json_string_value(json_object_get(judge, "default")), "penstock");
    ck_assert_uint_eq(
        json_array_size(json_object_get(json_array_get(json_object_get(judge, "anyOf"), 0), "enum")), 3);
    json_decref(schema);
    schema = doc_schema(&doc_config);
    ck_assert_ptr_nonnull(json_object_get(json_object_get(schema, "properties"), "listeners"));
    json_decref(schema);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/doc");
    TCase *tc = tcase_create("doc");

    tcase_add_test(tc, every_row_of_the_tables_is_whole);
    tcase_add_test(tc, a_section_does_not_say_what_its_row_has_said);
    tcase_add_test(tc, who_sets_no_limit_is_warned);
    tcase_add_test(tc, the_example_of_the_configuration_loads);
    tcase_add_test(tc, every_key_of_the_plan_example_can_be_uncommented);
    tcase_add_test(tc, only_keys_that_exclude_one_another_stop_the_whole_configuration_example);
    tcase_add_test(tc, the_manual_names_every_key_and_no_line_is_a_stray_request);
    tcase_add_test(tc, the_schema_knows_which_keys_exclude_one_another);
    tcase_add_test(tc, the_schema_knows_ranges_words_and_defaults);
    suite_add_tcase(suite, tc);
    return suite;
}
