#include "base/hist.h"

enum { UNIT_NS = 1000 };

size_t hist_bucket(int64_t ns)
{
    uint64_t parts; /* sixteenths of a unit: even the first doubling then has whole parts for its buckets */
    unsigned doubling;

    if (ns < UNIT_NS)
        return 0;
    if (ns >= (int64_t)UNIT_NS << HIST_DOUBLINGS)
        return HIST_BUCKETS - 1;
    parts = (uint64_t)ns * HIST_SUB / UNIT_NS;
    doubling = 63 - (unsigned)__builtin_clzll(parts / HIST_SUB);
    return 1 + doubling * HIST_SUB + (size_t)((parts >> doubling) & (HIST_SUB - 1));
}

int64_t hist_upper_ns(size_t bucket)
{
    size_t doubling, sub;

    if (bucket == 0)
        return UNIT_NS;
    if (bucket >= HIST_BUCKETS - 1)
        return INT64_MAX;
    doubling = (bucket - 1) / HIST_SUB;
    sub = (bucket - 1) % HIST_SUB;
    /* rounded up: the first whole nanosecond of the next bucket */
    return (int64_t)(((UINT64_C(1) << doubling) * (HIST_SUB + sub + 1) * UNIT_NS + HIST_SUB - 1) / HIST_SUB);
}

uint64_t hist_total(const struct hist *hist)
{
    uint64_t total = 0;

    for (size_t i = 0; i < HIST_BUCKETS; i++)
        total += hist->count[i];
    return total;
}

int64_t hist_quantile(const struct hist *hist, double q)
{
    double rank = q * (double)hist_total(hist);
    double below = 0;
    size_t last = 0;

    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        double here = (double)hist->count[i];
        int64_t lower = i ? hist_upper_ns(i - 1) : 0;

        if (here == 0)
            continue;
        last = i;
        if (below + here >= rank) {
            if (i == HIST_BUCKETS - 1)
                return lower;
            return lower + (int64_t)((double)(hist_upper_ns(i) - lower) * (rank - below) / here);
        }
        below += here;
    }
    return last == HIST_BUCKETS - 1 ? hist_upper_ns(last - 1) : last ? hist_upper_ns(last) : 0;
}

uint64_t hist_above(const struct hist *hist, int64_t ns)
{
    size_t at = hist_bucket(ns);
    int64_t lower = at ? hist_upper_ns(at - 1) : 0, upper = hist_upper_ns(at);
    uint64_t above = 0;

    for (size_t i = at + 1; i < HIST_BUCKETS; i++)
        above += hist->count[i];
    if (at == HIST_BUCKETS - 1)
        return hist->count[at];
    return above + (uint64_t)((double)hist->count[at] * (double)(upper - ns) / (double)(upper - lower) + 0.5);
}
