#include "proto/head.h"

#include "../unit.h"

#include <stdlib.h>

enum { FIELDS = 8 };

static void fill(struct head *head, struct field *fields)
{
    head_init(head, fields, FIELDS);
    ck_assert(head_add(head, STR("Cookie"), STR("a"), false));
    ck_assert(head_add(head, STR("X-Mine"), STR("b"), false));
    ck_assert(head_add(head, STR("cookie"), STR("c"), false));
    ck_assert(head_add(head, STR("x_mine"), STR("d"), true));
    ck_assert(head_add(head, STR("Connection"), STR("close ,X-Sum"), false));
    ck_assert(head_add(head, STR("COOKIE"), STR("e"), false));
}

START_TEST(fields_of_one_name_keep_their_order)
{
    struct field fields[FIELDS];
    const char *wanted = "ace";
    struct head head;
    size_t n = 0;

    fill(&head, fields);
    for (const struct field *f = head_find(&head, FIELD_COOKIE); f; f = head_next(&head, f))
        ck_assert_int_eq(f->value.p[0], wanted[n++]);
    ck_assert_uint_eq(n, 3);
    ck_assert_ptr_null(head_find(&head, FIELD_HOST));
    ck_assert_ptr_null(head_find(&head, FIELD_OTHER));
    ck_assert_ptr_null(head_value(&head, FIELD_HOST).p);
}
END_TEST

START_TEST(other_names_are_found_by_text)
{
    struct field fields[FIELDS];
    const struct field *field;
    struct head head;

    fill(&head, fields);
    field = head_find_name(&head, STR("x-mine"), 0);
    ck_assert_ptr_eq(field, &fields[1]);
    ck_assert_ptr_null(head_find_name(&head, STR("x-mine"), 2));
}
END_TEST

START_TEST(every_spelling_is_dropped)
{
    struct field fields[FIELDS];
    struct head head;

    fill(&head, fields);
    ck_assert(head.may_alias);
    ck_assert_uint_eq(head_drop_alike(&head, STR("X-MINE")), 2);
    ck_assert(fields[1].flags & FIELD_HOP);
    ck_assert(fields[3].flags & FIELD_HOP);
    ck_assert(!(fields[0].flags & FIELD_HOP));
}
END_TEST

START_TEST(connection_names_trailers)
{
    struct field fields[FIELDS];
    struct head head;

    fill(&head, fields);
    ck_assert(head_connection_names(&head, STR("x-sum")));
    ck_assert(!head_connection_names(&head, STR("x-su")));
}
END_TEST

START_TEST(a_full_head_takes_no_field)
{
    struct field fields[2];
    struct head head;

    head_init(&head, fields, 2);
    ck_assert(head_add(&head, STR("a"), STR(""), false));
    ck_assert(head_add(&head, STR("b"), STR(""), false));
    ck_assert(!head_add(&head, STR("c"), STR(""), false));
    ck_assert_uint_eq(head.len, 2);
}
END_TEST

START_TEST(methods_know_whether_they_may_be_repeated)
{
    ck_assert_int_eq(method_from(STR("GET")), METHOD_GET);
    ck_assert_int_eq(method_from(STR("get")), METHOD_OTHER);
    ck_assert_int_eq(method_from(STR("BREW")), METHOD_OTHER);
    ck_assert(method_is_safe(METHOD_GET) && method_is_idempotent(METHOD_GET));
    ck_assert(!method_is_safe(METHOD_PUT) && method_is_idempotent(METHOD_PUT));
    ck_assert(!method_is_idempotent(METHOD_POST));
    ck_assert(!method_is_safe(METHOD_OTHER) && !method_is_idempotent(METHOD_OTHER));
    ck_assert(str_eq(method_name(METHOD_DELETE), STR("DELETE")));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("head");
    TCase *tc = tcase_create("head");

    tcase_add_test(tc, fields_of_one_name_keep_their_order);
    tcase_add_test(tc, other_names_are_found_by_text);
    tcase_add_test(tc, every_spelling_is_dropped);
    tcase_add_test(tc, connection_names_trailers);
    tcase_add_test(tc, a_full_head_takes_no_field);
    tcase_add_test(tc, methods_know_whether_they_may_be_repeated);
    suite_add_tcase(suite, tc);
    return suite;
}
