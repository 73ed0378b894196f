#include "proto/grpc.h"

#include "../unit.h"

#include "base/clk.h"

START_TEST(requests_of_grpc_are_told_by_their_content_type)
{
    ck_assert(grpc_is_type(STR("application/grpc")));
    ck_assert(grpc_is_type(STR("application/grpc+proto")));
    ck_assert(grpc_is_type(STR("Application/GRPC;x=y")));
    ck_assert(!grpc_is_type(STR("application/grpc-web")));
    ck_assert(!grpc_is_type(STR("application/json")));
    ck_assert(!grpc_is_type(STR_NULL));
}
END_TEST

static const struct {
    const char *text;
    int64_t ns;
} timeouts[] = {
    {"1S", NS_PER_S},
    {"250m", 250 * NS_PER_MS},
    {"99999999H", GRPC_TIMEOUT_MAX_NS},
    {"5u", 5000},
    {"7n", 7},
    {"2M", 120 * NS_PER_S},
    {"123456789S", 0},
    {"S", 0},
    {"", 0},
    {"1", 0},
    {"1s", 0},
    {"-1S", 0},
    {"0S", 1},
    {" 1S", 0},
    {"1SS", 0},
};

START_TEST(a_timeout_is_read)
{
    ck_assert_int_eq(grpc_timeout_ns(str_from(timeouts[_i].text)), timeouts[_i].ns);
}
END_TEST

START_TEST(a_status_is_read)
{
    ck_assert_int_eq((int)grpc_status_from(STR("0")), (int)GRPC_OK);
    ck_assert_int_eq((int)grpc_status_from(STR("14")), (int)GRPC_UNAVAILABLE);
    ck_assert_int_eq((int)grpc_status_from(STR("17")), (int)GRPC_UNKNOWN);
    ck_assert_int_eq((int)grpc_status_from(STR("x")), (int)GRPC_UNKNOWN);
    ck_assert_str_eq(grpc_status_name(GRPC_DATA_LOSS), "DATA_LOSS");
}
END_TEST

START_TEST(statuses_of_http_have_one_of_grpc)
{
    ck_assert_int_eq((int)grpc_status_of_http(400), (int)GRPC_INTERNAL);
    ck_assert_int_eq((int)grpc_status_of_http(404), (int)GRPC_UNIMPLEMENTED);
    ck_assert_int_eq((int)grpc_status_of_http(503), (int)GRPC_UNAVAILABLE);
    ck_assert_int_eq((int)grpc_status_of_http(500), (int)GRPC_UNKNOWN);
}
END_TEST

START_TEST(a_message_has_visible_characters_only)
{
    char block[64];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    grpc_write_message(&buf, STR("a b%c\r\n\xc3"));
    ck_assert(str_eq(buf_str(&buf), STR("a b%25c%0D%0A%C3")));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("proto/grpc");
    TCase *tc = tcase_create("grpc");

    tcase_add_test(tc, requests_of_grpc_are_told_by_their_content_type);
    tcase_add_loop_test(tc, a_timeout_is_read, 0, ARRAY_LEN(timeouts));
    tcase_add_test(tc, a_status_is_read);
    tcase_add_test(tc, statuses_of_http_have_one_of_grpc);
    tcase_add_test(tc, a_message_has_visible_characters_only);
    suite_add_tcase(suite, tc);
    return suite;
}
