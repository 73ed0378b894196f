#include "cli/replay.h"

#include "base/clk.h"
#include "base/mem.h"
#include "base/unit.h"
#include "cli/lines.h"
#include "cli/playback.h"
#include "cli/replay_line.h"
#include "cli/replay_log.h"
#include "cli/term.h"
#include "cli/traceline.h"
#include "conf/planfile.h"

#include <stdlib.h>
#include <string.h>

static const struct args_option options[] = {
    {.name = "plan", .value = "FILE", .text = "the plan that is tried; required"},
    {.name = "judge", .value = "NAME", .text = "penstock, threshold or flagger instead of the plan's judge"},
    {.name = "start",
     .value = "TIME",
     .text = "when the trace begins, in UTC (default: 1970-01-05T00:00, a Monday)"},
    {.name = "format",
     .value = "NAME",
     .text = "auto, trace, json, ecs, otel, ltsv, alb or combined (default: auto)"},
    {.name = "weights",
     .value = "FILE",
     .text = "logs: which weight was in force when, a line `TIME WEIGHT` each"},
    {.name = "route",
     .value = "NAME",
     .text = "logs with names: this route (default: that of the first line)"},
    {.name = "stable",
     .value = "TEXT",
     .text = "other logs: a text in target, group or host of stable's lines"},
    {.name = "canary",
     .value = "TEXT",
     .text = "other logs: the same for the canary; all others are the other's"},
    {.name = "slo", .value = "TIME", .text = "logs: what is slow, for a plan that does not say"},
    SUBCOMMAND_OPTION_HELP,
};

/* Behind these stand the presets of logs. */
enum format { FORMAT_AUTO, FORMAT_TRACE, FORMAT_LOG };

/* What the options say. */
struct replay {
    const char *plan_path;
    enum judge_kind judge;
    bool judge_given;
    int64_t start_ns;
    enum format format;
    int64_t slo_ns;
    const char *route, *stable, *canary, *weights_path;
    const char *const *paths;
    size_t paths_len;
    struct logreader *reader; /* owned by run */
};

static const int64_t monday_ns = 4 * 86400 * NS_PER_S; /* 1970-01-05 */

/* ---- the plan ---- */

/* Records do not say what a metric's `match` asks for: such a metric is only shown. */
static void leave_out_matches(const char *path, struct plan *plan, struct conf_report *report)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        struct plan_metric *metric = &plan->analysis.metrics[i];

        if (plan_match_is_everything(&metric->match))
            continue;
        metric->dry_run = true;
        conf_report_add(report, CONF_WARNING, path, 0, 0,
                        "%s: is left out, because its match cannot be looked for in a record", metric->name);
    }
}

/* Nor do they say what a query would have answered. */
static void leave_out_externals(const char *path, struct plan *plan, struct conf_report *report)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        struct plan_metric *metric = &plan->analysis.metrics[i];

        if (metric->type != METRIC_EXTERNAL || metric->dry_run)
            continue;
        metric->dry_run = true;
        conf_report_add(report, CONF_WARNING, path, 0, 0,
                        "%s: is left out, because nobody can be asked about the "
                        "past",
                        metric->name);
    }
}

/* As the trace's groups and SLO make it. The caller frees it; NULL with the problems on standard error. */
static struct plan *load_plan(const struct replay *replay, const struct trace_head *head, bool trace)
{
    struct plan *plan = mem_alloc(sizeof *plan);
    struct playback_route *route = mem_alloc(sizeof *route);
    struct conf_report report;
    bool ok;

    playback_route(head, route);
    route->target.judge = replay->judge_given ? &replay->judge : NULL;
    conf_report_init(&report);
    ok = plan_load(replay->plan_path, &route->target, plan, &report);
    for (size_t i = 0; ok && trace && i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];

        if (metric->type == METRIC_LATENCY_SLO && metric->threshold_ns != route->route.slo_threshold_ns)
            conf_report_add(&report, CONF_WARNING, replay->plan_path, 0, 0,
                            "%s: the threshold is not the trace's slo_ms (%g)", metric->name, head->slo_ms);
    }
    if (ok) {
        leave_out_matches(replay->plan_path, plan, &report);
        leave_out_externals(replay->plan_path, plan, &report);
    }
    conf_report_print(&report, stderr);
    conf_report_fini(&report);
    free(route);
    if (ok)
        return plan;
    free(plan);
    return NULL;
}

/* ---- a trace ---- */

static void print_decision(void *arg, const struct playback *playback, int64_t t, uint32_t weight,
                           const struct decision *decision)
{
    (void)arg;
    (void)playback;
    replay_line_print(&(struct replay_line){.t = t, .weight = weight, .decision = decision}, stdout);
}

static bool complain(const char *path, const struct lines *lines, const char *why)
{
    term_error("%s:%llu: %s", lines_shown(path), (unsigned long long)lines->number, why);
    return false;
}

static bool play_lines(struct playback *playback, struct lines *lines, const char *path)
{
    struct trace_request request = {0};
    char why[TRACELINE_WHY_MAX];
    enum lines_next next;
    struct str line;
    double last = 0;

    while ((next = lines_next(lines, &line)) == LINES_LINE) {
        if (line.len == 0)
            continue;
        if (!traceline_request(playback->head, line, &request, why))
            return complain(path, lines, why);
        if (request.t < last)
            return complain(path, lines, "t: it falls; sort the lines by it");
        last = request.t;
        if (request.t < playback->head->horizon_s)
            playback_feed(playback, &request);
        if (playback->ordinal % REPLAY_PROGRESS_EVERY == 0)
            replay_progress(playback->ordinal, playback->now, false);
    }
    if (next == LINES_FAILED)
        return complain(path, lines, lines->why);
    playback_run(playback, playback->head->horizon_s);
    replay_progress(playback->ordinal, playback->now, true);
    return true;
}

static void say_end(const struct playback *playback)
{
    char requests[DECISION_NUMBER_LEN], time[DECISION_NUMBER_LEN], percent[PLAN_PERCENT_LEN];

    fprintf(stderr, "%s requests in %s; at the end the rollout is %s at %s %%\n",
            decision_count(playback->ordinal, requests), decision_time(playback->now * NS_PER_S, time),
            word_name(&rollout_state_words, playback->rollout.state),
            plan_percent(playback->rollout.weight, percent));
}

static bool replay_trace(const struct replay *replay, struct lines *lines, struct str line, const char *path)
{
    struct playback *playback;
    char why[TRACELINE_WHY_MAX];
    struct trace_head head;
    struct plan *plan;
    bool ok;

    if (!traceline_head(line, &head, why))
        return complain(path, lines, why);
    if (replay->paths_len > 1) {
        term_error("%s is a trace: one at a time", path);
        return false;
    }
    plan = load_plan(replay, &head, true);
    if (!plan)
        return false;
    playback = mem_alloc(sizeof *playback);
    playback_init(playback, &head, plan, replay->start_ns, print_decision, NULL);
    ok = play_lines(playback, lines, path);
    if (ok)
        say_end(playback);
    playback_fini(playback);
    free(playback);
    free(plan);
    return ok;
}

/* ---- a log ---- */

static struct str text_or_empty(const char *text)
{
    return text ? str_from(text) : STR_NULL;
}

/* What the texts of the plan and of its decisions call the groups. */
static const char *group_name(const char *option, const char *usual)
{
    return option && strlen(option) < PLAN_NAME_MAX ? option : usual;
}

static bool replay_a_log(const struct replay *replay, struct lines *lines, struct str line)
{
    struct trace_head head = {.id = "log", .slo_ms = (double)replay->slo_ns / NS_PER_MS};
    struct replay_log log = {
        .rule = {.reader = replay->reader,
                 .preset = (enum config_log_format)(replay->format - FORMAT_LOG),
                 .stable = text_or_empty(replay->stable),
                 .canary = text_or_empty(replay->canary),
                 .route = text_or_empty(replay->route)},
        .stable = group_name(replay->stable, "stable"),
        .canary = group_name(replay->canary, "canary"),
        .weights_path = replay->weights_path,
        .paths = replay->paths,
        .paths_len = replay->paths_len,
    };
    struct plan *plan;
    char *first, *route;
    bool ok;

    if (!logreader_is_named(log.rule.preset) && !replay->stable && !replay->canary) {
        term_error("which lines are the canary's? --canary or --stable TEXT says so");
        return false;
    }
    snprintf(head.stable, sizeof head.stable, "%s", log.stable);
    snprintf(head.canary, sizeof head.canary, "%s", log.canary);
    plan = load_plan(replay, &head, false);
    if (!plan)
        return false;
    first = mem_strndup(line.p, line.len);
    line.p = first;
    if (!replay->route)
        log.rule.route = logline_route(&log.rule, line);
    route = mem_strndup(log.rule.route.p, log.rule.route.len);
    log.rule.route.p = route;
    log.plan = plan;
    ok = replay_log_run(&log, lines, line);
    free(route);
    free(first);
    free(plan);
    return ok;
}

/* ---- which of them ---- */

/* The first line of a trace has its version; one of ecs has an object of that name. */
static bool is_trace(struct str line)
{
    const struct str key = STR("\"trace\":");
    const char *p = line.len && line.p[0] == '{' ? memmem(line.p, line.len, key.p, key.len) : NULL;
    const char *end = line.p + line.len;

    if (!p)
        return false;
    for (p += key.len; p < end && *p == ' ';)
        p++;
    return p == end || *p != '{';
}

static bool find_format(struct replay *replay, struct str line)
{
    enum config_log_format preset;

    if (replay->format != FORMAT_AUTO)
        return true;
    if (is_trace(line)) {
        replay->format = FORMAT_TRACE;
        return true;
    }
    if (!logreader_guess(replay->reader, line, &preset))
        return false;
    replay->format = (enum format)(FORMAT_LOG + (int)preset);
    return true;
}

static bool replay_lines(struct replay *replay, struct lines *lines)
{
    const char *path = replay->paths[0];
    struct str line;

    switch (lines_next(lines, &line)) {
    case LINES_LINE:
        break;
    case LINES_END:
        return complain(path, lines, "the file is empty");
    case LINES_FAILED:
        return complain(path, lines, lines->why);
    }
    if (!find_format(replay, line))
        return complain(path, lines, "neither a trace nor a line of a known log; --format says which");
    if (replay->format == FORMAT_TRACE)
        return replay_trace(replay, lines, line, path);
    return replay_a_log(replay, lines, line);
}

/* ---- the command ---- */

static bool read_judge(const struct args *args, struct replay *replay)
{
    const char *name = args_value(args, "judge");
    size_t judge = JUDGE_PENSTOCK;

    replay->judge_given = name != NULL;
    if (name && !word_parse(&judge_kind_words, str_from(name), &judge))
        return false;
    replay->judge = (enum judge_kind)judge;
    return true;
}

static bool read_start(const struct args *args, struct replay *replay)
{
    const char *text = args_value(args, "start");

    replay->start_ns = monday_ns;
    return !text || civil_wall_ns(str_from(text), &replay->start_ns);
}

static bool parse_format(const char *name, enum format *format_r)
{
    enum config_log_format preset = CONFIG_LOG_JSON;

    *format_r = FORMAT_AUTO;
    if (!name || strcmp(name, "auto") == 0)
        return true;
    *format_r = FORMAT_TRACE;
    if (strcmp(name, "trace") == 0)
        return true;
    /* penstock: as it writes a line that nobody has asked otherwise of */
    if (strcmp(name, "penstock") != 0 && !logreader_named(name, &preset))
        return false;
    *format_r = (enum format)(FORMAT_LOG + (int)preset);
    return true;
}

static bool read_format(const struct args *args, struct replay *replay)
{
    const char *slo = args_value(args, "slo");

    return parse_format(args_value(args, "format"), &replay->format) &&
           (!slo || unit_duration_parse(str_from(slo), &replay->slo_ns));
}

static const char *refusal(const struct args *args, struct replay *replay)
{
    size_t stdins = replay->plan_path && strcmp(replay->plan_path, "-") == 0;

    for (size_t i = 0; i < args->operands_len; i++)
        stdins += strcmp(args->operands[i], "-") == 0;
    if (!replay->plan_path)
        return "which plan? --plan FILE says so";
    if (stdins > 1)
        return "standard input cannot be both the plan and the trace, or two traces";
    if (!read_judge(args, replay))
        return "--judge: penstock, threshold or flagger";
    if (!read_start(args, replay))
        return "--start: a time such as 2026-11-25T10:00";
    if (!read_format(args, replay))
        return "--format: auto, trace, json, ecs, otel, ltsv, alb or combined; --slo: a time such as 300ms";
    return NULL;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    struct replay replay = {.plan_path = args_value(args, "plan"),
                            .route = args_value(args, "route"),
                            .stable = args_value(args, "stable"),
                            .canary = args_value(args, "canary"),
                            .weights_path = args_value(args, "weights"),
                            .paths = args->operands,
                            .paths_len = args->operands_len};
    const char *why = refusal(args, &replay);
    struct lines lines;
    bool ok;

    (void)verb;
    if (why)
        return subcommand_misused(&subcommand_replay, "%s", why);
    if (!lines_open(&lines, replay.paths[0])) {
        term_error("%s: %s", replay.paths[0], lines.why);
        return SUBCOMMAND_FAILED;
    }
    replay.reader = logreader_new();
    ok = replay_lines(&replay, &lines);
    logreader_free(replay.reader);
    lines_close(&lines);
    return ok ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_replay = {
    .name = "replay",
    .summary = "try a plan on recorded traffic",
    .operands = "TRACE|LOG...",
    .operands_min = 1,
    .operands_max = ARGS_OPERANDS_MAX,
    .text = "Prints one JSON line for each decision: t in seconds, the weight as a share that is in\n"
            "force from then on, action, reason, and the numbers. A trace says what either group\n"
            "would have answered to each request, so the plan's own weights decide what it gets to\n"
            "see. Of access logs it says what the plan would have decided at the log's weights.\n"
            "- is standard input.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
