#include "decide/trace.h"

#include "../unit.h"

static const struct trace_head each = {.rule = TRACE_RULE_NONE};

/* The weight just below which request number `n` of the key is the canary's. */
static void draws(const char *key, uint64_t n, uint32_t value)
{
    uint64_t hash = trace_key(str_from(key));
    double w = (double)value / 0x1p32;

    ck_assert(!trace_is_canary(&each, hash, n, w));
    ck_assert(trace_is_canary(&each, hash, n, w + 0x1p-32));
}

START_TEST(who_is_drawn_is_the_same_in_every_program)
{
    draws("c000000", 0, 1382961007);
    draws("c000000", 1, 228053130);
    draws("c000042", 7, 515047081);
    draws("c019999", 123456, 1435203772);
}
END_TEST

START_TEST(none_and_all_are_exact)
{
    for (uint64_t n = 0; n < 1000; n++) {
        ck_assert(!trace_is_canary(&each, n, n, 0));
        ck_assert(trace_is_canary(&each, n, n, 1));
    }
}
END_TEST

START_TEST(a_sticky_key_keeps_its_side)
{
    const struct trace_head sticky = {.sticky = true};
    uint64_t key = trace_key(STR("c000000"));

    for (uint64_t n = 0; n < 100; n++)
        ck_assert(trace_is_canary(&sticky, key, n, 0.33));
    ck_assert(!trace_is_canary(&sticky, key, 5, 0.32));
}
END_TEST

START_TEST(a_cold_canary_is_cold_after_each_raise)
{
    const struct trace_head head = {.rule = TRACE_RULE_COLD, .cold_s = 120};
    struct trace_world world;

    trace_world_init(&world, &head);
    ck_assert(!trace_world_is_alt(&world, &head, 0, 0));
    trace_world_weight(&world, 10, 0, 0.05);
    ck_assert(trace_world_is_alt(&world, &head, 10, 0.05));
    ck_assert(trace_world_is_alt(&world, &head, 129.9, 0.05));
    ck_assert(!trace_world_is_alt(&world, &head, 130, 0.05));
    trace_world_weight(&world, 200, 0.05, 0.01);
    ck_assert(!trace_world_is_alt(&world, &head, 200, 0.01));
    trace_world_weight(&world, 300, 0.01, 0.5);
    ck_assert(trace_world_is_alt(&world, &head, 301, 0.5));
}
END_TEST

START_TEST(a_capacity_without_scale_out_never_grows)
{
    const struct trace_head head = {.rule = TRACE_RULE_CAPACITY, .capacity = 0.2};
    struct trace_world world;

    trace_world_init(&world, &head);
    for (double t = 0; t < 10000; t += 10) {
        ck_assert(!trace_world_is_alt(&world, &head, t, 0.2));
        ck_assert(trace_world_is_alt(&world, &head, t, 0.25));
    }
}
END_TEST

START_TEST(a_capacity_grows_when_it_was_nearly_met_for_long_enough)
{
    const struct trace_head head = {
        .rule = TRACE_RULE_CAPACITY, .capacity = 0.2, .scaleout_s = 180, .scaleout_factor = 1.25};
    struct trace_world world;

    trace_world_init(&world, &head);
    ck_assert(!trace_world_is_alt(&world, &head, 0, 0.16)); /* 80 % is not above 80 % */
    ck_assert(trace_world_is_alt(&world, &head, 100, 0.25));
    ck_assert(!trace_world_is_alt(&world, &head, 150, 0.05)); /* and begins anew */
    ck_assert(trace_world_is_alt(&world, &head, 200, 0.25));
    ck_assert(trace_world_is_alt(&world, &head, 379, 0.25));
    ck_assert(!trace_world_is_alt(&world, &head, 380, 0.25));
    ck_assert_double_eq_tol(world.capacity, 0.3125, 1e-12);
    ck_assert(trace_world_is_alt(&world, &head, 381, 0.32));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("trace");
    TCase *tcase = tcase_create("trace");

    tcase_add_test(tcase, who_is_drawn_is_the_same_in_every_program);
    tcase_add_test(tcase, none_and_all_are_exact);
    tcase_add_test(tcase, a_sticky_key_keeps_its_side);
    tcase_add_test(tcase, a_cold_canary_is_cold_after_each_raise);
    tcase_add_test(tcase, a_capacity_without_scale_out_never_grows);
    tcase_add_test(tcase, a_capacity_grows_when_it_was_nearly_met_for_long_enough);
    suite_add_tcase(suite, tcase);
    return suite;
}
