#include "control/capacity.h"

#include "base/clk.h"

#include <math.h>

static const double memory_s = 10;
static const double refused_least = 0.01;                /* of all that came: fewer are a burst */
static const int64_t pause_ns = 30 * NS_PER_S;           /* a longer one says nothing of a second in it */
static const int64_t remembered_ns = 10 * 60 * NS_PER_S; /* after the last refusals */

/* The rates of a second become those of about ten. */
static void take(struct capacity *capacity, const struct capacity_sums *sums, int64_t now_ns)
{
    double dt = (double)(now_ns - capacity->last_ns) / NS_PER_S, keep = exp(-dt / memory_s);

    capacity->served =
        capacity->served * keep + (1 - keep) * (double)(sums->served - capacity->served_sum) / dt;
    capacity->refused =
        capacity->refused * keep + (1 - keep) * (double)(sums->refused - capacity->refused_sum) / dt;
}

static void learn(struct capacity *capacity, uint64_t refused_now, uint32_t healthy, int64_t now_ns)
{
    double each = capacity->served / healthy;

    if (refused_now && capacity->refused > refused_least * (capacity->served + capacity->refused)) {
        capacity->each = each;
        capacity->until_ns = now_ns + remembered_ns;
    } else if (now_ns >= capacity->until_ns) {
        capacity->each = 0;
    } else if (each > capacity->each) {
        capacity->each = each;
    }
}

/* Another list of targets has other sums; and while no rollout asks, nobody looks. */
static bool follows(const struct capacity *capacity, const struct capacity_sums *sums, int64_t now_ns)
{
    return capacity->known && now_ns - capacity->last_ns <= pause_ns && sums->targets == capacity->targets &&
           sums->served >= capacity->served_sum && sums->refused >= capacity->refused_sum;
}

double capacity_look(struct capacity *capacity, const struct capacity_sums *sums, int64_t now_ns)
{
    uint64_t refused_now = sums->refused - capacity->refused_sum;

    if (capacity->known && now_ns <= capacity->last_ns)
        return capacity->each;
    if (follows(capacity, sums, now_ns)) {
        take(capacity, sums, now_ns);
        if (sums->healthy)
            learn(capacity, refused_now, sums->healthy, now_ns);
    }
    capacity->known = true;
    capacity->targets = sums->targets;
    capacity->served_sum = sums->served;
    capacity->refused_sum = sums->refused;
    capacity->last_ns = now_ns;
    return capacity->each;
}
