#include "conf/plan_table.h"

#include "base/clk.h"
#include "conf/plan_types.h"
#include "conf/types.h"
#include "decide/plan.h"

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

/* ---- webhooks ---- */

static void before_webhook(struct schema_reader *reader, void *at)
{
    (void)reader;
    plan_webhook_init(at, WEBHOOK_CONFIRM);
}

/* Keys that only one kind of webhook has a use for. */
static void check_webhook(struct schema_reader *reader, const struct tree *map, void *at)
{
    bool event = ((const struct plan_webhook *)at)->type == WEBHOOK_EVENT;

    if (!event && tree_find(map, "on"))
        schema_problem(reader, CONF_WARNING, tree_within(map, "on"),
                       "on: it means nothing to webhooks of another type than event; remove it");
    if (event && tree_find(map, "interval"))
        schema_problem(reader, CONF_WARNING, tree_within(map, "interval"),
                       "interval: it means nothing to webhooks of type event, which are told when there is "
                       "something to tell; remove it");
}

static const struct setting on_row = {.key = "on",
                                      .type = &type_word,
                                      .width = sizeof(uint32_t),
                                      .words = &action_words,
                                      .text = "What was decided."};
static const struct setting webhook_rows[] = {
    {.key = "name",
     .type = &type_name,
     FIELD(plan_webhook, name),
     NAME,
     .required = true,
     .example = "load-test",
     .text = "What steps and decisions call it."},
    {.key = "type",
     .type = &type_word,
     FIELD(plan_webhook, type),
     .words = &webhook_type_words,
     .required = true,
     .example = "confirm",
     .text = "What its answer is for."},
    {.key = "url",
     .type = &type_string,
     FIELD(plan_webhook, url),
     NAME,
     .max = PLAN_URL_MAX - 1,
     .required = true,
     .example = "http://127.0.0.1:9000/gate",
     .text = "Where it is asked or told, by a POST over HTTP or HTTPS. Redirects are not followed. Whoever "
             "may see the rollout sees its plan, so an address that is a secret belongs to notify in the "
             "configuration."},
    {.key = "on",
     .type = &schema_list,
     LIST_INSIDE(plan_webhook, on),
     .min = 1,
     .max = PLAN_WEBHOOK_ACTIONS,
     .item = &on_row,
     .words = &action_words,
     .inherits = "all of them",
     .example = "[forward, rollback, promote]",
     .text = "event: of which decisions; of holds only those that someone may have to see to, as notify has "
             "them by default."},
    {.key = "timeout",
     .type = &type_duration,
     FIELD(plan_webhook, timeout_ns),
     .min = S / 10,
     .max = 60 * S,
     .fallback = "10s",
     .text = "For a whole answer."},
    {.key = "interval",
     .type = &type_duration,
     FIELD(plan_webhook, interval_ns),
     .min = S,
     .max = HOUR,
     .fallback = "10s",
     .text = "confirm and rollback: how often it is asked. An answer counts until the next one, and for two "
             "intervals at most."},
    {.key = "retries",
     .type = &type_count,
     FIELD(plan_webhook, retries),
     .min = 0,
     .max = 10,
     .fallback = "2",
     .text =
         "event: so many times it is told again, with growing pauses, after no answer, a 5xx, 408, 425 or "
         "429; then the event is dropped, which the log says. confirm and rollback: after no answer or a "
         "5xx, which hold at once, it is asked again so many times, a second apart, before the interval is "
         "waited for."},
};
static const struct section webhook_section = {
    SECTION(webhook_rows),
    .size = sizeof(struct plan_webhook),
    .before = before_webhook,
    .check = check_webhook,
    .text =
        "One that confirms is asked when its step waits for nothing else but evidence, and until the step is "
        "left: any "
        "other answer than 2xx, and none at all, means hold. One of type rollback is asked while the canary "
        "has requests. Each "
        "gets JSON as Flagger sends it: name is the route, namespace the service, phase the state, checksum "
        "the plan's; metadata has "
        "webhook, type, rollout, plan, step, weight, stable and canary. One of type event is told of the "
        "decisions of this rollout, with the record as GET /v1/decisions has it, in order; whether it hears "
        "of them changes nothing. All are signed when the configuration has webhooks.secret.",
};
static const struct setting webhook_row = {
    .key = "webhooks", .type = &schema_map, .section = &webhook_section, .text = "A webhook."};

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
     .section = &plan_threshold_section,
     .text = "The schedule of the judge threshold, and limits for its metrics."},
    {.key = "flagger",
     .type = &schema_map,
     FIELD(plan, flagger),
     .section = &plan_flagger_section,
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
     .section = &plan_analysis_section,
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
    {.key = "webhooks",
     .type = &schema_list,
     LIST_INSIDE(plan, webhooks),
     .max = PLAN_WEBHOOKS_MAX,
     .item = &webhook_row,
     .text = "Programs that are asked whether it may go on, or has to go back, or that are told."},
    {.key = "steps",
     .type = &schema_list,
     LIST_INSIDE(plan, steps),
     .required = true,
     .min = 1,
     .max = PLAN_STEPS_MAX,
     .item = &plan_step_row,
     .word = "auto",
     .text = "The way from 0 to 100; auto is the way of the reference plan."},
    {.key = "ramp",
     .type = &schema_map,
     FIELD(plan, ramp),
     .section = &plan_ramp_section,
     .text = "How raises are made."},
    {.key = "watch",
     .type = &schema_map,
     FIELD(plan, watch),
     .section = &plan_watch_section,
     .text = "How the canary is watched at 100; false: it is not."},
    {.key = "rollback",
     .type = &schema_map,
     FIELD(plan, rollback),
     .section = &plan_rollback_section,
     .text = "How the way back is made."},
    {.key = "sessionAffinity",
     .type = &schema_map,
     .section = &plan_affinity_section,
     .inherits = "affinity of the route",
     .text = "Clients stay on their side."},
    {.key = "shield",
     .type = &schema_map,
     .section = &plan_shield_section,
     .text = "Requests that the canary fails are tried once more on stable."},
    {.key = "exposureBudget",
     .type = &schema_map,
     .section = &plan_budget_section,
     .text = "A hard limit on the harm of the whole rollout; without it there is none."},
};
const struct section plan_section = {SECTION(plan_rows), .size = sizeof(struct plan)};
