/*
 * CloudWatch: GetMetricData in the AWS JSON 1.0 protocol (CloudWatch API reference; the service's model names
 * the protocol and the target's prefix). The request is signed by libcurl, with Signature Version 4.
 */
#include "base/clk.h"
#include "base/mem.h"
#include "control/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET "GraniteServiceVersion20100801.GetMetricData"

/* An array as it is written, or one expression: metric math, SEARCH or Metrics Insights. */
static json_t *queries_of(const struct source_query *query, char why[static EXTERNAL_WHY_MAX])
{
    const char *text = query->text + strspn(query->text, " \t\r\n");
    char plain[101];
    json_error_t error;
    json_t *queries;

    if (*text != '[')
        return json_pack("[{s:s, s:s, s:I}]", "Id", "q", "Expression", text, "Period",
                         (json_int_t)((query->interval_ns + 60 * NS_PER_S - 1) / (60 * NS_PER_S) * 60));
    queries = json_loads(text, 0, &error);
    if (!queries) {
        source_plain(error.text, plain, sizeof plain);
        snprintf(why, EXTERNAL_WHY_MAX, "the query is no JSON array: %s", plain);
    }
    return queries;
}

bool source_compose_cloudwatch(const struct config_source *source, const struct source_query *query,
                               struct source_request *request, char why[static EXTERNAL_WHY_MAX])
{
    json_int_t now = query->wall_ns / NS_PER_S;
    json_t *queries = queries_of(query, why), *json;

    if (!queries) {
        if (!why[0])
            snprintf(why, EXTERNAL_WHY_MAX, "the query is no UTF-8");
        return false;
    }
    json = json_pack("{s:o, s:I, s:I, s:s}", "MetricDataQueries", queries, "StartTime",
                     now - source->lookback_ns / NS_PER_S, "EndTime", now, "ScanBy", "TimestampDescending");
    request->method = "POST";
    request->url = mem_printf("%s/", source->url);
    request->body = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    source_header(request, "Content-Type", "application/x-amz-json-1.0");
    source_header(request, "X-Amz-Target", TARGET);
    return true;
}

/* Then a value says nothing: some of the data may be missing, which is never good news. */
static bool is_no_good(const char *code)
{
    return strcmp(code, "InternalError") == 0 || strcmp(code, "Forbidden") == 0 ||
           strcmp(code, "PartialData") == 0;
}

/* The newest value; the service was asked for the newest first. */
static bool read_result(const json_t *result, double *value_r, char why[static EXTERNAL_WHY_MAX])
{
    const json_t *value = json_array_get(json_object_get(result, "Values"), 0);
    const char *code = json_string_value(json_object_get(result, "StatusCode"));

    if (code && is_no_good(code)) {
        snprintf(why, EXTERNAL_WHY_MAX, "the service says %s", code);
        return false;
    }
    if (json_is_number(value))
        return source_finite(json_number_value(value), value_r, why);
    snprintf(why, EXTERNAL_WHY_MAX, "the series has no point");
    return false;
}

bool source_read_cloudwatch(unsigned status, const json_t *json, double *value_r,
                            char why[static EXTERNAL_WHY_MAX])
{
    const json_t *results = json_object_get(json, "MetricDataResults");
    const char *message = json_string_value(json_object_get(json, "message"));
    const char *type = json_string_value(json_object_get(json, "__type"));

    if (!message)
        message = json_string_value(json_object_get(json, "Message"));
    if (status != 200)
        return source_refuse(status, message ? message : type, why);
    if (json_array_size(results) == 1)
        return read_result(json_array_get(results, 0), value_r, why);
    if (json_array_size(results) == 0)
        snprintf(why, EXTERNAL_WHY_MAX, "the answer is empty: no series");
    else
        snprintf(why, EXTERNAL_WHY_MAX,
                 "%zu series; the query has to give one: ReturnData: false of the others",
                 json_array_size(results));
    return false;
}
