#include "gen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double slo_ms = 500;
static const double common_seconds = 10, common_memory_s = 600; /* of the factors of both groups */
static const double cold_scale = 1.5;

/* ---- draws ---- */

static double uniform(struct gen *gen, double from, double to)
{
    return from + (to - from) * rnd_double(&gen->rnd);
}

static double log_uniform(struct gen *gen, double from, double to)
{
    return from * exp(rnd_double(&gen->rnd) * log(to / from));
}

/* Mean 1. */
static double exponential(struct gen *gen)
{
    return -log(1 - rnd_double(&gen->rnd));
}

/* Box and Muller (1958), two at a time. */
static double normal(struct gen *gen)
{
    double z = gen->spare, radius, angle;

    gen->spare = NAN;
    if (!isnan(z))
        return z;
    radius = sqrt(2 * exponential(gen));
    angle = 2 * M_PI * rnd_double(&gen->rnd);
    gen->spare = radius * sin(angle);
    return radius * cos(angle);
}

/* Gamma of shape 8 and mean 1. */
static double gamma8(struct gen *gen)
{
    double product = 1;

    for (int i = 0; i < 8; i++)
        product *= 1 - rnd_double(&gen->rnd);
    return -log(product) / 8;
}

static double normal_above(double z)
{
    return 0.5 * erfc(z * M_SQRT1_2);
}

/* The z with this share above it. */
static double normal_quantile(double above)
{
    double lo = 0, hi = 10;

    for (int i = 0; i < 60; i++) {
        double mid = (lo + hi) / 2;

        if (normal_above(mid) > above)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* ---- a family ---- */

static void add_span(struct gen *gen, double from, double seconds, double failed, double slow,
                     double canary_failed, double canary_slow)
{
    if (gen->spans_len < sizeof(gen->spans) / sizeof(gen->spans[0]))
        gen->spans[gen->spans_len++] =
            (struct gen_span){from, from + seconds, failed, slow, canary_failed, canary_slow};
}

/* Both groups, the canary by chance a little more or less. */
static void add_incident(struct gen *gen, double from, double seconds, double failed, double slow, double sd)
{
    add_span(gen, from, seconds, failed, slow, failed * exp(sd * normal(gen)), slow * exp(sd * normal(gen)));
}

static void add_bursts(struct gen *gen, bool canary)
{
    double t = 600 * exponential(gen);

    while (t < gen->head.horizon_s) {
        double seconds = uniform(gen, 2, 6), failed = 0.05, slow = 0.2;

        add_span(gen, t, seconds, canary ? 0 : failed, canary ? 0 : slow, canary ? failed : 0,
                 canary ? slow : 0);
        t += seconds + 600 * exponential(gen);
    }
}

static void add_pushes(struct gen *gen)
{
    for (double t = uniform(gen, 60, 480); t < gen->head.horizon_s; t += 1800)
        add_span(gen, t, 180, 0.002, 0.02, 0.002, 0.02);
}

static void add_bots(struct gen *gen, double from, double seconds, double share, double failed,
                     double refused)
{
    gen->bots_from = from;
    gen->bots_to = from + seconds;
    gen->bots_share = share;
    gen->bots_failed = failed;
    gen->bots_refused = refused;
}

static void set_capacity(struct gen *gen, bool wide, bool grows)
{
    gen->head.rule = TRACE_RULE_CAPACITY;
    gen->head.capacity = wide ? uniform(gen, 0.1, 0.5) : 0.2;
    gen->head.scaleout_s = grows ? (wide ? uniform(gen, 60, 400) : 180) : 0;
    gen->head.scaleout_factor = 1.25;
    gen->fault = uniform(gen, 0.1, 0.4);
}

/* What a family adds to the common base. `size` is 1, or varies in the wide set. */
static void set_family(struct gen *gen, bool wide, double size)
{
    double sd = wide ? 0.25 : 0.1;

    switch (gen->kind) {
    case FAMILY_HEALTHY:
    case FAMILY_REAL_HEALTHY:
    case FAMILY_REAL_BAD:
    case FAMILY_REAL_FAST:
    case FAMILIES:
        return;
    case FAMILY_LOWTRAFFIC:
        gen->rate = 0.5;
        return;
    case FAMILY_SLOWER10:
        gen->slow = wide ? gen->slow : uniform(gen, 0.003, 0.006);
        gen->fault = log(1.1);
        return;
    case FAMILY_DIURNAL:
        gen->rate = log_uniform(gen, 40, 100);
        gen->peak_hour = uniform(gen, 0, 24);
        return;
    case FAMILY_COLDSTART:
        gen->head.rule = TRACE_RULE_COLD;
        gen->head.cold_s = wide ? uniform(gen, 30, 180) : 120;
        gen->fault = uniform(gen, 0.05, 0.12);
        return;
    case FAMILY_CLIENT4XX:
        add_bots(gen, uniform(gen, 120, 600), 300, 0.5, 0, 0.9);
        return;
    case FAMILY_BOT:
        add_bots(gen, uniform(gen, 60, 300), 1800, 0.5, 0.3, 0);
        return;
    case FAMILY_BOT_STICKY:
        add_bots(gen, uniform(gen, 60, 300), 1800, 0.05, 0.3, 0);
        gen->head.sticky = true;
        return;
    case FAMILY_GAP:
        gen->bots_from = uniform(gen, 120, 480);
        gen->bots_to = gen->bots_from + uniform(gen, 600, 1200);
        return;
    case FAMILY_PUSH:
        add_pushes(gen);
        return;
    case FAMILY_BURSTY:
        add_bursts(gen, false);
        add_bursts(gen, true);
        return;
    case FAMILY_COMMON60:
        add_incident(gen, uniform(gen, 60, 480), 60, uniform(gen, 0.2, 0.5), uniform(gen, 0.2, 0.5), sd);
        add_incident(gen, uniform(gen, 1800, 6000), 60, uniform(gen, 0.2, 0.5), uniform(gen, 0.2, 0.5), sd);
        return;
    case FAMILY_COMMON_LONG:
        add_incident(gen, uniform(gen, 60, 360), uniform(gen, 360, 600), uniform(gen, 0.03, 0.1),
                     uniform(gen, 0.05, 0.2), sd);
        return;
    case FAMILY_CAP_SCALEOUT:
        set_capacity(gen, wide, true);
        return;
    case FAMILY_CAPACITY:
        set_capacity(gen, wide, false);
        return;
    case FAMILY_ERR_X3:
        gen->failed = wide ? gen->failed : 0.001;
        gen->fault = 1 + 2 * size;
        return;
    case FAMILY_ERR_X10:
        gen->failed = wide ? gen->failed : 0.001;
        gen->fault = 1 + 9 * size;
        return;
    case FAMILY_HARD50:
        gen->failed = wide ? gen->failed : 0.001;
        gen->fault = wide ? uniform(gen, 0.3, 1) : 0.5;
        return;
    case FAMILY_SLO3:
        gen->slow = wide ? gen->slow : 0.005;
        gen->fault = 0.025 * size;
        return;
    case FAMILY_LEAK:
        gen->fault = size;
        return;
    case FAMILY_FLAPPING:
        gen->onset_s = uniform(gen, 0, 300);
        gen->fault = size;
        return;
    case FAMILY_BAD_TASK:
        gen->fault = wide ? uniform(gen, 0.05, 0.3) : 0.1;
        return;
    case FAMILY_KEYS2:
        gen->fault = 0.3 * size;
        return;
    case FAMILY_CANARY4XX:
        gen->refused = 0.02;
        gen->fault = 0.08 * size;
        gen->count_refused = true;
        return;
    case FAMILY_LATE_X10:
        gen->failed = wide ? gen->failed : 0.001;
        gen->onset_s = uniform(gen, 1200, 7200);
        gen->fault = 1 + 9 * size;
        return;
    case FAMILY_LOW_BAD:
        gen->rate = 0.5;
        gen->fault = 0.05 * size;
        return;
    case FAMILY_DIURNAL_BAD:
        gen->rate = log_uniform(gen, 40, 100);
        gen->peak_hour = uniform(gen, 0, 24);
        gen->slow = wide ? gen->slow : 0.005;
        gen->fault = 0.025 * size;
        return;
    }
}

/* Rates and latencies of the real world; failures as if in the middle of the usual. */
static void set_real(struct gen *gen, uint64_t seed, const struct real *real)
{
    gen->real = real;
    gen->failed = 0.001;
    gen->head.slo_ms = real_slo_ms;
    gen->series = (size_t)seed % REAL_HEALTHY;
    if (gen->kind == FAMILY_REAL_HEALTHY)
        return;
    gen->series = (size_t)seed % REAL_WORLDCUP;
    if (gen->kind == FAMILY_REAL_BAD)
        gen->pool = &real->faults[real->bad[(size_t)seed % real->bad_len]];
    else
        gen->pool = &real->faults[real->fast[(size_t)seed % real->fast_len]];
}

void gen_init(struct gen *gen, enum family_kind kind, uint64_t seed, bool wide, const struct real *real)
{
    double median;

    memset(gen, 0, sizeof(*gen));
    rnd_seed(&gen->rnd, seed * FAMILY_REAL_HEALTHY + (uint64_t)kind + (wide ? UINT64_C(1) << 40 : 0));
    gen->kind = kind;
    gen->spare = NAN;
    gen->second = -1;
    gen->peak_hour = NAN;
    gen->head = (struct trace_head){.stable = "ec2", .canary = "fargate", .slo_ms = slo_ms};
    snprintf(gen->head.id, sizeof(gen->head.id), "%s/%llu%s", families[kind].name, (unsigned long long)seed,
             wide ? "w" : "");
    gen->head.horizon_s = families[kind].hours * 3600;
    gen->rate = wide ? log_uniform(gen, 3, 150) : log_uniform(gen, 20, 80);
    gen->failed = wide ? log_uniform(gen, 0.0001, 0.005) : log_uniform(gen, 0.0005, 0.002);
    gen->slow = wide ? log_uniform(gen, 0.0005, 0.005) : uniform(gen, 0.003, 0.007);
    gen->refused = uniform(gen, 0.01, 0.03);
    median = uniform(gen, 30, 60);
    set_family(gen, wide, wide ? log_uniform(gen, 0.5, 2) : 1);
    if (kind >= FAMILY_REAL_HEALTHY)
        set_real(gen, seed, real);
    gen->mu = log(median);
    gen->z_slow = normal_quantile(gen->slow);
    gen->sigma = (log(slo_ms) - gen->mu) / gen->z_slow;
    for (size_t i = 0; i < GEN_RECENT; i++)
        gen->recent[i] = rnd_below(&gen->rnd, GEN_KEYS);
}

/* ---- a second ---- */

/* Ornstein and Uhlenbeck, a step every 10 s. */
static void drift(struct gen *gen)
{
    double keep = exp(-common_seconds / common_memory_s);

    if (gen->second % (int64_t)common_seconds != 0)
        return;
    if (gen->second == 0) {
        gen->x = normal(gen);
        gen->y = normal(gen);
        return;
    }
    gen->x = keep * gen->x + sqrt(1 - keep * keep) * normal(gen);
    gen->y = keep * gen->y + sqrt(1 - keep * keep) * normal(gen);
}

/* 22:00 is the peak, 05:00 the trough, a twentieth of it. */
static double diurnal(const struct gen *gen, double t)
{
    double hour = fmod(gen->peak_hour + t / 3600, 24);
    double f = hour < 7 ? M_PI * hour / 7 : M_PI + M_PI * (hour - 7) / 17;

    return exp(-log(20) / 2 * (1 - cos(f)));
}

static void set_rate(struct gen *gen, double t)
{
    bool inside = t >= gen->bots_from && t < gen->bots_to;
    double rate = gen->rate * gamma8(gen);
    size_t minute = (size_t)(t / 60);

    if (gen->real) {
        rate = gen->real->rates[gen->series][minute < REAL_POINTS ? minute : REAL_POINTS - 1];
        gen->level = gen->real->levels[gen->series][minute < REAL_POINTS ? minute : REAL_POINTS - 1];
    }
    if (!isnan(gen->peak_hour))
        rate *= diurnal(gen, t);
    gen->bots_now = 0;
    if (inside && gen->bots_share > 0) {
        rate *= 1 + gen->bots_share;
        gen->bots_now = gen->bots_share / (1 + gen->bots_share);
    } else if (inside) {
        rate = 0; /* the gap */
    }
    if (gen->kind == FAMILY_PUSH && gen->stable.extra_slow > 0)
        rate *= 10;
    gen->lambda = rate;
}

static void set_spans(struct gen *gen, double t)
{
    for (size_t i = 0; i < gen->spans_len; i++) {
        const struct gen_span *span = &gen->spans[i];

        if (t < span->from || t >= span->to)
            continue;
        gen->stable.failed += span->failed;
        gen->stable.extra_slow += span->slow;
        gen->canary.failed += span->canary_failed;
        gen->canary.extra_slow += span->canary_slow;
    }
}

static bool flaps(const struct gen *gen, double t)
{
    return t >= gen->onset_s && fmod(t - gen->onset_s, 300) < 60;
}

/* The fault of a bad family, or what a healthy canary does differently. */
static void set_fault(struct gen *gen, double t)
{
    struct gen_law *canary = &gen->canary;
    double grown = fmin(t / 7200, 1);

    switch (gen->kind) {
    case FAMILY_SLOWER10:
        canary->ln_scale += gen->fault;
        return;
    case FAMILY_ERR_X3:
    case FAMILY_ERR_X10:
        canary->failed *= gen->fault;
        return;
    case FAMILY_LATE_X10:
        canary->failed *= t >= gen->onset_s ? gen->fault : 1;
        return;
    case FAMILY_HARD50:
    case FAMILY_LOW_BAD:
        canary->failed = gen->fault;
        return;
    case FAMILY_SLO3:
    case FAMILY_DIURNAL_BAD:
        canary->extra_slow += gen->fault;
        return;
    case FAMILY_LEAK:
        canary->failed += 0.01 * grown * gen->fault;
        canary->extra_slow += 0.1 * grown * gen->fault;
        return;
    case FAMILY_FLAPPING:
        canary->failed += flaps(gen, t) ? 0.05 * gen->fault : 0;
        canary->extra_slow += flaps(gen, t) ? 0.1 * gen->fault : 0;
        return;
    case FAMILY_CANARY4XX:
        canary->refused = gen->fault;
        return;
    case FAMILY_COLDSTART:
    case FAMILY_CAP_SCALEOUT:
    case FAMILY_CAPACITY:
    case FAMILY_HEALTHY:
    case FAMILY_LOWTRAFFIC:
    case FAMILY_DIURNAL:
    case FAMILY_CLIENT4XX:
    case FAMILY_BOT:
    case FAMILY_BOT_STICKY:
    case FAMILY_GAP:
    case FAMILY_PUSH:
    case FAMILY_BURSTY:
    case FAMILY_COMMON60:
    case FAMILY_COMMON_LONG:
    case FAMILY_BAD_TASK: /* these two by the request */
    case FAMILY_KEYS2:
    case FAMILY_REAL_HEALTHY:
    case FAMILY_REAL_BAD:
    case FAMILY_REAL_FAST:
    case FAMILIES:
        return;
    }
}

static void set_second(struct gen *gen, int64_t second)
{
    double t = (double)second;

    gen->second = second;
    drift(gen);
    gen->stable = (struct gen_law){.failed = gen->failed * exp(0.3 * gen->x - 0.045),
                                   .refused = gen->refused,
                                   .ln_scale = 0.04 * gen->y};
    gen->canary = gen->stable;
    set_spans(gen, t);
    set_fault(gen, t);
    gen->alt = gen->canary;
    if (gen->head.rule != TRACE_RULE_NONE) {
        gen->alt.extra_slow += gen->fault;
        gen->alt.ln_scale += log(cold_scale);
        gen->alt.failed += gen->head.rule == TRACE_RULE_CAPACITY ? 0.005 : 0;
    }
    set_rate(gen, t);
}

/* ---- a request ---- */

static void draw_key(struct gen *gen)
{
    double u;

    if (rnd_u64(&gen->rnd) & 1) {
        gen->key = gen->recent[rnd_below(&gen->rnd, GEN_RECENT)];
        return;
    }
    u = rnd_double(&gen->rnd);
    gen->key = (uint32_t)(GEN_KEYS * u * u);
    gen->recent[rnd_below(&gen->rnd, GEN_RECENT)] = gen->key;
}

const char *gen_key_name(const struct gen *gen, char out[static GEN_KEY_LEN])
{
    uint32_t left = gen->key;

    memcpy(out, "c000000", 8);
    for (int i = 6; i > 0; i--, left /= 10)
        out[i] = (char)('0' + left % 10);
    return out;
}

static uint64_t key_hash(const struct gen *gen)
{
    char name[GEN_KEY_LEN];

    return trace_key((struct str){gen_key_name(gen, name), 7});
}

/* The bot that keeps to one client: one that is the canary's from the first steps on. */
static void draw_bot(struct gen *gen)
{
    gen->key = GEN_KEYS;
    if (gen->kind == FAMILY_CLIENT4XX)
        gen->key += rnd_below(&gen->rnd, GEN_BOTS);
    while (gen->head.sticky && !trace_is_canary(&gen->head, key_hash(gen), 0, 0.01))
        gen->key++;
}

static bool is_bad_key(uint64_t key)
{
    return (key >> 17) % 50 == 0;
}

static struct trace_outcome answer(const struct gen *gen, const struct gen_law *law, double u1, double u2,
                                   double z, double slow_u)
{
    struct trace_outcome outcome = {.status = 200};

    if (u1 < law->failed)
        outcome.status = 500;
    else if (u1 > 1 - law->refused)
        outcome.status = 404;
    outcome.ms = u2 < law->extra_slow ? slo_ms + 1 - 700 * log(1 - slow_u)
                                      : exp(gen->mu + gen->sigma * z + law->ln_scale);
    return outcome;
}

/* Latencies of the real world, the same share of both groups' pools. */
static void take_real(struct gen *gen, struct trace_request *request)
{
    double share = rnd_double(&gen->rnd);

    request->stable.ms = gen->level * real_quantile(&gen->real->healthy, share);
    request->canary.ms = gen->pool ? gen->level * real_quantile(gen->pool, share) : request->stable.ms;
}

static void draw_answers(struct gen *gen, struct trace_request *request, bool bot)
{
    struct gen_law stable = gen->stable, canary = gen->canary, alt = gen->alt;
    double u1 = rnd_double(&gen->rnd), u2 = rnd_double(&gen->rnd), z = normal(gen);
    double slow_u = rnd_double(&gen->rnd);

    if (bot) {
        stable.failed = canary.failed = gen->bots_failed > 0 ? gen->bots_failed : stable.failed;
        stable.refused = canary.refused = gen->bots_refused > 0 ? gen->bots_refused : stable.refused;
    }
    if (gen->kind == FAMILY_BAD_TASK && rnd_double(&gen->rnd) < gen->fault)
        canary.failed += 0.5;
    if (gen->kind == FAMILY_KEYS2 && is_bad_key(request->key))
        canary.failed += gen->fault;
    request->stable = answer(gen, &stable, u1, u2, z, slow_u);
    request->canary = answer(gen, &canary, u1, u2, z, slow_u);
    request->alt = gen->head.rule == TRACE_RULE_NONE ? request->canary : answer(gen, &alt, u1, u2, z, slow_u);
    if (gen->real)
        take_real(gen, request);
}

bool gen_next(struct gen *gen, struct trace_request *request_r)
{
    for (;;) {
        double end = (double)(gen->second + 1);

        if (gen->second >= 0 && gen->lambda > 0) {
            gen->t += exponential(gen) / gen->lambda;
            if (gen->t < end)
                break;
        }
        if (end >= gen->head.horizon_s)
            return false;
        gen->t = end;
        set_second(gen, gen->second + 1);
    }
    bool bot = gen->bots_now > 0 && rnd_double(&gen->rnd) < gen->bots_now;
    if (bot)
        draw_bot(gen);
    else
        draw_key(gen);
    request_r->t = gen->t;
    request_r->key = key_hash(gen);
    draw_answers(gen, request_r, bot);
    return true;
}

/* ---- what only the oracle may see ---- */

static void odds_of(const struct gen *gen, const struct gen_law *law, struct gen_odds *odds_r)
{
    double usual = normal_above((log(slo_ms) - gen->mu - law->ln_scale) / gen->sigma);

    *odds_r = (struct gen_odds){
        .failed = law->failed, .refused = law->refused, .slow = usual + (1 - usual) * law->extra_slow};
}

void gen_odds(const struct gen *gen, bool alt, struct gen_odds *stable_r, struct gen_odds *canary_r)
{
    struct gen_law canary = alt ? gen->alt : gen->canary;

    if (gen->kind == FAMILY_BAD_TASK)
        canary.failed += 0.5 * gen->fault;
    if (gen->kind == FAMILY_KEYS2 && is_bad_key(key_hash(gen)))
        canary.failed += gen->fault;
    odds_of(gen, &gen->stable, stable_r);
    odds_of(gen, &canary, canary_r);
}

bool gen_is_bad(const struct gen *gen, const struct trace_outcome *outcome)
{
    return outcome->status >= 500 || outcome->ms > gen->head.slo_ms ||
           (gen->count_refused && outcome->status >= 400);
}
