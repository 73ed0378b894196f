#include "control/slots.h"

#include "../unit.h"
#include "conf/load.h"

#include <stdlib.h>

static struct slots *slots;
static char why[256];

static void set_up(void)
{
    slots = slots_new();
}

static void tear_down(void)
{
    slots_free(slots);
}

static struct config *load(const char *groups, const char *canary)
{
    struct conf_report report;
    struct config *config;
    struct text text;

    text_init(&text, 4096);
    text_printf(&text, "listeners: [ { address: 127.0.0.1:0 } ]\ntargetGroups:\n%s", groups);
    text_printf(&text, "routes: [ { name: web, match: { pathPrefix: / }, stable: a, canary: %s } ]\n",
                canary);
    conf_report_init(&report);
    config = config_load_bytes("test.yaml", (struct str){text.p, text.len}, ".", false, &report);
    conf_report_fini(&report);
    text_fini(&text);
    ck_assert_ptr_nonnull(config);
    ck_assert(slots_assign(slots, config, why, sizeof why));
    return config;
}

START_TEST(the_first_config_is_numbered_as_it_was_loaded)
{
    struct config *config = load("  a: { targets: [ '127.0.0.1:1', '127.0.0.1:2' ] }\n"
                                 "  b: { targets: [ '127.0.0.1:1' ] }\n",
                                 "b");

    ck_assert_uint_eq(config->routes[0].slot, 0);
    ck_assert_uint_eq(config->groups[1].slot, 1);
    ck_assert_uint_eq(config->groups[0].targets[1].slot, 1);
    ck_assert_uint_eq(config->groups[1].targets[0].slot, 2);
    config_unref(config);
}
END_TEST

START_TEST(what_stays_keeps_its_number_and_what_comes_gets_a_new_one)
{
    struct config *first = load("  a: { targets: [ '127.0.0.1:1', '127.0.0.1:2' ] }\n"
                                "  b: { targets: [ '127.0.0.1:1' ] }\n",
                                "b");
    struct config *second = load("  c: { targets: [ '127.0.0.1:9' ] }\n"
                                 "  a: { targets: [ '127.0.0.1:3', '127.0.0.1:2' ] }\n",
                                 "c");
    struct config *third = load("  a: { targets: [ '127.0.0.1:1' ] }\n"
                                "  b: { targets: [ '127.0.0.1:1' ] }\n",
                                "b");

    ck_assert_uint_eq(second->routes[0].slot, 1); /* another canary: other labels */
    ck_assert_uint_eq(third->routes[0].slot, first->routes[0].slot);
    ck_assert_uint_eq(second->groups[1].targets[1].slot, first->groups[0].targets[1].slot);
    ck_assert_uint_eq(third->groups[0].targets[0].slot, first->groups[0].targets[0].slot);
    ck_assert_uint_ge(second->groups[1].targets[0].slot, 3);
    ck_assert_uint_ge(second->groups[0].targets[0].slot, 3);
    config_unref(first);
    config_unref(second);
    config_unref(third);
}
END_TEST

START_TEST(another_platform_is_another_group)
{
    struct config *first =
        load("  a: { targets: [ '127.0.0.1:1' ] }\n  b: { targets: [ '127.0.0.1:2' ] }\n", "b");
    struct config *second = load(
        "  a: { platform: ec2, targets: [ '127.0.0.1:1' ] }\n  b: { targets: [ '127.0.0.1:2' ] }\n", "b");

    ck_assert_uint_ne(second->groups[0].slot, first->groups[0].slot);
    ck_assert_uint_ne(second->groups[0].targets[0].slot, first->groups[0].targets[0].slot);
    ck_assert_uint_ne(second->routes[0].slot, first->routes[0].slot);
    ck_assert_uint_eq(second->groups[1].slot, first->groups[1].slot);
    config_unref(first);
    config_unref(second);
}
END_TEST

START_TEST(numbers_that_are_used_up_are_an_error)
{
    struct config *config =
        load("  a: { targets: [ '127.0.0.1:1' ] }\n  b: { targets: [ '127.0.0.1:2' ] }\n", "b");
    bool ok = true;

    for (unsigned i = 0; ok && i <= CONFIG_ROUTES_MAX; i++) {
        char name[16];

        snprintf(name, sizeof name, "r%u", i);
        free(config->routes[0].name);
        config->routes[0].name = strdup(name);
        ok = slots_assign(slots, config, why, sizeof why);
    }
    ck_assert(!ok);
    ck_assert_ptr_nonnull(strstr(why, "1024 different routes"));
    config_unref(config);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("slots");
    TCase *tcase = tcase_create("slots");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_first_config_is_numbered_as_it_was_loaded);
    tcase_add_test(tcase, what_stays_keeps_its_number_and_what_comes_gets_a_new_one);
    tcase_add_test(tcase, another_platform_is_another_group);
    tcase_add_test(tcase, numbers_that_are_used_up_are_an_error);
    suite_add_tcase(suite, tcase);
    return suite;
}
