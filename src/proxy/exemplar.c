#include "proxy/exemplar.h"

/* The stores of the words are releases, so that who loads one of them with acquire sees the odd turn before
 * it in its second look at the turn. */
static void put(_Atomic uint64_t *turn_at, _Atomic uint64_t *at, const uint64_t *words, unsigned len)
{
    uint64_t turn = atomic_load_explicit(turn_at, memory_order_relaxed);

    atomic_store_explicit(turn_at, turn + 1, memory_order_relaxed);
    for (unsigned i = 0; i < len; i++)
        atomic_store_explicit(&at[i], words[i], memory_order_release);
    atomic_store_explicit(turn_at, turn + 2, memory_order_release);
}

static bool get(const _Atomic uint64_t *turn_at, const _Atomic uint64_t *at, uint64_t *words_r, unsigned len)
{
    uint64_t turn = atomic_load_explicit(turn_at, memory_order_acquire);

    if (turn == 0 || turn % 2 == 1)
        return false;
    for (unsigned i = 0; i < len; i++)
        words_r[i] = atomic_load_explicit(&at[i], memory_order_acquire);
    return atomic_load_explicit(turn_at, memory_order_relaxed) == turn;
}

void exemplar_put(struct exemplar_cell *cell, const struct exemplar *exemplar)
{
    const uint64_t words[EXEMPLAR_WORDS] = {exemplar->trace_high, exemplar->trace_low,
                                            (uint64_t)exemplar->duration_ns, (uint64_t)exemplar->wall_ns};

    put(&cell->turn, cell->words, words, EXEMPLAR_WORDS);
}

bool exemplar_get(const struct exemplar_cell *cell, struct exemplar *exemplar_r)
{
    uint64_t words[EXEMPLAR_WORDS];

    if (!get(&cell->turn, cell->words, words, EXEMPLAR_WORDS))
        return false;
    *exemplar_r = (struct exemplar){words[0], words[1], (int64_t)words[2], (int64_t)words[3]};
    return true;
}

/* ---- those that failed ---- */

enum { STATUS_SHIFT = 32, OUTCOME_SHIFT = 48, SLOW_BIT = 63 };

void failures_put(struct failures *failures, const struct failure *failure)
{
    struct failure_ring *ring = &failures->rings[failure->sampled];
    const uint64_t words[FAILURE_WORDS] = {
        failure->trace_high, failure->trace_low, (uint64_t)failure->wall_ns,
        (uint64_t)failure->target | (uint64_t)failure->status << STATUS_SHIFT |
            (uint64_t)failure->outcome << OUTCOME_SHIFT | (uint64_t)failure->slow << SLOW_BIT};
    struct failure_cell *cell = &ring->cells[ring->next++ % FAILURES_KEPT];

    put(&cell->turn, cell->words, words, FAILURE_WORDS);
}

size_t failures_get(const struct failures *failures, bool sampled,
                    struct failure failures_r[static FAILURES_KEPT])
{
    const struct failure_ring *ring = &failures->rings[sampled];
    size_t len = 0;

    for (size_t i = 0; i < FAILURES_KEPT; i++) {
        uint64_t words[FAILURE_WORDS];

        if (!get(&ring->cells[i].turn, ring->cells[i].words, words, FAILURE_WORDS))
            continue;
        failures_r[len++] = (struct failure){
            .trace_high = words[0],
            .trace_low = words[1],
            .wall_ns = (int64_t)words[2],
            .target = (uint32_t)words[3],
            .status = (uint16_t)(words[3] >> STATUS_SHIFT),
            .outcome = (uint8_t)(words[3] >> OUTCOME_SHIFT),
            .slow = words[3] >> SLOW_BIT,
            .sampled = sampled,
        };
    }
    return len;
}
