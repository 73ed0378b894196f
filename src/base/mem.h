/*
 * Memory: checked heap calls, an arena that lives as long as a request, and pools of equal blocks.
 *
 * Heap calls never return NULL: a machine without memory cannot be served from, so they abort with a message.
 * What grows with traffic does not come from the heap but from arenas and pools, which have a stated maximum
 * and may refuse.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/budget.h"
#include "base/bug.h"

#include <stdbool.h>
#include <stddef.h>

/* Heap memory of `size` bytes, owned by the caller, freed with free(). mem_zalloc clears it. Never NULL.
 * Thread: any. */
void *mem_alloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_zalloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
/* As realloc, for `count` elements of `size` bytes, with the product checked. Never NULL. Thread: any. */
void *mem_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
/* A copy of the text, owned by the caller. Never NULL; `text` may be NULL when `len` is 0. Thread: any. */
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *mem_strndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));
/* A copy of a text that may not be there: NULL of NULL. Thread: any. */
char *mem_strdup_if(const char *text) __attribute__((malloc));
/* snprintf into fresh heap memory, owned by the caller. Never NULL. Thread: any. */
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((malloc, returns_nonnull));

/*
 * An arena hands out memory by moving a cursor through one block, and takes all of it back at once. The block
 * belongs to whoever embeds the arena (for a request: the transaction). There is no second block: a full
 * arena refuses, and the request that filled it is refused with it.
 */
struct arena {
    char *base; /* the block, borrowed */
    size_t cap; /* bytes in the block, the stated maximum */
    size_t len; /* bytes handed out, <= cap */
};

void arena_init(struct arena *arena, void *block, size_t cap);
/* Memory aligned for any type, valid until arena_reset; NULL when the arena is full. Thread: the owner's. */
MUST_CHECK void *arena_alloc(struct arena *arena, size_t size);
/* A copy of `len` bytes with a NUL behind them; NULL when the arena is full. `bytes` may be NULL when `len`
 * is 0. */
MUST_CHECK char *arena_copy(struct arena *arena, const char *bytes, size_t len);
/* Takes everything back. All pointers that came out of the arena are dead. */
void arena_reset(struct arena *arena);

/*
 * A pool of blocks of one size for one thread: freed blocks are kept for reuse, up to `keep_max` of them, and
 * at most `live_max` blocks are out at a time. In steady state it makes no heap call. When the system has no
 * memory, or the budget that it draws from none, it refuses.
 */
struct pool_block;
struct mem_pool {
    struct pool_block *free_list;
    size_t size;           /* bytes a block */
    size_t free_len;       /* blocks on free_list */
    size_t keep_max;       /* most blocks kept on free_list */
    size_t live_len;       /* blocks lent out */
    size_t live_max;       /* most blocks lent out */
    struct budget *budget; /* borrowed; NULL: none */
};

void mem_pool_init(struct mem_pool *pool, size_t size, size_t keep_max, size_t live_max);
/* Lets a fresh pool draw from a budget, which outlives it. */
void mem_pool_draw(struct mem_pool *pool, struct budget *budget);
/* Frees the kept blocks; none may be lent out. */
void mem_pool_fini(struct mem_pool *pool);
/* Frees the kept blocks. */
void mem_pool_trim(struct mem_pool *pool);
/* A block with undefined contents; NULL when live_max blocks are out, or there is no memory for one more.
 * Thread: the owner's. */
MUST_CHECK void *mem_pool_get(struct mem_pool *pool);
/* Gives a block back; `block` may be NULL. */
void mem_pool_put(struct mem_pool *pool, void *block);

#endif
