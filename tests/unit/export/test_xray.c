#include "export/xray.h"

#include "../served.h"
#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "proxy/accesslog.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define TRIES "\"start\":1763704800123000000,\"sampled\":true,\"tries\":{"
#define TRY(span, status)                                                                                    \
    "\"" span "\":{\"target\":\"10.0.0.1:80\",\"start\":1763704800200000000,\"end\":1763704800300000000,"    \
    "\"status\":" status ",\"outcome\":\"served\"}"
#define ONE "1111111111111111"
#define TWO "2222222222222222"

static char long_text[9000];

static struct accesslog_record record(const char *spans)
{
    struct accesslog_record r = served();

    r.service = STR("shop \"front\"");
    r.duration_ns = 250000000;
    r.path = STR("/x\xff\"y");
    r.trace_id = STR(TRACE);
    r.span_id = STR("00f067aa0ba902b7");
    r.spans = str_from(spans);
    return r;
}

static char line[ACCESSLOG_LINE_MAX], datagram[XRAY_MAX];

/* The next document of the record's line; NULL: there is none. */
static json_t *next(const struct accesslog_record *from, size_t *at)
{
    static const char header[] = "{\"format\":\"json\",\"version\":1}\n";
    struct logread read;
    struct buf buf;
    json_t *json;

    buf_init(&buf, line, sizeof line);
    accesslog_format(&buf, from, 8192);
    ck_assert(!buf.full);
    ck_assert(logread_line(buf_str(&buf), &read));
    logread_parts(&read);
    buf_init(&buf, datagram, sizeof datagram);
    if (!xray_write(&read, at, &buf)) {
        ck_assert_uint_eq(buf.len, 0);
        return NULL;
    }
    ck_assert(!buf.full);
    ck_assert(str_starts_with(buf_str(&buf), STR(header)));
    json = json_loadb(buf.p + sizeof header - 1, buf.len - (sizeof header - 1), 0, NULL);
    ck_assert_ptr_nonnull(json);
    return json;
}

static const char *text(const json_t *json, const char *key)
{
    const char *value = json_string_value(json_object_get(json, key));

    return value ? value : "";
}

START_TEST(a_request_is_one_segment_with_its_tries)
{
    struct accesslog_record from =
        record("{\"parent\":\"" TWO "\"," TRIES TRY(ONE, "503") "," TRY(TWO, "200") "}}");
    size_t at = 0;
    json_t *json = next(&from, &at), *parts = json_object_get(json, "subsegments");

    ck_assert_str_eq(text(json, "name"), "shop __front__"); /* the escape is two characters */
    ck_assert_str_eq(text(json, "trace_id"), "1-4bf92f35-77b34da6a3ce929d0e0e4736");
    ck_assert_str_eq(text(json, "parent_id"), TWO);
    ck_assert_double_eq_tol(json_real_value(json_object_get(json, "start_time")), 1763704800.123, 1e-6);
    ck_assert_double_eq_tol(json_real_value(json_object_get(json, "end_time")), 1763704800.373, 1e-6);
    ck_assert_uint_eq(json_array_size(parts), 2);
    ck_assert(json_is_true(json_object_get(json_array_get(parts, 0), "fault")));
    ck_assert_ptr_null(json_object_get(json_array_get(parts, 1), "fault"));
    ck_assert_str_eq(text(json_array_get(parts, 1), "namespace"), "remote");
    json_decref(json);
    ck_assert_ptr_null(next(&from, &at));
}
END_TEST

START_TEST(a_part_is_one_subsegment_for_each_try)
{
    struct accesslog_record from = record("{" TRIES TRY(ONE, "0") "," TRY(TWO, "429") "}}");
    size_t at = 0;
    json_t *json;

    from.shield = STR("failed");
    json = next(&from, &at);
    ck_assert_str_eq(text(json, "type"), "subsegment");
    ck_assert_str_eq(text(json, "id"), ONE);
    ck_assert_str_eq(text(json, "parent_id"), "00f067aa0ba902b7");
    ck_assert(json_is_true(json_object_get(json, "fault")));
    json_decref(json);
    json = next(&from, &at);
    ck_assert_str_eq(text(json, "id"), TWO);
    ck_assert(json_is_true(json_object_get(json, "throttle")));
    json_decref(json);
    ck_assert_ptr_null(next(&from, &at));
    ck_assert_uint_eq(at, 2);
}
END_TEST

START_TEST(what_a_client_makes_long_is_cut_and_no_spans_are_no_segment)
{
    struct accesslog_record from = record("{" TRIES TRY(ONE, "200") "}}");
    size_t at = 0;
    json_t *json;

    memset(long_text, '\xff', sizeof long_text);
    from.path = (struct str){long_text, 500};
    from.service = (struct str){long_text, 300};
    json = next(&from, &at);
    ck_assert_uint_le(strlen(text(json, "name")), XRAY_NAME_MAX);
    json_decref(json);
    from.spans = STR_NULL;
    at = 0;
    ck_assert_ptr_null(next(&from, &at));
}
END_TEST

START_TEST(the_address_is_read_in_every_form_of_the_sdks)
{
    char address[XRAY_ADDRESS_MAX];

    ck_assert(xray_address(STR("10.0.0.1:2001"), address));
    ck_assert_str_eq(address, "10.0.0.1:2001");
    ck_assert(xray_address(STR("tcp:a:1 udp:b:2"), address));
    ck_assert_str_eq(address, "b:2");
    ck_assert(xray_address(STR("udp:[::1]:3 tcp:a:1"), address));
    ck_assert_str_eq(address, "[::1]:3");
    ck_assert(!xray_address(STR("tcp:a:1"), address));
    ck_assert(!xray_address(STR("a"), address));
    ck_assert(!xray_address(STR(""), address));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("xray");
    TCase *tcase = tcase_create("xray");

    tcase_add_test(tcase, a_request_is_one_segment_with_its_tries);
    tcase_add_test(tcase, a_part_is_one_subsegment_for_each_try);
    tcase_add_test(tcase, what_a_client_makes_long_is_cut_and_no_spans_are_no_segment);
    tcase_add_test(tcase, the_address_is_read_in_every_form_of_the_sdks);
    suite_add_tcase(suite, tcase);
    return suite;
}
