/* Datadog: the points of the last minutes (https://docs.datadoghq.com/api/latest/metrics/, query timeseries).
 */
#include "base/clk.h"
#include "control/source.h"

#include <stdio.h>
#include <string.h>

void source_compose_datadog(const struct config_source *source, const struct source_query *query,
                            struct source_request *request)
{
    long long to = (long long)(query->wall_ns / NS_PER_S);
    struct text url;

    text_init(&url, SOURCE_TEXT_MAX);
    text_printf(&url, "%s/api/v1/query?from=%lld&to=%lld&query=", source->url,
                to - (long long)(source->lookback_ns / NS_PER_S), to);
    text_percent(&url, str_from(query->text));
    request->url = text_take(&url);
    source_header(request, "DD-API-KEY", source->api_key);
    source_header(request, "DD-APPLICATION-KEY", source->application_key);
}

/* [ [ time, value or null ], ... ], oldest first. */
static bool read_points(const json_t *points, double *value_r, char why[static EXTERNAL_WHY_MAX])
{
    for (size_t i = json_array_size(points); i-- > 0;) {
        const json_t *value = json_array_get(json_array_get(points, i), 1);

        if (json_is_number(value))
            return source_finite(json_number_value(value), value_r, why);
        if (!json_is_null(value))
            break;
    }
    snprintf(why, EXTERNAL_WHY_MAX, "the series has no point with a number");
    return false;
}

bool source_read_datadog(unsigned status, const json_t *json, double *value_r,
                         char why[static EXTERNAL_WHY_MAX])
{
    const json_t *series = json_object_get(json, "series");
    const char *error = json_string_value(json_object_get(json, "error"));
    const char *ended = json_string_value(json_object_get(json, "status"));

    if (!error || !error[0])
        error = json_string_value(json_array_get(json_object_get(json, "errors"), 0));
    if (status != 200 || !ended || strcmp(ended, "ok") != 0)
        return source_refuse(status, error, why);
    if (json_array_size(series) == 1)
        return read_points(json_object_get(json_array_get(series, 0), "pointlist"), value_r, why);
    if (json_array_size(series) == 0)
        snprintf(why, EXTERNAL_WHY_MAX, "the answer is empty: no series");
    else
        snprintf(why, EXTERNAL_WHY_MAX,
                 "%zu series; the query has to give one, as with sum:", json_array_size(series));
    return false;
}
