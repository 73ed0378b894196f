#include "decide/external.h"

#include "base/clk.h"
#include "decide/look.h"

#include <math.h>
#include <stdio.h>

/* ---- answers ---- */

static bool is_within(const struct plan_limits *limits, double value)
{
    return !(value < limits->min) && !(value > limits->max); /* a bound that is NAN is none */
}

/* True: beyond the bounds. */
static bool take(struct external *external, const struct plan_limits *limits,
                 const struct external_answer *answer)
{
    external->age_ns = answer->age_ns;
    external->why[0] = '\0';
    if (!answer->known) {
        external->state = EXTERNAL_NO_DATA;
        snprintf(external->why, sizeof(external->why), "%s", answer->why ? answer->why : "");
        return false;
    }
    external->value = answer->value;
    external->state = is_within(limits, answer->value) ? EXTERNAL_GOOD : EXTERNAL_BAD;
    return external->state == EXTERNAL_BAD;
}

uint32_t externals_take(struct externals *externals, const struct plan *plan,
                        const struct external_answer *answers, int64_t dt_ns, bool counts)
{
    uint32_t counted = 0;

    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        struct external *external = &externals->now[i];

        external->age_ns += dt_ns;
        if (plan->analysis.metrics[i].type != METRIC_EXTERNAL || !answers[i].given)
            continue;
        if (!take(external, &plan->analysis.metrics[i].limits, &answers[i]) || !counts)
            continue;
        externals->failed[i]++;
        counted |= UINT32_C(1) << i;
    }
    return counted;
}

/* More failures than the metric's limit allows. */
static bool is_over(const struct externals *externals, const struct plan *plan, size_t index)
{
    int32_t limit = plan->analysis.metrics[index].limits.failure_limit;

    return limit >= 0 && externals->failed[index] > (uint32_t)limit;
}

static bool acts(const struct plan_metric *metric)
{
    return metric->type == METRIC_EXTERNAL && !metric->dry_run;
}

static int first_over(const struct externals *externals, const struct plan *plan)
{
    for (size_t i = 0; i < plan->analysis.metrics_len; i++)
        if (acts(&plan->analysis.metrics[i]) && is_over(externals, plan, i))
            return (int)i;
    return -1;
}

bool externals_are_over(const struct externals *externals, const struct plan *plan)
{
    return first_over(externals, plan) >= 0;
}

/* ---- looks ---- */

/* "error_budget: 0.031 is above max 0.02". A failure may be older than the last value. */
static void say_value(struct look *look, size_t index)
{
    const struct plan_metric *metric = &look->plan->analysis.metrics[index];
    const struct external *external = &look->r->externals.now[index];

    decision_say(look->d, "%s: ", metric->name);
    if (external->state == EXTERNAL_BAD && external->value > metric->limits.max)
        decision_say(look->d, "%g is above max %g; ", external->value, metric->limits.max);
    else if (external->state == EXTERNAL_BAD)
        decision_say(look->d, "%g is below min %g; ", external->value, metric->limits.min);
}

static void show(struct look *look, size_t index)
{
    const struct plan_metric *metric = &look->plan->analysis.metrics[index];
    const struct external *external = &look->r->externals.now[index];
    bool known = external->state == EXTERNAL_GOOD || external->state == EXTERNAL_BAD;

    look->d->metric = (int32_t)index;
    snprintf(look->d->metric_name, sizeof(look->d->metric_name), "%s", metric->name);
    look->d->external = (struct decision_external){.given = true,
                                                   .value = known ? external->value : NAN,
                                                   .min = metric->limits.min,
                                                   .max = metric->limits.max,
                                                   .failed = look->r->externals.failed[index],
                                                   .failure_limit = metric->limits.failure_limit};
}

int look_external_over(struct look *look)
{
    int index = first_over(&look->r->externals, look->plan);
    const struct plan_metric *metric = &look->plan->analysis.metrics[index < 0 ? 0 : index];
    uint32_t failed;

    if (index < 0)
        return -1;
    failed = look->r->externals.failed[index];
    show(look, (size_t)index);
    say_value(look, (size_t)index);
    decision_say(look->d, "beyond its bounds %u time%s, failureLimit allows %d", failed,
                 failed == 1 ? "" : "s", (int)metric->limits.failure_limit);
    return index;
}

/* Why the metric does not let it go on; false: it does. */
static bool say_wait(struct look *look, size_t index)
{
    const struct plan_limits *limits = &look->plan->analysis.metrics[index].limits;
    const struct external *external = &look->r->externals.now[index];
    bool idle = look->r->weight == 0; /* what the canary's own metrics say is nothing yet */
    char age[DECISION_NUMBER_LEN], interval[DECISION_NUMBER_LEN];

    decision_time(external->age_ns, age);
    decision_time(limits->interval_ns, interval);
    switch (external->state) {
    case EXTERNAL_BAD:
        say_value(look, index);
        if (limits->failure_limit < 0)
            decision_say(look->d, "it moves on when it is within its bounds again");
        else
            decision_say(look->d, "failure %u, more than %d send the canary back",
                         look->r->externals.failed[index], (int)limits->failure_limit);
        return true;
    case EXTERNAL_NO_DATA:
        say_value(look, index);
        decision_say(look->d, "the query has no data: %s", external->why);
        return !idle;
    case EXTERNAL_UNKNOWN:
        say_value(look, index);
        decision_say(look->d, "the query has not been answered yet; it is asked every %s", interval);
        return !idle;
    case EXTERNAL_GOOD:
        break;
    }
    if (external->age_ns <= 2 * limits->interval_ns && external->age_ns <= look->r->raise_ns)
        return false;
    say_value(look, index);
    decision_say(look->d, "the last value, %g, is %s old, and %s; it is asked for every %s", external->value,
                 age,
                 external->age_ns > look->r->raise_ns ? "was asked for before the weight was raised"
                                                      : "nothing newer has come",
                 interval);
    return !idle;
}

bool look_external(struct look *look)
{
    for (size_t i = 0; i < look->plan->analysis.metrics_len; i++) {
        if (!acts(&look->plan->analysis.metrics[i]))
            continue;
        if (say_wait(look, i)) {
            show(look, i);
            return look_hold(look, REASON_EXTERNAL);
        }
        look->d->text[0] = '\0';
    }
    return false;
}
