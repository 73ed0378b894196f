/*
 * The allocator of an HTTP/2 session: counts what it has given out, and refuses beyond a maximum. What it
 * gives out may be drawn from a budget, a chunk at a time, so that the budget's counter is not touched with
 * each stream. Thread: the session's.
 */
#ifndef PROTO_H2_MEM_H
#define PROTO_H2_MEM_H

#include "base/budget.h"

#include <stdint.h>

struct h2_mem {
    size_t used;           /* bytes given out, with what it costs to count them */
    size_t max;            /* most of them */
    size_t drawn;          /* of the budget, in whole chunks; used <= drawn with a budget */
    struct budget *budget; /* or NULL */
};

void h2_mem_init(struct h2_mem *mem, size_t max, struct budget *budget);
/* Everything must have been freed. */
void h2_mem_fini(struct h2_mem *mem);
/* As malloc; NULL when it would exceed the maximum or the budget. */
MUST_CHECK void *h2_mem_alloc(struct h2_mem *mem, size_t size);
/* As realloc: NULL leaves the old block as it was. */
MUST_CHECK void *h2_mem_resize(struct h2_mem *mem, void *block, size_t size);
/* `block` may be NULL. */
void h2_mem_free(struct h2_mem *mem, void *block);

#endif
