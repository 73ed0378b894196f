/*
 * A budget of memory that several threads draw from: what their pools take from the system counts, whether it
 * is lent out or kept for reuse. So a count changes when a chunk is drawn or given back, and not with each
 * request.
 *
 * Thread: any; relaxed, since the count orders nothing. It is never exceeded: who would exceed it is refused,
 * and for an instant others may be with it.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include "base/bug.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct budget {
    _Atomic size_t used;  /* bytes */
    _Atomic size_t limit; /* bytes; 0: none */
};

void budget_limit(struct budget *budget, size_t limit);
/* Counts `size` more bytes, unless they would exceed the limit. */
MUST_CHECK bool budget_take(struct budget *budget, size_t size);
/* Gives back what was taken. */
void budget_give(struct budget *budget, size_t size);

static inline size_t budget_used(const struct budget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed);
}
/* Whether less than a sixteenth is left, so that nothing new should be begun: what has been begun may need
 * it. */
static inline bool budget_is_short(const struct budget *budget)
{
    size_t limit = atomic_load_explicit(&budget->limit, memory_order_relaxed);

    return limit && budget_used(budget) > limit - limit / 16;
}

#endif
