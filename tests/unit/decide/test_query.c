#include "decide/query.h"

#include "../unit.h"

/* The parts as "text|variable:name;" one after another. */
static void parts(const char *query, char *out, size_t len)
{
    struct str rest = str_from(query);
    struct query_part part;
    struct buf buf;

    buf_init(&buf, out, len - 1);
    while (query_next(&rest, &part))
        buf_printf(&buf, "%.*s|%d:%.*s;", STR_ARG(part.text), (int)part.variable, STR_ARG(part.name));
    out[buf.len] = '\0';
}

START_TEST(a_query_falls_into_text_and_variables)
{
    static const struct {
        const char *query, *parts;
    } cases[] = {
        {"", ""},
        {"up", "up|0:;"},
        {"up{job=\"a\"}", "up{job=\"a\"}|0:;"},
        {"{{route}}", "|1:route;"},
        {"a{r=\"{{ route }}\"}[{{interval}}]", "a{r=\"|1:route;\"}[|6:interval;]|0:;"},
        {"{{stable}}{{canary}}{{stablePlatform}}{{canaryPlatform}}{{seconds}}",
         "|2:stable;|3:canary;|4:stablePlatform;|5:canaryPlatform;|7:seconds;"},
        {"{{}}", "|8:;"},
        {"{{Route}}", "|8:Route;"},
        {"{{route", "|8:route;"},
        {"{{route}", "|8:route};"},
        {"{{", "|8:;"},
        {"}}", "}}|0:;"},
        {"{{{route}}}", "|8:{route;}|0:;"},
        {"[{\"a\":{\"b\":1}}]", "[{\"a\":{\"b\":1}}]|0:;"},
    };
    char out[256];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        parts(cases[i].query, out, sizeof(out));
        ck_assert_str_eq(out, cases[i].parts);
    }
}
END_TEST

/* Whatever the bytes, the parts make up the query but for its braces. */
START_TEST(a_query_that_is_cut_anywhere_keeps_its_text)
{
    static const char query[] = "a{{route}}b{c}{{x}}d";

    for (size_t len = 0; len < sizeof(query); len++) {
        struct str rest = {query, len};
        struct query_part part;
        size_t seen = 0;

        while (query_next(&rest, &part)) {
            ck_assert(part.text.len == 0 ||
                      (part.text.p >= query && part.text.p + part.text.len <= query + len));
            seen += part.text.len + part.name.len;
        }
        ck_assert_uint_le(seen, len);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("query");
    TCase *tcase = tcase_create("query");

    tcase_add_test(tcase, a_query_falls_into_text_and_variables);
    tcase_add_test(tcase, a_query_that_is_cut_anywhere_keeps_its_text);
    suite_add_tcase(suite, tcase);
    return suite;
}
