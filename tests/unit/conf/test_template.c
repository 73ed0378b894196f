#include "conf/template.h"

#include "../unit.h"

#include <string.h>

/* The pieces of a template: literal text as it is, values as <number>, and ! where it is broken. */
static void pieces(const char *text, char *out, size_t len)
{
    struct str rest = str_from(text);
    struct template_piece piece;
    enum template_result result;
    struct buf buf;

    buf_init(&buf, out, len - 1);
    while ((result = template_next(&rest, &piece)) == TEMPLATE_PIECE) {
        if (piece.value == TEMPLATE_VALUES)
            buf_str_add(&buf, piece.text);
        else
            buf_printf(&buf, "<%d>", (int)piece.value);
    }
    if (result == TEMPLATE_BROKEN)
        buf_char(&buf, '!');
    out[buf.len] = '\0';
}

static const struct {
    const char *text, *pieces;
} cases[] = {
    {"", ""},
    {"plain text", "plain text"},
    {"{platform}", "<0>"},
    {"https://{host}{path}{query}", "https://<10><12><13>"},
    {"a{{b}}c", "a{b}c"},
    {"{{platform}}", "{platform}"},
    {"{{{platform}}}", "{<0>}"},
    {"a{", "a!"},
    {"a}b", "a!"},
    {"{Platform}", "!"},
    {"{}", "!"},
    {"{plat form}", "!"},
    {"{platform", "!"},
    {"{platform, group}", "!"},
};

START_TEST(a_template_is_text_and_values)
{
    char out[128];
    struct str bad;

    pieces(cases[_i].text, out, sizeof out);
    ck_assert_str_eq(out, cases[_i].pieces);
    ck_assert_int_eq(template_check(str_from(cases[_i].text), &bad), strchr(out, '!') == NULL);
}
END_TEST

START_TEST(the_last_name_is_the_last_value)
{
    struct str rest = STR("{query}");
    struct template_piece piece;

    ck_assert_int_eq(template_next(&rest, &piece), TEMPLATE_PIECE);
    ck_assert_int_eq(piece.value, TEMPLATE_QUERY);
    ck_assert_int_eq(TEMPLATE_QUERY + 1, TEMPLATE_VALUES);
    ck_assert_uint_eq(template_literals(STR("ab{query}{{c")), 4);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("template");
    TCase *tc = tcase_create("template");

    tcase_add_loop_test(tc, a_template_is_text_and_values, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, the_last_name_is_the_last_value);
    suite_add_tcase(suite, tc);
    return suite;
}
