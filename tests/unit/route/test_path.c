#include "route/path.h"

#include "../unit.h"
#include "base/rnd.h"

#include <stdlib.h>

static const char *normal(const char *path)
{
    static char out[256];
    struct str got = path_normalise(str_from(path), out);

    ck_assert_ptr_eq(got.p, out);
    ck_assert_uint_le(got.len, strlen(path) + 1);
    out[got.len] = '\0';
    return out;
}

START_TEST(what_is_normal_already_stays_as_it_is)
{
    static const char *const paths[] = {"/",      "/a",   "/a/",    "/a/b.c", "/.a/..b/...",
                                        "/a%2Fb", "/%25", "/a;b=c", "/*"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        ck_assert_str_eq(normal(paths[i]), paths[i]);
}
END_TEST

static const struct {
    const char *path, *normal;
} cases[] = {
    {"", "/"},
    {"*", "/"},
    {"a", "/a"},
    /* empty segments */
    {"//", "/"},
    {"//a//b//", "/a/b/"},
    /* dot segments */
    {"/.", "/"},
    {"/..", "/"},
    {"/./", "/"},
    {"/../", "/"},
    {"/a/.", "/a/"},
    {"/a/..", "/"},
    {"/a/b/..", "/a/"},
    {"/a/b/../", "/a/"},
    {"/a/b/../c", "/a/c"},
    {"/a/../../../b", "/b"},
    {"/a/./b/./c", "/a/b/c"},
    {"/a//../b", "/b"},
    /* escapes */
    {"/%61dmin", "/admin"},
    {"/%41%7e%2D%5f%30", "/A~-_0"},
    {"/%2e%2e/a", "/a"},
    {"/a/%2E%2e/b", "/b"},
    {"/a%2fb", "/a%2Fb"},
    {"/%c3%a9", "/%C3%A9"},
    {"/%252e%252e/a", "/%252e%252e/a"},
    {"/%", "/%"},
    {"/%4", "/%4"},
    {"/%zz%4", "/%zz%4"},
    {"/%%41", "/%A"},
};

START_TEST(each_spelling_meets_the_same_route)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_str_eq(normal(cases[i].path), cases[i].normal);
}
END_TEST

static bool has(const char *path, const char *part)
{
    return strstr(path, part) != NULL;
}

START_TEST(any_path_comes_out_without_empty_or_dot_segments_and_stays_so)
{
    static const char alphabet[] = "//..%2eEfa5";
    struct rnd rnd;

    rnd_seed(&rnd, 3);
    for (int round = 0; round < UNIT_TIMES(200000, 20000); round++) {
        char path[20], once[32];
        size_t len = rnd_below(&rnd, 18);

        path[0] = '/';
        for (size_t i = 1; i <= len; i++)
            path[i] = alphabet[rnd_below(&rnd, sizeof alphabet - 1)];
        path[len + 1] = '\0';
        memcpy(once, normal(path), strlen(normal(path)) + 1);
        ck_assert_msg(once[0] == '/' && !has(once, "//") && !has(once, "/./") && !has(once, "/../"),
                      "%s -> %s", path, once);
        /* An escape that was no escape may have become one: then, and only then, a second pass goes on. */
        if (!has(path, "%"))
            ck_assert_str_eq(normal(once), once);
    }
}
END_TEST

START_TEST(what_is_below_a_prefix_is_below_it_by_whole_segments)
{
    static const struct {
        const char *path, *prefix;
        bool below;
    } pairs[] = {
        {"/", "/", true},        {"/x", "/", true},          {"/api", "/api", true},
        {"/api/", "/api", true}, {"/api/x/y", "/api", true}, {"/apix", "/api", false},
        {"/ap", "/api", false},  {"/", "/api", false},       {"/x/api", "/api", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        ck_assert_msg(path_is_below(str_from(pairs[i].path), str_from(pairs[i].prefix)) == pairs[i].below,
                      "%s %s", pairs[i].path, pairs[i].prefix);
}
END_TEST

START_TEST(the_room_that_is_asked_for_is_enough)
{
    static const char *const paths[] = {"", "a", "a%2f", "%2f%2f", "..", "/%61"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        size_t len = strlen(paths[i]);
        char *out = malloc(len + 1); /* a sanitizer sees one byte more */

        ck_assert_uint_le(path_normalise(str_from(paths[i]), out).len, len + 1);
        free(out);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("path");
    TCase *tc = tcase_create("path");

    tcase_add_test(tc, what_is_normal_already_stays_as_it_is);
    tcase_add_test(tc, each_spelling_meets_the_same_route);
    tcase_add_test(tc, any_path_comes_out_without_empty_or_dot_segments_and_stays_so);
    tcase_add_test(tc, what_is_below_a_prefix_is_below_it_by_whole_segments);
    tcase_add_test(tc, the_room_that_is_asked_for_is_enough);
    suite_add_tcase(suite, tc);
    return suite;
}
