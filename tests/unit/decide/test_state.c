#include "decide/state.h"

#include "../unit.h"
#include "sim.h"

static struct sim sim;

/* Through text and back, as the store does it. The clock of this process goes on, as no time passes here. */
static void save_and_restore(struct rollout *rollout, const struct plan *plan)
{
    json_t *json = rollout_to_json(rollout), *back;
    char *text = json_dumps(json, 0), why[128];
    json_error_t error;
    int64_t last_ns = rollout->last_ns;
    bool clock_known = rollout->clock_known;

    back = json_loads(text, 0, &error);
    memset(rollout, 0xa5, sizeof(*rollout));
    ck_assert_msg(rollout_from_json(rollout, plan, back, why, sizeof(why)), "%s", why);
    rollout->last_ns = last_ns;
    rollout->clock_known = clock_known;
    json_decref(json);
    json_decref(back);
    free(text);
}

/* How often it is killed: every so many seconds. */
enum { KILL_EVERY = UNIT_TIMES(1, 11) };

static void compare(double errors, double stable_errors, uint64_t seed)
{
    static struct sim other;

    sim_init(&sim, sim_reference_plan(), seed);
    sim_init(&other, sim_reference_plan(), seed);
    sim.canary.errors = other.canary.errors = errors;
    sim.stable.errors = other.stable.errors = stable_errors;
    ck_assert(sim_order(&sim, COMMAND_START) && sim_order(&other, COMMAND_START));
    for (int i = 0; i < 1500; i++) {
        if (i % KILL_EVERY == 0)
            save_and_restore(&sim.r, sim.plan);
        sim_tick(&sim);
        sim_tick(&other);
        ck_assert_int_eq(sim.d.action, other.d.action);
        ck_assert_int_eq(sim.d.reason, other.d.reason);
        ck_assert_int_eq(sim.d.fresh, other.d.fresh);
        ck_assert_str_eq(sim.d.text, other.d.text);
        ck_assert_uint_eq(sim.r.weight, other.r.weight);
        ck_assert(sim.d.e == other.d.e);
    }
    sim_fini(&sim);
    sim_fini(&other);
}

START_TEST(saved_and_restored_each_second_it_decides_the_same)
{
    compare(0.001, 0.001, 1);
    compare(0.01, 0.001, 2);
    compare(0.1, 0.001, 3);
    compare(0.1, 0.1, 4); /* an incident */
}
END_TEST

/* Two rollouts on the same traffic, one of them killed and taken up again each second: a retreat, the
 * probation, small raises, the bake, a probe. */
START_TEST(killed_in_a_retreat_or_a_probe_it_goes_on_there)
{
    static struct sim other;
    unsigned seen = 0;

    sim_init(&sim, sim_reference_plan(), 5);
    sim_init(&other, sim_reference_plan(), 5);
    ck_assert(sim_order(&sim, COMMAND_START) && sim_order(&other, COMMAND_START));
    for (int i = 0; i < 9000; i++) {
        bool full = sim.r.weight == PLAN_WEIGHT_ALL;

        sim.canary.slow = other.canary.slow = sim.r.retreat.count == 0 && sim.r.weight > 1500 ? 0.3 : 0.005;
        sim.canary.errors = other.canary.errors = full && sim.r.dwell_ns > 600 * NS_PER_S ? 0.02 : 0.001;
        if (i % KILL_EVERY == 0)
            save_and_restore(&sim.r, sim.plan);
        sim_tick(&sim);
        sim_tick(&other);
        ck_assert_int_eq(sim.r.state, other.r.state);
        ck_assert_int_eq(sim.d.action, other.d.action);
        ck_assert_str_eq(sim.d.text, other.d.text);
        ck_assert_uint_eq(sim.r.weight, other.r.weight);
        seen |= 1u << sim.r.state;
    }
    ck_assert(seen >> ROLLOUT_RETREATING & 1 && seen >> ROLLOUT_PROBING & 1);
    sim_fini(&sim);
    sim_fini(&other);
}
END_TEST

START_TEST(downtime_is_no_dwell)
{
    json_t *json;
    char why[128];

    sim_init(&sim, sim_reference_plan(), 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    sim_run(&sim, 100);
    int64_t dwell_ns = sim.r.dwell_ns;
    json = rollout_to_json(&sim.r);
    ck_assert(rollout_from_json(&sim.r, sim.plan, json, why, sizeof(why)));
    json_decref(json);
    sim.in.now_ns = 5; /* another boot */
    sim_tick(&sim);
    ck_assert_int_eq(sim.r.dwell_ns, dwell_ns);
    sim_tick(&sim);
    ck_assert_int_eq(sim.r.dwell_ns, dwell_ns + NS_PER_S);
    sim_fini(&sim);
}
END_TEST

/* Every value of the saved form in turn is taken away or made absurd. */
static void damage(const json_t *root, json_t *object, size_t *count)
{
    char keys[64][64], why[128];
    size_t len = 0;
    const char *key;
    json_t *value;
    struct rollout r;

    json_object_foreach(object, key, value)
    {
        ck_assert_uint_lt(len, ARRAY_LEN(keys));
        snprintf(keys[len++], sizeof(keys[0]), "%s", key);
    }
    for (size_t i = 0; i < len; i++) {
        value = json_object_get(object, keys[i]);
        if (json_is_object(value)) {
            damage(root, value, count);
            continue;
        }
        json_incref(value);
        json_object_del(object, keys[i]);
        why[0] = '\0';
        ck_assert_msg(!rollout_from_json(&r, sim.plan, root, why, sizeof(why)), "%s", keys[i]);
        ck_assert_str_ne(why, "");
        json_object_set_new(object, keys[i], json_pack("{s:i}", "x", 1));
        ck_assert_msg(!rollout_from_json(&r, sim.plan, root, why, sizeof(why)), "%s", keys[i]);
        json_object_set_new(object, keys[i], value);
        (*count)++;
    }
}

START_TEST(a_damaged_state_is_refused_with_its_place)
{
    size_t count = 0;
    json_t *json, *metrics;
    char why[128];
    struct rollout r;

    sim_init(&sim, sim_reference_plan(), 1);
    json = rollout_to_json(&sim.r);
    damage(json, json, &count);
    ck_assert_uint_gt(count, 40);
    metrics = json_object_get(json_object_get(json, "judge"), "metrics");
    json_object_del(json_object_get(json_array_get(metrics, 1), "evidence"), "s");
    ck_assert(!rollout_from_json(&r, sim.plan, json, why, sizeof(why)));
    ck_assert_str_eq(why, "judge.metrics[1].evidence.s: missing");
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

/* What version 1 did not know, and its bins: by their place in a raster of time. */
static json_t *as_version_1(const struct rollout *rollout)
{
    json_t *json = rollout_to_json(rollout), *metric;
    size_t i;

    json_object_set_new(json, "version", json_integer(1));
    json_array_foreach(json_object_get(json_object_get(json, "judge"), "metrics"), i, metric)
    {
        json_t *evidence = json_object_get(metric, "evidence");

        json_object_del(evidence, "left_ns");
        json_object_set_new(evidence, "bin", json_integer(118000000));
        json_object_del(metric, "early");
        json_object_del(metric, "past");
    }
    return json;
}

START_TEST(a_rollout_of_version_1_goes_on_where_it_was)
{
    json_t *json;
    char why[128];
    uint32_t weight;

    sim_init(&sim, sim_reference_plan(), 1);
    ck_assert(sim_order(&sim, COMMAND_START));
    sim_run(&sim, 300);
    weight = sim.r.weight;
    ck_assert(weight > 0 && weight < PLAN_WEIGHT_ALL);
    json = as_version_1(&sim.r);
    ck_assert_msg(rollout_from_json(&sim.r, sim.plan, json, why, sizeof(why)), "%s", why);
    json_decref(json);
    ck_assert_uint_eq(sim.r.weight, weight);
    for (size_t i = 0; i < sim.plan->analysis.metrics_len; i++) {
        const struct judge_metric *metric = &sim.r.judge.metrics[i];

        ck_assert_mem_eq(&metric->early, &metric->evidence, sizeof(metric->early));
        ck_assert(metric->past.requests == 0);
    }
    if (_i) { /* what it has seen is not forgotten, and it finds what is bad */
        sim.canary.errors = 0.1;
        sim_run(&sim, 120);
        ck_assert_int_eq(sim.r.state, ROLLOUT_ROLLED_BACK);
    } else {
        sim_run(&sim, 3600);
        ck_assert_uint_eq(sim.r.weight, PLAN_WEIGHT_ALL);
    }
    sim_fini(&sim);
}
END_TEST

START_TEST(a_state_of_a_later_version_is_refused)
{
    json_t *json;
    char why[128];

    sim_init(&sim, sim_reference_plan(), 1);
    json = rollout_to_json(&sim.r);
    json_object_set_new(json, "version", json_integer(3));
    ck_assert(!rollout_from_json(&sim.r, sim.plan, json, why, sizeof(why)));
    ck_assert_str_eq(why, "version: this program reads 1 and 2");
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

START_TEST(a_step_outside_the_plan_is_refused)
{
    json_t *json;
    char why[128];
    struct rollout r;

    sim_init(&sim, sim_reference_plan(), 1);
    json = rollout_to_json(&sim.r);
    json_object_set_new(json, "step", json_integer(6));
    ck_assert(!rollout_from_json(&r, sim.plan, json, why, sizeof(why)));
    json_decref(json);
    sim_fini(&sim);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("state");
    TCase *tcase = tcase_create("state");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, saved_and_restored_each_second_it_decides_the_same);
    tcase_add_test(tcase, killed_in_a_retreat_or_a_probe_it_goes_on_there);
    tcase_add_test(tcase, downtime_is_no_dwell);
    tcase_add_test(tcase, a_damaged_state_is_refused_with_its_place);
    tcase_add_loop_test(tcase, a_rollout_of_version_1_goes_on_where_it_was, 0, 2);
    tcase_add_test(tcase, a_state_of_a_later_version_is_refused);
    tcase_add_test(tcase, a_step_outside_the_plan_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
