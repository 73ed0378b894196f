#include "base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pool_block {
    struct pool_block *next;
};

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "penstock: out of memory (%zu bytes asked)\n", size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = malloc(size ? size : 1);

    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_zalloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_resize(void *old, size_t count, size_t size)
{
    size_t bytes;
    void *p = NULL;

    if (__builtin_mul_overflow(count, size, &bytes))
        bytes = SIZE_MAX;
    else
        p = realloc(old, bytes ? bytes : 1);
    if (!p)
        out_of_memory(bytes);
    return p;
}

char *mem_strndup(const char *text, size_t len)
{
    char *copy = mem_alloc(len + 1);

    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

char *mem_strdup_if(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    char *text;
    int len;

    va_start(ap, fmt);
    len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0)
        out_of_memory(strlen(fmt));
    return text;
}

void arena_init(struct arena *arena, void *block, size_t cap)
{
    *arena = (struct arena){.base = block, .cap = cap};
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t gap = -((uintptr_t)arena->base + arena->len) % alignof(max_align_t);
    size_t at = arena->len + gap;

    if (at > arena->cap || size > arena->cap - at)
        return NULL;
    arena->len = at + size;
    return arena->base + at;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t len)
{
    char *copy = len == SIZE_MAX ? NULL : arena_alloc(arena, len + 1);

    if (!copy)
        return NULL;
    if (len)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

void arena_reset(struct arena *arena)
{
    arena->len = 0;
}

void mem_pool_init(struct mem_pool *pool, size_t size, size_t keep_max, size_t live_max)
{
    BUG_ON(size < sizeof(struct pool_block));
    *pool = (struct mem_pool){.size = size, .keep_max = keep_max, .live_max = live_max};
}

void mem_pool_draw(struct mem_pool *pool, struct budget *budget)
{
    BUG_ON(pool->live_len != 0 || pool->free_len != 0);
    pool->budget = budget;
}

/* A block from the system, NULL when there is none. */
static void *draw(struct mem_pool *pool)
{
    void *block;

    if (pool->budget && !budget_take(pool->budget, pool->size))
        return NULL;
    block = malloc(pool->size);
    if (!block && pool->budget)
        budget_give(pool->budget, pool->size);
    return block;
}

static void give_back(struct mem_pool *pool, void *block)
{
    free(block);
    if (pool->budget)
        budget_give(pool->budget, pool->size);
}

void mem_pool_trim(struct mem_pool *pool)
{
    while (pool->free_list) {
        struct pool_block *block = pool->free_list;

        pool->free_list = block->next;
        give_back(pool, block);
    }
    pool->free_len = 0;
}

void mem_pool_fini(struct mem_pool *pool)
{
    BUG_ON(pool->live_len != 0);
    mem_pool_trim(pool);
}

void *mem_pool_get(struct mem_pool *pool)
{
    struct pool_block *block = pool->free_list;

    if (pool->live_len >= pool->live_max)
        return NULL;
    if (block) {
        pool->free_list = block->next;
        pool->free_len--;
    } else if (!(block = draw(pool))) {
        return NULL;
    }
    pool->live_len++;
    return block;
}

void mem_pool_put(struct mem_pool *pool, void *block)
{
    struct pool_block *freed = block;

    if (!freed)
        return;
    BUG_ON(pool->live_len == 0);
    pool->live_len--;
    if (pool->free_len == pool->keep_max) {
        give_back(pool, freed);
        return;
    }
    freed->next = pool->free_list;
    pool->free_list = freed;
    pool->free_len++;
}
