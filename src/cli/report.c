#include "cli/report.h"

#include "base/clk.h"
#include "base/mem.h"
#include "base/unit.h"
#include "cli/report_files.h"
#include "cli/report_out.h"
#include "cli/report_text.h"
#include "cli/term.h"
#include "conf/load.h"
#include "decide/zone.h"
#include "report/html.h"
#include "report/json.h"
#include "report/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct args_option options[] = {
    {.name = "format", .value = "NAME", .text = "text, json or html (default: by the name of --out)"},
    {.name = "out", .letter = 'o', .value = "FILE", .text = "write it there"},
    {.name = "json", .text = "the same as --format json"},
    {.name = "from",
     .value = "TIME",
     .text = "requests from then on, in UTC: 2026-11-25 or 2026-11-25T10:00"},
    {.name = "to", .value = "TIME", .text = "requests until then"},
    {.name = "route", .value = "NAME", .text = "requests of this route only"},
    {.name = "by",
     .value = "NAME",
     .text = "route: each for itself; platform: all routes as one (default: route)"},
    {.name = "slo", .value = "TIME", .text = "what is late, on every route, such as 300ms"},
    {.name = "config",
     .letter = 'c',
     .value = "FILE",
     .text = "what is late on each route, by its slo there"},
    {.name = "retired",
     .value = "NAME=TIME",
     .text = "what reaches this platform or group then or later is residual"},
    {.name = "preset",
     .value = "NAME",
     .text = "json, ecs, otel, ltsv, alb or combined (default: as its lines are)"},
    {.name = "title", .value = "TEXT", .text = "what stands on top (default: the names of the logs)"},
    SUBCOMMAND_OPTION_HELP,
};

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_HTML, FORMATS };
static const char *const format_names[FORMATS] = {"text", "json", "html"};
static const char *const format_ends[FORMATS] = {".txt", ".json", ".html"};

enum {
    TITLE_MAX = 120,
    POINTS_MOST = 400, /* more than a chart can show */
};

/* What the options say. */
struct request {
    const struct args *args;
    enum format format;
    struct report_options options;
    struct report_retired retired[REPORT_RETIRED_MAX];
    bool preset_known;
    enum config_log_format preset;
    char title[TITLE_MAX];
    struct config *config; /* NULL: none was asked for */
};

/* ---- options ---- */

static bool read_format(struct request *request)
{
    const char *name = args_value(request->args, "format");
    bool json = args_has(request->args, "json");
    struct str out = str_from(args_value(request->args, "out"));

    if (json && name && strcmp(name, format_names[FORMAT_JSON]) != 0)
        return false;
    if (json)
        name = format_names[FORMAT_JSON];
    request->format = FORMAT_TEXT;
    for (int i = 0; i < FORMATS; i++) {
        if (name ? strcmp(name, format_names[i]) == 0
                 : out.len > 0 && str_ends_with(out, str_from(format_ends[i]))) {
            request->format = (enum format)i;
            return true;
        }
    }
    return !name;
}

static bool read_time(const char *text, int64_t *wall_ns_r)
{
    return !text || (civil_wall_ns(str_from(text), wall_ns_r) && *wall_ns_r > 0);
}

static bool read_retired(struct request *request)
{
    struct report_options *chosen = &request->options;
    const char *text;
    size_t at = 0;

    while ((text = args_next(request->args, "retired", &at)) != NULL) {
        struct report_retired *retired = &request->retired[chosen->retired_len];
        const char *equals = strrchr(text, '=');

        if (!equals || equals == text || chosen->retired_len == REPORT_RETIRED_MAX ||
            !read_time(equals + 1, &retired->from_ns))
            return false;
        retired->name = (struct str){text, (size_t)(equals - text)};
        chosen->retired_len++;
    }
    chosen->retired = request->retired;
    return true;
}

static bool read_by(struct request *request)
{
    const char *by = args_value(request->args, "by");

    request->options.by_platform = by && strcmp(by, "platform") == 0;
    return !by || request->options.by_platform || strcmp(by, "route") == 0;
}

static void make_title(struct request *request)
{
    const struct args *args = request->args;
    const char *title = args_value(args, "title");

    if (title)
        snprintf(request->title, sizeof request->title, "%s", title);
    else if (args->operands_len == 1)
        snprintf(request->title, sizeof request->title, "%s",
                 strcmp(args->operands[0], "-") == 0 ? "standard input" : args->operands[0]);
    else
        snprintf(request->title, sizeof request->title, "%.80s and %zu more", args->operands[0],
                 args->operands_len - 1);
    term_plain(request->title);
    request->options.title = request->title;
}

/* Why the options make no sense; NULL: they do. */
static const char *refusal(struct request *request)
{
    const struct args *args = request->args;
    const char *slo = args_value(args, "slo"), *preset = args_value(args, "preset");
    size_t stdins = 0;

    for (size_t i = 0; i < args->operands_len; i++)
        stdins += strcmp(args->operands[i], "-") == 0;
    if (stdins > 1)
        return "standard input can be read once only";
    if (!read_format(request))
        return "--format: text, json or html; --json is the same as --format json";
    if (!read_time(args_value(args, "from"), &request->options.from_ns) ||
        !read_time(args_value(args, "to"), &request->options.to_ns))
        return "--from and --to: a time in UTC such as 2026-11-25 or 2026-11-25T10:00";
    if (!read_by(request))
        return "--by: route or platform";
    if (request->options.by_platform && !slo && args_has(args, "config"))
        return "--by platform has all routes as one: what is late there is said by --slo, not by --config";
    if (slo && (!unit_duration_parse(str_from(slo), &request->options.slo_ns) || !request->options.slo_ns))
        return "--slo: a time such as 300ms";
    if (!read_retired(request))
        return "--retired: at most 16, of a platform or group, '=' and a time, such as ec2=2026-11-25T10:00";
    request->preset_known = preset != NULL;
    if (preset && !logreader_named(preset, &request->preset))
        return "--preset: json, ecs, otel, ltsv, alb or combined";
    request->options.route = str_from(args_value(args, "route"));
    make_title(request);
    return NULL;
}

/* ---- the report ---- */

/* What is late, by the configuration. */
static bool read_config(struct request *request)
{
    const char *path = args_value(request->args, "config");
    struct conf_report problems;

    if (!path)
        return true;
    conf_report_init(&problems);
    request->options.config = request->config = config_load(path, &problems);
    conf_report_print(&problems, stderr);
    conf_report_fini(&problems);
    return request->config != NULL;
}

/* A slip that would cost a log. */
static bool is_no_log(const struct report_out *out, const struct args *args)
{
    struct stat status;

    for (size_t i = 0; out->ino && i < args->operands_len; i++) {
        if (stat(args->operands[i], &status) != 0 || status.st_dev != out->dev || status.st_ino != out->ino)
            continue;
        term_error("%s: is a log that is to be read; the report cannot take its place", out->path);
        return false;
    }
    return true;
}

static bool read_logs(const struct request *request, const struct report_out *out, struct report *report)
{
    struct logreader *reader = logreader_new();
    struct report_files files = {.report = report,
                                 .reader = reader,
                                 .known = request->preset_known,
                                 .preset = request->preset,
                                 .out_dev = out->dev,
                                 .out_ino = out->ino};
    struct term term;
    bool ok = true;

    term_look(&term, STDERR_FILENO);
    files.progress = term.live;
    for (size_t i = 0; i < request->args->operands_len; i++)
        ok = report_files_read(&files, request->args->operands[i]) && ok;
    report_finish(report);
    report_files_fini(&files);
    logreader_free(reader);
    return ok;
}

static void print_json(const struct report *report, FILE *out)
{
    json_t *json = report_json(report, clk_wall_ns());

    json_dumpf(json, out, JSON_INDENT(1) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12));
    fprintf(out, "\n");
    json_decref(json);
}

static bool print_report(const struct request *request, const struct report *report, FILE *out)
{
    struct term term = {0};

    switch (request->format) {
    case FORMAT_TEXT:
        if (out == stdout)
            term_look(&term, STDOUT_FILENO);
        report_text_print(report, &term, out);
        return true;
    case FORMAT_JSON:
        print_json(report, out);
        return true;
    case FORMAT_HTML:
        return report_html(report, clk_wall_ns(), out);
    case FORMATS:
        break;
    }
    return false;
}

static bool make_report(const struct request *request, struct report_out *out)
{
    struct report *report = report_new(&request->options);
    bool ok = read_logs(request, out, report), any = report->from_ns <= report->to_ns;
    FILE *file = report_out_open(out);

    ok = file && report_out_close(out, print_report(request, report, file)) && ok;
    if (!any)
        term_error("no request is in the report");
    report_free(report);
    return ok && any;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    struct request request = {.args = args, .options = {.points = POINTS_MOST}};
    const char *why = refusal(&request);
    struct report_out out = {0};
    bool ok;

    (void)verb;
    if (why)
        return subcommand_misused(&subcommand_report, "%s", why);
    ok = read_config(&request) && report_out_init(&out, args_value(args, "out")) && is_no_log(&out, args) &&
         make_report(&request, &out);
    report_out_fini(&out);
    config_unref(request.config);
    return ok ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_report = {
    .name = "report",
    .summary = "say what access logs say of each platform",
    .operands = "LOG...",
    .operands_min = 1,
    .operands_max = ARGS_OPERANDS_MAX,
    .text = "For each route: share against weight over time, errors, late answers, p50, p95 and p99 of\n"
            "each platform, and residual traffic. Logs may be of any preset, of several machines,\n"
            "rotated, packed with gzip, in folders, in any order; - is standard input.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
