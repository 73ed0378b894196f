#include "control/source.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- requests ---- */

void source_header(struct source_request *request, const char *name, const char *value)
{
    size_t n = 0;

    while (request->headers[n])
        n++;
    BUG_ON(n >= SOURCE_HEADERS_MAX);
    request->headers[n] = mem_printf("%s: %s", name, value);
}

void source_request_fini(struct source_request *request)
{
    free(request->url);
    free(request->body);
    for (size_t i = 0; i < SOURCE_HEADERS_MAX; i++)
        free(request->headers[i]);
    *request = (struct source_request){0};
}

bool source_compose(const struct config_source *source, const struct source_query *query,
                    struct source_request *request_r, char why[static EXTERNAL_WHY_MAX])
{
    *request_r = (struct source_request){.method = "GET"};
    why[0] = '\0';
    switch (source->kind) {
    case CONFIG_SOURCE_PROMETHEUS:
        source_compose_prometheus(source, query, request_r);
        return true;
    case CONFIG_SOURCE_CLOUDWATCH:
        return source_compose_cloudwatch(source, query, request_r, why);
    case CONFIG_SOURCE_DATADOG:
        source_compose_datadog(source, query, request_r);
        return true;
    }
    BUG("source of kind %d", (int)source->kind);
}

/* ---- answers ---- */

static bool refuse_value(const char *what, char why[static EXTERNAL_WHY_MAX])
{
    snprintf(why, EXTERNAL_WHY_MAX, "the value is %s", what);
    return false;
}

bool source_finite(double value, double *value_r, char why[static EXTERNAL_WHY_MAX])
{
    if (isnan(value))
        return refuse_value("NaN", why);
    if (!isfinite(value))
        return refuse_value(value > 0 ? "+Inf" : "-Inf", why);
    *value_r = value;
    return true;
}

bool source_number(const char *text, double *value_r, char why[static EXTERNAL_WHY_MAX])
{
    char *end;
    double value;

    if (!strcmp(text, "NaN") || !strcmp(text, "+Inf") || !strcmp(text, "Inf") || !strcmp(text, "-Inf"))
        return refuse_value(text, why);
    value = strtod(text, &end);
    if (end == text || *end || strspn(text, "0123456789+-.eE") != strlen(text))
        return refuse_value("no number", why);
    return source_finite(value, value_r, why);
}

void source_plain(const char *says, char *out, size_t size)
{
    size_t len = 0;

    for (; says && says[len] && len < size - 1; len++)
        out[len] = says[len] >= ' ' && says[len] <= '~' ? says[len] : ' ';
    out[len] = '\0';
}

bool source_refuse(unsigned status, const char *says, char why[static EXTERNAL_WHY_MAX])
{
    char plain[EXTERNAL_WHY_MAX - 16];

    source_plain(says, plain, sizeof plain);
    snprintf(why, EXTERNAL_WHY_MAX, "status %u%s%s", status, plain[0] ? ": " : "", plain);
    return false;
}

bool source_read(const struct config_source *source, unsigned status, struct str content, double *value_r,
                 char why[static EXTERNAL_WHY_MAX])
{
    json_t *json = json_loadb(content.len ? content.p : "", content.len, 0, NULL);
    bool ok = false;

    why[0] = '\0';
    if (!json_is_object(json) && status / 100 == 2)
        snprintf(why, EXTERNAL_WHY_MAX, "the answer is no JSON object");
    else
        switch (source->kind) {
        case CONFIG_SOURCE_PROMETHEUS:
            ok = source_read_prometheus(status, json, value_r, why);
            break;
        case CONFIG_SOURCE_CLOUDWATCH:
            ok = source_read_cloudwatch(status, json, value_r, why);
            break;
        case CONFIG_SOURCE_DATADOG:
            ok = source_read_datadog(status, json, value_r, why);
            break;
        }
    json_decref(json);
    return ok;
}
