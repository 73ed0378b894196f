/* The ways forward (decide/look.h): start, what rests, and the checks before each step. */
#include "base/clk.h"
#include "decide/look.h"

#include <math.h>
#include <stdio.h>

static const int64_t quiet_max_ns = 60 * NS_PER_S; /* without a canary request */
static const double suspicion = 0.02;              /* of the threshold: no raise above it */
static const uint64_t traffic_requests = 15;       /* advanceOn: traffic */
static const double rate_known_s = 20;             /* of observed time, before minCanaryRate skips a step */
enum { LOW_WEIGHT = 2500 };                        /* only steps below it are skipped */

static const struct plan_step *present(const struct look *look)
{
    return look->r->step < 0 ? NULL : &look->plan->steps[look->r->step];
}

/* The rule by which the present weight is left: steps behind it (a pause, a header route) keep it. */
static enum advance_rule advance_rule(const struct look *look)
{
    const struct rollout *r = look->r;

    return r->weight_step < 0 ? ADVANCE_TIME : look->plan->steps[r->weight_step].advance_on;
}

/* ---- which step comes next ---- */

/* So little traffic that the step could not decide anything: it is passed over, unless a person or a webhook
 * is asked there. */
static bool is_too_small(const struct rollout *r, const struct plan *plan, size_t step)
{
    const struct plan_step *s = &plan->steps[step];

    if (s->kind != STEP_WEIGHT || s->weight >= LOW_WEIGHT || s->pause != PAUSE_NONE || s->gate[0])
        return false;
    if (step + 1 >= plan->steps_len || plan->steps[step + 1].kind != STEP_WEIGHT)
        return false;
    if (r->weight == 0 || r->rate_seconds < rate_known_s)
        return false;
    return (double)s->weight / PLAN_WEIGHT_ALL * rollout_rate(r) < plan->ramp.min_canary_rate;
}

size_t look_next_step(const struct rollout *rollout, const struct plan *plan)
{
    size_t next = (size_t)(rollout->step + 1);

    while (next < plan->steps_len && is_too_small(rollout, plan, next))
        next++;
    return next;
}

uint32_t look_next_weight(const struct rollout *rollout, const struct plan *plan)
{
    size_t next = plan_next_weight_step(plan, look_next_step(rollout, plan));

    return next < plan->steps_len ? rollout_raise(rollout, plan, next) : 0;
}

/* ---- start ---- */

bool look_start(struct look *look)
{
    struct rollout *r = look->r;
    const struct rollout_input *in = look->in;
    const struct plan_step *first = &look->plan->steps[0];
    char percent[PLAN_PERCENT_LEN];

    if (r->state != ROLLOUT_PENDING)
        return false;
    if (!r->starting) {
        look->d->action = ACTION_NONE;
        return true;
    }
    if (in->stable.healthy == 0 || in->canary.healthy == 0) {
        decision_say(look->d, "waits for a healthy target in each group: %u of %u of %s, %u of %u of %s",
                     in->stable.healthy, in->stable.total, r->stable, in->canary.healthy, in->canary.total,
                     r->canary);
        return look_hold(look, REASON_TARGETS);
    }
    if (r->locked) {
        decision_say(look->d, "%s has locked the weight; it begins after `unlock`", r->locked_by);
        return look_hold(look, REASON_LOCKED);
    }
    snprintf(look->d->actor, sizeof(look->d->actor), "%s", r->actor);
    decision_say(look->d, "%s: first step", r->cause == REASON_NONE ? "started" : "tries again");
    if (first->kind == STEP_WEIGHT)
        decision_say(look->d, ", %s %% to %s", plan_percent(first->weight, percent), r->canary);
    return look_forward_to(look, ACTION_FORWARD, r->cause == REASON_NONE ? REASON_START : REASON_RETRY, 0,
                           first->kind == STEP_WEIGHT ? first->weight : 0);
}

/* ---- S6: what rests until a person comes ---- */

bool look_resting(struct look *look)
{
    const struct rollout *r = look->r;
    char percent[PLAN_PERCENT_LEN];

    if (r->state == ROLLOUT_PAUSED) {
        decision_say(look->d, "%s paused it%s%s; `resume` goes on", r->actor, r->said[0] ? ": " : "",
                     r->said);
        return look_hold(look, REASON_PAUSED);
    }
    if (look_held(look))
        return true;
    if (r->manual && !rollout_is_over(r)) {
        decision_say(look->d, "%s set the weight %s %% by hand; `resume` goes on with the plan", r->paused_by,
                     plan_percent(r->weight, percent));
        return look_hold(look, r->locked ? REASON_LOCKED : REASON_PAUSED);
    }
    return false;
}

/* ---- S7 to S13: what may stand in the way ---- */

static bool is_judged_weight(const struct rollout *r)
{
    return r->weight > 0 && r->weight < PLAN_WEIGHT_ALL;
}

/* S7: stable fails too, so nothing can be learned about the canary. */
static bool hold_incident(struct look *look)
{
    const struct incident *incident = &look->r->incident;
    const int32_t m = incident->metric;
    char stable[DECISION_NUMBER_LEN], canary[DECISION_NUMBER_LEN], time[DECISION_NUMBER_LEN];

    if (!incident->on || !is_judged_weight(look->r))
        return false;
    look_metric(look, m);
    decision_say(
        look->d,
        "%s: %s of the last requests to %s are bad, and %s of those to %s, for %s now; nothing moves "
        "until it is over",
        look->d->metric_name,
        decision_share(incident->stable_bad[m] / fmax(incident->stable_requests[m], 1), stable),
        look->r->stable,
        decision_share(incident->canary_bad[m] / fmax(incident->canary_requests[m], 1), canary),
        look->r->canary, decision_time(incident->age_ns, time));
    return look_hold(look, REASON_SHARED_FAILURE);
}

/* S8: no raise while there is a tenth of the evidence against it. */
static bool hold_suspicion(struct look *look)
{
    const struct verdict *v = &look->verdict;
    int most = -1;

    if (!is_judged_weight(look->r) || v->e < suspicion * v->threshold)
        return false;
    for (size_t i = 0; i < look->plan->analysis.metrics_len; i++) {
        if (v->metrics[i].share > 0 &&
            (most < 0 || v->metrics[i].e * v->metrics[i].share > v->metrics[most].e * v->metrics[most].share))
            most = (int)i;
    }
    look_metric(look, most);
    look_say_counts(look);
    decision_say(look->d, "; evidence %.1f of %.0f against it, no raise from %.0f on", v->e, v->threshold,
                 suspicion * v->threshold);
    return look_hold(look, REASON_NEED_EVIDENCE);
}

/* S9. A step that asks for traffic or time only goes on without. */
static bool hold_no_data(struct look *look)
{
    const struct rollout *r = look->r;
    char time[DECISION_NUMBER_LEN];

    if (!is_judged_weight(r) || r->quiet_ns < quiet_max_ns || advance_rule(look) != ADVANCE_EVIDENCE)
        return false;
    if (look->plan->judge != JUDGE_PENSTOCK) /* it has its own rule for silence */
        return false;
    decision_say(look->d, "no request went to %s for %s; %u of %u of its targets are healthy", r->canary,
                 decision_time(r->quiet_ns, time), look->in->canary.healthy, look->in->canary.total);
    return look_hold(look, REASON_NO_DATA);
}

static bool hold_until(struct look *look, int64_t left_ns, const char *what)
{
    char time[DECISION_NUMBER_LEN];

    look->d->eta_ns = left_ns;
    decision_say(look->d, "%s: %s left", what, decision_time(left_ns, time));
    return look_hold(look, REASON_DWELL);
}

/* S10: the workers, the grace, the least time, a pause with a duration. */
static bool hold_dwell(struct look *look)
{
    const struct rollout *r = look->r;
    const struct plan_step *step = present(look);
    int64_t least_ns, settled_ns = look_settled_ns(r, look->plan);

    if (!step)
        return false;
    if (!r->in_force) {
        decision_say(look->d, "waits until every worker has taken the weight");
        return look_hold(look, REASON_DWELL);
    }
    if (rollout_pause(r, look->plan) == PAUSE_TIME && !r->approved && !r->promote &&
        r->dwell_ns < step->pause_ns)
        return hold_until(look, step->pause_ns - r->dwell_ns, "the step's pause");
    least_ns = step->min_dwell_ns > step->bake_ns ? step->min_dwell_ns : step->bake_ns;
    if (!r->promote && r->dwell_ns < least_ns)
        return hold_until(look, least_ns - r->dwell_ns, "the step's least time");
    if (r->weight == 0 || advance_rule(look) != ADVANCE_EVIDENCE || r->raise_ns >= settled_ns)
        return false;
    return hold_until(look, settled_ns - r->raise_ns,
                      r->raise_ns < r->grace_ns ? "grace after the raise" : "the time after a raise");
}

static bool hold_window(struct look *look, const struct plan_step *next)
{
    const struct plan_window *window = plan_window(look->plan, next->window);
    const struct zone *zone = window ? plan_zone(look->plan, window->zone) : NULL;
    int64_t now_s = look->in->wall_ns / NS_PER_S, open_s;
    char text[WINDOW_TEXT_LEN];

    if (!zone || window_is_open(&window->window, zone, now_s))
        return false;
    open_s = window_next_open_s(&window->window, zone, now_s);
    if (open_s >= 0) {
        look->d->next_wall_ns = open_s * NS_PER_S;
        look->d->eta_ns = (open_s - now_s) * NS_PER_S;
    }
    decision_say(look->d, "outside the window %s; it opens %s", window->name,
                 open_s < 0 ? "never" : window_text(zone, open_s, text));
    return look_hold(look, REASON_WINDOW);
}

static bool hold_freeze(struct look *look)
{
    int64_t now_s = look->in->wall_ns / NS_PER_S, end_s;
    char text[WINDOW_TEXT_LEN];

    for (size_t i = 0; i < look->plan->freezes_len; i++) {
        const struct plan_freeze *freeze = &look->plan->freezes[i];
        const struct zone *zone = plan_zone(look->plan, freeze->zone);

        if (!zone || !freeze_is_on(&freeze->freeze, zone, now_s))
            continue;
        end_s = freeze_end_s(&freeze->freeze, zone, now_s);
        look->d->next_wall_ns = end_s * NS_PER_S;
        look->d->eta_ns = (end_s - now_s) * NS_PER_S;
        decision_say(look->d, "frozen until %s%s%s", window_text(zone, end_s, text),
                     freeze->reason[0] ? ": " : "", freeze->reason);
        return look_hold(look, REASON_FROZEN);
    }
    return false;
}

static bool hold_approval(struct look *look, uint32_t weight)
{
    const struct rollout *r = look->r;
    char percent[PLAN_PERCENT_LEN], ceiling[PLAN_PERCENT_LEN];

    if (r->approved)
        return false;
    if (rollout_pause(r, look->plan) == PAUSE_APPROVAL && !r->promote) {
        decision_say(look->d, "waits for `penstock rollout approve` before %s %%",
                     plan_percent(look_next_weight(r, look->plan), percent));
        return look_hold(look, REASON_APPROVAL);
    }
    if (r->ceiling == 0 || weight <= r->ceiling)
        return false;
    decision_say(look->d,
                 "a retry goes above the proven %s %% only by hand: `penstock rollout approve` for %s %%",
                 plan_percent(r->ceiling, ceiling), plan_percent(weight, percent));
    return look_hold(look, REASON_APPROVAL);
}

static bool hold_gate(struct look *look)
{
    const char *name = rollout_gate(look->r, look->plan);

    if (!name || look->in->gate == GATE_YES || look->r->promote || look->r->approved)
        return false;
    decision_say(look->d, "the webhook %s %s%s%s", name,
                 look->in->gate == GATE_NO ? "said no" : "has not answered yet",
                 look->in->gate_text ? ": " : "", look->in->gate_text ? look->in->gate_text : "");
    return look_hold(look, REASON_GATE);
}

static bool hold_lock(struct look *look)
{
    if (!look->r->locked)
        return false;
    decision_say(look->d, "%s has locked the weight; `unlock` goes on", look->r->locked_by);
    return look_hold(look, REASON_LOCKED);
}

/* S12 */
static bool hold_capacity(struct look *look, uint32_t weight)
{
    const struct rollout_targets *canary = &look->in->canary;
    double capacity = look->plan->ramp.capacity > 0 ? look->plan->ramp.capacity : canary->capacity;
    double load = (double)weight / PLAN_WEIGHT_ALL * rollout_rate(look->r);
    char percent[PLAN_PERCENT_LEN];

    if (capacity <= 0 || weight <= look->r->weight || load <= capacity * canary->healthy)
        return false;
    decision_say(
        look->d,
        "%s %% are %.3g requests a second; the %u healthy targets of %s bear %.3g each: %.0f more are "
        "needed",
        plan_percent(weight, percent), load, canary->healthy, look->r->canary, capacity,
        ceil(load / capacity) - canary->healthy);
    return look_hold(look, REASON_CAPACITY);
}

/* S13: the gate's numbers, the missing requests and how long they take. */
static bool hold_evidence(struct look *look, bool late)
{
    const struct verdict_metric *v = &look->verdict.metrics[look->verdict.metric];
    struct decision *d = look->d;
    char upper[DECISION_NUMBER_LEN], stable[DECISION_NUMBER_LEN], budget[DECISION_NUMBER_LEN];
    char need[DECISION_NUMBER_LEN], seen[DECISION_NUMBER_LEN], time[DECISION_NUMBER_LEN];
    double speed = rollout_rate(look->r) * look->r->weight / PLAN_WEIGHT_ALL;
    uint64_t n = look->r->judge.metrics[look->verdict.metric].step.canary_requests;

    look_metric(look, look->verdict.metric);
    d->need = v->gate.need;
    if (v->gate.need == UINT64_MAX)
        d->eta_ns = ROLLOUT_NEVER;
    else if (speed > 0)
        d->eta_ns = (int64_t)fmin((double)(d->need > n ? d->need - n : 0) / speed * NS_PER_S, 1e18);
    if (v->gate.wanted > 0)
        decision_say(d, "%s: evidence %.2g of %g that %s is not twice as bad as %s", d->metric_name,
                     v->gate.e, v->gate.wanted, look->r->canary, look->r->stable);
    else
        decision_say(
            d, "%s: at most %s of the requests to %s are bad, %s to %s; the next step may add %s of all",
            d->metric_name, decision_share(v->gate.upper, upper), look->r->canary,
            decision_share(v->gate.stable, stable), look->r->stable, decision_share(v->gate.budget, budget));
    if (v->gate.need == UINT64_MAX)
        decision_say(d, "; never at these rates, %s requests seen", decision_count(n, seen));
    else
        decision_say(d, "; %s of %s requests seen, about %s left", decision_count(n, seen),
                     decision_count(d->need, need), decision_time(d->eta_ns, time));
    if (late)
        decision_say(d, "; maxDwell is over");
    return look_hold(look, REASON_NEED_EVIDENCE);
}

/* ---- S14 ---- */

static bool go_forward(struct look *look, enum reason reason, size_t next)
{
    const struct rollout *r = look->r;
    const struct plan_step *step = &look->plan->steps[next];
    uint32_t weight = step->kind == STEP_WEIGHT ? rollout_raise(r, look->plan, next) : r->weight;
    bool before = step->kind == STEP_WEIGHT && weight < step->weight; /* a small raise within the step */
    bool all = step->kind == STEP_WEIGHT && weight == PLAN_WEIGHT_ALL;
    char from[PLAN_PERCENT_LEN], to[PLAN_PERCENT_LEN], time[DECISION_NUMBER_LEN];

    if (step->kind == STEP_WEIGHT)
        decision_say(look->d, "%s %% after %s at %s %%", plan_percent(weight, to),
                     decision_time(r->raise_ns, time), plan_percent(r->weight, from));
    else
        decision_say(look->d, "step %zu: %s", next + 1, word_name(&step_kind_words, step->kind));
    if (reason == REASON_MANUAL || reason == REASON_APPROVED) {
        decision_say(look->d, "; %s %s", r->actor, reason == REASON_MANUAL ? "said skip" : "approved");
        snprintf(look->d->actor, sizeof(look->d->actor), "%s", r->actor);
    }
    return look_forward_to(look, all ? ACTION_PROMOTE : ACTION_FORWARD, reason,
                           before ? r->step : (int32_t)next, weight);
}

/* The metric that came closest to its limit tells what the forward rests on. */
static void say_gate(struct look *look)
{
    const struct verdict *v = &look->verdict;
    int most = -1;
    char excess[DECISION_NUMBER_LEN], budget[DECISION_NUMBER_LEN];

    for (size_t i = 0; i < look->plan->analysis.metrics_len; i++) {
        if (!v->metrics[i].gate_used)
            continue;
        if (most < 0 || v->metrics[i].gate.excess / v->metrics[i].gate.budget >
                            v->metrics[most].gate.excess / v->metrics[most].gate.budget)
            most = (int)i;
    }
    if (most < 0)
        return;
    look_metric(look, most);
    look_ratio(look);
    look_say_counts(look);
    if (v->metrics[most].gate.wanted > 0)
        decision_say(look->d, "; evidence %.3g of %g that it is not twice as bad; ", v->metrics[most].gate.e,
                     v->metrics[most].gate.wanted);
    else
        decision_say(look->d, "; the step adds at most %s of all requests, %s are allowed; ",
                     decision_share(v->metrics[most].gate.excess, excess),
                     decision_share(v->metrics[most].gate.budget, budget));
}

/* advanceOn: what the step asks for has come. */
static bool is_satisfied(const struct look *look, const struct plan_step *step, enum reason *reason_r)
{
    const struct rollout *r = look->r;
    uint64_t requests = 0;

    switch (advance_rule(look)) {
    case ADVANCE_EVIDENCE:
        *reason_r = REASON_EVIDENCE;
        return look->verdict.kind == VERDICT_PASS;
    case ADVANCE_TIME:
        *reason_r = REASON_TIME;
        return true;
    case ADVANCE_TRAFFIC:
        break;
    }
    *reason_r = REASON_TRAFFIC;
    if (step->kind != STEP_WEIGHT)
        return true;
    for (size_t i = 0; i < look->plan->analysis.metrics_len; i++) {
        const struct judge_metric *metric = &r->judge.metrics[i];
        uint64_t n = metric->step.canary_requests + metric->grace.canary_requests;

        requests = n > requests ? n : requests;
    }
    *reason_r = requests >= traffic_requests ? REASON_TRAFFIC : REASON_TIME;
    return requests >= traffic_requests || (step->max_dwell_ns && r->dwell_ns >= step->max_dwell_ns);
}

/* maxDwell is over and the gate has not passed. */
static bool be_inconclusive(struct look *look, size_t next)
{
    switch (look->plan->on_inconclusive) {
    case ON_INCONCLUSIVE_HOLD:
        break;
    case ON_INCONCLUSIVE_FORWARD:
        return go_forward(look, REASON_INCONCLUSIVE, next);
    case ON_INCONCLUSIVE_ROLLBACK:
        return look_give_up(look);
    }
    return hold_evidence(look, true);
}

/* Another judge than penstock has not said that the step may be left. */
static bool hold_peer(struct look *look)
{
    look_metric(look, look->verdict.metric);
    peer_say(&look->r->peer, look->plan, look->d);
    return look_hold(look, REASON_NEED_EVIDENCE);
}

/* S13 and S14 for the step that is left. */
static bool judge_step(struct look *look, size_t next)
{
    const struct rollout *r = look->r;
    const struct plan_step *step = present(look);
    enum reason reason = REASON_TIME;

    if (!step || !is_judged_weight(r))
        return go_forward(look, r->approved ? REASON_APPROVED : REASON_TIME, next);
    if (!is_satisfied(look, step, &reason)) {
        if (look->plan->judge != JUDGE_PENSTOCK)
            return hold_peer(look);

        bool late = step->max_dwell_ns && r->dwell_ns >= step->max_dwell_ns;

        if (advance_rule(look) == ADVANCE_TRAFFIC) {
            decision_say(look->d, "waits for %llu requests to %s", (unsigned long long)traffic_requests,
                         r->canary);
            return look_hold(look, REASON_NEED_EVIDENCE);
        }
        return late ? be_inconclusive(look, next) : hold_evidence(look, false);
    }
    if (reason == REASON_EVIDENCE)
        say_gate(look);
    return go_forward(look, r->approved ? REASON_APPROVED : reason, next);
}

/* Behind the last step of a plan that ends below 100. */
static bool hold_end(struct look *look)
{
    decision_say(look->d, "the plan ends here; `promote --full` goes to 100 %%, `abort` to 0");
    return look_hold(look, REASON_APPROVAL);
}

bool look_forward(struct look *look)
{
    const struct rollout *r = look->r;
    size_t next = look_next_step(r, look->plan);

    if (r->state != ROLLOUT_RUNNING)
        return false;
    if (next >= look->plan->steps_len)
        return hold_end(look);
    if (r->skip)
        return go_forward(look, REASON_MANUAL, next);

    const struct plan_step *step = &look->plan->steps[next];
    uint32_t weight = step->kind == STEP_WEIGHT ? look_next_weight(r, look->plan) : r->weight;
    if (hold_incident(look) || hold_suspicion(look) || hold_no_data(look) || hold_dwell(look))
        return true;
    if (!r->promote && (hold_window(look, step) || hold_freeze(look)))
        return true;
    if (hold_approval(look, weight) || hold_gate(look) || hold_lock(look) || look_external(look) ||
        hold_capacity(look, weight))
        return true;
    return judge_step(look, next);
}
