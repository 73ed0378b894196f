#include "proxy/units.h"

#include "base/mem.h"

#include <stdlib.h>

struct units *units_new(void)
{
    return mem_zalloc(sizeof(struct units));
}

void units_free(struct units *units)
{
    free(units);
}

bool units_first(struct units *units, uint64_t hash, uint32_t now_s, uint32_t window_s)
{
    _Atomic uint32_t *slot = &units->second[hash % UNITS_SLOTS];
    uint32_t last = atomic_load_explicit(slot, memory_order_relaxed);

    if (last != 0 && (int32_t)(now_s - last) < (int32_t)window_s)
        return false;
    return atomic_compare_exchange_strong_explicit(slot, &last, now_s, memory_order_relaxed,
                                                   memory_order_relaxed);
}
