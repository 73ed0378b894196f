#include "decide/rollout.h"

#include "base/clk.h"
#include "decide/look.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double rate_memory_s = 30; /* of the decaying sums: a mean over about a minute */
static const double settle_max_s = 60;  /* behind a grace, before a forward */
static const double settle_small_s =
    30; /* the same in the small raises after a retreat: their grace is long */
/* Parts of the ledger. Most of it is spent at the start: nearly every fault is there from the first request
 * on. */
static const double mass_raise = 0.02; /* each; of the other parts the whole */
static const int64_t mass_time_least_ns = 600 * NS_PER_S;
enum { MASS_TIMES = 64 };                       /* parts of JUDGE_MASS_TIME */
static const uint64_t few_bad = 5;              /* bad requests that do not speak for themselves */
static const int64_t refusal_ns = 5 * NS_PER_S; /* before a forward that was not saved is tried again */

/* ---- small things ---- */

void rollout_set_state(struct rollout *rollout, enum rollout_state state, int64_t wall_ns)
{
    if (rollout->state == state)
        return;
    rollout->state = state;
    rollout->state_wall_ns = wall_ns;
}

void rollout_init(struct rollout *rollout, const struct plan *plan, const char *stable, const char *canary)
{
    memset(rollout, 0, sizeof(*rollout));
    rollout->step = rollout->weight_step = -1;
    snprintf(rollout->stable, sizeof(rollout->stable), "%s", stable);
    snprintf(rollout->canary, sizeof(rollout->canary), "%s", canary);
    judge_init(&rollout->judge, plan);
    peer_init(&rollout->peer);
    guards_init(&rollout->guards);
}

bool rollout_is_over(const struct rollout *rollout)
{
    return rollout->state == ROLLOUT_PROMOTED || rollout->state == ROLLOUT_ROLLED_BACK ||
           (rollout->state == ROLLOUT_PENDING && !rollout->starting);
}

const char *rollout_gate(const struct rollout *rollout, const struct plan *plan)
{
    if (rollout->step < 0 || plan->steps[rollout->step].gate[0] == '\0')
        return NULL;
    return plan->steps[rollout->step].gate;
}

enum pause_kind rollout_pause(const struct rollout *rollout, const struct plan *plan)
{
    if (rollout->step < 0 || rollout->step < rollout->passed)
        return PAUSE_NONE;
    return plan->steps[rollout->step].pause;
}

/* The rollout's end ends what its steps have set beside the weight. */
static bool has_no_rules(const struct rollout *rollout)
{
    return rollout_is_over(rollout) || rollout->state == ROLLOUT_ROLLING_BACK ||
           rollout->state == ROLLOUT_QUARANTINED;
}

bool rollout_is_under_way(const struct rollout *rollout)
{
    return rollout->state != ROLLOUT_PENDING && !has_no_rules(rollout);
}

const struct plan_header_route *rollout_header_route(const struct rollout *rollout, const struct plan *plan)
{
    if (has_no_rules(rollout))
        return NULL;
    for (int32_t i = rollout->step; i >= 0; i--)
        if (plan->steps[i].steers)
            return &plan->steps[i].header_route;
    return NULL;
}

const struct plan_mirror *rollout_mirror(const struct rollout *rollout, const struct plan *plan)
{
    if (has_no_rules(rollout))
        return NULL;
    for (int32_t i = rollout->step; i >= 0; i--)
        if (plan->steps[i].mirrors)
            return &plan->steps[i].mirror;
    return NULL;
}

/* ---- decisions ---- */

static void new_decision(struct look *look)
{
    const struct rollout *r = look->r;

    *look->d = (struct decision){
        .wall_ns = look->in->wall_ns,
        .state = r->state,
        .step = r->step,
        .weight_from = r->weight,
        .weight_to = r->weight,
        .proven = r->proven,
        .metric = -1,
        .ratio = {NAN, 0, INFINITY},
        .e = look->verdict.e,
        .threshold = look->verdict.threshold,
        .eta_ns = ROLLOUT_ETA_UNKNOWN,
    };
}

bool look_hold(struct look *look, enum reason reason)
{
    look->d->action = ACTION_HOLD;
    look->d->reason = reason;
    return true;
}

bool look_forward_to(struct look *look, enum action action, enum reason reason, int32_t step, uint32_t weight)
{
    struct decision *d = look->d;
    const struct plan *plan = look->plan;
    bool baked = step < 0 || plan->steps[step].bake_ns == 0;

    d->action = action;
    d->reason = reason;
    d->commit = true;
    d->step = step;
    d->weight_to = weight;
    d->state = ROLLOUT_RUNNING;
    if (weight == PLAN_WEIGHT_ALL && !look->r->manual_pending)
        d->state = baked ? ROLLOUT_PROMOTED : ROLLOUT_WATCHING;
    return true;
}

/* Evidence is older than a step: where most of the bad requests came before, or this step has but a few, the
 * counts since the start tell more. */
static bool is_older_than_step(const struct judge_metric *metric)
{
    uint64_t now = metric->step.canary_bad + metric->grace.canary_bad;

    return 2 * now < metric->total.canary_bad || (now < few_bad && now < metric->total.canary_bad);
}

static const struct evidence_counts *counts_to_show(const struct judge_metric *metric)
{
    if (is_older_than_step(metric))
        return &metric->total;
    return metric->grace.canary_bad > metric->step.canary_bad ? &metric->grace : &metric->step;
}

void look_metric(struct look *look, int metric)
{
    const struct evidence_counts *counts;
    struct decision *d = look->d;

    d->metric = metric;
    if (metric < 0)
        return;
    counts = counts_to_show(&look->r->judge.metrics[metric]);
    snprintf(d->metric_name, sizeof(d->metric_name), "%s", look->plan->analysis.metrics[metric].name);
    d->canary = (struct decision_side){counts->canary_requests, counts->canary_bad, counts->canary_units};
    d->stable = (struct decision_side){counts->stable_requests, counts->stable_bad, counts->stable_units};
}

void look_ratio(struct look *look)
{
    const struct evidence_counts *counts;
    struct decision *d = look->d;
    double w = (double)d->weight_from / PLAN_WEIGHT_ALL;

    if (d->metric < 0 || !plan_metric_is_judged(&look->plan->analysis.metrics[d->metric]))
        return;
    counts = counts_to_show(&look->r->judge.metrics[d->metric]);
    if (counts == &look->r->judge.metrics[d->metric].total) /* over several weights: their mean */
        w = (double)counts->canary_requests / (double)(counts->canary_requests + counts->stable_requests);
    d->ratio = evidence_interval(counts, w, look->plan->analysis.false_rollback);
}

/* What a bad request of the metric did. */
static const char *bad_words(enum metric_type type)
{
    switch (type) {
    case METRIC_ERROR_RATE:
        return "failed";
    case METRIC_LATENCY_SLO:
        return "were too slow";
    case METRIC_CLIENT_ERROR_RATE:
        return "were answered with a client error";
    case METRIC_LATENCY_SHIFT:
        return "were slower than stable's quantile";
    case METRIC_SUSPICIOUSLY_FAST:
        return "were faster than stable's quantile";
    case METRIC_EXTERNAL:
        break;
    }
    return "were bad";
}

void look_say_counts(struct look *look)
{
    struct decision *d = look->d;
    const struct plan_metric *metric = &look->plan->analysis.metrics[d->metric];
    char a[DECISION_NUMBER_LEN], b[DECISION_NUMBER_LEN], c[DECISION_NUMBER_LEN], e[DECISION_NUMBER_LEN];
    char time[DECISION_NUMBER_LEN], threshold[DECISION_NUMBER_LEN], percent[PLAN_PERCENT_LEN];

    decision_say(d, "%s: %s of %s requests to %s %s", metric->name, decision_count(d->canary.bad, a),
                 decision_count(d->canary.requests, b), look->r->canary, bad_words(metric->type));
    if (metric->type == METRIC_LATENCY_SLO)
        decision_say(d, " (over %s)",
                     metric->threshold_ns < NS_PER_S ? (snprintf(threshold, sizeof(threshold), "%gms",
                                                                 (double)metric->threshold_ns / 1e6),
                                                        threshold)
                                                     : decision_time(metric->threshold_ns, threshold));
    decision_say(d, ", %s of %s to %s", decision_count(d->stable.bad, c),
                 decision_count(d->stable.requests, e), look->r->stable);
    if (is_older_than_step(&look->r->judge.metrics[d->metric]))
        decision_say(d, ", in the %s since the start", decision_time(look->r->age_ns, time));
    else
        decision_say(d, ", in %s at %s %%", decision_time(look->r->raise_ns, time),
                     plan_percent(d->weight_from, percent));
}

/* ---- what a look takes in ---- */

static void take_time(struct look *look)
{
    struct rollout *r = look->r;
    int64_t dt = r->clock_known ? look->in->now_ns - r->last_ns : 0;

    look->dt_ns = dt > 0 ? dt : 0;
    r->clock_known = true;
    r->last_ns = look->in->now_ns;
    r->refused_ns = r->refused_ns > look->dt_ns ? r->refused_ns - look->dt_ns : 0;
    if (r->state == ROLLOUT_PENDING)
        return;
    r->age_ns += look->dt_ns;
    if (r->in_force) {
        r->dwell_ns += look->dt_ns;
        r->raise_ns += look->dt_ns;
        r->quiet_ns += look->dt_ns;
    }
    r->in_force |= look->in->weight_in_force && r->weight == r->target;
}

/* Moves the weight by what the elapsed time allows, up (maxStepPerSecond, slowStart) or down (a rollback by
 * ramp). */
static void move_weight(struct look *look)
{
    struct rollout *r = look->r;
    bool up = r->weight < r->target;
    double speed = up ? r->ramp_up : r->ramp_down;
    uint32_t left = up ? r->target - r->weight : r->weight - r->target, move;

    if (left == 0)
        return;
    r->ramp_carry += speed * (double)look->dt_ns / NS_PER_S;
    move = speed <= 0 || r->ramp_carry >= left ? left : (uint32_t)r->ramp_carry;
    r->ramp_carry = move == left ? 0 : r->ramp_carry - move;
    r->weight = up ? r->weight + move : r->weight - move;
}

static void take_rate(struct look *look)
{
    struct rollout *r = look->r;
    double dt = (double)look->dt_ns / NS_PER_S, keep = exp(-dt / rate_memory_s);
    uint64_t canary = 0, stable = 0;
    bool pairs = false;

    for (size_t i = 0; i < look->in->tallies_len; i++) {
        pairs |= look->in->tallies[i].pairs;
        canary += look->in->tallies[i].canary.requests;
        stable += look->in->tallies[i].stable.requests;
    }
    r->rate_requests = r->rate_requests * keep + (double)(canary + stable);
    r->rate_canary = r->rate_canary * keep + (double)canary;
    r->rate_seconds = r->rate_seconds * keep + dt;
    if (canary)
        r->quiet_ns = 0;
    if ((canary || pairs) && r->judge.spent[JUDGE_MASS_START] <= 0)
        judge_add_mass(&r->judge, JUDGE_MASS_START, judge_mass_max[JUDGE_MASS_START]);
}

double rollout_rate(const struct rollout *rollout)
{
    return rollout->rate_seconds > 0 ? rollout->rate_requests / rollout->rate_seconds : 0;
}

static int64_t settle_ns(const struct rollout *rollout)
{
    double most_s = rollout->retreat.small ? settle_small_s : settle_max_s;

    return (int64_t)fmin((double)rollout->grace_ns / 2, most_s * NS_PER_S);
}

int64_t look_settled_ns(const struct rollout *rollout, const struct plan *plan)
{
    if (rollout->warm && rollout->grace_ns == 0)
        return plan->ramp.grace_ns; /* judged from the first request on, but as long */
    return rollout->grace_ns + settle_ns(rollout);
}

/* Judged time that the plan means to spend below 100. */
static int64_t planned_ns(const struct plan *plan)
{
    int64_t sum = 0;

    for (size_t i = 0; i < plan->steps_len; i++) {
        const struct plan_step *step = &plan->steps[i];

        if (step->kind == STEP_WEIGHT && step->weight > 0 && step->weight < PLAN_WEIGHT_ALL)
            sum += step->min_dwell_ns > step->bake_ns ? step->min_dwell_ns : step->bake_ns;
    }
    return sum;
}

/* Restarts of the evidence by time, so that a late fault does not have to climb out of a deep hole. */
static void add_masses(struct look *look)
{
    struct rollout *r = look->r;
    int64_t every = planned_ns(look->plan) / MASS_TIMES;

    if (!r->settled && r->raise_ns >= look_settled_ns(r, look->plan) && r->in_force && r->weight > 0) {
        r->settled = true;
        judge_add_mass(&r->judge, JUDGE_MASS_RAISE, mass_raise);
    }
    if (r->weight == 0 || r->weight == PLAN_WEIGHT_ALL || r->judge.spent[JUDGE_MASS_START] <= 0)
        return;
    r->mass_ns += look->dt_ns;
    if (r->mass_ns < (every > mass_time_least_ns ? every : mass_time_least_ns))
        return;
    r->mass_ns = 0;
    judge_add_mass(&r->judge, JUDGE_MASS_TIME, judge_mass_max[JUDGE_MASS_TIME] / MASS_TIMES);
}

/* Back at a lower weight to learn whether that helps: what comes in late from the higher one does not say. */
static bool asks_about_present(const struct rollout *r)
{
    return r->state == ROLLOUT_RETREATING || r->state == ROLLOUT_PROBING;
}

static struct judge_context context_of(const struct rollout *r, const struct plan *plan, int64_t dt_ns)
{
    const struct plan_analysis *analysis = &plan->analysis;

    return (struct judge_context){
        .weight = r->weight,
        .weight_next = look_next_weight(r, plan),
        .rate = rollout_rate(r),
        .dt_ns = dt_ns,
        .grace = r->raise_ns < r->grace_ns,
        .tolerance_least = r->incident.on ? INCIDENT_TOLERANCE : 0,
        .grace_errors = r->retreat.forgiving,
        .judged = r->step >= (int32_t)analysis->starting_step && r->age_ns >= analysis->initial_delay_ns,
        .present_only = asks_about_present(r),
    };
}

/* Another judge's verdict takes the place of the evidence's; the counts are kept for both. */
static void take_peer(struct look *look, const struct judge_context *context)
{
    const struct peer_context peer = {
        .dt_ns = look->dt_ns, .weight = context->weight, .judged = context->judged};

    if (look->r->state != ROLLOUT_PENDING)
        peer_look(&look->r->peer, look->plan, &peer, look->in->tallies, look->in->tallies_len,
                  &look->verdict);
}

/* What is learned about stable, and the canary at 100 that is compared with it. */
static void take_watch(struct look *look, const struct judge_context *context)
{
    struct rollout *r = look->r;

    if (r->state == ROLLOUT_PENDING)
        return;
    if (r->weight < PLAN_WEIGHT_ALL && !r->incident.on)
        watch_learn(&r->watch, look->plan, look->in->tallies, look->in->tallies_len);
    if (r->state == ROLLOUT_WATCHING && !context->grace && context->judged)
        watch_feed(&r->watch, look->plan, look->in->tallies, look->in->tallies_len,
                   r->age_ns / look->plan->analysis.bin_ns);
}

/* Answers count against the canary while it has requests and is judged. */
static void take_external(struct look *look)
{
    struct rollout *r = look->r;
    const struct plan_analysis *analysis = &look->plan->analysis;
    bool judged = r->step >= (int32_t)analysis->starting_step && r->age_ns >= analysis->initial_delay_ns;

    look->failed = externals_take(&r->externals, look->plan, look->in->external, look->dt_ns,
                                  judged && r->weight > 0 && r->state != ROLLOUT_ROLLING_BACK);
}

static void take_tallies(struct look *look)
{
    struct rollout *r = look->r;
    struct judge_context context;

    if (r->state != ROLLOUT_PENDING && look->plan->judge == JUDGE_PENSTOCK)
        incident_look(&r->incident, look->plan, r->weight, look->dt_ns, look->in->tallies,
                      look->in->tallies_len);
    context = context_of(r, look->plan, look->dt_ns);
    if (r->state != ROLLOUT_RETREATING)
        r->judge.threshold = 1 / look->plan->analysis.false_rollback;
    if (r->state != ROLLOUT_PENDING)
        guards_feed(&r->guards, look->plan, look->in->tallies, look->in->tallies_len);
    if (r->state != ROLLOUT_PENDING)
        outliers_feed(&r->outliers, look->in->targets, look->in->targets_len, look->dt_ns);
    if (r->state != ROLLOUT_PENDING)
        judge_feed(&r->judge, look->plan, &context, look->in->tallies, look->in->tallies_len);
    judge_verdict(&r->judge, look->plan, &context, &look->verdict);
    take_watch(look, &context);
    if (look->plan->judge != JUDGE_PENSTOCK)
        take_peer(look, &context);
}

void rollout_verdict(const struct rollout *rollout, const struct plan *plan, struct verdict *verdict_r)
{
    struct judge judge = rollout->judge; /* a look at the gates is not to be remembered here */
    struct judge_context context = context_of(rollout, plan, 0);

    judge_verdict(&judge, plan, &context, verdict_r);
}

/* ---- the look ---- */

static bool look_nothing(struct look *look)
{
    look->d->action = ACTION_NONE;
    if (look->r->state == ROLLOUT_ROLLED_BACK) {
        look->d->reason = look->r->cause;
        decision_say(look->d, "rolled back: %s; `retry` begins again",
                     word_name(&reason_words, look->r->cause));
    }
    return true;
}

/* Forward, and saved too late or not at all: say so and wait a little. */
static bool look_refused(struct look *look)
{
    struct rollout *r = look->r;

    if (!look->d->commit || r->refused_ns == 0)
        return false;
    new_decision(look);
    decision_say(look->d, "the next step could not be saved: %s; it is tried again every %ds", r->refused,
                 (int)(refusal_ns / NS_PER_S));
    return look_hold(look, REASON_STORAGE);
}

/* A failure that has not been told; where any number may come, or enough have, one more is no news. */
static bool is_failure(const struct look *look)
{
    const struct decision_external *external = &look->d->external;

    return external->given && look->failed >> look->d->metric & 1 && external->failure_limit >= 0 &&
           external->failed <= (uint32_t)external->failure_limit + 1;
}

/* Whether it is worth a record: an action is, and a hold for another reason than the last. */
static void mark_fresh(struct look *look)
{
    struct decision *d = look->d;
    struct rollout *r = look->r;

    switch (d->action) {
    case ACTION_NONE:
        return;
    case ACTION_HOLD:
        d->fresh = d->reason != r->hold || d->target_id || is_failure(look);
        r->hold = d->reason;
        if (d->fresh)
            look_ratio(look);
        return;
    case ACTION_FORWARD:
    case ACTION_PROMOTE:
    case ACTION_RETREAT:
    case ACTION_ROLLBACK:
        d->fresh = true;
        if (!d->commit)
            r->hold = REASON_NONE;
        return;
    }
}

void rollout_step(struct rollout *rollout, const struct plan *plan, const struct rollout_input *in,
                  struct decision *decision_r)
{
    static bool (*const checks[])(struct look *) = {
        look_orders,  look_start,        look_rolling_back, look_targets,    look_back,
        look_shape,   look_outlier_hold, look_resting,      look_retreating, look_watching,
        look_probing, look_forward,      look_nothing,
    };
    struct look look = {.r = rollout, .plan = plan, .in = in, .d = decision_r};

    BUG_ON(in->tallies_len > TALLY_WEIGHTS_MAX);
    take_time(&look);
    move_weight(&look);
    take_rate(&look);
    add_masses(&look);
    take_external(&look);
    take_tallies(&look);
    new_decision(&look);
    for (size_t i = 0; i < ARRAY_LEN(checks) && !checks[i](&look); i++)
        ;
    (void)look_refused(&look);
    if (!decision_r->commit)
        decision_r->state = rollout->state;
    mark_fresh(&look);
}

/* ---- what follows from a decision ---- */

void rollout_take_weight(struct rollout *rollout, uint32_t weight)
{
    rollout->weight = rollout->target = weight;
    rollout->ramp_carry = 0;
    rollout->in_force = false;
    rollout->dwell_ns = rollout->raise_ns = rollout->quiet_ns = 0;
    rollout->grace_ns = 0;
    rollout->settled = false;
    judge_new_step(&rollout->judge);
}

static void begin(struct rollout *rollout, const struct plan *plan, const struct decision *decision)
{
    rollout->starting = false;
    rollout->passed = 0;
    rollout->age_ns = 0;
    rollout->started_wall_ns = decision->wall_ns;
    rollout->cause = REASON_NONE;
    rollout->incident = (struct incident){0};
    judge_init(&rollout->judge, plan);
    peer_init(&rollout->peer);
    guards_init(&rollout->guards);
    rollout->externals = (struct externals){0};
    rollout->watch = (struct watch){0};
    rollout->retreat = (struct retreat){0};
    outliers_begin(&rollout->outliers);
    rollout->warm = false;
}

/* A canary without a cold start is judged by its slow answers from the first one on. After a retreat every
 * raise may be one too much, and has its grace. */
static bool is_warm(const struct rollout *rollout, const struct plan *plan)
{
    if (rollout->grace_ns == 0)
        return rollout->warm;
    return !rollout->retreat.small && rollout->raise_ns >= rollout->grace_ns &&
           judge_grace_was_calm(&rollout->judge, plan);
}

/* The parts of the ledger that a raise is worth, and what its weight has proven. */
static void end_weight(struct rollout *rollout, const struct plan *plan)
{
    bool smoke = rollout->weight_step == (int32_t)plan_next_weight_step(plan, 0);

    if (rollout->weight == 0)
        return;
    rollout->proven = rollout->weight;
    rollout->warm = is_warm(rollout, plan);
    judge_prove(&rollout->judge);
    if (smoke)
        judge_add_mass(&rollout->judge, JUDGE_MASS_SMOKE, judge_mass_max[JUDGE_MASS_SMOKE]);
    judge_add_mass(&rollout->judge, JUDGE_MASS_RAISE, mass_raise);
}

static int64_t usual_grace_ns(const struct rollout *rollout, const struct plan *plan)
{
    if (rollout->retreat.small)
        return plan->ramp.retreat_grace_ns;
    return rollout->warm ? 0 : plan->ramp.grace_ns;
}

static void raise_weight(struct rollout *rollout, const struct plan *plan, uint32_t weight)
{
    uint32_t from = rollout->weight;

    rollout_take_weight(rollout, weight);
    rollout->grace_ns = usual_grace_ns(rollout, plan);
    rollout->retreat.forgiving = rollout->retreat.small && !rollout->retreat.raised;
    rollout->retreat.raised = rollout->retreat.small;
    rollout->ramp_up = plan_raise_speed(&plan->ramp, from, weight);
    if (rollout->ramp_up > 0)
        rollout->weight = from; /* move_weight takes it up */
}

/* To 100 again after a probe: the bake goes on where it was. */
static void take_probe_end(struct rollout *rollout, const struct plan *plan, const struct decision *decision)
{
    rollout_end_probe(rollout, plan);
    raise_weight(rollout, plan, decision->weight_to);
    rollout->dwell_ns = rollout->watch.baked_ns;
}

/* A raise by hand proves nothing; one within a step, after a retreat, lets the step's time go on. */
static void take_raise(struct rollout *rollout, const struct plan *plan, const struct decision *decision)
{
    int64_t dwell_ns = rollout->dwell_ns;

    if (decision->reason != REASON_MANUAL)
        end_weight(rollout, plan);
    raise_weight(rollout, plan, decision->weight_to);
    if (decision->step == rollout->step && rollout->retreat.small)
        rollout->dwell_ns = dwell_ns;
}

/* What the present step waited for has come, also when the raise is a small one that stays within it. */
static void pass_step(struct rollout *rollout, const struct decision *decision)
{
    bool leaves = decision->weight_to > rollout->weight || decision->step > rollout->step;
    int32_t passed = decision->step > rollout->step ? decision->step : rollout->step + 1;

    if (leaves && !rollout->manual_pending && passed > rollout->passed)
        rollout->passed = passed;
}

void rollout_commit(struct rollout *rollout, const struct plan *plan, const struct decision *decision)
{
    BUG_ON(!decision->commit);
    if (rollout->state == ROLLOUT_PENDING || rollout->state == ROLLOUT_QUARANTINED)
        begin(rollout, plan, decision);
    pass_step(rollout, decision);
    if (decision->reason == REASON_PROBE_OVER)
        take_probe_end(rollout, plan, decision);
    else if (decision->weight_to != rollout->weight)
        take_raise(rollout, plan, decision);
    if (decision->step != rollout->step)
        rollout->dwell_ns = 0;
    for (int32_t i = rollout->step + 1; i <= decision->step; i++) {
        if (plan->steps[i].kind == STEP_WEIGHT)
            rollout->weight_step = i;
    }
    rollout->approved &= decision->step == rollout->step && rollout->retreat.small;
    rollout->step = decision->step;
    rollout->manual |= rollout->manual_pending;
    rollout->skip = rollout->full = rollout->manual_pending = false;
    rollout->refused_ns = 0;
    rollout->refused[0] = '\0';
    rollout->hold = REASON_NONE;
    rollout_set_state(rollout, decision->state, decision->wall_ns);
}

void rollout_refuse(struct rollout *rollout, const struct decision *decision, const char *why)
{
    BUG_ON(!decision->commit);
    rollout->refused_ns = refusal_ns;
    snprintf(rollout->refused, sizeof(rollout->refused), "%s", why);
}
