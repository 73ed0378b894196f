#include "net/websocket.h"

#include "../unit.h"

/* The example of RFC 6455 section 1.3. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

START_TEST(the_answer_to_the_key_is_accepted)
{
    ck_assert(websocket_accepts(STR(KEY), STR(ACCEPT)));
}
END_TEST

START_TEST(any_other_answer_is_not)
{
    static const struct {
        const char *key, *accept;
    } wrong[] = {
        {KEY, ""},
        {KEY, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"},
        {KEY, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=="},
        {KEY, "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
        {KEY, KEY},
        {"dGhlIHNhbXBsZSBub25jZA==", ACCEPT},
        {"", ACCEPT},
        {"dGhlIHNhbXBsZSBub25jZQ", ACCEPT},
    };

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        ck_assert_msg(!websocket_accepts(str_from(wrong[i].key), str_from(wrong[i].accept)), "%zu", i);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("websocket");
    TCase *tc = tcase_create("websocket");

    tcase_add_test(tc, the_answer_to_the_key_is_accepted);
    tcase_add_test(tc, any_other_answer_is_not);
    suite_add_tcase(suite, tc);
    return suite;
}
