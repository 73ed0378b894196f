/*
 * Content that waits because there is no room yet where it goes: a line of blocks of the size of a small
 * buffer. So it takes little more memory than it has bytes (one block, at most), and none of the buffers that
 * heads need: of its blocks a worker has a number of its own (spill_memory). A spill has no other maximum;
 * the window that the peer was given is one.
 *
 * Thread: the worker's.
 */
#ifndef PROXY_SPILL_H
#define PROXY_SPILL_H

#include "proxy/relay.h"

#include <stdbool.h>

struct spill_piece;
struct worker;

/* Zeroed: empty. */
struct spill {
    struct spill_piece *first, *last;
    size_t len; /* bytes that wait */
};

static inline bool spill_is_empty(const struct spill *spill)
{
    return !spill->first;
}
/* Adds a copy of `bytes`. False when there is no memory: then part of it may be there. */
MUST_CHECK bool spill_add(struct spill *spill, struct worker *worker, struct str bytes);
/* Moves as much as there is room for behind what `to` holds; says whether that was anything. */
MUST_CHECK bool spill_move(struct spill *spill, struct worker *worker, struct relay_buf *to);
/* Gives all of it back. */
void spill_release(struct spill *spill, struct worker *worker);

#endif
