#include "control/harvest.h"

#include <string.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Cells are read one after the other while workers write, so a bad request may show before the request
 * itself: it then waits for the next look. */
static void sum_metric(const struct harvest_cells *cells, size_t epoch, size_t side, size_t metric,
                       struct tally_metric *sum_r)
{
    *sum_r = (struct tally_metric){0};
    for (size_t w = 0; w < cells->len; w++) {
        const struct shard_metric *cell = &cells->workers[w]->epochs[epoch].side[side].metrics[metric];

        sum_r->bad += cell_get(&cell->bad);
        sum_r->raw_bad += cell_get(&cell->raw_bad);
        sum_r->requests += cell_get(&cell->requests);
    }
    sum_r->raw_bad = least(sum_r->raw_bad, sum_r->requests);
    sum_r->bad = least(sum_r->bad, sum_r->raw_bad);
}

/* One side of an epoch's cells, summed. */
static void sum_side(const struct harvest_cells *cells, size_t epoch, size_t side, struct harvest_side *sum_r)
{
    *sum_r = (struct harvest_side){0};
    for (size_t w = 0; w < cells->len; w++)
        sum_r->requests += cell_get(&cells->workers[w]->epochs[epoch].side[side].requests);
    for (size_t m = 0; m < PLAN_METRICS_MAX; m++)
        sum_metric(cells, epoch, side, m, &sum_r->metrics[m]);
}

static void subtract(struct harvest_side *from, const struct harvest_side *what)
{
    from->requests -= what->requests;
    for (size_t m = 0; m < PLAN_METRICS_MAX; m++) {
        from->metrics[m].requests -= what->metrics[m].requests;
        from->metrics[m].raw_bad -= what->metrics[m].raw_bad;
        from->metrics[m].bad -= what->metrics[m].bad;
    }
}

static void add(struct harvest_side *to, const struct harvest_side *what)
{
    to->requests += what->requests;
    for (size_t m = 0; m < PLAN_METRICS_MAX; m++) {
        to->metrics[m].requests += what->metrics[m].requests;
        to->metrics[m].raw_bad += what->metrics[m].raw_bad;
        to->metrics[m].bad += what->metrics[m].bad;
    }
}

static bool both_empty(const struct harvest_side sides[static SHARD_JUDGED_SIDES])
{
    static const struct harvest_side nothing[SHARD_JUDGED_SIDES];

    return memcmp(sides, nothing, sizeof nothing) == 0;
}

/* The place of a weight in `pending`; there are never more weights than epochs. */
static struct harvest_weight *pending_of(struct harvest *harvest, uint32_t weight)
{
    struct harvest_weight *place;

    for (size_t i = 0; i < harvest->pending_len; i++)
        if (harvest->pending[i].weight == weight)
            return &harvest->pending[i];
    if (harvest->pending_len == SHARD_EPOCHS)
        return NULL;
    place = &harvest->pending[harvest->pending_len++];
    *place = (struct harvest_weight){.weight = weight};
    return place;
}

/* What came into one cell since the last look. */
static void collect_epoch(struct harvest *harvest, const struct harvest_cells *cells, size_t index,
                          uint64_t seen)
{
    struct harvest_epoch *epoch = &harvest->epochs[index];
    struct harvest_side fresh[SHARD_JUDGED_SIDES];
    struct harvest_weight *place = NULL;

    for (size_t side = 0; side < SHARD_JUDGED_SIDES; side++) {
        struct harvest_side sum;

        sum_side(cells, index, side, &sum);
        fresh[side] = sum;
        subtract(&fresh[side], &epoch->seen[side]);
        epoch->seen[side] = sum;
    }
    if (epoch->open && epoch->run != 0 && epoch->run == harvest->run && !both_empty(fresh))
        place = pending_of(harvest, epoch->weight);
    epoch->open |= seen >= epoch->version;
    for (size_t side = 0; side < SHARD_JUDGED_SIDES; side++) {
        if (place)
            add(&place->side[side], &fresh[side]);
        else if (epoch->run != 0)
            harvest->dropped += fresh[side].requests;
    }
}

void harvest_answers(struct harvest *harvest, const struct harvest_cells *cells, struct hist *answers_r)
{
    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        uint64_t sum = 0;

        for (size_t w = 0; w < cells->len; w++)
            sum += cell_get(&cells->workers[w]->answers[i]);
        answers_r->count[i] = sum - harvest->answers.count[i];
        harvest->answers.count[i] = sum;
    }
}

void harvest_init(struct harvest *harvest, const struct harvest_cells *cells)
{
    struct hist old;

    *harvest = (struct harvest){0};
    harvest_answers(harvest, cells, &old);
    for (size_t i = 0; i < SHARD_EPOCHS; i++) {
        harvest->epochs[i].used = cells->len > 0;
        for (size_t side = 0; side < SHARD_JUDGED_SIDES; side++)
            sum_side(cells, i, side, &harvest->epochs[i].seen[side]);
    }
}

void harvest_begin(struct harvest *harvest, const struct harvest_cells *cells, uint32_t epoch,
                   uint32_t weight, uint32_t run, uint64_t version, uint64_t seen)
{
    size_t index = epoch % SHARD_EPOCHS;
    struct harvest_epoch *cell = &harvest->epochs[index];

    collect_epoch(harvest, cells, index, seen);
    if (run != harvest->run) {
        harvest->run = run;
        harvest->pending_len = 0;
    }
    cell->open = !cell->used;
    cell->used = true;
    cell->version = version;
    cell->weight = weight;
    cell->run = run;
}

void harvest_collect(struct harvest *harvest, const struct harvest_cells *cells, uint64_t seen)
{
    for (size_t i = 0; i < SHARD_EPOCHS; i++)
        if (harvest->epochs[i].used)
            collect_epoch(harvest, cells, i, seen);
}

static void side_to_tally(const struct harvest_side *from, struct tally_side *to)
{
    *to = (struct tally_side){.requests = from->requests};
    memcpy(to->metrics, from->metrics, sizeof to->metrics);
}

/* Whether there are requests that were drawn, or mirrored ones. */
static bool has(const struct harvest_weight *weight, bool pairs)
{
    static const struct harvest_side nothing[ROUTE_SIDES];

    return memcmp(&weight->side[pairs ? SHARD_PAIR : 0], nothing, sizeof nothing) != 0;
}

/* Of mirrored requests the canary answers half. */
static struct tally to_tally(const struct harvest_weight *from, bool pairs)
{
    const struct harvest_side *sides = &from->side[pairs ? SHARD_PAIR : 0];
    struct tally tally = {.weight = pairs ? PLAN_WEIGHT_ALL / 2 : from->weight, .pairs = pairs};

    side_to_tally(&sides[ROUTE_CANARY], &tally.canary);
    side_to_tally(&sides[ROUTE_STABLE], &tally.stable);
    return tally;
}

size_t harvest_take(struct harvest *harvest, struct tally *tallies_r, size_t max)
{
    size_t len = 0, taken = 0;

    for (; taken < harvest->pending_len; taken++) {
        const struct harvest_weight *weight = &harvest->pending[taken];

        if (len + has(weight, false) + has(weight, true) > max)
            break;
        if (has(weight, false))
            tallies_r[len++] = to_tally(weight, false);
        if (has(weight, true))
            tallies_r[len++] = to_tally(weight, true);
    }
    harvest->pending_len -= taken;
    memmove(harvest->pending, harvest->pending + taken, harvest->pending_len * sizeof *harvest->pending);
    return len;
}
