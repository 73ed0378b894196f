#include "export/otlp.h"

#include "../served.h"
#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"
#include "proxy/accesslog.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define SERVER "00f067aa0ba902b7"
#define TRY(span, target, status, outcome)                                                                   \
    "\"" span "\":{\"target\":\"" target "\",\"start\":1763704800200000000,\"end\":1763704800300000000,"     \
    "\"status\":" status ",\"outcome\":\"" outcome "\"}"
#define ONE "1111111111111111"
#define TWO "2222222222222222"

static struct accesslog_record record(const char *spans)
{
    struct accesslog_record r = served();

    r.service = STR("shop \"front\"");
    r.env = STR("prd");
    r.version = STR("1.2");
    r.host = STR("h1");
    r.duration_ns = 250000000;
    r.authority = STR("a.example:8443");
    r.path = STR("/x\xff\"y");
    r.query = STR("?b=c");
    r.user_agent = STR("tab\there");
    r.request_id = STR("id-1");
    r.secure = true;
    r.trace_id = STR(TRACE);
    r.span_id = STR(SERVER);
    r.attempts = 2;
    r.spans = str_from(spans);
    return r;
}

/* The line of a record, and what is read of it. */
struct line {
    char bytes[ACCESSLOG_LINE_MAX];
    struct logread read;
};

static void write_line(const struct accesslog_record *from, struct line *line)
{
    struct buf buf;

    buf_init(&buf, line->bytes, sizeof line->bytes);
    accesslog_format(&buf, from, ACCESSLOG_LINE_MAX);
    ck_assert(!buf.full);
    ck_assert(logread_line(buf_str(&buf), &line->read));
    logread_parts(&line->read);
}

/* The spans as a list; the caller's. */
static json_t *spans_of(const struct accesslog_record *from)
{
    static char block[OTLP_SPANS_MAX + 2];
    struct line *line = mem_alloc(sizeof *line);
    struct buf out;
    json_t *spans;

    write_line(from, line);
    buf_init(&out, block + 1, OTLP_SPANS_MAX);
    otlp_spans(&line->read, &out);
    ck_assert(!out.full);
    block[0] = '[';
    block[1 + out.len] = ']';
    spans = json_loadb(block, out.len + 2, 0, NULL);
    ck_assert_msg(spans, "%.*s", (int)out.len, block);
    free(line);
    return spans;
}

static const char *member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return value ? json_string_value(value) : "";
}

/* An attribute as text, "" when it is not there. */
static const char *attribute(const json_t *span, const char *key)
{
    static char number[32];
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(span, "attributes"), i, one)
    {
        const json_t *value = json_object_get(one, "value");

        if (strcmp(member(one, "key"), key) != 0)
            continue;
        if (json_object_get(value, "doubleValue")) {
            snprintf(number, sizeof number, "%.2f", json_number_value(json_object_get(value, "doubleValue")));
            return number;
        }
        return json_object_get(value, "intValue") ? member(value, "intValue") : member(value, "stringValue");
    }
    return "";
}

static int64_t code(const json_t *span)
{
    return json_integer_value(json_object_get(json_object_get(span, "status"), "code"));
}

START_TEST(a_line_becomes_a_server_span_and_one_for_each_try)
{
    struct accesslog_record from = record(
        "{\"start\":1763704800123456789,\"parent\":\"ffffffffffffffff\",\"sampled\":true,\"tries\":{" TRY(
            ONE, "10.0.0.1:80", "0", "connect_refused") "," TRY(TWO, "[::1]:81", "200", "served") "}}");
    json_t *spans = spans_of(&from);
    const json_t *server = json_array_get(spans, 0), *first = json_array_get(spans, 1),
                 *second = json_array_get(spans, 2);

    ck_assert_uint_eq(json_array_size(spans), 3);
    ck_assert_str_eq(member(server, "traceId"), TRACE);
    ck_assert_str_eq(member(server, "spanId"), SERVER);
    ck_assert_str_eq(member(server, "parentSpanId"), "ffffffffffffffff");
    ck_assert_str_eq(member(server, "name"), "GET web");
    ck_assert_int_eq(json_integer_value(json_object_get(server, "kind")), 2);
    ck_assert_str_eq(member(server, "startTimeUnixNano"), "1763704800123456789");
    ck_assert_str_eq(member(server, "endTimeUnixNano"), "1763704800373456789");
    ck_assert_str_eq(attribute(server, "url.path"), "/x\xc3\xbf\"y");
    ck_assert_str_eq(attribute(server, "url.query"), "b=c");
    ck_assert_str_eq(attribute(server, "url.scheme"), "https");
    ck_assert_str_eq(attribute(server, "server.address"), "a.example");
    ck_assert_str_eq(attribute(server, "server.port"), "8443");
    ck_assert_str_eq(attribute(server, "http.response.status_code"), "200");
    ck_assert_str_eq(attribute(server, "user_agent.original"), "tab\there");
    ck_assert_str_eq(attribute(server, "platform"), "fargate");
    ck_assert_str_eq(attribute(server, "penstock.weight"), "12.50");
    ck_assert_str_eq(attribute(server, "error.type"), "");
    ck_assert_int_eq(code(server), 0);
    ck_assert_str_eq(member(first, "spanId"), ONE);
    ck_assert_str_eq(member(first, "parentSpanId"), SERVER);
    ck_assert_int_eq(json_integer_value(json_object_get(first, "kind")), 3);
    ck_assert_str_eq(attribute(first, "server.address"), "10.0.0.1");
    ck_assert_str_eq(attribute(first, "error.type"), "connect_refused");
    ck_assert_str_eq(attribute(first, "http.request.resend_count"), "");
    ck_assert_int_eq(code(first), 2);
    ck_assert_str_eq(attribute(second, "server.address"), "::1");
    ck_assert_str_eq(attribute(second, "server.port"), "81");
    ck_assert_str_eq(attribute(second, "http.request.resend_count"), "1");
    ck_assert_str_eq(member(second, "endTimeUnixNano"), "1763704800300000000");
    ck_assert_int_eq(code(second), 0);
    json_decref(spans);
}
END_TEST

START_TEST(an_error_of_the_server_is_one_and_one_of_the_client_is_not)
{
    struct accesslog_record from =
        record("{\"start\":5,\"sampled\":true,\"tries\":{" TRY(ONE, "a:1", "404", "served") "}}");
    json_t *spans;

    from.severity = STR("warn");
    from.status = 404;
    spans = spans_of(&from);
    ck_assert_int_eq(code(json_array_get(spans, 0)), 0);
    ck_assert_int_eq(code(json_array_get(spans, 1)), 2);
    ck_assert_str_eq(attribute(json_array_get(spans, 1), "error.type"), "404");
    json_decref(spans);
    from.severity = STR("error");
    from.status = 0;
    from.outcome = STR("target_cut");
    spans = spans_of(&from);
    ck_assert_int_eq(code(json_array_get(spans, 0)), 2);
    ck_assert_str_eq(attribute(json_array_get(spans, 0), "error.type"), "target_cut");
    ck_assert_ptr_null(json_object_get(json_array_get(spans, 0), "parentSpanId"));
    json_decref(spans);
}
END_TEST

START_TEST(a_part_that_the_client_has_not_seen_has_client_spans_only)
{
    struct accesslog_record from =
        record("{\"start\":5,\"sampled\":true,\"tries\":{" TRY(ONE, "a:1", "500", "served") "}}");
    json_t *spans;

    from.shield = STR("failed");
    spans = spans_of(&from);
    ck_assert_uint_eq(json_array_size(spans), 1);
    ck_assert_str_eq(member(json_array_get(spans, 0), "parentSpanId"), SERVER);
    json_decref(spans);
    from.shield = STR_NULL;
    from.assignment = STR("mirror");
    spans = spans_of(&from);
    ck_assert_uint_eq(json_array_size(spans), 1);
    json_decref(spans);
}
END_TEST

START_TEST(a_method_that_nobody_knows_gives_no_name)
{
    struct accesslog_record from = record("{\"start\":5,\"sampled\":true,\"tries\":{}}");
    json_t *spans;

    from.method = STR("BREW");
    from.route = STR_NULL;
    spans = spans_of(&from);
    ck_assert_uint_eq(json_array_size(spans), 1);
    ck_assert_str_eq(member(json_array_get(spans, 0), "name"), "HTTP");
    ck_assert_str_eq(attribute(json_array_get(spans, 0), "http.request.method"), "_OTHER");
    ck_assert_str_eq(attribute(json_array_get(spans, 0), "http.request.method_original"), "BREW");
    json_decref(spans);
}
END_TEST

START_TEST(long_texts_are_cut_between_characters)
{
    for (size_t shift = 0; shift < 6; shift++) {
        struct accesslog_record from = record("{\"start\":5,\"sampled\":true,\"tries\":{}}");
        size_t len = 2000;
        char *path = mem_alloc(len);
        json_t *spans;

        memset(path, '/', 1 + shift);
        for (size_t i = 1 + shift; i < len; i++)
            path[i] = "\"\xc3\xa4\x01\xff"[(i - 1 - shift) % 5];
        from.path = (struct str){path, len - (len - 1 - shift) % 5};
        spans = spans_of(&from);
        ck_assert_uint_lt(strlen(attribute(json_array_get(spans, 0), "url.path")), OTLP_TEXT_MAX);
        ck_assert_uint_gt(strlen(attribute(json_array_get(spans, 0), "url.path")), OTLP_TEXT_MAX / 6);
        json_decref(spans);
        free(path);
    }
}
END_TEST

START_TEST(a_resource_says_whose_spans_they_are)
{
    struct accesslog_record from = record(NULL);
    struct line *line = mem_alloc(sizeof *line);
    char block[OTLP_RESOURCE_MAX];
    struct buf out;
    json_t *resource;

    write_line(&from, line);
    buf_init(&out, block, sizeof block);
    otlp_resource(&line->read, &out);
    resource = json_loadb(out.p, out.len, 0, NULL);
    ck_assert_ptr_nonnull(resource);
    ck_assert_str_eq(attribute(resource, "service.name"), "shop \"front\"");
    ck_assert_str_eq(attribute(resource, "service.version"), "1.2");
    ck_assert_str_eq(attribute(resource, "deployment.environment.name"), "prd");
    json_decref(resource);
    free(line);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("export/otlp");
    TCase *tc = tcase_create("otlp");

    tcase_add_test(tc, a_line_becomes_a_server_span_and_one_for_each_try);
    tcase_add_test(tc, an_error_of_the_server_is_one_and_one_of_the_client_is_not);
    tcase_add_test(tc, a_part_that_the_client_has_not_seen_has_client_spans_only);
    tcase_add_test(tc, a_method_that_nobody_knows_gives_no_name);
    tcase_add_test(tc, long_texts_are_cut_between_characters);
    tcase_add_test(tc, a_resource_says_whose_spans_they_are);
    suite_add_tcase(suite, tc);
    return suite;
}
