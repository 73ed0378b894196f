#include "base/budget.h"

void budget_limit(struct budget *budget, size_t limit)
{
    atomic_store_explicit(&budget->limit, limit, memory_order_relaxed);
}

bool budget_take(struct budget *budget, size_t size)
{
    size_t before = atomic_fetch_add_explicit(&budget->used, size, memory_order_relaxed);
    size_t limit = atomic_load_explicit(&budget->limit, memory_order_relaxed);

    if (limit == 0 || (before <= limit && size <= limit - before))
        return true;
    budget_give(budget, size);
    return false;
}

void budget_give(struct budget *budget, size_t size)
{
    size_t before = atomic_fetch_sub_explicit(&budget->used, size, memory_order_relaxed);

    BUG_ON(before < size);
}
