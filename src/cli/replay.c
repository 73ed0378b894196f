#include "cli/replay.h"

#include "base/clk.h"
#include "base/mem.h"
#include "cli/lines.h"
#include "cli/playback.h"
#include "cli/replay_line.h"
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
    SUBCOMMAND_OPTION_HELP,
};

/* What the options say. */
struct replay {
    const char *plan_path;
    enum judge_kind judge;
    bool judge_given;
    int64_t start_ns;
};

static const int64_t monday_ns = 4 * 86400 * NS_PER_S; /* 1970-01-05 */

/* ---- the plan ---- */

/* As the trace's groups and SLO make it. The caller frees it; NULL with the problems on standard error. */
static struct plan *load_plan(const struct replay *replay, const struct trace_head *head)
{
    struct plan *plan = mem_alloc(sizeof *plan);
    struct playback_route *route = mem_alloc(sizeof *route);
    struct conf_report report;
    bool ok;

    playback_route(head, route);
    route->target.judge = replay->judge_given ? &replay->judge : NULL;
    conf_report_init(&report);
    ok = plan_load(replay->plan_path, &route->target, plan, &report);
    for (size_t i = 0; ok && i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];

        if (metric->type == METRIC_LATENCY_SLO && metric->threshold_ns != route->route.slo_threshold_ns)
            conf_report_add(&report, CONF_WARNING, replay->plan_path, 0, 0,
                            "%s: the threshold is not the trace's slo_ms (%g)", metric->name, head->slo_ms);
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
    term_error("%s:%llu: %s", strcmp(path, "-") == 0 ? "<stdin>" : path, (unsigned long long)lines->number,
               why);
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
    }
    if (next == LINES_FAILED)
        return complain(path, lines, lines->why);
    playback_run(playback, playback->head->horizon_s);
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

static bool replay_trace(const struct replay *replay, struct lines *lines, const char *path)
{
    struct playback *playback;
    char why[TRACELINE_WHY_MAX];
    struct trace_head head;
    struct plan *plan;
    struct str line;
    bool ok;

    switch (lines_next(lines, &line)) {
    case LINES_LINE:
        break;
    case LINES_END:
        return complain(path, lines, "the file is empty");
    case LINES_FAILED:
        return complain(path, lines, lines->why);
    }
    if (!traceline_head(line, &head, why))
        return complain(path, lines, why);
    plan = load_plan(replay, &head);
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
    int64_t start_s;
    bool date_only;

    replay->start_ns = monday_ns;
    if (!text)
        return true;
    if (!civil_parse(str_from(text), &start_s, &date_only))
        return false;
    replay->start_ns = start_s * NS_PER_S;
    return true;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    struct replay replay = {.plan_path = args_value(args, "plan")};
    const char *path = args->operands[0];
    struct lines lines;
    bool ok;

    (void)verb;
    if (!replay.plan_path)
        return subcommand_misused(&subcommand_replay, "which plan? --plan FILE says so");
    if (strcmp(path, "-") == 0 && strcmp(replay.plan_path, "-") == 0)
        return subcommand_misused(&subcommand_replay, "standard input cannot be both the plan and the trace");
    if (!read_judge(args, &replay))
        return subcommand_misused(&subcommand_replay, "--judge: penstock, threshold or flagger");
    if (!read_start(args, &replay))
        return subcommand_misused(&subcommand_replay, "--start: a time such as 2026-11-25T10:00");
    if (!lines_open(&lines, path)) {
        term_error("%s: %s", path, lines.why);
        return SUBCOMMAND_FAILED;
    }
    ok = replay_trace(&replay, &lines, path);
    lines_close(&lines);
    return ok ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_replay = {
    .name = "replay",
    .summary = "try a plan on recorded traffic",
    .operands = "TRACE",
    .operands_min = 1,
    .operands_max = 1,
    .text = "Prints one JSON line for each decision: t in seconds, the weight as a share that is in\n"
            "force from then on, action, reason, and the numbers. A trace says what either group\n"
            "would have answered to each request, so the plan's own weights decide what it gets to\n"
            "see. - is standard input.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
