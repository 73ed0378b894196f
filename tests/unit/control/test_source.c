#include "control/source.h"

#include "../unit.h"
#include "base/clk.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "0.5", or why there is none. */
static void read_it(enum config_source_kind kind, unsigned status, struct str content, char *out, size_t len)
{
    struct config_source source = {.kind = kind};
    char why[EXTERNAL_WHY_MAX];
    double value;

    if (source_read(&source, status, content, &value, why)) {
        ck_assert_str_eq(why, "");
        snprintf(out, len, "%.15g", value);
    } else {
        ck_assert_msg(why[0], "no reason: %.*s", STR_ARG(content));
        snprintf(out, len, "%s", why);
    }
}

struct answer {
    unsigned status;
    const char *content, *means;
};

static void check_answers(enum config_source_kind kind, const struct answer *answers, size_t len)
{
    char out[EXTERNAL_WHY_MAX];

    for (size_t i = 0; i < len; i++) {
        read_it(kind, answers[i].status, str_from(answers[i].content), out, sizeof out);
        ck_assert_msg(!strcmp(out, answers[i].means), "%s: \"%s\", not \"%s\"", answers[i].content, out,
                      answers[i].means);
    }
}

/* Cut anywhere it is no number, and it is read nowhere behind its end. */
static void check_cuts(enum config_source_kind kind, const char *content)
{
    size_t len = strlen(content);
    char out[EXTERNAL_WHY_MAX];

    for (size_t n = 0; n < len; n++) {
        char *cut = mem_alloc(n + 1);

        memcpy(cut, content, n);
        read_it(kind, 200, (struct str){cut, n}, out, sizeof out);
        ck_assert_str_eq(out, "the answer is no JSON object");
        free(cut);
    }
}

/* ---- Prometheus ---- */

#define PROM(type, result)                                                                                   \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"" type "\",\"result\":" result "}}"
#define PROM_ONE(value) PROM("vector", "[{\"metric\":{},\"value\":[1.5,\"" value "\"]}]")

static const struct answer prometheus[] = {
    {200, PROM_ONE("0.5"), "0.5"},
    {200, PROM_ONE("-1e3"), "-1000"},
    {200, PROM("scalar", "[1.5,\"7\"]"), "7"},
    {200, PROM("vector", "[]"), "the answer is empty: no series"},
    {200, PROM("vector", "[{\"value\":[1,\"1\"]},{\"value\":[1,\"1\"]}]"),
     "2 series; the query has to give one, as with sum()"},
    {200, PROM_ONE("NaN"), "the value is NaN"},
    {200, PROM_ONE("+Inf"), "the value is +Inf"},
    {200, PROM_ONE("-Inf"), "the value is -Inf"},
    {200, PROM_ONE("1e999"), "the value is +Inf"},
    {200, PROM_ONE(""), "the value is no number"},
    {200, PROM_ONE("0x10"), "the value is no number"},
    {200, PROM_ONE("1 "), "the value is no number"},
    {200, PROM_ONE("infinity"), "the value is no number"},
    {200, PROM_ONE("1,5"), "the value is no number"},
    {200, PROM("vector", "[{\"histogram\":[1,{}]}]"), "the answer has no number; a histogram is none"},
    {200, PROM("vector", "[{\"value\":[1,5]}]"), "the answer has no number; a histogram is none"},
    {200, PROM("vector", "[{\"value\":{}}]"), "the answer has no number; a histogram is none"},
    {200, PROM("vector", "[7]"), "the answer has no number; a histogram is none"},
    {200, PROM("vector", "{}"), "the answer is no vector and no scalar"},
    {200, PROM("matrix", "[]"), "the answer is no vector and no scalar"},
    {200, PROM("string", "[1,\"x\"]"), "the answer is no vector and no scalar"},
    {200, "{\"status\":\"success\"}", "the answer is no vector and no scalar"},
    {200, "{\"status\":\"error\",\"error\":\"no \\u0007\\u00e9\"}", "status 200: no    "},
    {200, "{}", "status 200"},
    {200, "{\"status\":7}", "status 200"},
    {422, "{\"status\":\"error\",\"error\":\"expanding series\"}", "status 422: expanding series"},
    {503, "busy", "status 503"},
    {503, PROM_ONE("0.5"), "status 503"},
    {200, "", "the answer is no JSON object"},
    {200, "[]", "the answer is no JSON object"},
    {200, "null", "the answer is no JSON object"},
    {200, "{\"status\":\"success\"}x", "the answer is no JSON object"},
};

START_TEST(answers_of_prometheus_are_one_number_or_say_why_not)
{
    check_answers(CONFIG_SOURCE_PROMETHEUS, prometheus, ARRAY_LEN(prometheus));
    check_cuts(CONFIG_SOURCE_PROMETHEUS, PROM_ONE("0.5"));
}
END_TEST

START_TEST(a_query_of_prometheus_is_encoded)
{
    struct config_source source = {.kind = CONFIG_SOURCE_PROMETHEUS,
                                   .url = (char *)(uintptr_t) "http://h/p",
                                   .timeout_ns = 2500 * NS_PER_MS};
    const struct source_query query = {
        .text = "a{b=\"c\"} > 1 & \xc3\xa9\n~", .token = "abc", .interval_ns = NS_PER_S};
    struct source_request request;
    char why[EXTERNAL_WHY_MAX];

    ck_assert(source_compose(&source, &query, &request, why));
    ck_assert_str_eq(request.method, "GET");
    ck_assert_str_eq(request.url, "http://h/p/api/v1/query?timeout=2500ms&query="
                                  "a%7Bb%3D%22c%22%7D%20%3E%201%20%26%20%C3%A9%0A~");
    ck_assert_ptr_null(request.body);
    ck_assert_str_eq(request.headers[0], "Authorization: Bearer abc");
    ck_assert_ptr_null(request.headers[1]);
    source_request_fini(&request);
}
END_TEST

/* ---- CloudWatch ---- */

#define CW(results) "{\"MetricDataResults\":[" results "],\"Messages\":[]}"
#define CW_ONE(value)                                                                                        \
    CW("{\"Id\":\"q\",\"StatusCode\":\"Complete\",\"Timestamps\":[1.7e9],\"Values\":[" value "]}")

static const struct answer cloudwatch[] = {
    {200, CW_ONE("0.5"), "0.5"},
    {200, CW_ONE("7,8"), "7"},
    {200, CW_ONE("-3"), "-3"},
    {200, CW_ONE(""), "the series has no point"},
    {200, CW_ONE("null"), "the series has no point"},
    {200, CW_ONE("\"7\""), "the series has no point"},
    {200, CW_ONE("1e999"), "the answer is no JSON object"},
    {200, CW("{\"StatusCode\":\"InternalError\",\"Values\":[1]}"), "the service says InternalError"},
    {200, CW("{\"StatusCode\":\"PartialData\",\"Values\":[1]}"), "the service says PartialData"},
    {200, CW(""), "the answer is empty: no series"},
    {200, CW("{},{}"), "2 series; the query has to give one: ReturnData: false of the others"},
    {200, CW("7"), "the series has no point"},
    {200, "{}", "the answer is empty: no series"},
    {400, "{\"__type\":\"ValidationError\",\"message\":\"no such stat\"}", "status 400: no such stat"},
    {403, "{\"__type\":\"AccessDenied\",\"Message\":\"not you\"}", "status 403: not you"},
    {403, "{\"__type\":\"AccessDenied\"}", "status 403: AccessDenied"},
    {500, "<x/>", "status 500"},
};

START_TEST(answers_of_cloudwatch_are_the_newest_number_or_say_why_not)
{
    check_answers(CONFIG_SOURCE_CLOUDWATCH, cloudwatch, ARRAY_LEN(cloudwatch));
    check_cuts(CONFIG_SOURCE_CLOUDWATCH, CW_ONE("0.5"));
}
END_TEST

static char *cloudwatch_body(const char *text, char why[static EXTERNAL_WHY_MAX])
{
    struct config_source source = {.kind = CONFIG_SOURCE_CLOUDWATCH,
                                   .url = (char *)(uintptr_t) "http://h",
                                   .lookback_ns = 300 * NS_PER_S};
    const struct source_query query = {
        .text = text, .interval_ns = 61 * NS_PER_S, .wall_ns = INT64_C(1700000000) * NS_PER_S};
    struct source_request request;
    char *body;

    if (!source_compose(&source, &query, &request, why))
        return NULL;
    ck_assert_str_eq(request.method, "POST");
    ck_assert_str_eq(request.url, "http://h/");
    ck_assert_str_eq(request.headers[0], "Content-Type: application/x-amz-json-1.0");
    ck_assert_str_eq(request.headers[1], "X-Amz-Target: GraniteServiceVersion20100801.GetMetricData");
    body = request.body;
    request.body = NULL;
    source_request_fini(&request);
    return body;
}

START_TEST(a_query_of_cloudwatch_is_an_expression_or_an_array)
{
    char why[EXTERNAL_WHY_MAX], *body = cloudwatch_body("SELECT AVG(x)", why);

    ck_assert_str_eq(
        body, "{\"MetricDataQueries\":[{\"Id\":\"q\",\"Expression\":\"SELECT AVG(x)\",\"Period\":120}],"
              "\"StartTime\":1699999700,\"EndTime\":1700000000,\"ScanBy\":\"TimestampDescending\"}");
    free(body);
    body = cloudwatch_body(" [{\"Id\":\"m\"}]", why);
    ck_assert_ptr_nonnull(strstr(body, "{\"MetricDataQueries\":[{\"Id\":\"m\"}],"));
    free(body);
    ck_assert_ptr_null(cloudwatch_body("[{", why));
    ck_assert_ptr_nonnull(strstr(why, "the query is no JSON array: "));
    ck_assert_ptr_null(cloudwatch_body("\xff", why));
    ck_assert_str_eq(why, "the query is no UTF-8");
}
END_TEST

/* Jansson names what it has found there, which is the plan's and may be cut within a character. */
START_TEST(why_a_query_of_cloudwatch_is_no_array_is_said_in_plain_text)
{
    static const char *const queries[] = {"[\001", "[\"a\n\"]", "[\xc3\xa9\xc3\xa9",
                                          "[{\"Id\"\t\xe6\x97\xa5"};
    char why[EXTERNAL_WHY_MAX];

    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        ck_assert_ptr_null(cloudwatch_body(queries[i], why));
        for (const char *c = why; *c; c++)
            ck_assert_msg(*c >= ' ' && *c <= '~', "query %zu: byte %#x", i, (unsigned)(unsigned char)*c);
    }
}
END_TEST

/* ---- Datadog ---- */

#define DD(series)   "{\"status\":\"ok\",\"series\":[" series "]}"
#define DD_ONE(list) DD("{\"pointlist\":[" list "]}")

static const struct answer datadog[] = {
    {200, DD_ONE("[1,0.25],[2,0.5]"), "0.5"},
    {200, DD_ONE("[1,0.25],[2,null]"), "0.25"},
    {200, DD_ONE("[1,null]"), "the series has no point with a number"},
    {200, DD_ONE("[1,0.25],[2,\"x\"]"), "the series has no point with a number"},
    {200, DD_ONE("7"), "the series has no point with a number"},
    {200, DD_ONE(""), "the series has no point with a number"},
    {200, DD("{}"), "the series has no point with a number"},
    {200, DD(""), "the answer is empty: no series"},
    {200, DD("{},{}"), "2 series; the query has to give one, as with sum:"},
    {200, "{\"status\":\"error\",\"error\":\"bad query\"}", "status 200: bad query"},
    {403, "{\"errors\":[\"Forbidden\"]}", "status 403: Forbidden"},
    {429, "", "status 429"},
};

START_TEST(answers_of_datadog_are_the_last_number_or_say_why_not)
{
    check_answers(CONFIG_SOURCE_DATADOG, datadog, ARRAY_LEN(datadog));
    check_cuts(CONFIG_SOURCE_DATADOG, DD_ONE("[1,0.25]"));
}
END_TEST

START_TEST(a_query_of_datadog_has_its_time_and_both_keys)
{
    struct config_source source = {.kind = CONFIG_SOURCE_DATADOG,
                                   .url = (char *)(uintptr_t) "http://h",
                                   .api_key = (char *)(uintptr_t) "a",
                                   .application_key = (char *)(uintptr_t) "b",
                                   .lookback_ns = 300 * NS_PER_S};
    const struct source_query query = {
        .text = "sum:x{env:prd}", .interval_ns = NS_PER_S, .wall_ns = INT64_C(1700000000) * NS_PER_S};
    struct source_request request;
    char why[EXTERNAL_WHY_MAX];

    ck_assert(source_compose(&source, &query, &request, why));
    ck_assert_str_eq(request.url,
                     "http://h/api/v1/query?from=1699999700&to=1700000000&query=sum%3Ax%7Benv%3Aprd%7D");
    ck_assert_str_eq(request.headers[0], "DD-API-KEY: a");
    ck_assert_str_eq(request.headers[1], "DD-APPLICATION-KEY: b");
    source_request_fini(&request);
}
END_TEST

/* ---- whatever comes ---- */

/* Deep and wide things, and JSON of the right shape with the wrong kinds. */
START_TEST(hostile_answers_are_no_number)
{
    enum { DEEP = 100000 };
    char *deep = mem_alloc(DEEP), out[EXTERNAL_WHY_MAX];
    struct str content = {deep, DEEP};

    memset(deep, '[', DEEP);
    read_it(CONFIG_SOURCE_PROMETHEUS, 200, content, out, sizeof out);
    ck_assert_str_eq(out, "the answer is no JSON object");
    memset(deep, 0, DEEP);
    read_it(CONFIG_SOURCE_PROMETHEUS, 200, content, out, sizeof out);
    ck_assert_str_eq(out, "the answer is no JSON object");
    read_it(CONFIG_SOURCE_PROMETHEUS, 200, STR_NULL, out, sizeof out);
    ck_assert_str_eq(out, "the answer is no JSON object");
    free(deep);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("source");
    TCase *tcase = tcase_create("source");

    tcase_add_test(tcase, answers_of_prometheus_are_one_number_or_say_why_not);
    tcase_add_test(tcase, a_query_of_prometheus_is_encoded);
    tcase_add_test(tcase, answers_of_cloudwatch_are_the_newest_number_or_say_why_not);
    tcase_add_test(tcase, a_query_of_cloudwatch_is_an_expression_or_an_array);
    tcase_add_test(tcase, why_a_query_of_cloudwatch_is_no_array_is_said_in_plain_text);
    tcase_add_test(tcase, answers_of_datadog_are_the_last_number_or_say_why_not);
    tcase_add_test(tcase, a_query_of_datadog_has_its_time_and_both_keys);
    tcase_add_test(tcase, hostile_answers_are_no_number);
    suite_add_tcase(suite, tcase);
    return suite;
}
