#include "decide/judge.h"

#include "decide/guard.h"

#include <math.h>
#include <string.h>

/* Section 2.2 of the method: no part may grow beyond its share, so that all together stay at 1 or less. */
const double judge_mass_max[JUDGE_MASSES] = {
    [JUDGE_MASS_START] = 0.55, [JUDGE_MASS_SMOKE] = 0.05, [JUDGE_MASS_RAISE] = 0.2,
    [JUDGE_MASS_TIME] = 0.05,  [JUDGE_MASS_PROBE] = 0.15,
};

static const double gate_growth = 1.06; /* of the canary's requests from look to look */
const double judge_gate_slack = 3;

/* Slow answers in a grace, beyond what is usual, up to which it was calm: times 1 - objective, and a share.
 */
static const double calm_excess = 3, calm_excess_max = 0.05;

static const double early_part = 0.5, early_lead = 10; /* p and K of struct judge_metric */
static const double ln_e_max = 600;                    /* so that sums stay finite */
static const double ln_e_min = -300;                   /* below it there is nothing to show */

static double share_of(uint32_t weight)
{
    return (double)weight / PLAN_WEIGHT_ALL;
}

static double bad_share(uint64_t bad, uint64_t requests)
{
    return requests ? (double)bad / (double)requests : 0;
}

/* A probe is begun when the canary has just been bad, and so in the middle of a burst, if that was one: there
 * time alone does not tell. */
static struct evidence_rule rule_of(const struct plan *plan, const struct plan_metric *metric,
                                    const struct judge_context *context)
{
    if (plan_metric_is_guard(metric))
        return guard_rule(plan, metric);
    return (struct evidence_rule){.tolerance = fmax(metric->tolerance, context->tolerance_least),
                                  .floor = metric->floor,
                                  .cap = {plan->analysis.bin_cap[0], plan->analysis.bin_cap[1]},
                                  .bin_ns = plan->analysis.bin_ns,
                                  .lasting = !context->present_only};
}

void judge_init(struct judge *judge, const struct plan *plan)
{
    memset(judge, 0, sizeof(*judge));
    judge->threshold = 1 / plan->analysis.false_rollback;
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        evidence_init(&judge->metrics[i].evidence);
        evidence_init(&judge->metrics[i].early);
        judge->metrics[i].proven = 1;
    }
}

static void add_mass(struct judge_metric *metric, double g)
{
    evidence_add_mass(&metric->evidence, g);
    evidence_add_mass(&metric->early, g);
}

/* What the ledger still has for a part. The state of an earlier version may have spent more on another one
 * than that has now. */
static double left_for(const struct judge *judge, enum judge_mass part)
{
    double left = 1;

    for (size_t i = 0; i < JUDGE_MASSES; i++)
        left -= judge->spent[i];
    return fmax(fmin(judge_mass_max[part] - judge->spent[part], left), 0);
}

void judge_add_mass(struct judge *judge, enum judge_mass part, double g)
{
    g = fmin(g, left_for(judge, part));
    if (g <= 0)
        return;
    judge->spent[part] += g;
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++)
        add_mass(&judge->metrics[i], g);
}

void judge_restart(struct judge *judge, double g, double e)
{
    judge->threshold = e;
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        evidence_init(&judge->metrics[i].evidence);
        evidence_init(&judge->metrics[i].early);
        add_mass(&judge->metrics[i], g);
        judge->metrics[i].past = (struct evidence_past){0};
    }
}

double judge_probe(struct judge *judge, double g, const struct plan *plan)
{
    g = fmin(g, left_for(judge, JUDGE_MASS_PROBE));
    judge->spent[JUDGE_MASS_PROBE] += g;
    judge_restart(judge, g, 1 / plan->analysis.false_rollback);
    return g;
}

static void new_gate(struct judge_metric *metric)
{
    metric->step = (struct evidence_counts){0};
    metric->gate_requests = 0;
    metric->gate_pass = false;
}

void judge_new_step(struct judge *judge)
{
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        new_gate(&judge->metrics[i]);
        judge->metrics[i].grace = (struct evidence_counts){0};
    }
}

void judge_prove(struct judge *judge)
{
    for (size_t i = 0; i < PLAN_METRICS_MAX; i++) {
        struct judge_metric *metric = &judge->metrics[i];
        const struct evidence_counts *step = &metric->step;

        metric->proven = evidence_upper((double)step->canary_bad, (double)step->canary_requests);
        evidence_past_add(&metric->past, &metric->grace);
        evidence_past_add(&metric->past, step);
    }
}

double judge_calm_excess(const struct plan_metric *metric)
{
    return fmin(calm_excess * (1 - metric->objective), calm_excess_max);
}

/* A cold start ends: slow answers that go on behind the grace are none, and stable's are not either. */
static bool was_calm(const struct judge_metric *state, const struct plan_metric *metric)
{
    const struct evidence_counts *grace = &state->grace, *step = &state->step;
    double upper = evidence_upper((double)grace->canary_bad, (double)grace->canary_requests);
    double usual = fmax(bad_share(grace->stable_bad, grace->stable_requests),
                        bad_share(step->canary_bad, step->canary_requests));

    return upper <= usual + judge_calm_excess(metric);
}

bool judge_grace_was_calm(const struct judge *judge, const struct plan *plan)
{
    bool calm = false;

    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];

        if (metric->type != METRIC_LATENCY_SLO || metric->dry_run)
            continue;
        if (!was_calm(&judge->metrics[i], metric))
            return false;
        calm = true;
    }
    return calm;
}

/* Requests less the bad ones of units that had counted already. */
static uint64_t units_of(const struct tally_metric *metric)
{
    uint64_t again = metric->raw_bad - metric->bad;

    return metric->requests > again ? metric->requests - again : 0;
}

static void count(struct evidence_counts *counts, const struct tally_metric *canary,
                  const struct tally_metric *stable)
{
    counts->canary_requests += canary->requests;
    counts->canary_bad += canary->bad;
    counts->canary_units += units_of(canary);
    counts->stable_requests += stable->requests;
    counts->stable_bad += stable->bad;
    counts->stable_units += units_of(stable);
}

/* Slow answers right after a raise may be a cold start; errors are forgiven only after a retreat. */
static bool is_forgiven(const struct plan_metric *metric, const struct judge_context *context)
{
    if (!context->grace)
        return false;
    return metric->type == METRIC_LATENCY_SLO || plan_metric_is_guard(metric) || context->grace_errors;
}

static void feed_metric(struct judge_metric *state, const struct plan_metric *metric,
                        const struct evidence_rule *rule, const struct judge_context *context,
                        const struct tally *tally, size_t index)
{
    const struct tally_metric *canary = &tally->canary.metrics[index];
    const struct tally_metric *stable = &tally->stable.metrics[index];
    bool forgiven = is_forgiven(metric, context), present = tally->pairs || tally->weight == context->weight;

    /* At weight 0 a dry run looks at mirrored requests alone, the others at none of them. */
    if (metric->dry_run ? tally->weight == 0 : tally->pairs)
        return;
    count(&state->total, canary, stable);
    if (present)
        count(forgiven ? &state->grace : &state->step, canary, stable);
    if (!context->judged || (context->present_only && !present))
        return;
    if (forgiven && context->grace_errors) /* what is left of the trouble that it retreated from */
        return;
    struct evidence_events events = {
        .w = share_of(tally->weight),
        .canary_bad = canary->bad,
        .stable_bad = stable->bad,
        .canary_good = canary->requests > canary->raw_bad ? canary->requests - canary->raw_bad : 0,
        .canary_requests = canary->requests,
    };
    evidence_feed(&state->early, rule, &events);
    if (!forgiven)
        evidence_feed(&state->evidence, rule, &events);
}

void judge_feed(struct judge *judge, const struct plan *plan, const struct judge_context *context,
                const struct tally *tallies, size_t len)
{
    const struct plan_analysis *analysis = &plan->analysis;

    for (size_t i = 0; i < analysis->metrics_len; i++) {
        const struct plan_metric *metric = &analysis->metrics[i];
        struct evidence_rule rule = rule_of(plan, metric, context);

        if (metric->type == METRIC_EXTERNAL)
            continue;
        evidence_pass(&judge->metrics[i].evidence, &rule, context->dt_ns);
        evidence_pass(&judge->metrics[i].early, &rule, context->dt_ns);
        for (size_t t = 0; t < len; t++)
            feed_metric(&judge->metrics[i], metric, &rule, context, &tallies[t], i);
    }
}

/* ---- the verdict ---- */

/* B: the share of all requests that a raise may add, or a few an hour where that is more. */
static double gate_budget(const struct plan_metric *metric, double rate)
{
    double few = rate > 0 ? metric->max_excess_per_hour / (3600 * rate) : 0;

    return fmin(fmax(metric->max_excess, few), 1);
}

/* With half of the traffic and more on the canary, stable's share of slow answers is too noisy a measure. */
static double stable_least(const struct plan_metric *metric, uint32_t weight)
{
    bool high = metric->type == METRIC_LATENCY_SLO && weight >= PLAN_WEIGHT_ALL / 2;

    return high ? 0.5 * (1 - metric->objective) : 0;
}

/* By the exact form at each look, since it may be looked at at any time. */
static void look_at_exact(struct judge_metric *state, const struct plan_analysis *analysis,
                          const struct judge_context *context, struct verdict_metric *verdict)
{
    evidence_gate_exact(&verdict->gate, &state->step, share_of(context->weight), 1 / analysis->false_promote);
    state->gate_requests = state->step.canary_requests;
    state->gate_pass = verdict->gate.pass && state->gate_requests >= JUDGE_GATE_LEAST;
    verdict->gate_pass = state->gate_pass;
}

/*
 * Whether the next raise is safe. What the canary has done at this weight, behind the grace, says so alone;
 * or all that it has done so far says so, which is known much sooner, while this weight does not speak
 * against it. Where a cold start or an old trouble is in the way of the second, the first is what is waited
 * for.
 */
static struct evidence_gate gate_of(const struct judge_metric *state, const struct plan_metric *metric,
                                    const struct judge_context *context)
{
    double w_next = share_of(context->weight_next), budget = gate_budget(metric, context->rate);
    double stable = stable_least(metric, context->weight);
    struct evidence_past past = state->past;
    struct evidence_gate alone = evidence_gate(&state->step, NULL, w_next, budget, stable);
    struct evidence_gate least = evidence_gate(&state->step, NULL, w_next, judge_gate_slack * budget, stable);
    struct evidence_gate all;
    uint64_t seen;

    evidence_past_add(&past, &state->grace);
    all = evidence_gate(&state->step, &past, w_next, budget, stable);
    all.pass &= least.pass;
    seen = (uint64_t)past.requests;
    if (all.need < UINT64_MAX) /* of this step */
        all.need = all.need > seen ? all.need - seen : 0;
    if (all.need < least.need)
        all.need = least.need;
    return alone.pass || (!all.pass && alone.need <= all.need) ? alone : all;
}

static void look_at_gate(struct judge_metric *state, const struct plan_analysis *analysis,
                         const struct plan_metric *metric, const struct judge_context *context,
                         struct verdict_metric *verdict)
{
    uint64_t n = state->step.canary_requests;
    uint64_t next = (uint64_t)ceil((double)state->gate_requests * gate_growth);

    verdict->gate = gate_of(state, metric, context);
    verdict->gate_used =
        !metric->dry_run && metric->max_excess < 1 && context->weight > 0 && context->weight_next > 0;
    if (analysis->forward == FORWARD_E_VALUE && context->weight < PLAN_WEIGHT_ALL) {
        look_at_exact(state, analysis, context, verdict);
        return;
    }
    if (n >= JUDGE_GATE_LEAST && n >= next) {
        state->gate_requests = n;
        state->gate_pass = verdict->gate.pass;
    }
    verdict->gate_pass = state->gate_pass;
    next = (uint64_t)ceil((double)state->gate_requests * gate_growth);
    if (verdict->gate.need < next)
        verdict->gate.need = next;
    if (verdict->gate.need < JUDGE_GATE_LEAST)
        verdict->gate.need = JUDGE_GATE_LEAST;
}

/* The metric whose gate needs the most requests; -1 when all have passed. */
static int farthest_gate(const struct verdict *verdict, const struct judge *judge, size_t len)
{
    int farthest = -1;
    uint64_t most = 0;

    for (size_t i = 0; i < len; i++) {
        const struct verdict_metric *metric = &verdict->metrics[i];
        uint64_t n = judge->metrics[i].step.canary_requests;
        uint64_t missing = metric->gate.need > n ? metric->gate.need - n : 0;

        if (!metric->gate_used || metric->gate_pass || (farthest >= 0 && missing <= most))
            continue;
        farthest = (int)i;
        most = missing;
    }
    return farthest;
}

/* The metric with the most evidence among those that go back, or among those that only hold. */
static int most_evidence(const struct verdict *verdict, const struct plan *plan, bool may_roll_back)
{
    int most = -1;

    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        const struct plan_metric *metric = &plan->analysis.metrics[i];
        const struct verdict_metric *v = &verdict->metrics[i];

        if (!plan_metric_is_judged(metric) || metric->dry_run)
            continue;
        if (plan_metric_may_roll_back(metric) != may_roll_back)
            continue;
        if (most < 0 || v->e * v->share > verdict->metrics[most].e * verdict->metrics[most].share)
            most = (int)i;
    }
    return most;
}

/* Whether failures are at least half of what `slow` holds against the canary, and more than stable has. */
static bool is_mostly_failures(const struct evidence_counts *slow, const struct evidence_counts *failed,
                               double tolerance)
{
    return failed->canary_bad > 0 && 2 * failed->canary_bad >= slow->canary_bad &&
           bad_share(failed->canary_bad, failed->canary_requests) >
               tolerance * bad_share(failed->stable_bad, failed->stable_requests);
}

/* What a rollback is put down to. A failure counts as slow too (decisions.md 2.5), so latency may be ahead
 * where failures are the trouble: then they are named. */
static int cause(const struct judge *judge, const struct plan *plan, int most)
{
    const struct plan_metric *metrics = plan->analysis.metrics;

    if (most < 0 || metrics[most].type != METRIC_LATENCY_SLO)
        return most;
    for (size_t i = 0; i < plan->analysis.metrics_len; i++) {
        if (metrics[i].type == METRIC_ERROR_RATE && plan_metric_may_roll_back(&metrics[i]) &&
            is_mostly_failures(&judge->metrics[most].step, &judge->metrics[i].step, metrics[i].tolerance))
            return (int)i;
    }
    return most;
}

static void decide(struct verdict *verdict, const struct judge *judge, const struct plan *plan)
{
    int back = cause(judge, plan, most_evidence(verdict, plan, true));
    int hold = most_evidence(verdict, plan, false);
    const struct verdict_metric *holds = hold < 0 ? NULL : &verdict->metrics[hold];

    if (verdict->e >= verdict->threshold) {
        verdict->kind = VERDICT_FAIL;
        verdict->metric = back;
        return;
    }
    if (holds && holds->e * holds->share >= verdict->threshold) {
        verdict->kind = VERDICT_FAIL;
        verdict->metric = hold;
        verdict->fail_holds = true;
        return;
    }
    verdict->metric = farthest_gate(verdict, judge, plan->analysis.metrics_len);
    verdict->kind = verdict->metric < 0 ? VERDICT_PASS : VERDICT_UNSURE;
}

static double value_of(double ln)
{
    return ln < ln_e_min ? 0 : exp(fmin(ln, ln_e_max));
}

static double e_of(const struct judge_metric *metric, const struct evidence_rule *rule)
{
    double settled = value_of(evidence_ln(&metric->evidence, rule));
    double early = value_of(evidence_ln(&metric->early, rule));

    return (1 - early_part) * settled + early_part * fmin(early, early_lead * settled);
}

void judge_verdict(struct judge *judge, const struct plan *plan, const struct judge_context *context,
                   struct verdict *verdict_r)
{
    const struct plan_analysis *analysis = &plan->analysis;

    memset(verdict_r, 0, sizeof(*verdict_r));
    verdict_r->threshold = judge->threshold;
    for (size_t i = 0; i < analysis->metrics_len; i++) {
        const struct plan_metric *metric = &analysis->metrics[i];
        struct evidence_rule rule = rule_of(plan, metric, context);
        struct verdict_metric *verdict = &verdict_r->metrics[i];

        if (metric->type == METRIC_EXTERNAL)
            continue;
        verdict->e = e_of(&judge->metrics[i], &rule);
        if (plan_metric_is_guard(metric))
            continue;
        verdict->share = metric->share;
        if (plan_metric_may_roll_back(metric))
            verdict_r->e += verdict->e * verdict->share;
        look_at_gate(&judge->metrics[i], analysis, metric, context, verdict);
    }
    decide(verdict_r, judge, plan);
}
