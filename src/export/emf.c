#include "export/emf.h"

#include "base/clk.h"
#include "base/hist.h"
#include "base/mem.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is told
 * ------------------------------------------------------------------------------------------ */

/* Answered with 5xx, or not as it should have been, by fault of the group. */
static bool is_error(size_t variant)
{
    return variant % SHARD_CLASSES == 5 ||
           outcome_row((enum outcome)(variant / SHARD_CLASSES))->blame == BLAME_GROUP;
}

/* Counters, as increases. CloudWatch takes money for each name and each set of dimensions: they are few. */
static const struct {
    const char *meter; /* of the table */
    const char *name, *unit;
    bool (*takes)(size_t variant); /* NULL: all of its variants */
} counters[] = {
    {"penstock_requests", "Requests", "Count", NULL},
    {"penstock_requests", "Errors", "Count", is_error},
};
enum { COUNTERS = ARRAY_LEN(counters) };
#define DURATIONS    "penstock_request_duration_seconds"
#define LATENCY      "Latency"
#define LATENCY_UNIT "Milliseconds"

static const char *const dimension_names[CONFIG_EMF_DIMENSIONS] = {
    [CONFIG_EMF_ROUTE] = "Route",     [CONFIG_EMF_GROUP] = "TargetGroup", [CONFIG_EMF_PLATFORM] = "Platform",
    [CONFIG_EMF_SIDE] = "Side",       [CONFIG_EMF_SERVICE] = "Service",   [CONFIG_EMF_ENV] = "Environment",
    [CONFIG_EMF_VERSION] = "Version",
};
static const enum config_emf_dimension usual[] = {CONFIG_EMF_ROUTE, CONFIG_EMF_GROUP, CONFIG_EMF_PLATFORM,
                                                  CONFIG_EMF_SIDE};

static const char *dimension_value(const struct meter_place *place, enum config_emf_dimension dimension)
{
    switch (dimension) {
    case CONFIG_EMF_ROUTE:
        return place->route->conf->name;
    case CONFIG_EMF_GROUP:
        return place->group->name;
    case CONFIG_EMF_PLATFORM:
        return place->group->platform;
    case CONFIG_EMF_SIDE:
        return place->side == ROUTE_CANARY ? "canary" : "stable";
    case CONFIG_EMF_SERVICE:
        return place->group->service;
    case CONFIG_EMF_ENV:
        return place->group->env;
    case CONFIG_EMF_VERSION:
        return place->group->version;
    case CONFIG_EMF_DIMENSIONS:
        break;
    }
    BUG("dimension %d", (int)dimension);
}

/* ---- what has been told
 * ------------------------------------------------------------------------------------ */

/* Of a side of a route. */
struct memory {
    uint64_t counters[COUNTERS];
    struct hist latency;
};

struct emf {
    int64_t told_ns;
    struct memory *memory[CONFIG_ROUTES_MAX][ROUTE_SIDES]; /* by slot; NULL: nothing */
};

/* What is being told. */
struct round {
    struct emf *emf;
    const struct config_emf *conf;
    int64_t wall_ns;
    struct text *out;
    uint32_t lines;
    size_t row;                 /* of `counters` */
    uint64_t (*sums)[COUNTERS]; /* by route and side */
};

struct emf *emf_new(void)
{
    return mem_zalloc(sizeof(struct emf));
}

void emf_free(struct emf *emf)
{
    if (!emf)
        return;
    for (size_t i = 0; i < CONFIG_ROUTES_MAX; i++)
        for (size_t side = 0; side < ROUTE_SIDES; side++)
            free(emf->memory[i][side]);
    free(emf);
}

static struct memory *memory_of(struct emf *emf, const struct meter_place *place)
{
    struct memory **memory = &emf->memory[place->route->conf->slot][place->side];

    if (!*memory)
        *memory = mem_zalloc(sizeof **memory);
    return *memory;
}

/* A slot that another route has got begins at 0. */
static uint64_t increase(uint64_t *told, uint64_t now)
{
    uint64_t before = *told;

    *told = now;
    return now >= before ? now - before : now;
}

/* ---- values
 * ------------------------------------------------------------------------------------------------ */

/* What has been answered since the last time. */
static void new_durations(const struct meter_place *place, struct hist *told, struct hist *fresh_r)
{
    for (size_t i = 0; i < HIST_BUCKETS; i++)
        fresh_r->count[i] = increase(
            &told->count[i],
            meter_sum(place, METER_SIDE, offsetof(struct shard_side, latency) + i * sizeof(struct cell)));
}

static json_t *milliseconds(int64_t ns)
{
    return json_real(round((double)ns / 1000) / 1000);
}

/* Few answers: each of them. */
static json_t *each_value(const struct hist *fresh)
{
    json_t *values = json_array();

    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        int64_t low = i > 0 ? hist_upper_ns(i - 1) : 0;
        int64_t high = i + 1 < HIST_BUCKETS ? hist_upper_ns(i) : low;

        for (uint64_t n = 0; n < fresh->count[i]; n++)
            json_array_append_new(values, milliseconds(low + (high - low) / 2));
    }
    return values;
}

static json_t *latency_values(const struct hist *fresh, uint64_t total)
{
    json_t *values;

    if (total <= EMF_VALUES)
        return each_value(fresh);
    values = json_array();
    for (unsigned i = 0; i < EMF_VALUES; i++)
        json_array_append_new(values, milliseconds(hist_quantile(fresh, (double)i / (EMF_VALUES - 1))));
    return values;
}

/* ---- lines
 * ------------------------------------------------------------------------------------------------- */

static void add_metric(json_t *root, json_t *metrics, const char *name, const char *unit, json_t *value)
{
    json_array_append_new(metrics, json_pack("{s:s, s:s}", "Name", name, "Unit", unit));
    json_object_set_new(root, name, value);
}

/* All of them are members of the line; a set of dimensions has those that are asked for. One without a value
 * is left out: the format knows no empty one. */
static json_t *add_dimensions(const struct round *round, const struct meter_place *place, json_t *root)
{
    const struct config_emf *conf = round->conf;
    const enum config_emf_dimension *wanted = conf->dimensions_len ? conf->dimensions : usual;
    size_t len = conf->dimensions_len ? conf->dimensions_len : ARRAY_LEN(usual);
    json_t *set = json_array();

    for (size_t i = 0; i < CONFIG_EMF_DIMENSIONS; i++) {
        const char *value = dimension_value(place, (enum config_emf_dimension)i);

        if (value && *value)
            json_object_set_new(root, dimension_names[i], json_string(value));
    }
    for (size_t i = 0; i < len; i++)
        if (json_object_get(root, dimension_names[wanted[i]]))
            json_array_append_new(set, json_string(dimension_names[wanted[i]]));
    return set;
}

static void write_line(struct round *round, const struct meter_place *place, const uint64_t fresh[COUNTERS],
                       const struct hist *latency)
{
    uint64_t total = hist_total(latency);
    json_t *root = json_object(), *metrics = json_array(), *set = add_dimensions(round, place, root);
    char *line;

    for (size_t i = 0; i < COUNTERS; i++)
        add_metric(root, metrics, counters[i].name, counters[i].unit, json_integer((json_int_t)fresh[i]));
    if (total)
        add_metric(root, metrics, LATENCY, LATENCY_UNIT, latency_values(latency, total));
    json_object_set_new(root, "_aws",
                        json_pack("{s:I, s:[{s:s, s:[o], s:o}]}", "Timestamp",
                                  (json_int_t)(round->wall_ns / NS_PER_MS), "CloudWatchMetrics", "Namespace",
                                  round->conf->name_space, "Dimensions", set, "Metrics", metrics));
    line = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
    BUG_ON(!line);
    BUG_ON(strlen(line) >= EMF_LINE_BYTES);
    text_printf(round->out, "%s\n", line);
    round->lines++;
    free(line);
    json_decref(root);
}

/* ---- the round
 * --------------------------------------------------------------------------------------------- */

static uint64_t *sums_of(const struct round *round, const struct meter_place *place)
{
    size_t route = (size_t)(place->route - place->view->routes->routes);

    return round->sums[route * ROUTE_SIDES + place->side];
}

static void add_counter(const struct meter_sample *sample, void *arg)
{
    struct round *round = arg;

    if (!counters[round->row].takes || counters[round->row].takes(sample->place->variant))
        sums_of(round, sample->place)[round->row] += (uint64_t)sample->value;
}

static void tell_side(const struct meter_sample *sample, void *arg)
{
    struct round *round = arg;
    struct memory *memory = memory_of(round->emf, sample->place);
    const uint64_t *sums = sums_of(round, sample->place);
    uint64_t fresh[COUNTERS], some;
    struct hist latency;

    new_durations(sample->place, &memory->latency, &latency);
    some = hist_total(&latency);
    for (size_t i = 0; i < COUNTERS; i++) {
        fresh[i] = increase(&memory->counters[i], sums[i]);
        some += fresh[i];
    }
    if (some)
        write_line(round, sample->place, fresh, &latency);
}

static const struct meter *row_named(const char *name)
{
    const struct meter *meter;

    for (size_t i = 0; (meter = meter_row(i)) != NULL; i++)
        if (strcmp(meter->name, name) == 0)
            return meter;
    BUG("no metric %s", name);
}

bool emf_is_due(const struct emf *emf, const struct config_emf *conf, int64_t now_ns)
{
    return conf->enabled && (emf->told_ns == 0 || now_ns - emf->told_ns >= conf->interval_ns);
}

uint32_t emf_write(struct emf *emf, const struct meter_view *view, int64_t now_ns, int64_t wall_ns,
                   struct text *out)
{
    const struct routes *routes = view->routes;
    struct round round = {.emf = emf, .conf = &routes->config->emf, .wall_ns = wall_ns, .out = out};

    round.sums = mem_zalloc(routes->routes_len * ROUTE_SIDES * sizeof *round.sums);
    for (round.row = 0; round.row < COUNTERS; round.row++)
        meter_each(view, row_named(counters[round.row].meter), add_counter, &round);
    meter_each(view, row_named(DURATIONS), tell_side, &round);
    free(round.sums);
    emf->told_ns = now_ns;
    return round.lines;
}
