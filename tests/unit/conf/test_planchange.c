#include "conf/planchange.h"

#include "../unit.h"

/* Two plans, and what tells them apart. */
static const struct {
    const char *from, *to, *changes, *said;
} cases[] = {
    {"name: a\nsteps: [ { setWeight: 5 } ]\n", "{\"steps\": [{\"setWeight\": 5}], \"name\": \"a\"} # same\n",
     "[]", ""},
    {"name: a\nsteps: [ { setWeight: 5, minDwell: 6h }, { setWeight: 100 } ]\n",
     "name: a\nsteps: [ { setWeight: 5, minDwell: 1d }, { setWeight: 50 }, { setWeight: 100 } ]\nwatch: "
     "false\n",
     "[{\"path\":\"steps[0].minDwell\",\"from\":\"6h\",\"to\":\"1d\"},"
     "{\"path\":\"steps[1].setWeight\",\"from\":\"100\",\"to\":\"50\"},"
     "{\"path\":\"steps[2].setWeight\",\"from\":null,\"to\":\"100\"},"
     "{\"path\":\"watch\",\"from\":null,\"to\":\"false\"}]",
     "steps[0].minDwell 6h -> 1d, steps[1].setWeight 100 -> 50, steps[2].setWeight none -> 100, watch none "
     "-> "
     "false"},
    {"name: a\nsteps: [ { pause: {} } ]\nwatch: false\n",
     "name: a\nsteps: [ { pause: { duration: 5m } } ]\nwatch: { threshold: 8 }\n",
     "[{\"path\":\"steps[0].pause.duration\",\"from\":null,\"to\":\"5m\"},"
     "{\"path\":\"watch\",\"from\":\"false\",\"to\":null},"
     "{\"path\":\"watch.threshold\",\"from\":null,\"to\":\"8\"}]",
     "steps[0].pause.duration none -> 5m, watch false -> none, watch.threshold none -> 8"},
    {"strategy: CANARY\n", "name: ecs\nsteps: [ { setWeight: 5, minDwell: 10m }, { setWeight: 100 } ]\n",
     "[]", ""},
    {"name: a\nsteps: [ 1, 2, 3, 4, 5, 6, 7 ]\n", "name: a\nsteps: []\n",
     "[{\"path\":\"steps[0]\",\"from\":\"1\",\"to\":null},{\"path\":\"steps[1]\",\"from\":\"2\",\"to\":null},"
     "{\"path\":\"steps[2]\",\"from\":\"3\",\"to\":null},{\"path\":\"steps[3]\",\"from\":\"4\",\"to\":null},"
     "{\"path\":\"steps[4]\",\"from\":\"5\",\"to\":null},{\"path\":\"steps[5]\",\"from\":\"6\",\"to\":null},"
     "{\"path\":\"steps[6]\",\"from\":\"7\",\"to\":null}]",
     "steps[0] 1 -> none, steps[1] 2 -> none, steps[2] 3 -> none, steps[3] 4 -> none, steps[4] 5 -> none, "
     "and 2 "
     "more"},
};

START_TEST(what_differs_is_told_with_its_path)
{
    json_t *changes = planchange_list(str_from(cases[_i].from), str_from(cases[_i].to));
    char *text = json_dumps(changes, JSON_COMPACT), said[512];
    struct buf buf;

    buf_init(&buf, said, sizeof said - 1);
    planchange_say(changes, &buf);
    said[buf.len] = '\0';
    ck_assert_str_eq(text, cases[_i].changes);
    ck_assert_str_eq(said, cases[_i].said);
    free(text);
    json_decref(changes);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/planchange");
    TCase *tcase = tcase_create("planchange");

    tcase_add_loop_test(tcase, what_differs_is_told_with_its_path, 0, ARRAY_LEN(cases));
    suite_add_tcase(suite, tcase);
    return suite;
}
