#include "decide/record.h"

#include "../unit.h"
#include "sim.h"

static struct sim sim;

START_TEST(a_decision_is_written_with_its_numbers)
{
    json_t *json, *counts;
    const char *text;

    sim_init(&sim, sim_reference_plan(), 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    sim.canary.errors = 0.1;
    ck_assert_int_gt(sim_until(&sim, ACTION_ROLLBACK, 3600), 0);
    json = decision_to_json(&sim.d, "web", "r-1");
    ck_assert_str_eq(json_string_value(json_object_get(json, "route")), "web");
    ck_assert_str_eq(json_string_value(json_object_get(json, "rollout")), "r-1");
    ck_assert_str_eq(json_string_value(json_object_get(json, "action")), "rollback");
    ck_assert_str_eq(json_string_value(json_object_get(json, "reason")), "regression");
    ck_assert_str_eq(json_string_value(json_object_get(json, "metric")), "errors");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "weight"), "to")), 0);
    ck_assert(json_number_value(json_object_get(json, "e")) >= 100);
    ck_assert(json_number_value(json_object_get(json, "threshold")) == 100);
    counts = json_object_get(json_object_get(json, "counts"), "canary");
    ck_assert_int_eq(json_integer_value(json_object_get(counts, "bad")), (json_int_t)sim.d.canary.bad);
    ck_assert(json_is_null(json_object_get(json, "hold")));
    text = json_string_value(json_object_get(json, "text"));
    ck_assert_ptr_nonnull(strstr(text, "fargate failed"));
    ck_assert_ptr_nonnull(strstr(text, "to ec2"));
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_hold_is_written_with_what_it_waits_for)
{
    json_t *json;

    sim_init(&sim, sim_reference_plan(), 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    sim_run(&sim, 5);
    json = decision_to_json(&sim.d, NULL, NULL);
    ck_assert_ptr_null(json_object_get(json, "route"));
    ck_assert_str_eq(json_string_value(json_object_get(json, "hold")), "dwell");
    ck_assert_int_gt(json_integer_value(json_object_get(json, "eta")), 20);
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_text_that_was_cut_inside_a_letter_is_still_json)
{
    json_t *json;

    sim_init(&sim, sim_reference_plan(), 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    sim_run(&sim, 5);
    snprintf(sim.d.text, sizeof(sim.d.text), "abc\xc3");
    json = decision_to_json(&sim.d, NULL, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(json, "text")), "abc?");
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

START_TEST(the_status_shows_every_metric)
{
    json_t *json, *metric;

    sim_init(&sim, sim_reference_plan(), 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    sim_run(&sim, 200);
    json = rollout_status_to_json(&sim.r, sim.plan);
    ck_assert_str_eq(json_string_value(json_object_get(json, "state")), "running");
    ck_assert_uint_eq(json_array_size(json_object_get(json, "metrics")), 3);
    metric = json_array_get(json_object_get(json, "metrics"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(metric, "name")), "errors");
    ck_assert(json_is_object(json_object_get(metric, "gate")));
    ck_assert(json_is_object(json_object_get(metric, "counts")));
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("record");
    TCase *tcase = tcase_create("record");

    tcase_add_test(tcase, a_decision_is_written_with_its_numbers);
    tcase_add_test(tcase, a_hold_is_written_with_what_it_waits_for);
    tcase_add_test(tcase, a_text_that_was_cut_inside_a_letter_is_still_json);
    tcase_add_test(tcase, the_status_shows_every_metric);
    suite_add_tcase(suite, tcase);
    return suite;
}
