#include "proxy/units.h"

#include "base/bug.h"
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

static void cover(_Atomic(struct units *) *place)
{
    if (!atomic_load_explicit(place, memory_order_relaxed))
        atomic_store_explicit(place, units_new(), memory_order_release);
}

void unit_tables_cover(struct unit_tables *tables, bool guards)
{
    cover(&tables->judged);
    if (guards)
        cover(&tables->guards);
}

void unit_tables_fini(struct unit_tables *tables)
{
    units_free(atomic_load_explicit(&tables->judged, memory_order_relaxed));
    units_free(atomic_load_explicit(&tables->guards, memory_order_relaxed));
}

struct units *unit_tables_get(struct unit_tables *tables, bool guard)
{
    struct units *units =
        atomic_load_explicit(guard ? &tables->guards : &tables->judged, memory_order_acquire);

    BUG_ON(!units);
    return units;
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
