#include "control/recent.h"

#include "base/clk.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MAX = 11 }; /* full ones and the one that is filling */

static const struct {
    int64_t slot_ns;
    size_t slots; /* with the one that is filling */
} shapes[RECENT_WINDOWS] = {
    [RECENT_10S] = {NS_PER_S, 11},
    [RECENT_60S] = {10 * NS_PER_S, 7},
    /* until it is taken */
    [RECENT_SPAN... RECENT_WINDOWS - 1] = {INT64_MAX, 1},
};

struct slot {
    int64_t begin_ns;
    uint64_t requests, errors, client_errors, overridden, sent;
    uint32_t latency[HIST_BUCKETS];
};

struct recent {
    struct recent_sum last;
    int64_t slo_ns; /* 0: none */
    struct slot *slots[RECENT_WINDOWS];
    size_t at[RECENT_WINDOWS];  /* the slot that is filling */
    size_t len[RECENT_WINDOWS]; /* slots in use */
};

struct recent *recent_new(int64_t now_ns, const struct recent_sum *first)
{
    struct recent *recent = mem_zalloc(sizeof *recent);

    recent->last = *first;
    for (size_t w = 0; w < RECENT_WINDOWS; w++) {
        BUG_ON(shapes[w].slots > SLOTS_MAX);
        recent->slots[w] = mem_zalloc(shapes[w].slots * sizeof(struct slot));
        recent->slots[w][0].begin_ns = now_ns;
        recent->len[w] = 1;
    }
    return recent;
}

void recent_free(struct recent *recent)
{
    if (!recent)
        return;
    for (size_t w = 0; w < RECENT_WINDOWS; w++)
        free(recent->slots[w]);
    free(recent);
}

void recent_aim(struct recent *recent, int64_t slo_ns)
{
    recent->slo_ns = slo_ns;
}

void recent_sum_add(struct recent_sum *sum, const struct shard_side *side)
{
    for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
        bool blamed = outcome_row((enum outcome)outcome)->blame == BLAME_GROUP;

        for (size_t class = 0; class < SHARD_CLASSES; class ++) {
            uint64_t n = cell_get(&side->ended[outcome][class]);

            sum->requests += n;
            if (blamed || class == 5)
                sum->errors += n;
            else if (class == 4)
                sum->client_errors += n;
        }
    }
    sum->overridden += cell_get(&side->overridden);
    sum->sent += cell_get(&side->sent);
    for (size_t i = 0; i < HIST_BUCKETS; i++)
        sum->latency.count[i] += cell_get(&side->latency[i]);
}

static void slot_add(struct slot *slot, const struct recent_sum *sum, const struct recent_sum *last)
{
    slot->requests += sum->requests - last->requests;
    slot->errors += sum->errors - last->errors;
    slot->client_errors += sum->client_errors - last->client_errors;
    slot->overridden += sum->overridden - last->overridden;
    slot->sent += sum->sent - last->sent;
    for (size_t i = 0; i < HIST_BUCKETS; i++)
        slot->latency[i] += (uint32_t)(sum->latency.count[i] - last->latency.count[i]);
}

/* Begins a new slot when the one that is filling is old enough. */
static void rotate(struct recent *recent, size_t window, int64_t now_ns)
{
    struct slot *slot = &recent->slots[window][recent->at[window]];

    if (now_ns - slot->begin_ns < shapes[window].slot_ns)
        return;
    recent->at[window] = (recent->at[window] + 1) % shapes[window].slots;
    if (recent->len[window] < shapes[window].slots)
        recent->len[window]++;
    slot = &recent->slots[window][recent->at[window]];
    memset(slot, 0, sizeof *slot);
    slot->begin_ns = now_ns;
}

void recent_add(struct recent *recent, int64_t now_ns, const struct recent_sum *sum)
{
    for (size_t w = 0; w < RECENT_WINDOWS; w++) {
        slot_add(&recent->slots[w][recent->at[w]], sum, &recent->last);
        rotate(recent, w, now_ns);
    }
    recent->last = *sum;
}

void recent_view(const struct recent *recent, int64_t now_ns, enum recent_window window,
                 struct recent_view *view_r)
{
    int64_t begin_ns = now_ns;
    struct hist latency = {0};

    *view_r = (struct recent_view){0};
    for (size_t i = 0; i < recent->len[window]; i++) {
        const struct slot *slot = &recent->slots[window][i];

        if (slot->begin_ns < begin_ns)
            begin_ns = slot->begin_ns;
        view_r->requests += slot->requests;
        view_r->errors += slot->errors;
        view_r->client_errors += slot->client_errors;
        view_r->overridden += slot->overridden;
        view_r->sent += slot->sent;
        for (size_t b = 0; b < HIST_BUCKETS; b++)
            latency.count[b] += slot->latency[b];
    }
    view_r->span_ns = now_ns - begin_ns;
    if (view_r->requests == 0)
        return;
    view_r->p50_ns = hist_quantile(&latency, 0.50);
    view_r->p95_ns = hist_quantile(&latency, 0.95);
    view_r->p99_ns = hist_quantile(&latency, 0.99);
    view_r->slow = recent->slo_ns ? hist_above(&latency, recent->slo_ns) : 0;
}

void recent_take(struct recent *recent, int64_t now_ns, size_t span, struct recent_view *view_r)
{
    struct slot *slot = recent->slots[RECENT_SPAN + span];

    recent_view(recent, now_ns, (enum recent_window)(RECENT_SPAN + span), view_r);
    memset(slot, 0, sizeof *slot);
    slot->begin_ns = now_ns;
}
