#include "report/json.h"

#include "base/clk.h"
#include "config.h"
#include "report/report.h"

#include <math.h>

/* ---- values ---- */

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

/* Null when it is not known. */
static json_t *ms(int64_t ns, bool known)
{
    return known ? json_real(round((double)ns / 1000) / 1000) : json_null();
}

static json_t *percent(double part, double whole)
{
    return whole > 0 ? json_real(round(1e6 * part / whole) / 1e4) : json_null();
}

static json_t *when(int64_t wall_ns)
{
    char text[CLK_TEXT_LEN];

    clk_text(wall_ns, text);
    return json_stringn(text, CLK_TEXT_LEN);
}

static void set_count(json_t *object, const char *key, uint64_t n)
{
    json_object_set_new(object, key, count(n));
}

static void add(json_t *object, const char *column, json_t *value)
{
    json_t *list = json_object_get(object, column);

    if (!list) {
        list = json_array();
        json_object_set_new(object, column, list);
    }
    json_array_append_new(list, value);
}

/* ---- series ---- */

static void add_quantiles(json_t *object, const struct report_quantiles *quantiles, bool known,
                          void (*put)(json_t *object, const char *key, json_t *value))
{
    put(object, "p50", ms(quantiles->p50_ns, known));
    put(object, "p95", ms(quantiles->p95_ns, known));
    put(object, "p99", ms(quantiles->p99_ns, known));
}

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *points_json(const struct report *report, const struct report_series *series)
{
    bool promised = report->routes[series->route].slo_ns > 0;
    json_t *points = json_object();

    for (int64_t point = report->first; point <= report->last; point++) {
        const struct report_cell *cell = report_cell(series, point);

        if (!cell || cell->requests == 0)
            continue;
        struct report_quantiles quantiles = report_quantiles(cell);
        add(points, "time", json_integer(point * report->width_s));
        add(points, "requests", count(cell->requests));
        add(points, "errors", count(cell->errors));
        add(points, "clientErrors", count(cell->client_errors));
        add(points, "timed", count(cell->timed));
        add(points, "slow", promised && cell->timed ? count(cell->slow) : json_null());
        add_quantiles(points, &quantiles, cell->timed > 0, add);
    }
    return points;
}

static json_t *outcomes_json(const struct report_series *series)
{
    json_t *outcomes = json_object();

    for (size_t i = 0; i < OUTCOMES; i++)
        if (series->outcomes[i])
            set_count(outcomes, outcome_row((enum outcome)i)->name, series->outcomes[i]);
    return outcomes;
}

static json_t *residual_json(const struct report_residual *residual)
{
    json_t *object, *clients = json_array(), *ways = json_object();

    if (!residual) {
        json_decref(clients);
        json_decref(ways);
        return json_null();
    }
    for (size_t i = 0; i < residual->clients_len && i < REPORT_CLIENTS_TOLD; i++) {
        const struct report_client *client = &residual->clients[i];

        json_array_append_new(clients, json_pack("{s:s, s:o, s:o, s:o}", "client", client->name, "requests",
                                                 count(client->requests), "atMostTooMany",
                                                 count(client->over), "last", when(client->last_ns)));
    }
    for (size_t i = 0; i < REPORT_ASSIGNMENTS; i++)
        if (residual->assignments[i])
            set_count(ways, report_assignment_name(i), residual->assignments[i]);
    object = json_object();
    set_count(object, "requests", residual->requests);
    set(object, "first", when(residual->first_ns));
    set(object, "last", when(residual->last_ns));
    set(object, "assignments", ways);
    set(object, "distinctClients",
        residual->clients_len < REPORT_CLIENTS_MAX ? count(residual->clients_len) : json_null());
    set(object, "clients", clients);
    return object;
}

static json_t *series_json(const struct report *report, const struct report_series *series)
{
    bool promised = report->routes[series->route].slo_ns > 0;
    json_t *object = json_pack("{s:s, s:s, s:s}", "platform", series->platform, "group", series->group,
                               "side", report_side_name(series->side));
    struct report_sum sum;

    report_sum(report, series, report->first, report->last, &sum);
    set_count(object, "requests", sum.cell.requests);
    set_count(object, "errors", sum.cell.errors);
    set_count(object, "clientErrors", sum.cell.client_errors);
    set(object, "slow", promised && sum.cell.timed ? count(sum.cell.slow) : json_null());
    set_count(object, "timed", sum.cell.timed);
    set_count(object, "sent", sum.cell.sent);
    add_quantiles(object, &sum.quantiles, sum.cell.timed > 0, set);
    set(object, "first", when(series->first_ns));
    set(object, "last", when(series->last_ns));
    set(object, "outcomes", outcomes_json(series));
    set(object, "residual", residual_json(series->residual));
    set(object, "points", points_json(report, series));
    return object;
}

/* ---- routes ---- */

static json_t *weights_json(const struct report *report, const struct report_route *route)
{
    json_t *weights = json_object();

    for (int64_t point = report->first; point <= report->last; point++) {
        const struct report_mix *mix = report_mix(route, point);

        if (!mix->known)
            continue;
        add(weights, "time", json_integer(point * report->width_s));
        add(weights, "weight", json_real(mix->weight / 100.0));
        add(weights, "mean",
            mix->drawn ? json_real(round(mix->weight_sum / (double)mix->drawn) / 100) : json_null());
        add(weights, "share", percent((double)mix->canary, (double)mix->drawn));
    }
    return weights;
}

static json_t *route_json(const struct report *report, size_t at)
{
    const struct report_route *route = &report->routes[at];
    const struct report_series *list[REPORT_SERIES_MAX];
    size_t len = report_route_series(report, at, list);
    json_t *series = json_array(), *slo = json_null();

    if (route->slo_ns)
        slo = json_pack("{s:o, s:o}", "threshold", ms(route->slo_ns, true), "objective",
                        route->objective > 0 ? json_real(route->objective) : json_null());
    for (size_t i = 0; i < len; i++)
        json_array_append_new(series, series_json(report, list[i]));
    return json_pack("{s:s, s:o, s:o, s:o}", "name", route->name, "slo", slo, "weight",
                     weights_json(report, route), "series", series);
}

static json_t *routes_json(const struct report *report)
{
    const struct report_series *list[REPORT_SERIES_MAX];
    json_t *routes = json_array();

    for (size_t i = 0; i < report->routes_len; i++)
        if (report_route_series(report, i, list) > 0)
            json_array_append_new(routes, route_json(report, i));
    return routes;
}

/* ---- the rest ---- */

static json_t *lacks_json(const struct report *report)
{
    json_t *lacks = json_object();

    for (size_t preset = 0; preset < LOGREADER_PRESETS; preset++) {
        json_t *facts = json_array();

        for (size_t fact = 0; fact < REPORT_FACTS; fact++)
            if (report_lacks(report, (enum config_log_format)preset, (enum report_fact)fact))
                json_array_append_new(facts, json_string(report_facts[fact]));
        if (json_array_size(facts))
            json_object_set(lacks, logreader_name((enum config_log_format)preset), facts);
        json_decref(facts);
    }
    return lacks;
}

static json_t *lines_json(const struct report *report)
{
    const struct report_lines *lines = &report->lines;
    json_t *object = json_object(), *presets = json_object();

    set_count(object, "files", lines->files);
    set_count(object, "bytes", lines->bytes);
    set_count(object, "read", lines->read);
    set_count(object, "unreadable", lines->bad);
    set(object, "firstUnreadable", lines->bad ? json_string(lines->bad_at) : json_null());
    set_count(object, "copies", lines->copies);
    set_count(object, "withoutRoute", lines->early);
    set_count(object, "outside", lines->outside);
    set_count(object, "otherRoutes", lines->other_routes);
    set_count(object, "metrics", lines->metrics);
    set_count(object, "notToldApart", lines->crowded);
    set(object, "sampled", json_boolean(lines->sampled));
    for (size_t i = 0; i < LOGREADER_PRESETS; i++)
        if (lines->presets[i])
            set_count(presets, logreader_name((enum config_log_format)i), lines->presets[i]);
    set(object, "presets", presets);
    return object;
}

static json_t *decisions_json(const struct report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->decisions_len; i++) {
        const struct report_decision *decision = &report->decisions[i];

        json_array_append_new(
            list, json_pack("{s:o, s:s, s:s, s:s, s:f, s:f, s:s}", "time", when(decision->wall_ns), "route",
                            decision->route, "action", decision->action, "reason", decision->reason, "from",
                            decision->from / 100.0, "to", decision->to / 100.0, "text", decision->text));
    }
    return list;
}

json_t *report_json(const struct report *report, int64_t now_ns)
{
    bool any = report->from_ns <= report->to_ns;
    json_t *object = json_object();

    set(object, "report", json_integer(1));
    set(object, "version", json_string(PACKAGE_VERSION));
    set(object, "title", json_string(report->options.title));
    set(object, "made", when(now_ns));
    set(object, "from", any ? when(report->from_ns) : json_null());
    set(object, "to", any ? when(report->to_ns) : json_null());
    set(object, "step", json_integer(report->width_s));
    set(object, "percentilesOf", json_string(report->intervals ? "intervals" : "requests"));
    set(object, "lines", report->lines.files ? lines_json(report) : json_null());
    set(object, "lacks", lacks_json(report));
    set(object, "routes", routes_json(report));
    set(object, "decisions", decisions_json(report));
    set(object, "decisionsLeftOut", json_integer((json_int_t)report->decisions_left_out));
    return object;
}
