#include "cli/arrivals.h"

#include "base/clk.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(ARRIVALS_SECONDS > ARRIVALS_WAIT_S + 1, "the seconds that wait have a place each");

enum { BLOCK_LEN = 255 };

struct arrivals_block {
    struct arrivals_block *next;
    size_t len;
    struct logline lines[BLOCK_LEN];
};

void arrivals_init(struct arrivals *arrivals, arrivals_take *take, void *arg)
{
    *arrivals = (struct arrivals){
        .take = take, .arg = arg, .oldest_s = INT64_MAX, .newest_s = INT64_MIN, .max = ARRIVALS_MAX};
}

static void free_blocks(struct arrivals_block *block)
{
    while (block) {
        struct arrivals_block *next = block->next;

        free(block);
        block = next;
    }
}

void arrivals_fini(struct arrivals *arrivals)
{
    for (size_t i = 0; i < ARRIVALS_SECONDS; i++)
        free_blocks(arrivals->seconds[i].first);
    free_blocks(arrivals->spare);
    free(arrivals->sorted);
    free(arrivals->other);
    *arrivals = (struct arrivals){0};
}

static struct arrivals_second *second_at(struct arrivals *arrivals, int64_t second)
{
    return &arrivals->seconds[(uint64_t)second % ARRIVALS_SECONDS];
}

/* ---- the order of a second ---- */

enum { DIGITS = 3, BASE = 1000 };

/* Nanoseconds, microseconds and milliseconds are the digits of a time within its second. */
static inline size_t digit_of(const struct logline *line, unsigned digit)
{
    uint64_t ns = (uint64_t)line->wall_ns;

    if (digit == 0)
        return ns % BASE;
    return digit == 1 ? ns / BASE % BASE : ns / BASE / BASE % BASE;
}

/* One pass of a radix sort, which is stable. False when all have the same digit, and then nothing is done. */
static bool sort_by(const struct logline *from, struct logline *into, size_t len, unsigned digit)
{
    size_t places[BASE] = {0}, sum = 0;

    for (size_t i = 0; i < len; i++)
        places[digit_of(&from[i], digit)]++;
    if (places[digit_of(from, digit)] == len)
        return false;
    for (size_t i = 0; i < BASE; i++) {
        size_t here = places[i];

        places[i] = sum;
        sum += here;
    }
    for (size_t i = 0; i < len; i++)
        into[places[digit_of(&from[i], digit)]++] = from[i];
    return true;
}

static void insert_sort(struct logline *lines, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        const struct logline line = lines[i];
        size_t at = i;

        for (; at > 0 && lines[at - 1].wall_ns > line.wall_ns; at--)
            lines[at] = lines[at - 1];
        lines[at] = line;
    }
}

/* What stands in `sorted`; there it is afterwards. */
static void sort(struct arrivals *arrivals, size_t len)
{
    enum { FEW = 64 };

    if (len <= FEW) {
        insert_sort(arrivals->sorted, len);
        return;
    }
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        struct logline *from = arrivals->sorted;

        if (!sort_by(from, arrivals->other, len, digit))
            continue;
        arrivals->sorted = arrivals->other;
        arrivals->other = from;
    }
}

/* ---- turns ---- */

static void reserve(struct arrivals *arrivals, size_t len)
{
    if (len <= arrivals->cap)
        return;
    while (arrivals->cap < len)
        arrivals->cap = arrivals->cap ? 2 * arrivals->cap : 1024;
    arrivals->sorted = mem_resize(arrivals->sorted, arrivals->cap, sizeof *arrivals->sorted);
    arrivals->other = mem_resize(arrivals->other, arrivals->cap, sizeof *arrivals->other);
}

/* Puts the requests of a second behind one another into `sorted`, and leaves its place empty. */
static size_t gather(struct arrivals *arrivals, struct arrivals_second *second)
{
    size_t len = 0;

    reserve(arrivals, second->len);
    for (struct arrivals_block *block = second->first; block; block = block->next) {
        memcpy(arrivals->sorted + len, block->lines, block->len * sizeof *block->lines);
        len += block->len;
    }
    if (second->last) {
        second->last->next = arrivals->spare;
        arrivals->spare = second->first;
    }
    *second = (struct arrivals_second){0};
    arrivals->len -= len;
    return len;
}

/* The oldest second is over. */
static void end_second(struct arrivals *arrivals)
{
    size_t len = gather(arrivals, second_at(arrivals, arrivals->oldest_s));

    arrivals->oldest_s++;
    sort(arrivals, len);
    for (size_t i = 0; i < len; i++)
        arrivals->take(arrivals->arg, &arrivals->sorted[i]);
}

static void end_until(struct arrivals *arrivals, int64_t second)
{
    while (arrivals->oldest_s < second && arrivals->oldest_s <= arrivals->newest_s)
        end_second(arrivals);
}

static struct arrivals_block *block_new(struct arrivals *arrivals)
{
    struct arrivals_block *block = arrivals->spare;

    if (block)
        arrivals->spare = block->next;
    else
        block = mem_alloc(sizeof *block);
    block->next = NULL;
    block->len = 0;
    return block;
}

static void put(struct arrivals *arrivals, struct arrivals_second *second, const struct logline *line)
{
    struct arrivals_block *last = second->last;

    if (!last || last->len == BLOCK_LEN) {
        struct arrivals_block *block = block_new(arrivals);

        if (last)
            last->next = block;
        else
            second->first = block;
        second->last = last = block;
    }
    last->lines[last->len++] = *line;
    second->len++;
    arrivals->len++;
}

void arrivals_add(struct arrivals *arrivals, const struct logline *line)
{
    int64_t second = line->wall_ns / NS_PER_S;

    if (second > arrivals->newest_s) {
        end_until(arrivals, second - ARRIVALS_WAIT_S);
        arrivals->newest_s = second;
        if (arrivals->oldest_s < second - ARRIVALS_WAIT_S || arrivals->oldest_s > second)
            arrivals->oldest_s = second - ARRIVALS_WAIT_S;
    }
    if (second < arrivals->oldest_s) {
        arrivals->take(arrivals->arg, line);
        return;
    }
    put(arrivals, second_at(arrivals, second), line);
    while (arrivals->len > arrivals->max)
        end_second(arrivals);
}

void arrivals_end(struct arrivals *arrivals)
{
    end_until(arrivals, INT64_MAX);
}
