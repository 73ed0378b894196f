#include "export/emf.h"

#include "../unit.h"
#include "base/mem.h"
#include "scene.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char configuration[] =
    "listeners: [ { address: '127.0.0.1:0' } ]\n"
    "accessLog: [ { stdout: {}, content: both } ]\n"
    "metrics: { emf: { namespace: Shop/Proxy%s } }\n"
    "targetGroups:\n"
    "  old: { platform: ec2, targets: [ '127.0.0.1:1' ] }\n"
    "  new: { platform: fargate, env: \"prd\\\"fargate\", targets: [ '127.0.0.1:3' ] }\n"
    "routes:\n"
    "  - { name: web, match: { pathPrefix: / }, stable: old, canary: new }\n"
    "  - { name: api, match: { pathPrefix: /api }, stable: old }\n";

static struct emf *emf;
static struct text page;
static json_t *lines; /* of the last round */

static void set_up_with(const char *more)
{
    char *yaml = mem_printf(configuration, more);

    scene_init(yaml);
    free(yaml);
    emf = emf_new();
    text_init(&page, EMF_BYTES_MAX);
    lines = NULL;
}

static void set_up(void)
{
    set_up_with("");
}

static void tear_down(void)
{
    json_decref(lines);
    text_fini(&page);
    emf_free(emf);
    scene_fini();
}

static void serve(size_t worker, size_t side, enum outcome outcome, size_t class, int64_t ns, uint64_t n)
{
    struct shard_side *cells = &shard_route(shards[worker], 0)->side[side];

    cell_add(&cells->ended[outcome][class], n);
    cell_add(&cells->latency[hist_bucket(ns)], n);
}

/* ---- the specification, as a checker
 * ------------------------------------------------------------------------ */

static void check_text(const json_t *text, size_t max)
{
    ck_assert(json_is_string(text));
    ck_assert_uint_ge(json_string_length(text), 1);
    ck_assert_uint_le(json_string_length(text), max);
}

/* A set names members of the root that are strings. */
static void check_dimensions(const json_t *root, const json_t *sets)
{
    const json_t *set, *name;
    size_t i, k;

    ck_assert(json_is_array(sets));
    ck_assert_uint_ge(json_array_size(sets), 1);
    json_array_foreach(sets, i, set)
    {
        ck_assert(json_is_array(set));
        ck_assert_uint_le(json_array_size(set), 30);
        json_array_foreach(set, k, name)
        {
            check_text(name, 250);
            check_text(json_object_get(root, json_string_value(name)), 1024);
        }
    }
}

/* A metric names a member of the root that is a number, or up to 100 of them. */
static void check_value(const json_t *value)
{
    const json_t *one;
    size_t i;

    ck_assert(json_is_number(value) || json_is_array(value));
    if (!json_is_array(value))
        return;
    ck_assert_uint_ge(json_array_size(value), 1);
    ck_assert_uint_le(json_array_size(value), 100);
    json_array_foreach(value, i, one) ck_assert(json_is_number(one));
}

static void check_metrics(const json_t *root, const json_t *metrics)
{
    const json_t *metric;
    size_t i;

    ck_assert(json_is_array(metrics));
    ck_assert_uint_ge(json_array_size(metrics), 1);
    ck_assert_uint_le(json_array_size(metrics), 100);
    json_array_foreach(metrics, i, metric)
    {
        const char *unit = json_string_value(json_object_get(metric, "Unit"));

        ck_assert_uint_eq(json_object_size(metric), 2);
        check_text(json_object_get(metric, "Name"), 1024);
        ck_assert(unit && (!strcmp(unit, "Count") || !strcmp(unit, "Milliseconds")));
        check_value(json_object_get(root, json_string_value(json_object_get(metric, "Name"))));
    }
}

static void check_line(const json_t *root)
{
    const json_t *aws = json_object_get(root, "_aws"),
                 *directives = json_object_get(aws, "CloudWatchMetrics");
    const json_t *directive;
    size_t i;

    ck_assert_uint_eq(json_object_size(aws), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(aws, "Timestamp")), 1795244601274);
    ck_assert_uint_ge(json_array_size(directives), 1);
    json_array_foreach(directives, i, directive)
    {
        ck_assert_uint_eq(json_object_size(directive), 3);
        check_text(json_object_get(directive, "Namespace"), 1024);
        check_dimensions(root, json_object_get(directive, "Dimensions"));
        check_metrics(root, json_object_get(directive, "Metrics"));
    }
}

/* ---- cases
 * --------------------------------------------------------------------------------------------------- */

/* Writes a round, and takes its lines apart, each of which is as the specification says. */
static size_t write_round(void)
{
    uint32_t told;
    const char *p;

    page.len = 0;
    told = emf_write(emf, &view, NS_PER_S, INT64_C(1795244601274) * NS_PER_MS + 7, &page);
    json_decref(lines);
    lines = json_array();
    p = page.p;
    for (uint32_t i = 0; i < told; i++) {
        const char *lf = strchr(p, '\n');
        json_t *root;

        ck_assert_ptr_nonnull(lf);
        root = json_loadb(p, (size_t)(lf - p), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_ptr_nonnull(root);
        check_line(root);
        json_array_append_new(lines, root);
        p = lf + 1;
    }
    ck_assert(told == 0 || p == page.p + page.len);
    return told;
}

static const json_t *member(size_t line, const char *name)
{
    return json_object_get(json_array_get(lines, line), name);
}

static json_int_t number(size_t line, const char *name)
{
    ck_assert(json_is_integer(member(line, name)));
    return json_integer_value(member(line, name));
}

static const char *word(size_t line, const char *name)
{
    return json_string_value(member(line, name));
}

static const json_t *directive(size_t line)
{
    return json_array_get(json_object_get(member(line, "_aws"), "CloudWatchMetrics"), 0);
}

START_TEST(what_has_ended_since_the_last_time_is_told_by_side)
{
    ck_assert_uint_eq(write_round(), 0);
    serve(0, ROUTE_STABLE, OUTCOME_SERVED, 2, 5 * NS_PER_MS, 7);
    serve(0, ROUTE_CANARY, OUTCOME_SERVED, 2, 5 * NS_PER_MS, 2);
    serve(1, ROUTE_CANARY, OUTCOME_SERVED, 4, 5 * NS_PER_MS, 1);
    serve(1, ROUTE_CANARY, OUTCOME_SERVED, 5, 5 * NS_PER_MS, 1);
    serve(1, ROUTE_CANARY, OUTCOME_CONNECT_REFUSED, 5, 5 * NS_PER_MS, 3);
    ck_assert_uint_eq(write_round(), 2);
    ck_assert_str_eq(word(0, "Side"), "stable");
    ck_assert_str_eq(word(0, "Platform"), "ec2");
    ck_assert_int_eq(number(0, "Requests"), 7);
    ck_assert_int_eq(number(0, "Errors"), 0);
    ck_assert_str_eq(word(1, "Route"), "web");
    ck_assert_str_eq(word(1, "TargetGroup"), "new");
    ck_assert_str_eq(word(1, "Environment"), "prd\"fargate");
    ck_assert_ptr_null(member(1, "Version"));
    ck_assert_int_eq(number(1, "Requests"), 7);
    ck_assert_int_eq(number(1, "Errors"), 4);
    ck_assert_uint_eq(json_array_size(member(1, "Latency")), 7);
    serve(1, ROUTE_CANARY, OUTCOME_SERVED, 2, 5 * NS_PER_MS, 1);
    ck_assert_uint_eq(write_round(), 1);
    ck_assert_int_eq(number(0, "Requests"), 1);
    ck_assert_int_eq(number(0, "Errors"), 0);
    ck_assert_uint_eq(write_round(), 0);
}
END_TEST

START_TEST(a_line_names_its_namespace_its_dimensions_and_its_metrics)
{
    char *aws;

    serve(0, ROUTE_STABLE, OUTCOME_SERVED, 2, 5 * NS_PER_MS, 1);
    write_round();
    aws = json_dumps(directive(0), JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(aws,
                     "{\"Dimensions\":[[\"Route\",\"TargetGroup\",\"Platform\",\"Side\"]],\"Metrics\":["
                     "{\"Name\":\"Requests\",\"Unit\":\"Count\"},{\"Name\":\"Errors\",\"Unit\":\"Count\"},"
                     "{\"Name\":\"Latency\",\"Unit\":\"Milliseconds\"}],\"Namespace\":\"Shop/Proxy\"}");
    free(aws);
}
END_TEST

/* The one that has no value for a line is left out of it. */
START_TEST(dimensions_may_be_chosen)
{
    const json_t *set;

    tear_down();
    set_up_with(", dimensions: [ env, platform ]");
    serve(0, ROUTE_STABLE, OUTCOME_SERVED, 2, 5 * NS_PER_MS, 1);
    serve(0, ROUTE_CANARY, OUTCOME_SERVED, 2, 5 * NS_PER_MS, 1);
    ck_assert_uint_eq(write_round(), 2);
    set = json_array_get(json_object_get(directive(0), "Dimensions"), 0);
    ck_assert_uint_eq(json_array_size(set), 1);
    ck_assert_str_eq(json_string_value(json_array_get(set, 0)), "Platform");
    set = json_array_get(json_object_get(directive(1), "Dimensions"), 0);
    ck_assert_uint_eq(json_array_size(set), 2);
    ck_assert_str_eq(json_string_value(json_array_get(set, 0)), "Environment");
    ck_assert_str_eq(word(1, "Route"), "web");
}
END_TEST

static double latency(size_t i)
{
    return json_number_value(json_array_get(member(0, "Latency"), i));
}

START_TEST(few_answers_are_told_one_by_one)
{
    serve(0, ROUTE_STABLE, OUTCOME_SERVED, 2, 20 * NS_PER_MS, 98);
    serve(1, ROUTE_STABLE, OUTCOME_SERVED, 2, 3 * NS_PER_S, 2);
    write_round();
    ck_assert_uint_eq(json_array_size(member(0, "Latency")), 100);
    for (size_t i = 0; i < 98; i++)
        ck_assert(fabs(latency(i) - 20) < 0.0625 * 20);
    ck_assert(fabs(latency(98) - 3000) < 0.0625 * 3000);
    ck_assert(fabs(latency(99) - 3000) < 0.0625 * 3000);
}
END_TEST

/* A million answers, 2 % of them slow. */
START_TEST(of_many_answers_a_hundred_quantiles_are_told)
{
    serve(0, ROUTE_STABLE, OUTCOME_SERVED, 2, 20 * NS_PER_MS, 980000);
    serve(0, ROUTE_STABLE, OUTCOME_SERVED, 2, 3 * NS_PER_S, 20000);
    write_round();
    ck_assert_int_eq(number(0, "Requests"), 1000000);
    ck_assert_uint_eq(json_array_size(member(0, "Latency")), 100);
    for (size_t i = 0; i < 98; i++)
        ck_assert(fabs(latency(i) - 20) < 0.0625 * 20);
    ck_assert(fabs(latency(98) - 3000) < 0.0625 * 3000);
    ck_assert(fabs(latency(99) - 3000) < 0.0625 * 3000);
}
END_TEST

START_TEST(it_is_due_when_its_interval_is_over)
{
    const struct config_emf *conf = &routes->config->emf;
    struct config_emf none = {.interval_ns = NS_PER_S};

    ck_assert(!emf_is_due(emf, &none, NS_PER_S));
    ck_assert(emf_is_due(emf, conf, NS_PER_S));
    write_round();
    ck_assert(!emf_is_due(emf, conf, 60 * NS_PER_S));
    ck_assert(emf_is_due(emf, conf, 61 * NS_PER_S));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("emf");
    TCase *tcase = tcase_create("emf");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_has_ended_since_the_last_time_is_told_by_side);
    tcase_add_test(tcase, a_line_names_its_namespace_its_dimensions_and_its_metrics);
    tcase_add_test(tcase, dimensions_may_be_chosen);
    tcase_add_test(tcase, few_answers_are_told_one_by_one);
    tcase_add_test(tcase, of_many_answers_a_hundred_quantiles_are_told);
    tcase_add_test(tcase, it_is_due_when_its_interval_is_over);
    suite_add_tcase(suite, tcase);
    return suite;
}
