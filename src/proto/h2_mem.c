#include "proto/h2_mem.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 << 10, SPARE = 2 * CHUNK };

/* In front of each block. */
struct header {
    _Alignas(max_align_t) size_t size; /* with the header */
};

void h2_blocks_init(struct h2_blocks *blocks)
{
    for (size_t i = 0; i < H2_BLOCK_SIZES; i++)
        mem_pool_init(&blocks->sizes[i], (i + 1) * H2_BLOCK_STEP, H2_BLOCKS_KEPT, SIZE_MAX);
}

void h2_blocks_trim(struct h2_blocks *blocks)
{
    for (size_t i = 0; i < H2_BLOCK_SIZES; i++)
        mem_pool_trim(&blocks->sizes[i]);
}

void h2_blocks_fini(struct h2_blocks *blocks)
{
    for (size_t i = 0; i < H2_BLOCK_SIZES; i++)
        mem_pool_fini(&blocks->sizes[i]);
}

void h2_mem_init(struct h2_mem *mem, size_t max, struct budget *budget, struct h2_blocks *blocks)
{
    *mem = (struct h2_mem){.max = max, .budget = budget, .blocks = blocks};
}

/* Gives whole chunks back, down to `spare` bytes that are drawn and not used. */
static void give_back(struct h2_mem *mem, size_t spare)
{
    while (mem->drawn - mem->used > spare && mem->drawn - mem->used >= CHUNK) {
        budget_give(mem->budget, CHUNK);
        mem->drawn -= CHUNK;
    }
}

void h2_mem_fini(struct h2_mem *mem)
{
    BUG_ON(mem->used);
    if (mem->budget)
        give_back(mem, 0);
}

static bool take(struct h2_mem *mem, size_t size)
{
    size_t chunks;

    if (size > mem->max - mem->used)
        return false;
    if (mem->budget && mem->used + size > mem->drawn) {
        chunks = (mem->used + size - mem->drawn + CHUNK - 1) / CHUNK;
        if (!budget_take(mem->budget, chunks * CHUNK))
            return false;
        mem->drawn += chunks * CHUNK;
    }
    mem->used += size;
    return true;
}

static void give(struct h2_mem *mem, size_t size)
{
    BUG_ON(size > mem->used);
    mem->used -= size;
    if (mem->budget && mem->drawn - mem->used > SPARE)
        give_back(mem, SPARE);
}

/* Where blocks of this size, which is a multiple of the step, come from; NULL: from the heap. */
static struct mem_pool *pool_for(const struct h2_mem *mem, size_t size)
{
    return mem->blocks && size <= H2_BLOCK_STEP * H2_BLOCK_SIZES
               ? &mem->blocks->sizes[size / H2_BLOCK_STEP - 1]
               : NULL;
}

void *h2_mem_alloc(struct h2_mem *mem, size_t size)
{
    struct header *header;
    struct mem_pool *pool;

    if (size > mem->max)
        return NULL;
    size = (size + sizeof *header + H2_BLOCK_STEP - 1) / H2_BLOCK_STEP * H2_BLOCK_STEP;
    if (!take(mem, size))
        return NULL;
    pool = pool_for(mem, size);
    header = pool ? mem_pool_get(pool) : malloc(size);
    if (!header) {
        give(mem, size);
        return NULL;
    }
    header->size = size;
    return header + 1;
}

void *h2_mem_resize(struct h2_mem *mem, void *block, size_t size)
{
    size_t old = block ? ((struct header *)block - 1)->size - sizeof(struct header) : 0;
    void *resized = h2_mem_alloc(mem, size);

    if (resized && block) {
        memcpy(resized, block, old < size ? old : size);
        h2_mem_free(mem, block);
    }
    return resized;
}

void h2_mem_free(struct h2_mem *mem, void *block)
{
    struct header *header = block ? (struct header *)block - 1 : NULL;
    struct mem_pool *pool;

    if (!header)
        return;
    give(mem, header->size);
    pool = pool_for(mem, header->size);
    if (pool)
        mem_pool_put(pool, header);
    else
        free(header);
}
