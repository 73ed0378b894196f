/*
 * The allocator of an HTTP/2 session: counts what it has given out, and refuses beyond a maximum. What it
 * gives out may be drawn from a budget, a chunk at a time, so that the budget's counter is not touched with
 * each stream. Thread: the session's.
 */
#ifndef PROTO_H2_MEM_H
#define PROTO_H2_MEM_H

#include "base/mem.h"

#include <stdint.h>

enum {
    H2_BLOCK_STEP = 64,   /* small blocks have a multiple of so many bytes */
    H2_BLOCK_SIZES = 16,  /* so many sizes */
    H2_BLOCKS_KEPT = 128, /* of each size */
};

/* Small blocks for the sessions of one thread. Streams come and go in bursts, each with the same few sizes,
 * so those that are freed are kept for the next ones; a budget does not count what is kept. */
struct h2_blocks {
    struct mem_pool sizes[H2_BLOCK_SIZES];
};

void h2_blocks_init(struct h2_blocks *blocks);
/* Frees what is kept. */
void h2_blocks_trim(struct h2_blocks *blocks);
/* The same, when all sessions are gone. */
void h2_blocks_fini(struct h2_blocks *blocks);

struct h2_mem {
    size_t used;              /* bytes given out, with what it costs to count them */
    size_t max;               /* most of them */
    size_t drawn;             /* of the budget, in whole chunks; used <= drawn with a budget */
    struct budget *budget;    /* or NULL */
    struct h2_blocks *blocks; /* or NULL */
};

/* `budget` and `blocks` are borrowed. */
void h2_mem_init(struct h2_mem *mem, size_t max, struct budget *budget, struct h2_blocks *blocks);
/* Everything must have been freed. */
void h2_mem_fini(struct h2_mem *mem);
/* As malloc; NULL when it would exceed the maximum or the budget. */
MUST_CHECK void *h2_mem_alloc(struct h2_mem *mem, size_t size);
/* As realloc: NULL leaves the old block as it was. */
MUST_CHECK void *h2_mem_resize(struct h2_mem *mem, void *block, size_t size);
/* `block` may be NULL. */
void h2_mem_free(struct h2_mem *mem, void *block);

#endif
