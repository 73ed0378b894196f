#include "decide/outlier.h"

#include "base/clk.h"
#include "decide/evidence.h"
#include "decide/look.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const int64_t window_least_ns = 300 * NS_PER_S; /* counts are 5 to 10 minutes old at most, */
static const uint64_t window_least = 1000;             /* and at low traffic of so many requests */
static const uint64_t bad_least[] = {[OUTLIER_SUSPECTED] = 2, [OUTLIER_PROVEN] = 5};
static const double limit_suspected = 3;
static const int64_t wait_most_ns = 300 * NS_PER_S; /* a way back waits so long at most; it is the next bad
                                                       requests that end it */
static const double limit_least = 200,
                    limit_each = 20;      /* of the evidence for proof; the second for each target */
static const uint64_t stable_least = 100; /* requests for its share */
static const uint32_t one_in = 5;         /* more bad targets than that are the release */
static const double restart_mass = 0.4;   /* of the 0.55 that were spent at the start and are free again */

void outliers_begin(struct outliers *outliers)
{
    struct outliers next = {.out_len = outliers->out_len};

    memcpy(next.out, outliers->out, sizeof(next.out));
    *outliers = next;
}

/* ---- counting ---- */

static void add(struct outlier_counts *to, const struct outlier_counts *what)
{
    to->requests += what->requests;
    for (size_t m = 0; m < PLAN_METRICS_MAX; m++)
        to->bad[m] += what->bad[m];
}

/* Brings the target to the place where it stands in the list of control. */
static struct outlier_target *place(struct outliers *outliers, size_t at, const struct tally_target *target)
{
    size_t from = at;

    while (from < outliers->len && outliers->targets[from].id != target->id)
        from++;
    if (from < outliers->len && from != at) {
        struct outlier_target moved = outliers->targets[from];

        outliers->targets[from] = outliers->targets[at];
        outliers->targets[at] = moved;
    } else if (from >= outliers->len) {
        if (outliers->len < TALLY_TARGETS_MAX)
            outliers->targets[outliers->len++] = outliers->targets[at]; /* it may still come */
        outliers->targets[at] = (struct outlier_target){.id = target->id};
        snprintf(outliers->targets[at].name, PLAN_NAME_MAX, "%s", target->name);
    }
    return &outliers->targets[at];
}

static void turn_window(struct outliers *outliers)
{
    for (size_t i = 0; i < outliers->len; i++) {
        outliers->targets[i].before = outliers->targets[i].now;
        outliers->targets[i].now = (struct outlier_counts){0};
    }
    outliers->window_ns = 0;
    outliers->window_requests = 0;
}

void outliers_feed(struct outliers *outliers, const struct tally_target *targets, size_t len, int64_t dt_ns)
{
    BUG_ON(len > TALLY_TARGETS_MAX);
    if (len == 0)
        return;
    for (size_t i = 0; i < len; i++) {
        struct outlier_counts fresh = {.requests = targets[i].requests};

        memcpy(fresh.bad, targets[i].bad, sizeof(fresh.bad));
        add(&place(outliers, i, &targets[i])->now, &fresh);
        outliers->window_requests += fresh.requests;
    }
    outliers->len = (uint32_t)len;
    outliers->window_ns += dt_ns;
    if (outliers->window_ns >= window_least_ns && outliers->window_requests >= window_least)
        turn_window(outliers);
}

struct outlier_counts outliers_sum(const struct outliers *outliers, int target)
{
    struct outlier_counts sum = {0};

    for (size_t i = 0; i < outliers->len; i++) {
        if (target >= 0 && (size_t)target != i)
            continue;
        add(&sum, &outliers->targets[i].now);
        add(&sum, &outliers->targets[i].before);
    }
    return sum;
}

/* ---- the question ---- */

/* No more bad requests than a canary may have that is as good as the tolerance and the floor allow, and as
 * many more as chance may bring. */
static bool is_clean(const struct plan_metric *metric, uint64_t bad, uint64_t requests, double stable)
{
    double usual = metric->tolerance * fmax(stable, metric->floor) * (double)requests;

    return (double)bad <= usual + 2 * sqrt(usual + 1);
}

/* Its share of the requests; the first few may all have gone to one. */
static double share_of(const struct outlier_counts *one, const struct outlier_counts *all, uint32_t targets)
{
    return ((double)one->requests + 1) / ((double)all->requests + targets);
}

static bool is_outlier(const struct outlier_counts *all, const struct outlier_counts *one,
                       const struct plan_metric *metric, size_t m, double w, double stable, double limit)
{
    struct evidence_counts counts = {.canary_requests = one->requests,
                                     .canary_bad = one->bad[m],
                                     .stable_requests = all->requests - one->requests,
                                     .stable_bad = all->bad[m] - one->bad[m]};

    if (!is_clean(metric, counts.stable_bad, counts.stable_requests, stable))
        return false;
    return evidence_interval(&counts, w, 1 / limit).lo >= metric->tolerance;
}

int outliers_find(const struct outliers *outliers, const struct plan_metric *metric, size_t index,
                  double stable, enum outlier_proof proof)
{
    const struct outlier_counts all = outliers_sum(outliers, -1);
    double limit = proof == OUTLIER_PROVEN ? fmax(limit_least, limit_each * outliers->len) : limit_suspected;

    for (int i = 0; i < (int)outliers->len && all.requests > 0; i++) {
        const struct outlier_counts one = outliers_sum(outliers, i);

        if (one.bad[index] >= bad_least[proof] &&
            is_outlier(&all, &one, metric, index, share_of(&one, &all, outliers->len), stable, limit))
            return i;
    }
    return -1;
}

bool outliers_has(const struct outliers *outliers, uint64_t id)
{
    for (size_t i = 0; i < outliers->out_len; i++) {
        if (outliers->out[i] == id)
            return true;
    }
    return false;
}

bool outliers_forgive(struct outliers *outliers, uint64_t id)
{
    bool changed = false;

    for (size_t i = 0; i < outliers->out_len; i++) {
        if (outliers->out[i] == id) {
            outliers->out[i] = 0;
            changed = true;
        }
    }
    return changed;
}

/* ---- what follows ---- */

/* One target in five, and one of a few; and never the last one that is well. */
static bool may_take_out(const struct look *look, enum reason reason, int metric)
{
    const struct rollout *r = look->r;
    uint32_t most = look->in->canary.total / one_in;

    if (reason != REASON_REGRESSION && reason != REASON_BUDGET && reason != REASON_CATASTROPHE)
        return false;
    if (metric < 0 || !plan_metric_is_judged(&look->plan->analysis.metrics[metric]))
        return false;
    if (most < 1)
        most = 1;
    return r->state == ROLLOUT_RUNNING && look->plan->judge == JUDGE_PENSTOCK && r->outliers.out_len < most &&
           r->outliers.out_len < OUTLIERS_MAX && look->in->canary.healthy >= 2;
}

/* Right after a raise there is too little for a share that a target could be held to: then of all steps. */
static double share_of_stable(const struct judge_metric *metric)
{
    uint64_t requests = metric->step.stable_requests + metric->grace.stable_requests;
    uint64_t bad = metric->step.stable_bad + metric->grace.stable_bad;

    if (requests < stable_least) {
        requests = metric->total.stable_requests;
        bad = metric->total.stable_bad;
    }
    return ((double)bad + 0.5) / ((double)requests + 1);
}

static void say(struct look *look, int metric, int target)
{
    const struct outlier_counts all = outliers_sum(&look->r->outliers, -1);
    const struct outlier_counts one = outliers_sum(&look->r->outliers, target);
    char a[DECISION_NUMBER_LEN], b[DECISION_NUMBER_LEN], c[DECISION_NUMBER_LEN];

    decision_say(look->d,
                 "; %s of %s such requests came from %s, which had %s of the requests: it is taken out of "
                 "service until `drain --undo`, and %u others go on",
                 decision_count(one.bad[metric], a), decision_count(all.bad[metric], b), look->d->target,
                 decision_share((double)one.requests / (double)all.requests, c),
                 look->in->canary.healthy - 1);
}

/* The evidence rests on the target's requests: it begins anew. A brake rests on no evidence, and that goes
 * on. */
static void begin_anew(struct look *look, enum reason reason)
{
    struct rollout *r = look->r;

    if (reason == REASON_REGRESSION)
        judge_restart(&r->judge, restart_mass, 1 / look->plan->analysis.false_rollback);
    judge_new_step(&r->judge);
    r->outliers.holds = true;
    r->outliers.held_ns = 0;
    for (size_t i = 0; i < r->outliers.len; i++)
        r->outliers.targets[i].now = r->outliers.targets[i].before = (struct outlier_counts){0};
}

static bool take_out(struct look *look, enum reason reason, int metric, int target)
{
    struct outliers *outliers = &look->r->outliers;

    look->d->target_id = outliers->targets[target].id;
    snprintf(look->d->target, sizeof(look->d->target), "%s", outliers->targets[target].name);
    say(look, metric, target);
    outliers->out[outliers->out_len++] = look->d->target_id;
    begin_anew(look, reason);
    return look_hold(look, REASON_BAD_TARGET);
}

/* At a low weight the evidence against the canary is complete after three or four bad requests, which is too
 * few to tell whose they are. */
static bool wait_for_proof(struct look *look, int metric, int target)
{
    struct outliers *outliers = &look->r->outliers;
    const struct outlier_counts one = outliers_sum(outliers, target);
    char count[DECISION_NUMBER_LEN];

    if (outliers->wait_ns >= wait_most_ns)
        return false;
    outliers->wait_ns += look->dt_ns;
    decision_say(look->d, "; %s of them came from %s: a few more will tell whether it is the only one",
                 decision_count(one.bad[metric], count), outliers->targets[target].name);
    return look_hold(look, REASON_BAD_TARGET);
}

bool look_outlier(struct look *look, enum reason reason, int metric)
{
    const struct outliers *outliers = &look->r->outliers;
    const struct plan_metric *conf = &look->plan->analysis.metrics[metric < 0 ? 0 : metric];
    double stable;
    int target;

    if (!may_take_out(look, reason, metric))
        return false;
    stable = share_of_stable(&look->r->judge.metrics[metric]);
    target = outliers_find(outliers, conf, (size_t)metric, stable, OUTLIER_PROVEN);
    if (target >= 0)
        return take_out(look, reason, metric, target);
    target = outliers_find(outliers, conf, (size_t)metric, stable, OUTLIER_SUSPECTED);
    return target >= 0 && wait_for_proof(look, metric, target);
}

bool look_outlier_hold(struct look *look)
{
    struct rollout *r = look->r;
    char time[DECISION_NUMBER_LEN];

    if (!r->outliers.holds || r->state != ROLLOUT_RUNNING || r->manual || r->skip)
        return false;
    r->outliers.held_ns += look->dt_ns;
    if (r->outliers.held_ns >= look->plan->analysis.bin_ns) {
        r->outliers.holds = false;
        return false;
    }
    decision_say(look->d, "one bad target of %s was taken out; the others have been judged afresh for %s",
                 r->canary, decision_time(r->outliers.held_ns, time));
    return look_hold(look, REASON_BAD_TARGET);
}
