#include "proxy/score.h"

#include "base/clk.h"
#include "proxy/cookie.h"
#include "route/path.h"

/* A bad event whose time has not come. It outlives its request, so it holds what it needs. */
struct pending {
    struct wheel_timer timer;
    struct scorer *scorer;
    struct shard_route *cells;
    struct shard_target *target; /* NULL: not told apart */
    struct units *units;
    uint64_t unit; /* hash with the metric; unused when `each` */
    bool each;     /* every request is its own unit */
    uint32_t slot, epoch;
    enum route_side side;
    unsigned metric;
    uint32_t window_s;
};

void scorer_init(struct scorer *scorer, struct wheel *wheel, const struct hash_key *key)
{
    *scorer = (struct scorer){.wheel = wheel, .key = *key};
    mem_pool_init(&scorer->pending, sizeof(struct pending), 256, SCORE_PENDING_MAX);
}

static void on_pending(struct wheel_timer *timer, int64_t now_ns);

void scorer_fini(struct scorer *scorer)
{
    for (size_t i = 0; i < WHEEL_SLOTS; i++) {
        struct wheel_timer *head = &scorer->wheel->slots[i], *timer = head->next;

        while (timer != head) {
            struct wheel_timer *next = timer->next;

            if (timer->fire == on_pending) {
                wheel_cancel(scorer->wheel, timer);
                mem_pool_put(&scorer->pending, CONTAINER_OF(timer, struct pending, timer));
            }
            timer = next;
        }
    }
    mem_pool_fini(&scorer->pending);
}

void scorer_adopt(struct scorer *scorer, const struct routes *routes)
{
    for (size_t i = 0; i < routes->routes_len; i++)
        scorer->epochs[routes->routes[i].conf->slot] = routes->routes[i].epoch;
}

/* The cells of an epoch, or NULL when they may already belong to a later one. */
static struct shard_judged *cells_of(const struct scorer *scorer, struct shard_route *cells, uint32_t slot,
                                     uint32_t epoch, unsigned side)
{
    if (scorer->epochs[slot] - epoch >= SHARD_EPOCHS / 2) {
        cell_add(&cells->late, 1);
        return NULL;
    }
    return &cells->epochs[epoch % SHARD_EPOCHS].side[side];
}

static void count_bad(const struct pending *bad, int64_t now_ns)
{
    struct shard_judged *judged = cells_of(bad->scorer, bad->cells, bad->slot, bad->epoch, bad->side);

    if (!judged || (bad->target && atomic_load_explicit(&bad->target->disowned, memory_order_relaxed)))
        return;
    cell_add(&judged->metrics[bad->metric].raw_bad, 1);
    if (!bad->each && !units_first(bad->units, bad->unit, (uint32_t)(now_ns / NS_PER_S) + 1, bad->window_s))
        return;
    cell_add(&judged->metrics[bad->metric].bad, 1);
    if (bad->target)
        cell_add(&bad->target->bad[bad->metric], 1);
}

static void on_pending(struct wheel_timer *timer, int64_t now_ns)
{
    struct pending *bad = CONTAINER_OF(timer, struct pending, timer);

    count_bad(bad, now_ns);
    mem_pool_put(&bad->scorer->pending, bad);
}

/* ---- which unit, which metrics ---- */

/* What the client sticks by and sends itself: one that has no cookie yet, or keeps none, is known by its
 * address. */
static struct str affinity_of(const struct head *head, const struct route_affinity *affinity)
{
    const struct field *field;

    switch (affinity->by) {
    case CONFIG_AFFINITY_COOKIE:
        return cookie_value(head, str_from(affinity->name));
    case CONFIG_AFFINITY_HEADER:
        field = head_find_name(head, str_from(affinity->name), 0);
        return field ? field->value : STR_NULL;
    case CONFIG_AFFINITY_NONE:
    case CONFIG_AFFINITY_CLIENT:
        return STR_NULL;
    }
    BUG("affinity %d", (int)affinity->by);
}

/* The unit of the request; empty when the plan counts every request for itself. */
static struct str unit_of(const struct score *score)
{
    const struct judging *judging = score->route->judging;
    const struct field *field;
    struct str unit = STR_NULL;

    switch (judging->unit) {
    case JUDGING_UNIT_REQUEST:
        return STR_NULL;
    case JUDGING_UNIT_HEADER:
        field = head_find_name(score->head, str_from(judging->unit_name), 0);
        unit = field ? field->value : STR_NULL;
        break;
    case JUDGING_UNIT_COOKIE:
        unit = cookie_value(score->head, str_from(judging->unit_name));
        break;
    case JUDGING_UNIT_CLIENT:
        unit = affinity_of(score->head, &score->route->affinity);
        break;
    }
    return unit.len ? unit : score->client;
}

static bool matches(const struct score *score, const struct judging_metric *metric)
{
    const struct plan_match *match = &metric->match;
    const struct field *field;

    if (metric->matches_all)
        return true;
    if (match->method[0] && !str_eq(score->head->method_name, str_from(match->method)))
        return false;
    if (match->path_prefix[0] && !path_is_below(score->path, str_from(match->path_prefix)))
        return false;
    if (!match->header[0])
        return true;
    field = head_find_name(score->head, str_from(match->header), 0);
    return field && (!match->header_value[0] || str_eq(field->value, str_from(match->header_value)));
}

/* ---- the life of a score ---- */

/* Counts the request itself, once, when its first metric is decided. */
static void count_request(struct score *score)
{
    const struct route *route = score->route;
    struct shard_judged *judged;

    if (score->counted)
        return;
    score->counted = true;
    judged = cells_of(score->scorer, score->cells, route->conf->slot, route->epoch, score->side);
    if (!judged)
        return;
    cell_add(&judged->requests, 1);
    if (score->target)
        cell_add(&score->target->judged, 1);
    for (unsigned i = 0; i < route->judging->metrics_len; i++)
        if (score->matched >> i & 1)
            cell_add(&judged->metrics[i].requests, 1);
}

/* The metric's event is bad: counts at `due_ns`, at once when that has passed. */
static void add_bad(struct score *score, unsigned metric, int64_t due_ns, int64_t now_ns)
{
    const struct judging *judging = score->route->judging;
    struct str unit = unit_of(score);
    struct pending bad = {
        .scorer = score->scorer,
        .cells = score->cells,
        .target = score->target,
        .units = unit_tables_get(score->units, judging->guards >> metric & 1),
        .unit = unit.len ? hash_keyed(&score->scorer->key, unit) * (2 * metric + 1) : 0,
        .each = unit.len == 0,
        .slot = score->route->conf->slot,
        .epoch = score->route->epoch,
        .side = score->side,
        .metric = metric,
        .window_s = (uint32_t)(judging->unit_window_ns / NS_PER_S),
    };
    struct pending *waits = due_ns > now_ns ? mem_pool_get(&score->scorer->pending) : NULL;

    if (!waits) {
        count_bad(&bad, now_ns);
        return;
    }
    *waits = bad;
    wheel_timer_init(&waits->timer, on_pending);
    wheel_set(score->scorer->wheel, &waits->timer, due_ns);
}

/* Bad when it is still open at a threshold: an SLO, or what a guard has learned. */
static bool is_latency(const struct score *score, unsigned metric)
{
    const struct judging_metric *m = &score->route->judging->metrics[metric];

    return (m->type == METRIC_LATENCY_SLO || (m->type == METRIC_LATENCY_SHIFT && m->threshold_ns > 0)) &&
           (score->matched >> metric & 1);
}

static int64_t slow_at(const struct score *score, unsigned metric)
{
    return score->start_ns + score->route->judging->metrics[metric].threshold_ns;
}

/* The next threshold that this request can still miss; INT64_MAX when there is none. */
static int64_t next_threshold(const struct score *score)
{
    int64_t next = INT64_MAX;

    for (unsigned i = 0; i < score->route->judging->metrics_len; i++)
        if (is_latency(score, i) && !(score->slow >> i & 1) && slow_at(score, i) < next)
            next = slow_at(score, i);
    return next;
}

/* Counts as slow what has passed its threshold by `now_ns`. */
static void count_slow(struct score *score, int64_t now_ns)
{
    for (unsigned i = 0; i < score->route->judging->metrics_len; i++) {
        if (!is_latency(score, i) || (score->slow >> i & 1) || slow_at(score, i) > now_ns)
            continue;
        count_request(score);
        if (!score->slow && score->on_slow) {
            score->told = true;
            score->on_slow(score);
        }
        score->slow = (uint8_t)(score->slow | 1u << i);
        add_bad(score, i, now_ns, now_ns);
    }
}

static void on_threshold(struct wheel_timer *timer, int64_t now_ns)
{
    struct score *score = CONTAINER_OF(timer, struct score, timer);
    int64_t next;

    count_slow(score, now_ns);
    next = next_threshold(score);
    if (next != INT64_MAX)
        wheel_set(score->scorer->wheel, timer, next);
}

void score_target(struct score *score, struct shard_target *target)
{
    score->target = score->side == ROUTE_CANARY ? target : NULL;
}

void score_none(struct score *score)
{
    if (score->scorer)
        wheel_cancel(score->scorer->wheel, &score->timer);
    score->scorer = NULL;
}

void score_begin(struct score *score, struct scorer *scorer, const struct route *route,
                 struct shard_route *cells, struct unit_tables *units, const struct head *head,
                 struct str client, struct str path, enum route_side side, int64_t now_ns)
{
    int64_t next;

    *score = (struct score){.scorer = scorer,
                            .route = route,
                            .cells = cells,
                            .units = units,
                            .head = head,
                            .client = client,
                            .path = path,
                            .side = side,
                            .start_ns = now_ns};
    wheel_timer_init(&score->timer, on_threshold);
    for (unsigned i = 0; i < route->judging->metrics_len; i++)
        if (matches(score, &route->judging->metrics[i]))
            score->matched = (uint8_t)(score->matched | 1u << i);
    next = next_threshold(score);
    if (next != INT64_MAX)
        wheel_set(scorer->wheel, &score->timer, next);
}

/* When a failure counts: at the evaluation age, or, when it came later, at the time-out of the answer, the
 * second fixed age. In between, groups that fail at different speeds would seem to fail at different rates
 * (decisions.md 2.5). */
static int64_t failed_at(const struct score *score, int64_t now_ns)
{
    int64_t age_ns = score->route->judging->age_ns, timeout_ns = score->route->conf->timeouts.first_byte_ns;
    bool late = now_ns - score->start_ns > age_ns;

    return score->start_ns + (late && timeout_ns > age_ns ? timeout_ns : age_ns);
}

/* Failures that only the group can have caused, and the statuses that the plan calls bad. */
static bool is_error(const struct judging_metric *metric, enum outcome outcome, unsigned target_status)
{
    if (metric->type == METRIC_ERROR_RATE && outcome_row(outcome)->blame == BLAME_GROUP)
        return true;
    return judging_status_is_bad(metric, target_status);
}

/* Stable's times, as long as a guard learns them. */
static void learn_answer(const struct score *score, int64_t ns)
{
    if ((score->route->judging->learns & score->matched) && score->side == ROUTE_STABLE)
        cell_add(&score->cells->answers[hist_bucket(ns)], 1);
}

static bool is_too_fast(const struct judging_metric *metric, int64_t ns)
{
    return metric->type == METRIC_SUSPICIOUSLY_FAST && guard_is_bad(metric->type, metric->threshold_ns, ns);
}

static bool scores_errors(enum metric_type type)
{
    return type == METRIC_ERROR_RATE || type == METRIC_CLIENT_ERROR_RATE;
}

/* As add_bad, of what may send a canary back. */
static void end_bad(struct score *score, unsigned metric, int64_t due_ns, int64_t now_ns)
{
    score->bad = true;
    add_bad(score, metric, due_ns, now_ns);
}

void score_end(struct score *score, enum outcome outcome, unsigned target_status, int64_t now_ns)
{
    const struct judging *judging;
    bool failed = outcome_row(outcome)->blame == BLAME_GROUP || target_status >= 500;
    enum blame blame = outcome_row(outcome)->blame;
    bool answered = !failed && target_status >= 200 && target_status < 400;

    if (!score->scorer)
        return;
    judging = score->route->judging;
    wheel_cancel(score->scorer->wheel, &score->timer);
    count_slow(score, now_ns); /* the wheel may lag a tick behind */
    if (blame == BLAME_CLIENT || blame == BLAME_SELF)
        return; /* says nothing about the group; what was slow before is counted already */
    count_request(score);
    if (answered)
        learn_answer(score, now_ns - score->start_ns);
    for (unsigned i = 0; i < judging->metrics_len; i++) {
        if (!(score->matched >> i & 1))
            continue;
        if (failed && !judging->failures_apart && judging->metrics[i].type == METRIC_LATENCY_SLO &&
            !(score->slow >> i & 1))
            end_bad(score, i, slow_at(score, i), now_ns);
        if (answered && is_too_fast(&judging->metrics[i], now_ns - score->start_ns))
            add_bad(score, i, now_ns, now_ns);
        if (scores_errors(judging->metrics[i].type) && is_error(&judging->metrics[i], outcome, target_status))
            end_bad(score, i, failed_at(score, now_ns), now_ns);
    }
}

/* ---- mirrored requests ---- */

static bool says_something(enum outcome outcome)
{
    enum blame blame = outcome_row(outcome)->blame;

    return blame != BLAME_CLIENT && blame != BLAME_SELF;
}

static bool is_bad_answer(const struct judging *judging, const struct judging_metric *metric,
                          const struct score_answer *answer)
{
    bool failed = outcome_row(answer->outcome)->blame == BLAME_GROUP || answer->status >= 500;

    if (metric->type == METRIC_LATENCY_SLO)
        return answer->ns > metric->threshold_ns || (failed && !judging->failures_apart);
    return is_error(metric, answer->outcome, answer->status);
}

void score_pair(const struct scorer *scorer, const struct route *route, struct shard_route *cells,
                unsigned matched, const struct score_answer answers[static ROUTE_SIDES])
{
    const struct judging *judging = route->judging;

    if (!says_something(answers[ROUTE_STABLE].outcome) || !says_something(answers[ROUTE_CANARY].outcome))
        return;
    for (unsigned side = 0; side < ROUTE_SIDES; side++) {
        struct shard_judged *judged =
            cells_of(scorer, cells, route->conf->slot, route->epoch, SHARD_PAIR + side);

        for (unsigned i = 0; judged && i < judging->metrics_len; i++) {
            bool bad = is_bad_answer(judging, &judging->metrics[i], &answers[side]);

            if (!(matched >> i & 1))
                continue;
            cell_add(&judged->metrics[i].requests, 1);
            cell_add(&judged->metrics[i].raw_bad, bad);
            cell_add(&judged->metrics[i].bad, bad);
        }
    }
}
