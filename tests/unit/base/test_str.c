#include "base/str.h"

#include "../unit.h"

#include <stdlib.h>

START_TEST(json_escapes_what_is_not_utf8)
{
    char block[64];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    buf_json(&buf, STR("a\"\\\n\xc3\xa9\xff\x7f"));
    ck_assert(!buf.full);
    ck_assert(str_eq(buf_str(&buf), STR("a\\\"\\\\\\u000a\xc3\xa9\\u00ff\\u007f")));
}
END_TEST

START_TEST(a_full_buffer_takes_nothing_more)
{
    char block[4];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    buf_lit(&buf, "abc");
    buf_lit(&buf, "de");
    buf_lit(&buf, "f");
    ck_assert(buf.full);
    ck_assert(str_eq(buf_str(&buf), STR("abc")));
}
END_TEST

START_TEST(split_gives_every_piece)
{
    struct str rest = STR("a,,b"), piece;
    int n = 0;

    while (str_split(&rest, ',', &piece))
        n++;
    ck_assert_int_eq(n, 3);
    ck_assert(str_eq(piece, STR("b")));
}
END_TEST

START_TEST(distance_counts_edits)
{
    ck_assert_uint_eq(str_distance(STR("weight"), STR("wieght")), 1);
    ck_assert_uint_eq(str_distance(STR("minDwell"), STR("minDwel")), 1);
    ck_assert_uint_eq(str_distance(STR(""), STR("abc")), 3);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("str");
    TCase *tc = tcase_create("str");

    tcase_add_test(tc, json_escapes_what_is_not_utf8);
    tcase_add_test(tc, a_full_buffer_takes_nothing_more);
    tcase_add_test(tc, split_gives_every_piece);
    tcase_add_test(tc, distance_counts_edits);
    suite_add_tcase(suite, tc);
    return suite;
}
