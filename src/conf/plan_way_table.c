/* The way from 0 to 100 and back: steps, raises, the watch at 100, the rollback, and what protects users on
 * it. */
#include "conf/plan_table.h"

#include "base/clk.h"
#include "conf/config_types.h"
#include "conf/plan_types.h"
#include "conf/types.h"
#include "decide/plan.h"
#include "proto/method.h"

static void before_step(struct schema_reader *reader, void *at)
{
    (void)reader;
    plan_step_init(at, STEP_WEIGHT);
}

/* A step with a weight may carry its own pause, and either a mirror and a header route; each of them alone is
 * a step too. */
static void check_step(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct plan_step *step = at;

    step->mirrors = tree_find(map, "setMirror") != NULL;
    step->steers = tree_find(map, "setHeaderRoute") != NULL;
    if (tree_find(map, "setWeight"))
        step->kind = STEP_WEIGHT;
    else if (tree_find(map, "pause"))
        step->kind = STEP_PAUSE;
    else if (step->mirrors)
        step->kind = STEP_MIRROR;
    else if (step->steers)
        step->kind = STEP_HEADER_ROUTE;
    else
        schema_problem(reader, CONF_ERROR, map,
                       "steps: a step needs setWeight, pause, setMirror or setHeaderRoute");
}

/* How the value is compared is said by the key that it stands at. */
static void check_header_route(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct plan_header_route *route = &((struct plan_step *)at)->header_route;

    (void)reader;
    for (size_t i = 0; i < header_match_words.len; i++)
        if (tree_find(map, header_match_words.words[i].name))
            route->match = (enum header_match)i;
}

static void check_mirror(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct tree *list = tree_find(map, "methods");
    const struct plan_step *step = at;

    for (size_t i = 0; list && i < step->mirror.methods_len; i++)
        if (!method_may_be_copied(step->mirror.methods[i]))
            schema_problem(reader, CONF_ERROR, &list->values[i], "methods: %s " METHOD_NOT_COPIED,
                           step->mirror.methods[i]);
}

static void check_pause(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct plan_step *step = at;

    (void)reader;
    step->pause = tree_find(map, "duration") ? PAUSE_TIME : PAUSE_APPROVAL;
}

static const struct setting pause_rows[] = {
    {.key = "duration",
     .type = &type_duration,
     FIELD(plan_step, pause_ns),
     .min = S / 1000,
     .max = 366 * DAY,
     .example = "10m",
     .text = "Waits for this time instead, or for an approval before it."},
};
static const struct section pause_section = {SECTION(pause_rows), .check = check_pause};
static const struct setting mirror_method_row = {.key = "methods",
                                                 .type = &type_token,
                                                 .width = PLAN_METHOD_MAX,
                                                 .inside = true,
                                                 .max = PLAN_METHOD_MAX - 1,
                                                 .text = "A method."};
static const struct setting mirror_rows[] = {
    {.key = "percentage",
     .type = &type_percent,
     FIELD(plan_step, mirror.weight),
     .min = 0,
     .max = PLAN_WEIGHT_ALL,
     .required = true,
     .example = "50",
     .text = "Percent of the requests that are copied, drawn for each; 0 ends it."},
    {.key = "methods",
     .type = &schema_list,
     LIST_INSIDE(plan_step, mirror.methods),
     .min = 1,
     .max = PLAN_METHODS_MAX,
     .item = &mirror_method_row,
     .inherits = "the route's mirror.methods",
     .example = "[GET, HEAD]",
     .text = "Of which methods."},
};
static const struct section mirror_section = {
    SECTION(mirror_rows),
    .shorthand = "percentage",
    .check = check_mirror,
    .text =
        "From this step on, until another one or the rollout's end, the canary gets copies also of what "
        "it does "
        "not serve. Only metrics with dryRun look at them. How they are made stands at mirror in the route.",
};
static const struct setting header_network_row = {.key = "networks",
                                                  .type = &type_network,
                                                  .width = sizeof(struct ip_net),
                                                  .text = "A network of clients."};
#define HEADER_VALUE                                                                                         \
    .type = &type_string, FIELD(plan_step, header_route.value), NAME, .min = 1, .max = PLAN_TEXT_MAX - 1
static const struct setting header_route_rows[] = {
    {.key = "header",
     .type = &type_token,
     FIELD(plan_step, header_route.header),
     NAME,
     .required = true,
     .example = "X-Canary",
     .text = "The request header that chooses."},
    {.key = "exact", HEADER_VALUE, .example = "always", .text = "When its value is this."},
    {.key = "prefix", HEADER_VALUE, .example = "team-", .text = "When its value begins with this."},
    {.key = "regex",
     HEADER_VALUE,
     .example = "\"^(alice|bob)$\"",
     .text =
         "When a part of its value matches this POSIX extended regular expression; values of more than 255 "
         "bytes match none."},
    {.key = "to",
     .type = &type_word,
     FIELD(plan_step, header_route.to),
     .words = &group_kind_words,
     .required = true,
     .example = "canary",
     .text = "Which group takes the request."},
    {.key = "networks",
     .type = &schema_list,
     LIST_INSIDE(plan_step, header_route.networks),
     .min = 1,
     .max = PLAN_NETWORKS_MAX,
     .item = &header_network_row,
     .inherits = "everybody, which is told as a warning",
     .example = "[\"192.0.2.0/28\"]",
     .text = "Of clients in these networks only, as trusted proxies name them."},
};
#undef HEADER_VALUE
static const struct section header_route_section = {
    SECTION(header_route_rows),
    .one_of = "exact prefix regex",
    .one_of_required = true,
    .check = check_header_route,
    .text = "From this step on, until another one or the rollout's end, requests with this header go to one "
            "group "
            "whatever the weight. They are no evidence, as those of the route's overrides, which are asked "
            "first. A header that comes twice chooses nothing.",
};
static const struct setting step_rows[] = {
    {.key = "setWeight",
     .shown = true,
     .type = &type_percent,
     FIELD(plan_step, weight),
     .min = 0,
     .max = PLAN_WEIGHT_ALL,
     .example = "10",
     .text = "Percent of the requests to the canary: 0 is none, 100 is all."},
    {.key = "minDwell",
     .shown = true,
     .type = &type_duration,
     FIELD(plan_step, min_dwell_ns),
     .min = 0,
     .max = 366 * DAY,
     .fallback = "0",
     .example = "30m",
     .text = "The least time at the step, from when every worker has the weight."},
    {.key = "maxDwell",
     .type = &type_duration,
     FIELD(plan_step, max_dwell_ns),
     .min = 0,
     .max = 366 * DAY,
     .fallback = "none",
     .word = "none",
     .word_value = 0,
     .example = "6h",
     .text = "The time after which onInconclusive decides."},
    {.key = "advanceOn",
     .type = &type_word,
     FIELD(plan_step, advance_on),
     .words = &advance_rule_words,
     .fallback = "evidence",
     .text = "What the next step needs, beside no evidence against the canary."},
    {.key = "bake",
     .type = &type_duration,
     FIELD(plan_step, bake_ns),
     .min = 0,
     .max = 366 * DAY,
     .fallback = "0",
     .example = "1d",
     .text = "Time at 100 in which the canary is still watched before it is promoted."},
    {.key = "window",
     .shown = true,
     .type = &type_name,
     FIELD(plan_step, window),
     NAME,
     .example = "office",
     .text = "The step is entered only while this window is open."},
    {.key = "gate",
     .type = &type_name,
     FIELD(plan_step, gate),
     NAME,
     .example = "load-test",
     .text = "The step is left forward only when this webhook, of type confirm, says yes. An approval stands "
             "for it."},
    {.key = "pause",
     .type = &schema_map,
     .section = &pause_section,
     .example = "{}",
     .text = "Waits for an approval: write {}."},
    {.key = "setMirror",
     .type = &schema_map,
     .section = &mirror_section,
     .text = "Copies requests to the canary, whose answers nobody gets."},
    {.key = "setHeaderRoute",
     .type = &schema_map,
     .section = &header_route_section,
     .text = "Sends requests with a header to one group, for testers."},
};
static const struct section step_section = {
    SECTION(step_rows),
    .size = sizeof(struct plan_step),
    .before = before_step,
    .check = check_step,
    .text = "In order, with rising weights. Each has one or more of setWeight, pause, setMirror and "
            "setHeaderRoute.",
};
const struct setting plan_step_row = {
    .key = "steps", .type = &schema_map, .section = &step_section, .text = "A step."};

/* ---- the way up and the way back ---- */

static const struct setting retreat_rows[] = {
    {.key = "enabled",
     .type = &type_flag,
     FIELD(plan_ramp, retreat),
     .fallback = "true",
     .text = "false: whatever sends the canary back sends it to 0."},
    {.key = "max",
     .type = &type_count,
     FIELD(plan_ramp, retreat_max),
     .min = 0,
     .max = 100,
     .fallback = "5",
     .text = "Retreats in a rollout at most; 0: it always goes back to 0."},
    {.key = "probation",
     .type = &type_duration,
     FIELD(plan_ramp, retreat_probation_ns),
     .min = 0,
     .max = DAY,
     .fallback = "4m",
     .text = "How long the canary has to be well at the proven weight until load is taken for the reason."},
    {.key = "raiseFactor",
     .type = &type_number,
     FIELD(plan_ramp, retreat_raise_factor),
     .min = 1010,
     .max = 10000,
     .fallback = "1.25",
     .text = "The raises after a retreat multiply the weight by this."},
    {.key = "grace",
     .type = &type_duration,
     FIELD(plan_ramp, retreat_grace_ns),
     .min = 0,
     .max = DAY,
     .fallback = "200s",
     .text = "The grace of such a raise."},
};
static const struct section retreat_section = {SECTION(retreat_rows), .shorthand = "enabled"};
static const struct setting ramp_rows[] = {
    {.key = "grace",
     .type = &type_duration,
     FIELD(plan_ramp, grace_ns),
     .min = 0,
     .max = DAY,
     .fallback = "2m",
     .text = "For this time after a raise, when new targets are cold, slow answers count only as far as the "
             "time behind it confirms them: a canary that is well but for its cold start goes back with at "
             "most 5.5 times falseRollback."},
    {.key = "maxStepPerSecond",
     .type = &type_percent,
     FIELD(plan_ramp, max_step_per_second),
     .min = 1,
     .max = PLAN_WEIGHT_ALL,
     .fallback = "none",
     .word = "none",
     .word_value = 0,
     .example = "5",
     .text = "Spreads a raise over seconds: at most so many percent in each."},
    {.key = "slowStart",
     .type = &type_duration,
     FIELD(plan_ramp, slow_start_ns),
     .min = 0,
     .max = DAY,
     .fallback = "0",
     .example = "30s",
     .text = "The first raise from 0, when the whole canary group is cold, goes up evenly over this time."},
    {.key = "minCanaryRate",
     .type = &type_number,
     FIELD(plan_ramp, min_canary_rate),
     .min = 0,
     .max = 1000000000,
     .fallback = "0.3",
     .text = "Steps below 25 that would give the canary fewer requests a second are passed over."},
    {.key = "capacity",
     .type = &type_number,
     FIELD(plan_ramp, capacity),
     .min = 1,
     .max = 1000000000,
     .fallback = "measured",
     .word = "measured",
     .word_value = -1,
     .example = "50",
     .text = "Requests a second that one target of the canary bears; a raise waits for enough of them."},
    {.key = "retreat",
     .type = &schema_map,
     .section = &retreat_section,
     .text = "A canary that fails after a raise, and was well before, goes back to the last proven weight; "
             "false: never."},
};
const struct section plan_ramp_section = {SECTION(ramp_rows)};

static const struct setting watch_rows[] = {
    {.key = "enabled",
     .type = &type_flag,
     FIELD(plan_watch, on),
     .fallback = "true",
     .text = "false: at 100 nothing is compared any more until the bake is over."},
    {.key = "probeWeight",
     .type = &type_percent,
     FIELD(plan_watch, probe_weight),
     .min = 100,
     .max = PLAN_WEIGHT_ALL - 100,
     .fallback = "20",
     .text =
         "The canary's weight while it is compared with stable again; the rest has to be borne by stable."},
    {.key = "threshold",
     .type = &type_number,
     FIELD(plan_watch, threshold),
     .min = 1000,
     .max = 100000,
     .fallback = "7",
     .text = "For experts: the nats by which 100 has to look worse than the past before that happens."},
};
const struct section plan_watch_section = {
    SECTION(watch_rows),
    .shorthand = "enabled",
    .text =
        "During the bake there is no stable traffic to compare with, so the canary is watched against what "
        "stable was "
        "like. When it looks worse, part of the traffic goes to stable again, and the two are compared.",
};

static const struct setting retry_rows[] = {
    {.key = "max",
     .type = &type_count,
     FIELD(plan_rollback, retry_max),
     .min = 0,
     .max = 100,
     .fallback = "0",
     .text = "New attempts without being asked."},
    {.key = "backoff",
     .type = &type_duration,
     FIELD(plan_rollback, retry_backoff_ns),
     .min = 0,
     .max = 30 * DAY,
     .fallback = "30m",
     .text = "The time before each."},
};
static const struct section retry_section = {SECTION(retry_rows)};
static const struct setting rollback_rows[] = {
    {.key = "mode",
     .type = &type_word,
     FIELD(plan_rollback, mode),
     .words = &rollback_mode_words,
     .fallback = "auto",
     .text = "How fast the weight goes to 0."},
    {.key = "rampTime",
     .type = &type_duration,
     FIELD(plan_rollback, ramp_ns),
     .min = 0,
     .max = HOUR,
     .fallback = "20s",
     .text = "The time for it with mode ramp."},
    {.key = "retry", .type = &schema_map, .section = &retry_section, .text = "Attempts after a rollback."},
    {.key = "rollbackWindow",
     .type = &type_duration,
     FIELD(plan_rollback, window_ns),
     .min = 0,
     .max = 366 * DAY,
     .fallback = "24h",
     .text = "After the promotion, abort still goes straight back within this time."},
};
const struct section plan_rollback_section = {SECTION(rollback_rows)};

static const struct setting shield_method_row = {
    .key = "methods",
    .type = &type_token,
    .width = PLAN_METHOD_MAX,
    .inside = true,
    .max = PLAN_METHOD_MAX - 1,
    .text = "A method.",
};

/* A request may be tried again only when that does no harm, and nothing of it may be gone. */
static void check_shield(struct schema_reader *reader, const struct tree *map, void *at)
{
    const struct tree *list = tree_find(map, "methods");
    const struct plan *plan = at;

    for (size_t i = 0; list && list->kind == TREE_LIST && i < plan->shield.methods_len; i++)
        if (!method_is_idempotent(method_from(str_from(plan->shield.methods[i]))))
            schema_problem(reader, CONF_ERROR, &list->values[i],
                           "methods: %s may not be sent twice; GET, HEAD and OPTIONS may",
                           plan->shield.methods[i]);
}

static const struct setting shield_rows[] = {
    {.key = "retryOnStable",
     .type = &type_shield_on,
     FIELD(plan, shield.on),
     .required = true,
     .example = "[connect, 502, 503]",
     .text =
         "Failures of the canary for which stable is asked once: no connection, one that broke before the "
         "answer, and statuses."},
    {.key = "methods",
     .type = &schema_list,
     LIST_INSIDE(plan, shield.methods),
     .min = 1,
     .max = PLAN_METHODS_MAX,
     .item = &shield_method_row,
     .inherits = "GET and HEAD",
     .example = "[GET, HEAD]",
     .text = "Of requests with these methods and without a body."},
};
const struct section plan_shield_section = {
    SECTION(shield_rows),
    .check = check_shield,
    .text = "The user is spared, and the failure counts against the canary all the same. Retries of the "
            "route say "
            "how "
            "many at a time; its shield, when it has one, takes every failure.",
};

static void check_affinity(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct plan *plan = at;

    (void)reader;
    for (size_t i = AFFINITY_COOKIE; i < affinity_kind_words.len; i++)
        if (tree_find(map, affinity_kind_words.words[i].name))
            plan->affinity.kind = (enum affinity_kind)i;
}

static const struct setting affinity_rows[] = {
    {.key = "cookie",
     .type = &type_token,
     FIELD(plan, affinity.name),
     NAME,
     .example = "penstock",
     .text = "By a cookie of this name, which is set where it is missing; its path, secure and sameSite are "
             "those of the route's affinity, or its defaults."},
    {.key = "header",
     .type = &type_token,
     FIELD(plan, affinity.name),
     NAME,
     .example = "X-User-Id",
     .text = "By the value of this request header; requests without it are drawn anew each time."},
    {.key = "clientAddress", .type = &type_true, .example = "true", .text = "By the address of the client."},
    {.key = "maxAge",
     .type = &type_duration,
     FIELD(plan, affinity.max_age_ns),
     .min = S,
     .max = 366 * DAY,
     .fallback = "1h",
     .text = "The life of the cookie; for so long one bad request of a client stands for all of them."},
    {.key = "onRollback",
     .type = &type_fixed_release,
     .fallback = "release",
     .text = "Fixed: at weight 0 nobody stays on the canary."},
};
const struct section plan_affinity_section = {
    SECTION(affinity_rows),
    .one_of = "cookie header clientAddress",
    .one_of_required = true,
    .check = check_affinity,
    .text =
        "As affinity in the route, whose place it takes while the rollout lasts: a client moves at most once "
        "while the weight rises.",
};

static const struct setting budget_rows[] = {
    {.key = "canaryErrors",
     .type = &type_count,
     FIELD(plan, exposure_canary_errors),
     .min = 1,
     .max = 1000000000,
     .required = true,
     .example = "200",
     .text =
         "Bad requests of the canary beyond what stable would have had, since the start; then it goes back."},
};
const struct section plan_budget_section = {SECTION(budget_rows)};
