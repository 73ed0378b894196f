#include "proto/h2_mem.h"

#include <stdlib.h>

enum { CHUNK = 16 << 10, SPARE = 2 * CHUNK };

/* In front of each block. */
union header {
    size_t size; /* with the header */
    max_align_t align;
};

void h2_mem_init(struct h2_mem *mem, size_t max, struct budget *budget)
{
    *mem = (struct h2_mem){.max = max, .budget = budget};
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

void *h2_mem_alloc(struct h2_mem *mem, size_t size)
{
    return h2_mem_resize(mem, NULL, size);
}

void *h2_mem_resize(struct h2_mem *mem, void *block, size_t size)
{
    union header *old = block ? (union header *)block - 1 : NULL;
    size_t old_size = old ? old->size : 0;
    union header *header;

    if (size > SIZE_MAX - sizeof *header)
        return NULL;
    size += sizeof *header;
    if (size > old_size && !take(mem, size - old_size))
        return NULL;
    header = realloc(old, size);
    if (!header) {
        if (size > old_size)
            give(mem, size - old_size);
        return NULL;
    }
    if (size < old_size)
        give(mem, old_size - size);
    header->size = size;
    return header + 1;
}

void h2_mem_free(struct h2_mem *mem, void *block)
{
    union header *header = block ? (union header *)block - 1 : NULL;

    if (!header)
        return;
    give(mem, header->size);
    free(header);
}
