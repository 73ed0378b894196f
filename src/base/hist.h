/*
 * A histogram of durations with a relative error of at most 6.25 %: log-linear buckets, 16 a doubling, from 1
 * us to 67 s, with one bucket for what is shorter and one for what is longer. Fixed memory; counts are added
 * and merged, never reset.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stddef.h>
#include <stdint.h>

enum {
    HIST_SUB = 16, /* buckets a doubling */
    HIST_DOUBLINGS = 26,
    HIST_BUCKETS = HIST_SUB * HIST_DOUBLINGS + 2,
};

/* The bucket of a duration in nanoseconds. */
size_t hist_bucket(int64_t ns);
/* The upper edge of a bucket in nanoseconds, which is the first duration of the next; INT64_MAX for the last.
 */
int64_t hist_upper_ns(size_t bucket);

/* Plain counts: a sum or a difference of the shards' cells. */
struct hist {
    uint64_t count[HIST_BUCKETS];
};

/* The duration below which the share `q` (0 to 1) of the counted ones lies, in ns, interpolated inside its
 * bucket; 0 when nothing was counted. */
int64_t hist_quantile(const struct hist *hist, double q);
uint64_t hist_total(const struct hist *hist);
/* How many lasted for `ns` or longer; those in the bucket that `ns` is in are divided in proportion. */
uint64_t hist_above(const struct hist *hist, int64_t ns);

#endif
