#include "route/index.h"

#include "base/mem.h"
#include "base/rnd.h"
#include "build.h"

#include <stdlib.h>

enum { ROUTES_MAX = 64 };

static struct config_route routes[ROUTES_MAX];
static struct config config;

/* Only what the index reads of a config; ends with a NULL prefix. */
static struct route_index *index_of(const char *const (*rows)[2])
{
    config = (struct config){.routes = routes};
    for (size_t i = 0; rows[i][1]; i++) {
        routes[i] = (struct config_route){.host = (char *)(uintptr_t)rows[i][0],
                                          .path_prefix = (char *)(uintptr_t)rows[i][1]};
        config.routes_len = i + 1;
    }
    return route_index_new(&config);
}

/* host, prefix; and what a look-up finds by the number of the row. */
static const char *const rows[][2] = {
    {NULL, "/"},                   /* 0 */
    {NULL, "/api"},                /* 1 */
    {NULL, "/api/v2"},             /* 2 */
    {"a.example", "/"},            /* 3 */
    {"a.example", "/api/v2/deep"}, /* 4 */
    {"*.example", "/"},            /* 5 */
    {"*.b.example", "/x"},         /* 6 */
    {"c.test", "/only"},           /* 7 */
    {"[::1]", "/"},                /* 8 */
    {NULL, NULL},
};

static const struct {
    const char *host, *path;
    int32_t route;
} cases[] = {
    /* the longest prefix, by whole segments */
    {"", "/", 0},
    {"x", "/", 0},
    {"x", "/ap", 0},
    {"x", "/api", 1},
    {"x", "/api/", 1},
    {"x", "/apis", 0},
    {"x", "/api/v", 1},
    {"x", "/api/v2", 2},
    {"x", "/api/v2/", 2},
    {"x", "/api/v2/deep/er", 2},
    {"x", "/api/v22", 1},
    /* the exact host before a wildcard before any, whatever the prefixes */
    {"a.example", "/", 3},
    {"a.example", "/api", 3},
    {"a.example", "/api/v2/deep", 4},
    {"a.example", "/api/v2/deep/x", 4},
    {"b.example", "/api", 5},
    {"x.a.example", "/api", 5},
    {"example", "/api", 1},
    {"x.b.example", "/x", 6},
    {"x.b.example", "/x/y", 6},
    {"x.b.example", "/y", 5},
    {"b.example", "/x", 5},
    /* a host whose routes do not match falls through */
    {"c.test", "/only/this", 7},
    {"c.test", "/other", 0},
    {"c.test", "/api", 1},
    {"[::1]", "/api", 8},
    {"[::2]", "/api", 1},
};

START_TEST(the_most_exact_host_wins_and_then_the_longest_prefix)
{
    struct route_index *index = index_of(rows);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int32_t got = route_index_find(index, str_from(cases[i].host), str_from(cases[i].path));

        ck_assert_msg(got == cases[i].route, "%s %s: %d, not %d", cases[i].host, cases[i].path, got,
                      cases[i].route);
    }
    route_index_free(index);
}
END_TEST

START_TEST(what_no_route_takes_is_not_found)
{
    static const char *const few[][2] = {{"a.example", "/api"}, {"*.b", "/"}, {NULL, NULL}};
    struct route_index *index = index_of(few);

    ck_assert_int_eq(route_index_find(index, STR("a.example"), STR("/api")), 0);
    ck_assert_int_eq(route_index_find(index, STR("a.example"), STR("/")), -1);
    ck_assert_int_eq(route_index_find(index, STR("b"), STR("/")), -1);
    ck_assert_int_eq(route_index_find(index, STR("a.b"), STR("/")), 1);
    ck_assert_int_eq(route_index_find(index, STR_NULL, STR("/api")), -1);
    ck_assert_int_eq(route_index_find(index, STR("."), STR("/api")), -1);
    ck_assert_int_eq(route_index_find(index, STR(""), STR("")), -1);
    route_index_free(index);
}
END_TEST

START_TEST(paths_and_hosts_of_any_depth_find_the_routes_above_them)
{
    struct route_index *index = index_of(rows);
    char path[8192], host[255];

    for (size_t i = 0; i < sizeof path; i++)
        path[i] = i % 2 ? 'a' : '/';
    memcpy(path, "/api/v2/", 8);
    for (size_t i = 0; i < sizeof host; i++)
        host[i] = i % 2 ? '.' : 'a';
    memcpy(host + sizeof host - 10, ".b.example", 10);
    ck_assert_int_eq(
        route_index_find(index, (struct str){host, sizeof host}, (struct str){path, sizeof path}), 5);
    ck_assert_int_eq(route_index_find(index, STR("x"), (struct str){path, sizeof path}), 2);
    route_index_free(index);
}
END_TEST

/* ---- against a reader of the rule ---- */

static bool host_matches(const char *pattern, struct str host, int *rank_r)
{
    struct str tail;

    *rank_r = 0;
    if (!pattern)
        return true;
    if (strncmp(pattern, "*.", 2) != 0) {
        *rank_r = 1000;
        return str_eq(str_from(pattern), host);
    }
    tail = str_from(pattern + 1);
    *rank_r = (int)tail.len;
    return host.len > tail.len && str_ends_with(host, tail);
}

static bool prefix_matches(struct str prefix, struct str path)
{
    if (str_eq(prefix, STR("/")))
        return true;
    return str_starts_with(path, prefix) && (path.len == prefix.len || path.p[prefix.len] == '/');
}

static int32_t find_by_rule(size_t len, struct str host, struct str path)
{
    int32_t found = -1;
    long best = -1;

    for (size_t i = 0; i < len; i++) {
        struct str prefix = str_from(routes[i].path_prefix);
        int rank;

        if (!host_matches(routes[i].host, host, &rank) || !prefix_matches(prefix, path))
            continue;
        if (rank * 1000L + (long)prefix.len > best) {
            best = rank * 1000L + (long)prefix.len;
            found = (int32_t)i;
        }
    }
    return found;
}

static void random_host(struct rnd *rnd, char *out, const char *front)
{
    size_t labels = 1 + rnd_below(rnd, 3);

    out[0] = '\0';
    strncat(out, front, 2);
    for (size_t i = 0; i < labels; i++) {
        size_t at = strlen(out);

        out[at] = rnd_below(rnd, 2) ? 'a' : 'b';
        out[at + 1] = i + 1 < labels ? '.' : '\0';
        out[at + 2] = '\0';
    }
}

static void random_path(struct rnd *rnd, char *out)
{
    size_t len = rnd_below(rnd, 4);

    memcpy(out, "/", 2);
    for (size_t i = 0; i < len; i++) {
        size_t at = strlen(out);

        if (i)
            out[at++] = '/';
        out[at] = rnd_below(rnd, 2) ? 'x' : 'y';
        out[at + 1] = '\0';
        if (rnd_below(rnd, 4) == 0) {
            out[at + 1] = 'x';
            out[at + 2] = '\0';
        }
    }
}

START_TEST(any_table_answers_as_the_rule_says)
{
    static char hosts[ROUTES_MAX][16], prefixes[ROUTES_MAX][16];
    struct rnd rnd;

    rnd_seed(&rnd, 11);
    for (int table = 0; table < 300; table++) {
        const char *made[ROUTES_MAX + 1][2] = {{NULL}};
        size_t len = 0;
        struct route_index *index;

        for (size_t i = 0; i < 40; i++) {
            bool twice = false;

            random_host(&rnd, hosts[len], rnd_below(&rnd, 2) ? "*." : "");
            random_path(&rnd, prefixes[len]);
            made[len][0] = rnd_below(&rnd, 5) ? hosts[len] : NULL;
            made[len][1] = prefixes[len];
            for (size_t k = 0; k < len; k++)
                twice |= strcmp(made[k][1], prefixes[len]) == 0 &&
                         (!made[k][0] || !made[len][0] ? made[k][0] == made[len][0]
                                                       : strcmp(made[k][0], made[len][0]) == 0);
            if (!twice)
                len++;
        }
        made[len][1] = NULL;
        index = index_of(made);
        for (int look = 0; look < 200; look++) {
            char host[16], path[16];

            random_host(&rnd, host, "");
            random_path(&rnd, path);
            ck_assert_int_eq(route_index_find(index, str_from(host), str_from(path)),
                             find_by_rule(len, str_from(host), str_from(path)));
        }
        route_index_free(index);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("index");
    TCase *tc = tcase_create("index");

    tcase_add_test(tc, the_most_exact_host_wins_and_then_the_longest_prefix);
    tcase_add_test(tc, what_no_route_takes_is_not_found);
    tcase_add_test(tc, paths_and_hosts_of_any_depth_find_the_routes_above_them);
    tcase_add_test(tc, any_table_answers_as_the_rule_says);
    suite_add_tcase(suite, tc);
    return suite;
}
