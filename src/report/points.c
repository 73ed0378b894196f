#include "report/points.h"

#include "base/clk.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { WEEK_S = 7 * 86400 };
#define END_S   INT64_C(7258118400) /* 2200, where times of logs end (export/logvalue) */
#define WHOLE_S (INT64_C(40) * WEEK_S * 301)

/* Seconds; each divides the next. The last makes all times that a log may have one point. */
static const int64_t widths_s[] = {1,    5,    10,    30,    60,    300,    600,         1800,
                                   3600, 7200, 21600, 43200, 86400, WEEK_S, 40 * WEEK_S, WHOLE_S};
_Static_assert(WHOLE_S > END_S, "then a series has one point");
_Static_assert(REPORT_SERIES_MAX < REPORT_MEASURED_MAX, "and all of those may be measured");

static size_t place(int64_t point)
{
    return (size_t)(point % REPORT_POINTS_MAX);
}

void points_init(struct report *report)
{
    while (widths_s[report->width] < report->options.least_s)
        report->width++;
    report->width_s = report->options.least_s = widths_s[report->width];
    if (report->options.points == 0)
        report->options.points = REPORT_POINTS_MAX;
    BUG_ON(report->options.points > REPORT_POINTS_MAX);
    report->first = 1;
    report->last = 0;
}

struct report_cell *points_cell(struct report_series *series, int64_t point)
{
    struct report_cell **cell = &series->cells[place(point)];

    if (!*cell)
        *cell = mem_zalloc(sizeof **cell);
    return *cell;
}

const struct report_cell *report_cell(const struct report_series *series, int64_t point)
{
    return series->cells[place(point)];
}

const struct report_mix *report_mix(const struct report_route *route, int64_t point)
{
    return &route->mixes[place(point)];
}

static void add_sent(struct report_cell *cell, uint64_t sent)
{
    cell->sent = sent > INT64_MAX || cell->sent > INT64_MAX - sent ? INT64_MAX : cell->sent + sent;
}

void points_send(struct report_cell *cell, uint64_t sent, uint64_t n)
{
    add_sent(cell, n && sent > INT64_MAX / n ? INT64_MAX : sent * n);
}

static void add_count(uint32_t *count, uint64_t n)
{
    *count = n < UINT32_MAX - *count ? *count + (uint32_t)n : UINT32_MAX;
}

void points_measure(struct report *report, struct report_cell *cell, int64_t duration_ns, uint64_t n)
{
    if (!cell->latency) {
        cell->latency = mem_zalloc(sizeof *cell->latency);
        report->measured++;
    }
    add_count(&cell->latency->count[hist_bucket(duration_ns)], n);
}

/* But for latencies. */
static void add_cell(struct report_cell *into, const struct report_cell *from)
{
    into->requests += from->requests;
    into->errors += from->errors;
    into->client_errors += from->client_errors;
    into->timed += from->timed;
    into->slow += from->slow;
    add_sent(into, from->sent);
}

/* ---- wider ---- */

/* `from` becomes part of `into` and is freed. */
static void merge(struct report *report, struct report_cell *into, struct report_cell *from)
{
    add_cell(into, from);
    into->p50_ns = into->p95_ns = into->p99_ns = 0; /* cannot be added up */
    if (!into->latency) {
        into->latency = from->latency;
    } else if (from->latency) {
        for (size_t i = 0; i < HIST_BUCKETS; i++)
            add_count(&into->latency->count[i], from->latency->count[i]);
        free(from->latency);
        report->measured--;
    }
    free(from);
}

static void widen_series(struct report *report, struct report_series *series, int64_t factor)
{
    struct report_cell **cells = mem_zalloc(REPORT_POINTS_MAX * sizeof *cells);

    for (int64_t point = report->first; point <= report->last; point++) {
        struct report_cell *from = series->cells[place(point)], **into = &cells[place(point / factor)];

        if (from && *into)
            merge(report, *into, from);
        else if (from)
            *into = from;
    }
    free(series->cells);
    series->cells = cells;
}

static void add_mix(struct report_mix *into, const struct report_mix *from)
{
    into->drawn += from->drawn;
    into->canary += from->canary;
    into->weight_sum += from->weight_sum;
    if (from->known && (!into->known || from->last_ns >= into->last_ns)) {
        into->weight = from->weight;
        into->last_ns = from->last_ns;
        into->known = true;
    }
}

static void widen_route(const struct report *report, struct report_route *route, int64_t factor)
{
    struct report_mix *mixes = mem_zalloc(REPORT_POINTS_MAX * sizeof *mixes);

    for (int64_t point = report->first; point <= report->last; point++)
        add_mix(&mixes[place(point / factor)], &route->mixes[place(point)]);
    free(route->mixes);
    route->mixes = mixes;
}

static void widen(struct report *report)
{
    int64_t factor;

    BUG_ON(report->width + 1 == ARRAY_LEN(widths_s));
    factor = widths_s[report->width + 1] / widths_s[report->width];
    for (size_t i = 0; i < report->series_len; i++)
        widen_series(report, &report->series[i], factor);
    for (size_t i = 0; i < report->routes_len; i++)
        widen_route(report, &report->routes[i], factor);
    if (report->first <= report->last) {
        report->first /= factor;
        report->last /= factor;
    }
    report->width++;
    report->width_s = widths_s[report->width];
}

int64_t points_reach(struct report *report, int64_t wall_ns)
{
    int64_t time_s = wall_ns / NS_PER_S;

    BUG_ON(wall_ns < 0);
    while (report->measured >= REPORT_MEASURED_MAX)
        widen(report);
    for (;;) {
        int64_t point = time_s / report->width_s, first = report->first, last = report->last;

        if (first > last)
            first = last = point;
        first = point < first ? point : first;
        last = point > last ? point : last;
        if (last - first < report->options.points) {
            report->first = first;
            report->last = last;
            return point;
        }
        widen(report);
    }
}

/* ---- sums ---- */

static struct report_quantiles quantiles_of(const struct hist *hist)
{
    return (struct report_quantiles){hist_quantile(hist, 0.50), hist_quantile(hist, 0.95),
                                     hist_quantile(hist, 0.99)};
}

static void add_latency(struct hist *hist, const struct report_latency *latency)
{
    for (size_t i = 0; latency && i < HIST_BUCKETS; i++)
        hist->count[i] += latency->count[i];
}

struct report_quantiles report_quantiles(const struct report_cell *cell)
{
    struct hist hist = {0};

    if (!cell->latency)
        return (struct report_quantiles){cell->p50_ns, cell->p95_ns, cell->p99_ns};
    add_latency(&hist, cell->latency);
    return quantiles_of(&hist);
}

/* Counts the quantiles of an interval for each of its requests. */
static void add_intervals(struct hist hists[static 3], const struct report_cell *cell)
{
    hists[0].count[hist_bucket(cell->p50_ns)] += cell->requests;
    hists[1].count[hist_bucket(cell->p95_ns)] += cell->requests;
    hists[2].count[hist_bucket(cell->p99_ns)] += cell->requests;
}

void report_sum(const struct report *report, const struct report_series *series, int64_t from, int64_t to,
                struct report_sum *sum_r)
{
    struct hist hists[3] = {0};

    *sum_r = (struct report_sum){0};
    for (int64_t point = from; point <= to; point++) {
        const struct report_cell *cell = report_cell(series, point);

        if (!cell)
            continue;
        add_cell(&sum_r->cell, cell);
        if (report->intervals)
            add_intervals(hists, cell);
        else
            add_latency(&hists[0], cell->latency);
    }
    if (report->intervals)
        sum_r->quantiles = (struct report_quantiles){
            hist_quantile(&hists[0], 0.5), hist_quantile(&hists[1], 0.5), hist_quantile(&hists[2], 0.5)};
    else
        sum_r->quantiles = quantiles_of(&hists[0]);
}

bool report_mix_sum(const struct report_route *route, int64_t from, int64_t to, struct report_mix *mix_r)
{
    *mix_r = (struct report_mix){0};
    for (int64_t point = from; point <= to; point++)
        add_mix(mix_r, report_mix(route, point));
    return mix_r->known;
}
