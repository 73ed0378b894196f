#include "cli/report_text.h"

#include "base/clk.h"
#include "base/unit.h"
#include "cli/figure.h"
#include "cli/term.h"
#include "report/report.h"

#include <string.h>

enum {
    ROWS_MAX = 24,   /* of a table over time */
    COLUMNS_MAX = 4, /* series beside one another there */
    CLIENTS_SHOWN = 8,
    WHEN_LEN = 20,
};

struct printer {
    const struct report *report;
    const struct term *term;
    FILE *out;
};

static void heading(const struct printer *printer, const char *text)
{
    fprintf(printer->out, "\n%s%s%s\n", term_on(printer->term, TERM_STRONG), text,
            term_off(printer->term, TERM_STRONG));
}

/* "2026-11-20 10:00:00" */
static const char *when(int64_t wall_ns, char out[static WHEN_LEN])
{
    char text[CLK_TEXT_LEN];

    clk_text(wall_ns, text);
    snprintf(out, WHEN_LEN, "%.10s %.8s", text, text + 11);
    return out;
}

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

/* A part of a whole in percent, or a dash when there is no whole. */
static const char *part(double of, double whole, char out[static FIGURE_LEN])
{
    if (whole > 0)
        return figure_percent(100 * of / whole, out);
    snprintf(out, FIGURE_LEN, "-");
    return out;
}

static const char *latency(int64_t ns, char out[static FIGURE_LEN])
{
    return figure_latency((double)ns / 1e6, out);
}

/* ---- a route ---- */

static enum term_style style_of(const struct report_series *series)
{
    switch (series->side) {
    case REPORT_NO_SIDE:
        return TERM_PLAIN;
    case REPORT_STABLE:
        return TERM_STABLE;
    case REPORT_CANARY:
        return TERM_CANARY;
    }
    return TERM_PLAIN;
}

static void print_series(const struct printer *printer, const struct report_series *series, uint64_t all)
{
    const struct report *report = printer->report;
    bool promised = report->routes[series->route].slo_ns > 0;
    enum term_style style = style_of(series);
    char requests[FIGURE_LEN], share[FIGURE_LEN], errors[FIGURE_LEN], late[FIGURE_LEN];
    char p50[FIGURE_LEN], p95[FIGURE_LEN], p99[FIGURE_LEN], last[WHEN_LEN];
    struct report_sum sum;
    double n;

    report_sum(report, series, report->first, report->last, &sum);
    n = (double)sum.cell.requests;
    fprintf(printer->out, "  %s%-12.24s%s %-14.24s %-6s %12s %8s %8s %8s %9s %9s %9s  %s\n",
            term_on(printer->term, style), or_dash(series->platform), term_off(printer->term, style),
            or_dash(series->group), or_dash(report_side_name(series->side)),
            figure_count(sum.cell.requests, requests), part(n, (double)all, share),
            part((double)sum.cell.errors, n, errors),
            part((double)sum.cell.slow, promised ? (double)sum.cell.timed : 0, late),
            latency(sum.quantiles.p50_ns, p50), latency(sum.quantiles.p95_ns, p95),
            latency(sum.quantiles.p99_ns, p99), when(series->last_ns, last));
}

/* The endings with errors, the most frequent ones of each series. */
static void print_failures(const struct printer *printer, const struct report_series *series)
{
    char count[FIGURE_LEN];
    const char *joint = "";

    for (size_t i = 0; i < OUTCOMES; i++) {
        if (!series->outcomes[i] || outcome_row((enum outcome)i)->blame != BLAME_GROUP)
            continue;
        if (!*joint)
            fprintf(printer->out, "  %s %s failed by: ", or_dash(series->platform), series->group);
        fprintf(printer->out, "%s%s %s", joint, figure_count(series->outcomes[i], count),
                outcome_row((enum outcome)i)->name);
        joint = ", ";
    }
    if (*joint)
        fprintf(printer->out, "\n");
}

static void print_span(const struct printer *printer, const struct report_series *const *list, size_t len,
                       int64_t from, int64_t to)
{
    const struct report *report = printer->report;
    char a[FIGURE_LEN], b[FIGURE_LEN], c[FIGURE_LEN], time[WHEN_LEN];
    struct report_mix mix = {0};
    struct report_sum sum;

    fprintf(printer->out, "  %s", when(from * report->width_s * NS_PER_S, time));
    if (report_mix_sum(&report->routes[list[0]->route], from, to, &mix))
        fprintf(printer->out, " %8s", figure_percent(mix.weight / 100.0, a));
    else
        fprintf(printer->out, " %8s", "-");
    fprintf(printer->out, " %8s %8s", part(mix.weight_sum / CONFIG_WEIGHT_ONE, (double)mix.drawn, a),
            part((double)mix.canary, (double)mix.drawn, b));
    for (size_t i = 0; i < len; i++) {
        report_sum(report, list[i], from, to, &sum);
        fprintf(printer->out, " |%10s %8s %8s", figure_count(sum.cell.requests, a),
                part((double)sum.cell.errors, (double)sum.cell.requests, b),
                latency(sum.quantiles.p95_ns, c));
    }
    fprintf(printer->out, "\n");
}

static void print_over_time(const struct printer *printer, const struct report_series *const *list,
                            size_t len)
{
    const struct report *report = printer->report;
    int64_t points = report->last - report->first + 1, step = (points + ROWS_MAX - 1) / ROWS_MAX;
    char span[UNIT_TEXT_LEN], name[FIGURE_LEN];

    if (len > COLUMNS_MAX)
        len = COLUMNS_MAX;
    fprintf(printer->out, "\n  over time, %s a line",
            unit_duration_text(step * report->width_s * NS_PER_S, span));
    for (size_t i = 0; i < len; i++) {
        enum term_style style = style_of(list[i]);

        snprintf(name, sizeof name, "%.12s %.12s", or_dash(list[i]->platform), list[i]->group);
        fprintf(printer->out, "%s%s%s%s", i ? ", " : ": ", term_on(printer->term, style), name,
                term_off(printer->term, style));
    }
    fprintf(printer->out, "\n  %s%-19s %8s %8s %8s", term_on(printer->term, TERM_FAINT), "from (UTC)",
            "weight", "mean", "share");
    for (size_t i = 0; i < len; i++)
        fprintf(printer->out, " |%10s %8s %8s", "requests", "errors", "p95");
    fprintf(printer->out, "%s\n", term_off(printer->term, TERM_FAINT));
    for (int64_t from = report->first; from <= report->last; from += step)
        print_span(printer, list, len, from, from + step - 1 < report->last ? from + step - 1 : report->last);
}

static void print_residual(const struct printer *printer, const struct report_series *series)
{
    const struct report_residual *residual = series->residual;
    char count[FIGURE_LEN], first[WHEN_LEN], last[WHEN_LEN];
    const char *joint = "";

    if (!residual)
        return;
    fprintf(printer->out,
            "\n  %sresidual traffic:%s %s request%s still reached %s %s, from %s to %s; drawn: ",
            term_on(printer->term, TERM_WARN), term_off(printer->term, TERM_WARN),
            figure_count(residual->requests, count), residual->requests == 1 ? "" : "s",
            or_dash(series->platform), series->group, when(residual->first_ns, first),
            when(residual->last_ns, last));
    for (size_t i = 0; i < REPORT_ASSIGNMENTS; i++) {
        if (!residual->assignments[i])
            continue;
        fprintf(printer->out, "%s%s %s", joint, figure_count(residual->assignments[i], count),
                report_assignment_name(i));
        joint = ", ";
    }
    if (residual->clients_len)
        fprintf(printer->out, "; from %s%zu client%s",
                residual->clients_len == REPORT_CLIENTS_MAX ? "at least " : "", residual->clients_len,
                residual->clients_len == 1 ? "" : "s");
    fprintf(printer->out, "\n");
    for (size_t i = 0; i < residual->clients_len && i < CLIENTS_SHOWN; i++) {
        const struct report_client *client = &residual->clients[i];

        fprintf(printer->out, "    %-40s %10s request%s, last %s\n", client->name,
                figure_count(client->requests, count), client->requests == 1 ? "" : "s",
                when(client->last_ns, last));
    }
}

static void print_route(const struct printer *printer, size_t at)
{
    const struct report_series *list[REPORT_SERIES_MAX];
    size_t len = report_route_series(printer->report, at, list);
    const struct report_route *route = &printer->report->routes[at];
    char title[160], slo[UNIT_TEXT_LEN];
    struct report_sum sum;
    uint64_t all = 0;

    if (len == 0)
        return;
    snprintf(title, sizeof title, *route->name ? "Route %s" : "All routes%s", route->name);
    heading(printer, title);
    if (route->slo_ns)
        fprintf(printer->out, "  late: later than %s\n", unit_duration_text(route->slo_ns, slo));
    for (size_t i = 0; i < len; i++) {
        report_sum(printer->report, list[i], printer->report->first, printer->report->last, &sum);
        all += sum.cell.requests;
    }
    fprintf(printer->out, "  %s%-12s %-14s %-6s %12s %8s %8s %8s %9s %9s %9s  %s%s\n",
            term_on(printer->term, TERM_FAINT), "platform", "group", "side", "requests", "share", "errors",
            "late", "p50", "p95", "p99", "last seen (UTC)", term_off(printer->term, TERM_FAINT));
    for (size_t i = 0; i < len; i++)
        print_series(printer, list[i], all);
    for (size_t i = 0; i < len; i++)
        print_failures(printer, list[i]);
    print_over_time(printer, list, len);
    for (size_t i = 0; i < len; i++)
        print_residual(printer, list[i]);
}

/* ---- the lines ---- */

static void print_lacks(const struct printer *printer)
{
    for (size_t preset = 0; preset < LOGREADER_PRESETS; preset++) {
        const char *joint = "";

        for (size_t fact = 0; fact < REPORT_FACTS; fact++) {
            if (!report_lacks(printer->report, (enum config_log_format)preset, (enum report_fact)fact))
                continue;
            if (!*joint)
                fprintf(printer->out,
                        "  lines of %s do not say: ", logreader_name((enum config_log_format)preset));
            fprintf(printer->out, "%s%s", joint, report_facts[fact]);
            joint = ", ";
        }
        if (*joint)
            fprintf(printer->out, "\n");
    }
}

static void print_count(const struct printer *printer, uint64_t n, const char *text)
{
    char count[FIGURE_LEN];

    if (n)
        fprintf(printer->out, "  %s %s\n", figure_count(n, count), text);
}

static void print_lines(const struct printer *printer)
{
    const struct report_lines *lines = &printer->report->lines;
    char read[FIGURE_LEN], files[FIGURE_LEN];

    heading(printer, "Lines");
    fprintf(printer->out, "  %s read from %s file%s\n", figure_count(lines->read, read),
            figure_count(lines->files, files), lines->files == 1 ? "" : "s");
    print_lacks(printer);
    print_count(printer, lines->bad, "could not be read; the first:");
    if (lines->bad)
        fprintf(printer->out, "    %s\n", lines->bad_at);
    print_count(printer, lines->early, "ended before a route was known");
    print_count(printer, lines->copies, "are of copies (mirror)");
    print_count(printer, lines->outside, "are outside --from and --to");
    print_count(printer, lines->other_routes, "are of other routes");
    print_count(printer, lines->metrics, "are of metrics");
    print_count(printer, lines->crowded, "belong to more routes or groups than a report can tell apart");
    if (lines->sampled)
        fprintf(printer->out,
                "  some stand for others that were not written (sample_rate), which are counted\n");
}

void report_text_print(const struct report *report, const struct term *term, FILE *out)
{
    const struct printer printer = {report, term, out};
    char from[WHEN_LEN], to[WHEN_LEN], span[UNIT_TEXT_LEN];

    fprintf(out, "%s%s%s\n", term_on(term, TERM_STRONG), report->options.title, term_off(term, TERM_STRONG));
    if (report->from_ns <= report->to_ns)
        fprintf(out, "%s to %s UTC, in points of %s\n", when(report->from_ns, from), when(report->to_ns, to),
                unit_duration_text(report->width_s * NS_PER_S, span));
    else
        fprintf(out, "no request is in it\n");
    for (size_t i = 0; i < report->routes_len; i++)
        print_route(&printer, i);
    print_lines(&printer);
}
