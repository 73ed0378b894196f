#include "decide/evidence.h"

#include <math.h>
#include <string.h>

const double evidence_ratios[EVIDENCE_RATIOS] = {2, 4, 10, 40, 200};
const double evidence_priors[EVIDENCE_RATIOS] = {0.25, 0.25, 0.2, 0.2, 0.1};
const double evidence_floors[EVIDENCE_FLOORS] = {1.5, 2, 3, 5, 10, 30};

/* Shares that a multiple of the floor cannot exceed: a Bernoulli alternative has to stay below 1. */
static const double floor_share_max = 0.95;

/* Three failures in a row are no burst in traffic that is well otherwise, so a total failure does not wait
 * for the next bin. */
const struct evidence_tier evidence_tier_raised = {2, 0.3}, evidence_tier_open = {3, 0.5};

static const uint64_t first_bad = 2; /* bad requests of the canary that are no burst yet */
static const int64_t idle_part = 2;  /* of a bin's length: half of it at most lies between bins on end */

/* fmax and fmin are calls for the sake of NaN, which does not occur here; the looks of a week feel them. */
static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

static inline double lesser(double a, double b)
{
    return a < b ? a : b;
}

double evidence_ln_add(double a, double b)
{
    double high = larger(a, b), low = lesser(a, b);

    return larger(high + log1p(exp(low - high)), EVIDENCE_LN_MIN);
}

double evidence_ln_factor(double rho, double r, double w, bool canary)
{
    double odds, odds_k;

    if (w <= 0 || w >= 1)
        return 0;
    odds = r * w / (1 - w);
    odds_k = rho * odds;
    if (canary)
        return log(odds_k / (odds_k + 1)) - log(odds / (odds + 1));
    return log1p(odds) - log1p(odds_k);
}

/* Beside 1, e to the power of less is nothing to a double. */
static const double ln_nothing = -60;

/* ln of a sum of exponentials, floored. */
static double ln_sum(const double *ln, size_t len)
{
    double high = EVIDENCE_LN_MIN, sum = 0;

    for (size_t i = 0; i < len; i++)
        high = larger(high, ln[i]);
    for (size_t i = 0; i < len; i++) {
        if (ln[i] - high > ln_nothing)
            sum += exp(ln[i] - high);
    }
    return larger(high + log(sum), EVIDENCE_LN_MIN);
}

static double floor_share(double floor, size_t h)
{
    return lesser(floor * evidence_floors[h], floor_share_max);
}

void evidence_init(struct evidence *evidence)
{
    memset(evidence, 0, sizeof(*evidence));
    for (size_t k = 0; k < EVIDENCE_RATIOS; k++)
        evidence->s[k] = EVIDENCE_LN_MIN;
    for (size_t h = 0; h < EVIDENCE_FLOORS; h++)
        evidence->floor_s[h] = EVIDENCE_LN_MIN;
}

static void start_mass(struct evidence *evidence, double g)
{
    for (size_t k = 0; k < EVIDENCE_RATIOS; k++)
        evidence->s[k] = evidence_ln_add(evidence->s[k], log(g * evidence_priors[k]));
    for (size_t h = 0; h < EVIDENCE_FLOORS; h++)
        evidence->floor_s[h] = evidence_ln_add(evidence->floor_s[h], log(g / EVIDENCE_FLOORS));
}

void evidence_add_mass(struct evidence *evidence, double g)
{
    if (g <= 0)
        return;
    if (evidence->left_ns == 0)
        start_mass(evidence, g);
    else
        evidence->pending += g;
}

/* The open bin's cap. It rests on requests that were counted bad, so that a lone burst of one unit does not
 * lift it. */
static double bin_cap(const struct evidence *evidence, const struct evidence_rule *rule)
{
    double bad = (double)evidence->bin_bad, requests = (double)evidence->bin_requests;

    if (rule->lasting && evidence->full >= EVIDENCE_FULL_BINS)
        return INFINITY;
    if (evidence->bin_bad >= evidence_tier_open.bad && bad >= evidence_tier_open.share * requests)
        return INFINITY;
    if (evidence->bin_bad >= evidence_tier_raised.bad && bad >= evidence_tier_raised.share * requests)
        return rule->cap[1];
    return rule->cap[0];
}

/* ln S of an alternative with the open bin: what is in that, up to its cap or what its first bad requests are
 * worth. */
static double with_bin(const struct evidence_rule *rule, double s, double b, double first, double cap)
{
    return larger(s + lesser(b, larger(cap, lesser(first, rule->cap[1]))), EVIDENCE_LN_MIN);
}

static void ratios_now(const struct evidence *evidence, const struct evidence_rule *rule, double *ratio_r)
{
    double cap = bin_cap(evidence, rule);

    for (size_t k = 0; k < EVIDENCE_RATIOS; k++)
        ratio_r[k] = with_bin(rule, evidence->s[k], evidence->b[k], evidence->first[k], cap);
}

static void floors_now(const struct evidence *evidence, const struct evidence_rule *rule, double *floor_r)
{
    double bad = (double)(evidence->bin_bad < first_bad ? evidence->bin_bad : first_bad);
    double cap = bin_cap(evidence, rule);

    for (size_t h = 0; h < EVIDENCE_FLOORS; h++) {
        double first = rule->floor > 0 && bad > 0 ? bad * log(floor_share(rule->floor, h) / rule->floor) : 0;

        floor_r[h] = with_bin(rule, evidence->floor_s[h], evidence->floor_b[h], first, cap);
    }
}

static bool is_full(const struct evidence *evidence, const struct evidence_rule *rule)
{
    double cap = bin_cap(evidence, rule), most = evidence->b[0];

    for (size_t k = 1; k < EVIDENCE_RATIOS; k++)
        most = larger(most, evidence->b[k]);
    return isinf(cap) || most >= cap;
}

static void close_bin(struct evidence *evidence, const struct evidence_rule *rule)
{
    ratios_now(evidence, rule, evidence->s);
    floors_now(evidence, rule, evidence->floor_s);
    memset(evidence->b, 0, sizeof(evidence->b));
    memset(evidence->first, 0, sizeof(evidence->first));
    memset(evidence->floor_b, 0, sizeof(evidence->floor_b));
    evidence->bin_bad = evidence->bin_requests = 0;
    evidence->left_ns = 0;
    if (evidence->pending > 0)
        start_mass(evidence, evidence->pending);
    evidence->pending = 0;
}

void evidence_pass(struct evidence *evidence, const struct evidence_rule *rule, int64_t dt_ns)
{
    if (evidence->left_ns > dt_ns) {
        evidence->left_ns -= dt_ns;
        return;
    }
    if (evidence->left_ns > 0) {
        evidence->full = is_full(evidence, rule) ? evidence->full + 1 : 0;
        evidence->idle_ns = 0;
        close_bin(evidence, rule);
    }
    if (evidence->full == 0)
        return;
    evidence->idle_ns += dt_ns;
    if (evidence->idle_ns > rule->bin_ns / idle_part)
        evidence->full = 0;
}

static double alternative(const struct evidence_rule *rule, size_t k)
{
    return rule->ratio_max > 0 ? lesser(evidence_ratios[k], larger(rule->ratio_max, 1)) : evidence_ratios[k];
}

static void feed_ratios(struct evidence *evidence, const struct evidence_rule *rule,
                        const struct evidence_events *events)
{
    uint64_t before = evidence->bin_bad < first_bad ? evidence->bin_bad : first_bad;
    double first = lesser((double)events->canary_bad, (double)(first_bad - before));

    if (events->canary_bad == 0 && events->stable_bad == 0)
        return;
    for (size_t k = 0; k < EVIDENCE_RATIOS; k++) {
        double rho = alternative(rule, k), worth;

        worth = evidence_ln_factor(rho, rule->tolerance, events->w, true);
        evidence->first[k] += first * worth;
        evidence->b[k] +=
            (double)events->canary_bad * worth +
            (double)events->stable_bad * evidence_ln_factor(rho, rule->tolerance, events->w, false);
    }
}

static void feed_floors(struct evidence *evidence, const struct evidence_rule *rule,
                        const struct evidence_events *events)
{
    double a = rule->floor;

    if (a <= 0)
        return;
    for (size_t h = 0; h < EVIDENCE_FLOORS; h++) {
        double share = floor_share(a, h);

        if (events->canary_bad)
            evidence->floor_b[h] += (double)events->canary_bad * log(share / a);
        if (events->canary_good)
            evidence->floor_b[h] += (double)events->canary_good * log1p((a - share) / (1 - a));
    }
}

/* Most seconds of a quiet route bring nothing. */
static bool says_nothing(const struct evidence_events *events)
{
    return events->canary_bad == 0 && events->stable_bad == 0 && events->canary_good == 0 &&
           events->canary_requests == 0;
}

void evidence_feed(struct evidence *evidence, const struct evidence_rule *rule,
                   const struct evidence_events *events)
{
    if (events->w <= 0 || events->w >= 1 || says_nothing(events))
        return;
    if (evidence->left_ns == 0 && events->canary_bad)
        evidence->left_ns = rule->bin_ns;
    feed_ratios(evidence, rule, events);
    evidence->bin_bad += events->canary_bad;
    evidence->bin_requests += events->canary_requests;
    feed_floors(evidence, rule, events);
    if (evidence->left_ns == 0) /* only what speaks for the canary, which has no cap */
        close_bin(evidence, rule);
}

double evidence_ln(const struct evidence *evidence, const struct evidence_rule *rule)
{
    double ratio[EVIDENCE_RATIOS], floor[EVIDENCE_FLOORS];

    ratios_now(evidence, rule, ratio);
    if (rule->floor <= 0)
        return ln_sum(ratio, EVIDENCE_RATIOS);
    floors_now(evidence, rule, floor);
    return lesser(ln_sum(ratio, EVIDENCE_RATIOS), ln_sum(floor, EVIDENCE_FLOORS));
}

/* ---- for people ---- */

/* ln of the mixture against the ratio r; `up` for alternatives above it, else below. */
static double ln_against(const struct evidence_counts *counts, double r, double w, bool up)
{
    double ln[EVIDENCE_RATIOS];

    for (size_t k = 0; k < EVIDENCE_RATIOS; k++) {
        double rho = up ? evidence_ratios[k] : 1 / evidence_ratios[k];

        ln[k] = log(evidence_priors[k]) + (double)counts->canary_bad * evidence_ln_factor(rho, r, w, true) +
                (double)counts->stable_bad * evidence_ln_factor(rho, r, w, false);
    }
    return ln_sum(ln, EVIDENCE_RATIOS);
}

static const double grid_low = 1e-4, grid_high = 1e5; /* ratios that are looked at */

/* The ratio at which the test changes its mind: it is monotone in r, so halving finds it. */
static double boundary(const struct evidence_counts *counts, double w, double limit, bool up)
{
    double low = log(grid_low), high = log(grid_high);

    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        bool excluded = ln_against(counts, exp(middle), w, up) >= limit;

        if (excluded == up)
            low = middle;
        else
            high = middle;
    }
    if (exp(high) < grid_low * 1.01)
        return 0;
    return exp(low) > grid_high * 0.99 ? INFINITY : exp((low + high) / 2);
}

struct evidence_ratio evidence_interval(const struct evidence_counts *counts, double w, double alpha)
{
    struct evidence_ratio ratio = {NAN, 0, INFINITY};

    if (counts->stable_bad && counts->canary_requests)
        ratio.value = ((double)counts->canary_bad / (double)counts->canary_requests) /
                      ((double)counts->stable_bad / (double)counts->stable_requests);
    if (w <= 0 || w >= 1)
        return ratio;
    if (counts->canary_bad)
        ratio.lo = boundary(counts, w, -log(alpha), true);
    if (counts->stable_bad)
        ratio.hi = boundary(counts, w, -log(alpha), false);
    return ratio;
}

/* ---- forward ---- */

double evidence_upper(double bad, double requests)
{
    double root = sqrt(bad + 1) + 0.82;

    return requests > 0 ? lesser(root * root / requests, 1) : 1;
}

/*
 * The least n with evidence_upper(x_n, n) <= limit when x_n = bad + p (n - requests): with x_n = p n + rest
 * that is (limit - p) n - rest - 1.6724 >= 1.64 sqrt(p n + rest + 1), squared a quadratic in n.
 */
static uint64_t requests_for(double bad, double requests, double p, double limit)
{
    double rest = bad - p * requests, slack = limit - p, square = 2 * 0.82;
    double c = rest + 1 + 0.82 * 0.82;
    double half = c * slack + square * square * p / 2;
    double root = half * half - slack * slack * (c * c - square * square * (rest + 1));
    double n;

    if (slack <= 0)
        return UINT64_MAX;
    n = root > 0 ? (half + sqrt(root)) / (slack * slack) : requests;
    return n < 1e15 ? (uint64_t)ceil(larger(n, 1)) : UINT64_MAX;
}

/* What the canary's next requests will do: as stable's, unless what it did already is no chance any more. */
static double forecast(double bad, double requests, double stable)
{
    double expected = requests * stable;

    return bad > expected + 2 * sqrt(expected + 1) + 1 ? bad / requests : stable;
}

static double stable_share(const struct evidence_counts *counts)
{
    return ((double)counts->stable_bad + 0.5) / ((double)counts->stable_requests + 1);
}

void evidence_past_add(struct evidence_past *past, const struct evidence_counts *counts)
{
    double n = (double)counts->canary_requests;

    past->requests += n;
    past->bad += (double)counts->canary_bad;
    past->expected += n * stable_share(counts);
}

struct evidence_gate evidence_gate(const struct evidence_counts *counts, const struct evidence_past *past,
                                   double w_next, double budget, double stable_least)
{
    struct evidence_past all = past ? *past : (struct evidence_past){0};
    struct evidence_gate gate = {.budget = budget};

    evidence_past_add(&all, counts);
    gate.upper = evidence_upper(all.bad, all.requests);
    gate.stable = all.requests > 0 ? all.expected / all.requests : stable_share(counts);
    gate.stable = lesser(larger(gate.stable, stable_least), 1);
    gate.excess = larger(0, gate.upper - gate.stable) * w_next;
    gate.pass = gate.excess <= budget;
    if (w_next > 0)
        gate.need = requests_for(all.bad, all.requests, forecast(all.bad, all.requests, gate.stable),
                                 gate.stable + budget / w_next);
    return gate;
}

/* ---- the exact form ---- */

static const double worse_ratio = 2, worse_share = 0.005; /* r1 and a1: what the canary must not be */
static const double healthy_ratios[] = {1, 0.5, 0.25};    /* what it may be instead, with equal priors */
static const double healthy_shares[] = {0.5, 0.2, 0.05};  /* times worse_share */

double evidence_forward(double canary_bad, double canary_requests, double stable_bad, double w)
{
    double ratio = 0, share = 0;

    for (size_t k = 0; k < ARRAY_LEN(healthy_ratios); k++) {
        double rho = healthy_ratios[k] / worse_ratio;

        ratio += exp(canary_bad * evidence_ln_factor(rho, worse_ratio, w, true) +
                     stable_bad * evidence_ln_factor(rho, worse_ratio, w, false)) /
                 (double)ARRAY_LEN(healthy_ratios);
    }
    for (size_t h = 0; h < ARRAY_LEN(healthy_shares); h++) {
        double a = worse_share * healthy_shares[h];

        share += exp(canary_bad * log(healthy_shares[h]) +
                     (canary_requests - canary_bad) * (log1p(-a) - log1p(-worse_share))) /
                 (double)ARRAY_LEN(healthy_shares);
    }
    return (ratio + share) / 2;
}

/* How many times the counts have to be there, at the rates seen, until e is what is wanted; INFINITY: never.
 */
static double times_for(const struct evidence_counts *counts, double w, double wanted)
{
    static const double most = 1e6;
    double lo = 1, hi = 1;

    while (evidence_forward(hi * (double)counts->canary_bad, hi * (double)counts->canary_requests,
                            hi * (double)counts->stable_bad, w) < wanted) {
        lo = hi;
        hi *= 2;
        if (hi > most)
            return INFINITY;
    }
    for (int i = 0; i < 20; i++) {
        double mid = (lo + hi) / 2;

        if (evidence_forward(mid * (double)counts->canary_bad, mid * (double)counts->canary_requests,
                             mid * (double)counts->stable_bad, w) < wanted)
            lo = mid;
        else
            hi = mid;
    }
    return hi;
}

void evidence_gate_exact(struct evidence_gate *gate, const struct evidence_counts *counts, double w,
                         double wanted)
{
    double times = times_for(counts, w, wanted);

    gate->wanted = wanted;
    gate->e = evidence_forward((double)counts->canary_bad, (double)counts->canary_requests,
                               (double)counts->stable_bad, w);
    gate->pass = gate->e >= wanted;
    gate->need = isinf(times) ? UINT64_MAX : (uint64_t)ceil(times * (double)counts->canary_requests);
}
