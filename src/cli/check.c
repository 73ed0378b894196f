#include "cli/check.h"

#include "base/mem.h"
#include "cli/term.h"
#include "conf/config.h"
#include "conf/load.h"
#include "conf/planfile.h"
#include "conf/report.h"

#include <stdlib.h>
#include <string.h>

static const struct args_option options[] = {
    SUBCOMMAND_OPTION_CONFIG,
    {.name = "plan", .value = "FILE", .text = "check this plan too; may be repeated"},
    {.name = "route",
     .value = "NAME",
     .text = "the route that the plans are for (default: the only one with a canary)"},
    SUBCOMMAND_OPTION_JSON,
    SUBCOMMAND_OPTION_HELP,
};

/* What the check found, for its one line of good news. */
struct findings {
    struct conf_report report;
    size_t targets, plans, steps;
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

/* ---- the check ---- */

static void check_plans(struct findings *findings, const struct args *args, const struct config *config,
                        const struct config_route *route)
{
    const struct plan_target target = {.config = config, .route = route};
    struct plan *plan = mem_alloc(sizeof *plan);
    const char *path;
    size_t at = 0;

    while ((path = args_next(args, "plan", &at)) != NULL) {
        findings->plans++;
        if (plan_load(path, route ? &target : NULL, plan, &findings->report))
            findings->steps += plan->steps_len;
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

    subcommand_print_json(json);
    json_decref(json);
}

static void print_count(size_t count, const char *one, const char *many)
{
    printf(", %zu %s", count, count == 1 ? one : many);
}

static void print_text(struct findings *findings, const char *path, const struct config *config)
{
    conf_report_print(&findings->report, stderr);
    if (findings->report.errors || !config)
        return;
    printf("%s: ok", strcmp(path, "-") == 0 ? "<stdin>" : path);
    print_count(config->listeners_len, "listener", "listeners");
    print_count(config->routes_len, "route", "routes");
    print_count(config->groups_len, "target group", "target groups");
    print_count(findings->targets, "target", "targets");
    if (findings->plans) {
        print_count(findings->plans, "plan", "plans");
        printf(" with %zu %s", findings->steps, findings->steps == 1 ? "step" : "steps");
    }
    if (findings->report.warnings)
        print_count(findings->report.warnings, "warning", "warnings");
    printf("\n");
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    const char *path = subcommand_config(args);
    const struct config_route *route = NULL;
    struct findings findings = {0};
    struct config *config;
    bool ok;

    (void)verb;
    if (!path)
        return subcommand_misused(&subcommand_check,
                                  "which configuration? -c FILE or $PENSTOCK_CONFIG says so");
    conf_report_init(&findings.report);
    config = config_load(path, &findings.report);
    for (size_t i = 0; config && i < config->groups_len; i++)
        findings.targets += config->groups[i].targets_len;
    if (!config || check_route(&findings, args, config, &route))
        check_plans(&findings, args, config, route);
    ok = findings.report.errors == 0;
    if (args_has(args, "json"))
        print_json(&findings);
    else
        print_text(&findings, path, config);
    config_unref(config);
    conf_report_fini(&findings.report);
    return ok ? SUBCOMMAND_OK : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_check = {
    .name = "check",
    .summary = "find every error in a configuration and in plans",
    .operands = "",
    .text = "Lists all problems at once as FILE:LINE:COLUMN: MESSAGE and ends with 1 when any is an error.\n"
            "Nothing is started and nothing is connected to.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
