#include "base/ring.h"

#include "base/mem.h"

#include <stdlib.h>

void ring_init(struct ring *ring, uint32_t capacity)
{
    BUG_ON(capacity == 0 || (capacity & (capacity - 1)) != 0);
    ring->slots = mem_zalloc(capacity * sizeof *ring->slots);
    ring->mask = capacity - 1;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
}

void ring_fini(struct ring *ring)
{
    free(ring->slots);
    ring->slots = NULL;
}

bool ring_push(struct ring *ring, void *item)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    if (tail - atomic_load_explicit(&ring->head, memory_order_acquire) > ring->mask)
        return false;
    ring->slots[tail & ring->mask] = item;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

void *ring_pop(struct ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    void *item;

    if (head == atomic_load_explicit(&ring->tail, memory_order_acquire))
        return NULL;
    item = ring->slots[head & ring->mask];
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return item;
}
