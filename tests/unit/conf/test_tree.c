#include "conf/tree.h"

#include "base/mem.h"

#include "problems.h"

static struct tree *read_text(const char *text, struct conf_report *report)
{
    conf_report_init(report);
    return tree_read("t", str_from(text), false, report);
}

START_TEST(keys_and_values_know_their_places)
{
    struct conf_report report;
    struct tree *root = read_text("a: 1\n\xc3\xa9\xc3\xa9: [x, {b: y}]\n", &report);
    const struct tree *list;

    ck_assert_ptr_nonnull(root);
    ck_assert_uint_eq(report.len, 0);
    ck_assert_int_eq(root->kind, TREE_MAP);
    ck_assert_int_eq(tree_find(root, "a")->col, 4);
    list = tree_find(root, "\xc3\xa9\xc3\xa9");
    ck_assert_int_eq(list->line, 2);
    ck_assert_int_eq(list->col, 5); /* characters, not bytes */
    ck_assert_int_eq(list->values[1].col, 9);
    ck_assert_int_eq(tree_find(&list->values[1], "b")->col, 13);
    ck_assert_int_eq(tree_find_key(&list->values[1], "b")->col, 10);
    ck_assert_ptr_null(tree_find(root, "c"));
    ck_assert_ptr_null(tree_find(list, "b"));
    tree_free(root);
    conf_report_fini(&report);
}
END_TEST

START_TEST(a_path_leads_to_its_node_or_as_far_as_it_goes)
{
    struct conf_report report;
    struct tree *root = read_text("steps: [ {a: 1}, {b: {c: 2}} ]", &report);

    ck_assert_str_eq(tree_at(root, "steps[1].b.c")->text, "2");
    ck_assert_str_eq(tree_at(root, "steps[0].a")->text, "1");
    ck_assert_ptr_eq(tree_at(root, ""), root);
    ck_assert_ptr_eq(tree_at(root, "steps[1].nope.c"), &tree_find(root, "steps")->values[1]);
    ck_assert_ptr_eq(tree_at(root, "steps[7].b"), tree_find(root, "steps"));
    ck_assert_ptr_eq(tree_at(root, "steps[x]"), tree_find(root, "steps"));
    ck_assert_ptr_eq(tree_at(root, "other[0]"), root);
    tree_free(root);
    conf_report_fini(&report);
}
END_TEST

START_TEST(json_is_taken_as_it_is)
{
    struct conf_report report;
    struct tree *root = read_text(
        "{\n\t\"a\": [1, -2.5e3, true, null, \"\\u00e9\\n\\/\"],\n\t\"b\": {\"c\": \"d\"}, \"e\": {}\n}\n",
        &report);
    const struct tree *list;

    ck_assert_ptr_nonnull(root);
    ck_assert_uint_eq(report.len, 0);
    list = tree_find(root, "a");
    ck_assert_uint_eq(list->len, 5);
    ck_assert_str_eq(list->values[1].text, "-2.5e3");
    ck_assert(tree_is_null(&list->values[3]));
    ck_assert_str_eq(list->values[4].text, "\xc3\xa9\n/");
    ck_assert_str_eq(tree_at(root, "b.c")->text, "d");
    ck_assert_uint_eq(tree_find(root, "e")->len, 0);
    tree_free(root);
    conf_report_fini(&report);
}
END_TEST

START_TEST(nothing_written_is_null_but_an_empty_text_is_not)
{
    struct conf_report report;
    struct tree *root = read_text("a:\nb: ~\nc: null\nd: ''\ne: \"null\"\nf: {}\n", &report);

    ck_assert(tree_is_null(tree_find(root, "a")));
    ck_assert(tree_is_null(tree_find(root, "b")));
    ck_assert(tree_is_null(tree_find(root, "c")));
    ck_assert(!tree_is_null(tree_find(root, "d")));
    ck_assert(!tree_is_null(tree_find(root, "e")));
    ck_assert(!tree_is_null(tree_find(root, "f")));
    tree_free(root);
    conf_report_fini(&report);
}
END_TEST

/* What ends the file: nothing is read from it. */
static const struct problems_case broken[] = {
    {"", "t:1:1: the file is empty\n"},
    {"# only\n# comments\n", "t:1:1: the file is empty\n"},
    {"a: [1, 2\nb: 3]", "t:2:2: not YAML: did not find expected ',' or ']', in what begins at line 1; a , or "
                        "the closing ] is missing\n"},
    {"a: {b: 1", "t:2:1: not YAML: did not find expected ',' or '}', in what begins at line 1; a , or the "
                 "closing } is missing\n"},
    {"a: 1\n\tb: 2\n",
     "t:2:1: not YAML: found a tab character that violates indentation, in what begins at line 1; "
     "indent with blanks, not tabs\n"},
    {"a: @x\n",
     "t:1:4: not YAML: found character that cannot start any token; indent with blanks, not tabs, and put a "
     "value that begins with @, ` or % in quotes\n"},
    {"a: {\"b\": \"\\ud83d\"}",
     "t:1:13: not YAML: found invalid Unicode character escape code; write the character "
     "itself; \\ud800 to \\udfff are none\n"},
    {"a: b: c\n",
     "t:1:5: not YAML: mapping values are not allowed in this context; put a value that contains \": \" in "
     "quotes, or mend the indent\n"},
    {"a: \"x\n",
     "t:2:1: not YAML: found unexpected end of stream, in what begins at line 1; a quote is not closed\n"},
    {"a: 1\n b: 2\n",
     "t:2:3: not YAML: mapping values are not allowed in this context; put a value that contains "
     "\": \" in quotes, or mend the indent\n"},
    {"a: 1\nb\n",
     "t:3:1: not YAML: could not find expected ':', in what begins at line 2; a key needs `: ` and a "
     "value\n"},
    {"a: \"\\q\"\n",
     "t:1:5: not YAML: found unknown escape character; in \"double quotes\" write \\\\ for a \\, or use "
     "'single quotes'\n"},
    {"a: 1\nb: \xff\n", "t:2:4: not UTF-8 text: invalid leading UTF-8 octet\n"},
    {"a: \x01\n", "t:1:4: not UTF-8 text: control characters are not allowed\n"},
    {"a: 1\n---\nb: 2\n", "t:2:1: a second document begins here; a file holds one\n"},
    {"[a, b]: 1\n", "t:1:1: a key must be plain text; put it in quotes if it begins with {, [, & or *\n"},
    {"? {a: b}\n: 1\n", "t:1:3: a key must be plain text; put it in quotes if it begins with {, [, & or *\n"},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
     "t:1:33: more than 32 maps and lists in one another\n"},
};

START_TEST(what_is_no_yaml_is_told_with_place_and_remedy)
{
    struct conf_report report;
    struct tree *root = read_text(broken[_i].input, &report);
    char *text;

    ck_assert(root == NULL || report.errors > 0);
    text = problems_text(&report);
    ck_assert_str_eq(text, broken[_i].problems);
    tree_free(root);
    free(text);
}
END_TEST

/* What is refused while the rest of the file is still read. */
static const struct problems_case refused[] = {
    {"a: &x 1\nb: *x\nc: 3\n",
     "t:1:4: &x: anchors are not taken; write the value out\n"
     "t:2:4: *x: aliases are not taken; write the value out, or put it in quotes\n"},
    {"a: !!python/object {b: 1}\nc: !x [1]\nd: !!str 5\n",
     "t:1:4: tag:yaml.org,2002:python/object: tags are not taken; remove it\n"
     "t:2:4: !x: tags are not taken; remove it\n"
     "t:3:4: tag:yaml.org,2002:str: tags are not taken; remove it\n"},
    {"a: 1\nb: 2\na: 3\na: 4\n", "t:3:1: a: is there already, at line 1; remove one of the two\n"
                                 "t:4:1: a: is there already, at line 3; remove one of the two\n"},
    {"{a: {b: 1, b: 2}}", "t:1:12: b: is there already, at line 1; remove one of the two\n"},
    {"a: \"x\\0y\"\n", "t:1:4: x: has a NUL byte inside; remove it\n"},
    {"a: ${HOME}\n",
     "t:1:4: ${HOME}: ${HOME}: variables are not expanded here; write the value, or $$ for a plain $\n"},
};

START_TEST(what_has_no_place_here_is_refused_by_name)
{
    struct conf_report report;
    struct tree *root = read_text(refused[_i].input, &report);
    char *text;

    ck_assert_ptr_nonnull(root);
    text = problems_text(&report);
    ck_assert_str_eq(text, refused[_i].problems);
    tree_free(root);
    free(text);
}
END_TEST

START_TEST(variables_of_the_environment_are_put_in)
{
    struct conf_report report;
    struct tree *root;
    char *text;

    ck_assert_int_eq(setenv("PENSTOCK_TEST", "10.0.0.1", 1), 0);
    ck_assert_int_eq(unsetenv("PENSTOCK_NONE"), 0);
    conf_report_init(&report);
    root = tree_read("t", STR("a: \"${PENSTOCK_TEST}:80\"\n${PENSTOCK_TEST}: $$x\nb: ${PENSTOCK_NONE}\n"),
                     true, &report);
    ck_assert_str_eq(tree_find(root, "a")->text, "10.0.0.1:80");
    ck_assert_str_eq(tree_find(root, "${PENSTOCK_TEST}")->text, "$x"); /* keys are taken as they are */
    ck_assert(tree_find(root, "b")->broken);
    text = problems_text(&report);
    ck_assert_str_eq(
        text, "t:3:4: ${PENSTOCK_NONE}: the environment has no variable PENSTOCK_NONE; set it, or write $$ "
              "for a plain $\n");
    free(text);
    tree_free(root);
}
END_TEST

START_TEST(too_many_values_end_the_file)
{
    struct conf_report report;
    struct text list;
    struct tree *root;
    char *text;

    text_init(&list, TREE_BYTES_MAX + 1);
    text_printf(&list, "[");
    for (int i = 0; i < TREE_NODES_MAX; i++)
        text_printf(&list, "1,");
    text_printf(&list, "1]");
    conf_report_init(&report);
    root = tree_read("t", (struct str){list.p, list.len}, false, &report);
    ck_assert_ptr_null(root);
    text = problems_text(&report);
    ck_assert_str_eq(text, "t:1:400000: more than 200000 keys and values in one file\n");
    free(text);
    text_fini(&list);
}
END_TEST

START_TEST(a_file_that_is_too_large_is_refused)
{
    struct conf_report report;
    char *bytes = mem_zalloc(TREE_BYTES_MAX + 1), *text;

    conf_report_init(&report);
    ck_assert_ptr_null(tree_read("t", (struct str){bytes, TREE_BYTES_MAX + 1}, false, &report));
    text = problems_text(&report);
    ck_assert_str_eq(text, "t:1:1: the file is larger than 4194304 bytes\n");
    free(text);
    free(bytes);
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over)
{
    struct conf_report report;
    struct tree *root = read_text("\xef\xbb\xbf"
                                  "a: 1\n",
                                  &report);

    ck_assert_str_eq(tree_find(root, "a")->text, "1");
    tree_free(root);
    conf_report_fini(&report);
}
END_TEST

START_TEST(a_file_cut_anywhere_gives_a_tree_or_a_problem)
{
    static const char whole[] =
        "a: &x [1, {b: \"c\\u00e9\"}]\n? q\n: 'z'\nlist:\n  - ${A}\n  - |\n    text\n  - *x\n# end\n";

    for (size_t len = 0; len < sizeof whole; len++) {
        struct conf_report report;
        struct tree *root;

        conf_report_init(&report);
        root = tree_read("t", (struct str){whole, len}, false, &report);
        ck_assert(root || report.errors > 0);
        tree_free(root);
        conf_report_fini(&report);
    }
}
END_TEST

START_TEST(blame_falls_on_the_node_and_on_what_is_around_it)
{
    struct conf_report report;
    struct tree *root = read_text("a: {b: 1, c: 2}\nd: 3\n", &report);
    const struct tree *c = tree_at(root, "a.c");

    conf_report_add(&report, CONF_ERROR, "other", 2, 4, "another file");
    conf_report_add(&report, CONF_WARNING, "t", 2, 4, "no error");
    conf_report_add(&report, CONF_ERROR, "t", c->line, c->col, "wrong");
    tree_blame(root, "t", &report);
    ck_assert(root->blamed);
    ck_assert(tree_at(root, "a")->blamed);
    ck_assert(c->blamed);
    ck_assert(!tree_at(root, "a.b")->blamed);
    ck_assert(!tree_at(root, "d")->blamed);
    tree_free(root);
    conf_report_fini(&report);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/tree");
    TCase *tc = tcase_create("tree");

    tcase_add_test(tc, keys_and_values_know_their_places);
    tcase_add_test(tc, a_path_leads_to_its_node_or_as_far_as_it_goes);
    tcase_add_test(tc, json_is_taken_as_it_is);
    tcase_add_test(tc, nothing_written_is_null_but_an_empty_text_is_not);
    tcase_add_loop_test(tc, what_is_no_yaml_is_told_with_place_and_remedy, 0, (int)ARRAY_LEN(broken));
    tcase_add_loop_test(tc, what_has_no_place_here_is_refused_by_name, 0, (int)ARRAY_LEN(refused));
    tcase_add_test(tc, variables_of_the_environment_are_put_in);
    tcase_add_test(tc, too_many_values_end_the_file);
    tcase_add_test(tc, a_file_that_is_too_large_is_refused);
    tcase_add_test(tc, a_byte_order_mark_is_passed_over);
    tcase_add_test(tc, a_file_cut_anywhere_gives_a_tree_or_a_problem);
    tcase_add_test(tc, blame_falls_on_the_node_and_on_what_is_around_it);
    suite_add_tcase(suite, tc);
    return suite;
}
