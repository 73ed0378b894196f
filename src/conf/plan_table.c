#include "conf/plan_table.h"

#include "base/clk.h"
#include "conf/plan_types.h"
#include "conf/types.h"
#include "decide/peer.h"
#include "decide/plan.h"
#include "proto/method.h"

#define S             NS_PER_S
#define HOUR          (3600 * S)
#define DAY           (24 * HOUR)
#define NAME          .inside = true /* text lies in the struct */
#define SECTION(rows) .settings = (rows), .len = ARRAY_LEN(rows)

static void before_metric(struct schema_reader *reader, void *at)
{
    (void)reader;
    plan_metric_init(at, METRIC_ERROR_RATE);
}

static void check_metric(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct plan_metric *metric = at;

    (void)reader;
    metric->on_regression_given = tree_find(map, "onRegression") != NULL;
}

static void before_step(struct schema_reader *reader, void *at)
{
    (void)reader;
    plan_step_init(at, STEP_WEIGHT);
}

/* A step with a weight may carry its own pause, and either a mirror; a pause or a mirror alone is a step too.
 */
static void check_step(struct schema_reader *reader, const struct tree *map, void *at)
{
    struct plan_step *step = at;

    step->mirrors = tree_find(map, "setMirror") != NULL;
    if (tree_find(map, "setWeight"))
        step->kind = STEP_WEIGHT;
    else if (tree_find(map, "pause"))
        step->kind = STEP_PAUSE;
    else if (step->mirrors)
        step->kind = STEP_MIRROR;
    else
        schema_problem(reader, CONF_ERROR, map, "steps: a step needs setWeight, pause or setMirror");
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

/* ---- analysis ---- */

static const struct setting match_rows[] = {
    {.key = "method",
     .type = &type_token,
     FIELD(plan_match, method),
     NAME,
     .example = "POST",
     .text = "Requests with this method; methods are in capitals."},
    {.key = "pathPrefix",
     .type = &type_prefix,
     FIELD(plan_match, path_prefix),
     NAME,
     .example = "/checkout",
     .text = "Requests below this path, by whole segments, as routes match it."},
    {.key = "header",
     .type = &type_token,
     FIELD(plan_match, header),
     NAME,
     .example = "X-Tier",
     .text = "Requests with this header."},
    {.key = "exact",
     .type = &type_string,
     FIELD(plan_match, header_value),
     NAME,
     .example = "gold",
     .text = "Of them those with this value in it."},
};
static const struct section match_section = {
    SECTION(match_rows),
    .text = "Requests have to have all that is written. A rare path with a metric of its own is not lost in "
            "the average.",
};

static const struct setting status_row = {
    .key = "statuses",
    .type = &type_statuses,
    .width = sizeof(struct plan_range),
    .text = "A status or a range.",
};
static const struct setting metric_rows[] = {
    {.key = "name",
     .type = &type_name,
     FIELD(plan_metric, name),
     NAME,
     .required = true,
     .example = "errors",
     .text = "Its name in decisions and in the metrics."},
    {.key = "type",
     .type = &type_word,
     FIELD(plan_metric, type),
     .words = &metric_type_words,
     .words_len = METRIC_CLIENT_ERROR_RATE + 1,
     .required = true,
     .example = "errorRate",
     .text = "What counts as bad."},
    {.key = "share",
     .type = &type_share,
     FIELD(plan_metric, share),
     .min = 0,
     .max = 1000000,
     .inherits = "an equal part of what the others leave",
     .example = "0.45",
     .text = "Its part of falseRollback; the parts of all metrics that may roll back sum to 1."},
    {.key = "tolerance",
     .type = &type_number,
     FIELD(plan_metric, tolerance),
     .min = 1000,
     .max = 100000,
     .inherits = "1.25 errorRate, 1.5 latencySlo and clientErrorRate",
     .example = "1.25",
     .text = "How many times worse than stable the canary may be and still count as healthy."},
    {.key = "floor",
     .type = &type_share,
     FIELD(plan_metric, floor),
     .min = 0,
     .max = 900000,
     .inherits = "0.0001 errorRate, 0.001 clientErrorRate, a tenth of 1 - objective latencySlo",
     .example = "0.0001",
     .text =
         "A share of bad requests at or below which the canary is healthy, whatever stable does; 0 is off."},
    {.key = "threshold",
     .type = &type_duration,
     FIELD(plan_metric, threshold_ns),
     .min = S / 1000,
     .max = HOUR,
     .inherits = "the slo of the route",
     .example = "300ms",
     .text = "latencySlo: an answer within this time is in time."},
    {.key = "objective",
     .type = &type_share,
     FIELD(plan_metric, objective),
     .min = 500000,
     .max = 999990,
     .fallback = "0.99",
     .text = "latencySlo: the share of the answers that has to be in time."},
    {.key = "maxExcess",
     .type = &type_share,
     FIELD(plan_metric, max_excess),
     .min = 0,
     .max = 1000000,
     .inherits = "0.0012 errorRate, 0.005 latencySlo",
     .example = "0.0012",
     .text = "How many more bad requests, as a share of all, the next step may bring; the gate of a raise."},
    {.key = "maxExcessPerHour",
     .type = &type_number,
     FIELD(plan_metric, max_excess_per_hour),
     .min = 0,
     .max = 1000000000,
     .fallback = "5",
     .text = "The same at low traffic, in requests an hour; the larger of the two counts."},
    {.key = "statuses",
     .type = &schema_list,
     LIST_INSIDE(plan_metric, statuses),
     .max = PLAN_STATUSES_MAX,
     .item = &status_row,
     .inherits = "500-599 errorRate; 400-499 without 408, 429 and 499 clientErrorRate",
     .example = "[500, 502-504]",
     .text = "Statuses that are bad, beside failures to answer at all."},
    {.key = "match",
     .type = &schema_map,
     FIELD(plan_metric, match),
     .section = &match_section,
     .inherits = "every request",
     .text = "The requests that the metric looks at."},
    {.key = "onRegression",
     .type = &type_word,
     FIELD(plan_metric, on_regression),
     .words = &on_regression_words,
     .inherits = "onRegression of the plan",
     .example = "hold",
     .text = "What follows when this metric is worse."},
    {.key = "max",
     .type = &type_number,
     FIELD(plan_metric, limits.max),
     .min = 0,
     .max = 1000,
     .inherits = "0.01 errorRate, 1 - objective latencySlo, none clientErrorRate",
     .example = "0.01",
     .text = "Judges threshold and flagger: the largest share of bad requests in a window that is taken."},
    {.key = "warnMax",
     .type = &type_number,
     FIELD(plan_metric, limits.warn_max),
     .min = 0,
     .max = 1000,
     .inherits = "max",
     .example = "0.005",
     .text = "Judge threshold: a share above it and up to max is inconclusive."},
    {.key = "failureLimit",
     .type = &type_count,
     FIELD(plan_metric, limits.failure_limit),
     .min = 0,
     .max = 1000000,
     .fallback = "0",
     .text = "Judge threshold: so many measurements may fail over the whole rollout."},
    {.key = "dryRun",
     .type = &type_flag,
     FIELD(plan_metric, dry_run),
     .fallback = "false",
     .text = "Computed and shown, never acts."},
};
static const struct section metric_section = {
    SECTION(metric_rows),
    .size = sizeof(struct plan_metric),
    .before = before_metric,
    .check = check_metric,
};
static const struct setting metric_row = {
    .key = "metrics", .type = &schema_map, .section = &metric_section, .text = "A metric."};

static const struct setting analysis_rows[] = {
    {.key = "falseRollback",
     .shown = true,
     .type = &type_share,
     FIELD(plan_analysis, false_rollback),
     .min = 100,
     .max = 200000,
     .fallback = "0.01",
     .text = "The chance that a healthy canary is ever rolled back, over the whole rollout."},
    {.key = "unit",
     .type = &type_unit,
     .fallback = "client",
     .example = "header:X-User-Id",
     .text = "Whose bad requests count once within unitWindow."},
    {.key = "unitWindow",
     .type = &type_duration,
     FIELD(plan_analysis, unit_window_ns),
     .min = S,
     .max = 30 * DAY,
     .inherits = "60s; where the route keeps clients in their group, its maxAge",
     .example = "60s",
     .text = "For how long one bad request of a unit stands for all of them."},
    {.key = "evaluationAge",
     .type = &type_duration,
     FIELD(plan_analysis, evaluation_age_ns),
     .min = S / 100,
     .max = 60 * S,
     .fallback = "auto",
     .word = "auto",
     .word_value = PLAN_UNSET_NS,
     .text =
         "The age at which errors are counted; auto is the least latency threshold, within 100ms and 1s."},
    {.key = "bin",
     .type = &type_duration,
     FIELD(plan_analysis, bin_ns),
     .min = S,
     .max = 600 * S,
     .fallback = "15s",
     .text = "For experts: the time within which evidence is capped, since failures come in bursts."},
    {.key = "binCap",
     .type = &type_pair,
     FIELD(plan_analysis, bin_cap),
     .fallback = "[2, 4]",
     .text = "For experts: the cap in nats, usually and when many of the canary's requests were bad."},
    {.key = "startingStep",
     .type = &type_count,
     FIELD(plan_analysis, starting_step),
     .min = 0,
     .max = PLAN_STEPS_MAX - 1,
     .fallback = "0",
     .text = "The first step that is judged, counted from 0; the brakes stay armed before it."},
    {.key = "initialDelay",
     .type = &type_duration,
     FIELD(plan_analysis, initial_delay_ns),
     .min = 0,
     .max = 30 * DAY,
     .fallback = "0",
     .text = "Time before judging; the brakes stay armed in it."},
    {.key = "metrics",
     .type = &schema_list,
     LIST_INSIDE(plan_analysis, metrics),
     .max = PLAN_METRICS_MAX,
     .item = &metric_row,
     .inherits = "errors, latency by the slo of the route, and client errors",
     .text = "What is judged."},
};
static const struct section analysis_section = {SECTION(analysis_rows)};

/* ---- steps ---- */

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
    .text = "From this step on, until another one or the rollout's end, the canary gets copies also of what "
            "it does "
            "not serve. They are no evidence. How they are made stands at mirror in the route.",
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
    {.key = "pause",
     .type = &schema_map,
     .section = &pause_section,
     .example = "{}",
     .text = "Waits for an approval: write {}."},
    {.key = "setMirror",
     .type = &schema_map,
     .section = &mirror_section,
     .text = "Copies requests to the canary, whose answers nobody gets."},
};
static const struct section step_section = {
    SECTION(step_rows),
    .size = sizeof(struct plan_step),
    .before = before_step,
    .check = check_step,
    .text = "In order, with rising weights. Each has one or more of setWeight, pause and setMirror.",
};
static const struct setting step_row = {
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
     .text = "After a raise slow answers do not count for this time, since new targets are cold."},
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
static const struct section ramp_section = {SECTION(ramp_rows)};

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
     .fallback = "50",
     .text =
         "The canary's weight while it is compared with stable again; the rest has to be borne by stable."},
    {.key = "threshold",
     .type = &type_number,
     FIELD(plan_watch, threshold),
     .min = 1000,
     .max = 100000,
     .fallback = "9",
     .text = "For experts: the nats by which 100 has to look worse than the past before that happens."},
};
static const struct section watch_section = {
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
static const struct section rollback_section = {SECTION(rollback_rows)};

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
static const struct section shield_section = {
    SECTION(shield_rows),
    .check = check_shield,
    .text = "The user is spared, and the failure counts against the canary all the same. Retries of the "
            "route say "
            "how "
            "many at a time; its shield, when it has one, takes every failure.",
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
static const struct section budget_section = {SECTION(budget_rows)};

/* ---- the other judges ---- */

static const struct setting threshold_rows[] = {
    {.key = "mode",
     .type = &type_word,
     FIELD(plan_threshold, mode),
     .words = &threshold_mode_words,
     .fallback = "measurements",
     .text = "How readings add up."},
    {.key = "interval",
     .type = &type_duration,
     FIELD(plan_threshold, interval_ns),
     .min = S,
     .max = DAY,
     .fallback = "1m",
     .text = "measurements: one each interval, of the canary's requests in it."},
    {.key = "initialDelay",
     .type = &type_duration,
     FIELD(plan_threshold, initial_delay_ns),
     .min = 0,
     .max = 30 * DAY,
     .fallback = "0",
     .text = "measurements: the first window begins so much later."},
    {.key = "count",
     .type = &type_count,
     FIELD(plan_threshold, count),
     .min = 0,
     .max = 1000000,
     .fallback = "0",
     .text = "measurements: so many in all, then nothing is judged any more; 0 is any number."},
    {.key = "inconclusiveLimit",
     .type = &type_count,
     FIELD(plan_threshold, inconclusive_limit),
     .min = 0,
     .max = 1000000,
     .fallback = "0",
     .text = "measurements: so many may be inconclusive; with more it waits for a person."},
    {.key = "noData",
     .type = &type_word,
     FIELD(plan_threshold, no_data),
     .words = &no_data_rule_words,
     .fallback = "failed",
     .text = "measurements: what a window without a request counts as."},
    {.key = "period",
     .type = &type_duration,
     FIELD(plan_threshold, period_ns),
     .min = 10 * S,
     .max = DAY,
     .fallback = "1m",
     .text = "alarm: the length of a period."},
    {.key = "evaluationPeriods",
     .type = &type_count,
     FIELD(plan_threshold, evaluation_periods),
     .min = 1,
     .max = PEER_PERIODS_MAX,
     .fallback = "3",
     .text = "alarm: so many of the last periods are looked at."},
    {.key = "datapointsToAlarm",
     .type = &type_count,
     FIELD(plan_threshold, datapoints_to_alarm),
     .min = 1,
     .max = PEER_PERIODS_MAX,
     .fallback = "2",
     .text = "alarm: so many of them beyond the limit send the canary back."},
    {.key = "treatMissingData",
     .type = &type_word,
     FIELD(plan_threshold, missing),
     .words = &missing_data_rule_words,
     .fallback = "missing",
     .text = "alarm: what a period without a request counts as."},
};
static const struct section threshold_section = {
    SECTION(threshold_rows),
    .text = "Argo Rollouts' analysis and CloudWatch's alarms, to compare with on the same traffic. Steps are "
            "left "
            "after minDwell.",
};

static const struct setting flagger_rows[] = {
    {.key = "interval",
     .type = &type_duration,
     FIELD(plan_flagger, interval_ns),
     .min = 10 * S,
     .max = DAY,
     .fallback = "1m",
     .text = "Between two checks of the canary's requests since the last; one that passes is a step."},
    {.key = "threshold",
     .type = &type_count,
     FIELD(plan_flagger, threshold),
     .min = 1,
     .max = 1000000,
     .fallback = "1",
     .text = "So many failed checks in all send the canary back, at the next check."},
};
static const struct section flagger_section = {
    SECTION(flagger_rows),
    .text = "Flagger's analysis, to compare with on the same traffic. minDwell means nothing to it.",
};

/* ---- the calendar ---- */

static const struct setting window_rows[] = {
    {.key = "name",
     .type = &type_name,
     FIELD(plan_window, name),
     NAME,
     .required = true,
     .example = "office",
     .text = "What steps call it."},
    {.key = "days",
     .shown = true,
     .type = &type_days,
     FIELD(plan_window, window.days),
     .fallback = "daily",
     .example = "mon-thu",
     .text = "The days on which it opens."},
    {.key = "from",
     .type = &type_clock,
     FIELD(plan_window, window.from_min),
     .max = WINDOW_DAY_MIN - 1,
     .required = true,
     .example = "\"10:00\"",
     .text = "When it opens."},
    {.key = "to",
     .type = &type_clock,
     FIELD(plan_window, window.to_min),
     .max = WINDOW_DAY_MIN,
     .required = true,
     .example = "\"17:00\"",
     .text = "When it closes; at or before from it is on the next day."},
    {.key = "timeZone",
     .shown = true,
     .type = &type_time_zone,
     FIELD(plan_window, zone),
     NAME,
     .fallback = "UTC",
     .example = "Asia/Tokyo",
     .text = "Whose wall clock."},
};
static const struct section window_section = {
    SECTION(window_rows),
    .size = sizeof(struct plan_window),
    .text = "Steps that name one go forward only while it is open. Nothing ever stops a way back.",
};
static const struct setting window_row = {
    .key = "windows", .type = &schema_map, .section = &window_section, .text = "A window."};

static const struct setting freeze_rows[] = {
    {.key = "from",
     .type = &type_date_from,
     FIELD(plan_freeze, freeze.from_s),
     .required = true,
     .example = "2026-12-28",
     .text = "The first day, or the first moment."},
    {.key = "to",
     .type = &type_date_to,
     FIELD(plan_freeze, freeze.to_s),
     .required = true,
     .example = "2027-01-04",
     .text = "The last day, or the first moment after."},
    {.key = "timeZone",
     .shown = true,
     .type = &type_time_zone,
     FIELD(plan_freeze, zone),
     NAME,
     .fallback = "UTC",
     .example = "Asia/Tokyo",
     .text = "Whose wall clock."},
    {.key = "reason",
     .type = &type_string,
     FIELD(plan_freeze, reason),
     NAME,
     .example = "year end",
     .text = "For those who ask why it holds."},
};
static const struct section freeze_section = {
    SECTION(freeze_rows),
    .size = sizeof(struct plan_freeze),
    .text = "A window that is open then is no help.",
};
static const struct setting freeze_row = {
    .key = "freezes", .type = &schema_map, .section = &freeze_section, .text = "A freeze."};

/* ---- the plan ---- */

static const struct setting plan_rows[] = {
    {.key = "name",
     .type = &type_name,
     FIELD(plan, name),
     NAME,
     .required = true,
     .example = "ec2-to-fargate",
     .text = "Its name wherever the rollout is shown."},
    {.key = "stable",
     .type = &type_name,
     FIELD(plan, stable),
     NAME,
     .inherits = "whatever the route has",
     .example = "ec2",
     .text = "The stable group of the route, if the plan is to fit no other."},
    {.key = "canary",
     .type = &type_name,
     FIELD(plan, canary),
     NAME,
     .inherits = "whatever the route has",
     .example = "fargate",
     .text = "The canary group of the route, if the plan is to fit no other."},
    {.key = "judge",
     .type = &type_word,
     FIELD(plan, judge),
     .words = &judge_kind_words,
     .fallback = "penstock",
     .text =
         "Who gives the verdict. The others are there to compare with: nobody knows how often they send a "
         "healthy canary back."},
    {.key = "threshold",
     .type = &schema_map,
     FIELD(plan, threshold),
     .section = &threshold_section,
     .text = "The schedule of the judge threshold; the limits stand in the metrics."},
    {.key = "flagger",
     .type = &schema_map,
     FIELD(plan, flagger),
     .section = &flagger_section,
     .text = "The schedule of the judge flagger; the limits stand in the metrics."},
    {.key = "onRegression",
     .type = &type_word,
     FIELD(plan, on_regression),
     .words = &on_regression_words,
     .fallback = "rollback",
     .text = "What follows when the canary is worse."},
    {.key = "onInconclusive",
     .type = &type_word,
     FIELD(plan, on_inconclusive),
     .words = &on_inconclusive_words,
     .fallback = "hold",
     .text = "What follows when maxDwell is over without evidence for the next step."},
    {.key = "onNoData",
     .type = &type_fixed_hold,
     .fallback = "hold",
     .text = "Fixed: without requests to judge nothing moves, since silence is no good news."},
    {.key = "onSharedFailure",
     .type = &type_fixed_hold,
     .fallback = "hold",
     .text = "Fixed: while both groups fail nothing moves, since the canary is not the cause."},
    {.key = "analysis",
     .shown = true,
     .type = &schema_map,
     FIELD(plan, analysis),
     .section = &analysis_section,
     .text = "How the canary is judged."},
    {.key = "windows",
     .shown = true,
     .type = &schema_list,
     LIST_INSIDE(plan, windows),
     .max = PLAN_WINDOWS_MAX,
     .item = &window_row,
     .text = "Times of the week, for steps to name."},
    {.key = "freezes",
     .type = &schema_list,
     LIST_INSIDE(plan, freezes),
     .max = PLAN_FREEZES_MAX,
     .item = &freeze_row,
     .text = "Times in which nothing goes forward."},
    {.key = "steps",
     .type = &schema_list,
     LIST_INSIDE(plan, steps),
     .required = true,
     .min = 1,
     .max = PLAN_STEPS_MAX,
     .item = &step_row,
     .word = "auto",
     .text = "The way from 0 to 100; auto is the way of the reference plan."},
    {.key = "ramp",
     .type = &schema_map,
     FIELD(plan, ramp),
     .section = &ramp_section,
     .text = "How raises are made."},
    {.key = "watch",
     .type = &schema_map,
     FIELD(plan, watch),
     .section = &watch_section,
     .text = "How the canary is watched at 100; false: it is not."},
    {.key = "rollback",
     .type = &schema_map,
     FIELD(plan, rollback),
     .section = &rollback_section,
     .text = "How the way back is made."},
    {.key = "shield",
     .type = &schema_map,
     .section = &shield_section,
     .text = "Requests that the canary fails are tried once more on stable."},
    {.key = "exposureBudget",
     .type = &schema_map,
     .section = &budget_section,
     .text = "A hard limit on the harm of the whole rollout; without it there is none."},
};
const struct section plan_section = {SECTION(plan_rows), .size = sizeof(struct plan)};
