#include "conf/planfile.h"

#include "base/mem.h"
#include "conf/input.h"
#include "conf/plan_table.h"
#include "conf/schema.h"
#include "conf/shortform.h"
#include "conf/tree.h"

#include <stdlib.h>
#include <string.h>

struct finding {
    struct schema_reader *reader;
    const struct tree *root;
};

/* A problem of plan_check, at its place. What the reader has said there already is the cause of it. */
static void found(void *arg, const char *path, const char *text, bool warning)
{
    const struct finding *finding = arg;
    const struct tree *node = tree_at(finding->root, path);
    const char *dot = strrchr(path, '.');

    if (!node->blamed)
        schema_problem(finding->reader, warning ? CONF_WARNING : CONF_ERROR, node, "%s%s%s",
                       dot ? dot + 1 : path, *path ? ": " : "", text);
}

/* The groups that the plan names are those of the route. */
static void check_group(struct schema_reader *reader, const struct tree *root, const char *key,
                        const char *wanted, const struct config *config, int64_t group)
{
    const char *name = group >= 0 && (size_t)group < config->groups_len ? config->groups[group].name : NULL;
    const struct tree *node = tree_find(root, key);

    if (!node || !*wanted || (name && strcmp(wanted, name) == 0))
        return;
    schema_problem(reader, CONF_ERROR, node, "%s: %s is not the %s group of the route, which %s%s", key,
                   wanted, key, name ? "is " : "has none", name ? name : "");
}

/* Those who are asked have to be known. */
static void check_sources(struct schema_reader *reader, const struct tree *root, const struct plan *plan,
                          const struct config *config)
{
    char path[48];

    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];

        if (metric->type != METRIC_EXTERNAL || !metric->limits.source[0] ||
            config_source(config, metric->limits.source))
            continue;
        snprintf(path, sizeof path, "analysis.metrics[%zu].source", i);
        schema_problem(reader, CONF_ERROR, tree_at(root, path),
                       "source: none of metricSources in the configuration is named %s",
                       metric->limits.source);
    }
}

static void check_target(struct schema_reader *reader, const struct tree *root,
                         const struct plan_target *target)
{
    const struct plan *plan = reader->object;
    const struct config_route *route = target->route;

    check_group(reader, root, "stable", plan->stable, target->config, route->stable);
    check_group(reader, root, "canary", plan->canary, target->config, route->canary);
    if (!target->recorded)
        check_sources(reader, root, plan, target->config);
    if (route->canary < 0)
        schema_problem(reader, CONF_ERROR, root,
                       "the route %s has no canary group; name one in the configuration", route->name);
}

static bool finish(struct schema_reader *reader, struct tree *root, const struct plan_target *target)
{
    struct finding finding = {.reader = reader, .root = root};
    struct plan *plan = reader->object;
    int64_t slo_ns = 0;

    if (target) {
        const struct config_route *route = target->route;

        check_target(reader, root, target);
        slo_ns = route->slo_threshold_ns;
        if (target->judge)
            plan->judge = *target->judge;
        /* A client that stays in its group was drawn once for all that time. */
        if (route->affinity != CONFIG_AFFINITY_NONE && plan->affinity.kind == AFFINITY_NONE &&
            plan->analysis.unit_window_ns == PLAN_UNSET_NS)
            plan->analysis.unit_window_ns = route->affinity_max_age_ns;
    }
    plan_finish(plan, slo_ns);
    tree_blame(root, reader->file, reader->report);
    return plan_check(plan, found, &finding);
}

bool plan_load_bytes(const char *name, struct str bytes, bool env, const struct plan_target *target,
                     struct plan *plan_r, struct conf_report *report)
{
    struct schema_reader reader = {.report = report, .file = name, .folder = ".", .object = plan_r};
    size_t errors = report->errors;
    struct tree *root = tree_read(name, bytes, env, report);
    bool ok;

    if (!root)
        return false;
    plan_init(plan_r);
    if (root->kind == TREE_MAP)
        shortform_expand(&reader, root);
    schema_read(&reader, &plan_section, root);
    ok = root->kind == TREE_MAP && finish(&reader, root, target);
    tree_free(root);
    return ok && report->errors == errors;
}

bool plan_load(const char *path, const struct plan_target *target, struct plan *plan_r,
               struct conf_report *report)
{
    char *why, *bytes;
    size_t len;
    bool ok;

    bytes = input_read(path, TREE_BYTES_MAX, &len, &why);
    if (!bytes) {
        conf_report_add(report, CONF_ERROR, path, 0, 0, "%s", why);
        free(why);
        return false;
    }
    ok = plan_load_bytes(path, (struct str){bytes, len}, true, target, plan_r, report);
    free(bytes);
    return ok;
}

char *plan_expanded(const char *path, struct conf_report *report)
{
    struct schema_reader reader = {.report = report, .file = path, .folder = "."};
    char *why, *bytes;
    struct text out;
    struct tree *root;
    size_t len;

    bytes = input_read(path, TREE_BYTES_MAX, &len, &why);
    if (!bytes) {
        conf_report_add(report, CONF_ERROR, path, 0, 0, "%s", why);
        free(why);
        return NULL;
    }
    root = tree_read(path, (struct str){bytes, len}, true, report);
    free(bytes);
    if (!root)
        return NULL;
    text_init(&out, TREE_BYTES_MAX);
    if (root->kind == TREE_MAP) {
        shortform_expand(&reader, root);
        tree_print(root, &out);
    }
    tree_free(root);
    return text_take(&out);
}

uint64_t plan_hash(struct str bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001b3);
    return hash;
}
