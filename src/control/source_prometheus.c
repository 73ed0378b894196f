/* Prometheus: an instant query (https://prometheus.io/docs/prometheus/latest/querying/api/). */
#include "base/clk.h"
#include "base/mem.h"
#include "control/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void source_compose_prometheus(const struct config_source *source, const struct source_query *query,
                               struct source_request *request)
{
    struct text url;

    text_init(&url, SOURCE_TEXT_MAX);
    text_printf(&url, "%s/api/v1/query?timeout=%lldms&query=", source->url,
                (long long)(source->timeout_ns / NS_PER_MS));
    text_percent(&url, str_from(query->text));
    request->url = text_take(&url);
    if (query->token) {
        char *bearer = mem_printf("Bearer %s", query->token);

        source_header(request, "Authorization", bearer);
        free(bearer);
    }
}

/* [ time, "value" ] */
static bool read_sample(const json_t *sample, double *value_r, char why[static EXTERNAL_WHY_MAX])
{
    const char *text = json_string_value(json_array_get(sample, 1));

    if (text)
        return source_number(text, value_r, why);
    snprintf(why, EXTERNAL_WHY_MAX, "the answer has no number; a histogram is none");
    return false;
}

static bool read_vector(const json_t *result, double *value_r, char why[static EXTERNAL_WHY_MAX])
{
    size_t series = json_array_size(result);

    if (series == 1)
        return read_sample(json_object_get(json_array_get(result, 0), "value"), value_r, why);
    if (series == 0)
        snprintf(why, EXTERNAL_WHY_MAX, "the answer is empty: no series");
    else
        snprintf(why, EXTERNAL_WHY_MAX, "%zu series; the query has to give one, as with sum()", series);
    return false;
}

bool source_read_prometheus(unsigned status, const json_t *json, double *value_r,
                            char why[static EXTERNAL_WHY_MAX])
{
    const json_t *data = json_object_get(json, "data"), *result = json_object_get(data, "result");
    const char *ended = json_string_value(json_object_get(json, "status"));
    const char *type = json_string_value(json_object_get(data, "resultType"));

    if (status != 200 || !ended || strcmp(ended, "success") != 0)
        return source_refuse(status, json_string_value(json_object_get(json, "error")), why);
    if (type && !strcmp(type, "vector") && json_is_array(result))
        return read_vector(result, value_r, why);
    if (type && !strcmp(type, "scalar"))
        return read_sample(result, value_r, why);
    snprintf(why, EXTERNAL_WHY_MAX, "the answer is no vector and no scalar");
    return false;
}
