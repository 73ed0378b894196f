#include "cli/check.h"

#include "base/mem.h"
#include "cli/check_power.h"
#include "cli/term.h"
#include "conf/config.h"
#include "conf/planfile.h"
#include "conf/report.h"
#include "net/tls.h"

#include <stdlib.h>
#include <string.h>

static const struct args_option options[] = {
    SUBCOMMAND_OPTION_CONFIG,
    {.name = "plan", .value = "FILE", .text = "check this plan too; may be repeated"},
    {.name = "route",
     .value = "NAME",
     .text = "the route that the plans are for (default: the only one with a canary)"},
    {.name = "rps", .value = "N", .text = "say what the plans can find out at N requests a second"},
    {.name = "errors", .value = "P", .text = "with this share of errors on a good day (default: 0.1%)"},
    {.name = "slow", .value = "P", .text = "with this share of slow answers on a good day (default: 0.5%)"},
    {.name = "expand", .text = "print the plans with their short forms written out as steps"},
    SUBCOMMAND_OPTION_JSON,
    SUBCOMMAND_OPTION_HELP,
};

/* Shares that are bad on a good day. */
static const double usual_errors = 0.001, usual_slow = 0.005, usual_client_errors = 0.02;

/* What the check found, for its one line of good news. */
struct findings {
    struct conf_report report;
    size_t targets, plans, steps;
    struct power_traffic traffic; /* rate 0: not asked */
    struct power *power;          /* of each plan in the order of the call, owned */
    struct plan **loaded;         /* those plans, owned */
    size_t powers;
};

/* ---- which route the plans are for ---- */

static const struct config_route *route_named(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->routes_len; i++) {
        if (strcmp(config->routes[i].name, name) == 0)
            return &config->routes[i];
    }
    return NULL;
}

/* NULL when several routes have a canary, or none. */
static const struct config_route *only_route(const struct config *config)
{
    const struct config_route *found = NULL;

    for (size_t i = 0; i < config->routes_len; i++) {
        if (config->routes[i].canary < 0)
            continue;
        if (found)
            return NULL;
        found = &config->routes[i];
    }
    return found;
}

/* ---- what the plans can find out ---- */

/* A share such as 0.001 or 0.1%; false when it is none or not between 0 and 1. */
static bool read_share(const struct args *args, const char *name, double usual, double *share_r)
{
    const char *text = args_value(args, name);
    char *end;

    *share_r = usual;
    if (!text)
        return true;
    *share_r = strtod(text, &end);
    if (end != text && *end == '%') {
        *share_r /= 100;
        end++;
    }
    return end != text && *end == '\0' && *share_r > 0 && *share_r < 1;
}

static bool read_traffic(const struct args *args, struct power_traffic *traffic)
{
    const char *rate = args_value(args, "rps");
    char *end = NULL;

    traffic->client = usual_client_errors;
    if (rate)
        traffic->rate = strtod(rate, &end);
    if (rate && (end == rate || *end || !(traffic->rate > 0 && traffic->rate < 1e9)))
        return false;
    return read_share(args, "errors", usual_errors, &traffic->errors) &&
           read_share(args, "slow", usual_slow, &traffic->slow);
}

/* Keeps the plan. */
static void add_power(struct findings *findings, const char *path, const struct plan *plan)
{
    struct power *power;
    struct plan *kept;

    if (findings->traffic.rate <= 0)
        return;
    if (plan->judge != JUDGE_PENSTOCK) {
        conf_report_add(&findings->report, CONF_WARNING, path, 0, 0,
                        "judge: nobody knows what `%s` finds out and when; `penstock replay` tries it",
                        word_name(&judge_kind_words, plan->judge));
        return;
    }
    findings->power = mem_resize(findings->power, findings->powers + 1, sizeof *findings->power);
    findings->loaded = mem_resize(findings->loaded, findings->powers + 1, sizeof *findings->loaded);
    power = &findings->power[findings->powers];
    kept = mem_alloc(sizeof *kept);
    *kept = *plan;
    findings->loaded[findings->powers++] = kept;
    power_init(power, kept, &findings->traffic);
    check_power_warn(power, kept, &findings->traffic, path, &findings->report);
}

static void free_powers(struct findings *findings)
{
    for (size_t i = 0; i < findings->powers; i++)
        free(findings->loaded[i]);
    free(findings->loaded);
    free(findings->power);
}

/* ---- the check ---- */

/* What the plan's promise does not cover. */
static void warn_of_externals(const char *path, const struct plan *plan, struct conf_report *report)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];

        if (plan_metric_goes_back_by_bounds(metric))
            conf_report_add(
                report, CONF_WARNING, path, 0, 0,
                "%s: is held against fixed bounds, and nobody knows how often a healthy canary is "
                "beyond them: falseRollback (%g) says nothing about it; failureLimit: -1 and "
                "onRegression: hold never go back",
                metric->name, plan->analysis.false_rollback);
    }
}

static void check_plans(struct findings *findings, const struct args *args, const struct config *config,
                        const struct config_route *route)
{
    const struct plan_target target = {.config = config, .route = route};
    struct plan *plan = mem_alloc(sizeof *plan);
    const char *path;
    size_t at = 0;

    while ((path = args_next(args, "plan", &at)) != NULL) {
        findings->plans++;
        if (!plan_load(path, route ? &target : NULL, plan, &findings->report))
            continue;
        findings->steps += plan->steps_len;
        warn_of_externals(path, plan, &findings->report);
        add_power(findings, path, plan);
    }
    free(plan);
}

static bool check_route(struct findings *findings, const struct args *args, const struct config *config,
                        const struct config_route **route_r)
{
    const char *name = args_value(args, "route");

    *route_r = name ? route_named(config, name) : only_route(config);
    if (!name || *route_r)
        return true;
    conf_report_add(&findings->report, CONF_ERROR, config->path, 0, 0, "no route is named \"%s\"", name);
    return false;
}

/* ---- what it says ---- */

static void print_json(struct findings *findings)
{
    json_t *json =
        json_pack("{s:b, s:I, s:I, s:o}", "ok", findings->report.errors == 0, "errors",
                  (json_int_t)findings->report.errors, "warnings", (json_int_t)findings->report.warnings,
                  "problems", conf_report_json(&findings->report));

    if (findings->traffic.rate > 0) {
        json_t *power = json_array();

        for (size_t i = 0; i < findings->powers; i++)
            json_array_append_new(
                power, check_power_json(&findings->power[i], findings->loaded[i], &findings->traffic));
        json_object_set_new(json, "power", power);
    }
    subcommand_print_json(json);
    json_decref(json);
}

static void print_count(size_t count, const char *one, const char *many)
{
    printf(", %zu %s", count, count == 1 ? one : many);
}

static void print_config(const struct findings *findings, const char *path, const struct config *config)
{
    printf("%s: ok", strcmp(path, "-") == 0 ? "<stdin>" : path);
    print_count(config->listeners_len, "listener", "listeners");
    print_count(config->routes_len, "route", "routes");
    print_count(config->groups_len, "target group", "target groups");
    print_count(findings->targets, "target", "targets");
}

static void print_text(struct findings *findings, const char *path, const struct config *config)
{
    conf_report_print(&findings->report, stderr);
    if (findings->report.errors || (path && !config))
        return;
    if (path)
        print_config(findings, path, config);
    else
        printf("ok");
    if (findings->plans) {
        print_count(findings->plans, "plan", "plans");
        printf(" with %zu %s", findings->steps, findings->steps == 1 ? "step" : "steps");
    }
    if (findings->report.warnings)
        print_count(findings->report.warnings, "warning", "warnings");
    printf("\n");
    for (size_t i = 0; i < findings->powers; i++)
        check_power_print(&findings->power[i], findings->loaded[i], &findings->traffic, stdout);
}

/* ---- plans in the words of others ---- */

/* Says what is wrong with the short forms; the rest is for a check without --expand to say. */
static enum subcommand_exit run_expand(const struct args *args)
{
    struct conf_report report;
    const char *path, *between = "";
    size_t at = 0;
    bool ok;

    conf_report_init(&report);
    while ((path = args_next(args, "plan", &at)) != NULL) {
        char *text = plan_expanded(path, &report);

        if (text && report.errors == 0)
            printf("%s%s", between, text);
        between = "---\n";
        free(text);
    }
    conf_report_print(&report, stderr);
    ok = report.errors == 0;
    conf_report_fini(&report);
    return ok ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

static bool expand_misused(const struct args *args)
{
    return !args_has(args, "plan") || args_has(args, "json") || args_has(args, "rps");
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    const char *path = subcommand_config(args);
    const struct config_route *route = NULL;
    struct findings findings = {0};
    struct config *config;
    bool ok;

    (void)verb;
    if (args_has(args, "expand"))
        return expand_misused(args)
                   ? subcommand_misused(&subcommand_check,
                                        "--expand needs --plan FILE, and no --json and --rps beside it")
                   : run_expand(args);
    if (!path && !args_has(args, "plan"))
        return subcommand_misused(&subcommand_check,
                                  "which configuration? -c FILE or $PENSTOCK_CONFIG says so");
    if (!path && args_has(args, "route"))
        return subcommand_misused(&subcommand_check, "--route needs a configuration: -c FILE");
    if (!read_traffic(args, &findings.traffic))
        return subcommand_misused(&subcommand_check,
                                  "--rps is a number above 0; --errors and --slow are shares such as 0.1%%");
    conf_report_init(&findings.report);
    config = path ? tls_load_config(path, &findings.report) : NULL;
    for (size_t i = 0; config && i < config->groups_len; i++)
        findings.targets += config->groups[i].targets_len;
    if (!config || check_route(&findings, args, config, &route))
        check_plans(&findings, args, config, route);
    ok = findings.report.errors == 0;
    if (args_has(args, "json"))
        print_json(&findings);
    else
        print_text(&findings, path, config);
    free_powers(&findings);
    config_unref(config);
    conf_report_fini(&findings.report);
    return ok ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_check = {
    .name = "check",
    .summary = "find every error in a configuration and in plans",
    .operands = "",
    .text =
        "Lists all problems at once as FILE:LINE:COLUMN: MESSAGE and ends with 1 when any is an error.\n"
        "Nothing is started and nothing is connected to. With --rps it says for each step of a plan\n"
        "what can be found out at that rate, how fast, at which price, and the least time to 100 %.\n"
        "Plans may be written as ECS, CodeDeploy, Argo Rollouts and Flagger have them; --expand shows the\n"
        "steps that they stand for.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
