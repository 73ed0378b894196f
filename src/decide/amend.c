#include "decide/amend.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct amend {
    const struct rollout *r;
    const struct plan *old, *plan;
    int32_t reached; /* the last step that has begun; -1: none */
    char *why;
};

/* Always false. */
static bool refuse(const struct amend *amend, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool refuse(const struct amend *amend, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(amend->why, ROLLOUT_WHY_MAX, fmt, args);
    va_end(args);
    return false;
}

static bool has_a_future(const struct amend *amend)
{
    switch (amend->r->state) {
    case ROLLOUT_PENDING:
    case ROLLOUT_RUNNING:
    case ROLLOUT_PAUSED:
    case ROLLOUT_RETREATING:
    case ROLLOUT_HELD:
    case ROLLOUT_WATCHING:
    case ROLLOUT_PROBING:
    case ROLLOUT_QUARANTINED:
        return true;
    case ROLLOUT_ROLLING_BACK:
    case ROLLOUT_ROLLED_BACK:
    case ROLLOUT_PROMOTED:
        break;
    }
    return refuse(amend,
                  "the rollout is %s, and nothing is to come that a plan could change: start a new one",
                  word_name(&rollout_state_words, amend->r->state));
}

/* ---- what is judged ---- */

/* The limits of the gate decide on the way forward only, so they are no part of it; nor is what an external
 * metric asks. */
static bool same_metric(const struct plan_metric *a, const struct plan_metric *b)
{
    struct plan_metric copy = *b;

    if (a->type == METRIC_EXTERNAL) /* falseRollback says nothing about it */
        copy.limits = a->limits;
    copy.max_excess = a->max_excess;
    copy.max_excess_per_hour = a->max_excess_per_hour;
    return memcmp(a, &copy, sizeof(copy)) == 0;
}

static bool same_question(const struct plan_analysis *a, const struct plan_analysis *b)
{
    if (a->false_rollback != b->false_rollback || a->unit != b->unit ||
        strcmp(a->unit_name, b->unit_name) != 0 || a->unit_window_ns != b->unit_window_ns ||
        a->evaluation_age_ns != b->evaluation_age_ns || a->bin_ns != b->bin_ns ||
        a->bin_cap[0] != b->bin_cap[0] || a->bin_cap[1] != b->bin_cap[1] ||
        a->starting_step != b->starting_step || a->initial_delay_ns != b->initial_delay_ns ||
        a->metrics_len != b->metrics_len)
        return false;
    for (size_t i = 0; i < a->metrics_len; i++) {
        if (!same_metric(&a->metrics[i], &b->metrics[i]))
            return false;
    }
    return true;
}

static bool judges_the_same(const struct amend *amend)
{
    const struct plan *a = amend->old, *b = amend->plan;

    if (strcmp(a->name, b->name) != 0)
        return refuse(amend, "the rollout follows the plan %s, and this is %s: start a new rollout for it",
                      a->name, b->name);
    if (a->judge == b->judge && same_question(&a->analysis, &b->analysis) &&
        memcmp(&a->threshold, &b->threshold, sizeof(a->threshold)) == 0 &&
        memcmp(&a->flagger, &b->flagger, sizeof(a->flagger)) == 0)
        return true;
    return refuse(amend,
                  "what is judged cannot change while it runs, or falseRollback would hold for neither "
                  "plan; of the analysis only maxExcess, maxExcessPerHour, forward, falsePromote, "
                  "shapeHoldMax and what external metrics ask can: abort it and start a new rollout");
}

/* ---- what is in force already ---- */

static bool same_gate(const struct plan_analysis *a, const struct plan_analysis *b)
{
    for (size_t i = 0; i < a->metrics_len; i++) {
        if (memcmp(&a->metrics[i], &b->metrics[i], sizeof(a->metrics[i])) != 0)
            return false;
    }
    return a->forward == b->forward && a->false_promote == b->false_promote &&
           a->shape_hold_max_ns == b->shape_hold_max_ns;
}

/* The first step that has begun and is another now; -1: none is. */
static int32_t changed_step(const struct amend *amend)
{
    for (int32_t i = 0; i <= amend->reached; i++) {
        if ((size_t)i >= amend->plan->steps_len ||
            memcmp(&amend->old->steps[i], &amend->plan->steps[i], sizeof(amend->old->steps[i])) != 0)
            return i;
    }
    return -1;
}

#define SAME(member) (memcmp(&amend->old->member, &amend->plan->member, sizeof(amend->old->member)) == 0)
static bool changes_the_future_only(const struct amend *amend)
{
    int32_t step = changed_step(amend);
    const char *what = !SAME(on_inconclusive)                                      ? "onInconclusive"
                       : !SAME(ramp)                                               ? "ramp"
                       : !SAME(watch)                                              ? "watch"
                       : !SAME(rollback)                                           ? "rollback"
                       : !SAME(exposure_canary_errors)                             ? "exposureBudget"
                       : !SAME(affinity)                                           ? "sessionAffinity"
                       : !SAME(shield)                                             ? "shield"
                       : !SAME(webhooks)                                           ? "webhooks"
                       : !same_gate(&amend->old->analysis, &amend->plan->analysis) ? "analysis"
                                                                                   : NULL;

    if (step >= 0)
        return refuse(amend,
                      "steps[%d] has begun, and only later ones may be others; force changes it all the "
                      "same",
                      (int)step);
    if (what)
        return refuse(amend,
                      "%s is in force already, and only later steps, windows and freezes may be others; "
                      "force changes it all the same",
                      what);
    return true;
}
#undef SAME

/* ---- the place in the new plan ---- */

/* The step with this weight, or -1. */
static int32_t step_with(const struct plan *plan, uint32_t weight)
{
    for (size_t i = 0; i < plan->steps_len; i++) {
        if (plan->steps[i].kind == STEP_WEIGHT && plan->steps[i].weight == weight)
            return (int32_t)i;
    }
    return -1;
}

static bool find_place(const struct amend *amend, int32_t *step_r)
{
    char percent[PLAN_PERCENT_LEN];
    uint32_t weight;

    *step_r = amend->reached;
    if (changed_step(amend) < 0)
        return true;
    if (amend->r->weight_step < 0)
        return refuse(amend, "no weight was set yet, so the steps up to steps[%d] have to stay as they are",
                      (int)amend->reached);
    weight = amend->old->steps[amend->r->weight_step].weight;
    *step_r = step_with(amend->plan, weight);
    return *step_r >= 0 ||
           refuse(amend, "the rollout stands at the step with the weight %s: the plan needs one with it",
                  plan_percent(weight, percent));
}

/* A raise after a retreat may stand between two steps. */
static bool rises_from_here(const struct amend *amend, int32_t step)
{
    size_t next = plan_next_weight_step(amend->plan, (size_t)(step + 1));
    char here[PLAN_PERCENT_LEN], there[PLAN_PERCENT_LEN];

    if (amend->r->manual || step < 0 || next >= amend->plan->steps_len ||
        amend->plan->steps[next].weight > amend->r->target)
        return true;
    return refuse(amend, "steps[%zu]: %s is not above the present weight %s", next,
                  plan_percent(amend->plan->steps[next].weight, there), plan_percent(amend->r->target, here));
}

/* Both NAN: there is no bound. */
static bool same_bound(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* The same number, held against the same bounds. How often it is asked, and what its failures lead to, leave
 * those that were counted what they are. */
static bool asks_the_same(const struct plan_limits *a, const struct plan_limits *b)
{
    return strcmp(a->source, b->source) == 0 && strcmp(a->query, b->query) == 0 &&
           same_bound(a->min, b->min) && same_bound(a->max, b->max);
}

/* What another query has answered, or what other bounds were held against. */
static void forget_answers(struct rollout *rollout, const struct amend *amend)
{
    for (size_t i = 0; i < amend->plan->analysis.metrics_len; i++) {
        if (asks_the_same(&amend->old->analysis.metrics[i].limits, &amend->plan->analysis.metrics[i].limits))
            continue;
        rollout->externals.failed[i] = 0;
        rollout->externals.now[i] = (struct external){0};
    }
}

bool rollout_amend(struct rollout *rollout, const struct plan *old, const struct plan *plan, bool force,
                   char why[static ROLLOUT_WHY_MAX])
{
    bool begins = rollout->state == ROLLOUT_PENDING || rollout->state == ROLLOUT_QUARANTINED;
    struct amend amend = {
        .r = rollout, .old = old, .plan = plan, .reached = begins ? -1 : rollout->step, .why = why};
    int32_t step;

    why[0] = '\0';
    if (!has_a_future(&amend) || !judges_the_same(&amend) || (!force && !changes_the_future_only(&amend)) ||
        !find_place(&amend, &step) || !rises_from_here(&amend, step))
        return false;
    forget_answers(rollout, &amend);
    if (begins || changed_step(&amend) >= 0) {
        rollout->step = rollout->weight_step = step;
        rollout->approved = rollout->skip = false;
    }
    return true;
}
