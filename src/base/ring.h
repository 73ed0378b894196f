/*
 * A bounded ring of pointers between two threads: one pushes, one pops, nobody waits. The capacity is a power
 * of two, stated by the owner. (Lamport 1983; the indices grow without bound and are reduced when used.)
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include "base/bug.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { RING_GAP = 64 }; /* bytes in a cache line */

struct ring {
    void **slots;
    uint32_t mask;
    /* Never on one cache line, so that the two threads do not fight for it. Gaps, and no alignment that the
     * heap would not keep: a ring may be part of anything. */
    char gap_front[RING_GAP];
    _Atomic uint32_t head; /* next to pop: written by the popper (release), read by the pusher (acquire) */
    char gap_middle[RING_GAP];
    _Atomic uint32_t tail; /* next to push: written by the pusher (release), read by the popper (acquire) */
    char gap_back[RING_GAP];
};

/* `capacity` must be a power of two. The ring owns its slots, not what they point to. */
void ring_init(struct ring *ring, uint32_t capacity);
void ring_fini(struct ring *ring);
/* False when the ring is full. Thread: the pusher. */
MUST_CHECK bool ring_push(struct ring *ring, void *item);
/* NULL when the ring is empty. Thread: the popper. */
void *ring_pop(struct ring *ring);

#endif
