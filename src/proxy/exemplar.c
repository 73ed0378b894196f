#include "proxy/exemplar.h"

/* The stores of the words are releases, so that who loads one of them with acquire sees the odd turn before
 * it in its second look at the turn. */
void exemplar_put(struct exemplar_cell *cell, const struct exemplar *exemplar)
{
    const uint64_t words[EXEMPLAR_WORDS] = {exemplar->trace_high, exemplar->trace_low,
                                            (uint64_t)exemplar->duration_ns, (uint64_t)exemplar->wall_ns};
    uint64_t turn = atomic_load_explicit(&cell->turn, memory_order_relaxed);

    atomic_store_explicit(&cell->turn, turn + 1, memory_order_relaxed);
    for (unsigned i = 0; i < EXEMPLAR_WORDS; i++)
        atomic_store_explicit(&cell->words[i], words[i], memory_order_release);
    atomic_store_explicit(&cell->turn, turn + 2, memory_order_release);
}

bool exemplar_get(const struct exemplar_cell *cell, struct exemplar *exemplar_r)
{
    uint64_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
    uint64_t words[EXEMPLAR_WORDS];

    if (turn == 0 || turn % 2 == 1)
        return false;
    for (unsigned i = 0; i < EXEMPLAR_WORDS; i++)
        words[i] = atomic_load_explicit(&cell->words[i], memory_order_acquire);
    *exemplar_r = (struct exemplar){words[0], words[1], (int64_t)words[2], (int64_t)words[3]};
    return atomic_load_explicit(&cell->turn, memory_order_relaxed) == turn;
}
