#include "report/report.h"

#include "base/clk.h"
#include "base/mem.h"
#include "report/points.h"

#include <stdlib.h>
#include <string.h>

const char *const report_facts[REPORT_FACTS] = {"the route",
                                                "the platform",
                                                "the group",
                                                "the weight in force",
                                                "how long a request took",
                                                "whose fault an end was"};

enum { INDEX_LEN = 2048, INDEX_FREE = UINT16_MAX };
_Static_assert(REPORT_SERIES_MAX * 2 < INDEX_LEN, "the table stays half empty");

const char *report_side_name(enum report_side side)
{
    switch (side) {
    case REPORT_NO_SIDE:
        return "";
    case REPORT_STABLE:
        return "stable";
    case REPORT_CANARY:
        return "canary";
    }
    return "";
}

const char *report_assignment_name(size_t assignment)
{
    return assignment == REPORT_UNKNOWN ? "unknown" : assignment_name((enum assignment)assignment);
}

struct report *report_new(const struct report_options *options)
{
    struct report *report = mem_zalloc(sizeof *report);

    report->options = *options;
    report->routes = mem_zalloc(REPORT_ROUTES_MAX * sizeof *report->routes);
    report->series = mem_zalloc(REPORT_SERIES_MAX * sizeof *report->series);
    report->index = mem_alloc(INDEX_LEN * sizeof *report->index);
    memset(report->index, 0xff, INDEX_LEN * sizeof *report->index);
    report->from_ns = INT64_MAX;
    report->to_ns = INT64_MIN;
    points_init(report);
    return report;
}

static void free_series(struct report_series *series)
{
    for (size_t i = 0; i < REPORT_POINTS_MAX; i++) {
        if (series->cells[i])
            free(series->cells[i]->latency);
        free(series->cells[i]);
    }
    free(series->cells);
    free(series->residual);
}

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

void report_free(struct report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->series_len; i++)
        free_series(&report->series[i]);
    for (size_t i = 0; i < report->routes_len; i++)
        free(report->routes[i].mixes);
    for (size_t i = 0; i < report->decisions_len; i++) {
        free_text(report->decisions[i].route);
        free_text(report->decisions[i].action);
        free_text(report->decisions[i].reason);
        free_text(report->decisions[i].text);
    }
    free(report->decisions);
    free(report->routes);
    free(report->series);
    free(report->index);
    free(report);
}

/* ---- names ---- */

/* A name as it is shown: plain ASCII, whatever the log says. */
struct name {
    char text[REPORT_NAME_MAX];
    size_t len;
};

static uint64_t take_name(struct str s, struct name *name_r, uint64_t hash)
{
    size_t len = s.len < REPORT_NAME_MAX ? s.len : REPORT_NAME_MAX - 1;

    for (size_t i = 0; i < len; i++) {
        char c = s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?';

        name_r->text[i] = c;
        hash = (hash ^ (unsigned char)c) * UINT64_C(1099511628211); /* FNV-1a */
    }
    name_r->text[len] = '\0';
    name_r->len = len;
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

static bool is_name(const char *text, const struct name *name)
{
    return memcmp(text, name->text, name->len + 1) == 0;
}

/* ---- routes and series ---- */

/* What is late on a route, and how many answers may be. */
static void promise(const struct report_options *options, struct report_route *route)
{
    const struct config *config = options->config;
    struct name name;

    route->slo_ns = options->slo_ns;
    route->objective = options->objective;
    if (options->slo_ns || !config || options->by_platform)
        return;
    for (size_t i = 0; i < config->routes_len; i++) {
        take_name(str_from(config->routes[i].name), &name, 0);
        if (!is_name(route->name, &name))
            continue;
        route->slo_ns = config->routes[i].slo_threshold_ns;
        route->objective = config->routes[i].slo_objective;
        return;
    }
}

/* The route of that name; a new one when there is room. REPORT_ROUTES_MAX: there is none. */
static size_t find_route(struct report *report, const struct name *name)
{
    struct report_route *route;

    for (size_t i = 0; i < report->routes_len; i++)
        if (is_name(report->routes[i].name, name))
            return i;
    if (report->routes_len == REPORT_ROUTES_MAX)
        return REPORT_ROUTES_MAX;
    route = &report->routes[report->routes_len];
    memcpy(route->name, name->text, name->len + 1);
    promise(&report->options, route);
    route->mixes = mem_zalloc(REPORT_POINTS_MAX * sizeof *route->mixes);
    return report->routes_len++;
}

/* Which series a request belongs to. */
struct series_key {
    struct name route, platform, group;
    enum report_side side;
};

static bool is_series(const struct report *report, size_t at, const struct series_key *key)
{
    const struct report_series *series = &report->series[at];

    return series->side == key->side && is_name(series->group, &key->group) &&
           is_name(series->platform, &key->platform) &&
           is_name(report->routes[series->route].name, &key->route);
}

static struct report_series *add_series(struct report *report, const struct series_key *key)
{
    struct report_series *series = &report->series[report->series_len];
    size_t route = find_route(report, &key->route);

    if (route == REPORT_ROUTES_MAX)
        return NULL;
    series->route = route;
    series->side = key->side;
    memcpy(series->platform, key->platform.text, key->platform.len + 1);
    memcpy(series->group, key->group.text, key->group.len + 1);
    series->first_ns = INT64_MAX;
    series->last_ns = INT64_MIN;
    series->cells = mem_zalloc(REPORT_POINTS_MAX * sizeof *series->cells);
    report->series_len++;
    return series;
}

/* NULL when there are too many. */
static struct report_series *find_series(struct report *report, struct str route, struct str platform,
                                         struct str group, enum report_side side)
{
    struct series_key key = {.side = side};
    struct report_series *series;
    uint64_t hash = take_name(route, &key.route, UINT64_C(14695981039346656037) + side);
    size_t slot;

    hash = take_name(platform, &key.platform, hash);
    hash = take_name(group, &key.group, hash);
    for (slot = hash % INDEX_LEN; report->index[slot] != INDEX_FREE; slot = (slot + 1) % INDEX_LEN)
        if (is_series(report, report->index[slot], &key))
            return &report->series[report->index[slot]];
    if (report->series_len == REPORT_SERIES_MAX)
        return NULL;
    series = add_series(report, &key);
    if (series)
        report->index[slot] = (uint16_t)(series - report->series);
    return series;
}

/* ---- residual traffic ---- */

static size_t assignment_of(struct str word)
{
    size_t i = 0;

    while (i < REPORT_UNKNOWN && !str_eq(word, str_from(report_assignment_name(i))))
        i++;
    return i;
}

/* Counts a client; the least busy one makes room for a new one, which takes over its count. */
static void add_client(struct report_residual *residual, struct str word, uint64_t n, int64_t wall_ns)
{
    struct report_client *client = residual->clients, *least = client;
    struct name name;

    take_name(word, &name, 0);
    for (; client < residual->clients + residual->clients_len && !is_name(client->name, &name); client++)
        if (client->requests < least->requests)
            least = client;
    if (client == residual->clients + residual->clients_len) {
        if (residual->clients_len < REPORT_CLIENTS_MAX)
            residual->clients_len++;
        else
            client = least;
        client->over = client->requests;
        memcpy(client->name, name.text, name.len + 1);
    }
    client->requests += n;
    if (wall_ns > client->last_ns)
        client->last_ns = wall_ns;
}

static bool is_retired(const struct report *report, const struct report_series *series, int64_t wall_ns)
{
    for (size_t i = 0; i < report->options.retired_len; i++) {
        const struct report_retired *retired = &report->options.retired[i];

        if (wall_ns >= retired->from_ns && (str_eq(retired->name, str_from(series->platform)) ||
                                            str_eq(retired->name, str_from(series->group))))
            return true;
    }
    return false;
}

/* Whether nothing should have come to the series: all weight was with the other side, or it is retired. */
static bool is_residual(const struct report *report, const struct report_series *series,
                        const struct logentry *entry)
{
    return (series->side == REPORT_STABLE && entry->weight == CONFIG_WEIGHT_ONE) ||
           (report->options.retired_len && is_retired(report, series, entry->wall_ns));
}

static void note_residual(struct report_series *series, uint64_t n, int64_t first_ns, int64_t last_ns)
{
    struct report_residual *residual = series->residual;

    if (!residual) {
        series->residual = residual = mem_zalloc(sizeof *residual);
        residual->first_ns = INT64_MAX;
    }
    residual->requests += n;
    if (first_ns < residual->first_ns)
        residual->first_ns = first_ns;
    if (last_ns > residual->last_ns)
        residual->last_ns = last_ns;
}

static void add_residual(struct report_series *series, const struct logentry *entry, uint64_t n)
{
    note_residual(series, n, entry->wall_ns, entry->wall_ns);
    series->residual->assignments[assignment_of(entry->assignment)] += n;
    if (entry->client.len)
        add_client(series->residual, entry->client, n, entry->wall_ns);
}

/* Intervals tell the weight at their end. So what came to stable should not have come when that was with the
 * canary as a whole, and at the end of the one before too. */
static void find_residual(const struct report *report, struct report_series *series)
{
    const struct report_route *route = &report->routes[series->route];
    int64_t width_ns = report->width_s * NS_PER_S;
    bool all = false; /* of the weight was with the canary when the point began */

    for (int64_t point = report->first; point <= report->last; point++) {
        const struct report_cell *cell = report_cell(series, point);
        const struct report_mix *mix = report_mix(route, point);

        if (!mix->known)
            continue;
        if (all && mix->weight == CONFIG_WEIGHT_ONE && cell && cell->requests)
            note_residual(series, cell->requests, point * width_ns, (point + 1) * width_ns - 1);
        all = mix->weight == CONFIG_WEIGHT_ONE;
    }
}

/* ---- a request ---- */

static void note_facts(struct report_lines *lines, enum config_log_format preset,
                       const struct logentry *entry)
{
    bool *held = lines->held[preset];

    lines->presets[preset]++;
    held[REPORT_FACT_ROUTE] |= entry->route.len > 0;
    held[REPORT_FACT_PLATFORM] |= entry->platform.len > 0;
    held[REPORT_FACT_GROUP] |= entry->group.len > 0;
    held[REPORT_FACT_WEIGHT] |= entry->weight >= 0;
    held[REPORT_FACT_DURATION] |= entry->duration_ns >= 0;
    held[REPORT_FACT_BLAME] |= entry->blame.len > 0;
    lines->sampled |= entry->kept < 1;
}

bool report_lacks(const struct report *report, enum config_log_format preset, enum report_fact fact)
{
    return report->lines.presets[preset] > 0 && !report->lines.held[preset][fact];
}

/* Why a request does not count is counted. */
static bool is_wanted(struct report *report, enum config_log_format preset, const struct logentry *entry)
{
    const struct report_options *options = &report->options;
    struct report_lines *lines = &report->lines;

    if (entry->wall_ns < options->from_ns || (options->to_ns && entry->wall_ns >= options->to_ns))
        lines->outside++;
    else if (str_eq(entry->assignment, STR("mirror")))
        lines->copies++;
    else if (logreader_is_named(preset) && entry->outcome.len > 0 && !entry->route.len)
        lines->early++;
    else if (options->route.len && !str_eq(options->route, entry->route))
        lines->other_routes++;
    else
        return true;
    return false;
}

static enum report_side side_of(struct str word)
{
    if (str_eq(word, STR("canary")))
        return REPORT_CANARY;
    return str_eq(word, STR("stable")) ? REPORT_STABLE : REPORT_NO_SIDE;
}

/* How many requests the line stands for. Over many lines no part of one is lost. */
static uint64_t requests_of(struct report_series *series, const struct logentry *entry)
{
    uint64_t n;

    if (entry->kept >= 1)
        return 1;
    series->owed += entry->kept < 1e-6 ? 1e6 : 1 / entry->kept;
    n = (uint64_t)series->owed;
    series->owed -= (double)n;
    return n;
}

static void add_outcome(struct report_series *series, struct str word, uint64_t n)
{
    size_t i = 0;

    while (i < OUTCOMES && !str_eq(word, str_from(outcome_row((enum outcome)i)->name)))
        i++;
    if (i < OUTCOMES)
        series->outcomes[i] += n;
}

static bool is_error(const struct logentry *entry)
{
    return (entry->status >= 500 && entry->status < 600) || str_eq(entry->blame, STR("group"));
}

static void add_request(struct report *report, struct report_series *series, int64_t point,
                        const struct logentry *entry, uint64_t n)
{
    int64_t slo_ns = report->routes[series->route].slo_ns;
    struct report_cell *cell = points_cell(series, point);

    cell->requests += n;
    cell->errors += is_error(entry) ? n : 0;
    cell->client_errors += !is_error(entry) && entry->status >= 400 && entry->status < 500 ? n : 0;
    if (entry->sent > 0)
        points_send(cell, (uint64_t)entry->sent, n);
    if (entry->duration_ns < 0)
        return;
    cell->timed += n;
    cell->slow += slo_ns && entry->duration_ns > slo_ns ? n : 0;
    points_measure(report, cell, entry->duration_ns, n);
}

static void add_mix(struct report_mix *mix, const struct logentry *entry, enum report_side side, uint64_t n)
{
    size_t assignment = assignment_of(entry->assignment);

    if (entry->weight < 0 || side == REPORT_NO_SIDE)
        return;
    if (!mix->known || entry->wall_ns >= mix->last_ns) {
        mix->weight = entry->weight;
        mix->last_ns = entry->wall_ns;
        mix->known = true;
    }
    if (assignment == REPORT_UNKNOWN || !assignment_is_drawn((enum assignment)assignment))
        return;
    mix->drawn += n;
    mix->canary += side == REPORT_CANARY ? n : 0;
    mix->weight_sum += entry->weight * (double)n;
}

static void note_time(struct report *report, struct report_series *series, int64_t wall_ns)
{
    if (wall_ns < series->first_ns)
        series->first_ns = wall_ns;
    if (wall_ns > series->last_ns)
        series->last_ns = wall_ns;
    if (wall_ns < report->from_ns)
        report->from_ns = wall_ns;
    if (wall_ns > report->to_ns)
        report->to_ns = wall_ns;
}

void report_feed(struct report *report, enum config_log_format preset, const struct logentry *entry)
{
    struct report_series *series;
    struct report_route *route;
    int64_t point;
    uint64_t n;

    note_facts(&report->lines, preset, entry);
    if (!is_wanted(report, preset, entry))
        return;
    series = find_series(report, report->options.by_platform ? STR_NULL : entry->route, entry->platform,
                         entry->group, side_of(entry->side));
    if (!series) {
        report->lines.crowded++;
        return;
    }
    n = requests_of(series, entry);
    point = points_reach(report, entry->wall_ns);
    route = &report->routes[series->route];
    add_request(report, series, point, entry, n);
    add_outcome(series, entry->outcome, n);
    add_mix(&route->mixes[point % REPORT_POINTS_MAX], entry, series->side, n);
    if (is_residual(report, series, entry))
        add_residual(series, entry, n);
    note_time(report, series, entry->wall_ns);
}

/* ---- reading ---- */

static int compare_clients(const void *a, const void *b)
{
    const struct report_client *one = a, *other = b;

    if (one->requests != other->requests)
        return one->requests < other->requests ? 1 : -1;
    return strcmp(one->name, other->name);
}

void report_finish(struct report *report)
{
    for (size_t i = 0; i < report->series_len; i++) {
        struct report_residual *residual = report->series[i].residual;

        if (report->intervals && report->series[i].side == REPORT_STABLE)
            find_residual(report, &report->series[i]);
        if (residual)
            qsort(residual->clients, residual->clients_len, sizeof residual->clients[0], compare_clients);
    }
}

/* Stable, canary, neither. */
static int rank(const struct report_series *series)
{
    return series->side == REPORT_NO_SIDE ? REPORT_CANARY + 1 : (int)series->side;
}

static int compare_series(const void *a, const void *b)
{
    const struct report_series *one = *(const struct report_series *const *)a;
    const struct report_series *other = *(const struct report_series *const *)b;
    int by = rank(one) - rank(other);

    if (by == 0)
        by = strcmp(one->platform, other->platform);
    return by ? by : strcmp(one->group, other->group);
}

size_t report_route_series(const struct report *report, size_t route,
                           const struct report_series *list[static REPORT_SERIES_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < report->series_len; i++)
        if (report->series[i].route == route)
            list[len++] = &report->series[i];
    qsort(list, len, sizeof list[0], compare_series);
    return len;
}

/* ---- intervals and decisions ---- */

void report_put(struct report *report, const struct report_interval *interval)
{
    int64_t begin_ns = interval->begin_s * NS_PER_S, point;
    struct report_series *series =
        find_series(report, interval->route, interval->platform, interval->group, interval->side);
    struct report_cell *cell;
    struct report_mix *mix;

    if (!series) {
        report->lines.crowded++;
        return;
    }
    report->intervals = true;
    point = points_reach(report, begin_ns);
    cell = points_cell(series, point);
    *cell = interval->cell;
    cell->latency = NULL;
    mix = &report->routes[series->route].mixes[point % REPORT_POINTS_MAX];
    mix->drawn += cell->requests;
    mix->canary += interval->side == REPORT_CANARY ? cell->requests : 0;
    mix->weight_sum += interval->weight * (double)cell->requests;
    mix->weight = interval->weight;
    mix->known = true;
    note_time(report, series, begin_ns);
    note_time(report, series, begin_ns + report->options.least_s * NS_PER_S - 1);
}

void report_decide(struct report *report, const struct report_decision *decision)
{
    struct report_decision *copy;

    if (report->decisions_len == REPORT_DECISIONS_MAX) {
        report->decisions_left_out++;
        return;
    }
    report->decisions = mem_resize(report->decisions, report->decisions_len + 1, sizeof *report->decisions);
    copy = &report->decisions[report->decisions_len++];
    *copy = *decision;
    copy->route = mem_strdup(decision->route);
    copy->action = mem_strdup(decision->action);
    copy->reason = mem_strdup(decision->reason);
    copy->text = mem_strdup(decision->text);
}
